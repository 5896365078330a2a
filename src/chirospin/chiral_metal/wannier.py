"""Tight-binding files of Wannier90: prefix_tb.dat, or prefix_hr.dat with the cell of prefix.win."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.chiral_metal.bloch import TightBinding, spin_matrices

NM_PER_ANGSTROM, NM_PER_BOHR = 0.1, 0.0529177210903
PER_LINE = 15  # degeneracies in a line


def read_tight_binding(path: Path, spin_order: str) -> TightBinding:
    """Read a tight-binding file.

    Parameters
    ----------
    spin_order : interleaved (up, down, up, ...) or blocked (all up, then all down)

    Raises
    ------
    ModelError : no such file, a broken one, an odd number of states
    """
    if not path.is_file():
        raise ModelError(f"Parameter `hamiltonian` must be a file that exists, but is {path}")
    try:
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        found = _read_tb(lines, spin_order) if path.name.endswith("_tb.dat") else None
        return found or _read_hr(lines, _cell_of_win(path), spin_order)
    except (ValueError, IndexError, StopIteration, UnicodeDecodeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"Parameter `hamiltonian` must be a whole Wannier90 file, but {path} is broken: {error}"
        ) from None


def _header(lines: Iterator[str]) -> tuple[int, NDArray[np.float64]]:
    """Number of states and the degeneracy of every R."""
    states, count = int(next(lines)), int(next(lines))
    if states % 2:
        raise ModelError(
            "Parameter `hamiltonian` must have an even number of states, two spins for each orbital, "
            f"but has {states}"
        )
    weights: list[int] = []
    for _ in range(-(-count // PER_LINE)):
        weights += map(int, next(lines).split())
    if len(weights) != count:
        raise ValueError(f"{len(weights)} degeneracies for {count} vectors")
    return states, np.array(weights, dtype=float)


def _read_hr(lines: Iterator[str], lattice: NDArray[np.float64], order: str) -> TightBinding:
    next(lines)
    states, weights = _header(lines)
    rows = np.array([next(lines).split() for _ in range(weights.size * states**2)], dtype=float)
    blocks = rows.reshape(weights.size, states**2, 7)
    hoppings = np.zeros((weights.size, states, states), dtype=complex)
    m, n = blocks[..., 3].astype(int) - 1, blocks[..., 4].astype(int) - 1
    at = np.arange(weights.size)[:, None]
    hoppings[at, m, n] = (blocks[..., 5] + 1j * blocks[..., 6]) / weights[:, None]
    return TightBinding(
        lattice=lattice,
        vectors=blocks[:, 0, :3],
        hoppings=hoppings,
        centres=np.zeros((states, 3)),
        spin=spin_matrices(states, order),
    )


def _read_tb(lines: Iterator[str], order: str) -> TightBinding:
    next(lines)
    lattice = NM_PER_ANGSTROM * np.array([next(lines).split() for _ in range(3)], dtype=float)
    states, weights = _header(lines)
    hoppings = np.zeros((weights.size, states, states), dtype=complex)
    vectors = np.zeros((weights.size, 3))
    for r in range(weights.size):
        next(lines)
        vectors[r] = [int(word) for word in next(lines).split()]
        for _ in range(states**2):
            m, n, real, imaginary = next(lines).split()
            hoppings[r, int(m) - 1, int(n) - 1] = (
                complex(float(real), float(imaginary)) / weights[r]
            )
    return TightBinding(
        lattice=lattice,
        vectors=vectors,
        hoppings=hoppings,
        centres=NM_PER_ANGSTROM * _centres(lines, states, weights.size),
        spin=spin_matrices(states, order),
    )


def _centres(lines: Iterator[str], states: int, count: int) -> NDArray[np.float64]:
    """Diagonal of the position operator at R = 0, angstrom."""
    centres = np.zeros((states, 3))
    for _ in range(count):
        next(lines)
        home = not any(int(word) for word in next(lines).split())
        for _ in range(states**2):
            words = next(lines).split()
            m, n = int(words[0]), int(words[1])
            if home and m == n:
                centres[m - 1] = [float(words[i]) for i in (2, 4, 6)]
    return centres


def _cell_of_win(path: Path) -> NDArray[np.float64]:
    """Primitive vectors in nm from the input file beside prefix_hr.dat."""
    win = path.with_name(path.name.removesuffix("_hr.dat") + ".win")
    if not win.is_file():
        raise ModelError(
            f"Parameter `hamiltonian` must have its cell beside it: {path} has no lattice vectors and "
            f"{win} does not exist (or give the _tb.dat, which has them)"
        )
    words = [line.strip() for line in win.read_text(encoding="utf-8").splitlines()]
    start = next(i for i, w in enumerate(words) if w.lower().split() == ["begin", "unit_cell_cart"])
    block = [w for w in words[start + 1 : start + 5] if w]
    scale = NM_PER_ANGSTROM
    if len(block[0].split()) == 1:
        scale = NM_PER_BOHR if block[0].lower().startswith("bohr") else NM_PER_ANGSTROM
        block = block[1:]
    return scale * np.array([line.split() for line in block[:3]], dtype=float)
