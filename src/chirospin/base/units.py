"""Units at the faces: text in, internal floats out. Inside, hbar = e = k_B = 1, eV and nm."""

from __future__ import annotations

import ast
import math
import re
import threading
from functools import lru_cache
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.parameters import DIMENSIONLESS, ParameterInfo, checked, refusal, shown

_NATURAL = ("1", "k_B", "1/hbar", "1/hbar^2", "elementary_charge")
"""What a quantity may be multiplied by, since hbar = k_B = e = 1: 300 K is an energy, 10 fs its inverse, and V
stands for e times volt where an energy is asked."""
_WAVENUMBER, _PHOTON = "1/cm", "hbar*speed_of_light"
"""The unit of spectroscopists, cm^-1, stands for the energy of its photon."""
CELSIUS, FREEZING = ("degC", "°C", "celsius", "degree_Celsius"), 273.15
_ABSOLUTE = ("temperature", "thermal_energy")
"""Parameters that are temperatures, not differences of them: 25 degC is 298.15 K there."""

LONGEST_UNIT = 60  # characters
LONGEST_SCALAR = 1000  # characters of a number with its unit: no float has as many digits
LONGEST_ARRAY = 100_000  # characters of an array in brackets

_DECIMAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"  # of no other script
_NUMBER = re.compile(rf"[+-]?{_DECIMAL}(?:[eE][+-]?[0-9]+)?")
_FRACTION_OF_PI = re.compile(rf"([+-]?)({_DECIMAL}?)\s*\*?\s*pi(?:\s*/\s*({_DECIMAL}))?")
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[^\W\d_]+(?:_[^\W_]+)*)|(?P<power>(?:\^|\*\*)\s*-?[0-9](?:\.[0-9])?)"
    r"|(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹])|(?P<sign>[*·/()])|(?P<one>1))"
)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_CLOSING = {"[": "]", "(": ")"}

_Tokens = list[tuple[str, str]]


_ONE_AT_A_TIME = threading.Lock()


def unit_registry() -> Any:
    """The pint registry in which every ``units`` of a result is a unit, ``e/(8 pi)`` too.

    The plain ``pint.UnitRegistry()`` reads all the others with ``parse_units``; a unit with a number in it is
    an expression there: ``ureg("e/(8 pi)")`` is 0.0398 e.
    """
    with _ONE_AT_A_TIME:  # units of two registries do not mix, and threads of a page ask at once
        return _registry()


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(
        cache_folder=None, preprocessors=[lambda text: text.replace("8 pi", "eight_pi")]
    )
    registry.define("eight_pi = 8 * pi")
    return registry


def parse(info: ParameterInfo, text: str) -> Any:
    """Value of a parameter from text: ``0.8``, ``25 meV``, ``90 deg``, ``pi/2``, ``[1, 0, 0]``, ``[1, 2] meV``.

    Raises
    ------
    ModelError : no number, or a unit of the wrong dimension
    """
    text = text.strip()
    if isinstance(info.default, str):
        return text
    if info.boolean:
        return checked(info, text)
    if text.startswith(tuple(_CLOSING)):
        return _array(info, text)
    if info.shape is not None and text.lower() == "none":
        return None
    if len(text) > LONGEST_SCALAR:
        raise refusal(info, repr(text))
    fraction = _FRACTION_OF_PI.fullmatch(text)
    if fraction and info.unit == "rad" and float(fraction[3] or 1) != 0:
        size = float(fraction[2] or 1) * np.pi / float(fraction[3] or 1)
        return -size if fraction[1] == "-" else size
    number = _NUMBER.match(text)
    if number is None:
        raise refusal(info, repr(text))
    value, unit = float(number[0]), text[number.end() :].strip()
    unit = f"1{unit}" if unit.startswith("/") else unit  # 3/nm
    if unit in CELSIUS and info.name in _ABSOLUTE:
        value, unit = value + FREEZING, "K"
    converted = value if not unit else value * _factor(info, unit, text)
    if not math.isfinite(converted) or (converted == 0 and value != 0):
        raise refusal(info, repr(text))
    return converted


def _array(info: ParameterInfo, text: str) -> Any:
    """Numbers in brackets, with one unit behind them or none."""
    end = _closed(text)
    inside, unit = text[:end], text[end:].strip()
    if not inside or len(text) > LONGEST_ARRAY:
        raise _no_array(info, text)
    try:
        values = ast.literal_eval(inside)
        if not unit:
            return values
        numbers = np.asarray(values)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _no_array(info, text) from None
    if numbers.dtype.kind not in "iufc":
        raise _no_array(info, text)
    return (numbers * _factor(info, unit, text)).tolist()


def _closed(text: str) -> int:
    """Where the first bracket is closed; 0 where it is not."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in _CLOSING) - (sign in _CLOSING.values())
        if depth == 0:
            return place + 1
    return 0


def _no_array(info: ParameterInfo, text: str) -> ModelError:
    behind = "" if info.unit == DIMENSIONLESS else ", as numbers in brackets and one unit behind"
    return ModelError(
        f"Parameter `{info.name}` must be {info.range} ({info.unit_words}){behind}, "
        f"but is {shown(text)!r}"
    )


def _factor(info: ParameterInfo, unit: str, text: str) -> float:
    if info.unit == DIMENSIONLESS:
        raise ModelError(
            f"Parameter `{info.name}` must be {info.range} (dimensionless, no unit), "
            f"but is {shown(text)!r}"
        )
    factor = _conversion(unit, info.unit)
    if factor is None:
        raise ModelError(
            f"Parameter `{info.name}` must be {info.range} with a unit like {info.unit}, "
            f"but is {shown(text)!r}"
        )
    return factor


@lru_cache(maxsize=512)
def _conversion(unit: str, wanted: str) -> float | None:
    """One ``unit`` in units of ``wanted``, where hbar = k_B = 1; None where it is no unit of that kind."""
    given, target = unit_of(unit), unit_of(wanted)
    if given is None or target is None:
        return None
    for constant in _NATURAL:
        quantity = 1.0 * (given * unit_of(constant))
        if quantity.is_compatible_with(target):
            return _ratio(quantity, target)
    if given == unit_of(_WAVENUMBER):
        quantity = unit_registry().Quantity(2 * math.pi, _PHOTON) * given
        if quantity.is_compatible_with(target):
            return _ratio(quantity, target)
    return None


def _ratio(quantity: Any, target: Any) -> float | None:
    try:
        return float(quantity.to(target).magnitude)
    except ArithmeticError:  # (Ym^9)^9
        return None


def conversion(unit: str, wanted: str) -> float | None:
    """What a number in ``unit`` is multiplied by to be one in ``wanted``; None where they are of other kinds.

    Examples
    --------
    >>> round(conversion("eV*e/hbar", "uA"), 3)
    243.413
    >>> conversion("eV", "V"), conversion("V", "mV")
    (1.0, 1000.0)
    """
    plain = plain_conversion(unit, wanted)
    if plain is not None:
        return plain
    back = _conversion(wanted, unit)
    return None if not back else 1 / back


@lru_cache(maxsize=512)
def plain_conversion(unit: str, wanted: str) -> float | None:
    """The same, without constants of nature: an energy is no voltage, and no temperature."""
    given, target = unit_of(unit), unit_of(wanted)
    if given is None or target is None:
        return None
    quantity = 1.0 * given
    return _ratio(quantity, target) if quantity.is_compatible_with(target) else None


def quantity(text: str, unit: str, what: str) -> float:
    """A number with its unit, ``0.5 pA``, in another unit.

    Raises
    ------
    ModelError : no number, no unit, or one of another kind
    """
    number = _NUMBER.match(text.strip()) if len(text) <= LONGEST_SCALAR else None
    if number is not None:
        value, given = float(number[0]), text.strip()[number.end() :].strip()
        if given in CELSIUS and unit == "K":
            value, given = value + FREEZING, "K"
        factor = plain_conversion(given, unit) if given else None
        if factor is not None and math.isfinite(value * factor):
            return value * factor
    raise ModelError(f"The {what} must be a number with a unit like {unit}, but is {shown(text)!r}")


def magnitude(info: ParameterInfo, value: Any) -> Any:
    """Numbers of a pint quantity, of any registry, in the unit of a parameter.

    Raises
    ------
    ModelError : a unit of another kind
    """
    unit = str(value.units)
    numbers = value.magnitude
    if unit in CELSIUS and info.name in _ABSOLUTE:
        numbers, unit = numbers + FREEZING, "K"
    if unit in ("", "dimensionless"):
        return numbers
    return numbers * _factor(info, unit, str(value))


def unit_of(text: str) -> Any:
    """A unit from names, powers, products and quotients, from left to right; None for anything else.

    Nothing is evaluated: ``eV``, ``eV*nm^2``, ``1/eV/nm**2``, ``1/(eV*nm)``, ``V nm⁻¹``. A scale with another
    zero (degC) or of levels (dB) is none.
    """
    if len(text) > LONGEST_UNIT:
        return None
    tokens: _Tokens = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        assert match.lastgroup is not None
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    try:
        unit = _product(tokens)
    except (ValueError, IndexError):
        return None
    return unit if not tokens else None


def _product(tokens: _Tokens) -> Any:
    """Factors until the end or a closing bracket; what is read is taken off the list."""
    unit = _raised(tokens)
    while tokens and tokens[0] != ("sign", ")"):
        divided = tokens[0] == ("sign", "/")
        if tokens[0][0] == "sign" and tokens[0][1] in "*·/":
            tokens.pop(0)
        factor = _raised(tokens)
        unit = unit / factor if divided else unit * factor
    return unit


def _raised(tokens: _Tokens) -> Any:
    kind, word = tokens.pop(0)
    if kind == "name":
        unit = _named(word)
    elif kind == "one":
        unit = unit_registry().Unit("")
    elif word == "(":
        unit = _product(tokens)
        if not tokens or tokens.pop(0) != ("sign", ")"):
            raise ValueError(word)
    else:
        raise ValueError(word)
    if tokens and tokens[0][0] in ("power", "raised"):
        power = float(tokens.pop(0)[1].translate(_RAISED).lstrip("^* "))
        unit = unit ** (int(power) if power.is_integer() else power)
    return unit


@lru_cache(maxsize=512)
def _named(name: str) -> Any:
    """A unit or constant by its name alone."""
    try:
        unit = unit_registry().parse_units(name)
        one, two = (unit_registry().Quantity(n, unit).to_root_units() for n in (1.0, 2.0))
    except Exception:  # pint raises many kinds of its own
        raise ValueError(name) from None
    if not math.isclose(two.magnitude, 2 * one.magnitude):  # degC, dB
        raise ValueError(name)
    return unit


def shown_unit(unit: str) -> str:
    """The unit as a suffix for text; empty when dimensionless."""
    return "" if unit == DIMENSIONLESS else unit


def number(value: Any) -> str:
    """A number for people: six digits, zero without a sign."""
    if isinstance(value, (complex, np.complexfloating)):
        return f"{value.real + 0.0:.6g}{value.imag + 0.0:+.6g}i"
    return f"{value + 0.0:.6g}" if isinstance(value, (float, np.floating)) else str(value)
