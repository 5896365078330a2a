"""Volts, nanoamperes and kelvin in Python as on the command line, and nothing else taken for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint
import pytest
from scipy import constants

from chirospin import junction
from chirospin.base.errors import ModelError
from chirospin.base.figures import label
from chirospin.base.units import conversion, plain_conversion, quantity, unit_registry
from chirospin.junction import BiasedJunction
from tests.faces.test_command_line import run  # noqa: F401

PLAIN: Any = pint.UnitRegistry(cache_folder=None)
CHEAP = {"gate": -6.4, "thermal_energy": 0.5}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("bias", "0.5 V", 0.5),
        ("bias", "500 mV", 0.5),
        ("bias", 0.5 * PLAIN.volt, 0.5),
        ("bias", 0.5 * unit_registry().volt, 0.5),
        ("temperature", "300 K", 300.0),
        ("temperature", "25 degC", 298.15),
        ("temperature", PLAIN.Quantity(25, "degC"), 298.15),
        ("thermal_energy", "300 K", constants.k / constants.e * 300),
        ("thermal_energy", "26.85 °C", constants.k / constants.e * 300),
        ("energy_b", "500 cm^-1", constants.h * constants.c / constants.e * 5e4),
        ("energy_b", PLAIN.Quantity(500, "1/cm"), constants.h * constants.c / constants.e * 5e4),
        ("hubbard_a", "25 meV", 0.025),
        ("twist", "90 deg", np.pi / 2),
        ("twist", 90 * PLAIN.degree, np.pi / 2),
        ("spin_orbit", "0.03", 0.03),
    ],
)
def test_a_value_with_its_unit_is_the_number(name: str, value: Any, expected: float) -> None:
    assert getattr(BiasedJunction(**{name: value}), name) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bias", "0.5 A"),
        ("bias", "0.5 volt squared"),
        ("bias", 3 * PLAIN.second),
        ("temperature", "3 V"),
        ("thermal_energy_difference", "25 degC"),  # a difference is no temperature
        ("energy_b", "25 degC"),
        ("energy_b", "3 1/nm"),  # only cm^-1 is an energy
        ("energy_b", "3 1/C"),
        ("spin_orbit", "__import__('os')"),
        ("spin_orbit", "9**9**9"),
        ("lead_polarisation", "40 %"),
        ("lead_polarisation", "0.4 V"),
        ("bias", PLAIN.Quantity([0.1, 0.2], "V")),
        ("molecules", "2.5"),
    ],
)
def test_another_kind_is_refused_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(ModelError) as caught:
        BiasedJunction(**{name: value})
    assert f"`{name}`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_shorthands_and_lists_understand_units() -> None:
    model = BiasedJunction(hubbard="0.4 eV", coupling=5 * PLAIN.meV)
    assert (model.hubbard_a, model.coupling_b) == (0.4, pytest.approx(0.005))


@pytest.mark.parametrize(
    "values", [["0.5 V", "1500 mV"], np.array([0.5, 1.5]) * PLAIN.volt, [0.5 * PLAIN.volt, 1.5]]
)
def test_a_sweep_understands_units(values: Any) -> None:
    ds = junction.solve(
        BiasedJunction(**CHEAP), "pauli", over={"bias": values}, observables=["mean_current"]
    )
    assert ds["bias"].values.tolist() == [0.5, 1.5]
    assert label(ds["bias"]) == "bias (V)"


def test_a_result_in_nanoamperes_is_that_of_the_constants() -> None:
    """Against scipy's constants: e eV / hbar."""
    ds = junction.solve(BiasedJunction(bias=2, **CHEAP), "pauli", observables=["mean_current"])
    ampere = float(ds["mean_current"]) * constants.e**2 / constants.hbar
    found = ds.chirospin.to("nA")["mean_current"]
    assert float(found) == pytest.approx(1e9 * ampere, rel=1e-8)
    assert found.attrs["units"] == "nA"
    assert "conversion" not in found.attrs
    swept = junction.solve(
        BiasedJunction(**CHEAP), "pauli", over={"bias": [1.0, 2.0]}, observables=["mean_current"]
    )
    volts = swept.chirospin.to("mV", "bias")
    assert volts["bias"].values.tolist() == [1000.0, 2000.0]
    assert label(volts["bias"]) == "bias (mV)"
    with pytest.raises(ModelError, match="name the quantity"):
        ds.chirospin.to("kg")
    with pytest.raises(ModelError, match="must be like"):
        swept.chirospin.to("nA", "bias")
    with pytest.raises(ModelError, match="must be a unit"):
        ds.chirospin.to("__import__('os')")


def test_conversions_that_need_a_constant_are_not_plain() -> None:
    assert conversion("eV", "V") == 1
    assert plain_conversion("eV", "V") is None
    assert plain_conversion("A/cm^2", "A") is None
    assert quantity("25 degC", "K", "temperature") == pytest.approx(298.15)
    for text in ("1", "1 V", "pA", "1e9999 pA", "1 pA pA", "nan pA"):
        with pytest.raises(ModelError, match="noise floor"):
            quantity(text, "A", "noise floor")


def test_the_shell_shows_currents_in_nanoamperes(run) -> None:  # noqa: F811
    line = (
        "solve",
        "junction.bias",
        "--method",
        "pauli",
        "--set",
        "bias=2 V",
        "--set",
        "gate=-6.4",
    )
    _, out, _ = run(*line, "--unit", "nA", "--set", "thermal_energy=0.5 eV")
    assert "mean_current" in out
    assert " nA" in out
    assert "e/hbar" not in out
    code, _, err = run(*line, "--unit", "bananas")
    assert (code, err.count("\n")) == (2, 1)
