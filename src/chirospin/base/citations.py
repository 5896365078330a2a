"""Citations by key, from the bibliography that ships with the package."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from chirospin.base.errors import UnknownNameError
from chirospin.base.families import installed
from chirospin.base.parameters import nearest


@lru_cache(maxsize=1)
def bibliography() -> dict[str, str]:
    """All BibTeX entries by key, of this package and of every family that is installed."""
    own = files("chirospin.base").joinpath("references.bib").read_text(encoding="utf-8")
    known: dict[str, str] = {}
    for text in (*(one.bibliography for one in installed()), own):
        known |= _entries(text)
    return known


def _entries(text: str) -> dict[str, str]:
    entries = re.findall(r"^@\w+\{([^,]+),.*?^\}", text, re.M | re.S)
    blocks = re.findall(r"^@\w+\{.*?^\}", text, re.M | re.S)
    return dict(zip(entries, blocks, strict=True))


def bibtex(keys: Sequence[str]) -> str:
    """The entries of these keys.

    Raises
    ------
    UnknownNameError : a key that the bibliography lacks
    """
    known = bibliography()
    for key in keys:
        if key not in known:
            raise UnknownNameError(f"No reference {key!r}; {nearest(key, list(known))}")
    return "\n\n".join(known[key] for key in keys)
