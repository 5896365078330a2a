"""Does any answer jump where the physics does not? Every real parameter of every problem and method, 41 points each.

A smooth curve has small differences of high order; a step of a solver (a count of nodes, a branch, a cut) stands out among
them. Where one does, the place is looked at again on a grid six times finer, and once more: a feature of the physics
melts away, a kink falls with the distance of the points, a jump keeps its size and is printed.

    python -m benchmarks.scans                     everything, some ten minutes
    python -m benchmarks.scans junction vibration  these families, or problem, or vibration:scba
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chirospin
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.observables import Observable
from chirospin.base.parameters import Model, ParameterInfo
from chirospin.base.parts import states_with_parts
from chirospin.points.gradient import differentiable, held

Array = NDArray[np.float64]
POINTS = 41
ENTRIES = 41  # of an observable with many, evenly taken
ORDER = 5  # of the differences: third ones see a step of 1e-3 of a sine, fifth ones of 1e-5
OF_A_STEP = 6.0  # the largest fifth difference of a step of one: 1, -4, 6, -4, 1
OUTLIER = 8.0  # difference over the median on its quieter side that is looked at again
ZOOM = 6  # times finer, at each look
PLACES = 3  # of one curve that are looked at
LOOKS = 3
SMALLEST = 1e-8  # jump over the range of the curve: below is what solvers' tolerances leave
ROUNDING = 1e-12  # over the size of the curve: differences below are noise
KEPT = 0.7  # of its size that a jump keeps at each look; a kink keeps 1/6
SECONDS = 40.0  # for one curve; slower ones are left out, by name
SETTINGS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("junction", "mean-field"): {"energy_b": 0.4, "hubbard": 1.0},
    ("junction", "landauer"): {"hubbard": 0.0},
    ("junction", "gksl-mixed"): {"molecules": 1},
    **{
        (problem, method): {"molecules": 1}
        for problem in ("junction.bias", "junction.leads")
        for method in ("ule", "redfield", "perlind", "kms", "redfield-lamb")
    },
    ("junction.bias", "mean-field"): {"hubbard": 0.5, "thermal_energy": 0.05},
    ("junction.bias", "landauer"): {"hubbard": 0.0, "thermal_energy": 0.05},
    ("junction.bias", "hierarchy"): {"molecules": 1, "thermal_energy": 2.0, "bias": 1.0},
    ("junction", "selected"): {"molecules": 2},
    ("junction.leads", "hierarchy"): {"molecules": 1, "thermal_energy": 2.0, "bias": 1.0},
    ("junction.transient", "krylov"): {"molecules": 1, "time": (1.0, 5.0, 20.0)},
    **{
        ("junction.switched", method): {"molecules": 1, "time": (1.0, 5.0)}
        for method in ("ule", "redfield", "kms")
    },
    ("crystal", "k-grid"): {"hamiltonian": "cubic", "thermal_energy": 0.2, "chemical_potential": 0.8},
    ("crystal.contact", "fermi-surface"): {"position": (0.5, 2.0)},
    ("crystal.contact", "k-grid"): {"hamiltonian": "cubic", "thermal_energy": 0.2, "chemical_potential": 0.8, "position": (0.5, 2.0)},
    ("chiral_metal", "closed-form"): {"position": (5.0, 20.0, 40.0)},
    ("chiral_metal", "boltzmann"): {"position": (5.0, 20.0, 40.0)},
    ("chiral_metal.driven", "closed-form"): {"position": (5.0, 20.0, 40.0), "time": (0.0, 10.0)},
    ("chiral_metal.driven", "boltzmann"): {"screening_length": 0.1, "position": (5.0, 20.0, 40.0), "time": (0.0, 10.0)},
    ("vibration", "exact"): {"bath": "einstein", "phonon_energy": 1.0, "charge_coupling": 0.1},
    ("spinterface.map", "negf"): {"x": (0.5, 2.0), "y": (0.0,), "z": (0.0,)},
    ("rashba", "kubo"): {"imaginary_frequency": 0.01},
    ("models.double_helix", "landauer"): {"base_pairs": 5, "energy": (0.3, 0.45, 0.6)},
    ("models.single_helix", "landauer"): {"length": 8, "energy": (-0.15, -0.05, 0.1)},
    ("models.helicene", "landauer"): {"rings": 3, "energy": (0.3, 2.0)},
    ("models.first_order", "perturbation"): {"rings": 2, "energy": (0.3, 2.0)},
}  # fmt: skip
"""Where a default lies outside a method, or takes long."""
OPTIONS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("chiral_metal", "boltzmann"): {"cells": 64},
    ("chiral_metal.driven", "boltzmann"): {"cells": 32, "ordinates": 8},
    ("crystal", "fermi-surface"): {"polar": 24, "azimuth": 32},
    **{(problem, "k-grid"): {"points": 16} for problem in ("crystal", "crystal.contact")},
    ("crystal.contact", "fermi-surface"): {"polar": 24, "azimuth": 32},
    ("vibration", "exact"): {"search_points": 4},
    ("vibration", "second-order"): {"search_points": 4},
    ("vibration", "scba"): {"search_points": 4},
    ("vibration", "scba-hartree"): {"search_points": 4},
    ("vibration", "windowed"): {"search_points": 4},
}
WINDOWS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("junction", "hubbard"): (0.05, 2.0),
    ("junction.bias", "bias_asymmetry"): (-0.45, 0.45),
    ("junction", "lead_polarisation"): (0.3, 0.99),
}
"""By problem and parameter, where the rule of :func:`window` does not fit."""
RANDOM = {("junction", "trajectories"): "its numbers are drawn: a curve is noise by nature"}
_NODE = "the grid of the continuation gets one more energy: 2e-10 of the spectrum, which is right to 1e-8"
_RESONANCE = "a sigma level of weak contacts passes the energy: a resonance of 5 meV, smooth on a grid of 0.2 meV"
KNOWN: Mapping[tuple[str, str, str], str] = {
    ("models.helicene", "landauer", "hopping_ss"): _RESONANCE,
    ("vibration", "scba", "bath_onset"): _NODE,
    ("vibration", "scba-hartree", "bath_onset"): _NODE,
}
"""Problem, method, parameter -> why a jump is physics, or below what its method states."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """An observable along a parameter.

    Parameters
    ----------
    values : (point, entry)
    errors : that it states, of each
    """

    values: Array
    errors: Array


Curves = Callable[[Array], Mapping[str, Curve]]


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A step of an observable between two values of a parameter.

    Parameters
    ----------
    size : over the range of the observable in the scan
    """

    problem: str
    method: str
    parameter: str
    observable: str
    place: float
    size: float


def window(model: Model, info: ParameterInfo) -> tuple[float, float]:
    """Half to one and a half times the value; for a zero, the usual size of that unit to both sides."""
    value = float(getattr(model, model.shorthands.get(info.name, (info.name,))[0]))
    if value:
        low, high = sorted((0.5 * value, 1.5 * value))
    else:
        sizes = [
            abs(float(getattr(model, name)))
            for name in differentiable(model)
            if model.parameter_info(name).unit == info.unit and getattr(model, name)
        ]
        size = 0.3 * float(np.median(sizes)) if sizes else 0.3
        low, high = -size, size
    floor = max((x for x in (info.low, info.above) if x is not None), default=-np.inf)
    ceiling = min((x for x in (info.high, info.below) if x is not None), default=np.inf)
    width = high - low
    return max(low, floor + 0.02 * width), min(high, ceiling - 0.02 * width)


def curves(problem: Problem, method: Method, model: Model, name: str) -> Curves:
    """Observables found unasked at values of a parameter; NaN where a point fails, 0 below the stated error."""
    observables = [
        one for one in problem.observables if one.unasked(model) and not problem.unmet(method, one)
    ]
    needs = frozenset(name for one in observables for name in (*one.needs, *one.error_needs))

    def at(values: Array) -> dict[str, Curve]:
        models = [held(model, **{name: float(x)}) for x in values]
        found = states_with_parts(problem.parts, method, models, needs)
        out: dict[str, Curve] = {}
        for one in observables:
            rows = [
                seen(one, m, s) if s.outcome.converged else None
                for m, s in zip(models, found, strict=True)
            ]
            sizes = {row[0].size for row in rows if row is not None}
            if len(sizes) != 1:
                continue
            (size,) = sizes
            taken = np.unique(np.linspace(0, size - 1, min(size, ENTRIES)).astype(int))
            failed = np.full(size, np.nan), np.zeros(size)
            table, errors = (
                np.array(part)[:, taken] for part in zip(*(r or failed for r in rows), strict=True)
            )
            out[one.name] = Curve(
                values=np.concatenate([table.real, table.imag], axis=1),
                errors=np.concatenate([errors.real] * 2, axis=1),
            )
        return out

    return at


def seen(one: Observable, model: Model, state: Any) -> tuple[Array, Array]:
    """The entries of an observable, zero below its stated error, and the errors."""
    value = np.asarray(one(model, state), dtype=complex)
    error = np.zeros(()) if one.error is None else np.nan_to_num(one.error(model, state))
    zeroed = np.where(np.abs(value) <= error, 0.0, value)
    return np.ravel(zeroed), np.ravel(np.broadcast_to(error, value.shape))


def suspect(values: Array, errors: Array, size: float = 0.0) -> tuple[int, float] | None:
    """The interval of the largest difference that stands out of those around it, and its step.

    Parameters
    ----------
    values, errors : shape (point,); errors as stated
    size : of the observable, whose rounding shows in every entry
    """
    differences = np.abs(np.diff(values, ORDER))
    if not np.isfinite(differences).any():
        return None
    differences = np.where(np.isfinite(differences), differences, 0.0)
    at = int(differences.argmax())
    near = ORDER - 1
    sides = (differences[max(0, at - 9) : max(0, at - near)], differences[at + near + 1 : at + 10])
    quiet = min((float(np.median(side)) for side in sides if side.size), default=0.0)
    base = max(quiet, ROUNDING * max(size, float(np.nanmax(np.abs(values)))))
    stated = 2**ORDER * float(errors[at : at + ORDER + 1].max())
    if differences[at] <= max(OUTLIER * base, stated):
        return None
    return at + ORDER // 2, float(differences[at]) / OF_A_STEP


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An entry of an observable that may jump after a point of the scan; ``size`` of the step, and its share of the range."""

    where: int
    observable: str
    entry: int
    size: float
    share: float


def suspects(along: Mapping[str, Curve]) -> list[Suspect]:
    """Of each observable the entry that stands out most, the largest first."""
    found = []
    for name, curve in along.items():
        table = curve.values
        finite = np.isfinite(table).any(axis=0)
        if not finite.any():
            continue
        shown = table[:, finite]
        whole = float((np.nanmax(shown, axis=0) - np.nanmin(shown, axis=0)).max())
        for entry in np.flatnonzero(finite):
            one = suspect(table[:, entry], curve.errors[:, entry], float(np.nanmax(np.abs(shown))))
            if one is not None and one[1] > SMALLEST * whole:
                found.append(
                    Suspect(
                        where=one[0],
                        observable=name,
                        entry=int(entry),
                        size=one[1],
                        share=one[1] / whole,
                    )
                )
    found.sort(key=lambda one: -one.share)
    first: dict[str, Suspect] = {}
    for one in found:
        first.setdefault(one.observable, one)
    return list(first.values())


def looked_at(
    at: Curves, places: Array, ones: Sequence[Suspect], looks: int = LOOKS
) -> Iterator[tuple[Suspect, float]]:
    """Those of the suspects after one point that keep their size on finer and finer grids, with their place."""
    where = ones[0].where
    ends = places[max(where - 1, 0)], places[min(where + 2, len(places) - 1)]
    finer = np.linspace(*ends, 3 * ZOOM + 1)
    along = at(finer)
    kept = []
    for one in ones:
        if one.observable not in along:
            continue
        curve = along[one.observable]
        found = suspect(curve.values[:, one.entry], curve.errors[:, one.entry])
        if found is not None and found[1] > KEPT * one.size:
            kept.append((replace(one, where=found[0]), one))
    if looks == 1:
        yield from ((old, float(finer[new.where])) for new, old in kept)
        return
    for there in {new.where for new, _ in kept}:
        group = [new for new, _ in kept if new.where == there]
        for new, place in looked_at(at, finer, group, looks - 1):
            yield (
                next(o for n, o in kept if (n.observable, n.entry) == (new.observable, new.entry)),
                place,
            )


def scanned(problem: Problem, method: Method, model: Model, name: str) -> Iterator[Jump]:
    """The jumps of every observable along one parameter, the largest of each."""
    low, high = WINDOWS.get((problem.path, name)) or window(model, model.parameter_info(name))
    places = np.linspace(low, high, POINTS)
    at = curves(problem, method, model, name)
    found = suspects(at(places))
    for where in list(dict.fromkeys(one.where for one in found))[:PLACES]:
        group = [one for one in found if one.where == where]
        for one, place in looked_at(at, places, group):
            yield Jump(problem=problem.path, method=method.name, parameter=name,
                       observable=one.observable, place=place, size=one.share)  # fmt: skip


def questions(names: Sequence[str]) -> Iterator[tuple[Problem, Method, Model]]:
    """Every problem and method of some families or problems, of all if none is named."""
    for family in chirospin.FAMILIES:
        for problem in importlib.import_module(f"chirospin.{family}").FAMILY.problems:
            for kind, method in problem.methods.items():
                if names and not {family, problem.path, f"{problem.path}:{kind}"} & set(names):
                    continue
                model = problem.model().replace(**SETTINGS.get((problem.path, kind), {}))
                yield problem, method(**OPTIONS.get((problem.path, kind), {})), model


def seconds_of_a_point(problem: Problem, method: Method, model: Model) -> float:
    """Time of one evaluation with its observables, after another."""
    name = differentiable(model)[0]
    at = curves(problem, method, model, name)
    place = np.array([float(getattr(model, name))])
    at(place)
    start = time.process_time()
    at(place)
    return time.process_time() - start


def main(names: Sequence[str]) -> int:
    """Scan, and print every jump; one whose reason is not known is a fault."""
    jumps: list[Jump] = []
    count = points = 0
    warnings.simplefilter("ignore", RuntimeWarning)
    start = time.process_time()
    for problem, method, model in questions(names):
        where = f"{problem.path} {method.name}"
        if (problem.path, method.name) in RANDOM:
            print(f"left out: {where}: {RANDOM[problem.path, method.name]}", flush=True)
            continue
        if not differentiable(model):
            print(f"left out: {where}: no real parameter", flush=True)
            continue
        each = seconds_of_a_point(problem, method, model)
        if each * POINTS > SECONDS:
            print(f"left out: {where}: {each:.2g} s a point", flush=True)
            continue
        shorthands = [
            s for s in model.shorthands if {*model.shorthands[s]} <= {*differentiable(model)}
        ]
        for name in [*differentiable(model), *shorthands]:
            try:
                found = list(scanned(problem, method, model, name))
            except (ModelError, ConvergenceError) as error:
                print(f"left out: {where} {name}: {error}", flush=True)
                continue
            count, points = count + 1, points + POINTS
            jumps += found
            for one in found:
                why = KNOWN.get((one.problem, one.method, one.parameter), "")
                print(f"jump: {where} {name} = {one.place:.6g}: {one.observable} by {one.size:.1e} of its range"
                      + (f" (known: {why})" if why else ""), flush=True)  # fmt: skip
        print(f"scanned: {where}, {each * 1e3:.3g} ms a point", flush=True)
    unknown = [j for j in jumps if (j.problem, j.method, j.parameter) not in KNOWN]
    print(f"{count} curves of {POINTS} points, {len(jumps)} jumps of which {len(jumps) - len(unknown)} are known, "
          f"{time.process_time() - start:.0f} s")  # fmt: skip
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
