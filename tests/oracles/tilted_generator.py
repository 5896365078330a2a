"""Counting statistics by brute force: the largest eigenvalue of the tilted generator, differentiated.

The generator is cut to the elements between states of equal conserved charge, each jump of the left
lead is multiplied by exp(+-chi), and Newton's inverse iteration with a sparse factorisation follows
the eigenvalue from zero. Nothing here is shared with the package.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.integrate import quad
from scipy.sparse.linalg import splu

from tests.oracles import full_fock
from tests.oracles.full_fock import Parameters

STEP = 1e-3


def tilted(p: Parameters, magnetisation: int, charges: list[np.ndarray]) -> tuple:
    """L without the left lead's jumps, and its jumps in and out, on elements of equal charge."""
    n = 4 * p.molecules
    c = full_fock.annihilators(n)
    occupied = np.array([(x.T @ x).diagonal() for x in c])
    label = sum((97.0**k) * (q @ occupied) for k, q in enumerate(charges))
    keep = np.flatnonzero((label[:, None] == label[None, :]).ravel())
    L = sp.csr_array(full_fock.liouvillian(p, magnetisation))[keep][:, keep]
    left, _ = full_fock.couplings(p, magnetisation)
    jump_in, jump_out = sp.csr_array(L.shape), sp.csr_array(L.shape)
    for k in np.flatnonzero(left):
        up, down = sp.csr_array(c[k].T), c[k]
        jump_in = jump_in + left[k] * p.occupation_left * sp.kron(up, up, "csr")[keep][:, keep]
        rate = left[k] * (1 - p.occupation_left)
        jump_out = jump_out + rate * sp.kron(down, down, "csr")[keep][:, keep]
    return L, jump_in, jump_out


def largest_eigenvalue(L: sp.csr_array, guess: float) -> float:
    """The eigenvalue next to zero, by inverse iteration."""
    solve = splu(
        sp.csc_array(L - guess * sp.eye_array(L.shape[0])),
        permc_spec="MMD_AT_PLUS_A",  # its pattern is symmetric: a third of the fill
        diag_pivot_thresh=0.01,
        options={"SymmetricMode": True},
    ).solve
    vector = np.ones(L.shape[0], complex)
    value = 0.0
    for _ in range(60):
        new = solve(vector)
        value_new = guess + float(np.real(np.vdot(new, vector) / np.vdot(new, new)))
        vector = new / np.linalg.norm(new)
        if abs(value_new - value) < 1e-16:
            break
        value = value_new
    return value


def cumulants(
    p: Parameters,
    magnetisation: int,
    charges: list[np.ndarray],
    step: float = STEP,
    places: tuple[int, ...] = (-2, -1, 1, 2),
) -> tuple[float, float]:
    """First and second derivative of the eigenvalue at zero, by differences of four or two values."""
    L, jump_in, jump_out = tilted(p, magnetisation, charges)
    values = []
    for k in places:
        chi = k * step
        M = L + np.expm1(chi) * jump_in + np.expm1(-chi) * jump_out
        values.append(largest_eigenvalue(sp.csr_array(M), 1e-7))
    if len(values) == 2:
        low, high = values
        return (high - low) / (2 * step), (high + low) / step**2
    a, b, c, d = values
    return (a - 8 * b + 8 * c - d) / (12 * step), (-a + 16 * b + 16 * c - d) / (12 * step**2)


def levitov(p: Parameters, magnetisation: int) -> tuple[float, float]:
    """Current and noise without repulsion at fL = 1, fR = 0: traces of T and of T - T T over 2 pi."""
    left, right = full_fock.couplings(p, magnetisation)
    h = full_fock.one_body_hamiltonian(p) - 0.5j * np.diag(left + right)

    def traces(x: float) -> tuple[float, float]:
        energy, weight = np.tan(x), 1 / np.cos(x) ** 2
        green = np.linalg.inv(energy * np.eye(len(h)) - h)
        t = np.sqrt(right)[:, None] * green * np.sqrt(left)
        T = t @ t.conj().T
        return weight * np.trace(T).real, weight * np.trace(T - T @ T).real

    places = sorted(np.arctan(np.linalg.eigvals(h).real))
    return tuple(
        quad(lambda x, k=k: traces(x)[k], -np.pi / 2, np.pi / 2, points=places, limit=2000)[0]
        / (2 * np.pi)
        for k in (0, 1)
    )
