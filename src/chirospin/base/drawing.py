"""What drawings of models are made of: a sheet, arrows, levels, reservoirs, sites, bands with their spin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.base.figures import GROUND, INK, journal_style, page_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THICKEST, THINNEST = 3.0, 0.3  # points, of the largest hop and of one that is still drawn
SEEN = 1e-3  # of the largest hop or vector
HALF = 0.24  # half the width of a level and of a reservoir
RING = 0.36  # the longest vector
SAMPLES = (
    2000  # momenta at which bands are drawn and their crossings with the Fermi energy are sought
)
ARROWS = 12  # on each contour
BEYOND = 1.25  # of the largest Fermi momentum
DOUBLINGS = 60
SHARP = 1e-3  # of the range of energies: a step that looks like one
TOUCHING = 0.02  # of the range of energies: levels that cover each other
ROOM = 0.35  # of the range of energies, above and below
SMALLEST_ROOM = 1e-3  # of the largest energy

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of one ground.

    Parameters
    ----------
    low, high : two levels or bands, the lower one first
    vector : what spin-orbit coupling and fields point along
    moment : magnetisation of a lead, spin of a level
    """

    low: str
    high: str
    vector: str
    moment: str

    @property
    def bands(self) -> tuple[str, str]:
        """Of the lower and the upper one."""
        return self.low, self.high


PALETTES = {
    False: Palette(low="#0072B2", high="#D55E00", vector="#009E73", moment="#CC3311"),
    True: Palette(low="#56B4E9", high="#FF9A56", vector="#2ED3A0", moment="#FF7060"),
}


@contextmanager
def sheet(
    size: tuple[float, float], layout: str, *, dark: bool, **ratios: Any
) -> Iterator[tuple[Figure, dict[str, Axes]]]:
    """A figure in the journal's style on its ground, with axes by their letter.

    Parameters
    ----------
    size : width and height, inches
    layout : rows of letters, as in ``"AA;BC"``
    ratios : of the grid, as matplotlib's ``subplot_mosaic`` takes them
    """
    from matplotlib import rc_context

    from chirospin.base.shown_figure import ShownFigure

    ground, settings = page_colours(dark=dark)
    with journal_style(), rc_context(settings):
        figure = ShownFigure(figsize=size)
        figure.patch.set_facecolor(ground)
        axes = figure.subplot_mosaic(layout, **ratios)
        for ax in axes.values():
            ax.set_facecolor("none")
        yield figure, axes


def only_energies(ax: Axes) -> None:
    """Only the axis of energies."""
    ax.tick_params(top=False, right=False, bottom=False)
    ax.minorticks_off()
    ax.set_xticks([])
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)


def no_axes(ax: Axes) -> None:
    """No axis at all."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.minorticks_off()
    for side in ax.spines.values():
        side.set_visible(False)


def thickness(sizes: Real) -> Real:
    """Widths of lines in points, in proportion to sizes; 0 for what is not seen beside the largest."""
    largest = float(np.max(sizes, initial=0.0))
    scaled = sizes / largest if largest else sizes
    return np.where(scaled >= SEEN, np.maximum(THICKEST * scaled, THINNEST), 0.0)


def arrow(ax: Axes, start: Any, end: Any, colour: str, transform: Any = None) -> None:
    """From one place to another."""
    style = {"arrowstyle": "-|>,head_width=0.18,head_length=0.36", "color": colour, "lw": 1.2}
    style |= {"shrinkA": 0, "shrinkB": 0}
    frame = transform or ax.transData
    ax.annotate("", xy=end, xytext=start, xycoords=frame, textcoords=frame, arrowprops=style)


def seen_along(ax: Axes, at: tuple[float, float], vector: Real, colour: str) -> None:
    """A vector seen along the third axis: an arrow, and a dot towards the eye or a cross away from it.

    Parameters
    ----------
    vector : (3,), the longest of a drawing having the length :data:`RING`
    """
    x, y, z = vector
    if np.hypot(x, y) > SEEN * RING:
        arrow(ax, at, (at[0] + x, at[1] + y), colour)
    if abs(z) > SEEN * RING:
        ax.plot(*at, "o" if z > 0 else "x", color=colour, ms=4 * abs(z) / RING, zorder=4)


def rings(
    ax: Axes, vectors: Sequence[Any], names: Sequence[str], colours: Sequence[str], *, dark: bool
) -> None:
    """Vectors side by side, seen along z, the longest as long as its ring."""
    from matplotlib.patches import Circle

    longest = max((float(np.linalg.norm(v)) for v in vectors), default=0.0)
    for n, (vector, name, colour) in enumerate(zip(vectors, names, colours, strict=True)):
        ax.add_patch(Circle((n, 0), RING, fill=False, ec=INK[dark], alpha=0.4, lw=0.5))
        if longest:
            seen_along(ax, (n, 0.0), RING * np.asarray(vector, dtype=float) / longest, colour)
        ax.text(n, -0.45, name, ha="center", va="top", color=colour, size=7)
    no_axes(ax)
    ax.set_aspect("equal")
    ax.set(xlim=(-0.6, len(vectors) - 0.4), ylim=(-1.0, 0.55))


def line(
    ax: Axes, start: Any, end: Any, width: float, *, dark: bool, strength: float = 0.55
) -> None:
    """A hop, as thick as it is strong; none of width 0."""
    if width:
        x, y = zip(start, end, strict=True)
        ax.plot(x, y, color=INK[dark], alpha=strength, lw=width, zorder=1, solid_capstyle="butt")


def lines(
    ax: Axes, hops: Sequence[tuple[Any, Any, float]], *, dark: bool, strength: float = 0.55
) -> None:
    """Many hops at once: start, end and width of each."""
    from matplotlib.collections import LineCollection

    ends = [(start, end) for start, end, _ in hops]
    widths = [width for _, _, width in hops]
    drawn = LineCollection(ends, colors=INK[dark], alpha=strength, linewidths=widths, zorder=1)
    ax.add_collection(drawn)


def energy_level(ax: Axes, place: float, energy: float, colour: str) -> None:
    """A level at its energy."""
    ends = (place - HALF, place + HALF)
    ax.plot(ends, (energy, energy), color=colour, lw=2.2, zorder=3, solid_capstyle="butt")


def spin_levels(
    ax: Axes, place: float, energies: Sequence[float] | Real, colours: Sequence[str]
) -> None:
    """Two levels on an axis whose range is set; side by side where they coincide."""
    low, high = ax.get_ylim()
    apart = abs(energies[1] - energies[0]) > TOUCHING * (high - low)
    for n, energy in enumerate(energies):
        if apart:
            energy_level(ax, place, energy, colours[n])
        else:
            ends = (place + (n - 1) * HALF, place + n * HALF)
            ax.plot(ends, (energy, energy), color=colours[n], lw=2.2, zorder=3)


def energy_range(
    ax: Axes, energies: Sequence[float], symbol: str, unit: str
) -> tuple[float, float]:
    """Let an axis of energies hold all of some, with room."""
    low, high = min(energies), max(energies)
    room = max(ROOM * (high - low), SMALLEST_ROOM * max(abs(low), abs(high)), 1e-12)
    ax.set_ylim(low - room, high + room)
    ax.set_ylabel(f"${symbol}$ ({unit})")
    return low - room, high + room


def reservoir(
    ax: Axes,
    place: float,
    name: str,
    potential: float,
    thermal_energy: float,
    *,
    dark: bool,
    half: float = HALF,
) -> None:
    """A box that is filled as the Fermi function says, on an axis whose range is set."""
    from matplotlib.patches import Rectangle

    low, high = ax.get_ylim()
    box = Rectangle((place - half, low), 2 * half, high - low, fc=INK[dark], alpha=0.07, lw=0)
    ax.add_patch(box)
    energies = np.linspace(low, high, 400)
    cold = thermal_energy < SHARP * (high - low)
    x = (energies - potential) / (SHARP * (high - low) if cold else thermal_energy)
    filled = fermi(x)
    left = place - half
    ax.fill_betweenx(energies, left, left + 2 * half * filled, color=INK[dark], alpha=0.22, lw=0)
    ax.text(place, 1.02, name, transform=ax.get_xaxis_transform(), ha="center")


def sites(
    ax: Axes,
    places: Real,
    hops: Real,
    colours: Sequence[str],
    *,
    dark: bool,
    size: float = 4.0,
) -> None:
    """Sites in a plane, with the hops between them.

    Parameters
    ----------
    places : (sites, 2)
    hops : widths of lines in points, (sites, sites)
    """
    lines(
        ax,
        [(places[i], places[j], hops[i, j]) for i, j in np.argwhere(np.triu(hops, 1))],
        dark=dark,
    )
    x, y = places.T
    ax.scatter(x, y, s=size**2, c=list(colours), zorder=3, lw=0.4, edgecolors=GROUND[dark])
    ax.set_aspect("equal", adjustable="datalim")


@dataclass(frozen=True, kw_only=True)
class TwoBands:
    """Two bands that depend on the size of the momentum.

    Parameters
    ----------
    energy : (momenta, band -1 or 1) -> energies
    spin : (band, directions of the momentum) -> directions of the spin, in the plane, rad
    fermi_energy : on the scale of the bands
    reach : of the momenta at first, in the inverse unit of length
    """

    energy: Callable[[Real, int], Real]
    spin: Callable[[int, Real], Real]
    fermi_energy: float
    reach: float

    def fermi_momenta(self) -> tuple[Real, tuple[Real, Real]]:
        """Momenta of the drawing, and those of the lower and the upper band at the Fermi energy."""
        reach = self.reach
        for _ in range(DOUBLINGS):
            p = np.linspace(0, reach, SAMPLES + 1)[1:]
            above = [self.energy(p[-1:], band)[0] > self.fermi_energy for band in (-1, 1)]
            if all(above):
                break
            reach *= 2
        roots = []
        for band in (-1, 1):
            off = self.energy(p, band) - self.fermi_energy
            at = np.flatnonzero((off[1:] > 0) != (off[:-1] > 0))
            roots.append(p[at] - off[at] * (p[at + 1] - p[at]) / (off[at + 1] - off[at]))
        largest = max((float(r.max()) for r in roots if r.size), default=float(reach))
        return np.linspace(0, BEYOND * largest, SAMPLES + 1)[1:], (roots[0], roots[1])


def bands_and_contours(
    left: Axes, right: Axes, of: TwoBands, *, dark: bool, symbol: str = "k", second: str = "y"
) -> None:
    """Both bands along x with the Fermi energy, and the spin on every Fermi contour.

    Parameters
    ----------
    symbol : of the momentum
    second : axis of the contours beside x
    """
    p, roots = of.fermi_momenta()
    both = np.concatenate([-p[::-1], p])
    for n, band in enumerate((-1, 1)):
        energy, colour = of.energy(p, band), PALETTES[dark].bands[n]
        whole = np.concatenate([energy[::-1], energy])
        left.plot(both, whole, color=colour, label=rf"$\epsilon_{'-+'[n]}$")
        for root in roots[n]:
            contour(right, float(root), lambda a, s=band: of.spin(s, a), colour, n / 2)  # type: ignore[misc]
    fermi_line(left, of.fermi_energy, dark=dark)
    left.legend(loc="upper center")
    left.set(xlabel=f"${symbol}_x$ (1/nm)", ylabel=r"$\epsilon$ (eV)")
    size = float(p[-1])
    right.set(xlim=(-size, size), ylim=(-size, size), aspect="equal")
    right.set(xlabel=f"${symbol}_x$ (1/nm)", ylabel=f"${symbol}_{second}$ (1/nm)")


def fermi_line(ax: Axes, energy: float, *, dark: bool) -> None:
    """The Fermi energy across an axis of bands."""
    ax.axhline(energy, color=INK[dark], lw=0.6, ls=":")
    ax.text(0.02, energy, "$E_F$", transform=ax.get_yaxis_transform(), va="bottom")


def contour(
    ax: Axes, momentum: float, spin: Callable[[Real], Real], colour: str, shift: float
) -> None:
    """A circle of momenta with the spin on it, its arrows shifted by a part of their distance."""
    circle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(momentum * np.cos(circle), momentum * np.sin(circle), color=colour)
    around = 2 * np.pi * (np.arange(ARROWS) + shift) / ARROWS
    turned = spin(around)
    style: dict[str, Any] = {"angles": "xy", "scale": 9, "width": 0.008, "pivot": "mid"}
    ax.quiver(
        momentum * np.cos(around), momentum * np.sin(around), np.cos(turned), np.sin(turned),
        color=colour, zorder=3, **style,
    )  # fmt: skip
