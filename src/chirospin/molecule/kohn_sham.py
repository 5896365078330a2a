"""The method: Kohn-Sham orbitals by PySCF, spin-orbit coupling in first order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.method import FailedState, Method
from chirospin.base.outcome import Outcome
from chirospin.molecule import monomer as alone
from chirospin.molecule import stack
from chirospin.molecule.mean_field import Numerics
from chirospin.molecule.model import (
    Molecule,
    MoleculeStack,
    axis_text,
    chosen_pair,
    frame_of,
    frozen_dimer,
    geometry,
    orbital_names,
    screening,
    theory,
    two_electron_part,
)
from chirospin.molecule.monomer import MoleculeState, Monomer
from chirospin.molecule.repulsion import Repulsion, bare, screened_repulsion, two_electron_integrals
from chirospin.molecule.structure import MIRROR, Structure, direction, molecules, upright

REFERENCES = ("neese_2005", "sun_2020", "larsen_2017", "becke_1993", "weigend_2005")


def _cores() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(int(given) if given.isdigit() and int(given) else free, free)


class KohnSham(Method):
    """Orbitals of a closed-shell molecule and the spin-orbit coupling among them."""

    name: ClassVar[str] = "kohn-sham"
    summary: ClassVar[str] = "Kohn-Sham orbitals by PySCF, mean-field spin-orbit coupling"
    references: ClassVar[tuple[str, ...]] = REFERENCES

    cycles: int = Field(default=200, ge=1, le=10000, description="of the self-consistent field")
    threads: int = Field(
        default=1, ge=0, le=1024, description="that PySCF may use; 0 for all cores of the process"
    )

    def solve_many(self, models: Sequence[Molecule]) -> Iterator[MoleculeState | FailedState]:
        """One state per model; those that do not converge say so."""
        for model in models:
            try:
                yield self._state(model)
            except ConvergenceError as error:
                yield FailedState(outcome=error.outcome)

    def numerics(self) -> Numerics:
        """Cycles and threads."""
        return Numerics(cycles=self.cycles, threads=self.threads or _cores())

    def _state(self, model: Molecule) -> MoleculeState:
        names, wanted = orbital_names(model), chosen_pair(model)
        monomer = self.upright_monomer(model)
        pairs = alone.ranked(monomer)
        pair = alone.chosen(pairs, names, wanted)
        a, b = monomer.window[list(pair)]
        values = two_electron_integrals(
            monomer.state.basis, monomer.frame[:, [a, b]], self.numerics().threads
        )
        repulsion = screened_repulsion(
            monomer.state,
            monomer.frame,
            (int(a), int(b)),
            bare(values),
            screening(model),
            self.numerics(),
        )
        return MoleculeState(
            monomer=monomer,
            pairs=pairs,
            pair=pair,
            repulsion=repulsion,
            outcome=_outcome([monomer]),
        )

    def upright_monomer(self, model: Molecule) -> Monomer:
        """The one molecule of a file, its stacking axis along z.

        Raises
        ------
        ModelError : a file of several molecules
        """
        parts = molecules(frame_of(model))
        if len(parts) > 1:
            raise ModelError(
                f"Parameter `structure` must hold one molecule, but its bonds cut it into {len(parts)}; "
                "use molecule.stack"
            )
        return self.monomer(model, upright(parts[0], direction(parts[0], axis_text(model))))

    def monomer(self, model: Molecule, structure: Structure) -> Monomer:
        """A molecule by the theory of a model, wherever it lies."""
        names = orbital_names(model)
        return alone.solved_molecule(
            structure, theory(model), len(names) // 2, two_electron_part(model), self.numerics()
        )


def _outcome(monomers: Sequence[Monomer], bonds: Sequence[stack.Bond] = ()) -> Outcome:
    gradients = [monomer.state.gradient for monomer in monomers] + [bond.gradient for bond in bonds]
    cycles = sum(monomer.state.cycles for monomer in monomers) + sum(bond.cycles for bond in bonds)
    return Outcome(converged=True, residual=max(gradients), iterations=cycles)


@dataclass(frozen=True, kw_only=True)
class StackState:
    """A stack in orthogonal orbitals.

    Parameters
    ----------
    first : the first molecule, and its pairs
    sites : molecules in the order along the axis
    repulsion : screened, mean over the molecules, eV
    unscreened : the same without screening
    spread : largest difference of an unscreened repulsion among the molecules, eV
    between : screened repulsion of electrons on neighbours, eV
    energies : of a and b on each molecule, in the model that counts electrons from the empty pair, eV
    """

    first: Monomer
    pairs: alone.Pairs
    pair: tuple[int, int]
    sites: tuple[stack.Site, ...]
    matrices: stack.StackMatrices
    repulsion: Repulsion
    unscreened: Repulsion
    spread: float
    between: float
    energies: alone.Array
    outcome: Outcome

    @property
    def holes(self) -> bool:
        """Whether the pair is filled in the neutral stack."""
        return self.pair[0] < len(self.first.window) // 2


class StackedKohnSham(KohnSham):
    """Neighbours by the Fock operator of both, in orthogonal orbitals of the molecules."""

    summary: ClassVar[str] = "dimers of neighbours by PySCF, Loewdin orbitals of the molecules"
    references: ClassVar[tuple[str, ...]] = (*REFERENCES, "loewdin_1950")

    def _state(self, model: MoleculeStack) -> StackState:  # type: ignore[override]
        monomers, pairs, pair, sites = self._sites(model)
        numerics = self.numerics()
        first = monomers[0]
        asked, frozen = theory(model), frozen_dimer(model)
        bonds = [
            stack.bond(lower, upper, asked, frozen=frozen, numerics=numerics)
            for lower, upper in pairwise(sites[:2] if len(monomers) == 1 else sites)
        ]
        outcome = _outcome(monomers, bonds)
        if len(monomers) == 1:  # neighbours of a carried stack are alike
            bonds = bonds * (len(sites) - 1)
        values = None
        if len(sites) == 1:
            values = two_electron_integrals(first.state.basis, sites[0].orbitals, numerics.threads)
        matrices = stack.assembled(sites, bonds, values)
        every = [bare(own) for own in matrices.repulsion]
        mean = bare(matrices.repulsion.mean(axis=0))
        a, b = (int(n) for n in first.window[list(pair)])
        kind = screening(model)
        repulsion = screened_repulsion(first.state, first.frame, (a, b), mean, kind, numerics)
        medium = kind.dielectric_constant
        return StackState(
            first=first,
            pairs=pairs,
            pair=pair,
            sites=tuple(sites),
            matrices=matrices,
            repulsion=repulsion,
            unscreened=mean,
            spread=max(
                max(abs(getattr(one, n) - getattr(mean, n)) for one in every)
                for n in ("a", "b", "singlet", "hund")
            ),
            between=float(matrices.between.mean()) / medium if matrices.between.size else 0.0,
            energies=_levels(matrices, repulsion, holes=a < first.state.filled),
            outcome=outcome,
        )

    def first_molecule(self, model: MoleculeStack) -> tuple[Monomer, tuple[int, int]]:
        """The first molecule of a stack and the places of its pair in the window."""
        whole = frame_of(model)
        part = molecules(upright(whole, direction(whole, axis_text(model))))[0]
        monomer = self.monomer(model, part)
        return monomer, alone.chosen(
            alone.ranked(monomer), orbital_names(model), chosen_pair(model)
        )

    def _sites(
        self, model: MoleculeStack
    ) -> tuple[list[Monomer], alone.Pairs, tuple[int, int], list[stack.Site]]:
        """The molecules, from one that is carried or from a file that holds them all."""
        names, wanted = orbital_names(model), chosen_pair(model)
        whole, asked = frame_of(model), geometry(model)
        turned = upright(whole, direction(whole, axis_text(model)))
        parts = molecules(turned)
        if len(parts) == 1:
            monomer = self.monomer(model, parts[0])
            place = stack.placement(parts[0], asked)
            pairs = alone.ranked(monomer, place.axis)
            pair = alone.chosen(pairs, names, wanted)
            return [monomer], pairs, pair, stack.carried_sites(monomer, pair, asked, place)
        _refuse_geometry(len(parts), given=asked.given)
        if asked.handedness < 0:
            parts = [part.at(part.positions @ MIRROR.T) for part in parts]
        monomers = [self.monomer(model, part) for part in parts]
        pairs = alone.ranked(monomers[0])
        pair = alone.chosen(pairs, names, wanted)
        return monomers, pairs, pair, stack.matched_sites(monomers, pair)


def sites_asked(model: MoleculeStack) -> int:
    """Molecules in the stack: those of the file if it holds several, else as many as asked for.

    Raises
    ------
    ModelError : a file that holds another number than `molecules`
    """
    held, asked = len(molecules(frame_of(model))), geometry(model).molecules
    return asked if held == 1 else held


def _refuse_geometry(count: int, *, given: bool) -> None:
    if given:
        raise ModelError(
            f"Parameter `structure` holds {count} molecules, so that twist, rise, tilt and pivot are those of the "
            "file; leave them out"
        )


def _levels(matrices: stack.StackMatrices, U: Repulsion, *, holes: bool) -> alone.Array:
    r"""Energies of the model that counts electrons from the empty pair, (molecule, 2), eV.

    .. math:: e_l = F_{ll} - (U_l + U^s_{ab} + U^t_{ab}) \text{ for a filled pair}, \quad F_{ll} \text{ else}
    """
    M = len(matrices.one_body)
    fock = np.array([np.diag(matrices.one_body[i, :, i]) for i in range(M)]) + np.array(U.levels)
    if not holes:
        return np.asarray(fock)
    return np.asarray(fock - np.array([U.a, U.b]) - U.singlet - U.triplet)
