"""Which change of the page calls which function."""

from __future__ import annotations

import base64
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from chirospin.base.errors import ModelError
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
from chirospin.faces.web.page import (
    certificate_table,
    faulty_parameter,
    view_of,
)
from chirospin.faces.web.question import question_from
from chirospin.faces.web.studies import start_study, step_words, study_asker, study_block
from chirospin.faces.web.takeaway import file_bytes, file_name
from chirospin.faces.web.worker import Auditing, Solving

DOWNLOAD_PATIENCE = 120.0  # seconds


def connect(app: Dash, desk: Desk) -> None:
    """Connect everything."""
    _client(app)
    _forms(app)
    _answers(app, desk)
    _audits(app, desk)
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
        *(
            Input(f"{which}-{part}", "value")
            for which in ("along", "against")
            for part in ("name", "start", "stop", "count", "log")
        ),
        State("problem", "value"),
    )
    in_browser(
        ClientsideFunction("page", "turn"),
        Output("explore", "hidden"),
        Output("studies", "hidden"),
        Output("to-explore", "className"),
        Output("to-studies", "className"),
        Input("place", "hash"),
    )


def _forms(app: Dash) -> None:
    @app.callback(
        Output("form", "children"),
        Input("problem", "value"),
        Input("reset", "n_clicks"),
        prevent_initial_call=True,
    )
    def _form(path: str, _clicks: int | None) -> Any:
        return problem_form(arguments.problem(path))

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
    def _entries(observable: str, view: str, along: str, against: str, path: str) -> Any:
        axes = {"curve": (along,), "map": (along, against), "point": ()}[view]
        try:
            rows = [] if view == "point" else entry_rows(arguments.problem(path), observable, axes)
        except ModelError:  # the form of another problem is on its way
            raise PreventUpdate from None
        return rows, view == "point", view != "map"

    @app.callback(
        Output("along-count", "value", allow_duplicate=True),
        Input("view", "value"),
        State("along-start", "value"),
        prevent_initial_call=True,
    )
    def _count(view: str, start: str) -> Any:
        return (MAP_WIDTH if view == "map" else CURVE_POINTS) if start else no_update

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
        def _ends(name: str, path: str, points: str = points) -> Any:
            try:
                return (*span_texts(arguments.problem(path).model, name, points), [])
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
        Output("status", "children"),
        Output("error", "children"),
        Output("error", "hidden"),
        Output("command", "children"),
        Output("python", "children"),
        Output("shown", "data"),
        Output("clock", "disabled"),
        Output({"kind": "row", "name": ALL}, "className"),
        Input("question", "data"),
        Input("clock", "n_intervals"),
        State("who", "data"),
        State("shown", "data"),
        State({"kind": "row", "name": ALL}, "id"),
        prevent_initial_call=True,
    )
    def _answer(data: Any, _ticks: int, who: str, shown: str, rows: list[dict[str, str]]) -> Any:
        if data is None:
            raise PreventUpdate
        view = view_of(desk, who, data, shown)
        fault = faulty_parameter(view.error)
        old = bool(view.error) or (view.busy and view.figure is None)
        frame = " ".join(
            word for word, on in (("stale", old), ("absent", data.get("view") == "point")) if on
        )
        return (
            no_update if view.figure is None else view.figure,
            no_update
            if view.figure is None
            else {"height": f"{view.figure['layout']['height']}px"},
            frame,
            no_update if view.table is None else view.table,
            no_update if view.verdict is None else view.verdict,
            no_update if view.audit is None else view.audit,
            view.status,
            view.error,
            not view.error,
            no_update if view.command is None else view.command,
            no_update if view.python is None else view.python,
            view.shown,
            not view.busy,
            ["parameter faulty" if r["name"] == fault else "parameter" for r in rows],
        )


def _audits(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("dear", "children"),
        Output("audit-clock", "disabled"),
        Input("audit", "n_clicks"),
        Input("audit-clock", "n_intervals"),
        Input("question", "data"),
        State("who", "data"),
        prevent_initial_call=True,
    )
    def _audit(_clicks: int | None, _ticks: int, data: Any, who: str) -> Any:
        asker = f"{who}/audit"
        if ctx.triggered_id == "question":
            ticket = desk.last(asker)
            if ticket is not None:
                ticket.drop()
            return "", True
        try:
            ticket = desk.ask(asker, Auditing(question=question_from(data)))
        except ModelError as error:
            return str(error), True
        ticket.wait(0.1)
        if not ticket.finished:
            return f"checking: {ticket.done} of {ticket.total}", False
        return ticket.error or certificate_table(ticket.answer), True


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
    def _take(_nc: int | None, _pdf: int | None, _png: int | None, data: Any, who: str) -> Any:
        kind = str(ctx.triggered_id).removeprefix("take-")
        try:
            ticket = desk.ask(who, Solving(question=question_from(data)))
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
    def _look(
        _clicks: int | None, _ticks: int, _halts: int | None, at: dict[str, str], who: str
    ) -> Any:
        key = at["name"]
        if ctx.triggered_id["kind"] == "halt":
            ticket = desk.last(study_asker(who, key))
            if ticket is not None:
                ticket.drop()
            return no_update, "stopped", True, True
        if ctx.triggered_id["kind"] == "look":  # a look on its way must not begin what was stopped
            ticket = desk.last(study_asker(who, key))
        else:
            ticket = start_study(desk, who, key)
        if ticket is None or ticket.dropped:
            return no_update, "stopped", True, True
        ticket.wait(0.1)
        busy = not ticket.finished
        block = no_update if ticket.answer is None else study_block(key, ticket.answer)
        return block, step_words(ticket), not busy, not busy
