"""Derivatives from a few values on a line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def derivative_weights(nodes: Array, place: float) -> Array:
    r"""Weights w with :math:`f'(x) = \sum_j w_j f(x_j)`, exact for polynomials of degree below the count.

    Parameters
    ----------
    nodes : x_j, distinct, (count,)
    place : x

    References
    ----------
    fornberg_1988
    """
    unit = np.ptp(nodes)
    s = (nodes - place) / unit
    power = np.vander(s, increasing=True).T
    right = np.zeros(len(nodes))
    right[1] = 1.0
    weights: Array = np.linalg.solve(power, right) / unit
    return weights


def inside_nodes(
    place: float, step: float, allowed: Callable[[float], bool], count: int = 7
) -> Array:
    """Equally spaced nodes, as central about ``place`` as the allowed range lets them.

    Raises
    ------
    ValueError : not even one-sided nodes are allowed
    """
    half = count // 2
    for shift in sorted(range(-half, half + 1), key=abs):
        nodes = place + step * (np.arange(count) - half + shift)
        if allowed(float(nodes[0])) and allowed(float(nodes[-1])):
            return np.asarray(nodes)
    raise ValueError("the allowed range is too narrow to differentiate in")
