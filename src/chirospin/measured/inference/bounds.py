"""The largest polarisation that a mechanism reaches within bounds, and what it means for measured curves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model
from chirospin.base.units import plain_conversion
from chirospin.measured.analysis import Analysis, analysis_of
from chirospin.measured.curves import curves_of
from chirospin.measured.estimates import ALPHA
from chirospin.measured.inference.quantity import BIASED, measured_polarisation
from chirospin.measured.inference.ranges import Sourced, shown_range, source_of
from chirospin.points.gradient import held
from chirospin.points.optimise import AGREEING, Limit, Range, objective, optimise

STARTS, SCREENED, EVALUATIONS, HOPS = 8, 256, 120, 10
MARGIN = 1.2
"""A measured polarisation is out of reach from this multiple of the bound on: searches end 2 % apart at best."""
ON_END = 0.01
"""Of a range: nearer to its end a parameter sits on the bound."""
CANNOT, CAN, UNDECIDED, INCOMPLETE = (
    "cannot explain within these bounds",
    "can explain",
    "undecided",
    "search incomplete",
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The measured \\|P\\| that a mechanism must reach.

    Parameters
    ----------
    low, high : ends that hold together for all enantiomers in 95 % of sets
    current : geometric mean of the currents of both magnetisations; ``unit`` is A, or A/cm2
    """

    kind: str
    bias: float
    low: float
    high: float
    current: float
    unit: str


def seen_in(ds: xr.Dataset, bias: float | None = None) -> Seen:
    """What a set of measured curves asks of a mechanism at its verdict bias.

    The shape where every enantiomer has one, for area, tip and drift cancel in it and reciprocity leaves
    nothing of P at V = 0; else the geometric means.

    Raises
    ------
    ModelError : no curves of both magnetisations, too few contacts, no usable bias
    """
    analysis = analysis_of(curves_of(ds), bias)
    if not analysis.tested:
        raise ModelError("The curves have fewer than 2 contacts of each magnetisation: no interval")
    kind = "shape" if set(analysis.shaped) == set(analysis.tested) else "geometric"
    ends = [_ends(analysis, e, kind, len(analysis.tested)) for e in analysis.tested]
    mean = [
        analysis.contacts[e].mean(analysis.log_current)[:, analysis.verdict].mean()
        for e in analysis.tested
    ]
    return Seen(
        kind=kind,
        bias=analysis.bias,
        low=max(low for low, _ in ends),
        high=max(high for _, high in ends),
        current=float(np.exp(np.mean(mean))),
        unit=str(ds["current"].attrs.get("units", "A")),
    )


def _ends(analysis: Analysis, enantiomer: str, kind: str, count: int) -> tuple[float, float]:
    """Smallest and largest \\|P\\| of an enantiomer."""
    values = analysis.shape if kind == "shape" else analysis.log_current
    assert values is not None
    estimate = analysis.contacts[enantiomer].difference(values[:, [analysis.verdict]])
    low, high = (float(np.tanh(x[0] / 2)) for x in estimate.interval(1 - ALPHA / count))
    return max(low, -high, 0.0), max(abs(low), abs(high))


def largest_polarisation(
    problem: Problem,
    model: Model,
    ranges: Sequence[Range],
    method: Method | str | None = None,
    *,
    curves: xr.Dataset | None = None,
    bias: float | None = None,
    within: float | None = None,
    limits: Sequence[Limit] = (),
    sources: Sequence[Sourced] = (),
    starts: int = STARTS,
    screen: int = SCREENED,
    evaluations: int = EVALUATIONS,
    hops: int = HOPS,
    seed: int = 0,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""The largest \|P\| of the measured current within ranges, where the method passes the checks of its states.

    Second order far off resonance, where it carries no current of its own and \|P\| is one of rounding, is left out.

    Parameters
    ----------
    curves : measured curves; the model is then taken at their verdict bias, where it has one
    bias : verdict bias, V
    within : the factor by which the model's mean current may differ from the measured one
    limits : what must hold beside
    sources : where ranges come from
    store : folder in which a stopped search goes on

    Returns
    -------
    The result of :func:`chirospin.points.optimise.optimise`, with the facts of :func:`bound_facts` as
    the attribute ``bound``

    Raises
    ------
    ModelError : a mechanism without currents of both magnetisations, curves that cannot be used
    ConvergenceError : no search found a value
    """
    wanted = measured_polarisation(problem)
    seen = None if curves is None else seen_in(curves, bias)
    if seen is not None and BIASED in type(model).model_fields:
        model = held(model, bias=seen.bias)
        ranges = [one for one in ranges if one.name != BIASED]
    if within is not None:
        limits = [*limits, _of_current(problem, model, seen, within)]
    ds = optimise(
        problem,
        model,
        f"abs({wanted.name})",
        ranges,
        method,
        limits=limits,
        checks=[check for check in problem.checks if not check.needs],
        starts=starts,
        screen=screen,
        evaluations=evaluations,
        hops=hops,
        seed=seed,
        store=store,
        progress=progress,
    )
    facts = bound_facts(ds, model, ranges, seen, sources) | {
        "limits": [_shown_limit(x) for x in limits]
    }
    return ds.assign_attrs(bound=json.dumps(facts))


def _of_current(problem: Problem, model: Model, seen: Seen | None, within: float) -> Limit:
    if seen is None:
        raise ModelError(
            "Option --within must come with measured curves, whose current it compares"
        )
    if not (np.isfinite(within) and within > 1):
        raise ModelError(f"Option --within must be a factor > 1, but is {within:g}")
    goal = objective(problem, model, "abs(mean_current)")
    unit = goal.factors[0].observable.unit
    factor = plain_conversion(seen.unit, unit)
    if factor is None:
        raise ModelError(
            f"Option --within must compare currents of one contact, but the curves are in {seen.unit} "
            f"and the model in {unit}"
        )
    middle = seen.current * factor
    return Limit(goal=goal, low=middle / within, high=middle * within)


def _shown_limit(limit: Limit) -> dict[str, Any]:
    unit = limit.goal.factors[0].observable.unit
    return {"of": limit.goal.text, "low": limit.low, "high": limit.high, "unit": unit}


def bound_facts(
    ds: xr.Dataset,
    model: Model,
    ranges: Sequence[Range],
    seen: Seen | None,
    sources: Sequence[Sourced],
) -> dict[str, Any]:
    """The bound, where it lies, how many searches agree, and the verdict, as plain values."""
    paths = ds["path_objective"].values
    best = float(np.nanmax(paths))
    start, place = np.argwhere(paths == best)[0]
    ends = [float(np.nanmax(row)) if np.isfinite(row).any() else None for row in paths]
    complete = int(ds.attrs["agreed"]) >= AGREEING
    return {
        "largest": best,
        "agreed": int(ds.attrs["agreed"]),
        "starts": len(paths),
        "complete": complete,
        "ends": ends,
        "evaluations": int(np.isfinite(ds[f"path_{ranges[0].name}"].values).sum()),
        "at": {
            r.name: {
                "value": float(ds[f"path_{r.name}"].values[start, place]),
                "unit": model.parameter_info(r.name).unit,
                "end": _end(r, float(ds[f"path_{r.name}"].values[start, place])),
                "source": source_of(r, sources),
                **shown_range(r),
            }
            for r in ranges
        },
        "measured": None if seen is None else asdict(seen),
        "verdict": verdict(best, complete=complete, seen=seen),
    }


def _end(span: Range, value: float) -> str:
    share = span.share(value)
    return "lower end" if share < ON_END else "upper end" if share > 1 - ON_END else ""


def verdict(best: float, *, complete: bool, seen: Seen | None) -> str:
    """What a bound says of measured curves; empty without curves where the search is complete."""
    if not complete:
        return INCOMPLETE
    if seen is None:
        return ""
    if seen.low > MARGIN * best:
        return CANNOT
    return CAN if seen.high < best else UNDECIDED
