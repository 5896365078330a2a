r"""The one solver of the steady state: L rho = 0, its adjoint, and both shifted.

Without the jumps J a generator keeps every charge sector and is inverted there, R = -(L_0 + K)^{-1}. J joins
even electron numbers to odd ones alone, so that

.. math:: X_e = R_e (J X_o + Y_e), \qquad X_o = R_o (J X_e + Y_o)

is solved by Krylov vectors on the even half. Where R does not exist to rounding, or holds only a part of what
keeps the sectors, both halves are solved together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from pydantic import Field

from chirospin.base.method import LOOSEST, MOST_VECTORS, TIGHTEST
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.packed import (
    EVEN,
    ODD,
    Halves,
    Real,
    norm,
)
from chirospin.numerics.krylov import KrylovResult, KrylovVectors, gmres
from chirospin.numerics.sylvester import (
    Form,
    MapInverse,
    SylvesterInverse,
    by_either_form,
    dagger,
)

LARGEST_MAP = 40  # states of a sector up to which the map on its matrices is inverted as a whole
REFINEMENTS = 3  # corrections from the residual of the original equation, where one is needed
FINER, STRICT = 1e-4, 1e-10  # how much a correction reduces the residual
MET = 0.5  # of the tolerance, at which no further correction is made
SLOW = 1e-8  # decay over the energy scale below which eigenvalues of H_eff lose too many digits
SINGULAR_VECTORS = 120  # where L_0 is nearly singular: more do not help


def tolerance_setting() -> Any:
    """The setting of a method: the residual at which a steady state is accepted."""
    return Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual |L rho| / |rho| in units of the energy scale",
    )


def krylov_setting(most: int, what: str) -> Any:
    """The setting of a method: how many Krylov vectors one solve may take."""
    return Field(most, ge=1, le=MOST_VECTORS, description=f"most Krylov vectors of one {what}")


class KrylovSolution(Protocol):
    """What a Krylov solver gives."""

    @property
    def solution(self) -> Any:
        """Of the kind of the right side."""

    @property
    def applications(self) -> int:
        """Of the operator."""


Answer = TypeVar("Answer", bound=KrylovSolution)


def by_parity(
    to_odd: Callable[[Any], Any],
    to_even: Callable[[Any], Any],
    even: Any,
    odd: Any,
    solver: Callable[[Callable[[Any], Any], Any], Answer],
    pin: Callable[[Any], Any] | None = None,
) -> tuple[Any, Any, Answer]:
    r"""Both halves of X with :math:`X_e = A X_o + b_e, X_o = B X_e + b_o`, from the even half alone, found.

    .. math:: (1 - A B) X_e = b_e + A b_o

    Parameters
    ----------
    to_odd, to_even : B and A
    even, odd : b; None for an odd half that is 0
    solver : (operator, right side) -> answer
    pin : added to the operator, where 1 - AB is singular
    """

    def equation(X: Any) -> Any:
        left = X - to_even(to_odd(X))
        return left if pin is None else left + pin(X)

    found = solver(equation, even if odd is None else even + to_even(odd))
    made = to_odd(found.solution)
    return found.solution, made if odd is None else odd + made, found


class Resolvent:
    """R = -(L_0 + K - s)^{-1} of a generator, sector by sector.

    Parameters
    ----------
    form : how an H_eff is inverted; a sector with K whose matrices are few is inverted as a whole
    """

    def __init__(self, generator: Generator, form: Form, shift: float = 0.0) -> None:
        self.generator, self.form, self.shift = generator, form, shift
        self.inverse: tuple[list[SylvesterInverse], ...] = tuple(
            [self._inverse(parity, n) for n in generator.layout.numbers(parity)]
            for parity in (EVEN, ODD)
        )
        decays = [one.slowest_decay.min(axis=-1) for half in self.inverse for one in half]
        self.slowest_decay: Real = np.min(decays, axis=0)

    @property
    def complete(self) -> bool:
        """Whether it inverts K too."""
        sizes = [block.shape[-1] for half in self.generator.heff for block in half]
        return not self.generator.keepers or max(sizes) <= LARGEST_MAP

    def _inverse(self, parity: int, number: int) -> SylvesterInverse:
        heff = self.generator.heff[parity][number]
        if self.generator.keepers and self.complete:
            action = partial(self.generator.inside, parity, number)
            return MapInverse(lambda X: action(X) - self.shift * X, heff.shape)
        return self.form(heff - 0.5j * self.shift * np.eye(heff.shape[-1]))

    def moved(self, shift: float) -> Resolvent:
        """That of L_0 + K - shift."""
        return Resolvent(self.generator, self.form, shift)

    def __call__(self, parity: int, packed: Real) -> Real:
        """R Y in packed form."""
        return -self.generator.layout.by_stack(
            parity, packed, lambda n, Y: self.inverse[parity][n](Y)
        )

    def adjoint(self, parity: int, packed: Real) -> Real:
        """R^+ Y in packed form, from the same factorisation."""
        return -self.generator.layout.by_stack(
            parity, packed, lambda n, Y: self.inverse[parity][n].adjoint(Y)
        )

    def hermiticity(self, parity: int, packed: Real) -> Real:
        """Norm of the anti-Hermitian part that packing drops from R Y, (batch,)."""
        layout = self.generator.layout
        total = np.zeros(layout.batch)
        for n in layout.numbers(parity):
            Y = layout.stored(parity, n, packed)
            X = self.inverse[parity][n](Y)
            total += (np.abs(X - dagger(X)) ** 2).sum(axis=(1, 2, 3))
        return np.sqrt(total) / 2


class AnyResolvent(Protocol):
    """What the solver asks of R."""

    generator: Generator
    slowest_decay: Real

    @property
    def complete(self) -> bool:
        """Whether it inverts all that keeps the sectors."""

    def __call__(self, parity: int, packed: Real) -> Real:
        """R Y."""

    def adjoint(self, parity: int, packed: Real) -> Real:
        """R^+ Y."""

    def hermiticity(self, parity: int, packed: Real) -> Real:
        """What packing drops from R Y."""

    def moved(self, shift: float) -> AnyResolvent:
        """That of L - shift."""


@dataclass(frozen=True, kw_only=True)
class Stationary:
    """Even and odd sectors of steady states, packed, and how they were found; batch first.

    Parameters
    ----------
    distance : how far the exact state may be away, Frobenius norm, slow modes included
    """

    even: Real
    odd: Real
    hermiticity: Real
    distance: Real
    applications: int

    @property
    def halves(self) -> Halves:
        """Both."""
        return self.even, self.odd

    def apart(self, other: Stationary) -> Real:
        """Largest differences of elements, summed over both halves, (batch,)."""
        return np.asarray(
            np.abs(self.even - other.even).max(axis=1) + np.abs(self.odd - other.odd).max(axis=1)
        )


@dataclass(frozen=True, kw_only=True)
class SteadySolver:
    """Solves equations with the generator of a batch, all from one factorisation.

    Parameters
    ----------
    resolvent : R
    fed_back : s, where R is that of L_0 - s and s X stands beside the jumps; 0 where L_0 itself is inverted
    tolerance : of the residual of a steady state, relative
    limit : Krylov vectors at most
    """

    resolvent: AnyResolvent
    tolerance: float
    limit: int
    fed_back: float = 0.0

    @property
    def generator(self) -> Generator:
        """L."""
        return self.resolvent.generator

    @property
    def by_halves(self) -> bool:
        """Whether the even half alone decides."""
        return not self.fed_back and self.resolvent.complete

    @classmethod
    def of(cls, generator: Generator, *, tolerance: float, limit: int, rate: float) -> SteadySolver:
        """By eigenvectors or the Schur form; with L_0 - rate inverted where L_0 is nearly singular."""

        def attempt(generators: Sequence[Generator], form: Form) -> list[SteadySolver]:
            return [
                cls(resolvent=Resolvent(one, form), tolerance=tolerance, limit=limit)
                for one in generators
            ]

        (solver,) = by_either_form([generator], attempt, lambda tried: tried.slow)
        return solver.regularised(rate) if solver.slow else solver

    @property
    def slow(self) -> bool:
        """Whether a state is left so slowly that L_0 is nearly singular."""
        return bool((self.resolvent.slowest_decay <= SLOW * self.generator.scale).any())

    def regularised(self, rate: float) -> SteadySolver:
        """The same equations, with L_0 - rate inverted in place of a nearly singular L_0."""
        return replace(
            self,
            resolvent=self.resolvent.moved(rate),
            fed_back=rate,
            limit=min(self.limit, SINGULAR_VECTORS),
        )

    def shifted(self, rate: float) -> SteadySolver:
        """Of L - rate in place of L."""
        return replace(self, resolvent=self.resolvent.moved(rate))

    def _halves(
        self, even: Real, odd: Real | None, tolerance: float
    ) -> tuple[Real, Real, KrylovResult]:
        """The same from R Y, by the even half alone; None for an odd half that is 0."""
        R, L = self.resolvent, self.generator
        return by_parity(
            lambda X: R(ODD, L.jumps(EVEN, X)),
            lambda X: R(EVEN, L.jumps(ODD, X)),
            even,
            odd,
            partial(gmres, tolerance=tolerance, limit=self.limit),
        )

    def solve(self, even: Real, odd: Real, tolerance: float) -> tuple[Real, Real, int]:
        """X with L X = -Y, and the applications that it took."""
        *X, found = self._solve(even, odd, tolerance)
        return X[EVEN], X[ODD], found.applications

    def _solve(self, even: Real, odd: Real, tolerance: float) -> tuple[Real, Real, KrylovResult]:
        R, L = self.resolvent, self.generator
        if self.by_halves:
            return self._halves(R(EVEN, even), R(ODD, odd), tolerance)
        cut, s, keeps = even.shape[1], self.fed_back, not R.complete

        def kept(parity: int, X: Real) -> Real:
            return s * X + L.kept(parity, X) if keeps else s * X

        def equation(Z: Real) -> Real:
            """The odd half first: the even one then sees two jumps, and half as many steps are needed."""
            X, Y = Z[:, :cut], Z[:, cut:]
            later = R(ODD, L.jumps(EVEN, X) + kept(ODD, Y))
            again = R(EVEN, L.jumps(ODD, later) + kept(EVEN, X))
            return np.asarray(Z - np.concatenate([again, later], axis=1))

        first = R(ODD, odd)
        right = np.concatenate([R(EVEN, even + L.jumps(ODD, first)), first], axis=1)
        krylov_result = gmres(equation, right, tolerance=tolerance, limit=self.limit)
        return krylov_result.solution[:, :cut], krylov_result.solution[:, cut:], krylov_result

    def adjoint(self, wanted: Halves, tolerance: float) -> tuple[Halves, int]:
        r"""Z with L^+ Z = W, where Tr[W rho] = 0; the part along the identity is left out.

        .. math:: Z_e = R_e^+ (J^+ Z_o - W_e), \qquad Z_o = R_o^+ (J^+ Z_e - W_o)
        """
        R, L = self.resolvent, self.generator
        halves = L.layout.identity()

        def pin(even: Real) -> Real:
            """The identity, which the equation does not hold, is moved from 0 to 1."""
            mean = (even * halves[EVEN]).sum(axis=1) / halves[EVEN].sum(axis=1)
            return np.asarray(mean[:, None] * halves[EVEN])

        def correction(right: Halves, accuracy: float) -> tuple[Real, Real, KrylovResult]:
            return by_parity(
                lambda Z: R.adjoint(ODD, L.jumps_adjoint(ODD, Z)),
                lambda Z: R.adjoint(EVEN, L.jumps_adjoint(EVEN, Z)),
                -R.adjoint(EVEN, right[EVEN]),
                -R.adjoint(ODD, right[ODD]),
                partial(gmres, tolerance=accuracy, limit=self.limit),
                pin,
            )

        if not self.by_halves:
            raise np.linalg.LinAlgError("no adjoint where L_0 is nearly singular")
        dual: Halves = (np.zeros_like(wanted[EVEN]), np.zeros_like(wanted[ODD]))
        rest, applications = wanted, 0
        for attempt in range(1 + REFINEMENTS):
            even, odd, found = correction(rest, tolerance if attempt == 0 else 0.1 * FINER)
            dual = dual[EVEN] + even, dual[ODD] + odd
            applications += found.applications
            moved = L.adjoint_derivative(*dual)
            rest = (wanted[EVEN] - moved[EVEN], wanted[ODD] - moved[ODD])
            if (norm(*rest) <= MET * tolerance * norm(*dual) * L.scale).all():
                break
        return dual, applications

    def steady_state(
        self,
        *,
        strict: bool = False,
        rng: np.random.Generator | None = None,
        guess: Halves | None = None,
    ) -> Stationary:
        """rho with L rho = 0 and trace 1, from a guess, or a uniform or random start.

        ``strict`` corrects from the original equation until rounding stops it, slow modes included.
        """
        L = self.generator
        even, odd = self._start(rng) if guess is None else guess
        applications, first = 0, None  # the vectors that know the slow modes
        for attempt in range(1 + REFINEMENTS if not self.fed_back else 2):
            if not attempt and guess is None and self.by_halves:
                # the odd half of the start is what jumps make
                rest = self.resolvent(EVEN, L.jumps(ODD, odd)) - even
                *change, found = self._halves(rest, None, 0.1 * self.tolerance)
            else:
                flow, arrivals = L.with_arrivals(even, odd)
                residual = L.relative(flow, (even, odd))
                if attempt and not strict and (residual <= MET * self.tolerance).all():
                    break
                accuracy = STRICT if strict else FINER
                if not attempt:
                    accuracy = 0.1 * self.tolerance
                    if guess is not None:  # which leaves less to be found
                        accuracy /= min(1.0, max(residual.max(), self.tolerance))
                *change, found = self._solve(*flow, accuracy)
            even, odd = even + change[EVEN], odd + change[ODD]
            applications += found.applications
            first = first or found.vectors
        else:
            flow, arrivals = L.with_arrivals(even, odd)
        distance = self._distance(first, flow)
        norms = L.layout.trace(even, odd)
        with np.errstate(divide="ignore", invalid="ignore"):  # a dark state leaves 0/0
            return Stationary(
                even=even / norms[:, None],
                odd=odd / norms[:, None],
                hermiticity=self.resolvent.hermiticity(ODD, arrivals[ODD]) / norms,
                distance=distance / np.abs(norms),
                applications=applications,
            )

    def _distance(self, vectors: KrylovVectors | None, rest: Halves) -> Real:
        r"""How far the exact state may be, by the Krylov vectors that found this one, (batch,).

        .. math:: e_o = R_o r_o, \qquad e_e = R_e (r_e + J e_o)

        is what is left of the equation for the even half, of which the odd half is made.
        """
        assert vectors is not None
        R, L = self.resolvent, self.generator
        odd = R(ODD, rest[ODD])
        if not self.by_halves:
            return vectors.distance(np.concatenate([R(EVEN, rest[EVEN]), odd], axis=1))
        even = R(EVEN, rest[EVEN] + L.jumps(ODD, odd))
        return np.asarray(2 * vectors.distance(even) + np.linalg.norm(odd, axis=1))

    def _start(self, rng: np.random.Generator | None) -> Halves:
        """What a uniform, or random, arrival in every Fock state becomes; on both halves of trace 1."""
        layout = self.generator.layout
        halves = []
        for parity in (EVEN, ODD):
            arriving = layout.zeros(parity)
            places = layout.diagonal(parity)
            arriving[:, places] = 1.0 if rng is None else rng.uniform(0.0, 2.0, places.size)
            halves.append(arriving)
        even, odd = halves
        if self.by_halves:
            even = self.resolvent(EVEN, even)
            odd = self.resolvent(ODD, self.generator.jumps(EVEN, even))
        norms = layout.trace(even, odd)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return even / norms, odd / norms
