"""The page: its parts, and the pure functions behind each change."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from dash import dcc, html

from chirospin.base.audit import Certificate
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.faces import arguments
from chirospin.faces.symbols import symbol_pieces, unit_pieces
from chirospin.faces.text import number
from chirospin.faces.web.controls import family_options, nodes, problem_form
from chirospin.faces.web.curves import live_figure
from chirospin.faces.web.desk import Desk, Ticket
from chirospin.faces.web.question import (
    Question,
    command_line,
    question_from,
    snippet,
    task_from,
)
from chirospin.faces.web.studies import studies_page
from chirospin.faces.web.worker import STOPPED, Answer, Solving

QUICK = 0.4  # seconds that a change waits for its answer before progress is shown
POLL = 120  # milliseconds between looks at a longer one
TABLE = 90  # entries of an observable that a table shows
NOTES = 3  # reasons for missing values that are listed

EMPTY: dict[str, Any] = {
    "data": [],
    "layout": {
        "height": 436,
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
    },
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What the page shows of a question at one moment; None leaves a part as it is.

    Parameters
    ----------
    shown : which answer this is, so that the same one is not drawn twice
    busy : whether more will come
    """

    error: str = ""
    figure: dict[str, Any] | None = None
    table: Any = None
    verdict: Any = None
    audit: Any = None
    status: str = ""
    command: str | None = None
    python: str | None = None
    shown: str = ""
    busy: bool = False


def first_layout(path: str) -> html.Div:
    """The page as it is first sent."""
    return html.Div(
        [
            dcc.Location(id="place", refresh=False),
            dcc.Store(id="who", data=uuid.uuid4().hex),
            dcc.Store(id="question"),
            dcc.Store(id="shown", data=""),
            dcc.Interval(id="clock", interval=POLL, disabled=True),
            dcc.Download(id="download"),
            html.Header(
                [
                    html.H1("chirospin"),
                    html.Nav(
                        [
                            html.A("Explore", href="#explore", id="to-explore", className="here"),
                            html.A("Studies", href="#studies", id="to-studies"),
                        ]
                    ),
                ]
            ),
            html.Main([_explore(path), studies_page()]),
        ],
        id="page",
    )


def _explore(path: str) -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.Label("Problem", htmlFor="problem", className="unseen"),
                    dcc.Dropdown(
                        id="problem",
                        options=family_options(),
                        value=path,
                        clearable=False,
                        searchable=False,
                    ),
                    html.Div(problem_form(arguments.problem(path)), id="form"),
                    html.Button("All as at first", id="reset", className="quiet"),
                ],
                id="controls",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.P(id="error", role="alert", hidden=True),
                            html.Div(
                                dcc.Graph(
                                    id="figure",
                                    figure=EMPTY,
                                    responsive=True,
                                    config={"displaylogo": False, "displayModeBar": False},
                                    style={"height": f"{EMPTY['layout']['height']}px"},
                                ),
                                id="figure-frame",
                            ),
                            html.Div(id="table"),
                            html.Div(
                                [html.Div(id="verdict"), html.P(id="status", role="status")],
                                className="under",
                            ),
                        ],
                        id="picture",
                    ),
                    html.Div(
                        [
                            html.Div(id="audit-table"),
                            html.Div(
                                [
                                    html.Button(
                                        "Run the dear checks", id="audit", className="quiet"
                                    ),
                                    html.Span(
                                        " mirror image, limits, finer grids: other models are solved",
                                        className="hint",
                                    ),
                                    dcc.Interval(id="audit-clock", interval=POLL, disabled=True),
                                    html.Div(id="dear"),
                                ],
                                className="dear",
                            ),
                            html.H2("Take it along"),
                            html.P(
                                [
                                    html.Button("Data (NetCDF)", id="take-nc"),
                                    html.Button("Figure (PDF)", id="take-pdf"),
                                    html.Button("Figure (PNG)", id="take-png"),
                                ],
                                className="takes",
                            ),
                            html.P(id="take-error", role="alert", hidden=True),
                            html.H3("The same at the command line"),
                            html.Div(
                                [html.Pre(id="command", tabIndex="0"), _copier("command")],
                                className="code",
                            ),
                            html.H3("The same in Python"),
                            html.Div(
                                [html.Pre(id="python", tabIndex="0"), _copier("python")],
                                className="code",
                            ),
                        ],
                        id="evidence",
                    ),
                ],
                id="right",
            ),
        ],
        id="explore",
    )


def _copier(target: str) -> dcc.Clipboard:
    return dcc.Clipboard(target_id=target, title=f"copy the {target} text", className="copier")


def view_of(desk: Desk, who: str, data: Any, shown: str) -> View:
    """Ask for a form's state and say what the page should show now."""
    try:
        question = question_from(data)
        task = task_from(question)
        command, python = command_line(question), snippet(question)
    except ModelError as error:
        return View(error=str(error), shown=shown)
    ticket = desk.ask(who, Solving(question=question))
    ticket.news(QUICK)
    view = ticket_view(ticket, task.problem, question, shown)
    return View(**{**vars(view), "command": command, "python": python})


def ticket_view(ticket: Ticket, problem: Problem, question: Question, shown: str) -> View:
    """A ticket as it stands: nothing yet, a coarse look, the whole, or an error."""
    mark = f"{id(ticket)}/{ticket.answers}"
    busy = not ticket.finished
    status = progress_words(ticket) if busy else ""
    if ticket.finished and ticket.error:
        stopped = ticket.error == STOPPED
        return View(error="" if stopped else ticket.error, shown=shown)
    if ticket.answer is None:
        return View(status=status, shown=shown, busy=busy)
    answer: Answer = ticket.answer
    status = status or seconds_words(answer)
    if mark == shown:
        return View(status=status, shown=shown, busy=busy)
    try:
        figure = EMPTY if question.view == "point" else live_figure(question, answer.ds)
    except ModelError as error:
        return View(error=str(error), shown=shown, busy=busy)
    table = value_table(problem, answer.ds) if question.view == "point" else ""
    return View(
        figure=figure,
        table=table,
        verdict=verdict_block(answer),
        audit=certificate_table(answer.certificates),
        status=status,
        shown=mark,
        busy=busy,
    )


def progress_words(ticket: Ticket) -> str:
    """How far a job is."""
    if ticket.total:
        return f"computing: {ticket.done} of {ticket.total} points"
    return "computing"


def seconds_words(answer: Answer) -> str:
    """Size and time of an answer."""
    points = answer.ds["converged"].size
    words = "1 solution" if points == 1 else f"{points} solutions"
    return f"{words} in {answer.seconds:.2g} s"


def verdict_block(answer: Answer) -> list[Any]:
    """The audit beside a result in one line, what was left out, and why a value is missing."""
    found = answer.certificates
    failed = [one for one in found if not one.passed]
    methods = list(dict.fromkeys(one.method for one in found))
    word = "Audit passed" if not failed else "Audit FAILED"
    worst = ", ".join(
        dict.fromkeys(
            f"{one.name} ({one.method})" if len(methods) > 1 else one.name for one in failed
        )
    )
    line = f": {len(found)} checks" if not failed else f": {worst}"
    reasons = sorted(
        {str(r) for r in np.ravel(answer.ds["reason"].values) if str(r) not in ("", "nan")}
    )
    notes = [f"{name} left out: {line}" for name, line in answer.refusals.items()]
    notes += [f"Note: {reason}" for reason in reasons[:NOTES]]
    return [
        html.A(
            [html.Strong(word), line],
            href="#audit-table",
            className="verdict failed" if failed else "verdict passed",
        ),
        *(html.P(note, className="refusal") for note in notes),
    ]


def certificate_table(found: Sequence[Certificate]) -> html.Div:
    """Every check with value, tolerance and meaning."""
    several = len({one.method for one in found}) > 1
    head = ["", *(["method"] if several else []), "check", "value", "tolerance", "meaning"]
    rows = [
        html.Tr(
            [
                html.Td("✓" if one.passed else "✗ FAILED"),
                *([html.Td(one.method)] if several else []),
                html.Td(one.name),
                html.Td(f"{one.value:.1e}", className="value"),
                html.Td(f"{one.tolerance:.0e}", className="value"),
                html.Td(one.about),
            ],
            className="passed" if one.passed else "failed",
        )
        for one in found
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr([html.Th(h) for h in head])), html.Tbody(rows)]),
        className="scrolled",
    )


def value_table(problem: Problem, ds: xr.Dataset) -> html.Div:
    """All observables at one point; profiles are left to the curves."""
    columns = [str(d) for d in ds["converged"].dims]
    flat = ds.stack(column=columns, create_index=False) if columns else ds.expand_dims("column")
    heads = [
        ", ".join(number(flat[d].values[n]) for d in columns) if columns else "value"
        for n in range(flat.sizes["column"])
    ]
    rows, left = [], []
    for one in problem.observables:
        values = flat[one.name].transpose("column", ...)
        own = [d for d in values.dims if d != "column"]
        if values[0].size > TABLE:
            left.append(one.name)
            continue
        entries = (
            values.stack(entry=own, create_index=False) if own else values.expand_dims("entry")
        )
        entries = entries.transpose("column", "entry")
        for n in range(entries.sizes["entry"]):
            place = ", ".join(f"{d} {entries[d].values[n]}" for d in own)
            rows.append(
                html.Tr(
                    [
                        html.Td(nodes(symbol_pieces(one.symbol)), className="symbol"),
                        html.Td(one.name.replace("_", " "), title=one.about),
                        html.Td(place),
                        *(
                            html.Td(number(v) if np.isfinite(v) else "–", className="value")
                            for v in entries.values[:, n]
                        ),
                        html.Td(nodes(unit_pieces(str(ds[one.name].attrs["units"])))),
                    ]
                )
            )
    head = html.Tr([html.Th(h) for h in ("", "observable", "entry", *heads, "unit")])
    note = [html.P(f"Profiles, see curve: {', '.join(left)}.", className="hint")] if left else []
    return html.Div(
        [html.Table([html.Thead(head), html.Tbody(rows)]), *note], className="scrolled values"
    )


def faulty_parameter(error: str) -> str:
    """The parameter that an error line names, to mark its field."""
    for word in ("Parameter `", "Points of `"):
        if word in error:
            return error.split(word, 1)[1].partition("`")[0]
    return ""
