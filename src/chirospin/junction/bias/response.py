r"""Linear response of the flows of a junction at finite bias: one solve for each drive, no difference of solves.

.. math:: L\,\delta\rho = -(\delta L)\rho, \quad Tr\,\delta\rho = 0, \qquad
          \delta I_l = Tr[O_l\,\delta\rho] + Tr[(\delta O_l)\rho]

:math:`\delta L` is the derivative of the generator itself, Fermi functions, their roots, Lamb shifts and the
eigenbasis included: an explicit function of its parameters, differentiated to rounding by seven points of a
step that is a small part of the temperature, next to which every factor is analytic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chirospin.junction.bias.dissipators import ThermalLeads, fluctuations
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.manybody.generator import Generator, JumpFamily
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, Real
from chirospin.junction.manybody.steady import SteadySolver

Moved = Callable[[float], Sequence[BiasedMember]]
WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
"""Of the differences at n steps, for a first derivative to the sixth order."""
STEP = 0.01
"""Of the temperature: the next order is some STEP^6, rounding 1e-15/STEP."""


@dataclass(frozen=True, kw_only=True)
class Flows:
    """Flows from every lead, or their derivatives by some drives: (batch, [drive,] lead).

    Parameters
    ----------
    particles, energy : electrons and energy that enter the molecules per time
    """

    particles: Real
    energy: Real


@dataclass(frozen=True, kw_only=True)
class LeadResponse:
    """What small changes of each lead do at one bias, for both magnetisations.

    Parameters
    ----------
    particles, energy : flows themselves, (magnetisation, lead)
    by_potential, by_temperature : derivatives (magnetisation, lead moved, flow of electrons or energy, lead)
    """

    particles: Real
    energy: Real
    by_potential: Real
    by_temperature: Real


def first_derivative(function: Callable[[float], Real], step: float) -> Real:
    """Of an analytic function at 0, by six points."""
    terms = (w * (function(n * step) - function(-n * step)) for n, w in WEIGHTS.items())
    return np.asarray(sum(terms) / step)


def moved_lead(members: Sequence[BiasedMember], quantity: str, lead: int) -> Moved:
    """The members with the potential or the thermal energy of one lead moved."""

    def moved(by: float) -> list[BiasedMember]:
        out = []
        for member in members:
            values = getattr(member.reservoirs, quantity).copy()
            values[lead] += by
            out.append(replace(member, reservoirs=replace(member.reservoirs, **{quantity: values})))
        return out

    return moved


@dataclass(frozen=True, kw_only=True)
class Responding:
    """A stationary state between leads that can be moved.

    Parameters
    ----------
    halves : rho, packed
    """

    solver: SteadySolver
    leads: ThermalLeads
    halves: Halves

    @property
    def step(self) -> float:
        """Of a derivative by a potential or a temperature, eV."""
        return STEP * float(self.leads.thermal_energy.min())

    def to(self, drives: Sequence[Moved]) -> Flows:
        """Derivatives of the flows by some drives, (batch, drive, lead) each."""
        found = [self._to(drive) for drive in drives]
        return Flows(
            particles=np.stack([one.particles for one in found], axis=1),
            energy=np.stack([one.energy for one in found], axis=1),
        )

    def _to(self, drive: Moved) -> Flows:
        explicit = first_derivative(lambda by: self._at(drive(by)), self.step)
        count = self.leads.coupling.shape[1]
        cut = self.halves[EVEN].shape[1]
        packed, flows = explicit[:, : -2 * count], explicit[:, -2 * count :]
        even, odd, _ = self.solver.solve(
            packed[:, :cut], packed[:, cut:], 0.1 * self.solver.tolerance
        )
        surplus = self.solver.generator.layout.trace(even, odd)[:, None]
        change = even - surplus * self.halves[EVEN], odd - surplus * self.halves[ODD]
        moved = _flows(self.leads, change)
        return Flows(
            particles=moved.particles + flows[:, :count], energy=moved.energy + flows[:, count:]
        )

    def _at(self, members: Sequence[BiasedMember]) -> Real:
        """L rho and the flows of rho with other leads, side by side, (batch, unknowns + flows)."""
        layout = self.leads.layout
        leads = ThermalLeads(members, layout, self.leads.kind)
        families: list[JumpFamily] = [leads]
        families += fluctuations(members, layout)
        even, odd = Generator(members, layout, families).derivative(*self.halves)
        flows = _flows(leads, self.halves)
        return np.concatenate([even, odd, flows.particles, flows.energy], axis=1)


def _flows(leads: ThermalLeads, halves: Halves) -> Flows:
    particles, energy = (
        np.stack([leads.mean(one, halves) for one in flow], axis=-1)
        for flow in (leads.particle_flow, leads.energy_flow)
    )
    return Flows(particles=particles, energy=energy)
