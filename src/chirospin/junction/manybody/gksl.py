r"""Exact steady state of the many-body master equation.

.. math::
    \dot\rho = -i[H, \rho] + \sum_k \alpha_k D[c^+_k]\rho + \beta_k D[c_k]\rho = (L_0 + J)\rho,
    \qquad L_0 X = -i (H_{eff} X - X H_{eff}^+)

L_0 keeps every charge sector and is inverted there through the eigenvectors of H_eff; the jumps
J change the electron number by one. So with Psi = -L_0^{-1} J, which keeps positivity and the
rate of jumps, the even sectors alone obey X = Psi Psi X, solved by GMRES for the difference from
a first guess with the same rate of jumps, where the equation is regular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import ClassVar

from chirospin.base.method import Method, Needs
from chirospin.base.threads import blas_threads
from chirospin.junction.floating import Range, floated, require_no_floating
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.asked import ASKED, COUNTED, flat_parts
from chirospin.junction.manybody.counting import NOISE, counted_state
from chirospin.junction.manybody.infinite_bias import (
    Pair,
    Solved,
    check_memory,
    listed_pair,
    member_current,
    solved,
    state_of,
    steady_states,
)
from chirospin.junction.manybody.leads import FlatMember, open_pairs
from chirospin.junction.manybody.packed import Real
from chirospin.junction.manybody.steady import krylov_setting, tolerance_setting
from chirospin.junction.model import Junction, floating_leads
from chirospin.junction.state import JunctionState
from chirospin.numerics.sylvester import Form, by_either_form

BATCH_UNKNOWNS = 60_000  # dimers share numpy calls up to this many unknowns at a time
THREADED_SECTOR = 200  # below this sector size a second BLAS thread costs more than it gives


class GKSL(Method):
    """Exact many-body steady state, matrix-free, in the sectors of the conserved charges."""

    name: ClassVar[str] = "gksl"
    summary: ClassVar[str] = "exact many-body master equation, 1 to 3 molecules"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "lindblad_1976",
        "gorini_kossakowski_sudarshan_1976",
        "saad_schultz_1986",
    )

    tolerance: float = tolerance_setting()
    krylov_vectors: int = krylov_setting(200, "solve")

    gives: ClassVar[Needs] = frozenset({NOISE}) | ASKED

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Steady states; neighbours of equal structure are solved in one batch.

        Raises
        ------
        ModelError : the solve would not fit in memory
        """
        pairs = (self._floated(model) for model in models)
        for _, group in groupby(pairs, key=lambda pair: (pair[0].charges, open_pairs(pair))):
            alike = list(group)
            check_memory(alike[0])
            unknowns = sum(size**2 for size in fock.sector_sizes(alike[0][0].charges))
            step = max(1, BATCH_UNKNOWNS // (2 * unknowns))
            for start in range(0, len(alike), step):
                yield from self._solve_batch(alike[start : start + step], unknowns)

    def solve_with(self, models: Sequence[Junction], needs: Needs) -> Iterator[JunctionState]:
        """The same; where noise is needed with one adjoint solve more, model by model.

        What else is asked for follows from the factors of the steady state.
        """
        if not needs:
            return self.solve_many(models)
        return (self._asked(model, needs) for model in models)

    def _asked(self, model: Junction, needs: Needs) -> JunctionState:
        state = None
        if needs & (COUNTED | {NOISE}):
            require_no_floating(model, "counted charge", "current and polarisation")
        if NOISE in needs:
            state = counted_state(model, self)
        if not needs & ASKED or (state is not None and not state.outcome.converged):
            assert state is not None
            return state
        pair = self._floated(model)
        check_memory(pair)

        def attempt(pairs: Sequence[Pair], form: Form) -> list[Solved]:
            return [solved(one, form, self.tolerance, self.krylov_vectors) for one in pairs]

        (found,) = by_either_form([pair], attempt, lambda one: not one.sound)
        plain = state_of(pair, *found.states) if state is None else state
        if not plain.outcome.converged:
            return plain
        return replace(plain, parts={**plain.parts, **flat_parts(pair, found, needs & ASKED)})

    def _floated(self, model: Junction) -> Pair:
        """Both magnetisations, with the occupations of voltage probes."""
        pair, floating = listed_pair(model), floating_leads(model)
        if not floating:
            return pair
        check_memory(pair)
        up, down = (self._without_probe_current(member, floating) for member in pair)
        return up, down

    def _without_probe_current(self, member: FlatMember, floating: Sequence[int]) -> FlatMember:
        def currents(f: Real) -> Real:
            one = replace(member, occupation=f)
            (found,) = steady_states([one], self.tolerance, self.krylov_vectors)
            return member_current(one, found.one_body_density)

        within = Range(middle=0.5, reach=0.5, hard=True)
        return replace(member, occupation=floated(currents, member.occupation, floating, within))

    def _solve_batch(self, pairs: list[Pair], unknowns: int) -> Iterator[JunctionState]:
        members = [member for pair in pairs for member in pair]
        together = len(members) if 2 * unknowns <= BATCH_UNKNOWNS else 1
        largest = max(fock.sector_sizes(members[0].charges))
        with blas_threads(1 if largest < THREADED_SECTOR else None):
            found = [
                answer
                for start in range(0, len(members), together)
                for answer in steady_states(
                    members[start : start + together], self.tolerance, self.krylov_vectors
                )
            ]
        for n, pair in enumerate(pairs):
            yield state_of(pair, found[2 * n], found[2 * n + 1])
