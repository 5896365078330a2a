"""A molecule's or a stack's coordinates in, the parameters of its junction out. Needs the extra ``abinitio``.

Examples
--------
>>> from chirospin import molecule
>>> molecule.MoleculeStack(structure="h2cs").molecules
2
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, Problem
from chirospin.base.solve import solver
from chirospin.molecule.audit import AUDITS, CHECKS, STACK_AUDITS, STACK_CHECKS
from chirospin.molecule.drawing import molecule_drawing, stack_of_molecules_drawing
from chirospin.molecule.kohn_sham import KohnSham, StackedKohnSham
from chirospin.molecule.model import Molecule, MoleculeStack
from chirospin.molecule.observables import OBSERVABLES, STACK_OBSERVABLES, labels, stack_labels
from chirospin.molecule.words import molecule_words, stack_words
from chirospin.points.sweep import sweeper

__all__ = [
    "FAMILY",
    "KohnSham",
    "Molecule",
    "MoleculeStack",
    "StackedKohnSham",
    "solve",
    "sweep",
]

QUESTION = "orbitals, spin-orbit coupling and repulsion of a molecule from its coordinates"
MOLECULE = Problem(
    family="molecule",
    name="molecule",
    question=QUESTION,
    model=Molecule,
    drawing=molecule_drawing,
    methods={KohnSham.name: KohnSham},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="mixing",
    remarks=molecule_words,
)
STACK = Problem(
    family="molecule",
    name="stack",
    question="parameters of the junction of a stack of molecules from their coordinates",
    model=MoleculeStack,
    drawing=stack_of_molecules_drawing,
    methods={StackedKohnSham.name: StackedKohnSham},
    observables=STACK_OBSERVABLES,
    checks=STACK_CHECKS,
    audits=STACK_AUDITS,
    labels=stack_labels,
    quantity="pseudoscalar",
    remarks=stack_words,
)
FAMILY = Family(name="molecule", question=QUESTION, problems=(MOLECULE, STACK))


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
