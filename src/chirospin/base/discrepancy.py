"""How far methods side by side are apart, and whether their stated errors explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from chirospin.base.results import ERROR

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """Of one observable: the pair of methods and the entry that their errors explain least.

    Parameters
    ----------
    apart : difference of the values
    errors : of both together; NaN where a method does not state one
    """

    observable: str
    unit: str
    methods: tuple[str, str]
    apart: float
    errors: float

    @property
    def agree(self) -> bool | None:
        """Whether the errors explain the difference; None where they are not stated."""
        return None if np.isnan(self.errors) else self.apart <= self.errors

    @property
    def verdict(self) -> str:
        """In words."""
        if self.agree is None:
            return "errors not stated"
        return "agree" if self.agree else "differ beyond their errors"


def discrepancies(ds: xr.Dataset, names: Sequence[str] | None = None) -> list[Discrepancy]:
    """Of every observable that states errors and that two methods know.

    Parameters
    ----------
    ds : result of several methods
    names : of observables, in this order; all if not given
    """
    if "solved_by" not in ds.dims:
        return []
    named = [str(n) for n in ds.data_vars] if names is None else list(names)
    found = (_largest(ds, name) for name in named if name + ERROR in ds)
    return [one for one in found if one is not None]


def _largest(ds: xr.Dataset, name: str) -> Discrepancy | None:
    values = ds[name].transpose("solved_by", ...).values
    errors = ds[name + ERROR].transpose("solved_by", ...).values
    worst: Discrepancy | None = None
    for a, b in combinations(range(ds.sizes["solved_by"]), 2):
        apart = np.abs(values[a] - values[b]).ravel()
        allowed = (errors[a] + errors[b]).ravel()
        if not np.isfinite(apart).any():
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(np.isfinite(allowed), apart / allowed, 0.0)  # 0/0: both exact
        ratio = np.where(np.isfinite(apart), np.nan_to_num(ratio, posinf=np.inf), -1.0)
        n = int(np.argmax(ratio if ratio.max() > 0 else np.nan_to_num(apart, nan=-1.0)))
        discrepancy = Discrepancy(
            observable=name,
            unit=str(ds[name].attrs.get("units", "1")),
            methods=(str(ds["solved_by"].values[a]), str(ds["solved_by"].values[b])),
            apart=float(apart[n]),
            errors=float(allowed[n]),
        )
        if worst is None or _excess(discrepancy) > _excess(worst):
            worst = discrepancy
    return worst


def _excess(discrepancy: Discrepancy) -> float:
    """What the errors leave unexplained; not stated ones come before agreement."""
    if discrepancy.agree is None:
        return 0.0
    return float(np.inf if not discrepancy.errors else discrepancy.apart / discrepancy.errors) - 1.0
