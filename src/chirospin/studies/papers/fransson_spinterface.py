"""Spin moments at the interface of a chiral molecule and a metal (spinterface).

Does a strong spin-orbit coupling let a molecule make a stable local moment?

The paper has no figure and no table. The figures here are ours; the checks rest on its equations, limits
and quoted magnitudes. Gold: m_e, Fermi energy 5.53 eV, alpha = 0.033 eV nm (a surface value from the
literature, not from the paper).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.constants import Boltzmann, electron_volt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import spherical_jn, spherical_yn

from chirospin import spinterface
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.base.fermi import fermi
from chirospin.base.figures import Panel, Plot
from chirospin.spinterface import (
    Contact,
    Gas,
    LesserOnly,
    Map,
    MatrixExponential,
    Metal,
    Pair,
    Quench,
    Spectral,
    WholeGas,
)
from chirospin.spinterface.algebra import matrix, spin_parts
from chirospin.spinterface.contact import emission_of
from chirospin.spinterface.green import components
from chirospin.spinterface.model import ROOM
from chirospin.spinterface.pair import generator, motion_of
from chirospin.studies.contents import Contents, by_command, without_number
from chirospin.studies.expectation import above, below, misprint, near, order
from chirospin.studies.registry import Claim, Numbers, Parts, Progress, claim, erratum, figure

Real = NDArray[np.float64]

GOLD = Metal(N0=13.1234, alpha=0.033, fermi=5.53, d=3)
STRONG = Metal(N0=13.1234, alpha=0.3, fermi=5.53, d=3)
REFERENCE = {
    "level": -0.1,
    "level_splitting": [0.0, 0.0, 0.05],
    "hybridisation": 0.05,
    "lead_coupling": 0.1,
    "direction": [1.0, 0.0, 0.0],
}
QUIET = {**REFERENCE, "level_splitting": [0.0, 0.0, 0.0]}
BIAS = 0.2
RANGES = np.geomspace(0.5, 100.0, 60)
SHIFTS = 8  # places within a period of the oscillation
COUPLINGS = np.linspace(0.0, 0.12, 25)
PRESENT = np.linspace(0.3, 8.0, 155)
MAP_LINE = np.linspace(-6.0, 6.0, 101)  # two points in a period of the density


def _named(values: Any, name: str, unit: str, symbol: str) -> xr.Variable:
    return xr.Variable(name, np.asarray(values), {"units": unit, "symbol": symbol})


def _words(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in parameters.items())


@figure(
    "Driven spin, times r^2, 0.4 nm beside a molecule polarised along z (a, b) and not (c, d)",
    plot=Plot(
        columns=2,
        panels=tuple(
            Panel(source=source, x="x", y="z", colour=f"spin_{c}", title=source)
            for source in ("polarised", "unpolarised")
            for c in ("x", "z")
        ),
    ),
    setting=f"{_words(REFERENCE)}; gold with spin_orbit = 0.1 eV nm, lead_potential = {BIAS} eV, y = 0.4 nm; negf",
)
def map_(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Spin around a driven, spin-polarised molecule in a plane through its axis."""
    model = Map(
        **{k: v for k, v in REFERENCE.items() if k != "direction"},
        spin_orbit=0.1,
        lead_potential=BIAS,
        x=MAP_LINE,
        y=[0.4],
        z=MAP_LINE,
    )
    ds = spinterface.solve(model)
    progress(1, 2)
    unpolarised = spinterface.solve(model.replace(level_splitting=[0, 0, 0]))
    progress(2, 2)
    out = {}
    for name, found in (("polarised", ds), ("unpolarised", unpolarised)):
        r2 = found.x**2 + found.y**2 + found.z**2
        scaled = {}
        for component in ("x", "z"):
            s = found.spin_density_driven.sel(component=component, drop=True) * r2 * 1e3
            attrs = {"units": "1/nm", "symbol": rf"10^3 r^2 s^{{neq}}_{component}"}
            scaled[f"spin_{component}"] = s.isel(y=0, drop=True).assign_attrs(attrs)
        out[name] = xr.Dataset(scaled)
    return out


@claim(
    "Sec. I",
    "a coercive field of 1000 Oe is about 0.1 K",
    order("g mu_B B/k_B at g = 2 (K)", 0.1),
)
def coercive_field() -> Numbers:
    return 2 * BOHR_MAGNETON * 0.1 / (Boltzmann / electron_volt)


@claim(
    "Sec. I",
    "coercive fields of 1000 Oe and of 100 Oe are small: about 0.1 K and a tenth of it",
    near("g mu_B B/k_B of 100 Oe at g = 2 (K)", 0.01, 0.005),
    below("polarisation of the gas of gold in 1000 Oe at 0.1 K", 1e-5),
    near("that in 100 Oe over it", 0.1, 1e-6),
)
def fields_of_films() -> Numbers:
    cold = 0.1 * Boltzmann / electron_volt
    gold = WholeGas(spin_orbit=GOLD.alpha, thermal_energy=cold, zeeman="half")
    one, tenth = (
        float(spinterface.solve(gold.replace(magnetic_field=B)).field_polarisation)
        for B in (0.1, 0.01)
    )
    return 2 * BOHR_MAGNETON * 0.01 / (Boltzmann / electron_volt), one, tenth / one


@claim(
    "below Eq. (10)",
    "alpha^2 N0/2 << eF is reasonable for gold",
    below("alpha^2 N0/2 over eF", 0.01),
)
def gold() -> Numbers:
    return GOLD.alpha * GOLD.a / 2 / GOLD.fermi


@claim(
    "below Eq. (10)",
    "the molecular part of gold decays as 1/r^2",
    near("r^2 |g_0|^2 over its mean, 1 to 8 nm", 1, 0.1),
    departs="it is cos^2(a r), and 0 at 3.6 nm: only close to the contact is it 1/r^2",
)
def molecular_decay() -> Numbers:
    r = np.linspace(1.0, 8.0, 200)
    g0, _, _, _ = components(GOLD, r, GOLD.kappa(0.0))
    weight = np.abs(g0) ** 2 * r**2
    return weight / weight.mean()


@claim(
    "below Eq. (11)",
    "a non-magnetic molecule makes a spin that is radial and falls as 1/r^2",
    near("spin across r over the radial one, driven", 0, 1e-12),
    near("power of the distance, 50 to 200 nm", -2, 0.05),
)
def radial_spin() -> Numbers:
    model = Contact(**QUIET, lead_potential=BIAS)
    ds = spinterface.solve(model, over={"distance": [50.0, 200.0]})
    radial, *across = ds.spin_density_driven.transpose("component", "distance").values
    return float(np.abs(across).max() / np.abs(radial).max()), float(
        np.log(radial[1] / radial[0]) / np.log(4)
    )


@claim(
    "below Eq. (12)",
    "the mixed part has components along r, along Sigma_1 and across both",
    above("sizes of the three over the largest", 0.01),
)
def mixed_part() -> Numbers:
    tilted = np.array([0.03, 0.0, 0.04])
    model = Contact(**{**REFERENCE, "level_splitting": tilted}, lead_potential=BIAS)
    s = spinterface.solve(model.replace(distance=[2.0])).spin_density_mix[0].values
    r, n = np.array([1.0, 0, 0]), tilted / np.linalg.norm(tilted)
    parts = np.abs(np.linalg.solve(np.stack([r, n, np.cross(r, n)], axis=1), s))
    return parts / parts.max()


@figure(
    "Driven spin falls with the square; in equilibrium it falls faster",
    plot=Plot(
        markers=False,
        panels=(
            Panel(
                source="decay",
                x="distance",
                y="spin",
                by="curve",
                x_scale="log",
                y_scale="log",
                limits=(1e-12, 1e-1),
            ),
        ),
    ),
    setting=f"{_words(REFERENCE)}; gold, spin_orbit = {GOLD.alpha} eV nm; lead_potential = {BIAS} eV or 0; negf",
)
def decay(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Equilibrium and driven spin against distance, root mean squares over a period of 2 k_F r."""
    model = Contact(**REFERENCE, lead_potential=BIAS)
    curves = {
        "driven": (model, "spin_density_driven"),
        "equilibrium, 300 K": (model.replace(lead_potential=0.0), "spin_density_equilibrium"),
        "equilibrium, 0 K": (
            model.replace(lead_potential=0.0, thermal_energy=0.0),
            "spin_density_equilibrium",
        ),
    }
    found = []
    for n, (one, name) in enumerate(curves.values()):
        period = np.pi / GOLD.fermi_momentum
        near = RANGES[:, None] + period * (np.arange(SHIFTS) - (SHIFTS - 1) / 2) / SHIFTS
        s = spinterface.solve(one, over={"distance": near.ravel()})[name].values
        found.append(np.sqrt((s**2).sum(axis=-1).reshape(near.shape).mean(axis=1)))
        progress(n + 1, len(curves))
    size = xr.Variable(("curve", "distance"), np.array(found), {"units": "1/nm^3", "symbol": "|s|"})
    ds = xr.Dataset(
        {"spin": size},
        {"curve": list(curves), "distance": _named(RANGES, "distance", "nm", "r")},
    )
    return {"decay": ds}


@claim(
    "Sec. II C",
    "no localised moment: the induced spin falls as 1/r^2",
    near("power of the distance of the driven spin, 10 to 100 nm", -2, 0.01),
)
def no_moment(decay: Parts) -> Numbers:
    s = decay["decay"].spin.sel(curve="driven")
    far = s.where(s.distance >= 10, drop=True)
    return float(np.polyfit(np.log(far.distance), np.log(far.values), 1)[0])


@erratum(
    "Sec. II B",
    "Sigma_pq contains delta(p - q)",
    "no delta: it would make the density the same everywhere",
    misprint("spin at 1 nm over that at 10 nm", 1, by=0.5),
)
def delta(decay: Parts) -> Numbers:
    s = decay["decay"].spin.sel(curve="driven")
    return float(s.interp(distance=1.0) / s.interp(distance=10.0))


@figure(
    "Response to a field against spin-orbit coupling: one wavevector (a), the whole gas (b)",
    plot=Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(
                source="single",
                x="splitting",
                y="ratio",
                by="curve",
                y_scale="log",
                legend=True,
            ),
            Panel(source="whole", x="spin_orbit", y="ratio", by="curve", legend=True),
        ),
    ),
    setting="(a) one wavevector: band_energy 0.2, -0.2 (repulsion 0.1) and 0 eV at 300 K; (b) the whole gas of gold at "
    "0 K",
)
def susceptibility(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Response to a field against the coupling: single wavevectors, and the whole gas."""
    cases = {
        "level above, 0.2 eV": {"band_energy": 0.2, "repulsion": 0.0},
        "plateau": {"band_energy": -0.2, "repulsion": 0.1},
        "at the Fermi level": {"band_energy": 0.0, "repulsion": 0.0},
    }
    splittings = np.linspace(1e-6, 0.4, 81)
    rows = []
    for n, case in enumerate(cases.values()):
        chi = np.array(
            [
                float(
                    spinterface.solve(
                        Gas(**case, spin_splitting=[0, 0, e]), observables=["susceptibility"]
                    ).susceptibility
                )
                for e in splittings
            ]
        )
        rows.append(chi / chi[0])
        progress(n + 1, 4)
    single = xr.Dataset(
        {
            "ratio": xr.Variable(
                ("curve", "splitting"), np.array(rows), {"units": "1", "symbol": r"\chi/\chi_0"}
            )
        },
        {"curve": list(cases), "splitting": _named(splittings, "splitting", "eV", r"\alpha k")},
    )
    gas = spinterface.solve(WholeGas(thermal_energy=0.0), over={"spin_orbit": COUPLINGS})
    both = np.stack([gas.amplification.values, gas.amplification_at_density.values])
    whole = xr.Dataset(
        {
            "ratio": xr.Variable(
                ("curve", "spin_orbit"), both, {"units": "1", "symbol": r"\chi/\chi_0"}
            )
        },
        {
            "curve": ["fixed potential", "fixed density"],
            "spin_orbit": _named(COUPLINGS, "spin_orbit", "eV*nm", r"\alpha"),
        },
    )
    progress(4, 4)
    return {"single": single, "whole": whole}


def _polarisation(**changes: Any) -> float:
    return float(spinterface.solve(Gas(**changes)).spin_polarisation[2])


@claim(
    "Sec. II D",
    "several hundreds of tesla make a significant polarisation at room temperature",
    order("fields of a half-filled level with P = 0.5 and 0.9 (T)", 300),
)
def hundreds_of_tesla() -> Numbers:
    half_filled = {"band_energy": -50.0, "repulsion": 25.0, "spin_orbit": 0.0}
    return [
        brentq(lambda B, P=P: _polarisation(**half_filled, magnetic_field=B) - P, 1, 1e4, xtol=1e-3)
        for P in (0.5, 0.9)
    ]


@claim(
    "Sec. II D",
    "the polarisation is linear in a weak field",
    near("P(1 T)/P(0.1 T)", 10, 1e-3),
)
def linear() -> Numbers:
    base = {"band_energy": -0.1, "repulsion": 0.05, "wavevector": [1.0, 0, 0], "spin_orbit": 0.033}
    return _polarisation(**base, magnetic_field=1.0) / _polarisation(**base, magnetic_field=0.1)


@claim(
    "Sec. II D",
    "exponential suppression by repulsion for eps0 + U >> 0",
    near("kT d ln P/dU", -1, 1e-6),
)
def suppression() -> Numbers:
    U = [0.6, 0.8]
    P = [_polarisation(band_energy=0.0, repulsion=u, spin_splitting=[0, 0, 0.01]) for u in U]
    return float(ROOM * np.log(P[1] / P[0]) / (U[1] - U[0]))


@erratum(
    "below Eq. (19)",
    "the polarisation is largest around eps0 + U = 0",
    "it is largest at U = -eps0/2 + (kT/4) ln 3",
    near("U of the largest P less that of the closed form (eV)", 0, 1e-5),
    misprint("eps0 + U there (eV)", 0, by=ROOM),
)
def maximum() -> Numbers:
    e0, splitting = -0.4, {"spin_splitting": [0, 0, 0.01]}
    best = minimize_scalar(
        lambda U: -abs(_polarisation(band_energy=e0, repulsion=U, **splitting)),
        bounds=(0.0, 0.8),
        method="bounded",
        options={"xatol": 1e-7},
    ).x
    law = spinterface.solve(Gas(band_energy=e0, repulsion=0.2, **splitting)).optimal_repulsion
    return best - float(law), e0 + best


@erratum(
    "Sec. II D",
    "the induced polarisation is g mu_B B at most",
    "that is an energy; the slope is a susceptibility, and not 1/eV",
    above("slope of the polarisation over the energy of the field (1/eV)", 1),
)
def at_most() -> Numbers:
    gas = Gas(band_energy=-0.1, repulsion=0.05, spin_splitting=[0, 0, 1e-6])
    return float(spinterface.solve(gas).susceptibility)


@erratum(
    "Sec. II D",
    "(the sentence on g mu_B B >> alpha k is unfinished)",
    "the polarisation is that of the field alone",
    near("P over P without spin-orbit coupling", 1, 1e-4),
)
def unfinished() -> Numbers:
    base, B = {"band_energy": -0.1, "repulsion": 0.05}, 2000.0
    both = _polarisation(**base, wavevector=[1.0, 0, 0], spin_orbit=1e-3, magnetic_field=B)
    return -both / _polarisation(**base, spin_splitting=[0, 0, 2 * BOHR_MAGNETON * B])


@erratum(
    "Sec. II D",
    "spin-orbit coupling cannot amplify the induced polarisation",
    "at one wavevector it can, where exp((e0 + U)/kT) + exp(-(e0 + 3U)/kT) > 4",
    above("largest amplification, level 0.2 eV above the Fermi level", 1),
    below("largest amplification on the plateau", 1 + 1e-9),
    near("cases that the condition decides, of 4", 4, 0),
)
def amplification(susceptibility: Parts) -> Numbers:
    single = susceptibility["single"].ratio
    decided = 0
    for e0, U in ((0.2, 0.0), (-0.2, 0.1), (0.05, 0.02), (-0.1, 0.08)):
        small, large = (
            float(
                spinterface.solve(
                    Gas(band_energy=e0, repulsion=U, spin_splitting=[0, 0, e])
                ).susceptibility
            )
            for e in (1e-6, 2e-3)
        )
        condition = np.exp((e0 + U) / ROOM) + np.exp(-(e0 + 3 * U) / ROOM) > 4
        decided += (large > small) == condition
    return (
        float(single.sel(curve="level above, 0.2 eV").max()),
        float(single.sel(curve="plateau").max()),
        decided,
    )


@erratum(
    "Sec. II D",
    "no amplification",
    "the whole gas changes at second order, and up at fixed potential",
    near("(chi/chi_0 - 1)/(a/k_F)^2 at fixed potential", 5 / 6, 1e-3),
    near("the same at fixed density", -2 / 3, 1e-3),
)
def whole_gas(susceptibility: Parts) -> Numbers:
    weak = susceptibility["whole"].ratio.isel(spin_orbit=1)
    x = (GOLD.N0 * float(weak.spin_orbit)) ** 2 / (2 * GOLD.N0 * GOLD.fermi)
    potential, density = (weak.values - 1) / x
    return potential, density


ROUNDING = 1e-8  # of a spin of order one, by a quadrature over frequencies


@figure(
    "A molecular moment without its field: level (a) and metal (b)",
    plot=Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(source="quench", x="time", y="level_spin", y_scale="log", floor=ROUNDING),
            Panel(source="quench", x="time", y="pulse", by="distance", legend=True),
        ),
    ),
)
def quench(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The field on a magnetic molecule ends: its spin, and the pulse in the metal."""
    times = np.linspace(0.0, 150.0, 76)
    model = Quench(spin_orbit=0.1, distance=[1.0, 2.0, 4.0, 8.0, 16.0], time=times)
    ds = spinterface.solve(model)
    progress(1, 1)
    scaled = ds.spin_density * ds.distance**2 * 1e3
    scaled.attrs = {"units": "1/nm", "symbol": "10^3 r^2 s_z"}
    return {"quench": ds.assign(pulse=scaled)}


@claim(
    "Eq. (28)",
    "eigenvalues eps +- |eps1(k) +- eps1(k')|, all real",
    below("largest distance of those of 20 random pairs", 1e-6),
)
def eigenvalues() -> Numbers:
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(20):
        v = rng.normal(size=(2, 3))
        found = np.linalg.eigvals(
            generator(motion_of(Pair(band_energy=[0.3, 0.1], spin_splitting=v)))
        )
        one, other = np.linalg.norm(v, axis=1)
        law = np.sort([0.2 + s * one - t * other for s in (1, -1) for t in (1, -1)])
        worst = max(worst, np.abs(np.sort(found.real) - law).max(), np.abs(found.imag).max())
    return worst


@claim(
    "Sec. II E",
    "an electron flux does not stabilise a moment",
    below("share of its spin that a level keeps 150/eV after its field", 0.01),
)
def flux(quench: Parts) -> Numbers:
    spin = quench["quench"].level_spin.values
    return float(np.abs(spin[-1] / spin[0]))


@erratum(
    "Eqs. (22)-(24)",
    "sources i 2 j0 and i j1",
    "no further i: an injection of charge 0.2 and spin 0.1 for 3/eV is real",
    near("n and 2 s_z", 0.6, 1e-12),
    near("imaginary parts", 0, 1e-12),
)
def source_factor() -> Numbers:
    model = Pair(
        band_energy=[0.1, 0.1],
        spin_splitting=np.zeros((2, 3)),
        initial=np.zeros(4),
        source=[0.2, 0, 0, 0.1],
        time=[3.0],
    )
    y = Spectral().solve(model).moments[0, [0, 3]] * [1, 2]
    return y.real, y.imag


@erratum(
    "Eq. (29)",
    "the solution vanishes at t = t0",
    "it starts at the initial values; projectors and the exponential agree",
    near("n at the start", 0.3, 1e-12),
    near("s_z at the start", 0.5, 1e-12),
    below("largest difference of both solutions", 1e-12),
)
def solution() -> Numbers:
    model = Pair(initial=[0.3, 0, 0, 0.5], source=[0.05, 0.02, 0, 0], time=[0.0, 7.0])
    projected, exponential = (
        Spectral().solve(model).moments,
        MatrixExponential().solve(model).moments,
    )
    start = projected[0].real
    return start[0], start[3], float(np.abs(projected - exponential).max())


@erratum(
    "Sec. II E",
    "densities oscillate and are never stationary",
    "for k = k' a constant source grows linearly; with a loss there is a steady state",
    near("s_z(2000/eV)/s_z(1000/eV)", 2, 1e-9),
    near("s_z at the end with a loss of 0.01 eV", 0.5, 1e-9),
)
def stationary() -> Numbers:
    model = Pair(
        band_energy=[0.1, 0.1],
        spin_splitting=[[0, 0, 0.05]] * 2,
        initial=np.zeros(4),
        source=[0, 0.02, 0, 0.01],
        time=[1e3, 2e3],
    )
    s = Spectral().solve(model).moments[:, 3].real
    lossy = MatrixExponential().solve(model.replace(band_energy=[0.1 - 0.01j] * 2))
    return s[1] / s[0], lossy.stationary[3].real


def _hankel(order: int, x: Any) -> Any:
    return spherical_jn(order, x) + 1j * spherical_yn(order, x)


def _curves(ds: dict[str, Any], r: Real, symbol: str) -> xr.Dataset:
    rows = np.array(list(ds.values()))
    return xr.Dataset(
        {"kernel": xr.Variable(("curve", "distance"), rows, {"units": "1", "symbol": symbol})},
        {"curve": list(ds), "distance": _named(r, "distance", "nm", "r")},
    )


@figure(
    "Kernels of Eqs. (10), (11), (12) in units of N0^2/(2 pi r)^2 at alpha = 0.3 eV nm, printed "
    "kappa in 1/nm; "
    "lesser term of a non-magnetic molecule in equilibrium (gold)",
    plot=Plot(
        columns=2,
        markers=False,
        panels=tuple(
            Panel(source=source, x="distance", y="kernel", by="curve", title=title)
            for source, title in (
                ("mol", "Eq. (10)"),
                ("sub", "Eq. (11)"),
                ("mix", "Eq. (12)"),
                ("lesser", "Eq. (4)"),
            )
        ),
    ),
    setting=f"gold with spin_orbit = {STRONG.alpha} eV nm at the Fermi level; (d) {_words(QUIET)}, "
    f"spin_orbit = {GOLD.alpha} eV nm, no bias",
)
def errata(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Kernels as printed and as they are, for a strong coupling, times r^2 and over N0^2/4 pi^2."""
    metal, r = STRONG, PRESENT
    k = metal.kappa(0.0).real
    a, unit = metal.a, (metal.N0 / (2 * np.pi)) ** 2 / r**2
    g0, g1, _, _ = components(metal, r, np.asarray(k + 0j))
    plus, minus = k + a, k - a
    front = (metal.N0 / (4 * np.pi)) ** 2
    mol_printed = 4 * front * k * np.abs(_hankel(0, k * r)) ** 2
    product = (plus**2 * _hankel(0, plus * r) + minus**2 * _hankel(0, minus * r)) / k
    product = product * np.conj(plus**2 * _hankel(1, plus * r) - minus**2 * _hankel(1, minus * r))
    sub_printed = front * (product / k * 1j).imag  # Im of the product times the imaginary Sigma_0
    sub = 2 * (g0 * np.conj(g1)).real
    mix_printed = front * sum(
        (q**2 / k * _hankel(1, q * r) * np.conj(_hankel(1, q * r) - o / q * _hankel(1, o * r))).real
        for q, o in ((plus, minus), (minus, plus))
    )
    progress(1, 1)
    return {
        "mol": _curves(
            {"printed": mol_printed / unit, "correct": np.abs(g0) ** 2 / unit}, r, "|g_0|^2"
        ),
        "sub": _curves(
            {"printed": sub_printed / unit, "correct": sub / unit}, r, r"2\,\mathrm{Re}\,g_0 g_1^*"
        ),
        "mix": _curves(
            {"printed": mix_printed / unit, "correct": np.abs(g1) ** 2 / unit}, r, "|g_1|^2"
        ),
        "lesser": _lesser_beside_full(),
    }


def _lesser_beside_full() -> xr.Dataset:
    """A non-magnetic molecule in equilibrium: spin over half the charge, both methods."""
    r = np.linspace(0.5, 8.0, 40)
    rows = {}
    for name, method in (("printed", LesserOnly()), ("correct", None)):
        ds = spinterface.solve(Contact(**QUIET), method, over={"distance": r})
        rows[name] = ds.spin_density.sel(component="x").values * r**2 * 1e3
    return _curves(rows, r, "10^3 r^2 s_r")


@erratum(
    "Eq. (4)",
    "G^< = G^r Sigma^< G^a",
    "(1 + G^r Sigma^r) g^< (1 + Sigma^a G^a) is missing; it restores time reversal",
    above("10^3 r^2 |s| of a non-magnetic molecule in equilibrium as printed (1/nm)", 1e-2),
    below("with all terms, over that", 1e-12),
)
def lesser_term(errata: Parts) -> Numbers:
    largest = np.abs(errata["lesser"].kernel).max("distance")
    printed = float(largest.sel(curve="printed"))
    return printed, float(largest.sel(curve="correct")) / printed


def _residual(kappa: complex) -> float:
    """(z - H) g off the contact, the component along 1, for alpha = 0.3 eV nm."""
    metal, r, z, h = STRONG, 0.7, 0.4 + 0.3j, 1e-4
    at = [components(metal, np.array(r + s * h), np.array(kappa), slopes=True) for s in (-1, 0, 1)]
    bend = (at[2][2] - at[0][2]) / (2 * h) + 2 * at[1][2] / r
    spin = -1j * metal.alpha * (at[1][3] + 2 * at[1][1] / r)
    left = (z + metal.fermi) * at[1][0] + bend / (2 * metal.N0) - spin
    return float(abs(left) / abs(metal.fermi * at[1][0]))


@erratum(
    "below Eq. (9)",
    "kappa^2 = 2 N0 (w + eF) - (alpha N0)^2",
    "kappa^2 has + (alpha N0)^2",
    below("(z - H) g off the contact with a plus sign", 1e-6),
    above("as printed", 0.05),
)
def kappa_sign() -> Numbers:
    z = 0.4 + 0.3j
    minus = np.sqrt(2 * STRONG.N0 * (z + STRONG.fermi) - STRONG.a**2)
    return _residual(complex(STRONG.kappa(z))), _residual(complex(minus))


@erratum(
    "below Eq. (9)",
    "g1(r = 0) = 0",
    "that is its average over directions; along one it tends to i alpha N0^2/(2 pi)",
    near("g1(r -> 0) over i alpha N0^2/(2 pi)", 1, 1e-4),
)
def odd_part() -> Numbers:
    _, g1, _, _ = components(STRONG, np.array(1e-7), STRONG.kappa(0.0))
    return complex(g1).imag / (STRONG.alpha * STRONG.N0**2 / (2 * np.pi))


@erratum(
    "Eq. (10)",
    "s_mol has the prefactor +i",
    "the prefactor is -i",
    above("spin beside the molecule, with -i, over its own (1/nm^3)", 0),
)
def mol_sign() -> Numbers:
    model = Contact(**REFERENCE, spin_orbit=0.0, distance=[2.0])
    beside = float(spinterface.solve(model, LesserOnly()).spin_density_mol[0, 2])
    metal, emission, _ = emission_of(model)
    energies = np.linspace(-2.0, 0.5, 2001)
    G = emission.molecule(energies + 0j, metal.kappa(energies))
    own = fermi(energies / ROOM) @ (G[:, 1, 1] - G[:, 0, 0]).imag
    return beside / float(own * (energies[1] - energies[0]) / (2 * np.pi))


def _kernel(name: str, where: str, misprinted: str, text: str) -> Claim:
    """An erratum of a kernel in a strong coupling."""

    @erratum(
        where,
        misprinted,
        text,
        above("largest difference over the largest value of the correct kernel", 0.3),
        misprint("correct over printed kernel at 1 nm", 1, by=0.1),
    )
    def kernel(errata: Parts) -> Numbers:
        printed, correct = (errata[name].kernel.sel(curve=c) for c in ("printed", "correct"))
        off = float(np.abs(printed - correct).max() / np.abs(correct).max())
        return off, float((correct / printed).sel(distance=1.0, method="nearest"))

    return replace(kernel, name=f"{name}-kernel")


mol_kernel = _kernel(
    "mol", "Eq. (10), second line", "kappa |h0(kappa r)|^2", "kappa^2 |h0|^2 and cos^2(a r)"
)
sub_kernel = _kernel(
    "sub",
    "Eq. (11)",
    "Im of the product with Sigma_0^<: oscillates",
    "Im acts on the Hankel product only, with 2i",
)
mix_kernel = _kernel(
    "mix",
    "Eq. (12)",
    "kappa_s^2/kappa and kappa_s'/kappa_s",
    "kappa_s^4/kappa^2 and (kappa_s'/kappa_s)^2",
)


@erratum(
    "Eq. (7)",
    "(7b) ends with + i v0 v1* x G1; (7a) has v1.G_1 without its vector mark",
    "a minus sign and the vector part",
    below("(7b) with a minus sign less the product of matrices", 1e-13),
    above("(7b) with a plus sign less it", 0.1),
    below("(7a) with the vector part less it", 1e-13),
)
def self_energy() -> Numbers:
    rng = np.random.default_rng(7)
    (v0, v), (c0, c), (G0, G) = (
        (complex(x[0]), x[1:]) for x in rng.normal(size=(3, 4, 2)) @ [1, 1j]
    )
    w0, w = np.conj(c0), np.conj(c)
    exact = spin_parts(matrix(v0, v) @ matrix(G0, G) @ matrix(w0, w))
    common = (v0 * w + v * w0) * G0 + (v0 * w0 - v @ w) * G + (v @ G) * w + v * (w @ G)
    common = common + 1j * np.cross(v, w) * G0 + 1j * np.cross(v, G) * w0
    last = 1j * v0 * np.cross(w, G)
    scalar = (v0 * w0 + v @ w) * G0 + (v @ G) * w0 + v0 * (w @ G) - 1j * np.cross(v, w) @ G
    return (
        np.abs(common - last - exact[1:]).max(),
        np.abs(common + last - exact[1:]).max(),
        abs(scalar - exact[0]),
    )


@erratum(
    "Eqs. (2), (6), Sec. II E",
    "s(r) carries exp(-i(k-k')r) in (6) and Sec. II E, exp(+i(k-k')r) in (2)",
    "exp(+i(k-k')r); the other sign mirrors space, and the spin is odd in r",
    near("s_x at -x over s_x at +x", -1, 1e-12),
)
def phase() -> Numbers:
    away, back = (
        spinterface.solve(
            Contact(**{**QUIET, "direction": [s, 0, 0]}, lead_potential=BIAS, distance=[2.0])
        ).spin_density_driven[0, 0]
        for s in (1, -1)
    )
    return float(back / away)


@erratum(
    "Eqs. (14), (15)",
    "Eq. (15) rotates projectors by theta",
    "states turn by half the polar angle",
    below("off the diagonal after half the angle", 1e-15),
    above("after the whole angle", 0.1),
)
def rotation() -> Numbers:
    theta, phase = 1.1, np.exp(0.4j)
    H = matrix(
        0.0, np.array([np.sin(theta) * phase.real, np.sin(theta) * phase.imag, np.cos(theta)])
    )
    turns = [
        np.array([[np.cos(x), -np.sin(x) / phase], [np.sin(x) * phase, np.cos(x)]])
        for x in (theta / 2, theta)
    ]
    return tuple(float(abs((R.conj().T @ H @ R)[0, 1])) for R in turns)


@erratum(
    "Sec. II B",
    "spin-dependent hybridisation polarises the metal",
    "in equilibrium only if it breaks time reversal",
    below("spin over charge for imaginary V1", 1e-12),
    above("for real V1", 1e-3),
)
def hybridisation() -> Numbers:
    found = (
        spinterface.solve(Contact(**QUIET, hybridisation_vector=V1, distance=[1.0]))
        for V1 in ([0.02j, 0, 0.03j], [0.02, 0, 0.03])
    )
    return tuple(
        float(np.abs(ds.spin_density).max() / np.abs(ds.charge_density).max()) for ds in found
    )


@erratum(
    "below Eq. (10)",
    "the last term of (6b) vanishes",
    "for one contact only",
    below("|g1 x g1*| over |g1|^2 of one contact", 1e-14),
    above("of two contacts 0.5 nm apart", 0.05),
)
def last_term() -> Numbers:
    g = []
    for site in (0.0, 0.5):
        away = np.array([1.0 - site, 0.6, 0.0])
        r = np.linalg.norm(away)
        _, g1, _, _ = components(GOLD, np.array(r), GOLD.kappa(0.0))
        g.append(complex(g1) * away / r)
    size = np.abs(np.outer(*g)).max()
    alone, apart = (np.abs(np.cross(g[0], np.conj(h))).max() / size for h in g)
    return alone, apart


CONTENTS = Contents(
    equations=("1-5", "6a-6c", "7a-7b", "8", "9a-9b", "10-17", "18a-18d", "19-29"),
    figures=(),
    tables=(),
)

ROWS = (
    by_command(
        "Eq. (1)", "molecule on a metal with spin-orbit coupling", "describe spinterface.contact"
    ),
    by_command(
        "Eq. (1)",
        "hybridisation v(r) over a contact with a radius, exact outside it",
        "solve spinterface.contact --set contact_radius=0.3 --observables spin_density,charge_density",
    ),
    by_command(
        "Sec. II B",
        "exchange of electrons at several sites of the molecule",
        "solve spinterface.map --set contacts=[[0,0,0],[0.5,0,0]] --set x=[1.5] --set y=[0.2] --set z=[0.4] "
        "--observables spin_density",
    ),
    by_command(
        "Eq. (22)",
        "charge and spin current across the contact, summed over the momenta",
        "solve spinterface.contact --set lead_potential=0.3 --set distance=[1,2] "
        "--observables radial_current,radial_spin_current",
    ),
    by_command(
        "below Eq. (19)",
        "half is the largest value of the last factor: a large splitting polarises fully",
        "solve spinterface.gas --set spin_splitting=[0,0,1] --observables spin_polarisation",
    ),
    by_command(
        "below Eq. (19)",
        "the polarisation decays with the temperature",
        "solve spinterface.gas --over thermal_energy=0.01,0.026,0.1,1 --observables spin_polarisation",
    ),
    by_command(
        "below Eq. (27)",
        "without eps1 charge and spin are constants of the motion each",
        "solve spinterface.pair --set spin_splitting=[[0,0,0],[0,0,0]] --set band_energy=[0.1,0.1] "
        "--set time=[0,30,60] --observables charge,spin",
    ),
    without_number("Eq. (3)", "Dyson equation", "definition"),
    by_command(
        "Eq. (5)",
        "parts from the molecule, the substrate and both",
        "solve spinterface.contact --observables spin_density,spin_density_mol,spin_density_sub,spin_density_mix",
    ),
    without_number(
        "Eq. (8)", "Green function of the bare metal", "definition; (9) is its transform"
    ),
    by_command(
        "Eqs. (9a), (9b)",
        "Green function in space, by the densities that it makes",
        "solve spinterface.contact --observables spin_density,charge_density",
    ),
    by_command(
        "Eq. (13)",
        "homogeneous gas with U_k rho_k rho_-k, one pair of momenta",
        "solve spinterface.gas",
    ),
    without_number("Eq. (16)", "diagonal form", "step; (17)-(19) follow from it"),
    by_command(
        "Eq. (17)",
        "partition function",
        "solve spinterface.gas --observables log_partition_function",
    ),
    by_command("Eqs. (18a)-(18d)", "occupations", "solve spinterface.gas --observables occupation"),
    by_command(
        "Eq. (19)", "spin polarisation", "solve spinterface.gas --observables spin_polarisation"
    ),
    without_number(
        "Eq. (20)", "equation of motion of G<", "definition; its closed part (25) is solved"
    ),
    by_command(
        "Eqs. (21), (25)-(27)",
        "matrix A of charge and spin of a pair of momenta",
        "solve spinterface.pair --observables charge,spin,frequency",
    ),
    by_command(
        "Sec. II E",
        "a level that holds a spin begins to touch the metal: what becomes of it",
        "solve spinterface.quench --set initial_occupation=[1,0]",
    ),
    without_number(
        "below Eq. (14)",
        "E_up is printed three times, for up, down and two electrons",
        "misprint; the energies of both single states follow from (13)",
    ),
    by_command(
        "Sec. I",
        "coercive field of 100 Oe in films: the polarisation of the whole gas in it",
        "solve spinterface.whole_gas --set magnetic_field=0.01 --set zeeman=half "
        "--observables field_polarisation,field_spin_density",
    ),
)
