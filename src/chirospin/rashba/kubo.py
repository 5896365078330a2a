"""The conserving self-consistent Born approximation with ladder, at imaginary frequency."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.rashba.bands import Bands
from chirospin.rashba.model import RashbaGas, bands, complex_frequency, correlator
from chirospin.rashba.shells import UNIT
from chirospin.rashba.state import UNKNOWN, GasResponse
from chirospin.rashba.unsplit import unsplit_response

Complex = NDArray[np.complex128]
FARTHEST = (
    300.0  # largest Matsubara energy over the largest energy of the gas; a 1/x^2 tail follows
)
NEWTON = 60
NEAR, BETWEEN = 0.2, 12  # share of the distance from the cut, and Gauss nodes on it: to 1e-15
RATIO = 2.0  # of neighbouring panels of the Matsubara energy


class Kubo(Method):
    r"""Kubo formula with the self-energy :math:`\Sigma = W g(z - \Sigma)` and its ladder.

    .. math:: X = \frac{Wb}{1-Wc}, \quad \Pi_\sigma = \frac{2b}{1-Wc}, \quad
              \Pi_q = i\left(\tfrac{\alpha}{2} + X\right)\int\frac{p}{2m}(g_0g_1' - g_1g_0')

    The cutoff of the self-energy is absorbed in the chemical potential, so that E_F is kept.
    """

    name: ClassVar[str] = "kubo"
    summary: ClassVar[str] = "conserving Born approximation with ladder, imaginary frequency"
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    nodes: int = Field(default=12, ge=4, le=200, description="Gauss nodes in a panel of energy")
    tolerance: float = Field(
        default=1e-6, ge=1e-18, le=1e-2, description="largest change with more nodes"
    )

    def solve_many(self, models: Sequence[RashbaGas]) -> Iterator[GasResponse]:
        """One response per model."""
        return map(self._response, models)

    def _response(self, model: RashbaGas) -> GasResponse:
        gas, disorder, z = bands(model), correlator(model), complex_frequency(model)
        if disorder.kind != "delta":
            raise ModelError(
                f"Parameter `disorder` must be delta for the method kubo, but is {disorder.kind}"
            )
        if gas.unsplit:
            return replace(unsplit_response(gas, disorder, z), conductivity=UNKNOWN)
        if gas.step is None or gas.N != 1:
            raise ModelError(
                "Parameters `winding` and `splitting_power` must be 1, `nonparabolicity` 0, `splitting` and "
                "`dispersion` the built-in ones for the method kubo, but are not; use kinetic"
            )
        if gas.T:
            raise ModelError(
                f"Parameter `thermal_energy` must be 0 (in eV) for the method kubo, but is {gas.T:g}"
            )
        if z.real or not z.imag:
            raise ModelError(
                "Parameter `imaginary_frequency` must be > 0 and `frequency` 0 (in eV) for the method "
                f"kubo, but they are {z.imag:g} and {z.real:g}; use kinetic"
            )
        fine, coarse = (
            _integrated(gas, disorder.w0, z.imag, n) for n in (2 * self.nodes, self.nodes)
        )
        spin, q = fine
        size = gas.step / (4 * math.pi * disorder.w0)
        error = max(abs(fine[0] - coarse[0]) / size, abs(fine[1] - coarse[1]))
        balance = abs(q - z.imag * 2 * spin * UNIT / (2 * gas.step))
        good = error <= self.tolerance
        return GasResponse(
            spin=spin,
            spin_hall_current=q,
            errors=(math.nan, error * size, error),
            certificates={
                "integration": error,
                "ward_identity": balance,
                "good_metal": disorder.w0 / max(gas.mu - gas.bottom, 1e-300),
            },
            outcome=Outcome(
                converged=good,
                residual=error,
                iterations=NEWTON,
                reason=""
                if good
                else f"the response changes by {error:.1e} with nodes at Omega tau = "
                f"{z.imag / disorder.w0:.1e}: raise nodes; near rest, where the sum over energies cancels, "
                "use kinetic",
            ),
        )


def _integrated(gas: Bands, w: float, omega: float, nodes: int) -> tuple[float, float]:
    """Spin per force and spin Hall current in eE/8 pi."""
    smallest = min(w, omega, abs(gas.mu) or w)
    x, weight = gauss_nodes(nodes)
    farthest = FARTHEST * max(w, omega, abs(gas.mu), gas.mu - gas.bottom)
    panels = math.ceil(math.log(farthest / smallest * 16, RATIO)) + 1
    edges = np.concatenate([[0.0], smallest / 16 * RATIO ** np.arange(panels)])
    half = np.diff(edges)[:, None] / 2
    outer, outer_weight = (edges[:-1, None] + half * (1 + x)).ravel(), (half * weight).ravel()
    pieces = math.ceil(math.log2(max(2.0, omega / smallest * 16))) + 1
    graded = omega / 2 * np.concatenate([[0.0], 0.5 ** np.arange(pieces)[::-1]])
    cuts = np.concatenate([graded, (omega - graded)[::-1][1:]]) - omega
    half = np.diff(cuts)[:, None] / 2
    inner, inner_weight = (cuts[:-1, None] + half * (1 + x)).ravel(), (half * weight).ravel()
    at = np.concatenate([outer, inner, edges[-1:]])
    weights = np.concatenate([2 * outer_weight, inner_weight, 2 * edges[-1:]]) / (2 * np.pi * omega)
    spin, q = _bubbles(gas, w, _shifted(gas, w, at + omega), _shifted(gas, w, at))
    return 0.5 * float(np.sum(weights * spin.real)), UNIT * float(np.sum(weights * q.real))


def _local(gas: Bands, zeta: Complex) -> tuple[Complex, Complex]:
    """Traced Green function without its cutoff, and its slope."""
    assert gas.step is not None
    a = gas.step / 2
    kappa = np.sqrt(2 * gas.m * zeta + a**2)
    ratio = np.log((kappa + a) / (kappa - a))
    value = np.log(-zeta) + a / kappa * ratio
    slope = (
        1 / zeta
        - a * gas.m / kappa**3 * ratio
        - a / kappa * 2 * a * gas.m / kappa / (kappa**2 - a**2)
    )
    scale = gas.m / (2 * np.pi)
    return np.asarray(scale * value, np.complex128), np.asarray(scale * slope, np.complex128)


def _shifted(gas: Bands, w: float, omega: Any) -> Complex:
    """z - Sigma at Matsubara energies, whose limit at zero energy has the real part E_F."""
    W = w / gas.m
    fermi = np.array([gas.mu + 0.5j * w])
    for _ in range(NEWTON):
        fermi = gas.mu + 1j * np.maximum(-W * _local(gas, fermi)[0].imag, 1e-300)
    shift = (W * _local(gas, fermi)[0]).real
    size = np.abs(omega)
    zeta = gas.mu + 1j * (size + fermi.imag)
    for _ in range(NEWTON):
        g, slope = _local(gas, zeta)
        step = (zeta - gas.mu - shift - 1j * size + W * g) / (1 + W * slope)
        zeta = zeta - step
        zeta = zeta.real + 1j * np.maximum(zeta.imag, size)
        if np.abs(step / zeta).max() < 1e-15:
            break
    return np.asarray(np.where(omega >= 0, zeta, zeta.conj()))


def _bubbles(gas: Bands, w: float, upper: Complex, lower: Complex) -> tuple[Complex, Complex]:
    """Pi_sigma and Pi_q of Green functions at two energies."""
    assert gas.step is not None
    m, W, alpha = gas.m, w / gas.m, gas.step / gas.m
    pair = {(s, t): _pair(gas, upper, s, lower, t) for s in (1, -1) for t in (1, -1)}
    c = 0.25 * sum(one for one, _ in pair.values())
    b = 0.25 / m * (pair[1, 1][1] - pair[-1, -1][1]) + 0.5 * alpha * c
    X = W * b / (1 - W * c)
    twist = 0.25 / m * (pair[-1, 1][1] - pair[1, -1][1])
    twisted: Complex = 1j * (0.5 * alpha + X) * twist
    spin: Complex = 2 * b / (1 - W * c)
    return spin, twisted


def _pair(gas: Bands, zeta: Complex, s: int, other: Complex, t: int) -> tuple[Complex, Complex]:
    r"""Integrals of p and p^2 over 2 pi times the product of two band Green functions.

    .. math:: \int_0^\infty p^k R(p)\,dp = -\sum_i p_i^k \mathrm{Res}_i \ln(-p_i)
    """
    first, second = _apart(gas, zeta, s, other, t)
    near = np.abs(other - zeta) < NEAR * np.minimum(np.abs(zeta.imag), np.abs(other.imag))
    near &= zeta.imag * other.imag > 0
    if s == t and near.any():
        first[near], second[near] = _together(gas, zeta[near], other[near], s)
    return first / (2 * np.pi), second / (2 * np.pi)


def _apart(gas: Bands, zeta: Complex, s: int, other: Complex, t: int) -> tuple[Complex, Complex]:
    """The integrals by four poles, which lose digits where two of them are one."""
    assert gas.step is not None
    m, a = gas.m, gas.step / 2
    kappa, kappa1 = (np.sqrt(2 * m * e + a**2) for e in (zeta, other))
    first, second = np.zeros_like(zeta), np.zeros_like(zeta)
    with np.errstate(divide="ignore", invalid="ignore"):  # equal energies: _together has them
        for pole, root in [(kappa - s * a, kappa), (-kappa - s * a, -kappa)]:
            residue = -m / root * 2 * m / (kappa1**2 - (pole + t * a) ** 2)
            first = first - pole * residue * np.log(-pole)
            second = second - pole**2 * residue * np.log(-pole)
        for pole, root in [(kappa1 - t * a, kappa1), (-kappa1 - t * a, -kappa1)]:
            residue = -m / root * 2 * m / (kappa**2 - (pole + s * a) ** 2)
            first = first - pole * residue * np.log(-pole)
            second = second - pole**2 * residue * np.log(-pole)
    return first, second


def _together(gas: Bands, zeta: Complex, other: Complex, s: int) -> tuple[Complex, Complex]:
    r"""The integrals for one band at two near energies, as the mean of those at equal energies.

    .. math:: G(\zeta)G(\zeta') = \int_0^1 G^2\big(\zeta + u(\zeta' - \zeta)\big)\,du
    """
    assert gas.step is not None
    m, a = gas.m, gas.step / 2
    u, weight = gauss_nodes(BETWEEN)
    kappa = np.sqrt(2 * m * (zeta + (other - zeta) * 0.5 * (1 + u[:, None])) + a**2)
    first, second = np.zeros_like(zeta), np.zeros_like(zeta)
    for root in (kappa, -kappa):
        pole = root - s * a
        log = np.log(-pole)
        for k, total in ((1, first), (2, second)):
            slope = pole ** (k - 1) * (k * log + 1) / root**2 - pole**k * log / root**3
            total -= m**2 * 0.5 * weight @ slope
    return first, second
