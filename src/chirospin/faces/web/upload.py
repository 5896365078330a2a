"""Measured curves and fits on the page: a form that sends a file, and the verdict on it; nothing is kept.

The file is read in memory by the readers of ``chirospin.measured`` alone, in a process that can be ended. Neither it
nor the answer is written to a disk or remembered when the answer has been sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import IO, Any

import numpy as np
import xarray as xr
from flask import Flask, Response, abort, request
from werkzeug.formparser import FormDataParser

from chirospin.base import results
from chirospin.base.errors import ModelError, one_line
from chirospin.base.results import NETCDF
from chirospin.faces.fitting import is_fit
from chirospin.faces.measuring import is_measured, measured_report, settings_from
from chirospin.faces.report import html_page, report_page
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.worker import STOPPED, Send
from chirospin.measured import compare
from chirospin.measured.description import Description
from chirospin.measured.example import example
from chirospin.measured.reading import curves_dataset

PATH, ANSWER = "/measured", "/measured/answer"
LARGEST_UPLOAD = 12 << 20
"""Bytes of a request with files: 500 curves of 400 points are 3 to 10 MB of text."""
MOST_FILES = 200
LONGEST_FIELD = 400  # characters of a field
LIMIT = 60.0  # seconds of a comparison
POINTS = 8  # biases at which a model is laid over the data
FIELDS = {
    "unit": ("current_unit", "unit of the currents, if the file has none: nA"),
    "bias_unit": ("bias_unit", "unit of the bias, if the file has none: V"),
    "bias_column": ("bias_column", "head of the column of the bias"),
    "current_column": ("current_column", "head of the column of the current"),
    "delimiter": ("delimiter", "what separates cells, if it is not told: ; or tab"),
    "decimal": ("decimal", "decimal sign: . or ,"),
    "floor": ("noise_floor", "noise floor: 0.5 pA"),
    "compliance": ("compliance", "largest current of the instrument: 10 nA"),
    "magnetised": ("magnetised", "magnetic electrode: tip or sample"),
    "bias_at": ("bias_at", "electrode that carries the voltage: tip or sample"),
}
"""Fields of the form, the setting that each gives, and what is asked."""
WORDS = {"up": "N, +0.35", "down": "S, -0.35", "R": "D, P", "S": "L, M", "achiral": "rac, C16"}
"""Meanings, and words that a file may have for them."""
LABELS = ("enantiomer", "magnetisation", "contact", "curve", "tip", "order")
SLIDERS = {
    "hopping_a": (0.02, 0.5, 0.1, "eV"),
    "coupling": (0.0005, 0.1, 0.005, "eV"),
    "energy_b": (0.0, 2.0, 0.8, "eV"),
    "spin_orbit": (0.0, 0.05, 0.004, "eV"),
    "hubbard": (0.0, 5.0, 0.4, "eV"),
    "gate": (-3.0, 3.0, -0.64, "eV"),
    "temperature": (4.0, 400.0, 300.0, "K"),
    "lead_polarisation": (0.0, 1.0, 0.4, ""),
    "bias_asymmetry": (-0.5, 0.5, 0.0, ""),
}
"""Parameters of junction.bias that are laid over the data: ends, start and unit of a slider."""
METHODS = ("landauer", "redfield")


@dataclass(frozen=True, kw_only=True)
class Comparing:
    """Read files, compare the magnetisations, and lay a model over them if one is asked for.

    Parameters
    ----------
    files : names and contents; none means the sample of the package
    overlay : parameters of junction.bias in the units of their sliders; empty for none
    """

    files: tuple[tuple[str, bytes], ...]
    settings: Mapping[str, Any]
    bias: str = ""
    overlay: Mapping[str, float] | None = None
    method: str = METHODS[0]
    limit: float = LIMIT

    def run(self, send: Send) -> None:
        stored = [name for name, _ in self.files if name.endswith(NETCDF)]
        if stored:
            send("answer", stored_page(self.files))
            return
        curves = (
            curves_dataset(dict(self.files), Description().changed(**self.settings))
            if self.files
            else example()
        )
        ds = compare(curves, bias=self.bias or None)
        parts = measured_report(ds)
        if self.overlay:
            parts = [*parts[:1], *laid_over(ds, self.overlay, self.method), *parts[1:]]
        send("answer", html_page(parts, "measured curves"))


def stored_page(files: Sequence[tuple[str, bytes]]) -> str:
    """The report of a stored fit, curves over the data with their band and evidences as bars, or of stored curves.

    Raises
    ------
    ModelError : not one file, or a result of another kind
    """
    name, content = files[0]
    if len(files) > 1:
        raise ModelError(f"A stored result is shown alone, but {len(files)} files were sent")
    ds = results.load_bytes(content, name)
    if not (is_fit(ds) or is_measured(ds)):
        raise ModelError(
            f"File `{name}` holds {ds.attrs['family']}; this page shows what chirospin fit or measured wrote"
        )
    return report_page(ds, name)


def laid_over(ds: xr.Dataset, overlay: Mapping[str, float], method: str) -> list[str]:
    """Curves of junction.bias over the geometric means, with a free factor (area, number of molecules)."""
    from chirospin import junction
    from chirospin.base.html import svg_figure

    model = junction.BiasedJunction(**overlay)
    usable = ds["bias"].values[ds["usable"].values]
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, POINTS).round().astype(int))]
    solved = junction.solve(model, method, over={"bias": chosen}, on_failure="record")
    model_current = np.abs(solved.chirospin.to("A", "current")["current"].values)
    failed = solved["check"].values[~solved["audit_passed"].values.all(axis=1)]
    words = f"junction.bias by {method}, with a free factor; dots are the model"
    if len(failed):
        words += f". Checks of the model FAILED: {', '.join(map(str, failed))}"
    figure = _overlay_figure(ds, chosen, model_current, solved["spin_polarisation"].values)
    return [
        f"<figure>{svg_figure(figure, 'a model over the measured means')}<figcaption>{escape(words)}.</figcaption></figure>"
    ]


def _overlay_figure(ds: xr.Dataset, bias: Any, current: Any, polarisation: Any) -> Any:
    from matplotlib.figure import Figure

    from chirospin.base.figures import COLUMN, journal_style

    with journal_style():
        figure = Figure(figsize=(2 * COLUMN, 2.6))
        left, right = figure.subplots(1, 2)
        hand = str(ds["hand"].values[0])
        means = np.where(ds["usable"], np.abs(ds["mean_current"].sel(hand=hand).values), np.nan)
        at = np.array([int(np.abs(ds["bias"].values - V).argmin()) for V in bias])
        with np.errstate(divide="ignore"):
            factor = np.exp(np.nanmean(np.log(means[:, at]) - np.log(current.T)))
        for n, (state, colour) in enumerate((("up", "#c0392b"), ("down", "#2471a3"))):
            left.plot(ds["bias"], 1e9 * means[n], color=colour, marker="", label=f"{hand} {state}")
            left.plot(bias, 1e9 * factor * current[:, n], "o", ms=3, color=colour, mfc="none")
        left.set_yscale("log")
        left.set_ylabel("$|I|$ (nA)")
        left.legend()
        right.plot(
            ds["bias"],
            ds["polarisation"].sel(mean="geometric", hand=hand),
            marker="",
            label="geometric",
        )
        right.plot(
            ds["bias"],
            ds["polarisation"].sel(mean="shape", hand=hand),
            ":",
            marker="",
            label="shape",
        )
        right.plot(bias, polarisation, "o", ms=3, mfc="none", color="0.2", label="model")
        right.set_ylabel("$P$")
        right.legend()
        for ax in (left, right):
            ax.set_xlabel("bias (V)")
    return figure


def form_page() -> str:
    """The form: files, how to read them, a model to lay over; the answer comes into a frame beneath."""
    rows = [
        form_row(name, about, f'<input id="{name}" name="{name}" maxlength="{LONGEST_FIELD}">')
        for name, (_, about) in FIELDS.items()
    ]
    rows.append(
        form_row(
            "bias",
            "bias of the verdict: 0.5 V",
            f'<input id="bias" name="bias" maxlength="{LONGEST_FIELD}">',
        )
    )
    words = [
        form_row(
            f"word_{w}",
            f"words that mean {w}: {example_words}",
            f'<input id="word_{w}" name="word_{w}" maxlength="{LONGEST_FIELD}">',
        )
        for w, example_words in WORDS.items()
    ]
    labels = [
        form_row(
            f"label_{n}",
            f"column of the {n}",
            f'<input id="label_{n}" name="label_{n}" maxlength="{LONGEST_FIELD}">',
        )
        for n in LABELS
    ]
    sliders = [
        form_row(
            f"model_{name}",
            f"{name} ({low:g} to {high:g} {unit})".replace(" )", ")"),
            f'<input id="model_{name}" name="model_{name}" type="range" min="{low}" max="{high}" step="any" value="{start}">',
        )
        for name, (low, high, start, unit) in SLIDERS.items()
    ]
    choices = "".join(f'<option value="{m}">{m}</option>' for m in METHODS)
    parts = [
        "<h1>Measured curves</h1>",
        '<p class="hint">I-V curves of two magnetisations: text tables, workbooks, Nanonis files, exported ramps. Files '
        "are read in memory and forgotten; without a file the sample of the package is shown. "
        '<a href="/">The page of models</a>.</p>',
        f'<form method="post" action="{ANSWER}" enctype="multipart/form-data" target="answer">',
        '<p><label for="files">Files</label> <input id="files" name="files" type="file" multiple> '
        '<button type="submit">Compare</button></p>',
        f"<details><summary>How to read them</summary>{''.join(rows)}</details>",
        f"<details><summary>Words and columns</summary>{''.join(words + labels)}</details>",
        "<details><summary>Lay a model over them</summary>"
        + form_row(
            "overlay",
            "draw junction.bias",
            '<input id="overlay" name="overlay" type="checkbox" value="yes">',
        )
        + form_row("method", "method", f'<select id="method" name="method">{choices}</select>')
        + "".join(sliders)
        + "</details></form>",
        '<iframe name="answer" title="the verdict" style="width:100%;height:75vh;border:1px solid #ccc"></iframe>',
    ]
    return html_page(parts, "measured curves", frames=True)


def form_row(name: str, about: str, control: str) -> str:
    """A control with its label, as a line of a form."""
    return f'<p>{control} <label for="{name}">{escape(about)}</label></p>'


def connect_upload(server: Flask, desk: Desk) -> None:
    """The two addresses of measured curves."""

    @server.get(PATH)
    def _form() -> Response:
        return Response(form_page(), mimetype="text/html")

    @server.post(ANSWER)
    def _answer() -> Response:
        job = job_from(*received())
        who = secrets.token_hex(8)
        ticket = desk.ask(who, job)
        ended = ticket.wait(LIMIT + 5)
        desk.forget(who)
        if not ended or ticket.error == STOPPED:
            abort(503, "The comparison did not end; read part of the curves at a time.")
        if ticket.error or ticket.answer is None:
            return Response(refused_page(ticket.error), 400, mimetype="text/html")
        return Response(str(ticket.answer), mimetype="text/html")


def refused_page(line: str, name: str = "measured curves") -> str:
    """The page of an answer that is an error."""
    return html_page([f'<p class="verdict failed">{escape(one_line(line))}</p>'], name)


def _in_memory(*_size: Any, **_told: Any) -> IO[bytes]:
    """Uploaded files stay in memory: nothing is spooled to a disk."""
    return BytesIO()


def received() -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """Files and fields of a request."""
    if request.mimetype != "multipart/form-data":
        abort(400, "Files are sent as a form.")
    parser = FormDataParser(
        stream_factory=_in_memory,
        max_form_memory_size=LARGEST_UPLOAD,
        max_content_length=LARGEST_UPLOAD,
        max_form_parts=MOST_FILES + 60,
        silent=False,
    )
    _, fields, files = parser.parse(
        request.stream, request.mimetype, request.content_length, request.mimetype_params
    )
    contents = [
        (str(file.filename).replace("\\", "/").rpartition("/")[2], file.stream.read())
        for file in files.getlist("files")
        if file.filename
    ]
    return contents, {k: str(v) for k, v in fields.items()}


def job_from(files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]) -> Comparing:
    """The job of a form.

    Raises
    ------
    ModelError : a field that is too long, or a slider that is no number
    """
    for name, text in fields.items():
        if len(text) > LONGEST_FIELD:
            raise ModelError(f"Field {name[:40]!r} must have at most {LONGEST_FIELD} characters")
    given = {name: text.strip() for name, text in fields.items() if text.strip()}
    settings = settings_from(
        words=[f"{w}={given[f'word_{w}']}" for w in WORDS if f"word_{w}" in given],
        labels=[f"{n}={given[f'label_{n}']}" for n in LABELS if f"label_{n}" in given],
        plain={setting: given.get(name) for name, (setting, _) in FIELDS.items()},
    )
    method = given.get("method", METHODS[0])
    if method not in METHODS:
        raise ModelError(f"Method must be {' or '.join(METHODS)}, but is {method[:40]!r}")
    overlay = (
        {n: _number(n, given.get(f"model_{n}", "")) for n in SLIDERS}
        if given.get("overlay")
        else None
    )
    return Comparing(
        files=tuple(dict(files).items()),
        settings=settings,
        bias=given.get("bias", ""),
        overlay=overlay,
        method=method,
    )


def _number(name: str, text: str) -> float:
    low, high, start, _ = SLIDERS[name]
    try:
        value = float(text) if text else start
    except ValueError:
        raise ModelError(f"Slider {name} must be a number, but is {text[:40]!r}") from None
    if not low <= value <= high:
        raise ModelError(f"Slider {name} must be in [{low:g}, {high:g}], but is {value:g}")
    return value
