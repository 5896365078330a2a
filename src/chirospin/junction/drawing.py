"""A junction as a picture: leads, levels, hoppings and spin-orbit vectors, all from its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.figures import COLUMN, INK, journal_style, page_colours
from chirospin.junction.model import (
    ORBITALS,
    MolecularStack,
    lead_couplings,
    lead_names,
    one_body_hamiltonian,
    spin_orbit_vectors,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 24  # molecules: more do not fit into a column
THICKEST, THINNEST = 3.0, 0.3  # points, of the largest hop and of one that is still drawn
SEEN = 1e-3  # of the largest hop
HALF = 0.24  # of the distance between molecules: half a level's width
RING = 0.36  # the same: the longest spin-orbit vector
COLOURS = {  # orbital a, orbital b, spin-orbit vectors, magnetisation
    False: ("#0072B2", "#D55E00", "#009E73", "#CC3311"),
    True: ("#56B4E9", "#FF9A56", "#2ED3A0", "#FF7060"),
}

Real = NDArray[np.float64]


def stack_drawing(model: MolecularStack, dark: bool = False) -> Figure:
    """The stack with its leads above, its spin-orbit vectors seen along the axis below.

    Levels stand at their energies (eV), a line between two is as thick as their hopping, one to a lead as thick as
    the coupling there (each on its own scale), a vector is as long as its part across the axis.

    Raises
    ------
    ModelError : more molecules than fit into a column
    """
    if model.molecules > MOST_DRAWN:
        raise ModelError(
            f"Parameter `molecules` must be at most {MOST_DRAWN} for a drawing, but is {model.molecules}"
        )
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ground, settings = page_colours(dark)
    width = max(COLUMN, 0.45 * (model.molecules + 2))
    across = width / (model.molecules + 2)
    with journal_style(), rc_context(settings):
        figure = Figure(figsize=(width, 1.9 + 1.1 * across + 0.3))
        figure.patch.set_facecolor(ground)
        above, below = figure.subplots(2, 1, height_ratios=(1.9, 1.1 * across), sharex=True)
        for ax in (above, below):
            ax.set_facecolor("none")
            ax.tick_params(top=False, right=False, bottom=False)
            ax.minorticks_off()
        _stack(above, model, dark)
        _vectors(below, model, dark)
    return figure


def level_energies(model: MolecularStack) -> Real:
    """Mean over both spins of the diagonal of the one-body matrix, (molecule, orbital), eV."""
    diagonal = one_body_hamiltonian(model).diagonal().real
    return np.asarray(diagonal.reshape(model.molecules, 2, 2).mean(axis=-1))


def hop_sizes(model: MolecularStack) -> Real:
    """Size of the hop between two levels, rms over its spins, (2M, 2M), eV; zero within a molecule."""
    size = 2 * model.molecules
    blocks = one_body_hamiltonian(model).reshape(size, 2, size, 2)
    found = np.sqrt((np.abs(blocks) ** 2).sum(axis=(1, 3)) / 2)
    apart = np.arange(size)[:, None] // 2 != np.arange(size) // 2
    return np.asarray(found * apart)


def _thickness(sizes: Real) -> Real:
    largest = float(np.max(sizes, initial=0.0))
    scaled = sizes / largest if largest else sizes
    return np.where(scaled >= SEEN, np.maximum(THICKEST * scaled, THINNEST), 0.0)


def _stack(ax: Axes, model: MolecularStack, dark: bool) -> None:
    energies = level_energies(model)
    *colours, _, _ = COLOURS[dark]
    low, high = float(energies.min()), float(energies.max())
    room = max(0.35 * (high - low), 0.2 * max(abs(low), abs(high)), 1e-3)
    hops = _thickness(hop_sizes(model))
    for m, n in np.argwhere(np.triu(hops)):
        ends = (m // 2 + HALF, n // 2 - HALF)
        heights = (energies.flat[m], energies.flat[n])
        ax.plot(ends, heights, color=INK[dark], alpha=0.55, lw=hops[m, n], zorder=1)
    coupled = lead_couplings(model)[0, :2].reshape(2, model.molecules, 2, 2).sum(axis=-1)
    widths = _thickness(coupled)
    for lead, molecule in ((0, 0), (1, model.molecules - 1)):
        way = (-1, 1)[lead]
        for orbital in range(2):
            if widths[lead, molecule, orbital]:
                height = energies[molecule, orbital]
                ends = (molecule + way * HALF, molecule + way * (1 - HALF))
                ax.plot(
                    ends,
                    (height, height),
                    color=INK[dark],
                    alpha=0.3,
                    lw=widths[lead, molecule, orbital],
                )
    for (i, orbital), energy in np.ndenumerate(energies):
        ax.plot((i - HALF, i + HALF), (energy, energy), color=colours[orbital], lw=2.2, zorder=3)
        if i == 0:
            ax.text(
                0,
                energy,
                f"${ORBITALS[orbital]}$",
                color=colours[orbital],
                va="bottom",
                ha="center",
            )
    ax.set_ylim(low - room, high + room)
    ax.set_xlim(-1.7, model.molecules + 0.5)
    ax.set_ylabel(r"$\epsilon$ (eV)")
    _leads(ax, model, dark)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)


def _leads(ax: Axes, model: MolecularStack, dark: bool) -> None:
    """Boxes at both ends, the left one with its magnetisation as an arrow as long as its polarisation."""
    from matplotlib.patches import Rectangle

    across = ax.get_xaxis_transform()
    for place, name in zip((-1.0, float(model.molecules)), lead_names(model)[:2], strict=True):
        box = Rectangle(
            (place - HALF, 0.06), 2 * HALF, 0.8, transform=across, fc=INK[dark], alpha=0.12, lw=0
        )
        ax.add_patch(box)
        ax.text(place, 0.9, name, transform=across, ha="center")
    p = model.lead_polarisation
    if p:
        _arrow(ax, (-1.0, 0.46 - 0.3 * p), (-1.0, 0.46 + 0.3 * p), COLOURS[dark][3], across)
        ax.text(-1.0, -0.04, f"$p = {p:g}$", transform=across, ha="center", size=6)


def _arrow(ax: Axes, start: Any, end: Any, colour: str, transform: Any = None) -> None:
    style = {"arrowstyle": "-|>,head_width=0.18,head_length=0.36", "color": colour, "lw": 1.2}
    style |= {"shrinkA": 0, "shrinkB": 0}
    frame = transform or ax.transData
    ax.annotate("", xy=end, xytext=start, xycoords=frame, textcoords=frame, arrowprops=style)


def _vectors(ax: Axes, model: MolecularStack, dark: bool) -> None:
    from matplotlib.patches import Circle

    vectors, colour = spin_orbit_vectors(model), COLOURS[dark][2]
    longest = float(np.linalg.norm(vectors, axis=-1).max())
    for i, vector in enumerate(vectors):
        ax.add_patch(Circle((i, 0), RING, fill=False, ec=INK[dark], alpha=0.4, lw=0.5))
        if longest:
            x, y, z = RING * vector / longest
            if np.hypot(x, y) > SEEN:
                _arrow(ax, (i, 0.0), (i + x, y), colour)
            if abs(z) > SEEN:
                ax.plot(i, 0, "o" if z > 0 else "x", color=colour, ms=4 * abs(z) / RING)
    ax.set_aspect("equal")
    ax.set_ylim(-0.5, 0.5)
    ax.set_yticks([])
    ax.set_xticks(range(model.molecules), [str(i + 1) for i in range(model.molecules)])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.text(
        -0.5, 0, f"$|\\Lambda|$\n{longest:.3g} eV", va="center", ha="right", color=colour, size=7
    )
    given = model.spin_orbit_vectors is None and model.molecules > 1
    ax.set_xlabel("molecule" + (f"; {turn_words(model)}" if given else ""))


def turn_words(model: MolecularStack) -> str:
    """How the spin-orbit vectors turn from left to right, in words."""
    turn = float(np.rad2deg(model.handedness * model.twist))
    if not turn:
        return "no twist"
    return f"twist {turn:+.4g}° ($\\chi = {model.handedness:+d}$)"
