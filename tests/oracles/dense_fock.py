"""The junction in the whole Fock space: explicit Jordan-Wigner matrices, no symmetry anywhere.

Written from the equations alone; it shares no line and no function with the package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

SIGMA = (np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.array([[1, 0], [0, -1]]))


def annihilators(n: int) -> list[np.ndarray]:
    """c_0 ... c_{n-1} as dense matrices."""
    lower, string, one = np.array([[0, 1], [0, 0]]), np.diag([1, -1]), np.eye(2)
    out = []
    for k in range(n):
        matrix = np.eye(1)
        for j in range(n):
            matrix = np.kron(matrix, string if j < k else lower if j == k else one)
        out.append(matrix)
    return out


def hamiltonian(
    c: Sequence[np.ndarray],
    energies: Sequence[Sequence[float]],
    hop: Sequence[Sequence[float]],
    vectors: Sequence[Sequence[float]],
    U: tuple[float, float, float, float],
    K: float = 0.0,
) -> np.ndarray:
    """H of M molecules; hop[l][l'] joins l of one with l' of the next; U = (a, b, singlet, triplet)."""
    up, down = 0, 1
    at = lambda i, l, s: c[4 * i + 2 * l + s]  # noqa: E731, E741
    n = [x.T @ x for x in c]
    H = np.zeros_like(c[0], dtype=complex)
    molecules = len(energies)
    for i in range(molecules):
        for l in (0, 1):  # noqa: E741
            for s in (up, down):
                H += energies[i][l] * n[4 * i + 2 * l + s]
        soc = sum(
            1j * vectors[i][k] * SIGMA[k][s, t] * at(i, 1, s).T @ at(i, 0, t)
            for k in range(3)
            for s in (up, down)
            for t in (up, down)
        )
        H += soc + soc.conj().T
        a_up, a_down, b_up, b_down = (n[4 * i + j] for j in range(4))
        H += U[0] * a_up @ a_down + U[1] * b_up @ b_down
        H += U[2] * (a_up @ b_down + a_down @ b_up) + U[3] * (a_up @ b_up + a_down @ b_down)
        flip = at(i, 0, up).T @ at(i, 0, down) @ at(i, 1, down).T @ at(i, 1, up)
        pair = at(i, 0, up).T @ at(i, 0, down).T @ at(i, 1, down) @ at(i, 1, up)
        H += K * (pair + pair.T) - K * (flip + flip.T)
        if i + 1 < molecules:
            for l in (0, 1):  # noqa: E741
                for m in (0, 1):
                    for s in (up, down):
                        T = hop[l][m] * at(i, l, s).T @ at(i + 1, m, s)
                        H += T + T.T
    return H


def lead_rates(
    molecules: int, gamma: tuple[float, float], m: int, p: float, f: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Filling and emptying rates, and the left coupling, for magnetisation m = +1 or -1."""
    left, right = np.zeros(4 * molecules), np.zeros(4 * molecules)
    for l in (0, 1):  # noqa: E741
        for s, sign in ((0, 1), (1, -1)):
            left[2 * l + s] = gamma[l] * (1 + m * p * sign) / 2
            right[4 * (molecules - 1) + 2 * l + s] = gamma[l]
    return left * f[0] + right * f[1], left * (1 - f[0]) + right * (1 - f[1]), left


def generator(H: np.ndarray, c: Sequence[np.ndarray], alpha: np.ndarray, beta: np.ndarray):
    """The right side of d rho / dt as a function."""
    heff = H.astype(complex)
    for k, x in enumerate(c):
        heff = heff - 0.5j * (alpha[k] * x @ x.T + beta[k] * x.T @ x)

    def coherent(R: np.ndarray) -> np.ndarray:
        return -1j * (heff @ R - R @ heff.conj().T)

    def jump(R: np.ndarray) -> np.ndarray:
        out = np.zeros_like(R)
        for k, x in enumerate(c):
            if alpha[k]:
                out += alpha[k] * (x.T @ R @ x)
            if beta[k]:
                out += beta[k] * (x @ R @ x.T)
        return out

    return heff, coherent, jump


def steady_state(
    H: np.ndarray, c: Sequence[np.ndarray], alpha: np.ndarray, beta: np.ndarray
) -> np.ndarray:
    """rho with L rho = 0 and trace 1, one complex GMRES on all d^2 elements."""
    d = len(H)
    heff, coherent, jump = generator(H, c, alpha, beta)
    E, V = np.linalg.eig(heff)
    W = np.linalg.inv(V)
    gap = -1j * (E[:, None] - E.conj()[None, :])

    def solve(R: np.ndarray) -> np.ndarray:
        return V @ ((W @ R @ W.conj().T) / gap) @ V.conj().T

    guess = solve(-np.eye(d))
    tr = np.trace

    def equation(v: np.ndarray) -> np.ndarray:
        R = v.reshape(d, d)
        return (R + solve(jump(R)) + tr(R) * guess).ravel()

    x, info = gmres(
        LinearOperator((d * d, d * d), matvec=equation, dtype=complex),
        guess.ravel(),
        rtol=1e-14,
        atol=0,
        restart=120,
        maxiter=4,
    )
    rho = x.reshape(d, d)
    rho = rho / tr(rho)
    residual = np.linalg.norm(coherent(rho) + jump(rho))
    assert residual < 1e-11, (residual, info)
    return rho


def current(rho: np.ndarray, c: Sequence[np.ndarray], left: np.ndarray, f_left: float) -> float:
    """Current from the left lead."""
    n = np.array([np.trace(rho @ x.T @ x).real for x in c])
    return float(np.sum(left * (f_left - n)))
