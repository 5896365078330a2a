r"""The operators of a junction in the whole Fock space, to hold and to hand on.

.. math:: \dot\rho = L \rho = -i [H, \rho] + \sum_j (J_j \rho J_j^+ - \tfrac12 \{J_j^+ J_j, \rho\})

The methods of the junction never build these: they work in sectors of conserved charges. Here everything is
laid out in one stated basis (:class:`FockOperator`), for QuTiP, for SciPy, or to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.master import UniversalLindblad
from chirospin.junction.bias.model import BiasedJunction, gated_hamiltonian
from chirospin.junction.couplings import factorised
from chirospin.junction.fock_operator import (
    ENTRY_BYTES,
    FockOperator,
    require_matrix_room,
)
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.certified import STALLED
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.hamiltonian import Matrices, off_diagonal_terms
from chirospin.junction.manybody.infinite_bias import Solved, check_memory, listed_pair, solved
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.packed import Ints, Real, occupied
from chirospin.junction.model import (
    MAGNETISATIONS,
    ORBITALS,
    PER_MOLECULE,
    SPINS,
    Junction,
    MolecularStack,
    index,
    lead_names,
    one_body_hamiltonian,
)
from chirospin.junction.modes import VibratingStack, modes
from chirospin.junction.observables import spin_orbitals
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.probed import require_no_probes
from chirospin.numerics.sylvester import Form, by_either_form

if TYPE_CHECKING:
    import xarray as xr

STATE_BYTES = 64.0  # of the lists of Fock states from which an operator is built
SMALLER = "fewer molecules, or a method of `junction`, which works in sectors"
RATE = "(eV/hbar)^(1/2)"


def _require_no_vibrations(model: MolecularStack) -> None:
    if isinstance(model, PhononJunction) or (
        isinstance(model, VibratingStack) and len(modes(model).energy)
    ):
        raise ModelError(
            "Operators are exported of electrons alone, but the model has vibrations or noise; leave out "
            "phonon_energy, or take a Junction"
        )


def _matrices(model: MolecularStack) -> Matrices:
    _require_no_vibrations(model)
    if isinstance(model, BiasedJunction):
        return Matrices.of(model, gated_hamiltonian(model))
    return Matrices.of(model, one_body_hamiltonian(model))


def _place(name: str, value: str, names: Sequence[str]) -> int:
    if value not in names:
        raise ModelError(f"Argument `{name}` must be one of {', '.join(names)}, but is {value!r}")
    return names.index(value)


@lru_cache(maxsize=8)
def _digits_reversed(orbitals: int) -> Ints:
    """Place of each Fock state where the first orbital is the leading digit and not the last; its own inverse."""
    states, place = np.arange(2**orbitals), np.zeros(2**orbitals, dtype=np.int64)
    for k in range(orbitals):
        place |= ((states >> k) & 1) << (orbitals - 1 - k)
    return place


def _product(
    orbitals: int, create: tuple[int, ...], destroy: tuple[int, ...]
) -> tuple[Ints, Ints, Ints]:
    """Rows, columns and signs of c^+... c... over all Fock states."""
    place = _digits_reversed(orbitals)
    kept, image, sign = fock.apply_product(np.arange(2**orbitals), create, destroy)
    return place[image], place[kept], sign


def _sparse(
    orbitals: int, rows: Sequence[Ints], columns: Sequence[Ints], values: Sequence[NDArray[Any]]
) -> scipy.sparse.csr_array:
    where = (np.concatenate(rows), np.concatenate(columns))
    found = scipy.sparse.coo_array((np.concatenate(values), where), shape=(2**orbitals,) * 2)
    matrix = scipy.sparse.csr_array(found.tocsr())
    matrix.eliminate_zeros()
    return matrix


def _diagonal(orbitals: int, values: Real) -> scipy.sparse.csr_array:
    """An operator that is diagonal in Fock states, values in the order of the sectors' bit patterns."""
    place = _digits_reversed(orbitals)
    return _sparse(orbitals, [place], [place], [values])


def hamiltonian(model: MolecularStack) -> FockOperator:
    r"""The Hamiltonian of the molecules in the whole Fock space, eV.

    .. math:: H = \sum_{mn} h_{mn} c^+_m c_n + H_U

    At finite bias it holds the gate and the drop of the bias inside the stack.

    Raises
    ------
    ModelError : it would not fit in memory

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(5)
    """
    n = PER_MOLECULE * model.molecules
    # one of every off-diagonal element of h joins a quarter of the states; there are at most 20 a molecule
    entries = 2.0 ** min(n, 1000) * (1 + 5 * model.molecules)
    require_matrix_room("Hamiltonian", model.molecules, ENTRY_BYTES * entries, SMALLER)
    matrices = _matrices(model)
    states = np.arange(2**n)
    full = occupied(states, n)
    repulsion = ((full @ matrices.interaction.density) * full).sum(axis=1) / 2
    place = _digits_reversed(n)
    rows, columns = [place], [place]
    values = [(full @ matrices.h.diagonal().real + repulsion).astype(complex)]
    pairs, terms = off_diagonal_terms(matrices)
    pair_strength = matrices.interaction.strength
    strengths = np.concatenate(
        [matrices.h[pairs[:, 0], pairs[:, 1]], pair_strength, np.conj(pair_strength)]
    )
    for strength, (create, destroy) in zip(strengths, terms, strict=True):
        if strength:
            row, column, sign = _product(n, create, destroy)
            rows, columns = [*rows, row], [*columns, column]
            values.append(strength * sign)
    return FockOperator(
        name="Hamiltonian",
        unit="eV",
        molecules=model.molecules,
        matrix=_sparse(n, rows, columns, values),
    )


def annihilator(model: MolecularStack, molecule: int, orbital: str, spin: str) -> FockOperator:
    """The operator that takes an electron out of one spin-orbital; molecules are counted from 1.

    Raises
    ------
    ModelError : there is no such spin-orbital, or no room
    """
    _place("orbital", orbital, ORBITALS)
    _place("spin", spin, SPINS)
    if not 1 <= molecule <= model.molecules:
        raise ModelError(
            f"Argument `molecule` must be from 1 to {model.molecules}, but is {molecule}"
        )
    return _annihilator(model, index(molecule - 1, orbital, spin), 1.0)


def _annihilator(model: MolecularStack, k: int, factor: complex) -> FockOperator:
    n = PER_MOLECULE * model.molecules
    require_matrix_room("operator", model.molecules, STATE_BYTES * 2.0 ** min(n, 1000), SMALLER)
    row, column, sign = _product(n, (), (k,))
    return FockOperator(
        name=f"empties {spin_orbitals(model.molecules)[k]}",
        unit="1",
        molecules=model.molecules,
        matrix=_sparse(n, [row], [column], [factor * sign]),
    )


def _member(model: MolecularStack, magnetisation: str) -> FlatMember:
    _require_no_vibrations(model)
    if not isinstance(model, Junction):
        raise ModelError(
            "Only a Junction (infinite bias) has a Liouvillian and a density operator to export; "
            "of a BiasedJunction take hamiltonian and one_body_density"
        )
    require_no_probes(model)
    return FlatMember.both(model)[_place("magnetisation", magnetisation, MAGNETISATIONS)]


def jump_operators(model: Junction, magnetisation: str = "up") -> tuple[FockOperator, ...]:
    r"""What the leads do: :math:`\sqrt{\alpha_v} C^+_v` and :math:`\sqrt{\beta_v} C_v`, without those that are zero.

    :math:`C_v = c_k` of one spin-orbital where the widths are diagonal, else :math:`\sum_a v_a^* c_a` of the
    eigenvectors of :math:`\sum_l f_l\Gamma_l` and :math:`\sum_l (1-f_l)\Gamma_l`.

    These are the collapse operators of QuTiP, both leads together.

    Raises
    ------
    ModelError : not a junction at infinite bias, probes, or no room

    References
    ----------
    nozaki_fujita_2026, Eqs. (8), (9)
    """
    member = _member(model, magnetisation)
    found = []
    for filling, matrix in zip((True, False), member.exchange, strict=True):
        for rate, vector in zip(*factorised(matrix), strict=True):
            jump = _remover(model, vector, float(np.sqrt(rate)))
            found.append(
                replace(
                    jump,
                    name=f"{'fills' if filling else 'empties'} {jump.name.removeprefix('empties ')}",
                    unit=RATE,
                    matrix=scipy.sparse.csr_array(jump.matrix.conj().T) if filling else jump.matrix,
                )
            )
    return tuple(found)


def _remover(model: Junction, vector: NDArray[np.complex128], factor: float) -> FockOperator:
    r""":math:`\sum_a v_a^* c_a` times a factor."""
    parts = [
        _annihilator(model, int(a), factor * np.conj(vector[a]).item())
        for a in np.flatnonzero(vector)
    ]
    if len(parts) == 1 and vector[np.flatnonzero(vector)[0]] == 1:
        return _annihilator(model, int(np.flatnonzero(vector)[0]), factor)
    names = " and ".join(part.name.removeprefix("empties ") for part in parts)
    matrices = [part.matrix for part in parts]
    total = scipy.sparse.csr_array(sum(matrices[1:], start=matrices[0]))
    return replace(parts[0], name=f"empties {names}", matrix=total)


def lead_current_operator(
    model: Junction, lead: str = "left", magnetisation: str = "up"
) -> FockOperator:
    r"""The current from one lead into the stack, eV e/hbar.

    .. math:: I_l = f_l\,\mathrm{Tr}\,\Gamma_l - \sum_{ab} \Gamma_{l,ab} c^+_a c_b

    Raises
    ------
    ModelError : not a junction at infinite bias, probes, or no room

    References
    ----------
    nozaki_fujita_2026, Eq. (11)
    """
    _member(model, magnetisation)
    n = PER_MOLECULE * model.molecules
    require_matrix_room("current", model.molecules, STATE_BYTES * n * 2.0 ** min(n, 1000), SMALLER)
    place = _place("lead", lead, lead_names(model))
    member = _member(model, magnetisation)
    gamma, f = member.gamma[place], member.occupation[place]
    held = np.asarray((f - occupied(np.arange(2**n), n)) @ gamma.diagonal().real)
    matrix = _diagonal(n, held)
    for a, b in np.argwhere(gamma * (1 - np.eye(n))):
        row, column, sign = _product(n, (int(a),), (int(b),))
        matrix = matrix - _sparse(n, [row], [column], [gamma[a, b] * sign])
    return FockOperator(
        name=f"current from the {lead} lead",
        unit="eV*e/hbar",
        molecules=model.molecules,
        matrix=scipy.sparse.csr_array(matrix),
    )


def liouvillian(model: Junction, magnetisation: str = "up") -> FockOperator:
    r"""The generator L of the master equation on density operators, column by column, eV/hbar.

    .. math:: L = -i (1 \otimes K) + i (K^* \otimes 1) + \sum_j J_j^* \otimes J_j, \qquad
              K = H - \tfrac{i}{2} \sum_j J_j^+ J_j

    One molecule has 256 rows, two have 65 536; three have 16.8 million and some 20 GiB.

    Raises
    ------
    ModelError : not a junction at infinite bias, probes, or it would not fit in memory

    References
    ----------
    lindblad_1976, gorini_kossakowski_sudarshan_1976, nozaki_fujita_2026
    """
    _member(model, magnetisation)
    states = 16.0 ** min(model.molecules, 250)
    require_matrix_room(
        "Liouvillian",
        model.molecules,
        ENTRY_BYTES * states**2 * (2 + 10 * model.molecules),
        "hamiltonian, jump_operators and density_operator take less",
    )
    jumps = [fock_operator.matrix for fock_operator in jump_operators(model, magnetisation)]
    K = hamiltonian(model).matrix - 0.5j * sum(J.conj().T @ J for J in jumps)
    one = scipy.sparse.eye_array(K.shape[0], format="csr")
    total = -1j * scipy.sparse.kron(one, K, format="csr")
    total = total + 1j * scipy.sparse.kron(K.conj(), one, format="csr")
    for J in jumps:
        total = total + scipy.sparse.kron(J.conj(), J, format="csr")
    return FockOperator(
        name="Liouvillian",
        unit="eV/hbar",
        molecules=model.molecules,
        matrix=scipy.sparse.csr_array(total),
        super=True,
    )


def density_operator(
    model: Junction, magnetisation: str = "up", method: GKSL | None = None
) -> FockOperator:
    """The steady state rho of the many-body master equation in the whole Fock space, trace one.

    It is that of ``gksl``, corrected until rounding stops it: where modes are slow, currents of a result of the
    default tolerance are 1e-12 away (5e-13 and 1.4e-12 eV e/hbar at the reference point), of 1e-14 none. Between charges that nothing mixes its elements
    are zero and are not stored.

    Raises
    ------
    ModelError : not a junction at infinite bias, probes, or no room
    ConvergenceError : no unique steady state, or none to the tolerance
    """
    member = _member(model, magnetisation)
    check_memory(listed_pair(model))
    settings = method or GKSL()

    def attempt(members: Sequence[FlatMember], form: Form) -> list[Solved]:
        return [solved(members, form, settings.tolerance, settings.krylov_vectors)]

    (found,) = by_either_form([member], attempt, lambda tried: not tried.sound)
    _require_converged(settings, found.states[0].outcome)
    generator = found.solver.generator
    steady = found.stationary if member.balanced else found.solver.steady_state(strict=True)
    residual = float(generator.residual(*steady.halves)[0])
    if not residual <= settings.tolerance:
        raise ConvergenceError(
            f"{settings.name} did not converge: {STALLED} (residual {residual:.2e})",
            Outcome(
                converged=False,
                residual=residual,
                iterations=steady.applications,
                reason=STALLED,
            ),
        )
    layout = generator.layout
    n = layout.space.orbitals
    place = _digits_reversed(n)
    rows, columns, values = [], [], []
    for (parity, number), X in layout.blocks(steady.halves).items():
        states = place[layout.space.stacks[parity][number].states]
        rows.append(np.broadcast_to(states[:, :, None], X.shape[1:]).ravel())
        columns.append(np.broadcast_to(states[:, None, :], X.shape[1:]).ravel())
        values.append(X[0].ravel())
    return FockOperator(
        name="density operator",
        unit="1",
        molecules=model.molecules,
        matrix=_sparse(n, rows, columns, values),
    )


def _require_converged(method: Method, outcome: Outcome) -> None:
    if not outcome.converged:
        raise ConvergenceError(
            f"{method.name} did not converge: {outcome.reason} (residual {outcome.residual:.2e})",
            outcome,
        )


def one_body_density(model: MolecularStack, method: Method | None = None) -> xr.DataArray:
    r"""One-body density of the steady state of any method, for both magnetisations.

    .. math:: G_{mn} = \langle c^+_m c_n \rangle

    Parameters
    ----------
    method : ``GKSL()`` at infinite bias, ``UniversalLindblad()`` at finite bias if not given

    Returns
    -------
    (magnetisation, created, destroyed), spin-orbitals by name

    Raises
    ------
    ConvergenceError : the method has no state
    """
    import xarray as xr

    if isinstance(model, PhononJunction) and method is None:
        raise ModelError("A method must be given for a PhononJunction, for example Tiers()")
    biased = isinstance(model, BiasedJunction)
    chosen = method or (UniversalLindblad() if biased else GKSL())
    state = chosen.solve(model)
    density: NDArray[np.complex128] = state.one_body_density
    names = list(spin_orbitals(model.molecules))
    return xr.DataArray(
        density,
        dims=("magnetisation", "created", "destroyed"),
        coords={"magnetisation": list(MAGNETISATIONS), "created": names, "destroyed": names},
        name="one_body_density",
        attrs={
            "units": "1",
            "method": chosen.name,
            "order": "spin-orbitals by molecule, orbital, spin",
            "residual": state.outcome.residual,
        },
    )
