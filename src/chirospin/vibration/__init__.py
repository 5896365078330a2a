"""A closed-shell level that vibrations may give a moment: one model and a ladder of theories.

Examples
--------
>>> from chirospin import vibration
>>> ds = vibration.solve(vibration.Vibration(), ["exact", "second-order", "windowed"])
>>> ds.crossover_count.values
array([0., 0., 1.])
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, Problem
from chirospin.base.solve import solver
from chirospin.points.sweep import sweeper
from chirospin.vibration.audit import AUDITS, CHECKS
from chirospin.vibration.drawing import level_drawing
from chirospin.vibration.exact import Exact
from chirospin.vibration.ladder import PARTS
from chirospin.vibration.model import Vibration, labels
from chirospin.vibration.observables import OBSERVABLES
from chirospin.vibration.scba import SCBA, SCBAHartree
from chirospin.vibration.second_order import SecondOrder
from chirospin.vibration.windowed import Windowed

__all__ = [
    "FAMILY",
    "SCBA",
    "Exact",
    "SCBAHartree",
    "SecondOrder",
    "Vibration",
    "Windowed",
    "solve",
    "sweep",
]

LEVEL = Problem(
    family="vibration",
    name="vibration",
    question="the thermal moment of a level that vibrations couple to by charge and spin",
    model=Vibration,
    drawing=level_drawing,
    methods={m.name: m for m in (Exact, SecondOrder, SCBA, SCBAHartree, Windowed)},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="moment",
    parts=PARTS,
)
FAMILY = Family(
    name="vibration",
    question="a closed-shell level that gains a moment from vibrations",
    problems=(LEVEL,),
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__dir__ = partial(sorted, __all__)
