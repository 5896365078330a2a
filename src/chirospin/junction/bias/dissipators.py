r"""Jumps of second order in the coupling to leads of finite bias and temperature, in one form; dephasing.

.. math::
    \dot\rho = -i(H_{eff}\rho - \rho H_{eff}^+) + \sum_j (P_j\rho Q_j^+ + Q_j\rho P_j^+), \qquad
    H_{eff} = H + H_{LS} - i\sum_j Q_j^+ P_j

with j = (lead, orbital, in or out). The generators differ in the factors by which elements of c_k in the
eigenbasis of H are multiplied, and in H_LS. Dephasing adds :math:`\kappa \sum_o D[n_o]` over all orbitals,
both spins together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from chirospin.base.fermi import broadened_fermi, fermi
from chirospin.junction.bias.eigenstates import (
    BiasedMember,
    Chain,
    Spectrum,
    chains,
    spectrum,
    transition_widths,
)
from chirospin.junction.bias.fermi_overlap import (
    of_distances,
    overlap_expansion,
    shifted_digamma,
)
from chirospin.junction.couplings import factorised
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import JumpFamily, Jumping
from chirospin.junction.manybody.green import SectorJump
from chirospin.junction.manybody.one_body import OneBodyDephasing, sector_operator
from chirospin.junction.manybody.operator_space import Charge, moved_charge, sector_of_charge
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Halves, Layout, Real
from chirospin.numerics.sylvester import dagger, pack

Ints = NDArray[np.int64]
Kind = Literal["redfield", "redfield-lamb", "first-tier", "perlind", "ule", "kms"]
Stacks = tuple[list[Complex], list[Complex]]
IN, OUT = 0, 1
KERNEL_TOGETHER = 2e6  # elements of the kernel of the Lamb shift at a time


def principal_value(omega: Real, mu: float, T: float) -> Real:
    r"""The wide-band Lamb function of a lead, its constant dropped.

    .. math:: l(\omega) = P\!\!\int \frac{d\omega'}{2\pi} \frac{f(\omega')}{\omega - \omega'}
              = const - \mathrm{Re}\,\psi(\tfrac12 + i(\omega - \mu)/2\pi T)/2\pi
    """
    return np.asarray((shifted_digamma((omega - mu) / T) - np.log(T)) / (2 * np.pi))


Filled = Callable[[Real], NDArray[Any]]  # x = (omega - mu)/T -> occupation of the lead


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What the elements of c+ (in) and c (out) are multiplied by."""

    entering: NDArray[Any]
    leaving: NDArray[Any]


def _redfield(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=filled(x) / 2, leaving=filled(-x) / 2)


def _redfield_lamb(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    plain, shift = _redfield(omega, mu, T, filled), 1j * principal_value(omega, mu, T)
    return Factors(entering=plain.entering - shift, leaving=plain.leaving - shift)


def _first_tier(omega: Real, mu: float, T: float, decay: float) -> Factors:
    r"""Of leads whose memory decays by tunnelling too: the first tier of a hierarchy, eliminated.

    .. math:: \int_0^\infty dt\, C(t)\, e^{i\omega t - \kappa t}, \qquad z = \tfrac12
              + \frac{\kappa + i(\omega - \mu)}{2\pi T}: \quad
              \tfrac14 - \frac{\mathrm{Im}\,\psi(z)}{2\pi} + \frac{i\,\mathrm{Re}\,\psi(z)}{2\pi}

    for electrons that enter; the constant of the real part of psi cancels.
    """
    psi = digamma(0.5 + (decay + 1j * (omega - mu)) / (2 * np.pi * T)) / (2 * np.pi)
    shift = 1j * psi.real
    return Factors(entering=0.25 - psi.imag + shift, leaving=0.25 + psi.imag + shift)


def _square_root(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=np.sqrt(filled(x)), leaving=np.sqrt(filled(-x)))


FACTORS: dict[Kind, Callable[[Real, float, float, Filled], Factors]] = {
    "redfield": _redfield,
    "redfield-lamb": _redfield_lamb,
    "perlind": _square_root,
    "ule": _square_root,
    "kms": _square_root,
}
BARE = ("redfield", "redfield-lamb", "first-tier")
"""Kinds whose Q is c or c+ itself, with the whole coupling in P; of the others P = 2 Q has its root."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the transitions of one lead see, shared by every member where it is the same.

    Parameters
    ----------
    touched : orbitals that the lead is joined to in any of the members, (4M,)
    vectors : strengths, (V,), and vectors, (V, 4M), of a width that is not diagonal; else None
    gamma : of all leads together, which broadens the transitions, (4M,) or (4M, 4M), eV; None where they stay
        sharp
    """

    lead: int
    touched: NDArray[np.bool_]
    vectors: tuple[Real, Complex] | None
    states: Spectrum
    mu: float
    T: float
    gamma: NDArray[Any] | None

    def factors(self, kind: Kind, chain: Chain, omega: Real, elements: Complex) -> Factors:
        """Of every transition of a chain, (link, A, B)."""
        filled: Filled = fermi
        if kind == "first-tier":
            assert self.gamma is not None
            whole = self.gamma.sum() if self.gamma.ndim == 1 else np.trace(self.gamma)
            return _first_tier(omega, self.mu, self.T, float(whole.real) / 2)
        if self.gamma is not None:
            inside = np.ix_(*[chain.orbitals] * self.gamma.ndim)
            width = transition_widths(self.gamma[inside], elements)
            filled = partial(broadened_fermi, width=width / self.T)
        return FACTORS[kind](omega, self.mu, self.T, filled)

    def inside(self, chain: Chain) -> tuple[Real, Complex]:
        """Strengths, (V,), and vectors over the orbitals of a chain, (V, J), of those that lie in it."""
        assert self.vectors is not None
        strength, vectors = self.vectors
        rows = vectors[:, chain.orbitals]
        kept = rows.any(axis=1)
        return strength[kept], rows[kept]

    def operators(self, chain: Chain, every: Complex) -> tuple[Ints, Complex]:
        """Numbers of the operators c_k or C_v of the lead in a chain, and their elements, (link, V, A, B)."""
        if self.vectors is None:
            orbitals = np.flatnonzero(self.touched[chain.orbitals])
            return orbitals, every[:, orbitals]
        _, rows = self.inside(chain)
        return np.arange(len(rows)), np.einsum("vj,ljab->lvab", rows.conj(), every)


@dataclass(frozen=True, kw_only=True)
class Jump:
    """Jumps along one chain in one direction, in the occupation basis.

    Parameters
    ----------
    source, target : (parity, stack)
    source_sectors, target_sectors : of every link
    lead : of each channel, (K,)
    adjoint : P^+, channels stacked, (batch, link, K d_source, d_target)
    dense : Q, rows (target state, channel), (batch, link, d_target K, d_source); None where Q is bare
    gather, sign : then the states of the source by (batch, link, target state, channel), and their signs
    """

    source: tuple[int, int]
    target: tuple[int, int]
    source_sectors: Ints
    target_sectors: Ints
    direction: int
    lead: Ints
    adjoint: Complex
    dense: Complex | None
    gather: Ints
    sign: Real

    def __call__(self, rho: Complex, weight: Real | None) -> Complex:
        """sum_j w_j Q_j rho P_j^+, without its conjugate, on (batch, link, d_source, d_source)."""
        batch, count, states, channels = self.gather.shape
        if self.dense is None:
            d = rho.shape[-1]
            left = rho.reshape(-1, d).take(self._rows, axis=0)
            left *= self.sign.reshape(-1, 1)
            left = left.reshape(batch, count, states, channels, d)
        else:
            left = (self.dense @ rho).reshape(batch, count, states, channels, -1)
        if weight is not None:
            left = left * weight[self.lead][:, None]
        out: Complex = left.reshape(batch, count, states, -1) @ self.adjoint
        return out

    def factors(self, member: int, link: int) -> list[tuple[Complex, Complex]]:
        """P and Q of every channel along one link, (d_target, d_source) each."""
        channels = self.lead.size
        target = self.gather.shape[2]
        adjoint = self.adjoint[member, link].reshape(channels, -1, target)
        Q = self._dense[member, link].reshape(target, channels, -1)
        return [(dagger(adjoint[k]), Q[:, k]) for k in range(channels)]

    def dual(self, Z: Complex) -> Complex:
        """sum_j P_j^+ Z Q_j, without its conjugate, on (batch, link, d_target, d_target)."""
        batch, count, states, channels = self.gather.shape
        left = (self.adjoint @ Z).reshape(batch, count, channels, -1, states)
        rows = np.moveaxis(left, 2, -1).reshape(batch, count, -1, states * channels)
        return np.asarray(rows @ self._dense)

    @cached_property
    def _rows(self) -> Ints:
        """Rows of the matrices of all links, one below the other, that a bare Q gathers."""
        batch, count, _, channels = self.gather.shape
        states = self.adjoint.shape[2] // channels
        first = states * np.arange(batch * count).reshape(batch, count, 1, 1)
        return np.asarray((first + self.gather).ravel())

    @cached_property
    def _dense(self) -> Complex:
        if self.dense is not None:
            return self.dense
        batch, count, states, channels = self.gather.shape
        d = self.adjoint.shape[2] // channels
        Q = self.sign[..., None] * (self.gather[..., None] == np.arange(d))
        return np.asarray(Q.reshape(batch, count, states * channels, d).astype(complex))


class ThermalLeads(JumpFamily):
    """Jumps into and out of leads of finite bias and temperature, for several members of one structure.

    ``particle_flow[lead]`` and ``energy_flow[lead]`` are the operators, by parity and stack, whose mean
    is the current of electrons and of energy from that lead into the stack.
    """

    crosses = True

    def __init__(
        self,
        members: Sequence[BiasedMember],
        layout: Layout,
        kind: Kind,
    ) -> None:
        self.members, self.layout, self.kind = members, layout, kind
        self.coupling = np.array([member.coupling for member in members])
        self.mixing = any(member.widths is not None for member in members)
        self.thermal_energy = np.array([member.reservoirs.thermal_energy for member in members])
        self.conditions, self.condition = _conditions(members)
        states = [spectrum(member.matrices) for member in members]
        self.energies = _stacked([one.energies for one in states])
        self.vectors = _stacked([one.vectors for one in states])
        self.moves: tuple[list[Jump], list[Jump]] = ([], [])
        self._assemble(tuple(np.flatnonzero(self.coupling.any(axis=(0, 1))).tolist()))

    def _zeros(self) -> Stacks:
        even, odd = (
            [
                np.zeros(self.layout.shape(parity, n), dtype=complex)
                for n in self.layout.numbers(parity)
            ]
            for parity in (EVEN, ODD)
        )
        return even, odd

    def _assemble(self, orbitals: tuple[int, ...]) -> None:
        leads = range(self.coupling.shape[1])
        parts = Parts(*([self._zeros() for _ in leads] for _ in range(4)))
        levels = round(self.layout.companions**0.5)
        for chain in chains(self.layout.charges, orbitals):
            wide = chain.with_levels(levels)
            self._add(
                Channels.mixed(wide, self.conditions, self.condition)
                if self.mixing
                else Channels.of(wide, self.coupling),
                parts,
            )
        damping = self._zeros()
        for parity in (EVEN, ODD):
            for n, E in enumerate(self.energies[parity]):
                for lead in leads:
                    S, D = parts.loss[lead][parity][n], parts.shift[lead][parity][n]
                    gap = E[..., :, None] - E[..., None, :]
                    if self.kind == "kms":
                        T = self.thermal_energy[:, lead, None, None, None]
                        D += 1j * np.tanh(gap / (4 * T)) * S
                    damping[parity][n] += D - 1j * S
                    parts.energy[lead][parity][n] += -1j * gap * D
                U = self.vectors[parity][n]
                turned = dagger(U)
                for half in (damping, *parts.particles, *parts.energy):
                    half[parity][n] = U @ half[parity][n] @ turned
        self._damping, self.particle_flow, self.energy_flow = damping, parts.particles, parts.energy

    def alone(self, lead: int, kind: Kind | None = None) -> ThermalLeads:
        """One of the leads without the others, by the same generator or another."""
        members = [member.alone(lead) for member in self.members]
        return ThermalLeads(members, self.layout, kind or self.kind)

    def sector_jumps(self, member: int) -> list[SectorJump]:
        """The jumps of one member, each channel from sector to sector."""
        charge_at = {
            place: charge for charge, place in sector_of_charge(self.layout.charges).items()
        }
        found: dict[tuple[Charge, int], SectorJump] = {}
        for parity in (EVEN, ODD):
            for jump in self.moves[parity]:
                for link, ends in enumerate(
                    zip(jump.source_sectors, jump.target_sectors, strict=True)
                ):
                    source, target = (
                        (*stack, int(sector))
                        for stack, sector in zip(
                            ((parity, jump.source[1]), (1 - parity, jump.target[1])),
                            ends,
                            strict=True,
                        )
                    )
                    change = moved_charge(charge_at[target], charge_at[source], -1)
                    for k, (P, Q) in enumerate(jump.factors(member, link)):
                        one = found.setdefault((change, k), SectorJump(target={}, P={}, Q={}))
                        one.target[source], one.P[source], one.Q[source] = target, P, Q
        return list(found.values())

    def weighted(self, entering: Real, leaving: Real) -> Jumping:
        """Its jumps with weights of each lead, (lead,), for those that enter and those that leave."""
        return partial(self.crossing, entering=entering, leaving=leaving)

    def damping(self, parity: int, number: int) -> Complex:
        r""":math:`H_{LS} - i\sum_j Q_j^+ P_j` in one stack."""
        return self._damping[parity][number]

    def _add(self, channels: Channels, parts: Parts) -> None:
        """Jumps, losses, shifts and flows along one chain."""
        chain = channels.chain
        shifts: dict[object, tuple[Complex, Complex]] = {}
        units = [self._unit(condition, chain, shifts) for condition in self.conditions]
        for c, unit in enumerate(units):
            lead = self.conditions[c].lead
            members = np.flatnonzero(self.condition[:, lead] == c)
            g = channels.coupling[members, lead][:, unit.numbers]
            for (parity, n), sectors, lost_by, sign in (
                (chain.upper, chain.upper_sectors, unit.leaving, -1),
                (chain.lower, chain.lower_sectors, unit.entering, 1),
            ):
                where = np.ix_(members, sectors)
                lost, net, *moved = np.moveaxis(np.tensordot(g, lost_by, (1, 1)), 1, 0)
                parts.loss[lead][parity][n][where] += lost
                parts.particles[lead][parity][n][where] += sign * (lost + dagger(lost))
                parts.energy[lead][parity][n][where] += net + dagger(net)
                for shift in moved:
                    parts.shift[lead][parity][n][where] += shift
        self._add_jumps(channels, units)

    def _unit(
        self,
        condition: Condition,
        chain: Chain,
        shifts: dict[object, tuple[Complex, Complex]],
    ) -> Unit:
        """What a lead of coupling 1 to every orbital of a chain that it may touch does.

        Lamb shifts, which are the same for either lead and for levels of any width, are found once.
        """
        states = condition.states
        (pa, na), (pb, nb) = chain.lower, chain.upper
        A, B = chain.lower_sectors, chain.upper_sectors
        EA, EB = states.energies[pa][na][A], states.energies[pb][nb][B]
        UA, UB = states.vectors[pa][na][A], states.vectors[pb][nb][B]
        every = chain.between(UA, UB)
        numbers, C = condition.operators(chain, every)
        omega = EB[:, None, :] - EA[:, :, None]
        factors = condition.factors(self.kind, chain, omega, every)
        out = factors.leaving[:, None] * C
        into = dagger(np.conj(factors.entering)[:, None] * C)
        bare = self.kind in BARE
        Q_out, Q_in = (C, dagger(C)) if bare else (out / 2, into / 2)
        leaving, entering = _loss(out, Q_out, EB, EA), _loss(into, Q_in, EA, EB)
        if self.kind == "ule":
            single = condition.vectors is None
            end = (id(states), condition.mu, condition.T, None if single else id(condition))
            if end not in shifts:
                x = (omega - condition.mu) / condition.T
                moved = every if single else C
                shifts[end] = (
                    lamb_shift(EB / condition.T, -np.swapaxes(x, -1, -2), dagger(moved)),
                    lamb_shift(EA / condition.T, x, moved),
                )
            for losses, shift in zip((leaving, entering), shifts[end], strict=True):
                losses.append(shift[:, numbers])
        plain = bare and self.mixing
        return Unit(
            numbers=numbers,
            bare_out=_occupation_basis(UA, C, UB) if plain else None,
            bare_into=_occupation_basis(UB, dagger(C), UA) if plain else None,
            leaving=np.swapaxes(leaving, 1, 2),
            entering=np.swapaxes(entering, 1, 2),
            out=_occupation_basis(UA, out, UB),
            into=_occupation_basis(UB, into, UA),
        )

    def _add_jumps(self, channels: Channels, units: Sequence[Unit]) -> None:
        chain, lead, slot = channels.chain, channels.lead, channels.slot
        bare = self.kind in BARE
        strength = channels.strength if bare else np.sqrt(channels.strength)
        low = (chain.lower, chain.lower_sectors, chain.below, chain.below_sign)
        high = (chain.upper, chain.upper_sectors, chain.above, chain.above_sign)

        def gathered(name: str) -> Complex:
            """(batch, channel, link, target, source)."""
            return np.stack(
                [
                    np.stack(
                        [units[own[side]].jump(name, k) for side, k in zip(lead, ks, strict=True)]
                    )
                    for own, ks in zip(self.condition, slot, strict=True)
                ]
            )

        for name, source, target, direction in (
            ("out", high, low, OUT),
            ("into", low, high, IN),
        ):
            P = gathered(name) * strength[:, :, None, None, None]
            batch, count, states = len(P), P.shape[2], P.shape[3]
            adjoint = np.moveaxis(np.conj(P), (2, 1, 4, 3), (1, 2, 3, 4))
            dense = None
            if not bare or self.mixing:
                rows = gathered(f"bare_{name}") if bare else P / 2
                rows = np.moveaxis(rows, (2, 3, 1), (1, 2, 3))
                dense = np.ascontiguousarray(rows).reshape(batch, count, -1, P.shape[-1])
            _, _, gather, sign = target
            single = slot if not self.mixing else np.zeros_like(slot)  # then Q is dense
            self.moves[source[0][0]].append(
                Jump(
                    source=source[0],
                    target=target[0],
                    source_sectors=source[1],
                    target_sectors=target[1],
                    direction=direction,
                    lead=lead,
                    adjoint=np.ascontiguousarray(adjoint).reshape(batch, count, -1, states),
                    dense=dense,
                    gather=np.moveaxis(gather[:, single], (1, 0, 3, 2), (0, 1, 2, 3)),
                    sign=np.moveaxis(sign[:, single], (1, 0, 3, 2), (0, 1, 2, 3)),
                )
            )

    def crossing(
        self, parity: int, packed: Real, entering: Real | None = None, leaving: Real | None = None
    ) -> Real:
        """The jumps out of the sectors of one parity; they land in the other.

        Parameters
        ----------
        entering, leaving : weights of the jumps of each lead, (2,); 1 if not given
        """
        weight = {IN: entering, OUT: leaving}
        return self._carried(
            parity,
            1 - parity,
            packed,
            [
                (move.source[1], move.source_sectors, move.target[1], move.target_sectors,
                 partial(move, weight=weight[move.direction]))
                for move in self.moves[parity]
            ],
        )  # fmt: skip

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of the jumps out of one parity."""
        return self._carried(
            1 - parity,
            parity,
            packed,
            [
                (
                    move.target[1],
                    move.target_sectors,
                    move.source[1],
                    move.source_sectors,
                    move.dual,
                )
                for move in self.moves[parity]
            ],
        )

    def _carried(
        self,
        parity: int,
        other: int,
        packed: Real,
        maps: Sequence[tuple[int, Ints, int, Ints, Callable[[Complex], Complex]]],
    ) -> Real:
        """Maps from sectors of one stack to those of another, and their conjugates, added up."""
        layout = self.layout
        before = [layout.stored(parity, n, packed) for n in layout.numbers(parity)]
        after = [np.zeros(layout.shape(other, n), dtype=complex) for n in layout.numbers(other)]
        for source, source_sectors, target, target_sectors, action in maps:
            after[target][:, target_sectors] += action(before[source][:, source_sectors])
        out = layout.zeros(other)
        for n, X in enumerate(after):
            layout.store(other, n, X + dagger(X), out)
        return out

    def mean(self, operators: Stacks, halves: Halves) -> Real:
        """Expectation of a Hermitian operator that keeps every sector, (batch,)."""
        total = np.zeros(self.layout.batch)
        for parity, half in enumerate(halves):
            for n in self.layout.numbers(parity):
                X = pack(self.layout.stored(parity, n, half))
                total += (pack(operators[parity][n]) * X).sum(axis=(1, 2, 3))
        return total


@dataclass(frozen=True)
class Parts:
    """What is gathered for each lead in the eigenbasis, by parity and stack."""

    loss: list[Stacks]
    shift: list[Stacks]
    particles: list[Stacks]
    energy: list[Stacks]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A chain joined to one lead with coupling 1, for each operator of the lead alone.

    Parameters
    ----------
    numbers : which of the operators of the lead, or orbitals of the chain, these are
    leaving, entering : loss, energy brought less lost, and the Lamb shift where there is one, of the states
        that are left, (2 or 3, operator, link, d, d)
    out, into : P in the occupation basis, (operator, link, target, source)
    bare_out, bare_into : Q where it is c or c+ itself of several orbitals; else None
    """

    numbers: Ints
    leaving: Complex
    entering: Complex
    out: Complex
    into: Complex
    bare_out: Complex | None
    bare_into: Complex | None

    def jump(self, name: str, number: int) -> Complex:
        """P or Q of one operator; zero where the lead has it not."""
        P: Complex = getattr(self, name)
        at = np.flatnonzero(self.numbers == number)
        return P[at[0]] if at.size else np.zeros(P.shape[1:], dtype=complex)


def _occupation_basis(left: Complex, inner: Complex, right: Complex) -> Complex:
    """Operators (link, K, d, d') from the eigenbasis, (K, link, d, d')."""
    return np.swapaxes(left[:, None] @ inner @ dagger(right)[:, None], 0, 1)


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Which operators of a chain join which lead in every member; as many for each.

    Parameters
    ----------
    coupling : of the orbitals of the chain, or strengths of the vectors in it, (batch, lead, J), eV
    lead, slot : of each channel its lead, (K,), and its operator in every member, (batch, K)
    strength : its coupling, (batch, K), eV; 0 where a member has fewer
    """

    chain: Chain
    coupling: Real
    lead: Ints
    slot: Ints
    strength: Real

    @classmethod
    def of(cls, chain: Chain, coupling: Real) -> Channels:
        """From the couplings of all orbitals, (batch, lead, 4M)."""
        g = coupling[:, :, chain.orbitals]
        count = (g > 0).sum(axis=2).max(axis=0)
        first = np.argsort(-g, axis=2, kind="stable")
        lead = np.repeat(np.arange(len(count)), count)
        slot = np.concatenate(
            [first[:, side, :number] for side, number in enumerate(count)], axis=1
        )
        return cls(
            chain=chain,
            coupling=g,
            lead=lead,
            slot=slot,
            strength=np.stack([one[lead, ks] for one, ks in zip(g, slot, strict=True)]),
        )

    @classmethod
    def mixed(cls, chain: Chain, conditions: Sequence[Condition], which: Ints) -> Channels:
        """From the vectors of conditions, which every lead of every member has one of, (batch, lead)."""
        strengths = [one.inside(chain)[0] for one in conditions]
        count = np.array([len(one) for one in strengths])[which]  # (batch, lead)
        g = np.zeros((*which.shape, max(int(count.max()), 1)))
        for place, c in np.ndenumerate(which):
            g[place][: count[place]] = strengths[c]
        most = count.max(axis=0)
        lead = np.repeat(np.arange(len(most)), most)
        slot = np.concatenate([np.arange(k) for k in most])
        return cls(
            chain=chain,
            coupling=g,
            lead=lead,
            slot=np.tile(slot, (len(which), 1)),
            strength=g[:, lead, slot],
        )


def _conditions(members: Sequence[BiasedMember]) -> tuple[list[Condition], Ints]:
    """Distinct conditions, and which of them each lead of each member has, (batch, lead)."""
    found: dict[tuple[object, ...], int] = {}
    conditions: list[Condition] = []
    leads = len(members[0].coupling)
    which = np.zeros((len(members), leads), dtype=np.int64)
    touched = np.stack([member.coupling for member in members]).max(axis=0) > 0
    mixing = any(member.widths is not None for member in members)
    for b, member in enumerate(members):
        states, reservoirs = spectrum(member.matrices), member.reservoirs
        gamma = _broadening(member) if member.broadened else None
        for lead, ends in enumerate(
            zip(reservoirs.potential, reservoirs.thermal_energy, strict=True)
        ):
            mu, T = map(float, ends)
            width = None if gamma is None else gamma.tobytes()
            own = member.gamma[lead] if mixing else None
            key = (lead, id(states), mu, T, width, None if own is None else own.tobytes())
            if key not in found:
                found[key] = len(conditions)
                conditions.append(
                    Condition(
                        lead=lead,
                        touched=touched[lead],
                        vectors=None if own is None else factorised(own),
                        states=states,
                        mu=mu,
                        T=T,
                        gamma=gamma,
                    )
                )
            which[b, lead] = found[key]
    return conditions, which


def _broadening(member: BiasedMember) -> NDArray[Any]:
    """Width from all leads, a matrix where one is not diagonal."""
    every = member.coupling if member.widths is None else member.widths
    return np.asarray(every.sum(axis=0))


def _loss(P: Complex, Q: Complex, own: Real, reached: Real) -> list[Complex]:
    """Q^+ P and the energy that comes with it, (link, J, d, d)."""
    lost = dagger(Q) @ P
    brought = dagger(Q) @ (reached[:, None, :, None] * P)
    return [lost, brought - own[:, None, :, None] * lost]


def lamb_shift(energies: Real, x: Real, C: Complex) -> Complex:
    r"""Lamb shift of the universal Lindblad equation from the jumps of one orbital along a chain.

    .. math:: H_{aa'} = -\frac{1}{2\pi} \sum_{b} C_{ab} C^*_{a'b}\, \phi(x_{ab}, x_{a'b})

    Parameters
    ----------
    energies : of the states a, over T and ascending, (link, A)
    x : (omega - mu)/T for electrons that enter, its negative for those that leave, (link, A, B)
    C : the operator, (link, J, A, B)

    Returns
    -------
    (link, J, A, A), for coupling 1
    """
    terms = overlap_expansion()
    links, orbitals, A, B = C.shape
    total = np.empty((links, orbitals, A, A), dtype=complex)
    step = max(1, int(KERNEL_TOGETHER // (links * A * B)))
    for a in range(0, A, step):
        rows = slice(a, a + step)
        alpha, beta = terms.of_energy(x[:, rows]), of_distances(energies, rows)
        kernel = alpha @ beta.swapaxes(-1, -2)  # (link, A, B, A')
        weighted = kernel[:, None] * dagger(C)[:, :, None]
        total[:, :, rows] = (C[:, :, rows, None] @ weighted)[..., 0, :]
    # the larger argument of phi belongs to the lower state: rows of the upper triangle
    upper = np.triu(total, 1)
    diagonal = np.einsum("ljaa->lja", total).real[..., None] * np.eye(A)
    return np.asarray(-(upper + dagger(upper) + diagonal) / (2 * np.pi))


class Dephasing(JumpFamily):
    r"""Fluctuations of every orbital energy: :math:`\kappa \sum_o D[n_o]`, both spins together."""

    keeps = True

    def __init__(self, members: Sequence[BiasedMember], layout: Layout) -> None:
        self.layout = layout
        self.rate = np.array([member.reservoirs.dephasing for member in members])[
            :, None, None, None
        ]

    def electrons(self, parity: int, number: int) -> Real:
        """Electrons in every orbital of each Fock state of one stack, (sector, d, orbital)."""
        stack = self.layout.space.stacks[parity][number]
        held = fock.occupations(self.layout.charges, parity, number)
        electrons = held.reshape(*stack.states.shape, -1, 2).sum(axis=-1)
        levels = self.layout.shape(parity, number)[-1] // stack.states.shape[1]
        return np.repeat(electrons, levels, axis=1)

    def damping(self, parity: int, number: int) -> Complex:
        r""":math:`-\tfrac{i}{2}\kappa\sum_o n_o^2` in one stack."""
        lost = (self.electrons(parity, number) ** 2).sum(axis=-1)
        return np.asarray(-0.5j * self.rate * lost[..., None] * np.eye(lost.shape[1]))

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        r""":math:`\kappa \sum_o n_o X n_o`."""
        held = self.electrons(parity, number)
        return np.asarray(self.rate * (held @ np.swapaxes(held, -1, -2)) * X)

    keeping_adjoint = keeping


def fluctuations(members: Sequence[BiasedMember], layout: Layout) -> list[JumpFamily]:
    """White noise of every orbital energy, or of the matrix that members share; none where no rate is given."""
    rate = np.array([member.reservoirs.dephasing for member in members])
    if not rate.any():
        return []
    matrix = members[0].fluctuating
    if matrix is None:
        return [Dephasing(members, layout)]
    terms = [(rate[:, None, None, None], sector_operator(layout.charges, matrix))]
    return [OneBodyDephasing(terms, layout)]


def _stacked(parts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    even, odd = (
        [np.stack([one[p][n] for one in parts]) for n in range(len(parts[0][p]))] for p in (0, 1)
    )
    return even, odd
