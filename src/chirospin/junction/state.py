"""What all methods have in common: their states compare side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class DensityCertificates:
    r"""Facts about the many-body density operator, one value per magnetisation.

    Parameters
    ----------
    trace_drift : \|Tr L rho\| relative to the rate of jumps, rho normalised to trace one
    hermiticity : norm of the anti-Hermitian part of rho before it is dropped; None where rho is
        carried in a form that has no such part
    distance : how far the exact state may be away, Frobenius norm, slow modes included; None where it is not known
    smallest_eigenvalue : of rho, all sectors
    particles : sum over sectors of N times their weight
    """

    trace_drift: NDArray[np.float64]
    hermiticity: NDArray[np.float64] | None
    smallest_eigenvalue: NDArray[np.float64]
    particles: NDArray[np.float64]
    distance: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class JunctionState:
    r"""Steady state for both magnetisations of the left lead.

    Parameters
    ----------
    one_body_density : :math:`G_{mn} = \langle c^+_m c_n \rangle`, shape (magnetisation, 4M, 4M).
        ``gksl`` fills the elements that the Hamiltonian joins; the rest is zero.
    lead_current : electrons entering from each lead, shape (magnetisation, lead), eV/hbar
    outcomes : one per magnetisation
    density : certificates of the many-body state, where there is one
    interaction_kept : False for a method that leaves the repulsion out
    standard_error : of the left current where it is sampled, (magnetisation,), eV/hbar; None where it is solved
    error_bar : of the left current where a method leaves something out and bounds it, (magnetisation,),
        eV/hbar; else None
    parts : what observables needed beside
    other_solutions : of the same equation, met by a search, one number per magnetisation; None where the
        solution is unique or nothing was looked for
    """

    one_body_density: NDArray[np.complex128]
    lead_current: NDArray[np.float64]
    outcomes: tuple[Outcome, Outcome]
    density: DensityCertificates | None = None
    interaction_kept: bool = True
    other_solutions: tuple[int, int] | None = None
    standard_error: NDArray[np.float64] | None = None
    error_bar: NDArray[np.float64] | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The worse of the two outcomes."""
        up, down = self.outcomes
        reason = "; ".join(
            f"magnetisation {name}: {one.reason}"
            for name, one in (("up", up), ("down", down))
            if one.reason
        )
        return Outcome(
            converged=up.converged and down.converged,
            residual=float(np.max([up.residual, down.residual])),
            iterations=up.iterations + down.iterations,
            reason=reason,
        )


def lead_current(
    coupling: NDArray[np.float64], occupation: NDArray[np.float64], f: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Current from each lead into the stack.

    .. math:: I_L = \sum_k \gamma_{Lk} \{ f_L (1 - n_k) - (1 - f_L) n_k \}

    Parameters
    ----------
    coupling : (magnetisation, lead, 4M), eV
    occupation : n_k, (magnetisation, 4M)
    f : (lead,)

    Returns
    -------
    (magnetisation, lead), eV/hbar

    References
    ----------
    nozaki_fujita_2026, Eq. (11)
    """
    current: NDArray[np.float64] = np.einsum(
        "mlk,mlk->ml", coupling, f[:, None] - occupation[:, None, :]
    )
    return current


UNREACHED = (
    "an orbital, or a combination of orbitals, is not joined to any lead, so its occupation is "
    "not unique; couple it through a lead, a hopping or the spin-orbit coupling"
)


def unreached(slowest_decay: NDArray[np.float64], h: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Whether some one-electron mode never decays, to rounding, per magnetisation."""
    return slowest_decay <= 1e-14 * max(float(np.abs(h).max()), 1e-300)
