"""Magnetoresistance against the length of a chiral stack.

At the parameters of nozaki_fujita_2026. Exact for one to three molecules, and at the paper's parameters for four from a record, mean field for one
to eight where it has a solution; and where transport is quick, quantum trajectories with error bars beside
both. The record is what `python benchmarks/four_molecules.py` wrote: an hour a magnetisation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.junction import GKSL, Junction, MeanField, Trajectories
from chirospin.studies.expectation import below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

EXACT_LENGTHS = (1, 2, 3)
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8)
WEAK = (0.001, 0.002)
STRONG = (1.0, 2.5, 4.0)
WEAK_FIELD = (0.02, 0.05, 0.1)
RECORD = "four_molecules.json"
RECORDED_LENGTH = 4
SAMPLED_LENGTHS = (2, 3, 4)
OPEN = {"spin_orbit": 0.3, "hopping_b": 0.5, "hubbard": 1.0, "coupling": 0.5}
SIGMAS = 4.0  # the chance of more is below one in ten thousand
RESIDUAL = 1e-11  # over the slowest relaxation, 5e-4, still far below the current
MIRROR = 1e-10  # a residual of 1e-12 over the slowest relaxation, relative to the current


def record() -> dict[str, Any]:
    """The steady states of four molecules that are on record, at the paper's parameters.

    Raises
    ------
    RuntimeError : the record belongs to other parameters than the defaults of today
    """
    text = files("chirospin.studies.own").joinpath(RECORD).read_text(encoding="utf-8")
    kept: dict[str, Any] = json.loads(text)
    if Junction(**kept["model"]) != Junction(molecules=RECORDED_LENGTH):
        raise RuntimeError(f"{RECORD} is of another stack than Junction(molecules=4)")
    return kept


def with_record(exact: xr.Dataset) -> xr.Dataset:
    """The exact results with the recorded length beside the computed ones, at its repulsion."""
    kept = record()
    longer = exact.reindex(molecules=[*EXACT_LENGTHS, RECORDED_LENGTH])
    place = {"molecules": RECORDED_LENGTH, "hubbard": kept["model"]["hubbard_a"]}
    currents = [kept[name]["current"] for name in ("up", "down")]
    longer["spin_polarisation"].loc[place] = kept["spin_polarisation"]
    longer["mean_current"].loc[place] = np.mean(currents)
    return longer.assign_attrs(recorded=f"{RECORDED_LENGTH} molecules: {RECORD}")


def _panel(source: str, title: str) -> Panel:
    return Panel(
        source=source,
        x="molecules",
        y="spin_polarisation",
        by="hubbard",
        by_label="U/t",
        title=title,
        legend=True,
        x_label="molecules",
        y_label=r"$P_\mathrm{MR}$",
    )


@figure(
    "Polarisation against the number of molecules: exact, four molecules from the record, and mean "
    "field at weak repulsion",
    plot=Plot(columns=2, panels=(_panel("strong", "exact"), _panel("weak", "mean field"))),
    quick={"lengths": (1, 2), "exact_lengths": (1, 2), "repulsions": (*WEAK, STRONG[-1])},
)
def length(
    workers: int,
    progress: Progress,
    lengths: Sequence[int] = LENGTHS,
    exact_lengths: Sequence[int] = EXACT_LENGTHS,
    repulsions: Sequence[float] = (*WEAK, *STRONG),
) -> dict[str, xr.Dataset]:
    """Polarisation of stacks of different length."""
    exact = junction.solve(
        Junction(),
        GKSL(),
        over={"molecules": exact_lengths, "hubbard": repulsions},
        observables=["spin_polarisation", "mean_current"],
        workers=workers,
        progress=progress,
    )
    field = junction.solve(
        Junction(),
        MeanField(others=False),
        over={"molecules": lengths, "hubbard": sorted({*WEAK, *WEAK_FIELD})},
        observables=["spin_polarisation", "mean_current"],
        on_failure="record",
        workers=workers,
    )
    return {
        "exact": exact,
        "strong": with_record(
            exact[["spin_polarisation", "mean_current"]].sel(
                hubbard=[U for U in STRONG if U in repulsions]
            )
        ),
        "mean-field": field,
        "weak": field.sel(hubbard=list(WEAK_FIELD)),
    }


@claim(
    "symmetry",
    "one molecule is its own mirror image: no polarisation at any repulsion",
    near("largest |P|", 0, MIRROR),
    source="analytic",
)
def own_mirror_image(length: Parts) -> Numbers:
    return float(np.abs(length["exact"].spin_polarisation.sel(molecules=1)).max())


@claim(
    "perturbation theory",
    "the mean field errs in second order: doubling a weak U multiplies its error by four",
    near("ratio of the errors, two and more molecules", 4, 1),
    source="analytic",
)
def first_order(length: Parts) -> Numbers:
    exact, field = (length[k].spin_polarisation for k in ("exact", "mean-field"))
    off = np.abs(exact - field).sel(molecules=slice(2, None))
    return (off.sel(hubbard=WEAK[1]) / off.sel(hubbard=WEAK[0])).values


@claim(
    "conservation",
    "the recorded steady states of four molecules are steady",
    below("residual, both magnetisations", RESIDUAL),
    source="self",
)
def four_molecules() -> Numbers:
    kept = record()
    return [kept[name]["residual"] for name in ("up", "down")]


@figure(
    "Polarisation against the number of molecules where transport is quick: exact, mean field, "
    "trajectories with standard errors",
    plot=Plot(
        panels=(
            Panel(
                source="sampled",
                x="molecules",
                y="spin_polarisation",
                error="spin_polarisation_error",
                by="theory",
                legend=True,
                x_label="molecules",
                y_label=r"$P_\mathrm{MR}$",
            ),
        )
    ),
    setting=", ".join(f"{name} = {value:g}" for name, value in OPEN.items()),
    quick={"lengths": (1, 2), "exact_lengths": (1, 2), "sampled_lengths": (2,)},
)
def sampled(
    workers: int,
    progress: Progress,
    lengths: Sequence[int] = LENGTHS,
    exact_lengths: Sequence[int] = EXACT_LENGTHS,
    sampled_lengths: Sequence[int] = SAMPLED_LENGTHS,
) -> dict[str, xr.Dataset]:
    """Three theories side by side at parameters where electrons come regularly."""
    shown = ["spin_polarisation", "mean_current"]
    exact = junction.solve(
        Junction(**OPEN), GKSL(), over={"molecules": exact_lengths}, observables=shown
    )
    field = junction.solve(
        Junction(**OPEN),
        MeanField(),
        over={"molecules": lengths},
        observables=shown,
        on_failure="record",
    )
    drawn = junction.solve(
        Junction(**OPEN),
        Trajectories(trajectories=100, time=100, burn_in=100, processes=workers),
        over={"molecules": sampled_lengths},
        observables=shown,
        on_failure="record",
        progress=progress,
    )
    one = ["spin_polarisation", "spin_polarisation_error"]
    parts = [
        ds[[name for name in one if name in ds]].reindex(molecules=list(LENGTHS))
        for ds in (exact, field, drawn)
    ]
    both = xr.concat(
        parts,
        xr.DataArray(["exact", "mean field", "trajectories"], dims="theory", name="theory"),
        coords="minimal",
        data_vars="all",
        compat="override",
        combine_attrs="override",
    )
    return {"sampled": both, "exact": exact, "trajectories": drawn}


@claim(
    "statistics",
    "trajectories meet the exact polarisation as far as it is known",
    below("difference in standard errors", SIGMAS),
    source="self",
)
def trajectories(sampled: Parts) -> Numbers:
    exact, drawn = (sampled[k] for k in ("exact", "trajectories"))
    off = drawn.spin_polarisation - exact.spin_polarisation
    return np.abs(off / drawn.spin_polarisation_error).values
