r"""The self-consistent equation on the elements of G that the mean field reads, and its derivative.

.. math:: x \mapsto G(h + \Delta(x))|_{mask}, \qquad
          \delta G = L_K^{-1}\, i (\delta K\, G - G\, \delta K^+), \quad \delta K = -\Delta(\delta x)^T

G falls into blocks of orbitals that the Hamiltonian joins. For repulsion within molecules the mask holds
16 elements a molecule, whatever the length, so that steps of Newton's method are cheap beside the
eigenvectors of K.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.model import Interaction
from chirospin.numerics.sylvester import (
    Form,
    SylvesterInverse,
    by_either_form,
    dagger,
    sylvester,
)

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]
DENSE = 64  # orbitals up to which a sparse matrix takes longer than a full one
GOOD = 1e-13  # residual at which eigenvectors are good enough


class Solved(Protocol):
    """Density of electrons in a given field."""

    @property
    def G(self) -> Complex:
        """:math:`\\langle c^+_m c_n \\rangle`, (n, n)."""
        ...

    def response(self, v: Real) -> Real:
        """Changes of G on the mask for changes of the density that makes the field, (..., size)."""
        ...


@dataclass(frozen=True, kw_only=True)
class FieldEquation(ABC):
    """One junction, one magnetisation; subclasses know the leads.

    Parameters
    ----------
    h : one-body matrix, (n, n), eV
    terms : interaction
    sign : of the exchange, -1 for Hartree-Fock
    """

    h: Complex
    terms: Interaction
    sign: float = -1.0

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Pairs of orbitals that the Hamiltonian or a lead joins, (n, n)."""
        return np.asarray(self.h != 0)

    @cached_property
    def groups(self) -> list[Ints]:
        """Orbitals that the one-body Hamiltonian or a lead joins, group by group."""
        count, label = scipy.sparse.csgraph.connected_components(
            scipy.sparse.coo_array(self.joined), directed=False
        )
        return [np.flatnonzero(label == g) for g in range(count)]

    @cached_property
    def mask(self) -> tuple[Ints, Ints]:
        """Rows and columns of the elements of G that the mean field reads."""
        n = len(self.h)
        wanted = np.eye(n, dtype=bool) | (self.terms.density != 0)
        for one in self.terms.exchange:
            wanted[np.ix_(one, one)] = True
        joined = np.zeros_like(wanted)
        for group in self.groups:
            joined[np.ix_(group, group)] = True
        row, column = np.nonzero(wanted & joined)
        return row, column

    @cached_property
    def _place(self) -> Ints:
        place = np.full(self.h.shape, -1, dtype=np.int64)
        place[self.mask] = np.arange(self.mask[0].size)
        return place

    @cached_property
    def own(self) -> Ints:
        """Where the occupations stand among the elements of the mask."""
        return np.asarray(np.diagonal(self._place))

    @cached_property
    def _mirror(self) -> Ints:
        row, column = self.mask
        return self._place[column, row]

    @cached_property
    def _field(self) -> scipy.sparse.csr_array:
        """Delta on the mask as a sparse matrix on G on the mask."""
        place = self._place
        row, column = self.mask
        own = self.own
        W = self.terms.density
        m, k = np.nonzero(W)
        off = row != column
        entries = [
            (own[m], own[k], W[m, k]),
            (np.flatnonzero(off), self._mirror[off], self.sign * W[row[off], column[off]]),
        ]
        for (p, q, r, s), v in zip(self.terms.exchange, self.terms.strength, strict=True):
            pieces = [(p, s, q, r, v), (q, r, p, s, v)]
            pieces += [(p, r, q, s, self.sign * v), (q, s, p, r, self.sign * v)]
            for a, b, c, d, weight in pieces:
                for to, at, w in (
                    (place[a, b], place[c, d], weight),
                    (place[b, a], place[d, c], np.conj(weight)),
                ):
                    if to >= 0 and at >= 0:
                        entries.append((np.array([to]), np.array([at]), np.array([w])))
        to, at, weight = (np.concatenate(part) for part in zip(*entries, strict=True))
        size = row.size
        return scipy.sparse.coo_array((weight, (to, at)), shape=(size, size)).tocsr()

    @cached_property
    def _inside(self) -> dict[int, tuple[Ints, Ints, Ints]]:
        row, column = self.mask
        local = np.empty(len(self.h), dtype=np.int64)
        found = {}
        for group in self.groups:
            local[group] = np.arange(group.size)
            where = np.flatnonzero(np.isin(row, group))
            found[int(group[0])] = (where, local[row[where]], local[column[where]])
        return found

    def inside(self, group: Ints) -> tuple[Ints, Ints, Ints]:
        """Which elements of the mask lie in a group, and where in it."""
        return self._inside[int(group[0])]

    def packed(self, G: Complex) -> Real:
        """G on the mask as real numbers, A + B of the Hermitian A + iB."""
        values = G[self.mask]
        return np.asarray(values.real + values.imag)

    def unpacked(self, x: Real) -> Complex:
        """Elements of the Hermitian matrix on the mask, (..., size)."""
        other = x[..., self._mirror]
        return np.asarray(0.5 * ((x + other) + 1j * (x - other)))

    def field(self, x: Real) -> scipy.sparse.csr_array:
        """Delta(G) as a sparse matrix, eV."""
        return scipy.sparse.coo_array((self.on_mask(x), self.mask), shape=self.h.shape).tocsr()

    def on_mask(self, x: Real) -> Complex:
        """Elements of Delta(G) on the mask, (..., size), eV."""
        return np.asarray(self.unpacked(x) @ self._field.T)

    def mapped(self, x: Real) -> tuple[Real, Callable[[Real], Real]]:
        """G on the mask in the field of x, and the action of its derivative."""
        solved = self.solved(x)
        return self.packed(solved.G), solved.response

    def linearised(self, x: Real) -> tuple[Real, Callable[[Real], Real]]:
        """The defect map(x) - x and the action of its derivative."""
        value, response = self.mapped(x)
        return value - x, lambda v: response(v) - v

    @abstractmethod
    def in_field(self, h: Complex) -> Solved:
        """Electrons without interaction in a Hamiltonian with its field."""

    @abstractmethod
    def residual(self, G: Complex) -> float:
        """Of the self-consistent equation, relative."""

    def solved(self, x: Real) -> Solved:
        """The density of electrons in the mean field of x; the last one is kept."""
        key = x.tobytes()
        if self._last.get("key") != key:
            self._last.update(key=key, solved=self.in_field(self.h + self.field(x).toarray()))
        solved: Solved = self._last["solved"]
        return solved

    @cached_property
    def _last(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class MeanFieldEquation(FieldEquation):
    r"""Leads of infinite bias.

    Parameters
    ----------
    filling, emptying : rates alpha and beta, (n,), or :math:`\sum_l f_l \Gamma_l` and
        :math:`\sum_l (1 - f_l) \Gamma_l`, (n, n), eV/hbar
    """

    filling: NDArray[Any]
    emptying: NDArray[Any]

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Pairs of orbitals that the Hamiltonian or a lead joins, (n, n)."""
        if self.filling.ndim == 1:
            return np.asarray(self.h != 0)
        return np.asarray((self.h != 0) | (self.filling != 0) | (self.emptying != 0))

    @cached_property
    def source(self) -> Complex:
        """alpha of :math:`\\langle c^+_m c_n \\rangle`, (n, n), eV/hbar."""
        alpha = self.filling
        return np.diag(alpha) if alpha.ndim == 1 else np.asarray(alpha.T)

    @cached_property
    def loss(self) -> Complex:
        """alpha + beta, (n, n), eV/hbar."""
        total = self.filling + self.emptying
        return np.diag(total) if total.ndim == 1 else np.asarray(total.T)

    def in_field(self, h: Complex) -> SolvedField:
        """Electrons without interaction in a Hamiltonian with its field."""
        G = np.zeros_like(h)
        inverses: list[SylvesterInverse] = []
        decay = np.inf
        for group in self.groups:
            block = np.ix_(group, group)
            inverse, G[block] = _steady(-h[block].T - 0.5j * self.loss[block], self.source[block])
            inverses.append(inverse)
            decay = min(decay, float(inverse.slowest_decay))
        return SolvedField(equation=self, G=G, inverses=inverses, decay=decay)

    def residual(self, G: Complex) -> float:
        r"""Norm of :math:`K' G + G K'^+ + \alpha` with the field of G itself, relative.

        In units of the largest element of the Hamiltonian or rate, times the norm of G.
        """
        h = self.h + self.field(self.packed(G)).toarray()
        K = -h.T - 0.5j * self.loss
        rest = sylvester(K, G) + self.source
        size = float(np.linalg.norm(G)) * max(float(np.abs(K).max()), 1e-300)
        return float(np.linalg.norm(rest)) / size if size > 0 else float(np.linalg.norm(rest))


def _steady(K: Complex, filling: Complex) -> tuple[SylvesterInverse, Complex]:
    source = -filling.astype(complex)

    def attempt(matrices: Sequence[Complex], form: Form) -> list[tuple[SylvesterInverse, Complex]]:
        inverses = [form(matrix) for matrix in matrices]
        return [(inverse, inverse(source)) for inverse in inverses]

    def doubtful(found: tuple[SylvesterInverse, Complex]) -> bool:
        G = found[1]
        size = float(np.linalg.norm(G)) * max(float(np.abs(K).max()), 1e-300)
        return not np.linalg.norm(sylvester(K, G) - source) <= GOOD * len(K) * size

    (answer,) = by_either_form([K], attempt, doubtful)
    return answer


@dataclass(frozen=True, kw_only=True)
class SolvedField:
    """Density in a given field, with what its linear response needs."""

    equation: MeanFieldEquation
    G: Complex
    inverses: list[SylvesterInverse]
    decay: float

    def response(self, v: Real) -> Real:
        """Changes of G on the mask for changes of the density that makes the field, (..., size)."""
        equation = self.equation
        values = equation.on_mask(v)
        out = np.zeros(v.shape, dtype=complex)
        for group, inverse in zip(equation.groups, self.inverses, strict=True):
            where, row, column = equation.inside(group)
            G = self.G[np.ix_(group, group)]
            half = -1j * _transposed_times(values[..., where], row, column, G)
            change = inverse(half + dagger(half))
            out[..., where] = change[..., row, column]
        return np.asarray(out.real + out.imag)


def _transposed_times(values: Complex, row: Ints, column: Ints, G: Complex) -> Complex:
    """The transposed matrix of given elements times G."""
    size = len(G)
    if size > DENSE and values.ndim == 1:
        sparse = scipy.sparse.coo_array((values, (column, row)), shape=(size, size))
        return np.asarray(sparse.tocsr() @ G)
    full = np.zeros((*values.shape[:-1], size, size), dtype=complex)
    full[..., column, row] = values
    return full @ G
