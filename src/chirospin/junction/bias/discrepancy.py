"""Several methods over the bias side by side: their spread is the uncertainty of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.method import Method
from chirospin.junction.bias.audit import BLOCKED
from chirospin.junction.bias.master import PositiveLindblad, Redfield, UniversalLindblad
from chirospin.junction.bias.model import BiasedJunction
from chirospin.junction.bias.state import BiasedState

if TYPE_CHECKING:
    import xarray as xr

COMPARED: tuple[Method, ...] = (
    UniversalLindblad(counting=False),
    Redfield(counting=False),
    PositiveLindblad(counting=False),
)
MISSED = "all compared methods are of second order and miss cotunnelling here: use hierarchy"


def discrepancy(
    model: BiasedJunction,
    bias: Sequence[float] | NDArray[np.float64],
    methods: Sequence[Method] = COMPARED,
) -> xr.Dataset:
    """Currents and polarisations of several methods over the bias, and how far they are apart.

    The spread is a lower bound of the error: where no electron has the energy to jump, every generator of
    second order leaves out cotunnelling, so all agree and all are wrong. ``blocked`` says where.

    Parameters
    ----------
    bias : eV
    methods : to compare; the spread is over those that converge

    Returns
    -------
    Dataset over (solved_by, bias): ``current`` (with magnetisation), ``spin_polarisation``; over bias:
    ``polarisation_spread`` and ``current_spread`` (largest less smallest), ``barrier``, ``blocked``
    and ``warning``.
    """
    import xarray as xr

    import chirospin.base.accessor  # noqa: F401  registers ds.chirospin

    values = np.asarray(bias, dtype=float)
    states: list[list[BiasedState]] = [
        list(method.solve_many([model.replace(bias=V) for V in values])) for method in methods
    ]
    current = np.array(
        [
            [s.lead_current[:, 0] if s.outcome.converged else [np.nan] * 2 for s in row]
            for row in states
        ]
    )
    up, down = current[..., 0], current[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        P = np.where(values == 0, np.nan, (up - down) / (up + down))
    barrier = np.array([_barrier([row[n] for row in states]) for n in range(values.size)])
    blocked = barrier > BLOCKED
    warning = np.where(blocked, MISSED, "").astype(object)
    found: dict[str, Any] = {
        "current": (("solved_by", "bias", "magnetisation"), current, _unit("eV*e/hbar", "I")),
        "spin_polarisation": (("solved_by", "bias"), P, _unit("1", r"P_\mathrm{MR}")),
        "polarisation_spread": ("bias", _spread(P), _unit("1", r"\delta P")),
        "current_spread": (
            "bias",
            _spread(current.mean(axis=-1)),
            _unit("eV*e/hbar", r"\delta\bar I"),
        ),
        "barrier": ("bias", barrier, _unit("1", "b")),
        "blocked": ("bias", blocked),
        "warning": ("bias", warning),
    }
    return xr.Dataset(
        found,
        {
            "solved_by": [method.name for method in methods],
            "bias": ("bias", values, _unit("eV", "V")),
            "magnetisation": ["up", "down"],
        },
    )


def _unit(unit: str, symbol: str) -> dict[str, str]:
    return {"units": unit, "symbol": symbol}


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest less smallest along the first axis, of what converged; NaN of fewer than two."""
    known = np.isfinite(values).sum(axis=0) >= 2
    top = np.where(np.isfinite(values), values, -np.inf).max(axis=0)
    bottom = np.where(np.isfinite(values), values, np.inf).min(axis=0)
    return np.where(known, np.where(known, top, 0) - np.where(known, bottom, 0), np.nan)


def _barrier(states: Sequence[BiasedState]) -> float:
    """Energy over T that a jump lacks: the largest over what converged and magnetisations."""
    found = [s for s in states if s.outcome.converged]
    known = [float(s.barrier.max()) for s in found if s.barrier is not None]
    exact = any(not s.second_order and s.density is not None for s in found)  # not a mean field
    return 0.0 if exact or not known else float(np.nanmax(known))
