"""A study of our own: magnetoresistance against the length of the stack, at the parameters of
nozaki_fujita_2026.

Exact for one to three molecules, and at the paper's parameters for four from a record, mean field for one
to eight where it has a solution; and where transport is quick, quantum trajectories with error bars beside
both. The record is what `python benchmarks/four_molecules.py` wrote: an hour a magnetisation.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.junction import GKSL, Junction, MeanField, Trajectories
from chirospin.studies.registry import Data, Figure, Finding, Progress, Study, claim

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
SECOND_ORDER = (3.0, 5.0)  # halving U divides an error of second order by four


def record() -> dict[str, Any]:
    """The steady states of four molecules that are on record, at the paper's parameters.

    Raises
    ------
    RuntimeError : the record belongs to other parameters than the defaults of today
    """
    text = files("chirospin.studies").joinpath(RECORD).read_text(encoding="utf-8")
    kept: dict[str, Any] = json.loads(text)
    if kept["model"] != Junction(molecules=RECORDED_LENGTH).model_dump(mode="json"):
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


def length(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Polarisation of stacks of different length."""
    exact = junction.solve(
        Junction(),
        GKSL(),
        over={"molecules": EXACT_LENGTHS, "hubbard": [*WEAK, *STRONG]},
        observables=["spin_polarisation", "mean_current"],
        workers=workers,
        progress=progress,
    )
    field = junction.solve(
        Junction(),
        MeanField(others=False),
        over={"molecules": LENGTHS, "hubbard": sorted({*WEAK, *WEAK_FIELD})},
        observables=["spin_polarisation", "mean_current"],
        on_failure="record",
        workers=workers,
    )
    return {
        "exact": exact,
        "strong": with_record(
            exact[["spin_polarisation", "mean_current"]].sel(hubbard=list(STRONG))
        ),
        "mean-field": field,
        "weak": field.sel(hubbard=list(WEAK_FIELD)),
    }


def sampled(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Three theories side by side at parameters where electrons come regularly."""
    shown = ["spin_polarisation", "mean_current"]
    exact = junction.solve(
        Junction(**OPEN), GKSL(), over={"molecules": EXACT_LENGTHS}, observables=shown
    )
    field = junction.solve(
        Junction(**OPEN),
        MeanField(),
        over={"molecules": LENGTHS},
        observables=shown,
        on_failure="record",
    )
    drawn = junction.solve(
        Junction(**OPEN),
        Trajectories(trajectories=100, time=100, start=100, processes=workers),
        over={"molecules": SAMPLED_LENGTHS},
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


FIGURES = (
    Figure(
        name="length",
        caption="Polarisation against the number of molecules: exact, four molecules from the record, and mean "
        "field at weak repulsion",
        compute=length,
        plot=Plot(columns=2, panels=(_panel("strong", "exact"), _panel("weak", "mean field"))),
    ),
    Figure(
        name="sampled",
        caption="Polarisation against the number of molecules where transport is quick: exact, mean field, "
        "trajectories with standard errors",
        compute=sampled,
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
    ),
)


def _own_mirror(data: Data) -> Finding:
    P = data["length"]["exact"]["spin_polarisation"].sel(molecules=1)
    worst = float(np.abs(P).max())
    return Finding(published="0", ours=f"{worst:.1e}", compared=(0.0, worst), holds=worst < MIRROR)


def _second_order(data: Data) -> Finding:
    exact, field = (data["length"][k]["spin_polarisation"] for k in ("exact", "mean-field"))
    ratios = []
    for molecules in EXACT_LENGTHS[1:]:
        off = [abs(float((exact - field).sel(molecules=molecules, hubbard=U))) for U in WEAK]
        ratios.append(off[1] / off[0])
    low, high = SECOND_ORDER
    return Finding(
        published="4",
        ours=", ".join(f"{r:.2f} for {m} molecules" for m, r in zip((2, 3), ratios, strict=True)),
        compared=(4.0, ratios[0]),
        holds=all(low < r < high for r in ratios),
    )


def _recorded(data: Data) -> Finding:
    kept = record()
    worst = max(kept[name]["residual"] for name in ("up", "down"))
    return Finding(
        published=f"below {RESIDUAL:.0e}",
        ours=f"{worst:.0e}, P = {kept['spin_polarisation']:+.6f}",
        holds=worst < RESIDUAL,
    )


def _within_error_bars(data: Data) -> Finding:
    exact, drawn = (data["sampled"][k] for k in ("exact", "trajectories"))
    off = (drawn["spin_polarisation"] - exact["spin_polarisation"]).sel(molecules=[2, 3])
    apart = off / drawn["spin_polarisation_error"].sel(molecules=[2, 3])
    return Finding(
        published=f"below {SIGMAS:g}",
        ours=", ".join(
            f"{abs(x):.1f} for {m} molecules" for m, x in zip((2, 3), apart.values, strict=True)
        ),
        holds=bool((abs(apart) < SIGMAS).all()),
    )


CLAIMS = (
    claim(
        "sampled",
        "statistics",
        "trajectories of two and three molecules meet the exact polarisation, in standard errors",
        ["sampled"],
        _within_error_bars,
        source="analytic",
    ),
    claim(
        "four-molecules",
        "conservation",
        "residual of the recorded steady states of four molecules, both magnetisations",
        ["length"],
        _recorded,
        source="analytic",
    ),
    claim(
        "own-mirror-image",
        "symmetry",
        "one molecule is its own mirror image: no polarisation at any repulsion",
        ["length"],
        _own_mirror,
        source="analytic",
    ),
    claim(
        "first-order",
        "perturbation theory",
        "the mean field errs in second order: doubling a weak U multiplies its error by four",
        ["length"],
        _second_order,
        source="analytic",
    ),
)

STUDY = Study(
    key="stack_length",
    title="Magnetoresistance against the length of a chiral stack",
    figures=FIGURES,
    claims=CLAIMS,
)
