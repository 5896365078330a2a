"""Random chiral metals for laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from chirospin.chiral_metal import ChiralMetal

PLACES = np.array([-4.0, -1.5, -0.4, -0.03, 0.03, 0.4, 1.5, 4.0])
"""Distances from a plane, in mean free paths, on both sides."""


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def chiral_metals(draw: st.DrawFn, *, screened: bool = False, **fixed: Any) -> ChiralMetal:
    """A valid metal, seen around both of its planes."""
    values: dict[str, Any] = {
        "mass": draw(number(0.3, 3)),
        "spin_orbit": draw(number(0.05, 0.4)) * draw(st.sampled_from([-1, 1])),
        "chemical_potential": draw(number(0.3, 2)),
        "relaxation_time": draw(number(0.5, 4)),
        "charge": draw(st.sampled_from([-1, 1])),
        "field": draw(number(0.001, 0.02)),
    }
    v = np.sqrt(values["spin_orbit"] ** 2 + 2 * values["chemical_potential"] / values["mass"])
    free_path = v * values["relaxation_time"]
    length = draw(number(9, 40)) * free_path
    near = PLACES * free_path
    return ChiralMetal(
        **{
            **values,
            "length": length,
            "screening_length": draw(number(0.1 if screened else 0.0, 1.0)) * free_path,
            "position": np.concatenate([near, length - near]),
            **fixed,
        }
    )
