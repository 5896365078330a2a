r"""When the squared norm of :math:`e^{-iKt}\psi` has fallen to a given number, and the state there.

.. math:: \frac{d}{dt} \lVert\psi\rVert^2 = -\sum_i w_i |\psi_i|^2, \qquad
          K = H - \tfrac{i}{2}\, diag(w), \quad w_i \ge 0

The squared norm falls all the time, so that Newton steps inside a bracket find the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

WAIT = 1e-12  # accuracy of ln |psi|^2, relative where it is large
FOREVER = 1e12
TURNS = (8.0, 48.0)  # half the band width times the length of a Chebyshev step, least and most
TAIL = 1e-16  # Bessel functions below this are left out
KEPT_BYTES = 2.0**28  # Chebyshev vectors of one step that are kept at a time
SMALL = 32  # states up to which all eigenvalues are found
MARGIN = 1.02  # of the half width, for the error of the extreme eigenvalues


class Waiting(Protocol):
    """Waiting times in one sector."""

    def __call__(self, psi: Complex, level: Real, horizon: Real) -> tuple[Real, Complex]:
        r"""Times and states at which ln of the squared norm reaches a level.

        Parameters
        ----------
        psi : normalised states, (batch, d)
        level : ln of the squared norm, negative, (batch,)
        horizon : where longer waits no longer matter, (batch,)

        Returns
        -------
        times, (batch,), inf where the level is never reached; some time past the horizon may stand for a
        longer one
        states, unnormalised, (batch, d)
        """
        ...


class EigenWaiting:
    """Through the eigenvectors of a dense K, (d, d)."""

    def __init__(self, K: Complex, loss: Real) -> None:
        self.energy, vectors = np.linalg.eig(K)
        self.vectors: Complex = vectors.T.copy()
        self.inverse: Complex = np.linalg.inv(vectors).T.copy()
        self.loss = loss

    def __call__(self, psi: Complex, level: Real, horizon: Real) -> tuple[Real, Complex]:
        """Times and states."""
        amplitude = psi @ self.inverse

        def at(t: Real) -> Complex:
            turned: Complex = (amplitude * np.exp(-1j * t[:, None] * self.energy)) @ self.vectors
            return turned

        return crossing(at, self.loss, level, np.full(len(level), np.inf))


class ChebyshevWaiting:
    r"""Through products with a sparse K, step by step in time.

    .. math:: e^{-iKt} = e^{-ict} \sum_k (2 - \delta_{k0}) (-i)^k J_k(rt)\, T_k((K - c)/r)

    c and r are the centre and half width of the spectrum of the Hermitian part. Inside the step in which the
    level is reached, the same vectors T_k psi give the state at any time.

    References
    ----------
    tal_ezer_kosloff_1984
    """

    def __init__(self, K: scipy.sparse.csr_array, loss: Real) -> None:
        self.loss = loss
        ends = extreme_eigenvalues(K + scipy.sparse.diags_array(0.5j * loss))
        self.centre = 0.5 * (ends[0] + ends[1])
        self.radius = MARGIN * max(0.5 * (ends[1] - ends[0]), 1e-6 * abs(self.centre), 1e-12)
        eye = scipy.sparse.eye_array(K.shape[0])
        self.scaled = ((K - self.centre * eye) / self.radius).tocsr()
        turns = float(np.clip(self.radius / max(float(loss.mean()), 1e-300), *TURNS))
        self.step = turns / self.radius
        size = np.abs(scipy.special.jv(np.arange(int(2 * turns) + 60), turns))
        self.terms = int(np.flatnonzero(size > TAIL)[-1]) + 1

    def __call__(self, psi: Complex, level: Real, horizon: Real) -> tuple[Real, Complex]:
        """Times and states."""
        time, out = np.zeros(len(level)), psi.copy()
        together = max(1, int(KEPT_BYTES / (16 * self.terms * self.scaled.shape[0])))
        for first in range(0, len(level), together):
            open_ = np.arange(first, min(first + together, len(level)))
            while open_.size:
                wait, out[open_], reached = self._step(out[open_], level[open_])
                time[open_] += wait
                open_ = open_[~reached & (time[open_] <= horizon[open_])]
        return time, out

    def _step(self, psi: Complex, level: Real) -> tuple[Real, Complex, NDArray[np.bool_]]:
        """One step, or the part of it up to the crossing."""
        vectors = self._polynomials(psi)
        time = np.full(len(level), self.step)
        out = self._combined(vectors, time)
        with np.errstate(divide="ignore"):
            reached = np.log((np.abs(out) ** 2).sum(axis=1)) <= level
        if reached.any():
            mine = vectors[reached]
            time[reached], out[reached] = crossing(
                lambda t: self._combined(mine, t), self.loss, level[reached], time[reached]
            )
        return time, out, reached

    def _polynomials(self, psi: Complex) -> Complex:
        """T_k psi, (batch, term, d)."""
        polynomials = np.empty((len(psi), self.terms, psi.shape[1]), dtype=complex)
        before, now = psi.T.copy(), self.scaled @ psi.T
        polynomials[:, 0] = before.T
        for k in range(1, self.terms):
            polynomials[:, k] = now.T
            before, now = now, 2 * (self.scaled @ now) - before
        return polynomials

    def _combined(self, vectors: Complex, t: Real) -> Complex:
        """States at times within one step, (batch, d)."""
        k = np.arange(self.terms)
        weight = (2.0 - (k == 0)) * (-1j) ** (k % 4) * scipy.special.jv(k, self.radius * t[:, None])
        weight = weight * np.exp(-1j * self.centre * t[:, None])
        return np.asarray((weight[:, None, :] @ vectors)[:, 0])


def extreme_eigenvalues(H: scipy.sparse.csr_array) -> tuple[float, float]:
    """Lowest and highest eigenvalue of a Hermitian matrix, to a thousandth of their size."""
    if H.shape[0] <= SMALL:
        ends = np.linalg.eigvalsh(H.toarray())[[0, -1]]
    else:
        start = np.ones(H.shape[0])
        ends = np.concatenate(
            [
                scipy.sparse.linalg.eigsh(
                    H, 1, which=which, tol=1e-3, v0=start, return_eigenvectors=False
                )
                for which in ("SA", "LA")
            ]
        )
    return float(min(ends)), float(max(ends))


def crossing(
    at: Callable[[Real], Complex], loss: Real, level: Real, high: Real
) -> tuple[Real, Complex]:
    """Newton steps inside a bracket from zero to ``high``, which may be infinite."""
    low, never = np.zeros(len(level)), np.zeros(len(level), dtype=bool)
    t = np.minimum(-level / max(float(loss.max()), 1e-300), high)
    psi = at(t)
    for _ in range(200):
        weight = np.abs(psi) ** 2
        norm = weight.sum(axis=1)
        miss = np.log(np.maximum(norm, 1e-300)) - level
        settled = never | (np.abs(miss) <= WAIT * np.maximum(1.0, np.abs(level)))
        if settled.all():
            break
        early = miss > 0
        low, high = np.where(early, t, low), np.where(early, high, t)
        rate = (weight @ loss) / np.maximum(norm, 1e-300)
        step = t + miss / np.maximum(rate, 1e-300)
        middle = np.where(np.isfinite(high), 0.5 * (low + high), 2 * t + 1e-3)
        inside = (step > low) & (step < high) & np.isfinite(step)
        t = np.where(settled, t, np.where(inside, step, middle))
        never |= t > FOREVER
        t = np.minimum(t, FOREVER)
        psi = at(t)
    return np.where(never, np.inf, t), psi
