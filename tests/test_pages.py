"""What the pages print is what comes out: their code, files and commands are run in order.

Blocks of ``python`` are executed, those with a caption are written to a file of that name, ``console``
lines after ``$`` are run (``pip install`` of a project that the page wrote too) and end with 0, or with what ``# exit code N`` says, and a block of ``text`` is what the block before it printed.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Any

import pytest

from chirospin.faces.cli import main
from tests.packages import install, packages_may_come

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [
    DOCS / "start.md",
    DOCS / "extending.md",
    DOCS / "reference" / "result.md",
    *(p for p in sorted((DOCS / "howto").glob("*.md")) if p.stem != "index"),
]
FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?:\{code-block\} *)?(?P<language>\w+)\n"
    r"(?::caption: (?P<file>\S+)\n\n?)?(?P<text>.*?)^(?P=ticks)$",
    re.M | re.S,
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    language: str
    file: str | None
    text: str


def blocks(page: Path) -> Iterator[Block]:
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(language=found["language"], file=found["file"], text=found["text"])


EXIT = re.compile(r"# exit code (\d)$")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, continued lines joined, with what it is said to print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, _, printed = re.sub(r"\\\n\s*", "", part).partition("\n")
        yield line, printed


def same(said: str, printed: str) -> bool:
    return OutputChecker().check_output(said, printed, ELLIPSIS | NORMALIZE_WHITESPACE)


@pytest.mark.usefixtures("no_processes")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with packages_may_come(monkeypatch):
        run_page(page, monkeypatch)


def run_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    for block in blocks(page):
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed = io.StringIO()
            with redirect_stdout(printed):
                exec(compile(block.text, str(page), "exec"), names)
        elif block.language == "text":
            assert same(block.text, printed.getvalue()), printed.getvalue()
        elif block.language == "console":
            for command, said in commands(block.text):
                program, *arguments = shlex.split(command, comments=True)
                if program == "pip":
                    install(Path(arguments[-1]), monkeypatch)
                    continue
                assert program == "chirospin", command
                printed = io.StringIO()
                with redirect_stdout(printed):
                    code = main(arguments)
                named = EXIT.search(command)
                assert code == int(named[1] if named else 0), (command, printed.getvalue())
                assert not said.strip() or same(said, printed.getvalue()), printed.getvalue()


def test_a_page_that_lies_is_caught() -> None:
    """The control: wrong output does not pass for right."""
    assert same("0.24...", "0.2411\n")
    assert not same("0.25...", "0.2411\n")
    text = "$ chirospin cite\nline\n$ chirospin solve a \\\n  --set b=1\n"
    assert list(commands(text)) == [
        ("chirospin cite", "line\n"),
        ("chirospin solve a --set b=1", ""),
    ]
