"""Certificates of a biased junction: conservation, thermodynamics, reciprocity, and what a generator of
second order cannot see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.junction.audit import (
    INTERACTION_LEFT_OUT,
    LEAD_BALANCE,
    OCCUPATION_RANGE,
    OCCUPATION_SUM,
    OTHER_SOLUTIONS,
    RESIDUAL,
    SMALLEST_EIGENVALUE,
    SYMMETRY,
    SYMMETRY_AUDITS,
    TRACE,
    coupling_scale,
    difference,
    without_repulsion,
)
from chirospin.junction.bias.lead_memory import FIT_ERROR
from chirospin.junction.bias.master import (
    TOP_LEVEL,
    DetailedBalance,
    PositiveLindblad,
    Redfield,
    UniversalLindblad,
)
from chirospin.junction.bias.model import (
    BiasedJunction,
    at_potentials,
    own_potentials,
    reservoirs_of,
    vibration_bath,
)
from chirospin.junction.bias.observables import (
    AT_REST,
    NO_DEFECT,
    bath_energy,
    energy_scale,
    linear_polarisation,
    spin_polarisation,
    thermoelectric_defect,
    vibrating,
)
from chirospin.junction.bias.parts import (
    BROADENED,
    NEAR_ABOVE,
    NEAR_BELOW,
    NEAR_COLD,
    NEAR_HOT,
    REST,
    driven,
    heated,
    left_flows,
    near_rest,
    obeys_reciprocity,
    rest,
    shifted_bias,
    with_partners,
)
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.couplings import tilt
from chirospin.junction.model import (
    SAME_WIDTH,
    interaction,
    lead_couplings,
    lead_names,
    mixing_widths,
)
from chirospin.junction.modes import MIXED, modes, time_reversal_mixed
from chirospin.junction.observables import NO_CURRENT
from chirospin.scattering.probes import probe_kind

BALANCE = 1e-9  # of the largest coupling
NEGATIVE = 1e-6  # an eigenvalue of rho below its negative is told
TRUSTED = 0.1  # reciprocity defect over polarisation
BLOCKED = 3.0  # temperatures that a jump lacks: cotunnelling then competes
NEGLIGIBLE = 0.01  # of what is printed: more shows in its digits
BROAD = 0.1  # of the current: it tracks the error against landauer and hierarchy, docs/junction.md
ONSAGER = 1e-3  # derivatives by differences are good to some 1e-5 where states are left slowly
UNCERTAIN = 0.01  # in the polarisation


def _occupation_range(model: BiasedJunction, state: BiasedState) -> float:
    n = np.einsum("mkk->mk", state.one_body_density).real
    return float(np.minimum(n, 1 - n).min())


def _energy_balance(model: BiasedJunction, state: BiasedState) -> float | None:
    if state.energy_current is None or reservoirs_of(model).dephasing:
        return None  # fluctuations heat the stack
    if probe_kind(model) == "voltage":
        return None  # so do inelastic probes
    net = np.abs(state.energy_current.sum(axis=1) + bath_energy(state)).max()
    return float(net / (coupling_scale(model) * max(energy_scale(model), 1e-300)))


def entropy_production(model: BiasedJunction, state: BiasedState) -> float | None:
    r"""Entropy that the leads gain per time, over the coupling; the smaller of both magnetisations.

    .. math:: \dot S = -\sum_l (J_{E,l} - \mu_l I_l)/T_l
    """
    if state.energy_current is None:
        return None
    reservoirs = reservoirs_of(model)
    potential = reservoirs.potential if state.lead_levels is None else state.lead_levels
    heat = state.energy_current - potential * state.lead_current
    gained = -(heat / reservoirs.thermal_energy).sum(axis=1)
    T = vibration_bath(model).thermal_energy
    if T > 0:
        gained = gained - bath_energy(state) / T
    if probe_kind(model) == "voltage":  # probes take the energy that the leads lose together
        gained += state.energy_current.sum(axis=1) / reservoirs.thermal_energy.mean()
    return float(gained.min() / coupling_scale(model))


def _reciprocity(model: BiasedJunction, state: BiasedState) -> float | None:
    P = float(spin_polarisation.function(model, state))  # only its error needs the state at rest
    defect = abs(linear_polarisation(model, state))
    if np.isnan(P) or np.isnan(defect):
        return None
    return 0.0 if defect <= NO_DEFECT else defect / max(abs(P), 1e-300)


def _spurious(model: BiasedJunction, state: BiasedState) -> NDArray[np.float64] | None:
    """Flows of the method at equal potentials and temperatures, (flow, magnetisation)."""
    if not driven(model):
        return None  # nothing to compare with: all that flows is spurious
    flows = left_flows(state.parts[REST])
    return None if np.isnan(flows[0]).any() else flows


def _equilibrium_current(model: BiasedJunction, state: BiasedState) -> float | None:
    spurious = _spurious(model, state)
    if spurious is None:
        return None
    size = max(np.abs(state.lead_current[:, 0]).max(), NO_CURRENT * lead_couplings(model).sum())
    return float(np.abs(spurious[0]).max() / size)


def _equilibrium_spin(model: BiasedJunction, state: BiasedState) -> float | None:
    spurious = _spurious(model, state)
    if spurious is None:
        return None
    up, down = state.lead_current[:, 0]
    apart = abs(spurious[0, 0] - spurious[0, 1])
    if apart <= NO_DEFECT * (abs(up) + abs(down)):
        return 0.0
    return float(apart / max(abs(up - down), 1e-300))


def _equilibrium_energy(model: BiasedJunction, state: BiasedState) -> float | None:
    spurious = _spurious(model, state)
    if spurious is None or state.energy_current is None or np.isnan(spurious[1]).any():
        return None
    carried = reservoirs_of(model).thermal_energy.mean() * np.abs(state.lead_current).max()
    size = max(np.abs(state.energy_current).max(), carried, 1e-300)
    return float(np.abs(spurious[1]).max() / size)


def _thermoelectric(model: BiasedJunction, state: BiasedState) -> float | None:
    if not near_rest(model) or not obeys_reciprocity(model) or probe_kind(model) == "voltage":
        return None  # far from equilibrium the linear response says nothing
    hot, cold, ahead, back = (
        left_flows(state.parts[name]) for name in (NEAR_HOT, NEAR_COLD, NEAR_ABOVE, NEAR_BELOW)
    )
    defect = thermoelectric_defect(model, (hot, cold), (ahead, back))
    return None if np.isnan(defect) else defect


def _broadening(model: BiasedJunction, state: BiasedState) -> float | None:
    """Currents with and without broadening, less those of both at rest, so that only the drive counts.

    Where dephasing is faster than tunnelling it is what broadens the levels, and the generator has it.
    """
    if not driven(model):
        return None
    if reservoirs_of(model).dephasing > lead_couplings(model).sum(axis=1).max():
        return None
    still = state.parts[REST]
    sharp = state.lead_current[:, 0] - left_flows(still)[0]
    known = still.outcome.converged
    broad = state.parts[BROADENED] - (still.parts[BROADENED] if known else np.nan)
    size = max(np.abs(sharp).max(), np.abs(broad).max())
    rounding = NO_CURRENT * lead_couplings(model).sum()
    return 0.0 if size <= rounding else float(np.abs(broad - sharp).max() / size)


def _barrier(model: BiasedJunction, state: BiasedState) -> float | None:
    return None if state.barrier is None else float(np.max(state.barrier))


def _exchange_field(model: BiasedJunction, state: BiasedState) -> float | None:
    widths = mixing_widths(model)
    if getattr(state, "exchange_kept", True) or widths is None or widths.shape[-1] % 2:
        return None
    terms = interaction(model)
    if not (terms.density.any() or np.any(terms.strength)):
        return None  # without repulsion the field is zero
    return max(tilt(width) for width in widths)


EXCHANGE_FIELD = Check(
    name="exchange_field",
    tolerance=SAME_WIDTH,
    evaluate=_exchange_field,
    about="sine of the angle between magnets, whose field on the molecules this method lacks: ule, hierarchy",
)
BATH_FIT = Check(
    name="bath_fit",
    tolerance=FIT_ERROR,
    evaluate=lambda model, state: getattr(state, "bath_fit", None),
    about="what the exponentials of a lead with a band miss of Gamma f at the levels, over Gamma: give more poles",
)
FLOWS = (
    "current",
    "mean_current",
    "spin_polarisation",
    "current_difference_odd",
    "current_difference_even",
    "mean_current_odd",
    "mean_current_even",
    "rectification",
    "differential_conductance",
    "fano_factor",
    "energy_current",
)
"""Observables that a current without bias and the width of the levels spoil."""
POLARISATIONS = ("spin_polarisation", "current_difference_odd", "current_difference_even")


def _top_level(model: BiasedJunction, state: BiasedState) -> float | None:
    return None if state.vibrations is None else float(state.vibrations.top_level.max())


def _mixed(model: BiasedJunction, method: Method) -> float | None:
    return time_reversal_mixed(modes(model).coupling) if vibrating(model) else None


CHECKS = (
    replace(RESIDUAL, tolerance=1e-6),  # of the hierarchy; the generators stop at 1e-12 or fail
    TRACE,
    replace(
        SMALLEST_EIGENVALUE,
        tolerance=NEGATIVE,
        about="rho has no negative probability; redfield and hierarchy do not grant it",
    ),
    replace(OCCUPATION_RANGE, tolerance=NEGATIVE, evaluate=_occupation_range),
    OCCUPATION_SUM,
    LEAD_BALANCE,
    Check(
        name="energy_balance",
        tolerance=BALANCE,
        evaluate=_energy_balance,
        about="energy currents of both leads add up to zero, relative to coupling and energies",
    ),
    Check(
        name="entropy_production",
        tolerance=BALANCE,
        bound="above",
        evaluate=entropy_production,
        about="second law: entropy the leads gain per time, over the coupling",
    ),
    Check(
        name="reciprocity",
        tolerance=TRUSTED,
        evaluate=_reciprocity,
        about="polarisation of the linear response, an artefact of the method, over that at this bias",
        needs=AT_REST,
        judges=(*POLARISATIONS, "reciprocity_defect"),
    ),
    Check(
        name="equilibrium_current",
        tolerance=NEGLIGIBLE,
        evaluate=_equilibrium_current,
        about="current without bias, an artefact of the method, over this one: redfield has none",
        needs=(REST,),
        judges=FLOWS,
    ),
    Check(
        name="equilibrium_polarisation",
        tolerance=TRUSTED,
        evaluate=_equilibrium_spin,
        about="I_up - I_down without bias, an artefact of the method, over this one: redfield, hierarchy",
        needs=(REST,),
        judges=POLARISATIONS,
    ),
    Check(
        name="equilibrium_energy",
        tolerance=NEGLIGIBLE,
        evaluate=_equilibrium_energy,
        about="energy current without bias, an artefact, over this one or T times current: redfield",
        needs=(REST,),
        judges=("energy_current",),
    ),
    Check(
        name="thermoelectric",
        tolerance=NEGLIGIBLE,
        evaluate=_thermoelectric,
        about="near equilibrium: L12(M) = L21(-M) for heat and charge, relative; kms obeys it",
        needs=(NEAR_HOT, NEAR_COLD, NEAR_ABOVE, NEAR_BELOW),
        judges=("energy_current",),
    ),
    Check(
        name="broadening",
        tolerance=BROAD,
        evaluate=_broadening,
        about="change of the current when tunnelling broadens the levels, which second order leaves "
        "out: hierarchy, or landauer without repulsion",
        needs=(REST, BROADENED),
        judges=FLOWS,
    ),
    Check(
        name="sequential_tunnelling",
        tolerance=BLOCKED,
        evaluate=_barrier,
        about="energy over T that a jump lacks; above it second order misses cotunnelling: hierarchy",
    ),
    EXCHANGE_FIELD,
    BATH_FIT,
    Check(
        name="top_level",
        tolerance=TOP_LEVEL,
        evaluate=_top_level,
        about="occupation of the highest level of a vibration; give more phonon_levels",
    ),
    INTERACTION_LEFT_OUT,
    replace(OTHER_SOLUTIONS, about=OTHER_SOLUTIONS.about.replace("gksl", "ule")),
)


LEAD_CHECKS = (
    replace(RESIDUAL, tolerance=1e-6),
    TRACE,
    replace(
        SMALLEST_EIGENVALUE,
        tolerance=NEGATIVE,
        about="rho has no negative probability; redfield and hierarchy do not grant it",
    ),
    replace(OCCUPATION_RANGE, tolerance=NEGATIVE, evaluate=_occupation_range),
    OCCUPATION_SUM,
    LEAD_BALANCE,
    EXCHANGE_FIELD,
    BATH_FIT,
    INTERACTION_LEFT_OUT,
    OTHER_SOLUTIONS,
)
"""Of leads of any number, with occupations or with potentials."""


def shifted_together(model: BiasedJunction, share: float = 0.25) -> BiasedJunction:
    """Both chemical potentials and all levels moved by a share of the bias."""
    moved = share if model.bias_asymmetry <= 0 else -share
    potential = own_potentials(model)
    if potential is not None:
        step = share * (float(np.ptp(potential)) or 1.0)
        return at_potentials(model, potential + step).replace(gate=model.gate + step)
    return model.replace(
        bias_asymmetry=model.bias_asymmetry + moved, gate=model.gate + moved * model.bias
    )


def _no_interaction(model: BiasedJunction, method: Method) -> float | None:
    if not obeys_reciprocity(model) or len(lead_names(model)) > 2:
        return None
    free = without_repulsion(model)
    P = float(spin_polarisation.function(free, method.solve(free)))
    return None if np.isnan(P) else abs(P)


def _inelastic(model: BiasedJunction, method: Method) -> str:
    """Why a law of elastic electrons does not apply."""
    if probe_kind(model) == "voltage" and model.bias:
        return f"there are voltage probes at a bias of {model.bias:g} eV"
    if vibrating(model):
        return "a quantum vibration polarises without repulsion too"
    return ""


def _equilibrium(model: BiasedJunction, method: Method) -> float:
    flow = method.solve(rest(model)).lead_current[:, 0]
    return float(np.abs(flow).max() / coupling_scale(model))


def _thermoelectric_response(model: BiasedJunction, method: Method) -> float | None:
    if not obeys_reciprocity(model) or probe_kind(model) == "voltage":
        return None  # a voltage probe is a third bath, which takes heat
    hot, cold, ahead, back = (
        left_flows(state)
        for state in method.solve_many(
            [
                heated(model, 1),
                heated(model, -1),
                shifted_bias(rest(model), 1),
                shifted_bias(rest(model), -1),
            ]
        )
    )
    defect = thermoelectric_defect(model, (hot, cold), (ahead, back))
    return None if np.isnan(defect) else defect


def _linear_response(model: BiasedJunction, method: Method) -> float | None:
    if "other_biases" in type(method).model_fields:
        method = method.with_options(other_biases=True)
    defect = linear_polarisation(model, with_partners(model, method, *AT_REST))
    return None if np.isnan(defect) else abs(defect)


def _other_generators(model: BiasedJunction, method: Method) -> float | None:
    if not method.solve(model).second_order or not driven(model):
        return None
    found = []
    lindblad = DetailedBalance if vibrating(model) else UniversalLindblad  # which has no vibrations
    for other in (lindblad, Redfield, PositiveLindblad):
        found.append(float(spin_polarisation.function(model, other().solve(model))))
    return max(found) - min(found)


AUDITS = (
    Audit(
        name="time_reversal",
        tolerance=MIXED,
        about="|V+| |V-| of one mode, eV^2: a mode with both parts breaks time reversal, and P may be "
        "large for no other reason",
        evaluate=_mixed,
    ),
    Audit(
        name="other_generators",
        tolerance=UNCERTAIN,
        about="spread of the polarisation over ule (kms with vibrations), redfield, perlind: the model's uncertainty",
        evaluate=_other_generators,
    ),
    *SYMMETRY_AUDITS,
    Audit(
        name="uniform_shift",
        tolerance=SYMMETRY,
        about="moving the levels and both chemical potentials together changes nothing",
        evaluate=lambda m, k: difference(m, shifted_together(m), k, flip=False),
    ),
    Audit(
        name="equilibrium",
        tolerance=SYMMETRY,
        about="no current without bias: what is left is an artefact of the generator",
        evaluate=_equilibrium,
    ),
    Audit(
        name="linear_response",
        tolerance=1e-5,
        about="no polarisation of the linear response: what is left is an artefact of the method",
        evaluate=_linear_response,
    ),
    Audit(
        name="thermoelectric_response",
        tolerance=ONSAGER,
        about="Onsager: L12(M) = L21(-M) for heat and charge at rest, relative; kms, pauli obey it",
        evaluate=_thermoelectric_response,
    ),
    Audit(
        name="no_interaction",
        tolerance=SYMMETRY,
        about="no polarisation without interaction: what is left is an artefact of the method",
        evaluate=_no_interaction,
        unmet=_inelastic,
    ),
)
