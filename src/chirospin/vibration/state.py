"""What every method finds about the level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class VibrationState:
    """A level in equilibrium with its vibrations.

    Parameters
    ----------
    density : rho_ab = <psi_b^+ psi_a>, (2, 2)
    moment : (1/2) Tr(sigma rho), (3,)
    norm : of the spectral function, where the method integrates it; None where it is 1 by algebra
    left_out : repulsion that the method does not know, meV
    parts : what was asked for beside the moment
    expanded : whether the method expands in the coupling
    truncation : weight beyond the states that were kept, or change with more frequencies; or None
    other_solutions : of a self-consistent equation, met by a search; None where there is no such equation
    """

    density: Complex
    moment: Array
    norm: float | None
    left_out: float
    truncation: float | None
    outcome: Outcome
    other_solutions: int | None = None
    expanded: bool = False
    parts: Mapping[str, Any] = field(default_factory=dict)
