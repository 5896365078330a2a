"""How far an expansion in the coupling can be trusted, without the exact answer where that is expensive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.vibration.born import by_star, self_energy_poles
from chirospin.vibration.exact import Displaced
from chirospin.vibration.model import Level, channels
from chirospin.vibration.scba import hartree

Array = NDArray[np.floating[Any]]
STEPS = 40  # of the self-consistent displacement, each half way
SMALLEST = 1e-12  # moments below have no direction


def turned_away(here: Level, moment: Array) -> float | None:
    """One less the cosine between a moment and a better one: 0 along it, 2 against it.

    The better one is the exact one where level and couplings commute, which costs nothing; elsewhere
    that of second order with the self-consistent displacement of the vibrations (Hartree), the largest
    term that exchange leaves out. None where either is too small for a direction.
    """
    split = None if here.width else channels(here)
    better = Displaced.of(here, split).thermal().moment if split else _displaced(here)
    size = float(np.linalg.norm(better)), float(np.linalg.norm(moment))
    if min(size) < SMALLEST:
        return None
    return float(1 - (better / size[0]) @ (moment / size[1]))


def _displaced(here: Level) -> Array:
    """Second order with the Hartree term of its own density."""
    found = by_star(here, self_energy_poles(here))
    density = found.density
    for _ in range(STEPS):
        moved = replace(here, energy=here.energy + hartree(here, density))
        found = by_star(moved, self_energy_poles(moved))
        density = (density + found.density) / 2
    return found.moment


def strength(here: Level) -> float | None:
    r"""Polaron energy over the temperature, where level and couplings do not commute.

    .. math:: \sum_j \frac{\|U_j\|^2}{\omega_j k_BT}

    A classical vibration is a random field of that variance over (k_B T)^2.
    """
    if not here.width and channels(here) is not None:
        return None
    sizes = np.linalg.norm(here.couplings, ord=2, axis=(1, 2)) ** 2
    return float((sizes / here.frequencies).sum() / here.thermal_energy)
