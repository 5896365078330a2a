r"""Theory of chiral induced spin selectivity (S. Dalum and P. Hedegard, 2019).

The formula for the transmitted spin at first order in the spin-orbit coupling, with random couplings of the
atoms and a source in p_z orbitals alone, is read in public code; the paper's text was not. Hoppings are those
of `models.helicene`.

What decides is law 3. The formula is the exact slope. Fed by its lead, as two terminals are, it is zero: a first
order belongs to a source that picks an orbital, which is not what a lead does.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import FirstOrder
from chirospin.studies.expectation import above, below
from chirospin.studies.registry import Parts, Progress, claim, figure

SOURCES = ("p_z", "lead")
TITLES = ("electrons enter $p_z$ orbitals only", "they come from the whole lead")
BAND = np.linspace(-3, 3, 31)
STRENGTH = 1e-4  # eV; squares of it are below what is asked


@figure(
    "First order and all orders of the transmitted spin along z over the coupling, two sources",
    Plot(
        columns=2,
        panels=tuple(
            Panel(source=source, x="energy", y="over_coupling", by="theory", title=title)
            for source, title in zip(SOURCES, TITLES, strict=True)
        ),
        markers=False,
    ),
    setting=f"rings = 3, spin_orbit = {STRENGTH:g} eV",
)
def sources(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    out = {}
    for source in SOURCES:
        ds = models.solve(FirstOrder(rings=3, source=source, spin_orbit=STRENGTH, energy=BAND))
        parts = [
            ds[n].sel(component="z", drop=True) for n in ("first_order_spin", "transmitted_spin")
        ]
        both = xr.concat(parts, xr.Variable("theory", ["formula", "all orders"]))
        both = (both / (STRENGTH / 2)).rename("over_coupling")
        both.attrs = {"symbol": r"P_z/\lambda", "units": "1/eV"}
        out[source] = both.to_dataset()
    return out


@claim(
    "law 3",
    "the formula is the slope; it is zero where the source is the lead",
    above("largest slope from p_z (1/eV)", 1e-3),
    below("formula less all orders, p_z (1/eV)", 1e-4),
    below("slope from the lead (1/eV)", 1e-9),
    source="analytic",
)
def slope(sources: Parts) -> tuple[float, float, float]:
    picked, lead = (sources[s].over_coupling for s in SOURCES)
    formula, all_orders = picked.values
    return (
        float(np.abs(formula).max()),
        float(np.abs(formula - all_orders).max()),
        float(np.abs(lead.sel(theory="formula")).max()),
    )
