"""Times of one dimer state at finite bias, both magnetisations, on one core; the hierarchy on demand.

    OPENBLAS_NUM_THREADS=1 python benchmarks/junction_bias.py [BIAS THERMAL_ENERGY]

With two numbers: the hierarchy at tier 2 beside the generators, which takes minutes.
"""

from __future__ import annotations

import sys
import time

from chirospin.junction import (
    BiasedJunction,
    DetailedBalance,
    Hierarchy,
    PositiveLindblad,
    Redfield,
    UniversalLindblad,
)

QUICK = (Redfield, PositiveLindblad, UniversalLindblad, DetailedBalance)


def report(model: BiasedJunction, method: object) -> None:
    """One line: method, currents, polarisation, balance, time."""
    start = time.perf_counter()
    (state,) = method.solve_many([model])  # type: ignore[attr-defined]
    spent = time.perf_counter() - start
    up, down = state.lead_current[:, 0]
    balance = abs(state.lead_current.sum(axis=1)).max()
    print(
        f"{method.name:10s} {up:.6f} {down:.6f} P {(up - down) / (up + down):+.5f} "  # type: ignore[attr-defined]
        f"balance {balance:.0e} applications {state.outcome.iterations} {spent:.2f} s",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """Times, after one solve that fills the caches."""
    bias, T = map(float, arguments) if arguments else (14.0, 1.0)
    model = BiasedJunction(gate=-6.4, bias=bias, thermal_energy=T)
    for kind in QUICK:
        method = kind(counting=False)
        list(method.solve_many([model.replace(bias=bias + 1)]))
        report(model, method)
    if arguments:
        report(model, Hierarchy(tolerance=1e-5))


if __name__ == "__main__":
    main(sys.argv[1:])
