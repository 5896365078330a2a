r"""Electrons in the mean field of the others: a self-consistent one-body problem.

.. math::
    h' = h + \Delta(G), \qquad
    \Delta_{mn} = \delta_{mn} \sum_k W_{mk} G_{kk} - W_{mn} G_{nm}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.method import Method
from chirospin.junction.model import (
    Interaction,
    Junction,
    exchange_rates,
    interaction,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
)
from chirospin.junction.state import UNREACHED, JunctionState, lead_current, unreached
from chirospin.numerics.fixed_point import FixedPoint, anderson
from chirospin.numerics.outcome import Outcome
from chirospin.numerics.sylvester import pack, solve_sylvester, unpack

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


class MeanField(Method):
    """Self-consistent Hartree-Fock steady state; failure to converge is data.

    Starts without the mean field and accelerates (Anderson). If that fails, the interaction is
    switched on in steps, each starting from the last, and the step is halved where it must be.

    References
    ----------
    nozaki_fujita_2026, Eqs. (12)-(16); the exchange of Eq. (15) is printed with a plus sign
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, any number of molecules"
    references: ClassVar[tuple[str, ...]] = ("nozaki_fujita_2026", "anderson_1965")

    tolerance: float = Field(1e-12, gt=0, description="largest |F(G) - G| / |G|")
    iterations: int = Field(400, ge=1, description="most evaluations of the map per step in U")
    depth: int = Field(8, ge=0, description="differences kept by the acceleration; 0: plain mixing")
    mixing: float = Field(0.5, gt=0, le=1, description="weight of the new density in one step")
    continuation: int = Field(
        8, ge=0, description="first steps in U when all at once fails; 0: none"
    )
    exchange: Literal["hartree-fock", "printed-eq-15"] = Field(
        "hartree-fock",
        description="sign of the exchange; the printed one is wrong, kept to compare",
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return map(self._state, models)

    def _state(self, model: Junction) -> JunctionState:
        h, terms, coupling = one_body_hamiltonian(model), interaction(model), lead_couplings(model)
        densities, outcomes = [], []
        for filling, emptying in zip(*exchange_rates(model), strict=True):
            G, outcome = self._self_consistent(h, terms, filling, emptying)
            densities.append(G)
            outcomes.append(outcome)
        density = np.stack(densities)
        f = lead_occupations(model)
        return JunctionState(
            one_body_density=density,
            outcomes=(outcomes[0], outcomes[1]),
            lead_current=lead_current(coupling, np.einsum("mkk->mk", density).real, f),
        )

    def _self_consistent(
        self, h: Complex, terms: Interaction, filling: Real, emptying: Real
    ) -> tuple[Complex, Outcome]:
        start, _, decay = stationary_density(h, filling, emptying)
        if unreached(decay, h):
            return start, Outcome(
                converged=False, residual=float("inf"), iterations=1, reason=UNREACHED
            )

        def search(strength: float, guess: Real) -> FixedPoint:
            def density_map(packed: Real) -> Real:
                G = unpack(packed.reshape(h.shape))
                shifted = h + strength * mean_field(terms, G, self.exchange)
                return pack(stationary_density(shifted, filling, emptying)[0]).ravel()

            return anderson(
                density_map,
                guess,
                tolerance=self.tolerance,
                limit=self.iterations,
                depth=self.depth,
                mixing=self.mixing,
            )

        found = search(1.0, pack(start).ravel())
        spent, reached = found.iterations, 1.0
        if not found.converged and self.continuation:
            found, spent, reached = self._continue(search, pack(start).ravel(), spent)
        reason = (
            ""
            if found.converged
            else (
                f"no self-consistent density found; continuation reached {reached:.3g} of the "
                "interaction; a smaller one, more iterations or less mixing may converge"
            )
        )
        return unpack(found.value.reshape(h.shape)), Outcome(
            converged=found.converged, residual=found.residual, iterations=spent, reason=reason
        )

    def _continue(self, search, guess: Real, spent: int) -> tuple[FixedPoint, int, float]:  # type: ignore[no-untyped-def]
        """Raise the interaction from zero to one in steps that adapt."""
        reached, step = 0.0, 1.0 / self.continuation
        while True:
            found: FixedPoint = search(min(reached + step, 1.0), guess)
            spent += found.iterations
            if found.converged:
                reached, guess = min(reached + step, 1.0), found.value
                step *= 1.5
                if reached == 1.0:
                    return found, spent, reached
            else:
                step /= 2
                if step < 0.1 / self.continuation:
                    last = search(1.0, guess)
                    return last, spent + last.iterations, 1.0 if last.converged else reached


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
