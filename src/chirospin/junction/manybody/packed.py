"""Density operators in charge sectors as real vectors, even and odd electron numbers apart.

A Hermitian matrix A + iB of each sector is carried as the real matrix A + B (``numerics/sylvester.py``); the
sectors of one parity follow each other in one vector, members of a batch lie on its first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody import fock
from chirospin.numerics.sylvester import pack, unpack

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]
Halves = tuple[Real, Real]
Blocks = dict[tuple[int, int], Complex]
EVEN, ODD = 0, 1


class AnyStacks(Protocol):
    """Stacks of sectors of equal size, by parity."""

    @property
    def stacks(self) -> tuple[tuple[fock.Stack, ...], tuple[fock.Stack, ...]]:
        """Even and odd ones."""

    def unknowns(self, parity: int) -> int:
        """Numbers of one parity."""


class Stacks:
    """Packed operators whose matrices lie in stacks, one after another; subclasses say which.

    Attributes
    ----------
    batch : members side by side
    space : the stacks of each parity
    """

    batch: int

    @property
    def space(self) -> AnyStacks:
        """The stacks of each parity."""
        raise NotImplementedError

    def diagonal(self, parity: int) -> Ints:
        """Packed positions that the trace adds up; those of one electron operator after those of another."""
        raise NotImplementedError

    def shape(self, parity: int, number: int) -> tuple[int, int, int, int]:
        """(batch, sector, d, d) of one stack."""
        return (self.batch, *self.space.stacks[parity][number].shape)

    def numbers(self, parity: int) -> Sequence[int]:
        """The stacks of one parity."""
        return range(len(self.space.stacks[parity]))

    def zeros(self, parity: int) -> Real:
        """The packed operator zero of one parity, (batch, unknowns)."""
        return np.zeros((self.batch, self.space.unknowns(parity)))

    @property
    def companions(self) -> int:
        """Electron operators that one packed operator consists of, one after another."""
        return 1

    def reduced(self, halves: Halves) -> Halves:
        """The density operator of the electrons."""
        return halves

    def beside(self, block: Complex) -> Complex:
        """An operator on the electrons (..., d, d) of a stack, on everything."""
        return block

    def stored(self, parity: int, number: int, packed: Real) -> Complex:
        """Matrices of one stack."""
        stack = self.space.stacks[parity][number]
        return unpack(packed[:, stack.span].reshape(self.batch, *stack.shape))

    def store(self, parity: int, number: int, X: Complex, packed: Real) -> None:
        """Put the matrices of one stack into a packed operator."""
        packed[:, self.space.stacks[parity][number].span] = pack(X).reshape(self.batch, -1)

    def trace(self, even: Real, odd: Real) -> Real:
        """Trace of a packed operator, (batch,)."""
        return np.asarray(
            even[:, self.diagonal(EVEN)].sum(axis=1) + odd[:, self.diagonal(ODD)].sum(axis=1)
        )

    def blocks(self, halves: Halves) -> Blocks:
        """Hermitian matrices (batch, sector, d, d) of packed halves, by parity and stack."""
        return {
            (parity, n): self.stored(parity, n, halves[parity])
            for parity in (EVEN, ODD)
            for n in self.numbers(parity)
        }

    def by_stack(
        self, parity: int, packed: Real, action: Callable[[int, Complex], Complex]
    ) -> Real:
        """An action (stack number, Hermitian matrices) -> matrices, on all sectors of one parity."""
        out = np.empty_like(packed)
        for n in self.numbers(parity):
            self.store(parity, n, action(n, self.stored(parity, n, packed)), out)
        return out

    def by_electrons(self, packed: Real, action: Callable[[Real], Real]) -> Real:
        """A map of electron operators, (batch x unknowns, companions) -> the same, on each of them."""
        if self.companions == 1:
            return action(packed.reshape(-1)).reshape(self.batch, -1)
        apart = packed.reshape(self.batch, self.companions, -1).transpose(0, 2, 1)
        mapped = action(np.ascontiguousarray(apart).reshape(-1, self.companions))
        together = mapped.reshape(self.batch, -1, self.companions).transpose(0, 2, 1)
        return together.reshape(self.batch, -1)


@dataclass(frozen=True, kw_only=True)
class Layout(Stacks):
    """Where the numbers of packed operators lie, for a batch of members of one structure."""

    charges: fock.Charges
    batch: int

    @property
    def space(self) -> fock.Sectors:
        """The sectors."""
        return fock.sectors(self.charges)

    @property
    def electrons(self) -> Layout:
        """Of the electrons alone."""
        return self

    def diagonal(self, parity: int) -> Ints:
        """Packed positions that the trace adds up; those of one electron operator after those of another."""
        return diagonal(self.charges, parity)

    def packed(self, blocks: Blocks) -> Halves:
        """Halves from matrices by parity and stack."""
        halves = self.zeros(EVEN), self.zeros(ODD)
        for (parity, n), X in blocks.items():
            self.store(parity, n, X, halves[parity])
        return halves

    def diagonal_operator(self, values: Callable[[Ints], Real]) -> Halves:
        """The operator that is diagonal in Fock states: (states) -> (batch or 1, states) values."""
        halves = []
        for parity in (EVEN, ODD):
            half = self.zeros(parity)
            states = np.concatenate([s.states.ravel() for s in self.space.stacks[parity]])
            places = self.diagonal(parity)
            half[:, places] = np.tile(values(states), (1, places.size // states.size))
            halves.append(half)
        return halves[EVEN], halves[ODD]

    def identity(self) -> Halves:
        """The identity."""
        return self.diagonal_operator(lambda states: np.ones((1, states.size)))

    def number(self) -> Halves:
        """The number of electrons."""
        return self.diagonal_operator(lambda states: np.bitwise_count(states).astype(float)[None])

    def product_state(self, f: Real) -> Halves:
        r"""Every orbital filled with f, (batch or 1, 1), whatever the Hamiltonian.

        .. math:: \rho = \prod_k [f n_k + (1 - f)(1 - n_k)]
        """

        def weight(states: Ints) -> Real:
            number = np.bitwise_count(states)
            return np.asarray(f**number * (1 - f) ** (self.space.orbitals - number))

        return self.diagonal_operator(weight)


def norm(even: Real, odd: Real) -> Real:
    """Frobenius norm of a packed operator, (batch,)."""
    return np.asarray(np.sqrt((even**2).sum(axis=1) + (odd**2).sum(axis=1)))


def overlap(left: Halves, right: Halves) -> Real:
    """Tr[X Y] of two packed operators, (batch,)."""
    return np.asarray(sum((x * y).sum(axis=1) for x, y in zip(left, right, strict=True)))


def occupied(states: Ints, orbitals: int) -> Real:
    """Occupation of every orbital in Fock states, (states, orbital)."""
    return ((states[:, None] >> np.arange(orbitals)) & 1).astype(float)


@lru_cache(maxsize=16)
def diagonal(charges: fock.Charges, parity: int) -> Ints:
    """Packed positions of the diagonal elements of all sectors of one parity."""
    where = []
    for stack in fock.sectors(charges).stacks[parity]:
        sectors, size, _ = stack.shape
        inside = np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1)
        where.append(stack.start + inside.ravel())
    return np.concatenate(where)
