"""Orbitals of a molecule on a grid in space, for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.molecule.mean_field import BOHR, atomic_basis
from chirospin.molecule.model import Theory
from chirospin.molecule.stack import Site

Array = NDArray[np.float64]
MARGIN = 2.6
"""angstrom around the nuclei: valence orbitals are below a hundredth of their largest value there."""
MOST_POINTS = 20_000


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Orbitals a and b of a molecule on a grid.

    Parameters
    ----------
    points : angstrom, (point, 3), the last axis running fastest
    values : (2, point), bohr^(-3/2)
    """

    points: Array
    values: Array


def cloud(site: Site, theory: Theory, most: int = MOST_POINTS) -> Cloud:
    """The two orbitals of a molecule in a box around it, in at most a number of points."""
    low = site.structure.positions.min(axis=0) - MARGIN
    high = site.structure.positions.max(axis=0) + MARGIN
    spacing = float(np.prod(high - low) / most) ** (1 / 3)
    counts = np.maximum(np.floor((high - low) / spacing).astype(int), 2)
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    basis = atomic_basis(site.structure, theory, theory.charge)
    values = np.asarray(basis.eval_gto("GTOval", points / BOHR)) @ site.orbitals
    return Cloud(points=points, values=np.ascontiguousarray(values.T))
