r"""Densities and radial currents that sources at contacts make in the metal.

.. math:: \delta G^<(\mathbf r,\mathbf r) = \sum_{ij} \left[ g^r T^r_{ij} g^< + g^< T^a_{ij} g^a
          + g^r T^<_{ij} g^a \right]

is regrouped into a part that is analytic in the upper half plane, summed over Matsubara energies, and
a part :math:`g^r V[G^< + f(G^r - G^a)]V^+ g^a` that lives in the bias window.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.numerics.quadrature import (
    BLOCK_NODES,
    PANEL_NODES,
    cleared_edges,
    gauss_panels,
    half_line,
    odd_sum,
)
from chirospin.spinterface.algebra import Parts, partition
from chirospin.spinterface.emission import Emission
from chirospin.spinterface.green import Metal, components
from chirospin.spinterface.model import Drive

Real = NDArray[np.float64]
Complex = NDArray[Any]
DECAY = 22.0  # exponents beyond which exp(-2 x) is left out
TAIL = 40.0  # of the Fermi functions, in k_B T
BLOCK = 1_000_000  # Green functions at a time
FEWER = 0.75  # of the nodes, for the estimate of the error


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where densities are wanted, seen from each contact.

    Parameters
    ----------
    distance : shape (C, P), nm
    direction : that multiplies g1, shape (C, P, 3)
    """

    distance: Real
    direction: Real

    def nearest(self, metal: Metal) -> float:
        """From the surface of a contact to the nearest place, nm."""
        return float(self.distance.min()) - metal.radius

    def part(self, chosen: slice | NDArray[np.int_]) -> Places:
        """Some of the places."""
        return Places(distance=self.distance[:, chosen], direction=self.direction[:, chosen])


@dataclass(frozen=True, kw_only=True)
class DensityAndFlow:
    """Density and radial current, complex until the last step.

    Parameters
    ----------
    density : half the trace with 1 and sigma
    flow : charge current along the direction, shape (P,), and spin current, (P, 3); None if not wanted
    """

    density: Parts
    flow: tuple[Complex, Complex] | None

    def __add__(self, other: DensityAndFlow) -> DensityAndFlow:
        flow = None
        if self.flow is not None and other.flow is not None:
            flow = (self.flow[0] + other.flow[0], self.flow[1] + other.flow[1])
        return DensityAndFlow(density=self.density + other.density, flow=flow)

    @property
    def real(self) -> DensityAndFlow:
        """The real parts."""
        flow = None if self.flow is None else (self.flow[0].real, self.flow[1].real)
        return DensityAndFlow(density=self.density.real, flow=flow)


def respond(
    metal: Metal, places: Places, kappa: Complex, T: Complex, *, advanced: bool, flow: bool
) -> DensityAndFlow:
    r"""Sum over energies of g(r) T g, with the right factor g(-r) or, if advanced, g^a(-r).

    Parameters
    ----------
    kappa : shape (N,)
    T : with the weights of the sum, shape (N, C, C, 4)
    flow : also the radial currents; with a single contact
    """
    count = places.distance.shape[1]
    size = max(1, BLOCK // max(1, kappa.size))
    blocks = [
        _block(metal, places.part(slice(n, n + size)), kappa, T, advanced=advanced, flow=flow)
        for n in range(0, count, size)
    ]
    if len(blocks) == 1:
        return blocks[0]
    joined = [
        np.concatenate([getattr(b.density, name) for b in blocks])
        for name in ("scalar", "mol", "sub", "mix")
    ]
    flows = None
    if flow:
        flows = (
            np.concatenate([b.flow[0] for b in blocks if b.flow]),
            np.concatenate([b.flow[1] for b in blocks if b.flow]),
        )
    density = Parts(scalar=joined[0], mol=joined[1], sub=joined[2], mix=joined[3])
    return DensityAndFlow(density=density, flow=flows)


def _block(
    metal: Metal, places: Places, kappa: Complex, T: Complex, *, advanced: bool, flow: bool
) -> DensityAndFlow:
    left = [components(metal, r[:, None], kappa[None], slopes=flow) for r in places.distance]
    right = [
        tuple(np.conj(g) for g in four) if advanced else (four[0], -four[1], four[2], -four[3])
        for four in left
    ]
    total: DensityAndFlow | None = None
    for i, g in enumerate(left):
        for j, h in enumerate(right):
            u, v, S = places.direction[i], places.direction[j], T[:, i, j]
            density = _sandwich(g[0], g[1], h[0], h[1], S, u, v)
            currents = None
            if flow:
                before = _sandwich(g[2], g[3], h[0], h[1], S, u, v)
                after = _sandwich(g[0], g[1], h[2], h[3], S, u, v)
                currents = _currents(metal, density, before, after, u)
            density_and_flow = DensityAndFlow(density=density, flow=currents)
            total = density_and_flow if total is None else total + density_and_flow
    assert total is not None
    return total


def _sandwich(
    g0: Complex, g1: Complex, h0: Complex, h1: Complex, S: Complex, u: Real, v: Real
) -> Parts:
    return partition((g0 * h0) @ S, (g0 * h1) @ S, (g1 * h0) @ S, (g1 * h1) @ S, u, v)


def _currents(
    metal: Metal, density: Parts, before: Parts, after: Parts, u: Real
) -> tuple[Complex, Complex]:
    r"""Charge and spin current along the direction from the operator k/N0 + alpha sigma.

    .. math:: j = \mathrm{sp}\left[\frac{\partial_r - \partial_{r'}}{2iN_0}
              + \alpha\,\mathbf u\cdot\boldsymbol\sigma\right] G^<, \qquad
              \mathbf J = \mathrm{sp}\tfrac12\boldsymbol\sigma
              \frac{\partial_r - \partial_{r'}}{2iN_0} G^< + \tfrac12\alpha\,\mathbf u\,\mathrm{sp}\,G^<
    """
    turn = 1 / (2j * metal.N0)
    charge = 2 * turn * (before.scalar - after.scalar)
    charge = charge + 2 * metal.alpha * (u * density.vector).sum(axis=-1)
    spin = turn * (before.vector - after.vector) + metal.alpha * u * density.scalar[..., None]
    return charge, spin


def equilibrium_response(
    metal: Metal,
    emission: Emission,
    kT: float,
    places: Places,
    *,
    flow: bool,
    nodes: int = BLOCK_NODES,
) -> tuple[DensityAndFlow, int]:
    r"""The part that remains without bias, and the number of energies.

    .. math:: 2k_BT\,\mathrm{Re}\sum_{n\ge0} F(i\omega_n), \qquad
              \frac1\pi\mathrm{Re}\int_0^\infty F(iy)\,dy \quad (T = 0)
    """
    top = (DECAY / places.nearest(metal)) ** 2 / metal.N0 + abs(metal.bottom)
    y, w = odd_sum(2 * np.pi * kT, top, nodes) if kT > 0 else half_line(top, nodes)
    z = 1j * y
    kappa = metal.kappa(z)
    T = emission.transfer(z, kappa) * (w / np.pi)[:, None, None, None]
    return respond(metal, places, kappa, T, advanced=False, flow=flow).real, y.size


def energy_of(metal: Metal, q: Real) -> tuple[Real, Complex]:
    """Energy and kappa at signed momenta: q above the band bottom, i|q| below it."""
    return metal.bottom + q * np.abs(q) / (2 * metal.N0), np.where(q < 0, -1j * q, q + 0j)


def momentum_of(metal: Metal, energy: float) -> float:
    """The inverse of :func:`energy_of`."""
    above = energy - metal.bottom
    return float(np.copysign(np.sqrt(2 * metal.N0 * abs(above)), above))


def real_axis(
    metal: Metal,
    singular: Complex,
    low: float,
    high: float,
    marks: tuple[float, ...],
    nodes: int = PANEL_NODES,
    longest: float = np.inf,
) -> tuple[Real, Real]:
    """Signed momenta between two of them, and weights of an integral over energy.

    Parameters
    ----------
    singular : momenta kappa of both sheets that panels keep away from
    marks : momenta where the integrand has a step or a kink
    longest : panel allowed
    """
    kinks = [metal.a, -metal.a, 0.0] if metal.d == 2 else []  # logarithms in two dimensions
    both = np.concatenate([singular, singular.conj(), kinks])
    edges: list[Real] = []
    cuts = sorted({low, high, *(m for m in (0.0, *marks) if low < m < high)})
    for start, stop in itertools.pairwise(cuts):
        near = both if start >= 0 else np.concatenate([1j * both, -1j * both])
        count = max(1, int(np.ceil((stop - start) / longest)))
        pieces = np.linspace(start, stop, count + 1)
        for left, right in itertools.pairwise(pieces):
            edges.append(cleared_edges(left, right, near))
    if not edges:
        return np.zeros(0), np.zeros(0)
    q, w = (np.concatenate(v) for v in zip(*(gauss_panels(e, nodes) for e in edges), strict=True))
    return q, w * np.abs(q) / metal.N0


def bias_window(metal: Metal, drive: Drive) -> tuple[float, float, tuple[float, ...]]:
    """Signed momenta between which the occupations differ, and the steps at zero temperature."""
    hot = TAIL * max(drive.thermal_energy, drive.lead_thermal_energy)
    ends = (min(0.0, drive.mu) - hot, max(0.0, drive.mu) + hot)
    low, high, zero, mu = (momentum_of(metal, e) for e in (*ends, 0.0, drive.mu))
    return low, high, (zero, mu)


def driven_response(
    metal: Metal,
    emission: Emission,
    drive: Drive,
    places: Places,
    *,
    flow: bool,
    nodes: int = PANEL_NODES,
) -> tuple[DensityAndFlow | None, int]:
    """The part that bias or a hotter lead drives; None in equilibrium."""
    if drive.equilibrium:
        return None, 0
    low, high, marks = bias_window(metal, drive)
    low = max(low, -DECAY / places.nearest(metal))
    q, w = real_axis(metal, emission.singular(), low, high, marks, nodes)
    energy, kappa = energy_of(metal, q)
    T = emission.driven(energy, kappa) * (w / (2j * np.pi))[:, None, None, None]
    return respond(metal, places, kappa, T, advanced=True, flow=flow).real, q.size
