"""A contact with a radius against averages over it of the point's functions, and integrals over momenta."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from chirospin import spinterface
from chirospin.base.errors import ModelError
from chirospin.spinterface import Contact, Map, Metal, Stability
from chirospin.spinterface.form_factor import branches_of, form_factor
from chirospin.spinterface.green import components, local_at

POINT = Metal(N0=2.0, alpha=0.4, fermi=1.0, d=3)
RADIUS = 0.7
ENERGIES = [0.3 + 0j, 0.2 + 0.5j, -3.0 + 0j]
FLUX = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}  # over r^(d - 1)


def surface(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions and weights of an average over two points, a ring, a sphere."""
    turns = 2 * np.pi * (np.arange(48) + 0.5) / 48
    if d == 1:
        return np.array([[1.0, 0, 0], [-1, 0, 0]]), np.full(2, 0.5)
    if d == 2:
        return np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=-1), np.full(48, 1 / 48)
    c, w = np.polynomial.legendre.leggauss(40)
    s = np.sqrt(1 - c**2)[:, None]
    parts = (c[:, None] + 0 * turns, s * np.cos(turns), s * np.sin(turns))
    weights = np.broadcast_to(w[:, None] / 96, (40, 48))
    return np.stack(parts, axis=-1).reshape(-1, 3), weights.ravel()


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("z", ENERGIES)
def test_outside_it_is_the_average_of_the_point_over_the_surface(d: int, z: complex) -> None:
    metal, normal, weight = replace(POINT, d=d), *surface(d)
    kappa, at = metal.kappa(z), np.array([1.3, 0, 0])
    away = at - RADIUS * normal
    r = np.linalg.norm(away, axis=1)
    g0, g1, _, _ = components(metal, r, kappa)
    mean = weight @ g0, (weight * g1 / r) @ away[:, 0]
    wide = components(replace(metal, radius=RADIUS), np.array(1.3), kappa, slopes=True)
    assert wide[:2] == pytest.approx(mean, rel=1e-12)
    point = components(metal, np.array(1.3), kappa)  # control
    assert abs(point[0] / mean[0] - 1) > 0.05
    # the slopes, by differences, and both ends spread
    h = 1e-4
    near, far = (
        components(replace(metal, radius=RADIUS), np.array(1.3 + s * h), kappa) for s in (-1, 1)
    )
    assert [(b - a) / (2 * h) for a, b in zip(near[:2], far[:2], strict=True)] == pytest.approx(
        wide[2:], rel=1e-6
    )
    away = 3 * at - RADIUS * normal
    r = np.linalg.norm(away, axis=1)
    half = components(replace(metal, radius=RADIUS), r, kappa)
    ends = components(replace(metal, radius=RADIUS), np.array(3.9), kappa, contacts=2)
    assert ends[0] == pytest.approx(weight @ half[0], rel=1e-12)
    assert ends[1] == pytest.approx((weight * half[1] / r) @ away[:, 0], rel=1e-12)


@pytest.mark.parametrize(("a", "radius"), [(1e-9, 0.5), (0.3, 0.5), (0.99, 1.0), (1.01, 1.0)])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_difference_of_both_branches_keeps_its_digits(d: int, a: float, radius: float) -> None:
    kappa = np.array([2.3 + 0.4j])
    found = branches_of(d, a, radius, kappa).half[0]
    turn = np.exp(
        2j * np.pi * np.arange(64) / 64
    )  # F is entire: its Taylor series by Cauchy's rule
    values = form_factor(d, radius, kappa + 2 * turn)
    series = [
        (values * turn**-n).mean() * (a / 2) ** n for n in (1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    ]
    assert found == pytest.approx(sum(series), rel=1e-8)


@pytest.mark.parametrize("z", [0.2 + 0.5j, -3.0 + 0.1j])
def test_the_level_sees_the_integral_over_momenta(z: complex) -> None:
    """1/(z - E_k) with F^2, less its constant -N_0/2 pi R; both branches are one line of k."""
    N0, alpha, R = POINT.N0, POINT.alpha, RADIUS

    def integrand(k: float) -> complex:
        return np.sinc(k * R / np.pi) ** 2 * k**2 / (z + POINT.fermi - k**2 / 2 / N0 - alpha * k)

    found, _ = quad(integrand, -200, 200, limit=400, epsabs=1e-9, complex_func=True)
    tail = -2 * N0 / R**2 / 200  # the mean of sin^2 beyond
    expected = (found + tail) / (4 * np.pi**2) + N0 / (2 * np.pi * R)
    wide = replace(POINT, radius=R)
    assert local_at(wide, wide.kappa(np.array([z])))[0] == pytest.approx(expected, abs=2e-5)
    assert (
        abs(local_at(POINT, POINT.kappa(np.array([z])))[0] - expected) > 0.05
    )  # control: the point


@settings(max_examples=30)
@given(
    d=st.sampled_from([1, 2, 3]),
    alpha=st.floats(-0.6, 0.6),
    radius=st.floats(1e-4, 3),
    energy=st.floats(-0.5, 4),
)
def test_what_leaves_the_contact_is_what_the_level_gives(
    d: int, alpha: float, radius: float, energy: float
) -> None:
    r"""Flux through a sphere: :math:`A[\frac{2}{N_0}Im(g_0^*g_0' + g_1^*g_1') + 4\alpha Re(g_0^*g_1)] = -4 Im g_loc`."""
    metal = Metal(N0=2.0, alpha=alpha, fermi=1.0, d=d, radius=radius)
    kappa = metal.kappa(np.array([energy]))
    leaves = []
    for r in (1.2 * radius, 4.0 * radius + 1):
        g0, g1, s0, s1 = components(metal, np.array([r]), kappa, slopes=True)
        flow = 2 / metal.N0 * (g0.conj() * s0 + g1.conj() * s1).imag
        flow += 4 * alpha * (g0.conj() * g1).real
        leaves.append(FLUX[d] * r ** (d - 1) * flow[0])
    given_off = -4 * local_at(metal, kappa)[0].imag
    point = -4 * local_at(replace(metal, radius=0.0), kappa)[0].imag
    assert leaves == pytest.approx([given_off, given_off], rel=1e-7, abs=1e-9 * point)
    if abs(given_off / point - 1) > 1e-3:  # control: the level of a point
        assert leaves[0] != pytest.approx(point, rel=1e-6)


def test_a_small_contact_is_a_point_and_a_wide_one_hybridises_less() -> None:
    names = ["spin_density", "charge_density"]
    where = Contact(lead_potential=0.3, distance=[0.8, 2.0], hybridisation=0.02)
    point, small, half = (
        spinterface.solve(where.replace(contact_radius=R), observables=names)
        for R in (0, 4e-5, 2e-5)
    )
    for name in names:
        gaps = [np.abs(ds[name] - point[name]).max() for ds in (small, half)]
        assert gaps[1] < 2e-3 * np.abs(point[name]).max()
        assert float(gaps[0] / gaps[1]) == pytest.approx(2, rel=0.02)
    wide = spinterface.solve(where.replace(contact_radius=0.6), observables=names)
    assert np.abs(wide.charge_density).max() < 0.1 * np.abs(point.charge_density).max()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Contact(contact_radius=0.5, distance=[0.52]), "distance"),
        (Map(contact_radius=0.5, contacts=[[0, 0, 0], [1, 0, 0]], x=[3], y=[0], z=[2]), "contacts"),
        (Map(contact_radius=0.5, x=[0.1], y=[0], z=[0.2]), "x"),
        (Stability(contact_radius=1.0), "height"),
    ],
)
def test_places_within_a_contact_are_refused(model: Contact, name: str) -> None:
    with pytest.raises(ModelError, match=f"`{name}` must lie >="):
        spinterface.solve(model)
