"""The figure of a comparison: curves, polarisation with its band, contacts in order, the tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy import stats

from chirospin.base.figures import COLUMN, journal_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"up": "#c0392b", "down": "#2471a3"}
DASHES = {"R": "-", "S": "--", "unnamed": "-", "achiral": ":"}
MARKS = {"R": "o", "S": "s", "unnamed": "o", "achiral": "^"}
THIN = 150  # curves that are drawn one by one
PREFIXES = ((1e-15, "fA"), (1e-12, "pA"), (1e-9, "nA"), (1e-6, "µA"), (1e-3, "mA"))
WORDS = {"FAILED": "#c0392b", "shown": "#1e8449", "ok": "#1e8449"}
ROW = 0.068  # of the height of the panel, a line of the table


def figure_of(ds: xr.Dataset) -> Figure:
    """Four panels of a compared set.

    Parameters
    ----------
    ds : a result of :func:`chirospin.measured.comparison.compare`
    """
    from chirospin.base.shown_figure import ShownFigure

    facts = json.loads(str(ds.attrs["facts"]))
    with journal_style():
        figure = ShownFigure(figsize=(2.1 * COLUMN, 5.6))
        panels: Any = figure.subplots(2, 2)
        for letter, ax, title in zip(
            "abcd",
            panels.flat,
            ("curves and geometric means", "polarisation", "contacts in order", "tests"),
            strict=True,
        ):
            ax.set_title(f"({letter}) {title}", loc="left")
        _curves(panels[0, 0], ds)
        _polarisation(panels[0, 1], ds, facts)
        _order(panels[1, 0], ds, facts)
        _table(panels[1, 1], facts)
    return figure


def _scale(ds: xr.Dataset) -> tuple[float, str]:
    if ds["current"].attrs.get("units") != "A":
        return 1.0, "A/cm$^2$"
    top = float(np.nanmax(np.abs(ds["mean_current"].values)))
    return max((p for p in PREFIXES if p[0] <= top), default=PREFIXES[0])


def _curves(ax: Axes, ds: xr.Dataset) -> None:
    scale, unit = _scale(ds)
    V = ds["bias"].values
    step = max(1, ds.sizes["curve"] // THIN)
    size = np.abs(ds["current"].values) / scale
    for n in range(0, ds.sizes["curve"], step):
        mark = str(ds["magnetisation"].values[n])
        ax.plot(V, size[n], color=COLOURS.get(mark, "0.6"), lw=0.3, alpha=0.25, marker="")
    for e in ds["hand"].values:
        for state in ds["state"].values:
            mean = np.abs(ds["mean_current"].sel(hand=e, state=state).values) / scale
            mean = np.where(ds["usable"].values, mean, np.nan)
            ax.plot(
                V,
                mean,
                DASHES[str(e)],
                color=COLOURS[str(state)],
                lw=1.6,
                marker="",
                label=f"{e} {state}",
            )
    ax.axhline(ds.attrs["noise_floor"] / scale, color="0.5", lw=0.6, ls=":")
    ax.set_yscale("log")
    ax.set_ylim(bottom=max(ds.attrs["noise_floor"] / scale / 10, float(np.nanmin(size[size > 0]))))
    ax.set_xlabel("bias (V)")
    ax.set_ylabel(f"$|I|$ ({unit})")
    both = V.min() < 0 < V.max()
    ax.legend(  # where |I| is small
        loc="upper center" if both else "upper left", fontsize="x-small", ncols=2
    )


def _polarisation(ax: Axes, ds: xr.Dataset, facts: dict[str, Any]) -> None:
    """Geometric P with the band that holds at all biases together, and the shape."""
    V = ds["bias"].values
    colours = {"R": "#7d3c98", "S": "#b9770e", "unnamed": "#7d3c98", "achiral": "0.5"}
    for e in map(str, ds["hand"].values):
        P = ds["polarisation"].sel(mean="geometric", hand=e).values
        ends = [
            ds[f"polarisation_{n}"].sel(mean="geometric", hand=e).values for n in ("low", "high")
        ]
        low, high = _band(P, ends, facts, e)
        ax.fill_between(V, low, high, color=colours[e], alpha=0.15, lw=0)
        ax.plot(V, P, DASHES[e], marker=MARKS[e], ms=2.5, color=colours[e], label=f"{e} geometric")
        shape = ds["polarisation"].sel(mean="shape", hand=e).values
        if np.isfinite(shape).any():
            ax.plot(V, shape, ":", marker="", color=colours[e], label=f"{e} shape")
    ax.axhline(0, color="0.85", lw=0.6, zorder=0)
    ax.axvline(facts["bias"], color="0.75", lw=0.8, zorder=0)
    ax.set_ylim(-1, 1)
    ax.set_xlabel("bias (V)")
    ax.set_ylabel("$P$")
    ax.legend(fontsize="x-small")


def _band(P: Any, ends: Any, facts: dict[str, Any], enantiomer: str) -> tuple[Any, Any]:
    """The 95 % interval of each bias, widened to the largest t of permuted labels."""
    D, low, high = (2 * np.arctanh(x) for x in (P, *ends))
    one = facts["enantiomers"][enantiomer]
    freedom = max(one["contacts"]["up"] + one["contacts"]["down"] - 2, 1)
    critical = facts["critical"] or np.nan
    widened = (
        max(critical / float(stats.t.isf(0.025, freedom)), 1.0) if np.isfinite(critical) else 1.0
    )
    return np.tanh((D - widened * (D - low)) / 2), np.tanh((D + widened * (high - D)) / 2)


def _order(ax: Axes, ds: xr.Dataset, facts: dict[str, Any]) -> None:
    """ln|I| of every contact at the verdict bias, against its place in the set."""
    scale, unit = _scale(ds)
    at = int(np.abs(ds["bias"].values - facts["bias"]).argmin())
    size = np.clip(
        ds["current"].values[:, at] * np.sign(facts["bias"]), ds.attrs["noise_floor"], None
    )
    order = ds["order"].values
    known = np.isfinite(order).all()
    place = order if known else np.arange(len(order), dtype=float)
    keys = ("enantiomer", "magnetisation", "tip", "contact")
    names = list(zip(*(ds[key].values for key in keys), strict=True))
    for e in map(str, ds["hand"].values):
        for state in map(str, ds["state"].values):
            own = [k for k in dict.fromkeys(names) if k[:2] == (e, state)]
            rows = [[n for n, name in enumerate(names) if name == k] for k in own]
            ax.plot(
                [place[r].mean() for r in rows],
                [np.exp(np.nanmean(np.log(size[r]))) / scale for r in rows],
                MARKS[e],
                ms=3,
                color=COLOURS[state],
                mfc=COLOURS[state] if e != "S" else "none",
                ls="",
                label=f"{e} {state}",
            )
    ax.set_yscale("log")
    ax.set_xlabel("order of the curves" if known else "place in the file (order not known)")
    ax.set_ylabel(f"$|I|$ at {facts['bias']:+.3g} V ({unit})")


def _table(ax: Axes, facts: dict[str, Any]) -> None:
    ax.set_axis_off()
    for n, row in enumerate(facts["tests"]):
        y = 0.97 - ROW * n
        colour = WORDS.get(row["verdict"], "0.35")
        ax.text(
            0.0,
            y,
            row["verdict"],
            color=colour,
            fontsize="x-small",
            va="top",
            transform=ax.transAxes,
        )
        ax.text(0.25, y, row["test"], fontsize="x-small", va="top", transform=ax.transAxes)
        ax.text(0.72, y, finding_words(row), fontsize="x-small", va="top", transform=ax.transAxes)


def finding_words(row: dict[str, Any]) -> str:
    """The value of a test in the words of its kind."""
    value = row["value"]
    if value is None:
        return ""
    if row["kind"] == "p":
        return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"
    if row["kind"] == "count":
        return f"{value:.2g} curves" if value < 10 else f"{value:.0f} curves"
    if row["test"] == "offset" and abs(value) < 0.05:
        return f"{value:+.2g} of I"
    return f"{value:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
