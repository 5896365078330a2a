r"""Rate equations between exact many-body eigenstates: no coherence, hence no polarisation.

.. math:: \dot p_b = \sum_{a,l,k} g_{lk} |c_{k,ab}|^2 [f_l(\omega_{ab})\, p_a
                     - (1 - f_l(\omega_{ab}))\, p_b] + \dots

For H invariant under time reversal and an unpolarised right lead every rate at one magnetisation equals
one at the other, so the polarisation vanishes at any bias, repulsion and spin-orbit coupling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.junction import fock
from chirospin.junction.biased_state import BiasedState, left_current
from chirospin.junction.dissipators import Member, links, spectrum
from chirospin.junction.liouvillian import EVEN, ODD
from chirospin.junction.reservoirs import BiasedJunction, require_no_dephasing
from chirospin.numerics.fermi import fermi
from chirospin.numerics.outcome import Outcome

Real = NDArray[np.float64]
LARGEST = 3  # molecules: 4 096 populations
DEGENERATE = 1e-9


class Pauli(Method):
    """Populations of eigenstates only: shows that the polarisation lives in coherences."""

    name: ClassVar[str] = "pauli"
    summary: ClassVar[str] = "rate equations without coherence: polarisation is zero, a theorem"

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Stationary populations.

        Raises
        ------
        ModelError : too many states, or an eigenbasis that is not unique
        """
        return map(self._state, models)

    def _state(self, model: BiasedJunction) -> BiasedState:
        require_no_dephasing(model, self.name)
        if model.molecules > LARGEST:
            raise ModelError(
                f"Parameter `molecules` must be integer in [1, {LARGEST}] (dimensionless) for method "
                f"pauli, but is {model.molecules}"
            )
        members = Member.both(model)
        _require_unique_basis(members[0])
        found = [_populations(member) for member in members]
        residual = [one[3] for one in found]
        return BiasedState(
            one_body_density=np.stack([np.diag(one[0]).astype(complex) for one in found]),
            lead_current=np.stack([one[1] for one in found]),
            energy_current=np.stack([one[2] for one in found]),
            outcomes=(_outcome(residual[0]), _outcome(residual[1])),
            currents=lambda other: left_current(self, other),
            second_order=True,
        )


def _outcome(residual: float) -> Outcome:
    good = residual <= 1e-9
    reason = "" if good else "the rate equations have no unique stationary solution"
    return Outcome(converged=good, residual=residual, iterations=1, reason=reason)


def _require_unique_basis(member: Member) -> None:
    levels = spectrum(member.point).energies
    scale = member.point.scale
    for half in levels:
        for E in half:
            gaps = np.diff(E, axis=-1)
            if gaps.size and gaps.min() < DEGENERATE * scale:
                raise ModelError(
                    "Method `pauli` must have distinct levels within every charge sector (in eV, "
                    f"gaps > {DEGENERATE * scale:.1g}), since its eigenbasis is not unique otherwise, "
                    f"but the smallest gap is {abs(gaps.min()):.2g}; choose redfield"
                )


def _populations(member: Member) -> tuple[Real, Real, Real, float]:
    """Occupations, currents of electrons and energy by lead, residual."""
    point, leads = member.point, member.leads
    states = spectrum(point)
    space = fock.sectors(point.charges)
    start, total = {}, 0
    for parity in (EVEN, ODD):
        for n, stack in enumerate(space.stacks[parity]):
            for s in range(len(stack.states)):
                start[parity, n, s] = total
                total += stack.states.shape[1]
    rate = np.zeros((2, total, total))  # [lead, to, from]
    sign = np.zeros((total, total))
    gain = np.zeros((total, total))
    coupling = point.coupling[member.magnetisation]
    joined = tuple(np.flatnonzero(coupling.any(axis=0)).tolist())
    for link in links(point.charges, joined):
        (pa, na, sa), (pb, nb, sb) = link.lower, link.upper
        weight = np.abs(link.between(states.vectors[pa][na][sa], states.vectors[pb][nb][sb])) ** 2
        EA, EB = states.energies[pa][na][sa], states.energies[pb][nb][sb]
        omega = EB - EA[:, None]
        A = slice(start[link.lower], start[link.lower] + EA.size)
        B = slice(start[link.upper], start[link.upper] + EB.size)
        sign[B, A], sign[A, B] = 1.0, -1.0
        gain[B, A], gain[A, B] = omega.T, -omega
        for lead in (0, 1):
            g = np.einsum("j,jab->ab", coupling[lead, link.orbitals], weight)
            x = (omega - leads.potential[lead]) / leads.thermal_energy[lead]
            rate[lead, A, B] += g * fermi(-x)
            rate[lead, B, A] += (g * fermi(x)).T
    both = rate.sum(axis=0)
    matrix = both - np.diag(both.sum(axis=0))
    system = np.vstack([matrix, np.ones(total) * np.abs(both).max()])
    target = np.zeros(total + 1)
    target[-1] = np.abs(both).max()
    p = np.linalg.lstsq(system, target, rcond=None)[0]
    residual = float(np.linalg.norm(matrix @ p) / np.linalg.norm(both @ p))
    flow = np.array([(rate[lead] * sign @ p).sum() for lead in (0, 1)])
    energy = np.array([(rate[lead] * gain @ p).sum() for lead in (0, 1)])
    return _occupations(member, start, p), flow, energy, residual


def _occupations(member: Member, start: dict[tuple[int, int, int], int], p: Real) -> Real:
    point, states = member.point, spectrum(member.point)
    n = np.zeros(len(point.h))
    for parity in (EVEN, ODD):
        for number, vectors in enumerate(states.vectors[parity]):
            held = fock.occupations(point.charges, parity, number)
            for s in range(len(vectors)):
                first = start[parity, number, s]
                weight = np.abs(vectors[s]) ** 2 @ p[first : first + vectors.shape[-1]]
                n += weight @ held[s]
    return n
