"""Leads with direction, interference and number against dense algebra that shares nothing with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from chirospin.base.method import Method
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedLandauer,
    CustomJunction,
    DetailedBalance,
    Hierarchy,
    Junction,
    Landauer,
    MeanField,
    PositiveLindblad,
    Redfield,
    RedfieldLamb,
    UniversalLindblad,
    lead_current_operator,
    liouvillian,
)
from tests.oracles import dense_fock, leads_dense

EXACT = 1e-12  # two direct solves of 256 unknowns
LAMB = 1e-11  # midpoint sums of the Lamb shift are good to some 1e-12
POLES = 2e-7  # what sixteen poles leave of a current
W = np.array(
    [
        [[0.1, 0.03 + 0.02j], [0.03 - 0.02j, 0.05]],
        [[0.06, -0.02], [-0.02, 0.12]],
        [[0.02, 0.01j], [-0.01j, 0.04]],
    ]
)
P, N = np.array([0.8, 0.6, 0.3]), np.array([[1.0, 1, 1], [0, 1, -1], [1, 0, 0]])
F, MU, T = [0.9, 0.2, 0.4], [0.5, -0.3, 0.1], [0.3, 0.25, 0.4]
NAMES = ["left", "right", "tip"]
MOLECULE: dict[str, Any] = {
    "molecules": 1,
    "energy_b": 0.1,
    "hubbard": 2,
    "hund": 0.5,
    "spin_orbit_vectors": [[0.1, 0.2, 0.3]],
}


def leads(count: int) -> dict[str, Any]:
    return {
        "lead_names": NAMES[:count],
        "lead_orbitals": W[:count],
        "lead_polarisations": P[:count],
        "lead_directions": N[:count],
    }


@pytest.fixture(scope="module")
def electrons() -> tuple[list[np.ndarray], np.ndarray]:
    c = dense_fock.annihilators(4)
    vectors = MOLECULE["spin_orbit_vectors"]
    H = dense_fock.hamiltonian(c, [[0, 0.1]], [[0, 0], [0, 0]], vectors, (2, 2, 2, 1.5), 0.5)
    return c, H


def widths(count: int, reversed_: tuple[int, ...] = ()) -> list[np.ndarray]:
    plain = [leads_dense.gamma_of(W[i], P[i], N[i]) for i in range(count)]
    return [leads_dense.reversed_gamma(g) if i in reversed_ else g for i, g in enumerate(plain)]


@pytest.mark.parametrize("count", [2, 3])
def test_infinite_bias(count: int, electrons: tuple[list[np.ndarray], np.ndarray]) -> None:
    c, H = electrons
    model = Junction(
        **MOLECULE,
        **leads(count),
        lead_occupations=F[:count],
        reversed_leads=["left", "right"],
    )
    state = GKSL().solve(model)
    for m, turned in enumerate([(), (0, 1)]):
        ends = list(zip(widths(count, turned), F, strict=False))
        rho = leads_dense.stationary(leads_dense.flat_generator(H, c, ends))
        again = leads_dense.flat_currents(rho, c, ends)
        assert np.abs(state.lead_current[m] - again).max() < EXACT
        G = np.array([[np.trace(a.conj().T @ b @ rho) for b in c] for a in c])
        assert np.abs(state.one_body_density[m] - G).max() < EXACT
    # v in place of its conjugate is another lead
    wrong = [(g.conj(), f) for g, f in zip(widths(count), F, strict=False)]
    rho = leads_dense.stationary(leads_dense.flat_generator(H, c, wrong))
    assert np.abs(leads_dense.flat_currents(rho, c, wrong) - state.lead_current[0]).max() > 1e-4


def test_operators_are_those_of_the_generator(
    electrons: tuple[list[np.ndarray], np.ndarray],
) -> None:
    c, H = electrons
    model = Junction(**MOLECULE, **leads(3), lead_occupations=F)
    ends = list(zip(widths(3), F, strict=True))
    L = leads_dense.flat_generator(H, c, ends)
    rho = leads_dense.stationary(L)
    ours = liouvillian(model).matrix.toarray()
    columns = rho.T.ravel()  # ours acts on columns one after another
    assert np.abs(ours @ columns).max() < EXACT
    values = np.sort_complex(np.round(np.linalg.eigvals(ours), 9))
    assert np.abs(values - np.sort_complex(np.round(np.linalg.eigvals(L), 9))).max() < 1e-7
    O = lead_current_operator(model, "tip").matrix.toarray()  # noqa: E741
    assert abs(np.trace(O @ rho).real - leads_dense.flat_currents(rho, c, ends)[2]) < EXACT


@pytest.mark.parametrize(
    "method", [Redfield(), PositiveLindblad(), DetailedBalance(), UniversalLindblad()]
)
def test_finite_bias(method: Method, electrons: tuple[list[np.ndarray], np.ndarray]) -> None:
    c, H = electrons
    model = BiasedJunction(
        **MOLECULE, **leads(3), lead_potentials=MU, lead_thermal_energies=T, reversed_leads="tip"
    )
    state: Any = method.solve(model)
    electrons_number = sum(x.T @ x for x in c)
    for m, turned in enumerate([(), (2,)]):
        ends = list(zip(widths(3, turned), MU, T, strict=True))
        L, parts = leads_dense.biased_generator(method.name, H, c, ends)
        rho = leads_dense.stationary(L).ravel()
        for lead, part in enumerate(parts):
            change = (part @ rho).reshape(16, 16)
            for operator, flow in (
                (electrons_number, state.lead_current),
                (H, state.energy_current),
            ):
                assert abs(np.trace(operator @ change).real - flow[m, lead]) < LAMB


def test_the_first_tier_is_scattering_without_repulsion() -> None:
    model = BiasedJunction(
        **{**MOLECULE, "hubbard": 0, "hund": 0},
        **leads(3),
        lead_potentials=MU,
        lead_thermal_energies=T,
    )
    exact = BiasedLandauer().solve(model)
    found = Hierarchy(tier=1, poles=16).solve(model)
    assert np.abs(found.lead_current - exact.lead_current).max() < POLES
    assert np.abs(exact.lead_current.sum(axis=1)).max() < EXACT


def test_one_electron_methods_agree_at_infinite_bias() -> None:
    model = Junction(**{**MOLECULE, "hubbard": 0, "hund": 0}, **leads(3), lead_occupations=F)
    exact = GKSL().solve(model)
    for method in (Landauer(), MeanField()):
        found = method.solve(model)
        assert np.abs(found.lead_current - exact.lead_current).max() < EXACT
        assert np.abs(found.one_body_density - exact.one_body_density).max() < 1e-11


def test_any_hamiltonian_as_a_function(electrons: tuple[list[np.ndarray], np.ndarray]) -> None:
    """Hopping that depends on a third electron, which meets plain hopping on the same matrix element."""
    c, _ = electrons

    def hamiltonian(c: list[np.ndarray]) -> np.ndarray:
        n = [x.conj().T @ x for x in c]
        hop = (0.3 + 0.1j) * c[0].conj().T @ c[2] + 0.2 * n[1] @ c[0].conj().T @ c[2]
        pair = 0.4j * c[0].conj().T @ c[1].conj().T @ c[3] @ c[2]
        return (
            0.2 * n[2]
            + 1.5 * n[0] @ n[1]
            + 0.7 * n[1] @ n[3]
            + hop
            + hop.conj().T
            + pair
            + pair.conj().T
        )

    model = CustomJunction.from_function(
        hamiltonian, 4, lead_matrices=widths(2), lead_occupations=F[:2]
    )
    state = GKSL().solve(model)  # type: ignore[arg-type]
    ends = list(zip(widths(2), F, strict=False))
    rho = leads_dense.stationary(leads_dense.flat_generator(hamiltonian(c), c, ends))
    assert np.abs(state.lead_current[0] - leads_dense.flat_currents(rho, c, ends)).max() < EXACT


def test_a_chain_behind_a_level() -> None:
    """Against a continued fraction of the chain's sites and a quadrature of its own."""
    level, gamma, t, mu, kT = 0.4, (0.2, 0.3), (1.0, 1.5), (0.5, -0.5), 0.1

    def surface(omega: float, hopping: float) -> complex:
        root = np.sqrt(complex(omega / 2) ** 2 - hopping**2)
        g = min(
            ((omega / 2 - s * root) / hopping**2 for s in (1, -1)), key=lambda x: (x.imag, abs(x))
        )
        fraction = 1 / (omega + 1e-3j - hopping**2 * 1 / (omega + 1e-3j - hopping**2 * g))
        assert abs(fraction - g) < 0.02  # two more sites are the same chain
        return g

    def current(omega: float) -> float:
        sigma = [g * h / 2 * surface(omega - m, h) for g, h, m in zip(gamma, t, mu, strict=True)]
        G = 1 / (omega - level - sum(sigma))
        drop = expit(-(omega - mu[0]) / kT) - expit(-(omega - mu[1]) / kT)
        return 4 * sigma[0].imag * sigma[1].imag * abs(G) ** 2 * drop / (2 * np.pi)

    edges = sorted(m + s * 2 * h for m, h in zip(mu, t, strict=True) for s in (1, -1))
    expected, _ = quad(current, edges[1], edges[2], epsabs=1e-12, limit=200)  # where both bands are
    model = CustomJunction(
        one_body_matrix=[[level]],
        lead_matrices=[[[gamma[0]]], [[gamma[1]]]],
        reversed_leads="none",
        lead_potentials=mu,
        thermal_energy=kT,
        lead_chain_hoppings=t,
    )
    assert BiasedLandauer().solve(model).lead_current[0, 0] == pytest.approx(expected, abs=1e-8)


def published_dots(double: bool) -> CustomJunction:
    """Dots with spin of QmeQ's own tests (github.com/gedaskir/qmeq, qmeq/tests/test_builder.py), Gamma = 2 pi t^2."""
    one = np.eye(2)
    if double:
        h = np.kron([[-10, 20], [20, -12.0]], one)
        pairs = [(0, 1, 80), (2, 3, 80), (0, 2, 30), (0, 3, 30), (1, 2, 30), (1, 3, 30)]
        ends = [np.outer(t, t) for t in ([2, 0.6], [0.1, 1.0])]
    else:
        h, pairs, ends = np.zeros((2, 2)), [(0, 1, 300)], [4 * np.eye(1), np.eye(1)]
    return CustomJunction(
        one_body_matrix=h,
        interaction_tensor=[row for a, b, U in pairs for row in ([a, b, a, b, U], [b, a, b, a, U])],
        lead_matrices=[2 * np.pi * np.kron(end, one) for end in ends],
        lead_potentials=[2.5, -2.5],
        thermal_energy=50.0,
        reversed_leads="none",
    )


def test_published_numbers_of_another_code() -> None:
    """Of each spin; its Redfield without and with principal parts, its Lindblad: the numbers of its data_builder.py."""
    double = published_dots(double=True)
    for method, current, energy in (
        (Redfield(), 0.08322262964922629, None),  # its energy currents do not add up to zero
        (RedfieldLamb(), 0.05877067351179432, None),
        (PositiveLindblad(), 0.0837511377259315, 2.838606940574246),
    ):
        state: Any = method.solve(double)
        assert state.lead_current[0] / 2 == pytest.approx([current, -current], rel=1e-11)
        if energy:
            assert state.energy_current[0, 0] / 2 == pytest.approx(energy, rel=1e-10)
    single = published_dots(double=False)
    sequential, third = (
        method.solve(single).lead_current[0, 0] / 2
        for method in (Redfield(), Hierarchy(tier=3, tolerance=1e-5))
    )
    assert sequential == pytest.approx(0.08368833245372147, rel=1e-11)
    assert third == pytest.approx(
        0.0735967870902393, rel=0.02
    )  # its 2vN, in a band of 20 T each way
