r"""Any repulsion of the user: a tensor over spin-orbitals, dense or as rows.

.. math:: H_U = \tfrac12 \sum_{abcd} V_{abcd}\, c^+_a c^+_b c_d c_c, \qquad
          V_{abcd} = V_{badc} = V^*_{cdab}
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDING = 1e-12  # of the largest element: what counts as zero, and as equal
MOST_ORBITALS = 24  # a dense tensor of more takes long to antisymmetrise


def tensor_rows(value: Any) -> Any:
    """Rows [a, b, c, d, Re V, Im V] of a dense tensor (n, n, n, n), or of rows without an imaginary part."""
    array = np.asarray(value)
    if array.ndim == 4 and array.dtype.kind in "iufc":
        where = np.argwhere(array)
        values = array[tuple(where.T)]
        return np.column_stack([where, values.real, values.imag])
    if array.ndim == 2 and array.shape[1] == 5 and array.dtype.kind in "iuf":
        return np.column_stack([array, np.zeros(len(array))])
    return value


def dense_tensor(rows: Any, orbitals: int) -> Complex:
    """V of rows, (n, n, n, n), eV.

    Raises
    ------
    ModelError : an orbital that there is not, an element given twice, or a tensor without its symmetries
    """
    table = np.array(rows, dtype=float).reshape(-1, 6)
    where = table[:, :4]
    if (where != np.rint(where)).any() or (where < 0).any() or (where >= orbitals).any():
        raise ModelError(
            f"Parameter `interaction_tensor` must have orbitals from 0 to {orbitals - 1} (in eV), but has "
            f"{where[((where < 0) | (where >= orbitals) | (where != np.rint(where))).any(axis=1)][0].tolist()}"
        )
    if orbitals > MOST_ORBITALS:
        raise ModelError(
            f"Parameter `interaction_tensor` must be of at most {MOST_ORBITALS} spin-orbitals (in eV), but there "
            f"are {orbitals}"
        )
    places = where.astype(np.int64)
    if len(np.unique(places, axis=0)) < len(places):
        raise ModelError(
            "Parameter `interaction_tensor` must give every element once (in eV), but one is twice"
        )
    V = np.zeros((orbitals,) * 4, dtype=complex)
    V[tuple(places.T)] = table[:, 4] + 1j * table[:, 5]
    size = float(np.abs(V).max(initial=0.0))
    for words, other in (
        ("V_abcd = V_badc", V.transpose(1, 0, 3, 2)),
        ("V_abcd = V_cdab*", V.transpose(2, 3, 0, 1).conj()),
    ):
        apart = np.abs(V - other)
        if apart.max(initial=0.0) > ROUNDING * size:
            a, b, c, d = map(int, np.unravel_index(apart.argmax(), V.shape))
            raise ModelError(
                f"Parameter `interaction_tensor` must obey {words} (in eV), but V[{a}, {b}, {c}, {d}] does not"
            )
    return V


def pair_terms(V: Complex) -> tuple[Real, Ints, Complex]:
    r"""Density-density matrix, and pair terms :math:`v\,c^+_p c^+_q c_r c_s + h.c.`, of a tensor.

    .. math:: H_U = \sum_{a<b,\,c<d} (V_{abcd} - V_{abdc})\, c^+_a c^+_b c_d c_c

    Returns
    -------
    W, (n, n); (p, q, r, s), (terms, 4); v, (terms,)
    """
    n = len(V)
    a, b = np.triu_indices(n, 1)
    A = V[a[:, None], b[:, None], a, b] - V[a[:, None], b[:, None], b, a]  # (pair, pair)
    W = np.zeros((n, n))
    W[a, b] = W[b, a] = np.diag(A).real
    above = np.triu(A, 1)
    above[np.abs(above) <= ROUNDING * np.abs(A).max(initial=0.0)] = 0
    first, second = np.nonzero(above)
    terms = np.stack([a[first], b[first], b[second], a[second]], axis=-1).astype(np.int64)
    return W, terms.reshape(-1, 4), above[first, second]
