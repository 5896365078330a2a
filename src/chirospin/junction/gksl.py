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
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.junction import fock
from chirospin.junction.model import (
    PER_MOLECULE,
    Interaction,
    Junction,
    exchange_rates,
    interaction,
    lead_couplings,
    one_body_hamiltonian,
)
from chirospin.junction.state import DensityCertificates, JunctionState, lead_current
from chirospin.numerics.krylov import gmres
from chirospin.numerics.memory import available_bytes, in_words
from chirospin.numerics.outcome import Outcome
from chirospin.numerics.sylvester import EigenInverse, SchurInverse, SylvesterInverse, pack, unpack
from chirospin.numerics.sylvester import sylvester as sylvester_map
from chirospin.numerics.threads import blas_threads

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
EVEN, ODD = 0, 1

BATCH_UNKNOWNS = 60_000  # dimers share numpy calls up to this many unknowns at a time
THREADED_SECTOR = 200  # below this sector size a second BLAS thread costs more than it gives
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
        1e-12, gt=0, description="largest residual |L rho| / |rho| in units of the energy scale"
    )
    krylov_vectors: int = Field(200, ge=1, description="most Krylov vectors of one solve")

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Steady states; neighbours of equal structure are solved in one batch.

        Raises
        ------
        ModelError : the solve would not fit in memory
        """
        for _, group in groupby(
            map(_point, models), key=lambda point: (point.charges, point.channels)
        ):
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
            answers = [
                answer
                for start in range(0, len(members), together)
                for answer in steady_states(
                    members[start : start + together], self.tolerance, self.krylov_vectors
                )
            ]
        for n, point in enumerate(points):
            yield _state(point, answers[2 * n], answers[2 * n + 1])


@dataclass(frozen=True, kw_only=True)
class Point:
    """A model in matrices, with the structure that decides which points share work."""

    h: Complex
    interaction: Interaction
    filling: Real
    emptying: Real
    coupling: Real
    leads: Real
    charges: fock.Charges
    channels: tuple[int, ...]

    def channels_of(self, magnetisation: int) -> tuple[int, ...]:
        """Jumps whose rate is not zero for one magnetisation."""
        rate = np.concatenate([self.filling[magnetisation], self.emptying[magnetisation]])
        return tuple(np.flatnonzero(rate).tolist())

    @cached_property
    def scale(self) -> float:
        """Largest one-electron energy or rate, eV: the unit of residuals."""
        return float(max(np.abs(self.h).max(), self.filling.max(), self.emptying.max()))


def _point(model: Junction) -> Point:
    if model.molecules > 12:
        raise ModelError(_too_large(model.molecules, 2.0 ** min(8 * model.molecules + 4, 1000)))
    h, terms = one_body_hamiltonian(model), interaction(model)
    filling, emptying = exchange_rates(model)
    open_channels = np.flatnonzero(np.concatenate([filling, emptying], axis=1).any(axis=0))
    return Point(
        h=h,
        interaction=terms,
        filling=filling,
        emptying=emptying,
        coupling=lead_couplings(model),
        leads=np.array([model.occupation_left, model.occupation_right]),
        charges=fock.conserved_charges(h != 0, terms.exchange),
        channels=tuple(open_channels.tolist()),
    )


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
        raise ModelError(_too_large(len(point.h) // PER_MOLECULE, need))


def _too_large(molecules: int, need: float) -> str:
    return (
        f"Parameter `molecules` must fit in memory for method gksl, but {molecules} molecules need "
        f"about {in_words(need)} and {in_words(available_bytes())} are free; "
        "mean-field and landauer fit any number"
    )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The steady state of one point and one magnetisation."""

    one_body_density: Complex
    trace: float
    hermiticity: float
    smallest_eigenvalue: float
    particles: float
    outcome: Outcome


def _state(point: Point, up: Answer, down: Answer) -> JunctionState:
    G = np.stack([up.one_body_density, down.one_body_density])
    occupation = np.einsum("mkk->mk", G).real
    pairs = {
        name: np.array([getattr(up, name), getattr(down, name)])
        for name in ("trace", "hermiticity", "smallest_eigenvalue", "particles")
    }
    return JunctionState(
        one_body_density=G,
        lead_current=lead_current(point.coupling, occupation, point.leads),
        outcomes=(up.outcome, down.outcome),
        density=DensityCertificates(**pairs),
    )


class Generator:
    """L = L_0 + J of several members of one structure, in packed Hermitian form.

    Parameters
    ----------
    members : (point, magnetisation) pairs that share charges and channels
    """

    def __init__(self, members: Sequence[tuple[Point, int]]) -> None:
        self.members = members
        self.batch = len(members)
        first = members[0][0]
        self.charges = first.charges
        self.space = fock.sectors(first.charges)
        self.heff = tuple(
            [
                _effective_hamiltonian(members, parity, number)
                for number in range(len(self.space.stacks[parity]))
            ]
            for parity in (EVEN, ODD)
        )
        rate = np.array([np.concatenate([p.filling[m], p.emptying[m]]) for p, m in members])
        self.jump = tuple(
            _jump_matrix(first.charges, first.channels, parity, rate) for parity in (EVEN, ODD)
        )

    def jumps(self, parity: int, packed: Real) -> Real:
        """J applied to the sectors of one parity; lands in the other."""
        out: Real = self.jump[parity] @ packed.reshape(-1)
        return out.reshape(self.batch, -1)

    def coherent(self, parity: int, packed: Real) -> Real:
        """L_0 applied directly, with no inverse and no eigenvector."""
        return self._by_stack(parity, packed, lambda n, X: sylvester_map(self.heff[parity][n], X))

    def derivative(self, even: Real, odd: Real) -> tuple[Real, Real]:
        """L rho, even and odd sectors."""
        return (
            self.coherent(EVEN, even) + self.jumps(ODD, odd),
            self.coherent(ODD, odd) + self.jumps(EVEN, even),
        )

    def residual(self, even: Real, odd: Real) -> Real:
        """|L rho| / |rho| in units of each point's energy scale, shape (batch,)."""
        scale = np.array([point.scale for point, _ in self.members])
        size = _norm(even, odd) * scale
        return _norm(*self.derivative(even, odd)) / np.where(size > 0, size, np.nan)

    def trace(self, parity: int, packed: Real) -> Real:
        """Trace of the sectors of one parity, shape (batch,)."""
        return np.asarray(packed[:, _diagonal(self.charges, parity)].sum(axis=1))

    def _by_stack(self, parity: int, packed: Real, action: Any) -> Real:
        out = np.empty_like(packed)
        for n, stack in enumerate(self.space.stacks[parity]):
            X = unpack(packed[:, stack.span].reshape(self.batch, *stack.shape))
            out[:, stack.span] = pack(action(n, X)).reshape(self.batch, -1)
        return out


class Resolvent:
    """L_0^{-1} of a generator; ``kind`` says how each sector is inverted."""

    def __init__(self, generator: Generator, kind: type[EigenInverse] | type[SchurInverse]) -> None:
        self.generator = generator
        self.inverse: tuple[list[SylvesterInverse], ...] = tuple(
            [kind(block) for block in generator.heff[parity]] for parity in (EVEN, ODD)
        )
        self.slowest_decay = np.min(
            [inverse.slowest_decay.min(axis=-1) for half in self.inverse for inverse in half],
            axis=0,
        )

    def __call__(self, parity: int, packed: Real) -> Real:
        """-L_0^{-1} Y in packed form."""
        return -self.generator._by_stack(parity, packed, lambda n, Y: self.inverse[parity][n](Y))

    def hermiticity(self, parity: int, packed: Real) -> Real:
        """Norm of the anti-Hermitian part that packing drops from -L_0^{-1} Y, (batch,)."""
        total = np.zeros(self.generator.batch)
        for n, stack in enumerate(self.generator.space.stacks[parity]):
            Y = unpack(packed[:, stack.span].reshape(self.generator.batch, *stack.shape))
            X = self.inverse[parity][n](Y)
            defect = X - np.conj(np.swapaxes(X, -1, -2))
            total += (np.abs(defect) ** 2).sum(axis=(1, 2, 3))
        return np.sqrt(total) / 2


def _norm(even: Real, odd: Real) -> Real:
    """Frobenius norm of a packed operator, shape (batch,)."""
    return np.asarray(np.sqrt((even**2).sum(axis=1) + (odd**2).sum(axis=1)))


def _effective_hamiltonian(
    members: Sequence[tuple[Point, int]], parity: int, number: int
) -> Complex:
    r"""H_eff of one stack of sectors for every member, (batch, sector, d, d).

    .. math:: H_{eff} = H - \tfrac{i}{2} \sum_k [\alpha_k (1 - n_k) + \beta_k n_k]
    """
    first = members[0][0]
    space = fock.sectors(first.charges)
    sectors, size, _ = space.stacks[parity][number].shape
    occupied = fock.occupations(first.charges, parity, number)
    pairs, terms = _terms(first)
    hops = fock.moves(first.charges, parity, number, terms)
    heff = np.zeros((len(members), sectors * size * size), dtype=complex)
    diagonal = np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1)
    flat = occupied.reshape(-1, space.orbitals)
    for b, (point, m) in enumerate(members):
        repulsion = ((flat @ point.interaction.density) * flat).sum(axis=1) / 2
        energy = flat @ point.h.diagonal().real + repulsion
        decay = flat @ (point.emptying[m] - point.filling[m]) + point.filling[m].sum()
        strength = np.concatenate(
            [
                point.h[pairs[:, 0], pairs[:, 1]],
                point.interaction.strength,
                point.interaction.strength,
            ]
        )
        heff[b, hops.where] = hops.sign * strength[hops.term]
        heff[b, diagonal.ravel()] = energy - 0.5j * decay
    return heff.reshape(len(members), sectors, size, size)


def _terms(point: Point) -> tuple[NDArray[np.int64], tuple[tuple[tuple[int, ...], ...], ...]]:
    """Off-diagonal terms of H: one-body pairs (m, n), then exchange and its conjugates."""
    groups = np.array(point.charges)
    joined = (groups[:, :, None] == groups[:, None, :]).all(axis=0)
    np.fill_diagonal(joined, False)
    pairs = np.argwhere(joined)
    hops = [((int(m),), (int(n),)) for m, n in pairs]
    exchange = [((p, q), (r, s)) for p, q, r, s in point.interaction.exchange.tolist()]
    back = [((s, r), (q, p)) for p, q, r, s in point.interaction.exchange.tolist()]
    return pairs, (*hops, *exchange, *back)


def _jump_matrix(
    charges: fock.Charges, channels: tuple[int, ...], parity: int, rate: Real
) -> scipy.sparse.csr_array:
    """J from one parity to the other, block diagonal over the batch."""
    pattern = fock.jumps(charges, channels, parity)
    space = fock.sectors(charges)
    batch = len(rate)
    columns, rows = space.unknowns(parity), space.unknowns(1 - parity)
    data = (rate[:, pattern.channel] * pattern.sign).ravel()
    shift = np.arange(batch, dtype=np.int32)[:, None]
    index = (pattern.column + shift * columns).ravel()
    pointer = np.concatenate(
        [
            (pattern.pointer[:-1] + shift * pattern.pointer[-1]).ravel(),
            [batch * int(pattern.pointer[-1])],
        ]
    )
    return scipy.sparse.csr_array((data, index, pointer), shape=(batch * rows, batch * columns))


@lru_cache(maxsize=16)
def _diagonal(charges: fock.Charges, parity: int) -> NDArray[np.int64]:
    """Packed positions of the diagonal elements of all sectors of one parity."""
    where = []
    for stack in fock.sectors(charges).stacks[parity]:
        sectors, size, _ = stack.shape
        inside = np.arange(sectors)[:, None] * size**2 + np.arange(size) * (size + 1)
        where.append(stack.start + inside.ravel())
    return np.concatenate(where)


@lru_cache(maxsize=64)
def closed_classes(charges: fock.Charges, channels: tuple[int, ...]) -> int:
    """Number of sets of sectors that jumps lead into and never out of; one state for each."""
    space = fock.sectors(charges)
    n = space.orbitals
    states = np.arange(2**n)
    occupied = (states[:, None] >> np.arange(n)) & 1
    _, sector = np.unique(occupied @ np.array(charges).T, axis=0, return_inverse=True)
    sector = sector.reshape(-1)
    count = int(sector.max()) + 1
    edges = [np.zeros((2, 0), dtype=int)]
    for channel in channels:
        able = occupied[:, channel % n] == (0 if channel < n else 1)
        edges.append(np.stack([sector[able], sector[states[able] ^ (1 << (channel % n))]]))
    source, target = np.concatenate(edges, axis=1)
    graph = scipy.sparse.coo_array((np.ones(source.size), (source, target)), shape=(count, count))
    classes, label = scipy.sparse.csgraph.connected_components(graph, connection="strong")
    leaks = label[source] != label[target]
    return int(classes - np.unique(label[source[leaks]]).size)


STALLED = "the residual stalled above the tolerance; raise krylov_vectors or tolerance"
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
    trace: Real
    hermiticity: Real
    dark: NDArray[np.bool_]
    applications: int


def steady_states(
    members: Sequence[tuple[Point, int]], tolerance: float, limit: int
) -> list[Answer]:
    """Steady states of members of one structure, in one batch."""
    try:
        answers = _solve(members, EigenInverse, tolerance, limit)
        poor = [n for n, answer in enumerate(answers) if answer.outcome.reason == STALLED]
    except np.linalg.LinAlgError:
        answers, poor = [None] * len(members), list(range(len(members)))
    if poor:  # nearly defective H_eff: its eigenvectors lose digits, its Schur form does not
        again = _solve([members[n] for n in poor], SchurInverse, tolerance, limit)
        for n, answer in zip(poor, again, strict=True):
            answers[n] = answer
    return answers


def _solve(
    members: Sequence[tuple[Point, int]],
    kind: type[EigenInverse] | type[SchurInverse],
    tolerance: float,
    limit: int,
) -> list[Any]:
    generator = Generator(members)
    equal = np.array([point.leads[0] == point.leads[1] for point, _ in members])
    found = None if equal.all() else _stationary(generator, kind, tolerance, limit)
    product = _product_state(generator)
    if found is None:
        found = product
    elif equal.any():
        found = Stationary(
            **{
                name: np.where(
                    equal.reshape(-1, *[1] * (getattr(found, name).ndim - 1)),
                    getattr(product, name),
                    getattr(found, name),
                )
                for name in ("even", "odd", "trace", "hermiticity", "dark")
            },
            applications=found.applications,
        )
    return _answers(generator, found, tolerance)


def _stationary(
    generator: Generator,
    kind: type[EigenInverse] | type[SchurInverse],
    tolerance: float,
    limit: int,
) -> Stationary:
    """Solve X = Psi Psi X on the even sectors, Psi = -L_0^{-1} J."""
    inverse = Resolvent(generator, kind)
    scale = np.array([point.scale for point, _ in generator.members])

    def cycle(X: Real) -> Real:
        """Psi Psi, even to even."""
        odd = inverse(ODD, generator.jumps(EVEN, X))
        return inverse(EVEN, generator.jumps(ODD, odd))

    uniform = np.zeros((generator.batch, generator.space.unknowns(EVEN)))
    uniform[:, _diagonal(generator.charges, EVEN)] = 1.0
    start = inverse(EVEN, uniform)
    found = gmres(
        lambda Z: Z - cycle(Z), cycle(start) - start, tolerance=0.1 * tolerance, limit=limit
    )
    even = start + found.solution
    odd = inverse(ODD, generator.jumps(EVEN, even))
    applications = found.applications
    for _ in range(REFINEMENTS):
        poor = generator.residual(even, odd) > 0.5 * tolerance
        if not poor.any():
            break
        # L (rho + delta) = 0, the right side taken from the original equation
        rest_even, rest_odd = generator.derivative(even, odd)
        half = inverse(ODD, rest_odd)
        found = gmres(
            lambda Z: Z - cycle(Z),
            inverse(EVEN, rest_even + generator.jumps(ODD, half)),
            tolerance=1e-4,
            limit=limit,
        )
        even += found.solution
        odd += half + inverse(ODD, generator.jumps(EVEN, found.solution))
        applications += found.applications
    arrivals = generator.jumps(EVEN, even)
    kept = generator.trace(EVEN, generator.jumps(ODD, inverse(ODD, arrivals)))
    norm = generator.trace(EVEN, even) + generator.trace(ODD, odd)
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # a dark state leaves 0/0, told by ``dark``
        return Stationary(
            even=even / norm[:, None],
            odd=odd / norm[:, None],
            trace=kept / generator.trace(ODD, arrivals),
            hermiticity=inverse.hermiticity(ODD, arrivals) / norm,
            dark=inverse.slowest_decay <= DARK * scale,
            applications=applications,
        )


def _product_state(generator: Generator) -> Stationary:
    r"""Leads of equal occupation f: every orbital is filled with f, whatever the Hamiltonian.

    .. math:: \rho = \prod_k [f n_k + (1 - f)(1 - n_k)]
    """
    f = np.array([[point.leads[0]] for point, _ in generator.members])
    halves = []
    for parity in (EVEN, ODD):
        number = np.concatenate(
            [np.bitwise_count(stack.states).ravel() for stack in generator.space.stacks[parity]]
        )
        half = np.zeros((generator.batch, generator.space.unknowns(parity)))
        half[:, _diagonal(generator.charges, parity)] = f**number * (1 - f) ** (
            generator.space.orbitals - number
        )
        halves.append(half)
    none = np.zeros(generator.batch)
    return Stationary(
        even=halves[EVEN],
        odd=halves[ODD],
        trace=none + 1,
        hermiticity=none,
        dark=none > 0,
        applications=0,
    )


def _answers(generator: Generator, found: Stationary, tolerance: float) -> list[Answer]:
    """One-body density, certificates and outcome of every member."""
    halves = (found.even, found.odd)
    orbitals, batch = generator.space.orbitals, generator.batch
    residual = generator.residual(*halves)
    pairs, terms = _terms(generator.members[0][0])
    hop = np.zeros((batch, len(pairs)), dtype=complex)
    occupation = np.zeros((batch, orbitals))
    particles, lowest = np.zeros(batch), np.full(batch, np.inf)
    for parity, half in enumerate(halves):
        for n, stack in enumerate(generator.space.stacks[parity]):
            X = unpack(half[:, stack.span].reshape(batch, *stack.shape))
            weight = np.einsum("bsii->bsi", X).real.reshape(batch, -1)
            occupation += weight @ fock.occupations(generator.charges, parity, n).reshape(
                -1, orbitals
            )
            particles += weight @ np.bitwise_count(stack.states).ravel()
            lowest = np.minimum(lowest, _smallest_eigenvalue(X))
            hop += _expectation(
                fock.moves(generator.charges, parity, n, terms), X.reshape(batch, -1), len(pairs)
            )
    G = np.zeros((batch, orbitals, orbitals), dtype=complex)
    G[:, pairs[:, 0], pairs[:, 1]] = hop
    G[:, np.arange(orbitals), np.arange(orbitals)] = occupation
    answers = []
    for b, (point, m) in enumerate(generator.members):
        several = closed_classes(point.charges, point.channels_of(m))
        good = bool(residual[b] <= tolerance)  # a NaN is not good
        reason = (
            SEVERAL.format(several)
            if several > 1
            else STATIONARY
            if found.dark[b]
            else ""
            if good
            else STALLED
        )
        answers.append(
            Answer(
                one_body_density=G[b],
                trace=float(found.trace[b]),
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
    return answers


def _smallest_eigenvalue(X: Complex) -> Real:
    """Smallest eigenvalue over the sectors of a stack, (batch,); NaN where X is not finite."""
    finite = np.isfinite(X).all(axis=(1, 2, 3))
    lowest = np.full(len(X), np.nan)
    lowest[finite] = np.linalg.eigvalsh(X[finite]).min(axis=(1, 2))
    return lowest


def _expectation(hops: fock.Moves, flat: Complex, count: int) -> Complex:
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
