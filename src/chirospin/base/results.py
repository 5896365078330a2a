"""The shape of a result: observables, audit, outcome, provenance and citations in one Dataset."""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.audit import Certificate
from chirospin.base.conventions import conventions
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, checked

SCHEMA = 1
NETCDF, ZARR = ".nc", ".zarr"
ERROR = "_error"  # suffix of the variable that holds the numerical error of another


def dataset(
    problem: Problem,
    method: Method,
    model: Model,
    grid: Mapping[str, Sequence[Any]],
    models: Sequence[Model],
    states: Sequence[Any],
    wanted: Sequence[Observable],
    swept: Collection[str] | None = None,
) -> xr.Dataset:
    """Assemble the result of one method on a grid of models.

    Parameters
    ----------
    grid : names of the dimensions and their values
    swept : parameters that differ between the models, where they are not the names of the grid

    Returns
    -------
    Dataset whose swept parameters are coordinates and whose other parameters are attributes.
    Points that failed are NaN, with ``converged`` False and the ``reason`` in words.
    """
    shape = tuple(len(values) for values in grid.values())
    labels = _longest_labels(problem, models)
    wanted = [one.seen_in(models) for one in wanted]
    observed = {
        one.name: [
            np.asarray(one(m, s)) if s.outcome.converged else None
            for m, s in zip(models, states, strict=True)
        ]
        for one in wanted
    }
    data = _observed(grid, shape, labels, observed, wanted)
    data |= _errors(shape, data, observed, models, states, wanted)
    data |= _outcomes(grid, shape, observed, states, wanted)
    data |= _audit(problem, models, states, tuple(grid), shape)
    used = {d for one in wanted for d in one.dims}
    coordinates: dict[str, Any] = {
        d: (d, np.asarray(v), axis_attributes(model, d)) for d, v in labels.items() if d in used
    }
    coordinates["check"] = ("check", np.array([c.name for c in problem.checks]))
    for name, values in grid.items():
        coordinates[name] = (name, np.asarray(values), axis_attributes(model, name))
    varied = grid if swept is None else swept
    return xr.Dataset(data, coordinates, _attributes(problem, method, model, varied))


def axis_attributes(model: Model, name: str) -> dict[str, str]:
    """Unit and symbol of a dimension that is a parameter; nothing for labels."""
    if name not in {*type(model).model_fields, *model.shorthands}:
        return {}
    info = model.parameter_info(name)
    return {"units": info.unit, "symbol": info.symbol, "long_name": info.about}


Values = Mapping[str, Sequence[Any]]


def _observed(
    grid: Mapping[str, Sequence[Any]],
    shape: tuple[int, ...],
    labels: Mapping[str, tuple[Any, ...]],
    values: Values,
    wanted: Sequence[Observable],
) -> dict[str, xr.Variable]:
    """The observables on the grid; NaN where a solve failed."""
    data = {}
    for one in wanted:
        own = tuple(len(labels[d]) for d in one.dims)
        attrs = {"units": one.unit, "long_name": one.about.rstrip("."), "symbol": one.symbol}
        if one.conversion:
            attrs["conversion"] = one.conversion
        stacked = _stack(values[one.name], own).reshape(shape + own)
        data[one.name] = xr.Variable((*grid, *one.dims), stacked, attrs)
    return data


def _errors(
    shape: tuple[int, ...],
    observed: Mapping[str, xr.Variable],
    values: Values,
    models: Sequence[Model],
    states: Sequence[Any],
    wanted: Sequence[Observable],
) -> dict[str, xr.Variable]:
    """The numerical errors of those observables that state one, as NAME_error."""
    data = {}
    for one in wanted:
        if one.error is None:
            continue
        value = observed[one.name]
        own = value.shape[len(shape) :]
        errors = [
            None if v is None else np.broadcast_to(np.abs(one.error(m, s)), v.shape)
            for m, s, v in zip(models, states, values[one.name], strict=True)
        ]
        attrs = {"units": one.unit, "long_name": f"numerical error of {one.name}; below it is zero"}
        data[one.name + ERROR] = xr.Variable(
            value.dims, _stack(errors, own).reshape(value.shape), attrs
        )
        value.attrs["ancillary_variables"] = one.name + ERROR
    return data


def settled(ds: xr.Dataset) -> xr.Dataset:
    """A result for the eye: what lies below its own numerical error is zero, and zero has no sign."""
    shown = {
        name: value.where(~(abs(value) <= ds[value.attrs["ancillary_variables"]]), 0)
        .astype(value.dtype)
        .assign_attrs(value.attrs)
        for name, value in ds.data_vars.items()
        if value.attrs.get("ancillary_variables") in ds
    }
    return ds.assign(shown)


def _outcomes(
    grid: Mapping[str, Sequence[Any]],
    shape: tuple[int, ...],
    values: Values,
    states: Sequence[Any],
    wanted: Sequence[Observable],
) -> dict[str, xr.Variable]:
    """How each point ended, and why a value is missing."""
    outcomes = [state.outcome for state in states]
    reasons = [_reason(o, wanted, values, n) for n, o in enumerate(outcomes)]
    records: dict[str, tuple[Any, str]] = {
        "converged": ([o.converged for o in outcomes], "whether the solve met its tolerance"),
        "residual": ([o.residual for o in outcomes], "relative residual of the original equation"),
        "iterations": ([o.iterations for o in outcomes], "operator applications or steps"),
        "reason": (np.array(reasons, dtype=object), "why a value is missing"),
    }
    return {
        name: xr.Variable(
            tuple(grid), np.asarray(column).reshape(shape), {"units": "1", "long_name": about}
        )
        for name, (column, about) in records.items()
    }


def _reason(outcome: Any, wanted: Sequence[Observable], values: Values, n: int) -> str:
    if not outcome.converged:
        return str(outcome.reason) or "not converged"
    missing = [one for one in wanted if np.isnan(values[one.name][n]).any()]
    return "; ".join(f"{one.name} is undefined: {one.undefined}" for one in missing)


def _stack(values: Sequence[Any], own: tuple[int, ...]) -> Any:
    kind = np.result_type(*(v for v in values if v is not None), 0.0)
    out: Any = np.full((len(values), *own), np.nan, dtype=kind)
    for n, value in enumerate(values):
        if value is not None:
            out[(n, *(slice(size) for size in value.shape))] = value
    return out


def _longest_labels(problem: Problem, models: Sequence[Model]) -> dict[str, tuple[Any, ...]]:
    """Labels of every dimension; the longest, where models differ in size."""
    longest: dict[str, tuple[Any, ...]] = {}
    for model in models:
        for name, labels in problem.labels(model).items():
            if len(labels) > len(longest.get(name, ())):
                longest[name] = labels
    return longest


def _audit(
    problem: Problem,
    models: Sequence[Model],
    states: Sequence[Any],
    dims: tuple[str, ...],
    shape: tuple[int, ...],
) -> dict[str, xr.Variable]:
    values = np.full((len(problem.checks), len(models)), np.nan)
    passed = np.ones_like(values, dtype=bool)
    for n, check in enumerate(problem.checks):
        for p, (model, state) in enumerate(zip(models, states, strict=True)):
            value = check.evaluate(model, state) if state.outcome.converged else np.nan
            if value is not None:
                values[n, p], passed[n, p] = value, check.judge(float(value))
    full = (len(problem.checks), *shape)
    return {
        "audit_value": xr.Variable(
            ("check", *dims),
            values.reshape(full),
            {
                "units": "1",
                "long_name": "value of each check; NaN where it has no meaning or the solve failed",
            },
        ),
        "audit_passed": xr.Variable(
            ("check", *dims),
            passed.reshape(full),
            {"units": "1", "long_name": "verdict of each check"},
        ),
        "audit_tolerance": xr.Variable(
            ("check",),
            np.array([c.tolerance for c in problem.checks]),
            {"units": "1", "long_name": "largest value that passes"},
        ),
    }


def _attributes(
    problem: Problem, method: Method, model: Model, varied: Collection[str]
) -> dict[str, Any]:
    swept = set(varied).union(*(model.shorthands.get(name, ()) for name in varied))
    attrs: dict[str, Any] = {
        "family": problem.family,
        "model": problem.name,
        "method": method.name,
        "question": problem.question,
        "quantity": problem.quantity,
        "chirospin_schema": SCHEMA,
        "references": ", ".join(method.references),
        "method_settings": json.dumps(method.model_dump(mode="json")),
        "provenance": json.dumps(provenance()),
        "conventions": json.dumps(conventions(problem.family)),
    }
    for info in model.parameters():
        if info.name not in swept and not info.axis:
            value = getattr(model, info.name)
            attrs[f"parameter_{info.name}"] = (
                value
                if isinstance(value, (int, float, str))
                else json.dumps(_plain(checked(info, value)))
            )
    return attrs


def _plain(value: Any) -> Any:
    """Nested tuples as lists, complex as [re, im]."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return [value.real, value.imag] if isinstance(value, complex) else value


def provenance() -> dict[str, str]:
    """Versions and machine that made a result."""
    names = ("chirospin", "numpy", "scipy", "xarray")
    return {name: version(name) for name in names} | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def side_by_side(parts: Sequence[xr.Dataset], methods: Sequence[str]) -> xr.Dataset:
    """Results of several methods along a new dimension ``method``."""
    coordinate = xr.Variable("method", np.array(methods))
    joined = xr.concat(
        parts,
        coordinate,
        combine_attrs="drop_conflicts",
        join="outer",
        data_vars="all",
        coords="minimal",
        compat="override",
    )
    references = dict.fromkeys(k for p in parts for k in p.attrs["references"].split(", "))
    joined.attrs |= {
        "method": ",".join(methods),
        "references": ", ".join(references),
        "method_settings": json.dumps(
            {m: json.loads(p.attrs["method_settings"]) for m, p in zip(methods, parts, strict=True)}
        ),
        "provenance": parts[0].attrs["provenance"],
    }
    return joined


def certificates(ds: xr.Dataset, problem: Problem) -> list[Certificate]:
    """The audit of a result: for each method and check the worst of the points that converged.

    The first certificate of each method counts the points that did not converge; checks that have
    no meaning there are left out.
    """
    if "method" in ds.dims:
        return [
            one
            for name in ds["method"].values
            for one in _certificates_of(ds.sel({"method": name}), problem, str(name))
        ]
    return _certificates_of(ds, problem, str(ds.attrs["method"]))


def _certificates_of(ds: xr.Dataset, problem: Problem, method: str) -> list[Certificate]:
    converged = np.ravel(ds["converged"].values)
    failed = int((~converged).sum())
    found = [
        Certificate(
            name="converged",
            value=float(failed),
            tolerance=0.0,
            passed=not failed,
            about="points that did not converge",
            method=method,
        )
    ]
    for check in problem.checks:
        values = np.ravel(ds["audit_value"].sel(check=check.name).values)[converged]
        passed = np.ravel(ds["audit_passed"].sel(check=check.name).values)[converged]
        finite = values[np.isfinite(values)]
        if not finite.size and passed.all():
            continue
        worst = float("nan")
        if finite.size:
            worst = finite.min() if check.bound == "above" else finite[np.abs(finite).argmax()]
        found.append(
            Certificate(
                name=check.name,
                value=float(worst),
                tolerance=check.tolerance,
                passed=bool(passed.all()),
                about=check.about,
                method=method,
                bound=check.bound,
            )
        )
    return found


def save(ds: xr.Dataset, path: Path) -> None:
    """Write a result as netCDF (.nc) or Zarr (.zarr), whole or not at all.

    Raises
    ------
    ModelError : another suffix, or a place that cannot be written
    """
    check_target(path)
    ds = split_parts(ds)
    if path.suffix == ZARR:
        text = {name: v.astype(object) for name, v in ds.variables.items() if v.dtype.kind == "U"}
        ds.assign_coords(text).to_zarr(path, mode="w", consolidated=False)
        return
    part = path.with_name(path.name + ".part")
    try:
        ds.to_netcdf(part, engine="h5netcdf")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


PARTS = ("real", "imaginary")


def split_parts(ds: xr.Dataset) -> xr.Dataset:
    """Complex variables as a real and an imaginary part, since the formats know no complex numbers."""
    found = {n: v for n, v in ds.data_vars.items() if v.dtype.kind == "c"}
    parts = {
        n: xr.concat([v.real, v.imag], xr.Variable("part", list(PARTS))).assign_attrs(v.attrs)
        for n, v in found.items()
    }
    return ds.assign(parts)


def joined_parts(ds: xr.Dataset) -> xr.Dataset:
    """The inverse of :func:`split_parts`."""
    if "part" not in ds.dims:
        return ds
    whole = {
        n: (v.sel(part="real", drop=True) + 1j * v.sel(part="imaginary", drop=True)).assign_attrs(
            v.attrs
        )
        for n, v in ds.data_vars.items()
        if "part" in v.dims
    }
    return ds.assign(whole).drop_vars("part")


def check_target(path: Path, suffixes: tuple[str, ...] = (NETCDF, ZARR)) -> None:
    """Refuse a file name that cannot be written, before any work is done.

    Raises
    ------
    ModelError : another suffix, no such directory, a directory, no permission, missing package
    """
    import importlib.util
    import os

    if path.suffix not in suffixes:
        raise ModelError(f"File `{path}` must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise ModelError(f"File `{path}` must be in a directory that exists: {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ModelError(f"File `{path}` must be in a directory that can be written")
    if path.is_dir() and path.suffix != ZARR:
        raise ModelError(f"File `{path}` must be a file, but is a directory")
    if path.suffix == ZARR and importlib.util.find_spec("zarr") is None:
        raise ModelError(f"File `{path}` needs the package zarr: pip install 'chirospin[zarr]'")


def load(path: Path) -> xr.Dataset:
    """Read a result back, whole.

    Raises
    ------
    ModelError : no such file, not a result, or one of a newer version
    """
    if not path.exists():
        raise ModelError(f"File `{path}` does not exist")
    try:
        zarr = {"engine": "zarr", "consolidated": False}
        how: dict[str, Any] = zarr if path.suffix == ZARR else {"engine": "h5netcdf"}
        with xr.open_dataset(path, **how) as ds:
            loaded = ds.load()
    except Exception as error:  # each engine has its own kinds
        raise ModelError(
            f"File `{path}` is not a readable result: {error}".splitlines()[0]
        ) from None
    if "chirospin_schema" not in loaded.attrs:
        raise ModelError(f"File `{path}` is not a chirospin result: it has no chirospin_schema")
    if int(loaded.attrs["chirospin_schema"]) > SCHEMA:
        raise ModelError(f"File `{path}` was written by a newer chirospin; upgrade to read it")
    return joined_parts(loaded)


def stored_model(ds: xr.Dataset, problem: Problem) -> Model:
    """The model that a result carries; of a sweep, the point where the problem's quantity is largest."""
    kind = problem.model
    values: dict[str, Any] = {}
    for info in kind.parameters():
        stored = ds.attrs.get(f"parameter_{info.name}")
        if info.shape is not None and isinstance(stored, str):
            raw = json.loads(stored)
            if raw is not None:
                array = np.array(raw)
                values[info.name] = (
                    array[..., 0] + 1j * array[..., 1] if info.shape.kind is complex else array
                )
        elif info.axis and info.name in ds.coords:
            values[info.name] = ds[info.name].values
        elif stored is not None and stored != "null":
            values[info.name] = stored
    known = {*kind.model_fields, *kind.shorthands} - {i.name for i in kind.parameters() if i.axis}
    swept = [str(n) for n in ds.coords if n in known]
    if swept:
        size = abs(ds[problem.quantity]).fillna(-1) if problem.quantity in ds else ds["residual"]
        others = [d for d in size.dims if d not in swept]
        place = size.max(others).stack(point=swept, create_index=False)
        best = place.isel(point=int(place.values.argmax()))
        values |= {name: best[name].item() for name in swept}
    return kind(**values)
