"""The shape of a result: observables, audit, outcome, provenance and citations in one Dataset."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chirospin.base.audit import Certificate, Check
from chirospin.base.conventions import conventions
from chirospin.base.errors import ModelError
from chirospin.base.extras import installing
from chirospin.base.families import packages
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, checked
from chirospin.base.sealed import (
    FILES,
    DamageError,
    check_zarr,
    netcdf_bytes,
    refuse_foreign,
    seal_of,
    seal_zarr,
    sealed,
    swapped,
    tried,
    written_whole,
)

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = 2  # 1 called the dimension of methods `method`
NETCDF, ZARR = ".nc", ".zarr"
ERROR = "_error"  # suffix of the variable that holds the numerical error of another
CHECKSUM = "checksum"
REMARK = "remark"  # variable that holds words
ORIGIN = "origin"  # attribute: the result that a model was made from
LONGEST = 200  # characters of a stored value, or of an engine's complaint, in a message
TEXTS = ("family", "model", "method", "question", "quantity", "references")
RECORDS = ("method_settings", "provenance")  # JSON
OUTCOMES = {  # kinds of their numbers
    "converged": "b",
    "residual": "f",
    "reason": "OUT",
    "audit_value": "f",
    "audit_passed": "b",
}


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
    import xarray as xr

    shape = tuple(len(values) for values in grid.values())
    labels = _longest_labels(problem, models)
    wanted = [observable.seen_in(models) for observable in wanted]
    unmet = {observable.name: problem.unmet(method, observable) for observable in wanted}
    observed = {
        observable.name: [
            np.asarray(observable(m, s))
            if s.outcome.converged and not unmet[observable.name]
            else None
            for m, s in zip(models, states, strict=True)
        ]
        for observable in wanted
    }
    data = _observed(grid, shape, labels, observed, wanted)
    data |= _errors(shape, data, observed, models, states, wanted)
    data |= _outcomes(grid, shape, observed, states, wanted)
    data |= _remarks(problem, models, states, tuple(grid), shape)
    due = [
        check
        for check in problem.checks
        if check.due(observed) and not problem.unmet(method, check)
    ]
    data |= _audit(problem.checks, due, models, states, tuple(grid), shape)
    used = {d for observable in wanted for d in observable.dims}
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
    if isinstance(
        info.default, str
    ):  # a label of a tensor may share its name with a word, such as `spin`
        return {}
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
    import xarray as xr

    data = {}
    for observable in wanted:
        own = tuple(len(labels[d]) for d in observable.dims)
        attrs = {
            "units": observable.unit,
            "long_name": observable.about.rstrip("."),
            "symbol": observable.symbol,
        }
        if observable.conversion:
            attrs["conversion"] = observable.conversion
        stacked = _stack(values[observable.name], own).reshape(shape + own)
        data[observable.name] = xr.Variable((*grid, *observable.dims), stacked, attrs)
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
    import xarray as xr

    data = {}
    for observable in wanted:
        if observable.error is None:
            continue
        value = observed[observable.name]
        own = value.shape[len(shape) :]
        errors = [
            None if v is None else np.broadcast_to(np.abs(observable.error(m, s)), v.shape)
            for m, s, v in zip(models, states, values[observable.name], strict=True)
        ]
        attrs = {
            "units": observable.unit,
            "long_name": f"numerical error of {observable.name}; below it is zero",
        }
        data[observable.name + ERROR] = xr.Variable(
            value.dims, _stack(errors, own).reshape(value.shape), attrs
        )
        value.attrs["ancillary_variables"] = observable.name + ERROR
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
    import xarray as xr

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


def _remarks(
    problem: Problem,
    models: Sequence[Model],
    states: Sequence[Any],
    dims: tuple[str, ...],
    shape: tuple[int, ...],
) -> dict[str, xr.Variable]:
    """What each answer means in words, where the problem says so."""
    import xarray as xr

    if problem.remarks is None:
        return {}
    words = [
        problem.remarks(m, s) if s.outcome.converged else ""
        for m, s in zip(models, states, strict=True)
    ]
    if not any(words):
        return {}
    column = np.array(words, dtype=object).reshape(shape)
    attrs = {"units": "1", "long_name": "what the answer means, in words"}
    return {REMARK: xr.Variable(dims, column, attrs)}


def _reason(outcome: Any, wanted: Sequence[Observable], values: Values, n: int) -> str:
    if not outcome.converged:
        return str(outcome.reason) or "not converged"
    missing = [
        observable
        for observable in wanted
        if (value := values[observable.name][n]) is None or np.isnan(value).any()
    ]
    return "; ".join(
        f"{observable.name} is undefined: {observable.undefined}" for observable in missing
    )


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
            if name not in longest or len(labels) > len(longest[name]):
                longest[name] = labels
    return longest


def _audit(
    checks: Sequence[Check],
    due: Collection[Check],
    models: Sequence[Model],
    states: Sequence[Any],
    dims: tuple[str, ...],
    shape: tuple[int, ...],
) -> dict[str, xr.Variable]:
    import xarray as xr

    values = np.full((len(checks), len(models)), np.nan)
    passed = np.ones_like(values, dtype=bool)
    for n, check in ((n, check) for n, check in enumerate(checks) if check in due):
        for p, (model, state) in enumerate(zip(models, states, strict=True)):
            value = check.evaluate(model, state) if state.outcome.converged else np.nan
            if value is not None:
                values[n, p], passed[n, p] = value, check.judge(float(value))
    full = (len(checks), *shape)
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
            np.array([c.tolerance for c in checks]),
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
        "references": ", ".join(dict.fromkeys((*method.references, *_cited(model)))),
        "method_settings": json.dumps(method.model_dump(mode="json")),
        "provenance": json.dumps(provenance(problem.family)),
        "conventions": json.dumps(conventions(problem.family) | dict(problem.conventions)),
    }
    if model.origin is not None:
        attrs[ORIGIN] = json.dumps(model.origin)
    for info in model.parameters():
        if info.name not in swept and not info.axis:
            attrs[f"parameter_{info.name}"] = stored_value(checked(info, getattr(model, info.name)))
    return attrs


def stored_value(value: Any) -> Any:
    """A parameter as an attribute of a file: a number or text as it is, all else as JSON."""
    bare = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return value if bare else json.dumps(_plain(value))


def _cited(model: Model) -> list[str]:
    """References of the result that a model was made from."""
    return [key for key in str((model.origin or {}).get("references", "")).split(", ") if key]


def origin_facts(ds: xr.Dataset) -> dict[str, Any]:
    """What a result hands on to a model that is made from it: where it comes from, how, and who is cited."""
    kept = ("family", "model", "method", "references", "method_settings", "provenance", ORIGIN)
    facts = {name: ds.attrs[name] for name in kept if name in ds.attrs}
    facts |= {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in ds.attrs.items()
        if name.startswith("parameter_")
    }
    return facts | {CHECKSUM: checksum(ds)}


def _plain(value: Any) -> Any:
    """Nested tuples as lists, complex as [re, im]."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return [value.real, value.imag] if isinstance(value, complex) else value


_version = cache(version)


def provenance(family: str = "") -> dict[str, str]:
    """Versions and machine that made a result, of a family or of none."""
    names = ("chirospin", "numpy", "scipy", "xarray")
    return (
        {name: _version(name) for name in names}
        | packages(family)
        | {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
    )


def side_by_side(parts: Sequence[xr.Dataset], methods: Sequence[str]) -> xr.Dataset:
    """Results of several methods along a new dimension ``solved_by``."""
    import xarray as xr

    coordinate = xr.Variable("solved_by", np.array(methods))
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
    if "solved_by" in ds.dims:
        return [
            certificate
            for name in ds["solved_by"].values
            for certificate in _certificates_of(ds.sel(solved_by=name), problem, str(name))
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
    known = set(ds["check"].values.tolist())
    for check in problem.checks:
        if check.name not in known:
            continue
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
    """Write a result as netCDF (.nc) or Zarr (.zarr), sealed, whole or not at all.

    Raises
    ------
    ModelError : another suffix, a place that cannot be written, or something there that is not a result
    """
    check_target(path)
    ds = split_parts(ds)
    ds = ds.assign_attrs({CHECKSUM: checksum(ds)})
    if path.suffix == ZARR:
        text = {name: v.astype(object) for name, v in ds.variables.items() if v.dtype.kind == "U"}
        with swapped(path) as part:
            ds.assign_coords(text).to_zarr(part, mode="w-", consolidated=False)
            seal_zarr(part)
        return
    written_whole(path, sealed(netcdf_bytes(ds)))


def checksum(ds: xr.Dataset) -> str:
    """SHA-256 of every value and attribute of a result, whatever the format of its file."""
    digest = hashlib.sha256()
    for name in sorted(map(str, ds.variables)):
        variable = ds.variables[name]
        digest.update(_canonical([name, variable.dims, variable.shape, variable.attrs]))
        digest.update(_canonical_values(variable.values))
    digest.update(_canonical({k: v for k, v in ds.attrs.items() if k not in (CHECKSUM, FILES)}))
    return digest.hexdigest()


def _canonical(value: Any) -> bytes:
    """Attributes as text that is the same after a file has been read back."""

    def settled(variable: Any) -> Any:
        if isinstance(variable, (np.generic, np.ndarray)):
            return settled(variable.tolist())
        if isinstance(variable, Mapping):
            return {str(k): settled(v) for k, v in variable.items()}
        if isinstance(variable, (list, tuple)):
            return [settled(v) for v in variable]
        return variable if isinstance(variable, (int, float, str, type(None))) else str(variable)

    return json.dumps(settled(value), sort_keys=True).encode()


def _canonical_values(values: Any) -> bytes:
    kind = values.dtype.kind
    if kind in "fc":
        known = np.where(np.isnan(values), values.dtype.type(np.nan), values)
        return bytes(known.astype(values.dtype.newbyteorder("<")).tobytes())
    if kind in "iub":
        return bytes(values.astype("<i8").tobytes())
    return _canonical([str(one) for one in values.ravel().tolist()])


PARTS = ("real", "imaginary")


def split_parts(ds: xr.Dataset) -> xr.Dataset:
    """Complex variables as a real and an imaginary part, since the formats know no complex numbers."""
    import xarray as xr

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


def renewed(ds: xr.Dataset) -> xr.Dataset:
    """A result of an earlier package with the present name of the dimension of methods."""
    return ds.rename(method="solved_by") if "method" in ds.dims else ds


def check_target(path: Path, suffixes: tuple[str, ...] = (NETCDF, ZARR)) -> None:
    """Refuse a file name that cannot be written, before any work is done.

    Raises
    ------
    ModelError : another suffix, no such directory, a directory, no permission, missing package, or what
        this program did not write is there
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
    if path.exists() and not path.is_dir() and path.suffix == ZARR:
        raise ModelError(f"File `{path}` must be a directory, but is a file")
    if path.suffix == ZARR and importlib.util.find_spec("zarr") is None:
        raise ModelError(f"File `{path}` needs the package zarr: {installing('zarr')}")
    refuse_foreign(path)


def load(path: Path) -> xr.Dataset:
    """Read a result back, whole; its checksum is compared.

    Raises
    ------
    ModelError : no such file, not a result, damaged, or one of a newer version
    """
    import xarray as xr

    if not path.exists():
        raise ModelError(f"File `{path}` does not exist")
    zarr = path.suffix == ZARR
    try:
        if zarr:
            check_zarr(path)
        elif seal_of(path) is None:
            tried(path)
        how: dict[str, Any] = {"engine": "zarr", "consolidated": False} if zarr else {}
        with xr.open_dataset(path, **{"engine": "h5netcdf", **how}) as ds:
            loaded = ds.load()
    except DamageError:
        raise
    except Exception as error:  # each engine has its own kinds
        raise _unreadable(str(path), error) from None
    return _whole(loaded, path)


def load_bytes(content: bytes, name: str) -> xr.Dataset:
    """The same from the content of a NetCDF file, which is read in memory.

    Raises
    ------
    ModelError : as of :func:`load`
    """
    import xarray as xr

    try:
        with xr.open_dataset(BytesIO(content), engine="h5netcdf") as ds:
            loaded = ds.load()
    except Exception as error:
        raise _unreadable(name, error) from None
    return _whole(loaded, Path(name))


def _unreadable(name: str, error: Exception) -> ModelError:
    words = (str(error) or type(error).__name__).splitlines()[0]
    return ModelError(f"File `{name}` is not a readable result: {words[:LONGEST]}")


def _whole(loaded: xr.Dataset, path: Path) -> xr.Dataset:
    """What was read, its kinds and its checksum compared."""
    import chirospin.base.accessor  # noqa: F401  registers ds.chirospin

    _check_kinds(loaded, path)
    written = loaded.attrs.pop(CHECKSUM, None)
    loaded.attrs.pop(FILES, None)
    if written is not None and written != checksum(loaded):
        raise DamageError(
            f"File `{path}` is damaged, or was changed: its values do not match their checksum "
            f"(attribute {CHECKSUM}; delete it from a file that you changed yourself)"
        )
    loaded = renewed(joined_parts(loaded))
    loaded.encoding[CHECKSUM] = written
    return loaded


def _check_kinds(ds: xr.Dataset, path: Path) -> None:
    """Refuse what is not a result: attributes and variables that are missing or of a wrong kind.

    Raises
    ------
    ModelError : naming the first of them
    """
    number = ds.attrs.get("chirospin_schema")
    if number is None:
        raise ModelError(f"File `{path}` is not a chirospin result: it has no chirospin_schema")
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise ModelError(
            f"File `{path}` is not a chirospin result: chirospin_schema must be an integer >= 1, but is "
            f"{str(number)[:LONGEST]!r}"
        )
    if number > SCHEMA:
        raise ModelError(f"File `{path}` was written by a newer chirospin; upgrade to read it")
    wrong = [n for n in TEXTS if not isinstance(ds.attrs.get(n), str)]
    wrong += [n for n in RECORDS if n not in wrong and not _is_record(ds.attrs.get(n))]
    wrong += [n for n, kinds in OUTCOMES.items() if n not in ds or ds[n].dtype.kind not in kinds]
    if not wrong and not _fits(ds):
        wrong = ["audit_passed"]
    if wrong:
        raise ModelError(
            f"File `{path}` is not a whole result: {wrong[0]} is missing or of a wrong kind"
        )


def _is_record(text: Any) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (TypeError, ValueError, RecursionError):
        return False


def _fits(ds: xr.Dataset) -> bool:
    """Whether outcome and audit belong to the same points."""
    places = set(ds["converged"].dims)
    audits = ("audit_value", "audit_passed")
    return set(ds["reason"].dims) == set(ds["residual"].dims) == places and all(
        set(ds[name].dims) == {*places, "check"} for name in audits
    )
