"""Wall times."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

LIMIT = 20.0  # seconds after which an evaluation is not repeated


def median_time(task: Callable[[], object], repeats: int = 5) -> float:
    """Median of wall times, seconds, after one warm-up; a long one is timed once."""
    start = time.perf_counter()
    task()
    first = time.perf_counter() - start
    if first * repeats > LIMIT:
        return first
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return float(np.median(times))
