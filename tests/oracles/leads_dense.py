"""Junctions whose leads have direction and interference, in the whole Fock space: plain matrices and loops.

Written from the equations alone; it shares no line and no function with the package. A lead is
(Gamma, f) at infinite bias and (Gamma, mu, T) at finite bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import expm
from scipy.special import expit

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
Array = np.ndarray


def gamma_of(W: Array, p: float, n: Sequence[float]) -> Array:
    """W kron (1 + p n.sigma)."""
    unit = np.array(n) / np.linalg.norm(n)
    return np.kron(W, np.eye(2) + p * sum(x * s for x, s in zip(unit, SIGMA, strict=True)))


def reversed_gamma(gamma: Array) -> Array:
    """sigma_y Gamma* sigma_y, orbital by orbital."""
    sy = SIGMA[1]
    out = np.zeros_like(gamma)
    for i in range(len(gamma) // 2):
        for j in range(len(gamma) // 2):
            block = gamma[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            out[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = sy @ block.conj() @ sy
    return out


def vectors_of(gamma: Array, rng: np.random.Generator | None = None) -> list[Array]:
    """v with Gamma = sum v v+; mixed by a random unitary, which changes nothing."""
    g, u = np.linalg.eigh(gamma)
    rows = (u * np.sqrt(np.clip(g, 0, None))).T
    if rng is not None:
        noise = rng.normal(size=(2, len(rows), len(rows)))
        K = noise[0] + 1j * noise[1]
        rows = expm(K - K.conj().T) @ rows
    return list(rows)


def removers(gamma: Array, c: Sequence[Array], rng: np.random.Generator | None) -> list[Array]:
    """C_v = sum_a v_a* c_a."""
    return [sum(np.conj(x) * a for x, a in zip(v, c, strict=True)) for v in vectors_of(gamma, rng)]


def flat_generator(
    H: Array, c: Sequence[Array], leads: Sequence[tuple[Array, float]], seed: int = 0
) -> Array:
    """Infinite bias: f D[C+] + (1 - f) D[C] as a matrix on row-major vectors."""
    rng = np.random.default_rng(seed)
    d = len(H)
    one = np.eye(d)
    L = -1j * (np.kron(H, one) - np.kron(one, H.T))
    for gamma, f in leads:
        for C in removers(gamma, c, rng):
            for rate, J in ((f, C.conj().T), (1 - f, C)):
                square = J.conj().T @ J
                loss = np.kron(square, one) + np.kron(one, square.T)
                L += rate * (np.kron(J, J.conj()) - loss / 2)
    return L


def biased_generator(
    kind: str, H: Array, c: Sequence[Array], leads: Sequence[tuple[Array, float, float]]
) -> tuple[Array, list[Array]]:
    """Second order, and the part of every lead: matrices on row-major vectors."""
    rng = np.random.default_rng(1)
    E, U = np.linalg.eigh(H)
    w = E[None, :] - E[:, None]
    d = len(H)
    one = np.eye(d)
    free = -1j * (np.kron(H, one) - np.kron(one, H.T))
    parts = []
    for gamma, mu, T in leads:
        f = expit(-(w - mu) / T)
        part, squares = np.zeros((d * d, d * d), dtype=complex), np.zeros((d, d), dtype=complex)
        shift = np.zeros((d, d), dtype=complex)
        for C_fock in removers(gamma, c, rng):
            C = U.conj().T @ C_fock @ U
            if kind == "redfield":
                pairs = [((1 - f) / 2 * C, C), ((f / 2 * C.conj()).T, C.conj().T)]
            else:
                roots = [np.sqrt(1 - f) * C, (np.sqrt(f) * C.conj()).T]
                pairs = [(P, P / 2) for P in roots]
            for P, Q in pairs:
                P, Q = U @ P @ U.conj().T, U @ Q @ U.conj().T
                jump = np.kron(P, Q.conj()) + np.kron(Q, P.conj())
                loss = Q.conj().T @ P
                part += jump - np.kron(loss, one) - np.kron(one, loss.conj())
                squares += P.conj().T @ P
            if kind == "ule":
                shift += _universal(C, w, mu, T)
        if kind == "kms":
            M = U.conj().T @ squares @ U
            shift = 0.5j * np.tanh((E[:, None] - E) / (4 * T)) * M
        moved = U @ shift @ U.conj().T
        parts.append(part - 1j * (np.kron(moved, one) - np.kron(one, moved.T)))
    return free + sum(parts), parts


def _universal(C: Array, w: Array, mu: float, T: float) -> Array:
    """Midpoint sum of the universal Lamb shift of one operator, in the eigenbasis."""
    total = np.zeros_like(C)
    step = 0.5 * T
    reach = np.abs(w - mu).max() + 40 * T
    for n in range(int(reach / step)):
        for nu in ((n + 0.5) * step, -(n + 0.5) * step):
            into = (np.sqrt(expit(-(w - mu - nu) / T)) * C.conj()).T
            away = np.sqrt(expit((w - mu + nu) / T)) * C
            total -= step / nu / (2 * np.pi) * (into.conj().T @ into + away.conj().T @ away)
    return total


def stationary(L: Array) -> Array:
    """rho with L rho = 0 and trace 1."""
    d = round(len(L) ** 0.5)
    A = L.copy()
    A[0] = np.eye(d).ravel()
    right = np.zeros(d * d, dtype=complex)
    right[0] = 1
    return np.linalg.solve(A, right).reshape(d, d)


def flat_currents(rho: Array, c: Sequence[Array], leads: Sequence[tuple[Array, float]]) -> Array:
    """Electrons from each lead: Tr N D_l rho, jump by jump."""
    out = []
    for gamma, f in leads:
        C = removers(gamma, c, None)
        into = sum(np.trace(x @ x.conj().T @ rho).real for x in C)
        away = sum(np.trace(x.conj().T @ x @ rho).real for x in C)
        out.append(f * into - (1 - f) * away)
    return np.array(out)
