"""What a claim expects of a number: the published value, and beside it how close ours must come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ORDER = np.sqrt(10.0)
"""An order of magnitude is met within this factor: half a decade to both sides."""
LISTED = 8  # numbers that are written out


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is expected of one quantity.

    Parameters
    ----------
    quantity : its name in words, with its unit
    words : the expectation in words, ``-0.24 +- 0.005``
    met : whether numbers meet it, each of them
    value : the published number, where there is one
    order : only the order of magnitude is published
    wrong : the published number is a misprint
    """

    quantity: str
    words: str
    met: Callable[[Array], bool | np.bool_]
    value: float | None = None
    order: bool = False
    wrong: bool = False

    def judge(self, number: Any) -> Judgement:
        """A number, or several, beside the expectation; none at all, or not a number, never meets it."""
        numbers = np.atleast_1d(np.asarray(number, dtype=float)).ravel()
        met = numbers.size > 0 and bool(np.isfinite(numbers).all()) and bool(self.met(numbers))
        return Judgement(expectation=self, numbers=tuple(map(float, numbers)), met=met)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """An expectation beside the numbers that were computed."""

    expectation: Expectation
    numbers: tuple[float, ...]
    met: bool

    @property
    def words(self) -> str:
        """The computed numbers in words, four digits of each."""
        if len(self.numbers) <= LISTED:
            return ", ".join(f"{x:.4g}" for x in self.numbers)
        low, high = f"{min(self.numbers):.4g}", f"{max(self.numbers):.4g}"
        span = low if low == high else f"{low} to {high}"
        return f"{span} ({len(self.numbers)} values)"

    @property
    def deviation(self) -> str:
        """Ours against the published number, relative unless that is zero; the largest of several."""
        published = self.expectation.value
        if published is None or not self.numbers:
            return ""
        off = max((x - published for x in self.numbers), key=abs)
        if published == 0:
            return f"{off:.1e}"
        share = off / abs(published)
        return f"{share:+.2%}" if abs(share) >= 1e-4 else f"{share:+.1e}"


def printed(quantity: str, digits: str) -> Expectation:
    """A printed number: ours rounds to the same digits.

    >>> printed("P", "-0.24").judge(-0.2389).met
    True
    >>> printed("100 P", "1.3").judge(1.353).met
    False
    """
    _, _, exponent = Decimal(digits).as_tuple()
    value, within = float(digits), 0.5 * 10.0 ** int(exponent)
    return replace(near(quantity, value, within), words=f"{digits} +- {within:.2g}")


def near(quantity: str, value: float, within: float) -> Expectation:
    """A number within an absolute tolerance."""
    return Expectation(
        quantity=quantity,
        words=f"{value:.7g}" + (f" +- {within:.2g}" if within else ""),
        met=lambda x: np.all(np.abs(x - value) <= within),
        value=value,
    )


def order(quantity: str, value: float) -> Expectation:
    """An order of magnitude: within half a decade.

    >>> order("T (K)", 0.1).judge(0.134).met
    True
    """
    return Expectation(
        quantity=quantity,
        words=f"of the order of {value:.3g}",
        met=lambda x: np.all((x / value > 1 / ORDER) & (x / value < ORDER)),
        value=value,
        order=True,
    )


def below(quantity: str, limit: float) -> Expectation:
    """Less than a limit."""
    return Expectation(quantity=quantity, words=f"< {limit:.4g}", met=lambda x: np.all(x < limit))


def above(quantity: str, limit: float) -> Expectation:
    """More than a limit."""
    return Expectation(quantity=quantity, words=f"> {limit:.4g}", met=lambda x: np.all(x > limit))


def between(quantity: str, low: float, high: float) -> Expectation:
    """Inside an interval."""
    return Expectation(
        quantity=quantity,
        words=f"{low:.4g} to {high:.4g}",
        met=lambda x: np.all((x > low) & (x < high)),
    )


def rises(quantity: str) -> Expectation:
    """A series that grows at every step."""
    return Expectation(
        quantity=quantity, words="rises", met=lambda x: x.size > 1 and np.all(np.diff(x) > 0)
    )


def falls(quantity: str) -> Expectation:
    """A series that falls at every step."""
    return Expectation(
        quantity=quantity, words="falls", met=lambda x: x.size > 1 and np.all(np.diff(x) < 0)
    )


def misprint(quantity: str, value: float, by: float) -> Expectation:
    """A number that is not the printed one, by more than its rounding or our error.

    >>> misprint("P", -0.28, by=0.005).judge(-0.2411).met
    True
    """
    return Expectation(
        quantity=quantity,
        words=f"not {value:.4g} (+- {by:.2g})",
        met=lambda x: np.all(np.abs(x - value) > by),
        value=value,
        wrong=True,
    )
