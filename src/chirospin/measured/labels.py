"""Names of columns, sheets and files as labels: by a pattern, or by words that are understood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.base.units import plain_conversion
from chirospin.measured.description import Description

LONGEST_NAME = 300  # characters of a name that is searched for labels
BIAS, CURRENT, DENSITY, SLOPE, TIME = "bias", "current", "density", "slope", "time"
_STEMS = {
    BIAS: {"v", "u", "bias", "voltage", "spannung", "potential", "vbias", "ubias", "tension"},
    CURRENT: {"i", "current", "strom", "courant", "corriente"},
    DENSITY: {"j"},
    SLOPE: {"di", "didv", "lix", "liy", "conductance"},
    TIME: {"time", "t", "absj", "absi", "phase", "excitation", "frequency", "amplitude", "zeit"},
}
COLUMNS = {
    "enantiomer": {"enantiomer", "molecule", "chirality", "handedness", "hand", "compound", "sample"},
    "magnetisation": {
        "magnetisation", "magnetization", "magnet", "magnetic", "pole", "field", "m", "spin",
    },
    "contact": {"contact", "spot", "junction", "point", "position", "location", "site", "pixel"},
    "curve": {"curve", "trace", "sweep", "scan", "run", "repeat", "loop", "measurement", "no", "nr"},
    "tip": {"tip", "probe"},
    "order": {"order", "index", "number", "sequence"},
    "direction": {"direction", "dir"},
    "temperature": {"temperature", "temp"},
    "length": {"length"},
    "force": {"force", "load"},
}  # fmt: skip
"""Heads of columns that hold labels, in long tables."""
KINDS = {BIAS: "V", CURRENT: "A", DENSITY: "A/cm^2"}
_BRACKETS = re.compile(r"[\[(]\s*([^\[\]()]{1,20}(?:\([^()]*\))?)\s*[\])]")
_NUMBERED = re.compile(r"(?P<word>[A-Za-z]+)(?P<number>\d+)")
_SPLIT = re.compile(r"[\s_,;/|\[\]()-]+")
NUMBERED = {
    "tip": {"tip", "probe"},
    "curve": {"curve", "trace", "sweep", "scan", "run", "loop", "iv", "n"},
    "contact": {"c", "contact", "j", "junction", "spot", "s", "p", "point", "molecule", "mol", "pos", "site"},
}  # fmt: skip
"""Words before a number in a name."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a column says: name without its unit, unit, kind."""

    name: str
    unit: str | None
    kind: str | None


def normal_unit(text: str) -> str | None:
    """A unit of bias or current as the grammar of units has it; None if it is none."""
    unit = re.sub(r"\bcm2\b", "cm^2", text.strip().replace("µ", "u").replace("μ", "u"))
    unit = unit.replace("cm²", "cm^2").replace("m2", "m^2") if "^" not in unit else unit
    return unit if kind_of_unit(unit) else None


def kind_of_unit(unit: str) -> str | None:
    """Bias, current or density by the unit alone."""
    if unit in ("", "1"):
        return None
    for kind, target in KINDS.items():
        if plain_conversion(unit, target) is not None:
            return kind
    return None


def head_of(text: str) -> Head:
    """Name, unit and kind of a column: ``I/pA``, ``I (A)``, ``U_mV``, ``Current [bwd] (A)``."""
    text = text.strip().strip('"')
    for found in reversed(list(_BRACKETS.finditer(text))):
        unit = normal_unit(found[1])
        if unit:
            name = (text[: found.start()] + " " + text[found.end() :]).strip()
            return Head(name=" ".join(name.split()), unit=unit, kind=_kind(name, unit))
    for mark in ("/", "_"):
        name, found_mark, tail = text.rpartition(mark)
        if mark == "/" and found_mark and "/" in name:  # J/A/cm2
            name, _, rest = text.partition("/")
            tail = rest
        unit = normal_unit(tail) if found_mark else None
        if unit and (mark == "/" or _stem(name) == kind_of_unit(unit)):
            return Head(name=name.strip(), unit=unit, kind=_kind(name, unit))
    return Head(name=text, unit=None, kind=_stem(text))


def _kind(name: str, unit: str) -> str | None:
    stem = _stem(name)
    return stem if stem in (SLOPE, TIME) else kind_of_unit(unit)


def _stem(name: str) -> str | None:
    plain = name.casefold().strip()
    if plain.replace(" ", "") in ("di/dv", "didv", "di_dv"):
        return SLOPE
    first = next(iter(re.findall(r"[a-zäöü]+", plain)), "")
    return next((kind for kind, words in _STEMS.items() if first in words), None)


def role_of(head: str) -> str | None:
    """The label that a column of a long table holds, by its head."""
    words = re.findall(r"[a-z]+", head.casefold())
    return next((role for role, known in COLUMNS.items() if words and words[0] in known), None)


def matched(name: str, description: Description) -> dict[str, str]:
    """Labels of a name by the declared pattern.

    Raises
    ------
    ModelError : the pattern is not in the name
    """
    found = description.pattern().search(name[:LONGEST_NAME])
    if found is None:
        raise ModelError(
            f"The pattern of names {shown(description.match)!r} is not in the name {shown(name)!r}"
        )
    return {role: word for role, word in found.groupdict().items() if word is not None}


def guessed(name: str, description: Description) -> dict[str, str]:
    """Labels of a name by words that are understood: R_up_c012_0034, M-down_molecule03_00021, tip2.

    Raises
    ------
    ModelError : two words of a name contradict each other
    """
    found: dict[str, str] = {}
    bare: list[str] = []
    for token in filter(None, _SPLIT.split(name[:LONGEST_NAME])):
        role = _word_role(token, description)
        numbered = _NUMBERED.fullmatch(token)
        if role is not None:
            if description.meaning(role, found.get(role, token)) != description.meaning(
                role, token
            ):
                raise ModelError(
                    f"The name {shown(name)!r} has two words for {role}: {found[role]!r} and {token!r}; "
                    "--match says which"
                )
            found.setdefault(role, token)
        elif token.isdigit():
            bare.append(token)
        elif token.casefold() in _DIRECTIONS:
            found["direction"] = _DIRECTIONS[token.casefold()]
        elif numbered:
            word = numbered["word"].casefold()
            place = next((r for r, words in NUMBERED.items() if word in words), None)
            if place is not None:
                found.setdefault(place, numbered["number"])
    if bare and "curve" not in found:
        found["curve"] = bare.pop()
    if bare and "contact" not in found:
        found["contact"] = bare.pop(0)
    return found


_DIRECTIONS = {
    "fwd": "forward", "forward": "forward", "trace": "forward",
    "bwd": "backward", "backward": "backward", "retrace": "backward",
}  # fmt: skip


def _word_role(token: str, description: Description) -> str | None:
    """Whether a token of a name says magnetisation or enantiomer; a single letter only as a capital."""
    if len(token) == 1 and not token.isupper():
        return None
    roles = ("magnetisation", "enantiomer")
    return next((role for role in roles if description.meaning(role, token)), None)


def labels_of(name: str, file: str, description: Description, sheet: str = "") -> dict[str, str]:
    """Labels of a curve, from the name of its column first, then of its sheet, then of its file."""
    if description.match is not None:
        joined = " ".join(filter(None, (sheet, name, file)))
        inside = description.pattern().search(name[:LONGEST_NAME]) is not None
        return matched(name if inside else joined, description)
    found: dict[str, str] = {}
    for text in (file, sheet, name):
        found |= guessed(text, description)
    return found
