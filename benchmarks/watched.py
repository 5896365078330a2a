"""Command lines run in a process of their own, watched: its time, its memory, what it prints.

The process runs many lines one after another, since starting Python costs more than most of them; the one that hangs or
kills it costs a new process.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIED = "died with exit code "
TICK = 0.2  # seconds between looks at a process


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command line ended.

    Parameters
    ----------
    code : of exit; None where there was none
    out, err : what was printed
    trace : what was raised instead of an exit code
    seconds : of processor time
    """

    code: int | None
    out: str = ""
    err: str = ""
    trace: str = ""
    seconds: float = 0.0
    hung: bool = False


class Watched:
    """A process that runs command lines, replaced when it hangs or dies.

    Parameters
    ----------
    limit : processor seconds for one line
    memory : bytes that the process may ask for
    """

    def __init__(self, limit: float, memory: int) -> None:
        self.limit, self.memory = limit, memory
        self.peak = 0.0

    def run(self, lines: Sequence[Sequence[str]]) -> Iterator[Ended]:
        """How each line ended, in order."""
        process = None
        for line in lines:
            if process is None:
                process = self._start()
            ended = self._one(process, line)
            self.peak = max(self.peak, _peak(process.pid))
            yield ended
            if ended.hung or ended.trace.startswith(DIED):
                _end(process)
                process = None
        if process is not None:
            _end(process)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watched", str(self.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert process.stdout is not None
        process.stdout.readline()  # ready: what its imports take is no line's
        return process

    def _one(self, process: subprocess.Popen[bytes], line: Sequence[str]) -> Ended:
        assert process.stdin is not None
        assert process.stdout is not None
        begun = _spent(process.pid)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(list(line)).encode() + b"\n")
            process.stdin.flush()
        said, seconds, start = b"", 0.0, time.monotonic()
        while not said.endswith(b"\n"):
            if select.select([process.stdout], [], [], TICK)[0]:
                part = os.read(process.stdout.fileno(), 1 << 20)
                if not part:
                    return Ended(code=None, trace=f"{DIED}{process.wait()}", seconds=seconds)
                said += part
            else:
                seconds = _spent(process.pid) - begun
                waited = time.monotonic() - start
                if seconds > self.limit or waited > 6 * self.limit:
                    return Ended(code=None, hung=True, seconds=seconds)
        return Ended(**json.loads(said))


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError), process:  # closes its pipes
        process.kill()


def _spent(pid: int) -> float:
    """Processor seconds of a process."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _peak(pid: int) -> float:
    """Largest resident memory of a process, bytes."""
    with contextlib.suppress(OSError, ValueError):
        words = Path(f"/proc/{pid}/status").read_text().split()
        return float(words[words.index("VmHWM:") + 1]) * 1024
    return 0.0


def main(memory: int) -> None:
    """Run the lines that come on stdin, and say on stdout how each ended."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    importlib.import_module("chirospin.base.solve")
    from chirospin.faces.cli import main as chirospin

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = memory + pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    channel.write(b"\n")
    channel.flush()
    for text in sys.stdin.buffer:
        channel.write(json.dumps(_ended(chirospin, json.loads(text))).encode() + b"\n")
        channel.flush()


def _ended(command: object, line: list[str]) -> dict[str, object]:
    assert callable(command)
    out, err = io.StringIO(), io.StringIO()
    code, trace, start = None, "", time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command(line)
        except BaseException:  # whatever comes here is what a user would see as a traceback
            trace = traceback.format_exc(limit=-6)
    return {"code": code, "out": out.getvalue()[:10_000_000], "err": err.getvalue()[:10_000_000],
            "trace": trace, "seconds": time.process_time() - start}  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
