"""Spin, charge and orbital response of real crystals, with the true spin operator.

Examples
--------
>>> from chirospin import crystal
>>> ds = crystal.solve(crystal.Crystal(thermal_energy=0.2), crystal.KGrid(points=12))
>>> ds.edelstein_tensor.dims
('spin', 'field')
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, Problem
from chirospin.base.solve import solver
from chirospin.crystal.audit import AUDITS, CHECKS
from chirospin.crystal.contact import (
    CONTACT_CHECKS,
    CONTACT_OBSERVABLES,
    ContactCrystal,
    ContactGrid,
    ContactRays,
    contact_labels,
)
from chirospin.crystal.drawing import band_drawing
from chirospin.crystal.methods import FermiSurface, KGrid
from chirospin.crystal.model import Crystal, labels
from chirospin.crystal.observables import OBSERVABLES
from chirospin.points.sweep import sweeper

__all__ = [
    "FAMILY",
    "ContactCrystal",
    "ContactGrid",
    "ContactRays",
    "Crystal",
    "FermiSurface",
    "KGrid",
    "solve",
    "sweep",
]

CRYSTAL = Problem(
    family="crystal",
    name="crystal",
    question="spin and orbital moment that a current induces in a crystal, from its Wannier file",
    model=Crystal,
    drawing=band_drawing,
    methods={method.name: method for method in (KGrid, FermiSurface)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="edelstein_tensor",
)
CONTACT = Problem(
    family="crystal",
    name="contact",
    question="spin near a plane where current enters a crystal, linear in the current",
    model=ContactCrystal,
    drawing=band_drawing,
    methods={method.name: method for method in (ContactRays, ContactGrid)},
    observables=CONTACT_OBSERVABLES,
    checks=CONTACT_CHECKS,
    audits=(),
    labels=contact_labels,
    quantity="contact_profile",
)
FAMILY = Family(
    name="crystal",
    question="current-induced spin of real crystals, with a spin operator that is declared and tested",
    problems=(CRYSTAL, CONTACT),
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
