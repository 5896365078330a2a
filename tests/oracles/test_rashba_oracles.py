"""The Rashba gas against direct angular integrals, dense chains and other routes.

The plain code counts in m = eE = 1 with Delta = alpha p, so alpha_R = -alpha/2; its currents are those of
eE along x.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import jv, jvp, yv, yvp

from chirospin import rashba
from chirospin.rashba import FermiLevelGas, Kinetic, RashbaGas
from tests.oracles import rashba_brute_force as naive


def gas(
    alpha: float, mu: float, disorder: str, rate: float, scale: float = 1.0, **other: Any
) -> RashbaGas:
    name = {"gauss": "gaussian", "tf2d": "thomas-fermi"}.get(disorder, disorder)
    return RashbaGas(
        mass=1.0, spin_orbit=-alpha / 2, fermi_energy=mu, disorder=name, scattering_rate=rate,
        disorder_length=scale, screening=scale, **other,
    )  # fmt: skip


def solved(model: RashbaGas, prescription: str = "redfield") -> tuple[complex, complex, complex]:
    ds = rashba.solve(model, Kinetic(prescription=prescription))
    return tuple(
        complex(ds[name].values) * factor
        for name, factor in (
            ("conductivity", 1),
            ("spin_accumulation", 2),
            ("spin_hall_current", 1),
        )
    )


# Frozen results of the plain code: chains of dense matrices from projected angular integrals, solved for f.
COLD = [
    (0.4, 2, "delta", 8, 1, "redfield", 0.081046367415, -0.0057069888623, 1e-10),
    (0.4, 2, "delta", 0.8, 1, "redfield", 0.8116797068776, -0.07967108160955, 1e-10),
    (0.4, 2, "delta", 0.08, 1, "redfield", 8.116902090505, -0.7957752294088, 1e-10),
    (0.4, 2, "gauss", 2, 0.5, "redfield", 3.601250016219, -0.354095740329, 1e-10),
    (0.4, 2, "gauss", 2, 0.5, "steady", 3.601256816335, -0.3543883642552, 1e-10),
    (0.4, 2, "gauss", 0.2, 0.5, "redfield", 36.01245514679, -3.532295877377, 1e-10),
    (0.4, 2, "yukawa", 2, 1, "redfield", 3.487474040453, -0.3436006099699, 1e-9),
    (0.4, 2, "yukawa", 2, 1, "steady", 3.487476944738, -0.3440805151872, 1e-9),
    (0.4, 2, "tf2d", 2, 1, "redfield", 5.621602883134, -0.5539207823336, 1e-9),
    (0.04, 2, "delta", 0.4, 1, "redfield", 1.591867740299, -0.015920277148, 1e-9),
    (0.04, 2, "gauss", 0.5, 0.5, "redfield", 13.66300082109, -0.136613946888, 1e-9),
    (0.2, 8, "delta", 0.8, 1, "redfield", 3.187077735412, -0.03978929358493, 1e-9),
    (1.0, -0.09375, "delta", 0.02, 1, "redfield", 0.62471937, -1.96636524, 1e-6),
    (1.0, -0.09375, "yukawa", 0.02, 0.5, "redfield", 2.0356347, -8.0286572, 1e-6),
]
WARM = [
    (0.5, 1, 0.1, "delta", 1, 1, "redfield", 0.338246269566, -0.075326865002, 1e-9),
    (0.5, 1, 0.1, "delta", 1, 1, "steady", 0.33824917358, -0.07469493526, 1e-9),
    (0.5, 1, 0.1, "gauss", 1, 1, "redfield", 14.07715344546, -3.267287191794, 1e-9),
    (0.5, 1, 0.1, "gauss", 1, 1, "steady", 14.07731287545, -3.267827742411, 1e-9),
    (0.5, 1, 0.1, "yukawa", 1, 1, "redfield", 2.175526706744, -0.505094290288, 1e-9),
    (0.5, 1, 0.1, "tf2d", 1, 1, "steady", 3.768267078803, -0.8788428732477, 1e-9),
    (1.0, 0.2, 0.3, "gauss", 1, 1, "redfield", 5.578334269257, -2.659170380453, 1e-9),
    (1.0, -0.05, 0.03, "gauss", 1, 1, "redfield", 0.217748668347, -0.025920330842, 1e-9),
]


@pytest.mark.parametrize(
    ("alpha", "mu", "kind", "rate", "scale", "prescription", "current", "spin", "tolerance"), COLD
)
def test_cold_responses(alpha, mu, kind, rate, scale, prescription, current, spin, tolerance):
    found = solved(gas(alpha, mu, kind, rate, scale), prescription)
    assert found[0].real == pytest.approx(current, rel=tolerance)
    assert found[1].real == pytest.approx(spin, rel=tolerance)
    assert abs(found[2]) < 1e-12


@pytest.mark.parametrize(
    ("alpha", "mu", "T", "kind", "rate", "scale", "prescription", "current", "spin", "tolerance"),
    WARM,
)
def test_warm_responses(alpha, mu, T, kind, rate, scale, prescription, current, spin, tolerance):
    found = solved(gas(alpha, mu, kind, rate, scale, thermal_energy=T), prescription)
    assert found[0].real == pytest.approx(current, rel=tolerance)
    assert found[1].real == pytest.approx(spin, rel=tolerance)
    assert abs(found[2]) < 1e-12


ALTERNATING = [
    (
        gas(0.4, 2, "gauss", 0.5, 0.5, frequency=0.3),
        (0.3160505714907 + 2.0916292993j, 0.00901074457109 - 0.1268561032662j,
         -1.195590606252 - 0.08492426684373j),
    ),
    (
        gas(0.4, 2, "gauss", 0.5, 0.5, frequency=0.8),
        (0.08494627185557 + 0.7987634647259j, 0.1983033986393 - 0.04025798807347j,
         -1.011793596639 - 4.983908002777j),
    ),
    (
        gas(0.4, 2, "gauss", 0.5, 0.5, imaginary_frequency=0.5),
        (1.183305348897, -0.04347567260727, -0.6829142683644),
    ),
    (
        gas(0.4, 2, "delta", 0.8, frequency=0.8),
        (0.4063963927258 + 0.4026893502764j, 0.01853514511849 - 0.01302264743454j,
         -0.3272948280852 - 0.4658390059174j),
    ),
    (
        gas(0.5, 1, "gauss", 1, 1, thermal_energy=0.1, frequency=0.6, imaginary_frequency=0.3),
        (0.2430957243005 + 0.4221068843645j, 0.02904113437138 - 0.05146610955806j,
         -0.5571256535996 - 0.825975313158j),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "expected"), ALTERNATING)
def test_alternating_responses(model, expected):
    found = solved(model)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-8 * max(abs(other), 1e-2))


@pytest.mark.parametrize(
    ("winding", "power", "disorder", "rate", "scale", "expected"),
    [
        (3, 3, "delta", 0.02, 1, -2.588563307305),
        (3, 3, "gauss", 0.01, 8, 3.84476598836),
        (2, 2, "gauss", 0.01, 8, -0.27967945083),
        (1, 3, "gauss", 0.01, 8, -0.298005980578),
    ],
)
def test_windings_and_powers(winding, power, disorder, rate, scale, expected):
    """Cubic holes change the sign of their spin Hall current with the range of the impurities."""
    found = solved(
        gas(0.05, 0.5, disorder, rate, scale, winding=winding, splitting_power=float(power))
    )
    assert found[2].real == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("prescription", ["redfield", "steady"])
@pytest.mark.parametrize(("kind", "scale"), [("delta", 1.0), ("gauss", 0.7), ("yukawa", 0.8)])
def test_a_small_thermal_response_against_the_dense_chain(prescription, kind, scale):
    """The whole response once more, by matrices of projected 2x2 collision integrals."""
    model, w = naive.rashba(0.9), naive.disorder(kind, 0.7, scale)
    rows = naive.chain_response_dense(
        model, w, 0.6, 0.25, prescription=prescription, n_offset=24, p_max=6.0, n_angle=400,
        kinked=False,
    )  # fmt: skip
    total = rows.sum(axis=0)
    found = solved(gas(0.9, 0.6, kind, 0.7, scale, thermal_energy=0.25), prescription)
    assert found[0].real == pytest.approx(total[0].real, rel=2e-5)
    assert found[1].real == pytest.approx(total[1].real, rel=2e-5)
    assert abs(total[2]) < 1e-6


def test_the_operator_identity_and_what_breaks_it():
    """2 alpha q = i[H, sigma_y] on plane waves with random scalar impurities; not with magnetic ones."""
    error, size = naive.exact_diagonalisation_identity(0.4, 6, 2.5, 0.5, 3)
    assert error < 1e-12 * size
    error, size = naive.exact_diagonalisation_identity(0.4, 6, 2.5, 0.5, 3, scalar=False)
    assert error > 0.1 * size


@pytest.mark.parametrize("zeeman", [(0.0, 0.0, 0.0), (0.05, 0.03, 0.0)])
def test_any_linear_field_against_an_angular_grid(zeeman):
    """Rashba with Dresselhaus and an in-plane field at the Fermi level; precession on s itself is wrong."""
    tensor = np.array([[0.07, -0.2], [0.2, -0.07], [0.0, 0.0]])
    plain = naive.fermi_level_matrix(2.0, 3.0, tensor, zeeman=np.array(zeeman))
    model = FermiLevelGas(
        mass=1.0, spin_orbit=-0.1, dresselhaus=0.035, fermi_energy=2.0, scattering_rate=1 / 3,
        zeeman=zeeman,
    )  # fmt: skip
    ds = rashba.solve(model)
    assert 2 * ds.spin_response.values == pytest.approx(plain["sigma"].real, abs=1e-9)
    assert ds.current_response.values == pytest.approx(plain["j"].real, abs=1e-9)
    across = ds.spin_current_response.sel(spin="z").values
    assert across == pytest.approx(plain["q"].real, abs=1e-9)
    assert np.abs(across).max() < 1e-9
    if any(zeeman):
        wrong = naive.fermi_level_matrix(2.0, 3.0, tensor, zeeman=np.array(zeeman), shifted=False)
        assert np.abs(wrong["q"]).max() > 1e-3


@pytest.mark.parametrize(("kappa", "x"), [(0.1, 0.0), (0.1, 0.2), (0.03, 0.2)])
def test_skew_scattering_and_relaxation_compete(kappa, x):
    """The closed form of Elliott-Yafet against Dyakonov-Perel, for small kappa (derivation in the docs)."""
    tau, momentum, alpha = 2.5, 8.0, 0.05
    D, r = alpha * momentum * tau, kappa**2 * (1 + x**2)
    law = -(4 * kappa * x * momentum**2 / 2 * tau + D**2) * 2 * r / (D**2 + 2 * r + r * D**2)
    model = FermiLevelGas(
        mass=1.0, spin_orbit=-alpha / 2, fermi_energy=momentum**2 / 2, scattering_rate=1 / tau,
        impurity_spin_orbit=kappa, impurity_strength=x,
    )  # fmt: skip
    found = rashba.solve(model).spin_current_response.sel(flow="y", spin="z")
    assert float(found) == pytest.approx(law, rel=2 * kappa**2 + 2e-3)


@pytest.mark.parametrize("prescription", ["redfield", "steady"])
@pytest.mark.parametrize("kind", ["delta", "gauss"])
def test_a_distribution_against_a_dense_chain(prescription, kind):
    """f at every momentum of one chain, from matrices of projected 2x2 collision integrals."""
    alpha, mu, T = 0.9, 0.6, 0.15
    model, w = naive.rashba(alpha), naive.disorder(kind, 0.7, 0.8)
    p, _, links = naive.build_chain(model, 0.21, 8.0)
    matrix = naive.chain_matrix(model, w, p, links, prescription, n_angle=80)
    plain = np.linalg.solve(matrix, sum(naive.drive(model, p, mu, T)).ravel()).reshape(-1, 4)
    order = np.argsort(p)
    ours = gas(alpha, mu, kind, 0.7, 0.8, thermal_energy=T, momentum=p[order].tolist())
    names = ["distribution_by_band", "spin_across_by_momentum", "spin_z_by_momentum"]
    ds = rashba.solve(ours, Kinetic(prescription=prescription, spread=0), observables=names)
    n, along, across, out = plain[order].T
    size = np.abs(plain).max()
    found = [*ds.distribution_by_band.values, *(ds[name].values for name in names[1:])]
    for a, b in zip(found, (n + along, n - along, across, out), strict=True):
        assert np.abs(a - b).max() < 1e-9 * size
    assert np.abs(out).max() > 1e-3 * size


@pytest.mark.parametrize("well", [-3.0, 0.5, 20.0, 600.0])
def test_strong_point_impurities_against_small_discs(well):
    """Transport cross-section of a disc from all partial waves; Born's rate is another one."""
    p, m, R = 1.3, 0.7, 0.02
    inside = np.sqrt(complex(p**2 - well / R**2 * 2 * m * m))
    orders = np.arange(0, 6)
    slope = inside * jvp(orders, inside * R) / jv(orders, inside * R)
    top = p * jvp(orders, p * R) - slope * jv(orders, p * R)
    phases = np.arctan((top / (p * yvp(orders, p * R) - slope * yv(orders, p * R))).real)
    waves = np.concatenate([phases[:0:-1], phases])  # l from -5 to 5
    section = 2 / p * (np.sin(np.diff(waves)) ** 2).sum()
    x = -np.tan(phases[0])
    model = FermiLevelGas(
        mass=m, fermi_energy=p**2 / (2 * m), impurity_density=0.01, impurity_strength=x
    )
    rate = float(rashba.solve(model).relaxation_rate)
    assert rate == pytest.approx(0.01 * p / m * section, rel=5e-3)
    born = 0.04 / m * x**2
    assert (abs(born / rate - 1) > 0.02) == (abs(x) > 0.15)
    assert rate < 0.04 / m  # the most that one wave scatters


@pytest.mark.parametrize("alpha", [0.3, 1.5])
def test_the_local_green_function_of_split_bands_has_no_spin(alpha):
    """So that the T-matrix of a point has none, and its imaginary part is that of the bare bands."""
    E, eta = 0.6, 2e-3
    p = np.linspace(0, 6, 60001)
    g = np.zeros((2, 2), complex)
    for angle in 2 * np.pi * (np.arange(8) + 0.5) / 8:
        turn = naive.sigma_omega(np.array(angle), 1)
        both = [1 / (E + 1j * eta - p**2 / 2 - s * alpha * p / 2) for s in (1, -1)]
        even, odd = (np.trapezoid(p * (both[0] + s * both[1]), p) / (8 * np.pi) for s in (1, -1))
        g += (even * naive.ONE + odd * turn) / 4
    assert np.abs(g - g[0, 0] * naive.ONE).max() < 1e-12
    assert g[0, 0].imag == pytest.approx(-0.5, rel=2e-3)
