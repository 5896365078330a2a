"""Hamiltonians that other programs wrote: a block of cells of Wannier functions, or what sisl reads."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.extras import installing
from chirospin.base.spin import PAULI
from chirospin.models.model import Molecule, contact
from chirospin.scattering.system import Complex, Real
from chirospin.wannier.files import read_crystal
from chirospin.wannier.real_space import WannierMatrices, pauli_spin

WANNIER = ("_hr.dat", "_tb.dat")
SISL = (".nc", ".TSHS", ".HSX", ".TSDE", ".fdf", ".RHO", ".HS")
NM_PER_ANGSTROM = 0.1
PAIRED = 0.02  # nm between the centres of both spins of a function
ORDERS = ("auto", "interleaved", "blocked", "none")
SLIP = 0.01  # of the largest element: more that is odd under time reversal is a magnet
MOST_ORBITALS = 2000  # matrices with both spins take a gigabyte beyond


@dataclass(frozen=True, kw_only=True)
class Block:
    """How many cells of a periodic Hamiltonian, and where the leads touch them.

    Parameters
    ----------
    cells : along each vector of the lattice; hops that leave the block are cut
    direction : of the current, 1 to 3: the leads touch the first and the last layer of cells
    left, right : sites that the leads touch, counted from 1, in place of a layer; or None
    channel : each orbital has its own channel, or all share one
    spin_order : of Wannier functions with spin
    restored : whether the part that is odd under time reversal is taken away
    """

    cells: tuple[int, int, int]
    direction: int
    left: tuple[int, ...] | None
    right: tuple[int, ...] | None
    channel: Literal["one", "each"]
    spin_order: str
    restored: bool = False


def is_imported(name: str) -> bool:
    """Whether a file is one of another program, by its name."""
    return name.endswith((*WANNIER, *SISL)) or Path(name).is_dir()


def imported(name: str, block: Block) -> Molecule:
    """A block of cells of a file.

    Raises
    ------
    ModelError : no such file, not one of its kind, sites that do not exist
    """
    if not Path(name).exists():
        raise ModelError(f"Parameter `system` must name a file that exists, but {name} does not")
    try:
        return _of_sisl(name, block) if name.endswith(SISL) else _of_wannier(name, block)
    except ModelError as error:  # a reader knows a file by the name of its own parameter
        raise ModelError(str(error).replace("`hamiltonian`", "`system`")) from None


def _of_wannier(name: str, block: Block) -> Molecule:
    matrices = read_crystal(name, "auto", 1e-6, "none")
    order = _spin_order(matrices, block.spin_order)
    n = matrices.functions if order == "none" else matrices.functions // 2
    _fits(n, block.cells)
    cells = _places(block.cells)
    step = cells[None, :, :] - cells[:, None, :]
    H = np.zeros((len(cells), matrices.functions, len(cells), matrices.functions), dtype=complex)
    for vector, part in zip(matrices.vectors, matrices.hamiltonian, strict=True):
        for a, b in np.argwhere((step == vector).all(axis=-1)):
            H[a, :, b, :] += part
    if order == "none":
        h = np.kron(H.reshape(len(cells) * n, -1), np.eye(2))
    else:
        pairs = np.arange(2 * n).reshape((n, 2) if order == "interleaved" else (2, n))
        place = (pairs if order == "interleaved" else pairs.T).ravel()
        h = H[:, place][:, :, :, place].reshape(2 * n * len(cells), -1)
    centres = np.zeros((n, 3)) if matrices.centres is None else matrices.centres
    if order != "none" and matrices.centres is not None:
        centres = matrices.centres[place].reshape(n, 2, 3).mean(axis=1)
    positions = (cells @ matrices.lattice)[:, None] + centres
    return _molecule(h, positions.reshape(-1, 3), np.arange(n * len(cells)), n, block)


def _spin_order(matrices: WannierMatrices, asked: str) -> str:
    """Where up and down stand among the functions: none, interleaved or blocked."""
    if asked == "auto":
        if matrices.spinors is None:
            raise ModelError(
                "Parameter `spin_order` must be none, interleaved or blocked where no .win beside "
                f"{matrices.path} says whether it holds spinors, but is auto"
            )
        asked = "interleaved" if matrices.spinors else "none"
    if asked == "none" and matrices.spinors:
        raise ModelError(
            "Parameter `spin_order` must be interleaved or blocked for functions with spin, but is none: "
            f"the .win beside {matrices.path} says spinors"
        )
    if asked != "none":
        pauli_spin(matrices, asked, PAIRED)
    return asked


def _of_sisl(name: str, block: Block) -> Molecule:
    H = _read_by_sisl(name)
    _fits(H.no, block.cells)
    for axis, count in enumerate(block.cells):
        H = H.tile(count, axis)
    H.set_nsc([1, 1, 1])  # hops that leave the block are cut
    spin = H.spin
    h: Complex
    if spin.is_unpolarized:
        h, S = np.kron(_matrix(H.Hk), np.eye(2)), _overlap(H)
    elif spin.is_polarized:
        up, down = (_matrix(H.Hk, spin=s) for s in (0, 1))
        h, S = np.kron(up, np.diag([1, 0])) + np.kron(down, np.diag([0, 1])), _overlap(H)
    elif spin.is_noncolinear or spin.is_spinorbit:
        h, S = _matrix(H.Hk), _overlap(H)
    else:
        raise ModelError(f"Parameter `system` must hold electrons, but {name} is of kind {spin}")
    if S is not None:
        h = S @ h @ S
    sites = np.asarray(H.geometry.o2a(np.arange(H.no)))
    layer = H.na // int(np.prod(block.cells))
    return _molecule(h, NM_PER_ANGSTROM * np.asarray(H.geometry.xyz), sites, layer, block)


def _read_by_sisl(name: str) -> Any:
    try:
        sisl = importlib.import_module("sisl")
    except ImportError:
        raise ModelError(
            f"Parameter `system` names {name}, which sisl reads, and sisl is not installed: "
            f"{installing('sisl')}"
        ) from None
    try:
        return sisl.get_sile(name).read_hamiltonian()
    except Exception as error:  # a reader of many formats raises whatever it meets
        words = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"Parameter `system` must be a file whose Hamiltonian sisl can read, but {name}: {words}"
        ) from None


def _matrix(read: Any, **chosen: Any) -> Complex:
    return np.asarray(read(format="array", dtype=np.complex128, **chosen))


def _overlap(H: Any) -> Complex | None:
    r"""The :math:`S^{-1/2}` of Loewdin's orthogonal orbitals, both spins; None where they are orthogonal."""
    if H.orthogonal:
        return None
    S = _matrix(H.Sk)
    S = S if len(S) == 2 * H.no else np.kron(S, np.eye(2))
    levels, vectors = np.linalg.eigh(S)
    if not levels[0] > 0:
        raise ModelError(
            f"Overlap of the orbitals must be positive (dimensionless), but has {levels[0]:.3g}"
        )
    return np.asarray((vectors / np.sqrt(levels)) @ vectors.conj().T)


def _fits(orbitals: int, cells: Sequence[int]) -> None:
    size = orbitals * int(np.prod(cells))
    if size > MOST_ORBITALS:
        raise ModelError(
            f"Parameter `cells` must give at most {MOST_ORBITALS} orbitals (dimensionless), "
            f"but {list(cells)} cells of {orbitals} give {size}"
        )


def _places(cells: tuple[int, int, int]) -> NDArray[np.int64]:
    """The cells of a block, the first vector of the lattice fastest, (cells, 3)."""
    grid = np.indices(cells[::-1]).reshape(3, -1)
    return np.asarray(grid[::-1].T)


def _molecule(
    h: Complex, positions: Real, sites: NDArray[np.int64], per_cell: int, block: Block
) -> Molecule:
    """The block between its contacts."""
    layer = np.repeat(_places(block.cells)[:, block.direction - 1], per_cell)
    count = block.cells[block.direction - 1]
    ends = []
    for name, given, place in (("left", block.left, 0), ("right", block.right, count - 1)):
        if given is None and count == 1:
            raise ModelError(
                f"Parameter `{name}_sites` must be given where there is one cell along the direction of "
                "the current, which both leads would touch"
            )
        touched = np.flatnonzero(layer == place) if given is None else np.array(given) - 1
        if touched.size == 0 or touched.min() < 0 or touched.max() >= len(positions):
            raise ModelError(
                f"Parameter `{name}_sites` must be sites from 1 to {len(positions)}, but is "
                f"{[int(x) + 1 for x in touched]}"
            )
        ends.append(np.flatnonzero(np.isin(sites, touched)).tolist())
    left, right = (contact(orbitals, len(sites), block.channel) for orbitals in ends)
    return Molecule(
        hamiltonian=_even(h) if block.restored else np.asarray((h + h.conj().T) / 2),
        positions=positions,
        sites=tuple(int(x) for x in sites),
        left=left,
        right=right,
    )


def _even(h: Complex) -> Complex:
    """The Hermitian part that is even under time reversal.

    Raises
    ------
    ModelError : the rest is no slip of the digits
    """
    blocks = h.reshape(len(h) // 2, 2, -1, 2)
    back = np.einsum("st,itju,uw->isjw", PAULI[1], blocks.conj(), PAULI[1])
    even = (blocks + back).reshape(h.shape) / 2
    odd, size = float(np.abs(h - even).max()), float(np.abs(h).max())
    if odd > SLIP * size:
        raise ModelError(
            f"Parameter `time_reversal` must be kept for a magnetic Hamiltonian, but is restored where "
            f"{odd:.3g} eV are odd of {size:.3g} eV"
        )
    return np.asarray((even + even.conj().T) / 2)
