"""Random levels and vibrations for laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from chirospin.base.spin import PAULI
from chirospin.vibration import Vibration


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


def signed(low: float, high: float) -> st.SearchStrategy[float]:
    return st.tuples(number(low, high), st.sampled_from([-1, 1])).map(lambda p: p[0] * p[1])


vectors = st.tuples(*[signed(0.02, 0.3)] * 3)


def matrix(scalar: complex, vector: Any) -> Any:
    return scalar * np.eye(2) + np.tensordot(np.array(vector), PAULI, 1)


@st.composite
def vibrations(draw: st.DrawFn, **fixed: Any) -> Vibration:
    """One coupling for a few modes or a continuum."""
    values: dict[str, Any] = {
        "level": draw(signed(0.05, 0.5)),
        "charge_coupling": draw(signed(0.03, 0.3)),
        "spin_coupling": draw(vectors),
        "thermal_energy": draw(number(0.2, 2.0)),
        "bath": draw(st.sampled_from(["acoustic", "einstein", "debye"])),
        "phonon_velocity": draw(number(0.05, 0.5)),
        "phonon_energy": draw(number(0.3, 1.5)),
        "bath_dimension": draw(st.sampled_from([2, 3])),
    }
    return Vibration(**{**values, **fixed})


@st.composite
def mode_vibrations(draw: st.DrawFn, **fixed: Any) -> Vibration:
    """Two modes with any matrices: nothing commutes."""
    couplings = [
        matrix(
            draw(signed(0.02, 0.2)) + 1j * draw(signed(0.02, 0.2)),
            np.array(draw(vectors)) + 1j * np.array(draw(vectors)),
        )
        for _ in range(2)
    ]
    values: dict[str, Any] = {
        "level": draw(signed(0.05, 0.5)),
        "level_splitting": draw(vectors),
        "chemical_potential": draw(signed(0.02, 0.3)),
        "thermal_energy": draw(number(0.3, 1.5)),
        "bath": "modes",
        "mode_energies": [draw(number(0.4, 0.9)), draw(number(1.0, 1.6))],
        "mode_couplings": couplings,
    }
    return Vibration(**{**values, **fixed})
