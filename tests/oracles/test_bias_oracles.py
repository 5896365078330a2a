"""Junctions at finite bias against dense matrices in the whole Fock space, quadrature and QuTiP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from chirospin.base.fermi import pade_poles, poles_for, summed
from chirospin.junction import (
    BiasedJunction,
    BiasedLandauer,
    BiasedMeanField,
    DetailedBalance,
    Hierarchy,
    Pauli,
    PositiveLindblad,
    Redfield,
    RedfieldLamb,
    UniversalLindblad,
)
from chirospin.junction.bias.fermi_overlap import overlap_expansion
from chirospin.junction.bias.model import gated_hamiltonian, reservoirs_of
from chirospin.junction.model import lead_couplings
from tests.oracles import bias_dense, dense_fock

AGREE = 1e-9
SHIFTED = 1e-8  # the expansion of the Lamb shift is good to 5e-9 of the coupling
GENERATORS = (Redfield, RedfieldLamb, PositiveLindblad, UniversalLindblad, DetailedBalance)

MONOMER: dict[str, Any] = {
    "molecules": 1, "energy_a": 0.1, "energy_b": 0.9, "spin_orbit": 0.3, "hubbard_a": 2.0,
    "hubbard_b": 1.5, "hubbard_ab_singlet": 1.2, "hubbard_ab_triplet": 0.7, "coupling_a": 0.3,
    "coupling_b": 0.2, "lead_polarisation": 0.7, "gate": -0.6, "bias": 1.3, "bias_asymmetry": 0.2,
    "thermal_energy": 0.4, "thermal_energy_difference": 0.1,
}  # fmt: skip
DIMER: dict[str, Any] = {
    "hubbard_a": 3.0, "hubbard_ab_singlet": 3.5, "energy_b": 0.5, "spin_orbit": 0.2, "hopping_b": 0.4,
    "gate": -4.0, "bias": 5.0, "thermal_energy": 1.0, "internal_drop": 0.3, "lead_polarisation": 0.8,
    "coupling": 0.3,
}  # fmt: skip


def dense(model: BiasedJunction, m: int) -> tuple[Any, Any, Any]:
    """H, annihilators and leads handed to the oracle, number by number."""
    c = dense_fock.annihilators(4 * model.molecules)
    stack = model.molecules
    drop = [0.5 - i / (stack - 1) for i in range(stack)] if stack > 1 else [0.0]
    shift = [model.gate + model.bias * model.internal_drop * x for x in drop]
    angles = [model.handedness * model.twist * i for i in range(stack)]
    H = dense_fock.hamiltonian(
        c,
        [[model.energy_a + s, model.energy_b + s] for s in shift],
        [[model.hopping_a, model.hopping_ab], [model.hopping_ba, model.hopping_b]],
        [[model.spin_orbit * np.cos(a), model.spin_orbit * np.sin(a), 0.0] for a in angles],
        (model.hubbard_a, model.hubbard_b, model.hubbard_ab_singlet, model.hubbard_ab_triplet),
    )
    left, right = np.zeros(len(c)), np.zeros(len(c))
    for orbital, gamma in enumerate((model.coupling_a, model.coupling_b)):
        for spin, sign in ((0, 1), (1, -1)):
            left[2 * orbital + spin] = (
                gamma * (1 + (1 - 2 * m) * model.lead_polarisation * sign) / 2
            )
            right[4 * (stack - 1) + 2 * orbital + spin] = gamma
    T = model.thermal_energy or 0.1
    half = model.thermal_energy_difference / 2
    V, a = model.bias, model.bias_asymmetry
    return H, c, [(left, (0.5 + a) * V, T + half), (right, -(0.5 - a) * V, T - half)]


def naive(
    kind: str, H: Any, c: Any, leads: Any, cutoff: float, spacing: float = 0.5
) -> tuple[Any, Any]:
    """Hamiltonian with Lamb shift, and jumps."""
    everything = bias_dense.jumps(kind, H, c, leads, band=400.0)
    if kind == "ule":
        H = H + bias_dense.universal_shift(H, c, leads, cutoff, spacing=spacing)
    if kind == "kms":
        H = H + bias_dense.kms_shift(H, c, leads, everything)
    return H, everything


@pytest.mark.parametrize("method", GENERATORS, ids=lambda m: m.name)
def test_monomer_equals_the_dense_superoperator(method: Any) -> None:
    model = BiasedJunction(**MONOMER)
    state = method().solve(model, ["noise"])
    tolerance = {"ule": SHIFTED, "redfield-lamb": 2e-4}.get(method.name, AGREE)  # band of 400
    for m in (0, 1):
        H, c, leads = dense(model, m)
        H, everything = naive(method.name, H, c, leads, cutoff=40.0)
        rho = bias_dense.null_state(bias_dense.superoperator(H, everything), len(H))
        np.testing.assert_allclose(
            state.lead_current[m], bias_dense.currents(rho, everything), atol=tolerance
        )
        n = [np.trace(rho @ x.T @ x).real for x in c]
        np.testing.assert_allclose(np.diagonal(state.one_body_density[m]).real, n, atol=tolerance)
        if method.name in ("redfield", "kms"):
            np.testing.assert_allclose(state.noise[m], bias_dense.noise(H, everything), rtol=1e-6)
            lowest = np.linalg.eigvalsh((rho + rho.conj().T) / 2).min()
            assert abs(state.density.smallest_eigenvalue[m] - lowest) < AGREE


def test_dephasing_equals_the_dense_superoperator() -> None:
    model = BiasedJunction(**MONOMER, dephasing=0.15)
    state = Redfield().solve(model)
    without = Redfield().solve(model.replace(dephasing=0))
    H, c, leads = dense(model, 0)
    H, everything = naive("redfield", H, c, leads, cutoff=0.0)
    L = bias_dense.superoperator(H, everything) + bias_dense.dephasing(c, 0.15)
    rho = bias_dense.null_state(L, len(H))
    np.testing.assert_allclose(
        state.lead_current[0], bias_dense.currents(rho, everything), atol=AGREE
    )
    assert np.abs(state.lead_current - without.lead_current).max() > 1e-4


@pytest.mark.parametrize("method", [Redfield, UniversalLindblad], ids=lambda m: m.name)
def test_dimer_equals_the_whole_fock_space(method: Any) -> None:
    model = BiasedJunction(**DIMER)
    state = method().solve(model)
    H, c, leads = dense(model, 1)
    H, everything = naive(method.name, H, c, leads, cutoff=40.0, spacing=1.0)
    rho = bias_dense.steady_state(H, everything)
    np.testing.assert_allclose(
        state.lead_current[1], bias_dense.currents(rho, everything), atol=SHIFTED
    )


def test_shift_of_the_universal_equation_does_not_know_the_cutoff() -> None:
    H, c, leads = dense(BiasedJunction(**MONOMER), 0)

    def change(out_sign: int) -> float:
        near, far = (bias_dense.universal_shift(H, c, leads, x, out_sign) for x in (40.0, 80.0))
        moved = far - near
        return float(np.linalg.norm(moved - np.trace(moved) / len(H) * np.eye(len(H))))

    assert change(-1) < 1e-10
    assert change(+1) > 0.1  # control: one sign for both directions needs a cutoff


def test_expansion_of_the_kernel_equals_the_principal_value() -> None:
    terms = overlap_expansion()
    rng = np.random.default_rng(1)
    for x, y in rng.uniform(-30, 30, (40, 2)):
        u, distance = max(x, y), abs(x - y)
        # symmetric midpoints in nu, tails closed by the logarithm of the cutoff
        nu = (np.arange(40_000) + 0.5) * 0.5
        ahead, behind = (np.sqrt(expit(s - x) * expit(s - y)) for s in (nu, -nu))
        plain = float(((ahead - behind) / nu).sum() * 0.5 - np.log(20_000.0))
        short = float(terms.of_energy(np.array(u)) @ terms.of_distance(np.array(distance)))
        assert abs(short - plain) < 2e-8


def test_hierarchy_of_a_monomer_equals_the_explicit_recursion() -> None:
    warm = {**MONOMER, "thermal_energy": 5.0, "hubbard_a": 1.0, "hubbard_b": 0.5}
    model = BiasedJunction(**warm)
    for tier in (1, 2):
        poles = 3 if tier == 1 else 2
        state = Hierarchy(tier=tier, poles=poles, tolerance=1e-10).solve(model)
        H, c, leads = dense(model, 0)
        rho, current = bias_dense.hierarchy(H, c, leads, tier, poles)
        np.testing.assert_allclose(state.lead_current[0], current, atol=1e-8)
        n = [np.trace(rho @ x.T @ x).real for x in c]
        np.testing.assert_allclose(np.diagonal(state.one_body_density[0]).real, n, atol=1e-8)


def test_poles_equal_those_of_two_tridiagonal_matrices() -> None:
    for count in (2, 5, 9):
        ours, (xi, R) = pade_poles(count), bias_dense.pade(count)
        np.testing.assert_allclose(ours.heights, xi, rtol=1e-9)
        np.testing.assert_allclose(ours.weights, R, rtol=1e-7)
    x = np.linspace(0, 33, 50)
    needed = poles_for(33.0, 1e-4)
    assert needed is not None
    wrong = [
        np.abs(summed(pade_poles(n), x) - bias_dense.fermi(x, 0, 1)).max()
        for n in (needed - 1, needed)
    ]
    assert wrong[1] <= 1e-4 < wrong[0]


@pytest.mark.parametrize("temperature_difference", [0.0, 0.3])
def test_scattering_equals_quadrature(temperature_difference: float) -> None:
    model = BiasedJunction(
        **{**DIMER, "gate": -0.4, "thermal_energy": 0.3, "bias": 1.7, "bias_asymmetry": -0.1},
        thermal_energy_difference=temperature_difference,
    ).replace(hubbard=0)
    state = BiasedLandauer().solve(model, ["noise"])
    mean_field = BiasedMeanField().solve(model)
    for m in (0, 1):
        g, leads = lead_couplings(model)[m], reservoirs_of(model)
        both = [(g[l], leads.potential[l], leads.thermal_energy[l]) for l in (0, 1)]  # noqa: E741
        current, energy, n, S = bias_dense.landauer(gated_hamiltonian(model), both)
        assert abs(state.lead_current[m, 0] - current) < 1e-11
        assert abs(state.energy_current[m, 0] - energy) < 1e-10
        assert abs(state.noise[m] - S) < 1e-10
        np.testing.assert_allclose(np.diagonal(state.one_body_density[m]).real, n, atol=1e-9)
        np.testing.assert_allclose(mean_field.lead_current[m], state.lead_current[m], atol=1e-12)


def test_rate_equations_equal_populations_in_plain_loops() -> None:
    model = BiasedJunction(**MONOMER)
    state = Pauli().solve(model)
    for m in (0, 1):
        H, c, leads = dense(model, m)
        # a conserved charge tells time-reversed partners apart; the energies are those of H alone
        charge = sum(c[k].T @ c[k] for k in (0, 3))
        _, U = np.linalg.eigh(H + 0.37 * charge)
        E = np.diag(U.conj().T @ H @ U).real
        N = np.diag(U.conj().T @ sum(x.T @ x for x in c) @ U).real
        d = len(E)
        rate = np.zeros((2, d, d))
        for l, (g, mu, T) in enumerate(leads):  # noqa: E741
            for k, x in enumerate(c):
                weight = np.abs(U.conj().T @ x @ U) ** 2
                for a in range(d):
                    for b in range(d):
                        f = float(bias_dense.fermi(E[b] - E[a], mu, T))
                        rate[l, b, a] += g[k] * weight[a, b] * f
                        rate[l, a, b] += g[k] * weight[a, b] * (1 - f)
        both = rate.sum(axis=0)
        matrix = both - np.diag(both.sum(axis=0))
        values, vectors = np.linalg.eig(matrix)
        p = vectors[:, np.argmin(np.abs(values))].real
        p /= p.sum()
        change = N[:, None] - N[None, :]
        left = float((rate[0] * change @ p).sum())
        assert abs(state.lead_current[m, 0] - left) < AGREE


@pytest.mark.parametrize("method", [PositiveLindblad, DetailedBalance], ids=lambda m: m.name)
def test_qutip_finds_the_same_steady_state(method: Any) -> None:
    import qutip

    model = BiasedJunction(**MONOMER)
    state = method().solve(model, ["noise"])
    H, c, leads = dense(model, 0)
    H, everything = naive(method.name, H, c, leads, cutoff=0.0)
    rho = qutip.steadystate(qutip.Qobj(H), [qutip.Qobj(P) for P, _, _, _ in everything]).full()
    np.testing.assert_allclose(
        state.lead_current[0], bias_dense.currents(rho, everything), atol=1e-8
    )
