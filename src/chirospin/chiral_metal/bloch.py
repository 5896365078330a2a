r"""Bloch Hamiltonians with exact derivatives in k, and what a band carries.

.. math:: v_i = \langle\partial_iH\rangle, \quad
          \partial_k\langle X\rangle = \langle\partial_kX\rangle
          + 2\,\mathrm{Re}\sum_{m\ne n} \frac{X_{nm}(\partial_kH)_{mn}}{\epsilon_n-\epsilon_m}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Matrices = tuple[Complex, Complex, Complex]
CIRCLE = 24  # points on which an analytic function is sampled: exact up to this degree
ANALYTIC = 1e-9
PAIRS = [(i, j) for i in range(3) for j in range(i, 3)]


class Bloch(Protocol):
    """A Hamiltonian H(k) of n states.

    Parameters
    ----------
    spin : matrices of the spin in hbar, shape (3, n, n)
    cell : primitive reciprocal vectors as rows, 1/nm, or None for a k.p model
    reach : largest momentum at which Fermi surfaces are looked for, 1/nm
    """

    @property
    def spin(self) -> Complex:
        """Spin matrices."""
        ...

    @property
    def cell(self) -> Array | None:
        """Reciprocal vectors."""
        ...

    @property
    def reach(self) -> float:
        """Largest momentum."""
        ...

    def hamiltonian(self, k: Array) -> Complex:
        """H at k, shape (points, n, n)."""
        ...

    def derivatives(self, k: Array) -> Matrices:
        """H, its first and second derivatives: (p, n, n), (p, 3, n, n), (p, 3, 3, n, n)."""
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

    def derivatives(self, k: Array) -> Matrices:
        """H and its derivatives from values on circles in the complex plane.

        Raises
        ------
        ModelError : the function is not analytic
        """
        radius = self.reach / 4
        turn = np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
        H = self.hamiltonian(k)
        size = H.shape[-1]
        first = np.empty((len(k), 3, size, size), dtype=complex)
        second = np.empty((len(k), 3, 3, size, size), dtype=complex)
        for i, j in PAIRS:
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
        for i, j in PAIRS:
            if i != j:
                mixed = (second[:, i, j] - second[:, i, i] - second[:, j, j]) / 2
                second[:, i, j] = second[:, j, i] = mixed
        return H, first, second


@dataclass(frozen=True, eq=False)
class TightBinding:
    r"""Hopping on a lattice.

    .. math:: H_{mn}(k) = \sum_R t_{mn}(R)\, e^{ik\cdot(R + r_n - r_m)}

    Parameters
    ----------
    lattice : primitive vectors as rows, nm
    vectors : R in units of the lattice, shape (R, 3)
    hoppings : t(R), eV, shape (R, n, n)
    centres : r_n, nm, shape (n, 3)
    spin : shape (3, n, n)
    """

    lattice: Array
    vectors: Array
    hoppings: Complex
    centres: Array
    spin: Complex

    @property
    def cell(self) -> Array:
        """Reciprocal vectors as rows, 1/nm."""
        return np.asarray(2 * np.pi * np.linalg.inv(self.lattice).T)

    @property
    def reach(self) -> float:
        """Half the shortest reciprocal vector, 1/nm."""
        return float(np.linalg.norm(self.cell, axis=1).min() / 2)

    @property
    def _steps(self) -> Array:
        """R + r_n - r_m, nm, shape (R, m, n, 3)."""
        between = self.centres[None, :] - self.centres[:, None]
        return np.asarray((self.vectors @ self.lattice)[:, None, None] + between)

    def hamiltonian(self, k: Array) -> Complex:
        """H at k."""
        phase = np.exp(1j * np.einsum("pi,rmni->prmn", k, self._steps))
        return np.asarray(np.einsum("prmn,rmn->pmn", phase, self.hoppings))

    def derivatives(self, k: Array) -> Matrices:
        """H and its derivatives, term by term."""
        step = self._steps
        term = np.exp(1j * np.einsum("pi,rmni->prmn", k, step)) * self.hoppings
        first = 1j * np.einsum("prmn,rmni->pimn", term, step)
        second = -np.einsum("prmn,rmni,rmnj->pijmn", term, step, step, optimize=True)
        return term.sum(axis=1), first, second


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


@dataclass(frozen=True, kw_only=True)
class BandFlow:
    """What bands carry at points k.

    Parameters
    ----------
    energy : (points, n)
    velocity, spin : (points, 3, n)
    current_slope, operator_slope : d_k of J_ij, (points, i, j, k, n), for J = <s_i> v_j and for the
        expectation value of {s_i, v_j}/2
    """

    energy: Array
    velocity: Array
    spin: Array
    current_slope: Array
    operator_slope: Array


def band_flow(bloch: Bloch, k: Array) -> BandFlow:
    """Velocities, spins and slopes of spin currents of all bands at k, shape (points, 3)."""
    H, dH, ddH = bloch.derivatives(k)
    energy, U = np.linalg.eigh(H)

    def in_bands(X: Complex) -> Complex:
        bra, ket = U.conj(), U
        while bra.ndim < X.ndim:
            bra, ket = bra[:, None], ket[:, None]
        return np.asarray(np.swapaxes(bra, -1, -2) @ X @ ket)

    S = in_bands(np.broadcast_to(bloch.spin, (len(k), *bloch.spin.shape)))
    V, W = in_bands(dH), in_bands(ddH)
    gap = energy[:, :, None] - energy[:, None, :]
    inverse = np.where(gap == 0, 0.0, 1 / np.where(gap == 0, 1.0, gap))
    mixed = inverse[:, None] * np.swapaxes(V, -1, -2)  # (d_k H)_mn / (e_n - e_m) at [n, m]

    def slope(X: Complex) -> Array:
        """2 Re sum over m of X_nm (d_k H)_mn / (e_n - e_m), shape (points, ..., k, n)."""
        return np.asarray(2 * np.einsum("p...nm,pknm->p...kn", X, mixed).real)

    spin, velocity = (np.einsum("pinn->pin", X).real for X in (S, V))
    bend = np.einsum("pijnn->pijn", W).real + slope(V)
    current = np.einsum("pikn,pjn->pijkn", slope(S), velocity)
    current += np.einsum("pin,pjkn->pijkn", spin, bend)
    product = np.einsum("pinm,pjml->pijnl", S, V)
    product = (product + np.swapaxes(product, -1, -2).conj()) / 2
    bent = np.einsum("pinm,pjkmn->pijkn", S, W).real
    return BandFlow(
        energy=energy,
        velocity=velocity,
        spin=spin,
        current_slope=current,
        operator_slope=bent + slope(product),
    )
