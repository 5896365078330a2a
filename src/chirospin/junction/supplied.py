"""A junction from the stored parameters of a stack, whoever computed them: the names are the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError

if TYPE_CHECKING:
    import xarray as xr

NEEDED = ("energies", "one_body", "spin_orbit_vectors")
REPULSIONS = ("hubbard_a", "hubbard_b", "hubbard_ab_singlet", "hubbard_ab_triplet", "hund")
LEFT_OVER = 1e-9
"""eV: hopping that differs less from the mean over neighbours is the same."""


def supplied(ds: xr.Dataset, *, absolute: bool) -> dict[str, Any]:
    """Parameters of a stack from a result that holds them.

    Energies and hopping come from ``energies`` and ``one_body``, what differs between neighbours and
    reaches beyond them goes to ``one_body_matrix``. The repulsion V between molecules is that of the nearest
    for all, and a pair that is filled in the neutral stack feels it from the start: energies are lower by
    N_0 V (M - 1).

    Parameters
    ----------
    absolute : whether energies are kept as they are; else they are counted from their mean, which does not
        matter where the occupations of the leads do not depend on energy

    Raises
    ------
    ModelError : a variable is missing, several points, a failed solve, or a failed check
    """
    missing = [name for name in (*NEEDED, *REPULSIONS) if name not in ds]
    if missing:
        raise ModelError(
            f"Result must hold the parameters of a stack, as molecule.stack computes them, but has no {missing[0]}"
        )
    if "converged" in ds and ds["converged"].dims:
        raise ModelError(
            f"Result must be one point, but has several along {', '.join(map(str, ds['converged'].dims))}; take one "
            "with ds.isel"
        )
    if "converged" in ds and not bool(ds["converged"]):
        raise ModelError(f"Result must be converged, but is not: {ds['reason'].item()}")
    levels = np.asarray(ds["energies"].values, dtype=float)
    h = np.asarray(ds["one_body"].values, dtype=float)
    M = len(levels)
    if h.shape != (M, 2, M, 2) or not np.isfinite(h).all() or not np.isfinite(levels).all():
        raise ModelError("Result must hold finite energies (M, 2) and one_body (M, 2, M, 2)")
    V = float(ds["intersite_repulsion"]) if "intersite_repulsion" in ds else 0.0
    filling = float(ds["neutral_filling"]) if "neutral_filling" in ds else 0.0
    levels = levels - filling * V * (M - 1)
    return (
        {name: float(ds[name]) for name in REPULSIONS}
        | {
            "molecules": M,
            "energies": levels if absolute else levels - levels.mean(),
            "spin_orbit_vectors": np.asarray(ds["spin_orbit_vectors"].values, dtype=float),
            "intersite_repulsion": V,
        }
        | _hopping(h)
    )


def _hopping(h: NDArray[np.float64]) -> dict[str, Any]:
    """Mean hopping between neighbours, and a matrix for what is left."""
    M = len(h)
    bonds = np.array([h[i, :, i + 1] for i in range(M - 1)]).reshape(-1, 2, 2)
    mean = bonds.mean(axis=0) if M > 1 else np.zeros((2, 2))
    left = h.copy()
    for i in range(M):
        left[i, :, i] = 0
    for i in range(M - 1):
        left[i, :, i + 1] -= mean
        left[i + 1, :, i] -= mean.T
    names = ("hopping_a", "hopping_ab", "hopping_ba", "hopping_b")
    found: dict[str, Any] = dict(zip(names, mean.ravel().tolist(), strict=True))
    if np.abs(left).max(initial=0.0) > LEFT_OVER:
        matrix = np.kron(left.reshape(2 * M, 2 * M), np.eye(2)).astype(complex)
        found["one_body_matrix"] = (matrix + matrix.T) / 2
    return found
