"""Many-body magnetoresistance of a chiral molecular stack between two leads.

Examples
--------
>>> from chirospin import junction
>>> ds = junction.solve(junction.Junction(hubbard_a=5), over={"energy_b": [0.4, 0.8]})
>>> ds.spin_polarisation.dims
('energy_b',)
"""

from __future__ import annotations

from chirospin.base.family import Family, Problem
from chirospin.base.solve import solver
from chirospin.base.sweep import sweeper
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.biased_audit import BIASED_AUDITS, BIASED_CHECKS
from chirospin.junction.biased_observables import BIASED_OBSERVABLES
from chirospin.junction.discrepancy import discrepancy
from chirospin.junction.gksl import GKSL
from chirospin.junction.hierarchy import Hierarchy
from chirospin.junction.landauer import Landauer
from chirospin.junction.master import (
    DetailedBalance,
    PositiveLindblad,
    Redfield,
    RedfieldLamb,
    UniversalLindblad,
)
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, labels
from chirospin.junction.pauli import Pauli
from chirospin.junction.reservoirs import BiasedJunction
from chirospin.junction.scattering import BiasedLandauer, BiasedMeanField

__all__ = [
    "FAMILY",
    "GKSL",
    "BiasedJunction",
    "BiasedLandauer",
    "BiasedMeanField",
    "DetailedBalance",
    "Hierarchy",
    "Junction",
    "Landauer",
    "MeanField",
    "Pauli",
    "PositiveLindblad",
    "Redfield",
    "RedfieldLamb",
    "UniversalLindblad",
    "discrepancy",
    "solve",
    "sweep",
]

QUESTION = "many-body magnetoresistance of a chiral molecular stack between leads"
PROBLEM = Problem(
    family="junction",
    name="junction",
    question=QUESTION,
    model=Junction,
    methods={method.name: method for method in (GKSL, MeanField, Landauer)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="spin_polarisation",
)
BIASED = Problem(
    family="junction",
    name="bias",
    question="the same stack between leads of finite bias and temperature: I-V curves, noise",
    model=BiasedJunction,
    methods={
        method.name: method
        for method in (
            UniversalLindblad,
            Redfield,
            PositiveLindblad,
            DetailedBalance,
            Hierarchy,
            Pauli,
            RedfieldLamb,
            BiasedMeanField,
            BiasedLandauer,
        )
    },
    observables=BIASED_OBSERVABLES,
    checks=BIASED_CHECKS,
    audits=BIASED_AUDITS,
    labels=labels,
    quantity="spin_polarisation",
)
FAMILY = Family(name="junction", question=QUESTION, problems=(PROBLEM, BIASED))


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
