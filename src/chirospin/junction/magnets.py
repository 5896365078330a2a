"""Several magnets: their currents, and what reversing each of them changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import observable
from chirospin.base.parts import Part
from chirospin.junction.model import (
    MolecularStack,
    floating_leads,
    lead_couplings,
    lead_names,
)
from chirospin.junction.observables import CURRENT, IN_AMPERE, NO_CURRENT, current_uncertainty
from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]
RIGHT_REVERSED, LEFT_REVERSED, BOTH_REVERSED = "right_reversed", "left_reversed", "both_reversed"
NO_PARTNER = "the method failed for the other magnetisation, or no current flows"


def reversing(model: MolecularStack, *leads: int) -> MolecularStack:
    """The same junction whose magnetisation down reverses other leads."""
    names = lead_names(model)
    return model.replace(reversed_leads=", ".join(names[lead] for lead in leads))


MAGNET_PARTS = (
    Part(name=LEFT_REVERSED, about="down reverses the first lead", at=lambda m: reversing(m, 0)),
    Part(name=RIGHT_REVERSED, about="down reverses the second lead", at=lambda m: reversing(m, 1)),
    Part(name=BOTH_REVERSED, about="down reverses both", at=lambda m: reversing(m, 0, 1)),
)


def _reversed_current(state: JunctionState, part: str) -> float:
    """Left current with leads reversed; NaN where it is not known."""
    other = state.parts[part]
    known = other is not None and other.outcome.converged
    return float(other.lead_current[1, 0]) if known else float("nan")


def _lead_error(model: MolecularStack, state: JunctionState) -> Real:
    return np.repeat(
        current_uncertainty(model, state)[:, None], state.lead_current.shape[1], axis=1
    )


def _magnetoresistance_error(model: MolecularStack, state: JunctionState) -> Real:
    error = current_uncertainty(model, state).max()
    parallel, other = abs(state.lead_current[0, 0]), abs(_reversed_current(state, RIGHT_REVERSED))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.float64(error) * (other + parallel) / np.float64(other) ** 2)


def _part_error(model: MolecularStack, state: JunctionState) -> Real:
    return np.full(4, current_uncertainty(model, state).max())


@observable(
    unit=CURRENT,
    symbol="I_l",
    dims=("magnetisation", "lead"),
    conversion=IN_AMPERE,
    default=False,
    error=_lead_error,
)
def lead_current(model: MolecularStack, state: JunctionState) -> Real:
    r"""Current from every lead into the molecules.

    .. math:: I_l = Tr[N L_l \rho], \qquad \sum_l I_l = 0
    """
    return state.lead_current


@observable(
    unit="1",
    symbol=r"\mathrm{TMR}",
    needs=(RIGHT_REVERSED,),
    default=False,
    undefined=NO_PARTNER,
    error=_magnetoresistance_error,
)
def magnetoresistance(model: MolecularStack, state: JunctionState) -> Real:
    r"""Change of the current when the second lead is reversed, whatever magnetisation reverses.

    .. math:: I(+, +)/I(+, -) - 1

    Julliere's :math:`2 p_L p_R/(1 - p_L p_R)` is its limit for tunnelling far from every level.
    """
    parallel, other = state.lead_current[0, 0], _reversed_current(state, RIGHT_REVERSED)
    nothing = NO_CURRENT * lead_couplings(model).sum()
    return np.asarray(np.nan if abs(other) <= nothing else parallel / other - 1)


@observable(
    unit=CURRENT,
    symbol="I_m",
    dims=("magnetic_part",),
    needs=(LEFT_REVERSED, RIGHT_REVERSED, BOTH_REVERSED),
    default=False,
    undefined=NO_PARTNER,
    conversion=IN_AMPERE,
    error=_part_error,
)
def current_parts(model: MolecularStack, state: JunctionState) -> Real:
    r"""What each of two magnets does to the current.

    .. math:: I(m_L, m_R) = I_0 + m_L A + m_R B + m_L m_R C

    in the order mean, left, right, both. Without repulsion A = B = 0 for two leads: reversing both is time
    reversal.
    """
    I = np.array(  # noqa: E741
        [
            state.lead_current[0, 0],
            *(
                _reversed_current(state, one)
                for one in (LEFT_REVERSED, RIGHT_REVERSED, BOTH_REVERSED)
            ),
        ]
    )
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    return np.asarray(signs @ I / 4)


def _levels(model: MolecularStack, state: JunctionState) -> Real:
    if state.lead_levels is None or not floating_leads(model):
        return np.full(state.lead_current.shape, np.nan)
    return state.lead_levels


NO_PROBES = "there are no voltage probes among the leads"


@observable(
    unit="1",
    symbol="f_l",
    dims=("magnetisation", "lead"),
    default=False,
    undefined=NO_PROBES,
)
def lead_occupation(model: MolecularStack, state: JunctionState) -> Real:
    """Occupation of the states of every lead, of voltage probes as found."""
    return _levels(model, state)


@observable(
    unit="eV",
    symbol=r"\mu_l",
    dims=("magnetisation", "lead"),
    default=False,
    undefined=NO_PROBES,
)
def lead_potential(model: MolecularStack, state: JunctionState) -> Real:
    """Chemical potential of every lead, of voltage probes as found: what a voltmeter shows."""
    return _levels(model, state)


MAGNET_OBSERVABLES = (lead_current, magnetoresistance, current_parts)
