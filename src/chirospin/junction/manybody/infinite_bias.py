"""Steady states of molecules between leads of infinite bias, members of one structure in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.certified import (
    STALLED,
    CertifiedState,
    certified_states,
    joint_certificates,
)
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.leads import FlatLeads, FlatMember, open_pairs
from chirospin.junction.manybody.packed import Complex, Layout, Real
from chirospin.junction.manybody.steady import Resolvent, Stationary, SteadySolver
from chirospin.junction.model import PER_MOLECULE, Junction
from chirospin.junction.probed import require_no_probes
from chirospin.junction.state import JunctionState, lead_current, unreached, width_current
from chirospin.numerics.sylvester import Form, SchurInverse, by_either_form

Bools = NDArray[np.bool_]
Pair = tuple[FlatMember, FlatMember]

SAME_STATE = 1e-7  # largest difference of matrix elements between two starts
NEGATIVE = -1e-11  # an eigenvalue of rho below this is not rounding: slow modes are not resolved
DARK = 1e-13  # decay, relative to the energy scale, below which a state is stationary
KRYLOV_GUESS = 40  # vectors assumed when memory is estimated
UNREACHED_STATES = (
    "there are several steady states: two starts led to different ones; some combination of "
    "orbitals is joined to no lead"
)
STATIONARY = (
    "a dark state: some charge sector holds a state that neither lead can fill or empty, so the "
    "resolvent is singular; change a coupling, a hopping or an occupation slightly"
)


def listed_pair(model: Junction) -> Pair:
    """Both magnetisations of a model whose sectors can at least be listed.

    Raises
    ------
    ModelError : too many molecules
    """
    require_no_probes(model)
    if model.molecules > 12:  # even listing the sectors would take long
        raise ModelError(_too_large(model.molecules, 2.0 ** min(8 * model.molecules + 4, 1000)))
    return FlatMember.both(model)


def check_memory(pair: Pair) -> None:
    """Refuse a size whose estimated memory is not there.

    Raises
    ------
    ModelError : says how much would be needed and which method fits
    """
    sizes = fock.sector_sizes(pair[0].charges)
    unknowns = float(sum(size**2 for size in sizes))
    # H_eff, eigenvectors, inverse, denominators and two working copies: complex; Krylov: half, real
    need = unknowns * (6 * 16 + KRYLOV_GUESS * 8 / 2 + len(open_pairs(pair)) / 4 * 24)
    if need > available_bytes():
        products = 64.0 * sum(size**3 for size in sizes) * KRYLOV_GUESS
        raise ModelError(_too_large(pair[0].coupling.shape[1] // PER_MOLECULE, need, products))


def _too_large(molecules: int, need: float, products: float = 0.0) -> str:
    work = f" and some {products:.0e} multiplications a magnetisation" if products else ""
    return (
        f"Parameter `molecules` must fit in memory for method gksl, but {molecules} molecules need "
        f"about {in_words(need)}{work}, and {in_words(available_bytes())} are free; "
        "gksl-mixed takes less, mean-field and landauer fit any number"
    )


def state_of(pair: Pair, up: CertifiedState, down: CertifiedState) -> JunctionState:
    """The state of both magnetisations."""
    G = np.stack([up.one_body_density, down.one_body_density])
    return JunctionState(
        one_body_density=G,
        lead_current=np.stack([member_current(one, g) for one, g in zip(pair, G, strict=True)]),
        outcomes=(up.outcome, down.outcome),
        density=joint_certificates(up, down),
        lead_levels=np.stack([member.occupation for member in pair]),
    )


def member_current(member: FlatMember, G: Complex) -> Real:
    """Electrons from every lead per time, (lead,), eV/hbar."""
    if member.widths is not None:
        return width_current(member.widths, G, member.occupation)
    n = np.diagonal(G).real
    return np.asarray(lead_current(member.coupling[None], n[None], member.occupation)[0])


@dataclass(frozen=True, kw_only=True)
class Solved:
    """Steady states of a batch with the solver that found them, for what follows from them."""

    solver: SteadySolver
    stationary: Stationary
    states: list[CertifiedState]

    @property
    def sound(self) -> bool:
        """Whether nothing speaks for the Schur form."""
        return not any(map(doubtful, self.states))


def steady_states(
    members: Sequence[FlatMember], tolerance: float, limit: int
) -> list[CertifiedState]:
    """Steady states of members of one structure, in one batch.

    Those that stall, or whose density operator is not positive, are solved again with the Schur form
    of H_eff, which loses no digits where eigenvectors do, and refined as far as rounding allows.
    """
    return by_either_form(
        members, lambda some, form: solved(some, form, tolerance, limit).states, doubtful
    )


def doubtful(state: CertifiedState) -> bool:
    """Whether the Schur form should have another look."""
    stalled = state.outcome.reason == STALLED
    return stalled or (state.outcome.converged and state.smallest_eigenvalue < NEGATIVE)


def solved(members: Sequence[FlatMember], form: Form, tolerance: float, limit: int) -> Solved:
    """Steady states of one batch by one form, without a second attempt."""
    layout = Layout(charges=members[0].charges, batch=len(members))
    generator = Generator(members, layout, [FlatLeads(members, layout)])
    solver = SteadySolver(resolvent=Resolvent(generator, form), tolerance=tolerance, limit=limit)
    states = _states(solver, members, strict=form is SchurInverse)
    several = np.array([_mode_unreached(member) for member in members])
    if several.any():
        again = solver.steady_state(rng=np.random.default_rng(0))
        several &= ~(states.apart(again) < SAME_STATE)
    dark = solver.resolvent.slowest_decay <= DARK * generator.scale
    balanced = np.array([member.balanced for member in members])
    doubts = [
        STATIONARY if dark[b] and not balanced[b] else UNREACHED_STATES if several[b] else ""
        for b in range(len(members))
    ]
    return Solved(
        solver=solver,
        stationary=states,
        states=certified_states(generator, states, tolerance, doubts),
    )


def _states(solver: SteadySolver, members: Sequence[FlatMember], *, strict: bool) -> Stationary:
    """Steady states; between leads of equal occupation that is a product."""
    layout = solver.generator.layout
    balanced = np.array([member.balanced for member in members])
    even, odd = layout.product_state(np.array([[m.occupation[0]] for m in members]))
    exact = np.zeros(len(members))
    product = Stationary(even=even, odd=odd, hermiticity=exact, distance=exact, applications=0)
    if balanced.all():
        return product
    states = solver.steady_state(strict=strict)
    if not balanced.any():
        return states
    return Stationary(
        even=np.where(balanced[:, None], product.even, states.even),
        odd=np.where(balanced[:, None], product.odd, states.odd),
        hermiticity=np.where(balanced, product.hermiticity, states.hermiticity),
        distance=np.where(balanced, product.distance, states.distance),
        applications=states.applications,
    )


def _mode_unreached(member: FlatMember) -> bool:
    """Whether a one-electron mode is joined to no lead: then a steady state may not be unique."""
    return bool(unreached(np.array([member.one_body_decay]), member.matrices.h)[0])
