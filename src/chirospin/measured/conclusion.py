"""One conclusion from the findings of a set, in plain words, with what would make it stronger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chirospin.measured.analysis import Analysis
from chirospin.measured.curves import LEFT, RIGHT, UNNAMED
from chirospin.measured.findings import (
    FAILED,
    NOT_TESTABLE,
    SHOWN,
    Finding,
    without_offset,
)
from chirospin.measured.planning import detectable, runs_needed

Verdict = Literal[
    "not testable",
    "no signal",
    "confounded",
    "not chiral",
    "control fails",
    "bias-independent factor",
    "offset",
    "chiral signal",
    "signal, mirror fails",
    "signal, chirality not shown",
    "signal, chirality not tested",
]
CLAIMS = ("signal", "shape", "chirality")
FEW_CONTROLS = 30
"""Achiral contacts that a control should have."""


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The verdict on a set.

    Parameters
    ----------
    sentence : what it means, with the artefact tests that failed
    stronger : what would make it stronger
    missing : what the files do not say
    """

    verdict: Verdict
    sentence: str
    stronger: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def bound(analysis: Analysis) -> float:
    """Largest \\|P\\| that the geometric means allow at 95 %, of the enantiomer with the wider interval."""
    sizes = []
    for e in analysis.tested:
        low, high = analysis.differences[e].interval()
        sizes.append(max(abs(low[analysis.verdict]), abs(high[analysis.verdict])))
    return float(np.tanh(max(sizes, default=np.nan) / 2))


def _detectable(analysis: Analysis) -> tuple[float, float]:
    """Contacts, and the \\|P\\| that they could have shown, of the enantiomer with fewest."""
    worst = min(analysis.tested, key=lambda e: analysis.contacts[e].contacts)
    units = analysis.contacts[worst]
    many = units.ups if units.paired else units.contacts
    scatter = float(units.scatter(analysis.log_current[:, analysis.verdict]))
    return many, detectable(scatter, many, paired=units.paired)


def verdict_of(analysis: Analysis, findings: Sequence[Finding]) -> Verdict:
    """The first conclusion that applies."""
    words = {f.name: f.word for f in findings}
    mirror_fails = words["mirror"] == FAILED
    claims = [words[name] == SHOWN for name in CLAIMS]
    if all(words[name] == NOT_TESTABLE for name in CLAIMS):
        return "not testable"
    if not any(claims) and not mirror_fails:
        return "no signal"
    if _confounded(analysis):
        return "confounded"
    if mirror_fails and words["chirality"] != SHOWN:
        return "not chiral"
    if words["achiral"] == FAILED:
        return "control fails"
    if words["reciprocity"] == FAILED and _factor_explains(analysis, findings):
        return "bias-independent factor"
    if words["offset"] == FAILED and _offset_explains(analysis, findings):
        return "offset"
    if words["chirality"] == SHOWN:
        return "signal, mirror fails" if mirror_fails else "chiral signal"
    tested = words["chirality"] != NOT_TESTABLE
    return "signal, chirality not shown" if tested else "signal, chirality not tested"


def _confounded(analysis: Analysis) -> bool:
    """Whether one magnetisation was set only once for every enantiomer that is tested."""
    plain = [
        e
        for e in analysis.tested
        if not analysis.contacts[e].paired and analysis.level[e] != "contact"
    ]
    alone = [e for e in plain if min(analysis.blocks[e].ups, analysis.blocks[e].downs) == 1]
    return bool(alone) and len(alone) == len(analysis.tested)


def _factor_explains(analysis: Analysis, findings: Sequence[Finding]) -> bool:
    shape = next(f for f in findings if f.name == "shape")
    if shape.word != SHOWN:
        return True
    difference = abs(float(analysis.differences[shape.enantiomer].value[analysis.verdict]))
    return max(abs(shape.low), abs(shape.high)) < difference / 2


def _offset_explains(analysis: Analysis, findings: Sequence[Finding]) -> bool:
    offset = next(f for f in findings if f.name == "offset")
    size = abs(np.tanh(float(analysis.differences[offset.enantiomer].value[analysis.verdict]) / 2))
    if abs(offset.value) > size / 2:
        return True
    left = without_offset(analysis)
    return not (left.signal or left.shape)


_SENTENCES: dict[Verdict, str] = {
    "confounded": "confounded. One magnetisation was set only once: whatever else changed then looks the same.",
    "not chiral": "not chiral. R and S change alike with the magnetisation; nothing of it follows the handedness.",
    "control fails": "control fails. The achiral contacts show the same kind of difference.",
    "bias-independent factor": "bias-independent factor. The currents differ by a factor that is there at zero bias "
    "too: contacts, tips or area, no filter of spins.",
    "offset": "offset. The current at zero bias differs between the magnetisations, and it explains what is seen.",
    "signal, mirror fails": "signal, mirror fails. A part follows the handedness, another part is common to R and S.",
    "signal, chirality not shown": "signal, chirality not shown. The magnetisations differ; that R and S are opposite is "
    "not shown.",
}


def conclusion_of(
    analysis: Analysis, findings: Sequence[Finding], missing: Sequence[str]
) -> Conclusion:
    """The verdict with its words.

    Parameters
    ----------
    missing : what the files do not say
    """
    verdict = verdict_of(analysis, findings)
    failed = [f.name for f in findings if f.word == FAILED]
    but = f" but: {', '.join(f'{name} FAILED' for name in failed)}." if failed else ""
    words = {f.name: f.word for f in findings}
    grows = ", and the difference grows with bias inside single curves"
    shaped = words["shape"] == SHOWN
    if verdict == "chiral signal":
        sentence = f"chiral signal. R and S are opposite{grows if shaped else ''}."
    elif verdict == "not testable":
        sentence = f"not testable. {next(f for f in findings if f.name == 'signal').meaning}."
    elif verdict == "no signal":
        many, least = _detectable(analysis)
        sentence = f"no signal. |P| < {bound(analysis):.2f} at 95 %; {many:.0f} contacts could have shown {least:.2f}."
    elif verdict == "signal, chirality not tested":
        inside = "; it grows with bias inside single curves" if shaped else ""
        sentence = f"signal, chirality not tested. The current depends on the magnetisation{inside}; {_untested(analysis)}."
    else:
        sentence = _SENTENCES[verdict]
    lost = words["shape"] == words["reciprocity"] == NOT_TESTABLE
    if lost and verdict in ("chiral signal", *_SENTENCES, "signal, chirality not tested"):
        sentence += " Whether it is a mere factor of contacts or tips cannot be told: shape and reciprocity are not testable."
    if verdict == "confounded" and shaped:
        sentence += (
            " The shape of single curves differs nevertheless: two tips, or more runs, would tell."
        )
    return Conclusion(
        verdict=verdict,
        sentence=sentence + but,
        stronger=tuple(_stronger(analysis, findings)),
        missing=tuple(missing),
    )


def _untested(analysis: Analysis) -> str:
    if UNNAMED in analysis.tested:
        return (
            "without the name of the enantiomer and its mirror image no claim of chirality is made"
        )
    return "without the other enantiomer no claim of chirality is made"


def _stronger(analysis: Analysis, findings: Sequence[Finding]) -> list[str]:
    words = {f.name: f for f in findings}
    lines = []
    blocks = next((f for f in findings if "as units" in f.name), None)
    if blocks is not None and blocks.word != SHOWN and _order_known(analysis):
        runs = sum(
            analysis.blocks[e].ups for e in analysis.tested if not analysis.contacts[e].paired
        )
        runs = max(runs // max(len(analysis.tested), 1), 1)
        more = max(2 * runs, runs_needed()[0])
        lines.append(
            f"{2 * more} runs of one magnetisation instead of {2 * runs} (alternate the field more often)"
        )
    if words["drift"].word == NOT_TESTABLE and not _order_known(analysis):
        lines.append("the order of the curves, which drift and blocks need")
    if not {RIGHT, LEFT} <= set(analysis.contacts):
        lines.append("the other enantiomer, measured with the same tips in turn")
    if analysis.control is None:
        lines.append(f"an achiral control with {FEW_CONTROLS} contacts")
    if words["dominance"].word == FAILED:
        lines.append("more contacts: few curves stand behind the arithmetic means")
    if words["shape"].word == NOT_TESTABLE and analysis.tested:
        lines.append("a lower noise floor or more current near zero bias, which the shape needs")
    return lines


def _order_known(analysis: Analysis) -> bool:
    return analysis.curves.ordered
