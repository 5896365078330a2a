r"""Spin that the leads bring into the molecules, and the torque of the spin-orbit coupling.

.. math:: J_l = Tr[S\, L_l \rho], \qquad S = \tfrac12 \sum c^+_{s} \sigma_{ss'} c_{s'}, \qquad
          \sum_l J_l + \langle i[H, S] \rangle = Tr[S\, L\rho] = 0

L_l is all that lead l adds to the generator, its Lamb shift too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from chirospin.base.spin import PAULI
from chirospin.junction.manybody.generator import JumpFamily
from chirospin.junction.manybody.hamiltonian import Member, hamiltonians, sector_density
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Halves, Layout, Real
from chirospin.numerics.sylvester import sylvester

SPIN_FLOW = "spin_flow"
"""The part of a state that holds it."""


@dataclass(frozen=True, kw_only=True)
class SpinFlow:
    """Spin that enters the molecules per time, eV in units of hbar/hbar.

    Parameters
    ----------
    current : from each lead, the method's own, (..., lead, component)
    corrected : with the Lamb shift in the form of Redfield on the same state, (..., lead, component); None
        where the method's own needs no correction
    torque : of the Hamiltonian, (..., component)
    """

    current: Real
    corrected: Real | None
    torque: Real


def spin_matrices(orbitals: int) -> Complex:
    """Spin of one electron, the spin last in the order of orbitals, (3, n, n)."""
    return np.asarray([np.kron(np.eye(orbitals // 2), sigma / 2) for sigma in PAULI])


def spin_inflow(
    leads: Sequence[JumpFamily], members: Sequence[Member], layout: Layout, halves: Halves
) -> Real:
    """Spin that each of several families brings, (batch, lead, component)."""
    found = [_spin(members, layout, brought(lead, layout, halves)) for lead in leads]
    return np.stack(found, axis=1)


def spin_orbit_torque(members: Sequence[Member], layout: Layout, halves: Halves) -> Real:
    """<i[H, S]> with the bare Hamiltonian, (batch, component)."""
    H = hamiltonians(members, layout.electrons)

    def turned(parity: int, number: int, X: Complex) -> Complex:
        return sylvester(H[parity][number], X)

    even, odd = (
        layout.by_stack(parity, halves[parity], partial(turned, parity)) for parity in (EVEN, ODD)
    )
    return _spin(members, layout, (even, odd))


def brought(family: JumpFamily, layout: Layout, halves: Halves) -> Halves:
    """What one family of jumps between even and odd electron numbers adds to the change of rho."""

    def damped(parity: int) -> Real:
        return layout.by_stack(
            parity, halves[parity], lambda n, X: sylvester(family.damping(parity, n), X)
        )

    even, odd = halves
    return damped(EVEN) + family.crossing(ODD, odd), damped(ODD) + family.crossing(EVEN, even)


def _spin(members: Sequence[Member], layout: Layout, change: Halves) -> Real:
    """Tr[S X] of a packed operator, (batch, component)."""
    electrons, reduced = layout.electrons, layout.reduced(change)
    G = sector_density(members[0].matrices, electrons, electrons.blocks(reduced))
    S = members[0].spin
    S = spin_matrices(G.shape[-1]) if S is None else S
    return np.asarray(np.einsum("kmn,bmn->bk", S, G).real)
