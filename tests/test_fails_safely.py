"""A question that cannot be answered well says so; every case, since each is a user's next mistake."""

from __future__ import annotations

import pytest
from benchmarks.fails_safely import CASES, Case, told

KNOWN = {"refused", "not converged", "audit failed", "undefined"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_no_failure_is_silent(case: Case) -> None:
    assert told(case).kind in KNOWN


def test_a_good_question_is_not_called_a_failure() -> None:
    """The control: the judge can say that nothing was said."""
    assert told(Case(why="", command="solve junction --set molecules=1")).kind == "SILENT"
