"""One-electron scattering by sums over matrices, one energy and one probe at a time: no code is shared."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

SIGMA = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex
)
UP, DOWN = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])


def green(E, h, gammas):
    return np.linalg.inv(E * np.eye(len(h)) - h + 0.5j * sum(gammas))


def transmissions(E, h, gammas):
    """T_pq = Tr Gamma_p G Gamma_q G^+."""
    G = green(E, h, gammas)
    return np.array([[np.trace(p @ G @ q @ G.conj().T).real for q in gammas] for p in gammas])


def spin_currents(E, h, left, right, probes=()):
    """Currents of spin up and down into the right lead; probes carry none."""
    n = len(h) // 2
    G = green(E, h, [left, right, *probes])
    sources, filling = [left, *probes], [1.0]
    if len(probes):
        T = transmissions(E, h, [left, right, *probes])
        matrix = np.zeros((len(probes),) * 2)
        for p in range(len(probes)):
            for q in range(len(probes)):
                if p != q:
                    matrix[p, q] = -T[2 + p, 2 + q]
                    matrix[p, p] += T[2 + p, 2 + q]
            matrix[p, p] += T[2 + p, 0] + T[2 + p, 1]
        filling += list(np.linalg.solve(matrix, T[2:, 0]))
    found = []
    for spin in (UP, DOWN):
        arriving = np.kron(np.eye(n), spin) @ right
        parts = [np.trace(arriving @ G @ s @ G.conj().T).real for s in sources]
        found.append(float(np.dot(parts, filling)))
    return found


def polarisation(E, h, left, right, probes=()):
    up, down = spin_currents(E, h, left, right, probes)
    return (up - down) / (up + down)


def fermi(x):
    return 1 / (1 + np.exp(np.clip(x, -700, 700)))


def one_voltage_probe(h, left, right, probe, bias, T, energies):
    """Current with one inelastic probe, by adaptive quadrature and bisection of its potential."""
    points = sorted(set(np.clip(energies, -bias / 2 - 30 * T, bias / 2 + 30 * T).tolist()))

    def total(function):
        edges = [-bias / 2 - 35 * T, *points, bias / 2 + 35 * T]
        return sum(
            quad(function, a, b, epsabs=1e-15, epsrel=1e-12, limit=200)[0]
            for a, b in pairwise(edges)
            if b > a
        )

    def net(mu):
        def integrand(E):
            T_ = transmissions(E, h, [left, right, probe])
            f = [fermi((E - m) / T) for m in (bias / 2, -bias / 2, mu)]
            return T_[2, 0] * (f[2] - f[0]) + T_[2, 1] * (f[2] - f[1])

        return total(integrand)

    mu = brentq(net, -abs(bias) / 2, abs(bias) / 2, xtol=1e-14)

    def into_right(E):
        T_ = transmissions(E, h, [left, right, probe])
        f = [fermi((E - m) / T) for m in (bias / 2, -bias / 2, mu)]
        return T_[1, 0] * (f[0] - f[1]) + T_[1, 2] * (f[2] - f[1])

    return total(into_right) / (2 * np.pi)


def dephased_density(h, left, right, sites, rate):
    """Occupations with f_L = 1, f_R = 0 and white noise on the sites, spins mixed or kept.

    C_ab = <c+_b c_a> obeys -i [h, C] - {Gamma, C}/2 + Gamma_L + in-scattering = 0, where a reservoir of
    constant filling that carries no current is a white noise: written as one linear system.
    """
    n = len(h)
    gamma = left + right + sum(rate * p for p in sites)
    K = h - 0.5j * gamma
    one = np.eye(n)
    L = -1j * (np.kron(K, one) - np.kron(one, K.conj()))
    for p in sites:
        weight = rate * p / np.trace(p).real
        L += np.outer(weight.reshape(-1), p.T.reshape(-1))
    C = np.linalg.solve(L, -left.reshape(-1)).reshape(n, n)
    return C


def double_helix(N, e=(0, 0.3), t=(0.12, -0.1), lam=-0.3, tso=0.01, dphi=np.pi / 5, th=0.66):
    """The Hamiltonian of two strands written out term by term; sites 2n + j."""
    h = np.zeros((2 * N, 2, 2 * N, 2), dtype=complex)

    def s(n, j):
        across = SIGMA[1] * np.sin(n * dphi) - SIGMA[2] * np.cos(n * dphi)
        return SIGMA[3] * np.cos(th) - (-1) ** j * np.sin(th) * across

    for n in range(N):
        for j in (1, 2):
            i = 2 * n + j - 1
            h[i, :, i, :] += e[j - 1] * SIGMA[0]
            if n + 1 < N:
                hop = t[j - 1] * SIGMA[0] + 1j * tso * (s(n, j) + s(n + 1, j))
                h[i, :, i + 2, :] += hop
                h[i + 2, :, i, :] += hop.conj().T
        h[2 * n, :, 2 * n + 1, :] += lam * SIGMA[0]
        h[2 * n + 1, :, 2 * n, :] += lam * SIGMA[0]
    return h.reshape(4 * N, 4 * N)


def touching(size, orbitals, W=None):
    """Gamma of a lead on some orbitals, both spins alike."""
    gamma = np.zeros((2 * size, 2 * size), dtype=complex)
    W = np.eye(len(orbitals)) if W is None else W
    for a, i in enumerate(orbitals):
        for b, j in enumerate(orbitals):
            gamma[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = W[a, b] * np.eye(2)
    return gamma
