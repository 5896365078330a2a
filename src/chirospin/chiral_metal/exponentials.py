r"""Sums of decaying exponentials: kernels :math:`\sum_j w_j e^{-r_j|x|}` and what they act on.

Convolutions with one-sided exponentials are closed; every difference of exponentials is taken through
functions that have no cancellation, so equal rates need no special case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]
FLIGHT_STEP = 0.27  # of the trapezoid rule below: error exp(-pi^2/step) ~ 1e-16
TURNED_STEP = 0.2  # the same on a ray up to pi/2 away, where the poles of c^n are as near
RELAXATION_STEP = 0.125
ALIKE = 0.5  # of the larger: rates that differ by less are not subtracted
SERIES = 0.5  # below this the power series is used
CHUNK = 2_000_000  # elements of a temporary array
UNFELT = 1e-19  # of the integral of a kernel: some hundred such nodes stay below rounding
NODES = 400  # of the trapezoid rule, rounded up


def exponential_integral(n: int, x: Array) -> Array:
    r"""F_n, the generalised exponential integral.

    .. math:: F_n(x) = \int_1^\infty u^{-n} e^{-ux} du = \int_0^1 c^{n-2} e^{-x/c} dc

    References
    ----------
    yoshimi_2026, Eqs. (19), (40), which agree
    """
    return np.asarray(scipy.special.expn(n, x))


def two_sided(n: int, x: Array) -> Array:
    """F_n continued to negative x: even for odd n, odd for even n; yoshimi_2026, Eq. (40)."""
    value = exponential_integral(n, np.abs(x))
    return value if n % 2 else np.sign(x) * value


def complex_exponential_integral(n: int, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    r"""F_n of complex z with Re z >= 0, by the trapezoid rule over turned directions; n >= 2.

    .. math:: F_n(z) = \int_0^1 c^{n-2} e^{-z/c} dc
    """
    flat = z.ravel()
    parts = [
        _turned_integral(n, flat[i : i + CHUNK // NODES]) for i in range(0, z.size, CHUNK // NODES)
    ]
    return np.concatenate(parts).reshape(z.shape) if parts else np.zeros_like(z)


def _turned_integral(n: int, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    c, weight = turned_directions(-np.angle(z)[:, None])
    return np.asarray((np.exp(-z[:, None] / c) * weight * c ** (n - 2)).sum(axis=1))


def directions() -> tuple[Array, Array]:
    r"""Nodes and weights for :math:`\int_0^1 g(c) dc` where g may hold :math:`e^{-x/c}`, any x >= 0.

    Trapezoid rule in t with c = 1/(1 + e^{-t}).
    """
    t = np.arange(-42.0, 38.0, FLIGHT_STEP)
    c = 1 / (1 + np.exp(-t))
    return c, FLIGHT_STEP * c / (1 + np.exp(t))


def turned_directions(angle: Any, spread: float = 0.0) -> tuple[Any, Any]:
    r"""Complex nodes and weights for :math:`\int_0^1 g(c) dc` where g may hold :math:`e^{-z/c}`, Re z >= 0.

    .. math:: 1/c = 1 + v e^{i\chi}, \qquad 0 < v < \infty

    On the ray with the angle chi = -arg z the exponential falls without turning, however fast z turns on
    the real axis: the number of nodes does not know the frequency.

    Parameters
    ----------
    angle : chi, less than pi/2 from 0
    spread : largest distance of -arg z from the angle, less than pi/2; the step shrinks with it
    """
    step = TURNED_STEP * (1 - 2 * spread / np.pi)
    turn = np.exp(1j * angle)
    ahead = np.exp(-np.arange(-42.0, 38.0, step))
    c = 1 / (1 + ahead * turn)
    return c, step * ahead * turn * c**2


class Term(NamedTuple):
    r"""One-sided: :math:`w\, s^n e^{-rs}` for s = direction (x - anchor) > 0, else zero; n is 0 or 1."""

    anchor: float
    direction: int
    rate: float
    weight: float
    power: int = 0

    def __call__(self, x: Array) -> Array:
        """The value at x."""
        s = self.direction * (x - self.anchor)
        inside = np.maximum(s, 0)
        value = self.weight * inside**self.power * np.exp(-self.rate * inside)
        return np.where(s > 0, value, 0.0)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    r"""The kernel :math:`\sum_j w_j e^{-r_j|x|}`, times sgn(x) where odd."""

    rates: Array
    weights: Array
    odd: bool = False

    def __call__(self, x: Array) -> Array:
        """The value at x."""
        total = np.empty_like(x)
        for part in _chunks(x.size, self.rates.size):
            total[part] = np.exp(-np.abs(x[part])[:, None] * self.rates) @ self.weights
        return np.asarray(np.sign(x) * total if self.odd else total)

    def convolve(self, terms: Sequence[Term], x: Array) -> Array:
        """Convolution with a sum of one-sided terms, closed in x."""
        (total,) = convolved([(self, terms)], x)
        return total


def convolved(pairs: Sequence[tuple[Kernel, Sequence[Term]]], x: Array) -> list[Array]:
    """Convolutions by kernels of the same rates: exponentials that several need are found once."""
    felt = felt_kernels([kernel for kernel, _ in pairs])
    wanted: dict[float, dict[tuple[int, float, int], list[tuple[int, float]]]] = {}
    for n, (_, terms) in enumerate(pairs):
        for t in collected(terms):
            shapes = wanted.setdefault(t.anchor, {})
            shapes.setdefault((t.direction, t.rate, t.power), []).append((n, t.weight))
    totals = np.zeros((len(pairs), x.size))
    for anchor, shapes in wanted.items():
        for part in _chunks(x.size, felt[0].rates.size):
            s = x[part] - anchor
            decay = np.multiply.outer(-np.abs(s), felt[0].rates)
            np.exp(decay, out=decay)
            for (direction, rate, power), uses in shapes.items():
                kernels = [felt[n] for n, _ in uses]
                values = _ahead_and_behind(kernels, rate, power, direction * s, decay)
                for (n, weight), column in zip(uses, values.T, strict=True):
                    totals[n, part] += (direction if pairs[n][0].odd else 1) * weight * column
    return list(totals)


def felt_kernels(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Kernels of the same rates for a convolution: equal rates added, and without those that none feels."""
    rates, place = np.unique(kernels[0].rates, return_inverse=True)
    place = place.reshape(-1)
    weights = [np.bincount(place, kernel.weights).astype(float) for kernel in kernels]
    shares = [np.abs(w) / rates for w in weights]
    felt = np.any([share > UNFELT * share.sum() for share in shares], axis=0)
    return [
        Kernel(rates=rates[felt], weights=w[felt], odd=kernel.odd)
        for kernel, w in zip(kernels, weights, strict=True)
    ]


def _ahead_and_behind(
    kernels: Sequence[Kernel], rate: float, power: int, s: Array, decay: Array
) -> Array:
    r"""Convolutions of one decaying exponential by some kernels, (place, kernel).

    With :math:`\delta = r - \kappa`, where it is not small,

    .. math:: \int_0^s e^{-r(s-u)} e^{-\kappa u} du = \frac{e^{-\kappa s} - e^{-rs}}\delta, \qquad
              \int_0^s e^{-r(s-u)} u e^{-\kappa u} du
              = e^{-\kappa s}\frac{\delta s - 1}{\delta^2} + \frac{e^{-rs}}{\delta^2}

    Parameters
    ----------
    rate : kappa
    decay : of every rate of the kernels over the distance, (place, rate)
    """
    rates = kernels[0].rates
    weights = np.stack([kernel.weights for kernel in kernels], axis=1)
    sign = np.array([-1 if kernel.odd else 1 for kernel in kernels])
    together = (1 / (rates + rate))[:, None]
    alike = np.abs(rates - rate) < ALIKE * np.maximum(rates, rate)
    apart = np.where(alike, np.inf, rates - rate)[:, None]
    before = sign * weights * together ** (power + 1)
    arrived = weights / apart**2 if power else -weights / apart
    both = decay @ np.concatenate([before, arrived], axis=1)
    column = np.maximum(s, 0.0)[:, None]
    after = both[:, len(kernels) :]
    own = ((sign * together + 1 / apart) * weights).sum(axis=0)
    if power:
        own = column * own + ((sign * together**2 - 1 / apart**2) * weights).sum(axis=0)
    after += np.exp(-rate * column) * own
    if alike.any():
        ahead = s > 0
        after[ahead] += _overlap(power, column[ahead], rates[alike], rate) @ weights[alike]
    return np.asarray(np.where(s[:, None] < 0, both[:, : len(kernels)], after))


def collected(terms: Sequence[Term]) -> list[Term]:
    """The same sum with like terms added."""
    found: dict[tuple[float, int, float, int], float] = {}
    for t in terms:
        key = (t.anchor, t.direction, t.rate, t.power)
        found[key] = found.get(key, 0.0) + t.weight
    return [
        Term(anchor=anchor, direction=direction, rate=rate, power=power, weight=weight)
        for (anchor, direction, rate, power), weight in found.items()
        if weight
    ]


def _chunks(places: int, rates: int) -> Iterator[slice]:
    """As many places at a time as fit in memory beside some rates."""
    step = max(1, CHUNK // rates)
    return (slice(start, start + step) for start in range(0, places, step))


def _overlap(n: int, s: Array, rate: Array, other: float) -> Array:
    r""":math:`\int_0^s e^{-r(s-u)} u^n e^{-\kappa u} du`, n = 0 or 1, without cancellation."""
    gap = (rate - other) * s
    slower = np.exp(-np.minimum(rate, other) * s)
    if n == 0:
        return s * slower * mean_decay(np.abs(gap))
    return s**2 * slower * _first_moment(gap)


def mean_decay(z: Array) -> Array:
    r""":math:`(1 - e^{-z})/z = \int_0^1 e^{-zu} du`."""
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, -np.expm1(-safe) / safe)


def _first_moment(gap: Array) -> Array:
    r""":math:`\int_0^1 (1-u) e^{-zu} du` for z >= 0 and :math:`\int_0^1 u e^{-|z|u} du` below."""
    z = np.abs(gap)
    lost = -np.expm1(-z)
    near = z < SERIES
    square = np.where(near, 1.0, z) ** 2
    out = np.where(gap >= 0, z - lost, lost - z * (1 - lost)) / square
    small, late = z[near], gap[near] >= 0
    power, total = 0.5, np.zeros_like(small)
    for k in range(14):  # power is 1/(k+2)!
        total += np.where(late, 1.0, k + 1.0) * power * (-small) ** k
        power /= k + 3
    out[near] = total
    return np.asarray(out)


def flight(n: int) -> Kernel:
    """F_n, continued to negative x, as a sum over directions of flight; n >= 2."""
    c, weight = directions()
    return Kernel(rates=1 / c, weights=weight * c ** (n - 2), odd=n % 2 == 0)


def relaxation(power: float, factor: Callable[[Array], Array] | None = None) -> Kernel:
    r"""The branch cut of an isotropic scatterer: decay rates x = coth y beyond 1 per free path.

    .. math:: \frac12 \int_0^\infty dy \frac{x^n g(x)}{(x - y)^2 + \pi^2/4} e^{-x|\xi|}

    Trapezoid rule in ln y: accurate to 1e-15 for \|x\| > 1e-15.
    """
    t = np.arange(-38.0, 40.0, RELAXATION_STEP)
    y = np.exp(t)
    x = 1 / np.tanh(y)
    weights = RELAXATION_STEP * y * x**power / (2 * ((x - y) ** 2 + np.pi**2 / 4))
    return Kernel(rates=x, weights=weights if factor is None else weights * factor(y))
