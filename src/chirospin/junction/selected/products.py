"""Products of block states: which there are, and matrix elements between any two lists of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.selected.blocks import Block, Jump, lead_jumps

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]
Matrix: TypeAlias = Any
"""A sparse matrix in compressed rows, scipy.sparse.csr_array."""

SMALLEST_ELEMENT = 1e-14  # of an operator: below is rounding of the change of states


@dataclass(frozen=True, kw_only=True)
class BlockHopping:
    r"""One product of two operators of different blocks, :math:`s A_b B_{b'}`, b before b'.

    Parameters
    ----------
    blocks : b, b'
    first, second : A and B, odd in electrons, (d, d) each
    change : of the charge by A, (charges,); B changes it back
    """

    blocks: tuple[int, int]
    first: Complex
    second: Complex
    change: Ints


@dataclass(frozen=True, kw_only=True)
class ProductSpace:
    """A stack as blocks, with all that acts on their products.

    Parameters
    ----------
    member : of the stack
    blocks : in their present states
    """

    member: FlatMember
    blocks: tuple[Block, ...]

    @cached_property
    def jumps(self) -> list[Jump]:
        """Of both leads."""
        return lead_jumps(self.member, self.blocks)

    @cached_property
    def hoppings(self) -> list[BlockHopping]:
        """Hoppings between blocks, in both directions."""
        h, found = self.member.matrices.h, []
        charges = np.array(self.member.charges)
        for b, left in enumerate(self.blocks):
            for b2 in range(b + 1, len(self.blocks)):
                right = self.blocks[b2]
                for i, k in enumerate(left.orbitals):
                    for j, m in enumerate(right.orbitals):
                        if h[k, m] == 0:
                            continue
                        c, d = left.annihilators[i], right.annihilators[j]
                        # c+_k c_m, and c+_m c_k = -c_k c+_m
                        found.append(
                            BlockHopping(
                                blocks=(b, b2),
                                first=h[k, m] * c.conj().T,
                                second=d,
                                change=charges[:, k],
                            )
                        )
                        found.append(
                            BlockHopping(
                                blocks=(b, b2),
                                first=-np.conj(h[k, m]) * c,
                                second=d.conj().T,
                                change=-charges[:, k],
                            )
                        )
        return found

    @cached_property
    def repulsion(self) -> Real:
        """Between electrons of different blocks, (block, block), eV."""
        W = self.member.matrices.interaction.density
        out = np.zeros((len(self.blocks),) * 2)
        for b, left in enumerate(self.blocks):
            for b2, right in enumerate(self.blocks):
                if b2 > b:
                    out[b, b2] = W[left.orbitals[0], right.orbitals[0]]
        return out

    def charge(self, digits: Ints) -> Ints:
        """Of products, (products, charges)."""
        return np.asarray(sum(block.charge[digits[:, b]] for b, block in enumerate(self.blocks)))

    def number(self, digits: Ints) -> Ints:
        """Electrons in products, (products,)."""
        return np.asarray(sum(block.number[digits[:, b]] for b, block in enumerate(self.blocks)))

    def key(self, digits: Ints, without: Sequence[int] = ()) -> Ints:
        """One number for the digits of some blocks, (products,)."""
        out = np.zeros(len(digits), dtype=np.int64)
        for b, block in enumerate(self.blocks):
            if b not in without:
                out = out * len(block.weight) + digits[:, b]
        return out

    def most_probable(self, count: int) -> Ints:
        """Products of largest weight, largest first, (count, block)."""
        digits = np.zeros((1, 0), dtype=np.int64)
        weight = np.ones(1)
        for block in self.blocks:
            product = np.outer(weight, block.weight).ravel()
            best = np.argsort(-product, kind="stable")[:count]
            row, state = np.divmod(best, len(block.weight))
            digits = np.concatenate([digits[row], state[:, None]], axis=1)
            weight = product[best]
        return digits

    def hamiltonian(self, rows: Ints, columns: Ints) -> Matrix:
        """H between products."""
        out = self.local([block.hamiltonian for block in self.blocks], rows, columns)
        for hopping in self.hoppings:
            out = out + self.hopped(hopping, rows, columns)
        if self.repulsion.any():
            i, j = matches(self.key(rows), self.key(columns))
            N = np.stack([b.number[rows[i, n]] for n, b in enumerate(self.blocks)], axis=-1)
            out = out + _matrix(((N @ self.repulsion) * N).sum(axis=1), i, j, rows, columns)
        return out

    def local(self, operators: Sequence[Complex | None], rows: Ints, columns: Ints) -> Matrix:
        """The sum of operators of single blocks that keep the charge."""
        out = scipy.sparse.csr_array((len(rows), len(columns)), dtype=complex)
        for b, operator in enumerate(operators):
            if operator is None:
                continue
            i, j = matches(self.key(rows, (b,)), self.key(columns, (b,)))
            out = out + _matrix(operator[rows[i, b], columns[j, b]], i, j, rows, columns)
        return out

    def losses(self, weights: Sequence[float], rows: Ints, columns: Ints) -> Matrix:
        """The weighted sum of l^+ l over all jumps."""
        operators: list[Complex | None] = [None] * len(self.blocks)
        for w, jump in zip(weights, self.jumps, strict=True):
            before = operators[jump.block]
            operators[jump.block] = w * jump.loss + (0 if before is None else before)
        return self.local(operators, rows, columns)

    def jump(self, jump: Jump, rows: Ints, columns: Ints) -> Matrix:
        """One jump from products to products."""
        b = jump.block
        i, j = matches(self.key(rows, (b,)), self.key(columns, (b,)))
        value = jump.matrix[rows[i, b], columns[j, b]] * self._sign(columns[j], 0, b)
        return _matrix(value, i, j, rows, columns)

    def _sign(self, digits: Ints, start: int, stop: int) -> Ints:
        """Parity of the electrons in some blocks, (products,)."""
        sign = np.ones(len(digits), dtype=np.int64)
        for b in range(start, stop):
            sign = sign * self.blocks[b].parity[digits[:, b]]
        return sign

    def hopped(self, hopping: BlockHopping, rows: Ints, columns: Ints) -> Matrix:
        """The operator of a hopping between products."""
        b, b2 = hopping.blocks

        left, right = self.blocks[b], self.blocks[b2]

        def key(digits: Ints, change: Ints) -> Ints:
            label = left.label_after(change)[digits[:, b]] * LABELS
            label = label + right.label_after(-change)[digits[:, b2]]
            return np.asarray(self.key(digits, hopping.blocks) * LABELS**2 + label)

        i, j = matches(key(rows, np.zeros_like(hopping.change)), key(columns, hopping.change))
        x, y = rows[i], columns[j]
        value = (
            hopping.first[x[:, b], y[:, b]]
            * hopping.second[x[:, b2], y[:, b2]]
            * self._sign(y, b, b2)
        )
        return _matrix(value, i, j, rows, columns)


LABELS = 512  # more than there are charges of a block, and none


def matches(rows: Ints, columns: Ints) -> tuple[Ints, Ints]:
    """All pairs of a row and a column with the same key."""
    order = np.argsort(columns, kind="stable")
    sorted_ = columns[order]
    first = np.searchsorted(sorted_, rows, side="left")
    count = np.searchsorted(sorted_, rows, side="right") - first
    i = np.repeat(np.arange(rows.size), count)
    ends = np.cumsum(count)
    inside = np.arange(i.size) - np.repeat(ends - count, count)
    return i, order[np.repeat(first, count) + inside]


def _matrix(value: NDArray[np.generic], i: Ints, j: Ints, rows: Ints, columns: Ints) -> Matrix:
    large = np.abs(value) > SMALLEST_ELEMENT
    return scipy.sparse.csr_array(
        (value[large].astype(complex), (i[large], j[large])), shape=(len(rows), len(columns))
    )
