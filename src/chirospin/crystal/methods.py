"""Integrals over the Brillouin zone: grids of k for anything periodic, rays for closed sheets of k.p models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.crystal.bands import band_flow
from chirospin.crystal.bloch import Array, Bloch, Integers
from chirospin.crystal.levels import (
    Level,
    Points,
    coarser,
    estimated,
    finer,
    fits,
    level_of,
    named_grids,
    two_grids,
)
from chirospin.crystal.model import (
    Crystal,
    has_functions,
    surroundings,
    thermal_energy_of,
    valley_count,
)
from chirospin.crystal.state import SHAPES, CrystalState, Estimate, combined, tensor, worst
from chirospin.crystal.subject import Subject, kept_subject
from chirospin.crystal.sums import Grid, Request, Sums, add_flow, empty_sums
from chirospin.crystal.symmetry import projected
from chirospin.numerics.quadrature import gauss_nodes

BLOCK = 4096  # points of k at a time
BISECTIONS = 60
MISSED = "a band passes the Fermi level, but no point of the grid is near it: take more points or raisings"
NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
PARTS = frozenset({"slope", "operator", "orbital"})
OBSERVABLE = {
    "charge": "charge_tensor", "edelstein": "edelstein_tensor", "slope": "spin_current_tensor",
    "operator": "operator_spin_current_tensor", "orbital": "orbital_internal",
}  # fmt: skip


def _three(value: Any) -> Any:
    """An integer, three, or text of them: 48, (48, 48, 24), '48,48,24'."""
    if isinstance(value, str):
        words = value.strip("()[] ").split(",")
        if not all(re.fullmatch(r"\s*[-+]?\d+\s*", word) for word in words):
            raise ValueError("must be an integer, or three of them")
        value = [int(word) for word in words]
    if isinstance(value, int):
        value = [value]
    if isinstance(value, (list, tuple)):
        if len(value) not in (1, 3):
            raise ValueError("must be an integer, or three of them")
        return tuple(value) * 3 if len(value) == 1 else tuple(value)
    return value


def _grids(value: Any) -> Any:
    """Shifts of grids: one number, three, or several of these; in text several are separated by `;`."""
    if isinstance(value, str):
        found = []
        for part in value.replace("), (", ");(").split(";"):
            words = part.strip("()[], ").split(",")
            if words == [""]:
                continue
            if not all(NUMBER.fullmatch(word.strip()) for word in words):
                raise ValueError("must be a number, three, or several of these separated by ;")
            found.append([float(word) for word in words])
        value = found
    if isinstance(value, (int, float)):
        value = [value]
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (list, tuple)):
        value = [value]
    if isinstance(value, (list, tuple)):
        rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in value]
        if any(len(row) not in (1, 3) for row in rows):
            raise ValueError("must be one number or three for each grid")
        return tuple(tuple(row * 3 if len(row) == 1 else row) for row in rows)
    return value


Count = Annotated[int, Field(ge=1, le=2000)]
Shift = Annotated[float, Field(ge=-1, le=1)]


class KGrid(Method):
    """Grids over the Brillouin zone: thermal weights above T = 0, linear tetrahedra at T = 0.

    Two grids that the point group allows, one point of each star of them, and two with two thirds of their points:
    the error of an element is the largest distance of any of the four from the value, the mean of the fine ones. What
    is not known to `tolerance` is summed again on grids with half as many points more along each direction, `raisings`
    times at most. A grid that `shifts` names is summed as it stands. One pass over k serves all chemical potentials and
    temperatures of a scan, and boxes that no band near the Fermi level can pass are left out.
    """

    name: ClassVar[str] = "k-grid"
    summary: ClassVar[str] = "grids over the Brillouin zone, for anything periodic"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)
    together: ClassVar[int] = 4096
    gives: ClassVar[Needs] = PARTS

    points: Annotated[tuple[Count, Count, Count], BeforeValidator(_three)] = Field(
        default=(48, 48, 48), description="of k along each reciprocal vector: an integer, or three"
    )
    raisings: Annotated[int, Field(ge=0, le=8)] = Field(
        default=2,
        description="how often half as many points more are taken where the tolerance is not met",
    )
    shifts: Annotated[tuple[tuple[Shift, Shift, Shift], ...], BeforeValidator(_grids)] = Field(
        default=(),
        description="of named grids, in steps: a number, three, or several; () chooses two",
    )
    refine: Annotated[int, Field(ge=0, le=12)] | None = Field(
        default=None, description="levels at which boxes of k are sorted out; 0 takes every point"
    )
    symmetry: Literal["auto", "none"] = Field(
        default="auto", description="auto takes one point of each star, where the group holds"
    )
    tolerance: float = Field(
        default=1e-2,
        gt=0,
        description="largest error of an element that is accepted, over the largest element of its tensor",
    )

    def solve_many(self, models: Sequence[Crystal]) -> Iterator[CrystalState]:
        """One state per model, with chi and D."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[Crystal], needs: Needs) -> Iterator[CrystalState]:
        """One state per model; those that differ in chemical potential and temperature share a pass."""
        found: dict[int, CrystalState] = {}
        alike: dict[Any, list[int]] = {}
        for n, model in enumerate(models):
            alike.setdefault((surroundings(model), thermal_energy_of(model) == 0), []).append(n)
        for rows in alike.values():
            found |= zip(rows, self._states([models[n] for n in rows], needs & PARTS), strict=True)
        for n in range(len(models)):
            yield found[n]

    def _states(self, models: Sequence[Crystal], needs: Needs) -> list[CrystalState]:
        """States of models that differ in chemical potential and temperature alone, on ever finer grids."""
        subject = kept_subject(models[0])
        if subject.bloch.cell is None:
            raise ModelError(
                "Parameter `hamiltonian` must be periodic for the method k-grid, but is "
                f"{models[0].hamiltonian!r}; use fermi-surface"
            )
        requests = [(model.chemical_potential, thermal_energy_of(model)) for model in models]
        found: dict[int, CrystalState] = {}
        left, points = list(range(len(models))), self.points
        coarse = self._level(subject, coarser(points), requests, needs)
        computed = coarse.computed
        for _ in range(1 + (0 if self.shifts else self.raisings)):
            fine = self._level(subject, points, [requests[n] for n in left], needs)
            computed += fine.computed
            for row, n in enumerate(left):
                estimate = estimated(fine, coarse, row, computed)
                state = self._state(subject, estimate, points)
                missed = not fine.weight[row] and subject.crossed(requests[n][0])
                state = failed(state, MISSED) if missed else state
                found[n] = replace(state, parts=dict.fromkeys(needs))
            more = finer(points)
            rows = [row for row, n in enumerate(left) if not found[n].outcome.converged]
            if not rows or not fits(more):
                break
            coarse, left, points = fine.of(rows), [left[row] for row in rows], more
        return [found[n] for n in range(len(models))]

    def grids(self, subject: Subject, points: Points) -> list[Grid]:
        """The grids of a level."""
        if self.shifts:
            return named_grids(points, self.shifts)
        return two_grids(subject, points, subject.turns if self.symmetry == "auto" else ())

    def _level(
        self, subject: Subject, points: Points, requests: Sequence[Request], needs: Needs
    ) -> Level:
        parts = needs if subject.bloch.whole else needs - {"operator"}
        return level_of(subject, self.grids(subject, points), requests, parts, self.refine)

    def _state(self, subject: Subject, estimate: Estimate, points: Points) -> CrystalState:
        """A grid that was named is what was asked for, however coarse."""
        remedy = f"on {' x '.join(map(str, points))} points: take more points or raisings"
        reduced = bool(self.grids(subject, points)[0].stars) and len(subject.stars) > 2
        defects = symmetry_defects(subject, estimate, reduced=reduced)
        tolerance = np.inf if self.shifts else self.tolerance
        return judged(subject, estimate, tolerance, remedy, defects)


def symmetry_defects(subject: Subject, estimate: Estimate, *, reduced: bool) -> dict[str, float]:
    """What the group would change of the sums, over their size; NaN where it was used."""
    defects = {}
    for name, value in estimate.values.items():
        size = estimate.sizes[name]
        if subject.operations is None or reduced or not size:
            defects[name] = np.nan
        else:
            change = value - projected(name, value, subject.operations)
            defects[name] = float(np.abs(change).max() / size)
    return defects


def judged(
    subject: Subject,
    estimate: Estimate,
    tolerance: float,
    remedy: str,
    defects: dict[str, float],
) -> CrystalState:
    """The state of an estimate, converged where its largest relative error is below the tolerance."""
    spinless = subject.spinless
    error, which = worst(estimate, spinless=spinless)
    good = bool(error <= tolerance) or np.isinf(tolerance)
    reason = (
        ""
        if good
        else f"{OBSERVABLE[which]} is known to {error:.1e} of its largest element {remedy}"
    )
    return CrystalState(
        charge=tensor(estimate, "charge", spinless=spinless),
        edelstein=tensor(estimate, "edelstein", spinless=spinless),
        slope=tensor(estimate, "slope", spinless=spinless),
        operator=tensor(estimate, "operator", spinless=spinless),
        orbital=tensor(estimate, "orbital", spinless=spinless),
        errors=estimate.errors,
        sizes=estimate.sizes,
        defects=defects,
        certificate=subject.certificate,
        left_out=estimate.left_out,
        points=estimate.points,
        error=error,
        spinless=subject.spinless,
        distances_missing=subject.distances_missing,
        outcome=Outcome(converged=good, residual=error, iterations=estimate.points, reason=reason),
    )


class FermiSurface(Method):
    """Sheets of the Fermi surface around k = 0, found along rays; zero temperature.

    Gauss nodes in the polar angle, a trapezoid rule in the azimuth: exponentially accurate for closed
    sheets that every ray from k = 0 crosses at a finite angle. The error is the change from half of them.
    """

    name: ClassVar[str] = "fermi-surface"
    summary: ClassVar[str] = (
        "sheets of the Fermi surface around k = 0 of a k.p model, zero temperature"
    )
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)
    gives: ClassVar[Needs] = PARTS

    polar: int = Field(default=48, ge=4, le=2000, description="Gauss nodes in cos(theta)")
    azimuth: int = Field(default=96, ge=4, le=4000, description="directions around z")
    radial: int = Field(
        default=64, ge=8, le=4096, description="steps along a ray before refinement"
    )
    tolerance: float = Field(
        default=1e-3, gt=0, description="largest relative error that is accepted"
    )

    def solve_many(self, models: Sequence[Crystal]) -> Iterator[CrystalState]:
        """One state per model."""
        return self.solve_with(models, PARTS)

    def solve_with(self, models: Sequence[Crystal], needs: Needs) -> Iterator[CrystalState]:
        """The same; all parts come along."""
        return (replace(self._state(model), parts=dict.fromkeys(PARTS)) for model in models)

    def _state(self, model: Crystal) -> CrystalState:
        if has_functions(model.hamiltonian):
            raise ModelError(
                "Parameter `hamiltonian` must be a built-in model or a function for the method fermi-surface, "
                f"which looks around k = 0 alone, but is {model.hamiltonian!r}; use k-grid"
            )
        if thermal_energy_of(model):
            raise ModelError(
                "Parameter `thermal_energy` must be 0 (in eV) for the method fermi-surface, but is "
                f"{thermal_energy_of(model):g}; use k-grid"
            )
        subject = kept_subject(model, of_band=True)
        bloch, mu = subject.bloch, model.chemical_potential
        fine = self._integrated(bloch, mu, self.polar, self.azimuth)
        coarse = self._integrated(bloch, mu, max(2, self.polar // 2), max(2, self.azimuth // 2))
        if not fine.points:
            reason = f"no Fermi surface within {bloch.reach:.3g}/nm of k = 0"
            estimate = combined({}, {}, {}, left_out=0.0, points=0)
            return failed(judged(subject, estimate, np.inf, "", {}), reason)
        valleys = valley_count(model)
        one, other = (
            {name: valleys * sums.tensors[name].reshape(1, *SHAPES[name]) for name in sums.tensors}
            for sums in (fine, coarse)
        )
        estimate = combined(
            one,
            other,
            {name: valleys * float(size[0]) for name, size in fine.sizes.items()},
            left_out=float(fine.left_out[0] / fine.weight[0]),
            points=fine.points,
        )
        remedy = f"on {self.polar} x {self.azimuth} directions: raise polar and azimuth"
        return judged(subject, estimate, self.tolerance, remedy, {})

    def sheets(
        self, bloch: Bloch, mu: float, polar: int, azimuth: int
    ) -> tuple[Array, Integers, Array]:
        """Points of the Fermi surface in 1/nm, their bands and their weights in 1/(eV nm^3)."""
        cosine, wc = gauss_nodes(polar)
        turn = 2 * np.pi * (np.arange(azimuth) + 0.5) / azimuth
        sine = np.sqrt(1 - cosine**2)[:, None]
        ray = np.stack(
            [sine * np.cos(turn), sine * np.sin(turn), cosine[:, None] + 0 * turn], axis=-1
        ).reshape(-1, 3)
        solid = (wc[:, None] * np.full(azimuth, 2 * np.pi / azimuth)).ravel()
        at, band, k = self._crossings(bloch, ray, mu)
        weight = np.empty(len(k))
        for i in range(0, len(k), BLOCK):
            part = slice(i, i + BLOCK)
            flow = band_flow(bloch, k[part, None] * ray[at[part]])
            v = np.take_along_axis(flow.velocity, band[part, None, None], axis=1)[:, 0]
            speed = np.abs((v * ray[at[part]]).sum(axis=1))
            weight[part] = solid[at[part]] * k[part] ** 2 / (speed * (2 * np.pi) ** 3)
        return k[:, None] * ray[at], band, weight

    def _integrated(self, bloch: Bloch, mu: float, polar: int, azimuth: int) -> Sums:
        k, band, share = self.sheets(bloch, mu, polar, azimuth)
        out = empty_sums(1, PARTS)
        for i in range(0, len(k), BLOCK):
            part = slice(i, i + BLOCK)
            flow = band_flow(bloch, k[part], PARTS)
            weight = np.zeros((1, *flow.energy.shape))
            weight[0, np.arange(len(k[part])), band[part]] = share[part]
            add_flow(out, flow, weight)
        out.points = len(k)
        return out

    def _crossings(self, bloch: Bloch, ray: Array, mu: float) -> tuple[Any, Any, Array]:
        """Where bands cross mu: index of the ray, band, momentum."""
        k = np.linspace(0, bloch.reach, self.radial + 1)[1:]
        k = np.concatenate([[k[0] * 1e-6], k])
        energy = np.stack([_energies(bloch, r * ray) for r in k], axis=1) - mu
        at, cell, band = np.nonzero(energy[:, :-1] * energy[:, 1:] < 0)
        low, high = k[cell], k[cell + 1]
        rising = energy[at, cell, band] < 0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            here = _energies(bloch, middle[:, None] * ray[at])[np.arange(len(at)), band] - mu
            left = (here < 0) == rising
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return at, band, (low + high) / 2


def _energies(bloch: Bloch, k: Array) -> Array:
    return np.asarray(np.linalg.eigvalsh(bloch.hamiltonian(k)))


def failed(state: CrystalState, reason: str) -> CrystalState:
    """The state of a point that has no answer."""
    return replace(
        state, outcome=Outcome(converged=False, residual=np.nan, iterations=0, reason=reason)
    )
