"""How many contacts a claim needs, and what so many would fake: noncentral t."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from chirospin.base.errors import ModelError
from chirospin.measured.estimates import ALPHA

MOST = 1_000_000
NORMAL = 1e4
"""Degrees of freedom above which t is normal to four digits; scipy's noncentral t is NaN far out."""
FEWEST_RUNS = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a claim needs.

    Parameters
    ----------
    contacts : of each magnetisation; contacts that hold both if ``paired``
    fake : \\|P\\| above which 5 % of sets without any effect lie, with so many contacts
    runs : times that the magnetisation has to be set each way
    smallest_p : what so many runs can reach
    """

    polarisation: float
    scatter: float
    paired: bool
    power: float
    contacts: int
    fake: float
    runs: int
    smallest_p: float


def shown_share(
    difference: float, scatter: float, contacts: float, *, paired: bool = False
) -> float:
    r"""Power: share of sets in which a difference D of ln I is shown, upper tail.

    .. math:: t > t_{1-\alpha/2,\nu}, \qquad \delta = D / (s \sqrt{2/n}) \text{ or } D / (s/\sqrt n)
    """
    freedom = contacts - 1 if paired else 2 * contacts - 2
    if freedom <= 0:
        return 0.0
    centre = abs(difference) / (scatter * math.sqrt((1 if paired else 2) / contacts))
    limit = float(stats.t.isf(ALPHA / 2, freedom))
    if freedom < NORMAL:
        share = float(stats.nct.sf(limit, freedom, centre))
        if math.isfinite(share):
            return share
    return float(stats.norm.sf(limit - centre))


def faked(scatter: float, contacts: float, *, paired: bool = False) -> float:
    r"""\|P\| that 5 % of sets without any effect exceed: tanh(z s sqrt(2/n)/2)."""
    z = float(stats.norm.isf(ALPHA / 2))
    return math.tanh(z * scatter * math.sqrt((1 if paired else 2) / contacts) / 2)


def detectable(
    scatter: float, contacts: float, *, paired: bool = False, power: float = 0.8
) -> float:
    """The smallest \\|P\\| that so many contacts show in a share ``power`` of sets."""
    if contacts < 2 or not scatter > 0:
        return math.nan
    low, high = 0.0, 1.0
    while shown_share(high, scatter, contacts, paired=paired) < power:
        high *= 2
        if high > 1e6:
            return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = shown_share(middle, scatter, contacts, paired=paired) >= power
        low, high = (low, middle) if enough else (middle, high)
    return math.tanh(high / 2)


def needed(polarisation: float, scatter: float, *, paired: bool = False, power: float = 0.8) -> int:
    """The fewest contacts of each magnetisation, or pairs, that show a polarisation in a share of sets.

    Raises
    ------
    ModelError : more than a million
    """
    difference = 2 * math.atanh(polarisation)
    low, high = 1, 2
    while shown_share(difference, scatter, high, paired=paired) < power:
        low, high = high, 2 * high
        if high > MOST:
            raise ModelError(
                f"A polarisation of {polarisation:g} with a scatter of {scatter:g} needs more than a million contacts"
            )
    while high - low > 1:
        middle = (low + high) // 2
        enough = shown_share(difference, scatter, middle, paired=paired) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def runs_needed() -> tuple[int, float]:
    """How often the magnetisation has to be set each way, and the smallest p of permuting so many runs."""
    runs = FEWEST_RUNS
    while 2 / math.comb(2 * runs, runs) > ALPHA:
        runs += 1
    return runs, 2 / math.comb(2 * runs, runs)


def plan(
    polarisation: float, scatter: float = 1.2, *, paired: bool = False, power: float = 0.8
) -> Plan:
    """How many contacts show a polarisation.

    Parameters
    ----------
    polarisation : \\|P\\| that is to be shown, in (0, 1)
    scatter : standard deviation of ln I between contacts, or of its differences if ``paired``
    power : share of sets in which it is shown, in [0.05, 1)

    Raises
    ------
    ModelError : out of range
    """
    for name, value, low, high in (
        ("polarisation", polarisation, 0.0, 1.0),
        ("scatter", scatter, 0.0, 20.0),
        ("power", power, ALPHA, 1.0),
    ):
        if not (np.isfinite(value) and low < value < high):
            raise ModelError(f"The {name} must be in ({low:g}, {high:g}), but is {value:g}")
    many = needed(polarisation, scatter, paired=paired, power=power)
    runs, p = runs_needed()
    return Plan(
        polarisation=polarisation,
        scatter=scatter,
        paired=paired,
        power=power,
        contacts=many,
        fake=faked(scatter, many, paired=paired),
        runs=runs,
        smallest_p=p,
    )


def plan_facts(plan: Plan) -> dict[str, Any]:
    """A plan as plain values."""
    return dict(vars(plan))
