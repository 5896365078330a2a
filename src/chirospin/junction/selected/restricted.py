r"""The master equation in selected products.

Every jump is restricted to the products that are kept and takes its own loss along,

.. math:: L X = -i [H, X] + \sum_l l X l^+ - \tfrac12 \{l^+ l, X\}

with H and l between kept products alone. So trace and positivity are kept and both leads carry the same current,
whatever is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody.fock import Stack
from chirospin.junction.manybody.generator import Generator, JumpFamily
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, Stacks
from chirospin.junction.selected.blocks import made_hermitian
from chirospin.junction.selected.products import Matrix, ProductSpace
from chirospin.numerics.sylvester import pack, unpack

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Sectors of one parity, each a stack of its own."""

    stacks: tuple[tuple[Stack, ...], tuple[Stack, ...]]

    def unknowns(self, parity: int) -> int:
        """Length of the packed vector of one parity."""
        return int(self.stacks[parity][-1].span.stop) if self.stacks[parity] else 0


class Selection(Stacks):
    """Kept products in sectors: the layout of packed operators between them, batch of one.

    Parameters
    ----------
    space : the products
    digits : kept ones, (K, block), in any order
    """

    batch = 1

    def __init__(self, space: ProductSpace, digits: Ints) -> None:
        charge, number = space.charge(digits), space.number(digits)
        order = np.lexsort((*charge.T, number % 2))
        self.products, self.digits = space, digits[order]
        self.charge, self.electron_numbers = charge[order], number[order]
        ends = np.flatnonzero((np.diff(self.charge, axis=0) != 0).any(axis=1)) + 1
        bounds = [0, *ends.tolist(), len(order)]
        self.members = [np.arange(a, b) for a, b in pairwise(bounds)]
        by_parity: list[list[Stack]] = [[], []]
        for mine in self.members:
            stacks = by_parity[int(self.electron_numbers[mine[0]] % 2)]
            start = stacks[-1].span.stop if stacks else 0
            stacks.append(Stack(states=mine[None], start=start))
        self._pieces = Pieces(stacks=(tuple(by_parity[EVEN]), tuple(by_parity[ODD])))

    def __len__(self) -> int:
        return len(self.digits)

    def states(self, parity: int, number: int) -> Ints:
        """The kept products of one sector."""
        return np.asarray(self.space.stacks[parity][number].states[0])

    @property
    def space(self) -> Pieces:
        """The sectors."""
        return self._pieces

    def diagonal(self, parity: int) -> Ints:
        """Packed positions of the diagonal elements of one parity."""
        return self._diagonals[parity]

    @cached_property
    def _diagonals(self) -> tuple[Ints, Ints]:
        even, odd = (
            np.concatenate(
                [
                    stack.start + np.arange(stack.shape[1]) * (stack.shape[1] + 1)
                    for stack in self.space.stacks[parity]
                ]
                or [np.zeros(0, dtype=np.int64)]
            )
            for parity in (EVEN, ODD)
        )
        return even, odd

    def identity(self) -> Halves:
        """The identity."""
        return self._diagonal_operator(np.ones(len(self)))

    def number(self) -> Halves:
        """The number of electrons."""
        return self._diagonal_operator(self.electron_numbers.astype(float))

    def _diagonal_operator(self, values: Real) -> Halves:
        even, odd = self.zeros(EVEN), self.zeros(ODD)
        for parity, half in ((EVEN, even), (ODD, odd)):
            states = [self.states(parity, n) for n in self.numbers(parity)]
            if states:
                half[:, self.diagonal(parity)] = values[np.concatenate(states)]
        return even, odd

    def matrices(self, halves: Halves) -> list[Complex]:
        """Hermitian matrices (d, d) of packed halves, in the order of the sectors."""
        return [
            unpack(halves[parity][0, stack.span].reshape(stack.shape[1:]))
            for parity in (EVEN, ODD)
            for stack in self.space.stacks[parity]
        ]

    def packed(self, matrix: Matrix) -> Halves:
        """The sectors of a Hermitian matrix between kept products, packed."""
        even, odd = self.zeros(EVEN), self.zeros(ODD)
        for parity, half in ((EVEN, even), (ODD, odd)):
            for n, stack in enumerate(self.space.stacks[parity]):
                mine = self.states(parity, n)
                half[:, stack.span] = pack(inside(matrix, mine)).reshape(1, -1)
        return even, odd

    def sectors_of(self, digits: Ints) -> Ints:
        """Which sector other products lie in, -1 where none is kept, (products,)."""
        labels = {tuple(self.charge[m[0]].tolist()): n for n, m in enumerate(self.members)}
        return np.array(
            [labels.get(tuple(row), -1) for row in self.products.charge(digits).tolist()],
            dtype=np.int64,
        )


def inside(matrix: Matrix, rows: Ints, columns: Ints | None = None) -> Complex:
    """Part of a sparse matrix as a dense one; both lists are ranges."""
    columns = rows if columns is None else columns
    part = matrix[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(part.toarray())


@dataclass(frozen=True, kw_only=True)
class Hop:
    r"""All jumps from one sector to another: :math:`\sum_j l_j X l_j^+` by two sparse products."""

    source: int
    target: int
    stacked: Matrix
    beside: Matrix
    count: int

    @classmethod
    def of(cls, source: int, target: int, parts: Sequence[Matrix]) -> Hop:
        """From the parts of the jumps, (d_target, d_source) each."""
        return cls(
            source=source,
            target=target,
            stacked=scipy.sparse.csr_array(scipy.sparse.vstack(parts)),
            beside=scipy.sparse.csr_array(scipy.sparse.hstack(parts)),
            count=len(parts),
        )

    @cached_property
    def _back(self) -> tuple[Matrix, Matrix]:
        back = scipy.sparse.csr_array(self.stacked.conj().T)
        d = self.beside.shape[1] // self.count
        parts = [
            scipy.sparse.csr_array(self.beside[:, j * d : (j + 1) * d].conj().T)
            for j in range(self.count)
        ]
        return scipy.sparse.csr_array(scipy.sparse.vstack(parts)), back

    def __call__(self, X: Complex) -> Complex:
        """The sum in the target."""
        return _sandwich(self.stacked, self.beside, X, self.count)

    def adjoint(self, Z: Complex) -> Complex:
        """The sum of l^+ Z l in the source."""
        return _sandwich(*self._back, Z, self.count)


def _sandwich(stacked: Matrix, beside: Matrix, X: Complex, count: int) -> Complex:
    rows = stacked.shape[0] // count
    half = stacked @ X
    turned = np.concatenate([half[j * rows : (j + 1) * rows].conj().T for j in range(count)])
    return np.asarray(beside @ turned)


class RestrictedLeads(JumpFamily):
    """The jumps of the leads between kept products."""

    crosses = True

    def __init__(self, selection: Selection, jumps: Sequence[Matrix], loss: Matrix) -> None:
        self.selection, self.loss = selection, loss
        place = {
            int(selection.states(parity, n)[0]): (parity, n)
            for parity in (EVEN, ODD)
            for n in selection.numbers(parity)
        }
        self.where = [place[int(mine[0])] for mine in selection.members]
        self.hops: tuple[list[Hop], list[Hop]] = ([], [])
        sector = np.repeat(np.arange(len(selection.members)), [m.size for m in selection.members])
        pairs: dict[tuple[int, int], list[Matrix]] = {}
        for jump in jumps:
            row, column = jump.nonzero()
            for s, t in np.unique(
                np.stack([sector[column], sector[row]], axis=-1), axis=0
            ).tolist():
                rows, columns = selection.members[t], selection.members[s]
                part = jump[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                pairs.setdefault((s, t), []).append(part)
        for (s, t), parts in pairs.items():
            self.hops[self.where[s][0]].append(Hop.of(s, t, parts))

    def damping(self, parity: int, number: int) -> Complex:
        """-i/2 of the restricted losses in one sector, (1, 1, d, d)."""
        loss = made_hermitian(inside(self.loss, self.selection.states(parity, number)))
        return np.asarray(-0.5j * loss[None, None])

    def crossing(self, parity: int, packed: Real) -> Real:
        """The jumps out of one parity."""
        return self._summed(parity, packed, adjoint=False)

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of the jumps out of one parity."""
        return self._summed(parity, packed, adjoint=True)

    def _summed(self, parity: int, packed: Real, *, adjoint: bool) -> Real:
        """Over the hops out of one parity, forth or back."""
        landing = parity if adjoint else 1 - parity
        out = self.selection.zeros(landing)
        found: dict[int, Complex] = {}
        for hop in self.hops[parity]:
            start, end = (hop.target, hop.source) if adjoint else (hop.source, hop.target)
            if start not in found:
                found[start] = unpack(self._part(packed, start))
            part = hop.adjoint(found[start]) if adjoint else hop(found[start])
            self._part(out, end)[...] += pack(part)
        return out

    def _part(self, packed: Real, sector: int) -> Real:
        parity, n = self.where[sector]
        stack = self.selection.space.stacks[parity][n]
        return packed[0, stack.span].reshape(stack.shape[1:])


class RestrictedGenerator(Generator):
    """L between kept products.

    Parameters
    ----------
    selection : the products
    """

    def __init__(self, selection: Selection) -> None:
        space, digits = selection.products, selection.digits
        self.selection = selection
        self.hamiltonian = space.hamiltonian(digits, digits)
        self.jump_matrices = [space.jump(jump, digits, digits) for jump in space.jumps]
        losses = [m.conj().T @ m for m in self.jump_matrices]
        empty = scipy.sparse.csr_array(self.hamiltonian.shape, dtype=complex)
        family = RestrictedLeads(selection, self.jump_matrices, sum(losses, start=empty))
        self.members, self.layout, self.families = [space.member], selection, [family]  # type: ignore[assignment]
        self.crossing, self.keepers = [family], []
        self.scale = np.array([space.member.scale])
        self.heff = tuple(
            [
                made_hermitian(inside(self.hamiltonian, selection.states(parity, n)))[None, None]
                + family.damping(parity, n)
                for n in selection.numbers(parity)
            ]
            for parity in (EVEN, ODD)
        )
        self.current: Matrix = sum(
            (leading(jump.entering) * loss for jump, loss in zip(space.jumps, losses, strict=True)),
            start=empty,
        )

    def lead_currents(self, halves: Halves) -> Real:
        """Electrons that enter from the left and from the right lead, (lead,)."""
        rho = self.selection.matrices(halves)
        out = np.zeros(2)
        for jump, matrix in zip(self.selection.products.jumps, self.jump_matrices, strict=True):
            loss = matrix.conj().T @ matrix
            rate = sum(
                float((inside(loss, mine) * X.T).sum().real)
                for mine, X in zip(self.selection.members, rho, strict=True)
            )
            out += rate * jump.entering
        return out


def leading(entering: Real) -> float:
    """Share of a jump in the current: half of what enters from the left and leaves to the right."""
    return float(entering[0] - entering[1]) / 2


def block_density(selection: Selection, rho: list[Complex], b: int) -> Complex:
    """Density matrix of one block, (d, d)."""
    space = selection.products
    D = np.zeros((len(space.blocks[b].weight),) * 2, dtype=complex)
    for mine, X in zip(selection.members, rho, strict=True):
        digits = selection.digits[mine]
        rest = space.key(digits, (b,))
        i, j = np.nonzero(rest[:, None] == rest)
        np.add.at(D, (digits[i, b], digits[j, b]), X[i, j])
    return D
