"""The largest value is found on a landscape that is known, or its agreement says that it may not be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from chirospin.base.audit import Check
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.points.optimise import agreed, optimise, search_range

HILLS = ((0.3, 0.4, 0.35, 1.0), (0.82, 0.77, 0.06, 2.0))
"""Places, width and height of a broad hill and of a narrow one that is twice as high."""


class Land(Model):
    """A place on the map."""

    east: float = parameter(0.2, unit="1", symbol="x", low=0, high=1, about="place")
    north: float = parameter(0.2, unit="1", symbol="y", low=0, high=1, about="place")


@dataclass(frozen=True)
class Height:
    """Of the land at its place."""

    height: float
    outcome: Outcome


class Survey(Method):
    """The sum of both hills."""

    name = "survey"
    summary = "exact"

    def solve_many(self, models: Sequence[Land]) -> Iterator[Height]:
        """One height for each place."""
        for m in models:
            height = sum(
                h * np.exp(-((m.east - x) ** 2 + (m.north - y) ** 2) / (2 * w**2))
                for x, y, w, h in HILLS
            )
            yield Height(float(height), Outcome(converged=True, residual=0.0, iterations=1))


@observable(unit="1", symbol="h_n")
def faint(model: Land, state: Height) -> float:
    """The same in a larger unit."""
    return 1e-9 * state.height


@observable(unit="1", symbol="h")
def height(model: Land, state: Height) -> float:
    """Above the sea."""
    return state.height


@observable(unit="1", symbol="r")
def ridges(model: Land, state: Height) -> float:
    """Four, the third of which is the highest."""
    return float((1.01 + np.cos(6 * np.pi * model.east)) * np.exp(-((model.east - 0.7) ** 2)))


PROBLEM = Problem(
    family="land",
    name="land",
    question="where is the top?",
    model=Land,
    methods={"survey": Survey},
    observables=(height, faint),
    checks=(),
    audits=(),
    labels=lambda model: {},
    quantity="height",
)
RANGES = [search_range(Land(), name, 0, 1) for name in ("east", "north")]
TOP = 2.0 + np.exp(-(0.52**2 + 0.37**2) / (2 * 0.35**2))


@pytest.mark.parametrize("seed", range(8))
def test_a_screen_finds_the_narrow_hill_from_every_seed(seed: int) -> None:
    ds = optimise(PROBLEM, Land(), "height", RANGES, seed=seed)
    assert float(ds.height) == pytest.approx(TOP, rel=1e-3)


def test_the_unit_of_the_objective_does_not_matter() -> None:
    tall, low = (optimise(PROBLEM, Land(), name, RANGES) for name in ("height", "faint"))
    assert float(low.height) == pytest.approx(float(tall.height), rel=1e-9)
    assert low.attrs["agreed"] == tall.attrs["agreed"]


def test_blind_starts_miss_it_and_count_who_agrees() -> None:
    missed = 0
    for seed in range(8):
        ds = optimise(PROBLEM, Land(), "height", RANGES, starts=3, screen=0, seed=seed)
        (evidence,) = json.loads(ds.attrs["optimum_audit"])
        assert evidence["name"] == "agreement"
        assert evidence["passed"] == (ds.attrs["agreed"] == 3)
        missed += float(ds.height) < 0.9 * TOP
    assert missed >= 4


def test_agreement_counts_the_ends_at_the_best_value() -> None:
    assert agreed([-1.0, -0.99, -0.97, -0.5]) == 2
    assert agreed([0.0, 0.0, 1e-9]) == 2


def test_hops_leave_the_hill_where_a_search_begins() -> None:
    """The highest of four ridges; without hops a search ends on its own, the control."""
    crate = replace(PROBLEM, observables=(ridges,), quantity="ridges")
    ranges = [search_range(Land(), "east", 0, 1)]
    near = Land(east=0.05)
    still = optimise(crate, near, "abs(ridges)", ranges, starts=1)
    hopping = optimise(crate, near, "abs(ridges)", ranges, starts=1, evaluations=200, hops=12)
    highest = float(ridges(Land(east=0.67), None))
    assert float(still.ridges) < 0.7 * highest
    assert float(hopping.ridges) > 0.99 * highest


def test_a_state_that_fails_its_checks_does_not_count() -> None:
    low = Check(name="low", about="", tolerance=1.5, evaluate=lambda m, s: s.height)
    ds = optimise(PROBLEM, Land(), "abs(height)", RANGES, checks=[low], starts=4)
    assert 0.9 < float(ds.height) < 1.5
    assert float(optimise(PROBLEM, Land(), "abs(height)", RANGES, starts=4).height) > 1.9


class Stopped(Survey):
    """A survey that is stopped after some places, and counts them."""

    name = "stopped"
    left: ClassVar[int] = 10**9
    counted: ClassVar[int] = 0

    def solve_many(self, models: Sequence[Land]) -> Iterator[Height]:
        """One height for each place."""
        for one in super().solve_many(models):
            if type(self).left == 0:
                raise KeyboardInterrupt
            type(self).left -= 1
            type(self).counted += 1
            yield one


STOPPABLE = replace(PROBLEM, methods={"stopped": Stopped})


def searched(store: Path | None, left: int = 10**9, seed: int = 0) -> tuple[float, int]:
    """The largest value, and how many places were looked at."""
    Stopped.left, Stopped.counted = left, 0
    ds = optimise(STOPPABLE, Land(), "height", RANGES, starts=3, screen=8, seed=seed, store=store)
    return float(ds.height), Stopped.counted


def test_a_stopped_search_goes_on_where_it_was(tmp_path: Path) -> None:
    """A line that was cut by a kill is looked at again; other points are not known."""
    value, whole = searched(None)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, left=whole // 2)
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    file.write_text(text[: len(text) - 5])
    again, rest = searched(tmp_path)
    assert again == value
    assert whole // 3 < rest <= whole - whole // 2 + 1
    assert searched(tmp_path)[1] < 5  # the optimum itself is solved, for its result
    assert searched(tmp_path, seed=1)[1] > 20
