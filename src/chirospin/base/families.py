"""The families that are installed: those of this package, and those of other packages by entry point.

A package offers a family by an entry point of the group ``chirospin.families`` whose name is that of the family
and whose object is its record :class:`Family`; see docs/extending.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import chirospin
from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.family import Family, Problem
from chirospin.base.parameters import nearest

GROUP = "chirospin.families"


@cache
def offered(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points of other packages in a group, by name."""
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, []).append(point)
    return points


def load_offered(kind: str, name: str, points: Sequence[EntryPoint], *, taken: bool) -> Any:
    """What other packages offer under a name.

    Parameters
    ----------
    kind : what it is, for messages
    taken : whether this package has something of that name

    Raises
    ------
    ModelError : a package that cannot be imported, or a name that is taken
    """
    packages = [package_of(point) for point in points]
    if taken or len(points) > 1:
        owners = [*(["chirospin"] if taken else []), *packages]
        raise ModelError(f"{kind} `{name}` is offered by {' and '.join(owners)}; uninstall one")
    try:
        return points[0].load()
    except Exception as error:  # whatever the import of a foreign package raises
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelError(f"{kind} `{name}` of {packages[0]} cannot be loaded: {words}") from error


def family_names() -> tuple[str, ...]:
    """All families that can be named: those of this package first."""
    return (*chirospin.FAMILIES, *sorted(offered(GROUP).keys() - set(chirospin.FAMILIES)))


def family(name: str) -> Family:
    """A family by name.

    Raises
    ------
    UnknownNameError : none of that name is installed
    ModelError : a package that cannot be imported, offers something else, or a name that is taken
    """
    if name not in family_names():
        raise UnknownNameError(f"No family {name!r}; {nearest(name, list(family_names()))}")
    return _loaded(name)


@cache
def _loaded(name: str) -> Family:
    points = offered(GROUP).get(name, [])
    if name in chirospin.FAMILIES and not points:
        own: Family = getattr(chirospin, name).FAMILY
        return own
    record = load_offered("Family", name, points, taken=name in chirospin.FAMILIES)
    if not isinstance(record, Family) or {record.name, *(p.family for p in record.problems)} != {
        name
    }:
        raise ModelError(
            f"Entry point `{name}` of {package_of(points[0])} must be a Family of that name with its problems, "
            f"but is {str(record)[:80]}"
        )
    return record


def package_of(point: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def packages(name: str) -> dict[str, str]:
    """Version of each package beside this one that a family comes from."""
    return {p.dist.name: p.dist.version for p in offered(GROUP).get(name, []) if p.dist}


def installed() -> list[Family]:
    """Every family that can be loaded; a warning for each that cannot."""
    loaded = []
    for name in family_names():
        try:
            loaded.append(family(name))
        except ModelError as error:
            warnings.warn(str(error), stacklevel=2)
    return loaded


def problem(path: str) -> Problem:
    """A problem by FAMILY or FAMILY.MODEL."""
    name, _, model = path.partition(".")
    return family(name).problem(model or None)


def problem_of(kind: type) -> Problem | None:
    """The problem whose model is of a class: of the family that defines it, or of one from another package."""
    home = kind.__module__.split(".")[:2]
    own = [name for name in chirospin.FAMILIES if home == ["chirospin", name]]
    for name in own or sorted(offered(GROUP)):
        for problem in family(name).problems:
            if problem.model is kind:
                return problem
    return None


def drawing_of(model: Any, *, dark: bool) -> Any:
    """A figure of a model, by the drawing of its problem.

    Raises
    ------
    ModelError : its problem has none, or it belongs to no installed family
    """
    problem = problem_of(type(model))
    if problem is not None and problem.drawing is not None:
        return problem.drawing(model, dark=dark)
    drawn = [p.path for name in family_names() for p in family(name).problems if p.drawing]
    raise ModelError(f"{type(model).__name__} has no drawing; there is one of {', '.join(drawn)}")
