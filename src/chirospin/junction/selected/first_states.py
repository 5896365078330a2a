"""How a stack is divided into blocks, and their first natural states: from short stacks cut out of it.

Two molecules that contain the block are solved exactly, held by the same leads at their own ends.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.infinite_bias import solved
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.selected.blocks import Block, natural_blocks, part
from chirospin.junction.selected.products import ProductSpace
from chirospin.numerics.sylvester import EigenInverse

Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]

WINDOW = 2  # molecules
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
    ends = np.cumsum([0, *divided(molecules)])
    blocks, densities = [], []
    for start, stop in pairwise(ends.tolist()):
        blocks.append(Block.of(member, np.arange(PER_MOLECULE * start, PER_MOLECULE * stop)))
        first = max(0, min(start, molecules - WINDOW))
        short = cut_out(member, first, min(first + WINDOW, molecules))
        densities.append(_exact(short, start - first, stop - first))
    return ProductSpace(member=member, blocks=tuple(natural_blocks(member, blocks, densities)))


def cut_out(member: FlatMember, start: int, stop: int) -> FlatMember:
    """Some molecules alone, between the same leads."""
    window = np.arange(PER_MOLECULE * start, PER_MOLECULE * stop)
    coupling = np.zeros((2, window.size))
    coupling[0, :PER_MOLECULE] = member.coupling[0, :PER_MOLECULE]
    coupling[1, -PER_MOLECULE:] += member.coupling[1, -PER_MOLECULE:]
    return FlatMember(
        matrices=part(member.matrices, window), coupling=coupling, occupation=member.occupation
    )


def _exact(short: FlatMember, start: int, stop: int) -> Complex:
    """Density matrix of molecules from start to stop in Fock states; uniform where there is no one state."""
    n, below = PER_MOLECULE * (stop - start), PER_MOLECULE * start
    uniform: Complex = np.eye(2**n, dtype=complex) / 2**n
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
