"""Certificates of molecules and stacks: laws of every result, and partners that must agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.molecule.kohn_sham import KohnSham, StackedKohnSham, StackState
from chirospin.molecule.model import Molecule, MoleculeStack, frozen_dimer
from chirospin.molecule.monomer import MoleculeState, ranked
from chirospin.molecule.observables import hopping, pseudoscalar
from chirospin.molecule.structure import MIRROR, turn

Array = NDArray[np.float64]
ORTHONORMAL = 1e-8
"""Orbitals of an eigenvalue solver in double precision, for overlap matrices with eigenvalues above 1e-5."""
FORBIDDEN = 1e-6
"""eV: coordinates with three decimals break the symmetry they stand for by this much at most."""
INTERSITE = 0.1
"""Of the spin-orbit vector: Lambda itself is known to 15 %."""
MATCHED = 0.2
"""An orbital of another geometry that overlaps less than 0.8 has mixed with its neighbours."""
UNEQUAL = 0.2
"""eV: repulsions that differ more between molecules are more than thermal motion."""
ROTATED = 1e-6
"""eV: the integration grid does not turn exactly like the molecule; 5e-8 was seen, a wrong turn makes 1e-3."""
REFLECTED = 1e-4
"""Of the handedness: two self-consistent fields, each good to 1e-5 of a hopping."""
ONE_CENTRE = 0.06
"""Of Lambda above 1 meV: 0.5 % for pi and n pairs, up to 5 % for other valence pairs."""
FROZEN = 0.15
"""Of the largest hopping, like Lambda: 9 to 12 % for the pi orbitals of H2CO, H2CS and H2CSe."""
LARGE_VECTOR = 1e-3
"""eV: below, one-centre blocks are not good to a few per cent."""


def _orthonormal(coefficients: Array, overlap: Array) -> float:
    own = coefficients.T @ overlap @ coefficients
    return float(np.abs(own - np.eye(len(own))).max())


def _antisymmetry(G: Array) -> float:
    return float(np.abs(G + G.transpose(0, 2, 1)).max() / max(np.abs(G).max(), 1e-300))


def _conserved(model: Molecule, state: Any) -> float:
    U = state.repulsion
    return float(abs(U.triplet - U.singlet + U.hund))


def _vectors_fit(state: Any) -> float:
    return float(np.nan_to_num(state.pairs.forbidden).max(initial=0.0))


CHECKS = (
    Check(
        name="self_consistent",
        tolerance=1e-5,
        about="largest orbital gradient, hartree",
        evaluate=lambda m, s: s.outcome.residual,
    ),
    Check(
        name="orthonormal",
        tolerance=ORTHONORMAL,
        about="orbitals are orthonormal",
        evaluate=lambda m, s: _orthonormal(s.monomer.frame, s.monomer.state.overlap),
    ),
    Check(
        name="time_reversal",
        tolerance=1e-9,
        about="the spin-orbit integrals are real and antisymmetric",
        evaluate=lambda m, s: _antisymmetry(s.monomer.G),
    ),
    Check(
        name="selection_rules",
        tolerance=FORBIDDEN,
        about="components that the molecule's symmetry forbids vanish, eV",
        evaluate=lambda m, s: _vectors_fit(s),
    ),
    Check(
        name="spin_conservation",
        tolerance=1e-9,
        about="U_ab^t = U_ab^s - K: without spin-orbit coupling H conserves spin, eV",
        evaluate=_conserved,
    ),
    Check(
        name="exchange",
        tolerance=1e-3,
        bound="above",
        about="K is not negative, eV",
        evaluate=lambda m, s: s.repulsion.hund,
    ),
)


def _two_sites(model: MoleculeStack, state: StackState) -> float | None:
    return None if len(state.sites) < 2 else state.matrices.elsewhere


def _carried(model: MoleculeStack, state: StackState) -> float | None:
    """A carried orbital has norm 1 in the basis at its new place; a wrong rotation does not."""
    own = [
        site.orbitals.T @ _site_overlap(state, n) @ site.orbitals
        for n, site in enumerate(state.sites)
    ]
    return float(max(np.abs(one - np.eye(2)).max() for one in own))


def _site_overlap(state: StackState, n: int) -> Array:
    from chirospin.molecule.mean_field import atomic_basis

    theory = state.first.state.theory
    basis = atomic_basis(state.sites[n].structure, theory, theory.charge)
    return np.asarray(basis.intor_symmetric("int1e_ovlp"))


def _hermitian(model: MoleculeStack, state: StackState) -> float:
    """The spin-orbital matrix is Hermitian and commutes with time reversal."""
    h, v = state.matrices.one_body, state.matrices.vectors
    M = len(h)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    whole = np.einsum("iljm,st->ilsjmt", h, np.eye(2)).astype(complex)
    for i in range(M):
        inner = 1j * np.einsum("k,kst->st", v[i], pauli)
        whole[i, 1, :, i, 0, :] += inner
        whole[i, 0, :, i, 1, :] += inner.conj().T
    matrix = whole.reshape(4 * M, 4 * M)
    flip = np.kron(np.eye(2 * M), np.array([[0, 1], [-1, 0]]))
    return float(
        max(
            np.abs(matrix - matrix.conj().T).max(),
            np.abs(flip @ matrix.conj() @ flip.T - matrix).max(),
        )
    )


def _uncoupled(model: MoleculeStack, state: StackState) -> float:
    h = state.matrices.one_body
    return float(max(abs(h[i, 0, i, 1]) for i in range(len(h))))


STACK_CHECKS = (
    CHECKS[0],
    *CHECKS[4:],
    Check(
        name="carried",
        tolerance=ORTHONORMAL,
        about="orbitals carried to a molecule are orthonormal there",
        evaluate=_carried,
    ),
    Check(
        name="matched",
        tolerance=MATCHED,
        about="one less the smallest overlap with the first molecule's orbital, laid upon it",
        evaluate=lambda m, s: 1 - min(site.match for site in s.sites),
    ),
    Check(
        name="time_reversal",
        tolerance=1e-9,
        about="the one-body matrix is Hermitian and even under time reversal, eV",
        evaluate=_hermitian,
    ),
    Check(
        name="uncoupled",
        tolerance=1e-9,
        about="a and b of a molecule are not coupled after the turn, eV",
        evaluate=_uncoupled,
    ),
    Check(
        name="intersite_spin_orbit",
        tolerance=INTERSITE,
        about="spin-orbit elements between molecules, left out, over those on them",
        evaluate=_two_sites,
    ),
    Check(
        name="equal_molecules",
        tolerance=UNEQUAL,
        about="largest difference of a bare repulsion from its mean over the molecules, eV",
        evaluate=lambda m, s: s.spread,
    ),
)


def _lengths(state: MoleculeState) -> Array:
    return np.asarray(np.nan_to_num(np.linalg.norm(state.pairs.vectors, axis=1)))


ROTATION = turn(0.7, 2) @ turn(0.4, 0) @ turn(-1.1, 2)


def _image(model: Molecule, method: Any, matrix: Array) -> float:
    """Spin-orbit vectors of a turned or reflected molecule against its own, turned alike, up to a sign; eV."""
    assert isinstance(method, KohnSham)
    monomer = method.upright_monomer(model)
    structure = monomer.state.structure
    other = method.monomer(model, structure.at(structure.positions @ matrix.T))
    own, vectors = ranked(monomer).vectors @ matrix.T, ranked(other).vectors
    apart = np.minimum(np.abs(own - vectors).max(axis=1), np.abs(own + vectors).max(axis=1))
    return float(np.nan_to_num(apart).max())


def _one_centre(model: Molecule, method: Any) -> float | None:
    """One-centre blocks against all of the two-electron part, relative, for the chosen pair."""
    if model.spin_orbit_integrals != "amfi":
        return None
    one = method.solve(model)
    size = float(np.linalg.norm(one.monomer.vector(*one.pair)))
    if size < LARGE_VECTOR:
        return None
    whole = method.upright_monomer(model.replace(spin_orbit_integrals="somf"))
    return float(np.linalg.norm(whole.vector(*one.pair))) / size - 1


AUDITS = (
    Audit(
        name="rotation",
        tolerance=ROTATED,
        about="spin-orbit vectors turn with the molecule, eV",
        evaluate=lambda m, method: _image(m, method, ROTATION),
    ),
    Audit(
        name="mirror",
        tolerance=ROTATED,
        about="spin-orbit vectors are axial under reflection, eV",
        evaluate=lambda m, method: _image(m, method, MIRROR),
    ),
    Audit(
        name="two_electron_part",
        tolerance=ONE_CENTRE,
        about="one-centre blocks against the full two-electron part, relative",
        evaluate=_one_centre,
    ),
)


def _enantiomer(model: MoleculeStack, method: Any) -> float | None:
    """Reflected coordinates change the sign of the handedness."""
    assert isinstance(method, StackedKohnSham)
    other = model.replace(handedness=-model.handedness)
    one, two = (float(pseudoscalar(m, method.solve(m))) for m in (model, other))
    size = max(abs(one), abs(two))
    return abs(one + two) / size if size > 1e-12 else abs(one + two)


def _frozen(model: MoleculeStack, method: Any) -> float | None:
    """Hopping of frozen densities against that of self-consistent neighbours, over the largest."""
    if not frozen_dimer(model):
        return None
    own, whole = (
        np.abs(hopping(one, method.solve(one))) for one in (model, model.replace(dimer="scf"))
    )
    largest = float(whole.max(initial=0.0))
    return float(np.abs(own - whole).max()) / largest if largest > 0 else None


STACK_AUDITS = (
    Audit(
        name="frozen_densities",
        tolerance=FROZEN,
        about="hopping of dimer=frozen against the self-consistent neighbours', over the largest",
        evaluate=_frozen,
    ),
    Audit(
        name="enantiomer",
        tolerance=REFLECTED,
        about="the handedness changes sign with the coordinates reflected, relative",
        evaluate=_enantiomer,
    ),
)
