r"""Quadratic spin for any source of even powers of cos(theta), neutral limit, leading order in alpha.

With the effective field :math:`\mathcal E = \Theta - sgn(\xi)\eta(|\xi|)` of one plane and its first and
second integrals from the plane, :math:`A_1 = \int_0^\xi \mathcal E` and :math:`A_2 = \int_0^\xi A_1`, the
inner integrals of Eq. (34) are differences, and one quadrature is left.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chirospin.chiral_metal.exponentials import exponential_integral
from chirospin.chiral_metal.linear import departure, shares
from chirospin.numerics.quadrature import gauss_nodes

Array = NDArray[np.float64]
NODES = 10  # Gauss nodes in a cell
SMALLEST, LARGEST, CELLS = 1e-14, 60.0, 44  # of the geometric mesh around a singular point
SIGNIFICANT = 1e-19  # weights of decay rates below this are left out


def plane_spin(xi: Array, weights: Array) -> Array:
    r"""S_g^(2) of one plane in u_2.

    .. math:: S = A_2 \sum_p \tfrac{2p+1}{3} C_p (3\tilde F_{2p-1} - \tilde F_{2p+1})
       + \Big(\int_{-\infty}^{\xi} - \int_{\xi}^{\infty}\Big) d\zeta\, \mathcal E(\zeta)
       \{2F_3(u)[A_1(\xi)-A_1(\zeta)] + \dots\}, \quad u = |\xi - \zeta|

    References
    ----------
    yoshimi_2026, Eq. (34), right as printed
    """
    fields = _EffectiveField.of(weights)
    return np.array([_spin_at(x, fields, weights) for x in xi.tolist()])


class _EffectiveField:
    """The effective field of one plane and its integrals from the plane."""

    def __init__(self, weights: Array) -> None:
        gap = departure(weights)
        if gap is None:
            self.rates, self.parts = np.zeros(0), np.zeros((3, 0))
            return
        keep = gap.weights > SIGNIFICANT
        self.rates = gap.rates[keep]
        self.parts = gap.weights[keep] / self.rates ** np.arange(3)[:, None]

    @staticmethod
    def of(weights: Array) -> _EffectiveField:
        return _cached_field(tuple(weights.tolist()))

    def __call__(self, xi: Array) -> tuple[Array, Array, Array]:
        """E, A_1 and A_2 at xi."""
        inside, x = np.heaviside(xi, 0.5), np.abs(xi)
        fade = np.exp(-x[:, None] * self.rates)
        gap, first, second = (fade @ part for part in self.parts)
        start = self.parts.sum(axis=1)
        sign = np.sign(xi)
        field = inside - sign * gap
        once = inside * xi + (first - start[1])
        twice = inside * xi**2 / 2 + sign * (start[2] - second) - xi * start[1]
        return field, once, twice


@lru_cache(maxsize=32)
def _cached_field(weights: tuple[float, ...]) -> _EffectiveField:
    return _EffectiveField(np.array(weights))


def _spin_at(xi: float, fields: _EffectiveField, weights: Array) -> float:
    here = np.array([xi])
    _, once, twice = (float(v[0]) for v in fields(here))
    carried = sum(
        share * (3 * exponential_integral(2 * p - 1, x) - exponential_integral(2 * p + 1, x)).item()
        for p, share in shares(weights)
        for x in [np.maximum(np.abs(here), 1e-300)]
    )
    total = twice * float(carried)
    for side in (-1, 1):
        u, measure = _mesh(xi, side)
        nodes = xi + side * u
        E, A1, A2 = fields(nodes)
        F0, F2, F3 = np.exp(-u) / u, exponential_integral(2, u), exponential_integral(3, u)
        work = -side * (once - A1)
        delay = twice - A2 + side * u * A1
        total -= side * float(measure @ (E * (2 * F3 * work + (F0 - F2) * delay)))
    return total


def _mesh(xi: float, side: int) -> tuple[Array, Array]:
    """Gauss nodes in the distance from xi to one side, graded geometrically at xi and at the plane."""
    offsets = np.concatenate([[0.0], np.geomspace(SMALLEST, LARGEST, CELLS)])
    around_plane = side * (np.concatenate([-offsets[::-1], offsets[1:]]) - xi)
    further = around_plane[(around_plane > SMALLEST) & (around_plane < LARGEST)]
    edges = np.unique(np.concatenate([offsets, further]))
    x, w = gauss_nodes(NODES)
    half = np.diff(edges) / 2
    distance = edges[:-1, None] + half[:, None] * (1 + x)
    return distance.ravel(), (half[:, None] * w).ravel()
