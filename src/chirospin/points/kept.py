"""What a search found at its points, in a file of lines: the same search goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def content_name(*parts: object) -> str:
    """A name for what is searched: equal parts, equal name."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]


class KeptPlaces:
    """Rows of numbers by point of the cube; a search that draws the same points finds them again.

    Parameters
    ----------
    path : the file, a line for each point; None keeps nothing
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known: dict[tuple[str, str], list[list[float]]] = {}
        if path is not None and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            kind, place, rows = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            return
        self.known[kind, place] = rows

    def get(self, kind: str, shares: Array) -> list[Array] | None:
        """What is known at a point."""
        rows = self.known.get((kind, np.asarray(shares).tobytes().hex()))
        return None if rows is None else [np.array(row, dtype=float) for row in rows]

    def put(self, kind: str, shares: Array, rows: Sequence[Array]) -> None:
        """Keep what was found at a point, at once."""
        if self.path is None:
            return
        place = np.asarray(shares).tobytes().hex()
        told = [np.atleast_1d(row).tolist() for row in rows]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([kind, place, told]))
        self.known[kind, place] = told
