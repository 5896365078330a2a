"""The largest polarisation of the junction within the ranges of real ones, for studies/own/junction_bounds.

    python -m benchmarks.bounds infinite|finite [STARTS EVALUATIONS SCREEN]

Each bound is written into the record as it is found; what is there with as many evaluations is not searched again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chirospin.base.families import problem
from chirospin.measured.inference.bounds import bound
from chirospin.measured.inference.ranges import realistic, realistic_ranges

RECORD = Path("src/chirospin/studies/own/junction_bounds.json")
ATOMS = ("light", "selenium")
CASES = {
    "infinite": ("junction", "gksl", (1.0, 0.9, 0.4), {}),
    "finite": ("junction.bias", "redfield", (0.4,), {"bias": 1.0}),
}


def main(case: str, starts: int, evaluations: int, screen: int) -> None:
    """Search the cases one after the other."""
    path, method, polarisations, changes = CASES[case]
    one = problem(path)
    for atoms in ATOMS:
        for p in polarisations:
            name = f"{path}, {atoms}, {p:g}"
            given = {"lead_polarisation": p, **changes}
            model, _ = realistic(one.model(**given), list(given))
            ranges, rows = realistic_ranges(model, list(given), atoms)
            for seed in (0, 1):
                ds = bound(
                    one, model, ranges, method, sources=rows, starts=starts, evaluations=evaluations, screen=screen, seed=seed
                )  # fmt: skip
                facts = json.loads(ds.attrs["bound"])
                record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
                record[f"{name}, seed {seed}"] = {
                    "problem": path,
                    "method": method,
                    "atoms": atoms,
                    "lead_polarisation": p,
                    "seed": seed,
                    "fixed": given,
                    "largest": facts["largest"],
                    "ends": facts["ends"],
                    "agreed": facts["agreed"],
                    "evaluations": facts["evaluations"],
                    "at": {k: v["value"] for k, v in facts["at"].items()},
                    "on_end": [k for k, v in facts["at"].items() if v["end"]],
                }
                RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
                print(name, seed, facts["largest"], facts["ends"], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, (sys.argv[2:] or ["4", "40", "64"])))
