"""One rule for every face: a failed check or audit is exit code 1, red, and checks_words; not converged is 3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from chirospin.base.audit import Certificate

if TYPE_CHECKING:
    import xarray as xr

GOOD, FAILED, BAD_INPUT, NOT_CONVERGED = 0, 1, 2, 3
SHOWN = 5  # checks or reasons that are named one by one
_RED = re.compile(
    r"^.*\b(?:FAILED|NOT REPRODUCED)\b.*$|\b[1-9]\d* (?:failed|whose checks fail)\b", re.M
)
_GREEN = re.compile(r"\baudit passed\b.*$", re.M)


def coloured(text: str, stream: TextIO) -> str:
    """Text with failures in red and a passed audit in green, where the stream is a terminal."""
    if not stream.isatty():
        return text
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, soft_wrap=True, markup=False, highlight=False)
    words = Text(text)
    words.highlight_regex(_GREEN, "green")
    words.highlight_regex(_RED, "bold red")
    with console.capture() as caught:
        console.print(words, end="")
    return caught.get()


def failure_line(certificate: Certificate, points: str = "") -> str:
    """A failed certificate as one line."""
    bound = "at least -" if certificate.bound == "above" else ""
    return (
        f"{certificate.method} audit FAILED: ".lstrip()
        + f"{certificate.name} is {certificate.value:.2e}, tolerance {bound}{certificate.tolerance:.0e}"
        + f"{points}: {certificate.about}"
    )


def failure_lines(ds: xr.Dataset, certificates: Sequence[Certificate]) -> list[str]:
    """A line for each failed check of a result, with the number of points where it fails."""
    from chirospin.points.tally import failing

    lines = []
    for certificate in certificates:
        if certificate.passed or certificate.name == "converged":
            continue
        own = ds.sel(solved_by=certificate.method) if "solved_by" in ds.dims else ds
        total = own["converged"].size
        many = failing(own).get(certificate.name, 0)
        lines.append(
            failure_line(certificate, f", at {many} of {total} points" if total > 1 else "")
        )
    return lines


def exit_code(*, converged: bool, passed: bool) -> int:
    """3 where something did not converge, else 1 where a check failed, else 0."""
    if not converged:
        return NOT_CONVERGED
    return GOOD if passed else FAILED


def few(counts: Mapping[str, int], words: str = "") -> list[str]:
    """``  12 x reason`` for the first few, and how many more there are."""
    lines = [f"  {many} x {words}{name}" for name, many in list(counts.items())[:SHOWN]]
    left = len(counts) - SHOWN
    return [*lines, f"  and {left} more"] if left > 0 else lines


def sweep_words(facts: Mapping[str, Any]) -> str:
    """Points without a value, and points whose checks fail."""
    return f"{facts['failed']} failed, {facts['unsound']} whose checks fail"


def sweep_lines(facts: Mapping[str, Any]) -> list[str]:
    """Reasons of points without a value, and failed checks by name."""
    return few(facts["reasons"]) + few(facts["checks"], "check FAILED: ")
