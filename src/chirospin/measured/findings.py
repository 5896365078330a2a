"""The tests of a set of curves: what is claimed, and what could pretend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from chirospin.measured.analysis import Analysis
from chirospin.measured.contacts import Units
from chirospin.measured.curves import LEFT, RIGHT
from chirospin.measured.estimates import ALPHA, LEVEL, Estimate, difference_of, mean_of, slope_of
from chirospin.measured.permutations import (
    count_of,
    flips,
    labellings,
    largest_paired,
    largest_welch,
    share_at_least,
)
from chirospin.measured.shapes import offset_of

Real = NDArray[np.float64]
Word = Literal["ok", "FAILED", "undecided", "shown", "not shown", "not testable"]
OK: Word = "ok"
FAILED: Word = "FAILED"
UNDECIDED: Word = "undecided"
SHOWN: Word = "shown"
NOT_SHOWN: Word = "not shown"
NOT_TESTABLE: Word = "not testable"
EFFECTIVE = 10
"""Curves that must stand behind an arithmetic mean."""
NATURAL, PROBABILITY, COUNT = "ln", "p", "count"
"""What the value of a finding is: a difference of logarithms, a probability, a number of curves."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The answer of one test.

    Parameters
    ----------
    word : ``ok``, ``FAILED``, ``undecided`` of what should vanish; ``shown``, ``not shown`` of what is claimed
    value, low, high : the statistic and its interval at 95 %, jointly over the enantiomers tested
    allowed : largest size of what should vanish, or largest p
    enantiomer : where the statistic is largest
    each : value, low, high (95 %) and p of each enantiomer
    """

    name: str
    word: Word
    meaning: str
    kind: str = NATURAL
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    allowed: float = np.nan
    enantiomer: str = ""
    each: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def joint_level(count: int) -> float:
    """Level of each of several intervals that hold together at 95 %."""
    return float(LEVEL ** (1 / max(count, 1)))


def _judged(low: float, high: float, tolerance: float) -> Word:
    """FAILED if 0 is excluded, ok if the interval lies inside the tolerance, else undecided."""
    if low > 0 or high < 0:
        return FAILED
    return OK if max(abs(low), abs(high)) <= tolerance else UNDECIDED


_RANK = {FAILED: 2, UNDECIDED: 1, OK: 0}


def vanishing(
    name: str, meaning: str, estimates: Mapping[str, Estimate], tolerance: float, **facts: Any
) -> Finding:
    """A finding of what should vanish: the worst of several estimates, jointly at 95 %."""
    known = {k: e for k, e in estimates.items() if np.isfinite(e.error)}
    if not known:
        return Finding(
            name=name, word=NOT_TESTABLE, meaning="fewer than 2 units of a magnetisation"
        )
    level = joint_level(len(known))
    spans = {k: e.interval(level) for k, e in known.items()}
    words = {k: _judged(float(spans[k][0]), float(spans[k][1]), tolerance) for k in known}
    worst = max(known, key=lambda k: (_RANK[words[k]], abs(float(known[k].ratio))))
    return Finding(
        name=name,
        word=words[worst],
        meaning=meaning,
        value=float(known[worst].value),
        low=float(spans[worst][0]),
        high=float(spans[worst][1]),
        allowed=tolerance,
        enantiomer=worst.partition(" ")[0],
        each={k: _facts(e) for k, e in known.items()},
        facts=facts,
    )


def claimed(name: str, meaning: str, estimates: Mapping[str, Estimate]) -> Finding:
    """A finding of what is claimed: the largest of several estimates, jointly at 95 %."""
    known = {k: e for k, e in estimates.items() if np.isfinite(e.error)}
    if not known:
        return Finding(
            name=name, word=NOT_TESTABLE, meaning="fewer than 2 units of a magnetisation"
        )
    best = max(known, key=lambda k: abs(float(known[k].ratio)))
    low, high = map(float, known[best].interval(joint_level(len(known))))
    return Finding(
        name=name,
        word=SHOWN if low > 0 or high < 0 else NOT_SHOWN,
        meaning=meaning,
        value=float(known[best].value),
        low=low,
        high=high,
        enantiomer=best,
        each={k: _facts(e) for k, e in known.items()},
    )


def _facts(estimate: Estimate) -> dict[str, float]:
    low, high = estimate.interval()
    return {
        "value": float(estimate.value),
        "low": float(low),
        "high": float(high),
        "p": float(estimate.p),
    }


def untestable(name: str, why: str) -> Finding:
    """A finding that cannot be made, with the reason."""
    return Finding(name=name, word=NOT_TESTABLE, meaning=why)


def findings_of(analysis: Analysis, lead_polarisation: float | None = None) -> list[Finding]:
    """Every test, claims first."""
    found = [
        signal(analysis),
        *assigned_signal(analysis),
        shape(analysis),
        chirality(analysis),
        mirror(analysis),
        reciprocity(analysis),
        offset(analysis),
        drift(analysis),
        clipping(analysis),
        spread(analysis),
        dominance(analysis),
        hysteresis(analysis),
        achiral(analysis),
    ]
    return [*found, filter_limit(analysis, lead_polarisation)] if lead_polarisation else found


def _at_verdict(analysis: Analysis, names: Sequence[str]) -> dict[str, Estimate]:
    return {e: _at(analysis.differences[e], analysis.verdict) for e in names}


def _at(estimate: Estimate, place: int) -> Estimate:
    return Estimate(
        value=estimate.value[place], error=estimate.error[place], freedom=estimate.freedom[place]
    )


@dataclass(frozen=True, kw_only=True)
class Search:
    """The largest difference at any bias and enantiomer, against permuted labels."""

    p: float
    t: float
    bias: float
    enantiomer: str
    labellings: int
    whole: bool
    critical: float


def searched(
    analysis: Analysis, groups: Mapping[str, Units], log_current: Real | None = None
) -> Search:
    """Permute the labels inside each enantiomer; the largest t over enantiomers and biases."""
    columns = analysis.searched
    logarithm = analysis.log_current if log_current is None else log_current
    values = {e: units.mean(logarithm[:, columns]) for e, units in groups.items()}
    pairs = [e for e, units in groups.items() if units.paired]
    plain = [e for e in groups if e not in pairs]
    largest: list[Real] = []
    whole = True
    for names, kind in ((plain, "labels"), (pairs, "signs")):
        if not names:
            continue
        mixed = bool(plain and pairs)
        drawn, all_of_them = _drawn([groups[e] for e in names], kind, analysis.seed, random=mixed)
        whole &= all_of_them
        for e, labels in zip(names, drawn, strict=True):
            units = groups[e]
            largest.append(
                largest_welch(values[e], labels)
                if kind == "labels"
                else largest_paired(units.pairs(values[e]), labels)
            )
    seen = {e: _seen(groups[e], values[e]) for e in groups}
    best = max(seen, key=lambda e: float(np.max(seen[e])))
    reached = np.max(np.stack(largest), axis=0)
    top = float(np.max(seen[best]))
    return Search(
        p=share_at_least(reached, top, whole=whole),
        t=top,
        bias=float(analysis.curves.bias[columns[int(np.argmax(seen[best]))]]),
        enantiomer=best,
        labellings=len(reached),
        whole=whole,
        critical=float(np.quantile(reached, LEVEL)),
    )


def _drawn(
    groups: Sequence[Units], kind: str, seed: int, *, random: bool
) -> tuple[list[NDArray[np.bool_]], bool]:
    """Joint labellings; drawn ones where two kinds of design stand side by side."""
    if kind == "labels":
        found, whole = labellings([(u.up, u.stratum) for u in groups], seed)
    else:
        found, whole = flips([u.ups for u in groups], seed)
    if not (random and whole):
        return found, whole
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(found[0]), size=9999)
    return [part[chosen] for part in found], False


def _seen(units: Units, mean: Real) -> Real:
    if units.paired:
        difference = units.pairs(mean)
        return np.array(
            [
                largest_paired(column[:, None], np.ones((1, len(column)), bool))[0]
                for column in difference.T
            ]
        )
    return np.array([largest_welch(column[:, None], units.up[None])[0] for column in mean.T])


def signal(analysis: Analysis) -> Finding:
    """The largest difference at any bias and enantiomer, contacts as units."""
    groups = {e: analysis.contacts[e] for e in analysis.tested}
    if not groups:
        return untestable("signal", _too_few(analysis))
    found = searched(analysis, groups)
    return Finding(
        name="signal",
        word=SHOWN if found.p <= ALPHA else NOT_SHOWN,
        meaning="the largest difference at any bias and enantiomer, contacts as units",
        kind=PROBABILITY,
        value=found.p,
        allowed=ALPHA,
        enantiomer=found.enantiomer,
        facts=vars(found),
    )


def _too_few(analysis: Analysis) -> str:
    sizes = ", ".join(
        f"{e} {analysis.contacts[e].ups} up and {analysis.contacts[e].downs} down"
        for e in analysis.hands
    )
    return f"fewer than 2 units of a magnetisation (contacts: {sizes})"


def smallest_p(units: Units) -> float:
    """Smallest p that permuting the labels of units can give; two labellings have the same t if numbers are equal."""
    many = count_of(units.up, units.stratum)
    return (2 if units.ups == units.downs else 1) / many


def assigned_signal(analysis: Analysis) -> list[Finding]:
    """The same with the runs, or the tips, for which the magnetisation was set as units."""
    names = [e for e in analysis.tested if not analysis.contacts[e].paired]
    if not names:
        return []
    level = "tip" if any(analysis.level[e] == "tip" for e in names) else analysis.level[names[0]]
    title = f"signal, {level if level != 'contact' else 'block'}s as units"
    if level == "contact":
        return [
            untestable(
                title,
                "no order known: valid only if the magnetisation was alternated between contacts",
            )
        ]
    groups = {e: analysis.blocks[e] for e in names if analysis.blocks[e].testable}
    fewest = min((smallest_p(u) for u in groups.values()), default=1.0)
    counts = " and ".join(f"{analysis.blocks[e].ups} + {analysis.blocks[e].downs}" for e in names)
    if fewest > ALPHA:
        why = f"{counts} {level}s cannot give p < {max(fewest, ALPHA):.2g}"
        return [untestable(title, why)]
    found = searched(analysis, groups)
    return [
        Finding(
            name=title,
            word=SHOWN if found.p <= ALPHA else NOT_SHOWN,
            meaning=f"{counts} {level}s; the smallest possible p is {fewest:.2g}",
            kind=PROBABILITY,
            value=found.p,
            allowed=ALPHA,
            enantiomer=found.enantiomer,
            facts=vars(found) | {"smallest": fewest},
        )
    ]


def shape(analysis: Analysis) -> Finding:
    """What stays of the difference when the linear conductance of each curve is taken out."""
    if not analysis.tested:
        return untestable("shape", _too_few(analysis))
    if not analysis.shaped or analysis.shape is None:
        return untestable("shape", analysis.unshaped[analysis.tested[0]])
    values = analysis.shape[:, analysis.verdict]
    found = {e: analysis.contacts[e].difference(values) for e in analysis.shaped}
    return claimed("shape", "ln(I/GV), up less down: free of area, tip and drift", found)


def chirality(analysis: Analysis) -> Finding:
    """Half the difference of the two enantiomers."""
    if not {RIGHT, LEFT} <= set(analysis.tested):
        return untestable("chirality", "the other enantiomer is not in the set")
    estimates = _at_verdict(analysis, (RIGHT, LEFT))
    half = difference_of(estimates[RIGHT], estimates[LEFT]).scaled(0.5)
    return claimed("chirality", "half the difference of R and S", {"R-S": half})


def mirror(analysis: Analysis) -> Finding:
    """R and S together: zero if the signal is chiral and nothing else."""
    if not {RIGHT, LEFT} <= set(analysis.tested):
        return untestable("mirror", "the other enantiomer is not in the set")
    estimates = _at_verdict(analysis, (RIGHT, LEFT))
    both = difference_of(estimates[RIGHT], estimates[LEFT], sign=1.0)
    return vanishing("mirror", "R and S add up to zero", {"R+S": both}, analysis.largest)


def reciprocity(analysis: Analysis) -> Finding:
    """Linear conductances of the two magnetisations."""
    if not analysis.tested:
        return untestable("reciprocity", _too_few(analysis))
    if not analysis.shaped or analysis.origin is None:
        return untestable("reciprocity", analysis.unshaped[analysis.tested[0]])
    values = np.log(analysis.origin.known)
    found = {e: analysis.contacts[e].difference(values) for e in analysis.shaped}
    plain = "ln G, up less down: none is allowed in linear response"
    result = vanishing("reciprocity", plain, found, analysis.largest / 2)
    if result.word != FAILED:
        return result
    ends = sorted(abs(np.expm1(x)) for x in (result.low, result.high))
    words = (
        f"The linear conductance differs by {abs(np.expm1(result.value)):.0%} [{ends[0]:.0%}, {ends[1]:.0%}] "
        "between magnetisations. A two-terminal junction whose only magnet is reversed cannot do this in linear "
        "response (Buttiker); contacts, tips, drift, offset or charging can. Some experiments claim it "
        "(arXiv 2001.00097), theory of charge trapping allows it (arXiv 2201.03623), others see it vanish "
        "(Nanoscale Horiz. 2023, 8, 320)."
    ).replace("%", " %")
    return Finding(**{**vars(result), "facts": {"words": words}})


def offset(analysis: Analysis) -> Finding:
    """Current at zero bias, and the bias at which it vanishes, as shares of the current at the verdict bias."""
    if not analysis.tested:
        return untestable("offset", _too_few(analysis))
    if analysis.origin is None:
        return untestable("offset", "the bias has one sign only, or fewer than three points a side")
    estimates: dict[str, Estimate] = {}
    raw: dict[str, Any] = {}
    for e in analysis.tested:
        units = analysis.contacts[e]
        typical = float(units.mean(analysis.log_current[:, analysis.verdict]).mean())
        current = units.difference(analysis.origin.offset)
        estimates[f"{e} current"] = current.scaled(float(np.exp(-typical)))
        raw[f"{e} current (A)"] = _facts(current)
        if not analysis.unshaped[e]:
            bias = units.difference(-analysis.origin.offset / analysis.origin.known)
            conductance = float(units.mean(np.log(analysis.origin.known)).mean())
            estimates[f"{e} bias"] = bias.scaled(float(np.exp(conductance - typical)))
            raw[f"{e} bias (V)"] = _facts(bias)
    return vanishing(
        "offset",
        "current at zero bias, up less down, as a share of the current",
        estimates,
        analysis.largest / 2,
        measured=raw,
    )


def drift(analysis: Analysis) -> Finding:
    """Slope of ln|I| over the order of the set, the magnetisation held."""
    name = "drift"
    if not analysis.curves.ordered:
        return untestable(
            name, "no order known: valid only if the magnetisation was alternated between contacts"
        )
    estimates: dict[str, Estimate] = {}
    facts: dict[str, Any] = {}
    for e in analysis.tested:
        units = analysis.contacts[e]
        mean = units.mean(analysis.log_current[:, analysis.verdict])
        if units.ups + units.downs < 4 or np.ptp(units.order) == 0:
            continue
        estimates[e], facts[e] = _drift(units, mean)
    if not estimates:
        return untestable(name, "fewer than 4 units, or all at one time")
    result = vanishing(name, "of ln|I| over the set", estimates, 2 * analysis.largest)
    pretended = facts[result.enantiomer]["pretended"]
    words = f"of ln|I| over the set; it could pretend {pretended:+.2f}"
    return Finding(**{**vars(result), "facts": facts, "meaning": words})


def _drift(units: Units, mean: Real) -> tuple[Estimate, dict[str, Any]]:
    side = np.where(units.up, 0.5, -0.5)
    gap = float(units.order[units.up].mean() - units.order[~units.up].mean())
    if not units.paired:
        slope, (at_equal_order,) = slope_of(mean, units.order, [side])
        related = float(np.corrcoef(units.order, side)[0, 1])
        facts = {"correlation": related, "at_equal_order": _facts(at_equal_order)}
    else:
        n = units.ups
        slope, _ = slope_of((mean[:n] + mean[n:]) / 2, (units.order[:n] + units.order[n:]) / 2)
        later = np.sign(units.order[:n] - units.order[n:])
        second = mean_of(later * units.pairs(mean))
        facts = {"second_less_first": _facts(second)}
    return slope, facts | {"pretended": float(slope.value) * gap, "slope": _facts(slope)}


def clipping(analysis: Analysis) -> Finding:
    """Contacts clipped at the largest bias, up against down; biases that are not usable."""
    V = analysis.curves.bias
    place = int(np.argmax(V)) if V.max() > 0 else int(np.argmax(np.abs(V)))
    clipped = analysis.curves.clipped[:, place].astype(float)
    chances = {}
    for e in analysis.hands:
        units = analysis.contacts[e]
        hit = units.mean(clipped) > 0
        table = [[int((hit & s).sum()), int((~hit & s).sum())] for s in (units.up, ~units.up)]
        chances[e] = float(stats.fisher_exact(table).pvalue)
    worst = min(chances, key=lambda e: chances[e])
    p = 1 - (1 - chances[worst]) ** len(chances)
    lost = int(((V != 0) & ~analysis.usable).sum())
    word = FAILED if p < ALPHA else UNDECIDED if lost else OK
    return Finding(
        name="clipping",
        word=word,
        meaning="noise floor and compliance, up against down at the largest bias; "
        + (f"{lost} biases left out" if lost else "no bias left out"),
        kind=PROBABILITY,
        value=p,
        allowed=ALPHA,
        enantiomer=worst,
        each=chances,
        facts={"left_out": lost},
    )


def spread(analysis: Analysis) -> Finding:
    """Whether the contacts of one magnetisation scatter more."""
    chances, added = {}, {}
    for e in analysis.tested:
        units = analysis.contacts[e]
        mean = units.mean(analysis.log_current[:, analysis.verdict])
        up, down = mean[units.up], mean[~units.up]
        added[e] = float((up.var(ddof=1) - down.var(ddof=1)) / 2)
        if min(len(up), len(down)) < 3:
            continue
        if units.paired:
            chances[e] = float(stats.pearsonr(up + down, up - down).pvalue)
        else:
            chances[e] = float(stats.levene(up, down, center="median").pvalue)
    known = {e: p for e, p in chances.items() if np.isfinite(p)}
    if not known:
        return untestable("spread", "fewer than 3 units of a magnetisation")
    worst = min(known, key=lambda e: known[e])
    p = 1 - (1 - known[worst]) ** len(known)
    return Finding(
        name="spread",
        word=FAILED if p < ALPHA else OK,
        meaning="scatter of up and of down contacts; it adds "
        f"{added[worst]:+.2f} to D of the arithmetic means",
        kind=PROBABILITY,
        value=p,
        allowed=ALPHA,
        enantiomer=worst,
        each=known,
        facts={"added": added},
    )


def dominance(analysis: Analysis) -> Finding:
    """How many curves stand behind the arithmetic means, and what each contact does to them."""
    current = analysis.curves.forward_current[:, analysis.verdict]
    effective, ranges, turned = {}, {}, False
    for e in analysis.hands:
        units = analysis.contacts[e]
        inside = units.weights > 0
        own = np.nan_to_num(current[units.rows])
        sides = [inside[side].any(axis=0) for side in (units.up, ~units.up)]
        effective[e] = min(
            float(own[s].sum() ** 2 / max((own[s] ** 2).sum(), 1e-300)) for s in sides
        )
        whole, without = _left_out(units, inside.astype(float), own)
        known = without[np.isfinite(without)]
        ranges[e] = (float(known.min(initial=whole)), float(known.max(initial=whole)))
        turned |= bool((np.sign(known) != np.sign(whole)).any())
    worst = min(effective, key=lambda e: effective[e])
    few = effective[worst] < EFFECTIVE
    return Finding(
        name="dominance",
        word=FAILED if few or turned else OK,
        meaning="effective curves behind the arithmetic means; P without any one contact: "
        f"{ranges[worst][0]:.2f} .. {ranges[worst][1]:.2f}",
        kind=COUNT,
        value=effective[worst],
        allowed=EFFECTIVE,
        enantiomer=worst,
        each=effective,
        facts={"without_one": ranges, "sign_changes": turned},
    )


def _left_out(units: Units, inside: Real, current: Real) -> tuple[float, Real]:
    """Arithmetic polarisation with all contacts, and with each left out."""
    total, many = inside @ current, inside.sum(axis=1)
    up = units.up

    def polarisation(kept: NDArray[np.bool_]) -> float:
        counts = [many[side & kept].sum() for side in (up, ~up)]
        if not all(counts):
            return np.nan
        first, second = (
            total[side & kept].sum() / n for side, n in zip((up, ~up), counts, strict=True)
        )
        return float((first - second) / (first + second)) if first + second else np.nan

    every = np.ones(len(up), dtype=bool)
    without = [polarisation(units.contact != name) for name in np.unique(units.contact)]
    return polarisation(every), np.array(without)


def hysteresis(analysis: Analysis) -> Finding:
    """Forward less backward sweeps at half the verdict bias, and its difference between magnetisations."""
    place = _half(analysis)
    estimates: dict[str, Estimate] = {}
    for e in analysis.tested:
        units = analysis.contacts[e]
        gap = _forward_less_backward(analysis, units, place)
        both = np.isfinite(gap)
        if units.paired:
            n = units.ups
            both[:n] &= both[n:]
            both[n:] = both[:n]
        ups, downs = int((both & units.up).sum()), int((both & ~units.up).sum())
        if min(ups, downs) < 2:
            continue
        estimates[f"{e} mean"] = mean_of(gap[both])
        up, down = gap[both & units.up], gap[both & ~units.up]
        estimates[f"{e} difference"] = (
            mean_of(up - down) if units.paired else difference_of(mean_of(up), mean_of(down))
        )
    if not estimates:
        both_there = {"forward", "backward"} <= set(analysis.curves.direction)
        few = "fewer than 2 units of a magnetisation have both directions of sweep"
        return untestable("hysteresis", few if both_there else "one direction of sweep only")
    V = analysis.curves.bias[place]
    return vanishing(
        "hysteresis",
        f"ln I forward less backward at {V:+.3g} V, and its difference between magnetisations",
        estimates,
        analysis.largest / 2,
    )


def _half(analysis: Analysis) -> int:
    """The usable bias next to half the verdict bias, of its sign."""
    V = analysis.curves.bias
    usable = np.flatnonzero(analysis.usable & (np.sign(V) == np.sign(analysis.bias)))
    return int(usable[np.argmin(np.abs(V[usable] - analysis.bias / 2))])


def _forward_less_backward(analysis: Analysis, units: Units, place: int) -> Real:
    values = analysis.log_current[units.rows, place]
    known = np.isfinite(values)
    parts = []
    for direction in ("forward", "backward"):
        weights = units.weights * ((analysis.curves.direction[units.rows] == direction) & known)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(weights @ np.where(known, values, 0.0) / weights.sum(axis=1))
    return np.asarray(parts[0] - parts[1])


def achiral(analysis: Analysis) -> Finding:
    """The difference of the achiral control."""
    units = analysis.control
    if units is None:
        return untestable("achiral", "no achiral control in the set")
    found = {units.enantiomer: _at(analysis.differences[units.enantiomer], analysis.verdict)}
    return vanishing(
        "achiral", "the same difference without chirality", found, analysis.largest / 2
    )


def filter_limit(analysis: Analysis, lead_polarisation: float) -> Finding:
    """A one-electron filter polarises at most as much as its electrode."""
    sizes = {}
    for e, found in _at_verdict(analysis, analysis.tested).items():
        low, high = (
            float(np.tanh(x / 2)) for x in found.interval(joint_level(len(analysis.tested)))
        )
        sizes[e] = (0.0 if low <= 0 <= high else min(abs(low), abs(high)), max(abs(low), abs(high)))
    if not sizes:
        return untestable("filter_limit", _too_few(analysis))
    worst = max(sizes, key=lambda e: sizes[e])
    low, high = sizes[worst]
    word = FAILED if low > lead_polarisation else OK if high <= lead_polarisation else UNDECIDED
    value = abs(float(np.tanh(analysis.differences[worst].value[analysis.verdict] / 2)))
    return Finding(
        name="filter_limit",
        word=word,
        meaning="|P|: a filter of single electrons has at most the polarisation of its electrode",
        kind="P",
        value=value,
        low=low,
        high=high,
        allowed=lead_polarisation,
        enantiomer=worst,
    )


@dataclass(frozen=True, kw_only=True)
class Subtracted:
    """Whether signal and shape stay when the current at V = 0 is taken from every curve."""

    signal: bool
    shape: bool


def without_offset(analysis: Analysis) -> Subtracted:
    """Signal and shape of the curves less their own current at V = 0."""
    from dataclasses import replace

    from chirospin.measured.shapes import origin_of, shape_of

    curves = replace(
        analysis.curves, current=analysis.curves.current - offset_of(analysis.curves)[:, None]
    )
    origin = origin_of(curves)
    groups = {e: analysis.contacts[e] for e in analysis.tested}
    seen = bool(groups) and searched(analysis, groups, curves.log_current).p <= ALPHA
    if origin is None or not analysis.shaped:
        return Subtracted(signal=seen, shape=False)
    values = shape_of(curves, origin)[:, analysis.verdict]
    shown = claimed(
        "shape", "", {e: analysis.contacts[e].difference(values) for e in analysis.shaped}
    )
    return Subtracted(signal=seen, shape=shown.word == SHOWN)
