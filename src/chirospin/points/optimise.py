"""Inverse design: the parameters that make a figure of merit largest, from several starts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Derivatives, Problem
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, checked, nearest
from chirospin.base.solve import solve
from chirospin.points.design import checked_seed
from chirospin.points.gradient import derivatives, held, value_of_parameter

Array = NDArray[np.float64]
_FACTOR = re.compile(r"(abs\()?\s*([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?\s*(\))?\s*")
FORMS = "NAME, abs(NAME), NAME[label], or a product of these"
IMPROVEMENT = 1e-10  # relative change of the objective at which a search ends
ENDED = {0: "converged", 2: "stopped: no better value along the last direction"}  # L-BFGS-B


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One factor of an objective: an entry of an observable, or its size."""

    observable: Observable
    where: tuple[int, ...]
    absolute: bool

    def value_and_slope(self, values: Array, slopes: Array) -> tuple[float, Array]:
        """The factor and its derivatives; ``slopes`` has the parameters first."""
        value = float(values[self.where])
        place: Any = (slice(None), *self.where)
        slope = np.asarray(slopes[place])
        sign = -1.0 if self.absolute and value < 0 else 1.0
        return sign * value, sign * slope


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A product of factors; nothing is evaluated as code."""

    text: str
    factors: tuple[Factor, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Observables it needs."""
        return tuple(dict.fromkeys(one.observable.name for one in self.factors))

    def value_and_slope(self, model: Model, found: Derivatives) -> tuple[float, Array]:
        """The objective and its derivatives by the varied parameters."""
        parts = [
            one.value_and_slope(
                np.asarray(one.observable(model, found.state)), found.values[one.observable.name]
            )
            for one in self.factors
        ]
        value = float(np.prod([v for v, _ in parts]))
        slope = np.zeros_like(parts[0][1])
        for n, (_, own) in enumerate(parts):
            others = np.prod([v for k, (v, _) in enumerate(parts) if k != n])
            slope = slope + own * others
        return value, slope


def objective(problem: Problem, model: Model, text: str) -> Objective:
    """Read an objective: ``spin_polarisation``, ``abs(spin_polarisation)*mean_current``, ``current[up]``.

    Raises
    ------
    ModelError : another form, an unknown observable or label, or an observable that is not one number
    """
    labels = problem.labels(model)
    factors = []
    for part in text.split("*"):
        match = _FACTOR.fullmatch(part.strip())
        if match is None or bool(match[1]) != bool(match[4]):
            raise ModelError(f"Objective must be {FORMS}, but is {text!r}")
        (one,) = problem.choose((match[2],))
        given = [word.strip() for word in (match[3] or "").split(",") if word.strip()]
        if len(given) != len(one.dims):
            need = f"{one.name}[{', '.join(one.dims)}]" if one.dims else one.name
            raise ModelError(f"Objective must name one number, as in {need}, but is {text!r}")
        where = tuple(
            _place(one.name, word, labels[dim]) for word, dim in zip(given, one.dims, strict=True)
        )
        factors.append(Factor(observable=one, where=where, absolute=bool(match[1])))
    return Objective(text=text, factors=tuple(factors))


def _place(name: str, word: str, labels: Sequence[Any]) -> int:
    words = [str(label) for label in labels]
    if word not in words:
        raise ModelError(f"Observable `{name}` has no label {word!r}; {nearest(word, words)}")
    return words.index(word)


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where one parameter may move; ``ratio`` searches in its logarithm."""

    name: str
    low: float
    high: float
    ratio: bool = False

    def value(self, share: float) -> float:
        """The parameter at a share between 0 and 1 of the way."""
        share = min(max(share, 0.0), 1.0)
        if self.ratio:
            return float(self.low * (self.high / self.low) ** share)
        return float(self.low + (self.high - self.low) * share)

    def share(self, value: float) -> float:
        """The inverse of :meth:`value`, cut to the range."""
        if self.ratio:
            found = np.log(max(value, self.low) / self.low) / np.log(self.high / self.low)
        else:
            found = (value - self.low) / (self.high - self.low)
        return float(min(max(found, 0.0), 1.0))

    def stretch(self, share: float) -> float:
        """d value / d share."""
        if self.ratio:
            return float(self.value(share) * np.log(self.high / self.low))
        return self.high - self.low


def search_range(model: Model, name: str, low: float, high: float, *, ratio: bool = False) -> Range:
    """A checked range.

    Raises
    ------
    ModelError : not a real parameter, ends outside the allowed range or in the wrong order
    """
    info = model.parameter_info(name)
    for member in model.shorthands.get(name, (name,)):
        value_of_parameter(model, member)
    ends = [float(checked(info, end)) for end in (low, high)]
    if not ends[0] < ends[1] or (ratio and ends[0] <= 0):
        raise ModelError(
            f"Range of `{name}` must be LOW:HIGH with LOW < HIGH ({info.unit_words})"
            + (", both > 0 for :log" if ratio else "")
            + f", but is {ends[0]:g}:{ends[1]:g}"
        )
    return Range(name=name, low=ends[0], high=ends[1], ratio=ratio)


@dataclass(kw_only=True)
class _Search:
    """One start: every evaluation, in order, and why it ended."""

    parameters: list[Array] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    reason: str = ""


def optimise(
    problem: Problem,
    model: Model,
    text: str,
    ranges: Sequence[Range],
    method: Method | str | None = None,
    *,
    largest: bool = True,
    starts: int = 4,
    evaluations: int = 60,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Vary parameters within ranges until an objective is largest (or smallest).

    A quasi-Newton search within bounds runs from the model itself and from further starts drawn as a
    Latin hypercube. Derivatives come from the method's adjoint solve where it has one.

    Parameters
    ----------
    text : the objective, see :func:`objective`
    starts : searches; the first begins at the model where that lies in the ranges
    evaluations : most evaluations of one search

    Returns
    -------
    The result at the best point, as of :func:`chirospin.base.solve.solve`, with the path of every
    search (``path_objective`` and ``path_NAME`` by start and evaluation) and the audit of the optimum.

    Raises
    ------
    ConvergenceError : no start gave a value

    References
    ----------
    byrd_lu_nocedal_zhu_1995
    """
    goal = objective(problem, model, text)
    chosen = method if isinstance(method, Method) else problem.method(method)()
    if not ranges:
        raise ModelError("At least one parameter must be varied")
    checked_seed(seed)
    sign = -1.0 if largest else 1.0
    searches = []
    for n, start in enumerate(_starts(model, ranges, starts, seed)):
        searches.append(_search(problem, model, chosen, goal, ranges, start, sign, evaluations))
        if progress is not None:
            progress(n + 1, starts)
    best = _best(searches, sign)
    if best is None:
        reason = searches[0].reason or "the objective is undefined"
        from chirospin.base.outcome import Outcome

        none = Outcome(converged=False, residual=float("nan"), iterations=0, reason=reason)
        raise ConvergenceError(f"no start led to a value of {text}: {reason}", none)
    at = {r.name: float(x) for r, x in zip(ranges, best, strict=True)}
    optimum = held(model, **at)
    result = solve(problem, optimum, chosen)
    return _with_paths(result, searches, ranges, goal, largest, _audited(problem, optimum, chosen))


def _starts(model: Model, ranges: Sequence[Range], count: int, seed: int) -> list[Array]:
    from scipy.stats import qmc

    drawn = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(seed)).random(max(count, 1))
    starts = [np.asarray(row) for row in drawn]
    try:
        here = [value_of_parameter(model, r.name) for r in ranges]
    except ModelError:  # a shorthand whose members differ has no value to start from
        return starts
    if all(r.low <= x <= r.high for r, x in zip(ranges, here, strict=True)):
        starts[0] = np.array([r.share(x) for r, x in zip(ranges, here, strict=True)])
    return starts


def _search(
    problem: Problem,
    model: Model,
    method: Method,
    goal: Objective,
    ranges: Sequence[Range],
    start: Array,
    sign: float,
    evaluations: int,
) -> _Search:
    from scipy.optimize import minimize

    path = _Search()
    names = [r.name for r in ranges]

    def down(shares: Array) -> tuple[float, Array]:
        if len(path.values) >= evaluations:
            raise _NoValueError("the limit of evaluations was reached")
        at = {r.name: r.value(float(s)) for r, s in zip(ranges, shares, strict=True)}
        here = held(model, **at)
        found = derivatives(problem, here, method, names, goal.names)
        value, slope = goal.value_and_slope(here, found)
        if not np.isfinite(value):
            raise _NoValueError("the objective is undefined here: no current flows")
        path.parameters.append(np.array([at[name] for name in names]))
        path.values.append(value)
        stretch = np.array([r.stretch(float(s)) for r, s in zip(ranges, shares, strict=True)])
        return sign * value, sign * slope * stretch

    try:
        found = minimize(
            down,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * len(ranges),
            options={"ftol": IMPROVEMENT, "gtol": 1e-9},
        )
        path.reason = ENDED.get(int(found.status), str(found.message))
    except (ConvergenceError, _NoValueError) as error:
        path.reason = f"stopped: {error}"
    return path


class _NoValueError(ArithmeticError):
    """The objective has no value at a point, or none that may be asked for."""


def _best(searches: Sequence[_Search], sign: float) -> Array | None:
    found = [
        (sign * value, n, k)
        for n, path in enumerate(searches)
        for k, value in enumerate(path.values)
    ]
    if not found:
        return None
    _, n, k = min(found)
    return searches[n].parameters[k]


def _audited(problem: Problem, model: Model, method: Method) -> list[dict[str, Any]]:
    ran = [audit.run(model, method) for audit in problem.audits]
    return [
        {"name": c.name, "value": c.value, "tolerance": c.tolerance, "passed": c.passed}
        for c in ran
        if c is not None
    ]


def _with_paths(
    result: xr.Dataset,
    searches: Sequence[_Search],
    ranges: Sequence[Range],
    goal: Objective,
    largest: bool,
    audit: list[dict[str, Any]],
) -> xr.Dataset:
    longest = max(len(path.values) for path in searches)

    def padded(rows: Sequence[Sequence[float]]) -> Array:
        out = np.full((len(rows), longest), np.nan)
        for n, values in enumerate(rows):
            out[n, : len(values)] = values
        return out

    data: Mapping[str, Any] = {
        "path_objective": (("start", "evaluation"), padded([path.values for path in searches])),
        "path_reason": ("start", np.array([p.reason for p in searches], dtype=object)),
        **{
            f"path_{r.name}": (
                ("start", "evaluation"),
                padded([[float(x[k]) for x in path.parameters] for path in searches]),
            )
            for k, r in enumerate(ranges)
        },
    }
    return result.assign(data).assign_attrs(
        objective=goal.text,
        sense="largest" if largest else "smallest",
        varied=", ".join(r.name for r in ranges),
        optimum_audit=json.dumps(audit),
    )
