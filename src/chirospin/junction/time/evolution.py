r"""The action of :math:`e^{tA}` on a vector, A known only by its products or by :math:`(1 - sA)^{-1}`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.method import LOOSEST, TIGHTEST

Vector = NDArray[np.float64]
Action = Callable[[Vector], Vector]

RATIONAL = 70  # Krylov vectors of one step by inverses, before the step is halved
SHARE = 0.1  # s of the inverse, in steps
LOOK = 5  # vectors between two estimates of the error
FADED = (
    4.0  # decays in one Chebyshev step: polynomials grow by e^4 of what is wanted, so do roundings
)
RUNAWAY = 1e100  # of a polynomial: the eigenvalues lie elsewhere
LONGEST = 2000.0  # radians of one step without decay


def evolution_tolerance() -> Any:
    """The setting of a method in time: how large an error each interval may have."""
    return Field(
        1e-10,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest estimated error of rho, relative, per interval of time",
    )


@dataclass(frozen=True, kw_only=True)
class Evolved:
    """A vector after a time, the estimated error, and the work.

    Parameters
    ----------
    error : sum of estimates over the steps, relative to the start
    applications : products with A, or with the inverse
    """

    vector: Vector
    error: float
    applications: int


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Where the eigenvalues of A lie: imaginary parts within ``frequency``, real ones from -``decay`` to 0."""

    frequency: float
    decay: float


@dataclass(frozen=True, kw_only=True)
class Series:
    """A vector at several times, the estimated error, and the work.

    Parameters
    ----------
    vectors : (time, size)
    error : sum of estimates over the steps, relative to the start
    applications : products with A
    """

    vectors: Vector
    error: float
    applications: int


def evolve(
    apply: Action, start: Vector, times: Vector, spectrum: Spectrum, tolerance: float
) -> Series:
    r"""e^{tA} v at ascending times, by Chebyshev polynomials of :math:`B = (A + c)/W`, c half the decay.

    .. math:: e^{tA} v = e^{-ct} \sum_k (2 - \delta_{k0}) J_k(Wt)\, \phi_k, \qquad
              \phi_0 = v,\ \phi_1 = B v,\ \phi_{k+1} = 2 B \phi_k + \phi_{k-1}

    Times inside one step share its products. A step is so short that what decays does not drown in rounding.

    References
    ----------
    tal_ezer_kosloff_1984
    """
    W, c = max(spectrum.frequency, 1e-300), spectrum.decay / 2
    longest = FADED / max(c, W * FADED / LONGEST)
    size = float(np.linalg.norm(start))
    out = np.empty((len(times), start.size))
    vector, now, error, count, done = start, 0.0, 0.0, 0, 0
    while done < len(times):
        stop = int(np.searchsorted(times, now + longest, side="right"))
        inside = times[done:stop] - now
        ends = inside if stop > done else np.array([longest])
        found, missed, used = _chebyshev(apply, vector, ends, W, c, tolerance)
        out[done:stop] = found[: inside.size]
        vector, now, done = found[-1], now + float(ends[-1]), stop
        error, count = error + missed / max(size, 1e-300), count + used
    return Series(vectors=out, error=error, applications=count)


def _chebyshev(
    apply: Action, vector: Vector, times: Vector, W: float, c: float, tolerance: float
) -> tuple[Vector, float, int]:
    """At times within one step; the norm of the last two terms, as the error, and the products."""
    reach = W * float(times[-1])
    most = int(np.ceil(2 * reach + 20 * c * float(times[-1]) + 12 * reach ** (1 / 3) + 60))
    weight = scipy.special.jv(np.arange(most)[:, None], W * times) * np.exp(-c * times)
    weight[1:] *= 2
    enough = 0.01 * tolerance * float(np.linalg.norm(vector))
    before, phi = vector, (apply(vector) + c * vector) / W
    out = weight[0][:, None] * vector + weight[1][:, None] * phi
    last, size, k = np.inf, np.inf, 1
    while k + 1 < most and not (k > reach and last <= enough and size <= enough):
        if np.abs(phi).max() > RUNAWAY:
            return out, float("inf"), k
        k += 1
        before, phi = phi, 2 * (apply(phi) + c * phi) / W + before
        out += weight[k][:, None] * phi
        last, size = size, float(np.abs(weight[k]).max() * np.linalg.norm(phi))
    return out, last + size, k


def evolve_far(
    inverse: Callable[[float], Action], start: Vector, time: float, tolerance: float
) -> Evolved:
    r"""e^{tA} v by Krylov steps of :math:`(1 - sA)^{-1}`: for times at which only slow modes are left.

    Parameters
    ----------
    inverse : s -> action of the inverse

    References
    ----------
    van_den_eshof_hochbruck_2006
    """
    size = float(np.linalg.norm(start))
    vector, done, error, count, step = start.copy(), 0.0, 0.0, 0, time
    while done < time * (1 - 1e-14) and size > 0:
        step = min(step, time - done)
        u, V, miss, used = _rational(inverse(SHARE * step), vector, step, tolerance * size)
        count += used
        if miss > tolerance * size and step > 1e-6 * time:
            step /= 2
            continue
        vector = u @ V.T
        done += step
        error += miss / size
    return Evolved(vector=vector, error=error, applications=count)


def _rational(
    act: Action, vector: Vector, step: float, enough: float
) -> tuple[Vector, Vector, float, int]:
    norm = float(np.linalg.norm(vector))
    basis = np.empty((RATIONAL + 1, vector.size))
    basis[0] = vector / norm
    H = np.zeros((RATIONAL + 1, RATIONAL))
    before, miss = np.zeros(0), np.inf
    for k in range(RATIONAL):
        new = act(basis[k])
        for _ in range(2):
            overlap = basis[: k + 1] @ new
            new -= overlap @ basis[: k + 1]
            H[: k + 1, k] += overlap
        H[k + 1, k] = np.linalg.norm(new)
        ended = H[k + 1, k] <= 1e-14 * np.abs(H[: k + 1, k]).max()
        if ended or (k + 1) % LOOK == 0:
            square = H[: k + 1, : k + 1]
            generator = (np.eye(k + 1) - np.linalg.inv(square)) / (SHARE * step)
            u = norm * scipy.linalg.expm(step * generator)[:, 0]
            change = u.copy()
            change[: before.size] -= before
            miss, before = float(np.linalg.norm(change)) * 0.5, u
            if ended or miss <= enough:
                return u, basis[: k + 1].T, 0.0 if ended else miss, k + 1
        basis[k + 1] = new / H[k + 1, k]
    return before, basis[: before.size].T, miss, RATIONAL
