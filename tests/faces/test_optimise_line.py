"""Derivatives and optima at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chirospin.base import results
from chirospin.faces.cli import main


@pytest.fixture
def run(capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_an_optimum_is_stored_with_its_path_and_audited(run, tmp_path: Path) -> None:
    file = tmp_path / "best.nc"
    line = ("optimise", "junction", "--minimise", "spin_polarisation", "--vary", "hubbard=0:8")
    code, out, _ = run(*line, "--starts", "2", "--screen", "8", "--json", "--out", str(file))
    facts = json.loads(out)
    assert code == 0
    assert facts["value"] == pytest.approx(-0.28628, abs=1e-4)
    assert facts["parameters"]["hubbard"]["value"] == pytest.approx(5.85, abs=0.1)
    ds = results.load(file)
    assert float(ds.path_objective.min()) == facts["value"]
    assert run("audit", str(file))[0] == 0


def test_a_search_keeps_to_its_evaluations(run) -> None:
    line = ("optimise", "junction", "--maximise", "mean_current", "--vary", "twist=0:1")
    code, out, _ = run(*line, "--starts", "2", "--screen", "0", "--evaluations", "3", "--json")
    searches = json.loads(out)["searches"]
    assert code == 0
    assert max(one["evaluations"] for one in searches) == 3
    assert any("limit of evaluations" in one["ended"] for one in searches)


@pytest.mark.parametrize(
    "ranges",
    [
        ("--vary", "hubbard", "--bounds", "1:3", "--vary", "twist=0:0.5"),
        ("--vary", "hubbard", "--vary", "twist", "--bounds", "1:3", "--bounds", "0:0.5"),
        ("--vary", "hubbard", "--vary", "twist", "--bounds", "twist=0:0.5", "--bounds", "1:3"),
    ],
)
def test_bounds_may_stand_apart(run, ranges: tuple[str, ...]) -> None:
    line = ("optimise", "junction", "--maximise", "mean_current", "--starts", "1", "--json")
    line += ("--screen", "2", "--evaluations", "2")
    together = ("--vary", "hubbard=1:3", "--vary", "twist=0:0.5")
    code, out, err = run(*line, *ranges)
    assert (code, out, err) == run(*line, *together)
    assert code == 0
    assert out != run(*line, "--vary", "hubbard=1:3", "--vary", "twist=0:0.4")[1]  # the control


def test_a_family_without_its_own_derivatives_is_optimised_too(run) -> None:
    line = ("optimise", "rashba", "--maximise", "abs(spin_accumulation)", "--starts", "1")
    code, out, _ = run(*line, "--vary", "spin_orbit=0.01:0.05", "--evaluations", "4", "--json")
    assert code == 0
    assert json.loads(out)["searches"][0]["evaluations"] >= 1


def test_derivatives_are_printed(run) -> None:
    code, out, _ = run("gradient", "junction", "--by", "hubbard", "--by", "twist", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["derivatives"] == "adjoint"
    assert facts["parameter"] == ["hubbard", "twist"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--maximise", "spin_polarisation", "--vary", "hubbard=8:0"], "LOW < HIGH"),
        (["--maximise", "spin_polarisation", "--vary", "molecules=1:3"], "real number"),
        (["--maximise", "spin_polarisatio", "--vary", "hubbard=0:8"], "did you mean"),
        (["--maximise", "open('x')", "--vary", "hubbard=0:8"], "Objective"),
        (["--vary", "hubbard=0:8"], "--maximise"),
        (["--maximise", "mean_current", "--vary", "hubbard"], "--bounds"),
        (["--maximise", "mean_current", "--vary", "hubbard=0:8", "--bounds", "0:8"], "--bounds"),
        (["--maximise", "current[left]", "--vary", "hubbard=0:8"], "no label"),
        (["--maximise", "mean_current", "--vary", "occupation_left=0:2"], "occupation_left"),
        (["--maximise", "mean_current", "--vary", "coupling=0:1:log"], "> 0"),
    ],
)
def test_bad_input_is_one_line(run, arguments: list[str], words: str) -> None:
    code, out, err = run("optimise", "junction", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err
