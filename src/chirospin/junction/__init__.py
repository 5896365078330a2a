"""Many-body magnetoresistance of a chiral molecular stack between two leads.

Examples
--------
>>> from chirospin import junction
>>> ds = junction.solve(junction.Junction(hubbard_a=5), over={"energy_b": [0.4, 0.8]})
>>> ds.spin_polarisation.dims
('energy_b',)
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from chirospin.base.family import Family, OpeningFigure, Problem
from chirospin.base.method import Method
from chirospin.base.solve import solver
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.bias.audit import AUDITS as BIASED_AUDITS
from chirospin.junction.bias.audit import CHECKS as BIASED_CHECKS
from chirospin.junction.bias.audit import LEAD_CHECKS
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
from chirospin.junction.bias.observables import (
    biased_labels,
    differential_conductance,
    vibrating,
)
from chirospin.junction.bias.parts import PARTS
from chirospin.junction.bias.pauli import Pauli
from chirospin.junction.bias.scattering import BiasedLandauer, BiasedMeanField
from chirospin.junction.bias.spectral_balance import kms_defect
from chirospin.junction.bias.thermoelectric import (
    SUITED,
    THERMOELECTRIC_CHECKS,
    THERMOELECTRIC_OBSERVABLES,
    response_remark,
)
from chirospin.junction.custom import (
    AnyGKSL,
    AnyLandauer,
    AnyLeadsJunction,
    AnyMeanField,
    CustomJunction,
    with_potentials,
)
from chirospin.junction.drawing import orbitals_drawing, stack_drawing
from chirospin.junction.landauer import Landauer
from chirospin.junction.magnets import (
    MAGNET_OBSERVABLES,
    MAGNET_PARTS,
    lead_occupation,
    lead_potential,
)
from chirospin.junction.manybody.asked_parts import ASKED_PARTS
from chirospin.junction.manybody.counted_observables import COUNTED_CHECKS, COUNTED_OBSERVABLES
from chirospin.junction.manybody.counting import NOISE_CHECKS, NOISE_OBSERVABLES
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.gradients import gradients
from chirospin.junction.manybody.mixed import MixedGKSL
from chirospin.junction.manybody.spectral_observables import SPECTRAL_CHECKS, SPECTRAL_OBSERVABLES
from chirospin.junction.manybody.spin_observables import SPIN_CHECKS, SPIN_OBSERVABLES
from chirospin.junction.manybody.trajectories import (
    SAMPLED_AUDITS,
    SAMPLED_CHECKS,
    SAMPLED_OBSERVABLES,
    Trajectories,
)
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, orbital_occupation, resolved_labels
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
from chirospin.junction.phonons.gradients import truncated_gradients
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
from chirospin.junction.time.switched import (
    SWITCHED_CHECKS,
    SWITCHED_METHODS,
    SWITCHED_OBSERVABLES,
    SwitchedBias,
    switched_labels,
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
    "AnyLeadsJunction",
    "BiasedJunction",
    "BiasedLandauer",
    "BiasedMeanField",
    "BornApproximation",
    "CustomJunction",
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
    "SwitchedBias",
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

LEAD_METHODS: tuple[type[Method], ...] = (
    *(
        with_potentials(method)
        for method in (UniversalLindblad, Redfield, PositiveLindblad, DetailedBalance, Hierarchy)
    ),
    AnyGKSL,
    AnyMeanField,
    AnyLandauer,
)
QUESTION = "many-body magnetoresistance of a chiral molecular stack between leads"
ASKED_OBSERVABLES = (*SPIN_OBSERVABLES, *COUNTED_OBSERVABLES, *SPECTRAL_OBSERVABLES)
ASKED_CHECKS = (*SPIN_CHECKS, *COUNTED_CHECKS, *SPECTRAL_CHECKS)
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
        *MAGNET_OBSERVABLES,
        lead_occupation,
        transmitted_spin,
        *NOISE_OBSERVABLES,
        *ASKED_OBSERVABLES,
        *SAMPLED_OBSERVABLES,
        *SELECTED_OBSERVABLES,
    ),
    checks=(*CHECKS, *NOISE_CHECKS, *ASKED_CHECKS, *SAMPLED_CHECKS, *SELECTED_CHECKS),
    audits=(*AUDITS, *SAMPLED_AUDITS),
    labels=resolved_labels,
    parts=(*MAGNET_PARTS, *ASKED_PARTS),
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
    observables=(
        *BIASED_OBSERVABLES,
        *MAGNET_OBSERVABLES,
        lead_potential,
        transmitted_spin,
        *THERMOELECTRIC_OBSERVABLES,
        *ASKED_OBSERVABLES,
        kms_defect,
    ),
    checks=(*BIASED_CHECKS, *THERMOELECTRIC_CHECKS, *ASKED_CHECKS),
    audits=BIASED_AUDITS,
    parts=PARTS,
    labels=biased_labels,
    remarks=response_remark,
    suited=SUITED,
    drawing=stack_drawing,
    quantity="spin_polarisation",
    default_method=lambda model: (Redfield if vibrating(model) else UniversalLindblad).name,
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
SWITCHED = Problem(
    family="junction",
    name="switched",
    question="how the currents settle at finite bias after the bias or a magnet is switched",
    model=SwitchedBias,
    methods={method.name: method for method in SWITCHED_METHODS},
    observables=SWITCHED_OBSERVABLES,
    checks=SWITCHED_CHECKS,
    audits=(),
    labels=switched_labels,
    drawing=stack_drawing,
    quantity="current",
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
    gradients={kind.name: truncated_gradients for kind in (Exact, Tiers, Levels)},
)
LEAD_RESPONSES = (
    differential_conductance,
    *THERMOELECTRIC_OBSERVABLES,
    *ASKED_OBSERVABLES,
    kms_defect,
)
SEVERAL_LEADS = Problem(
    family="junction",
    name="leads",
    question="the stack between leads of any number and direction, with occupations or with potentials",
    model=AnyLeadsJunction,
    methods={method.name: method for method in LEAD_METHODS},
    observables=(
        *OBSERVABLES,
        *MAGNET_OBSERVABLES,
        lead_occupation,
        lead_potential,
        *LEAD_RESPONSES,
    ),
    checks=(*LEAD_CHECKS, *THERMOELECTRIC_CHECKS, *ASKED_CHECKS),
    audits=(),
    parts=PARTS,
    labels=biased_labels,
    remarks=response_remark,
    suited=SUITED,
    drawing=stack_drawing,
    quantity="current",
)
CUSTOM = replace(
    SEVERAL_LEADS,
    name="custom",
    question="any many-body Hamiltonian between any leads",
    model=CustomJunction,
    observables=(
        *(one for one in OBSERVABLES if one.name != "occupation"),
        orbital_occupation,
        *MAGNET_OBSERVABLES,
        lead_occupation,
        lead_potential,
        *LEAD_RESPONSES,
    ),
    drawing=orbitals_drawing,
)
FAMILY = Family(
    name="junction",
    question=QUESTION,
    problems=(PROBLEM, BIASED, VIBRATING, TRANSIENT, SWITCHED, SEVERAL_LEADS, CUSTOM),
    moved={
        "counting": "ask junction for its observables noise and fano_factor",
        "sampled": "solve junction by method trajectories",
    },
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
