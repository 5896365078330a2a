r"""The kinetic equation with a thermal window or tau(E): both orders, no delta functions.

Units v_F = tau_0 = q = l = m = 1 and E_0 = 1; u, tau, l, k_h and N_h depend on energy as in
:mod:`.energies`. First order :math:`f_1 = \phi_h(\epsilon)(-f_0')`, elastic, with the sources of
:mod:`.first_order`:

.. math::
   (\ell c\,\partial + 1)\phi_h = \ell cE_1 + (1-\eta)\nu_1(\epsilon) + \eta\nu_{1h}(\epsilon)
        + \tfrac{N}{2N_h}\,\ell^2 c\,d(c)\,[\delta(\xi) - \delta(\xi-L)]

Second order, where inelastic collisions hand the excess back as a thermal window, conserving the number of
carriers :math:`\sum\int f/\tau` that they scatter, as the paper does at T = 0:

.. math::
   (\ell c\,\partial + 1)f_{2h} = (-f_0')[\ell cE_2 + (1-\eta)\nu_2 + \eta\nu_{2h}]
        - E_1\tau\,\partial_{k_z} f_{1h}

Only moments of f_2 over energy are formed. With R the inverse of :math:`\ell c\,\partial + 1` and a weight W,
integration by parts leaves f_0' alone:

.. math::
   -\int d\epsilon\, W R[\ell c E_1 \partial_\epsilon(\phi(-f_0'))]
   = \int d\epsilon\,(-f_0')\,(W'\ell R + W\ell' R^2)[cE_1\phi]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.chiral_metal.energies import SIGNS, Energies
from chirospin.chiral_metal.model import Scales
from chirospin.chiral_metal.streaming import Mesh, Ordinates, Streaming

Array = NDArray[np.float64]
Beams = dict[int, Array]


@dataclass(frozen=True, eq=False, kw_only=True)
class Discretised:
    """One mesh for all energies, and the responses at each.

    Parameters
    ----------
    paths : mean free path of each energy over l
    planes : indices of the edges where current enters and leaves
    """

    mesh: Mesh
    ordinates: Ordinates
    paths: tuple[float, ...]
    planes: tuple[int, int]
    walls: bool

    @cached_property
    def streams(self) -> tuple[Streaming, ...]:
        """Streaming over each free path."""
        return tuple(
            Streaming(
                mesh=self.mesh, ordinates=self.ordinates, rate=1 / path, reflecting=self.walls
            )
            for path in self.paths
        )

    @cached_property
    def responses(self) -> tuple[tuple[Array, Array], ...]:
        r""":math:`\langle R\rangle` and :math:`\langle R\ell c\rangle` at each energy, (points, points)."""
        found = []
        for stream, path in zip(self.streams, self.paths, strict=True):
            mean, carried = stream.responses
            found.append((mean / path, carried))
            del stream.__dict__["responses"]  # kept here, scaled
        return tuple(found)

    @cached_property
    def closed(self) -> Array | float:
        """What a closed slab adds: its number of carriers is free, and zero here."""
        weights = self.mesh.weights.ravel()
        return np.asarray(weights / weights.sum()) if self.walls else 0.0

    @cached_property
    def scattered(self) -> list[tuple[Array, Array]]:
        """LU factors of 1 - <R> at each energy: elastic collisions give the excess back."""
        unit = np.eye(self.mesh.points.size)
        return [scipy.linalg.lu_factor(unit - mean + self.closed) for mean, _ in self.responses]

    def relax(self, i: int, source: Array, jumps: Beams) -> Array:
        """R at one energy, shape (..., way, ordinate, cell, node).

        A source s(c) at a plane makes a beam jump by s/(l c): l^2 c d(c) adds l d(c).
        """
        stream, path = self.streams[i], self.paths[i]
        return np.asarray(stream.solve(source / path, {k: v * path for k, v in jumps.items()}))

    def balanced(self, source: Array) -> Array:
        """A source of charge without what the grid lost of a closed slab's total."""
        if not self.walls:
            return source
        weights = self.mesh.weights.ravel()
        return np.asarray(source - weights @ source / weights.sum())


@lru_cache(maxsize=1)
def energies_on_mesh(
    edges: tuple[float, ...],
    order: int,
    ordinates: int,
    paths: tuple[float, ...],
    planes: tuple[int, int],
    *,
    walls: bool,
) -> Discretised:
    """Kept for models that share it."""
    return Discretised(
        mesh=Mesh(np.array(edges), order),
        ordinates=Ordinates.gauss(ordinates),
        paths=paths,
        planes=planes,
        walls=walls,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Driven:
    """What the first order drives at one energy, shape (helicity, way, ordinate, cell, node).

    Parameters
    ----------
    once, twice : R[c E_1 phi] and R of it
    turned : R[E_1 (1 - c^2) d(phi)/dc] / k_h
    """

    once: Array
    twice: Array
    turned: Array


class EnergyResolved:
    """Both orders at the energies of a rule.

    Parameters
    ----------
    here : scales of the model
    of : energies, the rule of the window
    grid : mesh and responses
    beams : what beams of the Fermi surface gain at each plane, (way, ordinate), before N/2N_h
    excess_density : whether collisions give the excess back
    """

    def __init__(
        self, scales: Scales, of: Energies, grid: Discretised, beams: Beams, *, excess_density: bool
    ) -> None:
        self.of, self.grid, self.beams = of, grid, beams
        self.a, self.memory, self.kept = scales.asymmetry, scales.memory, float(excess_density)
        self.states, self.slopes = of.states(self.a), of.states_slope(self.a)
        self.bottom_states = (1 + self.a**2) / np.pi**2  # N_0
        self.gauss = grid.mesh.antiderivative / scales.screening**2
        self.residual = 0.0
        self.charge_1, self.field_1, self.phi = self._first()
        self.driven = [self._drive(i) for i in range(of.speed.size)]
        self.charge_2, self.field_2, self.excess_2 = self._second()
        self.spread = [self._spread(i) for i in range(of.speed.size)]

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.grid.mesh.points.shape

    def _solve(self, matrix: Array, right: Array) -> Array:
        found = np.asarray(scipy.linalg.lu_solve(scipy.linalg.lu_factor(matrix), right))
        size = np.abs(right).max() + np.abs(found).max()
        self.residual = max(
            self.residual, float(np.abs(matrix @ found - right).max() / (size or 1.0))
        )
        return found

    def _first(self) -> tuple[Array, Array, list[Array]]:
        """Charge lambda^2 E', field, and phi at each energy."""
        grid, of = self.grid, self.of
        ordinates = grid.ordinates.cosines.size
        nothing = np.zeros((2, ordinates, *self._shape))
        shares = of.weight * self.states.sum(axis=0) / self.bottom_states
        ballistic, own, kept = [], [], []
        for i in range(of.speed.size):
            ballistic.append(grid.relax(i, nothing, self.beams))
            own.append(grid.balanced(grid.streams[i].moment(0, ballistic[i]).ravel()))
            _, carried = grid.responses[i]
            if self.kept:
                kept.append(
                    (
                        scipy.linalg.lu_solve(grid.scattered[i], own[i]),
                        scipy.linalg.lu_solve(grid.scattered[i], carried),
                    )
                )
            else:
                kept.append((own[i], carried))
        matrix = sum(n * response for n, (_, response) in zip(shares, kept, strict=True))
        source = sum(n * found for n, (found, _) in zip(shares, kept, strict=True))
        charge = self._solve(np.eye(source.size) - matrix @ self.gauss, source)
        field = self.gauss @ charge
        phi = [
            self._phi(i, kept[i][0] + kept[i][1] @ field, field, ballistic[i])
            for i in range(of.speed.size)
        ]
        return charge.reshape(self._shape), field.reshape(self._shape), phi

    def _phi(self, i: int, nu: Array, field: Array, beam: Array) -> Array:
        """The distribution at one energy, given its excess and the field."""
        grid, eta = self.grid, self.memory
        mean, carried = grid.responses[i]
        share = self.states[:, i].sum() / (2 * self.states[:, i])
        ballistic = grid.streams[i].moment(0, beam).ravel()
        by_helicity = np.stack([nu, nu])
        if eta:
            right = (1 - eta) * mean @ nu + carried @ field + share[:, None] * ballistic
            by_helicity = self._solve(np.eye(nu.size) - eta * mean, right.T).T
        back = self.kept * ((1 - eta) * nu + eta * by_helicity)
        source = self.of.path[i] * grid.streams[i].cosine() * field.reshape(self._shape)
        source = source + back.reshape(2, 1, 1, *self._shape)
        out = grid.relax(i, source, {})
        return np.asarray(out + share[:, None, None, None, None] * beam)

    def _drive(self, i: int) -> Driven:
        grid, stream, phi = self.grid, self.grid.streams[i], self.phi[i]
        c, E = stream.cosine(), self.field_1
        k = self.of.momentum(self.a)[:, i][:, None, None, None, None]
        once = grid.relax(i, c * E * phi, {})
        return Driven(
            once=once,
            twice=grid.relax(i, once, {}),
            turned=grid.relax(i, E * (1 - c**2) * stream.by_cosine(phi) / k, {}),
        )

    def _drawn(self, power: int, weight: Array, slope: Array) -> Array:
        r"""Moment with W c^n of the driven part of f_2, by helicity, (helicity, cell, node)."""
        of, total = self.of, np.zeros((2, *self._shape))
        for i, part in enumerate(self.driven):
            moment = self.grid.streams[i].moment
            W, dW = (x[:, i][:, None, None] for x in (weight, slope))
            found = dW * of.path[i] * moment(power, part.once)
            found += W * of.path_slope[i] * moment(power, part.twice)
            found -= W * of.time[i] * moment(power, part.turned)
            total += of.weight[i] * found
        return total

    def _rate_weight(self) -> tuple[Array, Array]:
        """N_h/tau and its slope: what collisions hand back."""
        of = self.of
        time_slope = 2 * of.exponent * of.time / of.speed**2
        rate = self.states / of.time
        return rate, self.slopes / of.time - rate * time_slope / of.time

    def _second(self) -> tuple[Array, Array, Array]:
        r"""Charge, field, and the excess of each kind that collisions tell apart.

        The unknowns are the excesses and the charge :math:`\lambda^2 E_2'`.
        """
        of, grid, eta = self.of, self.grid, self.memory
        rate, rate_slope = self._rate_weight()
        joined = not eta
        rates = rate.sum(axis=0)[None] if joined else rate
        gained = self._drawn(0, rate, rate_slope)
        gained = gained.sum(axis=0)[None] if joined else gained
        count, points = len(rates), grid.mesh.points.size
        totals = of.mean(rates)
        matrix = np.eye((count + 1) * points)
        blocks = matrix.reshape(count + 1, points, count + 1, points)
        rows = [*(r / t for r, t in zip(rates, totals, strict=True))]
        rows.append(self.states.sum(axis=0) / self.bottom_states)
        each = [*rows[:-1], *((self.states / self.bottom_states) if not joined else rows[-1:])]
        for s, row in enumerate(rows):
            mean = self.kept * _sum(of.weight * row, [m for m, _ in grid.responses])
            carried = _sum(of.weight * row, [c for _, c in grid.responses]) @ self.gauss
            blocks[s, :, count, :] -= carried
            last = s == count
            for t in range(count):
                shared = (1 - eta) * totals[t] / totals.sum() * mean
                own = self.kept * _sum(of.weight * each[count + t], [m for m, _ in grid.responses])
                blocks[s, :, t, :] -= shared + eta * (own if last else mean * (s == t))
            if grid.walls and not last:
                blocks[s, :, count, :] += grid.closed  # selects no charge in a closed slab
        drawn = self._drawn(0, self.states, self.slopes).sum(axis=0) / self.bottom_states
        right = np.stack([g.ravel() / t for g, t in zip(gained, totals, strict=True)])
        lost = (totals / totals.sum()) @ right
        right -= lost - grid.balanced(lost)
        found = self._solve(matrix, np.concatenate([right.ravel(), drawn.ravel()]))
        found = found.reshape(count + 1, points)
        charge, excess = found[-1], found[:-1]
        mixed = (totals / totals.sum()) @ excess
        back = self.kept * ((1 - eta) * mixed + eta * excess)
        both = np.broadcast_to(back.reshape(count, *self._shape), (2, *self._shape))
        return (
            charge.reshape(self._shape),
            (self.gauss @ charge).reshape(self._shape),
            np.asarray(both),
        )

    def _spread(self, i: int) -> Array:
        """R of what field and excess of the second order drive at one energy."""
        stream = self.grid.streams[i]
        source = self.of.path[i] * stream.cosine() * self.field_2 + self.excess_2[:, None, None]
        return self.grid.relax(i, source, {})

    def first(self, power: int, weight: Array) -> Array:
        """Moment with W(helicity, energy) c^n of f_1, (cell, node)."""
        of = self.of
        return np.asarray(
            sum(
                of.weight[i]
                * np.tensordot(weight[:, i], self.grid.streams[i].moment(power, self.phi[i]), 1)
                for i in range(of.speed.size)
            )
        )

    def second(self, power: int, weight: Array, slope: Array) -> Array:
        """Moment with W c^n of f_2; the slope is dW/d(energy)."""
        of = self.of
        own = sum(
            of.weight[i]
            * np.tensordot(weight[:, i], self.grid.streams[i].moment(power, self.spread[i]), 1)
            for i in range(of.speed.size)
        )
        return np.asarray(own + self._drawn(power, weight, slope).sum(axis=0))

    def weighted(self, speed_power: int, *, rate: bool = False) -> tuple[Array, Array]:
        """N_h u^n, or N_h u^n/tau, and its slope with energy; (helicity, energy)."""
        u = self.of.speed
        states, slopes = self._rate_weight() if rate else (self.states, self.slopes)
        bent = speed_power * u ** (speed_power - 2.0)
        return states * u**speed_power, slopes * u**speed_power + states * bent


def _sum(weights: Array, matrices: list[Array]) -> Array:
    total = np.zeros_like(matrices[0])
    for w, matrix in zip(weights, matrices, strict=True):
        total += w * matrix
    return total


def moments(resolved: EnergyResolved, length: float) -> tuple[dict[str, Array], float]:
    """Profiles of both orders on the mesh, by name, and how far the charge current is from constant."""
    a, of, mesh = resolved.a, resolved.of, resolved.grid.mesh
    half = (SIGNS / 2)[:, None]

    def both(power: int, speed_power: int, sign: Array | float, *, rate: bool = False) -> Array:
        weight, slope = (sign * x for x in resolved.weighted(speed_power, rate=rate))
        return np.stack([resolved.first(power, weight), resolved.second(power, weight, slope)])

    spin = both(1, 0, half)
    lost = both(1, 0, half, rate=True)[1] if of.exponent else spin[1]
    current = both(2, 1, half)
    operator = current + a / 2 * (both(0, 0, 1.0) - both(2, 0, 1.0))
    charge_current = both(1, 1, 1.0)
    lean = half * resolved.states / of.momentum(a)
    tilt = resolved.first(0, lean) - resolved.first(2, lean)
    by_first = resolved.field_1 * tilt
    by_second = -a / (3 * np.pi**2) * float(of.mean(of.speed)) * resolved.field_2
    inside = (mesh.points > 0) & (mesh.points < length)
    bulk = (1 + a**2) / (3 * np.pi**2) * of.conductivity(a)
    weight, _ = resolved.weighted(1)
    terms = (
        np.abs(resolved.field_2).max() * bulk
        + np.abs(resolved.second(1, weight, np.zeros_like(weight))).max()
    )
    errors = (
        np.abs(charge_current[0] - bulk * inside).max() / bulk,
        np.abs(charge_current[1]).max() / terms,
    )
    curves = {
        "charge": np.stack([resolved.charge_1, resolved.charge_2]),
        "field": np.stack([resolved.field_1, resolved.field_2]),
        "spin": spin,
        "spin_current": current,
        "operator_spin_current": operator,
        "momentum_flux": both(2, 2, 1.0),
        "spin_sources": np.stack([lost - by_first - by_second, by_first, by_second]),
    }
    return curves, float(max(errors))
