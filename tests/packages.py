"""A package on disk as an editable install leaves it: on the path, with its entry points in a dist-info."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chirospin.base import citations, families
from chirospin.studies import registry


def dist_info(folder: Path) -> str:
    """Write the dist-info of the project in a folder next to its package; the name of the package."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    head = ("Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}")
    (info / "METADATA").write_text("\n".join((*head, "")), encoding="utf-8")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {at}" for name, at in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join((*lines, "")), encoding="utf-8")
    return str(project["name"])


def forget() -> None:
    """Look for families anew."""
    families.offered.cache_clear()
    families._loaded.cache_clear()
    citations.bibliography.cache_clear()
    registry.study.cache_clear()


@contextmanager
def packages_may_come(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is installed inside is gone after."""
    before = set(sys.modules)
    try:
        yield
    finally:
        monkeypatch.undo()
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "wire":
                del sys.modules[name]
        forget()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the project in a folder for this process and for those that it starts."""
    folder = folder.resolve()
    dist_info(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    forget()
