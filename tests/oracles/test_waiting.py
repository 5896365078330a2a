"""Waiting times by eigenvectors and by Chebyshev steps against the matrix exponential."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.sparse

from chirospin.junction.manybody.waiting import ChebyshevWaiting, EigenWaiting, crossing

TIME = 1e-9  # ln of the norm is met to 1e-12, and falls by at least a thousandth in a unit of time
STATES = 48


def example(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    H = rng.normal(size=(STATES, STATES)) + 1j * rng.normal(size=(STATES, STATES))
    H = H + H.conj().T + 5 * np.diag(rng.normal(size=STATES))
    loss = rng.uniform(0.01, 0.5, STATES)
    psi = rng.normal(size=(5, STATES)) + 1j * rng.normal(size=(5, STATES))
    psi /= np.linalg.norm(psi, axis=1)[:, None]
    return H - 0.5j * np.diag(loss), loss, psi, np.log(rng.uniform(1e-3, 1, 5))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["eigenvectors", "products"])
def test_the_norm_has_fallen_to_the_level(kind: str, seed: int) -> None:
    K, loss, psi, level = example(seed)
    wait = (
        EigenWaiting(K, loss)
        if kind == "eigenvectors"
        else ChebyshevWaiting(scipy.sparse.csr_array(K), loss)
    )
    time, state = wait(psi, level, np.full(5, 1e9))
    for start, target, t, end in zip(psi, level, time, state, strict=True):

        def miss(tau: float, start: np.ndarray = start, target: float = target) -> float:
            return 2 * np.log(np.linalg.norm(scipy.linalg.expm(-1j * tau * K) @ start)) - target

        assert t == pytest.approx(scipy.optimize.brentq(miss, 0, 2000, xtol=1e-13), rel=TIME)
        assert np.abs(end - scipy.linalg.expm(-1j * t * K) @ start).max() < TIME


def test_a_state_that_never_decays_waits_for_ever() -> None:
    K = np.diag([1.0, 2.0 - 0.05j]).astype(complex)
    loss = np.array([0.0, 0.1])
    psi, level = np.eye(2, dtype=complex), np.array([-0.5, -0.5])
    time, _ = EigenWaiting(K, loss)(psi, level, np.full(2, 100.0))
    assert np.isinf(time[0])
    assert time[1] == pytest.approx(5.0)
    late, _ = ChebyshevWaiting(scipy.sparse.csr_array(K), loss)(psi, level, np.full(2, 100.0))
    assert late[0] > 100.0
    assert late[1] == pytest.approx(5.0)


@pytest.mark.parametrize("seed", range(4))
def test_members_of_a_batch_that_have_arrived_stay(seed: int) -> None:
    """A batch takes no more evaluations than the slowest of its members alone."""
    K, loss, psi, _ = example(seed)
    level = np.array([-1e-3, -0.1, -1.0, -10.0, -40.0])
    energy, vectors = np.linalg.eig(K)
    amplitude = np.linalg.solve(vectors, psi.T).T

    def evaluations(who: list[int]) -> int:
        count = 0

        def at(t: np.ndarray) -> np.ndarray:
            nonlocal count
            count += 1
            return (amplitude[who] * np.exp(-1j * t[:, None] * energy)) @ vectors.T

        crossing(at, loss, level[who], np.full(len(who), np.inf))
        return count

    assert evaluations([0, 1, 2, 3, 4]) == max(evaluations([n]) for n in range(5)) < 30
