"""Pieces of HTML that every page and notebook is made of: verdicts, tables, values, figures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.audit import CERTIFICATE, Certificate, certificate_row, checks_words
from chirospin.base.errors import ModelError
from chirospin.base.families import family
from chirospin.base.family import Problem
from chirospin.base.figures import sketch
from chirospin.base.parameters import Model
from chirospin.base.symbols import marked, symbol_pieces, unit_pieces
from chirospin.base.units import number

ENTRIES = 90  # of an observable that are listed
POINTS = 1  # of a sweep up to which values are listed
DECIDED = "Bold: not the default."
KEY = 8  # entries of an observable that a notebook lists
RED = "#a81616"  # said here too, since a notebook has no style sheet of ours
STYLE = (
    "style='max-width:100%;height:auto;background:white'"  # a notebook has no style sheet of ours
)


def verdict_line(certificates: Sequence[Certificate]) -> str:
    """The audit in one line, red where a check fails."""
    failed = [certificate for certificate in certificates if not certificate.passed]
    if not failed:
        return f'<p class="verdict passed">✓ Audit {checks_words(certificates)}</p>'
    names = ", ".join(f"{one.name} ({one.method})" for one in failed)
    return f'<p class="verdict failed"><span style="color:{RED}">✗ Audit {checks_words(certificates)}: {escape(names)}</span></p>'


def svg_figure(figure: Any, about: str) -> str:
    """A figure inside the page."""
    picture = base64.b64encode(_svg(figure)).decode()
    return f'<img alt="{escape(about)}" {STYLE} src="data:image/svg+xml;base64,{picture}">'


def _svg(figure: Any) -> bytes:
    """The figure with its letters as outlines: it looks the same everywhere."""
    import matplotlib as mpl

    stream = BytesIO()
    with mpl.rc_context({"svg.fonttype": "path"}):
        figure.savefig(stream, format="svg")
    return stream.getvalue()


def symbol_of(variable: xr.DataArray) -> str:
    """The symbol of a variable as marked text."""
    return marked(symbol_pieces(str(variable.attrs.get("symbol", ""))))


def unit_text(unit: Any) -> str:
    """A unit as marked text."""
    return marked(unit_pieces(str(unit)))


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def values_parts(
    problem: Problem, ds: xr.Dataset, heading: str = "Values", most: int = ENTRIES
) -> Iterator[str]:
    """The numbers of a single point; those of a sweep are in its figures and its file."""
    if ds["converged"].size > POINTS and set(ds["converged"].dims) - {"solved_by"}:
        return
    methods = (
        [str(m) for m in np.atleast_1d(ds["solved_by"].values)] if "solved_by" in ds.dims else [""]
    )
    rows = []
    for observable in problem.observables:
        if observable.name not in ds or ds[observable.name].size > most * len(methods):
            continue
        values = (
            ds[observable.name]
            if "solved_by" in ds.dims
            else ds[observable.name].expand_dims("solved_by")
        )
        if "solved_by" not in values.dims:
            continue
        own = [str(d) for d in values.dims if d != "solved_by"]
        flat = values.stack(entry=own, create_index=False) if own else values.expand_dims("entry")
        flat = flat.transpose("entry", "solved_by")
        for n in range(flat.sizes["entry"]):
            place = ", ".join(f"{d} {flat[d].values[n]}" for d in own)
            numbers = [escape(number(v)) if np.isfinite(v) else "–" for v in flat.values[n]]
            rows.append(
                [
                    symbol_of(values),
                    escape(observable.name),
                    escape(place),
                    *numbers,
                    unit_text(str(values.attrs["units"])),
                ]
            )
    if rows:
        yield f"<h2>{heading}</h2>" if heading else ""
        heads = [escape(m) or "value" for m in methods]
        yield html_table(["", "observable", "entry", *heads, "unit"], rows)


def audit_table(certificates: Sequence[Certificate]) -> str:
    """Every check with value, tolerance and meaning."""
    rows = [
        [
            '<span class="passed">✓</span>'
            if certificate.passed
            else '<strong class="failed">✗ FAILED</strong>',
            *map(escape, certificate_row(certificate)),
        ]
        for certificate in certificates
    ]
    return html_table(["", *CERTIFICATE], rows)


def model_html(model: Model) -> str:
    """A model for a notebook: its drawing, and every parameter with symbol, value and unit."""
    rows = []
    for info in model.parameters():
        value = getattr(model, info.name)
        if value is None:
            continue
        shown = escape(_few_entries(value))
        cell = shown if value == info.default else f"<strong>{shown}</strong>"
        symbol = marked(symbol_pieces(info.symbol))
        rows.append([symbol, escape(info.name), cell, unit_text(info.unit), escape(info.about)])
    table = html_table(["", "parameter", "value", "unit", "meaning"], rows)
    name = escape(type(model).__name__)
    return f"<p><strong>{name}</strong>. {DECIDED}</p>{drawing_html(model)}{table}"


def drawing_html(model: Model) -> str:
    """The drawing of a model as a picture; nothing where it has none."""
    try:
        return svg_figure(model.draw(), f"drawing of {type(model).__name__}")
    except ModelError:
        return ""


def _few_entries(value: Any) -> str:
    """A number for people, or the entries of an array as far as they fit into a cell."""
    if not isinstance(value, tuple):
        return number(value)
    text = str(list(value))
    return text if len(text) <= ENTRIES else f"{text[:ENTRIES]}... ({len(value)} entries)"


def result_html(ds: xr.Dataset) -> str:
    """A result for a notebook: verdict, remarks, the figure of a sweep or the values of a point, the audit."""
    if "family" not in ds.attrs:  # measured curves, an audit alone
        return str(ds._repr_html_())
    problem = family(str(ds.attrs["family"])).problem(str(ds.attrs["model"]))
    certificates, settled = results.certificates(ds, problem), results.settled(ds)
    swept = ds["converged"].size > POINTS and bool(set(ds["converged"].dims) - {"solved_by"})
    parts = [
        f"<p><strong>{escape(problem.path)}</strong>, by {escape(str(ds.attrs['method']))}: "
        f"{escape(problem.question)}</p>",
        verdict_line(certificates),
        *_remarks(ds),
        svg_figure(sketch(settled), problem.question) if swept else "",
        *values_parts(problem, settled, heading="", most=KEY),
        f"<details><summary>Checks</summary>{audit_table(certificates)}</details>",
    ]
    return "".join(parts)


def _remarks(ds: xr.Dataset) -> Iterator[str]:
    """What a single answer means, in words."""
    if "remark" in ds and ds["remark"].size == 1:
        yield "".join(f"<p>{escape(line)}</p>" for line in str(ds["remark"].item()).splitlines())


def audit_html(ds: xr.Dataset) -> str:
    """The audit of a result as a table, a row for each check and method, worst point first."""
    rows = []
    for check in ds["check"].values.tolist():
        one = ds.sel(check=check)
        if not np.isfinite(one["audit_value"].values).any():
            continue  # it was not due
        for method in np.atleast_1d(ds["solved_by"].values) if "solved_by" in ds.dims else [""]:
            own = one.sel({"solved_by": method}) if "solved_by" in ds.dims else one
            values, passed = np.ravel(own["audit_value"]), np.ravel(own["audit_passed"])
            known = values[np.isfinite(values)]
            worst = f"{known[np.abs(known).argmax()]:.2e}" if known.size else "–"
            allowed = f"{float(np.max(own['audit_tolerance'])):.0e}"
            word = "✓" if passed.all() else f"✗ FAILED at {int((~passed).sum())} of {passed.size}"
            rows.append([word, escape(str(method)), escape(check), worst, allowed])
    return html_table(["", "solved_by", "check", "worst value", "allowed"], rows)
