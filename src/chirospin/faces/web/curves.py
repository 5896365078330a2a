"""The series of an answer, drawn twice: live on the page, and in print by ``base.figures``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.figures import APART, Panel, Plot, layers
from chirospin.base.symbols import axis_title, marked, symbol_pieces
from chirospin.base.units import conversion
from chirospin.faces import arguments
from chirospin.faces.web.controls import first_entry
from chirospin.faces.web.question import VALUES, Question, Span, checked_question, unit_texts

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#8C8C00", "#56B4E9", "#222222")
DASHES = ("solid", "dash", "dot", "dashdot")
MOST_CURVES, MOST_MAPS = 24, 6
MARKED = 41  # points up to which each one is marked
DIVERGING = [
    [0.0, "#053061"], [0.25, "#4393c3"], [0.45, "#d1e5f0"], [0.5, "#ffffff"],
    [0.55, "#fddbc7"], [0.75, "#d6604d"], [1.0, "#67001f"],
]  # fmt: skip
FONT = '"STIX General", "STIX Two Text", "Times New Roman", serif'
INK = "#1b1b1b"
OWN = "#7a7a7a"  # of the line at the model's own value
GAP = 0.1  # of the height, between panels
HEIGHTS = {1: 340, 2: 270}  # pixels of a panel where there are so many
HEIGHT, FRAME = 240, 96  # of more panels, and of what is around them

_ENTRY = re.compile(r"[0-9]{1,9}")

Coordinates = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve or map.

    Parameters
    ----------
    place : (dimension, value) of what tells it apart from the others
    panel : the axes it stands in
    """

    place: Coordinates
    panel: str
    colour: int
    dash: int
    values: xr.DataArray


def chosen_values(question: Question, ds: xr.Dataset) -> xr.DataArray:
    """The observable with the entries chosen, 0 below its error; complex numbers as two parts."""
    values = results.settled(ds)[question.observable]
    kind = arguments.problem(question.problem).model
    axes = {span.name for span in question.spans} | {str(d) for d in ds["converged"].dims}
    own = [str(d) for d in values.dims if d not in axes]
    for dim in own:
        size = values.sizes[dim]
        places = dim in kind.model_fields
        wanted = question.entries.get(dim) or first_entry(size, len(own), places=places)
        if wanted == "all":
            continue
        if not _ENTRY.fullmatch(wanted):
            raise ModelError(f"Entry `{dim}` must be all or a number from 0, but is {wanted!r}")
        values = values.isel({dim: [min(int(wanted), size - 1)]})
    if values.dtype.kind == "c":
        part = xr.Variable("part", ["real", "imaginary"])
        values = xr.concat([values.real, values.imag], part).assign_attrs(values.attrs)
    return values


def zero_within(question: Question, ds: xr.Dataset) -> float | None:
    """The largest numerical error of what is drawn, where no value exceeds its own; None where one does."""
    error = ds[question.observable].attrs.get("ancillary_variables")
    if error not in ds:
        return None
    values = chosen_values(question, ds)
    if not bool(values.notnull().any()) or bool((values.fillna(0) != 0).any()):
        return None
    return float(ds[error].max())


def zero_words(error: float) -> str:
    """What stands over axes on which nothing exceeds its error."""
    return f"zero within its numerical error, at most {error:.1e}, at every point"


def series(question: Question, ds: xr.Dataset) -> list[Series]:
    """The curves or maps of an answer, apart by entry, handedness and method.

    Raises
    ------
    ModelError : the observable does not depend on the axis, or there are too many to draw
    """
    values = chosen_values(question, ds)
    if values.size > VALUES:
        raise ModelError(
            f"The page draws at most {VALUES} values, but there are {values.size}; "
            "take fewer points or chirospin solve"
        )
    axes = [span.name for span in question.spans]
    for name in axes:
        if name not in values.dims:
            raise ModelError(
                f"Observable `{question.observable}` does not depend on `{name}`; "
                f"choose another axis"
            )
    grid = {str(d) for d in ds["converged"].dims}
    others = [str(d) for d in values.dims if d not in axes]
    own = [d for d in others if d not in grid]
    rest = [d for d in others if d in grid and d != "solved_by"] + [
        d for d in ("solved_by",) if d in others
    ]
    factors = [d for d in (*own, *rest) if values.sizes[d] > 1]
    apart = factors if question.view == "map" else [d for d in factors if d in APART]
    inside = [d for d in factors if d not in apart]
    curves = list(_each(values.squeeze([d for d in others if d not in factors]), apart, inside))
    most = MOST_MAPS if question.view == "map" else MOST_CURVES
    if len(curves) > most:
        raise ModelError(
            f"The page draws at most {most} {question.view}s, but there are {len(curves)}; "
            f"choose one entry of {', '.join(factors)}"
        )
    return curves


def _each(values: xr.DataArray, apart: Sequence[str], inside: Sequence[str]) -> Iterator[Series]:
    """Colour tells all inside factors but the last apart, if there are two; dashes the last."""
    lasting = inside[-1:] if len(inside) > 1 or inside == ["solved_by"] else []
    for at in itertools.product(*(range(values.sizes[d]) for d in (*apart, *inside))):
        index = dict(zip((*apart, *inside), at, strict=True))
        place = tuple((d, values[d].values[n]) for d, n in index.items())
        coloured = [d for d in inside if d not in lasting or len(inside) == 1]
        colour = 0
        for d in coloured:
            colour = colour * values.sizes[d] + index[d]
        yield Series(
            place=tuple(part for part in place if part[0] in inside),
            panel=", ".join(_words(d, v) for d, v in place if d in apart),
            colour=colour % len(COLOURS),
            dash=(index[lasting[0]] if lasting else 0) % len(DASHES),
            values=values.isel(index, drop=True),
        )


def _words(dim: str, value: Any) -> str:
    return f"{dim.replace('_', ' ')} {_short(value)}" if dim != "solved_by" else str(value)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def _caption(place: Coordinates, ds: xr.Dataset, *, mathtext: bool = False) -> str:
    """A legend entry, with the symbol of a parameter and the bare word of a label."""
    words = []
    for dim, value in place:
        symbol = str(ds[dim].attrs.get("symbol", "")) if dim in ds.coords else ""
        if not symbol:
            named = isinstance(value, (int, np.integer))
            words.append(f"{dim.replace('_', ' ')} {value}" if named else str(value))
        elif mathtext:
            words.append(f"${symbol} = {_short(value)}$")
        else:
            words.append(f"{marked(symbol_pieces(symbol))} = {_short(value)}".replace("-", "−"))
    return ", ".join(words)


def live_figure(question: Question, ds: xr.Dataset) -> dict[str, Any]:
    """The answer for the page, as plain data, in the units that are asked for."""
    ds = as_asked(question, ds)
    curves = series(question, ds)
    panels = list(dict.fromkeys(curve.panel for curve in curves))
    draw_panels = _live_maps if question.view == "map" else _live_curves
    height = HEIGHTS.get(len(panels), HEIGHT) * len(panels) + FRAME
    data, layout = draw_panels(question, ds, curves, panels)
    error = zero_within(question, ds)
    if error is not None:
        layout["annotations"] = [*layout["annotations"], _note(zero_words(error))]
    return {
        "data": data,
        "layout": {
            "height": height,
            "margin": {"l": 64, "r": 18, "t": 44, "b": 52},
            "font": {"family": FONT, "size": 16, "color": INK},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "showlegend": question.view == "curve" and any(curve.place for curve in curves),
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1 + 12 / (height - FRAME),
                "yanchor": "bottom",
                "bgcolor": "rgba(0,0,0,0)",
            },
            "hoverlabel": {"font": {"family": FONT, "size": 14}},
            "uirevision": f"{question.problem}/{question.observable}/{question.view}/"
            + "/".join(span.over for span in question.spans),
            **layout,
        },
    }


def as_asked(question: Question, ds: xr.Dataset) -> xr.Dataset:
    """An answer in the units that its question names.

    Raises
    ------
    ModelError : no unit, or nothing of its kind
    """
    shown: xr.Dataset = arguments.in_units(ds, unit_texts(question))
    return shown


def own_value(question: Question, span: Span, ds: xr.Dataset) -> float | None:
    """The model's own value of a swept parameter, in the unit of the axis; None for places or beyond the axis."""
    model = checked_question(question).model
    info = model.parameter_info(span.name)
    values = {getattr(model, name) for name in model.shorthands.get(span.name, (span.name,))}
    value = values.pop() if len(values) == 1 and not info.axis else None
    if not isinstance(value, (int, float)):
        return None
    unit = str(ds[span.name].attrs.get("units", "1"))
    value *= 1.0 if unit == info.unit else conversion(info.unit, unit) or 1.0
    inside = float(ds[span.name].min()) <= value <= float(ds[span.name].max())
    return float(value) if inside else None


def _own_line(value: float | None, tail: str, axis: str) -> list[dict[str, Any]]:
    """A thin line across a panel at the model's own value."""
    if value is None:
        return []
    line = {"color": OWN, "width": 1.2, "dash": "dot"}
    other = "y" if axis == "x" else "x"
    ends = {f"{axis}0": value, f"{axis}1": value, f"{other}0": 0, f"{other}1": 1}
    frame = {f"{axis}ref": f"{axis}{tail}", f"{other}ref": f"{other}{tail} domain"}
    return [{"type": "line", "layer": "below", "line": line, **ends, **frame}]


def with_pinned(
    figure: dict[str, Any], question: Question, pinned: dict[str, Any]
) -> dict[str, Any] | None:
    """A figure of curves with those of another one beneath, pale; None where their axes differ."""
    axes = [key for key in figure["layout"] if key[1:5] == "axis"]
    same = question.view == "curve" and all(
        pinned["layout"].get(key, {}).get("title") == figure["layout"][key]["title"] for key in axes
    )
    if not same:
        return None
    beneath = [
        {
            **trace,
            "name": f"pinned: {trace['name']}",
            "legendgroup": f"pinned: {trace['name']}",
            "mode": "lines",
            "opacity": 0.4,
            "line": {**trace["line"], "width": 5},
        }
        for trace in pinned["data"]
    ]
    layout = {**figure["layout"], "showlegend": True}
    return {"data": [*beneath, *figure["data"]], "layout": layout}


def _axis(variable: xr.DataArray, **more: Any) -> dict[str, Any]:
    return {
        "title": {"text": axis_title(variable), "standoff": 12},
        "automargin": True,
        "showline": True,
        "mirror": "ticks",
        "ticks": "inside",
        "ticklen": 6,
        "linecolor": INK,
        "tickcolor": INK,
        "linewidth": 1,
        "showgrid": False,
        "zeroline": False,
        "exponentformat": "power",
        "minor": {"ticks": "inside", "ticklen": 3, "showgrid": False},
        **more,
    }


def _domains(count: int) -> list[tuple[float, float]]:
    """Panels from top to bottom."""
    gap = GAP if count > 1 else 0.0
    size = (1 - gap * (count - 1)) / count
    return [(1 - (n + 1) * size - n * gap, 1 - n * (size + gap)) for n in range(count)]


def _ids(n: int) -> tuple[str, str]:
    return ("", "") if n == 0 else (str(n + 1), str(n + 1))


def _numbers(values: Any) -> list[Any]:
    """A list that JSON knows: not-a-number is a gap."""
    array = np.asarray(values, dtype=float)
    return [v if np.isfinite(v) else None for v in array.tolist()]


def _dashes(curves: Sequence[Series]) -> list[int]:
    """Dashes of each curve; where they tell nothing apart, a curve on others is broken, so that those are seen."""
    own = [curve.dash for curve in curves]
    if any(own):
        return own
    broken = [0] * len(curves)
    for panel in {curve.panel for curve in curves}:
        inside = [n for n, curve in enumerate(curves) if curve.panel == panel]
        values = [np.asarray(curves[n].values.values, dtype=float) for n in inside]
        for n, below in zip(inside, layers(values), strict=True):
            broken[n] = min(below, len(DASHES) - 1)
    return broken


def _live_curves(
    question: Question, ds: xr.Dataset, curves: Sequence[Series], panels: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    (span,) = question.spans
    data, layout = [], {}
    seen = set()
    for curve, dash in zip(curves, _dashes(curves), strict=True):
        x = curve.values[span.name]
        tail = _ids(panels.index(curve.panel))[0]
        name = _caption(curve.place, ds) or curve.values.name
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if x.size <= MARKED else "lines",
                "x": _numbers(x),
                "y": _numbers(curve.values),
                "xaxis": f"x{tail}",
                "yaxis": f"y{tail}",
                "name": str(name),
                "legendgroup": str(name),
                "showlegend": name not in seen,
                "line": {"color": COLOURS[curve.colour], "dash": DASHES[dash], "width": 2},
                "marker": {"size": 5},
                "hovertemplate": "%{x:.5g}, %{y:.5g}",
            }
        )
        seen.add(name)
    kind = {"type": "log"} if span.log else {}
    own, shapes = own_value(question, span, ds), []
    for n, (panel, domain) in enumerate(zip(panels, _domains(len(panels)), strict=True)):
        tail = _ids(n)[0]
        inside = [curve.values.values for curve in curves if curve.panel == panel]
        signs = bool(any((v < 0).any() for v in inside) and any((v > 0).any() for v in inside))
        layout[f"xaxis{tail}"] = _axis(ds[span.name], anchor=f"y{tail}", **kind) | (
            {"matches": "x"} if n else {}
        )
        if n < len(panels) - 1:
            layout[f"xaxis{tail}"] |= {"title": None, "showticklabels": False}
        layout[f"yaxis{tail}"] = _axis(
            ds[question.observable],
            domain=domain,
            anchor=f"x{tail}",
            zeroline=signs,
            zerolinecolor="#cfcfcf",
            zerolinewidth=1,
        )
        shapes += _own_line(own, tail, "x")
    return data, layout | {"annotations": _panel_titles(panels), "shapes": shapes}


def _note(text: str) -> dict[str, Any]:
    """A line in the middle of the figure."""
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "yanchor": "bottom",
        "showarrow": False,
        "bgcolor": "#ffffff",
    }


def _panel_titles(panels: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "text": panel,
            "xref": "paper",
            "yref": "paper",
            "x": 1,
            "y": top,
            "xanchor": "right",
            "yanchor": "bottom",
            "showarrow": False,
        }
        for panel, (_, top) in zip(panels, _domains(len(panels)), strict=True)
        if panel
    ]


def _live_maps(
    question: Question, ds: xr.Dataset, curves: Sequence[Series], panels: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    against, along = question.spans
    data, layout = [], {}
    tops = [float(np.nanmax(np.abs(curve.values.values), initial=0.0)) for curve in curves]
    top = max(tops) or zero_within(question, ds) or 1.0
    own = [own_value(question, span, ds) for span in (along, against)]
    shapes: list[dict[str, Any]] = []
    signed = not any(tops) or any(bool((curve.values < 0).any()) for curve in curves)
    for n, (curve, domain) in enumerate(zip(curves, _domains(len(panels)), strict=True)):
        tail = _ids(n)[0]
        values = curve.values.transpose(against.name, along.name)
        data.append(
            {
                "type": "heatmap",
                "x": _numbers(values[along.name]),
                "y": _numbers(values[against.name]),
                "z": [_numbers(row) for row in values.values],
                "xaxis": f"x{tail}",
                "yaxis": f"y{tail}",
                "colorscale": DIVERGING if signed else "Viridis",
                "zmin": -top if signed else None,
                "zmax": top if signed else None,
                "zauto": not signed,
                "showscale": n == 0,
                "colorbar": {
                    "title": {"text": axis_title(ds[question.observable]), "side": "right"},
                    "thickness": 14,
                    "outlinewidth": 1,
                    "exponentformat": "power",
                },
                "hovertemplate": "%{x:.5g}, %{y:.5g}: %{z:.5g}<extra></extra>",
            }
        )
        layout[f"xaxis{tail}"] = _axis(
            ds[along.name], anchor=f"y{tail}", **({"type": "log"} if along.log else {})
        )
        layout[f"yaxis{tail}"] = _axis(
            ds[against.name],
            domain=domain,
            anchor=f"x{tail}",
            **({"type": "log"} if against.log else {}),
        )
        for value, axis in zip(own, "xy", strict=True):
            shapes += [{**one, "layer": "above"} for one in _own_line(value, tail, axis)]
    return data, layout | {"annotations": _panel_titles(panels), "shapes": shapes}


def printed_figure(question: Question, ds: xr.Dataset) -> tuple[Plot, Mapping[str, xr.Dataset]]:
    """The same series as a description for print."""
    ds = as_asked(question, ds)
    curves = series(question, ds)
    names = [span.name for span in question.spans]
    x = names[-1]
    scale: Any = "log" if question.spans[-1].log else "linear"
    quantity = question.observable
    error = zero_within(question, ds)
    note = "" if error is None else "zero within error"
    if question.view == "map":
        data = {curve.panel: curve.values.to_dataset(name=quantity) for curve in curves}
        panels = tuple(
            Panel(
                source=curve.panel,
                x=x,
                y=names[0],
                colour=quantity,
                x_scale=scale,
                title=f"{curve.panel} {note}".strip(),
            )
            for curve in curves
        )
        return Plot(panels=panels, columns=min(len(panels), 2)), data
    several = len({curve.place for curve in curves}) > 1
    dash = len({curve.dash for curve in curves}) > 1
    by = ("curve" if dash else "series") if several else None
    data = {}
    for panel in dict.fromkeys(curve.panel for curve in curves):
        inside = [curve for curve in curves if curve.panel == panel]
        if by is None:
            data[panel] = inside[0].values.to_dataset(name=quantity)
            continue
        names_of = [_caption(curve.place, ds, mathtext=True) for curve in inside]
        joined = xr.concat([curve.values for curve in inside], xr.Variable(by, names_of))
        data[panel] = joined.assign_attrs(ds[quantity].attrs).to_dataset(name=quantity)
    panels = tuple(
        Panel(source=panel, x=x, y=quantity, by=by, x_scale=scale, title=f"{panel} {note}".strip())
        for panel in data
    )
    markers = ds.sizes[x] <= MARKED
    return Plot(panels=panels, columns=min(len(panels), 2), markers=markers), data
