"""One door for every file of a real crystal: FOLDER, PREFIX, prefix_tb.dat, prefix_hr.dat, prefix.chk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.wannier.bloch_files import (
    Checkpoint,
    read_checkpoint,
    read_energies,
    read_spin,
)
from chirospin.wannier.hopping_files import (
    Hoppings,
    moved,
    read_centres,
    read_hr,
    read_tb,
    read_wsvec,
)
from chirospin.wannier.real_space import Complex, WannierMatrices, hermitian, hermitian_part
from chirospin.wannier.system_folder import HAMILTONIAN, read_system
from chirospin.wannier.text_files import Array, broken
from chirospin.wannier.wigner_seitz import PLAIN, from_grid, nearest_images, supercell
from chirospin.wannier.win_file import Win, read_win

SAME_CELL = 1e-5
"""nm by which the cells of two files may differ: 1e-4 angstrom, the digits of an input file."""
OPERATORS = 7  # matrices kept of each R: energy, three of spin, three of position
NAMES = (
    "FOLDER that WannierBerri saved, PREFIX of .chk, .eig and .spn, prefix_tb.dat or prefix_hr.dat"
)


def read_crystal(name: str, wsvec: str, tolerance: float, spin: str) -> WannierMatrices:
    """Read whatever the name stands for.

    Parameters
    ----------
    wsvec : auto, or ignore for the plain Wigner-Seitz set
    tolerance : nm within which images are equally near, for a .chk
    spin : file, auto, or another word where the spin of the file is not wanted

    Raises
    ------
    ModelError : with file, line and what is wrong
    """
    path = Path(name)
    if path.is_dir():
        matrices = _of_folder(path)
    elif name.endswith("_tb.dat"):
        matrices = _of_hoppings(path, name.removesuffix("_tb.dat"), wsvec, spin)
    elif name.endswith("_hr.dat"):
        matrices = _of_hoppings(path, name.removesuffix("_hr.dat"), wsvec, spin)
    else:
        prefix = name.removesuffix(".fmt").removesuffix(".chk")
        checkpoint = beside(prefix, ".chk") or beside(prefix, ".chk.fmt")
        if checkpoint is not None:
            matrices = _of_checkpoint(checkpoint, prefix, wsvec, tolerance, spin)
        else:
            table = beside(prefix, "_tb.dat") or beside(prefix, "_hr.dat")
            if table is None:
                raise ModelError(
                    f"Parameter `hamiltonian` must be a file or folder that exists: {NAMES}; but is {name!r}"
                )
            matrices = _of_hoppings(table, prefix, wsvec, spin)
    H = hermitian(matrices.path, "the Hamiltonian", matrices.vectors, matrices.hamiltonian)
    S = matrices.spin if spin in ("auto", "file") else None
    if S is not None:
        S = hermitian(matrices.path, "the spin", matrices.vectors, S)
    A = matrices.position
    if A is not None:  # finite differences over the grid of q leave an anti-Hermitian part
        A = hermitian_part(matrices.path, matrices.vectors, A)
    return replace(matrices, hamiltonian=H, spin=S, position=A)


def beside(prefix: str, suffix: str) -> Path | None:
    """A file PREFIX + suffix, or None."""
    path = Path(prefix + suffix)
    return path if path.is_file() else None


def belonging(name: str) -> tuple[Path, ...]:
    """Every file that may decide a number of a crystal of this name."""
    path = Path(name)
    if path.is_dir():
        return tuple(sorted([*path.glob("*.npz"), *path.glob("*.win")]))
    prefix = name
    for suffix in ("_tb.dat", "_hr.dat", ".fmt", ".chk"):
        prefix = prefix.removesuffix(suffix)
    ends = (
        "_tb.dat",
        "_hr.dat",
        "_wsvec.dat",
        "_centres.xyz",
        ".win",
        ".chk",
        ".chk.fmt",
        ".eig",
        ".spn",
    )
    return tuple(p for p in (beside(prefix, end) for end in ends) if p is not None)


def _of_folder(folder: Path) -> WannierMatrices:
    if not (folder / HAMILTONIAN).is_file():
        raise ModelError(
            f"Parameter `hamiltonian` must be a {NAMES}, but the folder {folder} has no {HAMILTONIAN}"
        )
    inputs = sorted(folder.glob("*.win"))
    return _with_input(read_system(folder), read_win(inputs[0]) if len(inputs) == 1 else None)


def _with_input(matrices: WannierMatrices, win: Win | None) -> WannierMatrices:
    """Atoms and spinors of the input file, whose cell must be that of the matrices."""
    if win is None:
        return matrices
    if win.lattice is not None and np.abs(win.lattice - matrices.lattice).max() > SAME_CELL:
        raise broken(
            matrices.path, 0,
            f"its cell differs from that of {win.path} by {10 * np.abs(win.lattice - matrices.lattice).max():.3g} "
            "angstrom: they are of different crystals",
        )  # fmt: skip
    # a word that is absent is Wannier90's false
    return replace(
        matrices, positions=win.positions, species=win.species, spinors=bool(win.spinors)
    )


def _require_memory(path: Path, size: int) -> None:
    """Refuse a text file whose matrices would not fit, before it is read."""
    need = (
        size / 40 * 16 * OPERATORS
    )  # a row of 40 characters is an element of H or of the three of r
    if need > available_bytes():
        raise ModelError(
            f"Parameter `hamiltonian` must fit in memory, but the matrices of {path} need about "
            f"{in_words(need)}, where {in_words(available_bytes())} are free"
        )


def _of_hoppings(path: Path, prefix: str, wsvec: str, spin: str) -> WannierMatrices:
    """prefix_tb.dat or prefix_hr.dat, with what stands beside it."""
    if path.is_file():
        _require_memory(path, path.stat().st_size)
    found = read_tb(path) if path.name.endswith("_tb.dat") else read_hr(path)
    input_file = beside(prefix, ".win")
    win = read_win(input_file) if input_file is not None else None
    lattice = found.lattice if found.lattice is not None else _lattice(path, prefix, win)
    n = found.hamiltonian.shape[-1]
    centres = found.centres
    if centres is None and (table := beside(prefix, "_centres.xyz")) is not None:
        centres = read_centres(table, n)
    S = _spin_at(prefix, found) if spin in ("auto", "file") else None
    parts = [found.hamiltonian[None]] + [X for X in (S, found.position) if X is not None]
    vectors, stacked = found.vectors, np.concatenate(parts)
    images = beside(prefix, "_wsvec.dat")
    if images is not None and wsvec == "auto":
        vectors, stacked = moved(vectors, stacked, read_wsvec(images, vectors, n))
    missing = images is None and win is not None and bool(win.use_ws_distance)
    matrices = WannierMatrices(
        path=path,
        lattice=lattice,
        vectors=vectors,
        hamiltonian=stacked[0],
        centres=centres,
        spin=stacked[1:4] if S is not None else None,
        position=stacked[-3:] if found.position is not None else None,
        distances_missing=missing and wsvec == "auto",
    )
    return _with_input(matrices, win)


def _lattice(path: Path, prefix: str, win: Win | None) -> Array:
    if win is None or win.lattice is None:
        raise ModelError(
            f"Parameter `hamiltonian` must have its cell beside it: {path} has no lattice vectors and "
            f"{prefix}.win {'does not exist' if win is None else 'has no unit_cell_cart'} "
            "(or give the _tb.dat, which has them)"
        )
    return win.lattice


def _spin_at(prefix: str, hoppings: Hoppings) -> Complex | None:
    """S(R) of prefix.spn at the vectors of the hoppings, divided by the degeneracies like them."""
    checkpoint = beside(prefix, ".chk") or beside(prefix, ".chk.fmt")
    if checkpoint is None or beside(prefix, ".spn") is None:
        return None
    chk = read_checkpoint(checkpoint)
    S = _spin_on_grid(prefix, chk)
    n = hoppings.hamiltonian.shape[-1]
    if S is None or S.shape[-1] != n:
        raise broken(
            checkpoint, 0, f"its {chk.gauge.shape[-1]} functions must be the {n} of the hoppings"
        )
    at = from_grid(chk.points, S, hoppings.vectors)
    return np.asarray(at / hoppings.degeneracy[:, None, None])


def _spin_on_grid(prefix: str, chk: Checkpoint) -> Complex | None:
    """S between Wannier functions at every q, hbar, shape (3, q, n, n)."""
    path = beside(prefix, ".spn")
    if path is None:
        return None
    count, bands, _ = chk.gauge.shape
    sigma = read_spin(path, bands, count)
    V = chk.gauge[:, None]
    return np.asarray(np.moveaxis(np.swapaxes(V, -1, -2).conj() @ sigma @ V, 1, 0) / 2)


def _of_checkpoint(
    path: Path, prefix: str, wsvec: str, tolerance: float, spin: str
) -> WannierMatrices:
    """H(R) and S(R) of prefix.chk, prefix.eig and prefix.spn, on the same images."""
    chk = read_checkpoint(path)
    count, bands, _ = chk.gauge.shape
    if beside(prefix, ".eig") is None:
        raise ModelError(
            f"Parameter `hamiltonian` must have the band energies beside it: {path} needs {prefix}.eig"
        )
    energies = read_energies(Path(prefix + ".eig"), bands, count)
    V = chk.gauge
    H = np.swapaxes(V, -1, -2).conj() @ (energies[:, :, None] * V)
    S = _spin_on_grid(prefix, chk) if spin in ("auto", "file") else None
    parts = H[None] if S is None else np.concatenate([H[None], S])
    X = from_grid(chk.points, parts, supercell(chk.grid))
    centres = chk.centres if wsvec == "auto" else None
    vectors, X = nearest_images(
        chk.lattice, chk.grid, centres, tolerance if wsvec == "auto" else PLAIN, X
    )
    matrices = WannierMatrices(
        path=path,
        lattice=chk.lattice,
        vectors=vectors,
        hamiltonian=X[0],
        centres=chk.centres,
        spin=X[1:] if S is not None else None,
    )
    input_file = beside(prefix, ".win")
    return _with_input(matrices, read_win(input_file) if input_file is not None else None)
