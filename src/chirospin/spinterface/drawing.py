"""A molecule on a spin-orbit metal as a picture: energies, the metal's bands with their spin, vectors, places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chirospin.base.drawing import (
    HALF,
    PALETTES,
    TwoBands,
    bands_and_contours,
    energy_level,
    energy_range,
    line,
    only_energies,
    reservoir,
    rings,
    sheet,
    spin_levels,
)
from chirospin.base.figures import COLUMN, INK
from chirospin.spinterface.algebra import spin_parts
from chirospin.spinterface.gas import Gas, WholeGas, splitting_of, zeeman_energy
from chirospin.spinterface.model import (
    Contact,
    LevelContact,
    SpinOrbitMetal,
    drive_of,
    level_of,
    metal_of,
    ray,
    spin_direction,
    thermal_energy_of,
)
from chirospin.spinterface.molecule import Map, contact_places, map_axes
from chirospin.spinterface.pair import Pair, motion_of
from chirospin.spinterface.quench import Quench, levels_of
from chirospin.spinterface.stability import Stability, request_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 3.6)
LAYOUT = "AB;CD"
SHOWN = 4.0  # k_B T on both sides of a potential
Rows = Sequence[tuple[Any, str, str]]
"""Vectors with symbol and colour."""


def contact_drawing(model: LevelContact, *, dark: bool = False) -> Figure:
    """Lead, level and metal with their energies; bands and spin of the metal; field, magnetisation and direction."""
    with sheet(SIZE, LAYOUT, dark=dark, height_ratios=(2.2, 1.6)) as (figure, axes):
        _energies(axes["A"], model, dark=dark)
        bands_and_contours(axes["B"], axes["D"], _bands(model), dark=dark, second=_second(model))
        _rings(axes["C"], [*_of_the_level(model, dark=dark), *_own(model, dark=dark)], dark=dark)
    return figure


def map_drawing(model: Map, *, dark: bool = False) -> Figure:
    """The same, with the contacts on the map instead of the vectors."""
    with sheet(SIZE, LAYOUT, dark=dark, height_ratios=(2.2, 1.6)) as (figure, axes):
        _energies(axes["A"], model, dark=dark)
        bands_and_contours(axes["B"], axes["D"], _bands(model), dark=dark, second=_second(model))
        _places(axes["C"], model, dark=dark)
    return figure


def metal_only_drawing(model: WholeGas, *, dark: bool = False) -> Figure:
    """Bands of the metal and the spin on its Fermi contours, without the field."""
    with sheet((SIZE[0], 2.5), "AB", dark=dark) as (figure, axes):
        bands_and_contours(axes["A"], axes["B"], _bands(model), dark=dark, second=_second(model))
        zeeman = zeeman_energy(model)
        if zeeman:
            axes["B"].set_title(rf"field along $z$: {zeeman:.3g} eV", loc="left")
    return figure


def gas_states_drawing(model: Gas, *, dark: bool = False) -> Figure:
    """The four states of one wavevector with their energies, and the vector that splits two of them."""
    vector, colours = splitting_of(model), PALETTES[dark]
    band, repulsion = _band_and_repulsion(model)
    split = float(np.linalg.norm(vector))
    states = (0.0, band - split, band + split, 2 * band + repulsion)
    paints = (INK[dark], colours.low, colours.high, INK[dark])
    with sheet((SIZE[0], 2.3), "AB", dark=dark, width_ratios=(2, 1)) as (figure, axes):
        ax = axes["A"]
        low, _ = energy_range(ax, states, "E", "eV")
        for n, (energy, colour) in enumerate(zip(states, paints, strict=True)):
            energy_level(ax, n, energy, colour)
        names = ("empty", "spin down", "spin up", "double")
        for n, name in enumerate(names):
            ax.text(n, low, name, ha="center", va="top", size=7)
        only_energies(ax)
        _rings(axes["B"], [(vector, r"\varepsilon_1", colours.vector)], dark=dark)
    return figure


def _band_and_repulsion(model: Gas) -> tuple[float, float]:
    return model.band_energy, model.repulsion


def pair_drawing(model: Pair, *, dark: bool = False) -> Figure:
    """Energies of two wavevectors, their vectors, and the spin at first."""
    of, colours = motion_of(model), PALETTES[dark]
    energies = [np.linalg.eigvalsh((h + h.conj().T) / 2).tolist() for h in (of.first, of.second)]
    with sheet((SIZE[0], 2.3), "AB", dark=dark, width_ratios=(1, 2)) as (figure, axes):
        ax = axes["A"]
        low, _ = energy_range(ax, np.ravel(energies).tolist(), r"\varepsilon", "eV")
        for n, name in enumerate(("$k$", "$k'$")):
            spin_levels(ax, n, energies[n], colours.bands)
            ax.text(n, low, name, ha="center", va="top")
        only_energies(ax)
        rows = [
            (_vector(of.first), r"\varepsilon_1(k)", colours.vector),
            (_vector(of.second), r"\varepsilon_1(k')", colours.vector),
            (_vector(of.start), r"s(0)", colours.moment),
        ]
        _rings(axes["B"], rows, dark=dark)
    return figure


def quench_drawing(model: Quench, *, dark: bool = False) -> Figure:
    """The level before and after its field ends, beside the metal; bands and spin of the metal."""
    colours, kT = PALETTES[dark].bands, thermal_energy_of(model)
    before, after = zip(*(levels_of(model, m) for m in (1, -1)), strict=True)
    with sheet((SIZE[0], 2.4), "ABC", dark=dark, width_ratios=(1.2, 1, 1)) as (figure, axes):
        ax = axes["A"]
        energy_range(ax, [*before, *after, -SHOWN * kT, SHOWN * kT], r"\varepsilon", "eV")
        reservoir(ax, 2.0, "metal", 0.0, kT, dark=dark)
        for n, energies in enumerate((before, after)):
            spin_levels(ax, n, energies, colours)
        for energy in after:
            line(ax, (1 + HALF, energy), (2 - HALF, energy), 1.5, dark=dark, strength=0.3)
        for n, name in enumerate(("$t < 0$", "$t > 0$")):
            ax.text(n, 1.02, name, transform=ax.get_xaxis_transform(), ha="center")
        ax.set_xlim(-0.5, 2.4)
        only_energies(ax)
        bands_and_contours(axes["B"], axes["C"], _bands(model), dark=dark, second=_second(model))
    return figure


def _bands(model: SpinOrbitMetal) -> TwoBands:
    """Bands from the Fermi level; the spin of the upper one along alpha times its direction."""
    of = metal_of(model)
    upper = 1 if of.alpha >= 0 else -1
    aligned = spin_direction(model, np.array([1.0, 0.0, 0.0]))
    turn = float(np.arctan2(aligned[1], aligned[0]))
    return TwoBands(
        energy=lambda k, band: k**2 / (2 * of.N0) - of.fermi + band * abs(of.alpha) * k,
        spin=lambda band, around: around + turn + (0 if band * upper > 0 else np.pi),
        fermi_energy=0.0,
        reach=of.fermi_momentum + abs(of.a) or 1.0,
    )


def _second(model: SpinOrbitMetal) -> str:
    return "y" if metal_of(model).d == 2 else "z"


def _energies(ax: Axes, model: LevelContact, *, dark: bool) -> None:
    """Lead and metal filled as their Fermi functions say, the level between them."""
    of, drive = level_of(model), drive_of(model)
    energies = np.linalg.eigvalsh(of.energy).tolist()
    metal, lead = drive.thermal_energy, drive.lead_thermal_energy
    around = [-SHOWN * metal, SHOWN * metal, drive.mu - SHOWN * lead, drive.mu + SHOWN * lead]
    energy_range(ax, [*energies, *around], r"\varepsilon", "eV")
    reservoir(ax, 0.0, "lead", drive.mu, lead, dark=dark)
    reservoir(ax, 2.0, "metal", 0.0, metal, dark=dark)
    to_lead, to_metal = bool(np.any(of.lead)), bool(np.any(of.coupling))
    spin_levels(ax, 1.0, energies, PALETTES[dark].bands)
    for energy in energies:
        line(ax, (HALF, energy), (1 - HALF, energy), 1.5 * to_lead, dark=dark, strength=0.3)
        line(ax, (1 + HALF, energy), (2 - HALF, energy), 1.5 * to_metal, dark=dark, strength=0.3)
    ax.text(0.5, 0.03, f"$\\Gamma_L$\n{np.trace(of.lead).real / 2:.3g} eV", **_bottom(ax))
    ax.text(1.5, 0.03, f"$V_0$\n{np.trace(of.coupling).real / 2:.3g}", **_bottom(ax))
    ax.set_xlim(-0.4, 2.4)
    only_energies(ax)


def _of_the_level(model: LevelContact, *, dark: bool) -> Rows:
    of, colours = level_of(model), PALETTES[dark]
    return [
        (_vector(of.energy), r"\Delta", colours.moment),
        (_vector(of.lead), "p_L", colours.moment),
        (_vector(of.coupling), "V_1", colours.vector),
    ]


def _own(model: LevelContact, *, dark: bool) -> Rows:
    """What a contact or a stable moment has beside."""
    colour = INK[dark]
    if isinstance(model, Contact):
        return [(ray(model), r"\hat r", colour)]
    if isinstance(model, Stability):
        return [(request_of(model).axis, "n", colour)]
    return []


def _rings(ax: Axes, rows: Rows, *, dark: bool) -> None:
    """Directions of vectors, each with its own length."""
    vectors = [np.asarray(v, dtype=complex) for v, _, _ in rows]
    vectors = [v.real if np.any(v.real) else v.imag for v in vectors]
    sizes = [float(np.linalg.norm(v)) for v in vectors]
    names = [
        f"${s}$\n{size:.3g}" if size else f"${s} = 0$"
        for (_, s, _), size in zip(rows, sizes, strict=True)
    ]
    unit = [v / (size or 1.0) for v, size in zip(vectors, sizes, strict=True)]
    rings(ax, unit, names, [c for _, _, c in rows], dark=dark)


def _places(ax: Axes, model: Map, *, dark: bool) -> None:
    """Where densities are wanted, and where the molecule touches."""
    from matplotlib.patches import Rectangle

    x, y, z = map_axes(model)
    contacts, colours = contact_places(model), PALETTES[dark]
    spans = [float(np.ptp(v)) for v in (x, y, z)]
    first, second = (0, 1) if spans[1] else (0, 2)
    corner = [float(v.min()) for v in (x, y, z)]
    area = Rectangle(
        (corner[first], corner[second]),
        spans[first],
        spans[second],
        fc=colours.low,
        alpha=0.2,
        lw=0,
    )
    ax.add_patch(area)
    ax.plot(contacts[:, first], contacts[:, second], "o", color=colours.moment)
    ax.set(xlabel=f"${'xyz'[first]}$ (nm)", ylabel=f"${'xyz'[second]}$ (nm)")
    ax.set_aspect("equal", adjustable="datalim")
    ax.autoscale_view()
    ax.set_title("map and contacts", loc="left")


def _vector(matrix: Any) -> Any:
    """The part of a matrix that multiplies the Pauli matrices, (3,)."""
    return spin_parts(matrix)[1:]


def _bottom(ax: Axes) -> dict[str, Any]:
    return {"transform": ax.get_xaxis_transform(), "ha": "center", "size": 6}
