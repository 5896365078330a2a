"""Quantum jumps against the exact steady state, as a statistical test with a control."""

from __future__ import annotations

import numpy as np
import pytest

from chirospin.base.errors import ModelError
from chirospin.junction import GKSL, CountedJunction, GKSLCounting, SampledJunction, Trajectories
from chirospin.junction.trajectories import SAMPLED_AUDITS, SAMPLED_CHECKS

SIGMAS = 4.0  # chance of a false alarm with a dozen numbers below one in a thousand
QUICK = {"hopping_b": 0.5, "hubbard": 1.0, "coupling": 0.5}
CASES = {
    "one molecule": (
        {"molecules": 1, "spin_orbit": 0.2, "occupation_left": 0.9, "occupation_right": 0.2},
        Trajectories(trajectories=100, time=2000, start=100),
    ),
    "two molecules": (QUICK, Trajectories(trajectories=200, time=300, start=60)),
    "general vectors": (
        QUICK | {"spin_orbit_vectors": [[0.2, 0.1, 0.3], [0.1, -0.2, 0.2]], "hund": 0.2},
        Trajectories(trajectories=100, time=200, start=60, seed=1),
    ),
    "three molecules": (QUICK | {"molecules": 3}, Trajectories(trajectories=64, time=60, start=40)),
}


@pytest.mark.parametrize(("values", "method"), CASES.values(), ids=CASES.keys())
def test_the_current_lies_within_its_error_bars(values: dict, method: Trajectories) -> None:
    model = SampledJunction(**values)
    state, exact = method.solve(model), GKSL().solve(model)
    for estimates in (state.counted, state.expected):
        for one, true in zip(estimates, exact.lead_current[:, 0], strict=True):
            assert abs(one.value - true) < SIGMAS * one.error
            assert one.error < 0.05 * abs(true)
    for check in SAMPLED_CHECKS:
        assert check.judge(check.evaluate(model, state)), check.name


def test_another_junction_lies_outside_the_error_bars() -> None:
    state = CASES["two molecules"][1].solve(SampledJunction(**QUICK))
    other = GKSL().solve(SampledJunction(**{**QUICK, "coupling": 0.45}))
    apart = (state.lead_current[:, 0] - other.lead_current[:, 0]) / state.current_error
    assert np.abs(apart).min() > SIGMAS


def test_the_error_falls_with_the_root_of_the_time_and_the_fano_factor_is_the_exact_one() -> None:
    model = SampledJunction(molecules=1, spin_orbit=0.2, coupling=0.3)
    short, long = (
        Trajectories(trajectories=400, time=t, start=50).solve(model) for t in (100.0, 400.0)
    )
    ratio = [a.error / b.error for a, b in zip(short.counted, long.counted, strict=True)]
    assert ratio == pytest.approx([2, 2], rel=0.25)  # each error is known to 1/sqrt(800)
    exact = GKSLCounting().solve(CountedJunction(molecules=1, spin_orbit=0.2, coupling=0.3))
    fano = exact.noise[:, 0] / exact.lead_current[:, 0]
    assert long.bunching == pytest.approx(fano, rel=4 * np.sqrt(2 / 399) + 0.02)


def test_the_seed_alone_decides() -> None:
    model, method = SampledJunction(molecules=1), Trajectories(trajectories=8, time=200)
    one, same, other = (
        k.solve(model).lead_current for k in (method, method, method.with_options(seed=5))
    )
    assert (one == same).all()
    assert (one != other).any()
    more = method.with_options(trajectories=9)  # a further trajectory leaves the first eight alone
    assert more.solve(model).lead_current[0, 0] * 9 * 200 == pytest.approx(
        round(more.solve(model).lead_current[0, 0] * 9 * 200 * 2) / 2
    )


def test_an_unfinished_start_is_reported() -> None:
    """At the reference point slow states need some thousand hbar/eV to fill."""
    method = Trajectories(trajectories=400, time=300, start=0)
    state = next(method.solve_many([SampledJunction(lead_polarisation=0.0)]))
    assert not state.outcome.converged
    assert "raise start" in state.outcome.reason


def test_the_audit_compares_with_the_exact_current() -> None:
    values, method = CASES["one molecule"]
    assert SAMPLED_AUDITS[0].run(SampledJunction(**values), method).passed


def test_processes_share_the_trajectories_and_change_no_draw() -> None:
    model = SampledJunction(molecules=1)
    one, two = (
        Trajectories(trajectories=9, time=100, start=10, processes=n).solve(model) for n in (1, 2)
    )
    assert one.lead_current == pytest.approx(two.lead_current, rel=1e-12)
    assert one.current_error == pytest.approx(two.current_error, rel=1e-9)


def test_a_size_beyond_reach_is_refused() -> None:
    with pytest.raises(ModelError, match="6 molecules have one of 853776"):
        Trajectories().solve(SampledJunction(molecules=6))
