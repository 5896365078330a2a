"""What is read from a state of selected products: densities of blocks, bonds between them, positivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.fock import apply_product
from chirospin.junction.selected.growth import Grown
from chirospin.junction.selected.products import BlockHopping
from chirospin.junction.selected.restricted import Selection, block_density, inside
from chirospin.junction.selected.whole import WholeStates

Complex = NDArray[np.complex128]


def density_of_one_electron(grown: Grown) -> Complex:
    """Tr[rho c^+_m c_n], where the Hamiltonian joins m and n, (4M, 4M)."""
    selection = grown.generator.selection
    space = selection.products
    rho = selection.matrices(grown.halves)
    if isinstance(space, WholeStates):
        return _of_whole_states(space, selection, rho)
    groups = np.array(space.member.charges)
    joined = (groups[:, :, None] == groups[:, None, :]).all(axis=0)
    G = np.zeros(joined.shape, dtype=complex)
    for b, block in enumerate(space.blocks):
        D = block_density(selection, rho, b)
        c = block.annihilators
        G[np.ix_(block.orbitals, block.orbitals)] = np.einsum(
            "mij,ij->m", (c.conj().transpose(0, 2, 1)[:, None] @ c[None]).reshape(-1, *D.shape), D.T
        ).reshape(len(c), len(c))
        for b2 in range(b + 1, len(space.blocks)):
            other = space.blocks[b2]
            for i, k in enumerate(block.orbitals):
                for j, m in enumerate(other.orbitals):
                    if joined[k, m]:
                        hopping = BlockHopping(
                            blocks=(b, b2),
                            first=c[i].conj().T,
                            second=other.annihilators[j],
                            change=groups[:, k],
                        )
                        moved = space.hopped(hopping, selection.digits, selection.digits)
                        G[k, m] = sum(
                            (inside(moved, mine) * X.T).sum()
                            for mine, X in zip(selection.members, rho, strict=True)
                        )
                        G[m, k] = np.conj(G[k, m])
    return np.where(joined, G, 0)


def _of_whole_states(space: WholeStates, selection: Selection, rho: list[Complex]) -> Complex:
    """The same from states written in Fock states."""
    groups = np.array(space.member.charges)
    joined = (groups[:, :, None] == groups[:, None, :]).all(axis=0)
    G = np.zeros(joined.shape, dtype=complex)
    for mine, X in zip(selection.members, rho, strict=True):
        digits = selection.digits[mine]
        s = int(digits[0, 0])
        V, states = space.vectors[s][:, digits[:, 1]], space.stack.sectors[s].states
        spread = V @ X
        for m, k in np.argwhere(joined):
            before, image, sign = apply_product(states, (int(m),), (int(k),))
            after = space.stack.row[image]
            G[m, k] += (sign[:, None] * V[after].conj() * spread[before]).sum()
    return G


def lowest_probability(grown: Grown) -> float:
    """Of rho, all sectors; NaN where it is not finite."""
    rho = grown.generator.selection.matrices(grown.halves)
    if not all(np.isfinite(X).all() for X in rho):
        return float("nan")
    return float(min(np.linalg.eigvalsh(X)[0] for X in rho))
