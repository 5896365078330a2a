"""Heat, spin and torque by the names that a user asks for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from chirospin import junction
from chirospin.junction import CustomJunction

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def dot(field: float) -> CustomJunction:
    """A repelling level in a field along y between crossed magnets along x and z."""
    return CustomJunction(
        one_body_matrix=-0.2 * np.eye(2) + field * PAULI[1],
        interaction_tensor=[[0, 1, 0, 1, 1.0], [1, 0, 1, 0, 1.0]],
        lead_matrices=[0.02 * (np.eye(2) + 0.8 * PAULI[k]) for k in (0, 2)],
        bias=1.0, thermal_energy=0.3,
    )  # fmt: skip


def test_spin_currents_and_the_torque_of_the_field_add_up() -> None:
    """The Lamb shift is all that spin_current of ule has not where the field turns the spin."""
    names = ["spin_current", "spin_current_lamb", "spin_orbit_torque"]
    ds = junction.solve(dot(0.3), "ule", observables=names)
    total = ds.spin_current.sum("lead") + ds.spin_orbit_torque
    assert np.abs(total).max() < 1e-10
    assert np.abs(ds.spin_orbit_torque).max() > 1e-4
    apart = np.abs(ds.spin_current_lamb - ds.spin_current).max()
    still = junction.solve(dot(0.0), "ule", observables=names)
    assert np.abs(still.spin_orbit_torque).max() < 1e-12
    assert np.abs(still.spin_current_lamb - still.spin_current).max() < 1e-10 < apart


def test_heat_current_of_a_level_is_its_integral() -> None:
    r""":math:`\int d\omega\,(\omega - \mu_l)\, T\,(f_l - f_m)/2\pi`, out of each lead; cold and hot."""
    g, level, mu, T = (0.1, 0.2), 0.3, (0.2, -0.1), (0.1, 0.25)
    model = CustomJunction(
        one_body_matrix=[[level]], lead_matrices=[[[g[0]]], [[g[1]]]], reversed_leads="none",
        lead_potentials=mu, lead_thermal_energies=T,
    )  # fmt: skip
    found = junction.solve(model, "landauer", observables=["heat_current"]).heat_current
    for lead in (0, 1):

        def flow(w: float, lead: int = lead) -> float:
            f = [expit(-(w - m) / t) for m, t in zip(mu, T, strict=True)]
            through = g[0] * g[1] / ((w - level) ** 2 + sum(g) ** 2 / 4)
            return float((w - mu[lead]) * through * (f[lead] - f[1 - lead]) / (2 * np.pi))

        expected = quad(flow, -8, 8, points=(-0.1, 0.2, 0.3), limit=200)[0]
        for value in found.isel(lead=lead).values.ravel():
            assert value == pytest.approx(expected, abs=1e-8)
