"""A family of another package: the one that docs/extending.md builds, installed for the test."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chirospin.studies
from chirospin import chiral_metal, junction
from chirospin.base import families
from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.faces.cli import main
from chirospin.studies import registry
from tests.packages import dist_info, forget, install, packages_may_come
from tests.test_pages import DOCS, blocks

PAGE = DOCS / "extending.md"


def written(folder: Path) -> Path:
    """The package of the page."""
    for block in blocks(PAGE):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
    return folder / "wire"


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with packages_may_come(monkeypatch):
        install(written(tmp_path), monkeypatch)
        monkeypatch.chdir(tmp_path)
        import wire

        yield wire


def line(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    found = main(list(words))
    out, err = capsys.readouterr()
    assert found == code, err
    return out, err


def test_every_command_knows_the_family(wire: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert "wire.relaxing" in line(capsys, "describe")[0]
    assert "relaxation_length" in line(capsys, "describe", "wire.relaxing")[0]
    line(capsys, "solve", "wire", "--over", "spin_orbit=0.1:0.3:3", "--out", "a.nc")
    facts = json.loads(line(capsys, "audit", "a.nc", "--json")[0])
    assert {one["name"] for one in facts["audit"]} >= {"recomputed", "mirror", "length"}
    line(capsys, "report", "a.nc", "--out", "a.html")
    assert "Applied Physics Letters" in Path("a.html").read_text()
    assert "datta_das_1990" in line(capsys, "cite", "a.nc")[0]
    assert "datta_das_1990" in line(capsys, "cite", "wire")[0]
    assert "wire" in line(capsys, "about")[0]
    assert "mirror" in line(capsys, "audit", "wire")[0]
    assert "did you mean" in line(capsys, "describe", "wyre", code=2)[1]


def test_a_result_says_which_package_made_it(wire: Any) -> None:
    ds = wire.solve(wire.Wire())
    assert json.loads(ds.attrs["provenance"])["wire"] == "0.1"
    conventions = json.loads(ds.attrs["conventions"])
    assert conventions["turn"].startswith("counter-clockwise")
    assert "units" in conventions
    assert "wire" not in json.loads(junction.solve(method="landauer").attrs["provenance"])


def test_sweeps_in_processes(wire: Any, tmp_path: Path) -> None:
    values = np.linspace(0.1, 0.4, 4)
    swept = wire.sweep(wire.Wire(), tmp_path / "a", over={"spin_orbit": values}, workers=2, chunk=2)
    solved = wire.solve(wire.Wire(), over={"spin_orbit": values})
    np.testing.assert_allclose(swept.spin, solved.spin, atol=1e-14)
    assert swept.converged.all()


@pytest.mark.usefixtures("no_processes")
def test_sweeps_from_files(wire: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.toml").write_text('family = "wire"\n[grid]\nspin_orbit = [0.1, 0.2]\n')
    line(capsys, "sweep", "b.toml", "--workers", "1")
    line(capsys, "audit", "b.sweep")
    line(capsys, "status", "b.sweep")


def test_the_page_offers_it_and_its_snippet_runs(wire: Any) -> None:
    from chirospin.faces.web.controls import family_options
    from chirospin.faces.web.question import Question, snippet

    assert "wire.relaxing" in {option["value"] for option in family_options()}
    question = Question(problem="wire", observable="spin", methods=("stepwise",), view="point")
    code = snippet(question)
    assert "import wire as wire" in code
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["ds"].converged


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({}, "but is a dict"),
        ({"hubbard": 3}, "but is a dict"),
        (chiral_metal.ChiralMetal(), "but is a ChiralMetal of chiral_metal"),
        (junction.Junction, "but is the class Junction itself; call it"),
    ],
)
def test_what_is_no_model_of_the_family_is_told(model: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        junction.solve(model)
    with pytest.raises(ModelError, match=said):
        junction.sweep(model, tmp_path / "a", over={"energy_b": [0.4]})


def test_a_foreign_model_is_told(wire: Any) -> None:
    with pytest.raises(ModelError, match="but is a Wire"):
        junction.solve(wire.Wire())
    with pytest.raises(ModelError, match=r"model of wire \(Wire, RelaxingWire\)"):
        wire.solve(junction.Junction())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('broken = "nowhere:FAMILY"', "Family `broken` of bad 1.0 cannot be loaded"),
        ('broken = "json:dumps"', "Entry point `broken` of bad 1.0 must be a Family"),
        ('junction = "json:dumps"', "Family `junction` is offered by chirospin and bad 1.0"),
    ],
)
def test_a_broken_package_is_told_and_stops_nothing_else(
    entry: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    project = (
        '[project]\nname = "bad"\nversion = "1.0"\n[project.entry-points."chirospin.families"]\n'
    )
    (tmp_path / "pyproject.toml").write_text(project + entry + "\n")
    name = entry.partition(" ")[0]
    with packages_may_come(monkeypatch):
        dist_info(tmp_path)
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        forget()
        assert said in line(capsys, "describe", name, code=2)[1]
        with pytest.warns(UserWarning, match=said.replace("(", r"\(")):
            assert "vibration" in {family.name for family in families.installed()}
    assert families.family("junction") is junction.FAMILY


def test_a_study_of_the_package_is_reproduced(
    wire: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert registry.keys()[-1] == "datta_das_1990"
    assert "datta_das_1990" in registry.keys(of_papers=True)
    assert "datta_das_1990" not in registry.keys(of_papers=False)
    out, _ = line(capsys, "reproduce", "datta_das_1990", "--out", "results")
    assert "1 reproduced, 1 erratum shown" in out
    assert Path("results/datta_das_1990/figure-1.png").exists()
    assert "did you mean" in line(capsys, "reproduce", "datta_das_1991", code=2)[1]


def test_a_study_that_cannot_be_read_is_one_line(
    wire: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = families.offered(registry.GROUP)["datta_das_1990"][0]
    cases = {
        "wire.nothing": "cannot be loaded: ModuleNotFoundError",
        "wire:Wire": "must be the module of a study",
    }
    for value, words in cases.items():
        broken = {"elsewhere": [type(point)("elsewhere", value, registry.GROUP)]}
        monkeypatch.setattr(registry, "offered", lambda _group, b=broken: b)
        registry.study.cache_clear()
        assert words in line(capsys, "reproduce", "elsewhere", code=2)[1]
    taken = {"yoshimi_2026": [point]}
    monkeypatch.setattr(registry, "offered", lambda _group: taken)
    registry.study.cache_clear()
    said = line(capsys, "reproduce", "yoshimi_2026", code=2)[1]
    assert "is offered by chirospin and wire 0.1; uninstall one" in said


def test_a_figure_that_moved_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownNameError, match="see the study interface_spin_sign"):
        registry.study("yoshimi_2026").figure("sign-map")
    with pytest.raises(AttributeError, match=r"is now chirospin\.studies\.papers\.yoshimi_2026"):
        chirospin.studies.yoshimi_2026  # noqa: B018
