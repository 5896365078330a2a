r"""The nonequilibrium distribution at given momenta: :math:`L f = eE\,D` solved on their own chains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi
from chirospin.base.memory import available_bytes, in_words
from chirospin.numerics.quadrature import gauss_panels
from chirospin.rashba.bands import THERMAL_REACH, Bands
from chirospin.rashba.chain import CHARGE, Chain
from chirospin.rashba.disorder import Correlator
from chirospin.rashba.shells import Shells

Array = NDArray[np.float64]
Values = NDArray[Any]
DISTRIBUTION = "distribution"
GROWTH = 1.35  # of a chain, to see what its ends do
ROUNDING = 1e-13  # of the largest amplitude, in a system of some hundred links
OFF = 1e-7  # of the step of a chain, kept from the van Hove momentum
BYTES = 16 * 16 * 24  # for each momentum of a chain
PANELS, PANEL = 64, 6.0  # of the momenta that hold carriers; widest one at the thermal step, k_B T


@dataclass(frozen=True, kw_only=True)
class Distribution:
    r"""Linear response of the density matrix per force eE along x.

    .. math:: f = \cos\varphi\,(n + s_\Omega\,\boldsymbol\sigma\cdot\boldsymbol\Omega)
              + \sin\varphi\,(s_e\,\boldsymbol\sigma\cdot\hat{\mathbf e} + s_z \sigma_z)

    Parameters
    ----------
    amplitudes : (n, s_Omega, s_e, s_z), shape (momenta, 4), nm/eV
    error : largest change of an amplitude with longer chains, nm/eV
    """

    amplitudes: Values
    error: float

    @property
    def relative_error(self) -> float:
        """The error over the largest amplitude."""
        return self.error / max(float(np.abs(self.amplitudes).max(initial=0.0)), 1e-300)


def distribution_at(gas: Shells, p: Array, reach: int) -> Distribution:
    """The distribution of a warm gas, by chains that reach so many links from each momentum.

    Raises
    ------
    ModelError : momenta whose chains do not fit in memory
    """
    further = sum(math.ceil(steps) for steps in gas.thermal_steps) + 1
    longer = math.ceil(GROWTH * reach) + further
    need = BYTES * p.size * (2 * longer + 1)
    if need > available_bytes():
        raise ModelError(
            f"Parameter `momentum` must fit in memory, but {p.size} momenta with chains of {2 * longer} "
            f"links need about {in_words(need)} and {in_words(available_bytes())} are free; take fewer"
        )
    p = _off_van_hove(gas.bands, p)
    short, found = (_amplitudes(gas, p, links) for links in (reach + further, longer))
    change = float(np.abs(found - short).max(initial=0.0))
    return Distribution(
        amplitudes=found,
        error=max(change, ROUNDING * float(np.abs(found).max(initial=0.0))),
    )


def unsplit_distribution(gas: Bands, disorder: Correlator, z: complex, p: Array) -> Distribution:
    r"""Without splitting: :math:`n = -f_0'(p)/(\gamma - iz)`, and no spin."""
    energy, v, _, _ = gas.curves(p)
    f = fermi((energy - gas.mu) / gas.T)
    (relaxation,) = disorder.transport(p, (1,))
    rate = relaxation * p / (gas.m * v)
    n = f * (1 - f) * v / gas.T / (rate - 1j * z if z.real else rate + z.imag)
    amplitudes = np.zeros((p.size, 4), n.dtype)
    amplitudes[:, CHARGE] = n
    error = ROUNDING * float(np.abs(n).max(initial=0.0))
    return Distribution(amplitudes=amplitudes, error=error)


def electrons(gas: Bands) -> float:
    r"""Electrons per area, :math:`n = \sum_\pm \int \frac{p\,dp}{2\pi} f^0_\pm`, 1/nm^2."""
    if gas.T == 0:
        (inner, _, step), (outer, _, _) = gas.fermi_points
        return (outer**2 - step * inner**2) / (4 * np.pi)
    return sum(_thermal_density(gas, band) for band in (1, -1))


def _thermal_density(gas: Bands, band: int) -> float:
    """Of one band, with panels that resolve its thermal step."""
    edges = np.linspace(0.0, min(gas.scale, gas.cap), PANELS + 1)
    energy, speed = gas.branch(edges, band)
    rise = np.maximum(np.abs(speed[:-1]), np.abs(speed[1:])) * np.diff(edges)
    reach = THERMAL_REACH * gas.T + rise
    near = np.abs(0.5 * (energy[:-1] + energy[1:]) - gas.mu) < reach
    counts = np.where(near, np.ceil(rise / (PANEL * gas.T)), 1).astype(int) + 1
    cuts = [
        np.linspace(low, high, n, endpoint=False)
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    p, weight = gauss_panels(np.append(np.concatenate(cuts), edges[-1]))
    f = fermi((gas.energy(p, band) - gas.mu) / gas.T)
    return float(weight @ (p * f)) / (2 * np.pi)


def _off_van_hove(gas: Bands, p: Array) -> Array:
    """Momenta moved a little where their chain of a linear splitting would meet a vanishing velocity."""
    if gas.step is None:
        return p
    halves = 2 * p / gas.step
    meets = np.abs(halves - np.round(halves)) < OFF
    return np.where(meets, p + OFF * gas.step, p)


def _amplitudes(gas: Shells, p: Array, links: int) -> Values:
    """The four amplitudes at the middle of a chain through each momentum."""
    chain = gas.chain(p, links, links)
    right = _sources(gas, chain)[..., None]
    values: Values = gas.operator(chain).transposed.solve(right)[:, chain.start, :, 0]
    return values


def _sources(gas: Shells, chain: Chain) -> Array:
    """(n_0', s_0', N s_0/p, 0) of Eq. (3) along the chains."""
    p = chain.p
    (f, df), (g, dg) = (gas.occupation(p, band) for band in (1, -1))
    turn = gas.bands.N * 0.5 * (f - g) / p
    return np.stack([0.5 * (df + dg), 0.5 * (df - dg), turn, 0 * p], axis=-1)
