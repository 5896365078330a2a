"""The Rashba gas at the command line."""

from __future__ import annotations

import json

import pytest

from tests.faces.test_command_line import run  # noqa: F401

BAD = {
    "no splitting": (["--set", "spin_orbit=0"], "spin_orbit"),
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
    assert (current["unit"], current["dims"]) == ("e/(8 pi)", ["method", "scattering_rate"])
    assert max(abs(v) for row in current["values"] for v in row) < 1e-12
    assert body["observables"]["spin_hall_interband"]["values"][0][0] == pytest.approx(-1)
    assert "Traceback" not in err


def test_a_poor_metal_is_loud(run) -> None:  # noqa: F811
    _, _, err = run("solve", "rashba", "--set", "scattering_rate=0.2", "--json")
    assert "good_metal" in err
