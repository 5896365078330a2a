"""Cases with a known answer; the derivation stands beside each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin import junction
from chirospin.junction import GKSL, Junction, Landauer, MeanField
from tests.laws.junctions import number

EXACT = 1e-10
rate = st.floats(0.05, 1.0)


@given(rate, rate, number(0, 1), number(0, 5))
def test_one_molecule_carries_the_series_current_whatever_the_repulsion(
    a: float, b: float, p: float, U: float
) -> None:
    """Each spin-orbital fills and empties at rates that know nothing of the others, so
    n = gL fL / (gL + gR) and I = sum gL gR / (gL + gR) at fL = 1, fR = 0."""
    model = Junction(
        molecules=1, spin_orbit=0, coupling_a=a, coupling_b=b, hubbard=U, lead_polarisation=p
    )
    expected = sum(g * x / (1 + x) for g in (a, b) for x in ((1 + p) / 2, (1 - p) / 2))
    assert GKSL().solve(model).lead_current[:, 0] == pytest.approx([expected] * 2, abs=EXACT)


@given(st.floats(0.05, 1), st.floats(0.1, 2), number(-1, 1))
def test_two_levels_in_series(g: float, t: float, detuning: float) -> None:
    """One spin-orbital on each molecule, fL = 1, fR = 0. With c = <c1+ c2>,
    0 = (i d - g) c - i t (n1 - n2), J = 2 t |Im c|, J = g (1 - n1) = g n2, hence
    J = 2 t^2 g / (g^2 + d^2 + 4 t^2). A fully polarised lead and no spin-orbit coupling leave two
    such channels, one per orbital, of which b is cut here to its own hopping."""
    model = Junction(
        spin_orbit=0,
        hubbard=0,
        coupling=g,
        hopping_a=t,
        hopping_b=t,
        lead_polarisation=1.0,
        energies=[[0, 0], [detuning, detuning]],
    )
    expected = 2 * (2 * t**2 * g / (g**2 + detuning**2 + 4 * t**2))
    for method in (GKSL(), Landauer(), MeanField()):
        assert method.solve(model).lead_current[:, 0] == pytest.approx([expected] * 2, abs=EXACT)


def test_a_doubled_gap_in_series_breaks_that_formula() -> None:
    model = Junction(spin_orbit=0, hubbard=0, energies=[[0, 0], [0.4, 0.8]])
    wrong = 2 * (2 * 0.1 / (0.01 + 0.4**2 + 4))
    assert abs(GKSL().solve(model).lead_current[0, 0] - wrong) > 1e-3


def test_numbers_of_the_reference_point() -> None:
    """Computed by three independent routes: whole Fock space, electron number, both charges."""
    up, down = GKSL().solve(Junction()).lead_current[:, 0]
    assert (up - down) / (up + down) == pytest.approx(-0.24107, abs=1e-5)
    up, down = GKSL().solve(Junction(hubbard=0.01)).lead_current[:, 0]
    assert (up - down) / (up + down) == pytest.approx(8.885e-5, abs=1e-8)


def test_weak_coupling_is_solved_to_the_same_residual() -> None:
    state = GKSL().solve(Junction(coupling=1e-5))
    assert state.outcome.residual < 1e-12
    assert np.abs(state.lead_current.sum(axis=1)).max() < 1e-5 * 1e-6


def test_a_polarisation_of_nearly_equal_leads_is_within_its_error() -> None:
    # the current is linear in f_L - f_R, its polarisation at f = 1/2 falls as that: from larger steps
    near = Junction(occupation_left=0.5 + 1e-11, occupation_right=0.5)
    ds = junction.solve(near)
    assert abs(ds.spin_polarisation) <= ds.spin_polarisation_error
    slope = junction.solve(near.replace(occupation_left=0.5 + 1e-3)).current / 1e-3
    step = near.occupation_left - 0.5
    assert (abs(ds.current - slope.values * step) <= ds.current_error).all()
    far = junction.solve(Junction())
    assert far.spin_polarisation_error < 1e-8 < abs(far.spin_polarisation)
