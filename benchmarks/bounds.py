"""The largest polarisation of the junction within the ranges of real ones, for studies/own/junction_bounds.

    python -m benchmarks.bounds [infinite|volt|ideal [ATOMS [LEAD_POLARISATION]]]
    python -m benchmarks.bounds carried
    python -m benchmarks.bounds vibration

Each bound is written into the record as it is found; what is there is not searched again. One to three
minutes of one core a case.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from chirospin.base.families import problem
from chirospin.measured.inference.bounds import largest_polarisation
from chirospin.measured.inference.ranges import realistic, realistic_ranges
from chirospin.points.optimise import ALIKE
from chirospin.studies.own.junction_bounds import VIBRATION, solved_again

STORE = Path(".benchmarks/bounds")
"""What was found at every point: a search that was stopped goes on."""
RECORD = Path("src/chirospin/studies/own/junction_bounds.json")
ATOMS = ("light", "selenium")
LEADS = (0.4, 0.9, 1.0)
"""Polarisations of the left lead: nickel, what no 3d ferromagnet reaches, the paper's."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is searched, how long, and for which leads."""

    path: str
    method: str
    fixed: dict[str, Any] = field(default_factory=dict)
    leads: tuple[float, ...] = LEADS
    atoms: tuple[str, ...] = ATOMS
    starts: int = 5
    screen: int = 128
    evaluations: int = 70
    hops: int = 5


VOLT = {
    "bias": 1.0,
    "hopping_a": 0.3,
    "hopping_b": 0.1,
    "twist": 1.5707963267948966,
    "bias_asymmetry": 0.0,
    "internal_drop": 0.0,
}
"""One volt at 300 K: five parameters are varied, level alignment among them."""
CASES = {
    "infinite": Case(path="junction", method="gksl"),
    "volt": Case(
        path="junction.bias", method="redfield", fixed=VOLT, leads=(0.4, 0.9),
        starts=4, screen=128, evaluations=45, hops=2,
    ),
    "ideal": Case(
        path="junction.bias", method="redfield", fixed=VOLT, leads=(1.0,),
        starts=3, screen=32, evaluations=30, hops=1,
    ),
}  # fmt: skip


def main(only: str = "", atoms: str = "", lead: str = "") -> None:
    """Search the cases one after the other."""
    for name, case in CASES.items():
        for p in case.leads:
            for kind in case.atoms:
                asked = (only in ("", name)) and (atoms in ("", kind)) and (lead in ("", f"{p:g}"))
                if asked and _key(name, kind, p) not in _record():
                    search(name, case, kind, p)


def search(name: str, case: Case, atoms: str, p: float) -> None:
    """One bound, into the record."""
    begun = time.process_time()
    one = problem(case.path)
    given = {"lead_polarisation": p, **case.fixed}
    model, _ = realistic(one.model(**given), list(given))
    ranges, rows = realistic_ranges(model, list(given), atoms)
    ds = largest_polarisation(
        one, model, ranges, case.method, sources=rows, starts=case.starts, evaluations=case.evaluations,
        screen=case.screen, hops=case.hops, store=STORE,
        progress=lambda done, of: print(f"{_key(name, atoms, p)}: {done}/{of}", flush=True),
    )  # fmt: skip
    facts = json.loads(ds.attrs["bound"])
    told = {
        "problem": case.path,
        "method": case.method,
        "atoms": atoms,
        "lead_polarisation": p,
        "fixed": given,
        "largest": facts["largest"],
        "ends": facts["ends"],
        "agreed": facts["agreed"],
        "evaluations": facts["evaluations"],
        "seconds": round(time.process_time() - begun),
        "at": {k: v["value"] for k, v in facts["at"].items()},
        "on_end": [k for k, v in facts["at"].items() if v["end"]],
    }
    with FileLock(STORE.with_suffix(".lock")):
        record = _record() | {_key(name, atoms, p): told}
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    print(_key(name, atoms, p), facts["largest"], facts["ends"], told["seconds"], flush=True)


def carried() -> None:
    """The best points of p = 0.9 at finite bias, solved for an ideal lead: one more end, and often the largest."""
    for atoms in ATOMS:
        with FileLock(STORE.with_suffix(".lock")):
            record = _record()
            best, ideal = (
                record.get(_key(*one, p))
                for one, p in ((("volt", atoms), 0.9), (("ideal", atoms), 1.0))
            )
            if best is None or ideal is None or "carried" in ideal:
                continue
            found = solved_again(ideal | {"at": best["at"]})
            ideal |= {"carried": found, "ends": [*ideal["ends"], found]}
            if found > ideal["largest"]:
                agreed = sum(x is not None and x > (1 - ALIKE) * found for x in ideal["ends"])
                ideal |= {
                    "largest": found,
                    "at": best["at"],
                    "agreed": agreed,
                    "on_end": best["on_end"],
                }
                ideal.pop("with_vibration", None)
            RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        print(_key("ideal", atoms, 1.0), found, flush=True)


def shaken() -> None:
    """The best points at finite bias solved again with a vibration: seconds each, and so on record."""
    for name, one in _record().items():
        if one["problem"] == "junction.bias" and "with_vibration" not in one:
            with FileLock(STORE.with_suffix(".lock")):
                record = _record()
                record[name]["with_vibration"] = solved_again(one, **VIBRATION)
                RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
            print(name, record[name]["largest"], record[name]["with_vibration"], flush=True)


def _key(name: str, atoms: str, p: float) -> str:
    return f"{name}, {atoms}, {p:g}"


def _record() -> dict[str, Any]:
    return dict(json.loads(RECORD.read_text("utf-8"))) if RECORD.exists() else {}


if __name__ == "__main__":
    {"vibration": shaken, "carried": carried}.get(
        " ".join(sys.argv[1:]), lambda: main(*sys.argv[1:])
    )()
