"""The same junction built with QuTiP: ``fdestroy`` operators and ``qutip.liouvillian``.

One molecule: ``qutip.steadystate``. Two: QuTiP's Liouvillian in the whole Fock space (65 536 rows),
cut by hand to the elements of rho that it connects with the diagonal, found as the connected
component of its sparse graph; then a sparse direct solve. Which charges are conserved is never put
in: 4 900 unknowns with two charges (1 s), 6 470 with hund (4 s), 12 870 with N alone (40 s, 2 GB).
Parameters are those of ``full_fock``; QuTiP vectorises by columns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import qutip
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from .full_fock import (
    RESIDUAL,
    Parameters,
    couplings,
    one_body_hamiltonian,
    polarisation,
    spin_orbital,
)

Real = NDArray[np.float64]


@lru_cache
def operators(molecules: int) -> tuple[qutip.Qobj, ...]:
    """All c_k of 4 M spin-orbitals."""
    return tuple(qutip.fdestroy(4 * molecules, k) for k in range(4 * molecules))


def hamiltonian(p: Parameters) -> qutip.Qobj:
    """H0 + Ht + Hsoc + HU; hund by products of the spin and pair operators of the two orbitals."""
    c = operators(p.molecules)
    h = one_body_hamiltonian(p)
    total = sum(h[m, n] * c[m].dag() * c[n] for m, n in zip(*np.nonzero(h), strict=True))
    for i in range(p.molecules):
        a, down_a, b, down_b = (c[spin_orbital(i, o, s)] for o in range(2) for s in range(2))
        n_a, n_down_a, n_b, n_down_b = (x.dag() * x for x in (a, down_a, b, down_b))
        total += p.hubbard_a * n_a * n_down_a + p.hubbard_b * n_b * n_down_b
        total += p.hubbard_ab_singlet * (n_a * n_down_b + n_down_a * n_b)
        total += p.hubbard_ab_triplet * (n_a * n_b + n_down_a * n_down_b)
        flip = (a.dag() * down_a) * (down_b.dag() * b)
        pair = (a.dag() * down_a.dag()) * (down_b * b)
        total += p.hund * (pair + pair.dag() - flip - flip.dag())
    return total


def collapse_operators(p: Parameters, magnetisation: int) -> list[qutip.Qobj]:
    """sqrt(g f) c+ and sqrt(g (1 - f)) c of the two leads, kept apart."""
    left, right = couplings(p, magnetisation)
    found = []
    for coupling, filling in ((left, p.occupation_left), (right, p.occupation_right)):
        for k, c in enumerate(operators(p.molecules)):
            found += [np.sqrt(coupling[k] * filling) * c.dag()] if coupling[k] * filling else []
            out = coupling[k] * (1 - filling)
            found += [np.sqrt(out) * c] if out else []
    return found


def connected_block(matrix: Any, dimension: int) -> NDArray[np.intp]:
    """Indices of the vectorised rho that L connects with some diagonal element, by columns."""
    _, label = connected_components(abs(matrix), directed=False)
    diagonal = np.arange(dimension) * (dimension + 1)
    return np.flatnonzero(np.isin(label, label[diagonal]))


def steady_state(p: Parameters, magnetisation: int) -> qutip.Qobj:
    """QuTiP's steadystate (M = 1), the connected block with the trace as one equation (M = 2)."""
    generator = qutip.liouvillian(hamiltonian(p), collapse_operators(p, magnetisation))
    if p.molecules == 1:
        return qutip.steadystate(generator)
    dimension = 16**p.molecules
    matrix = generator.to("CSR").data.as_scipy().tocsr()
    matrix.eliminate_zeros()
    block = connected_block(matrix, dimension)
    cut = matrix[block][:, block].tolil()
    trace = (block % (dimension + 1) == 0).astype(complex)
    cut[0] = trace  # the row of the empty molecule, given by the others as L keeps the trace
    right_side = np.zeros(len(block), complex)
    right_side[0] = 1
    factors = splu(
        cut.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.01,
        options={"SymmetricMode": True},
    )
    vector = np.zeros(dimension**2, complex)
    vector[block] = factors.solve(right_side)
    residual = float(np.linalg.norm(matrix @ vector))
    if not residual < RESIDUAL:
        raise ArithmeticError(f"residual {residual:.1e} above {RESIDUAL:.0e}")
    return qutip.Qobj(vector.reshape(dimension, dimension, order="F"), dims=hamiltonian(p).dims)


def occupation(p: Parameters, rho: qutip.Qobj) -> Real:
    """n_k = Tr[rho c+_k c_k], shape (molecules, orbital, spin)."""
    values = [qutip.expect(c.dag() * c, rho) for c in operators(p.molecules)]
    return np.real(values).reshape(p.molecules, 2, 2)


def current(p: Parameters, magnetisation: int, rho: qutip.Qobj) -> float:
    """I_L = sum_k gL_k {fL - n_k}, the same as fL (1 - n) - (1 - fL) n."""
    left, _ = couplings(p, magnetisation)
    return float(left @ (p.occupation_left - occupation(p, rho).ravel()))


def spin_polarisation(p: Parameters) -> float:
    """P_MR of the two magnetisations."""
    up, down = (current(p, m, steady_state(p, m)) for m in (1, -1))
    return polarisation(up, down)
