"""Certificates of a junction: what must hold for every state, and what partners must agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.base.spin import PAULI
from chirospin.junction.model import (
    PER_MOLECULE,
    Junction,
    MolecularStack,
    all_magnets_reversed,
    interaction,
    lead_couplings,
    lead_names,
    lead_occupations,
    magnets_given,
    mixing_widths,
    one_body_hamiltonian,
    spin_orbit_vectors,
)
from chirospin.junction.modes import VibratingStack, rotated_vibrations
from chirospin.junction.state import JunctionState, lead_current, width_current
from chirospin.junction.tensor import dense_tensor

BALANCE = 1e-9  # of the largest coupling: residual 1e-12 over the slowest relaxation of 1e-3
SYMMETRY = 1e-8  # two independent solves, each good to BALANCE
ANGLE = 0.7  # any angle will do
AnyStack = TypeVar("AnyStack", bound=MolecularStack)


def coupling_scale(model: MolecularStack) -> float:
    """The largest coupling to a lead, eV."""
    return float(max(lead_couplings(model).max(), 1e-300))


def bond_currents(model: Junction, state: JunctionState) -> NDArray[np.float64]:
    r"""Current through each cut between neighbouring molecules, left to right.

    .. math:: I_{cut} = \sum_{m \le cut < n} 2\, Im(h_{nm} G_{nm})

    Returns
    -------
    (magnetisation, cut), eV/hbar
    """
    h = one_body_hamiltonian(model)
    flow = 2 * (h * state.one_body_density).imag
    cuts = PER_MOLECULE * np.arange(1, model.molecules)
    return (
        np.stack([flow[:, cut:, :cut].sum(axis=(1, 2)) for cut in cuts], axis=-1)
        if len(cuts)
        else np.zeros((2, 0))
    )


def _lead_balance(model: MolecularStack, state: JunctionState) -> float:
    return float(np.abs(state.lead_current.sum(axis=1)).max() / coupling_scale(model))


def _bond_balance(model: Junction, state: JunctionState) -> float | None:
    if state.standard_error is not None:
        return None  # of sampled states only occupations are known
    if state.error_bar is not None:
        return None  # then equal within the bar
    if not model.named_terms:
        return None
    bonds = bond_currents(model, state)
    size = lead_couplings(model).max(axis=0)
    reach = size.reshape(-1, model.molecules, PER_MOLECULE).max(axis=2)
    apart = []
    for cut in range(1, model.molecules):
        before, after = reach[:, :cut].any(axis=1), reach[:, cut:].any(axis=1)
        if not (before & after).any():  # a lead on both sides is a way of its own
            entered = state.lead_current[:, before].sum(axis=1)
            apart.append(np.abs(bonds[:, cut - 1] - entered).max())
    return float(max(apart) / coupling_scale(model)) if apart else None


def _occupation_sum(model: MolecularStack, state: JunctionState) -> float | None:
    if state.density is None:
        return None
    total = np.einsum("mkk->m", state.one_body_density).real
    return float(np.abs(total - state.density.particles).max())


def _current_sum(model: Junction, state: JunctionState) -> float | None:
    if state.standard_error is not None:
        return None  # currents and occupations are different samples
    if state.error_bar is not None:
        return None  # occupations hold jumps that are left out
    f = lead_occupations(model) if state.lead_levels is None else state.lead_levels
    widths, G = mixing_widths(model), state.one_body_density
    if widths is None:
        again = lead_current(lead_couplings(model), np.einsum("mkk->mk", G).real, f)
    else:
        again = width_current(widths, G, f)
    return float(np.abs(again - state.lead_current).max() / coupling_scale(model))


def _occupation_range(model: Junction, state: JunctionState) -> float:
    if state.density is None:  # all of G is known: its eigenvalues are occupations
        G = state.one_body_density
        n = np.linalg.eigvalsh((G + np.conj(np.swapaxes(G, -1, -2))) / 2)
    else:
        n = np.einsum("mkk->mk", state.one_body_density).real
    return float(np.minimum(n, 1 - n).min())


def of_density(name: str, worst: Any) -> Any:
    """(model, state) -> the worst value of a certificate of the density operator; None if unknown."""

    def value(model: Junction, state: JunctionState) -> float | None:
        known = None if state.density is None else getattr(state.density, name)
        return None if known is None else float(worst(known))

    return value


def other_solutions(model: MolecularStack, state: JunctionState) -> float | None:
    """Of the equation of the method, both magnetisations; None if none were looked for."""
    return None if state.other_solutions is None else float(sum(state.other_solutions))


def _residual(model: MolecularStack, state: JunctionState) -> float | None:
    return None if state.standard_error is not None else state.outcome.residual


def _interaction_left_out(model: MolecularStack, state: JunctionState) -> float | None:
    if state.interaction_kept:
        return None
    terms = interaction(model)
    return float(np.abs(terms.density).max(initial=0.0) + np.abs(terms.strength).sum())


RESIDUAL = Check(
    name="residual",
    tolerance=1e-12,
    evaluate=_residual,
    about="norm of the original equation at the answer, relative",
)
TRACE = Check(
    name="trace",
    tolerance=1e-10,
    about="the trace of rho is kept: |Tr L rho| over the rate of jumps",
    evaluate=of_density("trace_drift", np.max),
)
HERMITICITY = Check(
    name="hermiticity",
    tolerance=1e-10,
    about="anti-Hermitian part of rho",
    evaluate=of_density("hermiticity", np.max),
)
SMALLEST_EIGENVALUE = Check(
    name="smallest_eigenvalue",
    tolerance=1e-10,
    bound="above",
    about="rho has no negative probability",
    evaluate=of_density("smallest_eigenvalue", np.min),
)
OCCUPATION_RANGE = Check(
    name="occupation_range",
    tolerance=1e-10,
    bound="above",
    evaluate=_occupation_range,
    about="occupations lie in [0, 1]: distance to the nearer end",
)
OCCUPATION_SUM = Check(
    name="occupation_sum",
    tolerance=1e-9,
    evaluate=_occupation_sum,
    about="occupations add up to the mean electron number",
)
LEAD_BALANCE = Check(
    name="lead_balance",
    tolerance=BALANCE,
    evaluate=_lead_balance,
    about="I_L + I_R = 0, relative to the coupling",
)
INTERACTION_LEFT_OUT = Check(
    name="interaction_left_out",
    tolerance=0.0,
    evaluate=_interaction_left_out,
    about="largest repulsion that the method leaves out, eV",
)
OTHER_SOLUTIONS = Check(
    name="other_solutions",
    tolerance=0.0,  # a number of solutions
    evaluate=other_solutions,
    about="other self-consistent densities met; given is the one that grows from U = 0: compare gksl",
)
CHECKS = (
    RESIDUAL,
    TRACE,
    HERMITICITY,
    SMALLEST_EIGENVALUE,
    OCCUPATION_RANGE,
    OCCUPATION_SUM,
    LEAD_BALANCE,
    Check(
        name="bond_balance",
        tolerance=BALANCE,
        evaluate=_bond_balance,
        about="the current is the same through every cut, relative to the coupling",
    ),
    Check(
        name="current_sum_rule",
        tolerance=BALANCE,
        evaluate=_current_sum,
        about="current from the occupations equals the reported one",
    ),
    INTERACTION_LEFT_OUT,
    OTHER_SOLUTIONS,
)


def spin_rotated(
    model: AnyStack, rotation: NDArray[np.complex128], turn: NDArray[np.float64]
) -> AnyStack:
    """The junction seen from rotated or reflected spin axes.

    Parameters
    ----------
    rotation : on spin, (2, 2), unitary
    turn : the matching matrix on spin-orbit vectors, (3, 3)
    """
    changes: dict[str, Any] = {"spin_orbit_vectors": spin_orbit_vectors(model) @ turn.T}
    if model.one_body_matrix is not None:
        U = np.kron(np.eye(2 * model.molecules), rotation)
        changes["one_body_matrix"] = U @ np.array(model.one_body_matrix) @ U.conj().T
    if model.interaction_tensor is not None:
        U = np.kron(np.eye(2 * model.molecules), rotation)
        V = dense_tensor(model.interaction_tensor, len(U))
        changes["interaction_tensor"] = np.einsum(
            "ai,bj,ck,dl,ijkl->abcd", U, U, U.conj(), U.conj(), V, optimize=True
        )
    if isinstance(model, VibratingStack):
        changes |= rotated_vibrations(model, rotation, turn)
    if magnets_given(model):
        changes |= rotated_leads(model, rotation, turn)
    return model.replace(**changes)


def rotated_leads(
    stack: MolecularStack, rotation: NDArray[np.complex128], turn: NDArray[np.float64]
) -> dict[str, Any]:
    """The magnets that are given, seen from the same axes."""
    U = np.kron(np.eye(2 * stack.molecules), rotation)
    if stack.lead_matrices is not None:
        return {"lead_matrices": U @ np.array(stack.lead_matrices) @ U.conj().T}
    if stack.lead_vectors is not None:
        return {"lead_vectors": np.array(stack.lead_vectors) @ U.T}
    directions = stack.lead_directions or [(0.0, 0.0, 1.0)] * len(lead_names(stack))
    return {"lead_directions": np.array(directions) @ turn.T}


def mirror_image(model: AnyStack) -> AnyStack:
    """The enantiomer: reflected through the plane y = 0, which contains the axis z."""
    return spin_rotated(model, PAULI[1], np.diag([-1.0, 1.0, -1.0]))


def turned(model: AnyStack, angle: float = ANGLE) -> AnyStack:
    """The whole stack turned about z."""
    rotation = np.diag(np.exp(np.array([-0.5j, 0.5j]) * angle))
    c, s = np.cos(angle), np.sin(angle)
    return spin_rotated(model, rotation, np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]))


def time_reversal_broken(h: NDArray[np.complex128]) -> float:
    r"""Norm of what time reversal changes in a one-body Hamiltonian, eV; spins are the fast index.

    .. math:: |h - \sigma_y h^* \sigma_y|, \qquad
              (\sigma_y a^* \sigma_y)_{st} = (-1)^{s+t} a^*_{1-s,1-t}
    """
    blocks = h.reshape(len(h) // 2, 2, len(h) // 2, 2)
    sign = np.array([1.0, -1.0])
    reversed_ = sign[:, None, None] * blocks.conj()[:, ::-1, :, ::-1] * sign
    return float(np.linalg.norm(blocks - reversed_))


def difference(a: AnyStack, b: AnyStack, method: Method, *, flip: bool) -> float | None:
    """Largest difference of the left currents of two stacks, magnetisations exchanged in one if flipped.

    In units of the largest coupling; None where currents are sampled.
    """
    return _apart(a, [method.solve(m) for m in (a, b)], flip=flip)


def _apart(
    model: MolecularStack, states: Sequence[JunctionState], *, flip: bool = False
) -> float | None:
    if states[0].standard_error is not None:
        return None
    one, other = (state.lead_current[:, 0] for state in states)
    change = np.abs(one - (other[::-1] if flip else other)).max()
    return float(change / coupling_scale(model))


def without_repulsion(model: AnyStack) -> AnyStack:
    """The same stack of electrons that do not see each other."""
    none = {"interaction_tensor": None, "site_repulsions": None}
    return model.replace(hubbard=0, hund=0, intersite_repulsion=0, **none)


def _no_interaction(model: Junction, method: Method) -> float | None:
    if time_reversal_broken(one_body_hamiltonian(model)) > 1e-12:
        return None
    if not all_magnets_reversed(model) or len(lead_names(model)) > 2:
        return None
    if not np.ptp(lead_occupations(model)):
        return None
    state = method.solve(without_repulsion(model))
    if state.standard_error is not None:
        return None
    up, down = state.lead_current[:, 0]
    return float(abs(up - down) / max(abs(up + down), 1e-300))


def _uniform_repulsion(model: Junction, method: Method) -> float | None:
    """Only for states of many electrons: one electron does not know that N (N - 1)/2 commutes with H."""
    state = method.solve(model)
    if state.density is None:
        return None
    V = 0.3
    names = (*model.shorthands["hubbard"], "intersite_repulsion")
    shifted = model.replace(**{name: getattr(model, name) + V for name in names})
    return _apart(model, [state, method.solve(shifted)])


def solved_to_tolerance(model: Junction, method: Method) -> float | None:
    if "tolerance" not in type(method).model_fields:
        return None
    looser = method.with_options(tolerance=100 * getattr(method, "tolerance"))  # noqa: B009
    return _apart(model, [k.solve(model) for k in (method, looser)])


def _grown(model: Junction, method: Method) -> float | None:
    """Only for a method that may reach a solution at once, whose equation may have several."""
    if "at_once" not in type(method).model_fields:
        return None
    slow = method.with_options(continuation=16, at_once=False)
    return _apart(model, [k.solve(model) for k in (method, slow)])


def _several_magnets(model: MolecularStack, method: Method) -> str:
    """Why reversing one polarisation says nothing."""
    return "the magnets of the leads are given" if magnets_given(model) else ""


SYMMETRY_AUDITS = (
    Audit(
        name="enantiomer",
        tolerance=SYMMETRY,
        about="the mirror image carries the current of the opposite magnetisation",
        evaluate=lambda m, k: difference(m, mirror_image(m), k, flip=not magnets_given(m)),
    ),
    Audit(
        name="lead_flip",
        tolerance=SYMMETRY,
        about="reversing the lead polarisation exchanges the two magnetisations",
        evaluate=lambda m, k: difference(
            m, m.replace(lead_polarisation=-m.lead_polarisation), k, flip=True
        ),
        unmet=_several_magnets,
    ),
    Audit(
        name="turn_about_z",
        tolerance=SYMMETRY,
        about="turning the whole stack about the axis changes nothing",
        evaluate=lambda m, k: difference(m, turned(m), k, flip=False),
    ),
)
TOLERANCE = Audit(
    name="tolerance",
    tolerance=SYMMETRY,
    about="a tolerance 100 times larger gives the same currents",
    evaluate=solved_to_tolerance,
)
AUDITS = (
    Audit(
        name="grown_from_zero",
        tolerance=SYMMETRY,
        about="the solution is the one that grows out of the density without repulsion",
        evaluate=_grown,
    ),
    TOLERANCE,
    *SYMMETRY_AUDITS,
    Audit(
        name="no_interaction",
        tolerance=SYMMETRY,
        about="no polarisation without interaction, if time reversal holds on the stack",
        evaluate=_no_interaction,
    ),
    Audit(
        name="uniform_repulsion",
        tolerance=SYMMETRY,
        about="a repulsion equal between all electrons changes nothing",
        evaluate=_uniform_repulsion,
    ),
)
