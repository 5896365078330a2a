"""Quantum jumps against the exact steady state, as a statistical test with a control."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.stats

from chirospin.base.errors import ModelError
from chirospin.junction import (
    GKSL,
    Evolution,
    Junction,
    Landauer,
    SwitchedJunction,
    Trajectories,
)
from chirospin.junction.manybody.trajectories import (
    PARTS,
    SAMPLED_AUDITS,
    SAMPLED_CHECKS,
    Window,
    measured_relaxation,
)
from chirospin.junction.observables import polarisation_uncertainty
from chirospin.junction.time.transient import MODES, relaxation_gap

SIGMAS = 4.0  # chance of a false alarm with a dozen numbers below one in a thousand
QUICK = {"hopping_b": 0.5, "hubbard": 1.0, "coupling": 0.5}
CASES = {
    "one molecule": (
        {"molecules": 1, "spin_orbit": 0.2, "occupation_left": 0.9, "occupation_right": 0.2},
        Trajectories(trajectories=100, time=2000, burn_in=100),
    ),
    "two molecules": (QUICK, Trajectories(trajectories=200, time=300, burn_in=60)),
    "general vectors": (
        QUICK | {"spin_orbit_vectors": [[0.2, 0.1, 0.3], [0.1, -0.2, 0.2]], "hund": 0.2},
        Trajectories(trajectories=100, time=200, burn_in=60, seed=1),
    ),
    "three molecules": (  # without repulsion, where scattering is exact and costs nothing
        QUICK | {"molecules": 3, "hubbard": 0.0},
        Trajectories(trajectories=64, time=60, burn_in=40),
    ),
}


@cache
def drawn(case: str) -> Any:
    values, method = CASES[case]
    return method.solve(Junction(**values))


@pytest.mark.parametrize("case", CASES)
def test_the_current_lies_within_its_error_bars(case: str) -> None:
    model, state = Junction(**CASES[case][0]), drawn(case)
    exact = (Landauer() if model.molecules == 3 else GKSL()).solve(model)
    for run, true in zip(state.parts["runs"], exact.lead_current[:, 0], strict=True):
        for one in (run.counted, run.expected):
            assert abs(one.value - true) < SIGMAS * one.error
            assert one.error < 0.05 * abs(true)
    for check in SAMPLED_CHECKS:
        assert check.judge(check.evaluate(model, state)), check.name


def test_another_junction_lies_outside_the_error_bars() -> None:
    state = drawn("two molecules")
    other = GKSL().solve(Junction(**{**QUICK, "coupling": 0.45}))
    apart = (state.lead_current[:, 0] - other.lead_current[:, 0]) / state.standard_error
    assert np.abs(apart).min() > SIGMAS


def test_the_error_falls_with_the_root_of_the_time_and_the_fano_factor_is_the_exact_one() -> None:
    model = Junction(molecules=1, spin_orbit=0.2, coupling=0.3)
    short, long = (
        Trajectories(trajectories=400, time=t, burn_in=50).solve(model) for t in (100.0, 400.0)
    )
    pairs = zip(short.parts["runs"], long.parts["runs"], strict=True)
    ratio = [a.counted.error / b.counted.error for a, b in pairs]
    assert ratio == pytest.approx([2, 2], rel=0.25)  # each error is known to 1/sqrt(800)
    exact = GKSL().solve(Junction(molecules=1, spin_orbit=0.2, coupling=0.3), ["noise"])
    fano = exact.parts["noise"].values[:, 0] / exact.lead_current[:, 0]
    assert [run.bunching for run in long.parts["runs"]] == pytest.approx(
        fano, rel=4 * np.sqrt(2 / 399) + 0.02
    )


def test_the_seed_alone_decides() -> None:
    model, method = Junction(molecules=1), Trajectories(trajectories=8, time=200)
    one, same, other = (
        k.solve(model).lead_current for k in (method, method, method.with_options(seed=5))
    )
    assert (one == same).all()
    assert (one != other).any()
    more = method.with_options(trajectories=9)  # a further trajectory leaves the first eight alone
    assert more.solve(model).lead_current[0, 0] * 9 * 200 == pytest.approx(
        round(more.solve(model).lead_current[0, 0] * 9 * 200 * 2) / 2
    )


def distances(model: Junction, method: Trajectories, seeds: int) -> np.ndarray:
    """Currents and polarisation less the exact ones, in standard errors, (seed, 3)."""
    exact = GKSL().solve(model).lead_current[:, 0]
    rows = []
    for seed in range(seeds):
        (state,) = method.with_options(seed=seed).solve_many([model])
        up, down = state.lead_current[:, 0]
        P, true = (up - down) / (up + down), (exact[0] - exact[1]) / exact.sum()
        off = (state.lead_current[:, 0] - exact) / state.standard_error
        rows.append([*off, (P - true) / polarisation_uncertainty(model, state)])
    return np.array(rows)


def is_standard_normal(z: np.ndarray) -> np.ndarray:
    """Whether mean and squares of each column are those of a normal distribution, at one in a thousand."""
    n = len(z)
    low, high = scipy.stats.chi2(n).ppf([0.0005, 0.9995])
    squares = (z**2).sum(axis=0)
    far = scipy.stats.norm.ppf(0.9995)
    return (np.abs(z.mean(axis=0)) * np.sqrt(n) < far) & (low < squares) & (squares < high)


SEEDS = 8
OPEN_STACK = QUICK | {"spin_orbit": 0.3}


def test_over_seeds_the_distance_to_the_exact_state_is_a_standard_normal_number() -> None:
    method = Trajectories(trajectories=32, time=60, burn_in=46)
    assert is_standard_normal(distances(Junction(**OPEN_STACK), method, SEEDS)).all()


def test_without_a_start_it_is_not() -> None:
    method = Trajectories(trajectories=32, time=15, burn_in=0)
    assert not is_standard_normal(distances(Junction(**OPEN_STACK), method, SEEDS))[0]


def test_the_start_follows_the_relaxation_time_and_a_short_one_is_told() -> None:
    """The reference point forgets after 1291 and 1824 hbar/eV."""
    drift = next(one for one in SAMPLED_CHECKS if one.name == "drift")
    switched = SwitchedJunction(time=(0.0,))
    times = 1 / relaxation_gap(switched, Evolution().solve(switched, [MODES]))
    model = Junction()
    long = Trajectories(trajectories=8, time=500)
    state = next(long.solve_many([model]))
    assert [run.relaxation for run in state.parts["runs"]] == pytest.approx(times, rel=1e-3)
    assert [run.window.burn_in for run in state.parts["runs"]] == pytest.approx(6 * times, rel=1e-3)
    assert drift.judge(drift.evaluate(model, state))
    short = next(Trajectories(burn_in=500, time=1000, trajectories=32).solve_many([model]))
    assert not drift.judge(drift.evaluate(model, short))


def test_a_relaxation_time_measured_from_the_electrons_is_near_that_of_the_generator() -> None:
    """A telegraph signal of known memory; and independent electrons, which have none."""
    rng = np.random.default_rng(0)
    window = Window(burn_in=0.0, time=320.0)
    tau = 40.0
    stay = np.exp(-window.time / PARTS / tau)
    level = np.ones((400, PARTS))
    level[:, 0] = rng.choice([-1.0, 1.0], size=400)
    for part in range(1, PARTS):
        kept = rng.random(400) < (1 + stay) / 2
        level[:, part] = np.where(kept, level[:, part - 1], -level[:, part - 1])
    noise = rng.normal(size=level.shape)
    assert measured_relaxation(level + noise, window) == pytest.approx(tau, rel=0.25)
    assert measured_relaxation(noise, window) == window.time / PARTS / 2


def test_an_unfinished_start_is_reported() -> None:
    """At the reference point slow states need some thousand hbar/eV to fill."""
    method = Trajectories(trajectories=400, time=300, burn_in=0)
    state = next(method.solve_many([Junction(lead_polarisation=0.0)]))
    assert not state.outcome.converged
    assert "raise burn_in" in state.outcome.reason


def test_the_audit_compares_with_the_exact_current() -> None:
    values, method = CASES["one molecule"]
    assert SAMPLED_AUDITS[0].run(Junction(**values), method).passed


def test_processes_share_the_trajectories_and_change_no_draw() -> None:
    model = Junction(molecules=1)
    one, two = (
        Trajectories(trajectories=9, time=100, burn_in=10, processes=n).solve(model) for n in (1, 2)
    )
    assert one.lead_current == pytest.approx(two.lead_current, rel=1e-12)
    assert one.standard_error == pytest.approx(two.standard_error, rel=1e-9)


def test_a_size_beyond_reach_is_refused() -> None:
    with pytest.raises(ModelError, match="6 molecules have one of 853776"):
        Trajectories().solve(Junction(molecules=6))
