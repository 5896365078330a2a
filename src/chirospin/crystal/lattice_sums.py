r"""Sums over lattice vectors, at points of a grid or anywhere.

.. math:: X(\kappa) = \sum_R X(R)\, e^{2\pi i\kappa\cdot R}, \quad \kappa_a = (i_a + s_a)/N_a

On a grid the three directions are summed one after the other, and each partial sum is shared by all points of
its plane or line: a point costs as many products as there are vectors in a row, not in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integers = NDArray[np.int64]
FILLED = 0.1
"""Share of the box around all vectors below which sums over the box cost more than over the vectors."""


@dataclass(frozen=True, eq=False)
class LatticeSum:
    """A function of k as a sum over lattice vectors.

    Parameters
    ----------
    vectors : (R, 3) integers
    columns : X(R), shape (R, columns)
    """

    vectors: Integers
    columns: Complex

    def at(self, kappa: Array) -> Complex:
        """Values at points in units of the reciprocal vectors, shape (points, columns)."""
        return np.asarray(np.exp(2j * np.pi * (kappa @ self.vectors.T)) @ self.columns)

    def boxed(self) -> BoxedSum | None:
        """The same over the box around all vectors, where they fill enough of it."""
        low, high = self.vectors.min(axis=0), self.vectors.max(axis=0)
        shape = tuple((high - low + 1).tolist())
        if len(self.vectors) < FILLED * np.prod(shape):
            return None
        box = np.zeros((*shape, self.columns.shape[1]), dtype=complex)
        box[tuple((self.vectors - low).T)] = self.columns
        return BoxedSum(low, box)


@dataclass(frozen=True, eq=False)
class BoxedSum:
    """A sum over all vectors of a box.

    Parameters
    ----------
    low : the smallest vector, shape (3,)
    box : X(R), shape (R1, R2, R3, columns)
    """

    low: Integers
    box: Complex

    def on_grid(self, index: Integers, points: Integers, shift: Array) -> Complex:
        """Values at points of a grid, in ascending order of the index; shape (points, columns)."""
        columns = self.box.shape[-1]
        out = np.empty((len(index), columns), dtype=complex)
        planes, start = np.unique(index[:, 0], return_index=True)
        ends = [*start[1:].tolist(), len(index)]
        first = self._phases(0, planes, points, shift) @ self.box.reshape(self.box.shape[0], -1)
        for plane, begin, end in zip(first, start.tolist(), ends, strict=True):
            self._plane(plane, index[begin:end], points, shift, out[begin:end])
        return out

    def _plane(
        self, plane: Complex, index: Integers, points: Integers, shift: Array, out: Complex
    ) -> None:
        _, r2, r3, columns = self.box.shape
        rows, start = np.unique(index[:, 1], return_index=True)
        lines = (self._phases(1, rows, points, shift) @ plane.reshape(r2, -1)).reshape(
            -1, r3, columns
        )
        along = self._phases(2, index[:, 2], points, shift)
        ends = [*start[1:].tolist(), len(index)]
        for line, begin, end in zip(lines, start.tolist(), ends, strict=True):
            np.matmul(along[begin:end], line, out=out[begin:end])

    def _phases(self, way: int, at: Integers, points: Integers, shift: Array) -> Complex:
        R = self.low[way] + np.arange(self.box.shape[way])
        return np.asarray(np.exp(2j * np.pi * np.outer((at + shift[way]) / points[way], R)))


def triangle(n: int) -> tuple[Integers, Integers]:
    """Rows and columns of the lower triangle, which holds all of a Hermitian matrix."""
    rows, columns = np.tril_indices(n)
    return rows.astype(np.int64), columns.astype(np.int64)


def from_triangle(values: Complex, n: int) -> Complex:
    """Hermitian matrices (..., n, n) from their lower triangles (..., n (n + 1)/2)."""
    rows, columns = triangle(n)
    out = np.empty((*values.shape[:-1], n, n), dtype=complex)
    out[..., columns, rows] = values.conj()
    out[..., rows, columns] = values
    return out
