"""Units: what is printed is read back with its meaning, what is typed is a unit and nothing else."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pint
import pytest

import chirospin
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.parameters import ParameterInfo, Shape, checked
from chirospin.base.solve import solve
from chirospin.base.symbols import unit_pieces
from chirospin.base.units import LONGEST_UNIT, parse, unit_of, unit_registry
from chirospin.faces import arguments

PROBLEMS = [one for name in chirospin.FAMILIES for one in arguments.family(name).problems]
PLAIN: Any = pint.UnitRegistry(cache_folder=None)


def info(unit: str, **changes: Any) -> ParameterInfo:
    facts: dict[str, Any] = {
        "name": "x", "default": 0.0, "unit": unit, "symbol": "x", "about": "", "low": None, "high": None,
        "above": None, "below": None, "choices": (), "shape": None, "axis": False, "integer": False,
    }  # fmt: skip
    return ParameterInfo(**{**facts, **changes})


def printed_units(problem: Problem) -> set[str]:
    declared = {one.unit for one in problem.model.parameters()}
    return declared | {one.unit for one in problem.observables}


UNITS = sorted(set().union(*(printed_units(one) for one in PROBLEMS)))


def spelt(unit: str) -> dict[str, Fraction]:
    """Powers of names in a printed unit, read by hand: the oracle of the registry."""
    over = unit.removeprefix("1").replace("(8 pi)", "eight_pi")
    if "/(" in over:
        head, _, inside = over.partition("/(")
        over = head + "/" + inside.rstrip(")").replace("*", "/")
    found: dict[str, Fraction] = {}
    sign = 1
    for part in over.replace("*", " * ").replace("/", " / ").split():
        if part in "*/":
            sign = 1 if part == "*" else -1
            continue
        name, _, power = part.partition("^")
        found[name] = found.get(name, Fraction(0)) + sign * Fraction(power or "1")
    return found


def named(symbol: str) -> str:
    """What pint calls a unit that stands alone."""
    return symbol if symbol == "eight_pi" else str(PLAIN.get_name(symbol))


@pytest.mark.parametrize("unit", UNITS)
def test_every_printed_unit_is_a_unit_of_the_registry(unit: str) -> None:
    read = unit_registry().parse_units(unit)
    powers = {name: float(power) for name, power in read._units.items()}
    assert powers == {named(name): float(power) for name, power in spelt(unit).items()}
    assert unit_registry().parse_units(str(read)) == read


@pytest.mark.parametrize("unit", UNITS)
def test_pint_itself_reads_every_printed_unit(unit: str) -> None:
    """Without the package's registry, as anyone who opens a file would."""
    here = unit_registry().Quantity(1.0, unit).to_base_units()
    there = PLAIN.Quantity(1.0) * PLAIN(unit)
    there = there.to_base_units()
    assert str(here.units) == str(there.units)
    assert here.magnitude == pytest.approx(there.magnitude, rel=1e-14)  # a few roundings
    if "8 pi" not in unit:
        assert str(PLAIN.parse_units(unit)) == str(unit_registry().parse_units(unit))


def test_the_unit_of_precession_is_a_number_of_charges() -> None:
    charges = PLAIN("e/(8 pi)").to("e").magnitude
    assert charges == pytest.approx(0.039788735772973836, rel=1e-14)
    wrong = PLAIN("e/8pi").to("e").magnitude
    assert wrong == pytest.approx(charges * np.pi**2, rel=1e-14)  # (e/8) pi


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_a_printed_unit_of_a_parameter_is_typed_back(problem: Problem) -> None:
    for one in problem.model.parameters():
        assert unit_of(one.unit) is not None, one.unit
        if one.unit != "1" and one.shape is None and not isinstance(one.default, str):
            assert parse(one, f"2 {one.unit}") == pytest.approx(2.0, rel=1e-14)  # a few roundings


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("path", ["spinterface.contact", "spinterface.stability"])
def test_units_of_a_result_are_units_in_every_dimension(path: str, dimension: int) -> None:
    """As written to the file: the attributes of a result, not the declarations."""
    problem = arguments.problem(path)
    ds = solve(problem, problem.model(dimension=dimension), problem.method()())
    units = {str(v.attrs["units"]) for v in ds.variables.values() if "units" in v.attrs}
    assert len(units) > 2
    for unit in units:
        assert dict(unit_registry().parse_units(unit)._units) == {
            named(name): float(power) for name, power in spelt(unit).items()
        }


@pytest.mark.parametrize("unit", UNITS)
def test_a_printed_unit_is_typeset_whole(unit: str) -> None:
    shown = "".join(piece.text for piece in unit_pieces(unit))
    assert "^" not in shown
    assert "pi" not in shown
    raised = "".join(piece.text for piece in unit_pieces(unit) if "sup" in piece.tags)
    powers = "".join(part.partition("^")[2] for part in unit.replace("*", "/").split("/"))
    assert raised == powers.rstrip(")")


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("eV", "25 meV", 0.025),
        ("eV", "25meV", 0.025),
        ("eV", "1e-3 keV", 1.0),
        ("eV", "300 K", 0.02585199978643554),  # k_B of CODATA 2018 times 300
        ("eV", "2.5", 2.5),
        ("1/eV", "10 fs", 15.19267447878626),  # over hbar of CODATA 2018
        ("1/nm^3", "3/nm^3", 3.0),
        ("1/nm^3", "3 1/nm**3", 3.0),
        ("1/nm^3", "3e21 cm⁻³", 3.0),
        ("1/(eV*nm)", "3 1/(eV*nm)", 3.0),
        ("1/eV/nm^2", "1 m_e", 13.123421),
        ("eV*nm", "2 eV nm", 2.0),
        ("eV*nm", "1 eV*Å", 0.1),
        ("eV*nm^1.5", "2 eV*nm^1.5", 2.0),
        ("rad", "90 deg", np.pi / 2),
        ("rad", "-3*pi/4", -0.75 * np.pi),
        ("rad", "pi", np.pi),
        ("rad", "+.5 pi / 2", np.pi / 4),
    ],
)
def test_a_value_with_a_unit(unit: str, text: str, value: float) -> None:
    assert parse(info(unit), text) == pytest.approx(value, rel=1e-6)


EXPRESSIONS = [
    "1 9**9**9**9", "1 9^9^9^9", "1 (9**9)**9 eV", "1 eV**9**9", "1 eV^999999999", "1 eV^-99", "1 2 eV",
    "1 8 eV", "1 eV+eV", "1 eV-eV", "1 eV%2", "1 eV//nm", "1 eV;eV", "1 eV.real", "1 __import__", "1 eV()",
    "1 ()", "1 ((((eV", "1 eV)", "1 " + "(" * 50 + "eV" + ")" * 50, "1 " + "eV*" * 40 + "eV", "1 e" + "V" * 9999,
    "1 (Ym^9)^9/(ym^9)^9*eV", "1 [eV]", "1 {eV}", "1 'eV'", "1 lambda: eV", "1 eV if eV", "1 degC", "1 dB", "1 nosuch",
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS, ids=[t[:24] for t in EXPRESSIONS])
def test_a_unit_is_no_expression(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(
        ModelError, match=r"Parameter `x` must be any finite real (with a unit like|\(in) eV"
    ):
        parse(info("eV"), text)
    assert time.perf_counter() - started < 5.0  # an expression would not end at all


BAD = [
    ("rad", "pi/0"), ("rad", "1.2.3pi"), ("rad", "pipi"), ("rad", "pi rad"), ("eV", "١"), ("eV", "²"),
    ("eV", "१ eV"), ("eV", "1e400"), ("eV", "-1e400 meV"), ("eV", "1e308 YeV"), ("eV", "1e-320 ueV"),
    ("eV", "nan meV"), ("eV", "inf"), ("eV", "1 m eV"), ("eV", "0x10"), ("eV", "1_000"), ("eV", "1,5"),
    ("eV", "--1"), ("eV", "1" * 5000 + "x"), ("1", "1 eV"), ("1", "²"),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "text"), BAD, ids=[f"{u} {t[:12]}" for u, t in BAD])
def test_what_is_no_value_is_one_short_line(unit: str, text: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(info(unit), text)
    line = str(caught.value)
    assert line.startswith("Parameter `x` must be ")
    assert "\n" not in line
    assert len(line) < 300


def test_an_array_carries_one_unit() -> None:
    row = info("meV", default=None, shape=Shape(axes=("M",)))
    assert checked(row, parse(row, "[1, 2.5, 3] eV")) == (1000.0, 2500.0, 3000.0)
    assert checked(row, parse(row, "[1, 2.5, 3]")) == (1.0, 2.5, 3.0)
    assert checked(row, parse(row, "[1,2]meV")) == (1.0, 2.0)
    square = info("eV", default=None, shape=Shape(axes=(2, 2), kind=complex))
    assert checked(square, parse(square, "[[0, 1j], [-1j, 0]] keV")) == ((0, 1000j), (-1000j, 0))
    assert parse(row, "none") is None


ARRAYS = [
    "[1, 2, 3] nm", "[1 meV, 2 meV]", "[1, 2", "[1, 2]] meV", "[1, 'a'] meV", "[[1], [2, 3]] meV", "[{[1]: 2}]",
    "[9**9**9**9]", "[" * 90000, "[1] 9**9**9", "[1, 2] * 3", "[" + "-" * 50000 + "1]", "[" + "9" * 5000 + "] eV",
    "(1, 2) (3, 4)", "[1] [2]", "[__import__('os')] meV", "[" + "1," * 60000 + "]",
]  # fmt: skip


@pytest.mark.parametrize("text", ARRAYS, ids=[t[:20] for t in ARRAYS])
def test_what_is_no_array_is_one_short_line(text: str) -> None:
    row = info("meV", default=None, shape=Shape(axes=("M",)))
    with pytest.raises(ModelError) as caught:
        parse(row, text)
    line = str(caught.value)
    assert line.startswith("Parameter `x` must be real (M), finite")
    assert "unit" in line
    assert "\n" not in line
    assert len(line) < 300


def test_the_length_of_a_unit_is_bounded() -> None:
    longest = "eV" + "*eV/eV" * ((LONGEST_UNIT - 2) // 6)
    assert unit_of(longest) is not None
    assert unit_of(longest + "*eV/eV") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (0, False), (1.0, True), ("yes", True), ("False", False), (np.bool_(1), True)],
)
def test_a_switch_is_true_or_false(value: Any, expected: bool) -> None:
    switch = info("1", default=False, boolean=True)
    assert checked(switch, value) is expected
    assert not isinstance(value, str) or parse(switch, value) is expected


@pytest.mark.parametrize("value", [2, -1, "maybe", "", 0.5, None, [True], 1j, float("nan")])
def test_what_is_no_switch_is_refused(value: Any) -> None:
    with pytest.raises(ModelError, match="`x` must be true or false"):
        checked(info("1", default=False, boolean=True), value)
