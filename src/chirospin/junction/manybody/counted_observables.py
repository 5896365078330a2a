"""Cumulants of the counted charge, their generating function and its symmetry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.observables import observable
from chirospin.junction.manybody.asked_parts import SYMMETRIC
from chirospin.junction.manybody.full_counting import (
    CUMULANTS,
    FLUCTUATION,
    GENERATING,
    ORDERS,
    symmetry_defect,
)
from chirospin.junction.model import MolecularStack, lead_couplings
from chirospin.junction.state import JunctionState

Real = NDArray[np.float64]
BALANCE = 1e-8  # of the coupling: residuals of 1e-12 over the slowest relaxation, order by order
SYMMETRY = 5e-3  # kms and gksl 1e-11, redfield 3e-4 to 3e-3, ule 0.7 to 6 %
NOT_COUNTED = "the method does not count electrons"
SIGNS = np.array([(-1.0) ** n for n in range(1, ORDERS + 1)])


def _cumulant_error(model: MolecularStack, state: JunctionState) -> Real:
    """What the cumulants counted at two leads differ by, and rounding."""
    values = state.parts[CUMULANTS]
    if values.shape[1] != 2:
        relative = max(outcome.residual for outcome in state.outcomes) + np.finfo(float).eps
        return np.asarray(np.full(values[:, 0].shape, relative * lead_couplings(model).sum()))
    rounding = np.finfo(float).eps * np.abs(values[:, 0])
    return np.asarray(np.abs(values[:, 0] - SIGNS * values[:, 1]) + rounding)


@observable(
    unit="eV/hbar",
    symbol=r"\lambda_n",
    dims=("magnetisation", "order"),
    needs=(CUMULANTS,),
    default=False,
    undefined=NOT_COUNTED,
    error=_cumulant_error,
)
def cumulants(model: MolecularStack, state: JunctionState) -> Real:
    r"""First four cumulants per time of the electrons from the left lead.

    .. math:: \lambda_n = \lim_{t\to\infty} \langle\langle n^n \rangle\rangle / t

    The first is the current, the second the noise; the third and fourth are its skewness and its excess.
    """
    return np.asarray(state.parts[CUMULANTS][:, 0])


@observable(
    unit="eV/hbar",
    symbol=r"\lambda(x)",
    dims=("magnetisation", "counting_field"),
    needs=(GENERATING,),
    default=False,
    undefined=NOT_COUNTED,
)
def generating_function(model: MolecularStack, state: JunctionState) -> Real:
    r"""Scaled cumulant generating function of the charge from the left lead.

    .. math:: \lambda(x) = \lim_{t\to\infty} \ln \langle e^{xn} \rangle / t
    """
    return np.asarray(state.parts[GENERATING].value)


@observable(
    unit="eV/hbar",
    symbol="j(x)",
    dims=("magnetisation", "counting_field"),
    needs=(GENERATING,),
    default=False,
    undefined=NOT_COUNTED,
)
def tilted_current(model: MolecularStack, state: JunctionState) -> Real:
    r"""Current in the ensemble that a counting field selects: :math:`j(x) = d\lambda/dx`."""
    return np.asarray(state.parts[GENERATING].slope)


@observable(
    unit="eV/hbar",
    symbol="I(j)",
    dims=("magnetisation", "counting_field"),
    needs=(GENERATING,),
    default=False,
    undefined=NOT_COUNTED,
)
def rate_function(model: MolecularStack, state: JunctionState) -> Real:
    r"""How fast the probability of a current j(x) falls in time: large deviations.

    .. math:: -\ln p(n = jt)/t \to I(j) = x j - \lambda(x), \qquad j = \lambda'(x)
    """
    found = state.parts[GENERATING]
    fields = np.asarray(found.field)
    return np.asarray(fields * found.slope - found.value)


def symmetric_values(state: JunctionState) -> Real | None:
    """Generating functions at the fields of the symmetry, (magnetisation, field); None where unknown."""
    partner = state.parts[SYMMETRIC]
    if partner is None or not partner.outcome.converged:
        return None
    values: Real | None = partner.parts.get(FLUCTUATION)
    return values


@observable(unit="1", symbol="d_f", needs=(SYMMETRIC,), default=False, undefined=NOT_COUNTED)
def fluctuation_symmetry_defect(model: MolecularStack, state: JunctionState) -> Real:
    r"""Departure from the fluctuation symmetry of Gallavotti and Cohen, relative.

    .. math:: \lambda_M(x) = \lambda_{-M}(-x - A), \qquad A = (\mu_L - \mu_R)/T

    All magnets are reversed. Exact for equal temperatures; of the generators ``kms`` and ``gksl`` obey it.
    """
    values = symmetric_values(state)
    if values is None:
        return np.asarray(np.nan)
    up, down = values
    return np.asarray(max(symmetry_defect(up, down), symmetry_defect(down, up)))


def _cumulant_balance(model: MolecularStack, state: JunctionState) -> float | None:
    if state.parts[CUMULANTS].shape[1] != 2:
        return None
    scale = max(float(lead_couplings(model).max()), 1e-300)
    return float(_cumulant_error(model, state).max() / scale)


COUNTED_OBSERVABLES = (
    cumulants,
    generating_function,
    tilted_current,
    rate_function,
    fluctuation_symmetry_defect,
)
COUNTED_CHECKS = (
    Check(
        name="fluctuation_symmetry",
        tolerance=SYMMETRY,
        about="generating function at x for one magnetisation is that at -x - A for the other, relative; kms "
        "and gksl obey it",
        evaluate=lambda m, s: float(fluctuation_symmetry_defect.function(m, s)),
        needs=(SYMMETRIC,),
        judges=("fluctuation_symmetry_defect",),
    ),
    Check(
        name="cumulant_balance",
        tolerance=BALANCE,
        about="cumulants counted at the left lead are those at the right, odd ones with a sign, over the coupling",
        evaluate=_cumulant_balance,
        needs=(CUMULANTS,),
        judges=("cumulants",),
    ),
    Check(
        name="eigenvalue_residual",
        tolerance=1e-9,
        about="residual of the largest eigenvalue of the tilted generator, relative",
        evaluate=lambda m, s: float(np.max(s.parts[GENERATING].residual)),
        needs=(GENERATING,),
        judges=("generating_function", "tilted_current", "rate_function"),
    ),
)
