"""Which change of the page calls which function."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.faces import arguments
from chirospin.faces.web.controls import (
    CURVE_POINTS,
    MAP_POINTS,
    MAP_WIDTH,
    entry_rows,
    problem_form,
    span_texts,
)
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.page import Drawn, faulty_parameter, view_of
from chirospin.faces.web.question import Question, question_from, question_of_text
from chirospin.faces.web.studies import start_study, step_words, study_asker, study_block
from chirospin.faces.web.takeaway import file_bytes, file_name
from chirospin.faces.web.worker import Solving
from chirospin.studies import registry

DOWNLOAD_PATIENCE = 120.0  # seconds
LONGEST = 80  # characters of a name
LONGEST_PLACE = 20_000  # characters of an address


def connect(app: Dash, desk: Desk) -> None:
    """Connect everything."""
    _client(app)
    _forms(app)
    _answers(app, desk)
    _takes(app, desk)
    _studies(app, desk)


def _client(app: Dash) -> None:
    """What the browser does by itself."""
    in_browser: Any = app.clientside_callback
    field, slider = {"kind": "field", "name": MATCH}, {"kind": "slider", "name": MATCH}
    in_browser(
        ClientsideFunction("page", "sync"),
        Output(field, "value"),
        Output(slider, "value"),
        Output(slider, "min"),
        Output(slider, "max"),
        Input(field, "value"),
        Input(slider, "value"),
        State(slider, "min"),
        State(slider, "max"),
        State(slider, "step"),
        prevent_initial_call=True,
    )
    in_browser(
        ClientsideFunction("page", "gather"),
        Output("question", "data"),
        Input("defaults", "data"),
        Input("methods", "value"),
        Input("observable", "value"),
        Input("view", "value"),
        Input("hands", "value"),
        Input({"kind": "field", "name": ALL}, "value"),
        Input({"kind": "option", "name": ALL}, "value"),
        Input({"kind": "entry", "name": ALL}, "value"),
        Input("unit", "value"),
        *(
            Input(f"{which}-{part}", "value")
            for which in ("along", "against")
            for part in ("name", "start", "stop", "count", "log")
        ),
        State("problem", "value"),
    )
    in_browser(
        ClientsideFunction("page", "turn"),
        Output("start", "hidden"),
        Output("explore", "hidden"),
        Output("studies", "hidden"),
        Output("to-start", "className"),
        Output("to-explore", "className"),
        Output("to-studies", "className"),
        Input("place", "hash"),
        State("asked-first", "data"),
    )
    _vectors_and_picture(in_browser)
    _marks(in_browser)


def _vectors_and_picture(in_browser: Any) -> None:
    """Components in step with their vector; the model's picture and the address of the form."""
    in_browser(
        ClientsideFunction("page", "vector"),
        Output({"kind": "field", "name": MATCH}, "value", allow_duplicate=True),
        Output({"kind": "component", "name": MATCH, "n": ALL}, "value"),
        Input({"kind": "field", "name": MATCH}, "value"),
        Input({"kind": "component", "name": MATCH, "n": ALL}, "value"),
        prevent_initial_call=True,
    )
    in_browser(
        ClientsideFunction("page", "picture"),
        Output("drawing", "src"),
        Output("link", "href"),
        Input("question", "data"),
        State("who", "data"),
    )


def _marks(in_browser: Any) -> None:
    """What is shown is marked as soon as the question is another one."""
    in_browser(
        ClientsideFunction("page", "mark"),
        Output("right", "className"),
        Output("previous", "children"),
        Output("previous", "hidden"),
        Input("question", "data"),
        Input("problem", "value"),
        State("shown", "data"),
    )
    in_browser(  # apart: together they would wait for the answer, which follows from the question
        ClientsideFunction("page", "unmark"),
        Output("right", "className", allow_duplicate=True),
        Output("previous", "children", allow_duplicate=True),
        Output("previous", "hidden", allow_duplicate=True),
        Input("shown", "data"),
        State("problem", "value"),
        State("question", "data"),
        prevent_initial_call=True,
    )


def _forms(app: Dash) -> None:
    @app.callback(
        Output("form", "children"),
        Output("problem", "value"),
        Input("problem", "value"),
        Input("reset", "n_clicks"),
        Input("place", "hash"),
        prevent_initial_call=True,
    )
    def _form(path: Any, _clicks: Any, place: Any) -> Any:
        linked = linked_form(place)
        if cause() == "place":
            if linked is None:
                raise PreventUpdate
            problem, question = linked
            return problem_form(problem, question), problem.path
        problem = arguments.problem(text_of(path))
        same = cause() == "problem" and linked is not None and linked[0].path == problem.path
        return problem_form(problem, linked[1] if same and linked else None), no_update

    @app.callback(
        Output("entries", "children"),
        Output("along", "hidden"),
        Output("against", "hidden"),
        Input("observable", "value"),
        Input("view", "value"),
        Input("along-name", "value"),
        Input("against-name", "value"),
        State("problem", "value"),
        prevent_initial_call=True,
    )
    def _entries(observable: Any, view: Any, along: Any, against: Any, path: Any) -> Any:
        names = {"curve": (along,), "map": (along, against)}.get(text_of(view), ())
        axes = [text_of(name) for name in names]
        problem = arguments.problem(text_of(path))
        try:
            rows = entry_rows(problem, text_of(observable), axes) if axes else []
        except ModelError:  # the form of another problem is on its way
            raise PreventUpdate from None
        return rows, view == "point", view != "map"

    @app.callback(
        Output("along-count", "value", allow_duplicate=True),
        Input("view", "value"),
        State("along-start", "value"),
        prevent_initial_call=True,
    )
    def _count(view: Any, start: Any) -> Any:
        return (MAP_WIDTH if view == "map" else CURVE_POINTS) if start else no_update

    _ends_of_axes(app)


def _ends_of_axes(app: Dash) -> None:
    for which, points in (("along", CURVE_POINTS), ("against", MAP_POINTS)):

        @app.callback(
            Output(f"{which}-start", "value"),
            Output(f"{which}-stop", "value"),
            Output(f"{which}-count", "value"),
            Output(f"{which}-log", "value"),
            Input(f"{which}-name", "value"),
            State("problem", "value"),
            prevent_initial_call=True,
        )
        def _ends(name: Any, path: Any, points: str = points) -> Any:
            kind = arguments.problem(text_of(path)).model
            try:
                return (*span_texts(kind, text_of(name), points), [])
            except ModelError:
                raise PreventUpdate from None


def _answers(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("figure", "figure"),
        Output("figure", "style"),
        Output("figure-frame", "className"),
        Output("table", "children"),
        Output("verdict", "children"),
        Output("audit-table", "children"),
        Output("expensive", "children"),
        Output("command", "children"),
        Output("python", "children"),
        Output("pinned", "children"),
        Output("pin", "children"),
        Output("shown", "data"),
        Output("status", "children"),
        Output("expensive-status", "children"),
        Output("error", "children"),
        Output("error", "hidden"),
        Output("clock", "disabled"),
        Output({"kind": "row", "name": ALL}, "className"),
        Input("question", "data"),
        Input("clock", "n_intervals"),
        Input("audit", "n_clicks"),
        Input("pin", "n_clicks"),
        State("who", "data"),
        State("shown", "data"),
        State({"kind": "row", "name": ALL}, "id"),
        prevent_initial_call=True,
    )
    def _answer(
        data: Any, _ticks: Any, _clicks: Any, _pins: Any, who: Any, shown: Any, rows: Any
    ) -> Any:
        if data is None:
            raise PreventUpdate
        names = [text_of(row, "name") for row in rows] if isinstance(rows, list) else []
        mark = "" if shown is None else text_of(shown, "mark")
        by = cause()
        view = view_of(desk, text_of(who), data, mark, expensive=by == "audit", pin=by == "pin")
        fault = faulty_parameter(view.error)
        return (
            *(_drawn(view.drawn, data) if view.drawn else [no_update] * 12),
            view.status,
            view.expensive_status,
            view.error,
            not view.error,
            not view.busy,
            ["parameter faulty" if name == fault else "parameter" for name in names],
        )


def _drawn(drawn: Drawn, data: Any) -> tuple[Any, ...]:
    """All that belongs to one answer, so that no part of it stands beside a part of another."""
    height = {"height": f"{drawn.figure['layout']['height']}px"}
    frame = "absent" if data["view"] == "point" else ""
    shown = {"mark": drawn.mark, "question": data, "words": drawn.words}
    return (
        drawn.figure,
        height,
        frame,
        drawn.table,
        drawn.verdict,
        drawn.audit,
        drawn.expensive,
        drawn.command,
        drawn.python,
        drawn.pinned,
        "Unpin" if drawn.pinned else "Pin this answer",
        shown,
    )


def linked_form(place: Any) -> tuple[Problem, Question | None] | None:
    """The problem, and the question if there is one, that the address names; None where it names none.

    Raises
    ------
    ModelError : an address that holds no question, or no problem
    """
    if place is None:
        return None
    if not isinstance(place, str) or len(place) > LONGEST_PLACE:
        raise ModelError("The address must be text of at most 20000 characters")
    word, _, rest = unquote(place).partition("=")
    if word == "#problem":
        return arguments.problem(text_of(rest)), None
    if word != "#form":
        return None
    question = question_of_text(rest)
    return arguments.problem(question.problem), question


def text_of(value: Any, key: str | None = None) -> str:
    """A word that the page sent, or a line that says that it is none.

    Parameters
    ----------
    key : of the word, where it is in an object

    Raises
    ------
    ModelError : not text, or too long for a name
    """
    if key is not None:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ModelError("A word of the page is missing, of another kind, or too long")
    return value


def cause() -> Any:
    """The id of what has changed on the page.

    Raises
    ------
    ModelError : the page does not say
    """
    try:
        return ctx.triggered_id
    except Exception:  # whatever reading a wrong id meets
        raise ModelError("A request of the page must say what has changed") from None


def _takes(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("download", "data"),
        Output("take-error", "children"),
        Output("take-error", "hidden"),
        Input("take-nc", "n_clicks"),
        Input("take-pdf", "n_clicks"),
        Input("take-png", "n_clicks"),
        State("question", "data"),
        State("who", "data"),
        prevent_initial_call=True,
    )
    def _take(_nc: Any, _pdf: Any, _png: Any, data: Any, who: Any) -> Any:
        kind = text_of(cause()).removeprefix("take-")
        who, question = text_of(who), question_from(data)
        try:
            ticket = desk.ask(who, Solving(question=question))
            if not ticket.wait(DOWNLOAD_PATIENCE):
                raise ModelError("The result is still being computed; take it when it is ready")
            if ticket.error:
                raise ModelError(ticket.error)
            content = file_bytes(ticket.answer, kind)
        except ModelError as error:
            return no_update, str(error), False
        sent = {
            "content": base64.b64encode(content).decode(),
            "filename": file_name(ticket.answer, kind),
            "base64": True,
        }
        return sent, "", True


def _studies(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output({"kind": "findings", "name": MATCH}, "children"),
        Output({"kind": "step", "name": MATCH}, "children"),
        Output({"kind": "look", "name": MATCH}, "disabled"),
        Output({"kind": "halt", "name": MATCH}, "hidden"),
        Input({"kind": "recompute", "name": MATCH}, "n_clicks"),
        Input({"kind": "look", "name": MATCH}, "n_intervals"),
        Input({"kind": "halt", "name": MATCH}, "n_clicks"),
        State({"kind": "recompute", "name": MATCH}, "id"),
        State("who", "data"),
        prevent_initial_call=True,
    )
    def _look(_clicks: Any, _ticks: Any, _halts: Any, at: Any, who: Any) -> Any:
        key, who = registry.study(text_of(at, "name")).key, text_of(who)
        by = text_of(cause(), "kind")
        if by == "halt":
            ticket = desk.last(study_asker(who, key))
            if ticket is not None:
                ticket.drop()
            return no_update, "stopped", True, True
        begun = by == "look"  # a look on its way must not begin what was stopped
        ticket = desk.last(study_asker(who, key)) if begun else start_study(desk, who, key)
        if ticket is None or ticket.dropped:
            return no_update, "stopped", True, True
        ticket.wait(0.1)
        busy = not ticket.finished
        block = no_update if ticket.answer is None else study_block(key, ticket.answer)
        return block, step_words(ticket), not busy, not busy
