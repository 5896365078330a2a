"""The files of the public benchmark are those of their generator, and both routes still give the number."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chirospin.benchmark import PROBLEMS_FOLDER, benchmark_problems
from tests.oracles.benchmark_problems import PROBLEMS, Declared, declared_text, record, routes

QUICK = [problem for problem in PROBLEMS if not problem.slow]


@pytest.mark.parametrize("problem", QUICK, ids=lambda problem: problem.name)
def test_both_routes_give_the_stored_number(problem: Declared) -> None:
    stored = benchmark_problems()[problem.name]
    for value in routes(problem):
        assert abs(value - stored["value"]) <= problem.tolerance


def unworded(text: dict[str, Any]) -> dict[str, Any]:
    """Without the meanings of parameters, which their models word."""
    own = {name: (each["value"], each["unit"]) for name, each in text["parameters"].items()}
    return {**text, "parameters": own, "model": ""}


def test_every_file_has_its_declaration_and_two_routes() -> None:
    """The words are those of the generator, and the slow ones have both numbers too."""
    assert {file.stem for file in PROBLEMS_FOLDER.glob("*.json")} == {one.name for one in PROBLEMS}
    assert len(PROBLEMS) >= 20
    for problem in PROBLEMS:
        stored = dict(benchmark_problems()[problem.name])
        value, both = stored.pop("value"), stored.pop("routes")
        assert unworded(stored) == unworded(json.loads(json.dumps(declared_text(problem))))
        assert len({route["name"] for route in both}) == 2
        assert all(abs(route["value"] - value) <= problem.tolerance for route in both)
        if problem.zero:
            assert value == 0
        else:
            assert abs(value) > 1000 * problem.tolerance


def test_routes_that_differ_make_no_file() -> None:
    """The control: another number, and a zero that is none."""
    (levels,) = (one for one in PROBLEMS if one.name == "four-levels-in-parallel")
    name, theirs = levels.theirs
    with pytest.raises(ArithmeticError, match="four-levels"):
        record(replace(levels, theirs=(name, lambda: theirs() * (1 + 1e-9))))
    with pytest.raises(ArithmeticError, match="four-levels"):
        record(replace(levels, zero="no reason"))
