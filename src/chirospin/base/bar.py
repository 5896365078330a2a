"""How far long work is: a bar in a notebook and on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

Progress = Callable[[int, int], None]


@contextmanager
def told_by(
    progress: Callable[..., None] | Literal[True] | None, title: str
) -> Iterator[Callable[..., None] | None]:
    """The callback that was given, or that of a bar for True, or none."""
    if progress is not True:
        yield progress
        return
    with bar(title) as shown:
        yield shown


@contextmanager
def bar(title: str) -> Iterator[Progress]:
    """A callback (done, total) that moves a bar where somebody looks."""
    display = _display()
    if display is not None:
        yield from _in_a_notebook(title, display)
    elif sys.stderr.isatty():
        yield from terminal_bar(title)
    else:
        yield lambda _done, _total: None


def _display() -> Any:
    """The function that shows things in a notebook; None where this is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def _in_a_notebook(title: str, display: Any) -> Iterator[Progress]:
    """An element of HTML that is replaced; it goes when the work ends."""
    handle = display(_Element(title, 0, 0), display_id=True)

    def shown(done: int, total: int) -> None:
        handle.update(_Element(title, done, total))

    yield shown
    handle.update(_Element(title, 1, 1, over=True))


class _Element:
    """The bar as HTML, and as a line for what shows none."""

    def __init__(self, title: str, done: int, total: int, *, over: bool = False) -> None:
        self.title, self.done, self.total, self.over = title, done, total, over

    def __repr__(self) -> str:
        return f"{self.title}: done" if self.over else f"{self.title}: {self.done}/{self.total}"

    def _repr_html_(self) -> str:
        from html import escape

        if self.over:
            return ""
        size = f' value="{self.done}" max="{self.total}"' if self.total else ""
        return f"{escape(self.title)} <progress{size}></progress> {self.done}/{self.total}"


def terminal_bar(title: str) -> Iterator[Progress]:
    """A bar on stderr, gone when the work ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
