"""Numbers that fail are a failed point with a reason; an error of the code is an error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from chirospin.base.errors import ModelError
from chirospin.base.method import Method, is_arithmetic, states
from chirospin.base.solve import solve
from chirospin.junction import FAMILY, GKSL, Junction

PROBLEM = FAMILY.problems[0]


class Fragile(Method):
    """The exact method that stumbles where U = 1."""

    name: ClassVar[str] = "fragile"
    summary: ClassVar[str] = "fails at one point"
    fault: ClassVar[Exception]

    def solve_many(self, models: Sequence[Any]) -> Iterator[Any]:
        """As gksl, but for one point."""
        for model in models:
            if model.hubbard_a == 1.0:
                raise self.fault
            yield from GKSL().solve_many([model])


def fragile(error: Exception) -> Fragile:
    return type("Broken", (Fragile,), {"fault": error})()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "error",
    [
        OverflowError("too large"),
        ZeroDivisionError("float division by zero"),
        FloatingPointError("overflow"),
        np.linalg.LinAlgError("Singular matrix"),
        MemoryError("no room"),
        ValueError("array must not contain infs or NaNs"),
    ],
)
def test_a_point_whose_arithmetic_fails_is_recorded_and_the_others_are_kept(
    error: Exception,
) -> None:
    grid = {"hubbard": [0.5, 1.0, 2.0]}
    ds = solve(PROBLEM, Junction(molecules=1), fragile(error), over=grid, on_failure="record")
    whole = solve(PROBLEM, Junction(molecules=1), over=grid)
    assert ds.converged.values.tolist() == [True, False, True]
    assert str(error) in str(ds.reason.values[1])
    assert np.array_equal(ds.spin_polarisation.values[::2], whole.spin_polarisation.values[::2])


@pytest.mark.parametrize("error", [KeyError("a"), TypeError("b"), ValueError("c"), IndexError("d")])
def test_an_error_of_the_code_is_not_hidden(error: Exception) -> None:
    """The control: only numbers are forgiven."""
    with pytest.raises(type(error)):
        states(fragile(error), [Junction(molecules=1).replace(hubbard=1.0)])
    assert not is_arithmetic(error)


def test_a_wrong_model_is_not_arithmetic() -> None:
    assert not is_arithmetic(ModelError("array must not contain infs or NaNs"))


@pytest.mark.parametrize("value", [1e200, -1e31, 5e-324, 10**400, math.inf, math.nan])
def test_no_parameter_takes_an_extreme_size(value: float) -> None:
    with pytest.raises(ModelError, match="hubbard_a"):
        Junction(hubbard_a=value)


@pytest.mark.parametrize("value", [0.0, 1e-30, -1e30, 3.0])
def test_ordinary_sizes_and_zero_are_taken(value: float) -> None:
    """The control."""
    assert Junction(hubbard_a=value).hubbard_a == value


def test_a_grid_is_refused_by_memory_before_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {"hubbard": np.linspace(0, 1, 30), "energy_b": np.linspace(0, 1, 30)}
    monkeypatch.setattr("chirospin.base.solve.available_bytes", lambda: 1e6)
    with pytest.raises(ModelError, match="900 points of hubbard, energy_b"):
        solve(PROBLEM, Junction(molecules=1), over=grid)
    one = solve(
        PROBLEM, Junction(molecules=1), over={"hubbard": [0.0]}
    )  # the control: what fits is solved
    assert one.converged.all()
