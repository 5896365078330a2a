"""Times of the vibrating level, as ratios against plain implementations in the same run.

Run by ``make benchmark``. Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.oracles import vibration_brute_force as naive

from benchmarks.timing import median_time
from chirospin import vibration
from chirospin.vibration import (
    SCBA,
    Exact,
    SCBAHartree,
    SecondOrder,
    Vibration,
    Windowed,
)
from chirospin.vibration.model import level_of

GRID = {
    "thermal_energy": np.linspace(1, 30, 200),
    "phonon_velocity": np.geomspace(0.001, 0.05, 8),
}


def rungs() -> None:
    """One moment by each theory."""
    for method in (Exact(), SecondOrder(), SCBA(), SCBAHartree(), Windowed()):
        seconds = median_time(lambda k=method: k.solve(Vibration()).moment, 9)
        print(f"{method.name:<36} {1e3 * seconds:9.2f} ms")
    for route in ("matsubara", "real-axis"):
        seconds = median_time(lambda r=route: SecondOrder(route=r).solve(Vibration()), 5)
        print(f"second-order, {route:<22} {1e3 * seconds:9.2f} ms")


def grid() -> None:
    """200 temperatures by 8 velocities, with audit and Dataset; the same by plain diagonalisation."""
    seconds = median_time(
        lambda: vibration.solve(Vibration(), "second-order", over=GRID, observables=["moment"]), 3
    )
    print(f"second-order, 200 x 8 grid           {1e3 * seconds:9.0f} ms")
    here = level_of(Vibration())
    modes = list(zip(here.frequencies.tolist(), here.couplings, strict=True))
    start = time.perf_counter()
    rho, _, _ = naive.second_order_real_axis(here.energy, modes, here.thermal_energy, 0.0)
    peer = time.perf_counter() - start
    difference = np.abs(rho - SecondOrder().solve(Vibration()).density).max()
    own = seconds / 1600
    print(
        f"plain diagonalisation, one           {1e3 * peer:9.2f} ms   differs by {difference:.0e}"
    )
    print(f"ratio plain / chirospin              {peer / own:9.0f}")


if __name__ == "__main__":
    rungs()
    grid()
