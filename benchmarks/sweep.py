"""Overhead of a sweep for each point against the same points solved and audited in memory,
and what a second process gains.

Run by ``make benchmark``. Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from chirospin import junction
from chirospin.junction import GKSL, Junction
from chirospin.points.design import designed
from chirospin.points.sweep import Definition, run

POINTS = 600
CHUNK = 150  # points that take about two seconds, as a sweep chooses by itself


def definition(model: Junction) -> Definition:
    """A scan of the dimer: about 10 to 15 ms a point."""
    grid = {"energy_b": np.linspace(0.4, 1.4, POINTS // 10), "hubbard_a": np.linspace(3, 5, 10)}
    return Definition(
        problem=junction.PROBLEM,
        model=model,
        methods=(GKSL(),),
        observables=("spin_polarisation", "current"),
        design=designed(model, grid=grid),
    )


def timed(one: Definition, workers: int) -> float:
    """Seconds of a whole sweep into a new store."""
    folder = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    run(one, folder / "a", workers=workers, chunk=CHUNK)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    return seconds


def main() -> None:
    """A solve in memory, a sweep in this process, sweeps in one and two processes."""
    one = definition(Junction())
    start = time.perf_counter()
    junction.solve(
        Junction(), "gksl", over=dict(one.design.grid), observables=list(one.observables or ())
    )
    bare = time.perf_counter() - start
    here = timed(one, 0)
    print(f"solve in memory              {1e3 * bare / POINTS:8.2f} ms a point")
    print(f"sweep in this process        {1e3 * here / POINTS:8.2f} ms a point")
    print(f"overhead                     {100 * (here / bare - 1):8.1f} %")
    single, double = timed(one, 1), timed(one, 2)
    print(f"one process                  {1e3 * single / POINTS:8.2f} ms a point, with its start")
    print(f"two processes                {1e3 * double / POINTS:8.2f} ms a point, with their start")
    print(f"gain of the second           {single / double:8.2f}")


if __name__ == "__main__":
    main()
