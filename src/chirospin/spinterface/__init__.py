"""Spin that a molecule induces in a spin-orbit metal: contact, gas, pair and stability.

Examples
--------
>>> from chirospin import spinterface
>>> ds = spinterface.solve(spinterface.Contact(), over={"distance": [1.0, 2.0]})
>>> ds.spin_density.dims
('distance', 'component')
"""

from __future__ import annotations

from functools import partial

from chirospin.base.family import Family, OpeningFigure, Problem, former_names
from chirospin.base.solve import solver
from chirospin.points.sweep import sweeper
from chirospin.spinterface.audit import AUDITS, CHECKS
from chirospin.spinterface.contact import NEGF, LesserOnly
from chirospin.spinterface.drawing import (
    contact_drawing,
    gas_states_drawing,
    map_drawing,
    metal_only_drawing,
    pair_drawing,
    quench_drawing,
)
from chirospin.spinterface.gas import (
    GAS_AUDITS,
    GAS_CHECKS,
    GAS_OBSERVABLES,
    WHOLE_GAS_AUDITS,
    WHOLE_GAS_CHECKS,
    WHOLE_GAS_OBSERVABLES,
    Exact,
    FermiGas,
    Gas,
    WholeGas,
    gas_labels,
    whole_gas_labels,
)
from chirospin.spinterface.green import Metal, density_of_states, green_function, local_function
from chirospin.spinterface.model import Contact, labels
from chirospin.spinterface.molecule import (
    MAP_AUDITS,
    MAP_CHECKS,
    MAP_OBSERVABLES,
    Map,
    MapNEGF,
    map_labels,
)
from chirospin.spinterface.observables import OBSERVABLES
from chirospin.spinterface.pair import (
    PAIR_AUDITS,
    PAIR_CHECKS,
    PAIR_OBSERVABLES,
    MatrixExponential,
    Pair,
    Spectral,
    pair_labels,
)
from chirospin.spinterface.quench import (
    QUENCH_AUDITS,
    QUENCH_CHECKS,
    QUENCH_OBSERVABLES,
    PointContact,
    Quench,
    quench_labels,
)
from chirospin.spinterface.stability import (
    STABILITY_AUDITS,
    STABILITY_CHECKS,
    STABILITY_OBSERVABLES,
    MeanField,
    Stability,
    stability_labels,
)

__all__ = [
    "FAMILY",
    "NEGF",
    "Contact",
    "Exact",
    "FermiGas",
    "Gas",
    "LesserOnly",
    "Map",
    "MapNEGF",
    "MatrixExponential",
    "MeanField",
    "Metal",
    "Pair",
    "PointContact",
    "Quench",
    "Spectral",
    "Stability",
    "WholeGas",
    "density_of_states",
    "green_function",
    "local_function",
    "solve",
    "sweep",
]

CONTACT = Problem(
    family="spinterface",
    name="contact",
    question="spin and charge that a molecule at one contact induces in a spin-orbit metal",
    model=Contact,
    drawing=contact_drawing,
    methods={method.name: method for method in (NEGF, LesserOnly)},
    renamed={"consistent": NEGF.name},
    observables=OBSERVABLES,
    checks=CHECKS,
    audits=AUDITS,
    labels=labels,
    quantity="spin_density",
)
GAS = Problem(
    family="spinterface",
    name="gas",
    question="polarisation of a correlated gas with four states for each wavevector",
    model=Gas,
    drawing=gas_states_drawing,
    methods={method.name: method for method in (Exact,)},
    observables=GAS_OBSERVABLES,
    checks=GAS_CHECKS,
    audits=GAS_AUDITS,
    labels=gas_labels,
    opening=OpeningFigure(observable="spin_polarisation", along="repulsion", start="0", stop="0.4"),
    quantity="spin_polarisation",
)
WHOLE_GAS = Problem(
    family="spinterface",
    name="whole_gas",
    question="spin response of a whole metal without repulsion",
    model=WholeGas,
    drawing=metal_only_drawing,
    methods={method.name: method for method in (FermiGas,)},
    observables=WHOLE_GAS_OBSERVABLES,
    checks=WHOLE_GAS_CHECKS,
    audits=WHOLE_GAS_AUDITS,
    labels=whole_gas_labels,
    quantity="susceptibility",
)
PAIR = Problem(
    family="spinterface",
    name="pair",
    question="motion of the charge and spin of a pair of wavevectors under injection",
    model=Pair,
    drawing=pair_drawing,
    methods={method.name: method for method in (Spectral, MatrixExponential)},
    renamed={"expm": MatrixExponential.name},
    observables=PAIR_OBSERVABLES,
    checks=PAIR_CHECKS,
    audits=PAIR_AUDITS,
    labels=pair_labels,
    quantity="spin",
)
MAP = Problem(
    family="spinterface",
    name="map",
    question="spin and charge on a plane or in a volume around any molecule with any contacts",
    model=Map,
    drawing=map_drawing,
    methods={method.name: method for method in (MapNEGF,)},
    renamed={"consistent": MapNEGF.name},
    observables=MAP_OBSERVABLES,
    checks=MAP_CHECKS,
    audits=MAP_AUDITS,
    labels=map_labels,
    quantity="spin_density",
)
STABILITY = Problem(
    family="spinterface",
    name="stability",
    question="repulsion, exchange or field that a moment on the molecule takes, and its stray field",
    model=Stability,
    drawing=contact_drawing,
    methods={method.name: method for method in (MeanField,)},
    observables=STABILITY_OBSERVABLES,
    checks=STABILITY_CHECKS,
    audits=STABILITY_AUDITS,
    labels=stability_labels,
    quantity="repulsion",
)
QUENCH = Problem(
    family="spinterface",
    name="quench",
    question="what becomes of a molecular moment and of the metal's spin when its field ends",
    model=Quench,
    drawing=quench_drawing,
    methods={method.name: method for method in (PointContact,)},
    observables=QUENCH_OBSERVABLES,
    checks=QUENCH_CHECKS,
    audits=QUENCH_AUDITS,
    labels=quench_labels,
    quantity="level_spin",
)
FAMILY = Family(
    name="spinterface",
    question="does an adsorbed molecule create a spin moment in a metal with spin-orbit coupling?",
    problems=(CONTACT, MAP, STABILITY, GAS, WHOLE_GAS, PAIR, QUENCH),
)


solve = solver(FAMILY)
sweep = sweeper(FAMILY)
__getattr__ = former_names(
    __name__, {"Consistent": "NEGF", "MapConsistent": "MapNEGF", "Expm": "MatrixExponential"}
)
__dir__ = partial(sorted, __all__)
