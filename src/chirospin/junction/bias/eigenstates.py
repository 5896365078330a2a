r"""Many-body eigenstates of the molecules, and the annihilators between them.

In the eigenbasis of H, c_k takes a sector B to the sector A of one electron fewer, with
:math:`\omega_{ab} = E_b - E_a`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.bias.model import (
    BiasedJunction,
    Reservoirs,
    VibrationBath,
    gated_hamiltonian,
    kept_levels,
    moved_bias,
    reservoirs_of,
    vibration_bath,
)
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.bosons import Oscillators, VibronicMatrices, vibronic_hamiltonian
from chirospin.junction.manybody.companions import joint
from chirospin.junction.manybody.hamiltonian import Matrices, Member, hamiltonians
from chirospin.junction.manybody.leads import joined_matrices
from chirospin.junction.manybody.one_body import matrices_with
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Layout, Real
from chirospin.junction.model import counting_fields, lead_couplings, spectral_energies
from chirospin.junction.modes import dephasing_operator, modes
from chirospin.numerics.sylvester import dagger

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BiasedMember(Member):
    """Molecules between leads of finite bias and temperature.

    Parameters
    ----------
    broadened : whether every transition sees Fermi functions broadened by its own width
    bath, damping : of the vibrations, (K,), eV; None without
    fluctuating : matrix whose white noise dephasing is; None: every orbital energy
    energies, fields : where Green function and generating function are wanted
    at_bias : change of the bias -> the same member there
    """

    reservoirs: Reservoirs
    broadened: bool = False
    bath: VibrationBath | None = None
    damping: Real = field(default_factory=lambda: np.zeros(0))
    fluctuating: Complex | None = None
    energies: Real = field(default_factory=lambda: np.zeros(0))
    fields: Real = field(default_factory=lambda: np.zeros(0))
    at_bias: Callable[[float], BiasedMember] | None = None

    @classmethod
    def both(cls, model: BiasedJunction) -> tuple[BiasedMember, BiasedMember]:
        """A model with its leads magnetised up, and down."""
        matrices, widths = joined_matrices(model, gated_hamiltonian(model))
        reservoirs, levels = reservoirs_of(model), kept_levels(model)
        fluctuating = dephasing_operator(model) if reservoirs.dephasing else None
        found, mixing = modes(model), [one for one in widths if one is not None]
        white = [] if fluctuating is None else [fluctuating[None]]
        joins = np.concatenate(
            [one for one in (found.coupling, *mixing, *white) if len(one)] or [found.coupling]
        )
        if white:
            matrices = matrices_with(matrices, joins)
        if levels:
            matrices = VibronicMatrices(
                h=matrices.h,
                interaction=matrices.interaction,
                charges=matrices_with(matrices, joins).charges,
                vibrations=found.coupling,
                oscillators=Oscillators(energy=found.energy, levels=levels),
            )
        up, down = (
            cls(
                matrices=matrices,
                coupling=coupling,
                widths=width,
                spin=model.own_spin,
                reservoirs=reservoirs,
                bath=vibration_bath(model) if levels else None,
                damping=modes(model).damping,
                fluctuating=fluctuating,
                energies=spectral_energies(model, matrices.h),
                fields=counting_fields(model),
                at_bias=partial(_at_bias, model, number),
            )
            for number, (coupling, width) in enumerate(
                zip(lead_couplings(model), widths, strict=True)
            )
        )
        return up, down

    @property
    def vibronic(self) -> VibronicMatrices | None:
        """The molecules with their vibrations, if they have any."""
        return self.matrices if isinstance(self.matrices, VibronicMatrices) else None

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


def _at_bias(model: BiasedJunction, number: int, by: float) -> BiasedMember:
    return BiasedMember.both(moved_bias(model, by))[number]


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

    def with_levels(self, levels: int) -> Chain:
        """The same beside bosons, whose level they keep."""
        if levels == 1:
            return self
        level = np.arange(levels)

        def beside(index: Ints) -> Ints:
            wide = index[..., None] * levels + level
            return wide.reshape(*index.shape[:-1], -1)

        return replace(
            self,
            below=beside(self.below),
            below_sign=np.repeat(self.below_sign, levels, axis=-1),
            above=beside(self.above),
            above_sign=np.repeat(self.above_sign, levels, axis=-1),
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


class _Kept:
    """Matrices by their content: equal ones are one key of a cache."""

    def __init__(self, matrices: Matrices) -> None:
        self.matrices = matrices
        arrays = tuple(np.ascontiguousarray(part).tobytes() for part in matrices.arrays)
        self.content = (type(matrices), matrices.charges, arrays)

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.content == other.content


@lru_cache(maxsize=6)
def _spectrum(kept: _Kept) -> Spectrum:
    matrices = kept.matrices
    n = len(matrices.charges[0])
    closed = Member(matrices=matrices, coupling=np.zeros((2, n)))
    blocks = hamiltonians([closed], Layout(charges=matrices.charges, batch=1))
    if isinstance(matrices, VibronicMatrices):
        blocks = _with_vibrations(matrices, blocks)
    pairs = [[np.linalg.eigh(block[0]) for block in half] for half in blocks]
    return Spectrum(
        energies=(tuple(e for e, _ in pairs[0]), tuple(e for e, _ in pairs[1])),
        vectors=(tuple(v for _, v in pairs[0]), tuple(v for _, v in pairs[1])),
    )


def _with_vibrations(
    matrices: VibronicMatrices, blocks: tuple[list[Complex], list[Complex]]
) -> tuple[list[Complex], list[Complex]]:
    unit = np.eye(matrices.oscillators.size)
    even, odd = (
        [
            joint(block, unit)
            + vibronic_hamiltonian(matrices.oscillators, matrices.coupling, (parity, n))
            for n, block in enumerate(half)
        ]
        for parity, half in enumerate(blocks)
    )
    return even, odd


def spectrum(matrices: Matrices) -> Spectrum:
    """Many-body eigenstates, sector by sector; the last few are remembered."""
    return _spectrum(_Kept(matrices))


def transition_widths(gamma: Complex, elements: Complex) -> Real:
    r"""Width that tunnelling gives to a transition: exact for a level without repulsion, eV.

    .. math:: \Gamma_{ab} = \sum_{jk} \Gamma_{kj}\, c_{j,ab}\, c^*_{k,ab}

    Parameters
    ----------
    gamma : of all leads together, (J, J); of single orbitals their couplings, (J,)
    elements : c_k, (..., J, A, B)
    """
    if gamma.ndim == 1:
        return np.asarray(np.einsum("j,...jxy->...xy", gamma, np.abs(elements) ** 2))
    mixed = np.einsum("kj,...jxy->...kxy", gamma, elements)
    return np.asarray(np.einsum("...kxy,...kxy->...xy", mixed, np.conj(elements)).real)
