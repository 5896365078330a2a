"""Krylov solution of several independent real linear systems in step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
STOPPED = 10.0  # a residual within this factor of its last value falls no more
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, kw_only=True)
class KrylovResult:
    """Answers of :func:`gmres`.

    Parameters
    ----------
    solution : (batch, size)
    residual : (batch,), estimated norm of b - A x relative to b
    gain : (batch,), by how much a residual may be amplified in x: one over the smallest singular value of A
        among the Krylov vectors, before the residual stops falling
    applications : operator applications, each on the whole batch
    """

    solution: Vectors
    residual: NDArray[np.float64]
    gain: NDArray[np.float64]
    applications: int


def gmres(
    apply: Callable[[Vectors], Vectors], right_side: Vectors, *, tolerance: float, limit: int
) -> KrylovResult:
    r"""Generalised minimal residuals for a batch of systems A_b x_b = b_b, without restart.

    The residual norm needs no rotations: with H the (k+1, k) Hessenberg matrix and y its left
    null vector, y_0 = 1, it is :math:`\lVert b \rVert / \lVert y \rVert`.

    Parameters
    ----------
    apply : (batch, size) -> (batch, size)
    right_side : (batch, size)
    tolerance : on the residual relative to the right side
    limit : Krylov vectors at most

    References
    ----------
    saad_schultz_1986
    """
    batch, size = right_side.shape
    norm = np.linalg.norm(right_side, axis=1)
    active = norm > 0
    basis = _Basis(batch, size)
    basis.append(right_side / np.where(active, norm, 1.0)[:, None])
    columns: list[NDArray[np.float64]] = []
    null = np.ones((batch, 1))
    steps = np.zeros(batch, dtype=int)
    relative = np.where(active, 1.0, 0.0)
    while len(columns) < min(limit, size) and active.any():
        vector = apply(basis.last)
        before = np.linalg.norm(vector, axis=1)
        overlap = basis.orthogonalise(vector)
        overlap += basis.orthogonalise(vector)  # twice is enough for machine precision
        height = np.linalg.norm(vector, axis=1)
        ended = height <= 1e-15 * before
        divisor = np.where(ended, 1.0, height)
        vector /= divisor[:, None]
        basis.append(vector)
        columns.append(np.concatenate([overlap, np.where(ended, 0.0, height)[:, None]], axis=1))
        newest = -np.einsum("bj,bj->b", null, overlap) / divisor
        null = np.concatenate([null, newest[:, None]], axis=1)
        steps[active] = len(columns)
        norms = np.where(ended, 0.0, 1 / np.linalg.norm(null, axis=1))
        relative[active] = norms[active]
        active &= (relative > tolerance) & ~ended
    weight, gain = np.zeros((batch, len(columns))), np.zeros(batch)
    for b, k in enumerate(steps):
        hessenberg = np.zeros((k + 1, k))
        for j in range(k):
            hessenberg[: j + 2, j] = columns[j][b]
        target = np.zeros(k + 1)
        target[0] = norm[b]
        weight[b, :k] = np.linalg.lstsq(hessenberg, target, rcond=None)[0]
        gain[b] = _gain(hessenberg, null[b, : k + 1])
    return KrylovResult(
        solution=basis.combine(weight),
        residual=relative,
        gain=gain,
        applications=len(columns),
    )


def _gain(hessenberg: NDArray[np.float64], null: NDArray[np.float64]) -> float:
    """One over the smallest singular value, without the steps after the residual has stopped falling.

    Those turn rounding into the null vector of a singular A.
    """
    if not hessenberg.size:
        return 0.0
    residual = 1 / np.sqrt(np.cumsum(null**2))[1:]
    last = 1 + int(np.argmax(residual <= STOPPED * residual[-1]))
    smallest = np.linalg.svd(hessenberg[: last + 1, :last], compute_uv=False)[-1]
    return float(1 / max(smallest, TINY))


class _Basis:
    """Orthonormal vectors of a batch, in blocks so that none is moved when more are added."""

    block = 8

    def __init__(self, batch: int, size: int) -> None:
        self.shape = (batch, self.block, size)
        self.blocks: list[Vectors] = []
        self.count = 0

    def append(self, vector: Vectors) -> None:
        """Add one vector per member of the batch."""
        if self.count % self.block == 0:
            self.blocks.append(np.empty(self.shape))
        self.blocks[-1][:, self.count % self.block] = vector
        self.count += 1

    @property
    def last(self) -> Vectors:
        """The newest vector, (batch, size)."""
        return self.blocks[-1][:, (self.count - 1) % self.block]

    def _filled(self) -> list[Vectors]:
        return [block[:, : self.count - n * self.block] for n, block in enumerate(self.blocks)]

    def orthogonalise(self, vector: Vectors) -> NDArray[np.float64]:
        """Subtract, in place, the parts along all vectors; returns them, (batch, count)."""
        overlaps = []
        for block in self._filled():
            overlap = block @ vector[:, :, None]
            vector -= (np.swapaxes(overlap, 1, 2) @ block)[:, 0]
            overlaps.append(overlap[:, :, 0])
        return np.concatenate(overlaps, axis=1)

    def combine(self, weight: NDArray[np.float64]) -> Vectors:
        """Sum of the first vectors with weights (batch, number)."""
        batch, _, size = self.shape
        total = np.zeros((batch, size))
        for n, block in enumerate(self.blocks):
            part = weight[:, None, n * self.block : (n + 1) * self.block]
            total += (part @ block[:, : part.shape[2]])[:, 0]
        return total
