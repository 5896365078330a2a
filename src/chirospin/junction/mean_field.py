r"""Electrons in the mean field of the others: a self-consistent one-body problem.

.. math::
    h' = h + \Delta(G), \qquad
    \Delta_{mn} = \delta_{mn} \sum_k W_{mk} G_{kk} - W_{mn} G_{nm}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.method import LOOSEST, MOST_STEPS, TIGHTEST, Method
from chirospin.junction.model import (
    Interaction,
    Junction,
    exchange_rates,
    interaction,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
)
from chirospin.junction.self_consistent import MeanFieldEquation
from chirospin.junction.state import UNREACHED, JunctionState, lead_current, unreached
from chirospin.numerics.fixed_point import anderson
from chirospin.numerics.newton import newton_krylov
from chirospin.numerics.outcome import Outcome
from chirospin.numerics.sylvester import solve_sylvester
from chirospin.numerics.threads import blas_threads

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
SIDE_BY_SIDE = 128  # orbitals from which the two magnetisations are worth a thread each
DISTINCT = 1e-5  # largest difference of elements of two densities that are one
FIXED = (
    1e-9  # of the map, relative: slow modes of long stacks leave the rounding of 1e-15 this large
)


class MeanField(Method):
    """Self-consistent Hartree-Fock steady state; failure to converge is data.

    Starts without the mean field and takes Newton steps, whose linear equations reuse the
    eigenvectors of the last density. If that fails, the interaction is switched on in steps, each
    starting from the last, and the step is halved where it must be.

    References
    ----------
    nozaki_fujita_2026, Eqs. (12)-(16); the exchange of Eq. (15) is printed with a plus sign
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, any number of molecules"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "eisenstat_walker_1996",
        "anderson_1965",
    )

    tolerance: float = Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual of the self-consistent equation, relative",
    )
    solver: Literal["newton", "anderson"] = Field(
        "newton", description="newton: steps from the linear response; anderson: accelerated mixing"
    )
    iterations: int = Field(
        400, ge=1, le=MOST_STEPS, description="most evaluations of the map per step in U"
    )
    depth: int = Field(
        8, ge=0, le=100, description="differences kept by the accelerated mixing; 0: plain mixing"
    )
    mixing: float = Field(0.5, gt=0, le=1, description="weight of the new density in one step")
    continuation: int = Field(
        8, ge=0, le=10_000, description="first steps in U when all at once fails; 0: none"
    )
    at_once: bool = Field(True, description="try all of the interaction before its continuation")
    exchange: Literal["hartree-fock", "printed-eq-15"] = Field(
        "hartree-fock",
        description="sign of the exchange; the printed one is wrong, kept to compare",
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return map(self._state, models)

    def _state(self, model: Junction) -> JunctionState:
        both = self.equations(model)
        if len(both[0].h) < SIDE_BY_SIDE:
            found = [self._self_consistent(one) for one in both]
        else:
            with blas_threads(1), ThreadPoolExecutor(2) as pool:
                found = list(pool.map(self._self_consistent, both))
        density = np.stack([G for G, _ in found])
        return JunctionState(
            one_body_density=density,
            outcomes=(found[0][1], found[1][1]),
            lead_current=lead_current(
                lead_couplings(model), np.einsum("mkk->mk", density).real, lead_occupations(model)
            ),
        )

    def equations(self, model: Junction) -> tuple[MeanFieldEquation, MeanFieldEquation]:
        """The self-consistent equations of both magnetisations."""
        h, terms = one_body_hamiltonian(model), interaction(model)
        sign = -1.0 if self.exchange == "hartree-fock" else 1.0
        up, down = (
            MeanFieldEquation(h=h, terms=terms, filling=fill, emptying=empty, sign=sign)
            for fill, empty in zip(*exchange_rates(model), strict=True)
        )
        return up, down

    def _self_consistent(self, equation: MeanFieldEquation) -> tuple[Complex, Outcome]:
        free = equation.solved(np.zeros(equation.mask[0].size))
        if unreached(np.array(free.decay), equation.h):
            return free.G, Outcome(
                converged=False, residual=float("inf"), iterations=1, reason=UNREACHED
            )
        start = equation.packed(free.G)
        found = self.search(equation, start, 1.0 if self.at_once else 0.0)
        spent, reached = found.evaluations, 1.0
        if (not found.converged or not self.at_once) and self.continuation:
            found, spent, reached = self._continue(equation, start, spent)
        reason = (
            ""
            if found.converged
            else (
                f"no self-consistent density found; continuation reached {reached:.3g} of the "
                "interaction; a smaller one, more iterations or less mixing may converge"
            )
        )
        return found.G, Outcome(
            converged=found.converged, residual=found.residual, iterations=spent, reason=reason
        )

    def search(self, equation: MeanFieldEquation, start: Real, strength: float = 1.0) -> Found:
        """A density that makes its own field, from a start, at a share of the interaction."""
        if self.solver == "newton":
            root = newton_krylov(
                lambda x: equation.linearised(x, strength),
                start,
                tolerance=0.1 * self.tolerance,
                limit=self.iterations,
            )
            x, gap, count = root.value, root.residual, root.evaluations
        else:
            point = anderson(
                lambda x: equation.packed(equation.solved(x, strength).G),
                start,
                tolerance=self.tolerance,
                limit=self.iterations,
                depth=self.depth,
                mixing=self.mixing,
            )
            x, gap, count = point.value, point.residual, point.iterations
        if not np.isfinite(gap):
            return Found(x=x, G=unpacked_nothing(equation), residual=gap, evaluations=count)
        G = equation.solved(x, strength).G
        residual = equation.residual(G, strength)
        return Found(
            x=x,
            G=G,
            residual=residual if gap <= FIXED else max(residual, gap),
            evaluations=count,
            converged=residual <= self.tolerance and gap <= FIXED,
        )

    def _continue(
        self, equation: MeanFieldEquation, start: Real, spent: int
    ) -> tuple[Found, int, float]:
        """Raise the interaction from zero to one in steps that adapt."""
        reached, step, guess = 0.0, 1.0 / self.continuation, start
        while True:
            found = self.search(equation, guess, min(reached + step, 1.0))
            spent += found.evaluations
            if found.converged:
                reached, guess = min(reached + step, 1.0), found.x
                step *= 1.5
                if reached == 1.0:
                    return found, spent, reached
            else:
                step /= 2
                if step < 0.1 / self.continuation:
                    last = self.search(equation, guess)
                    return last, spent + last.evaluations, 1.0 if last.converged else reached


def mean_field_solutions(
    model: Junction, method: MeanField | None = None, *, starts: int = 20, seed: int = 0
) -> tuple[list[Complex], list[Complex]]:
    """Distinct self-consistent densities for either magnetisation, from random starts.

    A start is an occupation of every orbital drawn between 0 and 1, after the density without
    interaction. Finding one solution does not prove that there is no other.

    Returns
    -------
    Densities G, (4M, 4M), for magnetisation up and down, in the order in which they were found
    """
    chosen = method or MeanField()
    rng = np.random.default_rng(seed)
    kept: list[list[Complex]] = []
    for equation in chosen.equations(model):
        free = equation.solved(np.zeros(equation.mask[0].size)).G
        drawn = [np.diag(rng.uniform(size=len(free))).astype(complex) for _ in range(starts)]
        different: list[Complex] = []
        for start in (free, *drawn):
            found = chosen.search(equation, equation.packed(start))
            if found.converged and all(np.abs(found.G - G).max() > DISTINCT for G in different):
                different.append(found.G)
        kept.append(different)
    return kept[0], kept[1]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a search for a self-consistent density ended.

    Parameters
    ----------
    x : the density on the elements that the field reads, packed
    G : the whole density in that field
    residual : of the self-consistent equation, relative; of the map where that is not at rest
    """

    x: Real
    G: Complex
    residual: float
    evaluations: int
    converged: bool = False


def unpacked_nothing(equation: MeanFieldEquation) -> Complex:
    """A density that is not a number."""
    return np.full(equation.h.shape, np.nan, dtype=complex)


def stationary_density(h: Complex, filling: Real, emptying: Real) -> tuple[Complex, Real, Real]:
    r"""One-body density of the steady state of a quadratic Hamiltonian.

    .. math:: K G + G K^+ = -diag(\alpha), \qquad K = i h^T - diag(\alpha + \beta)/2

    Parameters
    ----------
    h : (n, n), eV
    filling, emptying : alpha, beta, (n,), eV/hbar

    Returns
    -------
    G : :math:`\langle c^+_m c_n \rangle`, (n, n)
    residual, slowest_decay : of that equation, ()
    """
    K = -h.T - 0.5j * np.diag(filling + emptying)
    return solve_sylvester(K, -np.diag(filling).astype(complex))


def mean_field(terms: Interaction, G: Complex, exchange: str = "hartree-fock") -> Complex:
    r"""Mean field Delta(G), the derivative of the Hartree-Fock energy by G.

    .. math:: \Delta_{mn} = \delta_{mn} \sum_k W_{mk} G_{kk} - W_{mn} G_{nm}

    and, for each pair term v (p q r s) with
    :math:`\langle c^+_p c^+_q c_r c_s \rangle = G_{ps} G_{qr} - G_{pr} G_{qs}`, the four matching
    elements and their conjugates.

    Returns
    -------
    (n, n), eV, Hermitian

    References
    ----------
    nozaki_fujita_2026, Eq. (15), with the sign of exchange that agrees with the exact current to
    first order in U
    """
    sign = -1.0 if exchange == "hartree-fock" else 1.0
    delta: Complex = np.diag(terms.density @ G.diagonal()) + sign * terms.density * G.T
    pairs = np.zeros_like(delta)
    p, q, r, s = terms.exchange.T
    np.add.at(pairs, (p, s), terms.strength * G[q, r])
    np.add.at(pairs, (q, r), terms.strength * G[p, s])
    np.add.at(pairs, (p, r), sign * terms.strength * G[q, s])
    np.add.at(pairs, (q, s), sign * terms.strength * G[p, r])
    return delta + pairs + pairs.conj().T
