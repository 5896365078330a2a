"""Markdown of generated pages: cells, tables, commands."""

from __future__ import annotations

import re
from collections.abc import Sequence


def cell(text: str) -> str:
    """Text in a table of Markdown, as it is."""
    return re.sub(r"([\\|*_<>`$\[\]~^{}])", r"\\\1", text).replace("\n", " ")


def rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown; cells are already escaped."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(line) + " |" for line in body),
    ]


def quoted(word: str) -> str:
    """A word of a command, quoted where a shell would read more into it."""
    return f'"{word}"' if set(word) & set("[]() *&") else word
