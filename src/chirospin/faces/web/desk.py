"""Jobs in processes: one at a time for each asker, the older dropped, a deaf or endless one ended."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from chirospin.faces.web.worker import STOP, STOPPED, Job, serve_jobs

GRACE = 0.4  # seconds a superseded job has to stop by itself
ASKERS = 64  # pages whose last job is remembered
SLOTS = 2  # jobs at once

_serials = itertools.count()


class Ticket:
    """A job on its way: progress, the last answer, the line of an error."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.serial = next(_serials)
        self.done, self.total = 0, 0
        self.answer: Any = None
        self.answers = 0
        self.error = ""
        self.finished = False
        self.dropped = False
        self._news = threading.Condition()

    def note(self, kind: str, content: Any) -> None:
        """Take a message of the process."""
        with self._news:
            if kind == "progress":
                self.done, self.total = content
            elif kind == "answer":
                self.answer, self.answers = content, self.answers + 1
            else:
                self.error, self.finished = content, True
            self._news.notify_all()

    def news(self, seconds: float) -> None:
        """Wait for a coarse answer, or for the end."""
        with self._news:
            self._news.wait_for(
                lambda: self.finished or getattr(self.answer, "coarse", False), seconds
            )

    def wait(self, seconds: float) -> bool:
        """Wait for the end; whether it has come."""
        with self._news:
            self._news.wait_for(lambda: self.finished, seconds)
            return self.finished

    def drop(self) -> None:
        """Nobody waits for the answer any more; one that is there stays."""
        with self._news:
            self.dropped = self.dropped or not self.finished


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection


class Desk:
    """Takes jobs and hands out tickets."""

    def __init__(self, slots: int = SLOTS) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        if "forkserver" in methods:
            context.set_forkserver_preload(["chirospin.faces.web.warm"])
        self._context = context
        self._slots = threading.BoundedSemaphore(slots)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._last: OrderedDict[str, Ticket] = OrderedDict()

    def ask(self, who: str, job: Job) -> Ticket:
        """Start a job; the asker's older one is dropped. The same job again is the same ticket."""
        with self._lock:
            last = self._last.get(who)
            if last is not None and last.job == job and not last.dropped:
                return last
            if last is not None:
                last.drop()
            ticket = Ticket(job)
            self._last[who] = ticket
            self._last.move_to_end(who)
            while len(self._last) > ASKERS:
                self._last.popitem(last=False)[1].drop()
        threading.Thread(target=self._run, args=(ticket,), daemon=True).start()
        return ticket

    def last(self, who: str) -> Ticket | None:
        """The newest ticket of an asker."""
        return self._last.get(who)

    def keep(self, who: str, ticket: Ticket) -> None:
        """Remember a ticket that has ended under a further name."""
        with self._lock:
            self._last[who] = ticket
            self._last.move_to_end(who)
            while len(self._last) > ASKERS:
                self._last.popitem(last=False)[1].drop()

    def forget(self, who: str) -> None:
        """Drop the last job of an asker, and what it held."""
        with self._lock:
            ticket = self._last.pop(who, None)
        if ticket is not None:
            ticket.drop()

    def warm(self) -> None:
        """Start a process before it is needed."""
        worker = self._start()
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            for ticket in self._last.values():
                ticket.drop()
            idle, self._idle = self._idle, []
        for worker in idle:
            _end(worker)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve_jobs, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _run(self, ticket: Ticket) -> None:
        with self._slots:
            if ticket.dropped:
                ticket.note("end", STOPPED)
                return
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None or not worker.process.is_alive():
                worker = self._start()
            try:
                kept = _pump(worker, ticket)
            except (EOFError, OSError):
                kept = False
                ticket.note("end", "The computation ended without an answer; was memory short?")
            except Exception as error:  # an answer that cannot be read
                kept = False
                line = f"The answer could not be read: {type(error).__name__}: {error}"
                ticket.note("end", line.splitlines()[0])
            if kept:
                with self._lock:
                    self._idle.append(worker)
            else:
                _end(worker)


def _pump(worker: _Worker, ticket: Ticket) -> bool:
    """Pass messages on until the job ends; whether the process can be used again."""
    worker.connection.send(ticket.job)
    started, told = time.monotonic(), 0.0
    while True:
        if worker.connection.poll(0.03):
            kind, content = worker.connection.recv()
            ticket.note(kind, content)
            if kind == "end":
                return True
        now = time.monotonic()
        if ticket.dropped and not told:
            worker.connection.send(STOP)
            told = now
        if told and now - told > GRACE:
            ticket.note("end", STOPPED)
            return False
        if now - started > ticket.job.limit:
            ticket.note("end", overdue(ticket.job.limit))
            return False


def overdue(limit: float) -> str:
    """The line of a job that was ended because it took too long."""
    return (
        f"The computation was stopped after {limit:g} s, the most that this page gives it; "
        "take fewer points or a smaller model, or the command line"
    )


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.kill()
    worker.process.join()
