"""The command line of the spinterface family, as a stranger meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chirospin.faces.cli import BAD_INPUT, FAILED, main


def line(capsys: Any, *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


MODELS = ("contact", "map", "stability", "gas", "whole_gas", "pair", "quench")


def test_describe_names_every_model(capsys: Any):
    code, out, _ = line(capsys, "describe", "spinterface")
    assert code == 0
    assert all(f"spinterface.{model}" in out for model in MODELS)
    code, out, _ = line(capsys, "describe", "spinterface", "--json")
    assert code == 0
    assert json.loads(out)["family"] == "spinterface" or "name" in json.loads(out)


@pytest.mark.parametrize("model", ["contact", "stability", "gas", "whole_gas", "pair", "quench"])
def test_solve_each_model(capsys: Any, model: str):
    code, out, err = line(capsys, "solve", f"spinterface.{model}", "--json")
    assert code == 0, err
    assert all(check["passed"] for check in json.loads(out)["audit"])


def test_a_profile_with_units_goes_to_a_file_and_is_audited(capsys: Any, tmp_path: Path):
    path = tmp_path / "s.nc"
    words = ["solve", "spinterface", "--over", "distance=0.5:4:6", "--out", str(path)]
    words += ["--set", "thermal_energy=77 K", "--set", "lead_potential=200 meV"]
    words += ["--set", "hybridisation_vector=[0.01j, 0, 0]", "--plot", str(tmp_path / "s.png")]
    code, out, err = line(capsys, *words)
    assert code == 0, err
    code, out, err = line(capsys, "audit", str(path))
    assert code == 0, err
    assert "real_axis" in out


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("pair", ["--set", "source=[0, 0, 0.1, 0]"]),
        ("map", ["--over", "x=1,2", "--over", "y=0.5", "--over", "z=0.5"]),
        ("stability", ["--over", "level=-0.2,0.1"]),
        ("gas", ["--over", "repulsion=0,0.1"]),
    ],
)
def test_stored_results_are_audited(capsys: Any, tmp_path: Path, model: str, words: list[str]):
    path = str(tmp_path / "r.nc")
    code, _, err = line(capsys, "solve", f"spinterface.{model}", *words, "--out", path)
    assert code == 0, err
    code, out, err = line(capsys, "audit", path)
    assert code == 0, err
    assert "audit passed" in out


def test_lesser_term_fails_loudly(capsys: Any):
    code, _, err = line(
        capsys, "solve", "spinterface", "--method", "lesser-only", "--set", "distance=1"
    )
    assert code == 1
    assert "time_reversal" in err
    code, _, err = line(
        capsys, "audit", "spinterface", "--method", "lesser-only", "--set", "distance=1"
    )
    assert code == FAILED


def test_none_below_is_a_result(capsys: Any):
    words = ["--set", "moment=0.95", "--set", "largest_repulsion=1", "--set", "largest_field=100"]
    code, out, _ = line(capsys, "solve", "spinterface.stability", *words)
    assert code == 0
    assert "none below largest_repulsion" in out


def test_times_that_do_not_fit_into_memory_are_refused(capsys: Any):
    code, _, err = line(capsys, "solve", "spinterface.quench", "--over", "time=0,1e12")
    assert code == BAD_INPUT
    assert "`time` must be smaller" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "distance=0"], "`distance` must be > 0"),
        (["--set", "distance=-1"], "`distance` must be > 0"),
        (["--set", "lead_polarisation=[1,1,0]"], "`lead_polarisation` must have a length"),
        (["--set", "thermal_energy=-1 K"], "`thermal_energy` must be real in"),
        (["--set", "dimension=4"], "`dimension` must be"),
        (["--set", "spin_orbt=1"], "did you mean 'spin_orbit'"),
        (["--method", "lesser-only", "--set", "broadening=wide"], "diverges logarithmically"),
        (["--method", "lesser"], "has no method"),
    ],
)
def test_bad_input_is_one_line(capsys: Any, words: list[str], said: str):
    code, out, err = line(capsys, "solve", "spinterface", *words)
    assert code == BAD_INPUT
    assert said in err
    assert err.count("\n") == 1
    assert not out
