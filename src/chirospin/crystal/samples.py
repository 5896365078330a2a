r"""A crystal of tellurium's structure to try things on: ``python -m chirospin.crystal.samples helix``.

Three atoms in a threefold helix along z, p orbitals with spin, hopping by the angle of the bond and on-site
spin-orbit coupling:

.. math:: t(d) = V_\pi(d)\,(1 - \hat d\hat d^T) + V_\sigma(d)\,\hat d\hat d^T, \quad
          H_\mathrm{so} = \lambda\, L\cdot S

It is chiral by its structure alone: the other hand has the same parameters. No converged calculation of any
material stands behind it.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np

from chirospin.base.spin import PAULI
from chirospin.crystal.real_space import Complex, WannierMatrices
from chirospin.crystal.text_files import Array

EDGE, HEIGHT, OFFSET = 0.4457, 0.5929, 0.274
"""nm and units of the edge: the cell of tellurium."""
BOND = 0.2834  # nm: of the helix
SIGMA, PI, DECAY = 2.0, -0.6, 0.055  # eV at the bond; nm
REACH = 0.40  # nm: the helix and its neighbours
SPIN_ORBIT = 0.5  # eV


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
    )


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
    lines = ["a crystal of tellurium's structure, written by chirospin.crystal.samples"]
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


def main(arguments: list[str]) -> int:
    """Write the right-handed crystal under the name that is given, and its mirror image beside."""
    prefix = Path(arguments[0] if arguments else "helix")
    for hand, name in ((1, prefix.name), (-1, prefix.name + "_mirror")):
        files = write_tb(prefix.with_name(name), helix(hand))
        sys.stdout.write(f"{' '.join(map(str, files))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
