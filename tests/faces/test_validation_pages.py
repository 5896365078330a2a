"""The committed validation pages know every claim, figure, signal and comparison; nothing is computed here."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.counts import COUNTS
from benchmarks.fails_safely import CASES

from chirospin.base.errors import ClaimError
from chirospin.faces.cli import main
from chirospin.faces.markdown import cell, quoted
from chirospin.faces.mechanisms import MECHANISMS, trial
from chirospin.faces.validation import answer, heading, small_picture
from chirospin.faces.vanishing import SIGNALS, Run
from chirospin.studies.registry import (
    NOT_REPRODUCED,
    ORDER,
    REPRODUCED,
    SHOWN,
    Claim,
    Figure,
    Study,
    studies,
)
from tests.oracles.crosscheck import ROWS

PAGES = Path(__file__).parents[2] / "docs" / "validation"
MADE_ELSEWHERE = ("benchmarks", "crosscheck", "measured_rates", "fit_recovery")
STALE = "run `make validation` and commit the pages"


def declared(claim: Claim) -> str:
    """The verdict that a study declares."""
    if claim.departs:
        return NOT_REPRODUCED
    if claim.kind == "erratum":
        return SHOWN
    return ORDER if any(e.order for e in claim.expected) else REPRODUCED


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("study", "one"),
    [(s, c) for s in studies() for c in s.claims],
    ids=[f"{s.key}:{c}" for s in studies() for c in s.claims],
)
def test_every_claim_is_on_its_page_with_its_verdict(study: Study, one: Claim) -> None:
    text, where = cell(one.text), cell(one.where)
    lines = page(study.key).splitlines()
    if one.kind == "claim":
        rows = [x for x in lines if x.startswith(f"| {where} | {text} |")]
        assert any(f"| {declared(one)} |" in row for row in rows), STALE
    else:
        at = lines.index(f"### {where}: {text}")
        assert any(f"verdict: {SHOWN}" in x for x in lines[at : at + 8]), STALE
    summary = [x for x in page("index").splitlines() if f"| {where} | {text} |" in x]
    assert any(row.endswith(f"| {declared(one)} |") for row in summary), STALE


@pytest.mark.parametrize(
    ("study", "figure"),
    [(s, f) for s in studies() for f in s.figures],
    ids=[f"{s.key}:{f.name}" for s in studies() for f in s.figures],
)
def test_every_figure_is_drawn_with_its_parameters(study: Study, figure: Figure) -> None:
    text = page(study.key)
    section = text.split(f"### {heading(figure.name)}\n")[1].split("\n#")[0]
    assert cell(figure.caption) in section, STALE
    assert "\n- " in section, "the figure needs parameters: from its Datasets or its `setting`"
    picture = f"figures/{study.key}-{figure.name}.png"
    assert (picture in section) == (figure.plot is not None)
    assert (PAGES / picture).exists() == (figure.plot is not None)


def test_no_page_speaks_of_what_is_gone() -> None:
    known = {s.key: len(s.claims) for s in studies()}
    counts = re.findall(r"(\d+) claims", page("index"))
    assert sum(map(int, counts)) == sum(known.values()), STALE
    assert {p.stem for p in PAGES.glob("*.md")} == {
        *known,
        "index",
        "mechanisms",
        "vanishing",
        *MADE_ELSEWHERE,
    }


def test_every_mechanism_is_shown_with_its_command() -> None:
    text = page("mechanisms")
    for one in MECHANISMS:
        assert f"| {cell(one.name)} |" in text, STALE
        assert "$ " + " ".join(["chirospin", *map(quoted, one.typed)]) in text, STALE


def test_a_mechanism_that_is_not_as_expected_stops_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chain = next(one for one in MECHANISMS if one.name.startswith("chain"))
    assert trial(chain, main).words == "0"
    with pytest.raises(ClaimError, match="must be finite"):
        trial(replace(chain, expected="finite"), main)
    odd = next(one for one in MECHANISMS if one.code)
    with pytest.raises(ClaimError, match="exit code 0"):
        trial(replace(odd, code=0), main)
    capsys.readouterr()


def test_every_signal_is_shown_with_its_commands() -> None:
    text = page("vanishing")
    for signal in SIGNALS:
        assert f"## {signal.title}\n" in text, STALE
        for run in signal.runs:
            assert "$ " + " ".join(["chirospin", *map(quoted, run.arguments)]) in text, STALE


def test_a_command_that_says_something_else_stops_the_page() -> None:
    quiet = Run(says="", arguments=("about",), shows=("nothing like this",))
    with pytest.raises(ClaimError, match="nothing like this"):
        answer(quiet, lambda _: 0)
    with pytest.raises(ClaimError, match="exit code 0"):
        answer(quiet, lambda _: 1)


def test_every_comparison_is_in_the_table_and_agrees() -> None:
    rows = [x for x in page("crosscheck").splitlines() if x.endswith("agree |")]
    assert len(rows) == len(ROWS), "run `make crosscheck` and commit the page"
    for row, line in zip(ROWS, rows, strict=True):
        assert row.quantity in line


def test_the_benchmarks_know_every_count_and_every_failure() -> None:
    text = page("benchmarks")
    assert f"{len(CASES)} of {len(CASES)} questions" in text, "run `make benchmark` and commit"
    for count in COUNTS:
        assert f"| {count.family} | {count.case} |" in text


def test_a_small_picture_keeps_the_colour_of_a_few_points(tmp_path: Path) -> None:
    """The control: colours by frequency lose them among shades of grey."""
    Image = pytest.importorskip("PIL.Image")
    rare = (0, 114, 178)
    picture = Image.radial_gradient("L").resize((900, 500)).convert("RGB")
    picture.paste(rare, (100, 100, 108, 108))
    picture.paste((0, 158, 115), (200, 100, 300, 200))
    picture.save(tmp_path / "large.png")
    small_picture(tmp_path / "large.png", tmp_path / "small.png")

    def distance(image: Any) -> int:
        near = image.convert("RGB").getpixel((104, 104))
        return max(abs(a - b) for a, b in zip(near, rare, strict=True))

    assert distance(Image.open(tmp_path / "small.png")) < 12
    assert distance(picture.quantize(32, dither=Image.Dither.NONE)) > 12  # codespell:ignore
