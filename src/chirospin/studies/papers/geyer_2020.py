r"""Effective Hamiltonian model for helically constrained quantum systems (M. Geyer et al., 2020).

The form of the effective chain, one orbital a site with a spin-orbit hop whose axis turns, and its two hoppings
are read in public code; nothing is said of what the paper claims, whose text was not read. Length and twist are
chosen here.

What decides is law 1: a chain with hops between neighbours transmits no spin, with probes or without.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import EffectiveHelix
from chirospin.studies.expectation import below
from chirospin.studies.registry import Parts, Progress, claim, figure

BAND = np.linspace(-5, 5, 301)
CASES = {
    "coherent": {},
    "mixing probes": {"probe": "dephasing", "probe_coupling": 0.1},
    "keeping probes": {"probe": "dephasing", "probe_coupling": 0.1, "probe_spin": "kept"},
}


@figure(
    "Transmission; its spin is zero at every energy",
    Plot(
        panels=(Panel(source="chain", x="energy", y="transmission", by="case", legend=True),),
        markers=False,
    ),
    setting="spin-orbit hop 0.3 eV, two hundred times that of the code, so that nothing hides",
)
def chain(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    found = [
        models.solve(
            EffectiveHelix(energy=BAND, spin_orbit=-0.3, **changes),
            observables=["transmission", "transmitted_spin"],
        )[["transmission", "transmitted_spin"]]
        for changes in CASES.values()
    ]
    joined = xr.concat(found, xr.Variable("case", list(CASES)), combine_attrs="override")
    return {"chain": joined}


@claim("law 1", "no spin at any energy", below("|P_s|", 1e-10), source="analytic")
def none(chain: Parts) -> np.ndarray:
    return np.asarray(np.abs(chain["chain"].transmitted_spin.fillna(0.0).values))
