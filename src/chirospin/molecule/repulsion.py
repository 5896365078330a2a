"""Repulsion of two orbitals: bare integrals, differences of total energies, a medium around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.molecule.mean_field import (
    HARTREE,
    Ground,
    Numerics,
    charged_energy,
    fitted_closed,
    pyscf_threads,
)
from chirospin.molecule.model import Screening
from chirospin.molecule.structure import cavity_radius

Array = NDArray[np.float64]
COULOMB = 14.399645478425668
"""e^2 / (4 pi epsilon_0) in eV angstrom."""


@dataclass(frozen=True, kw_only=True)
class Repulsion:
    """Interactions of the orbitals of one molecule, eV.

    Parameters
    ----------
    a, b : of two electrons in one orbital
    singlet, triplet : between the orbitals, opposite and equal spins
    hund : exchange K; triplet is singlet - K
    levels : energies of a and b that belong to it, less the orbital energies, (2,)
    """

    a: float
    b: float
    singlet: float
    triplet: float
    hund: float
    levels: tuple[float, float]

    def less(self, size: float) -> Repulsion:
        """With every repulsion smaller by the same, and half of it on the levels."""
        return Repulsion(
            a=self.a - size,
            b=self.b - size,
            singlet=self.singlet - size,
            triplet=self.triplet - size,
            hund=self.hund,
            levels=self.levels,
        )


def two_electron_integrals(basis: Any, orbitals: Array, threads: int) -> Array:
    """(ij|kl) of a few orbitals by density fitting, eV, shape (n, n, n, n)."""
    from pyscf import df

    n = orbitals.shape[1]
    with pyscf_threads(threads):
        fitting = df.DF(basis)
        values = fitting.ao2mo(np.asfortranarray(orbitals), compact=False)
        fitted_closed(fitting)
    return np.asarray(values).reshape((n,) * 4) * HARTREE


def bare(integrals: Array) -> Repulsion:
    """Repulsion of two orbitals from their integrals (ij|kl)."""
    J, K = float(integrals[0, 0, 1, 1]), float(integrals[0, 1, 0, 1])
    return Repulsion(
        a=float(integrals[0, 0, 0, 0]),
        b=float(integrals[1, 1, 1, 1]),
        singlet=J,
        triplet=J - K,
        hund=K,
        levels=(0.0, 0.0),
    )


def screened_repulsion(
    state: Ground,
    frame: Array,
    pair: tuple[int, int],
    unscreened: Repulsion,
    kind: Screening,
    numerics: Numerics,
) -> Repulsion:
    r"""Repulsion with the screening that is asked for.

    .. math:: U_a = E(2_{aa}) + E(0) - 2 E(1_a), \qquad U^s_{ab} = E(2_{a\uparrow b\downarrow}) + E(0)
              - E(1_a) - E(1_b)

    and so on, total energies of the molecule with electrons taken from a filled pair or given to an
    empty one. Born's ion in a medium lowers every U by (1 - 1/eps) e^2/R.

    Raises
    ------
    ConvergenceError : a charged state that is not reached
    """
    if kind.kind == "none":
        return unscreened
    medium = kind.dielectric_constant if kind.kind == "dscf+pcm" else 1.0
    repulsion = _from_energies(state, frame, pair, medium, numerics)
    if kind.kind != "born":
        return repulsion
    radius = kind.radius or cavity_radius(state.structure)
    polarisation = (1 - 1 / kind.dielectric_constant) * COULOMB / radius
    half = polarisation / 2 * (1 if pair[0] < state.filled else -1)
    levels = repulsion.levels[0] + half, repulsion.levels[1] + half
    return Repulsion(**{**vars(repulsion.less(polarisation)), "levels": levels})


def _from_energies(
    state: Ground, frame: Array, pair: tuple[int, int], medium: float, numerics: Numerics
) -> Repulsion:
    a, b = pair
    sign = -1 if a < state.filled else 1

    def energy(up: tuple[int, ...], down: tuple[int, ...]) -> float:
        return HARTREE * charged_energy(state, frame, (up, down), sign, medium, numerics)

    none = energy((), ()) if medium > 1 else HARTREE * state.energy
    one = energy((a,), ()), energy((b,), ())
    U = [energy((n,), (n,)) + none - 2 * e for n, e in zip(pair, one, strict=True)]
    singlet, triplet = (
        energy(*ends) + none - one[0] - one[1] for ends in (((a,), (b,)), ((a, b), ()))
    )
    orbital = HARTREE * state.energies[[a, b]]
    levels = [sign * (e - none) - o for e, o in zip(one, orbital, strict=True)]
    return Repulsion(
        a=U[0],
        b=U[1],
        singlet=singlet,
        triplet=triplet,
        hund=singlet - triplet,
        levels=(levels[0], levels[1]),
    )
