r"""Decaying modes of a stack between leads, and every integral over Fermi functions in closed form.

With :math:`K = h - i\Gamma/2 = R z R^{-1}` and a wide band every integral over energy is one of

.. math::
    F_l(z) = \int \frac{d\omega}{2\pi} \frac{f_l(\omega)}{\omega - z}
                 = \frac{\psi(\tfrac12 + i(z - \mu_l)/2\pi T_l) + \log T_l}{2\pi} - \frac{i}{4} + const,
          \qquad \mathrm{Im}\,z < 0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.bias.model import BiasedJunction, Reservoirs
from chirospin.junction.model import lead_couplings, mixing_widths

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Modes:
    """Decaying modes of a stack joined to both leads, one magnetisation.

    Parameters
    ----------
    energies, vectors : z and R of K, (n,) and (n, n)
    widths : R^-1 Gamma_l R^-+, (lead, n, n)
    coupling : (lead, n), or Gamma of every lead, (lead, n, n), eV
    error : how far R z R^-1 is from K, relative
    """

    energies: Complex
    vectors: Complex
    widths: Complex
    coupling: Real
    error: float

    @classmethod
    def of(cls, h: Complex, coupling: Real) -> Modes:
        """Of a one-body Hamiltonian."""
        total = coupling.sum(axis=0)
        K = h - 0.5j * (np.diag(total) if total.ndim == 1 else total)
        z, R = np.linalg.eig(K)
        inverse = np.linalg.inv(R)
        error = np.linalg.norm((R * z) @ inverse - K) / max(float(np.linalg.norm(K)), 1e-300)
        return cls(
            energies=z,
            vectors=R,
            widths=np.stack(
                [(inverse * g if g.ndim == 1 else inverse @ g) @ inverse.conj().T for g in coupling]
            ),
            coupling=coupling,
            error=float(error),
        )

    def integral(self, lead: int, first: Complex, second: Complex) -> Complex:
        r"""R [W_ij (first_i - second_j^*)/(z_i - z_j^*)] R^+ with the widths W of one lead."""
        gap = self.energies[:, None] - np.conj(self.energies)
        inner = self.widths[lead] * (first[:, None] - np.conj(second)) / gap
        return np.asarray(self.vectors @ inner @ self.vectors.conj().T)


def widths_of(model: BiasedJunction) -> NDArray[Any]:
    """Couplings, (magnetisation, lead, n), or widths where they are matrices, (magnetisation, lead, n, n), eV."""
    mixing = mixing_widths(model)
    return lead_couplings(model) if mixing is None else mixing


def lead_integral(z: Complex, mu: float, T: float) -> Complex:
    r"""F_l(z) for Im z < 0, without the constant of the cutoff."""
    return np.asarray(
        (scipy.special.digamma(0.5 + 0.5j * (z - mu) / (np.pi * T)) + np.log(T)) / (2 * np.pi)
        - 0.25j
    )


def lesser_density(modes: Modes, reservoirs: Reservoirs) -> Complex:
    r"""One-body density of electrons that do not see each other.

    .. math:: \langle c^+_b c_a \rangle = \sum_l \Big( R \Big[ (R^{-1}\Gamma_l R^{-+})_{ij}
              \frac{F_l(z_i) - F_l(z_j)^*}{z_i - z_j^*} \Big] R^+ \Big)_{ab}

    Returns
    -------
    :math:`G_{mn} = \langle c^+_m c_n \rangle`, (n, n)
    """
    total = np.zeros_like(modes.vectors)
    for lead in range(len(modes.coupling)):
        F = lead_integral(
            modes.energies, reservoirs.potential[lead], reservoirs.thermal_energy[lead]
        )
        total = total + modes.integral(lead, F, F)
    return np.asarray(total.T)


def transmitted(modes: Modes, reservoirs: Reservoirs) -> tuple[Real, Real]:
    r"""Currents of electrons and of energy from every lead, (lead,) each.

    .. math:: I_l = \sum_m \int \frac{d\omega}{2\pi} (f_l - f_m)\, Tr[\Gamma_l G \Gamma_m G^+], \qquad
              I_{E,l} = \sum_m \int \frac{d\omega}{2\pi}\, \omega\, (f_l - f_m)\, Tr[\Gamma_l G \Gamma_m G^+]
    """
    z, leads = modes.energies, range(len(modes.coupling))
    F = [lead_integral(z, reservoirs.potential[l], reservoirs.thermal_energy[l]) for l in leads]  # noqa: E741
    particles, energy = np.zeros(len(leads)), np.zeros(len(leads))
    for first in leads:
        if first == 1 and len(leads) == 2:  # what leaves one of two arrives at the other
            return np.array([particles[0], -particles[0]]), np.array([energy[0], -energy[0]])
        for other in leads:
            if other != first:
                difference = F[first] - F[other]
                moved = modes.integral(other, difference, difference)
                heat = modes.integral(other, z * difference, z * difference)
                particles[first] += _traced(modes.coupling[first], moved)
                energy[first] += _traced(modes.coupling[first], heat)
    return particles, energy


def _traced(gamma: NDArray[Any], inner: Complex) -> float:
    """Tr[Gamma X] of one lead."""
    if gamma.ndim == 1:
        return float(gamma @ np.diagonal(inner).real)
    return float(np.einsum("ab,ba->", gamma, inner).real)
