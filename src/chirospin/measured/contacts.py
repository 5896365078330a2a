"""The units of every test: means over the curves of a contact, over the contacts of a block, of a tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.measured.curves import DOWN, UNKNOWN, UP, Curves, Labels
from chirospin.measured.estimates import Estimate, mean_of, welch

Real = NDArray[np.float64]
Level = Literal["contact", "block", "tip"]
FEWEST = 2
"""Units of each magnetisation that a difference needs."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units of one enantiomer.

    Parameters
    ----------
    rows : the curves of the enantiomer, indices into all
    weights : (units, rows), each row a mean
    up : magnetisation of each unit
    stratum : labels are permuted inside it
    order : mean order of the curves of a unit, scaled to 0..1 over the enantiomer
    paired : whether the first half of the units, up, and the second, down, are the same contacts
    left_out : contacts without a partner
    """

    enantiomer: str
    level: Level
    rows: NDArray[np.int_]
    weights: Real
    up: NDArray[np.bool_]
    stratum: NDArray[np.int_]
    order: Real
    contact: Labels
    paired: bool = False
    left_out: int = 0

    @property
    def ups(self) -> int:
        """Units with magnetisation up."""
        return int(self.up.sum())

    @property
    def downs(self) -> int:
        """Units with magnetisation down."""
        return len(self.up) - self.ups

    @property
    def testable(self) -> bool:
        """Whether both magnetisations have units that scatter."""
        return min(self.ups, self.downs) >= FEWEST

    @property
    def contacts(self) -> float:
        """Contacts for each magnetisation; their harmonic mean."""
        if not min(self.ups, self.downs):
            return 0.0
        return 2 / (1 / self.ups + 1 / self.downs)

    def mean(self, values: Real) -> Real:
        """Mean over the curves of each unit, (units, ...); missing points are left out."""
        own = values[self.rows]
        if not np.isnan(own).any():
            mean: Real = self.weights @ own
            return mean
        known = np.isfinite(own)
        share = self.weights @ known.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.weights @ np.where(known, own, 0.0) / share)

    def pairs(self, mean: Real) -> Real:
        """Up less down of each contact, from the means of the units."""
        difference: Real = mean[: self.ups] - mean[self.ups :]
        return difference

    def contrast(self, mean: Real) -> Estimate:
        """Up less down of unit means: Welch, or one sample of pairs. Where nothing scatters the error is NaN."""
        if not self.testable:
            gap = _plain_mean(mean[self.up]) - _plain_mean(mean[~self.up])
            lost = np.full(np.shape(gap), np.nan)
            return Estimate(value=gap, error=lost, freedom=lost)
        if self.paired:
            return mean_of(self.pairs(mean))
        return welch(mean[self.up], mean[~self.up])

    def difference(self, values: Real) -> Estimate:
        """Up less down of the values of curves, with units as the sample."""
        return self.contrast(self.mean(values))

    def scatter(self, values: Real) -> Real:
        """Pooled standard deviation of unit means, or of the differences of pairs."""
        mean = self.mean(values)
        if self.paired:
            scatter: Real = self.pairs(mean).std(axis=0, ddof=1)
            return scatter
        squares = sum(
            np.square(mean[side] - mean[side].mean(axis=0)).sum(axis=0)
            for side in (self.up, ~self.up)
        )
        return np.asarray(np.sqrt(squares / (len(mean) - 2)))


def _plain_mean(values: Real) -> Real:
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    mean: Real = values.mean(axis=0)
    return mean


def contacts_of(curves: Curves, enantiomer: str) -> Units:
    """Contacts as units: (contact, magnetisation), the curves of a contact averaged.

    Where at least half of the contacts hold both magnetisations, these alone are the units, as pairs.
    """
    rows = np.flatnonzero(curves.enantiomer == enantiomer)
    keys = list(
        zip(curves.tip[rows], curves.contact[rows], curves.magnetisation[rows], strict=True)
    )
    sides = {m: {k[:2] for k in keys if k[2] == m} for m in (UP, DOWN)}
    both, every = sides[UP] & sides[DOWN], sides[UP] | sides[DOWN]
    paired = bool(both) and 2 * len(both) >= len(every)
    kept = both if paired else every
    names = [(*place, m) for m in (UP, DOWN) for place in sorted(sides[m] & kept)]
    weights = _averages(keys, names)
    up = np.array([name[2] == UP for name in names], dtype=bool)
    tips = np.array([name[0] for name in names], dtype=str)
    return Units(
        enantiomer=enantiomer,
        level="contact",
        rows=rows,
        weights=weights,
        up=up,
        stratum=_strata(tips, up),
        order=weights @ _scaled(curves.order[rows]),
        contact=np.array([" ".join(filter(None, name[:2])) for name in names], dtype=str),
        paired=paired,
        left_out=len(every) - len(kept) if paired else 0,
    )


def _averages(keys: Sequence[tuple[str, ...]], names: Sequence[tuple[str, ...]]) -> Real:
    place = {name: n for n, name in enumerate(names)}
    weights = np.zeros((len(names), len(keys)))
    for column, key in enumerate(keys):
        if key in place:
            weights[place[key], column] = 1.0
    return weights / weights.sum(axis=1, keepdims=True) if len(names) else weights


def _strata(tips: Labels, up: NDArray[np.bool_]) -> NDArray[np.int_]:
    """A stratum for each tip with which both magnetisations were measured; one for all others."""
    strata = np.zeros(len(tips), dtype=int)
    for number, tip in enumerate(np.unique(tips), start=1):
        own = tips == tip
        if up[own].any() and not up[own].all():
            strata[own] = number
    return strata


def _scaled(order: Real) -> Real:
    first, last = order.min(initial=np.inf), order.max(initial=-np.inf)
    return (order - first) / (last - first) if last > first else np.zeros_like(order)


def assignment_level(curves: Curves, units: Units) -> Level:
    """Highest of tip, block, contact at which no unit holds both magnetisations."""
    rows = units.rows
    tips = curves.tip[rows]
    if (tips != UNKNOWN).all() and len(np.unique(tips)) > 1:
        mixed = [len(np.unique(curves.magnetisation[rows][tips == t])) > 1 for t in np.unique(tips)]
        if not any(mixed):
            return "tip"
    return "block" if (curves.block[rows] >= 0).all() and len(rows) else "contact"


def assigned(curves: Curves, contacts: Units, level: Level) -> Units:
    """Blocks or tips as units: means over their contacts, which are means over their curves."""
    rows = contacts.rows
    if level == "contact":
        return contacts
    place = curves.tip[rows] if level == "tip" else curves.block[rows].astype(str)
    mags = curves.magnetisation[rows]
    inner = list(zip(place, mags, curves.tip[rows], curves.contact[rows], strict=True))
    parts = sorted(set(inner))
    names = sorted({part[:2] for part in parts})
    weights = _averages([part[:2] for part in parts], names) @ _averages(inner, parts)
    up = np.array([name[1] == UP for name in names], dtype=bool)
    return Units(
        enantiomer=contacts.enantiomer,
        level=level,
        rows=rows,
        weights=weights,
        up=up,
        stratum=np.zeros(len(names), dtype=int),
        order=weights @ _scaled(curves.order[rows]),
        contact=np.array([name[0] for name in names], dtype=str),
    )
