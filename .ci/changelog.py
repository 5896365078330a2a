"""docs/changelog.md from the fragments in changes/: ``python .ci/changelog.py``.

A fragment is ``changes/<name>.<kind>.md``. A release moves them to ``changes/released/<version>/``.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = {
    "physics": "Numbers that move, or that differ from print",
    "feature": "New",
    "change": "Changed",
    "fix": "Mended",
    "doc": "Documentation",
}


def fragments(folder: Path) -> dict[str, dict[str, str]]:
    """Texts by kind and name.

    Raises
    ------
    ValueError : a file that is not NAME.KIND.md, or an empty one
    """
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for path in sorted(folder.glob("*.md")):
        name, _, kind = path.stem.rpartition(".")
        text = path.read_text(encoding="utf-8").strip()
        if kind not in KINDS or not name or not text:
            raise ValueError(
                f"{path.name} must be NAME.KIND.md with text, KIND one of {', '.join(KINDS)}"
            )
        found[kind][name] = text
    return found


def section(title: str, folder: Path) -> list[str]:
    """One version."""
    lines = [f"## {title}", ""]
    for kind, texts in fragments(folder).items():
        if texts:
            lines += [f"### {KINDS[kind]}", ""]
            lines += ["- " + text.replace("\n", "\n  ") for text in texts.values()] + [""]
    return lines


def page(root: Path) -> str:
    """The whole changelog, the newest version first."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["tool"]["hatch"]["version"]["fallback-version"]
    lines = [
        "# Changelog",
        "",
        "One fragment a change, in `changes/`; `make changelog` builds this page.",
        "",
    ]
    lines += section(f"{version}, unreleased", root / "changes")
    released = sorted((root / "changes" / "released").glob("*"), key=_order, reverse=True)
    for folder in released:
        lines += section(folder.name, folder)
    return "\n".join(lines).rstrip() + "\n"


def _order(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split(".") if part.isdigit())


if __name__ == "__main__":
    try:
        text = page(ROOT)
    except ValueError as error:
        sys.exit(str(error))
    (ROOT / "docs" / "changelog.md").write_text(text, encoding="utf-8")
