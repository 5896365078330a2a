"""Small crystals and the files that other programs would leave of them."""

from __future__ import annotations

import itertools
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chirospin.base.spin import PAULI
from chirospin.wannier.real_space import WannierMatrices

CELL = np.array([[0.40, 0.03, 0.0], [-0.02, 0.45, 0.05], [0.01, 0.0, 0.5]])


def random_crystal(seed: int, functions: int = 4, spread: float = 0.2) -> WannierMatrices:
    """A Hermitian H(R) with time reversal, a spin and a position with parts at R != 0, and scattered centres.

    The spin is sigma/2 on pairs, turned in first order by what depends on k, so that it is no Pauli matrix of the
    functions; the factor keeps its eigenvalues within +-1/2, as in a set of functions that is not complete.
    """
    rng = np.random.default_rng(seed)
    vectors = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    home = len(vectors) // 2
    n = functions
    reverse = np.kron(np.eye(n // 2), np.array([[0, 1], [-1, 0]]))  # i sigma_y

    def hopping(size: float) -> Any:
        X = rng.normal(size=(len(vectors), n, n)) + 1j * rng.normal(size=(len(vectors), n, n))
        X *= (size ** np.abs(vectors).sum(axis=1))[:, None, None]
        X = X + np.swapaxes(X[::-1], 1, 2).conj()
        return (X + reverse @ X.conj() @ reverse.T) / 4

    H, mix = hopping(0.3), 1j * 0.2 * hopping(0.2)
    sigma = np.stack([np.kron(np.eye(n // 2), s) / 2 for s in PAULI])
    S = np.zeros((3, len(vectors), n, n), dtype=complex)
    S[:, home] = sigma
    S += mix[None] @ sigma[:, None] - sigma[:, None] @ mix[None]
    S = 0.85 * (S + np.swapaxes(S[:, ::-1], 2, 3).conj()) / 2
    centres = spread * rng.normal(size=(n, 3))
    A = 0.1 * np.stack([hopping(0.2) for _ in range(3)])
    A[:, home, range(n), range(n)] = centres.T
    return WannierMatrices(
        path=Path("random"),
        lattice=CELL,
        vectors=vectors,
        hamiltonian=H,
        spin=S,
        centres=centres,
        position=A,
    )


def pauli_crystal(seed: int, functions: int = 4) -> WannierMatrices:
    """The same with spins up, down, up, ... and pairs that share their centres."""
    found = random_crystal(seed, functions)
    home = len(found.vectors) // 2
    S = np.zeros_like(found.spin)
    S[:, home] = np.stack([np.kron(np.eye(functions // 2), s) / 2 for s in PAULI])
    return replace(found, spin=S, centres=np.repeat(found.centres[::2], 2, axis=0), position=None)


def turned(matrices: WannierMatrices, U: Any) -> WannierMatrices:
    """The same crystal in other functions of each cell."""

    def of(X: Any) -> Any:
        return U.conj().T @ X @ U

    return replace(
        matrices,
        hamiltonian=of(matrices.hamiltonian),
        spin=of(matrices.spin),
        position=of(matrices.position),
    )


def relabelled(matrices: WannierMatrices, cells: Any) -> WannierMatrices:
    """The same crystal, function n counted to the cell T_n away: X'_mn(R) = X_mn(R + T_n - T_m)."""
    T, n, most = np.array(cells), matrices.functions, 1 + 2 * int(np.abs(cells).max())
    vectors = np.array(list(itertools.product(range(-most, most + 1), repeat=3)))
    at = {tuple(R): i for i, R in enumerate(matrices.vectors.tolist())}

    def moved(X: Any) -> Any:
        out = np.zeros((*X.shape[:-3], len(vectors), n, n), dtype=complex)
        for (r, R), a, b in itertools.product(enumerate(vectors), range(n), range(n)):
            i = at.get(tuple((R + T[b] - T[a]).tolist()))
            if i is not None:
                out[..., r, a, b] = X[..., i, a, b]
        return out

    A = moved(matrices.position)
    A[:, len(vectors) // 2, range(n), range(n)] += (T @ matrices.lattice).T
    return replace(
        matrices,
        vectors=vectors,
        hamiltonian=moved(matrices.hamiltonian),
        spin=moved(matrices.spin),
        position=A,
        centres=matrices.centres + T @ matrices.lattice,
    )


def bands(matrices: WannierMatrices, kappa: Any) -> Any:
    phase = np.exp(2j * np.pi * np.asarray(kappa) @ matrices.vectors.T)
    return np.linalg.eigvalsh(np.einsum("kr,rmn->kmn", phase, matrices.hamiltonian))


def hr_lines(matrices: WannierMatrices, degeneracy: int = 1, rows: int = 1) -> list[str]:
    n, count = matrices.functions, len(matrices.vectors)
    lines = ["written by a test", str(n), str(count)]
    weights = [str(degeneracy)] * count
    lines += [" ".join(weights[i : i + rows]) for i in range(0, count, rows)]
    for R, H in zip(matrices.vectors.tolist(), degeneracy * matrices.hamiltonian, strict=True):
        for b, a in itertools.product(range(n), repeat=2):
            lines.append(
                "{} {} {} ".format(*R) + f"{a + 1} {b + 1} {H[a, b].real:.15e} {H[a, b].imag:.15e}"
            )
    return lines


def win_lines(matrices: WannierMatrices, spinors: str = "spinors = .true.") -> list[str]:
    lines = [spinors, f"num_wann {matrices.functions}", "Begin Unit_Cell_Cart  ! a comment", "Ang"]
    lines += [" ".join(f"{10 * x:.12f}" for x in row) for row in matrices.lattice]
    return [*lines, "End Unit_Cell_Cart"]


def tb_lines(matrices: WannierMatrices, exponent: str = "e") -> list[str]:
    n = matrices.functions
    lines = ["written by a test"]
    lines += [" ".join(f"{10 * x:.12f}" for x in row) for row in matrices.lattice]
    lines += [str(n), str(len(matrices.vectors)), " ".join(["1"] * len(matrices.vectors))]
    for R, H in zip(matrices.vectors.tolist(), matrices.hamiltonian, strict=True):
        lines += ["", "{} {} {}".format(*R)]
        for b, a in itertools.product(range(n), repeat=2):
            lines.append(
                f"{a + 1} {b + 1} {H[a, b].real:.15e} {H[a, b].imag:.15e}".replace("e", exponent)
            )
    for r, R in enumerate(matrices.vectors.tolist()):
        lines += ["", "{} {} {}".format(*R)]
        for b, a in itertools.product(range(n), repeat=2):
            at = 10 * matrices.centres[a] if a == b and not any(R) else np.zeros(3)
            if matrices.position is not None:
                at = 10 * matrices.position[:, r, a, b]
            lines.append(f"{a + 1} {b + 1} " + " ".join(f"{x.real:.15f} {x.imag:.15f}" for x in at))
    return lines


def written(path: Path, lines: list[str]) -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode("latin-1"))
    return path


class Fortran:
    """Unformatted records, of either byte order, whole or split."""

    def __init__(self, order: str = "<", split: int = 0) -> None:
        self.order, self.split, self.data = order, split, b""

    def record(self, payload: bytes) -> None:
        pieces = [payload]
        if self.split and len(payload) > self.split:
            pieces = [payload[i : i + self.split] for i in range(0, len(payload), self.split)]
        for i, piece in enumerate(pieces):
            head = -len(piece) if i < len(pieces) - 1 else len(piece)
            tail = -len(piece) if i else len(piece)
            self.data += (
                struct.pack(self.order + "i", head) + piece + struct.pack(self.order + "i", tail)
            )

    def numbers(self, kind: str, values: Any) -> None:
        self.record(np.asarray(values).ravel().astype(self.order + kind).tobytes())


def band_files(
    matrices: WannierMatrices, prefix: Path, order: str = "<", split: int = 0, truth: int = 1,
    formatted: bool = False, grid: tuple[int, int, int] = (3, 3, 3),
) -> None:  # fmt: skip
    """PREFIX.chk, .eig and .spn on a grid of q, with one band more than functions that is left out."""
    n, rng = matrices.functions, np.random.default_rng(9)
    q = np.array(list(itertools.product(*(range(N) for N in grid)))) / np.array(grid)
    phase = np.exp(2j * np.pi * q @ matrices.vectors.T)
    H = np.einsum("kr,rmn->kmn", phase, matrices.hamiltonian)
    S = 2 * np.einsum("kr,irmn->kimn", phase, matrices.spin)
    E, W = np.linalg.eigh(H)
    V = np.swapaxes(W, 1, 2).conj()
    Q = np.linalg.qr(rng.normal(size=(len(q), n, n)) + 1j * rng.normal(size=(len(q), n, n)))[0]
    optimal = np.zeros((len(q), n + 1, n), dtype=complex)
    optimal[:, :n] = Q
    U = np.swapaxes(Q, 1, 2).conj() @ V
    sigma = np.zeros((len(q), 3, n + 1, n + 1), dtype=complex)
    sigma[:, :, :n, :n] = V[:, None] @ S @ W[:, None]
    inside = np.ones((len(q), n + 1), dtype=int) * truth
    inside[:, n] = 0
    cell = 10 * matrices.lattice
    items = [
        ("i4", [n + 1]), ("i4", [0]), ("i4", []), ("f8", cell.T), ("f8", np.linalg.inv(cell)), ("i4", [len(q)]),
        ("i4", grid), ("f8", q), ("i4", [1]), ("i4", [n]), ("text", "postwann"), ("i4", [1]), ("f8", [0.0]),
        ("i4", inside), ("i4", [n] * len(q)), ("c16", np.swapaxes(optimal, 1, 2)), ("c16", np.swapaxes(U, 1, 2)),
        ("c16", np.zeros((len(q), 1, n, n))), ("f8", 10 * matrices.centres), ("f8", np.zeros(n)),
    ]  # fmt: skip
    a, b = np.tril_indices(n + 1)
    spins = [np.moveaxis(sigma[k][:, b, a], 0, 1) for k in range(len(q))]
    if formatted:
        written(Path(f"{prefix}.chk.fmt"), ["a header", *itertools.chain(*map(_text, items))])
        head = [f"{n + 1} {len(q)}"]
        written(
            Path(f"{prefix}.spn"),
            ["a header", *head, *itertools.chain(*(_text(("c16", s)) for s in spins))],
        )
    else:
        file = Fortran(order, split)
        file.record(b"a header".ljust(33))
        for kind, values in items:
            if kind == "text":
                file.record(str(values).ljust(20).encode())
            else:
                file.numbers(kind, values)
        Path(f"{prefix}.chk").write_bytes(file.data)
        file = Fortran(order, split)
        file.record(b"a header".ljust(60))
        file.numbers("i4", [n + 1, len(q)])
        for s in spins:
            file.numbers("c16", s)
        Path(f"{prefix}.spn").write_bytes(file.data)
    levels = np.hstack([E, E[:, -1:] + 1])
    written(
        Path(f"{prefix}.eig"),
        [f"{m + 1} {k + 1} {levels[k, m]:.15e}" for k in range(len(q)) for m in range(n + 1)],
    )


def _text(item: tuple[str, Any]) -> list[str]:
    kind, values = item
    if kind == "text":
        return [str(values)]
    flat = np.asarray(values).ravel()
    if kind == "i4":
        return [str(int(x)) for x in flat]
    if kind == "f8":
        return [f"{x:.17e}" for x in flat]
    return [f"{x.real:.17e} {x.imag:.17e}" for x in flat]


def system_folder(
    matrices: WannierMatrices, folder: Path, old: bool = False, key: str = "arr_0"
) -> Path:
    """The layout in which WannierBerri saves a system."""
    folder.mkdir(exist_ok=True)

    def order(X: Any) -> Any:
        return np.moveaxis(X, 0, 2) if old else X

    arrays = {
        "_XX_R_Ham": order(matrices.hamiltonian),
        "iRvec": matrices.vectors,
        "real_lattice": 10 * matrices.lattice,
        "wannier_centers_cart": 10 * matrices.centres,
        "num_wann": np.array(matrices.functions),
        "periodic": np.array([True] * 3),
        "is_phonon": np.array(False),
    }
    if matrices.spin is not None:
        arrays["_XX_R_SS"] = order(2 * np.moveaxis(matrices.spin, 0, -1))
    if matrices.position is not None:  # without the centres, as in the phases that have them
        home = int(np.flatnonzero((matrices.vectors == 0).all(axis=1))[0])
        A = 10 * np.moveaxis(matrices.position, 0, -1)
        A[home, range(matrices.functions), range(matrices.functions)] -= 10 * matrices.centres
        arrays["_XX_R_AA"] = order(A)
    for name, array in arrays.items():
        np.savez(
            folder / f"{name}.npz",
            **{"iRvec" if name == "iRvec" and key != "arr_0" else "arr_0": array},
        )
    # the cell in this file is the reciprocal one, as in older folders: it must not be read
    np.savez(
        folder / "pointgroup.npz", nsym=np.array(2), real_lattice=2 * np.pi * np.linalg.inv(10 * matrices.lattice).T,
        symm0_R=np.eye(3), symm0_TR=np.array(False), symm1_R=np.eye(3), symm1_TR=np.array(True),
    )  # fmt: skip
    return folder
