"""A junction as a picture: leads, levels, hoppings and spin-orbit vectors, all from its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chirospin.base.drawing import (
    HALF,
    PALETTES,
    RING,
    arrow,
    energy_level,
    line,
    no_axes,
    only_energies,
    seen_along,
    sheet,
    thickness,
)
from chirospin.base.errors import ModelError
from chirospin.base.figures import COLUMN, INK
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
Real = NDArray[np.float64]


def stack_drawing(model: MolecularStack, *, dark: bool = False) -> Figure:
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
    width = max(COLUMN, 0.45 * (model.molecules + 2))
    across = width / (model.molecules + 2)
    heights = (1.9, 1.1 * across)
    size = (width, sum(heights) + 0.3)
    with sheet(size, "A;B", dark=dark, height_ratios=heights, sharex=True) as (figure, axes):
        _stack(axes["A"], model, dark=dark)
        _vectors(axes["B"], model, dark=dark)
    return figure


def orbitals_drawing(model: MolecularStack, *, dark: bool = False) -> Figure:
    """Any orbitals: levels at their energies (eV), lines as thick as what joins them, leads at both ends.

    A line from a level to an end is as thick as the coupling to all leads of that end: the first stands to the left,
    the others to the right.

    Raises
    ------
    ModelError : more orbitals than fit into a column
    """
    h = one_body_hamiltonian(model)
    count = len(h)
    if count > MOST_DRAWN:
        raise ModelError(
            f"Parameter `one_body_matrix` must have at most {MOST_DRAWN} orbitals for a drawing, but has {count}"
        )
    energies = h.diagonal().real
    room = max(0.35 * float(np.ptp(energies)), 0.2 * float(np.abs(energies).max()), 1e-3)
    hops = thickness(np.abs(h - np.diag(h.diagonal())))
    coupled = lead_couplings(model)[0]
    widths = thickness(np.stack([coupled[0], coupled[1:].sum(axis=0)]))
    size = (max(COLUMN, 0.45 * (count + 2)), 2.2)
    with sheet(size, "A", dark=dark) as (figure, axes):
        ax = axes["A"]
        for m, n in np.argwhere(np.triu(hops)):
            line(ax, (m + HALF, energies[m]), (n - HALF, energies[n]), hops[m, n], dark=dark)
        for k, energy in enumerate(energies):
            energy_level(ax, k, energy, PALETTES[dark].bands[0])
            for end, place in enumerate((-1 + HALF, count - HALF)):
                line(ax, (k, energy), (place, energy), widths[end, k], dark=dark, strength=0.3)
        ax.set_ylim(float(energies.min()) - room, float(energies.max()) + room)
        ax.set_xlim(-1.7, count + 0.5)
        ax.set_ylabel(r"$\epsilon$ (eV)")
        _boxes(ax, count, _ends(model), dark=dark)
        only_energies(ax)
    return figure


def _ends(model: MolecularStack) -> tuple[str, str]:
    """Words beside both ends: the first lead, and all others."""
    first, *others = lead_names(model)
    return first, ", ".join(others)


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


def _stack(ax: Axes, model: MolecularStack, *, dark: bool) -> None:
    energies = level_energies(model)
    colours = PALETTES[dark].bands
    low, high = float(energies.min()), float(energies.max())
    room = max(0.35 * (high - low), 0.2 * max(abs(low), abs(high)), 1e-3)
    hops = thickness(hop_sizes(model))
    for m, n in np.argwhere(np.triu(hops)):
        start = (m // 2 + HALF, energies.flat[m])
        line(ax, start, (n // 2 - HALF, energies.flat[n]), hops[m, n], dark=dark)
    coupled = lead_couplings(model)[0, :2].reshape(2, model.molecules, 2, 2).sum(axis=-1)
    widths = thickness(coupled)
    for lead, molecule in ((0, 0), (1, model.molecules - 1)):
        way = (-1, 1)[lead]
        for orbital, height in enumerate(energies[molecule]):
            ends = (molecule + way * HALF, height), (molecule + way * (1 - HALF), height)
            line(ax, *ends, widths[lead, molecule, orbital], dark=dark, strength=0.3)
    for (i, orbital), energy in np.ndenumerate(energies):
        energy_level(ax, i, energy, colours[orbital])
    for name, energy, colour in zip(ORBITALS, energies[0], colours, strict=True):
        ax.text(0, energy, f"${name}$", color=colour, va="bottom", ha="center")
    ax.set_ylim(low - room, high + room)
    ax.set_xlim(-1.7, model.molecules + 0.5)
    ax.set_ylabel(r"$\epsilon$ (eV)")
    _leads(ax, model, dark=dark)
    only_energies(ax)


def _leads(ax: Axes, model: MolecularStack, *, dark: bool) -> None:
    """Boxes at both ends, the left one with its magnetisation as an arrow as long as its polarisation."""
    across = ax.get_xaxis_transform()
    _boxes(ax, model.molecules, lead_names(model)[:2], dark=dark)
    p = model.lead_polarisation
    if p:
        arrow(ax, (-1.0, 0.46 - 0.3 * p), (-1.0, 0.46 + 0.3 * p), PALETTES[dark].moment, across)
        ax.text(-1.0, -0.04, f"$p = {p:g}$", transform=across, ha="center", size=6)


def _boxes(ax: Axes, count: int, names: Sequence[str], *, dark: bool) -> None:
    from matplotlib.patches import Rectangle

    across = ax.get_xaxis_transform()
    for place, name in zip((-1.0, float(count)), names, strict=True):
        box = Rectangle(
            (place - HALF, 0.06), 2 * HALF, 0.8, transform=across, fc=INK[dark], alpha=0.12, lw=0
        )
        ax.add_patch(box)
        ax.text(place, 0.9, name, transform=across, ha="center")


def _vectors(ax: Axes, model: MolecularStack, *, dark: bool) -> None:
    from matplotlib.patches import Circle

    vectors, colour = spin_orbit_vectors(model), PALETTES[dark].vector
    longest = float(np.linalg.norm(vectors, axis=-1).max())
    for i, vector in enumerate(vectors):
        ax.add_patch(Circle((i, 0), RING, fill=False, ec=INK[dark], alpha=0.4, lw=0.5))
        if longest:
            seen_along(ax, (i, 0.0), RING * vector / longest, colour)
    no_axes(ax)
    ax.set_aspect("equal")
    ax.set_ylim(-0.5, 0.5)
    ax.set_xticks(range(model.molecules), [str(i + 1) for i in range(model.molecules)])
    ax.tick_params(top=False, right=False, bottom=False)
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
