r"""Krylov solution of one operator with several right sides, from one basis that grows.

Kept are orthonormal vectors W, directions D and their images H in coordinates of W,
:math:`A W D = W H`. A new right side c first takes what the known directions give, by least squares; what
is left, as far as it lies outside the known directions, is the next direction. For one right side
this is GMRES. With vectors of single precision it is the inner solver of an iterative refinement
that does not forget between its steps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    is_cupy_array,
    is_numpy_array,
    is_torch_array,
    to_device,
)
from numpy.typing import NDArray

Real = NDArray[np.float64]
PIECE = 1 << 14  # numbers that are summed in the vectors' own precision
NOTHING_NEW = 1e-7  # part of a vector outside the basis that is rounding of single precision
log = logging.getLogger("chirospin")


@dataclass(frozen=True, kw_only=True)
class RecycledSolution:
    """An answer of :meth:`RecycledKrylov.solve`.

    Parameters
    ----------
    solution : array of the right side's kind
    residual : estimated norm of b - A x relative to b
    applications : operator applications
    """

    solution: Any
    residual: float
    applications: int


class Vectors:
    """A list of vectors, in memory or as files of a folder.

    Files of numpy vectors are mapped for as long as one is in use, so that memory holds one at a time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.kept: list[Any] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[Any]:
        for one in self.kept:
            yield np.load(one, mmap_mode="r") if isinstance(one, Path) else one

    def append(self, vector: Any) -> None:
        """Add a vector at the end."""
        if self.folder is None:
            self.kept.append(vector)
            return
        path = self._path(len(self))
        np.save(path, on_host(vector))
        self.kept.append(path if is_numpy_array(vector) else vector)

    def restore(self, count: int, like: Any) -> None:
        """Take the first vectors of the folder, as arrays of the kind of ``like``."""
        xp = array_namespace(like)
        for path in map(self._path, range(count)):
            vector = np.load(path, mmap_mode="r")
            if vector.shape != tuple(like.shape):
                raise ValueError(f"{path.name} has shape {vector.shape}")
            self.kept.append(
                path if is_numpy_array(like) else xp.asarray(np.array(vector), device=like.device)
            )

    def _path(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"vector-{number:04}.npy"


class RecycledKrylov:
    """Solver of A x = b for one A and several b, one after another.

    Parameters
    ----------
    apply : A, on vectors of any array-API namespace, real, (n,)
    folder : where the basis is kept and found again; None keeps it in memory

    References
    ----------
    saad_schultz_1986; parks_2006
    """

    def __init__(self, apply: Callable[[Any], Any], folder: Path | None = None) -> None:
        self.apply = apply
        self.basis = Vectors(folder)
        self.directions = np.zeros((0, 0))
        self.images = np.zeros((0, 0))

    def restore(self, like: Any) -> None:
        """Go on from the folder of an earlier run, if there is one.

        Raises
        ------
        ValueError, OSError, ... : a damaged file, as of ``base.errors.UNREADABLE``
        """
        record = self._record
        if record is None or not record.exists():
            return
        with record.open("rb") as file, np.load(file) as kept:
            self.directions, self.images = kept["directions"], kept["images"]
        if self.directions.shape != self.images.shape or self.images.ndim != 2:
            raise ValueError("directions and their images do not match")
        self.basis.restore(len(self.images), like)

    @property
    def _record(self) -> Path | None:
        folder = self.basis.folder
        return None if folder is None else folder / "krylov.npz"

    def solve(self, right_side: Any, *, tolerance: float, limit: int) -> RecycledSolution:
        """x with \\|b - A x\\| <= tolerance \\|b\\| as far as ``limit`` applications reach."""
        target = self._expand(right_side)
        applications = 0
        while True:
            self._widen()
            target = np.pad(target, (0, len(self.basis) - target.size))
            weight = np.linalg.lstsq(self.images, target, rcond=None)[0]
            rest = target - self.images @ weight
            residual = float(np.linalg.norm(rest)) / max(float(np.linalg.norm(target)), 1e-300)
            if residual <= tolerance or applications >= limit:
                break
            new = rest
            for _ in range(2):
                new = new - self.directions @ (self.directions.T @ new)
            if np.linalg.norm(new) <= NOTHING_NEW * np.linalg.norm(rest):
                break
            new /= np.linalg.norm(new)
            image = self._expand(self.apply(self._combine(new)))
            applications += 1
            self._widen()
            self.directions = np.column_stack(
                [self.directions, np.pad(new, (0, len(self.basis) - new.size))]
            )
            self.images = np.column_stack([self.images, image])
            self._save()
            log.info(
                "application %d, %.1e of the right side left before it", applications, residual
            )
        return RecycledSolution(
            solution=self._combine(self.directions @ weight),
            residual=residual,
            applications=applications,
        )

    def _widen(self) -> None:
        """Give the small matrices a row for every vector."""
        more = ((0, len(self.basis) - len(self.images)), (0, 0))
        self.directions, self.images = np.pad(self.directions, more), np.pad(self.images, more)

    def _expand(self, vector: Any) -> Real:
        """Coordinates of a vector in the basis, which grows by what lies outside it."""
        size = float(np.sqrt(inner(vector, vector)))
        coordinates = np.zeros(len(self.basis))
        for _ in range(2):  # twice is enough
            for n, one in enumerate(self.basis):
                overlap = inner(one, vector)
                vector = vector - overlap * one
                coordinates[n] += overlap
        height = float(np.sqrt(inner(vector, vector)))
        if height > NOTHING_NEW * size:
            self.basis.append(vector / height)
            coordinates = np.append(coordinates, height)
        return coordinates

    def _combine(self, weight: Real) -> Any:
        """Sum of the basis with weights."""
        total = None
        for w, one in zip(weight.tolist(), self.basis, strict=True):
            if w != 0:
                total = w * one if total is None else total + w * one
        return 0 * next(iter(self.basis)) if total is None else total

    def _save(self) -> None:
        record = self._record
        if record is not None:
            part = record.with_suffix(".part.npz")
            np.savez(part, directions=self.directions, images=self.images)
            part.replace(record)


def on_host(array: Any) -> NDArray[Any]:
    """The numbers of an array of any library as a numpy array."""
    if is_cupy_array(array) or is_torch_array(array):
        array = to_device(array, "cpu")
    return np.asarray(array)


def inner(one: Any, other: Any) -> float:
    """Scalar product of two real vectors, pieces in their precision and their sum in double."""
    xp = array_namespace(one, other)
    whole = one.shape[0] // PIECE * PIECE
    pieces = xp.vecdot(xp.reshape(one[:whole], (-1, PIECE)), xp.reshape(other[:whole], (-1, PIECE)))
    rest = xp.vecdot(one[whole:], other[whole:])
    return float(xp.sum(xp.astype(pieces, xp.float64))) + float(rest)
