"""What bias, temperature and dephasing leave of a junction's polarisation.

The dimer of nozaki_fujita_2026, in units of t = t_aa. The paper has leads whose states are filled on the left
and empty on the right at every energy; here they have Fermi functions, and the gate puts the spectrum of the
stack particle-hole symmetrically about the Fermi level of the unbiased leads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    DetailedBalance,
    Junction,
    Redfield,
    UniversalLindblad,
    discrepancy,
)
from chirospin.studies.expectation import above, below, between, falls, near, order
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

HALF_FILLED = BiasedJunction(gate=-6.4, thermal_energy=0.1)
BIASES = np.concatenate([np.arange(-44.0, 0, 2), np.arange(2.0, 45, 2)])
POSITIVE = tuple(np.arange(1.0, 45))
TEMPERATURES = (0.02, 0.1, 0.2, 0.5, 1.0)
OPEN = tuple(np.concatenate([np.arange(6.0, 30, 2), np.arange(30.0, 37), [40.0, 44.0]]))
"""Where transport is open at the lowest of those temperatures."""
DEPHASINGS = tuple(np.geomspace(1e-4, 1.0, 25))
LARGE_BIAS = 44.0
CURVE = ("current", "mean_current", "spin_polarisation")
V_LABEL, P_LABEL, I_LABEL = "$V/t$", r"$P_\mathrm{MR}$", r"$\bar I$  ($q\,t/\hbar$)"
QUICK = {"counting": False}


NEAR_ZERO = ("smallest_eigenvalue", "reciprocity", "sequential_tunnelling", "broadening")
"""What fails where a curve begins, near V = 0: redfield is not positive, ule not reciprocal, and both miss
cotunnelling and the width of the levels; that at T = 0.02 t, a fifth of the coupling, on the whole curve."""


@figure(
    "Mean current, polarisation and its odd and even sources against the bias, T = 0.1 t",
    plot=Plot(
        columns=2,
        markers=False,
        panels=tuple(
            Panel(
                source="curve",
                x="bias",
                y=y,
                by="solved_by",
                x_label=V_LABEL,
                y_label=label,
            )
            for y, label in (
                ("mean_current", I_LABEL),
                ("spin_polarisation", P_LABEL),
                ("current_difference_odd", r"$\Delta_\mathrm{odd}$  ($q\,t/\hbar$)"),
                ("current_difference_even", r"$\Delta_\mathrm{even}$  ($q\,t/\hbar$)"),
            )
        ),
    ),
    outside=NEAR_ZERO,
)
def both_signs(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Current and polarisation at both signs of the bias, two generators."""
    wanted = [*CURVE, "current_difference_odd", "current_difference_even"]
    ds = junction.solve(
        HALF_FILLED,
        [UniversalLindblad(**QUICK), Redfield(**QUICK)],
        over={"bias": BIASES},
        observables=wanted,
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


@figure(
    "Polarisation against the bias at several temperatures",
    plot=Plot(
        markers=False,
        panels=(
            Panel(
                source="curve",
                x="bias",
                y="spin_polarisation",
                by="thermal_energy",
                by_label="k_BT/t",
                x_label=V_LABEL,
                y_label=P_LABEL,
            ),
        ),
    ),
    outside=NEAR_ZERO,
    quick={
        "temperatures": (
            0.1,
            0.5,
            1.1,
        ),  # where colder the partners at rest stall, for seconds each
        "biases": (12.0, 14.0, 20.0, 34.0, LARGE_BIAS),
        "observables": ("current",),
    },
)
def temperature(
    workers: int,
    progress: Progress,
    temperatures: Sequence[float] = TEMPERATURES,
    biases: Sequence[float] = OPEN,
    observables: Sequence[str] = CURVE,
) -> dict[str, xr.Dataset]:
    """Polarisation over the bias at several temperatures."""
    ds = junction.solve(
        HALF_FILLED,
        Redfield(**QUICK),
        over={"thermal_energy": temperatures, "bias": biases},
        observables=observables,
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


def _polarisation(figure: Parts) -> xr.DataArray:
    """P from the currents of both magnetisations, without the partner solves behind its error."""
    up, down = (figure["curve"]["current"].sel(magnetisation=m) for m in ("up", "down"))
    P: xr.DataArray = (up - down) / (up + down)
    return P


@claim(
    "large bias",
    "the limit is that of filled and empty leads",
    near("P(44)/P(infinite bias) at T = 0.1", 1, 1e-4),
    source="analytic",
)
def infinite_bias(temperature: Parts) -> Numbers:
    P = _polarisation(temperature).sel(thermal_energy=0.1, bias=LARGE_BIAS)
    limit = junction.solve(Junction(), GKSL(), observables=["spin_polarisation"])
    return float(P / limit.spin_polarisation)


@claim(
    "Sec. III.2, case (f) of the paper",
    "its 24 % appear only from V = 34 t on",
    between("V from which P(V) is P(44) within 1e-4, T = 0.1", 32, 36),
    below("|P(V)/P(44)| at V = 12 and 20", 0.6),
    source="self",
)
def late_onset(temperature: Parts) -> Numbers:
    P = _polarisation(temperature).sel(thermal_energy=0.1)
    share = P / P.sel(bias=LARGE_BIAS)
    return float(P.bias[abs(share - 1) < 1e-4][0]), abs(share.sel(bias=[12, 20])).values


@claim(
    "V = 14",
    "temperature moves the rise to larger bias",
    falls("|P(14)| against the temperature"),
    below("|P(14)| at T = t over that at 0.02 t", 0.2),
    source="self",
)
def warmth(temperature: Parts) -> Numbers:
    P = abs(_polarisation(temperature).sel(bias=14)).values
    return P, P[-1] / P[0]


@figure(
    "Fano factor against the bias, for both magnetisations",
    plot=Plot(
        markers=False,
        panels=(
            Panel(
                source="curve",
                x="bias",
                y="fano_factor",
                by="magnetisation",
                x_label=V_LABEL,
                y_scale="log",
                y_label="Fano factor",
            ),
        ),
    ),
    outside=NEAR_ZERO,
    quick={"biases": (8.0, LARGE_BIAS)},
)
def noise(
    workers: int, progress: Progress, biases: Sequence[float] = OPEN
) -> dict[str, xr.Dataset]:
    """Fano factors over the bias."""
    ds = junction.solve(
        HALF_FILLED,
        Redfield(),
        over={"bias": biases},
        observables=["fano_factor", "noise", *CURVE],
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


@claim(
    "Fig. 3 of the paper",
    "its polarisation comes from a state that is rarely left: electrons come in bunches",
    order("Fano factors at V = 44", 100),
    below("Fano factors at V = 8", 5),
    source="self",
)
def near_dark_state(noise: Parts) -> Numbers:
    F = noise["curve"].fano_factor
    return F.sel(bias=LARGE_BIAS).values, F.sel(bias=8).values


@figure(
    "Polarisation and Fano factor at large bias against the rate of dephasing",
    plot=Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(
                source="curve",
                x="dephasing",
                y="spin_polarisation",
                x_scale="log",
                x_label=r"$\kappa/t$",
                y_label=P_LABEL,
            ),
            Panel(
                source="curve",
                x="dephasing",
                y="fano_factor",
                by="magnetisation",
                x_scale="log",
                y_scale="log",
                x_label=r"$\kappa/t$",
                y_label="Fano factor",
            ),
        ),
    ),
    quick={"rates": (1e-4, 0.1), "observables": ("current",)},
)
def dephasing(
    workers: int,
    progress: Progress,
    rates: Sequence[float] = DEPHASINGS,
    observables: Sequence[str] = ("fano_factor", *CURVE),
) -> dict[str, xr.Dataset]:
    """Polarisation and Fano factors at large bias over the rate of dephasing."""
    ds = junction.solve(
        HALF_FILLED.replace(bias=LARGE_BIAS),
        Redfield(),
        over={"dephasing": rates},
        observables=observables,
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


@claim(
    "V = 44",
    "dephasing of a tenth of t removes more than half",
    below("|P| at 0.1 t over that at 0.0001 t", 0.5),
    falls("|P| against the rate"),
    source="self",
)
def decoherence(dephasing: Parts) -> Numbers:
    P = abs(_polarisation(dephasing))
    return float(P.sel(dephasing=0.1, method="nearest") / P[0]), P.values


@figure(
    "Polarisation and spread of three generators; energy over T that a jump lacks",
    plot=Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(
                source="shown",
                x="bias",
                y="polarisation",
                by="curve",
                y_scale="log",
                x_label=V_LABEL,
                y_label=r"$|P_\mathrm{MR}|$",
                legend=True,
            ),
            Panel(
                source="shown",
                x="bias",
                y="barrier",
                x_label=V_LABEL,
                y_label="energy lacking $/k_BT$",
            ),
        ),
    ),
    setting=f"gate = {HALF_FILLED.gate}, thermal_energy = {HALF_FILLED.thermal_energy}; three generators",
    outside=NEAR_ZERO,
    quick={"biases": (8.0, 40.0)},
)
def uncertainty(
    workers: int, progress: Progress, biases: Sequence[float] = POSITIVE
) -> dict[str, xr.Dataset]:
    """Spread of three generators, and where none of them can be right."""
    ds = discrepancy(HALF_FILLED, np.asarray(biases))
    progress(1, 1)
    ds["size"] = np.abs(ds.spin_polarisation.sel(solved_by="ule")).drop_vars("solved_by")
    ds["size"].attrs = {"units": "1", "symbol": r"|P_\mathrm{MR}|"}
    both = xr.concat(
        [ds["size"], ds["polarisation_spread"]], xr.Variable("curve", ["|P|, ule", "spread"])
    )
    shown = xr.Dataset({"polarisation": both, "barrier": ds["barrier"]})
    shown["polarisation"].attrs = {"units": "1", "symbol": "P"}
    return {"report": ds, "shown": shown}


@claim(
    "three generators",
    "they disagree where P is small and agree where it is large",
    above("spread over |P| at V = 8", 0.1),
    below("at V = 40", 0.02),
    source="self",
)
def disagreement(uncertainty: Parts) -> Numbers:
    report = uncertainty["report"]
    P = abs(report.spin_polarisation.sel(solved_by="ule"))
    low, high = (report.polarisation_spread / P).sel(bias=[8, 40]).values
    return low, high


@figure(
    "Polarisation of the linear response at T = 0.5 t",
    outside=("reciprocity", "equilibrium_energy"),
)
def linear_response(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Polarisation of the linear response, which must vanish."""
    methods = [Redfield(**QUICK), UniversalLindblad(**QUICK), DetailedBalance(**QUICK)]
    ds = junction.solve(
        HALF_FILLED.replace(bias=1, thermal_energy=0.5),
        methods,
        observables=["reciprocity_defect"],
    )
    progress(1, 1)
    return {"defect": ds}


@claim(
    "V -> 0",
    "no polarisation with one magnetised lead (Buttiker)",
    near("by the generator with detailed balance", 0, 1e-6),
    near("by the two others", 0, 1e-3),
    source="analytic",
)
def reciprocity(linear_response: Parts) -> Numbers:
    defect = linear_response["defect"].reciprocity_defect
    kms, *others = (float(defect.sel(solved_by=m)) for m in ("kms", "redfield", "ule"))
    return kms, others
