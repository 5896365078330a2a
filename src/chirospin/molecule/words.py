"""What a result means in words: which pair and why, what symmetry forbids, why a stack has no handedness."""

from __future__ import annotations

import numpy as np

from chirospin.molecule.builder import builder_words
from chirospin.molecule.kohn_sham import StackState
from chirospin.molecule.model import (
    Molecule,
    MoleculeStack,
    chosen_pair,
    named_frame,
    orbital_names,
    screening,
)
from chirospin.molecule.monomer import RESOLVED, MoleculeState, Monomer, Pairs
from chirospin.molecule.observables import (
    RESOLVED_HOPPING,
    hopping,
    intersite_spin_orbit,
    pseudoscalar,
)
from chirospin.molecule.structure import formula

SHOWN = 8  # pairs of the table


def molecule_words(model: Molecule, state: MoleculeState) -> str:
    """The ranked pairs as a table, and what is said of the chosen one."""
    names = orbital_names(model)
    lines = [pair_table(model, state.monomer, state.pairs)]
    a, b = (names[n] for n in state.pair)
    how = "named" if chosen_pair(model) else "ranked highest"
    lines.append(f"chosen: a = {a}, b = {b} ({how}); repulsion by {screening(model).kind}")
    lines += _null_pair(state.monomer.vector(*state.pair), _reason(state.pairs, state.pair))
    return "\n".join([*lines, *_origin(model)])


def _origin(model: Molecule) -> list[str]:
    words = builder_words(named_frame(model)[0])
    return [words] if words else []


def pair_table(model: Molecule, monomer: Monomer, pairs: Pairs) -> str:
    """The symmetry of a molecule and its ranked pairs, a line each, with the reason of those that are refused."""
    names = orbital_names(model)
    lines = [
        f"{formula(monomer.state.structure)}: {_symmetry(monomer)}",
        f"{'pair':<16}{'gap (eV)':>9}{'|Lambda| (meV)':>16}{'across axis':>13}{'over gap':>11}  remark",
    ]
    for n in pairs.order[:SHOWN]:
        if np.isfinite(pairs.gaps[n]):
            lines.append(_pair_line(names, pairs, int(n)))
    refused = sum(bool(reason) for reason in pairs.reasons)
    if refused:
        lines.append(
            f"{refused} of {np.isfinite(pairs.gaps).sum()} pairs have no part across the axis by symmetry"
        )
    return "\n".join(lines)


def _symmetry(monomer: Monomer) -> str:
    found = [operation.name for operation in monomer.operations]
    return (
        "no symmetry of order two"
        if not found
        else ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
    )


def _pair_line(names: tuple[str, ...], pairs: Pairs, n: int) -> str:
    a, b = pairs.places[n]
    v = 1e3 * pairs.vectors[n]
    return (
        f"{names[a] + ',' + names[b]:<16}{pairs.gaps[n]:>9.3f}{np.linalg.norm(v):>16.4f}"
        f"{np.linalg.norm(v[:2]):>13.4f}{pairs.mixing[n]:>11.2e}  {pairs.reasons[n]}".rstrip()
    )


def _reason(pairs: Pairs, pair: tuple[int, int]) -> str:
    place = np.flatnonzero((np.sort(pairs.places, axis=1) == sorted(pair)).all(axis=1))[0]
    return pairs.reasons[int(place)]


def _null_pair(vector: np.ndarray, why: str) -> list[str]:
    if np.linalg.norm(vector[:2]) > RESOLVED:
        return []
    because = why or "no symmetry that is known here forces it: it cancels"
    return [f"null result: this pair has no spin-orbit vector across the stacking axis. {because}"]


def stack_words(model: MoleculeStack, state: StackState) -> str:
    """The pair, its kind, and why there is no handedness where there is none."""
    names = orbital_names(model)
    a, b = (names[n] for n in state.pair)
    kind = "hole pair, filled in the neutral stack" if state.holes else "electron pair"
    t = np.abs(hopping(model, state)).reshape(-1, 4)
    lines = [
        f"a = {a}, b = {b} ({kind}); repulsion by {screening(model).kind}"
        + (
            f"; |t_aa|, |t_ab|, |t_ba|, |t_bb| = {', '.join(f'{x:.4f}' for x in t.mean(axis=0))} eV"
            if len(t)
            else ""
        )
    ]
    cause = achiral_cause(model, state)
    if cause:
        lines.append(f"null result: the stack is achiral, P = 0 whatever the leads: {cause}")
    share = float(intersite_spin_orbit(model, state))
    if share > 0.1:
        lines.append(
            f"spin-orbit terms between molecules are {100 * share:.0f} % of those on them and are left out"
        )
    return "\n".join([*lines, *_origin(model)])


def achiral_cause(model: MoleculeStack, state: StackState) -> str:
    """Why the handedness of a stack vanishes, in words; empty where it does not."""
    error = pseudoscalar.error
    assert error is not None
    if abs(float(pseudoscalar(model, state))) > float(error(model, state)):
        return ""
    vectors = state.matrices.vectors
    if len(vectors) == 1:
        return "one molecule has no neighbour to be turned against"
    if np.linalg.norm(vectors[:, :2], axis=1).max() <= RESOLVED:
        why = _reason(state.pairs, state.pair)
        return why or "no molecule has a spin-orbit vector across the axis"
    crossed = np.abs(np.cross(vectors[:-1], vectors[1:])[:, 2]).max()
    if crossed <= 2 * RESOLVED * np.abs(vectors).max():
        return "the spin-orbit vectors of neighbours are parallel (twist 0 or 180 degrees)"
    t = np.abs(hopping(model, state))
    weak = [
        n for n, x in (("t_aa", t[:, 0, 0]), ("t_bb", t[:, 1, 1])) if x.max() <= RESOLVED_HOPPING
    ]
    if weak:
        return f"{' and '.join(weak)} vanishes: at this twist the orbitals of neighbours differ in parity about the axis"
    return "the contributions of its neighbours cancel"
