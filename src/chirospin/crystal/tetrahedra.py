r"""Integrals over a surface of constant energy on a grid, linear in each of the six tetrahedra of a cell.

.. math:: \frac1N\sum_{p} w_p A_p \approx \int\frac{d^3k}{V_\mathrm{BZ}}\, A(k)\,\delta(E(k) - \mu)
"""

from __future__ import annotations

import itertools

import numpy as np

from chirospin.crystal.lattice_sums import Array, Integers

CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
TETRAHEDRA = np.array([
    [0, *np.cumsum([4 >> way for way in order]).tolist()]
    for order in itertools.permutations(range(3))
])  # fmt: skip
"""Corners of the six tetrahedra around the diagonal of a cell, as numbers of three bits."""


def surface_weights(energy: Array, level: float) -> Array:
    """Weight of every corner and band, 1/eV, in the shape of the energies.

    Parameters
    ----------
    energy : (N1, N2, N3, bands) on a periodic grid, ascending in band; NaN where no band is near the level
    """
    shape = energy.shape[:3]
    weight = np.zeros((int(np.prod(shape)), energy.shape[3]))
    for band in range(energy.shape[3]):
        at, corner = _crossed_cells(energy[..., band], level)
        if len(at):
            tetra = corner[:, TETRAHEDRA].reshape(-1, 4)
            where = at[:, TETRAHEDRA].reshape(-1, 4)
            share = corner_shares(tetra, level) / len(TETRAHEDRA)
            weight[:, band] = np.bincount(where.ravel(), share.ravel(), minlength=len(weight))
    return weight.reshape(energy.shape)


def _crossed_cells(energy: Array, level: float) -> tuple[Integers, Array]:
    """Flat indices and energies of the eight corners of cells that the surface crosses, (cells, 8)."""
    low = high = energy
    for way in range(3):
        low = np.minimum(low, np.roll(low, -1, axis=way))
        high = np.maximum(high, np.roll(high, -1, axis=way))
    cell = np.argwhere((low <= level) & (level < high))  # never where a corner is NaN
    index = (cell[:, None] + CORNERS) % energy.shape
    flat = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), energy.shape)
    return flat, energy.ravel()[flat]


def corner_shares(energy: Array, level: float) -> Array:
    """Integral of the delta function times each corner's linear function over tetrahedra of volume 1.

    Parameters
    ----------
    energy : at the corners, (tetrahedra, 4)

    Returns
    -------
    shares (tetrahedra, 4), 1/eV; their sum is the density of states
    """
    order = np.argsort(energy, axis=1)
    e = np.take_along_axis(energy, order, axis=1)
    sorted_shares = np.zeros_like(e)
    below = (e <= level).sum(axis=1)
    one = below == 1
    sorted_shares[one] = _triangle(e[one], level)
    three = below == 3
    sorted_shares[three] = _triangle(-e[three][:, ::-1], -level)[:, ::-1]
    two = below == 2
    sorted_shares[two] = _quadrilateral(e[two], level)
    out = np.empty_like(e)
    np.put_along_axis(out, order, sorted_shares, axis=1)
    return out


def _triangle(e: Array, level: float) -> Array:
    """The level lies between the first corner and the others."""
    f = (level - e[:, :1]) / (e[:, 1:] - e[:, :1])
    density = 3 * np.prod(f[:, :2], axis=1) / (e[:, 3] - e[:, 0])
    return np.asarray(
        np.concatenate([1 - f.sum(axis=1, keepdims=True) / 3, f / 3], axis=1) * density[:, None]
    )


def _quadrilateral(e: Array, level: float) -> Array:
    """The level lies between the second corner and the third: two triangles."""

    def crossing(a: int, b: int) -> Array:
        t = (level - e[:, a]) / (e[:, b] - e[:, a])
        out = np.zeros_like(e)
        out[:, a], out[:, b] = 1 - t, t
        return out

    p, q, r, s = crossing(0, 2), crossing(0, 3), crossing(1, 3), crossing(1, 2)
    slope = np.linalg.norm(e[:, 1:] - e[:, :1], axis=1)
    total = np.zeros_like(e)
    for a, b, c in ((p, q, r), (p, r, s)):
        area = np.linalg.norm(np.cross((b - a)[:, 1:], (c - a)[:, 1:]), axis=1)
        total += (3 * area / slope / 3)[:, None] * (a + b + c)
    return total
