"""Figures of fits: curves with their bands, evidences as bars, ranks of simulated truths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy import stats

from chirospin.base.figures import COLUMN, journal_style
from chirospin.measured.inference.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"up": "#c0392b", "down": "#2471a3"}
COLUMNS = 6


def fit_figure(ds: xr.Dataset) -> Figure:
    """Curves of the best mechanism over the data, P of every mechanism, evidences."""
    from chirospin.base.shown_figure import ShownFigure

    with journal_style():
        figure = ShownFigure(figsize=(2.6 * COLUMN, 2.9))
        panels: Any = figure.subplots(1, 3, width_ratios=(1.1, 1.1, 0.9))
        best = int(np.argmax(ds["log_evidence"].values))
        _currents(panels[0], ds.isel(mechanism=best))
        _polarisations(panels[1], ds, best)
        _evidences(panels[2], ds)
        for letter, ax in zip("abc", panels, strict=True):
            ax.set_title(f"({letter}) {ax.get_title(loc='left')}", loc="left")
    return figure


def _currents(ax: Axes, ds: xr.Dataset) -> None:
    """Geometric means with standard errors, and the band that holds 95 % of the posterior."""
    V = ds["bias"].values
    for state, mark in zip(map(str, ds["state"].values), ("o", "s"), strict=True):
        one = ds.sel(state=state)
        low, high = (np.exp(one["current_band"].isel(quantile=n).values) for n in (0, -1))
        middle = np.exp(one["current_band"].isel(quantile=2).values)
        seen, error = one["measured"].values, one["measured_error"].values
        for side in (V < 0, V > 0):
            ax.fill_between(V[side], low[side], high[side], color=COLOURS[state], alpha=0.2, lw=0)
            ax.plot(V[side], middle[side], "-", color=COLOURS[state], marker="")
        bars = np.array([np.exp(seen) - np.exp(seen - error), np.exp(seen + error) - np.exp(seen)])
        ax.errorbar(
            V, np.exp(seen), bars, fmt=mark, ms=3, lw=0.8, color=COLOURS[state], label=state
        )
    ax.set_yscale("log")
    ax.set_xlabel("bias (V)")
    ax.set_ylabel("$|I|$ (A)")
    ax.set_title(str(ds["mechanism"].values), loc="left")
    ax.legend()


def _polarisations(ax: Axes, ds: xr.Dataset, best: int) -> None:
    V = ds["bias"].values
    for n, name in enumerate(map(str, ds["mechanism"].values)):
        one = ds["polarisation_band"].isel(mechanism=n)
        colour = f"C{n}"
        for side in (V < 0, V > 0):
            if n == best:
                low, high = (one.isel(quantile=k).values[side] for k in (0, -1))
                ax.fill_between(V[side], low, high, color=colour, alpha=0.2, lw=0)
            ax.plot(V[side], one.isel(quantile=2).values[side], "-", marker="", color=colour)
        ax.plot([], [], "-", marker="", color=colour, label=name)
    ax.errorbar(
        V,
        ds["measured_polarisation"].values,
        1.96 * ds["measured_polarisation_error"].values,
        fmt="o",
        ms=3,
        lw=0.8,
        color="0.3",
        label="measured, 95 %",
    )
    ax.axhline(0, color="0.85", lw=0.6, zorder=0)
    ax.set_ylim(-1, 1)
    ax.set_xlabel("bias (V)")
    ax.set_ylabel("$P$")
    ax.set_title("polarisation", loc="left")
    below = ds["measured_polarisation"].values.mean() > 0  # where there is room
    ax.legend(fontsize="xx-small", loc="lower left" if below else "upper left", ncols=2)


def _evidences(ax: Axes, ds: xr.Dataset) -> None:
    """ln Z above the least; a mechanism that is not calibrated has no bar."""
    names = list(map(str, ds["mechanism"].values))
    Z = ds["log_evidence"].values - ds["log_evidence"].values.min()
    rows = np.arange(len(names))
    passed = ds["audit_passed"].values
    ax.barh(
        rows,
        np.where(passed, Z, np.nan),
        xerr=ds["log_evidence_error"].values,
        color=[f"C{n}" for n in rows],
        height=0.6,
    )
    for row in rows[~passed]:
        ax.text(0, row, " not calibrated", ha="left", va="center", fontsize="x-small")
    ax.set_yticks(rows, names)
    ax.invert_yaxis()
    ax.set_xlabel(r"$\ln Z$ above the least")
    ax.set_title("evidence", loc="left")


def ranks_figure(calibrations: Mapping[str, Calibration]) -> Figure:
    """Ranks of truths in their posteriors, a row for each mechanism; grey: where 99 % of flat ranks lie."""
    from chirospin.base.shown_figure import ShownFigure

    columns = max(len(calibration.names) for calibration in calibrations.values())
    with journal_style():
        figure = ShownFigure(figsize=(1.15 * columns, 0.95 * len(calibrations) + 0.4))
        panels: Any = figure.subplots(len(calibrations), columns, squeeze=False, sharex=True)
        for row, (name, one) in zip(panels, calibrations.items(), strict=True):
            for ax in row[len(one.names) :]:
                ax.set_axis_off()
            for n, (ax, parameter) in enumerate(zip(row, one.names, strict=False)):
                _ranks(ax, one, n, parameter)
            row[0].set_ylabel(name.replace(", ", "\n"), fontsize="xx-small")
    return figure


def _ranks(ax: Axes, calibration: Calibration, n: int, parameter: str) -> None:
    counts = calibration.histogram[n]
    low, high = stats.binom.interval(0.99, counts.sum(), 1 / len(counts))
    edges = np.linspace(0, 1, len(counts) + 1)
    ax.axhspan(low, high, color="0.9", lw=0)
    ax.stairs(counts, edges, color="C0", fill=True, alpha=0.6)
    ax.set_ylim(0, max(1.3 * high, counts.max()))
    ax.set_yticks([])
    ax.set_title(parameter.replace("_", " "), fontsize="xx-small")
    ax.set_xticks([0, 1])
