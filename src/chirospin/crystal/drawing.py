"""A crystal as a picture: its bands along lines through Gamma, coloured by the spin along the wavevector."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chirospin.base.drawing import fermi_line, sheet
from chirospin.base.figures import COLUMN, INK
from chirospin.crystal.bands import band_flow
from chirospin.crystal.bloch import Array, Bloch
from chirospin.crystal.model import Crystal, bloch_hamiltonian

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 2.6)
POINTS = 81  # of a line
CORNERS = ((0.5, 0, 0), (0, 0, 0), (0, 0, 0.5), (0.5, 0.5, 0.5))  # of reciprocal vectors
NAMES = ("(½,0,0)", "Γ", "(0,0,½)", "(½,½,½)")
REACH = 1.6  # of the Fermi momentum that a model without a cell is drawn to
SHOWN = 3.0  # eV around the Fermi level of a crystal with many bands
MANY = 4  # bands that are all shown


def band_drawing(model: Crystal, *, dark: bool = False) -> Figure:
    """Bands with the Fermi level; colours are the spin along the wavevector, in hbar."""
    bloch, level = bloch_hamiltonian(model), model.chemical_potential
    if bloch.cell is None:
        corners, names = _through_gamma(bloch, level)
        distance = "$k$ (1/nm)"
    else:
        corners = np.array(CORNERS) @ bloch.cell
        names, distance = NAMES, ""
    with sheet(SIZE, "A", dark=dark) as (figure, axes):
        ax = axes["A"]
        ticks = _lines(ax, bloch, corners, dark=dark)
        fermi_line(ax, level, dark=dark)
        ax.set_xticks(ticks, names)
        ax.tick_params(axis="x", which="both", bottom=False, top=False)
        for place in ticks[1:-1]:
            ax.axvline(place, color=INK[dark], lw=0.4, alpha=0.4)
        ax.set(ylabel=r"$\epsilon$ (eV)", xlabel=distance, xlim=(ticks[0], ticks[-1]))
        if bloch.size > MANY:
            ax.set_ylim(level - SHOWN, level + SHOWN)
    return figure


def _through_gamma(bloch: Bloch, level: float) -> tuple[Array, tuple[str, ...]]:
    """Ends of lines along x and z for a model without a cell, as far as its Fermi surface and a little more."""
    steps = np.geomspace(1e-3, 1e3, 400)
    reach = 0.0
    for way in np.eye(3)[[0, 2]]:
        energy = np.linalg.eigvalsh(bloch.hamiltonian(steps[:, None] * way))
        crossed = np.diff(np.sign(energy - level), axis=0).any(axis=1)
        reach = max(reach, float(steps[1:][crossed].max(initial=0.0)))
    reach = REACH * reach or 1.0
    corners = reach * np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1.0]])
    return corners, (f"$k_x = {reach:.2g}$", "0", f"$k_z = {reach:.2g}$")


def _lines(ax: Axes, bloch: Bloch, corners: Array, *, dark: bool) -> list[float]:
    """Bands along lines between corners, coloured by their spin along k; places of the corners."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    middle = "0.75" if dark else "0.35"
    colours: Any = LinearSegmentedColormap.from_list("spin", ["#0072B2", middle, "#D55E00"])
    ticks, drawn = [0.0], None
    for start, end in pairwise(corners):
        size = float(np.linalg.norm(end - start))
        t = np.linspace(0, 1, POINTS)
        flow = band_flow(bloch, start + t[:, None] * (end - start))
        k = start + t[:, None] * (end - start)
        length = np.linalg.norm(k, axis=1)
        spin = np.einsum("tnc,tc->tn", flow.spin, k / np.where(length > 0, length, 1.0)[:, None])
        x = ticks[-1] + size * t
        for n in range(flow.energy.shape[1]):
            points = np.stack([x, flow.energy[:, n]], axis=1)
            pairs = np.stack([points[:-1], points[1:]], axis=1)
            drawn = LineCollection(list(pairs), cmap=colours, linewidths=1.0)
            drawn.set_array((spin[:-1, n] + spin[1:, n]) / 2)
            drawn.set_clim(-0.5, 0.5)
            ax.add_collection(drawn)
        ticks.append(ticks[-1] + size)
    ax.autoscale_view()
    if drawn is not None:
        ax.figure.colorbar(drawn, ax=ax, label=r"spin along $\mathbf{k}$ ($\hbar$)")
    return ticks
