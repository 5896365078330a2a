"""Text of the command line to values: assignments, ranges, methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.families import family as family
from chirospin.base.families import problem as problem
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model, nearest, shown
from chirospin.base.units import parse
from chirospin.points.design import spaced

if TYPE_CHECKING:
    from cyclopts import Token

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def stored_problem(ds: Any) -> Problem:
    """The problem that a stored result belongs to."""
    return family(str(ds.attrs["family"])).problem(str(ds.attrs["model"]))


def problem_for(path: str, methods: str | None, texts: Sequence[str]) -> Problem:
    """The problem of FAMILY.MODEL; of FAMILY alone the first that knows every method and parameter named.

    So ``junction --method ule --over bias=0:4:9`` is ``junction.bias``. Where none knows them all it is the
    first, which then says what it does not know.
    """
    if "." in path:
        return problem(path)
    every = family(path).problems
    wanted = {name.strip() for name in methods.split(",")} if methods else set()
    named = {text.partition("=")[0].strip() for text in texts}
    for member in every:
        parameters = {*member.model.model_fields, *member.model.shorthands, *member.model.renamed}
        if wanted <= {*member.methods, *member.renamed} and named <= parameters:
            return member
    return every[0]


def whole_number(_kind: type, tokens: Sequence[Token]) -> int:
    """An option that counts: its digits and nothing else, so that 1.5 is not taken for 2.

    Raises
    ------
    ValueError : no integer
    """
    text = tokens[0].value
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"must be an integer, but is {shown(text)!r}")
    return int(text)


def assignment(text: str, flag: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ModelError(f"Option {flag} must be NAME=VALUE, but is {text!r}")
    return name.strip(), value.strip()


def assignments(texts: Sequence[str], flag: str) -> dict[str, str]:
    """All NAME=VALUE of one flag; naming one twice is an error."""
    given: dict[str, str] = {}
    for text in texts:
        name, value = assignment(text, flag)
        if name in given:
            raise ModelError(f"Option {flag} names `{name}` twice: {given[name]!r} and {value!r}")
        given[name] = value
    return given


def values_from(kind: type[Model], texts: Sequence[str]) -> dict[str, Any]:
    """Values of --set NAME=VALUE in the units of the model."""
    given = assignments(texts, "--set")
    return {name: parse(kind.parameter_info(name), value) for name, value in given.items()}


def model_from(kind: type[Model], texts: Sequence[str], source: Path | None = None) -> Model:
    """A model from --set NAME=VALUE, and from a result if one is named; checked before anything is computed.

    Raises
    ------
    ModelError : a bad value, or a result that is none of a stack, for a model that is made from one
    """
    values = values_from(kind, texts)
    if source is None:
        return kind(**values)
    made: Any = getattr(kind, "from_result", None)
    if made is None:
        raise ModelError(
            f"Option --from must be used with a model of the junction, but {kind.__name__} takes no result"
        )
    from chirospin.base.results import load

    found: Model = made(load(source), **values)
    return found


def sweep_from(kind: type[Model], texts: Sequence[str]) -> dict[str, list[Any]]:
    """Swept values from --over NAME=START:STOP:COUNT[:log] or NAME=V1,V2,..."""
    return {
        name: spaced(kind.parameter_info(name), text)
        for name, text in assignments(texts, "--over").items()
    }


def refuse_conflicts(kind: type[Model], texts: Sequence[str], grid: Mapping[str, Any]) -> None:
    """A swept parameter is given once, by itself or through a shorthand.

    Raises
    ------
    ModelError : also set, or swept twice
    """
    set_ = [(n, f"--set {n}") for n in assignments(texts, "--set")]
    refuse_twice(kind, set_, [(n, f"--over {n}") for n in grid])


def refuse_twice(
    kind: type[Model], given: Sequence[tuple[str, str]], varied: Sequence[tuple[str, str]]
) -> None:
    """A varied parameter is given once; names, each with the place that gives it.

    Raises
    ------
    ModelError : also set, or varied twice
    """
    seen: dict[str, str] = {}
    for name, where in [*given, *varied]:
        for member in kind.shorthands.get(name, (name,)):
            if member in seen and (name, where) in varied:
                raise ModelError(
                    f"Parameter `{member}` must be given once, but is in {seen[member]} and in {where}"
                )
            seen[member] = where


def refuse_repeated(what: str, names: Sequence[str]) -> None:
    """A list of names has each once.

    Raises
    ------
    ModelError : one is named twice
    """
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"Argument `{what}` must name each once, but has {name} twice")


def observables_from(
    problem: Problem, names: str | None, drawn: str | None, model: Model | None = None
) -> tuple[str, ...] | None:
    """Observables named with commas and the one that is drawn; None where both are found by default.

    Raises
    ------
    ModelError : a name that the problem does not know
    """
    listed = None if names is None else tuple(part.strip() for part in names.split(","))
    chosen = [observable.name for observable in problem.choose(listed, model)]
    if drawn is not None:
        chosen += [
            observable.name
            for observable in problem.choose((drawn,))
            if observable.name not in chosen
        ]
    elif listed is None:
        return None
    return tuple(dict.fromkeys(chosen))


def methods_from(
    problem: Problem,
    names: str | None,
    options: Sequence[str],
    model: Model | None = None,
    observables: Sequence[str] | None = None,
) -> list[Method]:
    """Method objects from --method A,B and --option NAME=VALUE (each goes to those that know it)."""
    kinds = (
        [problem.method(name.strip()) for name in names.split(",")]
        if names
        else [problem.method_for(observables, model)]
    )
    refuse_repeated("method", [kind.name for kind in kinds])
    given = assignments(options, "--option")
    for name in given:
        known = sorted({key for kind in kinds for key in kind.model_fields})
        if name not in known:
            renamed = {old: new for kind in kinds for old, new in kind.renamed.items()}
            raise UnknownNameError(
                f"Option `{name}` is not one of method {names or kinds[0].name}; "
                + (nearest(name, known, renamed) if known else "it has none")
            )
    return [kind(**{k: v for k, v in given.items() if k in kind.model_fields}) for kind in kinds]


def in_units(ds: Any, texts: Sequence[str]) -> Any:
    """A result with what --unit UNIT or NAME=UNIT names in other units.

    Raises
    ------
    ModelError : no unit, or nothing of its kind
    """
    for text in texts:
        name, equals, unit = text.rpartition("=")
        ds = ds.chirospin.to(unit.strip(), *([name.strip()] if equals else []))
    return ds
