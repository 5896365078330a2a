"""How often the exact current lies inside the error bar of method selected, at random points.

    python benchmarks/selected_coverage.py 40 20 --states 120 600

solves 40 stacks of two and 20 of three molecules exactly and in natural states of the whole stack, both
magnetisations, to the last state allowed, and prints every current. Four molecules have one exact point, in ``EXACT_FOUR``.
"""

from __future__ import annotations

import argparse

import numpy as np

from chirospin.junction import GKSL, Junction
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.selected.growth import Growing
from chirospin.junction.selected.selected import NOT_KNOWN

EXACT_FOUR = (1.964856e-4, 2.533404e-4)  # default point, up and down
RANGES = {
    "coupling": (0.02, 1.0),
    "hubbard": (0.3, 8.0),
    "spin_orbit": (0.03, 0.3),
    "hopping_b": (0.1, 1.0),
}
LEVELS = (0.2, 1.4)


def model(rng: np.random.Generator, molecules: int) -> Junction:
    """A random point, evenly spread in the logarithms."""
    values = {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in RANGES.items()}
    return Junction(molecules=molecules, energy_b=float(rng.uniform(*LEVELS)), **values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("points", type=int, nargs=2)
    parser.add_argument("--states", type=int, nargs=2, default=(120, 600))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    inside, ratios, total = 0, [], 0
    for molecules, count, states in zip((2, 3), asked.points, asked.states, strict=True):
        growing = Growing(
            most=min(states, 600),
            candidates=16**molecules,
            wanted=1e-9,
            tolerance=1e-10,
            vectors=300,
            states=states,
        )
        for _ in range(count):
            point = model(rng, molecules)
            currents = GKSL(tolerance=1e-10).solve(point).lead_current[:, 0]
            for member, exact in zip(FlatMember.both(point), currents, strict=True):
                grown = growing(member)
                error, bar = abs(grown.current / exact - 1), grown.bar / abs(grown.current)
                within = abs(grown.current - exact) <= grown.bar
                inside, total = inside + bool(within), total + 1
                known = bar <= NOT_KNOWN
                if known:
                    ratios.append(bar / max(error, 1e-15))
                print(
                    f"{molecules} coupling {point.coupling_a:.3f} U {point.hubbard_a:.2f} "
                    f"states {len(grown.generator.selection)} error {error:.1e} S {grown.share:.1e} "
                    f"bar {bar:.1e} {'' if known else 'not converged '}{'' if within else 'OUTSIDE '}"
                    f"inside {inside} of {total}",
                    flush=True,
                )
    print(
        f"{inside} of {total} inside; median bar over error {np.median(ratios):.1f} of {len(ratios)} converged"
    )


if __name__ == "__main__":
    main()
