"""Where a moment changes its sign with temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
NOISE = 1e-13  # of its own scale: below it a moment has no sign


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Temperatures of sign changes.

    Parameters
    ----------
    thermal_energies : k_B T, growing, meV; empty if the sign is the same everywhere
    defect : largest ``|moment|`` left at one of them over the largest on the scan
    """

    thermal_energies: tuple[float, ...]
    defect: float


def crossings(
    moment: Callable[[float], Array], scale: Callable[[float], float], scan: Array
) -> Crossing:
    """Sign changes of the moment along its own largest direction.

    Parameters
    ----------
    moment : k_B T -> (3,)
    scale : k_B T -> what a moment would be if nothing cancelled: rounding is a share of it
    scan : temperatures between whose neighbours signs are compared
    """
    moments = np.array([moment(T) for T in scan])
    sizes = np.linalg.norm(moments, axis=1)
    floors = NOISE * np.array([scale(T) for T in scan])
    meaning = np.isfinite(sizes) & (sizes > floors)
    if not meaning.any():
        return Crossing(thermal_energies=(), defect=0.0)
    best = int(np.argmax(np.where(meaning, sizes, 0.0)))
    axis = moments[best] / sizes[best]
    along = moments @ axis
    roots, defect = [], 0.0
    kept = np.flatnonzero(meaning)
    for one, other in pairwise(kept):
        if along[one] * along[other] < 0:
            root = np.exp(
                scipy.optimize.brentq(
                    lambda t: float(moment(float(np.exp(t))) @ axis),
                    np.log(scan[one]),
                    np.log(scan[other]),
                    xtol=1e-14,
                    rtol=1e-14,
                )
            )
            roots.append(float(root))
            defect = max(defect, abs(float(moment(float(root)) @ axis)) / sizes[best])
    return Crossing(thermal_energies=tuple(roots), defect=float(defect))
