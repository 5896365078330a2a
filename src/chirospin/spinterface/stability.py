r"""What it would take to make a moment: repulsion, exchange or field on the level, at a temperature.

.. math:: \boldsymbol\Delta = -U\mathbf s, \qquad
          \chi_a = -k_BT\sum_n \tfrac14\mathrm{sp}\,\sigma_a G_1\sigma_a G_1, \qquad 2U\chi > 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import parameter
from chirospin.numerics.quadrature import half_line, odd_sum
from chirospin.spinterface.algebra import PAULI, matrix, spin_parts
from chirospin.spinterface.emission import LevelEmission
from chirospin.spinterface.gas import whole_gas
from chirospin.spinterface.model import (
    COMPONENTS,
    NORTH,
    VECTOR,
    Drive,
    LevelContact,
    drive_of,
    level_of,
    metal_of,
    require_outside,
)
from chirospin.spinterface.response import Places, equilibrium_response

Real = NDArray[np.float64]
TOP = 1e13  # of the energies of a local sum, in eV: the rest decays as its inverse
MU0_BOHR = 1.1654064755e-2
"""mu_0 mu_B over nm^3, tesla."""
STEPS = 61  # of the search for the first crossing
APART = 1e-9  # of an exchange, the error of its root: a larger solution has more to spare
FIRST = 1e-6  # of the largest exchange, where the search begins


class Stability(LevelContact):
    """A level in equilibrium with metal and lead, and the moment it shall have.

    References
    ----------
    fransson_spinterface, Secs. II C, II D; the calculation is not in the paper
    """

    level_splitting: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), unit="eV", symbol=r"\Delta", about="fixed field on the level", shape=VECTOR
    )
    moment: float = parameter(
        0.1, unit="1", symbol="m", above=0, about="wanted on the level, in Bohr magnetons"
    )
    axis: tuple[float, ...] = parameter(
        NORTH, symbol="n", shape=VECTOR, about="of the moment; any length but zero"
    )
    g_factor: float = parameter(2.0, symbol="g", above=0, about="moment = g mu_B s")
    zeeman: str = parameter(
        "half",
        symbol="Z",
        choices=("full", "half"),
        about="field couples as g mu_B B sigma/2, or g mu_B B sigma as printed",
    )
    largest_repulsion: float = parameter(
        20.0, unit="eV", symbol=r"U_\mathrm{max}", above=0, about="where the search for U ends"
    )
    largest_field: float = parameter(
        1000.0, unit="tesla", symbol=r"B_\mathrm{max}", above=0, about="where the search for B ends"
    )
    height: float = parameter(
        1.0, unit="nm", symbol="h", above=0, about="along the axis, where stray fields are wanted"
    )

    @model_validator(mode="after")
    def _still(self) -> Stability:
        if not any(self.axis):
            raise ModelError(
                "Parameter `axis` must have a length > 0 (dimensionless), but is [0, 0, 0]"
            )
        if self.lead_potential or self.lead_thermal_energy not in (None, self.thermal_energy):
            raise ModelError(
                "Parameter `lead_potential` must be 0 (in eV) and the lead as warm as the metal, since "
                f"stability is asked in equilibrium, but is {self.lead_potential:g}"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the level.

    Parameters
    ----------
    spin : wanted along the axis, in hbar
    axis : unit vector
    exchange_limit, zeeman_limit : largest exchange energies that repulsion and field may give, eV
    per_tesla : exchange energy of a field of one tesla, eV
    height : nm
    g_factor : moment of one spin, g, in Bohr magnetons
    """

    spin: float
    axis: Real
    exchange_limit: float
    zeeman_limit: float
    per_tesla: float
    height: float
    g_factor: float


def request_of(model: Stability) -> Request:
    """The one place where the request is read."""
    share = 0.5 if model.zeeman == "half" else 1.0
    axis = np.array(model.axis)
    per_tesla = share * model.g_factor * BOHR_MAGNETON
    spin = model.moment / model.g_factor
    return Request(
        spin=spin,
        axis=axis / np.linalg.norm(axis),
        exchange_limit=model.largest_repulsion * spin,
        zeeman_limit=model.largest_field * per_tesla,
        per_tesla=per_tesla,
        height=model.height,
        g_factor=model.g_factor,
    )


def _local_nodes(kT: float) -> tuple[Real, Real]:
    y, w = odd_sum(2 * np.pi * kT, TOP) if kT > 0 else half_line(TOP)
    return y, w / np.pi


def local_spin(emission: LevelEmission) -> Real:
    r"""Spin of the level in equilibrium, shape (3,), in hbar.

    .. math:: \mathbf s = k_BT\sum_n \tfrac12\mathrm{sp}\,\boldsymbol\sigma G_1(i\omega_n)
    """
    y, w = _local_nodes(emission.drive.thermal_energy)
    G = emission.molecule(1j * y, emission.metal.kappa(1j * y))
    return np.asarray(w @ spin_parts(G)[:, 1:].real)


def local_response(emission: LevelEmission) -> Real:
    r"""Response of s_a to -h s_a for a = x, y, z, shape (3,), 1/eV.

    .. math:: \chi_a = -\tfrac14 k_BT\sum_n \mathrm{sp}\,\sigma_a G_1\sigma_a G_1
    """
    y, w = _local_nodes(emission.drive.thermal_energy)
    G = emission.molecule(1j * y, emission.metal.kappa(1j * y))
    traces = np.stack([np.trace(s @ G @ s @ G, axis1=-2, axis2=-1) for s in PAULI], axis=-1)
    return np.asarray(-w @ traces.real / 4)


@dataclass(frozen=True, kw_only=True)
class StabilityState:
    """What a moment takes.

    Parameters
    ----------
    response : chi of the level, shape (3,), 1/eV
    along : chi along the axis, 1/eV
    exchange : Delta that gives the wanted spin, eV; NaN if none below both limits
    limits : largest Delta from repulsion and from field, eV
    reached : spin at the larger of both limits
    spin : s at the found exchange, for the check
    metal_spin : spin density at the height along the axis with that exchange, 1/nm^d
    metal_exchange : I with I chi = 1 of the whole metal, eV nm^3; NaN unless d = 3
    held : largest spin that the found repulsion holds; NaN if none was found
    least_repulsion : smallest that holds the wanted spin or more, eV; NaN if none was found
    """

    response: Real
    along: float
    exchange: float
    limits: tuple[float, float]
    reached: float
    spin: float
    metal_spin: float
    metal_exchange: float
    held: float
    least_repulsion: float
    outcome: Outcome


class MeanField(Method):
    """First crossing of the mean-field condition s(Delta = U s) = s, found by bisection.

    References
    ----------
    fransson_spinterface, Eq. (7), for the self-energy
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "mean-field exchange on the level, smallest that gives the moment"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[Stability]) -> Iterator[StabilityState]:
        """One state per model."""
        return map(_stability_state, models)


def _with_exchange(emission: LevelEmission, axis: Real, exchange: float) -> LevelEmission:
    level = emission.level
    return replace(
        emission, level=replace(level, energy=level.energy - matrix(0.0, exchange * axis))
    )


def _stability_state(model: Stability) -> StabilityState:
    metal, want = metal_of(model), request_of(model)
    drive = drive_of(model)
    require_outside(metal, "height", want.height)
    emission = LevelEmission(metal=metal, level=level_of(model), drive=drive)

    def excess(exchange: float) -> float:
        s = local_spin(_with_exchange(emission, want.axis, exchange))
        return float(s @ want.axis) - want.spin

    top = max(want.exchange_limit, want.zeeman_limit)
    grid = np.concatenate([[0.0], np.geomspace(FIRST * top, top, STEPS)])
    values = np.array([excess(d) for d in grid])
    above = np.flatnonzero(values >= 0)
    exchange = np.nan
    if above.size:
        at = int(above[0])
        exchange = (
            0.0
            if at == 0
            else float(
                scipy.optimize.brentq(excess, grid[at - 1], grid[at], xtol=1e-14, rtol=1e-13)
            )
        )
    level_emission = _with_exchange(emission, want.axis, 0.0 if np.isnan(exchange) else exchange)
    response = local_response(emission)
    turned = np.tensordot(want.axis, PAULI, 1)
    y, w = _local_nodes(drive.thermal_energy)
    G = emission.molecule(1j * y, metal.kappa(1j * y))
    along = -float(w @ np.trace(turned @ G @ turned @ G, axis1=-2, axis2=-1).real) / 4
    metal_spin = np.nan
    if metal.d == 3 and not np.isnan(exchange):
        metal_spin = _metal_spin(level_emission, drive, want)
    bulk = whole_gas(metal, drive.thermal_energy)[1] / 4 if metal.d == 3 else np.nan
    return StabilityState(
        response=response,
        along=along,
        exchange=exchange,
        limits=(want.exchange_limit, want.zeeman_limit),
        reached=_largest_held(lambda d: excess(d) + want.spin, want),
        spin=excess(exchange) + want.spin if not np.isnan(exchange) else np.nan,
        metal_spin=metal_spin,
        metal_exchange=1 / bulk if bulk else np.nan,
        **_at_repulsion(lambda d: excess(d) + want.spin, exchange, want),
        outcome=Outcome(converged=True, residual=0.0, iterations=STEPS),
    )


def _at_repulsion(
    spin: Callable[[float], float], exchange: float, want: Request
) -> dict[str, float]:
    r"""What the repulsion of the wanted spin does: s = s(U s) may have a larger solution, which is the stable one.

    s(Delta) never falls and stays below a half, so that the scan from the wanted exchange ends at U/2.
    """
    if not 0 < exchange <= want.exchange_limit:
        return {"held": np.nan, "least_repulsion": np.nan}
    U = exchange / want.spin
    grid = np.geomspace(exchange, U / 2, STEPS)
    found = np.array([spin(d) for d in grid])
    spare = U * found - grid
    at = int(np.flatnonzero(spare[:-1] > APART * grid[:-1])[-1:].sum())
    held = (
        grid[at]
        if not at
        else scipy.optimize.brentq(lambda d: U * spin(d) - d, grid[at], grid[at + 1])
    )
    return {"held": float(spin(held)), "least_repulsion": float((grid / found).min())}


def _largest_held(spin: Callable[[float], float], want: Request) -> float:
    """Largest spin that the largest repulsion holds by itself, Delta = U s(Delta), or the field gives."""
    largest = want.exchange_limit / want.spin
    grid = np.concatenate([[0.0], np.geomspace(FIRST * largest, largest / 2, STEPS)])
    spare = np.array([largest * spin(d) - d for d in grid])
    held = np.flatnonzero(spare >= 0)
    at = int(held[-1]) if held.size else 0
    exchange = grid[at]
    if held.size and at + 1 < grid.size:
        exchange = float(
            scipy.optimize.brentq(lambda d: largest * spin(d) - d, grid[at], grid[at + 1])
        )
    return max(spin(exchange) if held.size else 0.0, spin(want.zeeman_limit))


def _metal_spin(emission: LevelEmission, drive: Drive, want: Request) -> float:
    places = Places(distance=np.array([[want.height]]), direction=want.axis[None, None])
    found, _ = equilibrium_response(
        emission.metal, emission, drive.thermal_energy, places, flow=False
    )
    return float(found.density.vector.real[0] @ want.axis)


def stability_labels(model: Stability) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {"component": COMPONENTS}


@observable(unit="1/eV", symbol=r"\chi_a", dims=("component",))
def local_susceptibility(model: Stability, state: StabilityState) -> Any:
    """Response of the level's spin s_a to -h s_a; its anisotropy comes from spin-orbit coupling."""
    return state.response


@observable(unit="eV", symbol="U_c", undefined="the response along the axis is not positive")
def critical_repulsion(model: Stability, state: StabilityState) -> Any:
    r"""Where the non-magnetic level becomes unstable: :math:`U_c = 1/(2\chi)`."""
    return 1 / (2 * state.along) if state.along > 0 else np.nan


@observable(name="repulsion", unit="eV", symbol="U", undefined="none below largest_repulsion")
def needed_repulsion(model: Stability, state: StabilityState) -> Any:
    r"""Smallest on-site repulsion that holds the moment: :math:`\Delta = Us`."""
    fits = state.exchange <= state.limits[0]
    return state.exchange / request_of(model).spin if fits else np.nan


@observable(
    name="exchange",
    unit="eV",
    symbol=r"\Delta",
    undefined="none below largest_repulsion and largest_field",
)
def needed_exchange(model: Stability, state: StabilityState) -> Any:
    """Smallest exchange energy Delta, in H = -Delta n.sigma, that gives the moment."""
    return state.exchange


@observable(name="field", unit="tesla", symbol="B", undefined="none below largest_field")
def needed_field(model: Stability, state: StabilityState) -> Any:
    """Smallest magnetic field on the level that gives the moment."""
    fits = state.exchange <= state.limits[1]
    return state.exchange / request_of(model).per_tesla if fits else np.nan


@observable(unit="eV", symbol="U_{min}", undefined="no repulsion below largest_repulsion")
def least_repulsion(model: Stability, state: StabilityState) -> Any:
    r"""Smallest repulsion that holds the moment or a larger one: :math:`\min_{\Delta' \ge \Delta} \Delta'/s(\Delta')`.

    Below `repulsion` where the transition is of first order: the wanted moment is then unstable at its own
    repulsion, and grows to `held_moment`.
    """
    return state.least_repulsion


@observable(
    name="held_moment", unit="1", symbol="m_U", undefined="no repulsion below largest_repulsion"
)
def held_moment(model: Stability, state: StabilityState) -> Any:
    """Largest moment that the found repulsion holds: more than the wanted one where the moment jumps."""
    return state.held * request_of(model).g_factor


@observable(unit="1", symbol="m_{max}")
def reached_moment(model: Stability, state: StabilityState) -> Any:
    """Largest moment that the largest repulsion or field holds, in Bohr magnetons."""
    return state.reached * request_of(model).g_factor


@observable(unit="tesla", symbol="B_s")
def stray_field(model: Stability, state: StabilityState) -> Any:
    r"""Field of the wanted moment as a dipole, at the height on its axis.

    .. math:: B = \frac{\mu_0}{4\pi}\frac{2m\mu_B}{h^3}
    """
    want = request_of(model)
    return MU0_BOHR * want.spin * want.g_factor / (2 * np.pi * want.height**3)


@observable(unit="tesla", symbol=r"\mu_0M", undefined="in three dimensions, where a moment exists")
def metal_magnetisation(model: Stability, state: StabilityState) -> Any:
    r"""Induced magnetisation of the metal at the height: :math:`\mu_0 g\mu_B s`."""
    return MU0_BOHR * request_of(model).g_factor * state.metal_spin


@observable(unit="eV*nm^3", symbol="I_c", undefined="in three dimensions only")
def critical_metal_exchange(model: Stability, state: StabilityState) -> Any:
    r"""Exchange of the whole metal where :math:`\chi/(1 - I\chi)` diverges."""
    return state.metal_exchange


STABILITY_OBSERVABLES = (
    needed_repulsion,
    needed_exchange,
    needed_field,
    critical_repulsion,
    least_repulsion,
    held_moment,
    reached_moment,
    local_susceptibility,
    stray_field,
    metal_magnetisation,
    critical_metal_exchange,
)


def _self_consistent(model: Stability, state: StabilityState) -> float | None:
    if np.isnan(state.exchange) or state.exchange == 0:
        return None
    wanted = request_of(model).spin
    return (state.spin - wanted) / wanted


STABILITY_CHECKS = (
    Check(
        name="self_consistency",
        tolerance=1e-9,
        about="the exchange gives back the spin it was made from, relative",
        evaluate=_self_consistent,
    ),
    Check(
        name="spin_bound",
        tolerance=1e-12,
        bound="above",
        about="half less the largest spin of the level",
        evaluate=lambda m, s: 0.5 - s.reached,
    ),
)


def _linear(model: Stability, method: Method) -> float | None:
    """A tiny moment needs the critical repulsion, where nothing else polarises the level."""
    level = level_of(model)
    if spin_parts(level.energy)[1:].any() or spin_parts(level.lead)[1:].any():
        return None
    tiny = method.solve(model.replace(moment=1e-6, largest_repulsion=1e4))
    critical = 1 / (2 * tiny.along)
    return float(tiny.exchange / request_of(model.replace(moment=1e-6)).spin / critical - 1)


STABILITY_AUDITS = (
    Audit(
        name="linear_onset",
        tolerance=1e-5,
        about="a tiny moment needs U = 1/(2 chi)",
        evaluate=_linear,
    ),
)
