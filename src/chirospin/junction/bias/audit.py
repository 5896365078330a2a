"""Certificates of a biased junction: conservation, thermodynamics, reciprocity, and what a generator of
second order cannot see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.junction.audit import (
    OTHER_SOLUTIONS,
    SYMMETRY,
    SYMMETRY_AUDITS,
    coupling_scale,
    difference,
    of_density,
    time_reversal_broken,
)
from chirospin.junction.bias.master import PositiveLindblad, Redfield, UniversalLindblad
from chirospin.junction.bias.model import BiasedJunction, gated_hamiltonian, reservoirs
from chirospin.junction.bias.observables import (
    NO_DEFECT,
    driven,
    energy_scale,
    linear_polarisation,
    rest,
    spin_polarisation,
    thermoelectric_defect,
)
from chirospin.junction.bias.state import BiasedState, left_flows
from chirospin.junction.model import interaction, lead_couplings
from chirospin.junction.observables import NO_CURRENT

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


def _occupation_sum(model: BiasedJunction, state: BiasedState) -> float | None:
    if state.density is None:
        return None
    total = np.einsum("mkk->m", state.one_body_density).real
    return float(np.abs(total - state.density.particles).max())


def _energy_balance(model: BiasedJunction, state: BiasedState) -> float | None:
    if state.energy_current is None or reservoirs(model).dephasing:
        return None  # fluctuations heat the stack
    net = np.abs(state.energy_current.sum(axis=1)).max()
    return float(net / (coupling_scale(model) * max(energy_scale(model), 1e-300)))


def entropy_production(model: BiasedJunction, state: BiasedState) -> float | None:
    r"""Entropy that the leads gain per time, over the coupling; the smaller of both magnetisations.

    .. math:: \dot S = -\sum_l (J_{E,l} - \mu_l I_l)/T_l
    """
    if state.energy_current is None:
        return None
    leads = reservoirs(model)
    heat = state.energy_current - leads.potential * state.lead_current
    return float((-(heat / leads.thermal_energy).sum(axis=1)).min() / coupling_scale(model))


def _reciprocity(model: BiasedJunction, state: BiasedState) -> float | None:
    P = float(spin_polarisation(model, state))
    defect = abs(linear_polarisation(model, state))
    if np.isnan(P) or np.isnan(defect):
        return None
    return 0.0 if defect <= NO_DEFECT else defect / max(abs(P), 1e-300)


def _spurious(model: BiasedJunction, state: BiasedState) -> NDArray[np.float64] | None:
    """Flows of the method at equal potentials and temperatures, (flow, magnetisation)."""
    if not driven(model):
        return None  # nothing to compare with: all that flows is spurious
    flows = state.flows(rest(model))
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
    carried = reservoirs(model).thermal_energy.mean() * np.abs(state.lead_current).max()
    size = max(np.abs(state.energy_current).max(), carried, 1e-300)
    return float(np.abs(spurious[1]).max() / size)


def _thermoelectric(model: BiasedJunction, state: BiasedState) -> float | None:
    leads = reservoirs(model)
    T = leads.thermal_energy
    if np.ptp(leads.potential) > T.mean() or np.ptp(T) > T.mean():
        return None  # far from equilibrium the linear response says nothing
    defect = thermoelectric_defect(model, state.flows)
    return None if np.isnan(defect) else defect


def _broadening(model: BiasedJunction, state: BiasedState) -> float | None:
    """Currents with and without broadening, less those of both at rest, so that only the drive counts.

    Where dephasing is faster than tunnelling it is what broadens the levels, and the generator has it.
    """
    if state.broadened is None or not driven(model):
        return None
    if reservoirs(model).dephasing > lead_couplings(model).sum(axis=1).max():
        return None
    still = rest(model)
    sharp = state.lead_current[:, 0] - state.currents(still)
    broad = state.broadened(model) - state.broadened(still)
    size = max(np.abs(sharp).max(), np.abs(broad).max())
    rounding = NO_CURRENT * lead_couplings(model).sum()
    return 0.0 if size <= rounding else float(np.abs(broad - sharp).max() / size)


def _barrier(model: BiasedJunction, state: BiasedState) -> float | None:
    return None if state.barrier is None else float(np.max(state.barrier))


def _interaction_left_out(model: BiasedJunction, state: BiasedState) -> float | None:
    if state.interaction_kept:
        return None
    terms = interaction(model)
    return float(np.abs(terms.density).max(initial=0.0) + np.abs(terms.strength).sum())


BIASED_CHECKS = (
    Check(
        name="residual",
        tolerance=1e-6,  # of the hierarchy; the generators stop at 1e-12 or fail
        evaluate=lambda m, s: s.outcome.residual,
        about="norm of the original equation at the answer, relative",
    ),
    Check(
        name="trace",
        tolerance=1e-10,
        about="the trace of rho is kept: |Tr L rho| over the rate of jumps",
        evaluate=of_density("trace_drift", np.max),
    ),
    Check(
        name="smallest_eigenvalue",
        tolerance=NEGATIVE,
        bound="above",
        about="rho has no negative probability; redfield and hierarchy do not grant it",
        evaluate=of_density("smallest_eigenvalue", np.min),
    ),
    Check(
        name="occupation_range",
        tolerance=NEGATIVE,
        bound="above",
        evaluate=_occupation_range,
        about="occupations lie in [0, 1]: distance to the nearer end",
    ),
    Check(
        name="occupation_sum",
        tolerance=1e-9,
        evaluate=_occupation_sum,
        about="occupations add up to the mean electron number",
    ),
    Check(
        name="lead_balance",
        tolerance=BALANCE,
        evaluate=lambda m, s: float(np.abs(s.lead_current.sum(axis=1)).max() / coupling_scale(m)),
        about="I_L + I_R = 0, relative to the coupling",
    ),
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
    ),
    Check(
        name="equilibrium_current",
        tolerance=NEGLIGIBLE,
        evaluate=_equilibrium_current,
        about="current without bias, an artefact of the method, over this one: redfield has none",
    ),
    Check(
        name="equilibrium_polarisation",
        tolerance=TRUSTED,
        evaluate=_equilibrium_spin,
        about="I_up - I_down without bias, an artefact of the method, over this one: redfield, hierarchy",
    ),
    Check(
        name="equilibrium_energy",
        tolerance=NEGLIGIBLE,
        evaluate=_equilibrium_energy,
        about="energy current without bias, an artefact, over this one or T times current: redfield",
    ),
    Check(
        name="thermoelectric",
        tolerance=NEGLIGIBLE,
        evaluate=_thermoelectric,
        about="near equilibrium: L12(M) = L21(-M) for heat and charge, relative; kms obeys it",
    ),
    Check(
        name="broadening",
        tolerance=BROAD,
        evaluate=_broadening,
        about="change of the current when tunnelling broadens the levels, which second order leaves "
        "out: hierarchy, or landauer without repulsion",
    ),
    Check(
        name="sequential_tunnelling",
        tolerance=BLOCKED,
        evaluate=_barrier,
        about="energy over T that a jump lacks; above it second order misses cotunnelling: hierarchy",
    ),
    Check(
        name="interaction_left_out",
        tolerance=0.0,
        evaluate=_interaction_left_out,
        about="largest repulsion that the method leaves out, eV",
    ),
    replace(OTHER_SOLUTIONS, about=OTHER_SOLUTIONS.about.replace("gksl", "ule")),
)


def _currents(model: BiasedJunction, method: Method) -> Any:
    return method.solve(model).lead_current[:, 0]


def shifted_together(model: BiasedJunction, share: float = 0.25) -> BiasedJunction:
    """Both chemical potentials and all levels moved by a share of the bias."""
    moved = share if model.bias_asymmetry <= 0 else -share
    return model.replace(
        bias_asymmetry=model.bias_asymmetry + moved, gate=model.gate + moved * model.bias
    )


def _no_interaction(model: BiasedJunction, method: Method) -> float | None:
    if time_reversal_broken(gated_hamiltonian(model.replace(bias=0.0))) > 1e-12:
        return None
    free = model.replace(
        hubbard_a=0,
        hubbard_b=0,
        hubbard_ab_singlet=0,
        hubbard_ab_triplet=0,
        hund=0,
        intersite_repulsion=0,
    )
    state = method.solve(free)
    P = float(spin_polarisation(free, state))
    return None if np.isnan(P) else abs(P)


def _equilibrium(model: BiasedJunction, method: Method) -> float:
    return float(np.abs(_currents(rest(model), method)).max() / coupling_scale(model))


def _thermoelectric_response(model: BiasedJunction, method: Method) -> float | None:
    defect = thermoelectric_defect(model, lambda other: left_flows(method, other))
    return None if np.isnan(defect) else defect


def _linear_response(model: BiasedJunction, method: Method) -> float | None:
    if "other_biases" in type(method).model_fields:
        method = method.with_options(other_biases=True)
    defect = linear_polarisation(model, method.solve(model))
    return None if np.isnan(defect) else abs(defect)


def _other_generators(model: BiasedJunction, method: Method) -> float | None:
    if not method.solve(model).second_order or not driven(model):
        return None
    found = []
    for other in (UniversalLindblad, Redfield, PositiveLindblad):
        state = other(counting=False).solve(model)
        found.append(float(spin_polarisation(model, state)))
    return max(found) - min(found)


BIASED_AUDITS = (
    Audit(
        name="other_generators",
        tolerance=UNCERTAIN,
        about="spread of the polarisation over ule, redfield, perlind: the model's uncertainty",
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
    ),
)
