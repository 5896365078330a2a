"""Sums over k of a crystal beside WannierBerri, at the same points, in one run: ``python benchmarks/crystal.py``.

Processor seconds of one thread, the least of three; 13 Fermi levels, the spin and the charge tensor. Then how often
stated errors cover true ones, and half the difference of two grids, which is no error.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.laws.crystals import system_folder
from tests.laws.test_crystal_errors import coverage
from tests.oracles.wannierberri_crystal import scanned

from chirospin.crystal import Crystal
from chirospin.crystal.samples import helix
from chirospin.crystal.subject import subject_of
from chirospin.crystal.sums import Grid, grid_sums
from chirospin.wannier.real_space import pauli_spin

POINTS, LEVELS, THERMAL = 24, np.linspace(0.9, 1.05, 13), 0.005
TRIES = 3
COVERED = (
    ("cubic", (0.3, 0.48, 0.8, 1.1, 1.5, 2.3), (0.3, 0.1, 0.05)),
    ("helix", (0.9, 1.0, 1.3, 1.38, 1.42, 2.2), (0.1, 0.05, 0.026)),
)
"""Names of Hamiltonians, Fermi levels and temperatures, eV."""


def main() -> None:
    """Print seconds and ratios."""
    matrices = helix()
    matrices = matrices.with_spin(pauli_spin(matrices, "interleaved", 1e-3))
    with tempfile.TemporaryDirectory() as where:
        folder = system_folder(matrices, Path(where) / "helix")
        bloch = subject_of(Crystal(hamiltonian=str(folder))).bloch
        grid = Grid(points=(POINTS,) * 3, shift=(0.0, 0.0, 0.0))
        requests = [(mu, THERMAL) for mu in LEVELS]
        scanned(folder, 4, LEVELS, False)  # compiled
        theirs, ours, boxes = [], [], []
        for _ in range(TRIES):
            theirs.append(scanned(folder, POINTS, LEVELS, False)[0])
            for levels, into in ((0, ours), (None, boxes)):
                start = time.process_time()
                grid_sums(bloch, grid, requests, frozenset(), levels)
                into.append(time.process_time() - start)
    print(f"WannierBerri, {POINTS}^3 points, no symmetry       {min(theirs):8.2f} s")
    print(f"chirospin, every point                      {min(ours):8.2f} s")
    print(f"chirospin, boxes sorted out                 {min(boxes):8.2f} s")
    print(f"ratio WannierBerri / chirospin              {min(theirs) / min(ours):8.1f}")
    for name, levels, temperatures in COVERED:
        for kind in (temperatures, (0.0,)):
            requests = [(mu, T) for mu in levels for T in kind]
            stated, half, over = coverage(Crystal(hamiltonian=name), requests)
            print(f"{name}, {'T > 0' if any(kind) else 'T = 0'}: stated errors cover {stated:.0%} ({over:.0f} times the "
                  f"true one in the middle), half a difference {half:.0%}")  # fmt: skip


if __name__ == "__main__":
    main()
