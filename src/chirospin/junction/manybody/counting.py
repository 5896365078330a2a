r"""Counting electrons: the zero-frequency noise of the current and its Fano factor.

Electrons that enter from one lead are counted by a field :math:`\chi` on its jumps,
:math:`J_\chi = \sum_\pm e^{\pm\chi} J_\pm`. The largest eigenvalue of the tilted generator is
:math:`\lambda(\chi) = I\chi + S\chi^2/2 + \dots`, and with the dual operator Z of the current
(:math:`L^+ Z = O - I`)

.. math:: S = Tr[(J_+ + J_-)\rho] - 2\, Tr[Z (J_+ - J_- - I) \rho]

so the solve that gives all gradients gives the noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.errors import ConvergenceError
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.junction.audit import CHECKS
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.liouvillian import EVEN, ODD, Real, diagonal, jump_matrix
from chirospin.junction.manybody.response import RIGHT, Response, response
from chirospin.junction.model import Junction, lead_couplings
from chirospin.junction.observables import NO_CURRENT, OBSERVABLES, current_uncertainty
from chirospin.junction.state import JunctionState

BALANCE = 1e-8  # of the coupling: two residuals of 1e-12 over the slowest relaxation squared


class CountedJunction(Junction):
    """The stack of the family, asked for the fluctuations of its current.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9); counting after bagrets_nazarov_2003
    """


@dataclass(frozen=True, kw_only=True)
class CountingState(JunctionState):
    r"""A steady state with the noise of the electrons counted at either lead.

    Parameters
    ----------
    noise : :math:`d\langle\langle n^2 \rangle\rangle/dt`, (magnetisation, lead), eV/hbar
    dual_residual : of the adjoint equation, (magnetisation,)
    """

    noise: NDArray[np.float64]
    dual_residual: NDArray[np.float64]


class GKSLCounting(GKSL):
    """Full counting statistics of the exact master equation, to second order."""

    summary: ClassVar[str] = "exact many-body master equation with counted electrons"
    references: ClassVar[tuple[str, ...]] = (*GKSL.references, "bagrets_nazarov_2003")

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """States with noise; one that cannot be had is the plain state and says why."""
        for model in models:
            try:
                found = response(model, self)
            except ConvergenceError as error:
                yield _failed(model, error.outcome)
                continue
            plain = found.state
            yield CountingState(
                one_body_density=plain.one_body_density,
                lead_current=plain.lead_current,
                outcomes=plain.outcomes,
                density=plain.density,
                noise=counted_noise(found, plain.lead_current),
                dual_residual=found.residual,
            )


def _failed(model: Junction, outcome: Outcome) -> CountingState:
    size = lead_couplings(model).shape[-1]
    nothing = np.full((2, 2), np.nan)
    return CountingState(
        one_body_density=np.full((2, size, size), np.nan, dtype=complex),
        lead_current=nothing,
        outcomes=(outcome, outcome),
        noise=nothing,
        dual_residual=nothing[0],
    )


def counted_noise(found: Response, lead_current: Real) -> Real:
    r"""Second cumulant rate of the electrons entering from either lead, (magnetisation, lead).

    The dual operator of the other current needs no solve: :math:`O_L + O_R = L^+ N`, so
    :math:`Z_R = N - Z_L`. Both noises must agree.
    """
    generator = found.generator
    coupling, leads = found.point.coupling, found.point.leads
    number = _number(found)
    noise = np.empty((2, 2))
    for lead in (0, 1):
        fill = coupling[:, lead] * leads[lead]
        empty = coupling[:, lead] * (1 - leads[lead])
        dual = found.dual
        if lead == RIGHT:
            dual = (number[EVEN] - dual[EVEN], number[ODD] - dual[ODD])
        net = _jumped(found, np.concatenate([fill, -empty], axis=1))
        gross = _jumped(found, np.concatenate([fill, empty], axis=1))
        activity = generator.trace(EVEN, gross[EVEN]) + generator.trace(ODD, gross[ODD])
        I = lead_current[:, [lead]]  # noqa: E741
        rest = [one - I * rho for one, rho in zip(net, found.steady, strict=True)]
        memory = sum((z * x).sum(axis=1) for z, x in zip(dual, rest, strict=True))
        noise[:, lead] = activity - 2 * memory
    return noise


def _jumped(found: Response, rate: Real) -> tuple[Real, Real]:
    """Jumps at given rates applied to the steady states, even and odd sectors."""
    generator, channels = found.generator, found.point.channels
    even, odd = found.steady
    to_odd = jump_matrix(generator.charges, channels, EVEN, rate) @ even.reshape(-1)
    to_even = jump_matrix(generator.charges, channels, ODD, rate) @ odd.reshape(-1)
    return to_even.reshape(even.shape), to_odd.reshape(odd.shape)


def _number(found: Response) -> tuple[Real, Real]:
    """The electron number in packed form, (1, unknowns)."""
    generator = found.generator
    halves = []
    for parity in (EVEN, ODD):
        states = np.concatenate([one.states.ravel() for one in generator.space.stacks[parity]])
        half = np.zeros((1, generator.space.unknowns(parity)))
        half[:, diagonal(generator.charges, parity)] = np.bitwise_count(states)
        halves.append(half)
    return halves[EVEN], halves[ODD]


def _noise_error(model: CountedJunction, state: CountingState) -> NDArray[np.float64]:
    """What the noises counted at both leads differ by."""
    return np.asarray(np.abs(state.noise[:, 0] - state.noise[:, 1]))


def _fano_error(model: CountedJunction, state: CountingState) -> NDArray[np.float64]:
    flow = np.abs(state.lead_current[:, 0])
    flow = np.where(flow > NO_CURRENT * lead_couplings(model).sum(), flow, np.nan)
    relative = current_uncertainty(model, state) / flow
    return np.asarray((_noise_error(model, state) + np.abs(state.noise[:, 0]) * relative) / flow)


@observable(unit="eV*e^2/hbar", symbol="S", dims=("magnetisation",), error=_noise_error)
def noise(model: CountedJunction, state: CountingState) -> NDArray[np.float64]:
    r"""Zero-frequency noise of the current: growth of the variance of the electrons transferred.

    .. math:: S = \lim_{t\to\infty} \frac{1}{t} \big( \langle n^2 \rangle - \langle n \rangle^2 \big)

    In units of e squared; the one-sided spectral density of the laboratory is 2 S.

    References
    ----------
    bagrets_nazarov_2003
    """
    return state.noise[:, 0]


@observable(
    unit="1",
    symbol="F",
    dims=("magnetisation",),
    undefined="no current flows",
    error=_fano_error,
)
def fano_factor(model: CountedJunction, state: CountingState) -> NDArray[np.float64]:
    r"""Noise over that of independent electrons: :math:`F = S/|I|`.

    .. math:: F = S / |I|
    """
    flow = np.abs(state.lead_current[:, 0])
    none = flow <= NO_CURRENT * lead_couplings(model).sum()
    return np.asarray(np.where(none, np.nan, state.noise[:, 0] / np.where(none, 1.0, flow)))


def _noise_balance(model: CountedJunction, state: CountingState) -> float:
    scale = max(float(lead_couplings(model).max()), 1e-300)
    return float(np.abs(state.noise[:, 0] - state.noise[:, 1]).max() / scale)


COUNTING_OBSERVABLES = (noise, fano_factor, *OBSERVABLES[:3])
COUNTING_CHECKS = (
    *CHECKS,
    Check(
        name="dual_residual",
        tolerance=1e-12,
        about="norm of the adjoint equation at its answer, relative",
        evaluate=lambda m, s: float(s.dual_residual.max()),
    ),
    Check(
        name="noise_balance",
        tolerance=BALANCE,
        about="the noise counted at the left lead is that at the right, relative to the coupling",
        evaluate=_noise_balance,
    ),
    Check(
        name="noise_sign",
        tolerance=1e-12,
        bound="above",
        about="a variance does not shrink",
        evaluate=lambda m, s: float(s.noise.min()),
    ),
)
