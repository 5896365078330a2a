"""The self-consistent density that grows from the one without interaction, and others beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.junction.self_consistent import FieldEquation
from chirospin.numerics.branch import Branch, follow

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
DISTINCT = 1e-5  # largest difference of elements of two densities that are one
POLISHED = 1e-4  # last steps that move the branch by more, relative, have left it
LONG = 128  # orbitals from which the search has one start
TRIED = 20  # evaluations of the map from each start of the search for other densities


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a search for a self-consistent density ended.

    Parameters
    ----------
    x : the density on the elements that the field reads, packed
    G : the whole density in that field
    residual : of the self-consistent equation, relative; of the map where that is not at rest
    """

    x: Real
    G: Complex
    residual: float
    evaluations: int
    converged: bool = False


class Search(Protocol):
    """Newton steps from a start."""

    def __call__(self, equation: FieldEquation, start: Real, limit: int) -> Found:
        """A density that makes its own field, after at most so many evaluations of the map."""
        ...


def grown(
    equation: FieldEquation, search: Search, *, steps: int, limit: int
) -> tuple[Found, Outcome]:
    """The density on the branch that starts without interaction, and how the branch ends.

    Parameters
    ----------
    steps : first steps in the share of the interaction
    limit : evaluations of the map at most
    """
    start, _ = equation.mapped(np.zeros(equation.mask[0].size))
    branch = follow(equation.mapped, start, first=1 / steps, limit=limit)
    spent = branch.evaluations
    if branch.share < 1:
        return _nothing(equation, branch), Outcome(
            converged=False, residual=np.inf, iterations=spent, reason=_ended(branch, limit)
        )
    found = search(equation, branch.value, limit)
    spent += found.evaluations
    moved = float(np.linalg.norm(found.x - branch.value))
    if not found.converged or moved > POLISHED * float(np.linalg.norm(found.x)):
        reason = (
            "the branch from U = 0 was followed, its last steps did not converge; raise iterations"
        )
        return found, Outcome(
            converged=False, residual=found.residual, iterations=spent, reason=reason
        )
    return found, Outcome(converged=True, residual=found.residual, iterations=spent)


def _nothing(equation: FieldEquation, branch: Branch) -> Found:
    """A density that is not a number."""
    G = np.full(equation.h.shape, np.nan, dtype=complex)
    return Found(x=branch.value, G=G, residual=np.inf, evaluations=branch.evaluations)


def _ended(branch: Branch, limit: int) -> str:
    if not np.isnan(branch.fold):
        return (
            f"no self-consistent density found: the branch from U = 0 ends at a fold at "
            f"{branch.fold:.4g} of the interaction; take a smaller one"
        )
    return (
        f"no self-consistent density found: continuation reached {branch.share:.3g} of the "
        f"interaction in {branch.evaluations} evaluations"
        + ("; raise iterations" if branch.evaluations >= limit else "; a smaller one may converge")
    )


def with_others(outcome: Outcome, others: int) -> Outcome:
    """The outcome, which says of a branch that ended how many other densities there are."""
    if outcome.converged or not others:
        return outcome
    return replace(
        outcome, reason=f"{outcome.reason} (found elsewhere: {others}, not on that branch)"
    )


def other_densities(equation: FieldEquation, search: Search, known: Found) -> int:
    """How many other self-consistent densities a short search meets.

    It starts with the electrons piled up at either end of the stack, the source first: the charge that
    blocks the current is what a second solution is made of; and without field. Long stacks start at the
    source alone. None found does not prove that there is none.
    """
    kept = [known.G] if known.converged else []
    starts = itertools.islice(_starts(equation), 1 if len(equation.h) >= LONG else None)
    for start in starts:
        found = search(equation, start, TRIED)
        if found.converged and all(np.abs(found.G - G).max() > DISTINCT for G in kept):
            kept.append(found.G)
    return len(kept) - known.converged


def _starts(equation: FieldEquation) -> Iterator[Real]:
    n = len(equation.h)
    first = np.arange(n) < n // 2
    free, _ = equation.mapped(np.zeros(equation.mask[0].size))
    charge = equation.unpacked(free)[equation.own].real
    source = first if charge[first].sum() >= charge[~first].sum() else ~first
    for full in (source, ~source):
        yield equation.packed(np.diag(full.astype(complex)))
    yield free
