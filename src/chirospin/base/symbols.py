"""LaTeX symbols and units as marked text, for pages that run no script."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import xarray as xr

Tag = Literal["i", "b", "sub", "sup"]

LETTERS = dict(
    zip(
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "varepsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "varphi",
            "chi",
            "psi",
            "omega",
        ],
        "αβγδϵεζηθικλμνξπρστυϕφχψω",
        strict=True,
    )
) | dict(
    zip(
        ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"],
        "ΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
SIGNS = {
    "int": "∫",
    "sum": "∑",
    "hbar": "ħ",
    "langle": "⟨",
    "rangle": "⟩",
    "uparrow": "↑",
    "downarrow": "↓",
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "pm": "±",
    "parallel": "∥",
    "perp": "⊥",
    "dagger": "†",
    "ell": "ℓ",
    "partial": "∂",
    ",": "\u2009",
    ";": "\u2009",
    "!": "",
    " ": " ",
}
UPRIGHT, BOLD = ("mathrm", "text", "operatorname", "mathcal"), ("mathbf", "boldsymbol", "bm")
OVER = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[{}_^]|.", re.S)


@dataclass(frozen=True)
class Piece:
    """Text and the marks it stands in, outermost first."""

    text: str
    tags: tuple[Tag, ...] = ()


def symbol_pieces(latex: str) -> list[Piece]:
    """A symbol such as ``U_{ab}^s`` as marked text; an unknown command is left as its name."""
    found = list(_group(iter(_TOKEN.findall(latex))))
    joined: list[Piece] = []
    for piece in found:
        if joined and joined[-1].tags == piece.tags:
            joined[-1] = replace(joined[-1], text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


def _group(tokens: Iterator[str]) -> Iterator[Piece]:
    for token in tokens:
        if token == "}":
            return
        yield from _one(token, tokens)


def _one(token: str, tokens: Iterator[str]) -> Iterator[Piece]:
    if token == "{":
        yield from _group(tokens)
    elif token in "_^":
        tag: Tag = "sub" if token == "_" else "sup"
        for piece in _argument(tokens):
            yield replace(piece, tags=(tag, *piece.tags))
    elif token.startswith("\\"):
        yield from _command(token[1:], tokens)
    else:
        yield Piece(token, ("i",) if token.isalpha() else ())


def _argument(tokens: Iterator[str]) -> Iterator[Piece]:
    token = next(tokens, "")
    while token == " ":
        token = next(tokens, "")
    return _one(token, tokens) if token else iter(())


def _command(name: str, tokens: Iterator[str]) -> Iterator[Piece]:
    if name in LETTERS:
        yield Piece(LETTERS[name], ("i",))
    elif name in SIGNS:
        yield Piece(SIGNS[name])
    elif name in UPRIGHT or name in BOLD:
        for piece in _argument(tokens):
            kept = tuple(tag for tag in piece.tags if tag != "i")
            yield replace(piece, tags=(*kept, "b") if name in BOLD else kept)
    elif name in OVER:
        for piece in _argument(tokens):
            yield replace(piece, text=piece.text + OVER[name])
    else:
        yield Piece(name)


def unit_pieces(unit: str) -> list[Piece]:
    """A unit with powers raised and products as thin spaces; empty where dimensionless."""
    if unit == "1":
        return []
    text = unit.replace("hbar", "ħ").replace("8 pi", "8π").replace("*", "\u2009")
    parts = re.split(r"\^(-?\d+(?:\.\d+)?)", text)
    return [Piece(p.replace("-", "−"), ("sup",) if n % 2 else ()) for n, p in enumerate(parts) if p]


def marked(pieces: list[Piece]) -> str:
    """Marked text as HTML, escaped."""
    out = ""
    for piece in pieces:
        opening = "".join(f"<{tag}>" for tag in piece.tags)
        closing = "".join(f"</{tag}>" for tag in reversed(piece.tags))
        out += opening + html.escape(piece.text) + closing
    return out


def axis_title(variable: xr.DataArray) -> str:
    """Name, symbol and unit of a coordinate or observable as HTML, as in ``λ (eV)``."""
    symbol, unit = str(variable.attrs.get("symbol", "")), str(variable.attrs.get("units", "1"))
    name = marked(symbol_pieces(symbol)) or html.escape(str(variable.name).replace("_", " "))
    shown = marked(unit_pieces(unit))
    return f"{name} ({shown})" if shown else name
