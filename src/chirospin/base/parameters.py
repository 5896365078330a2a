"""A parameter is declared once: unit, symbol, range, meaning. All else is derived from it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from chirospin.base.errors import ModelError, UnknownNameError

DIMENSIONLESS = "1"
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes that a number other than 0 may have, in any unit: beyond, products of a few overflow or vanish."""
LARGEST_INTEGER = 2**53
"""Beyond, a float does not hold every integer."""
LONGEST_TEXT = 4096  # characters: as long as a path may be
SHOWN = 80  # characters of a value that a message shows


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Shape of an array-valued parameter; letters stand for sizes, as in ``("M", 3)``."""

    axes: tuple[str | int, ...]
    kind: type = float

    def __str__(self) -> str:
        word = {complex: "complex", int: "integer"}.get(self.kind, "real")
        return f"{word} ({', '.join(map(str, self.axes))})"


def parameter(
    default: Any,
    *,
    unit: str = DIMENSIONLESS,
    symbol: str,
    about: str,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[Any, ...] = (),
    shape: Shape | None = None,
    axis: bool = False,
) -> Any:
    """Declare a model parameter: the one place where its facts live.

    Parameters
    ----------
    default : value in ``unit``; None where the parameter may be left out
    unit : internal unit (eV, nm, rad or ``"1"``)
    symbol : LaTeX symbol without dollar signs
    about : one sentence
    low, high : closed bounds in ``unit``
    above, below : open bounds in ``unit``
    choices : the only values allowed; text without choices is free
    shape : for array-valued parameters
    axis : the values are where the observables are wanted: a dimension of the result
    """
    facts: Any = {
        "unit": unit,
        "symbol": symbol,
        "choices": choices,
        "shape": shape,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "axis": axis,
    }
    return Field(
        default=default,
        description=about,
        validate_default=False,
        json_schema_extra={"facts": facts},
    )


def axis_parameter(letter: str, *, unit: str, symbol: str, about: str) -> Any:
    """Declare where results are wanted along one dimension, which is the model's choice if not given."""
    return parameter(
        None, unit=unit, symbol=symbol, shape=Shape(axes=(letter,)), axis=True, about=about
    )


@dataclass(frozen=True, kw_only=True)
class ParameterInfo:
    """The declared facts of one parameter, read by the faces."""

    name: str
    default: Any
    unit: str
    symbol: str
    about: str
    low: float | None
    high: float | None
    above: float | None
    below: float | None
    choices: tuple[Any, ...]
    shape: Shape | None
    axis: bool
    integer: bool
    boolean: bool = False

    @property
    def range(self) -> str:
        """The allowed values in words."""
        if self.boolean:
            return "true or false"
        if self.choices:
            signed = any(isinstance(choice, int) and choice < 0 for choice in self.choices)
            return " or ".join(f"{c:+d}" if signed else str(c) for c in self.choices)
        if self.shape is not None:
            return f"{self.shape}, finite"
        if isinstance(self.default, str):
            return "text"
        word = "integer" if self.integer else "real"
        floor = self.above if self.low is None else self.low
        ceiling = self.below if self.high is None else self.high
        if floor is None and ceiling is None:
            return f"any finite {word}"
        if ceiling is None:
            return f"{word} {'>' if self.low is None else '>='} {floor:g}"
        if floor is None:
            return f"{word} {'<' if self.high is None else '<='} {ceiling:g}"
        opening, closing = "(["[self.low is not None], ")]"[self.high is not None]
        return f"{word} in {opening}{floor:g}, {ceiling:g}{closing}"

    def allows(self, number: float) -> bool:
        """Whether a number is finite and in the allowed range."""
        return (
            math.isfinite(number)
            and not self.extreme(number)
            and (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
            and (not self.choices or number in self.choices)
            and (not self.integer or number == int(number))
        )

    def extreme(self, number: float) -> bool:
        """Whether a finite number is of a size with which nothing can be computed."""
        if self.integer:
            return abs(number) > LARGEST_INTEGER
        return number != 0 and not SMALLEST <= abs(number) <= LARGEST

    @property
    def unit_words(self) -> str:
        """The unit in words, for messages."""
        return "dimensionless" if self.unit == DIMENSIONLESS else f"in {self.unit}"


def _info(name: str, field: FieldInfo) -> ParameterInfo:
    extra: Any = field.json_schema_extra
    facts = extra["facts"]
    boolean = field.annotation is bool
    return ParameterInfo(
        name=name,
        default=field.default,
        about=field.description or "",
        integer=field.annotation in (int, int | None),
        boolean=boolean,
        **(facts | {"choices": (True, False)} if boolean else facts),
    )


def nearest(name: str, known: list[str], renamed: Mapping[str, str] | None = None) -> str:
    """The remedy for a name that is not known: what it is called now, the nearest one, or all of them."""
    if renamed is not None and name in renamed:
        return f"it is called {renamed[name]!r} now"
    close = difflib.get_close_matches(name[:SHOWN], known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


class Model(BaseModel):
    """A frozen set of physics parameters. Bad input is one line and a :class:`ModelError`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        defer_build=True,  # validators of a hundred models are made when one is first used
    )

    shorthands: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}
    """Former names of parameters -> present ones."""
    yielding: ClassVar[frozenset[str]] = frozenset()
    """Parameters whose defaults give way to another that is given: a stored default is not one that was typed."""
    shorthand_symbols: ClassVar[Mapping[str, str]] = {}
    _origin: Mapping[str, Any] | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Mapping[str, Any] | None:
        """Facts of the result that the model was made from; None for one that was typed."""
        return self._origin

    def draw(self, *, dark: bool = False) -> Any:
        """A figure (matplotlib) of the model itself, on white or on dark ground.

        Raises
        ------
        ModelError : models of this kind have no drawing
        """
        from chirospin.base.families import drawing_of

        return drawing_of(self, dark=dark)

    def _repr_html_(self) -> str:
        """For a notebook: the drawing, and a table of the parameters."""
        from chirospin.base.html import model_html

        return model_html(self)

    def made_from(self, origin: Mapping[str, Any]) -> Self:
        """The same model, which says where its parameters come from."""
        self._origin = origin
        return self

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in type(self).model_fields and name not in self.shorthands:
                known = [*type(self).model_fields, *self.shorthands]
                raise UnknownNameError(
                    f"Parameter `{name}` is not one of {type(self).__name__}; "
                    f"{nearest(name, known, type(self).renamed)}"
                )
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _as_model_error(type(self), error) from None
        except ArithmeticError:
            raise _too_extreme(values) from None

    @model_validator(mode="before")
    @classmethod
    def _expand_and_check(cls, values: dict[str, Any]) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        for short, members in cls.shorthands.items():
            if short in values:
                expanded |= dict.fromkeys(
                    members, checked(cls.parameter_info(short), values[short])
                )
        expanded |= {name: value for name, value in values.items() if name not in cls.shorthands}
        return {
            name: checked(_info(name, cls.model_fields[name]), value)
            for name, value in expanded.items()
        }

    def __str__(self) -> str:
        """Every parameter that has a value, with its unit, a line each."""
        lines = [
            f"  {info.name:<22}{getattr(self, info.name)} {info.unit}".removesuffix(
                f" {DIMENSIONLESS}"
            )
            for info in self.parameters()
            if getattr(self, info.name) is not None
        ]
        from chirospin.base.families import problem_of

        problem = problem_of(type(self))
        name = (
            type(self).__name__
            if problem is None
            else f"{problem.in_python} (in the shell {problem.path})"
        )
        return "\n".join([name, *lines])

    @classmethod
    def parameters(cls) -> Iterator[ParameterInfo]:
        """The declared parameters in order."""
        for name, field in cls.model_fields.items():
            yield _info(name, field)

    @classmethod
    def parameter_info(cls, name: str) -> ParameterInfo:
        """Facts of one parameter or shorthand.

        Raises
        ------
        UnknownNameError : the name is not declared
        """
        if name in cls.shorthands:
            members = cls.shorthands[name]
            info = _info(name, cls.model_fields[members[0]])
            about = f"sets {', '.join(members)}"
            return replace(info, name=name, about=about, symbol=cls.shorthand_symbols[name])
        if name not in cls.model_fields:
            known = [*cls.model_fields, *cls.shorthands]
            raise UnknownNameError(
                f"Parameter `{name}` is not one of {cls.__name__}; {nearest(name, known, cls.renamed)}"
            )
        return _info(name, cls.model_fields[name])

    def beside(self, name: str) -> tuple[Path, ...]:
        """Files that decide a number together with the one that a parameter names; a family says which."""
        return ()

    def changed(self) -> dict[str, Any]:
        """Parameters that differ from their defaults, without the places where results are wanted."""
        return {
            info.name: getattr(self, info.name)
            for info in self.parameters()
            if getattr(self, info.name) != info.default and not info.axis
        }

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Only what differs from the defaults."""
        return iter(self.changed().items())

    def replace(self, **changes: Any) -> Self:
        """A copy with some parameters changed, checked like a new model."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        for short in changes.keys() & self.shorthands.keys():
            for member in self.shorthands[short]:
                given.pop(member, None)
        changed = type(self)(**{**given, **changes})
        return changed if self._origin is None else changed.made_from(self._origin)


def checked(info: ParameterInfo, value: Any) -> Any:
    """The value in its declared type, or one clear line; text with a unit and pint quantities are understood.

    Raises
    ------
    ModelError : not a number, not finite, out of range, wrong shape
    """
    value = _plain(info, value)
    if info.shape is not None:
        return None if value is None else _array(info, value)
    if value is None and info.default is None:
        return None
    if info.boolean:
        return _boolean(info, value)
    if isinstance(info.default, str):
        if not isinstance(value, str) or (info.choices and value not in info.choices):
            raise refusal(info, value)
        if len(value) > LONGEST_TEXT:
            raise ModelError(
                f"Parameter `{info.name}` must be text of at most {LONGEST_TEXT} characters, but has {len(value)}"
            )
        return value
    return _scalar(info, value)


def _plain(info: ParameterInfo, value: Any) -> Any:
    """Numbers of text, ``0.5 V``, and of pint quantities, in the parameter's unit; all else as it is."""
    from chirospin.base import units

    number = not (isinstance(info.default, str) or info.choices or info.boolean)
    if isinstance(value, str) and number:
        return units.parse(info, value)
    if hasattr(value, "magnitude") and hasattr(value, "units"):
        return units.magnitude(info, value)
    if info.shape is not None and isinstance(value, (list, tuple, np.ndarray)):
        return _plain_entries(info, value)
    return value


def _plain_entries(info: ParameterInfo, values: Any) -> Any:
    """The same of each entry of a list."""
    told = [hasattr(v, "magnitude") or isinstance(v, str) for v in values]
    scalar = replace(info, shape=None)
    return [_plain(scalar, v) for v in values] if any(told) else values


def swept_numbers(info: ParameterInfo, values: Any) -> Any:
    """Values of a sweep as numbers in the parameter's unit: numbers, text with units, one pint quantity.

    Raises
    ------
    ModelError : a unit of another kind
    """
    whole = hasattr(values, "magnitude") and hasattr(values, "units")
    if whole or isinstance(values, (list, tuple, np.ndarray)):
        return _plain(info, values) if whole else _plain_entries(info, values)
    return values


def refusal(info: ParameterInfo, value: Any) -> ModelError:
    """The one line that names parameter, value, allowed range and unit."""
    return ModelError(
        f"Parameter `{info.name}` must be {info.range}{_sizes(info, value)} ({info.unit_words}), "
        f"but is {shown(value)}"
    )


def shown(value: Any) -> str:
    """A value in a message: at most :data:`SHOWN` characters of it."""
    try:
        whole = str(value).replace("\n", "")
    except ValueError:  # an integer of more digits than Python shows
        return f"an integer of {int(value).bit_length()} bits"
    return whole if len(whole) <= SHOWN else f"{whole[:SHOWN]}... ({len(whole)} characters)"


def _sizes(info: ParameterInfo, value: Any) -> str:
    """The range of sizes in words, where it is that which a value breaks."""
    try:
        numbers = np.abs(np.asarray(value, dtype=complex)).ravel()
    except (TypeError, ValueError, OverflowError):
        return ""
    if not any(math.isfinite(x) and info.extreme(x) for x in numbers.tolist()):
        return ""
    if info.integer:
        return f", at most {LARGEST_INTEGER}"
    return f", 0 or of a size from {SMALLEST:g} to {LARGEST:g}"


def not_scalar(info: ParameterInfo) -> ModelError:
    """What is said of a sweep over what is not a number."""
    return ModelError(f"Parameter `{info.name}` must be a scalar to be swept, but is {info.range}")


def _boolean(info: ParameterInfo, value: Any) -> bool:
    """A switch; 1 and 0, as older results have them, are understood."""
    if isinstance(value, str):
        value = BOOLEANS.get(value.strip().lower(), value)
    if isinstance(value, str) or np.ndim(value) != 0 or value not in (True, False):
        raise refusal(info, value)
    return bool(value)


def _scalar(info: ParameterInfo, value: Any) -> float | int:
    if isinstance(value, (bool, np.bool_, str, complex)) or np.ndim(value) != 0:
        raise refusal(info, value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise refusal(info, value) from None
    if not info.allows(number):
        raise refusal(info, value)
    return int(number) if info.integer else number


def _array(info: ParameterInfo, value: Any) -> Any:
    assert info.shape is not None
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iufc" or (array.dtype.kind == "c" and info.shape.kind is float):
            raise refusal(info, value)
        if info.shape.kind is int and (array != np.rint(array)).any():
            raise refusal(info, value)
        array = array.astype(info.shape.kind)
    except (TypeError, ValueError, OverflowError):
        raise refusal(info, value) from None
    axes = info.shape.axes
    fits = array.ndim == len(axes) and all(
        isinstance(axis, str) or axis == size for axis, size in zip(axes, array.shape, strict=True)
    )
    sizes = np.abs(array[array != 0])
    fits = fits and bool(np.isfinite(array).all())
    if fits and info.axis and not array.size:
        raise ModelError(f"Parameter `{info.name}` must hold at least one value, but is empty")
    if not fits or ((sizes < SMALLEST) | (sizes > LARGEST)).any():
        raise refusal(info, value)
    return _nested(array)


def _nested(array: Any) -> Any:
    """Nested tuples: hashable, so that a frozen model stays a key."""
    if array.ndim < 2:
        return tuple(array.tolist()) if array.ndim else array.item()
    return tuple(_nested(row) for row in array)


def _too_extreme(values: Mapping[str, Any]) -> ModelError:
    """The line for numbers that overflow where a model is checked: it names the one farthest from 1."""
    sizes = {n: abs(v) for n, v in values.items() if isinstance(v, (int, float)) and v != 0}
    name = max(sizes, key=lambda n: abs(math.log(sizes[n])), default=next(iter(values), ""))
    return ModelError(
        f"Parameter `{name}` must be of a size that can be computed with, but is {values.get(name)}"
    )


def _as_model_error(model: type[Model], error: ValidationError) -> ModelError:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ModelError):
        return cause
    where = str(first["loc"][0]) if first["loc"] else model.__name__
    return ModelError(
        f"Parameter `{where}` must be valid, but is {shown(first.get('input'))}: {first['msg']}"
    )
