"""The three errors of the toolkit: a wrong model, a solve that did not end, a claim that fails."""

from __future__ import annotations

from chirospin.numerics.outcome import Outcome


class ModelError(ValueError):
    """A parameter, name, unit or size that the physics does not allow.

    The message is one line: parameter, value, allowed range, unit, remedy.
    """


class UnknownNameError(ModelError, TypeError):
    """A name that the model, method or family does not know; the nearest known one is offered."""


class ConvergenceError(RuntimeError):
    """A solve that did not reach its tolerance, or has no unique answer.

    Parameters
    ----------
    message : one line
    outcome : the numerical record: residual, iterations, reason
    """

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[ConvergenceError], tuple[str, Outcome]]:
        return type(self), (str(self), self.outcome)


class ClaimError(AssertionError):
    """A published or derived statement that the computation does not bear out."""
