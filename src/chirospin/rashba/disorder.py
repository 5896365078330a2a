r"""Disorder correlators w(q) and their angular moments.

.. math:: c_j(p, p_1) = \int\frac{d\theta}{2\pi} w(q)\cos j\theta, \qquad
          d_j(p) = \int\frac{d\theta}{2\pi} w(q)(1 - \cos j\theta)\big|_{p_1=p}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

Array = NDArray[np.float64]
STEP, REACH = 0.12, 38.0  # of v in theta = 2 arctan e^v: any forward peak, to rounding
MEMORY = 4_000_000  # values of w at a time
ASYMPTOTIC = 40.0  # argument beyond which differences of Bessel functions come from their series
FAR_ARGUMENT = 1e6  # beyond which Bessel functions themselves come from it
TERMS = 36


@dataclass(frozen=True, kw_only=True)
class Correlator:
    """Rate w(q) of scattering with momentum transfer q.

    Parameters
    ----------
    kind : delta, gaussian, yukawa, thomas-fermi, coulomb or custom
    w0 : eV; eV/nm^2 for coulomb; a factor of a custom function
    R : nm, of gaussian
    kappa : 1/nm, of yukawa and thomas-fermi
    function : of q in 1/nm, dimensionless, for custom
    """

    kind: str
    w0: float
    R: float
    kappa: float
    function: Callable[[Any], Any] | None = None

    def rate(self, q: Array) -> Array:
        """w(q), eV."""
        if self.kind == "delta":
            return np.full_like(q, self.w0)
        if self.kind == "gaussian":
            return np.asarray(self.w0 * np.exp(-((q * self.R) ** 2)))
        if self.kind == "yukawa":
            return self.w0 * self.kappa**2 / (q**2 + self.kappa**2)
        if self.kind == "thomas-fermi":
            return self.w0 * (self.kappa / (q + self.kappa)) ** 2
        if self.kind == "coulomb":
            return self.w0 / q**2
        assert self.function is not None
        return self.w0 * custom_rate(self.function, q)

    @property
    def range(self) -> float:
        """Range of an impurity, nm; 0 where it has none or is not known."""
        if self.kind == "gaussian":
            return self.R
        return 1 / self.kappa if self.kind in ("yukawa", "thomas-fermi") else 0.0

    def moments(self, p: Array, p1: Array, orders: Sequence[int]) -> list[Array]:
        """c_j between momenta p and p1, which differ; one array for each order."""
        if self.kind == "delta":
            return [np.full_like(p, self.w0 if j == 0 else 0.0) for j in orders]
        if self.kind == "gaussian":
            forward = self.w0 * np.exp(-((self.R * (p - p1)) ** 2))
            return [forward * _scaled_bessel(abs(j), 2 * self.R**2 * p * p1) for j in orders]
        if self.kind in ("yukawa", "coulomb"):
            strength, kappa = self._pole
            root = np.sqrt((kappa**2 + (p - p1) ** 2) * (kappa**2 + (p + p1) ** 2))
            t = 2 * p * p1 / (kappa**2 + p**2 + p1**2 + root)
            return [strength / root * t ** abs(j) for j in orders]
        return self._by_quadrature(p, p1, orders, total=True)

    def transport(self, p: Array, orders: Sequence[int]) -> list[Array]:
        """d_j on the circle of radius p, without the cancellation in c_0 - c_j."""
        if self.kind == "delta":
            return [np.full_like(p, 0.0 if j == 0 else self.w0) for j in orders]
        if self.kind == "gaussian":
            x = 2 * (self.R * p) ** 2
            return [self.w0 * _bessel_difference(abs(j), x) for j in orders]
        if self.kind in ("yukawa", "coulomb"):
            strength, kappa = self._pole
            side = np.sqrt(kappa**2 + 4 * p**2)
            full = kappa**2 + 2 * p**2 + kappa * side
            t = 2 * p**2 / full
            first = strength * (kappa + side) / (side * full)  # c_0 (1 - t)
            return [first * sum((t**i for i in range(abs(j))), 0 * p) for j in orders]
        return self._by_quadrature(p, p, orders, total=False)

    @property
    def _pole(self) -> tuple[float, float]:
        """w = strength/(q^2 + kappa^2)."""
        return (self.w0, 0.0) if self.kind == "coulomb" else (self.w0 * self.kappa**2, self.kappa)

    def _by_quadrature(
        self, p: Array, p1: Array, orders: Sequence[int], *, total: bool
    ) -> list[Array]:
        angle, half, weight = _angles()
        p, p1 = np.broadcast_arrays(p, p1)
        shape, p, p1 = p.shape, p.ravel(), p1.ravel()
        harmonics = np.stack(
            [np.cos(j * angle) if total else 2 * np.sin(j * angle / 2) ** 2 for j in orders], axis=1
        )
        harmonics *= weight[:, None]
        out = np.empty((p.size, len(orders)))
        block = max(1, MEMORY // angle.size)
        for i in range(0, p.size, block):
            here = slice(i, i + block)
            q2 = 4 * (p[here] * p1[here])[:, None] * half
            q = np.sqrt((p[here] - p1[here])[:, None] ** 2 + q2)
            out[here] = self.rate(q) @ harmonics
        return [out[:, n].reshape(shape) for n in range(len(orders))]


def custom_rate(function: Callable[[Any], Any], q: Array) -> Array:
    """A user's w(q)/w0, checked.

    Raises
    ------
    ModelError : not real, not finite, negative, or of another shape
    """
    value = np.asarray(function(q))
    good = value.shape == q.shape and value.dtype.kind in "fiu" and np.isfinite(value).all()
    if not good or (value < 0).any():
        raise ModelError(
            "Parameter `disorder` must be a function of an array q (1/nm) with real, finite values "
            ">= 0 of the same shape, but is not"
        )
    return value.astype(float)


@lru_cache(maxsize=1)
def _angles() -> tuple[Array, Array, Array]:
    """theta, sin^2(theta/2) and weights of (1/pi) times the integral over (0, pi)."""
    v = np.arange(-REACH, REACH + STEP / 2, STEP)
    return 2 * np.arctan(np.exp(v)), 1 / (1 + np.exp(-2 * v)), STEP / (np.pi * np.cosh(v))


def _scaled_bessel(j: int, x: Array) -> Array:
    """exp(-x) I_j(x), also where the library's own ends."""
    return np.where(
        x > FAR_ARGUMENT, _series(j, x), scipy.special.ive(j, np.minimum(x, FAR_ARGUMENT))
    )


def _bessel_difference(j: int, x: Array) -> Array:
    """exp(-x) (I_0(x) - I_j(x)) without cancellation at large x."""
    near = np.minimum(x, ASYMPTOTIC)
    return np.where(
        x > ASYMPTOTIC,
        _series(0, x, omitted=1) - _series(j, x, omitted=1),
        scipy.special.ive(0, near) - scipy.special.ive(j, near),
    )


def _series(j: int, x: Array, omitted: int = 0) -> Array:
    """Asymptotic series of exp(-x) I_j(x), from a term on."""
    large = np.maximum(x, ASYMPTOTIC)
    total, term = np.zeros_like(large), np.ones_like(large)
    for k in range(TERMS):
        if k:
            term = term * -(4 * j**2 - (2 * k - 1) ** 2) / (8 * k * large)
        if k >= omitted:
            total = total + term
    return np.asarray(total / np.sqrt(2 * np.pi * large))
