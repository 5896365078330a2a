"""Counting and Green functions in the whole Fock space: dense matrices, no symmetry.

Written from the equations alone; a lead is (Gamma, mu, T) with a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import numpy as np

from tests.oracles.bias_dense import Jump, fermi, superoperator

Lead = tuple[np.ndarray, float, float]


def annihilated(c: Sequence[np.ndarray], v: np.ndarray) -> np.ndarray:
    """C_v = sum_a v_a^* c_a."""
    return sum(np.conj(v[a]) * c[a] for a in range(len(c)))


def jumps(kind: str, H: np.ndarray, c: Sequence[np.ndarray], leads: Sequence[Lead]) -> list[Jump]:
    """P and Q for every vector of every lead; roots of a matrix Gamma by Cholesky, any would do."""
    E, U = np.linalg.eigh(H)
    w = E[None, :] - E[:, None]
    out: list[Jump] = []
    for number, (gamma, mu, T) in enumerate(leads):
        f = fermi(w, mu, T)
        root = np.linalg.cholesky(gamma + 1e-15 * np.eye(len(gamma)))
        for v in root.T:
            C = U.conj().T @ annihilated(c, v) @ U
            if kind == "redfield":
                pairs = [((1 - f) / 2 * C, C, -1), ((f / 2 * C.conj()).T, C.conj().T, 1)]
            else:
                P_out, P_in = np.sqrt(1 - f) * C, (np.sqrt(f) * C.conj()).T
                pairs = [(P_out, P_out / 2, -1), (P_in, P_in / 2, 1)]
            out += [(U @ P @ U.conj().T, U @ Q @ U.conj().T, number, way) for P, Q, way in pairs]
    return out


def green(
    H: np.ndarray,
    everything: Sequence[Jump],
    rho: np.ndarray,
    c: Sequence[np.ndarray],
    omega: float,
    sign: float,
) -> np.ndarray:
    """G(omega) with jumps that are multiplied by ``sign`` on odd operators; -1 is right."""
    d, one = len(H), np.eye(len(H))
    heff = H - 1j * sum(Q.conj().T @ P for P, Q, _, _ in everything)
    L = -1j * (np.kron(heff, one) - np.kron(one, heff.conj()))
    for P, Q, _, _ in everything:
        L = L + sign * (np.kron(P, Q.conj()) + np.kron(Q, P.conj()))
    n = len(c)
    G = np.zeros((n, n), dtype=complex)
    for b in range(n):
        source = c[b].conj().T @ rho + rho @ c[b].conj().T
        X = np.linalg.solve(L + 1j * omega * np.eye(d * d), source.ravel()).reshape(d, d)
        for a in range(n):
            G[a, b] = 1j * np.trace(c[a] @ X)
    return G


def contour_cumulants(
    H: np.ndarray, everything: Sequence[Jump], radius: float = 0.3, points: int = 12
) -> np.ndarray:
    """First four cumulants from the largest eigenvalue of the tilted generator on a circle."""
    angles = 2 * np.pi * np.arange(points) / points
    values = np.zeros(points, dtype=complex)
    for n in range(points // 2 + 1):  # lambda(x*) = lambda(x)*
        z = radius * np.exp(1j * angles[n])
        L, one = superoperator(H, [j for j in everything if j[2] != 0]), np.eye(len(H))
        for P, Q, lead, way in everything:
            if lead == 0:
                L = L + np.exp(z * way) * (np.kron(P, Q.conj()) + np.kron(Q, P.conj()))
                damp = Q.conj().T @ P
                L = L - np.kron(damp, one) - np.kron(one, damp.conj())
        eigen = np.linalg.eigvals(L)
        values[n] = eigen[eigen.real.argmax()]
        values[-n % points] = values[n].conj()
    series = np.fft.fft(values) / points
    return np.array([(series[n] / radius**n * factorial(n)).real for n in range(1, 5)])
