"""What the page asks: the words of the command line, checked by the same functions."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model, ParameterInfo, shown
from chirospin.base.units import parse
from chirospin.faces import arguments

POINTS = 2000  # of a curve
PIXELS = 10_000  # of a map
VALUES = 200_000  # of everything that is drawn

Word = Annotated[str, Field(max_length=80)]
Text = Annotated[str, Field(max_length=2000)]
_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,6}")
_PLAIN = (bool, int, float, type(None))


class Span(BaseModel):
    """A parameter along an axis; without ends, the places that the model itself wants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Word
    start: Word = ""
    stop: Word = ""
    count: Word = ""
    log: bool = False

    @property
    def own(self) -> bool:
        """Whether the model's own places are meant."""
        return not self.start.strip() and not self.stop.strip()

    @property
    def over(self) -> str:
        """As after ``--over``."""
        tail = ":log" if self.log else ""
        parts = [part.strip() for part in (self.start, self.stop, self.count)]
        return f"{self.name}={':'.join(parts)}{tail}"


class Question(BaseModel):
    """One state of the form. ``values`` holds only what differs from the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: Word
    methods: tuple[Word, ...] = Field(max_length=12)
    observable: Word = ""
    view: Literal["curve", "map", "point"] = "curve"
    values: dict[Word, Text] = Field(default_factory=dict, max_length=200)
    options: dict[Word, Text] = Field(default_factory=dict, max_length=60)
    along: Span | None = None
    against: Span | None = None
    hands: bool = False
    entries: dict[Word, Word] = Field(default_factory=dict, max_length=12)
    unit: Word = ""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The axes in use, the horizontal one last: it is drawn along the last swept one."""
        wanted = {"curve": (self.along,), "map": (self.against, self.along), "point": ()}
        return tuple(span for span in wanted[self.view] if span is not None)


@dataclass(frozen=True, kw_only=True)
class CheckedQuestion:
    """A question that holds: nothing in it is text any more."""

    problem: Problem
    model: Model
    methods: tuple[Method, ...]
    over: Mapping[str, list[Any]]
    observables: tuple[str, ...] | None


def question_from(data: Any) -> Question:
    """The form's state as a question.

    Raises
    ------
    ModelError : not the shape of a question
    """
    try:
        return Question.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "request"
        raise ModelError(f"Field `{where}` of the page: {first['msg'].lower()}") from None


def question_of_text(text: str) -> Question:
    """A question from the JSON of an address.

    Raises
    ------
    ModelError : not JSON, or not the shape of a question
    """
    try:
        return question_from(json.loads(text))
    except (ValueError, RecursionError):
        raise ModelError("The address must hold a question of this page as JSON") from None


def checked_question(question: Question) -> CheckedQuestion:
    """Check everything before anything is computed.

    Raises
    ------
    ModelError : the same line as the command line's
    """
    problem = arguments.problem(question.problem)
    kind = problem.model
    for name, text in question.values.items():
        _plain_text(kind.parameter_info(name), text)
    model = arguments.model_from(kind, value_texts(question))
    for name in question.options:
        _plain_option(problem, question.methods, name)
    if not question.methods:
        raise ModelError(f"Option --method must name one of {', '.join(problem.methods)}")
    methods = arguments.methods_from(problem, ",".join(question.methods), option_texts(question))
    observables = None
    if question.view != "point":
        observables = tuple(
            observable.name for observable in problem.choose((question.observable,))
        )
    for span in question.spans:
        for text in (span.start, span.stop):
            _plain_text(kind.parameter_info(span.name), text)
    _bounded(question)
    texts = over_texts(question, model)
    return CheckedQuestion(
        problem=problem,
        model=model,
        methods=tuple(methods),
        over=arguments.sweep_from(kind, texts),
        observables=observables,
    )


def _bounded(question: Question) -> None:
    sizes = []
    for span in question.spans:
        if not span.own:
            text = span.count.strip()
            if not _COUNT.fullmatch(text) or not 1 <= int(text) <= POINTS:
                raise ModelError(
                    f"Points of `{span.name}` must be an integer in [1, {POINTS}] on this page, "
                    f"but is {span.count!r}"
                )
            sizes.append(int(text))
    if len(sizes) == 2 and sizes[0] * sizes[1] > PIXELS:
        raise ModelError(
            f"A map must have at most {PIXELS} points on this page, but has "
            f"{sizes[0]} x {sizes[1]}; use chirospin solve for more"
        )
    names = [span.name for span in question.spans]
    if len(set(names)) < len(names):
        raise ModelError(f"A map needs two parameters, but both axes are `{names[0]}`")


def _plain_text(info: ParameterInfo, text: str) -> None:
    """Refuse a word that would open a file or load code: that is for the shell."""
    if isinstance(info.default, str) and not _NAME.fullmatch(text.strip()):
        raise ModelError(
            f"Parameter `{info.name}` must be a plain word on this page (files and functions "
            f"are for chirospin solve), but is {shown(text)!r}"
        )


def plain_settings(kind: type[Method]) -> dict[str, FieldInfo]:
    """The settings of a method that a form may hold: numbers, switches and choices; no paths, no free text."""
    return {name: field for name, field in kind.model_fields.items() if _plain(field.annotation)}


def _plain(annotation: Any) -> bool:
    parts = get_args(annotation)
    if get_origin(annotation) is Literal or annotation in _PLAIN:
        return True
    if get_origin(annotation) is Annotated:
        return _plain(parts[0])
    kept = [part for part in parts if part is not Ellipsis]
    return get_origin(annotation) in (Union, UnionType, tuple) and all(map(_plain, kept))


def _plain_option(problem: Problem, methods: Sequence[str], name: str) -> None:
    for method in methods:
        kind = problem.method(method)
        if name in kind.model_fields and name not in plain_settings(kind):
            raise ModelError(
                f"Option `{name}` of method {kind.name} is for chirospin solve, not for this page: "
                "it may name a place outside the program"
            )


def value_texts(question: Question) -> list[str]:
    """As after ``--set``."""
    return [f"{name}={text.strip()}" for name, text in question.values.items()]


def option_texts(question: Question) -> list[str]:
    """As after ``--option``."""
    return [f"{name}={text.strip()}" for name, text in question.options.items()]


def unit_texts(question: Question) -> list[str]:
    """As after ``--unit``: a unit, or NAME=UNIT, with commas."""
    return [text.strip() for text in question.unit.split(",") if text.strip()]


def over_texts(question: Question, model: Model) -> list[str]:
    """As after ``--over``; both handednesses are a sweep of two values."""
    texts = [span.over for span in question.spans if not span.own]
    if not question.hands:
        return texts
    name = mirror_parameter(type(model))
    if name is None:
        raise ModelError(f"Both handednesses need a parameter that {question.problem} lacks")
    if name in {span.name for span in question.spans}:
        raise ModelError(f"Both handednesses cannot be compared along `{name}`, their own axis")
    value = getattr(model, name)
    if value == 0:
        raise ModelError(
            f"Parameter `{name}` must not be 0 where both handednesses are compared, but is 0"
        )
    return [f"{name}={abs(value)!r},{-abs(value)!r}", *texts]


def mirror_parameter(kind: type[Model]) -> str | None:
    """The parameter whose sign is the handedness: ``handedness``, or a spin-orbit coupling."""
    for name in ("handedness", "spin_orbit"):
        if name in kind.model_fields:
            info = kind.parameter_info(name)
            signed = -1 in info.choices if info.choices else info.allows(-1.0)
            if signed and info.shape is None:
                return name
    return None


def question_words(question: Question) -> str:
    """What is asked, in one line: what the answer to an older question is named by."""
    axes = " and ".join(span.name if span.own else span.over for span in question.spans)
    shown = f"{question.observable} along {axes}" if axes else "one point"
    changed = [*value_texts(question), *option_texts(question)]
    hands = ["both handednesses"] if question.hands else []
    rest = ", ".join([*changed, *hands]) or "all parameters as at first"
    return f"{question.problem} by {', '.join(question.methods)}; {shown}; {rest}"


def command_line(question: Question) -> str:
    """The command that gives the same numbers."""
    checked = checked_question(question)
    words = ["chirospin", "solve", question.problem, "--method", ",".join(question.methods)]
    for flag, texts in (
        ("--set", value_texts(question)),
        ("--option", option_texts(question)),
        ("--over", over_texts(question, checked.model)),
        ("--unit", unit_texts(question)),
    ):
        for text in texts:
            words += [flag, text]
    return shlex.join([*words, "--out", "result.nc", "--plot", "result.png"])


def snippet(question: Question) -> str:
    """The Python that gives the same numbers."""
    checked = checked_question(question)
    kind = type(checked.model)
    given = ", ".join(
        f"{name}={_literal(parse(kind.parameter_info(name), text))}"
        for name, text in question.values.items()
    )
    over = ", ".join(f'"{name}": {_spaced(checked, name, question)}' for name in checked.over)
    family = checked.problem.family
    methods = [
        f"{family}.{type(method).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"
        if (changed := method.model_dump(exclude_defaults=True))
        else f'"{method.name}"'
        for method in checked.methods
    ]
    chosen = methods[0] if len(methods) == 1 else f"[{', '.join(methods)}]"
    call = [f"{family}.{kind.__name__}({given})", chosen]
    call += [f"over={{{over}}}"] if over else []
    lines = ["import numpy as np", ""] if "np." in over else []
    package = kind.__module__.partition(".")[0]
    own = package == "chirospin"
    lines += [f"from chirospin import {family}" if own else f"import {package} as {family}", ""]
    lines += [f"ds = {family}.solve(", *(f"    {part}," for part in call)]
    lines += ['    on_failure="record",', ")"]
    for text in unit_texts(question):
        name, equals, unit = text.rpartition("=")
        given = f'"{unit.strip()}"' + (f', "{name.strip()}"' if equals else "")
        lines += [f"ds = ds.chirospin.to({given})"]
    lines += ["ds.chirospin.audit"]
    if question.view != "point":
        lines += [f'ds.chirospin.plot("{question.observable}").savefig("result.pdf")']
    return "\n".join(lines)


def _spaced(checked: CheckedQuestion, name: str, question: Question) -> str:
    span = next((one for one in question.spans if one.name == name), None)
    values = checked.over[name]
    if span is None or len(values) < 3:
        return _literal(values)
    spacing = "geomspace" if span.log else "linspace"
    return f"np.{spacing}({values[0]!r}, {values[-1]!r}, {len(values)})"


def _literal(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    return repr(value.item() if isinstance(value, np.generic) else value)
