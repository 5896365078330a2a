r"""Steady states and noise of the second-order generators.

.. math:: L\rho = 0, \qquad S = Tr J_2\rho - 2 Tr J_1 X, \quad L X = J_1\rho - I\rho, \quad Tr X = 0

J_1 counts electrons that enter from the left lead less those that leave to it, J_2 both. With
L_0 X = -i (H_eff X - X H_eff^+) inverted sector by sector the equation is solved on the even half;
where a state decays so slowly that L_0 is nearly singular, L_0 - s is inverted instead, on both halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import LOOSEST, MOST_VECTORS, TIGHTEST, Method
from chirospin.base.threads import blas_threads
from chirospin.junction.bias.dissipators import Kind, Member, ThermalGenerator
from chirospin.junction.bias.model import BiasedJunction
from chirospin.junction.bias.state import BiasedState, broadened_current, left_flows
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.gksl import Answer, Stationary, answers
from chirospin.junction.manybody.liouvillian import EVEN, ODD, Point, Real, Resolvent, diagonal
from chirospin.junction.state import DensityCertificates
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

LEFT = np.array([1.0, 0.0])
TOGETHER = 40_000  # unknowns of the members that share numpy calls
THREADED_SECTOR = 200
SLOW = 1e-8  # decay over the energy scale below which eigenvalues of H_eff lose too many digits
REFINEMENTS = 4
SLOW_VECTORS = 120  # where L_0 is nearly singular: more do not help
SAME = 1e-6
TOO_SLOW = (
    "some states are left more slowly than rounding can tell, so their probabilities are not known; "
    "raise thermal_energy or bias, or change gate"
)


class SecondOrder(Method):
    """A generator of second order in the coupling to the leads; subclasses say which."""

    kind: ClassVar[Kind]

    tolerance: float = Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual |L rho| / |rho| in units of the energy scale",
    )
    krylov_vectors: int = Field(
        300, ge=1, le=MOST_VECTORS, description="most Krylov vectors of one solve"
    )
    counting: bool = Field(True, description="whether to find the noise too: one more solve")

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Steady states; bias and temperature share the eigenstates of the molecule.

        Raises
        ------
        ModelError : the solve would not fit in memory
        """
        members = ((model, Member.both(_allowed(model, self.name))) for model in models)

        def structure(item: tuple[BiasedJunction, tuple[Member, Member]]) -> Any:
            point = item[1][0].point
            return point.charges, point.channels

        for _, group in groupby(members, key=structure):
            alike = list(group)
            sizes = fock.sector_sizes(alike[0][1][0].point.charges)
            _check_memory(alike[0][0], sizes, self.name)
            step = max(1, TOGETHER // (2 * sum(size**2 for size in sizes)))
            with blas_threads(1 if max(sizes) < THREADED_SECTOR else None):
                for start in range(0, len(alike), step):
                    yield from self._together(alike[start : start + step], sizes)

    def broadened_current(self, model: BiasedJunction) -> Real:
        """Left currents with the Fermi functions of broadened transitions, (magnetisation,)."""
        both = list(Member.both(_allowed(model, self.name)))
        sizes = fock.sector_sizes(both[0].point.charges)
        with blas_threads(1 if max(sizes) < THREADED_SECTOR else None):
            found = self._all(both, sizes, broadened=True)
        return np.array([s.current[0] if s.answer.outcome.converged else np.nan for s in found])

    def _together(self, alike: list[Any], sizes: list[int]) -> Iterator[BiasedState]:
        found = self._all([member for _, both in alike for member in both], sizes)
        for n in range(len(alike)):
            yield self._state(found[2 * n], found[2 * n + 1])

    def _all(
        self, members: list[Member], sizes: list[int], *, broadened: bool = False
    ) -> list[Solution]:
        small = sum(size**2 for size in sizes) <= TOGETHER
        groups = [members] if small else [[member] for member in members]
        return [one for group in groups for one in self._solutions(group, broadened)]

    def _solutions(self, members: list[Member], broadened: bool) -> list[Solution]:
        generator = ThermalGenerator(members, self.kind, broadened=broadened)
        solver = Solver.of(generator, self.tolerance, self.krylov_vectors)
        found = solver.steady_state()
        particles = [
            generator.mean(generator.particle_flow[lead], found.even, found.odd) for lead in (0, 1)
        ]
        energy = [
            generator.mean(generator.energy_flow[lead], found.even, found.odd) for lead in (0, 1)
        ]
        rate = generator.trace(ODD, generator.jumps(EVEN, found.even)) + generator.trace(
            EVEN, generator.jumps(ODD, found.odd)
        )
        total = generator.coupling.sum(axis=(1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            barrier = -np.log(rate / total)
        noise = solver.noise(found) if self.counting else None
        return [
            Solution(
                answer=_slow(answer, members[b].point) if found.dark[b] else answer,
                current=np.array([current[b] for current in particles]),
                energy=np.array([current[b] for current in energy]),
                barrier=float(barrier[b]),
                noise=None if noise is None else float(noise[b]),
            )
            for b, answer in enumerate(answers(generator, found, self.tolerance))
        ]

    def _state(self, up: Solution, down: Solution) -> BiasedState:
        both = (up, down)
        plain = self.with_options(counting=False)
        return BiasedState(
            one_body_density=np.stack([one.answer.one_body_density for one in both]),
            lead_current=np.stack([one.current for one in both]),
            outcomes=(up.answer.outcome, down.answer.outcome),
            density=DensityCertificates(
                **{
                    name: np.array([getattr(one.answer, name) for one in both])
                    for name in ("trace_drift", "hermiticity", "smallest_eigenvalue", "particles")
                }
            ),
            flows=lambda model: left_flows(plain, model),
            broadened=lambda model: broadened_current(plain, model),
            energy_current=np.stack([one.energy for one in both]),
            noise=None if up.noise is None else np.array([one.noise for one in both], dtype=float),
            barrier=np.array([one.barrier for one in both]),
            second_order=True,
        )


class Redfield(SecondOrder):
    """Bloch and Redfield without Lamb shift: equilibrium exact, positivity not granted."""

    name: ClassVar[str] = "redfield"
    kind: ClassVar[Kind] = "redfield"
    summary: ClassVar[str] = "second order without Lamb shift; the quick one, 1 to 3 molecules"


class RedfieldLamb(SecondOrder):
    """Redfield with its Lamb shift: for comparison only, it drives currents against the bias."""

    name: ClassVar[str] = "redfield-lamb"
    kind: ClassVar[Kind] = "redfield-lamb"
    summary: ClassVar[str] = "Redfield with its Lamb shift, for comparison only"


class PositiveLindblad(SecondOrder):
    """Jumps weighted by square roots of the Fermi functions: positive."""

    name: ClassVar[str] = "perlind"
    kind: ClassVar[Kind] = "perlind"
    summary: ClassVar[str] = "positive Lindblad form of the second order, no Lamb shift"


class UniversalLindblad(SecondOrder):
    """The positive jumps with the Lamb shift of the universal Lindblad equation.

    References
    ----------
    nathan_rudner_2020
    """

    name: ClassVar[str] = "ule"
    kind: ClassVar[Kind] = "ule"
    summary: ClassVar[str] = "universal Lindblad equation: positive, with its Lamb shift"
    references: ClassVar[tuple[str, ...]] = ("nathan_rudner_2020",)


class DetailedBalance(SecondOrder):
    """The positive jumps with the term that makes each lead obey detailed balance (KMS)."""

    name: ClassVar[str] = "kms"
    kind: ClassVar[Kind] = "kms"
    summary: ClassVar[str] = "positive and reciprocal; for linear response and T above the spacing"


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Steady state of one member with its flows; ``current`` and ``energy`` by lead."""

    answer: Answer
    current: Real
    energy: Real
    barrier: float
    noise: float | None


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Solves L delta = -rest, Tr delta arbitrary, for the members of a generator.

    Parameters
    ----------
    shift : s of L_0 - s, eV; 0 where L_0 itself is inverted
    """

    generator: ThermalGenerator
    inverse: Resolvent
    shift: float
    tolerance: float
    limit: int

    @classmethod
    def of(cls, generator: ThermalGenerator, tolerance: float, limit: int) -> Solver:
        """With the inverse that suits the generator."""
        scale = np.array([point.scale for point, _ in generator.members])
        try:
            inverse = Resolvent(generator, EigenInverse)
            slow = bool((inverse.slowest_decay <= SLOW * scale).any())
        except np.linalg.LinAlgError:
            inverse, slow = Resolvent(generator, SchurInverse), False
        shift = 0.0
        if slow:
            shift = float(generator.coupling.max())
            inverse = Resolvent(generator, SchurInverse, shift=shift)
        return cls(
            generator=generator, inverse=inverse, shift=shift, tolerance=tolerance, limit=limit
        )

    @property
    def whole(self) -> bool:
        """Whether both halves are solved together: something keeps the parity."""
        return bool(self.shift or self.generator.dephasing.any())

    def correction(self, even: Real, odd: Real, tolerance: float) -> tuple[Real, Real, int]:
        """delta with L delta = -(even, odd)."""
        generator, inverse = self.generator, self.inverse
        if self.whole:
            return self._whole(even, odd, tolerance)

        def cycle(X: Real) -> Real:
            odd = inverse(ODD, generator.jumps(EVEN, X))
            return inverse(EVEN, generator.jumps(ODD, odd))

        half = inverse(ODD, odd)
        found = gmres(
            lambda Z: Z - cycle(Z),
            inverse(EVEN, even + generator.jumps(ODD, half)),
            tolerance=tolerance,
            limit=self.limit,
        )
        X = found.solution
        return X, half + inverse(ODD, generator.jumps(EVEN, X)), found.applications

    def _whole(self, even: Real, odd: Real, tolerance: float) -> tuple[Real, Real, int]:
        generator, inverse, s = self.generator, self.inverse, self.shift
        cut = even.shape[1]

        def equation(Z: Real) -> Real:
            X, Y = Z[:, :cut], Z[:, cut:]
            again = (
                inverse(EVEN, generator.jumps(ODD, Y) + s * X + generator.kept(EVEN, X)),
                inverse(ODD, generator.jumps(EVEN, X) + s * Y + generator.kept(ODD, Y)),
            )
            return np.asarray(Z - np.concatenate(again, axis=1))

        right = np.concatenate([inverse(EVEN, even), inverse(ODD, odd)], axis=1)
        limit = min(self.limit, SLOW_VECTORS) if s else self.limit
        found = gmres(equation, right, tolerance=tolerance, limit=limit)
        return found.solution[:, :cut], found.solution[:, cut:], found.applications

    def steady_state(self) -> Stationary:
        """rho with L rho = 0 and trace 1."""
        first = self._from(None)
        if not self.shift:
            return first
        again = self._from(np.random.default_rng(0))
        apart = np.abs(first.even - again.even).max(axis=1) + np.abs(first.odd - again.odd).max(
            axis=1
        )
        return Stationary(
            even=first.even,
            odd=first.odd,
            hermiticity=first.hermiticity,
            dark=~(apart < SAME),
            applications=first.applications + again.applications,
        )

    def _from(self, rng: np.random.Generator | None) -> Stationary:
        generator = self.generator
        halves = []
        for parity in (EVEN, ODD):
            arriving = np.zeros((generator.batch, generator.space.unknowns(parity)))
            places = diagonal(generator.charges, parity)
            arriving[:, places] = 1.0 if rng is None else rng.uniform(0.0, 2.0, places.size)
            halves.append(arriving)
        even, odd = halves
        if not self.whole:
            even = self.inverse(EVEN, even)
            odd = self.inverse(ODD, generator.jumps(EVEN, even))
        norm = generator.trace(EVEN, even) + generator.trace(ODD, odd)
        even, odd = even / norm[:, None], odd / norm[:, None]
        applications = 0
        for attempt in range(2 if self.shift else REFINEMENTS):
            if attempt and (generator.residual(even, odd) <= 0.3 * self.tolerance).all():
                break
            accuracy = 0.1 * self.tolerance if not attempt else 1e-4
            delta, epsilon, spent = self.correction(*generator.derivative(even, odd), accuracy)
            even, odd = even + delta, odd + epsilon
            applications += spent
        norm = generator.trace(EVEN, even) + generator.trace(ODD, odd)
        arrivals = generator.jumps(EVEN, even)
        return Stationary(
            even=even / norm[:, None],
            odd=odd / norm[:, None],
            hermiticity=self.inverse.hermiticity(ODD, arrivals) / norm,
            dark=np.zeros(generator.batch, dtype=bool),
            applications=applications,
        )

    def noise(self, found: Stationary) -> Real:
        """Zero-frequency noise of the left current, (batch,), electrons squared per time."""
        generator = self.generator

        def counted(even: Real, odd: Real, back: Real) -> tuple[Real, Real]:
            return (
                generator.jumps(ODD, odd, LEFT, back),
                generator.jumps(EVEN, even, LEFT, back),
            )

        def trace(even: Real, odd: Real) -> Real:
            return generator.trace(EVEN, even) + generator.trace(ODD, odd)

        flow = counted(found.even, found.odd, -LEFT)
        current = trace(*flow)[:, None]
        rest = (current * found.even - flow[0], current * found.odd - flow[1])
        even, odd, _ = self.correction(*rest, 0.1 * self.tolerance)
        surplus = trace(even, odd)[:, None]
        even, odd = even - surplus * found.even, odd - surplus * found.odd
        shot = trace(*counted(found.even, found.odd, LEFT))
        return np.asarray(shot - 2 * trace(*counted(even, odd, -LEFT)))


def _slow(answer: Answer, point: Point) -> Answer:
    reason = point.far_apart or TOO_SLOW
    return replace(answer, outcome=replace(answer.outcome, converged=False, reason=reason))


def _allowed(model: BiasedJunction, method: str) -> BiasedJunction:
    if model.molecules > 6:
        need = 16.0 * 2.0 ** min(8 * model.molecules, 1000)
        raise ModelError(_too_large(model, need, method))
    return model


def _check_memory(model: BiasedJunction, sizes: list[int], method: str) -> None:
    unknowns = float(sum(size**2 for size in sizes))
    per_jump = 2 if method.startswith("redfield") else 4  # P, and Q where it is dense
    channels = 6 * model.molecules / 2
    need = 16 * unknowns * (20 + per_jump * channels) + 40 * 8 * unknowns / 2
    if need > available_bytes():
        raise ModelError(_too_large(model, need, method))


def _too_large(model: BiasedJunction, need: float, method: str) -> str:
    return (
        f"Parameter `molecules` must fit in memory for method {method}, but {model.molecules} "
        f"molecules need about {in_words(need)} and {in_words(available_bytes())} are free; "
        "mean-field and landauer fit any number"
    )
