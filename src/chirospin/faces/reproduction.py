"""A study recomputed: figures, data and claims on disk, the claim table on the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from chirospin.base.errors import ModelError
from chirospin.base.figures import draw, save_figure
from chirospin.base.results import provenance, save
from chirospin.faces.progress import progress
from chirospin.faces.text import table
from chirospin.studies.registry import Study, Verdict


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What ``chirospin reproduce`` prints and whether every claim holds."""

    text: str
    facts: dict[str, Any]
    all_hold: bool


def reproduce_study(
    study: Study, names: Sequence[str], out: Path, workers: int, quiet: bool
) -> Reproduction:
    """Compute the figures named (all if none), write them, judge the claims that need no others."""
    chosen = [study.figure(name) for name in names] or list(study.figures)
    folder = out / study.key
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Option --out must be a directory that can be written, but is `{out}`: "
            f"{error.strerror}"
        ) from None
    data: dict[str, dict[str, xr.Dataset]] = {}
    written: list[Path] = []
    for figure in chosen:
        with progress(f"{study.key} {figure.name}", quiet) as report:
            data[figure.name] = figure.compute(workers, report)
        for key, ds in data[figure.name].items():
            suffix = "" if len(data[figure.name]) == 1 else f"-{key.replace(' ', '-')}"
            written.append(folder / f"{figure.name}{suffix}.nc")
            save(ds, written[-1])
        if figure.plot is not None:
            drawn = draw(figure.plot, data[figure.name])
            for kind in (".png", ".pdf"):
                written.append(folder / f"{figure.name}{kind}")
                save_figure(drawn, written[-1])
    verdicts = [claim.verdict(data) for claim in study.claims if set(claim.needs) <= data.keys()]
    facts = _facts(study, verdicts, written)
    for path, content in (
        (folder / "claims.json", json.dumps(facts, indent=2)),
        (folder / "claims.md", markdown(study, verdicts)),
    ):
        path.write_text(content + "\n", encoding="utf-8")
        written.append(path)
    pictures = [path for path in written if path.suffix == ".png"]
    return Reproduction(
        text=_text(study, verdicts, pictures, folder, len(written)),
        facts=facts,
        all_hold=all(v.finding.holds for v in verdicts),
    )


def _facts(study: Study, verdicts: Sequence[Verdict], written: Sequence[Path]) -> dict[str, Any]:
    return {
        "study": study.key,
        "title": study.title,
        "files": [str(path) for path in written],
        "claims": [
            {
                "name": v.claim.name,
                "where": v.claim.where,
                "text": v.claim.text,
                "kind": v.claim.kind,
                "source": v.claim.source,
                "published": v.finding.published,
                "ours": v.finding.ours,
                "verdict": v.word,
            }
            for v in verdicts
        ],
        "provenance": provenance(),
    }


def _text(
    study: Study, verdicts: Sequence[Verdict], pictures: Sequence[Path], folder: Path, files: int
) -> str:
    rows = [[v.word, v.claim.where, v.claim.text] for v in verdicts]
    lines = [f"{study.key}: {study.title}", "", table(rows, ["verdict", "where", "claim"]), ""]
    for v in verdicts:
        lines += [
            f"  {v.claim.name}",
            f"    published  {v.finding.published}",
            f"    computed   {v.finding.ours}",
        ]
    counts = {
        word: sum(v.word == word for v in verdicts)
        for word in dict.fromkeys(v.word for v in verdicts)
    }
    lines += ["", "claims: " + ", ".join(f"{n} {word}" for word, n in counts.items())]
    lines += [f"figure  {path}" for path in pictures]
    lines += [
        f"{files} files in {folder}: figures (PNG, PDF), data (netCDF), claims (JSON, Markdown)"
    ]
    return "\n".join(lines)


def markdown(study: Study, verdicts: Sequence[Verdict]) -> str:
    """The claim table for a page."""
    lines = [
        f"# {study.title}",
        "",
        f"Study `{study.key}`.",
        "",
        "| verdict | where | claim | published | computed |",
        "|---|---|---|---|---|",
    ]
    lines += [
        "| "
        + " | ".join(
            cell.replace("|", "\\|")
            for cell in (v.word, v.claim.where, v.claim.text, v.finding.published, v.finding.ours)
        )
        + " |"
        for v in verdicts
    ]
    return "\n".join(lines)
