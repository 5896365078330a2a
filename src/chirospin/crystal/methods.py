"""Integrals over the Brillouin zone: grids of k for anything periodic, rays for closed sheets of k.p models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.crystal.bands import band_flow
from chirospin.crystal.bloch import Array, Bloch, Integers
from chirospin.crystal.certificate import SpinCertificate, certify
from chirospin.crystal.kept import bands_on_grid
from chirospin.crystal.model import (
    Crystal,
    bloch_hamiltonian,
    group_choice,
    has_functions,
    is_spinless,
    matrices_of,
    surroundings,
    thermal_energy_of,
    valley_count,
)
from chirospin.crystal.real_space import Operation
from chirospin.crystal.state import SHAPES, CrystalState, Estimate, combined, tensor, worst
from chirospin.crystal.sums import Grid, Sums, add_flow, empty_sums, grid_sums
from chirospin.crystal.symmetry import (
    allowed_shifts,
    allows,
    declared_group,
    octahedral,
    on_reciprocal,
    projected,
)

BLOCK = 4096  # points of k at a time
BISECTIONS = 60
SAMPLED = 6  # points along a direction at which bands are looked at for whether one passes the Fermi level
MISSED = "a band passes the Fermi level, but no point of the grid is near it: raise its points"
GENERIC = ((0.1, 0.1, 0.1), (0.6, 0.6, 0.6))
"""Shifts without a group: half a step apart, and no mirror images of each other."""
TRUSTED = 1e-6  # eV of the defect of a symmetry by which points of k are left out
TRUSTED_SPIN = 1e-4  # hbar; a sound file has 2e-6
NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
PARTS = frozenset({"slope", "operator", "orbital"})


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A Hamiltonian with what is known of its symmetry.

    Parameters
    ----------
    operations : the point group as declared or found, None without one
    spans : smallest and largest energies of every band on a coarse grid, eV, (2, n)
    stars : those by which points of k may be left out, and the same on reciprocal vectors
    """

    bloch: Bloch
    operations: tuple[Operation, ...] | None
    certificate: SpinCertificate
    stars: tuple[Operation, ...]
    turns: tuple[Integers, ...]
    spinless: bool
    distances_missing: bool
    spans: Array

    def crossed(self, level: float) -> bool:
        """Whether a band that was sampled passes the Fermi level."""
        return bool(((self.spans[0] <= level) & (level <= self.spans[1])).any())


def _spans(bloch: Bloch) -> Array:
    """Smallest and largest energy of every band on a coarse grid, (2, n)."""
    points = np.full(3, SAMPLED)
    index = np.stack(np.unravel_index(np.arange(SAMPLED**3), tuple(points)), axis=-1)
    E = bands_on_grid(bloch, index, points, np.zeros(3))
    return np.stack([E.min(axis=0), E.max(axis=0)])


def subject_of(model: Crystal) -> Subject:
    """The Hamiltonian of a model and its certificate, kept while the files stay as they are."""
    bloch = bloch_hamiltonian(model)
    matrices = matrices_of(model)
    spinless = is_spinless(model)
    if model.hamiltonian == "cubic":
        operations: tuple[Operation, ...] | None = octahedral()
    else:
        operations = declared_group(group_choice(model), matrices)
    certificate = SpinCertificate()
    stars: tuple[Operation, ...] = ()
    if bloch.cell is not None:
        of_atoms = matrices is not None and matrices.operations is None
        if of_atoms and operations and certify(bloch, None, spinless).magnetic:
            operations = None  # the atoms do not say which of their rotations the moments keep
        certificate = certify(bloch, operations, spinless)
        stars = _trusted(operations, certificate)
    cell = bloch.cell
    return Subject(
        bloch=bloch,
        operations=operations,
        certificate=certificate,
        stars=stars,
        turns=() if cell is None else tuple(on_reciprocal(g, cell) for g in stars),
        spinless=spinless,
        distances_missing=matrices is not None and matrices.distances_missing,
        spans=np.zeros((2, 0)) if cell is None else _spans(bloch),
    )


@lru_cache(maxsize=8)
def _kept_subject(model: Crystal, stamp: Any) -> Subject:
    return subject_of(model)


def _trusted(
    operations: tuple[Operation, ...] | None, certificate: SpinCertificate
) -> tuple[Operation, ...]:
    """The elements by which points of k may be left out: what the Hamiltonian and its spin obey."""

    def sound(energy: float, spin: float) -> bool:
        return energy <= TRUSTED and not spin > TRUSTED_SPIN

    reversal = sound(certificate.tr_energy, certificate.tr_spin)
    if operations and sound(certificate.crystal_energy, certificate.crystal_spin):
        return tuple(g for g in operations if reversal or not g.reversal)
    if not reversal:
        return ()
    return tuple(Operation(rotation=np.eye(3), reversal=t) for t in (False, True))


class KGrid(Method):
    """Grids over the Brillouin zone: thermal weights above T = 0, linear tetrahedra at T = 0.

    Two grids that the point group allows, one point of each star of them; half their difference is the error,
    element by element. Without a group two shifted grids. A grid that `shifts` names is summed as it stands. One
    pass over k serves all chemical potentials and temperatures of a scan, and boxes that no band near the Fermi
    level can pass are left out.
    """

    name: ClassVar[str] = "k-grid"
    summary: ClassVar[str] = "grids over the Brillouin zone, for anything periodic"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)
    together: ClassVar[int] = 4096
    gives: ClassVar[Needs] = PARTS

    points: Annotated[tuple[Count, Count, Count], BeforeValidator(_three)] = Field(
        default=(48, 48, 48), description="of k along each reciprocal vector: an integer, or three"
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
        default=1e-2, gt=0, description="largest relative error of a tensor that is accepted"
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
        """States of models that differ in chemical potential and temperature alone."""
        model = models[0]
        subject = _kept_subject(*surroundings(model))
        if subject.bloch.cell is None:
            raise ModelError(
                "Parameter `hamiltonian` must be periodic for the method k-grid, but is "
                f"{model.hamiltonian!r}; use fermi-surface"
            )
        requests = [(one.chemical_potential, thermal_energy_of(one)) for one in models]
        grids = self._grids_of(subject)
        parts = needs if subject.bloch.whole else needs - {"operator"}
        sums = [grid_sums(subject.bloch, grid, requests, parts, self.refine) for grid in grids]
        states = []
        for n, (mu, _) in enumerate(requests):
            state = replace(self._state(subject, grids, sums, n), parts=dict.fromkeys(needs))
            missed = not any(one.weight[n] for one in sums) and subject.crossed(mu)
            states.append(_failed(state, MISSED) if missed else state)
        return states

    def _grids_of(self, subject: Subject) -> list[Grid]:
        """The grids that are summed."""
        turns = subject.turns if self.symmetry == "auto" else ()
        if self.shifts:
            return [Grid(points=self.points, shift=shift) for shift in self.shifts]
        if not subject.stars or not turns:
            return [Grid(points=self.points, shift=shift) for shift in GENERIC]
        if not allows(list(turns), self.points, (0.0, 0.0, 0.0)):
            raise ModelError(
                "Option `points` must be equal in directions that the point group mixes, but are "
                f"{', '.join(map(str, self.points))}; or --option symmetry=none"
            )
        shift = allowed_shifts(list(turns), self.points)[0]
        other = tuple(
            n if s else (n - 2 if n > 3 else n + 1) for n, s in zip(self.points, shift, strict=True)
        )
        return [
            Grid(points=self.points, shift=(0.0, 0.0, 0.0), stars=turns),
            Grid(points=other, shift=shift, stars=turns),  # type: ignore[arg-type]
        ]

    def _state(
        self, subject: Subject, grids: Sequence[Grid], sums: Sequence[Sums], n: int
    ) -> CrystalState:
        raw = {
            name: [one.tensors[name][n].reshape(SHAPES[name]) for one in sums]
            for name in sums[0].tensors
        }
        if grids[0].stars:
            raw = {
                name: [projected(name, one, subject.stars) for one in found]
                for name, found in raw.items()
            }
        values, named = dict(raw), len(sums) == 1
        if named:  # one grid that was named: the change from half of its points is the error
            for name, found in raw.items():
                half = sums[0].half[name][n].reshape(SHAPES[name])
                values[name] = [found[0], 2 * half - found[0]]
        sizes = {name: [float(one.sizes[name][n]) for one in sums] for name in raw}
        weight = sum(float(one.weight[n]) for one in sums)
        left = sum(float(one.left_out[n]) for one in sums) / weight if weight else 0.0
        points = sum(one.points for one in sums)
        estimate = combined(values, sizes, left, points)
        if named:
            estimate.values.update({name: found[0] for name, found in raw.items()})
        return judged(
            subject,
            estimate,
            self.tolerance,
            bool(self.shifts),
            self._defects(subject, grids, estimate),
        )

    def _defects(
        self, subject: Subject, grids: Sequence[Grid], estimate: Estimate
    ) -> dict[str, float]:
        """What the group would change of the sums, over their size; NaN where it was used."""
        operations = subject.operations
        reduced = bool(grids[0].stars) and len(subject.stars) > 2
        found = {}
        for name, value in estimate.values.items():
            size = estimate.sizes[name]
            if operations is None or reduced or not size:
                found[name] = np.nan
            else:
                found[name] = float(np.abs(value - projected(name, value, operations)).max() / size)
        return found


def judged(
    subject: Subject,
    estimate: Estimate,
    tolerance: float,
    named: bool,
    defects: dict[str, float],
) -> CrystalState:
    """The state of an estimate; a grid that was named is what was asked for, however coarse."""
    error, which = worst(estimate, subject.spinless)
    good = named or bool(error <= tolerance)
    words = {"charge": "charge_tensor", "edelstein": "edelstein_tensor", "slope": "spin_current_tensor",
             "operator": "operator_spin_current_tensor", "orbital": "orbital_internal"}  # fmt: skip
    reason = (
        "" if good else f"{words[which]} changes by {error:.1e} with the grid: raise its points"
    )
    return CrystalState(
        charge=tensor(estimate, "charge", subject.spinless),
        edelstein=tensor(estimate, "edelstein", subject.spinless),
        slope=tensor(estimate, "slope", subject.spinless),
        operator=tensor(estimate, "operator", subject.spinless),
        orbital=tensor(estimate, "orbital", subject.spinless),
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
        subject = _kept_subject(*surroundings(model, of_band=True))
        bloch, mu = subject.bloch, model.chemical_potential
        fine = self._integrated(bloch, mu, self.polar, self.azimuth)
        coarse = self._integrated(bloch, mu, max(2, self.polar // 2), max(2, self.azimuth // 2))
        if not fine.points:
            reason = f"no Fermi surface within {bloch.reach:.3g}/nm of k = 0"
            estimate = combined({}, {}, 0.0, 0)
            state = judged(subject, estimate, self.tolerance, True, {})
            return _failed(state, reason)
        valleys = valley_count(model)
        values = {
            name: [valleys * fine.tensors[name][0].reshape(SHAPES[name]),
                   valleys * coarse.tensors[name][0].reshape(SHAPES[name])]
            for name in fine.tensors
        }  # fmt: skip
        sizes = {name: [valleys * float(fine.sizes[name][0])] for name in fine.tensors}
        left = float(fine.left_out[0] / fine.weight[0])
        # the finer one is the value, twice half the difference its error
        spread = {name: [found[0], 2 * found[1] - found[0]] for name, found in values.items()}
        estimate = combined(spread, sizes, left, fine.points)
        estimate.values.update({name: found[0] for name, found in values.items()})
        return judged(subject, estimate, self.tolerance, False, {})

    def sheets(
        self, bloch: Bloch, mu: float, polar: int, azimuth: int
    ) -> tuple[Array, Integers, Array]:
        """Points of the Fermi surface in 1/nm, their bands and their weights in 1/(eV nm^3)."""
        cosine, wc = np.polynomial.legendre.leggauss(polar)
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
            add_flow(out, flow, weight, None)
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


def _failed(state: CrystalState, reason: str) -> CrystalState:
    return replace(
        state, outcome=Outcome(converged=False, residual=np.nan, iterations=0, reason=reason)
    )
