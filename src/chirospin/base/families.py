"""The families that are installed: those of this package, and those of other packages by entry point.

A package offers a family by an entry point of the group ``chirospin.families`` whose name is that of the family
and whose object is its record :class:`Family`; see docs/extending.md.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import chirospin
from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.family import Family, Problem
from chirospin.base.parameters import nearest

GROUP = "chirospin.families"


@cache
def _outside() -> dict[str, list[EntryPoint]]:
    """Entry points of other packages by the name of the family."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return found


def family_names() -> tuple[str, ...]:
    """All families that can be named: those of this package first."""
    return (*chirospin.FAMILIES, *sorted(_outside().keys() - set(chirospin.FAMILIES)))


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
    points = _outside().get(name, [])
    if name in chirospin.FAMILIES and not points:
        own: Family = getattr(chirospin, name).FAMILY
        return own
    packages = [package_of(point) for point in points]
    if name in chirospin.FAMILIES or len(points) > 1:
        owners = [*(["chirospin"] if name in chirospin.FAMILIES else []), *packages]
        raise ModelError(f"Family `{name}` is offered by {' and '.join(owners)}; uninstall one")
    try:
        found: Any = points[0].load()
    except Exception as error:  # whatever the import of a foreign package raises
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelError(f"Family `{name}` of {packages[0]} cannot be loaded: {words}") from error
    if not isinstance(found, Family) or {found.name, *(p.family for p in found.problems)} != {name}:
        raise ModelError(
            f"Entry point `{name}` of {packages[0]} must be a Family of that name with its problems, "
            f"but is {str(found)[:80]}"
        )
    return found


def package_of(point: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def packages(name: str) -> dict[str, str]:
    """Version of each package beside this one that a family comes from."""
    return {p.dist.name: p.dist.version for p in _outside().get(name, []) if p.dist}


def installed() -> list[Family]:
    """Every family that can be loaded; a warning for each that cannot."""
    found = []
    for name in family_names():
        try:
            found.append(family(name))
        except ModelError as error:
            warnings.warn(str(error), stacklevel=2)
    return found


def problem(path: str) -> Problem:
    """A problem by FAMILY or FAMILY.MODEL."""
    name, _, model = path.partition(".")
    return family(name).problem(model or None)
