r"""Electrons in the mean field of the others: a self-consistent one-body problem.

.. math::
    h' = h + \Delta(G), \qquad
    \Delta_{mn} = \delta_{mn} \sum_k W_{mk} G_{kk} - W_{mn} G_{nm}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.method import LOOSEST, MOST_STEPS, TIGHTEST, Method
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.junction.floating import require_no_floating
from chirospin.junction.grown import DISTINCT, Found, grown, other_densities, with_others
from chirospin.junction.model import (
    Interaction,
    Junction,
    exchange_matrices,
    exchange_rates,
    interaction,
    lead_couplings,
    lead_occupations,
    mixing_widths,
    one_body_hamiltonian,
)
from chirospin.junction.probed import require_no_probes
from chirospin.junction.self_consistent import FieldEquation, MeanFieldEquation
from chirospin.junction.state import (
    UNREACHED,
    JunctionState,
    lead_current,
    unreached,
    width_current,
)
from chirospin.numerics.fixed_point import anderson
from chirospin.numerics.newton import newton_krylov

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
SIDE_BY_SIDE = 128  # orbitals from which the two magnetisations are worth a thread each
FIXED = (
    1e-9  # of the map, relative: slow modes of long stacks leave the rounding of 1e-15 this large
)


class MeanField(Method):
    """Self-consistent Hartree-Fock steady state; failure to converge is data.

    The equation may have several solutions. The one that grows from the density without interaction is
    followed along its branch, for either magnetisation, so that their currents compare; where the branch
    turns back before the whole interaction there is none, and the outcome says so. Other solutions are
    looked for and counted.

    References
    ----------
    nozaki_fujita_2026, Eqs. (12)-(16); the exchange of Eq. (15) is printed with a plus sign
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, any number of molecules"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "keller_1977",
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
        "newton",
        description="newton: along the branch from U = 0; anderson: accelerated mixing, at once",
    )
    iterations: int = Field(
        400, ge=1, le=MOST_STEPS, description="most evaluations of the map on the way"
    )
    depth: int = Field(
        8, ge=0, le=100, description="differences kept by the accelerated mixing; 0: plain mixing"
    )
    mixing: float = Field(0.5, gt=0, le=1, description="weight of the new density in one step")
    continuation: int = Field(
        2,
        ge=0,
        le=10_000,
        description="first steps in U along the branch; 0: all of it at once or nothing",
    )
    at_once: bool = Field(
        default=False, description="try all of the interaction first: another branch may be found"
    )
    others: bool = Field(default=True, description="look for other solutions and count them")
    exchange: Literal["hartree-fock", "printed-eq-15"] = Field(
        "hartree-fock",
        description="sign of the exchange; the printed one is wrong, kept to compare",
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return map(self._state, models)

    def _state(self, model: Junction) -> JunctionState:
        require_no_probes(model)
        require_no_floating(model, f"method {self.name}", "gksl and landauer")
        both = self.equations(model)
        if len(both[0].h) < SIDE_BY_SIDE:
            found = [self._self_consistent(one) for one in both]
        else:
            with blas_threads(1), ThreadPoolExecutor(2) as pool:
                found = list(pool.map(self._self_consistent, both))
        density = np.stack([G for G, _, _ in found])
        return JunctionState(
            one_body_density=density,
            outcomes=(found[0][1], found[1][1]),
            lead_current=flat_currents(model, density),
            other_solutions=(found[0][2], found[1][2]) if self.others else None,
        )

    def equations(self, model: Junction) -> tuple[MeanFieldEquation, MeanFieldEquation]:
        """The self-consistent equations of both magnetisations."""
        h, terms = one_body_hamiltonian(model), interaction(model)
        sign = -1.0 if self.exchange == "hartree-fock" else 1.0
        up, down = (
            MeanFieldEquation(h=h, terms=terms, filling=fill, emptying=empty, sign=sign)
            for fill, empty in zip(
                *(exchange_matrices(model) or exchange_rates(model)), strict=True
            )
        )
        return up, down

    def _self_consistent(self, equation: MeanFieldEquation) -> tuple[Complex, Outcome, int]:
        """Density, outcome and the number of other solutions."""
        free = equation.in_field(equation.h)
        if unreached(np.array(free.decay), equation.h):
            outcome = Outcome(
                converged=False, residual=float("inf"), iterations=1, reason=UNREACHED
            )
            return free.G, outcome, 0
        found, outcome = self._found(equation, equation.packed(free.G))
        beside = other_densities(equation, self.newton, found) if self.others else 0
        return found.G, with_others(outcome, beside), beside

    def _found(self, equation: MeanFieldEquation, free: Real) -> tuple[Found, Outcome]:
        if self.at_once or self.solver == "anderson" or not self.continuation:
            mixed = self.solver == "anderson"
            found = (self.mixed if mixed else self.newton)(equation, free, self.iterations)
            if found.converged or not self.continuation:
                reason = "" if found.converged else "no self-consistent density found at once"
                return found, Outcome(
                    converged=found.converged,
                    residual=found.residual,
                    iterations=found.evaluations,
                    reason=reason,
                )
        return grown(equation, self.newton, steps=self.continuation, limit=self.iterations)

    def newton(self, equation: FieldEquation, start: Real, limit: int) -> Found:
        """A density that makes its own field, by Newton steps from a start."""
        root = newton_krylov(
            equation.linearised, start, tolerance=0.1 * self.tolerance, limit=limit
        )
        return self._judged(equation, root.value, root.residual, root.evaluations)

    def mixed(self, equation: FieldEquation, start: Real, limit: int) -> Found:
        """A density that makes its own field, by mixing from a start."""
        point = anderson(
            lambda x: equation.mapped(x)[0],
            start,
            tolerance=self.tolerance,
            limit=limit,
            depth=self.depth,
            mixing=self.mixing,
        )
        return self._judged(equation, point.value, point.residual, point.iterations)

    def _judged(self, equation: FieldEquation, x: Real, gap: float, count: int) -> Found:
        if not np.isfinite(gap):
            nothing = np.full(equation.h.shape, np.nan, dtype=complex)
            return Found(x=x, G=nothing, residual=gap, evaluations=count)
        G = equation.solved(x).G
        residual = equation.residual(G)
        return Found(
            x=x,
            G=G,
            residual=residual if gap <= FIXED else max(residual, gap),
            evaluations=count,
            converged=residual <= self.tolerance and gap <= FIXED,
        )


def flat_currents(model: Junction, G: Complex) -> Real:
    """Electrons from every lead of infinite bias per time, (magnetisation, lead), eV/hbar."""
    widths, f = mixing_widths(model), lead_occupations(model)
    if widths is not None:
        return width_current(widths, G, f)
    return lead_current(lead_couplings(model), np.einsum("mkk->mk", G).real, f)


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
        free = equation.in_field(equation.h).G
        drawn = [np.diag(rng.uniform(size=len(free))).astype(complex) for _ in range(starts)]
        different: list[Complex] = []
        for start in (free, *drawn):
            found = chosen.newton(equation, equation.packed(start), chosen.iterations)
            if found.converged and all(np.abs(found.G - G).max() > DISTINCT for G in different):
                different.append(found.G)
        kept.append(different)
    return kept[0], kept[1]


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
