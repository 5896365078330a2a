r"""Vibrations of a molecular stack: their parameters, and the matrices by which they move electrons.

.. math:: H = H_{el} + \sum_v w_v b_v^+ b_v + \sum_v x_v V_v, \qquad x_v = b_v + b_v^+, \quad
          V_v = \sum_{mn} (V_v)_{mn} c^+_m c_n
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Shape, parameter, refusal
from chirospin.base.spin import PAULI
from chirospin.junction.couplings import time_reversed
from chirospin.junction.model import PER_MOLECULE, Matrix, MolecularStack

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Numbers = tuple[float, ...]
Rows = tuple[tuple[float, ...], ...]
Blocks = tuple[tuple[tuple[Any, ...], ...], ...]

DEFAULT_LEVELS, DEFAULT_TIERS, DEFAULT_MATSUBARA = 8, 6, 2
MOST_LEVELS, MOST_TIERS = 200, 60
COUPLINGS = (
    "holstein_a",
    "holstein_b",
    "peierls_a",
    "peierls_b",
    "spin_orbit_modulation",
    "spin_coupling",
    "phonon_matrices",
)
BATHS = ("local", "dressed", "brownian", "ohmic")


class VibratingStack(MolecularStack):
    """A molecular stack with vibrations, each of which may change any of its one-electron energies."""

    phonon_energy: Numbers | None = parameter(
        None,
        unit="eV",
        symbol=r"\hbar\omega_v",
        shape=Shape(axes=("K",)),
        about="energy of each vibration; a molecule without vibrations if left out",
    )
    phonon_damping: Numbers | None = parameter(
        None,
        unit="eV",
        symbol=r"\kappa_v",
        shape=Shape(axes=("K",)),
        about="rate at which each vibration loses its energy to its bath, over hbar",
    )
    phonon_thermal_energy: float | None = parameter(
        None,
        unit="eV",
        symbol=r"k_BT_b",
        low=0,
        about="temperature of the bath of the vibrations times k_B, where it is not thermal_energy",
    )
    phonon_levels: tuple[int, ...] | None = parameter(
        None,
        symbol="n_v",
        shape=Shape(axes=("K",), kind=int),
        about="levels kept of each vibration; found from the occupation of the top one if left out",
    )
    phonon_tiers: int | None = parameter(
        None,
        symbol="L",
        low=1,
        high=MOST_TIERS,
        about="tiers of auxiliary operators; found from the change of the result if left out",
    )
    phonon_matsubara: int | None = parameter(
        None,
        symbol="N_M",
        low=0,
        high=20,
        about="Matsubara terms kept of a brownian bath, the rest as white noise; 2 if left out",
    )
    holstein_a: Rows | None = parameter(
        None,
        unit="eV",
        symbol="g_a",
        shape=Shape(axes=("K", "M")),
        about="change of the energy of orbital a of each molecule with each vibration",
    )
    holstein_b: Rows | None = parameter(
        None,
        unit="eV",
        symbol="g_b",
        shape=Shape(axes=("K", "M")),
        about="change of the energy of orbital b of each molecule with each vibration",
    )
    peierls_a: Rows | None = parameter(
        None,
        unit="eV",
        symbol=r"t'_{aa}",
        shape=Shape(axes=("K", "M-1")),
        about="change of the hopping between orbitals a of neighbours with each vibration",
    )
    peierls_b: Rows | None = parameter(
        None,
        unit="eV",
        symbol=r"t'_{bb}",
        shape=Shape(axes=("K", "M-1")),
        about="change of the hopping between orbitals b of neighbours with each vibration",
    )
    spin_orbit_modulation: Blocks | None = parameter(
        None,
        unit="eV",
        symbol=r"\Lambda'_i",
        shape=Shape(axes=("K", "M", 3)),
        about="change of the spin-orbit vector of each molecule with each vibration",
    )
    spin_coupling: Blocks | None = parameter(
        None,
        unit="eV",
        symbol="u_i",
        shape=Shape(axes=("K", "M", 3)),
        about="field on the spins of each molecule with each vibration; odd under time reversal, a control",
    )
    phonon_matrices: Blocks | None = parameter(
        None,
        unit="eV",
        symbol="V_v",
        shape=Shape(axes=("K", "4M", "4M"), kind=complex),
        about="Hermitian one-electron matrix added to the coupling of each vibration",
    )
    dephasing_matrix: Matrix | None = parameter(
        None,
        symbol="V_d",
        shape=Shape(axes=("4M", "4M"), kind=complex),
        about="Hermitian one-electron matrix whose fluctuation `dephasing` is; the orbital energies if left out",
    )

    bath_kinds: ClassVar[tuple[str, ...]] = BATHS

    @model_validator(mode="before")
    @classmethod
    def _one_vibration(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A number where one vibration is meant stands for a list of one."""
        plain = {
            name: (values[name],)
            for name in ("phonon_energy", "phonon_damping", "phonon_levels")
            if isinstance(values.get(name), (int, float)) and not isinstance(values[name], bool)
        }
        return {**values, **plain}

    @model_validator(mode="after")
    def _vibrations_agree(self) -> VibratingStack:
        count = 0 if self.phonon_energy is None else len(self.phonon_energy)
        _require_modes(self, count)
        _require_positive(self)
        size = PER_MOLECULE * self.molecules
        shapes: dict[str, tuple[int, ...]] = {
            "phonon_damping": (count,),
            "phonon_levels": (count,),
            "holstein_a": (count, self.molecules),
            "holstein_b": (count, self.molecules),
            "peierls_a": (count, self.molecules - 1),
            "peierls_b": (count, self.molecules - 1),
            "spin_orbit_modulation": (count, self.molecules, 3),
            "spin_coupling": (count, self.molecules, 3),
            "phonon_matrices": (count, size, size),
            "dephasing_matrix": (size, size),
        }
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and name.startswith("peierls") and self.molecules == 1:
                raise ModelError(
                    f"Parameter `{name}` must be left out for molecules = 1 (in eV), which has no "
                    "neighbours"
                )
            if value is not None and np.shape(value) != shape:
                unit = self.parameter_info(name).unit_words
                raise ModelError(
                    f"Parameter `{name}` must have shape {shape} for {count} vibrations and molecules = "
                    f"{self.molecules} ({unit}), but has shape {np.shape(value)}"
                )
        for name in ("phonon_matrices", "dephasing_matrix"):
            _require_hermitian(self, name)
        return self


def _require_modes(stack: VibratingStack, count: int) -> None:
    if count and stack.phonon_damping is None:
        raise ModelError(
            "Parameter `phonon_damping` must be given with phonon_energy (in eV), one value > 0 for each "
            "vibration, but is left out; without damping a vibration has no unique state"
        )
    if count:
        return
    settings = ("phonon_damping", "phonon_thermal_energy", "phonon_levels", "phonon_tiers")
    for name in (*settings, "phonon_matsubara", *COUPLINGS):
        if getattr(stack, name) is not None:
            raise ModelError(
                f"Parameter `{name}` must be left out ({stack.parameter_info(name).unit_words}) where "
                "phonon_energy gives no vibration, but is given"
            )


def _require_positive(stack: VibratingStack) -> None:
    for name, why in (
        ("phonon_energy", ""),
        ("phonon_damping", "; without damping a vibration has no unique state"),
    ):
        values = np.array(getattr(stack, name) or (1.0,))
        if not (values > 0).all():
            raise ModelError(
                f"Parameter `{name}` must be real > 0 (in eV) for every vibration, but is "
                f"{values.min():g}{why}"
            )
    levels = np.array(stack.phonon_levels or (2,))
    if ((levels < 2) | (levels > MOST_LEVELS)).any():
        raise ModelError(
            f"Parameter `phonon_levels` must be integer in [2, {MOST_LEVELS}] (dimensionless) for every "
            f"vibration, but is {levels.tolist()}"
        )
    if stack.phonon_levels is not None and stack.phonon_tiers is not None:
        raise ModelError(
            f"Parameter `phonon_tiers` must be left out (dimensionless) where phonon_levels is given: they "
            f"belong to two representations, but is {stack.phonon_tiers}"
        )


def _require_hermitian(stack: VibratingStack, name: str) -> None:
    value = getattr(stack, name)
    if value is None:
        return
    matrix = np.array(value)
    limit = 1e-12 * np.abs(matrix).max(initial=0.0)
    if not np.allclose(matrix, np.conj(np.swapaxes(matrix, -1, -2)), rtol=0, atol=limit):
        raise refusal(stack.parameter_info(name), "not Hermitian")


@dataclass(frozen=True, kw_only=True)
class Modes:
    r"""Vibrations in numbers.

    Parameters
    ----------
    energy, damping : w and kappa, (K,), eV
    coupling : V, (K, 4M, 4M), eV, Hermitian
    """

    energy: Real
    damping: Real
    coupling: Complex

    def __len__(self) -> int:
        return self.energy.size

    @property
    def range(self) -> Real:
        """Largest less smallest energy that one quantum's unit of x gives an electron, (K,), eV."""
        if not len(self):
            return np.zeros(0)
        eigenvalues = np.linalg.eigvalsh(self.coupling)
        return np.asarray(eigenvalues[:, -1] - eigenvalues[:, 0])

    @property
    def idle(self) -> bool:
        """Whether no mode moves an electron."""
        return not self.coupling.any()


def quanta(energy: Any, T: float) -> Any:
    """Occupation of an oscillator at temperature T, 1/(e^{w/T} - 1); none at T = 0."""
    if T == 0:
        return np.zeros_like(energy)
    x = np.asarray(energy) / T
    return np.exp(-x) / -np.expm1(-x)


def modes(model: VibratingStack) -> Modes:
    r"""Energies, dampings and coupling matrices of the vibrations.

    .. math::
        V = \sum_{il} g_{il} n_{il} + \sum_{il\sigma} t'_{il} (c^+_{il\sigma} c_{i+1,l\sigma} + h.c.)
            + H_{soc}[\Lambda'] + \sum_i u_i \cdot \sigma
    """
    if model.phonon_energy is None or model.phonon_damping is None:
        size = PER_MOLECULE * model.molecules
        return Modes(
            energy=np.zeros(0), damping=np.zeros(0), coupling=np.zeros((0, size, size), complex)
        )
    K, M = len(model.phonon_energy), model.molecules
    V = np.zeros((K, M, 2, 2, M, 2, 2), dtype=complex)
    unit = np.eye(2)
    here = np.arange(M)
    for orbital, local in enumerate((model.holstein_a, model.holstein_b)):
        if local is not None:
            V[:, here, orbital, :, here, orbital, :] += np.einsum("ki,st->ikst", local, unit)
    for orbital, bond in enumerate((model.peierls_a, model.peierls_b)):
        if bond is not None:
            change = np.einsum("ki,st->ikst", bond, unit)
            V[:, here[:-1], orbital, :, here[1:], orbital, :] += change
            V[:, here[1:], orbital, :, here[:-1], orbital, :] += change
    if model.spin_orbit_modulation is not None:
        change = 1j * np.einsum("kic,cst->ikst", model.spin_orbit_modulation, PAULI)
        V[:, here, 1, :, here, 0, :] += change
        V[:, here, 0, :, here, 1, :] += np.conj(np.swapaxes(change, -1, -2))
    if model.spin_coupling is not None:
        field = np.einsum("kic,cst->ikst", model.spin_coupling, PAULI)
        for orbital in (0, 1):
            V[:, here, orbital, :, here, orbital, :] += field
    matrix = V.reshape(K, PER_MOLECULE * M, PER_MOLECULE * M)
    if model.phonon_matrices is not None:
        matrix = matrix + np.array(model.phonon_matrices)
    return Modes(
        energy=np.array(model.phonon_energy),
        damping=np.array(model.phonon_damping),
        coupling=matrix,
    )


def time_reversal_mixed(coupling: Complex) -> float:
    r"""How much one mode couples to what is even and to what is odd under time reversal, eV^2.

    .. math:: \max_v |V_{v+}| |V_{v-}|, \qquad V_\pm = (V \pm \sigma_y V^* \sigma_y)/2

    Zero where x -> -x makes the mode time-reversal invariant.
    """
    if not len(coupling):
        return 0.0
    back = time_reversed(coupling)
    even, odd = (
        np.linalg.norm((coupling + sign * back) / 2, axis=(-2, -1)) for sign in (1.0, -1.0)
    )
    return float((even * odd).max())


def dephasing_operator(model: VibratingStack) -> Complex | None:
    """V_d where one is given, (4M, 4M)."""
    return None if model.dephasing_matrix is None else np.array(model.dephasing_matrix, complex)


def rotated_vibrations(model: VibratingStack, rotation: Complex, turn: Real) -> dict[str, Any]:
    """The vibrations seen from rotated or reflected spin axes, as parameters.

    Parameters
    ----------
    rotation : on spin, (2, 2), unitary
    turn : the matching matrix on vectors, (3, 3)
    """
    changes: dict[str, Any] = {}
    for name in ("spin_orbit_modulation", "spin_coupling"):
        vectors = getattr(model, name)
        if vectors is not None:
            changes[name] = np.array(vectors) @ turn.T
    U = np.kron(np.eye(2 * model.molecules), rotation)
    for name in ("phonon_matrices", "dephasing_matrix"):
        matrix = getattr(model, name)
        if matrix is not None:
            changes[name] = U @ np.array(matrix) @ U.conj().T
    return changes
