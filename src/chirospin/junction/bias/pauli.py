r"""Rate equations between exact many-body eigenstates: no coherence, hence no polarisation.

.. math:: \dot p_b = \sum_{a,l,k} g_{lk} |c_{k,ab}|^2 [f_l(\omega_{ab})\, p_a
                     - (1 - f_l(\omega_{ab}))\, p_b] + \dots

For H invariant under time reversal and an unpolarised right lead every rate at one magnetisation equals
one at the other, so the polarisation vanishes at any bias, repulsion and spin-orbit coupling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import broadened_fermi, fermi
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.eigenstates import BiasedMember, links, spectrum, transition_widths
from chirospin.junction.bias.model import BiasedJunction, require_no_dephasing, require_wide_bands
from chirospin.junction.bias.parts import BROADENED
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.bias.stationary import stationary_probabilities
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.packed import EVEN, ODD
from chirospin.junction.probed import require_no_probes
from chirospin.junction.state import UNREACHED

Real = NDArray[np.float64]
LARGEST = 3  # molecules: 4 096 populations
DEGENERATE = 1e-9  # of the spread of the levels: below it a gap counts as none
ROUNDED = 1e3 * float(np.finfo(float).eps)  # of the largest energy: what diagonalising leaves of it
POPULATED = 1e-12  # a state below carries less than that share of the coupling
ROUNDING = 1e-13  # of the elements of c_k: a smaller one joins states by rounding alone
TOO_LARGE = (
    "energies this large are known to {:.1g} eV only, which is more than the temperature; lower gate, "
    "levels or repulsion"
)
TOO_SLOW = (
    "more than one state is left more slowly than floating-point numbers can hold, so the populations "
    "are not known; raise thermal_energy or bias, or change gate"
)


class Pauli(Method):
    """Populations of eigenstates only: shows that the polarisation lives in coherences."""

    name: ClassVar[str] = "pauli"
    summary: ClassVar[str] = "rate equations without coherence: polarisation is zero, a theorem"
    gives: ClassVar[Needs] = frozenset({BROADENED})

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Stationary populations.

        Raises
        ------
        ModelError : too many states, or an eigenbasis that is not unique
        """
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[BiasedJunction], needs: Needs) -> Iterator[BiasedState]:
        """The same with the currents through levels of finite width."""
        return (self._state(model, needs) for model in models)

    def _state(self, model: BiasedJunction, needs: Needs) -> BiasedState:
        require_no_dephasing(model, self.name)
        require_no_probes(model)
        require_wide_bands(model, self.name)
        require_no_floating(model, f"method {self.name}", "ule and landauer")
        if model.molecules > LARGEST:
            raise ModelError(
                f"Parameter `molecules` must be integer in [1, {LARGEST}] (dimensionless) for method "
                f"pauli, but is {model.molecules}"
            )
        members = BiasedMember.both(model)
        found = [_populations(member) for member in members]
        _require_unique_basis(members[0], [one.probability for one in found])
        wide = [replace(one, broadened=True) for one in members] if BROADENED in needs else []
        parts = {BROADENED: np.array([_left_current(one) for one in wide])} if wide else {}
        return BiasedState(
            one_body_density=np.stack([np.diag(one.occupation).astype(complex) for one in found]),
            lead_current=np.stack([one.current for one in found]),
            energy_current=np.stack([one.energy for one in found]),
            outcomes=(found[0].outcome, found[1].outcome),
            barrier=np.array([one.barrier for one in found]),
            second_order=True,
            exchange_kept=False,
            parts=parts,
        )


def _left_current(member: BiasedMember) -> float:
    populations = _populations(member)
    return float(populations.current[0]) if populations.outcome.converged else float("nan")


@dataclass(frozen=True, kw_only=True)
class Populations:
    """Stationary populations of one member with their flows; ``current`` and ``energy`` by lead."""

    probability: Real
    occupation: Real
    current: Real
    energy: Real
    barrier: float
    outcome: Outcome


def _require_unique_basis(member: BiasedMember, populations: Sequence[Real]) -> None:
    """Refuse degenerate levels of one sector that are populated: what is empty carries nothing.

    Raises
    ------
    ModelError : the eigenbasis of these levels is not unique
    """
    h = member.matrices.h
    spread = np.abs(h - np.trace(h).real / len(h) * np.eye(len(h))).max()
    populated, first = np.max(populations, axis=0) > POPULATED, 0
    for half in spectrum(member.matrices).energies:
        for E in half:
            for levels in E:
                here = populated[first : first + levels.size]
                first += levels.size
                gaps = np.where(here[1:] | here[:-1], np.diff(levels), np.inf)
                known = ROUNDED * np.abs(levels).max(initial=0.0)
                if gaps.size and gaps.min() < max(known, DEGENERATE * spread):
                    raise ModelError(_not_unique(float(gaps.min()), known, DEGENERATE * spread))


def _not_unique(gap: float, known: float, wanted: float) -> str:
    if known > wanted:
        cause = (
            f"energies this large are known to {known:.1g} only; lower gate, levels or repulsion"
        )
    else:
        cause = "its eigenbasis is not unique otherwise; choose redfield"
    return (
        "Method `pauli` must have distinct levels among the populated ones of every charge sector "
        f"(in eV, gaps > {max(known, wanted):.3g}), but the smallest gap is {abs(gap):.2g}: {cause}"
    )


def _populations(member: BiasedMember) -> Populations:
    rate, joined, sign, gain, start = _rates(member)
    both = rate.sum(axis=0)
    p = stationary_probabilities(both)
    if p is None:
        return _unknown(member, len(both), _why_unknown(member, joined))
    arriving, leaving = both @ p, both.sum(axis=0) * p
    flow = max(float(arriving.sum()), np.finfo(float).tiny)
    coupling = member.coupling.sum()
    return Populations(
        probability=p,
        occupation=_occupations(member, start, p),
        current=np.array([(rate[lead] * sign @ p).sum() for lead in range(len(rate))]),
        energy=np.array([(rate[lead] * gain @ p).sum() for lead in range(len(rate))]),
        barrier=float(-np.log(flow / coupling)),
        outcome=Outcome(
            converged=True,
            residual=float(np.abs(arriving - leaving).sum() / flow),
            iterations=1,
        ),
    )


def _why_unknown(member: BiasedMember, joined: Real) -> str:
    if stationary_probabilities(joined) is None:
        return UNREACHED
    largest = max(
        float(np.abs(E).max()) for half in spectrum(member.matrices).energies for E in half
    )
    known = ROUNDED * largest
    return TOO_LARGE.format(known) if known > member.reservoirs.thermal_energy.min() else TOO_SLOW


def _unknown(member: BiasedMember, states: int, reason: str) -> Populations:
    return Populations(
        probability=np.zeros(states),
        occupation=np.full(member.coupling.shape[1], np.nan),
        current=np.full(len(member.coupling), np.nan),
        energy=np.full(len(member.coupling), np.nan),
        barrier=float("nan"),
        outcome=Outcome(converged=False, residual=float("inf"), iterations=1, reason=reason),
    )


def _rates(member: BiasedMember) -> tuple[Real, Real, Real, Real, dict[tuple[int, int, int], int]]:
    """Rates [lead, to, from], rates of leads half full, electrons and energy gained, first states."""
    reservoirs = member.reservoirs
    states = spectrum(member.matrices)
    space = fock.sectors(member.charges)
    start, total = {}, 0
    for parity in (EVEN, ODD):
        for n, stack in enumerate(space.stacks[parity]):
            for s in range(len(stack.states)):
                start[parity, n, s] = total
                total += stack.states.shape[1]
    rate = np.zeros((len(member.coupling), total, total))
    open_ = np.zeros((total, total))
    sign = np.zeros((total, total))
    gain = np.zeros((total, total))
    coupling = member.coupling
    for link in links(member.charges, tuple(member.joined.tolist())):
        (pa, na, sa), (pb, nb, sb) = link.lower, link.upper
        elements = link.between(states.vectors[pa][na][sa], states.vectors[pb][nb][sb])
        weight = np.where(np.abs(elements) > ROUNDING, np.abs(elements) ** 2, 0.0)
        within = np.ix_(link.orbitals, link.orbitals)
        width = transition_widths(coupling.sum(axis=0)[link.orbitals], elements)
        if member.widths is not None:
            width = transition_widths(member.widths.sum(axis=0)[within], elements)
        EA, EB = states.energies[pa][na][sa], states.energies[pb][nb][sb]
        omega = EB - EA[:, None]
        A = slice(start[link.lower], start[link.lower] + EA.size)
        B = slice(start[link.upper], start[link.upper] + EB.size)
        sign[B, A], sign[A, B] = 1.0, -1.0
        gain[B, A], gain[A, B] = omega.T, -omega
        for lead in range(len(coupling)):
            g = np.einsum("j,jab->ab", coupling[lead, link.orbitals], weight)
            if member.widths is not None:
                g = transition_widths(member.widths[lead][within], elements)
                g = np.where(g > ROUNDING**2 * coupling.max(), g, 0.0)
            x = (omega - reservoirs.potential[lead]) / reservoirs.thermal_energy[lead]
            wide = width / reservoirs.thermal_energy[lead]
            full, empty = (
                broadened_fermi(y, wide) if member.broadened else fermi(y) for y in (x, -x)
            )
            rate[lead, A, B] += g * empty
            rate[lead, B, A] += (g * full).T
            open_[A, B] += g
            open_[B, A] += g.T
    return rate, open_, sign, gain, start


def _occupations(member: BiasedMember, start: dict[tuple[int, int, int], int], p: Real) -> Real:
    states = spectrum(member.matrices)
    n = np.zeros(member.coupling.shape[1])
    for parity in (EVEN, ODD):
        for number, vectors in enumerate(states.vectors[parity]):
            held = fock.occupations(member.charges, parity, number)
            for s in range(len(vectors)):
                first = start[parity, number, s]
                weight = np.abs(vectors[s]) ** 2 @ p[first : first + vectors.shape[-1]]
                n += weight @ held[s]
    return n
