"""A gas as a picture: its two bands, and the spins on its Fermi contours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chirospin.base.drawing import PALETTES, TwoBands, bands_and_contours, fermi_line, sheet
from chirospin.base.figures import COLUMN
from chirospin.rashba.bands import Array
from chirospin.rashba.fermi_level import FermiCircle, FermiLevelGas, fermi_circle
from chirospin.rashba.model import RashbaGas, bands, spin_angle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 2.5)
GRID = 241  # momenta on each axis of the contours of a gas whose bands are not round
AROUND = 16  # arrows on each of them


def gas_drawing(model: RashbaGas, *, dark: bool = False) -> Figure:
    """Bands along p_x with the Fermi energy, and the spin on every Fermi contour."""
    of = bands(model)
    two = TwoBands(
        energy=of.energy,
        spin=lambda band, around: spin_angle(model, band, around),
        fermi_energy=of.mu,
        reach=float(np.sqrt(2 * of.m * max(abs(of.mu), of.T, 1e-12))),
    )
    with sheet(SIZE, "AB", dark=dark) as (figure, axes):
        bands_and_contours(axes["A"], axes["B"], two, dark=dark, symbol="p")
    return figure


def fermi_level_drawing(model: FermiLevelGas, *, dark: bool = False) -> Figure:
    """Bands along p_x at p_y = 0, and the Fermi contours with the field that the spins follow."""
    of = fermi_circle(model)
    reach = 1.4 * of.momentum + 2 * of.m * float(np.abs(of.linear).max())
    line = np.linspace(-reach, reach, GRID)
    with sheet(SIZE, "AB", dark=dark) as (figure, axes):
        left, right = axes["A"], axes["B"]
        half = np.linalg.norm(_field(of, line, 0 * line), axis=0) / 2
        x, y = np.meshgrid(line, line)
        size = np.linalg.norm(_field(of, x, y), axis=0) / 2
        for n, band in enumerate((-1, 1)):
            colour = PALETTES[dark].bands[n]
            name = rf"$\epsilon_{'-+'[n]}$"
            left.plot(line, line**2 / (2 * of.m) + band * half, color=colour, label=name)
            energy = (x**2 + y**2) / (2 * of.m) + band * size
            right.contour(x, y, energy, levels=[of.energy], colors=[colour], linewidths=1.0)
            _spins(right, of, band, colour)
        fermi_line(left, of.energy, dark=dark)
        left.legend(loc="upper center")
        left.set(xlabel="$p_x$ (1/nm)", ylabel=r"$\epsilon$ (eV)")
        right.set(xlabel="$p_x$ (1/nm)", ylabel="$p_y$ (1/nm)", aspect="equal")
    return figure


def _field(of: FermiCircle, x: Array, y: Array) -> Array:
    """b + B p, eV, (3, ...)."""
    momentum = np.stack([x, y])
    steady = of.steady.reshape(3, *[1] * x.ndim)
    return np.asarray(np.tensordot(of.linear, momentum, 1) + steady)


def _spins(ax: Axes, of: FermiCircle, band: int, colour: str) -> None:
    """The spin of a band in the plane, where it crosses the Fermi energy."""
    around = 2 * np.pi * np.arange(AROUND) / AROUND
    p = np.linspace(0, 1.4 * of.momentum + 2 * of.m * float(np.abs(of.linear).max()), 2001)[1:]
    x, y = p[:, None] * np.cos(around), p[:, None] * np.sin(around)
    field = _field(of, x, y)
    size = np.linalg.norm(field, axis=0)
    below = p[:, None] ** 2 / (2 * of.m) + band * size / 2 <= of.energy
    last = np.where(below.any(axis=0), below.shape[0] - 1 - below[::-1].argmax(axis=0), -1)
    for n, row in enumerate(last):
        if row >= 0 and size[row, n] > 0:
            u, v, _ = band * field[:, row, n] / size[row, n]
            ax.quiver(
                x[row, n], y[row, n], u, v,
                color=colour, zorder=3, angles="xy", scale=9, width=0.008, pivot="mid",
            )  # fmt: skip
