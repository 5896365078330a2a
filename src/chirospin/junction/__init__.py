"""Many-body magnetoresistance of a chiral molecular stack between two leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import xarray as xr

from chirospin.base import solve as corridor
from chirospin.base.family import Family, Problem
from chirospin.base.solve import Axes, MethodChoice, Progress
from chirospin.base.sweep import sweeper
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.counting import (
    COUNTING_CHECKS,
    COUNTING_OBSERVABLES,
    CountedJunction,
    GKSLCounting,
)
from chirospin.junction.gksl import GKSL
from chirospin.junction.gradients import gradients
from chirospin.junction.landauer import Landauer
from chirospin.junction.mean_field import MeanField
from chirospin.junction.model import Junction
from chirospin.junction.observables import OBSERVABLES, labels
from chirospin.junction.trajectories import (
    SAMPLED_AUDITS,
    SAMPLED_CHECKS,
    SAMPLED_OBSERVABLES,
    SampledJunction,
    Trajectories,
)
from chirospin.junction.transient import (
    TRANSIENT_AUDITS,
    TRANSIENT_CHECKS,
    TRANSIENT_OBSERVABLES,
    Evolution,
    SwitchedJunction,
    transient_labels,
)

__all__ = [
    "FAMILY",
    "GKSL",
    "CountedJunction",
    "Evolution",
    "GKSLCounting",
    "Junction",
    "Landauer",
    "MeanField",
    "SampledJunction",
    "SwitchedJunction",
    "Trajectories",
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
FAMILY = Family(
    name="junction", question=QUESTION, problems=(PROBLEM, COUNTING, TRANSIENT, SAMPLED)
)


def solve(
    model: Junction | None = None,
    method: MethodChoice | Sequence[MethodChoice] = None,
    *,
    over: Axes | None = None,
    observables: Sequence[str] | None = None,
    on_failure: Literal["raise", "record"] = "raise",
    workers: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Solve a junction, or a grid of junctions; see :func:`chirospin.base.solve.solve`.

    Examples
    --------
    >>> from chirospin import junction
    >>> ds = junction.solve(junction.Junction(hubbard_a=5), over={"energy_b": [0.4, 0.8]})
    >>> ds.spin_polarisation.dims
    ('energy_b',)
    """
    model = model or Junction()
    return corridor.solve(
        FAMILY.problem_of(model),
        model,
        method,
        over=over,
        observables=observables,
        on_failure=on_failure,
        workers=workers,
        progress=progress,
    )


sweep = sweeper(FAMILY)
