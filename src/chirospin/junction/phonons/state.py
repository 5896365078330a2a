"""What every method finds about a vibrating junction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Truncation:
    """Where a representation of the vibrations ends.

    Parameters
    ----------
    levels : of each mode, for explicit bosons
    tiers : highest tier of a hierarchy
    chosen : whether the program chose it
    """

    levels: tuple[int, ...] = ()
    tiers: int = 0
    chosen: bool = True

    def __str__(self) -> str:
        if self.tiers:
            return f"tiers {self.tiers}"
        return "levels " + ",".join(map(str, self.levels)) if self.levels else "no vibration"


@dataclass(frozen=True, kw_only=True)
class PhononState(JunctionState):
    r"""Steady state for both magnetisations of the left lead; arrays are NaN where a method does not know.

    Parameters
    ----------
    truncation : levels or tiers
    phonon_number, displacement, coupling_energy : <b^+b>, <x>, <xV>, (magnetisation, mode)
    mode_heat : energy that each mode's bath takes from it by its jumps, (magnetisation, mode), eV^2/hbar
    energy_current : energy that enters from left lead, right lead, bath, (magnetisation, 3), eV^2/hbar
    dephasing_energy : energy that dephasing brings, (magnetisation,), eV^2/hbar
    top_level : occupation of the highest level, (magnetisation, mode)
    field_density : <x c^+_m c_n>, (magnetisation, mode, 4M, 4M), eV; where the couplings join m and n
    truncation_change : of the polarisation when the hierarchy is cut two tiers lower
    grid_change : of the current on a finer grid, over the largest coupling: the Born approximation
    errors : of the readings above, and of ``current`` and ``spin_polarisation``, for what a truncation leaves
        out; what is not known is not there
    """

    truncation: Truncation = Truncation()
    phonon_number: Real
    displacement: Real
    coupling_energy: Real
    mode_heat: Real
    energy_current: Real
    dephasing_energy: Real
    top_level: Real
    field_density: NDArray[np.complex128]
    truncation_change: float = np.nan
    grid_change: float = np.nan
    errors: Mapping[str, Real] = field(default_factory=dict)
