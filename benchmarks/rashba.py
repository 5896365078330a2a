"""Times of the Rashba gas, as ratios against a dense solution of the same chains in the same run.

``python -m benchmarks.rashba``; pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.timing import median_time
from chirospin import rashba
from chirospin.rashba import Kinetic, Kubo, RashbaGas
from chirospin.rashba.block_tridiagonal import BlockTridiagonal
from chirospin.rashba.model import bands, complex_frequency, correlator
from chirospin.rashba.shells import Shells

LINKS = 60
CASES = {
    "points": RashbaGas(),
    "gaussian": RashbaGas(disorder="gaussian", disorder_length=5.0),
    "thomas-fermi": RashbaGas(disorder="thomas-fermi"),
    "points, 300 K": RashbaGas(thermal_energy=0.0259),
    "points, alternating": RashbaGas(frequency=0.01),
    "cubic, gaussian": RashbaGas(
        winding=3, splitting_power=3.0, disorder="gaussian", disorder_length=5.0
    ),
}


def dense(matrices: BlockTridiagonal) -> np.ndarray:
    """The same matrices in full."""
    systems, K, b, _ = matrices.diagonal.shape
    full = np.zeros((systems, K, b, K, b))
    k = np.arange(K)
    full[:, k, :, k] = matrices.diagonal.swapaxes(0, 1)
    full[:, k[:-1], :, k[1:]] = matrices.upper.swapaxes(0, 1)
    full[:, k[1:], :, k[:-1]] = matrices.lower.swapaxes(0, 1)
    return full.reshape(systems, K * b, K * b)


def main() -> None:
    for name, model in CASES.items():
        seconds = median_time(lambda model=model: next(iter(Kinetic().solve_many([model]))))
        print(f"{name:22s} {1e3 * seconds:8.1f} ms")
    kubo = RashbaGas(imaginary_frequency=0.01)
    print(f"{'kubo':22s} {1e3 * median_time(lambda: Kubo().solve(kubo)):8.1f} ms")
    grid = np.geomspace(0.0003, 0.3, 100)
    start = time.perf_counter()
    rashba.solve(over={"spin_orbit": grid})
    print(f"{'scan, 100 points':22s} {time.perf_counter() - start:8.2f} s")

    model = CASES["points"]
    here = Shells(
        bands=bands(model),
        disorder=correlator(model),
        z=complex_frequency(model),
        prescription="redfield",
    )
    chain = here.chain(np.linspace(*here.fermi, 10, endpoint=False), LINKS, LINKS)
    right = here.weights(chain)
    matrices = here.operator(chain)
    full = dense(matrices)
    flat = right.reshape(len(full), -1, 3)
    banded = median_time(lambda: here.operator(chain).solve(right))
    direct = median_time(lambda: np.linalg.solve(full, flat))
    off = np.abs(matrices.solve(right).reshape(flat.shape) - np.linalg.solve(full, flat)).max()
    print(
        f"10 chains of {2 * LINKS + 1}: banded {1e3 * banded:.1f} ms (with assembly), dense "
        f"{1e3 * direct:.1f} ms, ratio {direct / banded:.0f}, difference {off:.1e}"
    )


if __name__ == "__main__":
    main()
