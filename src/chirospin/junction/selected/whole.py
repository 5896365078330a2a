"""States of the whole stack, a few orthonormal ones in each charge sector of Fock space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.hamiltonian import sparse_blocks
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.selected.blocks import Jump
from chirospin.junction.selected.products import Matrix, ProductSpace
from chirospin.junction.selected.restricted import Selection

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]
Label = tuple[int, ...]

RARE, EVENED_BY = 1e-5, 0.3  # rare charges carry current too: their weights count for more


@dataclass(frozen=True, kw_only=True)
class Sector:
    """All Fock states of one charge.

    Parameters
    ----------
    charge, number : of its states; number is that of electrons
    states : bit patterns, (d,)
    hamiltonian : (d, d), sparse, eV
    """

    charge: Label
    number: int
    states: Ints
    hamiltonian: Matrix


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """One jump from a sector to another, (d_target, d_source), sparse; which of the list of jumps it is."""

    source: int
    target: int
    jump: int
    matrix: Matrix


class FockSectors:
    """The sectors of a stack between leads of infinite bias, and the jumps between them.

    Parameters
    ----------
    member : of the stack
    """

    def __init__(self, member: FlatMember) -> None:
        self.member = member
        charges = np.array(member.charges)
        orbitals = np.arange(charges.shape[1])
        space = fock.sectors(member.charges)
        self.sectors: list[Sector] = []
        self.row = np.zeros(2**orbitals.size, dtype=np.int64)
        for parity, stacks in enumerate(space.stacks):
            for n, stack in enumerate(stacks):
                none = np.zeros(stack.states.size, dtype=complex)
                blocks = sparse_blocks(member.matrices, none, parity, n)
                for states, H in zip(stack.states, blocks, strict=True):
                    occupied = (states[0] >> orbitals) & 1
                    self.row[states] = np.arange(states.size)
                    self.sectors.append(
                        Sector(
                            charge=tuple((charges @ occupied).tolist()),
                            number=int(occupied.sum()),
                            states=states,
                            hamiltonian=H,
                        )
                    )
        self.index = {sector.charge: n for n, sector in enumerate(self.sectors)}
        self.jumps: list[Jump] = []
        self.arrows: list[Arrow] = []
        self.loss = [np.zeros(sector.states.size) for sector in self.sectors]
        self.through: list[
            tuple[int, int, float]
        ] = []  # l^+ l of every jump: its orbital, whether it fills, its rate
        for k in orbitals.tolist():
            for lead in range(2):
                rate, f = member.coupling[lead, k], member.occupation[lead]
                for strength, sign in ((rate * f, 1), (rate * (1 - f), -1)):
                    if strength > 0:
                        self._add(k, strength, sign, charges[:, k], sign * np.eye(2)[lead])

    def _add(self, k: int, rate: float, sign: int, charge: Ints, entering: Real) -> None:
        number = len(self.jumps)
        none = np.zeros((0, 0), dtype=complex)
        self.jumps.append(Jump(block=0, matrix=none, change=sign * charge, entering=entering))
        self.through.append((k, sign, rate))
        for s, sector in enumerate(self.sectors):
            create, destroy = ((k,), ()) if sign > 0 else ((), (k,))
            before, image, phase = fock.apply_product(sector.states, create, destroy)
            if not before.size:
                continue
            target = self.index[tuple((np.array(sector.charge) + sign * charge).tolist())]
            shape = (self.sectors[target].states.size, sector.states.size)
            matrix = scipy.sparse.csr_array(
                (np.sqrt(rate) * phase, (self.row[image], before)), shape=shape
            )
            self.arrows.append(Arrow(source=s, target=target, jump=number, matrix=matrix))
            self.loss[s][before] += rate

    def lost(self, sector: int, jump: int) -> Real:
        """l^+ l of one jump in the Fock states of a sector, (d,)."""
        k, sign, rate = self.through[jump]
        full = (self.sectors[sector].states >> k) & 1
        return np.asarray(rate * (1 - full if sign > 0 else full))

    @cached_property
    def into(self) -> list[list[Arrow]]:
        """The jumps that end in every sector."""
        return [[a for a in self.arrows if a.target == t] for t in range(len(self.sectors))]

    @cached_property
    def out_of(self) -> list[list[Arrow]]:
        """The jumps that start in every sector."""
        return [[a for a in self.arrows if a.source == s] for s in range(len(self.sectors))]


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeStates(ProductSpace):
    """Orthonormal states of the whole stack. Their digits are the sector and the column.

    Parameters
    ----------
    stack : its sectors
    vectors : of every sector that is not empty, (d, states)
    """

    stack: FockSectors
    vectors: Mapping[int, Complex]

    @classmethod
    def of(cls, stack: FockSectors, vectors: Mapping[int, Complex]) -> WholeStates:
        """Those of some sectors."""
        full = {s: V for s, V in vectors.items() if V.shape[1]}
        return cls(member=stack.member, blocks=(), stack=stack, vectors=full)

    @cached_property
    def jumps(self) -> list[Jump]:
        """Of both leads."""
        return self.stack.jumps

    @property
    def digits(self) -> Ints:
        """Of all states, (states, 2)."""
        return np.concatenate(
            [
                np.stack([np.full(V.shape[1], s), np.arange(V.shape[1])], axis=-1)
                for s, V in self.vectors.items()
            ]
        )

    def charge(self, digits: Ints) -> Ints:
        """Of states, (states, charges)."""
        return np.array([sector.charge for sector in self.stack.sectors])[digits[:, 0]]

    def number(self, digits: Ints) -> Ints:
        """Electrons in states, (states,)."""
        return np.array([sector.number for sector in self.stack.sectors])[digits[:, 0]]

    def hamiltonian(self, rows: Ints, columns: Ints) -> Matrix:
        """H between states."""
        parts = {
            (s, s): V.conj().T @ (self.stack.sectors[s].hamiltonian @ V)
            for s, V in self.vectors.items()
        }
        return _placed(parts, rows, columns)

    def jump(self, jump: Jump, rows: Ints, columns: Ints) -> Matrix:
        """One jump between states."""
        number = next(n for n, one in enumerate(self.jumps) if one is jump)
        parts = {
            (a.target, a.source): self.vectors[a.target].conj().T
            @ (a.matrix @ self.vectors[a.source])
            for a in self.stack.arrows
            if a.jump == number and a.source in self.vectors and a.target in self.vectors
        }
        return _placed(parts, rows, columns)


def _placed(parts: Mapping[tuple[int, int], Complex], rows: Ints, columns: Ints) -> Matrix:
    """Dense parts between sectors as one sparse matrix."""
    i, j = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    value = [np.zeros(0, dtype=complex)]
    for (t, s), part in parts.items():
        mine, other = np.flatnonzero(rows[:, 0] == t), np.flatnonzero(columns[:, 0] == s)
        inner = part[np.ix_(rows[mine, 1], columns[other, 1])]
        i.append(np.repeat(mine, other.size))
        j.append(np.tile(other, mine.size))
        value.append(inner.ravel())
    shape = (len(rows), len(columns))
    return scipy.sparse.csr_array(
        (np.concatenate(value), (np.concatenate(i), np.concatenate(j))), shape=shape
    )


def of_products(
    stack: FockSectors, selection: Selection, rho: list[Complex], count: int
) -> WholeStates:
    """The natural states of largest weight of a state of selected products."""
    spectra = [np.linalg.eigh(X) for X in rho]
    vectors = {}
    space = selection.products
    for mine, kept, (_, U) in zip(
        selection.members, heaviest([p for p, _ in spectra], count), spectra, strict=True
    ):
        s = stack.index[tuple(selection.charge[mine[0]].tolist())]
        states, digits = stack.sectors[s].states, selection.digits[mine]
        amplitude = np.ones((states.size, mine.size), dtype=complex)
        for b, block in enumerate(space.blocks):
            own = (states >> int(block.orbitals[0])) & ((1 << block.orbitals.size) - 1)
            amplitude *= block.vectors[np.ix_(own, digits[:, b])]
        vectors[s] = amplitude @ U[:, kept]
    return WholeStates.of(stack, vectors)


def heaviest(spectra: list[Real], count: int) -> list[NDArray[np.bool_]]:
    """Which natural states of all charges weigh most, rare charges counting for more than their share."""
    total = sum(p.sum() for p in spectra)
    worth = [p / total / max(p.sum() / total, RARE) ** EVENED_BY for p in spectra]
    every = np.sort(np.concatenate(worth))[::-1]
    least = max(every[min(count, every.size) - 1], 0.0)
    return [w >= least for w in worth]
