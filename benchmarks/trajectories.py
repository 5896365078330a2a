"""Jumps per second of quantum trajectories for two to five molecules, on one core and on several.

    python benchmarks/trajectories.py [PROCESSES]

Several processes have as many trajectories each as the one: perfect scaling keeps the jumps per second and
core. Beside it stands what the machine allows, the same number of copies of the one run side by side.
Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from chirospin.junction import Junction, Trajectories

OPEN = {"spin_orbit": 0.3, "hopping_b": 0.5, "hubbard": 1.0, "coupling": 0.5}
CASES = ((2, 500, 1500.0), (3, 100, 400.0), (4, 16, 400.0), (5, 8, 8.0))


def run(molecules: int, trajectories: int, duration: float, processes: int) -> tuple[int, float]:
    """Jumps in the time that counts and before it, and seconds."""
    method = Trajectories(
        trajectories=trajectories, time=duration, burn_in=0.0, processes=processes
    )
    start = time.perf_counter()
    state = next(method.solve_many([Junction(molecules=molecules, **OPEN)]))
    return state.outcome.iterations, time.perf_counter() - start


def side_by_side(case: tuple[int, int, float], copies: int) -> float:
    """Jumps per second of independent copies together, each in a process that has begun already."""
    with ProcessPoolExecutor(copies, mp_context=get_context("spawn")) as pool:
        ready = [pool.submit(run, 2, 8, 1.0, 1) for _ in range(2 * copies)]
        [one.result() for one in ready]
        done = [one.result() for one in [pool.submit(run, *case, 1) for _ in range(copies)]]
    return sum(jumps for jumps, _ in done) / max(seconds for _, seconds in done)


def main() -> None:
    """Print a line a size."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    for case in CASES:
        molecules, trajectories, duration = case
        jumps, seconds = run(*case, 1)
        single = jumps / seconds
        jumps, seconds = run(molecules, processes * trajectories, duration, processes)
        print(
            f"{molecules} molecules, {trajectories} trajectories of {duration:g} hbar/eV a process: "
            f"{single:.0f} jumps a second on one core; {processes} processes "
            f"{jumps / seconds / single:.2f} times as many, their start included; "
            f"the machine allows {side_by_side(case, processes) / single:.2f}"
        )


if __name__ == "__main__":
    main()
