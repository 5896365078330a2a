"""A family and its problems: a model with the methods, observables and checks that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ConvergenceError, ModelError, UnknownNameError
from chirospin.base.method import Method, Needs
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, nearest
from chirospin.base.parts import Part, states_with_parts


@dataclass(frozen=True, kw_only=True)
class Derivatives:
    """A state and the derivatives of its observables.

    Parameters
    ----------
    state : of the model itself
    values : observable name -> (parameter, own dims of the observable)
    applications : operator applications beyond those of the state; 0 where it has no meaning
    differenced : whether they are differences between states of neighbouring models
    """

    state: Any
    values: Mapping[str, NDArray[np.float64]]
    applications: int = 0
    differenced: bool = False


@dataclass(frozen=True, kw_only=True)
class OpeningFigure:
    """The figure that a problem is usually drawn as, where a form begins.

    Parameters
    ----------
    observable, along : what is drawn over which parameter
    start, stop, count : ends of the axis and points, as typed; without a count as many as the form takes
    unit : of the observable, as typed after ``--unit``; empty for the declared one
    values : parameters that differ from their defaults, as typed after ``--set``: an example worth looking at
    """

    observable: str
    along: str
    start: str
    stop: str
    count: str = ""
    unit: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class Drawing(Protocol):
    """A figure of a model itself, on white or on dark ground."""

    def __call__(self, model: Any, /, *, dark: bool) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What the corridor needs to know of one model.

    Parameters
    ----------
    family, name : the family and the public name of the model in it
    methods : by public name; the first is the default
    observables : in the order of the result
    labels : (model) -> labels of each dimension of the observables
    quantity : the observable a plot shows when none is named
    remarks : (model, state) -> what the answer means in words, in lines; kept as the variable ``remark``
    conventions : signs and orders of its results beside those of every family
    parts : what its observables and checks may need beside what a method gives
    renamed : former name of a method -> the present one
    gradients : by method name, (model, method, parameter names) -> derivatives, where a method knows
        a way better than differences; None where it knows none for this model
    default_method : model -> name of its default, where the first does not apply to every model
    drawing : (model, dark=...) -> a figure of the model itself
    suited : by name of an observable, the method that is taken where it is asked for and none is named
    opening : the figure that a form shows first, where it is not the quantity along its own axis
    """

    family: str
    name: str
    question: str
    model: type[Model]
    methods: Mapping[str, type[Method]]
    observables: tuple[Observable, ...]
    checks: tuple[Check, ...]
    audits: tuple[Audit, ...]
    labels: Callable[[Any], Mapping[str, tuple[Any, ...]]]
    quantity: str
    remarks: Callable[[Any, Any], str] | None = None
    conventions: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    gradients: Mapping[str, Callable[[Any, Any, tuple[str, ...]], Derivatives | None]] = field(
        default_factory=dict
    )
    default_method: Callable[[Any], str] | None = None
    drawing: Drawing | None = None
    suited: Mapping[str, str] = field(default_factory=dict)
    opening: OpeningFigure | None = None

    def __post_init__(self) -> None:
        known = {part.name for part in self.parts}.union(*(m.gives for m in self.methods.values()))
        names = {asker.name for asker in self.observables}
        asking: list[Observable | Check | Part] = [*self.observables, *self.checks, *self.parts]
        for asker in asking:
            judged = asker.judges if isinstance(asker, Check) else ()
            lost = set(_asked(asker)) - known | set(judged) - names
            if lost:
                raise ValueError(
                    f"{self.path}: {asker.name} names {sorted(lost)}, which nothing gives"
                )

    @property
    def path(self) -> str:
        """As typed on the command line: FAMILY, or FAMILY.MODEL for a further model."""
        return self.family if self.name == self.family else f"{self.family}.{self.name}"

    @property
    def in_python(self) -> str:
        """The same in Python: FAMILY.CLASS, as in ``junction.BiasedJunction``."""
        return f"{self.family}.{self.model.__name__}"

    def method(self, name: str | None = None, model: Model | None = None) -> type[Method]:
        """A method class by name; without one the default, of a model where there is one."""
        if name is None and model is not None and self.default_method is not None:
            name = self.default_method(model)
        return self.methods[_known(f"{self.path} has no method", name, self.methods, self.renamed)]

    def method_for(
        self, observables: Sequence[str] | None, model: Model | None = None
    ) -> type[Method]:
        """The method where none is named: that which suits the question, else the default of the model."""
        suited = (self.suited[name] for name in observables or () if name in self.suited)
        return self.method(next(suited, None), model)

    def chosen(
        self, method: str | Method | None, observables: Sequence[str] | None, model: Model
    ) -> Method:
        """A method by name or as it is; where there is none, that which suits the observables."""
        if isinstance(method, Method):
            return method
        return (self.method_for(observables, model) if method is None else self.method(method))()

    def choose(
        self, names: tuple[str, ...] | None, model: Model | None = None
    ) -> tuple[Observable, ...]:
        """Observables by name, or the default ones, of a model."""
        if names is None:
            return tuple(o for o in self.observables if o.unasked(model))
        known = {observable.name: observable for observable in self.observables}
        return tuple(known[_known(f"{self.path} has no observable", n, known)] for n in names)

    def placed(self, model: Model, wanted: Sequence[Observable]) -> Model:
        """A model that says where the profiles of some observables are, so that all points of a grid are seen there."""
        places, dims = self.labels(model), {d for one in wanted for d in one.dims}
        axes = (i.name for i in model.parameters() if i.axis and i.name in dims)
        return model.replace(**{name: places[name] for name in axes})

    def needs(self, wanted: Sequence[Observable]) -> Needs:
        """Parts that some observables, and the checks that are due with them, need."""
        names = {asker.name for asker in wanted}
        asking: list[Observable | Check] = [*wanted, *(c for c in self.checks if c.due(names))]
        return frozenset(name for asker in asking for name in _asked(asker))

    def value_needs(self, wanted: Sequence[Observable]) -> Needs:
        """Parts that the values of some observables need, without their errors and without checks."""
        return frozenset(name for asker in wanted for name in asker.needs)

    def unmet(self, method: Method, asker: Observable | Check) -> list[str]:
        """What an observable or a check needs and nothing gives by this method."""
        given = method.gives.union(part.name for part in self.parts)
        return [name for name in _asked(asker) if name not in given]

    def state(
        self, model: Model, method: Method, observables: tuple[str, ...] | None = None
    ) -> Any:
        """The state of a model with every part that some observables, by default all, need.

        Raises
        ------
        ConvergenceError : the outcome is not converged
        """
        wanted = self.observables if observables is None else self.choose(observables)
        (state,) = states_with_parts(self.parts, method, [model], self.needs(wanted))
        if not state.outcome.converged:
            raise ConvergenceError(f"{method.name}: {state.outcome.reason}", state.outcome)
        return state


@dataclass(frozen=True, kw_only=True)
class Family:
    """A question and the problems that answer it; the first is the default.

    Parameters
    ----------
    bibliography : BibTeX of the references that this package does not have
    moved : former name of a problem -> what to type instead
    """

    name: str
    question: str
    problems: tuple[Problem, ...]
    bibliography: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)

    def problem(self, name: str | None = None) -> Problem:
        """A problem by the name of its model, or of the model's class.

        Raises
        ------
        UnknownNameError : no such name, or a former one, with what to type instead
        """
        if name is not None and name in self.moved:
            raise UnknownNameError(f"{self.name}.{name} has moved: {self.moved[name]}")
        known = {member.name: member for member in self.problems}
        in_python = {member.model.__name__: member for member in self.problems}
        if name in in_python:
            return in_python[name]
        return known[_known(f"{self.name} has no model", name, known)]

    def problem_of(self, model: Model) -> Problem:
        """The problem that a model poses.

        Raises
        ------
        ModelError : no model of this family
        """
        for problem in self.problems:
            if type(model) is problem.model:
                return problem
        kinds = ", ".join(problem.model.__name__ for problem in self.problems)
        raise ModelError(
            f"Argument `model` must be a model of {self.name} ({kinds}), but is {_named(model)}"
            + self._remedy(model)
        )

    def _remedy(self, model: Any) -> str:
        """How to write what was meant by a dict of parameters or by the name of a model."""
        if isinstance(model, Mapping):
            return f"; write {self.problems[0].in_python}(**parameters)"
        names = {n: m for m in self.problems for n in (m.name, m.path, m.model.__name__)}
        return (
            f"; write {names[model].in_python}()"
            if isinstance(model, str) and model in names
            else ""
        )


def _asked(asker: Observable | Check | Part) -> tuple[str, ...]:
    """All the parts that it needs."""
    return (*asker.needs, *asker.error_needs) if isinstance(asker, Observable) else asker.needs


def former_names(module: str, present: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """The ``__getattr__`` of a module: what a name that it had is called now."""

    def missing(name: str) -> NoReturn:
        if name in present:
            raise AttributeError(f"{module}.{name} is now {present[name]}")
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return missing


def _named(value: Any) -> str:
    """A thing that is no model, in a few words."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself; call it"
    kind = type(value)
    whose = (
        f" of {kind.__module__.split('.')[1]}" if kind.__module__.startswith("chirospin.") else ""
    )
    return f"a {kind.__name__}{whose}"


def _known(
    complaint: str,
    name: str | None,
    options: Mapping[str, Any],
    renamed: Mapping[str, str] | None = None,
) -> str:
    if name is None:
        return next(iter(options))
    if name not in options:
        raise UnknownNameError(f"{complaint} {name!r}; {nearest(name, list(options), renamed)}")
    return name
