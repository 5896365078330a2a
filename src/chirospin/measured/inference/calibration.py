"""Is a posterior as wide as it says? Truths drawn from the prior, and where they lie in their posteriors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from chirospin.measured.inference.likelihood import LOWEST, Posterior, student, whitened
from chirospin.measured.inference.reduced import Reduced
from chirospin.measured.inference.sampling import walkers

Real = NDArray[np.float64]
BINS = 5
WALKERS, STEPS = 32, 1200
"""Walkers forget where they began in some 60 steps; where they begin, the misfit is too large."""
CENTRAL = (0.5, 0.9)
ALLOWED = 1e-3
"""Probability below which ranks are not those of a calibrated posterior, over all parameters together."""
ROOM = 0.04
"""By which a coverage may miss beyond chance: what the plug-in covariance costs (fewer than 0.03 at 20 contacts)."""

RECORD = Path(__file__).with_name("calibration.json")
"""Ranks of 200 truths of every phenomenological mechanism for a typical set (benchmarks.fit_calibration)."""
EMULATED = RECORD.with_name("calibration_emulated.json")
"""The same of junction.bias behind its emulator, by round of refinement (benchmarks.emulator_calibration)."""
CONTROL = "level.factor, covariance / 50"
"""In the record, and must fail."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Ranks of truths in their posteriors.

    Parameters
    ----------
    ranks : (truth, parameter), share of draws below the truth
    """

    names: tuple[str, ...]
    ranks: Real

    @property
    def histogram(self) -> NDArray[np.int_]:
        """Truths in each fifth, (parameter, 5)."""
        edges = np.linspace(0, 1, BINS + 1)
        return np.array([np.histogram(column, edges)[0] for column in self.ranks.T])

    @property
    def p(self) -> Real:
        """Of chi squared against flat ranks, for each parameter."""
        return np.asarray(stats.chisquare(self.histogram, axis=1).pvalue)

    def coverage(self, level: float) -> Real:
        """Share of truths inside the central interval, for each parameter."""
        inside: Real = (np.abs(self.ranks - 0.5) <= level / 2).mean(axis=0)
        return inside

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not calibrated, in words; empty where all is."""
        many, found = len(self.ranks), []
        for n, name in enumerate(self.names):
            if self.p[n] < ALLOWED / len(self.names):
                found.append(f"ranks of {name} are not flat (p = {self.p[n]:.1g})")
            for level in CENTRAL:
                covered = float(self.coverage(level)[n])
                chance = float(stats.norm.isf(ALLOWED / len(self.names) / 2))
                if abs(covered - level) > ROOM + chance * np.sqrt(level * (1 - level) / many):
                    found.append(
                        f"{100 * level:.0f} % intervals of {name} hold {100 * covered:.0f} %"
                    )
        return tuple(found)


@cache
def recorded() -> dict[str, Calibration]:
    """Calibrations of the record, by mechanism."""
    kept: dict[str, dict[str, list[float]]] = {}
    if RECORD.exists():
        kept = json.loads(RECORD.read_text("utf-8"))
    return {name: _from_ranks(ranks) for name, ranks in kept.items()}


def recorded_emulated() -> dict[str, Calibration]:
    """Those of junction.bias, by round of refinement."""
    kept = json.loads(EMULATED.read_text("utf-8")) if EMULATED.exists() else {}
    return {name: _from_ranks(row["ranks"]) for name, row in kept.items()}


def _from_ranks(ranks: dict[str, list[float]]) -> Calibration:
    return Calibration(names=tuple(ranks), ranks=np.array(list(ranks.values())).T)


def simulated(
    posterior: Posterior,
    truths: Real,
    rng: np.random.Generator,
    curves: Real | None = None,
    *,
    misfit: bool = True,
) -> tuple[Real, Real]:
    """Means and covariances of sets like that of a posterior, at truths: (set, 2J), (set, 2J, 2J).

    Parameters
    ----------
    truths : parameters, (set, parameter)
    curves : of ln|I| at the truths, where the posterior has only an emulator of them
    """
    data = posterior.data
    many, size = len(truths), len(data.mean)
    if curves is None:
        curves = posterior.curves(truths)
    tau = truths[:, -1] if misfit else np.zeros(many)
    root = np.linalg.cholesky(data.shared + 1e-10 * np.eye(size))
    own = np.linalg.cholesky(_own(data) + 1e-12 * np.eye(size)) * misfit
    noise = np.linalg.cholesky(data.covariance)
    mean = curves + rng.normal(size=(many, size)) @ noise.T
    mean = mean + tau[:, None] * (rng.normal(size=(many, size)) @ root.T)
    mean = mean + rng.normal(size=(many, size)) @ own.T
    return mean, np.array([_scattered(data, rng) for _ in range(many)])


def _own(data: Reduced) -> Real:
    """Misfit of each magnetisation by itself."""
    return data.fixed - data.widening * data.covariance


def _scattered(data: Reduced, rng: np.random.Generator) -> Real:
    """The covariance as another set of as many contacts would show it."""
    J, size = len(data.bias), len(data.mean)
    if data.paired:
        df = int(data.freedom + size - 1)
        return np.asarray(stats.wishart.rvs(df, data.covariance / df, random_state=rng))
    df = int(data.freedom + J - 1)
    up, down = data.covariance[:J, :J], data.covariance[J:, J:]
    one = np.asarray(stats.wishart.rvs(df, up / df, random_state=rng)).reshape(J, J)
    ratio = float(down[0, 0] / up[0, 0])
    found = np.zeros((size, size))
    found[:J, :J], found[J:, J:] = one, ratio * one
    return found


def calibrate(
    posterior: Posterior,
    count: int = 200,
    *,
    seed: int = 0,
    truths: Real | None = None,
    curves: Real | None = None,
    narrowed: float = 1.0,
    steps: int = STEPS,
) -> Calibration:
    """Ranks of simulated truths, all data sets sampled in step.

    Parameters
    ----------
    truths : parameters; drawn from the prior if None
    curves : of ln|I| at the truths by the model itself, where the posterior has an emulator
    narrowed : factor on the covariance that the posterior believes; other than 1 to see it fail
    """
    return ranked(
        posterior, count, seed=seed, truths=truths, curves=curves, narrowed=narrowed, steps=steps
    )[0]


def ranked(
    posterior: Posterior,
    count: int = 200,
    *,
    seed: int = 0,
    truths: Real | None = None,
    curves: Real | None = None,
    narrowed: float = 1.0,
    steps: int = STEPS,
    kept: int = 1,
) -> tuple[Calibration, Real]:
    """The same, and the last ``kept`` draws of every posterior as shares of the priors, (truth, draw, parameter)."""
    rng = np.random.default_rng(seed)
    if truths is None:
        truths = posterior.values(rng.random((count, len(posterior.priors))))
    mean, covariance = simulated(posterior, truths, rng, curves)
    density = _density(posterior, mean, covariance * narrowed)
    start = rng.random((len(truths), 8 * WALKERS, truths.shape[1]))
    best = np.argsort(-density(start), axis=1)[:, :WALKERS]
    start = np.take_along_axis(start, best[..., None], axis=1)
    draws = walkers(density, start, steps, rng, keep=10)
    values = posterior.values(draws)
    ranks = (values < truths[:, None]).mean(axis=1)
    return Calibration(names=posterior.names, ranks=ranks), draws[:, -kept:]


def _density(posterior: Posterior, mean: Real, covariance: Real) -> Callable[[Real], Real]:
    """ln L of every set at its own walkers, (set, walker, parameter) -> (set, walker)."""
    data = posterior.data
    fixed = data.widening * covariance + _own(data)
    alone = whitened(fixed, data.shared)

    def density(shares: Real) -> Real:
        theta = posterior.values(shares)
        residual = mean[:, None] - posterior.curves(theta)
        lost = np.asarray(~np.isfinite(residual).all(axis=-1))
        residual = np.where(lost[..., None], 0.0, residual)
        own = posterior.error(theta)
        if own is None:
            found = alone.student(residual, theta[..., -1], data.freedom)
        else:
            shape = np.square(theta[..., -1, None, None]) * data.shared
            found = student(residual, fixed[:, None] + shape + own, data.freedom)
        return np.where(lost, LOWEST, found)

    return density


def planned_set(
    bias: Real,
    contacts: int,
    *,
    between: float = 1.1,
    shape: float = 0.25,
    noise: float = 0.03,
    temperature: float = 300.0,
) -> Reduced:
    """The scatter of a set that is only planned: contacts of each magnetisation.

    Parameters
    ----------
    between, shape, noise : standard deviations of ln|I|: of a factor, of a slope at the largest bias, of a point
    """
    V = np.asarray(bias, dtype=float)
    slope = np.abs(V) / np.abs(V).max()
    one = between**2 + shape**2 * np.outer(slope, slope) + noise**2 * np.eye(len(V))
    return Reduced(
        bias=V,
        mean=np.zeros(2 * len(V)),
        covariance=np.kron(np.eye(2), one) / contacts,
        freedom=float(2 * contacts - 2 - len(V) + 1),
        units=2 * contacts,
        paired=False,
        temperature=temperature,
        enantiomer="R",
    )


def at_truth(posterior: Posterior, truth: Real, seed: int, *, misfit: bool = True) -> Reduced:
    """One simulated set."""
    rng = np.random.default_rng(seed)
    mean, covariance = simulated(posterior, truth[None], rng, misfit=misfit)
    return replace(posterior.data, mean=mean[0], covariance=covariance[0])
