r"""Both bands of an isotropic splitting and the momenta that share an energy.

.. math:: \varepsilon_\pm(p) = \varepsilon_0(p) \pm \tfrac12\Delta(p), \qquad
          V_\pm = d\varepsilon_\pm/dp
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

Array = NDArray[np.float64]
Curve = Callable[[Any], Any]
COMPLEX_STEP = 1e-30  # relative; the derivative of an analytic function to rounding
THERMAL_REACH = 40.0  # k_B T: the Fermi function ends at rounding
SCAN = 4000  # momenta at which the shape of the bands is looked at
FAR = 64.0  # times the scale: momenta that no chain needs
ROUNDS = 80
QUADRATIC = 1e-10  # relative step after which the next Newton step would be below rounding
NUDGE = 1e-11  # relative distance kept from the van Hove momentum


def parabolic_dispersion(m: float, g: float) -> Curve:
    r""":math:`\varepsilon_0 = p^2(1 + g p^2)/2m`."""
    return lambda p: p**2 * (1 + g * p**2) / (2 * m)


def power_splitting(size: float, power: float) -> Curve:
    r""":math:`\Delta = \mathrm{size}\; p^n`."""
    return lambda p: size * p**power


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Energies, velocities and energy shells.

    Parameters
    ----------
    m : mass that sets the scale of rates and momenta
    N : winding
    dispersion, splitting : analytic functions of p, eV
    mu, T : chemical potential and k_B T
    sign : of the splitting
    step : m alpha, where partners on a shell are exactly m alpha apart
    """

    m: float
    N: int
    dispersion: Curve
    splitting: Curve
    mu: float
    T: float
    sign: int
    step: float | None

    def __post_init__(self) -> None:
        if self.T == 0 and self.mu <= self.bottom:
            raise ModelError(
                f"Parameter `fermi_energy` must be > {self.bottom:g} (in eV), the bottom of the "
                f"lower band, or there are no carriers, but is {self.mu:g}"
            )
        highest = self.mu + THERMAL_REACH * self.T
        if highest >= self.top:
            word = "plus 40 k_B T " if self.T else ""
            raise ModelError(
                f"Parameter `fermi_energy` {word}must be < {self.top:g} (in eV), where the lower band "
                f"has its maximum, but is {highest:g}"
            )

    @property
    def unsplit(self) -> bool:
        """Whether both bands are one."""
        return bool(self.splitting(1.0) == 0)

    def curves(self, p: Array) -> tuple[Array, Array, Array, Array]:
        """Kinetic energy, its slope, splitting, its slope."""
        if self.step is not None:
            alpha = self.step / self.m
            return p**2 / (2 * self.m), p / self.m, alpha * p, np.full_like(p, alpha)
        e, v = _with_slope("dispersion", self.dispersion, p)
        d, s = _with_slope("splitting", self.splitting, p)
        return e, v, d, s

    def energy(self, p: Array, band: Any) -> Array:
        """Energy in band +1 or -1."""
        if self.step is not None:
            return np.asarray(p * (p + band * self.step) / (2 * self.m))
        here = p + 0j
        value = self.dispersion(here) + 0.5 * band * self.splitting(here)
        return np.asarray(value).real

    def velocity(self, p: Array, band: Any) -> Array:
        """Velocity along p in band +1 or -1, eV nm."""
        _, v, _, s = self.curves(p)
        return np.asarray(v + 0.5 * band * s)

    def branch(self, p: Array, band: Any) -> tuple[Array, Array]:
        """Energy and velocity."""
        e, v, d, s = self.curves(p)
        return e + 0.5 * band * d, v + 0.5 * band * s

    @cached_property
    def scale(self) -> float:
        """A momentum beyond all thermal ones."""
        energy = abs(self.mu) + THERMAL_REACH * self.T
        p = np.sqrt(2 * self.m * energy) + (self.step or 0.0) + 1e-12
        rising = self.velocity(np.array([1e-9 * p]), -1)[0] > 0
        for _ in range(ROUNDS):
            energy_here, speed = self.branch(np.array([p]), -1)
            if energy_here[0] > energy or (rising and speed[0] < 0):
                break
            rising = rising or speed[0] > 0
            p *= 1.5
        return float(p)

    @cached_property
    def _turning(self) -> tuple[float, float]:
        """Where the lower band has its minimum (0 if it rises from the start) and its maximum."""
        if self.step is not None:
            return self.step / 2, np.inf
        p = FAR * self.scale * np.geomspace(1e-9, 1, SCAN)
        upper, lower = self.velocity(p, 1), self.velocity(p, -1)
        falls = np.flatnonzero(np.diff(np.sign(lower)) != 0)
        minimum, end = 0.0, np.inf
        start = 0
        if lower[0] < 0:
            if not falls.size:
                raise ModelError(
                    "Parameter `splitting` must let the lower band rise at large momenta, but does not"
                )
            minimum = self._zero(p[falls[0]], p[falls[0] + 1], -1)
            start = 1
        if falls.size > start:
            end = self._zero(p[falls[start]], p[falls[start] + 1], -1)
        bent = np.flatnonzero((upper <= 0) & (p < end))
        if bent.size and bent[0] > 0:
            end = min(end, self._zero(p[bent[0] - 1], p[bent[0]], 1))
        elif bent.size:
            raise ModelError(
                "Parameter `dispersion` must give an upper band that rises from p = 0, but does not"
            )
        return minimum, end

    def _zero(self, low: float, high: float, band: int) -> float:
        """Where a velocity changes sign."""
        rising = self.velocity(np.array([low]), band)[0] < 0
        for _ in range(ROUNDS):
            middle = 0.5 * (low + high)
            below = (self.velocity(np.array([middle]), band)[0] < 0) == rising
            low, high = (middle, high) if below else (low, middle)
        return 0.5 * (low + high)

    @property
    def minimum(self) -> float:
        """Momentum of the van Hove minimum of the lower band; 0 if there is none."""
        return self._turning[0]

    @property
    def cap(self) -> float:
        """Momentum where the lower band stops to rise, or one that no chain needs."""
        return min(self._turning[1], FAR * self.scale)

    @cached_property
    def crossing(self) -> float:
        """Energy at p = 0, where both bands meet."""
        return float(self.energy(np.array([0.0]), 1)[0])

    @cached_property
    def bottom(self) -> float:
        """Lowest energy."""
        return float(self.energy(np.array([self.minimum]), -1)[0])

    @cached_property
    def top(self) -> float:
        """Maximum of the lower band."""
        end = self._turning[1]
        return np.inf if np.isinf(end) else float(self.energy(np.array([end]), -1)[0])

    def inverse(self, energy: Array, band: int, low: Any, high: Any, guess: Array) -> Array:
        """Momentum between low and high with a given energy, by safeguarded Newton steps."""
        low, high = (
            np.broadcast_to(low, energy.shape) + 0.0,
            np.broadcast_to(high, energy.shape) + 0.0,
        )
        p = np.clip(guess, low, high)
        rising = self.energy(high, band) > self.energy(low, band)
        for _ in range(ROUNDS):
            e, v = self.branch(p, band)
            miss = e - energy
            under = (miss < 0) == rising
            low, high = np.where(under, p, low), np.where(under, high, p)
            with np.errstate(divide="ignore", invalid="ignore"):
                new = p - miss / v
            slack = QUADRATIC * np.abs(
                p
            )  # a root next to the last point lies at the bracket's edge
            inside = (new > low - slack) & (new < high + slack)
            new = np.where(inside, new, np.where(miss == 0, p, 0.5 * (low + high)))
            done = np.abs(new - p) <= QUADRATIC * np.abs(p)
            p = new
            if done.all():
                break
        return p

    def above(self, p: Array) -> tuple[Array, Any]:
        """The partner of (p, +) in the lower band, and whether there is one."""
        if self.step is not None:
            return p + self.step, np.ones(p.shape, bool)
        e, v = self.branch(p, 1)
        exists = e < self.energy(np.array([self.cap]), -1)[0]
        low = np.maximum(p, self.minimum)
        guess = p + self.splitting(p + 0j).real / np.maximum(np.abs(v), 1e-300)
        found = self.inverse(np.where(exists, e, self.energy(low, -1)), -1, low, self.cap, guess)
        return np.where(exists, found, p), exists

    def below(self, p: Array) -> tuple[Array, Any]:
        """The partner of (p, -), and the band it lies in: +1, or -1 below the crossing."""
        if self.step is not None:
            return np.abs(p - self.step), np.where(p > self.step, 1, -1)
        e, v = self.branch(p, -1)
        band = np.where(e > self.crossing, 1, -1)
        out = np.empty_like(p)
        up = band > 0
        if up.any():
            guess = p[up] - self.splitting(p[up] + 0j).real / np.maximum(np.abs(v[up]), 1e-300)
            out[up] = self.inverse(e[up], 1, 0.0, p[up], np.where(guess > 0, guess, 0.5 * p[up]))
        if not up.all():
            q, energy = p[~up], e[~up]
            edge = self.inverse(
                np.array([self.crossing]), -1, self.minimum, self.cap, np.array([2 * self.minimum])
            )[0]
            inner = q > self.minimum
            low = np.where(inner, 0.0, self.minimum)
            high = np.where(inner, self.minimum, edge)
            out[~up] = self.inverse(energy, -1, low, high, np.clip(2 * self.minimum - q, low, high))
        return out, band

    @cached_property
    def fermi_points(self) -> tuple[tuple[float, int, int], ...]:
        """Momentum, band and sign of the step of the occupation at the Fermi energy (-1 falls)."""
        mu = np.array([self.mu])
        if self.step is not None:
            K = np.sqrt(2 * self.m * self.mu + self.step**2 / 4)
            if self.mu > 0:
                inner = 2 * self.m * self.mu / (K + self.step / 2)
                return (inner, 1, -1), (K + self.step / 2, -1, -1)
            inner = -2 * self.m * self.mu / (K + self.step / 2)
            return (inner, -1, 1), (K + self.step / 2, -1, -1)
        middle, cap = self.minimum, self.cap
        outer = float(self.inverse(mu, -1, middle, cap, np.array([self.scale]))[0])
        if self.mu > self.crossing:
            upper = float(self.inverse(mu, 1, 0.0, outer, np.array([0.9 * outer]))[0])
            return (upper, 1, -1), (outer, -1, -1)
        inner = float(self.inverse(mu, -1, 0.0, middle, np.array([0.5 * middle]))[0])
        return (inner, -1, 1), (outer, -1, -1)


def _with_slope(name: str, curve: Curve, p: Array) -> tuple[Array, Array]:
    """A curve and its slope by a complex step."""
    size = COMPLEX_STEP * np.maximum(np.abs(p), 1e-100)
    value = np.asarray(curve(p + 1j * size))
    if value.shape != p.shape or not np.isfinite(value).all():
        raise ModelError(
            f"Parameter `{name}` must be a function of an array p (1/nm) that takes complex p and gives "
            "finite energies of the same shape, but is not"
        )
    return value.real, value.imag / size
