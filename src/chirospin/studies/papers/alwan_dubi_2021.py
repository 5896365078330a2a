r"""Spinterface origin for the chirality-induced spin-selectivity effect (S. Alwan and Y. Dubi, 2021).

Abstracts of this and later papers speak of a feedback between the motion of electrons in a chiral molecule and
fluctuating magnetic moments of the surface, which reproduces experiments quantitatively; solenoid field, spin
torque and mean field are its parts. The equations are a reconstruction, made here; whoever has the papers is
asked to correct them. Numbers of fits are not compared.

What decides: as long as the moment follows the magnet, reciprocity holds and P grows with the bias; where two
moments are possible for each magnetisation it is broken, because the moment is a second magnet. And size: the
field of a molecular current, 0.17 mT, is twenty thousand times too small for P of 1 %. fransson_spinterface is the
critic of the mechanism: a moment on the molecule takes a repulsion of 0.6 eV or 500 T, whatever the spin-orbit
coupling of the surface.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models, spinterface
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.base.figures import Panel, Plot
from chirospin.models import SpinterfaceLoop
from chirospin.spinterface import Stability
from chirospin.studies.expectation import above, below, between, near
from chirospin.studies.registry import Parts, Progress, claim, figure

BIASES = np.linspace(-0.6, 0.6, 25)
SMALL = 1e-6
ORDERED = 2 * 1.8505
BRANCH = 0.1  # of P from one feedback to the next: the moment has ordered
HALF = ORDERED / 4
REAL_SOLENOID = 2.8e-6  # one Bohr magneton in a solenoid of one turn a nm
GOLD_SURFACE = 0.033  # eV nm, from the literature


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
    setting="feedback = 3.701 eV; solutions in the order of their moments",
)
def branches(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        SpinterfaceLoop(feedback=ORDERED),
        over={"bias": BIASES},
        observables=["all_moments", "all_currents", "critical"],
        workers=workers,
    )
    three = ds.sel(magnetisation="up").isel(branch=slice(0, 3))
    return {"branches": three.assign_coords(branch=["lowest", "middle", "highest"])}


@figure(
    "P at 1 ueV against the feedback: reciprocity until two moments are possible for each magnetisation; the "
    "grey line is where a moment orders without a magnet, which else leads it",
    Plot(
        panels=(
            Panel(source="feedback", x="feedback", y="spin_polarisation", mark=1.8505, jump=BRANCH),
        )
    ),
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
    "What each mechanism needs. (a) P of the loop at 0.1 V against the solenoid term; the grey line is one Bohr "
    "magneton in the field of the current. (b) Repulsion for a tenth of a Bohr magneton on the molecule of "
    "fransson_spinterface, against the spin-orbit coupling of the surface; the grey line is gold",
    Plot(
        columns=2,
        panels=(
            Panel(
                source="loop",
                x="solenoid",
                y="spin_polarisation",
                by="feedback",
                x_scale="log",
                y_scale="log",
                mark=REAL_SOLENOID,
                legend=True,
            ),
            Panel(source="moment", x="spin_orbit", y="repulsion", mark=GOLD_SURFACE),
        ),
    ),
    setting="(a) bias = 0.1 eV, feedback none and half the critical one; (b) the defaults",
)
def needs(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    loop = models.solve(
        SpinterfaceLoop(),
        over={"feedback": [0.0, HALF], "solenoid": np.geomspace(1e-6, 1.0, 13)},
        observables=["spin_polarisation", "solenoid_field", "solenoid_excess", "current"],
        workers=workers,
    )
    progress(1, 2)
    moment = spinterface.solve(
        Stability(), over={"spin_orbit": np.linspace(0.0, 0.3, 11)}, on_failure="record"
    )
    progress(2, 2)
    return {"loop": loop, "moment": moment}


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


def _field_for(needs: Parts, polarisation: float) -> tuple[float, float]:
    """Field on each Bohr magneton for a polarisation, half the critical feedback, and that of the current; T."""
    ds = needs["loop"].sel(feedback=HALF)
    share = float(np.interp(polarisation, ds.spin_polarisation, ds.solenoid))
    current = 2 * np.pi * float(ds.current.mean("magnetisation")[0])  # eV e/h, the loop's unit
    return share * current / BOHR_MAGNETON, float(ds.solenoid_field[0])


@claim(
    "Maxwell",
    "the loop: fields on a moment of one Bohr magneton, for P of 1 % at 0.1 V and as the current makes it",
    between("field that P = 1 % takes (T)", 4, 4.4),
    between("field of the current in one turn a nm (T)", 1.6e-4, 1.8e-4),
    between("the first over the second", 2.3e4, 2.6e4),
    below("|P| at 0.1 V with the field of the current", 1e-6),
    source="analytic",
)
def loop_needs(needs: Parts) -> tuple[float, float, float, float]:
    ds = needs["loop"].sel(feedback=HALF)
    wanted, there = _field_for(needs, 0.01)
    small = np.interp(REAL_SOLENOID, ds.solenoid, ds.spin_polarisation)
    return wanted, there, wanted / there, float(small)


@claim(
    "stability",
    "the critic: what a tenth of a Bohr magneton on the molecule takes, and what spin-orbit coupling of the "
    "surface does to it",
    near("repulsion on gold (eV)", 0.607, 1e-3),
    near("or a field (T)", 524, 1),
    between("repulsion at 0.3 eV nm over that without the coupling", 1.02, 1.04),
    below("field of the current of the loop over the field that is needed", 1e-6),
    source="analytic",
)
def moment_needs(needs: Parts) -> tuple[float, float, float, float]:
    ds = needs["moment"]
    gold = ds.interp(spin_orbit=GOLD_SURFACE)
    _, there = _field_for(needs, 0.01)
    return (
        float(gold.repulsion),
        float(gold.field),
        float(ds.repulsion[-1] / ds.repulsion[0]),
        there / float(gold.field),
    )


@claim(
    "Maxwell",
    "how far realistic values are: Bohr magnetons that each moment must have for a solenoid term of 1",
    between("solenoid over that of one Bohr magneton", 3e5, 4e5),
    source="analytic",
)
def realistic(needs: Parts) -> float:
    return float(needs["loop"].sel(feedback=HALF).solenoid_excess[-1])
