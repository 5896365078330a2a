"""What bias, temperature and dephasing leave of the polarisation of Nozaki and Fujita's dimer.

A page of our own, in units of t = t_aa. The paper has leads whose states are filled on the left and
empty on the right at every energy; here they have Fermi functions, and the gate puts the spectrum of the
stack particle-hole symmetrically about the Fermi level of the unbiased leads.
"""

from __future__ import annotations

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
from chirospin.studies.registry import Data, Figure, Finding, Progress, Study, claim

HALF_FILLED = BiasedJunction(gate=-6.4, thermal_energy=0.1)
BIASES = np.concatenate([np.arange(-44.0, 0, 2), np.arange(2.0, 45, 2)])
POSITIVE = np.arange(1.0, 45)
TEMPERATURES = (0.02, 0.1, 0.2, 0.5, 1.0)
OPEN = np.concatenate([np.arange(6.0, 30, 2), np.arange(30.0, 37), [40.0, 44.0]])
"""Where transport is open at the lowest of those temperatures."""
DEPHASINGS = np.geomspace(1e-4, 1.0, 25)
LARGE_BIAS = 44.0
CURVE = ("current", "mean_current", "spin_polarisation")
V_LABEL, P_LABEL, I_LABEL = "$V/t$", r"$P_\mathrm{MR}$", r"$\bar I$  ($q\,t/\hbar$)"
QUICK = {"counting": False}


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


def warmed(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Polarisation over the bias at several temperatures."""
    ds = junction.solve(
        HALF_FILLED,
        Redfield(**QUICK),
        over={"thermal_energy": TEMPERATURES, "bias": OPEN},
        observables=CURVE,
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


def fluctuations(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Fano factors over the bias."""
    ds = junction.solve(
        HALF_FILLED,
        Redfield(),
        over={"bias": OPEN},
        observables=["fano_factor", "noise", *CURVE],
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


def dephased(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Polarisation and Fano factors at large bias over the rate of dephasing."""
    ds = junction.solve(
        HALF_FILLED.replace(bias=LARGE_BIAS),
        Redfield(),
        over={"dephasing": DEPHASINGS},
        observables=["fano_factor", *CURVE],
        workers=workers,
        progress=progress,
    )
    return {"curve": ds}


def uncertainty(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Spread of three generators, and where none of them can be right."""
    ds = discrepancy(HALF_FILLED, POSITIVE)
    progress(1, 1)
    ds["size"] = np.abs(ds.spin_polarisation.sel({"method": "ule"})).drop_vars("method")
    ds["size"].attrs = {"units": "1", "symbol": r"|P_\mathrm{MR}|"}
    both = xr.concat(
        [ds["size"], ds["polarisation_spread"]], xr.Variable("curve", ["|P|, ule", "spread"])
    )
    shown = xr.Dataset({"polarisation": both, "barrier": ds["barrier"]})
    shown["polarisation"].attrs = {"units": "1", "symbol": "P"}
    return {"report": ds, "shown": shown}


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


NEAR_ZERO = ("smallest_eigenvalue", "reciprocity", "sequential_tunnelling", "broadening")
"""What fails where a curve begins, near V = 0: redfield is not positive, ule not reciprocal, and both miss
cotunnelling and the width of the levels; that at T = 0.02 t, a fifth of the coupling, on the whole curve."""


FIGURES = (
    Figure(
        name="both-signs",
        caption="Mean current, polarisation and its odd and even sources against the bias, T = 0.1 t",
        compute=both_signs,
        outside=NEAR_ZERO,
        plot=Plot(
            columns=2,
            markers=False,
            panels=tuple(
                Panel(
                    source="curve",
                    x="bias",
                    y=y,
                    by="method",
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
    ),
    Figure(
        name="temperature",
        caption="Polarisation against the bias at several temperatures",
        outside=NEAR_ZERO,
        compute=warmed,
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
    ),
    Figure(
        name="noise",
        caption="Fano factor against the bias, for both magnetisations",
        outside=NEAR_ZERO,
        compute=fluctuations,
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
    ),
    Figure(
        name="dephasing",
        caption="Polarisation and Fano factor at large bias against the rate of dephasing",
        compute=dephased,
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
    ),
    Figure(
        name="uncertainty",
        caption="Polarisation and spread of three generators; energy over T that a jump lacks",
        outside=NEAR_ZERO,
        compute=uncertainty,
        setting=f"gate = {HALF_FILLED.gate}, thermal_energy = {HALF_FILLED.thermal_energy}; three generators",
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
    ),
    Figure(
        name="linear-response",
        caption="Polarisation of the linear response at T = 0.5 t",
        compute=linear_response,
        outside=("reciprocity", "equilibrium_energy"),  # which is what it shows
    ),
)


def _late(data: Data) -> Finding:
    P = data["temperature"]["curve"]["spin_polarisation"].sel(thermal_energy=0.1)
    limit = float(
        junction.solve(Junction(), GKSL(), observables=["spin_polarisation"]).spin_polarisation
    )
    at = {V: float(P.sel(bias=V)) for V in (12.0, 20.0, 30.0, 36.0)}
    reached = float(P.bias[np.abs(P - limit) < 5e-6][0])
    return Finding(
        published="-0.24 where every state of the left lead is filled and none of the right",
        ours=f"infinite bias {limit:.5f}; T = 0.1: "
        + ", ".join(f"P({V:g}) = {p:.4f}" for V, p in at.items())
        + f"; the limit to five digits from V = {reached:g} on",
        compared=(-0.24, limit),
        holds=33 <= reached <= 36 and abs(at[12.0]) < 0.04 and abs(at[20.0]) < 0.14,
    )


def _dark(data: Data) -> Finding:
    F = data["noise"]["curve"]["fano_factor"]
    top = F.sel(bias=LARGE_BIAS).values
    plateau = float(F.sel(bias=8.0).max())
    return Finding(
        published="nothing on noise; a state that is rarely left shows as bunches of electrons",
        ours=f"Fano factors at V = {LARGE_BIAS:g}: {top[0]:.1f} (up), {top[1]:.1f} (down); at V = 8 "
        f"at most {plateau:.2f}",
        holds=bool(abs(top[0] - 88) < 1 and abs(top[1] - 117) < 1 and plateau < 5),
    )


def _cool(data: Data) -> Finding:
    P = data["temperature"]["curve"]["spin_polarisation"].sel(bias=14.0)
    values = [float(v) for v in P]
    return Finding(
        published="zero temperature and infinite bias only",
        ours="P(V = 14) = "
        + ", ".join(f"{p:.3f} (T = {T:g})" for T, p in zip(TEMPERATURES, values, strict=True)),
        holds=bool(np.all(np.diff(np.abs(values)) < 0)) and abs(values[-1]) < 0.2 * abs(values[0]),
    )


def _coherent(data: Data) -> Finding:
    curve = data["dephasing"]["curve"]
    P = curve["spin_polarisation"]
    half = float(np.interp(-0.5, (P / abs(P[0])).values, DEPHASINGS))
    return Finding(
        published="no dephasing",
        ours=f"P is halved at a rate of {half:.3f} t and {float(P[-1]):.4f} at 1 t; Fano factors fall "
        f"from {float(curve.fano_factor[0].max()):.0f} to {float(curve.fano_factor[-1].max()):.1f}",
        holds=0.01 < half < 0.3 and abs(float(P[-1])) < 0.1 * abs(float(P[0])),
    )


def _uncertain(data: Data) -> Finding:
    report = data["uncertainty"]["report"]
    P = np.abs(report.spin_polarisation.sel({"method": "ule"}))
    share = (report.polarisation_spread / P).sel(bias=[8.0, 14.0, 20.0, 40.0])
    return Finding(
        published="one master equation",
        ours="spread over |P| at V = 8, 14, 20, 40: "
        + ", ".join(f"{float(v):.1%}" for v in share)
        + f"; below V = {float(report.bias[~report.blocked][0]):g} jumps lack 3 T and none is right",
        holds=bool(share[0] > 0.1 > 0.02 > share[-1]),
    )


def _reciprocal(data: Data) -> Finding:
    defect = data["linear-response"]["defect"]["reciprocity_defect"]
    values = {str(m): float(defect.sel({"method": m})) for m in defect["method"].values}
    return Finding(
        published="Buttiker: no polarisation at V -> 0 with one magnetised lead",
        ours=", ".join(f"{name} {value:.1e}" for name, value in values.items()),
        compared=(0.0, max(values.values(), key=abs)),
        holds=abs(values["kms"]) < 1e-6 and all(abs(v) < 1e-3 for v in values.values()),
    )


CLAIMS = (
    claim(
        "late-onset", "Sec. III.2, case (f)", "the 24 % appear only from V = 34 t on",
        ["temperature"], _late, source="paper-text",
    ),
    claim(
        "near-dark-state", "Fig. 3", "they come from a state that is rarely left: Fano factors near 100",
        ["noise"], _dark, source="analytic",
    ),
    claim(
        "temperature", "beyond the paper", "temperature moves the rise to larger bias",
        ["temperature"], _cool, source="analytic",
    ),
    claim(
        "dephasing", "beyond the paper", "dephasing of a tenth of t removes more than half",
        ["dephasing"], _coherent, source="analytic",
    ),
    claim(
        "uncertainty", "beyond the paper", "generators disagree where P is small, agree where it is large",
        ["uncertainty"], _uncertain, source="analytic",
    ),
    claim(
        "reciprocity", "beyond the paper", "linear response has no polarisation",
        ["linear-response"], _reciprocal, source="analytic",
    ),
)  # fmt: skip

STUDY = Study(
    key="junction_bias",
    title="What bias, temperature and dephasing leave of a junction's polarisation",
    figures=FIGURES,
    claims=CLAIMS,
)
