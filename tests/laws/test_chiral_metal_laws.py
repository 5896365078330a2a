"""Laws of the chiral metal, each with a control that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin.chiral_metal import (
    Boltzmann,
    ChiralMetal,
    ClosedForm,
    linear,
    quadratic,
)
from chirospin.chiral_metal.driven import DrivenBoltzmann, DrivenClosedForm, DrivenMetal
from chirospin.chiral_metal.exponentials import exponential_integral, two_sided
from chirospin.chiral_metal.model import scales_of
from tests.laws.chiral_metals import PLACES, chiral_metals, number

EXACT = 1e-10
GRID = 2e-6  # of the default mesh, relative to the largest spin
COARSE = Boltzmann(cells=120, ordinates=16)
METHODS = (ClosedForm(), COARSE)
FAR = 60.0  # free paths between planes that do not see each other
ONE = np.array([1.0])


def worst(a: Any, b: Any) -> float:
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max()))


@pytest.mark.parametrize("method", METHODS, ids=str)
@given(model=chiral_metals(screened=True))
def test_spin_of_both_orders_changes_sign_with_the_handedness(method: Any, model: ChiralMetal):
    one, other = (
        method.solve(m, ["profiles"]).profiles
        for m in (model, model.replace(spin_orbit=-model.spin_orbit))
    )
    for order in (0, 1):
        assert worst(one.spin[order], -other.spin[order]) < EXACT
        assert worst(one.charge[order], other.charge[order]) < EXACT  # control: charge does not


@pytest.mark.parametrize("method", METHODS, ids=str)
@given(model=chiral_metals(screened=True))
def test_mirror_in_the_middle_plane(method: Any, model: ChiralMetal):
    """Under z -> L - z, s and E_1 are even, odd and rho odd, even at orders 1 and 2."""
    state = method.solve(model, ["profiles"]).profiles
    near, far = state.spin[:, : PLACES.size], state.spin[:, PLACES.size :]
    assert worst(near[0], far[0]) < GRID
    assert worst(near[1], -far[1]) < GRID
    assert worst(near[1], far[1]) > 0.1  # control: the other parity
    rho = state.charge
    assert worst(rho[0, : PLACES.size], -rho[0, PLACES.size :]) < 1e-5
    assert worst(rho[1, : PLACES.size], rho[1, PLACES.size :]) < 1e-3


@given(model=chiral_metals(screened=True))
def test_charge_of_the_carriers(model: ChiralMetal):
    """At given E_0, s_1 is odd and s_2 even in q; E_2 is odd: dipoles point inward for electrons."""
    holes, electrons = (model.replace(charge=q) for q in (1, -1))
    units = [scales_of(m) for m in (holes, electrons)]
    assert units[0].spin_scale == pytest.approx(units[1].spin_scale * [-1, 1])
    assert units[0].field_scale == pytest.approx(units[1].field_scale * [1, -1])
    state = ClosedForm().solve(electrons, ["profiles"]).profiles
    at_source = np.abs(PLACES) < 0.1
    field = state.field[1, : PLACES.size] * units[1].field_scale[1]
    assert (field[at_source] < 0).all()


@given(x=number(1e-4, 8))
def test_linear_spin_is_symmetric_about_one_third(x: float):
    xi = np.array([x, -x])
    assert linear.first_spin(xi, ONE).sum() == pytest.approx(2 / 3, abs=1e-14)
    printed = 2 * linear.step(xi) - 3 * two_sided(4, xi)  # control: the printed Eq. (78)
    assert printed.sum() == pytest.approx(2.0)


@given(x=number(1e-3, 8), screening=number(0.0, 1.5))
def test_field_of_a_plane_is_symmetric_about_one_half(x: float, screening: float):
    field = linear.plane_field(np.array([x, -x]), screening)
    assert field.sum() == pytest.approx(1, abs=1e-14)


@given(a=number(-0.7, 0.7), screening=number(0.0, 1.5), x=number(-6, 6))
def test_quadratic_spin_is_even_in_the_handedness_and_continuous(
    a: float, screening: float, x: float
):
    xi = np.array([x, -1e-12, 1e-12])
    one, other = (quadratic.SecondOrder(xi, FAR, screening).spin(s * a) for s in (1, -1))
    assert one == pytest.approx(other, abs=1e-13)
    assert one[1] == pytest.approx(one[2], abs=1e-9)


def graded(reach: float = 40.0) -> tuple[Any, Any]:
    """Gauss nodes and weights on both sides of a plane, graded towards it."""
    x, w = np.polynomial.legendre.leggauss(12)
    edges = np.concatenate([[0.0], np.geomspace(1e-8, reach, 30)])
    half = np.diff(edges) / 2
    nodes, weights = (
        (edges[:-1, None] + half[:, None] * (1 + x)).ravel(),
        (half[:, None] * w).ravel(),
    )
    return np.concatenate([-nodes, nodes]), np.concatenate([weights, weights])


@given(a=number(-0.8, 0.8), screening=number(0.0, 1.5))
def test_interface_spin_is_the_integral_of_the_profile(a: float, screening: float):
    xi, weights = graded()
    found = weights @ quadratic.SecondOrder(xi, 90.0, screening).spin(a)
    assert found == pytest.approx(quadratic.plane_total(a, screening, 0.0, ONE), abs=1e-8)
    control = quadratic.plane_total(0.9, screening, 0.0, ONE)
    assert abs(found - control) > 1e-2


@given(
    screening=st.sampled_from([0.0, 0.02, 0.3, 1.0]), length=number(0.7, 30), place=number(-3, 3)
)
def test_balance_of_spin_at_every_point(screening: float, length: float, place: float):
    """s_2 = -dj_s/dz + beta_1 E_1 + beta_2 E_2, to leading order in alpha, any length and screening."""
    xi = np.array([place if min(abs(place), abs(place - length)) > 0.05 else -0.5])
    steps = 1e-3 * np.array([-2, -1, 1, 2])
    values = quadratic.SecondOrder(xi + steps, length, screening).spin_current
    slope = (values @ np.array([1, -8, 8, -1])) / (12 * 1e-3)
    turned = quadratic.first_field_spin(xi, 0.0, length, screening)[0]
    edelstein = quadratic.SecondOrder(xi, length, screening).field_spin[0]
    spin = quadratic.SecondOrder(xi, length, screening).spin(0.0)[0]
    assert spin == pytest.approx(-slope + turned + edelstein, abs=2e-7)


def test_the_printed_parts_break_that_balance():
    """Control: Eq. (25) as printed sums to an integral of -4/5 instead of -16/15."""
    xi, weights = graded()
    x = np.abs(xi)
    F1, F4 = exponential_integral(1, x), exponential_integral(4, x)
    flux = -3 * two_sided(3, xi) + two_sided(5, xi) - np.where(xi > 0, 2 * x * F4 - x**2 * F1, 0)
    turned = 2 * two_sided(3, xi) - 2 * two_sided(5, xi)
    assert weights @ (flux + turned) == pytest.approx(-4 / 5, abs=1e-9)
    right = quadratic.SecondOrder(xi, 90.0, 0.0).spin(0.0)
    assert weights @ right == pytest.approx(-16 / 15, abs=1e-9)


@given(screening=number(0.02, 1.2))
def test_charge_and_force_of_the_second_order(screening: float):
    """The charge of a plane is zero, and the potential drop across it is 2 - 3 lambda^2/2."""
    xi, weights = graded()
    charge = quadratic.SecondOrder(xi, 90.0, screening).charge
    assert weights @ charge == pytest.approx(0, abs=1e-9 * (weights @ np.abs(charge)))
    assert weights @ np.abs(charge) > 1e-4  # control: there is charge
    drop = quadratic.SecondOrder(np.array([45.0]), 90.0, screening).potential_drop[0]
    assert drop == pytest.approx(2 - 1.5 * screening**2, abs=1e-10)


@given(power=st.integers(2, 9))
def test_ohmic_gap_has_its_moments(power: int):
    """Eq. (81) and the derived second moment: eta(0) = 2(p-1)/3(2p-1), int xi eta = 2(p-1)/5(2p+3)."""
    gap = linear.ohmic_gap(power)
    assert gap.weights.sum() == pytest.approx(2 * (power - 1) / (3 * (2 * power - 1)), rel=1e-13)
    second = (gap.weights / gap.rates**2).sum()
    assert second == pytest.approx(2 * (power - 1) / (5 * (2 * power + 3)), rel=1e-13)


@given(model=chiral_metals(screened=True, injection_weights=(0.3, 0.0, 0.9, -0.2)))
def test_any_list_of_weights_gives_the_same_linear_spin_by_both_methods(model: ChiralMetal):
    closed, solved = (
        ClosedForm().solve(model, ["profiles"]).profiles,
        COARSE.solve(model, ["profiles"]).profiles,
    )
    assert worst(closed.spin[0], solved.spin[0]) < 1e-5
    plain = ClosedForm().solve(model.replace(injection_weights=(1.0,)), ["profiles"]).profiles
    assert worst(closed.spin[0], plain.spin[0]) > 1e-3  # control: the source matters


@given(memory=number(0.01, 0.97), x=number(0.01, 6))
def test_memory_of_the_helicity_lets_spin_leak(memory: float, x: float):
    xi = np.array([-x, x])
    leak = linear.first_spin(xi, ONE, memory)
    assert leak.sum() == pytest.approx(2 / 3, abs=1e-12)
    assert leak[0] > linear.first_spin(xi, ONE)[0]
    kappa = linear.spin_decay(memory)
    assert memory * np.arctanh(min(kappa, 1 - 1e-16)) <= kappa * (1 + 1e-9)


@given(model=chiral_metals(screened=True, helicity_memory=0.6))
def test_conservation_in_the_solver(model: ChiralMetal):
    """j_e = j_0 between the planes at order 1, 0 at order 2; and the balance of spin."""
    state = COARSE.solve(model)
    assert state.charge_current_error is not None
    assert state.balance_error is not None
    assert state.charge_current_error < 2e-5
    assert state.balance_error < 2e-5


def test_a_source_at_the_wrong_plane_is_noticed():
    """Control: the same solver, with the current let in elsewhere, fails its certificate."""
    from chirospin.chiral_metal import boltzmann

    model = ChiralMetal(length=20.0, screening_length=0.3)
    here = scales_of(model)
    grid = boltzmann.discretised(
        here.length, here.screening, 0.0, walls=False, cells=120, order=3, ordinates=16
    )
    xi = np.array([0.5])
    right = boltzmann._solved(here, grid, xi)
    wrong_grid = boltzmann.Discretisation(
        streaming=grid.streaming, screening=grid.screening, memory=0.0, planes=(1, 2)
    )
    wrong = boltzmann._solved(here, wrong_grid, xi)
    assert right.charge_current_error < 1e-5 < 1e-2 < wrong.charge_current_error


DRIVE = {"length": 40.0, "position": np.array([-2.0, -0.5, 0.5, 2.0, 6.0])}


@given(frequency=number(0.0, 3.0))
def test_rectified_spin_outside_does_not_know_the_frequency(frequency: float):
    model = DrivenMetal(frequency=frequency, **DRIVE)
    one, still = (DrivenClosedForm().solve(m) for m in (model, model.replace(frequency=0.0)))
    assert worst(one.rectified[:2], still.rectified[:2]) < 1e-11
    if frequency > 0.3:  # control: inside it does
        assert worst(one.rectified[2:], still.rectified[2:]) > 1e-3


def test_slow_drive_is_the_steady_response():
    model = DrivenMetal(frequency=0.0, spin_orbit=0.001, chemical_potential=0.5, **DRIVE)
    steady = (
        ClosedForm(leading_alpha=True)
        .solve(
            ChiralMetal(spin_orbit=0.001, chemical_potential=0.5, screening_length=0, **DRIVE),
            ["profiles"],
        )
        .profiles
    )
    state = DrivenClosedForm().solve(model)
    assert worst(state.first, steady.spin[0]) < 1e-12
    assert worst(2 * state.rectified, steady.spin[1]) < 1e-11
    assert worst(2 * state.second, steady.spin[1]) < 1e-11


@pytest.mark.parametrize("frequency", [0.3, 1.0])
def test_driven_closed_forms_are_the_neutral_limit_of_the_equation(frequency: float):
    alpha = 0.002
    model = DrivenMetal(
        spin_orbit=alpha, chemical_potential=(1 - alpha**2) / 2, frequency=frequency, **DRIVE
    )
    closed = DrivenClosedForm().solve(model)
    gaps = []
    for screening in (0.04, 0.02):
        solved = DrivenBoltzmann(cells=160, ordinates=16).solve(
            model.replace(screening_length=screening)
        )
        gaps.append(
            [
                worst(getattr(solved, n), getattr(closed, n))
                for n in ("first", "rectified", "second")
            ]
        )
    assert (np.array(gaps[1]) < 0.05).all()
    assert (
        np.array(gaps[1]) < 0.62 * np.array(gaps[0])
    ).all()  # first order in the screening length


def test_beams_arrive_at_the_speed_of_the_carriers():
    from chirospin.chiral_metal.driven import switched_spin

    xi = np.array([-2.0, 2.0])
    spin = switched_spin(xi, np.array([0.5, 1.99, 2.5, 1e4]))
    assert spin[:2] == pytest.approx(np.array([[0.0, 2 / 3]] * 2))
    assert (spin[2] != spin[1]).all()
    assert spin[3] == pytest.approx(linear.first_spin(xi, ONE), abs=1e-12)
