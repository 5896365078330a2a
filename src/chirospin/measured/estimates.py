"""Differences of means with their errors: Welch's, of pairs, of sums, of a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Real = NDArray[np.float64]
ALPHA = 0.05
"""Share of nulls in which a test may fire."""
LEVEL = 1 - ALPHA


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value, its standard error and the degrees of freedom of that error; arrays alike."""

    value: Any
    error: Any
    freedom: Any

    def interval(self, level: float = LEVEL) -> tuple[Any, Any]:
        """Ends of the symmetric interval of Student's t."""
        reach = stats.t.isf((1 - level) / 2, self.freedom) * self.error
        return self.value - reach, self.value + reach

    @property
    def ratio(self) -> Any:
        """Value over error; infinite where nothing scatters, 0 where nothing differs either."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.asarray(self.value) / np.asarray(self.error)
        return np.where(np.asarray(self.value) == 0, 0.0, ratio)

    @property
    def p(self) -> Any:
        """Two-sided p of no difference."""
        return 2 * stats.t.sf(np.abs(self.ratio), self.freedom)

    def scaled(self, factor: float) -> Estimate:
        """The estimate of a multiple."""
        return Estimate(
            value=factor * self.value, error=abs(factor) * self.error, freedom=self.freedom
        )


def mean_of(values: Real) -> Estimate:
    """Mean over the first axis, with n - 1 degrees of freedom."""
    n = len(values)
    return Estimate(
        value=values.mean(axis=0),
        error=values.std(axis=0, ddof=1) / np.sqrt(n),
        freedom=np.full(values.shape[1:], n - 1.0),
    )


def difference_of(first: Estimate, second: Estimate, sign: float = -1.0) -> Estimate:
    r"""First + sign times second: variances add, degrees of freedom by Satterthwaite.

    .. math:: \nu = \frac{(s_1^2 + s_2^2)^2}{s_1^4/\nu_1 + s_2^4/\nu_2}

    With the means of two samples it is Welch's.
    """
    one, two = np.square(first.error), np.square(second.error)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.square(one + two) / (one**2 / first.freedom + two**2 / second.freedom)
    freedom = np.where(np.isfinite(freedom), freedom, first.freedom + second.freedom)
    return Estimate(
        value=first.value + sign * second.value, error=np.sqrt(one + two), freedom=freedom
    )


def welch(first: Real, second: Real) -> Estimate:
    """Mean of the first sample less that of the second, along the first axis."""
    return difference_of(mean_of(first), mean_of(second))


def slope_of(values: Real, x: Real, held: Sequence[Real] = ()) -> tuple[Estimate, Any]:
    """Slope along x by least squares with a constant and what else is held; and the coefficients of the held.

    Returns
    -------
    slope, with n - 2 - len(held) degrees of freedom; coefficients as estimates, in order
    """
    columns = np.stack([np.ones_like(x), x, *held], axis=1)
    inverse = np.linalg.pinv(columns.T @ columns)
    found = inverse @ columns.T @ values
    freedom = len(values) - columns.shape[1]
    left = values - columns @ found
    errors = np.sqrt(np.diag(inverse) * (left @ left) / freedom)
    estimates = [
        Estimate(value=float(found[n]), error=float(errors[n]), freedom=float(freedom))
        for n in range(columns.shape[1])
    ]
    return estimates[1], estimates[2:]
