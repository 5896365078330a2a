"""Point groups of crystals, what they do to tensors, and the grids of k that they map onto themselves."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.crystal.bloch import Array, Integers
from chirospin.wannier.real_space import Operation, WannierMatrices
from chirospin.wannier.system_folder import read_operations
from chirospin.wannier.win_file import read_win

SYMMETRY = 1e-4  # nm within which atoms of a file are images of one another
INTEGER = 1e-3  # by which an operation may miss integers in units of the lattice
AXIAL = {"charge": False, "edelstein": True, "slope": True, "orbital": True, "operator": True}


def octahedral() -> tuple[Operation, ...]:
    """The rotations of a cube, each with and without time reversal."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            R = np.eye(3)[list(order)] * np.array(signs)
            if np.linalg.det(R) > 0:
                found += [Operation(rotation=R, reversal=reversal) for reversal in (False, True)]
    return tuple(found)


def declared_group(choice: str, matrices: WannierMatrices | None) -> tuple[Operation, ...] | None:
    """The point group of a crystal, or None where nothing says it.

    Parameters
    ----------
    choice : auto, none, or a file pointgroup.npz or prefix.win

    Raises
    ------
    ModelError : no such file, or one that holds no group
    """
    if choice == "none":
        return None
    if choice == "auto":
        if matrices is None or matrices.operations is not None:
            return None if matrices is None else matrices.operations
        return _of_atoms(matrices.lattice, matrices.positions, matrices.species)
    path = Path(choice)
    if path.suffix == ".npz" and path.is_file():
        return read_operations(path)
    if path.suffix == ".win" and path.is_file():
        win = read_win(path)
        found = None if win.lattice is None else _of_atoms(win.lattice, win.positions, win.species)
        if found is not None:
            return found
    raise ModelError(
        "Parameter `point_group` must be auto, none, a pointgroup.npz, or a .win with its cell and atoms, "
        f"but is {choice!r}"
    )


def _of_atoms(
    lattice: Array, positions: Array | None, species: tuple[str, ...]
) -> tuple[Operation, ...] | None:
    """Rotations of the space group of the atoms, each with and without time reversal."""
    if positions is None or not len(positions):
        return None
    import spglib

    kinds = [sorted(set(species)).index(symbol) for symbol in species]
    handed = lattice * np.sign(np.linalg.det(lattice))  # inversion leaves the integers as they are
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its way to report errors, None
        found = spglib.get_symmetry_dataset(
            (handed.tolist(), positions.tolist(), kinds), symprec=SYMMETRY
        )
    if found is None:
        return None
    unique = np.unique(np.asarray(found.rotations), axis=0)
    turned = [lattice.T @ W @ np.linalg.inv(lattice.T) for W in unique]
    return tuple(Operation(rotation=R, reversal=t) for R in turned for t in (False, True))


def on_reciprocal(operation: Operation, cell: Array) -> Integers:
    """What k in units of the reciprocal vectors becomes, with the sign of time reversal: k' = G k.

    Raises
    ------
    ModelError : the operation does not map the lattice onto itself
    """
    into = np.linalg.inv(cell.T) @ operation.rotation @ cell.T
    G = np.rint(into)
    if np.abs(into - G).max() > INTEGER:
        raise ModelError(
            "Parameter `point_group` must map the lattice onto itself, but one of its rotations does not: "
            "it is of another cell or another setting"
        )
    return np.asarray((-G if operation.reversal else G).astype(np.int64))


def projected(name: str, tensor: Array, operations: tuple[Operation, ...]) -> Array:
    """The mean of a Cartesian tensor over the group; spin and orbital moment are axial vectors.

    Time reversal turns an even number of signs of each of them.
    """
    out = np.zeros_like(tensor)
    for operation in operations:
        turned = tensor
        for axis in range(
            tensor.ndim - 4 if name in ("slope", "operator") else tensor.ndim - 2, tensor.ndim
        ):
            turned = np.moveaxis(np.tensordot(operation.rotation, turned, axes=(1, axis)), 0, axis)
        out += turned * (np.linalg.det(operation.rotation) if AXIAL[name] else 1.0)
    return out / len(operations)


def allows(
    G: list[Integers], points: tuple[int, int, int], shift: tuple[float, float, float]
) -> bool:
    """Whether every operation maps the grid (i + s)/N onto itself."""
    N, s = np.array(points), np.array(shift)
    for g in G:
        if any(g[a, b] and N[a] != N[b] for a in range(3) for b in range(3)):
            return False
        apart = g @ s - s
        if np.abs(apart - np.rint(apart)).max() > 1e-9:
            return False
    return True


def allowed_shifts(
    G: list[Integers], points: tuple[int, int, int]
) -> list[tuple[float, float, float]]:
    """Shifts of halves that the group allows, the one with most halves first, the unshifted grid last."""
    halves = (0.0, 0.5)
    every = [(a, b, c) for a in halves for b in halves for c in halves]
    found = [s for s in every if allows(G, points, s)]
    return sorted(found, key=lambda s: (-sum(s), s))


def irreducible(
    G: list[Integers], points: tuple[int, int, int], shift: tuple[float, float, float]
) -> tuple[Integers, Integers]:
    """Where the representative of every point stands, and the size of its star there.

    Returns
    -------
    representative : flat index of the smallest image of every point
    weight : number of points of the star at a representative, 0 elsewhere
    """
    twice = [round(2 * s) for s in shift]  # shifts of a reduced grid are halves
    axes = np.meshgrid(*(np.arange(n, dtype=np.int32) for n in points), indexing="ij")
    numerator = [(2 * axis + s).ravel() for axis, s in zip(axes, twice, strict=True)]
    smallest = np.arange(int(np.prod(points)), dtype=np.int32)
    for g in sorted({tuple(one.ravel().tolist()) for one in G}):
        # all directions that g mixes have the same N, so that it acts on the numerators
        flat = np.zeros_like(smallest)
        for a in range(3):
            terms = (c * x for c, x in zip(g[3 * a : 3 * a + 3], numerator, strict=True) if c)
            turned = sum(terms, start=np.int32(-twice[a])) >> 1
            flat = flat * points[a] + turned % points[a]
        np.minimum(smallest, flat, out=smallest)
    return smallest.astype(np.int64), np.bincount(smallest, minlength=len(smallest))
