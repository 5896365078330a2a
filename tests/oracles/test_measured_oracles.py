"""Statistics of measured curves against scipy, direct quadrature and enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from benchmarks.measured_sets import Truth, made
from scipy import integrate, signal, stats

from chirospin.measured.analysis import Analysis, analysis_of
from chirospin.measured.estimates import mean_of, slope_of, welch
from chirospin.measured.findings import searched, spread
from chirospin.measured.permutations import every, largest_paired, largest_welch
from chirospin.measured.planning import detectable, faked, needed, plan, shown_share
from chirospin.measured.quantities import posterior, scatter_parts
from chirospin.measured.shapes import differential_conductance, offset_of, origin_of

RANDOM = np.random.default_rng(11)
ROUNDING = 1e-10


def an_analysis(**changes: object) -> Analysis:
    return analysis_of(made(Truth(**{"contacts": 6, "curves": 3, **changes}), 3))  # type: ignore[arg-type]


def test_welch_is_that_of_scipy() -> None:
    a, b = RANDOM.normal(0.5, 2, size=(9, 4)), RANDOM.normal(size=(13, 4))
    found, theirs = welch(a, b), stats.ttest_ind(a, b, equal_var=False)
    low, high = found.interval()
    ends = theirs.confidence_interval(0.95)
    assert found.p == pytest.approx(theirs.pvalue, rel=ROUNDING)
    assert low == pytest.approx(ends.low, rel=ROUNDING)
    assert high == pytest.approx(ends.high, rel=ROUNDING)
    assert found.freedom == pytest.approx(theirs.df, rel=ROUNDING)


def test_pairs_and_slopes_are_those_of_scipy() -> None:
    d, x = RANDOM.normal(size=12), np.arange(12.0)
    assert mean_of(d).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=ROUNDING)
    slope, _ = slope_of(d, x)
    theirs = stats.linregress(x, d)
    assert (slope.value, slope.error) == pytest.approx((theirs.slope, theirs.stderr))
    assert slope.p == pytest.approx(theirs.pvalue)


def test_the_largest_t_is_that_of_every_labelling() -> None:
    values, up = RANDOM.normal(size=(7, 3)), np.array([1, 1, 1, 0, 0, 0, 0], dtype=bool)
    labels = every(up, np.zeros(7, dtype=int))
    assert len(labels) == 35
    assert {tuple(np.flatnonzero(row)) for row in labels} == set(
        itertools.combinations(range(7), 3)
    )
    theirs = [
        np.abs(stats.ttest_ind(values[row], values[~row], equal_var=False).statistic).max()
        for row in labels
    ]
    assert largest_welch(values, labels) == pytest.approx(np.array(theirs), rel=1e-8)
    signs = np.array(list(itertools.product([True, False], repeat=7)))
    theirs = [
        np.abs(stats.ttest_1samp(np.where(row, 1, -1)[:, None] * values, 0).statistic).max()
        for row in signs
    ]
    assert largest_paired(values, signs) == pytest.approx(np.array(theirs), rel=1e-8)


def test_the_permutation_test_at_one_bias_is_that_of_scipy() -> None:
    """Against scipy's own permutation_test with Welch's statistic, every labelling."""
    one = analysis_of(made(Truth(contacts=5, curves=2, polarisation=0.5, grid=(-1.0, 1.0)), 2), 1.0)
    one.usable[:] = one.curves.bias == 1.0
    units = one.contacts["R"]
    mean = units.mean(one.log_current)[:, 1]

    def t(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic)

    theirs = stats.permutation_test(
        (mean[units.up], mean[~units.up]),
        t,
        vectorized=True,
        n_resamples=np.inf,
        alternative="greater",
    )
    assert searched(one, one.contacts).p == pytest.approx(theirs.pvalue, abs=1e-12)


def test_the_scatter_of_contacts_is_that_of_scipy() -> None:
    one = an_analysis()
    units = one.contacts["R"]
    mean = units.mean(one.log_current)[:, one.verdict]
    theirs = stats.levene(mean[units.up], mean[~units.up], center="median").pvalue
    assert spread(one).value == pytest.approx(theirs)
    groups = [
        [one.log_current[units.rows[c], one.verdict] for c in np.flatnonzero(row)]
        for row in units.weights > 0
    ]
    between, within = scatter_parts(one, "R")
    ms_within = np.mean([np.var(g, ddof=1) for g in groups])
    sides = [[np.mean(g) for g, u in zip(groups, units.up, strict=True) if u == s] for s in (1, 0)]
    ms_between = 3 * np.mean([np.var(side, ddof=1) for side in sides])
    assert within == pytest.approx(np.sqrt(ms_within))
    assert between == pytest.approx(np.sqrt((ms_between - ms_within) / 3))


def test_the_posterior_is_that_of_direct_quadrature() -> None:
    """Against an integral over the scatter of contacts, D on a line, equal numbers of curves."""
    one = an_analysis(contacts=5, polarisation=0.4)
    units = one.contacts["R"]
    mean = units.mean(one.log_current)[:, one.verdict]
    a, b = mean[units.up], mean[~units.up]
    n = len(a)
    grid = np.linspace(-8, 8, 2001) + a.mean() - b.mean()

    def likelihood(s: float) -> np.ndarray:
        squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
        flat = s ** (-2 * n) * s * np.exp(-squares / (2 * s**2))  # the common mean integrated out
        return flat * np.exp(-n * (grid - a.mean() + b.mean()) ** 2 / (4 * s**2)) / (1 + s**2)

    scales = np.geomspace(0.02, 6, 4000)
    density = integrate.trapezoid([likelihood(s) for s in scales], scales, axis=0)
    share = integrate.cumulative_trapezoid(density, grid, initial=0)
    share /= share[-1]
    found = posterior(one, "R")
    low, high = np.interp([0.025, 0.975], share, grid)
    assert (found.low, found.high) == pytest.approx(
        (np.tanh(low / 2), np.tanh(high / 2)), abs=0.005
    )
    assert found.positive == pytest.approx(1 - np.interp(0, grid, share), abs=0.005)
    width = integrate.trapezoid(density, grid)
    prior = integrate.trapezoid(density * stats.norm.pdf(grid), grid) / width
    at_zero = np.interp(0, grid, density) / width
    assert found.bayes_factor == pytest.approx(prior / at_zero, rel=0.02)


def test_planning_meets_numbers_computed_elsewhere() -> None:
    """Of ../shared/physics/measured.md: noncentral t, scatter 1.2."""
    assert [needed(P, 1.2) for P in (0.1, 0.3, 0.6)] == [563, 60, 13]
    assert needed(0.1, 0.2, paired=True) == 10
    assert detectable(1.2, 20) == pytest.approx(0.50, abs=0.005)
    assert faked(1.2, 20) == pytest.approx(0.36, abs=0.005)
    found = plan(0.3)
    assert (found.contacts, found.runs) == (60, 4)
    assert found.smallest_p == pytest.approx(1 / 35)


def test_power_is_that_of_drawn_sets() -> None:
    D, n, s = 2 * np.arctanh(0.3), 30, 1.0
    a, b = RANDOM.normal(D, s, size=(n, 20_000)), RANDOM.normal(0, s, size=(n, 20_000))
    found = stats.ttest_ind(a, b)
    share = np.mean((found.pvalue <= 0.05) & (found.statistic > 0))
    assert shown_share(D, s, n) == pytest.approx(share, abs=0.012)  # three sigma of 20 000


def test_the_local_cubic_is_that_of_savitzky_and_golay() -> None:
    V = np.linspace(-1, 1, 21)
    I = np.sinh(3 * V) + 0.01 * RANDOM.normal(size=21)  # noqa: E741
    theirs = signal.savgol_filter(I, 7, 3, deriv=1, delta=V[1] - V[0])
    assert differential_conductance(V, I) == pytest.approx(theirs, rel=1e-8)
    uneven = np.sort(RANDOM.uniform(-1, 1, 15))
    cubic = np.polynomial.Polynomial([0.1, 2.0, -0.7, 1.5])
    assert differential_conductance(uneven, cubic(uneven)) == pytest.approx(cubic.deriv()(uneven))


def test_conductance_and_offset_of_a_cubic_are_exact() -> None:
    curves = made(Truth(contacts=2, curves=1), 0)
    for grid in (curves.bias, curves.bias[curves.bias != 0]):
        cubic = np.polynomial.Polynomial([2e-12, 3e-11, 1e-11, 4e-11])
        from dataclasses import replace

        same = replace(curves, bias=grid, current=np.tile(cubic(grid), (len(curves), 1)))
        origin = origin_of(same)
        assert origin is not None
        assert origin.conductance == pytest.approx(3e-11)
        assert offset_of(same) == pytest.approx(2e-12)
