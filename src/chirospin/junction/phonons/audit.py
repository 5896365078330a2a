"""Certificates of a vibrating junction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.method import Method
from chirospin.junction.audit import (
    BALANCE,
    HERMITICITY,
    LEAD_BALANCE,
    OCCUPATION_RANGE,
    OCCUPATION_SUM,
    OTHER_SOLUTIONS,
    RESIDUAL,
    SMALLEST_EIGENVALUE,
    SYMMETRY_AUDITS,
    TOLERANCE,
    TRACE,
    coupling_scale,
    of_density,
)
from chirospin.junction.manybody.counting import NOISE_CHECKS
from chirospin.junction.model import (
    PER_MOLECULE,
    one_body_hamiltonian,
)
from chirospin.junction.modes import MIXED, dephasing_operator, modes, time_reversal_mixed
from chirospin.junction.phonons.methods import (
    ROUNDING,
    TIER_CHANGE,
    TOP_LEVEL,
    Exact,
    Levels,
    Tiers,
    affordable,
)
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.phonons.observables import WEAK, balanced, tier_strength
from chirospin.junction.phonons.scba import KEPT
from chirospin.junction.phonons.solution import AuxiliaryTiers, ExplicitLevels, Stage
from chirospin.junction.phonons.state import PhononState, Truncation

SELF_CONSISTENT = 1e-7
"""Ten times what the iteration stops at."""
TIERS_NEGATIVE = 1e-4
"""Of a truncated hierarchy, which is not positive by form: one tier has eigenvalues to -1e-5."""


def _top_level(model: PhononJunction, state: PhononState) -> float | None:
    return float(state.top_level.max()) if state.truncation.levels else None


def _tier_change(model: PhononJunction, state: PhononState) -> float | None:
    """Relative to P; a change that is rounding is none."""
    change = state.truncation_change
    if np.isnan(change):
        return None
    if change <= ROUNDING:
        return 0.0
    if balanced(model):
        return float(change)
    up, down = state.lead_current[:, 0]
    return float(change * abs(up + down) / max(abs(up - down), 1e-300))


def _one_tier(model: PhononJunction, state: PhononState) -> float | None:
    if state.truncation.tiers != 1 or modes(model).idle:
        return None
    return tier_strength(model)


def _first_law(model: PhononJunction, state: PhononState) -> float | None:
    """Where the energy from the bath is known by itself: of levels, and of a local bath by two tiers."""
    if not np.isfinite(state.mode_heat).all():
        return None
    total = state.energy_current.sum(axis=1) + state.dephasing_energy
    if not np.isfinite(total).all():
        return None
    size = np.abs(state.energy_current).max()
    return float(np.abs(total).max() / max(size, coupling_scale(model) ** 2))


def _bonds(model: PhononJunction, state: PhononState) -> float | None:
    r"""Through each cut flows :math:`2 Im Tr[(h + \sum_v x_v V_v) G]`, the same everywhere."""
    if model.molecules == 1 or dephasing_operator(model) is not None:
        return None
    if not np.isfinite(state.field_density).all():
        return None  # the Born approximation knows no <x c^+ c>
    found = modes(model)
    flow = 2 * (one_body_hamiltonian(model) * state.one_body_density).imag
    flow += 2 * (found.coupling * state.field_density).imag.sum(axis=1)
    cuts = PER_MOLECULE * np.arange(1, model.molecules)
    bonds = np.stack([flow[:, cut:, :cut].sum(axis=(1, 2)) for cut in cuts], axis=-1)
    return float(np.abs(bonds - state.lead_current[:, :1]).max() / coupling_scale(model))


def _positive(model: PhononJunction, state: PhononState) -> float | None:
    lowest = of_density("smallest_eigenvalue", np.min)(model, state)
    return None if state.truncation.tiers else lowest


def _nearly_positive(model: PhononJunction, state: PhononState) -> float | None:
    lowest = of_density("smallest_eigenvalue", np.min)(model, state)
    return lowest if state.truncation.tiers else None


def _exactly(check: Check) -> Check:
    """A check of exact methods alone: the Born approximation has a grid, and its own."""

    def evaluate(model: PhononJunction, state: PhononState) -> float | None:
        return None if state.density is None else check.evaluate(model, state)

    return replace(check, evaluate=evaluate)


def _grid_balance(model: PhononJunction, state: PhononState) -> float | None:
    return LEAD_BALANCE.evaluate(model, state) if state.density is None else None


def _grid_change(model: PhononJunction, state: PhononState) -> float | None:
    return None if np.isnan(state.grid_change) else state.grid_change


def _self_consistency(model: PhononJunction, state: PhononState) -> float | None:
    return None if state.density is not None else max(one.residual for one in state.outcomes)


CHECKS = (
    _exactly(RESIDUAL),
    Check(
        name="self_consistency",
        tolerance=SELF_CONSISTENT,
        evaluate=_self_consistency,
        about="scba: relative change of density and Green functions in the last iteration",
    ),
    Check(
        name="grid_balance",
        tolerance=KEPT,
        evaluate=_grid_balance,
        about="scba: I_L + I_R = 0, relative to the coupling; a diagonal self-energy need not conserve",
    ),
    Check(
        name="grid_change",
        tolerance=KEPT,
        evaluate=_grid_change,
        about="scba: what a finer grid may change of the current, over the coupling; give more frequencies",
    ),
    TRACE,
    HERMITICITY,
    replace(SMALLEST_EIGENVALUE, evaluate=_positive),
    Check(
        name="smallest_eigenvalue_of_tiers",
        tolerance=TIERS_NEGATIVE,
        bound="above",
        about="a hierarchy that ends soon enough has no negative probability",
        evaluate=_nearly_positive,
    ),
    OCCUPATION_RANGE,
    OCCUPATION_SUM,
    _exactly(LEAD_BALANCE),
    Check(
        name="bond_balance",
        tolerance=BALANCE,
        evaluate=_bonds,
        about="the current is the same through every cut, relative to the coupling",
    ),
    Check(
        name="first_law",
        tolerance=BALANCE,
        evaluate=_first_law,
        about="energies from leads, bath and dephasing add up to 0, relative",
    ),
    Check(
        name="top_level",
        tolerance=TOP_LEVEL,
        evaluate=_top_level,
        about="occupation of the highest level of a vibration; P errs by a fifth of it, give more levels",
    ),
    Check(
        name="tier_change",
        tolerance=TIER_CHANGE,
        evaluate=_tier_change,
        about="change of P, relative, if the hierarchy ends two tiers lower; give more tiers",
    ),
    Check(
        name="one_tier",
        tolerance=WEAK,
        evaluate=_one_tier,
        about="g^2 (2 n + 1) over the square of the energy that is modulated; one tier is good to 3 % below",
    ),
    OTHER_SOLUTIONS,
    *NOISE_CHECKS,
)


def _mixed(model: PhononJunction, method: Method) -> float:
    return time_reversal_mixed(modes(model).coupling)


def _representations(model: PhononJunction, method: Method) -> float | None:
    """Levels against tiers, where both are affordable; relative to the larger of P and rounding."""
    if not isinstance(method, (Levels, Tiers, Exact)) or modes(model).idle:
        return None
    bare = model.replace(phonon_levels=None, phonon_tiers=None)
    stage = Stage.of(bare)
    if stage.bath == "brownian" or len(stage.modes) > 2:
        return None
    count = len(stage.modes)
    cut = (
        ExplicitLevels(stage=stage, truncation=Truncation(levels=(8,) * count)),
        AuxiliaryTiers(stage=stage, truncation=Truncation(tiers=6)),
    )
    if not all(affordable(one) for one in cut):
        return None
    options = method.model_dump()
    try:
        both = [kind(**options).solve(bare) for kind in (Levels, Tiers)]
    except (ConvergenceError, ModelError):
        return None
    values = [
        (s.lead_current[0, 0] - s.lead_current[1, 0]) / s.lead_current[:, 0].sum() for s in both
    ]
    return float(abs(values[0] - values[1]) / max(abs(values[0]), abs(values[1]), ROUNDING))


AUDITS = (
    Audit(
        name="time_reversal",
        tolerance=MIXED,
        about="|V+| |V-| of one mode, eV^2: a mode with both parts breaks time reversal, and P may be "
        "large for no other reason",
        evaluate=_mixed,
    ),
    Audit(
        name="representations",
        tolerance=2 * TIER_CHANGE,
        about="levels and tiers give one polarisation, relative",
        evaluate=_representations,
    ),
    TOLERANCE,
    *SYMMETRY_AUDITS,
)
