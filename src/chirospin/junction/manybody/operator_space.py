"""Operators between different charge sectors: where their blocks lie, and c and c+ beside them.

An operator that changes the charges by a shift is one complex vector, block after block; c and c+ are signed
index maps between such spaces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody import fock

Complex = NDArray[np.complex128]
Charge = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OperatorBlock:
    """Operators from a bra sector to a ket sector, at ``start`` in the packed space."""

    ket: fock.SectorKey
    bra: fock.SectorKey
    start: int
    shape: tuple[int, int]

    @property
    def span(self) -> slice:
        """Where the block lies."""
        return slice(self.start, self.start + math.prod(self.shape))


@lru_cache(maxsize=8)
def sector_of_charge(charges: fock.Charges) -> dict[Charge, fock.SectorKey]:
    """The sector of every charge."""
    space = fock.sectors(charges)
    rows = np.array(charges)
    found = {}
    for parity in (0, 1):
        for n, stack in enumerate(space.stacks[parity]):
            for s, states in enumerate(stack.states):
                bits = (int(states[0]) >> np.arange(space.orbitals)) & 1
                found[tuple((rows @ bits).tolist())] = (parity, n, s)
    return found


@lru_cache(maxsize=256)
def operator_space(charges: fock.Charges, shift: Charge) -> tuple[OperatorBlock, ...]:
    """Blocks of the operators that change the charges by a shift."""
    places, space = sector_of_charge(charges), fock.sectors(charges)
    blocks: list[OperatorBlock] = []
    start = 0
    for charge, bra in places.items():
        ket = places.get(moved_charge(charge, shift))
        if ket is not None:
            shape = (
                space.stacks[ket[0]][ket[1]].states.shape[1],
                space.stacks[bra[0]][bra[1]].states.shape[1],
            )
            blocks.append(OperatorBlock(ket=ket, bra=bra, start=start, shape=shape))
            start = blocks[-1].span.stop
    return tuple(blocks)


def moved_charge(charge: Charge, by: Charge, times: int = 1) -> Charge:
    return tuple(a + times * b for a, b in zip(charge, by, strict=True))


def space_size(charges: fock.Charges, shift: Charge) -> int:
    blocks = operator_space(charges, shift)
    return blocks[-1].span.stop if blocks else 0


def orbital_charge(charges: fock.Charges, orbital: int) -> Charge:
    return tuple(row[orbital] for row in charges)


def states_of(charges: fock.Charges, place: fock.SectorKey) -> NDArray[np.int64]:
    parity, n, s = place
    return np.asarray(fock.sectors(charges).stacks[parity][n].states[s])


def stepped(
    charges: fock.Charges, states: NDArray[np.int64], orbital: int, sigma: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which states c_k (sigma = -1) or c_k^+ (+1) keeps, the index each reaches, and the sign."""
    create, destroy = ((orbital,), ()) if sigma > 0 else ((), (orbital,))
    kept, image, sign = fock.apply_product(states, create, destroy)
    return kept, fock.sectors(charges).place[image, 2], sign


@lru_cache(maxsize=2048)
def ladder_map(
    charges: fock.Charges, shift: Charge, orbital: int, sigma: int, sign: int
) -> scipy.sparse.csr_array:
    """X -> c^sigma X + sign X c^sigma as a real sparse map between operator spaces."""
    target_shift = moved_charge(shift, orbital_charge(charges, orbital), sigma)
    targets = {(b.ket, b.bra): b for b in operator_space(charges, target_shift)}
    by_bra = {b.bra: b for b in targets.values()}
    by_ket = {b.ket: b for b in targets.values()}
    rows, columns, values = [], [], []
    for block in operator_space(charges, shift):
        inner = block.start + np.arange(math.prod(block.shape)).reshape(block.shape)
        if block.bra in by_bra:  # from the left: the bra stays
            target = by_bra[block.bra]
            kept, image, plus = stepped(charges, states_of(charges, block.ket), orbital, sigma)
            outer = target.start + np.arange(math.prod(target.shape)).reshape(target.shape)
            rows.append(outer[image].ravel())
            columns.append(inner[kept].ravel())
            values.append(np.repeat(plus, block.shape[1]))
        if block.ket in by_ket:  # from the right: (X c)_{ij'} = X_ij <j|c|j'>
            target = by_ket[block.ket]
            kept, image, plus = stepped(charges, states_of(charges, target.bra), orbital, sigma)
            outer = target.start + np.arange(math.prod(target.shape)).reshape(target.shape)
            rows.append(outer[:, kept].ravel())
            columns.append(inner[:, image].ravel())
            values.append(np.tile(sign * plus, block.shape[0]))
    shape = (space_size(charges, target_shift), space_size(charges, shift))
    if not rows:
        return scipy.sparse.csr_array(shape)
    entries = (
        np.concatenate(values).astype(float),
        (np.concatenate(rows), np.concatenate(columns)),
    )
    return scipy.sparse.csr_array(entries, shape=shape)


def times(matrix: scipy.sparse.csr_array, X: Complex) -> Complex:
    """A sparse map on complex columns."""
    if not X.size:
        return np.zeros((matrix.shape[0], *X.shape[1:]), dtype=complex)
    flat = np.ascontiguousarray(X).reshape(X.shape[0], -1)
    if matrix.dtype.kind == "c":
        return np.asarray((matrix @ flat).reshape(-1, *X.shape[1:]))
    out = np.ascontiguousarray(matrix @ flat.view(float)).view(complex)
    return np.asarray(out.reshape(-1, *X.shape[1:]))


@lru_cache(maxsize=8)
def trace_places(charges: fock.Charges) -> NDArray[np.int64]:
    neutral = (0,) * len(charges)
    return np.concatenate(
        [
            block.start + np.arange(block.shape[0]) * (block.shape[1] + 1)
            for block in operator_space(charges, neutral)
        ]
    )


@dataclass(frozen=True, kw_only=True)
class Channel:
    r"""One operator of a lead, :math:`C_v^- = \sum_a v_a^* c_a` or its adjoint.

    Parameters
    ----------
    strength : g of :math:`\Gamma = \sum_v g_v u_v u_v^+`, eV
    vector : (orbital, u_a) of the elements that are not zero
    sigma : +1 for the adjoint
    """

    lead: int
    strength: float
    vector: tuple[tuple[int, complex], ...]
    sigma: int

    @property
    def orbital(self) -> int:
        """One whose charge it has."""
        return self.vector[0][0]


@lru_cache(maxsize=2048)
def channel_map(
    charges: fock.Charges, shift: Charge, channel: Channel, sigma: int, sign: int
) -> scipy.sparse.csr_array:
    """X -> C^sigma X + sign X C^sigma as a sparse map between operator spaces."""
    parts = [
        (u if sigma > 0 else np.conj(u)) * ladder_map(charges, shift, a, sigma, sign)
        if u != 1
        else ladder_map(charges, shift, a, sigma, sign)
        for a, u in channel.vector
    ]
    return sum(parts[1:], start=parts[0])
