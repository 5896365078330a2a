"""A chiral metal with a thermal window or tau(E): laws with their controls, and what the limits are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin import chiral_metal
from chirospin.chiral_metal import Boltzmann, ChiralMetal, ClosedForm
from chirospin.chiral_metal.audit import CHECKS
from chirospin.chiral_metal.balance import balance_reversal, plane_balance
from chirospin.chiral_metal.energies import thermal_energies
from chirospin.chiral_metal.model import scales_of
from chirospin.chiral_metal.quadratic import plane_total
from tests.laws.chiral_metals import PLACES, chiral_metals, number

COARSE = Boltzmann(cells=60, ordinates=14, energies=5)
COARSE_ERROR = 6e-4  # of that mesh, 4e-4 in its long outer cells; 1e-5 on four times the cells
EXACT = 1e-10
ONE = np.array([1.0])
NAMES = ("charge", "field", "spin", "spin_current", "operator_spin_current", "momentum_flux")
WARM = {"spin_orbit": 0.2, "length": 24.0, "screening_length": 0.3, "thermal_energy": 0.03}


def profiles(method: Any, model: ChiralMetal) -> Any:
    return method.solve(model, ["profiles"]).profiles


def departure(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


@settings(max_examples=20)
@given(
    model=chiral_metals(screened=True),
    warmth=number(0.001, 0.5),
    exponent=number(-0.9, 3),
)
def test_first_order_of_a_warm_metal_is_odd_in_the_handedness_and_even_about_the_middle(
    model: ChiralMetal, warmth: float, exponent: float
) -> None:
    warm = model.replace(
        thermal_energy=warmth * model.chemical_potential, scattering_exponent=exponent
    )
    here, other = (
        profiles(ClosedForm(), m) for m in (warm, warm.replace(spin_orbit=-warm.spin_orbit))
    )
    assert departure(-other.spin[0], here.spin[0]) < EXACT
    assert (
        departure(other.charge[0], here.charge[0]) < EXACT
    )  # control: charge does not change sign
    near, far = here.spin[0, : PLACES.size], here.spin[0, PLACES.size :]
    assert departure(far, near) < 1e-9
    assert np.isnan(here.spin[1]).all()


@given(warmth=number(0.0, 2.0), exponent=number(-0.9, 3), mass=number(0.3, 3))
def test_free_carriers_conduct_as_their_number_says(
    warmth: float, exponent: float, mass: float
) -> None:
    """Drude: sigma = n q^2 tau/m at every temperature if tau is constant; a control if it is not."""
    of = thermal_energies(warmth, 0.0)
    assert of.conductivity(0.0) == pytest.approx(of.carriers(0.0), rel=1e-12)
    if warmth > 0.05 and exponent > 0.1:
        bent = thermal_energies(warmth, exponent)
        assert bent.conductivity(0.0) > (1 + 1e-4) * bent.carriers(0.0)


@given(
    a=st.sampled_from([-0.6, 0.02, 0.3, 1.4]),
    screening=number(0, 1),
    memory=number(0, 0.9),
    weight=number(0, 1),
    exponent=number(-0.9, 3),
)
def test_the_balance_at_zero_temperature_is_the_closed_total_and_a_term_of_the_exponent(
    a: float, screening: float, memory: float, weight: float, exponent: float
) -> None:
    r"""4r [sum_p C_p (2p + 1)/(3 (2p + 3)) + eta/(9 (1 - eta))], whatever alpha and the screening are."""
    weights = np.array([weight, 0.0, 1 - weight])
    found = plane_balance(a, screening, memory, weights, thermal_energies(0.0, exponent))
    known = plane_total(a, screening, memory, weights)
    bent = 4 * exponent * (weight / 5 + (1 - weight) * 7 / 27 + memory / (9 * (1 - memory)))
    size = 1 + abs(known) + abs(bent)
    assert found * 4 * np.pi**2 / a == pytest.approx(known + bent, abs=1e-11 * size)
    if abs(exponent) > 0.1:  # control: without the term
        assert abs(found * 4 * np.pi**2 / a - known) > 0.01


@pytest.mark.parametrize("quantity", ["spin", "field", "momentum_flux"])
def test_the_limit_of_no_temperature_is_reached_as_its_square(quantity: str) -> None:
    metal = ChiralMetal(**{**WARM, "position": PLACES})
    cold, *warm = (
        getattr(profiles(ClosedForm(), metal.replace(thermal_energy=T)), quantity)[0]
        for T in (0.0, 0.004, 0.008)
    )
    gaps = [np.abs(x - cold).max() for x in warm]
    assert gaps[0] < 1e-3 * np.abs(cold).max()
    assert gaps[1] / gaps[0] == pytest.approx(4, rel=0.01)


def test_sommerfeld_corrections_of_the_number_of_carriers() -> None:
    """n(T)/n = 1 + (pi^2/8)(k_BT/mu)^2, dn/dmu = N_0 [1 - (pi^2/24)(k_BT/mu)^2]; lambda_T goes with it."""
    mu, T = 0.5, 0.005
    free = chiral_metal.solve(
        ChiralMetal(spin_orbit=0.0, chemical_potential=mu, thermal_energy=T, screening_length=0.2),
        observables=["carrier_density", "thermal_screening_length"],
    )
    square = (np.pi * T / mu) ** 2
    cold = mu * (2 * mu) ** 0.5 * 2 / (3 * np.pi**2)
    assert float(free.carrier_density) / cold - 1 == pytest.approx(square / 8, rel=1e-3)
    assert (0.2 / float(free.thermal_screening_length)) ** 2 - 1 == pytest.approx(
        -square / 24, rel=1e-3
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"walls": "specular", "helicity_memory": 0.3}, {"injection_power": 2}],
)
def test_two_algebras_of_the_same_equation(changes: dict[str, Any]) -> None:
    """Delta functions of energy and their derivatives, or moments over energy: the same at T = 0."""
    places = PLACES[PLACES > 0] if changes.get("walls") else PLACES
    metal = ChiralMetal(**{**WARM, "thermal_energy": 0.0, "position": places, **changes})
    moments = profiles(COARSE, metal.replace(scattering_exponent=1e-14))
    deltas = profiles(COARSE, metal)
    for name in NAMES:
        for order in (0, 1):
            one, other = (getattr(p, name)[order] for p in (moments, deltas))
            assert departure(one, other) < 1e-7, (name, order)


@pytest.fixture(scope="module")
def warm_metals() -> dict[str, tuple[ChiralMetal, Any]]:
    """Some metals and what the equation says of them."""
    changes: dict[str, dict[str, Any]] = {
        "warm": {"thermal_energy": 0.05},
        "bent": {"scattering_exponent": 1.5, "thermal_energy": 0.0},
        "other source": {
            "scattering_exponent": -0.5,
            "injection_power": 3,
            "injection_weight": 0.2,
        },
        "memory": {"scattering_exponent": 0.5, "helicity_memory": 0.3, "length": 36.0},
    }
    metals = {
        name: ChiralMetal(**{**WARM, "position": [*PLACES, 12.0], **change})
        for name, change in changes.items()
    }
    return {name: (m, COARSE.solve(m, ["profiles"])) for name, m in metals.items()}


@pytest.mark.parametrize("name", ["warm", "bent", "other source", "memory"])
def test_the_equation_gives_the_closed_forms(name: str, warm_metals: dict[str, Any]) -> None:
    model, solved = warm_metals[name]
    here = scales_of(model)
    closed = profiles(ClosedForm(), model)
    for quantity in NAMES:
        exact = getattr(closed, quantity)[0]
        if np.isfinite(exact).all():
            found = getattr(solved.profiles, quantity)[0]
            assert departure(found, exact) < COARSE_ERROR, quantity
    expected = plane_balance(
        here.asymmetry, here.screening, here.memory, here.weights, here.energies
    )
    unit = here.asymmetry / (4 * np.pi**2)
    assert solved.interface_spin == pytest.approx(expected, abs=1e-3 * unit)
    if model.scattering_exponent:  # control: a constant time
        cold = plane_total(here.asymmetry, here.screening, here.memory, here.weights)
        assert abs(solved.interface_spin / unit - cold) > 0.3
    else:  # control: the profile without temperature
        still = profiles(ClosedForm(), model.replace(thermal_energy=0.0)).spin[0]
        assert departure(solved.profiles.spin[0], still) > 5 * COARSE_ERROR
    assert solved.charge_current_error < COARSE_ERROR
    assert solved.balance_error < COARSE_ERROR


@pytest.mark.parametrize("name", ["warm", "bent", "other source"])
def test_the_middle_is_the_bulk_and_neutral(name: str, warm_metals: dict[str, Any]) -> None:
    """With tau(E) a field makes some carriers leave sooner: without the neutral shift j_s2 is 1 + 6r/5."""
    model, solved = warm_metals[name]
    bulk = chiral_metal.solve(
        model,
        observables=["bulk_spin_density", "bulk_spin_current", "bulk_momentum_flux"],
    )
    here = scales_of(model)
    unit = here.fermi_velocity * here.spin_scale[1]
    assert unit * solved.profiles.spin_current[1, -1] == pytest.approx(
        float(bulk.bulk_spin_current[1]), rel=3e-4
    )
    unit = here.mass * here.fermi_velocity**2 * here.spin_scale[1]
    assert unit * solved.profiles.momentum_flux[1, -1] == pytest.approx(
        float(bulk.bulk_momentum_flux[1]), rel=3e-4
    )
    assert here.spin_scale[0] * solved.profiles.spin[0, -1] == pytest.approx(
        float(bulk.bulk_spin_density[0]), rel=3e-4
    )
    assert abs(solved.profiles.charge[1, -1]) < 1e-4


def test_the_sign_of_the_interface_spin_reverses_at_an_exponent_of_four_thirds() -> None:
    r"""alpha, lambda -> 0, p = 1: -16/15 + 4r/5. Scattering by ions, r = 3/2, is beyond it."""
    for r, sign in ((-0.5, -1), (0.0, -1), (1.3, -1), (1.4, 1), (1.5, 1)):
        of = thermal_energies(0.0, r)
        assert np.sign(plane_balance(1e-3, 0.0, 0.0, ONE, of)) == sign
        assert np.isnan(balance_reversal(1e-3, 0.0, ONE, of)) == (sign > 0)
    nearer = balance_reversal(1e-3, 0.0, ONE, thermal_energies(0.0, 1.0))
    assert nearer == pytest.approx(np.sqrt((16 / 15 - 0.8) * 0.75), rel=1e-5)


def test_a_window_that_reaches_the_band_bottom_fails_loudly() -> None:
    check = next(c for c in CHECKS if c.name == "energies")
    hot, warm = (
        Boltzmann(cells=24, ordinates=4, energies=5).solve(
            ChiralMetal(**{**WARM, "thermal_energy": T, "length": 6.0, "position": [1.0]})
        )
        for T in (0.2, 0.04)
    )
    assert not check.judge(check.evaluate(ChiralMetal(), hot))
    assert check.judge(check.evaluate(ChiralMetal(), warm))
