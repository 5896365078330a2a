"""The exact steady state of four molecules, with its certificates, kept for the study stack_length.

    python benchmarks/four_molecules.py FOLDER [up|down ...]

The folder (some 20 GB) keeps eigenvectors, Krylov vectors and the state: cut off and started again, the
solve goes on. With both magnetisations the record has the polarisation.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np

from chirospin.junction import Junction, MixedGKSL
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.mixed import check_size
from chirospin.junction.model import MAGNETISATIONS
from chirospin.studies.own.stack_length import RECORD, RECORDED_LENGTH

RECORD_FILE = Path(str(files("chirospin.studies.own").joinpath(RECORD)))
TOLERANCE = 1e-11


def main() -> None:
    """Solve the magnetisations that are asked for and put them on record."""
    folder, *names = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = Junction(molecules=RECORDED_LENGTH)
    pair = dict(zip(MAGNETISATIONS, FlatMember.both(model), strict=True))
    check_size(pair[MAGNETISATIONS[0]], on_disk=True)
    method = MixedGKSL(folder=Path(folder), tolerance=TOLERANCE)
    record = json.loads(RECORD_FILE.read_text()) if RECORD_FILE.exists() else {}
    if record.get("model") != model.model_dump(mode="json"):
        record = {"model": model.model_dump(mode="json")}
    for name in names or MAGNETISATIONS:
        member = pair[name]
        start = time.perf_counter()
        answer = method.answer(member, name)
        n = np.einsum("kk->k", answer.one_body_density).real
        left, right = (member.coupling * (member.occupation[:, None] - n)).sum(axis=1)
        record[name] = {
            "current": left,
            "balance": left + right,
            "residual": answer.outcome.residual,
            "converged": answer.outcome.converged,
            "trace_drift": answer.trace_drift,
            "smallest_eigenvalue": answer.smallest_eigenvalue,
            "electrons": answer.particles,
            "applications": answer.outcome.iterations,
            "seconds": round(time.perf_counter() - start),
            "resident_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1),
        }
        if set(MAGNETISATIONS) <= set(record):
            up, down = (record[one]["current"] for one in MAGNETISATIONS)
            record["spin_polarisation"] = (up - down) / (up + down)
        RECORD_FILE.write_text(json.dumps(record, indent=2) + "\n")
        print(name, json.dumps(record[name]))


if __name__ == "__main__":
    main()
