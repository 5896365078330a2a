"""Random contacts, gases and pairs for laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from chirospin.spinterface import Contact, Pair


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


def vector(size: float) -> st.SearchStrategy[list[float]]:
    return st.lists(number(-size, size), min_size=3, max_size=3)


@st.composite
def contacts(draw: st.DrawFn, **fixed: Any) -> Contact:
    """A level at a metal with a strong, visible spin-orbit coupling."""
    direction = draw(vector(1.0).filter(lambda v: np.linalg.norm(v) > 0.1))
    values: dict[str, Any] = {
        "mass": draw(number(3, 20)),
        "spin_orbit": draw(number(0.01, 0.2)) * draw(st.sampled_from([-1, 1])),
        "fermi_energy": draw(number(0.5, 6)),
        "thermal_energy": draw(st.sampled_from([0.0, 0.01, 0.1])),
        "level": draw(number(-0.4, 0.4)),
        "level_splitting": draw(vector(0.1)),
        "hybridisation": draw(number(0.02, 0.1)),
        "hybridisation_vector": 1j * np.array(draw(vector(0.05))),
        "lead_coupling": draw(number(0.05, 0.3)),
        "lead_polarisation": draw(vector(0.5)),
        "lead_potential": draw(number(-0.3, 0.3)),
        "direction": direction,
        "distance": [0.4, 1.3, 5.0],
    }
    return Contact(**{**values, **fixed})


@st.composite
def pairs(draw: st.DrawFn, **fixed: Any) -> Pair:
    """A lossless pair; complex data where the operator is not Hermitian."""
    values: dict[str, Any] = {
        "band_energy": [draw(number(-1, 1)), draw(number(-1, 1))],
        "spin_splitting": [draw(vector(0.5)), draw(vector(0.5))],
        "initial": np.array([draw(number(-1, 1)), *draw(vector(1.0))])
        + 1j * np.array([draw(number(-1, 1)), *draw(vector(1.0))]),
        "source": np.array([draw(number(-1, 1)), *draw(vector(1.0))]),
        "time": [0.0, 0.7, 3.0, 11.0],
    }
    return Pair(**{**values, **fixed})
