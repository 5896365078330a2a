"""Does a fit find the mechanism that made the curves? Verdicts on simulated sets at stated effect sizes.

    python -m benchmarks.fit_recovery [SETS]

Into .benchmarks/fit_recovery.json; a row that has as many sets is not made again.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_calibration import BIASES, CONTACTS
from chirospin.measured.inference.calibration import at_truth, planned_set
from chirospin.measured.inference.fits import Fitted, evidence_verdict
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import CHANGES, phenomenologies
from chirospin.measured.inference.sampling import Sampled, evidence_again, nested

RECORD = Path(".benchmarks/fit_recovery.json")
LEVEL = (0.8, 0.1, 0.05)
"""Distance from the Fermi level and width, eV, and bias asymmetry of the level that carries the current."""
MISFIT = 0.05
EFFECTS = (
    ("null", 0.0, ""),
    ("driven", 0.06, "eV/V"),
    ("factor", 1.0, "of ln I"),
    ("static", 0.06, "eV"),
    ("driven", 0.02, "eV/V"),
    ("static", 0.02, "eV"),
)
ENOUGH = 100.0
"""Effective draws from which the quick evidence counts; else the nested sampling of a fit."""
LIVE, DRAWN = 40, 20_000


def fitted(name: str, data: object, seed: int) -> Fitted:
    """The evidence of a mechanism."""
    (mechanism,) = phenomenologies(name)
    posterior = Posterior(mechanism, data)
    Z, error, effective = evidence_again(posterior, seed=seed, steps=300, drawn=DRAWN)
    if effective < ENOUGH:
        return Fitted(posterior=posterior, sampled=nested(posterior, live=LIVE, seed=seed))
    empty: NDArray[np.float64] = np.zeros((0, len(posterior.priors)))
    found = Sampled(
        shares=empty, theta=empty, log_likelihood=np.zeros(0), log_evidence=Z, error=error, calls=0, effective=effective
    )  # fmt: skip
    return Fitted(posterior=posterior, sampled=found)


def main(sets: int) -> None:
    """A row for each effect."""
    for change, size, unit in EFFECTS:
        name = f"{change} {size:g} {unit}".strip()
        known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        if known.get(name, {}).get("sets") == sets:
            continue
        (mechanism,) = phenomenologies(f"level.{change}")
        planned = Posterior(mechanism, planned_set(BIASES, CONTACTS))
        own = [size] if CHANGES[change] else []
        truth = np.array([*LEVEL, *own, 0.0, MISFIT])
        verdicts: Counter[str] = Counter()
        best: Counter[str] = Counter()
        gaps = []
        for seed in range(sets):
            data = at_truth(planned, truth, seed)
            found = {kind: fitted(f"level.{kind}", data, seed) for kind in CHANGES}
            Z = {kind: one.sampled.log_evidence for kind, one in found.items()}
            verdicts[evidence_verdict(list(found.values()))[0]] += 1
            best[max(Z, key=lambda kind: Z[kind])] += 1
            gaps.append({kind: round(Z[kind] - Z[change], 2) for kind in CHANGES})
        told = {
            "change": change,
            "size": size,
            "unit": unit,
            "sets": sets,
            "verdicts": dict(verdicts),
            "best": dict(best),
            "ln Z less that of the truth": {
                kind: float(np.median([gap[kind] for gap in gaps])) for kind in CHANGES
            },
        }
        RECORD.write_text(json.dumps(known | {name: told}, indent=1) + "\n", "utf-8")
        print(name, told, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
