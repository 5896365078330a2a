r"""Hamiltonians H(k) with exact derivatives: functions of k, and sums over lattice vectors.

The phases are those of lattice vectors alone, for all operators: what is diagonal in bands does not depend on
where the centres of the functions lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI
from chirospin.crystal.lattice_sums import BoxedSum, LatticeSum, from_triangle, triangle
from chirospin.wannier.real_space import WannierMatrices

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integers = NDArray[np.int64]
CIRCLE = 24  # points on which an analytic function is sampled: exact up to this degree
ANALYTIC = 1e-9
PAIRS = [(i, j) for i in range(3) for j in range(i, 3)]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Matrices at points of k, in the basis of the Hamiltonian.

    Parameters
    ----------
    first : d_i H, (points, 3, n, n)
    spin : S_i in hbar, (points or 1, 3, n, n)
    second : d_i d_j H, (points, 3, 3, n, n), where slopes are wanted
    spin_slope : d_k S_i, (points, 3 of k, 3 of i, n, n); None where the spin does not depend on k
    position, position_slope : A_j and d_k A_j of the functions, nm, in the shapes of first and second, where asked
        for; None where dH/dk is all of the velocity
    """

    first: Complex
    spin: Complex
    second: Complex | None = None
    spin_slope: Complex | None = None
    position: Complex | None = None
    position_slope: Complex | None = None


class Bloch(Protocol):
    """A Hamiltonian of n states.

    Parameters
    ----------
    size : n
    cell : primitive reciprocal vectors as rows, 1/nm, or None for a k.p model
    reach : largest momentum at which Fermi surfaces are looked for, 1/nm
    centres : of the functions, nm, (n, 3); None where they are not known
    whole : whether all elements of the velocity are known, off-diagonal ones too
    """

    @property
    def size(self) -> int:
        """Number of states."""
        ...

    @property
    def cell(self) -> Array | None:
        """Reciprocal vectors."""
        ...

    @property
    def reach(self) -> float:
        """Largest momentum."""
        ...

    @property
    def centres(self) -> Array | None:
        """Centres of the functions."""
        ...

    @property
    def whole(self) -> bool:
        """Whether all elements of the velocity are known."""
        ...

    def hamiltonian(self, k: Array) -> Complex:
        """H at k in 1/nm, shape (points, n, n)."""
        ...

    def on_grid(self, index: Integers, points: Integers, shift: Array) -> Complex:
        """H at k = (index + shift)/points in units of the reciprocal vectors; index ascends."""
        ...

    def pieces(self, k: Array, *, slopes: bool, position: bool = False) -> Pieces:
        """Derivatives and spin at k; second derivatives where slopes are wanted, the position where it is."""
        ...


@dataclass(frozen=True, eq=False)
class AnalyticBloch:
    """A Hamiltonian given as a function that accepts complex k, differentiated by Cauchy's formula.

    Parameters
    ----------
    function : k of shape (..., 3) -> H of shape (..., n, n); no abs, no conj
    """

    function: Callable[[Complex], Complex]
    spin: Complex
    reach: float
    cell: Array | None = None
    whole: bool = True

    @property
    def size(self) -> int:
        """Number of states."""
        return int(self.spin.shape[-1])

    @property
    def centres(self) -> Array:
        """All at the origin: the function has its own phases."""
        return np.zeros((self.size, 3))

    def on_grid(self, index: Integers, points: Integers, shift: Array) -> Complex:
        """H on a grid of the reciprocal cell."""
        assert self.cell is not None
        return self.hamiltonian((index + shift) / points @ self.cell)

    def hamiltonian(self, k: Array) -> Complex:
        """H at real k."""
        return self.values(k.astype(complex))

    def values(self, k: Complex) -> Complex:
        """H at complex k.

        Raises
        ------
        ModelError : the function does not return a square matrix for each k
        """
        H = np.asarray(self.function(k), dtype=complex)
        n = self.spin.shape[-1]
        if H.shape != (*k.shape[:-1], n, n):
            raise ModelError(
                "Parameter `hamiltonian` must be a function of k of shape (..., 3) with values of "
                f"shape (..., {n}, {n}), but gives {H.shape} for {k.shape}"
            )
        return H

    def pieces(self, k: Array, *, slopes: bool, position: bool = False) -> Pieces:
        """Derivatives from values on circles in the complex plane.

        Raises
        ------
        ModelError : the function is not analytic
        """
        radius = self.reach / 4
        turn = np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
        H = self.hamiltonian(k)
        first = np.empty((len(k), 3, self.size, self.size), dtype=complex)
        second = np.empty((len(k), 3, 3, self.size, self.size), dtype=complex)
        for i, j in PAIRS if slopes else [(i, i) for i in range(3)]:
            way = np.zeros(3)
            way[i] += 1
            way[j] += i != j
            around = self.values(k[:, None, :] + radius * turn[:, None] * way)
            if np.abs(around.mean(axis=1) - H).max() > ANALYTIC * np.abs(around).max():
                raise ModelError(
                    "Parameter `hamiltonian` must be an analytic function of k (no abs, no conj), "
                    "but its mean on a circle is not its value at the centre"
                )
            bend = 2 * np.einsum("c,pcmn->pmn", turn**-2, around) / (CIRCLE * radius**2)
            second[:, i, j] = second[:, j, i] = bend
            if i == j:
                first[:, i] = np.einsum("c,pcmn->pmn", turn**-1, around) / (CIRCLE * radius)
        if not slopes:
            return Pieces(first=first, spin=self.spin[None])
        for i, j in PAIRS:
            if i != j:
                mixed = (second[:, i, j] - second[:, i, i] - second[:, j, j]) / 2
                second[:, i, j] = second[:, j, i] = mixed
        return Pieces(first=first, spin=self.spin[None], second=second)


@dataclass(frozen=True, eq=False)
class TightBinding:
    r"""Matrices between functions on a lattice.

    .. math:: X(k) = \sum_R X(R)\, e^{ik\cdot R}

    Parameters
    ----------
    matrices : in real space; their spin must be set
    """

    matrices: WannierMatrices

    @property
    def whole(self) -> bool:
        """Whether the file has the position operator."""
        return self.matrices.position is not None

    @property
    def size(self) -> int:
        """Number of functions."""
        return self.matrices.functions

    @property
    def centres(self) -> Array | None:
        """Centres of the functions, nm."""
        return self.matrices.centres

    @cached_property
    def cell(self) -> Array:
        """Reciprocal vectors as rows, 1/nm."""
        return np.asarray(2 * np.pi * np.linalg.inv(self.matrices.lattice).T)

    @property
    def reach(self) -> float:
        """Half the shortest reciprocal vector, 1/nm."""
        return float(np.linalg.norm(self.cell, axis=1).min() / 2)

    @cached_property
    def _places(self) -> Array:
        """R in nm."""
        return np.asarray(self.matrices.vectors @ self.matrices.lattice)

    def _sum(self, X: Complex) -> LatticeSum:
        """The sum of matrices (components, R, n, n), Hermitian at every k; vectors without any left out."""
        rows, columns = triangle(self.size)
        held = np.flatnonzero(np.abs(X).max(axis=(0, 2, 3)) > 0)
        if not held.size:
            held = np.array([0])
        lower = np.moveaxis(X[:, held][..., rows, columns], 1, 0)
        return LatticeSum(self.matrices.vectors[held], lower.reshape(len(held), -1))

    @cached_property
    def _energy(self) -> LatticeSum:
        return self._sum(self.matrices.hamiltonian[None])

    @cached_property
    def _boxed(self) -> BoxedSum | None:
        return self._energy.boxed()

    @cached_property
    def _first(self) -> LatticeSum:
        return self._sum(1j * self._places.T[:, :, None, None] * self.matrices.hamiltonian)

    @cached_property
    def _second(self) -> LatticeSum:
        R = self._places
        pairs = np.stack([-R[:, i] * R[:, j] for i, j in PAIRS])
        return self._sum(pairs[:, :, None, None] * self.matrices.hamiltonian)

    @cached_property
    def _spin(self) -> LatticeSum:
        assert self.matrices.spin is not None
        return self._sum(self.matrices.spin)

    @cached_property
    def _spin_slope(self) -> LatticeSum:
        S = self.matrices.spin
        assert S is not None
        return self._sum(self._differentiated(S))

    @cached_property
    def _position(self) -> LatticeSum:
        assert self.matrices.position is not None
        return self._sum(self.matrices.position)

    @cached_property
    def _position_slope(self) -> LatticeSum:
        assert self.matrices.position is not None
        return self._sum(self._differentiated(self.matrices.position))

    def _differentiated(self, X: Complex) -> Complex:
        """d_k X_i in real space, (9, R, n, n), k first."""
        turned = 1j * self._places.T[:, None, :, None, None] * X
        return np.asarray(turned.reshape(9, *X.shape[1:]))

    def _matrices(self, of: LatticeSum, k: Array, shape: tuple[int, ...]) -> Complex:
        values = of.at(k @ self.matrices.lattice.T / (2 * np.pi))
        return from_triangle(values.reshape(len(k), *shape, -1), self.size)

    def hamiltonian(self, k: Array) -> Complex:
        """H at any k."""
        return self._matrices(self._energy, k, ())

    def on_grid(self, index: Integers, points: Integers, shift: Array) -> Complex:
        """H on a grid, partial sums shared."""
        if self._boxed is None:
            return self.hamiltonian((index + shift) / points @ self.cell)
        return from_triangle(self._boxed.on_grid(index, points, shift), self.size)

    def pieces(self, k: Array, *, slopes: bool, position: bool = False) -> Pieces:
        """Derivatives and spin, term by term."""
        first = self._matrices(self._first, k, (3,))
        fixed = len(self._spin.vectors) == 1 and not self._spin.vectors.any()
        spin = self._matrices(self._spin, k[:1] if fixed else k, (3,))
        if not slopes:
            return Pieces(first=first, spin=spin)
        six = self._matrices(self._second, k, (6,))
        second = np.empty((len(k), 3, 3, self.size, self.size), dtype=complex)
        for n, (i, j) in enumerate(PAIRS):
            second[:, i, j] = second[:, j, i] = six[:, n]
        bent = None if fixed else self._matrices(self._spin_slope, k, (3, 3))
        pieces = Pieces(first=first, spin=spin, second=second, spin_slope=bent)
        if not position or not self.whole:
            return pieces
        return replace(
            pieces,
            position=self._matrices(self._position, k, (3,)),
            position_slope=self._matrices(self._position_slope, k, (3, 3)),
        )


def spin_matrices(states: int, order: str) -> Complex:
    """Spin 1/2 of n = 2 x orbitals states: interleaved up, down, up, ... or all up, then all down."""
    orbitals = np.eye(states // 2)
    pairs = [
        np.kron(orbitals, s) if order == "interleaved" else np.kron(s, orbitals) for s in PAULI
    ]
    return np.stack(pairs).astype(np.complex128) / 2


def isotropic(mass: float, spin_orbit: float, chemical_potential: float) -> AnalyticBloch:
    r""":math:`H = k^2/2m + \alpha\,\sigma\cdot k`; yoshimi_2026, Eq. (1)."""

    def function(k: Complex) -> Complex:
        kinetic = (k**2).sum(axis=-1)[..., None, None] / (2 * mass)
        return np.asarray(kinetic * np.eye(2) + spin_orbit * np.einsum("...i,imn->...mn", k, PAULI))

    speed = np.sqrt(spin_orbit**2 + 2 * chemical_potential / mass)
    return AnalyticBloch(
        function, spin_matrices(2, "interleaved"), 1.5 * mass * (speed + abs(spin_orbit))
    )


def cubic(mass: float, spin_orbit: float, lattice_constant: float) -> AnalyticBloch:
    r"""Simple cubic: :math:`d_0 = \sum_i (1-\cos k_ib)/mb^2`, :math:`d_i = \alpha\sin(k_ib)/b`."""
    b = lattice_constant

    def function(k: Complex) -> Complex:
        kinetic = (1 - np.cos(k * b)).sum(axis=-1)[..., None, None] / (mass * b**2)
        spin = np.einsum("...i,imn->...mn", np.sin(k * b), PAULI) * spin_orbit / b
        return np.asarray(kinetic * np.eye(2) + spin)

    return AnalyticBloch(
        function, spin_matrices(2, "interleaved"), np.pi / b, 2 * np.pi / b * np.eye(3)
    )


def tellurium(
    longitudinal: float, transverse: float, gap: float, spin_orbit: float, chemical_potential: float
) -> AnalyticBloch:
    r"""Valence band of tellurium: :math:`d_0 = Ak_z^2 + Bk_\perp^2`, :math:`d = (\Delta, 0, \beta k_z)`."""

    def function(k: Complex) -> Complex:
        kx, ky, kz = np.moveaxis(k, -1, 0)
        kinetic = (longitudinal * kz**2 + transverse * (kx**2 + ky**2))[..., None, None]
        spin = gap * PAULI[0] + spin_orbit * kz[..., None, None] * PAULI[2]
        return np.asarray(kinetic * np.eye(2) + spin)

    energy = abs(chemical_potential) + abs(gap) + spin_orbit**2 / abs(longitudinal)
    reach = 2 * np.sqrt(energy / min(abs(longitudinal), abs(transverse)))
    return AnalyticBloch(function, spin_matrices(2, "interleaved"), float(reach))
