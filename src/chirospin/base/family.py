"""A family: its models, methods, observables, checks and audits in one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import UnknownNameError
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, nearest


@dataclass(frozen=True, kw_only=True)
class Family:
    """What the faces and the corridor need to know of a family.

    Parameters
    ----------
    models, methods : by public name; the first is the default
    observables : in the order of the result
    labels : (model) -> labels of each dimension of the observables
    quantity : the observable a plot shows when none is named
    """

    name: str
    question: str
    models: Mapping[str, type[Model]]
    methods: Mapping[str, type[Method]]
    observables: tuple[Observable, ...]
    checks: tuple[Check, ...]
    audits: tuple[Audit, ...]
    labels: Callable[[Any], Mapping[str, tuple[Any, ...]]]
    quantity: str

    def model(self, name: str | None = None) -> type[Model]:
        """A model class by name."""
        return self.models[_known(f"{self.name} has no model", name, self.models)]

    def method(self, name: str | None = None) -> type[Method]:
        """A method class by name."""
        return self.methods[_known(f"{self.name} has no method", name, self.methods)]

    def model_name(self, model: Model) -> str:
        """Public name of the model's class."""
        return next(name for name, kind in self.models.items() if isinstance(model, kind))

    def choose(self, names: tuple[str, ...] | None) -> tuple[Observable, ...]:
        """Observables by name, or all."""
        if names is None:
            return self.observables
        known = {one.name: one for one in self.observables}
        return tuple(known[_known(f"{self.name} has no observable", n, known)] for n in names)


def _known(complaint: str, name: str | None, options: Mapping[str, Any]) -> str:
    if name is None:
        return next(iter(options))
    if name not in options:
        raise UnknownNameError(f"{complaint} {name!r}; {nearest(name, list(options))}")
    return name
