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
from chirospin.junction.phonons.born import Fluctuation, Orbitals, Spectrum
from chirospin.junction.phonons.model import PhononJunction, bath_temperature, matsubara_terms
from chirospin.junction.phonons.solution import dephasing_terms
from chirospin.junction.phonons.state import PhononState, Truncation
from chirospin.junction.probed import require_no_probes
from chirospin.junction.state import UNREACHED, lead_current, unreached
from chirospin.numerics.fixed_point import AndersonHistory
from chirospin.numerics.half_line import HalfLine
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import dagger, pack, solve_sylvester, unpack

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
SelfEnergy = Literal["full", "diagonal"]
KEPT = 1e-6  # of the coupling: what a finer grid may still change
SHARE = (
    1 / 4
)  # left of the change from the grid before: 13 random dimers and trimers had up to 0.11
FINER = 1.5
FORGOTTEN = 3e-4  # of what the bath remembers, where the times of the first grid end
LESS = 0.06  # of that on the next
HALF_WIDE = 4.0  # largest frequency of the first grid over the largest energy
FEWEST, MOST = 2**6, 2**17  # times, where they are chosen
ARRAYS = 24  # of (time, 4M, 4M) at work
ROUGH = 1e-6  # where the first grid ends
DEPTH = 5  # of the acceleration
CORRECTED, MOST_VECTORS = 1e-2, 200  # of one correction of the density
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
        1e-8,
        ge=TIGHTEST,
        le=LOOSEST,
        description="relative change of density and Green functions in the last iteration",
    )
    iterations: int = Field(100, ge=1, le=MOST_STEPS, description="most iterations")
    frequencies: int | None = Field(
        None,
        ge=64,
        le=MOST,
        multiple_of=2,
        description="points of the grid, in time and frequency; doubled until the current stays if left out",
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
        found = [BornEquation.of(model, m, terms, self).solution(self) for m in (0, 1)]
        seen = modes(model)
        G = np.stack([one.density.T for one in found])  # <c^+_m c_n>
        current = lead_current(
            lead_couplings(model), np.einsum("mkk->mk", G).real, lead_occupations(model)
        )
        unknown, change = np.full((2, len(seen)), np.nan), max(one.grid_change for one in found)
        left = max(one.outcome.residual for one in found)
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
            grid_change=change,
            errors=_errors(current, (change + left) * float(lead_couplings(model).max())),
        )


def _errors(current: Real, change: float) -> dict[str, Real]:
    """Of current and polarisation, for what a finer grid and one iteration more may change."""
    total = abs(current[:, 0].sum())
    return {
        "current": np.full(2, change),
        "spin_polarisation": np.asarray(2 * change / max(total, 1e-300)),
    }


@dataclass(frozen=True, kw_only=True)
class BornState:
    """Density <c^+_m c_n> at (n, m), displacements, and how the iteration ended."""

    density: Complex
    displacement: Real
    outcome: Outcome
    grid_change: float = np.nan


@dataclass(frozen=True, kw_only=True)
class BornEquation:
    """One magnetisation.

    Parameters
    ----------
    h : one-body matrix, eV
    filling, emptying : rates of every orbital, eV/hbar
    left : orbitals of the left lead
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
    left: NDArray[np.bool_]
    points: int | None
    diagonal: bool

    @classmethod
    def of(
        cls,
        model: PhononJunction,
        magnetisation: int,
        terms: Interaction,
        method: BornApproximation,
    ) -> BornEquation:
        """From a model and one of its magnetisations."""
        filling, emptying = (rate[magnetisation] for rate in exchange_rates(model))
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
            left=lead_couplings(model)[magnetisation, 0] > 0,
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

    def require_room(self, count: int) -> None:
        """Refuse a grid that does not fit.

        Raises
        ------
        ModelError : says its size
        """
        need = 16.0 * ARRAYS * count * max(map(len, self.blocks)) ** 2
        if need > available_bytes():
            raise ModelError(
                f"Parameter `molecules` must fit in memory for method scba, but {len(self.h) // 4} molecules "
                f"at {count} times take about {in_words(need)} and {in_words(available_bytes())} are "
                "free; give fewer frequencies and look at grid_change"
            )

    def lost(self, density: Complex) -> float:
        """I_L + I_R over the largest coupling, which only the grid spoils."""
        n = density.diagonal().real
        flow = (self.filling * (1 - n) - self.emptying * n).sum()
        return float(abs(flow) / max((self.filling + self.emptying).max(), 1e-300))

    def fluctuations(self, own: NDArray[np.int64]) -> tuple[Fluctuation, ...]:
        """Of the modes that move these orbitals; equal ones are taken together."""
        memory, alike = self.noise.memory, dict[bytes, list[int]]()
        for v, V in enumerate(self.modes.coupling):
            terms = [j for j, mode in enumerate(memory.mode) if mode == v]
            if V[np.ix_(own, own)].any():
                seen = [memory.decay[terms], memory.weight[terms], memory.conjugate_weight[terms]]
                alike.setdefault(np.concatenate(seen).tobytes(), []).append(v)
        found = []
        for members in alike.values():
            terms = [j for j, mode in enumerate(memory.mode) if mode == members[0]]
            found.append(
                Fluctuation(
                    decay=memory.decay[terms],
                    weight=memory.weight[terms],
                    back=memory.conjugate_weight[terms],
                    coupling=self.modes.coupling[np.ix_(np.array(members), own, own)],
                )
            )
        return tuple(found)

    @cached_property
    def orbitals(self) -> list[Orbitals]:
        """Sets of orbitals that no term joins to others."""
        return [
            Orbitals(
                own=own,
                center=float(np.linalg.eigvalsh(self.h[own][:, own])[[0, -1]].mean()),
                fluctuations=self.fluctuations(own),
                diagonal=self.diagonal,
            )
            for own in self.blocks
        ]

    def line(self, K: Complex, fineness: int) -> HalfLine:
        """Times up to what the bath remembers, fine enough for the largest energies."""
        decay = self.noise.memory.decay
        eta = float(decay.real.min())
        fastest = float(np.abs(decay.imag).max() + decay.real.max() - eta)
        spans = [np.ptp(np.linalg.eigvals(K[own][:, own]).real) for own in self.blocks]
        width = float(max(spans)) / 2
        more = FINER**fineness
        span = -np.log(FORGOTTEN * LESS**fineness) / eta
        count = int(np.ceil(span * HALF_WIDE * more * (width + fastest) / np.pi))
        if self.points is not None:
            count = self.points if fineness else round(self.points / FINER)
        count = scipy.fft.next_fast_len(max(count, FEWEST))
        return HalfLine(count=count, step=span / count, damping=eta)

    def solution(self, method: BornApproximation) -> BornState:
        """On a coarse grid, then on finer ones until the currents stay."""
        K = self.h + self.loss
        if unreached(np.array([-2 * np.linalg.eigvals(K).imag.max()]), self.h)[0]:
            nothing = np.full(K.shape, np.nan, dtype=complex)
            lost = Outcome(converged=False, residual=np.inf, iterations=0, reason=UNREACHED)
            return BornState(
                density=nothing, displacement=np.full(len(self.modes), np.nan), outcome=lost
            )
        N = self.bare(K, np.zeros_like(K))
        if self.modes.idle:
            return BornIteration(self, None, N).run(method)
        fineness, spent = 0, 0
        work = BornIteration(self, self.line(K + self.field(N)[0], 0), N)
        found = work.run(method, ROUGH)
        while found.outcome.converged:
            spent += found.outcome.iterations
            fineness += 1
            line = self.line(K + self.field(found.density)[0], fineness)
            before = found
            work = work.on(line)
            found = work.run(method)
            share = (
                SHARE if self.points is None else 1.0
            )  # a given grid may be too coarse for its order
            change = share * self.apart(before.density, found.density)
            found = replace(found, grid_change=change)
            if change <= KEPT or self.points is not None or FINER * line.count > MOST:
                break
        spent += found.outcome.iterations
        return replace(found, outcome=replace(found.outcome, iterations=spent))

    def apart(self, one: Complex, other: Complex) -> float:
        """Difference of the currents of the left lead, over the largest coupling."""
        total = self.filling + self.emptying
        flow = self.left * np.abs((one - other).diagonal())
        return float(flow.sum() / max(total.max(), 1e-300))


class BornIteration:
    """Density and functions of every set of orbitals, on one grid; None where no mode moves them."""

    def __init__(self, equation: BornEquation, line: HalfLine | None, N: Complex) -> None:
        self.equation, self.line, self.N = equation, line, N
        self.functions: list[Complex | None] = [None] * len(equation.orbitals)
        if line is None:
            return
        equation.require_room(line.count)
        spectra = self.spectra(N)
        for place, (part, K) in enumerate(zip(equation.orbitals, spectra, strict=True)):
            if part.fluctuations:
                self.functions[place] = part.free(K, N[part.inside], line)

    def on(self, line: HalfLine) -> BornIteration:
        """The same on another grid."""
        other, old = BornIteration(self.equation, None, self.N), self.line
        assert old is not None
        self.equation.require_room(line.count)
        other.line = line
        parts = self.equation.orbitals
        for place, (part, K) in enumerate(zip(parts, self.spectra(self.N), strict=True)):
            f = self.functions[place]
            if f is not None:  # collisions are forgotten twice as fast as functions
                met = part.collisions(f, old).on(line, old)
                other.functions[place] = part.functions(K, self.N[part.inside], met, line)
        return other

    @property
    def weight(self) -> float:
        """Of the density beside its functions: the square root of the times that matter."""
        return 1.0 if self.line is None else (2 * self.line.damping * self.line.step) ** -0.5

    def spectra(self, N: Complex) -> list[Spectrum]:
        """Of K with the mean field of a density."""
        K = self.equation.h + self.equation.field(N)[0] + self.equation.loss
        return [Spectrum.of(K[part.inside], part.center) for part in self.equation.orbitals]

    def run(self, method: BornApproximation, least: float = 0.0) -> BornState:
        """Until density and functions stay."""
        tolerance = max(method.tolerance, least)
        history, moved, spent = AndersonHistory(DEPTH), np.inf, 0
        while spent < method.iterations and moved > tolerance:
            spent += 1
            N, functions = self._mapped()
            new = self._joined(N, functions)
            defect = new - self._joined(self.N, self.functions)
            change = float(np.linalg.norm(N - self.N)) / max(float(np.linalg.norm(N)), 1e-300)
            moved = max(float(np.linalg.norm(defect)) / float(np.linalg.norm(new)), change)
            if not np.isfinite(moved):
                break
            self.N, self.functions = N, functions
            if moved > tolerance:
                self._part(history.step(new, defect))
        good = moved <= tolerance
        return BornState(
            density=self.N,
            displacement=self.equation.field(self.N)[1],
            outcome=Outcome(
                converged=bool(good),
                residual=moved,
                iterations=spent,
                reason="" if good else NOT_CONVERGED,
            ),
        )

    def _mapped(self) -> tuple[Complex, list[Complex | None]]:
        """Density and functions under the collisions of the last ones."""
        parts, line = self.equation.orbitals, self.line
        met = [
            None if f is None or line is None else part.collisions(f, line)
            for part, f in zip(parts, self.functions, strict=True)
        ]
        N = self.N + self._correction([None if one is None else one.rate for one in met])
        functions: list[Complex | None] = [None] * len(parts)
        for place, (part, K, one) in enumerate(zip(parts, self.spectra(N), met, strict=True)):
            if one is not None and line is not None:
                functions[place] = part.functions(K, N[part.inside], one, line)
        return N, functions

    def _correction(self, rates: list[Complex | None]) -> Complex:
        """Change of the density that makes it stationary, collisions moving as simple functions say."""
        equation, N, spectra = self.equation, self.N, self.spectra(self.N)
        parts, nothing = equation.orbitals, np.zeros_like(self.N)
        still, idle = equation.field(nothing)[0], equation.arriving(nothing)
        ends = np.cumsum([0, *(part.own.size**2 for part in parts)])

        def split(packed: Real) -> list[Complex]:
            sizes = [part.own.size for part in parts]
            return [
                unpack(packed[start : start + n * n].reshape(n, n))
                for start, n in zip(ends, sizes, strict=False)
            ]

        def joined(blocks: list[Complex]) -> Real:
            return np.concatenate([pack(one).ravel() for one in blocks])

        def inverse(packed: Real) -> list[Complex]:
            return [
                K.outside(K.inside(X) / (-1j * K.split))
                for K, X in zip(spectra, split(packed), strict=True)
            ]

        def apply(vectors: Real) -> Real:
            change, whole = inverse(vectors[0]), nothing.copy()
            for part, X in zip(parts, change, strict=True):
                whole[part.inside] = X
            field, arriving = equation.field(whole)[0] - still, equation.arriving(whole) - idle
            out = []
            for part, K, X in zip(parts, spectra, change, strict=True):
                own = N[part.inside]
                half = -1j * (K.matrix @ X + field[part.inside] @ own) - part.response(K, own, X)
                out.append(half + dagger(half) + arriving[part.inside])
            return joined(out)[None]

        defect: list[Complex] = []
        arriving = equation.arriving(N)
        for part, K, rate in zip(parts, spectra, rates, strict=True):
            half = -1j * K.matrix @ N[part.inside]
            half = half if rate is None else half - rate
            defect.append(half + dagger(half) + arriving[part.inside])
        found = gmres(apply, -joined(defect)[None], tolerance=CORRECTED, limit=MOST_VECTORS)
        total = nothing.copy()
        for part, X in zip(parts, inverse(found.solution[0]), strict=True):
            total[part.inside] = (X + dagger(X)) / 2
        return total

    def _joined(self, N: Complex, functions: list[Complex | None]) -> Real:
        """One vector, in which the density weighs as much as its functions."""
        present = [f.ravel() for f in functions if f is not None]
        return np.concatenate([self.weight * N.ravel(), *present]).view(float)

    def _part(self, joined: Real) -> None:
        """Set density and functions from one vector."""
        values: Complex = joined.view(complex)
        start = self.N.size
        self.N = values[:start].reshape(self.N.shape) / self.weight
        for place, f in enumerate(self.functions):
            if f is not None:
                self.functions[place] = values[start : start + f.size].reshape(f.shape)
                start += f.size
