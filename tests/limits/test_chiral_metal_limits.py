"""Cases of the chiral metal with known answers, derivation or source beside each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import exp1

from chirospin import chiral_metal
from chirospin.chiral_metal import (
    Boltzmann,
    ChiralMetal,
    ClosedForm,
    DrivenClosedForm,
    DrivenMetal,
    linear,
    quadratic,
)
from chirospin.chiral_metal.audit import CHECKS
from chirospin.chiral_metal.driven import harmonic_spin
from chirospin.chiral_metal.exponentials import complex_exponential_integral, exponential_integral
from chirospin.chiral_metal.injection import plane_spin
from chirospin.chiral_metal.model import scales_of
from chirospin.chiral_metal.observables import reversal_screening_length

ONE = np.array([1.0])
COARSE = Boltzmann(cells=160, ordinates=16)
PLACES = np.array([-3.0, -1.0, -0.3, -0.05, 0.05, 0.3, 1.0, 3.0, 8.0])


def test_quadratic_spin_in_its_short_form():
    """(xi - 3) e^-xi + 3 F_3 + 3 F_5 inside, F_3 - 5 F_5 outside: Eq. (72) by n F_{n+1} = e^-x - x F_n."""
    x = np.abs(PLACES)
    F3, F5 = (exponential_integral(n, x) for n in (3, 5))
    short = np.where(PLACES > 0, (x - 3) * np.exp(-x) + 3 * F3 + 3 * F5, F3 - 5 * F5)
    assert quadratic.SecondOrder(PLACES, 80.0, 0.0).spin(0.0) == pytest.approx(short, abs=1e-14)
    assert plane_spin(PLACES, ONE) == pytest.approx(short, abs=3e-14)
    assert quadratic.SecondOrder(np.array([1e-12]), 80.0, 0.0).spin(0.0)[0] == pytest.approx(-0.75)


@pytest.mark.parametrize(("alpha", "mu"), [(0.2, 0.48), (-0.5, 1.3), (0.4, -0.03)])
def test_bulk_values(alpha: float, mu: float):
    """Eq. (7), and the middle of a long metal; mu < 0 with a signed momentum."""
    model = ChiralMetal(spin_orbit=alpha, chemical_potential=mu, length=60, screening_length=0.3)
    v = np.sqrt(alpha**2 + 2 * mu)
    push = -0.01
    ds = chiral_metal.solve(model, over={"position": [30.0]})
    first = -push * alpha * v / (3 * np.pi**2)
    assert ds.bulk_spin_density.values == pytest.approx([first, 0.0])
    assert ds.bulk_spin_current.values == pytest.approx(
        [0.0, -(push**2) * alpha * v / (3 * np.pi**2)]
    )
    assert float(ds.spin_density.sel(order=1)[0]) == pytest.approx(first)


def test_solver_reaches_the_bulk_values():
    model = ChiralMetal(spin_orbit=0.3, length=50, screening_length=0.3, position=(25.0,))
    both = [chiral_metal.solve(model, m) for m in ("closed-form", "boltzmann")]
    solved = both[1]
    for name in ("spin_density", "spin_current", "momentum_flux"):
        bulk = solved[f"bulk_{name}"].values
        assert solved[name].values[:, 0] == pytest.approx(
            bulk, rel=1e-6, abs=1e-6 * abs(bulk).max()
        )
    operator = float(solved.operator_spin_current.sel(order=2)[0])
    assert operator == pytest.approx(1.4 * float(solved.bulk_spin_current.sel(order=2)), rel=1e-6)


@pytest.mark.parametrize(
    ("a", "screening", "length"),
    [(0.02, 0.1, 30.0), (0.2, 0.2, 24.0), (0.5, 0.5, 3.0), (-0.7, 1.0, 12.0), (1.4, 0.3, 20.0)],
)
def test_solver_against_closed_forms(a: float, screening: float, length: float):
    """Both orders of the spin, any handedness, screening and length; a > 1 is mu < 0."""
    places = np.concatenate([PLACES[np.abs(PLACES) < length], length - PLACES[length > PLACES]])
    model = ChiralMetal(
        spin_orbit=a, chemical_potential=(1 - a * a) / 2, length=length,
        screening_length=screening, position=places,
    )  # fmt: skip
    closed, solved = (
        ClosedForm().solve(model, ["profiles"]).profiles,
        Boltzmann().solve(model, ["profiles"]).profiles,
    )
    for order in (0, 1):
        size = np.abs(closed.spin[order]).max()
        assert solved.spin[order] == pytest.approx(closed.spin[order], abs=3e-6 * size)
    assert solved.field[0] == pytest.approx(closed.field[0], abs=2e-6)


@pytest.mark.parametrize(
    "name", ["charge", "field", "spin_current", "operator_spin_current", "momentum_flux"]
)
def test_all_profiles_to_leading_order(name: str):
    alpha = 0.002
    model = ChiralMetal(
        spin_orbit=alpha, chemical_potential=(1 - alpha**2) / 2, length=24.0,
        screening_length=0.2, position=np.concatenate([PLACES, 24 - PLACES]),
    )  # fmt: skip
    closed, solved = (
        getattr(m.solve(model, ["profiles"]).profiles, name) for m in (ClosedForm(), Boltzmann())
    )
    for order in (0, 1):
        size = np.abs(closed[order]).max()
        assert solved[order] == pytest.approx(closed[order], abs=3e-5 * size)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_order_of_convergence(order: int):
    """Four times the cells divide the error of a profile by 4^(k+1) at least."""
    model = ChiralMetal(
        spin_orbit=0.2, length=6.0, screening_length=0.5, position=np.linspace(-2.03, 7.9, 23)
    )
    exact = ClosedForm().solve(model, ["profiles"]).profiles.spin[0]
    errors = [
        np.abs(
            Boltzmann(cells=n, order=order, ordinates=40)
            .solve(model, ["profiles"])
            .profiles.spin[0]
            - exact
        ).max()
        for n in (60, 240)
    ]
    assert errors[0] / errors[1] > 4 ** (order + 0.9)


@pytest.mark.parametrize(("power", "weight"), [(2, 0.0), (3, 0.3), (4, 0.0)])
def test_other_sources_are_the_neutral_limit_of_the_solver(power: int, weight: float):
    """Quadratic spin of Eq. (34) against three screening lengths, extrapolated."""
    alpha, values = 0.002, []
    model = ChiralMetal(
        spin_orbit=alpha, chemical_potential=(1 - alpha**2) / 2, length=30.0, screening_length=0.0,
        injection_power=power, injection_weight=weight, position=PLACES[np.abs(PLACES) > 0.2],
    )  # fmt: skip
    closed = ClosedForm().solve(model, ["profiles"]).profiles.spin[1]
    for screening in (0.08, 0.04, 0.02):
        values.append(
            Boltzmann()
            .solve(model.replace(screening_length=screening), ["profiles"])
            .profiles.spin[1]
        )
    limit = 8 / 3 * values[2] - 2 * values[1] + values[0] / 3
    assert np.abs(limit - closed).max() < 1e-3 * np.abs(closed).max()
    assert np.abs(values[2] - closed).max() > 2e-3 * np.abs(closed).max()


@pytest.mark.parametrize(("power", "weight"), [(2, 0.0), (3, 0.4)])
def test_sum_rule_of_other_sources(power: int, weight: float):
    shares = np.zeros(power)
    shares[0], shares[-1] = weight, 1 - weight
    x, w = np.polynomial.legendre.leggauss(12)
    edges = np.concatenate([[0.0], np.geomspace(1e-6, 40, 18)])
    half = np.diff(edges) / 2
    nodes, weights = (
        (edges[:-1, None] + half[:, None] * (1 + x)).ravel(),
        (half[:, None] * w).ravel(),
    )
    total = weights @ (plane_spin(nodes, shares) + plane_spin(-nodes, shares))
    assert total == pytest.approx(quadratic.plane_total(0.0, 0.0, 0.0, shares), abs=1e-10)


@pytest.mark.parametrize("memory", [0.3, 12 / 17, 0.9])
def test_memory_of_the_helicity_in_the_solver(memory: float):
    """S_1 leaks with the rate kappa; the interface spin changes sign at eta = 12/17 for a, lambda -> 0."""
    alpha = 0.002
    model = ChiralMetal(
        spin_orbit=alpha, chemical_potential=(1 - alpha**2) / 2, length=100, screening_length=0.05,
        helicity_memory=memory, position=PLACES,
    )  # fmt: skip
    closed, solved = (m.solve(model, ["profiles"]) for m in (ClosedForm(), Boltzmann()))
    exact = closed.profiles.spin[0]
    assert solved.profiles.spin[0] == pytest.approx(exact, abs=1e-6 * np.abs(exact).max())
    unit = alpha / (4 * np.pi**2)
    expected = -16 / 15 + 4 / 9 * memory / (1 - memory) + 4 / 3 * 0.05**2
    assert solved.interface_spin / unit == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("length", [0.7, 5.0, 30.0])
def test_slab_between_mirrors(length: float):
    places = length * np.array([0.001, 0.05, 0.3, 0.5, 0.8, 0.99])
    model = ChiralMetal(
        spin_orbit=0.3, chemical_potential=0.455, length=length, screening_length=0.1,
        walls="specular", position=places,
    )  # fmt: skip
    closed, solved = (m.solve(model, ["profiles"]).profiles for m in (ClosedForm(), Boltzmann()))
    for name in ("spin", "field", "charge", "spin_current", "momentum_flux"):
        one, other = getattr(closed, name)[0], getattr(solved, name)[0]
        assert np.abs(one - other).max() < 1e-6 * np.abs(one).max(), name
    if length == 30.0:  # half a space: 2/3 - 2 F_4
        half = 2 / 3 - 2 * exponential_integral(4, places[:3])
        assert 2 / 3 - 2 * linear.slab_beam_moment(1, places[:3], length) == pytest.approx(
            half, abs=1e-9
        )


def test_spin_between_mirrors_vanishes_in_a_thin_slab():
    spin = 2 / 3 - 2 * linear.slab_beam_moment(1, np.array([5e-4]), 1e-3)
    assert abs(spin[0]) < 1e-3


def test_current_density_and_field_are_one_drive():
    model = ChiralMetal(current_density=1e-4)
    here = scales_of(model)
    assert here.field * here.conductivity == pytest.approx(1e-4)
    assert scales_of(ChiralMetal(field=here.field)).push == pytest.approx(here.push)


def test_sign_reversals():
    """lambda_TF = sqrt(4/5) l for a -> 0, and a = sqrt((sqrt(65) - 7)/2) for lambda -> 0."""
    assert quadratic.reversal_screening(1e-9, 0.0, ONE) == pytest.approx(np.sqrt(0.8))
    turning = np.sqrt((np.sqrt(65) - 7) / 2)
    assert quadratic.plane_total(turning, 0.0, 0.0, ONE) == pytest.approx(0, abs=1e-14)
    assert np.isnan(quadratic.reversal_screening(turning + 1e-6, 0.0, ONE))
    assert quadratic.plane_total(
        0.3, quadratic.reversal_screening(0.3, 0.0, ONE), 0.0, ONE
    ) == pytest.approx(0, abs=1e-14)


REVERSING = {"helicity_memory": 0.68, "length": 50.0}


@pytest.mark.parametrize(
    ("a", "changes"),
    [
        (0.2, REVERSING),
        (-0.6, {"helicity_memory": 0.3, "injection_weights": (0.3, 0.0, 0.7), "length": 60.0}),
        (1.4, {"helicity_memory": 0.5, "length": 50.0, "screening_length": 0.4}),
        (0.3, {"injection_power": 3, "length": 60.0}),
        (0.3, {"length": 3.0, "screening_length": 0.3}),
        (0.3, {"length": 8.0, "screening_length": 2.0}),
    ],
)
def test_interface_spin_is_exact_for_every_source_memory_and_length(a: float, changes: dict):
    model = ChiralMetal(spin_orbit=a, chemical_potential=(1 - a**2) / 2, position=(1.0,)).replace(
        **changes
    )
    closed, solved = ClosedForm().solve(model), Boltzmann().solve(model)
    unit = a / (4 * np.pi**2)
    assert closed.interface_spin / unit == pytest.approx(solved.interface_spin / unit, abs=1e-6)
    assert closed.interface_error < 1e-3


def test_leading_order_alone_has_the_wrong_sign_of_the_interface_spin():
    """Control: at eta = 0.68 and a = 0.2 the terms of order a^2 decide, and the check says so."""
    model = ChiralMetal(position=(1.0,)).replace(**REVERSING)
    exact, leading = (ClosedForm(leading_alpha=x).solve(model) for x in (False, True))
    assert exact.interface_spin > 0 > leading.interface_spin
    check = next(c for c in CHECKS if c.name == "interface")
    assert check.judge(check.evaluate(model, exact))
    assert not check.judge(check.evaluate(model, leading))


@pytest.mark.parametrize("changes", [{"helicity_memory": 0.68}, {"injection_power": 2}])
@pytest.mark.parametrize("length", [4.0, 6.0, 9.0, 14.0])
def test_what_the_other_plane_takes_is_estimated(changes: dict, length: float):
    model = ChiralMetal(length=length, position=(1.0,), **changes)
    closed, solved = ClosedForm().solve(model), COARSE.solve(model)
    missed = abs(closed.interface_spin - solved.interface_spin) / abs(closed.interface_spin)
    assert 1.0 < closed.interface_error / missed < 4.5


@pytest.mark.parametrize(
    ("a", "changes"),
    [(0.2, {}), (1.4, {}), (0.2, {"helicity_memory": 0.4}), (0.2, {"injection_power": 2})],
)
def test_the_solver_changes_sign_at_the_reversal_screening_length(a: float, changes: dict):
    model = ChiralMetal(
        spin_orbit=a, chemical_potential=(1 - a**2) / 2, length=80.0, position=(1.0,), **changes
    )
    turning = float(reversal_screening_length(model, ClosedForm().solve(model)))
    low, high = (
        COARSE.solve(model.replace(screening_length=x * turning)).interface_spin / a
        for x in (0.99, 1.01)
    )
    assert low < 0 < high


def test_spin_decay_in_the_diffusive_limit():
    """kappa = sqrt(3 (1 - eta)), and the series meets the equation where it takes over."""
    assert linear.spin_decay(1 - 1e-12) == pytest.approx(np.sqrt(3e-12), rel=1e-4)
    for lost in (0.99e-4, 1.01e-4):
        memory = 1 / (1 + lost)
        kappa = linear.spin_decay(memory)
        assert kappa**2 / 3 + kappa**4 / 5 + kappa**6 / 7 == pytest.approx(lost, rel=1e-9)


@pytest.mark.parametrize("frequency", [0.0, 1.0, 100.0, 1e4])
def test_exponential_integrals_of_a_fast_current(frequency: float):
    """Against E_1 of another library and its recurrence, where that is stable."""
    for x in (1e-6, 1e-4, 1.0 / max(frequency, 1.0)):
        z = (1 - 1j * frequency) * x
        expected = exp1(z)
        for n in (2, 3, 4, 5):
            expected = (np.exp(-z) - z * expected) / (n - 1)
            found = complex_exponential_integral(n, np.array([z]))[0]
            assert found == pytest.approx(expected, rel=1e-12)


def test_a_fast_current_needs_no_more_memory_or_nodes():
    """Omega tau = 100: against ten times the nodes; the steady part outside does not know the frequency."""
    places = np.array([-1.0, 0.01, 0.3, 2.0, 9.0])
    fast = DrivenMetal(frequency=100.0, position=places)
    state = DrivenClosedForm().solve(fast)
    still = DrivenClosedForm().solve(fast.replace(frequency=0.0))
    assert state.rectified[0] == pytest.approx(still.rectified[0], rel=1e-11)
    c, weight = directions_on_the_axis(100.0)
    X, rate, double = places[3] / c, 1 - 100j, 1 - 200j
    z = (double - rate) * X
    fade, whole = np.exp(-double * X), (np.exp(z) - 1) / z
    late = (np.exp(z) - 1 - z) / z**2
    b1, Kb1 = c**2 * X * fade * whole, c**2 * X**2 * fade * late
    h1 = (1 - c**2) * fade * (X * whole + rate * X**2 * (whole - late))
    beams = 2 * np.sum((double * Kb1 - h1 + b1) * weight * c)
    F3, F5 = (complex_exponential_integral(n, np.array([double * places[3]]))[0] for n in (3, 5))
    expected = (-4 * F5 + F3 - F5) / double + beams
    found = harmonic_spin(places[3:4], rate, double)[0]
    assert found == pytest.approx(expected, rel=1e-9)


def directions_on_the_axis(frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes fine enough for exponentials that turn so fast."""
    step = 0.27 * 2 * np.arctan(1 / (2 * frequency)) / np.pi
    t = np.arange(-42.0, 38.0, step)
    c = 1 / (1 + np.exp(-t))
    return c, step * c / (1 + np.exp(t))


PAGE = (Path(__file__).parents[2] / "docs" / "chiral_metal.md").read_text("utf-8")


def stated(first: str) -> list[float]:
    """Numbers of the row of the page that begins with these cells."""
    line = next(x for x in PAGE.splitlines() if x.startswith(f"| {first} |"))
    return [float(x) for x in line[len(first) + 4 :].replace("|", " ").replace(",", " ").split()]


@cache
def closed_spin(model: ChiralMetal) -> np.ndarray:
    return ClosedForm().solve(model, ["profiles"]).profiles.spin


def departures(model: ChiralMetal, method: Boltzmann) -> list[float]:
    """Largest departure of S_1 and S_2 from the closed forms over their largest value."""
    closed, solved = closed_spin(model), method.solve(model, ["profiles"]).profiles.spin
    return (np.abs(solved - closed).max(axis=1) / np.abs(closed).max(axis=1)).tolist()


@pytest.mark.parametrize("cells", [60, 120, 240])
def test_the_table_of_convergence_on_the_page(cells: int):
    model = ChiralMetal(
        spin_orbit=0.2, length=24.0, screening_length=0.2, position=np.linspace(-8.03, 31.9, 401)
    )
    found = [
        x
        for order in (1, 2, 3)
        for x in departures(model, Boltzmann(cells=cells, order=order, ordinates=32))
    ]
    assert (np.array(found) <= stated(str(cells))).all()
    assert (np.array(found) > 0.9 * np.array(stated(str(cells)))).all()


@pytest.mark.parametrize(
    ("a", "screening", "length", "row"),
    [
        (0.02, 0.1, 30.0, "0.02 | 0.1 | 30"),
        (0.2, 0.2, 24.0, "0.2 | 0.2 | 24"),
        (0.5, 0.5, 3.0, "0.5 | 0.5 | 3"),
        (-0.7, 1.0, 12.0, "-0.7 | 1 | 12"),
        (1.4, 0.3, 20.0, "1.4 (mu < 0) | 0.3 | 20"),
    ],
)
def test_the_table_of_the_default_grid_on_the_page(
    a: float, screening: float, length: float, row: str
):
    model = ChiralMetal(
        spin_orbit=a, chemical_potential=(1 - a * a) / 2, length=length, screening_length=screening
    )
    found = np.array(departures(model, Boltzmann()))
    assert (found <= stated(row)).all()
    assert (found > 0.9 * np.array(stated(row))).all()


def test_scales_are_those_of_free_carriers_and_of_diffusion() -> None:
    names = ["conductivity", "carrier_density", "fermi_wavevector", "mean_free_path"]
    free = chiral_metal.solve(ChiralMetal(spin_orbit=0.0), observables=names)
    kF = np.sqrt(2 * 0.48)
    assert free.fermi_wavevector.values == pytest.approx([kF, kF])
    assert float(free.carrier_density) == pytest.approx(kF**3 / (3 * np.pi**2))
    assert float(free.conductivity) == pytest.approx(float(free.carrier_density))  # n q^2 tau/m
    assert float(free.mean_free_path) == pytest.approx(kF)
    length = [
        float(
            chiral_metal.solve(
                ChiralMetal(helicity_memory=eta), observables=["spin_decay_length"]
            ).spin_decay_length
        )
        for eta in (0.0, 0.999)
    ]
    assert length == pytest.approx([1.0, 1 / np.sqrt(3 * 0.001)], rel=1e-3)


def test_a_check_of_profiles_does_not_judge_what_is_exact_in_alpha() -> None:
    strong = ChiralMetal(spin_orbit=0.5, chemical_potential=0.375)
    exact = chiral_metal.solve(strong, observables=["bulk_spin_density"])
    assert bool(exact.audit_passed.all())
    profile = chiral_metal.solve(strong.replace(position=[0.5]), observables=["spin_density"])
    assert not bool(profile.audit_passed.sel(check="leading_alpha"))


def test_without_the_excess_density_charge_is_lost_and_the_sign_stays() -> None:
    """What leaks away at the planes, E_m (1 + 3 lambda^2/l^2) = E_0 by Gauss's law; the certificate fails."""
    metal = ChiralMetal(spin_orbit=0.02, length=30.0, position=[15.0])
    kept, lost = (
        chiral_metal.solve(metal, Boltzmann(cells=120, ordinates=12, excess_density=keeps))
        for keeps in (True, False)
    )
    leak = 1 + 3 * (metal.screening_length / scales_of(metal).mean_free_path) ** 2
    for name in ("spin_density", "electric_field"):
        assert leak * lost[name][0].values == pytest.approx(kept[name][0].values, rel=1e-4)
    assert float(kept.audit_value.sel(check="charge_current")) < 1e-3
    assert float(lost.audit_value.sel(check="charge_current")) == pytest.approx(
        1 - 1 / leak, rel=1e-3
    )
    assert float(lost.interface_spin) * float(kept.interface_spin) > 0
