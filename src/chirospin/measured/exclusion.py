"""Declared rules by which curves are left out: ``short: abs(I) > 1 nA at 0.1 V``; nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.base.units import quantity

_RULE = re.compile(
    r"(?:(?P<name>[\w -]{1,40}):)?\s*abs\(I\)\s*(?P<sign>[<>])\s*(?P<current>[^@]{1,40}?)\s+at\s+(?P<bias>.{1,40})"
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Curves whose \\|I\\| at a bias is above, or below, a current (A)."""

    text: str
    above: bool
    current: float
    bias: float

    def holds(self, bias: NDArray[np.float64], current: NDArray[np.float64]) -> bool:
        """Whether a curve is left out; one that does not reach the bias is kept."""
        if not len(bias) or not bias.min() <= self.bias <= bias.max():
            return False
        size = abs(float(np.interp(self.bias, bias, np.nan_to_num(current))))
        return size > self.current if self.above else size < self.current


def rules_of(texts: Sequence[str]) -> list[Rule]:
    """Rules from their words.

    Raises
    ------
    ModelError : words that are no rule
    """
    found = []
    for text in texts:
        words = _RULE.fullmatch(text.strip())
        if words is None:
            raise ModelError(
                f'A rule of exclusion must read like "short: abs(I) > 1 nA at 0.1 V", but is {shown(text)!r}'
            )
        found.append(
            Rule(
                text=text.strip(),
                above=words["sign"] == ">",
                current=quantity(words["current"], "A", "current of the rule"),
                bias=quantity(words["bias"], "V", "bias of the rule"),
            )
        )
    return found
