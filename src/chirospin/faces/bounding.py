"""What `chirospin bound` prints: the largest polarisation, where it lies, what it means for measured curves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.parameters import Model
from chirospin.base.units import number, plain_conversion, quantity, shown_unit
from chirospin.faces.measuring import is_measured
from chirospin.faces.text import table
from chirospin.measured.inference.bounds import CAN, CANNOT, INCOMPLETE, MARGIN, UNDECIDED
from chirospin.measured.inference.ranges import Sourced
from chirospin.points.optimise import AGREEING, AGREEMENT, Limit, objective

_LIMIT = re.compile(r"([^=]+)=([^:=]*):([^:=]*)")
MEANINGS = {
    INCOMPLETE: "fewer than three searches end at the largest value: a lower bound, and no verdict",
    CANNOT: f"the smallest measured |P| is more than {MARGIN:g} times the largest found; no proof",
    CAN: "the largest found is above all that was measured",
    UNDECIDED: "the largest found lies inside what was measured",
}


def limits_from(problem: Problem, model: Model, texts: Sequence[str]) -> list[Limit]:
    """Limits from --limit OBSERVABLE=LOW:HIGH; an end may be empty.

    Raises
    ------
    ModelError : another form, ends that are reversed or not positive, units that do not fit
    """
    return [_limit(problem, model, text) for text in texts]


def _limit(problem: Problem, model: Model, text: str) -> Limit:
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise ModelError(f"Option --limit must be OBSERVABLE=LOW:HIGH, but is {text!r}")
    goal = objective(problem, model, match[1].strip())
    unit = goal.factors[0].observable.unit if len(goal.factors) == 1 else "1"
    low, high = (_end(part, unit, text) for part in (match[2], match[3]))
    low, high = 0.0 if low is None else low, float("inf") if high is None else high
    if not 0 <= low < high:
        raise ModelError(
            f"Option --limit must have 0 <= LOW < HIGH ({unit}), but is {text!r}; sizes are abs(NAME)"
        )
    return Limit(goal=goal, low=low, high=high)


def _end(text: str, unit: str, whole: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return quantity(text, unit, f"end of option --limit {whole}")


def bound_text(ds: xr.Dataset, put: Sequence[Sourced] = ()) -> str:
    """The bound for a terminal."""
    facts = json.loads(str(ds.attrs["bound"]))
    lines = [f"{ds.attrs['family']} {ds.attrs['model']}, method {ds.attrs['method']}"]
    lines += [f"  {r.name} {r.low:g}: {r.source}; --set {r.name}=... to change" for r in put]
    words = "" if facts["complete"] else "at least "
    lines += [
        "",
        f"largest |P| found: {words}{number(facts['largest'])}; {facts['agreed']} of {facts['starts']} "
        f"searches end within 2 % of it ({facts['evaluations']} evaluations)",
        "  searches ended at "
        + ", ".join("none" if x is None else f"{x:.3g}" for x in facts["ends"]),
        "",
        table(list(_rows(facts)), ["at", "value", "unit", "within", "", "source"]),
    ]
    for one in facts["limits"]:
        lines.append(f"  {one['of']} within {one['low']:.3g} .. {one['high']:.3g} {one['unit']}")
    lines += ["", *_verdict_lines(facts)]
    return "\n".join(lines)


def bound_json(ds: xr.Dataset, put: Sequence[Sourced]) -> dict[str, Any]:
    """The bound as plain values."""
    facts: dict[str, Any] = json.loads(str(ds.attrs["bound"]))
    return {
        "family": ds.attrs["family"],
        "model": ds.attrs["model"],
        "method": ds.attrs["method"],
        "fixed": {r.name: {"value": r.low, "source": r.source} for r in put},
        **facts,
        "audit": json.loads(str(ds.attrs["optimum_audit"])),
    }


def _rows(facts: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, one in facts["at"].items():
        scale = ":log" if one["log"] else ""
        yield [
            name,
            number(one["value"]),
            shown_unit(one["unit"]),
            f"{one['low']:.3g}:{one['high']:.3g}{scale}",
            one["end"],
            one["source"],
        ]


def _verdict_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    seen = facts["measured"]
    if seen is not None:
        nanoamperes = (plain_conversion(seen["unit"], "nA") or 1.0) * seen["current"]
        unit = "nA" if plain_conversion(seen["unit"], "nA") else seen["unit"]
        yield (
            f"measured |P| at {seen['bias']:+.4g} V: {seen['low']:.3f} .. {seen['high']:.3f} at 95 % "
            f"({seen['kind']}), mean current {nanoamperes:.3g} {unit}"
        )
    if facts["verdict"]:
        yield f"verdict: {facts['verdict']}: {MEANINGS[facts['verdict']]}"
    elif not seen:
        yield "no measured curves: chirospin bound MEASURED.nc compares"
    ends = [f"{name} ({one['end']})" for name, one in facts["at"].items() if one["end"]]
    if ends:
        yield f"  on a bound, which decides as much as the mechanism: {', '.join(ends)}"
    if not facts["complete"]:
        yield "  --starts, --hops and --evaluations search longer; fewer or narrower --vary search less space"


def bound_failures(ds: xr.Dataset) -> list[str]:
    """What fails: too few searches that agree, checks of the best point, where the method is then no evidence."""
    facts = json.loads(str(ds.attrs["bound"]))
    lines = [
        f"{c['name']} is {c['value']:.3g} at the best point: {ds.attrs['method']} is no evidence there"
        for c in json.loads(str(ds.attrs["optimum_audit"]))
        if not c["passed"] and c["name"] != AGREEMENT
    ]
    if not facts["complete"]:
        lines.append(
            f"{AGREEMENT} FAILED: {facts['agreed']} of {facts['starts']} searches end at the largest value, {AGREEING} must"
        )
    return lines


def stored_curves(path: Path) -> xr.Dataset:
    """Measured curves that `chirospin measured --out` wrote.

    Raises
    ------
    ModelError : another kind of file
    """
    if path.suffix not in (results.NETCDF, results.ZARR):
        raise ModelError(
            f"Measured curves must be a result that `chirospin measured FILES --out m.nc` wrote, but are {path.name}"
        )
    ds = results.load(path)
    if not is_measured(ds):
        raise ModelError(f"{path} holds {ds.attrs.get('family', 'no result')}, no measured curves")
    return ds
