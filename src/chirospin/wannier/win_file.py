"""The input file of Wannier90, prefix.win: cell, atoms and the few words that decide how a file is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chirospin.wannier.text_files import Array, Lines, broken

NM_PER_ANGSTROM, NM_PER_BOHR = 0.1, 0.0529177210903
BEGIN = re.compile(r"^\s*begin\s*[:=]?\s*(\w+)", re.IGNORECASE)
END = re.compile(r"^\s*end\s*[:=]?\s*(\w+)", re.IGNORECASE)
TRUE, FALSE = ("true", ".true.", "t", ".t.", "1"), ("false", ".false.", "f", ".f.", "0")
COMMENT = re.compile(r"[!#].*")
FLAT = 1e-9  # of a cell's volume over the product of its edges


@dataclass(frozen=True, kw_only=True, eq=False)
class Win:
    """What a reader needs of prefix.win; None where the file does not say.

    Parameters
    ----------
    lattice : primitive vectors as rows, nm
    positions : of the atoms in units of the lattice, shape (atoms, 3)
    species : their names
    spinors, use_ws_distance : as written
    grid : mp_grid
    excluded : exclude_bands, counted from 1
    """

    path: Path
    lattice: Array | None
    positions: Array | None
    species: tuple[str, ...]
    spinors: bool | None
    use_ws_distance: bool | None
    grid: tuple[int, int, int] | None
    excluded: tuple[int, ...]


Block = list[tuple[int, str]]


def read_win(path: Path) -> Win:
    """Read prefix.win.

    Raises
    ------
    ModelError : a block that is there twice, too short or without a volume; a word that is none
    """
    keys, blocks = _parts(path)
    lattice = _lattice(path, blocks["unit_cell_cart"]) if "unit_cell_cart" in blocks else None
    positions, species = _atoms(path, blocks, lattice)
    grid = _value(keys, "mp_grid", r"((?:\d+[\s,]*){3})")
    excluded = _value(keys, "exclude_bands", r"([\d\s,-]+)")
    return Win(
        path=path,
        lattice=lattice,
        positions=positions,
        species=species,
        spinors=_boolean(path, keys, "spinors"),
        use_ws_distance=_boolean(path, keys, "use_ws_distance"),
        grid=None if grid is None else tuple(int(x) for x in re.findall(r"\d+", grid[1])[:3]),  # type: ignore[arg-type]
        excluded=() if excluded is None else _bands(excluded[1]),
    )


def _parts(path: Path) -> tuple[Block, dict[str, Block]]:
    """Lines outside of blocks, and the lines of every block by its name, with their numbers."""
    keys: Block = []
    blocks: dict[str, Block] = {}
    inside: str | None = None
    for number, raw in enumerate(Lines.of(path).text, start=1):
        line = COMMENT.sub("", raw).strip()
        if not line:
            continue
        if inside is None and (opening := BEGIN.match(line)):
            inside = opening[1].lower()
            if inside in blocks:
                raise broken(path, number, f"the block {inside} is there twice")
            blocks[inside] = []
        elif END.match(line):
            inside = None
        elif inside is None:
            keys.append((number, line))
        else:
            blocks[inside].append((number, line))
    if inside is not None:
        raise broken(path, 0, f"the block {inside} has no end")
    return keys, blocks


def _value(keys: Block, name: str, pattern: str) -> tuple[int, str] | None:
    """The value of a key: key = v, key : v or key v, several on a line or one."""
    for number, line in keys:
        found = re.search(rf"(?<!\w){name}\s*[=:\s]\s*{pattern}", line, re.IGNORECASE)
        if found:
            return number, found[1]
    return None


def _boolean(path: Path, keys: Block, name: str) -> bool | None:
    found = _value(keys, name, r"(\S+)")
    if found is None:
        return None
    word = found[1].lower().rstrip(",;")
    if word not in TRUE + FALSE:
        raise broken(path, found[0], f"{name} must be true or false, but is {found[1]!r}")
    return word in TRUE


def _bands(text: str) -> tuple[int, ...]:
    """Numbers and ranges: 1-4, 7."""
    found: list[int] = []
    for low, high in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
        found += range(int(low), int(high or low) + 1)
    return tuple(found)


def _scaled(block: Block) -> tuple[float, Block]:
    """Nanometres in a unit of the block, and its lines without the word for the unit."""
    if block and len(block[0][1].split()) == 1:
        word = block[0][1].lower()
        return NM_PER_BOHR if word.startswith("bohr") else NM_PER_ANGSTROM, block[1:]
    return NM_PER_ANGSTROM, block


def _triple(path: Path, number: int, words: list[str], what: str) -> list[float]:
    try:
        found = [float(word) for word in words]
    except ValueError:
        found = []
    if len(found) != 3 or not np.isfinite(found).all():
        raise broken(path, number, f"{what} must be three numbers, but is {' '.join(words)!r}")
    return found


def _lattice(path: Path, block: Block) -> Array:
    scale, rows = _scaled(block)
    if len(rows) != 3:
        last = rows[-1][0] if rows else 0
        raise broken(path, last, f"unit_cell_cart must have 3 vectors, but has {len(rows)}")
    lattice = scale * np.array(
        [_triple(path, n, line.split(), "a vector of the cell") for n, line in rows]
    )
    require_volume(path, lattice)
    return lattice


def require_volume(path: Path, lattice: Array) -> None:
    """Refuse a cell whose vectors lie in a plane.

    Raises
    ------
    ModelError : they do
    """
    edges = np.prod(np.linalg.norm(lattice, axis=1))
    if not abs(np.linalg.det(lattice)) > FLAT * edges:
        raise broken(path, 0, "the vectors of the cell lie in a plane: its volume is 0")


def _atoms(
    path: Path, blocks: dict[str, Block], lattice: Array | None
) -> tuple[Array | None, tuple[str, ...]]:
    """Positions in units of the lattice, and species."""
    if "atoms_frac" in blocks:
        rows, into = blocks["atoms_frac"], np.asarray(np.eye(3), dtype=float)
    elif "atoms_cart" in blocks and lattice is not None:
        scale, rows = _scaled(blocks["atoms_cart"])
        into = np.asarray(scale * np.linalg.inv(lattice), dtype=float)
    else:
        return None, ()
    found: list[list[float]] = []
    species = []
    for number, line in rows:
        name, *words = line.split()
        found.append(_triple(path, number, words[:3], f"the position of {name}"))
        species.append(name)
    return np.asarray(np.array(found).reshape(-1, 3) @ into), tuple(species)
