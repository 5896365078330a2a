"""Citations by key, from the bibliography that ships with the package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from chirospin.base.errors import UnknownNameError
from chirospin.base.families import installed
from chirospin.base.parameters import nearest

if TYPE_CHECKING:
    from pybtex.database import Entry


@cache
def bibliography() -> Mapping[str, Entry]:
    """All entries by key."""
    from pybtex.database import parse_string

    known: dict[str, Entry] = {}
    own = files("chirospin.base").joinpath("references.bib").read_text(encoding="utf-8")
    for text in (*(member.bibliography for member in installed()), own):
        known |= parse_string(text, "bibtex").entries
    return known


def bibtex(keys: Sequence[str]) -> str:
    """The entries of these keys as BibTeX.

    Raises
    ------
    UnknownNameError : a key that the bibliography lacks
    """
    known = bibliography()
    for key in keys:
        if key not in known:
            raise UnknownNameError(f"No reference {key!r}; {nearest(key, list(known))}")
    return "\n".join(known[key].to_string("bibtex") for key in keys).rstrip()


def unbraced(entry: Entry) -> dict[str, str]:
    """Fields of an entry as they are read, without braces; the authors are one of them."""
    authors = "; ".join(map(str, entry.persons.get("author", ())))
    return {
        name: re.sub(r"[{}]", "", text)
        for name, text in {"author": authors, **entry.fields}.items()
    }
