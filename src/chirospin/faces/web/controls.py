"""The form of any problem, made from what it declares. No family is named here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dash import dcc, html

from chirospin.base.families import installed
from chirospin.base.family import Problem
from chirospin.base.parameters import Model, ParameterInfo
from chirospin.base.symbols import Piece, symbol_pieces, unit_pieces
from chirospin.base.units import number, shown_unit
from chirospin.faces.web.question import Question, mirror_parameter, plain_settings

CURVE_POINTS, MAP_WIDTH, MAP_POINTS = "40", "20", "14"  # even: a symmetric range leaves out 0
STEPS = 200  # of a slider
WIDE = 20.0  # sizes of the default from which a bound is no range to look at
FIRST = ("spin_orbit", "thermal_energy", "chemical_potential")  # swept at first, if declared
MOST_ENTRIES = 60  # of a menu
FEW_ENTRIES = 4  # of a dimension that are all shown at first
GROUPS = (  # of parameters, by the words of their names; the first that fits
    ("vibrations", ("phonon", "holstein", "peierls", "modulation", "bath", "mode", "spectrum")),
    ("probes", ("probe", "dephasing")),
    ("repulsion", ("hubbard", "repulsion", "hund", "screening")),
    ("spin-orbit coupling and handedness", ("spin_orbit", "twist", "handedness", "spin_frame", "texture")),
    ("temperature", ("thermal", "temperature")),
    ("leads and bias", (
        "lead", "bias", "occupation_", "coupling", "hybridisation", "reservoir", "potential", "gate", "drop",
        "field", "current_density", "window", "injection", "walls",
    )),
    ("hopping", ("hopping", "reach", "decay")),
    ("energies", ("energy", "energies", "level", "splitting", "gap", "one_body", "frequency")),
)  # fmt: skip
COMPONENTS = ("x", "y", "z")
REST = "size and material"
_TAGS: dict[str, Any] = {"i": html.I, "b": html.B, "sub": html.Sub, "sup": html.Sup}


def nodes(pieces: Sequence[Piece]) -> list[Any]:
    """Marked text as components."""
    children: list[Any] = []
    for piece in pieces:
        node: Any = piece.text
        for tag in reversed(piece.tags):
            node = _TAGS[tag](node)
        children.append(node)
    return children


def dom_id(kind: str, name: str) -> str:
    """The id that an element with a pattern id has on the page."""
    return json.dumps({"kind": kind, "name": name}, sort_keys=True, separators=(",", ":"))


def default_text(info: ParameterInfo) -> str:
    """A default as one would type it; empty where the parameter may be left out."""
    value = info.default
    if value is None:
        return ""
    if isinstance(value, tuple):
        return str(list(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a slider covers."""

    low: float
    high: float
    step: float


def slider_reach(info: ParameterInfo) -> Reach | None:
    """A slider's range: the declared bounds, or a few times the default where they are far or absent.

    None for what has no slider.
    """
    if (
        info.choices
        or info.shape is not None
        or info.axis
        or not isinstance(info.default, (int, float))
    ):
        return None
    default = float(info.default)
    size = abs(default) or 1.0
    floor = info.above if info.low is None else info.low
    ceiling = info.below if info.high is None else info.high
    floor = None if floor is not None and floor < default - WIDE * size else floor
    ceiling = None if ceiling is not None and ceiling > default + WIDE * size else ceiling
    low = -2 * size if floor is None else floor
    rise = 2 * size - low if floor is None else 4 * (abs(default - low) or size)
    high = low + rise if ceiling is None else ceiling
    if info.integer:
        most = max(math.floor(high), math.ceil(low) + 5)
        return Reach(
            low=math.ceil(low),
            high=most if ceiling is None else min(most, math.floor(high)),
            step=1,
        )
    step = _round_step((high - low) / STEPS)
    low = math.floor(low / step) * step if floor is None else low
    if floor is not None and (floor == info.above or 0 < floor < step):
        low = (
            math.floor(low / step) * step + step
        )  # nothing is asked at an open end, or beside zero
        high = math.floor(high / step + 0.5) * step if ceiling is None else high
    high = high - step if ceiling is not None and ceiling == info.below else high
    return Reach(low=low, high=high, step=step)


def _round_step(size: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten that is not larger."""
    power = 10.0 ** math.floor(math.log10(size))
    return float(max(n for n in (1, 2, 5) if n * power <= size * (1 + 1e-9)) * power)


def _members(kind: type[Model]) -> dict[str, str]:
    """Parameters that a shorthand sets, with the shorthand."""
    return {member: short for short, members in kind.shorthands.items() for member in members}


def ordered_parameters(kind: type[Model]) -> Iterator[ParameterInfo]:
    """The parameters in order, each shorthand before its first member; axes left out."""
    members, seen = _members(kind), set()
    for info in kind.parameters():
        short = members.get(info.name)
        if short is not None and short not in seen:
            seen.add(short)
            yield kind.parameter_info(short)
        if not info.axis:
            yield info


def sweepable(kind: type[Model]) -> list[str]:
    """Names that may be an axis: the model's own axes first."""
    infos = list(ordered_parameters(kind))
    axes = [info.name for info in kind.parameters() if info.axis]
    return axes + [i.name for i in infos if slider_reach(i) is not None and not i.choices]


def own_axes(problem: Problem, observable: str) -> list[str]:
    """The axis parameters along which an observable is a profile, the longest first."""
    (one,) = problem.choose((observable,))
    labels = problem.labels(problem.model())
    axes = [i.name for i in problem.model.parameters() if i.axis and i.name in one.dims]
    return sorted(axes, key=lambda name: -len(labels[name]))


def first_axis(problem: Problem, observable: str) -> str:
    """The axis shown at first: the observable's own, or the sweep most often wanted."""
    kind = problem.model
    plain = [n for n in sweepable(kind) if not kind.parameter_info(n).axis]
    wanted = [name for name in FIRST if name in plain]
    return (own_axes(problem, observable) + wanted + plain)[0]


def span_texts(kind: type[Model], name: str, points: str) -> tuple[str, str, str]:
    """Ends and points of an axis to start from; without ends for the model's own places."""
    info = kind.parameter_info(name)
    reach = slider_reach(info)
    if reach is None:
        return "", "", points
    count = str(int(reach.high - reach.low) + 1) if info.integer else points
    return f"{reach.low:.4g}", f"{reach.high:.4g}", count


def family_options() -> list[dict[str, Any]]:
    """All problems of all families, for a menu."""
    return [
        {"label": f"{member.path.replace('_', ' ')}: {member.question}", "value": member.path}
        for family in installed()
        for member in family.problems
    ]


def problems_by_question() -> list[tuple[str, str]]:
    """Every problem with its question, for a list."""
    return [(one["value"], one["label"].partition(": ")[2]) for one in family_options()]


def first_entry(count: int, dimensions: int, *, places: bool) -> str:
    """What is shown at first: the middle place of a profile; all entries of few, or the first."""
    if places:
        return str(count // 2)
    return "0" if count > FEW_ENTRIES or dimensions > 2 else "all"


def entry_rows(problem: Problem, observable: str, axes: Sequence[str]) -> list[Any]:
    """A menu for each dimension of an observable that is not an axis."""
    (one,) = problem.choose((observable,))
    labels = problem.labels(problem.model())
    rows = []
    names = [info.name for info in problem.model.parameters() if info.axis]
    sizes = [d for d in one.dims if d not in axes]
    for dim in sizes:
        entries = [number(v) for v in labels[dim]]
        if len(entries) < 2:
            continue
        places = dim in names
        menu = [] if places else [{"label": "all", "value": "all"}]
        step = max(1, len(entries) // MOST_ENTRIES)
        rows.append(
            html.Div(
                [
                    html.Label(dim.replace("_", " "), htmlFor=dom_id("entry", dim)),
                    dcc.Dropdown(
                        id={"kind": "entry", "name": dim},
                        options=menu
                        + [
                            {"label": e, "value": str(n)}
                            for n, e in enumerate(entries)
                            if n % step == (len(entries) // 2) % step
                        ],
                        value=first_entry(len(entries), len(sizes), places=places),
                        clearable=False,
                        searchable=False,
                    ),
                ],
                className="pair",
            )
        )
    return rows


@dataclass(frozen=True, kw_only=True)
class Begin:
    """What a form shows first: a problem's opening figure, or the question that a link restores."""

    observable: str
    view: str
    along: tuple[str, str, str, str]
    against: tuple[str, str, str, str]
    unit: str = ""
    log: tuple[bool, bool] = (False, False)
    values: Mapping[str, str] = field(default_factory=dict)
    question: Question | None = None

    def text(self, name: str, default: str) -> str:
        """What a parameter's field holds."""
        return self.values.get(name, default)


def opening(problem: Problem) -> Begin:
    """The figure that the problem names, or its quantity along its own axis or the sweep most often wanted."""
    kind, own = problem.model, problem.opening
    observable = problem.quantity if own is None else own.observable
    along = first_axis(problem, observable) if own is None else own.along
    names, labels = sweepable(kind), problem.labels(kind())
    plane = [name for name in own_axes(problem, observable) if len(labels[name]) > 1]
    infos = [kind.parameter_info(n) for n in names if n != along]
    swept = [i.name for i in infos if not i.axis and not i.integer]
    against = [*plane[1:], *swept, along][0]
    ends = span_texts(kind, along, CURVE_POINTS)
    return Begin(
        observable=observable,
        view="map" if len(plane) > 1 else "curve",
        along=(along, *(ends if own is None else (own.start, own.stop, own.count or ends[2]))),
        against=(against, *span_texts(kind, against, MAP_POINTS)),
        unit="" if own is None else own.unit,
        values={} if own is None else own.values,
    )


def restored(problem: Problem, question: Question) -> Begin:
    """The form as a question has it."""
    first = opening(problem)
    known = sweepable(problem.model)
    spans = [
        (span.name, span.start, span.stop, span.count) if span and span.name in known else own
        for span, own in ((question.along, first.along), (question.against, first.against))
    ]
    return Begin(
        observable=problem.choose((question.observable or first.observable,))[0].name,
        view=question.view,
        along=spans[0],
        against=spans[1],
        unit=question.unit,
        log=tuple(bool(s and s.log) for s in (question.along, question.against)),  # type: ignore[arg-type]
        values=question.values,
        question=question,
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith("?") else ".")


def problem_form(problem: Problem, question: Question | None = None) -> list[Any]:
    """The whole form of a problem, as at first or as a question has it."""
    kind = problem.model
    first = opening(problem) if question is None else restored(problem, question)
    names = sweepable(kind)
    defaults = {
        i.name: "" if i.name in _members(kind) else default_text(i)
        for i in ordered_parameters(kind)
    }
    axes = (first.along[0], first.against[0])
    return [
        dcc.Store(id="defaults", data=defaults),
        html.P(_sentence(problem.question), className="about"),
        html.Img(id="drawing", alt="the model, drawn from its parameters", hidden=True),
        _section("Method", _method_fields(problem, question)),
        _section(
            "Figure",
            [
                _observable_field(problem, first),
                html.Div(_entries_at_first(problem, first, axes), id="entries"),
                dcc.RadioItems(
                    id="view",
                    options=[
                        {"label": "curve", "value": "curve"},
                        {"label": "map", "value": "map"},
                        {"label": "one point", "value": "point"},
                    ],
                    value=first.view,
                    inline=True,
                    className="choices",
                ),
                html.Div(
                    _span_fields("along", kind, names, first.along, log=first.log[0]),
                    id="along",
                    hidden=first.view == "point",
                ),
                html.Div(
                    _span_fields("against", kind, names, first.against, log=first.log[1]),
                    id="against",
                    hidden=first.view != "map",
                ),
                _hands(kind, both=question is not None and question.hands),
            ],
        ),
        _section("Parameters", _parameter_rows(kind, first)),
    ]


def _entries_at_first(problem: Problem, first: Begin, axes: tuple[str, str]) -> list[Any]:
    """Menus of the dimensions, each at the entry of the question that is restored."""
    if first.view == "point":
        return []
    rows = entry_rows(problem, first.observable, axes[: 1 + (first.view == "map")])
    wanted = {} if first.question is None else first.question.entries
    for row in rows:
        menu = row.children[1]
        value = wanted.get(menu.id["name"])
        if value in [one["value"] for one in menu.options]:
            menu.value = value
    return rows


def _observable_field(problem: Problem, first: Begin) -> html.Div:
    names = [
        {"label": _named(o.name, o.symbol, o.unit), "value": o.name} for o in problem.observables
    ]
    return html.Div(
        [
            html.Label("show", htmlFor="observable"),
            _dropdown("observable", names, first.observable),
            html.Label("in units", htmlFor="unit"),
            dcc.Input(
                id="unit",
                value=first.unit,
                placeholder="as declared; or nA, bias=mV",
                type="text",
                maxLength=80,
                autoComplete="off",
                className="number unit-words",
            ),
        ],
        className="pair",
    )


def _dropdown(name: str, options: list[Any], value: str) -> dcc.Dropdown:
    """One of some choices, never none."""
    return dcc.Dropdown(id=name, options=options, value=value, clearable=False, searchable=False)


def _section(title: str, children: list[Any]) -> html.Section:
    return html.Section([html.H2(title), *children])


def _named(name: str, symbol: str, unit: str) -> html.Span:
    shown = shown_unit(unit)
    return html.Span(
        [
            html.Span(nodes(symbol_pieces(symbol)), className="symbol"),
            " ",
            name.replace("_", " "),
            *([" (", *nodes(unit_pieces(unit)), ")"] if shown else []),
        ]
    )


def _method_fields(problem: Problem, question: Question | None) -> list[Any]:
    methods = problem.methods
    chosen = [next(iter(methods))]
    typed: Mapping[str, str] = {}
    if question is not None:
        chosen, typed = [m for m in question.methods if m in methods], question.options
    options = {
        name: (field, kind.name)
        for kind in methods.values()
        for name, field in plain_settings(kind).items()
    }
    rows: list[Any] = [
        dcc.Checklist(
            id="methods",
            options=[
                {"label": html.Span(n, title=m.summary), "value": n} for n, m in methods.items()
            ],
            value=chosen,
            className="choices",
        )
    ]
    fields = [
        html.Div(
            [
                html.Label(
                    name.replace("_", " "),
                    title=field.description or "",
                    htmlFor=dom_id("option", name),
                ),
                dcc.Input(
                    id={"kind": "option", "name": name},
                    value=typed.get(name, ""),
                    placeholder="" if field.default is None else str(field.default),
                    type="text",
                    maxLength=80,
                    autoComplete="off",
                    className="number",
                ),
                html.Small(f"{field.description or ''} ({owner})"),
            ],
            className="setting",
        )
        for name, (field, owner) in options.items()
    ]
    if fields:
        rows.append(html.Details([html.Summary("numerical settings"), *fields]))
    return rows


def _hands(kind: type[Model], *, both: bool) -> html.Div:
    name = mirror_parameter(kind)
    sign = nodes(symbol_pieces(kind.parameter_info(name).symbol)) if name else []
    return html.Div(
        dcc.Checklist(
            id="hands",
            options=[{"label": html.Span(["both handednesses (±", *sign, ")"]), "value": "both"}],
            value=["both"] if both else [],
            className="choices",
        ),
        hidden=name is None,
    )


def _span_fields(
    which: str, kind: type[Model], names: Sequence[str], span: Sequence[str], *, log: bool
) -> html.Div:
    chosen, start, stop, count = span
    swept = [{"label": _parameter_name(kind.parameter_info(n)), "value": n} for n in names]
    ends = [
        dcc.Input(
            id=f"{which}-{end}",
            value=value,
            type="text",
            maxLength=40,
            autoComplete="off",
            placeholder=hint,
            className="number",
        )
        for end, value, hint in (("start", start, "auto"), ("stop", stop, "auto"))
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.Label(which, htmlFor=f"{which}-name"),
                    _dropdown(f"{which}-name", swept, chosen),
                ],
                className="pair",
            ),
            html.Div(
                [
                    html.Label("from", htmlFor=f"{which}-start"),
                    ends[0],
                    html.Label("to", htmlFor=f"{which}-stop"),
                    ends[1],
                    html.Label("points", htmlFor=f"{which}-count"),
                    dcc.Input(
                        id=f"{which}-count",
                        value=count,
                        type="text",
                        inputMode="numeric",
                        maxLength=6,
                        autoComplete="off",
                        className="number count",
                    ),
                    dcc.Checklist(
                        id=f"{which}-log",
                        options=[{"label": "log", "value": "log"}],
                        value=["log"] if log else [],
                        className="choices",
                    ),
                ],
                className="span",
            ),
        ]
    )


def _parameter_name(info: ParameterInfo) -> html.Span:
    return _named(info.name, info.symbol, info.unit)


def group_of(info: ParameterInfo) -> str:
    """The group that a parameter is shown in, by the words of its name."""
    return next((name for name, words in GROUPS if any(w in info.name for w in words)), REST)


def _parameter_rows(kind: type[Model], first: Begin) -> list[Any]:
    members = _members(kind)
    grouped: dict[str, list[Any]] = {}
    folded, arrays = [], []
    for info in ordered_parameters(kind):
        text = first.text(info.name, "" if info.name in members else default_text(info))
        row = parameter_row(info, text, members.get(info.name))
        if info.name in members:
            folded.append(row)
        elif info.shape is not None and info.default is None:
            arrays.append(row)
        else:
            grouped.setdefault(group_of(info), []).append(row)
    order = [*reversed([name for name, _ in GROUPS]), REST]
    rows: list[Any] = [  # not in <details>, out of which no key leads from a dropdown
        html.Div([html.H4(name), *grouped[name]], className="group")
        for name in sorted(grouped, key=order.index)
    ]
    for title, found in (("what the shorthands set, one by one", folded), ("arrays", arrays)):
        if found:
            rows.append(html.Details([html.Summary(title), *found]))
    return [html.P("Values may carry units: 25 meV, 300 K, 90 deg, pi/2.", className="hint"), *rows]


def parameter_row(info: ParameterInfo, text: str, follows: str | None = None) -> html.Div:
    """Symbol, name, field with unit, and a slider where the values form a range.

    Parameters
    ----------
    text : what the field holds
    follows : the shorthand that a blank field follows
    """
    reach = slider_reach(info) if follows is None else None
    help_text = f"{info.about}; {info.range} ({info.unit_words})"
    typed = _field(info, text, follows)
    unit = html.Span(nodes(unit_pieces(info.unit)), className="unit")
    head = html.Div(
        [
            html.Label(
                [
                    html.Span(nodes(symbol_pieces(info.symbol)), className="symbol"),
                    html.Span(info.name.replace("_", " "), className="name"),
                ],
                title=help_text,
                htmlFor=dom_id("field", info.name),
            ),
            typed,
            unit,
        ],
        className="line",
    )
    slider = [] if reach is None else [_slider(info, reach, text)]
    return html.Div(
        [head, *slider, *_components(info, text), html.Small(help_text, className="help")],
        id={"kind": "row", "name": info.name},
        className="parameter",
    )


def _components(info: ParameterInfo, text: str) -> list[Any]:
    """A field for each component of a vector of fixed size, in step with the field of the whole."""
    shape = info.shape
    if shape is None or shape.kind is not float or len(shape.axes) != 1 or info.default is None:
        return []
    if not isinstance(shape.axes[0], int):
        return []
    try:
        values = [f"{float(v):g}" for v in json.loads(text)]
    except (ValueError, TypeError):
        values = [""] * shape.axes[0]
    names = COMPONENTS if shape.axes[0] <= len(COMPONENTS) else range(1, shape.axes[0] + 1)
    fields = [
        html.Label(
            [
                html.I(str(name)),
                dcc.Input(
                    id={"kind": "component", "name": info.name, "n": n},
                    value=value,
                    type="text",
                    maxLength=40,
                    autoComplete="off",
                    className="number component",
                ),
            ]
        )
        for n, (name, value) in enumerate(zip(names, values, strict=False))
    ]
    return [html.Div(fields, className="components")]


def _field(info: ParameterInfo, text: str, follows: str | None) -> Any:
    """Where the value is typed, or chosen where there are few."""
    field_id = {"kind": "field", "name": info.name}
    if info.choices:
        signed = -1 in info.choices
        options = [
            {"label": f"{c:+d}" if signed and isinstance(c, int) else str(c), "value": str(c)}
            for c in info.choices
        ]
        return dcc.Dropdown(
            id=field_id,
            options=options,
            value=text,
            clearable=False,
            searchable=False,
            className="number",
        )
    return dcc.Input(
        id=field_id,
        value=text,
        type="text",
        placeholder=f"as {follows}" if follows else (default_text(info) or "none"),
        maxLength=2000,
        autoComplete="off",
        spellCheck=False,
        className="number" if info.shape is None else "number wide",
    )


def _slider(info: ParameterInfo, reach: Reach, text: str) -> html.Label:
    try:
        value = float(text)
    except ValueError:  # with a unit
        value = float(info.default)
    return html.Label(
        [
            html.Span(f"slide {info.name.replace('_', ' ')}", className="unseen"),
            dcc.Input(
                id={"kind": "slider", "name": info.name},
                type="range",
                min=min(reach.low, value),
                max=max(reach.high, value),
                step=reach.step,
                value=value,
                className="slider",
            ),
        ]
    )
