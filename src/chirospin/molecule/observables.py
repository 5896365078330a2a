"""What comes out of a molecule and of a stack; only what no phase of an orbital changes has a meaning alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import observable
from chirospin.molecule.kohn_sham import StackState, sites_asked
from chirospin.molecule.model import Molecule, MoleculeStack, orbital_names, pair_names
from chirospin.molecule.monomer import RESOLVED, MoleculeState
from chirospin.molecule.repulsion import Repulsion

Array = NDArray[np.float64]
COMPONENTS = ("x", "y", "z")
ORBITALS = ("a", "b")
RESOLVED_HOPPING = 1e-5
"""eV: what the integration grid leaves of a hopping that vanishes by symmetry."""
FEWER = "the molecule has fewer orbitals in this basis than the window"


def labels(model: Molecule) -> dict[str, tuple[Any, ...]]:
    """Labels of orbitals, pairs and components."""
    names = orbital_names(model)
    return {"orbital": names, "pair": pair_names(names), "component": COMPONENTS}


@observable(unit="eV", symbol=r"\epsilon", dims=("orbital",), undefined=FEWER)
def orbital_energy(model: Molecule, state: MoleculeState) -> Array:
    """Kohn-Sham orbital energies of the window."""
    return np.array([state.monomer.energy(n) for n in range(len(state.monomer.window))])


@observable(
    unit="eV",
    symbol=r"\Lambda",
    dims=("pair", "component"),
    undefined=FEWER,
    error=lambda m, s: RESOLVED,
)
def pair_vectors(model: Molecule, state: MoleculeState) -> Array:
    """Spin-orbit vectors of all pairs on one side of the gap; each has a free sign."""
    return state.pairs.vectors


@observable(unit="eV", symbol=r"\Delta\epsilon", dims=("pair",), undefined=FEWER)
def pair_gap(model: Molecule, state: MoleculeState) -> Array:
    """Difference of the orbital energies of each pair."""
    return state.pairs.gaps


@observable(unit="1", symbol=r"|\Lambda_\perp|/\Delta\epsilon", dims=("pair",), undefined=FEWER)
def mixing(model: Molecule, state: MoleculeState) -> Array:
    """Spin-orbit vector across the stacking axis over the difference in energy, by which pairs are ranked."""
    return state.pairs.mixing


def _place(state: Any, which: int) -> Array:
    """Counted from the HOMO, 0; the LUMO is 1."""
    half = len((state.monomer if isinstance(state, MoleculeState) else state.first).window) // 2
    return np.array(float(state.pair[which] - half + 1))


@observable(unit="1", symbol="n_a")
def orbital_a(model: Molecule, state: MoleculeState) -> Array:
    """Orbital a of the chosen pair: 0 is the HOMO, -1 the HOMO-1, 1 the LUMO."""
    return _place(state, 0)


@observable(unit="1", symbol="n_b")
def orbital_b(model: Molecule, state: MoleculeState) -> Array:
    """Orbital b of the chosen pair: 0 is the HOMO, -1 the HOMO-1, 1 the LUMO."""
    return _place(state, 1)


@observable(unit="eV", symbol=r"|\Lambda|", error=lambda m, s: RESOLVED)
def spin_orbit(model: Molecule, state: MoleculeState) -> Array:
    """Length of the spin-orbit vector of the chosen pair."""
    return np.array(np.linalg.norm(_vector(state)))


@observable(unit="eV", symbol=r"|\Lambda_\perp|", error=lambda m, s: RESOLVED)
def spin_orbit_across(model: Molecule, state: MoleculeState) -> Array:
    """Its part across the stacking axis."""
    return np.array(np.linalg.norm(_vector(state)[:2]))


def _vector(state: Any) -> Array:
    if isinstance(state, StackState):
        return np.asarray(state.matrices.vectors[0])
    return np.asarray(state.monomer.vector(*state.pair))


@observable(unit="eV", symbol=r"\epsilon_b - \epsilon_a")
def level_difference(model: Molecule, state: MoleculeState) -> Array:
    """Energy of b less that of a for the electron or hole that is added, with relaxation where it was computed."""
    a, b = state.pair
    levels = state.repulsion.levels
    return np.array(state.monomer.energy(b) + levels[1] - state.monomer.energy(a) - levels[0])


def _repulsion(state: Any) -> Repulsion:
    repulsion: Repulsion = state.repulsion
    return repulsion


@observable(unit="eV", symbol="U_a")
def hubbard_a(model: Molecule, state: MoleculeState) -> Array:
    """Repulsion of two electrons in orbital a, with the screening named."""
    return np.array(_repulsion(state).a)


@observable(unit="eV", symbol="U_b")
def hubbard_b(model: Molecule, state: MoleculeState) -> Array:
    """Repulsion of two electrons in orbital b, with the screening named."""
    return np.array(_repulsion(state).b)


@observable(unit="eV", symbol="U_{ab}^s")
def hubbard_ab_singlet(model: Molecule, state: MoleculeState) -> Array:
    """Repulsion between a and b, opposite spins."""
    return np.array(_repulsion(state).singlet)


@observable(unit="eV", symbol="U_{ab}^t")
def hubbard_ab_triplet(model: Molecule, state: MoleculeState) -> Array:
    """Repulsion between a and b, equal spins."""
    return np.array(_repulsion(state).triplet)


@observable(unit="eV", symbol="K")
def hund(model: Molecule, state: MoleculeState) -> Array:
    """Kanamori exchange of a and b."""
    return np.array(_repulsion(state).hund)


OF_A_PAIR = (
    orbital_a,
    orbital_b,
    spin_orbit,
    spin_orbit_across,
    hubbard_a,
    hubbard_b,
    hubbard_ab_singlet,
    hubbard_ab_triplet,
    hund,
)
OBSERVABLES = (
    *OF_A_PAIR[:4],
    level_difference,
    *OF_A_PAIR[4:],
    orbital_energy,
    pair_gap,
    mixing,
    pair_vectors,
)


def stack_labels(model: MoleculeStack) -> dict[str, tuple[Any, ...]]:
    """Labels of molecules and orbitals; a file that holds several molecules says how many."""
    count = sites_asked(model)
    numbers = tuple(range(1, count + 1))
    return {
        "molecule": numbers,
        "orbital": ORBITALS,
        "component": COMPONENTS,
        "other_molecule": numbers,
        "other_orbital": ORBITALS,
        "bond": tuple(range(1, count)),
    }


@observable(unit="eV", symbol=r"\epsilon_{il}", dims=("molecule", "orbital"))
def energies(model: MoleculeStack, state: StackState) -> Array:
    """Energies of the model that counts electrons from the empty pair."""
    return state.energies


@observable(
    unit="eV", symbol=r"\Lambda_i", dims=("molecule", "component"), error=lambda m, s: RESOLVED
)
def spin_orbit_vectors(model: MoleculeStack, state: StackState) -> Array:
    """Spin-orbit vector of each molecule."""
    return state.matrices.vectors


@observable(
    unit="eV",
    symbol="t",
    dims=("bond", "orbital", "other_orbital"),
    error=lambda m, s: RESOLVED_HOPPING,
)
def hopping(model: MoleculeStack, state: StackState) -> Array:
    """Hopping from orbital l of a molecule to l' of the next."""
    h = state.matrices.one_body
    return np.array([h[i, :, i + 1] for i in range(len(h) - 1)]).reshape(-1, 2, 2)


@observable(
    unit="eV",
    symbol="h",
    dims=("molecule", "orbital", "other_molecule", "other_orbital"),
    error=lambda m, s: RESOLVED_HOPPING,
)
def one_body(model: MoleculeStack, state: StackState) -> Array:
    """Hopping among all orbitals of the stack, in Loewdin's orthogonal orbitals; diagonal without meaning of its own."""
    h = state.matrices.one_body.copy()
    for i in range(len(h)):
        h[i, :, i] = np.diag(state.energies[i])
    return h


@observable(unit="eV", symbol="V")
def intersite_repulsion(model: MoleculeStack, state: StackState) -> Array:
    """Repulsion of electrons on neighbours, mean over their orbitals, over the dielectric constant."""
    return np.array(state.between)


@observable(unit="1", symbol="N_0")
def neutral_filling(model: MoleculeStack, state: StackState) -> Array:
    """Electrons of the pair on a neutral molecule: 4 of a hole pair, 0 of an electron pair."""
    return np.array(4.0 if state.holes else 0.0)


def _pseudoscalar_error(model: MoleculeStack, state: StackState) -> Array:
    t = np.abs(hopping(model, state)).max(initial=0.0)
    size = np.abs(state.matrices.vectors).max(initial=0.0)
    return np.array(2 * t**2 * size * RESOLVED + 2 * t * RESOLVED_HOPPING * size**2)


@observable(unit="eV^4", symbol=r"\bar\chi", error=_pseudoscalar_error)
def pseudoscalar(model: MoleculeStack, state: StackState) -> Array:
    r"""Handedness of the stack, mean over neighbours.

    .. math:: \bar\chi = t_{aa} t_{bb}\, \hat z\cdot(\Lambda_i\times\Lambda_{i+1})
    """
    t, v = hopping(model, state), state.matrices.vectors
    if not len(t):
        return np.array(0.0)
    crossed = np.cross(v[:-1], v[1:])[:, 2]
    return np.array((t[:, 0, 0] * t[:, 1, 1] * crossed).mean())


@observable(unit="1", symbol=r"|\Lambda_{ij}|/|\Lambda|")
def intersite_spin_orbit(model: MoleculeStack, state: StackState) -> Array:
    """Largest spin-orbit element between molecules, which is left out, over that on a molecule."""
    return np.array(state.matrices.elsewhere)


@observable(unit="eV", symbol="F_{ab}")
def induced_mixing(model: MoleculeStack, state: StackState) -> Array:
    """Coupling of a and b on a molecule by its neighbours, largest; a turn of the orbitals removes it."""
    return np.array(state.matrices.induced)


@observable(unit="1", symbol="q")
def match(model: MoleculeStack, state: StackState) -> Array:
    """Smallest overlap of an orbital with the first molecule's, laid upon it."""
    return np.array(min(site.match for site in state.sites))


STACK_OBSERVABLES = (
    *OF_A_PAIR,
    intersite_repulsion,
    neutral_filling,
    pseudoscalar,
    intersite_spin_orbit,
    induced_mixing,
    match,
    energies,
    hopping,
    spin_orbit_vectors,
    one_body,
)
