"""Figures are described, then drawn: one description serves files, notebooks and studies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.legends import LISTED, free_legends, marked_cuts, shared_legend
from chirospin.base.lettering import lettered, powers_in_labels, typeset
from chirospin.base.parameters import shown
from chirospin.base.results import check_target, settled
from chirospin.base.sealed import MARK, written_whole
from chirospin.base.units import conversion, plain_conversion, unit_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".pdf", ".svg")
COLUMN = 3.4  # inches, the width of a journal's column
APART = ("order",)  # dimensions whose entries differ in scale: a panel each
WHOLE = 4  # of the styles of lines: those that can stand alone
COINCIDING = ("solved_by", "curve")  # dimensions whose entries may lie on each other
STYLES: tuple[Any, ...] = (
    "-",
    "--",
    ":",
    "-.",
    (0, (2, 5)),
    (0, (1, 7)),
)  # that tell them apart, sparser and sparser
DECADES = 30  # from the first to the last point: fewer have no powers of ten to show
ON_EACH_OTHER = 0.01  # of the range of all curves
LINEAR = 1e-5  # of the largest value: below it a symmetric logarithmic axis is linear
FEW, VANISHING = (
    3,
    1e-12,
)  # more series than this are drawn without those that vanish beside the others
WIDE = 24  # characters of a label beside rows, then a new line
LEGEND = 0.8  # inches, of a legend beside rows
FURTHER = ("#882255", "#44AA99", "#332288", "#DDCC77")  # colours of words, after the style's
APART_IN_A_ROW = 0.5  # of the height of a row, that its values take together
SPACE = {"x", "y", "z"}  # two of them make a picture with equal scales
MAPS = 6  # entries of a further dimension that are drawn as maps of their own
WAVY = 2.0  # sign changes along a line above which a map is ripples
NOISE = 1e-6  # of the largest value of a map: below it a sign means nothing
MANY = 8  # more series than this are a map, or thinned in the legend


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One set of axes: curves, or a map if ``colour`` is given.

    Parameters
    ----------
    source : key of the Dataset
    x, y : names of a coordinate and of an observable; of two coordinates for a map
    by, by_label : coordinate that tells the series apart, and its symbol if another is wanted
    error : observable that is the standard error of y
    colour : observable that a map shows
    mark : value of x at which a grey vertical line stands
    limits : of the y axis
    jump : a change of y between neighbours that is one of branch, so that no line joins them
    floor : size below which values are rounding and are not drawn
    legend : whether these axes have one of their own
    """

    source: str
    x: str
    y: str
    by: str | None = None
    by_label: str = ""
    error: str | None = None
    colour: str | None = None
    mark: float | None = None
    x_scale: Literal["linear", "log"] = "linear"
    y_scale: Literal["linear", "log", "symlog"] = "linear"
    limits: tuple[float, float] | None = None
    jump: float | None = None
    floor: float | None = None
    legend: bool = False
    title: str = ""
    x_label: str = ""
    y_label: str = ""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Panels on a grid of ``columns``, lettered (a), (b), ... row by row."""

    panels: tuple[Panel, ...]
    columns: int = 1
    markers: bool = True


def label(variable: xr.DataArray) -> str:
    """Axis label from symbol and unit, as in ``λ (eV)``."""
    symbol, unit = variable.attrs.get("symbol"), variable.attrs.get("units", "1")
    if variable.name == "bias" and unit in ("eV", "V"):
        return "bias (V)"
    if variable.name == "bias" and unit == "mV":
        return "bias (mV)"
    name = f"${symbol}$" if symbol else str(variable.name).replace("_", " ")
    shown = {"eV*e/hbar": r"$e\,\mathrm{eV}/\hbar$"}.get(unit, typeset(unit))
    return name if unit == "1" else f"{name} ({shown})"


def draw(plot: Plot, data: Mapping[str, xr.Dataset]) -> Figure:
    """Draw a description in the journal's style.

    Parameters
    ----------
    data : Datasets by the panels' ``source``
    """
    from chirospin.base.shown_figure import ShownFigure

    with journal_style():
        rows = -(-len(plot.panels) // plot.columns)
        figure = ShownFigure(figsize=_size(plot, data, rows))
        grid = list(figure.subplots(rows, plot.columns, squeeze=False).flat)
        together = _entries_together(plot, data)
        for n, (panel, ax) in enumerate(zip(plot.panels, grid, strict=False)):
            _panel(ax, panel, data[panel.source], markers=plot.markers, together=together)
            letter = f"({chr(97 + n)}) " if len(plot.panels) > 1 else ""
            if letter or panel.title:
                ax.set_title(f"{letter}{lettered(panel.title)}".rstrip(), loc="left")
        for ax in grid[len(plot.panels) :]:
            figure.delaxes(ax)
        drawn = list(zip(plot.panels, grid, strict=False))
        free_legends(figure, [ax for panel, ax in drawn if panel.by and panel.legend])
        shared = [ax for panel, ax in drawn if panel.by and not panel.legend]
        if shared:
            shared_legend(figure, shared, plot.columns)
        for panel, ax in drawn:
            if panel.limits is not None and panel.colour is None:
                marked_cuts(ax)
        powers_in_labels(figure)
    return figure


def _size(plot: Plot, data: Mapping[str, xr.Dataset], rows: int) -> tuple[float, float]:
    """Inches; a panel whose places are words has room for them, a line each."""
    width, height = COLUMN * (0.35 + 0.65 * plot.columns), 2.1
    words = [data[p.source][p.x].values for p in plot.panels if _named(data[p.source][p.x])]
    if words:
        longest = max(len(str(one)) for places in words for one in places)
        width += 0.06 * max(0, longest - 12) + LEGEND * any(p.by for p in plot.panels)
        height = max(0.8 + 0.2 * len(places) for places in words)
    return width, height * rows


def _entries_together(plot: Plot, data: Mapping[str, xr.Dataset]) -> list[str]:
    """Series of the panels that share a legend, each once: one colour wherever it is drawn."""
    names: dict[str, None] = {}
    for panel in plot.panels:
        if panel.by and not panel.legend:
            names |= dict.fromkeys(_entry_words(data[panel.source][panel.by], panel.by_label))
    return list(names)


INK = {False: "black", True: "white"}
GROUND = {False: "white", True: "#14171A"}


def page_colours(*, dark: bool) -> tuple[str, dict[Any, Any]]:
    """Colour of the ground, and settings of matplotlib for words and axes on it."""
    words = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    return GROUND[dark], dict.fromkeys(words, INK[dark])


def journal_style() -> Any:
    """The one style sheet of all figures, as a context."""
    from matplotlib import style

    with as_file(files("chirospin.base") / "journal.mplstyle") as sheet:
        return style.context(str(sheet))


def _panel(
    ax: Axes, panel: Panel, ds: xr.Dataset, *, markers: bool, together: Sequence[str]
) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    x, y = ds[panel.x], ds[panel.y]
    if panel.mark is not None:
        ax.axvline(panel.mark, color="0.75", lw=0.8, zorder=0)
    if _named(x):
        _rows(ax, panel, ds, together)
        return
    if panel.colour is not None:
        _colours(ax, ds[panel.colour], panel.x, panel.y)
    else:
        _curves(ax, panel, ds, markers=markers, together=together)
        if panel.y_scale != "log" and bool((y < 0).any()) and bool((y > 0).any()):
            ax.axhline(0, color="0.85", lw=0.6, zorder=0)
    ax.set_xscale(panel.x_scale)
    if panel.y_scale == "symlog":
        _symmetric_log(ax, y)
    else:
        ax.set_yscale(panel.y_scale)
    if {panel.x, panel.y} <= SPACE and panel.colour is None:
        ax.set_aspect("equal", adjustable="datalim")
    if panel.limits is not None:
        ax.set_ylim(*panel.limits)
    _few_ticks(ax, x, panel.x_scale)
    if x.dtype.kind in "iu" and panel.x_scale == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(panel.x_label or label(x))
    ax.set_ylabel(lettered(panel.y_label) or label(y))


def _rows(ax: Axes, panel: Panel, ds: xr.Dataset, together: Sequence[str]) -> None:
    """Places that are words stand below each other, a line each; values of one place a little apart."""
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    places, series = ds[panel.x], _series(ds, panel)
    colours = _series_colours([text for text, _ in series], panel, together)
    for n, (text, values) in enumerate(series):
        at = np.arange(places.size) + (n - (len(series) - 1) / 2) * APART_IN_A_ROW / len(series)
        error = None if panel.error is None else ds[panel.error]
        if error is not None and panel.by is not None:
            error = error.sel({panel.by: values[panel.by]})
        values = values.transpose(panel.x)
        ax.errorbar(
            values, at, xerr=error, fmt="o", color=colours[n], mew=0, elinewidth=0.8, label=text or None
        )  # fmt: skip
    ax.set_yticks(range(places.size), [lettered(str(one)) for one in places.values])
    ax.yaxis.set_minor_locator(NullLocator())
    for line in range(places.size - 1):
        ax.axhline(line + 0.5, color="0.9", lw=0.5, zorder=0)
    ax.set_ylim(places.size - 0.5, -0.5)
    ax.set_xscale(panel.y_scale)
    if panel.limits is not None:
        ax.set_xlim(*panel.limits)
    if panel.y_scale == "log":
        low, high = ax.get_xlim()
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < DECADES * low else (1,)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(lettered(panel.y_label) or label(ds[panel.y]))
    ax.set_ylabel(fill(panel.x_label, WIDE))


def _beside(unit: str) -> str:
    """A unit after a number; nothing for none."""
    return "" if unit == "1" else f" {typeset(unit)}"


def _symmetric_log(ax: Axes, y: xr.DataArray) -> None:
    """A logarithmic axis through zero; of one sign only the half that holds values; no number near that of zero."""
    from matplotlib.ticker import NullLocator

    top = float(abs(y).max())
    ax.set_yscale("symlog", linthresh=LINEAR * top)
    both = float(y.min()) < -LINEAR * top
    if not both:
        ax.set_ylim(-LINEAR * top, 3 * top)
    exponents = range(int(np.ceil(np.log10(LINEAR * top))) + 1, int(np.floor(np.log10(top))) + 1)
    ticks = [10.0**n for n in exponents][:: 2 if both else 1]
    ax.set_yticks([*(-t for t in reversed(ticks) if both), 0.0, *ticks])
    ax.yaxis.set_minor_locator(NullLocator())


def _few_ticks(ax: Axes, x: xr.DataArray, scale: str) -> None:
    """Numbers on the axis that do not run into each other: plain steps; few points of a decade as they are."""
    from matplotlib.ticker import FixedLocator, FormatStrFormatter, MaxNLocator, NullLocator

    values = np.unique(np.asarray(x.values, dtype=float)) if x.dtype.kind in "iuf" else np.zeros(0)
    if scale == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    elif 1 < values.size <= LISTED and values[0] > 0 and values[-1] < DECADES * values[0]:
        ax.xaxis.set_major_locator(FixedLocator(values.tolist()))
        ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        ax.xaxis.set_minor_locator(NullLocator())


def _turns(values: Any) -> float:
    """Sign changes along a row or a column, on average: lines through ripples hide what they mark."""
    signs = np.sign(values)
    return float(max((np.diff(signs, axis=axis) != 0).sum(axis=axis).mean() for axis in (0, 1)))


def _named(x: xr.DataArray) -> bool:
    """Whether places along an axis are words: they have no distance, and no line joins them."""
    return x.dtype.kind in "UO"


def _series(ds: xr.Dataset, panel: Panel) -> list[tuple[str, xr.DataArray]]:
    """The curves of a panel with their words."""
    y = ds[panel.y]
    if panel.floor is not None:
        y = y.where(np.abs(y) >= panel.floor)
    if panel.by is None:
        return [("", y)]
    names = _entry_words(ds[panel.by], panel.by_label)
    return [
        (text, y.sel({panel.by: v})) for text, v in zip(names, ds[panel.by].values, strict=True)
    ]


def _series_colours(names: Sequence[str], panel: Panel, together: Sequence[str]) -> list[Any]:
    """A colour each; one of a legend that panels share is the same in all of them."""
    if panel.legend or not panel.by:
        return _colour_of_each(names)
    colours = _colour_of_each(together)
    return [colours[together.index(name)] for name in names]


def _broken(x: Any, y: Any, jump: float) -> tuple[Any, Any]:
    """A gap wherever y changes by more than ``jump`` from one point to the next."""
    after = np.flatnonzero(np.abs(np.diff(y)) > jump) + 1
    return np.insert(x.astype(float), after, np.nan), np.insert(y.astype(float), after, np.nan)


def _curves(
    ax: Axes, panel: Panel, ds: xr.Dataset, *, markers: bool, together: Sequence[str]
) -> None:
    series = _series(ds, panel)
    names = [text for text, _ in series]
    colours = _series_colours(names, panel, together)
    straight = np.asarray if panel.y_scale == "linear" else _logarithmic
    hidden = layers([straight(values.transpose(panel.x).values) for _, values in series])
    known = names if panel.legend or not panel.by else together
    for n, (text, values) in enumerate(series):
        at, height = ds[panel.x].values, values.transpose(panel.x).values
        if panel.jump is not None:
            at, height = _broken(at, height, panel.jump)
        layer = known.index(text) % WHOLE if panel.by in COINCIDING else hidden[n]
        ax.plot(
            at,
            height,
            color=colours[n],
            marker="o" if markers else None,
            linestyle=STYLES[layer % len(STYLES)],
            label=text or None,
            markeredgewidth=0,
        )
        if panel.error is not None:
            error = ds[panel.error]
            ax.errorbar(
                at,
                height,
                error if panel.by is None else error.sel({panel.by: values[panel.by]}),
                fmt="none",
                ecolor=colours[n],
                elinewidth=0.8,
                capsize=2,
            )


def _entry_words(axis: xr.DataArray, symbol: str = "") -> list[str]:
    """The places along an axis for a legend: with symbol and unit, or words as they are."""
    name = symbol or axis.attrs.get("symbol")
    unit = "" if symbol else _beside(axis.attrs.get("units", "1"))
    return [f"${name}={_short(v)}${unit}" if name else lettered(str(v)) for v in axis.values]


def _logarithmic(values: Any) -> Any:
    """Values as they lie on a logarithmic axis; zero far below."""
    with np.errstate(divide="ignore"):
        return np.log(np.abs(values) + 1e-300)


def layers(curves: Sequence[Any]) -> list[int]:
    """How many earlier curves each lies on, so that a broken line lets them be seen."""
    finite = [c[np.isfinite(c)] for c in curves]
    known = np.concatenate(finite) if finite else np.zeros(0)
    near = ON_EACH_OTHER * float(np.ptp(known)) if known.size else 0.0
    below_each: list[int] = []
    for n, curve in enumerate(curves):
        below = [m for m in range(n) if np.nanmax(np.abs(curve - curves[m]), initial=0.0) <= near]
        below_each.append(len(below))
    return below_each


def _colour_of_each(names: Sequence[str]) -> list[Any]:
    """The style's own colours while they last, then as many of a scale, for words others; none twice."""
    from matplotlib import colormaps, rcParams

    own = rcParams["axes.prop_cycle"].by_key()["color"]
    if not any("=" in name for name in names):
        own = [*own, *FURTHER]
    if len(names) <= len(own):
        return list(own[: len(names)])
    return [colormaps["viridis"](x) for x in np.linspace(0, 0.95, len(names))]


def _colours(ax: Axes, values: xr.DataArray, x: str, y: str) -> None:
    """A map with a colour bar; white is zero and a line follows it where the sign changes."""
    values = values.transpose(y, x).sortby([x, y])
    top = float(abs(values).fillna(0).max()) or 1.0
    signed = bool((values < 0).any())
    mesh = ax.pcolormesh(
        values[x],
        values[y],
        values,
        cmap="RdBu_r" if signed else "viridis",
        vmin=-top if signed else None,
        vmax=top if signed else None,
        rasterized=True,
    )
    both = float(values.max()) > NOISE * top and float(values.min()) < -NOISE * top
    if both and min(values.shape) > 1 and _turns(values.values) < WAVY:
        ax.contour(values[x], values[y], values, levels=[0.0], colors="0.2", linewidths=0.8)
    ax.figure.colorbar(mesh, ax=ax, label=label(values))
    if {x, y} <= SPACE:
        ax.set_aspect("equal")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else str(value)


def sketch(ds: xr.Dataset, quantity: str | None = None, x: str | None = None) -> Figure:
    """The plain figure of any result: curves over one swept parameter, a map over two.

    Parameters
    ----------
    quantity : an observable of the result; by default the one that the family names
    x : the swept parameter on the axis; by default the last

    Raises
    ------
    ModelError : no such quantity or coordinate
    """
    ds = settled(ds)
    quantity = quantity or _default_quantity(ds)
    if quantity not in ds.data_vars:
        raise ModelError(
            f"Argument `quantity` must be one of {', '.join(map(str, ds.data_vars))}, "
            f"but is {quantity!r}"
        )
    dims = ds[quantity].dims
    swept = _varied(ds) or [str(d) for d in dims if d in ds.coords and "units" in ds[d].attrs]
    if x is not None and x not in swept:
        raise ModelError(
            f"Argument `x` must be a swept parameter ({', '.join(swept)}), but is {x!r}"
        )
    if "point" in dims:
        return _scattered(ds, quantity, x)
    if not swept:
        return _bars(ds)
    single = [d for d in swept if ds.sizes[d] == 1 and d != x][: len(swept) - 1]
    ds = ds.squeeze(single, drop=True)
    open_dims = [d for d in swept if d not in single]
    x = x or max(reversed(open_dims), key=lambda d: ds.sizes[d] > MANY)
    if ds[quantity].dtype.kind == "c":
        parts = [ds[quantity].real, ds[quantity].imag]
        import xarray as xr

        part = xr.Variable("part", ["real", "imaginary"])
        ds = ds.assign({quantity: xr.concat(parts, part).assign_attrs(ds[quantity].attrs)})
    y = ds[quantity]
    apart = next((d for d in APART if d in y.dims), None)
    if apart is not None:
        return _one_panel_each(ds, quantity, x, apart)
    others = [str(d) for d in y.dims if d != x]
    wide = [d for d in others if ds.sizes[d] > MANY]
    if wide and ds.sizes[x] > MANY:
        return _maps(ds, quantity, *sorted((x, wide[0])) if {x, wide[0]} <= SPACE else (x, wide[0]))
    flat = ds[[quantity]]
    by = others[0] if others else None
    if len(others) > 1:
        places = itertools.product(*(_entry_words(flat[d]) for d in others))
        names = [", ".join(words) for words in places]
        flat = flat.stack(series=others, create_index=False)
        flat = flat.drop_vars([d for d in others if d in flat.coords]).assign_coords(series=names)
        flat = flat.isel(
            series=_telling(flat[quantity].values, flat[quantity].dims.index("series"))
        )
        by = "series"
    panel = Panel(source="result", x=x, y=quantity, by=by, x_scale=_scale(ds[x]))
    return draw(Plot(panels=(panel,), markers=ds.sizes[x] <= 60), {"result": flat})


def _varied(ds: xr.Dataset) -> list[str]:
    """Parameters that differ from point to point, where the points are no grid."""
    return [str(c) for c, v in ds.coords.items() if v.dims == ("point",) and c != "point"]


def _scattered(ds: xr.Dataset, quantity: str, x: str | None) -> Figure:
    """Points without the order of a grid: drawn at random, listed, or of a sweep that is not finished.

    Where the quantity has one number a point, a second parameter that varies is their colour.
    """
    from chirospin.base.shown_figure import ShownFigure

    varied = _varied(ds)
    x = x or varied[-1]
    others = [str(d) for d in ds[quantity].dims if d != "point"]
    values = ds[quantity].transpose("point", *others)
    colour = next((c for c in varied if c != x), None) if not others else None
    with journal_style():
        figure = ShownFigure(figsize=(COLUMN, 2.3))
        ax = figure.subplots()
        if colour is not None:
            drawn = ax.scatter(ds[x].values, values.values, c=ds[colour].values, s=8)
            figure.colorbar(drawn, ax=ax, label=label(ds[colour]))
        else:
            words = itertools.product(*(_entry_words(ds[d]) for d in others))
            columns = values.values.reshape(ds.sizes["point"], -1).T
            for text, column in zip(words, columns, strict=True):
                ax.plot(ds[x], column, linestyle="", marker="o", label=", ".join(text) or None)
            if others:
                free_legends(figure, [ax])
        scale: Literal["linear", "log"] = "log" if _drawn_in_ratio(ds[x].values) else "linear"
        ax.set_xscale(scale)
        _few_ticks(ax, ds[x], scale)
        ax.set_xlabel(label(ds[x]))
        ax.set_ylabel(label(values))
        powers_in_labels(figure)
    return figure


def _maps(ds: xr.Dataset, quantity: str, x: str, y: str) -> Figure:
    """A map, or one for each entry of a further dimension that does not vanish beside the others."""
    values = ds[quantity]
    rest = [str(d) for d in values.dims if d not in (x, y)]
    scales: Any = {"x_scale": _scale(ds[x]), "y_scale": _scale(ds[y])}
    if not rest:
        panel = Panel(source="result", x=x, y=y, colour=quantity, **scales)
        return draw(Plot(panels=(panel,)), {"result": ds})
    flat = ds[[quantity]].isel(dict.fromkeys(rest[:-1], 0))
    along = rest[-1]
    kept = _telling(flat[quantity].values, flat[quantity].dims.index(along))[:MAPS]
    words = _entry_words(flat[along])
    named = "symbol" in flat[along].attrs
    titles = [words[n] if named else f"{along.replace('_', ' ')} {words[n]}" for n in kept]
    data = {t: flat.isel({along: n}, drop=True) for t, n in zip(titles, kept, strict=True)}
    panels = tuple(Panel(source=t, x=x, y=y, colour=quantity, title=t, **scales) for t in titles)
    return draw(Plot(panels=panels, columns=min(len(panels), 3)), data)


def _telling(values: Any, axis: int) -> list[int]:
    """Series to draw: all, or without those that vanish beside the others where there are many."""
    sizes = np.nan_to_num(np.abs(np.moveaxis(values, axis, 0))).reshape(values.shape[axis], -1)
    largest = sizes.max(axis=1)
    kept = np.flatnonzero(largest > VANISHING * largest.max(initial=0.0))
    return kept.tolist() if kept.size > 0 and len(largest) > FEW else list(range(len(largest)))


def _one_panel_each(ds: xr.Dataset, quantity: str, x: str, apart: str) -> Figure:
    """A panel for each entry of a dimension; at most one further dimension tells series apart."""
    others = [str(d) for d in ds[quantity].dims if d not in (x, apart)]
    kept = others[:1]
    flat = ds[[quantity]].isel(dict.fromkeys(others[1:], 0))
    data = {str(v): flat.sel({apart: v}, drop=True) for v in ds[apart].values}
    panels = tuple(
        Panel(
            source=str(v),
            x=x,
            y=quantity,
            by=kept[0] if kept else None,
            x_scale=_scale(ds[x]),
            title=f"{apart} {v}",
        )
        for v in ds[apart].values
    )
    return draw(Plot(panels=panels, columns=len(panels), markers=ds.sizes[x] <= 60), data)


def _default_quantity(ds: xr.Dataset) -> str:
    """The family's own quantity, or else the first observable."""
    named = str(ds.attrs.get("quantity"))
    return named if named in ds.data_vars else str(next(iter(ds.data_vars)))


def _scale(axis: xr.DataArray) -> Literal["linear", "log"]:
    """As a sweep was made: even ratios stand evenly."""
    return "log" if _evenly_in_ratio(axis.values) else "linear"


def _drawn_in_ratio(values: Any) -> bool:
    """Whether values without an order lie about the middle of their decades rather than of their range."""
    low, high = float(values.min()), float(values.max())
    if low <= 0 or high < 10 * low:
        return _evenly_in_ratio(np.unique(values))
    middle, middle_in_ratio = (
        abs(np.mean((scale(values) - scale(low)) / (scale(high) - scale(low))) - 0.5)
        for scale in (np.asarray, np.log)
    )
    return bool(middle_in_ratio < middle)


def _evenly_in_ratio(values: Any) -> bool:
    """Whether values are spaced by equal ratios rather than equal steps."""
    if len(values) < 3 or not (values > 0).all():
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(np.allclose(ratios, ratios[0]) and not np.allclose(steps, steps[0]))


def _bars(ds: xr.Dataset) -> Figure:
    """A single point: its first observable with dimensions, as bars."""
    from chirospin.base.shown_figure import ShownFigure

    name = next(
        (
            str(n)
            for n, v in ds.data_vars.items()
            if "symbol" in v.attrs and set(v.dims) - {"solved_by"}
        ),
        str(next(iter(ds.data_vars))),
    )
    values = ds[name]
    own = [d for d in values.dims if d != "solved_by"]
    with journal_style():
        figure = ShownFigure(figsize=(COLUMN, 2.3))
        ax = figure.subplots()
        series = ds["solved_by"].values if "solved_by" in values.dims else [ds.attrs["method"]]
        flat = values.stack(label=own, create_index=False) if own else values.expand_dims("label")
        ticks = [", ".join(str(flat[d].values[i]) for d in own) for i in range(flat.sizes["label"])]
        for n, method in enumerate(series):
            height = flat.sel(solved_by=method) if "solved_by" in values.dims else flat
            at = np.arange(len(ticks)) + (n - (len(series) - 1) / 2) * 0.8 / len(series)
            ax.bar(at, np.nan_to_num(height.values), 0.75 / len(series), label=str(method))
        ax.set_xticks(range(len(ticks)), ticks)
        ax.minorticks_off()
        ax.set_xlabel(", ".join(map(str, own)))
        ax.set_ylabel(label(values))
        figure.legend(loc="outside upper center", ncols=len(series))
        powers_in_labels(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as .png, .pdf or .svg.

    Raises
    ------
    ModelError : another suffix, a place that cannot be written, or something there that is not one of its figures
    """
    check_target(path, SUFFIXES)
    stream, kind = BytesIO(), path.suffix[1:]
    with journal_style():
        figure.savefig(
            stream, format=kind, metadata={"Software" if kind == "png" else "Creator": MARK}
        )
    written_whole(path, stream.getvalue())


def converted(ds: xr.Dataset, unit: str, names: Sequence[str] = ()) -> xr.Dataset:
    """A result with some quantities in another unit; see :meth:`ResultAccessor.to`."""
    if unit_of(unit) is None:
        raise ModelError(f"Argument `unit` must be a unit like nA or mV, but is {shown(unit)!r}")
    for name in names:
        if name not in ds.variables:
            raise ModelError(
                f"Argument `names` must be of {', '.join(map(str, ds.variables))}, but has {name!r}"
            )
    factors: dict[str, float] = {}
    for name in names or [str(n) for n in ds.variables]:
        given = str(ds[name].attrs.get("units", "1"))
        factor = conversion(given, unit) if names else plain_conversion(given, unit)
        if factor is not None and given != "1":
            factors[name] = factor
        elif names:
            raise ModelError(f"Argument `unit` must be like {given} for {name}, but is {unit!r}")
    if not factors:
        known = sorted({str(v.attrs["units"]) for v in ds.variables.values() if "units" in v.attrs})
        raise ModelError(
            f"Nothing of this result can be given in {unit}; its units are {', '.join(known)}; name the quantity "
            'where an energy is meant as a voltage or a temperature: to("V", "bias")'
        )
    scaled = {}
    for name, factor in factors.items():
        attrs = {k: v for k, v in ds[name].attrs.items() if k != "conversion"} | {"units": unit}
        scaled[name] = (ds[name].dims, ds[name].values * factor, attrs)
    coordinates = {n: v for n, v in scaled.items() if n in ds.coords}
    data = {n: v for n, v in scaled.items() if n not in ds.coords}
    return ds.assign(data).assign_coords(coordinates)
