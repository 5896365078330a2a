"""What a notebook shows: results, audits, models, progress; nothing of a result in a terminal changes."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from chirospin import junction
from chirospin.base.bar import bar
from chirospin.measured.example import example


@pytest.fixture(scope="module")
def swept() -> Any:
    return junction.solve(
        method=["gksl", "landauer"],
        over={"energy_b": [0.0, 0.8]},
        observables=["spin_polarisation"],
    )


def test_a_result_shows_verdict_figure_and_checks(swept: Any) -> None:
    text = swept.chirospin._repr_html_()
    assert "Audit FAILED: 1 of" in text
    assert "interaction_left_out (landauer)" in text
    assert text.count("data:image/svg+xml") == 1
    good = junction.solve().chirospin._repr_html_()
    assert "Audit passed" in good
    assert "<td>-0.241068</td>" in good  # with its symbol and unit
    assert "data:image" not in good
    assert "FAILED" not in good


def test_an_audit_is_a_dataset_and_a_table(swept: Any) -> None:
    audit = swept.chirospin.audit
    np.testing.assert_array_equal(audit.audit_passed, swept.audit_passed)
    rows = audit._repr_html_().split("<tr>")
    (failed,) = [row for row in rows if "FAILED" in row]
    assert "FAILED at 2 of 2</td><td>landauer</td><td>interaction_left_out" in failed
    assert not any("noise_sign" in row for row in rows)  # no noise was asked for


def test_a_model_shows_its_drawing_and_parameters_with_units() -> None:
    text = junction.Junction(spin_orbit=0.05)._repr_html_()
    assert "data:image/svg+xml" in text
    assert "<td><strong>0.05</strong></td><td>eV</td>" in text
    assert "<strong>0.8" not in text  # a default is not bold


def test_text_of_a_model_is_escaped() -> None:
    class Named(junction.Junction):
        """A model whose own words are no HTML."""

    Named.__name__ = "<b>"
    assert "<strong>&lt;b&gt;</strong>" in Named()._repr_html_()


def test_measured_curves_show_what_they_are() -> None:
    assert "xarray" in example().chirospin._repr_html_()


class Shown(list):  # type: ignore[type-arg]
    """A notebook's display that keeps what it is given."""

    def __call__(self, thing: Any, display_id: bool = False) -> Any:
        self.append(thing)
        return types.SimpleNamespace(update=self.append)


def test_a_bar_moves_in_a_notebook_and_goes_when_the_work_ends(monkeypatch: Any) -> None:
    shown, shell = Shown(), types.SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=shown))
    junction.solve(over={"energy_b": [0.5, 1.0]}, observables=["current"], progress=True)
    texts = [one._repr_html_() for one in shown]
    assert "<progress></progress> 0/0" in texts[0]
    assert 'value="2" max="2"' in texts[-2]
    assert texts[-1] == ""
    assert repr(shown[-1]) == "solving junction: done"


def test_nothing_is_shown_where_nobody_looks(capsys: Any) -> None:
    with bar("work") as told:
        told(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_figure_is_shown_without_pyplot(swept: Any) -> None:
    picture, size = swept.chirospin.plot()._repr_png_()
    assert picture.startswith(b"\x89PNG")
    assert size["width"] == 326  # a column of 3.4 inches on a page
