r"""Many-body eigenstates of the molecules, and the annihilators between them.

In the eigenbasis of H, c_k takes a sector B to the sector A of one electron fewer, with
:math:`\omega_{ab} = E_b - E_a`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.bias.model import (
    BiasedJunction,
    Reservoirs,
    gated_hamiltonian,
    reservoirs_of,
)
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.hamiltonian import Matrices, Member, hamiltonians
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Layout, Real
from chirospin.junction.model import Interaction, lead_couplings
from chirospin.numerics.sylvester import dagger

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BiasedMember(Member):
    """Molecules between leads of finite bias and temperature.

    Parameters
    ----------
    broadened : whether every transition sees Fermi functions broadened by its own width
    """

    reservoirs: Reservoirs
    broadened: bool = False

    @classmethod
    def both(cls, model: BiasedJunction) -> tuple[BiasedMember, BiasedMember]:
        """A model with its left lead magnetised up, and down."""
        matrices, reservoirs = Matrices.of(model, gated_hamiltonian(model)), reservoirs_of(model)
        up, down = (
            cls(matrices=matrices, coupling=coupling, reservoirs=reservoirs)
            for coupling in lead_couplings(model)
        )
        return up, down

    @property
    def joined(self) -> Ints:
        """Orbitals that touch a lead."""
        return np.flatnonzero(self.coupling.any(axis=0))

    @property
    def channels(self) -> tuple[int, ...]:
        """Every lead joined to an orbital may fill and empty it."""
        joined = self.joined
        return (*joined.tolist(), *(joined + self.coupling.shape[1]).tolist())

    @property
    def fastest(self) -> float:
        """Half the largest coupling: the rate into a lead that is half full, eV/hbar."""
        return float(self.coupling.sum(axis=0).max() / 2)


@dataclass(frozen=True, kw_only=True)
class Link:
    """The operators c_k of one charge, from one sector to the one below it.

    Parameters
    ----------
    lower, upper : A and B
    orbitals : k, shape (J,)
    below : for each orbital and state of A the state of B that c_k leads to it; shape (J, dA)
    below_sign : its sign, 0 where there is none
    above, above_sign : the same for each state of B, shape (J, dB)
    """

    lower: fock.SectorKey
    upper: fock.SectorKey
    orbitals: Ints
    below: Ints
    below_sign: Real
    above: Ints
    above_sign: Real

    def between(self, left: Complex, right: Complex) -> Complex:
        """left^+ c_k right, shape (J, dA', dB')."""
        rows = dagger(left)[None] * self.below_sign[:, None, :]
        return np.asarray(rows @ right[self.below])


@lru_cache(maxsize=8)
def links(charges: fock.Charges, orbitals: tuple[int, ...]) -> tuple[Link, ...]:
    """All pairs of sectors joined by the annihilators of some orbitals."""
    space = fock.sectors(charges)
    groups: dict[tuple[int, ...], list[int]] = {}
    for k in orbitals:
        groups.setdefault(tuple(row[k] for row in charges), []).append(k)
    found = []
    for parity in (EVEN, ODD):
        for number, stack in enumerate(space.stacks[parity]):
            for sector, states in enumerate(stack.states):
                for ks in groups.values():
                    link = _link(space, (parity, number, sector), states, np.array(ks))
                    if link is not None:
                        found.append(link)
    return tuple(found)


def _link(space: fock.Sectors, lower: fock.SectorKey, states: Ints, orbitals: Ints) -> Link | None:
    empty = ((states >> orbitals[:, None]) & 1) == 0
    if not empty.any():
        return None
    image = np.where(empty, states ^ (1 << orbitals[:, None]), 0)
    stack, sector, index = np.moveaxis(space.place[image], -1, 0)
    first = tuple(np.argwhere(empty)[0])
    upper = (1 - lower[0], int(stack[first]), int(sector[first]))
    size = space.stacks[upper[0]][upper[1]].states.shape[1]
    sign = np.where(empty, fock.parity_below(states[None], orbitals[:, None]), 0).astype(float)
    above = np.zeros((orbitals.size, size), dtype=np.int64)
    above_sign = np.zeros((orbitals.size, size))
    for j in range(orbitals.size):
        able = np.flatnonzero(empty[j])
        above[j, index[j, able]] = able
        above_sign[j, index[j, able]] = sign[j, able]
    return Link(
        lower=lower,
        upper=upper,
        orbitals=orbitals,
        below=np.where(empty, index, 0),
        below_sign=sign,
        above=above,
        above_sign=above_sign,
    )


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Links of the same charge between sectors of the same sizes, side by side.

    No two of them share a lower or an upper sector. Arrays are those of :class:`Link` with an axis of links
    in front.

    Parameters
    ----------
    lower, upper : (parity, stack)
    lower_sectors, upper_sectors : of each link, (links,)
    """

    lower: tuple[int, int]
    upper: tuple[int, int]
    lower_sectors: Ints
    upper_sectors: Ints
    orbitals: Ints
    below: Ints
    below_sign: Real
    above: Ints
    above_sign: Real

    @classmethod
    def of(cls, alike: Sequence[Link]) -> Chain:
        """From links of equal charge and sizes."""
        arrays = ("below", "below_sign", "above", "above_sign")
        return cls(
            lower=alike[0].lower[:2],
            upper=alike[0].upper[:2],
            lower_sectors=np.array([link.lower[2] for link in alike]),
            upper_sectors=np.array([link.upper[2] for link in alike]),
            orbitals=alike[0].orbitals,
            **{name: np.stack([getattr(link, name) for link in alike]) for name in arrays},
        )

    def between(self, left: Complex, right: Complex) -> Complex:
        """left^+ c_k right for matrices (link, d, d), shape (link, J, dA, dB)."""
        rows = dagger(left)[:, None] * self.below_sign[:, :, None, :]
        number = np.arange(len(right))[:, None, None]
        return np.asarray(rows @ right[number, self.below])


@lru_cache(maxsize=8)
def chains(charges: fock.Charges, orbitals: tuple[int, ...]) -> tuple[Chain, ...]:
    """The same pairs of sectors, those alike together."""
    alike: dict[tuple[object, ...], list[Link]] = {}
    for link in links(charges, orbitals):
        key = (link.lower[:2], link.upper[:2], tuple(link.orbitals.tolist()))
        alike.setdefault(key, []).append(link)
    return tuple(Chain.of(group) for group in alike.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """Eigenvalues and eigenvectors of H, by parity and stack: (sector, d) and (sector, d, d)."""

    energies: tuple[tuple[Real, ...], tuple[Real, ...]]
    vectors: tuple[tuple[Complex, ...], tuple[Complex, ...]]


@lru_cache(maxsize=6)
def _spectrum(arrays: tuple[bytes, ...], charges: fock.Charges) -> Spectrum:
    h, density, exchange, strength = arrays
    n = len(charges[0])
    terms = Interaction(
        density=np.frombuffer(density).reshape(n, n),
        exchange=np.frombuffer(exchange, dtype=np.int64).reshape(-1, 4),
        strength=np.frombuffer(strength),
    )
    matrices = Matrices(
        h=np.frombuffer(h, dtype=complex).reshape(n, n), interaction=terms, charges=charges
    )
    closed = Member(matrices=matrices, coupling=np.zeros((2, n)))
    blocks = hamiltonians([closed], Layout(charges=charges, batch=1))
    pairs = [[np.linalg.eigh(block[0]) for block in half] for half in blocks]
    return Spectrum(
        energies=(tuple(e for e, _ in pairs[0]), tuple(e for e, _ in pairs[1])),
        vectors=(tuple(v for _, v in pairs[0]), tuple(v for _, v in pairs[1])),
    )


def spectrum(matrices: Matrices) -> Spectrum:
    """Many-body eigenstates, sector by sector; the last few are remembered."""
    arrays = tuple(np.ascontiguousarray(part).tobytes() for part in matrices.arrays)
    return _spectrum(arrays, matrices.charges)


def widths(coupling: Real, elements: Complex) -> Real:
    r"""Width that tunnelling gives to a transition: exact for a level without repulsion, eV.

    .. math:: \Gamma_{ab} = \sum_{lk} g_{lk} |c_{k,ab}|^2

    Parameters
    ----------
    coupling : to both leads together, (J,)
    elements : c_k, (..., J, A, B)
    """
    return np.asarray(np.einsum("j,...jxy->...xy", coupling, np.abs(elements) ** 2))
