"""The process that computes for the page: it can be stopped, or ended, without the page noticing."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Protocol

import xarray as xr

from chirospin.base import results
from chirospin.base.audit import Certificate
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.figures import draw
from chirospin.base.solve import solve as corridor
from chirospin.base.threads import blas_threads
from chirospin.faces.web.question import CheckedQuestion, Question, Span, checked_question
from chirospin.studies import registry

PATIENT = 0.25  # seconds that a first answer may take before a coarse one is shown
COARSE, COARSE_ROWS = 10, 6  # points of the coarse one, along and against
STOP, STOPPED = "stop", "stopped"
LARGEST_ANSWER = 20_000_000  # numbers that a result may hold: 160 MB cross to the page


class StoppedError(Exception):
    """The page has asked something else meanwhile."""


class GoneError(Exception):
    """The page is no more."""


Send = Callable[[str, Any], None]


class Job(Protocol):
    """Work for the process."""

    @property
    def limit(self) -> float:
        """Seconds after which it is ended, whatever it does."""
        ...

    def run(self, send: Send) -> None:
        """Compute; send ``("progress", (done, total))`` and ``("answer", ...)`` messages."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A result with its certificates, and the line of each method that refused.

    Parameters
    ----------
    coarse : a first look with fewer points; the whole follows
    """

    question: Question
    ds: xr.Dataset
    certificates: tuple[Certificate, ...]
    refusals: dict[str, str]
    seconds: float
    coarse: bool = False


@dataclass(frozen=True, kw_only=True)
class Solving:
    """Answer a question, with a coarse first look where the whole takes long."""

    question: Question
    limit: float = 600.0

    def run(self, send: Send) -> None:
        checked = checked_question(self.question)
        report = _reporter(send)
        few = _coarse(self.question)
        if few is not None:
            with contextlib.suppress(ModelError):  # the whole will say so, if it has the point
                small = checked_question(few)
                report(0, _points(small))
                first = answer_to(self.question, small, report, coarse=True)
                if first.seconds * _points(checked) / _points(small) > PATIENT:
                    send("answer", first)
            report(0, _points(checked))
        send("answer", answer_to(self.question, checked, report))


def _points(checked: CheckedQuestion) -> int:
    """Solutions of a task."""
    return math.prod(len(values) for values in checked.over.values())


def _coarse(question: Question) -> Question | None:
    """The question with few points along its swept axes, if they have many."""
    kind = checked_question(question).problem.model
    fewer: dict[str, Span] = {}
    for which, span, few in (
        ("along", question.along, COARSE),
        ("against", question.against, COARSE_ROWS),
    ):
        swept = span in question.spans and span is not None and not span.own
        if span is None or not swept or kind.parameter_info(span.name).axis:
            continue
        if int(span.count) >= 2 * few and not kind.parameter_info(span.name).integer:
            fewer[which] = Span(**{**span.model_dump(), "count": str(few)})
    return question.model_copy(update=fewer) if fewer else None


def answer_to(
    question: Question,
    checked: CheckedQuestion,
    report: Callable[[int, int], None],
    *,
    coarse: bool = False,
) -> Answer:
    """Solve by each method; one that refuses the model is named, and the others are shown.

    Raises
    ------
    ModelError : every method refuses, or the result would be too large for a page
    """
    started = time.perf_counter()
    _bounded(checked)
    parts: dict[str, xr.Dataset] = {}
    refusals: dict[str, str] = {}
    for n, method in enumerate(checked.methods):
        try:
            parts[method.name] = corridor(
                checked.problem,
                checked.model,
                method,
                over=checked.over,
                observables=checked.observables,
                on_failure="record",
                progress=lambda done, total, n=n: report(  # type: ignore[misc]
                    n * total + done, len(checked.methods) * total
                ),
            )
        except ModelError as error:
            refusals[method.name] = str(error)
    if not parts:
        raise ModelError(next(iter(refusals.values())))
    several = len(parts) > 1
    ds = results.side_by_side(list(parts.values()), list(parts)) if several else parts.popitem()[1]
    return Answer(
        question=question,
        ds=ds,
        certificates=tuple(results.certificates(ds, checked.problem)),
        refusals=refusals,
        seconds=time.perf_counter() - started,
        coarse=coarse,
    )


def _bounded(checked: CheckedQuestion) -> None:
    """Refuse a result that would not cross to the page, before it is computed."""
    labels = checked.problem.labels(checked.model)
    own = sum(
        math.prod(len(labels[d]) for d in observable.dims)
        for observable in checked.problem.choose(checked.observables, checked.model)
    )
    numbers = own * _points(checked) * len(checked.methods)
    if numbers > LARGEST_ANSWER:
        raise ModelError(
            f"A result must hold at most {LARGEST_ANSWER:.0e} numbers on this page, but would hold "
            f"{numbers:.1e}; take fewer points, or chirospin solve"
        )


@dataclass(frozen=True, kw_only=True)
class Picturing:
    """The drawing of a question's model."""

    question: Question
    dark: bool = False
    limit: float = 60.0

    def run(self, send: Send) -> None:
        send("answer", picture(checked_question(self.question).model.draw(dark=self.dark), "svg"))


@dataclass(frozen=True, kw_only=True)
class Auditing:
    """The expensive checks of a question's model by its methods."""

    question: Question
    limit: float = 600.0

    def run(self, send: Send) -> None:
        checked = checked_question(self.question)
        report = _reporter(send)
        certificates: list[Certificate] = []
        total = len(checked.methods) * len(checked.problem.audits)
        for method in checked.methods:
            for audit in checked.problem.audits:
                report(len(certificates), total)
                try:
                    certificate = audit.run(checked.model, method)
                except (ModelError, ConvergenceError) as error:
                    raise ModelError(f"{method.name}, {audit.name}: {error}") from None
                certificates += [certificate] if certificate is not None else []
        send("answer", tuple(certificates))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One claim with its verdict, in words."""

    name: str
    published: str
    ours: str
    word: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """What is known of a study so far: pictures by figure, verdicts by claim."""

    key: str
    figures: dict[str, bytes]
    claims: dict[str, Judged]
    step: str
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Recomputing:
    """Compute a study's figures one after the other and judge each claim as soon as it can be."""

    key: str
    limit: float = 3600.0

    def run(self, send: Send) -> None:
        study = registry.study(self.key)
        data: dict[str, dict[str, xr.Dataset]] = {}
        figures: dict[str, bytes] = {}
        claims: dict[str, Judged] = {}
        for n, figure in enumerate(study.figures):
            step = f"{figure.name} ({n + 1} of {len(study.figures)})"
            known = Recomputed(
                key=self.key, figures=dict(figures), claims=dict(claims), step=step, complete=False
            )
            send("answer", known)
            data[figure.name] = figure.compute(1, _reporter(send))
            if figure.plot is not None:
                figures[figure.name] = picture(draw(figure.plot, data[figure.name]), "png")
            for claim in study.claims:
                if claim.name not in claims and set(claim.needs) <= data.keys():
                    verdict = claim.verdict(data)
                    claims[claim.name] = Judged(
                        name=claim.name,
                        published=claim.published,
                        ours=verdict.ours,
                        word=verdict.word,
                        holds=verdict.holds,
                    )
        send(
            "answer",
            Recomputed(key=self.key, figures=figures, claims=claims, step="", complete=True),
        )


def picture(figure: Any, kind: str) -> bytes:
    """A drawn figure as the bytes of a .png, .pdf or .svg."""
    stream = BytesIO()
    figure.savefig(stream, format=kind, dpi=200)
    return stream.getvalue()


def _reporter(send: Send) -> Callable[[int, int], None]:
    return lambda done, total: send("progress", (done, total))


def serve_jobs(connection: Connection) -> None:
    """Serve jobs until the page closes the connection."""

    def send(kind: str, content: Any) -> None:
        try:
            if connection.poll() and connection.recv() == STOP:
                raise StoppedError
            connection.send((kind, content))
        except (EOFError, OSError):
            raise GoneError from None

    Thread(target=_end_with_the_page, daemon=True).start()
    with contextlib.suppress(GoneError, KeyboardInterrupt), blas_threads(1):
        while True:
            try:
                job = connection.recv()
            except (EOFError, OSError):
                return
            if job != STOP:  # one that came after the end of what it meant
                send("end", _ending(job, send))


def _end_with_the_page() -> None:
    page = multiprocessing.parent_process()
    if page is not None:
        page.join()
        os._exit(1)


def _ending(job: Job, send: Send) -> str:
    """Run a job; the line of its error, if there is one."""
    try:
        job.run(send)
    except StoppedError:
        return STOPPED
    except (ModelError, ConvergenceError) as error:
        return str(error)
    except MemoryError:
        return "The computation needs more memory than there is"
    except GoneError:
        raise
    except Exception as error:
        return f"The computation failed: {type(error).__name__}: {error}".splitlines()[0]
    return ""
