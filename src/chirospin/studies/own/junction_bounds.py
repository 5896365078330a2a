"""The largest polarisation that a junction can reach, and how far below the experiments it lies.

The dimer of nozaki_fujita_2026 within the ranges of real junctions, searched as `chirospin bound` does: at infinite
bias, and at 1 V and 300 K by redfield where its states pass their checks: there hoppings are 0.3 and 0.1 eV at a right
angle, and spin-orbit coupling, second level, repulsion, coupling and gate are searched. Searches are of the record that
`python -m benchmarks.bounds` wrote; every best point is solved again here. Where three independent searches end within
2 % of the largest value it stands for the largest; elsewhere it is a lower bound, and named so. With vibrations nothing is
searched: the best points are solved again with a vibration of both molecules, at 1 V by `python -m benchmarks.bounds vibration`.
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
from chirospin.points.optimise import AGREEING
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

RECORD = "junction_bounds.json"
MEASURED = (0.3, 0.86)
"""Polarisations of currents that papers report: lu_2019 reaches 86 %."""
FOUND = (
    "searches agree",
    "lower bound",
    "with a vibration",
    "measured, 30 %",
    "measured, 86 %",
)
ROOM = 300.0
VIBRATING, LEVELS = "junction.phonons", "levels"
VIBRATION: dict[str, Any] = {
    "phonon_energy": (0.18,),
    "phonon_damping": (0.01,),
    "holstein_a": ((0.05, -0.05),),
    "holstein_b": ((0.05, -0.05),),
    "phonon_levels": (3,),
}
"""A stretch of C-C bonds, of three levels."""
REFERENCE = {1.0: -0.241, 0.9: -0.018, 0.4: -0.0003}


def searches() -> dict[str, dict[str, Any]]:
    """What was searched: by case and seed."""
    text = files("chirospin.studies.own").joinpath(RECORD).read_text(encoding="utf-8")
    kept: dict[str, dict[str, Any]] = json.loads(text)
    return kept


def solved_again(search: dict[str, Any], **changes: Any) -> float:
    r"""\|P\| at the best point of a search, by one solve; with vibrations by another model."""
    infinite = bool(changes) and search["problem"] == "junction"
    asked = problem(VIBRATING if infinite else search["problem"])
    model = asked.model(**search["fixed"], **changes)
    if "temperature" in type(model).model_fields:
        model = held(model, temperature=ROOM)
    best = held(model, **search["at"])
    method = LEVELS if infinite else search["method"]
    ds = junction.solve(best, method, observables=["current"], on_failure="record")
    up, down = ds.current.values
    return float(abs((up - down) / (up + down)))


def _sorted() -> list[dict[str, Any]]:
    """Cases in the order of the figures."""
    return sorted(
        searches().values(),
        key=lambda search: (search["problem"], search["atoms"], search["lead_polarisation"]),
    )


def _words(search: dict[str, Any]) -> str:
    atoms = {"selenium": "Se"}.get(search["atoms"], search["atoms"])
    where = "" if search["problem"] == "junction" else ", 1 V"
    return f"{atoms}, $p$ = {search['lead_polarisation']:g}{where}"


@figure(
    "Largest polarisation found, and what papers report",
    plot=Plot(
        panels=(
            Panel(
                source="bound",
                x="case",
                y="polarisation",
                by="found",
                y_scale="log",
                x_label="",
                y_label=r"largest $|P_\mathrm{MR}|$ found",
            ),
        ),
    ),
    setting="infinite bias, or 1 V and 300 K; ranges of chirospin bound; light: C, N, O, up to 4 meV; selenium: up to 85 meV; p: polarisation of the left "
    "lead; the vibration has 180 meV and moves the levels of both molecules by 50 meV in opposite directions",
)
def bounds(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    r"""The largest \|P\| of every case, solved again, and with a vibration where the bias is infinite."""
    kept = _sorted()
    values = np.full((len(kept), len(FOUND)), np.nan)
    for n, search in enumerate(kept):
        again = solved_again(search)
        values[n, 0 if search["agreed"] >= AGREEING else 1] = again
        if search["problem"] == "junction":
            values[n, 2] = solved_again(search, **VIBRATION)
        else:
            values[n, 2] = search["with_vibration"]
        progress(n + 1, len(kept))
    values[:, 3:] = MEASURED
    ds = xr.Dataset(
        {
            "polarisation": (("case", "found"), values, {"units": "1", "symbol": "|P|"}),
            "recorded": ("case", np.array([search["largest"] for search in kept])),
            "agreed": ("case", np.array([search["agreed"] for search in kept])),
            "starts": ("case", np.array([len(search["ends"]) for search in kept])),
        },
        {"case": [_words(search) for search in kept], "found": list(FOUND)},
    )
    return {"bound": ds}


@figure(
    "Where the independent searches of each case end, side by side",
    plot=Plot(
        panels=(
            Panel(
                source="ends",
                x="case",
                y="polarisation",
                by="search",
                y_scale="log",
                x_label="",
                y_label=r"$|P_\mathrm{MR}|$ at the end of a search",
            ),
        ),
    ),
    setting="from the model itself, where it has a current, and from the best points of a screen that lie apart",
)
def searched_ends(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Of the record."""
    kept = _sorted()
    most = max(len(search["ends"]) for search in kept)
    ends = np.full((len(kept), most), np.nan)
    for row, search in zip(ends, kept, strict=True):
        heights = [np.nan if x is None else float(x) for x in search["ends"]]
        row[: len(heights)] = sorted(heights, key=lambda x: -np.nan_to_num(x))
    progress(1, 1)
    ds = xr.Dataset(
        {"polarisation": (("case", "search"), ends, {"units": "1", "symbol": "|P|"})},
        {"case": [_words(search) for search in kept], "search": [f"{n + 1}." for n in range(most)]},
    )
    return {"ends": ds}


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
    below("largest difference of |P| solved again from the record, relative", 1e-4),
    source="self",
)
def searched(bounds: Parts) -> Numbers:
    ds = bounds["bound"]
    again = ds.polarisation.isel(found=[0, 1]).max("found")
    return float((np.abs(again - ds.recorded) / ds.recorded).max())


@claim(
    "heavy atoms, p = 0.4, infinite bias",
    "independent searches end at the same value",
    above("searches within 2 % of the largest", AGREEING - 0.5),
    near("largest |P|", 0.064, 0.002),
    source="self",
)
def agreed(bounds: Parts) -> Numbers:
    ds = bounds["bound"].sel(case="Se, $p$ = 0.4")
    return float(ds.agreed), float(ds.recorded)


def _largest(bounds: Parts, *words: str) -> float:
    ds = bounds["bound"]
    named = [all(w in str(name) for w in words) for name in ds.case.values]
    return float(ds.recorded.isel(case=named).max())


@claim(
    "p = 0.4",
    "the largest that was found with a real lead is below what experiments report",
    below("largest |P| found over 0.3, every case", 0.5),
    source="self",
)
def below_experiments(bounds: Parts) -> Numbers:
    return _largest(bounds, "$p$ = 0.4") / MEASURED[0]


@claim(
    "p = 0.9 against p = 0.4",
    "a lead that is nearly without minority electrons gives several times as much",
    above("largest |P| found at p = 0.9 over that at p = 0.4, infinite bias, heavy atoms", 2.0),
    source="self",
)
def ideal_leads(bounds: Parts) -> Numbers:
    ideal = _largest(bounds, "Se", "$p$ = 0.9")
    return ideal / _largest(bounds, "Se", "$p$ = 0.4")


@claim(
    "vibration",
    "at the best points a vibration takes away a part of the polarisation",
    below("largest |P| with the vibration over that without, infinite bias", 1.0),
    source="self",
)
def vibrations(bounds: Parts) -> Numbers:
    ds = bounds["bound"]
    infinite = ["1 V" not in str(name) for name in ds.case.values]
    return float((ds.polarisation.isel(found=2) / ds.recorded).isel(case=infinite).max())
