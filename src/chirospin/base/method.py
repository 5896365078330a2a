"""What every method of every family is: frozen numerical settings and one verb."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from chirospin.base.errors import ConvergenceError, ModelError, UnknownNameError
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import LARGEST, SMALLEST, nearest, shown

Needs = frozenset[str]
NOTHING: Needs = frozenset()


class State(Protocol):
    """A method's answer; families add the physics."""

    @property
    def outcome(self) -> Outcome:
        """How the solve ended."""
        ...


TIGHTEST, LOOSEST = 1e-30, 1e-3
"""Ends of the tolerance of a residual: one that no residual meets is told as not converged, with what
is reached; above a thousandth what is left unsolved shows in the digits that are printed."""
MOST_VECTORS = 10_000
"""Krylov vectors: more than any problem here has slow modes, few enough to be kept."""
MOST_STEPS = 1_000_000
"""Steps of an iteration: more would last for days."""


@dataclass(frozen=True, kw_only=True)
class FailedState:
    """The state of a point that has none."""

    outcome: Outcome

    @classmethod
    def of(cls, reason: str) -> Self:
        """A point that failed for a reason, of which the first line is kept."""
        line = reason.splitlines()[0] if reason else "failed"
        return cls(
            outcome=Outcome(converged=False, residual=float("nan"), iterations=0, reason=line)
        )


class Method(BaseModel, ABC):
    """A method holds its numerical settings; a wrong one is a :class:`ModelError`.

    It ``gives`` the named parts that come with its own solve if they are asked for, and may be told to
    ``decline`` parts for which a problem would have it solve other models.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()
    together: ClassVar[int] = 12
    """Points handed to a worker at a time: enough to share work, few enough to report."""
    gives: ClassVar[Needs] = NOTHING
    renamed: ClassVar[Mapping[str, str]] = {}
    """Former names of options -> present ones."""

    @property
    def declines(self) -> Needs:
        """Parts of the problem that these settings leave out."""
        return NOTHING

    def __init__(self, **settings: Any) -> None:
        known = list(type(self).model_fields)
        for key in settings:
            if key not in known:
                raise UnknownNameError(
                    f"Option `{key}` is not one of method {self.name}; {nearest(key, known, self.renamed)}"
                )
        try:
            super().__init__(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelError(
                f"Option `{first['loc'][0]}` of method {self.name}: {first['msg'].lower()}, "
                f"but is {shown(first['input'])}"
            ) from None
        for key, value in self:
            if isinstance(value, float) and value and not SMALLEST <= abs(value) <= LARGEST:
                raise ModelError(
                    f"Option `{key}` of method {self.name} must be of a size from {SMALLEST:g} to "
                    f"{LARGEST:g}, but is {value:g}"
                )

    def require(self, model: Any) -> None:
        """Refuse, before anything is computed, a model that this method cannot hold.

        Raises
        ------
        ModelError : says what would be needed
        """

    @abstractmethod
    def solve_many(self, models: Sequence[Any]) -> Iterator[Any]:
        """One state per model in order; failures are states whose outcome says so."""

    def solve_with(self, models: Sequence[Any], needs: Needs) -> Iterator[Any]:
        """The same with the needed parts in ``state.parts``; for a method that gives any."""
        return self.solve_many(models)

    def solve(self, model: Any, needs: Sequence[str] = ()) -> Any:
        """The state of one model, with parts that the method gives.

        Raises
        ------
        ConvergenceError : the outcome is not converged
        """
        (state,) = self.solve_with([model], self.gives.intersection(needs))
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


def is_arithmetic(error: Exception) -> bool:
    """Whether numbers failed (overflow, a singular matrix, no memory) and not the code.

    SciPy has no kind of its own for matrices that are no longer finite, only words.
    """
    return isinstance(error, (ArithmeticError, np.linalg.LinAlgError, MemoryError)) or (
        type(error) is ValueError and "infs or NaNs" in str(error)
    )


def arithmetic_reason(name: str, error: Exception) -> str:
    """Why a method has no answer where its numbers failed, in a sentence."""
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        return f"{name} needs more memory than there is: {words}"
    return (
        f"the arithmetic of {name} failed ({words}): a parameter is too large or too small for it"
    )


def states(method: Method, models: Sequence[Any], needs: Needs = NOTHING) -> list[Any]:
    """The states of several models; where the arithmetic fails a point fails, with the reason.

    Raises
    ------
    Exception : whatever else a method raises; an error of the code is not an answer
    """
    try:
        return list(method.solve_with(models, needs))
    except Exception as error:
        if not is_arithmetic(error):
            raise
        if len(models) == 1:
            return [FailedState.of(arithmetic_reason(method.name, error))]
    return [state for model in models for state in states(method, [model], needs)]
