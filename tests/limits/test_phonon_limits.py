"""Vibrations that are fast, stiff or overdamped: the electrons they leave behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin.junction import GKSL, Junction, Levels, PhononJunction, Tiers

STILL: dict[str, Any] = {
    "molecules": 1,
    "spin_orbit_vectors": [[0.3, 0.2, 0.1]],
    "hubbard_ab_singlet": 1.0,
    "hubbard_ab_triplet": 1.0,
    "occupation_left": 0.9,
    "occupation_right": 0.2,
}


def current(model: Junction) -> float:
    return float(GKSL().solve(model).lead_current[0, 0])


def test_a_fast_mode_lowers_its_orbital_and_its_repulsion() -> None:
    r"""Polaron shift :math:`-(g^2/w) n_a^2`: energy by g^2/w, repulsion by 2 g^2/w; what is left falls as 1/w."""
    shift, left = 0.25, []
    bare = Junction(**STILL, energy_a=0.0, hubbard_a=2.0, hubbard_b=2.0)
    moved = bare.replace(energy_a=-shift, hubbard_a=2.0 - 2 * shift)
    for w in (50.0, 200.0):
        mode = {"phonon_energy": [w], "phonon_damping": [0.2], "phonon_levels": [4]}
        model = PhononJunction(
            **STILL,
            **mode,
            energy_a=0.0,
            hubbard_a=2.0,
            hubbard_b=2.0,
            holstein_a=[[np.sqrt(shift * w)]],
            thermal_energy=1.0,
        )
        left.append(float(Levels().solve(model).lead_current[0, 0]) - current(moved))
    assert left[0] / left[1] == pytest.approx(4.0, rel=0.15)
    assert abs(left[1]) < 0.05 * abs(current(bare) - current(moved))


def test_a_stiff_mode_narrows_the_hopping_between_its_orbitals() -> None:
    r"""Franck-Condon: what joins two orbitals that it displaces apart falls by :math:`e^{-2(g/w)^2}`.

    The bath acts about the displaced places (dressed); energies and repulsions are given the polaron shift back.
    """
    ratio, w = 0.35, 2000.0
    back = ratio**2 * w
    values: dict[str, Any] = {**STILL, "hubbard_a": 2.0, "hubbard_b": 2.0}
    narrowed = np.exp(-2 * ratio**2) * np.array(STILL["spin_orbit_vectors"])
    lifted = {
        "energy_a": 0.0 + back,
        "energy_b": 0.8 + back,
        "hubbard_a": 2.0 + 2 * back,
        "hubbard_b": 2.0 + 2 * back,
        "hubbard_ab_singlet": 1.0 - 2 * back,
        "hubbard_ab_triplet": 1.0 - 2 * back,
    }
    model = PhononJunction(
        **{**values, **lifted},
        phonon_energy=[w],
        phonon_damping=[40.0],
        phonon_bath="dressed",
        phonon_levels=[8],
        holstein_a=[[ratio * w]],
        holstein_b=[[-ratio * w]],
        thermal_energy=1.0,
    )
    found = float(Levels().solve(model).lead_current[0, 0])
    bare = current(Junction(**values))
    limit = current(Junction(**{**values, "spin_orbit_vectors": narrowed}))
    assert abs(found - limit) < 0.05 * abs(bare - limit)


def test_an_overdamped_mode_is_white_noise() -> None:
    r"""Motional narrowing: g^2 S(0) held, k -> infinity is D[V] at that rate, whatever the temperature."""
    rate, V = 0.05, np.diag([1.0, 1.0, -1.0, -1.0])
    values: dict[str, Any] = {**STILL, "hubbard_a": 2.0, "hubbard_b": 2.0}
    white = PhononJunction(**values, dephasing=rate, dephasing_matrix=V)
    limit = float(Tiers().solve(white).lead_current[0, 0])
    still = current(Junction(**values))

    def left(k: float, T: float) -> float:
        w = 0.5
        at_rest = k / (w**2 + k**2 / 4) / np.tanh(w / (2 * T))  # S(0)
        g = np.sqrt(rate / at_rest)
        model = PhononJunction(
            **values,
            phonon_energy=[w],
            phonon_damping=[k],
            phonon_tiers=4,
            holstein_a=[[g]],
            holstein_b=[[-g]],
            thermal_energy=T,
        )
        return float(Tiers().solve(model).lead_current[0, 0]) - limit

    for T in (0.1, 2.0):
        near, far = left(400.0, T), left(100.0, T)
        assert abs(near) < 0.05 * abs(still - limit)
        assert far / near == pytest.approx(4.0, rel=0.3)
