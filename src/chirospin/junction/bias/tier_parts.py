r"""What a hierarchy shows beside its currents: spin currents, noise, linear response.

.. math:: J_l = Tr\,O L_l^{(0)}\rho - i \sum_{j \in l} Tr\,[O, C_j^{-\sigma}]\rho_j

Counted electrons carry a field on both sides of rho: from the left every C+ of the lead has
:math:`e^{x/2}`, every C :math:`e^{-x/2}`, from the right the inverse, so that the derivative of the
hierarchy has the signs between its two sides exchanged. With :math:`L x_1 = -(L' - \lambda_1) x`

.. math:: \lambda_1 = Tr\,L' x, \qquad \lambda_2 = Tr\,L'' x + 2\,Tr\,L' x_1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.operator_space import (
    Channel,
    Charge,
    Complex,
    channel_map,
    ladder_map,
    moved_charge,
    orbital_charge,
    times,
)
from chirospin.junction.manybody.packed import Real
from chirospin.junction.manybody.spin_flow import spin_matrices

Inverse = Callable[[Complex], Complex]
Signature = tuple[int, ...]
Weight = Callable[[Channel, int], float]


class TierEquations(Protocol):
    """What is asked of a hierarchy of one member."""

    member: BiasedMember
    charges: fock.Charges
    channels: list[Channel]
    shift: dict[Signature, Charge]
    shape: dict[Signature, tuple[int, ...]]
    span: dict[Signature, slice]
    signatures: list[Signature]
    white: Complex  # Gamma of the leads with a wide band, (lead, n, n)

    def part(self, x: Complex, sig: Signature) -> Complex:
        """One auxiliary operator with its axes of poles."""

    def trace(self, rho: Complex) -> complex:
        """Of an operator that keeps every charge."""

    def particle_flow(self, x: Complex, lead: int) -> float:
        """Electrons from a lead per time."""

    def from_below(
        self, x: Complex, sig: Signature, weight: Weight, between: int
    ) -> Iterator[Complex]:
        """What the tier below gives to one auxiliary operator."""

    def from_above(
        self, x: Complex, sig: Signature, weight: Weight, between: int
    ) -> Iterator[Complex]:
        """What the tier above gives to one auxiliary operator."""


@dataclass(frozen=True, kw_only=True)
class TierParts:
    """A stationary hierarchy of one member.

    Parameters
    ----------
    x : all operators, rho of trace one
    solved : Y -> X with hierarchy(X) = -Y
    """

    system: TierEquations
    x: Complex
    solved: Inverse

    def _first_tier(self, x: Complex, lead: int) -> list[tuple[int, Channel, Complex]]:
        """Channels of one lead with their operators, all poles together."""
        system = self.system
        return [
            (j, one, system.part(x, (j,)).sum(axis=1))
            for j, one in enumerate(system.channels)
            if one.lead == lead and (j,) in system.shape
        ]

    def one_body_density(self) -> Complex:
        """C_ab = <c+_b c_a> where charges let it be, (n, n)."""
        system, rho = self.system, self.system.part(self.x, ())
        n = len(system.member.coupling[0])
        neutral = system.shift[()]
        C = np.zeros((n, n), dtype=complex)
        for a in range(n):
            taken = times(ladder_map(system.charges, neutral, a, -1, 0), rho)
            charge = orbital_charge(system.charges, a)
            below = moved_charge(neutral, charge, -1)
            for b in range(n):
                if orbital_charge(system.charges, b) == charge:
                    C[a, b] = system.trace(times(ladder_map(system.charges, below, b, 1, 0), taken))
        return C

    def inflow(self, operators: Complex) -> Real:
        """Of one-electron operators from every lead, (lead, operator)."""
        system, C = self.system, self.one_body_density()
        found = []
        for lead, gamma in enumerate(system.white):
            half = gamma / 2 - (gamma @ C + C @ gamma) / 2
            flow = np.einsum("kab,ba->k", operators, half)
            for j, one, rho in self._first_tier(self.x, lead):
                flow = flow - 1j * self._commuted(operators, j, one, rho)
            found.append(flow.real)
        return np.array(found)

    def _commuted(self, operators: Complex, j: int, one: Channel, rho: Complex) -> Complex:
        """Tr [O, C^{-sigma}] rho_j of every operator."""
        system = self.system
        n = operators.shape[-1]
        v = np.zeros(n, dtype=complex)
        for a, u in one.vector:
            v[a] = u
        read = np.zeros(n, dtype=complex)
        own = orbital_charge(system.charges, one.orbital)
        for a in range(n):
            if orbital_charge(system.charges, a) == own:
                step = ladder_map(system.charges, system.shift[(j,)], a, -one.sigma, 0)
                read[a] = system.trace(times(step, rho))
        if one.sigma > 0:  # with C = sum v* c
            return np.asarray(-np.einsum("a,kab,b->k", v.conj(), operators, read))
        return np.asarray(np.einsum("kab,b,a->k", operators, v, read))

    def spin(self) -> tuple[Real, Real]:
        """From every lead, (lead, component), and the torque of the Hamiltonian, (component,)."""
        h = self.system.member.matrices.h
        own = self.system.member.spin
        S = spin_matrices(len(h)) if own is None else own
        turned = 1j * (h @ S - S @ h)
        torque = np.einsum("kab,ba->k", turned, self.one_body_density())
        return self.inflow(S), np.asarray(torque.real)

    def _traceless(self, X: Complex) -> Complex:
        return np.asarray(X - self.system.trace(self.system.part(X, ())) * self.x)

    def noise(self, lead: int = 0) -> tuple[float, float]:
        """First and second cumulant of the electrons from a lead."""
        first = self.counted(self.x, lead, order=1)
        mean = self._rate(first)
        X = self._traceless(self.solved(first - mean * self.x))
        second = self._rate(self.counted(self.x, lead, order=2))
        return mean, second + 2 * self._rate(self.counted(X, lead, order=1))

    def _rate(self, X: Complex) -> float:
        return float(self.system.trace(self.system.part(X, ())).real)

    def counted(self, x: Complex, lead: int, order: int) -> Complex:
        """L' x or L'' x of the electrons from one lead."""
        system = self.system
        out = np.zeros_like(x)
        for sig in system.signatures:
            out[system.span[sig]] = self._counted(x, sig, lead, order).ravel()
        return out

    def _counted(self, x: Complex, sig: Signature, lead: int, order: int) -> Complex:
        system = self.system
        total = self._jumped(system.part(x, sig), sig, lead, order)

        def weight(one: Channel, sigma: int) -> float:
            own = one.lead == lead
            return own * (0.5 * sigma if order == 1 else 0.25)

        between = (-1) ** order
        for term in system.from_below(x, sig, weight, between):
            total = total + term
        for term in system.from_above(x, sig, weight, between):
            total = total + term
        return total

    def _jumped(self, X: Complex, sig: Signature, lead: int, order: int) -> Complex:
        """Half-filled jumps of one lead, those that leave with a sign at first order."""
        system, shift = self.system, self.system.shift[sig]
        total = np.zeros_like(X)
        for one in system.channels:
            if one.lead != lead:
                continue
            left = times(channel_map(system.charges, shift, one, one.sigma, 0), X)
            beside = moved_charge(shift, orbital_charge(system.charges, one.orbital), one.sigma)
            whole = channel_map(system.charges, beside, one, -one.sigma, 1)
            right = whole - channel_map(system.charges, beside, one, -one.sigma, 0)
            rate = one.strength / 2 * (one.sigma if order == 1 else 1)
            total = total + rate * times(right, left)
        return np.asarray((-1) ** len(sig) * total)

    def slope(self, shares: Real) -> Real:
        """Derivatives of the currents when the potential of lead l moves by shares_l, (lead,)."""
        system = self.system
        moved = np.zeros_like(self.x)
        for sig in system.signatures:
            rate = sum(1j * system.channels[j].sigma * shares[system.channels[j].lead] for j in sig)
            moved[system.span[sig]] = rate * self.x[system.span[sig]]
        X = self._traceless(self.solved(moved))
        return np.array(
            [
                system.particle_flow(X, lead) - system.particle_flow(0 * X, lead)
                for lead in range(len(shares))
            ]
        )
