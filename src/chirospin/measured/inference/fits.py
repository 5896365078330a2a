"""Which mechanism explains measured curves: evidences, posteriors, and what the curves leave open."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import chirospin.base.accessor  # noqa: F401  registers ds.chirospin
from chirospin.base.conventions import conventions
from chirospin.base.errors import ModelError
from chirospin.base.results import SCHEMA, provenance
from chirospin.measured.inference.calibration import recorded
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import FACTOR, NULL, Mechanism
from chirospin.measured.inference.priors import SHARE_SPREAD, Prior
from chirospin.measured.inference.reduced import Reduced
from chirospin.measured.inference.sampling import LIVE, Sampled, nested

Real = NDArray[np.float64]
FAMILY, MODEL, METHOD = "fit", "mechanisms", "nested-sampling"
QUESTION = "which mechanism explains the measured curves, and what do they leave open?"
REFERENCES = ("skilling_2006", "speagle_2020", "simmons_1963", "buttiker_1988")
APART = 3.0
"""ln Z that tells two mechanisms apart, beyond twice its error."""
OPEN = 0.8
"""Of the prior's width: a direction as wide is not determined."""
JEFFREYS = ((1.0, "not worth a mention"), (2.5, "substantial"), (5.0, "strong"))
LEVELS = (0.025, 0.16, 0.5, 0.84, 0.975)
FEW = 100.0
"""Effective draws below which a posterior is poorly known."""
NOT_DISTINGUISHED, ARTEFACT, EXCLUDED, NOT_CALIBRATED = (
    "the data do not distinguish",
    "a factor of the contacts explains the data as well",
    "artefact of contacts excluded",
    "not calibrated",
)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A mechanism, its posterior and what is wrong with it; ``failures`` empty where nothing is."""

    posterior: Posterior
    sampled: Sampled
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    solves: int = 0

    @property
    def name(self) -> str:
        """Of the mechanism."""
        return self.posterior.mechanism.name


def fit_one(
    mechanism: Mechanism,
    data: Reduced,
    *,
    live: int = LIVE,
    seed: int = 0,
    store: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Fitted:
    """The posterior of a mechanism whose currents are cheap; one of a kind that the record shows not calibrated fails.

    Raises
    ------
    ModelError : fewer contacts than parameters
    """
    posterior = Posterior(mechanism, data)
    if data.units <= len(posterior.priors):
        raise ModelError(
            f"Mechanism {mechanism.name} has {len(posterior.priors)} parameters with scale and misfit, but the set "
            f"has {data.units} contacts: more contacts than parameters are needed"
        )
    sampled = nested(posterior, live=live, seed=seed, store=store, progress=progress)
    notes: tuple[str, ...] = ()
    if sampled.effective < FEW:
        notes = (f"{sampled.effective:.0f} effective draws: several modes; --live {2 * live}",)
    missed = float(np.median(sampled.theta[:, -1]))
    if missed > posterior.priors[-1].high:
        notes += (
            f"the shape of ln|I| is missed by {missed:.2f} in both magnetisations; another carrier may have it "
            "(level, barrier)",
        )
    failures = recorded()[mechanism.name].failures if mechanism.name in recorded() else ()
    return Fitted(posterior=posterior, sampled=sampled, failures=failures, notes=notes)


def strength(nats: float) -> str:
    """Jeffreys' word for a difference of ln Z."""
    return next((word for limit, word in JEFFREYS if abs(nats) < limit), "decisive")


def distinguished(first: Sampled, second: Sampled) -> bool:
    """Whether the evidence of the first is larger beyond doubt."""
    error = float(np.hypot(first.error, second.error))
    return first.log_evidence - second.log_evidence > APART + 2 * error


def evidence_verdict(fitted: Sequence[Fitted]) -> tuple[str, str]:
    """A verdict, and its sentence."""
    bad = [fit for fit in fitted if fit.failures]
    if bad:
        return (
            NOT_CALIBRATED,
            f"{NOT_CALIBRATED}: {'; '.join(f'{b.name}: {b.failures[0]}' for b in bad)}",
        )
    best = max(fitted, key=lambda one: one.sampled.log_evidence)
    open_ = [fit for fit in fitted if not distinguished(best.sampled, fit.sampled)]
    kinds = {one.posterior.mechanism.kind for one in open_}
    tried = {fit.posterior.mechanism.kind for fit in fitted}
    names = ", ".join(one.name for one in open_)
    if len(fitted) == 1:
        return "", f"one mechanism: nothing to compare {best.name} with; add null and factor"
    if NULL in kinds or len(open_) == len(fitted):
        return NOT_DISTINGUISHED, f"{NOT_DISTINGUISHED} {names}"
    if FACTOR in kinds:
        return ARTEFACT, f"{ARTEFACT}: {names} are not told apart"
    if not {NULL, FACTOR} <= tried:
        return "", f"{names} are the best of those compared; null and factor were not both compared"
    nearest_ = max(
        fit.sampled.log_evidence for fit in fitted if fit.posterior.mechanism.kind in (NULL, FACTOR)
    )
    nats = best.sampled.log_evidence - nearest_
    told = (
        f"{names} explain the curves" if len(open_) > 1 else f"{best.name} explains the curves best"
    )
    return (
        EXCLUDED,
        f"{EXCLUDED} at {nats:.0f} nats ({strength(nats)}); {told}, as phenomenology or model within its priors",
    )


def shrinkage(fitted: Fitted) -> Real:
    """Width of the posterior over that of the prior, in shares of the prior, for each parameter."""
    spread: Real = fitted.sampled.shares.std(axis=0) / SHARE_SPREAD
    return spread


def open_directions(fitted: Fitted) -> list[str]:
    """What the curves cannot determine: principal directions of the posterior as wide as the prior."""
    covariance = np.cov(fitted.sampled.shares.T) / SHARE_SPREAD**2
    widths, axes = np.linalg.eigh(covariance)
    directions = []
    for width, axis in zip(np.sqrt(np.maximum(widths, 0)), axes.T, strict=True):
        if width > OPEN:
            largest = np.argsort(-np.abs(axis))
            parts = [n for n in largest if abs(axis[n]) > 0.4]
            sign = np.sign(axis[parts[0]])
            words = " ".join(
                f"{'-' if sign * axis[n] < 0 else '+'} {abs(axis[n]):.1f} {fitted.posterior.names[n]}"
                for n in parts
            ).removeprefix("+ ")
            directions.append(f"{words} (posterior/prior {width:.2f})")
    return directions


def _measured(data: Reduced) -> dict[str, Any]:
    """What was measured, with its errors: ln|I| of both states, and the polarisation."""
    J = len(data.bias)
    up, down = data.mean[:J], data.mean[J:]
    spread = np.sqrt(np.diag(data.covariance))
    return {
        "measured": (("state", "bias"), np.array([up, down]), {"units": "1"}),
        "measured_error": (("state", "bias"), spread.reshape(2, J), {"units": "1"}),
        "measured_covariance": (("point", "other"), data.covariance, {"units": "1"}),
        "measured_polarisation": ("bias", np.tanh((up - down) / 2), {"units": "1"}),
        "measured_polarisation_error": (
            "bias",
            _difference_error(data) / 2 / np.cosh((up - down) / 2) ** 2,
            {"units": "1"},
        ),
    }


def fit_dataset(
    fitted: Sequence[Fitted], data: Reduced, settings: Mapping[str, Any], files: Mapping[str, Any]
) -> xr.Dataset:
    """The fit as a stored result.

    Returns
    -------
    Over mechanism ``log_evidence``, ``log_evidence_error``, ``calls``, ``solves``; over (mechanism, quantile,
    state, bias) ``current_band``; over (mechanism, quantile, bias) ``polarisation_band``; ``measured``,
    ``measured_error`` of ln|I|, and ``measured_polarisation``
    """
    verdict, sentence = evidence_verdict(fitted)
    names = np.array([fit.name for fit in fitted])
    J = len(data.bias)
    bands = [_bands(fit, J) for fit in fitted]
    failures = {fit.name: list(fit.failures) for fit in fitted}
    return xr.Dataset(
        {
            "log_evidence": ("mechanism", [f.sampled.log_evidence for f in fitted], {"units": "1"}),
            "log_evidence_error": ("mechanism", [f.sampled.error for f in fitted], {"units": "1"}),
            "calls": ("mechanism", [f.sampled.calls for f in fitted]),
            "solves": ("mechanism", [f.solves for f in fitted]),
            "current_band": (
                ("mechanism", "quantile", "state", "bias"),
                np.array([b[0] for b in bands]),
                {"units": "1", "long_name": "ln|I/A|"},
            ),
            "polarisation_band": (
                ("mechanism", "quantile", "bias"),
                np.array([b[1] for b in bands]),
                {"units": "1", "symbol": "P"},
            ),
            **_measured(data),
            "converged": ((), True),
            "residual": ((), 0.0),
            "reason": ((), ""),
            "audit_value": ("check", np.array([float(len(f.failures)) for f in fitted])),
            "audit_tolerance": ("check", np.zeros(len(fitted))),
            "audit_passed": ("check", np.array([not f.failures for f in fitted])),
        },
        {
            "mechanism": names,
            "quantile": np.array(LEVELS),
            "state": np.array(["up", "down"]),
            "bias": ("bias", data.bias, {"units": "V"}),
            "check": np.array([f"calibrated {name}" for name in names]),
        },
        {
            "family": FAMILY,
            "model": MODEL,
            "method": METHOD,
            "question": QUESTION,
            "quantity": "log_evidence",
            "chirospin_schema": SCHEMA,
            "references": ", ".join(REFERENCES),
            "method_settings": json.dumps(dict(settings)),
            "provenance": json.dumps(provenance() | dict(files)),
            "conventions": json.dumps(conventions(FAMILY)),
            "verdict": verdict,
            "conclusion": sentence,
            "failures": json.dumps(failures),
            "facts": json.dumps(_facts(fitted, data, verdict, sentence)),
        },
    )


def _difference_error(data: Reduced) -> Real:
    J = len(data.bias)
    pick = np.concatenate([np.eye(J), -np.eye(J)], axis=1)
    return np.asarray(np.sqrt(np.diag(pick @ data.covariance @ pick.T)))


def _bands(fit: Fitted, J: int) -> tuple[Real, Real]:
    """Quantiles of ln|I| of both magnetisations and of P."""
    curves = fit.posterior.curves(fit.sampled.theta)
    P = np.tanh((curves[:, :J] - curves[:, J:]) / 2)
    both = np.quantile(curves, LEVELS, axis=0).reshape(len(LEVELS), 2, J)
    return both, np.quantile(P, LEVELS, axis=0)


def _facts(fitted: Sequence[Fitted], data: Reduced, verdict: str, sentence: str) -> dict[str, Any]:
    told = [f for f in fitted if not f.failures] or list(fitted)  # one that failed says nothing
    best = max(f.sampled.log_evidence for f in told)
    return {
        "units": data.units,
        "paired": data.paired,
        "enantiomer": data.enantiomer,
        "freedom": data.freedom,
        "temperature": data.temperature,
        "bias": data.bias.tolist(),
        "verdict": verdict,
        "conclusion": sentence,
        "mechanisms": {f.name: _mechanism_facts(f, best) for f in fitted},
    }


def _mechanism_facts(fit: Fitted, best: float) -> dict[str, Any]:
    sampled = fit.sampled
    ratio = shrinkage(fit)
    J = len(fit.posterior.data.bias)
    P = _bands(fit, J)[1][:, -1]
    return {
        "about": fit.posterior.mechanism.about,
        "kind": fit.posterior.mechanism.kind,
        "log_evidence": sampled.log_evidence,
        "error": sampled.error,
        "difference": sampled.log_evidence - best,
        "word": strength(sampled.log_evidence - best),
        "calls": sampled.calls,
        "solves": fit.solves,
        "effective": sampled.effective,
        "failures": list(fit.failures),
        "notes": list(fit.notes),
        "not_determined": open_directions(fit),
        "polarisation": dict(zip(("low", "median", "high"), P[[0, 2, 4]].tolist(), strict=True)),
        "parameters": {
            p.name: _parameter_facts(p, sampled.theta[:, n], float(ratio[n]))
            for n, p in enumerate(fit.posterior.priors)
        },
    }


def _parameter_facts(prior: Prior, draws: Real, ratio: float) -> dict[str, Any]:
    low, lower, median, upper, high = np.quantile(draws, LEVELS).tolist()
    return {
        "unit": prior.unit,
        "median": median,
        "interval_68": [lower, upper],
        "interval_95": [low, high],
        "prior": prior.words,
        "source": prior.source,
        "ratio": ratio,
        "determined": ratio <= OPEN,
    }


def stored_data(ds: xr.Dataset) -> Reduced:
    """The data of a stored fit."""
    facts = json.loads(str(ds.attrs["facts"]))
    return Reduced(
        bias=ds["bias"].values,
        mean=ds["measured"].transpose("state", "bias").values.ravel(),
        covariance=ds["measured_covariance"].values,
        freedom=float(facts["freedom"]),
        units=int(facts["units"]),
        paired=bool(facts["paired"]),
        temperature=float(facts["temperature"]),
        enantiomer=str(facts["enantiomer"]),
    )


def inference_data(fit: Fitted, path: Path) -> None:
    """Write a posterior as the groups of an ``InferenceData`` file, which ``arviz.from_netcdf`` reads.

    The draws are of equal weight and in random order; they stand as one chain.
    """
    posterior, sampled = fit.posterior, fit.sampled
    data = posterior.data
    draws = {
        p.name: (("chain", "draw"), sampled.theta[None, :, n], {"units": p.unit})
        for n, p in enumerate(posterior.priors)
    }
    coords = {"chain": [0], "draw": np.arange(len(sampled.theta))}
    rng = np.random.default_rng(0)
    prior = posterior.values(rng.random(sampled.theta.shape))
    names = {"point": np.arange(len(data.mean))}
    groups = {
        "posterior": xr.Dataset(draws, coords, {"log_evidence": sampled.log_evidence}),
        "prior": xr.Dataset(
            {
                p.name: (("chain", "draw"), prior[None, :, n])
                for n, p in enumerate(posterior.priors)
            },
            coords,
        ),
        "sample_stats": xr.Dataset(
            {"lp": (("chain", "draw"), sampled.log_likelihood[None])}, coords
        ),
        "log_likelihood": xr.Dataset(
            {"log_current": (("chain", "draw"), sampled.log_likelihood[None])}, coords
        ),
        "posterior_predictive": xr.Dataset(
            {"log_current": (("chain", "draw", "point"), posterior.curves(sampled.theta)[None])},
            coords | names,
        ),
        "observed_data": xr.Dataset({"log_current": ("point", data.mean)}, names),
        "constant_data": xr.Dataset(
            {"bias": ("point", np.tile(data.bias, 2), {"units": "V"})}, names
        ),
    }
    path.unlink(missing_ok=True)
    for n, (name, group) in enumerate(groups.items()):
        group.to_netcdf(path, mode="a" if n else "w", group=name, engine="h5netcdf")
