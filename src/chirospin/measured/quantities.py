"""Polarisations of measured curves, with contacts as units; what else is told of a set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from chirospin.measured.analysis import Analysis
from chirospin.measured.contacts import Units
from chirospin.measured.curves import KNOWN_MEDIAN, LEFT, RIGHT
from chirospin.measured.estimates import LEVEL, Estimate, difference_of
from chirospin.measured.shapes import differential_conductance

Real = NDArray[np.float64]
RESAMPLED = 2000
FEWEST_RESAMPLED = 8
"""Contacts below which a bootstrap covers less than 0.9 where it says 0.95."""
MEANS = ("geometric", "arithmetic", "median", "shape", "relative")


@dataclass(frozen=True, kw_only=True)
class Polarisation:
    """P of one kind over bias, with the ends of its 95 % interval, each (J,)."""

    value: Real
    low: Real
    high: Real
    why: str = ""


def polarisations(
    analysis: Analysis, enantiomer: str, reference: int | None
) -> dict[str, Polarisation]:
    """P of every kind of mean for an enantiomer."""
    units = analysis.contacts[enantiomer]
    found = {
        "geometric": _from_difference(analysis.differences[enantiomer]),
        "arithmetic": arithmetic(analysis, units),
        "median": median(analysis, units),
        "shape": _shape(analysis, enantiomer),
    }
    if reference is not None:
        relative = analysis.log_current - analysis.log_current[:, [reference]]
        found["relative"] = _from_difference(units.difference(relative))
    return {
        kind: P if kind == "median" else _where_usable(P, analysis) for kind, P in found.items()
    }


def _where_usable(P: Polarisation, analysis: Analysis) -> Polarisation:
    """NaN where floor or compliance cut more than 5 % of a group, and at V = 0."""
    value, low, high = (np.where(analysis.usable, x, np.nan) for x in (P.value, P.low, P.high))
    return Polarisation(value=value, low=low, high=high, why=P.why)


def _from_difference(estimate: Estimate) -> Polarisation:
    r"""tanh(D/2) = (A - B)/(A + B) of geometric means A and B."""
    low, high = estimate.interval()
    return Polarisation(
        value=np.tanh(estimate.value / 2), low=np.tanh(low / 2), high=np.tanh(high / 2)
    )


def _shape(analysis: Analysis, enantiomer: str) -> Polarisation:
    why = analysis.unshaped[enantiomer]
    if analysis.shape is None or why:
        lost = np.full(analysis.curves.bias.shape, np.nan)
        return Polarisation(value=lost, low=lost, high=lost, why=why)
    return _from_difference(analysis.contacts[enantiomer].difference(analysis.shape))


def _sides(units: Units) -> tuple[Real, Real]:
    """Curves of each unit as 0 and 1, (units, curves), for up and for down."""
    inside = (units.weights > 0).astype(float)
    return inside[units.up], inside[~units.up]


def arithmetic(analysis: Analysis, units: Units) -> Polarisation:
    """(A - B)/(A + B) of arithmetic means over curves; percentile bootstrap of contacts."""
    current = analysis.curves.forward_current[units.rows]
    known = np.isfinite(current).astype(float)
    sums = [(side @ np.nan_to_num(current), side @ known) for side in _sides(units)]
    value = _ratio(*(total.sum(axis=0) / many.sum(axis=0) for total, many in sums))
    lost = np.full(value.shape, np.nan)
    if min(units.ups, units.downs) < FEWEST_RESAMPLED:
        few = f"a bootstrap of fewer than {FEWEST_RESAMPLED} contacts covers less than 0.9"
        return Polarisation(value=value, low=lost, high=lost, why=few)
    random = np.random.default_rng(analysis.seed)
    drawn = [_resamples(random, len(total)) for total, _ in sums]
    if units.paired:
        drawn[1] = drawn[0]
    means = [(d @ total) / (d @ many) for d, (total, many) in zip(drawn, sums, strict=True)]
    low, high = np.quantile(_ratio(*means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Polarisation(value=value, low=low, high=high)


def _resamples(random: np.random.Generator, count: int) -> Real:
    """How often each contact is drawn, (RESAMPLED, count)."""
    chances = np.full(count, 1 / count)
    drawn: Real = random.multinomial(count, chances, size=RESAMPLED).astype(float)
    return drawn


def _ratio(first: Real, second: Real) -> Real:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Real = (first - second) / (first + second)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def median(analysis: Analysis, units: Units) -> Polarisation:
    """tanh of half the difference of medians of L over curves, where at most half of them are clipped."""
    values = analysis.log_current[units.rows]
    inside = (units.weights > 0).any(axis=0)
    up = (units.weights[units.up] > 0).any(axis=0)
    with np.errstate(invalid="ignore"):
        gap = np.nanmedian(values[inside & up], axis=0) - np.nanmedian(values[inside & ~up], axis=0)
    known = (analysis.curves.clipped_share() <= KNOWN_MEDIAN) & (analysis.curves.bias != 0)
    lost = np.full(gap.shape, np.nan)
    return Polarisation(value=np.where(known, np.tanh(gap / 2), np.nan), low=lost, high=lost)


def geometric_currents(analysis: Analysis, enantiomer: str) -> Real:
    """Geometric mean currents (up, down), with the sign of the bias, (2, J), A."""
    units = analysis.contacts[enantiomer]
    mean = units.mean(analysis.log_current)
    sign = np.sign(analysis.curves.bias)
    return np.stack([sign * np.exp(mean[side].mean(axis=0)) for side in (units.up, ~units.up)])


def parts_in_bias(analysis: Analysis, enantiomer: str) -> dict[str, Real]:
    """Odd and even parts of the difference and of the mean of the currents, and of P, (J,).

    Interpolated where -V is not on the grid; NaN beyond the smaller end.
    """
    V = analysis.curves.bias
    up, down = geometric_currents(analysis, enantiomer)
    P = np.tanh(analysis.differences[enantiomer].value / 2)

    def split(values: Real) -> tuple[Real, Real]:
        there = np.interp(-V, V, values, left=np.nan, right=np.nan)
        return (values - there) / 2, (values + there) / 2

    found = {}
    for name, values in (
        ("current_difference", up - down),
        ("mean_current", (up + down) / 2),
        ("polarisation", P),
    ):
        found[f"{name}_odd"], found[f"{name}_even"] = split(values)
    return found


def scatter_parts(analysis: Analysis, enantiomer: str) -> tuple[float, float]:
    r"""ANOVA components of L inside each magnetisation at the verdict bias, between and within contacts.

    .. math:: s_b^2 = (MS_b - MS_w)/n_0, \qquad n_0 = (N - \sum n^2/N)/(a - 1)
    """
    units = analysis.contacts[enantiomer]
    values = analysis.log_current[units.rows, analysis.verdict]
    between = within = freedom_between = freedom_within = size = 0.0
    for side in (units.up, ~units.up):
        inside = units.weights[side] > 0
        n = inside.sum(axis=1)
        if len(n) < 2:
            continue
        own = values[inside.any(axis=0)]
        means = (inside @ np.nan_to_num(values)) / n
        between += float((n * (means - own.mean()) ** 2).sum())
        within += float(
            sum(((values[row] - m) ** 2).sum() for row, m in zip(inside, means, strict=True))
        )
        freedom_between += len(n) - 1
        freedom_within += n.sum() - len(n)
        size += n.sum() - (n**2).sum() / n.sum()
    if not freedom_between:
        return np.nan, np.nan
    ms_within = within / freedom_within if freedom_within else 0.0
    variance = (between / freedom_between - ms_within) / (size / freedom_between)
    inner = float(np.sqrt(ms_within)) if freedom_within else np.nan
    return float(np.sqrt(max(variance, 0.0))), inner


def conductances(analysis: Analysis, enantiomer: str) -> Real:
    """Geometric mean of G of each magnetisation, (2,), S; NaN where it cannot be told."""
    if analysis.origin is None or analysis.unshaped[enantiomer]:
        return np.full(2, np.nan)
    units = analysis.contacts[enantiomer]
    mean = units.mean(np.log(analysis.origin.known))
    return np.array([np.exp(mean[side].mean()) for side in (units.up, ~units.up)])


def bias_slopes(analysis: Analysis, enantiomer: str) -> Real:
    """dI/dV of the geometric mean currents, (2, J), S."""
    currents = geometric_currents(analysis, enantiomer)
    zero = np.flatnonzero(analysis.curves.bias == 0)
    currents[:, zero] = 0.0
    return differential_conductance(analysis.curves.bias, currents)


def chiral_parts(analysis: Analysis) -> tuple[Estimate, Estimate] | None:
    """(D_R - D_S)/2, the chiral signal, and D_R + D_S, what both share, over bias."""
    if not {RIGHT, LEFT} <= set(analysis.tested):
        return None
    found = analysis.differences[RIGHT], analysis.differences[LEFT]
    return difference_of(*found).scaled(0.5), difference_of(*found, sign=1.0)


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Of D at the verdict bias: mean of P, its 95 % interval, P(D > 0), and odds of D ~ N(0, 1) to D = 0."""

    polarisation: float
    low: float
    high: float
    positive: float
    bayes_factor: float


_AXIS = np.geomspace(0.02, 6, 60)


def posterior(analysis: Analysis, enantiomer: str) -> Posterior:
    """Unit means ~ N(mu_m, s_b^2 + s_w^2/n), flat mu, half-Cauchy(1) scatters on a grid; no sampler."""
    units = analysis.contacts[enantiomer]
    mean = units.mean(analysis.log_current[:, analysis.verdict])
    if units.paired:
        values, groups = units.pairs(mean), [np.ones(units.ups, dtype=bool)]
        variances = np.broadcast_to((_AXIS**2)[:, None], (len(_AXIS), len(values)))
        weight = _cauchy(_AXIS) * _AXIS
    else:
        values, groups = mean, [units.up, ~units.up]
        many = (units.weights > 0).sum(axis=1)
        if len(set(many.tolist())) == 1:
            variances = np.broadcast_to((_AXIS**2)[:, None], (len(_AXIS), len(values)))
            weight = _cauchy(_AXIS) * _AXIS
        else:
            between, within = (grid.ravel() for grid in np.meshgrid(_AXIS, _AXIS))
            variances = between[:, None] ** 2 + within[:, None] ** 2 / many
            weight = _cauchy(between) * between * _cauchy(within) * within
            weight = weight * _within_likelihood(analysis, units, within)
    centre, spread, logarithm = _mixture(values, groups, variances)
    return _posterior(centre, spread, logarithm + np.log(weight))


def _within_likelihood(analysis: Analysis, units: Units, within: Real) -> Real:
    """Likelihood of the scatter of curves about their contacts."""
    values = analysis.log_current[units.rows, analysis.verdict]
    inside = units.weights > 0
    means = (inside @ values) / inside.sum(axis=1)
    squares = sum(((values[row] - m) ** 2).sum() for row, m in zip(inside, means, strict=True))
    freedom = inside.sum() - len(means)
    logarithm = -freedom * np.log(within) - squares / (2 * within**2)
    return np.asarray(np.exp(logarithm - logarithm.max()))


def _cauchy(scale: Real) -> Real:
    return 1 / (1 + scale**2)


def _mixture(
    values: Real, groups: list[NDArray[np.bool_]], variances: Real
) -> tuple[Real, Real, Real]:
    """Mean and variance of D, and logarithm of the marginal likelihood, for each pair of scatters."""
    centres, spreads = [], []
    logarithm = -0.5 * np.log(variances).sum(axis=1)
    for group in groups:
        w = 1 / variances[:, group]
        total = w.sum(axis=1)
        centre = (w @ values[group]) / total
        logarithm = logarithm - 0.5 * np.log(total)
        logarithm = logarithm - 0.5 * (w * (values[group] - centre[:, None]) ** 2).sum(axis=1)
        centres.append(centre)
        spreads.append(1 / total)
    centre = centres[0] - centres[1] if len(centres) > 1 else centres[0]
    return centre, np.sum(spreads, axis=0), logarithm


def _posterior(centre: Real, spread: Real, logarithm: Real) -> Posterior:
    weights = np.exp(logarithm - logarithm.max())
    weights /= weights.sum()
    sd = np.sqrt(spread)

    def below(x: float) -> float:
        return float(weights @ stats.norm.cdf((x - centre) / sd))

    low, high = centre.min() - 12 * sd.max(), centre.max() + 12 * sd.max()
    ends = [_quantile(below, share, low, high) for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    mean = float(weights @ centre)
    at_zero = float(weights @ stats.norm.pdf(0, centre, sd))
    wide = float(weights @ (stats.norm.pdf(0, centre, np.sqrt(spread + 1))))
    return Posterior(
        polarisation=float(np.tanh(mean / 2)),
        low=float(np.tanh(ends[0] / 2)),
        high=float(np.tanh(ends[1] / 2)),
        positive=1 - below(0.0),
        bayes_factor=wide / at_zero if at_zero else np.inf,
    )


def _quantile(below: Callable[[float], float], share: float, low: float, high: float) -> float:
    """Where a distribution function reaches a share."""
    from scipy.optimize import brentq

    def gap(x: float) -> float:
        return below(x) - share

    return float(brentq(gap, low, high, xtol=1e-10))


def multiverse(variants: Mapping[str, Any], enantiomer: str) -> dict[str, Any]:
    """Smallest and largest P at the verdict bias over ways to analyse the set, and whether they have one sign."""
    known = {name: v for name, v in variants.items() if np.isfinite(v)}
    if not known:
        return {}
    low, high = min(known, key=lambda n: known[n]), max(known, key=lambda n: known[n])
    return {
        "enantiomer": enantiomer,
        "ways": len(known),
        "smallest": [low, known[low]],
        "largest": [high, known[high]],
        "robust": bool(known[low] > 0 or known[high] < 0),
    }
