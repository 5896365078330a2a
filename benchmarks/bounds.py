"""The largest polarisation of the junction within the ranges of real ones, for studies/own/junction_bounds.

    python -m benchmarks.bounds infinite|finite [STARTS EVALUATIONS SCREEN SEEDS]

Each bound is written into the record as it is found; what is there with as many evaluations is not searched again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from filelock import FileLock

from chirospin.base.families import problem
from chirospin.measured.inference.bounds import largest_polarisation
from chirospin.measured.inference.ranges import realistic, realistic_ranges

RECORD = Path("src/chirospin/studies/own/junction_bounds.json")
FINITE = {
    "bias": 1.0,
    "temperature": 300.0,
    "hopping_a": 0.3,
    "hopping_b": 0.1,
    "twist": 1.5707963267948966,
    "bias_asymmetry": 0.0,
    "internal_drop": 0.0,
}
"""At finite bias a search of eleven parameters takes hours: six are varied."""
CASES: dict[str, tuple[str, str, dict[str, float], tuple[tuple[str, float], ...]]] = {
    "infinite": ("junction", "gksl", {}, (("light", 1.0), ("light", 0.4), ("selenium", 0.4))),
    "finite": ("junction.bias", "redfield", FINITE, (("light", 0.4), ("selenium", 0.4))),
}


def main(case: str, starts: int, evaluations: int, screen: int, seeds: int) -> None:
    """Search the cases one after the other."""
    path, method, fixed, asked = CASES[case]
    one = problem(path)
    for seed in range(seeds):
        for atoms, p in asked:
            given = {"lead_polarisation": p, **fixed}
            model, _ = realistic(one.model(**given), list(given))
            ranges, rows = realistic_ranges(model, list(given), atoms)
            ds = largest_polarisation(
                one, model, ranges, method, sources=rows, starts=starts, evaluations=evaluations, screen=screen, seed=seed
            )  # fmt: skip
            facts = json.loads(ds.attrs["bound"])
            told = {
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
            _write(f"{path}, {atoms}, {p:g}, seed {seed}", told)
            print(path, atoms, p, seed, facts["largest"], facts["ends"], flush=True)


def _write(name: str, told: dict[str, object]) -> None:
    """Into the record, which other searches write at the same time."""
    with FileLock(RECORD.with_suffix(".lock")):
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[name] = told
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, (sys.argv[2:] or ["8", "60", "256", "2"])))
