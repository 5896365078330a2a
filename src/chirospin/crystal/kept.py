"""Which points of a grid may count: those in boxes that a band near the Fermi level may pass.

A box is kept where the energies at its middle come as near to the window as the largest slope allows over half its
diagonal; kept boxes are divided by two in every direction. What is left out is below rounding, if the slope is one.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

import numpy as np

from chirospin.crystal.bands import band_flow
from chirospin.crystal.bloch import Array, Bloch, Integers

COARSEST = 12  # boxes along a direction
SAMPLE = 160  # boxes nearest to the window at which slopes are looked at
NEAR = 0.3  # eV around the window in which they are
STEEPER = 1.5  # than any slope that was seen
BLOCK = 2048
Window = tuple[float, float]
log = logging.getLogger("chirospin")


def blocks(count: int, step: int, words: str) -> Iterator[slice]:
    """Parts of a long loop, each told to who listens."""
    for i in range(0, count, step):
        if i:
            log.info("%s: %d of %d done", words, i, count)
        yield slice(i, min(i + step, count))


def distance(energy: Array, window: Window) -> Array:
    """Of every energy from the window, eV; 0 inside."""
    return np.asarray(np.maximum(np.maximum(window[0] - energy, energy - window[1]), 0.0))


def longest_diagonal(cell: Array, points: Integers) -> float:
    """Longest diagonal of a cell of the grid, 1/nm."""
    steps = cell / points[:, None]
    return float(
        max(
            np.linalg.norm(np.array(signs) @ steps)
            for signs in itertools.product((1, -1), repeat=3)
        )
    )


def bands_on_grid(bloch: Bloch, index: Integers, points: Integers, shift: Array) -> Array:
    """Bands at points of a grid, (points, n)."""
    words = f"bands on {' x '.join(map(str, points.tolist()))} points of k"
    parts = [
        np.linalg.eigvalsh(bloch.on_grid(index[part], points, shift))
        for part in blocks(len(index), BLOCK, words)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, bloch.size))


def first_boxes(points: Integers) -> Integers:
    """Boxes along each direction that hold two points or more."""
    return np.clip(points // 2, 1, COARSEST)


def steepest(bloch: Bloch, index: Integers, boxes: Integers, E: Array, window: Window) -> float:
    """A slope that bands near the window do not exceed, eV nm, from boxes nearest to it."""
    assert bloch.cell is not None
    near = np.argsort(distance(E, window).min(axis=1))[:SAMPLE]
    flow = band_flow(bloch, (index[near] + 0.5) / boxes @ bloch.cell)
    chosen = distance(flow.energy, window) < NEAR
    speed = np.linalg.norm(flow.velocity, axis=-1)
    return STEEPER * float(speed[chosen].max() if chosen.any() else speed.max())


def kept_points(
    bloch: Bloch,
    index: Integers,
    points: Integers,
    shift: Array,
    window: Window,
    margin: float,
    levels: int | None,
    slope: float,
) -> tuple[Integers, float]:
    """Which of the points may count, and the slope that was assumed.

    Parameters
    ----------
    index : of the points, (points, 3)
    margin : distance that a point may have from a place that counts, 1/nm
    levels : how often boxes are divided at most; None is as long as they hold several points
    slope : assumed at least, eV nm
    """
    assert bloch.cell is not None
    boxes = first_boxes(points)
    half = np.full(3, 0.5)
    where = np.arange(len(index))
    level = 0
    while len(where):
        box = np.floor(((index[where] + shift) / points % 1.0) * boxes).astype(np.int64)
        box = np.minimum(box, boxes - 1)
        flat, which = np.unique(
            np.ravel_multi_index(tuple(box.T), tuple(boxes)), return_inverse=True
        )
        middle = np.stack(np.unravel_index(flat, tuple(boxes)), axis=-1)
        E = bands_on_grid(bloch, middle, boxes, half)
        if level == 0:
            slope = max(slope, steepest(bloch, middle, boxes, E, window))
        reach = slope * (longest_diagonal(bloch.cell, boxes) / 2 + margin)
        near = distance(E, window).min(axis=1) <= reach
        where = where[near[which.ravel()]]
        level += 1
        finer = np.where(4 * boxes <= points, 2 * boxes, boxes)
        if (finer == boxes).all() or (levels is not None and level > levels):
            break
        boxes = finer
    return where, slope
