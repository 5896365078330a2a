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
from chirospin.junction.manybody.packed import Halves, norm
from chirospin.junction.manybody.steady import Resolvent, SteadySolver
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.selected.blocks import natural_blocks
from chirospin.junction.selected.first_states import first_space
from chirospin.junction.selected.left_out import Dual, LeftOut, Rows, least_variance
from chirospin.junction.selected.products import ProductSpace
from chirospin.junction.selected.restricted import RestrictedGenerator, Selection, block_density
from chirospin.junction.selected.sweep import Around, Sweep, next_states
from chirospin.junction.selected.whole import FockSectors, WholeStates, of_products
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

Real = NDArray[np.float64]
Ints = NDArray[np.int64]
Complex = NDArray[np.complex128]

STANDING = (
    1e-11  # slowest decay, over the largest energy or rate, of a sector that counts as closed
)
SHARE_OF_BOUND = 0.1  # of the bound without phases, in the order of the products left out
ADJOINT_TOLERANCE = 1e-8
STRICT_ADJOINT = 1e-12  # between whole states, which are few
ADJOINT_LOST = 1e-4  # residual of the adjoint above which nothing is said
GROWTH = 1.6  # from one size to the next
STEPS = 4  # of growth in the last states: what is chosen by its effect is better than by weight
REFRESHED = (3, 2)  # steps before the end whose sizes give natural states anew
TRUSTED = (
    3.0  # factor to which a first-order estimate is trusted: random currents were off by up to 2.1
)
ENOUGH = 0.95  # of the products allowed: the rest would not change much
BEFORE = 300  # products of every molecule from which states of the whole stack start
PARTS = (4, 4, 4, 2, 2, 1, 1)  # of the states allowed, sweep by sweep
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
    told : called with every selection
    """

    most: int
    candidates: int
    wanted: float
    tolerance: float
    vectors: int
    states: int = 0
    told: Callable[[Grown], None] = lambda grown: None

    def __call__(self, member: FlatMember) -> Grown:
        """The steady state of one magnetisation."""
        return self.in_whole_states(member) if self.states else self.in_products(member)

    def in_whole_states(self, member: FlatMember) -> Grown:
        """In natural states of the whole stack, from those of products of largest weight."""
        sizes = [max(SMALLEST, self.states // part) for part in PARTS]
        selection, halves, spent = self._products_of_weight(member)
        rho = selection.matrices(halves)
        space = of_products(FockSectors(member), selection, rho, sizes[0])
        found, around = self._swept(space)
        grown = replace(unconfirmed(found), iterations=spent + found.iterations)
        self.told(grown)
        for size in sizes[1:]:
            if grown.bar <= self.wanted * abs(grown.current):
                break
            space = next_states(space, around, size)
            found, around = self._swept(space)
            grown = with_history(grown, found, np.abs(grown.left_out.change).sum())
            self.told(grown)
        return grown

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
        space, spent = first_space(member), 0
        most = min(self.most, BEFORE * len(member.matrices.h) // PER_MOLECULE)
        for part in (3, 2, 1):
            size = max(SMALLEST, most // part)
            selection, solver, _ = self._open(space, space.most_probable(size))
            found = solver.steady_state()
            spent += found.applications
            if part > 1:
                space = refreshed(selection, found.halves)
        return selection, found.halves, spent

    def in_products(self, member: FlatMember) -> Grown:
        """In selected products of natural states of blocks."""
        space = first_space(member)
        everything = space.most_probable(self.candidates)
        most = min(self.most, len(everything))
        first = min(most, max(SMALLEST, int(most / GROWTH**STEPS)))
        for n in REFRESHED:
            size = min(most, max(SMALLEST, int(most / GROWTH**n)))
            if size < len(everything):
                selection, solver, _ = self._open(space, everything[:size])
                space = refreshed(selection, solver.steady_state().halves)
                everything = space.most_probable(self.candidates)
        grown = unconfirmed(self._solved(space, everything[:first], _rows(space, everything)))
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
        return with_history(before, grown, np.abs(rest.change[added]).sum())

    def _solved(self, space: ProductSpace, kept: Ints, estimated: Estimate) -> Grown:
        selection, solver, standing = self._open(space, kept)
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

    def _open(self, space: ProductSpace, kept: Ints) -> tuple[Selection, SteadySolver, int]:
        """Kept products without those of sectors that nothing leaves, and their solver."""
        standing = 0
        while True:
            selection = Selection(space, kept)
            generator = RestrictedGenerator(selection)
            try:
                resolvent = Resolvent(generator, EigenInverse)
            except np.linalg.LinAlgError:  # defective
                resolvent = Resolvent(generator, SchurInverse)
            closed = [
                selection.states(parity, n)
                for parity, half in enumerate(resolvent.inverse)
                for n, one in enumerate(half)
                if one.slowest_decay.min() <= STANDING * space.member.scale
            ]
            if not closed or len(closed) == len(selection.members):
                break
            out = np.concatenate(closed)
            standing += out.size
            kept = np.delete(selection.digits, out, axis=0)
        solver = SteadySolver(resolvent=resolvent, tolerance=self.tolerance, limit=self.vectors)
        return selection, solver, standing

    def _dual(self, solver: SteadySolver, halves: Halves, current: float) -> Dual:
        generator = solver.generator
        assert isinstance(generator, RestrictedGenerator)
        layout = generator.selection
        one = layout.identity()
        even, odd = layout.packed(generator.current)
        wanted = even - current * one[0], odd - current * one[1]
        whole = isinstance(layout.products, WholeStates)
        Z, applications = solver.adjoint(wanted, STRICT_ADJOINT if whole else ADJOINT_TOLERANCE)
        moved = generator.adjoint_derivative(*Z)
        rest = norm(wanted[0] - moved[0], wanted[1] - moved[1]) / np.maximum(norm(*wanted), 1e-300)
        matrices, weights = least_variance(generator, layout.matrices(halves), layout.matrices(Z))
        return Dual(
            matrices=matrices,
            weights=weights,
            residual=float(rest[0]),
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


def unconfirmed(grown: Grown) -> Grown:
    """A first selection: before it has grown once nothing is known of how good its estimates are."""
    if grown.complete:
        return grown
    return replace(grown, bar=float("inf"), bars=(float("inf"),))


def with_history(before: Grown, grown: Grown, expected: float) -> Grown:
    """A selection that grew out of another: its bar heeds how far the last estimate fell short."""
    moved = abs(grown.current - before.current)
    short = max(1.0, moved / max(expected, 1e-300)) if expected > 0 else 1.0
    bar = bar_of(short * grown.share, abs(grown.current))
    return replace(
        grown,
        bar=bar,
        sizes=(*before.sizes, *grown.sizes),
        currents=(*before.currents, *grown.currents),
        bars=(*before.bars, bar),
        iterations=before.iterations + grown.iterations,
    )


def chosen(rest: LeftOut, count: int) -> Ints:
    """The next products, from the list by population and the list by what they change in turn."""
    count = min(count, len(rest.digits))
    by_weight = np.argsort(-rest.population, kind="stable")
    by_change = np.argsort(-(np.abs(rest.change) + SHARE_OF_BOUND * rest.bound), kind="stable")
    turns = np.stack([by_weight, by_change], axis=-1).ravel()
    _, first = np.unique(turns, return_index=True)
    return np.asarray(turns[np.sort(first)][:count])


def refreshed(selection: Selection, halves: Halves) -> ProductSpace:
    """The products of natural states of a solution."""
    space, rho = selection.products, selection.matrices(halves)
    densities = [block_density(selection, rho, b) for b in range(len(space.blocks))]
    blocks = natural_blocks(space.member, space.blocks, densities)
    return ProductSpace(member=space.member, blocks=tuple(blocks))
