r"""First order in the current: closed forms for any position, length, screening and handedness.

Reduced units: lengths in mean free paths l, fields in E_0, charge as nu = n/(N_0 q E_0 l). The energy
distribution on the Fermi surface is

.. math:: \phi_h = \nu + u + \delta_h \beta, \qquad \delta_h = 2ha/(1 - ha)^2

where u moves in the effective field and beta is the ballistic beam of the injected carriers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.chiral_metal.exponentials import (
    Kernel,
    Term,
    directions,
    relaxation,
    two_sided,
)

Array = NDArray[np.float64]
DIFFUSIVE = 1e-4  # share of collisions that turn the helicity, below which three powers give 1e-12


def step(x: Array) -> Array:
    """Theta(x), one half at 0."""
    return np.heaviside(x, 0.5)


def plane_field(xi: Array, screening: float) -> Array:
    r"""Field of one plane for the source p = 1.

    .. math:: E_1/E_0 = \Theta(\xi) - \tfrac12 sgn(\xi) e^{-|\xi|/\lambda}

    References
    ----------
    yoshimi_2026, Eq. (52); Eq. (18) drops exp(-L/lambda) that Eq. (17) implies
    """
    return np.asarray(step(xi) - 0.5 * np.sign(xi) * screened(xi, screening))


def screened(xi: Array, screening: float) -> Array:
    r"""exp(-\|xi\|/lambda), zero in the neutral limit."""
    return np.exp(-np.abs(xi) / screening) if screening else np.zeros_like(xi)


def shares(weights: Array) -> list[tuple[int, float]]:
    """The powers p of the source and C_p (2p + 1)/3, yoshimi_2026, Eqs. (28), (73)."""
    return [(p, C * (2 * p + 1) / 3) for p, C in enumerate(weights.tolist(), start=1) if C]


def beam_moment(power: int, xi: Array, weights: Array) -> Array:
    r"""Moment :math:`\langle c^n \beta \rangle` of the beams of one plane.

    .. math:: \tfrac12 \sum_p \tfrac{2p+1}{3} C_p \tilde F_{2p+1+n}(\xi)
    """
    total = np.zeros_like(xi)
    for p, share in shares(weights):
        total += 0.5 * share * two_sided(2 * p + 1 + power, xi)
    return total


@cache
def ohmic_gap(power: int) -> Kernel:
    r"""eta_p: how far the effective field of the source p departs from Ohm's law.

    .. math:: \eta_p = \frac{2p+1}{6} \int_1^\infty dx \frac{e^{-x|\xi|}
              \sum_{m=2}^p x^{-2(p-m)}/(2m-1)}{(x - \mathrm{arcoth}\,x)^2 + \pi^2/4}

    References
    ----------
    yoshimi_2026, Eq. (30)
    """

    def factor(y: Array) -> Array:
        x = 1 / np.tanh(y)
        terms = [x ** (-2.0 * (power - m)) / (2 * m - 1) for m in range(2, power + 1)]
        narrow = np.exp(-2 * np.log(np.sinh(np.minimum(y, 300.0))))  # x^2 - 1
        return np.asarray((2 * power + 1) / 3 * np.sum(terms, axis=0) * narrow)

    return relaxation(0, factor)


def departure(weights: Array) -> Kernel | None:
    """The sum of C_p eta_p, or None where Ohm's law holds everywhere (p = 1 alone)."""
    parts = [(C, p) for p, C in enumerate(weights.tolist(), start=1) if C and p > 1]
    if not parts:
        return None
    kernels = [(C, ohmic_gap(p)) for C, p in parts]
    total = np.sum([C * k.weights for C, k in kernels], axis=0)
    return Kernel(rates=kernels[0][1].rates, weights=total)


def field_and_charge(xi: Array, screening: float, gap: Kernel | None) -> tuple[Array, Array]:
    r"""Field E_1 and charge :math:`\nu_1 = \lambda^2 E_1'` of one plane.

    .. math:: E_1 - \lambda^2 E_1'' = \mathcal E_1

    Parameters
    ----------
    gap : how far the effective field :math:`\mathcal E_1`, the gradient of the electrochemical potential,
        departs from Ohm's law; see :func:`departure`

    References
    ----------
    yoshimi_2026, Eqs. (29), (35), (36), (52), (53)
    """
    field = plane_field(xi, screening)
    charge = 0.5 * screening * screened(xi, screening)
    if gap is None:
        return field, charge
    if screening == 0:
        return step(xi) - np.sign(xi) * gap(xi), charge
    smooth = [
        Term(anchor=0.0, direction=d, rate=1 / screening, weight=0.5 / screening) for d in (1, -1)
    ]
    odd = Kernel(rates=gap.rates, weights=gap.weights, odd=True)
    steep = Kernel(rates=gap.rates, weights=gap.weights * gap.rates)
    charge = charge * (1 - 2 * gap.weights.sum()) + screening**2 * steep.convolve(smooth, xi)
    return field - odd.convolve(smooth, xi), charge


def flow_moment(xi: Array, weights: Array) -> Array:
    r"""Moment :math:`\langle c^2 u \rangle` of one plane; zero for p = 1."""
    gap = departure(weights)
    if gap is None:
        return np.zeros_like(xi)
    return Kernel(rates=gap.rates, weights=gap.weights / (3 * gap.rates))(xi)


def first_spin(xi: Array, weights: Array, memory: float = 0.0) -> Array:
    r"""S^(1) of one plane, exact in alpha, lambda.

    .. math:: S_1 = \tfrac23 \Theta(\xi) - 2 \langle c\,\beta \rangle

    For p = 1 and no memory of the helicity this is 2/3 Theta - F_4.

    References
    ----------
    yoshimi_2026, Eqs. (19), (32); its (31) lacks -2/3, its (78) is 3 times too large
    """
    if memory:
        return np.asarray(2 / 3 * step(xi) - 2 * np.sign(xi) * leaking_beam(np.abs(xi), memory))
    return 2 / 3 * step(xi) - 2 * beam_moment(1, xi, weights)


def spin_decay(memory: float) -> float:
    r"""Decay rate kappa of spin per free path where collisions remember the helicity.

    .. math:: \eta\, \mathrm{artanh}\,\kappa = \kappa
    """
    top = np.nextafter(1.0, 0.0)
    if memory * np.arctanh(top) < top:
        return 1.0  # weaker memory than rounding can tell from none
    lost = (1 - memory) / memory
    if lost < DIFFUSIVE:  # the equation in powers of kappa^2, which here loses digits otherwise
        return float(np.sqrt(3 * lost * (1 - 9 / 5 * lost + 459 / 175 * lost**2)))
    low = np.sqrt(3 * (1 - memory)) * 1e-3
    return float(
        scipy.optimize.brentq(
            lambda k: memory * np.arctanh(k) - k, low, top, xtol=1e-15, rtol=1e-15
        )
    )


def slowest_decay(memory: float, screening: float) -> float:
    """The smallest rate, per free path, with which spin and field fade away from a plane."""
    return min(spin_decay(memory), 1 / screening) if screening else spin_decay(memory)


def leaking_beam(distance: Array, memory: float) -> Array:
    r"""Moment :math:`\langle c\,\beta\rangle` ahead of a plane with memory eta of the helicity, p = 1.

    .. math:: A e^{-\kappa\xi} + \tfrac12 (1-\eta)^2 \int_1^\infty dx
              \frac{x^{-2} e^{-x\xi}}{(x - \eta y)^2 + (\eta\pi/2)^2}, \quad y = \mathrm{arcoth}\,x

    with :math:`A = (1-\eta)^2 / [\eta^2 \kappa^2 (1/(1-\kappa^2) - 1/\eta)]`.
    """
    t = np.arange(-38.0, 40.0, 0.0625)
    y = np.exp(t)
    x = 1 / np.tanh(y)
    narrow = np.exp(-2 * np.log(np.sinh(np.minimum(y, 300.0))))  # dx = -(x^2 - 1) dy
    weights = 0.0625 * y * narrow / (x**2 * ((x - memory * y) ** 2 + (memory * np.pi / 2) ** 2))
    cut = Kernel(rates=x, weights=0.5 * (1 - memory) ** 2 * weights)(distance)
    kappa = spin_decay(memory)
    if kappa == 1.0:
        return cut
    gap = kappa**2 / (1 - kappa**2) - (1 - memory) / memory  # 1/(1 - kappa^2) - 1/eta
    pole = (1 - memory) ** 2 / (memory**2 * kappa**2 * gap)
    return np.asarray(cut + pole * np.exp(-kappa * distance))


def slab_beam_moment(power: int, xi: Array, length: float) -> Array:
    r"""Moment :math:`\langle c^n \beta \rangle`, n = 1 or 2, between specular walls, p = 1.

    .. math:: \int_0^1 dc\, c^{n+1}
              \frac{e^{-\xi/c} - (-1)^n e^{-(L-\xi)/c}}{1 + e^{-L/c}}
    """
    c, weight = directions()
    sign = -((-1) ** power)
    beams = np.exp(-xi[:, None] / c) + sign * np.exp(-(length - xi)[:, None] / c)
    return np.asarray(beams @ (weight * c ** (power + 1) / (1 + np.exp(-length / c))))


def slab_field_and_charge(xi: Array, length: float, screening: float) -> tuple[Array, Array]:
    r"""Field and charge between walls, p = 1.

    .. math:: E_1/E_0 = 1 - \cosh[(\xi - L/2)/\lambda]/\cosh[L/2\lambda]
    """
    near, far = np.exp(-xi / screening), np.exp(-(length - xi) / screening)
    norm = 1 + np.exp(-length / screening)
    return 1 - (near + far) / norm, screening * (near - far) / norm
