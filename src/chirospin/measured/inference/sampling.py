"""Posteriors and evidences: nested sampling by dynesty, and an ensemble of walkers for many data sets at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.extras import installing
from chirospin.measured.inference.likelihood import LOWEST, Posterior

Real = NDArray[np.float64]
LIVE = 250
ENDED = 0.1
"""ln Z that the points still alive could add."""
KEPT_EVERY = 30.0
"""Seconds between states of a run on disk."""
STRETCH = 2.0


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A posterior.

    Parameters
    ----------
    shares, theta : (draw, parameter), equal weights, as shares of the priors and as parameters
    log_likelihood : (draw,)
    log_evidence, error : ln Z and its standard error
    calls : evaluations of the likelihood
    effective : effective number of draws before they were made equal
    """

    shares: Real
    theta: Real
    log_likelihood: Real
    log_evidence: float
    error: float
    calls: int
    effective: float


def nested(
    posterior: Posterior,
    *,
    live: int = LIVE,
    seed: int = 0,
    store: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Sampled:
    """Nested sampling.

    Parameters
    ----------
    store : folder in which a finished run is kept and a stopped one continues
    progress : called with ln Z that is still to be gained

    Raises
    ------
    ModelError : dynesty is not installed

    References
    ----------
    skilling_2006, speagle_2020
    """
    try:
        import dynesty

        from chirospin.measured.inference.lockstep import Lockstep
    except ImportError:
        raise ModelError(f"A fit needs dynesty: {installing('fit')}") from None
    kept = None if store is None else store / content(posterior, live, seed)
    done = None if kept is None else kept.with_suffix(".npz")
    if done is not None and done.exists():
        return _loaded(done)
    state = None if kept is None else kept.with_suffix(".dynesty")
    settings: dict[str, Any] = {"dlogz": ENDED, "print_progress": progress is not None}
    if progress is not None:
        settings["print_func"] = _reporting(progress)
    if state is not None:
        state.parent.mkdir(parents=True, exist_ok=True)
        settings |= {"checkpoint_file": str(state), "checkpoint_every": KEPT_EVERY}
    likelihood = Likelihood(posterior)
    pool = Lockstep(likelihood.heights, live)
    sampler = _stopped(state, pool)
    if sampler is not None:
        settings["resume"] = True
    else:
        sampler = dynesty.NestedSampler(
            likelihood,
            _Shares(),
            len(posterior.priors),
            nlive=live,
            sample="rwalk",
            pool=pool,
            rstate=np.random.default_rng(seed),
        )
    sampler.run_nested(**settings)
    found = _sampled(sampler.results, posterior, seed)
    if done is not None and state is not None:
        _kept(done, found)
        state.unlink(missing_ok=True)
    return found


@dataclass(frozen=True)
class Likelihood:
    """ln L over shares of the priors; a plain object, so that a stopped run can be kept."""

    posterior: Posterior

    def __call__(self, shares: Real) -> float:
        """At one point."""
        return float(self.heights(shares[None])[0])

    def heights(self, shares: Real) -> Real:
        """At several points, (point, parameter) -> (point,)."""
        return np.maximum(self.posterior.log_likelihood(self.posterior.values(shares)), LOWEST)


class _Shares:
    """The unit cube is the space that is sampled."""

    def __call__(self, shares: Real) -> Real:
        return shares


def _stopped(state: Path | None, pool: Any) -> Any:
    """The sampler of a run that was stopped; None where there is none, or where it cannot be read."""
    import dynesty

    if state is None or not state.exists():
        return None
    try:
        return dynesty.NestedSampler.restore(str(state), pool=pool)
    except Exception:  # pickle has as many kinds as there are bytes
        state.unlink()
        return None


def _reporting(progress: Callable[[float], None]) -> Callable[..., None]:
    def report(results: Any, *_rest: Any, **_named: Any) -> None:
        progress(float(results.delta_logz))

    return report


def _sampled(results: Any, posterior: Posterior, seed: int) -> Sampled:
    weights = np.exp(results.logwt - results.logz[-1])
    weights = weights / weights.sum()
    effective = float(1 / np.square(weights).sum())
    rng = np.random.default_rng(seed)
    many = max(int(effective), 100)
    grid = (rng.random() + np.arange(many)) / many
    place = np.searchsorted(np.cumsum(weights), grid).clip(0, len(weights) - 1)
    shares = rng.permutation(np.asarray(results.samples)[place])
    theta = posterior.values(shares)
    return Sampled(
        shares=shares,
        theta=theta,
        log_likelihood=posterior.log_likelihood(theta),
        log_evidence=float(results.logz[-1]),
        error=float(results.logzerr[-1]),
        calls=int(np.sum(results.ncall)),
        effective=effective,
    )


def content(posterior: Posterior, *settings: Any) -> str:
    """A name for the content: priors, data and settings."""
    data = posterior.data
    parts = [
        posterior.mechanism.name,
        repr(posterior.priors),
        *(getattr(posterior.data, n).tobytes() for n in ("bias", "mean", "covariance")),
        repr((data.freedom, data.temperature, posterior.emulated, settings)),
        getattr(posterior.mechanism, "content", ""),
    ]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return f"{posterior.mechanism.name}-{digest.hexdigest()[:16]}".replace(".", "_")


NAMES = ("shares", "theta", "log_likelihood", "log_evidence", "error", "calls", "effective")


def _kept(path: Path, sampled: Sampled) -> None:
    part = path.with_suffix(".part.npz")
    arrays: dict[str, Any] = {name: np.asarray(getattr(sampled, name)) for name in NAMES}
    np.savez(part, **arrays)
    os.replace(part, path)


def _loaded(path: Path) -> Sampled:
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in NAMES}
    return Sampled(
        shares=arrays["shares"],
        theta=arrays["theta"],
        log_likelihood=arrays["log_likelihood"],
        log_evidence=float(arrays["log_evidence"]),
        error=float(arrays["error"]),
        calls=int(arrays["calls"]),
        effective=float(arrays["effective"]),
    )


def walkers(
    log_density: Callable[[Real], Real],
    start: Real,
    steps: int,
    rng: np.random.Generator,
    keep: int = 1,
) -> Real:
    """Affine-invariant walkers in the unit cube, for many data sets in step.

    Parameters
    ----------
    log_density : (set, walker, parameter) -> (set, walker)
    start : (set, walker, parameter), an even number of walkers

    Returns
    -------
    The second half of the steps, thinned: (set, draw, parameter)

    References
    ----------
    goodman_weare_2010
    """
    place, size = start.copy(), start.shape[-1]
    height = log_density(place)
    half = start.shape[1] // 2
    kept = []
    for step in range(steps):
        for own in (slice(0, half), slice(half, None)):
            other = place[:, half:] if own.start == 0 else place[:, :half]
            pick = rng.integers(0, other.shape[1], size=place[:, own].shape[:2])
            partner = np.take_along_axis(other, pick[..., None], axis=1)
            z = (1 + (STRETCH - 1) * rng.random(pick.shape)) ** 2 / STRETCH
            trial = partner + z[..., None] * (place[:, own] - partner)
            inside = ((trial > 0) & (trial < 1)).all(axis=-1)
            there = np.where(inside, log_density(np.clip(trial, 1e-9, 1 - 1e-9)), -np.inf)
            gain = (size - 1) * np.log(z) + there - height[:, own]
            moved = np.log(rng.random(pick.shape)) < gain
            place[:, own] = np.where(moved[..., None], trial, place[:, own])
            height[:, own] = np.where(moved, there, height[:, own])
        if step >= steps // 2 and step % keep == 0:
            kept.append(place.copy())
    return np.concatenate(kept, axis=1)


HEAVY = 5.0
"""Degrees of freedom of the t that stands for a posterior."""
DRAWN = 4000


def evidence_again(
    posterior: Posterior, seed: int = 0, steps: int = 1500, drawn: int = DRAWN
) -> tuple[float, float, float]:
    """ln Z without nested sampling: walkers find the posterior, a multivariate t round it is weighted.

    Returns
    -------
    ln Z, its standard error, and the effective size of the weights; below 100 it means nothing
    """
    from scipy import stats

    rng = np.random.default_rng(seed)
    size = len(posterior.priors)

    def density(shares: Real) -> Real:
        return posterior.log_likelihood(posterior.values(shares))

    start = rng.random((1, 64 * 16, size))
    best = np.argsort(-density(start), axis=1)[:, :64]
    draws = walkers(density, np.take_along_axis(start, best[..., None], axis=1), steps, rng, 10)[0]
    spread = np.cov(draws.T) + 1e-12 * np.eye(size)
    shape = stats.multivariate_t(draws.mean(axis=0), spread, df=HEAVY, seed=rng)
    points = np.atleast_2d(shape.rvs(drawn))
    inside = ((points > 0) & (points < 1)).all(axis=1)
    height = np.where(inside, density(np.clip(points, 1e-9, 1 - 1e-9)), -np.inf)
    logs = height - shape.logpdf(points)
    top = logs.max()
    weights = np.exp(logs - top)
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    error = float(weights.std() / weights.mean() / np.sqrt(drawn))
    return float(np.log(weights.mean()) + top), error, effective
