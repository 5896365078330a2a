"""Molecules on the command line: one line for bad input, exit codes, what is kept, and the way to a junction."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirospin import junction
from chirospin.base.results import load
from chirospin.faces.cli import main
from chirospin.faces.uncertain import uncertain_text
from chirospin.molecule import kept, mean_field, structure

QUICK = ("--set", "functional=hf", "--set", "basis=sto-3g")
BARE = (*QUICK, "--set", "screening=none")
STACK = ("--set", "structure=h2cs", "--set", "pair=HOMO-1,HOMO", "--set", "pivot=mid-bond")
FILES = {
    "empty.xyz": "",
    "words.xyz": "this is no molecule\n",
    "overlap.xyz": "3\n\nO 0 0 0\nH 0 0 0.1\nH 0 1 0\n",
    "radical.xyz": "2\n\nO 0 0 0\nH 0 0 0.97\n",
    "iodine.xyz": "2\n\nH 0 0 0\nI 0 0 1.6\n",
    "mixed.xyz": "4\n\nH 0 0 0\nH 0 0 0.74\nHe 9 0 0\nHe 19 0 0\n",
    "frames.xyz": "2\n\nH 0 0 0\nH 0 0 0.74\n2\n\nH 0 0 0\nF 0 0 0.92\n",
    "nan.xyz": "2\n\nH 0 0 nan\nH 0 0 0.74\n",
    "cut.xyz": "2\n\nH 0 0 0\nH 0 0 0.74\n1000000000\n\nH 0 0 0\n",
    "hydrogen.xyz": "2\n\nH 0 0 0\nH 0 0 0.74\n",
}
WRONG = [
    ("molecule", ["structure=nosuch.xyz"], "must be a file that exists or one of"),
    ("molecule", ["structure=empty.xyz"], "Parameter `structure`"),
    ("molecule", ["structure=words.xyz"], "must be a file of coordinates that ASE reads"),
    ("molecule", ["structure=overlap.xyz"], "atoms 1 and 2 of overlap.xyz are 0.100 angstrom apart"),
    ("molecule", ["structure=radical.xyz"], "must leave HO an even number of electrons"),
    ("molecule", ["structure=iodine.xyz"], "no element beyond Kr, but atom 2"),
    ("molecule.stack", ["structure=mixed.xyz"], "its bonds cut it into H2, He, He"),
    ("molecule", ["structure=frames.xyz"], "the same atoms in every frame"),
    ("molecule", ["structure=cut.xyz"], "cut.xyz, frame 1 has 1 of 1000000000 atoms"),
    ("molecule", ["structure=nan.xyz"], "finite coordinates"),
    ("molecule", ["structure=hydrogen.xyz", "basis=sto-3g", "functional=hf"], "two filled or two empty"),
    ("molecule", ["frame=3"], "must be an integer in [0, 0]"),
    ("molecule", ["charge=1"], "Parameter `charge` must leave"),
    ("molecule", ["basis=nosuch"], "Parameter `basis` must be a basis set that has"),
    ("molecule", ["basis=lanl2dz"], "all-electron basis set"),
    ("molecule", ["functional=nosuch"], "Parameter `functional` must be one that PySCF knows"),
    ("molecule", ["functional=b3lyp,9999"], "Parameter `functional` must be one that PySCF knows"),
    ("molecule", ["functional=-1"], "Parameter `functional` must be one that PySCF knows"),
    ("molecule", ["pair=HOMO-9,HOMO"], "Parameter `pair` must be two of"),
    ("molecule", ["pair=HOMO,LUMO"], "two filled orbitals or two empty ones"),
    ("molecule", ["axis=up"], "Parameter `axis` must be x, y, z, normal"),
    ("molecule", ["spin_orbit_integrals=exact"], "amfi or somf or zeff or bare"),
    ("molecule", ["window=1"], "integer in [2, 40]"),
    ("molecule.stack", ["pivot=here"], "Parameter `pivot` must be centre, mid-bond"),
    ("molecule.stack", ["rise=1 angstrom"], "of the van-der-Waals distance apart"),
    ("molecule.stack", ["rise=1 eV"], "Parameter `rise` must be real > 0 with a unit like nm"),
    ("molecule.stack", ["tilt=[10, 0, 3] deg"], "Parameter `tilt` must be real (2)"),
]  # fmt: skip


def _run(capsys: Any, *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("problem", "given", "words"), WRONG, ids=lambda x: str(x)[:40])
def test_bad_input_is_one_line(
    problem: str, given: list[str], words: str, folder: Path, capsys: Any
) -> None:
    code, out, err = _run(capsys, "solve", problem, *(w for g in given for w in ("--set", g)))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert words in err


def test_a_field_that_does_not_converge_exits_with_3(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHIROSPIN_CACHE", str(tmp_path))  # what another test kept needs no cycle
    monkeypatch.setattr(kept, "_REMEMBERED", {})
    code, _, err = _run(
        capsys, "solve", "molecule", *BARE, "--set", "structure=h2o2", "--option", "cycles=2"
    )
    assert code == 3
    assert "not reached in 2 cycles" in err
    assert "raise --option cycles" in err


def test_a_missing_package_names_the_extra(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "find_spec", lambda name: None)
    code, _, err = _run(capsys, "solve", "molecule")
    assert code == 2
    assert "pip install" in err


def test_from_stack_to_junction(folder: Path, capfd: Any) -> None:
    code = main(["solve", "molecule.stack", *STACK, *BARE, "--out", "stack.nc"])
    out, err = capfd.readouterr()
    assert code == 0
    assert "hole pair" in out
    assert "SCF" not in out + err  # nothing of PySCF's own
    code = main(["solve", "junction", "--from", "stack.nc", "--set", "coupling=0.05 eV", "--json"])
    body = json.loads(capfd.readouterr().out)
    assert code == 0
    P = body["observables"]["spin_polarisation"]["values"]
    ds = load(Path("stack.nc"))
    made = junction.Junction.from_result(ds, coupling=0.05)
    assert float(junction.solve(made).spin_polarisation) == pytest.approx(P, rel=1e-9)
    assert {"neese_2005", "sun_2020", "nozaki_fujita_2026"} <= set(body["provenance"]["references"])
    origin = json.loads(junction.solve(made.replace(coupling=0.02)).attrs["origin"])
    assert origin["parameter_structure"] == "h2cs"
    assert origin["method"] == "kohn-sham"
    assert main(["audit", "stack.nc"]) == 0
    capfd.readouterr()


def test_from_needs_a_stack(folder: Path, capsys: Any) -> None:
    for words in (
        ("solve", "junction", "--from", "nosuch.nc"),
        ("solve", "rashba", "--from", "nosuch.nc"),
        ("solve", "junction", "--uncertain"),
    ):
        code, out, err = _run(capsys, *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
    junction.solve(method="landauer").to_netcdf("other.nc", engine="h5netcdf")
    code, _, err = _run(capsys, "solve", "junction", "--from", "other.nc")
    assert code == 2
    assert "must hold the parameters of a stack" in err


def test_what_is_computed_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv(kept.FOLDER, str(folder / "kept"))
    kept._REMEMBERED.clear()
    words = ("solve", "molecule", *BARE, "--set", "structure=h2co", "--json")
    first = _run(capsys, *words)
    kept._REMEMBERED.clear()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(mean_field, "_converged", never)
    again = _run(capsys, *words)
    assert json.loads(first[1])["observables"] == json.loads(again[1])["observables"]
    for path in (folder / "kept").iterdir():  # a damaged file is not read
        path.write_bytes(path.read_bytes()[:-40])
    kept._REMEMBERED.clear()
    with pytest.raises(AssertionError, match="computed again"):
        main(list(words))


def test_a_killed_field_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chirospin.molecule.model import Theory

    monkeypatch.setenv(kept.FOLDER, str(folder / "kept"))
    monkeypatch.setattr(mean_field, "SAVED_EVERY", 0.0)
    kept._REMEMBERED.clear()
    where, theory = (
        structure.read_structure("h2o2"),
        Theory(functional="hf", basis="sto-3g", charge=0),
    )
    with pytest.raises(mean_field.ConvergenceError):
        mean_field.ground(where, theory, 0, mean_field.Numerics(cycles=5, threads=1))
    rest = mean_field.ground(where, theory, 0, mean_field.Numerics(cycles=99, threads=1))
    kept._REMEMBERED.clear()
    monkeypatch.setenv(kept.FOLDER, "")
    whole = mean_field.ground(where, theory, 0, mean_field.Numerics(cycles=99, threads=1))
    assert rest.cycles < whole.cycles
    assert rest.energy == pytest.approx(whole.energy, abs=1e-8)
    assert len(list((folder / "kept").iterdir())) == 1


UNCERTAIN = (
    *("solve", "junction", "--from", "stack.nc", "--set", "coupling=0.05", "--uncertain"),
    *("--structures", "2", "--json", "--out"),
)
CHEAP = """
from chirospin.molecule import draws, mean_field
draws.draws.__kwdefaults__ = None
draws.draws.__defaults__ = (0, None, ("hf",), ("none", "dscf", "born"))
draws.PER_STRUCTURE, mean_field.SAVED_EVERY = 4, 0.0
"""
"""One functional and few draws, and every density saved."""
KILLED_AT = 9
"""Sets of arrays: the first structure is past its field, amid the fields of its ions."""


def test_uncertain_gives_an_interval_killed_or_not(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL amid the draws: what was kept is not computed again, and the draws are the same."""
    from chirospin.molecule import draws

    assert main(["solve", "molecule.stack", *STACK, *BARE, "--out", "stack.nc"]) == 0
    place = folder / "kept"
    code = f"{CHEAP}\nfrom chirospin.faces.cli import main\nmain({[*UNCERTAIN, 'u.nc']!r})"
    environment = {**os.environ, kept.FOLDER: str(place)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        while process.poll() is None and len(list(place.glob("*.npz"))) < KILLED_AT:
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not Path("u.nc").exists()
    stamps = {one: one.stat().st_mtime_ns for one in place.glob("*.npz")}
    capsys.readouterr()

    monkeypatch.setattr(draws.draws, "__kwdefaults__", None)
    monkeypatch.setattr(draws.draws, "__defaults__", (0, None, ("hf",), ("none", "dscf", "born")))
    monkeypatch.setattr(draws, "PER_STRUCTURE", 4)
    facts = []
    for n, where in enumerate((str(place), "")):
        monkeypatch.setenv(kept.FOLDER, where)
        kept._REMEMBERED.clear()
        code, out, _ = _run(capsys, *UNCERTAIN, f"u{n}.nc")
        assert code == 0
        facts.append(json.loads(out))
    partial = [one for one in stamps if not one.exists()]
    again = [one for one in stamps if one.exists() and one.stat().st_mtime_ns != stamps[one]]
    assert len(partial) <= 1  # the density of the field that was killed
    assert again == []
    resumed, whole = facts
    for name in ("median", "low", "high"):  # energies of ions to 1e-6 eV
        assert resumed[name] == pytest.approx(whole[name], rel=1e-3, abs=1e-9)
    assert whole["draws"] == 8
    assert whole["low"] < whole["median"] < whole["high"]
    assert whole["negative"] + whole["positive"] + whole["zero"] == pytest.approx(1)
    inputs = {n for n, one in whole["ranks"].items() if one["kind"] == "input"}
    assert {"Lambda", "rise", "twist", "slide_x", "tilt_y"} <= inputs
    assert "90 % of 8 draws in [" in uncertain_text(whole)
    assert "geometry: rigid displacements" in uncertain_text(whole)
    assert load(Path("u1.nc")).sizes["draw"] == 8


def test_a_stack_in_one_frame_says_that_its_geometry_is_not_varied(folder: Path) -> None:
    from chirospin.molecule import MoleculeStack
    from chirospin.molecule.draws import _moved, drawn_geometry

    pair = "H 0 0 0\nH 0 0 0.74\nH 0 0 4\nH 0 0 4.74\n"
    Path("one.xyz").write_text(f"4\n\n{pair}")
    Path("many.xyz").write_text(f"4\n\n{pair}" * 3)
    one, many = (MoleculeStack(structure=f"{name}.xyz") for name in ("one", "many"))
    assert drawn_geometry(one).startswith("not varied: the file holds one stack in one frame")
    assert _moved(one, np.full(7, 0.9)) == (one, {})
    assert drawn_geometry(many) == "3 frames of the file"
    assert _moved(many, np.full(7, 0.9))[1] == {"frame": 2.0}
