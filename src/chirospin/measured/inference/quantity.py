"""The quantity of measured curves in a model: the current of both magnetisations of a contact."""

from __future__ import annotations

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.observables import Observable

POLARISATIONS = ("current_spin_polarisation", "spin_polarisation")
"""Of the current of two magnetisations, the first that a problem has."""
DIMS = ("magnetisation",)
BIASED = "bias"


def measured_polarisation(problem: Problem) -> Observable:
    """The observable that is the polarisation of measured currents.

    Raises
    ------
    ModelError : the problem has no current of both magnetisations
    """
    known = {observable.name: observable for observable in problem.observables}
    current = known.get("current")
    names = [name for name in POLARISATIONS if name in known]
    if current is None or current.dims != DIMS or not names:
        raise ModelError(
            f"Mechanism {problem.path} gives no current of both magnetisations, which is what was "
            "measured; junction, junction.bias and the one-electron models do"
        )
    return known[names[0]]
