"""Posteriors are as wide as they say, an emulator knows its error, a bound keeps to its limits; and controls that do not."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ks_2samp, kstest

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.measured.inference import sampling
from chirospin.measured.inference.bounds import CAN, CANNOT, INCOMPLETE, UNDECIDED, Seen, verdict
from chirospin.measured.inference.calibration import at_truth, calibrate, planned_set
from chirospin.measured.inference.emulator import Emulated, Expensive, Training, currents_of, design
from chirospin.measured.inference.fits import Fitted, distinguished, evidence_verdict
from chirospin.measured.inference.likelihood import Posterior, student
from chirospin.measured.inference.lockstep import Lockstep
from chirospin.measured.inference.mechanisms import (
    digamma_angle,
    level_current,
    phenomenologies,
)
from chirospin.measured.inference.refinement import effective_size, fit_expensive
from chirospin.measured.inference.sampling import Sampled, evidence_again, nested, walkers
from chirospin.points.optimise import Limit, objective, optimise, search_range
from tests.laws.test_optimise_laws import HILLS, PROBLEM, RANGES, TOP, Land

BIASES = np.array([-1.0, -0.5, 0.5, 1.0])
KT = 0.025852
SOLVED = Outcome(converged=True, residual=0.0, iterations=1)
(NULL,) = phenomenologies("barrier.null")
(FACTOR,) = phenomenologies("barrier.factor")


class Driven(Model):
    """A level whose shift with the bias is the magnetisation's."""

    bias: float = parameter(1.0, unit="V", symbol="V", about="bias")
    level: float = parameter(1.0, unit="eV", symbol="e", above=0, about="level")
    drive: float = parameter(0.05, unit="eV/V", symbol="k", about="shift")


@dataclass(frozen=True)
class Flow:
    """Both currents."""

    currents: np.ndarray
    outcome: Outcome = SOLVED
    parts: tuple = ()


class Formula(Method):
    """The closed form."""

    name = "formula"
    summary = "exact"
    width: ClassVar[float] = 0.3

    def solve_many(self, models: Sequence[Driven]) -> Iterator[Flow]:
        """One flow for each model."""
        for m in models:
            levels = m.level + np.array([1, -1]) * m.drive * abs(m.bias)
            size = level_current(np.array(m.bias), levels, np.array(self.width), np.array(0.0), KT)
            yield Flow(np.sign(m.bias) * size)


class Sharp(Formula):
    """A narrow level, whose polarisation turns where it passes the window: an emulator misses that."""

    name = "sharp"
    width = 0.1


@observable(unit="A", symbol="I", dims=("magnetisation",))
def current(model: Driven, state: Flow) -> np.ndarray:
    """Of both magnetisations."""
    return state.currents


@observable(unit="1", symbol="P")
def spin_polarisation(model: Driven, state: Flow) -> float:
    """Of the current."""
    up, down = state.currents
    return float((up - down) / (up + down))


DRIVEN = Problem(
    family="driven",
    name="driven",
    question="a level that moves",
    model=Driven,
    methods={"formula": Formula, "sharp": Sharp},
    observables=(current, spin_polarisation),
    checks=(),
    audits=(),
    labels=lambda model: {"magnetisation": ("up", "down")},
    quantity="spin_polarisation",
)


def expensive() -> Expensive:
    ranges = (
        search_range(Driven(), "level", 0.4, 1.5),
        search_range(Driven(), "drive", -0.2, 0.2),
    )
    return Expensive(problem=DRIVEN, model=Driven(), method=Formula(), ranges=ranges)


@pytest.mark.parametrize(
    ("V", "level", "width", "a"), [(1.0, 0.5, 0.02, 0.1), (-0.4, 0.2, 0.3, -0.3)]
)
def test_the_current_of_a_level_is_its_integral(V, level, width, a) -> None:
    left, right = (0.5 + a) * V, -(0.5 - a) * V

    def integrand(E: float) -> float:
        f = [1 / (1 + np.exp(np.clip((E - mu) / KT, -700, 700))) for mu in (left, right)]
        return width / (2 * np.pi) / ((E - level) ** 2 + width**2 / 4) * (f[0] - f[1])

    direct, _ = quad(integrand, -4, 4, points=[level, left, right], limit=400, epsabs=1e-12)
    found = level_current(np.array(V), np.array(level), np.array(width), np.array(a), KT)
    assert found == pytest.approx(abs(direct), rel=1e-9)


def test_the_angle_of_the_digamma_function_is_scipys() -> None:
    from scipy.special import digamma

    rng = np.random.default_rng(0)
    x, y = 0.5 + 10 ** rng.uniform(-6, 2, 500), rng.normal(size=500) * 10 ** rng.uniform(-6, 3, 500)
    assert digamma_angle(x, y) == pytest.approx(np.imag(digamma(x + 1j * y)), abs=2e-14, rel=1e-13)


def test_one_factorisation_serves_every_misfit(planned: Posterior) -> None:
    """The quick likelihood is the density of the covariance itself; another tau is not."""
    theta = planned.values(np.random.default_rng(2).random((20, 5)))
    residual = planned.data.mean - planned.curves(theta)
    direct = student(residual, planned.covariance(theta), planned.data.freedom)
    assert planned.log_likelihood(theta) == pytest.approx(direct, rel=1e-9)
    other = theta + np.array([0, 0, 0, 0, 0.05])
    assert np.abs(planned.log_likelihood(other) - direct).max() > 0.1


def test_the_density_is_students() -> None:
    from scipy.stats import multivariate_t

    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    C, points = root @ root.T, rng.normal(size=(4, 3))
    ours = student(points, C, 7.0)
    theirs = multivariate_t(np.zeros(3), C, df=7.0).logpdf(points)
    assert ours - ours[0] == pytest.approx(theirs - theirs[0], abs=1e-12)


def test_walkers_find_a_normal_density_of_many_sets_at_once() -> None:
    places = np.array([0.4, 0.55])

    def density(x: np.ndarray) -> np.ndarray:
        return -np.square((x - places[:, None, None]) / 0.05).sum(axis=-1) / 2

    rng = np.random.default_rng(1)
    draws = walkers(density, rng.random((2, 32, 2)), 500, rng, 5)
    assert draws.mean(axis=1) == pytest.approx(np.stack([places, places], axis=1), abs=0.01)
    assert draws.std(axis=1) == pytest.approx(np.full((2, 2), 0.05), rel=0.1)


def test_two_samplers_agree_on_the_evidence() -> None:
    """Nested sampling, and weighted draws of a t round what walkers find."""
    planned = Posterior(NULL, planned_set(BIASES, 10))
    data = at_truth(planned, np.array([2.0, 1.2, 0.0, 0.1]), seed=3)
    one = Posterior(NULL, data)
    found = nested(one, live=40, seed=1)
    Z, error, effective = evidence_again(one, steps=600)
    assert effective > 100
    assert abs(found.log_evidence - Z) < 4 * np.hypot(found.error, error)


def in_shell(squares: np.ndarray) -> np.ndarray:
    """A height that has only its place: less the farther from the middle."""
    return -np.square(squares - 0.5).sum(axis=-1)


def walked(scale: float, together: bool) -> np.ndarray:
    """Where walks above a threshold end, by how much of the volume lies nearer to the middle: uniform."""
    from dynesty.internal_samplers import RWalkSampler, SamplerArgument

    told = {"walks": 25, "ncdim": 3}
    starts = np.random.default_rng(4).uniform(0.45, 0.55, size=(400, 3))
    seeds = np.random.SeedSequence(8).spawn(len(starts))
    queue = [
        SamplerArgument(u, -(0.3**2), np.eye(3), scale, lambda u: u, in_shell, seed, told)
        for u, seed in zip(starts, seeds, strict=True)
    ]
    pool = Lockstep(in_shell, 400)
    ends = pool.map(RWalkSampler.sample, queue) if together else map(RWalkSampler.sample, queue)
    places = np.array([one.u for one in ends])
    return (np.linalg.norm(places - 0.5, axis=1) / 0.3) ** 3


def test_walks_in_lockstep_end_where_those_of_the_library_do() -> None:
    """Uniform above the threshold, as one by one; steps that are too short, and do not get there, are seen."""
    together = walked(0.3, together=True)
    assert kstest(together, "uniform").pvalue > 1e-3
    assert ks_2samp(together, walked(0.3, together=False)).pvalue > 1e-3
    assert kstest(walked(0.005, together=True), "uniform").pvalue < 1e-6


def test_draws_of_the_whole_prior_lie_above_the_threshold() -> None:
    from dynesty.internal_samplers import SamplerArgument, UnitCubeSampler

    queue = [
        SamplerArgument(None, -(0.3**2), None, 1.0, None, in_shell, seed, {"ndim": 3})
        for seed in np.random.SeedSequence(2).spawn(300)
    ]
    told = Lockstep(in_shell, 400).map(UnitCubeSampler.sample, queue)
    share = (np.linalg.norm([one.u - 0.5 for one in told], axis=1) / 0.3) ** 3
    assert kstest(share, "uniform").pvalue > 1e-3
    volume = 4 / 3 * np.pi * 0.3**3
    assert len(told) / sum(one.ncalls for one in told) == pytest.approx(volume, rel=0.3)


def _killed(posterior: Posterior, store: Path) -> None:
    """A run in a process that dies, not to be caught, once its state has been kept."""
    sampling.KEPT_EVERY = 0.0
    calls: list[float] = []

    def dies(left: float) -> None:
        calls.append(left)
        if len(calls) > 60 and list(store.glob("*.dynesty")):
            os.kill(os.getpid(), signal.SIGKILL)

    nested(posterior, live=25, seed=1, store=store, progress=dies)


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    planned = Posterior(NULL, planned_set(BIASES, 10))
    data = at_truth(planned, np.array([2.0, 1.2, 0.0, 0.1]), seed=3)
    one = Posterior(NULL, data)
    child = multiprocessing.get_context("fork").Process(target=_killed, args=(one, tmp_path))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert not list(tmp_path.glob("*.npz"))
    counted: list[float] = []
    resumed = nested(one, live=25, seed=1, store=tmp_path, progress=counted.append)
    whole: list[float] = []
    alone = nested(one, live=25, seed=1, progress=whole.append)
    assert len(counted) < len(whole) - 50  # it did go on
    assert resumed.log_evidence == alone.log_evidence
    assert np.array_equal(resumed.theta, alone.theta)
    assert resumed.calls == alone.calls
    assert not list(tmp_path.glob("*.dynesty"))


def test_a_state_that_cannot_be_read_is_begun_again(tmp_path: Path) -> None:
    one = Posterior(NULL, planned_set(BIASES, 10))
    name = sampling.content(one, 25, 1)
    (tmp_path / f"{name}.dynesty").write_bytes(b"half of a state")
    assert nested(one, live=25, seed=1, store=tmp_path).calls > 0


@pytest.fixture(scope="module")
def planned() -> Posterior:
    return Posterior(FACTOR, planned_set(BIASES, 15))


def test_intervals_hold_the_truth_as_often_as_they_say(planned: Posterior) -> None:
    assert not calibrate(planned, 60, steps=120).failures


def test_intervals_of_a_covariance_that_is_too_small_do_not(planned: Posterior) -> None:
    assert calibrate(planned, 60, steps=120, narrowed=0.02).failures


@pytest.fixture(scope="module")
def coarse() -> tuple[Posterior, np.ndarray, np.ndarray]:
    """A rough emulator, truths that it was not trained on, and their exact curves."""
    data = planned_set(BIASES, 40, between=0.3, shape=0.02, noise=0.005)
    ranges = (
        search_range(Driven(), "level", 0.2, 1.2),
        search_range(Driven(), "drive", -0.3, 0.3),
    )
    source = Expensive(problem=DRIVEN, model=Driven(), method=Sharp(), ranges=ranges)
    known = Training(expensive=source, bias=BIASES)
    known.solve(design(source, 32, 0))
    posterior = Posterior(known.emulator(), data)
    rng = np.random.default_rng(5)
    shares = rng.random((60, 4))
    truths = posterior.values(shares)
    exact = currents_of(source.outputs(shares[:, :2], BIASES))
    curves = exact - exact.mean(axis=1, keepdims=True) + truths[:, [2]]
    return posterior, truths, curves


def test_an_emulator_carries_its_error_into_the_posterior(coarse) -> None:
    posterior, truths, curves = coarse
    assert not calibrate(posterior, truths=truths, curves=curves, steps=300).failures


def test_without_that_error_its_parameters_are_not_where_it_says(coarse) -> None:
    posterior, truths, curves = coarse
    blind = Posterior(posterior.mechanism, posterior.data, emulated=False)
    found = calibrate(blind, truths=truths, curves=curves, steps=300)
    assert any("level" in line for line in found.failures)


def test_a_model_is_compared_with_its_own_current_without_polarisation(coarse) -> None:
    """Its P, not the shape of its current, is what the magnetisation explains: no P, no evidence for it."""
    posterior, truths, _ = coarse
    model, J = posterior.mechanism, len(BIASES)
    null, factor = (replace(model, change=change) for change in ("null", "factor"))
    own = truths[:, :2]
    curves = null.log_current(own, posterior.data)
    assert np.array_equal(curves[:, :J], curves[:, J:])
    mean = np.logaddexp(*np.split(model.log_current(own, posterior.data), 2, axis=1)) - np.log(2)
    assert curves[:, :J] == pytest.approx(mean, abs=1e-12)
    assert np.array_equal(null.left_out[:, :J], null.left_out[:, J:])
    assert not np.allclose(model.left_out[:, :J], model.left_out[:, J:])
    moved = factor.log_current(np.column_stack([own, np.full(len(own), 0.4)]), posterior.data)
    assert moved[:, :J] - moved[:, J:] == pytest.approx(np.full((len(own), J), 0.4), abs=1e-12)
    assert [one.name for one in factor.priors] == ["level", "drive", "factor"]
    assert [null.name, null.kind, factor.kind] == ["driven.null", "null", "factor"]


def test_a_refined_emulator_is_nearer_the_truth_where_the_posterior_lies(coarse) -> None:
    """Points of one region miss less there than points of everywhere; outside the wider emulator speaks."""
    posterior, _, _ = coarse
    wide, source = (
        posterior.mechanism,
        Expensive(
            problem=DRIVEN, model=Driven(), method=Sharp(), ranges=posterior.mechanism.ranges
        ),
    )
    rng = np.random.default_rng(3)
    draws = rng.normal((0.5, 0.6), (0.04, 0.05), size=(40, 2))
    known = Training(expensive=source, bias=BIASES)
    known.points, known.values = wide.points, wide.values
    assert known.nearer(draws, wide).region is None  # too few points lie there
    known.solve(draws)
    near = known.nearer(draws, wide)
    held_out = rng.normal((0.5, 0.6), (0.03, 0.04), size=(40, 2))
    exact = currents_of(source.outputs(held_out, BIASES))

    def missed(one: Emulated, shares: np.ndarray, truth: np.ndarray) -> float:
        theta = np.stack([p.value(x) for p, x in zip(one.priors, shares.T, strict=True)], axis=1)
        return float(np.abs(one.log_current(theta, posterior.data) - truth).mean())

    assert missed(near, held_out, exact) < missed(wide, held_out, exact) / 3
    far = np.array([[0.05, 0.1], [0.95, 0.9]])
    theta = np.stack([p.value(x) for p, x in zip(wide.priors, far.T, strict=True)], axis=1)
    assert np.array_equal(
        near.log_current(theta, posterior.data), wide.log_current(theta, posterior.data)
    )
    assert np.array_equal(
        near.covariance(theta, posterior.data), wide.covariance(theta, posterior.data)
    )
    null = near.changed("null").log_current(theta, posterior.data)
    assert np.array_equal(null[:, : len(BIASES)], null[:, len(BIASES) :])


def test_a_fit_whose_emulator_is_rough_says_no() -> None:
    source = expensive()
    data = planned_set(BIASES, 40, between=0.3, shape=0.02, noise=0.005)
    exact = currents_of(source.outputs(np.array([[0.35, 0.8]]), BIASES))[0]
    told = fit_expensive(source, replace(data, mean=exact), points=16, live=25, rounds=0, exact=16)
    assert told.failures
    assert told.solves >= 32 * len(BIASES)


def test_training_points_are_kept_by_their_content(tmp_path) -> None:
    first = Training(expensive=expensive(), bias=BIASES, path=tmp_path / "e.npz")
    values = first.solve(design(first.expensive, 16, 0))
    again = Training(expensive=expensive(), bias=BIASES, path=tmp_path / "e.npz")
    assert np.array_equal(again.solve(design(again.expensive, 16, 0)), values)
    assert again.expensive.solves == []
    other = replace(expensive(), ranges=expensive().ranges[:1])
    assert other.content(BIASES) != again.expensive.content(BIASES)


def test_weights_that_are_alike_count_all() -> None:
    assert effective_size(np.zeros(7)) == pytest.approx(7)
    assert effective_size(np.array([0.0, -50.0, np.nan])) == pytest.approx(1)


def _result(name: str, Z: float, error: float = 0.3) -> Fitted:
    (mechanism,) = phenomenologies(name)
    empty = np.zeros((2, 2))
    found = Sampled(
        shares=empty, theta=empty, log_likelihood=empty[0], log_evidence=Z, error=error, calls=1, effective=200.0
    )  # fmt: skip
    return Fitted(posterior=Posterior(mechanism, planned_set(BIASES, 10)), sampled=found)


def test_a_verdict_needs_more_than_the_error_of_the_evidence() -> None:
    null, driven = _result("level.null", 0.0), _result("level.driven", 3.5)
    assert not distinguished(driven.sampled, null.sampled)
    assert evidence_verdict([null, driven])[1].startswith("the data do not distinguish")
    factor, driven = _result("level.factor", 1.0), _result("level.driven", 12.0)
    assert evidence_verdict([null, factor, driven])[0] == "artefact of contacts excluded"
    likely = _result("level.factor", 11.0)
    assert evidence_verdict([null, likely, driven])[0].startswith("a factor of the contacts")
    failed = replace(driven, failures=("too few draws",))
    assert evidence_verdict([null, failed])[0] == "not calibrated"


def test_a_bound_speaks_only_of_a_complete_search() -> None:
    seen = Seen(kind="shape", bias=1.0, low=0.3, high=0.5, current=1e-9, unit="A")
    assert verdict(0.2, complete=True, seen=seen) == CANNOT
    assert verdict(0.26, complete=True, seen=seen) == UNDECIDED  # less than 1.2 below
    assert verdict(0.4, complete=True, seen=seen) == UNDECIDED
    assert verdict(0.6, complete=True, seen=seen) == CAN
    assert verdict(0.01, complete=False, seen=seen) == INCOMPLETE
    assert verdict(0.01, complete=True, seen=None) == ""


def test_a_search_keeps_to_its_limits() -> None:
    """The narrow hill is higher than is allowed: the best lies where the limit cuts it."""
    goal = objective(PROBLEM, Land(), "height")
    limit = Limit(goal=goal, high=1.5)
    ds = optimise(PROBLEM, Land(), "height", RANGES, limits=[limit], starts=4)
    assert float(ds.height) == pytest.approx(1.5, rel=1e-5)
    free = optimise(PROBLEM, Land(), "height", RANGES, starts=4)
    assert float(free.height) == pytest.approx(TOP, rel=1e-3)
    assert HILLS[1][3] > 1.5
    with pytest.raises(Exception, match="within the limits"):
        optimise(PROBLEM, Land(), "height", RANGES, limits=[replace(limit, low=5.0, high=6.0)])


def test_a_set_with_fewer_contacts_than_parameters_is_refused() -> None:
    from chirospin.measured.inference.fits import fit_one

    with pytest.raises(ModelError, match="more contacts than parameters"):
        fit_one(NULL, replace(planned_set(BIASES, 10), units=4))
