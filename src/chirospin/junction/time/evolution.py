r"""The action of :math:`e^{tA}` on a vector, A known only by its products or by :math:`(1 - sA)^{-1}`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Action = Callable[[Vector], Vector]

POLYNOMIAL = 30  # Krylov vectors of one step by products
RATIONAL = 70  # Krylov vectors of one step by inverses, before the step is halved
SHARE = 0.1  # s of the inverse, in steps
LOOK = 5  # vectors between two estimates of the error


@dataclass(frozen=True, kw_only=True)
class Evolved:
    """A vector after a time, the estimated error, and the work.

    Parameters
    ----------
    error : sum of estimates over the steps, relative to the start
    applications : products with A, or with the inverse
    """

    vector: Vector
    error: float
    applications: int


def evolve(apply: Action, start: Vector, time: float, tolerance: float) -> Evolved:
    """e^{tA} v by Krylov steps of products with A; the step adapts to an error per unit time.

    References
    ----------
    saad_1992
    """
    vector, done, error, count = start.copy(), 0.0, 0.0, 0
    size = float(np.linalg.norm(start))
    step = time
    while done < time and size > 0:
        V, H, last = _arnoldi(apply, vector, POLYNOMIAL)
        count += H.shape[1]
        norm = float(np.linalg.norm(vector))
        while True:
            step = min(step, time - done)
            u, estimate = _polynomial(H, step)
            miss = norm * estimate / size
            if last or miss <= tolerance * step / time:
                break
            step *= max(0.2, 0.9 * (tolerance * step / time / miss) ** (1 / H.shape[1]))
        vector = norm * (u[: V.shape[1]] @ V.T)
        done += step
        error += 0.0 if last else miss
        step *= 2.0
    return Evolved(vector=vector, error=error, applications=count)


def evolve_far(
    inverse: Callable[[float], Action], start: Vector, time: float, tolerance: float
) -> Evolved:
    r"""e^{tA} v by Krylov steps of :math:`(1 - sA)^{-1}`: for times at which only slow modes are left.

    Parameters
    ----------
    inverse : s -> action of the inverse

    References
    ----------
    van_den_eshof_hochbruck_2006
    """
    size = float(np.linalg.norm(start))
    vector, done, error, count, step = start.copy(), 0.0, 0.0, 0, time
    while done < time * (1 - 1e-14) and size > 0:
        step = min(step, time - done)
        u, V, miss, used = _rational(inverse(SHARE * step), vector, step, tolerance * size)
        count += used
        if miss > tolerance * size and step > 1e-6 * time:
            step /= 2
            continue
        vector = u @ V.T
        done += step
        error += miss / size
    return Evolved(vector=vector, error=error, applications=count)


def _rational(
    act: Action, vector: Vector, step: float, enough: float
) -> tuple[Vector, Vector, float, int]:
    norm = float(np.linalg.norm(vector))
    basis = np.empty((RATIONAL + 1, vector.size))
    basis[0] = vector / norm
    H = np.zeros((RATIONAL + 1, RATIONAL))
    before, miss = np.zeros(0), np.inf
    for k in range(RATIONAL):
        new = act(basis[k])
        for _ in range(2):
            overlap = basis[: k + 1] @ new
            new -= overlap @ basis[: k + 1]
            H[: k + 1, k] += overlap
        H[k + 1, k] = np.linalg.norm(new)
        ended = H[k + 1, k] <= 1e-14 * np.abs(H[: k + 1, k]).max()
        if ended or (k + 1) % LOOK == 0:
            square = H[: k + 1, : k + 1]
            generator = (np.eye(k + 1) - np.linalg.inv(square)) / (SHARE * step)
            u = norm * scipy.linalg.expm(step * generator)[:, 0]
            change = u.copy()
            change[: before.size] -= before
            miss, before = float(np.linalg.norm(change)) * 0.5, u
            if ended or miss <= enough:
                return u, basis[: k + 1].T, 0.0 if ended else miss, k + 1
        basis[k + 1] = new / H[k + 1, k]
    return before, basis[: before.size].T, miss, RATIONAL


def _arnoldi(apply: Action, vector: Vector, size: int) -> tuple[Vector, Vector, bool]:
    """Orthonormal columns, Hessenberg matrix, and whether the space is invariant."""
    norm = float(np.linalg.norm(vector))
    basis = np.empty((size + 1, vector.size))
    basis[0] = vector / norm
    H = np.zeros((size + 1, size))
    for k in range(size):
        new = apply(basis[k])
        scale = float(np.linalg.norm(new))
        for _ in range(2):
            overlap = basis[: k + 1] @ new
            new = new - overlap @ basis[: k + 1]
            H[: k + 1, k] += overlap
        H[k + 1, k] = np.linalg.norm(new)
        if H[k + 1, k] <= 1e-14 * max(scale, 1e-300):
            return basis[: k + 1].T, H[: k + 1, : k + 1], True
        basis[k + 1] = new / H[k + 1, k]
    return basis[:size].T, H, False


def _polynomial(H: Vector, step: float) -> tuple[Vector, float]:
    """e^{step H} e_1 and the size of the first term left out."""
    rows, columns = H.shape
    if rows == columns:
        return np.asarray(scipy.linalg.expm(step * H)[:, 0]), 0.0
    grown = np.zeros((rows + 1, rows + 1))
    grown[:rows, :columns] = step * H
    grown[rows, rows - 1] = step
    E = scipy.linalg.expm(grown)[:, 0]
    return np.asarray(E[:columns]), float(abs(E[rows - 1]))
