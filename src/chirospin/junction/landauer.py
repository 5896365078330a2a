"""Electrons that do not repel each other: scattering through the stack, any size, closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.junction.model import (
    Junction,
    exchange_rates,
    far_apart,
    lead_couplings,
    one_body_hamiltonian,
)
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.numerics.sylvester import solve_sylvester


class Landauer(Method):
    r"""Non-interacting current from the transmission; every repulsion is left out.

    .. math:: I = (f_L - f_R) \int \frac{d\epsilon}{2\pi}
              Tr[\gamma_L G^r \gamma_R G^a], \qquad
              G^r = (\epsilon - h + \tfrac{i}{2}\Gamma)^{-1}

    With K = h - i Gamma/2 the integral :math:`S = \int \frac{d\epsilon}{2\pi} G^r \gamma_R G^a`
    obeys :math:`-i (K S - S K^+) = -\gamma_R`, which has a closed form in the eigenvectors of K.

    References
    ----------
    nozaki_fujita_2026, Eqs. (21)-(24); the printed (21) lacks 1/(2 pi)
    """

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = "transmission without interaction, any number of molecules"
    references: ClassVar[tuple[str, ...]] = ("nozaki_fujita_2026", "meir_wingreen_1992")

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """States without interaction; the audit says how much was left out."""
        return map(_scattering_state, models)


def _scattering_state(model: Junction) -> JunctionState:
    coupling = lead_couplings(model)
    filling, _ = exchange_rates(model)
    h = one_body_hamiltonian(model)
    diagonal = np.eye(len(h))
    total = coupling.sum(axis=1)
    K = h - 0.5j * total[:, :, None] * diagonal
    sources = np.stack([coupling[:, 0], coupling[:, 1], filling], axis=1)[..., None] * diagonal
    S, residual, decay = solve_sylvester(K[:, None], -sources.astype(complex))
    difference = model.occupation_left - model.occupation_right
    from_left = np.einsum("mk,mkk->m", coupling[:, 0], S[:, 1]).real
    from_right = np.einsum("mk,mkk->m", coupling[:, 1], S[:, 0]).real
    dark = unreached(decay[:, 0], h)
    outcomes = [
        Outcome(
            converged=not dark[m],
            residual=float(residual[m].max()),
            iterations=1,
            reason=(far_apart(h, coupling=coupling) or UNREACHED) if dark[m] else "",
        )
        for m in (0, 1)
    ]
    return JunctionState(
        one_body_density=np.swapaxes(S[:, 2], -1, -2),
        lead_current=difference * np.stack([from_left, -from_right], axis=-1),
        outcomes=(outcomes[0], outcomes[1]),
        interaction_kept=False,
    )
