"""A result as one HTML page that opens from disk: nothing beside it, no script in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.citations import bibliography, bibtex, unbraced
from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.family import Problem
from chirospin.base.figures import APART, MANY, sketch
from chirospin.base.html import (
    audit_table,
    drawing_html,
    html_table,
    svg_figure,
    symbol_of,
    unit_text,
    values_parts,
    verdict_line,
)
from chirospin.base.sealed import MARK, written_whole
from chirospin.base.stored import stored_model
from chirospin.base.symbols import marked, symbol_pieces
from chirospin.base.units import number
from chirospin.faces import arguments
from chirospin.faces.fitting import fit_report, is_fit
from chirospin.faces.measuring import is_measured, measured_report
from chirospin.points.store import Store

HTML = ".html"
SWEEP = ("points", "sweep_hash")  # what the store of a sweep says of itself
FIGURES = 8  # observables that are drawn


def write_report(source: Path, out: Path) -> xr.Dataset:
    """Write the report of a stored result, whole or not at all; the result, for its verdict.

    Raises
    ------
    ModelError : not a result, a place that cannot be written, or something there that is not a report
    """
    results.check_target(out, (HTML,))
    ds = reported(source)
    written_whole(out, report_page(ds, source.name).encode())
    return ds


def reported(source: Path) -> xr.Dataset:
    """The result that a path holds: a file or a Zarr directory of ``solve``, a store of ``sweep``.

    Raises
    ------
    ModelError : no such path, no permission, not a result
    """
    store = Store(source)
    if store.exists:
        return store.open()
    if source.is_dir() and source.suffix != results.ZARR:
        raise ModelError(
            f"File `{source}` must be a result (.nc or .zarr) or the store of a sweep, "
            "but is another directory"
        )
    return results.load(source)


def figure_of_result(ds: xr.Dataset, quantity: str | None = None, x: str | None = None) -> Any:
    """The figure of any stored result: of a solve or a sweep, of measured curves, of a fit."""
    if is_measured(ds):
        from chirospin.measured.figure import figure_of

        return figure_of(ds)
    if is_fit(ds):
        from chirospin.measured.inference.figure import fit_figure

        return fit_figure(ds)
    return sketch(ds, quantity, x)


def report_page(ds: xr.Dataset, name: str) -> str:
    """The page of a result."""
    if is_measured(ds) or is_fit(ds):
        parts = [
            *(fit_report(ds) if is_fit(ds) else measured_report(ds)),
            "<h2>Provenance</h2>",
            _provenance(ds),
            "<h2>References</h2>",
        ]
        return html_page([*parts, *_references(ds)], name)
    ds = results.settled(ds)
    problem = arguments.stored_problem(ds)
    certificates = results.certificates(ds, problem)
    parts = [
        verdict_line(certificates),
        f"<h1>{escape(problem.question[:1].upper() + problem.question[1:])}</h1>",
        f"<p class='hint'>{escape(problem.path)}, by {escape(str(ds.attrs['method']))}; "
        f"from <code>{escape(name)}</code></p>",
        *_reasons(ds),
        *_drawing(problem, ds),
        *_figures(problem, ds),
        *values_parts(problem, ds),
        "<h2>Parameters</h2>",
        _parameters(problem, ds),
        "<h2>Audit</h2>",
        audit_table(certificates),
        "<h2>Method</h2>",
        *_methods(problem, ds),
        "<h2>Provenance</h2>",
        _provenance(ds),
        "<h2>References</h2>",
        *_references(ds),
    ]
    return html_page(parts, name)


def html_page(
    parts: Sequence[str],
    name: str,
    scripts: Sequence[str] = (),
    *,
    frames: bool = False,
    again: int = 0,
) -> str:
    """A page of parts that are HTML already: nothing beside it, and no script unless its server has one.

    Parameters
    ----------
    scripts : addresses on the server that the page comes from
    frames : whether it shows other pages of that server
    again : seconds after which the page asks for itself once more; 0 never
    """
    style = (files("chirospin.faces") / "report.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    policy += "; script-src 'self'" * bool(scripts) + "; frame-src 'self'" * frames
    head = [f'<meta http-equiv="refresh" content="{again}">\n'] if again else []
    head += [f'<script src="{escape(script)}" defer></script>\n' for script in scripts]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="generator" content="{MARK}">\n'
        f"<title>chirospin: {escape(name)}</title>\n<style>\n{style}</style>\n{''.join(head)}</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _reasons(ds: xr.Dataset) -> Iterator[str]:
    for reason in sorted({str(r) for r in np.ravel(ds["reason"].values)} - {"", "nan"}):
        yield f'<p class="hint">Note: {escape(reason)}</p>'


def _drawing(problem: Problem, ds: xr.Dataset) -> Iterator[str]:
    """The model, where it can be made from the file alone, at the point where the quantity is largest."""
    try:
        picture = drawing_html(stored_model(ds, problem))
    except ModelError:
        return
    if picture:
        yield f"<figure>{picture}<figcaption>The model.</figcaption></figure>"


def _figures(problem: Problem, ds: xr.Dataset) -> Iterator[str]:
    """The family's quantity first, then what else depends on a swept parameter."""
    names = [observable.name for observable in problem.observables if observable.name in ds]
    names.sort(key=lambda name: name != problem.quantity)
    drawn, left = 0, []
    for name in names:
        along = [d for d in ds[name].dims if "units" in ds[d].attrs]
        if not along or drawn == FIGURES or not np.isfinite(ds[name].values).any():
            continue
        apart = [ds.sizes[d] for d in ds[name].dims if d not in (along[-1], *APART)]
        if len(apart) > 1 and math.prod(apart) > MANY:
            left.append(name)
            continue
        drawn += 1
        about = str(ds[name].attrs.get("long_name", name))
        yield (
            f"<figure>{svg_figure(sketch(ds, name), about)}"
            f"<figcaption>{symbol_of(ds[name])} {escape(about)}</figcaption></figure>"
        )
    if left:
        yield f"<p class='hint'>Too many curves to draw, see the file: {escape(', '.join(left))}.</p>"


def _parameters(problem: Problem, ds: xr.Dataset) -> str:
    kind = problem.model
    rows = []
    for name in (*kind.shorthands, *kind.model_fields):
        info = kind.parameter_info(name)
        stored = ds.attrs.get(f"parameter_{name}")
        if name in ds.coords:
            values = ds[name].values
            shown = (
                f"{number(values[0])} to {number(values[-1])}, {values.size} values"
                if values.size > 4
                else ", ".join(number(v) for v in np.atleast_1d(values))
            )
        elif stored is not None and str(stored) != "null":
            shown = number(stored.item() if isinstance(stored, np.generic) else stored)
        else:
            continue
        changed = name in ds.coords or stored != results.stored_value(info.default)
        cell = f"<strong>{escape(shown)}</strong>" if changed else escape(shown)
        symbol = marked(symbol_pieces(info.symbol))
        rows.append([symbol, escape(name), cell, unit_text(info.unit), escape(info.about)])
    return html_table(["", "parameter", "value", "unit", "meaning"], rows) + (
        '<p class="hint">Bold: swept, or not the default. Inside, ħ = e = k<sub>B</sub> = 1.</p>'
    )


def _methods(problem: Problem, ds: xr.Dataset) -> Iterator[str]:
    names = str(ds.attrs["method"]).split(",")
    stored = json.loads(str(ds.attrs["method_settings"]))
    settings = stored if "solved_by" in ds.dims else {names[0]: stored}
    for name in names:
        shown = ", ".join(f"{k} = {v}" for k, v in settings.get(name, {}).items())
        yield (
            f"<p><strong>{escape(name)}</strong>: {escape(problem.method(name).summary)}"
            + (f" <span class='hint'>({escape(shown)})</span>" if shown else "")
            + "</p>"
        )


def _provenance(ds: xr.Dataset) -> str:
    facts = json.loads(str(ds.attrs.get("provenance", "{}")))
    facts |= {name: ds.attrs[name] for name in SWEEP if name in ds.attrs}
    return html_table(["made with", ""], [[escape(k), escape(str(v))] for k, v in facts.items()])


def _references(ds: xr.Dataset) -> Iterator[str]:
    keys = ["chirospin", *filter(None, str(ds.attrs["references"]).split(", "))]
    try:
        entries = bibtex(keys)
    except UnknownNameError as error:
        yield f"<p class='hint'>{escape(str(error))}</p>"
        return
    lines = "\n".join(f"<li>{_reference_line(unbraced(bibliography()[key]))}</li>" for key in keys)
    yield f"<ol>\n{lines}\n</ol>"
    yield f"<details><summary>BibTeX</summary><pre>{escape(entries)}</pre></details>"


def _reference_line(fields: Mapping[str, str]) -> str:
    """Authors, title, place, year."""
    fields = dict(fields)
    fields |= {"year": f"({fields['year']})"} if "year" in fields else {}
    if "eprint" in fields:
        fields["eprint"] = f"arXiv:{fields['eprint']}"
    order = ("author", "title", "journal", "volume", "pages", "eprint", "year")
    shown = [
        f"<em>{escape(fields[k])}</em>" if k == "title" else escape(fields[k])
        for k in order
        if k in fields
    ]
    return ", ".join(shown).replace("--", "–")
