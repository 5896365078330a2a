"""The record of four molecules that the study of the length shows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from chirospin.studies.own import stack_length


def test_the_record_belongs_to_the_stack_of_today() -> None:
    kept = stack_length.record()
    up, down = (kept[name]["current"] for name in ("up", "down"))
    assert kept["spin_polarisation"] == pytest.approx((up - down) / (up + down), rel=1e-14)
    assert all(kept[name]["converged"] for name in ("up", "down"))


def test_a_record_of_another_stack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = stack_length.record()
    kept["model"]["hubbard_a"] = 3.0
    monkeypatch.setattr(json, "loads", lambda _text: kept)
    with pytest.raises(RuntimeError, match="another stack"):
        stack_length.record()


def test_the_record_stands_beside_the_computed_lengths() -> None:
    computed = xr.Dataset(
        {
            name: (("molecules", "hubbard"), np.full((3, 2), 0.5))
            for name in ("spin_polarisation", "mean_current")
        },
        {"molecules": [1, 2, 3], "hubbard": [1.0, 4.0]},
    )
    longer = stack_length.with_record(computed)
    P = longer["spin_polarisation"]
    assert float(P.sel(molecules=4, hubbard=4.0)) == stack_length.record()["spin_polarisation"]
    assert np.isnan(P.sel(molecules=4, hubbard=1.0))
    assert (P.sel(molecules=[1, 2, 3]) == 0.5).all()
