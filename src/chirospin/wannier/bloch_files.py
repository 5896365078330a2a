"""What Wannier90 and its partners leave on the grid of q: prefix.chk, prefix.spn, prefix.eig.

Binary files are Fortran's unformatted records of either byte order, split ones too; formatted ones have
`.fmt` after the name of the checkpoint, and an .spn of either kind is recognised by its first bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chirospin.wannier.real_space import Complex
from chirospin.wannier.text_files import Array, Lines, broken, whole_file
from chirospin.wannier.win_file import NM_PER_ANGSTROM, require_volume

UNITARY = 1e-8
"""Of V^+ V - 1: sound files have 4e-14, disentangled ones 2e-13; formatted ones keep 17 digits."""
REAL = 1e-8
"""Imaginary part of a diagonal element of the spin: it is printed in double precision."""
NORM = 1e-6
"""By how much an eigenvalue of sigma may exceed 1; beyond, the augmentation or the norm is missing."""
ORDER = 1e-6  # eV by which the energies of an .eig file may fail to ascend
HEADER = 33  # characters


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What is needed of prefix.chk.

    Parameters
    ----------
    lattice : nm; grid : of q; points : q in units of the reciprocal lattice, (q, 3)
    gauge : V with psi_Wannier = sum psi_band V, shape (q, bands, n)
    centres : nm, (n, 3)
    """

    lattice: Array
    grid: tuple[int, int, int]
    points: Array
    gauge: Complex
    centres: Array


class Records:
    """Fortran's unformatted sequential records."""

    def __init__(self, path: Path, first: tuple[int, ...]) -> None:
        self.path, self.data, self.at, self.count = path, whole_file(path), 0, 0
        orders = [o for o in "<>" if len(self.data) >= 4 and self._marker(o, 0) in first]
        if not orders:
            raise broken(path, 0, "it must begin with a record of "
                         f"{' or '.join(map(str, first))} bytes, but does not: no unformatted file of its kind")  # fmt: skip
        self.order = orders[0]

    def _marker(self, order: str, at: int) -> int:
        return int(struct.unpack_from(order + "i", self.data, at)[0])

    def record(self, what: str) -> bytes:
        """The next record; a negative marker says that it goes on in the next piece."""
        self.count += 1
        parts, more = [], True
        while more:
            if self.at + 4 > len(self.data):
                raise broken(self.path, 0, f"it ends where record {self.count}, {what}, is due")
            size = self._marker(self.order, self.at)
            more, size = size < 0, abs(size)
            end = self.at + 4 + size
            if end + 4 > len(self.data):
                raise broken(self.path, 0, f"it ends inside record {self.count}, {what}")
            if abs(self._marker(self.order, end)) != size:
                raise broken(
                    self.path, 0, f"the lengths around record {self.count}, {what}, differ"
                )
            parts.append(self.data[self.at + 4 : end])
            self.at = end + 4
        return b"".join(parts)

    def array(self, what: str, kind: str, count: int) -> NDArray[np.generic]:
        """The next record as this many numbers."""
        data = self.record(what)
        dtype = np.dtype(self.order + kind)
        if len(data) != count * dtype.itemsize:
            raise broken(
                self.path, 0,
                f"record {self.count}, {what}, must have {count * dtype.itemsize} bytes, but has {len(data)}",
            )  # fmt: skip
        found = np.frombuffer(data, dtype=dtype)
        if kind != "i4" and not np.isfinite(found).all():
            raise broken(
                self.path, 0, f"record {self.count}, {what}, has numbers that are not finite"
            )
        return found

    def integers(self, what: str, count: int) -> list[int]:
        """The next record as integers."""
        return [int(x) for x in self.array(what, "i4", count)]

    def reals(self, what: str, count: int) -> Array:
        """The next record as real numbers."""
        return self.array(what, "f8", count).astype(float)

    def complexes(self, what: str, count: int) -> Complex:
        """The next record as complex numbers."""
        return self.array(what, "c16", count).astype(complex)

    def word(self, what: str) -> str:
        """The next record as text."""
        return self.record(what).decode("latin-1").strip()


class Formatted:
    """The same items as text: one value, or real and imaginary part, on a line, or several."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, Lines.of(path)
        self.lines.raw("a header")
        self.rest: Iterator[str] = iter(())

    def _next(self, what: str) -> str:
        word = next(self.rest, None)
        if word is None:
            self.rest = iter(self.lines.words(what))
            word = next(self.rest)
        return word

    def reals(self, what: str, count: int) -> Array:
        """As many words as it takes."""
        return np.array([self.lines._number(self._next(what), what) for _ in range(count)])

    def integers(self, what: str, count: int) -> list[int]:
        """As many words as it takes."""
        return [int(x) for x in self.reals(what, count)]

    def complexes(self, what: str, count: int) -> Complex:
        """Pairs of words."""
        parts = self.reals(what, 2 * count)
        return np.asarray(parts[::2] + 1j * parts[1::2])

    def word(self, what: str) -> str:
        """The next word."""
        return self._next(what)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read prefix.chk or prefix.chk.fmt.

    Raises
    ------
    ModelError : with file, record or line, and what is wrong
    """
    file: Records | Formatted
    if path.name.endswith(".fmt"):
        file = Formatted(path)
    else:
        file = Records(path, (HEADER,))
        file.record("a header")
    (bands,) = file.integers("num_bands", 1)
    (excluded,) = file.integers("num_exclude_bands", 1)
    file.integers("exclude_bands", excluded)
    lattice = file.reals("the cell", 9).reshape(3, 3, order="F") * NM_PER_ANGSTROM
    require_volume(path, lattice)
    file.reals("the reciprocal cell", 9)
    (count,) = file.integers("num_kpts", 1)
    n1, n2, n3 = file.integers("mp_grid", 3)
    if n1 * n2 * n3 != count:
        raise broken(path, 0, f"mp_grid {n1} {n2} {n3} must have num_kpts = {count} points")
    points = file.reals("kpt_latt", 3 * count).reshape(count, 3)
    (neighbours,) = file.integers("nntot", 1)
    (functions,) = file.integers("num_wann", 1)
    stage = file.word("checkpoint")
    if stage != "postwann":
        raise broken(path, 0, f"the checkpoint must be postwann, a finished run, but is {stage!r}")
    gauge = _gauge(path, file, bands, count, functions)
    file.complexes("m_matrix", functions**2 * neighbours * count)
    centres = file.reals("wannier_centres", 3 * functions).reshape(functions, 3)
    unity = np.swapaxes(gauge, -1, -2).conj() @ gauge
    apart = float(np.abs(unity - np.eye(functions)).max())
    if not apart <= UNITARY:
        raise broken(path, 0, f"V^+ V must be 1 to {UNITARY:g}, but differs by {apart:.2g}")
    return Checkpoint(
        lattice=lattice,
        grid=(n1, n2, n3),
        points=points,
        gauge=gauge,
        centres=NM_PER_ANGSTROM * centres,
    )


def _gauge(
    path: Path, file: Records | Formatted, bands: int, count: int, functions: int
) -> Complex:
    """V = U_opt U on the bands in the window of each q, 0 outside; shape (q, bands, n)."""
    (disentangled,) = file.integers("have_disentangled", 1)
    inside, optimal, size = None, None, None
    if disentangled:
        file.reals("omega_invariant", 1)
        flags = np.array(file.integers("lwindow", bands * count)).reshape(count, bands)
        inside = flags != 0  # true is 1 or -1, by compiler
        size = file.integers("ndimwin", count)
        optimal = file.complexes("u_matrix_opt", count * functions * bands)
        optimal = np.swapaxes(optimal.reshape(count, functions, bands), 1, 2)
    U = file.complexes("u_matrix", count * functions**2).reshape(count, functions, functions)
    U = np.swapaxes(U, 1, 2)
    if inside is None or optimal is None or size is None:
        if bands != functions:
            raise broken(
                path, 0, f"num_wann = {functions} must be num_bands = {bands} without a window"
            )
        return np.asarray(U)
    V = np.zeros((count, bands, functions), dtype=complex)
    for q in range(count):
        if inside[q].sum() != size[q]:
            raise broken(path, 0, f"lwindow of q {q + 1} must hold {size[q]} bands, "
                         f"but holds {inside[q].sum()}")  # fmt: skip
        V[q, inside[q]] = optimal[q, : size[q]] @ U[q]
    return V


def read_spin(path: Path, bands: int, count: int) -> Complex:
    """Pauli matrices between the bands at every q, from prefix.spn; shape (q, 3, bands, bands).

    Raises
    ------
    ModelError : with file, record or line, and what is wrong
    """
    file: Records | Formatted
    head = whole_file(path)[:4]
    if len(head) == 4 and 60 in struct.unpack("<i", head) + struct.unpack(">i", head):
        file = Records(path, (60,))
        file.record("a header")
    else:
        file = Formatted(path)
    found = file.integers("the numbers of bands and of q", 2)
    if found != [bands, count]:
        raise broken(
            path, 0,
            f"it must be of {bands} bands (after exclude_bands) at {count} q, as the checkpoint beside it, but is of "
            f"{found[0]} at {found[1]}",
        )  # fmt: skip
    pairs = bands * (bands + 1) // 2
    m, n = np.tril_indices(bands)  # rows of the file: n = 1..bands, m = 1..n, of <m|sigma|n>
    S = np.empty((count, 3, bands, bands), dtype=complex)
    for q in range(count):
        block = file.complexes(f"the spins at q {q + 1}", 3 * pairs).reshape(pairs, 3).T
        S[q][:, m, n] = block.conj()
        S[q][:, n, m] = block
    _require_spin(path, S)
    return S


def _require_spin(path: Path, S: Complex) -> None:
    diagonal = np.abs(np.einsum("qinn->qin", S).imag)
    if diagonal.max() > REAL:
        q, _, n = np.unravel_index(int(diagonal.argmax()), diagonal.shape)
        raise broken(path, 0, f"the spin of band {n + 1} at q {q + 1} must be real, but has the imaginary part "
                     f"{diagonal.max():.2g}")  # fmt: skip
    for i in range(3):
        real = S[:, i].copy()
        at = np.arange(real.shape[-1])
        real[:, at, at] = real[:, at, at].real
        largest = float(np.abs(np.linalg.eigvalsh(real)).max())
        if largest > 1 + NORM:
            raise broken(path, 0, f"the eigenvalues of sigma must lie in [-1, 1], but one is {largest:.6f}: the "
                         "augmentation of the pseudopotential, or the norm of the states, is missing")  # fmt: skip


def read_energies(path: Path, bands: int, count: int) -> Array:
    """Band energies of prefix.eig, eV, shape (q, bands).

    Raises
    ------
    ModelError : with file, line and what is wrong
    """
    lines = Lines.of(path)
    rows, where = lines.table(f"energies, {bands} bands at {count} q", bands * count, 3)
    lines.end()
    labels = rows[:, :2].astype(int)
    inside = (labels >= 1).all(axis=1) & (labels <= [bands, count]).all(axis=1)
    inside &= (labels == rows[:, :2]).all(axis=1)
    if not inside.all():
        bad = int(np.flatnonzero(~inside)[0])
        raise broken(path, where[bad], f"band and q must be integers up to {bands} and {count}")
    E = np.full((count, bands), np.nan)
    E[labels[:, 1] - 1, labels[:, 0] - 1] = rows[:, 2]
    if np.isnan(E).any():
        q, band = np.argwhere(np.isnan(E))[0]
        raise broken(
            path, 0, f"band {band + 1} at q {q + 1} is missing, and another is there twice"
        )
    falls = np.diff(E, axis=1)
    if falls.size and falls.min() < -ORDER:
        q, band = np.unravel_index(int(falls.argmin()), falls.shape)
        raise broken(path, 0, f"energies must ascend, but band {band + 2} at q {q + 1} is below "
                     f"band {band + 1}")  # fmt: skip
    return E
