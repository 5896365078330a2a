"""From Matsubara frequencies to real energies, without fitting anything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from chirospin.numerics.fermi import bose
from chirospin.numerics.fixed_point import anderson
from chirospin.vibration.born import self_energy, self_energy_poles
from chirospin.vibration.model import Level

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
STEPS = 8.0  # points of the line in one broadening
WIDE = 6.0  # standard deviations of the spectrum that the line reaches beyond it
LONGEST = 20_000  # points of the line
BLOCK = 4096
TOLERANCE = 1e-7  # of G on the line
LIMIT = 400


def continued(
    here: Level, reference: Level, departure: Complex, omega: Array, broadening: float
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
    line = _line(here, reference, omega, broadening)
    if line is None:
        return None
    z = line + 1j * broadening
    sums = _sums(departure, here.temperature, z)
    bare = self_energy(self_energy_poles(reference), z)
    empty = z[:, None, None] * np.eye(2) - reference.energy
    g = np.linalg.inv(empty)

    def improved(x: NDArray[np.float64]) -> NDArray[np.float64]:
        D = x.view(complex).reshape(-1, 2, 2)
        sigma = bare + _exchange(here, line, broadening, D, sums)
        return (np.linalg.inv(empty - sigma) - g).ravel().view(float).copy()

    start = (np.linalg.inv(empty - bare) - g).ravel().view(float).copy()
    point = anderson(improved, start, tolerance=TOLERANCE, limit=LIMIT)
    if not point.converged:
        return None
    G = g + point.value.copy().view(complex).reshape(-1, 2, 2)
    return np.asarray(CubicSpline(line, G)(omega))


def _line(here: Level, reference: Level, omega: Array, broadening: float) -> Array | None:
    """Energies that hold the wanted ones and the whole spectrum."""
    n = 2 * bose(here.frequencies / here.temperature) + 1
    spread = np.sqrt((n * (np.abs(here.couplings) ** 2).sum(axis=(1, 2))).sum())
    reach = WIDE * spread + 2 * here.frequencies.max() + 4 * broadening
    centres = np.linalg.eigvalsh(reference.energy)
    low, high = min(centres[0] - reach, omega.min()), max(centres[1] + reach, omega.max())
    step = min(broadening, here.temperature) / STEPS
    count = int(np.ceil((high - low) / step)) + 1
    return None if count > LONGEST else np.linspace(low - step, high + step, count + 2)


def _sums(departure: Complex, temperature: float, z: Complex) -> Complex:
    """h(z) from both signs of the frequency, (energies, 2, 2)."""
    poles = 1j * np.pi * temperature * (2 * np.arange(len(departure)) + 1)
    other = departure.conj().swapaxes(1, 2)
    out = []
    for block in np.array_split(z, max(1, z.size * poles.size // (BLOCK * 64))):
        up, down = 1 / (block[:, None] - poles), 1 / (block[:, None] + poles)
        out.append(np.tensordot(up, departure, 1) + np.tensordot(down, other, 1))
    return np.asarray(temperature * np.concatenate(out))


def _exchange(here: Level, line: Array, broadening: float, D: Complex, sums: Complex) -> Complex:
    """What D adds to the self-energy of the reference."""
    both = CubicSpline(line, np.stack([D, sums], axis=1), extrapolate=False)
    total = np.zeros_like(D)
    for w, U in zip(here.frequencies, here.couplings, strict=True):
        n, adjoint = float(bose(w / here.temperature)), U.conj().T
        for sign in (-1, 1):
            x = line + sign * w
            moved = np.nan_to_num(both(x))
            f = _complex_fermi((x + 1j * broadening) / here.temperature)[:, None, None]
            if sign < 0:
                total += U @ ((1 + n - f) * moved[:, 0] - moved[:, 1]) @ adjoint
            else:
                total += adjoint @ ((n + f) * moved[:, 0] + moved[:, 1]) @ U
    return total


def _complex_fermi(x: Complex) -> Complex:
    return np.asarray(0.5 * (1 - np.tanh(x / 2)))
