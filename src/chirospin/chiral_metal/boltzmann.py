r"""The kinetic equation itself, discretised: no closed form inside.

Reduced units v_F = tau_0 = q = l = m = 1 and E_0 = 1. First order :math:`f_1 = \phi_h \delta(\epsilon-\mu)`,
second order :math:`f_2 = A_h \delta(\epsilon-\mu) + B_h \delta'(\epsilon-\mu)`:

.. math::
   (c\partial + 1)\phi_h &= cE_1 + (1-\eta)\nu_1 + \eta\nu_{1h}
        + \tfrac{N_0}{2N_h}\, c\,d(c)\, [\delta(\xi) - \delta(\xi-L)] \\
   (c\partial + 1)B_h &= -cE_1\phi_h \\
   (c\partial + 1)A_h &= cE_2 + (1-\eta)\nu_2 + \eta\nu_{2h} - B_h
        - E_1(1-c^2)\partial_c\phi_h/(1-ha)

with :math:`\lambda^2 E' = \nu` at both orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.chiral_metal import energy_resolved
from chirospin.chiral_metal.energies import Energies, thermal_energies
from chirospin.chiral_metal.energy_resolved import EnergyResolved
from chirospin.chiral_metal.linear import shares, spin_decay
from chirospin.chiral_metal.model import HELICITIES, ChiralMetal, Scales, positions, scales_of
from chirospin.chiral_metal.state import PROFILES, ChiralMetalState, Profiles
from chirospin.chiral_metal.streaming import Mesh, Ordinates, Streaming

Array = NDArray[np.float64]
FIRST_CELL = 1e-3  # mean free paths, and at most a fiftieth of the screening length
TOLERANCE = 1e-8  # of the linear solves, relative
MATRICES = 8  # of points by points: responses, Gauss's law, factors and what they are made of
BY_ENERGY = (
    4  # the same for each energy of a thermal window, and twice MATRICES for their joint system
)
WORKING = 64 * 16  # bytes for each point and ordinate: distributions of both helicities and ways
PLACE = 1024  # bytes for each place where profiles are wanted
KEPT = 4  # discretisations kept for models that share them


class OnMesh(Method):
    """A method on a mesh along z with discrete directions; subclasses say which equation."""

    cells: int = Field(
        default=240, ge=16, le=4000, description="of the mesh, graded at both planes"
    )
    order: int = Field(default=3, ge=0, le=8, description="of the polynomials in a cell")
    ordinates: int = Field(default=24, ge=4, le=64, description="directions in each half range")


class Boltzmann(OnMesh):
    """The Boltzmann equation with Gauss's law on a graded mesh, both orders, any alpha.

    Without ``excess_density`` collisions keep only -(f - f_0)/tau, the conventional relaxation time: a
    control, whose charge is not conserved.

    References
    ----------
    yoshimi_2026, Eqs. (2)-(11), (37), (56)
    """

    name: ClassVar[str] = "boltzmann"
    summary: ClassVar[str] = "discretised Boltzmann equation with Gauss's law; memory and walls too"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    gives: ClassVar[Needs] = frozenset({PROFILES})

    energies: int = Field(
        default=7, ge=1, le=24, description="nodes of the thermal window, where there is one"
    )
    excess_density: bool = Field(
        default=True, description="collisions give the excess density back; false loses charge"
    )

    def solve_many(self, models: Sequence[ChiralMetal]) -> Iterator[ChiralMetalState]:
        """One state per model; models on the same mesh share its factors."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[ChiralMetal], needs: Needs) -> Iterator[ChiralMetalState]:
        """With profiles if they are needed."""
        return (self._state(model, needs) for model in models)

    def _state(self, model: ChiralMetal, needs: Needs) -> ChiralMetalState:
        scales = scales_of(model)
        if not scales.screening:
            raise ModelError(
                "Parameter `screening_length` must be > 0 (in nm) for the method boltzmann, whose "
                "equations are ill-conditioned in the neutral limit, but is 0; use closed-form, or "
                f"0.02 mean free paths ({0.02 * scales.mean_free_path:g})"
            )
        places = positions(model, scales) / scales.mean_free_path if PROFILES in needs else None
        count = 0 if places is None else places.size
        if not scales.energies.plain:
            return self._warm(scales, places)
        check_mesh(self, count, 8 * MATRICES)
        grid = discretised(
            scales.length, scales.screening, scales.memory, walls=scales.walls, cells=self.cells,
            order=self.order, ordinates=self.ordinates, excess_density=self.excess_density,
        )  # fmt: skip
        return _solved(scales, grid, places)

    def _warm(self, scales: Scales, places: Array | None) -> ChiralMetalState:
        """With a thermal window, or a relaxation time that depends on energy."""
        of = thermal_energies(scales.energies.spread, scales.energies.exponent, self.energies)
        share = 3 * MATRICES + BY_ENERGY * of.speed.size
        check_mesh(self, 0 if places is None else places.size, 8 * share)
        longest = max(1.0, float(of.path.max()))
        edges, planes = mesh_edges(
            scales.length,
            scales.screening,
            scales.memory,
            self.cells,
            walls=scales.walls,
            longest=longest,
        )
        grid = energy_resolved.energies_on_mesh(
            tuple(edges.tolist()), self.order, self.ordinates, tuple(of.path.tolist()), planes,
            walls=scales.walls,
        )  # fmt: skip
        beams = injected(scales, grid.ordinates.cosines, planes)
        resolved = EnergyResolved(scales, of, grid, beams, excess_density=self.excess_density)
        curves, conserved = energy_resolved.moments(resolved, scales.length)
        return _state_of(
            scales, grid.mesh, curves, conserved, resolved.residual, places,
            energy_error=_energy_error(scales, of),
        )  # fmt: skip


def _energy_error(scales: Scales, of: Energies) -> float:
    """What a rule of few energies misses of densities and of decays, and its share beyond the crossing."""
    tests = [
        [float(e.mean(np.exp(-reach / e.path))) for reach in (0.1, 1.0, 3.0)]
        for e in (of, scales.energies)
    ]
    few, many = (
        np.array([*t, e.compressibility(scales.asymmetry)])
        for t, e in zip(tests, (of, scales.energies), strict=True)
    )
    return float(max(np.abs(few / many - 1).max(), of.beyond(scales.asymmetry)))


def check_mesh(method: OnMesh, places: int, share: int) -> None:
    """Refuse a mesh or a number of places whose estimated memory is not there.

    Parameters
    ----------
    share : bytes for each pair of points of the mesh

    Raises
    ------
    ModelError : says how much would be needed
    """
    points = method.cells * (method.order + 1)
    need = float(share) * points**2 + WORKING * points * method.ordinates
    if need + PLACE * places > available_bytes():
        few = need < PLACE * places
        raise ModelError(
            (
                f"Parameter `position` must fit in memory for method {method.name}, but {places} places"
                if few
                else f"Options `cells`, `order` and `ordinates` of method {method.name} must fit in memory, "
                f"but {points} points with {method.ordinates} ordinates"
            )
            + f" need about {in_words(need + PLACE * places)} and {in_words(available_bytes())} are free"
        )


@dataclass(frozen=True, eq=False)
class Discretisation:
    """The equation on a mesh: responses of the total charge, factorised once for both orders."""

    streaming: Streaming
    screening: float
    memory: float
    planes: tuple[int, int]
    excess_density: bool = True

    @property
    def responses(self) -> tuple[Array, Array]:
        """What scatters back into the density, and what a field carries there, (points, points)."""
        mean, carried = self.streaming.responses
        return self.excess_density * mean, carried

    @cached_property
    def gauss(self) -> Array:
        """E = gauss @ nu, shape (points, points)."""
        return self.streaming.mesh.antiderivative / self.screening**2

    @cached_property
    def _charge_factors(self) -> tuple[Any, Any]:
        mean, carried = self.responses
        matrix = np.eye(len(mean)) - mean - carried @ self.gauss
        if self.streaming.reflecting:  # a closed slab: its total charge is free, and zero here
            matrix += self.streaming.mesh.weights.ravel() / self.streaming.mesh.weights.sum()
        return scipy.linalg.lu_factor(matrix)  # type: ignore[no-any-return]

    @cached_property
    def _helicity_factors(self) -> tuple[Any, Any]:
        mean, _ = self.responses
        return scipy.linalg.lu_factor(np.eye(len(mean)) - self.memory * mean)  # type: ignore[no-any-return]

    def charge(self, source: Array) -> tuple[Array, Array, float]:
        """Charge nu and field E that the charge ``source`` of the ballistic part calls for; residual."""
        mean, carried = self.responses
        right = source.ravel()
        if (
            self.streaming.reflecting
        ):  # no charge enters a closed slab; what the grid lost shows in j_e
            weights = self.streaming.mesh.weights.ravel()
            right = right - weights @ right / weights.sum()
        nu = scipy.linalg.lu_solve(self._charge_factors, right)
        E = self.gauss @ nu
        left = nu - mean @ nu - carried @ E - right
        size = np.abs(source).max() + np.abs(nu).max()
        shape = source.shape
        return nu.reshape(shape), E.reshape(shape), float(np.abs(left).max() / size)

    def by_helicity(self, nu: Array, E: Array, sources: Array) -> Array:
        """Charge of each helicity, shape (helicity, cell, node), given the total and the field."""
        mean, carried = self.responses
        shared = (1 - self.memory) * mean @ nu.ravel() + carried @ E.ravel()
        right = sources.reshape(len(sources), -1) + shared
        found = (
            right if not self.memory else scipy.linalg.lu_solve(self._helicity_factors, right.T).T
        )
        return np.asarray(found.reshape(sources.shape))


@lru_cache(maxsize=KEPT)
def discretised(
    length: float,
    screening: float,
    memory: float,
    *,
    walls: bool,
    cells: int,
    order: int,
    ordinates: int,
    excess_density: bool = True,
) -> Discretisation:
    edges, planes = mesh_edges(length, screening, memory, cells, walls=walls)
    return Discretisation(
        streaming=streaming_of(tuple(edges.tolist()), order, ordinates, walls=walls),
        screening=screening,
        memory=memory,
        planes=planes,
        excess_density=excess_density,
    )


@lru_cache(maxsize=KEPT)
def streaming_of(
    edges: tuple[float, ...], order: int, ordinates: int, *, walls: bool, rate: complex = 1.0
) -> Streaming:
    """Streaming on a mesh; the last few are kept, since their responses cost most."""
    return Streaming(
        mesh=Mesh(np.array(edges), order),
        ordinates=Ordinates.gauss(ordinates),
        rate=rate,
        reflecting=walls,
    )


def mesh_edges(
    length: float, screening: float, memory: float, cells: int, *, walls: bool, longest: float = 1.0
) -> tuple[Array, tuple[int, int]]:
    """Edges graded geometrically at both planes, and the indices of the planes.

    Parameters
    ----------
    longest : mean free path of any carrier
    """
    decay = spin_decay(memory) if memory else 1.0
    pad = 20 * longest / min(decay, 1 / max(screening, 1e-3))
    first = min(FIRST_CELL, screening / 50)
    arms = 2 if walls else 4
    half = _graded(length / 2, first, cells // arms)
    inside = np.concatenate([half, length - half[-2::-1]])
    if walls:
        return inside, (0, inside.size - 1)
    outside = _graded(pad, first, cells // arms)
    edges = np.concatenate([-outside[:0:-1], inside, length + outside[1:]])
    at = outside.size - 1
    return edges, (at, at + inside.size - 1)


def _graded(reach: float, first: float, cells: int) -> Array:
    """Edges from 0 to reach whose widths grow by a constant ratio, the first as given."""
    if first * cells >= reach:
        return np.linspace(0, reach, cells + 1)
    low, high = 1.0, 10.0
    for _ in range(200):
        ratio = (low + high) / 2
        total = first * (ratio**cells - 1) / (ratio - 1)
        low, high = (ratio, high) if total < reach else (low, ratio)
    steps = first * ratio ** np.arange(cells)
    return np.concatenate([[0.0], np.cumsum(steps) * reach / steps.sum()])


def injected(scales: Scales, c: Array, planes: tuple[int, int]) -> dict[int, Array]:
    """What beams gain at each plane, shape (way, ordinate), before the factor N_0/2N_h."""
    beam = sum(share * c ** (2 * p - 1) for p, share in shares(scales.weights))
    both = np.stack([beam, beam])
    if scales.walls:  # what is injected towards a mirror comes back at once
        none = np.zeros_like(beam)
        return {
            planes[0]: 2 * np.stack([beam, none]),
            planes[1]: -2 * np.stack([none, beam]),
        }
    return {planes[0]: both, planes[1]: -both}


@dataclass(frozen=True, kw_only=True)
class _Expansion:
    """Both orders of the distribution f = f_0 + phi, A - B d/d(energy), and the fields that go with them.

    Parameters
    ----------
    states : N_h, by helicity
    charge, field : nu and E, by order
    phi, A, B : (helicity, way, ordinate, cell, point)
    residual : of the two linear systems, the larger
    """

    states: Array
    charge: Array
    field: Array
    phi: Array
    A: Array
    B: Array
    residual: float


def _expanded(scales: Scales, grid: Discretisation) -> _Expansion:
    """First order by streaming from the planes, second order by what the first one drives."""
    a, eta, stream = scales.asymmetry, scales.memory, grid.streaming
    h = np.array(HELICITIES)
    N = (1 - h * a) ** 2 / (2 * np.pi**2)
    N0 = N.sum()
    c = stream.cosine()
    nothing = np.zeros((2, stream.ordinates.cosines.size, *stream.mesh.points.shape))

    def spread(nu: Array, nu_h: Array, E: Array) -> Array:
        """cE + (1 - eta) nu + eta nu_h for both helicities."""
        return c * E + grid.excess_density * ((1 - eta) * nu + eta * nu_h)[:, None, None]

    beam = stream.solve(nothing, injected(scales, stream.ordinates.cosines, grid.planes))
    share = N0 / (2 * N)
    ballistic = stream.moment(0, beam)
    nu1, E1, residual1 = grid.charge(ballistic)
    nu1h = grid.by_helicity(nu1, E1, share[:, None, None] * ballistic)
    phi = stream.solve(spread(nu1, nu1h, E1), {})
    phi += share[:, None, None, None, None] * beam

    B = stream.solve(-c * E1 * phi, {})
    k = (1 - h * a)[:, None, None, None, None]
    turned = E1 * (1 - c**2) * stream.by_cosine(phi) / k
    own = stream.solve(-B - turned, {})
    low = stream.moment(0, own) - _density_slope(a) / N[:, None, None] * stream.moment(0, B)
    nu2, E2, residual2 = grid.charge(np.tensordot(N / N0, low, 1))
    nu2h = grid.by_helicity(nu2, E2, low)
    return _Expansion(
        states=N,
        charge=np.stack([nu1, nu2]),
        field=np.stack([E1, E2]),
        phi=phi,
        A=own + stream.solve(spread(nu2, nu2h, E2), {}),
        B=B,
        residual=max(residual1, residual2),
    )


def _density_slope(a: float) -> float:
    """dN_h/d(energy), the same for both helicities."""
    return (1 - a**2) / (2 * np.pi**2)


def _solved(scales: Scales, grid: Discretisation, xi: Array | None) -> ChiralMetalState:
    expansion = _expanded(scales, grid)
    curves, conserved = _moments(scales, grid, expansion)
    return _state_of(scales, grid.streaming.mesh, curves, conserved, expansion.residual, xi)


def _state_of(
    scales: Scales,
    mesh: Mesh,
    curves: dict[str, Array],
    conserved: float,
    residual: float,
    xi: Array | None,
    energy_error: float | None = None,
) -> ChiralMetalState:
    """The state that curves on a mesh make, with profiles at the places that are wanted."""
    left = mesh.points < scales.length / 2
    parts = {}
    if xi is not None:
        parts[PROFILES] = Profiles(**{name: mesh.at(f, xi) for name, f in curves.items()})
    good = bool(residual < TOLERANCE)
    return ChiralMetalState(
        scales=scales,
        interface_spin=float((mesh.weights * curves["spin"][1])[left].sum()),
        interface_error=0.0,
        neglected=0.0,
        charge_current_error=conserved,
        balance_error=_balance_error(mesh, curves["spin_current"][1], curves["spin_sources"]),
        energy_error=energy_error,
        outcome=Outcome(
            converged=good,
            residual=residual,
            iterations=1,
            reason="" if good else lost_digits(scales),
        ),
        parts=parts,
    )


def _moments(
    scales: Scales, grid: Discretisation, expansion: _Expansion
) -> tuple[dict[str, Array], float]:
    """Profiles of both orders on the mesh, by name, and how far the charge current is from constant."""
    a, stream = scales.asymmetry, grid.streaming
    h = np.array(HELICITIES)
    slope = _density_slope(a)
    flow_slope = (1 - h * a) / np.pi**2  # d(v N_h)/d(energy)
    flux_slope = (1 - h * a) * (3 - h * a) / (2 * np.pi**2)  # d(v^2 N_h)/d(energy)
    N, phi = expansion.states, expansion.phi
    E1, E2 = expansion.field

    def first(power: int, weight: Array) -> Array:
        return np.tensordot(weight * N, stream.moment(power, phi), 1)

    def second(power: int, weight: Array, by_energy: Array | float) -> Array:
        falling = np.tensordot(weight * by_energy, stream.moment(power, expansion.B), 1)
        return np.asarray(np.tensordot(weight * N, stream.moment(power, expansion.A), 1) - falling)

    both, half_h = np.ones(2), h / 2
    spin = np.stack([first(1, half_h), second(1, half_h, slope)])
    current = np.stack([first(2, half_h), second(2, half_h, flow_slope)])
    crowd = np.stack([first(0, both), second(0, both, slope)])
    drift = np.stack([first(2, both), second(2, both, slope)])
    flux = np.stack([first(2, both), second(2, both, flux_slope)])
    charge_current = np.stack([first(1, both), second(1, both, flow_slope)])
    tilt = np.tensordot(half_h * N / (1 - h * a), stream.moment(0, phi) - stream.moment(2, phi), 1)
    edelstein = -a / (3 * np.pi**2)
    by_first, by_second = E1 * tilt, edelstein * E2
    inside = (stream.mesh.points > 0) & (stream.mesh.points < scales.length)
    bulk = N.sum() / 3
    terms = np.abs(second(1, both, 0.0)).max() + np.abs(E2).max() * bulk
    errors = (
        np.abs(charge_current[0] - bulk * inside).max() / bulk,
        np.abs(charge_current[1]).max() / terms,
    )
    curves = {
        "charge": expansion.charge,
        "field": expansion.field,
        "spin": spin,
        "spin_current": current,
        "operator_spin_current": current + a / 2 * (crowd - drift),
        "momentum_flux": flux,
        "spin_sources": np.stack([spin[1] - by_first - by_second, by_first, by_second]),
    }
    return curves, float(max(errors))


def lost_digits(scales: Scales) -> str:
    """Why the charge is not known, and what helps."""
    return (
        f"the linear system for the charge lost its digits at a screening length of {scales.screening:.1e} "
        "and planes "
        f"{scales.length:.1e} mean free paths apart: screening_length of 0.02 mean free paths or more, or "
        "closed-form"
    )


def _balance_error(mesh: Mesh, current: Array, sources: Array) -> float:
    """Largest gap between what flows into an interval from a plane and what is found in it.

    The balance of spin, integrated from the plane at 0: j_s(0) - j_s(xi) = integral of the first source.
    """
    gathered = mesh.antiderivative @ sources[0].ravel()
    drift = current.ravel() + gathered
    size = np.abs(mesh.weights * sources).sum(axis=(1, 2)).max() or 1.0
    return float(np.ptp(drift) / size)
