r"""The modes of the generator next to zero, by Krylov steps with :math:`(1 - sL)^{-1}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody.infinite_bias import Solved, solved
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.packed import EVEN, Real
from chirospin.junction.manybody.steady import SteadySolver
from chirospin.numerics.sylvester import Form, by_either_form

Array = NDArray[Any]
INVERSE = 1e-12  # residual of each inverse inside
FEW, ROUGH = (
    2,
    1e-3,
)  # modes among which the slowest is looked for, and how well: a time to be waited
KRYLOV = 200  # vectors of one inverse


def steady_state(member: FlatMember, limit: int = KRYLOV) -> Solved:
    """The steady state of one member with the factors that found it."""

    def attempt(members: Sequence[FlatMember], form: Form) -> list[Solved]:
        return [solved([one], form, INVERSE, limit) for one in members]

    (found,) = by_either_form([member], attempt, lambda one: not one.sound)
    return found


def relaxation_time(member: FlatMember) -> float:
    r"""The time after which the slowest mode has fallen to 1/e, hbar/eV.

    .. math:: \tau = 1/\min_j(-\mathrm{Re}\,\lambda_j)
    """
    found = steady_state(member)
    size = sum(half.size for half in found.stationary.halves)
    apply, inverse = actions(found.solver)
    rates, _ = slowest(apply, inverse, size, generator_size(apply, size), FEW, ROUGH)
    return float(-1 / np.nanmax(rates.real))


def actions(
    solver: SteadySolver,
) -> tuple[Callable[[Real], Real], Callable[[float], Callable[[Real], Real]]]:
    """L, and s -> (1 - s L)^{-1}, on packed vectors with the even sectors first."""
    generator = solver.generator
    split = generator.layout.space.unknowns(EVEN)

    def apply(vector: Real) -> Real:
        even, odd = generator.derivative(vector[None, :split], vector[None, split:])
        return np.concatenate([even[0], odd[0]])

    @cache
    def inverted(s: float) -> Callable[[Real], Real]:
        shifted = solver.shifted(1 / s)

        def act(vector: Real) -> Real:
            right = vector[None] / s
            even, odd, _ = shifted.solve(right[:, :split], right[:, split:], INVERSE)
            return np.concatenate([even[0], odd[0]])

        return act

    return apply, inverted


def generator_size(apply: Callable[[Real], Real], size: int) -> float:
    """Largest growth factor of a few products: the size of L."""
    vector = np.random.default_rng(0).normal(size=size)
    factor = 0.0
    for _ in range(12):
        vector /= np.linalg.norm(vector)
        vector = apply(vector)
        factor = max(factor, float(np.linalg.norm(vector)))
    return factor


def slowest(
    apply: Callable[[Real], Real],
    inverse: Callable[[float], Callable[[Real], Real]],
    size: int,
    scale: float,
    wanted: int,
    tolerance: float = 1e-12,
) -> tuple[Array, Array]:
    """Eigenvalues of L next to zero, without zero itself, and the residuals of their vectors."""
    s = 1e3 / scale
    act = inverse(s)
    operator = scipy.sparse.linalg.LinearOperator(
        (size, size), matvec=lambda v: act(np.ravel(v)), dtype=float
    )
    start = np.random.default_rng(1).normal(size=size)
    count = min(wanted + 4, size - 2)
    values, vectors = scipy.sparse.linalg.eigs(
        operator, k=count, which="LM", v0=start, tol=tolerance
    )
    rates = (1 - 1 / values) / s
    order = np.argsort(np.abs(rates))
    chosen = order[1 : wanted + 1]
    residual = [
        float(
            np.linalg.norm(
                apply(vectors[:, k].real)
                + 1j * apply(vectors[:, k].imag)
                - rates[k] * vectors[:, k]
            )
            / scale
        )
        for k in chosen
    ]
    pad = wanted - len(chosen)
    return (
        np.concatenate([rates[chosen], np.full(pad, np.nan)]),
        np.concatenate([residual, np.full(pad, np.nan)]),
    )
