"""What a solve in states of the whole stack keeps in a folder after every sweep.

A solve that was cut off goes on from there; another point of the same charges starts from the states of the point
kept last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import UNREADABLE, ModelError
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.selected.whole import FockSectors, WholeStates

SECTOR = "sector"


@dataclass(frozen=True, kw_only=True)
class History:
    """The sweeps that were made.

    Parameters
    ----------
    sizes, currents, bars : of each, the latter two in eV/hbar
    iterations : applications of the generator, all of them
    expected : sum of sizes of what the last one said to be missing, eV/hbar
    """

    sizes: tuple[int, ...]
    currents: tuple[float, ...]
    bars: tuple[float, ...]
    iterations: int
    expected: float


@dataclass(frozen=True, kw_only=True)
class StateFolder:
    """Files of one magnetisation.

    Parameters
    ----------
    folder : made where it is wanted
    magnetisation : up or down
    """

    folder: Path
    magnetisation: str

    def _path(self, member: FlatMember) -> Path:
        return self.folder / f"{member.mark}-{self.magnetisation}.npz"

    def keep(self, member: FlatMember, space: WholeStates, history: History) -> None:
        """The states of the next sweep and the sweeps so far, written beside and swapped in."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(member)
        part = path.with_suffix(".part")
        vectors: dict[str, Any] = {f"{SECTOR}{s}": V for s, V in space.vectors.items()}
        with part.open("wb") as file:
            np.savez(
                file,
                charges=np.array(member.charges),
                sizes=np.array(history.sizes),
                currents=np.array(history.currents),
                bars=np.array(history.bars),
                iterations=np.array(history.iterations),
                expected=np.array(history.expected),
                **vectors,
            )
        part.replace(path)

    def resumed(self, stack: FockSectors) -> tuple[WholeStates, History] | None:
        """What was kept of this very member.

        Raises
        ------
        ModelError : the file is damaged
        """
        path = self._path(stack.member)
        if not path.exists():
            return None
        kept = _arrays(path)
        history = History(
            sizes=tuple(int(n) for n in kept["sizes"]),
            currents=tuple(float(one) for one in kept["currents"]),
            bars=tuple(float(one) for one in kept["bars"]),
            iterations=int(kept["iterations"]),
            expected=float(kept["expected"]),
        )
        return _states(stack, kept), history

    def neighbour(self, stack: FockSectors) -> WholeStates | None:
        """The states of the point of the same charges that was kept last.

        Raises
        ------
        ModelError : the file is damaged
        """
        files = self.folder.glob(f"*-{self.magnetisation}.npz")
        for path in sorted(files, key=lambda one: one.stat().st_mtime, reverse=True):
            kept = _arrays(path)
            if np.array_equal(kept["charges"], np.array(stack.member.charges)):
                return _states(stack, kept)
        return None


def _states(stack: FockSectors, kept: dict[str, NDArray[np.generic]]) -> WholeStates:
    vectors = {
        int(name.removeprefix(SECTOR)): V.astype(complex)
        for name, V in kept.items()
        if name.startswith(SECTOR)
    }
    return WholeStates.of(stack, vectors)


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as file, np.load(file) as kept:
            return {name: kept[name] for name in kept.files}
    except UNREADABLE as error:
        raise ModelError(
            f"Option `folder` of method selected must hold what an earlier solve kept, but {path} is damaged "
            f"({error}); remove it, and the solve starts anew"
        ) from None
