r"""Derivatives of the current and its polarisation by every parameter, from one adjoint solve.

.. math:: \frac{dI}{dp} = \Big\langle \frac{\partial O}{\partial p} \Big\rangle
          - Tr\Big[ Z \frac{\partial L}{\partial p} \rho \Big]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.family import Derivatives
from chirospin.base.parameters import Model
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.hamiltonian import expectation, sector_density
from chirospin.junction.manybody.packed import EVEN, ODD, Blocks, Complex, Real
from chirospin.junction.manybody.response import LEFT, CurrentResponse, response
from chirospin.junction.model import (
    PER_MOLECULE,
    Junction,
    exchange_rates,
    given_widths,
    interaction,
    lead_couplings,
    lead_occupations,
    one_body_hamiltonian,
)
from chirospin.junction.observables import spin_polarisation
from chirospin.points.gradient import along

STEP = 0.02  # the matrices are linear or trigonometric in each parameter: seven nodes err by 1e-12


@dataclass(frozen=True, kw_only=True)
class Slopes:
    r"""Derivatives of the current from the left by the matrices of the model, both magnetisations.

    Parameters
    ----------
    one_body : :math:`dI = \sum_{mn} S_{mn} dh_{mn}`, (magnetisation, 4M, 4M)
    density : by W_mk, (magnetisation, 4M, 4M)
    exchange : by the strength of each pair term, (magnetisation, terms)
    filling, emptying : by the rates alpha_k, beta_k through rho, (magnetisation, 4M)
    """

    one_body: Complex
    density: Real
    exchange: Real
    filling: Real
    emptying: Real


def current_slopes(response: CurrentResponse, exchange: NDArray[np.int64]) -> Slopes:
    """Contract the dual operator, the density operator and the terms of the generator.

    Parameters
    ----------
    exchange : pair terms (p, q, r, s) of interest, present or not, (terms, 4)
    """
    layout = response.layout
    rho, Z = layout.blocks(response.steady), layout.blocks(response.dual)
    product = {key: rho[key] @ Z[key] for key in rho}
    # Tr[Z (-i) [dH, rho]] = Tr[dH M] with M = -i [rho, Z]
    M = {key: -1j * (P - np.conj(np.swapaxes(P, -1, -2))) for key, P in product.items()}
    n, batch = layout.space.orbitals, layout.batch
    weights = np.zeros((batch, n, n))
    loss = {"empty": np.zeros((batch, n)), "full": np.zeros((batch, n))}
    for (parity, number), block in M.items():
        occupied = fock.occupations(layout.charges, parity, number).reshape(-1, n)
        diagonal = np.einsum("bsii->bsi", block).real.reshape(batch, -1)
        weights += np.einsum("bi,im,ik->bmk", diagonal, occupied, occupied, optimize=True)
        decay = np.einsum("bsii->bsi", product[parity, number]).real.reshape(batch, -1)
        loss["empty"] += decay @ (1 - occupied)
        loss["full"] += decay @ occupied
    gain = _gains(response)
    return Slopes(
        one_body=-sector_density(response.pair[0].matrices, layout, M),
        density=-weights / 2,
        exchange=-_pair_terms(response, M, exchange),
        filling=loss["empty"] - gain[:, :n],
        emptying=loss["full"] - gain[:, n:],
    )


def _gains(response: CurrentResponse) -> Real:
    """Tr[Z c rho c^+] for every channel of the lead molecules, (batch, 2n)."""
    layout = response.layout
    n = layout.space.orbitals
    touched = np.flatnonzero(np.stack([m.coupling for m in response.pair]).any(axis=(0, 1)))
    first, last = np.arange(PER_MOLECULE), np.arange(n - PER_MOLECULE, n)
    ends = np.unique(np.concatenate([touched, first, last]))
    channels = tuple(np.concatenate([ends, n + ends]).tolist())
    gain = np.zeros((layout.batch, 2 * n))
    for parity, target in ((EVEN, ODD), (ODD, EVEN)):
        jumps = fock.jumps(layout.charges, channels, parity)
        row = np.repeat(np.arange(len(jumps.pointer) - 1), np.diff(jumps.pointer))
        for b in range(layout.batch):
            moved = (
                response.dual[target][b, row]
                * response.steady[parity][b, jumps.column]
                * jumps.sign
            )
            gain[b] += np.bincount(jumps.channel, moved, minlength=2 * n)
    return gain


def _pair_terms(response: CurrentResponse, M: Blocks, exchange: NDArray[np.int64]) -> Real:
    """Tr[M (c^+_p c^+_q c_r c_s + h.c.)] of each term; zero where a charge forbids it."""
    layout = response.layout
    charge = np.array(layout.charges)
    p, q, r, s = exchange.T
    allowed = np.flatnonzero(
        (charge[:, p] + charge[:, q] == charge[:, r] + charge[:, s]).all(axis=0)
    )
    total = np.zeros((layout.batch, len(exchange)))
    terms = tuple(((int(p[t]), int(q[t])), (int(r[t]), int(s[t]))) for t in allowed)
    for (parity, number), block in M.items():
        moves = fock.moves(layout.charges, parity, number, terms)
        total[:, allowed] += (
            2 * expectation(moves, block.reshape(layout.batch, -1), len(terms)).real
        )
    return total


def gradients(model: Junction, method: GKSL, names: Sequence[str]) -> Derivatives | None:
    """Derivatives of current, mean current and polarisation by parameters, all others held.

    None for leads other than two at the ends along z, whose rates are not those of single orbitals, and for a
    tensor of repulsion.

    Parameters
    ----------
    names : parameters or shorthands
    """
    given = (model.lead_occupations, model.interaction_tensor)
    if given_widths(model) or any(one is not None for one in given):
        return None
    found = response(model, method)
    state = found.state
    probe = model.replace(hund=1.0)  # the pair terms exist where the exchange is not zero
    slope = current_slopes(found, interaction(probe).exchange)
    n = np.einsum("mkk->mk", state.one_body_density).real
    current = np.array([_chained(model, name, slope, n) for name in names]).reshape(-1, 2)
    up, down = state.lead_current[:, LEFT]
    total = up + down
    polarisation = np.full(len(current), np.nan)
    if not np.isnan(spin_polarisation(model, state)):
        polarisation = 2 * (down * current[:, 0] - up * current[:, 1]) / total**2
    return Derivatives(
        state=state,
        values={
            "current": current,
            "mean_current": current.mean(axis=1),
            "spin_polarisation": polarisation,
        },
        applications=found.applications,
    )


def _chained(model: Junction, name: str, slope: Slopes, n: Real) -> Real:
    """dI/dp of both magnetisations: the slopes along the derivative of the model's matrices."""

    def matrices(one: Model) -> tuple[Complex | Real, ...]:
        assert isinstance(one, Junction)
        terms = interaction(one)
        strength = terms.strength if terms.strength.size else np.zeros(slope.exchange.shape[1])
        return (
            one_body_hamiltonian(one),
            terms.density,
            strength,
            *exchange_rates(one),
            lead_couplings(one)[:, LEFT],
            lead_occupations(one)[LEFT],
        )

    dh, dW, dv, d_fill, d_empty, d_coupling, d_f = along(model, name, matrices, STEP)
    coupling, f = lead_couplings(model)[:, LEFT], lead_occupations(model)[LEFT]
    through_density = (
        np.einsum("bmn,mn->b", slope.one_body, dh).real
        + np.einsum("bmn,mn->b", slope.density, dW)
        + slope.exchange @ dv
        + np.einsum("bk,bk->b", slope.filling, d_fill)
        + np.einsum("bk,bk->b", slope.emptying, d_empty)
    )
    explicit = (d_coupling * (f - n)).sum(axis=1) + coupling.sum(axis=1) * d_f
    return np.asarray(through_density + explicit)
