r"""The generator of a master equation in charge sectors, from a Hamiltonian and families of jumps.

.. math:: L = L_0 + K + J, \qquad L_0 X = -i (H_{eff} X - X H_{eff}^+)

K collects what the families do inside each sector, J what takes even electron numbers to odd ones and back.
Who the families are (leads, dephasing) the generator does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from chirospin.junction.manybody.hamiltonian import Member, hamiltonians
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Halves, Layout, Real, norm
from chirospin.numerics.sylvester import sylvester, sylvester_adjoint

Jumping = Callable[[int, Real], Real]
"""Jumps out of the sectors of one parity: (parity, packed) -> packed of the other."""


class JumpFamily:
    """Jumps of one kind with their own rates; a family says which of its maps are not zero."""

    crosses: ClassVar[bool] = False
    """Whether it has jumps between even and odd electron numbers."""
    keeps: ClassVar[bool] = False
    """Whether it has jumps that keep every sector."""

    def damping(self, parity: int, number: int) -> Complex:
        """What it adds to H in one stack, losses and shifts of levels, (batch, sector, d, d)."""
        raise NotImplementedError

    def crossing(self, parity: int, packed: Real) -> Real:
        """Its jumps out of the sectors of one parity; they land in the other."""
        raise NotImplementedError

    def crossing_adjoint(self, parity: int, packed: Real) -> Real:
        """The adjoint of its jumps out of one parity; takes the other parity back to it."""
        raise NotImplementedError

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        """Its jumps that keep every sector, on Hermitian matrices (..., batch, sector, d, d) of a stack."""
        raise NotImplementedError

    def keeping_adjoint(self, parity: int, number: int, X: Complex) -> Complex:
        """Their adjoint."""
        raise NotImplementedError

    def kept(self, layout: Layout, parity: int, packed: Real) -> Real:
        """The jumps that keep every sector, on all sectors of one parity at once."""
        return layout.by_stack(parity, packed, partial(self.keeping, parity))

    def kept_adjoint(self, layout: Layout, parity: int, packed: Real) -> Real:
        """Their adjoint."""
        return layout.by_stack(parity, packed, partial(self.keeping_adjoint, parity))


class Generator:
    """L of several members of one structure, in packed Hermitian form.

    Parameters
    ----------
    members : that share charges
    families : of jumps, made for these members
    """

    def __init__(
        self, members: Sequence[Member], layout: Layout, families: Sequence[JumpFamily]
    ) -> None:
        self.members, self.layout, self.families = members, layout, families
        self.crossing = [family for family in families if family.crosses]
        self.keepers = [family for family in families if family.keeps]
        self.scale = np.array([member.scale for member in members])
        H = hamiltonians(members, layout.electrons)
        self.heff = tuple(
            [
                layout.beside(H[parity][n]) + sum(family.damping(parity, n) for family in families)
                for n in layout.numbers(parity)
            ]
            for parity in (EVEN, ODD)
        )

    def jumps(self, parity: int, packed: Real) -> Real:
        """J on the sectors of one parity; lands in the other."""
        first, *others = (family.crossing(parity, packed) for family in self.crossing)
        return sum(others, start=first)

    def jumps_adjoint(self, parity: int, packed: Real) -> Real:
        """Adjoint of the jumps out of one parity; takes the other parity back to it."""
        first, *others = (family.crossing_adjoint(parity, packed) for family in self.crossing)
        return sum(others, start=first)

    def inside_adjoint(self, parity: int, number: int, X: Complex) -> Complex:
        """Its adjoint."""
        out = sylvester_adjoint(self.heff[parity][number], X)
        for family in self.keepers:
            out = out + family.keeping_adjoint(parity, number, X)
        return out

    def inside(self, parity: int, number: int, X: Complex) -> Complex:
        """L_0 + K on Hermitian matrices (..., batch, sector, d, d) of one stack."""
        out = sylvester(self.heff[parity][number], X)
        for family in self.keepers:
            out = out + family.keeping(parity, number, X)
        return out

    def coherent(self, parity: int, packed: Real) -> Real:
        """L_0 on the sectors of one parity."""
        heff = self.heff[parity]
        return self.layout.by_stack(parity, packed, lambda n, X: sylvester(heff[n], X))

    def coherent_adjoint(self, parity: int, packed: Real) -> Real:
        """Its adjoint."""
        heff = self.heff[parity]
        return self.layout.by_stack(parity, packed, lambda n, X: sylvester_adjoint(heff[n], X))

    def kept(self, parity: int, packed: Real) -> Real:
        """K on the sectors of one parity."""
        parts = (family.kept(self.layout, parity, packed) for family in self.keepers)
        return sum(parts, start=np.zeros_like(packed))

    def kept_adjoint(self, parity: int, packed: Real) -> Real:
        """Its adjoint."""
        parts = (family.kept_adjoint(self.layout, parity, packed) for family in self.keepers)
        return sum(parts, start=np.zeros_like(packed))

    def derivative(self, even: Real, odd: Real) -> Halves:
        """L rho, even and odd sectors."""
        return self.with_arrivals(even, odd)[0]

    def with_arrivals(self, even: Real, odd: Real) -> tuple[Halves, Halves]:
        """L rho, and what jumps bring to even and to odd sectors, J rho."""
        arrivals = self.jumps(ODD, odd), self.jumps(EVEN, even)
        own = self._within(EVEN, even), self._within(ODD, odd)
        return (own[EVEN] + arrivals[EVEN], own[ODD] + arrivals[ODD]), arrivals

    def adjoint_derivative(self, even: Real, odd: Real) -> Halves:
        r"""L^+ Z under Tr[Z X], even and odd sectors: how an observable changes in time."""
        return (
            self._within_adjoint(EVEN, even) + self.jumps_adjoint(EVEN, odd),
            self._within_adjoint(ODD, odd) + self.jumps_adjoint(ODD, even),
        )

    def _within(self, parity: int, packed: Real) -> Real:
        own = self.coherent(parity, packed)
        return own + self.kept(parity, packed) if self.keepers else own

    def _within_adjoint(self, parity: int, packed: Real) -> Real:
        own = self.coherent_adjoint(parity, packed)
        return own + self.kept_adjoint(parity, packed) if self.keepers else own

    def residual(self, even: Real, odd: Real) -> Real:
        r"""\|L rho\| / \|rho\| in units of each member's energy scale, (batch,)."""
        return self.relative(self.derivative(even, odd), (even, odd))

    def relative(self, rest: Halves, halves: Halves) -> Real:
        r"""The residual of X from L X."""
        size = norm(*halves) * self.scale
        return norm(*rest) / np.where(size > 0, size, np.nan)

    def certificates(self, even: Real, odd: Real) -> tuple[Real, Real, Real]:
        r"""The residual, \|Tr L rho\| relative to the rate of jumps, and that rate, Tr J rho, (batch,) each.

        The drift is zero where nothing jumps.
        """
        rest, arrivals = self.with_arrivals(even, odd)
        rate = self.layout.trace(*arrivals)
        drift = np.abs(self.layout.trace(*rest)) / np.where(rate > 0, rate, 1.0)
        return self.relative(rest, (even, odd)), np.asarray(drift), rate
