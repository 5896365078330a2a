"""The studies page: every published claim, and its verdict once it is computed."""

from __future__ import annotations

import base64
from typing import Any

from dash import dcc, html

from chirospin.faces.web.desk import Desk, Ticket
from chirospin.faces.web.worker import Judged, Recomputed, Recomputing
from chirospin.studies import registry

LOOK = 500  # milliseconds


def studies_page() -> html.Div:
    """All studies, not computed yet."""
    return html.Div(
        [
            html.P(
                "Each claim of a paper is recomputed here from the models, and judged at a stated "
                "tolerance. Nothing is stored: press Recompute, and verdicts appear as the "
                "figures they rest on are ready.",
                className="about",
            ),
            *(_study(study) for study in registry.studies()),
        ],
        id="studies",
        hidden=True,
    )


def _study(study: registry.Study) -> html.Article:
    return html.Article(
        [
            html.H2(study.title),
            html.P(
                [
                    html.Code(study.key),
                    f": {len(study.figures)} figures and tables, {len(study.claims)} claims",
                ],
                className="hint",
            ),
            html.Button("Recompute", id={"kind": "recompute", "name": study.key}),
            html.Button("Stop", id={"kind": "halt", "name": study.key}, hidden=True),
            dcc.Interval(id={"kind": "look", "name": study.key}, interval=LOOK, disabled=True),
            html.Span(id={"kind": "step", "name": study.key}, role="status", className="step"),
            html.Div(
                study_block(study.key, None),
                id={"kind": "findings", "name": study.key},
            ),
        ]
    )


def study_block(key: str, known: Recomputed | None) -> list[Any]:
    """The table of claims with what is known, and the figures drawn so far."""
    study = registry.study(key)
    claims = known.claims if known else {}
    rows = [_claim_row(claim, claims.get(claim.name)) for claim in study.claims]
    head = html.Tr([html.Th(h) for h in ("verdict", "where", "claim", "published", "computed")])
    pictures = [
        html.Figure(
            [
                html.Img(
                    src="data:image/png;base64," + base64.b64encode(known.figures[f.name]).decode(),
                    alt=f.caption,
                ),
                html.Figcaption([html.Strong(f"{f.name}. "), f.caption]),
            ]
        )
        for f in study.figures
        if known and f.name in known.figures
    ]
    return [
        html.Div(
            html.Table([html.Thead(head), html.Tbody(rows)]),
            className="scrolled claims",
        ),
        html.Div(pictures, className="gallery"),
    ]


def _claim_row(claim: registry.Claim, judged: Judged | None) -> html.Tr:
    mark = "" if judged is None else ("passed" if judged.holds else "failed")
    return html.Tr(
        [
            html.Td(judged.word if judged else "not computed yet", className=f"word {mark}"),
            html.Td(claim.where),
            html.Td(claim.text),
            html.Td(judged.published if judged else ""),
            html.Td(judged.ours if judged else ""),
        ],
        className=mark,
    )


def study_asker(who: str, key: str) -> str:
    """The name under which a page asks for a study."""
    return f"{who}/{key}"


def start_study(desk: Desk, who: str, key: str) -> Ticket:
    """Begin, or go on watching, the recomputation of a study."""
    return desk.ask(study_asker(who, key), Recomputing(key=registry.study(key).key))


def step_words(ticket: Ticket) -> str:
    """Which figure is being computed, and how far it is."""
    known: Recomputed | None = ticket.answer
    if ticket.finished:
        if ticket.error:
            return ticket.error
        counts: dict[str, int] = {}
        for step in known.claims.values() if known else ():
            counts[step.word] = counts.get(step.word, 0) + 1
        return ", ".join(f"{n} {word}" for word, n in counts.items())
    if known is None:
        return "starting"
    points = f", {ticket.done} of {ticket.total} points" if ticket.total else ""
    return f"computing {known.step}{points}"
