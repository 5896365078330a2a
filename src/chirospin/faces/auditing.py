"""The dear checks of a stored result or of a model from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chirospin.base import results
from chirospin.base.audit import Certificate
from chirospin.base.solve import solve
from chirospin.base.units import parse
from chirospin.faces import arguments
from chirospin.faces.arguments import problem
from chirospin.faces.text import certificates_json, certificates_text


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """What ``chirospin audit`` prints."""

    text: str
    facts: dict[str, Any]
    failures: list[str]


def audited(
    target: str, method: str | None, set_: Sequence[str], option: Sequence[str]
) -> AuditReport:
    """Audit a file, or a family with --set."""
    if Path(target).suffix in (results.NETCDF, results.ZARR):
        ds = results.load(Path(target))
        one = arguments.family(str(ds.attrs["family"])).problem(str(ds.attrs["model"]))
        stored = results.certificates(ds, one)
        model = results.stored_model(ds, one)
        given = arguments.assignments(set_, "--set")
        model = model.replace(
            **{n: parse(type(model).parameter_info(n), v) for n, v in given.items()}
        )
        methods = arguments.methods_from(one, method or str(ds.attrs["method"]), option)
    else:
        one = problem(target)
        model = arguments.model_from(one.model, set_)
        methods = arguments.methods_from(one, method, option)
        stored = []
    if not stored:
        stored = results.certificates(solve(one, model, methods), one)
    lines: list[str] = [
        f"{one.path}: {one.question}",
        "",
        "on the result",
        certificates_text(stored),
    ]
    found: list[Certificate] = list(stored)
    given_words = ", ".join(f"{k} = {v}" for k, v in model.changed().items()) or "the defaults"
    for chosen in methods:
        dear = [c for audit in one.audits if (c := audit.run(model, chosen)) is not None]
        found += dear
        lines += [
            "",
            f"against partners, method {chosen.name}, at {given_words}",
            certificates_text(dear),
        ]
    failures = [
        f"audit FAILED: {c.name} is {c.value:.2e}, tolerance {c.tolerance:.0e}: {c.about}"
        for c in found
        if not c.passed
    ]
    lines += ["", "audit FAILED" if failures else f"audit passed: {len(found)} checks"]
    facts = {
        "family": one.family,
        "method": [m.name for m in methods],
        "audit": certificates_json(found),
    }
    return AuditReport(text="\n".join(lines), facts=facts, failures=failures)
