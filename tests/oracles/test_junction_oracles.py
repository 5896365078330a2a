"""The fast solver against the whole Fock space, QuTiP, quadrature and plain iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov

from chirospin.junction import GKSL, Junction, Landauer, MeanField
from tests.laws.junctions import field
from tests.oracles import dense_fock, full_fock, qutip_junction

AGREE = 1e-9  # both residuals 1e-12, over relaxation rates of 1e-3

CASES: dict[str, dict[str, Any]] = {
    "reference": {},
    "general vectors": {"spin_orbit_vectors": [[0.1, 0.02, 0.05], [-0.03, 0.2, 0.1]]},
    "inter-orbital hopping": {"hopping_ab": 0.3, "hopping_ba": -0.2, "handedness": -1},
    "exchange": {"hund": 0.3, "hubbard_ab_triplet": 3.7},
    "partial lead, warm occupations": {
        "lead_polarisation": 0.4, "occupation_left": 0.8, "occupation_right": 0.3,
        "hubbard_a": 2.0, "hubbard_b": 3.0, "hubbard_ab_singlet": 1.0, "hubbard_ab_triplet": 0.5,
        "coupling_b": 0.3, "energies": [[0.1, 0.7], [-0.2, 0.9]],
    },
}  # fmt: skip


def dense(model: Junction, m: int) -> tuple[Any, ...]:
    """The same junction handed to the oracle, number by number."""
    c = dense_fock.annihilators(4 * model.molecules)
    angles = [model.handedness * model.twist * i for i in range(model.molecules)]
    vectors = model.spin_orbit_vectors or [
        [model.spin_orbit * np.cos(a), model.spin_orbit * np.sin(a), 0.0] for a in angles
    ]
    energies = model.energies or [[model.energy_a, model.energy_b]] * model.molecules
    H = dense_fock.hamiltonian(
        c,
        energies,
        [[model.hopping_a, model.hopping_ab], [model.hopping_ba, model.hopping_b]],
        vectors,
        (model.hubbard_a, model.hubbard_b, model.hubbard_ab_singlet, model.hubbard_ab_triplet),
        model.hund,
    )
    rates = dense_fock.lead_rates(
        model.molecules,
        (model.coupling_a, model.coupling_b),
        m,
        model.lead_polarisation,
        (model.occupation_left, model.occupation_right),
    )
    return H, c, *rates


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_dimer_equals_the_whole_fock_space(changes: dict[str, Any]) -> None:
    """Both magnetisations of the reference; one of the others, of which the oracle takes seconds each."""
    model = Junction(**changes)
    fast = GKSL().solve(model)
    for n, m in enumerate((1, -1) if not changes else (1,)):
        H, c, alpha, beta, left = dense(model, m)
        rho = dense_fock.steady_state(H, c, alpha, beta)
        assert fast.lead_current[n, 0] == pytest.approx(
            dense_fock.current(rho, c, left, model.occupation_left), abs=AGREE
        )
        occupations = [np.trace(rho @ x.T @ x).real for x in c]
        assert np.diag(fast.one_body_density[n]).real == pytest.approx(occupations, abs=AGREE)


def test_the_exchange_term_conserves_spin_without_spin_orbit_coupling() -> None:
    model = Junction(hund=0.3, spin_orbit=0)
    H, c, *_ = dense(model, 1)
    for sigma in dense_fock.SIGMA:
        S = sum(
            sigma[s, t] * c[k + s].T @ c[k + t]
            for k in (0, 2, 4, 6)
            for s in (0, 1)
            for t in (0, 1)
        )
        assert np.abs(H @ S - S @ H).max() < 1e-12
    H, c, *_ = dense(model.replace(hubbard_ab_triplet=4.0), 1)  # the control: triplet not lowered
    S = sum(c[k].T @ c[k + 1] for k in (0, 2, 4, 6))
    assert np.abs(H @ S - S @ H).max() > 1e-3


@pytest.mark.filterwarnings("ignore")
def test_one_molecule_equals_qutip() -> None:
    import qutip

    model = Junction(
        molecules=1, spin_orbit_vectors=[[0.2, 0.1, 0.3]], hund=0.4, hubbard=2.0,
        occupation_left=0.9, occupation_right=0.2, lead_polarisation=0.7,
    )  # fmt: skip
    fast = GKSL().solve(model)
    for n, m in enumerate((1, -1)):
        H, c, alpha, beta, _ = dense(model, m)
        jumps = [np.sqrt(a) * x.T for a, x in zip(alpha, c, strict=True)]
        jumps += [np.sqrt(b) * x for b, x in zip(beta, c, strict=True)]
        rho = qutip.steadystate(qutip.Qobj(H), [qutip.Qobj(j) for j in jumps]).full()
        occupations = [np.trace(rho @ x.T @ x).real for x in c]
        assert np.diag(fast.one_body_density[n]).real == pytest.approx(occupations, abs=AGREE)


def one_body(model: Junction) -> np.ndarray:
    """One-electron matrix read off the many-body one, element by element."""
    H, c, *_ = dense(model, 1)
    empty = np.zeros(len(H))
    empty[0] = 1
    single = [x.T @ empty for x in c]
    return np.array([[bra @ H @ ket for ket in single] for bra in single])


def test_landauer_equals_quadrature_of_the_transmission() -> None:
    model = Junction(
        hubbard=0, hopping_ab=0.3, coupling_b=0.3, lead_polarisation=0.6, occupation_left=0.9
    )
    h = one_body(model)
    fast = Landauer().solve(model)
    for n, m in enumerate((1, -1)):
        *_, left = dense(model, m)
        right = np.repeat([0, 0, model.coupling_a, model.coupling_b], 2).astype(float)

        def transmission(angle: float, left=left, right=right) -> float:
            e = np.tan(angle)
            G = np.linalg.inv(e * np.eye(8) - h + 0.5j * np.diag(left + right))
            T = np.trace(np.diag(left) @ G @ np.diag(right) @ G.conj().T).real
            return T / np.cos(angle) ** 2 / (2 * np.pi)

        value = quad(transmission, -np.pi / 2, np.pi / 2, limit=2000, epsabs=1e-11)[0]
        assert fast.lead_current[n, 0] == pytest.approx(0.9 * value, abs=1e-8)


def test_mean_field_equals_plain_iteration() -> None:
    model = Junction(hubbard_a=0.3, hubbard_b=0.4, hubbard_ab_singlet=0.2, hubbard_ab_triplet=0.1)
    h = one_body(model)
    flip, ab = np.array([[0, 1], [1, 0]]), np.array([[0.1, 0.2], [0.2, 0.1]])
    W = np.kron(np.eye(2), np.block([[0.3 * flip, ab], [ab, 0.4 * flip]]))
    fast = MeanField().solve(model)
    for n, m in enumerate((1, -1)):
        _, _, alpha, beta, _ = dense(model, m)
        G = np.zeros((8, 8), dtype=complex)
        for _ in range(4000):
            shifted = h + np.diag(W @ G.diagonal()) - W * G.T
            K = 1j * shifted.T - np.diag(alpha + beta) / 2
            G = 0.7 * G + 0.3 * solve_continuous_lyapunov(K, -np.diag(alpha))
        assert fast.one_body_density[n] == pytest.approx(G, abs=1e-9)


def test_table_2_and_the_first_order_numbers() -> None:
    """Values of three routes of other hands, to the digits given there."""
    expected = {
        "b": ({"coupling_b": 0, "hubbard_a": 0, "hubbard_b": 0}, 0.3145e-2, 5e-7),
        "f": ({}, -24.107e-2, 5e-6),
        "weak": ({"hubbard": 0.01}, 8.885e-5, 5e-9),
    }
    for changes, value, digits in expected.values():
        up, down = GKSL().solve(Junction(**changes)).lead_current[:, 0]
        assert (up - down) / (up + down) == pytest.approx(value, abs=digits)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"hopping_ab": 0.3, "spin_orbit_vectors": [[0.1, 0.02, 0.05], [-0.03, 0.2, 0.1]],
         "one_body_matrix": field(0.1)},
        {"hund": 0.3, "hubbard_ab_singlet": 3.4, "hubbard_ab_triplet": 3.1, "handedness": -1,
         "lead_polarisation": -0.5, "occupation_left": 0.8, "occupation_right": 0.3},
    ],
    ids=["reference", "field and general vectors", "Kanamori"],
)  # fmt: skip
def test_dimer_equals_a_second_hand(values: dict[str, Any]) -> None:
    """Another implementation, written from the equations without sight of the package."""
    fast = GKSL().solve(Junction(**values)).lead_current[:, 0]
    parameters = full_fock.Parameters(**values)
    slow = [
        full_fock.current(parameters, m, full_fock.steady_state(parameters, m)) for m in (1, -1)
    ]
    assert fast == pytest.approx(slow, abs=1e-11)


@pytest.mark.filterwarnings("ignore")
def test_the_reference_dimer_equals_qutip() -> None:
    fast = GKSL().solve(Junction()).lead_current[:, 0]
    p = full_fock.Parameters()
    slow = [qutip_junction.current(p, m, qutip_junction.steady_state(p, m)) for m in (1, -1)]
    assert fast == pytest.approx(slow, abs=1e-10)
