"""One-electron matrices as operators in the sectors, and jumps made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import JumpFamily
from chirospin.junction.manybody.hamiltonian import Matrices, Member, hamiltonians
from chirospin.junction.manybody.packed import EVEN, ODD, Blocks, Complex, Halves, Layout, Real
from chirospin.junction.model import Interaction


def matrices_with(matrices: Matrices, coupling: Complex) -> Matrices:
    """The same molecules in the charges that one-electron matrices (K, 4M, 4M) conserve too."""
    joined = (matrices.h != 0) | (coupling != 0).any(axis=0)
    return replace(matrices, charges=fock.conserved_charges(joined, matrices.interaction.exchange))


def sector_operator(charges: fock.Charges, matrix: Complex) -> Blocks:
    """sum_mn A_mn c^+_m c_n of a matrix that keeps the charges, (1, sector, d, d) by parity and stack."""
    nothing = Interaction(
        density=np.zeros(matrix.shape), exchange=np.zeros((0, 4), np.int64), strength=np.zeros(0)
    )
    bare = Matrices(h=matrix, interaction=nothing, charges=charges)
    member = Member(matrices=bare, coupling=np.zeros((2, len(matrix))))
    halves = hamiltonians([member], Layout(charges=charges, batch=1))
    return {(parity, n): X for parity in (EVEN, ODD) for n, X in enumerate(halves[parity])}


class OneBodyDephasing(JumpFamily):
    """Fluctuations of a one-electron matrix, white in time: sum r D[V]; a rate may be negative.

    Parameters
    ----------
    terms : (rate, V in sectors); a rate is one number, or one of each member, (batch, 1, 1, 1)
    """

    keeps = True

    def __init__(self, terms: Sequence[tuple[float | Real, Blocks]], layout: Layout) -> None:
        self.terms = [
            (rate, {place: layout.beside(V) for place, V in blocks.items()})
            for rate, blocks in terms
        ]

    def damping(self, parity: int, number: int) -> Complex:
        r""":math:`-\tfrac{i}{2}\sum r V^2` in one stack."""
        squares = (rate * V[parity, number] @ V[parity, number] for rate, V in self.terms)
        return np.asarray(-0.5j * sum(squares))

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        r""":math:`\sum r V X V`."""
        parts = (rate * (V[parity, number] @ X @ V[parity, number]) for rate, V in self.terms)
        return np.asarray(sum(parts))

    keeping_adjoint = keeping


def packed_operator(layout: Layout, blocks: Blocks) -> Halves:
    """A Hermitian operator of the electrons (1, sector, d, d) in packed form, alike for every member."""
    plain = layout.electrons
    wide = {place: np.broadcast_to(X, plain.shape(*place)) for place, X in blocks.items()}
    return plain.packed(wide)
