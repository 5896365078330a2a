"""Methods for a contact: the full non-equilibrium answer, and the lesser term alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.numerics.quadrature import BLOCK_NODES, PANEL_NODES
from chirospin.spinterface.algebra import Parts
from chirospin.spinterface.emission import (
    TINY_WIDTH,
    Emission,
    LevelEmission,
    occupation_of,
)
from chirospin.spinterface.green import Metal
from chirospin.spinterface.model import (
    LARGEST,
    Contact,
    Drive,
    Level,
    LevelContact,
    distances,
    drive_of,
    level_of,
    metal_of,
    ray,
    require_outside,
    spin_direction,
)
from chirospin.spinterface.response import (
    DECAY,
    FEWER,
    TAIL,
    DensityAndFlow,
    Places,
    driven_response,
    energy_of,
    equilibrium_response,
    momentum_of,
    real_axis,
    respond,
)

Real = NDArray[np.float64]
NOTHING_LEFT = 1e-24  # of the largest density: what rounding leaves of a bound state far away
FAINT = 1e-24  # density that counts as none, 1/nm^d
TOLERANCE = 1e-8  # of the quadrature, relative to the largest density


@dataclass(frozen=True, kw_only=True)
class ContactState:
    """Densities at the wanted places.

    Parameters
    ----------
    equilibrium, driven : the two parts, half traces with 1 and sigma; None where a method has not both
    total : their sum, or the lesser term
    full : the full answer beside the lesser term; None for the full method itself
    charge_flow, spin_flow : radial currents, shape (P,) and (P, 3)
    equilibrium_drive : whether metal and lead are in equilibrium
    error : change with fewer nodes, relative to the largest density
    """

    equilibrium: Parts | None
    driven: Parts | None
    total: Parts
    full: Parts | None
    charge_flow: Real
    spin_flow: Real
    equilibrium_drive: bool
    error: float
    outcome: Outcome


def places_of(model: Contact) -> Places:
    """The wanted distances along the ray from the single contact."""
    r = distances(model)
    require_outside(metal_of(model), "distance", float(r.min()))
    u = spin_direction(model, ray(model))
    return Places(distance=r[None], direction=np.broadcast_to(u, (1, r.size, 3)))


def emission_of(model: LevelContact) -> tuple[Metal, LevelEmission, Drive]:
    """Metal, molecule and occupations of a model."""
    metal, drive = metal_of(model), drive_of(model)
    return metal, LevelEmission(metal=metal, level=level_of(model), drive=drive), drive


def sample(places: Places) -> Places:
    """The nearest, the middle and the farthest place, where errors are estimated."""
    order = np.argsort(places.distance.min(axis=0), kind="stable")
    return places.part(np.unique(order[[0, order.size // 2, -1]]))


def largest(parts: Parts) -> Real:
    """Size of the density at each place: half the charge, or the spin."""
    return np.asarray(np.maximum(np.abs(parts.scalar), np.abs(parts.vector).max(axis=-1)))


def rounding(state: ContactState) -> Real:
    """Absolute error of a spin at each place: of the quadrature, relative to charge or spin, and rounding."""
    return (state.error + 16 * np.finfo(float).eps) * largest(state.total)


def change(fine: Parts, coarse: Parts) -> float:
    """Largest difference of two results at the same places over the size there, or over a floor."""
    here = largest(fine)
    size = np.maximum(here, max(NOTHING_LEFT * float(here.max(initial=0.0)), FAINT))
    scalar = np.abs(fine.scalar - coarse.scalar)
    vector = np.abs(fine.vector - coarse.vector).max(axis=-1)
    return float((np.maximum(scalar, vector) / size).max())


class Solved(Protocol):
    """A response at some places with a share of the nodes, and the number of energies."""

    def __call__(self, where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        """With the flow if it is wanted."""


def with_error(solve: Solved, places: Places, *, flow: bool) -> tuple[DensityAndFlow, int, float]:
    """A response, the number of energies, and its change with fewer nodes at a few places."""
    fine, count = solve(places, 1.0, flow=flow)
    few = sample(places)
    return (
        fine,
        count,
        change(solve(few, 1.0, flow=False)[0].density, solve(few, FEWER, flow=False)[0].density),
    )


def outcome_of(error: float, count: int, tolerance: float, reason: str = "") -> Outcome:
    """Converged where the error is small and nothing else is wrong."""
    good = error <= tolerance and not reason
    words = reason or f"the densities change by {error:.1e} with fewer nodes"
    return Outcome(converged=good, residual=error, iterations=count, reason="" if good else words)


def negf_parts(
    metal: Metal, emission: Emission, drive: Drive, places: Places, *, flow: bool
) -> tuple[DensityAndFlow, DensityAndFlow | None, int, float]:
    """Equilibrium and driven response, number of energies, error."""

    def still(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        nodes = int(share * BLOCK_NODES)
        T = drive.thermal_energy
        return equilibrium_response(metal, emission, T, where, flow=flow, nodes=nodes)

    equilibrium, count, error = with_error(still, places, flow=flow)
    if drive.equilibrium:
        return equilibrium, None, count, error

    def moved(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
        nodes = int(share * PANEL_NODES)
        found, n = driven_response(metal, emission, drive, where, flow=flow, nodes=nodes)
        assert found is not None
        return found, n

    driven, more, worse = with_error(moved, places, flow=flow)
    return equilibrium, driven, count + more, max(error, worse)


class NEGF(Method):
    r"""The full answer for a metal without interaction and any molecule.

    .. math:: \delta G^< = g^r T^r g^< + g^< T^a g^a + g^r T^< g^a

    The equilibrium part is a sum over Matsubara energies, which contains a bound state below the band
    by itself; the driven part an integral over the bias window.

    References
    ----------
    fransson_spinterface, Eqs. (2)-(7), with the terms that Eq. (4) leaves out
    """

    name: ClassVar[str] = "negf"
    summary: ClassVar[str] = "full non-equilibrium answer: Matsubara sum and bias window"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface", "meir_wingreen_1992")

    tolerance: float = Field(
        default=TOLERANCE, ge=1e-15, le=1e-2, description="largest relative change with fewer nodes"
    )

    def solve_many(self, models: Sequence[Contact]) -> Iterator[ContactState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Contact) -> ContactState:
        metal, emission, drive = emission_of(model)
        parts = negf_parts(metal, emission, drive, places_of(model), flow=True)
        return negf_state(*parts, drive, self.tolerance)


def negf_state(
    equilibrium: DensityAndFlow,
    driven: DensityAndFlow | None,
    count: int,
    error: float,
    drive: Drive,
    tolerance: float,
) -> ContactState:
    """The state that both parts make."""
    total = equilibrium if driven is None else equilibrium + driven
    nothing = equilibrium.density.times(0.0)
    size = equilibrium.density.scalar.size
    charge, spin = total.flow if total.flow else (np.full(size, np.nan), np.full((size, 3), np.nan))
    return ContactState(
        equilibrium=equilibrium.density,
        driven=nothing if driven is None else driven.density,
        total=total.density,
        full=None,
        charge_flow=charge.real,
        spin_flow=spin.real,
        equilibrium_drive=drive.equilibrium,
        error=error,
        outcome=outcome_of(error, count, tolerance),
    )


class LesserOnly(Method):
    r"""The term :math:`g^r T^< g^a` alone, as printed, over all occupied energies.

    It breaks time reversal in equilibrium: the check ``dropped_terms`` says by how much.

    References
    ----------
    fransson_spinterface, Eqs. (4)-(12), with the prefactors corrected
    """

    name: ClassVar[str] = "lesser-only"
    summary: ClassVar[str] = "the paper's term alone: not time-reversal invariant in equilibrium"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    window: float | None = Field(
        default=None,
        ge=-LARGEST,
        le=LARGEST,
        description="lower end of the energy integral in eV; none if not given",
    )
    tolerance: float = Field(
        default=TOLERANCE, ge=1e-15, le=1e-2, description="largest relative change with fewer nodes"
    )

    def solve_many(self, models: Sequence[Contact]) -> Iterator[ContactState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Contact) -> ContactState:
        metal, emission, drive = emission_of(model)
        places = places_of(model)
        self._refuse(metal, emission.level)
        low = -DECAY / places.nearest(metal)
        if self.window is not None:
            low = max(low, momentum_of(metal, self.window))
        hot = TAIL * max(drive.thermal_energy, drive.lead_thermal_energy)
        high = momentum_of(metal, max(0.0, drive.mu) + hot)
        marks: tuple[float, ...] = (momentum_of(metal, 0.0), momentum_of(metal, drive.mu))
        if drive.thermal_energy > 0 and drive.lead_thermal_energy > 0:
            marks = ()

        def lesser(where: Places, share: float, *, flow: bool) -> tuple[DensityAndFlow, int]:
            nodes = int(share * PANEL_NODES)
            q, w = real_axis(metal, emission.singular(), low, high, marks, nodes)
            energy, kappa = energy_of(metal, q)
            T = emission.lesser(energy, kappa) * (w / (2j * np.pi))[:, None, None, None]
            found = respond(metal, where, kappa, T, advanced=True, flow=flow)
            for level, residue in emission.bound_states():
                if momentum_of(metal, level) < low:
                    continue
                f = occupation_of(level, 0.0, drive.thermal_energy)
                k = metal.kappa(np.array([level]))
                found = found + respond(
                    metal, where, k, f * residue[None], advanced=True, flow=flow
                )
            return found.real, q.size

        found, count, error = with_error(lesser, places, flow=True)
        still, driven, more, worse = negf_parts(metal, emission, drive, places, flow=False)
        full = still.density if driven is None else still.density + driven.density
        assert found.flow is not None
        return ContactState(
            equilibrium=None,
            driven=None,
            total=found.density,
            full=full,
            charge_flow=found.flow[0].real,
            spin_flow=found.flow[1].real,
            equilibrium_drive=drive.equilibrium,
            error=max(error, worse),
            outcome=outcome_of(
                max(error, worse), count + more, self.tolerance, _unresolved(emission, low, high)
            ),
        )

    def _refuse(self, metal: Metal, level: Level) -> None:
        """A wide band and the band bottom do not go together."""
        diverges = metal.a != 0 or metal.d == 1
        if level.wide and diverges and (self.window is None or self.window <= metal.bottom):
            shown = "none" if self.window is None else f"{self.window:g}"
            raise ModelError(
                f"Option `window` must be > {metal.bottom:g} (in eV) for lesser-only with broadening "
                "wide and spin-orbit coupling, where the integral diverges logarithmically at the band "
                f"bottom, but is {shown}; or set broadening exact, or use negf"
            )


def _unresolved(emission: LevelEmission, low: float, high: float) -> str:
    """A resonance too narrow for any quadrature, in words."""
    if not emission.level.lead.any():
        return ""
    poles = emission.singular()
    signed = np.concatenate([poles, 1j * poles])
    inside = (signed.real > low) & (signed.real < high) & (np.abs(signed) > 0)
    below = signed.real < 0
    real = inside & (below == (np.arange(signed.size) >= poles.size))
    narrow = np.abs(signed.imag) < TINY_WIDTH * np.abs(signed)
    if (real & narrow).any():
        return "a resonance is narrower than rounding: set lead_coupling to 0, or use negf"
    return ""


def spin_of(parts: Parts | None, like: Parts) -> Any:
    """The spin density of a part; NaN where a method has no such part."""
    return np.full(like.mol.shape, np.nan) if parts is None else parts.vector.real
