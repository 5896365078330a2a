"""A chiral metal as a picture: the slab between its planes, its two bands, and the spin on its Fermi surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chirospin.base.drawing import (
    HALF,
    PALETTES,
    TwoBands,
    arrow,
    bands_and_contours,
    no_axes,
    sheet,
)
from chirospin.base.figures import COLUMN, INK
from chirospin.chiral_metal.model import IsotropicMetal, Scales, scales_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 3.6)
MARGIN = 0.16  # of the length, beyond both planes


def metal_drawing(model: IsotropicMetal, *, dark: bool = False) -> Figure:
    """The slab with its planes, current and mean free path to scale; bands; radial spin on both Fermi surfaces."""
    return _metal(model, dark=dark)


def driven_drawing(model: IsotropicMetal, *, dark: bool = False) -> Figure:
    """The same under a current that changes its direction."""
    return _metal(model, dark=dark, alternating=True)


def _metal(model: IsotropicMetal, *, dark: bool, alternating: bool = False) -> Figure:
    of = scales_of(model)
    with sheet(SIZE, "AA;BC", dark=dark, height_ratios=(1.1, 2.5)) as (figure, axes):
        _slab(axes["A"], of, dark=dark, alternating=alternating)
        bands_and_contours(axes["B"], axes["C"], _bands(of), dark=dark, second="z")
    return figure


def _bands(of: Scales) -> TwoBands:
    r"""Bands :math:`k^2/2m + h\alpha k` of helicity h, the spin along h k."""
    alpha = of.asymmetry * of.fermi_velocity
    upper = 1 if alpha >= 0 else -1
    return TwoBands(
        energy=lambda k, band: k**2 / (2 * of.mass) + band * abs(alpha) * k,
        spin=lambda band, around: around + (0 if band * upper > 0 else np.pi),
        fermi_energy=of.mass * (of.fermi_velocity**2 - alpha**2) / 2,
        reach=of.mass * (of.fermi_velocity + abs(alpha)),
    )


def _slab(ax: Axes, of: Scales, *, dark: bool, alternating: bool) -> None:
    """Planes at z = 0 and z = L, the electric current between them, a mean free path at each."""
    from matplotlib.patches import Rectangle

    colour = PALETTES[dark]
    length = of.length * of.mean_free_path
    thick = MARGIN * length
    free = min(of.mean_free_path, length / 2)
    for place, name, inward in ((-thick, "injection", 0.0), (length, "extraction", length - free)):
        hatch = "////" if of.walls else None
        ax.add_patch(Rectangle((place, 0), thick, 1, fc=INK[dark], alpha=0.22, lw=0, hatch=hatch))
        ax.text(place + thick / 2, 1.08, name, ha="center")
        ax.add_patch(Rectangle((inward, 0), free, 1, fc=colour.low, alpha=0.3, lw=0))
    ax.add_patch(Rectangle((0, 0), length, 1, fill=False, ec=INK[dark], lw=0.6))
    way = np.sign(of.field)
    if way:
        middle, half = length / 2, HALF * length
        for side in (way, -way)[: 1 + alternating]:
            arrow(ax, (middle - side * half, 0.62), (middle + side * half, 0.62), colour.moment)
    ax.text(length / 2, 0.78, rf"current, $E_0 = {of.field:.3g}$ V/nm", ha="center", va="center")
    kind = "electrons" if of.charge < 0 else "holes"
    words = f"{kind}, mean free path {of.mean_free_path:.3g} nm"
    words += (
        f", screening {of.screening * of.mean_free_path:.3g} nm" if of.screening else ", neutral"
    )
    ax.text(length / 2, 0.3, words, ha="center", va="center", size=7)
    no_axes(ax)
    ax.set_xticks([0, length], ["$z = 0$", f"$z = L = {length:.4g}$ nm"])
    ax.tick_params(top=False, right=False, bottom=False)
    ax.set(xlim=(-1.1 * thick, length + 1.1 * thick), ylim=(0, 1.02))
