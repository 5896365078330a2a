"""Files to one labelled Dataset of curves: what was understood, what was dropped, what is not in the files."""

from __future__ import annotations

import glob
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.base.units import quantity
from chirospin.measured.curves import DOWN, NONE, UNKNOWN, UNNAMED, UP, blocks_of
from chirospin.measured.description import MEANINGS, Description, description_from
from chirospin.measured.instrument import compliance, noise_floor
from chirospin.measured.labels import COLUMNS
from chirospin.measured.layouts import Reading, Record, numbers_in, reading_of
from chirospin.measured.sweeps import Sweep, sweeps_of
from chirospin.measured.tables import LARGEST_FILE

Real = NDArray[np.float64]
FEWEST_POINTS = 5
MOST_MISSING = 0.1
"""Share of points without a number up to which a curve is kept."""
SAME_VALUE = 0.02
"""Relative difference up to which temperatures, lengths and forces are one value."""
MOST_FILES = 5000
MOST_CURVES = 20_000
UNSIGNED = 0.99
"""Share of currents at negative bias that are positive, above which the sign was lost."""
SETTINGS = {"temperature": "K", "length": "nm", "force": "nN"}


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One sweep with its labels."""

    sweep: Sweep
    record: Record
    labels: Mapping[str, str]
    contact: str = UNKNOWN
    order: float = np.nan

    @property
    def source(self) -> str:
        """File and column."""
        loop = f", loop {self.sweep.loop + 1}" if self.sweep.loops > 1 else ""
        return f"{self.record.file}: {self.record.column}{loop}"


def read(
    paths: str | Path | Sequence[str | Path] = (),
    description: Description | str | Path | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Read files of current-voltage curves.

    Parameters
    ----------
    paths : files, patterns of files, or folders whose files are of one kind
    description : how to read them: a :class:`Description`, or a TOML file
    settings : fields of the description that override it, for example ``current_unit="nA"``

    Returns
    -------
    Dataset with dimensions (curve, bias): ``current`` (A, or A/cm^2), ``valid``; along curve the labels
    magnetisation, enantiomer, contact, tip, block, order, direction, source

    Raises
    ------
    ModelError : what is wrong, with file and line, and the remedy
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    base, files = Description(), []
    if isinstance(description, Description):
        base = description
    elif description is not None:
        base, named = description_from(Path(description))
        files = [str(Path(description).parent / name) for name in named]
    chosen = base.changed(**settings)
    places = _places([*map(str, listed)] or files)
    contents = {str(place): _content(place) for place in places}
    return curves_dataset(contents, chosen)


def _files_of(folder: Path) -> list[str]:
    """The files of a folder, where all are of one kind."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    kinds = sorted({p.suffix for p in files})
    if len(kinds) != 1:
        examples = " or ".join(f"'{folder}/*{kind}'" for kind in kinds[:3])
        raise ModelError(
            f"Folder `{folder}` holds {'files of several kinds' if kinds else 'no files'}; name those that hold "
            f"curves{examples and f', as in {examples}'}"
        )
    return [str(p) for p in files[: MOST_FILES + 1]]


def _places(names: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            matches = _files_of(path)
        else:
            matches = [name] if path.exists() else sorted(glob.glob(name))[: MOST_FILES + 1]
        if not matches:
            raise ModelError(f"File `{shown(name)}` does not exist")
        found += [Path(match) for match in matches]
    if not found:
        raise ModelError("No files of curves are named; chirospin measured --example shows some")
    if len(found) > MOST_FILES:
        raise ModelError(f"At most {MOST_FILES} files are read at once, but {len(found)} are named")
    return list(dict.fromkeys(found))


def _content(place: Path) -> bytes:
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise ModelError(
                f"File `{place}` must have at most {LARGEST_FILE >> 20} MB; read part of the curves at a time"
            )
        return place.read_bytes()
    except OSError as error:
        raise ModelError(f"File `{place}` cannot be read: {error.strerror or error}") from None


def curves_dataset(contents: Mapping[str, bytes], description: Description) -> xr.Dataset:
    """The Dataset of the bytes of files, by name."""
    readings = [reading_of(name, raw, description) for name, raw in contents.items()]
    notes: list[str] = []
    records = [record for reading in readings for record in reading.records]
    if len(records) > MOST_CURVES:
        raise ModelError(
            f"At most {MOST_CURVES} curves are read at once, but there are {len(records)}"
        )
    if len({record.density for record in records}) > 1:
        raise ModelError(
            "Units are mixed: some currents are in A and some in A/cm^2; read one kind at a time"
        )
    curves = _labelled(records, description)
    curves = _kept_setting(curves, description)
    curves = _with_contacts(curves, description, notes)
    curves = _with_order(curves, description, notes)
    curves, dropped = _sound(curves)
    curves, excluded = _excluded(curves, description)
    bias, current = _one_grid(curves, notes)
    current = _signed(bias, current, description, notes)
    return _dataset(
        curves, bias, current, description, readings, contents, notes, dropped, excluded
    )


def _labelled(records: Sequence[Record], description: Description) -> list[Curve]:
    found = []
    unknown: dict[str, Counter[str]] = {role: Counter() for role in MEANINGS}
    for record in records:
        labels = dict(record.labels)
        for role in MEANINGS:
            if role in labels:
                meaning = description.meaning(role, labels[role])
                if meaning is None:
                    unknown[role][labels[role]] += 1
                else:
                    labels[role] = meaning
        for sweep in sweeps_of(record.bias, record.current):
            found.append(Curve(sweep=sweep, record=record, labels=labels))
    for role, words in unknown.items():
        if words:
            several = ", ".join(repr(w) for w, _ in words.most_common(6))
            example = "up=N --word down=S" if role == "magnetisation" else "R=D --word achiral=rac"
            raise ModelError(
                f"Words for {role} are not known: {shown(several)}; say what they mean, as in --word {example}"
            )
    without = sum("magnetisation" not in c.labels for c in found)
    if without == len(found):
        return [replace(c, labels={**c.labels, "magnetisation": NONE}) for c in found]
    if without:
        first = next(c for c in found if "magnetisation" not in c.labels)
        raise ModelError(
            f"{without} of {len(found)} curves have no magnetisation, first {shown(first.source)!r}: put up or down "
            "into the names of columns or files, or say with --match or --label where it stands"
        )
    return found


def _kept_setting(curves: list[Curve], description: Description) -> list[Curve]:
    """Curves of one temperature, length and force: all must agree, or one value is chosen."""
    for name, unit in SETTINGS.items():
        words = [c.labels.get(name) for c in curves]
        values = np.array([_setting(w, unit, name) for w in words])
        if name in description.keep:
            wanted = quantity(description.keep[name], unit, name)
            near = np.abs(values - wanted) <= SAME_VALUE * abs(wanted)
            if not near.any():
                raise ModelError(f"No curve has {name} {description.keep[name]}")
            curves, values = [c for c, n in zip(curves, near, strict=True) if n], values[near]
        known = values[np.isfinite(values)]
        if known.size and np.ptp(known) > SAME_VALUE * np.abs(known).max():
            several = ", ".join(f"{v:g}" for v in np.unique(known)[:6])
            raise ModelError(
                f"The set holds several values of {name} ({several} {unit}); choose one: "
                f'--keep "{name}={known[0]:g} {unit}"'
            )
    return curves


def _setting(word: str | None, unit: str, name: str) -> float:
    if word is None:
        return np.nan
    (plain,) = numbers_in([word])
    return plain if np.isfinite(plain) else quantity(word, unit, name)


def _with_contacts(curves: list[Curve], description: Description, notes: list[str]) -> list[Curve]:
    """A contact is a number inside a file; what comes again in another file is another contact, and that is said."""
    if description.contacts == "curves":
        notes.append("declared: every curve has a contact of its own")
        records = {id(c.record): n for n, c in enumerate(curves, start=1)}
        return [replace(c, contact=str(records[id(c.record)])) for c in curves]
    unnamed = sum("contact" not in c.labels for c in curves)
    if unnamed:
        notes.append(
            f"{unnamed} of {len(curves)} curves name no contact: curves of one contact are no independent units; "
            "--match or --label name them, --contacts curves declares one for each curve"
        )
    places: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for c in curves:
        key = (c.labels.get("enantiomer", ""), c.labels.get("tip", ""), c.labels.get("contact", ""))
        places.setdefault(key, set()).add((c.record.file, c.labels["magnetisation"]))
    again = 0
    found = []
    for c in curves:
        number = c.labels.get("contact", "")
        if not number:
            found.append(replace(c, contact=f"unnamed {c.labels['magnetisation']}"))
            continue
        key = (c.labels.get("enantiomer", ""), c.labels.get("tip", ""), number)
        across = len({file for file, _ in places[key]}) > 1
        if not across or description.same_contacts:
            found.append(replace(c, contact=number))
        elif c.record.numbered_by_file:
            both = len({m for _, m in places[key]}) > 1
            again += both
            mark = f" {c.labels['magnetisation']}" if both else ""
            found.append(replace(c, contact=number + mark))
        else:
            again += 1
            found.append(replace(c, contact=f"{c.record.file} {number}"))
    if again:
        notes.append(
            "numbers of contacts come again in other files: taken for other contacts; --same-contacts if they are the "
            "same"
        )
    return found


def _with_order(curves: list[Curve], description: Description, notes: list[str]) -> list[Curve]:
    """When each curve was taken, from what was declared, or from numbers that do not come twice."""
    declared = description.order_from
    if declared is not None:
        numbers = _order_numbers(curves, declared)
        if not np.isfinite(numbers).all():
            raise ModelError(
                f"The order is declared from {declared!r}, but not every curve has a number there"
            )
        ordered = _orders(curves, numbers)
        twice = _twice(ordered)
        if twice:
            raise ModelError(
                f"The order from {declared!r} must be unique inside an enantiomer, but {twice} comes twice"
            )
        notes.append(f"order from {declared}")
        return ordered
    for source in ("order", "curve", "file-time"):
        numbers = _order_numbers(curves, source)
        if np.isfinite(numbers).all():
            ordered = _orders(curves, numbers)
            if not _twice(ordered):
                words = {
                    "curve": "the numbers of the curves",
                    "file-time": "the times in the heads",
                }
                notes.append(f"order from {words.get(source, 'the column of the order')}")
                return ordered
    notes.append("no order is known: drift and blocks cannot be tested")
    return curves


def _order_numbers(curves: Sequence[Curve], source: str) -> Real:
    if source == "file-time":
        return np.array(list(numbers_in([c.labels.get("time", "") for c in curves])))
    if source == "file-name":
        tails = [_trailing(c.record.file) for c in curves]
        return np.array(list(numbers_in(tails)))
    role = source if source in COLUMNS and any(source in c.labels for c in curves) else "order"
    return np.array(list(numbers_in([c.labels.get(role, "") for c in curves])))


def _trailing(file: str) -> str:
    import re

    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", file.rpartition("/")[2])
    found = re.search(r"(\d+)\D*$", stem)
    return found[1] if found else ""


def _orders(curves: Sequence[Curve], numbers: Real) -> list[Curve]:
    """The number of the record, and the share of its sweeps and loops that came before."""
    orders = []
    for c, number in zip(curves, numbers, strict=True):
        (sweep,) = numbers_in([c.labels.get("sweep", "1")])
        inside = c.sweep.loop / max(c.sweep.loops, 1) + (sweep - 1) / 1000
        orders.append(replace(c, order=float(number + inside)))
    return orders


def _twice(curves: Sequence[Curve]) -> str:
    """The first order that comes twice for one direction of an enantiomer."""
    seen: set[tuple[str, float, str]] = set()
    for c in curves:
        direction = c.sweep.direction or c.labels.get("direction", "")
        key = (c.labels.get("enantiomer", ""), c.order, direction)
        if key in seen:
            return f"{c.order:g} ({shown(c.source)})"
        seen.add(key)
    return ""


def _sound(curves: list[Curve]) -> tuple[list[Curve], list[tuple[str, str]]]:
    """Curves that can be used, and name and reason of those that cannot; nothing else is dropped."""
    single = all(len(c.sweep.bias) == 1 for c in curves)
    kept, dropped = [], []
    for c in curves:
        current = c.sweep.current
        missing = ~np.isfinite(current)
        reason = ""
        if missing.mean() > MOST_MISSING:
            reason = f"{missing.mean():.0%} of its points are no numbers"
        elif not single and (~missing).sum() < FEWEST_POINTS:
            reason = f"{int((~missing).sum())} points, fewer than {FEWEST_POINTS}"
        elif not single and np.ptp(current[~missing]) == 0:
            reason = "all its currents are one value"
        if reason:
            dropped.append((c.source, reason.replace("%", " %")))
        else:
            kept.append(c)
    if not kept:
        raise ModelError(f"No curve can be used: {dropped[0][0]}: {dropped[0][1]}")
    return kept, dropped


def _excluded(curves: list[Curve], description: Description) -> tuple[list[Curve], dict[str, Any]]:
    from chirospin.measured.exclusion import rules_of

    rules = rules_of(description.exclude)
    facts: dict[str, Any] = {}
    for rule in rules:
        hit = [rule.holds(c.sweep.bias, c.sweep.current) for c in curves]
        facts[rule.text] = {
            m: sum(h for h, c in zip(hit, curves, strict=True) if c.labels["magnetisation"] == m)
            for m in (UP, DOWN)
        }
    return curves, facts


def _one_grid(curves: Sequence[Curve], notes: list[str]) -> tuple[Real, Real]:
    """One grid for all: their own if they agree, else the one of the fewest points inside the common range."""
    grids = [c.sweep.bias for c in curves]
    low, high = max(g[0] for g in grids), min(g[-1] for g in grids)
    span = max(abs(low), abs(high), 1e-300)
    if low > high + 1e-9 * span:
        raise ModelError(
            f"The curves have no common range of bias: some begin at {low:g} V, others end at {high:g} V"
        )
    target = min(grids, key=len)
    target = target[(target >= low - 1e-9 * span) & (target <= high + 1e-9 * span)]
    if not target.size:
        raise ModelError("The curves have no bias in common")
    current = np.empty((len(curves), len(target)))
    moved = 0
    for n, (c, grid) in enumerate(zip(curves, grids, strict=True)):
        if len(grid) == len(target) and np.abs(grid - target).max() <= 1e-6 * span:
            current[n] = c.sweep.current
            continue
        moved += 1
        places = np.searchsorted(grid, target - 1e-9 * span).clip(0, len(grid) - 1)
        same = np.abs(grid[places] - target) <= 1e-9 * span
        current[n] = np.where(
            same, c.sweep.current[places], np.interp(target, grid, c.sweep.current)
        )
    if moved:
        notes.append(
            f"{moved} curves interpolated onto the grid of the fewest points, {len(target)} biases from "
            f"{target[0]:.4g} to {target[-1]:.4g} V"
        )
    bias = np.where(np.abs(target) < 1e-9 * span, 0.0, target)
    return bias, current


def _signed(bias: Real, current: Real, description: Description, notes: list[str]) -> Real:
    """Currents with the sign of the bias; a lost sign is refused, a sign of the other convention turned."""
    below = current[:, bias < 0]
    known = below[np.isfinite(below) & (below != 0)]
    if description.unsigned:
        notes.append("declared: currents without a sign; they get that of the bias")
        return np.abs(current) * np.where(bias == 0, 1.0, np.sign(bias))
    both = (bias > 0).any() and known.size
    if both and (known > 0).mean() > UNSIGNED:
        raise ModelError(
            "Currents have no sign: they are positive at negative bias too; read the signed column, or declare it "
            "with --unsigned (current at V = 0 and offsets are then not known)"
        )
    far = np.argmax(np.abs(bias))
    turned = np.nanmedian(np.sign(current[:, far] * bias[far])) < 0
    if turned:
        notes.append("currents are opposite to the bias: their sign is turned")
    magnetic, carrier = description.magnetised, description.bias_at
    if magnetic and carrier and magnetic == carrier:
        notes.append(f"the {carrier} is magnetic and carries the voltage: bias = -V, current = -I")
    return -current if turned else current


def _dataset(
    curves: Sequence[Curve],
    bias: Real,
    current: Real,
    description: Description,
    readings: Sequence[Reading],
    contents: Mapping[str, bytes],
    notes: list[str],
    dropped: list[tuple[str, str]],
    excluded: Mapping[str, Any],
) -> xr.Dataset:
    magnetic = description.magnetised is not None and description.magnetised == description.bias_at
    if magnetic:
        bias, current = -bias[::-1], -current[:, ::-1]

    coordinates = _coordinates(curves, bias, description)
    unit = "A/cm^2" if readings[0].records and curves[0].record.density else "A"
    block, direction = coordinates["block"][1], coordinates["direction"][1]
    floor, ceiling = _instrument(bias, current, block, direction, description, notes, unit)
    excluding = _exclusion_mask(curves, description)
    return xr.Dataset(
        {
            "current": (
                ("curve", "bias"),
                current,
                {"units": unit, "symbol": "I", "long_name": "measured current"},
            ),
            "valid": (("curve", "bias"), np.isfinite(current)),
            "excluded": ("curve", excluding, {"long_name": "by a declared rule"}),
        },
        coordinates,
        {
            "noise_floor": floor,
            "compliance": ceiling,
            "description": description.text(),
            "reading": json.dumps(_told(readings, notes, dropped, excluded)),
            "files": json.dumps(
                {name: hashlib.sha256(raw).hexdigest() for name, raw in contents.items()}
            ),
        },
    )


def _coordinates(curves: Sequence[Curve], bias: Real, description: Description) -> dict[str, Any]:
    """What tells each curve apart, and the settings that are known."""

    def column(name: str, default: str = UNKNOWN) -> Any:
        return np.array([c.labels.get(name, default) for c in curves], dtype=str)

    order = np.array([c.order for c in curves])
    magnetisation, tip = column("magnetisation", NONE), column("tip")
    enantiomer = column("enantiomer", UNNAMED)
    block = blocks_of(order, enantiomer, magnetisation, tip)
    direction = np.array(
        [c.sweep.direction or c.labels.get("direction", UNKNOWN) for c in curves], dtype=str
    )
    coordinates: dict[str, Any] = {
        "bias": ("bias", bias, {"units": "V", "symbol": "V", "long_name": "bias"}),
        "magnetisation": ("curve", magnetisation),
        "enantiomer": ("curve", enantiomer),
        "contact": ("curve", np.array([c.contact for c in curves], dtype=str)),
        "tip": ("curve", tip),
        "block": ("curve", block),
        "order": ("curve", order),
        "direction": ("curve", direction),
        "source": ("curve", np.array([c.source for c in curves], dtype=str)),
    }
    for name, unit in SETTINGS.items():
        own = np.array([_setting(c.labels.get(name), unit, name) for c in curves])
        declared = getattr(description, name, None)
        if declared is not None:
            own = np.full(len(curves), quantity(declared, unit, name))
        if np.isfinite(own).any():
            coordinates[name] = ("curve", own, {"units": unit})
    return coordinates


def _exclusion_mask(curves: Sequence[Curve], description: Description) -> NDArray[np.bool_]:
    from chirospin.measured.exclusion import rules_of

    rules = rules_of(description.exclude)
    return np.array(
        [any(rule.holds(c.sweep.bias, c.sweep.current) for rule in rules) for c in curves],
        dtype=bool,
    )


def _instrument(
    bias: Real,
    current: Real,
    block: NDArray[np.int_],
    direction: Any,
    description: Description,
    notes: list[str],
    unit: str,
) -> tuple[float, float]:
    if description.noise_floor is not None:
        floor: float | None = quantity(description.noise_floor, unit, "noise floor")
        if not floor or floor <= 0:
            raise ModelError(f"The noise floor must be > 0, but is {description.noise_floor!r}")
    else:
        groups = np.array([f"{b} {d}" for b, d in zip(block, direction, strict=True)])
        floor = noise_floor(bias, current, groups)
        if floor is None:
            notes.append("the noise floor is not in the files: --floor declares it")
            floor = np.nan
        else:
            notes.append(f"noise floor {floor:.3g} {unit}, from the currents at V = 0")
    if description.compliance is not None:
        ceiling = quantity(description.compliance, unit, "compliance")
        if ceiling <= floor:
            raise ModelError(
                f"The compliance must be above the noise floor ({floor:.3g} {unit}), but is {ceiling:.3g} {unit}"
            )
        return floor, ceiling
    seen = compliance(bias, current)
    if seen is not None:
        notes.append(
            f"three curves or more end at {seen:.4g} {unit} over two points: taken for a compliance that was not declared"
        )
    return floor, np.inf if seen is None else seen


def _told(
    readings: Sequence[Reading],
    notes: Sequence[str],
    dropped: Sequence[tuple[str, str]],
    excluded: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "files": [
            {
                "file": reading.file,
                "layout": reading.layout,
                "rows": reading.rows,
                "units": reading.units,
                "records": len(reading.records),
            }
            for reading in readings
        ],
        "notes": list(dict.fromkeys([*(n for r in readings for n in r.notes), *notes])),
        "dropped": [list(one) for one in dropped],
        "excluded": dict(excluded),
    }
