"""Roots of large smooth systems by Newton's method with Krylov steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.numerics.krylov import gmres

Vector = NDArray[np.float64]
Action = Callable[[Vector], Vector]
Linearised = tuple[Vector, Action]

HALVINGS = 6
INNER = 80  # Krylov vectors of one step
SMALL = 64  # unknowns up to which the whole matrix is formed
LOOSE = 0.1  # relative residual of the first linear solves
REST = 1e-9  # residual from which a step that does not halve it has met rounding


@dataclass(frozen=True, kw_only=True)
class Root:
    """Best point found.

    Parameters
    ----------
    value : x
    residual : norm of f(x) relative to x
    evaluations : of f with its derivative
    products : with the derivative
    converged : whether the residual met the tolerance
    """

    value: Vector
    residual: float
    evaluations: int
    products: int
    converged: bool


def newton_krylov(
    linearise: Callable[[Vector], Linearised], start: Vector, *, tolerance: float, limit: int
) -> Root:
    r"""x with f(x) = 0: inexact Newton steps, shortened until the residual falls.

    .. math:: f'(x)\,\delta = -f(x), \qquad x' = x + s\,\delta

    Parameters
    ----------
    linearise : x -> f(x) and the action of f'(x) on rows, (batch, size)
    tolerance : on the norm of f relative to that of x
    limit : evaluations of f at most

    References
    ----------
    eisenstat_walker_1996
    """
    x = start.copy()
    f, derivative = linearise(x)
    size = _relative(f, x)
    evaluations, products, forcing = 1, 0, LOOSE
    while size > tolerance and evaluations < limit and np.isfinite(size):
        step, spent = linear_solution(derivative, -f, max(forcing, 0.1 * tolerance / size))
        products += spent
        share, small = 1.0, size <= REST
        for _ in range(HALVINGS):
            trial = x + share * step
            f_new, derivative = linearise(trial)
            evaluations += 1
            new = _relative(f_new, trial)
            if new <= (1 - 1e-4 * share) * size or small or evaluations >= limit:
                break
            share /= 2
        if not new < size:
            break
        rounding = small and new > 0.5 * size
        forcing = min(LOOSE, 0.9 * (new / size) ** 2)
        x, f, size = trial, f_new, new
        if rounding:
            break
    return Root(
        value=x,
        residual=size,
        evaluations=evaluations,
        products=products,
        converged=bool(size <= tolerance),
    )


def linear_solution(apply: Action, right: Vector, tolerance: float) -> tuple[Vector, int]:
    """x with A x = right, by elimination where A is small and by Krylov steps elsewhere.

    Parameters
    ----------
    apply : rows x -> rows A x, (batch, size)
    tolerance : of the Krylov steps, relative

    Returns
    -------
    x, and the products with A that were spent
    """
    if right.size <= SMALL:
        matrix = apply(np.eye(right.size)).T
        try:
            return np.asarray(np.linalg.solve(matrix, right), dtype=float), right.size
        except np.linalg.LinAlgError:
            return np.asarray(np.linalg.lstsq(matrix, right)[0], dtype=float), right.size
    krylov_result = gmres(apply, right[None, :], tolerance=tolerance, limit=INNER)
    return krylov_result.solution[0], krylov_result.applications


def _relative(f: Vector, x: Vector) -> float:
    return float(np.linalg.norm(f)) / max(float(np.linalg.norm(x)), 1e-300)
