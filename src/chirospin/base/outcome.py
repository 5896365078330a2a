"""What a numerical method says about its own answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a solve ended.

    Parameters
    ----------
    converged : whether the residual of the original equation is below the tolerance
    residual : norm of the original equation at the answer, relative to the answer
    iterations : operator applications or fixed-point steps spent
    reason : empty when converged; otherwise one sentence with the remedy
    """

    converged: bool
    residual: float
    iterations: int
    reason: str = ""
