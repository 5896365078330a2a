"""The vibrating level at the command line."""

from __future__ import annotations

import json

import pytest

from tests.faces.test_command_line import run  # noqa: F401

BAD = {
    "temperature": (["--set", "thermal_energy=0"], "thermal_energy"),
    "velocity": (["--set", "phonon_velocity=-1"], "phonon_velocity"),
    "dimension": (["--set", "bath_dimension=4"], "bath_dimension"),
    "one dimension": (["--set", "bath_dimension=1"], "bath_onset"),
    "onset": (["--set", "bath_onset=4"], "bath_onset"),
    "vector": (["--set", "spin_coupling=[1,0]"], "spin_coupling"),
    "not finite": (["--set", "level=nan"], "level"),
    "no modes": (["--set", "bath=modes"], "mode_energies"),
    "energy of a mode": (["--set", "bath=modes", "--set", "mode_energies=[-1]"], "mode_energies"),
    "matrices": (
        ["--set", "bath=modes", "--set", "mode_energies=[1,2]", "--set",
         "mode_couplings=[[[1,0],[0,1]]]"],
        "mode_couplings",
    ),
    "bath": (["--set", "bath=phonon"], "acoustic"),
    "broadening": (["--method", "windowed", "--option", "broadening=0"], "broadening"),
    "window": (["--method", "windowed", "--option", "window=-1"], "window"),
    "reservoir in scba": (
        ["--method", "scba", "--set", "reservoir_coupling=0.1"], "reservoir_coupling"
    ),
    "too many quanta": (["--set", "level_splitting=[0,0,0.1]"], "scba-hartree"),
    "real axis": (
        ["--method", "second-order", "--option", "route=real-axis", "--set",
         "level_splitting=[0,0,0.1]"],
        "route star",
    ),
    "method": (["--method", "hartree"], "scba-hartree"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "word"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_that_names_it(run, arguments, word) -> None:  # noqa: F811
    code, out, err = run("solve", "vibration", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err


def test_the_ladder_tells_physics_from_artefact(run, tmp_path) -> None:  # noqa: F811
    out = tmp_path / "ladder.nc"
    code, text, err = run(
        "solve", "vibration", "--method", "exact,second-order,scba,scba-hartree,windowed",
        "--out", str(out), "--plot", str(tmp_path / "ladder.png"), "--json",
    )  # fmt: skip
    body = json.loads(text)
    assert code == 1  # of windowed
    count = body["observables"]["crossover_count"]["values"]
    assert count == [0, 0, 0, 0, 1]
    assert "windowed" in err
    code, text, _ = run("audit", str(out))
    assert code == 1
    failed = [line for line in text.splitlines() if "FAILED" in line]
    assert any("sign_changes" in line for line in failed)
    assert any("exact_direction" in line for line in failed)


def test_repulsion_that_a_method_does_not_know_is_loud(run) -> None:  # noqa: F811
    _, _, err = run("solve", "vibration", "--method", "scba", "--set", "hubbard=1", "--json")
    assert "hubbard_left_out" in err
    assert run("solve", "vibration", "--set", "hubbard=1", "--json")[2] == ""


def test_the_audit_of_a_moment_that_vanishes_by_time_reversal_passes(
    run,  # noqa: F811
) -> None:
    """Its rounding, 1e-19 of a spin, was once compared with itself."""
    even = ["--set", "spin_coupling=[0,0,0]", "--set", "momentum_coupling=[0,0,0.01]"]
    code, text, _ = run("audit", "vibration", "--method", "exact", *even)
    assert code == 0
    assert "audit passed" in text
