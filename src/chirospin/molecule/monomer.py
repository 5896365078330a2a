"""A molecule solved: orbitals in the window, spin-orbit vectors of their pairs, the pair that counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.outcome import Outcome
from chirospin.molecule import spin_orbit
from chirospin.molecule.mean_field import HARTREE, Ground, Numerics, ground, refuse_open_shell
from chirospin.molecule.model import Theory
from chirospin.molecule.repulsion import Repulsion
from chirospin.molecule.structure import Structure
from chirospin.molecule.symmetry import (
    Operation,
    adapted,
    allowed_directions,
    operations,
    parities,
    reason,
)

Array = NDArray[np.float64]
Z_AXIS = np.array([0.0, 0.0, 1.0])
SMALLEST_GAP = 1e-4
"""eV: orbitals that are closer are ranked as if they were this far apart."""
RESOLVED = 1e-7
"""eV: spin-orbit vectors below come from the integration grid."""


@dataclass(frozen=True, kw_only=True)
class Monomer:
    """A molecule, upright, with its orbitals and the spin-orbit vectors among them.

    Parameters
    ----------
    frame : all orbitals in columns, degenerate ones with parities
    window : indices of the orbitals looked at, (orbital,); -1 where there is none
    operations : its symmetries
    parity : (operation, orbital of the window)
    G : spin-orbit integrals, (component, basis, basis)
    """

    state: Ground
    frame: Array
    window: NDArray[np.int64]
    operations: tuple[Operation, ...]
    parity: NDArray[np.int64]
    G: Array

    def vector(self, a: int, b: int) -> Array:
        """Spin-orbit vector of two orbitals by their places in the window, eV."""
        return spin_orbit.vector(
            self.G, self.frame[:, self.window[a]], self.frame[:, self.window[b]]
        )

    def energy(self, place: int) -> float:
        """Orbital energy by the place in the window, eV; NaN where there is none."""
        n = self.window[place]
        return float(HARTREE * self.state.energies[n]) if n >= 0 else float("nan")


def solved_molecule(
    structure: Structure, theory: Theory, window: int, integrals: str, numerics: Numerics
) -> Monomer:
    """Ground state, orbitals and spin-orbit integrals of a molecule.

    Raises
    ------
    ModelError : an open shell, or fewer than two orbitals on either side of the gap
    ConvergenceError : not converged
    """
    refuse_open_shell(structure, theory)
    state = ground(structure, theory, theory.charge, numerics)
    places = np.arange(state.filled - window, state.filled + window)
    places = np.where((places >= 0) & (places < state.coefficients.shape[1]), places, -1)
    if (places[:window] >= 0).sum() < 2 and (places[window:] >= 0).sum() < 2:
        raise ModelError(
            "Parameter `structure` must have two filled or two empty orbitals in the basis, but has "
            f"{state.filled} filled of {state.coefficients.shape[1]}"
        )
    found = operations(structure)
    frame = adapted(state, found)
    return Monomer(
        state=state,
        frame=frame,
        window=places,
        operations=found,
        parity=parities(state, frame[:, places], found) * (places >= 0),
        G=spin_orbit.spin_orbit_integrals(state, integrals, numerics),
    )


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of filled orbitals, then of empty ones.

    Parameters
    ----------
    places : in the window, (pair, 2)
    vectors : spin-orbit vectors, eV, (pair, component)
    gaps : ``|e_b - e_a|``, eV, (pair,)
    mixing : ``|Lambda across the axis|`` / gap, (pair,)
    allowed : squared length of the components that symmetry forbids over the whole, (pair,)
    reasons : why a vector has no part across the axis, in words; empty where it has
    """

    places: NDArray[np.int64]
    vectors: Array
    gaps: Array
    mixing: Array
    forbidden: Array
    reasons: tuple[str, ...]

    @property
    def order(self) -> NDArray[np.int64]:
        """Pairs from the strongest mixing down; those that do not exist last."""
        return np.argsort(-np.nan_to_num(self.mixing, nan=-1.0), kind="stable")


def ranked(monomer: Monomer, axis: Array = Z_AXIS) -> Pairs:
    """All pairs of a window on one side of the gap, for a stacking axis in the frame of the molecule."""
    half = len(monomer.window) // 2
    places = np.array(
        [
            (start + i, start + j)
            for start in (0, half)
            for i in range(half)
            for j in range(i + 1, half)
        ]
    )
    exists = (monomer.window[places] >= 0).all(axis=1)
    energies = np.array([monomer.energy(n) for n in range(2 * half)])
    vectors = np.array([monomer.vector(a, b) for a, b in places])
    vectors = np.where(exists[:, None], vectors, np.nan)
    gaps = np.abs(energies[places[:, 1]] - energies[places[:, 0]])
    across = np.linalg.norm(vectors - np.outer(vectors @ axis, axis), axis=1)
    across = np.where(across > RESOLVED, across, 0 * across)
    parity = monomer.parity
    free = [allowed_directions(monomer.operations, parity[:, a], parity[:, b]) for a, b in places]
    broken = np.linalg.norm(
        np.einsum("pij,pj->pi", np.eye(3) - np.array(free), np.nan_to_num(vectors)), axis=1
    )
    reasons = tuple(
        reason(monomer.operations, parity[:, a], parity[:, b], axis) if there else ""
        for (a, b), there in zip(places, exists, strict=True)
    )
    return Pairs(
        places=places,
        vectors=vectors,
        gaps=gaps,
        mixing=across / np.maximum(gaps, SMALLEST_GAP),
        forbidden=broken,
        reasons=reasons,
    )


def chosen(pairs: Pairs, names: tuple[str, ...], wanted: tuple[str, str] | None) -> tuple[int, int]:
    """Places in the window of the orbitals a and b.

    Raises
    ------
    ModelError : orbitals that the basis does not have
    """
    if wanted is None:
        a, b = pairs.places[pairs.order[0]]
        return int(a), int(b)
    a, b = (names.index(name) for name in wanted)
    known = {
        frozenset(place.tolist()): gap for place, gap in zip(pairs.places, pairs.gaps, strict=True)
    }
    if not np.isfinite(known[frozenset((a, b))]):
        raise ModelError(
            f"Parameter `pair` must be two orbitals that the molecule has in this basis, but is {','.join(wanted)}"
        )
    return a, b


@dataclass(frozen=True, kw_only=True)
class MoleculeState:
    """A molecule with the pair that was chosen.

    Parameters
    ----------
    pair : places of a and b in the window
    repulsion : between electrons of the pair
    """

    monomer: Monomer
    pairs: Pairs
    pair: tuple[int, int]
    repulsion: Repulsion
    outcome: Outcome
