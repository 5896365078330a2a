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
from chirospin.junction.gksl import GKSL
from chirospin.junction.landauer import Landauer
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, labels

__all__ = ["FAMILY", "GKSL", "Junction", "Landauer", "MeanField", "solve", "sweep"]

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
FAMILY = Family(name="junction", question=QUESTION, problems=(PROBLEM,))


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
