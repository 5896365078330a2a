"""Words and units as figures print them: Greek letters, subscripts and powers instead of their code."""

from __future__ import annotations

import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "sigma": "σ", "tau": "τ", "omega": "ω", "Delta": "Δ", "Lambda": "Λ", "Gamma": "Γ",
}  # fmt: skip
_GREEK = re.compile(rf"(?<![\\\w])({'|'.join(GREEK)})(?!\w)")
_SUBSCRIPT = re.compile(r"(?<![\\\w$])([A-Za-zΛλ])_([A-Za-z0-9]{1,3})(?!\w)")
_POWER = re.compile(r"\^(\d+(?:\.\d+)?)")


def typeset(unit: str) -> str:
    """Powers as superscripts, products as spaces."""
    return _POWER.sub(r"$^{\1}$", unit.replace("8 pi", "8π").replace("*", " "))


def lettered(words: str) -> str:
    """Words of a legend or a title as print has them; what is mathematics already stays.

    >>> lettered("lambda = 0.1, t_bb, 3/2 - 5/D^2")
    'λ = 0.1, $t_{bb}$, 3/2 − 5/D$^{2}$'
    """
    if "$" in words:
        return words
    words = _GREEK.sub(lambda found: GREEK[found[1]], words)
    words = re.sub(r"(\d) pi\b", r"\1π", words)
    words = _SUBSCRIPT.sub(r"$\1_{\2}$", words)
    words = re.sub(r"(?<=\s)-(?=[\s\d])|^-(?=\d)", "−", words)
    return _POWER.sub(r"$^{\1}$", words)
