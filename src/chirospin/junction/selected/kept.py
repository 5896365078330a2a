"""The steady state between kept products, and the natural states of blocks that it gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.packed import Halves
from chirospin.junction.manybody.steady import Resolvent, SteadySolver
from chirospin.junction.selected.blocks import natural_blocks
from chirospin.junction.selected.products import ProductSpace
from chirospin.junction.selected.restricted import RestrictedGenerator, Selection, block_density
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

Ints = NDArray[np.int64]

STANDING = (
    1e-11  # slowest decay, over the largest energy or rate, of a sector that counts as closed
)


def solver_between(
    space: ProductSpace, kept: Ints, tolerance: float, vectors: int
) -> tuple[Selection, SteadySolver, int]:
    """Kept products without those of sectors that nothing leaves, their solver, and how many were taken out."""
    standing = 0
    while True:
        selection = Selection(space, kept)
        generator = RestrictedGenerator(selection)
        try:
            resolvent = Resolvent(generator, EigenInverse)
        except np.linalg.LinAlgError:  # defective
            resolvent = Resolvent(generator, SchurInverse)
        closed = [
            selection.states(parity, n)
            for parity, half in enumerate(resolvent.inverse)
            for n, one in enumerate(half)
            if one.slowest_decay.min() <= STANDING * space.member.scale
        ]
        if not closed or len(closed) == len(selection.members):
            break
        out = np.concatenate(closed)
        standing += out.size
        kept = np.delete(selection.digits, out, axis=0)
    return (
        selection,
        SteadySolver(resolvent=resolvent, tolerance=tolerance, limit=vectors),
        standing,
    )


def of_most_weight(
    space: ProductSpace, sizes: Sequence[int], tolerance: float, vectors: int
) -> tuple[Selection, Halves, int]:
    """The products of largest weight, time after time in the natural states of the solution before.

    Returns
    -------
    the last products, their steady state, applications of all generators
    """
    selection, solver, _ = solver_between(space, space.most_probable(sizes[0]), tolerance, vectors)
    found = solver.steady_state()
    spent = found.applications
    for size in sizes[1:]:
        space = refreshed(selection, found.halves)
        selection, solver, _ = solver_between(space, space.most_probable(size), tolerance, vectors)
        found = solver.steady_state()
        spent += found.applications
    return selection, found.halves, spent


def refreshed(selection: Selection, halves: Halves) -> ProductSpace:
    """The products of natural states of a solution."""
    space, rho = selection.products, selection.matrices(halves)
    densities = [block_density(selection, rho, b) for b in range(len(space.blocks))]
    blocks = natural_blocks(space.member, space.blocks, densities)
    return ProductSpace(member=space.member, blocks=tuple(blocks))
