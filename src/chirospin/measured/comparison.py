"""Two magnetisations compared: quantities, tests and conclusion of a set of curves, as one Dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

import chirospin.base.accessor  # noqa: F401  registers ds.chirospin
from chirospin.base.conventions import conventions
from chirospin.base.errors import ModelError
from chirospin.base.results import SCHEMA, provenance
from chirospin.base.units import quantity
from chirospin.measured import quantities
from chirospin.measured.analysis import Analysis, analysis_of
from chirospin.measured.conclusion import Conclusion, conclusion_of
from chirospin.measured.curves import LEFT, RIGHT, UNNAMED, Curves, curves_of
from chirospin.measured.description import Description
from chirospin.measured.findings import FAILED, Finding, findings_of
from chirospin.measured.planning import detectable, faked
from chirospin.measured.quantities import MEANS

FAMILY, MODEL, METHOD = "measured", "measured", "contacts"
QUESTION = "does the measured current depend on the magnetisation, and on the handedness?"
REFERENCES = ("welch_1947", "savitzky_golay_1964", "reus_2012", "buttiker_1988")
MAGNETISATIONS = ("up", "down")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found in a set of curves.

    Parameters
    ----------
    polarisations : by enantiomer and kind of mean
    directions : verdict of each direction of sweep, where hysteresis FAILED
    """

    analysis: Analysis
    findings: tuple[Finding, ...]
    conclusion: Conclusion
    polarisations: Mapping[str, Mapping[str, quantities.Polarisation]]
    reference: int | None = None
    directions: Mapping[str, str] | None = None
    bayes: Mapping[str, quantities.Posterior] | None = None
    multiverse: Mapping[str, Any] | None = None
    critical: float = np.nan


def compare(
    ds: xr.Dataset,
    *,
    bias: float | str | None = None,
    reference: float | str | None = None,
    bayes: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    """Compare the magnetisations of a set of measured curves, contacts as units.

    Parameters
    ----------
    ds : curves as :func:`chirospin.measured.reading.read` gives them
    bias : verdict bias, V or with a unit; the largest usable \\|V\\| if None
    reference : bias of ``polarisation[relative]``, V or with a unit
    bayes : also a posterior of D on a grid
    seed : of permutations and of the bootstrap

    Returns
    -------
    The curves, and over (mean, enantiomer, bias) ``polarisation`` with its 95 % interval ``polarisation_low`` and
    ``polarisation_high``; over test ``test_value``, ``test_low``, ``test_high``, ``test_allowed``,
    ``test_word``, ``test_meaning``; ``conclusion`` and ``verdict`` as attributes

    Raises
    ------
    ModelError : curves of one magnetisation only, no usable bias, a bias that is none
    """
    description = Description(**json.loads(str(ds.attrs.get("description", "{}"))))
    curves = curves_of(ds)
    comparison = compared(
        curves,
        description,
        bias=_volts(bias, "--bias"),
        reference=_volts(reference, "--reference"),
        bayes=bayes,
        seed=seed,
        excluded=_excluded(ds),
    )
    return _dataset(ds, comparison, description, seed)


def _volts(value: float | str | None, what: str) -> float | None:
    return quantity(value, "V", f"option {what}") if isinstance(value, str) else value


def _excluded(ds: xr.Dataset) -> Any:
    if "excluded" not in ds or not bool(ds["excluded"].any()):
        return None
    kept = ds["magnetisation"].values != "none"
    return ds["excluded"].values[kept].astype(bool)


def compared(
    curves: Curves,
    description: Description | None = None,
    *,
    bias: float | None = None,
    reference: float | None = None,
    bayes: bool = False,
    seed: int = 0,
    excluded: Any = None,
) -> Comparison:
    """The comparison of arrays of curves; curves that a declared rule excludes are left out of all but one row."""
    whole = curves
    if excluded is not None:
        curves = curves.where(~excluded)
    analysis = analysis_of(curves, bias, seed)
    said = description or Description()
    found = tuple(findings_of(analysis, said.lead_polarisation))
    place = None if reference is None else _reference(analysis, reference)
    hysteresis = next(f for f in found if f.name == "hysteresis")
    return Comparison(
        analysis=analysis,
        findings=found,
        conclusion=conclusion_of(analysis, found, missing_facts(analysis, said)),
        polarisations={
            e: quantities.polarisations(analysis, e, place)
            for e in analysis.contacts
            if analysis.contacts[e].ups and analysis.contacts[e].downs
        },
        reference=place,
        directions=_directions(analysis, seed) if hysteresis.word == FAILED else None,
        bayes={e: quantities.posterior(analysis, e) for e in analysis.tested} if bayes else None,
        multiverse=_multiverse(whole, analysis, excluded),
        critical=next(f for f in found if f.name == "signal").facts.get("critical", np.nan),
    )


def _reference(analysis: Analysis, reference: float) -> int:
    place = int(np.abs(analysis.curves.bias - reference).argmin())
    if abs(analysis.curves.bias[place] - reference) > 1e-6 or not analysis.usable[place]:
        raise ModelError(f"Option --reference must be a usable bias, but is {reference:g} V")
    return place


def missing_facts(analysis: Analysis, description: Description) -> list[str]:
    """What the files do not say, and what cannot be claimed without it."""
    lines = []
    if description.magnetised is None:
        lines.append("which electrode was magnetic (--magnetised tip or sample)")
    if description.bias_at is None:
        lines.append(
            "which electrode carried the voltage (--bias-at tip or sample): the sign of V is that of the file"
        )
    if UNNAMED in analysis.contacts:
        lines.append("which enantiomer it is")
    if not {RIGHT, LEFT} <= set(analysis.contacts):
        lines.append("the other enantiomer: without it no claim of chirality is made")
    if any(str(c).startswith("unnamed") for u in analysis.contacts.values() for c in u.contact):
        lines.append("the number of junctions: curves of one contact are no independent units")
    if not analysis.curves.ordered:
        lines.append("the order of the curves: valid only if the magnetisation was alternated")
    return lines


def _directions(analysis: Analysis, seed: int) -> dict[str, str]:
    """The verdict of each direction of sweep by itself."""
    directions = {}
    for direction in ("forward", "backward"):
        own = analysis.curves.direction == direction
        try:
            part = analysis_of(analysis.curves.where(own), None, seed)
        except ModelError as error:
            directions[direction] = str(error)
            continue
        directions[direction] = conclusion_of(part, findings_of(part), ()).sentence
    return directions


def _multiverse(whole: Curves, analysis: Analysis, excluded: Any) -> dict[str, Any] | None:
    """P at the verdict bias for every mean, with and without exclusions, directions and offsets."""
    if not analysis.tested:
        return None
    worst = max(
        analysis.tested, key=lambda e: abs(float(analysis.differences[e].value[analysis.verdict]))
    )
    sets = {"all": whole} if excluded is None else {"all": whole, "exclusions": analysis.curves}
    for name, curves in list(sets.items()):
        for direction in ("forward", "backward"):
            if direction in set(curves.direction):
                sets[f"{name}, {direction}"] = curves.where(curves.direction == direction)
    values: dict[str, float] = {}
    for name, curves in sets.items():
        if analysis.origin is not None:
            from chirospin.measured.shapes import offset_of

            less = replace(curves, current=curves.current - offset_of(curves)[:, None])
            values |= _means(less, worst, analysis.verdict, f"{name}, offset subtracted")
        values |= _means(curves, worst, analysis.verdict, name)
    return quantities.multiverse(values, worst)


def _means(curves: Curves, enantiomer: str, place: int, name: str) -> dict[str, float]:
    """P by the three means at one bias."""
    from chirospin.measured.contacts import contacts_of

    column = slice(place, place + 1)
    small = replace(curves, bias=curves.bias[column], current=curves.current[:, column])
    units = contacts_of(small, enantiomer)
    if not units.ups or not units.downs:
        return {}
    logarithm = small.log_current
    mean = units.mean(logarithm)[:, 0]
    inside = (units.weights > 0).any(axis=0)
    ups = (units.weights[units.up] > 0).any(axis=0)
    I = small.forward_current[units.rows, 0]  # noqa: E741
    A, B = np.nanmean(I[inside & ups]), np.nanmean(I[inside & ~ups])
    L = logarithm[units.rows, 0]
    gap = np.nanmedian(L[inside & ups]) - np.nanmedian(L[inside & ~ups])
    return {
        f"geometric, {name}": float(np.tanh((mean[units.up].mean() - mean[~units.up].mean()) / 2)),
        f"arithmetic, {name}": float((A - B) / (A + B)) if A + B else np.nan,
        f"median, {name}": float(np.tanh(gap / 2)),
    }


def _dataset(
    ds: xr.Dataset, comparison: Comparison, description: Description, seed: int
) -> xr.Dataset:
    analysis = comparison.analysis
    names = [n for n in (RIGHT, LEFT, UNNAMED, "achiral") if n in analysis.contacts]
    kinds = [k for k in MEANS if k != "relative" or comparison.reference is not None]
    data = ds.assign(
        {
            **_polarisations(comparison, names, kinds),
            **_currents(analysis, names, str(ds["current"].attrs.get("units", "A"))),
            **_chirality(analysis),
            **_tests(comparison.findings),
            **_outcome(comparison.findings),
        }
    ).assign_coords(
        mean=np.array(kinds),
        hand=np.array(names),
        state=np.array(MAGNETISATIONS),
        test=np.array([f.name for f in comparison.findings]),
        check=np.array([f.name for f in comparison.findings]),
        usable=("bias", analysis.usable),
    )
    files = json.loads(str(ds.attrs.get("files", "{}")))
    data.attrs |= {
        "family": FAMILY,
        "model": MODEL,
        "method": METHOD,
        "question": QUESTION,
        "quantity": "polarisation",
        "chirospin_schema": SCHEMA,
        "references": ", ".join(REFERENCES),
        "method_settings": json.dumps(
            {"bias": analysis.bias, "seed": seed}
            | (
                {}
                if comparison.reference is None
                else {"reference": float(analysis.curves.bias[comparison.reference])}
            )
            | ({"bayes": True} if comparison.bayes else {})
        ),
        "provenance": json.dumps(provenance() | {f"sha256 of {n}": s for n, s in files.items()}),
        "conventions": json.dumps(conventions(FAMILY)),
        "facts": json.dumps(
            _plain(
                comparison_facts(comparison) | {"unit": str(ds["current"].attrs.get("units", "A"))}
            )
        ),
        "verdict": comparison.conclusion.verdict,
        "conclusion": comparison.conclusion.sentence,
    }
    return data


def _plain(value: Any) -> Any:
    """Values that JSON knows; what is not finite is null."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _polarisations(
    comparison: Comparison, names: Sequence[str], kinds: Sequence[str]
) -> dict[str, Any]:
    def stacked(part: str) -> Any:
        return np.array(
            [[getattr(comparison.polarisations[e][k], part) for e in names] for k in kinds]
        )

    dims = ("mean", "hand", "bias")
    about = "magnetoresistance polarisation (I_up - I_down)/(I_up + I_down)"
    return {
        "polarisation": (
            dims,
            stacked("value"),
            {"units": "1", "symbol": "P", "long_name": about},
        ),
        "polarisation_low": (dims, stacked("low"), {"units": "1", "long_name": "lower 95 % end"}),
        "polarisation_high": (dims, stacked("high"), {"units": "1", "long_name": "upper 95 % end"}),
    }


def _currents(analysis: Analysis, names: Sequence[str], unit: str) -> dict[str, Any]:
    per_volt = unit.replace("A", "S", 1)
    currents = np.array([quantities.geometric_currents(analysis, e) for e in names])
    sides = ("hand", "state", "bias")
    found: dict[str, Any] = {
        "mean_current": (
            sides,
            currents,
            {"units": unit, "symbol": r"\bar I", "long_name": "geometric mean"},
        ),
        "conductance": (
            ("hand", "state"),
            np.array([quantities.conductances(analysis, e) for e in names]),
            {"units": per_volt, "symbol": "G", "long_name": "linear conductance, geometric mean"},
        ),
        "differential_conductance": (
            sides,
            np.array([quantities.bias_slopes(analysis, e) for e in names]),
            {"units": per_volt, "symbol": "dI/dV", "method": "savitzky-golay"},
        ),
    }
    parts = [quantities.parts_in_bias(analysis, e) for e in names]
    for key in parts[0]:
        own = "1" if key.startswith("polarisation") else unit
        found[key] = (("hand", "bias"), np.array([p[key] for p in parts]), {"units": own})
    scatter = np.array([quantities.scatter_parts(analysis, e) for e in names])
    for n, key in enumerate(("scatter_between", "scatter_within")):
        found[key] = (
            "hand",
            scatter[:, n],
            {"units": "1", "long_name": f"of ln|I|, {key[8:]} contacts"},
        )
    return found


def _chirality(analysis: Analysis) -> dict[str, Any]:
    parts = quantities.chiral_parts(analysis)
    if parts is None:
        return {}
    found: dict[str, Any] = {}
    for name, estimate in zip(("chirality_odd", "chirality_even"), parts, strict=True):
        low, high = estimate.interval()
        found[name] = ("bias", estimate.value, {"units": "1"})
        found[f"{name}_low"], found[f"{name}_high"] = ("bias", low), ("bias", high)
    return found


def _tests(findings: Sequence[Finding]) -> dict[str, Any]:
    numbers = {"value": "value", "low": "low", "high": "high", "allowed": "allowed"}
    texts = {"word": "word", "meaning": "meaning", "kind": "kind", "hand": "enantiomer"}
    return {
        f"test_{name}": ("test", np.array([float(getattr(f, own)) for f in findings]))
        for name, own in numbers.items()
    } | {
        f"test_{name}": ("test", np.array([str(getattr(f, own)) for f in findings]))
        for name, own in texts.items()
    }


def _outcome(findings: Sequence[Finding]) -> dict[str, Any]:
    """What every stored result carries: here the artefact tests are its audit."""
    return {
        "converged": ((), True),
        "residual": ((), 0.0),
        "reason": ((), ""),
        "audit_value": ("check", np.array([float(f.value) for f in findings])),
        "audit_tolerance": ("check", np.array([float(f.allowed) for f in findings])),
        "audit_passed": ("check", np.array([f.word != FAILED for f in findings])),
    }


def comparison_facts(comparison: Comparison) -> dict[str, Any]:
    """All that is printed of a comparison, as plain values."""
    analysis = comparison.analysis
    return {
        "bias": analysis.bias,
        "usable": analysis.curves.bias[analysis.usable].tolist(),
        "unusable": analysis.curves.bias[(analysis.curves.bias != 0) & ~analysis.usable].tolist(),
        "noise_floor": analysis.curves.floor,
        "compliance": analysis.curves.ceiling,
        "ordered": analysis.curves.ordered,
        "critical": comparison.critical,
        "enantiomers": {e: _enantiomer_facts(comparison, e) for e in comparison.polarisations},
        "tests": [_finding_facts(f) for f in comparison.findings],
        "verdict": comparison.conclusion.verdict,
        "conclusion": comparison.conclusion.sentence,
        "stronger": list(comparison.conclusion.stronger),
        "missing": list(comparison.conclusion.missing),
        "directions": dict(comparison.directions or {}),
        "multiverse": dict(comparison.multiverse or {}),
        "bayes": {e: vars(p) for e, p in (comparison.bayes or {}).items()},
    }


def _finding_facts(finding: Finding) -> dict[str, Any]:
    return {
        "test": finding.name,
        "verdict": finding.word,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "allowed": finding.allowed,
        "kind": finding.kind,
        "enantiomer": finding.enantiomer,
        "meaning": finding.meaning,
        "each": dict(finding.each),
        "facts": dict(finding.facts),
    }


def _enantiomer_facts(comparison: Comparison, enantiomer: str) -> dict[str, Any]:
    analysis = comparison.analysis
    units = analysis.contacts[enantiomer]
    level = analysis.blocks[enantiomer]
    mags = analysis.curves.magnetisation[units.rows]
    between, within = quantities.scatter_parts(analysis, enantiomer)
    many = units.ups if units.paired else units.contacts
    scatter = (
        float(units.scatter(analysis.log_current[:, analysis.verdict]))
        if units.testable
        else np.nan
    )
    kinds = {}
    for kind, P in comparison.polarisations[enantiomer].items():
        ends = {n: float(getattr(P, n)[analysis.verdict]) for n in ("value", "low", "high")}
        kinds[kind] = ends | {"why": P.why}
    return {
        "curves": {m: int((mags == m).sum()) for m in MAGNETISATIONS},
        "contacts": {"up": units.ups, "down": units.downs, "left_out": units.left_out},
        "paired": units.paired,
        "level": analysis.level[enantiomer],
        "runs": {"up": level.ups, "down": level.downs},
        "tips": len(set(analysis.curves.tip[units.rows]) - {""}),
        "polarisation": kinds,
        "scatter_between": between,
        "scatter_within": within,
        "scatter_units": scatter,
        "could_show": detectable(scatter, many, paired=units.paired) if units.testable else np.nan,
        "could_fake": faked(scatter, many, paired=units.paired) if units.testable else np.nan,
    }
