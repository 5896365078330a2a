r"""Sums over a grid of k for any number of chemical potentials and temperatures in one pass.

.. math:: X = \frac{1}{V_cN}\sum_k\sum_n x_n(k)\, w(\epsilon_n(k)), \quad
          w = \frac{1}{4T\cosh^2((\epsilon-\mu)/2T)}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.crystal.bands import GROUP, BandFlow, band_flow
from chirospin.crystal.bloch import Array, Bloch, Complex, Integers
from chirospin.crystal.kept import (
    Window,
    bands_on_grid,
    blocks,
    distance,
    first_boxes,
    kept_points,
    longest_diagonal,
)
from chirospin.crystal.symmetry import irreducible
from chirospin.crystal.tetrahedra import surface_weights

Bools = NDArray[np.bool_]
BLOCK = 2048  # points of k at a time
LARGEST_BLOCK = 2e8  # bytes of the matrices of a block
TAIL = 36.0  # of the thermal window, in k_B T: -f_0' is below 1e-15 of its peak beyond
MATRICES = 12  # of each point held at the same time; three times as many where slopes are wanted
COARSE = 24  # points along a direction below which nothing is sorted out
POINT_BYTES = 64  # of a point of a grid before it is looked at
TRIES = 4  # steeper slopes


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Points k = (i + shift)/points in units of the reciprocal vectors.

    Parameters
    ----------
    stars : elements of a group on reciprocal vectors, of which one point of each star is computed
    """

    points: tuple[int, int, int]
    shift: tuple[float, float, float]
    stars: tuple[Integers, ...] = ()


@dataclass
class Sums:
    """Tensors of each request, and how large they would be without cancellation.

    Parameters
    ----------
    tensors, sizes : by name, (requests, components) and (requests,)
    left_out : share of the weight in bands that touch, which have no slope, (requests,)
    points : that were diagonalised
    """

    tensors: dict[str, Array]
    sizes: dict[str, Array]
    left_out: Array
    weight: Array
    points: int
    steepest: float = 0.0


Request = tuple[float, float]  # chemical potential, thermal energy; eV


def grid_sums(
    bloch: Bloch,
    grid: Grid,
    requests: Sequence[Request],
    parts: frozenset[str],
    levels: int | None,
) -> Sums:
    """All tensors of all requests on a grid.

    Parameters
    ----------
    requests : all at temperatures above 0, or all at 0
    parts : of slope, operator, orbital
    levels : of refinement; None is automatic, 0 none

    Raises
    ------
    ModelError : more points than memory
    """
    assert bloch.cell is not None
    _require_memory(grid)
    cold = all(T == 0 for _, T in requests)
    low = min(mu - TAIL * T for mu, T in requests)
    high = max(mu + TAIL * T for mu, T in requests)
    points = np.array(grid.points)
    margin = longest_diagonal(bloch.cell, points) if cold else 0.0
    representative, star = _stars(grid)
    flat = np.flatnonzero(star)
    index = np.stack(np.unravel_index(flat, grid.points), axis=-1)
    slope = 0.0
    for _ in range(TRIES):
        chosen, slope = _chosen(bloch, index, grid, (low, high), margin, levels, slope)
        if cold:
            found = _cold(bloch, grid, flat[chosen], representative, requests, parts)
        else:
            found = _warm(
                bloch, grid, index[chosen], star[flat[chosen]], (low, high), requests, parts
            )
        if found.steepest <= slope:
            break
        slope = 1.5 * found.steepest
    found.points = len(chosen)
    return found


def bytes_of(points: tuple[int, int, int]) -> float:
    """Memory of a grid before any point is looked at."""
    return POINT_BYTES * float(np.prod(points))


def _require_memory(grid: Grid) -> None:
    need, free = bytes_of(grid.points), available_bytes()
    if need > free:
        raise ModelError(
            f"Option `points` must fit in memory, but {' x '.join(map(str, grid.points))} need about "
            f"{in_words(need)}, where {in_words(free)} are free"
        )


def _stars(grid: Grid) -> tuple[Integers, Integers]:
    """Representative of every point and the size of its star; every point for itself without a group."""
    if grid.stars:
        return irreducible(list(grid.stars), grid.points, grid.shift)
    count = int(np.prod(grid.points))
    return np.arange(count), np.ones(count, dtype=np.int64)


def _chosen(
    bloch: Bloch,
    index: Integers,
    grid: Grid,
    window: Window,
    margin: float,
    levels: int | None,
    slope: float,
) -> tuple[Integers, float]:
    points = np.array(grid.points)
    if levels == 0 or points.max() < COARSE or (first_boxes(points) == points).all():
        return np.arange(len(index)), np.inf
    return kept_points(bloch, index, points, np.array(grid.shift), window, margin, levels, slope)


def block_size(bloch: Bloch, parts: frozenset[str]) -> int:
    """Points at a time whose matrices stay in memory."""
    matrices = MATRICES * (3 if parts else 1)
    return int(np.clip(LARGEST_BLOCK / (16 * bloch.size**2 * matrices), 16, BLOCK))


def empty_sums(requests: int, parts: frozenset[str]) -> Sums:
    """Sums to which nothing is added yet."""
    sizes = {"charge": 9, "edelstein": 9, "slope": 81, "operator": 81, "orbital": 9}
    names = [name for name in sizes if name in parts or name in ("charge", "edelstein")]
    return Sums(
        tensors={name: np.zeros((requests, sizes[name])) for name in names},
        sizes={name: np.zeros(requests) for name in names},
        left_out=np.zeros(requests),
        weight=np.zeros(requests),
        points=0,
    )


def _named(grid: Grid) -> str:
    """A grid in words."""
    shift = " ".join(f"{s:g}" for s in grid.shift)
    return f"{' x '.join(map(str, grid.points))} points of k, shift {shift}"


def _volume(bloch: Bloch, grid: Grid) -> float:
    """Of the reciprocal cell over (2 pi)^3, for each point."""
    assert bloch.cell is not None
    return float(abs(np.linalg.det(bloch.cell)) / (2 * np.pi) ** 3 / np.prod(grid.points))


def _warm(
    bloch: Bloch,
    grid: Grid,
    index: Integers,
    star: Integers,
    window: Window,
    requests: Sequence[Request],
    parts: frozenset[str],
) -> Sums:
    """Every point with the thermal weight of its bands."""
    points, shift = np.array(grid.points), np.array(grid.shift)
    out = empty_sums(len(requests), parts)
    mu, T = (np.array(x)[:, None, None] for x in zip(*requests, strict=True))
    step, volume = block_size(bloch, parts), _volume(bloch, grid)
    for part in blocks(len(index), step, f"sum over {_named(grid)}"):
        at = index[part]
        H = bloch.on_grid(at, points, shift)
        E = np.asarray(np.linalg.eigvalsh(H), dtype=float)
        inside = np.asarray(distance(E, window) <= 2 * GROUP)
        near = np.flatnonzero(inside.any(axis=1))
        if not len(near):
            continue
        bands = band_range(inside[near])
        flow = _flow(bloch, at[near], H[near], grid, parts, bands)
        x = (flow.energy - mu) / (2 * T)
        weight = volume * star[part][near][:, None] / (4 * T * np.cosh(np.clip(x, -300, 300)) ** 2)
        add_flow(out, flow, weight)
    return out


def band_range(inside: Bools) -> slice:
    """The bands that are wanted at any of the points."""
    wanted = np.flatnonzero(inside.any(axis=0))
    return slice(int(wanted[0]), int(wanted[-1]) + 1)


def _flow(
    bloch: Bloch, at: Integers, H: Complex, grid: Grid, parts: frozenset[str], bands: slice
) -> BandFlow:
    assert bloch.cell is not None
    k = (at + np.array(grid.shift)) / np.array(grid.points) @ bloch.cell
    E, U = np.linalg.eigh(H)
    return band_flow(bloch, k, parts, bands, (E, U))


def add_flow(out: Sums, flow: BandFlow, weight: Array) -> None:
    """Add points with the weights (requests, points, bands) of their bands."""
    flat = weight.reshape(len(weight), -1)
    for name, products in flow.products.items():
        rows = products.reshape(-1, products.shape[-1])
        out.tensors[name] += flat @ rows
        out.sizes[name] += flat @ flow.sizes[name].ravel()
    out.left_out += flat @ flow.grouped.ravel()
    out.weight += flat.sum(axis=1)
    counted = weight.max(axis=0) > 0
    speed = np.linalg.norm(flow.velocity, axis=-1)
    out.steepest = max(out.steepest, float(speed[counted].max(initial=0.0)))


def _cold(
    bloch: Bloch,
    grid: Grid,
    flat: Integers,
    representative: Integers,
    requests: Sequence[Request],
    parts: frozenset[str],
) -> Sums:
    """Surfaces of constant energy by tetrahedra."""
    points, shift = np.array(grid.points), np.array(grid.shift)
    index = np.stack(np.unravel_index(flat, grid.points), axis=-1)
    E = bands_on_grid(bloch, index, points, shift)
    out = empty_sums(len(requests), parts)
    place = np.full(int(points.prod()), -1)
    place[flat] = np.arange(len(flat))
    whole = place[representative]
    volume = _volume(bloch, grid)
    weights = np.zeros((len(requests), *E.shape))
    for band in range(E.shape[1]):
        if not len(E) or all(not E[:, band].min() <= mu <= E[:, band].max() for mu, _ in requests):
            continue
        full = np.where(whole < 0, np.nan, E[whole, band]).reshape(*grid.points, 1)
        for r, (mu, _) in enumerate(requests):
            corner = surface_weights(full, mu).ravel()
            held = corner > 0
            weights[r, :, band] = volume * np.bincount(whole[held], corner[held], minlength=len(E))
    counted = (weights > 0).any(axis=(0, 2))
    where = np.flatnonzero(counted)
    step = block_size(bloch, parts)
    for part in blocks(len(where), step, f"surface on {_named(grid)}"):
        at = where[part]
        inside = np.asarray((weights[:, at] > 0).any(axis=0))
        bands = band_range(_with_groups(inside, E[at]))
        H = bloch.on_grid(index[at], points, shift)
        flow = _flow(bloch, index[at], H, grid, parts, bands)
        add_flow(out, flow, weights[:, at][:, :, bands])
    return out


def _with_groups(inside: Bools, E: Array) -> Bools:
    """The bands inside, and those that touch one of them."""
    touch = np.diff(E, axis=1) <= GROUP
    for _ in range(E.shape[1]):
        wider = inside.copy()
        wider[:, 1:] |= inside[:, :-1] & touch
        wider[:, :-1] |= inside[:, 1:] & touch
        if (wider == inside).all():
            break
        inside = wider
    return inside
