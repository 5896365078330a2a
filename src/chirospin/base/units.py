"""Units at the faces: text in, internal floats out. Inside, hbar = e = k_B = 1, eV and nm."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.parameters import DIMENSIONLESS, ParameterInfo, refusal

AMPERE_PER_EV = 2.434134807664281e-4
"""Current e * (1 eV) / hbar in ampere: e^2/hbar times one volt."""

_NATURAL = ("1", "k_B", "1/hbar", "1/hbar**2")
"""What a quantity may be multiplied by, since hbar = k_B = 1: 300 K is an energy, 10 fs its inverse."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_SIMPLE_FRACTION = re.compile(r"([+-]?[\d.]*)\*?pi(?:/([\d.]+))?")


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


def parse(info: ParameterInfo, text: str) -> Any:
    """Value of a parameter from text: ``0.8``, ``25 meV``, ``90 deg``, ``pi/2``, ``[1, 0, 0]``.

    Raises
    ------
    ModelError : no number, or a unit of the wrong dimension
    """
    text = text.strip()
    if isinstance(info.default, str):
        return text
    if text.startswith(("[", "(")):
        return _literal(info, text)
    if info.shape is not None and text.lower() == "none":
        return None
    fraction = _SIMPLE_FRACTION.fullmatch(text)
    if fraction and info.unit == "rad":
        head = {"": 1.0, "+": 1.0, "-": -1.0}.get(fraction[1]) or float(fraction[1])
        return head * np.pi / float(fraction[2] or 1)
    number = _NUMBER.match(text)
    if number is None:
        raise refusal(info, repr(text))
    value, unit = float(number[0]), text[number.end() :].strip()
    return value if not unit else value * _factor(info, unit, text)


def _literal(info: ParameterInfo, text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise refusal(info, repr(text)) from None


def _factor(info: ParameterInfo, unit: str, text: str) -> float:
    if info.unit == DIMENSIONLESS:
        raise ModelError(
            f"Parameter `{info.name}` must be {info.range} (dimensionless, no unit), but is {text!r}"
        )
    for constant in _NATURAL:
        try:
            quantity = _registry().Quantity(1.0, unit) * _registry().Quantity(1.0, constant)
            return float(quantity.to(info.unit).magnitude)
        except Exception:  # pint raises many kinds: undefined, dimension, syntax, offset
            continue
    raise ModelError(
        f"Parameter `{info.name}` must be {info.range} with a unit like {info.unit}, "
        f"but is {text!r}"
    )


def shown_unit(unit: str) -> str:
    """The unit as a suffix for text; empty when dimensionless."""
    return "" if unit == DIMENSIONLESS else unit
