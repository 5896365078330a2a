"""What holds in a result is written in its file, and the page says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr

import chirospin
from chirospin import (
    chiral_metal,
    crystal,
    junction,
    models,
    molecule,
    rashba,
    spinterface,
    vibration,
)
from chirospin.base.conventions import conventions, conventions_page
from chirospin.base.results import load, save

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
LONGEST = 2000  # characters: a header that one reads
SOLVED = {
    "junction": lambda: junction.solve(method=["mean-field", "landauer"], on_failure="record"),
    "chiral_metal": chiral_metal.solve,
    "vibration": vibration.solve,
    "spinterface": spinterface.solve,
    "crystal": lambda: crystal.solve(method=crystal.KGrid(points=8, tolerance=9)),
    "rashba": lambda: rashba.solve(method="closed-form"),
    "molecule": lambda: molecule.solve(
        molecule.Molecule(structure="h2co", functional="hf", basis="sto-3g", screening="none")
    ),
    "models": lambda: models.solve(models.EffectiveHelix(length=4)),
}


@pytest.mark.parametrize("family", chirospin.FAMILIES)
def test_a_file_carries_the_conventions_of_its_family(family: str, tmp_path: Path) -> None:
    path = tmp_path / "result.nc"
    save(SOLVED[family](), path)
    with xr.open_dataset(path, engine="h5netcdf") as raw:
        stamped = json.loads(raw.attrs["conventions"])
        assert len(raw.attrs["conventions"]) < LONGEST
    assert stamped == conventions(family) == load(path).chirospin.conventions
    assert set(conventions("")) < set(stamped)  # some that hold everywhere, some of its own


def test_the_page_says_what_the_files_say() -> None:
    """Written by ``python -m chirospin.base.conventions > docs/conventions.md``."""
    assert PAGE.read_text(encoding="utf-8") == conventions_page()


def test_conventions_name_what_the_code_does() -> None:
    """Signs that can be computed are: the two that a reader most often gets wrong."""
    ds = junction.solve(method="landauer")
    assert float(ds.mean_current) > 0  # filled left lead: electrons flow to the right
    split = vibration.Vibration(level_splitting=(0.0, 0.0, 1.0), spin_coupling=(0.0, 0.0, 0.0))
    assert float(vibration.solve(split).moment.sel(component="z")) < 0
    mirror = junction.solve(over={"handedness": [1, -1]}).spin_polarisation
    assert float(mirror.sum()) == pytest.approx(0, abs=1e-9)  # the enantiomer: P changes sign
