"""What a one-electron method answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.scattering.amplitudes import Flow
from chirospin.scattering.currents import Current

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Linear response at each energy, without temperature.

    Parameters
    ----------
    flow : transmission with probes that carry no current
    defect : departure from unitarity, (energy,)
    channels : of both leads, spins counted
    """

    flow: Flow
    defect: Real
    channels: int


@dataclass(frozen=True, kw_only=True)
class ScatteringState:
    """A state with the parts that were asked for.

    Parameters
    ----------
    parts : ``curve``, of a left lead that is not magnetised; ``magnetised_curves``, up and down;
        ``currents``, of magnetisations up, down and none
    """

    outcome: Outcome
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def curve(self) -> Curve:
        """Of a left lead that is not magnetised."""
        curve: Curve = self.parts["curve"]
        return curve

    @property
    def magnetised(self) -> tuple[Curve, Curve]:
        """Of a left lead magnetised up and down."""
        found: tuple[Curve, Curve] = self.parts["magnetised_curves"]
        return found

    @property
    def currents(self) -> tuple[Current, Current, Current]:
        """Of magnetisations up, down and none."""
        found: tuple[Current, Current, Current] = self.parts["currents"]
        return found
