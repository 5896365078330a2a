r"""What a lead remembers: its correlation functions as sums of exponentials.

.. math::
    \int \frac{d\omega}{2\pi} \Gamma f\, e^{i\omega t} = \sum_p \eta_p e^{-\gamma_p t}, \qquad
    \int \frac{d\omega}{2\pi} \Gamma (1-f)\, e^{i\omega t} = \sum_p \tilde\eta_p^* e^{-\gamma_p t}, \qquad t > 0

A wide band has the poles of f, :math:`\tilde\eta^* = -\eta` and a rest :math:`\tfrac12\Gamma\delta(t)` in each.
A chain has no rest and both sets of weights are free: the exponents are those of ESPRIT on a common row space of
both functions, the weights of least squares. Energies are from the potential of the lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi, pade_poles

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
FIT_ERROR = 1e-3  # of Gamma f that an electron of finite width may see at a level
FEWEST, MOST = 4, 16  # exponentials; the program tries as many as the levels need
STEP = 0.5  # over t: the phase of a band edge then moves by 1
INSTANTS = (200, 800)
LONG = 2.0  # instants of a chain as many as this times t/T: to see the Fermi function
PANEL = 16  # nodes of Gauss in each panel
REACH = 4.0  # half band widths on either side in which the fit is compared
CELLS = 4000


@dataclass(frozen=True, kw_only=True)
class LeadMemory:
    r"""Correlation functions of electrons that enter, over the strength of a channel; of those that leave: conjugate.

    Parameters
    ----------
    decay : gamma, (P,), eV
    entering, leaving : eta and the conjugate of eta~, (P,), eV
    white : whether there is a rest delta(t)/2 in each
    """

    decay: Complex
    entering: Complex
    leaving: Complex
    white: bool

    def decay_of(self, sigma: int) -> Complex:
        """Of electrons that enter (1) or leave (-1)."""
        return self.decay if sigma > 0 else self.decay.conj()

    def halves_of(self, sigma: int) -> tuple[Complex, Complex]:
        r""":math:`(\eta \mp \tilde\eta^*)/2`, in front of :math:`c\rho \pm \rho c`; those of leaving electrons are
        minus, and plus, the conjugate."""
        odd, even = (self.entering - self.leaving) / 2, (self.entering + self.leaving) / 2
        return (odd, even) if sigma > 0 else (-odd.conj(), even.conj())

    def spectra(self, omega: Real) -> Real:
        r"""Gamma f and Gamma (1-f) over the strength that the exponentials stand for, (2, energy)."""
        pole = 1 / (self.decay + 1j * omega[:, None])
        found = np.stack([2 * (pole @ eta).real for eta in (self.entering, self.leaving)])
        return found + 0.5 * self.white


def wide_memory(poles: int, thermal_energy: float) -> LeadMemory:
    """Of a wide band."""
    pade = pade_poles(poles)
    eta = np.asarray(-1j * pade.weights * thermal_energy, dtype=complex)
    return LeadMemory(
        decay=np.asarray(pade.heights * thermal_energy, dtype=complex),
        entering=eta,
        leaving=-eta,
        white=True,
    )


@dataclass(frozen=True)
class Chain:
    """A lead with a band.

    Parameters
    ----------
    hopping, centre : of the band, the centre from the potential, eV
    thermal_energy : k_B T, eV
    """

    hopping: float
    centre: float
    thermal_energy: float

    def spectra(self, omega: Real) -> Real:
        """Gamma f and Gamma (1-f) over the strength, (2, energy)."""
        x = (omega - self.centre) / (2 * self.hopping)
        share, y = np.sqrt(np.maximum(1 - x**2, 0)), omega / self.thermal_energy
        return np.stack([share * fermi(y), share * fermi(-y)])

    def correlations(self, instants: Real) -> Complex:
        """Of electrons that enter and leave, without the phase of the centre, (2, instant), eV."""
        t, T = self.hopping, self.thermal_energy
        steps = T * np.geomspace(0.5, 128, 9)
        x = (np.concatenate([-steps, [0], steps]) - self.centre) / (2 * t)
        ends = np.linspace(0, np.pi, 2 + int(4 * t * instants[-1] / PANEL))
        ends = np.unique(np.concatenate([ends, np.arccos(x[np.abs(x) < 1])]))
        node, weight = np.polynomial.legendre.leggauss(PANEL)
        half = np.diff(ends)[:, None] / 2
        angle = (ends[:-1, None] + half * (1 + node)).ravel()
        band = 2 * t * np.cos(angle)
        measure = (half * weight).ravel() * np.sin(angle) * 2 * t / (2 * np.pi)
        spectra = self.spectra(self.centre + band) * measure
        return np.asarray(spectra @ np.exp(1j * np.outer(band, instants)))

    def memory(self, count: int) -> LeadMemory:
        """Of so many exponentials at most: what does not decay is left out."""
        instants, C, space = _common_space(self)
        kept = space[:, :count]
        factor = np.linalg.eigvals(np.linalg.lstsq(kept[:-1], kept[1:], rcond=None)[0])
        factor = factor[np.abs(factor) < 1]
        decay = -np.log(factor) * self.hopping / STEP
        course = np.exp(-np.outer(instants, decay))
        entering, leaving = np.linalg.lstsq(course, C.T, rcond=None)[0].T
        return LeadMemory(
            decay=decay - 1j * self.centre, entering=entering, leaving=leaving, white=False
        )

    def fit_error(self, memory: LeadMemory, levels: Real, width: float) -> float:
        r"""Largest error of Gamma f or Gamma (1-f), over the strength, that a level of finite width sees.

        .. math:: \max_n \int d\omega\, \frac{w/2\pi}{(\omega-\epsilon_n)^2 + w^2/4}\,
                  \frac{|\Gamma f_{fit} - \Gamma f|}{\Gamma}
        """
        ends = self.centre + 2 * self.hopping * np.linspace(-REACH, REACH, CELLS + 1)
        middle = (ends[1:] + ends[:-1]) / 2
        missed = np.abs(memory.spectra(middle) - self.spectra(middle)).max(axis=0)
        seen = np.diff(np.arctan(2 * (ends - levels[:, None]) / width), axis=1) / np.pi
        return float((seen @ missed).max())


@lru_cache(maxsize=16)
def _common_space(chain: Chain) -> tuple[Real, Complex, Complex]:
    """Instants, correlation functions there, and what both span together in windows of half the time."""
    count = int(np.clip(LONG * chain.hopping / chain.thermal_energy, *INSTANTS))
    instants = np.arange(count, dtype=np.float64) * (STEP / chain.hopping)
    C = chain.correlations(instants)
    windows = np.concatenate([np.lib.stride_tricks.sliding_window_view(c, count // 2) for c in C])
    space = np.linalg.svd(windows.T, full_matrices=False)[0][:, : 2 * MOST]
    return instants, C, np.asarray(space, dtype=complex)


def fitted_memory(
    chain: Chain, levels: Real, width: float, count: int | None
) -> tuple[LeadMemory, float]:
    """The fewest exponentials that the levels allow, or those asked for, and what they miss."""
    best: tuple[LeadMemory, float] | None = None
    for number in range(FEWEST, MOST + 1) if count is None else (count,):
        memory = chain.memory(number)
        missed = chain.fit_error(memory, levels, width)
        if best is None or missed < best[1]:
            best = memory, missed
        if missed <= FIT_ERROR:
            break
    assert best is not None
    return best


def require_few(count: int | None) -> None:
    """Refuse more exponentials than rounding lets be told apart.

    Raises
    ------
    ModelError : names the option
    """
    if count is not None and not 2 <= count <= 2 * MOST:
        raise ModelError(
            f"Option `poles` of method hierarchy must be integer in [2, {2 * MOST}] for leads with a band, but is {count}"
        )
