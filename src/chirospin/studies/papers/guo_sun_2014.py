r"""Spin-dependent electron transport in protein-like single-helical molecules (A.-M. Guo and Q.-f. Sun, 2014).

The law of the hops is read in public code; neither abstract nor paper were, so that nothing is said of what
they claim. The numbers are from memory: whoever has the paper is asked to correct them.

What decides is law 1: with hops to the nearest neighbour alone the molecule is a tree and transmits no spin.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import SingleHelix
from chirospin.studies.expectation import above, below
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

REACHES = (1, 2, 3, 29)
BAND = np.linspace(-0.25, 0.3, 111)


@figure("Twelve sites of the helix, hops to the third neighbour", STRUCTURE)
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(SingleHelix(length=12, reach=3))


@figure(
    "Transmitted spin for hops that reach 1, 2, 3 and all neighbours",
    Plot(
        panels=(Panel(source="reach", x="energy", y="transmitted_spin", by="reach", legend=True),),
        markers=False,
    ),
)
def reach(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        SingleHelix(energy=BAND),
        over={"reach": list(REACHES)},
        observables=["transmission", "transmitted_spin"],
        workers=workers,
        progress=progress,
    )
    return {"reach": ds}


@claim(
    "law 1",
    "nearest neighbours alone transmit no spin, farther ones do",
    below("|P_s| at reach 1", 1e-11),
    above("largest |P_s| with all neighbours", 0.3),
    source="analytic",
)
def long_range(reach: Parts) -> tuple[np.ndarray, float]:
    spin = np.abs(reach["reach"].transmitted_spin)
    return spin.sel(reach=1).fillna(0.0).values, float(spin.sel(reach=29).max())
