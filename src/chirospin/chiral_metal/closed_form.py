"""Closed forms: exact where they are known, NaN where no method has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.chiral_metal import quadratic
from chirospin.chiral_metal.balance import plane_balance
from chirospin.chiral_metal.energies import FEWER, thermal_energies
from chirospin.chiral_metal.first_order import PROFILES as PROFILE_NAMES
from chirospin.chiral_metal.first_order import first_order
from chirospin.chiral_metal.injection import plane_spin
from chirospin.chiral_metal.linear import slowest_decay, spin_decay
from chirospin.chiral_metal.model import SOURCES, ChiralMetal, Scales, positions, scales_of
from chirospin.chiral_metal.quadratic import half_total, plane_total, shared_spin
from chirospin.chiral_metal.state import PROFILES, ChiralMetalState, Profiles

Array = NDArray[np.float64]
PLACE = 8192  # bytes for each place: some hundred decay rates at a time, and thirty profiles
SMALLEST = 1e-300  # keeps a share finite where the spin is zero


class ClosedForm(Method):
    r"""Closed forms of both orders.

    The first order is exact in alpha, lambda_TF, L, temperature and tau(E). At T = 0 with a constant time
    the quadratic spin is exact in alpha, lambda_TF and L; E_2, rho_2, j_s2, Pi_2 and the sources of the
    quadratic spin are given to leading order in alpha; a source other than p = 1 has a quadratic spin in the
    neutral limit only, to leading order in alpha; helicity memory and walls have none. The integrated
    quadratic spin is exact in alpha, lambda_TF and temperature for every source, memory and tau(E); with a
    source other than p = 1, memory, temperature or tau(E) it takes the plane alone. What is not known is NaN.

    References
    ----------
    yoshimi_2026, Eqs. (7), (17)-(34), (52)-(72)
    """

    name: ClassVar[str] = "closed-form"
    summary: ClassVar[str] = (
        "closed forms, exact in alpha at first order and for the quadratic spin"
    )
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    gives: ClassVar[Needs] = frozenset({PROFILES})

    leading_alpha: bool = Field(
        default=False, description="keep only the leading order in alpha of the quadratic spin"
    )

    def solve_many(self, models: Sequence[ChiralMetal]) -> Iterator[ChiralMetalState]:
        """One state per model; nothing can fail to converge."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[ChiralMetal], needs: Needs) -> Iterator[ChiralMetalState]:
        """With profiles if they are needed."""
        return (_state(model, needs, leading_alpha=self.leading_alpha) for model in models)


def _state(model: ChiralMetal, needs: Needs, *, leading_alpha: bool) -> ChiralMetalState:
    scales = scales_of(model)
    interface, error = _interface(scales, leading_alpha=leading_alpha)
    return ChiralMetalState(
        scales=scales,
        interface_spin=interface,
        neglected=scales.asymmetry**2 * max(1.0, scales.memory / spin_decay(scales.memory)),
        interface_error=error,
        charge_current_error=None,
        balance_error=None,
        outcome=Outcome(converged=True, residual=0.0, iterations=0, reason=""),
        parts={PROFILES: _profiles(model, scales, leading_alpha=leading_alpha)}
        if PROFILES in needs
        else {},
    )


def _second_unit(scales: Scales) -> float:
    """u_2, in which the quadratic spin is worked out, over its scale."""
    return scales.asymmetry / (4 * np.pi**2)


def _profiles(model: ChiralMetal, scales: Scales, *, leading_alpha: bool) -> Profiles:
    places = positions(model, scales)
    check_places(places.size)
    xi = places / scales.mean_free_path
    first = first_order(xi, scales)
    both = quadratic.SecondOrder(xi, scales.length, scales.screening)
    second = _second_order(both, scales, leading_alpha=leading_alpha)
    joined = {name: np.stack([first[name], second[name]]) for name in first}
    return Profiles(**joined, spin_sources=_second_unit(scales) * _sources(both, scales))


def check_places(places: float) -> None:
    """Refuse more places than fit in memory.

    Raises
    ------
    ModelError : says how much would be needed
    """
    need = PLACE * places
    if need > available_bytes():
        raise ModelError(
            f"Parameter `position` must fit in memory for method closed-form, but {places:.3g} places (with "
            f"their times) need about {in_words(need)} and {in_words(available_bytes())} are free"
        )


def _second_order(
    both: quadratic.SecondOrder, scales: Scales, *, leading_alpha: bool
) -> dict[str, Array]:
    """Order 2 in reduced units: the spin exact in alpha unless told otherwise, the rest leading."""
    xi, a, L, lam = both.xi, scales.asymmetry, scales.length, scales.screening
    found = dict.fromkeys(PROFILE_NAMES, np.full_like(xi, np.nan))
    unit = _second_unit(scales)
    if scales.walls or not scales.energies.plain:
        return found
    if scales.weights.size > 1:
        if not lam and not scales.memory:
            near, far = (plane_spin(x, scales.weights) for x in (xi, L - xi))
            found["spin"] = unit * (near - far)
        return found
    found["field"] = both.field
    found["charge"] = both.charge
    found["momentum_flux"] = both.momentum_flux * (1 + a**2) / (3 * np.pi**2)
    if scales.memory:
        return found
    found["spin"] = unit * both.spin(0.0 if leading_alpha else a)
    found["spin_current"] = unit * both.spin_current
    found["operator_spin_current"] = found["spin_current"] + unit * both.operator_excess
    return found


def _sources(both: quadratic.SecondOrder, scales: Scales) -> Array:
    """The three sources of the quadratic spin, in u_2, to leading order in alpha."""
    if scales.walls or scales.memory or scales.weights.size > 1 or not scales.energies.plain:
        return np.full((len(SOURCES), both.xi.size), np.nan)
    first = quadratic.first_field_spin(both.xi, 0.0, scales.length, scales.screening)
    with np.errstate(invalid="ignore"):  # infinite at a plane in the neutral limit
        flux = both.spin(0.0) - first - both.field_spin
    return np.stack([flux, first, both.field_spin])


def _interface(scales: Scales, *, leading_alpha: bool) -> tuple[float, float | None]:
    """Spin up to the middle, over l times its scale, and the share of it that is left out, or None."""
    if scales.walls:
        return float("nan"), None
    a, L, lam, eta, unit = (
        scales.asymmetry, scales.length, scales.screening, scales.memory, _second_unit(scales),
    )  # fmt: skip
    if not scales.energies.plain:
        of = scales.energies
        few = thermal_energies(of.spread, of.exponent, FEWER)
        value, rough = (plane_balance(a, lam, eta, scales.weights, e) for e in (of, few))
        paths = of.path
        tails = [shared_spin(L / path, slowest_decay(eta, lam / path), 1.0) for path in paths]
        left_out = abs(unit) * float(of.mean(paths**2 * np.array(tails))) + abs(value - rough)
        return value, left_out / max(abs(value), SMALLEST) + of.beyond(a)
    if scales.weights.size == 1 and not eta:
        exact = half_total(a, L, lam)
        value = half_total(0.0, L, lam) if leading_alpha else exact
        left_out = 0.0
    else:
        exact = plane_total(a, lam, eta, scales.weights)
        value = plane_total(0.0, lam, eta, scales.weights) if leading_alpha else exact
        leak = abs(exact - plane_total(a, lam, 0.0, scales.weights))
        left_out = shared_spin(L, slowest_decay(eta, lam), leak)
    return unit * value, (abs(value - exact) + left_out) / max(abs(value), SMALLEST)
