"""Measured curves as arrays: logarithms of currents between noise floor and compliance, usable biases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.measured.instrument import needed_floor

Real = NDArray[np.float64]
Labels = NDArray[np.str_]
UP, DOWN, NONE = "up", "down", "none"
RIGHT, LEFT, ACHIRAL, UNNAMED = "R", "S", "achiral", "unnamed"
UNKNOWN = ""
"""Contact, tip or direction of a curve of which nothing is said."""
CLIPPED = 0.05
"""Share of the curves of a group that may be clipped at a usable bias."""
KNOWN_MEDIAN = 0.5
"""Share of clipped curves up to which a median is known."""
AT_CEILING = 0.995
"""Of the compliance: above it a current is clipped."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """N curves on one grid of J biases.

    Parameters
    ----------
    bias : (J,), V, ascending
    current : (N, J), A; NaN where a point is missing
    magnetisation, enantiomer, contact, tip, direction : labels, (N,)
    block : run of curves without a change, (N,); -1 where the order is not known
    order : when a curve was taken, (N,); NaN where it is not known
    floor, ceiling : noise floor and compliance, A
    """

    bias: Real
    current: Real
    magnetisation: Labels
    enantiomer: Labels
    contact: Labels
    tip: Labels
    direction: Labels
    block: NDArray[np.int_]
    order: Real
    floor: float
    ceiling: float = np.inf

    def __len__(self) -> int:
        return len(self.current)

    def where(self, kept: NDArray[np.bool_]) -> Curves:
        """Some of the curves."""
        names = ("current", "magnetisation", "enantiomer", "contact", "tip", "direction")
        return replace(
            self, **{name: getattr(self, name)[kept] for name in (*names, "block", "order")}
        )

    @property
    def forward_current(self) -> Real:
        """I sign(V); NaN at V = 0 counts for nothing."""
        signed: Real = self.current * np.sign(self.bias)
        return signed

    @property
    def log_current(self) -> Real:
        """L = ln(clip(I sign(V), floor, ceiling)), (N, J); a wrong sign counts as below the floor."""
        logarithm: Real = np.log(np.clip(self.forward_current, self.floor, self.ceiling))
        return logarithm

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """Where a current is below the floor, of the wrong sign, or at the compliance, (N, J)."""
        I = self.forward_current  # noqa: E741
        clipped: NDArray[np.bool_] = (self.floor >= I) | (AT_CEILING * self.ceiling <= I)
        return clipped

    @property
    def ordered(self) -> bool:
        """Whether the order of all curves is known."""
        return bool(len(self) and np.isfinite(self.order).all())

    def clipped_share(self) -> Real:
        """Largest share of clipped or missing curves of a (enantiomer, magnetisation), (J,)."""
        lost = self.clipped | ~np.isfinite(self.current)
        groups = [
            (self.enantiomer == e) & (self.magnetisation == m)
            for e in np.unique(self.enantiomer)
            for m in np.unique(self.magnetisation)
        ]
        shares = [lost[group].mean(axis=0) for group in groups if group.any()]
        return np.max(shares, axis=0) if shares else np.ones_like(self.bias)

    def usable(self) -> NDArray[np.bool_]:
        """Biases other than 0 at which at most 5 % of every group are clipped, (J,)."""
        usable: NDArray[np.bool_] = (self.bias != 0) & (self.clipped_share() <= CLIPPED)
        return usable


def curves_of(ds: xr.Dataset) -> Curves:
    """The arrays of a Dataset of curves that have a magnetisation.

    Raises
    ------
    ModelError : it holds no such curves
    """
    if "current" not in ds or not {"curve", "bias"} <= set(ds["current"].dims):
        raise ModelError("The Dataset holds no measured curves: `current` (curve, bias) is missing")
    current = ds["current"].transpose("curve", "bias").values.astype(float)
    if "valid" in ds:
        current = np.where(ds["valid"].transpose("curve", "bias").values, current, np.nan)
    count = len(current)

    def labels(name: str, default: str = UNKNOWN) -> Labels:
        values = ds[name].values if name in ds.coords else np.full(count, default)
        return np.array(values.tolist(), dtype=str)  # Zarr gives strings of another kind

    order = ds["order"].values.astype(float) if "order" in ds.coords else np.full(count, np.nan)
    block = ds["block"].values.astype(int) if "block" in ds.coords else np.full(count, -1)
    whole = Curves(
        bias=ds["bias"].values.astype(float),
        current=current,
        magnetisation=labels("magnetisation", NONE),
        enantiomer=labels("enantiomer", UNNAMED),
        contact=labels("contact"),
        tip=labels("tip"),
        direction=labels("direction"),
        block=block,
        order=order,
        floor=float(ds.attrs["noise_floor"]),
        ceiling=float(ds.attrs.get("compliance", np.inf)),
    )
    kept = whole.where(whole.magnetisation != NONE)
    _require_both(kept, count)
    if not np.isfinite(kept.floor):
        raise needed_floor(kept.bias, kept.current)
    return kept


def _require_both(curves: Curves, count: int) -> None:
    """Refuse a set without both magnetisations."""
    if not len(curves):
        raise ModelError(
            f"None of the {count} curves has a magnetisation: put up or down into the names of columns or files "
            "(R_up_c01_0001), or say with --match or --label where it stands"
        )
    ups, downs = (int((curves.magnetisation == m).sum()) for m in (UP, DOWN))
    if not ups or not downs:
        raise ModelError(
            f"Curves of both magnetisations are needed, but {ups} are up and {downs} down; say which words mean "
            "what: --word up=N --word down=S"
        )


def blocks_of(
    order: Real, enantiomer: Labels, magnetisation: Labels, tip: Labels
) -> NDArray[np.int_]:
    """Runs without a change of magnetisation or tip, inside each enantiomer; -1 where no order is known."""
    found = np.full(len(order), -1)
    if not np.isfinite(order).all():
        return found
    number = 0
    for name in np.unique(enantiomer):
        rows = np.flatnonzero(enantiomer == name)
        rows = rows[np.argsort(order[rows], kind="stable")]
        state: Any = None
        for row in rows:
            now = (magnetisation[row], tip[row])
            number += now != state
            state = now
            found[row] = number - 1
    return found
