r"""Spin-selective transport through helical molecular systems (R. Gutierrez et al., 2012).

The abstract says that a helical electrostatic potential makes transport highly spin selective, in a minimal
model, even for weak spin-orbit coupling; that an unconventional Rashba-like coupling and a weakly dispersive
band decide. The equations here, one channel with hops between neighbours, are from memory: whoever has the
paper is asked to correct them, the phase of the spin-orbit hop above all.

What decides is law 1. A Hamiltonian of this kind that is even under time reversal transmits no spin. So either
the hop is not even, or the injection is polarised, or the model has more than one channel.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import HelicalField
from chirospin.studies.expectation import above, below
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

BAND = np.linspace(-0.1, 0.1, 401)
PHASES = (np.pi / 2, np.pi / 4, 0.0)


@figure("The chain", STRUCTURE)
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(HelicalField())


@figure(
    "Transmitted spin for spin-orbit hops even under time reversal (phase pi/2), mixed, and odd (0)",
    Plot(
        panels=(
            Panel(
                source="phase",
                x="energy",
                y="transmitted_spin",
                by="spin_orbit_phase",
                legend=True,
            ),
        ),
        markers=False,
    ),
    outside=("time_reversal",),
)
def phase(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        HelicalField(energy=BAND),
        over={"spin_orbit_phase": list(PHASES)},
        observables=["transmission", "transmitted_spin"],
        workers=workers,
        progress=progress,
    )
    return {"phase": ds}


@claim(
    "abstract",
    "highly spin selective in a minimal model for weak coupling",
    above("largest |P_s|, time reversal kept", 0.1),
    departs="one channel, even under time reversal, has none; the equations from memory may lack something",
)
def selective(phase: Parts) -> float:
    return float(np.abs(phase["phase"].transmitted_spin.isel(spin_orbit_phase=0)).max())


@claim(
    "law 1",
    "no spin where the hop is even under time reversal, much where it is not",
    below("|P_s|, phase pi/2", 1e-10),
    above("largest |P_s|, phase 0", 0.25),
    source="analytic",
)
def time_reversal(phase: Parts) -> tuple[np.ndarray, float]:
    spin = np.abs(phase["phase"].transmitted_spin)
    return spin.isel(spin_orbit_phase=0).values, float(spin.isel(spin_orbit_phase=-1).max())
