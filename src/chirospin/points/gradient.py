"""Derivatives of observables by model parameters: by a method's own way, or by differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Derivatives, Problem
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, ParameterInfo
from chirospin.base.parts import states_with_parts
from chirospin.points.differences import derivative_weights, inside_nodes

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
STEP = 1e-4  # of the parameter, or of one unit: a junction's current bends within some 1e-3
EXACT, DIFFERENCES = "adjoint", "differences"


def differentiable(model: Model) -> list[str]:
    """Parameters that are real numbers free to move, all others held."""
    return [
        info.name
        for info in model.parameters()
        if _moves(info, getattr(model, info.name)) and _stays_a_model(model, info)
    ]


def _stays_a_model(model: Model, info: ParameterInfo) -> bool:
    """Whether the model allows another value beside its other parameters: no probe, no coupling of it."""
    place = float(getattr(model, info.name))
    try:
        held(model, **{info.name: float(inside_nodes(place, STEP, info.allows)[-1])})
    except ModelError:
        return False
    return True


def _moves(info: ParameterInfo, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and not info.integer and not info.choices and info.shape is None


def held(model: Model, **changes: float) -> Model:
    """A copy with some parameters changed and every other one, set or not, kept as it is."""
    values = {
        info.name: getattr(model, info.name)
        for info in model.parameters()
        if info.name not in model.yielding or getattr(model, info.name) != info.default
    }
    for name, value in changes.items():
        values |= dict.fromkeys(model.shorthands.get(name, (name,)), value)
    return type(model)(**{name: value for name, value in values.items() if value is not None})


def value_of_parameter(model: Model, name: str) -> float:
    """Value of a parameter, or of a shorthand whose members are equal.

    Raises
    ------
    ModelError : not a real number free to move, or members that differ
    """
    info = model.parameter_info(name)
    members = [getattr(model, one) for one in model.shorthands.get(name, (name,))]
    if members[0] is None:
        raise ModelError(
            f"Parameter `{name}` must be set ({info.unit_words}) to be varied, but is not given"
        )
    if not _moves(info, members[0]):
        raise ModelError(
            f"Parameter `{name}` must be a real number to be varied, but is {info.range}"
        )
    if len(set(members)) > 1:
        raise ModelError(
            f"Parameter `{name}` must have equal members, but they are {members} ({info.unit_words})"
        )
    return float(members[0])


def along(model: Model, name: str, function: Callable[[Model], Any], step: float) -> Any:
    """Derivative of a smooth function of a model by one parameter, all others held.

    Parameters
    ----------
    function : model -> array, or tuple of arrays
    step : between nodes, in units of the parameter or of one, whichever is larger
    """
    place = value_of_parameter(model, name)
    info = model.parameter_info(name)
    nodes = inside_nodes(place, step * max(abs(place), 1.0), info.allows)
    weights = derivative_weights(nodes, place)
    slopes = [function(held(model, **{name: float(node)})) for node in nodes]
    if isinstance(slopes[0], tuple):
        return tuple(np.tensordot(weights, np.array(part), 1) for part in zip(*slopes, strict=True))
    return np.tensordot(weights, np.array(slopes), 1)


def derivatives(
    problem: Problem,
    model: Model,
    method: Method,
    names: Sequence[str],
    observables: Sequence[str] | None = None,
) -> Derivatives:
    """Derivatives by the method's own way if the problem has one, else by central differences.

    Raises
    ------
    ConvergenceError : a solve did not converge
    """
    for name in names:
        value_of_parameter(model, name)
    own = problem.gradients.get(method.name)
    if own is not None:
        slopes = own(model, method, tuple(names))
        if slopes is not None and (observables is None or set(observables) <= set(slopes.values)):
            return slopes
    wanted = problem.choose(tuple(observables) if observables is not None else None, model)
    if observables is None:
        wanted = tuple(observable for observable in wanted if not observable.dims)
    return _by_differences(problem, model, method, names, wanted)


def _by_differences(
    problem: Problem,
    model: Model,
    method: Method,
    names: Sequence[str],
    wanted: Sequence[Observable],
) -> Derivatives:
    plans = []
    for name in names:
        place, info = value_of_parameter(model, name), model.parameter_info(name)
        nodes = inside_nodes(place, STEP * max(abs(place), 1.0), info.allows)
        plans.append((derivative_weights(nodes, place), [held(model, **{name: x}) for x in nodes]))
    models = [model, *(moved for _, group in plans for moved in group)]
    states = states_with_parts(problem.parts, method, models, problem.value_needs(wanted))
    for state in states:
        if not state.outcome.converged:
            raise ConvergenceError(
                f"{method.name} did not converge: {state.outcome.reason}", state.outcome
            )
    values: dict[str, Array] = {}
    for observable in wanted:
        first = np.asarray(observable(model, states[0]))
        start, slopes = 1, []
        for weights, group in plans:
            part = states[start : start + len(group)]
            seen = [np.asarray(observable(m, s)) for m, s in zip(group, part, strict=True)]
            slopes.append(np.tensordot(weights, np.array(seen), 1))
            start += len(group)
        values[observable.name] = np.array(slopes).reshape(len(plans), *first.shape)
    return Derivatives(state=states[0], values=values, differenced=True)


def gradient(
    problem: Problem,
    model: Model,
    method: Method | str | None = None,
    *,
    names: Sequence[str] | None = None,
    observables: Sequence[str] | None = None,
) -> xr.Dataset:
    """Derivatives of observables by parameters, all other parameters held.

    Parameters
    ----------
    names : parameters or shorthands; every real one if not given
    observables : those that the method can differentiate, or the scalar ones, if not given

    Returns
    -------
    Dataset of ``d_NAME`` with dimension ``parameter`` before the observable's own; the attribute
    ``derivatives`` says whether they come from an adjoint solve or from differences.
    """
    import xarray as xr

    import chirospin.base.accessor  # noqa: F401  registers ds.chirospin

    chosen = method if isinstance(method, Method) else problem.method(method, model)()
    wanted = tuple(differentiable(model)) if names is None else tuple(names)
    slopes = derivatives(problem, model, chosen, wanted, observables)
    labels = problem.labels(model)
    known = {observable.name: observable for observable in problem.observables}
    picked = slopes.values if observables is None else {n: slopes.values[n] for n in observables}
    data = {
        f"d_{name}": xr.Variable(
            ("parameter", *known[name].dims),
            value,
            {"long_name": f"derivative of {name}", "units": f"{known[name].unit} per unit"},
        )
        for name, value in picked.items()
    }
    units = [model.parameter_info(name).unit for name in wanted]
    dims = {d for name in picked for d in known[name].dims}
    return xr.Dataset(
        data,
        {
            "parameter": np.array(wanted),
            "parameter_unit": ("parameter", np.array(units)),
            **{d: np.asarray(labels[d]) for d in dims},
        },
        {
            "family": problem.family,
            "model": problem.name,
            "method": chosen.name,
            "derivatives": DIFFERENCES if slopes.differenced else EXACT,
            "applications": slopes.applications,
        },
    )
