"""Measured curves at the command line: what a stranger types, what is written, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from chirospin import measured
from chirospin.base.errors import ModelError
from tests.faces import measured_files as files
from tests.faces.test_command_line import run  # noqa: F401

CURVES = files.a_set(contacts=8)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compared and stored."""
    from chirospin.faces.cli import main

    path = tmp_path_factory.mktemp("example") / "m.nc"
    assert (
        main(["measured", "--example", "--out", str(path), "--plot", str(path.with_suffix(".png"))])
        == 1
    )
    return path


def test_the_example_shows_a_real_effect_and_an_artefact(run) -> None:  # noqa: F811
    code, out, err = run("measured", "--example")
    assert code == 1
    assert "not measured" in out
    assert "conclusion: chiral signal." in out
    assert "but: offset FAILED" in out
    assert "spin polarisation of electrons" in out
    assert err.count("\n") == 1
    assert err.startswith("chirospin: offset FAILED")


def test_a_stored_comparison_is_audited_reported_and_cited(run, example: Path) -> None:  # noqa: F811
    code, out, _ = run("audit", str(example))
    assert code == 1  # the artefact is still there
    assert "audit passed: 4 checks" in out
    code, _, _ = run("report", str(example), "--out", str(example.with_suffix(".html")))
    page = example.with_suffix(".html").read_text()
    assert code == 1
    assert "chiral signal" in page
    assert "sha256 of example.csv" in page
    assert "<script" not in page
    code, out, _ = run("cite", str(example))
    assert (code, out.count("@")) == (0, 5)
    assert example.with_suffix(".png").stat().st_size > 10_000


def test_an_audit_sees_numbers_that_are_not_of_the_curves(run, example, tmp_path) -> None:  # noqa: F811
    """The control: one polarisation changed by hand, checksum and all."""
    from chirospin.base.results import load, save

    ds = load(example)
    ds["polarisation"].values[0, 0, -1] += 1e-3
    save(ds, tmp_path / "forged.nc")
    code, out, err = run("audit", str(tmp_path / "forged.nc"))
    assert code == 1
    assert "recomputed" in err
    assert "FAILED" in out


def test_a_changed_file_is_told_by_its_checksum(run, tmp_path: Path, monkeypatch) -> None:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    files.wide(tmp_path / "w.csv", CURVES)
    run("measured", "w.csv", "--floor", "0.2 pA", "--out", "m.nc")
    files.wide(tmp_path / "w.csv", files.a_set(contacts=7))
    _, _, err = run("audit", "m.nc")
    assert "w.csv is not the one that was read" in err


def test_json_holds_all_that_is_printed(run, tmp_path: Path) -> None:  # noqa: F811
    file = files.wide(tmp_path / "w.csv", CURVES)
    code, out, _ = run("measured", str(file), "--floor", "0.2 pA", "--json")
    body = json.loads(out)
    assert code == int(any(t["verdict"] == "FAILED" for t in body["tests"]))
    assert body["verdict"] == "chiral signal"
    assert {t["test"] for t in body["tests"]} >= {"signal", "shape", "mirror", "drift", "offset"}
    assert body["enantiomers"]["R"]["contacts"]["up"] == 8
    assert set(body["files"]) == {str(file)}


def test_the_reading_is_shown_with_first_rows(run, tmp_path: Path) -> None:  # noqa: F811
    file = files.long(tmp_path / "l.tsv", CURVES)
    code, out, _ = run(
        "measured", str(file), "--word", "up=N", "--word", "down=S", "--show-reading"
    )
    assert code == 0
    for words in ("as long", "magnetisation from 'magnet'", "D | N | ", "16 contacts", "mV"):
        assert words in out


def test_exclusions_are_declared_counted_and_compared(run, tmp_path: Path) -> None:  # noqa: F811
    file = files.wide(tmp_path / "w.csv", CURVES)
    rule = "short: abs(I) > 0.9 nA at 1 V"
    _, out, _ = run("measured", str(file), "--floor", "0.2 pA", "--exclude", rule)
    hit = int((np.abs(CURVES.current[:, -1]) > 0.9e-9).sum())
    assert hit > 0
    told = next(line for line in out.splitlines() if "excluded by" in line)
    assert sum(int(word) for word in re.findall(r"(\d+) (?:up|down)", told)) == hit
    assert "ways to analyse it" in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "--example"),
        (["none.csv"], "does not exist"),
        (["--example", "x.csv"], "--example"),
        (["--example", "--bias", "0.55 V"], "--bias"),
        (["--example", "--bias", "0.5 A"], "bias"),
        (["--example", "--out", "m.txt"], ".nc"),
        (["w.csv", "--word", "left=N"], "--word"),
        (["w.csv", "--unit", "kg"], "--unit"),
        (["w.csv", "--layout", "spiral"], "layout"),
        (["w.csv", "--header", "1.5"], "integer"),
        (["w.csv", "--magnetised", "moon"], "magnetised"),
        (["w.csv", "--lead-polarisation", "3"], "lead polarisation"),
        (["w.csv", "--match", "(?P<tip>"], "pattern"),
        (["w.csv", "--read", "none.toml"], "none.toml"),
        (["w.csv", "--compliance", "0.1 pA", "--floor", "1 pA"], "compliance"),
    ],
)
def test_bad_input_is_one_line(run, tmp_path: Path, monkeypatch, arguments, word) -> None:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    files.wide(tmp_path / "w.csv", files.a_set(contacts=2))
    code, out, err = run("measured", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err


def test_zarr_holds_the_same(run, tmp_path: Path) -> None:  # noqa: F811
    """Its strings are of another kind than those of netCDF."""
    store = tmp_path / "m.zarr"
    run("measured", "--example", "--out", str(store), "--plot", str(tmp_path / "m.pdf"))
    code, out, _ = run("audit", str(store))
    assert (code, "audit passed: 4 checks" in out) == (1, True)
    code, _, _ = run("report", str(store), "--out", str(tmp_path / "m.html"))
    assert code == 1


def test_plan_says_how_many_contacts(run) -> None:  # noqa: F811
    code, out, _ = run("plan", "--polarisation", "0.3", "--scatter", "1.2")
    assert code == 0
    assert out.startswith("60 contacts for each magnetisation show P = 0.3 in 80 % of sets")
    assert "4 times each way" in out
    code, out, _ = run("plan", "--polarisation", "0.1", "--paired", "0.2", "--json")
    assert json.loads(out)["plans"][0]["contacts"] == 10
    code, _, err = run("plan", "--polarisation", "1.5")
    assert (code, err.count("\n")) == (2, 1)


def test_what_is_not_in_the_files_is_said(run, tmp_path: Path) -> None:  # noqa: F811
    only = CURVES.where(CURVES.enantiomer == "R")
    file = files.wide(tmp_path / "w.csv", only)
    _, out, _ = run("measured", str(file), "--floor", "0.2 pA")
    assert "no claim of chirality is made" in out
    assert "which electrode was magnetic" in out


def test_a_comparison_is_an_ordinary_dataset(tmp_path: Path) -> None:
    ds = measured.compare(measured.example(), reference="0.5 V", bayes=True)
    assert ds["polarisation"].dims == ("mean", "hand", "bias")
    assert "relative" in ds["mean"].values
    path = tmp_path / "m.nc"
    from chirospin.base.results import load, save

    save(ds, path)
    with xr.open_dataset(path, engine="h5netcdf") as raw:
        assert raw.attrs["verdict"] == "chiral signal"
    assert load(path)["polarisation"].equals(ds["polarisation"])
    assert ds.chirospin.plot() is not None
    again = ds.chirospin.to("nA", "current")
    assert float(again["current"].max()) == pytest.approx(1e9 * float(ds["current"].max()))
    with pytest.raises(ModelError, match="reference"):
        measured.compare(measured.example(), reference="3 V")


def test_the_odd_parts_and_four_names_are_of_one_number() -> None:
    ds = measured.compare(measured.example())
    P = ds["polarisation"].sel(mean="geometric", hand="R").values
    up, down = (ds["mean_current"].sel(hand="R", state=s).values for s in ("up", "down"))
    usable = ds["usable"].values
    away = (up - down)[usable] / (up + down)[usable]
    assert P[usable] == pytest.approx(away)
    odd = (up - down - (up - down)[::-1]) / 2
    assert ds["current_difference_odd"].sel(hand="R").values == pytest.approx(odd)
