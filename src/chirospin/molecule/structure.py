"""Coordinates: read, refused, cut into molecules, turned and stacked. Angstrom throughout."""

from __future__ import annotations

import ast
import itertools
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.extras import installing
from chirospin.molecule.builder import built, is_smiles

Array = NDArray[np.float64]
ANGSTROM = 0.1
"""nm."""
HEAVIEST = 36
"""Krypton: beyond, basis sets replace the core by a potential, and its spin-orbit coupling with it."""
OVERLAPPING = 0.5
"""Of the sum of covalent radii: no bond is shorter (that of hydrogen is 1.19 of it)."""
BONDED = 1.25
"""Of the sum of covalent radii: bonds end at 1.1, and molecules that touch begin at 1.6."""
CLOSEST = 0.6
"""Of the van-der-Waals distance: neighbours that are closer are no stack."""
CAVITY = 1.2
"""Of the van-der-Waals radii: spheres of a polarisable continuum, by default in PySCF too."""
MOST_ATOMS = 2000
"""In a file: a stack of hundreds of molecules."""
LARGEST_COORDINATE = 1e5
"""angstrom."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Atoms: element symbols and positions (atom, component), angstrom."""

    symbols: tuple[str, ...]
    positions: Array

    def at(self, positions: Array) -> Structure:
        """The same atoms at other places."""
        return Structure(symbols=self.symbols, positions=positions)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Atomic numbers."""
        from ase.data import atomic_numbers

        return np.array([atomic_numbers[s] for s in self.symbols])


def require_abinitio() -> None:
    """Refuse where the packages for molecules are missing.

    Raises
    ------
    ModelError : naming the extra
    """
    for package in ("pyscf", "ase"):
        if find_spec(package) is None:
            raise ModelError(
                f"The family molecule needs the package {package}: {installing('abinitio')}"
            )


def shipped() -> tuple[str, ...]:
    """Names of the structures that ship with the package."""
    folder = files("chirospin.molecule").joinpath("structures")
    return tuple(
        sorted(p.name.removesuffix(".xyz") for p in folder.iterdir() if p.name.endswith(".xyz"))
    )


def _located(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path
    stem = name.removesuffix(".xyz")
    if stem in shipped():
        return Path(str(files("chirospin.molecule").joinpath("structures", f"{stem}.xyz")))
    raise ModelError(
        f"Parameter `structure` must be a file that exists or one of {', '.join(shipped())}, but is {name!r}"
    )


def read_structure(name: str, frame: int = 0) -> Structure:
    """A frame of a file of coordinates, or a structure that ships; molecules of a cell are made whole.

    Raises
    ------
    ModelError : no such file or frame, no structure, frames of different atoms, atoms that overlap, an
        element beyond krypton
    """
    frames = _all_frames(name)
    if frame >= len(frames):
        raise ModelError(
            f"Parameter `frame` must be an integer in [0, {len(frames) - 1}] for {name}, but is {frame}"
        )
    return frames[frame]


def frame_count(name: str) -> int:
    """How many frames a file has."""
    return len(_all_frames(name))


def _all_frames(name: str) -> tuple[Structure, ...]:
    require_abinitio()
    if is_smiles(name):
        return _built(name)
    path = _located(name)
    return _frames(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _built(name: str) -> tuple[Structure]:
    """The one frame of a SMILES string, its bonds compared with those that are drawn.

    Raises
    ------
    ModelError : a geometry whose distances give other molecules than the string
    """
    atoms, _ = built(name)
    found = _checked(atoms, name, 0)
    if connected_parts(found)[0] > 1:
        raise ModelError(
            f"Parameter `structure` must be a file for {name!r}: the geometry that RDKit builds falls apart"
        )
    return (found,)


@lru_cache(maxsize=16)
def _frames(path: Path, stamp: int) -> tuple[Structure, ...]:
    import warnings

    from ase.io import read

    if path.suffix == ".xyz" and path.is_file():
        _refuse_missing_atoms(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Any = read(path, index=":")
    except Exception as error:  # every format has kinds of its own
        words = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"Parameter `structure` must be a file of coordinates that ASE reads, but {path} is not: {words}"
        ) from None
    if not found or not len(found[0]):
        raise ModelError(f"Parameter `structure` must hold atoms, but {path} has none")
    for n, atoms in enumerate(found):
        if atoms.get_chemical_symbols() != found[0].get_chemical_symbols():
            raise ModelError(
                f"Parameter `structure` must have the same atoms in every frame, but {path} has others in "
                f"frame {n} than in frame 0"
            )
    return tuple(_checked(atoms, path, n) for n, atoms in enumerate(found))


def _refuse_missing_atoms(path: Path) -> None:
    """Refuse a frame that ends before its number of atoms, for which ASE would make room."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for frame in itertools.count():
            head = next(lines, "").strip()
            if not (head.isascii() and head.isdigit()):
                return  # the end, or no number: ASE says what is wrong
            atoms = int(head[:12])
            held = sum(1 for _ in itertools.islice(lines, atoms + 1)) - 1
            if held < atoms:
                raise ModelError(
                    f"Parameter `structure` must be a file of whole frames, but {path}, frame {frame} has "
                    f"{max(held, 0)} of {atoms} atoms"
                )


def _checked(atoms: Any, path: Path | str, frame: int) -> Structure:
    from ase.data import chemical_symbols, covalent_radii

    where = f"{path}, frame {frame}" if frame else str(path)
    numbers, places = atoms.get_atomic_numbers(), np.asarray(atoms.get_positions(), dtype=float)
    if len(numbers) > MOST_ATOMS:
        raise ModelError(
            f"Parameter `structure` must have at most {MOST_ATOMS} atoms, but {where} has {len(numbers)}"
        )
    for n, Z in enumerate(numbers):
        if Z < 1:
            raise ModelError(
                f"Parameter `structure` must name elements, but atom {n + 1} of {where} is none"
            )
        if Z > HEAVIEST:
            raise ModelError(
                f"Parameter `structure` must have no element beyond Kr, but atom {n + 1} of {where} is "
                f"{chemical_symbols[Z]}: its basis sets hide the core, and the spin-orbit coupling with it; "
                "it needs a relativistic all-electron basis and a two-component code"
            )
    if not np.isfinite(places).all() or np.abs(places).max() > LARGEST_COORDINATE:
        raise ModelError(
            f"Parameter `structure` must have finite coordinates, but {where} has others"
        )
    if atoms.pbc.any() and abs(np.linalg.det(np.asarray(atoms.cell))) > 1e-6:
        places = _whole(atoms, where)
    radii = covalent_radii[numbers]
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * np.eye(len(places))
    i, j = np.unravel_index(int(np.argmin(apart / (radii[:, None] + radii))), apart.shape)
    if apart[i, j] < OVERLAPPING * (radii[i] + radii[j]):
        raise ModelError(
            f"Parameter `structure` must have atoms apart, but atoms {i + 1} and {j + 1} of {where} are "
            f"{apart[i, j]:.3f} angstrom apart; are the coordinates in angstrom?"
        )
    return Structure(symbols=tuple(atoms.get_chemical_symbols()), positions=places)


def _whole(atoms: Any, where: str) -> Array:
    """Positions in a cell with every molecule whole."""
    from ase import neighborlist

    near: Any = neighborlist
    first, second, shift = near.neighbor_list(
        "ijS", atoms, near.natural_cutoffs(atoms, mult=BONDED)
    )
    places = np.asarray(atoms.get_positions(), dtype=float)
    images: dict[int, Any] = {}
    for start in range(len(atoms)):
        if start in images:
            continue
        images[start] = np.zeros(3, dtype=int)
        queue = deque([start])
        while queue:
            i = queue.popleft()
            for j, step in zip(second[first == i], shift[first == i], strict=True):
                image = images[i] + step
                if int(j) not in images:
                    images[int(j)] = image
                    queue.append(int(j))
                elif (images[int(j)] != image).any():
                    raise ModelError(
                        f"Parameter `structure` must hold molecules, but bonds of {where} go on for ever "
                        "through the cell"
                    )
    cell = np.asarray(atoms.cell)
    whole = np.array([places[n] + images[n] @ cell for n in range(len(atoms))])
    return _beside(whole, first, second, cell)


def _beside(places: Array, first: Any, second: Any, cell: Array) -> Array:
    """Whole molecules in those of their images that lie next to each other, nearest first."""
    from itertools import product

    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joined = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(places),) * 2)
    count, label = connected_components(joined, directed=False)
    shifts = np.array(list(product((-1, 0, 1), repeat=3))) @ cell
    centres = np.array([places[label == n].mean(axis=0) for n in range(count)])
    found, last, left = places.copy(), centres[0], set(range(1, count))
    while left:
        reach = {n: np.linalg.norm(centres[n] + shifts - last, axis=1) for n in sorted(left)}
        n = min(reach, key=lambda one: float(reach[one].min()))
        shift = shifts[int(reach[n].argmin())]
        found[label == n] += shift
        last = centres[n] + shift
        left.remove(n)
    return found


def bonded_atoms(structure: Structure) -> NDArray[np.bool_]:
    """Which atoms are bonded, by covalent radii."""
    from ase.data import covalent_radii

    radii = covalent_radii[structure.numbers]
    apart = np.linalg.norm(structure.positions[:, None] - structure.positions, axis=-1)
    bonded: NDArray[np.bool_] = apart < BONDED * (radii[:, None] + radii)
    np.fill_diagonal(bonded, val=False)
    return bonded


def connected_parts(structure: Structure) -> tuple[int, NDArray[np.int32]]:
    """How many molecules the bonds join, and the number of each atom's."""
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(bonded_atoms(structure), directed=False)
    return int(count), np.asarray(label)


def molecules(structure: Structure) -> list[Structure]:
    """The molecules of a structure, by connectivity, in the order along z.

    Raises
    ------
    ModelError : molecules of different atoms
    """
    count, label = connected_parts(structure)
    parts = [
        Structure(
            symbols=tuple(np.array(structure.symbols)[label == n]),
            positions=structure.positions[label == n],
        )
        for n in range(count)
    ]
    sizes = sorted({"".join(sorted(part.symbols)) for part in parts})
    if len(sizes) > 1:
        words = ", ".join(formula(part) for part in parts[:6])
        raise ModelError(
            f"Parameter `structure` must hold one molecule or equal ones, but its bonds cut it into {words}"
        )
    return sorted(parts, key=lambda part: float(centre(part)[2]))


def formula(structure: Structure) -> str:
    """Chemical formula."""
    from ase.formula import Formula

    return str(Formula.from_list(list(structure.symbols)).format("hill"))


def centre(structure: Structure) -> Array:
    """Centre of mass, angstrom."""
    from ase.data import atomic_masses

    weight = atomic_masses[structure.numbers]
    return np.asarray(weight @ structure.positions / weight.sum())


def direction(structure: Structure, text: str) -> Array:
    """Unit vector of the stacking axis: x, y, z, normal, or three numbers.

    Raises
    ------
    ModelError : none of these
    """
    known = {"x": (1.0, 0, 0), "y": (0, 1.0, 0), "z": (0, 0, 1.0)}
    if text in known:
        return np.array(known[text])
    if text == "normal":
        return normal(structure)
    vector = _numbers(text, 3)
    size = 0.0 if vector is None else float(np.linalg.norm(vector))
    if vector is None or not 1e-6 < size < 1e6:
        raise ModelError(
            "Parameter `axis` must be x, y, z, normal or three numbers as [0, 0, 1], not all 0, "
            f"but is {text!r}"
        )
    return vector / size


def normal(structure: Structure) -> Array:
    """The direction along which a molecule is thinnest; nearest z where several are."""
    around = structure.positions - centre(structure)
    size, axes = np.linalg.eigh(around.T @ around)
    thin = axes[:, size < size[0] + 1e-3]
    along = thin @ (thin.T @ np.array([0.0, 0.0, 1.0]))
    length = np.linalg.norm(along)
    found = along / length if length > 1e-3 else axes[:, 0]
    return found * (1 if found[int(np.argmax(np.abs(found)))] > 0 else -1)


def _numbers(text: str, count: int) -> Array | None:
    try:
        found = np.array(ast.literal_eval(text if text.startswith(("[", "(")) else f"[{text}]"))
        vector = found.astype(float)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return vector if vector.shape == (count,) and bool(np.isfinite(vector).all()) else None


def upright(structure: Structure, axis: Array) -> Structure:
    """Turned by the smallest angle so that the axis is z."""
    return structure.at(structure.positions @ onto_z(axis).T)


def onto_z(axis: Array) -> Array:
    """The smallest rotation that turns a unit vector to z, (3, 3)."""
    z = np.array([0.0, 0.0, 1.0])
    cosine = float(axis @ z)
    if cosine < -1 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    v = np.cross(axis, z)
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine))


def pivot_of(structure: Structure, text: str) -> Array:
    """The point (x, y) that goes to the stacking axis, angstrom.

    Raises
    ------
    ModelError : not centre, mid-bond or two numbers
    """
    if text in ("centre", "center"):
        return centre(structure)[:2]
    if text == "mid-bond":
        return _mid_bond(structure)[:2]
    numbers = _numbers(text.removesuffix("angstrom").strip(), 2)
    if numbers is None:
        raise ModelError(
            "Parameter `pivot` must be centre, mid-bond or two numbers as [0.8, 0] (in angstrom), "
            f"but is {text!r}"
        )
    return numbers


def _mid_bond(structure: Structure) -> Array:
    """Middle of the bond with the largest product of atomic numbers, the shortest of equal ones."""
    numbers, places = structure.numbers, structure.positions
    pairs = np.argwhere(np.triu(bonded_atoms(structure)))
    if not len(pairs):
        raise ModelError(
            "Parameter `pivot` must be centre or two numbers where there is no bond, but is mid-bond"
        )
    rank = [
        (-numbers[i] * numbers[j], round(float(np.linalg.norm(places[i] - places[j])), 3))
        for i, j in pairs
    ]
    i, j = pairs[min(range(len(pairs)), key=rank.__getitem__)]
    return np.asarray((places[i] + places[j]) / 2)


def turn(angle: float, axis: int) -> Array:
    """Rotation by an angle about x, y or z, (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


MIRROR = np.diag([1.0, -1.0, 1.0])
"""Reflection in the plane of x and z, which holds the stacking axis."""


def superposed(reference: Structure, other: Structure) -> tuple[Array, NDArray[np.int64], float]:
    """Rotation and order that lay a reference upon another molecule of the same atoms.

    Returns
    -------
    rotation (3, 3), order of the other's atoms, root mean square distance in angstrom
    """
    from scipy.optimize import linear_sum_assignment

    a = reference.positions - reference.positions.mean(axis=0)
    b = other.positions - other.positions.mean(axis=0)
    same = np.array(reference.symbols)[:, None] == np.array(other.symbols)
    found = []
    if reference.symbols == other.symbols:
        found.append((np.arange(len(a)), *_rigid(a, b)))
    prints = [np.sort(np.linalg.norm(x[:, None] - x, axis=-1), axis=1) for x in (a, b)]
    cost = np.linalg.norm(prints[0][:, None] - prints[1], axis=-1) + 1e6 * ~same
    order = linear_sum_assignment(cost)[1]
    for _ in range(5):
        rotation, _distance = _rigid(a, b[order])
        near = np.linalg.norm((a @ rotation.T)[:, None] - b, axis=-1) + 1e6 * ~same
        order = linear_sum_assignment(near)[1]
    found.append((order, *_rigid(a, b[order])))
    order, rotation, distance = min(
        found, key=lambda one: one[2] + (1e-3 if one is found[-1] else 0)
    )
    return rotation, order, distance


def _rigid(a: Array, b: Array) -> tuple[Array, float]:
    """Best proper rotation of a upon b and the distance that is left."""
    u, _, vt = np.linalg.svd(b.T @ a)
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return rotation, float(np.sqrt(((a @ rotation.T - b) ** 2).sum(axis=1).mean()))


def refuse_close(lower: Structure, upper: Structure) -> None:
    """Refuse neighbours that touch.

    Raises
    ------
    ModelError : atoms closer than :data:`CLOSEST` of their van-der-Waals distance
    """
    radii = [_van_der_waals(one) for one in (lower, upper)]
    apart = np.linalg.norm(lower.positions[:, None] - upper.positions, axis=-1)
    ratio = apart / (radii[0][:, None] + radii[1])
    i, j = np.unravel_index(int(np.argmin(ratio)), ratio.shape)
    if ratio[i, j] < CLOSEST:
        raise ModelError(
            f"Neighbours in the stack must be at least {CLOSEST:g} of the van-der-Waals distance apart, but "
            f"{lower.symbols[i]} and {upper.symbols[j]} are {apart[i, j]:.2f} angstrom apart ({ratio[i, j]:.2f} of "
            "it); raise `rise`, or change `axis`, `tilt` or `pivot`"
        )


def _van_der_waals(structure: Structure) -> Array:
    from ase.data.vdw import vdw_radii

    radii = vdw_radii[structure.numbers]
    return np.asarray(np.where(np.isfinite(radii), radii, 2.0))


def cavity_radius(structure: Structure, spacing: float = 0.1) -> float:
    """Radius of the sphere with the volume of the molecule's cavity in a medium, angstrom.

    The cavity is that of polarisable continua: van-der-Waals spheres larger by :data:`CAVITY`.
    """
    radii, places = CAVITY * _van_der_waals(structure), structure.positions
    low, high = places.min(axis=0) - radii.max(), places.max(axis=0) + radii.max()
    x, y, z = (np.arange(a, b + spacing, spacing) for a, b in zip(low, high, strict=True))
    inside = np.zeros((len(x), len(y), len(z)), dtype=bool)
    for place, radius in zip(places, radii, strict=True):
        square = [(axis - c) ** 2 for axis, c in zip((x, y, z), place, strict=True)]
        inside |= square[0][:, None, None] + square[1][:, None] + square[2] < radius**2
    return float((3 * inside.sum() * spacing**3 / (4 * np.pi)) ** (1 / 3))
