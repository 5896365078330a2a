"""Measured curves reduced to what a fit compares: means of contacts at a few biases, and their covariance."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.measured.analysis import Analysis, analysis_of
from chirospin.measured.curves import curves_of

Real = NDArray[np.float64]
MOST_BIASES, FEWEST_BIASES = 12, 2
PER_BIAS = 3
"""Degrees of freedom for each bias that the covariance of unit means needs."""
ROOM = 300.0
"""K, of a set that does not say its temperature."""
MEMORY = 0.3
"""Of the largest bias: length over which the misfit of a curve's shape is one."""
OWN_MISFIT = 0.02
"""Of ln I: what a model misses in each magnetisation by itself."""


@dataclass(frozen=True, kw_only=True)
class Reduced:
    r"""Group means of unit means at J biases.

    Parameters
    ----------
    bias : (J,), V
    mean : of ln\|I\|, up and then down, (2J,)
    covariance : of ``mean``, from the scatter of units, (2J, 2J)
    freedom : nu of Student's t
    units : contacts of either magnetisation together; of pairs, contacts
    temperature : K
    """

    bias: Real
    mean: Real
    covariance: Real
    freedom: float
    units: int
    paired: bool
    temperature: float
    enantiomer: str

    @property
    def centre(self) -> float:
        """Mean of ln|I|, about which the scale is free."""
        return float(self.mean.mean())

    @property
    def kernel(self) -> Real:
        """K of the misfit of a curve's shape, (J, J)."""
        apart = (self.bias[:, None] - self.bias) / (MEMORY * np.abs(self.bias).max())
        kernel: Real = np.exp(-(apart**2) / 2)
        return kernel

    @property
    def shared(self) -> Real:
        """Covariance of a misfit of size 1 that both magnetisations share, (2J, 2J)."""
        return np.asarray(np.kron(np.ones((2, 2)), self.kernel), dtype=float)

    @property
    def widening(self) -> float:
        r"""What the scatter of few units hides: scale :math:`(\nu + p - 1)/\nu` of the t of a mean, p its length."""
        length = len(self.bias) * (2 if self.paired else 1)
        return (self.freedom + length - 1) / self.freedom

    @property
    def fixed(self) -> Real:
        """Covariance that no parameter changes, (2J, 2J)."""
        own = OWN_MISFIT**2 * np.kron(np.eye(2), self.kernel)
        return np.asarray(self.widening * self.covariance + own)


def reduced_curves(
    ds: xr.Dataset, enantiomer: str | None = None, bias: float | None = None
) -> Reduced:
    """What a fit compares.

    Parameters
    ----------
    enantiomer : the first of R, S and the one without a name that has contacts of both magnetisations, if None

    Raises
    ------
    ModelError : no curves of both magnetisations, too few contacts, no such enantiomer
    """
    analysis = analysis_of(curves_of(ds), bias)
    hands = [e for e in analysis.contacts if analysis.contacts[e].testable]
    name = enantiomer or next(iter(analysis.tested), None)
    if name not in hands:
        raise ModelError(
            f"Option --enantiomer must be one with two contacts of each magnetisation ({', '.join(hands) or 'none'}), "
            f"but is {name}"
        )
    said = json.loads(str(ds.attrs.get("description", "{}")))
    temperature = _kelvin(said.get("temperature"))
    return _reduced(analysis, str(name), temperature)


def _kelvin(said: str | float | None) -> float:
    from chirospin.base.units import quantity

    if said is None:
        return ROOM
    return quantity(said, "K", "temperature of the set") if isinstance(said, str) else float(said)


def _reduced(analysis: Analysis, enantiomer: str, temperature: float) -> Reduced:
    units = analysis.contacts[enantiomer]
    many = units.ups if units.paired else len(units.up)
    left = many - (1 if units.paired else 2)
    most = left // (2 * PER_BIAS if units.paired else PER_BIAS)
    count = min(MOST_BIASES, most) // 2 * 2
    if count < FEWEST_BIASES:
        need = FEWEST_BIASES * PER_BIAS * (2 if units.paired else 1) + (1 if units.paired else 2)
        raise ModelError(
            f"A fit needs {need} contacts, for their scatter at two biases, but {enantiomer} has {many}; "
            "chirospin bound needs two of each magnetisation"
        )
    place = _spread(analysis.curves.bias, analysis.usable, count)
    mean = units.mean(analysis.log_current)[:, place]
    if units.paired:
        both = np.concatenate([mean[units.up], mean[~units.up]], axis=1)
        covariance = np.cov(both.T) / many
        centre = both.mean(axis=0)
    else:
        sides = [mean[units.up], mean[~units.up]]
        squares = sum((s - s.mean(axis=0)).T @ (s - s.mean(axis=0)) for s in sides) / left
        covariance = np.zeros((2 * len(place),) * 2)
        for n, side in enumerate(sides):
            own = slice(n * len(place), (n + 1) * len(place))
            covariance[own, own] = squares / len(side)
        centre = np.concatenate([s.mean(axis=0) for s in sides])
    return Reduced(
        bias=analysis.curves.bias[place],
        mean=centre,
        covariance=np.atleast_2d(covariance),
        freedom=float(left - len(place) * (2 if units.paired else 1) + 1),
        units=many,
        paired=units.paired,
        temperature=temperature,
        enantiomer=enantiomer,
    )


def _spread(bias: Real, usable: NDArray[np.bool_], count: int) -> NDArray[np.int_]:
    """Usable biases, equally many of both signs where there are, equally spaced in their order."""
    sides = [np.flatnonzero(usable & (np.sign(bias) == sign)) for sign in (-1, 1)]
    both = all(len(side) for side in sides)
    share = count // 2 if both else count
    kept = [
        side[np.unique(np.linspace(0, len(side) - 1, min(share, len(side))).round().astype(int))]
        for side in sides
        if len(side)
    ]
    return np.concatenate(kept)
