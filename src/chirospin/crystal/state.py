"""What the methods find of a crystal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from chirospin.base.outcome import Outcome
from chirospin.crystal.bloch import Array
from chirospin.crystal.certificate import SpinCertificate

SHAPES = {
    "charge": (3, 3),
    "edelstein": (3, 3),
    "slope": (3, 3, 3, 3),
    "operator": (3, 3, 3, 3),
    "orbital": (3, 3),
}
SPIN = ("edelstein", "slope", "operator")
NULL = 1e-6
"""Of a tensor without cancellation: below, a tensor is zero within error."""
ROUNDING = 1e-12
"""Of a tensor without cancellation, that any element may have: sums of 1e5 terms in double precision."""
SINGULAR = 1e-12  # of the largest eigenvalue of D below which it has no inverse
MOSTLY = 0.5  # of the weight in bands that touch, above which slopes mean nothing


@dataclass(frozen=True, kw_only=True)
class CrystalState:
    """Tensors, their absolute errors and their size without cancellation; NaN where they do not exist.

    Parameters
    ----------
    charge : sum of v_i v_j w, shape (3, 3), eV/nm
    edelstein : sum of s_i v_j w, (spin, field), 1/nm^2
    slope : sum of d_k(s_i v_j) v_l w, (3, 3, 3, 3), eV
    operator : the same for <{s_i, v_j}/2>
    orbital : sum of v_a L_c w, (field, moment), eV
    errors, sizes : by the same names; "per_current" of chi D^-1
    defects : ``|X - PX|`` over the size, P the mean over the point group; NaN without one
    left_out : share of the Fermi surface in bands that touch, which have no slope
    points : of k that were diagonalised, or sheets
    error : largest relative error of the tensors
    parts : names of the tensors that were asked for beside charge and edelstein
    """

    charge: Array
    edelstein: Array
    slope: Array
    operator: Array
    orbital: Array
    errors: dict[str, Array]
    sizes: dict[str, float]
    defects: dict[str, float] = field(default_factory=dict)
    certificate: SpinCertificate = field(default_factory=SpinCertificate)
    left_out: float = 0.0
    points: int = 0
    error: float = 0.0
    spinless: bool = False
    distances_missing: bool = False
    parts: Mapping[str, None] = field(default_factory=dict)
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Tensors with errors, before they are judged; by name, in the shapes of :data:`SHAPES`."""

    values: dict[str, Array]
    errors: dict[str, Array]
    sizes: dict[str, float]
    left_out: float
    points: int


def per_current(edelstein: Array, charge: Array) -> Array:
    """chi D^-1, shapes (..., 3, 3); NaN where there is no conduction in some direction."""
    eigenvalues = np.linalg.eigvalsh((charge + np.swapaxes(charge, -1, -2)) / 2)
    sound = eigenvalues.min(axis=-1) > SINGULAR * np.abs(eigenvalues).max(axis=-1)
    inverse = np.linalg.inv(np.where(sound[..., None, None], charge, np.eye(3)))
    return np.asarray(np.where(sound[..., None, None], edelstein @ inverse, np.nan))


def combined(
    fine: dict[str, Array],
    coarse: dict[str, Array],
    sizes: dict[str, float],
    *,
    left_out: float,
    points: int,
) -> Estimate:
    """The mean over the fine sums, and the largest distance from it of any sum, fine or coarse.

    Parameters
    ----------
    fine, coarse : sums by name, (grids, ...); rounding and smallness add to the error

    The ratio chi D^-1 has an error of its own, "per_current": what moves both alike does not move it.
    """
    mean, errors = {}, {}
    for name, found in fine.items():
        size, value = sizes[name], found.mean(axis=0)
        every = np.concatenate([found, coarse[name]])
        error = np.abs(every - value).max(axis=0) + ROUNDING * size
        if np.abs(value).max() <= NULL * size:
            error = np.maximum(error, NULL * size)
        if name in ("slope", "operator"):
            error = error + left_out * np.abs(value).max()
        mean[name], errors[name] = value, error
    if fine:
        every, value = (
            per_current(X["edelstein"], X["charge"])
            for X in ({name: np.concatenate([fine[name], coarse[name]]) for name in fine}, mean)
        )
        apart = np.abs(every - value).max(axis=0)
        least = errors["edelstein"].min() * np.abs(per_current(np.eye(3), mean["charge"])).sum(
            axis=0
        )
        apart = np.where(np.isnan(value) | ~np.isnan(apart), apart, np.inf)
        errors["per_current"] = np.maximum(apart, least)
    return Estimate(values=mean, errors=errors, sizes=sizes, left_out=left_out, points=points)


def relative_error(estimate: Estimate, name: str) -> float:
    """Largest error of a tensor over its largest element; 0 for one that is zero within error."""
    largest = float(np.abs(estimate.values[name]).max())
    error = float(estimate.errors[name].max())
    if largest <= NULL * estimate.sizes[name] and error <= 2 * NULL * estimate.sizes[name]:
        return 0.0
    scale = max(largest, NULL * estimate.sizes[name])
    return error / scale if scale else (np.inf if error else 0.0)


def worst(estimate: Estimate, *, spinless: bool) -> tuple[float, str]:
    """The largest relative error, and which tensor has it."""
    known = [
        (relative_error(estimate, name), name)
        for name in estimate.values
        if not (spinless and name in SPIN)
        and not (name in ("slope", "operator") and estimate.left_out > MOSTLY)
    ]
    if any(np.isnan(error) for error, _ in known):
        return np.nan, next(name for error, name in known if np.isnan(error))
    return max(known, default=(0.0, "charge"))


def tensor(estimate: Estimate, name: str, *, spinless: bool) -> Array:
    """A tensor, or NaN where it does not exist."""
    missing = name not in estimate.values or (spinless and name in SPIN)
    if missing or (name in ("slope", "operator") and estimate.left_out > MOSTLY):
        return np.full(SHAPES[name], np.nan)
    return estimate.values[name]
