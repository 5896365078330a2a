"""Laws of the isotropic gas and of the Fermi-level equation, each with a control that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin import rashba
from chirospin.base.fermi import fermi
from chirospin.numerics.quadrature import gauss_panels
from chirospin.rashba import (
    ClosedForm,
    FermiLevelGas,
    FermiLevelKinetic,
    Kinetic,
    Kubo,
    RashbaGas,
    shells,
)
from chirospin.rashba.audit import CHECKS
from chirospin.rashba.bands import Bands, power_splitting
from chirospin.rashba.block_tridiagonal import BlockTridiagonal
from chirospin.rashba.chain import build_chain, collision_blocks, gain_and_loss
from chirospin.rashba.disorder import Correlator
from chirospin.rashba.distribution import electrons
from chirospin.rashba.model import bands, correlator
from chirospin.rashba.observables import spin_accumulation, spin_accumulation_along
from tests.laws.rashba_gases import gas, gases, number
from tests.laws.rashba_gases import shells as problem

ZERO = 1e-12  # of e/8 pi, what is zero at rest and zero temperature
ROUNDING = 1e-11  # of e/8 pi, with thermal sums or a frequency
SAME = 1e-8
PRESCRIPTIONS = st.sampled_from(["redfield", "steady"])
QUICK = Kinetic(spread=0)
FEW = settings(max_examples=6)


@given(model=gases(), prescription=PRESCRIPTIONS, sign=st.sampled_from([1, -1]))
def test_every_collision_conserves_the_total_spin(model: RashbaGas, prescription: str, sign: int):
    here = problem(model.replace(winding=sign), prescription)
    chain = build_chain(here.bands, np.array(here.fermi), 12, 12)
    St = collision_blocks(here.bands, here.disorder, chain, prescription).transposed
    u = here.charges(chain)[..., None]
    size = np.abs(St.diagonal).max() * np.abs(u).max()
    assert np.abs(St.apply(u)).max() < 1e-13 * size
    St.lower[:, 11] *= 1.01  # control: a bond that gives more than it takes
    assert np.abs(St.apply(u)).max() > 1e-6 * size


@given(model=gases(), prescription=PRESCRIPTIONS)
def test_no_spin_hall_current_at_rest(model: RashbaGas, prescription: str):
    state = Kinetic(prescription=prescription, spread=0).solve(model)
    assert abs(state.spin_hall_current) < ZERO
    assert state.spin_hall_interband == pytest.approx(-1, abs=ROUNDING)
    assert state.spin_hall_acceleration == pytest.approx(1, abs=ROUNDING)


def test_a_nonparabolic_band_breaks_that_law() -> None:
    assert abs(QUICK.solve(gas(1.0, nonparabolicity=0.1)).spin_hall_current) > 1e-5


def test_a_broken_bond_breaks_that_law_and_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(*arguments: Any) -> BlockTridiagonal:
        St = collision_blocks(*arguments)
        St.lower[:, St.lower.shape[1] // 2] *= 1.01
        return St

    monkeypatch.setattr("chirospin.rashba.chain.collision_blocks", leaking)
    monkeypatch.setattr(shells, "collision_blocks", leaking)
    model = gas(1.0)
    state = next(iter(Kinetic(spread=0, tolerance=1e-2).solve_many([model])))
    assert abs(state.spin_hall_current) > 1e-6
    verdicts = {c.name: c.judge(v) for c in CHECKS if (v := c.evaluate(model, state)) is not None}
    assert not verdicts["conservation"]
    assert not verdicts["identity"]


@FEW
@given(D=number(0.5, 30), T=number(0.02, 1.0), mu=number(-0.05, 1.5))
def test_both_parts_are_universal_at_any_temperature(D: float, T: float, mu: float):
    state = QUICK.solve(gas(D, thermal_energy=T).replace(fermi_energy=mu))
    assert abs(state.spin_hall_current) < ROUNDING
    assert state.certificates["universal"] < ROUNDING
    assert abs(state.spin_hall_interband + 1) > 1e-8  # control: the parts are no longer -+1


@given(model=gases(disorder="yukawa"), z=st.tuples(number(-0.5, 0.5), number(0.0, 0.5)))
def test_balance_of_the_total_spin_at_any_frequency(model: RashbaGas, z: tuple[float, float]):
    state = QUICK.solve(model.replace(frequency=z[0], imaginary_frequency=z[1] + 0.01))
    assert state.certificates["identity"] < ROUNDING
    assert abs(state.spin_hall_current) > 1e-6  # control: neither side vanishes


@FEW
@given(model=gases())
def test_the_spin_is_odd_in_the_splitting(model: RashbaGas):
    partner = model.replace(spin_orbit=-model.spin_orbit)
    one, other = QUICK.solve(model), QUICK.solve(partner)
    assert spin_accumulation(model, one) == -spin_accumulation(partner, other)
    assert spin_accumulation(model, one) != 0
    assert one.conductivity == other.conductivity  # control: the current is even


@FEW
@given(model=gases(disorder="yukawa"), scale=number(0.2, 5))
def test_scaling_of_all_energies(model: RashbaGas, scale: float):
    names = ("spin_orbit", "fermi_energy", "scattering_rate")
    changed = {name: scale * getattr(model, name) for name in names}
    partner = model.replace(mass=model.mass / scale, **changed)
    one, other = QUICK.solve(model), QUICK.solve(partner)
    assert other.conductivity == pytest.approx(one.conductivity, rel=SAME)
    assert other.spin == pytest.approx(one.spin / scale, rel=SAME)


@FEW
@given(model=gases(disorder="delta"))
def test_longer_chains_change_nothing(model: RashbaGas):
    here = problem(model)
    links = 40 + int(60 / here.precession)
    (one, _), (other, _) = (here.integrate(6, n) for n in (links, 2 * links))
    assert here.change(one, other) < 1e-8
    short, _ = here.integrate(6, 2)
    assert here.change(one, short) > 1e-6  # control: too short a chain


@FEW
@given(D=number(0.3, 5))
def test_point_impurities_give_the_conductivity_of_drude(D: float):
    model = gas(D, 40.0)
    inner, outer = problem(model).fermi
    drude = (inner**2 + outer**2) / (4 * np.pi * model.mass * model.scattering_rate)
    assert QUICK.solve(model).conductivity == pytest.approx(drude, rel=1e-9)
    smooth = gas(D, 40.0, disorder="gaussian", disorder_length=1.0)
    assert QUICK.solve(smooth).conductivity != pytest.approx(drude, rel=1e-5)  # control


def test_both_prescriptions_meet_at_large_splitting() -> None:
    found = []
    for D in (80.0, 160.0):  # a longer time at the same splitting and range
        model = gas(D, 25 * D, disorder="gaussian", disorder_length=5.0)
        one, other = (
            Kinetic(prescription=p, spread=0).solve(model) for p in ("redfield", "steady")
        )
        found.append(abs(one.spin / other.spin - 1))
    assert found[0] / found[1] == pytest.approx(4, rel=0.02)
    smooth = gas(1.0, 40.0, disorder="gaussian", disorder_length=1.0)
    assert Kinetic().solve(smooth).certificates["prescription"] > 1e-4  # control: elsewhere not


@FEW
@given(D=number(0.3, 10))
def test_short_ranges_are_points(D: float):
    point = QUICK.solve(gas(D))
    for near in (
        gas(D, disorder="gaussian", disorder_length=1e-5),
        gas(D, disorder="yukawa", screening=1e5),
        gas(D, disorder="thomas-fermi", screening=1e10),
    ):
        state = QUICK.solve(near)
        assert state.spin == pytest.approx(point.spin, rel=1e-7)
        assert state.conductivity == pytest.approx(point.conductivity, rel=1e-7)
    far = QUICK.solve(gas(D, disorder="gaussian", disorder_length=0.3))  # control
    assert far.conductivity != pytest.approx(point.conductivity, rel=1e-7)


@FEW
@given(model=gases(), angle=number(-0.9, 0.9))
def test_a_slow_field_is_a_steady_one(model: RashbaGas, angle: float):
    slow = 1e-6 * model.spin_orbit**2 * np.exp(1j * np.pi * (angle + 1) / 4)
    at_rest = QUICK.solve(model)
    state = QUICK.solve(model.replace(frequency=slow.real, imaginary_frequency=slow.imag))
    assert state.spin == pytest.approx(at_rest.spin, rel=1e-3)
    fast = QUICK.solve(model.replace(frequency=1.0))
    assert fast.spin != pytest.approx(at_rest.spin, rel=1e-2)  # control


@pytest.mark.parametrize("winding", [1, 3])
def test_a_warm_gas_is_a_thermal_average_of_cold_ones(winding: int) -> None:
    T = 0.03
    disorder = "yukawa" if winding == 1 else "delta"
    model = gas(1.0, winding=winding, splitting_power=float(winding), disorder=disorder)
    warm = QUICK.solve(model.replace(thermal_energy=T))
    x = 0.9 * np.arange(-20, 21)  # equal steps, in T: poles i pi T away leave 1e-8
    cold = [QUICK.solve(model.replace(fermi_energy=1 + T * step)) for step in x]
    values = np.array([[one.conductivity, one.spin, one.spin_hall_current] for one in cold])
    total, colder = (0.9 / y / (4 * np.cosh(x / y / 2) ** 2) @ values for y in (1.0, 0.9))
    answer = np.array([warm.conductivity, warm.spin, warm.spin_hall_current])
    assert np.abs(answer - total).max() < 1e-7 * np.abs(answer).max()
    assert abs(warm.conductivity - colder[0]) > 1e-6 * total[0]  # control: at 0.9 T


PROFILES = ("distribution_by_band", "spin_z_by_momentum", "spin_across_by_momentum")


@pytest.mark.parametrize(
    ("disorder", "frequency"), [("delta", 0.0), ("gaussian", 0.0), ("delta", 0.1)]
)
def test_the_distribution_holds_current_spin_and_spin_flow(disorder: str, frequency: float):
    """Momenta summed by hand give what the adjoint chains give without any distribution."""
    D = 2.0
    T = 0.06
    model = gas(D, disorder=disorder, disorder_length=0.7, frequency=frequency, thermal_energy=T)
    p, w = gauss_panels(np.linspace(1e-4, 2.9, 21), 12)
    names = [*PROFILES, "conductivity", "spin_accumulation", "spin_hall_current"]
    ds = rashba.solve(model.replace(momentum=p.tolist()), QUICK, observables=names)
    upper, lower = ds.distribution_by_band.values
    n, along, across = 0.5 * (upper + lower), 0.5 * (upper - lower), ds.spin_across_by_momentum
    w = w * p / (2 * np.pi)
    current = w @ (p * n + model.spin_orbit * (along + across.values))
    flow = 8 * np.pi * w @ (0.5 * p * ds.spin_z_by_momentum.values)
    assert current == pytest.approx(complex(ds.conductivity), rel=1e-7)
    assert -0.5 * w @ (along + across.values) == pytest.approx(
        complex(ds.spin_accumulation), rel=1e-6
    )
    assert flow == pytest.approx(complex(ds.spin_hall_current), abs=1e-8)
    assert abs(w @ (p * n) / current - 1) > 1e-4  # control: the spins carry a part of the current


@pytest.mark.parametrize("disorder", ["delta", "yukawa"])
def test_a_distribution_where_a_chain_meets_the_van_hove_momentum(disorder: str) -> None:
    """At whole and half steps of the chain it is what it is beside them."""
    model = gas(2.0, 20.0, disorder=disorder, thermal_energy=0.05)
    step = 2 * model.spin_orbit
    n = round(2 * np.sqrt(2) / step)
    at = [n * step / 2, (n + 1) * step / 2]
    beside = [p + 2e-5 * step for p in at]
    found, near = (
        rashba.solve(model.replace(momentum=p), QUICK, observables=list(PROFILES[:2]))
        for p in (at, beside)
    )
    assert found.distribution_by_band.values == pytest.approx(
        near.distribution_by_band.values, rel=1e-4
    )
    assert np.isfinite(found.spin_z_by_momentum).all()
    away = rashba.solve(
        model.replace(momentum=[p + 0.2 * step for p in at]), QUICK, observables=list(PROFILES[:2])
    )  # control
    assert away.distribution_by_band.values != pytest.approx(
        found.distribution_by_band.values, rel=1e-3
    )


@FEW
@given(alpha=number(0.05, 1.5), mu=number(-0.1, 1.0), T=number(0.01, 0.5))
def test_carriers_fill_the_density_of_states(alpha: float, mu: float, T: float):
    r"""m/pi above the crossing, m alpha/(pi K) below it, with K at the bottom as the variable."""
    model = RashbaGas(mass=1.0, spin_orbit=alpha / 2, fermi_energy=mu, thermal_energy=T)
    above = T * np.logaddexp(0, mu / T) / np.pi
    K, w = gauss_panels(np.linspace(0, alpha / 2, 9), 24)
    below = w @ (alpha / (2 * np.pi) * fermi(((K**2 - alpha**2 / 4) / 2 - mu) / T))
    assert electrons(bands(model)) == pytest.approx(above + below, rel=1e-12)
    assert below > 1e-6 * above  # control: both parts are needed


@pytest.mark.parametrize(("mu", "share"), [(-0.05, 0.3), (0.0, 0.6)])
def test_cold_carriers_are_the_limit_of_warm_ones(mu: float, share: float) -> None:
    model = RashbaGas(mass=1.0, spin_orbit=0.4, fermi_energy=mu)
    cold = electrons(bands(model))
    off = [abs(electrons(bands(model.replace(thermal_energy=T))) / cold - 1) for T in (4e-3, 2e-3)]
    assert off[1] < 2e-2
    assert off[1] < share * off[0]


@pytest.mark.parametrize("winding", [3, 4])
def test_equilibrium_does_not_relax(winding: int) -> None:
    """On an isotropic f(H) the harmonics average 1 to c_0 and C to c_N; gain and loss then cancel."""
    c = {0: 0.7, 1: 0.7, winding - 1: 0.2, winding: 0.2, winding + 1: 0.2}
    moments = {j: np.array(value) for j, value in c.items()}
    energy, other = 0.3, 0.5
    for nu, M in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)):
        for prescription in ("redfield", "steady"):
            G, A = gain_and_loss(moments, winding, np.array(nu), np.array(M), prescription)
            f, f1 = (np.array([1.0, band, 0, 0]) * energy for band in (nu, M))
            assert G @ f1 == pytest.approx(A @ f, abs=1e-15)
            assert G @ (f1 / energy * other) != pytest.approx(A @ f, abs=1e-3)  # control


@given(
    p=number(0.05, 3), p1=number(0.05, 3), kind=st.sampled_from(["gaussian", "yukawa", "coulomb"])
)
def test_moments_are_integrals(p: float, p1: float, kind: str):
    p1 = p1 + 0.1 if abs(p - p1) < 0.1 else p1
    w = Correlator(kind=kind, w0=0.7, R=0.8, kappa=0.5)
    custom = Correlator(kind="custom", w0=1.0, R=1.0, kappa=1.0, function=w.rate)
    a, b = np.array([p]), np.array([p1])
    orders = (0, 1, 2, 3, 4)
    assert np.ravel(w.moments(a, b, orders)) == pytest.approx(
        np.ravel(custom.moments(a, b, orders)), rel=1e-12
    )
    assert np.ravel(w.transport(a, orders)) == pytest.approx(
        np.ravel(custom.transport(a, orders)), rel=1e-10
    )
    wrong = Correlator(kind=kind, w0=0.7, R=0.9, kappa=0.6)  # control
    if kind != "coulomb":
        assert np.ravel(wrong.moments(a, b, (1,))) != pytest.approx(
            np.ravel(w.moments(a, b, (1,))), rel=1e-4
        )


@given(p=number(0.05, 2.5), power=st.sampled_from([1.0, 2.0, 3.0]), g=number(0, 0.2))
def test_partners_share_an_energy(p: float, power: float, g: float):
    here = bands(gas(3.0, splitting_power=power, nonparabolicity=g))
    at = np.array([p])
    partner, exists = here.above(at)
    assert exists.all()
    assert here.energy(partner, -1) == pytest.approx(here.energy(at, 1), rel=1e-13)
    back, band = here.below(partner)
    assert back == pytest.approx(at, rel=1e-11)
    assert band == 1
    assert here.energy(partner, 1) != pytest.approx(here.energy(at, 1), rel=1e-6)  # control


@settings(max_examples=4)
@given(model=gases(disorder="gaussian"))
def test_the_general_bands_repeat_the_linear_ones(model: RashbaGas):
    """A splitting given as a function takes Newton's way to every partner.

    Where a partner comes near the bottom of the lower band the nodes do not resolve what both ways integrate.
    """
    straight = problem(model)
    here = straight.bands
    general = Bands(
        m=here.m,
        N=1,
        dispersion=here.dispersion,
        splitting=power_splitting(here.step / here.m, 1.0),
        mu=here.mu,
        T=0.0,
        sign=here.sign,
        step=None,
    )
    turned = shells.Shells(bands=general, disorder=straight.disorder, z=0j, prescription="redfield")
    links = 10 + int(10 / straight.precession)
    (one, _), (other, _) = (s.integrate(12, links) for s in (straight, turned))
    finer, _ = straight.integrate(16, links)
    assert straight.change(one, other) < max(1e-9, straight.change(one, finer))


def test_a_turned_texture_turns_the_spin() -> None:
    model = gas(1.0)
    state = QUICK.solve(model)
    radial = model.replace(texture_angle=-np.pi / 2)
    assert spin_accumulation_along(radial, state) == pytest.approx(spin_accumulation(model, state))
    assert spin_accumulation(radial, state) == pytest.approx(0, abs=1e-15)
    assert spin_accumulation_along(model, state) == pytest.approx(0, abs=1e-15)  # control


@st.composite
def circles(draw: st.DrawFn) -> FermiLevelGas:
    return FermiLevelGas(
        mass=1.0,
        fermi_energy=1.0,
        scattering_rate=0.1,
        spin_orbit=draw(number(0.005, 0.1)),
        dresselhaus=draw(number(0.11, 0.2)),
        zeeman=[draw(number(-0.1, 0.1)) for _ in range(3)],
        impurity_strength=draw(number(-1, 1)),
        impurity_spin_orbit=draw(number(-0.3, 0.3)),
        frequency=draw(number(-0.3, 0.3)),
        imaginary_frequency=draw(number(0.01, 0.1)),
        field_angle=draw(number(-3, 3)),
    )


@given(model=circles(), angle=number(-3, 3))
def test_turning_all_fields_turns_every_answer(model: FermiLevelGas, angle: float):
    from chirospin.rashba.fermi_level import ROTATION, fermi_circle

    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    here = fermi_circle(model)
    tensor = turn @ here.linear @ turn[:2, :2].T - 2 * model.spin_orbit * ROTATION
    partner = model.replace(
        field_angle=model.field_angle + angle,
        dresselhaus=0.0,
        spin_orbit_tensor=tensor,
        zeeman=turn @ here.steady,
    )
    one, other = FermiLevelKinetic().solve(model), FermiLevelKinetic().solve(partner)
    assert other.current == pytest.approx(turn[:2, :2] @ one.current, abs=1e-8)
    assert other.spin == pytest.approx(turn @ one.spin, abs=1e-8)
    assert other.spin_current == pytest.approx(turn[:2, :2] @ one.spin_current @ turn.T, abs=1e-7)
    only_field = FermiLevelKinetic().solve(
        model.replace(field_angle=model.field_angle + 0.5)
    )  # control
    assert np.abs(only_field.spin - one.spin).max() > 1e-6


@given(model=circles())
def test_precession_and_relaxation_balance_the_spin(model: FermiLevelGas):
    state = FermiLevelKinetic().solve(model)
    assert state.balance < 1e-9
    from chirospin.rashba.fermi_level import _balance, fermi_circle

    moved = (state.current, state.spin * 1.1, state.spin_current)
    assert _balance(fermi_circle(model), moved) > 1e-9  # control


@FEW
@given(x=st.sampled_from([-40.0, -1.0, 0.01, 0.3, 2.0, 1e3]), ratio=number(0, 0.9))
def test_strong_impurities_without_spin_make_no_spin_current(x: float, ratio: float):
    """To all orders in their strength, with the spin of Edelstein and their own time."""
    model = FermiLevelGas(
        impurity_density=1e-4, impurity_strength=x, dresselhaus=0.02 * ratio, field_angle=0.4
    )
    ds = rashba.solve(model)
    rate = 4e-4 / model.mass * x**2 / (1 + x**2)
    assert float(ds.relaxation_rate) == pytest.approx(rate, rel=1e-14)
    assert (np.abs(ds.spin_current_response) <= ds.spin_current_response_error).all()
    assert float(ds.spin_current_response_error.max()) < 1e-8
    density = model.mass * model.fermi_energy / np.pi
    drude = density / model.mass / rate * np.array([np.cos(0.4), np.sin(0.4)])
    assert ds.current_response.values == pytest.approx(drude, rel=1e-9)
    field = 0.02 * np.array([np.sin(0.4), -np.cos(0.4)])
    field = field + model.dresselhaus * np.array([np.cos(0.4), -np.sin(0.4)])
    edelstein = -model.mass / (2 * np.pi * rate) * field
    assert ds.spin_response.values[:2] == pytest.approx(edelstein, rel=1e-6)
    spins = rashba.solve(model.replace(impurity_spin_orbit=0.1))  # control: impurities with spin
    assert np.abs(spins.spin_current_response.sel(spin="z")).max() > 1e-4


def test_a_rate_is_given_once() -> None:
    with pytest.raises(ValueError, match="scattering_rate"):
        FermiLevelGas(impurity_density=1e-4, impurity_strength=1.0, scattering_rate=0.01)
    with pytest.raises(ValueError, match="impurity_strength"):
        FermiLevelGas(impurity_density=1e-4)


def test_a_conserved_spin_is_refused() -> None:
    with pytest.raises(ValueError, match="helix"):
        FermiLevelGas(dresselhaus=0.02)
    hidden = FermiLevelGas(spin_orbit=0.0, spin_orbit_tensor=[[0.1, 0], [0, 0], [0, 0]])
    (state,) = FermiLevelKinetic().solve_many([hidden])
    assert not state.outcome.converged
    assert "conserved" in state.outcome.reason


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"spin_orbit": 1e-19}, "spin_orbit"),
        ({"winding": 0}, "winding"),
        ({"fermi_energy": -1.0}, "no carriers"),
        ({"scattering_rate": 0.0}, "scattering_rate"),
        ({"thermal_energy": -1.0}, r"in \[0, 100\]"),
        ({"disorder_length": 0.0}, "disorder_length"),
        ({"screening": -0.1}, "screening"),
        ({"disorder": "gauss"}, "gaussian"),
        ({"imaginary_frequency": -0.1}, "imaginary_frequency"),
        ({"fermi_energy": float("nan")}, "nan"),
        ({"thermal_energy": 1e-12}, "thermal_energy"),
        ({"spin_orbit": 1j}, "real"),
        ({"winding": 3, "splitting_power": 3.0, "spin_orbit": 1.0}, "maximum"),
        ({"disorder": "nowhere.py:w"}, "loaded"),
    ],
)
def test_bad_input_is_one_line(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        rashba.solve(RashbaGas(**changes))
    assert "\n" not in str(caught.value)


def test_closed_forms_know_where_they_end() -> None:
    inside = ClosedForm().solve(gas(1.0))
    outside = ClosedForm().solve(gas(1.0, disorder="gaussian", disorder_length=1.0))
    nowhere = ClosedForm().solve(gas(1.0, disorder="gaussian", disorder_length=1.0, frequency=0.1))
    judge = next(c for c in CHECKS if c.name == "neglected").judge
    assert judge(inside.certificates["neglected"])
    assert not judge(outside.certificates["neglected"])
    assert not judge(nowhere.certificates["neglected"])
    assert np.isnan(nowhere.conductivity)


def test_kubo_refuses_what_it_cannot_do() -> None:
    for changes in ({}, {"imaginary_frequency": 0.1, "disorder": "gaussian"}):
        with pytest.raises(ValueError, match="kubo"):
            Kubo().solve(RashbaGas(**changes))


def test_functions_of_a_file(tmp_path: Any) -> None:
    path = tmp_path / "crystal.py"
    path.write_text(
        "def energy(p):\n    return p**2 / 2\n"
        "def splitting(p):\n    return 0.1 * p\n"
        "def rate(q):\n    return 1 / (1 + q**2)\n"
        "def wrong(q):\n    return -q\n"
    )
    named = RashbaGas(
        mass=1.0,
        fermi_energy=1.0,
        scattering_rate=0.1,
        dispersion=f"{path}:energy",
        splitting=f"{path}:splitting",
        disorder=f"{path}:rate",
    )
    plain = RashbaGas(
        mass=1.0,
        fermi_energy=1.0,
        scattering_rate=0.1,
        spin_orbit=0.05,
        disorder="yukawa",
        screening=1.0,
    )
    one, other = QUICK.solve(named), QUICK.solve(plain)
    assert one.spin == pytest.approx(other.spin, rel=1e-9)
    assert one.conductivity == pytest.approx(other.conductivity, rel=1e-10)
    with pytest.raises(ValueError, match="disorder"):
        QUICK.solve(named.replace(disorder=f"{path}:wrong"))


def test_correlators_are_checked_where_models_name_them() -> None:
    assert correlator(RashbaGas(disorder="gaussian")).range == 10.0
    assert correlator(RashbaGas()).range == 0.0
