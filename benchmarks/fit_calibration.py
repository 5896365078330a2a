"""Are the posteriors of `chirospin fit` as wide as they say? Ranks and coverage over simulated truths.

    python -m benchmarks.fit_calibration [TRUTHS] > docs/validation/fit_calibration.md

It writes the figure docs/validation/figures/fit_calibration.png too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chirospin.measured.inference.calibration import Calibration, calibrate, designed
from chirospin.measured.inference.figure import ranks_figure
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import Phenomenology, phenomenologies

BIASES = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])
CONTACTS = 20
STEPS = 240
NARROWED = 0.02
TARGET = Path("docs/validation/figures/fit_calibration.png")


def _rows(name: str, one: Calibration) -> Iterator[str]:
    for n, parameter in enumerate(one.names):
        yield (
            f"| {name} | {parameter} | {', '.join(map(str, one.histogram[n]))} | {one.p[n]:.2g} | "
            f"{one.coverage(0.5)[n]:.2f} | {one.coverage(0.9)[n]:.2f} |"
        )


def main(truths: int) -> None:
    """All mechanisms, and one whose covariance is believed to be a fiftieth."""
    data = designed(BIASES, CONTACTS)
    kinds: list[Phenomenology] = [
        m for carrier in ("level", "barrier") for m in phenomenologies(carrier)
    ]
    found = {}
    for m in kinds:
        found[m.name] = calibrate(Posterior(m, data), truths, steps=STEPS)
        print(m.name, found[m.name].failures or "calibrated", file=sys.stderr)
    control = "level.driven, covariance / 50"
    found[control] = calibrate(Posterior(kinds[3], data), truths, narrowed=NARROWED, steps=STEPS)
    print(
        f"# Fits: how often the intervals are right\n\nWritten by `python -m benchmarks.fit_calibration {truths}`."
    )
    print(
        f"{truths} truths of each mechanism are drawn from its prior, misfit of the shape included; {CONTACTS} contacts of "
        "each magnetisation, six biases, scatter of ln I 1.1 by contact, 0.25 of the slope, 0.03 of a point. Ranks of "
        "the truth in its posterior, in fifths, should be flat (p of chi squared), and central intervals should hold "
        "the truth as often as they say. The last mechanism is a control that must fail.\n"
    )
    print("![Ranks of truths](figures/fit_calibration.png)\n")
    print("| mechanism | parameter | truths in each fifth | p | inside 50 % | inside 90 % |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        for row in _rows(name, one):
            print(row)
    print()
    for name, one in found.items():
        print(f"- {name}: {'; '.join(one.failures) or 'calibrated'}")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    ranks_figure(found).savefig(TARGET, dpi=150)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
