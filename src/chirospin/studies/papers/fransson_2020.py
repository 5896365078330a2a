r"""Vibrational origin of exchange splitting and chirality-induced spin selectivity (J. Fransson, 2020).

The abstract says that a spin-dependent coupling of electrons to vibrations, which comes from the spin-orbit
interaction, splits the spin channels by exchange, and that a chiral molecule between metallic leads then
reaches several tens of per cent at feasible parameters. The static chain is read in public code of others.

Here is that chain without vibrations and repulsion: what one electron alone can do. What decides are laws
1 to 4: second order in the coupling without probes, first with probes that mix spins, and no magnetoresistance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import CurvedChain
from chirospin.studies.expectation import above, below, between
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

BAND = np.linspace(-5, 5, 61)
CASES: dict[str, dict[str, Any]] = {
    "one contact site": {"contact_sites": 1},
    "two contact sites": {},
    "two, and probes": {"probe": "dephasing", "probe_coupling": 0.1},
}


@figure("One turn of eight sites, with hops to second neighbours", STRUCTURE)
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(CurvedChain())


@figure(
    "Transmitted spin of the static chain",
    Plot(
        panels=(
            Panel(
                source="static",
                x="energy",
                y="transmitted_spin",
                by="case",
                y_scale="symlog",
                legend=True,
            ),
        ),
        markers=False,
    ),
)
def static(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    found = [
        models.solve(CurvedChain(energy=BAND, **changes), observables=["transmitted_spin"])
        for changes in CASES.values()
    ]
    joined = xr.concat([ds.transmitted_spin for ds in found], xr.Variable("case", list(CASES)))
    return {"static": joined.to_dataset()}


@claim(
    "laws 1 to 4",
    "without vibrations the chain gives none, a ten-millionth, or a few thousandths with probes",
    below("|P_s|, one contact site", 1e-10),
    between("largest |P_s|, two contact sites", 1e-7, 1e-6),
    between("largest |P_s|, with probes", 2e-3, 3.5e-3),
    source="analytic",
)
def orders(static: Parts) -> tuple[np.ndarray, float, float]:
    spin = np.abs(static["static"].transmitted_spin).fillna(0.0)
    largest = spin.max("energy")
    return spin.sel(case="one contact site").values, float(largest[1]), float(largest[2])


@claim(
    "abstract",
    "several tens of per cent",
    above("largest |P_s| of the static chain", 0.1),
    departs="that is said of the chain with vibrations, which are not in a model of one electron",
)
def tens_of_per_cent(static: Parts) -> float:
    return float(np.abs(static["static"].transmitted_spin).max())
