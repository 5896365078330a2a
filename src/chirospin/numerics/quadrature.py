"""Gauss panels that keep away from singularities, and sums over odd multiples in few terms."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

PANEL_NODES = 24
CLEARANCE = 0.5  # of a singularity from a panel, in panel lengths: error 2.41^-48
SMALLEST = 1e-15  # panel over the whole range; nearer singularities are left as they are
BLOCK_NODES = 16
GROWTH = 3  # of panels and blocks away from zero: error 3.73^-32
EXPLICIT = 16  # terms of a sum before the blocks begin
HALVINGS = 44  # of a panel at most
DEPTH = 44  # panels from the top to zero: 3^-44 is 1e-21


@lru_cache(maxsize=64)
def gauss_nodes(count: int) -> tuple[Real, Real]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1]; kept, and not to be written to."""
    x, w = np.polynomial.legendre.leggauss(count)
    for array in (x, w):
        array.flags.writeable = False
    return x, w


def gauss_panels(edges: Real, nodes: int = PANEL_NODES) -> tuple[Real, Real]:
    """Nodes and weights of a Gauss rule on every panel between neighbouring edges."""
    x, w = gauss_nodes(nodes)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def cleared_edges(
    start: float,
    stop: float,
    singular: Complex,
    clearance: Callable[[Real, Real], Real] = lambda left, right: np.full_like(left, CLEARANCE),
) -> Real:
    """Edges of panels on [start, stop], halved until no singularity is near.

    Parameters
    ----------
    clearance : (left, right) of panels -> how many of their lengths a singularity must be away
    """
    span = stop - start
    if span <= 0:
        return np.array([start])
    done: list[float] = []
    left = np.array([start])
    right = np.array([stop])
    points = np.asarray(singular, dtype=complex).ravel()
    while left.size:
        nearest = np.clip(points.real[None], left[:, None], right[:, None])
        distance = np.abs(points[None] - nearest).min(axis=1, initial=np.inf)
        length = right - left
        good = (distance >= clearance(left, right) * length) | (length <= SMALLEST * span)
        done += left[good].tolist()
        middle = (left[~good] + right[~good]) / 2
        left, right = (
            np.concatenate([left[~good], middle]),
            np.concatenate([middle, right[~good]]),
        )
    return np.array([*sorted(done), stop])


def adapted_edges(
    function: Callable[[Real], Complex], edges: Real, tolerance: float, nodes: int = PANEL_NODES
) -> Real:
    """Panels halved until halving no longer changes the integral of a function.

    Parameters
    ----------
    function : values along the first axis
    tolerance : of a panel, relative to the integral of the function's modulus
    """

    def integrals(left: Real, right: Real) -> tuple[Complex, Real]:
        x, w = gauss_nodes(nodes)
        half = (right - left)[:, None] / 2
        values = function((left[:, None] + half * (1 + x)).ravel())
        values = values.reshape(left.size, x.size, -1)
        weights = (half * w)[..., None]
        return (values * weights).sum(axis=1), (np.abs(values) * weights).sum(axis=(1, 2))

    left, right = edges[:-1], edges[1:]
    whole, size = integrals(left, right)
    done: list[Real] = []
    total = float(size.sum())
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        first, one = integrals(left, middle)
        second, two = integrals(middle, right)
        total = max(total, float((one + two).sum()))
        good = np.abs(whole - first - second).max(axis=1) <= tolerance * total
        done.append(left[good])
        left, right, whole = (
            np.concatenate(pair)
            for pair in (
                (left[~good], middle[~good]),
                (middle[~good], right[~good]),
                (first[~good], second[~good]),
            )
        )
        if not left.size:
            break
    return np.concatenate([np.sort(np.concatenate([*done, left])), edges[-1:]])


def half_line(top: float, nodes: int = BLOCK_NODES) -> tuple[Real, Real]:
    """Nodes and weights from 0 to ``top``, for functions analytic off the negative half line."""
    edges = top * float(GROWTH) ** -np.arange(DEPTH, -1.0, -1.0)
    return gauss_panels(np.concatenate([[0.0], edges]), nodes)


@lru_cache(maxsize=512)
def _block(count: int, nodes: int) -> tuple[Real, Real]:
    """Gauss rule of the sum over 0, 1, ..., count - 1: zeros of a Gram polynomial."""
    k = np.arange(1.0, nodes)
    beta = k**2 * (float(count) ** 2 - k**2) / (4 * (4 * k**2 - 1))
    off = np.sqrt(beta)
    values, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return values + (count - 1) / 2, count * vectors[0] ** 2


def odd_sum(step: float, top: float, nodes: int = BLOCK_NODES) -> tuple[Real, Real]:
    r"""Nodes and weights of a sum over odd multiples of half a step, up to ``top`` or a little more.

    .. math:: \sum_{n \ge 0} h\, F((n + \tfrac12) h) \approx \sum_j w_j F(y_j)

    Terms beyond the first are gathered in blocks that grow threefold, each with the Gauss rule of its
    own discrete measure: for a function whose singularities are at distance y or more from y, the
    error is that of rounding, and the number of nodes grows with the logarithm of the number of terms.
    """
    first = min(EXPLICIT, int(top / step) + 1)
    points, weights = [np.arange(first) + 0.5], [np.ones(first)]
    begin = EXPLICIT
    while first == EXPLICIT and begin * step < top:
        x, w = _block((GROWTH - 1) * begin, nodes)
        points.append(begin + 0.5 + x)
        weights.append(w)
        begin *= GROWTH
    return step * np.concatenate(points), step * np.concatenate(weights)
