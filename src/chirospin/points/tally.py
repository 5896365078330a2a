"""How many points of a result have no value, and how many fail which check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


def lost(ds: xr.Dataset) -> int:
    """Points that have no value, by any method."""
    missing = ~ds["converged"].astype(bool)
    return int((missing.any("solved_by") if "solved_by" in missing.dims else missing).sum())


def unsound(ds: xr.Dataset) -> int:
    """Points that have a value and fail a check, by any method."""
    bad = _failed(ds).any("check")
    return int((bad.any("solved_by") if "solved_by" in bad.dims else bad).sum())


def failing(ds: xr.Dataset) -> dict[str, int]:
    """How many points fail each check, by any method; the most frequent first."""
    bad = _failed(ds)
    bad = bad.any("solved_by") if "solved_by" in bad.dims else bad
    counts = np.atleast_1d(bad.sum([d for d in bad.dims if d != "check"]).values)
    found = {str(c): int(n) for c, n in zip(ds["check"].values, counts, strict=True) if n}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _failed(ds: xr.Dataset) -> xr.DataArray:
    return ~ds["audit_passed"].astype(bool) & ds["converged"].astype(bool)
