r"""Which sign the spin at the contact of a chiral metal has.

The spin that a current injects has the sign of the bulk spin current (yoshimi_2026). A helicity that outlives
the momentum reverses it, and screening moves the place. Lengths in mean free paths.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from chirospin import chiral_metal
from chirospin.base.figures import Panel, Plot
from chirospin.chiral_metal import Boltzmann
from chirospin.chiral_metal.model import scales_of
from chirospin.studies.expectation import below, near
from chirospin.studies.papers.yoshimi_2026 import LENGTH, metal
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

WEAKEST = 0.005  # alpha/v_F of the map, whose formula holds for alpha -> 0
SCREENINGS = np.linspace(0.05, 1.2, 24)
MEMORIES = np.linspace(0.0, 0.9, 19)
COARSE = Boltzmann(cells=120, ordinates=16)


@figure(
    "Sign of the integrated quadratic spin over screening and helicity memory",
    plot=Plot(
        panels=(Panel(source="map", x="screening_length", y="helicity_memory", colour="shown"),)
    ),
    quick={"memories": MEMORIES[::3], "screenings": SCREENINGS[::6]},
    setting=f"alpha/v_F = {WEAKEST}, L = {LENGTH:g} l; boltzmann with {COARSE.cells} cells and {COARSE.ordinates} "
    "ordinates",
)
def sign_map(
    workers: int,
    progress: Progress,
    memories: np.ndarray = MEMORIES,
    screenings: np.ndarray = SCREENINGS,
) -> dict[str, xr.Dataset]:
    """Integrated spin of an interface by the discretised equation."""
    ds = chiral_metal.solve(
        metal(WEAKEST),
        COARSE,
        over={"helicity_memory": memories, "screening_length": screenings},
        observables=["interface_spin"],
        workers=workers,
        progress=progress,
    )
    scales = scales_of(metal(WEAKEST))
    unit = scales.push**2 * scales.mass * WEAKEST / (4 * np.pi**2)
    spin = ds.interface_spin / unit
    spin.attrs = {"units": "1", "symbol": r"\int\mathcal{S}^{(2)}d\xi"}
    shown = np.arcsinh(spin).assign_attrs(
        units="1", symbol=r"\mathrm{arsinh}\int\mathcal{S}^{(2)}d\xi"
    )
    ratio = xr.Variable(
        "screening_length", screenings, {"units": "1", "symbol": r"\lambda_{TF}/\ell"}
    )
    both = xr.Dataset({"total": spin, "shown": shown}).assign_coords(screening_length=ratio)
    return {"map": both}


@claim(
    "weak coupling",
    "the integral is -16/15 + (4/9) eta/(1 - eta) + (4/3) lambda^2",
    below("boltzmann less that over the larger of it and 1, each point", 5e-4),
    source="analytic",
)
def memory_formula(sign_map: Parts) -> Numbers:
    total = sign_map["map"].total
    eta, lam = total.helicity_memory, total.screening_length
    formula = -16 / 15 + 4 / 9 * eta / (1 - eta) + 4 / 3 * lam**2
    return (abs(total - formula) / abs(formula).clip(1.0)).values


@claim(
    "weak coupling",
    "a long spin diffusion length reverses the sign",
    near("helicity memory where the sign turns, 12/17 at lambda = 0", 12 / 17, 5e-3),
    source="analytic",
)
def sign_reversal() -> Numbers:
    def total(memory: float) -> float:
        model = metal(screening_length=0.05, helicity_memory=memory)
        return float(
            chiral_metal.solve(model, COARSE, observables=["interface_spin"]).interface_spin
        )

    return float(brentq(total, 0.6, 0.8, xtol=1e-4))
