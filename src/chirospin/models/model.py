"""What all one-electron models of this family share: leads, probes, window; and the system they make."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import numpy as np
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Shape, parameter
from chirospin.base.spin import PAULI
from chirospin.scattering.currents import Window
from chirospin.scattering.probes import Probed, probe_kind, probe_spins
from chirospin.scattering.system import Complex, Lead, Real, System, site_probe

ENERGIES = 101
LARGEST = 1e6  # eV
MOST_SITES = 400  # matrices of 8 orbitals each take gigabytes beyond


@dataclass(frozen=True, kw_only=True)
class Molecule:
    """What a builder makes: sites, orbitals, hoppings, and where the leads touch.

    Parameters
    ----------
    hamiltonian : (2 orbitals, 2 orbitals), eV; spin fastest
    positions : of the sites, (sites, 3), nm
    sites : the site of each orbital
    left, right : W of the leads over their coupling, (orbitals, orbitals)
    """

    hamiltonian: Complex
    positions: Real
    sites: tuple[int, ...]
    left: Complex
    right: Complex


class OneElectronModel(Probed):
    """Electrons that do not repel each other between a magnetised left and an ordinary right lead."""

    energy: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol="E",
        shape=Shape(axes=("E",)),
        axis=True,
        about="where the curves are wanted; 101 points across the levels if not given",
    )
    lead_coupling: float = parameter(
        1.0, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of a channel to its lead"
    )
    lead_polarisation: float = parameter(
        0.5, symbol="p", low=-1, high=1, about="of the left lead along z: Gamma (1 + m p s)"
    )
    probe_sites: tuple[float, ...] | None = parameter(
        None,
        symbol="i_p",
        shape=Shape(axes=("P",)),
        about="sites with a probe, from 1; all if not given",
    )
    window: str = parameter(
        "bias",
        symbol=r"\mathrm{window}",
        choices=("bias", "infinite"),
        about="of the currents: mu_L - mu_R = bias, or f_L = 1 and f_R = 0 at every energy",
    )
    bias: float = parameter(
        0.0,
        unit="eV",
        symbol="V",
        low=-LARGEST,
        high=LARGEST,
        about="mu_L - mu_R; 0 is linear response, where currents are given per volt",
    )
    fermi_energy: float = parameter(
        0.0,
        unit="eV",
        symbol="E_F",
        low=-LARGEST,
        high=LARGEST,
        about="mean potential of the leads",
    )
    thermal_energy: float = parameter(
        0.025,
        unit="eV",
        symbol="k_BT",
        low=0,
        high=LARGEST,
        about="of the leads and voltage probes",
    )

    @model_validator(mode="after")
    def _probes_agree(self) -> OneElectronModel:
        if self.probe_sites is not None and any(x != int(x) or x < 1 for x in self.probe_sites):
            raise ModelError(
                "Parameter `probe_sites` must be numbers of sites, counted from 1, but is "
                f"{list(self.probe_sites)}"
            )
        if self.probe_sites is not None and len(set(self.probe_sites)) < len(self.probe_sites):
            raise ModelError(
                "Parameter `probe_sites` must name a site once, with one kind of probe, but is "
                f"{list(self.probe_sites)}"
            )
        cold = self.probe == "voltage" and self.thermal_energy == 0 and self.bias != 0
        if cold and self.window == "bias":
            raise ModelError(
                "Parameter `thermal_energy` must be > 0 (in eV) for voltage probes at finite bias, "
                "which have the temperature of the leads, but is 0"
            )
        return self

    @abstractmethod
    def molecule(self) -> Molecule:
        """The sites, hoppings and contacts of this model."""


@lru_cache(maxsize=64)
def system(model: OneElectronModel) -> System:
    """The model between its leads, with its probes.

    Raises
    ------
    ModelError : a probe on a site that does not exist
    """
    built = molecule_of(model)
    coupling = model.lead_coupling
    return System(
        hamiltonian=built.hamiltonian,
        left=Lead.of(coupling * built.left, (0, 0, model.lead_polarisation)),
        right=Lead.of(coupling * built.right),
        probes=_probes(model, built),
        probe_spins=probe_spins(model),
        sites=built.sites,
        positions=built.positions,
    )


@lru_cache(maxsize=64)
def molecule_of(model: OneElectronModel) -> Molecule:
    """What the builder of a model makes, kept."""
    return model.molecule()


def _probes(model: OneElectronModel, built: Molecule) -> tuple[Complex, ...]:
    if probe_kind(model) == "none":
        return ()
    count = len(built.positions)
    numbers = range(1, count + 1) if model.probe_sites is None else map(int, model.probe_sites)
    found = []
    for number in numbers:
        if number > count:
            raise ModelError(
                f"Parameter `probe_sites` must be between 1 and {count} here, but has {number}"
            )
        orbitals = [k for k, site in enumerate(built.sites) if site == number - 1]
        found.append(site_probe(orbitals, len(built.sites), model.probe_coupling))
    return tuple(found)


def window(model: OneElectronModel) -> Window:
    """What drives the currents."""
    return Window(
        kind=cast(Literal["bias", "infinite"], model.window),
        bias=model.bias,
        fermi_energy=model.fermi_energy,
        thermal_energy=model.thermal_energy,
    )


def curve_energies(model: OneElectronModel) -> Real:
    """Where the curves are wanted, or points across the levels of the molecule, eV."""
    if model.energy is not None:
        return np.array(model.energy)
    levels = np.linalg.eigvalsh(molecule_of(model).hamiltonian)
    return np.linspace(levels[0], levels[-1], ENERGIES)


def labels(model: OneElectronModel) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "energy": tuple(curve_energies(model).tolist()),
        "magnetisation": ("up", "down"),
        "component": ("x", "y", "z"),
        "band": (1, 2, 3),
        "site": tuple(range(1, len(molecule_of(model).positions) + 1)),
    }


def hop_matrix(size: int) -> Complex:
    """An empty Hamiltonian with its spins apart, (orbital, spin, orbital, spin)."""
    return np.zeros((size, 2, size, 2), dtype=complex)


def join(h: Complex, first: int, second: int, block: Complex) -> None:
    r"""Add :math:`c^+_{first}\,block\,c_{second}` and its adjoint to a Hamiltonian, in place."""
    h[first, :, second, :] += block
    h[second, :, first, :] += block.conj().T


def raise_level(h: Complex, orbital: int, energy: float) -> None:
    """Add the energy of an orbital, in place."""
    h[orbital, :, orbital, :] += energy * np.eye(2)


def flat(h: Complex) -> Complex:
    """The matrix of a Hamiltonian whose spins are apart, (2 orbitals, 2 orbitals)."""
    size = 2 * h.shape[0]
    return h.reshape(size, size)


def spinor(vector: Real) -> Complex:
    r"""v.sigma, (2, 2)."""
    return np.asarray(np.einsum("k,kst->st", vector, PAULI))


def contact(orbitals: list[int], size: int, channel: Literal["one", "each"] = "each") -> Complex:
    """W over the coupling: some orbitals, each with a channel of its own or all with one."""
    W = np.zeros((size, size), dtype=complex)
    W[np.ix_(orbitals, orbitals)] = 1.0 if channel == "one" else np.eye(len(orbitals))
    return W


def chain(h: Complex, positions: Real) -> Molecule:
    """One orbital a site, a lead at the first and at the last; h with its spins apart."""
    size = len(positions)
    return Molecule(
        hamiltonian=flat(h),
        positions=positions,
        sites=tuple(range(size)),
        left=contact([0], size),
        right=contact([size - 1], size),
    )
