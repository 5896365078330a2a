"""What a generator of second order finds beside its stationary state, where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.method import Needs
from chirospin.junction.bias.dissipators import Dephasing, ThermalLeads
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.bias.parts import BIAS_RESPONSE, LEAD_RESPONSE, BiasResponse
from chirospin.junction.bias.response import LeadResponse, Responding, moved_lead
from chirospin.junction.manybody.full_counting import (
    CUMULANTS,
    FLUCTUATION,
    GENERATING,
    Counting,
    symmetry_fields,
)
from chirospin.junction.manybody.green import (
    GREEN,
    SectorGenerator,
    by_place,
    green_function,
    sector_matrices,
)
from chirospin.junction.manybody.hamiltonian import hamiltonians
from chirospin.junction.manybody.packed import Halves
from chirospin.junction.manybody.spin_flow import (
    SPIN_FLOW,
    SpinFlow,
    spin_inflow,
    spin_orbit_torque,
)
from chirospin.junction.manybody.steady import SteadySolver

ASKED: Needs = frozenset(
    {SPIN_FLOW, BIAS_RESPONSE, LEAD_RESPONSE, CUMULANTS, GENERATING, FLUCTUATION, GREEN}
)
"""Parts that are found here."""
FIXED_LEADS: Needs = ASKED - {SPIN_FLOW, GREEN}
"""Parts that know no lead whose potential floats."""
SPURIOUS = ("ule", "perlind")
"""Generators whose own spin current is wrong to first order where spin is not conserved."""
ELECTRONS_ALONE = frozenset({GREEN, BIAS_RESPONSE, LEAD_RESPONSE, FLUCTUATION})
"""Parts that are not found beside vibrations."""
ACCURATE = (
    1e-10  # of a response: the points of its derivative leave 1e-12, the slowest relaxation more
)
Found = tuple[SteadySolver, ThermalLeads, Halves]


def biased_parts(
    solver: SteadySolver, leads: ThermalLeads, halves: Halves, asked: Needs
) -> dict[str, list[Any]]:
    """Each part of every member.

    Raises
    ------
    ModelError : a part that is not found beside vibrations
    """
    refused = sorted(asked & ELECTRONS_ALONE) if leads.members[0].vibronic is not None else []
    if refused:
        raise ModelError(
            f"Parameter `phonon_energy` must be left out (in eV) where {refused[0]} is asked for: it is "
            "found for electrons alone"
        )
    found = solver, leads, halves
    return {name: FINDERS[name](*found) for name in asked}


def together(up: Any, down: Any) -> Any:
    """Both magnetisations of one part, their axis first."""
    if up is None:
        return None
    if not is_dataclass(up):
        return np.stack([up, down])
    kind: Any = type(up)
    names = [one.name for one in fields(up)]
    return kind(**{name: together(getattr(up, name), getattr(down, name)) for name in names})


def _spin_flow(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[SpinFlow]:
    layout, members = solver.generator.layout, leads.members
    count = range(leads.coupling.shape[1])
    own = spin_inflow([leads.alone(lead) for lead in count], members, layout, halves)
    corrected = None
    if leads.kind in SPURIOUS:
        exact = [leads.alone(lead, "redfield-lamb") for lead in count]
        corrected = spin_inflow(exact, members, layout, halves)
    torque = spin_orbit_torque(members, layout, halves)
    return [
        SpinFlow(
            current=own[b],
            corrected=None if corrected is None else corrected[b],
            torque=torque[b],
        )
        for b in range(layout.batch)
    ]


def _bias_response(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    """dI/dV of every member; its error is what the leads do not balance, and rounding."""
    drive = partial(_moved_bias, leads.members)
    flows = Responding(solver=solver, leads=leads, halves=halves).to([drive]).particles[:, 0]
    error = np.abs(flows.sum(axis=-1)) + ACCURATE * np.abs(flows).max(axis=-1)
    return [
        BiasResponse(slope=slope[0], error=wrong) for slope, wrong in zip(flows, error, strict=True)
    ]


def _moved_bias(members: Sequence[BiasedMember], by: float) -> list[BiasedMember]:
    return [member.at_bias(by) for member in members if member.at_bias is not None]


def _lead_response(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    count = leads.coupling.shape[1]
    responding = Responding(solver=solver, leads=leads, halves=halves)
    potential, temperature = (
        responding.to([moved_lead(leads.members, quantity, lead) for lead in range(count)])
        for quantity in ("potential", "thermal_energy")
    )
    particles, energy = (
        np.stack([leads.mean(one, halves) for one in flow], axis=-1)
        for flow in (leads.particle_flow, leads.energy_flow)
    )
    return [
        LeadResponse(
            particles=particles[b],
            energy=energy[b],
            by_potential=np.stack([potential.particles[b], potential.energy[b]], axis=1),
            by_temperature=np.stack([temperature.particles[b], temperature.energy[b]], axis=1),
        )
        for b in range(len(particles))
    ]


def _counting(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> Counting:
    count = leads.coupling.shape[1]
    return Counting(solver=solver, leads=leads, lead_count=count, halves=halves)


def _cumulants(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    return list(_counting(solver, leads, halves).cumulants())


def _generating(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    generating = _counting(solver, leads, halves).generating(
        np.stack([member.fields for member in leads.members])
    )
    names = [one.name for one in fields(generating)]
    return [
        replace(generating, **{name: getattr(generating, name)[b] for name in names})
        for b in range(len(leads.members))
    ]


def _fluctuation(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    affinity = np.array([member.reservoirs.affinity for member in leads.members])
    return list(_counting(solver, leads, halves).eigenvalues(symmetry_fields(affinity)))


def _green(solver: SteadySolver, leads: ThermalLeads, halves: Halves) -> list[Any]:
    generator, members = solver.generator, leads.members
    H = hamiltonians(members, leads.layout)
    blocks = leads.layout.blocks(halves)
    density = {(p, n): X for (p, n), X in blocks.items()}
    dephasing = Dephasing(members, leads.layout)
    found = []
    for b, member in enumerate(members):
        parts = [
            sector_matrices(one, b, leads.layout)
            for one in (by_place(H), by_place(generator.heff), density)
        ]
        rate = member.reservoirs.dephasing
        if member.fluctuating is not None:
            raise ModelError(
                "Parameter `dephasing_matrix` must be left out (in eV) for Green functions, which know the "
                "fluctuation of orbital energies alone, but is given"
            )
        held = {(p, n): np.sqrt(rate) * dephasing.electrons(p, n)[None] for p, n in density}
        L = SectorGenerator(
            charges=member.charges,
            hamiltonian=parts[0],
            damped=parts[1],
            rho=parts[2],
            jumps=leads.sector_jumps(b),
            held=sector_matrices(held, 0, leads.layout) if rate else None,
        )
        found.append(green_function(L, member.energies, member.gamma.sum(axis=0)))
    return found


FINDERS: dict[str, Callable[[SteadySolver, ThermalLeads, Halves], list[Any]]] = {
    SPIN_FLOW: _spin_flow,
    BIAS_RESPONSE: _bias_response,
    LEAD_RESPONSE: _lead_response,
    CUMULANTS: _cumulants,
    GENERATING: _generating,
    FLUCTUATION: _fluctuation,
    GREEN: _green,
}
