r"""One-body densities of a system whose terminals have given fillings.

.. math:: \langle c^+_b c_a \rangle - \rho_R = \sum_q \int \frac{dE}{2\pi}\,
          (f_q - f_R)\, [G\,\Gamma_q\, G^+]_{ab}
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chirospin.scattering.currents import Filling
from chirospin.scattering.system import Complex, System


@dataclass(frozen=True, kw_only=True)
class Decay:
    r"""Decaying modes of a system of one magnetisation, :math:`K = h - \tfrac i2\Gamma = X z X^{-1}`.

    Parameters
    ----------
    energies, vectors, inverse : z, X and its inverse
    widths : Gamma of each terminal, (2 orbitals, 2 orbitals) each: left, right, probes
    error : how far X z X^-1 is from K, relative
    """

    energies: Complex
    vectors: Complex
    inverse: Complex
    widths: tuple[Complex, ...]
    error: float

    @classmethod
    def of(cls, system: System) -> Decay:
        """Of a system with the polarisation of its left lead as it stands."""
        widths = (system.left.matrix, system.right.matrix, *system.probe_matrices)
        K = system.hamiltonian - 0.5j * sum(widths)
        z, X = np.linalg.eig(K)
        inverse = np.linalg.inv(X)
        error = np.linalg.norm((X * z) @ inverse - K) / max(float(np.linalg.norm(K)), 1e-300)
        return cls(energies=z, vectors=X, inverse=inverse, widths=widths, error=float(error))

    def above_right(self, filling: Filling) -> Complex:
        """The density less that of the right lead's filling everywhere, <c+_b c_a> in row a, column b."""
        decay = 1 / (filling.energies[:, None] - self.energies)
        inner = np.zeros_like(self.vectors)
        for width, f in zip(self.widths, filling.above_right.T, strict=True):
            if np.any(f):
                inner += self._seen(width) * ((decay.T * (filling.weights * f)) @ decay.conj())
        return np.asarray(self.vectors @ inner @ self.vectors.conj().T)

    def filled(self, function: Complex) -> Complex:
        r"""The density of one filling f everywhere, from :math:`F(z) = \int \frac{dE}{2\pi}\frac{f}{E - z}`.

        .. math:: i\,[F(K) - F(K)^+]
        """
        whole = (self.vectors * function) @ self.inverse
        return np.asarray(1j * (whole - whole.conj().T))

    def _seen(self, width: Complex) -> Complex:
        """X^-1 Gamma X^-+, from the orbitals that the terminal touches."""
        touched = np.flatnonzero(np.abs(width).any(axis=0))
        part = self.inverse[:, touched]
        return np.asarray(part @ width[np.ix_(touched, touched)] @ part.conj().T)
