"""Symmetry of a molecule: its mirror planes, twofold axes and inversion, orbitals in them, selection rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.molecule.mean_field import Ground
from chirospin.molecule.structure import Structure, centre

Array = NDArray[np.float64]
Signs = NDArray[np.int64]
SAME_PLACE = 5e-3
"""angstrom: coordinates of files have three decimals."""
DEGENERATE = 2e-5
"""hartree: orbitals closer than the integration grid splits equal ones are mixtures that mean nothing."""
PURE = 0.98
"""Of an orbital's norm: below, it has no parity under an operation."""
MOST_AXES = 400  # directions that are tried


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A symmetry of the molecule of order two.

    Parameters
    ----------
    name : in words, with the direction of axis or normal
    matrix : (3, 3), orthogonal
    order : where each atom goes
    """

    name: str
    matrix: Array
    order: NDArray[np.int64]

    @property
    def is_mirror(self) -> bool:
        """Whether it is a reflection."""
        return bool(np.linalg.det(self.matrix) < 0 and np.trace(self.matrix) > 0)


def operations(structure: Structure) -> tuple[Operation, ...]:
    """Mirror planes, twofold axes and inversion; planes first, those across z before others."""
    places = structure.positions - centre(structure)
    found = []
    for n in _directions(structure, places):
        twofold = 2 * np.outer(n, n) - np.eye(3)
        words = _direction_words(n)
        found += [
            Operation(name=name, matrix=matrix, order=order)
            for name, matrix in (
                (f"the mirror plane across {words}", -twofold),
                (f"the twofold axis along {words}", twofold),
            )
            if (order := _moved(structure, places, matrix)) is not None
        ]
    inverted = _moved(structure, places, -np.eye(3))
    if inverted is not None:
        found.append(Operation(name="inversion", matrix=-np.eye(3), order=inverted))
    return tuple(sorted(found, key=lambda one: not one.is_mirror))


def _directions(structure: Structure, places: Array) -> list[Array]:
    """Axes that a symmetry may have, without repetition; z, x, y first."""
    tensor = places.T @ places
    axes = [np.array(v) for v in ((0.0, 0, 1), (1.0, 0, 0), (0, 1.0, 0))]
    axes += list(np.linalg.eigh(tensor)[1].T)
    numbers = structure.numbers
    alike = [(i, j) for i in range(len(places)) for j in range(i) if numbers[i] == numbers[j]]
    for i, j in alike:
        axes += [places[i] - places[j], places[i] + places[j], np.cross(places[i], places[j])]
        if len(axes) > 20 * MOST_AXES:
            break
    directions: list[Array] = []
    for axis in axes:
        size = np.linalg.norm(axis)
        if size < 1e-2 or len(directions) >= MOST_AXES:
            continue
        unit = axis / size
        if all(abs(unit @ other) < 1 - 1e-5 for other in directions):
            directions.append(unit)
    return directions


def _moved(structure: Structure, places: Array, matrix: Array) -> NDArray[np.int64] | None:
    """Where each atom goes; None where the molecule does not come to lie on itself."""
    apart = np.linalg.norm((places @ matrix.T)[:, None] - places, axis=-1)
    apart += 1e3 * (structure.numbers[:, None] != structure.numbers)
    order = apart.argmin(axis=1)
    fits = apart[np.arange(len(order)), order].max() < SAME_PLACE
    return order if fits and len(set(order.tolist())) == len(order) else None


def _direction_words(n: Array) -> str:
    for name, axis in zip("xyz", np.eye(3), strict=True):
        if abs(n @ axis) > 1 - 1e-4:
            return name
    signed = n * (1 if n[int(np.argmax(np.abs(n)))] > 0 else -1)
    return "({})".format(", ".join(f"{c + 0:.2f}" for c in np.round(signed, 2) + 0.0))


def turned_orbitals(basis: Any, matrix: Array) -> Array:
    """The matrix that carries orbital coefficients along when all atoms go from x to R x, (basis, basis).

    A reflection is a rotation and an inversion, under which functions of odd l change sign.
    """
    from pyscf.gto.mole import ao_rotation_matrix

    sign = np.sign(np.linalg.det(matrix))
    carried = np.asarray(ao_rotation_matrix(basis, (sign * matrix).T))
    if sign > 0:
        return carried
    parity = [
        np.full((2 * basis.bas_angular(n) + 1) * basis.bas_nctr(n), (-1.0) ** basis.bas_angular(n))
        for n in range(basis.nbas)
    ]
    return np.asarray(np.concatenate(parity)[:, None] * carried)


def orbital_matrix(state: Ground, operation: Operation) -> Array:
    """An operation on orbital coefficients of the molecule that it leaves as it is, (basis, basis)."""
    carried = turned_orbitals(state.basis, operation.matrix)
    places = state.basis.aoslice_by_atom()[:, 2:]
    found = np.empty_like(carried)
    for atom, image in enumerate(operation.order):
        (a, b), (c, d) = places[atom], places[image]
        found[c:d] = carried[a:b]
    return found


def adapted(state: Ground, operations: tuple[Operation, ...]) -> Array:
    """Orbitals of which degenerate ones have parities, (basis, orbital): planes are tried first.

    Exactly degenerate orbitals come out as arbitrary mixtures, which no parameter may depend on.
    """
    coefficients = state.coefficients.copy()
    energies = state.energies
    edges = np.flatnonzero(np.diff(energies) > DEGENERATE) + 1
    for group in np.split(np.arange(len(energies)), edges):
        parts = [group] if len(group) > 1 else []
        for operation in operations if parts else ():
            matrix = state.overlap @ orbital_matrix(state, operation)
            parts = [piece for part in parts for piece in _split(coefficients, part, matrix)]
    return coefficients


def _split(coefficients: Array, part: NDArray[np.int64], matrix: Array) -> list[NDArray[np.int64]]:
    """Rotate a degenerate set to parities in place; the sets of equal parity."""
    if len(part) < 2:
        return [part]
    own = coefficients[:, part].T @ matrix @ coefficients[:, part]
    parity, mixed = np.linalg.eigh((own + own.T) / 2)
    coefficients[:, part] = coefficients[:, part] @ mixed
    return np.split(part, np.flatnonzero(np.diff(parity) > 0.5) + 1)


def parities(
    state: Ground, orbitals: Array, operations: tuple[Operation, ...]
) -> NDArray[np.int64]:
    """Parity of orbitals under each operation, (operation, orbital): +1, -1, or 0 for none."""
    rows = []
    for operation in operations:
        matrix = state.overlap @ orbital_matrix(state, operation)
        value = np.einsum("mi,mn,ni->i", orbitals, matrix, orbitals)
        rows.append(np.where(np.abs(value) > PURE, np.sign(value), 0))
    return np.array(rows, dtype=int).reshape(len(operations), orbitals.shape[1])


def allowed_directions(operations: tuple[Operation, ...], a: Signs, b: Signs) -> Array:
    r"""Projector on the directions that symmetry leaves to the spin-orbit vector of two orbitals, (3, 3).

    An axial vector between real orbitals of parities p: :math:`\Lambda = p_a p_b \det(O)\, O \Lambda`.
    """
    broken = reduce(
        np.add,
        (
            _forbidden(operation, int(p), int(q))
            for operation, p, q in zip(operations, a, b, strict=True)
        ),
        np.zeros((3, 3)),
    )
    size, axes = np.linalg.eigh(broken)
    free = axes[:, size < 1e-6]
    return np.asarray(free @ free.T)


def _forbidden(operation: Operation, p: int, q: int) -> Array:
    if p * q == 0:
        return np.zeros((3, 3))
    matrix = operation.matrix
    return np.asarray((np.eye(3) - p * q * np.linalg.det(matrix) * matrix) / 2)


def reason(operations: tuple[Operation, ...], a: Signs, b: Signs, axis: Array) -> str:
    """Why symmetry leaves a pair no spin-orbit vector across an axis, in words; empty where it does."""
    allowed = allowed_directions(operations, a, b)
    across = np.eye(3) - np.outer(axis, axis)
    if np.trace(across @ allowed @ across) > 1e-6:
        return ""
    words = {1: "even", -1: "odd"}
    causes = [
        f"both are {words[int(p)]} under {operation.name}"
        if p == q
        else f"they are {words[int(p)]} and {words[int(q)]} under {operation.name}"
        for operation, p, q in zip(operations, a, b, strict=True)
        if p * q and np.trace(across @ _forbidden(operation, int(p), int(q))) > 1 - 1e-6
    ]
    left = "along the stacking axis only" if np.trace(allowed) > 0.5 else "zero"
    return f"Lambda is {left}: " + " and ".join(causes[:2])


def block(*matrices: Array) -> Array:
    """Matrices of molecules as one of all of them."""
    return np.asarray(scipy.linalg.block_diag(*matrices))
