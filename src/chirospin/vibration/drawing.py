"""A level and its vibrations as a picture: energies, spectrum of the bath, what the couplings point along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chirospin.base.drawing import (
    HALF,
    PALETTES,
    energy_range,
    line,
    only_energies,
    reservoir,
    rings,
    sheet,
    spin_levels,
)
from chirospin.base.figures import COLUMN
from chirospin.base.spin import PAULI
from chirospin.vibration.model import Complex, Level, Vibration, bath, level_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 3.4)
SAMPLES = 400  # of a continuous spectrum


def level_drawing(model: Vibration, *, dark: bool = False) -> Figure:
    """Level and reservoir, spectrum of the vibrations, and the vectors of field and couplings."""
    of = level_of(model)
    with sheet(SIZE, "AB;CC", dark=dark, height_ratios=(2.0, 1.1)) as (figure, axes):
        _energies(axes["A"], of, dark=dark)
        _spectrum(axes["B"], model, of, dark=dark)
        _vectors(axes["C"], of, dark=dark)
    return figure


def _energies(ax: Axes, of: Level, *, dark: bool) -> None:
    """Both levels from the chemical potential, beside the occupation that the temperature gives."""
    energies = np.linalg.eigvalsh(of.energy).tolist()
    colours = PALETTES[dark].bands
    around = (-2 * of.thermal_energy, 2 * of.thermal_energy)
    energy_range(ax, [*energies, *around], r"\epsilon - \mu", "meV")
    reservoir(ax, 0.0, "electrons", 0.0, of.thermal_energy, dark=dark)
    spin_levels(ax, 1.0, energies, colours)
    for energy in energies:
        if of.width:
            line(ax, (HALF, energy), (1 - HALF, energy), 1.5, dark=dark, strength=0.3)
    width = rf"$\gamma = {of.width:.3g}$ meV" if of.width else "no contact"
    ax.text(0.5, 0.04, width, transform=ax.transAxes, ha="center", size=7)
    ax.set_xlim(-0.4, 1.4)
    only_energies(ax)


def _spectrum(ax: Axes, model: Vibration, of: Level, *, dark: bool) -> None:
    """Density of the vibrations, or a stick for each, as high as its coupling."""
    found, colour = bath(model), PALETTES[dark].vector
    ax.set_xlabel(r"$\omega$ (meV)")
    if found.density is None:
        sizes = np.linalg.norm(of.couplings, axis=(1, 2)) / np.sqrt(2)
        ax.vlines(of.frequencies, 0, sizes, color=colour, lw=1.5)
        ax.set(ylabel=r"$|U_q|$ (meV)", xlim=(0, 1.2 * found.highest))
    else:
        omega = np.linspace(found.edges[0], found.edges[-1], SAMPLES + 1)[1:]
        density = found.density(omega)
        ax.fill_between(omega, density, color=colour, alpha=0.25, lw=0)
        ax.plot(omega, density, color=colour)
        ax.set(ylabel=r"$J$ (1/meV)", xlim=(0, 1.05 * found.highest))
    ax.set_ylim(bottom=0)


def _vectors(ax: Axes, of: Level, *, dark: bool) -> None:
    """Field on the spin, and what displacement and momentum of the strongest vibration turn."""
    colours = PALETTES[dark]
    strongest = of.couplings[np.linalg.norm(of.couplings, axis=(1, 2)).argmax()]
    field, coupling = _vector(of.energy).real, _vector(strongest)
    rows = (
        (field, r"\varepsilon_1", colours.moment),
        (coupling.real, r"\mathbf{u}_1", colours.vector),
        (coupling.imag, r"\mathbf{v}_1", colours.vector),
    )
    vectors = [v / (np.linalg.norm(v) or 1.0) for v, _, _ in rows]
    names = [f"${s}$" if np.any(v) else f"${s} = 0$" for v, s, _ in rows]
    rings(ax, vectors, names, [c for _, _, c in rows], dark=dark)
    charge = float(np.trace(strongest).real / 2)
    share = np.linalg.norm(coupling) / (abs(charge) or np.inf)
    words = (
        f"directions,\nseen along $z$\n$|U_1|/u_0 = {share:.3g}$"
        if charge
        else "directions,\nseen along $z$"
    )
    ax.text(-0.75, 0, words, ha="right", va="center", size=7)


def _vector(matrix: Complex) -> Complex:
    """The part of a matrix that multiplies the Pauli matrices, (3,)."""
    return np.asarray(np.einsum("ij,kji->k", matrix, PAULI) / 2)
