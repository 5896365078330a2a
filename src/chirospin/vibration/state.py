"""What every method finds about the level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.vibration.crossover import Searched

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class VibrationState:
    """A level in equilibrium with its vibrations.

    Parameters
    ----------
    density : rho_ab = <psi_b^+ psi_a>, (2, 2)
    moment : (1/2) Tr(sigma rho), (3,)
    spectrum : density of states of spin up and down, (2, energies), 1/meV, when asked for
    crossing : search for temperatures at which the moment of this method changes sign
    norm : of the spectral function, where the method integrates it; None where it is 1 by algebra
    left_out : repulsion that the method does not know, meV
    expanded : whether the method expands in the coupling
    truncation : weight beyond the states that were kept, or change with more frequencies; or None
    other_solutions : of a self-consistent equation, met by a search; None where there is no such equation
    """

    density: Complex
    moment: Array
    spectrum: Callable[[], Array]
    crossing: Searched
    norm: float | None
    left_out: float
    truncation: float | None
    outcome: Outcome
    other_solutions: int | None = None
    expanded: bool = False
