"""What every method of every family is: frozen numerical settings and one verb."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from chirospin.base.errors import ConvergenceError, ModelError, UnknownNameError
from chirospin.base.parameters import nearest
from chirospin.numerics.outcome import Outcome


class State(Protocol):
    """A method's answer; families add the physics."""

    @property
    def outcome(self) -> Outcome:
        """How the solve ended."""
        ...


class Method(BaseModel, ABC):
    """A method holds its numerical settings; a wrong one is a :class:`ModelError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **settings: Any) -> None:
        known = list(type(self).model_fields)
        for key in settings:
            if key not in known:
                raise UnknownNameError(
                    f"Option `{key}` is not one of method {self.name}; {nearest(key, known)}"
                )
        try:
            super().__init__(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelError(
                f"Option `{first['loc'][0]}` of method {self.name}: {first['msg'].lower()}, "
                f"but is {first['input']}"
            ) from None

    @abstractmethod
    def solve_many(self, models: Sequence[Any]) -> Iterator[Any]:
        """One state per model in order; failures are states whose outcome says so."""

    def solve(self, model: Any) -> Any:
        """The state of one model.

        Raises
        ------
        ConvergenceError : the outcome is not converged
        """
        (state,) = self.solve_many([model])
        if not state.outcome.converged:
            raise ConvergenceError(
                f"{self.name} did not converge: {state.outcome.reason} "
                f"(residual {state.outcome.residual:.2e}, {state.outcome.iterations} iterations)",
                state.outcome,
            )
        return state

    def with_options(self, **settings: Any) -> Self:
        """A copy with some settings changed, checked."""
        return type(self)(**{**self.model_dump(), **settings})
