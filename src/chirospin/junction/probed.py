"""The stack with probes on its molecules: the same for leads of infinite and of finite bias."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.junction.model import ProbedStack, far_apart, lead_couplings
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.scattering.currents import Current, Window, currents, why_not
from chirospin.scattering.densities import Decay
from chirospin.scattering.probes import probe_kind, probe_spins
from chirospin.scattering.system import Lead, System, site_probe

MAGNETISED = (1.0, -1.0)
UNPOLARISED = "unpolarised"
"""The part of a state with the current from a left lead that is not magnetised."""
DEFECTIVE = 1e-9
MERGED = (
    "two decaying modes merge (an exceptional point), where the closed form loses its digits; "
    "change a hopping or a coupling slightly"
)


def require_no_probes(model: ProbedStack) -> None:
    """Refuse probes where the repulsion is kept.

    Raises
    ------
    ModelError : names the method that has them
    """
    if probe_kind(model) != "none":
        raise ModelError(
            "Parameter `probe` must be none for a method that keeps the repulsion, "
            f"but is {probe_kind(model)}; method landauer has probes"
        )


def probed_system(model: ProbedStack, h: NDArray[np.complex128]) -> System:
    """The stack between its leads, with a probe on every molecule if there are any."""
    size = 2 * model.molecules
    both = lead_couplings(model).mean(axis=0).reshape(2, size, 2).mean(axis=2)
    left, right = (np.diag(one) for one in both)
    count = 0 if probe_kind(model) == "none" else model.molecules
    return System(
        hamiltonian=h,
        left=Lead.of(left, (0, 0, model.lead_polarisation)),
        right=Lead.of(right),
        probes=tuple(
            site_probe([2 * i, 2 * i + 1], size, model.probe_coupling) for i in range(count)
        ),
        probe_spins=probe_spins(model),
        sites=tuple(np.repeat(np.arange(model.molecules), 2).tolist()),
    )


def probed_outcomes(
    model: ProbedStack,
    h: NDArray[np.complex128],
    currents: Sequence[Current],
    both: Sequence[Decay],
) -> tuple[Outcome, Outcome]:
    """How the solves of both magnetisations ended."""
    outcomes = []
    for current, decay in zip(currents, both, strict=True):
        reason = why_not([current])
        if unreached(np.array(-2 * decay.energies.imag.max()), h):
            reason = far_apart(h, coupling=lead_couplings(model)) or UNREACHED
        elif not decay.error <= DEFECTIVE:
            reason = MERGED
        outcomes.append(
            Outcome(converged=not reason, residual=decay.error, iterations=1, reason=reason)
        )
    return outcomes[0], outcomes[1]


def unpolarised_current(system: System, model: ProbedStack, window: Window) -> Current:
    """The current from a left lead that is not magnetised."""
    (found,) = currents(system, probe_kind(model), window, (0.0,))
    return found


def _spin_error(model: ProbedStack, state: JunctionState) -> NDArray[np.float64]:
    return np.asarray(state.parts[UNPOLARISED].transmitted_spin_error)


@observable(
    unit="1",
    symbol="P_s",
    undefined="no current flows, or the method does not find it",
    needs=(UNPOLARISED,),
    default=False,
    error=_spin_error,
)
def transmitted_spin(model: ProbedStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Spin along z of the current into the right lead, from a left lead that is not magnetised.

    .. math:: P_s = (I_\uparrow - I_\downarrow)/(I_\uparrow + I_\downarrow)

    Where the bias is zero, of the linear response. It is not the magnetoresistance, ``spin_polarisation``.
    """
    return np.asarray(state.parts[UNPOLARISED].transmitted_spin)
