"""The report of a result: whole, alone, without a script, honest about a failed check."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.faces.cli import main
from chirospin.faces.report import report_page, reported, write_report

RESULTS = {
    "sweep": ["junction", "--over", "energy_b=0.4:1.4:5", "--method", "gksl,landauer"],
    "point": ["junction", "--set", "hubbard=1"],
    "profile": ["chiral_metal", "--over", "position=-1:1:7"],
    "map": ["junction", "--over", "energy_b=0.4,0.8", "--over", "twist=0.1:0.3:9"],
    "tensor": ["crystal"],
    "undefined": ["vibration", "--method", "exact,windowed"],
}


@pytest.fixture(scope="module", params=RESULTS)
def stored(request: Any, tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("report") / f"{request.param}.nc"
    assert main(["solve", *RESULTS[request.param], "--out", str(path)]) in (0, 1)
    return path


@pytest.fixture(scope="module")
def page(stored: Path) -> tuple[int, str]:
    """Exit code and text of the report, made once for each kind."""
    out = stored.with_suffix(".html")
    code = main(["report", str(stored), "--out", str(out)])
    assert not out.with_name(out.name + ".part").exists()
    return code, out.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Every tag closed in order, and what each refers to."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_kind_of_result_is_one_page_without_script(
    stored: Path, page: tuple[int, str]
) -> None:
    code, text = page
    assert code == int(not results.load(stored)["audit_passed"].all())
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert "script" not in tags.seen
    assert all(link.startswith("data:image/svg+xml;base64,") for link in tags.links)
    assert "@import" not in text
    assert "url(" not in text
    assert "drawing of " in text  # the model itself


def test_it_holds_parameters_audit_provenance_and_citations(
    stored: Path, page: tuple[int, str]
) -> None:
    ds, (_, text) = reported(stored), page
    for name in ds.attrs:
        if name.startswith("parameter_") and ds.attrs[name] != "null":
            assert f"<td>{name.removeprefix('parameter_')}</td>" in text
    for check in ds["check"].values:
        known = ds["audit_value"].sel(check=check).notnull().any()
        assert not known or f"<td>{check}</td>" in text
    for word in ("numpy", "created", "@software{chirospin", ds.attrs["references"].split(", ")[0]):
        assert word in text
    good = bool(ds["audit_passed"].all()) and bool(ds["converged"].all())
    assert ("Audit passed" in text) == good
    assert ("Audit FAILED" in text) != good


@pytest.mark.usefixtures("no_processes")
def test_the_store_of_a_sweep_is_a_result_too(tmp_path: Path) -> None:
    plan = tmp_path / "sweep.toml"
    plan.write_text('family = "junction"\n[grid]\nenergy_b = [0.4, 0.6, 0.8]\n')
    store, out = tmp_path / "store", tmp_path / "r.html"
    assert main(["sweep", str(plan), "--store", str(store)]) == 0
    assert main(["report", str(store), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "<td>energy_b</td><td><strong>0.4, 0.6, 0.8</strong></td>" in text
    assert "Audit passed" in text
    assert "<figure>" in text


def test_a_failed_check_is_loud(tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    assert main(["solve", "junction", "--method", "landauer", "--out", str(path)]) == 1
    text = report_page(reported(path), "x")
    assert "✗ Audit FAILED: 1 of 7 checks: interaction_left_out (landauer)" in text
    body = text.partition("<body>")[2]
    assert body.lstrip().startswith('<p class="verdict failed">')  # before anything else
    assert "Audit passed" not in text


def test_swept_and_changed_parameters_are_bold(tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    words = ["--set", "coupling_a=25 meV", "--over", "energy_b=0.4:0.8:5", "--out", str(path)]
    assert main(["solve", "junction", *words]) == 0
    text = report_page(reported(path), "x")
    assert re.search(r"<td>coupling_a</td><td><strong>0.025</strong></td><td>eV</td>", text)
    assert "<td>energy_b</td><td><strong>0.4 to 0.8, 5 values</strong></td>" in text
    assert "<td>coupling_b</td><td>0.1</td>" in text


def test_what_a_file_says_of_itself_is_text_not_markup(tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    assert main(["solve", "junction", "--out", str(path)]) == 0
    ds = reported(path)
    ds["reason"] = ds["reason"].copy(data="<script>alert(1)</script>")
    ds.attrs["provenance"] = '{"numpy": "<img src=x onerror=alert(1)>"}'
    text = report_page(ds, "<b>x</b>")
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "<b>x" not in text


def _garbage(folder: Path) -> Path:
    path = folder / "garbage.nc"
    path.write_bytes(b"not a result")
    return path


def _foreign(folder: Path) -> Path:
    import xarray as xr

    path = folder / "foreign.nc"
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(path, engine="h5netcdf")
    return path


def _of_no_family(folder: Path) -> Path:
    path = folder / "other.nc"
    assert main(["solve", "junction", "--out", str(path)]) == 0
    ds = results.load(path)
    ds.attrs["family"] = "junctoin"
    results.save(ds, path)
    return path


@pytest.mark.parametrize(
    ("source", "out", "line"),
    [
        (lambda f: f / "absent.nc", "r.html", "does not exist"),
        (_garbage, "r.html", "is not a readable result"),
        (_foreign, "r.html", "is not a chirospin result"),
        (_of_no_family, "r.html", "did you mean 'junction'"),
        (lambda f: f, "r.html", "must be a result (.nc or .zarr) or the store of a sweep"),
        (_garbage, "r.txt", "must end in .html"),
        (_garbage, "absent/r.html", "must be in a directory that exists"),
    ],
    ids=["absent", "garbage", "foreign", "family", "folder", "suffix", "place"],
)
def test_hard_input_is_one_line(
    source: Any, out: str, line: str, tmp_path: Path, capsys: Any
) -> None:
    path = source(tmp_path)
    capsys.readouterr()
    assert main(["report", str(path), "--out", str(tmp_path / out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert line in error
    assert not (tmp_path / out).exists()


def test_a_place_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    path = tmp_path / "x.nc"
    assert main(["solve", "junction", "--out", str(path)]) == 0
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    capsys.readouterr()
    assert main(["report", str(path), "--out", str(tmp_path / "r.html")]) == 2
    assert "must be in a directory that can be written" in capsys.readouterr().err


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    path, out = tmp_path / "x.nc", tmp_path / "r.html"
    assert main(["solve", "junction", "--out", str(path)]) == 0
    assert main(["report", str(path), "--out", str(out)]) == 0
    before = out.read_text()

    def fail(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ModelError, match="No space"):
        write_report(path, out)
    assert out.read_text() == before
    assert not list(tmp_path.glob("*.part"))
