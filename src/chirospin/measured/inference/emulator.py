"""An expensive model at points spread over its priors, and Gaussian processes between them that know their error."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model
from chirospin.base.parts import states_with_parts
from chirospin.measured.inference.mechanisms import ABOUT, CHANGES, FACTOR, MAGNETISATIONS
from chirospin.measured.inference.priors import Prior, phenomenological
from chirospin.measured.inference.quantity import BIASED, measured_polarisation
from chirospin.measured.inference.reduced import Reduced
from chirospin.points.gradient import held
from chirospin.points.optimise import Range

Real = NDArray[np.float64]
CHUNK = 8
"""Points between two states on disk, for each process."""
FEWEST = 8
"""Points for each parameter: with fewer the error where one is left out is several times too small."""
NUGGET = 1e-8
LARGEST_P = 1 - 1e-9
NEAR, EVERYWHERE = 0.15, 0.02
"""Of the cube: how near a point is that tells the error of another; weight of one anywhere."""
BEGUN = ((0.7, 1e-3), (2.0, 1e-4), (0.3, 1e-2))
"""Lengths and noise from which the likelihood of a process is climbed: one search ends on a poor hill."""
REACH = 4.0
"""Standard deviations of a posterior, within which the points of a refined emulator lie."""
SPREADS = (0.05, 20.0)
"""Lengths of a process, over the cube."""


@dataclass(frozen=True, kw_only=True)
class Expensive:
    """A model with a current of both magnetisations at a bias, over ranges.

    Parameters
    ----------
    solves : how often it was solved, in a list that grows
    """

    problem: Problem
    model: Model
    method: Method
    ranges: tuple[Range, ...]
    sources: tuple[str, ...] = ()
    workers: int = 1
    solves: list[int] = field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        measured_polarisation(self.problem)
        if BIASED not in type(self.model).model_fields:
            raise ModelError(
                f"Mechanism {self.problem.path} has no bias: it gives no curve; chirospin bound compares it at one"
            )

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Uniform over the ranges, or over their logarithms."""
        return tuple(
            Prior(
                name=r.name,
                unit=self.model.parameter_info(r.name).unit,
                low=r.low,
                high=r.high,
                kind="log" if r.ratio else "uniform",
                source=source,
            )
            for r, source in zip(
                self.ranges, self.sources or ("as asked",) * len(self.ranges), strict=True
            )
        )

    def content(self, bias: Real) -> str:
        """A name for model, method, ranges and biases: another data set with them uses the same points."""
        told = {
            "problem": self.problem.path,
            "model": repr(self.model),
            "method": repr(self.method),
            "ranges": repr(self.ranges),
            "bias": np.asarray(bias).round(12).tolist(),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def outputs(self, shares: Real, bias: Real) -> Real:
        """ln of the mean current and artanh P at points of the cube, (point, 2J); NaN without a value."""
        models = [
            held(
                self.model,
                **{r.name: r.value(float(s)) for r, s in zip(self.ranges, row, strict=True)},
                bias=float(V),
            )
            for row in shares
            for V in bias
        ]
        current = next(o for o in self.problem.observables if o.name == "current")
        found = states_with_parts(
            self.problem.parts,
            self.method,
            models,
            self.problem.value_needs([current]),
            workers=self.workers,
        )
        self.solves.append(len(models))
        rows = np.full((len(models), 2), np.nan)
        for n, (model, state) in enumerate(zip(models, found, strict=True)):
            if state.outcome.converged:
                rows[n] = np.asarray(current(model, state)) * np.sign(model_bias(model))
        mean, P = rows.mean(axis=1), (rows[:, 0] - rows[:, 1]) / rows.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            both = np.stack([np.log(mean), np.arctanh(np.clip(P, -LARGEST_P, LARGEST_P))], axis=1)
        shaped: Real = both.reshape(len(shares), len(bias), 2).transpose(0, 2, 1)
        return shaped.reshape(len(shares), -1)


def model_bias(model: Model) -> float:
    """The bias of a model, V."""
    return float(getattr(model, BIASED))


@dataclass(frozen=True, kw_only=True)
class Process:
    """A Gaussian process of one output, squared exponential with one length for each parameter.

    Parameters
    ----------
    lengths : (parameter,), over the cube
    solved : K^-1 (y - mean), (point,)
    left_out : value less prediction where each point is left out, (point,)
    """

    points: Real
    lengths: Real
    mean: float
    scale: float
    solved: Real
    left_out: Real

    def __call__(self, shares: Real) -> Real:
        """The output at points of the cube, (..., parameter) -> (...)."""
        flat = shares.reshape(-1, shares.shape[-1])
        found = self.mean + self.scale * (_kernel(flat, self.points, self.lengths) @ self.solved)
        return np.asarray(found.reshape(shares.shape[:-1]))


def _kernel(one: Real, other: Real, lengths: Real) -> Real:
    apart = np.square(one / lengths).sum(1)[:, None] + np.square(other / lengths).sum(1)
    apart = apart - 2 * (one / lengths) @ (other / lengths).T
    return np.asarray(np.exp(-np.maximum(apart, 0) / 2))


def trained(points: Real, values: Real) -> Process:
    r"""A process whose lengths make what is left out most likely.

    .. math:: y_i - \mu_{-i} = [K^{-1} y]_i / [K^{-1}]_{ii}, \qquad \sigma_{-i}^2 = 1/[K^{-1}]_{ii}

    References
    ----------
    rasmussen_williams_2006, Eqs. (5.10)-(5.12)
    """
    from scipy.optimize import minimize

    size = points.shape[1]
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    y = (values - mean) / scale

    def inverse(x: Real) -> tuple[Real, Real]:
        lengths = np.exp(x[:size])
        K = _kernel(points, points, lengths) + (NUGGET + np.exp(2 * x[size])) * np.eye(len(y))
        root = cholesky(K, lower=True)
        solved = cho_solve((root, True), y)
        half = solve_triangular(root, np.eye(len(y)), lower=True)
        return solved, np.square(half).sum(axis=0)

    def unlikely(x: Real) -> float:
        solved, diagonal = inverse(x)
        amplitude = float(np.mean(solved**2 / diagonal))
        return float(len(y) * np.log(max(amplitude, 1e-300)) - np.log(diagonal).sum()) / 2

    box = [tuple(np.log(SPREADS))] * size + [(np.log(1e-6), np.log(0.3))]
    found = [
        minimize(
            unlikely,
            np.array([*[np.log(length)] * size, np.log(noise)]),
            method="L-BFGS-B",
            bounds=box,
        )
        for length, noise in BEGUN
    ]
    best = min(found, key=lambda one: float(one.fun)).x
    solved, diagonal = inverse(best)
    return Process(
        points=points,
        lengths=np.exp(best[:size]),
        mean=mean,
        scale=scale,
        solved=solved,
        left_out=scale * solved / diagonal,
    )


@dataclass(frozen=True, kw_only=True)
class Emulated:
    """A mechanism of a fit: processes for ln of the mean current and artanh P at every bias.

    Parameters
    ----------
    change : null or factor: its mean current alone, without a P of its own; empty for the model itself
    region : ends of the part of the cube that the points lie in, (2, parameter); outside ``wide`` speaks
    """

    problem: str
    method: str
    ranges: tuple[Range, ...]
    own_priors: tuple[Prior, ...]
    points: Real
    values: Real
    processes: tuple[Process, ...]
    change: str = ""
    region: Real | None = None
    wide: Emulated | None = None

    @property
    def name(self) -> str:
        """As typed, with what stands for its P."""
        return f"{self.problem}.{self.change}" if self.change else self.problem

    @property
    def kind(self) -> str:
        """Null, factor or a model."""
        return self.change or "model"

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Of the ranges, and of the change."""
        return (
            *self.own_priors,
            *(phenomenological(name) for name in CHANGES.get(self.change, ())),
        )

    @property
    def about(self) -> str:
        """What it is."""
        if self.change:
            return f"the mean current of {self.problem}; {ABOUT[self.change]}"
        return f"{self.name} by {self.method}, emulated from {len(self.points)} points"

    @property
    def content(self) -> str:
        """A name for the training set."""
        told = self.points.tobytes() + self.values.tobytes()
        if self.region is not None and self.wide is not None:
            told += self.region.tobytes() + self.wide.content.encode()
        return hashlib.sha256(told).hexdigest()

    def changed(self, change: str) -> Emulated:
        """The same points with another change, outside its region too."""
        wide = None if self.wide is None else self.wide.changed(change)
        return replace(self, change=change, wide=wide)

    def _outside(self, shares: Real) -> NDArray[np.bool_]:
        """Where the wider emulator speaks, (...)."""
        if self.region is None or self.wide is None:
            return np.zeros(shares.shape[:-1], dtype=bool)
        low, high = self.region
        return np.asarray(((shares < low) | (shares > high)).any(axis=-1))

    def shares(self, values: Real) -> Real:
        """The cube's point of parameters, (..., parameter)."""
        columns = []
        for n, r in enumerate(self.ranges):
            x = values[..., n]
            share = (
                np.log(np.maximum(x, r.low) / r.low) / np.log(r.high / r.low)
                if r.ratio
                else (x - r.low) / (r.high - r.low)
            )
            columns.append(np.clip(share, 0, 1))
        return np.stack(columns, axis=-1)

    def log_current(self, values: Real, data: Reduced) -> Real:
        """See :class:`~chirospin.measured.inference.mechanisms.Mechanism`."""
        shares = self.shares(values)
        both = np.stack([process(shares) for process in self.processes], axis=-1)
        found = currents_of(self.spoken(both))
        if self.change == FACTOR:
            J = found.shape[-1] // 2
            half = values[..., [len(self.ranges)]] / 2
            found = found + half * np.repeat(MAGNETISATIONS, J)
        outside = self._outside(shares)
        if self.wide is not None and outside.any():
            found[outside] = self.wide.log_current(values[outside], data)
        return found

    def spoken(self, outputs: Real) -> Real:
        """Outputs of the processes, without P where the magnetisation does not reach the model, (..., 2J)."""
        if not self.change:
            return outputs
        J = outputs.shape[-1] // 2
        return np.concatenate([outputs[..., :J], np.zeros_like(outputs[..., J:])], axis=-1)

    @cached_property
    def left_out(self) -> Real:
        """Error of ln|I| where each training point is left out, (point, 2J)."""
        errors = np.stack([process.left_out for process in self.processes], axis=-1)
        told, predicted = self.spoken(self.values), self.spoken(self.values - errors)
        return currents_of(told) - currents_of(predicted)

    def covariance(self, values: Real, data: Reduced) -> Real:
        r"""Of the error of ln\|I\|, (..., 2J, 2J): what was missed where a point near by was left out.

        .. math:: C(\theta) = \sum_i w_i r_i r_i^T / \sum_i w_i, \qquad w_i = e^{-|x - x_i|^2 / 2\ell^2} + w_0
        """
        shares = self.shares(values)
        flat = shares.reshape(-1, shares.shape[-1])
        size = self.left_out.shape[1]
        squares = np.einsum("ni,nj->nij", self.left_out, self.left_out).reshape(-1, size * size)
        weights = _kernel(flat, self.points, np.full(flat.shape[1], NEAR)) + EVERYWHERE
        found = (weights / weights.sum(axis=1, keepdims=True)) @ squares
        found = np.asarray(found.reshape(*shares.shape[:-1], size, size))
        outside = self._outside(shares)
        if self.wide is not None and outside.any():
            found[outside] = self.wide.covariance(values[outside], data)
        return found


def currents_of(outputs: Real) -> Real:
    r"""ln of both currents from ln of their mean and artanh P, (..., 2J) -> (..., 2J).

    .. math:: I_{\uparrow\downarrow} = \bar I (1 \pm P)
    """
    J = outputs.shape[-1] // 2
    mean, P = outputs[..., :J], np.tanh(outputs[..., J:])
    return np.concatenate([mean + np.log1p(P), mean + np.log1p(-P)], axis=-1)


def emulated(expensive: Expensive, points: Real, values: Real) -> Emulated:
    """Train the processes on the points that have a value.

    Raises
    ------
    ModelError : too few have
    """
    known = np.asarray(np.isfinite(values).all(axis=1))
    size = points.shape[1]
    if known.sum() < FEWEST * size:
        raise ModelError(
            f"Only {known.sum()} of {len(known)} training points of {expensive.problem.path} have a current, and "
            f"{FEWEST * size} are needed to know the error between them; raise --training, narrow --vary, or "
            "another --method"
        )
    kept, seen = points[known], values[known]
    return Emulated(
        problem=expensive.problem.path,
        method=expensive.method.name,
        ranges=expensive.ranges,
        own_priors=expensive.priors,
        points=kept,
        values=seen,
        processes=tuple(trained(kept, column) for column in seen.T),
    )


def design(expensive: Expensive, count: int, seed: int) -> Real:
    """Points of a Sobol sequence over the priors, count raised to a power of two."""
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(count)))
    found: Real = qmc.Sobol(len(expensive.ranges), rng=np.random.default_rng(seed)).random_base2(
        power
    )
    return found


@dataclass
class Training:
    """Solved points of an expensive model at some biases, kept by their content."""

    expensive: Expensive
    bias: Real
    path: Path | None = None
    points: Real = field(default_factory=lambda: np.zeros((0, 0)))
    values: Real = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        size = len(self.expensive.ranges)
        self.points, self.values = np.zeros((0, size)), np.zeros((0, 2 * len(self.bias)))
        if self.path is not None and self.path.exists():
            with np.load(self.path) as kept:
                self.points, self.values = kept["points"], kept["values"]

    def solve(
        self,
        points: Real,
        progress: Callable[[int, int], None] | None = None,
    ) -> Real:
        """Outputs at points, those that are known not solved again, (point, 2J)."""
        known = {row.tobytes() for row in self.points}
        asked = {row.tobytes(): row for row in points}  # draws of a posterior come again
        fresh = np.array([row for place, row in asked.items() if place not in known])
        chunk = CHUNK * self.expensive.workers
        for start in range(0, len(fresh), chunk):
            some = fresh[start : start + chunk]
            found = self.expensive.outputs(some, self.bias)
            self.points = np.concatenate([self.points, some])
            self.values = np.concatenate([self.values, found])
            self._keep()
            if progress is not None:
                progress(min(start + chunk, len(fresh)), len(fresh))
        where = {row.tobytes(): n for n, row in enumerate(self.points)}
        return self.values[[where[row.tobytes()] for row in points]]

    def _keep(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part.npz")
        np.savez(part, points=self.points, values=self.values)
        os.replace(part, self.path)

    def emulator(self) -> Emulated:
        """Processes through all that is solved."""
        return emulated(self.expensive, self.points, self.values)

    def nearer(self, draws: Real, wide: Emulated) -> Emulated:
        """Processes through what is solved where a posterior lies, draws of which are given, (draw, parameter).

        Far from there a model turns in ways that would shorten every length. Where too few points lie near, all.
        """
        middle, width = draws.mean(axis=0), REACH * draws.std(axis=0) + 1e-6
        region = np.stack([middle - width, middle + width]).clip(0, 1)
        near = ((self.points >= region[0]) & (self.points <= region[1])).all(axis=1)
        if np.isfinite(self.values[near]).all(axis=1).sum() < 2 * FEWEST * len(middle):
            return self.emulator()
        found = emulated(self.expensive, self.points[near], self.values[near])
        return replace(found, region=region, wide=wide)


def training(expensive: Expensive, data: Reduced, store: Path | None) -> Training:
    """The solved points for a set of data, those of an earlier run among them."""
    path = None if store is None else store / f"emulator-{expensive.content(data.bias)}.npz"
    return Training(expensive=expensive, bias=data.bias, path=path)


def coarser(data: Reduced, count: int) -> Reduced:
    """The same data at fewer biases, for a model that takes long."""
    J = len(data.bias)
    if count >= J:
        return data
    half = count // 2
    down, up = np.flatnonzero(data.bias < 0), np.flatnonzero(data.bias > 0)
    sides = [s for s in (down, up) if len(s)]
    place = np.concatenate(
        [
            s[np.linspace(0, len(s) - 1, half if len(sides) == 2 else count).round().astype(int)]
            for s in sides
        ]
    )
    place = np.unique(place)
    both = np.concatenate([place, place + J])
    return replace(
        data,
        bias=data.bias[place],
        mean=data.mean[both],
        covariance=data.covariance[np.ix_(both, both)],
        freedom=data.freedom + (J - len(place)) * (2 if data.paired else 1),
    )
