"""The command line as other programs and strangers use it."""

from __future__ import annotations

import json
import time

import pytest

from chirospin import chiral_metal, rashba, spinterface
from chirospin.faces import progress
from chirospin.faces.cli import main


@pytest.fixture
def run(capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_json_is_one_object_of_the_agreed_shape(run) -> None:
    code, out, err = run(
        "solve", "junction", "--set", "hubbard=1", "--over", "energy_b=0.4,0.8", "--json"
    )
    body = json.loads(out)
    assert (code, err) == (0, "")
    assert list(body) == [
        "family",
        "model",
        "method",
        "parameters",
        "coordinates",
        "observables",
        "audit",
        "provenance",
    ]
    assert body["parameters"]["hubbard_ab_triplet"] == {"value": 1.0, "unit": "eV"}
    assert "energy_b" not in body["parameters"]
    assert body["coordinates"]["energy_b"] == {"values": [0.4, 0.8], "unit": "eV"}
    assert body["observables"]["current"]["dims"] == ["energy_b", "magnetisation"]
    assert {"name", "value", "tolerance", "passed"} == set(body["audit"][0])


def test_one_model_of_a_family_is_described_alone(run) -> None:
    code, out, _ = run("describe", "crystal")
    assert code == 0
    assert "hamiltonian" in out
    assert "helicity_memory" not in out
    assert run("describe", "crystals")[0] == 2


def test_values_carry_units(run) -> None:
    _, out, _ = run(
        "solve",
        "junction",
        "--set",
        "coupling=25 meV",
        "--set",
        "twist=90 deg",
        "--set",
        "spin_orbit_vectors=[[0.03,0,0],[0,0.03,0]]",
        "--json",
    )
    parameters = json.loads(out)["parameters"]
    assert parameters["coupling_a"]["value"] == pytest.approx(0.025)
    assert parameters["twist"]["value"] == pytest.approx(1.5707963)


def test_methods_compare_side_by_side(run) -> None:
    code, out, err = run(
        "solve",
        "junction",
        "--method",
        "gksl,mean-field,landauer",
        "--set",
        "hubbard=0.5",
        "--json",
    )
    body = json.loads(out)
    assert code == 1
    assert body["coordinates"]["solved_by"]["values"] == ["gksl", "mean-field", "landauer"]
    assert "interaction_left_out" in err  # loud: landauer leaves the repulsion out


BAD = {
    "occupation": ["--set", "occupation_left=1.5"],
    "coupling": ["--set", "coupling_a=-0.1"],
    "polarisation": ["--set", "lead_polarisation=-1.2"],
    "nan": ["--set", "energy_b=nan"],
    "inf": ["--set", "energy_b=1e999"],
    "unit": ["--set", "energy_b=0.5 nm"],
    "unit of a number": ["--set", "lead_polarisation=0.5 eV"],
    "nonsense unit": ["--set", "energy_b=0.5 foo"],
    "word": ["--set", "energy_b=high"],
    "name": ["--set", "spin_orbt=0.1"],
    "no value": ["--set", "spin_orbit"],
    "twice": ["--set", "hubbard=1", "--set", "hubbard=2"],
    "vector shape": ["--set", "spin_orbit_vectors=[[1,0],[0,1]]"],
    "vector count": ["--set", "spin_orbit_vectors=[[1,0,0]]"],
    "vector word": ["--set", "spin_orbit_vectors=[[a,0,0],[0,1,0]]"],
    "complex vector": ["--set", "spin_orbit_vectors=[[1j,0,0],[0,1,0]]"],
    "no molecule": ["--set", "molecules=0"],
    "half a molecule": ["--set", "molecules=2.5"],
    "too many molecules": ["--set", "molecules=6"],
    "far too many molecules": ["--set", "molecules=600"],
    "hand": ["--set", "handedness=0"],
    "method": ["--method", "exactly"],
    "option": ["--option", "tolrance=1"],
    "option value": ["--option", "tolerance=-1"],
    "range": ["--over", "hubbard=0:1"],
    "empty range": ["--over", "hubbard=0:1:0"],
    "swept name": ["--over", "lambda=0:1:3"],
    "swept value": ["--over", "coupling=-1:1:3"],
    "file kind": ["--out", "a.txt"],
    "file place": ["--out", "/no/such/place/a.nc"],
    "figure kind": ["--plot", "a.gif"],
    "flag": ["--sett", "a=1"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_and_code_2(run, arguments) -> None:
    code, out, err = run("solve", "junction", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_the_line_names_parameter_value_range_and_unit(run) -> None:
    _, _, err = run("solve", "junction", "--set", "coupling_a=-0.1")
    for word in ("coupling_a", "-0.1", ">= 0", "eV"):
        assert word in err


def test_an_impossible_size_says_how_much_and_what_fits(run) -> None:
    _, _, err = run("solve", "junction", "--set", "molecules=6")
    for word in ("6 molecules", "iB", "mean-field"):
        assert word in err


def test_not_converged_is_code_3_with_the_residual(run) -> None:
    code, out, err = run(
        "solve", "junction", "--method", "mean-field", "--option", "iterations=30", "--json"
    )
    body = json.loads(out)
    assert code == 3
    assert "residual" in err
    assert body["observables"]["spin_polarisation"]["values"] is None
    assert body["observables"]["reason"]["values"]


def test_several_steady_states_are_code_3(run) -> None:
    code, _, err = run("solve", "junction", "--set", "coupling_b=0", "--set", "spin_orbit=0")
    assert code == 3
    assert "9 steady states" in err


def test_undefined_polarisation_has_a_reason(run) -> None:
    code, out, _ = run(
        "solve",
        "junction",
        "--set",
        "occupation_left=0.5",
        "--set",
        "occupation_right=0.5",
        "--json",
    )
    body = json.loads(out)
    assert code == 0
    assert body["observables"]["spin_polarisation"]["values"] is None
    assert "no current" in body["observables"]["reason"]["values"]


def test_files_and_figures_are_written_and_audited(run, tmp_path) -> None:
    out, plot = tmp_path / "größe 1.nc", tmp_path / "a.svg"
    code, _, _ = run(
        "solve",
        "junction",
        "--set",
        "hubbard=2",
        "--set",
        "spin_orbit_vectors=[[0.1,0,0.1],[0,0.1,0]]",
        "--over",
        "energy_b=0.4:0.8:3",
        "--out",
        str(out),
        "--plot",
        str(plot),
    )
    assert code == 0
    assert plot.read_text(encoding="utf-8").startswith("<?xml")
    code, text, err = run("audit", str(out))
    assert (code, err) == (0, "")
    assert "enantiomer" in text
    code, text, _ = run("cite", str(out))
    assert code == 0
    assert "nozaki_fujita_2026" in text


def test_zarr_and_maps(run, tmp_path) -> None:
    code, _, _ = run(
        "solve",
        "junction",
        "--method",
        "landauer",
        "--set",
        "hubbard=0",
        "--over",
        "energy_b=0:1:12",
        "--over",
        "hopping_b=0.1:1:12",
        "--out",
        str(tmp_path / "a.zarr"),
        "--plot",
        str(tmp_path / "a.png"),
    )
    assert code == 0
    assert run("audit", str(tmp_path / "a.zarr"))[0] == 0


def test_a_file_that_is_no_result_is_refused(run, tmp_path) -> None:
    bad = tmp_path / "bad.nc"
    bad.write_bytes(b"nonsense")
    assert run("audit", str(bad))[0] == 2
    assert run("audit", str(tmp_path / "none.nc"))[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("describe",),
        ("describe", "junction"),
        ("about",),
        ("cite",),
        ("describe", "junction", "--json"),
        ("about", "--json"),
    ],
)
def test_quiet_commands_succeed(run, arguments) -> None:
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert out.strip()
    if "--json" in arguments:
        json.loads(out)


def test_a_table_is_reproduced_alone(run, tmp_path) -> None:
    code, out, _ = run("reproduce", "nozaki_fujita_2026", "table-2", "--out", str(tmp_path))
    assert code == 0
    assert "erratum shown" in out
    claims = json.loads((tmp_path / "nozaki_fujita_2026" / "claims.json").read_text())
    assert {c["where"] for c in claims["claims"]} >= {"Table 2 (f)"}


def test_unknown_study_and_figure_are_code_2(run, tmp_path) -> None:
    assert run("reproduce", "nozaki")[0] == 2
    assert run("reproduce", "nozaki_fujita_2026", "figure-9", "--out", str(tmp_path))[0] == 2


def test_the_readme_speaks_python(tmp_path) -> None:
    """The example runs as it stands, in a fresh interpreter."""
    import re
    import subprocess
    import sys
    from pathlib import Path

    readme = Path(__file__).parents[2] / "README.md"
    (code,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.S)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.nc").exists()
    assert (tmp_path / "p.pdf").exists()


def test_tensors_and_chosen_quantities_of_a_sweep(run, tmp_path) -> None:
    plot = tmp_path / "a.png"
    code, out, _ = run(
        "solve", "crystal", "--option", "points=12", "--set", "thermal_energy=0.3", "--over", "chemical_potential=0.4,0.5", "--plot", str(plot),
        "--quantity", "charge_tensor",
    )  # fmt: skip
    assert (code, plot.exists()) == (0, True)
    assert "edelstein_tensor" in out
    assert run("solve", "junction", "--plot", str(plot), "--quantity", "spin")[0] == 2


def test_a_parameter_is_given_once(run) -> None:
    for arguments in (
        ["--over", "hubbard=1:2:3", "--set", "hubbard=3"],
        ["--over", "hubbard=1:2:3", "--over", "hubbard_a=1,2"],
    ):
        code, _, err = run("solve", "junction", *arguments)
        assert code == 2
        assert "given once" in err


def test_a_family_finds_the_model_that_knows_what_is_named(run) -> None:
    code, out, _ = run(
        "solve", "junction", "--method", "redfield", "--over", "bias=4,6", "--json",
    )  # fmt: skip
    body = json.loads(out)
    assert (code, body["model"], body["method"]) == (1, "bias", "redfield")  # not positive
    code, _, err = run("solve", "junction", "--over", "biass=4,6")
    assert code == 2
    assert "biass" in err


def test_cite_knows_models_and_methods(run) -> None:
    code, all_of_it, _ = run("cite", "junction.bias")
    assert code == 0
    assert "nathan_rudner_2020" in all_of_it
    code, one, _ = run("cite", "junction.bias", "--method", "landauer")
    assert code == 0
    assert "nathan_rudner_2020" not in one
    assert len(one) < len(all_of_it)
    code, _, complaint = run("cite", "junction", "--method", "gskl")
    assert code == 2
    assert "gksl" in complaint


def test_about_names_the_machine_and_its_blas(run) -> None:
    code, text, _ = run("about")
    assert code == 0
    assert all(word in text for word in ("numpy", "cores: ", "blas: ", "thread"))


def test_completion_can_be_installed(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    code, _, _ = run("--install-completion", "--shell", "bash")
    assert code == 0
    (script,) = (p for p in tmp_path.rglob("chirospin*") if p.is_file())
    assert "reproduce" in script.read_text()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("junction --method trajectories --option start=3", "burn_in"),
        ("junction.transient --set start=empty", "initial_state"),
        ("vibration --option temperatures=4", "search_points"),
        ("rashba --method matrix", "kinetic"),
        ("spinterface.map --method consistent", "negf"),
        ("spinterface.pair --method expm", "matrix-exponential"),
    ],
)
def test_a_former_word_is_answered_with_the_present_one(run, line: str, word: str) -> None:
    code, out, err = run("solve", *line.split())
    assert (code, out) == (2, "")
    assert err.rstrip().endswith(f"it is called {word!r} now")


@pytest.mark.parametrize("module", [spinterface, rashba, chiral_metal])
def test_a_former_class_is_answered_with_the_present_one(module) -> None:
    name = {"spinterface": "Consistent", "rashba": "Matrix"}.get(module.FAMILY.name, "KGrid")
    with pytest.raises(AttributeError, match=f"{name} is now "):
        getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute"):
        module.Nothing  # noqa: B018


def test_one_long_step_speaks_meanwhile_and_a_quick_one_does_not(capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with progress.progress("solving one") as report:
        time.sleep(0.3)
        report(1, 4)
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("solving one: ")
    assert "left" not in lines[0]  # nothing is known yet
    assert lines[-1].startswith("solving one: 1/4, about ")
    monkeypatch.setattr(progress, "EVERY", 10.0)
    with progress.progress("solving one") as report:
        report(1, 4)
    assert not capsys.readouterr().err
