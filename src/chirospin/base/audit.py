"""Certificates: named checks with value, tolerance and verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

CERTIFICATE = ("method", "check", "value", "allowed", "meaning")
"""Heads of a table of certificates."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    r"""The verdict of one check on one result: \|value\| <= tolerance, or value >= -tolerance."""

    name: str
    value: float
    tolerance: float
    passed: bool
    about: str
    method: str = ""
    bound: Literal["below", "above"] = "below"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check on a finished state, cheap enough to run always.

    Parameters
    ----------
    needs : parts of the state that it reads; they are found wherever the check is due
    judges : observables whose values it judges; due where one of them is wanted, always if none is named
    evaluate : (model, state) -> value, or None where the check has no meaning
    bound : ``"below"``: passes if \\|value\\| <= tolerance; ``"above"``: if value >= -tolerance
    """

    name: str
    about: str
    tolerance: float
    evaluate: Callable[[Any, Any], float | None]
    bound: Literal["below", "above"] = "below"
    needs: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()

    def due(self, wanted: Collection[str]) -> bool:
        """Whether it belongs to a result with these observables."""
        return not self.judges or not set(self.judges).isdisjoint(wanted)

    def judge(self, value: float) -> bool:
        """Whether the value passes; NaN never does."""
        if math.isnan(value):
            return False
        return value >= -self.tolerance if self.bound == "above" else abs(value) <= self.tolerance


@dataclass(frozen=True, kw_only=True)
class Audit:
    """An expensive check: it solves other models to test this one.

    Parameters
    ----------
    evaluate : (model, method) -> value, or None where the check has no meaning
    unmet : (model, method) -> what a law asks for and the model lacks, in words; empty where it applies
    """

    name: str
    about: str
    tolerance: float
    evaluate: Callable[[Any, Any], float | None]
    unmet: Callable[[Any, Any], str] = lambda model, method: ""

    def run(self, model: Any, method: Any) -> Certificate | None:
        """Solve the partner models and judge; None where it does not apply."""
        value = None if self.unmet(model, method) else self.evaluate(model, method)
        if value is None:
            return None
        return Certificate(
            name=self.name,
            value=value,
            tolerance=self.tolerance,
            about=self.about,
            method=method.name,
            passed=abs(value) <= self.tolerance,
        )


def checks_words(certificates: Sequence[Certificate]) -> str:
    """``passed: 9 checks``, or ``FAILED: 2 of 9 checks``."""
    bad = sum(not certificate.passed for certificate in certificates)
    return (
        f"FAILED: {bad} of {len(certificates)} checks"
        if bad
        else f"passed: {len(certificates)} checks"
    )


def certificate_row(certificate: Certificate) -> tuple[str, str, str, str, str]:
    """A certificate in the tables of every face, under ``CERTIFICATE``."""
    bound = ">= -" if certificate.bound == "above" else "<= "
    return (
        certificate.method,
        certificate.name,
        f"{certificate.value:.2e}",
        f"{bound}{certificate.tolerance:.0e}",
        certificate.about,
    )
