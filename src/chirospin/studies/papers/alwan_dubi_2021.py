r"""Spinterface origin for the chirality-induced spin-selectivity effect (S. Alwan and Y. Dubi, 2021).

Abstracts of this and later papers speak of a feedback between the motion of electrons in a chiral molecule and
fluctuating magnetic moments of the surface, which reproduces experiments quantitatively; solenoid field, spin
torque and mean field are its parts. The equations are a reconstruction, made here; whoever has the papers is
asked to correct them. Numbers of fits are not compared.

What decides: as long as the moment follows the magnet, reciprocity holds and P grows with the bias; where two
moments are possible for each magnetisation it is broken, because the moment is a second magnet. And size: the field of a molecular current on one Bohr magneton is a
hundred-thousandth of what the model needs. fransson_spinterface is the critic of the mechanism.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models, spinterface
from chirospin.base.figures import Panel, Plot
from chirospin.models import SpinterfaceLoop
from chirospin.spinterface import Stability
from chirospin.studies.expectation import above, below, between, near
from chirospin.studies.registry import Parts, Progress, claim, figure

BIASES = np.linspace(-0.6, 0.6, 25)
SMALL = 1e-6
ORDERED = 2 * 1.8505


@figure(
    "P against bias without feedback, and of the largest moment with twice the critical one, both hands",
    Plot(
        columns=2,
        panels=tuple(
            Panel(
                source=name,
                x="bias",
                y="spin_polarisation",
                by="handedness",
                title=name,
                legend=True,
            )
            for name in ("no feedback", "ordered")
        ),
    ),
)
def polarisation(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return {
        name: models.solve(
            SpinterfaceLoop(feedback=feedback),
            over={"handedness": [1, -1], "bias": BIASES},
            observables=["spin_polarisation", "moment"],
            workers=workers,
        )
        for name, feedback in (("no feedback", 0.0), ("ordered", ORDERED))
    }


@figure(
    "All moments that are their own, magnet up, with twice the critical feedback",
    Plot(panels=(Panel(source="branches", x="bias", y="all_moments", by="branch"),)),
    setting="feedback = 3.701 eV; branches in the order of their moments",
)
def branches(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        SpinterfaceLoop(feedback=ORDERED),
        over={"bias": BIASES},
        observables=["all_moments", "all_currents", "critical"],
        workers=workers,
    )
    return {"branches": ds.sel(magnetisation="up").isel(branch=slice(0, 3))}


@figure(
    "P at 1 ueV against the feedback: reciprocity until two moments are possible for each magnetisation; the "
    "grey line is where a moment orders without a magnet, which else leads it",
    Plot(panels=(Panel(source="feedback", x="feedback", y="spin_polarisation", mark=1.8505),)),
)
def order(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        SpinterfaceLoop(bias=SMALL),
        over={"feedback": np.linspace(0.0, 4.0, 41)},
        observables=["spin_polarisation", "critical"],
        workers=workers,
    )
    return {"feedback": ds}


@figure(
    "What each mechanism needs: the solenoid of this model, and repulsion, exchange or field of "
    "fransson_spinterface",
    setting="solenoid = 1, bias = 0.1 eV; the other at its defaults",
)
def needs(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    loop = models.solve(
        SpinterfaceLoop(), observables=["solenoid_field", "solenoid_energy", "solenoid_excess"]
    )
    real = models.solve(
        SpinterfaceLoop(solenoid=2.8e-6, feedback=ORDERED / 4), observables=["spin_polarisation"]
    )
    moment = spinterface.solve(Stability(), on_failure="record")
    return {"loop": loop, "realistic": real, "moment": moment}


@claim(
    "reciprocity",
    "without feedback P vanishes with the bias and is odd in the hand",
    below("|P| at 1 ueV over that at 0.05 eV", 1e-4),
    near("P of both hands together", 0, 1e-10),
    source="analytic",
)
def reciprocal(order: Parts, polarisation: Parts) -> tuple[float, np.ndarray]:
    ds = polarisation["no feedback"].spin_polarisation.fillna(0.0)
    small = abs(float(order["feedback"].spin_polarisation[0]))
    near_zero = abs(float(ds.sel(handedness=1).sel(bias=0.05, method="nearest")))
    return small / near_zero, ds.sum("handedness").values


@claim(
    "reciprocity",
    "a moment that does not follow the magnet breaks it, beyond a critical feedback",
    near("critical feedback without a magnet (eV)", 1.8505, 1e-4),
    between("feedback at which P at 1 ueV sets in (eV)", 3.2, 3.5),
    above("P at 1 ueV, twice the critical feedback", 0.28),
    source="analytic",
)
def broken(order: Parts) -> tuple[float, float, float]:
    ds = order["feedback"]
    P = ds.spin_polarisation
    return (
        float(ds.critical[0]),
        float(ds.feedback[int(np.argmax(P.values > 0.1))]),
        float(P.sel(feedback=3.7, method="nearest")),
    )


@claim(
    "Maxwell",
    "how far realistic values are: Bohr magnetons that each moment must have, and P with one of them",
    between("solenoid over that of one Bohr magneton", 3e5, 4e5),
    below("|P| at 0.1 V with a realistic solenoid, half the critical feedback", 1e-6),
    source="analytic",
)
def realistic(needs: Parts) -> tuple[float, float]:
    return (
        float(needs["loop"].solenoid_excess),
        abs(float(needs["realistic"].spin_polarisation)),
    )
