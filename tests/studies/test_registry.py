"""A study is one file: it is found, judged, shown and cited; what is judged wrongly is loud."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from pybtex.database import Entry

from chirospin.base import citations
from chirospin.base.errors import ClaimError
from chirospin.base.figures import Panel
from chirospin.faces import cli, validation
from chirospin.faces.web.studies import studies_page
from chirospin.studies import expectation, papers, registry
from chirospin.studies.expectation import (
    above,
    below,
    between,
    falls,
    misprint,
    near,
    order,
    printed,
    rises,
)
from chirospin.studies.registry import Claim, claim, erratum

STUDY = '''"""A wire of Ohm.

Volt and ampere.
"""

import numpy as np
import xarray as xr

from chirospin.studies.expectation import misprint, near, order, printed
from chirospin.studies.registry import claim, erratum, figure


@figure("Current against voltage", setting="R = 2 ohm")
def table_1(workers, progress, voltages=(1.0, 2.0, 3.0)):
    V = np.array(voltages)
    return {"wire": xr.Dataset({"current": ("voltage", V / 2)}, {"voltage": V})}


@claim("Table 1", "2 V drive 1.0 A", printed("current (A)", "1.0"))
def one_ampere(table_1):
    return float(table_1["wire"].current.sel(voltage=2.0))


@claim("Sec. I", "an ampere is about 10^19 electrons a second", order("electrons a second", 1e19))
def electrons():
    return 6.24e18


@claim("Sec. I", "3 V drive 1.6 A", printed("current (A)", "1.6"), departs="1.5 A")
def too_much(table_1):
    return float(table_1["wire"].current.sel(voltage=3.0))


@erratum("Eq. (1)", "V = R/I", "V = R I", near("V/RI", 1, 1e-12), misprint("V I/R", 1, by=0.1))
def law(table_1):
    V, current = table_1["wire"].voltage, table_1["wire"].current
    return (V / current / 2).values, (V * current / 2).values[-1]
'''


@pytest.fixture
def ohm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A paper that is one file and its entry in the bibliography."""
    (tmp_path / "ohm_1827.py").write_text(STUDY, encoding="utf-8")
    monkeypatch.setattr(papers, "__path__", [*papers.__path__, str(tmp_path)])
    entry = Entry("book", [("title", "Die galvanische Kette"), ("year", "1827")])
    known = {**citations.bibliography(), "ohm_1827": entry}
    for place in (citations, validation):
        monkeypatch.setattr(place, "bibliography", lambda: known)
    yield registry.study("ohm_1827")
    registry.study.cache_clear()
    sys.modules.pop("chirospin.studies.papers.ohm_1827")


def test_a_paper_is_one_file_and_its_entry(ohm, tmp_path, monkeypatch, capsys) -> None:
    assert "ohm_1827" in registry.keys(of_papers=True)
    assert "ohm_1827" not in registry.keys(of_papers=False)
    assert [str(c) for c in ohm.claims] == ["one-ampere", "electrons", "too-much", "law"]
    assert ohm.title == "A wire of Ohm"
    assert cli.main(["reproduce", "ohm_1827", "--out", str(tmp_path / "results")]) == 0
    out = capsys.readouterr().out
    assert "1 reproduced, 1 order of magnitude, 1 erratum shown, 1 NOT REPRODUCED" in out
    facts = json.loads((tmp_path / "results" / "ohm_1827" / "claims.json").read_text())
    assert "Die galvanische Kette, 1827" in validation.study_page(facts)
    index = validation.index_page([facts])
    assert "misprint found in them, computed by this code: 4 claims, 1 reproduced" in index
    assert "A wire of Ohm" in str(studies_page())


def test_another_verdict_than_the_declared_one_is_exit_1(
    ohm, tmp_path, monkeypatch, capsys
) -> None:
    hot = STUDY.replace("V / 2", "V / 3")
    (tmp_path / "ohm_1900.py").write_text(hot, encoding="utf-8")
    assert cli.main(["reproduce", "ohm_1900", "--out", str(tmp_path / "results")]) == 1
    assert "FAILED: the study declares another verdict" in capsys.readouterr().out
    sys.modules.pop("chirospin.studies.papers.ohm_1900")


@pytest.mark.parametrize(
    ("one", "good", "bad"),
    [
        (printed("x", "-0.24"), [-0.2449, -0.2351], [-0.2461]),
        (printed("x", "24"), [23.6], [24.6]),
        (printed("x", "0"), [0.4], [0.6]),
        (near("x", 1, 0), [1], [1 + 1e-9]),
        (order("x", 0.1), [0.134, 0.04], [0.4]),
        (order("x", 0.1), [0.1], [-0.1]),
        (below("x", 1), [0.5, -3], [1]),
        (above("x", 1), [2], [1]),
        (between("x", 0, 1), [0.5], [1]),
        (rises("x"), [1, 2, 3], [1, 3, 3]),
        (falls("x"), [3, 2], [2]),
        (misprint("x", 1, by=0.1), [1.2], [1.05]),
    ],
    ids=lambda x: getattr(x, "words", ""),
)
def test_an_expectation_and_what_breaks_it(one, good, bad) -> None:
    assert one.judge(good).met
    assert not one.judge(bad).met
    assert not one.judge([*good, *bad]).met
    assert not one.judge([*good, np.nan]).met
    assert not one.judge([]).met


def _claim(*numbers, kind=claim, **options) -> Claim:
    return kind("Eq. (1)", "text", near("x", 1, 0.1), near("y", 2, 0.1), **options)(lambda: numbers)


def test_more_or_fewer_numbers_than_expected_are_refused() -> None:
    assert _claim(1, 2).verdict({}).word == registry.REPRODUCED
    for numbers in ((1,), (1, 2, 3)):
        with pytest.raises(ClaimError, match="2 numbers are expected"):
            _claim(*numbers).verdict({})


def test_a_verdict_that_is_not_declared_is_raised() -> None:
    _claim(1, 3, departs="y is 3").verdict({}).verify()
    with pytest.raises(ClaimError, match="holds, but is said not to"):
        _claim(1, 2, departs="y is 3").verdict({}).verify()
    with pytest.raises(ClaimError, match=r"expected x: 1 \+- 0.1; y: 2 \+- 0.1, computed 1; 3"):
        _claim(1, 3).verdict({}).verify()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"1.0"))', '"1.0"), source="self")', "source 'self' has no place here"),
        (', printed("current (A)", "1.0"))', ")", "nothing is expected"),
        ("def one_ampere(table_1)", "def one_ampere(table_2)", "no figure 'table-2'"),
    ],
)
def test_a_claim_without_ground_is_refused(
    ohm, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in STUDY
    (tmp_path / "ohm_1828.py").write_text(STUDY.replace(old, new), encoding="utf-8")
    with pytest.raises(ClaimError, match=words):
        registry.study("ohm_1828")
    sys.modules.pop("chirospin.studies.papers.ohm_1828")


def test_a_deviation_is_relative_unless_the_published_number_is_zero() -> None:
    def deviation(published: float, ours: float) -> str:
        return near("x", published, 1).judge(ours).deviation

    assert deviation(-0.24, -0.2411) == "-0.46%"
    assert deviation(0.0, 1.5e-13) == "1.5e-13"
    assert deviation(2.0, 2.0000001) == "+5.0e-08"
    assert below("x", 1).judge(0).deviation == ""


def test_the_deviation_of_an_erratum_is_from_the_misprint() -> None:
    check = erratum("", "1", "2", near("x", 2, 0.1), misprint("y", 1, by=0.1))(lambda: (2, 2))
    assert check.verdict({}).deviation == "+100.00%"


def test_studies_of_our_own_claim_nothing_of_a_paper() -> None:
    for study in registry.studies():
        forbidden = "self" if study.of_a_paper else "paper-text"
        assert all(one.source != forbidden for one in study.claims)


def test_every_plot_is_of_panels() -> None:
    for study in registry.studies():
        for figure in study.figures:
            panels = figure.plot.panels if figure.plot else ()
            assert isinstance(panels, tuple)
            assert all(isinstance(panel, Panel) for panel in panels)


def test_series_of_numbers_are_words() -> None:
    assert expectation.near("x", 0, 1).judge(np.zeros(9)).words == "0 (9 values)"
    assert expectation.near("x", 0, 1).judge(np.arange(9)).words == "0 to 8 (9 values)"
