"""Words and units as figures print them: Greek letters, subscripts and powers instead of their code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "sigma": "σ", "tau": "τ", "omega": "ω", "Delta": "Δ", "Lambda": "Λ", "Gamma": "Γ",
}  # fmt: skip
_GREEK = re.compile(rf"(?<![\\\w])({'|'.join(GREEK)})(?!\w)")
_SUBSCRIPT = re.compile(r"(?<![\\\w$])([A-Za-zΛλ])_([A-Za-z0-9]{1,3})(?!\w)")
_SHARED = re.compile(
    r"\$\\times[^+\d]*10\^\{([-−]?\d+)\}[^+\d]*\$"
)  # a factor, without a number that is added
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


def powers_in_labels(figure: Figure) -> None:
    """A power of ten that numbers of an axis share stands with the unit, as in P ($10^{-4}$), and is held there.

    Beside the axis it would lift the title of its panel above those of the others.
    """
    from matplotlib.ticker import ScalarFormatter

    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        numbers = axis.get_major_formatter()
        if not isinstance(numbers, ScalarFormatter):
            continue
        numbers.set_locs(axis.get_majorticklocs().tolist())
        shared, words = _SHARED.fullmatch(numbers.get_offset()), axis.get_label_text()
        if shared is None or not words:
            continue
        power = int(shared[1].replace("−", "-"))
        numbers.set_powerlimits((power, power))
        axis.set_label_text(with_power(words, power))
        axis.offsetText.set_visible(False)


def with_power(words: str, power: int) -> str:
    """The label of an axis whose numbers are in units of a power of ten.

    >>> with_power("current (nA)", -4), with_power("$P$", -4)
    ('current ($10^{-4}$ nA)', '$P$ ($10^{-4}$)')
    """
    ten = f"$10^{{{power}}}$"
    name, unit = words.rpartition(" (")[::2]
    return f"{name} ({ten} {unit}" if name and unit.endswith(")") else f"{words} ({ten})"
