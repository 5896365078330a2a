"""What a referee asks of a figure: nothing hidden, nothing cut without a sign, words as print has them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr

from chirospin.base.figures import Panel, Plot, draw
from chirospin.base.lettering import lettered, with_power

X = np.linspace(0.0, 1.0, 41)


def curves(*values: Any) -> xr.Dataset:
    names = [f"t_{'abcdefghij'[n]}a" for n in range(len(values))]
    return xr.Dataset(
        {"P": (("curve", "bias"), np.array(values))}, {"bias": ("bias", X), "curve": names}
    )


def drawn(ds: xr.Dataset, **panel: Any) -> Any:
    panels = (Panel(source="s", x="bias", y="P", by="curve", **panel),)
    figure = draw(Plot(panels=panels, markers=False), {"s": ds})
    return figure, figure.axes[0]


@pytest.mark.parametrize(("top", "signs"), [(2.0, 0), (0.5, 1)])
def test_a_curve_that_goes_on_beyond_the_axis_has_a_sign_there(top: float, signs: int) -> None:
    _, ax = drawn(curves(np.exp(-(((X - 0.5) / 0.1) ** 2))), limits=(0.0, top))
    triangles = [line for line in ax.get_lines() if line.get_marker() == "^"]
    assert len(triangles) == signs
    assert all(line.get_xdata()[0] == pytest.approx(0.5, abs=1e-9) for line in triangles)


def test_a_legend_covers_no_curve_wherever_curves_run() -> None:
    rows = [np.sin(20 * X + n * np.pi / 2) for n in range(4)]
    figure, ax = drawn(curves(*rows), legend=True)
    figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    for line in ax.get_lines():
        points = line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float))
        assert not any(box.contains(*point) for point in points)
    above = ax.get_ylim()[1] > 1.1  # room was made there; 1.06 without it
    assert above or box.x0 >= ax.get_window_extent().x1


def test_curves_on_each_other_are_all_seen() -> None:
    _, ax = drawn(curves(*[X] * 6), legend=True)
    assert len({str(line._unscaled_dash_pattern) for line in ax.get_lines()}) == 4
    ds = curves(*[X] * 6).rename(curve="level")
    figure = draw(
        Plot(panels=(Panel(source="s", x="bias", y="P", by="level", legend=True),), markers=False),
        {"s": ds},
    )
    assert len({str(line._unscaled_dash_pattern) for line in figure.axes[0].get_lines()}) == 6


def test_no_line_joins_two_branches() -> None:
    step = np.where(X > 0.55, 1.0, 0.0)
    _, joined = drawn(curves(step))
    _, apart = drawn(curves(step), jump=0.5)
    gaps = [int(np.isnan(ax.get_lines()[0].get_ydata()).sum()) for ax in (joined, apart)]
    assert gaps == [0, 1]


def test_places_that_are_words_stand_in_rows() -> None:
    ds = xr.Dataset(
        {"P": (("curve", "bias"), [[1.0, 2.0], [1.0, 3.0]])},
        {"bias": ["a long name of a case", "t_bb"], "curve": ["one", "other"]},
    )
    _, ax = drawn(ds, y_scale="log")
    assert [word.get_text() for word in ax.get_yticklabels()] == [
        "a long name of a case",
        "$t_{bb}$",
    ]
    heights = [line.get_ydata()[0] for line in ax.get_lines() if line.get_label() != "_child0"]
    assert len(set(heights)) == len(heights)  # values of one place do not hide each other


def test_letters_are_set_and_mathematics_stays() -> None:
    assert lettered("lambda = 0.1") == "λ = 0.1"
    assert lettered("1/(2 pi) and D^2, t_bb") == "1/(2π) and D$^{2}$, $t_{bb}$"
    assert lettered(r"$t_{bb}$ and lambda") == r"$t_{bb}$ and lambda"
    assert lettered("spin_polarisation, second-order") == "spin_polarisation, second-order"


@pytest.mark.parametrize("power", [-4, 0, 6])
def test_a_power_that_numbers_share_stands_in_the_label(power: int) -> None:
    """Numbers on the axis times the power of the label are the values; no title is lifted by it."""
    figure, ax = drawn(curves(10.0**power * X), title="one", legend=True)
    figure.draw_without_rendering()
    assert (f"10^{{{power}}}" in ax.get_ylabel()) is (power != 0)
    assert not (power and ax.yaxis.get_offset_text().get_visible())
    for place, words in zip(ax.get_yticks(), ax.yaxis.get_ticklabels(), strict=True):
        if words.get_text():
            number = float(re.sub(r"[^-.\d]", "", words.get_text().replace("\N{MINUS SIGN}", "-")))
            assert number * 10.0**power == pytest.approx(place, abs=1e-9 * 10.0**power)
    assert with_power("current (nA)", 5) == "current ($10^{5}$ nA)"
