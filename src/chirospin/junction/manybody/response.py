r"""What one adjoint solve tells of a steady current: all its derivatives, and its noise.

With :math:`L \rho = 0` and :math:`I = Tr[O \rho]` the dual operator Z of the current obeys

.. math:: L^+ Z = O - I

and L^+ is inverted between jumps by the factorisation that found rho. Then a change of the generator
moves the current by :math:`-Tr[Z\, (dL) \rho]`, for every parameter at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from chirospin.base.errors import ConvergenceError
from chirospin.base.outcome import Outcome
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.infinite_bias import (
    Pair,
    Solved,
    check_memory,
    listed_pair,
    solved,
    state_of,
)
from chirospin.junction.manybody.one_body import packed_operator, sector_operator
from chirospin.junction.manybody.packed import (
    EVEN,
    ODD,
    Halves,
    Layout,
    Real,
    norm,
    occupied,
    overlap,
)
from chirospin.junction.model import Junction
from chirospin.junction.state import JunctionState
from chirospin.numerics.sylvester import Form, SchurInverse, by_either_form

LEFT, RIGHT = 0, 1
DUAL_STALLED = "the adjoint solve stalled above the tolerance; raise krylov_vectors or tolerance"


class Settings(Protocol):
    """What a solve must know of its method."""

    @property
    def tolerance(self) -> float:
        """Of the residual, relative."""

    @property
    def krylov_vectors(self) -> int:
        """At most."""


@dataclass(frozen=True, kw_only=True)
class CurrentResponse:
    """Steady states of both magnetisations and the dual operators of the current from the left.

    Parameters
    ----------
    pair : both magnetisations of the model
    solved : their steady states, in one batch
    dual : Z, packed
    residual : \\|L^+ Z - (O - I)\\| relative to \\|L\\| \\|Z\\|, (2,)
    applications : operator applications of the adjoint solve
    """

    pair: Pair
    solved: Solved
    dual: Halves
    residual: Real
    applications: int

    @property
    def generator(self) -> Generator:
        """L of both magnetisations."""
        return self.solved.solver.generator

    @property
    def layout(self) -> Layout:
        """Where its operators lie."""
        return self.generator.layout

    @property
    def steady(self) -> Halves:
        """Packed density operators."""
        return self.solved.stationary.halves

    @property
    def state(self) -> JunctionState:
        """The state that the method alone would give; its outcome is that of both solves."""
        return state_of(self.pair, *self.solved.states)


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """One form's response, or why it has none."""

    response: CurrentResponse | None
    failure: Outcome


def response(model: Junction, method: Settings) -> CurrentResponse:
    """Steady states of one model and dual operators of its current.

    Raises
    ------
    ConvergenceError : either solve misses the tolerance, or there is no unique steady state
    """
    pair = listed_pair(model)
    check_memory(pair)

    def attempt(pairs: Sequence[Pair], form: Form) -> list[_Attempt]:
        return [_attempt(one, method, form) for one in pairs]

    (found,) = by_either_form([pair], attempt, lambda tried: tried.response is None)
    if found.response is None:
        failure = found.failure
        raise ConvergenceError(
            f"gksl did not converge: {failure.reason} (residual {failure.residual:.2e})", failure
        )
    return found.response


def _attempt(pair: Pair, method: Settings, form: Form) -> _Attempt:
    found = solved(pair, form, method.tolerance, method.krylov_vectors)
    wrong = [a.outcome for a in found.states if not a.outcome.converged]
    stalled = Outcome(converged=False, residual=np.inf, iterations=0, reason=DUAL_STALLED)
    if wrong or (form is not SchurInverse and not found.sound):
        return _Attempt(response=None, failure=wrong[0] if wrong else stalled)
    answer = _with_dual(pair, found, method.tolerance)
    if (answer.residual <= method.tolerance).all():
        return _Attempt(response=answer, failure=stalled)
    stalled = Outcome(
        converged=False,
        residual=float(answer.residual.max()),
        iterations=answer.applications,
        reason=DUAL_STALLED,
    )
    return _Attempt(response=None, failure=stalled)


def _with_dual(pair: Pair, solved: Solved, tolerance: float) -> CurrentResponse:
    generator = solved.solver.generator
    layout, steady = generator.layout, solved.stationary.halves
    operator = current_operator(layout, pair, LEFT)
    mean = overlap(operator, steady)[:, None]
    even, odd = (o - mean * one for o, one in zip(operator, layout.identity(), strict=True))
    dual, applications = solved.solver.adjoint((even, odd), tolerance)
    rest = generator.adjoint_derivative(*dual)
    defect = norm(rest[EVEN] - even, rest[ODD] - odd)
    size = norm(*dual) * generator.scale
    return CurrentResponse(
        pair=pair,
        solved=solved,
        dual=dual,
        residual=defect / np.where(size > 0, size, 1.0),
        applications=applications,
    )


def current_operator(layout: Layout, pair: Pair, lead: int) -> Halves:
    r"""The current from one lead as an operator, packed.

    .. math:: O_l = f_l \mathrm{Tr}\,\Gamma_l - \sum_{ab} \Gamma_{l,ab} c^+_a c_b
    """
    coupling = np.stack([member.coupling[lead] for member in pair])
    f = pair[0].occupation[lead]
    even, odd = layout.diagonal_operator(
        lambda states: np.asarray(coupling @ (f - occupied(states, coupling.shape[1])).T)
    )
    for b, member in enumerate(pair):
        if member.widths is not None:
            gamma = member.widths[lead]
            blocks = sector_operator(layout.charges, gamma - np.diag(np.diag(gamma)))
            mixing = packed_operator(replace(layout, batch=1), blocks)
            even[b] -= mixing[EVEN][0]
            odd[b] -= mixing[ODD][0]
    return even, odd
