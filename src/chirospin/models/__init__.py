"""Published one-electron models of chiral spin filtering, held against exact laws.

Examples
--------
>>> from chirospin import models
>>> ds = models.solve(models.DoubleHelix(base_pairs=10, energy=[0.485]))
>>> round(float(ds.transmitted_spin[0]), 3)
0.328
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, OpeningFigure, Problem
from chirospin.base.observables import Observable
from chirospin.base.solve import solver
from chirospin.models.audit import AUDITS, CHECKS
from chirospin.models.curved_chain import CurvedChain
from chirospin.models.custom import Contact, Custom, Hop, Site, TightBinding
from chirospin.models.double_helix import DoubleHelix
from chirospin.models.drawing import helicene_drawing, loop_drawing, one_electron_drawing
from chirospin.models.effective_helix import EffectiveHelix
from chirospin.models.first_order import (
    FIRST_ORDER_AUDITS,
    FIRST_ORDER_CHECKS,
    FIRST_ORDER_OBSERVABLES,
    FirstOrder,
    Perturbation,
    first_order_labels,
)
from chirospin.models.helical_field import HelicalField
from chirospin.models.helicene import Helicene
from chirospin.models.landauer import Landauer
from chirospin.models.model import Molecule, OneElectronModel, labels
from chirospin.models.observables import OBSERVABLES, remark
from chirospin.models.orbital_texture import TEXTURE_OBSERVABLES, OrbitalTexture
from chirospin.models.single_helix import SingleHelix
from chirospin.models.spinterface_loop import (
    LOOP_AUDITS,
    LOOP_CHECKS,
    LOOP_OBSERVABLES,
    SelfConsistent,
    SpinterfaceLoop,
    loop_labels,
)
from chirospin.models.stack import Stack
from chirospin.points.sweep import sweeper


def _problem(
    name: str,
    model: type[OneElectronModel],
    question: str,
    own: tuple[Observable, ...] = (),
) -> Problem:
    return Problem(
        family="models",
        name=name,
        question=question,
        model=model,
        drawing=one_electron_drawing,
        methods={Landauer.name: Landauer},
        observables=(*OBSERVABLES, *own),
        checks=CHECKS,
        audits=AUDITS,
        labels=labels,
        remarks=remark,
        quantity="transmitted_spin",
    )


PROBLEMS = (
    _problem(
        "double_helix",
        DoubleHelix,
        "two joined strands with dephasing, Guo and Sun 2012 "
        "[abstract read; Hamiltonian and numbers from memory: verify]",
    ),
    _problem(
        "single_helix",
        SingleHelix,
        "one helix with hops of long range, Guo and Sun 2014 "
        "[law of the hops from public code; numbers from memory: verify]",
    ),
    _problem(
        "helicene",
        Helicene,
        "helicene with s and p orbitals, Geyer et al. 2019, Huisman and Thijssen 2021 "
        "[abstracts and public code read]",
    ),
    _problem(
        "helical_field",
        HelicalField,
        "one channel in a helical field, Gutierrez et al. 2012 "
        "[abstract read; equations from memory: verify]",
    ),
    _problem(
        "curved_chain",
        CurvedChain,
        "the static chain of Fransson 2020 [abstract and public code read; without vibrations]",
    ),
    _problem(
        "effective_helix",
        EffectiveHelix,
        "an effective chain of a helix, Geyer et al. 2020 [public code read; length chosen here]",
    ),
    _problem(
        "orbital_texture",
        OrbitalTexture,
        "orbital momentum that a contact turns into spin, Liu et al. 2021 "
        "[abstract read; Hamiltonian chosen here]",
        TEXTURE_OBSERVABLES,
    ),
    Problem(
        family="models",
        name="spinterface_loop",
        question="surface moments that follow the current, after Alwan and Dubi 2021 "
        "[abstracts read; equations reconstructed here]",
        model=SpinterfaceLoop,
        drawing=loop_drawing,
        methods={SelfConsistent.name: SelfConsistent},
        observables=LOOP_OBSERVABLES,
        checks=LOOP_CHECKS,
        audits=LOOP_AUDITS,
        labels=loop_labels,
        quantity="spin_polarisation",
        opening=OpeningFigure(observable="current", along="bias", start="-0.5 V", stop="0.5 V"),
    ),
    Problem(
        family="models",
        name="first_order",
        question="transmitted spin at first order in the coupling, Dalum and Hedegard 2019 "
        "[public code read; hoppings of helicene here]",
        model=FirstOrder,
        drawing=helicene_drawing,
        methods={Perturbation.name: Perturbation},
        observables=FIRST_ORDER_OBSERVABLES,
        checks=FIRST_ORDER_CHECKS,
        audits=FIRST_ORDER_AUDITS,
        labels=first_order_labels,
        quantity="first_order_spin",
    ),
    _problem("stack", Stack, "the molecular stack of junction, without its repulsion"),
    _problem("custom", Custom, "any one-electron system of the user between two leads"),
)
FAMILY = Family(
    name="models",
    question="which published one-electron models polarise spins, and which law decides?",
    problems=PROBLEMS,
)

__all__ = [
    "FAMILY",
    "Contact",
    "CurvedChain",
    "Custom",
    "DoubleHelix",
    "EffectiveHelix",
    "FirstOrder",
    "HelicalField",
    "Helicene",
    "Hop",
    "Landauer",
    "Molecule",
    "OrbitalTexture",
    "Perturbation",
    "SelfConsistent",
    "SingleHelix",
    "Site",
    "SpinterfaceLoop",
    "Stack",
    "TightBinding",
    "solve",
    "sweep",
]

solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
