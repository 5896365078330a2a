"""A Hamiltonian with what is known of its symmetry, found once for all methods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chirospin.crystal.bloch import Array, Bloch, Integers
from chirospin.crystal.certificate import SpinCertificate, certify
from chirospin.crystal.kept import bands_on_grid
from chirospin.crystal.model import (
    Crystal,
    bloch_hamiltonian,
    group_choice,
    is_spinless,
    matrices_of,
    surroundings,
)
from chirospin.crystal.symmetry import declared_group, octahedral, on_reciprocal
from chirospin.wannier.real_space import Operation

SAMPLED = 6  # points along a direction at which bands are looked at for whether one passes the Fermi level
TRUSTED = 1e-6  # eV of the defect of a symmetry by which points of k are left out
TRUSTED_SPIN = 1e-4  # hbar; a sound file has 2e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A Hamiltonian with what is known of its symmetry.

    Parameters
    ----------
    operations : the point group as declared or found, None without one
    spans : smallest and largest energies of every band on a coarse grid, eV, (2, n)
    stars : those by which points of k may be left out, and the same on reciprocal vectors
    """

    bloch: Bloch
    operations: tuple[Operation, ...] | None
    certificate: SpinCertificate
    stars: tuple[Operation, ...]
    turns: tuple[Integers, ...]
    spinless: bool
    distances_missing: bool
    spans: Array

    def crossed(self, level: float) -> bool:
        """Whether a band that was sampled passes the Fermi level."""
        return bool(((self.spans[0] <= level) & (level <= self.spans[1])).any())


def _spans(bloch: Bloch) -> Array:
    """Smallest and largest energy of every band on a coarse grid, (2, n)."""
    points = np.full(3, SAMPLED)
    index = np.stack(np.unravel_index(np.arange(SAMPLED**3), tuple(points)), axis=-1)
    E = bands_on_grid(bloch, index, points, np.zeros(3))
    return np.stack([E.min(axis=0), E.max(axis=0)])


def subject_of(model: Crystal) -> Subject:
    """The Hamiltonian of a model and its certificate, kept while the files stay as they are."""
    bloch = bloch_hamiltonian(model)
    matrices = matrices_of(model)
    spinless = is_spinless(model)
    if model.hamiltonian == "cubic":
        operations: tuple[Operation, ...] | None = octahedral()
    else:
        operations = declared_group(group_choice(model), matrices)
    certificate = SpinCertificate()
    stars: tuple[Operation, ...] = ()
    if bloch.cell is not None:
        of_atoms = matrices is not None and matrices.operations is None
        if of_atoms and operations and certify(bloch, None, spinless=spinless).magnetic:
            operations = None  # the atoms do not say which of their rotations the moments keep
        certificate = certify(bloch, operations, spinless=spinless)
        stars = _trusted(operations, certificate)
    cell = bloch.cell
    return Subject(
        bloch=bloch,
        operations=operations,
        certificate=certificate,
        stars=stars,
        turns=() if cell is None else tuple(on_reciprocal(g, cell) for g in stars),
        spinless=spinless,
        distances_missing=matrices is not None and matrices.distances_missing,
        spans=np.zeros((2, 0)) if cell is None else _spans(bloch),
    )


def kept_subject(model: Crystal, *, of_band: bool = False) -> Subject:
    """The same, found anew only where something other than Fermi level and temperature differs."""
    return _kept(*surroundings(model, of_band=of_band))


@lru_cache(maxsize=8)
def _kept(model: Crystal, stamp: Any) -> Subject:
    return subject_of(model)


def _trusted(
    operations: tuple[Operation, ...] | None, certificate: SpinCertificate
) -> tuple[Operation, ...]:
    """The elements by which points of k may be left out: what the Hamiltonian and its spin obey."""

    def sound(energy: float, spin: float) -> bool:
        return energy <= TRUSTED and not spin > TRUSTED_SPIN

    reversal = sound(certificate.tr_energy, certificate.tr_spin)
    if operations and sound(certificate.crystal_energy, certificate.crystal_spin):
        return tuple(g for g in operations if reversal or not g.reversal)
    if not reversal:
        return ()
    return tuple(Operation(rotation=np.eye(3), reversal=t) for t in (False, True))
