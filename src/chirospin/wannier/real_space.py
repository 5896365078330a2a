"""Matrices between Wannier functions in real space, as any file gives them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI
from chirospin.wannier.text_files import Array, broken

Complex = NDArray[np.complex128]
Integers = NDArray[np.int64]
HERMITICITY = 1e-6
"""Largest ``|X(R) - X(-R)^+|`` of a file, eV or hbar: sound files have 3e-11 to 1e-6, from their printed digits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """An element of a magnetic point group.

    Parameters
    ----------
    rotation : on Cartesian columns, shape (3, 3); with a reflection its determinant is -1
    reversal : whether time is reversed too
    """

    rotation: Array
    reversal: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class WannierMatrices:
    r"""Operators between Wannier functions.

    .. math:: X_{mn}(R) = \langle 0m|X|Rn\rangle, \quad X(k) = \sum_R X(R)\, e^{ik\cdot R}

    Parameters
    ----------
    path : where they come from
    lattice : primitive vectors as rows, nm
    vectors : R in units of the lattice, shape (R, 3)
    hamiltonian : eV, shape (R, n, n)
    centres : nm, shape (n, 3), or None where the file has none
    spin : hbar, shape (3, R, n, n), or None
    position : <0m|r|Rn> with the centres on its diagonal at R = 0, nm, shape (3, R, n, n), or None
    positions, species : of the atoms, in units of the lattice
    spinors : what the input file says, None if nothing
    distances_missing : the input file says use_ws_distance, and nothing here uses them
    operations : the point group that stands in the file, or None
    """

    path: Path
    lattice: Array
    vectors: Integers
    hamiltonian: Complex
    centres: Array | None = None
    spin: Complex | None = None
    position: Complex | None = None
    positions: Array | None = None
    species: tuple[str, ...] = ()
    spinors: bool | None = None
    distances_missing: bool = False
    operations: tuple[Operation, ...] | None = None

    @property
    def functions(self) -> int:
        """Number of Wannier functions."""
        return int(self.hamiltonian.shape[-1])

    def with_spin(self, spin: Complex) -> WannierMatrices:
        """The same with another spin operator."""
        return replace(self, spin=spin)


def opposite(path: Path, vectors: Integers) -> Integers:
    """Where -R stands for every R.

    Raises
    ------
    ModelError : an R is there twice, or -R is missing
    """
    at = {tuple(R): n for n, R in enumerate(vectors.tolist())}
    if len(at) < len(vectors):
        seen: set[tuple[int, ...]] = set()
        for R in map(tuple, vectors.tolist()):
            if R in seen:
                raise broken(path, 0, f"the vector R = {list(R)} is there twice")
            seen.add(R)
    for R in vectors.tolist():
        if tuple(-x for x in R) not in at:
            raise broken(path, 0, f"the vector R = {R} is there without -R")
    return np.array([at[tuple(-x for x in R)] for R in vectors.tolist()])


def hermitian_part(path: Path, vectors: Integers, X: Complex) -> Complex:
    """(X(R) + X(-R)^+)/2, shape (..., R, n, n)."""
    return np.asarray((X + _partner(path, vectors, X)) / 2)


def _partner(path: Path, vectors: Integers, X: Complex) -> Complex:
    """X(-R)^+ at every R."""
    return np.asarray(np.swapaxes(X[..., opposite(path, vectors), :, :], -1, -2).conj())


def hermitian(path: Path, what: str, vectors: Integers, X: Complex) -> Complex:
    """X(R) made equal to X(-R)^+, where rounding alone keeps them apart; shape (..., R, n, n).

    Raises
    ------
    ModelError : they differ by more than rounding, with the element that does most
    """
    partner = _partner(path, vectors, X)
    apart = np.abs(X - partner)
    worst = np.unravel_index(int(apart.argmax()), apart.shape)
    if not apart[worst] <= HERMITICITY:
        r, m, n = worst[-3:]
        raise broken(
            path, 0,
            f"{what} must be Hermitian to {HERMITICITY:g}, but element m = {m + 1}, n = {n + 1} at R = "
            f"{vectors[r].tolist()} differs by {apart[worst]:.3g} from its partner at -R",
        )  # fmt: skip
    return np.asarray((X + partner) / 2)


def pauli_spin(matrices: WannierMatrices, order: str, tolerance: float) -> Complex:
    r"""Spin of functions that come in pairs of one orbital: S = sigma/2 at R = 0, shape (3, R, n, n).

    Parameters
    ----------
    order : interleaved (functions 2i, 2i+1 are up, down) or blocked (i, i + n/2)
    tolerance : largest distance of the centres of a pair, nm

    Raises
    ------
    ModelError : functions without spin, an odd number of them, a pair with centres apart
    """
    n, path = matrices.functions, matrices.path
    remedy = "declare spin=none for bands and conductivity"
    if matrices.spinors is False:
        raise ModelError(
            f"Parameter `spin` must be none for functions without spin, but is pauli-{order}: the input file "
            f"beside {path} says no `spinors`; {remedy}"
        )
    if n % 2:
        raise ModelError(
            f"Parameter `spin` must be file or none for an odd number of functions, but is pauli-{order} "
            f"for {n} in {path}; {remedy}"
        )
    orbitals = np.arange(n // 2)
    up, down = (
        (2 * orbitals, 2 * orbitals + 1)
        if order == "interleaved"
        else (orbitals, orbitals + n // 2)
    )
    if matrices.centres is not None:
        _require_pairs(matrices, up, down, order, tolerance)
    home = int(np.flatnonzero((matrices.vectors == 0).all(axis=1))[0])
    spin = np.zeros((3, *matrices.hamiltonian.shape), dtype=complex)
    for i in range(3):
        for s, one in enumerate((up, down)):
            for t, other in enumerate((up, down)):
                spin[i, home, one, other] = PAULI[i][s, t] / 2
    return spin


def _require_pairs(
    matrices: WannierMatrices, up: Integers, down: Integers, order: str, tolerance: float
) -> None:
    """The two functions of a pair have one centre, up to a lattice vector that is none."""
    assert matrices.centres is not None
    apart = np.linalg.norm(matrices.centres[up] - matrices.centres[down], axis=1)
    worst = int(apart.argmax())
    if apart[worst] > tolerance:
        raise ModelError(
            f"Parameter `spin` must fit the functions, but pauli-{order} pairs {up[worst] + 1} with "
            f"{down[worst] + 1} of {matrices.path}, whose centres are {apart[worst]:.3g} nm apart: they are no "
            f"up and down of one orbital; take the spin from the file, another order, or "
            f"`centre_tolerance` above {tolerance:g}"
        )
