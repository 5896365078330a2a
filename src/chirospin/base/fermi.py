r"""Fermi functions of numbers and of Hermitian matrices, and sums over their poles.

Every energy is measured from the chemical potential and in units of the temperature where it is called
``x``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
EXACT = 2e-15  # departure of the summed poles from the Fermi function that counts as rounding
FAR = 1e16
MOST = 80  # poles; more do not reach further in double precision


def fermi(x: Array | float) -> Array:
    r"""The occupation :math:`1/(e^x + 1)`, without overflow and with all digits where it is small."""
    return np.asarray(np.exp(-np.logaddexp(0.0, x)))


def bose(x: Array | float) -> Array:
    r"""The occupation :math:`1/(e^x - 1)` for x > 0 without overflow."""
    positive = np.asarray(x, dtype=float)
    return np.asarray(np.exp(-positive) / -np.expm1(-positive))


def broadened_fermi(x: Array | float, width: Array | float) -> Array:
    r"""Occupation of a level that a Lorentzian of full width w broadens.

    .. math:: \int dy\, \frac{w/2\pi}{(y-x)^2 + w^2/4}\, f(y)
              = \tfrac12 - \frac1\pi\, \mathrm{Im}\,\psi\big(\tfrac12 + \frac{w/2 + ix}{2\pi}\big)
    """
    z = 0.5 + (np.asarray(width) / 2 + 1j * np.asarray(x)) / (2 * np.pi)
    far = np.abs(z) > FAR  # there psi is the logarithm to rounding
    phase = np.where(far, np.angle(z), scipy.special.digamma(np.where(far, 1.0, z)).imag)
    return np.asarray(np.clip(0.5 - phase / np.pi, 0.0, 1.0))


def fermi_difference(
    x: Array | float, y: Array | float, apart: Array | float | None = None
) -> Array:
    r"""f(x) - f(y) without cancellation.

    .. math:: \frac{\sinh\frac{y-x}2}{2\cosh\frac x2\cosh\frac y2}

    Parameters
    ----------
    apart : y - x, where it is known better than by subtraction
    """
    a, b = np.broadcast_arrays(np.asarray(x, dtype=float) / 2, np.asarray(y, dtype=float) / 2)
    half = b - a if apart is None else np.asarray(apart, dtype=float) / 2
    gap = np.abs(half)
    size = np.abs(a) + np.abs(b) - gap
    top = -np.expm1(-2 * gap) * np.exp(-size)
    bottom = (1 + np.exp(-2 * np.abs(a))) * (1 + np.exp(-2 * np.abs(b)))
    return np.asarray(np.sign(half) * top / bottom)


@dataclass(frozen=True, kw_only=True)
class FermiPoles:
    r"""Poles of a rational function that is the Fermi function up to rounding for \|x\| <= reach.

    .. math:: f(x) = \tfrac12 - \sum_p \frac{2 R_p x}{x^2 + \xi_p^2}

    Parameters
    ----------
    heights : xi_p > 0, shape (poles,), growing
    weights : R_p, shape (poles,)
    """

    heights: Array
    weights: Array
    reach: float


@lru_cache(maxsize=32)
def _pade(count: int) -> FermiPoles:
    """The continued fraction of the Fermi function cut after ``2 count`` steps."""
    n = np.arange(1, 2 * count)
    beside = 0.5 / np.sqrt((2 * n - 1) * (2 * n + 1))
    values, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    upper = values > 0
    b = values[upper][::-1]
    weights = vectors[0, upper][::-1] ** 2 / (4 * b**2)
    poles = FermiPoles(heights=1 / b, weights=weights, reach=0.0)
    x = np.geomspace(0.1, 50.0 * count, 400)
    wrong = np.abs(summed(poles, x) - fermi(x)) > EXACT
    reach = x[np.argmax(wrong) - 1] if wrong.any() else x[-1]
    return FermiPoles(heights=poles.heights, weights=weights, reach=float(reach))


def summed(poles: FermiPoles, x: Array) -> Array:
    """The rational function itself."""
    terms = poles.weights * 2 * x[:, None] / (x[:, None] ** 2 + poles.heights**2)
    return np.asarray(0.5 - terms.sum(axis=1))


def fermi_poles(reach: float) -> FermiPoles | None:
    """Poles enough for \\|x\\| <= reach, or None where more than :data:`MOST` would be needed.

    References
    ----------
    ozaki_2007
    """
    count = 10
    while count <= MOST:
        poles = _pade(count)
        if poles.reach >= reach:
            return poles
        count *= 2
    return None


def pade_poles(count: int) -> FermiPoles:
    """A given number of poles; ``reach`` is where rounding ends, which may be below 0.1.

    References
    ----------
    ozaki_2007
    """
    return _pade(count)


def poles_for(reach: float, error: float) -> int | None:
    """Fewest poles whose sum is the Fermi function to ``error`` for \\|x\\| <= reach; None above 80."""
    x = np.linspace(0.0, reach, 400)
    for count in range(2, MOST + 1):
        if np.abs(summed(_pade(count), x) - fermi(x)).max() <= error:
            return count
    return None
