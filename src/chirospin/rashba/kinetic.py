"""Response of the gas from the kinetic equation, chain by chain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.rashba.distribution import (
    DISTRIBUTION,
    Distribution,
    distribution_at,
    unsplit_distribution,
)
from chirospin.rashba.model import RashbaGas, bands, complex_frequency, correlator, momenta
from chirospin.rashba.shells import CURRENT, SPIN, SPIN_HALL, Shells
from chirospin.rashba.state import ROUNDING, GasResponse
from chirospin.rashba.unsplit import unsplit_response

Values = NDArray[Any]
FIRST_LINKS = 14  # of a chain on each side, plus as many times time/splitting
GROWTH = 1.35
SETTLED = 1e-12  # change with the momenta that is rounding; more at a small splitting x time
NOISE = 1e-8  # below which a change that no longer falls is rounding
SHORT = 1e-9  # change with a longer chain, far above what a further step would do
FEWEST, DOUBLINGS = 2, 7  # momenta in a panel at first, and how often their number grows
OFFSET = 1.01  # of the known part of the adjoint in every other pass: it changes rounding alone
SMALLEST = 1e-300  # splitting x time that is none
BYTES = (
    16 * 16 * 24
)  # for each momentum of a chain: blocks of the system, their factors and sources
PRESCRIPTIONS = ("redfield", "steady")


@dataclass(frozen=True, kw_only=True)
class _Converged:
    """Observables by source, shape (3, 2), and what they took."""

    values: Values
    coarse: Values
    links: int
    truncation: float
    integration: float
    systems: int


class Kinetic(Method):
    r"""The kinetic equation in the Born approximation, for any splitting x scattering time.

    .. math:: \partial_t f + eE\,\partial_{p_x} f + \tfrac{i}{\hbar}[H, f] = St f

    Adjoint systems :math:`L^T Y = o` give every observable as :math:`\int dp\, D\cdot Y`, with the
    source D of the field. ``prescription`` sets the energies of the collision term: ``redfield`` are
    the paper's, ``steady`` those exact to second order for a stationary state.

    References
    ----------
    khaetskii_2006, Eqs. (3)-(6)
    """

    name: ClassVar[str] = "kinetic"
    gives: ClassVar[Needs] = frozenset({DISTRIBUTION})
    summary: ClassVar[str] = (
        "kinetic equation in the Born approximation, any splitting and disorder"
    )
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    prescription: Literal["redfield", "steady"] = Field(
        default="redfield", description="energies of the collision term: redfield or steady"
    )
    transitions: Literal["all", "intraband"] = Field(
        default="all",
        description="all; or intraband: none between the bands, the paper's smooth limit",
    )
    nodes: int = Field(default=3, ge=3, le=200, description="least number of momenta in a panel")
    tolerance: float = Field(
        default=1e-6,
        ge=1e-18,
        le=1e-2,
        description="largest relative change with momenta or chain length",
    )
    longest: int = Field(
        default=40_000,
        ge=8,
        le=10_000_000,
        description="most links of a chain on each side of a momentum",
    )
    spread: Literal[0, 1] = Field(
        default=1, description="1: the difference between both prescriptions is an error bar"
    )

    def solve_many(self, models: Sequence[RashbaGas]) -> Iterator[GasResponse]:
        """One response per model."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[RashbaGas], needs: Needs) -> Iterator[GasResponse]:
        """One response per model, with the distribution where it is asked for."""
        return (self._response(model, needs) for model in models)

    def _response(self, model: RashbaGas, needs: Needs) -> GasResponse:
        both, disorder, z = bands(model), correlator(model), complex_frequency(model)
        if both.unsplit:
            plain = unsplit_response(both, disorder, z)
            if DISTRIBUTION not in needs:
                return plain
            drifted = unsplit_distribution(both, disorder, z, momenta(model)) if both.T else None
            return replace(plain, parts={DISTRIBUTION: drifted})
        gas = Shells(
            bands=both,
            disorder=disorder,
            z=z,
            prescription=self.prescription,
            interband=self.transitions == "all",
        )
        reason = self._too_long(gas)
        if reason:
            return GasResponse(
                outcome=Outcome(converged=False, residual=math.inf, iterations=0, reason=reason)
            )
        found = self._converged(gas)
        values = found.values
        parts: dict[str, Distribution | None] = {}
        if DISTRIBUTION in needs:
            shown = distribution_at(gas, momenta(model), found.links) if both.T else None
            parts[DISTRIBUTION] = shown
        error = max(found.truncation, found.integration)
        rounded = max(error, ROUNDING)
        good = bool(np.isfinite(values).all() and error <= self.tolerance)
        return GasResponse(
            conductivity=values[CURRENT].sum(),
            spin=values[SPIN].sum(),
            spin_hall_interband=values[SPIN_HALL, 0],
            spin_hall_acceleration=values[SPIN_HALL, 1],
            spin_hall_current=values[SPIN_HALL].sum(),
            errors=(
                rounded * abs(values[CURRENT].sum()),
                rounded * gas.spin_scale,
                rounded * max(1.0, float(np.abs(values[SPIN_HALL]).max())),
            ),
            certificates=self._certificates(gas, found),
            outcome=Outcome(
                converged=good,
                residual=error,
                iterations=found.systems,
                reason=""
                if good
                else f"the response changes by {error:.1e} with momenta or chain length: raise "
                "nodes or longest",
            ),
            parts=parts,
        )

    def _certificates(self, gas: Shells, converged: _Converged) -> dict[str, float]:
        """What the checks judge."""
        certificates = {
            "integration": converged.integration,
            "truncation": converged.truncation,
            "good_metal": gas.inverse_good_metal,
            "impurity_range": gas.range_over_path,
            "low_momenta": gas.low_momenta,
            "splitting_time": gas.precession,
        }
        certificates |= gas.identities(converged.values)
        if gas.conserving:
            certificates["conservation"] = gas.conservation(converged.links)
        if self.spread:
            certificates["prescription"] = self._spread(gas, converged)
        return certificates

    def _too_long(self, gas: Shells) -> str:
        """Why no chain of an allowed length can hold the response, or nothing.

        Raises
        ------
        ModelError : a chain that would not fit in memory
        """
        spin = FIRST_LINKS * (1 + 1 / max(gas.precession, SMALLEST))
        if not spin <= self.longest:
            return (
                f"splitting x time is {gas.precession:.1e} and the spin spreads over {spin:.1e} links of a "
                f"chain, longest is {self.longest}: use closed-form (point impurities) or "
                "rashba.fermi_level, or raise longest"
            )
        thermal = max(gas.thermal_steps)
        if not thermal <= self.longest:
            return (
                f"the thermal window is {thermal:.1e} steps of the splitting wide, longest is "
                f"{self.longest}: lower thermal_energy, or raise longest"
            )
        need = BYTES * (2 * spin * GROWTH + sum(gas.thermal_steps))
        if need > available_bytes():
            raise ModelError(
                f"Option `longest` of method kinetic must fit in memory, but chains of {spin:.1e} links need "
                f"about {in_words(need)} and {in_words(available_bytes())} are free; lower longest, or "
                "use closed-form"
            )
        return ""

    def _converged(self, gas: Shells) -> _Converged:
        """Longer chains until a coarse response stands still, then more momenta until it does."""
        length = FIRST_LINKS + math.ceil(FIRST_LINKS / gas.precession)
        here, truncation = gas.at_fermi_momenta(min(length, self.longest)), math.inf
        while length < self.longest:
            length = min(math.ceil(GROWTH * length), self.longest)
            last, previous = truncation, here
            here = gas.at_fermi_momenta(length)
            truncation = float(np.abs(here - previous).max())
            if not truncation >= SHORT or 0.5 * last < truncation < NOISE:
                break
        values, systems = gas.integrate(FEWEST, length)
        coarse = values
        nodes, integration = max(FEWEST + 1, self.nodes), math.inf
        settled = SETTLED * max(1.0, 0.1 / gas.precession**2)
        for n in range(DOUBLINGS):
            last, previous = integration, values
            values, count = gas.integrate(nodes, length, slow=1.0 if n % 2 else OFFSET)
            systems += count
            integration = gas.change(values, previous)
            noisy = n > 1 and 0.3 * last < integration < self.tolerance
            if integration < settled or noisy:
                break
            nodes *= 2
        return _Converged(
            values=values,
            coarse=coarse,
            links=length,
            truncation=truncation,
            integration=integration,
            systems=systems,
        )

    def _spread(self, gas: Shells, converged: _Converged) -> float:
        """Largest relative difference of current and spin between both prescriptions."""
        (name,) = {*PRESCRIPTIONS} - {self.prescription}
        other = replace(gas, prescription=name)
        partner, _ = other.integrate(FEWEST, converged.links)
        change = np.abs((converged.coarse - partner).sum(axis=1))
        size = [abs(converged.values[CURRENT].sum()), gas.spin_scale]
        return float((change[:SPIN_HALL] / size).max())
