"""A system as WannierBerri saves it: a folder with _XX_R_Ham.npz, iRvec.npz, real_lattice.npz and others.

The `real_lattice` inside pointgroup.npz of older folders holds the reciprocal cell and is not read. Older folders
hold matrices [m, n, R, ...], newer ones [R, m, n, ...]. The position operator is without the centres where the phases
have them (`use_wcc_phase`, always in newer ones).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import UNREADABLE
from chirospin.wannier.real_space import Complex, Integers, Operation, WannierMatrices, opposite
from chirospin.wannier.text_files import Array, broken
from chirospin.wannier.win_file import NM_PER_ANGSTROM, require_volume

HAMILTONIAN = "_XX_R_Ham.npz"
ORTHOGONAL = 1e-6  # of R^T R - 1 of an operation


def read_system(folder: Path) -> WannierMatrices:
    """Read a folder that WannierBerri saved.

    Raises
    ------
    ModelError : a file that is missing or damaged, shapes that do not fit
    """
    lattice = NM_PER_ANGSTROM * _array(folder, "real_lattice.npz", ("arr_0", "real_lattice"))
    if lattice.shape != (3, 3):
        raise broken(
            folder / "real_lattice.npz", 0, f"the cell must be (3, 3), but is {lattice.shape}"
        )
    require_volume(folder / "real_lattice.npz", lattice)
    raw = _array(folder, "iRvec.npz", ("arr_0", "iRvec"))
    vectors = np.rint(raw).astype(np.int64)
    if raw.ndim != 2 or raw.shape[1] != 3 or (raw != vectors).any():
        raise broken(folder / "iRvec.npz", 0, "R must be three integers for each vector")
    opposite(folder / "iRvec.npz", vectors)
    H = _matrices(folder, HAMILTONIAN, vectors)
    n = H.shape[-1]
    return WannierMatrices(
        path=folder,
        lattice=lattice,
        vectors=vectors,
        hamiltonian=H,
        centres=_centres(folder, n),
        spin=_vector(folder, "_XX_R_SS.npz", vectors, n, 0.5),
        position=_position(folder, vectors, n),
        operations=read_operations(folder / "pointgroup.npz"),
    )


def _array(folder: Path, name: str, keys: tuple[str, ...]) -> NDArray[Any]:
    """One finite array of an archive; nothing is unpickled."""
    path = folder / name
    if not path.is_file():
        raise broken(path, 0, f"it is missing: a system must have {name}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            known = [key for key in keys if key in archive.files]
            if not known:
                raise broken(
                    path, 0, f"it must hold {' or '.join(keys)}, but holds {archive.files}"
                )
            found: NDArray[Any] = np.asarray(archive[known[0]])
    except UNREADABLE as error:
        if type(error).__name__ == "ModelError":
            raise
        raise broken(
            path, 0, f"it is damaged or no archive of arrays ({type(error).__name__})"
        ) from None
    if found.dtype.kind not in "biufc" or not np.isfinite(found).all():
        raise broken(path, 0, "its numbers must be finite")
    return found


def _matrices(folder: Path, name: str, vectors: Integers) -> Complex:
    """X(R) as (R, m, n, ...), whichever order the file has."""
    X = _array(folder, name, ("arr_0", name.removeprefix("_XX_R_").removesuffix(".npz"))).astype(
        complex
    )
    count = len(vectors)
    first = X.ndim >= 3 and X.shape[0] == count and X.shape[1] == X.shape[2]
    last = X.ndim >= 3 and X.shape[2] == count and X.shape[0] == X.shape[1]
    if not first and not last:
        raise broken(
            folder / name,
            0,
            f"it must be (R, n, n) or (n, n, R) for {count} vectors R, but is {X.shape}",
        )
    new, old = X, np.moveaxis(X, 2, 0) if last else X
    if first and last:  # as many vectors as functions: only one of the two is Hermitian
        partner = opposite(folder, vectors)
        apart = [np.abs(Y - np.swapaxes(Y[partner], 1, 2).conj()).max() for Y in (new, old)]
        first = bool(apart[0] <= apart[1])
    return new if first else old


def _vector(folder: Path, name: str, vectors: Integers, n: int, scale: float) -> Complex | None:
    """An operator with three components as (3, R, n, n), or None where the folder has none."""
    if not (folder / name).is_file():
        return None
    X = _matrices(folder, name, vectors)
    if X.shape[1:] != (n, n, 3):
        raise broken(
            folder / name, 0, f"it must have {n} functions and 3 components, but is {X.shape}"
        )
    return np.asarray(scale * np.moveaxis(X, -1, 0))


def _position(folder: Path, vectors: Integers, n: int) -> Complex | None:
    """The position operator with the centres that the file leaves out of its diagonal (phases of centres)."""
    A, centres = _vector(folder, "_XX_R_AA.npz", vectors, n, NM_PER_ANGSTROM), _centres(folder, n)
    flag = "use_wcc_phase.npz"
    if (folder / flag).is_file() and not _array(folder, flag, ("arr_0",)):
        return A  # of old folders, whole
    if A is None or centres is None:
        return None
    home = int(np.flatnonzero((vectors == 0).all(axis=1))[0])
    whole = A.copy()
    whole[:, home, range(n), range(n)] += centres.T
    return whole


def _centres(folder: Path, n: int) -> Array | None:
    name = "wannier_centers_cart.npz"
    if not (folder / name).is_file():
        return None
    found = NM_PER_ANGSTROM * _array(folder, name, ("arr_0", "wannier_centers_cart"))
    if found.shape != (n, 3):
        raise broken(folder / name, 0, f"centres must be ({n}, 3), but are {found.shape}")
    return np.asarray(found.real, dtype=float)


def read_operations(path: Path) -> tuple[Operation, ...] | None:
    """The point group of pointgroup.npz, or None where there is no such file.

    Raises
    ------
    ModelError : a damaged file, or operations that are no rotations
    """
    if not path.is_file():
        return None
    count = int(_array(path.parent, path.name, ("nsym",)))
    found = []
    for i in range(count):
        R = np.asarray(_array(path.parent, path.name, (f"symm{i}_R",)), dtype=float)
        reversal = bool(_array(path.parent, path.name, (f"symm{i}_TR",)))
        if R.shape != (3, 3) or np.abs(R.T @ R - np.eye(3)).max() > ORTHOGONAL:
            raise broken(path, 0, f"symm{i}_R must be a rotation or reflection, but is none")
        found.append(Operation(rotation=R, reversal=reversal))
    return tuple(found)
