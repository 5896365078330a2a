"""How often the intervals of a fit are right, and which effects it can tell from an artefact.

`chirospin fit` compares mechanisms with measured curves. Truths are drawn from the priors and measured like a typical
set: 20 contacts of each magnetisation, six biases up to 1 V, scatter of ln I 1.1 by contact, 0.25 of the slope, 0.03 of
a point, misfit of the shape included. The rank of a truth among the draws of its posterior should be uniform, and central
intervals should hold the truth as often as they say. Ranks are of the record that `python -m benchmarks.fit_calibration
200` wrote, those of junction.bias behind an emulator of `python -m benchmarks.emulator_calibration`, verdicts of
`python -m benchmarks.fit_recovery`; shares and claims are computed from them here.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

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
from chirospin.measured.inference.fits import ARTEFACT, EXCLUDED, NOT_DISTINGUISHED
from chirospin.measured.inference.mechanisms import CARRIERS, phenomenologies
from chirospin.studies.expectation import above, below
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

KINDS = tuple(m.name for carrier in CARRIERS for m in phenomenologies(carrier))
SHOWN = (*KINDS, CONTROL)
TRUTHS = 200
RECOVERY = "fit_recovery.json"
VERDICTS = (NOT_DISTINGUISHED, ARTEFACT, EXCLUDED)
LEAST_P = 1e-3 / 6
"""Of chi squared: what a fit asks of each of six parameters."""


def _histogram(one: Calibration) -> xr.Dataset:
    """Truths in each fifth of the ranks, by parameter."""
    return xr.Dataset(
        {"truths": (("parameter", "rank"), one.histogram.astype(float), {"units": "1"})},
        {
            "parameter": [name.replace("_", " ") for name in one.names],
            "rank": ("rank", (np.arange(BINS) + 0.5) / BINS, {"units": "1"}),
        },
    )


def _coverage(found: dict[str, Calibration]) -> xr.Dataset:
    """Share of truths inside central intervals; the smallest and the largest of all parameters."""
    values = np.array([[_ends(one, level) for level in CENTRAL] for one in found.values()])
    series = [f"{words} inside {100 * level:.0f} %" for level in CENTRAL for words in ("least", "most")]  # fmt: skip
    return xr.Dataset(
        {"share": (("mechanism", "interval"), values.reshape(len(found), -1), {"units": "1"})},
        {"mechanism": list(found), "interval": series},
    )


def _ends(one: Calibration, level: float) -> tuple[float, float]:
    inside = one.coverage(level)
    return float(inside.min()), float(inside.max())


@figure(
    "Ranks of 200 truths in their posteriors, in fifths: flat where a fit is calibrated; the last is a control",
    plot=Plot(
        columns=3,
        panels=tuple(
            Panel(
                source=name,
                x="rank",
                y="truths",
                by="parameter",
                title=name,
                limits=(0, 2.6 * TRUTHS / BINS),
                x_label="rank",
                legend=n in (2, 3, 7),
            )
            for n, name in enumerate(SHOWN)
        ),
    ),
)
def ranks(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Of the record; the control believes in a fiftieth of the covariance."""
    kept = recorded()
    progress(1, 1)
    return {name: _histogram(kept[name]) for name in SHOWN}


@figure(
    "Share of the truths inside central intervals: least and most of the parameters of each mechanism",
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
    plot=Plot(
        panels=(Panel(source="emulated", x="mechanism", y="share", by="interval", limits=(0, 1)),)
    ),
)
def emulated(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Gate, coupling and spin-orbit coupling of a dimer by redfield, scale and misfit; 40 contacts a side."""
    progress(1, 1)
    return {"emulated": _coverage(recorded_emulated())}


def effects() -> dict[str, dict[str, Any]]:
    """Verdicts of simulated sets, by effect."""
    text = files("chirospin.studies.own").joinpath(RECOVERY).read_text(encoding="utf-8")
    kept: dict[str, dict[str, Any]] = json.loads(text)
    return kept


@figure(
    "Verdicts of fits on simulated sets of 20 contacts a side, by what made the curves",
    plot=Plot(
        panels=(Panel(source="recovery", x="truth", y="share", by="verdict", limits=(-0.05, 1.05)),)
    ),
    setting="level 0.8 eV away, 0.1 eV wide, bias asymmetry 0.05; all four mechanisms of a level compared",
)
def recovery(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Shares of the verdicts, and how often the mechanism of the truth has the largest evidence."""
    kept = effects()
    shares = [[row["verdicts"].get(v, 0) / row["sets"] for v in VERDICTS] for row in kept.values()]
    best = [row["best"].get(row["change"], 0) / row["sets"] for row in kept.values()]
    progress(1, 1)
    ds = xr.Dataset(
        {
            "share": (("truth", "verdict"), np.array(shares), {"units": "1"}),
            "best": ("truth", np.array(best), {"units": "1"}),
        },
        {"truth": list(kept), "verdict": list(VERDICTS)},
    )
    return {"recovery": ds}


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


def _share(recovery: Parts, verdict: str, change: str, size: float | None = None) -> float:
    ds = recovery["recovery"].share.sel(verdict=verdict)
    names = [
        str(name)
        for name in ds.truth.values
        if str(name).split()[0] == change and (size is None or float(str(name).split()[1]) == size)
    ]
    return float(ds.sel(truth=names).max())


@claim(
    "null and factor",
    "neither curves without any effect nor an artefact of contacts is called a mechanism",
    above("share of null sets that end with: the data do not distinguish", 0.8),
    below("largest share of null or factor sets that exclude the artefact", 0.1),
    source="self",
)
def no_false_mechanism(recovery: Parts) -> Numbers:
    return (
        _share(recovery, NOT_DISTINGUISHED, "null"),
        max(_share(recovery, EXCLUDED, kind) for kind in ("null", "factor")),
    )


@claim(
    "static 60 meV, driven 60 meV/V",
    "a shift of the level of 60 meV is told from an artefact",
    above("share of sets that exclude the artefact, static", 0.8),
    above("the same, driven", 0.8),
    source="self",
)
def shifts_are_found(recovery: Parts) -> Numbers:
    return _share(recovery, EXCLUDED, "static", 0.06), _share(recovery, EXCLUDED, "driven", 0.06)
