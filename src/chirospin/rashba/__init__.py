"""Spin-density-matrix kinetics of a two-dimensional gas with spin-orbit splitting.

Examples
--------
>>> from chirospin import rashba
>>> ds = rashba.solve(rashba.RashbaGas(spin_orbit=0.03))
>>> bool(abs(ds.spin_hall_current) < 1e-12)
True
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, Problem, former_names
from chirospin.base.solve import solver
from chirospin.points.sweep import sweeper
from chirospin.rashba.audit import AUDITS, CHECKS
from chirospin.rashba.closed_form import ClosedForm
from chirospin.rashba.drawing import fermi_level_drawing, gas_drawing
from chirospin.rashba.fermi_level import (
    FERMI_LEVEL_AUDITS,
    FERMI_LEVEL_CHECKS,
    FERMI_LEVEL_OBSERVABLES,
    FermiLevelClosedForm,
    FermiLevelGas,
    FermiLevelKinetic,
    fermi_level_labels,
)
from chirospin.rashba.kinetic import Kinetic
from chirospin.rashba.kubo import Kubo
from chirospin.rashba.model import RashbaGas, labels
from chirospin.rashba.observables import OBSERVABLES

__all__ = [
    "FAMILY",
    "ClosedForm",
    "FermiLevelClosedForm",
    "FermiLevelGas",
    "FermiLevelKinetic",
    "Kinetic",
    "Kubo",
    "RashbaGas",
    "solve",
    "sweep",
]

GAS = Problem(
    family="rashba",
    name="rashba",
    question="does a bulk spin Hall current survive impurities in a gas with isotropic splitting?",
    model=RashbaGas,
    methods={method.name: method for method in (Kinetic, ClosedForm, Kubo)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    drawing=gas_drawing,
    quantity="spin_hall_current",
)
FERMI_LEVEL = Problem(
    family="rashba",
    name="fermi_level",
    question="the same with Dresselhaus and Zeeman fields and spin-orbit scattering, at E_F",
    model=FermiLevelGas,
    drawing=fermi_level_drawing,
    methods={method.name: method for method in (FermiLevelKinetic, FermiLevelClosedForm)},
    renamed={"matrix": FermiLevelKinetic.name},
    observables=FERMI_LEVEL_OBSERVABLES,
    checks=FERMI_LEVEL_CHECKS,
    audits=FERMI_LEVEL_AUDITS,
    labels=fermi_level_labels,
    quantity="spin_current_response",
)
FAMILY = Family(
    name="rashba",
    question="spin currents of a two-dimensional gas with spin-orbit splitting and impurities",
    problems=(GAS, FERMI_LEVEL),
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__getattr__ = former_names(__name__, {"Matrix": "FermiLevelKinetic"})
__dir__ = partial(sorted, __all__)
