"""Where the expansion in the current and in the shape of the Fermi surfaces holds, for any state."""

from __future__ import annotations

from typing import Any

import numpy as np

from chirospin.base.audit import Check
from chirospin.chiral_metal.model import IsotropicMetal


def _push(model: IsotropicMetal, state: Any) -> float:
    scales = state.scales
    return float(abs(scales.push) / np.abs(scales.momentum).min())


def _closeness(model: IsotropicMetal, state: Any) -> float:
    return float(1 / abs(1 - abs(state.scales.asymmetry)))


RANGE_CHECKS = (
    Check(
        name="weak_drive",
        tolerance=1.0,
        about="momentum gained between collisions over the smaller Fermi momentum",
        evaluate=_push,
    ),
    Check(
        name="fermi_surface",
        tolerance=100.0,
        about="1/|1 - |a||: the second order is singular where a Fermi surface vanishes",
        evaluate=_closeness,
    ),
)
