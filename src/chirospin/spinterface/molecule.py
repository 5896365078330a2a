r"""Maps around any molecule with any number of contacts.

The molecule is the level of :class:`LevelContact`, or its Green functions from elsewhere: a function of
complex energy, or arrays on a grid of real energies.

.. math:: \delta G^< = \sum_{ij} \left[ g^r T^r_{ij} g^< + g^< T^a_{ij} g^a + g^r T^<_{ij} g^a \right],
          \qquad T = V G_1 V^+, \qquad \Sigma = \sum_{ij} V_i^+ g(\mathbf r_i - \mathbf r_j) V_j
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field, model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import UNREADABLE, ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.parameters import Shape, axis_parameter, parameter
from chirospin.numerics.quadrature import PANEL_NODES, adapted_edges, cleared_edges, gauss_panels
from chirospin.spinterface.algebra import UNIT, matrix, spin_parts
from chirospin.spinterface.contact import (
    TOLERANCE,
    ContactState,
    change,
    negf_parts,
    negf_state,
    rounding,
    sample,
    spin_of,
    with_error,
)
from chirospin.spinterface.emission import (
    Emission,
    LevelEmission,
    occupation_of,
    thermal_singular,
)
from chirospin.spinterface.green import Metal, components, local_at
from chirospin.spinterface.model import (
    COMPONENTS,
    Drive,
    Level,
    LevelContact,
    bounded,
    density_unit,
    drive_of,
    level_of,
    metal_of,
    require_outside,
    spin_direction,
)
from chirospin.spinterface.response import (
    FEWER,
    DensityAndFlow,
    Places,
    bias_window,
    energy_of,
    momentum_of,
    respond,
)

Real = NDArray[np.float64]
Complex = NDArray[Any]
BUILT_IN = "level"
SPAN = 3.0  # nm, of the default map on either side
MOST = 60  # points of it on either side
PER_PERIOD = 4  # points in one period of the density
EVEN = 5  # points in even steps that make a map; fewer are places
GRID_NODES = 8  # between neighbouring energies of a table
ADAPTED = 1e-11  # of the driven source, relative
LONGEST = 3.0  # radians that exp(2 i kappa r) may turn on a panel


class Map(LevelContact):
    """Densities on a line, a plane or a volume around a molecule.

    References
    ----------
    fransson_spinterface, Eqs. (2)-(7)
    """

    molecule: str = parameter(
        BUILT_IN,
        symbol="G_1",
        about="level; FILE.npz with energies, retarded, lesser; FILE.py:NAME, a function of z",
    )
    metal_included: bool = parameter(
        False,
        symbol="m",
        about="whether the Green functions of a file already contain the metal's self-energy",
    )
    contacts: tuple[tuple[float, ...], ...] = parameter(
        ((0.0, 0.0, 0.0),),
        unit="nm",
        symbol="r_i",
        shape=Shape(axes=("C", 3)),
        about="where the molecule touches the metal",
    )
    hybridisation_matrix: tuple[tuple[complex, ...], ...] | None = parameter(
        None,
        unit="eV*nm^1.5",
        symbol="V",
        shape=Shape(axes=("A", "B"), kind=complex),
        about="rows contact and spin, columns site and spin; V_0, V_1 at each contact if not given",
    )
    x: tuple[float, ...] | None = axis_parameter("X", unit="nm", symbol="x", about="of the map")
    y: tuple[float, ...] | None = axis_parameter("Y", unit="nm", symbol="y", about="of the map")
    z: tuple[float, ...] | None = axis_parameter("Z", unit="nm", symbol="z", about="of the map")

    @model_validator(mode="after")
    def _near(self) -> Map:
        bounded(self, ("x", "y", "z", "contacts"), 0.0, 1e6)
        bounded(self, ("hybridisation_matrix",), 0.0, 1e3)
        return self

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        numbers = {
            n: (float(v),)
            for n, v in values.items()
            if n in ("x", "y", "z") and isinstance(v, (int, float, np.number))
        }
        return {**values, **numbers}


def density_period(model: Map) -> float:
    r"""Period of a density that both ways of a wave make, :math:`\pi/k_F`, nm; infinite without a gas."""
    momentum = metal_of(model).fermi_momentum
    return float(np.pi / momentum) if momentum else np.inf


def _line(model: Map) -> Real:
    """Points of the default map, off the contact where the metal has no third dimension."""
    step = min(density_period(model) / PER_PERIOD, SPAN / 12)
    side = min(int(np.ceil(SPAN / step)), MOST)
    reach = min(SPAN, side * step)
    if metal_of(model).d > 2:
        return np.asarray(reach / side * np.arange(-side, side + 1.0), dtype=np.float64)
    return np.asarray(reach / side * (np.arange(-side, side) + 0.5), dtype=np.float64)


def map_axes(model: Map) -> tuple[Real, Real, Real]:
    """Coordinates along x, y and z; a quarter of a period apart in the plane z = 0.5 if not given."""
    line = _line(model)
    flat = metal_of(model).d
    defaults = (line, line if flat > 1 else np.zeros(1), np.array([0.5 if flat > 2 else 0.0]))
    given = (model.x, model.y, model.z)
    x, y, z = (d if v is None else np.array(v) for v, d in zip(given, defaults, strict=True))
    return x, y, z


def map_labels(model: Map) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    x, y, z = (tuple(v.tolist()) for v in map_axes(model))
    return {"x": x, "y": y, "z": z, "component": COMPONENTS}


def contact_places(model: Map) -> Real:
    """Places of the contacts, shape (C, 3), nm."""
    return np.array(model.contacts)


def map_places(model: Map) -> Places:
    """Every point of the map, seen from each contact.

    Raises
    ------
    ModelError : a point at a contact, or outside a metal of fewer dimensions
    """
    grid = np.meshgrid(*map_axes(model), indexing="ij")
    points = np.stack([v.ravel() for v in grid], axis=-1)
    sites = contact_places(model)
    d = metal_of(model).d
    for name, values in zip("xyz"[d:], (points.T[d:]), strict=True):
        if np.any(values != 0) or np.any(sites[:, "xyz".index(name)] != 0):
            raise ModelError(
                f"Parameter `{name}` must be 0 (in nm) in a metal of dimension {d}, also of contacts, "
                f"but is {values[np.abs(values).argmax()]:g}"
            )
    away = points[None] - sites[:, None]
    r = np.linalg.norm(away, axis=-1)
    if (r == 0).any():
        at = points[np.nonzero(r == 0)[1][0]]
        raise ModelError(
            f"Parameter `x`, `y`, `z` must not meet a contact (in nm), where the density diverges, but "
            f"do at {at.tolist()}; move the map off it: in space to z = 0.5, in a plane by half a step"
        )
    require_outside(metal_of(model), "x", float(r.min()))
    return Places(distance=r, direction=spin_direction(model, away / r[..., None]))


class Source:
    """A molecule seen alone: inverse Green function and lesser self-energy, or tables of both."""

    metal_included: bool
    knots: Real | None = None

    def retarded(self, z: Complex) -> Complex:
        """G^r of what is given, shape (N, B, B)."""
        raise NotImplementedError

    def excess(self, energy: Real, f: Real) -> Complex:
        """G^< + f (G^r - G^a) of what is given, shape (N, B, B)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LevelSource(Source):
    """The level of :class:`LevelContact` without the metal."""

    level: Level
    drive: Drive
    metal_included: bool = False

    def retarded(self, z: Complex) -> Complex:
        """The level with its lead."""
        h = self.level.energy - 0.5j * self.level.lead
        return np.asarray(np.linalg.inv(z[:, None, None] * UNIT - h))

    def excess(self, energy: Real, f: Real) -> Complex:
        """What the lead fills beyond the metal's occupation."""
        G = self.retarded(energy + 0j)
        share = occupation_of(energy, self.drive.mu, self.drive.lead_thermal_energy) - f
        return np.asarray(1j * share[:, None, None] * (G @ self.level.lead @ _dagger(G)))


@dataclass(frozen=True, kw_only=True)
class FunctionSource(Source):
    """A function of complex energy, with ``lesser`` as its attribute if the molecule is driven."""

    function: Callable[..., Any]
    metal_included: bool

    def retarded(self, z: Complex) -> Complex:
        """As the function says."""
        G = np.asarray(self.function(z), dtype=complex)
        if G.ndim != 3 or G.shape[0] != z.size or G.shape[1] != G.shape[2] or G.shape[1] % 2:
            raise ModelError(
                "Parameter `molecule` must be a function that returns matrices of shape "
                f"({z.size}, B, B) with even B for {z.size} energies, but returns {G.shape}"
            )
        return G

    def excess(self, energy: Real, f: Real) -> Complex:
        """Zero unless the function knows its lesser part."""
        G = self.retarded(energy + 0j)
        lesser = getattr(self.function, "lesser", None)
        if lesser is None:
            return np.zeros_like(G)
        return np.asarray(lesser(energy) + f[:, None, None] * (G - _dagger(G)))


@dataclass(frozen=True, kw_only=True)
class TableSource(Source):
    """Tables on real energies, joined by cubic splines; nothing beyond their ends."""

    knots: Real
    table: scipy.interpolate.CubicSpline
    lesser: scipy.interpolate.CubicSpline
    metal_included: bool

    def _at(self, spline: scipy.interpolate.CubicSpline, energy: Real) -> Complex:
        inside = (energy >= self.knots[0]) & (energy <= self.knots[-1])
        return np.asarray(spline(energy) * inside[:, None, None])

    def retarded(self, z: Complex) -> Complex:
        """Splines of the table, at real energies only."""
        return self._at(self.table, z.real)

    def excess(self, energy: Real, f: Real) -> Complex:
        """Splines of both tables."""
        G = self.retarded(energy + 0j)
        return np.asarray(self._at(self.lesser, energy) + f[:, None, None] * (G - _dagger(G)))


def _dagger(M: Complex) -> Complex:
    return np.conj(np.swapaxes(M, -1, -2))


@lru_cache(maxsize=4)
def _tables(path: Path, stamp: int) -> tuple[Real, Complex, Complex]:
    """Energies, G^r and G^< of a file; its time of change keeps the memory honest."""
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            energies, retarded, lesser = (file[n] for n in ("energies", "retarded", "lesser"))
    except UNREADABLE as error:
        raise ModelError(
            "Parameter `molecule` must be a file with the arrays energies, retarded and lesser, but "
            f"{path} is not: {error}"
        ) from None
    shapes_fit = (
        energies.ndim == 1
        and energies.size >= 4
        and retarded.ndim == 3
        and retarded.shape == lesser.shape
        and retarded.shape[0] == energies.size
        and retarded.shape[1] == retarded.shape[2]
        and retarded.shape[1] % 2 == 0
    )
    if not shapes_fit or (np.diff(energies) <= 0).any() or not np.isfinite(retarded).all():
        raise ModelError(
            "Parameter `molecule` must be a file with rising energies (E,) and finite matrices "
            f"(E, B, B), B even, but {path} has {energies.shape}, {retarded.shape}, {lesser.shape}"
        )
    return energies, retarded.astype(complex), lesser.astype(complex)


def source_of(model: Map) -> Source:
    """The molecule that the model names.

    Raises
    ------
    ModelError : no such file or function, or one of the wrong shape
    """
    name, included = model.molecule, model.metal_included
    if name == BUILT_IN:
        return LevelSource(level=level_of(model), drive=drive_of(model))
    if name.endswith(".npz"):
        path = Path(name)
        if not path.is_file():
            raise ModelError(f"Parameter `molecule` must be a file that exists, but is {name}")
        energies, retarded, lesser = _tables(path, path.stat().st_mtime_ns)
        return TableSource(
            knots=energies,
            table=scipy.interpolate.CubicSpline(energies, retarded),
            lesser=scipy.interpolate.CubicSpline(energies, lesser),
            metal_included=included,
        )
    if ":" in name:
        return FunctionSource(function=loaded_function("molecule", name), metal_included=included)
    raise ModelError(
        f"Parameter `molecule` must be level, FILE.npz or FILE.py:NAME, but is {name!r}"
    )


@dataclass(frozen=True, kw_only=True)
class MoleculeEmission:
    """Any molecule with any number of contacts.

    Parameters
    ----------
    sites : shape (C, 3), nm
    texture : from unit vectors to the directions that multiply g1
    coupling : V, shape (2C, B), eV nm^(d/2)
    """

    metal: Metal
    drive: Drive
    source: Source
    sites: Real
    texture: Callable[[Real], Real]
    coupling: Complex

    def metal_part(self, kappa: Complex) -> Complex:
        """g between the contacts, shape (N, 2C, 2C)."""
        count = len(self.sites)
        out = np.zeros((kappa.size, count, 2, count, 2), dtype=complex)
        for i in range(count):
            out[:, i, :, i, :] = local_at(self.metal, kappa)[:, None, None] * UNIT
            for j in range(count):
                if i != j:
                    away = self.sites[i] - self.sites[j]
                    r = float(np.linalg.norm(away))
                    g0, g1, _, _ = components(self.metal, np.array(r), kappa, contacts=2)
                    out[:, i, :, j, :] = matrix(g0, g1[:, None] * self.texture(away / r))
        return out.reshape(kappa.size, 2 * count, 2 * count)

    def dressing(self, z: Complex, kappa: Complex) -> Complex:
        r""":math:`D = (1 - G\,V^+ g V)^{-1}`, so that G_1 = D G; the unit matrix if included."""
        G = self.source.retarded(z)
        self._fits(G)
        one = np.eye(G.shape[-1], dtype=complex)
        if self.source.metal_included:
            return np.broadcast_to(one, G.shape)
        V = self.coupling
        return np.asarray(np.linalg.inv(one - G @ (V.conj().T @ self.metal_part(kappa) @ V)))

    def _fits(self, G: Complex) -> None:
        shape = (2 * len(self.sites), G.shape[-1])
        if self.coupling.shape != shape:
            raise ModelError(
                f"Parameter `hybridisation_matrix` must have the shape {shape} (in eV nm^(d/2)): contact and "
                f"spin, site and spin, but has {self.coupling.shape}"
            )

    def _between(self, inner: Complex) -> Complex:
        V, count = self.coupling, len(self.sites)
        T = (V @ inner @ V.conj().T).reshape(-1, count, 2, count, 2)
        return spin_parts(np.moveaxis(T, 2, 3))

    def transfer(self, z: Complex, kappa: Complex) -> Complex:
        """T^r."""
        return self._between(self.dressing(z, kappa) @ self.source.retarded(z))

    def driven(self, energy: Real, kappa: Complex) -> Complex:
        """V [G^< + f (G^r - G^a)] V^+; the dressing passes through."""
        f = occupation_of(energy, 0.0, self.drive.thermal_energy)
        D = self.dressing(energy + 0j, kappa)
        return self._between(D @ self.source.excess(energy, f) @ _dagger(D))

    def lesser(self, energy: Real, kappa: Complex) -> Complex:
        """V G^< V^+."""
        f = occupation_of(energy, 0.0, self.drive.thermal_energy)
        T = self.transfer(energy + 0j, kappa)
        conjugate = np.conj(np.swapaxes(T, 1, 2))
        return np.asarray(self.driven(energy, kappa) - f[:, None, None, None] * (T - conjugate))

    def singular(self) -> Complex:
        """Only the Fermi functions are known; panels adapt to the rest."""
        return thermal_singular(self.metal, self.drive)


def molecule_emission(model: Map) -> Emission:
    """The molecule at its contacts."""
    metal, drive, sites = metal_of(model), drive_of(model), contact_places(model)
    single = model.hybridisation_matrix is None
    source, level = source_of(model), level_of(model)
    apart = np.linalg.norm(sites[:, None] - sites, axis=-1)[~np.eye(len(sites), dtype=bool)]
    require_outside(metal, "contacts", float(apart.min(initial=np.inf)), contacts=2)
    if level.wide and not (isinstance(source, LevelSource) and len(sites) == 1 and single):
        raise ModelError(
            "Parameter `broadening` must be exact for several contacts or a molecule from a file, but "
            "is wide"
        )
    if isinstance(source, LevelSource) and len(sites) == 1 and single:
        return LevelEmission(metal=metal, level=level, drive=drive)
    if single:
        blocks = 1 if isinstance(source, LevelSource) else len(sites)
        V = np.kron(np.eye(len(sites)) if blocks > 1 else np.ones((len(sites), 1)), level.coupling)
    else:
        V = np.array(model.hybridisation_matrix)
    return MoleculeEmission(
        metal=metal,
        drive=drive,
        source=source,
        sites=sites,
        texture=lambda unit: spin_direction(model, unit),
        coupling=V,
    )


@dataclass(frozen=True, kw_only=True)
class MapState:
    """Densities on the points of the map, in the order of x, y, z.

    Parameters
    ----------
    densities : as of a contact
    cut : size of T^r at the lower end of a table over its largest value; None without a table
    """

    densities: ContactState
    cut: float | None

    @property
    def outcome(self) -> Any:
        """How the solve ended."""
        return self.densities.outcome


class MapNEGF(Method):
    """The full answer on a map; energies are shared by all points.

    A function of complex energy takes the route of a contact; tables are integrated along the real axis.

    References
    ----------
    fransson_spinterface, Eqs. (2)-(7), with the terms that Eq. (4) leaves out
    """

    name: ClassVar[str] = "negf"
    summary: ClassVar[str] = "full non-equilibrium answer on every point of the map"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface", "meir_wingreen_1992")

    tolerance: float = Field(
        default=TOLERANCE, ge=1e-15, le=1e-2, description="largest relative change with fewer nodes"
    )

    def solve_many(self, models: Sequence[Map]) -> Iterator[MapState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Map) -> MapState:
        metal, drive, places = metal_of(model), drive_of(model), map_places(model)
        emission, cut = molecule_emission(model), None
        if isinstance(emission, LevelEmission):
            parts = negf_parts(metal, emission, drive, places, flow=False)
        else:
            assert isinstance(emission, MoleculeEmission)
            if isinstance(emission.source, TableSource):
                parts = _by_table(metal, emission, drive, places)
                cut = _cut(metal, emission)
            else:
                parts = _by_function(metal, emission, drive, places)
        state = negf_state(*parts, drive, self.tolerance)
        return MapState(densities=state, cut=cut)


def _by_function(
    metal: Metal, emission: MoleculeEmission, drive: Drive, places: Places
) -> tuple[DensityAndFlow, DensityAndFlow | None, int, float]:
    """Matsubara sum, and a bias window with panels adapted to the source."""
    still = Drive(
        thermal_energy=drive.thermal_energy, lead_thermal_energy=drive.thermal_energy, mu=0.0
    )
    equilibrium, _, count, error = negf_parts(metal, emission, still, places, flow=False)
    if drive.equilibrium:
        return equilibrium, None, count, error
    low, high, marks = bias_window(metal, drive)
    panels = np.unique([low, *(m for m in (0.0, *marks) if low < m < high), high])

    def source(at: Real) -> Complex:
        energy, kappa = energy_of(metal, at)
        return emission.driven(energy, kappa) * _measure(at)[:, None, None, None]

    edges = adapted_edges(source, _thermal_edges(metal, drive, panels), ADAPTED)

    def driven(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        at, w = gauss_panels(edges, int(share * PANEL_NODES))
        return _driven_sum(metal, emission, where, at, w), at.size

    found, more, worse = with_error(driven, places, flow=False)
    return equilibrium, found, count + more, max(error, worse)


def _measure(q: Real) -> Real:
    """The measure of energy in q, and the 1/kappa^2 of two Green functions near the band bottom."""
    return np.asarray(np.abs(q) + 1 / np.abs(q))


def _thermal_edges(metal: Metal, drive: Drive, marks: Real) -> Real:
    """Edges of panels that keep away from the poles of the Fermi functions."""
    poles = thermal_singular(metal, drive)
    pieces = [
        cleared_edges(a, b, poles if a >= 0 else 1j * poles) for a, b in itertools.pairwise(marks)
    ]
    return np.unique(np.concatenate(pieces))


def _driven_sum(
    metal: Metal, emission: MoleculeEmission, where: Places, q: Real, w: Real
) -> DensityAndFlow:
    energy, kappa = energy_of(metal, q)
    weight = w * np.abs(q) / metal.N0 / (2j * np.pi)
    T = emission.driven(energy, kappa) * weight[:, None, None, None]
    return respond(metal, where, kappa, T, advanced=True, flow=False).real


def _table_edges(metal: Metal, emission: MoleculeEmission, drive: Drive, places: Places) -> Real:
    """Knots of the table, steps of the occupations and panels short against the wavelength."""
    assert emission.source.knots is not None
    ends = [momentum_of(metal, float(e)) for e in emission.source.knots]
    marks = [0.0, momentum_of(metal, 0.0), momentum_of(metal, drive.mu)]
    inside = [m for m in marks if ends[0] < m < ends[-1]]
    coarse = _thermal_edges(metal, drive, np.unique([ends[0], *inside, ends[-1]]))
    edges = np.unique([*ends, *coarse])
    longest = LONGEST / places.distance.max()
    fine = [
        np.linspace(a, b, int(np.ceil((b - a) / longest)) + 1)[:-1]
        for a, b in itertools.pairwise(edges)
    ]
    return np.append(np.concatenate(fine), edges[-1])


def _by_table(
    metal: Metal, emission: MoleculeEmission, drive: Drive, places: Places
) -> tuple[DensityAndFlow, DensityAndFlow | None, int, float]:
    """Both parts along the real axis, between the ends of the table."""

    def sources(at: Real) -> Complex:
        energy, kappa = energy_of(metal, at)
        both = (emission.transfer(energy + 0j, kappa), emission.driven(energy, kappa))
        return np.stack(both, axis=1) * _measure(at)[:, None, None, None, None]

    edges = adapted_edges(
        sources, _table_edges(metal, emission, drive, places), ADAPTED, int(FEWER * GRID_NODES)
    )

    def still(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        q, w = gauss_panels(edges, int(share * GRID_NODES))
        energy, kappa = energy_of(metal, q)
        weight = 1j / np.pi * w * np.abs(q) / metal.N0
        weight = weight * occupation_of(energy, 0.0, drive.thermal_energy)
        T = emission.transfer(energy + 0j, kappa) * weight[:, None, None, None]
        return respond(metal, where, kappa, T, advanced=False, flow=False).real, q.size

    def moved(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        q, w = gauss_panels(edges, int(share * GRID_NODES))
        return _driven_sum(metal, emission, where, q, w), q.size

    equilibrium, count, error = with_error(still, places, flow=False)
    driven, _, _ = with_error(moved, places, flow=False)
    few = sample(places)
    rough = moved(few, FEWER, flow=False)[0].density + still(few, 1.0, flow=False)[0].density
    fine = moved(few, 1.0, flow=False)[0].density + still(few, 1.0, flow=False)[0].density
    return equilibrium, driven, count, max(error, change(fine, rough))


def _cut(metal: Metal, emission: MoleculeEmission) -> float:
    """How much of the molecule lies at the lower end of its table."""
    assert emission.source.knots is not None
    q = np.array([momentum_of(metal, float(e)) for e in emission.source.knots])
    q = q[q != 0]
    energy, kappa = energy_of(metal, q)
    size = np.abs(emission.transfer(energy + 0j, kappa)).max(axis=(1, 2, 3))
    return float(size[0] / (size.max() or 1.0))


GRID = ("x", "y", "z")


def _on_grid(model: Map, values: Any) -> Any:
    shape = tuple(v.size for v in map_axes(model))
    return values.reshape(*shape, *values.shape[1:])


def map_spin_error(model: Map, state: MapState) -> Any:
    """Numerical error of a spin density at each point."""
    return _on_grid(model, rounding(state.densities))[..., None]


def map_charge_error(model: Map, state: MapState) -> Any:
    """Numerical error of the charge density at each point."""
    return _on_grid(model, 2 * rounding(state.densities))


@observable(
    name="spin_density",
    unit="1/nm^3",
    unit_in=density_unit,
    error=map_spin_error,
    symbol="s",
    dims=(*GRID, "component"),
)
def map_spin_density(model: Map, state: MapState) -> Any:
    """Spin density in the metal, in hbar."""
    return _on_grid(model, state.densities.total.vector.real)


@observable(
    name="spin_density_equilibrium",
    unit="1/nm^3",
    unit_in=density_unit,
    error=map_spin_error,
    symbol="s^{eq}",
    dims=(*GRID, "component"),
)
def map_spin_equilibrium(model: Map, state: MapState) -> Any:
    """The part of the spin density that remains without bias."""
    return _on_grid(model, spin_of(state.densities.equilibrium, state.densities.total))


@observable(
    name="spin_density_driven",
    unit="1/nm^3",
    unit_in=density_unit,
    error=map_spin_error,
    symbol="s^{neq}",
    dims=(*GRID, "component"),
)
def map_spin_driven(model: Map, state: MapState) -> Any:
    """The part of the spin density from the bias window."""
    return _on_grid(model, spin_of(state.densities.driven, state.densities.total))


@observable(
    name="charge_density",
    unit="1/nm^3",
    unit_in=density_unit,
    error=map_charge_error,
    symbol="n",
    dims=GRID,
)
def map_charge_density(model: Map, state: MapState) -> Any:
    """Change of the electron density that the molecule makes."""
    return _on_grid(model, 2 * state.densities.total.scalar.real)


MAP_OBSERVABLES = (
    map_spin_density,
    map_spin_equilibrium,
    map_spin_driven,
    map_charge_density,
)


def _sampling(model: Map, state: MapState) -> float | None:
    """Largest even step over half a period; None where places and not a map are given."""
    steps = [np.diff(v) for v in map_axes(model) if v.size >= EVEN]
    even = [float(np.abs(s).max()) for s in steps if np.ptp(s) <= 1e-6 * np.abs(s).max()]
    return 2 * max(even) / density_period(model) if even else None


MAP_CHECKS = (
    Check(
        name="quadrature",
        tolerance=TOLERANCE,
        about="largest relative change of a density with fewer nodes",
        evaluate=lambda m, s: s.densities.error,
    ),
    Check(
        name="table_end",
        tolerance=1e-2,
        about="T-matrix at the lower end of a table of Green functions, over its largest value",
        evaluate=lambda m, s: s.cut,
    ),
    Check(
        name="sampling",
        tolerance=1.0,  # two points in a period: fewer show waves that are not there
        about="step of an even map over half a period pi/k_F of the density: finer x, y, z",
        evaluate=_sampling,
    ),
)


def _by_contact(model: Map, method: Method) -> float | None:
    """The general route, with a contact of its own for a level that touches once."""
    emission = molecule_emission(model)
    if not isinstance(emission, LevelEmission) or emission.level.wide:
        return None
    metal, drive = metal_of(model), drive_of(model)
    places = sample(map_places(model))
    general = MoleculeEmission(
        metal=metal,
        drive=drive,
        source=LevelSource(level=emission.level, drive=drive),
        sites=contact_places(model),
        texture=lambda unit: spin_direction(model, unit),
        coupling=emission.level.coupling,
    )
    one, two, _, _ = _by_function(metal, general, drive, places)
    still, driven, _, _ = negf_parts(metal, emission, drive, places, flow=False)
    first = one.density if two is None else one.density + two.density
    second = still.density if driven is None else still.density + driven.density
    return change(second, first)


MAP_AUDITS = (
    Audit(
        name="general_route",
        tolerance=1e-8,
        about="the general molecule, with adapted panels, agrees with the closed form of a level",
        evaluate=_by_contact,
    ),
)
