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
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.bias.audit import BIASED_AUDITS, BIASED_CHECKS
from chirospin.junction.bias.discrepancy import discrepancy
from chirospin.junction.bias.hierarchy import Hierarchy
from chirospin.junction.bias.master import (
    DetailedBalance,
    PositiveLindblad,
    Redfield,
    RedfieldLamb,
    UniversalLindblad,
)
from chirospin.junction.bias.model import BiasedJunction
from chirospin.junction.bias.observables import BIASED_OBSERVABLES
from chirospin.junction.bias.pauli import Pauli
from chirospin.junction.bias.scattering import BiasedLandauer, BiasedMeanField
from chirospin.junction.landauer import Landauer
from chirospin.junction.manybody.counting import (
    COUNTING_CHECKS,
    COUNTING_OBSERVABLES,
    CountedJunction,
    GKSLCounting,
)
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.gradients import gradients
from chirospin.junction.manybody.mixed import MixedGKSL
from chirospin.junction.manybody.trajectories import (
    SAMPLED_AUDITS,
    SAMPLED_CHECKS,
    SAMPLED_OBSERVABLES,
    SampledJunction,
    Trajectories,
)
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, labels
from chirospin.junction.time.transient import (
    TRANSIENT_AUDITS,
    TRANSIENT_CHECKS,
    TRANSIENT_OBSERVABLES,
    Evolution,
    SwitchedJunction,
    transient_labels,
)
from chirospin.points.sweep import sweeper

__all__ = [
    "FAMILY",
    "GKSL",
    "BiasedJunction",
    "BiasedLandauer",
    "BiasedMeanField",
    "CountedJunction",
    "DetailedBalance",
    "Evolution",
    "GKSLCounting",
    "Hierarchy",
    "Junction",
    "Landauer",
    "MeanField",
    "MixedGKSL",
    "Pauli",
    "PositiveLindblad",
    "Redfield",
    "RedfieldLamb",
    "SampledJunction",
    "SwitchedJunction",
    "Trajectories",
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
    methods={method.name: method for method in (GKSL, MixedGKSL, MeanField, Landauer)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="spin_polarisation",
    gradients={GKSL.name: gradients},
)
COUNTING = Problem(
    family="junction",
    name="counting",
    question="noise and Fano factor of the current through the stack",
    model=CountedJunction,
    methods={GKSLCounting.name: GKSLCounting},
    observables=COUNTING_OBSERVABLES,
    checks=COUNTING_CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="fano_factor",
)
TRANSIENT = Problem(
    family="junction",
    name="transient",
    question="how the current settles after the bias is switched on or the lead is reversed",
    model=SwitchedJunction,
    methods={Evolution.name: Evolution},
    observables=TRANSIENT_OBSERVABLES,
    checks=TRANSIENT_CHECKS,
    audits=TRANSIENT_AUDITS,
    labels=transient_labels,
    quantity="current",
)
SAMPLED = Problem(
    family="junction",
    name="sampled",
    question="the same magnetoresistance from quantum jumps, with error bars",
    model=SampledJunction,
    methods={Trajectories.name: Trajectories},
    observables=SAMPLED_OBSERVABLES,
    checks=SAMPLED_CHECKS,
    audits=SAMPLED_AUDITS,
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
FAMILY = Family(
    name="junction", question=QUESTION, problems=(PROBLEM, BIASED, COUNTING, TRANSIENT, SAMPLED)
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
