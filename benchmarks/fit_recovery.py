"""Does a fit find the mechanism that made the curves? Verdicts on simulated sets at stated effect sizes.

    python -m benchmarks.fit_recovery [SETS]

Writes docs/validation/fit_recovery.md. Rows are kept in .benchmarks/fit_recovery.json, and one that has as many sets is
not made again. Ten sets of each row take about six minutes of one core.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_calibration import BIASES, CONTACTS, NARROWED
from chirospin.measured.inference.calibration import at_truth, planned_set
from chirospin.measured.inference.fits import (
    ARTEFACT,
    EXCLUDED,
    NOT_DISTINGUISHED,
    Fitted,
    evidence_verdict,
)
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import CHANGES, phenomenologies
from chirospin.measured.inference.sampling import nested

RECORD = Path(".benchmarks/fit_recovery.json")
PAGE = Path("docs/validation/fit_recovery.md")
LEVEL = (0.8, 0.1, 0.05)
"""Distance from the Fermi level and width, eV, and bias asymmetry of the level that carries the current."""
MISFIT = 0.05
LIVE = 100
SETS = 10
VERDICTS = (EXCLUDED, ARTEFACT, NOT_DISTINGUISHED)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What makes the curves.

    Parameters
    ----------
    believed : share of the covariance of the contacts that the fit believes in
    """

    change: str
    size: float = 0.0
    unit: str = ""
    believed: float = 1.0

    @property
    def name(self) -> str:
        """In words."""
        size = f" {self.size:g} {self.unit}" if CHANGES[self.change] else ""
        control = f", covariance x {self.believed:g}" if self.believed != 1 else ""
        return f"{self.change}{size}{control}"

    @property
    def theta(self) -> NDArray[np.float64]:
        """Parameters of the mechanism, scale and misfit."""
        own = [self.size] if CHANGES[self.change] else []
        return np.array([*LEVEL, *own, 0.0, MISFIT])


TRUTHS = (
    Truth(change="null"),
    Truth(change="factor", size=0.5, unit="of ln I"),
    Truth(change="factor", size=1.5, unit="of ln I"),
    Truth(change="static", size=0.02, unit="eV"),
    Truth(change="static", size=0.06, unit="eV"),
    Truth(change="driven", size=0.02, unit="eV/V"),
    Truth(change="driven", size=0.06, unit="eV/V"),
)
CONTROLS = (Truth(change="null", believed=NARROWED),)


def planned(truth: Truth) -> Posterior:
    """The mechanism that made the curves, and a typical set."""
    (mechanism,) = phenomenologies(f"level.{truth.change}")
    return Posterior(mechanism, planned_set(BIASES, CONTACTS))


def polarisation(truth: Truth) -> float:
    """P of the truth at the largest bias."""
    curves = planned(truth).curves(truth.theta)
    up, down = curves[len(BIASES) - 1], curves[-1]
    return float(np.tanh((up - down) / 2))


def evidences(truth: Truth, seed: int) -> list[Fitted]:
    """Every mechanism on one set, as `chirospin fit --mechanism level` compares them."""
    data = at_truth(planned(truth), truth.theta, seed)
    data = replace(data, covariance=truth.believed * data.covariance)
    found = []
    for change in CHANGES:
        (mechanism,) = phenomenologies(f"level.{change}")
        posterior = Posterior(mechanism, data)
        found.append(Fitted(posterior=posterior, sampled=nested(posterior, live=LIVE, seed=seed)))
    return found


def row(truth: Truth, sets: int) -> dict[str, Any]:
    """What the fits of a truth say."""
    verdicts: Counter[str] = Counter()
    best: Counter[str] = Counter()
    gaps, calls, begun = [], 0, time.process_time()
    for seed in range(sets):
        found = evidences(truth, seed)
        Z = dict(zip(CHANGES, (one.sampled.log_evidence for one in found), strict=True))
        calls += sum(one.sampled.calls for one in found)
        verdicts[evidence_verdict(found)[0]] += 1
        best[max(Z, key=lambda kind: Z[kind])] += 1
        gaps.append({kind: Z[kind] - Z[truth.change] for kind in CHANGES})
    return {
        "sets": sets,
        "verdicts": dict(verdicts),
        "best": dict(best),
        "gaps": {kind: [round(gap[kind], 2) for gap in gaps] for kind in CHANGES},
        "calls": calls,
        "seconds": round(time.process_time() - begun, 1),
    }


def rows(sets: int) -> Iterator[tuple[Truth, dict[str, Any]]]:
    """A row for each truth, from the record where it is there."""
    for truth in (*TRUTHS, *CONTROLS):
        known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        if known.get(truth.name, {}).get("sets") != sets:
            known[truth.name] = row(truth, sets)
            RECORD.parent.mkdir(exist_ok=True)
            RECORD.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
            print(truth.name, known[truth.name], file=sys.stderr, flush=True)
        yield truth, known[truth.name]


def _gap(values: list[float]) -> str:
    low, middle, high = np.quantile(values, [0, 0.5, 1]).round() + 0.0
    return f"{middle:.0f} ({low:.0f} .. {high:.0f})" if low < high else "0"


def page(sets: int) -> Iterator[str]:
    """The tables as Markdown."""
    found = list(rows(sets))
    seconds = sum(one["seconds"] for _, one in found)
    calls = sum(one["calls"] for _, one in found)
    fits = 4 * sets * len(found)
    yield f"""# Which mechanism a fit finds

Written by `python -m benchmarks.fit_recovery {sets}`. Curves are made by a level {LEVEL[0]:g} eV from the Fermi level, {LEVEL[1]:g} eV
wide, and measured like a typical set: {CONTACTS} contacts of each magnetisation, {len(BIASES)} biases up to 1 V, scatter of ln I 1.1 between
contacts, 0.25 of the slope, 0.03 of a point, misfit of the shape {MISFIT:g}. Every set is fitted as by
`chirospin fit --mechanism level --live {LIVE}`. {sets} sets of each truth; {fits} fits took {calls / fits / 1000:.0f} 000 evaluations of the likelihood and
{seconds / fits:.1f} s of one core each.

## How often which verdict

| truth | P at 1 V | {" | ".join(VERDICTS)} | largest evidence |
|---|---|{"---|" * len(VERDICTS)}---|"""
    for truth, one in found:
        said = " | ".join(str(one["verdicts"].get(word, 0)) for word in VERDICTS)
        best = ", ".join(
            f"{kind} {many}" for kind, many in sorted(one["best"].items(), key=lambda x: -x[1])
        )
        control = "**control:** " if truth in CONTROLS else ""
        yield f"| {control}{truth.name} | {polarisation(truth) + 0.0:.2f} | {said} | {best} |"
    lost = sum(
        sets - one["verdicts"].get(NOT_DISTINGUISHED, 0) for t, one in found if t in CONTROLS
    )
    yield f"""
The control is a null whose fit believes in a fiftieth of the scatter between contacts, as one does that takes
curves for contacts: in {lost} of {sets} sets it finds what is not there.

## By what margin

ln Z of a mechanism less that of the truth: median, and least .. largest of {sets} sets. Two mechanisms are told apart where they
differ by more than 3 and twice the error of the difference (0.4 to 0.7).

| truth | {" | ".join(CHANGES)} |
|---|{"---|" * len(CHANGES)}"""
    for truth, one in found:
        cells = [_gap(one["gaps"][kind]) for kind in CHANGES]
        yield f"| {truth.name} | {' | '.join(cells)} |"


def main(sets: int) -> None:
    """Write the page."""
    PAGE.write_text("\n".join(page(sets)) + "\n", "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SETS)
