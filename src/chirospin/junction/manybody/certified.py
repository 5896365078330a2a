"""What is read from a steady state: one-body density, certificates, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chirospin.base.outcome import Outcome
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.hamiltonian import sector_density
from chirospin.junction.manybody.leads import closed_classes
from chirospin.junction.manybody.packed import Complex, Real
from chirospin.junction.manybody.steady import Stationary
from chirospin.junction.state import DensityCertificates

STALLED = "the residual stalled above the tolerance; raise krylov_vectors or tolerance"
SEVERAL = (
    "there are {} steady states: a conserved charge that no lead changes; couple every orbital "
    "to a lead, directly or through hopping or spin-orbit coupling"
)


@dataclass(frozen=True, kw_only=True)
class CertifiedState:
    """The steady state of one member."""

    one_body_density: Complex
    trace_drift: float
    jump_rate: float
    hermiticity: float | None
    distance: float
    smallest_eigenvalue: float
    particles: float
    outcome: Outcome


def certified_states(
    generator: Generator, stationary: Stationary, tolerance: float, doubts: Sequence[str]
) -> list[CertifiedState]:
    """One-body density, certificates and outcome of every member.

    Parameters
    ----------
    doubts : why the state of a member may not be the only one, or not be known; empty where it is
    """
    layout, members = generator.layout, generator.members
    residual, drift, rate = generator.certificates(*stationary.halves)
    lowest = np.full(layout.batch, np.inf)
    for X in layout.blocks(stationary.halves).values():
        lowest = np.minimum(lowest, smallest_eigenvalue(X))
    electrons, reduced = layout.electrons, layout.reduced(stationary.halves)
    number = electrons.number()
    particles = sum((n * x).sum(axis=1) for n, x in zip(number, reduced, strict=True))
    G = sector_density(members[0].matrices, electrons, electrons.blocks(reduced))
    judged = []
    for b, member in enumerate(members):
        several = closed_classes(member.charges, member.channels)
        reason = doubts[b] or ("" if residual[b] <= tolerance else STALLED)  # a NaN is not good
        if several > 1:
            reason = SEVERAL.format(several)
        elif reason:
            reason = member.far_apart or reason
        judged.append(
            CertifiedState(
                one_body_density=G[b],
                trace_drift=float(drift[b]),
                jump_rate=float(rate[b]),
                hermiticity=float(stationary.hermiticity[b]),
                distance=float(stationary.distance[b]),
                smallest_eigenvalue=float(lowest[b]),
                particles=float(np.asarray(particles)[b]),
                outcome=Outcome(
                    converged=not reason,
                    residual=float(residual[b]),
                    iterations=stationary.applications,
                    reason=reason,
                ),
            )
        )
    return judged


def joint_certificates(up: CertifiedState, down: CertifiedState) -> DensityCertificates:
    """The certificates of both magnetisations."""
    names = ("trace_drift", "distance", "smallest_eigenvalue", "particles")
    pairs = {name: np.array([getattr(up, name), getattr(down, name)]) for name in names}
    skew = [one.hermiticity for one in (up, down) if one.hermiticity is not None]
    return DensityCertificates(**pairs, hermiticity=np.array(skew) if skew else None)


def smallest_eigenvalue(X: Complex) -> Real:
    """Smallest eigenvalue over the sectors of a stack, (batch,); NaN where X is not finite."""
    finite = np.isfinite(X).all(axis=(1, 2, 3))
    lowest = np.full(len(X), np.nan)
    lowest[finite] = np.linalg.eigvalsh(X[finite]).min(axis=(1, 2))
    return lowest
