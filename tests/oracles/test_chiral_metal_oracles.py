"""The chiral metal against plain implementations of the same physics."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from chirospin.chiral_metal import Boltzmann, ChiralMetal, ClosedForm
from tests.oracles import finite_temperature

PLACES = np.array([-2.0, -0.5, 0.3, 1.0, 3.0, 6.0])
LENGTH, SCREENING, A = 12.0, 0.2, 0.2


@cache
def warm(temperature: float, cells: int = 32, ordinates: int = 24) -> dict[str, Any]:
    found = finite_temperature.solve(
        a=A, screening=SCREENING, length=LENGTH, temperature=temperature, cells=cells,
        ordinates=ordinates, energies=5,  # exact to the ninth power of the temperature
    )  # fmt: skip
    names = ("S1", "S2", "E1", "E2", "js2", "Pi2")
    return {n: np.array([finite_temperature.value(found, n, x) for x in PLACES]) for n in names}


def ours(method: Any) -> dict[str, Any]:
    model = ChiralMetal(
        spin_orbit=A, chemical_potential=(1 - A * A) / 2, length=LENGTH, screening_length=SCREENING,
        position=PLACES,
    )  # fmt: skip
    state = method.solve(model, ["profiles"]).profiles
    spin, flux = A / np.pi**2, (1 + A**2) / (3 * np.pi**2)
    return {
        "S1": state.spin[0] / (-spin / 2),
        "S2": state.spin[1] / (spin / 4),
        "E1": state.field[0],
        "E2": state.field[1],
        "js2": state.spin_current[1] / (spin / 4),
        "Pi2": state.momentum_flux[1] / flux,
    }


def test_another_discretisation_without_temperature():
    """Written separately, from the equations alone; exact in alpha."""
    reference, found = warm(0.0), ours(Boltzmann())
    for name, expected in reference.items():
        size = np.abs(expected).max()
        assert found[name] == pytest.approx(expected, abs=1e-6 * size), name


def test_closed_forms_against_another_discretisation():
    reference, found = warm(0.0), ours(ClosedForm())
    for name in ("S1", "S2", "E1"):
        assert found[name] == pytest.approx(reference[name], abs=2e-5), name
    field = found["E2"] - reference["E2"]  # leading order in alpha: off by a share of about a^2
    assert 1e-3 < np.abs(field).max() / np.abs(reference["E2"]).max() < A**2


def test_reduction_to_the_fermi_surface():
    """At finite temperature nothing is reduced to the Fermi surface; the difference falls as T^2."""
    found, hot, cool = ours(Boltzmann()), warm(0.01), warm(0.005)
    for name in ("S1", "S2", "E2", "js2", "Pi2"):
        change = [np.abs(w[name] - found[name]).max() for w in (hot, cool)]
        size = np.abs(found[name]).max()
        assert 3.9 < change[0] / change[1] < 4.1, name
        limit = (4 * cool[name] - hot[name]) / 3
        assert limit == pytest.approx(found[name], abs=1e-5 * size), name
