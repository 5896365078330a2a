"""Labellings of contacts: every one where they are few, else seeded draws; the largest t of each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Labels = NDArray[np.bool_]
EXACT = 2000  # labellings up to which each is tried
DRAWS = 9999
BLOCK = 1 << 21  # numbers of an intermediate array


def count_of(up: Labels, strata: NDArray[np.int_]) -> int:
    """Labellings that keep the number of ups in each stratum."""
    return math.prod(
        math.comb(int((strata == s).sum()), int(up[strata == s].sum())) for s in np.unique(strata)
    )


def every(up: Labels, strata: NDArray[np.int_]) -> Labels:
    """Every labelling that keeps the number of ups in each stratum, the given one among them, (P, n)."""
    parts = []
    for s in np.unique(strata):
        places = np.flatnonzero(strata == s)
        parts.append(list(itertools.combinations(places, int(up[places].sum()))))
    found = np.zeros((math.prod(map(len, parts)), len(up)), dtype=bool)
    for row, chosen in enumerate(itertools.product(*parts)):
        found[row, list(itertools.chain(*chosen))] = True
    return found


def drawn(
    up: Labels, strata: NDArray[np.int_], draws: int, generator: np.random.Generator
) -> Labels:
    """Random labellings that keep the number of ups in each stratum, (draws, n)."""
    found = np.zeros((draws, len(up)), dtype=bool)
    for s in np.unique(strata):
        places = np.flatnonzero(strata == s)
        order = np.argsort(generator.random((draws, len(places))), axis=1)
        found[:, places] = order < int(up[places].sum())
    return found


def labellings(
    designs: Sequence[tuple[Labels, NDArray[np.int_]]], seed: int, draws: int = DRAWS
) -> tuple[list[Labels], bool]:
    """Joint labellings of several enantiomers, and whether they are all of them."""
    total = math.prod(count_of(*design) for design in designs)
    if total <= EXACT:
        return _joint([every(*design) for design in designs]), True
    generator = np.random.default_rng(seed)
    return [drawn(*design, draws, generator) for design in designs], False


def flips(pairs: Sequence[int], seed: int, draws: int = DRAWS) -> tuple[list[Labels], bool]:
    """Joint signs of the differences of pairs, True for a kept sign, and whether they are all."""
    if sum(pairs) <= math.log2(EXACT):
        whole = [np.array(list(itertools.product([True, False], repeat=n))) for n in pairs]
        return _joint(whole), True
    generator = np.random.default_rng(seed)
    return [generator.random((draws, n)) < 0.5 for n in pairs], False


def _joint(parts: Sequence[Labels]) -> list[Labels]:
    index = np.indices([len(part) for part in parts]).reshape(len(parts), -1)
    return [part[rows] for part, rows in zip(parts, index, strict=True)]


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(columns, 1))
    yield from (slice(start, start + step) for start in range(0, rows, step))


def largest_welch(values: Real, labels: Labels) -> Real:
    r"""Largest :math:`|t|` of Welch over the columns, for each labelling.

    Parameters
    ----------
    values : (n, J)
    labels : (P, n), each row with the same number of True, at least 2 of either kind
    """
    centred = values - values.mean(axis=0)
    squares, total, size = centred**2, centred.sum(axis=0), len(values)
    whole = squares.sum(axis=0)
    found = np.empty(len(labels))
    for rows in _blocks(len(labels), values.shape[1]):
        up = labels[rows].astype(float)
        n = up.sum(axis=1, keepdims=True)
        m = size - n
        one, one_squares = up @ centred, up @ squares
        two, two_squares = total - one, whole - one_squares
        spread = (one_squares - one**2 / n) / (n * (n - 1)) + (two_squares - two**2 / m) / (
            m * (m - 1)
        )
        found[rows] = _largest(one / n - two / m, spread, whole / size**2)
    return found


def largest_paired(values: Real, signs: Labels) -> Real:
    r"""Largest :math:`|t|` of one sample over the columns, for each choice of signs."""
    squares, size = (values**2).sum(axis=0), len(values)
    found = np.empty(len(signs))
    for rows in _blocks(len(signs), values.shape[1]):
        mean = np.where(signs[rows], 1.0, -1.0) @ values / size
        found[rows] = _largest(mean, (squares / size - mean**2) / (size - 1), squares / size**2)
    return found


def _largest(difference: Real, variance: Real, scale: Real) -> Real:
    """Without scatter, to rounding, t is infinite, or 0 where nothing differs."""
    rounding = 1e-13 * scale
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(difference) / np.sqrt(np.maximum(variance, rounding))
    found: Real = np.nan_to_num(ratio, nan=0.0, posinf=np.inf).max(axis=1)
    return found


def share_at_least(values: Real, seen: float, *, whole: bool) -> float:
    """p of a permutation test: the share of labellings with at least the value seen."""
    above = int((values >= seen * (1 - 1e-9)).sum())  # rounding of equal labellings
    return above / len(values) if whole else (1 + above) / (1 + len(values))
