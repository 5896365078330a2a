"""The second route: Matsubara frequencies one by one, with the tail in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.base.spin import PAULI
from chirospin.vibration.born import (
    Poles,
    Thermal,
    green_parts,
    inverse_green,
    moment_of,
)
from chirospin.vibration.model import Level

Complex = NDArray[np.complexfloating[Any, Any]]
Array = NDArray[np.floating[Any]]
BEYOND = 30.0  # highest frequency summed one by one, over the largest energy
FEWEST, MOST = 400, 400_000


def by_frequencies(level: Level, poles: Poles) -> Thermal:
    r"""Equilibrium by the sum over Matsubara frequencies :math:`\omega_n = (2n+1)\pi T`.

    .. math:: \rho = f(\varepsilon) + T \sum_n [G - g](i\omega_n)

    Paired terms fall as :math:`\omega^{-4}`; the tail is a Hurwitz zeta function of the last two.

    Raises
    ------
    ValueError : more frequencies than :data:`MOST`
    """
    T = level.thermal_energy
    reach = np.abs(poles.energies).max(initial=0.0) + np.linalg.norm(poles.columns)
    count = max(FEWEST, int(np.ceil(BEYOND * (reach + np.abs(level.energy).max()) / (np.pi * T))))
    if count > MOST:
        raise ValueError(f"{count} frequencies")
    z = 1j * np.pi * T * (2 * np.arange(count) + 1)
    bare = z[:, None, None] * np.eye(2) - level.energy
    full = green_parts(inverse_green(level, poles, z))
    none = green_parts(bare)
    scalar = 2 * T * summed_with_tail((full[0] - none[0]).real, z.imag, T)
    vector = 2 * T * summed_with_tail((full[1] - none[1]).real, z.imag, T)
    energies, states = np.linalg.eigh(level.energy)
    start = (states * fermi(energies / T)) @ states.conj().T
    density = start + scalar * np.eye(2) + np.tensordot(vector, PAULI, 1)
    polarised = moment_of(start) if np.ptp(energies) else np.zeros(3)
    return Thermal(density=np.asarray(density), moment=np.asarray(polarised + vector))


def summed_with_tail(terms: Array, frequency: Array, thermal_energy: float) -> Array:
    """Sum over n >= 0 of terms (n, ...) that fall as a/omega^4 + b/omega^6."""
    n = len(terms)
    one, other = n // 2, n - 1
    x, y = frequency[one], frequency[other]
    matrix = np.array([[x**-4, x**-6], [y**-4, y**-6]])
    fitted = np.linalg.solve(matrix, np.stack([terms[one], terms[other]]).reshape(2, -1))
    step = 2 * np.pi * thermal_energy
    tail = (
        fitted[0] * scipy.special.zeta(4, n + 0.5) / step**4
        + fitted[1] * scipy.special.zeta(6, n + 0.5) / step**6
    )
    return np.asarray(terms.sum(axis=0) + tail.reshape(terms.shape[1:]))
