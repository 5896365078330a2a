"""What the rungs of the ladder share: settings of spectra and of the search for sign changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.base.parts import Part
from chirospin.vibration.crossover import Crossing, crossings
from chirospin.vibration.model import Level, Vibration, level_of
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]
SPECTRUM, CROSSING, PROPAGATION = "spectrum", "crossing", "propagation"


class Rung(Method):
    """A theory of the level; subclasses say how they solve one model."""

    gives: ClassVar[Needs] = frozenset({SPECTRUM})
    renamed: ClassVar[Mapping[str, str]] = {"temperatures": "search_points"}

    broadening: float = Field(
        default=0.1, ge=1e-6, le=1e6, description="imaginary part of the energies of spectra, meV"
    )
    coldest: float = Field(
        default=0.1, ge=1e-6, le=1e6, description="k_B T where sign changes are looked for"
    )
    hottest: float = Field(
        default=100.0, ge=1e-6, le=1e6, description="and where the search ends, meV"
    )
    search_points: int = Field(
        default=60, ge=2, le=10000, description="temperatures at which it looks"
    )

    def solve_many(self, models: Sequence[Vibration]) -> Iterator[VibrationState]:
        """One state per model."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[Vibration], needs: Needs) -> Iterator[VibrationState]:
        """With spectra, (2, energies) in 1/meV, if they are needed."""
        return (self.state(model, needs) for model in models)

    @abstractmethod
    def state(self, model: Vibration, needs: Needs = NOTHING) -> VibrationState:
        """The level in equilibrium."""

    @abstractmethod
    def moment_at(self, model: Vibration, thermal_energy: float) -> Array:
        """The moment at another temperature, (3,); NaN where the method fails."""

    def crossing(self, model: Vibration) -> Crossing:
        """Where the moment changes sign with temperature."""
        if self.coldest >= self.hottest:
            raise ModelError(
                f"Option `coldest` of method {self.name}: must be < {self.hottest:g} (meV), "
                f"the hottest, but is {self.coldest:g}"
            )
        scan = np.geomspace(self.coldest, self.hottest, self.search_points)
        return crossings(
            lambda T: self.moment_at(model, T),
            lambda T: relative_coupling(level_of(model, thermal_energy=T)),
            scan,
        )


def anywhere(model: Vibration) -> Vibration:
    """The same level, whatever its temperature: what a search over temperatures belongs to."""
    return model.replace(thermal_energy=1.0, energy=None)


PARTS = (
    Part(
        name=CROSSING,
        about="sign changes of the moment with temperature",
        at=anywhere,
        find=lambda method, model: method.crossing(model),
    ),
)


def relative_coupling(level: Level) -> float:
    r"""Coupling beside temperature: :math:`\sum_j |U_j|^2/(\omega_j T)`."""
    sizes = (np.abs(level.couplings) ** 2).sum(axis=(1, 2))
    return float((sizes / level.frequencies).sum() / level.thermal_energy)


def converged(residual: float = 0.0, iterations: int = 0) -> Outcome:
    """The outcome of a method that cannot fail."""
    return Outcome(converged=True, residual=residual, iterations=iterations, reason="")
