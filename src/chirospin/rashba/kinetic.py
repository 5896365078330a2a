"""Response of the gas from the kinetic equation, chain by chain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.method import Method
from chirospin.numerics.outcome import Outcome
from chirospin.rashba.model import RashbaGas, bands, complex_frequency, correlator
from chirospin.rashba.shells import CURRENT, SPIN, SPIN_HALL, Shells
from chirospin.rashba.state import Response

Values = NDArray[Any]
FIRST_LINKS = 14  # of a chain on each side, plus as many times time/splitting
GROWTH = 1.5
SETTLED = 1e-12  # change with the momenta that is rounding
SHORT = 1e-10  # change with a chain 1.5 times as long, far above what a further step would do
DOUBLINGS = 6
OFFSET = 1.01  # of the known part of the adjoint in every other pass: it changes rounding alone
PRESCRIPTIONS = ("redfield", "steady")


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
    summary: ClassVar[str] = "kinetic equation in the Born approximation, any splitting and disorder"
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    prescription: Literal["redfield", "steady"] = Field(
        default="redfield", description="energies of the collision term: redfield or steady"
    )
    nodes: int = Field(default=3, ge=2, le=200, description="first number of momenta in a panel")
    tolerance: float = Field(
        default=1e-6, gt=0, description="largest relative change with momenta or chain length"
    )
    longest: int = Field(
        default=40_000, ge=8, description="most links of a chain on each side of a momentum"
    )
    spread: Literal[0, 1] = Field(
        default=1, description="1: the difference between both prescriptions is an error bar"
    )

    def solve_many(self, models: Sequence[RashbaGas]) -> Iterator[Response]:
        """One response per model."""
        return map(self._response, models)

    def _response(self, model: RashbaGas) -> Response:
        gas = Shells(
            bands=bands(model),
            disorder=correlator(model),
            z=complex_frequency(model),
            prescription=self.prescription,
        )
        reach, truncation = self._links(gas)
        values, integration, systems = self._integrated(gas, reach)
        certificates = {
            "integration": integration,
            "truncation": truncation,
            "conservation": gas.conservation(reach),
            "good_metal": gas.inverse_good_metal,
            "impurity_range": gas.range_over_path,
        }
        certificates |= gas.identities(values)
        if self.spread:
            certificates["prescription"] = self._spread(gas, values, reach)
        error = max(truncation, integration)
        good = bool(np.isfinite(values).all() and error <= self.tolerance)
        return Response(
            conductivity=values[CURRENT].sum(),
            spin=values[SPIN].sum(),
            spin_hall_interband=values[SPIN_HALL, 0],
            spin_hall_acceleration=values[SPIN_HALL, 1],
            spin_hall_current=values[SPIN_HALL].sum(),
            certificates=certificates,
            outcome=Outcome(
                converged=good,
                residual=error,
                iterations=systems,
                reason=""
                if good
                else f"the response changes by {error:.1e} with momenta or chain length: raise "
                "nodes or longest",
            ),
        )

    def _links(self, gas: Shells) -> tuple[int, float]:
        """Links on each side beyond which the response at the Fermi momenta stands still."""
        length = FIRST_LINKS + math.ceil(FIRST_LINKS / gas.precession)
        previous: Values | None = None
        last = math.inf
        while True:
            length = min(length, self.longest)
            here = gas.at_fermi_momenta(length)
            if previous is not None:
                change = float(np.abs(here - previous).max())
                noisy = change > 0.3 * last and change < self.tolerance
                if change < SHORT or noisy or length >= self.longest:
                    return length, change
                last = change
            elif length >= self.longest:
                return length, math.inf
            previous, length = here, math.ceil(GROWTH * length)

    def _integrated(self, gas: Shells, reach: int) -> tuple[Values, float, int]:
        """Values, their change as the momenta in every panel are doubled, momenta solved."""
        nodes, systems, last = self.nodes, 0, math.inf
        previous: Values | None = None
        for n in range(DOUBLINGS):
            values, count = gas.integrate(nodes, reach, slow=OFFSET if n % 2 == 0 else 1.0)
            systems += count
            if previous is not None:
                total, before = values.sum(axis=1), previous.sum(axis=1)
                size = np.array([abs(total[CURRENT]), gas.spin_scale, 1.0])
                error = float((np.abs(total - before) / size).max())
                noisy = error > 0.3 * last and error < self.tolerance
                if error < SETTLED or noisy:
                    break
                last = error
            previous, nodes = values, 2 * nodes - (n == 0)
        return values, error, systems

    def _spread(self, gas: Shells, values: Values, reach: int) -> float:
        """Largest relative difference of current and spin between both prescriptions."""
        (name,) = {*PRESCRIPTIONS} - {self.prescription}
        other = Shells(bands=gas.bands, disorder=gas.disorder, z=gas.z, prescription=name)
        partner, _ = other.integrate(self.nodes, reach)
        size = [abs(values[CURRENT].sum()), gas.spin_scale]
        change = np.abs((values - partner).sum(axis=1))[:SPIN_HALL]
        return float((change / size).max())
