"""What is asked of a molecule or a stack: the structure, the theory, the geometry of the stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, Shape, parameter
from chirospin.molecule.structure import ANGSTROM, Structure, read_structure

Array = NDArray[np.float64]
INTEGRALS = ("amfi", "somf", "zeff", "bare")
SCREENINGS = ("dscf", "dscf+pcm", "born", "none")
HIGHEST = "highest"


class Molecule(Model):
    """A closed-shell molecule from a file of coordinates.

    References
    ----------
    neese_2005, sun_2020
    """

    structure: str = parameter(
        "h2cs",
        symbol="X",
        about="file that ASE reads (XYZ, PDB, CIF), or one that ships: h2co, h2cs, h2cse, h2s2, h2o2",
    )
    frame: int = parameter(0, symbol="n", low=0, about="frame of a file with many, from 0")
    functional: str = parameter(
        "b3lyp", symbol="E_{xc}", about="exchange and correlation, as PySCF names them"
    )
    basis: str = parameter("def2-svp", symbol="\\chi_\\mu", about="all-electron basis set")
    charge: int = parameter(0, symbol="q", low=-20, high=20, about="of each molecule, in e")
    spin_orbit_integrals: str = parameter(
        "amfi",
        symbol="G",
        choices=INTEGRALS,
        about="two-electron part: one-centre blocks, full, effective nuclear charges, or none",
    )
    screening: str = parameter(
        "dscf",
        symbol="U",
        choices=SCREENINGS,
        about="of the repulsion: energies of charged molecules, in a medium, Born's ion, or none",
    )
    dielectric_constant: float = parameter(
        3.0, symbol=r"\varepsilon", low=1, about="of the medium, for dscf+pcm and born"
    )
    born_radius: float | None = parameter(
        None,
        unit="nm",
        symbol="R",
        above=0,
        about="of Born's ion; that of the molecule's cavity if not given",
    )
    pair: str = parameter(
        HIGHEST,
        symbol="ab",
        about="orbitals a and b, as HOMO-1,HOMO; the one ranked highest if not given",
    )
    window: int = parameter(
        6, symbol="w", low=2, high=40, about="orbitals on each side of the gap that are looked at"
    )
    axis: str = parameter(
        "z",
        symbol="n",
        about="stacking axis: x, y, z of the file, normal of the molecule, or [x, y, z]",
    )


class MoleculeStack(Molecule):
    """Molecules along z, carried from one or read from a file that holds them all.

    Molecule i is R_z(i twist) x + i rise z, after `pivot` went to the axis and `tilt` turned it.
    """

    molecules: int = parameter(
        2, symbol="M", low=1, high=100, about="in the stack; those of the file if it holds several"
    )
    twist: float = parameter(
        np.pi / 2,
        unit="rad",
        symbol=r"\varphi",
        about="from one molecule to the next, about the axis",
    )
    rise: float = parameter(
        0.35, unit="nm", symbol="h", above=0, about="from one molecule to the next, along the axis"
    )
    tilt: tuple[float, ...] = parameter(
        (0.0, 0.0),
        unit="rad",
        symbol=r"\theta",
        shape=Shape(axes=(2,)),
        about="turn about x, then about y, after the pivot",
    )
    pivot: str = parameter(
        "centre",
        symbol="p",
        about="what lies on the axis: centre of mass, mid-bond of the heaviest bond, or [x, y] in angstrom",
    )
    handedness: int = parameter(
        1, symbol=r"\chi", choices=(1, -1), about="-1 is the mirror image of all coordinates"
    )
    dimer: str = parameter(
        "scf",
        symbol="F",
        choices=("scf", "frozen"),
        about="Fock operator of neighbours: self-consistent, or of the sum of their densities",
    )


@dataclass(frozen=True, kw_only=True)
class Theory:
    """Electronic structure: functional, basis, and the charge of a molecule in e."""

    functional: str
    basis: str
    charge: int


def theory(model: Molecule) -> Theory:
    """The electronic structure that a model asks for."""
    return Theory(
        functional=model.functional.lower(), basis=model.basis.lower(), charge=model.charge
    )


@dataclass(frozen=True, kw_only=True)
class Screening:
    """How the repulsion is screened.

    Parameters
    ----------
    kind : dscf, dscf+pcm, born or none
    dielectric_constant : of the medium; 1 where there is none
    radius : of Born's ion, angstrom; None for that of the molecule's cavity
    """

    kind: str
    dielectric_constant: float
    radius: float | None


def screening(model: Molecule) -> Screening:
    """The screening that a model asks for."""
    medium = model.screening in ("dscf+pcm", "born")
    radius = model.born_radius
    return Screening(
        kind=model.screening,
        dielectric_constant=model.dielectric_constant if medium else 1.0,
        radius=None if radius is None else radius / ANGSTROM,
    )


def named_frame(model: Molecule) -> tuple[str, int]:
    """The file, or the structure that ships, and the number of the frame."""
    return model.structure, model.frame


def frame_of(model: Molecule) -> Structure:
    """The structure as the file has it, angstrom."""
    return read_structure(*named_frame(model))


def axis_text(model: Molecule) -> str:
    """The stacking axis as it was given."""
    return model.axis.strip().lower()


def chosen_pair(model: Molecule) -> tuple[str, str] | None:
    """Names of the orbitals a and b; None for the pair ranked highest.

    Raises
    ------
    ModelError : not two orbitals on one side of the gap
    """
    if model.pair.strip().lower() == HIGHEST:
        return None
    names = [name.strip().upper() for name in model.pair.strip("[]()").split(",")]
    known = orbital_names(model)
    if len(names) != 2 or names[0] == names[1] or not set(names) <= set(known):
        raise ModelError(
            f"Parameter `pair` must be two of {known[0]} ... HOMO or LUMO ... {known[-1]} (the window), as "
            f"HOMO-1,HOMO, but is {model.pair!r}"
        )
    if names[0].startswith("HOMO") != names[1].startswith("HOMO"):
        raise ModelError(
            "Parameter `pair` must be two filled orbitals or two empty ones, since the model counts the "
            f"electrons of one pair, but is {model.pair!r}"
        )
    return names[0], names[1]


def orbital_names(model: Molecule) -> tuple[str, ...]:
    """Orbitals of the window, from the lowest."""
    side = range(model.window)
    below = tuple(f"HOMO-{n}" if n else "HOMO" for n in reversed(side))
    return below + tuple(f"LUMO+{n}" if n else "LUMO" for n in side)


def pair_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Pairs of filled orbitals, then of empty ones, each from the lowest."""
    half = len(names) // 2
    return tuple(
        f"{side[i]},{side[j]}"
        for side in (names[:half], names[half:])
        for i in range(half)
        for j in range(i + 1, half)
    )


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Geometry of a carried stack: angles in rad, rise in angstrom, pivot as given."""

    molecules: int
    twist: float
    rise: float
    tilt: tuple[float, float]
    pivot: str
    handedness: int
    given: bool


def geometry(model: MoleculeStack) -> Geometry:
    """The geometry that a model asks for."""
    carried = {"twist", "rise", "tilt", "pivot"}
    return Geometry(
        molecules=model.molecules,
        twist=model.twist,
        rise=model.rise / ANGSTROM,
        tilt=(model.tilt[0], model.tilt[1]),
        pivot=model.pivot.strip().lower(),
        handedness=model.handedness,
        given=bool(carried & model.model_fields_set),
    )


def frozen_dimer(model: MoleculeStack) -> bool:
    """Whether neighbours keep the densities of molecules alone."""
    return model.dimer == "frozen"


def two_electron_part(model: Molecule) -> str:
    """The two-electron part of the spin-orbit coupling."""
    return model.spin_orbit_integrals
