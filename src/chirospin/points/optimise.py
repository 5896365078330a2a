"""Inverse design: the parameters that make a figure of merit largest.

A screen of points spread over the ranges finds where it is large; gradient searches begin at the best of them that
lie apart. How many searches end at the same best value is the evidence that it is the largest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Derivatives, Problem
from chirospin.base.method import Method, Needs
from chirospin.base.observables import Observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, checked, nearest
from chirospin.base.parts import states_with_parts
from chirospin.base.solve import solve
from chirospin.points.design import checked_seed
from chirospin.points.gradient import derivatives, held, value_of_parameter
from chirospin.points.kept import KeptPlaces, content_name

Array = NDArray[np.float64]
_FACTOR = re.compile(r"(abs\()?\s*([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?\s*(\))?\s*")
FORMS = "NAME, abs(NAME), NAME[label], or a product of these"
IMPROVEMENT = 1e-10  # relative change of the objective at which a search ends
SCREENED = (
    128  # points of the screen: alone it stays far below the optimum, as a choice of starts it does
)
STARTS = 6
APART = 0.15  # of the diagonal of the ranges, between starts: nearer ones climb the same hill
ALIKE = 0.02  # of the best value: ends that agree
AGREEMENT = "agreement"
AGREEING = 3  # searches at least that must end there; fewer have not shown that nothing is larger
ENDED = {0: "converged", 2: "stopped: no better value along the last direction"}  # L-BFGS-B
ENDED_WITHIN = {0: "converged", 8: ENDED[2]}  # SLSQP
FEASIBLE = 1e-6  # of a limit that may be crossed by rounding
SHARE_STEP = 1e-4  # of a range, between points of a difference; a resonance is some 1e-3 of it wide
HOPS = (0.05, 0.5)  # of a range: standard deviation of the shortest hops and of the longest
WARM = (
    0.1  # of ln of a size, or of a value at the start: how much worse a place a search goes on from
)
COARSE = 1e-5  # change at which a search among many hops ends
WALL = 50.0  # height where the objective has no value: a search turns back


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
        return tuple(dict.fromkeys(factor.observable.name for factor in self.factors))

    def value(self, model: Model, state: Any) -> float:
        """The objective at a state with the parts that its observables need."""
        entries = [float(np.asarray(f.observable(model, state))[f.where]) for f in self.factors]
        return float(
            np.prod(
                [abs(x) if f.absolute else x for f, x in zip(self.factors, entries, strict=True)]
            )
        )

    def value_and_slope(self, model: Model, slopes: Derivatives) -> tuple[float, Array]:
        """The objective and its derivatives by the varied parameters."""
        parts = [
            factor.value_and_slope(
                np.asarray(factor.observable(model, slopes.state)),
                slopes.values[factor.observable.name],
            )
            for factor in self.factors
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
        (factor,) = problem.choose((match[2],))
        given = [word.strip() for word in (match[3] or "").split(",") if word.strip()]
        if len(given) != len(factor.dims):
            need = f"{factor.name}[{', '.join(factor.dims)}]" if factor.dims else factor.name
            raise ModelError(f"Objective must name one number, as in {need}, but is {text!r}")
        where = tuple(
            _place(factor.name, word, labels[dim])
            for word, dim in zip(given, factor.dims, strict=True)
        )
        factors.append(Factor(observable=factor, where=where, absolute=bool(match[1])))
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
            share = np.log(max(value, self.low) / self.low) / np.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return float(min(max(share, 0.0), 1.0))

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


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What an objective of another kind, always positive, must lie between.

    Parameters
    ----------
    low, high : ends in its own unit; 0 and infinity where there is none
    """

    goal: Objective
    low: float = 0.0
    high: float = np.inf

    @property
    def ends(self) -> tuple[tuple[float, float], ...]:
        """Each finite end with the sign of the side that is allowed."""
        pairs = ((self.low, 1.0), (self.high, -1.0))
        return tuple((end, sign) for end, sign in pairs if 0 < end < np.inf)

    def margins(self, value: float) -> Array:
        """How far inside each end a value lies, in its logarithm; minus infinity without a value."""
        if not value > 0:
            return np.full(len(self.ends), -np.inf)
        return np.array([sign * np.log(value / end) for end, sign in self.ends])

    def slopes(self, value: float, slope: Array) -> Array:
        """Derivatives of the margins, (end, parameter)."""
        return np.array([sign * slope / value for _, sign in self.ends]).reshape(-1, len(slope))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point of a landscape: signed objective and margins of the limits, with derivatives by the shares."""

    height: float
    slope: Array
    margins: Array
    margin_slopes: Array

    @property
    def allowed(self) -> bool:
        """Whether every limit is kept."""
        return bool((self.margins >= -FEASIBLE).all())


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """An objective over the unit cube of shares of the ranges, to be made smallest.

    Parameters
    ----------
    sign : -1 where the objective is to be largest
    limits : what must hold beside
    checks : of a state, without which its value does not count
    kept : what an earlier run found
    """

    problem: Problem
    model: Model
    method: Method
    goal: Objective
    ranges: tuple[Range, ...]
    sign: float
    limits: tuple[Limit, ...] = ()
    checks: tuple[Check, ...] = ()
    kept: KeptPlaces = field(default_factory=lambda: KeptPlaces(None))

    @property
    def goals(self) -> tuple[Objective, ...]:
        """The objective, and those of the limits."""
        return (self.goal, *(limit.goal for limit in self.limits))

    @property
    def content(self) -> str:
        """A name for all that decides what is found at a point."""
        return content_name(
            self.problem.path,
            self.model,
            self.method,
            self.goal.text,
            self.ranges,
            [(limit.goal.text, limit.low, limit.high) for limit in self.limits],
            [check.name for check in self.checks],
        )

    @property
    def of_size(self) -> bool:
        """Whether a size is to be largest: its logarithm is then climbed, for it spans decades."""
        return self.sign < 0 and all(factor.absolute for factor in self.goal.factors)

    def values(self, shares: Array) -> dict[str, float]:
        """Parameters at a point of the cube."""
        return {r.name: r.value(float(s)) for r, s in zip(self.ranges, shares, strict=True)}

    def sizes(self, points: Array) -> Array:
        """Objective and what the limits limit at several points, (point, goal); NaN where there is none."""
        wanted = [factor.observable for goal in self.goals for factor in goal.factors]
        needs = self.problem.value_needs(wanted)
        # one by one: a point that takes long would hold up a batch
        return np.array([self._size(shares, needs) for shares in points])

    def _size(self, shares: Array, needs: Needs) -> Array:
        known = self.kept.get("size", shares)
        if known is not None:
            return known[0]
        model, numbers = held(self.model, **self.values(shares)), np.full(len(self.goals), np.nan)
        (state,) = states_with_parts(self.problem.parts, self.method, [model], needs)
        if state.outcome.converged and self.sound(model, state):
            numbers = np.array([goal.value(model, state) for goal in self.goals])
        self.kept.put("size", shares, [numbers])
        return numbers

    def sound(self, model: Model, state: Any) -> bool:
        """Whether a state passes the checks."""
        evaluated = ((check, check.evaluate(model, state)) for check in self.checks)
        return all(value is None or check.judge(value) for check, value in evaluated)

    def heights(self, points: Array) -> Array:
        """Signed objective at several points, shape (point,); infinite where there is none.

        Points outside the limits come behind all others, in the order of how far outside they are.
        """
        sizes = self.sizes(points)
        heights = self.sign * sizes[:, 0]
        outside = np.zeros(len(points))
        for n, row in enumerate(sizes[:, 1:]):
            margins = [limit.margins(value) for limit, value in zip(self.limits, row, strict=True)]
            outside[n] = -np.concatenate([[0.0], *margins]).min()
        known = np.isfinite(heights) & np.isfinite(outside)
        if self.limits and known.any():
            behind = np.abs(heights[known]).max() * (2 + outside)
            heights = np.where(outside > FEASIBLE, behind, heights)
        return np.where(known, heights, np.inf)

    def place(self, shares: Array) -> Place:
        """Signed objective and margins with their derivatives by the shares."""
        values, slopes = self._kept_adjoint(shares) or self._differences(shares)
        margins = [limit.margins(v) for limit, v in zip(self.limits, values[1:], strict=True)]
        margin_slopes = [
            limit.slopes(v, s)
            for limit, v, s in zip(self.limits, values[1:], slopes[1:], strict=True)
        ]
        return Place(
            height=self.sign * values[0],
            slope=self.sign * slopes[0],
            margins=np.concatenate([np.zeros(0), *margins]),
            margin_slopes=np.concatenate([np.zeros((0, len(shares))), *margin_slopes]),
        )

    def _kept_adjoint(self, shares: Array) -> tuple[list[float], list[Array]] | None:
        if self.method.name not in self.problem.gradients:
            return None
        known = self.kept.get("slope", shares)
        if known is not None:
            return known[0].tolist(), known[1:]
        slope = self._adjoint(shares)
        if slope is not None:
            self.kept.put("slope", shares, [np.array(slope[0]), *slope[1]])
        return slope

    def _adjoint(self, shares: Array) -> tuple[list[float], list[Array]] | None:
        """Goals and their slopes by the method's own way; None where it has none."""
        values = self.values(shares)
        moved = held(self.model, **values)
        names = tuple(dict.fromkeys(name for goal in self.goals for name in goal.names))
        derived = derivatives(self.problem, moved, self.method, list(values), names)
        if not set(names) <= set(derived.values):
            return None
        if not self.sound(moved, derived.state):
            nothing = [np.full(len(shares), np.nan)] * len(self.goals)
            return [float("nan")] * len(self.goals), nothing
        stretch = np.array([r.stretch(float(s)) for r, s in zip(self.ranges, shares, strict=True)])
        told = [goal.value_and_slope(moved, derived) for goal in self.goals]
        return [value for value, _ in told], [slope * stretch for _, slope in told]

    def _differences(self, shares: Array) -> tuple[list[float], list[Array]]:
        """The same from a point beside for each range, inwards: a step suits the range, not the unit."""
        steps = np.where(shares < 0.5, SHARE_STEP, -SHARE_STEP)
        sizes = self.sizes(np.vstack([shares, shares + np.diag(steps)]))
        slopes = (sizes[1:] - sizes[0]) / steps[:, None]
        return sizes[0].tolist(), list(slopes.T)


@dataclass(kw_only=True)
class _Search:
    """One start: every evaluation, in order, NaN where a limit is crossed, and why it ended."""

    parameters: list[Array] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    reason: str = ""
    scale: float = 0.0


def optimise(
    problem: Problem,
    model: Model,
    text: str,
    ranges: Sequence[Range],
    method: Method | str | None = None,
    *,
    limits: Sequence[Limit] = (),
    checks: Sequence[Check] = (),
    largest: bool = True,
    starts: int = STARTS,
    screen: int = SCREENED,
    evaluations: int = 60,
    hops: int = 0,
    seed: int = 0,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Vary parameters within ranges until an objective is largest (or smallest).

    A quasi-Newton search within bounds runs from the model itself and from the best points of a Sobol
    sequence that lie apart. Derivatives come from the method's adjoint solve where it has one. A size, ``abs()``,
    that is to be largest is climbed in its logarithm.

    Parameters
    ----------
    text : the objective, see :func:`objective`
    limits : what must hold beside; a search then goes by sequential quadratic programmes
    checks : that a state must pass, or its value does not count
    starts : searches; the first begins at the model where that lies in the ranges
    screen : points of the sequence, raised to a power of two; 0 draws the starts blindly
    evaluations : most evaluations of one search
    hops : how often a search that has ended goes on from there, moved at random (basin hopping)
    store : folder that keeps what was found at every point: the same search goes on where it was stopped

    Returns
    -------
    The result at the best point, as of :func:`chirospin.base.solve.solve`, with the path of every
    search (``path_objective`` and ``path_NAME`` by start and evaluation), the number of searches that
    ``agreed`` on the best value, and the audit of the optimum. Fewer than three that agree leave it
    open whether something is larger: the check ``agreement`` fails.

    Raises
    ------
    ConvergenceError : no start gave a value

    References
    ----------
    byrd_lu_nocedal_zhu_1995, kraft_1994, wales_doye_1997
    """
    if not ranges:
        raise ModelError("At least one parameter must be varied")
    checked_seed(seed)
    land = Landscape(
        problem=problem,
        model=model,
        method=method if isinstance(method, Method) else problem.method(method, model)(),
        goal=objective(problem, model, text),
        ranges=tuple(ranges),
        sign=-1.0 if largest else 1.0,
        limits=tuple(limits),
        checks=tuple(checks),
    )
    if store is not None:
        land = replace(land, kept=KeptPlaces(store / f"search-{land.content}.jsonl"))
    report = progress or (lambda _done, _total: None)
    searches = []
    for n, start in enumerate(_starts(land, max(starts, 1), screen, seed)):
        searches.append(_search(land, start, evaluations, hops, [seed, n]))
        report(n + 1, starts)
    best = _best(searches, land.sign)
    if best is None:
        outside = any(path.values for path in searches)
        reason = "no point within the limits was found" if outside else searches[0].reason
        reason = reason or "the objective is undefined"
        none = Outcome(converged=False, residual=float("nan"), iterations=0, reason=reason)
        raise ConvergenceError(f"no start led to a value of {text}: {reason}", none)
    optimum = held(model, **{r.name: float(x) for r, x in zip(ranges, best, strict=True)})
    result = solve(problem, optimum, land.method)
    audit = _audited(problem, optimum, land.method)
    return _with_paths(result, searches, land, audit)


def _starts(land: Landscape, count: int, screen: int, seed: int) -> list[Array]:
    """Where searches begin: at the model, then at the best points of a screen that lie apart."""
    from scipy.stats import qmc

    size, rng = len(land.ranges), np.random.default_rng(seed)
    own = _own_place(land)
    if own is not None and screen and not np.isfinite(land.heights(own[None])[0]):
        own = None  # nothing to climb from: the screen has better places
    starts = [] if own is None else [own]
    if screen and len(starts) < count:
        power = int(np.ceil(np.log2(max(screen, count))))
        points = qmc.Sobol(size, rng=rng).random_base2(power)
        heights = land.heights(points)
        for place in np.argsort(heights, kind="stable"):
            distances = [float(np.linalg.norm(points[place] - start)) for start in starts]
            apart = min(distances, default=np.inf) > APART * np.sqrt(size)
            if apart and np.isfinite(heights[place]) and len(starts) < count:
                starts.append(points[place])
    blind = qmc.LatinHypercube(size, rng=rng).random(count)
    return [*starts, *blind[len(starts) :]]


def _own_place(land: Landscape) -> Array | None:
    """The model itself in the cube, or None where it lies outside."""
    try:
        present = [value_of_parameter(land.model, r.name) for r in land.ranges]
    except ModelError:  # a shorthand whose members differ has no value to start from
        return None
    pairs = list(zip(land.ranges, present, strict=True))
    inside = all(r.low <= x <= r.high for r, x in pairs)
    return np.array([r.share(x) for r, x in pairs]) if inside else None


@dataclass
class _Climber:
    """The landscape as a search sees it: every place is looked at once, and kept."""

    land: Landscape
    path: _Search
    evaluations: int
    seen: dict[bytes, Place] = field(default_factory=dict)

    def place(self, shares: Array) -> Place:
        """A place; the search ends where there are no more evaluations, or where it begins without a value."""
        key = np.asarray(shares).tobytes()
        if key not in self.seen:
            if len(self.path.values) >= self.evaluations:
                raise _NoValueError("the limit of evaluations was reached")
            self.seen[key] = self._looked_at(np.asarray(shares))
        return self.seen[key]

    def _looked_at(self, shares: Array) -> Place:
        try:
            place = self.land.place(shares)
        except ConvergenceError:
            if not self.path.values:
                raise
            place = None
        numbers = [] if place is None else [place.height, *place.slope, *place.margins]
        defined = place is not None and bool(np.isfinite(numbers).all())
        if not defined and not self.path.values:
            raise _NoValueError("the objective is undefined here: no current flows")
        self.path.parameters.append(np.array(list(self.land.values(shares).values())))
        if place is None or not defined:
            self.path.values.append(np.nan)
            nothing = np.zeros(len(shares))
            ends = sum(len(limit.ends) for limit in self.land.limits)
            return Place(
                height=np.inf,
                slope=nothing,
                margins=np.full(ends, -1.0),
                margin_slopes=np.zeros((ends, len(shares))),
            )
        self.path.values.append(self.land.sign * place.height if place.allowed else np.nan)
        self.path.scale = self.path.scale or abs(place.height) or 1.0
        return place

    def down(self, shares: Array) -> tuple[float, Array]:
        """What is made smallest: -ln of a size, else the objective in units of its value at the start."""
        place, scale = self.place(shares), self.path.scale
        if not np.isfinite(place.height):
            return WALL, place.slope
        if self.land.of_size and place.height < 0:
            return -np.log(-place.height / scale), place.slope / -place.height
        return place.height / scale, place.slope / scale

    def inside(self, shares: Array) -> Array:
        """Margins of the limits."""
        return self.place(shares).margins

    def inside_slopes(self, shares: Array) -> Array:
        """Their derivatives."""
        return self.place(shares).margin_slopes

    def settings(self, accuracy: float) -> dict[str, Any]:
        """Of SciPy's search: dense second derivatives for a size, whose ridges are narrow, and within limits."""
        box = [(0.0, 1.0)] * len(self.land.ranges)
        common: dict[str, Any] = {"jac": True, "bounds": box}
        if not (self.land.limits or self.land.of_size):
            return common | {"method": "L-BFGS-B", "options": {"ftol": accuracy, "gtol": 1e-9}}
        within = {"type": "ineq", "fun": self.inside, "jac": self.inside_slopes}
        return common | {
            "method": "SLSQP",
            "options": {"ftol": accuracy, "maxiter": self.evaluations},
            "constraints": [within] if self.land.limits else [],
        }


@dataclass
class _Hop:
    """A random step of any length within the cube, thrown back at its walls."""

    rng: np.random.Generator

    def __call__(self, shares: Array) -> Array:
        length = HOPS[0] * (HOPS[1] / HOPS[0]) ** self.rng.random()
        moved = np.abs(shares + length * self.rng.normal(size=shares.shape))
        return np.asarray(np.clip(np.where(moved > 1, 2 - moved, moved), 0, 1))


def _search(land: Landscape, start: Array, evaluations: int, hops: int, seed: Any) -> _Search:
    """One search from a start; with hops it goes on from where it ended, moved at random."""
    from scipy.optimize import basinhopping, minimize

    path = _Search()
    climber = _Climber(land, path, evaluations)
    try:
        if hops:
            rng = np.random.default_rng(seed)
            basinhopping(
                climber.down,
                start,
                niter=hops,
                T=WARM,
                take_step=_Hop(rng),
                rng=rng,
                minimizer_kwargs=climber.settings(COARSE),
            )
            path.reason = f"ended after {hops} hops"
        else:
            settings = climber.settings(IMPROVEMENT)
            minimum = minimize(climber.down, start, **settings)
            words = ENDED if settings["method"] == "L-BFGS-B" else ENDED_WITHIN
            path.reason = words.get(int(minimum.status), str(minimum.message))
    except (ConvergenceError, _NoValueError) as error:
        path.reason = f"stopped: {error}"
    return path


class _NoValueError(ArithmeticError):
    """The objective has no value at a point, or none that may be asked for."""


def _best(searches: Sequence[_Search], sign: float) -> Array | None:
    ranked = [
        (sign * value, n, k)
        for n, path in enumerate(searches)
        for k, value in enumerate(path.values)
        if np.isfinite(value)
    ]
    if not ranked:
        return None
    _, n, k = min(ranked)
    return searches[n].parameters[k]


def agreed(values: Sequence[float]) -> int:
    """How many of the best values of searches lie within 2 % of the first of them, the best."""
    return sum(abs(value - values[0]) <= ALIKE * abs(values[0]) for value in values)


def _agreement(searches: Sequence[_Search], sign: float) -> int:
    kept = [[sign * v for v in path.values if np.isfinite(v)] for path in searches]
    return agreed(sorted(min(values) for values in kept if values))


def _audited(problem: Problem, model: Model, method: Method) -> list[dict[str, Any]]:
    ran = [audit.run(model, method) for audit in problem.audits]
    return [
        {"name": c.name, "value": c.value, "tolerance": c.tolerance, "passed": c.passed}
        for c in ran
        if c is not None
    ]


def _with_paths(
    result: xr.Dataset, searches: Sequence[_Search], land: Landscape, audit: list[dict[str, Any]]
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
            for k, r in enumerate(land.ranges)
        },
    }
    count = _agreement(searches, land.sign)
    if len(searches) >= AGREEING:
        evidence = {"name": AGREEMENT, "value": count, "tolerance": AGREEING}
        audit = [{**evidence, "passed": count >= AGREEING}, *audit]
    return result.assign(data).assign_attrs(
        objective=land.goal.text,
        sense="largest" if land.sign < 0 else "smallest",
        varied=", ".join(r.name for r in land.ranges),
        agreed=count,
        optimum_audit=json.dumps(audit),
    )
