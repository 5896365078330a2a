r"""Counting electrons: the zero-frequency noise of the current and its Fano factor.

Electrons that enter from one lead are counted by a field :math:`\chi` on its jumps,
:math:`J_\chi = \sum_\pm e^{\pm\chi} J_\pm`. The largest eigenvalue of the tilted generator is
:math:`\lambda(\chi) = I\chi + S\chi^2/2 + \dots`, and with the dual operator Z of the current
(:math:`L^+ Z = O - I`)

.. math:: S = Tr[(J_+ + J_-)\rho] - 2\, Tr[Z (J_+ - J_- - I) \rho]

so the solve that gives all gradients gives the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.errors import ConvergenceError
from chirospin.base.observables import observable
from chirospin.junction.manybody.leads import FlatMember, lead_maps
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Halves, Real, overlap
from chirospin.junction.manybody.response import LEFT, RIGHT, CurrentResponse, Settings, response
from chirospin.junction.model import Junction, lead_couplings
from chirospin.junction.observables import NO_CURRENT, current_uncertainty
from chirospin.junction.state import JunctionState

NOISE = "noise"
"""The part of a state that holds it."""
NOT_COUNTED = "the method does not count electrons"
BALANCE = 1e-8  # of the coupling: two residuals of 1e-12 over the slowest relaxation squared


@dataclass(frozen=True, kw_only=True)
class CountedNoise:
    r"""The noise of the electrons counted at either lead.

    Parameters
    ----------
    values : :math:`d\langle\langle n^2 \rangle\rangle/dt` at the first lead and at all others together,
        (magnetisation, 2), eV/hbar
    dual_residual : of the adjoint equation, (magnetisation,)
    """

    values: NDArray[np.float64]
    dual_residual: NDArray[np.float64]


def counted_state(model: Junction, settings: Settings) -> JunctionState:
    """The steady state with its noise; where that cannot be had the outcome says why."""
    try:
        found = response(model, settings)
    except ConvergenceError as error:
        _, leads, size = lead_couplings(model).shape
        return JunctionState(
            one_body_density=np.full((2, size, size), np.nan, dtype=complex),
            lead_current=np.full((2, leads), np.nan),
            outcomes=(error.outcome, error.outcome),
        )
    plain = found.state
    noise = CountedNoise(
        values=counted_noise(found, plain.lead_current), dual_residual=found.residual
    )
    return replace(plain, parts={NOISE: noise})


def counted_noise(response: CurrentResponse, lead_current: Real) -> Real:
    r"""Second cumulant rate of the electrons entering from the first lead, and from all others, (magnetisation, 2).

    The dual operator of the other current needs no solve: :math:`O_L + O_R = L^+ N`, so
    :math:`Z_R = N - Z_L`. Both noises must agree.
    """
    number = response.layout.number()
    noise = np.empty((2, 2))
    for side, leads in ((LEFT, [0]), (RIGHT, list(range(1, lead_current.shape[1])))):
        dual = response.dual
        if side == RIGHT:
            dual = (number[EVEN] - dual[EVEN], number[ODD] - dual[ODD])
        rates = [_exchanged(member, leads) for member in response.pair]
        net = _jumped(response, [(into, -out) for into, out in rates])
        gross = _jumped(response, rates)
        I = lead_current[:, leads].sum(axis=1, keepdims=True)  # noqa: E741
        even, odd = (flow - I * rho for flow, rho in zip(net, response.steady, strict=True))
        noise[:, side] = response.layout.trace(*gross) - 2 * overlap(dual, (even, odd))
    return noise


def _exchanged(member: FlatMember, leads: Sequence[int]) -> tuple[Complex, Complex]:
    """Rates of some leads that fill and that empty, (4M, 4M) each, eV/hbar."""
    gamma, f = member.gamma[leads], member.occupation[leads]
    return np.einsum("l,lab->ab", f, gamma), np.einsum("l,lab->ab", 1 - f, gamma)


def _jumped(response: CurrentResponse, rates: Sequence[tuple[Complex, Complex]]) -> Halves:
    """Jumps at given rates of every member applied to the steady states, even and odd sectors."""
    even, odd = response.steady
    out_of_even, out_of_odd = lead_maps(response.pair, response.layout.charges, rates)
    to_odd, to_even = out_of_even @ even.reshape(-1), out_of_odd @ odd.reshape(-1)
    return to_even.reshape(even.shape), to_odd.reshape(odd.shape)


def _noise_error(model: Junction, state: JunctionState) -> Real:
    """What the noises counted at both leads differ by."""
    values = state.parts[NOISE].values
    return np.asarray(np.abs(values[:, 0] - values[:, 1]))


def _fano_error(model: Junction, state: JunctionState) -> Real:
    flow = np.abs(state.lead_current[:, 0])
    flow = np.where(flow > NO_CURRENT * lead_couplings(model).sum(), flow, np.nan)
    relative = current_uncertainty(model, state) / flow
    size = np.abs(state.parts[NOISE].values[:, 0])
    return np.asarray((_noise_error(model, state) + size * relative) / flow)


@observable(
    unit="eV*e^2/hbar",
    symbol="S",
    dims=("magnetisation",),
    needs=(NOISE,),
    default=False,
    undefined=NOT_COUNTED,
    error=_noise_error,
)
def noise(model: Junction, state: JunctionState) -> Real:
    r"""Zero-frequency noise of the current: growth of the variance of the electrons transferred.

    .. math:: S = \lim_{t\to\infty} \frac{1}{t} \big( \langle n^2 \rangle - \langle n \rangle^2 \big)

    In units of e squared; the one-sided spectral density of the laboratory is 2 S.

    References
    ----------
    bagrets_nazarov_2003
    """
    return np.asarray(state.parts[NOISE].values[:, 0])


@observable(
    unit="1",
    symbol="F",
    dims=("magnetisation",),
    needs=(NOISE,),
    default=False,
    undefined=f"{NOT_COUNTED}; or no current flows",
    error=_fano_error,
)
def fano_factor(model: Junction, state: JunctionState) -> Real:
    r"""Noise over that of independent electrons: :math:`F = S/|I|`.

    .. math:: F = S / |I|
    """
    flow = np.abs(state.lead_current[:, 0])
    none = flow <= NO_CURRENT * lead_couplings(model).sum()
    counted = state.parts[NOISE].values[:, 0]
    return np.asarray(np.where(none, np.nan, counted / np.where(none, 1.0, flow)))


def _noise_balance(model: Junction, state: JunctionState) -> float:
    scale = max(float(lead_couplings(model).max()), 1e-300)
    return float(_noise_error(model, state).max() / scale)


COUNTED = ("noise", "fano_factor")
NOISE_OBSERVABLES = (noise, fano_factor)
NOISE_CHECKS = (
    Check(
        name="dual_residual",
        tolerance=1e-12,
        about="norm of the adjoint equation at its answer, relative",
        evaluate=lambda m, s: float(s.parts[NOISE].dual_residual.max()),
        needs=(NOISE,),
        judges=COUNTED,
    ),
    Check(
        name="noise_balance",
        tolerance=BALANCE,
        about="the noise counted at the left lead is that at the right, relative to the coupling",
        evaluate=_noise_balance,
        needs=(NOISE,),
        judges=COUNTED,
    ),
    Check(
        name="noise_sign",
        tolerance=1e-12,
        bound="above",
        about="a variance does not shrink",
        evaluate=lambda m, s: float(s.parts[NOISE].values.min()),
        needs=(NOISE,),
        judges=COUNTED,
    ),
)
