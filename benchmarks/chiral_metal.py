"""Times of the chiral metal, as ratios against plain quadrature and a plain solver in the same run.

Run by ``make benchmark``. Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.special import expn

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.oracles import finite_temperature

from benchmarks.timing import median_time
from chirospin.chiral_metal import (
    Boltzmann,
    ChiralMetal,
    ClosedForm,
    quadratic,
)
from chirospin.chiral_metal.boltzmann import discretised, streaming_of
from chirospin.chiral_metal.injection import plane_spin

PLACES = np.linspace(-4.01, 54.0, 1000)


def spin_by_quadrature(xi: float, length: float) -> float:
    """The convolutions of Eq. (69) by adaptive quadrature, neutral limit, alpha -> 0."""

    def plane(x: float) -> float:
        def tilde(n: int, s: float) -> float:
            return float(np.sign(s) ** (n + 1) * expn(n, abs(s)))

        kinks = [x] if x > 0 else None
        spread = quad(
            lambda s: 5 * tilde(4, x - s) - tilde(2, x - s), 0, 80, points=kinks, limit=200
        )[0]
        beam = 0.0
        if x > 0:
            F1, F2, F3, F4 = (expn(n, x) for n in (1, 2, 3, 4))
            beam = F3 * x**2 + 2 * F4 * x - 2 * ((F2 - F4) * x + (F1 - F3) * x**2 / 2)
        return spread + beam

    return plane(xi) - plane(length - xi)


def profiles() -> None:
    """1 000 positions of the quadratic spin."""
    for screening in (0.0, 0.1):
        seconds = median_time(
            lambda s=screening: quadratic.SecondOrder(PLACES, 50.0, s).spin(0.2), 9
        )
        print(f"quadratic spin, 1000 positions, lambda = {screening:<4} {1e3 * seconds:8.2f} ms")
    ours = quadratic.SecondOrder(PLACES, 50.0, 0.0).spin(0.0)
    start = time.perf_counter()
    few = PLACES[::50]
    theirs = np.array([spin_by_quadrature(x, 50.0) for x in few])
    peer = (time.perf_counter() - start) * PLACES.size / few.size
    own = median_time(lambda: quadratic.SecondOrder(PLACES, 50.0, 0.0).spin(0.0), 9)
    print(
        f"adaptive quadrature (scaled from {few.size})          {1e3 * peer:8.0f} ms   "
        f"differs by {np.abs(theirs - ours[::50]).max():.0e}"
    )
    print(f"ratio quadrature / chirospin                {peer / own:8.0f}")
    other = np.array([0.5, 0.5])
    seconds = median_time(lambda: plane_spin(PLACES[:100], other), 3) / 100
    print(f"other source, per position                  {1e3 * seconds:8.2f} ms")


def solver() -> None:
    """The discretised equation, alone, on a mesh it knows, and the plain solver of the tests."""
    model = ChiralMetal(length=24.0, screening_length=0.2)

    def alone() -> None:
        streaming_of.cache_clear()
        discretised.cache_clear()
        Boltzmann().solve(model)

    first = median_time(alone, 3)
    again = median_time(lambda: Boltzmann().solve(model.replace(spin_orbit=0.21)), 3)
    start = time.perf_counter()
    finite_temperature.solve(
        a=0.2, screening=0.2, length=24.0, temperature=0.0, cells=32, ordinates=24
    )
    plain = time.perf_counter() - start
    error = np.abs(
        Boltzmann().solve(model, ["profiles"]).profiles.spin
        - ClosedForm().solve(model, ["profiles"]).profiles.spin
    ).max(axis=1)
    scale = np.abs(ClosedForm().solve(model, ["profiles"]).profiles.spin).max(axis=1)
    print(
        f"boltzmann, a new mesh                       {1e3 * first:8.0f} ms   errors {error / scale}"
    )
    print(f"boltzmann, the same mesh                    {1e3 * again:8.0f} ms")
    print(f"ratio plain solver / chirospin              {plain / again:8.1f}")


if __name__ == "__main__":
    profiles()
    solver()
