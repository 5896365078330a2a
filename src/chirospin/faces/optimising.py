"""Derivatives and optima from the command line: ranges in text, results as text and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.audit import Certificate, checks_words
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.parameters import Model
from chirospin.base.results import settled
from chirospin.base.units import number, parse, shown_unit
from chirospin.faces.arguments import assignments
from chirospin.faces.text import certificates_json, certificates_text, table
from chirospin.points.optimise import AGREEING, Range, search_range


def ranges_from(model: Model, vary: Sequence[str], bounds: Sequence[str]) -> list[Range]:
    """Ranges from --vary NAME=LOW:HIGH[:log], or from --vary NAME and --bounds [NAME=]LOW:HIGH[:log]."""
    bare = [text.strip() for text in vary if "=" not in text]
    by_name = assignments([text for text in bounds if "=" in text], "--bounds")
    in_order = [text for text in bounds if "=" not in text]
    open_ = [name for name in bare if name not in by_name]
    if len(in_order) != len(open_) or not by_name.keys() <= set(bare):
        raise ModelError(
            "Option --bounds must give LOW:HIGH for each --vary without a range, "
            f"but --vary has {', '.join(bare) or 'none'} and --bounds {', '.join(bounds) or 'none'}"
        )
    by_name |= dict(zip(open_, in_order, strict=True))
    whole = [text if "=" in text else f"{text}={by_name[text.strip()]}" for text in vary]
    ranges = []
    for name, text in assignments(whole, "--vary").items():
        info = model.parameter_info(name)
        parts = text.split(":")
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].strip() != "log"):
            raise ModelError(f"Range of `{name}` must be LOW:HIGH or LOW:HIGH:log, but is {text!r}")
        low, high = parse(info, parts[0]), parse(info, parts[1])
        ranges.append(search_range(model, name, low, high, ratio=len(parts) == 3))
    return ranges


def _vanishes(objective: str, shown: xr.Dataset) -> bool:
    """Whether a factor of the objective lies below its own error at the optimum."""
    factors = [name for name in re.findall(r"[A-Za-z_]\w*", objective) if name in shown.data_vars]
    return any(not shown[name].dims and float(shown[name]) == 0 for name in factors)


def optimum_facts(ds: xr.Dataset, problem: Problem) -> dict[str, Any]:
    """The optimum, its audit and how each search ended, in plain values."""
    values, reasons = ds["path_objective"].values, ds["path_reason"].values
    largest = ds.attrs["sense"] == "largest"
    best = [_best(row, largest=largest) for row in values]
    overall = _best(np.array([b for b in best if b is not None]), largest=largest)
    names = str(ds.attrs["varied"]).split(", ")
    shown = settled(ds)
    start = next(n for n, b in enumerate(best) if b == overall)
    place = int(np.flatnonzero(values[start] == overall)[0])
    return {
        "family": problem.family,
        "model": problem.name,
        "method": ds.attrs["method"],
        "objective": ds.attrs["objective"],
        "sense": ds.attrs["sense"],
        "value": 0.0 if _vanishes(str(ds.attrs["objective"]), shown) else overall,
        "agreed": int(ds.attrs["agreed"]),
        "parameters": {
            name: {
                "value": float(ds[f"path_{name}"].values[start, place]),
                "unit": problem.model.parameter_info(name).unit,
            }
            for name in names
        },
        "observables": {
            observable.name: float(shown[observable.name])
            for observable in problem.observables
            if observable.name in ds and not ds[observable.name].dims
        },
        "searches": [
            {"value": b, "evaluations": int(np.isfinite(row).sum()), "ended": str(reason)}
            for b, row, reason in zip(best, ds[f"path_{names[0]}"].values, reasons, strict=True)
        ],
        "audit": json.loads(ds.attrs["optimum_audit"]),
    }


def _best(values: Any, *, largest: bool) -> float | None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    return float(finite.max() if largest else finite.min())


def optimum_text(facts: dict[str, Any]) -> str:
    """The same for a terminal."""
    count = len(facts["searches"])
    words = "the best of one search: where it began decides"
    if count > 1:
        words = f"{facts['agreed']} of {count} searches agree within 2 %"
        if facts["agreed"] < min(AGREEING, count):
            words += ": more starts or evaluations may find a better one"
    found = f"{facts['sense']} {facts['objective']} found: {number(facts['value'])}"
    lines = [found, words, ""]
    lines += [
        f"  {name:<22} {number(parameter['value']):>14} {shown_unit(parameter['unit'])}".rstrip()
        for name, parameter in facts["parameters"].items()
    ]
    lines += [
        "",
        *(f"  {n:<22} {number(v):>14}".rstrip() for n, v in facts["observables"].items()),
    ]
    rows = [
        [
            str(n),
            "none" if s["value"] is None else number(s["value"]),
            str(s["evaluations"]),
            s["ended"],
        ]
        for n, s in enumerate(facts["searches"], start=1)
    ]
    lines += ["", table(rows, ["start", "best", "evaluations", "ended"])]
    checks = [
        ["ok" if c["passed"] else "FAILED", c["name"], f"{c['value']:.2e}", f"{c['tolerance']:.0e}"]
        for c in facts["audit"]
    ]
    if checks:
        lines += ["", "audit of the optimum", table(checks, ["", "check", "value", "tolerance"])]
    return "\n".join(lines)


def gradient_text(ds: xr.Dataset, certificates: Sequence[Certificate]) -> str:
    """Derivatives as a table, a line for each parameter, and the audit of the point where they are taken."""
    columns: dict[str, Any] = {}
    for name, values in ds.data_vars.items():
        if values.ndim == 1:
            columns[str(name)] = values.values
        elif values.ndim == 2:
            other = next(d for d in values.dims if d != "parameter")
            for label in ds[other].values:
                columns[f"{name} {label}"] = values.sel({other: label}).values
    rows = [
        [str(name), shown_unit(str(unit)), *(number(column[n]) for column in columns.values())]
        for n, (name, unit) in enumerate(
            zip(ds["parameter"].values, ds["parameter_unit"].values, strict=True)
        )
    ]
    head = f"derivatives by {ds.attrs['derivatives']}, method {ds.attrs['method']}"
    failed = [certificate for certificate in certificates if not certificate.passed]
    lines = [
        head,
        "",
        table(rows, ["parameter", "unit", *columns]),
        "",
        f"audit {checks_words(certificates)}",
    ]
    return "\n".join([*lines, *([certificates_text(failed)] if failed else [])])


def gradient_json(ds: xr.Dataset, certificates: Sequence[Certificate]) -> dict[str, Any]:
    """Derivatives as plain values, and the audit of the point where they are taken."""
    return {
        "family": ds.attrs["family"],
        "model": ds.attrs["model"],
        "method": ds.attrs["method"],
        "derivatives": ds.attrs["derivatives"],
        "parameter": ds["parameter"].values.tolist(),
        "values": {
            str(name): {"dims": list(map(str, v.dims)), "values": v.values.tolist()}
            for name, v in ds.data_vars.items()
        },
        "audit": certificates_json(certificates),
    }
