"""The chiral metal at the command line: bad input, warnings as failed checks, axes, files."""

from __future__ import annotations

import json

import pytest

from tests.faces.test_command_line import run  # noqa: F401

BAD = {
    "mass": (["--set", "mass=0"], "mass"),
    "relaxation time": (["--set", "relaxation_time=-1"], "relaxation_time"),
    "length": (["--set", "length=0"], "length"),
    "screening": (["--set", "screening_length=-0.1"], "screening_length"),
    "not finite": (["--set", "spin_orbit=nan"], "spin_orbit"),
    "below the band": (["--set", "chemical_potential=-0.02"], "band bottom"),
    "crossing point": (["--set", "chemical_potential=0"], "chemical_potential"),
    "power": (["--set", "injection_power=0"], "injection_power"),
    "half a power": (["--set", "injection_power=1.5"], "injection_power"),
    "weight": (["--set", "injection_weight=1.2"], "injection_weight"),
    "weights": (["--set", "injection_weights=[0.5,0.4]"], "injection_weights"),
    "memory": (["--set", "helicity_memory=1"], "helicity_memory"),
    "two drives": (["--set", "field=0.01", "--set", "current_density=1"], "current_density"),
    "walls without screening": (
        ["--set", "walls=specular", "--set", "screening_length=0"],
        "screening_length",
    ),
    "outside of walls": (["--set", "walls=specular", "--set", "position=-1"], "position"),
    "solver without screening": (
        ["--method", "boltzmann", "--set", "screening_length=0"],
        "screening_length",
    ),
    "method": (["--method", "exact"], "closed-form"),
}


@pytest.mark.parametrize(("arguments", "word"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_that_names_it(run, arguments, word) -> None:  # noqa: F811
    code, out, err = run("solve", "chiral_metal", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err


LOUD = {
    "weak_drive": ["--set", "field=5"],
    "fermi_surface": ["--set", "chemical_potential=1e-6"],
    "planes_apart": ["--set", "length=3"],
    "interface": ["--set", "length=8", "--set", "helicity_memory=0.68"],
}


@pytest.mark.parametrize(("check", "arguments"), LOUD.items(), ids=LOUD.keys())
def test_where_the_expansion_fails_a_check_is_loud(run, check, arguments) -> None:  # noqa: F811
    code, _, err = run("solve", "chiral_metal", *arguments, "--json")
    assert code == 1
    assert check in err


def test_positions_are_an_axis(run) -> None:  # noqa: F811
    code, out, _ = run("solve", "chiral_metal", "--over", "position=-1:1:5", "--json")
    body = json.loads(out)
    assert code == 0
    assert body["coordinates"]["position"] == {"values": [-1, -0.5, 0, 0.5, 1], "unit": "nm"}
    assert body["observables"]["spin_density"]["dims"] == ["order", "position"]
    assert body["observables"]["electric_field"]["unit"] == "V/nm"


def test_both_methods_and_a_figure(run, tmp_path) -> None:  # noqa: F811
    code, _, _ = run(
        "solve", "chiral_metal", "--method", "closed-form,boltzmann", "--over", "position=-2:2:9",
        "--out", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png"),
    )  # fmt: skip
    assert code == 0
    code, text, _ = run("audit", str(tmp_path / "a.nc"))
    assert code == 0
    assert "mirror" in text
    assert "yoshimi_2026" in run("cite", str(tmp_path / "a.nc"))[1]


def test_driven_problem(run) -> None:  # noqa: F811
    code, _, _ = run(
        "solve",
        "chiral_metal.driven",
        "--over",
        "frequency=0:2:3",
        "--over",
        "position=0.5",
        "--json",
    )
    assert code == 0


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("weak_drive", ["--set", "field=10"]),
        ("fermi_surface", ["--set", "chemical_potential=1e-6"]),
    ],
)
def test_a_changing_current_has_the_same_range(run, check, changes) -> None:  # noqa: F811
    _, _, err = run("solve", "chiral_metal.driven", "--set", "position=[1]", *changes, "--json")
    assert check in err
    _, _, err = run("solve", "chiral_metal.driven", "--set", "position=[1]", "--json")
    assert check not in err  # control


EXTREME = {
    "mass": "1e308",
    "spin_orbit": "1e200",
    "chemical_potential": "5e-324",
    "relaxation_time": "1e-200",
    "length": "1e308",
    "screening_length": "5e-324",
    "injection_power": "1000000",
    "field": "1e308",
}


@pytest.mark.parametrize("problem", ["chiral_metal", "chiral_metal.driven"])
@pytest.mark.parametrize(("name", "value"), EXTREME.items(), ids=EXTREME.keys())
def test_extreme_numbers_are_one_line(run, problem, name, value) -> None:  # noqa: F811
    code, out, err = run("solve", problem, "--set", f"{name}={value}")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert name in err


def test_memory_is_estimated_before_it_is_asked_for(run, monkeypatch) -> None:  # noqa: F811
    for module in ("boltzmann", "closed_form"):
        monkeypatch.setattr(f"chirospin.chiral_metal.{module}.available_bytes", lambda: 1e6)
    wide = ["--over", "position=0:50:1001"]
    for arguments in (wide, [*wide, "--method", "boltzmann"]):
        code, _, err = run("solve", "chiral_metal", *arguments)
        assert code == 2
        assert err.count("\n") == 1
        assert "memory" in err
