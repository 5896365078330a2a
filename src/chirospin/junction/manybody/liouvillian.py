"""The generator of a junction in its charge sectors: assembly, action, inverse between jumps.

.. math:: \\dot\\rho = (L_0 + J) \\rho, \\qquad L_0 X = -i (H_{eff} X - X H_{eff}^+)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from numpy.typing import NDArray

from chirospin.junction.manybody import fock
from chirospin.junction.model import (
    Interaction,
    Junction,
    exchange_rates,
    far_apart,
    interaction,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
)
from chirospin.numerics.sylvester import (
    EigenInverse,
    SchurInverse,
    SylvesterInverse,
    pack,
    sylvester,
    sylvester_adjoint,
    unpack,
)

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Blocks = dict[tuple[int, int], Complex]
EVEN, ODD = 0, 1


@dataclass(frozen=True, kw_only=True)
class Point:
    """A model in matrices, with the structure that decides which points share work."""

    h: Complex
    interaction: Interaction
    filling: Real
    emptying: Real
    coupling: Real
    leads: Real
    charges: fock.Charges
    channels: tuple[int, ...]

    @classmethod
    def of(cls, model: Junction) -> Point:
        """The matrices of a model."""
        h, terms = one_body_hamiltonian(model), interaction(model)
        filling, emptying = exchange_rates(model)
        open_channels = np.flatnonzero(np.concatenate([filling, emptying], axis=1).any(axis=0))
        return cls(
            h=h,
            interaction=terms,
            filling=filling,
            emptying=emptying,
            coupling=lead_couplings(model),
            leads=lead_occupations(model),
            charges=fock.conserved_charges(h != 0, terms.exchange),
            channels=tuple(open_channels.tolist()),
        )

    def one_body_decay(self, magnetisation: int) -> float:
        """Slowest decay of a one-electron mode, eV; zero for one that no lead reaches."""
        total = self.filling[magnetisation] + self.emptying[magnetisation]
        modes = np.linalg.eigvals(self.h - 0.5j * np.diag(total))
        return float(-2 * modes.imag.max())

    @property
    def far_apart(self) -> str:
        """Why double precision may fail here: energies and couplings of too different size; or empty."""
        terms = self.interaction
        return far_apart(self.h, terms.density, np.asarray(terms.strength), coupling=self.coupling)

    def channels_of(self, magnetisation: int) -> tuple[int, ...]:
        """Jumps whose rate is not zero for one magnetisation."""
        rate = np.concatenate([self.filling[magnetisation], self.emptying[magnetisation]])
        return tuple(np.flatnonzero(rate).tolist())

    @cached_property
    def scale(self) -> float:
        """Largest one-electron energy or rate, eV: the unit of residuals."""
        return float(max(np.abs(self.h).max(), self.filling.max(), self.emptying.max()))


class Layout(Protocol):
    """Where the numbers of packed density operators lie, for members of one structure."""

    members: Sequence[tuple[Point, int]]
    batch: int
    charges: fock.Charges
    space: fock.Sectors


class Generator:
    """L = L_0 + J of several members of one structure, in packed Hermitian form.

    Parameters
    ----------
    members : (point, magnetisation) pairs that share charges and channels
    """

    def __init__(self, members: Sequence[tuple[Point, int]]) -> None:
        self.members = members
        self.batch = len(members)
        first = members[0][0]
        self.charges = first.charges
        self.space = fock.sectors(first.charges)
        self.heff = tuple(
            [
                effective_hamiltonian(members, parity, number)
                for number in range(len(self.space.stacks[parity]))
            ]
            for parity in (EVEN, ODD)
        )
        rate = np.array([np.concatenate([p.filling[m], p.emptying[m]]) for p, m in members])
        self.jump = tuple(
            jump_matrix(first.charges, first.channels, parity, rate) for parity in (EVEN, ODD)
        )

    def jumps(self, parity: int, packed: Real) -> Real:
        """J applied to the sectors of one parity; lands in the other."""
        out: Real = self.jump[parity] @ packed.reshape(-1)
        return out.reshape(self.batch, -1)

    def jumps_adjoint(self, parity: int, packed: Real) -> Real:
        """Adjoint of the jumps out of one parity; takes the other parity back to it."""
        out: Real = self.jump[parity].T @ packed.reshape(-1)
        return out.reshape(self.batch, -1)

    def coherent(self, parity: int, packed: Real) -> Real:
        """L_0 applied directly, with no inverse and no eigenvector."""
        return self.by_stack(parity, packed, lambda n, X: sylvester(self.heff[parity][n], X))

    def derivative(self, even: Real, odd: Real) -> tuple[Real, Real]:
        """L rho, even and odd sectors."""
        return (
            self.coherent(EVEN, even) + self.jumps(ODD, odd),
            self.coherent(ODD, odd) + self.jumps(EVEN, even),
        )

    def adjoint_derivative(self, even: Real, odd: Real) -> tuple[Real, Real]:
        r"""L^+ Z under Tr[Z X], even and odd sectors: how an observable changes in time.

        .. math:: L^+ Z = i (H_{eff}^+ Z - Z H_{eff}) + J^+ Z
        """
        back = [
            self.by_stack(
                parity, packed, lambda n, X, p=parity: sylvester_adjoint(self.heff[p][n], X)
            )
            for parity, packed in ((EVEN, even), (ODD, odd))
        ]
        return back[EVEN] + self.jumps_adjoint(EVEN, odd), back[ODD] + self.jumps_adjoint(ODD, even)

    def residual(self, even: Real, odd: Real) -> Real:
        r"""\|L rho\| / \|rho\| in units of each point's energy scale, shape (batch,)."""
        scale = np.array([point.scale for point, _ in self.members])
        size = norm(even, odd) * scale
        return norm(*self.derivative(even, odd)) / np.where(size > 0, size, np.nan)

    def trace_drift(self, even: Real, odd: Real) -> Real:
        r"""\|Tr L rho\| relative to the rate of jumps, shape (batch,); zero where nothing jumps."""
        rest = self.derivative(even, odd)
        drift = np.abs(self.trace(EVEN, rest[EVEN]) + self.trace(ODD, rest[ODD]))
        rate = self.trace(ODD, self.jumps(EVEN, even)) + self.trace(EVEN, self.jumps(ODD, odd))
        return np.asarray(drift / np.where(rate > 0, rate, 1.0))

    def trace(self, parity: int, packed: Real) -> Real:
        """Trace of the sectors of one parity, shape (batch,)."""
        return np.asarray(packed[:, diagonal(self.charges, parity)].sum(axis=1))

    def blocks(self, halves: tuple[Real, Real]) -> Blocks:
        """Hermitian matrices (batch, sector, d, d) of packed halves, by parity and stack."""
        return {
            (parity, n): unpack(halves[parity][:, stack.span].reshape(self.batch, *stack.shape))
            for parity in (EVEN, ODD)
            for n, stack in enumerate(self.space.stacks[parity])
        }

    def by_stack(self, parity: int, packed: Real, action: Any) -> Real:
        """An action (stack number, Hermitian matrices) -> matrices, on all sectors of one parity."""
        out = np.empty_like(packed)
        for n, stack in enumerate(self.space.stacks[parity]):
            X = unpack(packed[:, stack.span].reshape(self.batch, *stack.shape))
            out[:, stack.span] = pack(action(n, X)).reshape(self.batch, -1)
        return out


class Resolvent:
    """(L_0 - s)^{-1} of a generator; ``kind`` says how each sector is inverted."""

    def __init__(
        self,
        generator: Generator,
        kind: type[EigenInverse] | type[SchurInverse],
        shift: float = 0.0,
    ) -> None:
        self.generator = generator
        self.kind = kind
        self.inverse: tuple[list[SylvesterInverse], ...] = tuple(
            [
                kind(block - 0.5j * shift * np.eye(block.shape[-1]))
                for block in generator.heff[parity]
            ]
            for parity in (EVEN, ODD)
        )
        self.slowest_decay = np.min(
            [inverse.slowest_decay.min(axis=-1) for half in self.inverse for inverse in half],
            axis=0,
        )

    def shifted(self, rate: float) -> Resolvent:
        """(rate - L_0)^{-1} in place of -L_0^{-1}."""
        return Resolvent(self.generator, self.kind, rate)

    def __call__(self, parity: int, packed: Real) -> Real:
        """-(L_0 - s)^{-1} Y in packed form."""
        return -self.generator.by_stack(parity, packed, lambda n, Y: self.inverse[parity][n](Y))

    def adjoint(self, parity: int, packed: Real) -> Real:
        """-(L_0^+)^{-1} Y in packed form, from the same factorisation."""
        return -self.generator.by_stack(
            parity, packed, lambda n, Y: self.inverse[parity][n].adjoint(Y)
        )

    def hermiticity(self, parity: int, packed: Real) -> Real:
        """Norm of the anti-Hermitian part that packing drops from -L_0^{-1} Y, (batch,)."""
        total = np.zeros(self.generator.batch)
        for n, stack in enumerate(self.generator.space.stacks[parity]):
            Y = unpack(packed[:, stack.span].reshape(self.generator.batch, *stack.shape))
            X = self.inverse[parity][n](Y)
            defect = X - np.conj(np.swapaxes(X, -1, -2))
            total += (np.abs(defect) ** 2).sum(axis=(1, 2, 3))
        return np.sqrt(total) / 2


def norm(even: Real, odd: Real) -> Real:
    """Frobenius norm of a packed operator, shape (batch,)."""
    return np.asarray(np.sqrt((even**2).sum(axis=1) + (odd**2).sum(axis=1)))


def effective_hamiltonian(
    members: Sequence[tuple[Point, int]], parity: int, number: int
) -> Complex:
    """H_eff of one stack of sectors for every member, (batch, sector, d, d)."""
    sectors, size, _ = fock.sectors(members[0][0].charges).stacks[parity][number].shape
    heff = np.zeros((len(members), sectors * size * size), dtype=complex)
    for b, (point, m) in enumerate(members):
        where, value = hamiltonian_elements(point, m, parity, number)
        heff[b, where] = value
    return heff.reshape(len(members), sectors, size, size)


def hamiltonian_elements(
    point: Point, magnetisation: int, parity: int, number: int
) -> tuple[NDArray[np.int64], Complex]:
    r"""Elements of H_eff in one stack of sectors: where in (sector, d, d), flattened, and what.

    .. math:: H_{eff} = H - \tfrac{i}{2} \sum_k [\alpha_k (1 - n_k) + \beta_k n_k]
    """
    space = fock.sectors(point.charges)
    sectors, size, _ = space.stacks[parity][number].shape
    occupied = fock.occupations(point.charges, parity, number).reshape(-1, space.orbitals)
    pairs, terms = off_diagonal_terms(point)
    hops = fock.moves(point.charges, parity, number, terms)
    diagonal = np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1)
    repulsion = ((occupied @ point.interaction.density) * occupied).sum(axis=1) / 2
    energy = occupied @ point.h.diagonal().real + repulsion
    filling, emptying = point.filling[magnetisation], point.emptying[magnetisation]
    decay = occupied @ (emptying - filling) + filling.sum()
    strength = np.concatenate(
        [point.h[pairs[:, 0], pairs[:, 1]], point.interaction.strength, point.interaction.strength]
    )
    where = np.concatenate([hops.where, diagonal.ravel()])
    return where, np.concatenate([hops.sign * strength[hops.term], energy - 0.5j * decay])


def sparse_hamiltonians(
    point: Point, magnetisation: int, parity: int, number: int
) -> list[scipy.sparse.csr_array]:
    """H_eff of every sector of one stack, (d, d) each."""
    sectors, d, _ = fock.sectors(point.charges).stacks[parity][number].shape
    where, value = hamiltonian_elements(point, magnetisation, parity, number)
    sector, inside = np.divmod(where, d * d)
    row, column = np.divmod(inside, d)
    return [
        scipy.sparse.coo_array(
            (value[sector == s], (row[sector == s], column[sector == s])), shape=(d, d)
        ).tocsr()
        for s in range(sectors)
    ]


def off_diagonal_terms(
    point: Point,
) -> tuple[NDArray[np.int64], tuple[tuple[tuple[int, ...], ...], ...]]:
    """Off-diagonal terms of H: one-body pairs (m, n), then exchange and its conjugates."""
    groups = np.array(point.charges)
    joined = (groups[:, :, None] == groups[:, None, :]).all(axis=0)
    np.fill_diagonal(joined, False)
    pairs = np.argwhere(joined)
    hops = [((int(m),), (int(n),)) for m, n in pairs]
    exchange = [((p, q), (r, s)) for p, q, r, s in point.interaction.exchange.tolist()]
    back = [((s, r), (q, p)) for p, q, r, s in point.interaction.exchange.tolist()]
    return pairs, (*hops, *exchange, *back)


def jump_matrix(
    charges: fock.Charges, channels: tuple[int, ...], parity: int, rate: Real
) -> scipy.sparse.csr_array:
    """J from one parity to the other, block diagonal over the batch."""
    pattern = fock.jumps(charges, channels, parity)
    space = fock.sectors(charges)
    batch = len(rate)
    columns, rows = space.unknowns(parity), space.unknowns(1 - parity)
    data = (rate[:, pattern.channel] * pattern.sign).ravel()
    shift = np.arange(batch, dtype=np.int32)[:, None]
    index = (pattern.column + shift * columns).ravel()
    pointer = np.concatenate(
        [
            (pattern.pointer[:-1] + shift * pattern.pointer[-1]).ravel(),
            [batch * int(pattern.pointer[-1])],
        ]
    )
    return scipy.sparse.csr_array((data, index, pointer), shape=(batch * rows, batch * columns))


@lru_cache(maxsize=16)
def diagonal(charges: fock.Charges, parity: int) -> NDArray[np.int64]:
    """Packed positions of the diagonal elements of all sectors of one parity."""
    where = []
    for stack in fock.sectors(charges).stacks[parity]:
        sectors, size, _ = stack.shape
        inside = np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1)
        where.append(stack.start + inside.ravel())
    return np.concatenate(where)


@lru_cache(maxsize=64)
def closed_classes(charges: fock.Charges, channels: tuple[int, ...]) -> int:
    """Number of sets of sectors that jumps lead into and never out of; one state for each."""
    space = fock.sectors(charges)
    n = space.orbitals
    states = np.arange(2**n)
    occupied = (states[:, None] >> np.arange(n)) & 1
    _, sector = np.unique(occupied @ np.array(charges).T, axis=0, return_inverse=True)
    sector = sector.reshape(-1)
    count = int(sector.max()) + 1
    edges = [np.zeros((2, 0), dtype=int)]
    for channel in channels:
        able = occupied[:, channel % n] == (0 if channel < n else 1)
        edges.append(np.stack([sector[able], sector[states[able] ^ (1 << (channel % n))]]))
    source, target = np.concatenate(edges, axis=1)
    graph = scipy.sparse.coo_array((np.ones(source.size), (source, target)), shape=(count, count))
    classes, label = scipy.sparse.csgraph.connected_components(graph, connection="strong")
    leaks = label[source] != label[target]
    return int(classes - np.unique(label[source[leaks]]).size)
