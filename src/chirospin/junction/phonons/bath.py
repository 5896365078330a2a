r"""Baths of damped vibrations as the electrons see them: correlation functions and spectra of x.

.. math:: C(t) = \langle x(t) x(0) \rangle, \qquad S(y) = \int C(t) e^{iyt} dt
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.tiered import Memory
from chirospin.junction.modes import Modes, quanta

Real = NDArray[np.float64]
Bath = Literal["local", "dressed", "brownian"]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What the electrons see of the vibrations.

    Parameters
    ----------
    memory : the exponentials of C(t)
    white : rate of D[V] of each mode, what is left of C(t), (K,), 1/eV; may be negative
    """

    memory: Memory
    white: Real

    def spectrum(self, mode: int, y: Real) -> Real:
        """S(y) of one mode, 1/eV; energy y > 0 is given to it."""
        total = np.full(np.shape(y), self.white[mode])
        m = self.memory
        for j in (j for j, own in enumerate(m.mode) if own == mode):
            total = total + 2 * np.real(m.weight[j] / (m.decay[j] - 1j * y))
        return np.asarray(total)


def noise(modes: Modes, T: float, bath: Bath, matsubara: int = 2) -> Noise:
    """Exponentials and white part of every mode.

    Parameters
    ----------
    T : of the bath, eV
    matsubara : terms of a brownian bath beside its two resonances

    References
    ----------
    tamascelli_2018, for the mode as a bath of two exponentials
    """
    parts = [
        _mode(float(w), float(k), T, bath, matsubara)
        for w, k in zip(modes.energy, modes.damping, strict=True)
    ]
    flat = [(v, term) for v, (terms, _) in enumerate(parts) for term in terms]
    start = np.concatenate([[0], np.cumsum([len(terms) for terms, _ in parts])]).astype(int)
    return Noise(
        memory=Memory(
            decay=np.array([nu for _, (nu, *_) in flat], complex),
            weight=np.array([eta for _, (_, eta, *_) in flat], complex),
            conjugate_weight=np.array([eta for _, (_, _, eta, _) in flat], complex),
            partner=tuple(int(start[v]) + mate for v, (*_, mate) in flat),
            mode=tuple(v for v, _ in flat),
        ),
        white=np.array([white for _, white in parts]),
    )


Term = tuple[Any, Any, Any, int]  # decay, weight, conjugate weight, partner


def _mode(w: float, k: float, T: float, bath: Bath, matsubara: int) -> tuple[list[Term], float]:
    nu = k / 2 + 1j * w
    if bath == "brownian":
        return _brownian(w, k, T, matsubara)
    n = float(quanta(w, T))
    turn = (1 - 0.5j * k / w) ** 2 if bath == "dressed" else 1.0
    down, up = (n + 1) * turn, n * turn
    terms = [(nu, down, up, 1), (np.conj(nu), np.conj(up), np.conj(down), 0)]
    return terms, (2 * n + 1) * k / w**2 if bath == "dressed" else 0.0


def _brownian(w: float, k: float, T: float, matsubara: int) -> tuple[list[Term], float]:
    r"""An Ohmic bath of x; what the Matsubara terms leave out of S(0) = 4 k T/w^3 is white."""
    W = np.sqrt(w**2 - k**2 / 4)
    z = w / W * quanta(W - 0.5j * k, T)
    nu = k / 2 + 1j * W
    terms: list[Term] = [
        (nu, w / W + z, z, 1),
        (np.conj(nu), np.conj(z), np.conj(w / W + z), 0),
    ]
    for j in range(1, matsubara + 1):
        v = 2 * np.pi * j * T
        c = -4 * T * k * w * v / ((v**2 + w**2) ** 2 - k**2 * v**2)
        terms.append((v, c, c, len(terms)))
    kept = sum(2 * np.real(eta / decay) for decay, eta, _, _ in terms)
    return terms, float(4 * k * T / w**3 - kept)
