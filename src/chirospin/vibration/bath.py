"""Vibrations: a spectral density of modes, or a list of them, and what their sums are."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import bose
from chirospin.base.functions import loaded_function
from chirospin.numerics.quadrature import cleared_edges, gauss_nodes, gauss_panels

Array = NDArray[np.floating[Any]]
SPHERE = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}
"""Surface of the unit sphere in d dimensions."""
FEWEST, SINGLE = 8, 160  # Gauss nodes of a continuous bath; more are spread over panels
DIGITS = 37.0  # e-folds that the nodes must resolve
PANEL = 20  # nodes of a panel, which keeps half its length from a pole: error 2.41^-40
CLEAR = 2.0  # panel lengths that a resolution holds: the pole is half a length away
COLDEST = 1e-9  # of the highest energy: what is colder fills no vibration that counts
SHARE = 1e-9  # of the cutoff: the smallest onset that panels reach
LOWEST, HIGHEST = 1e-9, 1e9  # energies of single vibrations, meV
MOST = 200_000  # nodes of a continuous bath
INFRARED = 1e-3  # J at a millionth of the range over its largest value: more diverges


@dataclass(frozen=True, kw_only=True)
class Bath:
    r"""A spectral density :math:`J(\omega) = \sum_q \delta(\omega - \omega_q)`, or modes.

    Parameters
    ----------
    edges : of the intervals in which J is smooth, meV; empty for modes
    density : J, 1/meV; None for modes
    energies, weights : of modes, else empty
    power : exponent of J at low energy, where J is that power alone; else None
    """

    edges: tuple[float, ...] = ()
    density: Callable[[Array], Array] | None = None
    energies: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    power: int | None = None

    @classmethod
    def modes(cls, energies: Sequence[float], weights: Sequence[float] | None = None) -> Bath:
        """Single vibrations.

        Raises
        ------
        ModelError : an energy that is not positive
        """
        wrong = [w for w in energies if not LOWEST <= w <= HIGHEST]
        if wrong or not len(energies):
            shown = f"{wrong[0]:g}" if wrong else "empty"
            raise ModelError(
                f"Parameter `mode_energies` must be > 0, from {LOWEST:g} to {HIGHEST:g} (in meV), but is {shown}"
            )
        return cls(energies=tuple(energies), weights=tuple(weights or [1.0] * len(energies)))

    @classmethod
    def acoustic(
        cls, *, velocity: float, dimension: int, cutoff: float, onset: float, per_mode: bool
    ) -> Bath:
        r"""Vibrations with :math:`\omega = cq` between two wavevectors.

        .. math:: J(\omega) = K \omega^{d-1} c^{-d}, \qquad K = \Omega_d/(2\pi)^d
                  \text{ or } \int J = 1

        Raises
        ------
        ModelError : onset above cutoff; one dimension without an onset
        """
        if onset >= cutoff:
            raise ModelError(
                f"Parameter `bath_onset` must be < {cutoff:g} (dimensionless), the cutoff, "
                f"but is {onset:g}"
            )
        least = SHARE * cutoff
        if 0 < onset < least or (dimension == 1 and onset == 0):
            exempt = "" if dimension == 1 else "0 or "
            why = ", where the sum of n/omega diverges at long waves" if dimension == 1 else ""
            raise ModelError(
                f"Parameter `bath_onset` must be {exempt}> 0, at least {least:g} (dimensionless) in "
                f"{dimension} dimension{'s' * (dimension > 1)}{why}, but is {onset:g}"
            )
        d = dimension
        scale = SPHERE[d] / (2 * np.pi) ** d
        if per_mode:
            scale = d / (cutoff**d - onset**d)
        return cls(
            edges=(velocity * onset, velocity * cutoff),
            density=lambda w: scale * w ** (d - 1) / velocity**d,
            power=d - 1,
        )

    @classmethod
    def debye(cls, highest: float, atoms: float) -> Bath:
        r"""Debye's vibrations: :math:`J = 3N\omega^2/\omega_D^3`."""
        return cls(edges=(0.0, highest), density=lambda w: 3 * atoms * w**2 / highest**3, power=2)

    @property
    def continuous(self) -> bool:
        """Whether the bath is a continuum."""
        return self.density is not None

    @property
    def highest(self) -> float:
        """Largest energy of a vibration, meV."""
        return self.edges[-1] if self.continuous else max(self.energies)

    def nodes(
        self, thermal_energy: float, finer: int = 1, resolution: float = np.inf
    ) -> tuple[Array, Array]:
        """Energies and weights with which sums over vibrations at a temperature are integrals.

        The summands have poles at distances pi k_B T from the range, and where a spectrum is wanted at
        the distance of its broadening from every energy.

        Parameters
        ----------
        finer : times as many nodes
        resolution : distance of the nearest pole from anywhere in the range, meV
        """
        if self.density is None:
            return np.array(self.energies), np.array(self.weights)
        parts = []
        cold = max(thermal_energy, COLDEST * self.edges[-1])
        for low, high in zip(self.edges, self.edges[1:], strict=False):
            energy, width = _rule(low, high, cold, resolution, finer)
            parts.append((energy, width * self.density(energy)))
        energies, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        return energies, weights

    def count(self, resolution: float) -> float:
        """How many nodes a resolution needs, roughly."""
        span = self.edges[-1] - self.edges[0] if self.continuous else 0.0
        return len(self.energies) + PANEL * span / (CLEAR * resolution)

    def inverse(self) -> float:
        """Sum of 1/omega, 1/meV."""
        energies, weights = self.nodes(self.highest)
        return float((weights / energies).sum())

    def variance(self, thermal_energy: float) -> float:
        """Sum of 2n + 1: the variance of the level over the square of its coupling."""
        energies, weights = self.nodes(thermal_energy)
        return float((weights * (2 * bose(energies / thermal_energy) + 1)).sum())


def _rule(
    low: float, high: float, thermal_energy: float, resolution: float, finer: int
) -> tuple[Array, Array]:
    """One Gauss rule where that is enough, else rules on panels that shrink towards the poles."""
    first = 1j * np.pi * thermal_energy
    poles = [first, 0j] if low else [first]
    pole = (2 * np.array(poles) - low - high) / (high - low)
    growth = min(_growth(p) for p in [*pole, 2j * resolution / (high - low)])
    count = np.ceil(DIGITS / (2 * growth)) + 2
    if finer * count <= SINGLE:
        return gauss_panels(np.array([low, high]), finer * max(int(count), FEWEST))
    edges = cleared_edges(low, high, np.array(poles))
    pieces = np.ceil(np.diff(edges) / (CLEAR * resolution)).astype(int).clip(1)
    ends = [
        np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(edges, edges[1:], pieces, strict=False)
    ]
    return gauss_panels(np.append(np.concatenate(ends), high), finer * PANEL)


def _growth(pole: complex) -> float:
    """How fast Gauss quadrature on [-1, 1] converges for a function with this pole, e-folds per node."""
    if not np.isfinite(pole):
        return np.inf
    root = np.sqrt(complex(pole) ** 2 - 1)
    return float(np.log(max(abs(pole + root), abs(pole - root))))


def bath_of(spectrum: str, limits: tuple[float, ...] | None) -> Bath:
    """A bath with any spectral density: a function, or a table that is joined by straight lines.

    Raises
    ------
    ModelError : no such function or table; negative; divergent at either end
    """
    if spectrum.endswith(".csv"):
        return _tabulated(Path(spectrum))
    if ":" not in spectrum:
        raise ModelError(
            "Parameter `spectrum` must be FILE.py:NAME, MODULE:NAME or FILE.csv where `bath` is "
            f"spectrum, but is {spectrum!r}"
        )
    if limits is None:
        raise ModelError(
            "Parameter `spectrum_range` must be given (in meV) for a function J, which would "
            "otherwise reach to infinite energy, where the vacuum term diverges"
        )
    low, high = limits
    if not 0 <= low < high:
        raise ModelError(
            f"Parameter `spectrum_range` must be 0 <= a < b (in meV), but is [{low:g}, {high:g}]"
        )
    function = loaded_function("spectrum", spectrum)

    def density(energy: Array) -> Array:
        return np.asarray(function(energy), dtype=float) * np.ones_like(energy)

    _refuse(density, (low, high))
    return Bath(edges=(low, high), density=density)


def _tabulated(path: Path) -> Bath:
    try:
        with path.open(newline="") as file:
            rows = [r for r in csv.reader(file) if r and not r[0].lstrip().startswith("#")]
        table = np.array([[float(a), float(b)] for a, b, *_ in rows])
    except (OSError, ValueError) as error:
        raise ModelError(
            f"Parameter `spectrum` must be a table of energy and J, but is {str(path)!r}: {error}"
        ) from None
    if len(table) < 2 or (np.diff(table[:, 0]) <= 0).any() or table[0, 0] < 0:
        raise ModelError(
            "Parameter `spectrum` must have two or more growing energies >= 0 (in meV), but is "
            f"{str(path)!r}"
        )
    edges = tuple(table[:, 0].tolist())

    def density(energy: Array) -> Array:
        return np.asarray(np.interp(energy, table[:, 0], table[:, 1]))

    _refuse(density, (edges[0], edges[-1]))
    return Bath(edges=edges, density=density)


def _refuse(density: Callable[[Array], Array], limits: tuple[float, float]) -> None:
    low, high = limits
    inside = low + (high - low) * (1 + gauss_nodes(64)[0]) / 2
    values = density(inside)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ModelError(
            f"Parameter `spectrum` must be finite and >= 0 (in 1/meV), but is {values.min():g}"
        )
    if low == 0:
        first = float(density(np.array([1e-6 * high]))[0])
        if first > INFRARED * values.max():
            raise ModelError(
                "Parameter `spectrum_range` must start above 0 (in meV) where J does not vanish at "
                f"low energy, since the sum of n/omega diverges, but J is {first:g} there"
            )
