"""Hoppings as Wannier90 prints them: prefix_tb.dat, or prefix_hr.dat, with prefix_wsvec.dat beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chirospin.wannier.real_space import Complex, Integers
from chirospin.wannier.text_files import Array, Lines, broken
from chirospin.wannier.win_file import NM_PER_ANGSTROM, require_volume

Images = dict[tuple[int, int, int, int, int], Integers]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hoppings:
    """The contents of one file.

    Parameters
    ----------
    lattice, centres : nm, or None where the file has none
    vectors : (R, 3)
    degeneracy : (R,); the matrices are divided by it already
    hamiltonian : eV, (R, n, n)
    position : nm, (3, R, n, n), or None
    """

    lattice: Array | None
    vectors: Integers
    degeneracy: Integers
    hamiltonian: Complex
    position: Complex | None
    centres: Array | None


def read_hr(path: Path) -> Hoppings:
    """Read prefix_hr.dat; its rows may have any order.

    Raises
    ------
    ModelError : with file, line and what is wrong
    """
    lines = Lines.of(path)
    lines.raw("a comment")
    states, degeneracy = _header(lines)
    count = degeneracy.size
    rows, where = lines.table("hoppings", count * states**2, 7)
    lines.end()
    labels = _labels(lines, rows[:, :5], where, states)
    _, first, which = np.unique(labels[:, :3], axis=0, return_index=True, return_inverse=True)
    order = np.argsort(
        np.argsort(first)
    )  # a vector's degeneracy stands where the vector first does
    if first.size != count:
        raise broken(path, where[-1], f"{first.size} vectors R stand where {count} are announced")
    at = order[which.ravel()], labels[:, 3] - 1, labels[:, 4] - 1
    seen = np.zeros((count, states, states), dtype=np.int64)
    np.add.at(seen, at, 1)
    if (seen != 1).any():
        r, m, n = np.argwhere(seen != 1)[0]
        R = labels[np.sort(first)[r], :3].tolist()
        raise broken(
            path, 0, f"element m = {m + 1}, n = {n + 1} at R = {R} stands {seen[r, m, n]} times"
        )
    H = np.empty((count, states, states), dtype=complex)
    H[at] = rows[:, 5] + 1j * rows[:, 6]
    return Hoppings(
        lattice=None,
        vectors=labels[np.sort(first), :3],
        degeneracy=degeneracy,
        hamiltonian=np.asarray(H / degeneracy[:, None, None]),
        position=None,
        centres=None,
    )


def read_tb(path: Path) -> Hoppings:
    """Read prefix_tb.dat: cell, hoppings and the position operator.

    Raises
    ------
    ModelError : with file, line and what is wrong
    """
    lines = Lines.of(path)
    lines.raw("a comment")
    lattice = NM_PER_ANGSTROM * np.array(
        [lines.numbers("a vector of the cell", 3) for _ in range(3)]
    )
    require_volume(path, lattice)
    states, degeneracy = _header(lines)
    vectors, H = _matrices(lines, "hoppings", degeneracy.size, states, 1)
    other, A = _matrices(lines, "positions", degeneracy.size, states, 3, vectors)
    assert (vectors == other).all()
    home = np.flatnonzero((vectors == 0).all(axis=1))
    if home.size != 1:
        raise broken(
            path, 0, f"the vector R = [0, 0, 0] must stand once, but stands {home.size} times"
        )
    weight = degeneracy[:, None, None]
    position = NM_PER_ANGSTROM * A / weight
    return Hoppings(
        lattice=lattice,
        vectors=vectors,
        degeneracy=degeneracy,
        hamiltonian=np.asarray(H[0] / weight),
        position=position,
        centres=np.einsum("inn->ni", position[:, home[0]]).real.copy(),
    )


def _header(lines: Lines) -> tuple[int, Integers]:
    """Number of functions, and the degeneracy of every R."""
    states = lines.size("the number of functions")
    count = lines.size("the number of vectors R")
    degeneracy = lines.many_integers("degeneracies", count)
    if degeneracy.min() < 1:
        lines.refuse(f"degeneracies must be at least 1, but one is {degeneracy.min()}")
    return states, degeneracy


def _labels(lines: Lines, numbers: Array, where: list[int], states: int) -> Integers:
    """R, m, n of every row as integers, m and n in range."""
    whole = numbers == np.rint(numbers)
    inside = (numbers[:, 3:] >= 1) & (numbers[:, 3:] <= states)
    wrong = np.flatnonzero(~(whole.all(axis=1) & inside.all(axis=1)))
    if wrong.size:
        lines.at = where[int(wrong[0])]
        lines.refuse(
            f"R must be three integers, and m, n from 1 to {states}, but are "
            + " ".join(f"{x:g}" for x in numbers[int(wrong[0])])
        )
    return numbers.astype(np.int64)


def _matrices(
    lines: Lines, what: str, count: int, states: int, components: int, known: Integers | None = None
) -> tuple[Integers, Complex]:
    """R and n^2 rows `m n re im ...` for each; shapes (R, 3) and (components, R, n, n)."""
    vectors = np.empty((count, 3), dtype=np.int64)
    X = np.full((components, count, states, states), np.nan, dtype=complex)
    for r in range(count):
        vectors[r] = lines.integers(f"vector R {r + 1} of {count} of {what}", 3)
        if known is not None and (vectors[r] != known[r]).any():
            lines.refuse(
                f"R = {vectors[r].tolist()} of the positions stands where that of the hoppings is "
                f"{known[r].tolist()}"
            )
        rows, where = lines.table(what, states**2, 2 + 2 * components)
        padded = np.hstack([np.zeros((len(rows), 3)), rows[:, :2]])
        labels = _labels(lines, padded, where, states)
        m, n = labels[:, 3] - 1, labels[:, 4] - 1
        for i in range(components):
            X[i, r, m, n] = rows[:, 2 + 2 * i] + 1j * rows[:, 3 + 2 * i]
        if np.isnan(X[:, r]).any():
            lines.refuse(f"an element m, n of the {what} at R = {vectors[r].tolist()} is missing")
    return vectors, X


def read_wsvec(path: Path, vectors: Integers, states: int) -> Images:
    """Read prefix_wsvec.dat: the vectors T of every (R, m, n).

    Raises
    ------
    ModelError : with file, line and what is wrong; elements that are not those of the hoppings
    """
    lines = Lines.of(path)
    lines.raw("a comment")
    known = {tuple(R) for R in vectors.tolist()}
    images: Images = {}
    for _ in range(len(vectors) * states**2):
        key = tuple(lines.integers("R1 R2 R3 m n", 5))
        if key[:3] not in known or not all(1 <= x <= states for x in key[3:]):
            lines.refuse(f"R, m, n = {list(key)} is none of the hoppings beside it")
        if key in images:
            lines.refuse(f"R, m, n = {list(key)} is there twice")
        count = lines.size("the number of vectors T")
        images[key] = np.array([lines.integers("a vector T", 3) for _ in range(count)])  # type: ignore[index]
    lines.end()
    return images


def moved(vectors: Integers, X: Complex, images: Images) -> tuple[Integers, Complex]:
    """Every element shared equally among its images R + T; X of shape (components, R, n, n)."""
    states = X.shape[-1]
    at: dict[tuple[int, ...], int] = {}
    source, target, m, n, share = [], [], [], [], []
    for r, R in enumerate(vectors.tolist()):
        for a in range(states):
            for b in range(states):
                T = images[R[0], R[1], R[2], a + 1, b + 1]
                for shifted in (T + R).tolist():
                    source.append(r)
                    target.append(at.setdefault(tuple(shifted), len(at)))
                    m.append(a)
                    n.append(b)
                    share.append(1 / len(T))
    out = np.zeros((X.shape[0], len(at), states, states), dtype=complex)
    for i in range(X.shape[0]):
        np.add.at(out[i], (target, m, n), X[i, source, m, n] * np.array(share))
    return np.array(list(at), dtype=np.int64), out


def read_centres(path: Path, states: int) -> Array:
    """Centres of prefix_centres.xyz, nm, shape (n, 3).

    Raises
    ------
    ModelError : with file, line and what is wrong
    """
    lines = Lines.of(path)
    lines.size("the number of rows")
    lines.raw("a comment")
    centres = []
    for n in range(states):
        words = lines.words(f"the centre of function {n + 1}")
        if words[0].upper() != "X" or len(words) != 4:
            lines.refuse(f"the centre of function {n + 1} must be X and three numbers")
        rest = Lines(path, [" ".join(words[1:])])
        try:
            centres.append(rest.numbers("a centre", 3))
        except ValueError:
            lines.refuse("a centre must be three finite numbers")
    return NM_PER_ANGSTROM * np.array(centres)
