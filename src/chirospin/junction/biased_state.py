"""What every method finds about a biased junction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]
Currents = Callable[[Any], Real]


@dataclass(frozen=True, kw_only=True)
class BiasedState(JunctionState):
    """Steady state for both magnetisations of the left lead.

    Parameters
    ----------
    currents : (model) -> electrons from the left lead by the same method, shape (magnetisation,); NaN
        where it fails
    energy_current : energy entering from each lead, (magnetisation, lead); None if not known
    noise : zero-frequency noise of the left current, (magnetisation,); None if not known
    barrier : -log of the rate of jumps over the sum of all couplings: the energy, over T, that a jump
        lacks, (magnetisation,); None if not known
    second_order : whether the method is a generator of second order in the coupling
    """

    currents: Currents
    energy_current: Real | None = None
    noise: Real | None = None
    barrier: Real | None = None
    second_order: bool = False


@lru_cache(maxsize=4096)
def left_current(method: Any, model: Any) -> Real:
    """Left currents for both magnetisations by a method, NaN where it fails; remembered."""
    (state,) = method.solve_many([model])
    found: Real = state.lead_current[:, 0] if state.outcome.converged else np.full(2, np.nan)
    return found
