"""One BLAS thread, repeatable examples, nothing kept from earlier runs; sweeps that start no process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from concurrent.futures import Executor, Future
from typing import Any

os.environ["CHIROSPIN_CACHE"] = tempfile.mkdtemp(prefix="chirospin-kept-")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

atexit.register(shutil.rmtree, os.environ["CHIROSPIN_CACHE"], ignore_errors=True)

settings.register_profile(
    "repeatable",
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# else examples also go with the constants of whatever modules a worker happens to have loaded
providers._get_local_constants = lambda: providers._local_constants


LONGEST = (
    "test_page_in_chromium.py",
    "test_claims.py",
    "test_pages.py",
    "test_sweeps.py",
    "test_hostile_inputs.py",
    "test_junction_mixed.py",
    "test_bias_oracles.py",
    "test_solves.py",
    "test_company.py",
)
"""Files that take a worker half a minute and more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker, with what its tests share; the longest begin, so that no worker ends on one alone."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


class InThisProcess(Executor):
    """Computes at once what it is handed."""

    def submit(self, fn: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*arguments, **named))
        return future


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of sweeps in which the processes are not the point: each takes seconds to start."""
    monkeypatch.setattr("chirospin.points.sweep.processes", lambda _workers: InThisProcess())
