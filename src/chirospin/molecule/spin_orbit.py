r"""Spin-orbit coupling of Breit and Pauli as a one-electron operator.

.. math:: h = i \frac{\alpha^2}{4}\, G\cdot\sigma, \qquad
          G = -\sum_A Z_A \langle\mu| \frac{(r_A\times\nabla)}{r_A^3} |\nu\rangle + J - \tfrac32 (K + K')

.. math:: J_{ij} = \sum (ij|kl) D_{lk}, \quad K_{il} = \sum (ij|kl) D_{jk}, \quad
          K'_{kj} = \sum (ij|kl) D_{li}

with the integrals of ``int2e_p1vxp1`` and the density summed over spin. All is real and antisymmetric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.molecule import kept
from chirospin.molecule.mean_field import (
    HARTREE,
    Ground,
    Numerics,
    field_facts,
    pyscf_threads,
)

Array = NDArray[np.float64]
FINE_STRUCTURE = 7.2973525693e-3
PREFACTOR = FINE_STRUCTURE**2 / 4 * HARTREE
r""":math:`\alpha^2/4` in eV: 1/2 of Breit and Pauli and 1/2 because sigma is the Pauli matrix."""

VALENCE = {  # electrons outside the core of the elements that have an effective charge
    **{Z: Z - 2 for Z in range(3, 10)},
    **{Z: Z - 10 for Z in range(11, 18)},
}


def spin_orbit_integrals(state: Ground, kind: str, numerics: Numerics) -> Array:
    """G of a mean field, (component, basis, basis), atomic units.

    Parameters
    ----------
    kind : amfi (two-electron part in one-centre blocks), somf (full), zeff (scaled nuclei) or bare

    Raises
    ------
    ModelError : an element without an effective charge
    """
    facts = field_facts(state.structure, state.theory, state.charge) | {"spin-orbit": kind}

    def compute() -> Mapping[str, Any]:
        with pyscf_threads(numerics.threads):
            return {"G": _integrals(state, kind)}

    return kept.kept(facts, compute)["G"]


def _integrals(state: Ground, kind: str) -> Array:
    if kind == "zeff":
        return _effective(state)
    if kind == "amfi":
        return one_centre_field(state.basis, state.density)
    nuclei = np.asarray(state.basis.intor("int1e_pnucxp"))
    return nuclei + _full(state) if kind == "somf" else nuclei


def one_centre_field(basis: Any, density: Array) -> Array:
    """G with the two-electron part among the orbitals of each atom only, (component, basis, basis)."""
    found = np.asarray(basis.intor("int1e_pnucxp"))
    for first, last, low, high in basis.aoslice_by_atom():
        own = slice(low, high)
        values = basis.intor("int2e_p1vxp1", shls_slice=(first, last) * 4)
        found[:, own, own] += _screened(values, density[own, own])
    return found


def _screened(values: Array, D: Array) -> Array:
    direct = np.einsum("xijkl,lk->xij", values, D)
    exchange = np.einsum("xijkl,jk->xil", values, D)
    other = np.einsum("xijkl,li->xkj", values, D)
    return np.asarray(direct - 1.5 * (exchange + other))


def _full(state: Ground) -> Array:
    """The two-electron part of all orbitals, integrals made as they are needed."""
    from pyscf.scf import jk

    D = state.density
    scripts = ["ijkl,lk->s1ij", "ijkl,jk->s1il", "ijkl,li->s1kj"]
    direct, exchange, other = jk.get_jk(
        state.basis, [D, D, D], scripts, "int2e_p1vxp1", aosym="s1", comp=3
    )
    return np.asarray(direct - 1.5 * (exchange + other))


def _effective(state: Ground) -> Array:
    """Nuclei with the effective charges of Koseki and others instead of their own."""
    molecule = state.basis
    G = np.zeros((3, *state.density.shape))
    for atom, Z in enumerate(state.structure.numbers):
        with molecule.with_rinv_at_nucleus(atom):
            G -= effective_charge(int(Z)) * np.asarray(molecule.intor("int1e_prinvxp"))
    return G


def effective_charge(Z: int) -> float:
    r"""Effective nuclear charge of an element for the one-electron spin-orbit operator.

    .. math:: Z^* = Z (0.40 + 0.05 n) \ \text{(Li-F)}, \qquad Z (0.925 - 0.0125 n)\ \text{(Na-Cl)}

    with n valence electrons; hydrogen keeps its own.

    Raises
    ------
    ModelError : another element

    References
    ----------
    koseki_1995 (formulas from memory: verify; public codes give the same as the charges of ORCA)
    """
    if Z == 1:
        return 1.0
    if Z not in VALENCE:
        raise ModelError(
            "Parameter `spin_orbit_integrals` must be amfi, somf or bare for elements other than H, Li-F and "
            f"Na-Cl, but is zeff with Z = {Z}"
        )
    n = VALENCE[Z]
    return Z * (0.40 + 0.05 * n if Z < 10 else 0.925 - 0.0125 * n)


def vector(G: Array, a: Array, b: Array) -> Array:
    r"""Spin-orbit vector of two real orbitals, eV.

    .. math:: \Lambda = \frac{\alpha^2}{4} \langle b| G |a\rangle

    The coefficient of :math:`c^+_b \sigma_k c_a` is :math:`i\Lambda_k`.
    """
    return np.asarray(PREFACTOR * np.einsum("m,xmn,n->x", b, G, a))
