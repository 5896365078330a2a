"""The gas without splitting: Drude's conductivity of any disorder, and no spin response."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.rashba.bands import THERMAL_REACH
from chirospin.rashba.disorder import Correlator
from chirospin.rashba.model import RashbaGas, complex_frequency, correlator
from chirospin.rashba.state import ROUNDING, GasResponse

Array = NDArray[np.float64]
PANELS, NODES = 24, 20  # of the thermal energies


def unsplit_response(model: RashbaGas) -> GasResponse:
    r"""The exact linear response for Delta = 0.

    .. math:: \sigma = \int d\varepsilon\,(-f')\,\frac{p v}{2\pi(\gamma - iz)}, \qquad
              \gamma = \frac{p}{m v}(c_0 - c_1)

    References
    ----------
    khaetskii_2006, after Eq. (18)
    """
    disorder, z = correlator(model), complex_frequency(model)
    energies, weights = _thermal_energies(model)
    p, v = _momentum_and_velocity(model, energies)
    rate = _transport_rate(model, disorder, p, v)
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
            "good_metal": float(weights @ rate) / max(model.fermi_energy, model.thermal_energy),
            "splitting_time": 0.0,
        },
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def _thermal_energies(model: RashbaGas) -> tuple[Array, Array]:
    """Energies with the weights -f' d(energy); the Fermi energy alone at zero temperature."""
    mu, T = model.fermi_energy, model.thermal_energy
    if T == 0:
        return np.array([mu]), np.ones(1)
    low, high = max(-THERMAL_REACH, -mu / T), THERMAL_REACH
    x, w = gauss_nodes(NODES)
    edges = np.linspace(low, high, PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    at = (edges[:-1, None] + half * (1 + x)).ravel()
    return mu + T * at, (half * w).ravel() / (4 * np.cosh(at / 2) ** 2)


def _momentum_and_velocity(model: RashbaGas, energy: Array) -> tuple[Array, Array]:
    m, g = model.mass, model.nonparabolicity
    p = np.sqrt(4 * m * energy / (1 + np.sqrt(1 + 8 * m * g * energy)))
    return p, p * (1 + 2 * g * p**2) / m


def _transport_rate(model: RashbaGas, disorder: Correlator, p: Array, v: Array) -> Array:
    (relaxation,) = disorder.transport(p, (1,))
    return np.asarray(relaxation * p / (model.mass * v))
