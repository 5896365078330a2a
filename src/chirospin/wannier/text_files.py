"""Text files of other programs: lines with numbers, and complaints that name file, line and reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

Array = NDArray[np.float64]
EXPONENT = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")
QUOTED = 40  # characters of a line that a message quotes


def broken(path: Path, line: int, what: str) -> ModelError:
    """The complaint about a line of a file; line 0 is the file as a whole."""
    where = f", line {line}" if line else ""
    return ModelError(
        f"Parameter `hamiltonian` must be a whole Wannier90 file, but {path}{where}: {what}"
    )


def whole_file(path: Path) -> bytes:
    """All of a file.

    Raises
    ------
    ModelError : it is not there or cannot be read
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            f"Parameter `hamiltonian` must be a file that exists, but {path} does not"
        ) from None
    except OSError as error:
        raise broken(path, 0, f"it cannot be read ({error.strerror})") from None


@dataclass
class Lines:
    """Lines of a text file, read one after the other; blank ones are passed over.

    Any 8-bit text and any ends of lines are read, and Fortran's exponents D and d.

    Parameters
    ----------
    path : for messages
    text : without ends of lines
    at : number of lines that are read
    """

    path: Path
    text: list[str]
    at: int = 0

    @classmethod
    def of(cls, path: Path) -> Lines:
        """The lines of a file."""
        whole = whole_file(path).decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
        return cls(path, EXPONENT.sub("e", whole).split("\n"))

    def refuse(self, what: str) -> NoReturn:
        """Complain about the line that was read last.

        Raises
        ------
        ModelError : always
        """
        raise broken(self.path, self.at, what)

    def raw(self, what: str) -> str:
        """The next line as it stands, blank or not."""
        if self.at >= len(self.text):
            self.refuse(f"the file ends where {what} is due")
        self.at += 1
        return self.text[self.at - 1]

    def words(self, what: str) -> list[str]:
        """The words of the next line that is not blank."""
        while True:
            words = self.raw(what).split()
            if words:
                return words

    def numbers(self, what: str, count: int) -> list[float]:
        """The next line as this many finite numbers."""
        words = self.words(what)
        if len(words) != count:
            self.refuse(f"{what} must be {count} numbers, but is {self._quoted()}")
        return [self._number(word, what) for word in words]

    def integers(self, what: str, count: int) -> list[int]:
        """The next line as this many integers."""
        numbers = self.numbers(what, count)
        if any(x != int(x) for x in numbers):
            self.refuse(f"{what} must be {'integers' if count > 1 else 'an integer'}, "
                        f"but is {self._quoted()}")  # fmt: skip
        return [int(x) for x in numbers]

    def size(self, what: str) -> int:
        """The next line as a number of something, at least 1."""
        (found,) = self.integers(what, 1)
        if found < 1:
            self.refuse(f"{what} must be at least 1, but is {found}")
        return found

    def many_integers(self, what: str, count: int) -> NDArray[np.int64]:
        """As many lines of integers as it takes to have this many."""
        found: list[int] = []
        while len(found) < count:
            for word in self.words(f"{what} {len(found) + 1} of {count}"):
                value = self._number(word, what)
                if value != int(value):
                    self.refuse(f"{what} must be integers, but one is {word!r}")
                found.append(int(value))
        if len(found) > count:
            self.refuse(f"{len(found)} {what} stand where {count} are due")
        return np.array(found, dtype=np.int64)

    def table(self, what: str, count: int, width: int) -> tuple[Array, list[int]]:
        """Rows of numbers, and the line of each."""
        rows, where = [], []
        for row in range(count):
            rows.append(self.words(f"row {row + 1} of {count} of {what}"))
            where.append(self.at)
            if len(rows[-1]) != width:
                self.refuse(f"a row of {what} must be {width} numbers, but is {self._quoted()}")
        try:
            numbers = np.array(rows, dtype=float)
        except ValueError:
            numbers = np.array([[np.nan]])
        if not np.isfinite(numbers).all():
            for words, line in zip(rows, where, strict=True):
                self.at = line
                for word in words:
                    self._number(word, what)
        return numbers, where

    def end(self) -> None:
        """Nothing but blank lines is left.

        Raises
        ------
        ModelError : something is
        """
        for n in range(self.at, len(self.text)):
            if self.text[n].strip():
                self.at = n + 1
                self.refuse(f"the file must end here, but goes on with {self._quoted()}")

    def _quoted(self) -> str:
        line = self.text[self.at - 1].strip() if self.at else ""
        return repr(line if len(line) <= QUOTED else line[:QUOTED] + "...")

    def _number(self, word: str, what: str) -> float:
        try:
            value = float(word)
        except ValueError:
            self.refuse(f"{what} must be numbers, but one is {word[:QUOTED]!r}")
        if not np.isfinite(value):
            self.refuse(f"{what} must be finite, but one is {word}")
        return value
