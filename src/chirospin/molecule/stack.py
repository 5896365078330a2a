"""A stack: molecules placed, Fock operators of neighbours, Loewdin orbitals, hopping and interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.molecule import kept, spin_orbit
from chirospin.molecule.mean_field import (
    HARTREE,
    Numerics,
    atomic_basis,
    field_facts,
    fitted_closed,
    ground,
    pyscf_threads,
    self_consistent_field,
)
from chirospin.molecule.model import Geometry, Theory
from chirospin.molecule.monomer import Monomer
from chirospin.molecule.repulsion import two_electron_integrals
from chirospin.molecule.structure import (
    MIRROR,
    Structure,
    pivot_of,
    refuse_close,
    superposed,
    turn,
)
from chirospin.molecule.symmetry import block, turned_orbitals

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A molecule of the stack with its two orbitals.

    Parameters
    ----------
    orbitals : a and b in the basis of the molecule, (basis, 2)
    density : of the molecule alone, summed over spin
    energies : of a and b in the molecule alone, eV, (2,)
    vector : spin-orbit vector, eV, (3,)
    match : smallest overlap of an orbital with the first molecule's, laid upon this one
    """

    structure: Structure
    orbitals: Array
    density: Array
    energies: Array
    vector: Array
    match: float


@dataclass(frozen=True, kw_only=True)
class Bond:
    """Two neighbours in their four orbitals (1a, 1b, 2a, 2b), not orthogonal.

    Parameters
    ----------
    fock : eV, (4, 4)
    overlap : (4, 4)
    spin_orbit : the operator of :func:`spin_orbit.vector` between all orbitals, eV, (3, 4, 4)
    repulsion : (ij|kl), eV, (4, 4, 4, 4)
    gradient, cycles : of the iteration of the two
    """

    fock: Array
    overlap: Array
    spin_orbit: Array
    repulsion: Array
    gradient: float
    cycles: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the first molecule of a carried stack lies: x -> matrix (x - pivot); and the twist of the next.

    Parameters
    ----------
    matrix : (3, 3), orthogonal; a reflection for handedness -1
    pivot : angstrom, (3,)
    twist : rad, of the other sign for handedness -1
    """

    matrix: Array
    pivot: Array
    twist: float

    @property
    def axis(self) -> Array:
        """The stacking axis as the molecule sees it before it is placed."""
        return np.asarray(self.matrix.T @ [0.0, 0.0, 1.0])


def placement(molecule: Structure, asked: Geometry) -> Placement:
    """The pivot goes to the axis, the tilt turns about x and then y, handedness -1 reflects."""
    x, y = pivot_of(molecule, asked.pivot)
    matrix = turn(asked.tilt[1], 1) @ turn(asked.tilt[0], 0)
    if asked.handedness < 0:
        matrix = MIRROR @ matrix
    return Placement(
        matrix=matrix, pivot=np.array([x, y, 0.0]), twist=asked.handedness * asked.twist
    )


def turned_and_raised(
    molecule: Structure, place: Placement, asked: Geometry, n: int
) -> tuple[Structure, Array]:
    """Molecule n of a carried stack, from 0, and the rotation that brings it there."""
    rotation = turn(n * place.twist, 2) @ place.matrix
    moved = (molecule.positions - place.pivot) @ rotation.T + [0, 0, n * asked.rise]
    return molecule.at(moved), rotation


def carried_sites(
    monomer: Monomer, pair: tuple[int, int], asked: Geometry, place: Placement
) -> list[Site]:
    """Sites whose orbitals are those of one molecule, carried rigidly.

    Raises
    ------
    ModelError : neighbours that touch
    """
    structure = monomer.state.structure
    a, b = pair
    orbitals = monomer.frame[:, monomer.window[[a, b]]]
    sites = []
    for n in range(asked.molecules):
        there, rotation = turned_and_raised(structure, place, asked, n)
        matrix = turned_orbitals(monomer.state.basis, rotation)
        basis = atomic_basis(there, monomer.state.theory, monomer.state.charge)
        moved = matrix @ orbitals
        own = moved.T @ np.asarray(basis.intor_symmetric("int1e_ovlp")) @ moved
        sites.append(
            Site(
                structure=there,
                orbitals=moved,
                density=matrix @ monomer.state.density @ matrix.T,
                energies=np.array([monomer.energy(a), monomer.energy(b)]),
                vector=np.linalg.det(rotation) * rotation @ monomer.vector(a, b),
                match=1 - float(np.abs(own - np.eye(2)).max()),
            )
        )
    for lower, upper in pairwise(sites):
        refuse_close(lower.structure, upper.structure)
    return sites


def matched_sites(monomers: Sequence[Monomer], pair: tuple[int, int]) -> list[Site]:
    """Sites of the molecules of a file: orbitals that overlap most with the first molecule's, laid upon each.

    Raises
    ------
    ModelError : molecules of different shape, neighbours that touch, or not enough orbitals
    """
    first = monomers[0]
    reference = first.frame[:, first.window[list(pair)]]
    sites = []
    for n, monomer in enumerate(monomers):
        rotation, order, distance = superposed(first.state.structure, monomer.state.structure)
        if distance > LARGEST_DISTANCE:
            raise ModelError(
                f"Parameter `structure` must hold molecules of one shape, but number {n + 1} is {distance:.2f} "
                "angstrom (root mean square) from the first laid upon it; is it the mirror image, or another isomer?"
            )
        laid = _reordered(
            turned_orbitals(first.state.basis, rotation) @ reference, first, monomer, order
        )
        sites.append(_site(monomer, laid, pair))
    for lower, upper in pairwise(sites):
        refuse_close(lower.structure, upper.structure)
    return sites


LARGEST_DISTANCE = 0.5
"""angstrom, root mean square, between molecules laid upon each other: thermal motion is a fifth of it."""


def _reordered(orbitals: Array, first: Monomer, other: Monomer, order: NDArray[np.int64]) -> Array:
    """Coefficients in the order of the other's atoms."""
    here = first.state.basis.aoslice_by_atom()[:, 2:]
    there = other.state.basis.aoslice_by_atom()[:, 2:]
    found = np.empty_like(orbitals)
    for atom, image in enumerate(order):
        (a, b), (c, d) = here[atom], there[image]
        found[c:d] = orbitals[a:b]
    return found


def counterparts(
    first: Monomer, other: Monomer, pair: tuple[int, int]
) -> tuple[tuple[int, int], Array, float]:
    """Orbitals of another geometry or functional that overlap most with a pair of the first molecule.

    Returns
    -------
    places in the other's window, signs (2,), the smaller overlap
    """
    rotation, order, _ = superposed(first.state.structure, other.state.structure)
    reference = first.frame[:, first.window[list(pair)]]
    laid = _reordered(turned_orbitals(first.state.basis, rotation) @ reference, first, other, order)
    return _largest_overlaps(other, laid, pair)


def _largest_overlaps(
    monomer: Monomer, reference: Array, pair: tuple[int, int]
) -> tuple[tuple[int, int], Array, float]:
    half = len(monomer.window) // 2
    start = 0 if pair[0] < half else half
    places = np.arange(start, start + half)
    places = places[monomer.window[places] >= 0]
    window = monomer.frame[:, monomer.window[places]]
    size = np.sqrt(np.einsum("mi,mn,ni->i", reference, monomer.state.overlap, reference))
    overlaps = reference.T @ monomer.state.overlap @ window / size[:, None]
    both = np.abs(overlaps[0])[:, None] + np.abs(overlaps[1])
    np.fill_diagonal(both, -1)
    i, j = np.unravel_index(int(both.argmax()), both.shape)
    found = np.array([overlaps[0, i], overlaps[1, j]])
    return (int(places[i]), int(places[j])), np.sign(found), float(np.abs(found).min())


def _site(monomer: Monomer, reference: Array, pair: tuple[int, int]) -> Site:
    """The two orbitals of a molecule that overlap most with a reference, and their signs."""
    (a, b), signs, match = _largest_overlaps(monomer, reference, pair)
    return Site(
        structure=monomer.state.structure,
        orbitals=monomer.frame[:, monomer.window[[a, b]]] * signs,
        density=monomer.state.density,
        energies=np.array([monomer.energy(a), monomer.energy(b)]),
        vector=monomer.vector(a, b) * signs[0] * signs[1],
        match=match,
    )


def bond(lower: Site, upper: Site, theory: Theory, *, frozen: bool, numerics: Numerics) -> Bond:
    """Fock, overlap, spin-orbit and repulsion integrals of two neighbours.

    Raises
    ------
    ConvergenceError : the two together do not converge
    """
    both = Structure(
        symbols=lower.structure.symbols + upper.structure.symbols,
        positions=np.concatenate([lower.structure.positions, upper.structure.positions]),
    )
    orbitals = block(lower.orbitals, upper.orbitals)
    facts = field_facts(both, theory, 2 * theory.charge) | {"bond": orbitals, "frozen": frozen}

    def compute() -> dict[str, Any]:
        return vars(
            _bond(
                both,
                orbitals,
                block(lower.density, upper.density),
                theory,
                frozen=frozen,
                numerics=numerics,
            )
        )

    found = kept.kept(facts, compute)
    return Bond(
        fock=found["fock"],
        overlap=found["overlap"],
        spin_orbit=found["spin_orbit"],
        repulsion=found["repulsion"],
        gradient=float(found["gradient"]),
        cycles=int(found["cycles"]),
    )


def _bond(
    both: Structure,
    orbitals: Array,
    density: Array,
    theory: Theory,
    *,
    frozen: bool,
    numerics: Numerics,
) -> Bond:
    if frozen:
        basis, fock = _frozen(both, theory, density, numerics)
        gradient, cycles = 0.0, 1
    else:
        state = ground(both, theory, 2 * theory.charge, numerics, guess=density)
        basis, fock, density = state.basis, state.fock, state.density
        gradient, cycles = state.gradient, state.cycles
    overlap = np.asarray(basis.intor_symmetric("int1e_ovlp"))
    with pyscf_threads(numerics.threads):
        G = spin_orbit.one_centre_field(basis, density)
    return Bond(
        fock=HARTREE * orbitals.T @ fock @ orbitals,
        overlap=orbitals.T @ overlap @ orbitals,
        spin_orbit=spin_orbit.PREFACTOR * np.einsum("mi,xmn,nj->xij", orbitals, G, orbitals),
        repulsion=two_electron_integrals(basis, orbitals, numerics.threads),
        gradient=gradient,
        cycles=cycles,
    )


def _frozen(
    both: Structure, theory: Theory, density: Array, numerics: Numerics
) -> tuple[Any, Array]:
    """The Fock matrix of the sum of two densities, built once."""
    basis = atomic_basis(both, theory, 2 * theory.charge)
    with pyscf_threads(numerics.threads):
        field = self_consistent_field(basis, theory)
        fock = np.asarray(field.get_fock(dm=density))
        fitted_closed(field.with_df)
    return basis, fock


@dataclass(frozen=True, kw_only=True)
class StackMatrices:
    """A stack in orthogonal orbitals, eV.

    Parameters
    ----------
    one_body : without spin-orbit coupling, (molecule, orbital, molecule, orbital), real and symmetric
    angles : by which the orbitals of each molecule were turned into each other, rad
    induced : coupling of a and b on a molecule that its neighbours made and the turn removed, largest
    vectors : spin-orbit vectors, (molecule, 3)
    elsewhere : largest spin-orbit element that is left out, over the largest that is kept
    repulsion : (ij|kl) on each molecule, (molecule, 2, 2, 2, 2)
    between : repulsion of an electron in l with one in l' of the next molecule, (bond, 2, 2)
    smallest_overlap : smallest eigenvalue of the overlap of all orbitals
    """

    one_body: Array
    angles: Array
    induced: float
    vectors: Array
    elsewhere: float
    repulsion: Array
    between: Array
    smallest_overlap: float


def assembled(sites: Sequence[Site], bonds: Sequence[Bond], alone: Array | None) -> StackMatrices:
    """Orthogonal orbitals of the whole stack, turned so that no molecule couples its own a and b.

    Parameters
    ----------
    found : of each pair of neighbours
    alone : (ij|kl) of a molecule without neighbours, for a stack of one
    """
    M = len(sites)
    fock, overlap = np.zeros((2, M, 2, M, 2))
    for i, site in enumerate(sites):
        fock[i, :, i] = np.diag(site.energies)
        overlap[i, :, i] = np.eye(2)
    for i, bond in enumerate(bonds):
        F = bond.fock.reshape(2, 2, 2, 2)
        fock[i, :, i] += F[0, :, 0] - np.diag(sites[i].energies)
        fock[i + 1, :, i + 1] += F[1, :, 1] - np.diag(sites[i + 1].energies)
        fock[i, :, i + 1] = F[0, :, 1]
        fock[i + 1, :, i] = F[0, :, 1].T
        S = bond.overlap.reshape(2, 2, 2, 2)
        overlap[i, :, i + 1], overlap[i + 1, :, i] = S[0, :, 1], S[0, :, 1].T
    inverse, smallest = _inverse_root(overlap.reshape(2 * M, 2 * M))
    h = (inverse @ fock.reshape(2 * M, 2 * M) @ inverse).reshape(M, 2, M, 2)
    turns = np.array([_smaller_turn(h[i, :, i]) for i in range(M)])
    induced = max(abs(float(h[i, 0, i, 1])) for i in range(M))
    rotation = np.zeros((M, 2, M, 2))
    for i, angle in enumerate(turns):
        rotation[i, :, i] = _rotation(angle)
    R = rotation.reshape(2 * M, 2 * M)
    h = (R.T @ h.reshape(2 * M, 2 * M) @ R).reshape(M, 2, M, 2)
    vectors = np.array([site.vector for site in sites])
    local, between, share = _interactions(bonds, turns, vectors)
    return StackMatrices(
        one_body=(h + h.transpose(2, 3, 0, 1)) / 2,
        angles=turns,
        induced=induced,
        vectors=vectors,
        elsewhere=share,
        repulsion=np.array([alone]) if alone is not None else local,
        between=between,
        smallest_overlap=smallest,
    )


def _inverse_root(overlap: Array) -> tuple[Array, float]:
    size, vectors = np.linalg.eigh(overlap)
    if size[0] < SMALLEST_OVERLAP:
        raise ModelError(
            "Neighbours in the stack must have distinct orbitals, but theirs overlap so much that the smallest "
            f"eigenvalue of the overlap is {size[0]:.1e}; raise `rise`"
        )
    return (vectors / np.sqrt(size)) @ vectors.T, float(size[0])


SMALLEST_OVERLAP = 1e-3
"""Eigenvalue of the overlap: below, orthogonal orbitals belong to no molecule."""


def _smaller_turn(block: Array) -> float:
    """Angle below 45 degrees by which two orbitals are turned to be uncoupled."""
    difference = block[1, 1] - block[0, 0]
    coupling = (block[0, 1] + block[1, 0]) / 2
    if coupling == 0:
        return 0.0
    return float(0.5 * np.arctan2(2 * coupling * np.sign(difference or 1), abs(difference)))


def _rotation(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])


def _interactions(
    bonds: Sequence[Bond], turns: Array, vectors: Array
) -> tuple[Array, Array, float]:
    """Repulsion on each molecule and between neighbours, and the spin-orbit elements that are left out."""
    local: list[list[Array]] = [[] for _ in range(len(bonds) + 1)]
    between, left = [], 0.0
    for i, bond in enumerate(bonds):
        X = _inverse_root(bond.overlap)[0] @ block(_rotation(turns[i]), _rotation(turns[i + 1]))
        values = np.einsum("pqrs,pi,qj,rk,sl->ijkl", bond.repulsion, X, X, X, X, optimize=True)
        local[i].append(values[:2, :2, :2, :2])
        local[i + 1].append(values[2:, 2:, 2:, 2:])
        between.append(np.einsum("iikk->ik", values)[:2, 2:])
        G = np.einsum("xpq,pi,qj->xij", bond.spin_orbit, X, X)
        left = max(left, float(np.linalg.norm(G[:, :2, 2:], axis=0).max()))
    size = float(np.linalg.norm(vectors, axis=1).max(initial=0.0))
    means = [np.mean(values, axis=0) for values in local if values]
    return (
        np.array(means).reshape(-1, 2, 2, 2, 2),
        np.array(between).reshape(-1, 2, 2),
        left / size if size > NO_VECTOR else 0.0,
    )


NO_VECTOR = 1e-7
"""eV: a spin-orbit vector below comes from the integration grid."""
