r"""Phenomenological mechanisms: one level or one barrier, and what the magnetisation does to it.

The magnetisation m = +-1 does nothing (``null``), multiplies the current by a factor that belongs to the
contacts (``factor``, the artefact), shifts the level (``static``, which breaks reciprocity) or shifts it in
proportion to the bias (``driven``, which keeps it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.constants import BOLTZMANN
from chirospin.base.errors import ModelError
from chirospin.base.parameters import nearest
from chirospin.measured.inference.priors import Prior, phenomenological
from chirospin.measured.inference.reduced import Reduced

Real = NDArray[np.float64]
MAGNETISATIONS = np.array([1.0, -1.0])
TUNNEL = 10.2462
"""4 pi sqrt(2 m_e) / h, 1/(nm sqrt(eV)). Simmons prints 1.025 for angstrom."""
LEAST = 1e-300
NULL, FACTOR, STATIC, DRIVEN = "null", "factor", "static", "driven"
ABOUT = {
    NULL: "no magnetoresistance",
    FACTOR: "contacts only: a factor that belongs to the magnetisation",
    STATIC: "a fixed shift of the level; breaks reciprocity",
    DRIVEN: "a shift of the level with |V|, opposite for the magnetisations",
}
CHANGES = {NULL: (), FACTOR: ("factor",), STATIC: ("shift",), DRIVEN: ("drive",)}


class Mechanism(Protocol):
    """What a fit asks of a mechanism."""

    @property
    def name(self) -> str:
        """As typed."""
        ...

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Of its own parameters."""
        ...

    def log_current(self, values: Real, data: Reduced) -> Real:
        r"""ln\|I\| up to a constant, (..., 2J), at parameters (..., parameter)."""
        ...

    def covariance(self, values: Real, data: Reduced) -> Real | None:
        """Of the error of ``log_current``, (..., 2J, 2J); None where it has none."""
        ...

    @property
    def about(self) -> str:
        """What it says."""
        ...

    @property
    def kind(self) -> str:
        """Null, factor or a name of its own."""
        ...


def level_current(bias: Real, level: Real, width: Real, asymmetry: Real, thermal: float) -> Real:
    r"""\|Current\| through one broadened level, up to a factor.

    .. math:: I \propto n(\mu_L) - n(\mu_R), \qquad
              n(\mu) = \tfrac12 - \tfrac1\pi \mathrm{Im}\,
              \psi\big(\tfrac12 + \frac{\Gamma/2 + i(\epsilon-\mu)}{2\pi k_B T}\big)

    Parameters
    ----------
    bias, level, width, asymmetry : broadcast, V and eV
    thermal : k_B T, eV
    """

    scale = 2 * np.pi * thermal

    def argument(potential: Real) -> Real:
        return digamma_angle(0.5 + width / (2 * scale), (level - potential) / scale) / np.pi

    left, right = (0.5 + asymmetry) * bias, -(0.5 - asymmetry) * bias
    return np.abs(argument(right) - argument(left))


SHIFTS = 10
STIRLING = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760)
"""-B_2k / 2k: what follows ln w - 1/2w in powers of 1/w^2; the next is below 1e-14 from SHIFTS on."""


def digamma_angle(x: Real, y: Real) -> Real:
    r"""Im psi(x + iy) of x > 0, to some 1e-15: a fifth of the time of scipy's psi, which is most of that of a fit.

    .. math:: \psi(z) = \psi(z + N) - \sum_{k<N} \frac{1}{z + k}, \qquad
              \psi(w) = \ln w - \frac{1}{2w} - \sum_k \frac{B_{2k}}{2k\,w^{2k}}
    """
    square = y * y
    found = sum(y / ((x + k) ** 2 + square) for k in range(SHIFTS))
    inverse = 1 / (x + SHIFTS + 1j * y)
    power = inverse * inverse
    rest = power * np.polynomial.polynomial.polyval(power, STIRLING)
    return np.asarray(found + np.arctan2(y, x + SHIFTS) + np.imag(rest - inverse / 2))


def barrier_current(bias: Real, height: Real, thickness: Real) -> Real:
    r"""\|Current\| through a barrier, up to a factor.

    .. math:: I \propto \phi_- e^{-A d \sqrt{\phi_-}} - \phi_+ e^{-A d \sqrt{\phi_+}}, \qquad
              \phi_\pm = \phi \pm |V|/2

    References
    ----------
    simmons_1963 (formula from memory: verify)
    """
    low = np.maximum(height - np.abs(bias) / 2, 1e-6)
    high = height + np.abs(bias) / 2
    decay = TUNNEL * thickness
    larger = low * np.exp(decay * (np.sqrt(height) - np.sqrt(low)))
    smaller = high * np.exp(decay * (np.sqrt(height) - np.sqrt(high)))
    return np.asarray(np.abs(larger - smaller))


@dataclass(frozen=True, kw_only=True)
class Phenomenology:
    """A carrier (level or barrier) and a change by the magnetisation."""

    carrier: str
    change: str

    @property
    def name(self) -> str:
        """As typed."""
        return f"{self.carrier}.{self.change}"

    @property
    def kind(self) -> str:
        """What the magnetisation does."""
        return self.change

    @property
    def about(self) -> str:
        """In words."""
        return ABOUT[self.change]

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Of the carrier and of the change."""
        names = (*CARRIERS[self.carrier][0], *CHANGES[self.change])
        return tuple(phenomenological(name) for name in names)

    def log_current(self, values: Real, data: Reduced) -> Real:
        """See :class:`Mechanism`."""
        names, current = CARRIERS[self.carrier]
        own = [values[..., n, None, None] for n in range(len(names))]
        change = values[..., len(names), None, None] if CHANGES[self.change] else np.zeros(1)
        m, V = MAGNETISATIONS[:, None], data.bias
        if self.change == STATIC:
            own[0] = own[0] + m * change
        if self.change == DRIVEN:
            own[0] = own[0] + m * change * np.abs(V)
        found = np.log(np.maximum(current(V, own, data), LEAST))
        if self.change == FACTOR:
            found = found + m * change / 2
        whole = np.broadcast_to(found, (*values.shape[:-1], 2, len(V)))
        return whole.reshape(*values.shape[:-1], 2 * len(V))

    def covariance(self, values: Real, data: Reduced) -> None:
        """A closed form has no error."""
        return


def _level(V: Real, own: Sequence[Real], data: Reduced) -> Real:
    return level_current(V, own[0], own[1], own[2], BOLTZMANN * data.temperature)


def _barrier(V: Real, own: Sequence[Real], data: Reduced) -> Real:
    return barrier_current(V, own[0], own[1])


Current = Callable[[Real, Sequence[Real], Reduced], Real]
CARRIERS: dict[str, tuple[tuple[str, ...], Current]] = {
    "level": (("level", "width", "bias_asymmetry"), _level),
    "barrier": (("height", "thickness"), _barrier),
}


def phenomenologies(name: str) -> tuple[Phenomenology, ...]:
    """The mechanism ``level.driven``, or all of a carrier, ``level``.

    Raises
    ------
    ModelError : no such name
    """
    carrier, _, change = name.partition(".")
    if carrier not in CARRIERS or (change and change not in CHANGES):
        known = [f"{c}.{k}" for c in CARRIERS for k in CHANGES]
        raise ModelError(f"No mechanism {name!r}; {nearest(name, known)}")
    kinds = [change] if change else list(CHANGES)
    return tuple(Phenomenology(carrier=carrier, change=kind) for kind in kinds)
