"""How often the intervals of a fit are right.

`chirospin fit` compares mechanisms with measured curves. Truths are drawn from the priors and measured like a typical
set: 20 contacts of each magnetisation, six biases up to 1 V, scatter of ln I 1.1 by contact, 0.25 of the slope, 0.03 of
a point, misfit of the shape included. The rank of a truth among the draws of its posterior should be uniform, and central
intervals should hold the truth as often as they say. Ranks are of the record that `python -m benchmarks.fit_calibration
200` wrote, those of junction.bias behind an emulator (32 truths) of `python -m benchmarks.emulator_calibration`; shares
and claims are computed from them here.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin.base.figures import Panel, Plot
from chirospin.measured.inference.calibration import (
    BINS,
    CENTRAL,
    CONTROL,
    Calibration,
    recorded,
    recorded_emulated,
)
from chirospin.measured.inference.mechanisms import CARRIERS, phenomenologies
from chirospin.studies.expectation import above, below
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

KINDS = tuple(m.name for carrier in CARRIERS for m in phenomenologies(carrier))
SHOWN = (*KINDS, CONTROL)
TRUTHS = 200
LEAST_P = 1e-3 / 6
"""Of chi squared: what a fit asks of each of six parameters."""


def _key(name: str) -> str:
    """The name of the data of a mechanism; it is one of a file too."""
    return "control" if name == CONTROL else name.replace(".", "-")


def _histogram(calibration: Calibration) -> xr.Dataset:
    """Truths in each fifth of the ranks, by parameter."""
    return xr.Dataset(
        {"truths": (("parameter", "rank"), calibration.histogram.astype(float), {"units": "1"})},
        {
            "parameter": [name.replace("_", " ") for name in calibration.names],
            "rank": ("rank", (np.arange(BINS) + 0.5) / BINS, {"units": "1"}),
        },
    )


def _coverage(calibrations: dict[str, Calibration]) -> xr.Dataset:
    """Share of truths inside central intervals; the smallest and the largest of all parameters."""
    values = np.array(
        [[_ends(calibration, level) for level in CENTRAL] for calibration in calibrations.values()]
    )
    series = [f"{words} inside {100 * level:.0f} %" for level in CENTRAL for words in ("least", "most")]  # fmt: skip
    return xr.Dataset(
        {
            "share": (
                ("mechanism", "interval"),
                values.reshape(len(calibrations), -1),
                {"units": "1"},
            )
        },
        {"mechanism": list(calibrations), "interval": series},
    )


def _ends(calibration: Calibration, level: float) -> tuple[float, float]:
    inside = calibration.coverage(level)
    return float(inside.min()), float(inside.max())


@figure(
    "Ranks of 200 truths in their posteriors, in fifths: flat where a fit is calibrated; the last is a control",
    plot=Plot(
        columns=3,
        panels=tuple(
            Panel(
                source=_key(name),
                x="rank",
                y="truths",
                by="parameter",
                title=name,
                limits=(0, 2.6 * TRUTHS / BINS),
                x_label="rank",
            )
            for name in SHOWN
        ),
    ),
)
def ranks(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Of the record; the control believes in a fiftieth of the covariance."""
    kept = recorded()
    progress(1, 1)
    return {_key(name): _histogram(kept[name]) for name in SHOWN}


@figure(
    "Share of the truths inside central intervals: least and most of the parameters of each mechanism",
    setting="200 truths of each mechanism, drawn from the priors of chirospin fit",
    plot=Plot(
        panels=(Panel(source="coverage", x="mechanism", y="share", by="interval", limits=(0, 1)),)
    ),
)
def coverage(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Of the record."""
    kept = recorded()
    progress(1, 1)
    return {"coverage": _coverage({name: kept[name] for name in SHOWN})}


@figure(
    "Share of the truths of junction.bias inside central intervals, by round of refinement of its emulator",
    setting="gate, coupling and spin-orbit coupling of a dimer by redfield; 40 contacts of each magnetisation",
    plot=Plot(
        panels=(Panel(source="emulated", x="mechanism", y="share", by="interval", limits=(0, 1)),)
    ),
)
def emulated(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Gate, coupling and spin-orbit coupling of a dimer by redfield, scale and misfit; 40 contacts a side."""
    progress(1, 1)
    return {"emulated": _coverage(recorded_emulated())}


@claim(
    "eight mechanisms",
    "ranks are flat, and intervals hold the truth as often as they say",
    above("smallest p of chi squared, 44 parameters", LEAST_P),
    below("mechanisms that are not calibrated", 0.5),
    above("truths of each", TRUTHS - 0.5),
    source="self",
)
def calibrated(ranks: Parts) -> Numbers:
    kept = recorded()
    return (
        min(float(kept[name].p.min()) for name in KINDS),
        float(sum(bool(kept[name].failures) for name in KINDS)),
        float(min(len(kept[name].ranks) for name in KINDS)),
    )


@claim(
    "control",
    "a fit that believes in a fiftieth of the covariance is not calibrated, in the parameter that the scatter of contacts hides",
    below("p of the ranks of factor", 1e-10),
    below("share of its 90 % intervals that hold the truth", 0.5),
    source="self",
)
def narrow(ranks: Parts) -> Numbers:
    one = recorded()[CONTROL]
    place = one.names.index("factor")
    return float(one.p[place]), float(one.coverage(0.9)[place])
