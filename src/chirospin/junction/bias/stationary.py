"""Stationary probabilities of rate equations, every digit of the smallest too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def stationary_probabilities(rate: Array) -> Array | None:
    r"""p with :math:`\sum_b (W_{ab} p_b - W_{ba} p_a) = 0` and sum 1, without a subtraction.

    States are eliminated one by one, the quickest first, so that no digit cancels however slowly a state
    is left.

    Parameters
    ----------
    rate : W_ab from b to a, (n, n); the diagonal does not count

    Returns
    -------
    (n,), or None where several sets of states are never left

    References
    ----------
    grassmann_taksar_heyman_1985
    """
    order = np.argsort(rate.sum(axis=0) - np.diag(rate), kind="stable")
    W = rate.T[np.ix_(order, order)].copy()  # [from, to]
    size = len(W)
    for n in range(size - 1, 0, -1):
        left = W[n, :n].sum()
        if not left > 0:
            return None
        W[:n, n] /= left
        W[:n, :n] += np.outer(W[:n, n], W[n, :n])
    p = np.ones(size)
    for n in range(1, size):
        p[n] = p[:n] @ W[:n, n]
    probabilities = np.empty(size)
    probabilities[order] = p / p.sum()
    return probabilities
