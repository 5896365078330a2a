"""Grids of one density and of the next: what the tensors are on each, and how sure that makes them.

A level is the grids of one number of points. The value is the mean over the grids of the finest level; its error is the
largest distance from it of any grid of that level and of the one below, with two thirds of the points. Half the
difference of two grids alone, as uncertain as its own sign, would cover half of the true errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes
from chirospin.crystal.bloch import Array, Integers
from chirospin.crystal.state import SHAPES, Estimate, combined
from chirospin.crystal.subject import Subject
from chirospin.crystal.sums import Grid, Request, bytes_of, grid_sums
from chirospin.crystal.symmetry import allowed_shifts, allows, projected

Points = tuple[int, int, int]
Shift = tuple[float, float, float]
GENERIC: tuple[Shift, ...] = ((0.1, 0.1, 0.1), (0.6, 0.6, 0.6))
"""Shifts without a group: half a step apart, and no mirror images of each other."""


def coarser(points: Points) -> Points:
    """Two thirds of the points along each direction; one point has two below it."""
    fewer = tuple(n * 2 // 3 if n > 1 else 2 for n in points)
    return fewer  # type: ignore[return-value]


def finer(points: Points) -> Points:
    """The points of which :func:`coarser` makes these."""
    more = tuple(-(-n * 3 // 2) for n in points)
    return more  # type: ignore[return-value]


def fits(points: Points) -> bool:
    """Whether a grid and its points fit in memory."""
    return bytes_of(points) <= available_bytes()


def named_grids(points: Points, shifts: Sequence[Shift]) -> list[Grid]:
    """Grids without a group."""
    return [Grid(points=points, shift=shift) for shift in shifts]


def two_grids(subject: Subject, points: Points, turns: tuple[Integers, ...]) -> list[Grid]:
    """Two grids that the group allows, as different as it allows; without one, generic ones.

    Raises
    ------
    ModelError : directions that the group mixes have unequal numbers of points
    """
    if not subject.stars or not turns:
        return named_grids(points, GENERIC)
    if not allows(list(turns), points, (0.0, 0.0, 0.0)):
        raise ModelError(
            "Option `points` must be equal in directions that the point group mixes, but are "
            f"{', '.join(map(str, points))}; or --option symmetry=none"
        )
    shift = allowed_shifts(list(turns), points)[0]
    other = tuple(
        n if s else (n - 2 if n > 3 else n + 1) for n, s in zip(points, shift, strict=True)
    )
    return [
        Grid(points=points, shift=(0.0, 0.0, 0.0), stars=turns),
        Grid(points=other, shift=shift, stars=turns),  # type: ignore[arg-type]
    ]


@dataclass(frozen=True, kw_only=True)
class Level:
    """Tensors on the grids of one density.

    Parameters
    ----------
    tensors : by name, (grids, requests, ...) in the shapes of ``chirospin.crystal.state.SHAPES``
    sizes : without cancellation, by name, (requests,)
    weight, left_out : on the Fermi surface, and of it in bands that touch, (requests,)
    computed : points that were diagonalised
    """

    tensors: dict[str, Array]
    sizes: dict[str, Array]
    weight: Array
    left_out: Array
    computed: int

    def of(self, rows: Sequence[int]) -> Level:
        """The same for some of the requests."""
        chosen = list(rows)
        return Level(
            tensors={name: X[:, chosen] for name, X in self.tensors.items()},
            sizes={name: X[chosen] for name, X in self.sizes.items()},
            weight=self.weight[chosen],
            left_out=self.left_out[chosen],
            computed=self.computed,
        )


def level_of(
    subject: Subject,
    grids: Sequence[Grid],
    requests: Sequence[Request],
    parts: frozenset[str],
    refine: int | None,
) -> Level:
    """Sums over the grids of a level, completed by the group where points of k were left out."""
    sums = [grid_sums(subject.bloch, grid, requests, parts, refine) for grid in grids]
    tensors = {}
    for name in sums[0].tensors:
        X = np.stack([one.tensors[name].reshape(-1, *SHAPES[name]) for one in sums])
        if grids[0].stars:
            flat = X.reshape(-1, *SHAPES[name])
            X = np.stack([projected(name, one, subject.stars) for one in flat]).reshape(X.shape)
        tensors[name] = X
    return Level(
        tensors=tensors,
        sizes={name: np.mean([one.sizes[name] for one in sums], axis=0) for name in tensors},
        weight=np.sum([one.weight for one in sums], axis=0),
        left_out=np.sum([one.left_out for one in sums], axis=0),
        computed=sum(one.points for one in sums),
    )


def estimated(fine: Level, coarse: Level, row: int, computed: int) -> Estimate:
    """Value and error of a request from two levels."""
    weight = float(fine.weight[row])
    return combined(
        {name: X[:, row] for name, X in fine.tensors.items()},
        {name: X[:, row] for name, X in coarse.tensors.items()},
        {name: float(size[row]) for name, size in fine.sizes.items()},
        left_out=float(fine.left_out[row]) / weight if weight else 0.0,
        points=computed,
    )
