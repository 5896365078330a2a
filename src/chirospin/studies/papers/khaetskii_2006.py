r"""Nonexistence of intrinsic spin currents.

Units hbar = m = E_F = 1; spin Hall currents in eE/8 pi. The paper has one schematic figure and no
data: the figures here are ours, and every number is computed.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin import rashba
from chirospin.base.figures import Panel, Plot
from chirospin.base.spin import PAULI
from chirospin.rashba import FermiLevelGas, Kinetic, RashbaGas
from chirospin.rashba.model import bands, complex_frequency, correlator
from chirospin.rashba.shells import Shells
from chirospin.studies.contents import Contents, by_command, without_number
from chirospin.studies.expectation import above, below, misprint, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, erratum, figure

Array = NDArray[np.float64]
FERMI = np.sqrt(2.0)  # p_F
GOOD = 30.0  # E_F tau

SPLITTING_TIMES = np.geomspace(0.03, 100, 22)
DISORDER = ("delta", "gaussian", "yukawa", "thomas-fermi", "coulomb")
RANGE = 3.0  # of smooth impurities, in 1/sqrt(m E_F)
MOMENTA, MARGIN = 241, 12.0  # of a profile, and its reach beyond both Fermi momenta in k_B T/v_F
WARM = 0.01  # k_B T/E_F of the profiles, so that the Fermi steps can be drawn

SMOOTH = 30.0  # range of impurities that scatter by small angles only
SMOOTH_TIMES = np.geomspace(1.0, 50, 13)

ZERO = 1e-12
COLD = Kinetic(spread=0)

MOVED = dict.fromkeys(("spectrum", "sign-map", "survival"), "spin_hall_survival")
"""Figures that are studies of their own now."""


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


def _shells(model: RashbaGas) -> Shells:
    return Shells(
        bands=bands(model),
        disorder=correlator(model),
        z=complex_frequency(model),
        prescription="redfield",
    )


def spin_profile(model: RashbaGas, transitions: Literal["all", "intraband"] = "all") -> xr.Dataset:
    r"""Delta s_z at each momentum, and the sources eE s_0/p and eE s_0' of Eq. (14)."""
    shells = _shells(model)
    (inner, outer), reach = shells.fermi, MARGIN * model.thermal_energy / FERMI
    p = np.linspace(inner - reach, outer + reach, MOMENTA)
    found = rashba.solve(
        model.replace(momentum=p.tolist()),
        Kinetic(spread=0, transitions=transitions),
        observables=["spin_z_by_momentum", "distribution_by_band"],
    )
    shift = shells.bands.step or 0.0
    (f, df), (g, dg) = (shells.occupation(p, band) for band in (1, -1))
    turn, push = 0.5 * (f - g) / p, 0.5 * (df - dg)
    splitting = shells.bands.curves(p)[2]
    x = xr.Variable("momentum", p / FERMI, {"symbol": "p/p_F", "units": "1"})
    printed = turn - 0.5 * shift * (df / (2 * p + shift) + dg / (2 * p - shift))
    drift = -2 * p * df / (2 * p + shift) / model.scattering_rate
    columns = {
        "response": (splitting * found.spin_z_by_momentum.values, r"\Delta s_z"),
        "turn": (turn, r"s_0/p"),
        "push": (push, r"s_0'"),
        "sum_14": (turn + push, r"s_0/p + s_0'"),
        "sum_18": (printed, r"\mathrm{Eq.\,(18)}"),
        "upper": (found.distribution_by_band.values[0], "f_{++}"),
        "upper_17": (drift, r"\mathrm{Eq.\,(17)}"),
    }
    return xr.Dataset(
        {
            name: ("momentum", values, {"symbol": symbol, "units": "1"})
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


@figure(
    "Both terms of Eq. (14) before integration; both parts after it",
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
                limits=(-1.3, 2.4),
                legend=True,
                title="sum for all impurities",
                y_label=r"$|q_{yz}|$ (e/(8π))",
            ),
        ),
        columns=2,
        markers=False,
    ),
    quick={"splitting_times": SPLITTING_TIMES[5::5]},
    setting="hbar = m = E_F = 1; (a) Gaussian impurities of range "
    f"{RANGE:g}, Delta tau = 3, E_F tau = 5, k_BT = {4 * WARM}, no interband transitions; (b) points, "
    f"Delta tau = 60, E_F tau = 300, k_BT = {WARM}; (c) Gaussian and (d) all impurities at E_F tau = {GOOD:g}",
)
def cancellation(
    workers: int, progress: Progress, splitting_times: Array = SPLITTING_TIMES
) -> dict[str, xr.Dataset]:
    """Before integration for smooth and point impurities, and after it for all disorders."""
    smooth = spin_profile(
        impure_gas(3.0, 5.0, disorder="gaussian", thermal_energy=4 * WARM), "intraband"
    )
    point = spin_profile(impure_gas(60.0, 300.0, thermal_energy=WARM))
    names = {"turn": "interband", "push": "acceleration", "response": "response"}
    printed = {"response": "response", "sum_18": "Eq. (18)"}
    rows: dict[str, list[Any]] = {"interband": [], "acceleration": [], "sum": []}
    worst = np.zeros((len(DISORDER), splitting_times.size))
    for n, D in enumerate(splitting_times):
        for k, disorder in enumerate(DISORDER):
            state = next(iter(COLD.solve_many([impure_gas(D, disorder=disorder)])))
            worst[k, n] = abs(state.spin_hall_current)
            if disorder == "gaussian":
                rows["interband"].append(state.spin_hall_interband)
                rows["acceleration"].append(state.spin_hall_acceleration)
                rows["sum"].append(state.spin_hall_current)
        progress(n + 1, splitting_times.size)
    x = xr.Variable(
        "splitting_time", splitting_times, {"symbol": r"\Delta\tau/\hbar", "units": "1"}
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


@claim(
    "abstract",
    "no spin Hall current for any disorder and any splitting x time",
    near("largest |q_yz| of five disorders (e/8 pi)", 0, ZERO),
)
def no_spin_hall_current(cancellation: Parts) -> Numbers:
    return cancellation["sums"].remainder.max("splitting_time").values


@claim(
    "after Eq. (14)",
    "-e/8 pi by precession and +e/8 pi by acceleration",
    near("by precession", -1, 1e-11),
    near("by acceleration", 1, 1e-11),
)
def two_halves(cancellation: Parts) -> Numbers:
    after = cancellation["after"].spin_hall_current
    precession, acceleration = (after.sel(curve=c) for c in ("interband", "acceleration"))
    return precession.values, acceleration.values


def _off(profile: xr.Dataset, formula: str) -> float:
    """Largest departure of the response from a formula over its largest value."""
    law = profile[formula]
    return float(np.abs(profile["response"] - law).max() / np.abs(law).max())


@claim(
    "Eq. (14)",
    "Delta s_z/hbar = eE (s_0/p + s_0') before integration, smooth impurities",
    below("response less that at Delta tau/hbar = 3, over its maximum", 1e-9),
)
def smooth_profile(cancellation: Parts) -> Numbers:
    return _off(cancellation["smooth-raw"], "sum_14")


@claim(
    "Eq. (18)",
    "the profile of point impurities for Delta tau >> hbar",
    below("response less that at Delta tau/hbar = 60, over its maximum", 1 / 60**2),
)
def point_profile(cancellation: Parts) -> Numbers:
    return _off(cancellation["point-raw"], "sum_18")


@claim(
    "Eq. (17)",
    "occupation f++ of point impurities for Delta tau >> hbar",
    below("f++ less that at Delta tau/hbar = 60, over its maximum", 1 / 60**2),
)
def point_occupation(cancellation: Parts) -> Numbers:
    raw = cancellation["point-raw"]
    return float(np.abs(raw.upper - raw.upper_17).max() / np.abs(raw.upper_17).max())


@claim(
    "Sec. on point impurities",
    "arbitrary Delta tau, shown for Delta tau >> hbar and Delta = 0",
    near("|q_yz| of points at each Delta tau/hbar (e/8 pi)", 0, ZERO),
)
def any_time(cancellation: Parts) -> Numbers:
    return cancellation["sums"].remainder.sel(disorder="delta").values


@claim(
    "after Eqs. (10), (16)",
    "a_1 = a = -W_0/4 for points",
    near("a/W_0 and a_1/W_0", -0.25, 1e-12),
)
def kernel_constants() -> Numbers:
    angle = 2 * np.pi * (np.arange(400) + 0.5) / 400
    return [
        -0.5 * np.mean(np.sin(angle) ** 2),
        0.5 * np.mean((1 - np.cos(angle)) * np.cos(angle)),
    ]


@claim(
    "Eq. (12)",
    "symmetries of the kernel in the Born approximation",
    near("K++++ - K----, K++-+ - K-+++, K+-++ + K-+++ over the largest K", 0, 1e-15),
)
def kernel_symmetries() -> Numbers:
    half = np.pi * (np.arange(64) + 0.5) / 64
    turn = np.array([[np.cos(half), -1j * np.sin(half)], [-1j * np.sin(half), np.cos(half)]])
    kernel = np.einsum("acx,bdx->abcdx", turn, turn.conj())  # K^{ab}_{cd}, Eq. (6) without |U|^2
    plus, minus = 0, 1
    return [
        np.abs(kernel[plus, plus, plus, plus] - kernel[minus, minus, minus, minus]).max(),
        np.abs(kernel[plus, plus, minus, plus] - kernel[minus, plus, plus, plus]).max(),
        np.abs(kernel[plus, minus, plus, plus] + kernel[minus, plus, plus, plus]).max(),
    ]


@claim(
    "Eqs. (16), (17)",
    "diagonal distributions of point impurities",
    near("p+ f++(p) over p f--(p+)", 1, 1e-12),
    near("f++(p) over (17)", 1, 1e-12),
)
def point_distribution() -> Numbers:
    p, shift, a = 1.1, 0.3, -0.25
    p_plus, push, velocity = p + shift, 0.7, p + shift / 2  # E+(p) = E-(p+), V+(p) = V-(p+)
    matrix = 2 * a / velocity * np.array([[p + 2 * p_plus, p_plus], [p, p_plus + 2 * p]])
    upper, lower = np.linalg.solve(matrix, [push, push])
    printed = push * p * velocity / (2 * a * (p + p_plus) ** 2)
    return p_plus * upper / (p * lower), upper / printed


@figure(
    "In-plane spin of smooth impurities: Eqs. (8)-(14) drop interband transitions",
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
    setting=f"hbar = m = E_F = 1; Gaussian impurities of range {SMOOTH:g}, E_F tau = 5000",
)
def errata(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
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


@erratum(
    "Eqs. (8)-(14)",
    "any Delta tau in (8)-(14)",
    "without interband transitions the in-plane spin is 3/2 of Edelstein's for Delta tau >> hbar",
    near("intraband over Edelstein's at Delta tau/hbar = 50, less 3/2 - 5/50^2", 0, 4e-3),
)
def small_angles() -> Numbers:
    model = impure_gas(50.0, 5e4, disorder="gaussian", disorder_length=100.0)
    intraband = Kinetic(spread=0, transitions="intraband").solve(model)
    return float(-intraband.spin / _shells(model).spin_scale) - (1.5 - 5 / 50**2)


@erratum(
    "Eq. (2)",
    "d^2p/(2 pi)^2",
    "the measure is d^2p/(2 pi hbar)^2",
    near("precession with (2 pi hbar)^2 for hbar = 2 (e/8 pi)", -1, 1e-9),
    misprint("with (2 pi)^2", -1, by=1),
)
def measure() -> Numbers:
    hbar = 2.0
    p = np.linspace(1.0, 1.1, 2001)  # between the Fermi momenta, m = 1, m alpha = 0.1
    s_z = -0.5 * hbar / (0.1 * p) / p
    flow = float(np.trapezoid(p * p * s_z, p)) * hbar * 2
    return flow / hbar**2, flow


@erratum(
    "after Eq. (1)",
    "S_z = -(f_+- + f_-+)/2, that is <+|sigma_z|-> = -1",
    "the printed spinors have <+|sigma_z|-> = +1; Eqs. (4), (13) need chi_+ -> -chi_+",
    misprint("<+|sigma_z|-> of the printed spinors", -1, by=1),
    near("with chi_+ -> -chi_+", -1, 1e-12),
)
def spinors() -> Numbers:
    half = np.sqrt(0.5)
    d = np.array([[half, half], [-half, half]])  # Landau-Lifshitz, angle pi/2
    phases = np.exp(-0.5j * np.array([1, -1]) * (0.3 - np.pi / 2))
    plus, minus = phases * d[:, 0], phases * d[:, 1]
    element = complex(np.vdot(plus, np.array([1, -1]) * minus)).real
    return element, -element


@erratum(
    "abstract",
    "the spin current is finite beyond the Born approximation",
    "scalar impurities give q_yz = 0 to all orders, 2 m alpha q = i[H, sigma_y]; a finite value needs "
    "spin-dependent ones, curved bands or nonlinear splitting",
    below("i[H, sigma_y] less 2 m alpha q for a strong random potential", 1e-12),
    near("q_yz of points with pi N_0 u = 0.3, 1, 10 by their T-matrix (e/8 pi)", 0, ZERO),
    above("|q_yz| at 1 with a spin-orbit part of a tenth", 0.01),
)
def beyond_born() -> Numbers:
    strong = FermiLevelGas(impurity_density=1e-3, impurity_strength=1.0)
    points = [
        rashba.solve(model).spin_current_response.sel(flow="y", spin="z").item()
        for model in (
            *(strong.replace(impurity_strength=x) for x in (0.3, 1.0, 10.0)),
            strong.replace(impurity_spin_orbit=0.1),
        )
    ]
    rng = np.random.default_rng(7)
    side, alpha = 5, 0.4
    p = np.array([(i, j) for i in range(-side, side + 1) for j in range(-side, side + 1)], float)
    random = rng.normal(size=(len(p), len(p))) + 1j * rng.normal(size=(len(p), len(p)))
    x, y, z = PAULI
    H = np.kron(np.diag((p**2).sum(axis=1) / 2) + random + random.conj().T, np.eye(2))
    H = H + alpha / 2 * (np.kron(np.diag(p[:, 0]), y) - np.kron(np.diag(p[:, 1]), x))
    turn = np.kron(np.eye(len(p)), y)
    flow = np.kron(np.diag(p[:, 1]), z) / 2
    missed = float(np.abs(1j * (H @ turn - turn @ H) - 2 * alpha * flow).max())
    return missed, points[:3], abs(points[3])


CONTENTS = Contents(
    equations=("1-18",),
    figures=("1",),
    tables=(),
)

ROWS = (
    without_number("Eq. (1)", "Hamiltonian and bands", "the model itself; spin_orbit is alpha/2"),
    by_command("Eqs. (3), (4)", "kinetic equation in linear response", "solve rashba"),
    by_command(
        "Eqs. (8)-(11)",
        "distributions of smooth impurities, without transitions between the bands",
        "solve rashba --observables distribution_by_band,spin_z_by_momentum,spin_across_by_momentum "
        "--set thermal_energy=0.002 --set disorder=gaussian --set scattering_rate=0.5 "
        "--option transitions=intraband",
    ),
    by_command(
        "Eq. (13)",
        "s_z as the part f+- + f-+ of the distribution",
        "solve rashba --observables spin_z_by_momentum --set thermal_energy=0.002",
    ),
    by_command(
        "Sec. on point impurities",
        "N_0 and the density of carriers",
        "solve rashba --observables carrier_density",
    ),
    by_command(
        "Eqs. (5), (6)",
        "Born collision term with its kernel, any potential",
        "solve rashba --set disorder=gaussian --set scattering_rate=0.005",
    ),
    without_number(
        "Eq. (7)", "Born amplitude and its symmetry", "definition; (12) follows from it"
    ),
    without_number(
        "Eq. (15)", "equation of s_z for points, X_p and Y_p", "step; (18) follows from it"
    ),
    by_command(
        "after Eq. (18)",
        "no spin and no spin current for Delta = 0",
        "solve rashba --set spin_orbit=0",
    ),
    by_command(
        "Sec. on point impurities",
        "strong point impurities, to all orders in their strength",
        "solve rashba.fermi_level --set impurity_density=0.001 --set impurity_strength=1",
    ),
    without_number("Fig. 1", "bands with p, p+, p-", "a drawing without numbers"),
    by_command(
        "Sec. on point impurities",
        "(f+- - f-+)/(f+- + f-+) is about hbar/(Delta tau), here 0.034: spin along p against along z, 0.025 "
        "at the middle momentum",
        "solve rashba --observables spin_across_by_momentum,spin_z_by_momentum "
        "--set thermal_energy=0.002 --set scattering_rate=0.0005 --set momentum=[0.346,0.363,0.376]",
    ),
    by_command(
        "below Eq. (11)",
        "rate -2ap/V of each band, from a = -(1/2) int W sin^2; d = a, c = -ia, b = ia",
        "solve rashba --observables intraband_rate --set disorder=gaussian --set momentum=[0.346,0.363,0.376]",
    ),
)
