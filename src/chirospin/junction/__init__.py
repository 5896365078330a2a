"""Many-body magnetoresistance of a chiral molecular stack between two leads.

Examples
--------
>>> from chirospin import junction
>>> ds = junction.solve(junction.Junction(hubbard_a=5), over={"energy_b": [0.4, 0.8]})
>>> ds.spin_polarisation.dims
('energy_b',)
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, OpeningFigure, Problem
from chirospin.base.solve import solver
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.bias.audit import AUDITS as BIASED_AUDITS
from chirospin.junction.bias.audit import CHECKS as BIASED_CHECKS
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
from chirospin.junction.bias.observables import OBSERVABLES as BIASED_OBSERVABLES
from chirospin.junction.bias.parts import PARTS
from chirospin.junction.bias.pauli import Pauli
from chirospin.junction.bias.scattering import BiasedLandauer, BiasedMeanField
from chirospin.junction.drawing import stack_drawing
from chirospin.junction.landauer import Landauer
from chirospin.junction.manybody.counting import NOISE_CHECKS, NOISE_OBSERVABLES
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.gradients import gradients
from chirospin.junction.manybody.mixed import MixedGKSL
from chirospin.junction.manybody.trajectories import (
    SAMPLED_AUDITS,
    SAMPLED_CHECKS,
    SAMPLED_OBSERVABLES,
    Trajectories,
)
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, labels
from chirospin.junction.operators import (
    annihilator,
    density_operator,
    hamiltonian,
    jump_operators,
    lead_current_operator,
    liouvillian,
    one_body_density,
)
from chirospin.junction.phonons.audit import AUDITS as PHONON_AUDITS
from chirospin.junction.phonons.audit import CHECKS as PHONON_CHECKS
from chirospin.junction.phonons.methods import Exact, Levels, Tiers
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.phonons.observables import OBSERVABLES as PHONON_OBSERVABLES
from chirospin.junction.phonons.observables import PARTS as PHONON_PARTS
from chirospin.junction.phonons.observables import labels as phonon_labels
from chirospin.junction.phonons.scba import BornApproximation
from chirospin.junction.probed import transmitted_spin
from chirospin.junction.selected.selected import (
    SELECTED_CHECKS,
    SELECTED_OBSERVABLES,
    SelectedProducts,
)
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
    "BornApproximation",
    "DetailedBalance",
    "Evolution",
    "Exact",
    "Hierarchy",
    "Junction",
    "Landauer",
    "Levels",
    "MeanField",
    "MixedGKSL",
    "Pauli",
    "PhononJunction",
    "PositiveLindblad",
    "Redfield",
    "RedfieldLamb",
    "SelectedProducts",
    "SwitchedJunction",
    "Tiers",
    "Trajectories",
    "UniversalLindblad",
    "annihilator",
    "density_operator",
    "discrepancy",
    "hamiltonian",
    "jump_operators",
    "lead_current_operator",
    "liouvillian",
    "one_body_density",
    "solve",
    "sweep",
]

QUESTION = "many-body magnetoresistance of a chiral molecular stack between leads"
PROBLEM = Problem(
    family="junction",
    name="junction",
    question=QUESTION,
    model=Junction,
    methods={
        method.name: method
        for method in (GKSL, MixedGKSL, SelectedProducts, Trajectories, MeanField, Landauer)
    },
    observables=(
        *OBSERVABLES,
        transmitted_spin,
        *NOISE_OBSERVABLES,
        *SAMPLED_OBSERVABLES,
        *SELECTED_OBSERVABLES,
    ),
    checks=(*CHECKS, *NOISE_CHECKS, *SAMPLED_CHECKS, *SELECTED_CHECKS),
    audits=(*AUDITS, *SAMPLED_AUDITS),
    labels=labels,
    drawing=stack_drawing,
    quantity="spin_polarisation",
    opening=OpeningFigure(observable="spin_polarisation", along="energy_b", start="0", stop="1.6"),
    gradients={GKSL.name: gradients},
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
    drawing=stack_drawing,
    quantity="current",
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
    observables=(*BIASED_OBSERVABLES, transmitted_spin),
    checks=BIASED_CHECKS,
    audits=BIASED_AUDITS,
    parts=PARTS,
    labels=labels,
    drawing=stack_drawing,
    quantity="spin_polarisation",
    opening=OpeningFigure(
        observable="current",
        along="bias",
        start="-2 V",
        stop="2 V",
        count="20",
        unit="current=nA, bias=V",
        values={
            "hopping_a": "0.1",
            "hopping_b": "0.05",
            "spin_orbit": "0.01",
            "hubbard": "0.3",
            "coupling": "0.005",
            "lead_polarisation": "0.4",
            "gate": "-0.26",
            "temperature": "300",
        },
    ),
)
VIBRATING = Problem(
    family="junction",
    name="phonons",
    question="what vibrations of the molecules and their temperature do to the polarisation",
    model=PhononJunction,
    methods={method.name: method for method in (Exact, Tiers, Levels, BornApproximation)},
    observables=PHONON_OBSERVABLES,
    checks=PHONON_CHECKS,
    audits=PHONON_AUDITS,
    parts=PHONON_PARTS,
    labels=phonon_labels,
    drawing=stack_drawing,
    quantity="spin_polarisation",
)
FAMILY = Family(
    name="junction",
    question=QUESTION,
    problems=(PROBLEM, BIASED, VIBRATING, TRANSIENT),
    moved={
        "counting": "ask junction for its observables noise and fano_factor",
        "sampled": "solve junction by method trajectories",
    },
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
