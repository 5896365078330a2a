"""Sweeps that survive: chunks of points computed by any executor, kept one by one.

The parent hands out chunks, writes each as it comes back, and forgets it. Whatever dies, the store holds
every finished chunk, and the same call continues with the others.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chirospin.base import families, results
from chirospin.base.bar import told_by
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Family, Problem
from chirospin.base.functions import contents, named_files
from chirospin.base.method import FailedState, Method
from chirospin.base.parameters import Model
from chirospin.base.parts import states_with_parts
from chirospin.points.design import Design, designed
from chirospin.points.tally import lost, unsound

if TYPE_CHECKING:
    import xarray as xr

    from chirospin.points.store import Store

TARGET = 2.0  # seconds that a chunk should take: long enough for its overhead, short enough to lose
LARGEST_CHUNK = 512
TRIES = 5  # times that a chunk alone may end its worker before it is recorded as failed
WATCH = 0.5  # seconds between looks at the parent
AHEAD = 2  # chunks handed out for each worker
OVERHEAD, OVERHEAD_EACH = (
    22_000,
    2_000,
)  # bytes of an empty shard, and of each variable beside the audit's
LONGEST_REASON = 300  # characters
FAULTS = (
    Exception,
    SystemExit,
)  # what a point may raise: functions of the user do anything, and exit
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
Progress = Callable[["Count"], None]
MakeExecutor = Callable[[], Executor]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a sweep computes.

    Parameters
    ----------
    model : parameters that do not vary
    methods : one, or several side by side
    observables : names; None is all
    """

    problem: Problem
    model: Model
    methods: tuple[Method, ...]
    observables: tuple[str, ...] | None
    design: Design

    def described(self) -> dict[str, Any]:
        """Everything that decides a number, as plain data."""
        files = named_files(self.model)
        fixed = {
            info.name: _plain(getattr(self.model, info.name)) for info in self.model.parameters()
        }
        for name, path in files.items():  # the content counts, not the folder
            fixed[name] = fixed[name].replace(str(path), path.name)
        return {
            "problem": self.problem.path,
            "parameters": fixed,
            "methods": {m.name: m.model_dump(mode="json") for m in self.methods},
            "observables": list(self.observables) if self.observables is not None else None,
            "design": self.design.described(),
            "version": version("chirospin"),
        } | {
            name: value
            for name, value in {
                "files": contents(self.model) if files else {},
                "packages": families.packages(self.problem.family),
            }.items()
            if value
        }


@dataclass(frozen=True, kw_only=True)
class Count:
    """How far a sweep is.

    Parameters
    ----------
    failed : points of this run without a value
    unsound : points of this run that fail a check
    aside : files that were moved away since they are none of the sweep's shards, and why
    """

    points: int
    done: int
    failed: int
    seconds: float
    fresh: int
    unsound: int = 0
    aside: Mapping[str, str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Points per second of this run."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that the rest would take at this rate."""
        return (self.points - self.done) / self.rate if self.rate else float("inf")


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A chunk of points, as a worker gets it: plain data and models, no code."""

    path: str
    model: Model
    methods: tuple[Method, ...]
    observables: tuple[str, ...] | None
    first: int
    columns: Mapping[str, tuple[Any, ...]]

    @property
    def size(self) -> int:
        """Number of points."""
        return len(next(iter(self.columns.values())))


def run(
    definition: Definition,
    path: Path,
    *,
    executor: MakeExecutor | None = None,
    workers: int = 1,
    chunk: int | None = None,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Count:
    """Fill a store with a sweep, or go on where it was interrupted.

    Parameters
    ----------
    executor : makes what computes chunks; processes on this machine if not given
    workers : of these processes; 0 computes in this one
    chunk : points in a shard; measured on the first point if not given
    retry_failed : compute again the points that are recorded as failed
    progress : called after each chunk

    Raises
    ------
    ModelError : another sweep in the store, a store in use, too little disk
    """
    from chirospin.points.store import FORMAT, Store, digest

    problem = definition.problem
    wanted = problem.choose(definition.observables)
    definition = replace(definition, model=problem.placed(definition.model, wanted))
    store = Store(path)
    body = definition.described()
    known = store.header() if store.exists else None
    size = (
        known["chunk"] if known is not None else chunk or _chunk_size(definition, executor, workers)
    )
    header = {
        "format": FORMAT,
        "hash": digest(body),
        "points": definition.design.size,
        "chunk": size,
        "sweep": body,
    }
    if known is None:
        _enough_disk(definition, store, size, definition.design.size)
    store.create(header)
    with store.locked():
        aside = store.set_aside()
        done = store.finished()
        chunks = range(-(-definition.design.size // size))
        waiting = [n for n in chunks if n not in done]
        if retry_failed:
            waiting = sorted({*waiting, *(n for n in done if lost(store.read(n)))})
        left = sum(_length(definition.design.size, size, n) for n in waiting)
        _enough_disk(definition, store, size, left)
        try:
            count = _fill(definition, store, size, waiting, done, executor, workers, progress)
        except KeyboardInterrupt as stopped:
            kept = sum(_length(definition.design.size, size, n) for n in store.finished())
            stopped.add_note(
                f"{kept} of {definition.design.size} points are kept in {path}; the same command goes on from there"
            )
            raise
        return replace(count, aside=aside)


def _fill(
    definition: Definition,
    store: Store,
    size: int,
    waiting: Sequence[int],
    done: set[int],
    executor: MakeExecutor | None,
    workers: int,
    progress: Progress | None,
) -> Count:
    total, start = definition.design.size, time.monotonic()
    kept = sum(_length(total, size, n) for n in done - set(waiting))
    fresh = failed = doubtful = 0
    files = contents(definition.model)

    def counted() -> Count:
        seconds = time.monotonic() - start
        return Count(
            points=total,
            done=kept + fresh,
            failed=failed,
            unsound=doubtful,
            seconds=seconds,
            fresh=fresh,
        )

    for n, ds in _computed(definition, size, waiting, executor, workers):
        for name, content in contents(definition.model).items():
            if files[name] != content:
                raise ModelError(
                    f"Parameter `{name}` names a file that changed while the sweep ran; what was finished before "
                    "is safe, and the file as it was continues it"
                )
        store.write(n, ds)
        fresh += ds.sizes["point"]
        failed += lost(ds)
        doubtful += unsound(ds)
        if progress is not None:
            progress(counted())
    return counted()


def _length(total: int, size: int, n: int) -> int:
    return min(size, total - n * size)


def _chunk(definition: Definition, size: int, n: int) -> Chunk:
    start = n * size
    stop = start + _length(definition.design.size, size, n)
    columns = {k: tuple(v) for k, v in definition.design.points(start, stop).items()}
    return Chunk(
        path=definition.problem.path,
        model=definition.model,
        methods=definition.methods,
        observables=definition.observables,
        first=start,
        columns=columns,
    )


def _computed(
    definition: Definition,
    size: int,
    waiting: Sequence[int],
    executor: MakeExecutor | None,
    workers: int,
) -> Iterator[tuple[int, xr.Dataset]]:
    """Chunks in the order in which they are finished; a pool that breaks is replaced."""
    if executor is None and workers <= 0:
        for n in waiting:
            yield n, computed(_chunk(definition, size, n))
        return
    make = executor or (lambda: processes(workers))
    left, tries = list(waiting), dict.fromkeys(waiting, 0)
    alone: set[int] = set()
    while left:
        running: dict[Future[xr.Dataset], int] = {}
        try:
            with _open(make) as pool:
                while left or running:
                    width = 1 if alone else AHEAD * max(1, workers)
                    while left and len(running) < width:
                        running[pool.submit(computed, _chunk(definition, size, left[0]))] = left[0]
                        del left[0]  # only now: a broken pool refuses what is handed to it
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        result = future.result()
                        n = running.pop(future)
                        alone.discard(n)
                        yield n, result
        except BrokenExecutor:
            suspects = sorted(running.values())
            for n in suspects:  # one of them killed a worker: find out which, one at a time
                tries[n] += len(suspects) == 1
                if tries[n] >= TRIES:
                    alone.discard(n)
                    yield (
                        n,
                        _hopeless(_chunk(definition, size, n), "the worker died at these points"),
                    )
                else:
                    alone.add(n)
            left = sorted(alone) + [n for n in left if n not in alone]


@contextmanager
def _open(make: MakeExecutor) -> Iterator[Executor]:
    pool = make()
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def processes(workers: int) -> Executor:
    """Processes on this machine, each with one BLAS thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=end_with, initargs=(os.getpid(),)
        )
        pool.submit(os.getpid)  # starts all of them, with this environment
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return pool


def end_with(parent: int) -> None:
    """End this process soon after its parent, which may not live to say goodbye, and at once at Ctrl-C."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # without a traceback: the parent tells what is kept

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def computed(chunk: Chunk) -> xr.Dataset:
    """The points of a chunk; those that fail are recorded with their reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow is judged by what comes out
        return _points(chunk)


def _points(chunk: Chunk) -> xr.Dataset:
    problem = families.problem(chunk.path)
    names = list(chunk.columns)
    rows = list(zip(*chunk.columns.values(), strict=True))
    models: list[Model | None] = []
    refused: dict[int, str] = {}
    for at, row in enumerate(rows):
        try:
            models.append(chunk.model.replace(**dict(zip(names, row, strict=True))))
        except FAULTS as error:
            models.append(None)
            refused[at] = _words(error)
    try:
        parts = [_by_method(problem, chunk, method, models, refused) for method in chunk.methods]
    except FAULTS as error:  # points that do not fit together
        return _hopeless(chunk, _words(error))
    whole = results.side_by_side(parts, [m.name for m in chunk.methods]) if parts[1:] else parts[0]
    whole.attrs.pop("provenance", None)
    whole.attrs["references"] = ", ".join(
        dict.fromkeys(r for m in chunk.methods for r in m.references)
    )
    return _placed(whole, chunk)


def _placed(ds: xr.Dataset, chunk: Chunk) -> xr.Dataset:
    """With the number of every point and the parameters that differ."""
    import xarray as xr

    extra = {
        name: xr.Variable("point", np.asarray(values), results.axis_attributes(chunk.model, name))
        for name, values in chunk.columns.items()
    }
    return ds.assign_coords({"point": np.arange(chunk.first, chunk.first + chunk.size), **extra})


def _by_method(
    problem: Problem,
    chunk: Chunk,
    method: Method,
    models: Sequence[Model | None],
    refused: Mapping[int, str],
) -> xr.Dataset:
    good = [m for m in models if m is not None]
    try:
        found = iter(_solved(problem, chunk, method, good))
        states = [
            FailedState.of(refused[n]) if m is None else next(found) for n, m in enumerate(models)
        ]
        return _dataset(problem, chunk, method, models, states)
    except FAULTS:
        alone = [_single(problem, chunk, method, m, refused.get(n)) for n, m in enumerate(models)]
    return _dataset(problem, chunk, method, [m for m, _ in alone], [s for _, s in alone])


def _solved(problem: Problem, chunk: Chunk, method: Method, models: Sequence[Model]) -> list[Any]:
    return states_with_parts(
        problem.parts, method, models, problem.needs(problem.choose(chunk.observables, chunk.model))
    )


def _dataset(
    problem: Problem,
    chunk: Chunk,
    method: Method,
    models: Sequence[Model | None],
    states: Sequence[Any],
) -> xr.Dataset:
    shown = [chunk.model if m is None else m for m in models]
    return results.dataset(
        problem,
        method,
        chunk.model,
        {"point": range(len(models))},
        shown,
        states,
        problem.choose(chunk.observables, chunk.model),
        swept=tuple(chunk.columns),
    )


def _single(
    problem: Problem, chunk: Chunk, method: Method, model: Model | None, refused: str | None
) -> tuple[Model | None, Any]:
    """A point and its state, or none and why: no method, observable or check may stop the others."""
    if model is None:
        return None, FailedState.of(refused or "")
    try:
        (state,) = _solved(problem, chunk, method, [model])
        _dataset(problem, chunk, method, [model], [state])
    except FAULTS as error:
        return None, FailedState.of(_words(error))
    return model, state


def _words(error: BaseException) -> str:
    known = isinstance(error, (ModelError, ConvergenceError)) and str(error)
    return (str(error) if known else f"{type(error).__name__}: {error}")[:LONGEST_REASON]


def _hopeless(chunk: Chunk, reason: str) -> xr.Dataset:
    """A chunk that no worker survives, as failed points."""
    problem = families.problem(chunk.path)
    nothing = [FailedState.of(reason)] * chunk.size
    parts = [
        _dataset(problem, chunk, method, [None] * chunk.size, nothing) for method in chunk.methods
    ]
    whole = results.side_by_side(parts, [m.name for m in chunk.methods]) if parts[1:] else parts[0]
    whole.attrs.pop("provenance", None)
    return _placed(whole, chunk)


def _chunk_size(definition: Definition, executor: MakeExecutor | None, workers: int) -> int:
    """Points that take about :data:`TARGET` seconds; code of the user is timed in a worker, which it may end."""
    most = max(1, min(LARGEST_CHUNK, -(-definition.design.size // 8)))
    if min(method.together for method in definition.methods) > Method.together:
        return most  # points that share most of their work
    chunk = _chunk(definition, 1, 0)
    if not contents(definition.model) or (executor is None and workers <= 0):
        seconds = _seconds(chunk)
    else:
        try:
            with _open(executor or (lambda: processes(1))) as pool:
                seconds = pool.submit(_seconds, chunk).result()
        except BrokenExecutor:
            seconds = TARGET
    return int(np.clip(TARGET / seconds, 1, most))


def _seconds(chunk: Chunk) -> float:
    """Time of the second of two trials: the first loads and fills caches."""
    computed(chunk)
    start = time.perf_counter()
    computed(chunk)
    return max(time.perf_counter() - start, 1e-6)


@contextmanager
def _counted_by(progress: Progress | Literal[True] | None, title: str) -> Iterator[Progress | None]:
    """The callback that was given, or a bar for True."""
    with told_by(progress, title) as told:
        if progress is not True or told is None:
            yield told
        else:
            yield lambda count: told(count.done, count.points)


def _kept(path: Path) -> xr.Dataset:
    """All points of a store."""
    from chirospin.points.store import Store

    return Store(path).open()


def sweeper(family: Family) -> Callable[..., xr.Dataset]:
    """The ``sweep`` function of a family."""

    def sweep(
        model: Model,
        store: str | Path,
        method: str | Method | Sequence[str | Method] | None = None,
        *,
        over: Mapping[str, Any] | None = None,
        design: Design | None = None,
        observables: Sequence[str] | None = None,
        workers: int = 0,
        executor: MakeExecutor | None = None,
        chunk: int | None = None,
        retry_failed: bool = False,
        progress: Progress | Literal[True] | None = None,
    ) -> xr.Dataset:
        """Fill a store on disk with a sweep, or go on where it was interrupted, and open it.

        Parameters
        ----------
        model : parameters that do not vary
        store : directory
        method : name or object, or a list of them
        over, design : parameter name -> values, whose product is the sweep; or :func:`chirospin.points.design.designed`
        workers : processes; 0 computes in this one (a script with more needs a __main__ guard)
        executor : makes a ``concurrent.futures`` executor, such as that of a cluster
        chunk : points in a shard; measured if not given
        retry_failed : compute failed points again
        progress : called with a :class:`Count` after each chunk; True shows a bar in a notebook or on a terminal

        Raises
        ------
        ModelError : bad values, another sweep in the store, too little disk
        """
        member = family.problem_of(model)
        listed = [method] if method is None or isinstance(method, (str, Method)) else list(method)
        if (over is None) == (design is None):
            raise ModelError("Argument `over` or `design` must be given, and only one of them")
        definition = Definition(
            problem=member,
            model=model,
            methods=tuple(member.chosen(m, observables, model) for m in listed),
            observables=None if observables is None else tuple(observables),
            design=design or designed(model, grid=over),
        )
        member.choose(definition.observables)
        with _counted_by(progress, f"sweep of {member.path}") as told:
            run(
                definition,
                Path(store),
                executor=executor,
                workers=workers,
                chunk=chunk,
                retry_failed=retry_failed,
                progress=told,
            )
        return _kept(Path(store))

    sweep.__qualname__ = "sweep"
    sweep.__module__ = sys._getframe(1).f_globals["__name__"]
    return sweep


def estimated_bytes(definition: Definition, chunk: int) -> int:
    """What the store will take, from the labels of every observable."""
    labels = definition.problem.labels(definition.model)
    chosen = definition.problem.choose(definition.observables, definition.model)
    numbers = sum(
        int(np.prod([len(labels[d]) for d in observable.dims])) * 2 for observable in chosen
    ) + 2 * len(definition.problem.checks)
    each = 8 * (numbers + len(definition.design.names) + 8) * len(definition.methods)
    shards = -(-definition.design.size // chunk)
    variables = sum(1 if observable.error is None else 2 for observable in chosen) + len(
        {d for observable in chosen for d in observable.dims}
    )
    return definition.design.size * each + shards * (OVERHEAD + OVERHEAD_EACH * variables)


def _enough_disk(definition: Definition, store: Store, chunk: int, points: int) -> None:
    """Refuse a sweep, or the rest of one, that its disk cannot hold."""
    share = points / definition.design.size
    need, free = estimated_bytes(definition, chunk) * share, store.free()
    if need > free:
        raise ModelError(
            f"Store `{store.path}` needs about {need / 1e9:.3g} GB for {points} points, "
            f"but its disk has {free / 1e9:.3g} GB; choose fewer observables or another place"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return [value.real, value.imag] if isinstance(value, complex) else value
