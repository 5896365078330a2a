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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import Method, Needs
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.junction.manybody import fock, slow_modes
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.infinite_bias import listed_pair
from chirospin.junction.manybody.leads import (
    FlatMember,
    closed_classes,
    require_end_leads,
    sparse_hamiltonians,
)
from chirospin.junction.manybody.packed import Complex, Real, occupied
from chirospin.junction.manybody.waiting import ChebyshevWaiting, EigenWaiting, Waiting
from chirospin.junction.model import PER_MOLECULE, Junction
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.points.sweep import end_with

Ints = NDArray[np.int64]

RUNS = "runs"
"""The part of a state that holds what was sampled."""
NOT_SAMPLED = "only trajectories find it"

WITH_EIGENVECTORS = 100  # states of a sector; beyond, steps of products are cheaper
LARGEST_SECTOR = 70_000  # five molecules; beyond, one jump takes minutes
STREAM_BYTES = 4000  # of a stream of random numbers
MOST_JUMPS = 1e9  # a day
BUFFER = 512  # random numbers drawn from a stream at a time
PARTS = 32  # of the counted time; even
FOLLOWED = 2  # molecules to which the slowest mode of the generator is found, in seconds
FORGOTTEN = (
    6.0  # relaxation times that are not counted: a quarter of a per cent of the start is left
)
SETTLED = 5.0  # relaxation times that are counted: electrons come in bunches of that length
SHORTEST = 2000.0  # that is counted all the same, hbar/eV
LONGEST = 1e4  # start, over the largest coupling: beyond it the check fails instead
MARGIN = 1.5  # of a measured relaxation time, which came out at 0.5 to 0.8 of that of the generator
REPEATED = 2  # runs with a start that the last one found too short
APART = 5.0  # standard errors between the halves, or two estimates, that are no chance
SHIFT = 0.5  # standard errors that the start may move the current by: less than the error bars say
UNSURE = 0.3  # of a standard error, how well it is known: eight normal samples know theirs to 0.27
PHASE = 1e-3  # rad of rounding, far below any error bar that can be had


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

    gives: ClassVar[Needs] = frozenset({RUNS})
    renamed: ClassVar[Mapping[str, str]] = {"start": "burn_in"}

    trajectories: int = Field(
        100, ge=8, le=1_000_000, description="independent trajectories of a magnetisation"
    )
    time: float | None = Field(
        None,
        ge=1e-3,
        le=1e7,
        description="length of each after burn_in, hbar/eV; if not given, five relaxation times and at "
        "least 2000",
    )
    burn_in: float | None = Field(
        None,
        ge=0,
        le=1e7,
        description="time that is not counted, hbar/eV; if not given, six relaxation times",
    )
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

    def _state(self, model: Junction) -> JunctionState:
        require_end_leads(model, self.name)
        pair = listed_pair(model)
        largest = max(fock.sector_sizes(pair[0].charges))
        if largest > LARGEST_SECTOR:
            raise ModelError(
                f"Parameter `molecules` must give sectors of at most {LARGEST_SECTOR} states for "
                f"method trajectories, but {model.molecules} molecules have one of {largest}; "
                "mean-field fits any number"
            )
        self._check_memory(largest)
        runs = [self._run(pair[m], m) for m in (0, 1)]
        best = [run.best for run in runs]
        occupation = np.stack([run.occupation for run in runs])
        G = np.zeros((2, occupation.shape[1], occupation.shape[1]), dtype=complex)
        G[:, np.arange(G.shape[1]), np.arange(G.shape[1])] = occupation
        outcomes = [self._outcome(*one) for one in zip(pair, runs, strict=True)]
        return JunctionState(
            one_body_density=G,
            lead_current=np.array([[one.value, -one.value] for one in best]),
            outcomes=(outcomes[0], outcomes[1]),
            standard_error=np.array([one.error for one in best]),
            parts={RUNS: (runs[0], runs[1])},
        )

    def _run(self, member: FlatMember, m: int) -> Run:
        """One magnetisation; sampled again where the start turns out to be too short."""
        known = _followed(member)
        free = 1 / max(member.one_body_decay, 1e-300)  # what is measured counts as no less
        tau = max(free, (self.time or SHORTEST) / PARTS) if known is None else known
        for attempt in range(1 + REPEATED):
            window = self._window(member, tau)
            self._check_work(member, window)
            tallies = self._tallies(member, m, window)
            run = summary(tallies, window)
            measured = max(MARGIN * run.relaxation, free)
            run = replace(run, relaxation=measured if known is None else known)
            if self.burn_in is not None or run.relaxation <= tau or attempt == REPEATED:
                break
            tau = run.relaxation
        return run

    def _window(self, member: FlatMember, relaxation: float) -> Window:
        cap = LONGEST / max(float(member.coupling.max()), 1e-300)
        tau = relaxation if np.isfinite(relaxation) else 0.0
        burn_in = min(FORGOTTEN * tau, cap) if self.burn_in is None else self.burn_in
        time = max(SHORTEST, min(SETTLED * tau, cap)) if self.time is None else self.time
        return Window(burn_in=burn_in, time=time)

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

    def _check_work(self, member: FlatMember, window: Window) -> None:
        """Refuse times in which the leads may ask for more jumps than anybody waits for."""
        fastest = float(np.maximum(member.filling, member.emptying).sum())
        jumps = self.trajectories * (window.end) * fastest
        if jumps > MOST_JUMPS:
            raise ModelError(
                f"Option `time` of method trajectories must leave at most {MOST_JUMPS:.0e} jumps, but "
                f"{self.trajectories} trajectories of {window.end:g} hbar/eV with rates up to "
                f"{fastest:.3g} eV may have {jumps:.0e}; shorten time, or take gksl"
            )

    def _outcome(self, member: FlatMember, run: Run) -> Outcome:
        reason = ""
        if unreached(np.array([member.one_body_decay]), member.matrices.h)[0]:
            reason = UNREACHED
        elif closed_classes(member.charges, member.channels) > 1:
            reason = "there are several steady states; a trajectory finds one of them by chance"
        elif _phase_error(member, run.window) > PHASE:
            reason = (
                "the energies are so large beside the rates that phases drown in rounding; scale the "
                "largest energy down or shorten time"
            )
        elif run.stuck:
            reason = "a trajectory came into a state that no lead changes; gksl says more"
        elif abs(run.drift) > APART:
            reason = (
                f"the halves of the time differ by {abs(run.drift):.1f} standard errors: the start "
                "is not forgotten; raise burn_in"
            )
        return Outcome(
            converged=not reason,
            residual=run.best.error,
            iterations=run.jumps,
            reason=reason,
        )

    def _tallies(self, member: FlatMember, m: int, window: Window) -> list[Tally]:
        """The trajectories in groups that do not know of each other."""
        together = -(-self.trajectories // self.processes)
        tasks = [
            (member, m, range(first, min(first + together, self.trajectories)), self.seed, window)
            for first in range(0, self.trajectories, together)
        ]
        if self.processes == 1:
            return [tally(*task) for task in tasks]
        with ProcessPoolExecutor(
            self.processes,
            mp_context=get_context("spawn"),
            initializer=end_with,
            initargs=(os.getpid(),),
        ) as pool:
            return list(pool.map(tally, *zip(*tasks, strict=True)))


def _phase_error(member: FlatMember, window: Window) -> float:
    """Rounding of the phases E t that a trajectory has gathered at its end, rad."""
    terms = member.matrices.interaction
    largest = max(
        member.scale,
        float(np.abs(terms.density).max(initial=0.0)),
        float(np.abs(terms.strength).max(initial=0.0)),
    )
    return float(np.finfo(float).eps * largest * window.end)


def _followed(member: FlatMember) -> float | None:
    """The relaxation time from the generator; None where that is not to be had."""
    small = member.matrices.h.shape[0] <= PER_MOLECULE * FOLLOWED
    if not small or closed_classes(member.charges, member.channels) > 1:
        return None
    if unreached(np.array([member.one_body_decay]), member.matrices.h)[0]:
        return None
    try:
        return slow_modes.relaxation_time(member)
    except (np.linalg.LinAlgError, scipy.sparse.linalg.ArpackError):
        return None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part of every trajectory is counted, hbar/eV."""

    burn_in: float
    time: float

    @property
    def end(self) -> float:
        """Where the trajectories end."""
        return self.burn_in + self.time

    def part(self, clock: Real) -> Ints:
        """Which of the equal parts of the counted time a moment lies in."""
        part = np.floor(PARTS * (clock - self.burn_in) / self.time)
        return np.asarray(np.clip(part, 0, PARTS - 1), dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A current from left to right and its standard error; each trajectory is one sample, eV/hbar.

    Trajectories are independent, so correlation in time along one needs no correction.

    Parameters
    ----------
    unsure : standard error of the standard error over itself, from the fourth moment
    """

    value: float
    error: float
    unsure: float

    @classmethod
    def of(cls, samples: Real) -> Estimate:
        """From the means of the trajectories, (trajectory,)."""
        n, spread = samples.size, float(samples.std(ddof=1))
        fourth = float(((samples - samples.mean()) ** 4).mean()) / spread**4 if spread else 3.0
        return cls(
            value=float(samples.mean()),
            error=spread / float(np.sqrt(n)),
            unsure=0.5 * float(np.sqrt(max(fourth - (n - 3) / (n - 1), 0.0) / n)),
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the trajectories of one magnetisation add up to.

    Parameters
    ----------
    occupation : of every orbital, (4M,)
    bunching : variance of the electrons counted over their number: an estimate of the Fano factor
    drift : difference of the halves of the time in standard errors
    relaxation : time, of the generator or measured, hbar/eV
    """

    counted: Estimate
    expected: Estimate
    occupation: Real
    bunching: float
    drift: float
    relaxation: float
    window: Window
    jumps: int
    stuck: bool

    @property
    def best(self) -> Estimate:
        """The estimate with the smaller standard error."""
        return min(self.counted, self.expected, key=lambda one: one.error)

    @property
    def shift(self) -> float:
        r"""How far a start that is off by the current itself still moves the mean, in standard errors.

        .. math:: e^{-t_0/\tau}\,\frac{\tau}{t}\,(1 - e^{-t/\tau})\,\frac{|I|}{\sigma_I}
        """
        tau, window = max(self.relaxation, 1e-300), self.window
        left = np.exp(-window.burn_in / tau) * tau / window.time * -np.expm1(-window.time / tau)
        return float(left * abs(self.best.value) / max(self.best.error, 1e-300))


class _Sector:
    """One sector: the way to the next jump, rates, and where each jump leads."""

    def __init__(
        self, member: FlatMember, heff: scipy.sparse.csr_array, key: fock.SectorKey
    ) -> None:
        space = fock.sectors(member.charges)
        self.member, self.key = member, key
        self.states = space.stacks[key[0]][key[1]].states[key[2]]
        self.occupied = occupied(self.states, space.orbitals)
        fill, empty = member.filling, member.emptying
        self.rates = np.concatenate([(1 - self.occupied) * fill, self.occupied * empty], axis=1)
        loss = self.rates.sum(axis=1)
        self.wait: Waiting = (
            EigenWaiting(heff.toarray(), loss)
            if len(self.states) <= WITH_EIGENVECTORS
            else ChebyshevWaiting(heff, loss)
        )
        sign = np.concatenate([np.ones(space.orbitals), -np.ones(space.orbitals)])
        share = []
        for lead in (0, 1):
            into = member.coupling[lead] * member.occupation[lead]
            out = member.coupling[lead] * (1 - member.occupation[lead])
            rate = np.concatenate([into, out])
            whole = np.concatenate([fill, empty])
            share.append(sign * np.where(whole > 0, rate / np.where(whole > 0, whole, 1.0), 0.0))
        self.charge = np.array(share)
        self._target: dict[int, tuple[fock.SectorKey, int, Ints, Ints, Ints]] = {}

    def target(self, channel: int) -> tuple[fock.SectorKey, int, Ints, Ints, Ints]:
        """Sector that a channel leads to, its size, states that survive, their places, signs."""
        if channel not in self._target:
            space = fock.sectors(self.member.charges)
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
    counted, expected : electrons by trajectory, part of the time and lead, (trajectory, part, 2)
    filled : time that each orbital was full, (trajectory, 4M), hbar/eV
    """

    counted: Real
    expected: Real
    filled: Real
    jumps: int
    stuck: bool


def tally(member: FlatMember, m: int, numbers: Sequence[int], seed: int, window: Window) -> Tally:
    """The trajectories of these numbers, each with the stream of its own number."""
    crowd = _Crowd(member, m, numbers, seed, window)
    with blas_threads(1):
        while crowd.advance():
            pass
    return Tally(
        counted=crowd.counted,
        expected=crowd.expected,
        filled=crowd.filled,
        jumps=crowd.jumps,
        stuck=crowd.stuck,
    )


def summary(tallies: Sequence[Tally], window: Window) -> Run:
    """Means over the trajectories, their standard errors and the relaxation time that they show."""
    both = np.array([0.5, -0.5])  # what enters at the left leaves at the right
    counted = np.concatenate([tally.counted for tally in tallies]) @ both
    expected = np.concatenate([tally.expected for tally in tallies]) @ both
    half = PARTS // 2
    drift = Estimate.of(counted[:, half:].sum(axis=1) - counted[:, :half].sum(axis=1))
    electrons = counted.sum(axis=1)
    return Run(
        counted=Estimate.of(electrons / window.time),
        expected=Estimate.of(expected.sum(axis=1) / window.time),
        occupation=np.concatenate([tally.filled for tally in tallies]).mean(axis=0) / window.time,
        bunching=float(electrons.var(ddof=1)) / max(abs(float(electrons.mean())), 1e-300),
        drift=drift.value / drift.error if drift.error > 0 else 0.0,
        relaxation=measured_relaxation(expected, window),
        window=window,
        jumps=sum(tally.jumps for tally in tallies),
        stuck=any(tally.stuck for tally in tallies),
    )


def measured_relaxation(electrons: Real, window: Window) -> float:
    r"""Time over which the current of a trajectory remembers itself, hbar/eV.

    .. math:: \tau = w \Big(\sum_{k \ge 1} \frac{C_k}{C_1} - \tfrac12\Big), \qquad
              C_k = \langle \delta N_b\, \delta N_{b+k} \rangle

    for parts of length w; shot noise is in C_0 alone. The sum ends where C falls below its own error. Where
    neighbouring parts do not remember each other half of w is returned.

    Parameters
    ----------
    electrons : in every part of every trajectory, (trajectory, part)
    """
    w = window.time / PARTS
    off = electrons - electrons.mean()
    noise = 2 * float((off**2).mean()) / np.sqrt(off.size)
    C = np.array([float((off[:, k:] * off[:, : PARTS - k]).mean()) for k in range(1, PARTS)])
    below = np.flatnonzero(noise >= C)
    known = C[: below[0]] if below.size else C
    longer = float((known / known[0]).sum()) - 0.5 if known.size else 0.5
    return w * max(0.5, longer)


class _Crowd:
    """A group of trajectories of one magnetisation, moved jump by jump, sector by sector."""

    def __init__(
        self, member: FlatMember, m: int, numbers: Sequence[int], seed: int, window: Window
    ) -> None:
        self.member, self.window = member, window
        count = len(numbers)
        self.streams = [
            np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, m], spawn_key=(n,))))
            for n in numbers
        ]
        self.buffer = np.array([stream.random(BUFFER) for stream in self.streams])
        self.used = np.zeros(count, dtype=int)
        self.sectors: dict[fock.SectorKey, _Sector] = {}
        self.heff: dict[fock.SectorKey, scipy.sparse.csr_array] = {}
        n = member.coupling.shape[1]
        self.clock = np.zeros(count)
        self.done = np.zeros(count, dtype=bool)
        self.expected = np.zeros((count, PARTS, 2))
        self.counted = np.zeros((count, PARTS, 2))
        self.filled = np.zeros((count, n))
        self.jumps, self.stuck = 0, False
        self.where: list[fock.SectorKey] = []
        self.psi: list[Complex] = []
        space = fock.sectors(member.charges)
        f = float(member.occupation.mean())
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

    def _sector(self, key: fock.SectorKey) -> _Sector:
        if key not in self.sectors:
            if key not in self.heff:
                blocks = sparse_hamiltonians(self.member, *key[:2])
                self.heff.update({(*key[:2], s): block for s, block in enumerate(blocks)})
            self.sectors[key] = _Sector(self.member, self.heff[key], key)
        return self.sectors[key]

    def advance(self) -> bool:
        """One jump of every trajectory that is not at its end."""
        groups: dict[fock.SectorKey, list[int]] = {}
        for number in np.flatnonzero(~self.done):
            groups.setdefault(self.where[number], []).append(int(number))
        for key, members in groups.items():
            self._jump(self._sector(key), np.array(members))
        return not bool(self.done.all())

    def _jump(self, sector: _Sector, who: Ints) -> None:
        wait, psi = sector.wait(
            np.array([self.psi[n] for n in who]),
            np.log1p(-self._random(who)),
            self.window.end - self.clock[who],
        )
        leaving = (np.abs(psi) ** 2 @ sector.rates).sum(axis=1)
        lost = ~np.isfinite(wait) | ~(leaving > 0)
        if lost.any():
            self.stuck = True
            self.done[who[lost]] = True
        self.clock[who] += wait
        over = self.clock[who] >= self.window.end
        self.done[who[over]] = True
        go = ~over & ~lost
        who, psi = who[go], psi[go]
        if not who.size:
            return
        self.jumps += int(who.size)
        weight = np.abs(psi) ** 2
        rates = weight @ sector.rates
        total = rates.sum(axis=1)
        inside = self.clock[who] >= self.window.burn_in
        part = self.window.part(self.clock[who])
        mean = (rates @ sector.charge.T) / total[:, None]
        np.add.at(self.expected, (who[inside], part[inside]), mean[inside])
        # the time to the next jump, given the state, is one over the total rate on average
        n = (weight @ sector.occupied) / weight.sum(axis=1)[:, None]
        scaled = n * (weight.sum(axis=1) / total)[:, None]
        np.add.at(self.filled, who[inside], scaled[inside])
        cumulative = np.cumsum(rates, axis=1)
        drawn = self._random(who) * cumulative[:, -1]
        channel = (cumulative <= drawn[:, None]).sum(axis=1)
        lead = (self._random(who) >= np.abs(sector.charge[0, channel])).astype(int)
        counts = (who[inside], part[inside], lead[inside])
        np.add.at(self.counted, counts, np.sign(sector.charge[lead, channel])[inside])
        for number, row, k in zip(who.tolist(), psi, channel.tolist(), strict=True):
            key, size, able, place, sign = sector.target(k)
            kept = sign * row[able]
            new = np.zeros(size, dtype=complex)
            new[place] = kept / np.sqrt(np.vdot(kept, kept).real)
            self.psi[number], self.where[number] = new, key


@observable(
    unit="1",
    symbol="F",
    dims=("magnetisation",),
    needs=(RUNS,),
    default=False,
    undefined=NOT_SAMPLED,
)
def bunching(model: Junction, state: JunctionState) -> Real:
    """Variance of the electrons counted in the time of a trajectory over their mean number."""
    return np.array([run.bunching for run in state.parts[RUNS]])


@observable(
    unit="1/eV",
    symbol=r"\tau",
    dims=("magnetisation",),
    needs=(RUNS,),
    default=False,
    undefined=NOT_SAMPLED,
)
def relaxation_time(model: Junction, state: JunctionState) -> Real:
    """Time in which the start is forgotten: of the slowest mode for one or two molecules, else measured."""
    return np.array([run.relaxation for run in state.parts[RUNS]])


def _estimates_apart(model: Junction, state: JunctionState) -> float:
    apart: list[float] = [
        abs(run.counted.value - run.expected.value)
        / max(float(np.hypot(run.counted.error, run.expected.error)), 1e-300)
        for run in state.parts[RUNS]
    ]
    return float(max(apart))


def _from_exact(model: Junction, method: Method) -> float | None:
    """Largest distance to the exact current, in standard errors; None where nothing is sampled."""
    if RUNS not in method.gives:
        return None
    exact = GKSL().solve(model).lead_current[:, 0]
    state = method.solve(model)
    return float(np.abs((state.lead_current[:, 0] - exact) / state.standard_error).max())


SAMPLED_OBSERVABLES = (bunching, relaxation_time)
SAMPLED_CHECKS = (
    Check(
        name="two_estimates",
        tolerance=APART,
        about="counted and expected current agree, in standard errors",
        evaluate=_estimates_apart,
        needs=(RUNS,),
    ),
    Check(
        name="halves",
        tolerance=APART,
        about="the halves of the time agree, in standard errors",
        evaluate=lambda m, s: max(abs(run.drift) for run in s.parts[RUNS]),
        needs=(RUNS,),
    ),
    Check(
        name="drift",
        tolerance=SHIFT,
        about="what the start, fading with the relaxation time, moves the current by, in standard errors: "
        "raise burn_in",
        evaluate=lambda m, s: max(run.shift for run in s.parts[RUNS]),
        needs=(RUNS,),
    ),
    Check(
        name="error_known",
        tolerance=UNSURE,
        about="uncertainty of the standard errors over themselves: more trajectories, or longer ones",
        evaluate=lambda m, s: max(run.best.unsure for run in s.parts[RUNS]),
        needs=(RUNS,),
    ),
)
SAMPLED_AUDITS = (
    Audit(
        name="exact",
        tolerance=APART,
        about="sampled currents agree with the exact steady state, in standard errors",
        evaluate=_from_exact,
    ),
)
