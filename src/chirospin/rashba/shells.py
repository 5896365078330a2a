r"""Observables as integrals over chains: :math:`O = \int dp\, D(p)\cdot Y(p)` with :math:`L^T Y = o`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.numerics.quadrature import gauss_nodes
from chirospin.rashba.bands import THERMAL_REACH, Bands
from chirospin.rashba.block_tridiagonal import BlockTridiagonal
from chirospin.rashba.chain import (
    ACROSS,
    ALONG,
    CHARGE,
    OUT,
    Chain,
    build_chain,
    collision_blocks,
    kinetic_blocks,
)
from chirospin.rashba.disorder import Correlator

Array = NDArray[np.float64]
Values = NDArray[Any]
CURRENT, SPIN, SPIN_HALL = range(3)
UNIT = 8 * np.pi  # q_yz in eE/8 pi
PANEL = 6.0  # k_B T / v_F of the narrowest panel
PANEL_GROWTH = 0.5  # of the distance to the Fermi momenta
OFF_CENTRE = 1e-9  # of the van Hove momentum: where chains that would meet p = 0 are looked at
SMALLEST = 1e-9  # panel, relative to the window
MOST_IMAGES = 400  # steps of the chain over which break points are followed
ROUNDING = 1e-11  # of the terms of a conservation law, below which their sum is zero
SLOW, REFINEMENTS = 0.5, 2  # splitting x time below which the spin is refined, and how often
CANCELLED = 1e-14  # of a difference of two numbers, below which they are equal
THERE_AND_BACK = 0.5  # of a chain: what is farther away returns below its truncation
SAMPLE = 200  # links over which conservation is looked at
LAYER, LAYER_RATIO = 0.2, 4.0  # finest panel next to an image, ratio of neighbours
FINEST = 1e-6  # of the van Hove momentum, the finest panel of all
UPWARD = 0.6  # links above over links below at small splitting
BATCH = 200_000  # momenta solved at a time


@dataclass(frozen=True, kw_only=True)
class Shells:
    """The linear response of one gas.

    Parameters
    ----------
    z : complex frequency, eV
    prescription : energies of the collision term
    interband : whether collisions join both bands
    """

    bands: Bands
    disorder: Correlator
    z: complex
    prescription: str
    interband: bool = True

    @cached_property
    def fermi(self) -> tuple[float, float]:
        """Inner and outer momentum of the window between both Fermi seas, or of a thermal one."""
        bands = self.bands
        if bands.T == 0 or bands.mu > bands.crossing:
            (inner, _, _), (outer, _, _) = bands.fermi_points
            return inner, outer
        if bands.minimum and bands.crossing - bands.bottom > bands.T:
            edge = bands.below(np.array([bands.minimum * OFF_CENTRE]))[0][0]
            return bands.minimum * OFF_CENTRE, float(edge)
        start = np.array([bands.crossing + bands.T])
        low = bands.inverse(start, 1, 0.0, bands.scale, np.array([bands.scale / 2]))
        return float(low[0]), float(bands.above(low)[0][0])

    @cached_property
    def rate(self) -> float:
        """Transport rate on the outer Fermi circle in the lower band, eV."""
        p = np.array([self.fermi[1]])
        (d,) = self.disorder.transport(p, (1,))
        v = abs(float(self.bands.curves(p)[1][0]))
        return float(d[0] * p[0] / (self.bands.m * v))

    @cached_property
    def precession(self) -> float:
        """Splitting x transport time on the outer Fermi circle."""
        return float(self.bands.curves(np.array([self.fermi[1]]))[2][0] / self.rate)

    @property
    def conserving(self) -> bool:
        """Whether collisions conserve the total spin in the harmonics of the response."""
        return abs(self.bands.N) == 1

    def chain(self, start: Array, down: int, up: int) -> Chain:
        if self.interband:
            return build_chain(self.bands, start, down, up)
        chain = build_chain(self.bands, start, down, up)
        return replace(chain, linked=np.zeros_like(chain.linked))

    def charges(self, chain: Chain) -> Values:
        """The weight u = J p (0, 1, N, 0) of the total spin along y."""
        u = chain.jacobian * chain.p
        return np.stack([0 * u, u, self.bands.N * u, 0 * u], axis=-1)

    def weights(self, chain: Chain) -> Values:
        """Momentum densities of current, spin and spin Hall current, shape (chains, K, 4, 3)."""
        p = chain.p
        _, v, splitting, slope = self.bands.curves(p)
        measure = chain.jacobian * p / (2 * np.pi)
        o = np.zeros((*p.shape, 4, 3))
        o[..., CHARGE, CURRENT] = measure * v
        o[..., ALONG, CURRENT] = measure * slope / 2
        o[..., ACROSS, CURRENT] = measure * self.bands.N * splitting / (2 * p)
        if self.conserving:
            o[..., SPIN] = self.charges(chain) / (4 * np.pi)
        o[..., OUT, SPIN_HALL] = UNIT * measure * v / 2
        return o

    @cached_property
    def _spin_to_current(self) -> float:
        """The multiple of u that gives the spin Hall current of a linear splitting."""
        _, v, splitting, _ = self.bands.curves(np.array([self.fermi[1]]))
        return float(UNIT * v[0] / (4 * np.pi * splitting[0])) if self.conserving else 0.0

    @cached_property
    def _slow(self) -> complex:
        """The multiple of u in the adjoint of the spin; it contributes nothing and is left out."""
        if not self.conserving:
            return 0.0
        reach = 12 + math.ceil(12 / self.precession)
        chain = self.chain(np.array([self.fermi[1]]), reach, reach)
        Y = self.operator(chain).solve(self.weights(chain)[..., SPIN:SPIN_HALL])
        value = Y[0, chain.start, ALONG, 0] / chain.p[0, chain.start]
        return complex(value) if self.z.real else float(value.real)

    def operator(self, chain: Chain) -> BlockTridiagonal:
        return kinetic_blocks(
            self.bands, self.disorder, chain, self.z, self.prescription
        ).transposed

    def adjoint(self, chain: Chain, slow: float = 1.0) -> Values:
        r"""Solutions of L^T Y = o less multiples of u, which are known.

        With :math:`L^T u = J p \Delta \hat z + i z u` the spin and the spin Hall current are nearly
        multiples of u, and a constant multiple gives no response; the rest has no cancellation.

        Parameters
        ----------
        slow : factor of the multiple left out of the spin; results depend on it by rounding alone
        """
        o = self.weights(chain)
        operator = self.operator(chain)
        if not self.conserving:
            return operator.solve(o)
        u, image = self.charges(chain), self._image(chain, operator)
        share = np.array([0, slow * self._slow, self._spin_to_current])
        rest = o - image[..., None] * share
        rest[..., SPIN_HALL] *= np.abs(rest[..., SPIN_HALL]) > CANCELLED * np.abs(o[..., SPIN_HALL])
        o = rest
        Y = operator.solve(o)
        if self.precession < SLOW:
            for _ in range(REFINEMENTS):
                rest = o[..., SPIN] - self._applied(operator, u, image, Y[..., SPIN])
                Y[..., SPIN] += operator.solve(rest[..., None])[..., 0]
        return Y

    def _applied(self, operator: BlockTridiagonal, u: Values, image: Values, Y: Values) -> Values:
        """L^T Y, where multiples c_k of u enter by their differences between neighbours."""
        c = (u * Y).sum(axis=-1, keepdims=True) / (u * u).sum(axis=-1, keepdims=True)
        out = c * image + operator.apply((Y - c * u)[..., None])[..., 0]
        change = np.diff(c, axis=1)
        out[:, :-1] += change * (operator.upper @ u[:, 1:, :, None])[..., 0]
        out[:, 1:] -= change * (operator.lower @ u[:, :-1, :, None])[..., 0]
        return np.asarray(out)

    def _image(self, chain: Chain, operator: BlockTridiagonal) -> Values:
        """L^T u: precession and frequency, and what collisions fail to conserve beyond rounding."""
        u = self.charges(chain)
        image = 1j * self.z * u if self.z.real else (1j * self.z).real * u
        image[..., OUT] += u[..., ALONG] * self.bands.curves(chain.p)[2]
        lost = operator.apply(u[..., None])[..., 0] - image
        size = BlockTridiagonal(
            diagonal=np.abs(operator.diagonal),
            upper=np.abs(operator.upper),
            lower=np.abs(operator.lower),
        ).apply(np.abs(u)[..., None])[..., 0]
        size = size.max(axis=-1, keepdims=True)
        return np.asarray(image + np.where(np.abs(lost) > ROUNDING * size, lost, 0.0))

    def _upward(self, reach: int) -> int:
        """Links above the start: coherences end sooner where the splitting is larger."""
        return math.ceil(UPWARD * reach) if self.precession < SLOW else reach

    def at_fermi_momenta(self, reach: int) -> Values:
        """Adjoint at both ends of the window over its natural size, shape (2, 4, 3).

        The multiple of u at the outer end is taken off both, since it gives no response.
        """
        chain = self.chain(np.array(self.fermi), reach, self._upward(reach))
        Y = self.adjoint(chain)[:, chain.start]
        size = np.maximum(np.abs(Y).max(axis=(0, 1)), 1e-300)
        if self.conserving:
            u = self.charges(chain)[:, chain.start]
            common = (u[1] @ Y[1]) / (u[1] @ u[1])
            Y = Y - u[..., None] * common
            size = np.array([size[CURRENT], self.spin_scale, self._spin_to_current * self.fermi[1]])
        return np.asarray(Y / size)

    def change(self, values: Values, others: Values) -> float:
        """Largest difference of current, spin and spin Hall current over their natural sizes."""
        size = np.array([abs(values[CURRENT].sum()) or 1.0, self.spin_scale, 1.0])
        return float((np.abs((values - others).sum(axis=1)) / size).max())

    @cached_property
    def spin_scale(self) -> float:
        """Spin density per force of a clean gas with the transport time, 1/(eV nm)."""
        if not self.conserving:
            return 1.0
        _, v, splitting, _ = self.bands.curves(np.array([self.fermi[1]]))
        return float(splitting[0] / (4 * np.pi * v[0] * self.rate))

    def conservation(self, reach: int) -> float:
        """Largest change of the total spin in a collision, over the largest of its terms."""
        reach = min(reach, SAMPLE)
        chain = self.chain(np.array(self.fermi), reach, reach)
        St = collision_blocks(self.bands, self.disorder, chain, self.prescription).transposed
        u = self.charges(chain)[..., None]
        size = BlockTridiagonal(
            diagonal=np.abs(St.diagonal), upper=np.abs(St.upper), lower=np.abs(St.lower)
        ).apply(np.abs(u))
        return float((np.abs(St.apply(u)) / np.maximum(size, 1e-300)).max())

    def identities(self, values: Values) -> dict[str, float]:
        r"""How far the balance of the total spin is off, in eE/8 pi, where it must hold.

        .. math:: -iz\langle\sigma_y\rangle = 2 m\alpha\, q_{yz}, \qquad
                  q_\mathrm{inter} = -\bar f, \quad q_\mathrm{acc} = \bar f

        The second holds at zero frequency.
        """
        if self.bands.step is None or not self.conserving:
            return {}
        total = 2 * values[SPIN].sum()  # sigma_y
        balance = values[SPIN_HALL].sum() + 1j * complex(self.z) * total * UNIT * self.bands.N / (
            2 * self.bands.step
        )
        found = {"identity": float(abs(balance))}
        if not self.z:
            share = self.bands.N * self.filling
            found["universal"] = float(
                max(abs(values[SPIN_HALL, 0] + share), abs(values[SPIN_HALL, 1] - share))
            )
        return found

    @cached_property
    def filling(self) -> float:
        r"""Mean occupation across the splitting, 1 for a degenerate gas above the crossing.

        .. math:: \bar f = \frac{1}{m\alpha}\int_{-m\alpha/2}^{m\alpha/2}
                  f^0\!\left(\frac{K^2 - m^2\alpha^2/4}{2m}\right) dK
        """
        bands = self.bands
        assert bands.step is not None
        if bands.T == 0:
            reach = np.sqrt(2 * bands.m * bands.mu + bands.step**2 / 4)
            return float(min(1.0, 2 * reach / bands.step))
        K = bands.step / 2
        width = PANEL * bands.T * 2 * bands.m / bands.step
        panels = min(2000, math.ceil(K / width) + 1)
        x, w = gauss_nodes(24)
        edges = np.linspace(0, K, panels + 1)
        half = np.diff(edges)[:, None] / 2
        k, weight = (edges[:-1, None] + half * (1 + x)), half * w
        energy = (k**2 - K**2) / (2 * bands.m)
        f = 0.5 * (1 - np.tanh((energy - bands.mu) / (2 * bands.T)))
        return float((weight * f).sum() / K)

    @cached_property
    def inverse_good_metal(self) -> float:
        """Transport rate over the Fermi energy, measured from the bottom."""
        return self.rate / max(self.bands.mu - self.bands.bottom, self.bands.T, 1e-300)

    @cached_property
    def low_momenta(self) -> float:
        """Width of the window between the Fermi momenta over the inner one."""
        inner, outer = self.fermi
        return (outer - inner) / inner if inner else math.inf

    @cached_property
    def range_over_path(self) -> float:
        """Range of an impurity over the mean free path."""
        v = abs(float(self.bands.curves(np.array([self.fermi[1]]))[1][0]))
        return self.disorder.range * self.rate / v

    def integrate(self, nodes: int, reach: int, slow: float = 1.0) -> tuple[Values, int]:
        """Observables by source (interband, acceleration), shape (3, 2), and the momenta solved."""
        total: Any = np.zeros((3, 2), complex if self.z.real else float)
        start, weight, points = self._nodes(nodes, reach)
        down, up = self._thermal_links
        size = max(1, BATCH // (2 * reach + down + up))
        for i in range(0, start.size, size):
            chain = self.chain(start[i : i + size], reach + down, self._upward(reach) + up)
            Y = self.adjoint(chain, slow)
            if self.conserving:
                Y[..., SPIN_HALL] += self._spin_to_current * self.charges(chain)
            total = total + self._contracted(chain, Y, weight[i : i + size], points[i : i + size])
        return total, start.size * (2 * reach + down + up + 1)

    def _contracted(self, chain: Chain, Y: Values, weight: Array, points: Array) -> Values:
        bands, p = self.bands, chain.p
        if bands.T == 0:
            Y, p = Y[:, chain.start], p[:, chain.start]
            inter = -0.5 * bands.N * np.einsum("c,co->o", weight / p, Y[:, ACROSS])
            band, step = points.T
            edge = 0.5 * step[:, None] * (Y[:, CHARGE] + band[:, None] * Y[:, ALONG])
            return np.stack([inter, edge.sum(axis=0)], axis=1)
        rising = ((chain.side > 0) & chain.present) * weight[:, None]
        f, slope = zip(*(self.occupation(p, band) for band in (1, -1)), strict=True)
        n, s = 0.5 * (slope[0] + slope[1]), 0.5 * (slope[0] - slope[1])
        inter = np.einsum("ck,cko->o", rising * bands.N * 0.5 * (f[0] - f[1]) / p, Y[:, :, ACROSS])
        edge = np.einsum("ck,cko->o", rising * n, Y[:, :, CHARGE])
        edge = edge + np.einsum("ck,cko->o", rising * s, Y[:, :, ALONG])
        return np.stack([inter, edge], axis=1)

    def occupation(self, p: Array, band: int) -> tuple[Array, Array]:
        """The Fermi function of a band and its slope in p."""
        bands = self.bands
        energy, velocity = bands.branch(p, band)
        f = 0.5 * (1 - np.tanh((energy - bands.mu) / (2 * bands.T)))
        return f, -f * (1 - f) * velocity / bands.T

    @cached_property
    def thermal_steps(self) -> tuple[float, float]:
        """Further links that the thermal window needs below and above the start, before rounding up."""
        bands = self.bands
        if bands.T == 0:
            return 0.0, 0.0
        low, high = bands.mu - THERMAL_REACH * bands.T, bands.mu + THERMAL_REACH * bands.T
        inner, outer = self.fermi
        if bands.step is not None:
            top = np.sqrt(2 * bands.m * high + bands.step**2 / 4) + bands.step / 2
            base = np.sqrt(max(0.0, 2 * bands.m * low)) if low > 0 else 0.0
            return max(0.0, (outer - base) / bands.step), max(0.0, (top - inner) / bands.step)
        return float(self._counted(inner, low, rising=False)), float(
            self._counted(outer, high, rising=True)
        )

    @property
    def _thermal_links(self) -> tuple[int, int]:
        down, up = self.thermal_steps
        return math.ceil(down), math.ceil(up)

    def _counted(self, p: float, energy: float, *, rising: bool) -> int:
        """Links from a momentum until the energy is passed, or the chain turns or ends."""
        bands, at = self.bands, np.array([p])
        for n in range(MOST_IMAGES):
            e = bands.energy(at, -1 if rising else 1)[0]
            if (e > energy) if rising else (e < energy):
                return n
            new, word = bands.above(at) if rising else bands.below(at)
            if not (word[0] > 0) or abs(new[0] - at[0]) < SMALLEST * p:
                return n
            at = new
        return MOST_IMAGES

    def _nodes(self, nodes: int, reach: int) -> tuple[Array, Array, Array]:
        """Start, weight, and (band, step) of each: Gauss nodes in panels, then Fermi momenta."""
        x, w = gauss_nodes(nodes)
        edges = self._panels(reach)
        half = np.diff(edges)[:, None] / 2
        start, weight = (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
        points = np.zeros((start.size, 2))
        if self.bands.T == 0:
            momentum, band, step = (
                np.array(c, float) for c in zip(*self.bands.fermi_points, strict=True)
            )
            start = np.concatenate([start, momentum])
            weight = np.concatenate([weight, 0 * momentum])
            points = np.concatenate([points, np.stack([band, step], axis=1)])
        return start, weight, points

    def _panels(self, reach: int) -> Array:
        """Edges of the Gauss panels in the window that every chain crosses once."""
        inner, outer = self.fermi
        images = sorted(self._images(inner, outer, reach))
        if images and not self.bands.minimum:
            images = [inner, *images, outer]
        inside = [p for p in (*images, *self._layers(images)) if inner < p < outer]
        edges = sorted([inner, *inside, outer])
        if self.bands.T:
            edges = list(self._graded(np.array(edges)))
        apart = np.concatenate([[True], np.diff(edges) > SMALLEST * (outer - inner)])
        kept: Array = np.array(edges)[apart]
        if self.bands.minimum and inner <= 2 * OFF_CENTRE * self.bands.minimum:
            kept[0], kept[-1] = 0.0, outer + inner  # Gauss nodes do not meet p = 0 and its image
        return kept

    def _layers(self, images: list[float]) -> Iterator[float]:
        """Panels that shrink towards images, where the response changes over p/(splitting x time)."""
        thin = (self.bands.minimum or self.fermi[1]) * max(
            LAYER / max(1.0, self.precession) ** 3, FINEST
        )
        for left, right in pairwise(images):
            width = (right - left) / LAYER_RATIO
            while width > thin:
                yield from (left + width, right - width)
                width /= LAYER_RATIO

    def _images(self, inner: float, outer: float, reach: int) -> Iterator[float]:
        """Momenta in and around the window whose chain passes p = 0 or the van Hove minimum."""
        bands = self.bands
        if np.isfinite(bands.top):
            p = np.array([bands.cap])
            for _ in range(MOST_IMAGES):
                p, band = bands.below(p)
                if p[0] <= inner or band[0] < 0:
                    break
                if p[0] < outer:
                    yield float(p[0])
        far = inner > THERE_AND_BACK * reach * (outer - inner) and not bands.T
        if far or not bands.minimum:
            return
        if bands.step is not None:
            first, last = (2 * p / bands.step for p in (inner, outer))
            yield from (n * bands.step / 2 for n in range(math.floor(first), math.ceil(last) + 1))
            return
        edge = bands.below(np.array([bands.minimum * 1e-9]))[0]
        yield 0.0
        for p in (np.array([bands.minimum]), edge):
            for _ in range(MOST_IMAGES):
                if p[0] > inner - (outer - inner):
                    yield float(p[0])
                if p[0] >= outer:
                    break
                p = bands.above(p)[0]

    def _graded(self, edges: Array) -> Iterator[float]:
        """Panels that resolve the thermal step near both ends, or near the Fermi momenta inside."""
        bands = self.bands
        centres, width = [edges[0], edges[-1]], np.inf
        if bands.mu > bands.bottom and bands.mu <= bands.crossing:
            centres += [p for p, _, _ in bands.fermi_points if edges[0] < p < edges[-1]]
            edges = np.unique(np.concatenate([edges, centres]))
        speeds = [
            abs(v) for c in centres for v in (bands.velocity(np.array([c]), b)[0] for b in (1, -1))
        ]
        width = PANEL * bands.T / max(*speeds, 1e-300)
        for low, high in pairwise(edges):
            p = low
            yield p
            while True:
                near = min(abs(p - c) for c in centres)
                ahead = min((c - p for c in centres if c > p), default=np.inf)
                step = max(width, PANEL_GROWTH * near)
                step = min(step, max(width, ahead / (1 + PANEL_GROWTH) * PANEL_GROWTH))
                if p + 1.3 * step >= high:
                    break
                p += step
                yield p
        yield edges[-1]
