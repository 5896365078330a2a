r"""A correlated gas with four states for each wavevector, and the whole gas without repulsion.

.. math:: H_k = \psi^+ (\varepsilon_0 + \boldsymbol\varepsilon_1\cdot\boldsymbol\sigma)\psi + U n_k^2,
          \qquad E = 0,\; \varepsilon_0 + U \mp \varepsilon_1,\; 2\varepsilon_0 + 4U

The repulsion acts between electrons of the same wavevector only: the model of Hatsugai and Kohmoto
with 2U for their repulsion, and not a density-density interaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.numerics.quadrature import cleared_edges, gauss_panels
from chirospin.spinterface.gas_in_field import spin_in_field
from chirospin.spinterface.green import Metal
from chirospin.spinterface.model import (
    COMPONENTS,
    LARGEST,
    ROOM,
    VECTOR,
    SpinOrbitMetal,
    bounded,
    metal_of,
    thermal_energy_of,
)

Real = NDArray[np.float64]
STATES = ("empty", "up", "down", "double")
WEAK = 3e-6  # Zeeman over Fermi energy, below which what is not linear is lost in rounding
FIELD_ROUNDING = 1e-9  # of the thickness of the shell between both Fermi surfaces
TAIL = 40.0  # of the derivative of the Fermi function, in k_B T


class Gas(Model):
    """The four states of one wavevector.

    References
    ----------
    fransson_spinterface, Eqs. (13)-(19)
    """

    band_energy: float = parameter(
        -0.1,
        unit="eV",
        symbol=r"\varepsilon_0",
        low=-LARGEST,
        high=LARGEST,
        about="of the band at this wavevector",
    )
    spin_splitting: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol=r"\varepsilon_1",
        shape=VECTOR,
        about="vector, in H = eps1.sigma; instead of coupling, wavevector and field",
    )
    spin_orbit: float = parameter(
        0.033,
        unit="eV*nm",
        symbol=r"\alpha",
        low=-10,
        high=10,
        about="of alpha k.sigma, without spin_splitting",
    )
    wavevector: tuple[float, ...] = parameter(
        (0.0, 0.0, 1.0), unit="1/nm", symbol="k", shape=VECTOR, about="without spin_splitting"
    )
    magnetic_field: float = parameter(
        0.0,
        unit="tesla",
        symbol="B",
        low=-1e9,
        high=1e9,
        about="along z; subtracts its Zeeman energy from eps1",
    )
    g_factor: float = parameter(2.0, symbol="g", low=-1e6, high=1e6, about="of the electrons")
    zeeman: str = parameter(
        "full",
        symbol="Z",
        choices=("full", "half"),
        about="g mu_B B sigma as printed, or g mu_B B sigma/2",
    )
    repulsion: float = parameter(
        0.05, unit="eV", symbol="U", low=-LARGEST, high=LARGEST, about="of U n^2 at this wavevector"
    )
    thermal_energy: float = parameter(
        ROOM,
        unit="eV",
        symbol="k_BT",
        low=0,
        high=1e15,
        about="0 for equal weights of the ground states",
    )

    @model_validator(mode="after")
    def _one_vector(self) -> Gas:
        bounded(self, ("spin_splitting",), 0.0, LARGEST)
        bounded(self, ("wavevector",), 0.0, 1e6)
        others = {"spin_orbit", "wavevector", "magnetic_field"} & self.model_fields_set
        if "spin_splitting" in self.model_fields_set and self.spin_splitting and others:
            raise ModelError(
                f"Parameter `spin_splitting` must be left out where `{sorted(others)[0]}` is given "
                f"(in eV), but is {list(self.spin_splitting)}"
            )
        return self


def zeeman_energy(model: Any) -> float:
    """What a field along z takes from eps1_z, eV."""
    share = 0.5 if model.zeeman == "half" else 1.0
    return float(share * model.g_factor * BOHR_MAGNETON * model.magnetic_field)


def splitting_of(model: Gas) -> Real:
    r""":math:`\boldsymbol\varepsilon_1 = \alpha\mathbf k - g\mu_B B\hat z`, shape (3,), eV."""
    if model.spin_splitting is not None:
        return np.array(model.spin_splitting)
    north = np.array([0.0, 0.0, zeeman_energy(model)])
    return np.asarray(model.spin_orbit * np.array(model.wavevector) - north)


@dataclass(frozen=True, kw_only=True)
class GasState:
    """Thermodynamics of one wavevector.

    Parameters
    ----------
    weights : of empty, lower, upper and double state
    polarisation : <sigma>, shape (3,)
    susceptibility : transverse and longitudinal share of the average over directions, 1/eV
    log_partition : ln Z; NaN at zero temperature
    optimal : repulsion of the largest polarisation, eV
    """

    weights: Real
    polarisation: Real
    susceptibility: Real
    log_partition: float
    optimal: float
    outcome: Outcome


def boltzmann_weights(levels: Real, kT: float) -> tuple[Real, float]:
    """Weights and ln Z of levels, overflow-safe; equal weights of the ground states at kT = 0."""
    low = levels.min()
    if kT == 0:
        ground = levels <= low + 8 * np.finfo(float).eps * np.abs(levels).max()
        return ground / ground.sum(), math.nan
    w = np.exp(-(levels - low) / kT)
    return w / w.sum(), float(np.log(w.sum()) - low / kT)


def slope_of_difference(low: float, high: float, e: float, kT: float) -> tuple[float, float]:
    r"""F/e and F' of :math:`F = (p_- - p_+)/2`, finite for e -> 0.

    .. math:: F' = \frac{p_- + p_+}{2k_BT} - \frac{(p_- - p_+)^2}{2k_BT}
    """
    if kT == 0:
        if e == 0:
            return (math.inf, math.inf) if low + high > 0 else (0.0, 0.0)
        return (low - high) / 2 / e, 0.0
    ratio = low / kT if e == 0 else -low * math.expm1(-2 * e / kT) / (2 * e)
    return ratio, (low + high) / (2 * kT) - (low - high) ** 2 / (2 * kT)


class Exact(Method):
    """Sums over the four states.

    References
    ----------
    fransson_spinterface, Eqs. (16)-(19)
    """

    name: ClassVar[str] = "exact"
    summary: ClassVar[str] = "sums over the four states"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[Gas]) -> Iterator[GasState]:
        """One state per model."""
        return map(_gas_state, models)


def _gas_state(model: Gas) -> GasState:
    eps1, kT = splitting_of(model), thermal_energy_of(model)
    e = float(np.linalg.norm(eps1))
    e0, U = model.band_energy, model.repulsion
    weights, log_partition = boltzmann_weights(
        np.array([0.0, e0 + U - e, e0 + U + e, 2 * e0 + 4 * U]), kT
    )
    ratio, slope = slope_of_difference(weights[1], weights[2], e, kT)
    polarisation = np.zeros(3) if e == 0 else 0.0 - 2 * ratio * eps1
    return GasState(
        weights=weights,
        polarisation=polarisation,
        susceptibility=np.array([4 / 3 * ratio, 2 / 3 * slope]),
        log_partition=log_partition,
        optimal=-e0 / 2 + kT / 4 * math.log(3.0),
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def gas_labels(model: Gas) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "state": STATES,
        "component": COMPONENTS,
        "share": ("transverse", "longitudinal"),
    }


@observable(name="occupation", unit="1", symbol="N", dims=("state",))
def state_occupation(model: Gas, state: GasState) -> Any:
    r"""Probabilities of the empty state, single occupation up and down, and the double state.

    .. math:: N_{\uparrow,\downarrow} = N_1 \pm \tfrac12\langle\sigma_z\rangle, \quad
              N_1 = \tfrac12(p_- + p_+)

    References
    ----------
    fransson_spinterface, Eq. (18)
    """
    empty, low, high, double = state.weights
    single, tilt = (low + high) / 2, state.polarisation[2] / 2
    return np.array([empty, single + tilt, single - tilt, double])


@observable(name="spin_polarisation", unit="1", symbol=r"\langle\sigma\rangle", dims=("component",))
def spin_polarisation_vector(model: Gas, state: GasState) -> Any:
    r"""Mean Pauli vector, opposite to eps1.

    .. math:: \langle\boldsymbol\sigma\rangle
              = \frac{\boldsymbol\varepsilon_1}{\varepsilon_1}(p_+ - p_-)

    References
    ----------
    fransson_spinterface, Eq. (19)
    """
    return state.polarisation


@observable(
    name="susceptibility",
    unit="1/eV",
    symbol=r"\chi",
    undefined="infinite where a degenerate ground state has spin",
)
def mean_susceptibility(model: Gas, state: GasState) -> Any:
    r"""Response of <sigma_z> to -b sigma_z, averaged over the directions of eps1.

    .. math:: \chi = 2\left[\frac23\frac F{\varepsilon_1} + \frac13 F'(\varepsilon_1)\right]
    """
    total = state.susceptibility.sum()
    return np.nan if np.isinf(total) else total


@observable(unit="1/eV", symbol=r"\chi_p", dims=("share",), undefined="infinite, as the sum")
def susceptibility_parts(model: Gas, state: GasState) -> Any:
    """The transverse (van Vleck) and the longitudinal (Curie, Pauli) share of it."""
    return np.where(np.isinf(state.susceptibility), np.nan, state.susceptibility)


@observable(unit="1", symbol=r"\ln Z", undefined="ln Z has no limit at zero temperature")
def log_partition_function(model: Gas, state: GasState) -> Any:
    """Logarithm of the partition function.

    References
    ----------
    fransson_spinterface, Eq. (17)
    """
    return state.log_partition


@observable(unit="eV", symbol="U^*")
def optimal_repulsion(model: Gas, state: GasState) -> Any:
    r"""Repulsion of the largest polarisation at this band energy and splitting.

    .. math:: U^* = -\varepsilon_0/2 + \tfrac14 k_BT\ln 3
    """
    return state.optimal


GAS_OBSERVABLES = (
    state_occupation,
    spin_polarisation_vector,
    mean_susceptibility,
    susceptibility_parts,
    log_partition_function,
    optimal_repulsion,
)
GAS_CHECKS = (
    Check(
        name="probabilities",
        tolerance=1e-14,
        about="the four probabilities sum to one",
        evaluate=lambda m, s: float(state_occupation(m, s).sum() - 1),
    ),
    Check(
        name="spin_bound",
        tolerance=1e-14,
        bound="above",
        about="single occupation less the length of <sigma>",
        evaluate=lambda m, s: float(s.weights[1] + s.weights[2] - np.linalg.norm(s.polarisation)),
    ),
)


def _particle_hole(model: Gas, method: Method) -> float:
    e0, U = model.band_energy, model.repulsion
    one, other = (method.solve(m) for m in (model, model.replace(band_energy=-e0 - 4 * U)))
    swapped = np.abs(one.weights - other.weights[[3, 1, 2, 0]]).max()
    return float(max(swapped, np.abs(one.polarisation - other.polarisation).max()))


GAS_AUDITS = (
    Audit(
        name="particle_hole",
        tolerance=1e-12,
        about="eps0 -> -eps0 - 4U exchanges the empty and the double state and keeps the spin",
        evaluate=_particle_hole,
    ),
)


class WholeGas(SpinOrbitMetal):
    """All wavevectors of a metal in three dimensions without repulsion.

    References
    ----------
    fransson_spinterface, Sec. II D
    """

    magnetic_field: float = parameter(
        0.0, unit="tesla", symbol="B", low=-1e9, high=1e9, about="along z, of any size"
    )
    g_factor: float = parameter(2.0, symbol="g", low=-1e6, high=1e6, about="of the electrons")
    zeeman: str = parameter(
        "full",
        symbol="Z",
        choices=("full", "half"),
        about="g mu_B B sigma as printed, or g mu_B B sigma/2",
    )


@dataclass(frozen=True, kw_only=True)
class WholeGasState:
    """Density and spin response of the whole gas.

    Parameters
    ----------
    density : 1/nm^3
    susceptibility : response of the density of sigma_z to -b sigma_z, 1/(eV nm^3)
    bare : density and susceptibility at the same chemical potential without spin-orbit coupling
    at_density : susceptibility without spin-orbit coupling at the same density, T = 0 only, else NaN
    in_field : density of sigma_z in the field, 1/nm^3; NaN where no Fermi sea holds both spins
    """

    density: float
    susceptibility: float
    bare: tuple[float, float]
    at_density: float
    in_field: float
    outcome: Outcome


def _still(metal: Metal, kappa: Real) -> tuple[Real, Real]:
    r"""Density and susceptibility at T = 0.

    .. math:: n = \frac{\kappa^3 + 3\kappa a^2}{3\pi^2}, \qquad
              \chi = \frac{N_0}{\pi^2}\left[\kappa + \frac{a^2}{3\kappa}\right]
    """
    a = metal.a
    with np.errstate(divide="ignore"):
        van_vleck = np.where(kappa > 0, a**2 / (3 * np.where(kappa > 0, kappa, 1.0)), 0.0)
    density = (kappa**3 + 3 * kappa * a**2) / (3 * np.pi**2)
    return density, metal.N0 / np.pi**2 * (kappa + van_vleck)


def whole_gas(metal: Metal, kT: float, nodes: int = 24) -> tuple[float, float]:
    """Density and susceptibility: the thermal average over chemical potentials of those at T = 0."""
    if kT == 0:
        density, chi = _still(metal, np.array(metal.fermi_momentum))
        return float(density), float(chi)
    low, high = max(metal.bottom, -TAIL * kT), max(metal.bottom, TAIL * kT)
    ends = np.sqrt(2 * metal.N0 * (np.array([low, high]) - metal.bottom))
    pole = np.sqrt(2 * metal.N0 * (1j * np.pi * kT - metal.bottom + 0j))
    q, w = gauss_panels(cleared_edges(ends[0], ends[1], np.array([pole, -pole])), nodes)
    energy = metal.bottom + q**2 / (2 * metal.N0)
    window = np.exp(-np.abs(energy) / kT) / (1 + np.exp(-np.abs(energy) / kT)) ** 2 / kT
    density, chi = _still(metal, q)
    weight = w * q / metal.N0 * window
    return float(weight @ density), float(weight @ chi)


class FermiGas(Method):
    """Closed forms at T = 0, averaged over the thermal window."""

    name: ClassVar[str] = "fermi-gas"
    summary: ClassVar[str] = "closed forms at T = 0, averaged over the thermal window"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[WholeGas]) -> Iterator[WholeGasState]:
        """One state per model."""
        return map(_whole_state, models)


def _whole_state(model: WholeGas) -> WholeGasState:
    metal, kT = metal_of(model), thermal_energy_of(model)
    if metal.d != 3:
        raise ModelError(f"Parameter `dimension` must be 3 for the whole gas, but is {metal.d}")
    density, chi = whole_gas(metal, kT)
    rough = whole_gas(metal, kT, 18)
    bare = whole_gas(Metal(N0=metal.N0, alpha=0.0, fermi=metal.fermi, d=3), kT)
    error = abs(rough[1] - chi) / (chi or 1.0)
    alone = metal.N0 / np.pi**2 * (3 * np.pi**2 * density) ** (1 / 3) if kT == 0 else math.nan
    in_field, missed = _field_spin(metal, kT, zeeman_energy(model), chi)
    error = max(error, missed)
    return WholeGasState(
        density=density,
        susceptibility=chi,
        bare=bare,
        at_density=alone,
        in_field=in_field,
        outcome=Outcome(converged=error < 1e-10, residual=error, iterations=1, reason="quadrature"),
    )


def _field_spin(metal: Metal, kT: float, h: float, chi: float) -> tuple[float, float]:
    """Density of sigma_z, and its relative change with fewer nodes; NaN where both bands are not filled.

    A weak field departs from the linear response by the square of h over the Fermi energy.
    """
    shallowest = metal.fermi - TAIL * kT
    if not h:
        return 0.0, 0.0
    if shallowest <= abs(h):
        return math.nan, 0.0
    if abs(h) < WEAK * shallowest:
        return chi * h, (h / shallowest) ** 2
    fine, coarse = (spin_in_field(metal, kT, h, n, TAIL) for n in (16, 12))
    return fine, abs(fine - coarse) / max(abs(fine), np.finfo(float).tiny)


@observable(name="density", unit="1/nm^3", symbol="n")
def gas_density(model: WholeGas, state: WholeGasState) -> Any:
    """Density of electrons, both spins."""
    return state.density


@observable(name="susceptibility", unit="1/eV/nm^3", symbol=r"\chi")
def gas_susceptibility(model: WholeGas, state: WholeGasState) -> Any:
    """Response of the density of sigma_z to -b sigma_z."""
    return state.susceptibility


@observable(unit="1", symbol=r"\chi/\chi_\mu")
def amplification(model: WholeGas, state: WholeGasState) -> Any:
    """Susceptibility over that without spin-orbit coupling at the same chemical potential."""
    return state.susceptibility / state.bare[1] if state.bare[1] else np.nan


@observable(
    unit="1", symbol=r"\chi/\chi_n", undefined="the comparison at fixed density is made at T = 0"
)
def amplification_at_density(model: WholeGas, state: WholeGasState) -> Any:
    """Susceptibility over that without spin-orbit coupling at the same density."""
    return state.susceptibility / state.at_density if state.at_density else np.nan


SHALLOW = "the Fermi energy must lie above the Zeeman energy, by 40 k_BT"


def _field_error(model: WholeGas, state: WholeGasState) -> float:
    return max(state.outcome.residual, FIELD_ROUNDING) * abs(state.in_field)


@observable(unit="1/nm^3", symbol="s_z", undefined=SHALLOW, error=_field_error)
def field_spin_density(model: WholeGas, state: WholeGasState) -> Any:
    """Spin density that the magnetic field makes along z, in hbar, beyond linear response too."""
    return state.in_field / 2


@observable(unit="1", symbol="P", undefined=SHALLOW)
def field_polarisation(model: WholeGas, state: WholeGasState) -> Any:
    """The density of sigma_z in the field over that of the electrons without it."""
    return state.in_field / state.density if state.density else np.nan


def whole_gas_labels(model: WholeGas) -> dict[str, tuple[Any, ...]]:
    """No dimensions."""
    return {}


WHOLE_GAS_OBSERVABLES = (
    gas_density,
    gas_susceptibility,
    amplification,
    amplification_at_density,
    field_spin_density,
    field_polarisation,
)
WHOLE_GAS_CHECKS = (
    Check(
        name="quadrature",
        tolerance=1e-10,
        about="relative change with fewer nodes",
        evaluate=lambda m, s: s.outcome.residual,
    ),
)


def _mirrored_gas(model: WholeGas, method: Method) -> float:
    one, other = (method.solve(m) for m in (model, model.replace(spin_orbit=-model.spin_orbit)))
    return float(abs(one.susceptibility - other.susceptibility) / (one.susceptibility or 1.0))


WHOLE_GAS_AUDITS = (
    Audit(
        name="enantiomer",
        tolerance=1e-14,
        about="both enantiomers have the same susceptibility",
        evaluate=_mirrored_gas,
    ),
)
