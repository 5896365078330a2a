r"""Carriers by their energy: the thermal window and a relaxation time that depends on energy.

Energies count from the band bottom :math:`\epsilon_b = -m\alpha^2/2`, so that
:math:`(\epsilon - \epsilon_b)/(\mu - \epsilon_b) = u^2` with u = v/v_F, the same for both helicities.
In units v_F = m = tau_0 = 1:

.. math:: \tau = u^{2r}, \quad \ell = u^{1+2r}, \quad k_h = u - ha, \quad N_h = \frac{(u - ha)^2}{2\pi^2 u},
          \quad \int d\epsilon\,(-f_0')\,g = \sum_i w_i\, g(u_i)

The nodes are those of the Gauss rule whose weight is :math:`-f_0'` itself, as a function of u.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.numerics.quadrature import gauss_panels

Array = NDArray[np.float64]
SIGNS = np.array([1, -1])
WINDOW = 45.0  # of -f_0', in k_B T: beyond it 3e-20 is left
PANELS = 40  # of the measure that the rule is made from: one is 2.25 k_B T, poles are pi k_B T away
FINE = 20  # nodes of the rule that scales and closed forms use, and FEWER to see its error
FEWER = 14


@dataclass(frozen=True, kw_only=True, eq=False)
class Energies:
    """Energies that carry current, as speeds.

    Parameters
    ----------
    speed : u = v/v_F, shape (energies,)
    weight : of the integral with -f_0'; their sum is the Fermi function at the band bottom
    exponent : r of the relaxation time
    spread : 2 k_BT/m v_F^2
    """

    speed: Array
    weight: Array
    exponent: float
    spread: float

    @property
    def plain(self) -> bool:
        """Whether there is the Fermi surface alone, with a constant relaxation time."""
        return self.speed.size == 1 and not self.exponent

    @property
    def time(self) -> Array:
        """tau over tau_0."""
        return np.asarray(self.speed ** (2 * self.exponent))

    @property
    def path(self) -> Array:
        """Mean free path over l."""
        return self.speed * self.time

    @property
    def path_slope(self) -> Array:
        """d(path)/d(energy), with d(energy) = u du."""
        return (1 + 2 * self.exponent) * self.path / self.speed**2

    def momentum(self, a: float) -> Array:
        """k_h, signed, shape (helicity, energies)."""
        return np.asarray(self.speed - SIGNS[:, None] * a)

    def states(self, a: float) -> Array:
        """N_h, shape (helicity, energies)."""
        return np.asarray(self.momentum(a) ** 2 / (2 * np.pi**2 * self.speed))

    def states_slope(self, a: float) -> Array:
        """dN_h/d(energy), shape (helicity, energies)."""
        u, k = self.speed, self.momentum(a)
        return np.asarray((2 * k / u - (k / u) ** 2) / (2 * np.pi**2 * u))

    def mean(self, values: Array) -> Array:
        r""":math:`\int d\epsilon\,(-f_0')\,g` of values along the last axis."""
        return np.asarray(values @ self.weight)

    def conductivity(self, a: float) -> float:
        r""":math:`\sigma(T)/\sigma_0 = \langle N v^2\tau\rangle/N_0`."""
        u = self.speed
        return float(self.mean((u**2 + a**2) * u * self.time) / (1 + a**2))

    def carriers(self, a: float) -> float:
        """Density of carriers over that at T = 0 and the same chemical potential."""
        u = self.speed
        return float(self.mean(u * (u**2 + 3 * a**2)) / (1 + 3 * a**2))

    def compressibility(self, a: float) -> float:
        """dn/dmu over N_0."""
        u = self.speed
        return float(self.mean((u**2 + a**2) / u) / (1 + a**2))

    def beyond(self, a: float) -> float:
        """Share of the window beyond the crossing of the bands, where the second order is singular."""
        if not self.spread:
            return 0.0
        crossing = scipy.special.expit(-abs(1 - a**2) / self.spread)
        return float(crossing + max(0.0, 1 - self.weight.sum()))

    def heated_excess(self, a: float) -> float:
        r"""Excess nu_2 that keeps the bulk neutral at second order, over (q E_0 tau_0)^2/m.

        .. math:: \nu_2 = -\tfrac23 r\, \frac{\langle N\tau^2\rangle}{\langle N\rangle}

        Carriers that the field has made faster are scattered at another rate; those that go on are
        fewer or more than those that left.
        """
        states = (self.speed**2 + a**2) / self.speed
        heated = self.mean(states * self.time**2)
        return float(-2 / 3 * self.exponent * heated / self.mean(states))


def thermal_energies(spread: float, exponent: float, nodes: int = FINE) -> Energies:
    r"""The Gauss rule of the thermal window.

    Parameters
    ----------
    spread : :math:`2k_BT/mv_F^2`; 0 is the Fermi surface alone
    exponent : r of :math:`\tau = \tau_0 u^{2r}`
    nodes : of the rule, which is exact for polynomials in u of degree 2 nodes - 1
    """
    if not spread:
        one = np.ones(1)
        return Energies(speed=one, weight=one, exponent=exponent, spread=0.0)
    low, high = max(-1 / spread, -WINDOW), WINDOW
    ends = np.sqrt(1 + spread * np.array([low, high]))
    u, du = gauss_panels(np.linspace(ends[0], ends[1], PANELS + 1), 12)
    x = (u**2 - 1) / spread
    measure = du * 2 * u / spread / (4 * np.cosh(x / 2) ** 2)
    speed, weight = gauss_rule(u, measure, nodes)
    return Energies(speed=speed, weight=weight, exponent=exponent, spread=spread)


def gauss_rule(x: Array, measure: Array, nodes: int) -> tuple[Array, Array]:
    """Gauss nodes and weights of a discrete measure, by the recurrence of its orthogonal polynomials."""
    total, centre = measure.sum(), (measure @ x) / measure.sum()
    width = np.sqrt(measure @ (x - centre) ** 2 / total)
    y = (x - centre) / width
    before, now = np.zeros_like(y), np.ones_like(y) / np.sqrt(total)
    diagonal, beside = np.zeros(nodes), np.zeros(nodes)
    for n in range(nodes):
        diagonal[n] = measure @ (y * now**2)
        following = (y - diagonal[n]) * now - (beside[n - 1] if n else 0.0) * before
        beside[n] = np.sqrt(measure @ following**2)
        before, now = now, following / beside[n]
    found, vectors = scipy.linalg.eigh_tridiagonal(diagonal, beside[:-1])
    return centre + width * found, total * vectors[0] ** 2
