"""What a curve does near zero bias, and what of it stays when its own linear conductance is taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.measured.curves import CLIPPED, Curves

Real = NDArray[np.float64]
WINDOW = 0.15
"""Of the largest bias: inside, the current is a + G V + b V^2 + c V^3."""
SIDE = 3
"""Points on each side of zero that the fit needs."""
NEAREST = 4
"""Points through which a cubic gives the current at V = 0, where it was not measured."""
NEIGHBOURS = 7
"""Points of the local cubic that gives dI/dV."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Each curve near V = 0.

    Parameters
    ----------
    width : largest bias of the fit, V
    conductance : G of each curve, (N,), S
    least : floor over width, S; a smaller G is not told from noise
    offset : current at V = 0, (N,), A
    """

    width: float
    conductance: Real
    least: float
    offset: Real

    @property
    def known(self) -> Real:
        """G, or its least where it is smaller."""
        return np.maximum(self.conductance, self.least)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Curves whose conductance lies below the floor."""
        lost: NDArray[np.bool_] = ~(self.conductance >= self.least)
        return lost


def window(bias: Real) -> NDArray[np.int_] | None:
    """Points of the fit at zero bias: within 0.15 of the largest, widened to three a side; None without two sides."""
    size = np.abs(bias)
    sides = [np.flatnonzero(bias * sign > 0) for sign in (1, -1)]
    if min(map(len, sides)) < SIDE:
        return None
    inside = size <= WINDOW * size.max()
    for side in sides:
        inside[side[np.argsort(size[side], kind="stable")[:SIDE]]] = True
    return np.flatnonzero(inside)


def origin_of(curves: Curves) -> Origin | None:
    """Linear conductance and offset of every curve; None where the bias has one sign only."""
    inside = window(curves.bias)
    if inside is None:
        return None
    V = curves.bias[inside]
    width = float(np.abs(V).max())
    fitted = _coefficients(curves.current[:, inside], V / width)
    return Origin(
        width=width,
        conductance=fitted[:, 1] / width,
        least=curves.floor / width,
        offset=offset_of(curves),
    )


def _coefficients(values: Real, x: Real) -> Real:
    """Cubic least squares of each row; rows with missing points by themselves."""
    powers = np.vander(x, 4, increasing=True)
    coefficients: Real = np.where(np.isnan(values), 0.0, values) @ np.linalg.pinv(powers).T
    for row in np.flatnonzero(np.isnan(values).any(axis=1)):
        known = np.isfinite(values[row])
        enough = known.sum() >= powers.shape[1]
        coefficients[row] = (
            np.linalg.lstsq(powers[known], values[row, known])[0] if enough else np.nan
        )
    return coefficients


def offset_of(curves: Curves) -> Real:
    """Current at V = 0, (N,), A: the measured point, else the cubic through the nearest two on each side."""
    at = np.flatnonzero(curves.bias == 0)
    if at.size:
        measured: Real = curves.current[:, at[0]]
        return measured
    side = NEAREST // 2
    above = np.flatnonzero(curves.bias > 0)[:side]
    below = np.flatnonzero(curves.bias < 0)[-side:]
    near = np.concatenate([below, above])
    scale = np.abs(curves.bias[near]).max()
    weights = np.linalg.solve(
        np.vander(curves.bias[near] / scale, increasing=True).T, np.eye(len(near))[0]
    )
    offset: Real = curves.current[:, near] @ weights
    return offset


def shape_of(curves: Curves, origin: Origin) -> Real:
    """ln(I / G V) of every curve, (N, J): area, tip factor and drift cancel inside it; of no meaning at V = 0."""
    reference = np.log(np.where(curves.bias == 0, 1.0, np.abs(curves.bias)))
    return np.asarray(curves.log_current - np.log(origin.known)[:, None] - reference)


def lost_share(curves: Curves, origin: Origin, enantiomer: str) -> float:
    """Largest share of the curves of a magnetisation whose conductance lies below the floor."""
    own = curves.enantiomer == enantiomer
    mags = np.unique(curves.magnetisation[own])
    return max(float(origin.lost[own & (curves.magnetisation == m)].mean()) for m in mags)


def testable(curves: Curves, origin: Origin | None, enantiomer: str) -> str:
    """Why shape and reciprocity cannot be tested; empty where they can."""
    if origin is None:
        return "the bias has one sign only, or fewer than three points a side"
    lost = lost_share(curves, origin, enantiomer)
    if lost > CLIPPED:
        return f"the linear conductance lies below the floor in {100 * lost:.1f} % of the curves"
    return ""


def differential_conductance(bias: Real, current: Real) -> Real:
    """dI/dV by least squares of degree 3 in 7 points, one-sided at the ends, any spacing, S.

    Parameters
    ----------
    current : (..., J)
    """
    count = min(NEIGHBOURS, len(bias))
    degree = min(3, count - 1)
    found = np.full(current.shape, np.nan)
    for j, V in enumerate(bias):
        start = int(np.clip(j - count // 2, 0, len(bias) - count))
        near = slice(start, start + count)
        x = bias[near] - V
        scale = float(np.abs(x).max()) or 1.0
        weights = np.linalg.pinv(np.vander(x / scale, degree + 1, increasing=True))
        if degree:
            found[..., j] = current[..., near] @ weights[1] / scale
    return found
