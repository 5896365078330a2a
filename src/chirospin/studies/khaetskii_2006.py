r"""Khaetskii 2006: no intrinsic spin Hall current in a Rashba gas with impurities.

Units hbar = m = E_F = 1; spin Hall currents in eE/8 pi. The paper has one schematic figure and no
data: the figures here are ours, and every number is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin import rashba
from chirospin.base.figures import Panel, Plot
from chirospin.rashba import FermiLevelGas, Kinetic, Matrix, RashbaGas
from chirospin.rashba.closed_form import separated_bands
from chirospin.rashba.fermi_level import extrinsic_spin_hall, fermi_circle
from chirospin.rashba.model import bands, complex_frequency, correlator
from chirospin.rashba.shells import Shells
from chirospin.studies.registry import Data, Figure, Finding, Progress, Study, claim

Array = NDArray[np.float64]
FERMI = np.sqrt(2.0)  # p_F
GOOD = 30.0  # E_F tau
BETTER = 2000.0  # of the spectrum, whose closed form is of first order in its inverse
SPLITTING_TIMES = np.geomspace(0.03, 100, 22)
DISORDER = ("delta", "gaussian", "yukawa", "thomas-fermi", "coulomb")
RANGE = 3.0  # of smooth impurities, in 1/sqrt(m E_F)
WARM = 0.01  # k_B T/E_F of the profiles, so that the Fermi steps can be drawn
SPECTRUM = (0.5, 2.0, 10.0)
FREQUENCIES = np.linspace(0.0, 12.0, 121)  # over 1/tau
RANGES = np.geomspace(3, 3000, 25)  # of impurities, over 1/p_F
WIDTHS = np.geomspace(1e-3, 0.1, 17)  # delta p_F/p_F
CURVATURES = np.linspace(0.0, 0.4, 9)
SMOOTH = 30.0  # range of impurities that scatter by small angles only
SMOOTH_TIMES = np.geomspace(1.0, 50, 13)
SKEWS = (0.02, 0.05, 0.1)
ROUNDING = 1e-16  # floor of a logarithmic axis
ZERO = 1e-12
QUICK = Kinetic(spread=0)


def impure_gas(splitting_time: float, good: float = GOOD, **changes: Any) -> RashbaGas:
    """A gas with given splitting x transport time and E_F x transport time."""
    model = RashbaGas(
        **{"mass": 1.0, "fermi_energy": 1.0, "scattering_rate": 1.0, "disorder_length": RANGE}
        | {"screening": 1 / RANGE}
        | changes
    )
    (d,) = correlator(model).transport(np.array([FERMI]), (1,))
    slope = 2 * FERMI**model.splitting_power
    return model.replace(
        scattering_rate=1 / good / float(d[0]), spin_orbit=splitting_time / good / slope
    )


def _shells(model: RashbaGas, interband: bool = True) -> Shells:
    return Shells(
        bands=bands(model),
        disorder=correlator(model),
        z=complex_frequency(model),
        prescription="redfield",
        interband=interband,
    )


def spin_profile(model: RashbaGas, interband: bool = True, places: int = 80) -> xr.Dataset:
    r"""Delta s_z at each momentum, and the sources eE s_0/p and eE s_0' of Eq. (14)."""
    here = _shells(model, interband)
    inner, outer = here.fermi
    chain = here.chain(np.linspace(inner, outer, places, endpoint=False), 60, 60)
    p, shift = chain.p, here.bands.step or 0.0
    (f, df), (g, dg) = (here.occupation(p, band) for band in (1, -1))
    turn, push = 0.5 * (f - g) / p, 0.5 * (df - dg)
    zero = 0 * p
    source = np.stack([0.5 * (df + dg), push, turn, zero], axis=-1)[..., None]
    s_z = here.operator(chain).transposed.solve(source)[:, :, 3, 0]
    splitting = here.bands.curves(p)[2]
    weight = (f * (1 - f) + g * (1 - g) + np.abs(f - g)) > 1e-10
    keep = (chain.side > 0) & weight & (np.abs(np.arange(p.shape[1]) - 60) < 40)
    order = np.argsort(p[keep])
    x = xr.Variable("momentum", p[keep][order] / FERMI, {"symbol": "p/p_F", "units": "1"})
    printed = turn - 0.5 * shift * (df / (2 * p + shift) + dg / (2 * p - shift))
    columns = {
        "response": (splitting * s_z, r"\Delta s_z"),
        "turn": (turn, r"s_0/p"),
        "push": (push, r"s_0'"),
        "sum_14": (turn + push, r"s_0/p + s_0'"),
        "sum_18": (printed, r"\mathrm{Eq.\,(18)}"),
    }
    return xr.Dataset(
        {
            name: ("momentum", values[keep][order], {"symbol": symbol, "units": "1"})
            for name, (values, symbol) in columns.items()
        },
        {"momentum": x},
    )


def _stacked(ds: xr.Dataset, names: dict[str, str], symbol: str) -> xr.Dataset:
    values = np.stack([ds[name].values for name in names])
    attrs = {"symbol": symbol, "units": "1"}
    return xr.Dataset(
        {"profile": (("curve", "momentum"), values, attrs)},
        {"curve": list(names.values()), "momentum": ds["momentum"]},
    )


def cancellation_figure(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Before integration for smooth and point impurities, and after it for all disorders."""
    smooth = spin_profile(
        impure_gas(3.0, 5.0, disorder="gaussian", thermal_energy=4 * WARM), interband=False
    )
    point = spin_profile(impure_gas(60.0, 300.0, thermal_energy=WARM))
    names = {"turn": "interband", "push": "acceleration", "response": "response"}
    printed = {"response": "response", "sum_18": "Eq. (18)"}
    rows: dict[str, list[Any]] = {"interband": [], "acceleration": [], "sum": []}
    worst = np.zeros((len(DISORDER), SPLITTING_TIMES.size))
    for n, D in enumerate(SPLITTING_TIMES):
        for k, disorder in enumerate(DISORDER):
            state = next(iter(QUICK.solve_many([impure_gas(D, disorder=disorder)])))
            worst[k, n] = max(abs(state.spin_hall_current), ROUNDING)
            if disorder == "gaussian":
                rows["interband"].append(state.spin_hall_interband)
                rows["acceleration"].append(state.spin_hall_acceleration)
                rows["sum"].append(state.spin_hall_current)
        progress(n + 1, SPLITTING_TIMES.size)
    x = xr.Variable(
        "splitting_time", SPLITTING_TIMES, {"symbol": r"\Delta\tau/\hbar", "units": "1"}
    )
    after = xr.Dataset(
        {
            "spin_hall_current": (
                ("curve", "splitting_time"),
                np.array(list(rows.values())),
                {"symbol": "q_{yz}", "units": "e/(8 pi)"},
            )
        },
        {"curve": list(rows), "splitting_time": x},
    )
    sums = xr.Dataset(
        {"remainder": (("disorder", "splitting_time"), worst, {"units": "e/(8 pi)"})},
        {"disorder": list(DISORDER), "splitting_time": x},
    )
    return {
        "smooth": _stacked(smooth, names, r"\mathrm{terms\;of\;(14)}"),
        "point": _stacked(point, printed, r"\Delta s_z"),
        "after": after,
        "sums": sums,
        "smooth-raw": smooth,
        "point-raw": point,
    }


def spectrum_figure(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Spin Hall current in an alternating field, kinetic and in closed form."""
    out = {}
    for n, D in enumerate(SPECTRUM):
        model = impure_gas(D, BETTER)
        scaled = FREQUENCIES / BETTER
        ds = rashba.solve(
            model,
            ["kinetic", "closed-form"],
            over={"frequency": scaled},
            observables=["spin_hall_current"],
            workers=workers,
        )
        q = ds.spin_hall_current
        parts = xr.concat([q.real, q.imag], xr.Variable("part", ["Re", "Im"]))
        values = parts.transpose("method", "part", "frequency").values.reshape(4, -1)
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
                "rate": ("rate", FREQUENCIES, {"symbol": r"\omega\tau", "units": "1"}),
            },
        )
        progress(n + 1, len(SPECTRUM))
    return out


def sign_map_figure(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Ratio of the spin Hall current of a cubic gas to its clean value, for separated bands."""
    ratio = np.empty((WIDTHS.size, RANGES.size))
    for i, width in enumerate(WIDTHS):
        for j, length in enumerate(RANGES):
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
        progress(i + 1, WIDTHS.size)
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
                "range": ("range", RANGES, {"symbol": "p_F R", "units": "1"}),
                "width": ("width", WIDTHS, {"symbol": r"\delta p_F/p_F", "units": "1"}),
            },
        )
    }


def survival_figure(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
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
        state = next(iter(QUICK.solve_many([model])))
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
        rows.append([s.spin_current[1, 2] for s in Matrix().solve_many(models)])
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


def errata_figure(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """In-plane spin of smooth impurities over Edelstein's, with and without interband transitions."""
    rows: dict[str, list[float]] = {"all transitions": [], "Eqs. (8)-(14), intraband": []}
    for n, D in enumerate(SMOOTH_TIMES):
        model = impure_gas(float(D), 5e3, disorder="gaussian", disorder_length=SMOOTH)
        for name, kind in zip(rows, ("all", "intraband"), strict=True):
            state = Kinetic(spread=0, transitions=kind).solve(model)
            rows[name].append(-float(np.real(state.spin)) / _shells(model).spin_scale)
        progress(n + 1, SMOOTH_TIMES.size)
    rows["3/2 - 5/D^2"] = list(np.where(SMOOTH_TIMES > 4, 1.5 - 5 / SMOOTH_TIMES**2, np.nan))
    x = xr.Variable("splitting_time", SMOOTH_TIMES, {"symbol": r"\Delta\tau/\hbar", "units": "1"})
    attrs = {"symbol": r"\langle s_y\rangle/(N_0\alpha eE\tau)", "units": "1"}
    values = (("curve", "splitting_time"), np.array(list(rows.values())), attrs)
    return {
        "spin": xr.Dataset({"ratio": values}, {"curve": list(rows), "splitting_time": x}),
    }


FIGURES = (
    Figure(
        name="cancellation",
        caption="Both terms of Eq. (14) before integration; both parts after it",
        compute=cancellation_figure,
        setting="hbar = m = E_F = 1; (a) Gaussian impurities of range "
        f"{RANGE:g}, Delta tau = 3, E_F tau = 5, k_BT = {4 * WARM}, no interband transitions; (b) points, "
        f"Delta tau = 60, E_F tau = 300, k_BT = {WARM}; (c) Gaussian and (d) all impurities at E_F tau = {GOOD:g}",
        plot=Plot(
            panels=(
                Panel(
                    source="smooth",
                    x="momentum",
                    y="profile",
                    by="curve",
                    legend=True,
                    title="smooth, (14)",
                ),
                Panel(
                    source="point",
                    x="momentum",
                    y="profile",
                    by="curve",
                    legend=True,
                    title="points, (18)",
                ),
                Panel(
                    source="after",
                    x="splitting_time",
                    y="spin_hall_current",
                    by="curve",
                    x_scale="log",
                    limits=(-1.3, 2.4),
                    legend=True,
                    title="after integration",
                ),
                Panel(
                    source="sums",
                    x="splitting_time",
                    y="remainder",
                    by="disorder",
                    x_scale="log",
                    y_scale="log",
                    limits=(1e-17, 1e-11),
                    legend=True,
                    title="|sum|",
                    y_label="|q| (e/(8 pi))",
                ),
            ),
            columns=2,
            markers=False,
        ),
    ),
    Figure(
        name="spectrum",
        caption="Spin Hall current in an alternating field; closed forms on the kinetic curves",
        compute=spectrum_figure,
        setting=f"hbar = m = E_F = 1; point impurities, E_F tau = {BETTER:g}",
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
    ),
    Figure(
        name="sign-map",
        caption="A cubic gas: the sign depends on the range of the impurities",
        compute=sign_map_figure,
        setting="hbar = m = p_F = 1; winding 3, splitting_power 3, Gaussian impurities; separated bands",
        plot=Plot(
            panels=(
                Panel(
                    source="map", x="range", y="width", colour="ratio", x_scale="log", y_scale="log"
                ),
            )
        ),
    ),
    Figure(
        name="survival",
        caption="Where a spin Hall current survives: curved bands, spin-orbit scattering",
        compute=survival_figure,
        setting="hbar = m = 1; (a) p_F = 1, point impurities, scattering_rate = 0.01, spin_orbit = 0.01; "
        f"(b) E_F tau = {GOOD:g}, impurity_strength = 0.3, kappa = {', '.join(map(str, SKEWS))}",
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
    ),
    Figure(
        name="errata",
        caption="In-plane spin of smooth impurities: Eqs. (8)-(14) drop interband transitions",
        compute=errata_figure,
        setting=f"hbar = m = E_F = 1; Gaussian impurities of range {SMOOTH:g}, E_F tau = 5000",
        plot=Plot(
            panels=(
                Panel(
                    source="spin",
                    x="splitting_time",
                    y="ratio",
                    by="curve",
                    x_scale="log",
                    legend=True,
                ),
            ),
            markers=False,
        ),
    ),
)


def _vanishes(data: Data) -> Finding:
    worst = float(data["cancellation"]["sums"]["remainder"].max())
    return Finding(
        published="0",
        ours=f"at most {worst:.1e} for five disorders at any splitting x time (tolerance {ZERO:g})",
        compared=(0.0, worst),
        holds=worst < ZERO,
    )


def _universal(data: Data) -> Finding:
    after = data["cancellation"]["after"]["spin_hall_current"]
    turn, push = (after.sel({"curve": c}) for c in ("interband", "acceleration"))
    worst = float(max(np.abs(turn.values + 1).max(), np.abs(push.values - 1).max()))
    return Finding(
        published="-1 and +1",
        ours=f"the same within {worst:.1e}",
        compared=(0.0, worst),
        holds=worst < 1e-11,
    )


def _largest(ds: xr.Dataset, one: str, other: str) -> float:
    size = float(np.abs(ds[other]).max())
    return float(np.abs(ds[one] - ds[other]).max()) / size


def _smooth_profile(data: Data) -> Finding:
    worst = _largest(data["cancellation"]["smooth-raw"], "response", "sum_14")
    return Finding(
        published="Δ s_z/ħ = eE (s_0/p + s_0')",
        ours=f"the same within {worst:.1e} at every momentum, Δτ/ħ = 3",
        compared=(0.0, worst),
        holds=worst < 1e-9,
    )


def _point_profile(data: Data) -> Finding:
    worst = _largest(data["cancellation"]["point-raw"], "response", "sum_18")
    return Finding(
        published="Eq. (18)",
        ours=f"the same within {worst:.1e} at Δτ/ħ = 60",
        compared=(0.0, worst),
        holds=worst < 5e-3,
    )


def _point_order(data: Data) -> Finding:
    found = [
        _largest(spin_profile(impure_gas(D, 10 * D, thermal_energy=0.05)), "response", "sum_18")
        for D in (30.0, 60.0)
    ]
    ratio = found[0] / found[1]
    return Finding(
        published="up to higher orders of ħ/Δτ",
        ours=f"the difference falls by {ratio:.2f} when Δτ/ħ doubles (4 within 15 %)",
        holds=abs(ratio - 4) < 0.6,
    )


def _kernel(data: Data) -> Finding:
    """K^{MM'} from the spinors' overlaps and W = w/2m, averaged over the angle with sin and cos."""
    theta = 2 * np.pi * (np.arange(400) + 0.5) / 400
    w = np.exp(-4 * np.sin(theta / 2) ** 2)
    a = -0.25 * np.mean(w * np.sin(theta) ** 2)
    point = -0.25 * np.mean(np.sin(theta) ** 2)
    good = abs(point + 1 / 8) < 1e-14 and a < 0
    return Finding(
        published="a_1 = -W_0/4 = a for point impurities",
        ours=f"a/W_0 = {2 * point:.4f} for W = w/2m",
        compared=(-0.25, 2 * point),
        holds=good,
    )


def _edelstein(data: Data) -> Finding:
    model = impure_gas(1.0, 100.0)
    state = QUICK.solve(model)
    ratio = -state.spin / (model.mass * abs(model.spin_orbit) / (2 * np.pi * model.scattering_rate))
    return Finding(
        published="-N_0 α eEτ",
        ours=f"{ratio:.9f} of it at E_Fτ = 100",
        compared=(1.0, ratio),
        holds=abs(ratio - 1) < 1e-8,
    )


def _spectrum(data: Data) -> Finding:
    worst = 0.0
    for ds in data["spectrum"].values():
        q = ds["spin_hall_current"].values
        worst = max(worst, float(np.abs(q[:2] - q[2:]).max()))
    at_rest = max(abs(float(ds["spin_hall_current"][0, 0])) for ds in data["spectrum"].values())
    return Finding(
        published="closed form in λ = 1 - iωτ",
        ours=f"kinetic within {worst:.1e}; {at_rest:.0e} at rest",
        compared=(0.0, worst),
        holds=worst < 0.02 and at_rest < ZERO,
    )


def _sign(data: Data) -> Finding:
    ratio = data["sign-map"]["map"]["ratio"]
    low, high = float(ratio.min()), float(ratio.max())
    return Finding(
        published="-8/5 and +2 of the clean value (derived)",
        ours=f"from {low:.3f} (δp_F R << 1 << p_F R) to {high:.3f} (δp_F R >> 1)",
        compared=(-1.6, low),
        holds=abs(low + 1.6) < 0.02 and abs(high - 2) < 0.02,
    )


def _curved(data: Data) -> Finding:
    C: Any = data["survival"]["curved"]["coefficient"].values
    return Finding(
        published="0 for parabolic bands",
        ours=f"C = {C[0]:.1e} at g = 0, up to {float(C.max()):.3f} for curved bands",
        compared=(0.0, float(C[0])),
        holds=abs(C[0]) < 1e-8 and float(C.max()) > 0.02,
    )


def _extrinsic(data: Data) -> Finding:
    ds = data["survival"]["extrinsic"]
    off = np.abs((ds["spin_hall_current"] - ds["closed_form"]).values).max(axis=1)
    worst = float((off / np.abs(ds["closed_form"].values).max(axis=1)).max())
    return Finding(
        published="-[4κxE_Fτ + D²] 2r/(D² + 2r + rD²)",
        ours=f"matrix equation within {worst:.1e} for κ <= {max(SKEWS):g}",
        compared=(0.0, worst),
        holds=worst < 0.02,
    )


def _measure(data: Data) -> Finding:
    values = []
    for hbar in (1.0, 2.0):
        p = np.linspace(1.0, 1.1, 2001)  # between the Fermi momenta, m = 1, m alpha = 0.1
        s_z = -0.5 * hbar / (0.1 * p) / p
        flow = float(np.trapezoid(p * p * s_z, p)) * hbar / (4 * np.pi)
        values.append([flow / hbar**2 * 8 * np.pi, flow * 8 * np.pi])
    right, printed = values[1]
    return Finding(
        published="d²p/(2π)² in Eq. (2)",
        ours=f"first term {right:.3f} with (2πħ)², {printed:.3f} with (2π)² for ħ = 2",
        compared=(printed, right),
        holds=abs(right + 1) < 1e-9 and abs(printed + 4) < 1e-9,
    )


def _spinors(data: Data) -> Finding:
    half = np.sqrt(0.5)
    d = np.array([[half, half], [-half, half]])  # Landau-Lifshitz, angle pi/2
    phases = np.exp(-0.5j * np.array([1, -1]) * (0.3 - np.pi / 2))
    plus, minus = phases * d[:, 0], phases * d[:, 1]
    sigma = complex(np.vdot(plus, np.array([1, -1]) * minus)).real
    flipped = complex(np.vdot(-plus, np.array([1, -1]) * minus)).real
    return Finding(
        published="S_z = -(f_+- + f_-+)/2, that is <+|σ_z|-> = -1",
        ours=f"<+|σ_z|-> = {sigma:+.0f} for the printed spinors, {flipped:+.0f} with χ_+ -> -χ_+",
        compared=(-1.0, sigma),
        holds=abs(sigma - 1) < 1e-12 and abs(flipped + 1) < 1e-12,
    )


def _all_orders(data: Data) -> Finding:
    """i[H, sigma_y] = 2 m alpha q on every matrix element, for a strong random potential."""
    rng = np.random.default_rng(7)
    side, alpha = 5, 0.4
    p = np.array([(i, j) for i in range(-side, side + 1) for j in range(-side, side + 1)], float)
    random = rng.normal(size=(len(p), len(p))) + 1j * rng.normal(size=(len(p), len(p)))
    x, y, z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
    one = np.eye(2)
    H = np.kron(np.diag((p**2).sum(axis=1) / 2), one) + np.kron(random + random.conj().T, one)
    H = H + alpha / 2 * (np.kron(np.diag(p[:, 0]), y) - np.kron(np.diag(p[:, 1]), x))
    turn = np.kron(np.eye(len(p)), y)
    flow = np.kron(np.diag(p[:, 1]), z) / 2
    worst = float(np.abs(1j * (H @ turn - turn @ H) - 2 * alpha * flow).max())
    return Finding(
        published="finite beyond the Born approximation",
        ours=f"2mα q = i[H, σ_y] within {worst:.0e} for any strong scalar potential, so 0 at rest",
        holds=worst < 1e-12,
    )


def _any_time(data: Data) -> Finding:
    sums = data["cancellation"]["sums"]["remainder"].sel({"disorder": "delta"})
    return Finding(
        published="arbitrary Δτ claimed for point impurities, shown for Δτ >> ħ and Δ = 0",
        ours=f"at most {float(sums.max()):.0e} from Δτ/ħ = {SPLITTING_TIMES[0]:.2g} to 100",
        compared=(0.0, float(sums.max())),
        holds=float(sums.max()) < ZERO,
    )


def _edelstein_factor(data: Data) -> Finding:
    model = impure_gas(50.0, 5e4, disorder="gaussian", disorder_length=100.0)
    intraband = Kinetic(spread=0, transitions="intraband").solve(model)
    ratio = -intraband.spin / _shells(model).spin_scale
    return Finding(
        published="any Δτ in (8)-(14)",
        ours=f"Edelstein ratio {ratio:.4f} for small angles; 3/2 - 5/(Δτ)² = {1.5 - 5 / 2500:.4f}",
        holds=abs(ratio - 1.498) < 4e-3,
    )


CLAIMS: Sequence[Any] = (
    claim(
        "no-spin-hall-current",
        "abstract",
        "q_yz = 0 for any disorder and any splitting x time",
        ["cancellation"],
        _vanishes,
    ),
    claim(
        "two-halves",
        "after Eq. (14)",
        "-e/8π by precession and +e/8π by acceleration",
        ["cancellation"],
        _universal,
    ),
    claim(
        "smooth-profile",
        "Eq. (14)",
        "before integration, smooth impurities",
        ["cancellation"],
        _smooth_profile,
    ),
    claim(
        "point-profile",
        "Eq. (18)",
        "before integration, point impurities at Δτ >> ħ",
        ["cancellation"],
        _point_profile,
    ),
    claim(
        "point-order",
        "Eqs. (17), (18)",
        "corrections are of order (ħ/Δτ)²",
        [],
        _point_order,
        source="analytic",
    ),
    claim(
        "kernel-constants",
        "after Eqs. (10), (16)",
        "a < 0; a_1 = a = -W_0/4 for points",
        [],
        _kernel,
    ),
    claim("edelstein", "closed form", "in-plane spin -N_0αeEτ", [], _edelstein, source="analytic"),
    claim(
        "spectrum",
        "closed form",
        "alternating field: zero at rest, resonance at Δ",
        ["spectrum"],
        _spectrum,
        source="analytic",
    ),
    claim(
        "any-time",
        "Sec. on point impurities",
        "holds between the limits that are shown",
        ["cancellation"],
        _any_time,
    ),
    claim(
        "cubic-sign",
        "extension",
        "a cubic gas has a current whose sign depends on the impurities' range",
        ["sign-map"],
        _sign,
        source="analytic",
    ),
    claim(
        "curved-bands",
        "extension",
        "curved bands have a current of order (mα/p_F)²",
        ["survival"],
        _curved,
        source="analytic",
    ),
    claim(
        "extrinsic",
        "extension",
        "spin-orbit scattering revives the current by Elliott-Yafet relaxation",
        ["survival"],
        _extrinsic,
        source="analytic",
    ),
    claim(
        "measure",
        "Eq. (2)",
        "the measure is d²p/(2πħ)²",
        [],
        _measure,
        kind="erratum",
        source="analytic",
    ),
    claim(
        "spinors",
        "after Eq. (1)",
        "the printed spinors have <+|σ_z|-> = +1; Eqs. (4), (13) need χ_+ -> -χ_+",
        [],
        _spinors,
        kind="erratum",
        source="analytic",
    ),
    claim(
        "beyond-born",
        "abstract",
        "scalar impurities give q_yz = 0 to all orders; a finite value needs spin-dependent ones, curved bands or nonlinear splitting",
        [],
        _all_orders,
        kind="erratum",
        source="analytic",
    ),
    claim(
        "small-angles",
        "Eqs. (8)-(14)",
        "without interband transitions the in-plane spin is 3/2 of Edelstein's at Δτ >> ħ",
        [],
        _edelstein_factor,
        kind="erratum",
        source="analytic",
    ),
)

STUDY = Study(
    key="khaetskii_2006",
    title="Nonexistence of intrinsic spin currents",
    figures=FIGURES,
    claims=tuple(CLAIMS),
)
