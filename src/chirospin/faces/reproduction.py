"""A study recomputed: figures, data and claims on disk, the claim table on the terminal."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

import xarray as xr

from chirospin.base.errors import ModelError
from chirospin.base.figures import draw, save_figure
from chirospin.base.results import provenance, save
from chirospin.base.sealed import refuse_foreign, written_whole
from chirospin.base.stored import stored_model
from chirospin.faces.arguments import problem
from chirospin.faces.progress import progress
from chirospin.faces.text import table
from chirospin.points.tally import failing
from chirospin.studies.registry import Figure, Study, Verdict, counted

LONGEST = 60  # characters of a value in a sentence


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What ``chirospin reproduce`` prints.

    Parameters
    ----------
    as_declared : every verdict is the one that the study declares, and every check behind it holds
    """

    text: str
    facts: dict[str, Any]
    as_declared: bool


def reproduce_study(
    study: Study, names: Sequence[str], out: Path, workers: int, *, quiet: bool
) -> Reproduction:
    """Compute the figures named (all if none), write them, judge the claims that need no others."""
    started = time.perf_counter()
    chosen = [study.figure(name) for name in names] or list(study.figures)
    folder = out / study.key
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Option --out must be a directory that can be written, but is `{out}`: "
            f"{error.strerror}"
        ) from None
    _make_room(study, folder)
    data: dict[str, dict[str, xr.Dataset]] = {}
    written: list[Path] = []
    for figure in chosen:
        with progress(f"{study.key} {figure.name}", quiet=quiet) as report:
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
    doubts = [line for figure in chosen for line in failed_checks(figure, data[figure.name])]
    facts = _facts(study, verdicts, written) | {
        "figures": [figure_facts(figure, data[figure.name]) for figure in chosen],
        "checks": doubts,
        "seconds": time.perf_counter() - started,
        "sources": sources(),
    }
    for path, content in (
        (folder / "claims.json", json.dumps(facts, indent=2)),
        (folder / "claims.md", markdown(study, verdicts)),
    ):
        written_whole(path, (content + "\n").encode())
        written.append(path)
    pictures = [path for path in written if path.suffix == ".png"]
    return Reproduction(
        text="\n".join([_text(study, verdicts, pictures, folder, len(written)), *doubts]),
        facts=facts,
        as_declared=not doubts and all(v.declared for v in verdicts),
    )


def _make_room(study: Study, folder: Path) -> None:
    """What an earlier run says it wrote may be replaced; claims of anything else may not.

    Raises
    ------
    ModelError : claims.json or claims.md is there and not of this study
    """
    record, page = folder / "claims.json", folder / "claims.md"
    if page.exists() and f"Study `{study.key}`." not in page.read_text("utf-8", "replace"):
        refuse_foreign(page)
    if not record.exists():
        return
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        known = facts["study"] == study.key and [Path(name).name for name in facts["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if known is False:
        refuse_foreign(record)
        return
    for name in known:
        if Path(name).suffix in (".png", ".pdf") and (folder / name).is_file():
            (folder / name).unlink()


def failed_checks(figure: Figure, data: Mapping[str, xr.Dataset]) -> list[str]:
    """A line for each check that fails in a figure's data and is not what the figure shows."""
    lines = []
    for key, ds in data.items():
        if "audit_passed" not in ds or "converged" not in ds:
            continue
        for check, many in failing(ds).items():
            if check not in figure.outside:
                points = ds["converged"].size
                lines.append(
                    f"audit FAILED in {figure.name} ({key}): {check} at {many} of {points} points"
                )
    return lines


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
                "published": v.claim.published,
                "ours": v.ours,
                "deviation": v.deviation,
                "judged": [
                    {
                        "quantity": j.expectation.quantity,
                        "expected": j.expectation.words,
                        "computed": j.words,
                        "numbers": [x if isfinite(x) else None for x in j.numbers],
                        "met": j.met,
                    }
                    for j in v.judgements
                ],
                "needs": list(v.claim.needs),
                "verdict": v.word,
                "departs": v.claim.departs,
                "declared": v.declared,
            }
            for v in verdicts
        ],
        "provenance": provenance(),
    }


def sources() -> str:
    """Digest of the code that computes: all below the faces."""
    digest = hashlib.sha256()
    root = Path(str(files("chirospin")))
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] != "faces":
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def figure_facts(figure: Figure, data: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Caption, parameters and swept axes of a figure, from its Datasets."""
    models: dict[str, dict[str, list[str]]] = {}
    axes: dict[str, list[str]] = {}
    for ds in data.values():
        for name, axis in ds.coords.items():
            if axis.ndim == 1 and "units" in axis.attrs and axis.size > 1:
                unit = "" if axis.attrs["units"] == "1" else f" {axis.attrs['units']}"
                low, high = float(axis.min()), float(axis.max())
                words = f"{low:.4g} to {high:.4g}{unit}, {axis.size} values"
                axes.setdefault(str(name), [])
                if words not in axes[str(name)]:
                    axes[str(name)].append(words)
        if "family" in ds.attrs:
            part = problem(f"{ds.attrs['family']}.{ds.attrs['model']}")
            place = f"{part.path} by {ds.attrs['method'].replace(',', ', ')}"
            changes = models.setdefault(place, {})
            model = stored_model(xr.Dataset(attrs=ds.attrs), part)
            swept = set(axes).union(*(model.shorthands.get(name, ()) for name in axes))
            for name, value in model.changed().items():
                shown = value_words(value)
                if name not in swept and shown not in changes.setdefault(name, []):
                    changes[name].append(shown)
    return {
        "name": figure.name,
        "caption": figure.caption,
        "setting": figure.setting,
        "axes": axes,
        "models": {
            place: {n: v for n, v in changes.items() if v and n not in axes}
            for place, changes in models.items()
        },
    }


def value_words(value: Any) -> str:
    """A parameter's value for a sentence; large arrays are left to the data."""
    words = f"{value:.6g}" if isinstance(value, float) else str(value)
    return words if len(words) <= LONGEST else "as in the data"


def _text(
    study: Study, verdicts: Sequence[Verdict], pictures: Sequence[Path], folder: Path, files: int
) -> str:
    rows = [[v.word, v.claim.where, v.claim.text] for v in verdicts]
    lines = [f"{study.key}: {study.title}", "", table(rows, ["verdict", "where", "claim"]), ""]
    for v in verdicts:
        lines += [
            f"  {v.claim.name}",
            f"    published  {v.claim.published}",
            f"    computed   {v.ours}",
            *([] if v.declared else ["    FAILED: the study declares another verdict"]),
        ]
    lines += ["", "claims: " + counted([v.word for v in verdicts])]
    lines += [f"figure  {path}" for path in pictures]
    lines += [
        f"{files} files in {folder}: {'figures (PNG, PDF), ' if pictures else ''}data (netCDF), "
        "claims (JSON, Markdown)"
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
            for cell in (v.word, v.claim.where, v.claim.text, v.claim.published, v.ours)
        )
        + " |"
        for v in verdicts
    ]
    return "\n".join(lines)
