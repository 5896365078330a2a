"""What every method finds about a biased junction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VibratingPart:
    """What the vibrations show, (magnetisation, mode).

    Parameters
    ----------
    phonon_number, displacement, top_level : <b^+b>, <x>, occupation of the highest level
    coupling_energy : <xV>, eV
    mode_heat : energy that the jumps of the bath take from each, eV^2/hbar
    energy : that enters from their bath, (magnetisation,), eV^2/hbar
    errors : of phonon_number, displacement, coupling_energy, mode_heat for the levels left out
    levels : of each
    """

    phonon_number: Real
    displacement: Real
    coupling_energy: Real
    mode_heat: Real
    top_level: Real
    errors: Mapping[str, Real]
    energy: Real
    levels: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class BiasedState(JunctionState):
    """Steady state for both magnetisations of the left lead.

    Parameters
    ----------
    energy_current : energy entering from each lead, (magnetisation, lead); None if not known
    barrier : -log of the rate of jumps over the sum of all couplings: the energy, over T, that a jump
        lacks, (magnetisation,); None if not known
    vibrations : what they show; None where there are none
    bath_fit : what the exponentials of a lead with a band miss of Gamma f, over Gamma; None where nothing is fitted
    second_order : whether the method is a generator of second order in the coupling
    exchange_kept : whether the method has the field that leads with a magnetisation are on the molecules
    """

    energy_current: Real | None = None
    barrier: Real | None = None
    second_order: bool = False
    exchange_kept: bool = True
    vibrations: VibratingPart | None = None
    bath_fit: float | None = None

    @property
    def noise(self) -> Real | None:
        """Zero-frequency noise of the left current, (magnetisation,); None if it was not needed."""
        return self.parts.get("noise")
