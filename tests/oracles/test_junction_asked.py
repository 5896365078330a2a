"""Spin, counted charge and spectra of leads at angles, against dense matrices in the whole Fock space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from chirospin import junction
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedLandauer,
    DetailedBalance,
    Hierarchy,
    Junction,
    Redfield,
    UniversalLindblad,
)
from chirospin.junction.bias.model import gated_hamiltonian, reservoirs_of
from chirospin.junction.manybody.green import SectorGenerator
from chirospin.junction.model import magnetised_widths, one_body_hamiltonian, spin_orbit_vectors
from tests.oracles import asked_dense, bias_dense, dense_fock, leads_dense

AGREE = 1e-10
SHIFTED = 1e-8  # the expansion of the Lamb shift is good to 5e-9 of the coupling
ALL = ("spin_flow", "cumulants", "green")
W = np.array([[[0.05, 0.02 + 0.01j], [0.02 - 0.01j, 0.03]], [[0.06, -0.01j], [0.01j, 0.04]]])
TURNED: dict[str, Any] = {
    "molecules": 1, "energy_a": -1.2, "energy_b": -1.1, "hubbard": 2.0, "hund": 0.5,
    "spin_orbit_vectors": [[0.03, 0.05, 0.02]], "lead_orbitals": W.tolist(),
    "lead_polarisations": [0.8, 0.6], "lead_directions": [[1, 1, 1], [0, 1, -1]],
    "thermal_energy": 0.3, "bias": 0.5,
}  # fmt: skip
FREE = {**TURNED, "hubbard": 0.0, "hund": 0.0}
SPIN = np.stack([np.kron(np.eye(2), s / 2) for s in leads_dense.SIGMA])


def dense(model: BiasedJunction) -> tuple[Any, Any, Any]:
    """H, annihilators and leads (Gamma, mu, T) of magnetisation up."""
    c = dense_fock.annihilators(4)
    U = (model.hubbard_a, model.hubbard_b, model.hubbard_ab_singlet, model.hubbard_ab_triplet)
    H = dense_fock.hamiltonian(
        c, [[model.energy_a, model.energy_b]], [[0, 0], [0, 0]], spin_orbit_vectors(model), U,
        model.hund,
    )  # fmt: skip
    ends = reservoirs_of(model)
    leads = zip(magnetised_widths(model)[0], ends.potential, ends.thermal_energy, strict=True)
    return H, c, list(leads)


@pytest.fixture(scope="module")
def turned() -> tuple[BiasedJunction, Any]:
    model = BiasedJunction(**TURNED, energy=(-1.5, -0.4, 0.0, 0.9))
    return model, Redfield().solve(model, ALL)


@pytest.mark.parametrize("method", [Redfield(), DetailedBalance(), UniversalLindblad()])
def test_spin_currents_are_those_of_the_part_of_each_lead(method: Any) -> None:
    model = BiasedJunction(**TURNED)
    H, c, leads = dense(model)
    L, parts = leads_dense.biased_generator(method.kind, H, c, leads)
    rho = bias_dense.null_state(L, len(H))
    spins = [sum(s[a, b] * c[a].T @ c[b] for a in range(4) for b in range(4)) for s in SPIN]
    expected = [
        [np.trace(spin @ (part @ rho.ravel()).reshape(rho.shape)).real for spin in spins]
        for part in parts
    ]
    found = method.solve(model, ["spin_flow"]).parts["spin_flow"]
    np.testing.assert_allclose(
        found.current[0], expected, atol=AGREE if method.kind != "ule" else SHIFTED
    )
    assert np.abs(found.current[0]).max() > 1e-3


def test_cumulants_are_those_of_a_contour(turned: Any) -> None:
    model, state = turned
    H, c, leads = dense(model)
    expected = asked_dense.contour_cumulants(H, asked_dense.jumps("redfield", H, c, leads))
    np.testing.assert_allclose(state.parts["cumulants"][0, 0], expected, atol=1e-9)


def test_green_functions_are_those_of_reversed_jumps_and_others_are_not(turned: Any) -> None:
    """With the sign of the jumps kept sum rule and positivity still hold; the tail tells."""
    model, state = turned
    H, c, leads = dense(model)
    everything = asked_dense.jumps("redfield", H, c, leads)
    rho = bias_dense.null_state(bias_dense.superoperator(H, everything), len(H))
    found = state.parts["green"].retarded[0]
    for omega, G in zip(model.energy or (), found, strict=True):
        right, wrong = (asked_dense.green(H, everything, rho, c, omega, s) for s in (-1.0, 1.0))
        np.testing.assert_allclose(G, right, atol=1e-9)
        assert np.abs(G - wrong).max() > 0.05 * np.abs(G).max()
    far = 1e5
    law = state.parts["green"].tail_law[0]
    right, wrong = (
        far * (far * asked_dense.green(H, everything, rho, c, far, s) - np.eye(4)) for s in (-1, 1)
    )
    assert np.abs(right - law).max() < 1e-4 * np.abs(law).max()
    assert np.abs(wrong - law).max() > 0.05
    assert np.linalg.eigvalsh(1j * (wrong - wrong.conj().T)).min() > -1e-6


def test_without_repulsion_the_green_function_is_that_of_one_electron() -> None:
    energies = np.linspace(-2.0, 0.0, 9)
    model = BiasedJunction(**FREE, energy=energies)
    h, gamma = gated_hamiltonian(model), magnetised_widths(model)[0].sum(axis=0)
    exact = np.array([np.linalg.inv(w * np.eye(4) - h + 0.5j * gamma) for w in energies])
    found = Redfield().solve(model, ["green"]).parts["green"]
    np.testing.assert_allclose(found.retarded[0], exact, atol=1e-10 * np.abs(exact).max())
    other = DetailedBalance().solve(model, ["green"]).parts["green"].retarded[0]
    assert 1e-4 < np.abs(other - exact).max() / np.abs(exact).max() < 0.05


def test_green_functions_of_two_molecules_are_those_of_one_electron_and_keep_no_jumps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without repulsion, in closed form; with the sign of the jumps kept they are not."""
    energies = (-0.9, 3.0)
    model = Junction(hubbard=0.0, occupation_left=0.8, occupation_right=0.3, energy=energies)
    h, gamma = one_body_hamiltonian(model), magnetised_widths(model)[0].sum(axis=0)
    exact = [np.linalg.inv(w * np.eye(8) - h + 0.5j * gamma) for w in energies]
    found = GKSL().solve(model, ["green"]).parts["green"]
    np.testing.assert_allclose(found.retarded[0], exact, atol=1e-9 * np.abs(exact).max())
    arrivals = SectorGenerator.arrivals

    def kept(self: SectorGenerator, shift: Any) -> Any:
        step = arrivals(self, shift)
        return lambda Z: -step(Z)

    monkeypatch.setattr(SectorGenerator, "arrivals", kept)
    wrong = GKSL().solve(model.replace(energy=energies[1:]), ["green"]).parts["green"]
    assert np.abs(wrong.sum_rule[0] - np.eye(8)).max() < 1e-10
    assert np.abs(wrong.retarded[0] - exact[1:]).max() > 1e-3 * np.abs(exact[1:]).max()


def lehmann(H: np.ndarray, c: Any, T: float, energies: Any) -> np.ndarray:
    """G of the Gibbs state at mu = 0: sum of |<m|c|n>|^2 (p_m + p_n) over w - (E_n - E_m)."""
    E, U = np.linalg.eigh(H)
    p = np.exp(-(E - E.min()) / T)
    p /= p.sum()
    inside = np.array([U.conj().T @ a @ U for a in c])
    gap, weight = E[None, :] - E[:, None], p[None, :] + p[:, None]
    return np.array(
        [np.einsum("amn,mn,bmn->ab", inside, weight / (w - gap), inside.conj()) for w in energies]
    )


def test_green_functions_of_two_molecules_at_rest_are_those_of_lehmann() -> None:
    """Between and beyond the lines, where the width of the levels is a small correction, linear in it."""
    T, energies = 0.5, (-3.5, 8.0)
    values: dict[str, Any] = {"gate": -1.0, "bias": 0.0, "thermal_energy": T, "hubbard": 2.0}
    models = [
        BiasedJunction(**values, coupling=g, lead_polarisation=0.6, energy=energies)
        for g in (0.01, 0.005)
    ]
    c, h = dense_fock.annihilators(8), gated_hamiltonian(models[0])
    n = [a.T @ a for a in c]
    H = sum(h[a, b] * c[a].T @ c[b] for a in range(8) for b in range(8)) + 2.0 * sum(
        n[4 * i + j] @ n[4 * i + k] for i in (0, 1) for j in range(4) for k in range(j)
    )
    exact, warmer = lehmann(H, c, T, energies), lehmann(H, c, 2 * T, energies)
    missed = [
        np.abs(Redfield().solve(one, ["green"]).parts["green"].retarded[0] - exact).max()
        for one in models
    ]
    assert missed[0] < 0.1 * np.abs(warmer - exact).max()
    assert missed[0] / missed[1] == pytest.approx(2, rel=0.1)


def test_the_occupied_part_of_a_spectrum_at_rest_is_almost_fermi_s() -> None:
    """Better as the levels get narrow; of driven leads there is no such number."""
    model = BiasedJunction(**{**TURNED, "bias": 0.0}, energy=np.linspace(-1.6, -0.8, 41))
    names = ["kms_defect"]
    wide, narrow, narrower = (
        junction.solve(
            model.replace(lead_orbitals=(x * W).tolist()), "kms", observables=names
        ).kms_defect.values
        for x in (1.0, 0.5, 0.25)
    )
    assert (narrow < 0.01).all()
    assert (wide > 2 * narrow).all()
    assert (narrower < 0.8 * narrow).all()
    driven = junction.solve(
        model.replace(bias=0.5, energy=(0.0,)), "kms", observables=names
    ).kms_defect
    assert np.isnan(driven).all()


def test_spin_currents_and_slope_of_the_hierarchy_are_those_of_scattering() -> None:
    """Without repulsion one tier is enough; the poles leave a part in 1e3."""
    model, parts = BiasedJunction(**FREE), ["spin_flow", "bias_response"]
    exact = BiasedLandauer().solve(model, parts).parts
    found = Hierarchy(tier=1, tolerance=1e-8).solve(model, parts).parts
    np.testing.assert_allclose(found["spin_flow"].current, exact["spin_flow"].current, atol=2e-6)
    np.testing.assert_allclose(found["spin_flow"].torque, exact["spin_flow"].torque, atol=2e-6)
    np.testing.assert_allclose(
        found["bias_response"].slope, exact["bias_response"].slope, rtol=1e-3
    )


def test_noise_of_the_hierarchy_is_that_of_scattering_but_for_the_poles() -> None:
    """At tier 2 without repulsion; what is left falls with the square of the number of poles. Tier 1 has it not."""
    model = BiasedJunction(
        molecules=1, energy_b=0.3, hubbard=0, spin_orbit=0, lead_polarisation=1, coupling=0.2,
        thermal_energy=0.3, gate=0.1, bias=0.7,
    )  # fmt: skip
    exact = BiasedLandauer().solve(model, ["noise"]).noise[0]
    errors = [
        Hierarchy(tier=tier, poles=poles, tolerance=1e-6).solve(model, ["noise"]).noise[0] / exact
        - 1
        for tier, poles in ((1, 5), (2, 5), (2, 10))
    ]
    assert abs(errors[0]) > 0.03
    assert abs(errors[2]) < 2e-3
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.2)


def cotunnelling(g: tuple[float, float], level: float, U: float, V: float, T: float) -> float:
    """Second-order golden rule through a level with one electron: elastic by either state, and spin flips."""

    def rate(w: float) -> float:
        empty, double = 1 / (w - level), 1 / (level + U - w)
        return empty**2 + double**2 + (empty + double) ** 2

    drive = lambda w: expit(-(w - V / 2) / T) - expit(-(w + V / 2) / T)  # noqa: E731
    value, _ = quad(lambda w: drive(w) * rate(w), -0.6 * abs(level), 0.6 * abs(level))
    return float(g[0] * g[1] * value / (2 * np.pi))


def test_in_blockade_tier_two_is_cotunnelling_and_sequential_tunnelling_is_nothing() -> None:
    """Two equal levels that do not see each other, one electron on each: twice the golden rule of one."""
    g, level, U, V, T = (0.005, 0.01), -1.0, 2.0, 0.1, 0.05
    model = BiasedJunction(
        molecules=1, energy_b=0, hubbard_a=2, hubbard_b=2, hubbard_ab_singlet=0,
        hubbard_ab_triplet=0, spin_orbit=0, lead_polarisation=0, coupling=0.01, gate=-1, bias=0.1,
        thermal_energy=0.05,
    )  # fmt: skip
    expected = 2 * cotunnelling(g, level, U, V, T)
    found = Hierarchy(tier=2, tolerance=1e-7).solve(model)
    assert found.lead_current[0, 0] == pytest.approx(expected, rel=0.03)
    assert UniversalLindblad().solve(model).lead_current[0, 0] < 1e-4 * expected
    checks = {one.name: one for one in junction.FAMILY.problem("bias").checks}
    barrier = checks["sequential_tunnelling"]
    assert not barrier.judge(barrier.evaluate(model, Redfield().solve(model)))
