"""Limits of the spinterface family whose answers are known, and the words for bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import spherical_jn

from chirospin import spinterface
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.spinterface import (
    NEGF,
    Contact,
    Exact,
    Gas,
    LesserOnly,
    Map,
    MatrixExponential,
    Metal,
    Pair,
    PointContact,
    Quench,
    Spectral,
    Stability,
    WholeGas,
    green_function,
    local_function,
)
from chirospin.spinterface.contact import change, emission_of, places_of
from chirospin.spinterface.emission import occupation_difference
from chirospin.spinterface.green import components, density_of_states
from chirospin.spinterface.model import Drive
from chirospin.spinterface.molecule import MAP_CHECKS
from chirospin.spinterface.quench import QUENCH_AUDITS, by_modes, fitting_star, star_of
from chirospin.spinterface.response import (
    DECAY,
    energy_of,
    equilibrium_response,
    real_axis,
    respond,
)

GOLD = Metal(N0=13.1234, alpha=0.033, fermi=5.53, d=3)
STRONG = Metal(N0=13.1234, alpha=0.3, fermi=1.0, d=3)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("z", [0.3 + 0.2j, 2j, -3.0, 0.7])
def test_green_function_by_its_poles_and_by_quadrature(d: int, z: complex):
    """The transform of 1/(z - H_k), at complex energies with a straight integral over k."""
    if complex(z).imag == 0:
        z = z + 0.5j
    metal = Metal(N0=2.0, alpha=0.3, fermi=1.0, d=d)
    r = 0.8
    k, w = np.polynomial.legendre.leggauss(200)
    edges = np.linspace(0, 60, 61)
    k = (edges[:-1, None] + 0.5 * (1 + k)).ravel()
    w = np.tile(w / 2, 60)
    damp = np.exp(-((k / 14) ** 2))  # cut off smoothly; the pole's residues take it along below
    branch = [1 / (z - k**2 / 4 - s * 0.3 * k + 1.0) for s in (1, -1)]
    even, odd = (branch[0] + branch[1]) / 2, (branch[0] - branch[1]) / 2
    if d == 3:
        x = k * r
        f0, f1 = np.sin(x) / x, (np.sin(x) / x - np.cos(x)) / x
        measure = k**2 / (2 * np.pi**2)
    elif d == 2:
        from scipy.special import j0, j1

        f0, f1, measure = j0(k * r), j1(k * r), k / (2 * np.pi)
    else:
        f0, f1, measure = np.cos(k * r), np.sin(k * r), np.full_like(k, 1 / np.pi)
    g0 = (w * measure * damp * even * f0).sum()
    g1 = 1j * (w * measure * damp * odd * f1).sum()
    kappa = metal.kappa(z)
    total0 = total1 = 0.0
    for s in (1, -1):  # every pole carries its own cut-off
        both = _one_pole(metal, r, kappa, s)
        factor = np.exp(-(((kappa + s * metal.a) / 14) ** 2))
        total0, total1 = total0 + factor * both[0], total1 + factor * both[1]
    assert g0 == pytest.approx(complex(total0), rel=2e-9)
    assert g1 == pytest.approx(complex(total1), rel=2e-9)


def _one_pole(metal: Metal, r: float, kappa: Any, s: int) -> tuple[complex, complex]:
    """Share of one pole, from the printed sums of Hankel functions."""
    from scipy.special import kv

    k = kappa + s * metal.a
    if metal.d == 3:
        h0 = -1j * np.exp(1j * k * r) / (k * r)
        h1 = -np.exp(1j * k * r) / (k * r) * (1 + 1j / (k * r))
        front = metal.N0 / (4 * np.pi * kappa) * k**2
        return -1j * front * h0, -front * s * h1
    if metal.d == 2:
        H = [2 / (1j * np.pi) * (-1j) ** n * kv(n, -1j * k * r) for n in (0, 1)]
        front = metal.N0 / (4 * kappa) * k
        return -1j * front * H[0], -front * s * H[1]
    front = metal.N0 / (2 * kappa) * np.exp(1j * k * r)
    return -1j * front, 1j * s * front


def test_jump_of_the_odd_part_at_the_contact():
    _, g1, _ = green_function(STRONG, 1e-7, 0.2)
    assert g1 == pytest.approx(1j * STRONG.alpha * STRONG.N0**2 / (2 * np.pi), rel=1e-5)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_local_function_is_the_regular_part_at_the_contact(d: int):
    metal = Metal(N0=3.0, alpha=0.2, fermi=1.0, d=d)
    z = np.array([0.3 + 0.1j, -2.0, -0.5, 3j])
    g0, _, _ = green_function(metal, 1e-6, z)
    rest = g0 - local_function(metal, z)
    assert np.abs(rest - rest[0]).max() < 2e-5  # the same constant at every energy
    assert np.abs(rest.imag).max() < 1e-5


def test_density_of_states_is_zero_below_the_bottom_and_a_square_root_without_coupling():
    free = Metal(N0=5.0, alpha=0.0, fermi=1.0, d=3)
    energy = np.array([-1.5, -0.5, 2.0])
    expected = 5 * np.sqrt(10 * np.maximum(energy + 1, 0)) / np.pi**2
    assert density_of_states(free, energy) == pytest.approx(expected, abs=1e-14)
    below = STRONG.bottom - 0.1
    assert density_of_states(STRONG, below) == pytest.approx(0, abs=1e-12)


def test_kernel_of_the_current_induced_spin_near_the_contact():
    kappa = STRONG.kappa(0.1)
    g0, g1, _, _ = components(STRONG, np.array(1e-3), kappa)
    kernel = 2 * (g0 * np.conj(g1)).real
    limit = -(STRONG.N0**2) * STRONG.a**3 / (3 * np.pi**2 * kappa.real)
    assert kernel == pytest.approx(limit, rel=1e-4)


def test_no_digits_are_lost_for_a_weak_coupling():
    """g1 is linear in alpha down to rounding, in every dimension."""
    for d in (1, 2, 3):
        one, tiny = (
            green_function(Metal(N0=13.0, alpha=a, fermi=5.0, d=d), 0.7, 0.1)[1] / a
            for a in (1e-7, 1e-10)
        )
        assert one == pytest.approx(tiny, rel=1e-10)


LOCAL = {"level_splitting": [0, 0, 0.05], "direction": [1, 0, 0]}


def test_equilibrium_decays_with_the_cube_at_zero_temperature():
    r = np.array([400.0, 800.0, 1600.0])
    model = Contact(**LOCAL, thermal_energy=0.0, spin_orbit=0.0, lead_coupling=0.4, distance=r)
    k = GOLD.N0 * np.sqrt(2 * 5.53 / GOLD.N0)
    found = _envelope(model, k)
    assert found[1:] / found[:-1] == pytest.approx([1 / 8, 1 / 8], rel=0.02)


def _envelope(model: Contact, k: float) -> Any:
    """Amplitude of a density that oscillates with 2k, from two places a quarter period apart."""
    r = np.array(model.distance)
    quarter = np.pi / (4 * k)
    one, two = (
        NEGF().solve(model.replace(distance=r + s * quarter)).total.vector[:, 2] for s in (0, 1)
    )
    return np.hypot(one, two)


def test_equilibrium_decays_exponentially_at_a_temperature():
    r = np.array([30.0, 40.0, 50.0])
    model = Contact(**LOCAL, spin_orbit=0.0, distance=r)
    k = np.sqrt(2 * 5.53 * GOLD.N0)
    length = k / (2 * np.pi * model.thermal_energy * GOLD.N0)
    found = _envelope(model, k) * r**2
    assert length == pytest.approx(5.65, abs=0.01)
    assert np.diff(np.log(found)) / 10 == pytest.approx(-1 / length, rel=0.02)


def test_driven_spin_decays_with_the_square():
    r = np.array([50.0, 100.0, 200.0])
    model = Contact(**LOCAL, spin_orbit=0.0, lead_potential=0.2, distance=r)
    driven = NEGF().solve(model).driven.vector[:, 2]
    assert driven * r**2 == pytest.approx(driven[0] * r[0] ** 2, rel=1e-9)


def test_molecular_part_vanishes_at_a_quarter_turn():
    """mol alone carries cos(a r)^2; the isotropic law holds for |g0|^2 + |g1|^2."""
    r = np.pi / (2 * GOLD.a)
    g0, g1, _, _ = components(GOLD, np.array([r, r / 2]), GOLD.kappa(0.0))
    total = np.abs(g0) ** 2 + np.abs(g1) ** 2
    assert r == pytest.approx(3.627, abs=0.001)
    assert np.abs(g0[0]) ** 2 < 2e-3 * total[0]
    assert total[0] * r**2 == pytest.approx(total[1] * (r / 2) ** 2, rel=2e-3)


def test_bound_state_below_the_band_is_found():
    """Matsubara sum against the integral over real energies and the residue of the bound state."""
    model = Contact(
        spin_orbit=0.2,
        fermi_energy=0.8,
        lead_coupling=0.0,
        level_splitting=[0.01, 0.02, 0.03],
        hybridisation=0.2,
        thermal_energy=0.02,
        distance=[0.5, 2.0],
    )
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    found, _ = equilibrium_response(metal, emission, drive.thermal_energy, places, flow=False)
    q, w = real_axis(metal, emission.singular(), -DECAY / 0.5, 30.0, (), longest=1.0)
    energy, kappa = energy_of(metal, q)
    f = np.exp(-np.logaddexp(0.0, energy / 0.02))
    continuum = energy >= metal.bottom
    T = emission.transfer(energy + 0j, kappa)
    T = T * (1j / np.pi * w * f * continuum)[:, None, None, None]
    direct = respond(metal, places, kappa, T, advanced=False, flow=False)
    states = emission.bound_states()
    assert len(states) == 2  # one for each spin of the level
    for level, residue in states:
        assert level < metal.bottom
        weight = 2 * residue[None] / (1 + np.exp(level / 0.02))
        k = metal.kappa(np.array([level]))
        direct = direct + respond(metal, places, k, weight / 2, advanced=False, flow=False)
    assert change(found.density, direct.real.density) < 1e-8
    lesser = LesserOnly().solve(model)
    assert lesser.outcome.converged


def test_bias_without_a_second_lead_does_nothing_and_says_so():
    model = Contact(lead_coupling=0.0, distance=1.0)
    one = spinterface.solve(model)
    two = spinterface.solve(model.replace(lead_potential=0.3))
    assert np.array_equal(one.spin_density, two.spin_density)
    assert not two.audit_passed.sel(check="bias_without_lead").item()
    assert one.audit_passed.sel(check="bias_without_lead").item()


def test_a_tiny_bias_keeps_its_digits():
    drives = [Drive(thermal_energy=0.02, lead_thermal_energy=0.02, mu=m) for m in (1e-12, 1e-6)]
    w = np.array([-1.0, -0.01, 0.0, 0.3, 3.0])
    small, large = (occupation_difference(w, d) / d.mu for d in drives)
    assert small == pytest.approx(large, rel=1e-4)
    assert np.isfinite(occupation_difference(np.array([-1e4, 1e4]), drives[0])).all()
    cold = Drive(thermal_energy=0.0, lead_thermal_energy=0.0, mu=0.3)
    assert occupation_difference(np.array([-0.1, 0.1, 0.4]), cold).tolist() == [0.0, 1.0, 0.0]


def test_wide_and_exact_broadening_agree_far_above_the_bottom():
    model = Contact(lead_potential=0.05, spin_orbit=0.01, hybridisation=0.01, distance=[2.0])
    exact, wide = (NEGF().solve(m).driven for m in (model, model.replace(broadening="wide")))
    assert change(exact, wide) < 5e-3


def test_wide_band_with_a_window_above_the_bottom():
    model = Contact(broadening="wide", distance=[1.0], thermal_energy=0.0)
    state = LesserOnly(window=-3.0).solve(model)
    assert state.outcome.converged
    shifted = LesserOnly(window=-4.0).solve(model)
    assert 0 < change(state.total, shifted.total) < 0.1


def test_optimal_repulsion_is_where_the_polarisation_peaks():
    model = Gas(band_energy=-0.3, spin_splitting=[0, 0, 0.02], thermal_energy=0.026)
    best = float(spinterface.solve(model).optimal_repulsion)
    assert best == pytest.approx(0.15 + 0.026 / 4 * np.log(3))
    at = [
        -Exact().solve(model.replace(repulsion=best + d)).polarisation[2]
        for d in (-1e-3, 0.0, 1e-3)
    ]
    assert at[1] > max(at[0], at[2])


def test_gas_at_extreme_temperatures():
    cold = Gas(band_energy=-0.1, spin_splitting=[0, 0, 0.3], thermal_energy=1e-29)
    frozen = cold.replace(thermal_energy=0.0)
    assert Exact().solve(cold).weights == pytest.approx(Exact().solve(frozen).weights)
    assert Exact().solve(frozen).weights.tolist() == [0, 1, 0, 0]
    assert np.isnan(Exact().solve(frozen).log_partition)
    hot = Exact().solve(cold.replace(thermal_energy=1e12))
    assert hot.weights == pytest.approx(np.full(4, 0.25), rel=1e-9)


def test_whole_gas_gains_at_fixed_potential_and_loses_at_fixed_density():
    ds = spinterface.solve(WholeGas(thermal_energy=0.0, spin_orbit=0.01))
    x = (GOLD.N0 * 0.01) ** 2 / (2 * GOLD.N0 * 5.53)
    assert float(ds.amplification) - 1 == pytest.approx(5 / 6 * x, rel=1e-3)
    assert float(ds.amplification_at_density) - 1 == pytest.approx(-2 / 3 * x, rel=1e-3)


def test_field_of_the_gas_is_subtracted_with_and_without_the_half():
    full = Gas(magnetic_field=10.0, spin_orbit=0.0)
    half = full.replace(zeeman="half", magnetic_field=20.0)
    assert np.allclose(Exact().solve(full).polarisation, Exact().solve(half).polarisation)
    assert Exact().solve(full).polarisation[2] > 0


def test_resonant_pairs_grow_linearly():
    model = Pair(
        band_energy=[0.2, 0.2],
        spin_splitting=[[0, 0, 0.1], [0, 0, 0.1]],
        initial=[0, 0, 0, 0],
        source=[0.1, 0.3, 0, 0.2],
        time=[1e6, 2e6],
    )
    state = Spectral().solve(model)
    assert state.growth == pytest.approx([0.1, 0, 0, 0.2])
    gained = state.moments[1] - state.moments[0]
    assert gained[[0, 3]] == pytest.approx([1e5, 2e5], rel=1e-12)
    assert np.abs(state.moments[:, 1:3]).max() < 0.3 / 0.2 * 2.1  # precession only
    assert (np.abs(state.frequency) < 1e-15).sum() == 2


def test_an_exceptional_point_is_announced():
    gain = Pair(spin_splitting=[[0.1, 0, 0.1j], [0, 0, 0]], time=[1.0])
    ds = spinterface.solve(gain, "matrix-exponential")
    assert not ds.audit_passed.sel(check="exceptional_point").item()
    plain = spinterface.solve(Pair(time=[1.0]), "matrix-exponential")
    assert plain.audit_passed.sel(check="exceptional_point").item()


def test_a_moment_out_of_reach_is_a_result():
    model = Stability(moment=0.99, thermal_energy=0.5, largest_repulsion=1.0, largest_field=10.0)
    ds = spinterface.solve(model)
    assert bool(ds.converged)
    assert np.isnan(ds.repulsion)
    assert np.isnan(ds.field)
    assert "none below" in str(ds.reason.item())
    assert float(ds.reached_moment) < 0.99
    assert float(ds.stray_field) > 0


def test_stray_field_of_a_density():
    """s = 1e-3/nm^3 is mu_0 M = 23 microtesla for g = 2."""
    from chirospin.spinterface.stability import MU0_BOHR

    assert pytest.approx(23.3e-6, rel=2e-3) == MU0_BOHR * 2 * 1e-3


def _write(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_molecules_from_a_table_and_from_a_function(tmp_path: Path):
    """The level written as arrays and as a function gives what the level gives."""
    model = Map(lead_potential=0.2, lead_coupling=0.2, x=[1.0, -2.0], y=[0.3], z=[0.5])
    h, gamma = np.diag([-0.05, -0.15]), 0.2
    one = np.eye(2)
    energy = np.unique(np.concatenate([np.linspace(-60, -5, 300), np.linspace(-5, 3, 4001)]))
    G = np.linalg.inv(energy[:, None, None] * one - h + 0.5j * gamma * one)
    f = 1 / (1 + np.exp(np.clip((energy - 0.2) / model.thermal_energy, -500, 500)))
    lesser = 1j * gamma * f[:, None, None] * (G @ np.conj(np.swapaxes(G, 1, 2)))
    table = _write(tmp_path / "level.npz", energies=energy, retarded=G, lesser=lesser)
    direct = spinterface.solve(model).spin_density.values
    found = spinterface.solve(model.replace(molecule=table)).spin_density.values
    assert np.abs(found - direct).max() < 1e-6 * np.abs(direct).max()
    code = tmp_path / "molecule_of_a_test.py"
    code.write_text(
        "import numpy as np\n"
        "h = np.diag([-0.05, -0.15]) - 0.1j * np.eye(2)\n"
        "def green(z):\n"
        "    return np.linalg.inv(np.asarray(z)[:, None, None] * np.eye(2) - h)\n"
        "def lesser(w):\n"
        f"    f = 1 / (1 + np.exp(np.clip((w - 0.2) / {model.thermal_energy!r}, -500, 500)))\n"
        "    G = green(w)\n"
        "    return 0.2j * f[:, None, None] * (G @ np.conj(np.swapaxes(G, 1, 2)))\n"
        "green.lesser = lesser\n"
    )
    found = spinterface.solve(model.replace(molecule=f"{code}:green")).spin_density.values
    assert np.abs(found - direct).max() < 1e-9 * np.abs(direct).max()
    dressed = spinterface.solve(
        model.replace(molecule=table, metal_included=1), on_failure="record"
    )
    assert np.abs(dressed.spin_density.values - direct).max() > 1e-3 * np.abs(direct).max()


BAD = [
    (lambda: Contact(distance=0.0), "distance` must be > 0"),
    (lambda: Contact(distance=[1.0, -2.0]), "distance` must be > 0"),
    (lambda: Contact(distance=np.inf), "distance`"),
    (lambda: Contact(direction=[0, 0, 0]), "direction` must have a length > 0"),
    (lambda: Contact(direction=[0, 1]), "direction` must be real"),
    (lambda: Contact(mass=0.0), "mass` must be real in"),
    (lambda: Contact(thermal_energy=-1.0), "thermal_energy` must be real in"),
    (lambda: Contact(lead_coupling=-0.1), "lead_coupling` must be real in"),
    (lambda: Contact(lead_polarisation=[1, 1, 0]), "lead_polarisation` must have a length"),
    (lambda: Contact(dimension=4), "dimension` must be"),
    (lambda: Contact(level_splitting=[0, 1j, 0]), "level_splitting` must be real"),
    (lambda: Contact(texture="rashba"), "texture` must be radial"),
    (lambda: Contact(dimension=2, direction=[1, 0, 1]), "direction` must lie in the plane"),
    (lambda: green_function(GOLD, 0.0, 1.0), "distance` must be > 0"),
    (lambda: green_function(GOLD, 1.0, 1.0 - 1j), "imaginary part >= 0"),
    (lambda: green_function(GOLD, 1.0, GOLD.bottom), "must not be the band bottom"),
    (
        lambda: LesserOnly().solve(Contact(broadening="wide")),
        "diverges logarithmically at the band bottom",
    ),
    (lambda: Spectral().solve(Pair(band_energy=[0.1j, 0])), "must be real"),
    (lambda: Gas(spin_splitting=[0, 0, 1], magnetic_field=1.0), "must be left out"),
    (lambda: Stability(lead_potential=0.1), "lead_potential` must be 0"),
    (lambda: Stability(axis=[0, 0, 0]), "axis` must have a length > 0"),
    (lambda: spinterface.solve(Map(z=0.0)), "must not meet a contact"),
    (lambda: spinterface.solve(Map(molecule="nothing.npz")), "must be a file that exists"),
    (lambda: spinterface.solve(Map(molecule="level2")), "must be level, FILE.npz"),
    (lambda: spinterface.solve(Map(dimension=2, z=1.0)), "must be 0 (in nm) in a metal"),
    (
        lambda: spinterface.solve(Map(hybridisation_matrix=[[1, 0], [0, 1], [1, 0]])),
        "hybridisation_matrix` must have the shape",
    ),
    (lambda: spinterface.solve(WholeGas(dimension=2)), "dimension` must be 3"),
    (lambda: spinterface.solve(Quench(dimension=2)), "dimension` must be 3"),
    (lambda: Quench(time=[0.0, -1.0]), "time` must be >= 0"),
    (lambda: Quench(distance=0.0), "distance` must be > 0"),
    (lambda: spinterface.solve(Quench(time=[1e12])), "time` must be smaller"),
    (lambda: spinterface.solve(Quench(distance=[1e15])), "distance` must be smaller"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[w for _, w in BAD])
def test_bad_input_is_one_line(call: Any, words: str):
    with pytest.raises(ModelError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_resonance_narrower_than_rounding_is_not_integrated_silently():
    model = Contact(lead_coupling=1e-13, spin_orbit=0.2, fermi_energy=0.8, distance=[1.0])
    with pytest.raises(ConvergenceError, match="narrower than rounding"):
        LesserOnly().solve(model)
    assert NEGF().solve(model).outcome.converged  # control: the full method needs no such line


def test_growth_that_overflows_is_not_converged():
    with pytest.raises((ConvergenceError, FloatingPointError)), np.errstate(all="ignore"):
        MatrixExponential().solve(Pair(band_energy=[5j, 0], time=[1e4]))


def test_equilibrium_formula_meets_diagonalisation_of_the_star():
    """Modes of one channel, cut off smoothly, against g, T and the Matsubara sum with that cut-off."""
    cutoff, V, r, kT = 10.0, 0.08, np.array([1.0, 2.5]), 0.1
    model = Quench(
        spin_orbit=0.1,
        hybridisation=V,
        exchange=-0.2,
        level=-0.05,
        distance=r,
        time=[0.0],
        thermal_energy=kT,
    )
    star = star_of(model, modes=600, reach=60.0, cutoff=cutoff)
    found = by_modes(model, star)[1][0]
    metal = Metal(N0=model.mass, alpha=0.1, fermi=1.0, d=3)
    z = 1j * np.pi * kT * (2 * np.arange(4000) + 1)
    local = (star.coupling**2 / (z[:, None] - star.energies)).sum(axis=1)
    T = [V**2 / (z + 0.05 - star.shift - m * -0.2 - local) for m in (1, -1)]
    T1 = (T[0] - T[1]) / 2
    kappa = metal.kappa(z)
    g0, g1 = np.zeros((2, z.size, 2), dtype=complex)
    for s in (1, -1):
        k = (kappa + s * metal.a)[:, None]
        h0 = -1j * np.exp(1j * k * r) / (k * r)
        h1 = -np.exp(1j * k * r) / (k * r) * (1 + 1j / (k * r))
        F = metal.N0 / (4 * np.pi * kappa[:, None]) * k**2 * np.exp(-((k / cutoff) ** 2))
        g0, g1 = g0 - 1j * F * h0, g1 - s * F * h1
    expected = 2 * kT * ((g0**2 - g1**2) * T1[:, None]).sum(axis=0).real
    assert found == pytest.approx(expected, rel=1e-8)
    without = 2 * kT * (g0**2 * T1[:, None]).sum(axis=0).real
    assert np.abs(found - without).max() > 1e-2 * np.abs(found).max()  # control: mol alone


def test_a_quenched_moment_meets_a_star_of_modes():
    """Closed amplitudes against diagonalisation; without the level's constant there is no limit."""
    for changes in ({}, {"kept": 0.05, "spin_orbit": 0.3, "level": 0.1}):
        model = Quench(time=[0, 5, 10], distance=[1.0], thermal_energy=0.15, **changes)
        found = PointContact().solve(model).level_spin
        star = fitting_star(model)
        assert found == pytest.approx(by_modes(model, star)[0], abs=1.5e-3)
        low = star_of(model, modes=300, reach=180.0, cutoff=60.0)
        sunk = by_modes(model, replace(low, shift=0.0))[0]
        assert np.abs(sunk - found).max() > 1e-2  # control: the level as the modes leave it


def test_a_quench_begins_with_a_contact_and_ends_with_nothing():
    """At time 0 Matsubara sums of the level and of a contact; late the level without a field."""
    kT, V, N0 = 0.05, 0.08, 13.1234
    model = Quench(thermal_energy=kT, spin_orbit=0.1, time=[0.0, 300.0], fermi_energy=12.0)
    found = PointContact().solve(model)
    metal = Metal(N0=N0, alpha=0.1, fermi=12.0, d=3)
    z = 1j * np.pi * kT * (2 * np.arange(200_000) + 1)
    up, down = (1 / (z - e - V**2 * local_function(metal, z)) for e in (-0.2, 0.2))
    assert found.level_spin[0] == pytest.approx(kT * (up - down).sum().real, abs=2e-6)
    assert abs(found.level_spin[1]) < 1e-12
    kept = PointContact().solve(model.replace(kept=-0.2)).level_spin
    assert kept[1] == pytest.approx(
        kept[0], abs=1e-14
    )  # control: a field that stays keeps its spin
    audits = {audit.name: audit for audit in QUENCH_AUDITS}
    assert abs(audits["start"].evaluate(model, PointContact())) < 1e-8
    assert not audits["start"].run(model, Kicked()).passed


def attached_by_contours(model: Quench, t: float, r: float, m: int) -> tuple[float, float]:
    """Charge on the level and at r > 0 of spin m: amplitudes on a tilted line of momenta above all poles."""
    N0, a, V = model.mass, model.mass * model.spin_orbit, model.hybridisation
    kT, level = model.thermal_energy, model.level + m * model.kept
    metal = Metal(N0=N0, alpha=model.spin_orbit, fermi=model.fermi_energy, d=3)
    u, du = np.linspace(-90, 90, 9001, retstep=True)
    q = 4.0j + u * np.exp(-0.25j)
    z = metal.bottom + q**2 / (2 * N0)
    G = 1 / (z - level + 1j * N0 * V**2 * (q**2 + a**2) / (2 * np.pi * q))
    g0, g1, _, _ = components(metal, np.array(r), q)
    front = 0.5j / np.pi * np.exp(-0.25j) * du * (q / N0) * np.exp(-1j * z * t) * G
    front = np.stack([front, front * V * (g0 + m * g1)])
    total = model.initial_occupation[(1 - m) // 2] * np.abs(front.sum(axis=1)) ** 2
    for s in (1, -1):  # modes k of both branches
        k = (np.arange(1200) + 0.5) * (8.0 + a) / 1200
        E = k**2 / (2 * N0) + s * model.spin_orbit * k - metal.fermi
        weight = k**2 / (4 * np.pi**2) * (8.0 + a) / 1200 / (np.exp(E / kT) + 1)
        F = front @ (1 / (z[:, None] - E))
        own = spherical_jn(0, k * r) + 1j * m * s * spherical_jn(1, k * r)
        moved = np.stack([0 * k, own]) * np.exp(-1j * E * t) + V * F
        total = total + (np.abs(moved) ** 2 - np.abs(np.stack([0 * k, own])) ** 2) @ weight
    return tuple(total)


def test_a_level_that_begins_to_touch_a_metal():
    """Any filling to begin with: Faddeeva functions against integrals over momenta, and the end of it."""
    base = {"thermal_energy": 0.05, "spin_orbit": 0.2, "level": 0.1, "kept": 0.05}
    model = Quench(time=[0.0, 4.0, 400.0], distance=[0.8], initial_occupation=[1.0, 0.4], **base)
    found = PointContact().solve(model)
    up, down = (np.array(attached_by_contours(model, 4.0, 0.8, m)) for m in (1, -1))
    spin = (up - down) / 2
    assert found.level_charge[:2] == pytest.approx([1.4, up[0] + down[0]], rel=1e-5)
    assert found.level_spin[:2] == pytest.approx([0.3, spin[0]], rel=1e-5)
    assert found.spin[:2, 0] == pytest.approx([0.0, spin[1]], abs=1e-5 * abs(spin[1]))
    rest = PointContact().solve(model.replace(initial_occupation=None, exchange=0.05, time=[0.0]))
    assert found.level_charge[2] == pytest.approx(float(rest.level_charge[0]), abs=1e-4)
    assert found.spin[2] == pytest.approx(rest.spin[0], abs=1e-4)
    filled, empty = (
        PointContact().solve(model.replace(initial_occupation=n)).level_charge
        for n in ([1.0, 1.0], [0.0, 0.0])
    )
    assert (filled - empty)[:2].min() > 0.5  # control: before that the filling is remembered
    assert abs((filled - empty)[2]) < 1e-4


def test_a_weakly_held_electron_leaves_at_the_golden_rate():
    r"""n(t) = exp(-Gamma t) high above the Fermi level, Gamma = N_0 V^2 kappa (1 + a^2/kappa^2)/pi."""
    model = Quench(
        level=1.0, hybridisation=0.01, initial_occupation=[1.0, 0.0], thermal_energy=0.0,
        spin_orbit=0.05, time=[400.0, 800.0],
    )  # fmt: skip
    N0, a = model.mass, model.mass * model.spin_orbit
    kappa = np.sqrt(2 * N0 * (model.level + model.fermi_energy) + a**2)
    rate = N0 * model.hybridisation**2 * kappa * (1 + a**2 / kappa**2) / np.pi
    n = PointContact().solve(model).level_charge
    assert np.log(n[0] / n[1]) / 400 == pytest.approx(rate, rel=2e-3)
    with pytest.raises(ModelError, match="initial_occupation"):
        model.replace(initial_occupation=[1.2, 0.0])


@pytest.mark.parametrize("kT", [0.0, 0.02])
def test_a_weak_field_makes_the_linear_response(kT: float):
    """The departure from it falls with the square of the field, with spin-orbit coupling and without."""
    for alpha in (0.1, 0.0):
        off = []
        for field in (200.0, 100.0):
            gas = WholeGas(fermi_energy=2.0, spin_orbit=alpha, thermal_energy=kT)
            ds = spinterface.solve(gas.replace(magnetic_field=field, zeeman="half"))
            linear = float(ds.susceptibility) * field * BOHR_MAGNETON
            off.append(2 * float(ds.field_spin_density) / linear - 1)
        assert abs(off[0]) < 1e-3
        assert off[0] / off[1] == pytest.approx(4, rel=0.01)
        assert abs(off[1]) > 1e-8  # control: there is a departure


@pytest.mark.parametrize("alpha", [0.033, 0.3])
def test_weak_and_strong_fields_meet(alpha: float):
    gas = WholeGas(spin_orbit=alpha, thermal_energy=0.001, zeeman="half")
    low, high = (
        float(spinterface.solve(gas.replace(magnetic_field=B)).field_spin_density) / B
        for B in (0.2, 0.4)
    )
    assert low == pytest.approx(high, rel=1e-9)


def test_a_field_without_spin_orbit_coupling_moves_two_spheres():
    gas = WholeGas(fermi_energy=1.0, spin_orbit=0.0, thermal_energy=0.0, magnetic_field=1e3)
    energy = 2e3 * BOHR_MAGNETON
    up, down = ((2 * gas.mass * (1 + s * energy)) ** 1.5 / (6 * np.pi**2) for s in (1, -1))
    ds = spinterface.solve(gas)
    assert float(ds.field_spin_density) == pytest.approx((up - down) / 2, rel=1e-10)
    turned = spinterface.solve(gas.replace(magnetic_field=-1e3))
    assert float(turned.field_spin_density) == pytest.approx((down - up) / 2, rel=1e-10)
    deep = spinterface.solve(gas.replace(fermi_energy=0.1, magnetic_field=1e4))
    assert np.isnan(deep.field_spin_density)


class Kicked(PointContact):
    """A planted fault: the field before time 0 is a tenth too large."""

    def solve_many(self, models: Any) -> Any:
        return super().solve_many([m.replace(exchange=1.1 * m.exchange) for m in models])


def test_a_quench_at_zero_temperature_is_the_limit_of_a_cold_one():
    model = Quench(time=[0.0, 20.0], thermal_energy=0.0)
    cold = PointContact().solve(model.replace(thermal_energy=1e-4)).level_spin
    assert PointContact().solve(model).level_spin == pytest.approx(cold, abs=1e-6)
    warm = PointContact().solve(model.replace(thermal_energy=0.03)).level_spin
    assert np.abs(warm - cold).max() > 1e-3  # control


FLAT = {1: [0, 0, 1], 2: [1, 2, 0], 3: [1, 2, 3]}


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_bound_state_without_a_lead_is_the_limit_of_a_weak_one(d: int):
    """The residue of an infinitely sharp state continues the integral over a narrow resonance."""
    model = Contact(
        dimension=d,
        direction=FLAT[d],
        spin_orbit=0.2,
        fermi_energy=0.8,
        level=-0.6,
        hybridisation=0.2,
        level_splitting=[0.01, 0.02, 0.03],
        distance=[0.5, 2.0],
    )
    sharp, narrow, wider = (
        LesserOnly().solve(model.replace(lead_coupling=g)).total for g in (0.0, 1e-6, 1e-4)
    )
    assert change(sharp, narrow) < 3e-6
    assert change(sharp, wider) > 10 * change(sharp, narrow)  # control: linear in the coupling
    cut = LesserOnly(window=-1.09).solve(model.replace(lead_coupling=0.0)).total
    assert change(sharp, cut) > 1e-2  # control: without the state below the band


@pytest.mark.parametrize("d", [1, 2, 3])
def test_driven_part_meets_adaptive_quadrature(d: int):
    from scipy.integrate import quad_vec

    model = Contact(
        dimension=d,
        direction=FLAT[d],
        spin_orbit=0.15,
        fermi_energy=1.0,
        lead_polarisation=[0.2, 0.1, -0.4],
        hybridisation_vector=[0.02j, 0.01, 0],
        lead_potential=-1.4,  # the window contains the band bottom
        lead_thermal_energy=0.05,
        distance=[0.7, 3.0],
    )
    metal, emission, _ = emission_of(model)
    places = places_of(model)

    def integrand(q: float) -> Any:
        energy, kappa = energy_of(metal, np.array([q]))
        T = emission.driven(energy, kappa) * abs(q) / metal.N0 / (2j * np.pi)
        found = respond(metal, places, kappa, T, advanced=True, flow=False).real.density
        return np.concatenate([found.scalar, found.vector.ravel()])

    marks = (-metal.a, 0.0, metal.a)
    found, _ = quad_vec(integrand, -12.0, 12.0, epsrel=1e-9, epsabs=1e-15, points=marks, limit=4000)
    driven = NEGF().solve(model).driven
    ours = np.concatenate([driven.scalar, driven.vector.ravel()])
    assert np.abs(ours - found).max() < 1e-8 * np.abs(found).max()


def test_the_largest_moment_does_not_depend_on_the_wanted_one():
    """It is what the largest repulsion holds by itself: asked for, it takes just that repulsion."""
    found = [
        float(
            spinterface.solve(
                Stability(moment=m, largest_field=1.0), observables=["reached_moment"]
            ).reached_moment
        )
        for m in (0.05, 0.5, 0.99)
    ]
    assert np.ptp(found) < 1e-9
    again = spinterface.solve(Stability(moment=found[0] * (1 - 1e-9), largest_field=1.0))
    assert float(again.repulsion) == pytest.approx(20.0, rel=1e-4)


@pytest.mark.parametrize(
    ("d", "density", "current"),
    [(1, "1/nm", "eV"), (2, "1/nm^2", "eV/nm"), (3, "1/nm^3", "eV/nm^2")],
)
def test_units_follow_the_dimension_and_survive_their_reader(d: int, density: str, current: str):
    import pint

    registry = pint.UnitRegistry()
    ds = spinterface.solve(Contact(dimension=d, distance=[1.0]))
    assert ds.spin_density.attrs["units"] == ds.charge_density.attrs["units"] == density
    assert ds.radial_current.attrs["units"] == current
    volume = registry.Quantity(1.0, density).to(f"1/m^{d}").magnitude
    assert volume == pytest.approx(1e9**d, rel=1e-12)
    assert (
        spinterface.solve(Map(dimension=d, x=[1.0], y=[0.0], z=[0.0])).charge_density.attrs["units"]
        == density
    )
    with pytest.raises(ModelError, match="different units"):
        spinterface.solve(Contact(distance=[1.0]), over={"dimension": [2, 3]})


def test_a_map_is_sampled_within_half_a_period():
    """The density turns over within pi/k_F; a quarter of a nanometre in gold shows other waves."""
    checks = {check.name: check for check in MAP_CHECKS}
    for model in (Map(), Map(fermi_energy=0.5), Map(dimension=2), Map(fermi_energy=200.0)):
        assert checks["sampling"].judge(checks["sampling"].evaluate(model, None))
    line = np.linspace(-3, 3, 25)
    coarse = Map(x=line, y=line, z=[0.5])
    assert not checks["sampling"].judge(checks["sampling"].evaluate(coarse, None))
    assert checks["sampling"].evaluate(Map(x=[0.5, 1.0, 3.0], y=[0.5], z=[0.5]), None) is None


def test_what_vanishes_by_symmetry_is_zero_within_its_error():
    ds = spinterface.solve(Contact(dimension=2, distance=[1.0]))
    size, error = np.abs(ds.spin_density), ds.spin_density_error
    assert (size <= error).sel(component="x").all()
    assert (size > error).sel(component=["y", "z"]).all()  # control


@pytest.mark.parametrize("value", [1e308, -1e308, 1e200])
@pytest.mark.parametrize("name", ["mass", "spin_orbit", "fermi_energy", "thermal_energy"])
def test_magnitudes_beyond_a_solid_are_refused(name: str, value: float):
    for kind in (Contact, Map, WholeGas, Quench):
        with pytest.raises(ModelError, match=name):
            kind(**{name: value})


def test_what_is_colder_than_a_microkelvin_is_cold():
    cold, zero = (WholeGas(thermal_energy=T) for T in (1e-29, 0.0))
    ds = [spinterface.solve(m).susceptibility.item() for m in (cold, zero)]
    assert ds[0] == ds[1]
