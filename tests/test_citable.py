"""Citation files, licence, changelog and recipe say the same as the package."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import chirospin
from chirospin.base.citations import bibliography
from chirospin.studies import registry

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_version_and_one_licence_everywhere() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    versions = PYPROJECT["tool"]["hatch"]["version"]
    assert versions["source"] == "vcs"
    assert versions["fallback-version"] == str(cff["version"]) == zenodo["version"]
    assert chirospin.__version__ == version("chirospin")
    assert PROJECT["license"] == cff["license"] == zenodo["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause")
    assert cff["title"] == zenodo["title"]
    assert cff["keywords"] == zenodo["keywords"]


def test_every_paper_is_among_the_references() -> None:
    assert set(registry.keys(of_papers=True)) <= bibliography().keys()
    assert (ROOT / "CITATION.cff").read_text() == script("citation").cited(), "make citation"


def test_the_changelog_knows_its_kinds(tmp_path: Path) -> None:
    changelog = script("changelog")
    text = changelog.page(ROOT)
    for path in (ROOT / "changes").glob("*.md"):
        first = path.read_text().split("\n")[0]
        assert first in text, path.name
    (tmp_path / "a.physic.md").write_text("P moved")
    with pytest.raises(ValueError, match="KIND"):
        changelog.fragments(tmp_path)


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    recipe = (ROOT / "recipe" / "recipe.yaml").read_text()
    for need in PROJECT["dependencies"]:
        name, floor = need.split(">=")
        name = {"matplotlib": "matplotlib-base"}.get(name, name)
        assert f"- {name} >={floor}\n" in recipe, need
    assert f"- python {PROJECT['requires-python']}\n" in recipe
    parsed = yaml.safe_load(recipe.replace("${{", "").replace("}}", ""))
    assert parsed["context"]["version"] == PYPROJECT["tool"]["hatch"]["version"]["fallback-version"]
    for need in PYPROJECT["build-system"]["requires"]:
        assert need.replace(">=", " >=") in parsed["requirements"]["host"]
    assert parsed["about"]["summary"] == PROJECT["description"]
    assert parsed["about"]["license"] == PROJECT["license"]
