"""Certificates of a contact: quadrature, positivity, what the lesser term drops, partners."""

from __future__ import annotations

from typing import Any

import numpy as np

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.spinterface.contact import (
    TOLERANCE,
    ContactState,
    LesserOnly,
    change,
    emission_of,
    negf_parts,
    places_of,
    sample,
)
from chirospin.spinterface.emission import occupation_of
from chirospin.spinterface.model import Contact, drive_of, level_of
from chirospin.spinterface.response import DECAY, TAIL, energy_of, momentum_of, real_axis, respond

SYMMETRY = 1e-12
TURN = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def _dropped(model: Contact, state: ContactState) -> float | None:
    return None if state.full is None else change(state.full, state.total)


def _broken_time_reversal(model: Contact, state: ContactState) -> float | None:
    """Radial spin from nothing but charge, over half the charge; exactly zero in equilibrium."""
    if not state.equilibrium_drive:
        return None
    size = np.maximum(np.abs(state.total.scalar), np.finfo(float).tiny)
    return float((np.abs(state.total.sub).max(axis=-1) / size).max())


def _positive(model: Contact, state: ContactState) -> float | None:
    """Half the charge less the spin, over half the charge, of the term that is a density matrix."""
    if state.driven is None:
        parts = state.total
    elif drive_of(model).lead_thermal_energy == drive_of(model).thermal_energy:
        parts = state.driven
    else:
        return None
    half = np.abs(parts.scalar.real)
    if not half.any():
        return None
    return float(((half - np.linalg.norm(parts.vector.real, axis=-1)) / half).min())


def _without_lead(model: Contact, state: ContactState) -> float | None:
    drive = drive_of(model)
    if state.full is not None or drive.equilibrium:
        return None
    return 0.0 if level_of(model).lead.any() else 1.0


CHECKS = (
    Check(
        name="quadrature",
        tolerance=TOLERANCE,
        about="largest relative change of a density with fewer nodes",
        evaluate=lambda m, s: s.error,
    ),
    Check(
        name="time_reversal",
        tolerance=SYMMETRY,
        about="no spin in equilibrium from a molecule's charge alone, over half the charge density",
        evaluate=_broken_time_reversal,
    ),
    Check(
        name="dropped_terms",
        tolerance=TOLERANCE,
        about="share of the density in the terms that the lesser term leaves out",
        evaluate=_dropped,
    ),
    Check(
        name="positivity",
        tolerance=1e-10,
        bound="above",
        about="spin is at most half the charge in the driven part, relative margin",
        evaluate=_positive,
    ),
    Check(
        name="bias_without_lead",
        tolerance=0.0,
        about="1 if a bias is given without a lead (lead_coupling 0), where it does nothing",
        evaluate=_without_lead,
    ),
)


def _still(model: Contact) -> Contact:
    return model.replace(lead_potential=0.0, lead_thermal_energy=None)


def _reversed(contact: Contact) -> Contact:
    """The time-reversed molecule: axial fields change sign, hybridisation is conjugated."""
    return contact.replace(
        level_splitting=-np.array(contact.level_splitting),
        lead_polarisation=-np.array(contact.lead_polarisation),
        hybridisation_vector=-np.conj(contact.hybridisation_vector),
    )


def _partner(state: ContactState, other: ContactState, turn: Any = None) -> float:
    """Difference of the spins after turning the second one, over the size of the densities."""
    turned = other.total.vector if turn is None else other.total.vector @ turn
    size = np.maximum(np.abs(state.total.scalar), np.abs(state.total.vector).max(axis=-1))
    size = np.maximum(size, np.finfo(float).tiny)
    return float((np.abs(state.total.vector - turned).max(axis=-1) / size).max())


def _time_reversed(model: Contact, method: Method) -> float:
    still = _still(model)
    return _partner(method.solve(still), method.solve(_reversed(still)), -np.eye(3))


def _inverted(model: Contact, method: Method) -> float:
    partner = model.replace(spin_orbit=-model.spin_orbit, direction=-np.array(model.direction))
    return _partner(method.solve(model), method.solve(partner))


def _rotated(model: Contact, method: Method) -> float | None:
    if model.dimension != 3:
        return None
    names = ("direction", "level_splitting", "lead_polarisation", "hybridisation_vector")
    partner = model.replace(**{n: TURN @ np.array(getattr(model, n)) for n in names})
    return _partner(method.solve(model), method.solve(partner), TURN)


def _on_real_axis(model: Contact, method: Method) -> float | None:
    """The equilibrium part as an integral over real energies, where no bound state is infinitely sharp."""
    if isinstance(method, LesserOnly):
        return None
    still = _still(model)
    metal, emission, drive = emission_of(still)
    if emission.bound_states():
        return None
    places = sample(places_of(still))
    low, high = -DECAY / places.nearest(metal), momentum_of(metal, TAIL * drive.thermal_energy)
    marks = (momentum_of(metal, 0.0),) if drive.thermal_energy == 0 else ()
    longest = 3 / places.distance.max()
    q, w = real_axis(metal, emission.singular(), low, high, marks, longest=longest)
    energy, kappa = energy_of(metal, q)
    T = emission.transfer(energy + 0j, kappa)
    T = T * (1j / np.pi * w * occupation_of(energy, 0.0, drive.thermal_energy))[:, None, None, None]
    density = respond(metal, places, kappa, T, advanced=False, flow=False).real.density
    return change(negf_parts(metal, emission, drive, places, flow=False)[0].density, density)


AUDITS = (
    Audit(
        name="time_reversed",
        tolerance=SYMMETRY,
        about="without bias the time-reversed molecule makes the opposite spin",
        evaluate=_time_reversed,
    ),
    Audit(
        name="inversion",
        tolerance=SYMMETRY,
        about="the opposite place in the other enantiomer has the same spin",
        evaluate=_inverted,
    ),
    Audit(
        name="rotation",
        tolerance=SYMMETRY,
        about="the spin turns with place, fields and hybridisation",
        evaluate=_rotated,
    ),
    Audit(
        name="real_axis",
        tolerance=1e-7,
        about="an integral over real energies gives the same equilibrium density",
        evaluate=_on_real_axis,
    ),
)
