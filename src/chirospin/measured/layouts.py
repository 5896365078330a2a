"""The layouts of files of curves: each file to records of bias and current with labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.base.units import plain_conversion
from chirospin.measured.description import Description, Layout
from chirospin.measured.labels import (
    BIAS,
    CURRENT,
    DENSITY,
    KINDS,
    SLOPE,
    TIME,
    Head,
    head_of,
    labels_of,
    normal_unit,
    role_of,
)
from chirospin.measured.tables import Table, decoded, is_number, sheets_of, table_of

Real = NDArray[np.float64]
FIRST_ROWS = 3


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measured record, a curve or several loops.

    Parameters
    ----------
    bias : V
    current : A, or A/cm^2 where ``density``
    labels : words as they stand in the file, by label
    """

    bias: Real
    current: Real
    labels: dict[str, str]
    file: str
    column: str
    density: bool = False
    numbered_by_file: bool = False


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was understood of a file.

    Parameters
    ----------
    rows : the first rows, as they were cut into cells
    units : of bias and current, and where they come from
    """

    file: str
    layout: Layout
    records: tuple[Record, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    units: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def reading_of(name: str, raw: bytes, description: Description) -> Reading:
    """Read the bytes of one file.

    Parameters
    ----------
    name : of the file; its suffix tells a workbook

    Raises
    ------
    ModelError : what is wrong, with file and line, and the remedy
    """
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.rpartition("/")[2])
    layout = description.layout
    if layout == "sheets" or raw[:4] == b"PK\x03\x04":
        return _sheets(name, stem, raw, description)
    text = decoded(name, raw, description.encoding)
    lines = text.splitlines()
    if layout == "nanonis" or (layout is None and any(x.strip() == "[DATA]" for x in lines[:2000])):
        return _nanonis(name, stem, lines, description)
    marked = any(line.startswith("\\") for line in lines[:2000])
    if layout == "ramps" or (layout is None and marked):
        return _ramps(name, stem, lines, description)
    table = table_of(name, lines, description)
    if layout == "long" or (layout is None and _is_long(table, description)):
        return _long(name, table, description)
    return _wide(name, stem, table, description)


def _first_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row[:6]) for row in [*table.head, *table.body[:FIRST_ROWS]])


def _heads(table: Table) -> list[Head]:
    """Name and unit of each column, from one to three rows: names, perhaps units, perhaps remarks."""
    if not table.head:
        return [Head(name="", unit=None, kind=None)] * table.width
    units = next(
        (
            row
            for row in table.head
            if any(row) and all(normal_unit(c.strip("[]() ")) for c in row if c)
        ),
        None,
    )
    named = [row for row in table.head if row is not units] or [[""] * table.width]
    names = named[0]
    if len({n for n in names if n}) < 0.5 * sum(map(bool, names)) and len(named) > 1:
        names = [" ".join(filter(None, parts)) for parts in zip(*named, strict=True)]
    heads = []
    for j, name in enumerate(names):
        head = head_of(name)
        row_unit = normal_unit(units[j].strip("[]() ")) if units and units[j] else None
        if row_unit and head.unit and row_unit != head.unit:
            raise ModelError(
                f"File `{table.place}`: column {name!r} says {head.unit}, but the row of units {row_unit}"
            )
        heads.append(Head(name=head.name, unit=row_unit or head.unit, kind=head.kind))
    return heads


def _named_column(table: Table, heads: Sequence[Head], wanted: str, flag: str) -> list[int]:
    """Columns by their head, with or without the unit, or one by its number, counted from 1.

    Raises
    ------
    ModelError : there is none
    """
    if wanted.isdigit() and 1 <= int(wanted) <= table.width:
        return [int(wanted) - 1]
    top = [cell.casefold() for cell in table.head[0]] if table.head else [""] * table.width
    names = [head.name.casefold() for head in heads]
    found = [j for j in range(table.width) if wanted.casefold() in (names[j], top[j])]
    if not found:
        known = ", ".join(h.name for h in heads[:12] if h.name)
        raise ModelError(
            f"File `{table.place}` has no column {shown(wanted)!r} ({flag}); "
            + (
                f"it has {known}"
                if known
                else f"its {table.width} columns have no names; give a number"
            )
        )
    return found


def _bias_columns(table: Table, heads: Sequence[Head], description: Description) -> list[int]:
    if description.bias_column is not None:
        return _named_column(table, heads, description.bias_column, "--bias-column")
    found = [j for j, head in enumerate(heads) if head.kind == BIAS]
    named = [j for j in found if _stem_is(heads[j], BIAS)]
    if found:
        return named or found[:1]
    slopes = [h.name for h in heads if h.kind == SLOPE]
    what = (
        f"only {slopes[0]!r}"
        if slopes
        else "no column that is named as a bias (V, U, bias, voltage, Spannung)"
    )
    known = ", ".join(h.name for h in heads[:6] if h.name)
    raise ModelError(
        f"File `{table.place}` holds {what}; "
        + (f"its columns are {known}; " if known else "its columns have no names; ")
        + "--bias-column names it, or gives its number"
    )


def _bias_of(column: int, biases: Sequence[int]) -> int:
    """The bias that belongs to a column: the nearest before it, where every curve has its own."""
    before = [j for j in biases if j < column]
    return before[-1] if before else biases[0]


def _unit(head: Head, kind: str, declared: str | None, place: str) -> str:
    """The unit of a column: from the file, or declared; both must agree."""
    flag = "--bias-unit" if kind == BIAS else "--unit"
    own = head.unit
    if declared is not None:
        given = normal_unit(declared)
        if given is None or (plain_conversion(given, KINDS[BIAS]) is not None) != (kind == BIAS):
            raise ModelError(
                f"Option {flag} must be a unit like {'V or mV' if kind == BIAS else 'nA, pA or A/cm2'}, "
                f"but is {declared!r}"
            )
        if own is not None and own != given:
            raise ModelError(
                f"File `{place}`: column {head.name!r} is in {own}, but {flag} says {declared}"
            )
        return given
    if own is None:
        raise ModelError(
            f"File `{place}`: column {head.name!r} has no unit; say it with {flag} "
            f"{'V' if kind == BIAS else 'nA'}"
        )
    right = plain_conversion(own, KINDS[BIAS]) is not None
    if right != (kind == BIAS):
        raise ModelError(
            f"File `{place}`: column {head.name!r} is in {own}, which is no unit of a {kind}"
        )
    return own


def _in_ampere(unit: str, values: Real) -> tuple[Real, bool]:
    factor = plain_conversion(unit, KINDS[CURRENT])
    if factor is not None:
        return values * factor, False
    density = plain_conversion(unit, KINDS[DENSITY])
    assert density is not None
    return values * density, True


def _current_columns(
    table: Table, heads: Sequence[Head], biases: Sequence[int], description: Description
) -> list[int]:
    others = [j for j in range(table.width) if j not in biases]
    if description.current_column is not None:
        return _named_column(table, heads, description.current_column, "--current-column")
    for kind in (CURRENT, DENSITY):
        named = [j for j in others if _stem_is(heads[j], kind)]
        if named:
            return named
    wrong = [j for j in others if heads[j].kind in (SLOPE, TIME)]
    plain = [j for j in others if j not in wrong and _mostly_numbers(table.column(j))]
    if not plain:
        slopes = [heads[j].name for j in others if heads[j].kind == SLOPE]
        raise ModelError(
            f"File `{table.place}` holds no current"
            + (
                f", only {slopes[0]!r}: dI/dV alone is not read, integrate it first"
                if slopes
                else ""
            )
            + "; --current-column names it"
        )
    return plain


def _mostly_numbers(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers; a cell that is none is then an error."""
    return 2 * sum(map(is_number, cells)) > len(cells)


def _stem_is(head: Head, kind: str) -> bool:
    """Whether the name itself says current or density, not only its unit."""
    return head_of(head.name).kind == kind


def _wide(name: str, stem: str, table: Table, description: Description, sheet: str = "") -> Reading:
    heads = _heads(table)
    biases = _bias_columns(table, heads, description)
    columns = _current_columns(table, heads, biases, description)
    bias_unit = _unit(heads[biases[0]], BIAS, description.bias_unit, table.place)
    volts = {j: _volts(table, heads[j], j, description) for j in biases}
    single = len(columns) == 1
    records = []
    units: dict[str, int] = {}
    for j in columns:
        unit = _unit(heads[j], CURRENT, description.current_unit, table.place)
        units[unit] = units.get(unit, 0) + 1
        current, density = _in_ampere(unit, table.numbers(j))
        V = volts[_bias_of(j, biases)]
        known = np.isfinite(V)
        records.append(
            Record(
                bias=V[known],
                current=current[known],
                labels=labels_of(heads[j].name, stem, description, sheet),
                file=name,
                column=heads[j].name or f"column {j + 1}",
                density=density,
                numbered_by_file=single,
            )
        )
    notes = []
    skipped = [heads[j].name for j in range(table.width) if j not in (*biases, *columns)]
    if len(biases) > 1:
        notes.append(f"{len(biases)} columns of bias: each current has the nearest before it")
    if skipped:
        notes.append(f"columns not read: {', '.join(skipped[:6])}")
    loops = any(np.diff(np.sign(np.diff(r.bias))).any() for r in records[:1])
    return Reading(
        file=name,
        layout="loops" if loops else "wide",
        records=tuple(records),
        rows=_first_rows(table),
        units=(
            f"{len(table.head)} head rows, bias in {bias_unit}, "
            + ", ".join(f"{many} currents in {unit}" for unit, many in units.items()),
        ),
        notes=tuple(notes),
    )


def _volts(table: Table, head: Head, column: int, description: Description) -> Real:
    unit = _unit(head, BIAS, description.bias_unit, table.place)
    return table.numbers(column) * (plain_conversion(unit, "V") or 1.0)


def _roles(table: Table, heads: Sequence[Head], description: Description) -> dict[int, str]:
    """The columns of a long table that hold labels; declared ones before understood ones."""
    roles: dict[int, str] = {}
    names = [head.name.casefold() for head in heads]
    for role, column in description.labels.items():
        if column.casefold() not in names:
            raise ModelError(
                f"File `{table.place}` has no column {column!r} for {role}; it has "
                f"{', '.join(h.name for h in heads[:12])}"
            )
        roles[names.index(column.casefold())] = role
    order = description.order_from
    if order is not None and order.casefold() in names and "order" not in roles.values():
        roles.setdefault(names.index(order.casefold()), "order")
    for j, head in enumerate(heads):
        understood = role_of(head.name)
        free = j not in roles and head.kind not in (BIAS, CURRENT)
        if understood is not None and free and understood not in roles.values():
            roles[j] = understood
    return roles


def _is_long(table: Table, description: Description) -> bool:
    heads = _heads(table)
    if description.labels:
        return True
    kinds = [head.kind for head in heads]
    return BIAS in kinds and any(
        role_of(h.name) in ("magnetisation", "enantiomer", "contact") and h.kind is None
        for h in heads
    )


def _long(name: str, table: Table, description: Description) -> Reading:
    heads = _heads(table)
    bias = _bias_columns(table, heads, description)[0]
    roles = _roles(table, heads, description)
    columns = [j for j in _current_columns(table, heads, [bias], description) if j not in roles]
    if len(columns) != 1:
        raise ModelError(
            f"File `{name}` must have one column of currents, but has {len(columns)}: "
            f"{', '.join(heads[j].name for j in columns[:4])}; --current-column names it"
        )
    bias_unit = _unit(heads[bias], BIAS, description.bias_unit, name)
    unit = _unit(heads[columns[0]], CURRENT, description.current_unit, name)
    V = table.numbers(bias) * (plain_conversion(bias_unit, "V") or 1.0)
    current, density = _in_ampere(unit, table.numbers(columns[0]))
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, cells in enumerate(table.body):
        groups.setdefault(tuple(cells[j] for j in roles), []).append(row)
    records = []
    for words, rows in groups.items():
        labels = dict(zip(roles.values(), words, strict=True))
        known = [row for row in rows if np.isfinite(V[row])]
        records.append(
            Record(
                bias=V[known],
                current=current[known],
                labels={k: _plain_label(v) for k, v in labels.items() if v != ""},
                file=name,
                column=" ".join(words),
                density=density,
            )
        )
    said = ", ".join(f"{role} from {heads[j].name!r}" for j, role in roles.items())
    return Reading(
        file=name,
        layout="long",
        records=tuple(records),
        rows=_first_rows(table),
        units=(f"bias in {bias_unit}, current in {unit}", said),
    )


def _plain_label(word: str) -> str:
    """3.0 of a sheet is contact 3."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", word)


def _sheets(name: str, stem: str, raw: bytes, description: Description) -> Reading:
    records: list[Record] = []
    rows: tuple[tuple[str, ...], ...] = ()
    units: list[str] = []
    notes: list[str] = []
    for title, table in sheets_of(name, raw, description):
        part = (
            _long(name, table, description)
            if _is_long(table, description)
            else _wide(name, stem, table, description, title)
        )
        for record in part.records:
            records.append(
                Record(
                    bias=record.bias,
                    current=record.current,
                    labels=record.labels,
                    file=name,
                    column=f"{title}: {record.column}",
                    density=record.density,
                )
            )
        rows = rows or part.rows
        units += [f"sheet {title!r}: {text}" for text in part.units]
        notes += part.notes
    return Reading(
        file=name,
        layout="sheets",
        records=tuple(records),
        rows=rows,
        units=tuple(units),
        notes=tuple(notes),
    )


_DATES = ("%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def _nanonis(name: str, stem: str, lines: Sequence[str], description: Description) -> Reading:
    end = next((n for n, line in enumerate(lines) if line.strip() == "[DATA]"), None)
    if end is None:
        raise ModelError(f"File `{name}` has no line [DATA], which ends the head of a Nanonis file")
    head = dict(
        [*parts, ""][:2] for parts in (line.split("\t") for line in lines[:end] if line.strip())
    )
    tabbed = Description(header=1, delimiter="\t", decimal=description.decimal or ".")
    table = table_of(name, lines[end + 1 :], tabbed, end + 2)
    heads = [_tagged(cell) for cell in table.head[0]]
    bias = next((j for j, (h, _) in enumerate(heads) if h.kind == BIAS), None)
    found = [j for j, (h, _) in enumerate(heads) if h.kind == CURRENT and _stem_is(h, CURRENT)]
    if bias is None or not found:
        raise ModelError(
            f"File `{name}` holds no spectrum of currents over bias; its columns are "
            f"{', '.join(table.head[0][:6])}"
        )
    kept = [j for j in found if "filt" not in heads[j][1]]
    singles = [j for j in kept if "avg" not in heads[j][1]]
    bias_unit = _unit(heads[bias][0], BIAS, description.bias_unit, name)
    V = table.numbers(bias) * (plain_conversion(bias_unit, "V") or 1.0)
    extra = _head_labels(head)
    records = []
    for j in singles or kept:
        one, tags = heads[j]
        number = next((tag for tag in tags if tag.isdigit()), "")
        unit = _unit(one, CURRENT, description.current_unit, name)
        current, _ = _in_ampere(unit, table.numbers(j))
        labels = labels_of("", stem, description) | extra
        labels["direction"] = "backward" if "bwd" in tags else "forward"
        labels |= {"sweep": number} if number else {}
        records.append(
            Record(
                bias=V,
                current=current,
                labels=labels,
                file=name,
                column=table.head[0][j],
                numbered_by_file=True,
            )
        )
    dropped = len(found) - len(records)
    return Reading(
        file=name,
        layout="nanonis",
        records=tuple(records),
        rows=_first_rows(table),
        units=(
            f"bias in {heads[bias][0].unit}, {len(records)} sweeps in {heads[found[0]][0].unit}, "
            f"{sum('bwd' in heads[j][1] for j in singles or kept)} of them backward",
        ),
        notes=(f"{dropped} averaged or filtered columns left out",) if dropped else (),
    )


def _tagged(cell: str) -> tuple[Head, tuple[str, ...]]:
    """Head of a Nanonis column and its tags: ``Current [00001] [bwd] (A)``."""
    tags = tuple(tag.casefold() for tag in re.findall(r"\[([^\]]*)\]", cell))
    return head_of(" ".join(re.sub(r"\[[^\]]*\]", " ", cell).split())), tags


def _head_labels(head: dict[str, str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for key, text in head.items():
        if re.search(r"temperature.*\(K\)$", key, re.I) and _float(text) is not None:
            labels.setdefault("temperature", f"{_float(text):g} K")
        if key in ("Date", "Start time", "Saved Date"):
            for form in _DATES:
                try:
                    stamp = datetime.strptime(text.strip(), form).timestamp()
                except ValueError:
                    continue
                labels["time"] = repr(stamp)
    return labels


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _ramps(name: str, stem: str, lines: Sequence[str], description: Description) -> Reading:
    """Blocks of two columns under a line in brackets that carries the labels, and the unit last."""
    blocks: list[tuple[str, int, list[str]]] = []
    for n, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("\\") or not text:
            continue
        if text.startswith("[") and "]" in text:
            blocks.append((text[1 : text.index("]")], n, []))
        elif blocks:
            blocks[-1][2].append(line)
    blocks = [block for block in blocks if block[2]]
    if not blocks:
        raise ModelError(
            f"File `{name}` holds no ramps: blocks of two columns under a line in brackets are expected"
        )
    records = []
    told: set[str] = set()
    rows: list[tuple[str, ...]] = []
    for title, number, content in blocks:
        record, said, first = _ramp(name, stem, title, number, content, description)
        records.append(record)
        told.add(said)
        rows += [] if len(rows) > FIRST_ROWS else [(f"[{title}]",), *first]
    return Reading(
        file=name,
        layout="ramps",
        records=tuple(records),
        rows=tuple(rows),
        units=tuple(sorted(told)),
        notes=(f"{len(blocks)} ramps",),
    )


def _ramp(
    name: str, stem: str, title: str, line: int, content: list[str], description: Description
) -> tuple[Record, str, list[tuple[str, ...]]]:
    table = table_of(f"{name}[{shown(title)}]", content, description, line + 1)
    if table.width != 2:
        raise ModelError(f"{name}:{line + 1} has {table.width} columns where a ramp has two")
    text, _, tail = title.rpartition("_")
    unit = normal_unit(tail)
    label = text if unit else title
    bias, current = (
        Head(name="bias", unit=None, kind=BIAS),
        Head(name="current", unit=unit, kind=CURRENT),
    )
    for head in _heads(table):
        bias = head if head.kind == BIAS else bias
        current = head if head.kind in (CURRENT, DENSITY) and unit is None else current
    bias_unit = _unit(bias, BIAS, description.bias_unit, table.place)
    unit = _unit(current, CURRENT, description.current_unit, table.place)
    values, density = _in_ampere(unit, table.numbers(1))
    record = Record(
        bias=table.numbers(0) * (plain_conversion(bias_unit, "V") or 1.0),
        current=values,
        labels=labels_of(label, stem, description),
        file=name,
        column=label,
        density=density,
    )
    return record, f"bias in {bias_unit}, current in {unit}", [tuple(r) for r in table.body[:2]]


def numbers_in(words: Sequence[str]) -> Iterator[float]:
    """The numbers of labels, NaN where a label is none."""
    for word in words:
        found: Any = _float(word)
        yield np.nan if found is None else found
