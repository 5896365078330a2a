"""What follows from the steady state between leads of infinite bias, where it is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.method import Needs
from chirospin.junction.manybody.full_counting import (
    CUMULANTS,
    FLUCTUATION,
    GENERATING,
    Counting,
    symmetry_fields,
)
from chirospin.junction.manybody.green import (
    GREEN,
    GreenFunction,
    SectorGenerator,
    by_place,
    green_function,
    sector_matrices,
)
from chirospin.junction.manybody.hamiltonian import hamiltonians
from chirospin.junction.manybody.infinite_bias import Pair, Solved
from chirospin.junction.manybody.leads import FlatLeads, FlatMember
from chirospin.junction.manybody.spin_flow import (
    SPIN_FLOW,
    SpinFlow,
    spin_inflow,
    spin_orbit_torque,
)

ASKED: Needs = frozenset({SPIN_FLOW, CUMULANTS, GENERATING, FLUCTUATION, GREEN})
"""Parts that are found here."""
COUNTED: Needs = frozenset({CUMULANTS, GENERATING, FLUCTUATION})
"""Those that count the electrons of a lead, and know no lead that floats."""


def flat_parts(pair: Pair, solved: Solved, asked: Needs) -> dict[str, Any]:
    """Each part, both magnetisations."""
    finders = {
        SPIN_FLOW: _spin_flow,
        CUMULANTS: lambda pair, found: _counting(pair, found).cumulants(),
        GENERATING: lambda pair, found: _counting(pair, found).generating(
            np.stack([member.fields for member in pair])
        ),
        FLUCTUATION: lambda pair, found: (
            _counting(pair, found)
            .generating(symmetry_fields(np.array([affinity(member) for member in pair])))
            .value
        ),
        GREEN: _green,
    }
    return {name: finders[name](pair, solved) for name in asked}


def affinity(member: FlatMember) -> float:
    r""":math:`\ln [f_L (1 - f_R) / f_R (1 - f_L)]`.

    Raises
    ------
    ModelError : an occupation of 0 or 1, where it is infinite
    """
    f = member.occupation[:2]
    if (f <= 0).any() or (f >= 1).any():
        raise ModelError(
            "Parameters `occupation_left` and `occupation_right` must lie in (0, 1) (dimensionless) where "
            f"the fluctuation symmetry is asked for, but are {f[0]:g} and {f[1]:g}: no electron returns"
        )
    return float(np.log(f[0] * (1 - f[1]) / (f[1] * (1 - f[0]))))


def _leads(solved: Solved) -> FlatLeads:
    (leads,) = solved.solver.generator.families
    assert isinstance(leads, FlatLeads)
    return leads


def _spin_flow(pair: Pair, solved: Solved) -> SpinFlow:
    leads, layout = _leads(solved), solved.solver.generator.layout
    alone = [leads.alone(lead) for lead in range(len(pair[0].occupation))]
    halves = solved.stationary.halves
    return SpinFlow(
        current=spin_inflow(alone, pair, layout, halves),
        corrected=None,
        torque=spin_orbit_torque(pair, layout, halves),
    )


def _counting(pair: Pair, solved: Solved) -> Counting:
    return Counting(
        solver=solved.solver,
        leads=_leads(solved),
        lead_count=len(pair[0].occupation),
        halves=solved.stationary.halves,
    )


def _green(pair: Pair, solved: Solved) -> GreenFunction:
    generator, leads = solved.solver.generator, _leads(solved)
    layout = generator.layout
    H, blocks = hamiltonians(pair, layout), layout.blocks(solved.stationary.halves)
    both = []
    for b, member in enumerate(pair):
        L = SectorGenerator(
            charges=member.charges,
            hamiltonian=sector_matrices(by_place(H), b, layout),
            damped=sector_matrices(by_place(generator.heff), b, layout),
            rho=sector_matrices(blocks, b, layout),
            jumps=leads.sector_jumps(b),
        )
        width = member.gamma.sum(axis=0)
        both.append(green_function(L, member.energies, width))
    up, down = both
    names = ("retarded", "lesser", "tail", "tail_law", "sum_rule", "residual")
    return replace(
        up, **{name: np.stack([getattr(up, name), getattr(down, name)]) for name in names}
    )
