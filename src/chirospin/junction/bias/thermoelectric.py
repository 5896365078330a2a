"""Heat and entropy, and the linear response of charge and heat with its reciprocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.model import BiasedJunction, reservoirs_of
from chirospin.junction.bias.observables import NOT_FOUND, energy_error
from chirospin.junction.bias.parts import LEAD_RESPONSE, LINEAR, LINEAR_REVERSED, REST, rest
from chirospin.junction.bias.response import LeadResponse
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.model import lead_couplings
from chirospin.junction.observables import NO_CURRENT, current_uncertainty

Real = NDArray[np.float64]
RECIPROCAL = 1e-3  # kms 1e-8, redfield 1e-4 to 3e-3, ule 8e-3 to 7e-2
ROUNDING = 1e-9  # of a response: residual 1e-12 over the slowest relaxation of 1e-3
NO_RESPONSE = "the method has no linear response; kms, redfield, perlind, ule and landauer have"
NO_LAW = f"{NO_RESPONSE}; or the stack itself breaks time reversal"
NO_CONDUCTANCE = "the leads drive no current through the molecules, so L11 = 0"
EACH = ("magnetisation",)


def heat_of(model: BiasedJunction, state: BiasedState) -> Real:
    """Heat that leaves each lead per time, (magnetisation, lead).

    Raises
    ------
    ModelError : leads with occupations, which have no temperature
    """
    if not isinstance(state, BiasedState):
        raise ModelError(
            "Parameter `lead_occupations` must be left out (dimensionless) where heat is asked for: leads that are "
            "occupied alike at every energy have no temperature; give lead_potentials and lead_thermal_energies"
        )
    if state.energy_current is None:
        return np.full(state.lead_current.shape, np.nan)
    levels = reservoirs_of(model).potential if state.lead_levels is None else state.lead_levels
    return np.asarray(state.energy_current - levels * state.lead_current)


def _heat_error(model: BiasedJunction, state: BiasedState) -> Real:
    charge = np.abs(reservoirs_of(model).potential) * current_uncertainty(model, state)[:, None]
    return np.asarray(energy_error(model, state) + charge)


def _entropy_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray((_heat_error(model, state) / reservoirs_of(model).thermal_energy).sum(axis=1))


@observable(
    unit="eV^2/hbar",
    symbol="Q_l",
    dims=("magnetisation", "lead"),
    undefined=NOT_FOUND,
    needs=(REST,),
    default=False,
    error=_heat_error,
)
def heat_current(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Heat that leaves each lead per time.

    .. math:: Q_l = J_{E,l} - \mu_l I_l
    """
    return heat_of(model, state)


@observable(
    unit="eV/hbar",
    symbol=r"\dot S",
    dims=EACH,
    undefined=NOT_FOUND,
    needs=(REST,),
    default=False,
    error=_entropy_error,
)
def entropy_production(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Entropy that the leads gain per time, in k_B: not negative by the second law.

    .. math:: \dot S = -\sum_l Q_l/T_l

    A theorem for ``kms``. ``ule`` violates it where the bias is so small that the current it drives at rest
    shows.
    """
    gained = heat_of(model, state) / reservoirs_of(model).thermal_energy
    return np.asarray(-gained.sum(axis=1))


def _response(state: BiasedState, part: str = LINEAR) -> LeadResponse | None:
    """Linear response at rest; None where it is not known."""
    still = state.parts[part]
    if still is None or not still.outcome.converged:
        return None
    lead_response: LeadResponse | None = still.parts.get(LEAD_RESPONSE)
    return lead_response


def onsager_matrix(model: BiasedJunction, state: BiasedState, part: str = LINEAR) -> Real:
    """L of charge and heat of the left lead, (magnetisation, flow, affinity); NaN where unknown."""
    response = _response(state, part)
    if response is None:
        return np.full((2, 2, 2), np.nan)
    still = reservoirs_of(rest(model))
    T, mu = float(still.thermal_energy.mean()), float(still.potential[0])
    own = response.particles[:, 0]
    by_mu, by_T = response.by_potential[:, 0, :, 0], response.by_temperature[:, 0, :, 0]
    heat_by_mu = by_mu[:, 1] - mu * by_mu[:, 0] - own
    heat_by_T = by_T[:, 1] - mu * by_T[:, 0]
    return np.stack(
        [
            np.stack([T * by_mu[:, 0], T**2 * by_T[:, 0]], axis=-1),
            np.stack([T * heat_by_mu, T**2 * heat_by_T], axis=-1),
        ],
        axis=1,
    )


def conducting(model: BiasedJunction, state: BiasedState) -> Real:
    """The matrix of a junction that conducts.

    Raises
    ------
    ConvergenceError : L11 vanishes
    """
    L = onsager_matrix(model, state)
    T = float(reservoirs_of(rest(model)).thermal_energy.mean())
    if (np.abs(L[:, 0, 0]) <= NO_CURRENT * T * lead_couplings(model).sum()).any():
        outcome = Outcome(converged=False, residual=np.nan, iterations=0, reason=NO_CONDUCTANCE)
        raise ConvergenceError(NO_CONDUCTANCE, outcome)
    return L


def _onsager_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray(ROUNDING * np.abs(onsager_matrix(model, state)).max())


@observable(
    unit="eV/hbar",
    symbol="L",
    dims=("magnetisation", "flow", "affinity"),
    needs=(LINEAR,),
    default=False,
    undefined=NO_RESPONSE,
    error=_onsager_error,
)
def onsager(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Linear response of charge and heat of the left lead, at V = 0 and equal temperatures.

    .. math:: \begin{pmatrix} I \\ Q \end{pmatrix} = L \begin{pmatrix} \delta\mu/T \\ \delta T/T^2 \end{pmatrix}

    Each row and each column of heat carries one eV more than the unit says.
    """
    return conducting(model, state)


@observable(
    unit="1",
    symbol="S",
    dims=EACH,
    needs=(LINEAR,),
    default=False,
    undefined=NO_RESPONSE,
)
def seebeck(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Seebeck coefficient in k_B/e, for carriers of positive charge; 1 is 86.17 microvolt per kelvin.

    .. math:: S = -\delta\mu/\delta T|_{I=0} = L_{12}/(T L_{11})
    """
    L = conducting(model, state)
    T = float(reservoirs_of(rest(model)).thermal_energy.mean())
    return np.asarray(L[:, 0, 1] / (T * L[:, 0, 0]))


@observable(
    unit="eV",
    symbol=r"\Pi",
    dims=EACH,
    needs=(LINEAR,),
    default=False,
    undefined=NO_RESPONSE,
)
def peltier(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Heat that an electron carries at equal temperatures.

    .. math:: \Pi(M) = L_{21}/L_{11} = T\, S(-M)

    The second equation is Onsager's.
    """
    L = conducting(model, state)
    return np.asarray(L[:, 1, 0] / L[:, 0, 0])


@observable(
    unit="1", symbol="d_O", dims=EACH, needs=(LINEAR_REVERSED,), default=False, undefined=NO_LAW
)
def onsager_defect(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Departure from Onsager's relation, all magnets reversed.

    .. math:: \frac{L_{12}(M) - L_{21}(-M)}{L_{12}(M) + L_{21}(-M)}

    L12(M) = L12(-M) is not a law.
    """
    L = onsager_matrix(model, state, LINEAR_REVERSED)
    one, other = L[:, 0, 1], L[::-1, 1, 0]
    total = one + other
    return np.asarray((one - other) / np.where(total, total, np.nan))


def conductances(state: BiasedState, part: str = LINEAR) -> Real:
    """G at rest, (magnetisation, lead, lead moved); NaN where unknown."""
    response = _response(state, part)
    if response is None:
        return np.full((2, *state.lead_current.shape[1:] * 2), np.nan)
    return np.swapaxes(response.by_potential[:, :, 0], 1, 2)


@observable(
    unit="e^2/hbar",
    symbol="G_{lm}",
    dims=("magnetisation", "lead", "lead_moved"),
    needs=(LINEAR,),
    default=False,
    undefined=NO_RESPONSE,
    error=lambda m, s: np.asarray(ROUNDING * np.abs(conductances(s)).max()),
)
def conductance_matrix(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Linear conductances between all leads at V = 0.

    .. math:: G_{lm} = \partial I_l/\partial\mu_m

    Its rows add up to zero except by ``ule`` and ``perlind``, which drive a current at rest.
    """
    return conductances(state)


@observable(unit="1", symbol="d_G", needs=(LINEAR_REVERSED,), default=False, undefined=NO_LAW)
def conductance_reciprocity_defect(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Departure from Buttiker's reciprocity, all magnets reversed.

    .. math:: \max|G(M) - G(-M)^T| / \max|G|
    """
    up, down = conductances(state, LINEAR_REVERSED)
    return np.asarray(np.abs(up - down.T).max() / np.abs([up, down]).max())


def _largest(value: Real) -> float | None:
    known = np.abs(value[~np.isnan(value)])
    return float(known.max()) if known.size else None


LINEAR_RESPONSE = (
    "onsager",
    "seebeck",
    "peltier",
    "onsager_defect",
    "conductance_matrix",
    "conductance_reciprocity_defect",
)
"""Observables that ask for a generator which keeps reciprocity and equilibrium: kms."""
SUITED = dict.fromkeys(LINEAR_RESPONSE, "kms")
WHY = (
    "linear response: kms unless another method is named, whose leads each keep their own equilibrium under time "
    "reversal, so that Onsager's relation holds; redfield misses it by up to 0.3 %, ule by up to 7 %"
)


def response_remark(model: BiasedJunction, state: BiasedState) -> str:
    """Why linear response is asked of its own method."""
    return WHY if state.parts.get(LINEAR) is not None else ""


THERMOELECTRIC_OBSERVABLES = (
    heat_current,
    entropy_production,
    onsager,
    seebeck,
    peltier,
    onsager_defect,
    conductance_matrix,
    conductance_reciprocity_defect,
)
THERMOELECTRIC_CHECKS = (
    Check(
        name="onsager",
        tolerance=RECIPROCAL,
        about="L12(M) = L21(-M) of charge and heat, relative; kms obeys it, ule misses it by some per cent",
        evaluate=lambda m, s: _largest(onsager_defect.function(m, s)),
        needs=(LINEAR_REVERSED,),
        judges=("onsager", "seebeck", "peltier", "onsager_defect"),
    ),
    Check(
        name="conductance_reciprocity",
        tolerance=RECIPROCAL,
        about="G(M) = G(-M) transposed, relative to its largest element",
        evaluate=lambda m, s: _largest(conductance_reciprocity_defect.function(m, s)),
        needs=(LINEAR_REVERSED,),
        judges=("conductance_matrix", "conductance_reciprocity_defect"),
    ),
)
