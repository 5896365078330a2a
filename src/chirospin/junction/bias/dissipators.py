r"""Jumps of second order in the coupling to leads of finite bias and temperature, in one form; dephasing.

.. math::
    \dot\rho = -i(H_{eff}\rho - \rho H_{eff}^+) + \sum_j (P_j\rho Q_j^+ + Q_j\rho P_j^+), \qquad
    H_{eff} = H + H_{LS} - i\sum_j Q_j^+ P_j

with j = (lead, orbital, in or out). Dephasing adds :math:`\kappa \sum_o D[n_o]` over all orbitals, both spins
together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.bias.eigenstates import BiasedMember, chains, spectrum
from chirospin.junction.bias.transitions import (
    BARE,
    Channels,
    Kind,
    Units,
    distinct_conditions,
    weighted_units,
)
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import JumpFamily, Jumping
from chirospin.junction.manybody.green import SectorJump
from chirospin.junction.manybody.one_body import OneBodyDephasing, sector_operator
from chirospin.junction.manybody.operator_space import Charge, moved_charge, sector_of_charge
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Halves, Layout, Real
from chirospin.numerics.sylvester import dagger, pack

Ints = NDArray[np.int64]
Stacks = tuple[list[Complex], list[Complex]]
IN, OUT = 0, 1
SMALL = 64  # states of sectors up to which jumps share calls of the linear algebra


@dataclass(frozen=True, kw_only=True)
class Jump:
    """Jumps from one stack to another, in the occupation basis.

    Parameters
    ----------
    source, target : (parity, stack)
    source_sectors, target_sectors : of every link
    direction : of every link, IN or OUT
    lead : of each channel, (K,)
    adjoint : P^+, channels stacked, (batch, link, K d_source, d_target)
    dense : Q, rows (target state, channel), (batch, link, d_target K, d_source); None where Q is bare
    pieces : links among which no two share a source or a target
    gather, sign : then the states of the source by (batch, link, target state, channel), and their signs
    """

    source: tuple[int, int]
    target: tuple[int, int]
    source_sectors: Ints
    target_sectors: Ints
    direction: Ints
    lead: Ints
    adjoint: Complex
    dense: Complex | None
    gather: Ints
    sign: Real
    pieces: tuple[slice, ...]

    def __call__(
        self, rho: Complex, entering: Real | None = None, leaving: Real | None = None
    ) -> Complex:
        """sum_j w_j Q_j rho P_j^+, without its conjugate, on (batch, link, d_source, d_source)."""
        batch, count, states, channels = self.gather.shape
        if self.dense is None:
            d = rho.shape[-1]
            left = rho.reshape(-1, d).take(self._rows, axis=0)
            left *= self.sign.reshape(-1, 1)
            left = left.reshape(batch, count, states, channels, d)
        else:
            left = (self.dense @ rho).reshape(batch, count, states, channels, -1)
        if entering is not None or leaving is not None:
            weight = np.ones((2, 1 + int(self.lead.max(initial=0))))
            for direction, given in ((IN, entering), (OUT, leaving)):
                if given is not None:
                    weight[direction] = given[: weight.shape[1]]
            left = left * weight[self.direction][:, self.lead][:, None, :, None]
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
    def ends(self) -> dict[str, list[tuple[Ints | slice, slice]]]:
        """Sectors at either end of each piece, and its links."""
        return {
            end: [(even_steps(sectors[links]), links) for links in self.pieces]
            for end, sectors in (("source", self.source_sectors), ("target", self.target_sectors))
        }

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


def even_steps(numbers: Ints) -> Ints | slice:
    """The same numbers as a slice, which copies nothing, where they rise in even steps."""
    if numbers.size == 1:
        return slice(int(numbers[0]), int(numbers[0]) + 1)
    step = int(numbers[1] - numbers[0])
    even = step > 0 and (np.diff(numbers) == step).all()
    return slice(int(numbers[0]), int(numbers[-1]) + 1, step) if even else numbers


def joined_jumps(jumps: Sequence[Jump]) -> list[Jump]:
    """The same jumps, those of small matrices between the same stacks as one."""
    alike: dict[tuple[object, ...], list[Jump]] = {}
    for n, jump in enumerate(jumps):
        sizes = jump.adjoint.shape[2:]
        alone = n if max(jump.gather.shape[2], sizes[0] // max(jump.lead.size, 1)) > SMALL else None
        key = (jump.source, jump.target, sizes, jump.lead.tobytes(), alone)
        alike.setdefault(key, []).append(jump)
    return [_one_jump(own) if len(own) > 1 else own[0] for own in alike.values()]


def _one_jump(jumps: Sequence[Jump]) -> Jump:
    ends = np.cumsum([0, *(len(jump.direction) for jump in jumps)]).tolist()

    def joined(name: str, axis: int) -> Any:
        return np.concatenate([getattr(jump, name) for jump in jumps], axis=axis)

    return replace(
        jumps[0],
        pieces=tuple(map(slice, ends[:-1], ends[1:])),
        **{name: joined(name, 0) for name in ("source_sectors", "target_sectors", "direction")},
        **{name: joined(name, 1) for name in ("adjoint", "gather", "sign")},
        dense=None if jumps[0].dense is None else joined("dense", 1),
    )


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
        self.conditions, self.condition = distinct_conditions(members)
        states = [spectrum(member.matrices) for member in members]
        self.energies = _stacked([state.energies for state in states])
        self.vectors = _stacked([state.vectors for state in states])
        self._assemble(tuple(np.flatnonzero(self.coupling.any(axis=(0, 1))).tolist()))

    def _zeros(self, *axes: int) -> Stacks:
        even, odd = (
            [
                np.zeros((*axes, *self.layout.shape(parity, n)), dtype=complex)
                for n in self.layout.numbers(parity)
            ]
            for parity in (EVEN, ODD)
        )
        return even, odd

    def _assemble(self, orbitals: tuple[int, ...]) -> None:
        parts = Parts(*(self._zeros(self.coupling.shape[1]) for _ in range(4)))
        levels = round(self.layout.companions**0.5)
        jumps: tuple[list[Jump], list[Jump]] = ([], [])
        for chain in chains(self.layout.charges, orbitals):
            wide = chain.with_levels(levels)
            channels = (
                Channels.mixed(wide, self.conditions, self.condition)
                if self.mixing
                else Channels.of(wide, self.coupling)
            )
            units = Units.of(self.kind, wide, self.conditions)
            self._add(channels, units, parts)
            for jump in self._jumps(channels, units):
                jumps[jump.source[0]].append(jump)
        self.moves = (joined_jumps(jumps[EVEN]), joined_jumps(jumps[ODD]))
        self._gather(parts)

    def _add(self, channels: Channels, units: Units, parts: Parts) -> None:
        """Losses, shifts and flows along one chain."""
        chain, weight = channels.chain, units.weight(channels.coupling, self.condition)
        for (parity, n), sectors, lost_by, sign in (
            (chain.upper, chain.upper_sectors, units.leaving, -1),
            (chain.lower, chain.lower_sectors, units.entering, 1),
        ):
            lost, net, *moved = weighted_units(weight, lost_by)
            parts.loss[parity][n][:, :, sectors] += lost
            parts.particles[parity][n][:, :, sectors] += sign * lost
            parts.energy[parity][n][:, :, sectors] += net
            for shift in moved:
                parts.shift[parity][n][:, :, sectors] += shift

    def _gather(self, parts: Parts) -> None:
        """Damping and flows in the occupation basis."""
        self._damping = self._zeros()
        for parity in (EVEN, ODD):
            for n, E in enumerate(self.energies[parity]):
                S, D = parts.loss[parity][n], parts.shift[parity][n]
                gap = E[..., :, None] - E[..., None, :]
                if self.kind == "kms":
                    T = self.thermal_energy.T[..., None, None, None]
                    D += 1j * np.tanh(gap / (4 * T)) * S
                U = self.vectors[parity][n]
                turned = dagger(U)
                self._damping[parity][n] = U @ (D - 1j * S).sum(axis=0) @ turned
                parts.energy[parity][n] -= 0.5j * gap * D
                for flow in (parts.particles, parts.energy):
                    half = flow[parity][n]
                    flow[parity][n] = U @ (half + dagger(half)) @ turned
        self.particle_flow, self.energy_flow = (
            [
                ([one[lead] for one in flow[EVEN]], [one[lead] for one in flow[ODD]])
                for lead in range(self.coupling.shape[1])
            ]
            for flow in (parts.particles, parts.energy)
        )

    def _jumps(self, channels: Channels, units: Units) -> list[Jump]:
        """Out of the upper and of the lower sectors of one chain."""
        chain, lead, slot = channels.chain, channels.lead, channels.slot
        bare = self.kind in BARE
        strength = channels.strength if bare else np.sqrt(channels.strength)
        low = (chain.lower, chain.lower_sectors, chain.below, chain.below_sign)
        high = (chain.upper, chain.upper_sectors, chain.above, chain.above_sign)
        places = units.places(self.condition[:, lead], slot)
        jumps = []
        for P_unit, Q_unit, source, target, direction in (
            (units.out, units.bare_out, high, low, OUT),
            (units.into, units.bare_into, low, high, IN),
        ):
            P = (
                P_unit[places] * strength[:, :, None, None, None]
            )  # (batch, channel, link, target, source)
            batch, _, count, states, d = P.shape
            adjoint = np.conj(P).transpose(0, 2, 1, 4, 3)
            dense = None
            if not bare or self.mixing:
                rows = P / 2 if Q_unit is None else Q_unit[places]
                dense = rows.transpose(0, 2, 3, 1, 4).reshape(batch, count, -1, d)
            _, _, gather, sign = target
            single = slot if not self.mixing else np.zeros_like(slot)  # then Q is dense
            jumps.append(
                Jump(
                    source=source[0],
                    target=target[0],
                    source_sectors=source[1],
                    target_sectors=target[1],
                    direction=np.full(count, direction),
                    lead=lead,
                    adjoint=adjoint.reshape(batch, count, -1, states),
                    dense=dense,
                    gather=gather[:, single].transpose(1, 0, 3, 2),
                    sign=sign[:, single].transpose(1, 0, 3, 2),
                    pieces=(slice(None),),
                )
            )
        return jumps

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

    def crossing(
        self, parity: int, packed: Real, entering: Real | None = None, leaving: Real | None = None
    ) -> Real:
        """The jumps out of the sectors of one parity; they land in the other.

        Parameters
        ----------
        entering, leaving : weights of the jumps of each lead, (2,); 1 if not given
        """
        ends = ("source", "target")
        return self._carried(
            parity,
            packed,
            [
                (move, ends, partial(move, entering=entering, leaving=leaving))
                for move in self.moves[parity]
            ],
        )

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of the jumps out of one parity."""
        return self._carried(
            1 - parity,
            packed,
            [(move, ("target", "source"), move.dual) for move in self.moves[parity]],
        )

    def _carried(
        self,
        parity: int,
        packed: Real,
        maps: Sequence[tuple[Jump, tuple[str, str], Callable[[Complex], Complex]]],
    ) -> Real:
        """Maps along jumps from one end to the other, and their conjugates, added up.

        Parameters
        ----------
        parity : of the operator; the maps lead to the other
        """
        layout, other = self.layout, 1 - parity
        before = [layout.stored(parity, n, packed) for n in layout.numbers(parity)]
        after = [np.zeros(layout.shape(other, n), dtype=complex) for n in layout.numbers(other)]
        for jump, (start, end), action in maps:
            (_, n), sectors = getattr(jump, start), getattr(jump, f"{start}_sectors")
            moved = action(before[n].take(sectors, axis=1))
            (_, n) = getattr(jump, end)
            for sectors, links in jump.ends[end]:
                after[n][:, sectors] += moved[:, links]
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
    """What is gathered for each lead in the eigenbasis, by parity and stack, (lead, batch, sector, d, d).

    Of the flows one half, whose conjugate is the other.
    """

    loss: Stacks
    shift: Stacks
    particles: Stacks
    energy: Stacks


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
        [np.stack([part[p][n] for part in parts]) for n in range(len(parts[0][p]))] for p in (0, 1)
    )
    return even, odd
