"""Text and sheets as tables of cells: encoding, delimiter, head rows, decimal sign; nothing guessed in silence."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.extras import installing
from chirospin.base.parameters import shown
from chirospin.measured.description import Description

Real = NDArray[np.float64]
LARGEST_FILE = 64 << 20
"""Bytes of a file of curves; 500 curves of 400 points are 3 to 10 MB of text."""
LARGEST_SHEETS = 256 << 20
"""Bytes of the sheets of a workbook, unpacked."""
SAMPLE = 60  # lines by which the delimiter is known
SPACE = " "
DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar", SPACE: "space"}
HEADS = 3  # rows of a head
EXPORT = "export it as text (in NanoScope: File > Export > ASCII)"
_SIGNED = r"[+-]?"
NUMBER = re.compile(
    rf"{_SIGNED}(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[.,]\d+)*(?:[eEdD]{_SIGNED}\d+)?|[+-]?(?:nan|inf|infinity)",
    re.I,
)
MISSING = {"", "nan", "--", "-", "n/a", "#n/a", "none", "null"}
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells of one file or sheet.

    Parameters
    ----------
    place : file, or file and sheet
    head : rows above the numbers
    body : rows of numbers and labels, all of one length
    line : number of the first row of the body in its file
    """

    place: str
    head: list[list[str]]
    body: list[list[str]]
    line: int
    delimiter: str
    decimal: str
    preamble: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.body[0])

    def column(self, place: int) -> list[str]:
        """The cells of a column."""
        return [row[place] for row in self.body]

    def numbers(self, place: int) -> Real:
        """A column as numbers; NaN where nothing is.

        Raises
        ------
        ModelError : names the first cell that is no number
        """
        cells = self.column(place)
        try:
            return np.array(cells, dtype=float)
        except ValueError:
            pass
        found = np.empty(len(cells))
        for row, cell in enumerate(cells):
            found[row] = self._number(cell, row, place)
        return found

    def _number(self, cell: str, row: int, place: int) -> float:
        text = cell.strip().strip('"')
        if text.casefold() in MISSING:
            return np.nan
        where = f"{self.place}:{self.line + row}, column {place + 1}"
        if self.decimal == ",":
            if _THOUSANDS.fullmatch(text):
                text = text.replace(".", "")
            elif "." in text:
                raise ModelError(
                    f"{where}: {shown(cell)!r} has a point, but the decimal sign is a comma"
                )
            text = text.replace(",", ".")
        elif "," in text:
            raise ModelError(
                f"{where}: {shown(cell)!r} has a comma; --decimal , reads decimal commas, --delimiter , "
                "separates cells by commas"
            )
        try:
            return float(text.replace("D", "E").replace("d", "e"))
        except ValueError:
            raise ModelError(f"{where}: {shown(cell)!r} is no number") from None


def decoded(place: str, raw: bytes, encoding: str | None) -> str:
    """The text of a file.

    Raises
    ------
    ModelError : too large, binary, or not of the encoding
    """
    if len(raw) > LARGEST_FILE:
        raise ModelError(
            f"File `{place}` must have at most {LARGEST_FILE >> 20} MB, but has {len(raw) >> 20} MB; "
            "read part of the curves at a time"
        )
    if not raw.strip():
        raise ModelError(f"File `{place}` is empty")
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    if (
        encoding is None
        and not wide
        and (b"\0" in raw or raw[:4] in (b"\x89HDF", b"GWYP", b"GWYO"))
    ):
        raise ModelError(f"File `{place}` is a binary file of an instrument; {EXPORT}")
    for name in [encoding] if encoding else ["utf-16"] if wide else ["utf-8-sig", "cp1252"]:
        try:
            return raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise ModelError(
        f"File `{place}` is no text in {encoding or 'UTF-8'}; --encoding names another, or {EXPORT}"
    )


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma, or says that there is none."""
    text = cell.strip().strip('"')
    return text.casefold() in MISSING or NUMBER.fullmatch(text) is not None


def table_of(place: str, lines: Sequence[str], description: Description, first: int = 1) -> Table:
    """The table in lines of text.

    Parameters
    ----------
    first : number of the first line in its file

    Raises
    ------
    ModelError : no table, rows of several lengths, or decimal commas that were not declared
    """
    kept = [
        (first + n, line.rstrip("\r\n"))
        for n, line in enumerate(lines)
        if line.strip() and not line.lstrip().startswith(description.comment or "#")
    ]
    preamble = tuple(
        line.strip() for line in lines if line.lstrip().startswith(description.comment or "#")
    )
    if len(kept) < 2:
        raise ModelError(f"File `{place}` holds no table: {len(kept)} lines")
    delimiter = description.delimiter or _delimiter(place, [line for _, line in kept])
    delimiter = {"tab": "\t", "\\t": "\t", "space": SPACE}.get(delimiter, delimiter)
    if len(delimiter) != 1:
        raise ModelError(f"The delimiter must be one character, tab or space, but is {delimiter!r}")
    try:
        rows = list(_split([line for _, line in kept], delimiter))
    except csv.Error as error:
        raise ModelError(f"File `{place}` holds no table: {error}") from None
    if len(rows) != len(kept):
        raise ModelError(f"File `{place}` has a quotation mark that is not closed")
    return cells_table(place, rows, [n for n, _ in kept], description, delimiter, preamble)


def _split(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter == SPACE:
        return (line.split() for line in lines)
    return ([cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter))


def _delimiter(place: str, lines: Sequence[str]) -> str:
    """The delimiter that gives the last lines equal numbers of cells, most of them numbers."""
    sample = lines[-min(SAMPLE, max(2, len(lines) - HEADS)) :]
    best, score = "", 0.0
    for delimiter in DELIMITERS:
        try:
            rows = [list(row) for row in _split(sample, delimiter)]
        except csv.Error:
            continue
        widths = {len(row) for row in rows}
        if len(widths) != 1 or widths.pop() < 2:
            continue
        cells = [cell for row in rows for cell in row]
        share = sum(map(is_number, cells)) / len(cells)
        if share > score + 1e-9:
            best, score = delimiter, share
    if not best or score < 0.2:
        raise ModelError(
            f"File `{place}` holds no table that can be told: its last lines have no equal number of cells with "
            "numbers; --delimiter says what separates them"
        )
    return best


def cells_table(
    place: str,
    rows: Sequence[list[str]],
    numbers: Sequence[int],
    description: Description,
    delimiter: str,
    preamble: tuple[str, ...] = (),
) -> Table:
    """Head and body of rows of cells.

    Raises
    ------
    ModelError : rows of several lengths, no numbers, or decimal commas that were not declared
    """
    if not rows:
        raise ModelError(f"File `{place}` holds no rows")
    width = len(rows[-1])
    while width > 1 and not any(len(row) >= width and row[width - 1] for row in rows):
        width -= 1
    numeric = [j for j in range(width) if j < len(rows[-1]) and is_number(rows[-1][j])]
    top = _head_rows(rows, numeric, description)
    head, body = [list(row) for row in rows[:top]], list(rows[top:])
    for row, line in zip(body, numbers[top:], strict=True):
        while len(row) > width and not row[-1]:
            row.pop()
        if len(row) != width:
            raise ModelError(
                f"{place}:{line} has {len(row)} cells where others have {width}; --delimiter and --decimal say "
                "how they are separated"
            )
    if len(body) < 2 or width < 2 or not numeric:
        raise ModelError(f"File `{place}` holds no table of numbers")
    head = [(row + [""] * width)[:width] for row in head]
    decimal = description.decimal or "."
    return Table(
        place=place,
        head=head,
        body=body,
        line=numbers[top],
        delimiter=delimiter,
        decimal=decimal,
        preamble=preamble,
    )


def _head_rows(rows: Sequence[list[str]], numeric: Sequence[int], description: Description) -> int:
    if description.header is not None:
        if not 0 <= description.header < len(rows):
            raise ModelError(f"`header` must be a number of rows, but is {description.header}")
        return description.header
    for top, row in enumerate(rows):
        if len(row) > max(numeric, default=0) and all(is_number(row[j]) for j in numeric):
            return top
        if top > 40:
            break
    return 0


def sheets_of(place: str, raw: bytes, description: Description) -> list[tuple[str, Table]]:
    """The sheets of a workbook that hold tables, by name.

    Raises
    ------
    ModelError : openpyxl is missing, no workbook, or too large
    """
    try:
        import openpyxl
    except ImportError:
        raise ModelError(f"Sheets need the package openpyxl: {installing('measured')}") from None
    try:
        size = sum(part.file_size for part in zipfile.ZipFile(BytesIO(raw)).infolist())
        if size > LARGEST_SHEETS:
            raise ModelError(f"File `{place}` must unpack to at most {LARGEST_SHEETS >> 20} MB")
        book = openpyxl.load_workbook(BytesIO(raw), read_only=True, data_only=True)
        cells = {
            sheet.title: [[_cell(v) for v in row] for row in sheet.iter_rows(values_only=True)]
            for sheet in book.worksheets
        }
    except ModelError:
        raise
    except Exception as error:  # a damaged workbook raises many kinds
        raise ModelError(
            f"File `{place}` is no readable workbook: {str(error) or type(error).__name__}"
        ) from None
    found = []
    for title, rows in cells.items():
        kept = [(n, row) for n, row in enumerate(rows, start=1) if any(row)]
        if len(kept) < 3:
            continue
        width = max(
            len(row) - next((i for i, c in enumerate(reversed(row)) if c), 0) for _, row in kept
        )
        whole = [(row + [""] * width)[:width] for _, row in kept]
        where = f"{place}[{title}]"
        found.append((title, cells_table(where, whole, [n for n, _ in kept], description, "sheet")))
    if not found:
        raise ModelError(f"File `{place}` holds no sheet with a table")
    return found


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()
