"""The page: its parts, and the pure functions behind each change."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from dash import dcc, html

import chirospin
from chirospin.base import results
from chirospin.base.audit import CERTIFICATE, Certificate, certificate_row
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.symbols import symbol_pieces, unit_pieces
from chirospin.base.units import number
from chirospin.faces import arguments
from chirospin.faces.web.controls import family_options, nodes, problem_form, problems_by_question
from chirospin.faces.web.curves import as_asked, live_figure, with_pinned, zero_within, zero_words
from chirospin.faces.web.desk import Desk, Ticket
from chirospin.faces.web.question import (
    Question,
    checked_question,
    command_line,
    question_from,
    question_words,
    snippet,
)
from chirospin.faces.web.studies import studies_page
from chirospin.faces.web.worker import STOPPED, Answer, Auditing, Solving

QUICK = 0.4  # seconds that a change waits for its answer before progress is shown
POLL = 120  # milliseconds between looks at a longer one
TABLE = 90  # entries of an observable that a table shows
DOORS = (
    (
        "Parameters of a model",
        "Energies, hopping, spin-orbit coupling, repulsion, leads: the polarisation of a molecular stack, with sliders.",
        "#problem=junction",
    ),
    (
        "A bias and a temperature",
        "I-V curves of both magnetisations in volts and nanoamperes.",
        "#problem=junction.bias",
    ),
    (
        "A molecule's file",
        "XYZ, PDB, CIF or SMILES: orbitals, spin-orbit vectors, and the junction of its stack.",
        "/molecule",
    ),
    (
        "A Wannier file or a crystal",
        "Spin that a current induces. Shipped crystals here; a file of yours by chirospin solve crystal --set "
        "hamiltonian=FILE.",
        "#problem=crystal",
    ),
    (
        "Measured I-V curves",
        "Two magnetisations, two enantiomers: is there a chiral signal, and how sure is it?",
        "/measured",
    ),
    (
        "A paper to check",
        "Its claims recomputed, each with a verdict.",
        "#studies",
    ),
)
"""What a user may have: title, words, and where it leads."""
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
class Expensive:
    """The expensive checks that were made of an answer: their certificates, or why there are none."""

    certificates: tuple[Certificate, ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Everything on the page that belongs to one answer.

    Parameters
    ----------
    mark : which answer and which expensive checks these are, so that the same are not drawn twice
    words : the question in one line, which stays beside what is shown when another one is asked
    """

    mark: str
    words: str
    figure: dict[str, Any]
    table: Any
    verdict: Any
    audit: Any
    expensive: Any
    command: str
    python: str
    pinned: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the page shows of a question at one moment; None leaves a part as it is.

    Parameters
    ----------
    drawn : figure, table, verdicts and the words that belong to them: all of one answer, or nothing
    busy : whether more will come
    """

    error: str = ""
    drawn: Drawn | None = None
    status: str = ""
    expensive_status: str = ""
    busy: bool = False


def first_layout(path: str | None) -> html.Div:
    """The page as it is first sent: at a problem, or at the question what the user has."""
    asked, path = path is None, path or chirospin.FAMILIES[0]
    return html.Div(
        [
            dcc.Location(id="place", refresh=False),
            dcc.Store(id="who", data=uuid.uuid4().hex),
            dcc.Store(id="question"),
            dcc.Store(id="asked-first", data=asked),
            dcc.Store(id="shown"),
            dcc.Interval(id="clock", interval=POLL, disabled=True),
            dcc.Download(id="download"),
            html.Header(
                [
                    html.H1("chirospin"),
                    html.Nav(
                        [
                            html.A("Start", href="#start", id="to-start"),
                            html.A("Explore", href="#explore", id="to-explore", className="here"),
                            html.A("Studies", href="#studies", id="to-studies"),
                            html.A("Measured curves", href="/measured"),
                            html.A("Molecules", href="/molecule"),
                        ]
                    ),
                ]
            ),
            html.Main([start_page(), _explore(path), studies_page()]),
        ],
        id="page",
    )


def start_page() -> html.Div:
    """What the user has, and where it leads."""
    return html.Div(
        [
            html.H2("What do you have?"),
            html.Div(
                [
                    html.A([html.H3(title), html.P(words)], href=href, className="door")
                    for title, words, href in DOORS
                ],
                className="doors",
            ),
            html.H2("Or a question"),
            html.Ul(
                [
                    html.Li(html.A(question, href=f"#problem={path}"))
                    for path, question in problems_by_question()
                ],
                className="questions",
            ),
        ],
        id="start",
        hidden=True,
    )


def _explore(path: str) -> html.Div:
    return html.Div(
        [_controls(path), html.Div([_picture(), _evidence()], id="right")], id="explore"
    )


def _controls(path: str) -> html.Div:
    """What is asked: the problem and its form."""
    return html.Div(
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
            html.P(
                [
                    html.Button("All as at first", id="reset", className="quiet"),
                    html.A("Link to this form", id="link", href="#explore"),
                ],
                className="takes",
            ),
        ],
        id="controls",
    )


def _picture() -> html.Div:
    """What is found: figure or table, verdict, and how far it is."""
    figure = dcc.Graph(
        id="figure",
        figure=EMPTY,
        responsive=True,
        config={"displaylogo": False, "displayModeBar": False},
        style={"height": f"{EMPTY['layout']['height']}px"},
    )
    return html.Div(
        [
            html.P(id="error", role="alert", hidden=True),
            html.P(id="previous", role="status", hidden=True),
            html.Div(figure, id="figure-frame"),
            html.Div(id="table"),
            html.Div(
                [
                    html.Div(id="verdict"),
                    html.P(id="status", role="status"),
                    html.Button("Pin this answer", id="pin", className="quiet"),
                    html.Span(id="pinned", className="hint"),
                ],
                className="under",
            ),
        ],
        id="picture",
    )


def _evidence() -> html.Div:
    """Why it can be believed, and how to have it elsewhere: checks, files, command, Python."""
    return html.Div(
        [
            html.Div(id="audit-table"),
            html.Div(
                [
                    html.Button("Run the expensive checks", id="audit", className="quiet"),
                    html.Span(
                        " mirror image, limits, finer grids, at the form's own values: "
                        "other models are solved",
                        className="hint",
                    ),
                    html.Span(id="expensive-status", role="status", className="step"),
                    html.Div(id="expensive"),
                ],
                className="expensive",
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
            _code("command"),
            html.H3("The same in Python"),
            _code("python"),
        ],
        id="evidence",
    )


def _code(name: str) -> html.Div:
    return html.Div([html.Pre(id=name, tabIndex="0"), _copier(name)], className="code")


def _copier(target: str) -> dcc.Clipboard:
    return dcc.Clipboard(target_id=target, title=f"copy the {target} text", className="copier")


def view_of(
    desk: Desk, who: str, data: Any, mark: str, *, expensive: bool = False, pin: bool = False
) -> View:
    """Ask for a form's state and say what the page should show now.

    Parameters
    ----------
    mark : of what is shown already
    expensive : whether the expensive checks are wanted too; those that run for another question are stopped
    pin : whether the answer is to be kept beside the next ones, or no more

    Raises
    ------
    ModelError : not the shape of a question, which no form sends
    """
    asker, question = expensive_asker(who), question_from(data)
    try:
        checked = checked_question(question)
        words = command_line(question), snippet(question)
    except ModelError as error:
        _drop(desk.last(asker))
        return View(error=str(error))
    checking = desk.ask(asker, Auditing(question=question)) if expensive else desk.last(asker)
    if checking is not None and (checking.dropped or checking.job != Auditing(question=question)):
        checking.drop()
        checking = None
    ticket = desk.ask(who, Solving(question=question))
    ticket.news(QUICK)
    if pin:
        _turn_pin(desk, who, ticket)
    pinned = desk.last(pinned_asker(who))
    return ticket_view(ticket, checking, checked.problem, words, mark, pinned)


def pinned_asker(who: str) -> str:
    """The name under which a page keeps the answer that it has pinned."""
    return f"{who}/pinned"


def _turn_pin(desk: Desk, who: str, ticket: Ticket) -> None:
    """Pin a whole answer, or let the pinned one go."""
    if desk.last(pinned_asker(who)) is not None:
        desk.forget(pinned_asker(who))
    elif ticket.finished and not ticket.error:
        desk.keep(pinned_asker(who), ticket)


def expensive_asker(who: str) -> str:
    """The name under which a page asks for the expensive checks."""
    return f"{who}/audit"


def _drop(ticket: Ticket | None) -> None:
    if ticket is not None:
        ticket.drop()


def ticket_view(
    ticket: Ticket,
    checking: Ticket | None,
    problem: Problem,
    words: tuple[str, str],
    mark: str,
    pinned: Ticket | None = None,
) -> View:
    """A ticket as it stands: nothing yet, a coarse look, the whole, or an error.

    Parameters
    ----------
    checking : the expensive checks of the same question, if they were asked for
    words : command and Python of the question
    pinned : an answer that is drawn beneath
    """
    busy = not ticket.finished or (checking is not None and not checking.finished)
    status = "" if ticket.finished else progress_words(ticket)
    expensive_status = expensive_words(checking)
    if ticket.finished and ticket.error:
        error = "" if ticket.error == STOPPED else ticket.error
        return View(error=error, expensive_status=expensive_status, busy=busy)
    view = View(status=status, expensive_status=expensive_status, busy=busy)
    if ticket.answer is None:
        return view
    answer: Answer = ticket.answer
    view = replace(view, status=status or seconds_words(answer))
    now = f"{ticket.serial}/{ticket.answers}"
    if checking is not None and checking.finished:
        now += f"/{checking.serial}"
    if pinned is not None:
        now += f"+{pinned.serial}"
    if now == mark:
        return view
    question = answer.question
    point = question.view == "point"
    try:
        figure = EMPTY if point else live_figure(question, answer.ds)
        table = value_table(problem, as_asked(question, answer.ds)) if point else ""
        figure, beside = _beside_pinned(figure, question, pinned)
    except ModelError as error:
        return replace(view, error=str(error), status=status)
    expensive = expensive_outcome(checking)
    drawn = Drawn(
        mark=now,
        words=question_words(question),
        figure=figure,
        table=table,
        verdict=verdict_block(answer, expensive),
        audit=certificate_table(answer.certificates),
        expensive=expensive_block(expensive),
        command=words[0],
        python=words[1],
        pinned=beside,
    )
    return replace(view, drawn=drawn)


def _beside_pinned(
    figure: dict[str, Any], question: Question, pinned: Ticket | None
) -> tuple[dict[str, Any], str]:
    """The figure with the curves of a pinned answer beneath, and the words of that answer."""
    if pinned is None:
        return figure, ""
    kept: Answer = pinned.answer
    failed = [one for one in kept.certificates if not one.passed]
    verdict = (
        f"audit FAILED: {len(failed)} of {len(kept.certificates)}" if failed else "audit passed"
    )
    words = f"Pinned ({verdict}): {question_words(kept.question)}"
    both = None
    if kept.question.view == "curve":
        both = with_pinned(figure, question, live_figure(kept.question, kept.ds))
    return both or figure, words + ("" if both else "; its axes differ, so it is not drawn")


def expensive_outcome(checking: Ticket | None) -> Expensive | None:
    """What came of the expensive checks; None where none were made."""
    if checking is None or not checking.finished or checking.error == STOPPED:
        return None
    return Expensive(certificates=checking.answer or (), error=checking.error)


def expensive_words(checking: Ticket | None) -> str:
    """How far the expensive checks are."""
    if checking is None or checking.finished:
        return ""
    return f"checking: {checking.done} of {checking.total}" if checking.total else "checking"


def expensive_block(expensive: Expensive | None) -> Any:
    """The table of the expensive checks, or the line that says why there is none."""
    if expensive is None:
        return ""
    if expensive.error:
        return html.P(["✗ The expensive checks did not end: ", expensive.error], className="broken")
    return certificate_table(expensive.certificates)


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


def verdict_block(answer: Answer, expensive: Expensive | None = None) -> list[Any]:
    """The audit of a result in one line, what was left out, and why a value is missing.

    Parameters
    ----------
    expensive : the expensive checks of the same answer: one that failed, or did not end, fails the verdict
    """
    certificates = [*answer.certificates, *(expensive.certificates if expensive else ())]
    failed = [certificate for certificate in certificates if not certificate.passed]
    several = len({certificate.method for certificate in certificates}) > 1
    names = [
        f"{certificate.name} ({certificate.method})" if several else certificate.name
        for certificate in failed
    ]
    names += ["the expensive checks did not end"] if expensive and expensive.error else []
    word, kind = ("Audit FAILED", "failed") if names else ("Audit passed", "passed")
    line = f": {len(certificates)} checks"
    if names:
        line = f": {len(failed)} of {len(certificates)} checks: {', '.join(dict.fromkeys(names))}"
    elif answer.coarse:
        word, kind = "First look", "open"
        line = f": {len(certificates)} checks pass at {answer.ds['converged'].size} points, more follow"
    reasons = sorted(
        {str(r) for r in np.ravel(answer.ds["reason"].values) if str(r) not in ("", "nan")}
    )
    notes = [f"{name} left out: {line}" for name, line in answer.refusals.items()]
    notes += [f"Note: {reason}" for reason in reasons[:NOTES]]
    error = None if answer.question.view == "point" else zero_within(answer.question, answer.ds)
    if error is not None:
        notes.append(f"Note: {answer.question.observable} is {zero_words(error)}")
    return [
        html.A([html.Strong(word), line], href="#audit-table", className=f"verdict {kind}"),
        *(html.P(note, className="refusal") for note in notes),
    ]


def certificate_table(certificates: Sequence[Certificate]) -> html.Div:
    """Every check with value, tolerance and meaning."""
    first = 0 if len({certificate.method for certificate in certificates}) > 1 else 1
    head = CERTIFICATE[first:]
    rows = [
        html.Tr(
            [
                html.Td("✓" if certificate.passed else "✗ FAILED"),
                *(
                    html.Td(cell, className="value")
                    if name in ("value", "allowed")
                    else html.Td(cell)
                    for name, cell in zip(head, certificate_row(certificate)[first:], strict=True)
                ),
            ],
            className="passed" if certificate.passed else "failed",
        )
        for certificate in certificates
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr([html.Th(h) for h in ("", *head)])), html.Tbody(rows)]),
        className="scrolled",
    )


def value_table(problem: Problem, ds: xr.Dataset) -> html.Div:
    """All observables at one point, 0 below their errors; profiles are left to the curves."""
    ds = results.settled(ds)
    columns = [str(d) for d in ds["converged"].dims]
    flat = ds.stack(column=columns, create_index=False) if columns else ds.expand_dims("column")
    heads = [
        ", ".join(number(flat[d].values[n]) for d in columns) if columns else "value"
        for n in range(flat.sizes["column"])
    ]
    rows, left = [], []
    for observable in (o for o in problem.observables if o.name in ds):
        values = flat[observable.name].transpose("column", ...)
        own = [d for d in values.dims if d != "column"]
        if values[0].size > TABLE:
            left.append(observable.name)
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
                        html.Td(nodes(symbol_pieces(observable.symbol)), className="symbol"),
                        html.Td(observable.name.replace("_", " "), title=observable.about),
                        html.Td(place),
                        *(
                            html.Td(number(v) if np.isfinite(v) else "–", className="value")
                            for v in entries.values[:, n]
                        ),
                        html.Td(nodes(unit_pieces(str(ds[observable.name].attrs["units"])))),
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
