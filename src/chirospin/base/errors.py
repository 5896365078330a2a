"""The errors of the toolkit: a wrong model, a solve that did not end, a claim that fails; and one warning."""

from __future__ import annotations

import zipfile
import zlib

from chirospin.base.outcome import Outcome

UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file of arrays may raise."""

BEGINNING, END = 330, 120  # characters of a long message that are kept: what is wrong, the remedy


def one_line(text: str) -> str:
    """A message as one line of a length that can be read; the middle of a long one is left out."""
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    if len(line) <= BEGINNING + END + 5:
        return line
    return f"{line[:BEGINNING]} ... {line[-END:]}"


class ModelError(ValueError):
    """A parameter, name, unit or size that the physics does not allow.

    The message is one line: parameter, value, allowed range, unit, remedy.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


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
        super().__init__(one_line(message))
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[ConvergenceError], tuple[str, Outcome]]:
        return type(self), (str(self), self.outcome)


class ClaimError(AssertionError):
    """A published or derived statement that the computation does not bear out."""


class ConvergenceWarning(UserWarning):
    """Points of a grid that did not converge; they are NaN in the result, with the reason."""
