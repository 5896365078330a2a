"""What `chirospin measured` and `chirospin plan` print; measured results in report, audit and cite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.audit import Certificate
from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.faces.text import table
from chirospin.measured import compare
from chirospin.measured.comparison import FAMILY, METHOD
from chirospin.measured.description import MEANINGS
from chirospin.measured.figure import figure_of, finding_words
from chirospin.measured.planning import Plan, faked

MEANINGS_OF_MEANS = {
    "geometric": "of geometric means, contacts as units",
    "arithmetic": "of arithmetic means over curves, bootstrap of contacts",
    "median": "of medians over curves",
    "shape": "beyond the linear conductance, inside each curve: free of area, tip, drift",
    "relative": "of ln|I(V)/I(V_ref)|",
}
LISTED = 8  # biases or names that are listed
WIDTH = 110  # characters of a line of words
SAME = 1e-9  # relative difference of numbers computed again from the same curves


def is_measured(ds: xr.Dataset) -> bool:
    """Whether a stored result is a comparison of measured curves."""
    return ds.attrs.get("family") == FAMILY


def settings_from(
    *,
    words: Sequence[str] = (),
    labels: Sequence[str] = (),
    keep: Sequence[str] = (),
    plain: Mapping[str, Any],
) -> dict[str, Any]:
    """Fields of a description from the options of the command line; ``plain`` are those with a value of their own."""
    settings: dict[str, Any] = {k: v for k, v in plain.items() if v not in (None, False)}
    meanings: dict[str, dict[str, tuple[str, ...]]] = {}
    for text in words:
        meaning, several = _pair(text, "--word")
        role = next((r for r, known in MEANINGS.items() if meaning in known), None)
        if role is None:
            known = ", ".join(m for one in MEANINGS.values() for m in one)
            raise ModelError(
                f"Option --word must be MEANING=WORD,... with a meaning of {known}, but is {text!r}"
            )
        own = meanings.setdefault(role, {})
        own[meaning] = (
            *own.get(meaning, ()),
            *(w.strip() for w in several.split(",") if w.strip()),
        )
    if meanings:
        settings["words"] = meanings
    if labels:
        settings["labels"] = dict(_pair(text, "--label") for text in labels)
    if keep:
        settings["keep"] = dict(_pair(text, "--keep") for text in keep)
    return settings


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ModelError(f"Option {flag} must be NAME=VALUE, but is {shown(text)!r}")
    return name.strip(), value.strip()


def reading_text(ds: xr.Dataset, *, full: bool) -> str:
    """What was understood of the files; with their first rows if ``full``."""
    told = json.loads(str(ds.attrs["reading"]))
    lines = []
    for file in told["files"] if full else told["files"][:3]:
        units = "; ".join(file["units"])
        lines.append(f"reading {file['file']} as {file['layout']}: {units}")
        if full:
            lines += ["    " + " | ".join(cell[:22] for cell in row) for row in file["rows"]]
    hidden = len(told["files"]) - len(lines)
    if not full and hidden > 0:
        lines.append(f"  and {hidden} more files")
    lines += [f"  {line}" for line in _counts(ds)]
    lines += [f"  note: {note}" for note in told["notes"]]
    dropped = told["dropped"]
    if not dropped:
        lines.append("  dropped: nothing")
    for name, reason in dropped if full else dropped[:LISTED]:
        lines.append(f"  dropped: {name}: {reason}")
    if not full and len(dropped) > LISTED:
        lines.append(f"  dropped: {len(dropped) - LISTED} more")
    for rule, hit in told["excluded"].items():
        lines.append(f"  excluded by {rule!r}: {hit['up']} up, {hit['down']} down")
    if full:
        lines += [f"  as told: {words}" for words in _told(json.loads(ds.attrs["description"]))]
    return "\n".join(lines)


def _told(settings: dict[str, Any], within: str = "") -> Iterator[str]:
    """Settings that the user gave, a line each."""
    for name, value in settings.items():
        words = f"{within} {name}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _told(value, words)
        else:
            entries = value if isinstance(value, list) else [value]
            yield f"{words} = {', '.join(map(str, entries))}"


def _counts(ds: xr.Dataset) -> Iterator[str]:
    names, mags = ds["enantiomer"].values, ds["magnetisation"].values
    for e in sorted(set(names.tolist())):
        own = names == e
        counts = ", ".join(
            f"{int((own & (mags == m)).sum())} {m}" for m in sorted(set(mags[own].tolist()))
        )
        contacts = len({*zip(ds["tip"].values[own], ds["contact"].values[own], strict=True)})
        directions = sorted(set(ds["direction"].values[own].tolist()) - {""})
        sweeps = f", {' and '.join(directions)}" if directions else ""
        yield f"{e:<8} {contacts} contacts, {int(own.sum())} curves ({counts}){sweeps}"


def reading_facts(ds: xr.Dataset) -> dict[str, Any]:
    """What was understood of the files, as plain values."""
    found: dict[str, Any] = json.loads(str(ds.attrs["reading"]))
    return found | {
        "description": json.loads(str(ds.attrs["description"])),
        "files_sha256": json.loads(str(ds.attrs["files"])),
        "counts": list(_counts(ds)),
        "noise_floor": ds.attrs["noise_floor"],
        "compliance": ds.attrs["compliance"],
        "bias": ds["bias"].values.tolist(),
    }


def facts_of_result(ds: xr.Dataset) -> dict[str, Any]:
    """All that is printed, as plain values."""
    facts: dict[str, Any] = json.loads(str(ds.attrs["facts"]))
    return facts | {
        "reading": json.loads(str(ds.attrs["reading"])),
        "description": json.loads(str(ds.attrs["description"])),
        "files": json.loads(str(ds.attrs["files"])),
        "provenance": json.loads(str(ds.attrs["provenance"])),
    }


def whole_text(ds: xr.Dataset) -> str:
    """What was read and what it says."""
    return f"{reading_text(ds, full=False)}\n{compared_text(ds)}"


def compared_text(ds: xr.Dataset) -> str:
    """The comparison for a terminal: polarisations, tests, conclusion."""
    facts = json.loads(str(ds.attrs["facts"]))
    lines = [*_design_lines(facts), "", _polarisation_title(facts)]
    lines += [table(_polarisation_rows(facts), ["", "mean", "P", "95 %", "what it is"])]
    lines += [f"  {line}" for line in _named_lines(facts)]
    lines += ["", "tests", table(_test_rows(facts), ["", "test", "value", "allowed", "meaning"])]
    lines += [f"  {words}" for words in _extra_words(facts)]
    lines += ["", f"conclusion: {facts['conclusion']}"]
    lines += [f"  {d} sweeps alone: {words}" for d, words in facts["directions"].items()]
    if facts["stronger"]:
        lines.append(f"  What would make it stronger: {'; '.join(facts['stronger'])}.")
    if facts["missing"]:
        lines.append(f"  Not in the files: {'; '.join(facts['missing'])}.")
    return "\n".join(lines)


def _design_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    for e, design in facts["enantiomers"].items():
        contacts, runs = design["contacts"], design["runs"]
        words = f"{contacts['up']} up and {contacts['down']} down contacts"
        if design["paired"]:
            words = f"{contacts['up']} contacts, each with both magnetisations"
            words += (
                f" ({contacts['left_out']} without a partner left out)"
                if contacts["left_out"]
                else ""
            )
        elif design["level"] != "contact":
            words += f", magnetisation set for {runs['up']} + {runs['down']} {design['level']}s"
        else:
            words += ", order not known"
        yield f"  {e:<8} {words}"
    left = facts["unusable"]
    if left:
        several = ", ".join(f"{v:.4g}" for v in left[:LISTED]) + (
            ", .." if len(left) > LISTED else ""
        )
        total = len(left) + len(facts["usable"])
        yield (
            f"  clipped in more than 5 % of a group: {several} V ({len(left)} of {total} biases left out; floor "
            f"{facts['noise_floor']:.2g} {facts['unit']}"
            + (
                f", compliance {facts['compliance']:.2g} {facts['unit']})"
                if facts["compliance"]
                else ")"
            )
        )


def _polarisation_title(facts: Mapping[str, Any]) -> str:
    return f"polarisation at {facts['bias']:+.4g} V (largest usable |V| unless --bias chooses)"


def _polarisation_rows(facts: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for e, one in facts["enantiomers"].items():
        for kind, P in one["polarisation"].items():
            if P["value"] is None:
                if P["why"]:
                    rows.append([e, kind, "", "", f"not testable: {P['why']}"])
                continue
            ends = "" if P["low"] is None else f"{P['low']:+.3f} .. {P['high']:+.3f}"
            about = MEANINGS_OF_MEANS[kind]
            if P["why"]:
                about += f"; no interval: {P['why']}"
            rows.append([e, kind, f"{P['value']:+.3f}", ends, about])
    return rows


def _named_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    first = next(iter(facts["enantiomers"]))
    for e, summary in facts["enantiomers"].items():
        P = summary["polarisation"]["geometric"]["value"]
        if P is not None and e == first and abs(P) < 1:
            ratio = (1 + P) / (1 - P)
            yield (
                f'P = {P:.3f} ({e}): I_up/I_down = {ratio:.2f}, the "spin polarisation" {_percent(P)} % and "MR" '
                f"{_percent(ratio - 1)} % of papers; none of them is the spin polarisation of electrons"
            )
        if summary["scatter_units"] is not None:
            within = summary["scatter_within"]
            inner = "" if within is None else f" and {within:.2f} within"
            many = min(summary["contacts"]["up"], summary["contacts"]["down"])
            yield (
                f"{e}: ln|I| scatters by {summary['scatter_between']:.2f} between contacts{inner}; {many} contacts "
                f"{'' if summary['paired'] else 'of each magnetisation '}could have shown {summary['could_show']:.2f} and "
                f"fake {summary['could_fake']:.2f}"
            )
    several = facts["multiverse"]
    if several:
        low, high = several["smallest"], several["largest"]
        yield (
            f"{several['enantiomer']}: P over {several['ways']} ways to analyse it: {low[1]:+.2f} ({low[0]}) to "
            f"{high[1]:+.2f} ({high[0]}){', one sign' if several['robust'] else ', NOT of one sign'}"
        )
    for e, summary in facts["bayes"].items():
        yield (
            f"{e}: posterior P = {summary['polarisation']:+.3f} [{summary['low']:+.3f}, {summary['high']:+.3f}], P(D > 0) = "
            f"{summary['positive']:.3f}, Bayes factor against no difference {_factor(summary['bayes_factor'])}"
        )


def _percent(share: float) -> str:
    """Whole per cents; zero has no sign."""
    return f"{round(100 * share) + 0}"


def _factor(value: float | None) -> str:
    return "beyond 1e300" if value is None else f"{value:.3g}"


def _test_rows(facts: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for test in facts["tests"]:
        name = test["test"] + (f" {test['enantiomer']}" if test["enantiomer"] in ("R", "S") else "")
        rows.append([test["verdict"], name, finding_words(test), _allowed(test), test["meaning"]])
    return rows


def _allowed(row: Mapping[str, Any]) -> str:
    limit = row["allowed"]
    if limit is None:
        return ""
    if row["kind"] == "p":
        return f"<= {limit:g}" if row["verdict"] in ("shown", "not shown") else f">= {limit:g}"
    if row["kind"] == "count":
        return f">= {limit:g}"
    return f"<= {limit:g}" if row["kind"] == "P" else f"+-{limit:.2f}"


def _broken(row: Mapping[str, Any]) -> str:
    """Why a test failed: beyond its limit, or an interval without the zero that it must hold."""
    if row["kind"] in ("p", "count", "P") or row["low"] is None:
        return f"allowed {_allowed(row)}"
    return f"where [{row['low']:+.2g}, {row['high']:+.2g}] must hold 0"


def _extra_words(facts: Mapping[str, Any]) -> Iterator[str]:
    for test in facts["tests"]:
        if "words" in test["facts"]:
            yield test["facts"]["words"]


def failed_tests(ds: xr.Dataset) -> list[str]:
    """A line for each artefact test that FAILED."""
    facts = json.loads(str(ds.attrs["facts"]))
    return [
        f"{test['test']} FAILED: {finding_words(test)}, {_broken(test)}: {test['meaning']}"
        for test in facts["tests"]
        if test["verdict"] == "FAILED"
    ]


def plan_text(plan: Plan) -> str:
    """A plan in words."""
    P, many = plan.polarisation, plan.contacts
    if plan.paired:
        first = (
            f"{many} contacts, each measured with both magnetisations, show P = {P:g} in {100 * plan.power:.0f} % of sets "
            f"(pairs, 5 %, scatter {plan.scatter:g} of the differences)"
        )
    else:
        first = (
            f"{many} contacts for each magnetisation show P = {P:g} in {100 * plan.power:.0f} % of sets (Welch, 5 %, scatter "
            f"{plan.scatter:g} of ln I between contacts)"
        )
    lines = [
        first + "; curves of one contact count once.",
        f"  So many would fake |P| > {plan.fake:.2f} in 5 % of sets without any effect"
        + f"; 5 contacts would fake {faked(plan.scatter, 5, paired=plan.paired):.2f}.",
    ]
    if not plan.paired:
        lines.append(
            f"  Alternate the field at least {plan.runs} times each way (smallest p {plan.smallest_p:.3f}); "
            f"{plan.runs - 1} cannot reach 0.05."
        )
    return "\n".join(lines)


def measured_report(ds: xr.Dataset) -> list[str]:
    """The parts of a page about a comparison."""
    facts = json.loads(str(ds.attrs["facts"]))
    failed = [test["test"] for test in facts["tests"] if test["verdict"] == "FAILED"]
    state = "failed" if failed else "passed"
    sign = "✗" if failed else "✓"
    from chirospin.base.html import svg_figure

    lists = [
        f"<p>{title}: {escape('; '.join(facts[key]))}.</p>"
        for key, title in (
            ("stronger", "What would make it stronger"),
            ("missing", "Not in the files"),
        )
        if facts[key]
    ]
    return [
        f'<p class="verdict {state}">{sign} {escape(facts["conclusion"])}</p>',
        *lists,
        f"<figure>{svg_figure(figure_of(ds), 'curves, polarisation, contacts in order, tests')}</figure>",
        "<h2>Polarisation</h2>",
        f"<p>At {facts['bias']:+.4g} V.</p>",
        *_html(_polarisation_rows(facts), ["", "mean", "P", "95 %", "what it is"]),
        *(f"<p class='hint'>{escape(line)}</p>" for line in _named_lines(facts)),
        "<h2>Tests</h2>",
        *_html(_test_rows(facts), ["", "test", "value", "allowed", "meaning"]),
        *(f"<p class='hint'>{escape(line)}</p>" for line in _extra_words(facts)),
        "<h2>Reading</h2>",
        f"<pre>{escape(reading_text(ds, full=True))}</pre>",
    ]


def _html(rows: Sequence[Sequence[str]], head: Sequence[str]) -> Iterator[str]:
    from chirospin.base.html import html_table

    yield html_table(head, [[escape(cell) for cell in row] for row in rows])


def measured_certificates(ds: xr.Dataset) -> list[Certificate]:
    """The comparison computed again from the stored curves, and against partners that must agree."""
    settings = json.loads(str(ds.attrs["method_settings"]))
    again = compare(ds, **settings)
    certificates = [
        _certificate(
            "recomputed", _apart(ds, again, 1.0), "numbers of the same curves, computed again"
        ),
        _certificate(
            "verdict",
            float(again.attrs["verdict"] != ds.attrs["verdict"]),
            "the same verdict again",
        ),
    ]
    turned = ds.assign_coords(
        magnetisation=("curve", _swapped(ds["magnetisation"].values, "up", "down"))
    )
    other = compare(turned, **settings)
    certificates.append(
        _certificate(
            "up_and_down",
            _apart(ds, other, -1.0),
            "P is reversed when the words up and down are exchanged",
        )
    )
    louder = ds.assign(current=ds["current"] * 1000.0).assign_attrs(
        noise_floor=1000 * ds.attrs["noise_floor"], compliance=1000 * ds.attrs["compliance"]
    )
    certificates.append(
        _certificate(
            "unit",
            _apart(ds, compare(louder, **settings), 1.0),
            "P is the same in another unit of current",
        )
    )
    return certificates


def _swapped(words: Any, swap: str, other: str) -> Any:
    known = np.array(words.tolist(), dtype=str)
    return np.where(known == swap, other, np.where(known == other, swap, known))


def _apart(ds: xr.Dataset, other: xr.Dataset, sign: float) -> float:
    """Largest difference of the geometric polarisation and of the shape."""
    kinds = ["geometric", "shape"]
    first = ds["polarisation"].sel(mean=kinds).values
    second = sign * other["polarisation"].sel(mean=kinds).values
    if not np.array_equal(np.isnan(first), np.isnan(second)):
        return float("nan")
    return float(np.nanmax(np.abs(first - second), initial=0.0))


def _certificate(name: str, value: float, about: str) -> Certificate:
    return Certificate(
        name=name,
        value=value,
        tolerance=SAME,
        passed=bool(value <= SAME),
        about=about,
        method=METHOD,
    )


def changed_files(ds: xr.Dataset) -> list[str]:
    """Files of a result that are there, but are not those that were read."""
    import hashlib
    from pathlib import Path

    changed = []
    for name, written in json.loads(str(ds.attrs.get("files", "{}"))).items():
        path = Path(name)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != written:
            changed.append(name)
    return changed
