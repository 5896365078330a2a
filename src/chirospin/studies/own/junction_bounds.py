"""The largest polarisation that a junction can reach, and how far below the experiments it lies.

The dimer of nozaki_fujita_2026 within the ranges of real junctions (`chirospin bound --mechanism junction`), at
infinite bias. Searches are of the record that `python -m benchmarks.bounds infinite 3 14 32 2` wrote, two for each
case from different screens; every best point is solved again here. They are short, and no three starts agree: lower
bounds of the bound. One volt at 300 K (`python -m benchmarks.bounds finite`) and phonons are not in the record yet.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.families import problem
from chirospin.base.figures import Panel, Plot
from chirospin.junction import Junction
from chirospin.points.gradient import held
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

RECORD = "junction_bounds.json"
MEASURED = (0.3, 0.86)
"""Polarisations of currents that papers report: lu_2019 reaches 86 %."""
ATOMS = {"light": 4e-3, "selenium": 0.085}
"""Largest size of Lambda of pairs of such atoms, eV; the upper ends of the ranges."""
REFERENCE = {1.0: -0.241, 0.9: -0.018, 0.4: -0.0003}


def searches() -> dict[str, dict[str, Any]]:
    """What was searched: by case and seed."""
    text = files("chirospin.studies.own").joinpath(RECORD).read_text(encoding="utf-8")
    kept: dict[str, dict[str, Any]] = json.loads(text)
    return kept


def solved_again(one: dict[str, Any]) -> float:
    r"""\|P\| at the best point of a search, by one solve."""
    asked = problem(one["problem"])
    model = asked.model(**one["fixed"])
    if "temperature" in type(model).model_fields:
        model = held(model, temperature=300.0)
    best = held(model, **one["at"])
    ds = junction.solve(best, one["method"], observables=["current"], on_failure="record")
    up, down = ds.current.values
    return float(abs((up - down) / (up + down)))


def _series(one: dict[str, Any]) -> str:
    where = "infinite bias" if one["problem"] == "junction" else "1 V, 300 K"
    return f"{where}, p = {one['lead_polarisation']:g}, search {one['seed'] + 1}"


@figure(
    "Largest polarisation found against the largest spin-orbit coupling of the atoms, and what papers report",
    plot=Plot(
        panels=(
            Panel(
                source="bound",
                x="spin_orbit_limit",
                y="polarisation",
                by="search",
                y_scale="log",
                x_label=r"largest $|\Lambda|$ of the atoms (meV): 4 C, N, O; 85 Se",
                y_label=r"largest $|P_\mathrm{MR}|$ found",
            ),
        ),
    ),
    setting="ranges of chirospin bound; lower bounds: in none of the searches do three starts agree",
)
def bounds(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    r"""The largest \|P\| of every case, solved again."""
    kept = list(searches().values())
    names = sorted({_series(one) for one in kept})
    values, recorded = (np.full((len(names) + 2, len(ATOMS)), np.nan) for _ in range(2))
    for n, one in enumerate(kept):
        place = names.index(_series(one)), list(ATOMS).index(one["atoms"])
        values[place], recorded[place] = solved_again(one), one["largest"]
        progress(n + 1, len(kept))
    values[-2:] = np.array(MEASURED)[:, None]
    ds = xr.Dataset(
        {
            "polarisation": (
                ("search", "spin_orbit_limit"),
                values,
                {"units": "1", "symbol": "|P|"},
            ),
            "recorded": (("search", "spin_orbit_limit"), recorded),
        },
        {
            "search": [*names, "measured, 30 %", "measured, 86 %"],
            "spin_orbit_limit": (
                "spin_orbit_limit",
                [1000 * x for x in ATOMS.values()],
                {"units": "meV"},
            ),
        },
    )
    return {"bound": ds}


@figure(
    "The reference point of the paper with a left lead that is not fully polarised",
    plot=Plot(
        panels=(
            Panel(
                source="lead",
                x="lead_polarisation",
                y="size",
                y_scale="log",
                x_label="polarisation $p$ of the left lead",
                y_label=r"$|P_\mathrm{MR}|$",
            ),
        ),
    ),
)
def real_leads(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    r"""\|P\| at infinite bias over the polarisation of the lead."""
    over = {"lead_polarisation": [0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0]}
    ds = junction.solve(Junction(), over=over, observables=["spin_polarisation"], workers=workers)
    progress(1, 1)
    ds["size"] = abs(ds.spin_polarisation)
    ds["size"].attrs = {"units": "1", "symbol": r"|P_\mathrm{MR}|"}
    return {"lead": ds}


@claim(
    "reference point of nozaki_fujita_2026",
    "its polarisation is that of a lead without any minority electrons",
    near("P at p = 1", REFERENCE[1.0], 5e-4),
    near("P at p = 0.9, which no ferromagnet of 3d metals reaches", REFERENCE[0.9], 5e-4),
    near("P at p = 0.4, nickel", REFERENCE[0.4], 5e-5),
    source="self",
)
def lead_is_no_prefactor(real_leads: Parts) -> Numbers:
    P = real_leads["lead"].spin_polarisation
    return tuple(float(P.sel(lead_polarisation=p)) for p in REFERENCE)


@claim(
    "record of searches",
    "the best points are what the record says",
    below("largest difference of |P| solved again from the record", 1e-6),
    source="self",
)
def searched(bounds: Parts) -> Numbers:
    ds = bounds["bound"]
    return float(np.nanmax(np.abs(ds.polarisation - ds.recorded).values))


def _largest(bounds: Parts, words: str, atoms: str | None = None) -> float:
    ds = bounds["bound"]
    own = ds.polarisation.isel(search=[words in str(name) for name in ds.search.values])
    found = own if atoms is None else own.sel(spin_orbit_limit=1000 * ATOMS[atoms])
    return float(found.max())


@claim(
    "p = 0.4",
    "the largest that was found with a real lead is far below what experiments report; a lower bound, no proof",
    below("largest |P| found over 0.3, every case", 0.5),
    source="self",
)
def below_experiments(bounds: Parts) -> Numbers:
    return _largest(bounds, "p = 0.4") / MEASURED[0]


@claim(
    "p = 1 against p = 0.4",
    "a lead without minority electrons gives several times as much",
    above("largest |P| found at p = 1 over that at p = 0.4, infinite bias, light atoms", 2.0),
    source="self",
)
def ideal_leads(bounds: Parts) -> Numbers:
    ideal = _largest(bounds, "infinite bias, p = 1", "light")
    return ideal / _largest(bounds, "infinite bias, p = 0.4", "light")
