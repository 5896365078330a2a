r"""Leads that float: occupations or potentials such that no current flows into them.

.. math:: I_l(x) = 0 \quad\text{for every voltage probe } l
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.junction.model import MolecularStack, floating_leads

Real = NDArray[np.float64]
Currents = Callable[[Real], Real]
SAME = 1e-15  # of a value of order 1
WIDER = (1.0, 4.0, 16.0, 64.0, 256.0)  # times the reach: where a root is looked for


def require_no_floating(model: MolecularStack, method: str, where: str) -> None:
    """Refuse voltage probes that a method, or a quantity, has not.

    Parameters
    ----------
    where : the methods that have them

    Raises
    ------
    ModelError : names them
    """
    if floating_leads(model):
        raise ModelError(
            f"Parameter `voltage_probes` must be none (dimensionless) for {method}; {where} have them"
        )


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where the values of voltage probes can lie: around a middle, as far as a reach, or up to hard ends."""

    middle: float
    reach: float
    hard: bool = False

    def ends(self, wider: float) -> tuple[float, float]:
        """The range, so many times as wide where it has no hard ends."""
        size = self.reach * (1.0 if self.hard else wider)
        return self.middle - size, self.middle + size


def floated(currents: Currents, start: Real, floating: Sequence[int], within: Range) -> Real:
    """Values of all leads with those of the probes found.

    Parameters
    ----------
    currents : from every lead, of values of every lead
    start : values of every lead

    Raises
    ------
    ModelError : no values without current into the probes
    """
    places = list(floating)

    def into(x: Real) -> Real:
        values = start.copy()
        values[places] = x
        return currents(values)[places]

    found = _single(into, within) if len(places) == 1 else _several(into, start[places], within)
    values = start.copy()
    values[places] = found
    return values


def _single(into: Currents, within: Range) -> Real:
    from scipy.optimize import brentq

    for wider in WIDER:
        low, high = within.ends(wider)
        below, above = (float(into(np.array([x]))[0]) for x in (low, high))
        if below <= 0 <= above:
            if below == above:
                return np.array([within.middle])
            x = brentq(
                lambda x: float(into(np.array([x]))[0]),
                low,
                high,
                xtol=SAME * within.reach,
                rtol=SAME,
            )
            return np.array([x])
    raise ModelError(NO_ROOT)


def _several(into: Currents, start: Real, within: Range) -> Real:
    from scipy.optimize import root

    found = root(into, start, method="hybr", options={"xtol": 1e-13})
    size = max(float(np.abs(into(start)).max()), 1e-300)
    low, high = within.ends(WIDER[-1])
    inside = bool((found.x >= low).all() and (found.x <= high).all())
    if not inside or float(np.abs(found.fun).max()) > 1e-9 * size:
        raise ModelError(NO_ROOT)
    return np.asarray(found.x)


NO_ROOT = (
    "Parameter `voltage_probes` must have values at which no current flows into the probes (dimensionless), "
    "but none was found; leave one out"
)
