r"""Cumulants of the electrons counted at a lead, and their generating function.

Electrons that enter from lead l carry :math:`e^{x}`, those that leave to it :math:`e^{-x}`. The largest
eigenvalue of the tilted generator is :math:`\lambda(x) = \sum_n \lambda_n x^n/n!`, and with
:math:`J_k = J_{in} + (-1)^k J_{out}`

.. math:: \lambda_n = \sum_{k=1}^n \binom nk Tr[J_k \rho_{n-k}], \qquad
          L\rho_n = -\sum_{k=1}^n \binom nk (J_k - \lambda_k)\rho_{n-k}, \quad Tr\,\rho_n = 0

so that each cumulant beyond the first takes one solve with the generator itself, and no difference. The
eigenvalue at finite x is followed from x = 0 by Newton steps on :math:`(L_x - \lambda)\rho_x = 0`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import Protocol

import numpy as np

from chirospin.base.errors import ConvergenceError
from chirospin.base.outcome import Outcome
from chirospin.junction.manybody.generator import Generator, Jumping
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, Ints, Real, norm
from chirospin.junction.manybody.steady import SteadySolver
from chirospin.numerics.krylov import gmres

CUMULANTS, GENERATING, FLUCTUATION = "cumulants", "generating_function", "fluctuation"
"""Parts of a state that hold what is found here."""
ORDERS = 4
NEWTON_STEPS = 12
FIELD_STEP = 0.5
"""Largest change of the counting field between two eigenvalues of which one starts from the other."""
SYMMETRY_FIELDS = (0.3, 0.7, -0.4)
"""Counting fields at which the fluctuation symmetry is tried."""
ROUGH = 1e-6
"""Of a Newton step: what it leaves to the next."""
SHIFT = 1e-3
"""Of the energy scale: what keeps the resolvent of a nearly singular generator finite."""
LOST = (
    "the largest eigenvalue of the tilted generator was not found; take smaller counting_field, or "
    "raise krylov_vectors"
)


class CountedLeads(Protocol):
    """Jumps through leads, which can be weighted lead by lead."""

    def weighted(self, entering: Real, leaving: Real) -> Jumping:
        """The jumps with weights of each lead for those that enter and that leave."""


@dataclass(frozen=True, kw_only=True)
class Generating:
    r"""The scaled generating function of the charge from the left lead.

    Parameters
    ----------
    field : x, (..., field)
    value : lambda(x), (..., field), eV/hbar
    slope : its derivative, the current in the tilted ensemble, (..., field)
    residual : of the eigenvalue equation, relative, (...)
    """

    field: Real
    value: Real
    slope: Real
    residual: Real


@dataclass(frozen=True, kw_only=True)
class Eigenstate:
    """The largest eigenvalue of a tilted generator with its operator of trace one; batch first."""

    value: Real
    halves: Halves
    residual: Real


@dataclass(frozen=True, kw_only=True)
class Counting:
    """A stationary state whose electrons are counted.

    Parameters
    ----------
    halves : rho, packed
    """

    solver: SteadySolver
    leads: CountedLeads
    lead_count: int
    halves: Halves

    @property
    def generator(self) -> Generator:
        """L."""
        return self.solver.generator

    def cumulants(self) -> Real:
        """Of orders 1 to 4 at every lead, (batch, lead, order), eV/hbar."""
        return np.stack([self._at(lead) for lead in range(self.lead_count)], axis=1)

    def _at(self, lead: int) -> Real:
        layout = self.generator.layout
        here = (np.arange(self.lead_count) == lead).astype(float)
        jumps = [self.leads.weighted(here, sign * here) for sign in (-1.0, 1.0)]

        def counted(order: int, halves: Halves) -> Halves:
            crossing = jumps[(order + 1) % 2]
            return crossing(ODD, halves[ODD]), crossing(EVEN, halves[EVEN])

        states, values = [self.halves], []
        for n in range(1, ORDERS + 1):
            gone = [counted(k, states[n - k]) for k in range(1, n + 1)]
            traces = [comb(n, k) * layout.trace(*one) for k, one in enumerate(gone, start=1)]
            values.append(np.sum(traces, axis=0))
            if n < ORDERS:
                states.append(self._next(n, states, gone, values))
        return np.stack(values, axis=-1)

    def _next(
        self, n: int, states: Sequence[Halves], gone: Sequence[Halves], values: Sequence[Real]
    ) -> Halves:
        even, odd = (
            np.sum(
                [
                    comb(n, k)
                    * (gone[k - 1][parity] - values[k - 1][:, None] * states[n - k][parity])
                    for k in range(1, n + 1)
                ],
                axis=0,
            )
            for parity in (EVEN, ODD)
        )
        return self.traceless(self.solver.solve(even, odd, 0.1 * self.solver.tolerance)[:2])

    def traceless(self, halves: Halves) -> Halves:
        """With as much of rho taken away as makes the trace zero."""
        surplus = self.generator.layout.trace(*halves)[:, None]
        even, odd = (x - surplus * rho for x, rho in zip(halves, self.halves, strict=True))
        return even, odd

    def eigenvalues(self, fields: Real) -> Real:
        """lambda at some fields of every member, (batch, field).

        Raises
        ------
        ConvergenceError : an eigenvalue was not found
        """
        value = np.empty(fields.shape)
        for rows, columns, _, found in self._along(fields):
            value[rows, columns] = found.value[rows]
        return value

    def generating(self, fields: Real) -> Generating:
        """At some fields of every member, (batch, field), with the derivative.

        Raises
        ------
        ConvergenceError : an eigenvalue was not found
        """
        value, slope, worst = (np.empty(fields.shape) for _ in range(3))
        for rows, columns, x, found in self._along(fields):
            value[rows, columns] = found.value[rows]
            slope[rows, columns] = self._tilted_current(x, found)[rows]
            worst[rows, columns] = found.residual[rows]
        return Generating(field=fields, value=value, slope=slope, residual=worst.max(axis=1))

    def _along(self, fields: Real) -> Iterator[tuple[Ints, Ints, Real, Eigenstate]]:
        """Eigenstates at all fields, reached in steps from 0: (members, their columns, x, what is found)."""
        batch = len(fields)
        for side in (1, -1):
            order = np.argsort(side * fields, axis=1)
            x = np.zeros(batch)
            found = Eigenstate(value=np.zeros(batch), halves=self.halves, residual=np.zeros(batch))
            for column in order.T:
                wanted = fields[np.arange(batch), column]
                mine = side * wanted >= 0
                goal = np.where(mine, wanted, x)
                while (x != goal).any():
                    step = np.clip(goal - x, -FIELD_STEP, FIELD_STEP)
                    x = np.where(np.abs(goal - x) <= FIELD_STEP, goal, x + step)
                    found = self._followed(x, found)
                rows = np.flatnonzero(mine)
                yield rows, column[rows], x, found

    def _tilted(self, x: Real) -> Callable[[Halves], Halves]:
        """The jumps with their counting fields, (batch,)."""
        here = np.arange(self.lead_count) == 0
        distinct = {
            float(one): self.leads.weighted(
                np.where(here, np.exp(one), 1.0), np.where(here, np.exp(-one), 1.0)
            )
            for one in x
        }

        def jumped(halves: Halves) -> Halves:
            out = np.zeros_like(halves[EVEN]), np.zeros_like(halves[ODD])
            for one, crossing in distinct.items():
                mine = (x == one)[:, None]
                out[EVEN][...] = np.where(mine, crossing(ODD, halves[ODD]), out[EVEN])
                out[ODD][...] = np.where(mine, crossing(EVEN, halves[EVEN]), out[ODD])
            return out

        return jumped

    def _inside(self, halves: Halves) -> Halves:
        L = self.generator
        even, odd = (
            L.coherent(parity, halves[parity]) + L.kept(parity, halves[parity])
            for parity in (EVEN, ODD)
        )
        return even, odd

    def _moved(self, x: Real, value: Real, halves: Halves) -> Halves:
        """(L_x - lambda) X."""
        inside, jumped = self._inside(halves), self._tilted(x)(halves)
        even, odd = (inside[p] + jumped[p] - value[:, None] * halves[p] for p in (EVEN, ODD))
        return even, odd

    def _followed(self, x: Real, start: Eigenstate) -> Eigenstate:
        """The largest eigenvalue near that of another field, by Newton steps."""
        L = self.generator
        value, halves = start.value, start.halves
        for _ in range(NEWTON_STEPS):
            rest = self._moved(x, value, halves)
            residual = norm(*rest) / (norm(*halves) * L.scale)
            if (residual <= self.solver.tolerance).all():
                return Eigenstate(value=value, halves=halves, residual=residual)
            change = self._bordered(x, value, halves, rest, ROUGH)
            moved = L.layout.trace(*change)
            size = (1 + moved)[:, None]
            value = value + moved
            even, odd = ((h + c) / size for h, c in zip(halves, change, strict=True))
            halves = even, odd
        if not (residual <= 1e3 * self.solver.tolerance).all():
            outcome = Outcome(
                converged=False,
                residual=float(residual.max()),
                iterations=NEWTON_STEPS,
                reason=LOST,
            )
            raise ConvergenceError(LOST, outcome)
        return Eigenstate(value=value, halves=halves, residual=residual)

    def _tilted_current(self, x: Real, eigenstate: Eigenstate) -> Real:
        r"""dlambda/dx from :math:`(L_x - \lambda)\rho' - \lambda'\rho = -L_x'\rho`, (batch,)."""
        here = (np.arange(self.lead_count) == 0).astype(float)
        changed = np.zeros_like(eigenstate.halves[EVEN]), np.zeros_like(eigenstate.halves[ODD])
        for one in np.unique(x):
            crossing = self.leads.weighted(here * np.exp(one), -here * np.exp(-one))
            mine = (x == one)[:, None]
            changed[EVEN][...] += np.where(mine, crossing(ODD, eigenstate.halves[ODD]), 0.0)
            changed[ODD][...] += np.where(mine, crossing(EVEN, eigenstate.halves[EVEN]), 0.0)
        change = self._bordered(x, eigenstate.value, eigenstate.halves, changed, 1e-13)
        return self.generator.layout.trace(*change)

    def _bordered(
        self, x: Real, value: Real, halves: Halves, rest: Halves, accuracy: float
    ) -> Halves:
        r"""X with :math:`(L_x - \lambda) X - \rho\, Tr X = -Y`; its trace is the change of lambda."""
        L, tilted = self.generator, self._tilted(x)
        shift = float(max(value.max(), 0.0)) + float(L.scale.max()) * SHIFT
        R = self.solver.resolvent.moved(shift)
        cut = halves[EVEN].shape[1]

        def equation(Z: Real) -> Real:
            X = Z[:, :cut], Z[:, cut:]
            trace = L.layout.trace(*X)[:, None]
            jumped = tilted(X)
            arrived = [
                jumped[p] + (shift - value)[:, None] * X[p] - trace * halves[p] for p in (EVEN, ODD)
            ]
            if not R.complete:
                arrived = [
                    one + L.kept(p, X[p]) for p, one in zip((EVEN, ODD), arrived, strict=True)
                ]
            again = [R(p, arrived[p]) for p in (EVEN, ODD)]
            return np.asarray(Z - np.concatenate(again, axis=1))

        right = np.concatenate([R(EVEN, rest[EVEN]), R(ODD, rest[ODD])], axis=1)
        krylov_result = gmres(equation, right, tolerance=accuracy, limit=self.solver.limit)
        return krylov_result.solution[:, :cut], krylov_result.solution[:, cut:]


def symmetry_fields(affinity: Real) -> Real:
    """Fields x and -x - A, one row per member, (batch, 2 count)."""
    x = np.asarray(SYMMETRY_FIELDS)
    return np.concatenate(
        [np.broadcast_to(x, (len(affinity), x.size)), -x - affinity[:, None]], axis=1
    )


def symmetry_defect(own: Real, other: Real) -> float:
    r"""Largest :math:`|\lambda_M(x) - \lambda_{-M}(-x - A)|` over the largest :math:`|\lambda|`, from (2 count,) each."""
    count = len(SYMMETRY_FIELDS)
    there, back = own[:count], other[count:]
    size = max(np.abs(there).max(), np.abs(back).max())
    return float(np.abs(there - back).max() / size) if size else float("nan")
