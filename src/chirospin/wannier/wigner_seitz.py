r"""From the grid of q to real space: vectors R, and the images that lie nearest.

.. math:: X(R) = \frac1N\sum_q e^{-2\pi iq\cdot R}\, V^\dagger(q) X(q) V(q)
"""

from __future__ import annotations

import itertools

import numpy as np

from chirospin.wannier.real_space import Complex, Integers
from chirospin.wannier.text_files import Array

REACH = 2  # supercells to either side in which an image is looked for
PLAIN = 1e-6  # nm: distances of lattice vectors that count as equal, Wannier90's ws_distance_tol


def from_grid(points: Array, X: Complex, vectors: Integers) -> Complex:
    """X(R) of X(q), shape (..., q, n, n) to (..., R, n, n)."""
    phase = np.exp(-2j * np.pi * (vectors @ points.T)) / len(points)
    return np.asarray(np.einsum("rq,...qmn->...rmn", phase, X, optimize=True))


def supercell(grid: tuple[int, int, int]) -> Integers:
    """One vector of every class of vectors that the grid does not tell apart."""
    return np.array(list(itertools.product(*(range(n) for n in grid))), dtype=np.int64)


def _translations(grid: tuple[int, int, int]) -> Integers:
    steps = itertools.product(*(range(-REACH - 1, REACH + 1) for _ in grid))
    return np.array([[s * n for s, n in zip(step, grid, strict=True)] for step in steps])


def nearest_images(
    lattice: Array, grid: tuple[int, int, int], centres: Array | None, tolerance: float, X: Complex
) -> tuple[Integers, Complex]:
    """Every element shared equally among the images R + T that bring n nearest to m.

    Parameters
    ----------
    centres : nm, (n, 3); None takes ``|R + T|`` alone, the plain Wigner-Seitz set
    tolerance : nm within which distances count as equal
    X : at the vectors of :func:`supercell`, shape (components, R, n, n)

    Returns
    -------
    vectors (R', 3) and matrices (components, R', n, n)
    """
    classes, shifts = supercell(grid), _translations(grid)
    n = X.shape[-1]
    apart = np.zeros((1, 1, 3)) if centres is None else centres[None, :] - centres[:, None]
    out: dict[tuple[int, ...], Complex] = {}
    for r, R in enumerate(classes):
        images = R + shifts
        places = images @ lattice
        near = np.linalg.norm(places, axis=1)
        spread = 2 * float(np.abs(apart).max()) * np.sqrt(3) + tolerance
        chosen = near <= near.min() + spread
        images, places = images[chosen], places[chosen]
        distance = np.linalg.norm(places[:, None, None] + apart, axis=-1)
        equal = distance < distance.min(axis=0) + tolerance
        share = equal / equal.sum(axis=0)
        for image, weight in zip(images.tolist(), share, strict=True):
            if weight.any():
                block = out.setdefault(tuple(image), np.zeros((X.shape[0], n, n), dtype=complex))
                block += X[:, r] * weight
    vectors = np.array(sorted(out), dtype=np.int64)
    return vectors, np.stack([out[tuple(R)] for R in vectors.tolist()], axis=1)
