"""Errors that sums over k state: how often they cover, and what is done where they are too large."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import numpy as np
import pytest

from chirospin.crystal import Crystal, KGrid
from chirospin.crystal.levels import coarser, estimated, finer, level_of, two_grids
from chirospin.crystal.subject import kept_subject

LADDER = (8, 12, 18, 27, 40, 54)
LEVELS = (0.3, 0.48, 0.8, 1.1, 1.5, 2.3)
TEMPERATURES = (0.3, 0.1, 0.05)


def coverage(model: Crystal, requests: Any) -> tuple[float, float, float]:
    """Share of diagonal elements whose error from the densest grid is within the stated one, and within half the
    difference of two grids alone; and how often as large the stated one is, in the middle.
    """
    subject = kept_subject(model)
    levels = [
        level_of(subject, two_grids(subject, (n, n, n), subject.turns), requests, frozenset(), None)
        for n in LADDER
    ]
    stated, half, true, sure = [], [], [], []
    for coarse, fine in itertools.pairwise(levels[:-1]):
        for row in range(len(requests)):
            found = estimated(fine, coarse, row, 0)
            for name, value in found.values.items():
                dense = levels[-1].tensors[name][:, row]
                best = dense.mean(axis=0)
                sure.append(np.abs(np.diag(dense[0] - dense[1])) / 2)
                pair = fine.tensors[name][:, row]
                stated.append(np.diag(found.errors[name]))
                half.append(np.diag(np.abs(pair[0] - pair[1]) / 2))
                true.append(np.abs(np.diag(value - best)))
    a, b, e, c = (np.ravel(x) for x in (stated, half, true, sure))
    known = (e > 1e-11) & (4 * c < e)  # where rounding and the error of the densest grid are less
    return (
        float((e <= a)[known].mean()),
        float((e <= b)[known].mean()),
        float(np.median(a[known] / e[known])),
    )


def test_stated_errors_cover():
    """In thermal sums 19 of 20 at least, at T = 0 four of five; half the difference of two grids does not (control)."""
    model = Crystal(hamiltonian="cubic", spin_orbit=0.3)
    warm = coverage(model, [(mu, T) for mu in LEVELS for T in TEMPERATURES])
    assert warm[0] > 0.95
    assert warm[1] < 0.7
    assert warm[2] < 20  # and they do not cover by being huge
    cold = coverage(model, [(mu, 0.0) for mu in LEVELS])
    assert cold[0] > 0.8
    assert cold[1] < 0.5
    assert cold[2] < 10


def test_levels_of_points():
    assert coarser((48, 12, 3)) == (32, 8, 2)
    assert coarser((1, 2, 4)) == (2, 1, 2)
    assert finer((32, 8, 1)) == (48, 12, 2)


def test_points_are_raised_until_the_tolerance_is_met():
    """Each of a scan as far as it must; without raisings it says what is reached, and where."""
    models = [
        Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=T) for T in (0.3, 0.05)
    ]
    easy, hard = KGrid(points=12, raisings=4).solve_many(models)
    assert easy.outcome.converged
    assert hard.outcome.converged
    assert hard.points > 4 * easy.points
    assert hard.error <= 1e-2
    alone = KGrid(points=12, raisings=4).solve(models[1])
    assert alone.edelstein == pytest.approx(hard.edelstein, abs=1e-14)
    (stuck,) = KGrid(points=12, raisings=0).solve_many(models[1:])
    assert not stuck.outcome.converged
    assert "is known to" in stuck.outcome.reason
    assert "on 12 x 12 x 12 points" in stuck.outcome.reason
    exact = KGrid(points=54, raisings=0, tolerance=1.0).solve(models[1])
    for state in (easy, hard, stuck):
        wanted = exact if state is not easy else KGrid(points=24).solve(models[0])
        for name in ("charge", "edelstein"):
            off = np.abs(getattr(state, name) - getattr(wanted, name))
            assert (off <= state.errors[name] + wanted.errors[name]).all()


def test_a_named_grid_is_summed_as_it_stands():
    model = Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=0.05)
    state = KGrid(points=8, shifts=0.25).solve(model)
    assert state.error > 1e-2
    assert state.outcome.converged  # it was asked for


def test_a_long_pass_tells_how_far_it_is(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="chirospin"):
        KGrid(points=14, symmetry="none", tolerance=1.0).solve(
            Crystal(hamiltonian="cubic", thermal_energy=0.3)
        )
    lines = [record.getMessage() for record in caplog.records]
    assert any("sum over 14 x 14 x 14 points of k" in line and "done" in line for line in lines)
