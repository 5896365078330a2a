r"""Vibrations in the self-consistent Born approximation, for any number of molecules at small repulsion.

.. math:: \Sigma^>(t) = C(t)\, V G^>(t) V, \qquad \Sigma^<(t) = C(t)^* V G^<(t) V, \qquad
          \Sigma^r = \theta(t) (\Sigma^> - \Sigma^<)

with the Hartree field :math:`\chi V\, Tr(V \rho)` and the mean field of the repulsion. What electrons without the
Fock term give has closed forms in time and frequency; only the difference from it is convolved on the grid, so that
its tails do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import LOOSEST, MOST_STEPS, TIGHTEST, Method
from chirospin.base.outcome import Outcome
from chirospin.junction.manybody.leads import require_end_leads
from chirospin.junction.model import (
    Interaction,
    exchange_rates,
    interaction,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
)
from chirospin.junction.modes import Modes, modes
from chirospin.junction.phonons.bath import Noise, noise
from chirospin.junction.phonons.model import PhononJunction, bath_temperature, matsubara_terms
from chirospin.junction.phonons.solution import dephasing_terms
from chirospin.junction.phonons.state import PhononState, Truncation
from chirospin.junction.probed import require_no_probes
from chirospin.junction.state import UNREACHED, lead_current, unreached
from chirospin.numerics.sylvester import dagger, solve_sylvester

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
SelfEnergy = Literal["full", "diagonal"]
ROUGH = 1e-7  # change of the density at which a grid is judged
KEPT = 1e-6  # of the coupling: I_L + I_R up to which a grid of our own choice is fine enough
WIDE = 6.0  # half the grid over the largest energy
FEWEST, MOST = 2**11, 2**17  # points, where they are chosen
GRIDS = 9  # arrays of (frequency, 4M, 4M) at work
NOT_CONVERGED = (
    "the self-consistent Born approximation did not converge; coupling or repulsion is too strong for it: "
    "take tiers, or raise iterations"
)


class BornApproximation(Method):
    """Hartree and Fock terms of the vibrations, self-consistent: conserving, exact to second order at U = 0."""

    name: ClassVar[str] = "scba"
    summary: ClassVar[str] = "self-consistent Born approximation: long stacks, small repulsion"
    references: ClassVar[tuple[str, ...]] = ("nozaki_fujita_2026",)

    tolerance: float = Field(
        1e-10, ge=TIGHTEST, le=LOOSEST, description="change of the density in the last iteration"
    )
    iterations: int = Field(100, ge=1, le=MOST_STEPS, description="most iterations")
    frequencies: int | None = Field(
        None,
        ge=64,
        le=MOST,
        multiple_of=2,
        description="points of the grid; doubled until I_L + I_R vanishes if left out",
    )
    self_energy: SelfEnergy = Field(
        "full",
        description="diagonal keeps only its diagonal elements: a shortcut, which breaks what protects P at U = 0",
    )

    def solve_many(self, models: Sequence[PhononJunction]) -> Iterator[PhononState]:
        """Steady states one after another; failure to converge is data.

        Raises
        ------
        ModelError : exchange, or a grid that does not fit in memory
        """
        return map(self._state, models)

    def _state(self, model: PhononJunction) -> PhononState:
        require_no_probes(model)
        require_end_leads(model, self.name)
        terms = interaction(model)
        if len(terms.exchange):
            raise ModelError(
                f"Parameter `hund` must be 0 (in eV) for method scba, which has density terms only, but is "
                f"{float(np.abs(terms.strength).max()):g}"
            )
        filling, emptying = exchange_rates(model)
        found = [
            BornEquation.of(model, filling[m], emptying[m], terms, self).solution(self)
            for m in (0, 1)
        ]
        seen = modes(model)
        G = np.stack([one.density.T for one in found])  # <c^+_m c_n>
        current = lead_current(
            lead_couplings(model), np.einsum("mkk->mk", G).real, lead_occupations(model)
        )
        unknown = np.full((2, len(seen)), np.nan)
        shift = np.stack([one.displacement for one in found]).reshape(2, len(seen))
        return PhononState(
            one_body_density=G,
            lead_current=current,
            outcomes=(found[0].outcome, found[1].outcome),
            truncation=Truncation(),
            phonon_number=unknown,
            displacement=shift,
            coupling_energy=unknown,
            mode_heat=unknown,
            energy_current=np.full((2, 3), np.nan),
            dephasing_energy=np.zeros(2),
            top_level=unknown,
            field_density=np.full((2, len(seen), *G.shape[1:]), np.nan, dtype=complex),
        )


Changes = list[tuple[Complex, Complex] | None]


@dataclass(frozen=True, kw_only=True)
class BornState:
    """Density <c^+_m c_n> at (n, m), displacements, and how the iteration ended."""

    density: Complex
    displacement: Real
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class BornEquation:
    """One magnetisation.

    Parameters
    ----------
    h : one-body matrix, eV
    filling, emptying : rates of every orbital, eV/hbar
    terms : of the repulsion
    modes, noise : the vibrations and their bath
    white : rate and matrix of white noise
    points : of the grid of frequencies
    """

    h: Complex
    filling: Real
    emptying: Real
    terms: Interaction
    modes: Modes
    noise: Noise
    white: list[tuple[float, Complex]]
    points: int | None
    diagonal: bool

    @classmethod
    def of(
        cls,
        model: PhononJunction,
        filling: Real,
        emptying: Real,
        terms: Interaction,
        method: BornApproximation,
    ) -> BornEquation:
        """From a model and one of its magnetisations."""
        seen = modes(model)
        bath = noise(seen, bath_temperature(model), model.phonon_bath, matsubara_terms(model))  # type: ignore[arg-type]
        white = dephasing_terms(model)
        white += [(float(r), V) for r, V in zip(bath.white, seen.coupling, strict=True) if r]
        return cls(
            h=one_body_hamiltonian(model),
            filling=filling,
            emptying=emptying,
            terms=terms,
            modes=seen,
            noise=bath,
            white=white,
            points=method.frequencies,
            diagonal=method.self_energy == "diagonal",
        )

    @cached_property
    def blocks(self) -> list[NDArray[np.int64]]:
        """Orbitals that no term joins to others."""
        joined = np.abs(self.h) + np.abs(self.modes.coupling).sum(axis=0)
        joined = joined + sum((np.abs(V) for _, V in self.white), start=np.zeros_like(joined))
        count, label = scipy.sparse.csgraph.connected_components(joined > 0, directed=False)
        return [np.flatnonzero(label == n) for n in range(count)]

    def restricted(self, own: NDArray[np.int64]) -> BornEquation:
        """To some orbitals, which nothing joins to the others."""
        inside = np.ix_(own, own)
        return replace(
            self,
            h=self.h[inside],
            filling=self.filling[own],
            emptying=self.emptying[own],
            modes=replace(self.modes, coupling=self.modes.coupling[:, own][:, :, own]),
            white=[(rate, V[inside]) for rate, V in self.white],
        )

    @cached_property
    def response(self) -> Real:
        r""":math:`\langle x \rangle = \chi Tr(V \rho)` of each mode, (K,), 1/eV."""
        memory = self.noise.memory
        out = np.zeros(len(self.modes))
        for j, v in enumerate(memory.mode):
            out[v] += 2 * np.imag(memory.weight[j] / memory.decay[j])
        return out

    @cached_property
    def loss(self) -> Complex:
        """What leads and white noise add to h."""
        total = np.diag(self.filling + self.emptying).astype(complex)
        for rate, V in self.white:
            total = total + rate * V @ V
        return -0.5j * total

    def field(self, density: Complex) -> tuple[Complex, Real]:
        """Mean field of the repulsion and of the displaced vibrations, and the displacements."""
        W, n = self.terms.density, density.diagonal().real
        mean = np.diag(W @ n) - W * density  # density holds <c^+_m c_n> at (n, m)
        shift = self.response * np.einsum("vmn,nm->v", self.modes.coupling, density).real
        return mean + np.einsum("v,vmn->mn", shift, self.modes.coupling), shift

    def arriving(self, density: Complex) -> Complex:
        """What leads and white noise bring."""
        total = np.diag(self.filling).astype(complex)
        for rate, V in self.white:
            total = total + rate * V @ density @ V
        return total

    def bare(self, K: Complex, density: Complex) -> Complex:
        """Density without the Fock term: -i (K N - N K^+) + A = 0."""
        N, _, _ = solve_sylvester(K, -self.arriving(density))
        return N

    def grid(self, K: Complex, count: int, width: float = WIDE) -> Real:
        """Frequencies up to a multiple of the largest energy."""
        energy = np.linalg.eigvals(K)
        half = width * (np.abs(energy).max() + self.modes.energy.max(initial=0.0))
        return np.asarray(-half + 2 * half / count * np.arange(count))

    @property
    def first_points(self) -> int:
        """Of the grid that is tried first: fine enough for what the bath remembers."""
        if self.points is not None:
            return self.points
        span = 2 * WIDE * np.abs(np.linalg.eigvals(self.h + self.loss)).max()
        step = float(self.modes.damping.min(initial=np.inf)) / 2
        return int(2 ** np.ceil(np.log2(np.clip(span / step, FEWEST, MOST))))

    def require_room(self, count: int) -> None:
        """Refuse a grid that does not fit.

        Raises
        ------
        ModelError : says its size
        """
        need = 16.0 * GRIDS * count * max(map(len, self.blocks)) ** 2
        if need > available_bytes():
            raise ModelError(
                f"Parameter `molecules` must fit in memory for method scba, but {len(self.h) // 4} molecules "
                f"on {count} frequencies take about {in_words(need)} and {in_words(available_bytes())} are "
                "free; give fewer frequencies and look at grid_balance"
            )

    def lost(self, density: Complex) -> float:
        """I_L + I_R over the largest coupling, which only the grid spoils."""
        n = density.diagonal().real
        flow = (self.filling * (1 - n) - self.emptying * n).sum()
        return float(abs(flow) / max((self.filling + self.emptying).max(), 1e-300))

    def solution(self, method: BornApproximation) -> BornState:
        """Iterated until the density stays, on finer grids until no current is lost."""
        K = self.h + self.loss
        if unreached(np.array([-2 * np.linalg.eigvals(K).imag.max()]), self.h)[0]:
            nothing = np.full(K.shape, np.nan, dtype=complex)
            lost = Outcome(converged=False, residual=np.inf, iterations=0, reason=UNREACHED)
            return BornState(
                density=nothing, displacement=np.full(len(self.modes), np.nan), outcome=lost
            )
        count, width, spent, before, finer = self.first_points, WIDE, 0, np.inf, True
        density = self.bare(K, np.zeros_like(K))
        while True:
            self.require_room(count)
            last = self.points is not None or 2 * count > MOST
            changes: Changes = [None] * len(self.blocks)
            for rough in (False,) if last else (True, False):  # a grid is tried before it is used
                w = self.grid(K, count, width)
                found = self._iterated(density, w, method, changes, rough=rough)
                spent += found.outcome.iterations
                density = found.density
                leak = self.lost(density) if found.outcome.converged else 0.0
                if rough and leak > KEPT:
                    break
            found = replace(found, outcome=replace(found.outcome, iterations=spent))
            if last or leak <= KEPT:
                return found
            if leak > before / 4:  # it was not that which was too coarse, or too narrow
                finer = not finer
            count, width, before = 2 * count, width if finer else 2 * width, leak

    def _iterated(
        self, density: Complex, w: Real, method: BornApproximation, changes: Changes, *, rough: bool
    ) -> BornState:
        """On one grid, from the changes of the Green functions of every block, which are kept there."""
        blocks = self.blocks
        parts = [self.restricted(one) for one in blocks]
        goal = max(method.tolerance, ROUGH) if rough else method.tolerance
        shift, moved, spent = np.zeros(len(self.modes)), np.inf, 0
        while spent < method.iterations:
            spent += 1
            field, shift = self.field(density)
            K, new = self.h + field + self.loss, np.zeros_like(density)
            for n, (part, own) in enumerate(zip(parts, blocks, strict=True)):
                inside = np.ix_(own, own)
                step = _Step(part, K[inside], density[inside], w)
                new[inside], changes[n] = step.density(changes[n])
            size = float(np.linalg.norm(new))
            moved = float(np.linalg.norm(new - density)) / max(size, 1e-300)
            density = new
            if not moved > goal or not np.isfinite(moved):
                break
        good = moved <= goal
        outcome = Outcome(
            converged=bool(good),
            residual=moved,
            iterations=spent,
            reason="" if good else NOT_CONVERGED,
        )
        return BornState(density=density, displacement=shift, outcome=outcome)


def sandwiched(V: Complex, X: Complex) -> Complex:
    """V X V, by elements where V is diagonal."""
    d = V.diagonal()
    if not (V - np.diag(d)).any():
        return np.asarray(d[:, None] * X * d)
    return np.asarray(V @ X @ V)


class _Step:
    """One iteration: self-energies from the last Green functions, and what they make of them."""

    def __init__(self, equation: BornEquation, K: Complex, density: Complex, w: Real) -> None:
        self.equation, self.K, self.w = equation, K, w
        self.arriving = equation.arriving(density)
        self.bare = equation.bare(K, density)
        energy, R = np.linalg.eig(K)
        self.energy, self.right, self.left = energy, R, np.linalg.inv(R)

    def _between(self, before: Complex, diagonal: Complex, after: Complex) -> Complex:
        """before f(K) after of many f, given at the eigenvalues of K, (frequency, n)."""
        left = (before @ self.right) * diagonal[:, None, :]
        return np.asarray(left @ (self.left @ after))

    def density(
        self, change: tuple[Complex, Complex] | None
    ) -> tuple[Complex, tuple[Complex, Complex]]:
        r"""The density, and the difference of both Green functions from those without the Fock term.

        Of the latter the lesser one is :math:`N G^a - G^r N`.
        """
        greater, lesser = self._self_energies(change)
        if self.equation.diagonal:
            keep = np.eye(len(self.K))
            greater, lesser = greater * keep, lesser * keep
        moved = self.w[:, None, None] * np.eye(len(self.K)) - self.K - (greater - lesser)
        retarded: Complex = np.asarray(np.linalg.inv(moved), dtype=complex)
        less = retarded @ (1j * self.arriving + lesser - dagger(lesser)) @ dagger(retarded)
        pole, unit = 1 / (self.w[:, None] - self.energy), np.eye(len(self.K), dtype=complex)
        free = self._between(unit, pole, self.bare)
        less += free - dagger(free)
        apart: Complex = np.asarray(retarded - self._between(unit, pole, unit))
        more = less + apart - dagger(apart)
        step = (self.w[1] - self.w[0]) / (2 * np.pi)
        N = self.bare - 1j * step * less.sum(axis=0)
        return (N + dagger(N)) / 2, (more, less)

    def _self_energies(self, change: tuple[Complex, Complex] | None) -> tuple[Complex, Complex]:
        """Parts of Sigma^> and Sigma^< from t > 0, (frequency, n, n)."""
        equation, memory = self.equation, self.equation.noise.memory
        shape = (self.w.size, *self.K.shape)
        greater, lesser = np.zeros(shape, complex), np.zeros(shape, complex)
        empty = np.eye(len(self.K)) - self.bare
        later = None if change is None else [self._in_time(one) for one in change]
        t = np.pi / -self.w[0] * np.arange(self.w.size // 2)
        for v, V in enumerate(equation.modes.coupling):
            own = [j for j, mode in enumerate(memory.mode) if mode == v]
            weight, back = memory.weight[own], memory.conjugate_weight[own]
            pole = 1 / (self.w[:, None, None] + 1j * memory.decay[own] - self.energy[:, None])
            greater += self._between(V, pole @ weight, empty @ V)
            lesser -= self._between(V, pole @ back, self.bare @ V)
            if later is None:
                continue
            decay = np.exp(-np.outer(t, memory.decay[own]))
            for total, one, share in zip((greater, lesser), later, (weight, back), strict=True):
                total += self._in_frequency((decay @ share)[:, None, None] * sandwiched(V, one))
        return greater, lesser

    def _in_time(self, spectrum: Complex) -> Complex:
        """At t >= 0, half of all times."""
        count, step = self.w.size, self.w[1] - self.w[0]
        t = 2 * np.pi / (count * step) * np.arange(count // 2)
        values = np.fft.fft(spectrum, axis=0)[: count // 2]
        return np.asarray(step / (2 * np.pi) * np.exp(-1j * self.w[0] * t)[:, None, None] * values)

    def _in_frequency(self, values: Complex) -> Complex:
        """Of a function at t >= 0, by the trapezoidal rule."""
        count, step = self.w.size, self.w[1] - self.w[0]
        dt = 2 * np.pi / (count * step)
        t = dt * np.arange(len(values))
        weighted = np.exp(1j * self.w[0] * t)[:, None, None] * values
        weighted[0] *= 0.5
        return np.asarray(dt * count * np.fft.ifft(weighted, n=count, axis=0))
