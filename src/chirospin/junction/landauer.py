"""Electrons that do not repel each other: scattering through the stack, any size, closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.junction.floating import NO_ROOT
from chirospin.junction.model import (
    Junction,
    far_apart,
    floating_leads,
    lead_couplings,
    lead_occupations,
    mixing_widths,
    one_body_hamiltonian,
)
from chirospin.junction.probed import (
    MAGNETISED,
    UNPOLARISED,
    probed_outcomes,
    probed_system,
    unpolarised_current,
)
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.numerics.sylvester import solve_sylvester
from chirospin.scattering.currents import Window, currents
from chirospin.scattering.densities import Decay
from chirospin.scattering.probes import probe_kind


class Landauer(Method):
    r"""Non-interacting current from the transmission; every repulsion is left out.

    .. math:: I = (f_L - f_R) \int \frac{d\epsilon}{2\pi}
              Tr[\gamma_L G^r \gamma_R G^a], \qquad
              G^r = (\epsilon - h + \tfrac{i}{2}\Gamma)^{-1}

    With K = h - i Gamma/2 the integral :math:`S = \int \frac{d\epsilon}{2\pi} G^r \gamma_R G^a`
    obeys :math:`-i (K S - S K^+) = -\gamma_R`, which has a closed form in the eigenvectors of K.

    With probes the integral is done by Gauss panels. Dephasing probes carry no current at any energy, voltage
    probes none in all: one filling for all energies, which for one orbital a site is white noise.

    References
    ----------
    nozaki_fujita_2026, Eqs. (21)-(24); the printed (21) lacks 1/(2 pi)
    buttiker_1986, d_amato_pastawski_1990
    """

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = (
        "transmission without interaction, with probes or none, any number of molecules"
    )
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "meir_wingreen_1992",
        "buttiker_1986",
        "d_amato_pastawski_1990",
    )

    gives: ClassVar[Needs] = frozenset({UNPOLARISED})

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """States without interaction; the audit says how much was left out."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[Junction], needs: Needs) -> Iterator[JunctionState]:
        """The same with the current from a lead that is not magnetised."""
        return (_state(model, needs) for model in models)


Real = NDArray[np.float64]
INFINITE = Window(kind="infinite")


def _state(model: Junction, needs: Needs) -> JunctionState:
    state = _coherent(model) if probe_kind(model) == "none" else _probed(model)
    if UNPOLARISED not in needs:
        return state
    system = probed_system(model, one_body_hamiltonian(model))
    difference = model.occupation_left - model.occupation_right
    plain = unpolarised_current(system, model, INFINITE)
    return replace(state, parts={UNPOLARISED: plain.scaled(difference)})


def _probed(model: Junction) -> JunctionState:
    """With probes that carry no current."""
    h = one_body_hamiltonian(model)
    system = probed_system(model, h)
    found = currents(system, probe_kind(model), INFINITE, MAGNETISED)
    both = [Decay.of(system.magnetised(m)) for m in MAGNETISED]
    right, difference = model.occupation_right, model.occupation_left - model.occupation_right
    density = [
        right * np.eye(len(h)) + difference * decay.above_right(current.filling)
        for current, decay in zip(found, both, strict=True)
    ]
    return JunctionState(
        one_body_density=np.swapaxes(np.stack(density), -1, -2),
        lead_current=difference * np.array([[one.left, -one.right] for one in found]),
        outcomes=probed_outcomes(model, h, found, both),
        interaction_kept=False,
    )


def _coherent(model: Junction) -> JunctionState:
    coupling, widths = lead_couplings(model), mixing_widths(model)
    h = one_body_hamiltonian(model)
    gamma = coupling[..., None] * np.eye(len(h)) if widths is None else widths
    K = h - 0.5j * gamma.sum(axis=1)
    S, residual, decay = solve_sylvester(K[:, None], -gamma.astype(complex))
    moved = np.einsum("mlab,mkba->mlk", gamma, S).real  # T_lk
    f = np.stack([_floated(one, lead_occupations(model), floating_leads(model)) for one in moved])
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
        one_body_density=np.einsum("ml,mlab->mba", f, S),
        lead_current=np.einsum("mlk,mlk->ml", moved, f[:, :, None] - f[:, None]),
        outcomes=(outcomes[0], outcomes[1]),
        interaction_kept=False,
        lead_levels=f,
    )


def _floated(moved: Real, f: Real, floating: Sequence[int]) -> Real:
    """Occupations at which voltage probes carry no current, linear in those of the others, (lead,)."""
    if not floating:
        return f
    free = list(floating)
    given = [lead for lead in range(len(f)) if lead not in floating]
    out = np.diag(moved.sum(axis=1)) - moved
    whole = f.copy()
    try:
        whole[free] = np.linalg.solve(out[np.ix_(free, free)], -out[np.ix_(free, given)] @ f[given])
    except np.linalg.LinAlgError:
        raise ModelError(NO_ROOT) from None
    return whole
