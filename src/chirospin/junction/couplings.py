r"""Level widths that leads give to the molecules, as matrices.

.. math:: \Gamma_l = W_l \otimes (1 + p_l\,\mathbf n_l\cdot\boldsymbol\sigma), \qquad
          \Gamma_l = \sum_v v v^+, \qquad C_v = \sum_a v_a^* c_a

Only :math:`v v^+` enters any rate: every factorisation of Gamma is the same lead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.spin import PAULI

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
NEGATIVE = 1e-12
"""Of the largest element: an eigenvalue of Gamma below its negative is no rounding."""
EMPTY = 1e-14
"""Of the largest eigenvalue: a vector of Gamma that weighs less is rounding."""


def magnetic(orbitals: Complex, polarisation: Real) -> Complex:
    r""":math:`W \otimes (1 + \mathbf p\cdot\boldsymbol\sigma)`, (n, n), with spin the fast index."""
    spin = np.eye(2) + np.einsum("k,kst->st", polarisation, PAULI)
    return np.kron(orbitals, spin)


def time_reversed(V: Complex, spin_y: Complex | None = None) -> Complex:
    r""":math:`\sigma_y V^* \sigma_y` of matrices (..., n, n) whose fast index is the spin.

    Of a width it is that of the reversed magnet: n to -n and W to its conjugate. With a matrix of the spin along
    y, (n, n), :math:`e^{-i\pi S_y} V^* e^{i\pi S_y}`.
    """
    if spin_y is not None:
        angle, axes = np.linalg.eigh(spin_y)
        turn = (axes * np.exp(-1j * np.pi * angle)) @ axes.conj().T
        return np.asarray(turn @ np.conj(V) @ turn.conj().T)
    flip = np.kron(np.eye(V.shape[-1] // 2), np.array([[0, -1], [1, 0]]))
    return np.asarray(flip @ np.conj(V) @ flip.T)


def diagonal_only(gamma: Complex) -> bool:
    """Whether matrices (..., n, n) have nothing beside their diagonals."""
    return not np.any(gamma * (1 - np.eye(gamma.shape[-1])))


def spin_part(gamma: Complex) -> Real:
    r""":math:`\mathrm{Tr}[\Gamma\,\boldsymbol\sigma]/\mathrm{Tr}\,\Gamma` of matrices (..., n, n), (..., 3)."""
    n = gamma.shape[-1]
    spins = np.einsum("...isit->...st", gamma.reshape(*gamma.shape[:-2], n // 2, 2, n // 2, 2))
    total = np.einsum("...ss->...", spins).real
    return np.asarray(np.einsum("...st,kts->...k", spins, PAULI).real / total[..., None])


def tilt(gamma: Complex) -> float:
    """Largest sine of the angles between the magnetisations of leads (lead, n, n), weighted by both; 0 to 1."""
    part = spin_part(gamma)
    apart = np.cross(part[:, None], part[None])
    return float(np.linalg.norm(apart, axis=-1).max())


def factorised(gamma: Complex) -> tuple[Real, Complex]:
    r"""Strengths and vectors of :math:`\Gamma = \sum_v g_v u_v u_v^+`, (V,) and (V, n).

    Every vector stays on orbitals that elements of Gamma join, so that it has each charge of the molecules
    once. The vectors of a diagonal Gamma are single orbitals.
    """
    strengths, vectors = [], []
    for group in joined_groups(gamma != 0):
        g, u = np.linalg.eigh(gamma[np.ix_(group, group)])
        for strength, vector in zip(g, u.T, strict=True):
            if strength > EMPTY * np.abs(gamma).max():
                whole = np.zeros(len(gamma), dtype=complex)
                whole[group] = vector
                strengths.append(float(strength))
                vectors.append(whole)
    return np.array(strengths), np.array(vectors, dtype=complex).reshape(-1, len(gamma))


def joined_groups(pattern: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Groups of indices that a symmetric pattern (n, n) joins, those that touch it."""
    label = np.arange(len(pattern))
    for a, b in zip(*np.nonzero(pattern), strict=True):
        label[label == label[a]] = label[b]
    touched = np.flatnonzero(pattern.any(axis=0))
    return [np.flatnonzero(label == name) for name in np.unique(label[touched])]


def why_no_width(gamma: Complex) -> str:
    """What keeps a matrix (n, n) from being the width that a lead gives; empty where nothing does."""
    size = float(np.abs(gamma).max(initial=0.0))
    if size == 0:
        return "zero"
    if np.abs(gamma - gamma.conj().T).max() > NEGATIVE * size:
        return "not Hermitian"
    lowest = float(np.linalg.eigvalsh((gamma + gamma.conj().T) / 2).min())
    if lowest < -NEGATIVE * size:
        return f"not positive, with an eigenvalue {lowest:.3g}"
    return ""
