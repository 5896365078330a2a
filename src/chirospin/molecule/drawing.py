"""A molecule or a stack as a picture: atoms and bonds from the side and along the stacking axis, from coordinates alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chirospin.base.drawing import line, sheet
from chirospin.base.figures import COLUMN, INK
from chirospin.molecule.model import Molecule, MoleculeStack, axis_text, frame_of, geometry
from chirospin.molecule.stack import placement, turned_and_raised
from chirospin.molecule.structure import (
    ANGSTROM,
    MIRROR,
    Structure,
    bonded_atoms,
    direction,
    molecules,
    upright,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1.65 * COLUMN, 2.6)
RADIUS = 0.45  # of the covalent radius: balls that let their bonds be seen
BOND = 2.0  # points


def molecule_drawing(model: Molecule, *, dark: bool = False) -> Figure:
    """The molecule with its axis upright."""
    whole = frame_of(model)
    return _two_views([upright(whole, direction(whole, axis_text(model)))], dark=dark)


def stack_of_molecules_drawing(model: MoleculeStack, *, dark: bool = False) -> Figure:
    """The molecules of the stack as they are placed."""
    return _two_views(placed_molecules(model), dark=dark)


def placed_molecules(model: MoleculeStack) -> list[Structure]:
    """Every molecule of a stack: the one of the file carried along the axis, or those that the file holds."""
    whole, asked = frame_of(model), geometry(model)
    parts = molecules(upright(whole, direction(whole, axis_text(model))))
    if len(parts) > 1:
        return [p.at(p.positions @ MIRROR.T) if asked.handedness < 0 else p for p in parts]
    place = placement(parts[0], asked)
    return [turned_and_raised(parts[0], place, asked, n)[0] for n in range(asked.molecules)]


def _two_views(parts: list[Structure], *, dark: bool) -> Figure:
    with sheet(SIZE, "AB", dark=dark) as (figure, axes):
        for name, shown, depth in (("A", (0, 2), 1), ("B", (0, 1), 2)):
            ax = axes[name]
            for part in parts:
                _atoms(ax, part, shown, depth, dark=dark)
            ax.set(xlabel=f"${'xyz'[shown[0]]}$ (nm)", ylabel=f"${'xyz'[shown[1]]}$ (nm)")
            ax.set_aspect("equal", adjustable="datalim")
            ax.autoscale_view()
        axes["A"].set_title("side, axis upright", loc="left")
        axes["B"].set_title("along the axis", loc="left")
    return figure


def _atoms(
    ax: Axes, structure: Structure, shown: tuple[int, int], depth: int, *, dark: bool
) -> None:
    """Balls as large as their atoms, the nearer ones in front."""
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors
    from matplotlib.patches import Circle

    places = structure.positions * ANGSTROM
    flat = places[:, shown]
    for i, j in np.argwhere(np.triu(bonded_atoms(structure))):
        line(ax, flat[i], flat[j], BOND, dark=dark)
    side = 1.0 if depth == 2 else -1.0  # seen from +z, or from -y
    for n in np.argsort(side * places[:, depth]):
        radius = RADIUS * ANGSTROM * covalent_radii[structure.numbers[n]]
        colour = jmol_colors[structure.numbers[n]]
        ax.add_patch(Circle(flat[n], radius, fc=colour, ec=INK[dark], lw=0.4, zorder=3))
