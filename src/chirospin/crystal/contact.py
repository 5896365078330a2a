r"""Spin near a plane where current enters a real crystal, linear in the current.

In the relaxation time with conserved number, transport and screening fall apart for any bands: with
:math:`u = v\cdot n` and the injection of a plane z = 0,

.. math:: \frac{s_i(z)}{q\tau E_0} = \chi_{in}\Theta(z) - p\,\mathrm{sgn}(z)\,M_i(|z|), \qquad
          M_i(z) = \frac12\sum_n\int\frac{d^3k}{(2\pi)^3}\, s_iu\,e^{-z/|u|\tau}\,(-f_0'),

with p = 1 where unpolarised electrons are injected on every shell of u, and 0 where they come as in the bulk. It needs
time reversal and a current along n alone. Injection without spin is possible only if 0 lies among the spins of each
shell. Of second order in the current nothing is said: the closure of the isotropic metal has no counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.audit import Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Shape, parameter
from chirospin.crystal.bands import GROUP, BandFlow, band_flow
from chirospin.crystal.bloch import Array, Bloch, Complex
from chirospin.crystal.kept import blocks, distance
from chirospin.crystal.levels import coarser, finer, fits
from chirospin.crystal.methods import FermiSurface
from chirospin.crystal.model import Crystal, has_functions, thermal_energy_of, valley_count
from chirospin.crystal.subject import kept_subject
from chirospin.crystal.sums import TAIL, band_range
from chirospin.crystal.symmetry import allowed_shifts

SHELLS = 64  # of the velocity along the normal
FEWEST = 12  # carriers of a shell whose spins can be judged
DIRECTIONS = 400  # along which extreme spins of a shell are looked for
BLOCK = 1024
SPLIT = 1e-8  # eV: tells touching bands apart by their velocity, and moves others by less than any error
SMALL = 1e-9  # of the largest thermal weight


class ContactCrystal(Crystal):
    """A crystal with a plane through which current enters.

    References
    ----------
    yoshimi_2026, Sec. II
    """

    normal: tuple[float, ...] = parameter(
        (0.0, 0.0, 1.0), symbol="n", shape=Shape(axes=(3,)), about="of the plane, Cartesian, into the crystal"
    )  # fmt: skip
    relaxation_time: float = parameter(
        15.19, unit="1/eV", symbol=r"\tau", above=0, about="over hbar; 10 fs is 15.19"
    )
    unpolarised_injection: float = parameter(
        1.0,
        symbol="p",
        low=0,
        high=1,
        about="share that is injected without spin; 0 as in the bulk",
    )
    position: tuple[float, ...] | None = parameter(
        None,
        unit="nm",
        symbol="z",
        shape=Shape(axes=("Z",)),
        axis=True,
        about="where spin is wanted",
    )


def places(model: ContactCrystal) -> Array:
    """The places that are wanted, or 5 nm to both sides."""
    return np.linspace(-5, 5, 41) if model.position is None else np.array(model.position)


def unit_normal(model: ContactCrystal) -> Array:
    """The normal of the plane.

    Raises
    ------
    ModelError : it has no length
    """
    n = np.array(model.normal)
    if not n.any():
        raise ModelError("Parameter `normal` must have a length, but is (0, 0, 0)")
    return np.asarray(n / np.linalg.norm(n))


def contact_labels(model: ContactCrystal) -> dict[str, tuple[Any, ...]]:
    """Labels of the profile."""
    return {"position": tuple(places(model).tolist()), "component": ("x", "y", "z")}


@dataclass(frozen=True, kw_only=True)
class Carriers:
    """States at the Fermi level.

    Parameters
    ----------
    velocity : eV nm, (N, 3); spin : hbar, (N, 3); weight : 1/(eV nm^3), (N,)
    """

    velocity: Array
    spin: Array
    weight: Array


@dataclass(frozen=True, kw_only=True)
class ContactState:
    """Spin near the plane.

    Parameters
    ----------
    profile : s/(q tau E_0), (position, 3), 1/nm^2
    error : of it, absolute
    bulk : chi_in, (3,)
    transverse : largest ``|D_xn|`` across the normal over D_nn
    infeasible : share of carriers on shells of u that cannot be injected without spin; NaN if none is
    """

    profile: Array
    error: Array
    bulk: Array
    transverse: float
    infeasible: float
    outcome: Outcome


def profile(model: ContactCrystal, carriers: Carriers) -> Array:
    """s/(q tau E_0) at the wanted places, (position, 3)."""
    n, z = unit_normal(model), places(model)
    u = carriers.velocity @ n
    flow = carriers.weight[:, None] * carriers.spin * u[:, None]
    length = np.maximum(np.abs(u), 1e-300) * model.relaxation_time
    M = np.exp(-np.abs(z)[:, None] / length) @ flow / 2
    inside = np.heaviside(z, 0.5)[:, None] * flow.sum(axis=0)
    return np.asarray(inside - model.unpolarised_injection * np.sign(z)[:, None] * M)


def infeasible_share(carriers: Carriers, n: Array) -> float:
    """Share of carriers on shells of u whose spins lie to one side of 0."""
    u = carriers.velocity @ n
    shell = np.floor((u / np.abs(u).max() + 1) / 2 * SHELLS).astype(np.int64)
    bad = judged = 0.0
    for number in np.unique(shell):
        here = shell == number
        if here.sum() < FEWEST:
            continue
        weight = float(carriers.weight[here].sum())
        judged += weight
        bad += weight * (not surrounds(carriers.spin[here]))
    return bad / judged if judged else np.nan


def surrounds(spins: Array) -> bool:
    """Whether 0 is a mean of the spins with weights that are not negative, (N, 3)."""
    size = float(np.abs(spins).max())
    if size == 0:
        return True
    way = np.random.default_rng(0).normal(size=(DIRECTIONS, 3))
    way = np.concatenate([way, np.eye(3), -np.eye(3)])
    extreme = np.unique((spins @ way.T).argmax(axis=0))
    A = np.vstack([spins[extreme].T / size, np.ones(len(extreme))])
    found = scipy.optimize.linprog(
        np.zeros(len(extreme)), A_eq=A, b_eq=[0, 0, 0, 1], bounds=(0, None)
    )
    return bool(found.success)


def _state(
    model: ContactCrystal, fine: Carriers, others: Sequence[Carriers], tolerance: float, remedy: str
) -> ContactState:
    """The profile of the fine carriers; its error is the largest distance of that of any others."""
    n = unit_normal(model)
    one = profile(model, fine)
    error = np.max([np.abs(one - profile(model, other)) for other in others], axis=0)
    size = float(np.abs(one).max())
    share = float(error.max() / size) if size else 0.0
    D = np.einsum("p,pi,pj->ij", fine.weight, fine.velocity, fine.velocity)
    across = np.linalg.norm(D @ n - n * (n @ D @ n))
    good = share <= tolerance and len(fine.weight) > 0
    reason = "" if good else f"the profile is known to {share:.1e} of its largest value {remedy}"
    return ContactState(
        profile=one,
        error=error + 1e-12 * size,
        bulk=np.einsum("p,pi,p->i", fine.weight, fine.spin, fine.velocity @ n),
        transverse=float(across / (n @ D @ n)),
        infeasible=infeasible_share(fine, n),
        outcome=Outcome(converged=good, residual=share, iterations=len(fine.weight), reason=reason),
    )


class ContactGrid(Method):
    """Grids of the whole zone, shifted by half a step: they hold k and -k; thermal weights.

    The value is that of the finest; the error is the largest distance of two others from it, one with two points fewer
    along each direction and one with two thirds of them.
    """

    name: ClassVar[str] = "k-grid"
    summary: ClassVar[str] = "grids over the Brillouin zone, for anything periodic above T = 0"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    points: int = Field(default=32, ge=2, le=400, description="of k along each reciprocal vector")
    raisings: int = Field(
        default=2,
        ge=0,
        le=8,
        description="how often half as many points more are taken where the tolerance is not met",
    )
    tolerance: float = Field(
        default=2e-2, gt=0, description="largest relative error that is accepted"
    )

    def solve_many(self, models: Sequence[ContactCrystal]) -> Iterator[ContactState]:
        """One state per model."""
        return map(self._solved, models)

    def _solved(self, model: ContactCrystal) -> ContactState:
        """Ever finer grids: two beside each other, and the one of the level below."""
        T = thermal_energy_of(model)
        subject = kept_subject(model)
        bloch = subject.bloch
        if bloch.cell is None or not T:
            raise ModelError(
                "Parameter `thermal_energy` must be > 0 (in eV), and the Hamiltonian periodic, for the method "
                f"k-grid, but are {T:g} and {model.hamiltonian!r}; use fermi-surface for a k.p model at T = 0"
            )
        n, level = unit_normal(model), (model.chemical_potential, T)

        def carriers(points: int) -> Carriers:
            shift = (0.5, 0.5, 0.5)
            if subject.turns:  # time reversal and the point group map the grid onto itself
                shift = allowed_shifts(list(subject.turns), (points,) * 3)[0]
            return _thermal(bloch, points, np.array(shift), level, n)

        points = self.points
        coarse = carriers(coarser((points,) * 3)[0])
        for _ in range(1 + self.raisings):
            fine, near = carriers(points + 2), carriers(points)
            remedy = f"on {points + 2} points a side: take more points or raisings"
            state = _state(model, fine, (near, coarse), self.tolerance, remedy)
            coarse, points = fine, finer((points,) * 3)[0]
            if state.outcome.converged or not fits((points,) * 3):
                break
        return state


def _thermal(
    bloch: Bloch, points: int, shift: Array, level: tuple[float, float], n: Array
) -> Carriers:
    """States within the thermal window on a grid."""
    assert bloch.cell is not None
    mu, T = level
    volume = abs(np.linalg.det(bloch.cell)) / (2 * np.pi) ** 3 / points**3
    N = np.full(3, points)
    index = np.stack(np.unravel_index(np.arange(points**3), (points,) * 3), axis=-1)
    v, s, w = [np.zeros((0, 3))], [np.zeros((0, 3))], [np.zeros(0)]
    for part in blocks(
        len(index), BLOCK, f"carriers on {points} x {points} x {points} points of k"
    ):
        at = index[part]
        H = bloch.on_grid(at, N, shift)
        E = np.asarray(np.linalg.eigvalsh(H), dtype=float)
        inside = np.asarray(distance(E, (mu - TAIL * T, mu + TAIL * T)) <= 2 * GROUP)
        near = np.flatnonzero(inside.any(axis=1))
        if not len(near):
            continue
        k = (at[near] + shift) / N @ bloch.cell
        flow = _resolved(bloch, k, H[near], n, band_range(inside[near]))
        weight = volume / (4 * T * np.cosh(np.clip((flow.energy - mu) / (2 * T), -300, 300)) ** 2)
        held = weight > SMALL * volume / (4 * T)
        v.append(flow.velocity[held])
        s.append(flow.spin[held])
        w.append(weight[held])
    return Carriers(velocity=np.concatenate(v), spin=np.concatenate(s), weight=np.concatenate(w))


def _resolved(bloch: Bloch, k: Array, H: Complex, n: Array, bands: slice) -> BandFlow:
    """What bands carry, with the velocity along n diagonal where they touch."""
    along = np.einsum("pimn,i->pmn", bloch.pieces(k, slopes=False).first, n)
    size = np.abs(along).max() or 1.0
    E, U = np.linalg.eigh(H + SPLIT / size * along)
    return band_flow(bloch, k, bands=bands, solved=(np.asarray(E, dtype=float), U))


class ContactRays(Method):
    """Closed sheets around k = 0 of a k.p model at T = 0, by Gauss nodes and a trapezoid rule."""

    name: ClassVar[str] = "fermi-surface"
    summary: ClassVar[str] = (
        "sheets of the Fermi surface around k = 0 of a k.p model, zero temperature"
    )
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    polar: int = Field(default=48, ge=8, le=2000, description="Gauss nodes in cos(theta)")
    azimuth: int = Field(default=96, ge=8, le=4000, description="directions around z")
    tolerance: float = Field(
        default=1e-3, gt=0, description="largest relative error that is accepted"
    )

    def solve_many(self, models: Sequence[ContactCrystal]) -> Iterator[ContactState]:
        """One state per model."""
        return map(self._solved, models)

    def _solved(self, model: ContactCrystal) -> ContactState:
        if has_functions(model.hamiltonian) or thermal_energy_of(model):
            raise ModelError(
                "Parameter `hamiltonian` must be a k.p model at `thermal_energy` 0 for the method fermi-surface, but "
                f"is {model.hamiltonian!r} at {thermal_energy_of(model):g} eV; use k-grid"
            )
        bloch = kept_subject(model).bloch
        fine, coarse = (
            self._carriers(model, bloch, self.polar // n, self.azimuth // n) for n in (1, 2)
        )
        remedy = f"on {self.polar} x {self.azimuth} directions: raise polar and azimuth"
        return _state(model, fine, (coarse,), self.tolerance, remedy)

    def _carriers(self, model: ContactCrystal, bloch: Bloch, polar: int, azimuth: int) -> Carriers:
        k, band, weight = FermiSurface().sheets(bloch, model.chemical_potential, polar, azimuth)
        flow = band_flow(bloch, k)
        at: NDArray[Any] = band[:, None, None]
        return Carriers(
            velocity=np.take_along_axis(flow.velocity, at, axis=1)[:, 0],
            spin=np.take_along_axis(flow.spin, at, axis=1)[:, 0],
            weight=weight * valley_count(model),
        )


@observable(
    unit="1/nm^2",
    symbol=r"s_i/q\tau E_0",
    dims=("position", "component"),
    error=lambda m, s: s.error,
)
def contact_profile(model: ContactCrystal, state: ContactState) -> Array:
    r"""Spin near the plane over q tau E_0, with E_0 the field deep inside: chi_in far away."""
    return state.profile


@observable(unit="1/nm^2", symbol=r"\chi_{in}", dims=("component",))
def bulk_spin(model: ContactCrystal, state: ContactState) -> Array:
    """The same deep inside the crystal."""
    return state.bulk


CONTACT_OBSERVABLES = (contact_profile, bulk_spin)
CONTACT_CHECKS = (
    Check(
        name="transverse",
        tolerance=1e-3,
        about="current across the normal over that along it: the equations need none",
        evaluate=lambda m, s: s.transverse,
    ),
    Check(
        name="feasible",
        tolerance=2e-2,
        about="share of carriers on shells of one velocity whose spins all lie to one side: injection without spin is "
        "infeasible there, and unpolarised_injection a choice of the model",
        evaluate=lambda m, s: (
            None if not m.unpolarised_injection or np.isnan(s.infeasible) else s.infeasible
        ),
    ),
)
