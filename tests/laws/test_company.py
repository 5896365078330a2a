"""A point's numbers do not depend on its company: neighbours solved in step with it, or their order.

Points of a chunk share work, and a sum or a matrix product of another length rounds otherwise. So the same
point in another chunk has the same numbers to the tolerance of the method, not to the last bit; the same chunk
on the same processor has the same bits.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import chirospin
from chirospin.base.family import Problem
from chirospin.base.method import Method, Needs
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model
from chirospin.base.parts import states_with_parts

COMPANY = 1e-9
"""Of the largest value of that unit: a residual of 1e-12 over a relaxation 1e-3 of the largest rate."""

ELSEWHERE: dict[str, dict[str, Any]] = {  # where the default point is none of a method
    "chiral_metal.driven:boltzmann": {"screening_length": 0.1},
    "rashba:kubo": {"imaginary_frequency": 0.01},
    "junction:mean-field": {"hubbard": 0.5},
    "junction.switched:ule": {"time": [0.0, 2.0]},
}
LEFT_OUT = {  # of seconds a point, and solved one by one; or without a real parameter to vary
    "junction:gksl-mixed",
    "junction:selected",
    "junction.bias:ule",
    "junction.bias:landauer",
    *(f"junction.{name}:{m}" for name in ("leads", "custom") for m in ("ule", "landauer")),
    *(f"junction.{name}:hierarchy" for name in ("bias", "leads", "custom")),
    "junction.custom:gksl",
    "junction.switched:redfield",
    "junction.switched:kms",
    "junction.phonons:scba",
    "junction.transient:krylov",
    "junction:trajectories",
    "models.double_helix:landauer",
    "crystal:fermi-surface",
    "crystal.contact:fermi-surface",
    "crystal.contact:k-grid",
    "crystal:k-grid",
    "spinterface.pair:matrix-exponential",
    "spinterface.pair:spectral",
    "molecule:kohn-sham",
    "molecule.stack:kohn-sham",
}
SMALL = {"junction.bias", "junction.leads", "junction.switched"}
QUICK: dict[str, dict[str, Any]] = {
    "chiral_metal.driven:boltzmann": {"cells": 24, "order": 2, "ordinates": 8}
}
PROBLEMS = [
    problem
    for name in chirospin.FAMILIES
    for problem in importlib.import_module(f"chirospin.{name}").FAMILY.problems
]
CASES = [
    (problem, name) for problem in PROBLEMS for name in problem.methods
    if f"{problem.path}:{name}" not in LEFT_OUT
]  # fmt: skip


def neighbours(problem: Problem, name: str) -> list[Model]:
    """Two points along the first real parameter with a default that can grow."""
    model = problem.model(**ELSEWHERE.get(f"{problem.path}:{name}", {}))
    if problem.path in SMALL and name != "pauli":
        model = model.replace(molecules=1)  # two take a second a point
    for info in model.parameters():
        if info.shape is not None or info.integer or info.axis or info.choices:
            continue
        if isinstance(info.default, float) and info.default:
            values = [info.default * (1 + 0.03 * n) for n in range(2)]
            if all(info.allows(v) for v in values):
                return [model.replace(**{info.name: v}) for v in values]
    raise AssertionError(f"{problem.path} has no real parameter to vary")


def given(problem: Problem, method: Method) -> list[Observable]:
    """Observables of which the method, or the problem, gives all parts; of a junction those shown unasked."""
    told = problem.choose(None) if problem.family == "junction" else problem.observables
    return [one for one in told if not problem.unmet(method, one)]


def distance(
    observables: Sequence[Observable], models: Sequence[Model], one: list[Any], other: list[Any]
) -> float:
    """Largest difference of any observable, over the largest value of that unit."""
    apart: dict[str, float] = {}
    size: dict[str, float] = {}
    for model, a, b in zip(models, one, other, strict=True):
        assert a.outcome.converged == b.outcome.converged
        if not a.outcome.converged:
            continue
        for observable in observables:
            x, y = (np.asarray(observable(model, state)) for state in (a, b))
            assert x.shape == y.shape
            assert np.array_equal(np.isnan(x), np.isnan(y))
            unit = observable.unit
            x, y = np.nan_to_num(x), np.nan_to_num(y)
            apart[unit] = max(apart.get(unit, 0.0), np.abs(x - y).max(initial=0.0))
            size[unit] = max(size.get(unit, 0.0), np.abs(x).max(initial=0.0))
    return max((apart[u] / size[u] for u in apart if size[u]), default=0.0)


def company(problem: Problem, method: Method, models: Sequence[Model]) -> list[Any]:
    return states_with_parts(problem.parts, method, models, problem.needs(given(problem, method)))


def alone(problem: Problem, method: Method, models: Sequence[Model]) -> list[Any]:
    return [state for model in models for state in company(problem, method, [model])]


@pytest.mark.parametrize(("problem", "name"), CASES, ids=[f"{p.path}-{n}" for p, n in CASES])
def test_company_does_not_matter(problem: Problem, name: str) -> None:
    method = problem.method(name)(**QUICK.get(f"{problem.path}:{name}", {}))
    models = neighbours(problem, name)
    together = company(problem, method, models)
    assert (
        distance(given(problem, method), models, together, alone(problem, method, models)) < COMPANY
    )
    back = company(problem, method, models[::-1])[::-1]
    assert distance(given(problem, method), models, together, back) < COMPANY


def test_a_method_that_mixes_neighbours_is_caught() -> None:
    """The control: every point gets the answer of the first of its chunk."""
    problem = PROBLEMS[0]
    kind = problem.method()

    class Mixing(kind):  # type: ignore[misc, valid-type]
        def solve_with(self, models: Sequence[Model], needs: Needs) -> Iterator[Any]:
            first = next(iter(super().solve_with(models[:1], needs)))
            for _ in models:
                yield first

    models = neighbours(problem, kind.name)
    assert (
        distance(
            given(problem, kind()),
            models,
            company(problem, Mixing(), models),
            alone(problem, kind(), models),
        )
        > 1e-3
    )
