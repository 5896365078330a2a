"""How many models each problem solves at its default point or a smaller one, frozen: for all observables, and for its own quantity.

A number that grows has to be explained where it is changed; the tests of the corridor are in ``test_needs``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any

import pytest

import chirospin
from chirospin import chiral_metal
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.solve import solve
from chirospin.chiral_metal.closed_form import _profiles
from chirospin.chiral_metal.model import scales_of
from chirospin.vibration import Vibration, Windowed
from chirospin.vibration import solve as solve_level

FROZEN: dict[
    str, tuple[int, int]
] = {  # where it is not one solve by default, and one for the quantity alone
    "junction.bias": (4, 4),  # at rest, and a step of the bias above and below it
}
QUICK: dict[str, dict[str, Any]] = {  # fewer samples: how many models are solved is not of them
    "chiral_metal.crystal": {"polar": 8, "azimuth": 8, "radial": 16, "tolerance": 10.0},
}
SMALL_MOLECULE = {"structure": "h2o2", "functional": "hf", "basis": "sto-3g", "screening": "none"}
SMALL: dict[str, dict[str, Any]] = {
    "junction.transient": {"molecules": 1, "time": [1.0]},
    "junction.bias": {"molecules": 1},
    "molecule": SMALL_MOLECULE,
    "molecule.stack": SMALL_MOLECULE,
}
PROBLEMS = [
    problem
    for name in chirospin.FAMILIES
    for problem in importlib.import_module(f"chirospin.{name}").FAMILY.problems
]


def counting(problem: Problem) -> tuple[Method, list[int]]:
    """The default method with a counter of the models it is handed, by the corridor or by itself."""
    solved, depth = [0], [0]
    kind = problem.method()

    def counted(function: Any, models: Sequence[Any], *needs: Any) -> Any:
        solved[0] += 0 if depth[0] else len(models)
        depth[0] += 1
        try:
            return function(models, *needs)
        finally:
            depth[0] -= 1

    class Counting(kind):  # type: ignore[misc, valid-type]
        def solve_many(self, models: Sequence[Any]) -> Any:
            return counted(super().solve_many, models)

        def solve_with(self, models: Sequence[Any], needs: Any) -> Any:
            return counted(super().solve_with, models, needs)

    return Counting(**QUICK.get(problem.path, {})), solved


def solves(problem: Problem, observables: list[str] | None) -> int:
    method, solved = counting(problem)
    model = problem.model(**SMALL.get(problem.path, {}))
    solve(problem, model, method, observables=observables, on_failure="record")
    return solved[0]


@pytest.mark.parametrize("problem", PROBLEMS, ids=[p.path for p in PROBLEMS])
def test_solves_at_the_default_point(problem: Problem) -> None:
    found = solves(problem, None), solves(problem, [problem.quantity])
    assert found == FROZEN.get(problem.path, (1, 1))


@pytest.mark.parametrize(
    ("observables", "number"),
    [
        (["occupation"], 1),
        (["noise"], 1),
        (["current"], 2),
        (["energy_current"], 2),
        (["rectification"], 3),
        (["differential_conductance"], 2),
        (["spin_current", "cumulants", "density_of_states"], 1),
        (["seebeck", "onsager_defect"], 2),
    ],
)
def test_solves_of_a_biased_junction(observables: list[str], number: int) -> None:
    problem = next(one for one in PROBLEMS if one.path == "junction.bias")
    assert solves(problem, observables) == number


@contextmanager
def calls(code: CodeType) -> Iterator[list[int]]:
    """How often a function is called in this thread."""
    count = [0]

    def seen(frame: Any, event: str, argument: Any) -> None:
        count[0] += event == "call" and frame.f_code is code

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        yield count
    finally:
        sys.setprofile(before)


def test_scales_and_profiles_of_a_chiral_metal_are_worked_out_once() -> None:
    """Labels, and the state; every observable, error and check reads those of the state."""
    model = chiral_metal.ChiralMetal(position=[1.0, 2.0])
    over = {"spin_orbit": [0.1, 0.2, 0.3]}
    with calls(scales_of.__code__) as three:
        chiral_metal.solve(model, over=over)
    with calls(scales_of.__code__) as two:
        chiral_metal.solve(model, over={"spin_orbit": [0.1, 0.2]})
    assert three[0] - two[0] == 2
    with calls(_profiles.__code__) as unasked:
        chiral_metal.solve(chiral_metal.ChiralMetal(), over=over, observables=["interface_spin"])
    assert unasked[0] == 0
    with calls(_profiles.__code__) as asked:
        chiral_metal.solve(model, over=over, observables=["spin_density", "interface_spin"])
    assert asked[0] == 3


def test_a_search_is_shared_by_all_temperatures_and_judged_where_it_is_asked_for() -> None:
    over = {"thermal_energy": [0.5, 1.0, 2.0]}
    with calls(Windowed.crossing.__code__) as searches:
        ds = solve_level(Vibration(), "windowed", over=over)
    assert searches[0] == 1
    assert (ds.audit_value.sel(check="crossover_residual") < 1e-10).all()
    for wanted in (["moment"], ["moment", "occupation"], ["occupation", "moment"]):
        ds = solve_level(Vibration(), "windowed", observables=wanted)
        assert ds.audit_value.sel(check="crossover_residual").isnull().all()
