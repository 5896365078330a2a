r"""Leads whose states are occupied alike at every energy: rates, and the jumps that they make.

.. math:: \sum_k \alpha_k D[c^+_k] + \beta_k D[c_k]
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.junction.couplings import factorised
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import JumpFamily, Jumping
from chirospin.junction.manybody.green import SectorJump
from chirospin.junction.manybody.hamiltonian import Matrices, Member, diagonal_places, sparse_blocks
from chirospin.junction.manybody.one_body import matrices_with, sector_operator
from chirospin.junction.manybody.operator_space import (
    moved_charge,
    orbital_charge,
    sector_of_charge,
    states_of,
    stepped,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Blocks, Complex, Layout, Real
from chirospin.junction.model import (
    Junction,
    MolecularStack,
    counting_fields,
    given_widths,
    lead_couplings,
    lead_occupations,
    mixing_widths,
    one_body_hamiltonian,
    spectral_energies,
)


@dataclass(frozen=True, kw_only=True)
class FlatMember(Member):
    """Molecules between leads of infinite bias.

    Parameters
    ----------
    occupation : f of every lead, (lead,)
    energies, fields : where Green function and generating function are wanted
    """

    occupation: Real
    energies: Real = field(default_factory=lambda: np.zeros(0))
    fields: Real = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def both(cls, model: Junction) -> tuple[FlatMember, FlatMember]:
        """A model with its leads magnetised up, and down."""
        matrices, widths = joined_matrices(model, one_body_hamiltonian(model))
        up, down = (
            cls(
                matrices=matrices,
                coupling=coupling,
                widths=width,
                spin=model.own_spin,
                occupation=lead_occupations(model),
                energies=spectral_energies(model, matrices.h),
                fields=counting_fields(model),
            )
            for coupling, width in zip(lead_couplings(model), widths, strict=True)
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
    def mark(self) -> str:
        """A name for what is kept on disk: it belongs to no other member."""
        parts = [self.matrices.h, self.filling, self.emptying, *self.matrices.arrays[1:]]
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
        return digest.hexdigest()[:16]

    @property
    def exchange(self) -> tuple[Complex, Complex]:
        r"""Matrices :math:`\sum_l f_l\Gamma_l` and :math:`\sum_l (1-f_l)\Gamma_l`, (4M, 4M) each, eV/hbar."""
        f, gamma = self.occupation, self.gamma
        return np.einsum("l,lab->ab", f, gamma), np.einsum("l,lab->ab", 1 - f, gamma)

    @property
    def fastest(self) -> float:
        """The largest rate, eV/hbar."""
        return float(self.rates.max())

    @property
    def balanced(self) -> bool:
        """Whether all leads are occupied alike, so that the state is a product."""
        return bool((self.occupation == self.occupation[0]).all())


def joined_matrices(
    model: MolecularStack, h: Complex
) -> tuple[Matrices, tuple[Complex | None, Complex | None]]:
    """The molecules in the charges that leads keep too, and the widths of both magnetisations if not diagonal."""
    matrices, widths = Matrices.of(model, h), mixing_widths(model)
    if widths is None:
        return matrices, (None, None)
    return matrices_with(matrices, widths.reshape(-1, *h.shape)), (widths[0], widths[1])


def require_single_orbitals(model: MolecularStack, method: str) -> None:
    """Refuse leads that join orbitals or spins, for a method whose jumps are of one spin-orbital each.

    Raises
    ------
    ModelError : names the methods that have them
    """
    if mixing_widths(model) is None:
        return
    raise ModelError(
        f"Parameter `{given_name(model)}` must leave Gamma diagonal for method "
        f"{method}, which takes an electron to one spin-orbital at a time; gksl, mean-field and landauer have "
        "any Gamma"
    )


def require_end_leads(model: MolecularStack, method: str) -> None:
    """Refuse leads other than two at the ends, magnetised along z.

    Raises
    ------
    ModelError : names the methods that have them
    """
    require_single_orbitals(model, method)
    if not given_widths(model):
        return
    raise ModelError(
        f"Parameter `{given_name(model)}` must be left out for method {method}, which joins one lead to the first "
        "and one to the last molecule; gksl, mean-field and landauer have any Gamma"
    )


def require_named_repulsion(model: MolecularStack, method: str) -> None:
    """Refuse a tensor of repulsion between molecules.

    Raises
    ------
    ModelError : names the methods that have it
    """
    if model.interaction_tensor is not None:
        raise ModelError(
            f"Parameter `interaction_tensor` must be left out (in eV) for method {method}, which has density terms "
            "between molecules only; gksl and mean-field have any tensor"
        )


def given_name(stack: MolecularStack) -> str:
    """The parameter that says what leads there are."""
    names = ("lead_directions", "lead_orbitals", "lead_vectors", "lead_matrices")
    return next(name for name in names if getattr(stack, name) is not None)


def open_channels(members: Sequence[Member]) -> tuple[int, ...]:
    """Channels that occur in any of several members."""
    return tuple(sorted(set().union(*(member.channels for member in members))))


def open_pairs(members: Sequence[FlatMember]) -> tuple[fock.Pair, ...]:
    """Pairs (filling, a, b) whose rate is not zero in any of several members."""
    if all(member.widths is None for member in members):
        n = members[0].coupling.shape[1]
        return tuple((c < n, c % n, c % n) for c in open_channels(members))
    both = np.array([member.exchange for member in members]).any(axis=0)
    return tuple((not way, int(a), int(b)) for way, a, b in np.argwhere(both).tolist())


class FlatLeads(JumpFamily):
    """Jumps into and out of leads of infinite bias: one sparse map from either parity to the other."""

    crosses = True

    def __init__(self, members: Sequence[FlatMember], layout: Layout) -> None:
        self.members, self.layout = members, layout
        self.maps = lead_maps(members, layout.charges, [member.exchange for member in members])
        self.mixing = [None if one.widths is None else _one_body_losses(one) for one in members]

    def alone(self, lead: int) -> FlatLeads:
        """One of the leads without the others."""
        return FlatLeads([member.alone(lead) for member in self.members], self.layout)

    def sector_jumps(self, member: int) -> list[SectorJump]:
        """The jumps of one member, each channel from sector to sector."""
        charges, one = self.layout.charges, self.members[member]
        jumps = []
        for f, gamma in zip(one.occupation, one.gamma, strict=True):
            for strength, vector in zip(*factorised(gamma), strict=True):
                for sigma, filled in ((1, f), (-1, 1 - f)):
                    if strength * filled:
                        jumps.append(_sector_jump(charges, vector, sigma, strength * filled))
        return jumps

    def weighted(self, entering: Real, leaving: Real) -> Jumping:
        """Its jumps with weights of each lead for those that enter and those that leave.

        Parameters
        ----------
        entering, leaving : (lead,)
        """
        exchange = [
            (
                np.einsum("l,lab->ab", entering * member.occupation, member.gamma),
                np.einsum("l,lab->ab", leaving * (1 - member.occupation), member.gamma),
            )
            for member in self.members
        ]
        maps = lead_maps(self.members, self.layout.charges, exchange)
        return lambda parity, packed: self.layout.by_electrons(packed, lambda X: maps[parity] @ X)

    def damping(self, parity: int, number: int) -> Complex:
        r""":math:`-\tfrac{i}{2}[\mathrm{Tr}\,\alpha + \sum_{ab} (\beta - \alpha)_{ab} c^+_a c_b]` in one stack."""
        shape = self.layout.electrons.shape(parity, number)
        out = np.zeros((shape[0], shape[1] * shape[2] ** 2), dtype=complex)
        out[:, diagonal_places(*shape[1:3])] = [
            losses(member, parity, number) for member in self.members
        ]
        whole = out.reshape(shape)
        for b, mixing in enumerate(self.mixing):
            if mixing is not None:
                whole[b] -= 0.5j * mixing[parity, number][0]
        return self.layout.beside(whole)

    def crossing(self, parity: int, packed: Real) -> Real:
        """The jumps out of one parity."""
        return self.layout.by_electrons(packed, lambda X: self.maps[parity] @ X)

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of the jumps out of one parity."""
        return self.layout.by_electrons(packed, lambda X: self.maps[parity].T @ X)


def _one_body_losses(member: FlatMember) -> Blocks:
    """Off-diagonal part of :math:`\\sum (\\beta - \\alpha)_{ab} c^+_a c_b` in sectors."""
    into, out = member.exchange
    difference = out - into
    return sector_operator(member.charges, difference - np.diag(np.diag(difference)))


def lead_maps(
    members: Sequence[FlatMember],
    charges: fock.Charges,
    exchange: Sequence[tuple[Complex, Complex]],
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
    r"""Jumps :math:`\sum_{ab} \alpha_{ab} c^+_a X c_b + \beta_{ba} c_a X c^+_b` out of even and of odd operators.

    Parameters
    ----------
    exchange : alpha and beta of every member, (4M, 4M) each
    """
    pairs = open_pairs(members)
    into = np.array([one[0] for one in exchange])
    out = np.array([np.swapaxes(one[1], -1, -2) for one in exchange])
    rate = np.zeros((len(members), len(pairs)), dtype=complex)
    for p, (fills, a, b) in enumerate(pairs):
        rate[:, p] = (into if fills else out)[:, a, b]
    even, odd = (
        _pair_matrix(fock.pair_jumps(charges, pairs, parity), rate, charges, parity)
        for parity in (EVEN, ODD)
    )
    return even, odd


def _pair_matrix(
    pattern: fock.PairJumps, rate: Complex, charges: fock.Charges, parity: int
) -> scipy.sparse.csr_array:
    """The packed form A + B of a Hermitian A + iB takes Re(rate) of an element and Im(rate) of its mirror."""
    found = _batched(pattern, pattern.column, rate.real, charges, parity)
    if not rate.imag.any():
        return found
    return found + _batched(pattern, pattern.mirror, rate.imag, charges, parity)


def _sector_jump(charges: fock.Charges, vector: Complex, sigma: int, rate: float) -> SectorJump:
    r"""Jumps :math:`C_v = \sum_a v_a^* c_a` out of a lead's vector, or their adjoints into it, at a rate."""
    orbitals = np.flatnonzero(vector)
    change, places = orbital_charge(charges, int(orbitals[0])), sector_of_charge(charges)
    jump = SectorJump(target={}, P={}, Q={})
    for charge, source in places.items():
        target = places.get(moved_charge(charge, change, sigma))
        if target is None:
            continue
        d, width = (states_of(charges, place).size for place in (target, source))
        Q = np.zeros((d, width), dtype=complex)
        for a in orbitals:
            kept, image, sign = stepped(charges, states_of(charges, source), int(a), sigma)
            share = vector[a] if sigma > 0 else np.conj(vector[a])
            Q[image, kept] = np.asarray(Q[image, kept] + share * sign, dtype=complex)
        jump.target[source], jump.Q[source], jump.P[source] = (
            target,
            Q,
            np.asarray(0.5 * rate * Q, dtype=complex),
        )
    return jump


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
    return _batched(pattern, pattern.column, rate, charges, parity)


def _batched(
    pattern: fock.Jumps,
    column: NDArray[np.int32],
    rate: Real,
    charges: fock.Charges,
    parity: int,
) -> scipy.sparse.csr_array:
    space = fock.sectors(charges)
    batch = len(rate)
    columns, rows = space.unknowns(parity), space.unknowns(1 - parity)
    data = (rate[:, pattern.channel] * pattern.sign).ravel()
    shift = np.arange(batch, dtype=np.int32)[:, None]
    index = (column + shift * columns).ravel()
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
