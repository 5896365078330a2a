r"""What one adjoint solve tells of a steady current: all its derivatives, and its noise.

With :math:`L \rho = 0` and :math:`I = Tr[O \rho]` the dual operator Z of the current obeys

.. math:: L^+ Z = O - I

and L^+ is inverted between jumps by the factorisation that found rho. Then a change of the generator
moves the current by :math:`-Tr[Z\, (dL) \rho]`, for every parameter at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chirospin.base.errors import ConvergenceError
from chirospin.base.outcome import Outcome
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.gksl import (
    GKSL,
    Solved,
    check_memory,
    checked_point,
    doubtful,
    solved,
    state_of,
)
from chirospin.junction.manybody.liouvillian import (
    EVEN,
    ODD,
    Generator,
    Point,
    Real,
    Resolvent,
    diagonal,
    norm,
)
from chirospin.junction.model import Junction
from chirospin.junction.state import JunctionState
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

REFINEMENTS = 4
LEFT, RIGHT = 0, 1
DUAL_STALLED = "the adjoint solve stalled above the tolerance; raise krylov_vectors or tolerance"


@dataclass(frozen=True, kw_only=True)
class Response:
    """Steady states of both magnetisations and the dual operators of the current from the left.

    Parameters
    ----------
    point : the model in matrices
    solved : steady states, both magnetisations in one batch
    dual : Z, packed even and odd sectors, each (2, unknowns), 1
    residual : \\|L^+ Z - (O - I)\\| relative to \\|L\\| \\|Z\\|, (2,)
    applications : operator applications of the adjoint solve
    """

    point: Point
    solved: Solved
    dual: tuple[Real, Real]
    residual: Real
    applications: int

    @property
    def generator(self) -> Generator:
        """L of both magnetisations."""
        return self.solved.inverse.generator

    @property
    def steady(self) -> tuple[Real, Real]:
        """Packed density operators, even and odd sectors."""
        return self.solved.found.even, self.solved.found.odd

    @property
    def state(self) -> JunctionState:
        """The state that the method alone would give; its outcome is that of both solves."""
        return state_of(self.point, *self.solved.answers)


def response(model: Junction, method: GKSL) -> Response:
    """Steady states of one model and dual operators of its current.

    Raises
    ------
    ConvergenceError : either solve misses the tolerance, or there is no unique steady state
    """
    point = checked_point(model)
    check_memory(point)
    members = [(point, m) for m in (0, 1)]
    kinds: tuple[type[EigenInverse] | type[SchurInverse], ...] = (EigenInverse, SchurInverse)
    failure = Outcome(converged=False, residual=float("inf"), iterations=0, reason=DUAL_STALLED)
    for kind in kinds:
        strict = kind is SchurInverse
        try:
            found = solved(members, kind, method.tolerance, method.krylov_vectors, strict=strict)
        except np.linalg.LinAlgError:
            continue
        wrong = [a for a in found.answers if not a.outcome.converged]
        if wrong and strict:
            failure = wrong[0].outcome
        if wrong or (not strict and any(map(doubtful, found.answers))):
            continue
        answer = _with_dual(point, found, method.tolerance, method.krylov_vectors)
        if (answer.residual <= method.tolerance).all():
            return answer
        worst = float(answer.residual.max())
        failure = Outcome(
            converged=False,
            residual=worst,
            iterations=answer.applications,
            reason=DUAL_STALLED,
        )
    raise ConvergenceError(
        f"gksl did not converge: {failure.reason} (residual {failure.residual:.2e})", failure
    )


def _with_dual(point: Point, found: Solved, tolerance: float, limit: int) -> Response:
    generator = found.inverse.generator
    operator = current_operator(generator, point.coupling[:, LEFT], point.leads[LEFT])
    steady = (found.found.even, found.found.odd)
    mean = sum((o * x).sum(axis=1) for o, x in zip(operator, steady, strict=True))
    wanted = [o - mean[:, None] * one for o, one in zip(operator, identity(generator), strict=True)]
    dual, applications = solve_dual(found.inverse, (wanted[0], wanted[1]), tolerance, limit)
    rest = generator.adjoint_derivative(*dual)
    defect = norm(*(r - w for r, w in zip(rest, wanted, strict=True)))
    size = norm(*dual) * point.scale
    return Response(
        point=point,
        solved=found,
        dual=dual,
        residual=defect / np.where(size > 0, size, 1.0),
        applications=applications,
    )


def solve_dual(
    inverse: Resolvent, wanted: tuple[Real, Real], tolerance: float, limit: int
) -> tuple[tuple[Real, Real], int]:
    r"""Z with L^+ Z = W, where Tr[W rho] = 0; the part along the identity is left out.

    .. math:: Z_e = R_e^+ [J_{eo}^+ R_o^+ (J_{oe}^+ Z_e - W_o) - W_e], \qquad R = -L_0^{-1}

    Parameters
    ----------
    wanted : W, packed even and odd sectors

    Returns
    -------
    dual, applications
    """
    generator = inverse.generator

    def odd_of(even: Real, right: Real | float) -> Real:
        return inverse.adjoint(ODD, generator.jumps_adjoint(ODD, even) - right)

    def pinned(even: Real) -> Real:
        """1 minus the cycle; the identity, which the cycle keeps, is moved from 0 to 1."""
        cycled = inverse.adjoint(EVEN, generator.jumps_adjoint(EVEN, odd_of(even, 0.0)))
        mean = generator.trace(EVEN, even) / one.sum()
        return np.asarray(even - cycled + mean[:, None] * one)

    one = identity(generator)[EVEN]
    even, odd = np.zeros_like(wanted[EVEN]), np.zeros_like(wanted[ODD])
    scale = np.array([point.scale for point, _ in generator.members])
    rest, applications = wanted, 0
    for attempt in range(REFINEMENTS):
        none = np.zeros_like(even)
        right = inverse.adjoint(
            EVEN, generator.jumps_adjoint(EVEN, odd_of(none, rest[ODD])) - rest[EVEN]
        )
        accuracy = tolerance if attempt == 0 else 1e-5
        found = gmres(pinned, right, tolerance=accuracy, limit=limit)
        applications += found.applications
        even = even + found.solution
        odd = odd + odd_of(found.solution, rest[ODD])
        change = generator.adjoint_derivative(even, odd)
        rest = (wanted[EVEN] - change[EVEN], wanted[ODD] - change[ODD])
        if (norm(*rest) <= 0.5 * tolerance * norm(even, odd) * scale).all():
            break
    return (even, odd), applications


def identity(generator: Generator) -> tuple[Real, Real]:
    """The identity in packed form, even and odd sectors, (1, unknowns)."""
    halves = []
    for parity in (EVEN, ODD):
        half = np.zeros((1, generator.space.unknowns(parity)))
        half[:, diagonal(generator.charges, parity)] = 1.0
        halves.append(half)
    return halves[EVEN], halves[ODD]


def current_operator(generator: Generator, coupling: Real, f: float) -> tuple[Real, Real]:
    r"""The current from one lead as an operator, packed.

    .. math:: O = \sum_k \gamma_k (f - n_k)

    Parameters
    ----------
    coupling : of that lead, (batch, 4M), eV
    """
    halves = []
    for parity in (EVEN, ODD):
        occupied = np.concatenate(
            [
                fock.occupations(generator.charges, parity, n).reshape(-1, coupling.shape[1])
                for n in range(len(generator.space.stacks[parity]))
            ]
        )
        half = np.zeros((generator.batch, generator.space.unknowns(parity)))
        half[:, diagonal(generator.charges, parity)] = coupling @ (f - occupied).T
        halves.append(half)
    return halves[EVEN], halves[ODD]
