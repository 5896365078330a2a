r"""The generator of one member as a sparse matrix: for many products with small stacks.

A Hermitian X is carried as the real R = Re X + Im X, and

.. math:: -i (K X - X K^+) \;\to\; \mathrm{Im}K\,R - \mathrm{Re}K\,R^T + (\mathrm{Im}K\,R - \mathrm{Re}K\,R^T)^T
          \text{ with Re and Im of the transposed part exchanged in sign.}
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.packed import EVEN, ODD, Complex

Ints = NDArray[np.int64]
Matrix: TypeAlias = Any
"""A sparse matrix in compressed rows, scipy.sparse.csr_array."""


def generator_matrix(generator: Generator, crossing: tuple[Matrix, Matrix]) -> Matrix:
    """L on packed vectors, even sectors first, of a batch of one without jumps inside sectors.

    Parameters
    ----------
    crossing : the jumps out of even and out of odd electron numbers
    """
    even, odd = (
        scipy.sparse.block_diag([_stack(K[0]) for K in generator.heff[parity]], format="csr")
        for parity in (EVEN, ODD)
    )
    return scipy.sparse.csr_array(
        scipy.sparse.bmat([[even, crossing[ODD]], [crossing[EVEN], odd]], format="csr")
    )


def _stack(K: Complex) -> Matrix:
    """L_0 of one stack of sectors, (sector, d, d) -> (sector d^2, sector d^2)."""
    sectors, d, _ = K.shape
    s, i, k = (index[:, None] for index in np.nonzero(K))
    j = np.arange(d)
    real, imaginary = (np.broadcast_to(x, (s.size, d)) for x in (K[s, i, k].real, K[s, i, k].imag))

    def place(row: Ints, column: Ints) -> Ints:
        return np.broadcast_to((s * d + row) * d + column, (s.size, d)).ravel()

    forth, back = place(i, j), place(j, i)
    rows = np.concatenate([forth, forth, back, back])
    columns = np.concatenate([place(k, j), place(j, k), place(j, k), place(k, j)])
    values = np.concatenate([x.ravel() for x in (imaginary, -real, imaginary, real)])
    size = sectors * d * d
    return scipy.sparse.csr_array((values, (rows, columns)), shape=(size, size))
