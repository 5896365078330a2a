"""What a paper holds, place by place, and what became of each: nothing that it prints falls out.

A place is an equation, a panel of a figure or a part of a table. Claims and errata answer for the
places that they name; :func:`by_command` and :func:`without_number` answer for the others and for
statements in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

KINDS = {"eq": "Eq.", "fig": "Fig.", "table": "Table"}
BESIDE = re.compile(r"\b(?:above|below|after|before|on|to|of|with)\s+$", re.I)
KIND = re.compile(r"\b(Eq|Fig|Table)s?\.?\s*(?=[\d(])", re.I)
OTHER = re.compile(r"\b(?:Sec|Appendix|Ref|footnote)\b", re.I)
STEP = re.compile(r"(?P<to>[-\u2013])|(?P<number>\d+)|(?<![A-Za-z])(?P<letter>[a-z])(?![A-Za-z])")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The numbered things of a paper, counted in its text.

    Parameters
    ----------
    equations : numbers with the letters of their parts, ``("1-4", "5a-5c")``
    figures : panels, ``("1", "2a-2d")``
    tables : parts, ``("1", "2a-2f")``
    """

    equations: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Every place: ``Eq. 5a``, ``Fig. 2c``, ``Table 1``."""
        written = {"Eq.": self.equations, "Fig.": self.figures, "Table": self.tables}
        return tuple(
            place
            for kind, parts in written.items()
            for part in parts
            for place in _listed(kind, part)
        )


@dataclass(frozen=True, kw_only=True)
class Row:
    """A place or a statement that no claim answers for.

    Parameters
    ----------
    where : place in the paper
    text : what stands there
    command : what computes it, after ``chirospin``; empty where it has no number
    reason : why it has no number of its own, in half a line
    """

    where: str
    text: str
    command: str = ""
    reason: str = ""


def by_command(where: str, text: str, command: str) -> Row:
    """A row for what a command of this program computes."""
    return Row(where=where, text=text, command=command)


def without_number(where: str, text: str, reason: str) -> Row:
    """A row for what is not quantitative: a definition, an intermediate step, a drawing."""
    return Row(where=where, text=text, reason=reason)


def numbered_places(where: str) -> tuple[str, ...]:
    """The numbered places that a phrase names itself: ``Eqs. (7), (8)`` is ``Eq. 7`` and ``Eq. 8``.

    What stands below, above or after an equation is not that equation.
    """
    starts = list(KIND.finditer(where))
    ends = [*(start.start() for start in starts), len(where)][1:]
    return tuple(
        place
        for start, end in zip(starts, ends, strict=True)
        if not BESIDE.search(where[: start.start()])
        for place in _listed(KINDS[start[1].lower()], OTHER.split(where[start.end() : end])[0])
    )


def unaccounted(contents: Contents, wheres: Iterable[str]) -> tuple[str, ...]:
    """The places of a paper that none of the phrases names; a figure's number answers for its panels."""
    named = {place for where in wheres for place in numbered_places(where)}
    return tuple(
        place
        for place in contents.places
        if place not in named and place.rstrip("abcdefghijklmnop") not in named
    )


def unknown(contents: Contents, wheres: Iterable[str]) -> tuple[str, ...]:
    """Places that phrases name and the paper does not hold."""
    held = set(contents.places)
    whole = {place.rstrip("abcdefghijklmnop") for place in held}
    named = (place for where in wheres for place in numbered_places(where))
    return tuple(place for place in named if place not in held | whole)


def _listed(kind: str, part: str) -> Iterator[str]:
    """Places of a list of numbers with letters, ``3(d), 4a-c``."""
    for number, letter, reach in _items(part):
        numbers = range(number, reach + 1) if not letter and reach else (number,)
        letters = [chr(c) for c in range(ord(letter), reach + 1)] if letter and reach else [letter]
        yield from (f"{kind} {n}{x}" for n in numbers for x in letters)


def _items(part: str) -> list[tuple[int, str, int]]:
    """Number, letter and, for a range, where it ends: a number, or the code of a letter."""
    items: list[tuple[int, str, int]] = []
    reaches = False
    for step in STEP.finditer(part):
        if step["to"]:
            reaches = True
        elif step["number"] and reaches:
            number, letter, _ = items[-1]
            if not letter:
                items[-1] = (number, "", int(step["number"]))
                reaches = False
        elif step["number"]:
            items.append((int(step["number"]), "", 0))
        elif reaches:
            items[-1] = (*items[-1][:2], ord(step["letter"]))
            reaches = False
        elif items[-1][1]:
            items.append((items[-1][0], step["letter"], 0))
        else:
            items[-1] = (items[-1][0], step["letter"], 0)
    return items
