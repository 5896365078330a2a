"""Records of bias and current cut into sweeps: loops found, forward and backward told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Index = NDArray[np.int_]
FORWARD, BACKWARD = "forward", "backward"
SAME = 1e-9
"""Of the range of the bias: closer values are one."""
JUMP = 4.0
"""Steps of the usual size; a longer one against the sweep begins a new sweep."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One rising or falling sweep of a record.

    Parameters
    ----------
    loop : its number in the record
    direction : empty where the record has one sweep only
    bias, current : V ascending, duplicates averaged
    """

    loop: int
    loops: int
    direction: str
    bias: Real
    current: Real


def sweeps_of(bias: Real, current: Real) -> list[Sweep]:
    """The sweeps of a record.

    A record that starts at an end is cut at the ends. One that starts inside (0 -> + -> 0 -> - -> 0) is cut where
    it comes back to its start in its first direction; a loop gives one forward curve, of its rising parts, and one
    backward curve.
    """
    parts = list(_monotonic(bias))
    rising = [part for part in parts if _rises(bias, part)]
    if len(parts) == 1 or (len(rising) in (0, len(parts)) and _restarts(bias, parts)):
        return [_sweep(bias, current, part, n, len(parts), "") for n, part in enumerate(parts)]
    loops = _loops(bias, parts)
    found = []
    for number, loop in enumerate(loops):
        for direction, up in ((FORWARD, True), (BACKWARD, False)):
            own = [part for part in loop if _rises(bias, part) == up]
            if own:
                rows = np.concatenate(own)
                found.append(_sweep(bias, current, rows, number, len(loops), direction))
    return found


def _sweep(bias: Real, current: Real, rows: Index, loop: int, loops: int, direction: str) -> Sweep:
    values, place = np.unique(bias[rows], return_inverse=True)
    known = np.isfinite(current[rows])
    count = np.bincount(place, known, len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, np.where(known, current[rows], 0.0), len(values)) / count
    return Sweep(loop=loop, loops=loops, direction=direction, bias=values, current=mean)


def _rises(bias: Real, part: Index) -> bool:
    return bool(bias[part[-1]] >= bias[part[0]])


def _restarts(bias: Real, parts: list[Index]) -> bool:
    """Whether parts of one direction follow each other."""
    return all(_rises(bias, part) == _rises(bias, parts[0]) for part in parts)


def _monotonic(bias: Real) -> Iterator[Index]:
    """Runs of one direction. A point at which the direction turns belongs to both runs, unless it is there twice."""
    step = np.diff(bias)
    same = SAME * max(float(np.ptp(bias)), 1e-300)
    moving = np.abs(step) > same
    usual = float(np.median(np.abs(step[moving]))) if moving.any() else 0.0
    start, sign = 0, 0.0
    for n, (size, moves) in enumerate(zip(step, moving, strict=True)):
        if not moves:
            continue
        now = float(np.sign(size))
        if sign and now != sign:
            jump = abs(size) > JUMP * usual
            twice = n > 0 and not moving[n - 1]
            end = n - 1 if twice else n
            yield np.arange(start, (n if jump else end) + 1)
            start = n + 1 if jump else n
            sign = 0.0 if jump else now
        else:
            sign = now
    yield np.arange(start, len(bias))


def _loops(bias: Real, parts: list[Index]) -> list[list[Index]]:
    start, low, high = bias[0], float(bias.min()), float(bias.max())
    near = 0.02 * (high - low)
    if min(start - low, high - start) <= near:
        return [parts[n : n + 2] for n in range(0, len(parts), 2)]
    first = _rises(bias, parts[0])
    cut: list[tuple[bool, Index]] = []
    for n, part in enumerate(parts):
        if n and _rises(bias, part) == first:
            before, after = _at_start(bias, part, float(start), rises=first)
            cut += [(False, before)]
            cut += [(True, after)] if len(after) > 1 else []
        else:
            cut.append((n == 0, part))
    loops: list[list[Index]] = []
    for opens, part in cut:
        if opens:
            loops.append([])
        loops[-1].append(part)
    return loops


def _at_start(bias: Real, part: Index, start: float, *, rises: bool) -> tuple[Index, Index]:
    """A part cut where it passes the bias at which the record started."""
    values = bias[part] if rises else -bias[part]
    level = start if rises else -start
    same = SAME * float(np.ptp(bias))
    there = np.flatnonzero(np.abs(values - level) <= same)
    if there.size > 1:
        return part[: there[0] + 1], part[there[0] + 1 :]
    place = int(np.searchsorted(values, level - same))
    return part[: place + 1], part[place:]
