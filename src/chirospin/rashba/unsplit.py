"""The gas without splitting: Drude's conductivity of any disorder, and no spin response."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.rashba.bands import THERMAL_REACH, Bands
from chirospin.rashba.disorder import Correlator
from chirospin.rashba.state import ROUNDING, GasResponse

Array = NDArray[np.float64]
PANELS, NODES = 48, 20  # of the thermal window


def unsplit_response(gas: Bands, disorder: Correlator, z: complex) -> GasResponse:
    r"""The exact linear response for Delta = 0.

    .. math:: \sigma = \int dp\,(-f')\,\frac{p v^2}{2\pi(\gamma - iz)}, \qquad
              \gamma = \frac{p}{m v}(c_0 - c_1)

    References
    ----------
    khaetskii_2006, after Eq. (18)
    """
    p, weights = _thermal_momenta(gas)
    _, v, _, _ = gas.curves(p)
    (relaxation,) = disorder.transport(p, (1,))
    rate = relaxation * p / (gas.m * v)
    lost: Any = rate - 1j * z if z.real else rate + z.imag
    conductivity = weights @ (p * v / (2 * np.pi * lost))
    return GasResponse(
        conductivity=complex(conductivity) if z.real else float(conductivity),
        spin=0.0,
        spin_hall_interband=0.0,
        spin_hall_acceleration=0.0,
        spin_hall_current=0.0,
        errors=(ROUNDING * abs(conductivity), 0.0, 0.0),
        certificates={
            "neglected": 0.0,
            "good_metal": float(weights @ rate) / max(gas.mu - gas.bottom, gas.T),
            "splitting_time": 0.0,
        },
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def _thermal_momenta(gas: Bands) -> tuple[Array, Array]:
    """Momenta with the weights -f' d(energy); the Fermi momentum alone at zero temperature."""
    if gas.T == 0:
        return np.array([_momentum(gas, gas.mu)]), np.ones(1)
    reach = THERMAL_REACH * gas.T
    low, high = (_momentum(gas, max(e, 0.0)) for e in (gas.mu - reach, gas.mu + reach))
    x, w = gauss_nodes(NODES)
    edges = np.linspace(low, high, PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    p = (edges[:-1, None] + half * (1 + x)).ravel()
    energy, v, _, _ = gas.curves(p)
    falling = v / (4 * gas.T * np.cosh((energy - gas.mu) / (2 * gas.T)) ** 2)
    return p, (half * w).ravel() * falling


def _momentum(gas: Bands, energy: float) -> float:
    def above(p: float) -> float:
        return float(gas.energy(np.array([p]), 1)[0]) - energy

    return (
        float(scipy.optimize.brentq(above, 0.0, gas.scale, xtol=1e-300, rtol=1e-14))
        if energy > 0
        else 0.0
    )
