"""Are the posteriors of `chirospin fit` as wide as they say? Ranks of simulated truths, into the record that fits read.

    python -m benchmarks.fit_calibration [TRUTHS [MECHANISM]]

200 truths of a mechanism take a minute of one core. What is in the record with as many truths is not drawn again: a
stopped run goes on. `chirospin reproduce fit_calibration` shows the record.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from chirospin.measured.inference.calibration import (
    CONTROL,
    RECORD,
    Calibration,
    calibrate,
    planned_set,
    recorded,
)
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import CARRIERS, Phenomenology, phenomenologies

BIASES = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])
CONTACTS = 20
NARROWED = 0.02
"""The control believes in a fiftieth of the covariance."""


def asked(only: str) -> list[tuple[str, Phenomenology, float]]:
    """Name in the record, mechanism, factor on the covariance."""
    kinds = [m for carrier in CARRIERS for m in phenomenologies(carrier)]
    (control,) = phenomenologies(CONTROL.partition(",")[0])
    all_ = [*((m.name, m, 1.0) for m in kinds), (CONTROL, control, NARROWED)]
    return [one for one in all_ if one[0].startswith(only)]


def main(truths: int, only: str = "") -> None:
    """Every mechanism that the record lacks, one after the other."""
    data = planned_set(BIASES, CONTACTS)
    for name, mechanism, narrowed in asked(only):
        known = recorded().get(name)
        if known is None or len(known.ranks) != truths:
            begun = time.perf_counter()
            found = calibrate(Posterior(mechanism, data), truths, narrowed=narrowed)
            print(f"{time.perf_counter() - begun:.0f} s", end=" ", flush=True)
            write(name, found)
        print(name, recorded()[name].failures or "calibrated", flush=True)


def write(name: str, one: Calibration) -> None:
    """Into the record, beside the other mechanisms."""
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    ranks = zip(one.names, np.round(one.ranks, 4).T.tolist(), strict=True)
    record[name] = dict(ranks)
    recorded.cache_clear()
    RECORD.write_text(json.dumps(record).replace("], ", "],\n") + "\n", "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, *sys.argv[2:])
