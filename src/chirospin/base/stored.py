"""What a stored result says of itself: its model, its methods, and whether its numbers come out again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.audit import Certificate
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.functions import names_code
from chirospin.base.method import Method
from chirospin.base.parameters import Model, ParameterInfo
from chirospin.base.parts import states_with_parts

POINT = "one point"  # a dimension that no result has
SAMPLE = 5  # points of a result that are computed again: the largest, and others spread over it
REPEATS = 1e-6
"""Of the largest value of an observable: iterative solvers stop at 1e-8 or better, and another processor
rounds otherwise; a digit that somebody reads is larger."""
ROUNDING = 1e-12
"""Of the largest value of any observable with the same unit: what is below is what cancels."""


def stored_model(
    ds: xr.Dataset, problem: Problem, point: int | None = None, *, allow_code: bool = False
) -> Model:
    """The model at a point of a result, counted over all of its points.

    Parameters
    ----------
    point : the one where the problem's quantity is largest, if not given
    allow_code : whether functions that the result names may be loaded

    Raises
    ------
    ModelError : a value that the model refuses, or a name of code
    """
    kind = problem.model
    values: dict[str, Any] = {}
    for info in kind.parameters():
        stored = ds.attrs.get(f"parameter_{info.name}")
        if info.axis and info.name in ds.coords:
            values[info.name] = ds[info.name].values
        elif stored is not None:
            value = _value(info, stored)
            default = info.name in kind.yielding and value == info.default
            if value is not None and not default:
                values[info.name] = value
        if names_code(info, stored) and not allow_code:
            raise ModelError(
                f"Parameter `{info.name}` of the stored result names code, {str(stored)[:80]!r}, which is only "
                "run with --allow-code"
            )
    if "converged" in ds:
        values |= _swept_values(ds, problem, point)
    return kind(**values)


def _value(info: ParameterInfo, stored: Any) -> Any:
    """A parameter from its attribute; None where it was left out."""
    if not isinstance(stored, str):
        return stored
    if info.shape is None:
        return None if stored == "null" else stored
    try:
        raw = json.loads(stored)
        if raw is None:
            return None
        array = np.array(raw)
        return array[..., 0] + 1j * array[..., 1] if info.shape.kind is complex else array
    except (ValueError, TypeError, IndexError, RecursionError):
        raise ModelError(
            f"Parameter `{info.name}` of the stored result must be {info.range}, but is {stored[:80]!r}"
        ) from None


def point_dims(ds: xr.Dataset) -> list[Any]:
    """Dimensions over which a result has points."""
    return [d for d in ds["converged"].dims if d != "solved_by"]


def _swept_values(ds: xr.Dataset, problem: Problem, point: int | None) -> dict[str, Any]:
    kind = problem.model
    axes = {info.name for info in kind.parameters() if info.axis}
    known = {*kind.model_fields, *kind.shorthands} - axes
    names = [str(n) for n in ds.coords if n in known and set(ds[n].dims) <= set(point_dims(ds))]
    place = largest_point(ds, problem) if point is None else point
    flat = _flat(ds[[*names, "converged"]])
    return {name: flat[name].isel({POINT: place}).item() for name in names if ds[name].dims}


def largest_point(ds: xr.Dataset, problem: Problem) -> int:
    """The point where the problem's quantity is largest, by any method."""
    known = problem.quantity if problem.quantity in ds else "residual"
    size = abs(_flat(ds)[known]).fillna(-1)
    return int(size.max([d for d in size.dims if d != POINT]).values.argmax())


def stored_methods(ds: xr.Dataset, problem: Problem, changes: Mapping[str, Any]) -> list[Method]:
    """The methods of a result with the settings that made it.

    Settings that are places on the disk are left out: a result must not choose where files appear.

    Parameters
    ----------
    changes : settings that replace stored ones

    Raises
    ------
    ModelError : a setting that the method refuses
    """
    names = str(ds.attrs["method"]).split(",")
    stored = json.loads(str(ds.attrs["method_settings"]))
    methods = []
    for name in names:
        kind = problem.method(name)
        own = stored.get(name) if "solved_by" in ds.dims else stored
        if not isinstance(own, dict):
            raise ModelError(f"Settings of method {name} in the stored result must be a table")
        own = {k: v for k, v in own.items() if not is_place(kind, k)}
        own |= {k: v for k, v in changes.items() if k in kind.model_fields}
        methods.append(kind(**own))
    return methods


def is_place(kind: type[Method], name: str) -> bool:
    """Whether a setting of a method is a path."""
    field = kind.model_fields.get(name)
    return field is not None and field.annotation in (Path, Path | None)


def recomputed(
    ds: xr.Dataset, problem: Problem, methods: Sequence[Method], *, allow_code: bool = False
) -> list[Certificate]:
    """Compute a sample of a result again and compare every observable and verdict with what is stored.

    Two values agree if their difference is below :data:`REPEATS` of the largest value of the observable in
    the result and :data:`ROUNDING` of the largest with the same unit, beside the errors that they state.
    A value on one side and none on the other never agree.
    """
    flat = _flat(ds)
    points = _sample(flat.sizes[POINT], largest_point(flat, problem))
    models = [stored_model(flat, problem, n, allow_code=allow_code) for n in points]
    certificates = []
    for method in methods:
        own = flat.sel(solved_by=method.name) if "solved_by" in ds.dims else flat
        again = _solved(problem, method, models, own)
        certificates += _compared(own, again, points, problem, method.name)
    return certificates


def _flat(ds: xr.Dataset) -> xr.Dataset:
    """All points along one dimension."""
    dims = point_dims(ds)
    if dims == [POINT]:
        return ds
    return ds.stack({POINT: dims}, create_index=False) if dims else ds.expand_dims(POINT)


def _sample(size: int, largest: int) -> list[int]:
    spread = np.unique(np.linspace(0, size - 1, SAMPLE - 1).round().astype(int)).tolist()
    return sorted({largest, *spread})


def _solved(
    problem: Problem, method: Method, models: Sequence[Model], stored: xr.Dataset
) -> xr.Dataset:
    wanted = [observable for observable in problem.observables if observable.name in stored]
    states = states_with_parts(problem.parts, method, models, problem.needs(wanted))
    grid = {POINT: range(len(models))}
    return results.dataset(problem, method, models[0], grid, models, states, wanted, swept=())


def _compared(
    stored: xr.Dataset, again: xr.Dataset, points: list[int], problem: Problem, method: str
) -> list[Certificate]:
    sample = stored.isel({POINT: points})
    names = [observable.name for observable in problem.observables if observable.name in stored]
    worst, where = 0.0, ""
    for name in names:
        scale = _scale(stored, name, names)
        off = _difference(sample, again, name, scale)
        if np.isnan(off) or (off > worst and not np.isnan(worst)):
            worst, where = off, name
    verdicts = sorted({*sample["check"].values.tolist()} & {*again["check"].values.tolist()})
    left = sample["audit_passed"].sel(check=verdicts).transpose("check", POINT).values
    right = again["audit_passed"].sel(check=verdicts).transpose("check", POINT).values
    # only what is not already a failure in the file
    newly = int((left & ~right).sum())
    count = f"{len(points)} of {stored.sizes[POINT]} points computed again"
    return [
        Certificate(
            name="recomputed",
            value=worst,
            tolerance=REPEATS,
            passed=bool(worst <= REPEATS),
            about=f"{count}: largest change of an observable, of its size"
            + (f" ({where})" if where else ""),
            method=method,
        ),
        Certificate(
            name="recomputed_checks",
            value=float(newly),
            tolerance=0.0,
            passed=not newly,
            about=f"{count}: checks that fail now and passed in the file",
            method=method,
        ),
    ]


def _scale(stored: xr.Dataset, name: str, names: Collection[str]) -> float:
    """What a difference is compared with, so that :data:`REPEATS` of it is allowed."""
    unit = stored[name].attrs.get("units")
    alike = [n for n in names if stored[n].attrs.get("units") == unit]
    return _size(stored[name]) + ROUNDING / REPEATS * max(_size(stored[n]) for n in alike)


def _size(values: xr.DataArray) -> float:
    finite = np.abs(values.values[np.isfinite(values.values)])
    return float(finite.max(initial=0.0))


def _difference(stored: xr.Dataset, again: xr.Dataset, name: str, scale: float) -> float:
    """Largest difference beyond the stated errors, over the scale; NaN where one side has no value."""
    if set(stored[name].dims) != set(again[name].dims):
        return float("nan")
    dims = stored[name].dims
    left, right = (np.asarray(ds[name].transpose(*dims).values) for ds in (stored, again))
    if any(m > n for m, n in zip(right.shape, left.shape, strict=True)):
        return float("nan")
    own = tuple(slice(0, n) for n in right.shape)  # a file is padded to its largest model
    rest = left.copy()
    rest[own] = np.nan
    left = left[own]
    if np.isfinite(rest).any() or (np.isfinite(left) != np.isfinite(right)).any():
        return float("nan")
    error = name + results.ERROR
    allowed = np.zeros(left.shape)
    if error in stored and error in again:
        both = (ds[error].transpose(*dims).values for ds in (stored, again))
        allowed = sum(np.abs(np.nan_to_num(one))[own] for one in both)
    apart = np.abs(left - right) - allowed
    worst = float(apart[np.isfinite(left)].max(initial=0.0))
    return worst / scale if worst > 0 else 0.0
