"""Results, families and audits as text and as JSON."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chirospin.base import results
from chirospin.base.audit import CERTIFICATE, Certificate, certificate_row, checks_words
from chirospin.base.discrepancy import Discrepancy, discrepancies
from chirospin.base.family import Family, Problem
from chirospin.base.method import Method
from chirospin.base.parameters import Model, ParameterInfo
from chirospin.base.units import number, shown_unit

if TYPE_CHECKING:
    import xarray as xr

GAP, NARROW = 2, 24  # characters between columns, and of a column that is not wrapped further
ROWS = 40  # lines of a table on the terminal before it is cut
ENTRIES = 90  # of an array that is printed whole
PLACES = 21  # of a profile that are printed
ENTRIES_AT_A_PLACE = 4  # of an observable that has columns
WORDS = 3  # points of a grid whose words are printed
COLUMNS = 3  # entries of a vector that are columns of a table
FEW_WITH_WORDS = 12  # entries of an array that is printed beside words that say what is in it
FEW = 8  # of an array whose zeros are printed too


def table(rows: Sequence[Sequence[str]], head: Sequence[str], indent: str = "  ") -> str:
    """Columns of text, left aligned; on a terminal no wider than it is.

    Columns of sentences are wrapped; if that is not enough the columns stand in blocks one below the other,
    each with the first column.
    """
    cells = [head, *rows]
    room = line_width() - len(indent)
    widths = _fitting([[row[n] for row in cells] for n in range(len(head))], room)
    return "\n\n".join(
        "\n".join(indent + line for row in cells for line in _wrapped(row, block, widths))
        for block in _blocks(widths, room)
    )


def line_width() -> int:
    """Characters in a line of the terminal; without one, of a file or a pipe, there is no end."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _fitting(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """A width for each column: what it holds, or less of the widest of those that can be wrapped."""
    widths = [max(map(len, column)) for column in columns]
    least = [
        max([min(NARROW, width), *(len(word) for cell in column for word in cell.split())])
        for column, width in zip(columns, widths, strict=True)
    ]
    while sum(widths) + GAP * (len(widths) - 1) > room:
        wide = [n for n in range(len(widths)) if widths[n] > least[n]]
        if not wide:
            break
        widths[max(wide, key=lambda n: widths[n])] -= 1
    return widths


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns that stand side by side; every block begins with the first column."""
    blocks, used = [[0]], widths[0]
    for n in range(1, len(widths)):
        if used + GAP + widths[n] > room and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(n)
        used += GAP + widths[n]
    return blocks


def _wrapped(row: Sequence[str], block: Sequence[int], widths: Sequence[int]) -> list[str]:
    """The lines of one row."""
    cells = [
        textwrap.wrap(row[n], widths[n]) if len(row[n]) > widths[n] else [row[n]] for n in block
    ]
    return [
        (" " * GAP)
        .join(cell.ljust(widths[n]) for cell, n in zip(line, block, strict=True))
        .rstrip()
        for line in itertools.zip_longest(*cells, fillvalue="")
    ]


def certificates_text(certificates: Sequence[Certificate]) -> str:
    """The audit as a table, verdict first; one table for each method if there are several."""
    methods = list(dict.fromkeys(c.method for c in certificates))
    if len(methods) > 1:
        parts = []
        for name in methods:
            own = [c for c in certificates if c.method == name]
            failed = [c for c in own if not c.passed]
            parts.append(f"  {name}: {len(own) - len(failed)} of {len(own)} checks passed")
            parts += [certificates_text(failed)] if failed else []
        return "\n".join(parts)
    rows = [["ok" if c.passed else "FAILED", *certificate_row(c)[1:]] for c in certificates]
    return table(rows, ["", *CERTIFICATE[1:]])


def solved_text(ds: xr.Dataset, problem: Problem, certificates: Sequence[Certificate]) -> str:
    """A result for a terminal: scalar observables point by point, then the audit."""
    ds = results.settled(ds)
    grid = [str(d) for d in ds["converged"].dims]
    plain = [
        observable
        for observable in problem.observables
        if observable.name in ds and set(ds[observable.name].dims) <= set(grid)
    ]
    lines = [f"{problem.path}: {problem.question}", f"method {ds.attrs['method']}", ""]
    own = [
        observable
        for observable in problem.observables
        if observable.name in ds and observable not in plain
    ]
    if grid:
        flat = ds.stack(point=grid, create_index=False)
        columns: dict[str, xr.DataArray] = {}
        for observable in problem.observables:
            if observable in plain:
                columns[_title(ds, observable)] = flat[observable.name]
            elif observable in own:
                columns |= _parts(flat[observable.name], _title(ds, observable))
        own = [observable for observable in own if not _parts(flat[observable.name], "")]
        head = [*grid, *columns]
        rows = [
            [number(flat[d].values[p].item()) for d in grid]
            + [number(column.values[p]) for column in columns.values()]
            for p in range(flat.sizes["point"])
        ]
        lines.append(table(rows[:ROWS], head))
        if len(rows) > ROWS:
            lines.append(
                f"  ... {len(rows) - ROWS} more points; --out FILE.nc keeps all, --plot shows them"
            )
    if not grid:
        printed, own = _point_lines(ds, plain, own)
        lines += printed
    profiles = [observable for observable in own if grid or ds[observable.name].size > ENTRIES]
    places = [d for d in ds.dims if "units" in ds[d].attrs and d not in grid]
    if profiles and (places or grid):
        lines += [
            "",
            _profiles_text(ds, [observable.name for observable in profiles], [*grid, *places]),
        ]
        lines.append("  --out FILE.nc keeps the profiles, --plot FILE.png shows them")
    apart = discrepancies(ds, [observable.name for observable in problem.observables])
    if apart:
        lines += ["", _discrepancies_text(apart)]
    if _has_words(ds):
        lines += ["", *_remarks(ds)]
    reasons = sorted({str(r) for r in np.ravel(ds["reason"].values) if str(r)})
    lines += [f"  note: {reason}" for reason in reasons]
    lines += [
        "",
        f"audit {checks_words(certificates)} (worst over all points)",
        certificates_text(certificates),
    ]
    return "\n".join(lines)


def _point_lines(
    ds: xr.Dataset, plain: Sequence[Any], own: Sequence[Any]
) -> tuple[list[str], list[Any]]:
    """The lines of one point, and the observables that its table along a place has not shown."""
    lines = [
        f"  {one.name:<18} {number(ds[one.name].item()):>14} {shown_unit(_unit(ds, one))}".rstrip()
        for one in plain
    ]
    along, placed = _along_a_place(ds, [observable.name for observable in own])
    if placed:
        lines += [*([""] if plain else []), _placed_text(ds, along, placed)]
    left = [observable for observable in own if observable.name not in placed]
    most = FEW_WITH_WORDS if _has_words(ds) else ENTRIES
    for observable in left:
        if ds[observable.name].size <= most:
            lines += _entries(ds[observable.name], _unit(ds, observable))
    return lines, left


def _discrepancies_text(apart: Sequence[Discrepancy]) -> str:
    """Methods side by side: how far apart, their stated errors together, and the verdict."""
    rows = [
        [
            one.observable,
            f"{one.apart:.2g} {shown_unit(one.unit)}".rstrip(),
            "unknown" if math.isnan(one.errors) else f"{one.errors:.2g}",
            " and ".join(one.methods),
            one.verdict,
        ]
        for one in apart
    ]
    return table(rows, ["discrepancy", "apart", "their errors", "methods", ""])


def _has_words(ds: xr.Dataset) -> bool:
    """Whether any answer says what it means."""
    return results.REMARK in ds and any(str(one) for one in np.ravel(ds[results.REMARK].values))


def _remarks(ds: xr.Dataset) -> list[str]:
    """The words of an answer, or those of a grid's points, each once."""
    words = dict.fromkeys(
        str(remark) for remark in np.ravel(ds[results.REMARK].values) if str(remark)
    )
    lines = [f"  {line}" for remark in list(words)[:WORDS] for line in remark.splitlines()]
    left = len(words) - WORDS
    return [*lines, f"  ... and other words at {left} more points"] if left > 0 else lines


def _parts(values: xr.DataArray, title: str) -> dict[str, xr.DataArray]:
    """A column for each entry of a vector with few; those that are nowhere known are left out."""
    own = [d for d in values.dims if d != "point"]
    if len(own) != 1 or values.sizes[own[0]] > COLUMNS or "units" in values[own[0]].attrs:
        return {}
    parts = {f"{title} {v}": values.sel({own[0]: v}) for v in values[own[0]].values}
    return {name: part for name, part in parts.items() if bool(part.notnull().any())} or parts


def _along_a_place(ds: xr.Dataset, names: Sequence[str]) -> tuple[str, list[str]]:
    """A dimension with a unit, such as time, along which small arrays run, and those with few entries at each place."""
    for dim in ds.dims:
        run = [name for name in names if dim in ds[name].dims]
        small = any(ds[name].size <= ENTRIES for name in run)
        if "units" in ds[dim].attrs and ds.sizes[dim] > FEW and small and not _has_words(ds):
            return str(dim), [n for n in run if ds[n].size <= ENTRIES_AT_A_PLACE * ds.sizes[dim]]
    return "", []


def _placed_text(ds: xr.Dataset, dim: str, names: Sequence[str]) -> str:
    """A line for each of some places, the first and the last among them; a column for each entry."""
    count = ds.sizes[dim]
    shown = sorted({*range(0, count, -(-count // PLACES)), count - 1})
    head, columns = [_with_unit(dim, ds[dim].attrs["units"])], [ds[dim].values]
    for name in names:
        title = _with_unit(name, ds[name].attrs["units"])
        rest = [str(d) for d in ds[name].dims if d != dim]
        flat = (
            ds[name].stack(entry=rest, create_index=False)
            if rest
            else ds[name].expand_dims("entry")
        )
        for n in range(flat.sizes["entry"]):
            head.append(" ".join([title, *(str(flat[d].values[n]) for d in rest)]))
            columns.append(flat.isel(entry=n).values)
    rows = [[number(column[at]) for column in columns] for at in shown]
    text = table(rows, head)
    if len(shown) < count:
        text += f"\n  {len(shown)} of {count} places; --out FILE.nc keeps all, --plot FILE.png shows them"
    return text


def _with_unit(name: str, unit: str) -> str:
    shown = shown_unit(unit)
    return f"{name} ({shown})" if shown else name


def _entries(values: xr.DataArray, unit: str) -> list[str]:
    """Every entry of a small array in a line; of a tensor those that are not rounding."""
    dims = [str(d) for d in values.dims]
    entries = values.stack(entry=dims, create_index=False)
    size = float(np.nanmax(np.abs(values.values), initial=0.0))
    many = values.size > FEW
    if many and not bool(values.notnull().any()):
        return [f"  {values.name:<18} {number(np.nan):>14} {shown_unit(unit)}  (all)"]
    lines = []
    for p in range(entries.sizes["entry"]):
        value = entries.values[p]
        if many and abs(value) <= 1e-12 * size:
            continue
        where = ", ".join(f"{d} {entries[d].values[p]}" for d in dims)
        lines.append(f"  {values.name:<18} {number(value):>14} {shown_unit(unit)}  ({where})")
    if len(lines) < values.size:
        lines.append(f"  {values.name:<18} {0:>14} {shown_unit(unit)}  (all others)")
    return lines


def _profiles_text(ds: xr.Dataset, names: Sequence[str], along: Sequence[Any]) -> str:
    """Smallest and largest value of each profile and where they are."""
    rows = []
    for name in names:
        values = abs(ds[name]) if ds[name].dtype.kind == "c" else ds[name]
        rest = [d for d in values.dims if d not in along]
        over = [d for d in values.dims if d in along]
        flat = values.stack(at=over, create_index=False)
        if rest:
            flat = flat.stack(entry=rest, create_index=False)
        for p in range(flat.sizes.get("entry", 1)):
            entry = flat.isel(entry=p) if rest else flat
            if rest and _vanishes(entry, flat):
                continue
            title = ", ".join([name, *(f"{d} {flat[d].values[p]}" for d in rest)])
            if not np.isfinite(entry.values).any():
                rows.append([title, "", "", "", "", "not known"])
                continue
            filled = entry.where(np.isfinite(entry))
            ends = [filled.isel(at=int(f(filled.values))) for f in (np.nanargmin, np.nanargmax)]
            cells = [
                cell
                for end in ends
                for cell in (number(end.item()), ", ".join(number(end[d].item()) for d in over))
            ]
            rows.append([title, *cells, shown_unit(str(ds[name].attrs["units"]))])
    where = ", ".join(
        f"{d} ({ds[d].attrs['units']})" if "units" in ds[d].attrs else str(d) for d in along
    )
    return table(rows, ["profile", "smallest", f"at {where}", "largest", "at", "unit"])


def _vanishes(entry: xr.DataArray, whole: xr.DataArray) -> bool:
    """Whether an entry of a tensor with many is rounding everywhere."""
    size = float(np.nan_to_num(np.abs(whole.values)).max(initial=0.0))
    mine = float(np.nan_to_num(np.abs(entry.values)).max(initial=0.0))
    known = bool(np.isfinite(entry.values).any())
    return known and whole.sizes["entry"] > FEW and mine <= 1e-12 * size


def _unit(ds: xr.Dataset, observable: Any) -> str:
    """The unit in the models that were solved, which may depend on their dimension."""
    return str(ds[observable.name].attrs["units"])


def _title(ds: xr.Dataset, observable: Any) -> str:
    return _with_unit(observable.name, _unit(ds, observable))


def solved_json(
    ds: xr.Dataset,
    problem: Problem,
    model: Model,
    methods: Sequence[Method],
    certificates: Sequence[Certificate],
) -> str:
    """A result as the one JSON object of the command line."""
    grid = [str(d) for d in ds["converged"].dims]
    names = [observable.name for observable in problem.observables if observable.name in ds]
    dims = dict.fromkeys([*grid, *(str(d) for n in names for d in ds[n].dims)])
    swept = set(grid).union(*(model.shorthands.get(d, ()) for d in grid))
    body = {
        "family": problem.family,
        "model": problem.name,
        "method": methods[0].name if len(methods) == 1 else [m.name for m in methods],
        "parameters": {
            info.name: {"value": plain(getattr(model, info.name)), "unit": info.unit}
            for info in model.parameters()
            if info.name not in swept and not info.axis
        },
        "coordinates": {
            d: {"values": plain(ds[d].values), "unit": ds[d].attrs.get("units", "1")} for d in dims
        },
        "observables": {
            n: {
                "dims": list(ds[n].dims),
                "values": plain(ds[n].values),
                "unit": ds[n].attrs["units"],
            }
            | ({"error": plain(ds[error].values)} if (error := n + results.ERROR) in ds else {})
            for n in [*names, "converged", "residual", "iterations", "reason"]
        },
        **({results.REMARK: plain(ds[results.REMARK].values)} if results.REMARK in ds else {}),
        **_discrepancies_json(discrepancies(ds, names)),
        "audit": certificates_json(certificates),
        "provenance": json.loads(ds.attrs["provenance"])
        | {
            "method_settings": json.loads(ds.attrs["method_settings"]),
            "references": ds.attrs["references"].split(", "),
        },
    }
    return json.dumps(body, ensure_ascii=False)


def _discrepancies_json(apart: Sequence[Discrepancy]) -> dict[str, Any]:
    """How far methods side by side are apart; nothing of one method."""
    rows = [
        {
            "observable": one.observable,
            "unit": one.unit,
            "methods": list(one.methods),
            "apart": plain(one.apart),
            "errors": plain(one.errors),
            "agree": one.agree,
        }
        for one in apart
    ]
    return {"discrepancy": rows} if rows else {}


def certificates_json(certificates: Sequence[Certificate]) -> list[dict[str, Any]]:
    """The audit for JSON; the method is named where there are several."""
    several = len({c.method for c in certificates}) > 1
    return [
        {"name": c.name, "value": plain(c.value), "tolerance": c.tolerance, "passed": c.passed}
        | ({"method": c.method} if several else {})
        for c in certificates
    ]


def plain(value: Any) -> Any:
    """JSON values: objects, nested lists, complex as [re, im], not-a-number as null."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parameter_facts(info: ParameterInfo) -> dict[str, Any]:
    """One parameter for ``describe --json``."""
    return {
        "symbol": info.symbol,
        "unit": info.unit,
        "default": plain(info.default),
        "range": info.range,
        "low": info.low,
        "high": info.high,
        "about": info.about,
    }


def described(family: Family) -> dict[str, Any]:
    """Everything a family declares; beside its models what belongs to the default one."""
    default = _described_problem(family.problems[0])
    return {
        "family": family.name,
        "question": family.question,
        "models": {member.name: _described_problem(member) for member in family.problems},
    } | {key: default[key] for key in ("methods", "observables", "checks", "audits")}


def _described_problem(problem: Problem) -> dict[str, Any]:
    kind = problem.model
    return {
        "about": (kind.__doc__ or "").splitlines()[0],
        "path": problem.path,
        "python": problem.in_python,
        "question": problem.question,
        "parameters": {i.name: parameter_facts(i) for i in kind.parameters()},
        "shorthands": {s: list(m) for s, m in kind.shorthands.items()},
        "methods": {
            name: {
                "about": method.summary,
                "references": list(method.references),
                "options": {
                    k: {"default": f.default, "about": f.description}
                    for k, f in method.model_fields.items()
                },
            }
            for name, method in problem.methods.items()
        },
        "observables": {
            o.name: {"symbol": o.symbol, "unit": o.unit, "dims": list(o.dims), "about": o.about}
            for o in problem.observables
        },
        "checks": {c.name: c.about for c in problem.checks},
        "audits": {a.name: a.about for a in problem.audits},
    }


def described_text(family: Family) -> str:
    """A family for a terminal."""
    return "\n\n".join(
        [f"{family.name}: {family.question}"]
        + [_described_problem_text(family, problem) for problem in family.problems]
    )


def _described_problem_text(family: Family, problem: Problem) -> str:
    facts = _described_problem(problem)
    lines = [] if len(family.problems) == 1 else [f"{problem.path}: {facts['question']}"]
    lines.append(
        f"Parameters of {problem.path} (--set NAME=VALUE, --over NAME=START:STOP:COUNT; "
        f"in Python {problem.in_python}(NAME=VALUE))"
    )
    rows = [
        [n, p["symbol"], shown_unit(p["unit"]), number(p["default"]), p["range"], p["about"]]
        for n, p in facts["parameters"].items()
    ]
    rows += [
        [s, "", "", "", "", f"shorthand: sets {', '.join(members)}"]
        for s, members in facts["shorthands"].items()
    ]
    lines.append(table(rows, ["name", "symbol", "unit", "default", "range", "meaning"]))
    lines += ["", "Methods (--method NAME, --option NAME=VALUE)"]
    for name, method in facts["methods"].items():
        lines.append(f"  {name}: {method['about']}")
        lines += [f"      {k} = {o['default']}  {o['about']}" for k, o in method["options"].items()]
    lines += [
        "",
        "Observables",
        table(
            [
                [n, shown_unit(o["unit"]), ", ".join(o["dims"]), o["about"]]
                for n, o in facts["observables"].items()
            ],
            ["name", "unit", "dimensions", "meaning"],
        ),
    ]
    lines += ["", f"Try: chirospin solve {problem.path}"]
    return "\n".join(lines)
