"""What `chirospin fit` prints: evidences, posteriors, what the curves leave open; fits in report and audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base.audit import Certificate
from chirospin.base.errors import ModelError
from chirospin.base.parameters import shown
from chirospin.base.units import quantity, shown_unit
from chirospin.faces import arguments
from chirospin.faces.arguments import problem
from chirospin.faces.optimising import ranges_from
from chirospin.faces.text import table
from chirospin.measured.inference.calibration import CENTRAL, Calibration, calibrate
from chirospin.measured.inference.emulator import Expensive, coarser
from chirospin.measured.inference.fits import (
    FAMILY,
    METHOD,
    Fitted,
    fit_one,
    inference_data,
    stored_data,
)
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import CARRIERS, Mechanism, phenomenologies
from chirospin.measured.inference.quantity import BIASED, measured_polarisation
from chirospin.measured.inference.ranges import realistic, realistic_ranges
from chirospin.measured.inference.reduced import Reduced, reduced_curves
from chirospin.measured.inference.refinement import fit_expensive, without_polarisation
from chirospin.measured.inference.sampling import evidence_again
from chirospin.points.gradient import held
from chirospin.points.optimise import Range

ENOUGH = 100.0  # effective draws with which a second evidence means something
FEWEST_TRUTHS = 20
LIMITS = {
    "live": (20, 100_000),
    "training": (16, 4096),
    "calibrate": (0, 100_000),
    "seed": (0, 2**31),
    "workers": (1, 4096),
}
EXPENSIVE_BIASES = 6  # at which a model behind an emulator is solved
LARGEST_GAIN = 1e6  # of ln Z: more is none
STEPS = 100  # of the progress of one mechanism


def is_fit(ds: xr.Dataset) -> bool:
    """Whether a stored result is a fit of mechanisms."""
    return ds.attrs.get("family") == FAMILY


def mechanism_names(text: str) -> list[str]:
    """Names with commas; a carrier alone stands for all its changes.

    Raises
    ------
    ModelError : none, or one twice
    """
    names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        known = name.partition(".")[0] in CARRIERS
        names += [m.name for m in phenomenologies(name)] if known else [name]
    if not all(names) or len(set(names)) < len(names):
        raise ModelError(
            f"Option --mechanism must be names with commas, each once, but is {text!r}"
        )
    return names


def mechanism_of(name: str) -> Mechanism | None:
    """A phenomenological mechanism; None for the name of a problem."""
    if name.partition(".")[0] not in CARRIERS:
        return None
    (one,) = phenomenologies(name)
    return one


def checked_numbers(**numbers: int) -> None:
    """Refuse options out of range.

    Raises
    ------
    ModelError : names the option
    """
    for name, (low, high) in LIMITS.items():
        if not low <= numbers[name] <= high:
            raise ModelError(
                f"Option --{name} must be {low} to {high}, but is {shown(str(numbers[name]))}"
            )
    if 0 < numbers["calibrate"] < FEWEST_TRUTHS:
        raise ModelError(
            f"Option --calibrate must be at least {FEWEST_TRUTHS}, so that ranks say something, but is "
            f"{numbers['calibrate']}"
        )


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is asked of the model behind an emulator, in the words of the command line."""

    set_: Sequence[str]
    vary: Sequence[str]
    atoms: str
    method: str | None
    option: Sequence[str]
    training: int
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be fitted."""

    curves: xr.Dataset
    names: Sequence[str]
    enantiomer: str | None
    temperature: str | None
    changes: Changes
    live: int
    seed: int
    store: Path | None

    @cached_property
    def data(self) -> Reduced:
        """The curves as a fit compares them."""
        found = reduced_curves(self.curves, self.enantiomer)
        if any(mechanism_of(name) is None for name in self.names):  # all compare the same biases
            found = coarser(found, EXPENSIVE_BIASES)
        if self.temperature is None:
            return found
        return replace(found, temperature=quantity(self.temperature, "K", "option --temperature"))

    @property
    def settings(self) -> dict[str, Any]:
        """What makes the same fit again."""
        return {"mechanism": ",".join(self.names), "live": self.live, "seed": self.seed}


def fitted_all(task: Task, report: Callable[[int, int], None]) -> list[Fitted]:
    """Every mechanism, one after the other."""
    many, found = len(task.names), []
    for n, name in enumerate(task.names):
        found += _fitted(task, name, report, n)
        report((n + 1) * STEPS, many * STEPS)
    return found


def _fitted(task: Task, name: str, report: Callable[[int, int], None], n: int) -> list[Fitted]:
    """A mechanism; of a model behind an emulator also what is left without its P."""
    mechanism, many = mechanism_of(name), len(task.names)
    progress = gain_progress(report, n, many)
    sampling: dict[str, Any] = {
        "live": task.live,
        "seed": task.seed,
        "store": task.store,
        "progress": progress,
    }
    if mechanism is not None:
        return [fit_one(mechanism, task.data, **sampling)]
    fit = fit_expensive(
        expensive_of(task, name),
        task.data,
        points=task.changes.training,
        solving=solve_progress(report, n, many),
        **sampling,
    )
    return [fit] if fit.failures else [fit, *without_polarisation(fit, **sampling)]


def expensive_of(task: Task, name: str) -> Expensive:
    """The model behind an emulator, as the options ask for it.

    Raises
    ------
    ModelError : no such problem, or one without a current of both magnetisations at a bias
    """
    asked = task.changes
    one = problem(name)
    measured_polarisation(one)
    given = list(arguments.values_from(one.model, asked.set_))
    own = [*given, "temperature", *([BIASED] if BIASED in one.model.model_fields else [])]
    model, _ = realistic(arguments.model_from(one.model, asked.set_), given)
    if "temperature" in one.model.model_fields and not {"temperature", "thermal_energy"} & set(
        given
    ):
        model = held(model, temperature=task.data.temperature)
    if asked.vary:
        ranges: Sequence[Range] = ranges_from(model, asked.vary, [])
        sources: tuple[str, ...] = ()
    else:
        ranges, rows = realistic_ranges(model, own, asked.atoms)
        sources = tuple(r.source for r in rows)
    (method, *_) = arguments.methods_from(one, asked.method, asked.option, model)
    return Expensive(
        problem=one,
        model=model,
        method=method,
        ranges=tuple(ranges),
        sources=sources,
        workers=asked.workers,
    )


def calibrated(
    task: Task, count: int, report: Callable[[int, int], None]
) -> dict[str, Calibration]:
    """Simulated truths of every mechanism."""
    found = {}
    for n, name in enumerate(task.names):
        mechanism = mechanism_of(name)
        if mechanism is None:
            raise ModelError(
                f"Mechanism {name} is calibrated by every fit, against solves that its emulator does not know"
            )
        found[name] = calibrate(Posterior(mechanism, task.data), count, seed=task.seed)
        report(n + 1, len(task.names))
    return found


def fit_json(ds: xr.Dataset) -> dict[str, Any]:
    """The fit as plain values."""
    facts: dict[str, Any] = json.loads(str(ds.attrs["facts"]))
    return facts | {"provenance": json.loads(str(ds.attrs["provenance"]))}


def gain_progress(report: Callable[[int, int], None], n: int, of: int) -> Callable[[float], None]:
    """Progress of the n-th mechanism from what ln Z may still gain, which falls by as much with every step."""
    largest = [0.0]

    def progress(left: float) -> None:
        if not left < LARGEST_GAIN:  # before ln Z has a value
            return
        largest[0] = max(largest[0], left)
        share = 1 - left / largest[0] if largest[0] > 0 else 0.0
        report(n * STEPS + int((STEPS - 1) * share), of * STEPS)

    return progress


def solve_progress(
    report: Callable[[int, int], None], n: int, of: int
) -> Callable[[int, int], None]:
    """Progress of the n-th mechanism while its model is solved: the longest part where there is an emulator."""

    def progress(done: int, wanted: int) -> None:
        report(n * STEPS + (STEPS - 1) * done // max(wanted, 1), of * STEPS)

    return progress


def fit_text(ds: xr.Dataset) -> str:
    """The fit for a terminal."""
    facts = json.loads(str(ds.attrs["facts"]))
    many = "contacts with both magnetisations" if facts["paired"] else "contacts"
    lines = [
        f"{facts['units']} {many} of {facts['enantiomer']}, {len(facts['bias'])} biases, {facts['temperature']:g} K; "
        "the scale (area, number of molecules) is free",
        "",
        table(_evidence_rows(facts), EVIDENCE_HEAD),
    ]
    for name, one in facts["mechanisms"].items():
        if one["failures"]:
            lines += ["", f"{name}: {'; '.join(one['failures'])}: no numbers"]
            continue
        lines += ["", table(_parameter_rows(name, one), [name, *PARAMETER_HEAD])]
        lines += [f"  {line}" for line in _open_lines(facts, one)]
    lines += ["", f"verdict: {facts['conclusion']}"]
    return "\n".join(lines)


EVIDENCE_HEAD = ["mechanism", "ln Z - best", "error", "calls", "solves", "what it says"]
PARAMETER_HEAD = ["median", "unit", "95 %", "prior", "posterior/prior", ""]


def _evidence_rows(facts: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for name, one in facts["mechanisms"].items():
        known = not one["failures"]
        rows.append(
            [
                name,
                f"{one['difference'] + 0.0:.1f}" if known else "",
                f"{one['error']:.1f}" if known else "",
                str(one["calls"]),
                str(one["solves"] or ""),
                one["about"] if known else f"NOT CALIBRATED: {one['failures'][0]}",
            ]
        )
    return rows


def _parameter_rows(name: str, one: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for parameter, p in one["parameters"].items():
        low, high = p["interval_95"]
        rows.append(
            [
                f"  {parameter}",
                f"{p['median']:.3g}",
                shown_unit(p["unit"]),
                f"{low:.3g} .. {high:.3g}",
                p["prior"],
                f"{p['ratio']:.2f}",
                "" if p["determined"] else "not determined by these curves",
            ]
        )
    return rows


def _open_lines(facts: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[str]:
    P = one["polarisation"]
    yield f"P at {facts['bias'][-1]:+.4g} V: {P['median']:.2f}, 95 % {P['low']:.2f} .. {P['high']:.2f}"
    if one["not_determined"]:
        yield f"these curves do not determine: {'; '.join(one['not_determined'])}"
    else:
        yield "every direction of the posterior is narrower than the prior"
    for note in one["notes"]:
        yield f"note: {note}"


def fit_failures(ds: xr.Dataset) -> list[str]:
    """A line for each mechanism that is not calibrated."""
    told: dict[str, list[str]] = json.loads(str(ds.attrs["failures"]))
    return [f"{name} FAILED: {line}" for name, lines in told.items() for line in lines]


def write_posteriors(fitted: Sequence[Fitted], out: Path) -> list[Path]:
    """One InferenceData file for each mechanism beside the result: ``f.level.driven.nc`` beside ``f.nc``."""
    paths = []
    for fit in fitted:
        if fit.failures:
            continue
        path = out.with_name(f"{out.stem}.{fit.name}.nc")
        inference_data(fit, path)
        paths.append(path)
    return paths


def calibration_text(calibrations: Mapping[str, Calibration]) -> str:
    """Ranks and coverage of simulated truths."""
    rows = []
    for name, calibration in calibrations.items():
        for n, parameter in enumerate(calibration.names):
            cover = [f"{calibration.coverage(level)[n]:.2f}" for level in CENTRAL]
            ranks = " ".join(map(str, calibration.histogram[n]))
            rows.append([name, parameter, ranks, f"{calibration.p[n]:.2g}", *cover])
    lines = [
        "simulated truths, drawn from the priors and measured like this set",
        table(
            rows,
            [
                "mechanism",
                "parameter",
                "ranks in fifths",
                "p",
                *(f"in {100 * x:.0f} %" for x in CENTRAL),
            ],
        ),
    ]
    for name, calibration in calibrations.items():
        lines.append(f"{name}: {'; '.join(calibration.failures) or 'calibrated'}")
    return "\n".join(lines)


def calibration_facts(calibrations: Mapping[str, Calibration]) -> dict[str, Any]:
    """The same as plain values."""
    return {
        name: {
            "truths": len(calibration.ranks),
            "failures": list(calibration.failures),
            "parameters": {
                parameter: {
                    "ranks": calibration.histogram[n].tolist(),
                    "p": float(calibration.p[n]),
                    "inside": {str(x): float(calibration.coverage(x)[n]) for x in CENTRAL},
                }
                for n, parameter in enumerate(calibration.names)
            },
        }
        for name, calibration in calibrations.items()
    }


def fit_report(ds: xr.Dataset) -> list[str]:
    """The parts of a page about a fit."""
    from chirospin.base.html import html_table, svg_figure
    from chirospin.measured.inference.figure import fit_figure

    facts = json.loads(str(ds.attrs["facts"]))
    failed = bool(fit_failures(ds))
    state, sign = ("failed", "✗") if failed else ("passed", "✓")
    parts = [
        f'<p class="verdict {state}">{sign} {escape(facts["conclusion"])}</p>',
        f"<figure>{svg_figure(fit_figure(ds), 'curves with the band of the best mechanism, evidences')}</figure>",
        "<h2>Evidence</h2>",
        html_table(EVIDENCE_HEAD, [[escape(c) for c in row] for row in _evidence_rows(facts)]),
        "<h2>Parameters</h2>",
    ]
    for name, one in facts["mechanisms"].items():
        if one["failures"]:
            continue
        rows = [[escape(c) for c in row] for row in _parameter_rows(name, one)]
        parts.append(html_table([escape(name), *PARAMETER_HEAD], rows))
        parts += [f"<p class='hint'>{escape(line)}</p>" for line in _open_lines(facts, one)]
    return parts


def fit_certificates(ds: xr.Dataset) -> list[Certificate]:
    """ln Z of every phenomenological mechanism again, by walkers and weighted draws from the stored means."""
    data = stored_data(ds)
    certificates = []
    for n, name in enumerate(map(str, ds["mechanism"].values)):
        mechanism = mechanism_of(name)
        if mechanism is None:
            continue
        Z, error, effective = evidence_again(Posterior(mechanism, data))
        if effective < ENOUGH:
            continue
        told, own = (float(ds[v].values[n]) for v in ("log_evidence", "log_evidence_error"))
        allowed = max(0.5, 3 * float(np.hypot(error, own)))
        about = f"ln Z of {name} by another sampler"
        certificates.append(_certificate(f"evidence {name}", abs(Z - told), allowed, about))
    return certificates


def _certificate(name: str, value: float, tolerance: float, about: str) -> Certificate:
    return Certificate(
        name=name,
        value=value,
        tolerance=tolerance,
        passed=bool(value <= tolerance),
        about=about,
        method=METHOD,
    )
