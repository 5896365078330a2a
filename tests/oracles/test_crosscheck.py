"""The rows of the cross-code table that no other test makes: time evolution by QuTiP."""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracles.crosscheck import ROWS, Row

OVER_TIME = [row for row in ROWS if row.family == "junction.transient" and "QuTiP" in row.theirs]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", OVER_TIME, ids=lambda row: row.quantity)
def test_time_evolution_equals_qutip(row: Row) -> None:
    ours, theirs = map(np.asarray, row.pair())
    assert np.abs(ours - theirs).max() <= row.tolerance * np.abs(theirs).max()
