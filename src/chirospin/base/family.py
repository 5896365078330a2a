"""A family and its problems: a model with the methods, observables and checks that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import UnknownNameError
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, nearest


@dataclass(frozen=True, kw_only=True)
class Derivatives:
    """A state and the derivatives of its observables.

    Parameters
    ----------
    state : of the model itself
    values : observable name -> (parameter, own dims of the observable)
    applications : operator applications beyond those of the state; 0 where it has no meaning
    """

    state: Any
    values: Mapping[str, NDArray[np.float64]]
    applications: int = 0


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
    gradients : by method name, (model, method, parameter names) -> derivatives, where a method knows
        a way better than differences
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
    gradients: Mapping[str, Callable[[Any, Any, tuple[str, ...]], Derivatives]] = field(
        default_factory=dict
    )

    @property
    def path(self) -> str:
        """As typed on the command line: FAMILY, or FAMILY.MODEL for a further model."""
        return self.family if self.name == self.family else f"{self.family}.{self.name}"

    def method(self, name: str | None = None) -> type[Method]:
        """A method class by name."""
        return self.methods[_known(f"{self.path} has no method", name, self.methods)]

    def choose(self, names: tuple[str, ...] | None) -> tuple[Observable, ...]:
        """Observables by name, or all."""
        if names is None:
            return self.observables
        known = {one.name: one for one in self.observables}
        return tuple(known[_known(f"{self.path} has no observable", n, known)] for n in names)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A question and the problems that answer it; the first is the default."""

    name: str
    question: str
    problems: tuple[Problem, ...]

    def problem(self, name: str | None = None) -> Problem:
        """A problem by the name of its model."""
        known = {one.name: one for one in self.problems}
        return known[_known(f"{self.name} has no model", name, known)]

    def problem_of(self, model: Model) -> Problem:
        """The problem that a model poses."""
        return next(one for one in self.problems if type(model) is one.model)


def _known(complaint: str, name: str | None, options: Mapping[str, Any]) -> str:
    if name is None:
        return next(iter(options))
    if name not in options:
        raise UnknownNameError(f"{complaint} {name!r}; {nearest(name, list(options))}")
    return name
