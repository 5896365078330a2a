r"""Leads whose states are occupied alike at every energy: rates, and the jumps that they make.

.. math:: \sum_k \alpha_k D[c^+_k] + \beta_k D[c_k]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import JumpFamily, Jumping
from chirospin.junction.manybody.green import SectorJump
from chirospin.junction.manybody.hamiltonian import Matrices, Member, diagonal_places, sparse_blocks
from chirospin.junction.manybody.operator_space import (
    moved_charge,
    orbital_charge,
    sector_of_charge,
    states_of,
    stepped,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Layout, Real
from chirospin.junction.model import (
    Junction,
    counting_fields,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
    spectral_energies,
)


@dataclass(frozen=True, kw_only=True)
class FlatMember(Member):
    """Molecules between leads of infinite bias.

    Parameters
    ----------
    occupation : f of the left and the right lead, (lead,)
    energies, fields : where Green function and generating function are wanted
    """

    occupation: Real
    energies: Real = field(default_factory=lambda: np.zeros(0))
    fields: Real = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def both(cls, model: Junction) -> tuple[FlatMember, FlatMember]:
        """A model with its left lead magnetised up, and down."""
        h = one_body_hamiltonian(model)
        matrices = Matrices.of(model, h)
        up, down = (
            cls(
                matrices=matrices,
                coupling=coupling,
                occupation=lead_occupations(model),
                energies=spectral_energies(model, h),
                fields=counting_fields(model),
            )
            for coupling in lead_couplings(model)
        )
        return up, down

    @property
    def filling(self) -> Real:
        """alpha of every orbital, (4M,), eV/hbar."""
        return np.asarray(self.occupation @ self.coupling)

    @property
    def emptying(self) -> Real:
        """beta of every orbital, (4M,), eV/hbar."""
        return np.asarray((1 - self.occupation) @ self.coupling)

    @property
    def rates(self) -> Real:
        """Of all channels, (8M,), eV/hbar."""
        return np.concatenate([self.filling, self.emptying])

    @property
    def channels(self) -> tuple[int, ...]:
        """Jumps whose rate is not zero."""
        return tuple(np.flatnonzero(self.rates).tolist())

    @property
    def fastest(self) -> float:
        """The largest rate, eV/hbar."""
        return float(self.rates.max())

    @property
    def balanced(self) -> bool:
        """Whether both leads are occupied alike, so that the state is a product."""
        return bool(self.occupation[0] == self.occupation[1])


def open_channels(members: Sequence[Member]) -> tuple[int, ...]:
    """Channels that occur in any of several members."""
    return tuple(sorted(set().union(*(member.channels for member in members))))


class FlatLeads(JumpFamily):
    """Jumps into and out of leads of infinite bias: one sparse map from either parity to the other."""

    crosses = True

    def __init__(self, members: Sequence[FlatMember], layout: Layout) -> None:
        self.members, self.layout = members, layout
        rates = np.array([member.rates for member in members])
        channels = open_channels(members)
        self.maps = tuple(
            jump_matrix(layout.charges, channels, parity, rates) for parity in (EVEN, ODD)
        )

    def alone(self, lead: int) -> FlatLeads:
        """One of the leads without the others."""
        here = np.arange(len(self.members[0].coupling))[:, None] == lead
        return FlatLeads(
            [replace(one, coupling=np.where(here, one.coupling, 0.0)) for one in self.members],
            self.layout,
        )

    def sector_jumps(self, member: int) -> list[SectorJump]:
        """The jumps of one member, each channel from sector to sector."""
        charges, one = self.layout.charges, self.members[member]
        found = []
        for sigma, rates in ((1, one.filling), (-1, one.emptying)):
            for orbital in np.flatnonzero(rates):
                jump = SectorJump(target={}, P={}, Q={})
                change = orbital_charge(charges, int(orbital))
                places = sector_of_charge(charges)
                for charge, source in places.items():
                    target = places.get(moved_charge(charge, change, sigma))
                    if target is None:
                        continue
                    kept, image, sign = stepped(
                        charges, states_of(charges, source), int(orbital), sigma
                    )
                    d, width = (states_of(charges, place).size for place in (target, source))
                    Q = np.zeros((d, width), dtype=complex)
                    Q[image, kept] = sign
                    jump.target[source] = target
                    jump.Q[source], jump.P[source] = Q, 0.5 * rates[orbital] * Q
                found.append(jump)
        return found

    def weighted(self, entering: Real, leaving: Real) -> Jumping:
        """Its jumps with weights of each lead for those that enter and those that leave.

        Parameters
        ----------
        entering, leaving : (lead,)
        """
        rates = np.array(
            [
                np.concatenate(
                    [
                        (entering * one.occupation) @ one.coupling,
                        (leaving * (1 - one.occupation)) @ one.coupling,
                    ]
                )
                for one in self.members
            ]
        )
        channels, charges = open_channels(self.members), self.layout.charges
        maps = [jump_matrix(charges, channels, parity, rates) for parity in (EVEN, ODD)]
        return lambda parity, packed: self.layout.by_electrons(packed, lambda X: maps[parity] @ X)

    def damping(self, parity: int, number: int) -> Complex:
        r""":math:`-\tfrac{i}{2}\sum_k [\alpha_k (1 - n_k) + \beta_k n_k]` in one stack."""
        shape = self.layout.electrons.shape(parity, number)
        out = np.zeros((shape[0], shape[1] * shape[2] ** 2), dtype=complex)
        out[:, diagonal_places(*shape[1:3])] = [
            losses(member, parity, number) for member in self.members
        ]
        return self.layout.beside(out.reshape(shape))

    def crossing(self, parity: int, packed: Real) -> Real:
        """The jumps out of one parity."""
        return self.layout.by_electrons(packed, lambda X: self.maps[parity] @ X)

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of the jumps out of one parity."""
        return self.layout.by_electrons(packed, lambda X: self.maps[parity].T @ X)


def losses(member: FlatMember, parity: int, number: int) -> Complex:
    """What jumps take from H in every Fock state of one stack, (sector d,), imaginary."""
    n = member.coupling.shape[1]
    occupied = fock.occupations(member.charges, parity, number).reshape(-1, n)
    rate = occupied @ (member.emptying - member.filling) + member.filling.sum()
    return np.asarray(-0.5j * rate)


def sparse_hamiltonians(
    member: FlatMember, parity: int, number: int
) -> list[scipy.sparse.csr_array]:
    """H_eff of every sector of one stack, (d, d) each."""
    return sparse_blocks(member.matrices, losses(member, parity, number), parity, number)


def jump_matrix(
    charges: fock.Charges, channels: tuple[int, ...], parity: int, rate: Real
) -> scipy.sparse.csr_array:
    """Jumps from one parity to the other at the rates of all channels, block diagonal over the batch."""
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
