"""How far the occupied part of a spectrum is from the Fermi function times the whole, at equilibrium."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.base.observables import observable
from chirospin.junction.bias.model import BiasedJunction, gated_hamiltonian, reservoirs_of
from chirospin.junction.bias.parts import driven
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.manybody.green import GREEN
from chirospin.junction.manybody.spectral_observables import (
    NO_GREEN,
    density_of_states,
    spectral_lesser,
)
from chirospin.junction.model import spectral_energies

DRIVEN = "the leads differ in potential or temperature, so that no one Fermi function fills the molecules"


@observable(
    unit="1",
    symbol="d_K",
    dims=("magnetisation",),
    needs=(GREEN,),
    default=False,
    undefined=f"{NO_GREEN}; or {DRIVEN}",
)
def kms_defect(model: BiasedJunction, state: BiasedState) -> NDArray[np.float64]:
    r"""Departure of the spectrum from Lehmann's relation between its occupied part and the whole, at equilibrium.

    .. math:: \max_\omega |Tr A^<(\omega) - f(\omega)\, Tr A(\omega)| / \max_\omega Tr A(\omega)

    Of the order of the level width over the temperature: a regression with the generator of the state is
    exact only as both vanish.
    """
    whole = density_of_states.function(model, state)
    if not isinstance(state, BiasedState) or driven(model):
        return np.full(len(whole), np.nan)
    ends = reservoirs_of(model)
    omega = spectral_energies(model, gated_hamiltonian(model))
    filled = fermi((omega - ends.potential[0]) / ends.thermal_energy[0])
    lesser = np.einsum("meaa->me", spectral_lesser.function(model, state)).real
    return np.asarray(np.abs(lesser - filled * whole).max(axis=1) / whole.max(axis=1))
