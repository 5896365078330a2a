"""Kohn-Sham ground states and charged states by PySCF: quiet, bounded, kept, resumable."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.memory import available_bytes
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.molecule import kept
from chirospin.molecule.model import Theory
from chirospin.molecule.structure import HEAVIEST, Structure, formula

Array = NDArray[np.float64]
HARTREE = 27.211386245988
"""eV."""
BOHR = 0.529177210903
"""angstrom."""
ENERGY_TOLERANCE = 1e-10
"""hartree, of the total energy between two cycles."""
GRADIENT_TOLERANCE = 1e-6
"""hartree: orbital energies are then good to 1e-6 eV, a thousandth of the smallest hopping that matters."""
SAVED_EVERY = 5.0  # seconds between densities that a killed run goes on from
SHARE_OF_MEMORY = 0.5
FIRST_CYCLES = 40  # of charged states, before second-order steps take over
COARSE_GRID = 0  # of PySCF's levels, for the first cycles of charged states
_ONE_AT_A_TIME = threading.RLock()  # PySCF's settings are the process's own
_LOG = logging.getLogger("chirospin.molecule")


@dataclass(frozen=True, kw_only=True)
class Numerics:
    """Settings of the iteration: most cycles, and threads."""

    cycles: int
    threads: int


@contextmanager
def pyscf_threads(threads: int) -> Iterator[None]:
    """PySCF alone, with this many threads."""
    from pyscf import lib

    with _ONE_AT_A_TIME, lib.with_omp_threads(threads), blas_threads(threads):
        yield


def atomic_basis(structure: Structure, theory: Theory, charge: int = 0, spin: int = 0) -> Any:
    """PySCF's molecule: integrals and basis, of a total charge in e and a number of unpaired electrons.

    Raises
    ------
    ModelError : no such basis for an element, or one that hides the core
    """
    from pyscf import gto

    atoms = list(zip(structure.symbols, structure.positions.tolist(), strict=True))
    try:
        with warnings.catch_warnings():  # of another package that might know more basis sets
            warnings.simplefilter("ignore")
            molecule = gto.M(
                atom=atoms, basis=theory.basis, charge=charge, spin=spin, unit="Angstrom", verbose=0
            )
    except Exception as error:  # PySCF has many kinds
        words = " ".join(str(error).split())
        raise ModelError(
            f"Parameter `basis` must be a basis set that has {', '.join(dict.fromkeys(structure.symbols))}, "
            f"but is {theory.basis!r}: {words}"
        ) from None
    if molecule.has_ecp() or _core_missing(structure, theory.basis):
        raise ModelError(
            f"Parameter `basis` must be an all-electron basis set up to Z = {HEAVIEST}, whose cores carry the "
            f"spin-orbit coupling, but is {theory.basis!r}"
        )
    molecule.max_memory = SHARE_OF_MEMORY * available_bytes() / 1e6
    return molecule


def _core_missing(structure: Structure, basis: str) -> bool:
    """Whether a basis set comes with a potential in place of the core of any element here."""
    from pyscf.gto.basis import load_ecp

    for symbol in dict.fromkeys(structure.symbols):
        try:
            if load_ecp(basis, symbol):
                return True
        except Exception:  # no potential of that name; PySCF has many kinds
            continue
    return False


def refuse_open_shell(structure: Structure, theory: Theory) -> None:
    """Refuse what has no closed shell or no functional, before anything is computed.

    Raises
    ------
    ModelError : an odd number of electrons, or none, or a functional that PySCF does not know
    """
    from pyscf.dft import libxc

    electrons = int(structure.numbers.sum()) - theory.charge
    if electrons < 2 or electrons % 2:
        raise ModelError(
            f"Parameter `charge` must leave {formula(structure)} an even number of electrons, at least 2, in "
            f"closed shells, but {theory.charge:+d} leaves {electrons}"
        )
    try:
        parts = libxc.parse_xc(theory.functional)[1]
        known = all(number in set(libxc.XC_CODES.values()) for number, _ in parts)
    except Exception:  # PySCF has many kinds
        known = False
    if not known or not any(letter.isalpha() for letter in theory.functional):
        raise ModelError(
            "Parameter `functional` must be one that PySCF knows by name, as b3lyp, pbe0 or cam-b3lyp, but is "
            f"{theory.functional!r}"
        )


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A closed-shell ground state in atomic orbitals; hartree, atomic units.

    Parameters
    ----------
    coefficients : orbitals in columns, (basis, orbital), real and orthonormal
    energies : of the orbitals, (orbital,)
    filled : number of filled orbitals
    energy : total
    gradient : largest element of the orbital gradient at the end
    cycles : of the iteration
    """

    structure: Structure
    theory: Theory
    charge: int
    coefficients: Array
    energies: Array
    filled: int
    energy: float
    gradient: float
    cycles: int

    @cached_property
    def basis(self) -> Any:
        """PySCF's molecule."""
        return atomic_basis(self.structure, self.theory, self.charge)

    @cached_property
    def overlap(self) -> Array:
        """Of the atomic orbitals."""
        return np.asarray(self.basis.intor_symmetric("int1e_ovlp"))

    @property
    def density(self) -> Array:
        """Density matrix, summed over spin."""
        filled = self.coefficients[:, : self.filled]
        return np.asarray(2 * filled @ filled.T)

    @property
    def fock(self) -> Array:
        """Fock (Kohn-Sham) matrix in atomic orbitals: S C e C^T S."""
        half = self.overlap @ self.coefficients
        return np.asarray((half * self.energies) @ half.T)


def field_facts(structure: Structure, theory: Theory, charge: int) -> dict[str, Any]:
    """What a mean field depends on."""
    import pyscf

    return {
        "symbols": list(structure.symbols),
        "positions": structure.positions,
        "functional": theory.functional,
        "basis": theory.basis,
        "charge": charge,
        "pyscf": pyscf.__version__,
    }


def ground(
    structure: Structure,
    theory: Theory,
    charge: int,
    numerics: Numerics,
    guess: Array | None = None,
) -> Ground:
    """The closed-shell ground state.

    Parameters
    ----------
    charge : of the whole structure, e
    guess : density matrix to begin with

    Raises
    ------
    ConvergenceError : not within the cycles allowed
    """
    facts = field_facts(structure, theory, charge)

    def compute() -> Mapping[str, Any]:
        with pyscf_threads(numerics.threads):
            field = self_consistent_field(atomic_basis(structure, theory, charge), theory)
            return _converged(field, numerics, facts, guess, f"{formula(structure)} {charge:+d}")

    found = kept.kept(facts, compute)
    electrons = int(structure.numbers.sum()) - charge
    return Ground(
        structure=structure,
        theory=theory,
        charge=charge,
        coefficients=found["coefficients"],
        energies=found["energies"],
        filled=electrons // 2,
        energy=float(found["energy"]),
        gradient=float(found["gradient"]),
        cycles=int(found["cycles"]),
    )


def self_consistent_field(molecule: Any, theory: Theory, *, open_shell: bool = False) -> Any:
    """PySCF's mean field with density fitting, not yet iterated; Hartree-Fock needs no grid."""
    from pyscf import dft, scf

    if theory.functional == "hf":
        field = (scf.UHF if open_shell else scf.RHF)(molecule)
    else:
        field = (dft.UKS if open_shell else dft.RKS)(molecule, xc=theory.functional)
    field.chkfile = None
    field._chkfile.close()  # an open file for each field, which nothing here reads
    return field.density_fit()


def _converged(
    field: Any, numerics: Numerics, facts: Mapping[str, Any], guess: Array | None, title: str
) -> dict[str, Any]:
    """Iterate to the end, saving the density on the way; go on from one that a killed run left."""
    partial = kept.key_of({**facts, "partial": True})
    left = kept.read_kept(partial)
    cycles = _report(field, title, partial)
    field.conv_tol, field.conv_tol_grad = ENERGY_TOLERANCE, GRADIENT_TOLERANCE
    field.max_cycle = numerics.cycles
    field.kernel(dm0=guess if left is None else left["density"])
    fitted_closed(field.with_df)
    gradient = float(np.abs(field.get_grad(field.mo_coeff, field.mo_occ)).max(initial=0.0))
    if not field.converged:
        raise _not_converged(title, gradient, cycles[0])
    kept.forget(partial)
    return {
        "coefficients": field.mo_coeff,
        "energies": field.mo_energy,
        "energy": field.e_tot,
        "gradient": gradient,
        "cycles": cycles[0],
    }


def fitted_closed(fitting: Any) -> None:
    """Close the file that density fitting opens for integrals too large for the memory."""
    file = fitting._cderi_to_save
    if hasattr(file, "close"):
        file.close()


def _not_converged(title: str, gradient: float, cycles: int) -> ConvergenceError:
    reason = (
        f"the self-consistent field of {title} is not reached in {cycles} cycles; raise --option cycles, check "
        "charge and geometry, or take another functional"
    )
    outcome = Outcome(converged=False, residual=gradient, iterations=cycles, reason=reason)
    return ConvergenceError(reason, outcome)


def _report(field: Any, title: str, partial: str) -> list[int]:
    """Say how an iteration goes, and save its density now and then; counts the cycles."""
    count = [0]
    last = [time.monotonic()]

    def after(values: dict[str, Any]) -> None:
        count[0] += 1
        _LOG.info(
            "%s: cycle %d, energy %.8f hartree, gradient %.1e",
            title,
            count[0],
            values["e_tot"],
            values["norm_gorb"],
        )
        if partial and time.monotonic() - last[0] >= SAVED_EVERY:
            last[0] = time.monotonic()
            kept.write(partial, {"density": np.asarray(values["dm"])})

    field.callback = after
    return count


Holes = tuple[tuple[int, ...], tuple[int, ...]]


def charged_energy(
    neutral: Ground,
    frame: Array,
    changes: Holes,
    filling: int,
    medium: float,
    numerics: Numerics,
) -> float:
    """Total energy with electrons taken from, or given to, named orbitals; hartree.

    Parameters
    ----------
    frame : orbitals of the neutral molecule in which the changes are named, (basis, orbital)
    changes : orbitals whose occupation changes, spin up and spin down
    filling : -1 takes electrons, +1 gives them
    medium : dielectric constant of a polarisable continuum; 1 for none

    Raises
    ------
    ConvergenceError : not within the cycles allowed
    """
    ends = [_occupations(neutral, frame.shape[1], holes, filling) for holes in changes]
    sizes = [int(end.sum()) for end in ends]
    charge = neutral.charge + 2 * neutral.filled - sum(sizes)
    facts = field_facts(neutral.structure, neutral.theory, charge) | {
        "up": ends[0].tolist(),
        "down": ends[1].tolist(),
        "frame": np.abs(frame[:, ends[0] + ends[1] > 0]).sum(axis=0),
        "medium": medium,
    }

    def compute() -> Mapping[str, Any]:
        with pyscf_threads(numerics.threads):
            return _charged(neutral, frame, ends, facts, numerics)

    return float(kept.kept(facts, compute)["energy"])


def _occupations(neutral: Ground, orbitals: int, holes: tuple[int, ...], filling: int) -> Array:
    filled = np.zeros(orbitals)
    filled[: neutral.filled] = 1
    filled[list(holes)] += filling
    return filled


def _charged(
    neutral: Ground,
    frame: Array,
    ends: list[Array],
    facts: Mapping[str, Any],
    numerics: Numerics,
) -> dict[str, Any]:
    """The state whose orbitals overlap most with those that are named; goes on from where a killed run was."""
    partial = kept.key_of({**facts, "partial": True})
    left = kept.read_kept(partial)
    field = _open_shell(neutral, ends, facts["charge"], facts["medium"])
    named = [frame[:, end > 0] for end in ends]
    field.get_occ = _occupied(field, named, neutral.overlap)
    title = f"{formula(neutral.structure)} {facts['charge']:+d}"
    cycles = _report(field, title, partial)
    field.max_cycle = numerics.cycles
    begin = np.array([one @ one.T for one in named])
    if left is not None:
        begin = left["density"]
    elif hasattr(field, "grids"):  # most of the way on a coarse grid
        begin = _on_coarse_grid(field, begin)
    field.conv_tol, field.conv_tol_grad = 1e-8, 1e-4  # energies to 1e-6 eV
    field.max_cycle = min(FIRST_CYCLES, numerics.cycles)
    field.kernel(dm0=begin)
    if not field.converged and numerics.cycles > FIRST_CYCLES:  # round in circles: by second order
        first, field = field, field.newton()
        field.callback, field.max_cycle = first.callback, numerics.cycles
        field.kernel(np.array([frame, frame]), np.array(ends))
    fitted_closed(field.with_df)
    if not field.converged:
        raise _not_converged(title, float("nan"), cycles[0])
    kept.forget(partial)
    return {"energy": field.e_tot}


def _open_shell(neutral: Ground, ends: list[Array], charge: int, medium: float) -> Any:
    """PySCF's mean field of a charged molecule, in a medium if it has a dielectric constant above 1."""
    up, down = (int(end.sum()) for end in ends)
    molecule = atomic_basis(neutral.structure, neutral.theory, charge, up - down)
    field = self_consistent_field(molecule, neutral.theory, open_shell=True)
    if medium > 1:
        field = field.PCM()
        field.with_solvent.method = "IEF-PCM"
        field.with_solvent.eps = medium
        field.with_solvent.verbose = 0
    return field


def _occupied(field: Any, named: list[Array], overlap: Array) -> Callable[..., Array]:
    """Fills the orbitals that overlap most with those that are named."""

    def occupied(mo_energy: Any = None, mo_coeff: Any = None) -> Array:
        coefficients = field.mo_coeff if mo_coeff is None else mo_coeff
        found = np.zeros((2, coefficients[0].shape[1]))
        for spin, orbitals in enumerate(named):
            weight = ((orbitals.T @ overlap @ coefficients[spin]) ** 2).sum(axis=0)
            found[spin, np.argsort(-weight, kind="stable")[: orbitals.shape[1]]] = 1
        return found

    return occupied


def _on_coarse_grid(field: Any, begin: Array) -> Array:
    """The density after a rough iteration on a coarse grid; the field keeps its own."""
    field.conv_tol, field.conv_tol_grad = 1e-5, 1e-3
    level, field.grids.level = field.grids.level, COARSE_GRID
    field.kernel(dm0=begin)
    density = np.asarray(field.make_rdm1())
    field.grids.reset()
    field.grids.level = level
    return density
