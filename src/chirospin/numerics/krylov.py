"""Krylov solution of several independent linear systems in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[Any]  # all real or all complex
STOPPED = 10.0  # a residual within this factor of its last value falls no more
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, kw_only=True)
class KrylovResult:
    """Answers of :func:`gmres`.

    Parameters
    ----------
    solution : (batch, size)
    residual : (batch,), estimated norm of b - A x relative to b
    applications : operator applications, each on the whole batch
    vectors : that were made, with A among them
    """

    solution: Vectors
    residual: NDArray[np.float64]
    applications: int
    vectors: KrylovVectors


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
    kind = right_side.dtype
    basis = KrylovBasis(batch, size, kind)
    basis.append(right_side / np.where(active, norm, 1.0)[:, None])
    columns: list[Vectors] = []
    null = np.ones((batch, 1), dtype=kind)
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
        newest[~active] = 0.0
        null = np.concatenate([null, newest[:, None]], axis=1)
        steps[active] = len(columns)
        norms = np.where(ended, 0.0, 1 / np.linalg.norm(null, axis=1))
        relative[active] = norms[active]
        active &= (relative > tolerance) & ~ended
    weight = np.zeros((batch, len(columns)), dtype=kind)
    hessenbergs = []
    for b, k in enumerate(steps):
        hessenberg = np.zeros((k + 1, k), dtype=kind)
        for j in range(k):
            hessenberg[: j + 2, j] = columns[j][b]
        target = np.zeros(k + 1)
        target[0] = norm[b]
        weight[b, :k] = np.linalg.lstsq(hessenberg, target, rcond=None)[0]
        hessenbergs.append(hessenberg)
    return KrylovResult(
        solution=basis.combine(weight),
        residual=relative,
        applications=len(columns),
        vectors=KrylovVectors(basis=basis, hessenbergs=hessenbergs, null=null),
    )


@dataclass(frozen=True, kw_only=True)
class KrylovVectors:
    """Orthonormal vectors of a batch with the Hessenberg matrix of each member.

    Parameters
    ----------
    null : left null vectors of the matrices, first element 1, (batch, number)
    """

    basis: KrylovBasis
    hessenbergs: Sequence[Vectors]
    null: Vectors

    def distance(self, rest: Vectors) -> NDArray[np.float64]:
        r"""How far A\ :sup:`-1` r may reach for what is left of an equation, Frobenius norm, (batch,).

        .. math:: |y| + |r - V_{k+1} H y| / \sigma_{min}(H), \qquad y = \arg\min |V_{k+1}^T r - H y|

        with the Krylov vectors V, :math:`A V_k = V_{k+1} H`, which hold the slow modes of A.

        Parameters
        ----------
        rest : r, (batch, size)
        """
        outside = rest.copy()
        inside = self.basis.orthogonalise(outside)
        beyond = np.linalg.norm(outside, axis=1)
        found = np.zeros(len(rest))
        for b, hessenberg in enumerate(self.hessenbergs):
            last = _settled(hessenberg, self.null[b])
            H = hessenberg[: last + 1, :last]
            if not H.size:
                continue
            weight, _, _, singular = np.linalg.lstsq(H, inside[b, : last + 1], rcond=None)
            left = np.linalg.norm(inside[b, : last + 1] - H @ weight)
            left = np.sqrt(left**2 + (inside[b, last + 1 :] ** 2).sum() + beyond[b] ** 2)
            found[b] = np.linalg.norm(weight) + left / max(singular[-1], TINY)
        return found


def _settled(hessenberg: NDArray[np.float64], null: NDArray[np.float64]) -> int:
    """Steps until the residual stops falling; those after it turn rounding into a null vector of A."""
    steps = hessenberg.shape[1]
    residual = 1 / np.sqrt(np.cumsum(null[: steps + 1] ** 2))[1:]
    return 1 + int(np.argmax(residual <= STOPPED * residual[-1])) if steps else 0


class KrylovBasis:
    """Orthonormal vectors of a batch, in blocks so that none is moved when more are added."""

    block = 8

    def __init__(self, batch: int, size: int, kind: np.dtype[Any]) -> None:
        self.shape, self.kind = (batch, self.block, size), kind
        self.blocks: list[Vectors] = []
        self.count = 0

    def append(self, vector: Vectors) -> None:
        """Add one vector per member of the batch."""
        if self.count % self.block == 0:
            self.blocks.append(np.empty(self.shape, dtype=self.kind))
        self.blocks[-1][:, self.count % self.block] = vector
        self.count += 1

    @property
    def last(self) -> Vectors:
        """The newest vector, (batch, size)."""
        return self.blocks[-1][:, (self.count - 1) % self.block]

    def _filled(self) -> list[Vectors]:
        return [block[:, : self.count - n * self.block] for n, block in enumerate(self.blocks)]

    def orthogonalise(self, vector: Vectors) -> Vectors:
        """Subtract, in place, the parts along all vectors; returns them, (batch, count)."""
        overlaps = []
        for block in self._filled():
            overlap = (block @ vector.conj()[:, :, None]).conj()
            vector -= (np.swapaxes(overlap, 1, 2) @ block)[:, 0]
            overlaps.append(overlap[:, :, 0])
        return np.concatenate(overlaps, axis=1)

    def combine(self, weight: Vectors) -> Vectors:
        """Sum of the first vectors with weights (batch, number)."""
        batch, _, size = self.shape
        total = np.zeros((batch, size), dtype=self.kind)
        for n, block in enumerate(self.blocks):
            part = weight[:, None, n * self.block : (n + 1) * self.block]
            total += (part @ block[:, : part.shape[2]])[:, 0]
        return total
