"""From Matsubara frequencies to real energies, without fitting anything."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.fermi import bose
from chirospin.numerics.fixed_point import anderson
from chirospin.vibration.born import self_energy, self_energy_poles
from chirospin.vibration.model import Level, distinct

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
STEPS = 8.0  # points of the line in one broadening
ORDER = 7  # of the splines on the line: their error is 8^-8 of a peak
WIDE = 6.0  # standard deviations of the spectrum that the line reaches beyond it
LONGEST = 20_000  # points of the line
BLOCK = 4096
BEYOND = 64  # points after which a spline has forgotten the end of the line
TOLERANCE = 1e-9  # of G on the line
LIMIT = 400


def continued(
    level: Level, reference: Level, departure: Complex, omega: Array, broadening: float
) -> Complex | None:
    r"""G at omega + i eta in the self-consistent Born approximation.

    With the reference g (the level with its static shift), D = G - g known at :math:`i\omega_n`, and

    .. math:: h(z) = T \sum_n \frac{D(i\omega_n)}{z - i\omega_n}, \qquad
              \Sigma(z) = \Sigma_g(z) + \sum_j U_j[(1+n_j-f)D - h](z-\omega_j)U_j^\dagger
              + U_j^\dagger[(n_j+f)D + h](z+\omega_j)U_j

    holds exactly, and is solved for D on the line Im z = eta.

    Parameters
    ----------
    departure : D at i omega_n, n >= 0, (n, 2, 2)
    omega : real energies, meV

    Returns
    -------
    (energies, 2, 2), or None where the line would be too long or nothing settles

    References
    ----------
    marsiglio_1988
    """
    line = _line(level, reference, omega, broadening)
    if line is None:
        return None
    z = line + 1j * broadening
    sums = _sums(departure, level.thermal_energy, z)
    bare = self_energy(self_energy_poles(reference), z)
    empty = z[:, None, None] * np.eye(2) - reference.energy
    g = np.linalg.inv(empty)
    exchange = Moved.on(level, line)
    filled = _complex_fermi(z / level.thermal_energy)[:, None, None]

    def improved(x: NDArray[np.float64]) -> NDArray[np.float64]:
        D = x.view(complex).reshape(-1, 2, 2)
        sigma = bare + exchange(D, filled * D + sums)
        return (np.linalg.inv(empty - sigma) - g).ravel().view(float).copy()

    start = (np.linalg.inv(empty - bare) - g).ravel().view(float).copy()
    point = anderson(improved, start, tolerance=TOLERANCE, limit=LIMIT)
    if not point.converged:
        return None
    G = g + point.value.copy().view(complex).reshape(-1, 2, 2)
    return np.asarray(scipy.interpolate.make_interp_spline(line, G, k=ORDER)(omega))


def _line(level: Level, reference: Level, omega: Array, broadening: float) -> Array | None:
    """Energies that hold the wanted ones and the whole spectrum."""
    n = 2 * bose(level.frequencies / level.thermal_energy) + 1
    spread = np.sqrt((n * (np.abs(level.couplings) ** 2).sum(axis=(1, 2))).sum())
    reach = WIDE * spread + 2 * level.frequencies.max() + 4 * broadening
    centres = np.linalg.eigvalsh(reference.energy)
    margin = level.frequencies.max() + 4 * broadening  # a wanted place asks its neighbours
    low = min(centres[0] - reach, omega.min() - margin)
    high = max(centres[1] + reach, omega.max() + margin)
    step = min(broadening, level.thermal_energy) / STEPS
    count = int(np.ceil((high - low) / step)) + 1
    return None if count > LONGEST else np.linspace(low - step, high + step, count + 2)


def _sums(departure: Complex, thermal_energy: float, z: Complex) -> Complex:
    """h(z) from both signs of the frequency, (energies, 2, 2)."""
    poles = 1j * np.pi * thermal_energy * (2 * np.arange(len(departure)) + 1)
    other = departure.conj().swapaxes(1, 2)
    out = []
    for block in np.array_split(z, max(1, z.size * poles.size // (BLOCK * 64))):
        up, down = 1 / (block[:, None] - poles), 1 / (block[:, None] + poles)
        out.append(np.tensordot(up, departure, 1) + np.tensordot(down, other, 1))
    return np.asarray(thermal_energy * np.concatenate(out))


@dataclass(frozen=True, kw_only=True)
class Moved:
    r"""What D adds to the self-energy of the reference: convolutions on the line.

    .. math:: U[\textstyle\sum_j s_j(1+n_j)D(z-\omega_j) - s_jS(z-\omega_j)]U^\dagger
              + U^\dagger[\textstyle\sum_j s_jn_jD(z+\omega_j) + s_jS(z+\omega_j)]U, \qquad S = fD + h

    S is analytic above the real axis, as D is. Both are splines; a shift of a spline is a filter of its
    coefficients, so that all vibrations with the same coupling are one filter, however many they are.

    Parameters
    ----------
    couplings : distinct U, (kinds, 2, 2)
    filters : transforms of the shifted splines for D and S, below and above, (kinds, 4, size)
    size : of the transforms
    """

    couplings: Complex
    filters: Complex
    size: int

    @classmethod
    def on(cls, level: Level, line: Array) -> Moved:
        """The filters of all vibrations on an even line."""
        step = (line[-1] - line[0]) / (line.size - 1)
        farthest = int(np.ceil(level.frequencies.max() / step)) + ORDER
        size = scipy.fft.next_fast_len(line.size + 2 * farthest + 2 * BEYOND)
        own = _filter(np.zeros(1), np.ones(1), size)
        kinds, filters = [], []
        for U, shares, frequencies in distinct(level):
            n = bose(frequencies / level.thermal_energy)
            down, up = -frequencies / step, frequencies / step
            kinds.append(U)
            weights = (
                (-down, shares * (1 + n)),
                (-down, -shares),
                (-up, shares * n),
                (-up, shares),
            )
            filters.append([_filter(at, weight, size) / own for at, weight in weights])
        return cls(couplings=np.array(kinds), filters=np.array(filters), size=size)

    def __call__(self, D: Complex, S: Complex) -> Complex:
        """The sum at every point, (points, 2, 2); D and S end where the line ends."""
        moved = [scipy.fft.fft(part, self.size, axis=0) for part in (D, S)]
        total = np.zeros_like(D)
        for U, four in zip(self.couplings, self.filters, strict=True):
            adjoint = U.conj().T
            a, b, c, d = four[:, :, None, None]
            below = scipy.fft.ifft(a * moved[0] + b * moved[1], axis=0)[: len(D)]
            above = scipy.fft.ifft(c * moved[0] + d * moved[1], axis=0)[: len(D)]
            total += U @ below @ adjoint + adjoint @ above @ U
        return total


def _filter(places: Array, weights: Array, size: int) -> Complex:
    """Transform of a sum of weighted splines at places in steps, on a ring."""
    first = np.floor(places).astype(int) - ORDER // 2
    taps = np.zeros(size)
    for k in range(ORDER + 1):
        at = first + k
        np.add.at(taps, at % size, weights * _cardinal(at - places))
    return np.asarray(scipy.fft.fft(taps))


def _cardinal(x: Array) -> Array:
    """The central B-spline of order ORDER with unit knots."""
    half = (ORDER + 1) / 2
    total = np.zeros_like(x)
    for k in range(ORDER + 2):
        total += (-1) ** k * comb(ORDER + 1, k) * np.maximum(half - np.abs(x) - k, 0.0) ** ORDER
    return np.asarray(total / factorial(ORDER))


def _complex_fermi(x: Complex) -> Complex:
    return np.asarray(0.5 * (1 - np.tanh(x / 2)))
