"""What every method finds about a chiral metal, in reduced units: one plane, and profiles if asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome
from chirospin.chiral_metal.model import Scales

Array = NDArray[np.float64]
PROFILES = "profiles"


@dataclass(frozen=True, kw_only=True)
class Profiles:
    r"""Profiles at the wanted positions, shape (2, positions) for orders 1 and 2.

    Parameters
    ----------
    charge : :math:`\nu = \lambda^2 E'`, the excess density over N_0 q E_0 l (order 1)
    field : over E_0; over (q E_0 tau_0)^2/(q m l)
    spin : over m^2 v_F^2 q E_0 tau_0; over m v_F (q E_0 tau_0)^2
    spin_current, operator_spin_current : over v_F times the scale of the spin
    momentum_flux : over m v_F^2 times the scale of the spin
    spin_sources : shape (3, positions), parts of the second-order spin
    """

    charge: Array
    field: Array
    spin: Array
    spin_current: Array
    operator_spin_current: Array
    momentum_flux: Array
    spin_sources: Array


@dataclass(frozen=True, kw_only=True)
class ChiralMetalState:
    """A chiral metal between its planes.

    Parameters
    ----------
    scales : what the parameters amount to
    interface_spin : second-order spin integrated up to L/2, over l times its scale
    interface_error : share of it that the method left out; None where it is not known
    neglected : share of order alpha^2 that the method left out of second-order quantities
    charge_current_error : largest departure of j_e from j_0 between the planes (order 1) and from 0
        (order 2), over the bulk current and over the largest term in it; None if there is none
    balance_error : largest departure from the balance of spin, over the largest source, or None
    energy_error : what the nodes of a thermal window miss, relative; None without such nodes
    """

    scales: Scales
    interface_spin: float
    interface_error: float | None
    neglected: float
    charge_current_error: float | None
    balance_error: float | None
    outcome: Outcome
    energy_error: float | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def profiles(self) -> Profiles:
        """Where they were asked for."""
        profiles: Profiles = self.parts[PROFILES]
        return profiles
