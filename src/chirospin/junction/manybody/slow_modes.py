r"""The modes of the generator next to zero, by Krylov steps with :math:`(1 - sL)^{-1}`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigs

from chirospin.junction.manybody.gksl import Solved, doubtful, solved
from chirospin.junction.manybody.liouvillian import EVEN, ODD, Point, Real, Resolvent
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

Array = NDArray[Any]
INVERSE = 1e-12  # residual of each inverse inside
FEW, ROUGH = (
    2,
    1e-3,
)  # modes among which the slowest is looked for, and how well: a time to be waited
KRYLOV = 200  # vectors of one inverse


def steady_state(point: Point, m: int, limit: int = KRYLOV) -> Solved:
    """The steady state of one magnetisation with the factors that found it."""
    kinds: tuple[type[EigenInverse] | type[SchurInverse], ...] = (EigenInverse, SchurInverse)
    for kind in kinds:
        try:
            found = solved([(point, m)], kind, INVERSE, limit)
        except np.linalg.LinAlgError:
            continue
        if not doubtful(found.answers[0]):
            break
    return found


def relaxation_time(point: Point, m: int) -> float:
    r"""The time after which the slowest mode has fallen to 1/e, hbar/eV.

    .. math:: \tau = 1/\min_j(-\mathrm{Re}\,\lambda_j)
    """
    found = steady_state(point, m)
    size = sum(half.size for half in (found.found.even[0], found.found.odd[0]))
    apply, inverse = actions(found.inverse, KRYLOV)
    rates, _ = slowest(apply, inverse, size, generator_size(apply, size), FEW, ROUGH)
    return float(-1 / np.nanmax(rates.real))


def actions(
    inverse: Resolvent, limit: int
) -> tuple[Callable[[Real], Real], Callable[[float], Callable[[Real], Real]]]:
    """L, and s -> (1 - s L)^{-1}, on packed vectors with the even sectors first."""
    generator = inverse.generator
    split = generator.space.unknowns(EVEN)
    made: dict[float, Callable[[Real], Real]] = {}

    def apply(vector: Real) -> Real:
        even, odd = generator.derivative(vector[None, :split], vector[None, split:])
        return np.concatenate([even[0], odd[0]])

    def inverted(s: float) -> Callable[[Real], Real]:
        if s not in made:
            made[s] = _inverted(inverse.shifted(1 / s), s, split, limit)
        return made[s]

    return apply, inverted


def _inverted(shifted: Resolvent, s: float, split: int, limit: int) -> Callable[[Real], Real]:
    generator = shifted.generator

    def odd_of(even: Real, right: Real | float) -> Real:
        return shifted(ODD, generator.jumps(EVEN, even) + right)

    def act(vector: Real) -> Real:
        right_even, right_odd = vector[None, :split] / s, vector[None, split:] / s
        none = np.zeros_like(right_even)
        start = shifted(EVEN, generator.jumps(ODD, odd_of(none, right_odd)) + right_even)
        found = gmres(
            lambda X: X - shifted(EVEN, generator.jumps(ODD, odd_of(X, 0.0))),
            start,
            tolerance=INVERSE,
            limit=limit,
        )
        odd = odd_of(found.solution, right_odd)
        return np.concatenate([found.solution[0], odd[0]])

    return act


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
    operator = LinearOperator((size, size), matvec=lambda v: act(np.ravel(v)), dtype=float)
    start = np.random.default_rng(1).normal(size=size)
    count = min(wanted + 4, size - 2)
    values, vectors = eigs(operator, k=count, which="LM", v0=start, tol=tolerance)
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
