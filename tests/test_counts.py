"""Operation counts stay what they were: a performance test that a busy machine cannot spoil."""

from __future__ import annotations

import pytest
from benchmarks.counts import COUNTS, Count, frozen

SLACK = 0.05  # of rounding in what decides a step more or less; at least two


@pytest.mark.parametrize("count", COUNTS, ids=lambda c: f"{c.family}: {c.case}")
def test_operation_counts_do_not_grow(count: Count) -> None:
    known = frozen()[f"{count.family}: {count.case}"]
    assert count.take() <= known + max(2, SLACK * known)


def test_every_frozen_count_is_taken() -> None:
    assert list(frozen()) == [f"{one.family}: {one.case}" for one in COUNTS]
