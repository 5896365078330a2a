"""A fit of an expensive model: its emulator is refined where the posterior lies, or the fit says that it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from chirospin.measured.inference.emulator import (
    Emulated,
    Expensive,
    Training,
    currents_of,
    design,
    training,
)
from chirospin.measured.inference.fits import Fitted, fit_one
from chirospin.measured.inference.likelihood import Posterior, student
from chirospin.measured.inference.mechanisms import FACTOR, NULL
from chirospin.measured.inference.reduced import Reduced
from chirospin.measured.inference.sampling import LIVE, Sampled

Real = NDArray[np.float64]
ROUNDS = 3
EXACT = 64
"""Draws of the posterior at which the model itself is solved."""
ENOUGH = 16.0
"""Effective size of their weights from which the emulator stands for the model."""
HOPELESS = 1 / 8
"""Share of the first half that counts, below which the other half is not solved: better to refine."""


def fit_expensive(
    expensive: Expensive,
    data: Reduced,
    *,
    points: int,
    live: int = LIVE,
    seed: int = 0,
    store: Path | None = None,
    rounds: int = ROUNDS,
    exact: int = EXACT,
    progress: Callable[[float], None] | None = None,
    solving: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Train, fit, solve the model at draws of the posterior, and train again until the draws count alike.

    Parameters
    ----------
    points : of the first training
    rounds : of refinement; with fewer than it takes the fit says that it is not calibrated
    exact : draws that are solved in each round
    """
    known = training(expensive, data, store)
    known.solve(design(expensive, points, seed), progress=solving)
    emulator = wide = known.emulator()
    failures: tuple[str, ...] = ()
    for n in range(rounds + 1):
        fit = fit_one(emulator, data, live=live, seed=seed + n, store=store, progress=progress)
        weights = solved_draws(known, fit, exact, solving)
        failures = judged(emulator, fit, weights)
        if not failures or n == rounds:
            break
        emulator = known.nearer(fit.sampled.shares[:, : len(expensive.ranges)], wide)
    solves = sum(expensive.solves)
    return Fitted(
        posterior=fit.posterior,
        sampled=fit.sampled if failures else reweighted(fit, weights),
        failures=failures,
        notes=(*fit.notes, *_notes(weights, n)),
        solves=solves,
    )


def without_polarisation(
    fit: Fitted,
    *,
    live: int = LIVE,
    seed: int = 0,
    store: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Fitted]:
    """The same model whose P is none, and one of a factor of the contacts: what its P, and not its current, explains.

    Against the null of another carrier a model wins by the shape of its current alone.
    """
    emulator = fit.posterior.mechanism
    assert isinstance(emulator, Emulated)
    return [
        fit_one(
            emulator.changed(change),
            fit.posterior.data,
            live=live,
            seed=seed,
            store=store,
            progress=progress,
        )
        for change in (NULL, FACTOR)
    ]


def solved_draws(
    known: Training,
    fit: Fitted,
    exact: int,
    solving: Callable[[int, int], None] | None = None,
) -> Real:
    """ln of the weights of draws at which the model is solved; half of them where these already decide, (draw,)."""
    draws = fit.sampled.shares[:exact, : len(known.expensive.ranges)]
    half = importance_weights(fit, known.solve(draws[: len(draws) // 2], progress=solving))
    effective = effective_size(half)
    if effective >= enough(len(draws)) or effective < HOPELESS * len(half):
        return half
    return importance_weights(fit, known.solve(draws, progress=solving))


def importance_weights(fit: Fitted, values: Real) -> Real:
    """ln of the weights of draws: the model's likelihood over the emulator's, (draw,); NaN without a current."""
    posterior, data = fit.posterior, fit.posterior.data
    theta = fit.sampled.theta[: len(values)]
    own = currents_of(values)
    own = own - own.mean(axis=-1, keepdims=True) + data.centre + theta[:, [-2]]
    exact = Posterior(posterior.mechanism, data, emulated=False)
    there = student(data.mean - np.nan_to_num(own), exact.covariance(theta), data.freedom)
    weights: Real = there - posterior.log_likelihood(theta)
    return np.where(np.isfinite(own).all(axis=-1), weights, np.nan)


def enough(draws: int) -> float:
    """The effective size that so many draws must have."""
    return min(ENOUGH, draws / 4)


def effective_size(weights: Real) -> float:
    """Of draws with these logarithms of weights; those without a value count for nothing."""
    known = weights[np.isfinite(weights)]
    if not known.size:
        return 0.0
    w = np.exp(known - known.max())
    return float(w.sum() ** 2 / np.square(w).sum())


def judged(emulator: Emulated, fit: Fitted, weights: Real) -> tuple[str, ...]:
    """Why the emulator does not stand for the model; empty where it does."""
    found = []
    effective = effective_size(weights)
    if effective < enough(len(weights)):
        found.append(
            f"only {effective:.0f} of {len(weights)} draws of the posterior count when the model itself is solved"
        )
    data = fit.posterior.data
    own = fit.sampled.theta[: len(weights), : len(emulator.priors)]
    error = emulator.covariance(own, data).mean(axis=0)
    worst = float(eigh(error, data.fixed, eigvals_only=True).max())
    if worst > 1:
        found.append(
            f"the emulator's error is {np.sqrt(worst):.1f} times that of the data in one direction; --training more points"
        )
    return tuple(found)


def reweighted(fit: Fitted, weights: Real) -> Sampled:
    """ln Z corrected by the mean weight, with what that adds to its error."""
    known = weights[np.isfinite(weights)]
    top = known.max()
    w = np.exp(known - top)
    share = len(known) / len(weights)
    shift = float(np.log(w.mean() * share) + top)
    error = float(w.std() / w.mean() / np.sqrt(len(w)))
    sampled = fit.sampled
    return replace(
        sampled,
        log_evidence=sampled.log_evidence + shift,
        error=float(np.hypot(sampled.error, error)),
    )


def _notes(weights: Real, rounds: int) -> tuple[str, ...]:
    lost = int((~np.isfinite(weights)).sum())
    words = [
        f"{effective_size(weights):.0f} of {len(weights)} draws count when the model itself is solved; "
        f"{rounds} rounds of refinement"
    ]
    if lost:
        words.append(f"{lost} of {len(weights)} draws of the posterior have no current")
    return tuple(words)
