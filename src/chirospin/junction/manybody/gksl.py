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
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import LOOSEST, MOST_VECTORS, TIGHTEST, Method
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.liouvillian import (
    EVEN,
    ODD,
    Blocks,
    Complex,
    Generator,
    Layout,
    Point,
    Real,
    Resolvent,
    closed_classes,
    diagonal,
    off_diagonal_terms,
)
from chirospin.junction.model import PER_MOLECULE, Junction
from chirospin.junction.state import DensityCertificates, JunctionState, lead_current, unreached
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

Bools = NDArray[np.bool_]

BATCH_UNKNOWNS = 60_000  # dimers share numpy calls up to this many unknowns at a time
THREADED_SECTOR = 200  # below this sector size a second BLAS thread costs more than it gives
SAME_STATE = 1e-7  # largest difference of matrix elements between two starts
NEGATIVE = -1e-11  # an eigenvalue of rho below this is not rounding: slow modes are not resolved
DARK = 1e-13  # decay, relative to the energy scale, below which a state is stationary
REFINEMENTS = 3  # corrections from the residual of the original equation, where one is needed
KRYLOV_GUESS = 40  # vectors assumed when memory is estimated


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

    tolerance: float = Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual |L rho| / |rho| in units of the energy scale",
    )
    krylov_vectors: int = Field(
        200, ge=1, le=MOST_VECTORS, description="most Krylov vectors of one solve"
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Steady states; neighbours of equal structure are solved in one batch.

        Raises
        ------
        ModelError : the solve would not fit in memory
        """
        for _, group in groupby(map(checked_point, models), key=lambda p: (p.charges, p.channels)):
            points = list(group)
            check_memory(points[0])
            unknowns = sum(size**2 for size in fock.sector_sizes(points[0].charges))
            step = max(1, BATCH_UNKNOWNS // (2 * unknowns))
            for start in range(0, len(points), step):
                yield from self._solve_batch(points[start : start + step], unknowns)

    def _solve_batch(self, points: list[Point], unknowns: int) -> Iterator[JunctionState]:
        members = [(point, m) for point in points for m in (0, 1)]
        together = len(members) if 2 * unknowns <= BATCH_UNKNOWNS else 1
        largest = max(fock.sector_sizes(points[0].charges))
        with blas_threads(1 if largest < THREADED_SECTOR else None):
            found = [
                answer
                for start in range(0, len(members), together)
                for answer in steady_states(
                    members[start : start + together], self.tolerance, self.krylov_vectors
                )
            ]
        for n, point in enumerate(points):
            yield state_of(point, found[2 * n], found[2 * n + 1])


def checked_point(model: Junction) -> Point:
    """The matrices of a model whose sectors can at least be listed.

    Raises
    ------
    ModelError : too many molecules
    """
    if model.molecules > 12:  # even listing the sectors would take long
        raise ModelError(_too_large(model.molecules, 2.0 ** min(8 * model.molecules + 4, 1000)))
    return Point.of(model)


def check_memory(point: Point) -> None:
    """Refuse a size whose estimated memory is not there.

    Raises
    ------
    ModelError : says how much would be needed and which method fits
    """
    unknowns = float(sum(size**2 for size in fock.sector_sizes(point.charges)))
    # H_eff, eigenvectors, inverse, denominators and two working copies: complex; Krylov: half, real
    need = unknowns * (6 * 16 + KRYLOV_GUESS * 8 / 2 + len(point.channels) / 4 * 24)
    if need > available_bytes():
        products = 64.0 * sum(size**3 for size in fock.sector_sizes(point.charges)) * KRYLOV_GUESS
        raise ModelError(_too_large(len(point.h) // PER_MOLECULE, need, products))


def _too_large(molecules: int, need: float, products: float = 0.0) -> str:
    work = f" and some {products:.0e} multiplications a magnetisation" if products else ""
    return (
        f"Parameter `molecules` must fit in memory for method gksl, but {molecules} molecules need "
        f"about {in_words(need)}{work}, and {in_words(available_bytes())} are free; "
        "gksl-mixed takes less, mean-field and landauer fit any number"
    )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The steady state of one point and one magnetisation."""

    one_body_density: Complex
    trace_drift: float
    hermiticity: float | None
    smallest_eigenvalue: float
    particles: float
    outcome: Outcome


def state_of(point: Point, up: Answer, down: Answer) -> JunctionState:
    """The state of both magnetisations."""
    G = np.stack([up.one_body_density, down.one_body_density])
    occupation = np.einsum("mkk->mk", G).real
    pairs = {
        name: np.array([getattr(up, name), getattr(down, name)])
        for name in ("trace_drift", "smallest_eigenvalue", "particles")
    }
    skew = [one.hermiticity for one in (up, down) if one.hermiticity is not None]
    return JunctionState(
        one_body_density=G,
        lead_current=lead_current(point.coupling, occupation, point.leads),
        outcomes=(up.outcome, down.outcome),
        density=DensityCertificates(**pairs, hermiticity=np.array(skew) if skew else None),
    )


STALLED = "the residual stalled above the tolerance; raise krylov_vectors or tolerance"
UNREACHED_STATES = (
    "there are several steady states: two starts led to different ones; some combination of "
    "orbitals is joined to no lead"
)
SEVERAL = (
    "there are {} steady states: a conserved charge that no lead changes; couple every orbital "
    "to a lead, directly or through hopping or spin-orbit coupling"
)
STATIONARY = (
    "a dark state: some charge sector holds a state that neither lead can fill or empty, so the "
    "resolvent is singular; change a coupling, a hopping or an occupation slightly"
)


@dataclass(frozen=True, kw_only=True)
class Stationary:
    """Even and odd sectors of steady states, packed, and how they were found; batch first."""

    even: Real
    odd: Real
    hermiticity: Real
    dark: Bools
    applications: int
    several: Bools | None = None


@dataclass(frozen=True, kw_only=True)
class Solved:
    """Steady states of a batch with the generator and its resolvent, for what follows from them."""

    inverse: Resolvent
    found: Stationary
    answers: list[Answer]


def steady_states(
    members: Sequence[tuple[Point, int]], tolerance: float, limit: int
) -> list[Answer]:
    """Steady states of members of one structure, in one batch.

    Those that stall, or whose density operator is not positive, are solved again with the Schur form
    of H_eff, which loses no digits where eigenvectors do, and refined as far as rounding allows.
    """
    try:
        found: list[Any] = solved(members, EigenInverse, tolerance, limit).answers
        poor = [n for n, answer in enumerate(found) if doubtful(answer)]
    except np.linalg.LinAlgError:
        found, poor = [None] * len(members), list(range(len(members)))
    if poor:
        again = solved([members[n] for n in poor], SchurInverse, tolerance, limit, strict=True)
        for n, answer in zip(poor, again.answers, strict=True):
            found[n] = answer
    return found


def doubtful(answer: Answer) -> bool:
    """Whether the Schur form should have another look."""
    stalled = answer.outcome.reason == STALLED
    return stalled or (answer.outcome.converged and answer.smallest_eigenvalue < NEGATIVE)


def solved(
    members: Sequence[tuple[Point, int]],
    kind: type[EigenInverse] | type[SchurInverse],
    tolerance: float,
    limit: int,
    *,
    strict: bool = False,
) -> Solved:
    """Steady states of one batch by one kind of inverse, without a second attempt."""
    generator = Generator(members)
    equal = np.array([point.leads[0] == point.leads[1] for point, _ in members])
    inverse = Resolvent(generator, kind)
    product = product_state(generator, np.array([[point.leads[0]] for point, _ in members]))
    found = product if equal.all() else stationary(inverse, tolerance, limit, strict=strict)
    if equal.any() and not equal.all():
        found = Stationary(
            **{
                name: np.where(
                    equal.reshape(-1, *[1] * (getattr(found, name).ndim - 1)),
                    getattr(product, name),
                    getattr(found, name),
                )
                for name in ("even", "odd", "hermiticity", "dark")
            },
            applications=found.applications,
        )
    suspect = np.array([_mode_unreached(point, m) for point, m in members])
    if suspect.any():
        again = stationary(inverse, tolerance, limit, rng=np.random.default_rng(0))
        found = replace(found, several=suspect & ~_equal_states(found, again))
    return Solved(inverse=inverse, found=found, answers=answers(generator, found, tolerance))


def _mode_unreached(point: Point, magnetisation: int) -> bool:
    """Whether a one-electron mode is joined to no lead: then a steady state may not be unique."""
    decay = np.array([point.one_body_decay(magnetisation)])
    return bool(unreached(decay, point.h)[0])


def _equal_states(one: Stationary, other: Stationary) -> Bools:
    """Whether two starts led to the same steady state, (batch,)."""
    apart = np.abs(one.even - other.even).max(axis=1) + np.abs(one.odd - other.odd).max(axis=1)
    return np.asarray(apart < SAME_STATE)


def stationary(
    inverse: Resolvent,
    tolerance: float,
    limit: int,
    *,
    strict: bool = False,
    rng: np.random.Generator | None = None,
) -> Stationary:
    """Solve X = Psi Psi X on the even sectors, Psi = -L_0^{-1} J, from a uniform or a random start.

    ``strict`` corrects from the original equation until rounding stops it, slow modes included.
    """
    generator = inverse.generator
    scale = np.array([point.scale for point, _ in generator.members])

    def cycle(X: Real) -> Real:
        """Psi Psi, even to even."""
        odd = inverse(ODD, generator.jumps(EVEN, X))
        return inverse(EVEN, generator.jumps(ODD, odd))

    arriving = np.zeros((generator.batch, generator.space.unknowns(EVEN)))
    places = diagonal(generator.charges, EVEN)
    arriving[:, places] = 1.0 if rng is None else rng.uniform(0.0, 2.0, places.size)
    start = inverse(EVEN, arriving)
    found = gmres(
        lambda Z: Z - cycle(Z), cycle(start) - start, tolerance=0.1 * tolerance, limit=limit
    )
    even = start + found.solution
    odd = inverse(ODD, generator.jumps(EVEN, even))
    applications = found.applications
    for _ in range(REFINEMENTS):
        if not strict and (generator.residual(even, odd) <= 0.5 * tolerance).all():
            break
        # L (rho + delta) = 0, the right side taken from the original equation
        rest_even, rest_odd = generator.derivative(even, odd)
        half = inverse(ODD, rest_odd)
        found = gmres(
            lambda Z: Z - cycle(Z),
            inverse(EVEN, rest_even + generator.jumps(ODD, half)),
            tolerance=1e-10 if strict else 1e-4,
            limit=limit,
        )
        even += found.solution
        odd += half + inverse(ODD, generator.jumps(EVEN, found.solution))
        applications += found.applications
    arrivals = generator.jumps(EVEN, even)
    norm = generator.trace(EVEN, even) + generator.trace(ODD, odd)
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # a dark state leaves 0/0, told by ``dark``
        return Stationary(
            even=even / norm[:, None],
            odd=odd / norm[:, None],
            hermiticity=inverse.hermiticity(ODD, arrivals) / norm,
            dark=inverse.slowest_decay <= DARK * scale,
            applications=applications,
        )


def product_state(generator: Layout, f: Real) -> Stationary:
    r"""Leads of equal occupation f: every orbital is filled with f, whatever the Hamiltonian.

    .. math:: \rho = \prod_k [f n_k + (1 - f)(1 - n_k)]
    """
    halves = []
    for parity in (EVEN, ODD):
        number = np.concatenate(
            [np.bitwise_count(stack.states).ravel() for stack in generator.space.stacks[parity]]
        )
        half = np.zeros((generator.batch, generator.space.unknowns(parity)))
        half[:, diagonal(generator.charges, parity)] = f**number * (1 - f) ** (
            generator.space.orbitals - number
        )
        halves.append(half)
    none = np.zeros(generator.batch)
    return Stationary(
        even=halves[EVEN],
        odd=halves[ODD],
        hermiticity=none,
        dark=none > 0,
        applications=0,
    )


def answers(generator: Generator, found: Stationary, tolerance: float) -> list[Answer]:
    """One-body density, certificates and outcome of every member."""
    halves = (found.even, found.odd)
    batch = generator.batch
    residual = generator.residual(*halves)
    drift = generator.trace_drift(*halves)
    particles, lowest = np.zeros(batch), np.full(batch, np.inf)
    blocks = generator.blocks(halves)
    for (parity, n), X in blocks.items():
        stack = generator.space.stacks[parity][n]
        weight = np.einsum("bsii->bsi", X).real.reshape(batch, -1)
        particles += weight @ np.bitwise_count(stack.states).ravel()
        lowest = np.minimum(lowest, smallest_eigenvalue(X))
    G = one_body_density(generator, blocks)
    found_answers = []
    for b, (point, m) in enumerate(generator.members):
        several = closed_classes(point.charges, point.channels_of(m))
        good = bool(residual[b] <= tolerance)  # a NaN is not good
        reason = "" if good else STALLED
        if several > 1:
            reason = SEVERAL.format(several)
        elif found.dark[b]:
            reason = STATIONARY
        elif found.several is not None and found.several[b]:
            reason = UNREACHED_STATES
        if reason and several <= 1:
            reason = point.far_apart or reason
        found_answers.append(
            Answer(
                one_body_density=G[b],
                trace_drift=float(drift[b]),
                hermiticity=float(found.hermiticity[b]),
                smallest_eigenvalue=float(lowest[b]),
                particles=float(particles[b]),
                outcome=Outcome(
                    converged=not reason,
                    residual=float(residual[b]),
                    iterations=found.applications,
                    reason=reason,
                ),
            )
        )
    return found_answers


def smallest_eigenvalue(X: Complex) -> Real:
    """Smallest eigenvalue over the sectors of a stack, (batch,); NaN where X is not finite."""
    finite = np.isfinite(X).all(axis=(1, 2, 3))
    lowest = np.full(len(X), np.nan)
    lowest[finite] = np.linalg.eigvalsh(X[finite]).min(axis=(1, 2))
    return lowest


def one_body_density(generator: Layout, blocks: Blocks) -> Complex:
    """Tr[X c^+_m c_n] of an operator in sectors, where the Hamiltonian joins m and n, (batch, n, n)."""
    orbitals, batch = generator.space.orbitals, generator.batch
    pairs, terms = off_diagonal_terms(generator.members[0][0])
    hop = np.zeros((batch, len(pairs)), dtype=complex)
    occupation = np.zeros((batch, orbitals))
    for (parity, n), X in blocks.items():
        weight = np.einsum("bsii->bsi", X).real.reshape(batch, -1)
        occupation += weight @ fock.occupations(generator.charges, parity, n).reshape(-1, orbitals)
        hops = fock.moves(generator.charges, parity, n, terms)
        hop += expectation(hops, X.reshape(batch, -1), len(pairs))
    G = np.zeros((batch, orbitals, orbitals), dtype=complex)
    G[:, pairs[:, 0], pairs[:, 1]] = hop
    G[:, np.arange(orbitals), np.arange(orbitals)] = occupation
    return G


def expectation(hops: fock.Moves, flat: Complex, count: int) -> Complex:
    """Tr[rho c^+_m c_n] of the first ``count`` terms from one stack, (batch, count)."""
    mine = hops.term < count
    term = hops.term[mine]
    values = hops.sign[mine] * np.conj(flat[:, hops.where[mine]])
    out = np.empty((len(flat), count), dtype=complex)
    for b, row in enumerate(values):
        out[b] = np.bincount(term, row.real, minlength=count) + 1j * np.bincount(
            term, row.imag, minlength=count
        )
    return out
