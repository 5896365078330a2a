"""`chirospin bound` and `chirospin fit`: what a stranger types, what is written, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from benchmarks.measured_sets import made

from chirospin import chiral_metal
from chirospin.base.errors import ModelError
from chirospin.base.results import save
from chirospin.faces.web.upload import Comparing
from chirospin.measured.comparison import compare
from chirospin.measured.example import example
from chirospin.measured.reading import read
from tests.faces import measured_files as files
from tests.faces.test_command_line import run  # noqa: F401

QUICK = ("--starts", "3", "--screen", "4", "--evaluations", "8")
FIT = ("--mechanism", "barrier.null,barrier.factor", "--live", "20")


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compared and stored."""
    path = tmp_path_factory.mktemp("inference") / "m.nc"
    save(compare(example()), path)
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curves without any effect."""
    path = tmp_path_factory.mktemp("noise")
    truth = replace(files.TRUTH, polarisation=0.0, contacts=24, curves=1, enantiomers=("R",))
    files.wide(path / "w.csv", made(truth, 3))
    ds = read([path / "w.csv"], noise_floor="0.1 pA")
    save(compare(ds), path / "n.nc")
    return path / "n.nc"


@pytest.fixture(scope="module")
def fitted(noise: Path) -> Path:
    """A fit of noise, stored, with what was printed beside it."""
    from chirospin.faces.cli import main

    out = noise.with_name("f.nc")
    store = noise.with_name("store")
    said = ["fit", str(noise), *FIT, "--store", str(store)]
    assert main([*said, "--out", str(out), "--plot", str(out.with_suffix(".png"))]) == 0
    return out


def test_a_bound_is_compared_with_curves(run, curves: Path) -> None:  # noqa: F811
    line = ("bound", str(curves), "--mechanism", "junction", "--vary", "coupling=0.1:0.5:log")
    code, out, err = run(*line, *QUICK, "--json")
    facts = json.loads(out)
    assert facts["fixed"]["lead_polarisation"]["value"] == 0.4
    assert facts["measured"]["kind"] == "shape"
    assert facts["measured"]["bias"] == 1.0
    assert 0.4 < facts["measured"]["low"] < facts["measured"]["high"] < 0.6
    assert facts["largest"] < 0.1
    if facts["complete"]:
        assert (code, facts["verdict"]) == (0, "cannot explain within these bounds")
    else:
        assert (code, facts["verdict"]) == (1, "search incomplete")
        assert "agreement FAILED" in err


def test_too_few_searches_are_a_lower_bound_and_no_verdict(run, curves: Path) -> None:  # noqa: F811
    """The control: one search cannot agree with another."""
    line = ("bound", str(curves), "--mechanism", "junction", "--vary", "coupling=0.1:0.5:log")
    code, out, err = run(*line, "--starts", "1", "--screen", "0", "--evaluations", "3")
    assert code == 1
    assert "largest |P| found: at least" in out
    assert "verdict: search incomplete" in out
    assert "agreement FAILED: 1 of 1" in err


def test_noise_does_not_distinguish(fitted: Path) -> None:
    ds = xr.open_dataset(fitted, engine="h5netcdf")
    assert ds.attrs["verdict"] == "the data do not distinguish"
    assert fitted.with_suffix(".png").stat().st_size > 10_000


def test_a_finished_run_is_not_run_again(run, noise: Path, fitted: Path, monkeypatch) -> None:  # noqa: F811
    import dynesty

    def refused(*_arguments: object, **_named: object) -> None:
        raise AssertionError("sampled again")

    monkeypatch.setattr(dynesty, "NestedSampler", refused)
    store = fitted.with_name("store")
    line = ("fit", str(noise), *FIT, "--store", str(store))
    code, out, _ = run(*line)
    assert code == 0
    assert "verdict: the data do not distinguish barrier.null, barrier.factor" in out
    with pytest.raises(AssertionError, match="sampled again"):
        run(*line, "--seed", "1")


def test_a_fit_is_reported_and_cited(run, fitted: Path) -> None:  # noqa: F811
    page = fitted.with_suffix(".html")
    assert run("report", str(fitted), "--out", str(page))[0] == 0
    text = page.read_text()
    assert "the data do not distinguish" in text
    assert "<figure>" in text
    code, out, _ = run("cite", str(fitted))
    assert code == 0
    assert "skilling_2006" in out


def answered(*sent: tuple[str, bytes]) -> str:
    """What the page of measured curves answers to files."""
    pages: list[object] = []
    Comparing(files=sent, settings={}).run(lambda kind, page: pages.append(page))
    return str(pages[0])


def test_the_page_shows_a_stored_fit(fitted: Path) -> None:
    page = answered(("f.nc", fitted.read_bytes()))
    assert "the data do not distinguish" in page
    assert "<figure>" in page
    assert "<script" not in page
    with pytest.raises(ModelError, match="shown alone"):
        answered(("f.nc", fitted.read_bytes()), ("g.nc", b""))
    with pytest.raises(ModelError, match="not a readable result"):
        answered(("f.nc", fitted.read_bytes()[:2000]))
    save(chiral_metal.solve(chiral_metal.ChiralMetal()), fitted.with_name("other.nc"))
    with pytest.raises(ModelError, match="holds "):
        answered(("o.nc", fitted.with_name("other.nc").read_bytes()))


def test_posteriors_are_read_by_another_library(fitted: Path) -> None:
    """In a process of its own: the library warns when it is imported."""
    path = fitted.with_name("f.barrier.factor.nc")
    code = (
        "import warnings; warnings.simplefilter('ignore'); import arviz; "
        f"d = arviz.from_netcdf({str(path)!r}); s = arviz.summary(d, var_names=['factor']); "
        "print(sorted(d.groups())); print(float(s['mean'].iloc[0]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    groups, mean = out.stdout.strip().splitlines()
    assert {"posterior", "prior", "observed_data", "posterior_predictive"} <= set(eval(groups))
    facts = json.loads(xr.open_dataset(fitted, engine="h5netcdf").attrs["facts"])
    own = facts["mechanisms"]["barrier.factor"]["parameters"]["factor"]
    assert own["interval_95"][0] < float(mean) < own["interval_95"][1]


REFUSED = {
    "no mechanism of that name": ("fit", "M", "--mechanism", "level.drives"),
    "a mechanism without currents": ("fit", "M", "--mechanism", "vibration"),
    "a mechanism without a bias": ("fit", "M", "--mechanism", "junction"),
    "a mechanism twice": ("fit", "M", "--mechanism", "level,level.null"),
    "no such enantiomer": ("fit", "M", "--enantiomer", "Q"),
    "a temperature without unit": ("fit", "M", "--temperature", "300"),
    "live points": ("fit", "M", "--live", "1"),
    "few truths": ("fit", "M", "--calibrate", "3"),
    "no workers": ("fit", "M", "--workers", "0"),
    "a bound without currents": ("bound", "M", "--mechanism", "spinterface.contact"),
    "bounds reversed": ("bound", "M", "--mechanism", "junction", "--vary", "hubbard=8:1"),
    "a unit that does not fit": ("bound", "M", "--mechanism", "junction", "--vary", "hubbard=1 V/m:2 V/m"),
    "a limit in another unit": ("bound", "M", "--mechanism", "junction", "--limit", "mean_current=1 K:2 K"),
    "a limit reversed": ("bound", "M", "--mechanism", "junction", "--limit", "mean_current=2:1"),
    "a factor below one": ("bound", "M", "--mechanism", "junction", "--within", "0.5"),
    "a factor without curves": ("bound", "--mechanism", "junction", "--within", "3"),
    "unknown atoms": ("bound", "--mechanism", "junction", "--atoms", "lead"),
    "no searches": ("bound", "--mechanism", "junction", "--starts", "0"),
    "no result": ("bound", "curves.csv", "--mechanism", "junction"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_bad_input_is_one_line(run, curves: Path, why: str) -> None:  # noqa: F811
    code, out, err = run(*(str(curves) if word == "M" else word for word in REFUSED[why]))
    assert code == 2, err
    assert out == ""
    assert err.startswith("chirospin: ")
    assert err.count("\n") == 1


def test_too_few_contacts_are_refused(run, tmp_path: Path) -> None:  # noqa: F811
    ds = example()
    numbers = np.array([int(c) for c in ds.contact.values])
    few = ds.isel(curve=(ds.enantiomer.values == "R") & (numbers < np.sort(np.unique(numbers))[7]))
    save(compare(few), tmp_path / "few.nc")
    code, _, err = run("fit", str(tmp_path / "few.nc"), "--mechanism", "barrier.null")
    assert code == 2
    assert "contacts" in err
    assert err.count("\n") == 1
