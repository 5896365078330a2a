r"""Second order in the coupling with bare propagators: self-energy, its poles, sums over frequencies.

Everything here takes a :class:`~chirospin.vibration.model.Level`, whose energies are measured from the
chemical potential, and works for any matrices on the spin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.fermi import bose, fermi, fermi_poles
from chirospin.base.spin import PAULI
from chirospin.vibration.model import Level

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
BLOCK = 2_000_000  # shares of poles at energies held at a time
ROUNDING = 1e-26  # share of the stronger channel's g below which a channel is free


@dataclass(frozen=True, kw_only=True)
class Poles:
    r"""The self-energy as simple poles, :math:`\Sigma(z) = \sum_p R_p/(z - E_p)`.

    Parameters
    ----------
    energies : E_p, (poles,)
    columns : C_p with R_p = C_p C_p^+, (poles, 2)
    """

    energies: Array
    columns: Complex

    @property
    def residues(self) -> Complex:
        """R_p, (poles, 2, 2)."""
        return np.asarray(self.columns[:, :, None] * self.columns[:, None, :].conj())


def self_energy_poles(level: Level) -> Poles:
    r"""Emission and absorption of every vibration from every bare state.

    .. math:: \Sigma(z) = \sum_{j,s} \frac{U_j P_s U_j^\dagger (1-f_s+n_j)}{z-\varepsilon_s-\omega_j}
              + \frac{U_j^\dagger P_s U_j (f_s+n_j)}{z-\varepsilon_s+\omega_j}

    References
    ----------
    fransson_closed_shell, Eqs. (10), (11); (10) lacks a minus sign
    """
    bare, states = np.linalg.eigh(level.energy)
    f = fermi(bare / level.thermal_energy)
    n = bose(level.frequencies / level.thermal_energy)
    emitted = level.couplings @ states * np.sqrt(1 - f + n[:, None])[:, None, :]
    absorbed = level.couplings.conj().swapaxes(1, 2) @ states * np.sqrt(f + n[:, None])[:, None, :]
    up = bare + level.frequencies[:, None]
    down = bare - level.frequencies[:, None]
    return Poles(
        energies=np.concatenate([up.ravel(), down.ravel()]),
        columns=np.concatenate(
            [part.swapaxes(1, 2).reshape(-1, 2) for part in (emitted, absorbed)]
        ),
    )


def self_energy(poles: Poles, z: Complex) -> Complex:
    """Sigma at complex energies, shape (energies, 2, 2)."""
    blocks = np.array_split(z, max(1, z.size * poles.energies.size // BLOCK))
    residues = poles.residues
    return np.concatenate(
        [np.tensordot(1 / (b[:, None] - poles.energies), residues, 1) for b in blocks]
    )


def scalar_and_vector(matrix: Complex) -> tuple[Complex, Complex]:
    """M = M_0 + M_1 . sigma for matrices (..., 2, 2): M_0 (...) and M_1 (..., 3)."""
    scalar = np.einsum("...ii->...", matrix) / 2
    vector = np.einsum("iba,...ab->...i", PAULI, matrix) / 2
    return np.asarray(scalar), np.asarray(vector)


def green_parts(inverse: Complex) -> tuple[Complex, Complex]:
    r"""G_0 and G_1 of the inverse of z - eps - Sigma.

    .. math:: G_0 = \frac{z-\varepsilon_0-\Sigma_0}{D}, \quad
              \mathbf G_1 = \frac{\boldsymbol\varepsilon_1+\boldsymbol\Sigma_1}{D}, \quad
              D = (z-\varepsilon_0-\Sigma_0)^2 - (\boldsymbol\varepsilon_1+\boldsymbol\Sigma_1)^2

    References
    ----------
    fransson_closed_shell, Eqs. (2), (12)
    """
    scalar, vector = scalar_and_vector(inverse)
    divisor = scalar**2 - (vector**2).sum(axis=-1)
    return scalar / divisor, -vector / divisor[..., None]


def inverse_green(level: Level, poles: Poles, z: Complex) -> Complex:
    """z - eps - Sigma(z) + i gamma in the upper half plane, shape (energies, 2, 2)."""
    width = 1j * level.width * np.where(z.imag < 0, -1, 1)
    return np.asarray((z + width)[:, None, None] * np.eye(2) - level.energy - self_energy(poles, z))


def star_matrix(level: Level, poles: Poles) -> Complex:
    """Hermitian matrix whose corner resolvent is G, shape (2 + poles, 2 + poles).

    With a reservoir the corner has -i gamma and the matrix is not Hermitian.
    """
    size = 2 + poles.energies.size
    star = np.zeros((size, size), dtype=complex)
    star[:2, :2] = level.energy - 1j * level.width * np.eye(2)
    star[2:, 2:] = np.diag(poles.energies)
    star[:2, 2:] = poles.columns.T
    star[2:, :2] = poles.columns.conj()
    return star


@dataclass(frozen=True, kw_only=True)
class Thermal:
    """The level in equilibrium.

    Parameters
    ----------
    density : rho_ab = <psi_b^+ psi_a>, (2, 2)
    moment : (1/2) Tr(sigma rho), (3,), without cancellation where that is possible
    """

    density: Complex
    moment: Array


def moment_of(density: Complex) -> Array:
    """m = (1/2) Tr(sigma rho), (3,)."""
    return np.asarray(scalar_and_vector(density)[1].real)


def by_star(level: Level, poles: Poles) -> Thermal:
    r"""Equilibrium from the corner of the star matrix H.

    .. math:: \rho = [f(H)]_{2\times2} = \tfrac12 + T \sum_p R_p [G(i\xi_pT) + G(i\xi_pT)^\dagger],
              \qquad \mathbf m = 2T \sum_p R_p\, \mathrm{Re}\, \mathbf G_1(i\xi_pT)

    over poles of the Fermi function, so that nothing cancels in m however small it is; with a
    reservoir, or where the temperature is too low for such poles, by eigenvectors.
    """
    if level.width:
        return by_decay(level, poles)
    reach = np.abs(poles.energies).max(initial=np.abs(level.energy).max() * 2)
    rational = fermi_poles((reach + np.linalg.norm(poles.columns)) / level.thermal_energy)
    if rational is None:
        return by_eigenvectors(level, poles)
    z = 1j * level.thermal_energy * rational.heights
    scalar, vector = green_parts(inverse_green(level, poles, z))
    weights = 2 * level.thermal_energy * rational.weights
    moment = weights @ vector.real
    mean = 0.5 + weights @ scalar.real
    density = mean * np.eye(2) + np.tensordot(moment, PAULI, 1)
    return Thermal(density=np.asarray(density), moment=np.asarray(moment))


def by_eigenvectors(level: Level, poles: Poles) -> Thermal:
    """rho = f(H) in the corner, from all eigenvectors; positive by construction."""
    values, vectors = np.linalg.eigh(star_matrix(level, poles))
    corner = vectors[:2]
    density = (corner * fermi(values / level.thermal_energy)) @ corner.conj().T
    return Thermal(density=density, moment=moment_of(density))


def by_decay(level: Level, poles: Poles) -> Thermal:
    r"""Equilibrium with a reservoir, from the decaying states of the star matrix.

    .. math:: \rho = \tfrac{i}{2\pi}(X - X^\dagger), \quad
              X = \sum_j R_j L_j [\psi(\tfrac12 + \tfrac{iE_j}{2\pi T}) - \tfrac{i\pi}{2}]
    """
    values, right = np.linalg.eig(star_matrix(level, poles))
    left = np.linalg.inv(right)
    filled = (
        scipy.special.digamma(0.5 + 1j * values / (2 * np.pi * level.thermal_energy)) - 0.5j * np.pi
    )
    X = (right[:2] * filled) @ left[:, :2]
    density = 1j / (2 * np.pi) * (X - X.conj().T)
    return Thermal(density=density, moment=moment_of(density))


def spin_densities(level: Level, poles: Poles, energies: Array, broadening: float) -> Array:
    """Density of states of spin up and down along z at real energies, (2, energies), 1/meV."""
    scalar, vector = green_parts(inverse_green(level, poles, energies + 1j * broadening))
    return np.stack([-(scalar + s * vector[:, 2]).imag / np.pi for s in (1, -1)])
