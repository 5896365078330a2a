"""The scan for jumps sees a step, and takes neither a kink nor a resonance for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.scans import POINTS, Array, Curve, looked_at, suspects

PLACES = np.linspace(0.0, 1.0, POINTS)


def found(curve: Callable[[Array], Array], error: float = 0.0) -> list[float]:
    def at(x: Array) -> dict[str, Curve]:
        values = curve(x)[:, None]
        return {"curve": Curve(values=values, errors=np.full_like(values, error))}

    return [place for one in suspects(at(PLACES)) for _, place in looked_at(at, PLACES, [one])]


@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-5])
def test_a_step_is_found_at_its_place(size: float) -> None:
    (place,) = found(lambda x: np.sin(3 * x) + size * (x > 0.4567))
    assert abs(place - 0.4567) < 1e-3  # the finest grid has points every 1/40/36


def test_a_step_below_the_stated_error_is_none() -> None:
    def step(x: Array) -> Array:
        return np.asarray(np.sin(3 * x) + 1e-5 * (x > 0.4567))

    assert not found(step, error=2e-5)
    assert found(step, error=1e-7)  # control


@pytest.mark.parametrize(
    "curve",
    [
        lambda x: np.sin(3 * x),
        lambda x: np.abs(x - 0.4567),
        lambda x: 1 / ((x - 0.4567) ** 2 + 1e-5),
        lambda x: np.ones_like(x),
        lambda x: 1e-17 * np.sin(1e9 * x),
    ],
    ids=["smooth", "kink", "resonance", "constant", "rounding"],
)
def test_what_is_no_step_is_not_called_one(curve: Callable[[Array], Array]) -> None:
    assert not found(curve)
