"""Operation counts stay what they were: a performance test that a busy machine cannot spoil."""

from __future__ import annotations

import pytest
from benchmarks.counts import COUNTS, Count, frozen

ELSEWHERE = {  # taken where the same solve is compared with an oracle
    "junction: trimer, mixed precision": "tests/oracles/test_junction_mixed.py",
}
SLACK = 0.05  # of rounding in what decides a step more or less; at least two


TAKEN = [one for one in COUNTS if f"{one.family}: {one.case}" not in ELSEWHERE]


def largest(name: str) -> float:
    """What a count may be."""
    known = frozen()[name]
    return known + max(2, SLACK * known)


@pytest.mark.parametrize("count", TAKEN, ids=lambda c: f"{c.family}: {c.case}")
def test_operation_counts_do_not_grow(count: Count) -> None:
    assert count.take() <= largest(f"{count.family}: {count.case}")


def test_every_frozen_count_is_taken() -> None:
    assert list(frozen()) == [f"{one.family}: {one.case}" for one in COUNTS]
