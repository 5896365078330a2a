r"""The principal value of a product of square roots of Fermi functions, for every pair of energies.

.. math::
   \phi(x, y) = P\!\!\int \frac{d\nu}{\nu} \sqrt{f(x - \nu) f(y - \nu)} - \log\Lambda
             = \Phi(\max(x, y), |x - y|), \qquad f(x) = 1/(1 + e^x)

The logarithm of the cutoff is left out. On the diagonal phi(x, x) = -Re psi(1/2 + i x/2 pi) - log 2 pi.
As a function of the larger argument and of the distance the kernel has a short expansion

.. math:: \Phi(u, \delta) = \sum_r \alpha_r(u)\, \beta_r(\delta)

whose length does not grow with the range of energies over temperature: the kink of phi at x = y, which
makes expansions in x and y long, lies at the edge delta = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.interpolate import BSpline

Real = NDArray[np.float64]
STEP = 0.5  # of the midpoint rule; its error is exp(-2 pi^2/STEP), about 1e-17
NEAR = 80.0  # e^{-NEAR/2} is rounding: tails of square roots of Fermi functions end there
FARTHEST = 1e6  # largest |u| of the table
NODES = 1200  # of u
DISTANCES = 200  # of delta
REMEMBERED = 3000  # distances; 43 numbers each, 1 MB in all
RANK_CUT = 1e-9  # of singular values; the expansion is then good to 5e-9


def shifted_digamma(x: Any) -> Any:
    r""":math:`-\mathrm{Re}\,\psi(1/2 + ix/2\pi) - \log 2\pi`, the kernel on its diagonal."""
    return -np.real(scipy.special.digamma(0.5 + 0.5j * np.asarray(x) / np.pi)) - np.log(2 * np.pi)


def overlap_kernel(u: Real, distance: Real) -> Real:
    """Phi(u, delta) by the midpoint rule for the difference from delta = 0, (len(u), len(delta))."""
    tail = np.exp(np.minimum(distance, 700.0))
    out = np.empty((u.size, distance.size))
    for i, at in enumerate(u):
        first = np.floor((at - 2 * NEAR) / STEP)
        nu = STEP * (first + 0.5 + np.arange(int(3 * NEAR / STEP)))
        t = nu - at
        occupied = 1 / (1 + np.exp(-t))
        # sqrt f(x - nu) of the other argument, u - delta
        other = 1 / np.sqrt(1 + np.exp(-t)[:, None] / tail)
        change = np.sqrt(occupied)[:, None] * (other - np.sqrt(occupied)[:, None])
        out[i] = shifted_digamma(at) + STEP * (change / nu[:, None]).sum(axis=0)
    return out


@dataclass(frozen=True, kw_only=True)
class OverlapExpansion:
    """Splines of alpha_r in asinh(u/4) and of beta_r in log(1 + delta)."""

    first: BSpline
    second: BSpline

    def of_energy(self, u: Real) -> Real:
        """alpha_r(u), (..., terms)."""
        inside = np.clip(u, -FARTHEST, FARTHEST)
        alpha = np.asarray(self.first(np.arcsinh(inside / 4)))
        alpha[..., 0] -= np.log(np.maximum(np.abs(u) / FARTHEST, 1.0))  # all that is left out there
        return alpha

    def of_distance(self, distance: Real) -> Real:
        """beta_r(delta), (..., terms)."""
        return np.asarray(self.second(np.log1p(np.minimum(distance, 2 * NEAR))))


@lru_cache(maxsize=1)
def overlap_expansion() -> OverlapExpansion:
    """The expansion to 5e-9, from a singular value decomposition of the tabulated kernel."""
    from scipy.interpolate import make_interp_spline

    end = np.arcsinh(FARTHEST / 4)
    v = end * np.linspace(-1, 1, NODES)
    s = np.linspace(0, np.log1p(2 * NEAR), DISTANCES)
    table = overlap_kernel(4 * np.sinh(v), np.expm1(s))
    # the part at delta = 0 grows as log|u|: kept apart, so that the rest is small
    left, size, right = np.linalg.svd(table - table[:, :1], full_matrices=False)
    kept = size > RANK_CUT * size[0]
    alpha = np.concatenate([table[:, :1], left[:, kept] * size[kept]], axis=1)
    beta = np.concatenate([np.ones((1, s.size)), right[kept]], axis=0).T
    return OverlapExpansion(
        first=make_interp_spline(v, alpha, k=5), second=make_interp_spline(s, beta, k=7)
    )


def of_distances(energies: Real, rows: slice) -> Real:
    """beta_r of all distances from some energies, (link, a, a', terms); those of few are remembered.

    They are the same at every chemical potential, so that a scan over the bias finds them once.

    Parameters
    ----------
    energies : over T, (link, A)
    rows : which a
    """
    if energies.shape[0] * energies.shape[1] ** 2 > REMEMBERED:
        apart = np.abs(energies[:, rows, None] - energies[:, None, :])
        return overlap_expansion().of_distance(apart)
    return _remembered(energies.tobytes(), energies.shape)[:, rows]


@lru_cache(maxsize=96)
def _remembered(content: bytes, shape: tuple[int, ...]) -> Real:
    energies = np.frombuffer(content).reshape(shape)
    apart = np.abs(energies[:, :, None] - energies[:, None, :])
    return overlap_expansion().of_distance(apart)
