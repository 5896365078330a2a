"""What a user of the shell meets first: names, widths, samples, pictures of what is stored, Ctrl-C."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import chirospin
from chirospin import junction, models
from chirospin.base import extras, results
from chirospin.base.families import family
from chirospin.base.figures import Panel, Plot, sketch
from chirospin.faces import text
from chirospin.faces.reproduction import reproduce_study
from chirospin.faces.sample_sweep import sample_sweep
from chirospin.faces.sweeping import definition_from
from chirospin.points.design import designed, distribution
from chirospin.studies import registry
from tests.faces.test_command_line import run as line  # noqa: F401

HEAVY = (
    "xarray",
    "pandas",
    "matplotlib",
    "plotly",
    "pint",
    "scipy.special",
    "scipy.linalg",
    "scipy.sparse",
    "scipy.optimize",
    "scipy.interpolate",
)
"""Packages that take longer to import than all else, which a description does not need."""
START = f"""
import contextlib, io, sys
from chirospin.faces import cli

with contextlib.redirect_stdout(io.StringIO()):
    cli.describe(), cli.describe("junction.bias"), cli.about()
print([name for name in {HEAVY} if name in sys.modules])
from chirospin import junction
found = junction.solve(junction.Junction(molecules=1, hubbard=0.0), "landauer")
print([name for name in {HEAVY[:2]} if name in sys.modules], bool(found.chirospin.audit.audit_passed.all()))
"""
FREE = junction.Junction(hubbard=0.0)
LOG = np.geomspace(0.01, 0.1, 4)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep of two methods."""
    place = tmp_path_factory.mktemp("manners") / "a.sweep"
    over = {"spin_orbit": LOG, "energy_b": [0.4, 0.8]}
    junction.sweep(FREE, place, ["landauer", "mean-field"], over=over, observables=["current"])
    return place


def test_a_store_opens_with_its_accessor(store: Path) -> None:
    """In a process that has imported nothing but xarray."""
    code = (
        f"import xarray; ds = xarray.open_dataset({str(store)!r}, engine='chirospin');"
        "print(ds.chirospin.audit.sizes['solved_by'], ds.sel(solved_by='mean-field').sizes['energy_b'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "2"]


def test_files_of_an_earlier_package_are_read(tmp_path: Path) -> None:
    ds = junction.solve(FREE, ["landauer", "mean-field"], observables=["current"])
    results.save(
        ds.rename(solved_by="method").assign_attrs(chirospin_schema=1), tmp_path / "old.nc"
    )
    opened = xr.open_dataset(tmp_path / "old.nc", engine="chirospin")
    xr.testing.assert_identical(opened.current, ds.current)


def test_a_store_is_drawn(
    store: Path,
    tmp_path: Path,
    line: Any,  # noqa: F811
) -> None:
    picture = tmp_path / "a.svg"
    code, out, err = line("plot", str(store), "--out", str(picture), "--unit", "nA")
    assert (code, err) == (0, "")
    assert out == f"wrote {picture}\n"
    assert "<svg" in picture.read_text()
    code, _, err = line("plot", str(store), "--out", str(picture), "--quantity", "curent")
    assert (code, err.count("\n")) == (2, 1)
    assert line("plot", str(tmp_path / "no.nc"), "--out", str(picture))[0] == 2


def test_even_ratios_stand_evenly_and_legends_name_their_symbol(store: Path) -> None:
    ds = xr.open_dataset(store, engine="chirospin").sel(solved_by="landauer", drop=True)
    (axes,) = sketch(ds, "current", "spin_orbit").axes
    assert axes.get_xscale() == "log"
    words = (
        [entry.get_text() for entry in axes.figure.legends[0].get_texts()]
        if (axes.figure.legends)
        else [entry.get_text() for entry in axes.get_legend().get_texts()]
    )
    assert any(r"$\epsilon_b=0.4$ eV" in entry for entry in words), words
    (axes,) = sketch(ds, "current", "energy_b").axes
    assert axes.get_xscale() == "linear"  # the control: even steps


def test_points_without_a_grid_are_drawn_over_their_parameters() -> None:
    info = FREE.parameter_info
    laws = {
        "spin_orbit": distribution(info("spin_orbit"), "log-uniform", [0.001, 0.1]),
        "energy_b": distribution(info("energy_b"), "uniform", [0.4, 1.4]),
    }
    design = designed(FREE, distributions=laws, kind="random", samples=30, seed=1)
    columns = design.points(0, 30)
    ds = xr.Dataset(
        {"spin_polarisation": ("point", np.ones(30), {"units": "1"})},
        {name: ("point", values, {"units": "eV"}) for name, values in columns.items()},
        {"quantity": "spin_polarisation"},
    )
    axes, bar = sketch(ds, x="spin_orbit").axes
    assert (axes.get_xscale(), bar.get_ylabel()) == ("log", "energy b (eV)")
    assert sketch(ds, x="energy_b").axes[0].get_xscale() == "linear"


def test_a_table_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "a sentence that says at some length what a number means to its reader"
    rows = [["x" * 12, *(f"{n}.000001" for n in range(12)), words] for _ in range(3)]
    head = ["name", *(f"column{n}" for n in range(12)), "meaning"]
    free = text.table(rows, head).splitlines()
    assert len(free) == 4  # of a pipe: a row a line
    for width in (40, 80, 120):
        monkeypatch.setattr(text, "line_width", lambda width=width: width)
        shown = text.table(rows, head)
        assert max(map(len, shown.splitlines())) <= width
        assert set(words.split()) <= set(shown.split())
        assert set(itertools.chain(*rows[:1])) - {words} <= set(shown.split())


def test_a_transient_is_a_short_table_with_units(line: Any) -> None:  # noqa: F811
    free = ["--set", "molecules=1", "--set", "hubbard=0"]
    code, out, _ = line("solve", "junction.transient", *free)
    head = next(row for row in out.splitlines() if "spin_polarisation" in row)
    assert code == 0
    assert head.split("  ")[1] == "time (1/eV)"
    assert "electrons up" in head
    assert len(out.splitlines()) < 45


@pytest.mark.parametrize(
    "path", [p.path for name in chirospin.FAMILIES for p in family(name).problems]
)
def test_models_have_one_name_in_the_shell_and_one_in_python(path: str) -> None:
    owner, _, name = path.partition(".")
    problem = family(owner).problem(name or None)
    kind = getattr(getattr(chirospin, owner), problem.model.__name__)
    assert kind is problem.model
    assert problem.in_python in text.described_text(family(owner))
    assert family(owner).problem(kind.__name__) is problem


def test_what_is_no_model_is_told_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"is a dict; write junction\.Junction\(\*\*parameters\)"):
        junction.solve({"hubbard": 3})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"write junction\.BiasedJunction\(\)"):
        junction.solve("junction.bias")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"write models\.Helicene\(\)"):
        models.solve("helicene")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["junction", "rashba", "models.helicene", "crystal"])
def test_a_sample_of_a_sweep_is_one(path: str, tmp_path: Path) -> None:
    owner, _, name = path.partition(".")
    file = tmp_path / "a.toml"
    file.write_text(sample_sweep(family(owner).problem(name or None)))
    definition, _, _ = definition_from(file)
    assert (definition.problem.path, definition.design.size) == (path, 15)


def test_a_sample_is_written_once(tmp_path: Path, line: Any, monkeypatch: Any) -> None:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    assert line("sweep", "--example", "junction")[0] == 0
    assert "chirospin sweep" in (tmp_path / "junction.toml").read_text()
    code, _, err = line("sweep", "--example", "junction")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = line("sweep")
    assert (code, err.count("\n")) == (2, 1)
    assert "--example" in err


def _heeding_ctrl_c() -> None:
    """A job in the background of a shell ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name != "posix", reason="a group of processes")
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "scan.toml").write_text(
        'family = "junction"\nmethod = "landauer"\nchunk = 1\n[grid]\nenergy_b = "0.4:1.4:2000"\n'
    )
    command = [sys.executable, "-m", "chirospin", "sweep", "scan.toml", "--workers", "1"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=-1,
        stderr=-1,
        text=True,
        start_new_session=True,
        preexec_fn=_heeding_ctrl_c,
    ) as sweep:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("scan.sweep/shards/*.nc")):
            assert sweep.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(sweep.pid, signal.SIGINT)
        _, err = sweep.communicate(timeout=60)
    (said,) = err.splitlines()
    assert sweep.returncode == 130
    kept = len(list(tmp_path.glob("scan.sweep/shards/*.nc")))
    assert f"{kept} of 2000 points are kept in scan.sweep; the same command goes on" in said


def test_a_missing_package_is_named_as_an_index_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "requires", lambda _: ["dash>=4.0; extra == 'web'", "numpy>=2"])
    assert extras.installing("web") == "pip install 'dash>=4.0'"


@pytest.mark.parametrize("name", ["table-2", "figure-2"])
def test_a_table_of_a_paper_does_not_promise_figures(name: str, tmp_path: Path) -> None:
    study = registry.study("nozaki_fujita_2026")
    ds = junction.solve(FREE, "landauer", over={"energy_b": [0.4, 0.8]})
    figure = replace(study.figure(name), compute=lambda _workers, _report: {"a": ds})
    if figure.plot is not None:
        panel = Panel(source="a", x="energy_b", y="spin_polarisation")
        figure = replace(figure, plot=Plot(panels=(panel,)))
    short = replace(study, figures=(figure,), claims=())
    text = reproduce_study(short, [name], tmp_path, 1, quiet=True).text
    assert (
        ("figures (PNG, PDF)" in text)
        == bool(list(tmp_path.glob("*/*.png")))
        == (name != "table-2")
    )


def test_a_description_needs_none_of_the_heavy_packages() -> None:
    """The control: a solve in the same process does, and its result has the accessor."""
    told = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    light, solved = told.stdout.splitlines()
    assert light == "[]"
    assert solved == "['xarray', 'pandas'] True"
