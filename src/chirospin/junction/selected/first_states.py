"""How a stack is divided into blocks, and their first natural states: from short stacks cut out of it.

Up to three molecules, two that contain the block are solved exactly, held by the same leads at their own ends.
In longer stacks a block is solved with the molecule before and the one after it, in selected products: four
molecules in the 2 000 products of most weight are then off by a quarter of the current, with the states of two
molecules by 2.7 times the current.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.infinite_bias import solved
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.selected.blocks import Block, natural_blocks, part
from chirospin.junction.selected.kept import of_most_weight
from chirospin.junction.selected.products import ProductSpace
from chirospin.junction.selected.restricted import block_density
from chirospin.numerics.sylvester import EigenInverse

Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]

WINDOW = 2  # molecules solved exactly
PRODUCTS = 300  # for every molecule of a short stack
TOLERANCE, VECTORS = 1e-10, 200  # of their steady state


def divided(molecules: int) -> list[int]:
    """Molecules of each block: two, but two blocks at least; an odd one in the middle."""
    if molecules <= 2:
        return [1] * molecules
    pairs, odd = divmod(molecules, 2)
    sizes = [2] * pairs
    if odd:
        sizes.insert((pairs + 1) // 2, 1)
    return sizes


def first_space(member: FlatMember) -> ProductSpace:
    """Products of the first natural states of all blocks."""
    molecules = len(member.matrices.h) // PER_MOLECULE
    sizes = divided(molecules)
    if molecules <= 3:
        return from_two_molecules(member, sizes)
    ends = np.cumsum([0, *sizes])
    return in_natural_states(
        member, sizes, [_among_neighbours(member, a, b) for a, b in pairwise(ends.tolist())]
    )


def in_natural_states(
    member: FlatMember, sizes: Sequence[int], densities: Sequence[Complex]
) -> ProductSpace:
    """Products of the natural states of density matrices, given in Fock states."""
    ends = PER_MOLECULE * np.cumsum([0, *sizes])
    blocks = [Block.of(member, np.arange(a, b)) for a, b in pairwise(ends.tolist())]
    return ProductSpace(member=member, blocks=tuple(natural_blocks(member, blocks, densities)))


def from_two_molecules(member: FlatMember, sizes: Sequence[int]) -> ProductSpace:
    """Products of natural states of blocks in exact stacks of two molecules."""
    ends, densities = np.cumsum([0, *sizes]), []
    for start, stop in pairwise(ends.tolist()):
        first = max(0, min(start, int(ends[-1]) - WINDOW))
        short = cut_out(member, first, min(first + WINDOW, int(ends[-1])))
        densities.append(_exact(short, start - first, stop - first))
    return in_natural_states(member, sizes, densities)


def _among_neighbours(member: FlatMember, start: int, stop: int) -> Complex:
    """Density matrix in Fock states of molecules from start to stop, with one more on either side."""
    first, last = max(0, start - 1), min(len(member.matrices.h) // PER_MOLECULE, stop + 1)
    sizes = [size for size in (start - first, stop - start, last - stop) if size]
    short = cut_out(member, first, last)
    space = from_two_molecules(short, sizes)
    products = [PRODUCTS * (last - first)] * 2
    try:
        selection, halves, _ = of_most_weight(space, products, TOLERANCE, VECTORS)
    except np.linalg.LinAlgError:
        return _uniform(stop - start)
    mine = int(start > first)
    D = block_density(selection, selection.matrices(halves), mine)
    vectors = selection.products.blocks[mine].vectors
    return np.asarray(vectors @ D @ vectors.conj().T)


def cut_out(member: FlatMember, start: int, stop: int) -> FlatMember:
    """Some molecules alone, between the same leads."""
    window = np.arange(PER_MOLECULE * start, PER_MOLECULE * stop)
    coupling = np.zeros((2, window.size))
    coupling[0, :PER_MOLECULE] = member.coupling[0, :PER_MOLECULE]
    coupling[1, -PER_MOLECULE:] += member.coupling[1, -PER_MOLECULE:]
    return FlatMember(
        matrices=part(member.matrices, window), coupling=coupling, occupation=member.occupation
    )


def _uniform(molecules: int) -> Complex:
    """Of all Fock states, where no one state is known."""
    states = 1 << PER_MOLECULE * molecules
    return np.asarray(np.eye(states) / states, dtype=np.complex128)


def _exact(short: FlatMember, start: int, stop: int) -> Complex:
    """Density matrix of molecules from start to stop in Fock states; uniform where there is no one state."""
    n, below = PER_MOLECULE * (stop - start), PER_MOLECULE * start
    uniform = _uniform(stop - start)
    try:
        found = solved([short], EigenInverse, TOLERANCE, VECTORS)
    except np.linalg.LinAlgError:
        return uniform
    D = np.zeros_like(uniform)
    layout = found.solver.generator.layout
    inside = ((1 << n) - 1) << below
    for (parity, number), X in layout.blocks(found.stationary.halves).items():
        for states, rho in zip(layout.space.stacks[parity][number].states, X[0], strict=True):
            rest = states & ~inside
            i, j = np.nonzero(rest[:, None] == rest)
            own = (states & inside) >> below
            np.add.at(D, (own[i], own[j]), rho[i, j])
    return D if np.isfinite(D).all() else uniform
