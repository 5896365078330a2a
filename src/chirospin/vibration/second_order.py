"""Second order in the coupling with bare propagators: the paper's theory, evaluated accurately."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi
from chirospin.base.method import NOTHING, Needs
from chirospin.base.spin import PAULI
from chirospin.vibration.born import (
    ROUNDING,
    Thermal,
    by_eigenvectors,
    by_star,
    green_parts,
    inverse_green,
    scalar_and_vector,
    self_energy,
    self_energy_poles,
    spin_densities,
)
from chirospin.vibration.frequencies import by_frequencies
from chirospin.vibration.ladder import PROPAGATION, SPECTRUM, Rung, converged
from chirospin.vibration.model import Vibration, bath, channels, energies_from_mu, level_of
from chirospin.vibration.real_axis import Band
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]


class SecondOrder(Rung):
    r"""The self-energy of the bare level, put into Dyson's equation.

    Three routes to the same number: ``star`` (poles of the Fermi function), ``matsubara`` (frequencies
    with a tail in closed form) and ``real-axis`` (spectral function with the poles outside the band).

    References
    ----------
    fransson_closed_shell, Eqs. (1)-(16)
    """

    name: ClassVar[str] = "second-order"
    summary: ClassVar[str] = "Dyson's equation with the bare self-energy, without Hartree term"
    references: ClassVar[tuple[str, ...]] = ("fransson_closed_shell", "ozaki_2007")
    gives: ClassVar[Needs] = frozenset({SPECTRUM, PROPAGATION})

    route: Literal["star", "matsubara", "real-axis"] = Field(
        default="star", description="how the sum over energies is done"
    )

    def state(self, model: Vibration, needs: Needs = NOTHING) -> VibrationState:
        """The level in equilibrium."""
        level = level_of(model)
        poles = self_energy_poles(level)
        norm = None
        if self.route == "star":
            found = by_star(level, poles)
        elif self.route == "matsubara":
            _no_reservoir(model, self.route)
            found = by_frequencies(level, poles)
        else:
            found, norm = on_real_axis(model)
        return VibrationState(
            density=found.density,
            moment=found.moment,
            norm=norm,
            left_out=level.hubbard,
            truncation=None,
            outcome=converged(),
            expanded=True,
            parts={
                name: find(model)
                for name, find in (
                    (SPECTRUM, self.spectrum_of),
                    (PROPAGATION, self.propagation_of),
                )
                if name in needs
            },
        )

    def spectrum_of(self, model: Vibration, finer: int = 1) -> Array:
        """On nodes of the bath that the broadening resolves."""
        level = level_of(model, finer, resolution=self.broadening)
        poles = self_energy_poles(level)
        return spin_densities(level, poles, energies_from_mu(model), self.broadening)

    def propagation_of(self, model: Vibration) -> NDArray[np.complex128]:
        """G and Sigma at omega + i broadening, each as 1, sigma_x, sigma_y, sigma_z: (2, 4, energies)."""
        level = level_of(model, resolution=self.broadening)
        poles = self_energy_poles(level)
        z = energies_from_mu(model) + 1j * self.broadening
        both = (
            green_parts(inverse_green(level, poles, z)),
            scalar_and_vector(self_energy(poles, z)),
        )
        return np.stack([np.concatenate([scalar[None], vector.T]) for scalar, vector in both])

    def moment_at(self, model: Vibration, thermal_energy: float) -> Array:
        """By the first route, which is the fastest."""
        level = level_of(model, thermal_energy=thermal_energy)
        return by_star(level, self_energy_poles(level)).moment


def _no_reservoir(model: Vibration, route: str) -> None:
    if model.reservoir_coupling:
        raise ModelError(
            f"Parameter `reservoir_coupling` must be 0 (in meV) for the route {route}, but is "
            f"{model.reservoir_coupling:g}; use the route star"
        )


def on_real_axis(model: Vibration) -> tuple[Thermal, float]:
    """Equilibrium from the spectral functions of both channels, and the norm furthest from 1.

    Raises
    ------
    ModelError : couplings that do not commute, a tabulated bath, or a reservoir
    """
    _no_reservoir(model, "real-axis")
    level, vibrations = level_of(model), bath(model)
    split = channels(level)
    if split is None:
        raise ModelError(
            "Parameter `level_splitting` must commute with the coupling (in meV) for the route "
            f"real-axis, but is {list(model.level_splitting)}; use the route star"
        )
    if not vibrations.continuous:
        return by_eigenvectors(level, self_energy_poles(level)), 1.0
    if vibrations.density is None or vibrations.power is None:
        raise ModelError(
            f"Parameter `bath` must be acoustic, debye, einstein or modes for the route real-axis, "
            f"but is {model.bath}"
        )
    vectors, bare, couplings = split
    _, weights = vibrations.nodes(level.thermal_energy)
    norms, filled = [], []
    strengths = (np.abs(couplings) ** 2).sum(axis=0) / weights.sum()
    strengths[strengths < ROUNDING * strengths.max()] = 0.0
    for energy, strength in zip(bare, strengths, strict=True):
        band = Band(
            coupling=float(strength),
            filled=float(fermi(energy / level.thermal_energy)),
            thermal_energy=level.thermal_energy,
            low=vibrations.edges[0],
            high=vibrations.edges[-1],
            density=vibrations.density,
        )
        n, norm = band.occupation(float(energy)) if band.coupling else (band.filled, 1.0)
        filled.append(n)
        norms.append(norm)
    density = (vectors * np.array(filled)) @ vectors.conj().T
    axis = np.einsum("iba,ab->i", PAULI, np.outer(vectors[:, 0], vectors[:, 0].conj())).real
    moment = 0.5 * (filled[0] - filled[1]) * axis
    worst = max(norms, key=lambda value: abs(value - 1))
    return Thermal(density=density, moment=moment), worst
