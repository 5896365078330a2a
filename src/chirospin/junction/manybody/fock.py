"""Fock space cut into sectors of conserved charge, and operators as signed index maps.

A charge is a vector q over spin-orbitals with [H, sum_k q_k n_k] = 0. Charges are found from the
terms of the Hamiltonian, never assumed: a hopping between m and n demands q_m = q_n, a pair
term p, q, r, s demands q_p + q_q = q_r + q_s. A steady density operator, when unique, has no
coherence between states of different charge, because every jump changes a charge by a definite
amount. Packed density operators are laid out parity first (even, then odd electron number),
then by sector size, then sector by sector.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Charges = tuple[tuple[int, ...], ...]
SectorKey = tuple[int, int, int]  # parity, stack and number of a sector in its stack


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Sectors of one size and parity, side by side in memory.

    Parameters
    ----------
    states : Fock states as bit patterns, shape (sector, d); orbital k is bit k
    start : offset in the packed vector of this parity
    """

    states: Ints
    start: int

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(sector, d, d)."""
        sectors, size = self.states.shape
        return sectors, size, size

    @cached_property
    def span(self) -> slice:
        """Where these sectors lie in the packed vector of their parity."""
        return slice(self.start, self.start + math.prod(self.shape))


@dataclass(frozen=True, kw_only=True)
class Sectors:
    """The whole Fock space, cut by charge.

    Parameters
    ----------
    orbitals : number of spin-orbitals
    stacks : for even and for odd electron number
    place : for each Fock state its stack (within its parity), sector and index, shape (2^n, 3)
    """

    orbitals: int
    stacks: tuple[tuple[Stack, ...], tuple[Stack, ...]]
    place: Ints

    def unknowns(self, parity: int) -> int:
        """Length of the packed vector of one parity."""
        return int(self.stacks[parity][-1].span.stop)

    def offset(self, states: Ints) -> tuple[Ints, Ints]:
        """Row offset in the packed vector, and column, of Fock states (of one sector)."""
        stack, sector, index = self.place[states].T
        parity = int(np.bitwise_count(states.flat[0]) % 2)
        starts = np.array([s.start for s in self.stacks[parity]])
        sizes = np.array([s.states.shape[1] for s in self.stacks[parity]])
        row = starts[stack] + sector * sizes[stack] ** 2 + index * sizes[stack]
        return row, index


def conserved_charges(h: NDArray[np.bool_], exchange: Ints) -> Charges:
    """Independent integer charges conserved by a one-body pattern and pair terms.

    Parameters
    ----------
    h : which spin-orbitals are joined by the one-body Hamiltonian, (n, n)
    exchange : pair terms (p, q, r, s), (terms, 4)

    Returns
    -------
    Rows q with entries 0, 1 where no pair term is present: one per connected group of orbitals.
    """
    n = len(h)
    group = np.arange(n)
    for m, k in zip(*np.nonzero(h), strict=True):
        group[group == group[m]] = group[k]
    names = np.unique(group)
    member = (group[:, None] == names).astype(int)
    if not len(exchange):
        return tuple(tuple(column) for column in member.T.tolist())
    p, q, r, s = exchange.T
    demands = member[p] + member[q] - member[r] - member[s]
    free = _integer_null_space(demands)
    return tuple(tuple(row) for row in (free @ member.T).tolist())


def _integer_null_space(demands: Ints) -> Ints:
    """Integer basis of {x : demands x = 0}, by fraction-free elimination."""
    rows = [list(map(int, row)) for row in demands]
    width = demands.shape[1]
    pivots: list[int] = []
    rank = 0
    for column in range(width):
        found = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[rank], rows[found] = rows[found], rows[rank]
        head = rows[rank]
        for i in range(len(rows)):
            if i != rank and rows[i][column]:
                a, b = head[column], rows[i][column]
                rows[i] = [a * x - b * y for x, y in zip(rows[i], head, strict=True)]
                common = math.gcd(*rows[i]) or 1
                rows[i] = [x // common for x in rows[i]]
        pivots.append(column)
        rank += 1
    basis = []
    for column in (c for c in range(width) if c not in pivots):
        scale = math.lcm(*(abs(rows[i][pivot]) for i, pivot in enumerate(pivots))) if pivots else 1
        vector = [0] * width
        vector[column] = scale
        for i, pivot in enumerate(pivots):
            vector[pivot] = -rows[i][column] * scale // rows[i][pivot]
        common = math.gcd(*vector)
        basis.append([x // common for x in vector])
    return np.array(basis, dtype=np.int64).reshape(-1, width)


def sector_sizes(charges: Charges) -> list[int]:
    """Number of Fock states of every sector, without listing the states."""
    counts: Counter[tuple[int, ...]] = Counter({(0,) * len(charges): 1})
    for charge in zip(*charges, strict=True):
        shifted: Counter[tuple[int, ...]] = Counter(counts)
        for label, number in counts.items():
            shifted[tuple(a + b for a, b in zip(label, charge, strict=True))] += number
        counts = shifted
    return list(counts.values())


@lru_cache(maxsize=8)
def sectors(charges: Charges) -> Sectors:
    """Sort all 2^n Fock states by charge, then by parity and size of their sector."""
    charge = np.array(charges, dtype=np.int64)
    n = charge.shape[1]
    states = np.arange(2**n, dtype=np.int64)
    occupied = (states[:, None] >> np.arange(n)) & 1
    _, label = np.unique(occupied @ charge.T, axis=0, return_inverse=True)
    label = label.reshape(-1)
    order = np.argsort(label, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    place = np.zeros((2**n, 3), dtype=np.int64)
    found: list[tuple[Stack, ...]] = []
    for parity in (0, 1):
        mine = [m for m in members if np.bitwise_count(m[0]) % 2 == parity]
        stacks: list[Stack] = []
        start = 0
        for size in sorted({len(m) for m in mine}):
            alike = np.array([m for m in mine if len(m) == size])
            for sector, row in enumerate(alike):
                place[row] = np.stack(
                    [np.full(size, len(stacks)), np.full(size, sector), np.arange(size)], axis=-1
                )
            stacks.append(Stack(states=alike, start=start))
            start = stacks[-1].span.stop
        found.append(tuple(stacks))
    return Sectors(orbitals=n, stacks=(found[0], found[1]), place=place)


def parity_below(states: Ints, orbital: Ints | int) -> Ints:
    """Jordan-Wigner sign +1, -1: parity of the electrons in orbitals before this one."""
    below = states & ((1 << np.asarray(orbital)) - 1)
    sign: Ints = 1 - 2 * (np.bitwise_count(below).astype(np.int64) % 2)
    return sign


def apply_product(
    states: Ints, create: tuple[int, ...], destroy: tuple[int, ...]
) -> tuple[Ints, Ints, Ints]:
    """c^+_{p} c^+_{q} ... c_{r} c_{s} ... on Fock states.

    Returns
    -------
    kept, reached, sign : indices of the states not annihilated, their images, and signs
    """
    kept = np.arange(states.size)
    image = states.copy()
    sign = np.ones(states.size, dtype=np.int64)
    for orbital, wanted in [(k, 1) for k in reversed(destroy)] + [(k, 0) for k in reversed(create)]:
        alive = ((image >> orbital) & 1) == wanted
        kept, image, sign = kept[alive], image[alive], sign[alive]
        sign = sign * parity_below(image, orbital)
        image = image ^ (1 << orbital)
    return kept, image, sign


@dataclass(frozen=True, kw_only=True)
class Jumps:
    """All jumps from one parity to the other as one real sparse map in compressed rows.

    Entry e of row i adds ``sign[e] * rate[channel[e]]`` times entry ``column[e]``. Channel k fills
    orbital k, channel n + k empties it.
    """

    pointer: NDArray[np.int32]
    column: NDArray[np.int32]
    channel: NDArray[np.int16]
    sign: NDArray[np.int8]


@lru_cache(maxsize=8)
def jumps(charges: Charges, channels: tuple[int, ...], parity: int) -> Jumps:
    """Jumps out of density operators of the given parity, for the channels that are open."""
    n = sectors(charges).orbitals
    found = pair_jumps(charges, tuple((c < n, c % n, c % n) for c in channels), parity)
    return Jumps(
        pointer=found.pointer,
        column=found.column,
        channel=np.array(channels, dtype=np.int16)[found.channel],
        sign=found.sign,
    )


Pair = tuple[bool, int, int]


@dataclass(frozen=True, kw_only=True)
class PairJumps(Jumps):
    """Maps :math:`c^+_a X c_b` (filling) and :math:`c_a X c^+_b`; channel p is the pair p.

    ``mirror[e]`` is the column of the transposed element, which the imaginary part of a rate takes.
    """

    mirror: NDArray[np.int32]


@lru_cache(maxsize=8)
def pair_jumps(charges: Charges, pairs: tuple[Pair, ...], parity: int) -> PairJumps:
    """Maps out of operators of the given parity, for pairs (filling, a, b) of equal charge."""
    space = sectors(charges)
    rows, columns, mirrors, kinds, signs = [], [], [], [], []
    for stack in space.stacks[parity]:
        for states in stack.states:
            row_of, index_of = space.offset(states)
            for p, (fills, a, b) in enumerate(pairs):
                left, right = (_able(states, orbital, fills=fills) for orbital in (a, b))
                if not (left.any() and right.any()):
                    continue
                row, _ = space.offset(states[left] ^ (1 << a))
                _, index = space.offset(states[right] ^ (1 << b))
                rows.append((row[:, None] + index).ravel().astype(np.int32))
                columns.append((row_of[left][:, None] + index_of[right]).ravel().astype(np.int32))
                if a != b:
                    turned = row_of[right] + index_of[left][:, None]
                    mirrors.append(turned.ravel().astype(np.int32))
                else:
                    mirrors.append(columns[-1])
                ahead, behind = (
                    parity_below(states[one], orbital).astype(np.int8)
                    for one, orbital in ((left, a), (right, b))
                )
                signs.append((ahead[:, None] * behind).ravel())
                kinds.append(np.full(signs[-1].size, p, dtype=np.int16))
    count = space.unknowns(1 - parity)
    if not rows:
        none = np.zeros(0, dtype=np.int32)
        return PairJumps(
            pointer=np.zeros(count + 1, dtype=np.int32),
            column=none,
            mirror=none,
            channel=np.zeros(0, np.int16),
            sign=np.zeros(0, np.int8),
        )
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    return PairJumps(
        pointer=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(
            np.int32
        ),
        column=np.concatenate(columns)[order],
        mirror=np.concatenate(mirrors)[order],
        channel=np.concatenate(kinds)[order],
        sign=np.concatenate(signs)[order],
    )


def _able(states: Ints, orbital: int, *, fills: bool) -> NDArray[np.bool_]:
    return np.asarray(((states >> orbital) & 1) == (0 if fills else 1))


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Off-diagonal elements of many-body operators in one stack: where, which term, what sign."""

    where: Ints
    term: Ints
    sign: Ints


@lru_cache(maxsize=64)
def moves(
    charges: Charges,
    parity: int,
    number: int,
    terms: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...],
) -> Moves:
    """Elements ``<i| c^+... c... |j>`` of each term within the sectors of one stack.

    Parameters
    ----------
    number : which stack of this parity
    terms : (created, destroyed) orbitals of each term
    """
    space = sectors(charges)
    stack = space.stacks[parity][number]
    states = stack.states.ravel()
    size = stack.states.shape[1]
    where, which, signs = [], [], []
    for t, (create, destroy) in enumerate(terms):
        kept, image, sign = apply_product(states, create, destroy)
        if not kept.size:
            continue
        sector, column = np.divmod(kept, size)
        row = space.place[image, 2]
        where.append((sector * size + row) * size + column)
        which.append(np.full(kept.size, t))
        signs.append(sign)
    if not where:
        none = np.zeros(0, dtype=np.int64)
        return Moves(where=none, term=none, sign=none)
    return Moves(
        where=np.concatenate(where), term=np.concatenate(which), sign=np.concatenate(signs)
    )


@lru_cache(maxsize=64)
def occupations(charges: Charges, parity: int, number: int) -> NDArray[np.float64]:
    """Occupation of every orbital in every Fock state of one stack, (sector, d, orbital)."""
    space = sectors(charges)
    states = space.stacks[parity][number].states
    return ((states[..., None] >> np.arange(space.orbitals)) & 1).astype(float)
