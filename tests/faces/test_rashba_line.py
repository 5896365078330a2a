"""The Rashba gas at the command line."""

from __future__ import annotations

import json

import pytest

from tests.faces.test_command_line import run  # noqa: F401

BAD = {
    "hardly a splitting": (["--set", "spin_orbit=1e-19"], "spin_orbit"),
    "rate": (["--set", "scattering_rate=0"], "scattering_rate"),
    "temperature": (["--set", "thermal_energy=-0.01"], "thermal_energy"),
    "range": (["--set", "disorder=gaussian", "--set", "disorder_length=0"], "disorder_length"),
    "screening": (["--set", "disorder=yukawa", "--set", "screening=-1"], "screening"),
    "not finite": (["--set", "fermi_energy=nan"], "fermi_energy"),
    "no carriers": (["--set", "fermi_energy=-0.1"], "fermi_energy"),
    "above the band": (
        ["--set", "winding=3", "--set", "splitting_power=3", "--set", "fermi_energy=1e4"],
        "fermi_energy",
    ),
    "disorder": (["--set", "disorder=white"], "disorder"),
    "prescription": (["--option", "prescription=born"], "prescription"),
    "acausal": (["--set", "imaginary_frequency=-0.1"], "imaginary_frequency"),
    "winding": (["--set", "winding=0"], "winding"),
    "method": (["--method", "ladder"], "kubo"),
    "missing function": (["--set", "disorder=none.py:w"], "disorder"),
}


@pytest.mark.parametrize(("arguments", "word"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_that_names_it(run, arguments, word) -> None:  # noqa: F811
    code, out, err = run("solve", "rashba", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err


def test_the_helix_is_refused(run) -> None:  # noqa: F811
    code, _, err = run("solve", "rashba.fermi_level", "--set", "dresselhaus=0.02")
    assert code == 2
    assert "dresselhaus" in err


def test_all_methods_say_what_they_know(run) -> None:  # noqa: F811
    code, out, err = run(
        "solve", "rashba", "--method", "kinetic,closed-form", "--over", "scattering_rate=0.005,0.02",
        "--json",
    )  # fmt: skip
    body = json.loads(out)
    assert code == 0
    current = body["observables"]["spin_hall_current"]
    assert (current["unit"], current["dims"]) == ("e/(8 pi)", ["solved_by", "scattering_rate"])
    assert max(abs(v) for row in current["values"] for v in row) < 1e-12
    assert body["observables"]["spin_hall_interband"]["values"][0][0] == pytest.approx(-1)
    assert "Traceback" not in err


def test_a_poor_metal_is_loud(run) -> None:  # noqa: F811
    _, _, err = run("solve", "rashba", "--set", "scattering_rate=0.2", "--json")
    assert "good_metal" in err


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["rashba", "--set", "spin_orbit=1e-9"], "closed-form"),
        (["rashba", "--set", "thermal_energy=100", "--set", "spin_orbit=1e-4"], "thermal_energy"),
        (["rashba", "--method", "kubo", "--set", "imaginary_frequency=1e-12"], "use kinetic"),
        (["rashba.fermi_level", "--set", "zeeman=[0,0,1]", "--set", "spin_orbit=0"], "conserved"),
    ],
)
def test_a_failure_says_why_and_what_helps(run, arguments, remedy) -> None:  # noqa: F811
    _, _, err = run("solve", *arguments)
    assert err.count("\n") == 1
    assert remedy in err


EXTREME = [
    ("rashba", name, value)
    for name, value in (
        ("mass", "1e308"),
        ("spin_orbit", "5e-324"),
        ("fermi_energy", "1e200"),
        ("thermal_energy", "1e-300"),
        ("scattering_rate", "5e-324"),
        ("winding", "1000000"),
        ("splitting_power", "1e308"),
        ("imaginary_frequency", "5e-324"),
    )
] + [
    ("rashba.fermi_level", name, value)
    for name, value in (
        ("mass", "1e-200"),
        ("spin_orbit", "1e-300"),
        ("zeeman", "[0,0,1e308]"),
        ("impurity_strength", "1e200"),
    )
]


@pytest.mark.parametrize(("problem", "name", "value"), EXTREME)
def test_extreme_numbers_are_one_line(run, problem, name, value) -> None:  # noqa: F811
    code, out, err = run("solve", problem, "--set", f"{name}={value}")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert name in err


@pytest.mark.parametrize(
    ("problem", "option"),
    [
        ("rashba --method kinetic", "tolerance=1e400"),
        ("rashba --method kubo", "tolerance=1"),
        ("rashba.fermi_level", "tolerance=1e300"),
        ("rashba --method kinetic", "longest=1000000000"),
    ],
)
def test_an_option_that_lets_anything_pass_is_refused(run, problem, option) -> None:  # noqa: F811
    code, _, err = run("solve", *problem.split(), "--option", option)
    assert code == 2
    assert err.count("\n") == 1
    assert option.split("=")[0] in err


def test_what_cancels_is_printed_as_zero(run) -> None:  # noqa: F811
    _, out, _ = run("solve", "rashba")
    line = next(x for x in out.splitlines() if "spin_hall_current" in x)
    assert line.split()[1] == "0"
    _, out, _ = run("solve", "rashba", "--set", "nonparabolicity=0.1")
    line = next(x for x in out.splitlines() if "spin_hall_current" in x)
    assert float(line.split()[1]) > 1e-6  # control: a current is a current
