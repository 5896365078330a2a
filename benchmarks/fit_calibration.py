"""Are the posteriors of `chirospin fit` as wide as they say? Ranks and coverage over simulated truths.

    python -m benchmarks.fit_calibration [TRUTHS [MECHANISM]]

It writes docs/validation/fit_calibration.md and its figure.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chirospin.measured.inference.calibration import Calibration, calibrate, planned_set
from chirospin.measured.inference.figure import ranks_figure
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import Phenomenology, phenomenologies

BIASES = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])
CONTACTS = 20
STEPS = 1200
NARROWED = 0.02
PAGE = Path("docs/validation/fit_calibration.md")
TARGET = Path("docs/validation/figures/fit_calibration.png")


def _rows(name: str, one: Calibration) -> Iterator[str]:
    for n, parameter in enumerate(one.names):
        yield (
            f"| {name} | {parameter} | {', '.join(map(str, one.histogram[n]))} | {one.p[n]:.2g} | "
            f"{one.coverage(0.5)[n]:.2f} | {one.coverage(0.9)[n]:.2f} |"
        )


def main(truths: int, only: str = "") -> None:
    """All mechanisms, and one whose covariance is believed to be a fiftieth; the page is written after each."""
    data = planned_set(BIASES, CONTACTS)
    kinds = [m for carrier in ("level", "barrier") for m in phenomenologies(carrier)]
    asked: list[tuple[str, Phenomenology, float]] = [(m.name, m, 1.0) for m in kinds]
    asked.insert(4, ("level.factor, covariance / 50", kinds[1], NARROWED))
    asked = [one for one in asked if one[1].name.startswith(only)]
    found: dict[str, Calibration] = {}
    for name, m, narrowed in asked:
        found[name] = calibrate(Posterior(m, data), truths, narrowed=narrowed, steps=STEPS)
        print(name, found[name].failures or "calibrated", file=sys.stderr, flush=True)
        PAGE.write_text(page(truths, found), encoding="utf-8")
        ranks_figure(found).savefig(TARGET, dpi=110)


def page(truths: int, found: dict[str, Calibration]) -> str:
    """The page in Markdown."""
    lines = [
        "# Fits: how often the intervals are right",
        "",
        f"Written by `python -m benchmarks.fit_calibration {truths}`. {truths} truths of each mechanism are drawn from its",
        f"prior, misfit of the shape included; {CONTACTS} contacts of each magnetisation, six biases, scatter of ln I 1.1 by",
        "contact, 0.25 of the slope, 0.03 of a point. Ranks of the truth in its posterior, in fifths, should be flat (p of",
        "chi squared), and central intervals should hold the truth as often as they say. `level.factor, covariance / 50` is a",
        "control that must fail: it believes that contacts scatter seven times less.",
        "",
        "![Ranks of truths in their posteriors](figures/fit_calibration.png)",
        "",
        "| mechanism | parameter | truths in each fifth | p | inside 50 % | inside 90 % |",
        "|---|---|---|---|---|---|",
        *(row for name, one in found.items() for row in _rows(name, one)),
        "",
        *(f"- {name}: {'; '.join(one.failures) or 'calibrated'}" for name, one in found.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, *sys.argv[2:])
