r"""The retarded Green function of the molecules in their many-body state.

.. math:: G_{ab}(\omega) = i\,Tr[c_a (L_{odd} + i\omega)^{-1} (c^+_b\rho + \rho c^+_b)]

L_odd is the generator on operators that change the number of electrons by one: there **every jump changes its
sign**, since c and c+ pass the operators of the leads. The part with :math:`\rho c^+_b` alone is the lesser
one, and :math:`A = i(G - G^+)/2\pi`.

The shift by :math:`i\omega` leaves a Krylov space what it is: one basis, from :math:`c^+_b\rho` and from
:math:`\rho c^+_b` each, serves every energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.operator_space import (
    Charge,
    Complex,
    OperatorBlock,
    ladder_map,
    operator_space,
    orbital_charge,
    trace_places,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Layout, Real

GREEN = "green"
"""The part of a state that holds it."""
REVERSED = -1.0
"""What jumps are multiplied by on operators that change the number of electrons by one."""
FARTHEST = 1e5
"""eV: where the tail is tried."""
MOST_VECTORS = 1500
LOOK = 20
"""Krylov vectors between two looks at the residual."""
ACCURATE = 1e-10
"""Residual of the resolvent, relative to its source, at every energy."""


@dataclass(frozen=True, kw_only=True)
class SectorJump:
    """One channel of jumps, from sector to sector: X -> P X Q^+ + Q X P^+.

    Parameters
    ----------
    target : sector -> the one that it leads to
    P, Q : sector -> matrix into its target
    """

    target: dict[fock.SectorKey, fock.SectorKey]
    P: dict[fock.SectorKey, Complex]
    Q: dict[fock.SectorKey, Complex]


@dataclass(frozen=True, kw_only=True)
class SectorGenerator:
    """A generator sector by sector, for operators that join different ones.

    Parameters
    ----------
    hamiltonian, damped : H, and H_eff, of every sector
    rho : the stationary state
    held : electrons that dephasing sees, times the root of its rate, (d, orbital) of every sector; None
        without
    sign : of the jumps on odd operators
    """

    charges: fock.Charges
    hamiltonian: Mapping[fock.SectorKey, Complex]
    damped: Mapping[fock.SectorKey, Complex]
    rho: Mapping[fock.SectorKey, Complex]
    jumps: Sequence[SectorJump]
    held: Mapping[fock.SectorKey, Real] | None = None
    sign: float = REVERSED

    @cached_property
    def neutral(self) -> Charge:
        """Of operators that keep every charge."""
        return (0,) * len(self.charges)

    def packed_density(self) -> Complex:
        """rho as one vector."""
        blocks = operator_space(self.charges, self.neutral)
        return np.concatenate([self.rho[block.ket].ravel() for block in blocks])

    def closed(self, shift: Charge, X: Complex) -> Complex:
        """-i[H, X] on columns, (unknowns, columns)."""
        return self._beside(shift, X, self.hamiltonian)

    def _beside(self, shift: Charge, X: Complex, K: Mapping[fock.SectorKey, Complex]) -> Complex:
        out = np.empty_like(X)
        for block in operator_space(self.charges, shift):
            Y = _as_matrices(X, block)
            moved = -1j * (K[block.ket] @ Y - Y @ K[block.bra].conj().T)
            out[block.span] = _as_columns(moved, block)
        return out

    def __call__(self, shift: Charge, X: Complex) -> Complex:
        """L_odd X on columns, (unknowns, columns)."""
        out = self._beside(shift, X, self.damped)
        blocks = {(one.ket, one.bra): one for one in operator_space(self.charges, shift)}
        for block in blocks.values():
            Y = _as_matrices(X, block)
            if self.held is not None:
                share = self.held[block.ket] @ self.held[block.bra].T
                out[block.span] += _as_columns(share * Y, block)
            for jump in self.jumps:
                place = jump.target.get(block.ket), jump.target.get(block.bra)
                target = blocks.get(place) if None not in place else None  # type: ignore[arg-type]
                if target is None:
                    continue
                left, right = jump.P[block.ket], jump.Q[block.bra]
                moved = left @ (Y @ right.conj().T)
                left, right = jump.Q[block.ket], jump.P[block.bra]
                moved += left @ (Y @ right.conj().T)
                out[target.span] += self.sign * _as_columns(moved, target)
        return out


def by_place(halves: Sequence[Sequence[Any]]) -> dict[tuple[int, int], Any]:
    """Stacks of both parities by parity and number."""
    return {(parity, n): X for parity, half in enumerate(halves) for n, X in enumerate(half)}


def sector_matrices(
    stacks: Mapping[tuple[int, int], Any], member: int, layout: Layout
) -> dict[fock.SectorKey, Any]:
    """One member's matrices by sector, from (batch, sector, ...) by parity and stack."""
    return {
        (parity, n, s): one
        for parity in (EVEN, ODD)
        for n in layout.numbers(parity)
        for s, one in enumerate(stacks[parity, n][member])
    }


def _as_matrices(X: Complex, block: OperatorBlock) -> Complex:
    """(column, ket, bra) of columns."""
    return np.ascontiguousarray(X[block.span].T).reshape(-1, *block.shape)


def _as_columns(Y: Complex, block: OperatorBlock) -> Complex:
    return Y.reshape(len(Y), -1).T


@dataclass(frozen=True, kw_only=True)
class GreenFunction:
    r"""Of both magnetisations, or of one without their axis.

    Parameters
    ----------
    retarded, lesser : G and its part of rho c+, (..., energy, n, n), 1/eV
    tail : :math:`\omega^2 (G - 1/\omega)` far away, (..., n, n), eV
    tail_law : what it must be: <{[c_a, H], c+_b}> - i Gamma/2, (..., n, n), eV
    sum_rule : integral of A, (..., n, n)
    residual : of the resolvents, (...)
    """

    retarded: Complex
    lesser: Complex
    tail: Complex
    tail_law: Complex
    sum_rule: Complex
    residual: Real


def green_function(L: SectorGenerator, energies: Real, width: Complex) -> GreenFunction:
    """At some energies.

    Parameters
    ----------
    width : Gamma, (n, n), eV
    """
    n = fock.sectors(L.charges).orbitals
    at = np.concatenate([energies, [FARTHEST]])
    retarded, lesser = np.zeros((2, len(at), n, n), dtype=complex)
    law, whole = -0.5j * width.astype(complex), np.zeros((n, n), dtype=complex)
    worst = 0.0
    groups: dict[Charge, list[int]] = {}
    for orbital in range(n):
        groups.setdefault(orbital_charge(L.charges, orbital), []).append(orbital)
    for shift, orbitals in groups.items():
        place = np.ix_(range(len(at)), orbitals, orbitals)
        sources = _sources(L, orbitals)
        read = _reading(L, shift, orbitals)
        for number, source in enumerate(sources):
            found, residual = resolvents(L, shift, source, read, at)
            retarded[place] += 1j * found
            if number == 0:
                lesser[place] = 1j * found
            worst = max(worst, residual)
        both = sources[0] + sources[1]
        law[np.ix_(orbitals, orbitals)] += 1j * (read @ L.closed(shift, both))
        whole[np.ix_(orbitals, orbitals)] = read @ both
    far = FARTHEST * (FARTHEST * retarded[-1] - np.eye(n))
    return GreenFunction(
        retarded=retarded[:-1],
        lesser=lesser[:-1],
        tail=far,
        tail_law=law,
        sum_rule=whole,
        residual=np.asarray(worst),
    )


def _sources(L: SectorGenerator, orbitals: Sequence[int]) -> tuple[Complex, Complex]:
    """rho c+_b and c+_b rho of some orbitals of one charge, (unknowns, orbital) each."""
    rho = L.packed_density()
    after, both = (
        np.stack([ladder_map(L.charges, L.neutral, b, 1, sign) @ rho for b in orbitals], axis=-1)
        for sign in (0, 1)
    )
    return both - after, after


def _reading(L: SectorGenerator, shift: Charge, orbitals: Sequence[int]) -> Complex:
    """Rows that make Tr[c_a X] of an operator, (orbital, unknowns)."""
    places = trace_places(L.charges)
    rows = []
    for a in orbitals:
        removed = ladder_map(L.charges, shift, a, -1, 0)
        one = np.zeros(removed.shape[0])
        one[places] = 1.0
        rows.append(removed.T @ one)
    return np.asarray(rows)


def resolvents(
    L: SectorGenerator, shift: Charge, source: Complex, read: Complex, energies: Real
) -> tuple[Complex, float]:
    r"""w (L_odd + i omega)^{-1} s for all energies from one Krylov basis of each source.

    Returns
    -------
    (energy, row, source), and the largest residual relative to the source
    """
    size, columns = source.shape
    limit = min(MOST_VECTORS, size)
    norms = np.linalg.norm(source, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    basis = np.zeros((columns, min(limit, 4 * LOOK) + 1, size), dtype=complex)
    basis[:, 0] = (source / scale).T
    H = np.zeros((columns, limit + 1, limit), dtype=complex)
    look, residual = LOOK, np.inf
    for k in range(limit):
        if k + 1 >= basis.shape[1]:
            basis = np.concatenate([basis, np.zeros_like(basis)], axis=1)
        vector = L(shift, np.ascontiguousarray(basis[:, k].T)).T
        before = np.linalg.norm(vector, axis=1)
        for _ in range(2):
            overlap = np.einsum("ckn,cn->ck", basis[:, : k + 1].conj(), vector)
            vector = vector - np.einsum("ck,ckn->cn", overlap, basis[:, : k + 1])
            H[:, : k + 1, k] += overlap
        H[before == 0, k, k] = 1.0  # of a source whose space has ended
        height = np.linalg.norm(vector, axis=1)
        ended = height <= 1e-13 * before
        H[:, k + 1, k] = np.where(ended, 0.0, height)
        basis[:, k + 1] = np.where(ended, 0.0, 1 / np.where(ended, 1.0, height))[:, None] * vector
        if ended.all() or k + 1 == limit or k + 1 == look:
            weight, residual = _solved(H[:, : k + 2, : k + 1], energies)
            look = max(look + LOOK, 5 * look // 4)
            if residual <= ACCURATE or ended.all():
                break
    seen = np.einsum("rn,ckn->crk", read, basis[:, : weight.shape[-1]])
    found = np.einsum("crk,cek,c->erc", seen, weight, norms)
    return found, residual


def _solved(H: Complex, energies: Real) -> tuple[Complex, float]:
    """(H + i omega)^{-1} e_1 of every source and energy, (source, energy, k); the largest residual."""
    columns, k = H.shape[0], H.shape[2]
    weight = np.empty((columns, len(energies), k), dtype=complex)
    worst = 0.0
    for c in range(columns):
        T, Z = scipy.linalg.schur(H[c, :k], output="complex")
        first, diagonal = Z[0].conj(), np.arange(k)
        own = T[diagonal, diagonal]
        for e, omega in enumerate(energies):
            T[diagonal, diagonal] = own + 1j * omega
            weight[c, e] = scipy.linalg.solve_triangular(T, first, check_finite=False)
        weight[c] = weight[c] @ Z.T
        worst = max(worst, float(np.abs(H[c, k, k - 1] * weight[c, :, -1]).max()))
    return weight, worst
