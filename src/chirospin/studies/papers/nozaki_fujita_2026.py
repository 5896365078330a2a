"""Magnetoresistance in chiral systems driven by inter-band spin-orbit coupling.

Energies in units of t = t_aa. The paper gives no ranges for the axes of its scans: U in [0, 8],
t_bb in [0, 1], gamma in [0.01, 1].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.junction import GKSL, Junction, Landauer, MeanField
from chirospin.studies.contents import Contents, by_command, without_number
from chirospin.studies.expectation import (
    Expectation,
    above,
    below,
    between,
    misprint,
    near,
    order,
    printed,
    rises,
)
from chirospin.studies.registry import Claim, Numbers, Parts, Progress, claim, erratum, figure

Array = NDArray[np.float64]
GAPS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
FILLINGS = np.linspace(0.5, 1.0, 26)
LINEAR = 6  # of them, up to 0.6
REPULSIONS = np.linspace(0.0, 8.0, 51)
HOPPINGS = np.linspace(0.0, 1.0, 51)
COUPLINGS = np.geomspace(0.01, 1.0, 49)
LEAD_POLARISATIONS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0)
WEAK_COUPLINGS = np.geomspace(0.004, 0.0095, 10)
"""Below the range of the figure: where the second maximum at epsilon = 1.4 must be looked for."""
SMALL_REPULSIONS = np.linspace(0.0, 2.0, 41)
SCANS = {
    "repulsion": ("hubbard", REPULSIONS),
    "hopping": ("hopping_b", HOPPINGS),
    "coupling": ("coupling", COUPLINGS),
}
ONLY_INTRA = {"hubbard_ab_singlet": 0.0, "hubbard_ab_triplet": 0.0}
ONLY_INTER = {"hubbard_a": 0.0, "hubbard_b": 0.0}
CASES: dict[str, dict[str, float]] = {
    "a": {"coupling_b": 0.0, **ONLY_INTRA},
    "b": {"coupling_b": 0.0, **ONLY_INTER},
    "c": {"coupling_b": 0.0},
    "d": ONLY_INTRA,
    "e": ONLY_INTER,
    "f": {},
}


def _scan(workers: int, progress: Progress, *, method: Any = None, **over: Any) -> xr.Dataset:
    return junction.solve(
        Junction(),
        method,
        over={"energy_b": GAPS, **over},
        workers=workers,
        progress=progress,
        on_failure="record",
    )


AXES = {
    "occupation_left": "$f_L$",
    "hubbard": "$U/t$",
    "hopping_b": "$t_{bb}/t$",
    "coupling": r"$\gamma/t$",
    "spin_polarisation": r"$P_\mathrm{MR}$",
    "mean_current": r"$(I^\uparrow + I^\downarrow)/2$  ($q\,t/\hbar$)",
}


def _pair(source: str, x: str, mark: float | None, scale: Any = "linear") -> list[Panel]:
    return [
        Panel(
            source=source,
            x=x,
            y=y,
            by="energy_b",
            by_label=r"\varepsilon/t",
            mark=mark,
            x_scale=scale,
            x_label=AXES[x],
            y_label=AXES[y],
        )
        for y in ("mean_current", "spin_polarisation")
    ]


_SCAN_PANELS = list(
    zip(
        _pair("repulsion", "hubbard", 4.0),
        _pair("hopping", "hopping_b", 0.2),
        _pair("coupling", "coupling", 0.1, "log"),
        strict=True,
    )
)


@figure(
    "Mean current and polarisation against the occupation f_L",
    plot=Plot(columns=2, panels=tuple(_pair("filling", "occupation_left", None))),
    quick={"fillings": FILLINGS[[*range(LINEAR), 10, 14, 18, 21, 23, 24, 25]]},
)
def figure_2(workers: int, progress: Progress, fillings: Array = FILLINGS) -> dict[str, xr.Dataset]:
    """Both quantities against f_L with f_R = 1 - f_L."""
    parts = []
    for n, f in enumerate(fillings):
        model = Junction(occupation_left=f, occupation_right=1 - f)
        parts.append(junction.solve(model, over={"energy_b": GAPS}, on_failure="record"))
        progress(n + 1, len(fillings))
    filling = xr.Variable("occupation_left", fillings, {"units": "1", "symbol": "f_L"})
    return {
        "filling": xr.concat(
            parts,
            filling,
            combine_attrs="drop_conflicts",
            data_vars="all",
            coords="minimal",
            compat="override",
            join="outer",
        )
    }


@claim(
    "Fig. 2a",
    "the current is linear at low f_L and below the line at high f_L, for every epsilon",
    below("bend up to f_L = 0.6 over the current there", 0.05),
    below("I(1) over the linear law", 1),
)
def current_linear_then_bent(figure_2: Parts) -> Numbers:
    current = figure_2["filling"].mean_current.transpose("occupation_left", "energy_b").values
    low = FILLINGS[:LINEAR] - 0.5
    slope = np.polyfit(low, current[:LINEAR], 1)[0]
    bend = np.abs(current[:LINEAR] - slope * low[:, None]).max(axis=0) / current[LINEAR - 1]
    return bend, current[-1] / (slope * 0.5)


@erratum(
    "Sec. III.1",
    "the current decreases at high f_L for every epsilon",
    "it decreases near f_L = 1 except at epsilon = 1.4",
    below("I(1)/max I for epsilon = 0.4 to 1.2", 1),
    near("for epsilon = 1.4", 1, 0),
    source="paper-text",
)
def current_falls(figure_2: Parts) -> Numbers:
    current = figure_2["filling"].mean_current
    share = (current.sel(occupation_left=1) / current.max("occupation_left")).values
    return share[:-1], share[-1]


@claim(
    "Fig. 2a",
    "at f_L = 1 the current is smaller for smaller epsilon",
    rises("I(1) for epsilon = 0.4 to 1.4"),
)
def current_grows_with_epsilon(figure_2: Parts) -> Numbers:
    return figure_2["filling"].mean_current.sel(occupation_left=1).values


@claim(
    "Fig. 2b",
    "|P| is nearly zero at low f_L and rises rapidly towards f_L = 1",
    below("largest |P| below f_L = 0.7 over |P(1)|, each epsilon", 0.05),
)
def polarisation_rises_late(figure_2: Parts) -> Numbers:
    P = np.abs(figure_2["filling"].spin_polarisation)
    low = P.where(P.occupation_left < 0.7).max("occupation_left")
    return (low / P.sel(occupation_left=1)).values


@claim(
    "Fig. 2b",
    "|P| at f_L = 1 is not monotonic in epsilon",
    above("largest step of |P| from one epsilon to the next", 0),
    below("smallest step", 0),
)
def polarisation_not_monotonic(figure_2: Parts) -> Numbers:
    steps = np.diff(np.abs(figure_2["filling"].spin_polarisation.sel(occupation_left=1)))
    return steps.max(), steps.min()


@figure(
    "Mean current and polarisation against U, t_bb and gamma",
    plot=Plot(columns=3, panels=_SCAN_PANELS[0] + _SCAN_PANELS[1]),
    quick={"every": (2, 5, 4)},
)
def figure_3(
    workers: int, progress: Progress, every: Sequence[int] = (1, 1, 1)
) -> dict[str, xr.Dataset]:
    """Both quantities against U, t_bb and gamma: about 1 800 steady states."""
    scans = {
        key: (name, values[::step])
        for (key, (name, values)), step in zip(SCANS.items(), every, strict=True)
    }
    total = len(GAPS) * sum(len(values) for _, values in scans.values())
    done, out = 0, {}
    for key, (name, values) in scans.items():

        def report(n: int, _of: int, before: int = done) -> None:
            progress(before + n, total)

        out[key] = _scan(workers, report, **{name: values})
        done += len(GAPS) * len(values)
    return out


@claim(
    "Fig. 3a-c",
    "overall, the current grows as U falls and as t_bb and gamma grow, for every epsilon",
    below("I(U = 8)/I(U = 0)", 1),
    above("I(t_bb = 1)/I(t_bb = 0)", 1),
    above("I(gamma = 1)/I(gamma = 0.01)", 1),
)
def current_trends(figure_3: Parts) -> Numbers:
    currents = [figure_3[key].mean_current.transpose(name, ...) for key, (name, _) in SCANS.items()]
    return tuple((current[-1] / current[0]).values for current in currents)


@erratum(
    "Sec. III.2",
    "the current increases as epsilon decreases (III.1 says the opposite)",
    "it grows with epsilon",
    rises("I for epsilon = 0.4 to 1.4 at U = 4, t_bb = 0.2"),
    source="paper-text",
)
def current_with_epsilon(figure_3: Parts) -> Numbers:
    return figure_3["hopping"].mean_current.sel(hopping_b=0.2, method="nearest").values


def _first_minimum(figure_3: Parts, gap: float) -> tuple[float, float]:
    """Position and depth of the first minimum of P(U), by a parabola through three points."""
    curve = figure_3["repulsion"].spin_polarisation.sel(energy_b=gap)
    P, U = curve.values, curve.hubbard.values
    k = np.flatnonzero((P[1:-1] < P[:-2]) & (P[1:-1] < P[2:]) & (P[1:-1] < -0.01))[0] + 1
    a, b, c = np.polyfit(U[k - 1 : k + 2], P[k - 1 : k + 2], 2)
    return float(-b / (2 * a)), float(c - b * b / (4 * a))


@claim(
    "Fig. 3d",
    "P(U) has minima for epsilon = 0.4, 0.6, 0.8, which move to larger U",
    rises("U of the first minimum"),
)
def minima_shift(figure_3: Parts) -> Numbers:
    return [_first_minimum(figure_3, gap)[0] for gap in (0.4, 0.6, 0.8)]


@erratum(
    "Sec. III.2",
    "the largest |P| is at U = 5.0, epsilon = 0.8, where P = -0.3",
    "P(5.0) rounds to -0.3, but |P| still grows there",
    printed("P(5.0)", "-0.3"),
    misprint("U of the minimum", 5.0, by=0.05),
    below("P there less P(5.0)", 0),
    source="paper-text",
)
def largest_in_repulsion(figure_3: Parts) -> Numbers:
    where, depth = _first_minimum(figure_3, 0.8)
    exact = junction.solve(Junction().replace(hubbard=5.0), observables=["spin_polarisation"])
    at_five = float(exact.spin_polarisation)
    return at_five, where, depth - at_five


@claim(
    "Fig. 3e",
    "a resonance of P in t_bb for every epsilon; P = 0 at t_bb = 0 and t_bb = t",
    between("t_bb of the largest |P|", 0, 1),
    near("|P(0)|", 0, 1e-9),
    below("|P(t)| over the largest", 0.01),
)
def hopping_resonance(figure_3: Parts) -> Numbers:
    P = np.abs(figure_3["hopping"].spin_polarisation)
    zero, full = (P.sel(hopping_b=t).values for t in (0, 1))
    return P.idxmax("hopping_b").values, zero, full / P.max("hopping_b").values


@claim(
    "Sec. III.2",
    "the resonance is roughly where the current reaches 0.02",
    order("mean current at the peak, each epsilon", 0.02),
)
def resonance_current(figure_3: Parts) -> Numbers:
    scan = figure_3["hopping"]
    peak = np.abs(scan.spin_polarisation).idxmax("hopping_b")
    return scan.mean_current.sel(hopping_b=peak).values


@claim(
    "Sec. III.2",
    "the largest |P| of the t_bb scan is at t_bb = 0.2, epsilon = 0.8, where P = -0.28",
    printed("P of the largest |P|", "-0.28"),
    printed("t_bb of it", "0.2"),
    near("epsilon of it", 0.8, 1e-9),
    departs="no t_bb makes more than 0.27",
)
def hopping_peak(figure_3: Parts) -> Numbers:
    P = figure_3["hopping"].spin_polarisation
    largest = P.isel(np.abs(P).argmax(...))
    return float(largest), float(largest.hopping_b), float(largest.energy_b)


@erratum(
    "Sec. III.2",
    "P = -0.28 in the t_bb scan and -0.24 in the gamma scan, at the same parameters",
    "P(t_bb = 0.2, epsilon = 0.8) is -0.24",
    misprint("P in the t_bb scan", -0.28, by=0.005),
    printed("P in both", "-0.24"),
    near("their difference", 0, 1e-9),
    source="paper-text",
)
def same_point_two_values(figure_3: Parts) -> Numbers:
    hopping, coupling = (
        figure_3[k].spin_polarisation.sel(energy_b=0.8) for k in ("hopping", "coupling")
    )
    one = float(hopping.sel(hopping_b=0.2, method="nearest"))
    other = float(coupling.sel(coupling=0.1, method="nearest"))
    return one, [one, other], one - other


@claim(
    "Fig. 3f",
    "the largest |P| of the gamma scan is at gamma = 0.1, epsilon = 0.8, where P = -0.24",
    printed("P there", "-0.24"),
    near("epsilon of the largest |P|", 0.8, 1e-9),
    near("gamma of it", 0.1, 0.05),
)
def coupling_peak(figure_3: Parts) -> Numbers:
    P = figure_3["coupling"].spin_polarisation
    largest = P.isel(np.abs(P).argmax(...))
    at_tenth = P.sel(energy_b=0.8).sel(coupling=0.1, method="nearest")
    return float(at_tenth), float(largest.energy_b), float(largest.coupling)


@claim(
    "Fig. 3f",
    "epsilon = 1.2, 1.4: two local maxima and one local minimum of |P|(gamma)",
    near("maxima", 2, 0),
    near("minima", 1, 0),
)
def weak_coupling_dependence(figure_3: Parts) -> Numbers:
    maxima, minima = [], []
    for gap in (1.2, 1.4):
        weaker = junction.solve(Junction(energy_b=gap), over={"coupling": WEAK_COUPLINGS})
        inside = figure_3["coupling"].spin_polarisation.sel(energy_b=gap)
        P = np.concatenate([weaker.spin_polarisation.values, inside.values])
        turns = np.diff(np.sign(np.diff(np.abs(P))))
        maxima.append(int((turns < 0).sum()))
        minima.append(int((turns > 0).sum()))
    return maxima, minima


@claim("Abstract", "P exceeds 25 %", above("largest |P| of the U scan", 0.25))
def beyond_a_quarter(figure_3: Parts) -> Numbers:
    return float(np.abs(figure_3["repulsion"].spin_polarisation).max())


@figure(
    "Mean field (a, b) and exact (c, d) at small U",
    plot=Plot(
        columns=2,
        panels=tuple(_pair("mean-field", "hubbard", None) + _pair("gksl", "hubbard", None)),
    ),
    quick={"repulsions": [0.05, 0.1, 0.3, 0.5, 1.0]},
)
def figure_4(
    workers: int, progress: Progress, repulsions: Array = SMALL_REPULSIONS
) -> dict[str, xr.Dataset]:
    """Mean field, on the branch from U = 0 as far as it reaches, beside the exact result at small U."""
    methods = [MeanField(others=False), GKSL()]
    both = _scan(workers, progress, method=methods, hubbard=repulsions)
    return {name: both.sel(solved_by=name) for name in ("mean-field", "gksl")}


@claim(
    "Fig. 4",
    "for U up to 0.5 mean field reproduces the currents well",
    below("largest departure of the current", 0.02),
)
def mean_field_current(figure_4: Parts) -> Numbers:
    mean, exact = (
        figure_4[k].mean_current.sel(hubbard=slice(0, 0.5)) for k in ("mean-field", "gksl")
    )
    return float(np.abs(mean / exact - 1).max())


@claim(
    "Fig. 4",
    "for U up to 0.5 mean field reproduces the polarisation well",
    below("largest departure of P over the largest |P| there, each epsilon", 0.1),
    departs="P is of the order of 0.001 there, and mean field is off by as much",
)
def mean_field_small_polarisation(figure_4: Parts) -> Numbers:
    mean, exact = (
        figure_4[k].spin_polarisation.sel(hubbard=slice(0, 0.5)) for k in ("mean-field", "gksl")
    )
    return (np.abs(mean - exact).max("hubbard") / np.abs(exact).max("hubbard")).values


@claim(
    "Fig. 4b, d",
    "mean field departs from the exact P as U grows",
    rises("largest departure at U = 0.05, 0.1, 0.5, 1"),
)
def mean_field_deviates(figure_4: Parts) -> Numbers:
    mean, exact = (figure_4[k].spin_polarisation for k in ("mean-field", "gksl"))
    off = np.abs(mean - exact).max("energy_b")
    return off.sel(hubbard=[0.05, 0.1, 0.5, 1.0], method="nearest").values


@claim(
    "Sec. III.4",
    "the self-consistency converges only for small U",
    between("largest U that plain mixing reaches, epsilon = 0.8, to U = 4", 0, 4),
    near("whether the branch from U = 0 reaches U = 4", 0, 0),
)
def mean_field_fails(figure_4: Parts) -> Numbers:
    beyond = junction.solve(Junction(), MeanField(), on_failure="record")
    plain = junction.solve(
        Junction(),
        MeanField(solver="anderson", depth=0, continuation=0, iterations=400),
        over={"hubbard": [0.05, 0.5, 1.0, 2.0, 4.0]},
        on_failure="record",
    )
    return float(plain.hubbard[plain.converged].max()), bool(beyond.converged)


@erratum(
    "Eq. (15)",
    "exchange with a plus sign",
    "the exchange has a minus sign",
    near("P with a minus over exact P, U = 0.01", 1, 1e-2),
    misprint("P with a plus over it", 1, by=1e-2),
)
def exchange_sign() -> Numbers:
    weak = Junction().replace(hubbard=0.01)
    exact, minus, plus = (
        float(junction.solve(weak, k).spin_polarisation)
        for k in (GKSL(), MeanField(), MeanField(exchange="printed-eq-15"))
    )
    return minus / exact, plus / exact


@figure(
    "Polarisation in six cases of interaction and coupling",
)
def table_2(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The six cases of interaction and coupling."""
    out = {}
    for n, (case, changes) in enumerate(CASES.items()):
        out[case] = junction.solve(Junction(**changes))
        progress(n + 1, len(CASES))
    return out


def _table_case(case: str, expected: Expectation, departs: str = "") -> Claim:
    """The magnitude of P in a case of Table 2."""

    @claim(f"Table 2 ({case})", f"magnitude of P in case ({case})", expected, departs=departs)
    def check(table_2: Parts) -> Numbers:
        return 100 * abs(float(table_2[case].spin_polarisation))

    return replace(check, name=f"table-2-{case}")


case_a = _table_case("a", near("100 |P|", 0, 1e-9))
case_b = _table_case("b", printed("100 |P|", "0.31"))
case_c = _table_case("c", printed("100 |P|", "0.31"))
case_d = _table_case("d", printed("100 |P|", "1.3"), departs="it rounds to 1.4")
case_e = _table_case("e", printed("100 |P|", "1.2"))
case_f = _table_case("f", printed("100 |P|", "24"))


@claim(
    "Table 2",
    "(b) and (c) have the same value: intra-orbital repulsion does not matter for gamma_b = 0",
    near("100 P(b) - 100 P(c)", 0, 1e-8),
)
def table_2_b_equals_c(table_2: Parts) -> Numbers:
    b, c = (100 * float(table_2[case].spin_polarisation) for case in "bc")
    return b - c


@erratum(
    "Sec. III.3",
    "P = 0.031 t in case (b), where Table 2 has -0.31 %",
    "a number without unit, and a tenth of it",
    misprint("|P| of case (b)", 0.031, by=0.0005),
    source="paper-text",
)
def case_b_in_text(table_2: Parts) -> Numbers:
    return abs(float(table_2["b"].spin_polarisation))


@erratum(
    "Table 2",
    "(b), (c) negative, (d)-(f) positive; -0.24 for (f) in text and figures",
    "the table is the other enantiomer of the text",
    below("100 P over the printed value, (b) to (f)", 0),
    near("P of the enantiomers of (f), their sum", 0, 1e-8),
    source="paper-text",
)
def table_2_signs(table_2: Parts) -> Numbers:
    printed_values = {"b": -0.31, "c": -0.31, "d": 1.3, "e": 1.2, "f": 24.0}
    P = {case: float(table_2[case].spin_polarisation) for case in printed_values}
    mirror = float(junction.solve(Junction(handedness=-1)).spin_polarisation)
    return [100 * P[c] / v for c, v in printed_values.items()], P["f"] + mirror


@claim(
    "Sec. III",
    "the two chiralities have opposite P",
    near("P of one over P of the other", -1, 1e-9),
)
def enantiomers() -> Numbers:
    one, other = (float(junction.solve(Junction(handedness=h)).spin_polarisation) for h in (1, -1))
    return one / other


@figure(
    "Appendix A: no polarisation without interaction",
)
def theorem(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """Appendix A: no interaction, any hopping and spin-orbit coupling; and its negative control."""
    rng = np.random.default_rng(2026)
    free = {"hubbard": 0.0}
    zeeman = np.kron(np.diag([1.0, 0.0]), np.kron(np.eye(2), np.diag([0.1, -0.1])))
    out = {"field": junction.solve(Junction(**free, one_body_matrix=zeeman), GKSL())}
    draws = 6
    for n in range(draws):
        model = Junction(
            **free,
            energy_b=rng.uniform(-1, 1),
            hopping_b=rng.uniform(-1, 1),
            hopping_ab=rng.uniform(-1, 1),
            hopping_ba=rng.uniform(-1, 1),
            spin_orbit_vectors=rng.normal(size=(2, 3)),
            coupling_a=rng.uniform(0.05, 1),
            coupling_b=rng.uniform(0.05, 1),
        )
        out[f"draw {n}"] = junction.solve(model, [GKSL(), Landauer()])
        progress(n + 1, draws)
    return out


@claim(
    "Appendix A, Eq. (24)",
    "no polarisation without interaction, also with inter-orbital hopping",
    near("largest |P| of six random stacks", 0, 1e-10),
    above("control: |P| with a Zeeman field", 1e-3),
)
def no_interaction(theorem: Parts) -> Numbers:
    draws = [ds for key, ds in theorem.items() if key != "field"]
    worst = max(float(np.abs(ds.spin_polarisation).max()) for ds in draws)
    return worst, abs(float(theorem["field"].spin_polarisation))


@erratum(
    "Eq. (21)",
    "no 1/(2 pi)",
    "1/(2 pi) is missing",
    near("current with it over that of the master equation, random stacks", 1, 1e-10),
)
def landauer_factor(theorem: Parts) -> Numbers:
    currents = [ds.mean_current for key, ds in theorem.items() if key != "field"]
    return [float(c.sel(solved_by="landauer") / c.sel(solved_by="gksl")) for c in currents]


@claim(
    "Eq. (20)",
    "orbital b of molecule 1 is filled differently for both magnetisations, also without repulsion",
    above("n_1b-down for up less n_1b-up for down, coupling_b = 0, U = 0", 1e-6),
)
def unequal_filling() -> Numbers:
    free = Junction(coupling_b=0.0).replace(hubbard=0.0)
    ds = junction.solve(free, observables=["occupation"])
    orbital = ds.occupation.isel(molecule=0).sel(orbital="b")
    up = float(orbital.sel(magnetisation="up", spin="down"))
    return abs(up - float(orbital.sel(magnetisation="down", spin="up")))


@claim(
    "Eqs. (25), (39)",
    "|G_up| from one state to another is |G_down| from the flipped second to the flipped first",
    near("largest difference over 12 energies, with lambda in (29), (30)", 0, 1e-13),
)
def reversed_propagation() -> Numbers:
    lam, gap, hop, angles = 0.3, 0.8, 0.2, (0.4, 1.9)

    def block(sign: int) -> NDArray[np.complex128]:
        first, second = (1j * lam * np.exp(sign * 1j * angle) for angle in angles)
        upper = np.array([[0, first, 1, 0], [0, gap, 0, hop], [0, 0, 0, second], [0, 0, 0, gap]])
        return np.asarray(upper + np.triu(upper, 1).conj().T)

    h = np.kron([[1, 0], [0, 0]], block(1)) + np.kron([[0, 0], [0, 1]], block(-1))
    right = np.diag([0, 0, 0.1, 0.25] * 2)
    left = {
        "up": np.diag([0.1, 0, 0, 0, 0, 0.25, 0, 0]),
        "down": np.diag([0, 0.25, 0, 0, 0.1, 0, 0, 0]),
    }
    flipped = np.roll(np.arange(8), 4)  # Eq. (34)
    worst = 0.0
    for energy in np.linspace(-2, 2, 12):
        up, down = (
            np.abs(np.linalg.inv(energy * np.eye(8) - h + 0.5j * (left[m] + right)))
            for m in ("up", "down")
        )
        worst = max(worst, float(np.abs(up - down[np.ix_(flipped, flipped)].T).max()))
    return worst


@erratum(
    "Eqs. (29), (30)",
    "element (3, 4) without lambda",
    "with lambda the matrix is Hermitian",
    above("defect of hermiticity as printed", 0.1),
    near("with lambda", 0, 1e-15),
)
def printed_matrix() -> Numbers:
    lam, angle = 0.03, np.pi / 2

    def defect(factor: float) -> float:
        h = np.array(
            [
                [0, 1j * lam, 1, 0],
                [-1j * lam, 0.8, 0, 0.2],
                [1, 0, 0, 1j * factor * np.exp(1j * angle)],
                [0, 0.2, -1j * lam * np.exp(-1j * angle), 0.8],
            ]
        )
        return float(np.abs(h - h.conj().T).max())

    return defect(1.0), defect(lam)


def _curves(x: xr.Variable, name: str, symbol: str, curves: Mapping[str, Any]) -> xr.Dataset:
    """One quantity in several versions, along the dimension ``curve``."""
    attrs = {"units": "1", "symbol": symbol}
    values = np.array([np.asarray(v, dtype=float) for v in curves.values()])
    return xr.Dataset(
        {name: (("curve", *x.dims), values, attrs)}, {"curve": list(curves), x.dims[0]: x}
    )


def _printed_at(x: Array, point: float, value: float) -> Array:
    """A printed number at the nearest place of a scan, nothing elsewhere."""
    return np.where(np.arange(x.size) == np.abs(x - point).argmin(), value, np.nan)


@figure(
    "Printed beside what holds: exchange of Eq. (15), factor of Eq. (21), two numbers of the text",
    plot=Plot(
        columns=2,
        panels=tuple(
            Panel(source=source, x=x, y=y, by="curve", legend=True)
            for source, x, y in (
                ("exchange", "hubbard", "spin_polarisation"),
                ("factor", "hopping_b", "mean_current"),
                ("repulsion", "hubbard", "spin_polarisation"),
                ("hopping", "hopping_b", "spin_polarisation"),
            )
        ),
    ),
    setting="epsilon = 0.8 and the defaults of junction; (b) without repulsion",
)
def errata(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """What is printed beside what holds."""
    small = xr.Variable("hubbard", np.linspace(0.0, 0.1, 11), {"units": "1", "symbol": "U/t"})
    kinds = {
        "exact": GKSL(),
        "mean field, minus": MeanField(),
        "mean field, plus, Eq. (15)": MeanField(exchange="printed-eq-15"),
    }
    out = {}
    exchange = {
        name: junction.solve(Junction(), method, over={"hubbard": small.values}).spin_polarisation
        for name, method in kinds.items()
    }
    out["exchange"] = _curves(small, "spin_polarisation", AXES["spin_polarisation"][1:-1], exchange)
    progress(1, 4)
    hops = xr.Variable("hopping_b", HOPPINGS[::2], {"units": "1", "symbol": r"t_{bb}/t"})
    free = junction.solve(
        Junction().replace(hubbard=0.0), [GKSL(), Landauer()], over={"hopping_b": hops.values}
    ).mean_current
    current = {
        "master equation": free.sel(solved_by="gksl"),
        "Landauer with 1/(2 pi)": free.sel(solved_by="landauer"),
        "Eq. (21), without": 2 * np.pi * free.sel(solved_by="landauer"),
    }
    out["factor"] = _curves(hops, "mean_current", r"\bar I", current)
    progress(2, 4)
    scans = (("repulsion", "hubbard", REPULSIONS, [(5.0, -0.3)]),
             ("hopping", "hopping_b", HOPPINGS, [(0.2, -0.28)]))  # fmt: skip
    for n, (key, name, values, given) in enumerate(scans):
        P = junction.solve(Junction(), over={name: values}, workers=workers).spin_polarisation
        x = xr.Variable(name, values, {"units": "1", "symbol": AXES[name][1:-1]})
        points = {f"printed {v:g}": _printed_at(values, u, v) for u, v in given}
        out[key] = _curves(
            x, "spin_polarisation", AXES["spin_polarisation"][1:-1], {"computed": P, **points}
        )
        progress(n + 3, 4)
    return out


@figure(
    "Not in the paper: its reference point with a left lead that is not fully polarised",
    plot=Plot(
        panels=(
            Panel(
                source="lead",
                x="lead_polarisation",
                y="spin_polarisation",
                x_label="polarisation $p$ of the left lead",
                y_label=r"$P_\mathrm{MR}$",
            ),
        ),
    ),
)
def real_leads(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """The paper has p = 1. Nickel has about 0.4: see the study junction_bounds."""
    ds = junction.solve(
        Junction(),
        over={"lead_polarisation": LEAD_POLARISATIONS},
        observables=["spin_polarisation"],
        workers=workers,
    )
    progress(1, 1)
    return {"lead": ds}


CONTENTS = Contents(
    equations=("1-39",),
    figures=("1a-1b", "2a-2b", "3a-3f", "4a-4d"),
    tables=("1", "2a-2f"),
)

ROWS = (
    by_command("Eqs. (1)-(5)", "Hamiltonian of the dimer", "describe junction"),
    by_command("Eqs. (6), (7)", "GKSL equation of both leads", "solve junction --method gksl"),
    by_command(
        "Eqs. (8), (9)",
        "rates of injection and emission at occupations f_L, f_R",
        "solve junction --set occupation_left=0.8 --set occupation_right=0.2",
    ),
    by_command(
        "Eqs. (10), (11)", "current through each lead", "solve junction --observables current"
    ),
    by_command(
        "Eqs. (12), (14), (16)",
        "self-consistent mean field",
        "solve junction --method mean-field --set hubbard=0.3",
    ),
    without_number("Eq. (13)", "order of the spin-orbitals", "notation"),
    by_command("Eq. (17)", "definition of P_MR", "solve junction --observables spin_polarisation"),
    by_command(
        "Eqs. (18), (19)",
        "current from the occupations of the molecules beside the leads",
        "solve junction --observables current,occupation",
    ),
    without_number("Eqs. (22), (23)", "Green functions", "definition; (21) and (25) are checked"),
    without_number(
        "Eqs. (26)-(28)", "couplings and blocks of h", "definition; (29), (30) are checked"
    ),
    without_number(
        "Eqs. (31)-(33)", "how h and the couplings transform", "step; (25) follows from it"
    ),
    without_number("Eqs. (34), (35)", "the matrices X and P", "definition"),
    without_number("Eqs. (36)-(38)", "transformation of the Green function", "step to (39)"),
    without_number(
        "Figs. 1a, 1b", "drawing of the model", "no numbers; Lambda_1 = x, Lambda_2 = y"
    ),
    by_command("Table 1", "couplings of the orbitals to the leads", "describe junction"),
)
