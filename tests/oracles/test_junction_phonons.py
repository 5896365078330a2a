"""Vibrating junctions against naive matrices in the whole product space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin.junction.model import (
    Junction,
    exchange_rates,
    interaction,
    lead_couplings,
    one_body_hamiltonian,
)
from chirospin.junction.modes import modes
from chirospin.junction.phonons.bath import noise
from chirospin.junction.phonons.methods import Levels, Tiers, Vibronic
from chirospin.junction.phonons.model import PhononJunction, bath_temperature, quanta_in_bath
from chirospin.junction.phonons.scba import BornApproximation
from chirospin.junction.phonons.state import PhononState
from tests.oracles.phonons_dense import Electrons, Vibration, born, with_levels, with_tiers

TIGHT = 1e-9  # two residuals of 1e-12 over the slowest relaxation of the models below


def monomer(**changes: Any) -> PhononJunction:
    """One molecule whose mode moves both orbitals, a matrix with every kind of coupling in it."""
    rng = np.random.default_rng(3)
    V = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    values: dict[str, Any] = {
        "molecules": 1,
        "spin_orbit_vectors": [[0.3, 0.2, 0.1]],
        "hubbard": 3.0,
        "occupation_left": 0.9,
        "occupation_right": 0.1,
        "lead_polarisation": 0.8,
        "phonon_energy": 0.7,
        "phonon_damping": 0.2,
        "thermal_energy": 0.5,
        "phonon_matrices": [0.03 * (V + V.conj().T)],
    }
    return PhononJunction(**{**values, **changes})


def half_dimer(**changes: Any) -> PhononJunction:
    """A dimer whose orbitals b touch no lead: of each magnetisation four orbitals take part, and P is not 0."""
    values: dict[str, Any] = {
        "coupling_b": 0.0,
        "phonon_energy": 0.5,
        "phonon_damping": 0.1,
        "holstein_a": [[0.1, -0.1]],
        "holstein_b": [[0.05, -0.1]],
        "peierls_b": [[0.03]],
    }
    return PhononJunction(**{**values, **changes})


def electrons(model: Junction, magnetisation: int, orbitals: list[int]) -> Electrons:
    inside = np.ix_(orbitals, orbitals)
    return Electrons(
        h=one_body_hamiltonian(model)[inside],
        density=interaction(model).density[inside],
        coupling=lead_couplings(model)[magnetisation][:, orbitals],
        f=(model.occupation_left, model.occupation_right),
    )


def vibration(model: PhononJunction, orbitals: list[int]) -> Vibration:
    found = modes(model)
    return Vibration(
        w=float(found.energy[0]),
        k=float(found.damping[0]),
        n=float(quanta_in_bath(model)[0]),
        V=found.coupling[0][np.ix_(orbitals, orbitals)],
    )


def exponents(
    model: PhononJunction, V: np.ndarray
) -> list[tuple[np.ndarray, complex, complex, complex]]:
    """Of a local bath, written down once more."""
    (w,), (k,) = modes(model).energy, modes(model).damping
    n = 1 / np.expm1(w / bath_temperature(model))
    nu = k / 2 + 1j * w
    return [(V, nu, n + 1, n), (V, np.conj(nu), n, n + 1)]


def assert_like_levels(state: PhononState, both: list[dict[str, Any]]) -> None:
    for m, oracle in enumerate(both):
        assert state.lead_current[m] == pytest.approx(oracle["current"], abs=TIGHT)
        assert state.phonon_number[m, 0] == pytest.approx(oracle["number"], abs=TIGHT)
        assert state.displacement[m, 0] == pytest.approx(oracle["x"], abs=TIGHT)
        assert state.coupling_energy[m, 0] == pytest.approx(oracle["xV"], abs=TIGHT)
        assert state.energy_current[m] == pytest.approx(oracle["energy"], abs=TIGHT)
        assert state.mode_heat[m, 0] == pytest.approx(oracle["heat"], abs=TIGHT)
        assert state.top_level[m, 0] == pytest.approx(oracle["top"], abs=TIGHT)


@pytest.mark.parametrize("bath", ["local", "dressed"])
def test_levels_are_those_of_the_whole_product_space(bath: str) -> None:
    model = monomer(phonon_levels=[3], phonon_bath=bath)
    orbitals = list(range(4))
    both = [
        with_levels(
            electrons(model, m, orbitals), vibration(model, orbitals), 3, dressed=bath == "dressed"
        )
        for m in (0, 1)
    ]
    assert_like_levels(Levels().solve(model), both)


@pytest.mark.parametrize("tiers", [1, 3])
def test_tiers_are_those_of_the_unscaled_hierarchy(tiers: int) -> None:
    model = monomer(phonon_tiers=tiers)
    orbitals = list(range(4))
    V = vibration(model, orbitals).V
    state = Tiers().solve(model)
    for m in (0, 1):
        oracle = with_tiers(electrons(model, m, orbitals), exponents(model, V), tiers)
        assert state.lead_current[m] == pytest.approx(oracle["current"], abs=TIGHT)
        operators = oracle["operators"]
        x = (operators[1, 0] + operators[0, 1]).trace().real
        assert state.displacement[m, 0] == pytest.approx(x, abs=TIGHT)
        if tiers > 1:
            number = quanta_in_bath(model)[0] + operators[1, 1].trace().real
            assert state.phonon_number[m, 0] == pytest.approx(number, abs=TIGHT)


def test_a_brownian_bath_is_its_hierarchy_with_white_rest() -> None:
    model = monomer(phonon_bath="brownian", phonon_matsubara=1, phonon_tiers=1)
    orbitals = list(range(4))
    V = vibration(model, orbitals).V
    seen = noise(modes(model), bath_temperature(model), "brownian", 1)
    memory = seen.memory
    terms = [
        (V, *rest)
        for rest in zip(memory.decay, memory.weight, memory.conjugate_weight, strict=True)
    ]
    state = Tiers().solve(model)
    oracle = with_tiers(electrons(model, 0, orbitals), terms, 1, [(V, float(seen.white[0]))])
    assert state.lead_current[0] == pytest.approx(oracle["current"], abs=TIGHT)


@pytest.mark.parametrize("method", [Levels(), Tiers()])
def test_a_polarisation_is_that_of_the_four_orbitals_that_take_part(method: Vibronic) -> None:
    truncation = {"phonon_levels": [3]} if method.name == "levels" else {"phonon_tiers": 3}
    model = half_dimer(**truncation)
    orbitals = {0: [0, 3, 4, 7], 1: [1, 2, 5, 6]}  # charges that a lead of one magnetisation feeds
    oracle = []
    for m, some in orbitals.items():
        small, mode = electrons(model, m, some), vibration(model, some)
        oracle.append(
            with_levels(small, mode, 3)["current"]
            if method.name == "levels"
            else with_tiers(small, exponents(model, mode.V), 3)["current"]
        )
    state = method.solve(model)
    assert state.lead_current == pytest.approx(np.array(oracle), abs=TIGHT)
    assert abs(state.lead_current[0, 0] - state.lead_current[1, 0]) > 1e-4


def test_white_noise_of_a_matrix_is_its_lindblad_term() -> None:
    """Two modes that do not move electrons leave the dephasing alone; it is an oracle without a boson."""
    rng = np.random.default_rng(5)
    V = rng.normal(size=(4, 4))
    model = monomer(phonon_matrices=None, dephasing=0.1, dephasing_matrix=V + V.T)
    orbitals = list(range(4))
    oracle = with_tiers(electrons(model, 0, orbitals), [], 0, [(V + V.T + 0j, 0.1)])
    for method in (Levels(), Tiers()):
        state = method.solve(model)
        assert state.lead_current[0] == pytest.approx(oracle["current"], abs=TIGHT)


def test_the_born_approximation_is_the_sum_over_all_frequencies() -> None:
    """Far beyond second order; the shortcut with a diagonal self-energy is another approximation."""
    model = monomer(
        hubbard=0,
        coupling_a=0.4,
        coupling_b=0.3,
        phonon_damping=0.4,
        phonon_matrices=None,
        holstein_a=[[0.2]],
        holstein_b=[[-0.1]],
        spin_coupling=[[[0.07, 0.0, 0.05]]],
    )
    V = vibration(model, list(range(4))).V
    filling, emptying = (rate[0] for rate in exchange_rates(model))
    oracle = born(one_body_hamiltonian(model), filling, emptying, exponents(model, V), steps=20)

    def apart(**options: Any) -> float:
        found = BornApproximation(**options).solve(model).one_body_density[0].diagonal().real
        return float(np.abs(found - oracle).max())

    assert apart() < 2e-6  # both grids lose some 1e-6 of the current
    assert apart(self_energy="diagonal", frequencies=2048) > 1e-4
