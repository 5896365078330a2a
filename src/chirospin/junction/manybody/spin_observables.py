"""Spin currents through the leads and torques on their magnets, with their sum rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.errors import ModelError
from chirospin.base.observables import observable
from chirospin.junction.manybody.spin_flow import SPIN_FLOW, SpinFlow
from chirospin.junction.model import MolecularStack, lead_couplings, magnet_directions
from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]
BALANCE = 1e-9  # of the largest coupling: residual 1e-12 over the slowest relaxation of 1e-3
OWN = 0.1  # of the largest spin current that a generator may add by itself
SPIN = "eV"
SPIN_DIMS = ("magnetisation", "lead", "component")
NO_MAGNET = "the lead is not magnetised"
NOT_CORRECTED = "the generator's own spin current needs no correction"


def _unbalanced(state: JunctionState, current: Real) -> Real:
    """What enters from all leads and is not turned in the molecules, (magnetisation, component)."""
    return np.asarray(np.abs(current.sum(axis=1) + state.parts[SPIN_FLOW].torque))


def _found(model: MolecularStack, state: JunctionState) -> SpinFlow:
    """The flow of a stack whose orbitals have spin.

    Raises
    ------
    ModelError : they have none
    """
    if model.without_spin:
        raise ModelError(
            "Parameter `spin_matrices` must be given (dimensionless) where spin is asked for: these orbitals have none"
        )
    spin_flow: SpinFlow = state.parts[SPIN_FLOW]
    return spin_flow


def _numerical(model: MolecularStack, state: JunctionState) -> Real:
    relative = np.array([outcome.residual for outcome in state.outcomes]) + np.finfo(float).eps
    size = lead_couplings(model).sum(axis=(1, 2))
    return np.asarray((relative * size)[:, None, None])


def _spin_error(model: MolecularStack, state: JunctionState) -> Real:
    flow = state.parts[SPIN_FLOW]
    own = 0.0 if flow.corrected is None else np.abs(flow.current - flow.corrected)
    return np.asarray(_unbalanced(state, flow.current)[:, None] + _numerical(model, state) + own)


def _corrected_error(model: MolecularStack, state: JunctionState) -> Real:
    flow = state.parts[SPIN_FLOW]
    if flow.corrected is None:
        return np.full_like(flow.current, np.nan)
    return np.asarray(_unbalanced(state, flow.corrected)[:, None] + _numerical(model, state))


def _torque_error(model: MolecularStack, state: JunctionState) -> Real:
    flow = state.parts[SPIN_FLOW]
    return np.asarray(_unbalanced(state, flow.current) + _numerical(model, state)[:, 0])


@observable(
    unit=SPIN,
    symbol="J_l",
    dims=SPIN_DIMS,
    needs=(SPIN_FLOW,),
    default=False,
    error=_spin_error,
)
def spin_current(model: MolecularStack, state: JunctionState) -> Real:
    r"""Spin that enters the molecules from each lead per time, in units of hbar times eV/hbar.

    .. math:: J_l = Tr[S\, L_l\rho], \qquad S = \sigma/2

    L_l is all that lead l adds to the equation of motion. In equilibrium it is of second order in the coupling
    and not zero. What ``ule`` and ``perlind`` find is spurious to first order where spin-orbit coupling turns
    spins: their error says so, and ``spin_current_lamb`` is the one to quote.
    """
    return np.asarray(_found(model, state).current)


@observable(
    unit=SPIN,
    symbol=r"J_l^\mathrm{lamb}",
    dims=SPIN_DIMS,
    needs=(SPIN_FLOW,),
    default=False,
    undefined=NOT_CORRECTED,
    error=_corrected_error,
)
def spin_current_lamb(model: MolecularStack, state: JunctionState) -> Real:
    r"""Spin current with the Lamb shift in the form of Redfield, on the state of the generator.

    .. math:: J_l = Tr[S\, L_l^{RL}\rho]

    Its error is of second order in the coupling, as is what flows at rest: there ask ``hierarchy``, or
    ``landauer`` without repulsion. What the sum rule lacks is stated as its error.
    """
    flow = _found(model, state)
    return np.asarray(
        np.full_like(flow.current, np.nan) if flow.corrected is None else flow.corrected
    )


@observable(
    unit=SPIN,
    symbol=r"\tau_l",
    dims=SPIN_DIMS,
    needs=(SPIN_FLOW,),
    default=False,
    undefined=NO_MAGNET,
    error=_spin_error,
)
def torque(model: MolecularStack, state: JunctionState) -> Real:
    r"""Torque on the magnet of each lead: the spin that it takes up across its direction.

    .. math:: \tau_l = -(J_l - n_l (n_l \cdot J_l))

    The part along the magnetisation is carried away by electrons.
    """
    J, n = _found(model, state).current, magnet_directions(model)
    return np.asarray(-(J - n * (n * J).sum(axis=-1, keepdims=True)))


@observable(
    unit=SPIN,
    symbol=r"\tau_{so}",
    dims=("magnetisation", "component"),
    needs=(SPIN_FLOW,),
    default=False,
    error=_torque_error,
)
def spin_orbit_torque(model: MolecularStack, state: JunctionState) -> Real:
    r"""Spin that the Hamiltonian of the molecules makes per time.

    .. math:: \langle i[H, S] \rangle = -\sum_l J_l
    """
    return np.asarray(_found(model, state).torque)


def _spin_balance(model: MolecularStack, state: JunctionState) -> float:
    scale = max(float(lead_couplings(model).max()), 1e-300)
    return float(_unbalanced(state, state.parts[SPIN_FLOW].current).max() / scale)


def _own_spin_current(model: MolecularStack, state: JunctionState) -> float | None:
    flow = state.parts[SPIN_FLOW]
    if flow.corrected is None:
        return None
    size = np.abs(flow.corrected).max()
    rounding = BALANCE * lead_couplings(model).max()
    apart = np.abs(flow.current - flow.corrected).max()
    return 0.0 if apart <= rounding else float(apart / max(size, rounding))


SPIN_CURRENTS = ("spin_current", "torque", "spin_orbit_torque", "spin_current_lamb")
SPIN_OBSERVABLES = (spin_current, spin_current_lamb, torque, spin_orbit_torque)
SPIN_CHECKS = (
    Check(
        name="spin_balance",
        tolerance=BALANCE,
        about="spin from all leads and the torque of the Hamiltonian add up to zero, over the coupling",
        evaluate=_spin_balance,
        needs=(SPIN_FLOW,),
        judges=SPIN_CURRENTS,
    ),
    Check(
        name="own_spin_current",
        tolerance=OWN,
        about="spin current that ule or perlind adds by itself, over the largest: quote spin_current_lamb",
        evaluate=_own_spin_current,
        needs=(SPIN_FLOW,),
        judges=("spin_current", "torque"),
    ),
)
