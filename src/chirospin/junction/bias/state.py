"""What every method finds about a biased junction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]
Flows = Callable[[Any], Real]


@dataclass(frozen=True, kw_only=True)
class BiasedState(JunctionState):
    """Steady state for both magnetisations of the left lead.

    Parameters
    ----------
    flows : (model) -> electrons and energy from the left lead by the same method, shape
        (2, magnetisation); NaN where it fails or does not know
    broadened : (model) -> electrons from the left lead by the same method where every transition has
        the width that tunnelling gives it, (magnetisation,); None if it has that width anyway
    energy_current : energy entering from each lead, (magnetisation, lead); None if not known
    noise : zero-frequency noise of the left current, (magnetisation,); None if not known
    barrier : -log of the rate of jumps over the sum of all couplings: the energy, over T, that a jump
        lacks, (magnetisation,); None if not known
    second_order : whether the method is a generator of second order in the coupling
    """

    flows: Flows
    broadened: Flows | None = None
    energy_current: Real | None = None
    noise: Real | None = None
    barrier: Real | None = None
    second_order: bool = False

    def currents(self, model: Any) -> Real:
        """Electrons from the left lead of another junction by the same method, (magnetisation,)."""
        return np.asarray(self.flows(model)[0])


@lru_cache(maxsize=4096)
def left_flows(method: Any, model: Any) -> Real:
    """Electrons and energy from the left lead by a method, (2, magnetisation); remembered."""
    found = np.full((2, 2), np.nan)
    try:
        (state,) = method.solve_many([model])
    except ModelError:  # this junction it does not take, whatever it said of another
        return found
    if state.outcome.converged:
        found[0] = state.lead_current[:, 0]
        if state.energy_current is not None:
            found[1] = state.energy_current[:, 0]
    return found


@lru_cache(maxsize=4096)
def broadened_current(method: Any, model: Any) -> Real:
    """Electrons from the left lead with transitions as wide as tunnelling makes them; remembered."""
    found: Real = method.broadened_current(model)
    return found
