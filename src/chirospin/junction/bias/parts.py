"""Partners of a biased junction: the same stack at other biases and temperatures, by the same method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.method import Method
from chirospin.base.parts import Part, states_with_parts
from chirospin.junction.audit import time_reversal_broken
from chirospin.junction.bias.model import (
    BiasedJunction,
    at_potentials,
    at_temperatures,
    few_levels,
    gated_hamiltonian,
    moved_bias,
    own_potentials,
    reservoirs_of,
)
from chirospin.junction.magnets import MAGNET_PARTS
from chirospin.junction.manybody.asked_parts import ASKED_PARTS
from chirospin.junction.model import all_magnets_reversed, wholly_reversed
from chirospin.junction.modes import MIXED, modes, time_reversal_mixed

Real = NDArray[np.float64]
STEP = 2e-3  # of the bias, in temperatures: a derivative is then good to 1e-6
DIFFERENCE = 1e-5  # what the step leaves, relative
UNBROKEN = 1e-12  # part of the Hamiltonian that is odd under time reversal, eV
NOISE, BROADENED = "noise", "broadened"
"""What a method may give with its own solve: noise, and left currents through levels of finite width."""
BIAS_RESPONSE, LEAD_RESPONSE = "bias_response", "lead_response"
"""Derivatives of the flows by the bias and by each lead, given by methods that have a linear response."""
REVERSED = "reversed"
REST, REST_ABOVE, REST_BELOW = "rest", "rest_above", "rest_below"
LINEAR, LINEAR_REVERSED = "linear", "linear_reversed"
NEAR_ABOVE, NEAR_BELOW, NEAR_HOT, NEAR_COLD = "near_above", "near_below", "near_hot", "near_cold"


@dataclass(frozen=True, kw_only=True)
class BiasResponse:
    """Derivative of the left current by the bias with its error, (magnetisation,) each, e^2/hbar."""

    slope: Real
    error: Real


def rest(model: BiasedJunction) -> BiasedJunction:
    """The same junction between leads of equal potential and temperature, vibrations as warm."""
    potential, T = own_potentials(model), reservoirs_of(model).thermal_energy
    still = (
        model.replace(bias=0.0, phonon_thermal_energy=None)
        if potential is None
        else at_potentials(model, np.full(potential.size, potential.mean()))
    )
    return at_temperatures(still, np.full(T.size, T.mean())) if np.ptp(T) else still


def roughly_at_rest(model: BiasedJunction) -> BiasedJunction:
    """At rest, with few levels of vibrations: an artefact needs no more of them."""
    still = rest(model)
    return still.replace(phonon_levels=few_levels(still)) if len(modes(still)) else still


def driven(model: BiasedJunction) -> bool:
    """Whether the leads differ in potential or temperature."""
    reservoirs = reservoirs_of(model)
    return bool(np.ptp(reservoirs.potential) > 0 or np.ptp(reservoirs.thermal_energy) > 0)


def reversed_bias(model: BiasedJunction) -> BiasedJunction:
    """The same junction at the opposite bias."""
    potential = own_potentials(model)
    if potential is None:
        return model.replace(bias=-model.bias)
    return at_potentials(model, 2 * potential.mean() - potential)


def bias_step(model: BiasedJunction) -> float:
    """Step of a derivative by the bias, eV."""
    return STEP * float(reservoirs_of(model).thermal_energy.min())


def shifted_bias(model: BiasedJunction, steps: int) -> BiasedJunction:
    """The same junction at a bias some steps higher."""
    return moved_bias(model, steps * bias_step(model))


def obeys_reciprocity(model: BiasedJunction) -> bool:
    """Whether time reversal holds on stack and vibrations and reverses all magnets: linear response is reciprocal."""
    still = time_reversal_broken(gated_hamiltonian(rest(model))) <= UNBROKEN
    return (
        still
        and all_magnets_reversed(model)
        and time_reversal_mixed(modes(model).coupling) <= MIXED
    )


def near_rest(model: BiasedJunction) -> bool:
    """Whether bias and difference of temperatures lie within the temperature."""
    reservoirs = reservoirs_of(model)
    T = reservoirs.thermal_energy
    return bool(np.ptp(reservoirs.potential) <= T.mean() and np.ptp(T) <= T.mean())


def _at_rest(model: BiasedJunction, steps: int) -> BiasedJunction | None:
    return shifted_bias(roughly_at_rest(model), steps) if obeys_reciprocity(model) else None


def heated(model: BiasedJunction, steps: int) -> BiasedJunction:
    """The junction at rest, its left lead warmer by some steps."""
    still = rest(model)
    T = reservoirs_of(still).thermal_energy
    shares = np.array([0.5, -0.5]) if T.size == 2 else np.eye(T.size)[0]
    return at_temperatures(still, T + steps * STEP * T.mean() * shares)


def _nearby(model: BiasedJunction, partner: BiasedJunction) -> BiasedJunction | None:
    return partner if near_rest(model) and obeys_reciprocity(model) else None


def bias_difference(method: Method, model: BiasedJunction) -> BiasResponse:
    """Slope of the left current by a central difference."""
    above, below = (method.solve(shifted_bias(model, n)) for n in (1, -1))
    step = bias_step(model)
    difference = above.lead_current[:, 0] - below.lead_current[:, 0]
    balance = np.abs(above.lead_current.sum(axis=1)) + np.abs(below.lead_current.sum(axis=1))
    slope = difference / (2 * step)
    return BiasResponse(slope=slope, error=balance / (2 * step) + DIFFERENCE * np.abs(slope))


def all_magnets(model: BiasedJunction) -> BiasedJunction | None:
    """At rest, with magnetisation down as the reversal of every lead, where time reversal holds on the stack."""
    still = wholly_reversed(rest(model))
    return still if obeys_reciprocity(still) else None


PARTS = (
    Part(
        name=LINEAR_REVERSED,
        about="linear response between equal leads, all magnets reversed together",
        at=all_magnets,
        needs=(LEAD_RESPONSE,),
    ),
    *ASKED_PARTS,
    *MAGNET_PARTS,
    Part(name=REVERSED, about="at the opposite bias", at=reversed_bias),
    Part(
        name=BIAS_RESPONSE,
        about="derivative by the bias: of methods without a linear response by a difference",
        at=lambda m: m,
        find=bias_difference,
    ),
    Part(
        name=LINEAR,
        about="linear response between equal leads",
        at=rest,
        needs=(LEAD_RESPONSE,),
    ),
    Part(name=REST, about="between equal leads", at=roughly_at_rest, needs=(BROADENED,)),
    Part(name=REST_ABOVE, about="one step of bias above rest", at=lambda m: _at_rest(m, 1)),
    Part(name=REST_BELOW, about="one step of bias below rest", at=lambda m: _at_rest(m, -1)),
    Part(
        name=NEAR_ABOVE,
        about="one step of bias above rest, for a junction near it",
        at=lambda m: _nearby(m, shifted_bias(rest(m), 1)),
    ),
    Part(
        name=NEAR_BELOW,
        about="one step of bias below rest, for a junction near it",
        at=lambda m: _nearby(m, shifted_bias(rest(m), -1)),
    ),
    Part(
        name=NEAR_HOT,
        about="at rest but for a warmer left lead, for a junction near it",
        at=lambda m: _nearby(m, heated(m, 1)),
    ),
    Part(
        name=NEAR_COLD,
        about="at rest but for a colder left lead, for a junction near it",
        at=lambda m: _nearby(m, heated(m, -1)),
    ),
)
PARTNERS = frozenset(part.name for part in PARTS if part not in (*MAGNET_PARTS, *ASKED_PARTS))
"""At other biases and temperatures."""


def with_partners(model: BiasedJunction, method: Method, *names: str) -> Any:
    """The state of a model with some parts, for one that asks for no observable."""
    (state,) = states_with_parts(PARTS, method, [model], frozenset(names))
    return state


def left_flows(state: Any) -> Real:
    """Electrons and energy that a partner takes from its left lead, (2, magnetisation); NaN where unknown."""
    flows = np.full((2, 2), np.nan)
    if state is not None and state.outcome.converged:
        flows[0] = state.lead_current[:, 0]
        if state.energy_current is not None:
            flows[1] = state.energy_current[:, 0]
    return flows
