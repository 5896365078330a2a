"""What the rungs of the ladder share: settings of spectra and of the search for sign changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.vibration.crossover import Crossing, crossings
from chirospin.vibration.model import Level, Vibration, level
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]


class Rung(Method):
    """A theory of the level; subclasses say how they solve one model."""

    broadening: float = Field(
        default=0.1, ge=1e-6, le=1e6, description="imaginary part of the energies of spectra, meV"
    )
    coldest: float = Field(
        default=0.1, ge=1e-6, le=1e6, description="k_B T where sign changes are looked for"
    )
    hottest: float = Field(
        default=100.0, ge=1e-6, le=1e6, description="and where the search ends, meV"
    )
    temperatures: int = Field(default=60, ge=2, le=10000, description="of the search")

    def solve_many(self, models: Sequence[Vibration]) -> Iterator[VibrationState]:
        """One state per model."""
        return map(self.state, models)

    @abstractmethod
    def state(self, model: Vibration) -> VibrationState:
        """The level in equilibrium."""

    @abstractmethod
    def moment_at(self, model: Vibration, temperature: float) -> Array:
        """The moment at another temperature, (3,); NaN where the method fails."""

    def crossing(self, model: Vibration) -> Search:
        """The search for sign changes, done when asked for."""
        return Search(self, model)


class Search:
    """A search for sign changes, once for all temperatures of a model."""

    def __init__(self, method: Rung, model: Vibration) -> None:
        self._method, self._model = method, model
        self.found: Crossing | None = None

    def __call__(self) -> Crossing:
        """Search, or remember."""
        if self.found is None:
            anywhere = self._model.replace(thermal_energy=1.0, energy=None)
            self.found = _search(self._method, anywhere)
        return self.found


@lru_cache(maxsize=256)
def _search(method: Rung, model: Vibration) -> Crossing:
    if method.coldest >= method.hottest:
        raise ModelError(
            f"Option `coldest` of method {method.name}: must be < {method.hottest:g} (meV), "
            f"the hottest, but is {method.coldest:g}"
        )
    scan = np.geomspace(method.coldest, method.hottest, method.temperatures)
    return crossings(
        lambda T: method.moment_at(model, T),
        lambda T: relative_coupling(level(model, temperature=T)),
        scan,
    )


def relative_coupling(here: Level) -> float:
    r"""Coupling beside temperature: :math:`\sum_j |U_j|^2/(\omega_j T)`."""
    sizes = (np.abs(here.couplings) ** 2).sum(axis=(1, 2))
    return float((sizes / here.frequencies).sum() / here.temperature)


def converged(residual: float = 0.0, iterations: int = 0) -> Outcome:
    """The outcome of a method that cannot fail."""
    return Outcome(converged=True, residual=residual, iterations=iterations, reason="")
