r"""Derivatives of the current and its polarisation of a vibrating junction, at its truncation.

.. math:: L \frac{d\rho}{dp} = -\frac{\partial L}{\partial p} \rho

one solve a parameter, from the factors of the steady state. The hierarchy or the levels stay those of the state, so
that no change of truncation enters a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.family import Derivatives
from chirospin.base.parameters import Model
from chirospin.junction.manybody.hamiltonian import sector_density
from chirospin.junction.manybody.packed import EVEN, ODD, Real
from chirospin.junction.model import lead_couplings, lead_occupations
from chirospin.junction.observables import spin_polarisation
from chirospin.junction.phonons.methods import Vibronic
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.phonons.solution import (
    LEFT,
    AuxiliaryTiers,
    ExplicitLevels,
    Found,
    Stage,
    steady,
)
from chirospin.junction.phonons.state import Truncation
from chirospin.points.gradient import along

STEP = 0.02  # L is smooth in every parameter: seven nodes err by 1e-12


def truncated_gradients(
    model: PhononJunction, method: Vibronic, names: Sequence[str]
) -> Derivatives:
    """Derivatives of current, mean current and polarisation by parameters, all others held.

    Parameters
    ----------
    names : parameters or shorthands

    Raises
    ------
    ConvergenceError : the state did not converge
    ModelError : a parameter breaks a charge that the model keeps
    """
    state = method.solve(model)
    if not state.outcome.converged:
        raise ConvergenceError(f"{method.name}: {state.outcome.reason}", state.outcome)
    stage = Stage.of(model)
    kind = ExplicitLevels if state.truncation.levels else AuxiliaryTiers
    found = steady(
        kind(stage=stage, truncation=state.truncation), method.tolerance, method.krylov_vectors
    )
    slopes = [_of_parameter(model, method, found, state.truncation, name) for name in names]
    current = np.array([slope for slope, _ in slopes]).reshape(-1, 2)
    up, down = state.lead_current[:, LEFT]
    polarisation = np.full(len(current), np.nan)
    if not np.isnan(spin_polarisation(model, state)):
        polarisation = 2 * (down * current[:, 0] - up * current[:, 1]) / (up + down) ** 2
    return Derivatives(
        state=state,
        values={
            "current": current,
            "mean_current": current.mean(axis=1),
            "spin_polarisation": polarisation,
        },
        applications=sum(spent for _, spent in slopes),
    )


def _of_parameter(
    model: PhononJunction, method: Vibronic, found: Sequence[Found], cut: Truncation, name: str
) -> tuple[Real, int]:
    """dI/dp of both magnetisations, and the applications that it took."""
    density, spent = [], 0
    for first, one in zip(
        np.cumsum([0, *(len(f.members) for f in found[:-1])]), found, strict=True
    ):
        n, applications = _densities(model, method, one, cut, name, int(first))
        density.append(n)
        spent += applications

    def leads(other: Model) -> tuple[Real, Real]:
        assert isinstance(other, PhononJunction)
        return lead_couplings(other)[:, LEFT], np.asarray(lead_occupations(other)[LEFT])

    d_coupling, d_f = along(model, name, leads, STEP)
    coupling, f = leads(model)
    n = np.concatenate([_occupations(one) for one in found])
    explicit = (d_coupling * (f - n)).sum(axis=1) + coupling.sum(axis=1) * d_f
    return np.asarray(explicit - (coupling * np.concatenate(density)).sum(axis=1)), spent


def _occupations(found: Found) -> Real:
    """Of every orbital, (batch, 4M)."""
    return np.array([one.one_body_density.diagonal().real for one in found.states])


def _densities(
    model: PhononJunction, method: Vibronic, found: Found, cut: Truncation, name: str, first: int
) -> tuple[Real, int]:
    """dn/dp of one batch, whose first member is given, and the applications that it took."""
    halves, layout = found.stationary.halves, found.layout
    members = slice(first, first + len(found.members))

    def flow(other: Model) -> tuple[Real, Real]:
        assert isinstance(other, PhononJunction)
        stage = Stage.of(other)
        if stage.charges != found.representation.stage.charges:
            raise ModelError(
                f"Parameter `{name}` must not break a charge that the model keeps (derivatives by "
                f"{method.name}), but does; take differences of two solves"
            )
        kept = replace(found.representation, stage=stage, truncation=cut)
        return kept.generator(list(stage.pair)[members]).derivative(*halves)

    even, odd = along(model, name, flow, STEP)
    even, odd, spent = found.solver.solve(even, odd, method.tolerance)
    surplus = layout.trace(even, odd)[:, None]
    change = even - surplus * halves[EVEN], odd - surplus * halves[ODD]
    plain = layout.electrons
    G = sector_density(found.members[0].matrices, plain, plain.blocks(layout.reduced(change)))
    return np.einsum("bkk->bk", G).real, spent
