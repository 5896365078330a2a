"""Where parameters of real junctions lie: ranges with their sources, for searches and as priors."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, nearest
from chirospin.points.gradient import held
from chirospin.points.optimise import Range, search_range

LIGHT = "light"


@dataclass(frozen=True, kw_only=True)
class Sourced:
    """A range, or a value where both ends are equal, and where it comes from.

    Parameters
    ----------
    low, high : in the internal unit of the parameter
    atoms : kind of atoms that it belongs to; empty for all
    """

    name: str
    low: float
    high: float
    log: bool
    source: str
    atoms: str = ""


@cache
def _table() -> tuple[tuple[Sourced, ...], tuple[Sourced, ...]]:
    """Values that are fixed, and ranges."""
    text = files("chirospin.measured.inference").joinpath("ranges.toml").read_text("utf-8")
    told = tomllib.loads(text)
    fixed = tuple(
        Sourced(name=r["name"], low=r["value"], high=r["value"], log=False, source=r["source"])
        for r in told["fixed"]
    )
    return fixed, tuple(Sourced(**row) for row in told["range"])


def kinds_of_atoms() -> tuple[str, ...]:
    """The kinds of atoms that a spin-orbit coupling is known for."""
    return tuple(r.atoms for r in _table()[1] if r.atoms)


def realistic(model: Model, given: Sequence[str]) -> tuple[Model, tuple[Sourced, ...]]:
    """A model with the values of a real junction where none was given, and the values that were put in."""
    known = type(model).model_fields
    taken = {name for text in given for name in model.shorthands.get(text, (text,))}
    if "thermal_energy" in taken:
        taken.add("temperature")
    put = tuple(r for r in _table()[0] if r.name in known and r.name not in taken)
    return held(model, **{r.name: r.low for r in put}), put


def realistic_ranges(
    model: Model, given: Sequence[str], atoms: str = LIGHT
) -> tuple[tuple[Range, ...], tuple[Sourced, ...]]:
    """Ranges of the parameters of a model that were not given.

    Raises
    ------
    ModelError : no such atoms, or no range is known for any parameter of the model
    """
    if atoms not in kinds_of_atoms():
        raise ModelError(
            f"Option --atoms is not {atoms!r}; {nearest(atoms, list(kinds_of_atoms()))}"
        )
    known = {*type(model).model_fields, *model.shorthands}
    taken = {*given, *(m for name in given for m in model.shorthands.get(name, ()))}
    rows = tuple(
        r
        for r in _table()[1]
        if r.name in known
        and r.atoms in ("", atoms)
        and not taken.intersection((r.name, *model.shorthands.get(r.name, ())))
    )
    if not rows:
        raise ModelError(
            f"No realistic range is known for {type(model).__name__}; give --vary NAME=LOW:HIGH"
        )
    ranges = tuple(search_range(model, r.name, r.low, r.high, ratio=r.log) for r in rows)
    return ranges, rows


def source_of(span: Range, rows: Sequence[Sourced]) -> str:
    """Where a range comes from: its row of the table, or who asked."""
    return next((r.source for r in rows if r.name == span.name), "as asked")


def shown_range(span: Range) -> dict[str, Any]:
    """A range as plain values."""
    return {"low": span.low, "high": span.high, "log": span.ratio}
