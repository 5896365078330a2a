"""How often every test of measured curves fires without a cause, and with one; how often intervals cover.

    python -m benchmarks.measured [NULLS [CONTROLS]] > docs/validation/measured_rates.md

2000 nulls and 400 sets of every control take about a quarter of an hour of one core.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measured_sets import Truth, made
from chirospin.measured import findings
from chirospin.measured.analysis import Analysis, analysis_of
from chirospin.measured.conclusion import verdict_of
from chirospin.measured.curves import Curves
from chirospin.measured.permutations import flips, labellings
from chirospin.measured.quantities import arithmetic, posterior

NULL = Truth(enantiomers=("R", "S", "achiral"), curves=2, blocks=8, lag=0.0)
PAIRED = Truth(enantiomers=("R", "S"), contacts=12, curves=2, paired=True, lag=0.0)
FIRST = Truth(curves=2)
FIRED = ("shown", "FAILED")
DRAWS = 999
"""Labellings drawn here; the package draws 9 999, which moves a p by its third digit."""
Finder = Callable[[Analysis], findings.Finding]


@dataclass(frozen=True, kw_only=True)
class Control:
    """A set in which one test must fire, and the share of sets in which the specification saw it do so."""

    test: str
    about: str
    truth: Truth
    find: Finder
    rate: float


def _blocks(one: Analysis) -> findings.Finding:
    return findings.assigned_signal(one)[0]


TWO = ("R", "S")
CONTROLS = (
    Control(test="signal", about="P = 0.4, 20 contacts", truth=replace(FIRST, polarisation=0.4), find=findings.signal, rate=0.45),
    Control(test="signal", about="P = 0.4, 60 contacts", truth=replace(FIRST, polarisation=0.4, contacts=60), find=findings.signal, rate=0.89),
    Control(test="signal, blocks as units", about="P = 0.4, 60 contacts in 8 blocks", truth=replace(FIRST, polarisation=0.4, contacts=60, blocks=8), find=_blocks, rate=0.52),
    Control(test="shape", about="P = 0.4, 20 contacts", truth=replace(FIRST, polarisation=0.4), find=findings.shape, rate=1.0),
    Control(test="chirality", about="P = 0.4, 20 contacts of R and of S", truth=replace(FIRST, polarisation=0.4, enantiomers=TWO), find=findings.chirality, rate=0.76),
    Control(test="mirror", about="factor e^0.8 in R and S, 60 contacts", truth=replace(FIRST, factor=0.8, enantiomers=TWO, contacts=60), find=findings.mirror, rate=1.0),
    Control(test="reciprocity", about="factor e^0.8, 60 contacts", truth=replace(FIRST, factor=0.8, contacts=60), find=findings.reciprocity, rate=0.97),
    Control(test="offset", about="1 pA in up curves", truth=replace(FIRST, offset=1e-12), find=findings.offset, rate=1.0),
    Control(test="offset", about="10 mV in up curves", truth=replace(FIRST, bias_offset=0.01), find=findings.offset, rate=1.0),
    Control(test="drift", about="3 e-folds, up first", truth=replace(FIRST, drift=3.0, blocks=2), find=findings.drift, rate=0.65),
    Control(test="clipping", about="up e^2 larger, compliance 1 nA", truth=replace(FIRST, factor=2.0, ceiling=1e-9, saturation=1e-9, conductance=50e-12, floor=1e-13, noise=3e-14), find=findings.clipping, rate=0.94),
    Control(test="spread", about="up scatters by 0.5, down by 1.1", truth=replace(FIRST, up_scatter=0.5), find=findings.spread, rate=0.43),
    Control(test="hysteresis", about="5 pA between forward and backward of up curves", truth=replace(FIRST, lag=5e-12), find=findings.hysteresis, rate=1.0),
)  # fmt: skip


def fired(truth: Truth, count: int, seed: int = 0) -> dict[str, float]:
    """Share of sets in which each test is shown or FAILED, of those where it could be made."""
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for n in range(count):
        for one in findings.findings_of(analysis_of(made(truth, seed + n))):
            words[one.name][one.word] += 1
    return {
        name: sum(c[w] for w in FIRED) / count
        for name, c in words.items()
        if c["not testable"] < count
    }


def rate(control: Control, count: int, seed: int = 0) -> float:
    """Share of sets in which a control fires."""
    hits = sum(
        control.find(analysis_of(made(control.truth, seed + n))).word in FIRED for n in range(count)
    )
    return hits / count


def curves_as_contacts(curves: Curves) -> Curves:
    """The mistake of taking every curve for a contact of its own."""
    return replace(curves, contact=np.arange(len(curves)).astype(str))


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A null that fools an analysis: how often shape and signal fire, and what is concluded."""

    about: str
    truth: Truth
    change: Callable[[Curves], Curves] = lambda curves: curves


LOW = Truth(curves=2, factor=1.0, conductance=10e-12, floor=0.9e-12, noise=0.3e-12)
TRAPS = (
    Trap(about="every curve taken for a contact", truth=Truth(), change=curves_as_contacts),
    Trap(
        about="one tip for each magnetisation, scatter 0.5",
        truth=Truth(curves=2, tips="each", tip_scatter=0.5),
    ),
    Trap(about="drift of one e-fold, up first", truth=Truth(curves=2, drift=1.0, blocks=2)),
    Trap(about="factor e at 10 pS, floor 0.9 pA", truth=LOW),
    Trap(
        about="4 pA in up curves at 30 pS",
        truth=Truth(curves=2, offset=4e-12, conductance=30e-12, bend=2.0),
    ),
    Trap(
        about="factor e^2 under a limit of 1 nA, declared",
        truth=Truth(
            curves=2,
            factor=2.0,
            saturation=1e-9,
            conductance=50e-12,
            floor=1e-13,
            noise=3e-14,
            ceiling=1e-9,
        ),
    ),
    Trap(
        about="factor e^2 under a limit of 1 nA, not declared and not seen",
        truth=Truth(
            curves=2, factor=2.0, saturation=1e-9, conductance=50e-12, floor=1e-13, noise=3e-14
        ),
    ),
)


def trapped(trap: Trap, count: int, seed: int = 0) -> dict[str, Any]:
    """Shares in which signal and shape are shown, and the most frequent conclusions."""
    shares: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for n in range(count):
        one = analysis_of(trap.change(made(trap.truth, seed + n)))
        found = findings.findings_of(one)
        for f in found:
            shares[f.name] += f.word in FIRED
        verdicts[verdict_of(one, found)] += 1
    return {
        "signal": shares["signal"] / count,
        "shape": shares["shape"] / count,
        "verdicts": verdicts.most_common(3),
    }


def coverage(contacts: int, count: int, seed: int = 0) -> dict[str, float]:
    """Share of sets whose nominal 95 % interval holds the true P at the largest bias."""
    truth = Truth(contacts=contacts, polarisation=0.3, shape=0.0)
    hits: Counter[str] = Counter()
    for n in range(count):
        one = analysis_of(made(truth, seed + n))
        units = one.contacts["R"]
        low, high = (np.tanh(x[one.verdict] / 2) for x in one.differences["R"].interval())
        hits["Welch"] += low <= 0.3 <= high
        exact = posterior(one, "R")
        hits["Bayes"] += exact.low <= 0.3 <= exact.high
        if contacts >= 8:
            P = arithmetic(one, units)
            hits["arithmetic, bootstrap of contacts"] += (
                P.low[one.verdict] <= 0.3 <= P.high[one.verdict]
            )
    return {name: many / count for name, many in hits.items()}


def page(nulls: int, controls: int) -> Iterator[str]:
    """The tables as Markdown."""
    findings.labellings = partial(labellings, draws=DRAWS)
    findings.flips = partial(flips, draws=DRAWS)
    yield f"""# Measured curves: how often the tests are right

Written by `python -m benchmarks.measured {nulls} {controls}`. Sets are made with log-normal contacts (scatter 1.1 between,
0.45 within, 0.25 of the shape at 1 V); 20 contacts of each magnetisation unless said. Intervals and verdicts hold
jointly over the enantiomers of a set; {DRAWS} labellings are drawn (9 999 in the package).

## Without a cause

{nulls} sets with R, S and an achiral control in 8 blocks, two directions of sweep; and {nulls} sets of 12 contacts
that hold both magnetisations.

| test | fires in | fires in, pairs |
|---|---|---|"""
    plain, paired = fired(NULL, nulls), fired(PAIRED, nulls, 100_000)
    for name, share in plain.items():
        other = f"{paired[name]:.3f}" if name in paired else "-"
        remark = " (a rule, no test)" if name == "dominance" else ""
        yield f"| {name}{remark} | {share:.3f} | {other} |"
    yield f"""
## With a cause

{controls} sets of each.

| test | cause | fires in |
|---|---|---|"""
    for one in CONTROLS:
        yield f"| {one.test} | {one.about} | {rate(one, controls, 200_000):.2f} |"
    yield f"""
## Nulls that fool an analysis

{controls} sets of each; what the magnetisation does to the spin is nothing in all of them.

| null | signal shown | shape shown | conclusions |
|---|---|---|---|"""
    for trap in TRAPS:
        found = trapped(trap, controls, 300_000)
        several = ", ".join(f"{name} {many / controls:.2f}" for name, many in found["verdicts"])
        yield f"| {trap.about} | {found['signal']:.2f} | {found['shape']:.2f} | {several} |"
    yield f"""
## Coverage of intervals

P = 0.3, nominal 95 %, {nulls // 2} sets. A bootstrap of fewer than 8 contacts is refused.

| contacts | Welch | Bayes | arithmetic, bootstrap of contacts |
|---|---|---|---|"""
    for contacts in (3, 5, 10, 20, 50):
        found = coverage(contacts, nulls // 2, 400_000)
        cells = [found.get(k) for k in ("Welch", "Bayes", "arithmetic, bootstrap of contacts")]
        yield (
            f"| {contacts} | " + " | ".join("-" if c is None else f"{c:.3f}" for c in cells) + " |"
        )


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    for part in page(*(given + [2000, 400][len(given) :])):
        sys.stdout.write(part + "\n")
        sys.stdout.flush()
