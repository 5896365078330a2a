"""What every method of the isotropic gas answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chirospin.base.outcome import Outcome

UNKNOWN = complex(np.nan)
ROUNDING = 16 * float(np.finfo(float).eps)  # of a sum of parts that cancel, relative to the largest


@dataclass(frozen=True, kw_only=True)
class GasResponse:
    """Linear response per force eE along x; NaN where a method has no answer.

    Parameters
    ----------
    conductivity : e^2/hbar
    spin : density of sigma/2 along its axis per force, 1/(eV nm)
    spin_hall_interband, spin_hall_acceleration : parts of q_yz, eE/8 pi
    spin_hall_current : their sum, eE/8 pi; given by itself where the parts are unknown
    errors : numerical, absolute, of conductivity, spin and spin Hall current
    certificates : numbers that the checks judge, by their names
    parts : what was asked for beside the response
    """

    conductivity: complex = UNKNOWN
    spin: complex = UNKNOWN
    spin_hall_interband: complex = UNKNOWN
    spin_hall_acceleration: complex = UNKNOWN
    spin_hall_current: complex = UNKNOWN
    errors: tuple[float, float, float] = (0.0, 0.0, 0.0)
    certificates: dict[str, float] = field(default_factory=dict)
    outcome: Outcome
    parts: Mapping[str, Any] = field(default_factory=dict)
