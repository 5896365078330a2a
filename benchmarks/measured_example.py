"""Writes the sample that ships with the package: one real effect, one artefact, in a table as an instrument gives it.

    python -m benchmarks.measured_example > src/chirospin/measured/example.csv

The current of R contacts grows by P = 0.5 at 1 V with the magnetisation, that of S contacts shrinks, and an
achiral control does neither; every curve with magnetisation up carries 2 pA more, at zero bias too.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.measured_sets import Truth, made

TRUTH = Truth(
    contacts=24,
    curves=2,
    enantiomers=("R", "S", "achiral"),
    polarisation=0.5,
    between=0.9,
    within=0.4,
    shape=0.2,
    blocks=12,
    offset=2e-12,
    conductance=200e-12,
    noise=0.15e-12,
    grid=tuple(np.round(np.linspace(-1, 1, 21), 10)),
)
SEED = 4


def text() -> str:
    """The sample as a table: bias, and a column for each curve."""
    curves = made(TRUTH, SEED)
    names = [
        f"{e}_{m}_c{int(c):02d}_{int(o):04d}"
        for e, m, c, o in zip(
            curves.enantiomer, curves.magnetisation, curves.contact, curves.order, strict=True
        )
    ]
    rows = [["Bias", *names], ["V", *["pA"] * len(names)]]
    for V, column in zip(curves.bias, curves.current.T, strict=True):
        rows.append([f"{V:.1f}", *(f"{1e12 * I:.4g}" for I in column)])  # noqa: E741
    return "\n".join(",".join(row) for row in rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
