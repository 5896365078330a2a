"""Random gases for laws, in units of the Fermi energy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from chirospin.rashba import RashbaGas
from chirospin.rashba.model import bands, complex_frequency, correlator
from chirospin.rashba.shells import Shells

DISORDER = ("delta", "gaussian", "yukawa", "thomas-fermi", "coulomb")


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


def shells(model: RashbaGas, prescription: str = "redfield") -> Shells:
    return Shells(
        bands=bands(model),
        disorder=correlator(model),
        z=complex_frequency(model),
        prescription=prescription,
    )


def gas(splitting_time: float, good: float = 10.0, **fixed: Any) -> RashbaGas:
    """E_F = m = 1, with splitting x transport time and E_F x transport time as given."""
    p = np.sqrt(2)
    model = RashbaGas(mass=1.0, fermi_energy=1.0, scattering_rate=1.0, **fixed)
    (d,) = correlator(model).transport(np.array([p]), (1,))
    power = model.splitting_power
    return model.replace(
        scattering_rate=1 / good / float(d[0]),
        spin_orbit=splitting_time / good / (2 * p**power),
    )


@st.composite
def gases(draw: st.DrawFn, **fixed: Any) -> RashbaGas:
    """A valid gas of linear splitting."""
    return gas(
        draw(number(0.1, 20)),
        draw(number(4, 40)),
        **{
            "disorder": draw(st.sampled_from(DISORDER)),
            "disorder_length": draw(number(0.2, 3)),
            "screening": draw(number(0.2, 3)),
            **fixed,
        },
    )
