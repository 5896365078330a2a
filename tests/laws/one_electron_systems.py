"""Random one-electron systems that are even under time reversal."""

from __future__ import annotations

import numpy as np

from chirospin.scattering.system import MIXED, Lead, System

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ENERGIES = np.array([-0.7, -0.13, 0.21, 0.55])


def even_hamiltonian(random, size, joined=None, strength=0.4):
    """A x 1 + i B.sigma with A symmetric and B antisymmetric, both real."""
    A = random.normal(size=(size, size))
    B = strength * random.normal(size=(3, size, size))
    if joined is not None:
        A, B = A * joined, B * joined
    A, B = A + A.T, B - np.swapaxes(B, 1, 2)
    return np.kron(A, np.eye(2)) + 1j * sum(np.kron(b, s) for b, s in zip(B, SIGMA, strict=True))


def tree(random, size):
    """A random tree as a matrix of 0 and 1, and the diagonal."""
    joined = np.eye(size)
    for n in range(1, size):
        joined[n, random.integers(n)] = 1.0
    return np.maximum(joined, joined.T)


def on(size, orbitals, strengths=None):
    W = np.zeros((size, size))
    W[list(orbitals), list(orbitals)] = 1.0 if strengths is None else strengths
    return W


def vector(random, size, *, complex_=False):
    v = random.normal(size=size) + (1j * random.normal(size=size) if complex_ else 0)
    return np.outer(v, v.conj()) / size


def random_system(random, size, *, h=None, left=None, right=None, probes=(), spins=MIXED, p=0.8):
    h = even_hamiltonian(random, size) if h is None else h
    full = random.normal(size=(size, size))
    left = full @ full.T / size if left is None else left
    full = random.normal(size=(size, size))
    right = full @ full.T / size if right is None else right
    return System(
        hamiltonian=h,
        left=Lead.of(left, (0, 0, p)),
        right=Lead.of(right),
        probes=tuple(np.asarray(W, dtype=complex) for W in probes),
        probe_spins=spins,
    )


def zeeman(h, field=0.2):
    changed = h.copy()
    changed[0, 0] += field
    changed[1, 1] -= field
    return changed
