"""The vibrating level against plain implementations of the same physics."""

from __future__ import annotations

import numpy as np
import pytest

from chirospin.vibration import SCBA, Exact, SCBAHartree, SecondOrder, Vibration, Windowed
from chirospin.vibration.model import bath, energies
from tests.laws.vibrations import matrix
from tests.oracles import vibration_brute_force as naive


def modes(model: Vibration) -> naive.Modes:
    return [
        (w, np.array(U))
        for w, U in zip(model.mode_energies or (), model.mode_couplings or (), strict=True)
    ]


def eps(model: Vibration) -> np.ndarray:
    return matrix(model.level, model.level_splitting)


def case(level, splitting, frequencies, couplings, T, mu=0.0, **other) -> Vibration:
    return Vibration(
        bath="modes", level=level, level_splitting=splitting, mode_energies=frequencies,
        mode_couplings=[matrix(*U) for U in couplings], thermal_energy=T, chemical_potential=mu,
        **other,
    )  # fmt: skip


CASES = {
    "commuting": case(0.3, (0, 0, 0), [1.0], [(0.2, (0.3, 0, 0))], 0.7),
    "not normal": case(
        0.3, (0.1, 0.2, -0.15), [1.0], [(0.2 + 0.1j, (0.1, 0.3j, -0.2))], 0.7, 0.1
    ),
    "two modes": case(
        0.2, (0.05, 0.07, 0.12), [0.8, 1.3],
        [(0.2, (0.3, -0.1j, 0.05)), (0.1j, (0.1, 0.25, 0.2j))], 0.5, -0.2,
    ),
    "spin only": case(0.3, (0, 0, 0), [1.0], [(0, (0.2, 0.2j, 0))], 0.5),
    "across": case(0.2, (0.1, 0.15, -0.2), [1.0], [(0.3, (0.25, 0, 0.1))], 0.5, 0.05),
    "cold": case(
        0.2, (0.05, 0.1, 0), [1.0, 0.6], [(0.3, (0.2, 0, 0.1)), (0.1, (0, 0.3, 0))], 0.1, 0.1
    ),
}  # fmt: skip
every = pytest.mark.parametrize("model", CASES.values(), ids=CASES.keys())


@every
def test_second_order_against_frequencies_summed_by_force(model):
    """Self-energy and density matrix from the definition, without the closed form of the loop."""
    here = eps(model), modes(model), model.thermal_energy, model.chemical_potential
    found = SecondOrder().solve(model)
    rho, _, _ = naive.second_order_real_axis(*here)
    assert found.density == pytest.approx(rho, abs=2e-13)
    assert found.density == pytest.approx(naive.contour_density(
        lambda z: np.linalg.inv(
            z * np.eye(2) - here[0] - naive.sigma_second_order(z, *here)
        ), *here[::2], here[3],
    ), abs=1e-10)  # fmt: skip


def test_self_energy_against_the_double_sum():
    model = CASES["two modes"]
    here = eps(model), modes(model), model.thermal_energy, model.chemical_potential
    forced = naive.second_order_matsubara(*here, 128)
    assert SecondOrder().solve(model).density == pytest.approx(forced, abs=1e-11)


FEW = {"commuting": 40, "not normal": 40, "spin only": 32, "across": 32}


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("hubbard", [0.0, 0.7])
def test_exact_against_the_whole_fock_space(name, hubbard):
    """Four electronic states and all quanta by Jordan and Wigner, against displacement or N = 1 alone."""
    model = CASES[name].replace(hubbard=hubbard)
    whole = naive.exact_diagonalisation(
        eps(model), modes(model), model.thermal_energy, model.chemical_potential, FEW[name], hubbard
    )
    found = Exact().solve(model)
    assert found.density == pytest.approx(whole["rho"], abs=1e-11)


def test_cold_modes_that_do_not_commute():
    """The y component is zero: in the sector of one electron a shifted mode removes the field."""
    found = Exact(quanta=24).solve(CASES["cold"])
    expected = [0.11124800419992, 0.0, 0.089705910250223]  # whole Fock space, 24 quanta
    assert found.moment == pytest.approx(expected, abs=1e-12)
    assert found.truncation < 1e-12
    assert abs(SCBAHartree().solve(CASES["cold"]).moment[1]) > 0.02


@pytest.mark.parametrize("name", ["commuting", "not normal", "across"])
def test_exact_spectra_against_transitions_of_the_whole_space(name):
    model = CASES[name].replace(hubbard=0.3, energy=np.linspace(-2, 2.5, 19))
    mu, eta = model.chemical_potential, 0.2
    places, weights = naive.exact_spectrum(
        eps(model), modes(model), model.thermal_energy, mu, 36, 0.3
    )
    lorentz = eta / np.pi / ((energies(model)[:, None] - places) ** 2 + eta**2)
    expected = [lorentz @ weights[:, s, s].real for s in (0, 1)]
    found = Exact(broadening=eta).solve(model, ["spectrum"]).parts["spectrum"]
    assert found == pytest.approx(np.array(expected), abs=1e-9)


@every
@pytest.mark.parametrize("method", [SCBA(), SCBAHartree()], ids=["scba", "scba-hartree"])
def test_self_consistent_born_against_plain_sums(model, method):
    """The plain one has no reference to subtract but the same equations; it converges as N^-3."""
    rho = [
        naive.scba_matsubara(
            eps(model), modes(model), model.thermal_energy, model.chemical_potential, n,
            method.with_hartree,
        )[0]
        for n in (64,)
    ]  # fmt: skip
    assert method.solve(model).density == pytest.approx(rho[0], abs=3e-7)


def test_window_against_a_fine_trapezoid():
    model = Vibration(
        bath="modes", mode_energies=[0.002, 0.003], thermal_energy=20.0,
        mode_couplings=[np.sqrt(k) * matrix(0.01, (0.01, 0, 0)) for k in (0.2, 0.3)],
    )  # fmt: skip
    plain = naive.windowed_moment_naive(
        0.1, 0.01, 0.01, 20.0, 0.0, 0.1, 2.5, 200_001,
        modes=(np.array([0.002, 0.003]), np.array([0.2, 0.3])),
    )  # fmt: skip
    assert Windowed().solve(model).moment[0] == pytest.approx(plain, abs=1e-8)
    other = case(0.3, (0, 0, 0), [1.0], [(0.2, (0.3, 0, 0))], 0.7, 0.1)
    plain = naive.windowed_moment_naive(
        0.3, 0.2, 0.3, 0.7, 0.1, 0.2, 5.0, 200_001, modes=(np.array([1.0]), np.array([1.0]))
    )
    method = Windowed(window=5.0, broadening=0.2)
    assert method.solve(other).moment[0] == pytest.approx(plain, abs=1e-8)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("temperature", [0.02, 5.0])
def test_sums_over_an_acoustic_bath(dimension, temperature):
    model = Vibration(phonon_velocity=0.03, bath_dimension=dimension, thermal_energy=temperature)
    plain = naive.acoustic_sums_naive(0.03, dimension, np.pi, temperature, 200_000)
    assert bath(model).inverse() == pytest.approx(plain["inv_w"], rel=1e-9)
    assert bath(model).variance(temperature) == pytest.approx(plain["variance"], rel=1e-8)


def test_reference_points_from_the_whole_fock_space():
    """Frozen results of the plain code where it is slow; see each case above for the inputs."""
    found = Exact(quanta=25).solve(CASES["two modes"])
    expected = [0.060715320642, -0.034833153895, -0.034126022689]
    assert found.moment == pytest.approx(expected, abs=2e-11)
