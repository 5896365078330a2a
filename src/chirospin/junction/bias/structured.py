r"""Leads with a band: semi-infinite chains, whose width depends on energy.

.. math:: \Sigma_l(\omega) = \tfrac12 \Gamma_l\,\big(x - i\sqrt{1 - x^2}\big), \qquad
          x = \frac{\omega - \mu_l - c_l}{2 t_l}

outside the band :math:`x - \mathrm{sgn}(x)\sqrt{x^2 - 1}`; for :math:`t \to \infty` the wide band,
:math:`-i\Gamma_l/2`. Integrals over energy are sums over Gauss panels that end at band edges, Fermi steps and levels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.model import Reservoirs
from chirospin.junction.self_consistent import FieldEquation
from chirospin.junction.state import UNREACHED, unreached
from chirospin.numerics.sylvester import dagger

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
ORDER = 10  # of Gauss in every panel
MOST_CUTS = 16  # of a panel; what has not settled by then is bound, or falls in no panel
ACCURATE = 1e-9  # largest change of the density when the panels are halved
MISSING = 1e-6  # states that the energies of the bands do not hold: a bound state
WIDEST = 40.0  # widths and temperatures beyond which a wide band is a tail
FINEST = 1e-9  # eV: width of the narrowest level that is looked at
CLOSEST = 0.3  # of the narrowest level or step: ends of panels nearer than this are one
BOUND = (
    "a bound state lies outside the bands of the leads, where nothing fills or empties it; raise "
    "lead_chain_hoppings or move the levels"
)
ROUGH = "the integrals over energy did not settle; couple every orbital, or lower the bias"


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Chains behind the leads.

    Parameters
    ----------
    hopping : t_l of every chain, 0 for a wide band, (lead,), eV
    centre : of every band, (lead,), eV
    """

    hopping: Real
    centre: Real

    def factors(self, omega: Real) -> Complex:
        """Sigma_l over Gamma_l / 2, (energy, lead)."""
        out = np.full((omega.size, self.hopping.size), -1j)
        for lead in np.flatnonzero(self.hopping):
            x = (omega - self.centre[lead]) / (2 * self.hopping[lead])
            root = np.sqrt(np.maximum(x**2 - 1, 0))
            out[:, lead] = np.where(
                np.abs(x) <= 1, x - 1j * np.sqrt(np.maximum(1 - x**2, 0)), x - np.sign(x) * root
            )
        return out

    @property
    def edges(self) -> Real:
        """Ends of the bands, eV."""
        has = self.hopping > 0
        reach = 2 * self.hopping[has]
        return np.concatenate([self.centre[has] - reach, self.centre[has] + reach])

    @property
    def wide(self) -> bool:
        """Whether a lead has a wide band, so that energies have no end."""
        return bool((self.hopping == 0).any())


@dataclass(frozen=True, kw_only=True)
class Energies:
    """Nodes and weights of an integral over energy divided by 2 pi."""

    omega: Real
    weight: Real

    @classmethod
    def between(cls, points: Real, edges: Real, *, tails: bool, cuts: int) -> Energies:
        r"""Gauss panels between points, each cut in so many, and tails to infinity in 1/omega.

        Beside band edges a panel is mapped by :math:`3u^2 - 2u^3`, which makes a root there a polynomial.
        """
        node, weight = np.polynomial.legendre.leggauss(ORDER)
        ends = np.concatenate(
            [np.linspace(a, b, cuts + 1)[:-1] for a, b in itertools.pairwise(points)]
        )
        ends = np.append(ends, points[-1])
        width = np.diff(ends)[:, None]
        u = np.broadcast_to((1 + node) / 2, (width.size, node.size))
        rooted = (np.isin(ends[1:], edges) | np.isin(ends[:-1], edges))[:, None]
        inside = np.where(rooted, u**2 * (3 - 2 * u), u)
        slope = np.where(rooted, 6 * u * (1 - u), 1.0)
        omega = [ends[:-1, None] + width * inside]
        parts = [width * slope * weight / 2]
        if tails:
            centre = (points[0] + points[-1]) / 2
            reach = points[-1] - centre
            u_ends = np.linspace(0, 1 / reach, 2 * cuts + 1)
            h = np.diff(u_ends) / 2
            u = (((u_ends[1:] + u_ends[:-1]) / 2)[:, None] + h[:, None] * node).ravel()
            w = (h[:, None] * weight).ravel() / u**2
            omega += [centre + 1 / u, centre - 1 / u]
            parts += [w, w]
        return cls(
            omega=np.concatenate([np.ravel(x) for x in omega]),
            weight=np.concatenate([np.ravel(x) for x in parts]) / (2 * np.pi),
        )


@dataclass(frozen=True, kw_only=True)
class Scattered:
    """Green functions of a one-body Hamiltonian on energies.

    Parameters
    ----------
    G : (energy, n, n)
    share : sqrt(1 - x^2) of every lead, its width over Gamma_l, (energy, lead)
    filled : f_l, (energy, lead)
    """

    gamma: Complex
    energies: Energies
    G: Complex
    share: Real
    filled: Real

    @classmethod
    def of(
        cls, h: Complex, gamma: Complex, bands: Bands, reservoirs: Reservoirs, energies: Energies
    ) -> Scattered:
        """Of a Hamiltonian (n, n) and widths (lead, n, n)."""
        omega = energies.omega
        factors = bands.factors(omega)
        sigma = np.einsum("kl,lab->kab", factors, gamma) / 2
        G = np.linalg.inv(omega[:, None, None] * np.eye(len(h)) - h - sigma)
        x = (omega[:, None] - reservoirs.potential) / reservoirs.thermal_energy
        return cls(
            gamma=gamma,
            energies=energies,
            G=G,
            share=np.maximum(-factors.imag, 0),
            filled=np.asarray(fermi(x), dtype=float),
        )

    @cached_property
    def spectral(self) -> Complex:
        """Of every lead, G Gamma_l(omega) G^+, (lead, energy, n, n)."""
        inner = np.einsum("kl,lab->lkab", self.share, self.gamma)
        return np.asarray(self.G @ inner @ dagger(self.G))

    @cached_property
    def lesser(self) -> Complex:
        """sum_l f_l G Gamma_l G^+, (energy, n, n)."""
        return np.asarray(np.einsum("kl,lkab->kab", self.filled, self.spectral))

    @property
    def density(self) -> Complex:
        """:math:`\\\\langle c^+_m c_n \\\\rangle`, (n, n)."""
        return np.asarray(np.einsum("k,kab->ba", self.energies.weight, self.lesser))

    @property
    def states(self) -> float:
        """States that the energies hold; as many as orbitals where none is bound."""
        return float(np.einsum("k,lkaa->", self.energies.weight, self.spectral).real)

    @property
    def flows(self) -> tuple[Real, Real]:
        r""":math:`\sum_m \int (f_l - f_m) Tr[\Gamma_l G \Gamma_m G^+]`, and the same with omega, (lead,) each."""
        moved = np.einsum("kl,lab,mkba->klm", self.share, self.gamma, self.spectral).real
        driven = moved * (self.filled[:, :, None] - self.filled[:, None])
        weight = self.energies.weight
        return (
            np.einsum("k,klm->l", weight, driven),
            np.einsum("k,klm->l", weight * self.energies.omega, driven),
        )


@dataclass(frozen=True, kw_only=True)
class StructuredEquation(FieldEquation):
    """Electrons between leads with bands.

    Parameters
    ----------
    gamma : at the middle of the bands, (lead, n, n), eV
    """

    gamma: Complex
    bands: Bands
    reservoirs: Reservoirs
    cuts: list[int] = field(default_factory=lambda: [1])

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Pairs of orbitals that the Hamiltonian or a lead joins, (n, n)."""
        return np.asarray((self.h != 0) | (self.gamma != 0).any(axis=0))

    def in_field(self, h: Complex) -> StructuredField:
        """Electrons without interaction in a Hamiltonian with its field; panels are halved until they settle."""
        points = self._points(h)

        def at(cuts: int) -> Scattered:
            energies = Energies.between(points, self.bands.edges, tails=self.bands.wide, cuts=cuts)
            return Scattered.of(h, self.gamma, self.bands, self.reservoirs, energies)

        coarse = at(self.cuts[0])
        while True:
            fine = at(2 * self.cuts[0])
            change = float(np.abs(fine.density - coarse.density).max())
            if change <= ACCURATE or self.cuts[0] >= MOST_CUTS:
                break
            self.cuts[0] *= 2  # kept for the next field, which is close to this one
            coarse = fine
        return StructuredField(equation=self, scattered=fine, change=change)

    def _points(self, h: Complex) -> Real:
        z = np.linalg.eigvals(h - 0.5j * self.gamma.sum(axis=0))
        T, mu = self.reservoirs.thermal_energy, self.reservoirs.potential
        edges, middle = self.bands.edges, np.concatenate([z.real, mu])
        sizes = np.maximum(np.concatenate([-z.imag, T]), FINEST)
        low, high = edges.min(), edges.max()
        if self.bands.wide:
            reach = WIDEST * sizes.max()
            low, high = min(low, middle.min() - reach), max(high, middle.max() + reach)
        span = high - low
        points = [np.array([low, high]), middle, edges]
        for x, size in zip(middle, sizes, strict=True):
            steps = size * 4.0 ** np.arange(0, max(1, np.ceil(np.log2(span / size) / 2)))
            points += [x + steps, x - steps]
        every = np.unique(np.concatenate(points))
        every = every[(every > low) & (every < high)]
        fixed = np.unique(np.concatenate([edges, [low, high]]))
        room = CLOSEST * sizes.min()
        free = every[np.abs(every[:, None] - fixed).min(axis=1) > room]
        kept = free[:0]
        if free.size:
            kept = free[np.diff(np.floor(free / room), prepend=-np.inf) > 0]
        return np.unique(np.concatenate([fixed, kept]))

    def residual(self, G: Complex) -> float:
        """Of G = G(h + Delta(G)) on the elements that the field reads, relative."""
        x = self.packed(G)
        change = self.packed(self.solved(x).G) - x
        return float(np.linalg.norm(change)) / max(float(np.linalg.norm(x)), 1e-300)


@dataclass(frozen=True, kw_only=True)
class StructuredField:
    r"""Density in a given field, and its linear response.

    .. math:: \delta G^< = G\,\delta h\,G^< + G^<\,\delta h\,G^+
    """

    equation: StructuredEquation
    scattered: Scattered
    change: float

    @property
    def G(self) -> Complex:
        """:math:`\\\\langle c^+_m c_n \\\\rangle`, (n, n)."""
        return self.scattered.density

    def response(self, v: Real) -> Real:
        """Changes of G on the mask for changes of the density that makes the field, (..., size)."""
        row, column = self.equation.mask
        one = self.scattered
        flat = v.reshape(-1, v.shape[-1])
        out = np.empty(flat.shape)
        for number, values in enumerate(self.equation.on_mask(flat)):
            change = np.zeros(one.G.shape[1:], dtype=complex)
            change[row, column] = values
            half = np.einsum("k,kab->ab", one.energies.weight, one.G @ change @ one.lesser)
            moved = (half + dagger(half))[column, row]
            out[number] = moved.real + moved.imag
        return out.reshape(v.shape)

    def outcome(self, before: Outcome | None = None) -> Outcome:
        """How the integrals ended, after an outcome of the equation."""
        reason = "" if before is None else before.reason
        lost = abs(len(self.equation.h) - self.scattered.states)
        decay = np.linalg.eigvals(self.equation.h - 0.5j * self.equation.gamma.sum(axis=0)).imag
        if unreached(np.array(-2 * decay.max()), self.equation.h):
            reason = UNREACHED
        elif lost > MISSING:
            reason = reason or BOUND
        elif not self.change <= ACCURATE:
            reason = reason or ROUGH
        return Outcome(
            converged=not reason,
            residual=self.change if before is None else before.residual,
            iterations=1 if before is None else before.iterations,
            reason=reason,
        )


def structured_flows(both: Sequence[StructuredField]) -> dict[str, Any]:
    """Density, currents and energy currents of both magnetisations."""
    flows = [one.scattered.flows for one in both]
    return {
        "one_body_density": np.stack([one.G for one in both]),
        "lead_current": np.stack([one[0] for one in flows]),
        "energy_current": np.stack([one[1] for one in flows]),
    }
