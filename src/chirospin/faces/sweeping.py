"""Sweeps as files: what a TOML file says, what a store holds, and how much each parameter matters."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.extras import installing
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
RESAMPLES = 400
COMPONENTS = 12  # of a vector that are named one by one
LARGEST_FILE = 10_000_000
LONGEST = 200  # characters of a value in a message
LARGEST_INTEGER = 2**63
NAMED = 50  # reasons of failures that are told apart


def _law(value: Any) -> Any:
    """A distribution as a file writes it."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), list):
        return value
    raise ValueError(
        "must be like { uniform = [a, b] }, { log-uniform = [a, b] }, { normal = [mean, deviation] } or "
        "{ choice = [a, b, c] }"
    )


def _listed(value: Any) -> Any:
    """One name, or several."""
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return names
    raise ValueError("must be a name or a list of names")


WORDS = {
    "dict_type": "must be a table",
    "list_type": "must be a list of names",
    "string_type": "must be text",
    "string_pattern_mismatch": "must be a directory name",
}
Table = dict[str, Any]
Whole = Annotated[int, Field(ge=0, lt=LARGEST_INTEGER)]


class Drawn(BaseModel):
    """A table of random points: how many, and the law of each parameter."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, Annotated[Table, BeforeValidator(_law)]]

    samples: Whole
    seed: Whole = 0


class SweepFile(BaseModel):
    """What a TOML file says, by its own words; parameters and options are judged by model and method."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    family: str
    method: Annotated[list[str] | None, BeforeValidator(_listed)] = None
    option: dict[str, bool | int | float | str] = {}
    observables: list[str] | None = None
    store: Annotated[str, Field(pattern=r"^[^\x00]+$")] = ""
    chunk: Annotated[int, Field(ge=1)] | None = None
    fixed: Table = Field({}, alias="set")
    grid: Table = {}
    columns: Table = Field({}, alias="list")
    random: Drawn | None = None
    latin_hypercube: Drawn | None = Field(None, alias="latin-hypercube")
    sobol: Drawn | None = None

    @property
    def drawn(self) -> dict[Kind, Drawn]:
        """The tables of random points that are there."""
        tables = zip(DRAWN, (self.random, self.latin_hypercube, self.sobol), strict=True)
        return {kind: table for kind, table in tables if table is not None}

    @property
    def varied(self) -> Iterator[tuple[str, str]]:
        """Every parameter that varies, and the table that says so."""
        yield from ((name, "[grid]") for name in self.grid)
        yield from ((name, "[list]") for name in self.columns)
        for kind, table in self.drawn.items():
            yield from ((name, f"[{kind}]") for name in table.__pydantic_extra__)


def definition_from(path: Path) -> tuple[Definition, Path, int | None]:
    """The sweep of a file, its store, and its chunk if it names one; nothing is computed.

    Raises
    ------
    ModelError : not readable, not TOML, unknown key, bad value
    """
    body = _checked(path, _parsed(path))
    posed = problem(body.family)
    model = _model(path, posed, body.fixed)
    refuse_twice(posed.model, [(name, "[set]") for name in body.fixed], list(body.varied))
    if body.observables is not None:
        refuse_repeated("observables", body.observables)
        posed.choose(tuple(body.observables))
    definition = Definition(
        problem=posed,
        model=model,
        methods=_methods(posed, body, model),
        observables=None if body.observables is None else tuple(body.observables),
        design=_design(path, model, body),
    )
    return definition, path.parent / (body.store or f"{path.stem}.sweep"), body.chunk


def _checked(path: Path, raw: Table) -> SweepFile:
    known = [field.alias or name for name, field in SweepFile.model_fields.items()]
    for key in raw:
        if key not in known:
            raise UnknownNameError(f"File `{path}` has no key {key!r}; {nearest(key, known)}")
    try:
        return SweepFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
    if first["type"] == "missing":
        missing = "samples" if len(first["loc"]) > 1 else 'family, as in family = "junction"'
        raise ModelError(f"File `{path}` must name its {missing}")
    *tables, last = [str(part) for part in first["loc"] if "[" not in str(part)]
    where = f"{last} of [{tables[0]}]" if tables and tables[0] in known[5:] else (*tables, last)[0]
    told = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    words = WORDS.get(first["type"], told)
    raise ModelError(f"File `{path}`: {where} {words}, but is {str(first['input'])[:LONGEST]}")


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ModelError(f"File `{path}` must be smaller than {LARGEST_FILE} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"File `{path}` cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"File `{path}` is not TOML: {str(error)[:LONGEST]}") from None


def _model(path: Path, posed: Problem, values: Mapping[str, Any]) -> Model:
    """The model of [set]; a file that a parameter names is looked for beside this one."""
    kind = posed.model
    found = {}
    for name, value in values.items():
        info = kind.parameter_info(name)
        parsed = parse(info, value) if isinstance(value, str) else value
        found[name] = placed(info, parsed, path.parent)
    return kind(**found)


def _methods(posed: Problem, body: SweepFile, model: Model) -> tuple[Method, ...]:
    kinds = (
        [posed.method(name) for name in body.method] if body.method else [posed.method(None, model)]
    )
    refuse_repeated("method", [kind.name for kind in kinds])
    for key, value in body.option.items():
        fields = [kind.model_fields[key] for kind in kinds if key in kind.model_fields]
        if not fields:
            known = sorted({name for kind in kinds for name in kind.model_fields})
            names = ", ".join(kind.name for kind in kinds)
            renamed = {old: new for kind in kinds for old, new in kind.renamed.items()}
            raise UnknownNameError(
                f"Option `{key}` is not one of method {names}; {nearest(key, known, renamed)}"
            )
        if isinstance(value, bool) and any(field.annotation is not bool for field in fields):
            raise ModelError(f"Option `{key}` must be a number or a word, but is {value}")
    return tuple(
        kind(**{k: v for k, v in body.option.items() if k in kind.model_fields}) for kind in kinds
    )


def _design(path: Path, model: Model, body: SweepFile) -> Design:
    kinds = [*(["list"] if body.columns else []), *body.drawn]
    if len(kinds) > 1:
        raise ModelError(f"File `{path}` must have one of [{'], ['.join(kinds)}], but has several")
    if not body.drawn:
        return designed(model, grid=body.grid, columns=body.columns)
    ((kind, table),) = body.drawn.items()
    laws: dict[str, Distribution] = {}
    for name, law in table.__pydantic_extra__.items():
        ((word, values),) = law.items()
        laws[name] = distribution(model.parameter_info(name), word, values)
    return designed(
        model,
        grid=body.grid,
        distributions=laws,
        kind=kind,
        samples=table.samples,
        seed=table.seed,
    )


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
            f"Option --cluster needs the package distributed: {installing('cluster')}"
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
