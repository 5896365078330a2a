"""One-electron models as pictures: energies along the axis, sites and hops from the side and from the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chirospin.base.drawing import (
    HALF,
    PALETTES,
    arrow,
    energy_level,
    energy_range,
    line,
    lines,
    only_energies,
    reservoir,
    sheet,
    sites,
    spin_levels,
    thickness,
)
from chirospin.base.figures import COLUMN, INK
from chirospin.models.first_order import FirstOrder, helicene_of
from chirospin.models.model import Molecule, OneElectronModel, system, window
from chirospin.models.spinterface_loop import SpinterfaceLoop, loop_energies
from chirospin.scattering.currents import Window
from chirospin.scattering.system import System

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 1.65 * COLUMN
LEVELS, VIEWS = 1.8, 1.9  # inches: heights of the energies and of the views
SHOWN = 4.0  # k_B T around a potential
TOLD = 0.1  # of the largest hop: a weaker one is not drawn among many
FLAT = 1e-6  # nm: a molecule that is not wider has no view from the end
MANY = 16  # sites whose hops cover each other on the axis of energies
MOST_ARROWS = 60  # bonds whose spin-orbit vectors are drawn
LONGEST = 0.5  # of a bond: the longest spin-orbit vector
DOT, LARGEST_DOT, SMALLEST_DOT = 24.0, 5.0, 2.0  # points: a site of many, and its bounds

Real = NDArray[np.float64]


def one_electron_drawing(model: OneElectronModel, *, dark: bool = False) -> Figure:
    """Energies of the orbitals between the filled leads; sites, hops and spin-orbit vectors where they are in space."""
    made = system(model)
    places = np.zeros((made.orbitals, 3)) if made.positions is None else made.positions
    wide = bool(np.ptp(places[:, :2], axis=0).max() > FLAT)
    layout, heights = ("AA;BC", (LEVELS, VIEWS)) if wide else ("A", (LEVELS,))
    ratios = {"height_ratios": heights, **({"width_ratios": (1.7, 1)} if wide else {})}
    with sheet((WIDTH, sum(heights) + 0.3), layout, dark=dark, **ratios) as (figure, axes):
        _energies(axes["A"], made, window(model), dark=dark)
        if wide:
            _views(axes["B"], axes["C"], made, dark=dark)
    return figure


def helicene_drawing(model: FirstOrder, *, dark: bool = False) -> Figure:
    """Atoms and hops from the side and from the end; every atom touches both leads."""
    built = helicene_of(model, 0.0)
    with sheet((WIDTH, VIEWS + 0.3), "BC", dark=dark, width_ratios=(1.7, 1)) as (figure, axes):
        _views(axes["B"], axes["C"], _without_leads(built), dark=dark)
    return figure


def loop_drawing(model: SpinterfaceLoop, *, dark: bool = False) -> Figure:
    """The level between surface and magnet, split by a full moment of the surface."""
    of, colours = loop_energies(model), PALETTES[dark]
    low, high = of.level - abs(of.shift), of.level + abs(of.shift)
    with sheet((COLUMN, 2.4), "A", dark=dark) as (figure, axes):
        ax = axes["A"]
        around = [s * (of.bias / 2 + 4 * of.thermal_energy) for s in (1, -1)]
        energy_range(ax, [low, high, *around], r"\epsilon", "eV")
        for place, name, side in ((0.0, "surface", 1), (2.0, "magnet", -1)):
            reservoir(ax, place, name, side * of.bias / 2, of.thermal_energy, dark=dark)
        widths = thickness(np.array(of.couplings))
        spin_levels(ax, 1.0, (low, high), colours.bands)
        for energy in (low, high):
            line(ax, (HALF, energy), (1 - HALF, energy), widths[0], dark=dark, strength=0.3)
            line(ax, (1 + HALF, energy), (2 - HALF, energy), widths[1], dark=dark, strength=0.3)
        frame = ax.get_xaxis_transform()
        if of.polarisation:
            reach = 0.3 * of.polarisation
            arrow(ax, (2.0, 0.5 - reach), (2.0, 0.5 + reach), colours.moment, frame)
        words = rf"at full moments, $\chi = {of.handedness:+d}$"
        ax.text(1.0, 0.03, words, transform=frame, ha="center", size=7)
        ax.set_xlim(-0.4, 2.4)
        only_energies(ax)
    return figure


def _without_leads(built: Molecule) -> System:
    from chirospin.scattering.system import Lead

    return System(
        hamiltonian=built.hamiltonian,
        left=Lead.of(built.left),
        right=Lead.of(built.right),
        sites=built.sites,
        positions=built.positions,
    )


def _energies(ax: Axes, made: System, drive: Window, *, dark: bool) -> None:
    """Orbitals at their energies, in the order of their sites, between the leads."""
    energies, site = made.spin_free.diagonal().real, made.site_of
    count = len(np.unique(site))
    potentials = [drive.fermi_energy + s * drive.bias / 2 for s in (1, -1)]
    infinite, blur = drive.kind == "infinite", SHOWN * drive.thermal_energy
    around = [] if infinite else [p + s * blur for p in potentials for s in (1, -1)]
    energy_range(ax, [*energies, *around], r"\epsilon", "eV")
    low, high = ax.get_ylim()
    room = max(1.0, count / 12)
    ends = (-room, count - 1 + room)
    for place, name, potential, empty in zip(
        ends, ("left", "right"), potentials, (2 * high - low, 2 * low - high), strict=True
    ):
        reservoir(
            ax,
            place,
            name,
            empty if infinite else potential,
            drive.thermal_energy,
            dark=dark,
            half=room / 2.2,
        )
    sizes = np.abs(made.spin_free - np.diag(made.spin_free.diagonal()))
    hops = thickness(sizes * (sizes >= TOLD * sizes.max(initial=0.0)))
    pairs = np.argwhere(np.triu(hops, 1))
    joined = [((site[i], energies[i]), (site[j], energies[j]), hops[i, j]) for i, j in pairs]
    lines(ax, joined, dark=dark, strength=0.35 if count < MANY else 0.12)
    touched = [np.diag(lead.coupling).real > 0 for lead in (made.left, made.right)]
    for touches, end in zip(touched, ends, strict=True):
        for i in np.flatnonzero(touches):
            way = np.sign(end - site[i])
            line(
                ax,
                (site[i], energies[i]),
                (end - way * room / 2.2, energies[i]),
                1.2,
                dark=dark,
                strength=0.3,
            )
    probed = np.zeros(made.orbitals, dtype=bool)
    for W in made.probes:
        probed |= np.diag(W).real > 0
    colours = np.where(probed, PALETTES[dark].high, PALETTES[dark].low)
    for place, energy, colour in zip(site, energies, colours, strict=True):
        energy_level(ax, place, energy, colour)
    p = float(made.left.polarisation[2])
    if p:
        frame = ax.get_xaxis_transform()
        arrow(ax, (ends[0], 0.5 - 0.3 * p), (ends[0], 0.5 + 0.3 * p), PALETTES[dark].moment, frame)
    ax.set_xlim(ends[0] - room / 1.8, ends[1] + room / 1.8)
    only_energies(ax)
    ax.set_xlabel("site" + ("; orange: with a probe" if probed.any() else ""))


def _views(side: Axes, end: Axes, made: System, *, dark: bool) -> None:
    """Sites and hops, x against z and x against y; contacts in the colour of the magnetisation and in ink."""
    places = np.asarray(made.positions)
    site = made.site_of
    count = len(places)
    hops = np.zeros((count, count))
    np.maximum.at(hops, (site[:, None], site), np.abs(made.spin_free))
    np.fill_diagonal(hops, 0.0)
    widths = thickness(hops * (hops >= TOLD * hops.max(initial=0.0)))
    colours = [PALETTES[dark].low] * count
    for lead, colour in ((made.right, INK[dark]), (made.left, PALETTES[dark].moment)):
        for i in site[np.diag(lead.coupling).real > 0]:
            colours[i] = colour
    turned = places[:, [2, 0, 1]] - places[:, [2, 0, 1]].mean(axis=0)
    size = float(np.clip(DOT / np.sqrt(count), SMALLEST_DOT, LARGEST_DOT))
    vectors = _bond_vectors(made)
    for ax, axes, names in ((side, [0, 1], "zx"), (end, [2, 1], "yx")):
        sites(ax, turned[:, axes], widths, colours, dark=dark, size=size)
        if vectors:
            start, step = (np.array(part)[:, axes] for part in zip(*vectors, strict=True))
            ax.quiver(
                *start.T, *step.T, color=PALETTES[dark].vector, zorder=4,
                angles="xy", scale_units="xy", scale=1, width=0.006,
            )  # fmt: skip
        ax.set(xlabel=f"${names[0]}$ (nm)", ylabel=f"${names[1]}$ (nm)")
    side.set_title("side; left contact red", loc="left")
    end.set_title("end", loc="left")


def _bond_vectors(made: System) -> list[tuple[Real, Real]]:
    """Start and step (z, x, y) of the spin-orbit vector of each bond between sites of one orbital."""
    places = np.asarray(made.positions)
    if len(places) != made.orbitals:
        return []
    parts = np.moveaxis(made.spin_part.imag, 0, -1)
    sizes = np.linalg.norm(parts, axis=-1)
    bonds = np.argwhere(np.triu(sizes > 1e-3 * sizes.max(initial=0.0), 1))
    if not 0 < len(bonds) <= MOST_ARROWS:
        return []
    shift = places - places.mean(axis=0)
    length = np.median([np.linalg.norm(places[i] - places[j]) for i, j in bonds])
    vectors = []
    for i, j in bonds:
        start = (shift[i] + shift[j]) / 2
        step = LONGEST * length * parts[i, j] / sizes.max()
        vectors.append((start[[2, 0, 1]], step[[2, 0, 1]]))
    return vectors
