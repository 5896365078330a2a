r"""The solutions of x = F(s x) that grow from s = 0, followed along their curve to s = 1 or to its fold.

.. math:: f(x, s) = F(s x) - x = 0, \qquad
          f_x\,\dot x + f_s\,\dot s = 0, \quad |\dot x|^2/|x_0|^2 + \dot s^2 = 1

F is a density, or a self-energy, in the field that s x makes, so that s is the share of the
interaction. Steps go along the tangent; corrections stay across it, so that nothing is singular where
the curve turns back. A step counts only where Newton's corrections contract at once and the tangent has
turned little: a jump to another curve does neither.

References
----------
keller_1977, deuflhard_2004
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chirospin.numerics.newton import Action, Vector, linear_solution

Linearise = Callable[[Vector], tuple[Vector, Action]]

SETTLED = 1e-6  # correction that ends a step on the way: the next would be its square
CONTRACTED = 0.5  # each correction against the one before; Newton-Kantorovich needs a half
FAR = 0.3  # first correction over the step
TURN = 0.9  # least cosine between tangents of neighbouring points
SHORTEST = 1e-5  # step at which a branch is given up
CORRECTIONS = 6
LINEAR = (
    1e-4  # relative residual of linear equations: corrections then still contract by a thousand
)
GROWTH = 2.0


@dataclass(frozen=True, kw_only=True)
class Branch:
    """How far the curve from s = 0 was followed.

    Parameters
    ----------
    value : x at the last point
    share : s there; 1 where the branch is whole
    fold : s where the curve turns back before 1; NaN where it does not
    evaluations : of F with its derivative
    """

    value: Vector
    share: float
    fold: float
    evaluations: int


class _Point(NamedTuple):
    """On the curve: (x over its size at s = 0, s), and the unit tangent."""

    place: Vector
    tangent: Vector


class _Curve:
    """f and its derivative on vectors (x/size, s)."""

    def __init__(self, linearise: Linearise, size: float) -> None:
        self.linearise, self.size = linearise, size
        self.evaluations = 0

    def at(self, place: Vector) -> tuple[Vector, Action]:
        """f over its size, and the action of its derivative on changes of (x/size, s)."""
        x, s = place[:-1], place[-1]
        value, action = self.linearise(s * self.size * x)
        self.evaluations += 1

        def derivative(change: Vector) -> Vector:
            dx, ds = change[..., :-1], change[..., -1:]
            return action(s * dx + ds * x) - dx

        return value / self.size - x, derivative

    def tangent(self, derivative: Action, along: Vector) -> Vector:
        """The unit tangent that points along the last one."""
        right = np.zeros_like(along)
        right[-1] = 1.0
        found = _bordered(derivative, along, right)
        return found / np.linalg.norm(found)

    def corrected(self, start: Vector, border: Vector, step: float) -> _Point | None:
        """The point of the curve across ``border`` from a start; None where that is not certain."""
        place, before = start.copy(), FAR * step / CONTRACTED
        for _ in range(CORRECTIONS):
            f, derivative = self.at(place)
            correction = _bordered(derivative, border, np.append(-f, 0.0))
            size = float(np.linalg.norm(correction))
            if not size <= CONTRACTED * before and not size <= SETTLED:
                return None
            place, before = place + correction, size
            if size <= SETTLED:
                return _Point(place, self.tangent(derivative, border))
        return None


def _bordered(derivative: Action, border: Vector, right: Vector) -> Vector:
    """The change with a given derivative of f and a given component along the border."""

    def apply(rows: Vector) -> Vector:
        return np.concatenate([derivative(rows), (rows @ border)[:, None]], axis=1)

    return linear_solution(apply, right, LINEAR)[0]


def follow(linearise: Linearise, start: Vector, *, first: float = 0.25, limit: int = 400) -> Branch:
    r"""The branch of x = F(s x) from s = 0.

    Parameters
    ----------
    linearise : y -> F(y) and the action of F'(y) on rows, (batch, size)
    start : F(0)
    first : length of the first step
    limit : evaluations at most

    Returns
    -------
    The value is good to about 1e-8 of its size; polish it where more is wanted
    """
    curve = _Curve(linearise, max(float(np.linalg.norm(start)), 1e-300))
    only_s = np.zeros(start.size + 1)
    only_s[-1] = 1.0
    place = np.append(start / curve.size, 0.0)
    here = _Point(place, curve.tangent(curve.at(place)[1], only_s))
    step = first
    while step >= SHORTEST and curve.evaluations < limit:
        ahead = here.place + step * here.tangent
        last = ahead[-1] >= 1.0
        if last:
            ahead = here.place + (1.0 - here.place[-1]) / here.tangent[-1] * here.tangent
        new = curve.corrected(ahead, only_s if last else here.tangent, step)
        if new is None or _turned(here, new) or new.place[-1] > 1.0 + SETTLED:
            step /= 2
            continue
        if last:
            return _branch(curve, new, np.nan)
        if new.tangent[-1] <= 0:
            return _branch(curve, here, _top(here, new))
        here, step = new, GROWTH * step
    return _branch(curve, here, np.nan)


def _turned(point: _Point, new: _Point) -> bool:
    chord = new.place - point.place
    chord = chord / np.linalg.norm(chord)
    return min(float(new.tangent @ chord), float(point.tangent @ chord)) < TURN


def _top(point: _Point, new: _Point) -> float:
    """Largest s of the cubic through two points with their tangents."""
    length = float(np.linalg.norm(new.place - point.place))
    t = np.linspace(0.0, 1.0, 1001)
    cubic = (
        (1 + 2 * t) * (1 - t) ** 2 * point.place[-1]
        + t * (1 - t) ** 2 * length * point.tangent[-1]
        + t**2 * (3 - 2 * t) * new.place[-1]
        + t**2 * (t - 1) * length * new.tangent[-1]
    )
    return float(cubic.max())


def _branch(curve: _Curve, point: _Point, fold: float) -> Branch:
    return Branch(
        value=curve.size * point.place[:-1],
        share=float(point.place[-1]),
        fold=fold,
        evaluations=curve.evaluations,
    )
