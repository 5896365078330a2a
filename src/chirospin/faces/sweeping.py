"""Sweeps as files: what a TOML file says, what a store holds, and how much each parameter matters."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.family import Problem
from chirospin.base.functions import placed
from chirospin.base.method import Method
from chirospin.base.parameters import Model, nearest
from chirospin.base.units import parse
from chirospin.faces.arguments import problem, refuse_repeated, refuse_twice
from chirospin.points.design import Design, Distribution, Kind, designed, distribution
from chirospin.points.store import Store
from chirospin.points.sweep import Definition, MakeExecutor
from chirospin.points.tally import failing, lost, unsound

DRAWN: tuple[Kind, ...] = ("random", "latin-hypercube", "sobol")
KEYS = (
    "family",
    "method",
    "option",
    "observables",
    "store",
    "chunk",
    "set",
    "grid",
    "list",
    *DRAWN,
)
RESAMPLES = 400
COMPONENTS = 12  # of a vector that are named one by one
LARGEST_FILE = 10_000_000
LONGEST = 200  # characters of a value in a message
LARGEST_INTEGER = 2**63
NAMED = 50  # reasons of failures that are told apart


def definition_from(path: Path) -> tuple[Definition, Path, int | None]:
    """The sweep of a file, its store, and its chunk if it names one; nothing is computed.

    Raises
    ------
    ModelError : not readable, not TOML, unknown key, bad value
    """
    body = _parsed(path)
    for key in body:
        if key not in KEYS:
            raise UnknownNameError(f"File `{path}` has no key {key!r}; {nearest(key, list(KEYS))}")
    if not isinstance(body.get("family"), str):
        raise ModelError(f'File `{path}` must name its family, as in family = "junction"')
    one = problem(body["family"])
    model = _model(path, one, _table(path, body, "set"))
    varied = [(n, f"[{k}]") for k in ("grid", "list", *DRAWN) for n in _table(path, body, k)]
    given = [(n, "[set]") for n in _table(path, body, "set")]
    refuse_twice(one.model, given, [v for v in varied if v[0] not in ("samples", "seed")])
    observables = body.get("observables")
    if observables is not None:
        if not isinstance(observables, list) or not all(isinstance(o, str) for o in observables):
            raise ModelError(f"File `{path}`: observables must be a list of names")
        refuse_repeated("observables", observables)
        one.choose(tuple(observables))
    chunk = body.get("chunk")
    if chunk is not None and (not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1):
        raise ModelError(f"File `{path}`: chunk must be an integer >= 1, but is {chunk!r}")
    definition = Definition(
        problem=one,
        model=model,
        methods=_methods(path, one, body),
        observables=tuple(observables) if observables is not None else None,
        design=_design(path, model, body),
    )
    store = body.get("store", f"{path.stem}.sweep")
    if not isinstance(store, str) or "\0" in store:
        raise ModelError(f"File `{path}`: store must be a directory name, but is {store!r}")
    return definition, path.parent / store, chunk


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ModelError(f"File `{path}` must be smaller than {LARGEST_FILE} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"File `{path}` cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"File `{path}` is not TOML: {str(error)[:LONGEST]}") from None


def _table(path: Path, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = body.get(key, {})
    if not isinstance(table, dict):
        raise ModelError(
            f"File `{path}`: {key} must be a table [{key}], but is {str(table)[:LONGEST]}"
        )
    return table


def _model(path: Path, one: Problem, values: Mapping[str, Any]) -> Model:
    """The model of [set]; a file that a parameter names is looked for beside this one."""
    kind = one.model
    found = {}
    for name, value in values.items():
        info = kind.parameter_info(name)
        parsed = parse(info, value) if isinstance(value, str) else value
        found[name] = placed(info, parsed, path.parent)
    return kind(**found)


def _methods(path: Path, one: Problem, body: Mapping[str, Any]) -> tuple[Method, ...]:
    names = body.get("method", next(iter(one.methods)))
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, list) or not listed or not all(isinstance(n, str) for n in listed):
        raise ModelError(
            f"File `{path}`: method must be a name or a list of names, but is {names!r}"
        )
    kinds = [one.method(name) for name in listed]
    options = _table(path, body, "option")
    for key in options:
        known = sorted({k for kind in kinds for k in kind.model_fields})
        if key not in known:
            raise UnknownNameError(
                f"Option `{key}` is not one of method {', '.join(listed)}; {nearest(key, known)}"
            )
        if isinstance(options[key], bool):
            raise ModelError(f"Option `{key}` must be a number or a word, but is {options[key]}")
    refuse_repeated("method", listed)
    return tuple(
        kind(**{k: v for k, v in options.items() if k in kind.model_fields}) for kind in kinds
    )


def _design(path: Path, model: Model, body: Mapping[str, Any]) -> Design:
    kinds = [kind for kind in ("list", *DRAWN) if kind in body]
    if len(kinds) > 1:
        raise ModelError(f"File `{path}` must have one of [{'], ['.join(kinds)}], but has several")
    grid = _table(path, body, "grid")
    if not kinds or kinds[0] == "list":
        return designed(model, grid=grid, columns=_table(path, body, "list"))
    kind: Any = kinds[0]
    table = dict(_table(path, body, kind))
    samples, seed = table.pop("samples", None), table.pop("seed", 0)
    for name, value in (("samples", samples), ("seed", seed)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not 0 <= value < LARGEST_INTEGER:
            raise ModelError(f"File `{path}`: {name} of [{kind}] must be an integer from 0 to 2^63")
    laws: dict[str, Distribution] = {}
    for name, law in table.items():
        if (
            not isinstance(law, dict)
            or len(law) != 1
            or not isinstance(next(iter(law.values())), list)
        ):
            raise ModelError(
                f"File `{path}`: {name} of [{kind}] must be like "
                "{ uniform = [a, b] }, { log-uniform = [a, b] }, { normal = [mean, deviation] } or "
                "{ choice = [a, b, c] }"
            )
        ((word, values),) = law.items()
        laws[name] = distribution(model.parameter_info(name), word, values)
    return designed(model, grid=grid, distributions=laws, kind=kind, samples=samples, seed=seed)


@contextmanager
def executor_of(scheduler: str | None, cluster: str | None, workers: int) -> Any:
    """What makes executors: None for processes here, or a Dask cluster's.

    Raises
    ------
    ModelError : Dask missing, unknown kind of cluster, no scheduler at the address
    """
    if scheduler is None and cluster is None:
        yield None
        return
    if cluster not in (None, "dask"):
        raise ModelError(f"Option --cluster must be dask, but is {cluster!r}")
    if scheduler is not None and cluster is not None:
        raise ModelError("Option --scheduler must be left out where --cluster is given")
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise ModelError(
            "Option --cluster needs the package distributed: pip install 'chirospin[cluster]'"
        ) from None
    try:
        if scheduler is not None:
            client = distributed.Client(scheduler, timeout=10)
        else:
            local = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            )
            client = distributed.Client(local)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"Option --scheduler: no scheduler answers at {scheduler!r}: {error}"
        ) from None

    def make() -> Any:
        return _Kept(client.get_executor(pure=False))

    maker: MakeExecutor = make
    try:
        yield maker
    finally:
        client.close()
        if scheduler is None:
            client.cluster.close()


class _Kept:
    """A cluster's executor whose shutdown leaves the cluster running."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """As the executor."""
        return self._inner.submit(*args, **kwargs)

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        """Nothing: the cluster ends with the sweep."""


def status_facts(store: Store) -> dict[str, Any]:
    """How far a store is: points, failures with their reasons, failed checks by name, foreign shards."""
    header = store.header()
    size, total = header["chunk"], header["points"]
    done, faults = store.finished(), store.faults()
    reasons: dict[str, int] = {}
    checks: dict[str, int] = {}
    failed = doubtful = 0
    for n in sorted(done):
        ds = store.read(n, header)
        failed, doubtful = failed + lost(ds), doubtful + unsound(ds)
        for reason in np.asarray(ds["reason"].values)[~ds["converged"].values.astype(bool)]:
            reasons[str(reason)] = reasons.get(str(reason), 0) + 1
        for name, many in failing(ds).items():
            checks[name] = checks.get(name, 0) + many
    return {
        "store": str(store.path),
        "problem": header["sweep"]["problem"],
        "methods": list(header["sweep"]["methods"]),
        "varied": [
            *header["sweep"]["design"]["grid"],
            *header["sweep"]["design"]["columns"],
            *header["sweep"]["design"]["distributions"],
        ],
        "points": total,
        "done": sum(min(size, total - n * size) for n in done),
        "failed": failed,
        "unsound": doubtful,
        "reasons": _most(reasons),
        "checks": _most(checks),
        "faults": faults,
        "version": header["sweep"]["version"],
        "running": store.in_use,
    }


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:NAMED])


def _numbers(ds: xr.Dataset) -> dict[str, np.ndarray[Any, Any]]:
    """Every real observable with one value a point, and components of vectors as NAME:LABEL."""
    out: dict[str, np.ndarray[Any, Any]] = {}
    for name, v in ds.data_vars.items():
        own = [d for d in v.dims if d != "point"]
        if v.dtype.kind != "f" or name == "residual" or "point" not in v.dims or "check" in own:
            continue
        if not own:
            out[str(name)] = v.values
        elif len(own) == 1 and ds.sizes[own[0]] <= COMPONENTS:
            out |= {f"{name}:{c}": v.sel({own[0]: c}).values for c in v[own[0]].values}
    return out


def importance_facts(store: Store, observable: str) -> dict[str, dict[str, float]]:
    """How much each varied parameter matters for an observable.

    Of a Sobol design the first-order and total indices with bootstrap deviations; of random draws the
    squared rank correlation, which sees monotonic effects only.

    Raises
    ------
    ModelError : a grid or list, an unfinished store, an observable that is not a scalar
    """
    from scipy import stats

    header = store.header()
    design = header["sweep"]["design"]
    if design["kind"] not in DRAWN or design["grid"]:
        raise ModelError(
            f"Store `{store.path}` must be random, latin-hypercube or sobol without a grid for the importance "
            f"of parameters, but is {design['kind'] if not design['grid'] else 'a grid'}"
        )
    ds = store.open()
    if ds.sizes["point"] < header["points"]:
        raise ModelError(
            f"Store `{store.path}` must be finished, but has {ds.sizes['point']} of {header['points']} points"
        )
    ds = ds.sortby("point")
    numbers = _numbers(ds)
    if observable not in numbers:
        raise UnknownNameError(
            f"Argument `observable` must be a number for each point, but is {observable!r}; "
            f"{nearest(observable, list(numbers))}"
        )
    y = numbers[observable]
    names = list(design["distributions"])
    if not np.isfinite(y).all():
        raise ModelError(
            f"Argument `observable` must be finite at every point, but {observable} is not at "
            f"{int((~np.isfinite(y)).sum())} of {y.size}"
        )
    if design["kind"] != "sobol":
        out = {}
        for name in names:
            rank = stats.spearmanr(ds[name].values, y).statistic
            out[name] = {"squared_rank_correlation": float(rank**2)}
        return out
    n, d = design["samples"], len(names)
    f_A, f_B = y[:n], y[n : 2 * n]
    f_AB = y[2 * n :].reshape(d, 1, n)
    indices = stats.sobol_indices(func={"f_A": f_A[None], "f_B": f_B[None], "f_AB": f_AB}, n=n)
    spread = indices.bootstrap(n_resamples=RESAMPLES)
    deviations = [
        (part.confidence_interval.high - part.confidence_interval.low) / 3.92
        for part in (spread.first_order, spread.total_order)
    ]
    return {
        name: {
            "first_order": float(np.ravel(indices.first_order)[i]),
            "first_order_deviation": float(np.ravel(deviations[0])[i]),
            "total_order": float(np.ravel(indices.total_order)[i]),
            "total_order_deviation": float(np.ravel(deviations[1])[i]),
        }
        for i, name in enumerate(names)
    }
