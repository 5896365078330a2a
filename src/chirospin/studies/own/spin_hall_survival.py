r"""Where a spin Hall current survives in a disordered Rashba gas.

It vanishes for a linear splitting (khaetskii_2006). In an alternating field it does not, nor for a cubic
splitting, curved bands or spin-orbit scattering, and the closed forms say how much is left. Units
hbar = m = E_F = 1; spin Hall currents in eE/8 pi.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import rashba
from chirospin.base.figures import Panel, Plot
from chirospin.rashba import FermiLevelGas, FermiLevelKinetic, RashbaGas
from chirospin.rashba.closed_form import separated_bands
from chirospin.rashba.fermi_level import extrinsic_spin_hall, fermi_circle
from chirospin.rashba.model import bands, correlator
from chirospin.studies.expectation import above, below, near
from chirospin.studies.papers.khaetskii_2006 import COLD, FERMI, GOOD, ZERO, impure_gas
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

BETTER = 2000.0  # E_F tau of the spectrum, whose closed form is of first order in its inverse
SPECTRUM = (0.5, 2.0, 10.0)
FREQUENCIES = np.linspace(0.0, 12.0, 121)  # over 1/tau
RANGES = np.geomspace(3, 3000, 25)  # of impurities, over 1/p_F
WIDTHS = np.geomspace(1e-3, 0.1, 17)  # delta p_F/p_F
CURVATURES = np.linspace(0.0, 0.4, 9)
SKEWS = (0.02, 0.05, 0.1)


@figure(
    "Spin Hall current in an alternating field; closed forms on the kinetic curves",
    plot=Plot(
        panels=tuple(
            Panel(
                source=f"D = {D:g}",
                x="rate",
                y="spin_hall_current",
                by="curve",
                title=f"Δτ/ħ = {D:g}",
            )
            for D in SPECTRUM
        ),
        columns=3,
        markers=False,
    ),
    setting=f"hbar = m = E_F = 1; point impurities, E_F tau = {BETTER:g}",
    quick={"frequencies": FREQUENCIES[::10]},
)
def spectrum(
    workers: int, progress: Progress, frequencies: np.ndarray = FREQUENCIES
) -> dict[str, xr.Dataset]:
    """Spin Hall current in an alternating field, kinetic and in closed form."""
    out = {}
    for n, D in enumerate(SPECTRUM):
        model = impure_gas(D, BETTER)
        scaled = frequencies / BETTER
        ds = rashba.solve(
            model,
            ["kinetic", "closed-form"],
            over={"frequency": scaled},
            observables=["spin_hall_current"],
            workers=workers,
        )
        q = ds.spin_hall_current
        parts = xr.concat([q.real, q.imag], xr.Variable("part", ["Re", "Im"]))
        values = parts.transpose("solved_by", "part", "frequency").values.reshape(4, -1)
        names = [f"{part} {m}" for m in ("kinetic", "closed") for part in ("Re", "Im")]
        out[f"D = {D:g}"] = xr.Dataset(
            {
                "spin_hall_current": (
                    ("curve", "rate"),
                    values,
                    {"symbol": "q_{yz}", "units": "e/(8 pi)"},
                )
            },
            {
                "curve": names,
                "rate": ("rate", frequencies, {"symbol": r"\omega\tau", "units": "1"}),
            },
        )
        progress(n + 1, len(SPECTRUM))
    return out


@claim(
    "alternating field",
    "the closed form in 1 - i omega tau, zero at rest",
    below("kinetic less closed form, to first order in 1/E_F tau (e/8 pi)", 10 / BETTER),
    near("at rest (e/8 pi)", 0, ZERO),
    source="analytic",
)
def alternating_field(spectrum: Parts) -> Numbers:
    q = np.stack([ds["spin_hall_current"].values for ds in spectrum.values()])
    return float(np.abs(q[:, :2] - q[:, 2:]).max()), q[:, 0, 0]


@figure(
    "A cubic gas: the sign depends on the range of the impurities",
    plot=Plot(
        panels=(
            Panel(source="map", x="range", y="width", colour="ratio", x_scale="log", y_scale="log"),
        )
    ),
    setting="hbar = m = p_F = 1; winding 3, splitting_power 3, Gaussian impurities; separated bands",
    quick={"widths": WIDTHS[::8], "ranges": RANGES[::8]},
)
def sign_map(
    workers: int, progress: Progress, widths: np.ndarray = WIDTHS, ranges: np.ndarray = RANGES
) -> dict[str, xr.Dataset]:
    """Ratio of the spin Hall current of a cubic gas to its clean value, for separated bands."""
    ratio = np.empty((widths.size, ranges.size))
    for i, width in enumerate(widths):
        for j, length in enumerate(ranges):
            model = RashbaGas(
                mass=1.0,
                fermi_energy=0.5,
                spin_orbit=width / 2,
                winding=3,
                splitting_power=3.0,
                disorder="gaussian",
                disorder_length=float(length),
            )
            state = separated_bands(bands(model), correlator(model))
            ratio[i, j] = complex(state.spin_hall_current / state.spin_hall_interband).real
        progress(i + 1, widths.size)
    return {
        "map": xr.Dataset(
            {
                "ratio": (
                    ("width", "range"),
                    ratio,
                    {"symbol": r"q_{yz}/q_{yz}^\mathrm{clean}", "units": "1"},
                )
            },
            {
                "range": ("range", ranges, {"symbol": "p_F R", "units": "1"}),
                "width": ("width", widths, {"symbol": r"\delta p_F/p_F", "units": "1"}),
            },
        )
    }


@claim(
    "cubic splitting",
    "the sign depends on the range of the impurities",
    near("smallest ratio to the clean value, -8/5 for delta p_F R << 1 << p_F R", -1.6, 0.02),
    near("largest ratio, 2 for delta p_F R >> 1", 2, 0.02),
    source="analytic",
)
def cubic_sign(sign_map: Parts) -> Numbers:
    ratio = sign_map["map"].ratio
    return float(ratio.min()), float(ratio.max())


@figure(
    "Where a spin Hall current survives: curved bands, spin-orbit scattering",
    plot=Plot(
        panels=(
            Panel(source="curved", x="curvature", y="coefficient", title="curved bands"),
            Panel(
                source="extrinsic",
                x="splitting_time",
                y="spin_hall_current",
                by="curve",
                x_scale="log",
                legend=True,
                title="spin-orbit scattering",
            ),
        ),
        columns=2,
    ),
    setting="hbar = m = 1; (a) p_F = 1, point impurities, scattering_rate = 0.01, spin_orbit = 0.01; "
    f"(b) E_F tau = {GOOD:g}, impurity_strength = 0.3, kappa = {', '.join(map(str, SKEWS))}",
)
def survival(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Where the current survives: curved bands, spin-orbit scattering."""
    weak = 0.02
    found = []
    for g in CURVATURES:
        model = RashbaGas(
            mass=1.0,
            fermi_energy=0.5,
            scattering_rate=0.01,
            spin_orbit=weak / 2,
            nonparabolicity=float(g),
        )
        state = next(iter(COLD.solve_many([model])))
        found.append(float(np.real(state.spin_hall_current)) / weak**2)
    progress(1, 2)
    curved = xr.Dataset(
        {"coefficient": ("curvature", found, {"symbol": "C = q_{yz}/(m\\alpha)^2", "units": "1"})},
        {"curvature": ("curvature", CURVATURES, {"symbol": "g", "units": "1"})},
    )
    D = np.geomspace(0.003, 3, 40)
    rows, forms = [], []
    for kappa in SKEWS:
        models = [
            FermiLevelGas(
                mass=1.0,
                fermi_energy=1.0,
                scattering_rate=1 / GOOD,
                spin_orbit=d / GOOD / (2 * FERMI),
                impurity_strength=0.3,
                impurity_spin_orbit=kappa,
            )
            for d in D
        ]
        rows.append([s.spin_current[1, 2] for s in FermiLevelKinetic().solve_many(models)])
        forms.append([extrinsic_spin_hall(fermi_circle(m)) for m in models])
    progress(2, 2)
    extrinsic = xr.Dataset(
        {
            "spin_hall_current": (
                ("curve", "splitting_time"),
                np.array(rows),
                {"symbol": "q_{yz}", "units": "e/(8 pi)"},
            ),
            "closed_form": (("curve", "splitting_time"), np.array(forms)),
        },
        {
            "curve": [f"κ = {kappa:g}" for kappa in SKEWS],
            "splitting_time": (
                "splitting_time",
                D,
                {"symbol": r"\Delta\tau/\hbar", "units": "1"},
            ),
        },
    )
    return {"curved": curved, "extrinsic": extrinsic}


@claim(
    "curved bands",
    "a current of order (m alpha/p_F)^2 that parabolic bands do not have",
    near("q_yz/(m alpha)^2 of parabolic bands (e/8 pi)", 0, 1e-8),
    above("of curved bands", 1e-3),
    source="analytic",
)
def curved_bands(survival: Parts) -> Numbers:
    C = survival["curved"].coefficient.values
    return C[0], C[1:]


@claim(
    "spin-orbit scattering",
    "-[4 kappa x E_F tau + D^2] 2r/(D^2 + 2r + r D^2): Elliott-Yafet relaxation revives the current",
    below("matrix equation less that, over its maximum, kappa <= 0.1", 2 * max(SKEWS) ** 2),
    source="analytic",
)
def extrinsic(survival: Parts) -> Numbers:
    ds = survival["extrinsic"]
    off = abs(ds["spin_hall_current"] - ds["closed_form"]).max("splitting_time")
    return (off / abs(ds["closed_form"]).max("splitting_time")).values
