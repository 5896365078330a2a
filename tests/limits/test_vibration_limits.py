"""Cases of the vibrating level with known answers, derivation or source beside each."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from chirospin import vibration
from chirospin.base.errors import ModelError
from chirospin.base.fermi import bose, fermi, fermi_difference, fermi_poles, summed
from chirospin.vibration import (
    SCBA,
    Exact,
    SCBAHartree,
    SecondOrder,
    Vibration,
    Windowed,
    validity,
)
from chirospin.vibration.audit import AUDITS, CHECKS
from chirospin.vibration.born import green_parts, inverse_green, self_energy_poles, star_matrix
from chirospin.vibration.model import bath, channels, common_coupling, level_of
from chirospin.vibration.real_axis import Band
from chirospin.vibration.scba import hartree

DIAGONAL = (0.01, 0.0, 0.01)


@pytest.mark.parametrize(
    ("changes", "inverse"),
    [
        ({"bath_dimension": 3}, 25.0),
        ({"bath_dimension": 2}, 50.0),
        ({"bath_dimension": 3, "bath_cutoff": 1.0}, 1 / (4 * np.pi**2 * 0.01)),
        ({"bath_dimension": 2, "bath_norm": "per-mode"}, 2 / (0.01 * np.pi)),
        ({"bath": "debye", "phonon_energy": 0.2, "phonon_number": 2}, 3 * 2 / 0.4),
        ({"bath": "einstein", "phonon_energy": 0.5, "phonon_number": 3}, 6.0),
        ({"bath_dimension": 1, "bath_onset": 0.1}, np.log(10 * np.pi) / (np.pi * 0.01)),
    ],
)
def test_sum_of_inverse_energies(changes, inverse):
    """1/(4c), 1/(2c), q_c^2/(4 pi^2 c), d/(c q_c (d-1)), 3N/(2 w_D), N/w_0, ln(q_c/q_min)/(pi c)."""
    assert bath(Vibration(**changes)).inverse() == pytest.approx(inverse, rel=1e-9)


def test_a_bath_from_a_function_or_a_table_is_the_bath_itself(tmp_path):
    (tmp_path / "acoustic.py").write_text(
        "import math\ndef J(w):\n    return w**2 / (2 * math.pi**2 * 0.01**3)\n"
    )
    by_name = Vibration(
        bath="spectrum",
        spectrum=f"{tmp_path / 'acoustic.py'}:J",
        spectrum_range=(0.0, np.pi * 0.01),
    )
    built = SecondOrder().solve(Vibration()).moment
    assert SecondOrder().solve(by_name).moment == pytest.approx(built, rel=1e-12)
    w = np.linspace(0, np.pi * 0.01, 200)
    rows = [f"{x},{x**2 / (2 * np.pi**2 * 1e-6)}" for x in w]
    (tmp_path / "J.csv").write_text("# energy, J\n" + "\n".join(rows))
    table = Vibration(bath="spectrum", spectrum=str(tmp_path / "J.csv"))
    assert SecondOrder().solve(table).moment == pytest.approx(built, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bath_dimension": 1}, "bath_onset"),
        ({"bath_onset": 4.0}, "bath_onset"),
        ({"bath": "spectrum", "spectrum": "math:exp"}, "spectrum_range"),
        ({"bath": "spectrum"}, "FILE.csv"),
        ({"bath": "spectrum", "spectrum": "numpy:cos", "spectrum_range": (0, 1)}, "above 0"),
        ({"bath": "spectrum", "spectrum": "numpy:cos", "spectrum_range": (1, 4)}, ">= 0"),
        ({"bath": "modes"}, "mode_energies"),
        ({"bath": "modes", "mode_energies": [0.0]}, "mode_energies"),
        ({"mode_energies": [1.0]}, "bath"),
    ],
)
def test_divergent_and_impossible_baths_name_the_remedy(changes, words):
    with pytest.raises(ModelError, match=words):
        Vibration(**changes)


def test_poles_of_the_fermi_function():
    for reach in (5.0, 80.0, 1000.0):
        poles = fermi_poles(reach)
        x = np.linspace(-reach, reach, 401)
        assert summed(poles, x) == pytest.approx(fermi(x), abs=5e-15)
    assert fermi_poles(1e5) is None
    assert float(fermi_difference(1.0, 1.0 + 1e-12)) == pytest.approx(
        1e-12 * float(fermi(1.0) * fermi(-1.0)), rel=1e-3
    )
    assert float(bose(1e-9)) == pytest.approx(1e9, rel=1e-8)


def test_slow_vibrations_give_two_lines_at_second_order():
    """w_c << T: poles at +- Delta with Delta^2 = 2 T g sum(1/w), half the weight each (spec. 7)."""
    model = Vibration(level=0.0, phonon_velocity=1e-3, thermal_energy=20.0)
    here = level_of(model)
    values, vectors = np.linalg.eigh(star_matrix(here, self_energy_poles(here)))
    along = np.abs(np.array([1, 1]) @ vectors[:2]) ** 2 / 2
    delta = np.sqrt(4e-4 * bath(model).variance(20.0))
    assert delta == pytest.approx(np.sqrt(2 * 20.0 * 4e-4 * 250), rel=1e-4)
    heavy = np.argsort(along)[-2:]
    assert np.sort(values[heavy]) == pytest.approx([-delta, delta], rel=1e-3)
    assert along[heavy] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_slow_vibrations_give_a_semicircle_in_self_consistent_born():
    """w_c << T: G = (z - sqrt(z^2 - 4 Delta^2))/(2 Delta^2); the exact spectrum is a Gaussian."""
    omega = np.linspace(-3, 3, 25)
    model = Vibration(
        level=0.0,
        phonon_velocity=1e-3,
        thermal_energy=20.0,
        spin_coupling=(0, 0, 0.01),
        energy=omega,
    )
    delta2, z = 4e-4 * bath(model).variance(20.0), omega + 0.1j
    root = np.sqrt(z**2 - 4 * delta2 + 0j)
    G = (z - root * np.sign(root.imag)) / (2 * delta2)
    found = SCBA().solve(model, ["spectrum"]).parts["spectrum"][0]
    assert found == pytest.approx(-G.imag / np.pi, abs=2e-5)
    broad = np.sqrt(delta2 + 0.02)
    gauss = np.exp(-(omega**2) / (2 * broad**2)) / np.sqrt(2 * np.pi) / broad
    assert Exact().solve(model, ["spectrum"]).parts["spectrum"][0] == pytest.approx(
        gauss, abs=0.012
    )


def test_spectra_of_born_with_hartree_tend_to_the_exact_ones():
    """Twice the coupling, more than eight times the departure; without Hartree only four times."""
    omega = np.linspace(-1, 1.6, 40)
    errors: dict[str, list[float]] = {"scba-hartree": [], "scba": []}
    for size in (0.03, 0.06):
        model = Vibration(
            level=0.3, bath="einstein", charge_coupling=size, spin_coupling=(0.8 * size, 0, 0.3 * size),
            thermal_energy=0.5, energy=omega,
        )  # fmt: skip
        exact = Exact().solve(model, ["spectrum"]).parts["spectrum"]
        for method in (SCBAHartree(), SCBA()):
            errors[method.name].append(
                np.abs(method.solve(model, ["spectrum"]).parts["spectrum"] - exact).max()
            )
    growth = {name: two / one for name, (one, two) in errors.items()}
    assert growth["scba-hartree"] > 8
    assert 3 < growth["scba"] < 5
    assert errors["scba"][0] > 5 * errors["scba-hartree"][0]


@pytest.mark.parametrize("spin", [(0.01, 0.0, 0.0), DIAGONAL])
@pytest.mark.parametrize("velocity", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("temperature", [1.0, 10.0, 30.0])
def test_born_with_hartree_is_exact_in_the_regime_of_the_paper(spin, velocity, temperature):
    """Within 5e-4; without the Hartree term it is off by 1 - 2f, and so is the second order."""
    model = Vibration(spin_coupling=spin, phonon_velocity=velocity, thermal_energy=temperature)
    exact = Exact().solve(model).moment
    assert SCBAHartree().solve(model).moment == pytest.approx(exact, rel=5e-4, abs=1e-12)
    defect = np.tanh(model.level / (2 * temperature))
    second = SecondOrder().solve(model).moment[0] / exact[0]
    assert second == pytest.approx(defect, rel=0.25)
    assert SCBA().solve(model).moment[0] / exact[0] == pytest.approx(second, rel=0.25)


def test_born_with_hartree_errs_when_cold_and_strong():
    """16 % at k_B T = 0.05 meV, c = 0.001 meV, u_1 = u_0 (1, 0, 1)."""
    model = Vibration(spin_coupling=DIAGONAL, phonon_velocity=0.001, thermal_energy=0.05)
    ratio = SCBAHartree().solve(model).moment[0] / Exact().solve(model).moment[0]
    assert ratio == pytest.approx(1.1609, abs=2e-3)


def test_coupled_channel_is_half_filled_where_the_polaron_energy_lifts_the_level():
    """E_p = eps_0 - mu with u_0 = u_1: exact and scba-hartree agree at any temperature."""
    for T in (0.05, 0.3, 2.0):
        model = Vibration(level=0.1, phonon_velocity=0.001, thermal_energy=T)
        here = level_of(model)
        vectors, _, couplings = channels(here)
        strong = vectors[:, np.argmax(np.abs(couplings[0]))]
        for method in (Exact(), SCBAHartree()):
            rho = method.solve(model).density
            assert (strong.conj() @ rho @ strong).real == pytest.approx(0.5, abs=1e-9)


def test_mean_of_the_exact_spectrum_is_the_level_with_its_hartree_shift():
    """First moment of the exact spectrum against eps + Sigma_H; wide window, subtracting tails."""
    model = Vibration(
        level=0.2, charge_coupling=0.2, spin_coupling=(0.1, 0, 0), bath="einstein",
        thermal_energy=0.7,
    )  # fmt: skip
    eta, half = 0.05, 10.0
    omega = np.linspace(-half, half, 401)
    state = Exact(broadening=eta).solve(model.replace(energy=omega), ["spectrum"])
    A = state.parts["spectrum"].sum(axis=0)
    shift = np.trace(level_of(model).energy + hartree(level_of(model), state.density)).real
    inside = 1 - 2 * eta / (np.pi * half)  # of a Lorentzian
    assert np.trapezoid(omega * A, omega) == pytest.approx(shift * inside, abs=1e-3)


def test_a_reservoir_by_digamma_and_by_quadrature():
    model = Vibration(
        level=0.2, charge_coupling=0.2, spin_coupling=(0.15, 0, 0.1), bath="einstein",
        thermal_energy=0.4, reservoir_coupling=0.07, level_splitting=(0.02, 0.05, 0.0),
    )  # fmt: skip
    here = level_of(model)
    poles = self_energy_poles(here)

    def integrand(x: float, i: int) -> float:
        _, vector = green_parts(inverse_green(here, poles, np.array([x + 0j])))
        return float(-vector[0, i].imag / np.pi * fermi(x / 0.4))

    found = SecondOrder().solve(model).moment
    near = poles.energies[np.abs(poles.energies) < 3]
    for i in range(3):
        pieces = [-60.0, -5.0, *np.unique(np.concatenate([near, near + 0.07, near - 0.07])), 5.0]
        total = sum(
            quad(integrand, a, b, args=(i,), limit=400, epsabs=1e-11)[0]
            for a, b in pairwise(pieces)
        )
        assert found[i] == pytest.approx(total, abs=1e-6)


def test_finder_meets_a_real_sign_change():
    """A bare field along u_1 competes with the vibrations: T = eps_0 E_p/(4 eps_1) at second order."""
    model = Vibration(
        level=0.01, phonon_velocity=0.1, level_splitting=(2.5e-5, 0, 0), thermal_energy=1.0
    )
    found = SecondOrder(coldest=0.005, hottest=5.0).crossing(model)
    expected = 0.01 * 4 * 1e-4 * 2.5 / (4 * 2.5e-5)
    assert found.thermal_energies[-1] == pytest.approx(expected, rel=0.05)
    assert found.defect < 1e-12
    assert Exact(coldest=0.005, hottest=5.0).crossing(model).thermal_energies == ()


def test_a_grid_of_temperatures_and_velocities():
    grid = vibration.solve(
        Vibration(), "second-order", observables=["moment"],
        over={"thermal_energy": np.linspace(1, 30, 5), "phonon_velocity": [0.001, 0.01]},
    )  # fmt: skip
    assert grid.moment.dims == ("thermal_energy", "phonon_velocity", "component")
    one = SecondOrder().solve(Vibration(thermal_energy=30.0, phonon_velocity=0.01)).moment
    assert grid.moment.values[-1, -1] == pytest.approx(one)


WIDE = {"phonon_velocity": 1.0, "charge_coupling": 0.3, "spin_coupling": (0.0, 0.0, 0.3)}


def test_a_spectrum_narrower_than_its_bath_by_a_closed_self_energy():
    """d = 3: Sigma by adaptive quadrature of J at omega + i eta, against nodes that eta resolves."""
    eta = 0.02
    model = Vibration(**WIDE, energy=(0.05, 0.4, 1.1, 2.6))
    T, top = model.thermal_energy, np.pi
    f = float(fermi(model.level / T))

    def sigma(z: complex) -> complex:
        def integrand(w: float) -> complex:
            J, n = w**2 / (2 * np.pi**2), float(bose(w / T))
            x = z - model.level
            return J * ((1 - f + n) / (x - w) + (f + n) / (x + w))

        marks = [abs(z.real - model.level)]
        return quad(integrand, 0, top, points=marks, limit=400, complex_func=True, epsabs=1e-12)[0]

    expected = [
        -(1 / (z - model.level - 0.36 * sigma(z))).imag / np.pi
        for z in np.array(model.energy) + 1j * eta
    ]
    found = SecondOrder(broadening=eta).solve(model, ["spectrum"]).parts["spectrum"][0]
    assert found == pytest.approx(expected, rel=1e-9)
    here = level_of(model)  # control: the nodes that temperature alone asks for
    z = np.array(model.energy) + 1j * eta
    coarse = green_parts(inverse_green(here, self_energy_poles(here), z))
    off = -(coarse[0] + coarse[1][:, 2]).imag / np.pi - expected
    assert np.abs(off).max() > 0.02 * max(expected)


def test_the_audit_refines_what_is_read():
    finer = {audit.name: audit for audit in AUDITS if audit.name.startswith("finer")}
    model = Vibration(**WIDE, energy=np.linspace(-1, 1, 21))
    for method in (SecondOrder(broadening=0.05), Exact(), SCBA(), Windowed()):
        name = "finer_window" if method.name == "windowed" else "finer_spectrum"
        assert finer[name].run(model, method).passed

    class Blunt(SecondOrder):
        """A planted fault: nodes that the temperature alone asks for."""

        def spectrum_of(self, model, finer=1):
            return SecondOrder(broadening=2.0).spectrum_of(model, finer) + (finer == 2) * 1e-6

    assert not finer["finer_spectrum"].run(model, Blunt()).passed


def test_the_pole_in_the_gap_of_the_vibrations():
    """Vibrations that start above zero leave one more pole: real axis against star and frequencies."""
    model = Vibration(
        level=1.0, bath_onset=0.3, phonon_velocity=1.0, thermal_energy=0.4,
        charge_coupling=0.05, spin_coupling=(0.05, 0, 0),
    )  # fmt: skip
    for dimension in (1, 2, 3):
        for onset in (0.01, 0.3, 2.9):
            one = model.replace(bath_dimension=dimension, bath_onset=onset)
            state = SecondOrder(route="real-axis").solve(one)
            assert state.norm == pytest.approx(1, abs=1e-12)
            right = SecondOrder(route="matsubara").solve(one)
            assert state.density == pytest.approx(right.density, abs=1e-12)
    assert SecondOrder(route="real-axis").solve(model).moment[0] == pytest.approx(
        1.84278e-4, rel=1e-5
    )
    band = Band(
        coupling=0.01, filled=0.1, thermal_energy=0.4, low=0.3, high=3.0, density=lambda w: w**2
    )
    assert band._in_gap()[1] > 0.9  # control: nearly all weight, which the band alone has not


@pytest.mark.parametrize("method", [SCBA(), SCBAHartree()], ids=["scba", "scba-hartree"])
def test_a_spectrum_has_no_steps_where_the_nodes_change(method):
    """Third differences over temperature fall as the cube of the step: nothing jumps."""
    sizes = []
    for step in (0.05, 0.025):
        models = [Vibration(thermal_energy=6.1 + step * n) for n in range(7)]
        spectra = np.array([method.solve(m, ["spectrum"]).parts["spectrum"] for m in models])
        sizes.append(np.abs(np.diff(spectra, 3, axis=0)).max())
    assert sizes[1] < sizes[0] / 4
    assert sizes[1] < 1e-6


def test_a_spectrum_far_from_the_level_takes_no_time():
    """Tail of a Lorentzian, eta/(pi E^2), at 5 eV from the level."""
    model = Vibration(level=5000.0, energy=(0.0, 2.0))
    found = Exact().solve(model, ["spectrum"]).parts["spectrum"][0]
    assert found == pytest.approx(0.1 / np.pi / 5000.0**2, rel=2e-3)


@pytest.mark.parametrize("spin", [(0.01, 0.0, 0.0), DIAGONAL])
def test_expansions_know_where_they_point_away(spin):
    """Checks against the exact moment: silent at the paper's points, loud beyond."""
    checks = {check.name: check for check in CHECKS}

    def passes(model: Vibration, method) -> bool:
        state = method.solve(model)
        values = [(c, c.evaluate(model, state)) for c in map(checks.get, ("direction", "strength"))]
        return all(value is None or c.judge(value) for c, value in values)

    for velocity in (0.001, 0.01, 0.05):
        for T in (1.0, 10.0, 30.0):
            paper = Vibration(spin_coupling=spin, phonon_velocity=velocity, thermal_energy=T)
            assert all(passes(paper, m) for m in (SecondOrder(), SCBA(), SCBAHartree()))
    above = Vibration(chemical_potential=0.5)  # second order has the wrong sign there
    assert not passes(above, SecondOrder())
    assert not passes(above, SCBA())
    assert passes(above, SCBAHartree())
    assert SecondOrder().solve(above).moment @ Exact().solve(above).moment < 0


def test_expansions_know_it_where_nothing_commutes():
    """Of random points, each with the wrong sign against diagonalisation is caught."""
    checks = {check.name: check for check in CHECKS}
    rng = np.random.default_rng(5)
    wrong = along = 0
    for _ in range(40):
        model = Vibration(bath="einstein", **noncommuting(rng))
        state = SecondOrder().solve(model)
        values = [(c, c.evaluate(model, state)) for c in map(checks.get, ("direction", "strength"))]
        loud = not all(value is None or c.judge(value) for c, value in values)
        exact = Exact().solve(model).moment
        cosine = state.moment @ exact / np.linalg.norm(exact) / np.linalg.norm(state.moment)
        assert loud == (cosine < 0.7)
        wrong, along = wrong + (cosine < 0), along + (not loud)
    assert wrong >= 3  # controls: of both kinds
    assert along >= 20


def noncommuting(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "level": rng.uniform(0.05, 1.0), "charge_coupling": rng.uniform(0.05, 0.4),
        "spin_coupling": tuple(rng.normal(size=3) * 0.2),
        "level_splitting": tuple(rng.normal(size=3) * 0.05),
        "chemical_potential": rng.uniform(-0.3, 1.0), "thermal_energy": rng.uniform(0.2, 0.6),
    }  # fmt: skip


def test_modes_that_share_a_coupling_turn_the_moment_as_one():
    """Direction by one mode of the same polaron energy, against two that are diagonalised."""
    rng = np.random.default_rng(9)
    found = []
    for _ in range(4):
        common = Vibration(**noncommuting(rng))
        U = common_coupling(common)
        model = common.replace(
            charge_coupling=0.0, spin_coupling=(0.0, 0.0, 0.0), thermal_energy=0.2,
            bath="modes", mode_energies=(0.8, 1.9), mode_couplings=(0.7 * U, 0.6 * U),
        )  # fmt: skip
        state, here = SecondOrder().solve(model), level_of(model)
        exact = Exact(quanta=11).solve(model).moment
        cosine = state.moment @ exact / np.linalg.norm(exact) / np.linalg.norm(state.moment)
        hartree = validity._displaced(here)
        displaced = hartree @ state.moment / np.linalg.norm(hartree) / np.linalg.norm(state.moment)
        found.append((cosine, 1 - validity.turned_away(here, state.moment), displaced))
    exact, condensed, displaced = np.array(found).T
    assert np.abs(condensed - exact).max() < 5e-3  # beside 0.3, where the check is loud
    assert np.abs(displaced - exact).max() > 2e-2  # control: without what lies beyond Hartree


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Vibration(spectrum="nosuch"), "`spectrum` must be left out"),
        (lambda: Vibration(spectrum_range=(1, 2)), "`spectrum_range` must be left out"),
        (
            lambda: Vibration(bath_dimension=1, bath_onset=1e-12),
            "`bath_onset` must be > 0, at least",
        ),
        (lambda: Vibration(level=1e308), "`level` must be real in"),
        (lambda: Vibration(thermal_energy=5e-324), "`thermal_energy` must be real in"),
        (lambda: Vibration(spin_coupling=(1e200, 0, 0)), "`spin_coupling` must be real"),
        (lambda: SCBA(tolerance=1.0), "`tolerance`"),
        (
            lambda: (
                SecondOrder(broadening=1e-6)
                .solve(Vibration(phonon_velocity=1.0), ["spectrum"])
                .parts["spectrum"]
            ),
            "nodes",
        ),
        (
            lambda: (
                Exact(broadening=1e-3)
                .solve(Vibration(phonon_velocity=10.0), ["spectrum"])
                .parts["spectrum"]
            ),
            "`broadening`",
        ),
    ],
)
def test_what_is_unused_or_out_of_range_is_refused(make, words):
    with pytest.raises(ModelError, match=words):
        make()


def test_small_moments_keep_their_digits():
    """Routes that share no sum agree to 1e-13 of a moment of 6e-11."""
    model = Vibration(charge_coupling=1e-4, spin_coupling=(1e-4, 0, 0))
    star, plain = (SecondOrder(route=r).solve(model).moment[0] for r in ("star", "matsubara"))
    assert 1e-11 < star < 1e-10
    assert plain == pytest.approx(star, rel=1e-13)
