r"""The third route: the real axis, with the poles outside the band of the vibrations.

For one channel with coupling g and a bath that is a power of the energy between a and b,

.. math:: G(x) = \frac{1}{x - gL(x)}, \qquad L(x) = \int_a^b \Big[\frac{B_+(w)}{x-w}
          + \frac{B_-(w)}{x+w}\Big] dw, \qquad B_+ = J(1-f+n), \quad B_- = J(f+n)

with x from the bare level. Each half of the band continues analytically, so that each principal value
is a smooth integral and a logarithm. Where the vibrations start above zero energy the band has a gap
around the level, with one more pole in it, which holds nearly all weight at weak coupling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.numerics.quadrature import cleared_edges, gauss_nodes, gauss_panels

Array = NDArray[np.floating[Any]]
NODES = 32  # of a panel of the smooth part of a principal value
GAUSS = 16  # nodes of a panel
FAR = 600.0  # e-folds closer to the band than this a pole has no weight
EDGE = 15.0  # of the pole in the gap as artanh(x/a): closer to the edge its weight is rounding
SCAN = 4000  # points that look for resonances inside the band


@dataclass(frozen=True, kw_only=True)
class Band:
    """One channel in a continuous bath.

    Parameters
    ----------
    coupling : g = lambda^2, meV^2
    filled : f, the Fermi function at the bare level
    thermal_energy, low, high : T, a, b, meV
    density : J as a function that continues analytically
    """

    coupling: float
    filled: float
    thermal_energy: float
    low: float
    high: float
    density: Callable[[Array], Array]

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Gauss nodes and weights between a and b, on panels that keep away from the poles of n."""
        return self._clear_of(0.0)

    def _clear_of(self, place: float) -> tuple[Array, Array]:
        """The same, also away from a place below a."""
        poles = [2j * np.pi * self.thermal_energy, *([0.0, place] if self.low else [])]
        return gauss_panels(cleared_edges(self.low, self.high, np.array(poles)), NODES)

    def emission(self, energy: Array) -> Array:
        """:math:`B_+ = J (1 - f + n)`, continued to any real energy."""
        return self._with_bose(energy, 1 - self.filled)

    def absorption(self, energy: Array) -> Array:
        """:math:`B_- = J (f + n)`."""
        return self._with_bose(energy, self.filled)

    def _with_bose(self, energy: Array, extra: float) -> Array:
        safe = np.where(energy == 0, 1e-290, energy)
        n = 1 / np.expm1(np.clip(safe / self.thermal_energy, -700, 700))
        return np.asarray(self.density(safe) * (n + extra))

    def weight(self, x: Array) -> Array:
        """B(x) on both sides of the bare level, zero outside the band."""
        inside = (np.abs(x) > self.low) & (np.abs(x) < self.high)
        side = np.where(x > 0, self.emission(np.abs(x)), self.absorption(np.abs(x)))
        return np.where(inside, side, 0.0)

    def real_part(self, x: Array, above: Array | None = None) -> Array:
        """Re L at x; ``above`` is the logarithm of ``|x| - b`` where that is smaller than rounding."""
        with np.errstate(divide="ignore"):  # a node may round onto an edge, where it has no weight
            edge = np.log(np.abs(np.abs(x) - self.high)) if above is None else above
            ahead = self._half(self.emission, x, edge, x > 0)
            return np.asarray(ahead - self._half(self.absorption, -x, edge, x < 0))

    def _half(
        self, B: Callable[[Array], Array], x: Array, edge: Array, same: NDArray[np.bool_]
    ) -> Array:
        """Principal value of the integral of B(w)/(x - w); ``edge`` is ``ln ||x| - b|``."""
        w, dw = self.nodes
        near = np.abs(x) < 2 * self.high
        own = np.where(near, B(np.where(near, x, self.high)), 0.0)
        gap = x[:, None] - w
        gap = np.where(gap == 0, 1e-300, gap)
        smooth = ((B(w) - own[:, None]) / gap) @ dw
        beyond = np.where(same, edge, np.log(np.abs(x - self.high)))
        logarithm = np.log(np.abs(x - self.low)) - beyond
        return np.asarray(smooth + own * np.where(np.isfinite(logarithm), logarithm, 0.0))

    def distance(self, x: Array) -> Array:
        """x - g Re L."""
        return np.asarray(x - self.coupling * self.real_part(x))

    def occupation(self, level: float) -> tuple[float, float]:
        """Occupation of the channel over its norm, and the norm, which should be 1."""
        peaks, widths = self._resonances()
        x, dx = self._panels(peaks, widths)
        B = self.coupling * self.weight(x)
        A = B / (self.distance(x) ** 2 + (np.pi * B) ** 2)
        total = float(dx @ A)
        n = float(dx @ (A * fermi((level + x) / self.thermal_energy)))
        poles = [self._outside(side) for side in (1, -1)]
        for place, residue in [*poles, *([self._in_gap()] if self.low else [])]:
            total += residue
            n += residue * float(fermi((level + place) / self.thermal_energy))
        return n / total, total

    def _resonances(self) -> tuple[Array, Array]:
        """Zeros of x - g Re L inside the band, and the half widths there."""
        steps = np.geomspace(1e-12, 1 - 1e-12, SCAN // 2)
        near = np.concatenate([self.high * steps, self.high - (self.high - self.low) * steps])
        positive = np.unique(near[(near > self.low) & (near < self.high)])
        x = np.concatenate([-positive[::-1], positive])
        d = self.distance(x)
        found = np.flatnonzero(np.sign(d[1:]) != np.sign(d[:-1]))
        roots, widths = [], []
        for k in found:
            if x[k] < 0 < x[k + 1] and self.low:
                continue
            root = scipy.optimize.brentq(
                lambda y: float(self.distance(np.array([y]))[0]), x[k], x[k + 1], xtol=1e-300
            )
            slope = (d[k + 1] - d[k]) / (x[k + 1] - x[k])
            B = float(self.weight(np.array([root]))[0])
            roots.append(root)
            widths.append(np.pi * self.coupling * B / abs(slope))
        return np.array(roots), np.array(widths)

    def _panels(self, peaks: Array, widths: Array) -> tuple[Array, Array]:
        """Gauss nodes on panels that shrink towards resonances and the edges of each half band."""
        stops = [(s * e, 1e-16 * self.high) for e in (self.low, self.high) for s in (1, -1)]
        stops += [
            (float(r), max(float(w) / 8, 1e-16 * abs(r)))
            for r, w in zip(peaks, widths, strict=True)
        ]
        edges = [p for p, _ in stops]
        for place, first in stops:
            span = 2 * self.high
            offsets = first * 2.0 ** np.arange(int(np.ceil(np.log2(span / first))) + 1)
            edges += [*(place + offsets), *(place - offsets)]
        line = np.unique(edges)
        line = line[(np.abs(line) <= self.high) & (np.abs(line) >= self.low)]
        keep = np.diff(line) > 0
        low, high = line[:-1][keep], line[1:][keep]
        if self.low:
            inside = (low >= self.low) | (high <= -self.low)
            low, high = low[inside], high[inside]
        x, w = gauss_nodes(GAUSS)
        half = (high - low) / 2
        nodes = low[:, None] + half[:, None] * (1 + x)
        return nodes.ravel(), (half[:, None] * w).ravel()

    def _outside(self, side: int) -> tuple[float, float]:
        """The pole beyond one edge of the band and its residue; none in rounding if it is too close.

        Solved in y = ln(|x|/b - 1), since at weak coupling it is exponentially close.
        """

        def defect(y: float) -> float:
            x = np.array([side * self.high * (1 + np.exp(y))])
            L = self.real_part(x, above=np.array([np.log(self.high) + y]))
            return side * float(x[0] - self.coupling * L[0])

        if defect(-FAR) > 0:
            return side * self.high, 0.0
        top = 1.0
        while defect(top) < 0:
            top += 5.0
        y = scipy.optimize.brentq(defect, -FAR, top, xtol=1e-14)
        x = side * self.high * (1 + np.exp(y))
        w, dw = self.nodes
        gap = np.exp(y) * self.high + self.high - w  # |x| - w
        own, other = (
            (self.emission, self.absorption) if side > 0 else (self.absorption, self.emission)
        )
        at, step = abs(x), 1e-5 * self.high
        value = float(own(np.array([at]))[0])
        if gap.min() > self.high:
            near = float((own(w) / gap**2) @ dw)
        else:
            slope = float((own(np.array([at + step])) - own(np.array([at - step])))[0] / (2 * step))
            rest = (own(w) - value + slope * gap) / gap**2
            logarithm = np.log(at - self.low) - np.log(self.high) - y
            near = float(rest @ dw) - slope * logarithm
            near += value * (np.exp(-y) / self.high - 1 / (at - self.low))
        far = float((other(w) / (at + w) ** 2) @ dw)
        return float(x), 1 / (1 + self.coupling * (near + far))

    def _in_gap(self) -> tuple[float, float]:
        """The pole between -a and a and its residue; at an edge, without weight, if it is too close."""

        def sums(x: float) -> tuple[float, float]:
            w, dw = self._clear_of(abs(x))
            ahead, behind = self.emission(w) * dw, self.absorption(w) * dw
            L = (ahead / (x - w)).sum() + (behind / (x + w)).sum()
            slope = (ahead / (x - w) ** 2).sum() + (behind / (x + w) ** 2).sum()
            return x - self.coupling * float(L), 1 + self.coupling * float(slope)

        def defect(u: float) -> float:
            return sums(self.low * float(np.tanh(u)))[0]

        if defect(-EDGE) > 0 or defect(EDGE) < 0:
            return float(np.copysign(self.low, -defect(0.0))), 0.0
        x = self.low * float(np.tanh(scipy.optimize.brentq(defect, -EDGE, EDGE, xtol=1e-15)))
        return x, 1 / sums(x)[1]
