"""The validation pages: every claim of every study with its numbers, and the signals that vanish.

Numbers come from reproductions that the code made; one that other code made is made again.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chirospin.base.citations import bibliography, unbraced
from chirospin.base.errors import ClaimError
from chirospin.base.parameters import ParameterInfo
from chirospin.faces.arguments import problem
from chirospin.faces.markdown import cell, quoted, rows
from chirospin.faces.mechanisms import MECHANISMS, mechanisms_page, trial
from chirospin.faces.reproduction import reproduce_study, sources
from chirospin.faces.vanishing import SIGNALS, Run, Signal
from chirospin.studies import registry
from chirospin.studies.registry import WORDS, counted

Facts = Mapping[str, Any]
Shell = Callable[[list[str]], int]
WIDTH = 1100  # pixels of a picture on a page
COLOURS = 256
LISTED = 3  # values of a parameter that are written out


@dataclass(frozen=True, kw_only=True)
class Written:
    """The pages and whether every verdict is the one that its study declares."""

    pages: tuple[Path, ...]
    as_declared: bool


def write_pages(out: Path, results: Path, workers: int, shell: Shell, *, quiet: bool) -> Written:
    """Write a page for each study, the index, the mechanisms and the signals that vanish.

    Parameters
    ----------
    results : where reproductions lie; what is missing or was made by other code is computed
    shell : runs the command line and returns its exit code
    """
    (out / "figures").mkdir(parents=True, exist_ok=True)
    every = [reproduced(study, results, workers, quiet=quiet) for study in registry.studies()]
    pages = {f"{facts['study']}.md": study_page(facts) for facts in every}
    pages["vanishing.md"] = vanishing_page(
        [(s, [answer(r, shell) for r in s.runs]) for s in SIGNALS]
    )
    pages["mechanisms.md"] = mechanisms_page([trial(one, shell) for one in MECHANISMS])
    pages["index.md"] = index_page(every)
    for name, text in pages.items():
        (out / name).write_text(text, encoding="utf-8")
    for facts in every:
        for picture in sorted((results / facts["study"]).glob("*.png")):
            small_picture(picture, out / "figures" / f"{facts['study']}-{picture.name}")
    return Written(
        pages=tuple(out / name for name in pages),
        as_declared=all(c["declared"] for f in every for c in f["claims"]),
    )


def reproduced(study: registry.Study, results: Path, workers: int, *, quiet: bool) -> Facts:
    """The facts of a reproduction, from disk if this code made all of it."""
    stored = results / study.key / "claims.json"
    if stored.exists():
        facts: Facts = json.loads(stored.read_text(encoding="utf-8"))
        whole = [f["name"] for f in facts.get("figures", [])] == [f.name for f in study.figures]
        if whole and facts.get("sources") == sources():
            return facts
    report = reproduce_study(study, (), results, workers, quiet=quiet)
    return json.loads(json.dumps(report.facts))  # type: ignore[no-any-return]


def small_picture(source: Path, target: Path) -> None:
    """A picture of a page's width in few colours; a rare one, of one point, stays what it is."""
    from PIL import Image

    with Image.open(source) as picture:
        share = min(1.0, WIDTH / picture.width)
        size = (round(picture.width * share), round(picture.height * share))
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        by_places = Image.Quantize.FASTOCTREE  # codespell:ignore
        small = small.quantize(COLOURS, by_places, dither=Image.Dither.NONE)  # codespell:ignore
        small.save(target, optimize=True)


def heading(figure: str) -> str:
    """Heading of a figure; its words joined by hyphens are the address on the page."""
    return figure.capitalize() if figure.startswith(("figure", "table")) else f"Figure {figure}"


def figure_links(needs: Sequence[str]) -> str:
    """Links to the figures whose data a claim reads."""
    return ", ".join(f"[{name}](#{heading(name).lower().replace(' ', '-')})" for name in needs)


def study_page(facts: Facts) -> str:
    """One study: verdicts, claims, errata with both curves, figures with their parameters."""
    key, claims = facts["study"], facts["claims"]
    lines = [
        f"# {facts['title']}",
        "",
        f"Study `{key}`: {verdicts(claims)}. {cited(key)}",
        "",
        f"    chirospin reproduce {key} --out results",
        "",
        f"This command made every number and figure of this page in {facts['seconds']:.0f} s with {versions(facts)}. "
        "The page is generated (`make validation`); nothing on it is typed in.",
        "",
        "Every number is judged against what stands beside it under published: the value and how close ours "
        "must come. Deviation is ours against the published number, relative unless that is zero; blank where "
        "there is none. Where only an order of magnitude is published, ours must lie within half a decade. A "
        "verdict NOT REPRODUCED is a finding, with its reason beside the numbers.",
        "",
        *_claims_section([c for c in claims if c["kind"] == "claim"]),
        *_errata_section(facts, [c for c in claims if c["kind"] == "erratum"]),
    ]
    lines += contents_section(registry.study(key))
    lines += ["## Figures and their parameters", ""]
    for figure in facts["figures"]:
        lines += figure_section(
            key, figure, drawn=any(p.endswith(f"/{figure['name']}.png") for p in facts["files"])
        )
    return "\n".join([*lines, *defaults(facts)]) + "\n"


def _claims_section(claims: Sequence[Facts]) -> list[str]:
    """Every claim with what is published and what is found."""
    told = ("where", "text", "published", "ours", "deviation")
    return [
        "## Claims",
        "",
        *rows(
            ["panel", "claim", "published", "computed", "deviation", "verdict", "data"],
            [
                [*(cell(c[name]) for name in told), c["verdict"], figure_links(c["needs"])]
                for c in claims
            ],
        ),
        "",
    ]


def _errata_section(facts: Facts, errata: Sequence[Facts]) -> list[str]:
    """What is printed wrong, with the evidence."""
    if not errata:
        return []
    lines = ["## Errata", ""]
    if "errata" in {f["name"] for f in facts["figures"]}:
        lines += [f"What is printed and what holds, as curves: {figure_links(['errata'])}.", ""]
    for c in errata:
        lines += [
            f"### {c['where']}: {cell(c['text'])}",
            "",
            f"- printed: {cell(c['published'])}",
            f"- evidence: {cell(evidence(c))}",
            *([f"- deviation from print: {cell(c['deviation'])}"] if c["deviation"] else []),
            f"- verdict: {c['verdict']}; source: {c['source']}; `{c['name']}`"
            + (f"; data: {figure_links(c['needs'])}" if c["needs"] else ""),
            "",
        ]
    return lines


def contents_section(study: registry.Study) -> list[str]:
    """What became of each place of a paper that no claim answers for."""
    if not study.contents:
        return []
    return [
        "## Everything else in the paper",
        "",
        f"Each of the {len(study.contents.places)} equations, panels and parts of tables that the paper numbers is "
        "named by a claim or an erratum above or by a row here: what computes it, or why it has no number of its own.",
        "",
        *rows(
            ["place", "what stands there", "answer"],
            [
                [
                    cell(row.where),
                    cell(row.text),
                    f"`chirospin {row.command}`" if row.command else cell(row.reason),
                ]
                for row in study.rows
            ],
        ),
        "",
    ]


def figure_section(key: str, figure: Facts, *, drawn: bool) -> list[str]:
    """A figure with its caption and every parameter that is not at its default."""
    lines = [f"### {heading(figure['name'])}", ""]
    lines += [cell(figure["caption"]) + ".", ""]
    for place, changes in figure["models"].items():
        given = "; ".join(
            f"{name} = "
            + ", ".join(values[:LISTED])
            + (f", ... ({len(values)} values)" if len(values) > LISTED else "")
            for name, values in changes.items()
        )
        lines.append(f"- `{place}`: {cell(given) + '; else' if given else 'at'} the defaults below")
    if figure["setting"]:
        lines.append(f"- {cell(figure['setting'])}")
    lines += [f"- {cell(name)}: {cell('; '.join(words))}" for name, words in figure["axes"].items()]
    lines.append("")
    if drawn:
        lines += [f"![{cell(figure['caption'])}](figures/{key}-{figure['name']}.png)", ""]
    return lines


def defaults(facts: Facts) -> list[str]:
    """The default of every parameter of the models that the figures carry."""
    paths = dict.fromkeys(p.split(" by ")[0] for f in facts["figures"] for p in f["models"])
    lines = ["## Defaults", ""] if paths else []
    for path in paths:
        given = [
            f"{i.name} = {_default(i)}" for i in problem(path).model.parameters() if not i.axis
        ]
        lines += [f"`{path}`: {cell('; '.join(given))}.", ""]
    return lines


def _default(info: ParameterInfo) -> str:
    unit = "" if info.unit == "1" or info.default is None else f" {info.unit}"
    return "not given" if info.default is None else f"{info.default}{unit}"


def evidence(claim: Facts) -> str:
    """Each number of an erratum with what is expected of it."""
    return "; ".join(
        f"{j['quantity']}: {j['computed']} (expected {j['expected']})" for j in claim["judged"]
    )


def verdicts(claims: Sequence[Facts]) -> str:
    """How many claims have each verdict."""
    return counted([c["verdict"] for c in claims])


def versions(facts: Facts) -> str:
    """Versions that made a study."""
    made = facts["provenance"]
    return ", ".join(f"{n} {made[n]}" for n in ("chirospin", "python", "numpy", "scipy", "xarray"))


def cited(key: str) -> str:
    """Authors, title and year of a paper, or that the study is our own."""
    entry = bibliography().get(key)
    if entry is None:
        return "A study of our own."
    fields = unbraced(entry)
    words = [fields[name] for name in ("author", "title", "year") if name in fields]
    return f"Paper: {cell(', '.join(words))} (`chirospin cite {key}`)."


def index_page(every: Sequence[Facts]) -> str:
    """The summary: counts by study, then every claim."""
    papers, own = (
        [f for f in every if f["study"] in registry.keys(of_papers=kind)] for kind in (True, False)
    )
    lines = [
        "# Validation",
        "",
        f"Every statement of {len(papers)} papers that can be checked, and every misprint found in them, computed "
        f"by this code: {total(papers)}. Beside them {len(own)} studies of our own: {total(own)}.",
        "",
        "`make validation` writes these pages anew; `make crosscheck` the comparison with other codes; "
        "`make benchmark` counts, times and the share of failures that say so. "
        "`make test` judges the same claims (`tests/studies`).",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        "",
        *(f["study"] for f in (*papers, *own)),
        "mechanisms",
        "vanishing",
        "crosscheck",
        "benchmarks",
        "measured_rates",
        "fit_recovery",
        "```",
        "",
        "## Studies",
        "",
        *rows(
            ["study", *WORDS, "seconds"],
            [
                [
                    f"[{cell(f['study'])}]({f['study']}.md)",
                    *(str(sum(c["verdict"] == word for c in f["claims"])) for word in WORDS),
                    f"{f['seconds']:.0f}",
                ]
                for f in (*papers, *own)
            ],
        ),
        "",
        "## All claims",
        "",
        *rows(
            ["study", "panel", "claim", "deviation", "verdict"],
            [
                [
                    f"[{cell(f['study'])}]({f['study']}.md)",
                    cell(c["where"]),
                    cell(c["text"]),
                    cell(c["deviation"]),
                    c["verdict"],
                ]
                for f in (*papers, *own)
                for c in f["claims"]
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def total(every: Sequence[Facts]) -> str:
    """How many claims some studies have, and with which verdicts."""
    claims = [c for f in every for c in f["claims"]]
    return f"{len(claims)} claims, {verdicts(claims)}"


def answer(run: Run, shell: Shell) -> str:
    """Run a command and keep the lines that it is shown for.

    Raises
    ------
    ClaimError : another exit code than expected, or a line that is missing
    """
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        code = shell(list(run.arguments))
    command = shlex.join(["chirospin", *run.arguments])
    if code != run.code:
        raise ClaimError(f"`{command}` must end with exit code {run.code}, but ends with {code}")
    told = [
        (line, re.sub(r"^\s*(ok|FAILED)?\s*", "", line)) for line in out.getvalue().splitlines()
    ]
    for start in run.shows:
        if not any(bare.startswith(start) for _, bare in told):
            raise ClaimError(f"`{command}` must show a line that begins with {start!r}")
    kept = [line.rstrip() for line, bare in told if bare.startswith(run.shows)]
    return "\n".join(kept)


def vanishing_page(found: Sequence[tuple[Signal, Sequence[str]]]) -> str:
    """Signals that vanish, with the commands and what they print."""
    lines = [
        "# Signals that vanish",
        "",
        "A null result is a result. Each of these signals looks like spin polarisation and is none, or is one of "
        "the method only; each is caught by a check that runs always or by an audit. The blocks hold what the "
        "commands printed when this page was generated, cut to the lines that matter; the page cannot be "
        "generated if a command ends with another exit code or a line is missing.",
        "",
    ]
    for signal, answers in found:
        lines += [
            f"## {signal.title}",
            "",
            f"Looks like: {cell(signal.looks)}",
            "",
            f"Why it vanishes: {cell(signal.why)}",
            "",
            "Caught by: " + ", ".join(f"`{name}`" for name in signal.caught_by) + ".",
            "",
        ]
        for run, said in zip(signal.runs, answers, strict=True):
            command = " ".join(["chirospin", *map(quoted, run.arguments)])
            lines += [cell(run.says), "", "```console", f"$ {command}", said, "```", ""]
    return "\n".join(lines)
