"""Responses in closed form, each with the share it leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.rashba.bands import Bands
from chirospin.rashba.chain import moment_orders
from chirospin.rashba.disorder import Correlator
from chirospin.rashba.model import RashbaGas, bands, complex_frequency, correlator
from chirospin.rashba.shells import UNIT, Shells
from chirospin.rashba.state import UNKNOWN, GasResponse
from chirospin.rashba.unsplit import unsplit_response

Array = NDArray[np.float64]
NODES, MOST_NODES = 60, 3840  # Gauss nodes in the window between the Fermi momenta
SETTLED = 1e-13  # change with twice the nodes, over the larger of the current and e/8 pi
EXACT = Outcome(converged=True, residual=0.0, iterations=1)


class ClosedForm(Method):
    r"""Point impurities at any splitting x time, other disorder at a large one, zero temperature.

    For linear splitting and point impurities, with :math:`\lambda = 1 - iz\tau` and
    :math:`D = \Delta(p_F)\tau`,

    .. math:: q_{yz} = -\frac{eE}{8\pi}\frac{D^2(\lambda-1)}{\lambda^2(\lambda-1)+(\lambda-\frac12)D^2},
              \qquad \langle\sigma_y\rangle = -\frac{N_0\alpha eE\tau D^2/2}
              {\lambda^2(\lambda-1)+(\lambda-\frac12)D^2}

    References
    ----------
    khaetskii_2006, Eqs. (15)-(18)
    """

    name: ClassVar[str] = "closed-form"
    summary: ClassVar[str] = "closed forms: point impurities, or a large splitting x time"
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    def solve_many(self, models: Sequence[RashbaGas]) -> Iterator[GasResponse]:
        """One response per model; NaN and a failed check where no form is known."""
        return map(_response, models)


def _response(model: RashbaGas) -> GasResponse:
    gas, disorder, z = bands(model), correlator(model), complex_frequency(model)
    if gas.unsplit:
        return unsplit_response(gas, disorder, z)
    point = disorder.kind == "delta"
    if gas.T == 0 and point and abs(gas.N) != 1:
        return turning_field(gas, disorder, z)
    if gas.step is not None and abs(gas.N) == 1 and point and gas.mu > 0:
        return linear_splitting(gas, disorder.w0, z)
    if gas.T == 0 and z == 0 and gas.mu != gas.crossing:
        return separated_bands(gas, disorder)
    return GasResponse(certificates={"neglected": math.nan}, outcome=EXACT)


def linear_splitting(gas: Bands, rate: float, z: complex) -> GasResponse:
    """Linear splitting with point impurities above the band crossing, at any frequency."""
    assert gas.step is not None
    m, alpha, tau = gas.m, gas.step / gas.m, 1 / rate
    D = alpha * math.sqrt(2 * m * gas.mu) * tau
    lag = (-1j * z * tau).real if z.real == 0 else -1j * z * tau  # lambda - 1
    terms = (1 + lag) ** 2 * lag, (0.5 + lag) * D**2
    scale = sum(terms)
    q = -gas.N * D**2 * lag / scale
    shells = Shells(bands=gas, disorder=_point(rate), z=z, prescription="redfield")
    share = gas.N * shells.filling
    certificates = {
        "neglected": max(
            1 / (8 * (gas.mu * tau) ** 4),
            max(alpha**2 * m / gas.mu, (abs(z) / gas.mu) ** 2, (gas.mu * tau) ** -2) if z else 0.0,
            _smeared(gas, alpha, abs(terms[1] / scale)) if z else 0.0,
            math.exp(-gas.mu / gas.T) if gas.T else 0.0,
        )
    }
    return GasResponse(
        conductivity=_density(gas) * tau / (m * (1 + lag)),
        spin=-m / (4 * math.pi) * alpha * tau * 0.5 * D**2 / scale,
        spin_hall_current=q,
        spin_hall_interband=UNKNOWN if z else -share,
        spin_hall_acceleration=UNKNOWN if z else share,
        certificates=certificates,
        outcome=EXACT,
    )


def _smeared(gas: Bands, alpha: float, share: float) -> float:
    r"""What the one splitting of the closed form leaves out, where the real ones are spread.

    .. math:: (1 + A)^2\left[\tfrac1{12}\left(\frac{\Delta}{E_F}\right)^2
              + \frac{\pi^2}3\left(\frac{k_BT}{E_F}\right)^2\right]

    The variance of D^2 between the Fermi momenta and over the thermal energies; A = \|(lambda - 1/2) D^2\|
    over the denominator multiplies each relative change of D^2, and is large at a resonance.
    """
    between = 2 * gas.m * alpha**2 / gas.mu / 12
    thermal = (math.pi * gas.T / gas.mu) ** 2 / 3
    return (1 + share) ** 2 * (between + thermal)


def _point(rate: float) -> Correlator:
    return Correlator(kind="delta", w0=rate, R=1.0, kappa=1.0)


def _density(gas: Bands) -> float:
    """Carriers per nm^2 of a linear splitting, above the crossing."""
    assert gas.step is not None
    edge = gas.step / 2
    if gas.T == 0:
        return (4 * gas.m * gas.mu + gas.step**2) / (4 * math.pi)
    shells = Shells(bands=gas, disorder=_point(1.0), z=0.0, prescription="redfield")
    free = gas.m * gas.T / math.pi * float(np.logaddexp(0.0, gas.mu / gas.T))
    return free + edge**2 * shells.filling / math.pi


def turning_field(gas: Bands, disorder: Correlator, z: complex) -> GasResponse:
    r"""Point impurities and a winding other than 1 and -1: collisions bring nothing back.

    .. math:: s_z = \frac{N s_0 \Delta/p}{\Delta^2 + (\Gamma - iz)^2}, \qquad
              \Gamma = \tfrac12[\Gamma(\varepsilon_+) + \Gamma(\varepsilon_-)], \quad
              \Gamma(\varepsilon) = w \sum_M \frac{p_M}{2mV_M}
    """
    (inner, first, _), (outer, second, _) = gas.fermi_points
    found, change = _turned(gas, disorder.w0, z, inner, outer, NODES), math.inf
    nodes = NODES
    while change > SETTLED and nodes < MOST_NODES:
        nodes *= 2
        previous, found = found, _turned(gas, disorder.w0, z, inner, outer, nodes)
        change = abs(found[0] - previous[0]) / max(abs(found[0]), 1.0)
    q, current = found
    for momentum, band in ((inner, first), (outer, second)):
        at = np.array([momentum])
        speed = gas.velocity(at, band)
        decay: Any = _loss(gas, disorder.w0, at, band)
        decay = decay - 1j * z if z.real else decay + z.imag
        current = current + (at * np.abs(speed) / (4 * np.pi * decay))[0]
    return GasResponse(
        conductivity=complex(current) if z.real else float(current.real),
        spin=0.0,
        spin_hall_interband=q,
        spin_hall_acceleration=0.0,
        spin_hall_current=q,
        certificates={"neglected": change},
        outcome=EXACT,
    )


def _turned(
    gas: Bands, w0: float, z: complex, inner: float, outer: float, nodes: int
) -> tuple[Any, Any]:
    """Spin Hall current in eE/8 pi, and its part of the current, by Gauss nodes in the window."""
    x, w = gauss_nodes(nodes)
    p = inner + (outer - inner) / 2 * (1 + x)
    dp = (outer - inner) / 2 * w
    _, v, splitting, _ = gas.curves(p)
    rate = 0.5 * (_loss(gas, w0, p, 1) + _loss(gas, w0, p, -1))
    lost = rate - 1j * z if z.real else rate + z.imag
    out = -0.5 * gas.N * (splitting / p) / (splitting**2 + lost**2)
    across = -lost * out / splitting
    q = UNIT * np.sum(dp * p * v * out) / (4 * np.pi)
    return q, np.sum(dp * gas.N * splitting / 2 * across) / (2 * np.pi)


def _loss(gas: Bands, w: float, p: Array, band: int) -> Array:
    """Total rate out of (p, band) to both points of its shell."""
    if band > 0:
        partner, exists = gas.above(p)
        other = np.full_like(p, -1.0)
    else:
        partner, other = gas.below(p)
        exists = np.ones(p.shape, bool)
    own = p / (2 * gas.m * np.abs(gas.velocity(p, band)))
    theirs = partner / (2 * gas.m * np.abs(gas.velocity(partner, other)))
    return np.asarray(w * (own + np.where(exists, theirs, 0.0)))


def separated_bands(gas: Bands, disorder: Correlator) -> GasResponse:
    r"""The limit of a large splitting x time, for any disorder, splitting and dispersion.

    Populations :math:`h_i\,\delta(\varepsilon - E_F)` of both Fermi circles obey

    .. math:: \sum_j r_j\left[(c_1 + x_{ij} c_N^+) h_j - (c_0 + x_{ij} c_N) h_i\right] = -V_i

    and collisions turn them into a spin :math:`s_z = (N s_0/p - St_e[h])/\Delta` out of the plane.
    """
    points = gas.fermi_points
    p = np.array([point[0] for point in points])
    band = np.array([float(point[1]) for point in points])
    speed = np.array([gas.velocity(np.array([k]), b)[0] for k, b in zip(p, band, strict=True)])
    _, v, splitting, _ = gas.curves(p)
    r = p / (2 * gas.m * np.abs(speed))
    matrix, coherence = np.zeros((2, 2)), np.zeros((2, 2))
    N, orders = abs(gas.N), moment_orders(gas.N)
    a, b = abs(gas.N - 1), abs(gas.N + 1)
    for i in range(2):
        d = dict(zip(orders, disorder.transport(p[i : i + 1], orders), strict=True))
        matrix[i, i] += r[i] * (d[N] - d[1] - 0.5 * (d[a] + d[b]))[0]
        coherence[i, i] += r[i] * band[i] * 0.25 * (d[b] - d[a])[0]
        j = 1 - i
        c = dict(zip(orders, disorder.moments(p[i : i + 1], p[j : j + 1], orders), strict=True))
        x = band[i] * band[j]
        matrix[i, j] += r[j] * (c[1] + x * 0.5 * (c[a] + c[b]))[0]
        matrix[i, i] -= r[j] * (c[0] + x * c[N])[0]
        coherence[i, j] += r[j] * band[j] * 0.25 * (c[a] - c[b])[0]
    h = np.linalg.solve(matrix, -speed)
    measure = p / (2 * np.pi * np.abs(speed))
    acceleration = -UNIT * float(np.sum(measure * v / (2 * splitting) * (coherence @ h)))
    spin = 0.25 * float(np.sum(measure * band * h)) if N == 1 else 0.0
    precession = Shells(bands=gas, disorder=disorder, z=0.0, prescription="redfield").precession
    interband = _clean(gas, p)
    return GasResponse(
        conductivity=0.5 * float(np.sum(measure * speed * h)),
        spin=spin,
        spin_hall_interband=interband,
        spin_hall_acceleration=acceleration,
        spin_hall_current=interband + acceleration,
        certificates={"neglected": 1 / precession},
        outcome=EXACT,
    )


def _clean(gas: Bands, p: Any) -> float:
    """The spin Hall current of free precession in the window between the Fermi momenta."""
    x, w = gauss_nodes(NODES)
    k = p[0] + (p[1] - p[0]) / 2 * (1 + x)
    _, v, splitting, _ = gas.curves(k)
    return float(-UNIT * gas.N * np.sum((p[1] - p[0]) / 2 * w * v / splitting) / (8 * np.pi))
