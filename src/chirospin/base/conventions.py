"""Signs, units, index and basis orders: stamped into every result and printed on one page."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

EVERY = "every"
PREFACE = """\
# Conventions

Every result carries these lines in its attribute `conventions` (JSON; `ds.chirospin.conventions` is
the mapping): those of every family, and those of its own. Units stand beside each variable as well.
"""


@cache
def _declared() -> dict[str, dict[str, str]]:
    text = files("chirospin.base").joinpath("conventions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def conventions(family: str) -> dict[str, str]:
    """The conventions of a family: what holds for every one, then its own.

    Examples
    --------
    >>> conventions("rashba")["force"]
    'eE along x; every answer is per force'
    """
    declared = _declared()
    return declared[EVERY] | declared.get(family, {})


def conventions_page() -> str:
    """All conventions as the Markdown page docs/conventions.md."""
    parts = [PREFACE]
    for family, lines in _declared().items():
        title = "Every family" if family == EVERY else f"`{family}`"
        rows = [f"| `{name}` | {_marked(text)} |" for name, text in lines.items()]
        parts.append(
            "\n".join((f"## {title}", "", "| what | convention |", "|---|---|", *rows, ""))
        )
    return "\n".join(parts)


def _marked(text: str) -> str:
    """Text that Markdown leaves as it is."""
    for sign in ("\\", "_", "*", "<", "|"):
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    import sys

    sys.stdout.write(conventions_page())
