r"""How likely the means of measured curves are under a mechanism.

.. math::
    \ln L = -\tfrac12 \ln\det C - \tfrac{\nu + 2J}{2} \ln(1 + r^T C^{-1} r/\nu), \qquad
    C = \Sigma + \tau^2\, \mathbf{1}\mathbf{1}^T \otimes K + 0.02^2\, 1 \otimes K + C_\mathrm{emulator}

The misfit tau of the shape is the same for both magnetisations, so that it does not touch their ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirospin.measured.inference.mechanisms import Mechanism
from chirospin.measured.inference.priors import Prior, phenomenological, values
from chirospin.measured.inference.reduced import Reduced

Real = NDArray[np.float64]
LOWEST = -1e300
BESIDE = ("scale", "misfit")
"""Parameters of every fit beside those of its mechanism."""


def student(residual: Real, covariance: Real, freedom: float) -> Real:
    """Logarithm of Student's density up to a constant, of residuals (..., n) with covariances (..., n, n)."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, residual[..., None])[..., 0]
    size = residual.shape[-1]
    logdet = 2 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    spread = np.square(white).sum(axis=-1) / freedom
    return np.asarray(-logdet / 2 - (freedom + size) / 2 * np.log1p(spread))


@dataclass(frozen=True, kw_only=True)
class Whitened:
    r"""Coordinates in which :math:`F + \tau^2 S` is :math:`1 + \tau^2 d`, for any tau.

    Parameters
    ----------
    matrix : (..., n, n), to these coordinates
    growth : d, (..., n)
    logdet : of F, (...)
    """

    matrix: Real
    growth: Real
    logdet: Real

    def student(self, residual: Real, tau: Real, freedom: float) -> Real:
        """As :func:`student` with F + tau^2 S: residuals (..., point, n), tau (..., point)."""
        white = residual @ np.swapaxes(self.matrix, -1, -2)
        spread = 1 + np.square(tau)[..., None] * self.growth[..., None, :]
        size = residual.shape[-1]
        logdet = self.logdet[..., None] + np.log(spread).sum(axis=-1)
        squares = (np.square(white) / spread).sum(axis=-1)
        return np.asarray(-logdet / 2 - (freedom + size) / 2 * np.log1p(squares / freedom))


def whitened(fixed: Real, shared: Real) -> Whitened:
    """For covariances F, (..., n, n), and S, (n, n): one factorisation for all misfits tau."""
    root = np.linalg.cholesky(fixed)
    inverse = np.linalg.inv(root)
    growth, axes = np.linalg.eigh(inverse @ shared @ np.swapaxes(inverse, -1, -2))
    return Whitened(
        matrix=np.swapaxes(axes, -1, -2) @ inverse,
        growth=np.maximum(growth, 0),
        logdet=2 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1),
    )


@dataclass(frozen=True)
class Posterior:
    """A mechanism against data; frozen and plain, so that a stopped run can be kept.

    Parameters
    ----------
    emulated : whether the error of an emulator counts; off only to show what happens then
    """

    mechanism: Mechanism
    data: Reduced
    emulated: bool = True

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Of the mechanism, and of scale and misfit."""
        return (*self.mechanism.priors, *(phenomenological(name) for name in BESIDE))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters."""
        return tuple(p.name for p in self.priors)

    def values(self, shares: Real) -> Real:
        """Parameters at shares of the prior."""
        return values(self.priors, np.asarray(shares))

    def curves(self, theta: Real) -> Real:
        r"""ln\|I\| at parameters, (..., 2J)."""
        own = self.mechanism.log_current(theta[..., : -len(BESIDE)], self.data)
        centred = own - own.mean(axis=-1, keepdims=True)
        return np.asarray(centred + self.data.centre + theta[..., [-2]])

    def error(self, theta: Real) -> Real | None:
        """Covariance of the error of an emulator that counts, (..., 2J, 2J)."""
        own = self.mechanism.covariance(theta[..., : -len(BESIDE)], self.data)
        return own if self.emulated else None

    def covariance(self, theta: Real) -> Real:
        """C at parameters, (..., 2J, 2J)."""
        found = self.data.fixed + np.square(theta[..., [-1], None]) * self.data.shared
        own = self.error(theta)
        return np.asarray(found if own is None else found + own)

    @cached_property
    def whitened(self) -> Whitened:
        """Of the covariance without an emulator's error."""
        return whitened(self.data.fixed, self.data.shared)

    def log_likelihood(self, theta: Real) -> Real:
        """ln L at parameters, (...); very low where the current is none."""
        theta = np.asarray(theta)
        residual = self.data.mean - self.curves(theta)
        lost = np.asarray(~np.isfinite(residual).all(axis=-1))
        residual = np.where(lost[..., None], 0.0, residual)
        own = self.error(theta)
        if own is None:
            flat = residual.reshape(-1, residual.shape[-1])
            found = self.whitened.student(flat, theta[..., -1].ravel(), self.data.freedom)
            found = found.reshape(lost.shape)
        else:
            found = student(residual, self.covariance(theta), self.data.freedom)
        return np.where(lost, LOWEST, found)

    def __call__(self, theta: Real) -> float:
        """ln L at one point."""
        return float(self.log_likelihood(np.asarray(theta)))
