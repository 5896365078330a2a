"""Limits of the junction at finite bias that are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedLandauer,
    BiasedMeanField,
    DetailedBalance,
    Hierarchy,
    Junction,
    MeanField,
    PositiveLindblad,
    Redfield,
    UniversalLindblad,
)
from chirospin.junction.bias.parts import with_partners

QUICK = {"counting": False}


def currents(model: Any, method: Any) -> Any:
    return method.solve(model).lead_current[:, 0]


@pytest.mark.parametrize("gate", [0.0, -6.4])
def test_infinite_bias_is_recovered(gate: float) -> None:
    exact = currents(Junction(), GKSL())
    model = BiasedJunction(gate=gate, bias=100)
    for method in (Redfield(**QUICK), PositiveLindblad(**QUICK)):
        np.testing.assert_allclose(currents(model, method), exact, atol=1e-11)
    # the Lamb shift falls as 1/V; detailed balance has another limit
    errors = [
        np.abs(currents(model.replace(bias=V), UniversalLindblad(**QUICK)) - exact).max()
        for V in (2000, 4000)
    ]
    assert 1.7 < errors[0] / errors[1] < 2.3
    assert np.abs(currents(model, DetailedBalance(**QUICK)) - exact).max() > 1e-3


def test_mean_field_recovers_its_infinite_bias() -> None:
    exact = currents(Junction(hubbard=0.01), MeanField())
    model = BiasedJunction(hubbard=0.01, bias=4e6)
    np.testing.assert_allclose(currents(model, BiasedMeanField()), exact, rtol=1e-6)


def test_the_near_dark_state_is_noisy() -> None:
    state = Redfield().solve(BiasedJunction(bias=100, gate=-6.4), ["noise"])
    fano = state.noise / state.lead_current[:, 0]
    np.testing.assert_allclose(fano, [88, 117], rtol=0.01)


@pytest.mark.parametrize("method", [Redfield, PositiveLindblad, UniversalLindblad, DetailedBalance])
def test_independent_levels_obey_the_formula_of_two_barriers(method: Any) -> None:
    # U = 0, no spin-orbit coupling: each spin-orbital is one level, g_L = gamma (1 +- p)/2, g_R = gamma
    gamma, p, T, mu = 0.02, 0.4, 0.5, 0.3
    model = BiasedJunction(
        molecules=1, hubbard=0, spin_orbit=0, energy_b=0.7, gate=0.1, coupling=gamma,
        lead_polarisation=p, bias=2 * mu, thermal_energy=T,
    )  # fmt: skip
    state = method().solve(model, ["noise"])
    current, noise = np.zeros(2), np.zeros(2)
    for level in (0.1, 0.8):
        for spin in (1, -1):
            gL, gR = gamma * (1 + p * spin) / 2, gamma
            fL, fR = (1 / (1 + np.exp((level - x) / T)) for x in (mu, -mu))
            total = gL + gR
            one = gL * gR * (fL - fR) / total
            current += one
            a, b = gL * fL, gL * (1 - fL)
            A, B = gL * fL + gR * fR, gL * (1 - fL) + gR * (1 - fR)
            # second derivative of the eigenvalue of [[-A, B(k)], [A(k), -B]]
            cross = a * B - A * b
            noise += (a * B + A * b - 2 * a * b - 2 * (cross / total) ** 2) / total
    np.testing.assert_allclose(state.lead_current[:, 0], current, rtol=1e-9)
    np.testing.assert_allclose(state.noise, noise, rtol=1e-8)


def test_noise_without_interaction_at_infinite_bias_is_that_of_scattering() -> None:
    # weak repulsion aside, counting jumps and integrating transmissions are one thing
    counted = Redfield().solve(BiasedJunction(hubbard=0, bias=60, coupling=0.3), ["noise"])
    scattered = BiasedLandauer().solve(BiasedJunction(hubbard=0, bias=4e4, coupling=0.3), ["noise"])
    np.testing.assert_allclose(counted.noise, scattered.noise, rtol=1e-4)


def test_cold_leads_with_every_level_in_the_window_are_filled_and_empty() -> None:
    exact = currents(Junction(molecules=1, hubbard=0.5), GKSL())
    cold = BiasedJunction(molecules=1, hubbard=0.5, gate=-1, bias=12, thermal_energy=1e-3)
    np.testing.assert_allclose(currents(cold, Redfield(**QUICK)), exact, atol=1e-12)


def test_weak_coupling_brings_generators_and_scattering_together() -> None:
    errors = []
    for g in (0.02, 0.01):
        model = BiasedJunction(hubbard=0, gate=-0.4, bias=2, thermal_energy=0.5, coupling=g)
        exact = currents(model, BiasedLandauer(**QUICK))
        found = currents(model, UniversalLindblad(**QUICK))
        errors.append(float(np.abs(found / exact - 1).max()))
    assert errors[0] < 2e-2
    assert errors[1] < 0.7 * errors[0]


def test_conductance_of_a_sharp_level_is_the_thermal_one() -> None:
    gamma, T, level = 1e-3, 0.3, 0.2
    model = BiasedJunction(
        molecules=1, hubbard=0, spin_orbit=0, energy_a=level, energy_b=60.0, coupling=gamma,
        lead_polarisation=0, bias=0, thermal_energy=T,
    )  # fmt: skip
    state = with_partners(model, BiasedLandauer(), "bias_response")
    f = 1 / (1 + np.exp(level / T))
    expected = 2 * (gamma / 2 * gamma / (1.5 * gamma)) * f * (1 - f) / T
    np.testing.assert_allclose(state.parts["bias_response"].slope, expected, rtol=2e-3)


def test_mean_field_is_right_to_first_order_in_the_repulsion() -> None:
    base = BiasedJunction(
        molecules=1, gate=-0.5, bias=1, thermal_energy=1.0, spin_orbit=0.3, coupling=0.2
    )
    errors = []
    for U in (0.1, 0.05):
        model = base.replace(hubbard=U)
        exact = currents(model, Hierarchy(tier=2, poles=6))
        errors.append(np.abs(currents(model, BiasedMeanField()) - exact).max())
    assert 3.0 < errors[0] / errors[1] < 5.5


def test_the_dimer_near_its_published_polarisation_needs_a_large_bias() -> None:
    # from the definition of the window: all transitions of weight 1e-3 lie inside from 36 t on
    P = {}
    for V in (14, 20, 36):
        up, down = currents(BiasedJunction(bias=V, gate=-6.4), Redfield(**QUICK))
        P[V] = (up - down) / (up + down)
    assert abs(P[36] + 0.24107) < 2e-4
    assert -0.09 < P[14] < -0.07
    assert -0.14 < P[20] < -0.12
