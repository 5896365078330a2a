"""Jumps per second of quantum trajectories for two to five molecules, and what more processes give.

    python benchmarks/trajectories.py

Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import time

from chirospin.junction import SampledJunction, Trajectories

OPEN = {"spin_orbit": 0.3, "hopping_b": 0.5, "hubbard": 1.0, "coupling": 0.5}
CASES = ((2, 200, 200.0), (3, 32, 60.0), (4, 16, 30.0), (5, 8, 4.0))


def run(molecules: int, trajectories: int, duration: float, processes: int) -> tuple[int, float]:
    """Jumps in the time that counts and before it, and seconds."""
    method = Trajectories(trajectories=trajectories, time=duration, start=0.0, processes=processes)
    start = time.perf_counter()
    state = next(method.solve_many([SampledJunction(molecules=molecules, **OPEN)]))
    return state.outcome.iterations, time.perf_counter() - start


def main() -> None:
    """Print a line a size."""
    for molecules, trajectories, duration in CASES:
        jumps, seconds = run(molecules, trajectories, duration, 1)
        line = f"{molecules} molecules: {jumps} jumps in {seconds:.1f} s, {jumps / seconds:.0f} a second"
        if molecules in (2, 4):
            same, both = run(molecules, trajectories, duration, 2)
            assert same == jumps
            line += f"; two processes, their start included: {seconds / both:.2f} times as fast"
        print(line)


if __name__ == "__main__":
    main()
