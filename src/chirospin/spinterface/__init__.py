"""Spin that a molecule induces in a spin-orbit metal: contact, gas, pair and stability."""

from __future__ import annotations

from chirospin.base.family import Family, Problem
from chirospin.spinterface.audit import AUDITS, CHECKS
from chirospin.spinterface.contact import Consistent, LesserOnly
from chirospin.spinterface.model import Contact, labels
from chirospin.spinterface.observables import OBSERVABLES

CONTACT = Problem(
    family="spinterface",
    name="contact",
    question="spin and charge that a molecule at one contact induces in a spin-orbit metal",
    model=Contact,
    methods={method.name: method for method in (Consistent, LesserOnly)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="spin_density",
)
FAMILY = Family(
    name="spinterface",
    question="does an adsorbed molecule create a spin moment in a metal with spin-orbit coupling?",
    problems=(CONTACT,),
)
