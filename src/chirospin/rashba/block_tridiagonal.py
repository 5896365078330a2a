"""Block-tridiagonal systems, many at a time, in one banded factorisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Blocks = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class BlockTridiagonal:
    """Matrices with rows lower[k-1] x[k-1] + diagonal[k] x[k] + upper[k] x[k+1].

    Parameters
    ----------
    diagonal : shape (systems, K, b, b)
    upper, lower : shape (systems, K - 1, b, b)
    """

    diagonal: Blocks
    upper: Blocks
    lower: Blocks

    @property
    def transposed(self) -> BlockTridiagonal:
        """The transposed matrices."""
        diagonal, upper, lower = (
            part.swapaxes(-1, -2) for part in (self.diagonal, self.lower, self.upper)
        )
        return BlockTridiagonal(diagonal=diagonal, upper=upper, lower=lower)

    def apply(self, vectors: Blocks) -> Blocks:
        """The product with vectors of shape (systems, K, b, columns)."""
        product: Blocks = self.diagonal @ vectors
        product[:, :-1] += self.upper @ vectors[:, 1:]
        product[:, 1:] += self.lower @ vectors[:, :-1]
        return product

    def solve(self, right: Blocks) -> Blocks:
        """The solution for right sides of shape (systems, K, b, columns); factorised once.

        Raises
        ------
        LinAlgError : a singular matrix
        """
        factors, pivots, width = self._factors
        kind = np.result_type(factors, right)
        (gbtrs,) = scipy.linalg.get_lapack_funcs(("gbtrs",), dtype=kind)
        flat = right.reshape(pivots.size, -1).astype(kind)
        solution, _ = gbtrs(factors.astype(kind, copy=False), width, width, flat, pivots)
        answer: Blocks = solution.reshape(right.shape)
        return answer

    @cached_property
    def _factors(self) -> tuple[Blocks, Blocks, int]:
        systems, K, b, _ = self.diagonal.shape
        width = 2 * b - 1
        kind = np.result_type(self.diagonal, self.upper, self.lower, 0.0)
        bands = np.zeros((systems * K * b, 3 * width + 1), kind)  # a row for each matrix column
        columns = bands.reshape(systems, K, b, 3 * width + 1)
        for i in range(b):
            for j in range(b):
                columns[:, :, j, 2 * width + i - j] = self.diagonal[:, :, i, j]
                columns[:, 1:, j, 2 * width + i - j - b] = self.upper[:, :, i, j]
                columns[:, :-1, j, 2 * width + i - j + b] = self.lower[:, :, i, j]
        (gbtrf,) = scipy.linalg.get_lapack_funcs(("gbtrf",), (bands,))
        factors, pivots, info = gbtrf(bands.T, width, width, overwrite_ab=True)
        if info > 0:
            raise np.linalg.LinAlgError("a block-tridiagonal matrix is singular")
        return factors, pivots, width
