"""Noise floor and compliance: declared, or seen in the currents themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

Real = NDArray[np.float64]
Labels = NDArray[np.str_]
GAUSSIAN = 1.4826
"""Standard deviation over median absolute deviation."""
SIGMAS = 3.0
"""Of the noise below which a current is not told from it."""
FEWEST = 2
"""Curves of a block and direction whose currents at V = 0 show the noise."""
PLATEAU = 0.005
"""Within which the largest currents of curves at a compliance agree."""
PLATEAU_POINTS, PLATEAU_CURVES = 2, 3
STRETCH = 0.01
"""Of the largest bias: a current that stays for less may grow with V all the same."""
SMALLEST_STEP = 1e-6
"""Of the typical current: smaller steps between values are digits, not a converter's."""


def digitisation_step(current: Real) -> float:
    """Smallest difference between values that differ, A; 0 where it is below a millionth of the typical current."""
    values = np.unique(current[np.isfinite(current)])
    if len(values) < 2:
        return 0.0
    steps = np.diff(values)
    steps = steps[steps > SMALLEST_STEP * float(np.median(np.abs(values)))]
    if not steps.size:
        return 0.0
    smallest = float(steps.min())
    multiples = values / smallest
    exact = np.abs(multiples - np.round(multiples)) < 0.02 + 1e-6 * np.abs(multiples)
    return smallest if exact.all() else 0.0


def noise_floor(bias: Real, current: Real, groups: Labels) -> float | None:
    """Three sigma of the current at V = 0 about the median of its group, never below the digitisation step, A.

    Parameters
    ----------
    groups : (N,), block and direction: the displacement current of a sweep is no noise

    Returns
    -------
    None where V = 0 is not on the grid, or no group has two curves
    """
    at = np.flatnonzero(bias == 0)
    if not at.size:
        return None
    zero = current[:, at[0]]
    left = [
        (zero[own] - np.median(zero[own])) * np.sqrt(own.sum() / (own.sum() - 1))
        for own in (np.isfinite(zero) & (groups == g) for g in np.unique(groups))
        if own.sum() >= FEWEST
    ]
    if not left:
        return None
    noise = SIGMAS * GAUSSIAN * float(np.median(np.abs(np.concatenate(left))))
    floor = max(noise, digitisation_step(current))
    return floor if floor > 0 else None


def needed_floor(bias: Real, current: Real) -> ModelError:
    """The line that asks for a noise floor, with a suggestion."""
    near = np.argsort(np.abs(bias))[:2]
    spread = float(np.median(np.abs(np.diff(current[:, near], axis=1)))) if len(bias) > 1 else 0.0
    step = digitisation_step(current)
    hint = f"; the digitisation step is {step:.2g} A" if step else ""
    return ModelError(
        'The noise floor is not in the files (no current at V = 0, or one curve of a block): --floor "0.5 pA" '
        f"declares it, three times the noise of the amplifier{hint or f'; neighbours at small bias differ by {spread:.2g} A'}"
    )


def compliance(bias: Real, current: Real) -> float | None:
    """The current at which at least three curves, the largest of the set, stay for two neighbouring points, A.

    Parameters
    ----------
    bias : (J,), ascending, V
    current : (N, J)

    Returns
    -------
    None where no curves end alike
    """
    size = np.abs(np.nan_to_num(current))
    top = float(size.max(initial=0.0))
    if top == 0 or len(bias) < PLATEAU_POINTS:
        return None
    at_top = size >= (1 - PLATEAU) * top
    reach = np.abs(bias).max()
    flat = np.zeros(len(current), dtype=bool)
    for first in range(len(bias) - 1):
        last = int(np.searchsorted(bias, bias[first] + STRETCH * reach))
        last = max(last, first + PLATEAU_POINTS - 1)
        if last < len(bias) and bias[first] * bias[last] > 0:
            flat |= at_top[:, first : last + 1].all(axis=1)
    return top if int(flat.sum()) >= PLATEAU_CURVES else None
