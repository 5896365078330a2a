"""Progress of long work: a bar on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chirospin.base.bar import Progress, terminal_bar
from chirospin.points.sweep import Count

EVERY = 10.0  # seconds between plain lines


class PacedLines(logging.Handler):
    """What long solves say of themselves, on stderr: a line now and then, none for quick ones."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a line if the last is some time ago."""
        now = time.monotonic()
        if now - self.last >= EVERY:
            self.last = now
            print(self.format(record), file=sys.stderr)  # noqa: T201


@contextmanager
def solver_lines() -> Iterator[None]:
    """Let long solves report."""
    log, handler = logging.getLogger("chirospin"), PacedLines()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A callback (done, total) that reports; nothing is shown for one quick step."""
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        yield from terminal_bar(title)
    else:
        yield from _lines(title)


@contextmanager
def sweep_progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[Count], None]]:
    """A callback for sweeps: points, rate, failures and time left."""
    if quiet:
        yield lambda _count: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        with Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task(title, total=None, rate="")

            def shown(count: Count) -> None:
                failed = f", {count.failed} failed" if count.failed else ""
                rate = f"{count.rate:.3g}/s{failed}"
                bar.update(task, completed=count.done, total=count.points, rate=rate)

            yield shown
    else:
        last = time.monotonic()

        def printed(count: Count) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= EVERY:
                last = now
                print(  # noqa: T201
                    f"{title}: {count.done}/{count.points}, {count.rate:.3g}/s, {count.failed} failed, "
                    f"about {count.left:.0f} s left",
                    file=sys.stderr,
                )

        yield printed


def _lines(title: str) -> Iterator[Progress]:
    """A line now and then, also while one step takes long."""
    started, count, over = time.monotonic(), [0, 0], threading.Event()

    def report(done: int, total: int) -> None:
        count[:] = done, total

    def say() -> None:
        while not over.wait(EVERY):
            (done, total), spent = count, time.monotonic() - started
            parts = f"{done}/{total}, " if total else ""
            left = f"about {spent * (total - done) / done:.0f} s left" if done else f"{spent:.0f} s"
            print(f"{title}: {parts}{left}", file=sys.stderr)  # noqa: T201

    speaker = threading.Thread(target=say, daemon=True)
    speaker.start()
    try:
        yield report
    finally:
        over.set()
        speaker.join()
