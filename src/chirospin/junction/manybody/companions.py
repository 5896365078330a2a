r"""Layouts of operators that consist of many electron operators, which come with their adjoints.

Elements :math:`\rho_{vv'}` between levels of a boson, or auxiliary operators :math:`\rho_m` of a hierarchy: to each
member belongs its mate, :math:`\rho_{\bar m} = \rho_m^+`. With :math:`\rho_m = A + iB` the pair is carried as the
real matrices :math:`A + B` and :math:`A^T - B^T`, so that norms are kept, and every real index map of electrons acts
on all members alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np

from chirospin.junction.manybody.packed import (
    Blocks,
    Complex,
    Halves,
    Ints,
    Layout,
    Real,
    diagonal,
)
from chirospin.numerics.sylvester import dagger, pack, unpack

Index = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CompanionLayout(Layout):
    """Electron operators one after another: (batch, companion, unknowns of the electrons)."""

    @property
    def electrons(self) -> Layout:
        """Of the electrons alone."""
        return Layout(charges=self.charges, batch=self.batch)

    @property
    def traced(self) -> Ints:
        """Companions whose sum is the density operator of the electrons."""
        raise NotImplementedError

    def zeros(self, parity: int) -> Real:
        """The packed operator zero."""
        return np.zeros((self.batch, self.companions * self.space.unknowns(parity)))

    def diagonal(self, parity: int) -> Ints:
        """Packed positions that the trace adds up."""
        one = diagonal(self.charges, parity)
        return np.ravel(self.traced[:, None] * self.space.unknowns(parity) + one)

    def apart(self, packed: Real) -> Real:
        """(batch, companion, unknowns of the electrons)."""
        return packed.reshape(self.batch, self.companions, -1)

    def reduced(self, halves: Halves) -> Halves:
        """The density operator of the electrons."""
        even, odd = (self.apart(half)[:, self.traced].sum(axis=1) for half in halves)
        return even, odd


@dataclass(frozen=True, kw_only=True)
class LevelsLayout(CompanionLayout):
    """Electrons and the levels of a boson, or of several at once: a state of a sector times a level.

    Parameters
    ----------
    levels : n, of all bosons together
    """

    levels: int

    @property
    def companions(self) -> int:
        """Elements between levels."""
        return self.levels**2

    @property
    def traced(self) -> Ints:
        """Those of a level with itself."""
        return np.arange(self.levels) * (self.levels + 1)

    def shape(self, parity: int, number: int) -> tuple[int, int, int, int]:
        """(batch, sector, d n, d n)."""
        batch, sectors, d, _ = super().shape(parity, number)
        return batch, sectors, d * self.levels, d * self.levels

    def beside(self, block: Complex) -> Complex:
        """An operator on the electrons, unit on the levels."""
        return joint(block, np.eye(self.levels))

    def stored(self, parity: int, number: int, packed: Real) -> Complex:
        """Matrices over states times levels."""
        stack, n = self.space.stacks[parity][number], self.levels
        sectors, d, _ = stack.shape
        values = self.apart(packed)[:, :, stack.span].reshape(self.batch, n, n, sectors, d, d)
        return unpack(values.transpose(0, 3, 4, 1, 5, 2).reshape(self.shape(parity, number)))

    def store(self, parity: int, number: int, X: Complex, packed: Real) -> None:
        """Put the matrices of one stack into a packed operator."""
        stack, n = self.space.stacks[parity][number], self.levels
        sectors, d, _ = stack.shape
        values = pack(X).reshape(self.batch, sectors, d, n, d, n).transpose(0, 3, 5, 1, 2, 4)
        self.apart(packed)[:, :, stack.span] = values.reshape(self.batch, n * n, -1)

    def weighted(self, halves: Halves, operator: Real) -> Halves:
        """Tr_boson[O X] of a real symmetric operator on the levels: a packed operator of the electrons."""
        even, odd = (
            np.einsum(
                "vw,bwvx->bx", operator, half.reshape(self.batch, self.levels, self.levels, -1)
            )
            for half in halves
        )
        return even, odd


def joint(block: Complex, boson: Real) -> Complex:
    """Kronecker product of operators on a sector's states (..., d, d) and on the levels, (..., d n, d n)."""
    *stack, d, _ = block.shape
    n = len(boson)
    out = block[..., :, None, :, None] * boson[:, None, :]
    return np.asarray(out.reshape(*stack, d * n, d * n))


@dataclass(frozen=True, kw_only=True)
class Tiers:
    """Which auxiliary operators there are.

    Parameters
    ----------
    index : m = (m_1, m_2, ...) of each, sum m <= L; the first is the density operator
    partner : of each exponent the one with the conjugate decay
    """

    index: tuple[Index, ...]
    partner: Index

    @cached_property
    def place(self) -> dict[Index, int]:
        """Number of each."""
        return {m: number for number, m in enumerate(self.index)}

    @cached_property
    def mate(self) -> Ints:
        """Number of the operator that is the adjoint of each."""
        return np.array([self.place[tuple(m[j] for j in self.partner)] for m in self.index])

    @cached_property
    def own(self) -> Ints:
        """One of each pair: which operators are carried as complex matrices."""
        return np.flatnonzero(np.arange(len(self.index)) <= self.mate)

    @cached_property
    def array(self) -> Ints:
        """m of each, (operators, exponents)."""
        return np.array(self.index, dtype=np.int64).reshape(len(self.index), -1)

    def neighbour(self, exponent: int, step: int) -> Ints:
        """Number of the operator with one index changed; -1 where there is none."""
        moved = self.array.copy()
        moved[:, exponent] += step
        return np.array([self.place.get(tuple(m), -1) for m in moved.tolist()])


@lru_cache(maxsize=16)
def tiers(partner: Index, highest: int) -> Tiers:
    """All indices of sum up to the highest tier, by tier."""
    index = (
        [m for m in product(range(highest + 1), repeat=len(partner)) if sum(m) <= highest]
        if len(partner) <= 4
        else list(_compositions(len(partner), highest))
    )
    return Tiers(index=tuple(sorted(index, key=lambda m: (sum(m), m))), partner=partner)


def _compositions(length: int, most: int) -> list[Index]:
    """Tuples of whole numbers whose sum is at most ``most``."""
    if not length:
        return [()]
    return [
        (first, *rest)
        for first in range(most + 1)
        for rest in _compositions(length - 1, most - first)
    ]


@dataclass(frozen=True, kw_only=True)
class TiersLayout(CompanionLayout):
    """Density operator and auxiliary operators of a hierarchy; matrices are those of one of each pair."""

    tiers: Tiers

    @property
    def companions(self) -> int:
        """Operators in all."""
        return len(self.tiers.index)

    @property
    def traced(self) -> Ints:
        """The density operator."""
        return np.zeros(1, dtype=np.int64)

    def blocks(self, halves: Halves) -> Blocks:
        """Matrices of the density operator."""
        return self.electrons.blocks(self.reduced(halves))

    def stored(self, parity: int, number: int, packed: Real) -> Complex:
        """Matrices of one of each pair, (batch, own, sector, d, d)."""
        stack = self.space.stacks[parity][number]
        values = self.apart(packed)[:, :, stack.span].reshape(self.batch, -1, *stack.shape)
        first = values[:, self.tiers.own]
        second = np.swapaxes(values[:, self.tiers.mate[self.tiers.own]], -1, -2)
        X = np.empty(first.shape, dtype=complex)
        np.add(first, second, out=X.real)
        np.subtract(first, second, out=X.imag)
        X *= 0.5
        return X

    def store(self, parity: int, number: int, X: Complex, packed: Real) -> None:
        """Put the matrices of one of each pair, and their adjoints, into a packed operator."""
        stack, own = self.space.stacks[parity][number], self.tiers.own
        values = self.apart(packed)
        shape = (self.batch, own.size, -1)
        values[:, self.tiers.mate[own], stack.span] = np.swapaxes(X.real - X.imag, -1, -2).reshape(
            shape
        )
        values[:, own, stack.span] = (X.real + X.imag).reshape(shape)

    def every(self, X: Complex) -> Complex:
        """Matrices of all operators from those of one of each pair, (batch, operator, sector, d, d)."""
        own, mate = self.tiers.own, self.tiers.mate
        out = np.empty((X.shape[0], self.companions, *X.shape[2:]), dtype=complex)
        out[:, mate[own]] = dagger(X)
        out[:, own] = X
        return out

    def member(self, halves: Halves, index: Index) -> Halves:
        """Packed electron operator rho_m + rho_m^+, of one m; of a self-adjoint one twice itself."""
        tiers_ = self.tiers
        number = tiers_.place[index]
        mate = int(tiers_.mate[number])
        even, odd = (self.apart(half)[:, number] + self.apart(half)[:, mate] for half in halves)
        return even, odd
