"""A gas as a picture: its two bands, and the spins on its Fermi contours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.figures import COLUMN, INK, journal_style, page_colours
from chirospin.rashba.bands import Bands
from chirospin.rashba.model import RashbaGas, bands, spin_angle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {  # lower band, upper band
    False: ("#0072B2", "#D55E00"),
    True: ("#56B4E9", "#FF9A56"),
}
NAMES = (r"$\epsilon_-$", r"$\epsilon_+$")
SAMPLES = 2000  # momenta at which the bands are drawn and their crossings with E_F are sought
ARROWS = 12  # on each contour
BEYOND = 1.25  # of the largest Fermi momentum
DOUBLINGS = 60

Array = NDArray[np.float64]


def fermi_momenta(of: Bands) -> tuple[Array, tuple[Array, Array]]:
    """Momenta of the drawing, and those of the lower and the upper band at the chemical potential, 1/nm."""
    reach = np.sqrt(2 * of.m * max(abs(of.mu), of.T, 1e-12))
    for _ in range(DOUBLINGS):
        p = np.linspace(0, reach, SAMPLES + 1)[1:]
        if of.energy(p[-1:], -1)[0] > of.mu and of.energy(p[-1:], 1)[0] > of.mu:
            break
        reach *= 2
    roots = []
    for band in (-1, 1):
        off = of.energy(p, band) - of.mu
        here = np.flatnonzero(np.sign(off[1:]) != np.sign(off[:-1]))
        roots.append(p[here] - off[here] * (p[here + 1] - p[here]) / (off[here + 1] - off[here]))
    largest = max((float(one.max()) for one in roots if one.size), default=float(reach))
    return np.linspace(0, BEYOND * largest, SAMPLES + 1)[1:], (roots[0], roots[1])


def gas_drawing(model: RashbaGas, dark: bool = False) -> Figure:
    """Bands along p_x with the Fermi energy, and the spin on every Fermi contour."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    of = bands(model)
    p, roots = fermi_momenta(of)
    ground, settings = page_colours(dark)
    with journal_style(), rc_context(settings):
        figure = Figure(figsize=(1.65 * COLUMN, 2.5))
        figure.patch.set_facecolor(ground)
        left, right = figure.subplots(1, 2)
        for ax in (left, right):
            ax.set_facecolor("none")
        line = np.concatenate([-p[::-1], p])
        for n, band in enumerate((-1, 1)):
            energy = of.energy(p, band)
            whole = np.concatenate([energy[::-1], energy])
            left.plot(line, whole, color=COLOURS[dark][n], label=NAMES[n])
            for root in roots[n]:
                _contour(right, model, float(root), band, COLOURS[dark][n])
        left.axhline(of.mu, color=INK[dark], lw=0.6, ls=":")
        left.text(1.02, of.mu, "$E_F$", transform=left.get_yaxis_transform(), va="center")
        left.legend(loc="upper center")
        left.set(xlabel="$p_x$ (1/nm)", ylabel=r"$\epsilon$ (eV)")
        size = float(p[-1])
        right.set(xlim=(-size, size), ylim=(-size, size), aspect="equal")
        right.set(xlabel="$p_x$ (1/nm)", ylabel="$p_y$ (1/nm)")
    return figure


def _contour(ax: Axes, model: RashbaGas, momentum: float, band: int, colour: str) -> None:
    circle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(momentum * np.cos(circle), momentum * np.sin(circle), color=colour)
    around = 2 * np.pi * np.arange(ARROWS) / ARROWS
    spin = spin_angle(model, band, around)
    style: dict[str, Any] = {"angles": "xy", "scale": 9, "width": 0.008, "pivot": "mid"}
    ax.quiver(
        momentum * np.cos(around), momentum * np.sin(around), np.cos(spin), np.sin(spin),
        color=colour, zorder=3, **style,
    )  # fmt: skip
