"""Spin near the contacts of a chiral metal, linear and quadratic in the current.

Examples
--------
>>> from chirospin import chiral_metal
>>> ds = chiral_metal.solve(chiral_metal.ChiralMetal(), over={"position": [-1, 0.5, 25]})
>>> ds.spin_density.dims
('order', 'position')
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, Problem, former_names
from chirospin.base.solve import solver
from chirospin.chiral_metal.audit import AUDITS, CHECKS
from chirospin.chiral_metal.boltzmann import Boltzmann
from chirospin.chiral_metal.closed_form import ClosedForm
from chirospin.chiral_metal.drawing import driven_drawing, metal_drawing
from chirospin.chiral_metal.driven import (
    DRIVEN_AUDITS,
    DRIVEN_CHECKS,
    DRIVEN_OBSERVABLES,
    DrivenBoltzmann,
    DrivenClosedForm,
    DrivenMetal,
    driven_labels,
)
from chirospin.chiral_metal.model import ChiralMetal, labels
from chirospin.chiral_metal.observables import OBSERVABLES
from chirospin.points.sweep import sweeper

__all__ = [
    "FAMILY",
    "Boltzmann",
    "ChiralMetal",
    "ClosedForm",
    "DrivenBoltzmann",
    "DrivenClosedForm",
    "DrivenMetal",
    "solve",
    "sweep",
]

PROFILES = Problem(
    family="chiral_metal",
    name="chiral_metal",
    question="spin between an injecting and an extracting plane of an isotropic chiral metal",
    model=ChiralMetal,
    drawing=metal_drawing,
    methods={method.name: method for method in (ClosedForm, Boltzmann)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="spin_density",
)
DRIVEN = Problem(
    family="chiral_metal",
    name="driven",
    question="spin under an alternating or a suddenly switched current",
    model=DrivenMetal,
    drawing=driven_drawing,
    methods={method.name: method for method in (DrivenClosedForm, DrivenBoltzmann)},
    observables=DRIVEN_OBSERVABLES,
    checks=DRIVEN_CHECKS,
    audits=DRIVEN_AUDITS,
    labels=driven_labels,
    quantity="rectified_spin",
)
FAMILY = Family(
    name="chiral_metal",
    question="spin near contacts of a chiral metal, linear and quadratic in current",
    problems=(PROFILES, DRIVEN),
    moved={"crystal": "it is the family `crystal` now: chirospin describe crystal"},
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__getattr__ = former_names(
    __name__, {name: f"chirospin.crystal.{name}" for name in ("Crystal", "FermiSurface", "KGrid")}
)
__dir__ = partial(sorted, __all__)
