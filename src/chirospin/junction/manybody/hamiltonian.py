"""Matrices of a model without its leads: the Hamiltonian in charge sectors, and densities read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.packed import Blocks, Complex, Layout, Real
from chirospin.junction.model import Interaction, MolecularStack, far_apart, interaction


@dataclass(frozen=True, kw_only=True)
class Matrices:
    """The molecules of a model in matrices, and the charges that they conserve."""

    h: Complex
    interaction: Interaction
    charges: fock.Charges

    @classmethod
    def of(cls, model: MolecularStack, h: Complex) -> Matrices:
        """With a given one-body Hamiltonian, (4M, 4M), eV."""
        terms = interaction(model)
        return cls(h=h, interaction=terms, charges=fock.conserved_charges(h != 0, terms.exchange))

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Everything that tells one Hamiltonian from another."""
        terms = self.interaction
        return self.h, terms.density, terms.exchange, np.asarray(terms.strength, dtype=complex)


@dataclass(frozen=True, kw_only=True)
class Member:
    """Molecules between two leads of one magnetisation: what one density operator belongs to.

    Subclasses add what the leads impose.

    Parameters
    ----------
    coupling : to every lead, the diagonal of its width, (lead, 4M), eV
    widths : Gamma of every lead where one is not diagonal, (lead, 4M, 4M), eV; else None
    spin : of one electron, (3, 4M, 4M), where the spin-orbitals are not pairs up, down; else None
    """

    matrices: Matrices
    coupling: Real
    widths: Complex | None = None
    spin: Complex | None = None

    @property
    def gamma(self) -> Complex:
        """Gamma of every lead, (lead, 4M, 4M), eV."""
        if self.widths is not None:
            return self.widths
        return np.asarray(self.coupling[:, :, None] * np.eye(self.coupling.shape[1]) + 0j)

    def alone(self, lead: int) -> Self:
        """Joined to one of the leads only."""
        here = np.arange(len(self.coupling)) == lead
        widths = None if self.widths is None else np.where(here[:, None, None], self.widths, 0.0)
        return replace(self, coupling=np.where(here[:, None], self.coupling, 0.0), widths=widths)

    @property
    def charges(self) -> fock.Charges:
        """Of the molecules."""
        return self.matrices.charges

    @property
    def channels(self) -> tuple[int, ...]:
        """Jumps that occur: k fills orbital k, n + k empties it."""
        raise NotImplementedError

    @property
    def fastest(self) -> float:
        """Largest rate at which an orbital is filled or emptied, eV/hbar."""
        raise NotImplementedError

    @property
    def scale(self) -> float:
        """Largest one-electron energy or rate, eV: the unit of residuals."""
        return float(max(np.abs(self.matrices.h).max(), self.fastest))

    @property
    def one_body_decay(self) -> float:
        """Slowest decay of a one-electron mode, eV; zero for one that no lead reaches."""
        modes = np.linalg.eigvals(self.matrices.h - 0.5j * self.gamma.sum(axis=0))
        return float(-2 * modes.imag.max())

    @property
    def far_apart(self) -> str:
        """Why double precision may fail here: energies and couplings of too different size; or empty."""
        terms = self.matrices.interaction
        return far_apart(
            self.matrices.h, terms.density, np.asarray(terms.strength), coupling=self.coupling
        )


def elements(matrices: Matrices, parity: int, number: int) -> tuple[NDArray[np.int64], Complex]:
    """Elements of H in one stack of sectors: where in (sector, d, d), flattened, and what."""
    space = fock.sectors(matrices.charges)
    sectors, size, _ = space.stacks[parity][number].shape
    occupied = fock.occupations(matrices.charges, parity, number).reshape(-1, space.orbitals)
    pairs, terms = off_diagonal_terms(matrices)
    hops = fock.moves(matrices.charges, parity, number, terms)
    repulsion = ((occupied @ matrices.interaction.density) * occupied).sum(axis=1) / 2
    energy = occupied @ matrices.h.diagonal().real + repulsion
    pair_strength = matrices.interaction.strength
    strength = np.concatenate(
        [matrices.h[pairs[:, 0], pairs[:, 1]], pair_strength, np.conj(pair_strength)]
    )
    where = np.concatenate([hops.where, diagonal_places(sectors, size)])
    return where, np.concatenate([hops.sign * strength[hops.term], energy.astype(complex)])


def diagonal_places(sectors: int, size: int) -> NDArray[np.int64]:
    """Where the diagonals of (sector, d, d) lie in it, flattened."""
    return np.ravel(np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1))


def hamiltonians(members: Sequence[Member], layout: Layout) -> tuple[list[Complex], list[Complex]]:
    """H of every stack of sectors by parity, (batch, sector, d, d) each; equal molecules are found once."""
    found: dict[int, tuple[list[Complex], list[Complex]]] = {}
    for member in members:
        key = id(member.matrices)
        if key not in found:
            even, odd = (
                [_dense(member.matrices, layout, parity, n) for n in layout.numbers(parity)]
                for parity in (0, 1)
            )
            found[key] = even, odd
    even, odd = (
        [
            np.stack([found[id(member.matrices)][parity][n] for member in members])
            for n in layout.numbers(parity)
        ]
        for parity in (0, 1)
    )
    return even, odd


def _dense(matrices: Matrices, layout: Layout, parity: int, number: int) -> Complex:
    shape = layout.space.stacks[parity][number].shape
    block = np.zeros(int(np.prod(shape)), dtype=complex)
    where, value = elements(matrices, parity, number)
    np.add.at(block, where, value)  # hops that depend on a third electron meet plain ones
    return block.reshape(shape)


def sparse_blocks(
    matrices: Matrices, diagonal: Complex, parity: int, number: int
) -> list[scipy.sparse.csr_array]:
    """H and a diagonal, (sector d,), in every sector of one stack, (d, d) each."""
    sectors, d, _ = fock.sectors(matrices.charges).stacks[parity][number].shape
    where, value = elements(matrices, parity, number)
    value[-diagonal.size :] += diagonal
    sector, inside = np.divmod(where, d * d)
    row, column = np.divmod(inside, d)
    return [
        scipy.sparse.coo_array(
            (value[sector == s], (row[sector == s], column[sector == s])), shape=(d, d)
        ).tocsr()
        for s in range(sectors)
    ]


def off_diagonal_terms(
    matrices: Matrices,
) -> tuple[NDArray[np.int64], tuple[tuple[tuple[int, ...], ...], ...]]:
    """Off-diagonal terms of H: one-body pairs (m, n), then exchange and its conjugates."""
    groups = np.array(matrices.charges)
    joined = (groups[:, :, None] == groups[:, None, :]).all(axis=0)
    np.fill_diagonal(joined, val=False)
    pairs = np.argwhere(joined)
    exchange = matrices.interaction.exchange.tolist()
    hops = [((int(m),), (int(n),)) for m, n in pairs]
    forth = [((p, q), (r, s)) for p, q, r, s in exchange]
    back = [((s, r), (q, p)) for p, q, r, s in exchange]
    return pairs, (*hops, *forth, *back)


def sector_density(matrices: Matrices, layout: Layout, blocks: Blocks) -> Complex:
    """Tr[X c^+_m c_n] of an operator in sectors, where the Hamiltonian joins m and n, (batch, n, n)."""
    orbitals, batch = layout.space.orbitals, layout.batch
    pairs, terms = off_diagonal_terms(matrices)
    hop = np.zeros((batch, len(pairs)), dtype=complex)
    occupation = np.zeros((batch, orbitals))
    for (parity, n), X in blocks.items():
        weight = np.einsum("bsii->bsi", X).real.reshape(batch, -1)
        occupation += weight @ fock.occupations(layout.charges, parity, n).reshape(-1, orbitals)
        hops = fock.moves(layout.charges, parity, n, terms)
        hop += expectation(hops, X.reshape(batch, -1), len(pairs))
    G = np.zeros((batch, orbitals, orbitals), dtype=complex)
    G[:, pairs[:, 0], pairs[:, 1]] = hop
    G[:, np.arange(orbitals), np.arange(orbitals)] = occupation
    return G


def expectation(hops: fock.Moves, flat: Complex, count: int) -> Complex:
    """Tr[rho c^+_m c_n] of the first ``count`` terms from one stack, (batch, count)."""
    mine = hops.term < count
    term = hops.term[mine]
    values = hops.sign[mine] * np.conj(flat[:, hops.where[mine]])
    out = np.empty((len(flat), count), dtype=complex)
    for b, row in enumerate(values):
        out[b] = np.bincount(term, row.real, minlength=count) + 1j * np.bincount(
            term, row.imag, minlength=count
        )
    return out
