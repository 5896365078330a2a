"""The expensive checks of a stored result or of a model from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from chirospin.base import results
from chirospin.base.audit import Certificate, checks_words
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model
from chirospin.base.solve import solve
from chirospin.base.stored import recomputed, stored_methods, stored_model
from chirospin.base.units import parse
from chirospin.faces import arguments
from chirospin.faces.arguments import problem
from chirospin.faces.fitting import fit_certificates, fit_failures, is_fit
from chirospin.faces.measuring import (
    changed_files,
    failed_tests,
    is_measured,
    measured_certificates,
)
from chirospin.faces.report import reported
from chirospin.faces.text import certificates_json, certificates_text
from chirospin.faces.verdict import failure_line, failure_lines
from chirospin.points.store import Store


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """What ``chirospin audit`` prints."""

    text: str
    facts: dict[str, Any]
    failures: list[str]
    converged: bool


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is audited.

    Parameters
    ----------
    ds : the result, stored or just computed
    again : certificates of a sample computed again, of a stored result
    note : what the file does not carry
    """

    problem: Problem
    ds: xr.Dataset
    model: Model
    methods: list[Method]
    again: list[Certificate]
    note: str = ""


def audited(
    target: str,
    method: str | None,
    set_: Sequence[str],
    option: Sequence[str],
    *,
    allow_code: bool = False,
) -> AuditReport:
    """Audit a file, a sweep's store, or a family with --set.

    Raises
    ------
    ModelError : not a result, or one that names code which is not allowed
    """
    path = Path(target)
    stored = path.suffix in (results.NETCDF, results.ZARR) or Store(path).exists
    if not stored:
        return _report(_of_words(target, method, set_, option))
    ds = reported(path)
    if is_measured(ds):
        return _measured_report(ds, method, [*set_, *option])
    if is_fit(ds):
        return _fit_report(ds, method, [*set_, *option])
    return _report(_of_file(ds, path, method, set_, option, allow_code=allow_code))


def _report(subject: Subject) -> AuditReport:
    """The checks of a result, those against its partners, and what fails."""
    certificates = results.certificates(subject.ds, subject.problem)
    lines = [f"{subject.problem.path}: {subject.problem.question}", ""]
    lines += ["on the result", certificates_text(certificates)]
    lines += [f"  note: {subject.note}"] if subject.note else []
    if subject.again:
        lines += ["", "computed again, with the stored settings", certificates_text(subject.again)]
    expensive, stuck = [], []
    given = ", ".join(f"{k} = {v}" for k, v in subject.model.changed().items()) or "the defaults"
    for chosen in subject.methods:
        own, lines_of_stuck = _partners(subject, chosen)
        expensive += own
        stuck += lines_of_stuck
        title = f"against partners, method {chosen.name}, at {given}"
        lines += ["", title, certificates_text(own)]
        lines += [f"  does not apply: {one}" for one in _not_applying(subject, chosen)]
    every = [*certificates, *subject.again, *expensive]
    failures = failure_lines(subject.ds, certificates)
    failures += [failure_line(c) for c in [*subject.again, *expensive] if not c.passed]
    failures += stuck
    lost = int((~subject.ds["converged"].astype(bool)).sum())
    failures += (
        [f"not converged at {lost} of {subject.ds['converged'].size} points"] if lost else []
    )
    facts = {
        "family": subject.problem.family,
        "method": [m.name for m in subject.methods],
        "audit": certificates_json(every),
    }
    text = "\n".join([*lines, "", f"audit {checks_words(every)}"])
    return AuditReport(text=text, facts=facts, failures=failures, converged=not lost and not stuck)


def _fit_report(ds: xr.Dataset, method: str | None, changes: Sequence[str]) -> AuditReport:
    """A fit of mechanisms: evidences by another sampler."""
    if method is not None or changes:
        raise ModelError("A fit has no method and no parameters to change in an audit")
    certificates = fit_certificates(ds)
    failures = [failure_line(c) for c in certificates if not c.passed] + fit_failures(ds)
    lines = ["fit: evidences by another sampler", certificates_text(certificates)]
    return AuditReport(
        text="\n".join([*lines, "", f"audit {checks_words(certificates)}"]),
        facts={
            "family": ds.attrs["family"],
            "method": [ds.attrs["method"]],
            "audit": certificates_json(certificates),
        },
        failures=failures,
        converged=True,
    )


def _measured_report(ds: xr.Dataset, method: str | None, changes: Sequence[str]) -> AuditReport:
    """A comparison of measured curves: computed again, and against partners that must agree."""
    if method is not None or changes:
        raise ModelError("Measured curves have no method and no parameters to change in an audit")
    certificates = measured_certificates(ds)
    failures = [failure_line(c) for c in certificates if not c.passed]
    failures += [f"file {name} is not the one that was read" for name in changed_files(ds)]
    failures += failed_tests(ds)
    lines = ["measured: computed again from the stored curves", certificates_text(certificates)]
    return AuditReport(
        text="\n".join([*lines, "", f"audit {checks_words(certificates)}"]),
        facts={
            "family": "measured",
            "method": ["contacts"],
            "audit": certificates_json(certificates),
        },
        failures=failures,
        converged=True,
    )


def _partners(subject: Subject, method: Method) -> tuple[list[Certificate], list[str]]:
    """The expensive checks of one method, and a line for each whose partner did not converge."""
    certificates, stuck = [], []
    for audit in subject.problem.audits:
        try:
            certificate = audit.run(subject.model, method)
        except ConvergenceError as error:
            stuck.append(f"{method.name} audit {audit.name}: {error}")
        else:
            certificates += [certificate] if certificate is not None else []
    return certificates, stuck


def _not_applying(subject: Subject, method: Method) -> list[str]:
    """The expensive checks that do not apply, each with what it asks for."""
    reasons = ((audit.name, audit.unmet(subject.model, method)) for audit in subject.problem.audits)
    return [f"{name}: {reason}" for name, reason in reasons if reason]


def _of_file(
    ds: xr.Dataset,
    path: Path,
    method: str | None,
    set_: Sequence[str],
    option: Sequence[str],
    *,
    allow_code: bool,
) -> Subject:
    """A stored result: a sample is computed again as it was made; --set and --method change what follows."""
    posed = arguments.stored_problem(ds)
    again = recomputed(ds, posed, stored_methods(ds, posed, {}), allow_code=allow_code)
    model = stored_model(ds, posed, allow_code=allow_code)
    given = arguments.assignments(set_, "--set")
    model = model.replace(**{n: parse(type(model).parameter_info(n), v) for n, v in given.items()})
    if method is not None:
        methods = arguments.methods_from(posed, method, option)
    else:
        names = str(ds.attrs["method"])
        arguments.methods_from(posed, names, option)  # refuses what no method knows
        methods = stored_methods(ds, posed, arguments.assignments(option, "--option"))
    unsealed = not Store(path).exists and ds.encoding.get(results.CHECKSUM) is None
    note = "the file carries no checksum" if unsealed else ""
    return Subject(problem=posed, ds=ds, model=model, methods=methods, again=again, note=note)


def _of_words(
    target: str, method: str | None, set_: Sequence[str], option: Sequence[str]
) -> Subject:
    posed = problem(target)
    model = arguments.model_from(posed.model, set_)
    methods = arguments.methods_from(posed, method, option, model)
    ds = solve(posed, model, methods)
    return Subject(problem=posed, ds=ds, model=model, methods=methods, again=[])
