"""The one corridor: model, method, observables, audit, labelled Dataset."""

from __future__ import annotations

import itertools
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chirospin.base import results
from chirospin.base.bar import Progress, told_by
from chirospin.base.errors import ConvergenceError, ConvergenceWarning, ModelError
from chirospin.base.family import Family, Problem
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, checked, not_scalar, swept_numbers
from chirospin.base.parts import states_with_parts

if TYPE_CHECKING:
    import xarray as xr

Axes = Mapping[str, Any]
MethodChoice = str | Method | None
POINT_BYTES = 8000  # of a checked model, its state and its outcome, at least
COPIES = 3  # of an observable: of each point, of the grid, and one that is written or drawn


def solve(
    problem: Problem,
    model: Model,
    method: MethodChoice | Sequence[MethodChoice] = None,
    *,
    over: Axes | None = None,
    observables: Sequence[str] | None = None,
    on_failure: Literal["raise", "record"] | None = None,
    workers: int = 1,
    progress: Progress | Literal[True] | None = None,
) -> xr.Dataset:
    """Solve a model, or a grid of models, by one method or several side by side.

    Parameters
    ----------
    model : the point, or the origin of the grid
    method : name, method object, or a list of them; None is the one that suits the observables, as a rule the
        first of the problem
    over : parameter name -> values; each becomes a coordinate, their product the grid
    observables : names; None is the default ones
    on_failure : raise at a point that does not converge, or record NaN and the reason; if not given, one
        point by one method raises, and of more than that the failures are recorded with a warning
    workers : threads that share the points; BLAS then runs on one thread in each
    progress : called with (points done, points in all); True shows a bar in a notebook or on a terminal

    Returns
    -------
    Dataset with dimensions (solved_by, swept parameters, own dimensions of each observable). Of several
    methods ``ds.sel(solved_by="gksl")`` is one; ``method`` is a word of xarray itself.

    Raises
    ------
    ModelError : bad value, unknown name, impossible size
    ConvergenceError : a point did not converge, where that raises

    Warns
    -----
    ConvergenceWarning : points of a grid, or methods, did not converge and ``on_failure`` is not given
    """
    import chirospin.base.accessor  # noqa: F401  registers ds.chirospin

    several = isinstance(method, Sequence) and not isinstance(method, str)
    choices: list[MethodChoice] = list(method) if several else [method]  # type: ignore[arg-type, list-item]
    if not choices:
        raise ModelError("Argument `method` must name at least one method, but is empty")
    chosen = [problem.chosen(choice, observables, model) for choice in choices]
    for each in chosen:
        each.require(model)
    model, listed = axes(model, over or {})
    wanted = problem.choose(None if observables is None else tuple(observables), model)
    if listed:
        model = problem.placed(model, wanted)
    _enough_memory(problem, model, listed, wanted, len(chosen))
    grid = checked_axes(model, listed)
    models = grid_models(model, grid)
    raises = on_failure == "raise" or (on_failure is None and len(models) * len(chosen) == 1)
    parts = []
    with told_by(progress, f"solving {problem.path}") as told:
        for n, each in enumerate(chosen):
            states = states_with_parts(
                problem.parts,
                each,
                models,
                problem.needs(wanted),
                workers=workers,
                watch=partial(_refuse_failure, each) if raises else _accept,
                progress=_shifted(told, n * len(models), len(chosen) * len(models)),
            )
            parts.append(results.dataset(problem, each, model, grid, models, states, wanted))
            if on_failure is None:
                _warn_of_failures(each, grid, states)
    return results.side_by_side(parts, [each.name for each in chosen]) if several else parts[0]


def solver(family: Family) -> Callable[..., xr.Dataset]:
    """The ``solve`` function of a family."""
    solve_problem = solve

    def solve_family(
        model: Model | None = None,
        method: MethodChoice | Sequence[MethodChoice] = None,
        *,
        over: Axes | None = None,
        observables: Sequence[str] | None = None,
        on_failure: Literal["raise", "record"] | None = None,
        workers: int = 1,
        progress: Progress | Literal[True] | None = None,
    ) -> xr.Dataset:
        if model is None:
            model = family.problems[0].model()
        return solve_problem(
            family.problem_of(model),
            model,
            method,
            over=over,
            observables=observables,
            on_failure=on_failure,
            workers=workers,
            progress=progress,
        )

    about = (solve.__doc__ or "").partition("\n")[2]
    models = ", ".join(member.model.__name__ for member in family.problems)
    solve_family.__doc__ = f"Solve a model of {family.name} ({models}), or a grid of them.\n{about}"
    solve_family.__name__ = solve_family.__qualname__ = "solve"
    solve_family.__module__ = sys._getframe(1).f_globals[
        "__name__"
    ]  # a pool of processes finds it there
    return solve_family


def axes(model: Model, over: Axes) -> tuple[Model, dict[str, list[Any]]]:
    """The swept values of each parameter.

    An axis parameter, such as a position, is not swept: the model takes all its values at once.

    Raises
    ------
    ModelError : not a scalar parameter, or no value
    """
    grid: dict[str, list[Any]] = {}
    for name, values in over.items():
        info = model.parameter_info(name)
        values = swept_numbers(info, values)
        if info.axis:
            model = model.replace(**{name: np.atleast_1d(np.asarray(values))})
            continue
        if info.shape is not None or isinstance(info.default, str):
            raise not_scalar(info)
        listed = np.ravel(np.asarray(values, dtype=object)).tolist()
        if not listed:
            raise ModelError(f"Parameter `{name}` must have at least one value to sweep over")
        grid[name] = listed
    return model, grid


def checked_axes(model: Model, grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The swept values, each in its declared type.

    Raises
    ------
    ModelError : a value out of range
    """
    return {
        name: [checked(model.parameter_info(name), value) for value in values]
        for name, values in grid.items()
    }


def grid_models(model: Model, grid: Mapping[str, Sequence[Any]]) -> list[Model]:
    """Models of the product of all axes, the last axis fastest."""
    return [
        model.replace(**dict(zip(grid, values, strict=True))) if grid else model
        for values in itertools.product(*grid.values())
    ]


def _enough_memory(
    problem: Problem,
    model: Model,
    grid: Mapping[str, Sequence[Any]],
    wanted: Sequence[Observable],
    methods: int,
) -> None:
    """Refuse a grid that does not fit, before it is listed."""
    labels = problem.labels(model)
    points = math.prod(len(values) for values in grid.values())
    numbers = sum(math.prod(len(labels[d]) for d in observable.dims) for observable in wanted)
    need = float(points) * (POINT_BYTES + 8 * COPIES * numbers * methods)
    free = available_bytes()
    if need > free:
        size = math.prod(
            len(labels[d]) for d in {d for observable in wanted for d in observable.dims}
        )
        raise ModelError(
            f"Result must fit in memory, but {points} points of {', '.join(grid) or 'no sweep'} with "
            f"{numbers} numbers each ({size} places) need about {in_words(need)}, where {in_words(free)} "
            "are free; take fewer points"
        )


def _shifted(progress: Progress | None, done: int, total: int) -> Progress:
    return (
        (lambda _n, _of: None) if progress is None else (lambda n, _of: progress(done + n, total))
    )


def _accept(model: Model, state: Any) -> None:
    pass


def _warn_of_failures(
    method: Method, grid: Mapping[str, Sequence[Any]], states: Sequence[Any]
) -> None:
    """Say once how many points failed, and where and why the first did."""
    places = itertools.product(*grid.values())
    failed = [
        (place, s) for place, s in zip(places, states, strict=True) if not s.outcome.converged
    ]
    if failed:
        place, state = failed[0]
        where = ", ".join(f"{name} = {value}" for name, value in zip(grid, place, strict=True))
        warnings.warn(
            f"{method.name}: {len(failed)} of {len(states)} points did not converge and are NaN; "
            f"first{f' at {where}' if where else ''}: {state.outcome.reason}",
            ConvergenceWarning,
            stacklevel=4,
        )


def _refuse_failure(method: Method, model: Model, state: Any) -> None:
    outcome = state.outcome
    if not outcome.converged:
        raise ConvergenceError(
            f"{method.name} did not converge for {model!r}: {outcome.reason} "
            f"(residual {outcome.residual:.2e}, {outcome.iterations} iterations)".replace(
                "\n", " "
            ),
            outcome,
        )
