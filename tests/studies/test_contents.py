"""Every equation, figure and table of a paper is answered for, and no row names what is not there."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin.faces import validation
from chirospin.faces.cli import main
from chirospin.studies import registry
from chirospin.studies.contents import Contents, by_command, numbered_places, without_number

FULL = [s for s in registry.studies(of_papers=True) if s.contents]
COMMANDS = sorted({row.command for study in FULL for row in study.rows if row.command})


def test_the_papers_whose_text_is_at_hand_are_complete() -> None:
    assert {study.key for study in FULL} == {
        "fransson_closed_shell",
        "fransson_spinterface",
        "khaetskii_2006",
        "nozaki_fujita_2026",
        "yoshimi_2026",
    }


@pytest.mark.parametrize("study", FULL, ids=lambda s: s.key)
def test_nothing_falls_out(study: registry.Study) -> None:
    assert registry.lacking_rows(study) == ()
    assert registry.misplaced_rows(study) == ()


@pytest.mark.parametrize("study", FULL, ids=lambda s: s.key)
def test_a_lost_row_and_a_wrong_place_are_seen(study: registry.Study) -> None:
    row = next(row for row in study.rows if numbered_places(row.where))
    assert registry.lacking_rows(replace(study, rows=())) != ()
    moved = replace(row, where="Eq. (999)")
    assert registry.misplaced_rows(replace(study, rows=(*study.rows, moved))) == ("Eq. 999",)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("Eqs. (7), (8)", ("Eq. 7", "Eq. 8")),
        ("Eqs. (8)-(10)", ("Eq. 8", "Eq. 9", "Eq. 10")),
        ("Eqs. (5a)-(5c), (6)", ("Eq. 5a", "Eq. 5b", "Eq. 5c", "Eq. 6")),
        ("Figs. 3(d), 4(a)", ("Fig. 3d", "Fig. 4a")),
        ("Fig. 4b, d", ("Fig. 4b", "Fig. 4d")),
        ("Fig. 3(c), Eq. (17)", ("Fig. 3c", "Eq. 17")),
        ("Table 2 (a)", ("Table 2a",)),
        ("Eq. (11), Appendix A.2", ("Eq. 11",)),
        ("below Eq. (10)", ()),
        ("inset of Fig. 4", ()),
        ("Sec. III", ()),
    ],
)
def test_places_are_read_from_a_phrase(where: str, named: tuple[str, ...]) -> None:
    assert numbered_places(where) == named


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_a_written_list_is_read_back(numbers: list[int]) -> None:
    phrase = "Eqs. " + ", ".join(f"({n})" for n in numbers)
    assert numbered_places(phrase) == tuple(f"Eq. {n}" for n in numbers)
    held = Contents(equations=tuple(map(str, numbers)))
    assert set(held.places) == set(numbered_places(phrase))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_a_row_answers(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    typed, _, code = command.partition("  # exit code ")
    assert main(shlex.split(typed)) == int(code or 0), command
    assert capsys.readouterr().out


def test_a_page_shows_both_kinds_of_rows() -> None:
    study = replace(
        FULL[0],
        rows=(
            by_command("Eq. (1)", "a current", "solve junction"),
            without_number("Fig. 1a", "a drawing", "no numbers"),
        ),
    )
    text = "\n".join(validation.contents_section(study))
    assert "| Eq. (1) | a current | `chirospin solve junction` |" in text
    assert "| Fig. 1a | a drawing | no numbers |" in text
    assert validation.contents_section(replace(study, contents=None)) == []
