"""A public benchmark: problems of this field whose answer is an exact zero or a number that two routes agree on.

Each is a file in ``problems/`` that needs nothing of this package to be read: model in words, equations and their
source, parameters with units, quantity, tolerance, and the routes. Results of any code are held against them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.parameters import nearest

PROBLEMS_FOLDER = Path(__file__).parent / "problems"
MET, MISSED, NOT_GIVEN = "met", "MISSED", "not given"


@cache
def benchmark_problems() -> Mapping[str, Mapping[str, Any]]:
    """Every problem by name, as its file holds it."""
    files = sorted(PROBLEMS_FOLDER.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def benchmark_problem(name: str) -> Mapping[str, Any]:
    """A problem by name.

    Raises
    ------
    UnknownNameError : there is none of that name
    """
    known = benchmark_problems()
    if name not in known:
        raise UnknownNameError(f"No problem {name!r}; {nearest(name, list(known))}")
    return known[name]


@dataclass(frozen=True, kw_only=True)
class BenchmarkVerdict:
    """A result against its problem; ``found`` is None where it was not given."""

    name: str
    found: float | None
    value: float
    tolerance: float

    @property
    def verdict(self) -> str:
        """met, MISSED or not given; what is not a number has missed."""
        if self.found is None:
            return NOT_GIVEN
        return MET if abs(self.found - self.value) <= self.tolerance else MISSED


def read_benchmark_results(path: Path) -> dict[str, float]:
    """A JSON object of names and numbers; null is not a number.

    Raises
    ------
    ModelError : no such file, no JSON, no object, a value that is no number
    UnknownNameError : a name that is no problem
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"File {path} must be readable, but: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"File {path} must be JSON, but: {error}") from None
    if not isinstance(given, dict) or not given:
        raise ModelError(
            f'File {path} must hold an object {{"name": number, ...}} that is not empty'
        )
    for name, value in given.items():
        benchmark_problem(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            raise ModelError(f"File {path}: {name} must be a number or null, but is {value!r}")
    return {name: math.nan if value is None else float(value) for name, value in given.items()}


def benchmark_verdicts(given: Mapping[str, float]) -> list[BenchmarkVerdict]:
    """Every problem, with what was given for it."""
    return [
        BenchmarkVerdict(
            name=name, found=given.get(name), value=one["value"], tolerance=one["tolerance"]
        )
        for name, one in benchmark_problems().items()
    ]
