r"""A chiral metal under an alternating or a suddenly switched current of given strength.

With :math:`j(t) = \mathrm{Re}\, j_0 e^{-i\omega t}` the spin is
:math:`\mathrm{Re}\, s_1 e^{-i\omega t} + s_0 + \mathrm{Re}\, s_2 e^{-2i\omega t}`. Every harmonic n streams
with the rate :math:`\kappa_n = 1 - in\omega\tau_0`; in reduced units

.. math::
   (c\partial + \kappa_1)\phi_h &= cE_1 + \nu_1 + \tfrac{N_0}{2N_h} c\,d(c)\,[\delta(\xi)-\delta(\xi-L)] \\
   (c\partial + \kappa_n)B_h &= -c\,[E_1\phi_h]_n \\
   (c\partial + \kappa_n)A_h &= cE_2 + \nu_2 - \kappa_n B_h
        - [E_1(1-c^2)\partial_c\phi_h]_n/(1-ha)

with :math:`[E\phi]_0 = \tfrac12\mathrm{Re}\,E^*\phi` and :math:`[E\phi]_2 = \tfrac12 E\phi`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import axis_parameter, parameter
from chirospin.chiral_metal.boltzmann import (
    MATRICES,
    TOLERANCE,
    Discretisation,
    OnMesh,
    check_mesh,
    injected,
    lost_digits,
    mesh_edges,
    streaming_of,
)
from chirospin.chiral_metal.closed_form import check_places
from chirospin.chiral_metal.exponentials import (
    complex_exponential_integral,
    exponential_integral,
    turned_directions,
)
from chirospin.chiral_metal.linear import step
from chirospin.chiral_metal.model import (
    HELICITIES,
    LARGE,
    IsotropicMetal,
    Scales,
    positions,
    scales_of,
    within,
)
from chirospin.chiral_metal.observables import ROUNDING
from chirospin.chiral_metal.validity import RANGE_CHECKS

Array = NDArray[np.float64]
Complex = NDArray[Any]
SERIES = 0.5
TIMES_OF_A_PLACE = 16  # that need as much memory as the place itself
BLOCK = 500  # positions at a time, each with some hundred directions


class DrivenMetal(IsotropicMetal):
    """An isotropic chiral metal under a current that changes in time; neutral unless told otherwise.

    References
    ----------
    yoshimi_2026, Eqs. (2)-(11)
    """

    screening_length: float = parameter(
        0.0,
        unit="nm",
        symbol=r"\lambda_{TF}",
        low=0,
        high=LARGE,
        about="Thomas-Fermi; 0 is the neutral limit",
    )
    frequency: float = parameter(
        0.1,
        unit="eV",
        symbol=r"\omega",
        low=0,
        high=LARGE,
        about="hbar omega of the alternating current",
    )
    time: tuple[float, ...] | None = axis_parameter(
        "T",
        unit="1/eV",
        symbol="t",
        about="after a steady current is switched on; 0.1 to 10 relaxation times if not given",
    )

    @model_validator(mode="after")
    def _switched(self) -> Self:
        """Later than the switch."""
        within(LARGE, "time", self.time, "in 1/eV", low=0.0)
        return self


def times(model: DrivenMetal, scales: Scales) -> Array:
    """Times after switching on at which the spin is wanted, over hbar/eV."""
    if model.time is None:
        return np.geomspace(0.1, 10.0, 13) * scales.mean_free_path / scales.fermi_velocity
    return np.array(model.time)


def driven_labels(model: DrivenMetal) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    scales = scales_of(model)
    return {
        "position": tuple(positions(model, scales).tolist()),
        "time": tuple(times(model, scales).tolist()),
    }


@dataclass(frozen=True, kw_only=True)
class DrivenState:
    """Spin under a changing current in reduced units, at the wanted positions.

    Parameters
    ----------
    first, second : complex amplitudes at omega and 2 omega, shape (positions,)
    rectified : the steady part at second order
    switched : first order after switching on, shape (times, positions); NaN where not known
    scales : what the parameters amount to
    neglected : share of order alpha^2 that the method left out at second order
    charge_current_error : as in :class:`ChiralMetalState`, at omega; None if there is none
    """

    scales: Scales
    first: Complex
    rectified: Array
    second: Complex
    switched: Array
    neglected: float
    charge_current_error: float | None
    outcome: Outcome


def alternating_spin(xi: Array, rate: complex) -> Complex:
    r"""S^(1) of one plane at a frequency, neutral limit, exact in alpha; kappa = 1 - i omega.

    .. math:: S_1 = \tfrac23 \Theta(\xi) - \tilde F_4(\kappa\xi)
    """
    beams = np.sign(xi) * complex_exponential_integral(4, rate * np.abs(xi))
    return np.asarray(2 / 3 * step(xi) - beams)


def switched_spin(xi: Array, time: Array) -> Array:
    r"""S^(1) of one plane after a current is switched on at t = 0, neutral limit; shape (time, xi).

    .. math:: \tfrac23\Theta(\xi) - sgn(\xi)\int_1^{t/|\xi|} u^{-4} e^{-u|\xi|} du

    Nothing but the bulk value before the beams arrive at t = \|xi\|.
    """
    x, t = np.maximum(np.abs(xi), 1e-300)[None], np.maximum(time, 1e-300)[:, None]
    later = (x / np.maximum(t, x)) ** 3 * exponential_integral(4, t)
    arrived = np.where(t > x, exponential_integral(4, x) - later, 0.0)
    return np.asarray(2 / 3 * step(xi) - np.sign(xi) * arrived)


def harmonic_spin(xi: Array, rate: complex, harmonic: complex) -> Complex:
    r"""Quadratic spin of one plane for a unit product of field and field, leading order in alpha.

    The neutral limit, with the rates kappa of the first order and kappa_n of the harmonic, per beam
    :math:`X = \xi/c`:

    .. math:: 8\langle cb_0\rangle - 2\langle ch_0\rangle
              + \langle c\,(4\kappa_n K_n b_1 - 4h_1 + 4b_1)\rangle

    References
    ----------
    yoshimi_2026, Eq. (72) for both rates equal to 1
    """
    x = np.abs(xi)
    F3, F5 = (complex_exponential_integral(n, harmonic * x) for n in (3, 5))
    out = (-4 * F5 + F3 - F5) / harmonic
    inside = np.flatnonzero(xi > 0)
    for i in range(0, inside.size, BLOCK):
        block = inside[i : i + BLOCK]
        out[block] += _driven_beams(xi[block], rate, harmonic)
    return np.asarray(out)


def _driven_beams(xi: Array, rate: complex, harmonic: complex) -> Complex:
    """What the beams ahead of a plane add to :func:`harmonic_spin`."""
    ends = np.angle([rate, harmonic])
    c, weight = turned_directions(-ends.mean(), 0.5 * abs(ends[0] - ends[1]))
    X = xi[:, None] / c
    grown, late, early = _faded_growth(harmonic * X, rate * X)
    b1 = c**2 * X * grown
    Kb1 = c**2 * X**2 * late
    h1 = (1 - c**2) * (X * grown + rate * X**2 * early)
    return np.asarray(2 * (harmonic * Kb1 - h1 + b1) @ (weight * c))


def _faded_growth(p: Complex, q: Complex) -> tuple[Complex, Complex, Complex]:
    """Integrals over u from 0 to 1 of e^{-p+zu}, (1-u) e^{-p+zu} and u e^{-p+zu}, z = p - q."""
    z, fade, faded = p - q, np.exp(-p), np.exp(-q)
    near = np.abs(z) < SERIES
    far = np.where(near, 1.0, z)
    whole = (faded - fade) / far
    late = (whole - fade) / far
    early = whole - late
    small = z[near]
    series, power = np.zeros((2, small.size), dtype=complex), 0.5
    for k in range(16):  # power is 1/(k+2)!
        series += np.array([[1.0], [k + 1.0]]) * power * small**k
        power /= k + 3
    late[near], early[near] = series * fade[near]
    whole[near] = series.sum(axis=0) * fade[near]
    return whole, late, early


class DrivenClosedForm(Method):
    """Closed forms in the neutral limit: first order exact in alpha, second to leading order."""

    name: ClassVar[str] = "closed-form"
    summary: ClassVar[str] = "closed forms in the neutral limit"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    def solve_many(self, models: Sequence[DrivenMetal]) -> Iterator[DrivenState]:
        """One state per model."""
        return map(_closed_state, models)


def _closed_state(model: DrivenMetal) -> DrivenState:
    scales = scales_of(model)
    if scales.screening:
        raise ModelError(
            "Parameter `screening_length` must be 0 (in nm) for the method closed-form under a "
            f"changing current, but is {scales.screening * scales.mean_free_path:g}; use boltzmann"
        )
    places, moments = positions(model, scales), times(model, scales)
    check_places(places.size * (1 + moments.size / TIMES_OF_A_PLACE))
    xi, L = places / scales.mean_free_path, scales.length
    rate, a = 1 - 1j * _frequency(model, scales), scales.asymmetry
    first = alternating_spin(xi, rate) - alternating_spin(xi - L, rate)
    t = moments * scales.fermi_velocity / scales.mean_free_path
    switched = switched_spin(xi, t) - switched_spin(xi - L, t)
    near_far = [[harmonic_spin(x, rate, 1 + n * (rate - 1)) for n in (0, 2)] for x in (xi, L - xi)]
    steady, double = (near - far for near, far in zip(*near_far, strict=True))
    unit = a / (4 * np.pi**2)
    return DrivenState(
        scales=scales,
        first=-a / (2 * np.pi**2) * first,
        rectified=unit * 0.5 * (np.conj(rate) * steady).real,
        second=unit * 0.5 * rate * double,
        switched=-a / (2 * np.pi**2) * switched,
        neglected=a**2,
        charge_current_error=None,
        outcome=Outcome(converged=True, residual=0.0, iterations=0, reason=""),
    )


def _frequency(model: DrivenMetal, scales: Scales) -> float:
    """omega tau_0."""
    return model.frequency * scales.mean_free_path / scales.fermi_velocity


class DrivenBoltzmann(OnMesh):
    """The discretised equation at each harmonic, any screening and alpha."""

    name: ClassVar[str] = "boltzmann"
    summary: ClassVar[str] = "discretised equation at each harmonic, any screening and alpha"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    def solve_many(self, models: Sequence[DrivenMetal]) -> Iterator[DrivenState]:
        """One state per model; models on the same mesh share its factors."""
        return map(self._state, models)

    def _state(self, model: DrivenMetal) -> DrivenState:
        scales = scales_of(model)
        if not scales.screening:
            raise ModelError(
                "Parameter `screening_length` must be > 0 (in nm) for the method boltzmann, but is 0; "
                "use closed-form"
            )
        check_mesh(self, positions(model, scales).size, 2 * 16 * MATRICES)
        edges, planes = mesh_edges(scales.length, scales.screening, 0.0, self.cells, walls=False)
        rate = 1 - 1j * _frequency(model, scales)

        def at_rate(kappa: complex) -> Discretisation:
            return Discretisation(
                streaming=streaming_of(
                    tuple(edges.tolist()), self.order, self.ordinates, walls=False, rate=kappa
                ),
                screening=scales.screening,
                memory=0.0,
                planes=planes,
            )

        return _harmonics(model, scales, [at_rate(1 + n * (rate - 1)) for n in (0, 1, 2)])


def _harmonics(model: DrivenMetal, scales: Scales, grids: list[Discretisation]) -> DrivenState:
    a, h = scales.asymmetry, np.array(HELICITIES)
    N = (1 - h * a) ** 2 / (2 * np.pi**2)
    share = N.sum() / (2 * N)
    stream = grids[1].streaming
    c, shape = stream.cosine(), stream.mesh.points.shape
    nothing = np.zeros((2, stream.ordinates.cosines.size, *shape), dtype=complex)
    beam = stream.solve(nothing, injected(scales, stream.ordinates.cosines, grids[1].planes))
    nu, E, residual = grids[1].charge(stream.moment(0, beam))
    phi = stream.solve(np.stack([c * E + nu] * 2), {})
    phi += share[:, None, None, None, None] * beam
    k = (1 - h * a)[:, None, None, None, None]
    moved = c * E * phi
    turned = E * (1 - c**2) * stream.by_cosine(phi) / k
    steady_moved = c * E.conj() * phi
    steady_turned = E.conj() * (1 - c**2) * stream.by_cosine(phi) / k
    spins, residuals = [], [residual]
    for grid, forced, bent in (
        (grids[0], steady_moved, steady_turned),
        (grids[2], moved, turned),
    ):
        spin, one = _second_order(scales, grid, 0.5 * forced, 0.5 * bent)
        spins.append(spin)
        residuals.append(one)
    xi = positions(model, scales) / scales.mean_free_path
    at = stream.mesh.at
    current = np.tensordot(N, stream.moment(1, phi), 1)
    moving = stream.rate.imag * 1j * _accumulated(grids[1], N.sum() * nu)
    inside = (stream.mesh.points > 0) & (stream.mesh.points < scales.length)
    bulk = N.sum() / 3
    return DrivenState(
        scales=scales,
        first=at(np.tensordot(h / 2 * N, stream.moment(1, phi), 1), xi),
        rectified=at(spins[0].real, xi),
        second=at(spins[1], xi),
        switched=np.full((times(model, scales).size, xi.size), np.nan),
        neglected=0.0,
        charge_current_error=float(np.abs(current + moving - bulk * inside).max() / bulk),
        outcome=Outcome(
            converged=bool(max(residuals) < TOLERANCE),
            residual=max(residuals),
            iterations=1,
            reason="" if max(residuals) < TOLERANCE else lost_digits(scales),
        ),
    )


def _accumulated(grid: Discretisation, density: Complex) -> Complex:
    """Integral of a density from minus infinity."""
    mesh = grid.streaming.mesh
    flat = density.ravel()
    total = mesh.weights.ravel() @ flat
    return np.asarray((mesh.antiderivative @ flat + total / 2).reshape(density.shape))


def _second_order(
    scales: Scales, grid: Discretisation, forced: Complex, bent: Complex
) -> tuple[Complex, float]:
    """Spin of one harmonic that the products of field and distribution drive; residual."""
    a, h, stream = scales.asymmetry, np.array(HELICITIES), grid.streaming
    N = (1 - h * a) ** 2 / (2 * np.pi**2)
    slope = (1 - a**2) / (2 * np.pi**2)
    B = stream.solve(-forced, {})
    own = stream.solve(-stream.rate * B - bent, {})
    low = stream.moment(0, own) - slope / N[:, None, None] * stream.moment(0, B)
    nu, E, residual = grid.charge(np.tensordot(N / N.sum(), low, 1))
    A = own + stream.solve(np.stack([stream.cosine() * E + nu] * 2), {})
    spin = np.tensordot(h / 2 * N, stream.moment(1, A), 1)
    return spin - slope * np.tensordot(h / 2, stream.moment(1, B), 1), residual


def _error(order: int) -> Callable[[DrivenMetal, DrivenState], float]:
    """Numerical error of a spin of that order: what conservation misses, over its natural size."""

    def error(model: DrivenMetal, state: DrivenState) -> float:
        scales = state.scales
        missed = max(ROUNDING, state.outcome.residual, state.charge_current_error or 0.0)
        size = abs(scales.asymmetry) / np.pi**2 * (1 / 3, 1 / 4)[order - 1]
        return float(missed * abs(scales.spin_scale[order - 1]) * size)

    return error


@observable(unit="1/nm^3", symbol=r"s_1", dims=("position",), error=_error(1))
def spin_amplitude(model: DrivenMetal, state: DrivenState) -> Complex:
    """Complex amplitude of the linear spin at omega, in hbar."""
    return np.asarray(state.scales.spin_scale[0] * state.first)


@observable(unit="1/nm^3", symbol=r"s_0", dims=("position",), error=_error(2))
def rectified_spin(model: DrivenMetal, state: DrivenState) -> Array:
    """Steady part of the quadratic spin, in hbar."""
    return np.asarray(state.scales.spin_scale[1] * state.rectified)


@observable(unit="1/nm^3", symbol=r"s_2", dims=("position",), error=_error(2))
def second_harmonic_spin(model: DrivenMetal, state: DrivenState) -> Complex:
    """Complex amplitude of the quadratic spin at 2 omega, in hbar."""
    return np.asarray(state.scales.spin_scale[1] * state.second)


@observable(
    unit="1/nm^3",
    symbol="s_z(t)",
    dims=("time", "position"),
    error=_error(1),
    undefined="the response in time is known in closed form only",
)
def switched_spin_density(model: DrivenMetal, state: DrivenState) -> Array:
    """Linear spin after a steady current is switched on, in hbar."""
    return np.asarray(state.scales.spin_scale[0] * state.switched)


DRIVEN_OBSERVABLES = (spin_amplitude, rectified_spin, second_harmonic_spin, switched_spin_density)


def _enantiomer(model: DrivenMetal, method: Method) -> float:
    one, other = (method.solve(m) for m in (model, model.replace(spin_orbit=-model.spin_orbit)))
    sums = [
        np.abs(getattr(one, n) + getattr(other, n)).max() for n in ("first", "rectified", "second")
    ]
    sizes = [np.abs(getattr(one, n)).max() for n in ("first", "rectified", "second")]
    return float(max(s / n for s, n in zip(sums, sizes, strict=True) if n))


def _slow(model: DrivenMetal, method: Method) -> float:
    """At zero frequency rectified and second harmonic are each half of the steady response."""
    still = method.solve(model.replace(frequency=0.0))
    size = np.abs(still.rectified).max() or 1.0
    return float(np.abs(still.rectified - still.second).max() / size)


DRIVEN_CHECKS = (
    *RANGE_CHECKS,
    Check(
        name="residual",
        tolerance=1e-8,
        about="of the linear systems for the charge, relative",
        evaluate=lambda m, s: s.outcome.residual,
    ),
    Check(
        name="charge_current",
        tolerance=1e-5,
        about="charge is conserved at omega, in units of the bulk current",
        evaluate=lambda m, s: s.charge_current_error,
    ),
    Check(
        name="leading_alpha",
        tolerance=0.05,
        about="share alpha^2/v_F^2 left out at second order (none by boltzmann)",
        evaluate=lambda m, s: s.neglected,
    ),
)
DRIVEN_AUDITS = (
    Audit(
        name="enantiomer",
        tolerance=1e-10,
        about="every amplitude changes sign with alpha",
        evaluate=_enantiomer,
    ),
    Audit(
        name="slow_drive",
        tolerance=1e-10,
        about="at zero frequency both second-order parts are half of the steady response",
        evaluate=_slow,
    ),
)
