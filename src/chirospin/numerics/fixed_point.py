"""Accelerated fixed points, judged by the residual of the equation, not by the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FixedPoint:
    """Best point found.

    Parameters
    ----------
    value : x, (size,)
    residual : norm of map(x) - x relative to x
    iterations : evaluations of the map
    converged : whether the residual met the tolerance
    """

    value: Vector
    residual: float
    iterations: int
    converged: bool


def anderson(
    apply: Callable[[Vector], Vector],
    start: Vector,
    *,
    tolerance: float,
    limit: int,
    depth: int = 8,
    mixing: float = 0.5,
) -> FixedPoint:
    r"""Anderson acceleration of x = map(x).

    .. math:: x' = x + \mu f - (\Delta X + \mu \Delta F) \gamma, \quad
              \gamma = \arg\min |f - \Delta F \gamma|, \quad f = map(x) - x

    Parameters
    ----------
    depth : differences remembered; 0 is plain linear mixing
    mixing : weight mu of the new value

    References
    ----------
    anderson_1965
    """
    x = start.copy()
    best = FixedPoint(value=x, residual=np.inf, iterations=0, converged=False)
    points: list[Vector] = []
    defects: list[Vector] = []
    for count in range(1, limit + 1):
        f = apply(x) - x
        residual = float(np.linalg.norm(f)) / max(float(np.linalg.norm(x)), 1e-300)
        if not np.isfinite(residual):
            break
        if residual < best.residual:
            best = FixedPoint(
                value=x, residual=residual, iterations=count, converged=residual <= tolerance
            )
        if best.converged:
            return best
        points, defects = [*points, x][-depth - 1 :], [*defects, f][-depth - 1 :]
        step = mixing * f
        if len(points) > 1:
            dX, dF = np.diff(points, axis=0).T, np.diff(defects, axis=0).T
            gamma = np.linalg.lstsq(dF, f, rcond=1e-12)[0]
            step = step - (dX + mixing * dF) @ gamma
        x = x + step
    return FixedPoint(value=best.value, residual=best.residual, iterations=limit, converged=False)


class AndersonHistory:
    r"""The same acceleration for long vectors, one step at a time, by their scalar products; mixing is 1.

    Parameters
    ----------
    depth : differences remembered

    References
    ----------
    anderson_1965
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.pairs: list[tuple[Vector, Vector]] = []  # map(x) and map(x) - x
        self.gram = np.zeros((0, 0))

    def step(self, mapped: Vector, defect: Vector) -> Vector:
        """The next point, from map(x) and map(x) - x."""
        self.pairs = [*self.pairs, (mapped, defect)][-self.depth - 1 :]
        latest = np.array([np.vdot(other, defect) for _, other in self.pairs])
        kept = len(self.pairs) - 1
        gram = np.empty((kept + 1, kept + 1))
        gram[:-1, :-1] = self.gram[len(self.gram) - kept :, len(self.gram) - kept :]
        gram[-1], gram[:, -1] = latest, latest
        self.gram = gram
        if len(self.pairs) == 1:
            return mapped
        older = self.pairs[:-1]
        apart = gram[:-1, :-1] - gram[:-1, -1:] - gram[-1:, :-1] + gram[-1, -1]
        weight = np.linalg.lstsq(apart, gram[-1, -1] - gram[:-1, -1], rcond=1e-12)[0]
        out = (1 - weight.sum()) * mapped
        for share, (other, _) in zip(weight, older, strict=True):
            out += share * other
        return np.asarray(out)
