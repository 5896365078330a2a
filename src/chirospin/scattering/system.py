"""A one-electron system: a tight-binding Hamiltonian with spin, two leads, probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI

Complex = NDArray[Any]
Real = NDArray[np.float64]
Spins = tuple[tuple[tuple[complex, ...], ...], ...]

UNIT = np.eye(2, dtype=complex)
MIXED: Spins = (((1, 0), (0, 1)),)
"""One reservoir for both spins."""
KEPT: Spins = (((1, 0), (0, 0)), ((0, 0), (0, 1)))
"""A reservoir for each spin along z."""
ROUNDING = 1e-12  # of the largest element: what counts as zero in a matrix that a file gives


@dataclass(frozen=True, kw_only=True)
class Lead:
    r"""A lead of a wide band.

    .. math:: \Gamma = W \otimes (1 + \mathbf p\cdot\boldsymbol\sigma)

    Parameters
    ----------
    coupling : W, (orbitals, orbitals), Hermitian and not negative, eV; its rank is the number of channels
    polarisation : p, (3,), at most 1 in length
    """

    coupling: Complex
    polarisation: Real

    @classmethod
    def of(cls, coupling: ArrayLike, polarisation: ArrayLike = (0, 0, 0)) -> Self:
        """A lead from anything that is an array."""
        return cls(
            coupling=np.array(coupling, dtype=complex),
            polarisation=np.array(polarisation, dtype=float),
        )

    @property
    def spin(self) -> Complex:
        r"""The factor :math:`1 + \mathbf p\cdot\boldsymbol\sigma`, (2, 2)."""
        return np.asarray(UNIT + np.einsum("k,kst->st", self.polarisation, PAULI))

    @property
    def matrix(self) -> Complex:
        """Gamma, (2 orbitals, 2 orbitals), eV."""
        return np.kron(self.coupling, self.spin)

    def magnetised(self, factor: float) -> Self:
        """The lead with its polarisation times a factor."""
        return replace(self, polarisation=factor * self.polarisation)


@dataclass(frozen=True, kw_only=True)
class System:
    r"""Electrons on orbitals with spin, between a left and a right lead, with probes.

    .. math:: G(E) = [E - h + \tfrac i2 (\Gamma_L + \Gamma_R + \sum_p \Gamma_p)]^{-1}

    Parameters
    ----------
    hamiltonian : h, (2 orbitals, 2 orbitals), Hermitian, eV; spin fastest, up first
    left, right : the leads; ``left`` is the one that can be magnetised
    probes : W of each probe, (orbitals, orbitals), eV
    probe_spins : the reservoirs of a probe, (2, 2) each: :data:`MIXED` or :data:`KEPT`
    sites : the site of each orbital, counted from 0
    positions : of the sites, (sites, 3), nm
    """

    hamiltonian: Complex
    left: Lead
    right: Lead
    probes: tuple[Complex, ...] = ()
    probe_spins: Spins = MIXED
    sites: tuple[int, ...] = ()
    positions: Real | None = None

    def __post_init__(self) -> None:
        _checked(self)

    @property
    def orbitals(self) -> int:
        """Number of orbitals without spin."""
        return len(self.hamiltonian) // 2

    @property
    def site_of(self) -> NDArray[np.int64]:
        """The site of each orbital, (orbitals,)."""
        return np.array(self.sites or range(self.orbitals))

    @cached_property
    def probe_matrices(self) -> list[Complex]:
        """Gamma of every probe reservoir, (2 orbitals, 2 orbitals), eV."""
        return [np.kron(W, np.array(s)) for W in self.probes for s in self.probe_spins]

    def magnetised(self, factor: float) -> System:
        """The system with the polarisation of the left lead times a factor."""
        return replace(self, left=self.left.magnetised(factor))

    @cached_property
    def spin_free(self) -> Complex:
        r"""A of :math:`h = A\otimes 1 + \sum_k C_k\otimes\sigma_k`, (orbitals, orbitals), eV."""
        return np.asarray(np.einsum("isjs->ij", self._blocks) / 2)

    @cached_property
    def spin_part(self) -> Complex:
        r"""C_k of :math:`h = A\otimes 1 + \sum_k C_k\otimes\sigma_k`, (3, orbitals, orbitals), eV."""
        return np.asarray(np.einsum("isjt,kts->kij", self._blocks, PAULI) / 2)

    @property
    def time_reversal_odd(self) -> float:
        r"""Largest element of the part of h that is odd under time reversal, eV.

        An even h has a real A and imaginary C_k.
        """
        parts = [np.abs(self.spin_free.imag).max(), np.abs(self.spin_part.real).max()]
        return float(max(parts))

    @property
    def energy_scale(self) -> float:
        """Largest element of h or of a Gamma, eV."""
        matrices = [self.hamiltonian, self.left.coupling, self.right.coupling]
        return max(float(np.abs(matrix).max()) for matrix in matrices)

    @property
    def _blocks(self) -> Complex:
        return self.hamiltonian.reshape(self.orbitals, 2, self.orbitals, 2)


def site_probe(orbitals: Sequence[int], size: int, coupling: float) -> Complex:
    """W of a probe that touches some orbitals alike and without interference, (size, size), eV."""
    W = np.zeros((size, size), dtype=complex)
    W[list(orbitals), list(orbitals)] = coupling
    return W


def _checked(system: System) -> None:
    h = system.hamiltonian
    if h.ndim != 2 or h.shape[0] != h.shape[1] or h.shape[0] % 2 or not h.size:
        raise ModelError(
            "Hamiltonian must be square with an even number of rows, two spins for each orbital, "
            f"but has shape {h.shape}"
        )
    for name, matrix in _named_matrices(system):
        if not np.isfinite(matrix).all():
            raise ModelError(f"{name} must be finite (in eV), but has {_not_finite(matrix)}")
        odd = float(np.abs(matrix - matrix.conj().T).max())
        if odd > ROUNDING * max(float(np.abs(matrix).max()), 1e-300):
            raise ModelError(
                f"{name} must be Hermitian (in eV), but differs from its adjoint by {odd:.3g} eV"
            )
    for name, matrix in _named_matrices(system)[1:]:
        if matrix.shape != (system.orbitals,) * 2:
            raise ModelError(
                f"{name} must have shape {(system.orbitals,) * 2}, orbitals without spin, "
                f"but has {matrix.shape}"
            )
        levels = np.linalg.eigvalsh(matrix)
        if levels[0] < -ROUNDING * np.abs(levels).max():
            raise ModelError(f"{name} must not be negative (in eV), but has {levels[0]:.3g} eV")
        if not levels[-1] > 0:
            raise ModelError(f"{name} must have at least one channel, but is 0 eV everywhere")
    for name, lead in (("left", system.left), ("right", system.right)):
        size = float(np.linalg.norm(lead.polarisation))
        if not size <= 1 + ROUNDING:
            raise ModelError(
                f"Polarisation of the {name} lead must be at most 1 in length, but is {size:g}"
            )
    if len(system.site_of) != system.orbitals:
        raise ModelError(
            f"Sites must be given for each of {system.orbitals} orbitals, but are {len(system.site_of)}"
        )


def _named_matrices(system: System) -> list[tuple[str, Complex]]:
    named = [
        ("Hamiltonian", system.hamiltonian),
        ("Coupling of the left lead", system.left.coupling),
        ("Coupling of the right lead", system.right.coupling),
    ]
    return named + [(f"Coupling of probe {n + 1}", W) for n, W in enumerate(system.probes)]


def _not_finite(matrix: Complex) -> str:
    row, column = np.argwhere(~np.isfinite(matrix))[0]
    return f"{matrix[row, column]} in row {row + 1}, column {column + 1}"
