"""How files of curves are to be read: declared in TOML or by flags, stored with the result."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from chirospin.base.errors import ModelError
from chirospin.base.parameters import nearest, shown
from chirospin.base.units import quantity
from chirospin.measured.curves import ACHIRAL, DOWN, LEFT, NONE, RIGHT, UP

Layout = Literal["wide", "long", "loops", "sheets", "nanonis", "ramps"]
ROLES = (
    "enantiomer",
    "magnetisation",
    "contact",
    "curve",
    "tip",
    "order",
    "direction",
    "temperature",
    "length",
    "force",
)
"""Labels that a curve may have."""
MEANINGS = {"magnetisation": (UP, DOWN, NONE), "enantiomer": (RIGHT, LEFT, ACHIRAL)}
KNOWN_WORDS = {
    "magnetisation": {"up": UP, "down": DOWN, "none": NONE, "nonmagnetic": NONE},
    "enantiomer": {
        "r": RIGHT, "d": RIGHT, "p": RIGHT, "s": LEFT, "l": LEFT, "m": LEFT,
        "achiral": ACHIRAL, "rac": ACHIRAL, "racemic": ACHIRAL, "racemate": ACHIRAL,
    },
}  # fmt: skip
"""Words that are understood without being declared: handedness by any of the three pairs of letters."""
LARGEST = 256 * 1024
"""Bytes of a description."""
LONGEST_PATTERN = 300
"""Characters of a pattern for names."""


class Description(BaseModel):
    """How to read a set of files; what is None is guessed, and said.

    Parameters
    ----------
    bias_at, magnetised : the electrode that carries the voltage, and the magnetic one (tip or sample)
    match : pattern with named groups, on the names of columns, sheets or files
    words : for magnetisation and enantiomer, the words that mean up, down, R, S, achiral
    labels : the column of each label, in a long table
    order_from : curve, file-name, file-time or the name of a label column
    contacts : ``named``, or ``curves`` where each curve has a junction of its own
    keep : the one value of temperature, length or force that is read
    exclude : declared rules by which curves are left out, counted
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Layout | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    comment: str = "#"
    header: int | None = None
    bias_column: str | None = None
    bias_unit: str | None = None
    bias_at: Literal["tip", "sample"] | None = None
    current_column: str | None = None
    current_unit: str | None = None
    match: str | None = None
    words: dict[str, dict[str, tuple[str, ...]]] = {}
    labels: dict[str, str] = {}
    temperature: str | None = None
    length: str | None = None
    magnetised: Literal["tip", "sample"] | None = None
    lead_polarisation: float | None = None
    noise_floor: str | None = None
    compliance: str | None = None
    order_from: str | None = None
    contacts: Literal["named", "curves"] = "named"
    same_contacts: bool = False
    unsigned: bool = False
    keep: dict[str, str] = {}
    exclude: tuple[str, ...] = ()

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in type(self).model_fields:
                raise ModelError(
                    f"Description of the files: `{name}` is not known; "
                    f"{nearest(name, list(type(self).model_fields))}"
                )
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelError(
                f"Description of the files: `{'.'.join(map(str, first['loc']))}` must be valid, but is "
                f"{shown(first.get('input'))!r}: {first['msg']}"
            ) from None
        self._check()

    def _check(self) -> None:
        for role, meanings in self.words.items():
            for meaning in meanings:
                if meaning not in MEANINGS.get(role, ()):
                    raise ModelError(
                        f"Words of the files: `{role}.{meaning}` is not known; known: "
                        + ", ".join(f"{r}.{m}" for r, known in MEANINGS.items() for m in known)
                    )
        for role in self.labels:
            if role not in ROLES:
                raise ModelError(f"Labels of the files: `{role}` is not one of {', '.join(ROLES)}")
        if self.match is not None:
            self.pattern()
        for name in ("noise_floor", "compliance"):
            text = getattr(self, name)
            if text is not None:
                per_area = "m" in text.partition("/")[2]
                quantity(text, "A/cm^2" if per_area else "A", name.replace("_", " "))
        if self.temperature is not None:
            quantity(self.temperature, "K", "temperature")
        if self.lead_polarisation is not None and not 0 < self.lead_polarisation <= 1:
            raise ModelError(
                f"The lead polarisation must be in (0, 1], but is {self.lead_polarisation:g}"
            )

    def pattern(self) -> re.Pattern[str]:
        """The pattern of names, compiled.

        Raises
        ------
        ModelError : no pattern, too long, repeats inside repeats, or groups that are no labels
        """
        text = self.match or ""
        if len(text) > LONGEST_PATTERN or re.search(r"[+*}]\)[+*{]", text):
            raise ModelError(
                f"The pattern of names must have at most {LONGEST_PATTERN} characters and no repeats of "
                f"repeats, but is {shown(text)!r}"
            )
        try:
            pattern = re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise ModelError(f"The pattern of names {shown(text)!r} is none: {error}") from None
        wrong = [name for name in pattern.groupindex if name not in ROLES]
        if wrong or not pattern.groupindex:
            raise ModelError(
                f"The pattern of names must have groups named by labels ({', '.join(ROLES)}), "
                f"but has {', '.join(wrong) or 'none'}"
            )
        return pattern

    def changed(self, **values: Any) -> Self:
        """With what is not None replaced; tables are merged."""
        given = {k: v for k, v in values.items() if v not in (None, {}, ())}
        own = self.model_dump(exclude_unset=True)
        for name in ("labels", "keep"):
            if name in given:
                given[name] = own.get(name, {}) | given[name]
        if "words" in given:
            words = {role: dict(known) for role, known in self.words.items()}
            for role, known in given["words"].items():
                words[role] = words.get(role, {}) | known
            given["words"] = words
        return type(self)(**(own | given))

    def meaning(self, role: str, word: str) -> str | None:
        """What a word means; None if it is not known. Declared words come before the known ones."""
        for meaning, words in self.words.get(role, {}).items():
            if word.casefold() in (w.casefold() for w in words) or word == meaning:
                return meaning
        return KNOWN_WORDS[role].get(word.casefold())

    def text(self) -> str:
        """What is set, as JSON."""
        return json.dumps(self.model_dump(exclude_defaults=True))


_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "bias": {"column": "bias_column", "unit": "bias_unit", "at": "bias_at"},
    "current": {
        "column": "current_column",
        "unit": "current_unit",
        "match": "match",
        "unsigned": "unsigned",
    },
    "set": {
        "temperature": "temperature",
        "length": "length",
        "magnetised": "magnetised",
        "lead_polarisation": "lead_polarisation",
    },
    "instrument": {"noise_floor": "noise_floor", "compliance": "compliance"},
    "order": {"from": "order_from"},
    "contacts": {"are": "contacts", "same": "same_contacts"},
}
_PLAIN = ("layout", "delimiter", "decimal", "encoding", "comment", "header", "exclude")


def description_from(path: Path) -> tuple[Description, list[str]]:
    """A description from a TOML file, and the patterns of files that it names, relative to it.

    Raises
    ------
    ModelError : no such file, not TOML, or keys that are not known
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"File `{path}` must be a short TOML file, but has more than 256 kB")
        facts = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ModelError(f"File `{path}` cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"File `{path}` is not TOML: {error}") from None
    files = facts.pop("files", [])
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        raise ModelError(f"File `{path}`: `files` must be a list of names, but is {shown(files)}")
    values: dict[str, Any] = {}
    for name, value in facts.items():
        if name in _PLAIN:
            values[name] = tuple(value) if isinstance(value, list) else value
        elif name in ("words", "labels", "keep"):
            values[name] = value
        elif name in _SECTIONS and isinstance(value, dict):
            values |= _section(path, name, value)
        else:
            known = [*_PLAIN, "files", "words", "labels", "keep", *_SECTIONS]
            raise ModelError(f"File `{path}`: `{name}` is not known; {nearest(name, known)}")
    try:
        return Description(**values), files
    except ModelError as error:
        raise ModelError(f"File `{path}`: {error}") from None


def _section(path: Path, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    keys = _SECTIONS[name]
    for key in value:
        if key not in keys:
            raise ModelError(
                f"File `{path}`: `{key}` of [{name}] is not known; {nearest(key, list(keys))}"
            )
    return {keys[key]: one for key, one in value.items()}
