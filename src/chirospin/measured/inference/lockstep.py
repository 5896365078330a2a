"""Walks of nested sampling in lockstep: one evaluation of the likelihood for all points of a queue.

dynesty hands a queue of walks to a pool, which may run them as it likes. Here they take their steps together: numpy
spends the same time on the overhead of fifty points as on that of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dynesty.internal_samplers import RWalkSampler, SamplerReturn, UnitCubeSampler
from dynesty.utils import LoglOutput, get_random_generator
from numpy.typing import NDArray

Real = NDArray[np.float64]
QUEUE = 4
"""Live points for each walk of a queue: walks begun below a threshold that has risen since are lost, a tenth of them."""
DRAWN = 256
"""Points drawn at once from the whole prior."""


class Lockstep:
    """A pool of dynesty whose walks take their steps together.

    Parameters
    ----------
    heights : ln L at points of the unit cube, (point, parameter) -> (point,)
    live : live points
    """

    def __init__(self, heights: Callable[[Real], Real], live: int) -> None:
        self.heights = heights
        self.size = max(2, live // QUEUE)

    def map(self, function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
        """Results in order."""
        if function is RWalkSampler.sample:
            return self._walks(arguments)
        if function is UnitCubeSampler.sample:
            return self._draws(arguments)
        return list(map(function, arguments))

    def _walks(self, arguments: Sequence[Any]) -> list[SamplerReturn]:
        """Random walks above a threshold, each by the axes of its own ellipsoid."""
        first = arguments[0]
        rng = get_random_generator(first.rseed)
        place = np.array([argument.u for argument in arguments])
        axes = first.scale * np.array([argument.axes for argument in arguments])
        height = np.full(len(place), -np.inf)
        least = _number(first.loglstar)
        many, size = place.shape
        taken = np.zeros(many, dtype=int)
        for _ in range(first.kwargs["walks"]):
            trial = place + np.einsum("nij,nj->ni", axes, _in_ball(many, size, rng))
            inside = ((trial > 0) & (trial < 1)).all(axis=1)
            found = np.full(many, -np.inf)
            if inside.any():
                found[inside] = self.heights(trial[inside])
            moved = found > least
            place[moved], height[moved] = trial[moved], found[moved]
            taken += moved
        still = taken == 0
        if still.any():
            height[still] = self.heights(place[still])
        steps = first.kwargs["walks"]
        return [
            _returned(place[n], height[n], steps, int(taken[n]), first.scale) for n in range(many)
        ]

    def _draws(self, arguments: Sequence[Any]) -> list[SamplerReturn]:
        """Points of the whole prior above a threshold, with the draws that each took."""
        first = arguments[0]
        rng, least = get_random_generator(first.rseed), _number(first.loglstar)
        told: list[SamplerReturn] = []
        calls = 0
        while len(told) < len(arguments):
            points = rng.random((DRAWN, first.kwargs["ndim"]))
            for place, height in zip(points, self.heights(points), strict=True):
                calls += 1
                if height > least and len(told) < len(arguments):
                    told.append(_drawn(place, height, calls))
                    calls = 0
        return told


def _number(height: Any) -> float:
    return float(getattr(height, "val", height))


def _in_ball(many: int, size: int, rng: np.random.Generator) -> Real:
    """Points uniform in a ball of radius 1, (point, parameter)."""
    way = rng.normal(size=(many, size))
    radius = rng.random(many) ** (1 / size) / np.linalg.norm(way, axis=1)
    return np.asarray(way * radius[:, None])


def _returned(place: Real, height: float, steps: int, taken: int, scale: float) -> SamplerReturn:
    told = {"n_accept": taken, "n_reject": steps - taken}
    return SamplerReturn(
        u=place,
        v=place,
        logl=LoglOutput(float(height), False),
        ncalls=steps,
        tuning_info={"accept": taken, "reject": steps - taken, "scale": scale},
        evaluation_history=[],
        proposal_stats=told,
    )


def _drawn(place: Real, height: float, calls: int) -> SamplerReturn:
    return SamplerReturn(
        u=place,
        v=place,
        logl=LoglOutput(float(height), False),
        ncalls=calls,
        tuning_info=None,
        evaluation_history=[],
        proposal_stats={"n_proposals": calls},
    )
