"""A verdict that can be trusted: one rule for every face, and files that are what was computed."""

from __future__ import annotations

import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from benchmarks.damaged_files import damaged, originals, told

from chirospin import junction, rashba, vibration
from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.sealed import seal_of, tried
from chirospin.base.stored import stored_methods, stored_model
from chirospin.faces.cli import main
from chirospin.faces.verdict import coloured
from chirospin.points.design import designed
from chirospin.points.store import Store
from chirospin.points.sweep import Count, Definition
from chirospin.points.sweep import run as fill
from chirospin.points.tally import failing, unsound
from tests.faces.test_command_line import run as line  # noqa: F401

LEFT_OUT = ["--method", "landauer", "--set", "hubbard=1"]  # a check of the method fails
GOOD = ["--method", "landauer", "--set", "hubbard=0"]
SCAN = 'family = "junction"\nmethod = "landauer"\nchunk = 2\n[set]\nhubbard = {}\n[grid]\nenergy_b = [0.4, 0.6, 0.8]\n'


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "p.nc"
    assert (
        main(["solve", "junction", *GOOD, "--over", "energy_b=0.4:0.8:3", "--out", str(path)]) == 0
    )
    return path


@pytest.mark.usefixtures("no_processes")
def test_a_failed_check_is_exit_1_in_every_face(line: Any, tmp_path: Path) -> None:  # noqa: F811
    bad, store = str(tmp_path / "bad.nc"), tmp_path / "s.sweep"
    (tmp_path / "s.toml").write_text(SCAN.format(1))
    page = str(tmp_path / "r.html")
    for words in (
        ["solve", "junction", *LEFT_OUT, "--out", bad],
        ["report", bad, "--out", page],
        ["audit", bad],
        ["gradient", "junction", *LEFT_OUT, "--by", "energy_b"],
        ["sweep", str(tmp_path / "s.toml"), "--workers", "1"],
        ["status", str(store)],
        ["audit", str(store)],
        ["report", str(store), "--out", page],
    ):
        code, out, err = line(*words)
        assert code == 1, words
        assert "interaction_left_out" in err, words
        if words[0] in ("sweep", "status"):
            assert "0 failed, 3 whose checks fail" in out
            assert "3 x check FAILED: interaction_left_out" in out


@pytest.mark.usefixtures("no_processes")
def test_the_same_questions_without_repulsion_are_exit_0(line: Any, tmp_path: Path) -> None:  # noqa: F811
    """The control."""
    good = str(tmp_path / "good.nc")
    (tmp_path / "s.toml").write_text(SCAN.format(0))
    for words in (
        ["solve", "junction", *GOOD, "--out", good],
        ["audit", good],
        ["gradient", "junction", *GOOD, "--by", "energy_b"],
        ["sweep", str(tmp_path / "s.toml"), "--workers", "1"],
        ["status", str(tmp_path / "s.sweep")],
        ["audit", str(tmp_path / "s.sweep")],
    ):
        code, _, err = line(*words)
        assert (code, "FAILED" in err) == (0, False), words


def test_not_converged_stays_3(line: Any) -> None:  # noqa: F811
    few = ["--method", "mean-field,landauer", "--option", "iterations=3"]
    assert line("solve", "junction", *few)[0] == 3


def test_failures_are_red_on_a_terminal_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    text = "audit FAILED: 1 of 7 checks\n  ok  norm"
    assert coloured(text, io.StringIO()) == text
    assert "\x1b[" not in coloured("  ok  norm", Terminal())


def test_points_are_counted_by_check() -> None:
    ds = junction.solve(
        method=["gksl", "landauer"], over={"hubbard": [0.0, 1.0, 2.0]}, observables=["current"]
    )
    assert failing(ds) == {"interaction_left_out": 2}
    assert unsound(ds) == 2


def test_an_audit_uses_the_stored_settings(line: Any, tmp_path: Path) -> None:  # noqa: F811
    """A window of 40 gives 0.0915 of the theory that it emulates, and 332 with the default one."""
    path = tmp_path / "w.nc"
    line("solve", "vibration", "--method", "windowed", "--option", "window=40", "--out", str(path))
    code, out, _ = line("audit", str(path), "--json")
    found = {c["name"]: c for c in json.loads(out)["audit"]}
    assert code == 1
    assert found["second_order"]["value"] == pytest.approx(0.0915, rel=0.01)
    assert found["recomputed"]["passed"]
    (method,) = stored_methods(results.load(path), vibration.FAMILY.problems[0], {})
    assert method == vibration.FAMILY.problems[0].method("windowed")(window=40)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v * (1 + 1e-4),
        lambda v: np.where(v == v.max(), np.nan, v),
        lambda v: np.full_like(v, np.nan),
        lambda v: v[::-1],
    ],
    ids=["digit", "one gone", "all gone", "order"],
)
def test_other_numbers_than_the_computed_ones_fail(
    line: Any,  # noqa: F811
    kept: Path,
    tmp_path: Path,
    change: Any,
) -> None:
    """Saved anew, so that every checksum is right: only computing again can tell."""
    ds = results.load(kept)
    assert line("audit", str(kept))[0] == 0
    ds["current"] = ds["current"].copy(data=change(ds["current"].values))
    other = tmp_path / "other.nc"
    results.save(ds, other)
    code, _, err = line("audit", str(other))
    assert code == 1
    assert "recomputed" in err
    zarr = tmp_path / "other.zarr"
    results.save(ds, zarr)
    assert line("audit", str(zarr))[0] == 1


def test_a_turned_bit_is_named(line: Any, kept: Path) -> None:  # noqa: F811
    whole = kept.read_bytes()
    value = results.load(kept)["spin_polarisation"].values.astype("<f8").tobytes()
    place = whole.index(value) + 7
    kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    for words in (["audit"], ["report", "--out", str(kept.with_suffix(".html"))], ["cite"]):
        code, _, err = line(words[0], str(kept), *words[1:])
        assert (code, err.count("\n")) == (2, 1)
        assert "do not match its seal" in err


def test_a_changed_value_is_named_without_a_seal(line: Any, kept: Path, tmp_path: Path) -> None:  # noqa: F811
    """Opened and written by other programs: the checksum of the values stays, the seal does not."""
    with xr.open_dataset(kept) as ds:
        whole = ds.load()
    whole.to_netcdf(tmp_path / "same.nc", engine="h5netcdf")
    assert seal_of(tmp_path / "same.nc") is None
    assert line("audit", str(tmp_path / "same.nc"))[0] == 0
    whole["current"] = whole["current"] * 2
    whole.to_netcdf(tmp_path / "twice.nc", engine="h5netcdf")
    code, _, err = line("audit", str(tmp_path / "twice.nc"))
    assert code == 2
    assert "do not match their checksum" in err
    del whole.attrs["checksum"]
    whole.to_netcdf(tmp_path / "own.nc", engine="h5netcdf")
    code, out, _ = line("audit", str(tmp_path / "own.nc"))
    assert code == 1
    assert "the file carries no checksum" in out


KINDS: dict[str, Any] = {
    "chirospin_schema": [float("inf"), float("nan"), "one", 1.5, [1, 2], -1],
    "method_settings": ["{", "[1]", 3.0, float("nan"), '{"tolerance": "x"}', '{"nosuch": 1}'],
    "provenance": ["", 7],
    "family": [3, "junctoin"],
    "method": [float("inf"), "nosuch"],
    "quantity": [1.0],
    "parameter_hubbard_a": [float("inf"), float("nan"), "x", [1.0, 2.0]],
    "parameter_one_body_matrix": ["{", "[1", "[[1, NaN]]", float("inf")],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in KINDS.items() for v in vs])
def test_attributes_of_a_wrong_kind_are_one_line(
    line: Any,  # noqa: F811
    kept: Path,
    name: str,
    value: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ds = results.load(kept)
    ds.attrs[name] = value
    monkeypatch.setattr("chirospin.base.results.SCHEMA", 2)
    results.save(ds, kept)
    code, _, err = line("audit", str(kept))
    assert (code, err.count("\n")) == (2, 1), err
    assert len(err) < 500


def test_nothing_of_somebody_else_is_replaced(line: Any, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "mine.zarr"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    for name in ("a.nc", "a.png", "a.pdf", "a.svg", "a.html", "b.zarr"):
        (tmp_path / name).write_text("years of work")
    question = ["solve", "junction", *GOOD]
    kept = tmp_path / "k.nc"
    assert line(*question, "--out", str(kept))[0] == 0
    for words in (
        *([*question, "--out", str(tmp_path / n)] for n in ("a.nc", "mine.zarr", "b.zarr")),
        *([*question, "--plot", str(tmp_path / n)] for n in ("a.png", "a.pdf", "a.svg")),
        ["report", str(kept), "--out", str(tmp_path / "a.html")],
    ):
        code, _, err = line(*words)
        assert (code, err.count("\n")) == (2, 1), words
    assert (folder / "thesis.tex").read_text() == "years of work"
    assert all(p.read_text() == "years of work" for p in tmp_path.glob("[ab].*") if p.is_file())


def test_what_it_wrote_is_replaced_whole(
    line: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = ["solve", "junction", *GOOD]
    for name in ("a.zarr", "a.nc"):
        path = tmp_path / name
        assert line(*question, "--out", str(path))[0] == 0
        before = results.load(path)
        with monkeypatch.context() as patch:

            def full(*_: Any, **__: Any) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(xr.Dataset, "to_zarr", full)
            patch.setattr("os.fsync", full)
            code, _, err = line(*question, "--set", "energy_b=0.5", "--out", str(path))
        assert code == 2
        assert "No space left" in err
        assert results.load(path).identical(before)
        assert line(*question, "--set", "energy_b=0.5", "--out", str(path))[0] == 0
        assert results.load(path).attrs["parameter_energy_b"] == 0.5
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted({"a.zarr", name})
    (tmp_path / "a.zarr" / "thesis.tex").write_text("years of work")  # put into a result later
    code, _, err = line(*question, "--out", str(tmp_path / "a.zarr"))
    assert code == 2
    assert "thesis.tex" in err


def test_a_stored_name_of_code_does_not_run(
    line: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tmp_path / "ran"
    Path("own.py").write_text(
        "import pathlib\nimport numpy as np\n"
        f"pathlib.Path({str(ran)!r}).write_text('')\n"
        "def gaussian(q):\n    return np.exp(-(q**2))\n"
    )
    words = ["--set", "disorder=own.py:gaussian", "--out", "r.nc"]
    assert line("solve", "rashba", *words)[0] == 0
    ran.unlink()
    code, _, err = line("audit", "r.nc")
    assert (code, err.count("\n")) == (2, 1)
    assert "--allow-code" in err
    assert line("report", "r.nc", "--out", "r.html")[0] == 0
    assert line("cite", "r.nc")[0] == 0
    with pytest.raises(ModelError, match="allow-code"):
        stored_model(results.load(Path("r.nc")), rashba.FAMILY.problems[0])
    assert not ran.exists()
    Path("own.py").touch()
    assert line("audit", "r.nc", "--allow-code")[0] == 0
    assert ran.exists()


def test_the_text_parameters_that_may_name_code_are_the_ones_that_are_loaded() -> None:
    """Every call of loaded_function is of a parameter that names_code knows: free text."""
    import importlib
    import re

    import chirospin

    source = Path(chirospin.__file__).parent
    loaded = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r'loaded_function\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    free = {
        info.name
        for family in chirospin.FAMILIES
        for one in importlib.import_module(f"chirospin.{family}").FAMILY.problems
        for info in one.model.parameters()
        if isinstance(info.default, str) and not info.choices
    }
    names = {
        "structure",
        "functional",
        "basis",
        "pair",
        "axis",
        "pivot",
        "point_group",
        "lead_names",
        "reversed_leads",
        "voltage_probes",
    }  # of files and of words
    assert loaded == free - names


def test_settings_that_are_places_are_not_taken_from_a_file(tmp_path: Path) -> None:
    ds = junction.solve(method="landauer", observables=["current"])
    ds.attrs["method"] = "gksl-mixed"
    ds.attrs["method_settings"] = json.dumps({"folder": str(tmp_path / "made"), "tolerance": 1e-9})
    (method,) = stored_methods(ds, junction.PROBLEM, {})
    assert method.model_dump()["folder"] is None
    assert method.model_dump()["tolerance"] == 1e-9


@pytest.mark.usefixtures("no_processes")
def test_damaged_files_and_stores_are_named(tmp_path: Path) -> None:
    """A few of benchmarks/damaged_files.py, which damages 150; the good ones are the control."""
    good = originals(tmp_path / "good")
    for path in good.values():
        asked = ["status" if path.suffix == ".sweep" else "cite", str(path)]
        assert told(asked).code == 0
    dice = random.Random(5)
    for n in range(12):
        kind = ("netCDF", "Zarr", "store")[n % 3]
        target = tmp_path / str(n) / good[kind].name
        target.parent.mkdir()
        deed = damaged(kind, good[kind], target, dice)
        found = told(["status" if kind == "store" else "audit", str(target)])
        assert found.named, (deed, found)


def test_reading_without_a_seal_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on which the reader goes round in circles is given up."""
    path = tmp_path / "a.nc"
    xr.Dataset({"a": ("x", np.zeros(3))}).to_netcdf(path, engine="h5netcdf")
    assert tried(path) is False  # readable, but no result of this program
    monkeypatch.setattr("chirospin.base.sealed.PATIENCE", 0.0)
    with pytest.raises(ModelError, match="does not end"):
        tried(path)


def test_shards_belong_to_their_store_and_place(line: Any, tmp_path: Path) -> None:  # noqa: F811
    """A copy in another's place, a shard of another sweep, an extra one: set aside, said, computed again."""

    def swept(name: str, hubbard: float = 0.0) -> Count:
        model = junction.Junction(hubbard=hubbard)
        design = designed(model, grid={"energy_b": [0.4, 0.6, 0.8]})
        one = Definition(
            problem=junction.PROBLEM,
            model=model,
            methods=(junction.Landauer(),),
            observables=("current",),
            design=design,
        )
        return fill(one, tmp_path / f"{name}.sweep", workers=0, chunk=2)

    swept("a")
    swept("b", 0.5)
    calm = Store(tmp_path / "a.sweep").open()
    shards, others = (tmp_path / f"{n}.sweep" / "shards" for n in "ab")
    deeds = {
        "in another's place": lambda: shutil.copy(shards / "00000000.nc", shards / "00000001.nc"),
        "another sweep": lambda: shutil.copy(others / "00000000.nc", shards / "00000000.nc"),
        "extra": lambda: shutil.copy(shards / "00000000.nc", shards / "00000207.nc"),
    }
    for n, deed in enumerate(deeds.values(), start=1):
        deed()
        with pytest.raises(ModelError, match="set"):
            Store(tmp_path / "a.sweep").open()
        code, out, err = line("status", str(tmp_path / "a.sweep"))
        assert code == 1
        assert "shard FAILED" in err
        assert "-" not in out.splitlines()[1]  # no negative count
        count = swept("a")
        assert count.done == count.points == 3
        assert len(count.aside) == 1
        assert len(list((tmp_path / "a.sweep" / "set-aside").iterdir())) == n
        assert Store(tmp_path / "a.sweep").open().equals(calm)


@pytest.mark.usefixtures("no_processes")
def test_functions_of_a_sweep_are_part_of_it(line: Any, tmp_path: Path) -> None:  # noqa: F811
    """Looked for beside the TOML; their content is in the hash; the folder is not."""
    folder = tmp_path / "one"
    folder.mkdir()
    text = "import numpy as np\ndef w(q):\n    return np.exp(-{}*q**2)\n"
    (folder / "own.py").write_text(text.format(1))
    (folder / "s.toml").write_text(
        'family = "rashba"\nobservables = ["spin_hall_current"]\nchunk = 1\n'
        '[set]\ndisorder = "own.py:w"\n[grid]\nscattering_rate = [0.01]\n'
    )
    assert line("sweep", str(folder / "s.toml"), "--workers", "1")[0] == 0
    moved = folder.rename(tmp_path / "two")
    code, out, _ = line("sweep", str(moved / "s.toml"), "--workers", "1")
    assert (code, " 0 computed now" in out) == (0, True)
    (moved / "own.py").write_text(text.format(2))
    code, _, err = line("sweep", str(moved / "s.toml"), "--workers", "1")
    assert code == 2
    assert "different: files" in err


@pytest.mark.usefixtures("no_processes")
def test_a_point_that_raises_stops_no_other(line: Any, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "s.toml").write_text(
        'family = "junction"\nmethod = "gksl"\nobservables = ["current"]\nchunk = 4\n'
        "[list]\nhubbard = [1, 1e20, 1e25, 2]\n"
    )
    code, out, _ = line("sweep", str(tmp_path / "s.toml"), "--workers", "1")
    assert code == 3
    assert "4 of 4 points" in out
    ds = Store(tmp_path / "s.sweep").open()
    alone = junction.solve(over={"hubbard": [1.0, 2.0]}, observables=["current"])
    kept = ds.converged.values
    assert kept.tolist() == [True, False, False, True]
    assert np.allclose(ds.current.values[kept], alone.current.values, rtol=1e-9)
    assert all(ds.reason.values[~kept])


@pytest.mark.parametrize("body", ["raise RuntimeError('no')", "import sys; sys.exit(3)"])
def test_a_function_that_raises_or_exits_is_a_failed_point(
    line: Any,  # noqa: F811
    tmp_path: Path,
    body: str,
) -> None:
    (tmp_path / "own.py").write_text(f"def w(q):\n    {body}\n")
    (tmp_path / "s.toml").write_text(
        'family = "rashba"\nobservables = ["spin_hall_current"]\nchunk = 2\n'
        '[set]\ndisorder = "own.py:w"\n[grid]\nscattering_rate = [0.01, 0.02]\n'
    )
    code, out, _ = line("sweep", str(tmp_path / "s.toml"), "--workers", "1")
    assert code == 3
    assert "2 failed" in out


REFUSED = {
    "set and varied": "[set]\nhubbard = 1\n[grid]\nhubbard_a = [1, 2]",
    "varied twice": "[grid]\nhubbard = [1]\nhubbard_a = [1, 2]",
    "true": "[option]\ntolerance = true\n[grid]\nenergy_b = [1]",
    "method twice": "method = ['gksl', 'gksl']\n[grid]\nenergy_b = [1]",
    "too large": "[set]\nhubbard = 1" + "0" * 400 + "\n[grid]\nenergy_b = [1]",
    "digits": "[grid]\nenergy_b = '0:1:²'",
    "deviation": "[random]\nsamples = 2\nenergy_b = { normal = [true, 1] }",
    "deep": "[set]\nhubbard = " + "[" * 3000 + "]" * 3000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_file_refuses_what_the_command_line_refuses(line: Any, tmp_path: Path, text: str) -> None:  # noqa: F811
    (tmp_path / "s.toml").write_text(f"family = 'junction'\n{text}\n")
    code, _, err = line("sweep", str(tmp_path / "s.toml"))
    assert (code, err.count("\n")) == (2, 1), err
    assert [p.name for p in tmp_path.iterdir()] == ["s.toml"]
