"""Noise of the current against the tilted generator, Levitov's formula and series rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin.junction import FAMILY, GKSL, Junction
from chirospin.junction.state import JunctionState
from tests.laws.junctions import junctions, number
from tests.oracles import full_fock, tilted_generator

NUMBER = [np.ones(8)]
PAIR = [np.tile([1.0, 0, 0, 1], 2), np.tile([0.0, 1, 1, 0], 2)]


CHECKS = FAMILY.problem().checks

COUNTED = [c for c in CHECKS if set(c.needs) <= {"noise"}]


def solved(model: Junction) -> JunctionState:
    return GKSL().solve(model, ["noise"])


def noise_of(state: JunctionState) -> np.ndarray:
    return state.parts["noise"].values


def counted(**values: object) -> np.ndarray:
    return noise_of(solved(Junction(**values)))


@pytest.mark.parametrize("m", [1, -1])
def test_one_molecule_equals_the_tilted_generator(m: int) -> None:
    values = {"molecules": 1, "spin_orbit": 0.2, "energy_b": 0.3, "coupling_b": 0.25, "hund": 0.2}
    values |= {"occupation_left": 0.8, "occupation_right": 0.15, "lead_polarisation": 0.7}
    values |= {"hubbard_ab_triplet": 3.0}
    state = solved(Junction(**values))
    p = full_fock.Parameters(**values)
    flow, noise = tilted_generator.cumulants(p, m, [np.ones(4)], step=0.02)
    place = (1 - m) // 2
    assert state.lead_current[place, 0] == pytest.approx(flow, abs=1e-8)
    assert noise_of(state)[place, 0] == pytest.approx(noise, abs=1e-7)


def test_two_molecules_equal_the_tilted_generator() -> None:
    """At the reference point slow states bunch the electrons: the Fano factor is near a hundred."""
    state = solved(Junction())
    flow, noise = tilted_generator.cumulants(full_fock.Parameters(), 1, PAIR, 1e-5, places=(-1, 1))
    assert state.lead_current[0, 0] == pytest.approx(flow, rel=1e-5)
    assert noise_of(state)[0, 0] == pytest.approx(noise, rel=1e-3)


def test_without_repulsion_it_equals_scattering_theory() -> None:
    values = {"spin_orbit": 0.2, "coupling_b": 0.3, "energy_b": 0.4, "twist": 1.0}
    model = Junction(**values).replace(hubbard=0)
    state = solved(model)
    p = full_fock.with_hubbard(full_fock.Parameters(**values), 0.0)
    flow, noise = tilted_generator.levitov(p, 1)
    assert state.lead_current[0, 0] == pytest.approx(flow, abs=1e-9)
    assert noise_of(state)[0, 0] == pytest.approx(noise, abs=1e-9)


def test_repulsion_takes_it_away_from_scattering_theory() -> None:
    free, strong = (counted(hubbard=U) for U in (0.0, 2.0))
    assert np.abs(free - strong).max() > 1e-3


@given(st.floats(0.05, 1), st.floats(0.05, 1), number(-0.9, 0.9))
def test_one_molecule_has_the_noise_of_rates_in_series(a: float, b: float, p: float) -> None:
    """Each spin-orbital fills at gL and empties at gR: S = gL gR (gL^2 + gR^2)/(gL + gR)^3."""
    noise = counted(molecules=1, spin_orbit=0, coupling_a=a, coupling_b=b, lead_polarisation=p)
    expected = 0.0
    for g in (a, b):
        for x in ((1 + p) / 2, (1 - p) / 2):
            expected += g * x * (1 + x**2) / (1 + x) ** 3
    assert noise == pytest.approx(np.full((2, 2), expected), abs=1e-9)


@given(junctions(general=True))
def test_both_leads_count_the_same_noise_and_every_certificate_holds(
    model: Junction,
) -> None:
    state = solved(model)
    for check in COUNTED:
        value = check.evaluate(model, state)
        assert value is None or check.judge(value), (check.name, value)


def test_a_wrong_noise_fails_its_certificate() -> None:
    model = Junction()
    state = solved(model)
    noise = replace(state.parts["noise"], values=noise_of(state) * [1.0, 1.001])
    spoilt = replace(state, parts={"noise": noise})
    values = {c: c.evaluate(model, spoilt) for c in COUNTED}
    failed = [c.name for c, value in values.items() if value is not None and not c.judge(value)]
    assert failed == ["noise_balance"]
