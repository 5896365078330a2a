"""How a stack is divided into blocks, and their first natural states: from short stacks cut out of it.

Two molecules are solved exactly, three in some products. Each short stack is held by the same leads, at its
own ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.infinite_bias import solved
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.packed import Halves
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.selected.blocks import Block, natural_blocks, part
from chirospin.junction.selected.products import ProductSpace
from chirospin.junction.selected.restricted import Selection, block_density
from chirospin.numerics.sylvester import EigenInverse

Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]
Solve = Callable[[ProductSpace, Ints], tuple[Selection, Halves]]
"""(products, kept ones) -> selection and steady state."""

SHORT = 800  # products of three molecules: enough for natural states
TOLERANCE, VECTORS = 1e-10, 200  # of two molecules


def divided(molecules: int) -> list[int]:
    """Molecules of each block: two, but two blocks at least; an odd one in the middle."""
    if molecules <= 2:
        return [1] * molecules
    pairs, odd = divmod(molecules, 2)
    sizes = [2] * pairs
    if odd:
        sizes.insert((pairs + 1) // 2, 1)
    return sizes


def first_space(member: FlatMember, solve: Solve, sizes: Sequence[int] = ()) -> ProductSpace:
    """Products of the first natural states of blocks of some sizes."""
    molecules = len(member.matrices.h) // PER_MOLECULE
    ends = np.cumsum([0, *(sizes or divided(molecules))])
    blocks, densities = [], []
    for start, stop in pairwise(ends.tolist()):
        orbitals = np.arange(PER_MOLECULE * start, PER_MOLECULE * stop)
        blocks.append(Block.of(member, orbitals))
        densities.append(_density(member, start, stop, solve))
    return ProductSpace(member=member, blocks=tuple(natural_blocks(member, blocks, densities)))


def _density(member: FlatMember, start: int, stop: int, solve: Solve) -> Complex:
    """Density matrix of molecules from start to stop in a short stack that holds them."""
    molecules = len(member.matrices.h) // PER_MOLECULE
    length = min(molecules, 2 if molecules <= 3 else 3)
    first = max(0, min(start - (length - (stop - start)) // 2, molecules - length))
    if start == 0:
        first = 0
    short = cut_out(member, first, first + length)
    if length <= 2:
        return _exact(short, start - first, stop - first)
    sizes = [start - first, stop - start, first + length - stop]
    place = 0 if start == first else 1
    space = first_space(short, solve, [size for size in sizes if size])
    for _ in range(2):  # in the states of two molecules, then in its own
        selection, halves = solve(space, space.most_probable(SHORT))
        densities = [
            block_density(selection, selection.matrices(halves), b)
            for b in range(len(space.blocks))
        ]
        last = space
        space = ProductSpace(
            member=short, blocks=tuple(natural_blocks(short, space.blocks, densities))
        )
    V = last.blocks[place].vectors
    return np.asarray(V @ densities[place] @ V.conj().T)


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
