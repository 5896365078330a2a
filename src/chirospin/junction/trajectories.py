r"""Quantum trajectories: pure states in one charge sector at a time, with exact waiting times.

Between jumps :math:`\psi(t) = e^{-i H_{eff} t} \psi`; the next jump comes when
:math:`\lVert\psi(t)\rVert^2` has fallen to a number drawn between 0 and 1. Its channel is drawn by the
rates in that state. Each trajectory has its own stream of random numbers, so that the result depends
on the seed alone.

Two estimates of the current share one simulation: electrons counted at the leads, and the mean charge
of each jump given the state before it. Where electrons come regularly counting has the smaller variance,
where they bunch neither helps; the one with the smaller standard error is reported, the other kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.sweep import end_with
from chirospin.junction import fock
from chirospin.junction.gksl import GKSL, checked_point
from chirospin.junction.liouvillian import (
    Complex,
    Point,
    Real,
    closed_classes,
    sparse_hamiltonians,
)
from chirospin.junction.model import Junction
from chirospin.junction.observables import CURRENT, current, mean_current, spin_polarisation
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.numerics.memory import available_bytes, in_words
from chirospin.numerics.outcome import Outcome
from chirospin.numerics.threads import blas_threads
from chirospin.numerics.waiting import ChebyshevWaiting, EigenWaiting, Waiting

Ints = NDArray[np.int64]
Key = tuple[int, int, int]

WITH_EIGENVECTORS = 100  # states of a sector; beyond, steps of products are cheaper
LARGEST_SECTOR = 70_000  # five molecules; beyond, one jump takes minutes
STREAM_BYTES = 4000  # of a stream of random numbers
MOST_JUMPS = 1e9  # a day
BUFFER = 512  # random numbers drawn from a stream at a time
HALVES = 2
PHASE = 1e-3  # rad of rounding, far below any error bar that can be had
DRIFT = 5.0  # standard errors between the halves that are taken for an unfinished start


class SampledJunction(Junction):
    """The stack of the family, its current sampled.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9)
    """


class Trajectories(Method):
    """Monte Carlo of the master equation by jumps of pure states; numbers with error bars.

    Good where the electrons come regularly; where slow states bunch them (Fano factors near a
    hundred at the reference point) the error falls only with the root of a hundredth of the jumps.
    """

    name: ClassVar[str] = "trajectories"
    summary: ClassVar[str] = "quantum jumps of pure states with error bars, 1 to 5 molecules"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "dalibard_castin_molmer_1992",
        "plenio_knight_1998",
        "tal_ezer_kosloff_1984",
    )

    trajectories: int = Field(
        200, ge=8, le=1_000_000, description="independent trajectories of a magnetisation"
    )
    time: float = Field(
        2000.0, ge=1e-3, le=1e7, description="length of each after the start, hbar/eV"
    )
    start: float = Field(500.0, ge=0, le=1e7, description="time that is not counted, hbar/eV")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="of all random numbers")
    processes: int = Field(
        1, ge=1, le=1024, description="that share the trajectories; no draw changes"
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """One state per model; its outcome says whether the two halves of the time agree.

        Raises
        ------
        ModelError : a sector too large for its eigenvectors
        """
        return map(self._state, models)

    def _state(self, model: Junction) -> SampledState:
        point = checked_point(model)
        largest = max(fock.sector_sizes(point.charges))
        if largest > LARGEST_SECTOR:
            raise ModelError(
                f"Parameter `molecules` must give sectors of at most {LARGEST_SECTOR} states for "
                f"method trajectories, but {model.molecules} molecules have one of {largest}; "
                "mean-field fits any number"
            )
        self._check_memory(largest)
        self._check_work(point)
        runs = self._runs(point)
        best = [run.best for run in runs]
        occupation = np.stack([run.occupation for run in runs])
        G = np.zeros((2, occupation.shape[1], occupation.shape[1]), dtype=complex)
        G[:, np.arange(G.shape[1]), np.arange(G.shape[1])] = occupation
        outcomes = [self._outcome(point, m, run) for m, run in enumerate(runs)]
        return SampledState(
            one_body_density=G,
            lead_current=np.array([[one.value, -one.value] for one in best]),
            outcomes=(outcomes[0], outcomes[1]),
            current_error=np.array([one.error for one in best]),
            counted=tuple(run.counted for run in runs),
            expected=tuple(run.expected for run in runs),
            bunching=np.array([run.bunching for run in runs]),
            drift=np.array([run.drift for run in runs]),
        )

    def _phase_error(self, point: Point) -> float:
        """Rounding of the phases E t that a trajectory has gathered at its end, rad."""
        terms = point.interaction
        largest = max(
            point.scale,
            float(np.abs(terms.density).max(initial=0.0)),
            float(np.abs(terms.strength).max(initial=0.0)),
        )
        return float(np.finfo(float).eps * largest * (self.start + self.time))

    def _check_memory(self, largest: int) -> None:
        """Refuse more trajectories at a time than there is memory for."""
        together = self.processes * -(-self.trajectories // self.processes)
        need = together * (STREAM_BYTES + 8.0 * BUFFER + 2 * 16.0 * largest)
        free = available_bytes()
        if need > free:
            raise ModelError(
                f"Option `trajectories` of method trajectories must fit in memory, but {self.trajectories} "
                f"with sectors of {largest} states need about {in_words(need)} and {in_words(free)} are free"
            )

    def _check_work(self, point: Point) -> None:
        """Refuse times in which the leads may ask for more jumps than anybody waits for."""
        fastest = float(np.maximum(point.filling, point.emptying).sum(axis=1).max())
        jumps = self.trajectories * (self.start + self.time) * fastest
        if jumps > MOST_JUMPS:
            raise ModelError(
                f"Option `time` of method trajectories must leave at most {MOST_JUMPS:.0e} jumps, but "
                f"{self.trajectories} trajectories of {self.start + self.time:g} hbar/eV with rates up to "
                f"{fastest:.3g} eV may have {jumps:.0e}; shorten time, or take gksl"
            )

    def _outcome(self, point: Point, m: int, run: Run) -> Outcome:
        reason = ""
        if unreached(np.array([point.one_body_decay(m)]), point.h)[0]:
            reason = UNREACHED
        elif closed_classes(point.charges, point.channels_of(m)) > 1:
            reason = "there are several steady states; a trajectory finds one of them by chance"
        elif self._phase_error(point) > PHASE:
            reason = (
                "the energies are so large beside the rates that phases drown in rounding; scale the "
                "largest energy down or shorten time"
            )
        elif run.stuck:
            reason = "a trajectory came into a state that no lead changes; gksl says more"
        elif abs(run.drift) > DRIFT:
            reason = (
                f"the halves of the time differ by {abs(run.drift):.1f} standard errors: the start "
                "is not forgotten; raise start"
            )
        return Outcome(
            converged=not reason,
            residual=run.best.error,
            iterations=run.jumps,
            reason=reason,
        )

    def _runs(self, point: Point) -> list[Run]:
        """Both magnetisations, their trajectories in groups that do not know of each other."""
        edges = (self.start, self.start + self.time / 2, self.start + self.time)
        together = -(-self.trajectories // self.processes)
        tasks = [
            (point, m, range(first, min(first + together, self.trajectories)), self.seed, edges)
            for m in (0, 1)
            for first in range(0, self.trajectories, together)
        ]
        if self.processes == 1:
            tallies = [tally(*task) for task in tasks]
        else:
            with ProcessPoolExecutor(
                self.processes,
                mp_context=get_context("spawn"),
                initializer=end_with,
                initargs=(os.getpid(),),
            ) as pool:
                tallies = list(pool.map(tally, *zip(*tasks, strict=True)))
        half = len(tallies) // 2
        return [summary(tallies[:half], self.time), summary(tallies[half:], self.time)]


@dataclass(frozen=True, kw_only=True)
class SampledState(JunctionState):
    """A state known up to error bars.

    Parameters
    ----------
    current_error : standard error of the current from the left, (magnetisation,), eV/hbar
    counted, expected : both estimates for both magnetisations
    bunching : variance of the electrons counted over their number: an estimate of the Fano factor
    drift : difference of the halves of the time in standard errors, (magnetisation,)
    """

    current_error: Real
    counted: tuple[Estimate, ...]
    expected: tuple[Estimate, ...]
    bunching: Real
    drift: Real


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A current from left to right and its standard error; each trajectory is one sample, eV/hbar.

    Trajectories are independent, so correlation in time along one needs no correction.
    """

    value: float
    error: float

    @classmethod
    def of(cls, samples: Real) -> Estimate:
        """From the means of the trajectories, (trajectory,)."""
        return cls(
            value=float(samples.mean()), error=float(samples.std(ddof=1) / np.sqrt(samples.size))
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the trajectories of one magnetisation add up to."""

    counted: Estimate
    expected: Estimate
    occupation: Real
    bunching: float
    drift: float
    jumps: int
    stuck: bool

    @property
    def best(self) -> Estimate:
        """The estimate with the smaller standard error."""
        return min(self.counted, self.expected, key=lambda one: one.error)


class _Sector:
    """One sector: the way to the next jump, rates, and where each jump leads."""

    def __init__(self, point: Point, m: int, heff: scipy.sparse.csr_array, key: Key) -> None:
        space = fock.sectors(point.charges)
        self.point, self.m, self.key = point, m, key
        self.states = space.stacks[key[0]][key[1]].states[key[2]]
        occupied = ((self.states[:, None] >> np.arange(space.orbitals)) & 1).astype(float)
        fill, empty = point.filling[m], point.emptying[m]
        self.occupied = occupied
        self.rates = np.concatenate([(1 - occupied) * fill, occupied * empty], axis=1)
        loss = self.rates.sum(axis=1)
        self.wait: Waiting = (
            EigenWaiting(heff.toarray(), loss)
            if len(self.states) <= WITH_EIGENVECTORS
            else ChebyshevWaiting(heff, loss)
        )
        sign = np.concatenate([np.ones(space.orbitals), -np.ones(space.orbitals)])
        share = []
        for lead in (0, 1):
            into = point.coupling[m, lead] * point.leads[lead]
            out = point.coupling[m, lead] * (1 - point.leads[lead])
            rate = np.concatenate([into, out])
            whole = np.concatenate([fill, empty])
            share.append(sign * np.where(whole > 0, rate / np.where(whole > 0, whole, 1.0), 0.0))
        self.charge = np.array(share)
        self._target: dict[int, tuple[Key, int, Ints, Ints, Ints]] = {}

    def target(self, channel: int) -> tuple[Key, int, Ints, Ints, Ints]:
        """Sector that a channel leads to, its size, states that survive, their places, signs."""
        if channel not in self._target:
            space = fock.sectors(self.point.charges)
            orbital, fills = channel % space.orbitals, channel < space.orbitals
            able = np.flatnonzero(((self.states >> orbital) & 1) == (0 if fills else 1))
            after = self.states[able] ^ (1 << orbital)
            stack, sector, _ = space.place[after[0]]
            key = (1 - self.key[0], int(stack), int(sector))
            sign = fock.parity_below(self.states[able], orbital)
            size = space.stacks[key[0]][key[1]].states.shape[1]
            self._target[channel] = (key, size, able, space.place[after, 2], sign)
        return self._target[channel]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a group of trajectories counted.

    Parameters
    ----------
    counted, expected : electrons by trajectory, half of the time and lead, (trajectory, 2, 2)
    filled : time that each orbital was full, (trajectory, 4M), hbar/eV
    """

    counted: Real
    expected: Real
    filled: Real
    jumps: int
    stuck: bool


def tally(
    point: Point, m: int, numbers: Sequence[int], seed: int, edges: tuple[float, float, float]
) -> Tally:
    """The trajectories of these numbers, each with the stream of its own number."""
    crowd = _Crowd(point, m, numbers, seed)
    with blas_threads(1):
        while crowd.advance(np.array(edges)):
            pass
    return Tally(
        counted=crowd.counted,
        expected=crowd.expected,
        filled=crowd.filled,
        jumps=crowd.jumps,
        stuck=crowd.stuck,
    )


def summary(tallies: Sequence[Tally], time: float) -> Run:
    """Means over the trajectories and their standard errors."""
    both = np.array([0.5, -0.5])  # what enters at the left leaves at the right
    counted = np.concatenate([one.counted for one in tallies]) @ both
    expected = np.concatenate([one.expected for one in tallies]) @ both
    drift = Estimate.of(counted[:, 1] - counted[:, 0])
    electrons = counted.sum(axis=1)
    return Run(
        counted=Estimate.of(electrons / time),
        expected=Estimate.of(expected.sum(axis=1) / time),
        occupation=np.concatenate([one.filled for one in tallies]).mean(axis=0) / time,
        bunching=float(electrons.var(ddof=1)) / max(abs(float(electrons.mean())), 1e-300),
        drift=drift.value / drift.error if drift.error > 0 else 0.0,
        jumps=sum(one.jumps for one in tallies),
        stuck=any(one.stuck for one in tallies),
    )


class _Crowd:
    """A group of trajectories of one magnetisation, moved jump by jump, sector by sector."""

    def __init__(self, point: Point, m: int, numbers: Sequence[int], seed: int) -> None:
        self.point, self.m = point, m
        count = len(numbers)
        self.streams = [
            np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, m], spawn_key=(n,))))
            for n in numbers
        ]
        self.buffer = np.array([stream.random(BUFFER) for stream in self.streams])
        self.used = np.zeros(count, dtype=int)
        self.sectors: dict[Key, _Sector] = {}
        self.heff: dict[Key, scipy.sparse.csr_array] = {}
        n = point.h.shape[0]
        self.clock = np.zeros(count)
        self.done = np.zeros(count, dtype=bool)
        self.expected = np.zeros((count, HALVES, 2))
        self.counted = np.zeros((count, HALVES, 2))
        self.filled = np.zeros((count, n))
        self.jumps, self.stuck = 0, False
        self.where: list[Key] = []
        self.psi: list[Complex] = []
        space = fock.sectors(point.charges)
        f = float(point.leads.mean())
        for number in range(count):
            bits = [self._random(np.array([number]))[0] < f for _ in range(n)]
            state = int(sum(1 << k for k, bit in enumerate(bits) if bit))
            stack, sector, index = space.place[state]
            key = (state.bit_count() % 2, int(stack), int(sector))
            psi = np.zeros(space.stacks[key[0]][key[1]].states.shape[1], dtype=complex)
            psi[index] = 1.0
            self.where.append(key)
            self.psi.append(psi)

    def _random(self, who: Ints) -> Real:
        """The next number of each trajectory's own stream."""
        empty = who[self.used[who] >= BUFFER]
        for number in empty:
            self.buffer[number] = self.streams[number].random(BUFFER)
            self.used[number] = 0
        values = self.buffer[who, self.used[who]]
        self.used[who] += 1
        return np.asarray(values)

    def _sector(self, key: Key) -> _Sector:
        if key not in self.sectors:
            if key not in self.heff:
                blocks = sparse_hamiltonians(self.point, self.m, *key[:2])
                self.heff.update({(*key[:2], s): block for s, block in enumerate(blocks)})
            self.sectors[key] = _Sector(self.point, self.m, self.heff[key], key)
        return self.sectors[key]

    def advance(self, edges: Real) -> bool:
        """One jump of every trajectory that is not at its end."""
        groups: dict[Key, list[int]] = {}
        for number in np.flatnonzero(~self.done):
            groups.setdefault(self.where[number], []).append(int(number))
        for key, members in groups.items():
            self._jump(self._sector(key), np.array(members), edges)
        return not bool(self.done.all())

    def _jump(self, here: _Sector, who: Ints, edges: Real) -> None:
        wait, psi = here.wait(
            np.array([self.psi[n] for n in who]),
            np.log1p(-self._random(who)),
            edges[-1] - self.clock[who],
        )
        leaving = (np.abs(psi) ** 2 @ here.rates).sum(axis=1)
        lost = ~np.isfinite(wait) | ~(leaving > 0)
        if lost.any():
            self.stuck = True
            self.done[who[lost]] = True
        self.clock[who] += wait
        over = self.clock[who] >= edges[-1]
        self.done[who[over]] = True
        go = ~over & ~lost
        who, psi = who[go], psi[go]
        if not who.size:
            return
        self.jumps += int(who.size)
        weight = np.abs(psi) ** 2
        rates = weight @ here.rates
        total = rates.sum(axis=1)
        inside = self.clock[who] >= edges[0]
        half = (self.clock[who] >= edges[1]).astype(int)
        mean = (rates @ here.charge.T) / total[:, None]
        np.add.at(self.expected, (who[inside], half[inside]), mean[inside])
        # the time to the next jump, given the state, is one over the total rate on average
        n = (weight @ here.occupied) / weight.sum(axis=1)[:, None]
        scaled = n * (weight.sum(axis=1) / total)[:, None]
        np.add.at(self.filled, who[inside], scaled[inside])
        cumulative = np.cumsum(rates, axis=1)
        drawn = self._random(who) * cumulative[:, -1]
        channel = (cumulative <= drawn[:, None]).sum(axis=1)
        lead = (self._random(who) >= np.abs(here.charge[0, channel])).astype(int)
        counts = (who[inside], half[inside], lead[inside])
        np.add.at(self.counted, counts, np.sign(here.charge[lead, channel])[inside])
        for number, row, k in zip(who.tolist(), psi, channel.tolist(), strict=True):
            key, size, able, place, sign = here.target(k)
            kept = sign * row[able]
            new = np.zeros(size, dtype=complex)
            new[place] = kept / np.sqrt(np.vdot(kept, kept).real)
            self.psi[number], self.where[number] = new, key


@observable(unit=CURRENT, symbol=r"\sigma_I", dims=("magnetisation",))
def current_error(model: SampledJunction, state: SampledState) -> Real:
    """Standard error of the current."""
    return state.current_error


@observable(unit="1", symbol=r"\sigma_P")
def spin_polarisation_error(model: SampledJunction, state: SampledState) -> Real:
    r"""Standard error of the polarisation.

    .. math:: \sigma_P = \frac{2 \sqrt{I_\downarrow^2 \sigma_\uparrow^2 + I_\uparrow^2 \sigma_\downarrow^2}}
              {(I_\uparrow + I_\downarrow)^2}
    """
    up, down = state.lead_current[:, 0]
    swapped = state.current_error * np.array([down, up])
    return np.asarray(2 * float(np.linalg.norm(swapped)) / (up + down) ** 2)


@observable(unit="1", symbol="F", dims=("magnetisation",))
def bunching(model: SampledJunction, state: SampledState) -> Real:
    """Variance of the electrons counted in the time of a trajectory over their mean number."""
    return state.bunching


def _estimates_apart(model: SampledJunction, state: SampledState) -> float:
    apart = [
        abs(one.value - other.value) / max(float(np.hypot(one.error, other.error)), 1e-300)
        for one, other in zip(state.counted, state.expected, strict=True)
    ]
    return max(apart)


def _from_exact(model: Junction, method: Method) -> float:
    """Largest distance to the exact current, in standard errors."""
    exact = GKSL().solve(model).lead_current[:, 0]
    state = method.solve(model)
    return float(np.abs((state.lead_current[:, 0] - exact) / state.current_error).max())


SAMPLED_OBSERVABLES = (
    current,
    current_error,
    mean_current,
    spin_polarisation,
    spin_polarisation_error,
    bunching,
)
SAMPLED_CHECKS = (
    Check(
        name="two_estimates",
        tolerance=DRIFT,
        about="counted and expected current agree, in standard errors",
        evaluate=_estimates_apart,
    ),
    Check(
        name="drift",
        tolerance=DRIFT,
        about="the halves of the time agree, in standard errors",
        evaluate=lambda m, s: float(np.abs(s.drift).max()),
    ),
)
SAMPLED_AUDITS = (
    Audit(
        name="exact",
        tolerance=DRIFT,
        about="the current agrees with the exact steady state, in standard errors",
        evaluate=_from_exact,
    ),
)
