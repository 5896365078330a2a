"""Which points a sweep visits: a grid, a list, random draws, a Latin hypercube, or Sobol's pairs."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, ParameterInfo, checked, not_scalar, shown
from chirospin.base.units import parse

Array = NDArray[np.float64]
Kind = Literal["list", "random", "latin-hypercube", "sobol"]
LARGEST = 10_000_000  # points of one sweep
COUNT = re.compile(r"\s*[0-9]{1,18}\s*")  # digits of no other script
LONGEST = 1_000_000  # values of one range
LAWS = ("uniform", "log-uniform", "normal", "choice")


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How one parameter is drawn.

    Parameters
    ----------
    law : uniform or log-uniform between two ends, normal with mean and deviation, or a choice
    values : its numbers
    """

    law: str
    values: tuple[float, ...]

    def __call__(self, share: Array) -> Array:
        """Values at cumulative shares between 0 and 1."""
        if self.law == "uniform":
            low, high = self.values
            return np.asarray(low + (high - low) * share)
        if self.law == "log-uniform":
            low, high = self.values
            return np.asarray(low * (high / low) ** share)
        if self.law == "normal":
            from scipy.special import ndtri

            mean, deviation = self.values
            return np.asarray(mean + deviation * ndtri(share))
        place = np.minimum((share * len(self.values)).astype(int), len(self.values) - 1)
        return np.asarray(np.asarray(self.values)[place])


def distribution(info: ParameterInfo, law: str, values: Sequence[Any]) -> Distribution:
    """A distribution of a parameter, its numbers with units.

    Raises
    ------
    ModelError : unknown law, wrong count, ends out of range or order
    """
    if law not in LAWS:
        raise ModelError(f"Distribution of `{info.name}` must be {', '.join(LAWS)}, but is {law!r}")
    numbers = tuple(float(value_of(info, v, ranged=law != "normal")) for v in values)
    if law != "choice" and len(numbers) != 2:
        raise ModelError(
            f"Distribution {law} of `{info.name}` must have two numbers ({info.unit_words}), "
            f"but has {len(numbers)}"
        )
    bad = {
        "uniform": lambda: numbers[0] >= numbers[1],
        "log-uniform": lambda: not 0 < numbers[0] < numbers[1],
        "normal": lambda: numbers[1] <= 0,
        "choice": lambda: not numbers,
    }[law]()
    if bad or (info.integer and law != "choice"):
        raise ModelError(
            f"Distribution {law} of `{info.name}` must grow from its first to its second number, or "
            f"have a deviation > 0, for a real parameter ({info.unit_words}), but is {list(numbers)}"
        )
    return Distribution(law=law, values=numbers)


def value_of(info: ParameterInfo, value: Any, *, ranged: bool = True) -> Any:
    """A number, or text with a unit, as the parameter wants it.

    Raises
    ------
    ModelError : wrong unit, not finite, out of range
    """
    parsed = parse(info, value) if isinstance(value, str) else value
    plain = isinstance(parsed, (int, float)) and not isinstance(parsed, bool)
    if not ranged and plain and abs(parsed) <= sys.float_info.max:
        return parsed
    return checked(info, parsed)


def spaced(info: ParameterInfo, text: str) -> list[Any]:
    """START:STOP:COUNT, with :log for even ratios, or V1,V2,...

    Raises
    ------
    ModelError : none of these
    """
    if info.shape is not None and not info.axis:
        raise not_scalar(info)
    if ":" not in text:
        return [parse(info, part) for part in text.split(",") if part.strip()]
    parts = text.split(":")
    kind = parts[3].strip() if len(parts) == 4 else "lin"
    if len(parts) not in (3, 4) or kind not in ("lin", "log") or not COUNT.fullmatch(parts[2]):
        raise ModelError(
            f"Range of `{info.name}` must be START:STOP:COUNT, with :log for even ratios, "
            f"or V1,V2,..., but is {shown(text)!r}"
        )
    start, stop, count = _end(info, parts[0]), _end(info, parts[1]), int(parts[2])
    if not 1 <= count <= LONGEST:
        raise ModelError(
            f"Range of `{info.name}` must have a COUNT from 1 to {LONGEST}, but is {shown(text)!r}"
        )
    if kind == "log":
        if min(start, stop) <= 0:
            raise ModelError(
                f"Range of `{info.name}` with :log needs START and STOP > 0, but is {shown(text)!r}"
            )
        return list(np.geomspace(start, stop, count).tolist())
    return list(np.linspace(start, stop, count).tolist())


def _end(info: ParameterInfo, text: str) -> float:
    """An end of a range, a number that the parameter may have."""
    value = parse(info, text)
    if info.axis:
        return float(checked(replace(info, shape=None, default=0.0), value))
    if not isinstance(value, (int, float)):
        raise not_scalar(info)
    return float(checked(replace(info, integer=False), value))


@dataclass(frozen=True, kw_only=True)
class Design:
    """Points of a sweep: every combination of the grid with every sample, samples fastest.

    Parameters
    ----------
    grid : values of each parameter of the product
    kind : how the samples were chosen
    columns : values of the listed parameters, all of one length
    distributions : of the drawn parameters
    samples, seed : how many draws (base samples for sobol), and their seed
    """

    grid: Mapping[str, tuple[Any, ...]]
    kind: Kind = "list"
    columns: Mapping[str, tuple[Any, ...]]
    distributions: Mapping[str, Distribution]
    samples: int = 1
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that differ between points."""
        return (*self.grid, *self.columns, *self.distributions)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis of the grid."""
        return tuple(len(v) for v in self.grid.values())

    @property
    def drawn(self) -> int:
        """Number of samples at each point of the grid."""
        if self.kind == "sobol":
            return self.samples * (len(self.distributions) + 2)
        return self.samples

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape) * self.drawn

    @cached_property
    def _draws(self) -> dict[str, tuple[Any, ...]]:
        if not self.distributions:
            return dict(self.columns)
        shares = _shares(self.kind, len(self.distributions), self.samples, self.seed)
        drawn = zip(self.distributions.items(), shares.T, strict=True)
        return {name: tuple(law(share).tolist()) for (name, law), share in drawn}

    def points(self, start: int, stop: int) -> dict[str, list[Any]]:
        """Values of every differing parameter for points start to stop."""
        flat = np.arange(start, stop)
        place, sample = np.divmod(flat, self.drawn)
        out: dict[str, list[Any]] = {}
        if self.grid:
            for axis, index in zip(self.grid, np.unravel_index(place, self.shape), strict=True):
                out[axis] = [self.grid[axis][i] for i in index]
        for name, values in self._draws.items():
            out[name] = [values[i] for i in sample]
        return out

    def described(self) -> dict[str, Any]:
        """The design as plain data, from which its hash is made."""
        return {
            "grid": {k: list(v) for k, v in self.grid.items()},
            "kind": self.kind,
            "columns": {k: list(v) for k, v in self.columns.items()},
            "distributions": {k: [v.law, *v.values] for k, v in self.distributions.items()},
            "samples": self.samples,
            "seed": self.seed,
        }


def _shares(kind: Kind, dimension: int, samples: int, seed: int) -> Array:
    """Cumulative shares of every draw, (draws, dimension)."""
    from scipy import stats

    if kind == "latin-hypercube":
        return np.asarray(stats.qmc.LatinHypercube(dimension, rng=seed).random(samples))
    if kind == "random":
        return np.random.default_rng(seed).random((samples, dimension))
    both = stats.qmc.Sobol(2 * dimension, rng=seed).random(samples)
    A, B = both[:, :dimension], both[:, dimension:]
    mixed = []
    for column in range(dimension):
        AB = A.copy()
        AB[:, column] = B[:, column]
        mixed.append(AB)
    return np.concatenate([A, B, *mixed])


def checked_seed(seed: int) -> int:
    """A seed that random numbers can start from.

    Raises
    ------
    ModelError : not an integer >= 0
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ModelError(f"Seed must be an integer >= 0, but is {shown(seed)}")
    return seed


def designed(
    model: Model,
    *,
    grid: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    distributions: Mapping[str, Distribution] | None = None,
    kind: Kind = "list",
    samples: int | None = None,
    seed: int = 0,
) -> Design:
    """A checked design for a model.

    Raises
    ------
    ModelError : unknown or repeated parameter, empty axis, unequal lists, too many points
    """
    axes = {name: _column(model, name, values) for name, values in (grid or {}).items()}
    lists = {name: _column(model, name, values) for name, values in (columns or {}).items()}
    laws = dict(distributions or {})
    for name in laws:
        _swept(model, name)
    every = [*axes, *lists, *laws]
    twice = sorted({name for name in every if every.count(name) > 1})
    if twice:
        raise ModelError(f"Parameter `{twice[0]}` must be varied in one way, but is named twice")
    if not every:
        raise ModelError("Sweep must vary at least one parameter, but varies none")
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ModelError(f"Sweep lists must be of one length, but are {lengths}")
    checked_seed(seed)
    if laws and kind == "list":
        raise ModelError("Sweep with distributions must be random, latin-hypercube or sobol")
    count = next(iter(lengths.values()), 1) if kind == "list" else (samples or 0)
    if count < 1 or (kind == "sobol" and count & (count - 1)):
        wanted = "a power of two" if kind == "sobol" else "an integer >= 1"
        raise ModelError(f"Sweep `samples` must be {wanted}, but is {count}")
    design = Design(
        grid=axes, kind=kind, columns=lists, distributions=laws, samples=count, seed=seed
    )
    if design.size > LARGEST:
        raise ModelError(f"Sweep must have at most {LARGEST} points, but has {design.size}")
    return design


def _swept(model: Model, name: str) -> ParameterInfo:
    info = model.parameter_info(name)
    if info.axis or info.shape is not None or isinstance(info.default, str):
        raise not_scalar(info)
    return info


def _column(model: Model, name: str, values: Any) -> tuple[Any, ...]:
    info = _swept(model, name)
    if isinstance(values, str):
        listed = spaced(info, values)
    else:
        listed = np.ravel(np.asarray(values, dtype=object)).tolist()
    if not listed:
        raise ModelError(f"Parameter `{name}` must have at least one value to sweep over")
    return tuple(value_of(info, value) for value in listed)
