"""Analytic limits of the isotropic gas and of the Fermi-level equation."""

from __future__ import annotations

import numpy as np
import pytest

from chirospin import rashba
from chirospin.rashba import (
    ClosedForm,
    FermiLevelClosedForm,
    FermiLevelGas,
    FermiLevelKinetic,
    Kinetic,
    Kubo,
    RashbaGas,
)
from chirospin.rashba.audit import CHECKS
from chirospin.rashba.closed_form import _turned
from chirospin.rashba.fermi_level import extrinsic_spin_hall, fermi_circle
from chirospin.rashba.observables import spin_accumulation
from tests.laws.rashba_gases import gas
from tests.laws.rashba_gases import shells as problem

QUICK = Kinetic(spread=0)


@pytest.mark.parametrize("D", [0.03, 0.3, 3.0])
def test_edelstein_spin_of_point_impurities(D: float) -> None:
    """<sigma_y>/2 = N_0 alpha_R tau per force, up to 1/8(E_F tau)^4."""
    model = gas(D)
    expected = model.mass * model.spin_orbit / (2 * np.pi * model.scattering_rate)
    found = spin_accumulation(model, QUICK.solve(model))
    assert found / expected - 1 == pytest.approx(1 / 8 / 10.0**4, rel=0.4)
    doubled = gas(2 * D, 20.0)
    assert spin_accumulation(doubled, QUICK.solve(doubled)) / (4 * expected) - 1 < 1e-6


@pytest.mark.parametrize("D", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("z", [0.5, 1.0, 0.7j, 3 + 0.2j])
def test_alternating_field(D: float, z: complex) -> None:
    """The deviation from the closed form falls with 1/E_F tau, E_F/Delta held."""
    worst = []
    for good in (50.0, 200.0):
        z_eV = complex(z) / good
        model = gas(D, good, frequency=z_eV.real, imaginary_frequency=z_eV.imag)
        one, other = QUICK.solve(model), ClosedForm().solve(model)
        worst.append(
            max(
                abs(one.spin_hall_current - other.spin_hall_current),
                abs(one.spin / other.spin - 1),
            )
        )
    assert worst[1] < 2e-3
    assert worst[0] / worst[1] == pytest.approx(16, rel=0.3)


def test_a_clean_gas_resonates_at_the_splitting() -> None:
    model = gas(500.0, 1e5)
    splitting = 2 * model.spin_orbit * np.sqrt(2)
    for ratio in (0.3, 0.6, 1.7):
        state = QUICK.solve(model.replace(frequency=ratio * splitting))
        assert state.spin_hall_current.real == pytest.approx(-1 / (1 - ratio**2), rel=2e-3)


def test_below_the_band_crossing() -> None:
    """sigma = n tau x (1 + x^2)/2m and a spin ratio x^2, with x = 2 K_F/m alpha."""
    model = gas(3000.0, 1e4, disorder="delta")
    edge = model.mass * model.spin_orbit
    for x in (0.3, 0.7):
        low = model.replace(fermi_energy=-(1 - x**2) * edge**2 / (2 * model.mass))
        here = problem(low)
        (p, q), tau = here.fermi, 1 / low.scattering_rate
        density = (q**2 - p**2) / (4 * np.pi)
        state = Kinetic(spread=0).solve(low.replace(scattering_rate=low.scattering_rate / 1e3))
        drude = density * tau * 1e3 / low.mass
        assert state.conductivity / drude == pytest.approx(x * (1 + x**2) / 2, rel=1e-5)
        edelstein = low.mass * low.spin_orbit * tau * 1e3 / (2 * np.pi)
        assert -state.spin / edelstein == pytest.approx(x**2, rel=1e-5)
        assert -state.spin_hall_interband == pytest.approx(x, abs=1e-10)
        assert abs(state.spin_hall_current) < 1e-11


@pytest.mark.parametrize(("D", "good"), [(20.0, 2e4), (200.0, 2e5)])
def test_forward_scattering_without_interband_transitions(D: float, good: float) -> None:
    """The time grows as p^2, so the Edelstein ratio is 3/2 - 5/D^2."""
    model = gas(D, good, disorder="gaussian", disorder_length=100.0)
    state = Kinetic(spread=0, transitions="intraband").solve(model)
    here = problem(model)
    ratio = -state.spin / here.spin_scale
    expected = 1.5 - 5 / D**2
    assert ratio == pytest.approx(expected, abs=4e-3)
    assert abs(state.spin_hall_current) < 1e-12
    assert Kinetic(spread=0).solve(model).spin != pytest.approx(state.spin, rel=0.05)


@pytest.mark.parametrize("disorder", ["gaussian", "yukawa", "thomas-fermi", "coulomb"])
@pytest.mark.parametrize("winding", [1, -1, 2, 3])
def test_separated_bands(disorder: str, winding: int) -> None:
    """The two-band Boltzmann equation is the limit of a large splitting x time, as 1/D^2."""
    worst = []
    for scale in (1.0, 2.0):
        model = gas(100 * scale, 2000 * scale, disorder=disorder, winding=winding)
        one, other = QUICK.solve(model), ClosedForm().solve(model)
        worst.append(abs(one.spin_hall_current - other.spin_hall_current))
        assert one.conductivity == pytest.approx(other.conductivity, rel=1e-3)
        assert one.spin == pytest.approx(other.spin, rel=1e-3, abs=1e-12)
    if abs(winding) == 1:
        assert max(worst) < 1e-11
    else:
        assert worst[0] / worst[1] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("z", [0.0, 0.3, 0.2 + 0.1j])
def test_point_impurities_and_a_cubic_splitting(z: complex) -> None:
    z = complex(z)
    model = gas(
        1.0,
        winding=3,
        splitting_power=3.0,
        frequency=z.real,
        imaginary_frequency=z.imag,
    )
    one, other = QUICK.solve(model), ClosedForm().solve(model)
    assert one.spin_hall_current == pytest.approx(other.spin_hall_current, rel=1e-12)
    assert one.conductivity == pytest.approx(other.conductivity, rel=1e-12)


def test_a_clean_cubic_gas() -> None:
    r""":math:`-3[1 + (p_- - p_+)^2/p_+p_-]` in e/8 pi."""
    model = gas(1e4, 1e5, winding=3, splitting_power=3.0)
    inner, outer = problem(model).fermi
    expected = -3 * (1 + (outer - inner) ** 2 / (inner * outer))
    assert QUICK.solve(model).spin_hall_current == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("N", "n", "short", "long"),
    [(3, 3, -1.6, 2), (3, 1, 1.6, 0), (2, 2, 0, 1), (2, 1, 1.2, 0), (1, 2, 0, 1), (1, 3, 0, 2)],
)
def test_ratio_to_the_clean_value(N: int, n: int, short: float, long: float) -> None:
    r""":math:`-2 + \frac{2}{N^2+1}[3N^2-1-n(N^2-1)]` below the range hbar/delta p_F, n - 1 above."""
    for width, R, expected in ((1e-5, 60.0, short), (1e-2, 2e4, long)):
        model = gas(
            1e3,
            1e3 / width / 2,
            winding=N,
            splitting_power=float(n),
            disorder="gaussian",
            disorder_length=R,
        )
        inner, outer = problem(model).fermi
        assert (outer - inner) / outer == pytest.approx(width, rel=0.02)
        state = QUICK.solve(model)
        ratio = state.spin_hall_current / state.spin_hall_interband
        assert ratio == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("good", [10.0, 40.0])
def test_kubo_differs_by_the_inverse_of_a_good_metal(good: float) -> None:
    for rate in (0.5, 3.0):
        model = gas(1.0, good, imaginary_frequency=rate / good)
        one, other = Kubo().solve(model), Kinetic(spread=0).solve(model)
        assert abs(one.spin_hall_current / other.spin_hall_current - 1) < 0.5 / good
        assert one.spin == pytest.approx(other.spin, rel=0.5 / good)
        assert one.certificates["ward_identity"] < 3e-6


def test_nonparabolic_bands_have_a_spin_hall_current() -> None:
    """q = C(g) (m alpha/p_F)^2 e/8 pi for point impurities, whatever the splitting x time."""
    found = []
    for alpha in (0.01, 0.02):
        model = gas(1.0).replace(
            fermi_energy=0.5, scattering_rate=0.01, spin_orbit=alpha / 2, nonparabolicity=0.1
        )
        found.append(QUICK.solve(model).spin_hall_current / alpha**2)
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert 0.05 < found[0] < 0.08


@pytest.mark.parametrize("kappa", [1e-2, 1e-3])
@pytest.mark.parametrize("D", [0.01, 0.3, 2.0])
def test_extrinsic_spin_hall_current(kappa: float, D: float) -> None:
    model = FermiLevelGas(
        mass=1.0,
        fermi_energy=1.0,
        scattering_rate=0.01,
        spin_orbit=D * 0.01 / (2 * np.sqrt(2)),
        impurity_strength=0.5,
        impurity_spin_orbit=kappa,
    )
    expected = extrinsic_spin_hall(fermi_circle(model))
    found = FermiLevelKinetic().solve(model).spin_current[1, 2]
    assert found == pytest.approx(expected, rel=4 * kappa, abs=1e-12)


def test_pure_skew_scattering() -> None:
    r""":math:`q = -\kappa x n\tau/2m` without any splitting."""
    model = FermiLevelGas(spin_orbit=0.0, impurity_strength=0.5, impurity_spin_orbit=1e-4)
    circle = fermi_circle(model)
    density = circle.momentum**2 / (2 * np.pi)
    expected = -1e-4 * 0.5 * density / (2 * circle.m * circle.rate) * 8 * np.pi
    assert FermiLevelKinetic().solve(model).spin_current[1, 2] == pytest.approx(expected, rel=1e-6)


def test_rashba_and_dresselhaus() -> None:
    for angle in (0.0, 0.8):
        model = FermiLevelGas(dresselhaus=0.008, field_angle=angle)
        one, other = FermiLevelKinetic().solve(model), FermiLevelClosedForm().solve(model)
        assert one.spin == pytest.approx(other.spin, abs=1e-12)
        assert np.abs(one.spin_current).max() < 1e-12
        assert one.current == pytest.approx(other.current, abs=1e-12)


def test_an_in_plane_field_gives_no_spin_hall_current() -> None:
    state = FermiLevelKinetic().solve(FermiLevelGas(zeeman=[0.003, 0.002, 0.0], dresselhaus=0.006))
    assert np.abs(state.spin_current[:, 2]).max() < 1e-12
    assert abs(state.spin[2]) < 1e-12
    assert np.abs(state.spin_current[:, :2]).max() > 0.1  # the carriers are polarised
    moving = FermiLevelKinetic().solve(FermiLevelGas(zeeman=[0.003, 0.002, 0.0], frequency=0.005))
    assert abs(moving.spin_current[1, 2]) > 0.1


def test_the_fermi_level_equation_has_the_same_closed_form() -> None:
    for frequency in (0.0, 0.004, 0.02):
        model = FermiLevelGas(frequency=frequency)
        exact = ClosedForm().solve(
            gas(1.0).replace(
                mass=model.mass,
                fermi_energy=model.fermi_energy,
                scattering_rate=model.scattering_rate,
                spin_orbit=model.spin_orbit,
                frequency=frequency,
            )
        )
        state = FermiLevelKinetic().solve(model)
        assert state.spin_current[1, 2] == pytest.approx(exact.spin_hall_current, abs=1e-12)
        assert state.spin[1] == pytest.approx(-exact.spin, rel=1e-12)


NEGLECTED = next(check for check in CHECKS if check.name == "neglected")


@pytest.mark.parametrize("seed", range(12))
def test_the_closed_form_knows_what_it_leaves_out_at_a_resonance(seed: int) -> None:
    """Random clean gases at and beside the splitting, against the kinetic equation."""
    rng = np.random.default_rng(seed)
    D = 10 ** rng.uniform(0.5, 2.3)
    good = D * 10 ** rng.uniform(1.2, 3)
    ratio = 1 + rng.normal() * 10 ** rng.uniform(-4, -1)
    model = gas(D, good, frequency=ratio * D / good)
    exact, closed = QUICK.solve(model), ClosedForm().solve(model)
    missed = max(
        abs(closed.spin_hall_current / exact.spin_hall_current - 1),
        abs(closed.spin / exact.spin - 1),
    )
    stated = closed.certificates["neglected"]
    assert missed < 1.5 * stated
    assert stated < 60 * missed + 1e-9  # control: it is no blanket refusal


def test_a_clean_gas_on_its_resonance_is_not_a_closed_form() -> None:
    clean = gas(470.0, 2.2e4)
    on, beside = (clean.replace(frequency=x * 470 / 2.2e4) for x in (1.0, 0.5))
    for model, sound in ((on, False), (beside, True)):
        exact, closed = QUICK.solve(model), ClosedForm().solve(model)
        assert NEGLECTED.judge(closed.certificates["neglected"]) is sound
        close = bool(abs(closed.spin_hall_current / exact.spin_hall_current - 1) < 0.05)
        assert close is sound


def test_a_warm_clean_gas_is_smeared_too() -> None:
    """The splitting differs between thermal energies: the closed form takes it at E_F."""
    model = gas(10.0, 200.0, thermal_energy=0.05, frequency=0.05)
    exact, closed = QUICK.solve(model), ClosedForm().solve(model)
    missed = abs(closed.spin_hall_current / exact.spin_hall_current - 1)
    assert 0.05 < missed < 1.5 * closed.certificates["neglected"]


def test_a_resonance_inside_the_window_of_a_cubic_gas_is_resolved() -> None:
    """Without returning collisions the form is exact, as soon as its quadrature sees the pole."""
    model = gas(300.0, 3e3, winding=3, splitting_power=3.0, frequency=0.095)
    exact, closed = QUICK.solve(model), ClosedForm().solve(model)
    assert closed.spin_hall_current == pytest.approx(exact.spin_hall_current, rel=1e-9)
    assert closed.certificates["neglected"] < 1e-12
    here = problem(model)
    coarse, _ = _turned(here.bands, model.scattering_rate, 0.095 + 0j, *here.fermi, 60)
    assert abs(coarse - exact.spin_hall_current) > 1e-3  # control: the nodes of a field at rest


@pytest.mark.parametrize("slow", [2e-2, 1e-3, 1e-4])
def test_kubo_near_rest(slow: float) -> None:
    """Equal poles of one band are taken together: the spin keeps its digits at small Omega tau."""
    model = gas(1.0, 40.0, imaginary_frequency=slow / 40.0)
    one, other = Kubo().solve(model), QUICK.solve(model)
    assert one.spin == pytest.approx(other.spin, rel=0.5 / 40)
    assert one.certificates["ward_identity"] < 3e-6
    pole = Kubo(nodes=20).solve(model)
    assert one.spin == pytest.approx(pole.spin, rel=1e-6)


@pytest.mark.parametrize("alpha", [1e-2, 1e-5, 1e-7, 1e-9, 1e-15])
@pytest.mark.parametrize("kappa", [0.0, 1e-3])
def test_the_fermi_level_equation_at_any_splitting(alpha: float, kappa: float) -> None:
    """The Edelstein spin is -N_0 tau B eE down to the smallest Delta tau; q by its closed form."""
    changes = {"impurity_spin_orbit": kappa, "impurity_strength": 0.5}
    model = FermiLevelGas(spin_orbit=alpha, dresselhaus=0.4 * alpha * (kappa == 0), **changes)
    found, exact = FermiLevelKinetic().solve(model), FermiLevelClosedForm().solve(model)
    if kappa:
        q = exact.spin_current[1, 2]
        assert found.spin_current[1, 2] == pytest.approx(q, rel=4 * kappa, abs=1e-12)
    else:
        assert found.spin == pytest.approx(exact.spin, rel=1e-12, abs=1e-13 * alpha)
        assert np.abs(found.spin_current).max() <= found.errors[2] < 1e-10


def test_a_warm_gas_near_absolute_zero_has_a_closed_form() -> None:
    model = gas(1.0, thermal_energy=1e-4)
    cold = ClosedForm().solve(model.replace(thermal_energy=0.0))
    assert ClosedForm().solve(model).conductivity == pytest.approx(cold.conductivity, rel=1e-7)


@pytest.mark.parametrize("thermal_energy", [0.0, 0.03])
@pytest.mark.parametrize("disorder", ["delta", "gaussian", "yukawa"])
def test_without_splitting_the_gas_is_drudes(disorder: str, thermal_energy: float) -> None:
    """By angles and energies one at a time, and as the limit of a small splitting."""
    plain = RashbaGas(spin_orbit=0.0, disorder=disorder, thermal_energy=thermal_energy)
    state = Kinetic().solve(plain)
    energies = np.linspace(1e-6, 1.3, 6501)
    p = np.sqrt(2 * plain.mass * (energies if thermal_energy else np.array([plain.fermi_energy])))
    angle = 2 * np.pi * (np.arange(128) + 0.5) / 128
    step = 2 * p[:, None] * np.abs(np.sin(angle / 2))
    w = {
        "delta": np.ones_like(step),
        "gaussian": np.exp(-((plain.disorder_length * step) ** 2)),
        "yukawa": plain.screening**2 / (step**2 + plain.screening**2),
    }[disorder] * plain.scattering_rate
    rate = (w * (1 - np.cos(angle))).mean(axis=1)
    drude = p**2 / (2 * np.pi * plain.mass * rate)
    if thermal_energy:
        x = (energies - plain.fermi_energy) / thermal_energy
        drude = np.trapezoid(drude / (4 * thermal_energy * np.cosh(x / 2) ** 2), energies)
    assert state.conductivity == pytest.approx(float(np.squeeze(drude)), rel=2e-6)
    assert state.spin == state.spin_hall_current == 0
    if thermal_energy == 0:
        close, far = (QUICK.solve(plain.replace(spin_orbit=x)).conductivity for x in (1e-3, 0.02))
        assert close == pytest.approx(state.conductivity, rel=1e-3)
        assert far != pytest.approx(state.conductivity, rel=1e-3)


def test_an_alternating_field_without_splitting() -> None:
    model = RashbaGas(spin_orbit=0.0, frequency=0.02)
    still = ClosedForm().solve(model.replace(frequency=0.0)).conductivity
    assert ClosedForm().solve(model).conductivity == pytest.approx(still / (1 - 2j))
    assert np.isnan(Kubo().solve(model.replace(frequency=0.0)).conductivity)


@pytest.mark.parametrize("disorder", ["delta", "yukawa"])
def test_the_distribution_without_splitting(disorder: str) -> None:
    """f = -f_0' tau(p) in both bands, which a small splitting approaches with its square."""
    model = gas(1.0, disorder=disorder, thermal_energy=0.1, momentum=[1.3])
    names = ["distribution_by_band", "spin_z_by_momentum"]
    bare = rashba.solve(model.replace(spin_orbit=0.0), QUICK, observables=names)
    off = []
    for small in (0.2, 0.1):
        ds = rashba.solve(
            model.replace(spin_orbit=small * model.spin_orbit), QUICK, observables=names
        )
        both = ds.distribution_by_band.mean("band")
        off.append(float(np.abs(both / bare.distribution_by_band.mean("band") - 1).max()))
    assert off[0] / off[1] == pytest.approx(4, rel=0.1)
    assert (bare.spin_z_by_momentum == 0).all()
    if disorder == "delta":
        p = np.array(model.momentum)
        f = 1 / (1 + np.exp((p**2 / 2 - 1) / 0.1))
        drift = f * (1 - f) / 0.1 * p / model.scattering_rate
        assert bare.distribution_by_band.values == pytest.approx(np.stack([drift, drift]))


def test_the_distribution_of_point_impurities_far_apart() -> None:
    """Eqs. (17) and (18), met as (Delta tau)^-2."""
    off = []
    for D in (20.0, 40.0):
        model = gas(D, 5 * D, thermal_energy=0.02, momentum=np.linspace(1.2, 1.6, 9).tolist())
        ds = rashba.solve(model, QUICK, observables=["distribution_by_band", "spin_z_by_momentum"])
        p, step, E = ds.momentum.values, 2 * model.spin_orbit, {}
        for band in (1, -1):
            f = 1 / (1 + np.exp((p * (p + band * step) / 2 - 1) / 0.02))
            E[band] = -f * (1 - f) * (p + band * step / 2) / 0.02, f
        lower = -2 * p * E[-1][0] / (2 * p - step) / model.scattering_rate
        out = (E[1][1] - E[-1][1]) / (2 * p)
        out = out - step / 2 * (E[1][0] / (2 * p + step) + E[-1][0] / (2 * p - step))
        found = ds.distribution_by_band.sel(band="lower").values, step * p * ds.spin_z_by_momentum
        off.append(
            [
                np.abs(a - b).max() / np.abs(b).max()
                for a, b in zip(found, (lower, out), strict=True)
            ]
        )
    assert np.array(off[0]) / off[1] == pytest.approx([4, 4], rel=0.1)
    assert max(off[1]) < 1e-3


def test_a_cold_distribution_is_refused_in_words() -> None:
    ds = rashba.solve(gas(1.0), QUICK, observables=["spin_z_by_momentum"])
    assert ds.spin_z_by_momentum.isnull().all()
    assert "thermal_energy" in str(ds.reason.values)
    with pytest.raises(ValueError, match="momentum"):
        gas(1.0, momentum=[0.0])


@pytest.mark.parametrize("disorder", ["gaussian", "yukawa"])
def test_the_distribution_within_a_band_lives_for_the_inverse_of_its_rate(disorder: str) -> None:
    """f_pp = -tau_pp df_0/dp for split bands; the rate is an integral of the kernel over angles."""
    model = RashbaGas(
        thermal_energy=0.002, disorder=disorder, scattering_rate=1e-4, disorder_length=4.0,
        screening=0.3, momentum=(0.34, 0.36, 0.38),
    )  # fmt: skip
    p, m, alpha = np.array([0.34, 0.36, 0.38]), model.mass, model.spin_orbit
    found = rashba.solve(
        model,
        Kinetic(transitions="intraband"),
        observables=["distribution_by_band", "intraband_rate"],
    )
    theta = 2 * np.pi * (np.arange(400) + 0.5) / 400
    q = 2 * p[:, None] * np.sin(theta / 2)
    w = 1e-4 * (np.exp(-((4 * q) ** 2)) if disorder == "gaussian" else 0.09 / (q**2 + 0.09))
    a = -(w * np.sin(theta) ** 2).mean(axis=1) / (4 * m)
    for sign, band in ((1, "upper"), (-1, "lower")):
        velocity = p / m + sign * alpha
        rate = found.intraband_rate.sel(band=band).values
        assert rate == pytest.approx(-2 * a * p / velocity, rel=1e-10)
        energy = p**2 / (2 * m) + sign * alpha * p - model.fermi_energy
        push = velocity / (4 * 0.002 * np.cosh(energy / 0.004) ** 2)  # -df_0/dp
        occupied = found.distribution_by_band.sel(band=band).values
        assert occupied == pytest.approx(push / rate, rel=2e-3)
        assert occupied != pytest.approx(push / 1e-4, rel=0.1)  # control: the rate of points
