r"""Blocks of one or two molecules: their operators, and the natural states in which they are written.

Natural states are eigenvectors of the density matrix of a block within its charges. Where that matrix has a
null space they would be arbitrary, so that before it is diagonalised it gets a little of what the operators at
the edge of the block make of it,

.. math:: D \leftarrow D + \nu \left[\sum_k (c_k D c_k^+ + c_k^+ D c_k) + \sum_l l D l^+\right].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.hamiltonian import Matrices
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.model import Interaction

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]

NOISE = 3e-3  # of each pass: states without weight are ordered by how directly they are reached
PASSES = 3
EVENED = (
    0.25  # power of the weight of a charge by which it is divided: rare charges carry current too
)


@dataclass(frozen=True, kw_only=True)
class Jump:
    """One way in which a lead changes a block.

    Parameters
    ----------
    block : which block
    matrix : square root of the rate times c or c^+ in the states of the block, (d, d)
    change : of the charges of the stack, (charges,)
    entering : electrons that enter from the left and from the right lead, (lead,)
    """

    block: int
    matrix: Complex
    change: Ints
    entering: Real

    @cached_property
    def loss(self) -> Complex:
        """l^+ l, formed before any state is left out, (d, d)."""
        return self.matrix.conj().T @ self.matrix


@dataclass(frozen=True, kw_only=True)
class Block:
    """Neighbouring molecules in states of definite charge.

    Parameters
    ----------
    orbitals : of the stack that lie in it, ascending
    hamiltonian : (d, d), eV
    annihilators : of its orbitals, (orbital, d, d)
    charge : of every state, (d, charges)
    number : electrons in every state, (d,)
    weight : natural weight of every state, (d,)
    vectors : the states in Fock states, in columns, (d, d)
    """

    orbitals: Ints
    hamiltonian: Complex
    annihilators: Complex
    charge: Ints
    number: Ints
    weight: Real
    vectors: Complex

    @property
    def parity(self) -> Ints:
        """Of the electron number: +1, -1, (d,)."""
        return np.asarray(1 - 2 * (self.number % 2))

    def label_after(self, change: Ints) -> Ints:
        """A number for the charge of every state after a change; one more than all where there is none."""
        charges = np.unique(self.charge, axis=0)
        place = {tuple(row): n for n, row in enumerate(charges.tolist())}
        moved = (self.charge + change).tolist()
        return np.array([place.get(tuple(row), len(place)) for row in moved])

    @classmethod
    def of(cls, member: FlatMember, orbitals: Ints) -> Block:
        """In Fock states."""
        inside = part(member.matrices, orbitals)
        n = orbitals.size
        states = np.arange(2**n)
        occupied = ((states[:, None] >> np.arange(n)) & 1).astype(np.int64)
        charges = np.array(member.charges)[:, orbitals]
        return cls(
            orbitals=orbitals,
            hamiltonian=_hamiltonian(inside),
            annihilators=_annihilators(n).astype(complex),
            charge=occupied @ charges.T,
            number=occupied.sum(axis=1),
            weight=np.ones(2**n),
            vectors=np.eye(2**n, dtype=complex),
        )

    def in_states(self, vectors: Complex, weight: Real, order: Ints) -> Block:
        """In other states, the columns of ``vectors``, each of the charge of the old state ``order``."""
        back = vectors.conj().T
        return Block(
            orbitals=self.orbitals,
            hamiltonian=made_hermitian(back @ self.hamiltonian @ vectors),
            annihilators=back @ self.annihilators @ vectors,
            charge=self.charge[order],
            number=self.number[order],
            weight=weight,
            vectors=self.vectors @ vectors,
        )

    def natural(self, density: Complex, edge: Sequence[Complex]) -> Block:
        """In the natural states of a density matrix given in the present ones, largest weight first.

        Parameters
        ----------
        density : (d, d)
        edge : operators that reach further states, each with its adjoint where that acts too
        """
        labels = np.unique(self.charge, axis=0, return_inverse=True)[1].reshape(-1)
        D = evened(density, labels)
        for _ in range(PASSES):
            D = D + NOISE * sum(c @ D @ c.conj().T for c in edge)
        vectors = np.zeros_like(D)
        weight = np.zeros(len(D))
        for label in np.unique(labels):
            mine = np.flatnonzero(labels == label)
            value, vector = np.linalg.eigh(made_hermitian(D[np.ix_(mine, mine)]))
            weight[mine] = value
            vectors[np.ix_(mine, mine)] = vector
        order = np.argsort(-weight, kind="stable")
        total = weight.sum()
        return self.in_states(vectors[:, order], np.maximum(weight[order] / total, 1e-30), order)


def made_hermitian(A: Complex) -> Complex:
    """A made exactly Hermitian: a triangle cut by rounding makes H_eff defective."""
    return np.asarray((A + A.conj().T) / 2)


def evened(density: Complex, labels: Ints) -> Complex:
    """A density matrix, each charge divided by a power of its weight."""
    weight = np.bincount(labels, density.diagonal().real.clip(min=0))
    scale = np.maximum(weight, 1e-12 * weight.max()) ** (-EVENED / 2)
    return np.asarray(density * scale[labels][:, None] * scale[labels])


def part(matrices: Matrices, orbitals: Ints) -> Matrices:
    """Some orbitals alone, renumbered."""
    h = matrices.h[np.ix_(orbitals, orbitals)]
    terms = matrices.interaction
    inside = np.isin(terms.exchange, orbitals).all(axis=1)
    inner = Interaction(
        density=terms.density[np.ix_(orbitals, orbitals)],
        exchange=np.searchsorted(orbitals, terms.exchange[inside]),
        strength=terms.strength[inside],
    )
    return Matrices(h=h, interaction=inner, charges=fock.conserved_charges(h != 0, inner.exchange))


@lru_cache(maxsize=4)
def _annihilators(n: int) -> Real:
    """c_k in Fock states, (n, 2^n, 2^n)."""
    states = np.arange(2**n)
    out = np.zeros((n, states.size, states.size))
    for k in range(n):
        kept, image, sign = fock.apply_product(states, (), (k,))
        out[k, image, kept] = sign
    return out


def _hamiltonian(matrices: Matrices) -> Complex:
    """H in Fock states, (2^n, 2^n)."""
    n = len(matrices.h)
    states = np.arange(2**n)
    occupied = ((states[:, None] >> np.arange(n)) & 1).astype(float)
    H = np.diag(((occupied @ matrices.interaction.density) * occupied).sum(axis=1) / 2).astype(
        complex
    )
    terms: list[tuple[tuple[int, ...], tuple[int, ...], complex]] = [
        ((int(m),), (int(k),), matrices.h[m, k]) for m, k in np.argwhere(matrices.h)
    ]
    for (p, q, r, s), v in zip(
        matrices.interaction.exchange.tolist(), matrices.interaction.strength, strict=True
    ):
        terms += [((p, q), (r, s), v), ((s, r), (q, p), np.conj(v))]
    for create, destroy, strength in terms:
        kept, image, sign = fock.apply_product(states, create, destroy)
        H[image, kept] += sign * strength
    return H


def lead_jumps(member: FlatMember, blocks: Sequence[Block]) -> list[Jump]:
    """Every jump whose rate is not zero, in the present states of the blocks."""
    jumps = []
    charges = np.array(member.charges)
    for b, block in enumerate(blocks):
        for place, k in enumerate(block.orbitals):
            c = block.annihilators[place]
            for lead in range(2):
                rate, f = member.coupling[lead, k], member.occupation[lead]
                direction = np.eye(2)[lead]
                if rate * f > 0:
                    jumps.append(
                        Jump(
                            block=b,
                            matrix=np.sqrt(rate * f) * c.conj().T,
                            change=charges[:, k],
                            entering=direction,
                        )
                    )
                if rate * (1 - f) > 0:
                    jumps.append(
                        Jump(
                            block=b,
                            matrix=np.sqrt(rate * (1 - f)) * c,
                            change=-charges[:, k],
                            entering=-direction,
                        )
                    )
    return jumps


def edge_operators(member: FlatMember, block: Block, jumps: Sequence[Jump]) -> list[Complex]:
    """Annihilators and creators of orbitals joined to other blocks, and the jumps of the block."""
    outside = np.setdiff1d(np.arange(len(member.matrices.h)), block.orbitals)
    joined = (member.matrices.h[np.ix_(block.orbitals, outside)] != 0).any(axis=1)
    c = list(block.annihilators[joined])
    return [*c, *(one.conj().T for one in c), *(jump.matrix for jump in jumps)]


def natural_blocks(
    member: FlatMember, blocks: Sequence[Block], densities: Sequence[Complex]
) -> list[Block]:
    """All blocks in the natural states of their density matrices."""
    jumps = lead_jumps(member, blocks)
    return [
        block.natural(D, edge_operators(member, block, [j for j in jumps if j.block == b]))
        for b, (block, D) in enumerate(zip(blocks, densities, strict=True))
    ]
