r"""Magnetic moment of a closed-shell level under charge and spin coupling to vibrations.

Energies in meV: eps_0 = 0.1, u_0 = 0.01, eta = 0.1, sound velocities 0.001 to 0.05. The paper does not say
how the sum over vibrations is cut; three dimensions with q < pi put every peak into its window of
+-2.5 meV. Where the paper has spins along x they are drawn along z, which is a rotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import digamma

from chirospin import vibration
from chirospin.base.fermi import fermi
from chirospin.base.figures import Panel, Plot
from chirospin.base.spin import PAULI
from chirospin.studies.contents import Contents, by_command, without_number
from chirospin.studies.expectation import above, below, falls, misprint, near, rises
from chirospin.studies.registry import Numbers, Parts, Progress, claim, erratum, figure
from chirospin.vibration import SCBA, Exact, SCBAHartree, SecondOrder, Vibration, Windowed
from chirospin.vibration.born import self_energy, self_energy_poles, star_matrix
from chirospin.vibration.model import bath, broken_time_reversal, channels, level_of

Array = NDArray[np.float64]
LEVEL, COUPLING = 0.1, 0.01
ALONG, DIAGONAL = (0.0, 0.0, COUPLING), (COUPLING, 0.0, COUPLING)
VELOCITIES = (0.001, 0.005, 0.01, 0.05)
TEMPERATURES = np.geomspace(0.5, 100.0, 60)
SHOWN = (1.0, 5.0, 10.0, 15.0, 20.0)
ENERGIES = np.linspace(-2.5, 2.5, 401)
STEP = float(ENERGIES[1] - ENERGIES[0])
THREE = (Windowed(), SecondOrder(), Exact())
SIDE_BY_SIDE = ", ".join(method.name for method in THREE)
NO_SIGN_CHANGE = "without a window the theory of the paper has none: no-crossover, window-law"
LADDER = (Exact(), SCBAHartree(), SCBA(), SecondOrder(), Windowed())


def _model(spin: Sequence[float], velocity: float = 0.01, **changes: Any) -> Vibration:
    return Vibration(
        level=LEVEL,
        charge_coupling=COUPLING,
        spin_coupling=tuple(spin),
        phonon_velocity=velocity,
        **changes,
    )


def _spectra(spin: Sequence[float], velocities: Sequence[float]) -> xr.Dataset:
    """Spectral densities of the second order on the paper's window."""
    ds = vibration.solve(
        _model(spin).replace(energy=ENERGIES),
        SecondOrder(),
        over={"phonon_velocity": velocities, "thermal_energy": SHOWN},
        observables=["spectral_density"],
    )
    total = ds.spectral_density.sum("spin").assign_attrs(units="1/meV", symbol=r"A")
    return ds.assign(density=total)


def _by_velocity(ds: xr.Dataset, velocities: Sequence[float]) -> dict[str, xr.Dataset]:
    """A Dataset for each velocity and spin, for panels."""
    out = {}
    for c in velocities:
        one = ds.sel(phonon_velocity=c, drop=True)
        out[f"c = {c:g}"] = one[["density"]]
        for spin in ("up", "down"):
            out[f"c = {c:g} {spin}"] = one[["spectral_density"]].sel(spin=spin, drop=True)
    return out


def _densities(velocities: Sequence[float], *, spins: bool) -> tuple[Panel, ...]:
    kinds = ("", " up", " down") if spins else ("", " up")
    return tuple(
        Panel(
            source=f"c = {c:g}{kind}",
            x="energy",
            y="spectral_density" if kind else "density",
            by="thermal_energy",
            title=f"$c = {c:g}$ meV{kind and f', spin{kind}'}",
            limits=(0.0, 4.0),
        )
        for kind in kinds
        for c in velocities
    )


def _moment_panels() -> tuple[Panel, ...]:
    return tuple(
        Panel(
            source=method.name,
            x="thermal_energy",
            y="factor",
            by="phonon_velocity",
            x_scale="log",
            y_scale="symlog" if method.name == "windowed" else "log",
            title=method.name,
        )
        for method in THREE
    )


@figure(
    "Density of states with charge coupling alone, and of one spin",
    plot=Plot(columns=2, markers=False, panels=_densities((0.01, 0.001), spins=False)),
)
def figure_2(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Densities of states with charge coupling alone."""
    return _by_velocity(_spectra((0.0, 0.0, 0.0), (0.01, 0.001)), (0.01, 0.001))


def _peaks(density: xr.DataArray) -> Array:
    """Energies of the local maxima, highest first."""
    y, x = density.values, density.energy.values
    tops = np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] > y[2:])) + 1
    return np.asarray(x[tops[np.argsort(-y[tops])]])


@claim(
    "Fig. 2",
    "with charge coupling one peak becomes two around eps_0, further apart when warmer; spins stay degenerate",
    near("midpoint of both less eps_0, c = 0.001 (meV)", 0, STEP),
    rises("distance of both, k_BT = 5, 10, 15, 20 meV"),
    near("spin up less spin down", 0, 1e-12),
)
def splitting(figure_2: Parts) -> Numbers:
    density = figure_2["c = 0.001"].density
    pairs = [np.sort(_peaks(density.sel(thermal_energy=T))[:2]) for T in SHOWN[1:]]
    spins = [figure_2[f"c = 0.001 {spin}"].spectral_density for spin in ("up", "down")]
    return (
        [pair.mean() - LEVEL for pair in pairs],
        [np.ptp(pair) for pair in pairs],
        float(np.abs(spins[0] - spins[1]).max()),
    )


@claim(
    "Fig. 2",
    "the slower the vibrations, the wider the spectrum",
    above("width at c = 0.001 over that at c = 0.01, each temperature", 1),
)
def width(figure_2: Parts) -> Numbers:
    slow, quick = (figure_2[f"c = {c:g}"].density for c in (0.001, 0.01))
    widths = [(d * (d.energy - LEVEL) ** 2).sum("energy") / d.sum("energy") for d in (slow, quick)]
    return np.sqrt(widths[0] / widths[1])


@figure(
    "Density of states with spin coupling along one axis, and of both spins along it",
    plot=Plot(columns=2, markers=False, panels=_densities((0.01, 0.001), spins=True)),
)
def figure_3(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Densities of states with equal charge and spin coupling."""
    return _by_velocity(_spectra(ALONG, (0.01, 0.001)), (0.01, 0.001))


@claim(
    "Fig. 3",
    "side peaks and central peak belong to opposite spins",
    near("central peak of the one less eps_0 (meV)", 0, STEP),
    above("distance of the side peaks of the other over the broadening", 1),
    below("density of the other spin at each peak over that of its own", 0.5),
)
def branches(figure_3: Parts) -> Numbers:
    side, central = (
        figure_3[f"c = 0.001 {spin}"].spectral_density.sel(thermal_energy=20.0)
        for spin in ("up", "down")
    )
    outer, inner = np.sort(_peaks(side)[:2]), _peaks(central)[0]
    shares = [*(central / side).sel(energy=outer).values, float((side / central).sel(energy=inner))]
    return inner - LEVEL, np.abs(outer - LEVEL) / SecondOrder().broadening, shares


@figure(
    "Spin densities at c = 0.001 and what is filled of them",
    plot=Plot(
        columns=2,
        markers=False,
        panels=tuple(
            Panel(source=f"T = {T:g}", x="energy", y=y, by="spin", title=f"$k_BT = {T:g}$ meV")
            for T in (0.1, 1.0, 30.0)
            for y in ("spectral_density", "filled")
        ),
    ),
    setting=f"level = {LEVEL} meV, charge_coupling = {COUPLING} meV, spin_coupling = {ALONG} meV, c = 0.001; second-order",
)
def figure_4(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Spin densities and what is filled of them, at three temperatures."""
    out = {}
    for T in (0.1, 1.0, 30.0):
        model = _model(ALONG, 0.001, thermal_energy=T, energy=ENERGIES)
        ds = vibration.solve(model, SecondOrder(), observables=["spectral_density"])
        filled = ds.spectral_density * xr.DataArray(fermi(ENERGIES / T), dims="energy")
        filled.attrs = {"units": "1/meV", "symbol": r"fA_\sigma"}
        out[f"T = {T:g}"] = xr.Dataset({"spectral_density": ds.spectral_density, "filled": filled})
    return out


def _moments(spin: Sequence[float], workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The moment along the coupling by window, by second order and exactly."""
    out = {}
    for n, method in enumerate(THREE):
        ds = vibration.solve(
            _model(spin),
            method,
            over={"phonon_velocity": VELOCITIES, "thermal_energy": TEMPERATURES},
            observables=["moment", "crossover"],
            workers=workers,
        )
        factor = ds.moment.sel(component="z", drop=True)
        factor.attrs = {"units": "1", "symbol": "M"}
        out[method.name] = xr.Dataset({"factor": factor, "crossover": ds.crossover})
        progress(n + 1, len(THREE))
    return out


@figure(
    "Moment for one spin component: emulated window, second order, exact",
    plot=Plot(columns=3, markers=False, panels=_moment_panels()),
    setting=f"level = {LEVEL} meV, charge_coupling = {COUPLING} meV, spin_coupling = {ALONG} meV; {SIDE_BY_SIDE}",
)
def figure_5(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The moment for one spin component."""
    return _moments(ALONG, workers, progress)


def _sign_changes(figure: Parts, *methods: str) -> Array:
    """How often the moment changes its sign between 0.5 and 100 meV, at each velocity."""
    signs = [np.sign(figure[method].factor).values for method in methods]
    return np.asarray([(np.diff(s, axis=-1) != 0).sum(axis=-1) for s in signs]).ravel()


@claim(
    "Fig. 5",
    "with one spin component the moment changes its sign at a temperature",
    near("sign changes of the second order from 0.5 to 100 meV, each velocity", 1, 0),
    departs=NO_SIGN_CHANGE,
)
def crossover_one(figure_5: Parts) -> Numbers:
    return _sign_changes(figure_5, "second-order")


@claim(
    "Fig. 5",
    "the slower the vibrations, the larger the moment",
    falls("second-order moment at 30 meV against the velocity"),
)
def velocity(figure_5: Parts) -> Numbers:
    return np.abs(figure_5["second-order"].factor.sel(thermal_energy=30, method="nearest").values)


@erratum(
    "Figs. 5, 7",
    "the sign changes at T_xo",
    "there is no sign change without a window, exactly neither; a window makes one",
    near("sign changes by second order and exactly, each velocity and both figures", 0, 0),
    near("sign changes with the window of the plots", 1, 0),
)
def no_crossover(figure_5: Parts, figure_7: Parts) -> Numbers:
    true, cut = (
        np.concatenate([_sign_changes(figure, *methods) for figure in (figure_5, figure_7)])
        for methods in (("second-order", "exact"), ("windowed",))
    )
    return true, cut


@erratum(
    "Figs. 5, 7",
    "T_xo is universal, a property of level and vibrations",
    "T_xo is that of window and broadening, [pi eps_0 W^3/(16 eta)]^(1/3), at any velocity",
    near("T_xo over the law for three windows", 1, 0.05),
    below("spread of T_xo over the velocities, both figures", 0.05),
)
def window_law(figure_5: Parts, figure_7: Parts) -> Numbers:
    ratios = []
    for W, eta in ((2.5, 0.1), (5.0, 0.1), (5.0, 0.05)):
        crossing = Windowed(window=W, broadening=eta).crossing(_model(ALONG, 0.05))
        ratios.append(crossing.thermal_energies[0] / (np.pi * LEVEL * W**3 / (16 * eta)) ** (1 / 3))
    roots = [f["windowed"].crossover[:, 0, 0].values for f in (figure_5, figure_7)]
    return ratios, [float(np.ptp(r) / r.mean()) for r in roots]


@figure(
    "Densities of spin up and down for coupling along x and z",
    plot=Plot(columns=2, markers=False, panels=_densities((0.01, 0.001), spins=True)[2:]),
)
def figure_6(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Densities of states of spin up and down for coupling along x and z."""
    return _by_velocity(_spectra(DIAGONAL, (0.01, 0.001)), (0.01, 0.001))


@claim(
    "Fig. 6",
    "four resonances, those of the + equation heavier on the side ones",
    near("their places over the spread, less +-sqrt 2 +- 1", 0, 0.01),
    near("weight of spin up on the side ones, less (2 + sqrt 2)/4", 0, 5e-3),
)
def four_peaks() -> Numbers:
    model = _model(DIAGONAL, 0.001, thermal_energy=20.0)
    level = level_of(model)
    values, vectors = np.linalg.eigh(star_matrix(level, self_energy_poles(level)))
    places = (values - LEVEL) / (COUPLING * np.sqrt(bath(model).variance(20.0)))
    up, root = np.abs(vectors[0]) ** 2, np.sqrt(2)
    expected = np.array([-root - 1, 1 - root, root - 1, root + 1])
    weights = np.where(np.abs(places - expected[:, None]) < 0.25, up, 0)
    found = (weights @ places) / weights.sum(axis=1)
    return found - expected, weights[[0, 3]].sum() - (2 + root) / 4


@erratum(
    "Sec. on Fig. 6",
    "an overweight of the spin density at the side resonances",
    "both spins hold one state; the window cuts the tails, more at the side resonances",
    near("norm of both spins", 1, 1e-12),
    above("weight inside the window, central branch less side branch", 0),
)
def overweight(figure_3: Parts) -> Numbers:
    level = level_of(_model(ALONG, 0.001, thermal_energy=20.0))
    _, vectors = np.linalg.eigh(star_matrix(level, self_energy_poles(level)))
    side, central = (
        figure_3[f"c = 0.001 {s}"].spectral_density.sel(thermal_energy=20.0).sum()
        for s in ("up", "down")
    )
    return (np.abs(vectors[:2]) ** 2).sum(axis=1), float(central - side) * STEP


@figure(
    "Moment factor for two spin components: emulated window, second order, exact",
    plot=Plot(columns=3, markers=False, panels=_moment_panels()),
    setting=f"level = {LEVEL} meV, charge_coupling = {COUPLING} meV, spin_coupling = {DIAGONAL} meV; {SIDE_BY_SIDE}",
)
def figure_7(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The moment for two spin components."""
    return _moments(DIAGONAL, workers, progress)


@claim(
    "Fig. 7",
    "with two spin components the moment changes its sign at a temperature",
    near("sign changes of the second order from 0.5 to 100 meV, each velocity", 1, 0),
    departs=NO_SIGN_CHANGE,
)
def crossover_two(figure_7: Parts) -> Numbers:
    return _sign_changes(figure_7, "second-order")


@claim(
    "Sec. on Fig. 7",
    "the moment grows when a z component is added",
    above("|m| with it over |m| without, second order, each temperature at c = 0.01", 1),
)
def diagonal(figure_5: Parts, figure_7: Parts) -> Numbers:
    one, two = (f["second-order"].factor.sel(phonon_velocity=0.01) for f in (figure_5, figure_7))
    return np.abs(two * np.sqrt(2) / one).values


@figure(
    "Five theories of one model, and the spectrum at slow vibrations",
    plot=Plot(
        columns=3,
        markers=False,
        panels=(
            Panel(
                source="ladder",
                x="thermal_energy",
                y="size",
                by="solved_by",
                x_scale="log",
                y_scale="log",
            ),
            Panel(
                source="ladder",
                x="thermal_energy",
                y="share",
                by="solved_by",
                x_scale="log",
                limits=(-2.0, 1.5),
            ),
            Panel(source="spectra", x="energy", y="spectral_density", by="curve"),
        ),
    ),
    setting=f"level = {LEVEL} meV, charge_coupling = {COUPLING} meV, spin_coupling = {ALONG} meV, c = 0.01; (c) c = 0.001, "
    "k_BT = 20 meV",
)
def ladder(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Five theories of one model: the size of the moment and its share of the exact one."""
    ds = vibration.solve(
        _model(ALONG),
        list(LADDER),
        over={"thermal_energy": np.geomspace(0.5, 50.0, 25)},
        observables=["moment", "crossover_count"],
        workers=workers,
        progress=progress,
    )
    m = ds.moment.sel(component="z", drop=True)
    size = np.abs(m).assign_attrs(units="1", symbol="|m|")
    share = (m / m.sel(solved_by="exact")).assign_attrs(units="1", symbol=r"m/m_\mathrm{exact}")
    spectra = []
    slow = _model(ALONG, 0.001, thermal_energy=20.0, energy=np.linspace(-5, 5, 201))
    for method in (Exact(), SCBA(), SecondOrder()):
        one = vibration.solve(slow, method, observables=["spectral_density"])
        spectra.append(one[["spectral_density"]].sel(spin="up", drop=True))
    names = xr.Variable("curve", ["exact", "scba", "second-order"])
    return {
        "ladder": xr.Dataset({"size": size, "share": share, "count": ds.crossover_count}),
        "spectra": xr.concat(spectra, names),
    }


@erratum(
    "below Eq. (10)",
    "the Hartree contribution vanishes",
    "it dominates: without it 1 - 2f of the moment is left",
    near("share of the exact moment near 10 meV, self-consistent with Hartree", 1, 1e-3),
    near("share of the second order over 1 - 2f", 1, 0.01),
)
def hartree(ladder: Parts) -> Numbers:
    share = ladder["ladder"].share.sel(thermal_energy=10.0, method="nearest")
    left = np.tanh(LEVEL / 2 / float(share.thermal_energy))
    return float(share.sel(solved_by="scba-hartree")), float(
        share.sel(solved_by="second-order") / left
    )


@figure(
    "Eqs. (14) and (16), printed and corrected, beside the second-order moment",
    plot=Plot(
        columns=2,
        markers=False,
        panels=tuple(
            Panel(
                source=key, x="thermal_energy", y="factor", by="curve", x_scale="log", legend=True
            )
            for key in ("one", "two")
        ),
    ),
    setting=f"level = {LEVEL} meV, charge_coupling = {COUPLING} meV, c = 0.01; spin_coupling = {ALONG} meV (a), "
    f"{DIAGONAL} meV (b); second-order",
)
def errata(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Eqs. (14) and (16) as printed and corrected, against the moment itself."""
    temperatures = np.geomspace(0.5, 100.0, 40)
    columns: dict[str, list[float]] = {
        "as solved": [],
        "Eq. (14) printed": [],
        "Eq. (14) corrected": [],
    }
    other: dict[str, list[float]] = {
        "as solved": [],
        "Eq. (16) printed": [],
        "Eq. (16) corrected": [],
    }
    for T in temperatures:
        f = float(fermi(LEVEL / T))
        strong = _filled(_model(ALONG, thermal_energy=T))
        columns["as solved"].append(_along(_model(ALONG, thermal_energy=T)))
        columns["Eq. (14) corrected"].append(-f / 2 + strong[-1] / 2)
        columns["Eq. (14) printed"].append(f / 2 - strong[-1] / 4)
        n = _filled(_model(DIAGONAL, thermal_energy=T))
        other["as solved"].append(_along(_model(DIAGONAL, thermal_energy=T)))
        other["Eq. (16) corrected"].append(np.sqrt(2) / 4 * (n[1] - n[0]))
        other["Eq. (16) printed"].append(-np.sqrt(2) / 8 * (n[1] - n[0]))
    progress(1, 1)
    return {
        "one": _table(temperatures, "factor", "M", columns),
        "two": _table(temperatures, "factor", "M", other),
    }


def _along(model: Vibration) -> float:
    return float(SecondOrder().solve(model).moment[2])


def _filled(model: Vibration) -> Array:
    """Occupation of the weak and the strong channel at second order."""
    return np.asarray(np.linalg.eigvalsh(SecondOrder().solve(model).density))


def _table(x: Array, name: str, symbol: str, columns: Mapping[str, Sequence[float]]) -> xr.Dataset:
    axis = xr.Variable("thermal_energy", x, {"units": "meV", "symbol": "k_BT"})
    values = xr.Variable(
        ("curve", "thermal_energy"),
        np.array(list(columns.values())),
        {"units": "1", "symbol": symbol},
    )
    return xr.Dataset({name: values}, coords={"curve": list(columns), "thermal_energy": axis})


def _departures(errata: Parts, key: str) -> tuple[float, float]:
    """How far the corrected and the printed integral are from the moment at most."""
    moment, printed, corrected = errata[key].factor.values
    return float(np.abs(corrected - moment).max()), float(np.abs(printed - moment).max())


@erratum(
    "Eq. (14)",
    "f(eps_0)/2 and Im int/4 pi: tends to 1/8 when hot",
    "the opposite sign, and twice the integral",
    below("corrected less the moment, at most", 1e-14),
    above("printed less the moment, at most", 1e-4),
)
def printed_14(errata: Parts) -> Numbers:
    return _departures(errata, "one")


@erratum(
    "Eq. (16)",
    "sqrt 2/4 without Im",
    "Im, the opposite sign and twice the integral",
    below("corrected less the moment, at most", 1e-14),
    above("printed less the moment, at most", 1e-4),
)
def printed_16(errata: Parts) -> Numbers:
    return _departures(errata, "two")


@erratum(
    "Eq. (10)",
    "Sigma = +(1/beta) sum G D",
    "Sigma = -(1/beta) sum G D",
    near("sum over 400 001 frequencies over Eq. (11)", -1, 1e-5),
)
def loop_sign() -> Numbers:
    T, z = 0.7, 0.7j * np.pi
    model = Vibration(
        bath="einstein", phonon_energy=1.0, thermal_energy=T, spin_coupling=(0, 0, 0),
        charge_coupling=0.2, level=0.3,
    )  # fmt: skip
    nu = 2 * np.pi * T * np.arange(-200_000, 200_001)
    summed = T * np.sum(1 / (z - 1j * nu - 0.3) * -2 / (nu**2 + 1)) * 0.04
    closed = self_energy(self_energy_poles(level_of(model)), np.array([z]))[0, 0, 0]
    return complex(summed / closed).real


@erratum(
    "Eq. (13)",
    "sigma_0 + sigma_x with the free pole",
    "sigma_0 - sigma_x is free, sigma_0 + sigma_x couples with 4 u0^2",
    near("sigma_x of the channel that couples", 1, 1e-12),
    below("coupling of the other over its own", 1e-20),
)
def exclusive() -> Numbers:
    split = channels(level_of(_model((COUPLING, 0.0, 0.0))))
    assert split is not None
    vectors, _, couplings = split
    strength = np.abs(couplings[0]) ** 2
    strong = vectors[:, int(np.argmax(strength))]
    return float((strong.conj() @ PAULI[0] @ strong).real), strength.min() / strength.max()


def _constant_self_energy(v: Array, energy: complex, T: float) -> tuple[Array, complex, complex]:
    """Exact moment for constant eps_1 + Sigma_1 = v and eps_0 + V + Sigma_0, and both poles."""
    r = np.sqrt((v**2).sum() + 0j)
    poles = energy + r, energy - r
    psi = [digamma(0.5 + 1j * E / (2 * np.pi * T)) for E in poles]
    return -np.imag(v / (2 * r) * (psi[0] - psi[1])) / np.pi, *poles


@erratum(
    "Eqs. (7), (8)",
    "1/2 pi and a ratio of widths; (8) has 1/gamma",
    "1/2, no ratio, and the sign of the width",
    below("corrected less exact, narrow lines", 2e-3),
    above("printed less exact", 1e-2),
)
def peak_values() -> Numbers:
    T, gamma, splitting, width = 0.5, 0.002, 0.3, 0.0005
    exact, *poles = _constant_self_energy(
        np.array([0, 0, splitting - 1j * width]), 0.1 - 1j * gamma, T
    )
    corrected = printed = 0.0
    for s, pole in zip((1, -1), poles, strict=True):
        own, other = gamma + s * width, gamma - s * width
        f, bottom = float(fermi(pole.real / T)), splitting**2 + (other / 2) ** 2
        corrected += 0.5 * s * f * (splitting**2 - s * other / 2 * width) / bottom
        ratio = (other / own) ** 2
        printed += s * f * ratio * (splitting**2 + own / 2 * width) / bottom / (2 * np.pi)
    return abs(corrected - exact[2]), abs(printed - exact[2])


@erratum(
    "Eqs. (5c), (6)",
    "Lambda_1 and Gamma_1 as magnitudes",
    "signed components",
    above("moment with signed components less that with magnitudes", 1e-3),
)
def signed_parts() -> Numbers:
    signed, magnitudes = (
        _constant_self_energy(np.array([0, 0, v]), 0.1 - 0.2j, 0.5)[0][2]
        for v in (0.3 + 0.1j, 0.3 - 0.1j)
    )
    return abs(signed - magnitudes)


@erratum(
    "below Eq. (8)",
    "a moment only if interactions and a reservoir of electrons coexist",
    "no reservoir of electrons is needed",
    misprint("moment at gamma = 0", 0, by=1e-6),
    near("moment at gamma = 0.001 over it", 1, 0.05),
)
def without_reservoir() -> Numbers:
    alone, coupled = (_along(_model(ALONG, 0.001, reservoir_coupling=g)) for g in (0.0, 0.001))
    return alone, coupled / alone


@erratum(
    "introduction to Eq. (9)",
    "time reversal is broken by inelastic scattering",
    "the coupling is odd itself: momentum times spin is even, scatters as well, and makes no moment",
    below("odd share of momentum times spin", 1e-12),
    below("its moment", 1e-15),
    above("moment of displacement times spin", 1e-15),
)
def explicit_breaking() -> Numbers:
    odd, even = _model(ALONG), _model((0, 0, 0)).replace(momentum_coupling=ALONG)
    moments = [float(np.linalg.norm(Exact().solve(m).moment)) for m in (even, odd)]
    return broken_time_reversal(level_of(even)), *moments


@erratum(
    "below Eq. (12)",
    "chiral phonons with u_q x u_-q different from zero polarise the spin",
    "a pair of equal energy cancels",
    below("|m| of a pair +q, -q of equal energy", 1e-14),
    above("of unequal energy", 1e-5),
)
def chiral_pair() -> Numbers:
    u = 0.1 * (PAULI[0] + 1j * PAULI[1])
    pairs = (
        Vibration(
            bath="modes", mode_energies=[1.0, w], mode_couplings=[u, u.conj().T],
            level=0.3, thermal_energy=0.5,
        )
        for w in (1.0, 1.3)
    )  # fmt: skip
    return tuple(float(np.linalg.norm(SecondOrder().solve(pair).moment)) for pair in pairs)


CONTENTS = Contents(
    equations=("1-4", "5a-5c", "6-10", "11a-11b", "12a-12b", "13-16"),
    figures=("1a-1b", "2a-2d", "3a-3d", "4", "5", "6a-6d", "7"),
    tables=(),
)

ROWS = (
    without_number("Eq. (1)", "Dyson equation", "definition"),
    by_command(
        "Eqs. (2)-(4)",
        "Green function, poles and spin part of a level with bare field and self-energy",
        "solve vibration --method second-order --set level_splitting=[0,0,0.05] --observables green_function",
    ),
    without_number(
        "Eqs. (5a), (5b)", "lambda, gamma, Lambda_0, Gamma_0", "definition; (6)-(8) are checked"
    ),
    without_number(
        "Eq. (9)",
        "coupling to displacements",
        "the model itself: charge_coupling, spin_coupling",
    ),
    by_command(
        "Eqs. (11a), (11b)",
        "self-energy of the bare level with a splitting",
        "solve vibration --method second-order --set level_splitting=[0.05,0,0] --observables self_energy",
    ),
    by_command(
        "Eqs. (12a), (12b)",
        "charge and spin part of the Green function",
        "solve vibration --method second-order --observables green_function",
    ),
    by_command(
        "Eq. (15)",
        "two branches that mix for u_1 = u_0 (1, 0, 1)",
        "solve vibration --method second-order --set spin_coupling=[0.01,0,0.01]",
    ),
    without_number(
        "Figs. 1a, 1b", "processes with and without spin flips", "drawings without numbers"
    ),
    by_command(
        "Sec. on Fig. 3",
        "side peaks move outwards when it is warmer, more for the lower velocity, and the central one falls: "
        "0.31 to 0.63 and 1.00 to 2.00 meV from eps_0, 3.49 to 3.26 and 3.22 to 3.19 1/meV, from 5 to 20 meV",
        "solve vibration --method second-order --set spin_coupling=[0.01,0,0] "
        "--over thermal_energy=5,20 --over phonon_velocity=0.01,0.001 --observables spectral_density",
    ),
    by_command(
        "Fig. 4",
        "occupied part of each branch at three temperatures",
        "solve vibration --method second-order --set phonon_velocity=0.001 --over thermal_energy=0.1,1,30",
    ),
    without_number(
        "inset of Fig. 4",
        "dispersions of three velocities",
        "a drawing; colours differ in caption (cyan, purple, green) and text (blue, red, black)",
    ),
    without_number(
        "caption of Fig. 6",
        "temperatures 1, 5, 10, 30; the legend says 1, 5, 10, 15, 20",
        "which was drawn cannot be told; the claims hold for both",
    ),
    without_number(
        "Sec. on Fig. 6",
        "panels (a), (c) against (b), (d)",
        "by the caption these are the velocities; the spins are (a), (b) against (c), (d)",
    ),
    without_number(
        "introduction",
        "(V_0 + V_1.sigma)^2 has a term 2 V_0 V_1.sigma",
        "algebra of Pauli matrices",
    ),
)
