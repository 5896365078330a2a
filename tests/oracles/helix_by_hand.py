"""A helix of tellurium's structure and the spin that a field induces in it, from its printed definition alone."""

from __future__ import annotations

import itertools

import numpy as np

EDGE, HEIGHT, OFFSET = 0.4457, 0.5929, 0.274  # nm, nm, of the edge
LENGTH, DECAY, REACH = 0.2834, 0.1, 0.4  # nm
V_SIGMA, V_PI, SPIN_ORBIT = 2.6, -0.2, 0.4  # eV
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def atoms():
    """Cartesian places of the three atoms and the cell, nm."""
    cell = np.array([[EDGE, 0, 0], [-EDGE / 2, EDGE * np.sqrt(0.75), 0], [0, 0, HEIGHT]])
    inside = np.array([[OFFSET, 0, 0], [0, OFFSET, 1 / 3], [-OFFSET, -OFFSET, -1 / 3]])
    return inside @ cell, cell


def bloch(k):
    """H(k) and dH/dk_z with the phase of the distance between atoms; order atom, p_x p_y p_z, spin."""
    places, cell = atoms()
    H, slope = np.zeros((2, 18, 18), dtype=complex)
    for i, j in itertools.product(range(3), repeat=2):
        for R in itertools.product((-1, 0, 1), repeat=3):
            d = np.array(R) @ cell + places[j] - places[i]
            size = np.linalg.norm(d)
            if not 0 < size < REACH:
                continue
            along = np.outer(d, d) / size**2
            hop = V_PI * (np.eye(3) - along) + V_SIGMA * along
            block = np.kron(hop, np.eye(2)) * np.exp(1j * k @ d - (size - LENGTH) / DECAY)
            H[6 * i : 6 * i + 6, 6 * j : 6 * j + 6] += block
            slope[6 * i : 6 * i + 6, 6 * j : 6 * j + 6] += 1j * d[2] * block
    L = np.zeros((3, 3, 3), dtype=complex)
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        L[c, a, b], L[c, b, a] = -1j, 1j
    H += np.kron(np.eye(3), SPIN_ORBIT * sum(np.kron(L[c], SIGMA[c] / 2) for c in range(3)))
    return H, slope


def edelstein_zz(points, shift, mu, T):
    """chi_zz = (1/V N) sum_k sum_n (-f') s_z v_z over k = (n + shift)/points of the reciprocal vectors."""
    _, cell = atoms()
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    spin = np.kron(np.eye(9), SIGMA[2] / 2)
    total = 0.0
    for n in itertools.product(range(points), repeat=3):
        H, slope = bloch((np.array(n) + shift) / points @ reciprocal)
        E, U = np.linalg.eigh(H)
        s, v = (np.einsum("an,ab,bn->n", U.conj(), X, U).real for X in (spin, slope))
        total += float((s * v / (4 * T * np.cosh((E - mu) / (2 * T)) ** 2)).sum())
    return total / points**3 / abs(np.linalg.det(cell))
