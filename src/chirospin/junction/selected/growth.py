r"""Kept products grown until the current of one magnetisation is known well enough.

The error bar follows from the sum S of :math:`|c_x|` over the products left out, relative to the current. It is
the first order in amplitudes whose squares are weights, so that what follows is smaller by a factor of
:math:`\sqrt{S}` from order to order, and each term is trusted to a factor of three; where the products of the last
step moved the current by more than their own sum had said, all sums of this stack are raised by as much:

.. math:: \delta I = I\, \frac{3 q S}{1 - \sqrt{q S}}, \qquad
          q = \max\left(1, \frac{|I_{new} - I_{old}|}{\sum_{x\ added} |c_x|}\right)

Where the series does not converge, and before the first step, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, norm
from chirospin.junction.manybody.steady import SteadySolver
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.selected.first_states import first_space
from chirospin.junction.selected.kept import of_most_weight, refreshed, solver_between
from chirospin.junction.selected.left_out import Dual, LeftOut, Rows, least_variance
from chirospin.junction.selected.products import ProductSpace
from chirospin.junction.selected.restricted import RestrictedGenerator, Selection
from chirospin.junction.selected.stored import History, StateFolder
from chirospin.junction.selected.sweep import Around, Sweep, next_states
from chirospin.junction.selected.whole import FockSectors, WholeStates, of_products

Real = NDArray[np.float64]
Ints = NDArray[np.int64]
Complex = NDArray[np.complex128]

SHARE_OF_BOUND = 0.1  # of the bound without phases, in the order of the products left out
ADJOINT_TOLERANCE = 1e-8
STRICT_ADJOINT = 1e-12  # between whole states, which are few
# The solver stops by the size of Z; these corrections by that of O - I, which is orthogonal to rho as well as rho is
# known: its residual over the slowest decay is left.
ADJOINT_MET = 1e-7  # residual relative to the right side
ADJOINT_CORRECTIONS, HELPED = 3, 0.3
ADJOINT_LOST = 1e-4  # residual of the adjoint above which nothing is said
GROWTH = 1.6  # from one size to the next
STEPS = 4  # of growth in the last states: what is chosen by its effect is better than by weight
REFRESHED = (3, 2)  # steps before the end whose sizes give natural states anew
TRUSTED = (
    3.0  # factor to which a first-order estimate is trusted: random currents were off by up to 2.1
)
ENOUGH = 0.95  # of the products allowed: the rest would not change much
BEFORE = 375  # products of every molecule from which states of the whole stack start
PARTS = (3, 2, 1, 1)  # of the states allowed, sweep by sweep
SMALLEST = 60  # products in the first selection


@dataclass(frozen=True, kw_only=True)
class Grown:
    """The steady state of one selection.

    Parameters
    ----------
    generator : between kept products
    halves : rho, packed
    current : of the left lead, eV/hbar
    left_out : the products that are not kept, with what each would change
    share : S
    bar : of the current, eV/hbar
    sizes, currents, bars : of all selections on the way, in the last states of the blocks
    standing : products taken out because their sector has no way out
    residual : of the equation between kept products, relative
    dual_residual : of its adjoint
    iterations : applications of the generator, all sizes
    slowest_decay : of a sector that is kept, eV/hbar
    """

    generator: RestrictedGenerator
    halves: Halves
    current: float
    lead_currents: Real
    left_out: LeftOut
    share: float
    bar: float
    sizes: tuple[int, ...]
    currents: tuple[float, ...]
    bars: tuple[float, ...]
    standing: int
    residual: float
    dual_residual: float
    iterations: int
    hermiticity: float
    trace_drift: float
    slowest_decay: float

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return not len(self.left_out.digits) and not self.standing


Estimate: TypeAlias = Callable[[RestrictedGenerator, Halves, Dual, float], LeftOut]
"""What is left out of kept states, from their generator, rho, adjoint and current."""


@dataclass(frozen=True, kw_only=True)
class Growing:
    """How a selection is grown.

    Parameters
    ----------
    most : kept products at most
    candidates : products that are looked at
    wanted : bar at which growth ends, relative
    tolerance : of the steady state between kept products
    vectors : Krylov vectors at most
    states : of the whole stack at most, after the products; 0 leaves them out
    kept : where states of the whole stack are kept after every sweep
    told : called with every selection
    """

    most: int
    candidates: int
    wanted: float
    tolerance: float
    vectors: int
    states: int = 0
    kept: StateFolder | None = None
    told: Callable[[Grown], None] = lambda grown: None

    def __call__(self, member: FlatMember) -> Grown:
        """The steady state of one magnetisation."""
        return self.in_whole_states(member) if self.states else self.in_products(member)

    def in_whole_states(self, member: FlatMember) -> Grown:
        """In natural states of the whole stack, from those of products of largest weight."""
        space, history, sizes = self._start(FockSectors(member))
        while True:
            found, around = self._swept(space)
            grown = after(history, found)
            history = history_of(grown)
            self.told(grown)
            space = next_states(space, around, sizes[0] if sizes else self.states)
            if self.kept:
                self.kept.keep(member, space, history)
            if not sizes or grown.bar <= self.wanted * abs(grown.current):
                return grown
            sizes = sizes[1:]

    def _start(self, stack: FockSectors) -> tuple[WholeStates, History, list[int]]:
        """First states, sweeps made before, and sizes of the sweeps after the first: from a folder or products."""
        planned = [max(SMALLEST, self.states // part) for part in PARTS]
        if self.kept and (before := self.kept.resumed(stack)):
            space, history = before
            later = planned[len(history.sizes) + 1 :]
            fewer = len(space.digits) < ENOUGH * planned[-1]
            return space, history, later or planned[-1:] * fewer
        if self.kept and (near := self.kept.neighbour(stack)):
            return near, NOTHING, planned[-2:]
        selection, halves, spent = self._products_of_weight(stack.member)
        space = of_products(stack, selection, selection.matrices(halves), planned[0])
        return space, replace(NOTHING, iterations=spent), planned[1:]

    def _swept(self, space: WholeStates) -> tuple[Grown, list[Around]]:
        """The solution in states of the whole stack, and what lies around them."""
        around: list[Around] = []

        def estimated(
            generator: RestrictedGenerator, halves: Halves, dual: Dual, current: float
        ) -> LeftOut:
            around.extend(Sweep(generator, halves, dual, current)())
            return left_out_of(around)

        return self._solved(space, space.digits, estimated), around

    def _products_of_weight(self, member: FlatMember) -> tuple[Selection, Halves, int]:
        """Products of largest weight in natural states of their own solution, their rho, applications."""
        most = min(self.most, BEFORE * len(member.matrices.h) // PER_MOLECULE)
        sizes = [max(SMALLEST, most // part) for part in (3, 2, 1)]
        return of_most_weight(first_space(member), sizes, self.tolerance, self.vectors)

    def in_products(self, member: FlatMember) -> Grown:
        """In selected products of natural states of blocks."""
        space = first_space(member)
        everything = space.most_probable(self.candidates)
        most = min(self.most, len(everything))
        first = min(most, max(SMALLEST, int(most / GROWTH**STEPS)))
        for n in REFRESHED:
            size = min(most, max(SMALLEST, int(most / GROWTH**n)))
            if size < len(everything):
                selection, solver, _ = solver_between(
                    space, everything[:size], self.tolerance, self.vectors
                )
                space = refreshed(selection, solver.steady_state().halves)
                everything = space.most_probable(self.candidates)
        grown = after(NOTHING, self._solved(space, everything[:first], _rows(space, everything)))
        self.told(grown)
        while self._goes_on(grown, most, len(everything)):
            before = len(grown.generator.selection)
            grown = self._next(space, everything, grown, most)
            self.told(grown)
            if len(grown.generator.selection) <= before:  # as many were closed as were added
                break
        return grown

    def _goes_on(self, grown: Grown, most: int, total: int) -> bool:
        """Whether there is room for more products, a reason and a ground to choose them by."""
        enough = most if most == total else ENOUGH * most
        known = grown.bar <= self.wanted * abs(grown.current)
        chosen_by = np.isfinite(grown.left_out.change).all()
        return len(grown.generator.selection) < enough and not known and bool(chosen_by)

    def _next(self, space: ProductSpace, everything: Ints, before: Grown, most: int) -> Grown:
        """A larger selection in the same states of the blocks: what is kept stays."""
        selection, rest = before.generator.selection, before.left_out
        size = min(most, int(np.ceil(GROWTH * len(selection))))
        added = chosen(rest, size - len(selection))
        kept = np.concatenate([selection.digits, rest.digits[added]])
        grown = self._solved(space, kept, _rows(space, everything))
        history = replace(history_of(before), expected=float(np.abs(rest.change[added]).sum()))
        return after(history, grown)

    def _solved(self, space: ProductSpace, kept: Ints, estimated: Estimate) -> Grown:
        selection, solver, standing = solver_between(space, kept, self.tolerance, self.vectors)
        generator = solver.generator
        assert isinstance(generator, RestrictedGenerator)
        found = solver.steady_state()
        residual, drift, _ = generator.certificates(*found.halves)
        leads = generator.lead_currents(found.halves)
        current = float(leads[0] - leads[1]) / 2
        dual = self._dual(solver, found.halves, current)
        rest = estimated(generator, found.halves, dual, current)
        share = float(np.abs(rest.change).sum() / max(abs(current), 1e-300))
        sound = dual.residual <= ADJOINT_LOST and np.isfinite(share)
        share = share if sound else np.inf
        return Grown(
            generator=generator,
            halves=found.halves,
            current=current,
            lead_currents=leads,
            left_out=rest,
            share=share,
            bar=bar_of(share, abs(current)),
            sizes=(len(selection),),
            currents=(current,),
            bars=(bar_of(share, abs(current)),),
            standing=standing,
            residual=float(residual[0]),
            dual_residual=dual.residual,
            iterations=found.applications + dual.applications,
            hermiticity=float(found.hermiticity[0]),
            trace_drift=float(drift[0]),
            slowest_decay=float(solver.resolvent.slowest_decay[0]),
        )

    def _dual(self, solver: SteadySolver, halves: Halves, current: float) -> Dual:
        generator = solver.generator
        assert isinstance(generator, RestrictedGenerator)
        layout = generator.selection
        one = layout.identity()
        even, odd = layout.packed(generator.current)
        wanted = even - current * one[0], odd - current * one[1]
        whole = isinstance(layout.products, WholeStates)
        tolerance = STRICT_ADJOINT if whole else ADJOINT_TOLERANCE
        Z, rest, applications = (layout.zeros(EVEN), layout.zeros(ODD)), wanted, 0
        residual = 1.0
        for _ in range(1 + ADJOINT_CORRECTIONS):
            more, spent = solver.adjoint(rest, tolerance)
            Z, applications = (Z[0] + more[0], Z[1] + more[1]), applications + spent
            moved = generator.adjoint_derivative(*Z)
            rest = wanted[0] - moved[0], wanted[1] - moved[1]
            before, residual = residual, float((norm(*rest) / np.maximum(norm(*wanted), 1e-300))[0])
            if residual <= ADJOINT_MET or residual > HELPED * before:
                break
        matrices, weights = least_variance(generator, layout.matrices(halves), layout.matrices(Z))
        return Dual(
            matrices=matrices,
            weights=weights,
            residual=residual,
            applications=applications,
        )


def _rows(space: ProductSpace, everything: Ints) -> Estimate:
    """What all products that are looked at, and not kept, would change."""

    def estimated(
        generator: RestrictedGenerator, halves: Halves, dual: Dual, current: float
    ) -> LeftOut:
        mine = space.key(generator.selection.digits)
        outside = everything[~np.isin(space.key(everything), mine, assume_unique=True)]
        return Rows(generator, halves, dual, current).estimate(outside)

    return estimated


def left_out_of(around: list[Around]) -> LeftOut:
    """What is not kept of every sector, summed with its signs, which one eigenproblem gives together."""
    change = np.array([one.change.sum() for one in around])
    digits = np.array([[one.sector, 0] for one in around])
    size = np.array([np.abs(one.change).sum() for one in around])
    return LeftOut(digits=digits, change=change, bound=size, population=np.zeros(change.size))


def bar_of(share: float, current: float) -> float:
    """The series of relative errors in steps of their root, times the current; infinite where it diverges."""
    return TRUSTED * current * share / (1 - np.sqrt(share)) if share < 1 else float("inf")


NOTHING = History(sizes=(), currents=(), bars=(), iterations=0, expected=0.0)


def history_of(grown: Grown) -> History:
    """The sizes up to a selection, and what it says to be missing."""
    return History(
        sizes=grown.sizes,
        currents=grown.currents,
        bars=grown.bars,
        iterations=grown.iterations,
        expected=float(np.abs(grown.left_out.change).sum()),
    )


def after(history: History, grown: Grown) -> Grown:
    """A selection after others, whose bar heeds how far the last estimate fell short.

    Before it has grown once nothing is known of how good its estimates are.
    """
    if history.sizes:
        moved = abs(grown.current - history.currents[-1])
        short = max(1.0, moved / max(history.expected, 1e-300)) if history.expected > 0 else 1.0
        bar = bar_of(short * grown.share, abs(grown.current))
    else:
        bar = grown.bar if grown.complete else float("inf")
    return replace(
        grown,
        bar=bar,
        sizes=(*history.sizes, *grown.sizes),
        currents=(*history.currents, *grown.currents),
        bars=(*history.bars, bar),
        iterations=history.iterations + grown.iterations,
    )


def chosen(rest: LeftOut, count: int) -> Ints:
    """The next products, from the list by population and the list by what they change in turn."""
    count = min(count, len(rest.digits))
    by_weight = np.argsort(-rest.population, kind="stable")
    by_change = np.argsort(-(np.abs(rest.change) + SHARE_OF_BOUND * rest.bound), kind="stable")
    turns = np.stack([by_weight, by_change], axis=-1).ravel()
    _, first = np.unique(turns, return_index=True)
    return np.asarray(turns[np.sort(first)][:count])
