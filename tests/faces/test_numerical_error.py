"""A value below its own numerical error is zero, without a sign, wherever a person reads it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from chirospin import junction
from chirospin.base import results
from chirospin.base.family import Problem
from chirospin.base.figures import sketch
from chirospin.base.solve import solve
from chirospin.faces import text


def with_error(size: float) -> Problem:
    """The junction with a polarisation whose error is given, of sign as computed."""
    own = junction.FAMILY.problem()
    (polarisation,) = own.choose(("spin_polarisation",))
    stated = dataclasses.replace(polarisation, error=lambda model, state: size)
    checks = tuple(check for check in own.checks if not check.judges)
    return dataclasses.replace(own, observables=(stated,), checks=checks)


@pytest.mark.parametrize(("error", "shown"), [(1.0, 0.0), (1e-6, -0.2411)])
def test_what_is_below_its_error_is_zero_for_the_eye(error: float, shown: float) -> None:
    problem = with_error(error)
    model = junction.Junction()
    ds = solve(problem, model, over={"energy_b": [0.8, 0.8]})
    assert float(ds.spin_polarisation[0]) == pytest.approx(-0.2411, abs=1e-4)  # the file keeps it
    assert (ds.spin_polarisation_error == error).all()
    np.testing.assert_allclose(results.settled(ds).spin_polarisation, shown, atol=1e-4)
    (line,) = sketch(ds).axes[0].get_lines()[:1]
    np.testing.assert_allclose(line.get_ydata(), shown, atol=1e-4)
    found = results.certificates(ds, problem)
    said = text.solved_text(ds, problem, found)
    assert ("-0.24" in said) == (shown != 0)
    methods = [problem.method()()]
    body = json.loads(text.solved_json(ds, problem, model, methods, found))
    assert body["observables"]["spin_polarisation"]["error"] == [error, error]


def test_zero_has_no_sign() -> None:
    assert text.number(-0.0) == "0"
    assert text.number(complex(-0.0, -0.0)) == "0+0i"


def test_the_error_survives_the_file(tmp_path) -> None:
    ds = solve(with_error(1.0), junction.Junction())
    results.save(ds, tmp_path / "p.nc")
    assert float(results.settled(results.load(tmp_path / "p.nc")).spin_polarisation) == 0
