"""How far an expansion in the coupling can be trusted, without the exact answer where that is expensive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.vibration.born import by_star, self_energy_poles
from chirospin.vibration.exact import Diagonalised, Displaced
from chirospin.vibration.model import Level, channels, distinct
from chirospin.vibration.scba import hartree

Array = NDArray[np.floating[Any]]
STEPS = 40  # of the self-consistent displacement, each half way
SMALLEST = 1e-12  # moments below have no direction
FADED = 12.0  # e-folds after which a thermal weight moves no direction
LARGEST = 200  # matrix that a cheap check may diagonalise, some 10 ms


def turned_away(level: Level, moment: Array) -> float | None:
    """One less the cosine between a moment and a better one: 0 along it, 2 against it.

    The better one is exact where level and couplings commute, which costs nothing, and where few modes
    with few quanta can be diagonalised; modes that share a coupling are :func:`condensed` for that.
    Elsewhere it is that of second order with the self-consistent displacement of the vibrations
    (Hartree), the largest term that exchange leaves out. None where either is too small for a direction.
    """
    better = _better(level)
    size = float(np.linalg.norm(better)), float(np.linalg.norm(moment))
    if min(size) < SMALLEST:
        return None
    return float(1 - (better / size[0]) @ (moment / size[1]))


def _better(level: Level) -> Array:
    split = None if level.width else channels(level)
    if split:
        return Displaced.of(level, split).thermal().moment
    few = None if level.width else condensed(level)
    quanta = np.array([]) if few is None else _quanta(few)
    if few is None or 2 * np.prod(quanta + 1) > LARGEST:
        return _displaced(level)
    return Diagonalised.of(few, tuple(quanta.astype(int).tolist())).thermal().moment


def condensed(level: Level) -> Level:
    r"""One mode for all that share a coupling, with their summed square and their polaron energy.

    .. math:: \lambda^2 = \sum_j \lambda_j^2, \qquad \lambda^2/\omega = \sum_j \lambda_j^2/\omega_j
    """
    modes = list(_modes(level))
    return replace(
        level,
        frequencies=np.array([frequency for frequency, _ in modes]),
        couplings=np.array([coupling for _, coupling in modes]),
    )


def _modes(level: Level) -> Iterator[tuple[float, NDArray[np.complexfloating[Any, Any]]]]:
    for coupling, squares, frequencies in distinct(level):
        if squares.sum():
            frequency = squares.sum() / (squares / frequencies).sum()
            yield float(frequency), coupling * np.sqrt(squares.sum())


def _quanta(level: Level) -> Array:
    """Of every mode: thermal ones and those of a displacement."""
    shift = np.linalg.norm(level.couplings, axis=(1, 2)) / level.frequencies
    thermal = np.sqrt(FADED * level.thermal_energy / level.frequencies)
    return np.asarray(np.ceil((thermal + shift) ** 2 + 4))


def _displaced(level: Level) -> Array:
    """Second order with the Hartree term of its own density."""
    thermal = by_star(level, self_energy_poles(level))
    density = thermal.density
    for _ in range(STEPS):
        moved = replace(level, energy=level.energy + hartree(level, density))
        thermal = by_star(moved, self_energy_poles(moved))
        density = (density + thermal.density) / 2
    return thermal.moment


def strength(level: Level) -> float | None:
    r"""Polaron energy over the temperature, where level and couplings do not commute.

    .. math:: \sum_j \frac{\|U_j\|^2}{\omega_j k_BT}

    A classical vibration is a random field of that variance over (k_B T)^2.
    """
    if not level.width and channels(level) is not None:
        return None
    sizes = np.linalg.norm(level.couplings, ord=2, axis=(1, 2)) ** 2
    return float((sizes / level.frequencies).sum() / level.thermal_energy)
