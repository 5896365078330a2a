r"""Smooth functions of t >= 0 on an even grid, and their transforms along a line above the real axis.

.. math:: f(z) = \int_0^\infty e^{izt} f(t)\,dt, \qquad z = w + i\eta

Functions that begin with a jump have transforms with long tails. Their beginning is taken out as
:math:`\sum_k c_k (bt)^k e^{-bt}/k!`, which is known on both sides, so that what is left is smooth everywhere and a
fast Fourier transform errs by a high power of the step. All functions are carried damped, :math:`e^{-\eta t} f(t)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import factorial

import numpy as np
import scipy
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
STARTS = 8  # powers of t taken out before a transform, from samples at its beginning
TAILS = 8  # powers of 1/z taken out before the way back, from samples at its ends
OUTER = 0.5  # of the largest frequency, beyond which these are fitted
RATE = 0.2  # b over the largest frequency
ENDS = 9  # order of the weights with which an integral begins
SPLINE = 7
PIECE = 2**17  # complex numbers at a time


def pieces(count: int, size: int) -> list[slice]:
    """Slices of an axis so short that what is computed of each stays in memory that is already held."""
    step = max(1, PIECE // size)
    return [slice(start, start + step) for start in range(0, count, step)]


def end_weights(order: int) -> Real:
    r"""Weights of the first samples of :math:`\int_0^\infty f\,dt \approx dt \sum_j w_j f_j`, exact to an order."""
    bernoulli = scipy.special.bernoulli(order + 1)
    moments = np.array([-0.5] + [bernoulli[k + 1] / (k + 1) for k in range(1, order + 1)])
    powers = np.vander(np.arange(order + 1.0), increasing=True).T
    return np.asarray(1 + np.linalg.solve(powers, moments))


@dataclass(frozen=True)
class HalfLine:
    """An even grid of times, and of frequencies.

    Parameters
    ----------
    count : points
    step : dt
    damping : eta, the height of the line above the real axis
    """

    count: int
    step: float
    damping: float

    @cached_property
    def t(self) -> Real:
        """Times."""
        return np.asarray(self.step * np.arange(self.count))

    @cached_property
    def z(self) -> Complex:
        """Points of the line, in the order of the transforms."""
        return np.asarray(2 * np.pi * scipy.fft.fftfreq(self.count, self.step) + 1j * self.damping)

    @cached_property
    def weights(self) -> Real:
        """Of an integral over t."""
        w = np.full(self.count, self.step)
        w[: ENDS + 1] *= end_weights(ENDS)
        return w

    @property
    def _b(self) -> float:
        return RATE * np.pi / self.step

    @cached_property
    def _starts(self) -> Real:
        """(bt)^k e^{-(b + eta) t}/k!, (time, k)."""
        bt = self._b * self.t[:, None]
        k = np.arange(max(STARTS, TAILS) + 1)
        size = np.array([float(factorial(n)) for n in k])
        return np.asarray(bt**k / size * np.exp(-bt - self.damping * self.t[:, None]))

    @cached_property
    def _tails(self) -> Complex:
        """Their transforms, b^k/(b - iz)^{k+1}."""
        k = np.arange(max(STARTS, TAILS) + 1)
        return np.asarray(self._b**k / (self._b - 1j * self.z[:, None]) ** (k + 1))

    @cached_property
    def _beginning(self) -> Real:
        """From the first samples to the powers of t."""
        return np.asarray(np.linalg.inv(self._starts[:STARTS, :STARTS]))

    @cached_property
    def _outer(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.abs(self.z.real) > OUTER * np.pi / self.step)

    @cached_property
    def _ending(self) -> Complex:
        """From the outer frequencies to the powers of 1/z, from the second on."""
        return np.asarray(np.linalg.pinv(self._tails[self._outer, 1 : TAILS + 1]))

    def transformed(self, f: Complex) -> Complex:
        """Along the line, of damped functions, (time, ...)."""
        flat = f.reshape(self.count, -1)
        out = np.empty(flat.shape, dtype=complex)
        for some in pieces(*flat.shape[::-1]):
            c = self._beginning @ flat[:STARTS, some]
            rest = flat[:, some] - self._starts[:, :STARTS] @ c
            found: Complex = scipy.fft.ifft(rest, axis=0, overwrite_x=True)
            found *= self.step * self.count
            np.add(found, self._tails[:, :STARTS] @ c, out=out[:, some])
        return out.reshape(f.shape)

    def restored(self, g: Complex) -> Complex:
        """Damped functions of time from transforms that vanish as 1/z^2, (frequency, ...)."""
        flat = g.reshape(self.count, -1)
        out = np.empty(flat.shape, dtype=complex)
        for some in pieces(*flat.shape[::-1]):
            c = self._ending @ flat[self._outer, some]
            rest = flat[:, some] - self._tails[:, 1 : TAILS + 1] @ c
            found: Complex = scipy.fft.fft(rest, axis=0, overwrite_x=True)
            found /= self.step * self.count
            np.add(found, self._starts[:, 1 : TAILS + 1] @ c, out=out[:, some])
        return out.reshape(g.shape)

    def moved_to(self, other: HalfLine, f: Complex) -> Complex:
        """Damped functions on another grid with the same damping; zero beyond the end of this one."""
        inside = other.t <= self.t[-1]
        real = np.ascontiguousarray(f.reshape(self.count, -1)).view(float)
        out = np.zeros((other.count, real.shape[1]))
        out[inside] = scipy.interpolate.make_interp_spline(self.t, real, k=SPLINE)(other.t[inside])
        return np.asarray(out.view(complex).reshape(other.count, *f.shape[1:]))
