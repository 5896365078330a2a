"""Random junctions for laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from chirospin.junction import BiasedJunction, Junction


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def junctions(
    draw: st.DrawFn, *, molecules: int = 2, general: bool = False, **fixed: Any
) -> Junction:
    """A valid junction with couplings that keep the steady state unique and quick to reach."""
    values: dict[str, Any] = {
        "molecules": molecules,
        "energy_a": draw(number(-0.5, 0.5)),
        "energy_b": draw(number(-1, 1)),
        "hopping_a": draw(number(0.5, 1.5)),
        "hopping_b": draw(number(0.1, 0.8)),
        "spin_orbit": draw(number(0.02, 0.3)),
        "twist": draw(number(0.3, 2.8)),
        "hubbard_a": draw(number(0, 5)),
        "hubbard_b": draw(number(0, 5)),
        "hubbard_ab_singlet": draw(number(0, 4)),
        "hubbard_ab_triplet": draw(number(0, 4)),
        "coupling_a": draw(number(0.05, 0.5)),
        "coupling_b": draw(number(0.05, 0.5)),
        "occupation_left": draw(number(0.6, 1.0)),
        "occupation_right": draw(number(0.0, 0.4)),
        "lead_polarisation": draw(number(0.2, 1.0)),
    }
    if general:
        rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        values["spin_orbit_vectors"] = 0.2 * rng.normal(size=(molecules, 3))
        values["hopping_ab"], values["hopping_ba"] = (
            draw(number(-0.5, 0.5)),
            draw(number(-0.5, 0.5)),
        )
    return Junction(**{**values, **fixed})


FREE = {"hubbard_a": 0.0, "hubbard_b": 0.0, "hubbard_ab_singlet": 0.0, "hubbard_ab_triplet": 0.0}


def field(strength: float, molecules: int = 2) -> np.ndarray[Any, np.dtype[np.complex128]]:
    """A Zeeman energy along z on the first molecule: time reversal is broken there."""
    first = np.zeros(molecules)
    first[0] = 1.0
    return np.kron(np.diag(first), np.kron(np.eye(2), np.diag([strength, -strength]))).astype(
        complex
    )


@st.composite
def biased_junctions(draw: st.DrawFn, *, molecules: int = 2, **fixed: Any) -> BiasedJunction:
    """A junction between leads of finite bias and temperature, warm enough to relax quickly."""
    values: dict[str, Any] = {
        "molecules": molecules,
        "energy_b": draw(number(-1, 1)),
        "hopping_a": draw(number(0.5, 1.5)),
        "hopping_b": draw(number(0.1, 0.8)),
        "spin_orbit": draw(number(0.02, 0.3)),
        "twist": draw(number(0.3, 2.8)),
        "hubbard_a": draw(number(0, 3)),
        "hubbard_b": draw(number(0, 3)),
        "hubbard_ab_singlet": draw(number(0, 2)),
        "hubbard_ab_triplet": draw(number(0, 2)),
        "coupling_a": draw(number(0.05, 0.3)),
        "coupling_b": draw(number(0.05, 0.3)),
        "lead_polarisation": draw(number(0.2, 1.0)),
        "gate": draw(number(-3, 1)),
        "bias": draw(number(1, 8)),
        "bias_asymmetry": draw(number(-0.4, 0.4)),
        "thermal_energy": draw(number(0.3, 1.0)),
    }
    return BiasedJunction(**{**values, **fixed})
