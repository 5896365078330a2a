r"""Crystals to try things on: the built-in `helix`, its mirror image and `zincblende`.

``python -m chirospin.crystal helix`` writes the helix and its mirror image as files.

The helix has tellurium's structure: three atoms in a threefold helix along z, p orbitals with spin, hopping by the angle of the bond and on-site
spin-orbit coupling:

.. math:: t(d) = V_\pi(d)\,(1 - \hat d\hat d^T) + V_\sigma(d)\,\hat d\hat d^T, \quad
          H_\mathrm{so} = \lambda\, L\cdot S

It is chiral by its structure alone: the other hand has the same parameters. The zincblende has s and p orbitals of two atoms
with hopping between neighbours; its functions are mixtures of spins, as maximally localised ones are, and nothing is
induced in it: T_d forbids it. No converged calculation of any material stands behind either.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import scipy

from chirospin.base.spin import PAULI
from chirospin.wannier.real_space import Complex, WannierMatrices
from chirospin.wannier.text_files import Array

EDGE, HEIGHT, OFFSET = 0.4457, 0.5929, 0.274
"""nm and units of the edge: the cell of tellurium."""
BOND = 0.2834  # nm: of the helix
SIGMA, PI, DECAY = 2.6, -0.2, 0.1  # eV at the bond; nm
REACH = 0.40  # nm: the helix and its neighbours
SPIN_ORBIT = 0.4  # eV


def helix(hand: int = 1, spin_orbit: float = SPIN_ORBIT) -> WannierMatrices:
    """The crystal of one hand.

    Parameters
    ----------
    hand : +1 a right-handed helix, -1 its mirror image z -> -z
    spin_orbit : eV
    """
    lattice = np.array([
        [EDGE, 0, 0], [-EDGE / 2, EDGE * np.sqrt(3) / 2, 0], [0, 0, HEIGHT],
    ])  # fmt: skip
    atoms = np.array([[OFFSET, 0, 0], [0, OFFSET, hand / 3], [-OFFSET, -OFFSET, -hand / 3]])
    places = atoms @ lattice
    vectors = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    H = np.zeros((len(vectors), 18, 18), dtype=complex)
    for r, R in enumerate(vectors @ lattice):
        for i, j in itertools.product(range(3), repeat=2):
            bond = R + places[j] - places[i]
            if 0 < np.linalg.norm(bond) < REACH:
                H[r, 6 * i : 6 * i + 6, 6 * j : 6 * j + 6] = np.kron(_hopping(bond), np.eye(2))
    home = int(np.flatnonzero((vectors == 0).all(axis=1))[0])
    H[home] += np.kron(np.eye(3), spin_orbit * _spin_orbit())
    held = np.abs(H).max(axis=(1, 2)) > 0
    return WannierMatrices(
        path=Path("helix"),
        lattice=lattice,
        vectors=vectors[held],
        hamiltonian=H[held],
        centres=np.repeat(places, 6, axis=0),
        positions=atoms,
        species=("Te",) * 3,
        spinors=True,
        spin=_pure_spin(int(held.sum()), int(np.flatnonzero(np.flatnonzero(held) == home)[0]), 9),
    )


def _pure_spin(vectors: int, home: int, orbitals: int) -> Complex:
    """sigma/2 of functions up, down, up, ... at R = 0, shape (3, R, n, n)."""
    S = np.zeros((3, vectors, 2 * orbitals, 2 * orbitals), dtype=complex)
    S[:, home] = [np.kron(np.eye(orbitals), s) / 2 for s in PAULI]
    return S


CUBE = 0.565  # nm
LEVELS = (-7.0, 1.0, -2.0, 4.0)  # eV: s and p of the first atom, s and p of the second
BONDS = (-1.7, 2.0, 2.6, -0.7)  # eV: ss, sp, pp along and across the bond
ATOMS = (0.3, 0.15)  # eV: spin-orbit coupling of each
MIXING = 0.4  # of spins in the functions


def zincblende() -> WannierMatrices:
    """Two atoms of a face-centred cell, s and p orbitals with spin, T_d."""
    lattice = CUBE / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=float)
    vectors = np.array(
        [[0, 0, 0], *(s * np.eye(3)[i] for i in range(3) for s in (1, -1))], dtype=int
    )
    places = np.array([[0, 0, 0], [CUBE / 4] * 3])
    H = np.zeros((7, 16, 16), dtype=complex)
    for r, R in enumerate(vectors @ lattice):
        bond = R + places[1] - places[0]
        if np.linalg.norm(bond) < 0.45 * CUBE:
            H[r, :8, 8:] = np.kron(_sp_hopping(bond / np.linalg.norm(bond)), np.eye(2))
    for r, R in enumerate(vectors.tolist()):
        back = vectors.tolist().index([-x for x in R])
        H[r, 8:, :8] = H[back, :8, 8:].conj().T
    for atom in range(2):
        s, p = LEVELS[2 * atom : 2 * atom + 2]
        block = np.zeros((8, 8), dtype=complex)
        block[:2, :2], block[2:, 2:] = s * np.eye(2), p * np.eye(6) + ATOMS[atom] * _spin_orbit()
        H[0, 8 * atom : 8 * atom + 8, 8 * atom : 8 * atom + 8] = block
    mix = _mixed_spins()
    S = _pure_spin(7, 0, 8)
    return WannierMatrices(
        path=Path("zincblende"),
        lattice=lattice,
        vectors=vectors,
        hamiltonian=mix.conj().T @ H @ mix,
        spin=mix.conj().T @ S @ mix,
        centres=np.repeat(places, 8, axis=0),
        positions=np.array([[0.0, 0, 0], [0.25] * 3]),
        species=("Ga", "As"),
        spinors=True,
    )


def _sp_hopping(way: Array) -> Array:
    """Between s, p_x, p_y, p_z of two atoms along a unit vector, eV, (4, 4)."""
    ss, sp, along, across = BONDS
    out = np.empty((4, 4))
    out[0, 0], out[0, 1:], out[1:, 0] = ss, sp * way, -sp * way
    out[1:, 1:] = across * np.eye(3) + (along - across) * np.outer(way, way)
    return out


def _mixed_spins() -> Complex:
    """A unitary that mixes the functions of each atom and keeps time reversal, (16, 16)."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16))
    reverse = np.kron(np.eye(8), [[0, 1], [-1, 0]])  # i sigma_y
    X = (X - X.conj().T) / 2
    X = (X + reverse @ X.conj() @ reverse.T) / 2
    X *= np.kron(np.eye(2), np.ones((8, 8)))
    return np.asarray(scipy.linalg.expm(MIXING * X))


SAMPLES = {"helix": helix, "helix-mirror": lambda: helix(-1), "zincblende": zincblende}
"""By the name of the built-in Hamiltonian."""


def _hopping(bond: Array) -> Array:
    """Between p_x, p_y, p_z of two atoms, eV, (3, 3)."""
    distance = float(np.linalg.norm(bond))
    along = np.outer(bond, bond) / distance**2
    decay = np.exp(-(distance - BOND) / DECAY)
    return np.asarray(decay * (PI * (np.eye(3) - along) + SIGMA * along))


def _spin_orbit() -> Complex:
    """L.S of p orbitals, spin fastest, (6, 6)."""
    levi = np.zeros((3, 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        levi[a, b, c], levi[b, a, c] = 1, -1
    return np.asarray(sum(np.kron(-1j * levi[c], PAULI[c] / 2) for c in range(3)))


def write_tb(prefix: Path, matrices: WannierMatrices) -> tuple[Path, Path]:
    """Write PREFIX_tb.dat in Wannier90's layout and PREFIX.win; the functions are up, down, up, ..."""
    assert matrices.centres is not None
    assert matrices.positions is not None
    n, cell = matrices.functions, 10 * matrices.lattice
    lines = ["a crystal of tellurium's structure, written by chirospin.crystal"]
    lines += [" ".join(f"{x:.12f}" for x in row) for row in cell]
    lines += [str(n), str(len(matrices.vectors)), *["1"] * len(matrices.vectors)]
    for R, H in zip(matrices.vectors.tolist(), matrices.hamiltonian, strict=True):
        lines += ["", " ".join(map(str, R))]
        lines += [f"{a + 1} {b + 1} {H[a, b].real:.15e} {H[a, b].imag:.15e}"
                  for b in range(n) for a in range(n)]  # fmt: skip
    for R in matrices.vectors.tolist():
        lines += ["", " ".join(map(str, R))]
        for b, a in itertools.product(range(n), repeat=2):
            at = 10 * matrices.centres[a] if a == b and not any(R) else np.zeros(3)
            lines.append(f"{a + 1} {b + 1} " + " ".join(f"{x:.12f} 0.0" for x in at))
    win = ["spinors = true", f"num_wann = {n}", "begin unit_cell_cart", "ang"]
    win += [" ".join(f"{x:.12f}" for x in row) for row in cell]
    win += ["end unit_cell_cart", "begin atoms_frac"]
    win += [f"{name} " + " ".join(f"{x:.12f}" for x in at)
            for name, at in zip(matrices.species, matrices.positions, strict=True)]  # fmt: skip
    files = prefix.with_name(prefix.name + "_tb.dat"), prefix.with_name(prefix.name + ".win")
    files[0].write_text("\n".join(lines) + "\n", encoding="ascii")
    files[1].write_text("\n".join([*win, "end atoms_frac"]) + "\n", encoding="ascii")
    return files


def write_both(arguments: list[str]) -> int:
    """Write the right-handed crystal under the name that is given, and its mirror image beside."""
    prefix = Path(arguments[0] if arguments else "helix")
    for hand, name in ((1, prefix.name), (-1, prefix.name + "_mirror")):
        files = write_tb(prefix.with_name(name), helix(hand))
        sys.stdout.write(f"{' '.join(map(str, files))}\n")
    return 0
