r"""Fock terms of vibrations for one set of orbitals, on t >= 0.

With leads of flat occupation the Green functions obey, for t > 0,

.. math::
    i \partial_t G^<(t) = K G^<(t) + \int_0^t \Sigma^r(t-s) G^<(s) ds + M(t), \qquad
    M(t) = \int_0^\infty [\Sigma^<(t+s) G^{r}(s)^+ - \Sigma^r(t+s) G^<(s)^+] ds

and the density N the stationarity :math:`-i(K N - N K^+) + A = M(0) + M(0)^+`. Self-energies forget as the bath
does, so a window of that length is all, however slowly electrons leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.numerics.half_line import HalfLine
from chirospin.numerics.sylvester import dagger

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True)
class Fluctuation:
    r"""Modes of one correlation function: :math:`X \mapsto C(t) \sum_v V_v X V_v`.

    Parameters
    ----------
    decay, weight, back : of the exponentials of C and of its conjugate, (J,)
    coupling : V of each mode, (K, n, n)
    """

    decay: Complex
    weight: Complex
    back: Complex
    coupling: Complex

    @cached_property
    def factor(self) -> Complex | None:
        """What multiplies each element of X, where every V is diagonal."""
        d = np.einsum("vii->vi", self.coupling)
        if (np.abs(self.coupling).sum(axis=(1, 2)) > np.abs(d).sum(axis=1)).any():
            return None
        return np.asarray(np.einsum("vi,vj->ij", d, d))

    @cached_property
    def parts(self) -> list[tuple[NDArray[np.int64], Complex]]:
        """Orbitals of every mode, and V among them."""
        owned = [np.flatnonzero(np.abs(V).sum(axis=0)) for V in self.coupling]
        return [(own, V[np.ix_(own, own)]) for own, V in zip(owned, self.coupling, strict=True)]

    @cached_property
    def reach(self) -> NDArray[np.bool_]:
        """Elements that may not vanish."""
        size = np.abs(self.coupling).sum(axis=2) > 0
        return np.asarray((size[:, :, None] & size[:, None, :]).any(axis=0))

    def sandwiched(self, X: Complex) -> Complex:
        """Sum of V X V, of any stack."""
        if self.factor is not None:
            return self.factor * X
        out = np.zeros_like(X)
        for own, V in self.parts:
            rows, columns = np.ix_(own, own)
            out[..., rows, columns] += V @ X[..., rows, columns] @ V
        return out

    def correlation(self, t: Real) -> tuple[Complex, Complex]:
        """C and its conjugate at some times."""
        decayed = np.exp(-np.outer(t, self.decay))
        return decayed @ self.weight, decayed @ self.back


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """K less a center is right diag(energy) left.

    Parameters
    ----------
    matrix : K less a center, which turns all functions of time alike
    """

    matrix: Complex
    energy: Complex
    right: Complex
    left: Complex

    @classmethod
    def of(cls, K: Complex, center: float) -> Spectrum:
        """By eigenvectors."""
        matrix = K - center * np.eye(len(K))
        energy, right = np.linalg.eig(matrix)
        return cls(matrix=matrix, energy=energy, right=right, left=np.linalg.inv(right))

    @property
    def split(self) -> Complex:
        """Differences of energies and conjugate energies."""
        return np.asarray(self.energy[:, None] - self.energy.conj())

    def of_each(self, values: Complex) -> Complex:
        """Functions of K, from their values at its eigenvalues, (..., n)."""
        return np.asarray((self.right * values[..., None, :]) @ self.left)

    def inside(self, X: Complex) -> Complex:
        """left X left^+."""
        return np.asarray(self.left @ X @ dagger(self.left))

    def outside(self, Y: Complex) -> Complex:
        """right Y right^+."""
        return np.asarray(self.right @ Y @ dagger(self.right))


@dataclass(frozen=True, kw_only=True)
class Collisions:
    """What self-energies do: retarded ones and M, both damped, at every time."""

    retarded: Complex
    arriving: Complex

    @property
    def rate(self) -> Complex:
        """M(0)."""
        return np.asarray(self.arriving[0])

    def on(self, line: HalfLine, old: HalfLine) -> Collisions:
        """The same on another grid."""
        return Collisions(
            retarded=old.moved_to(line, self.retarded), arriving=old.moved_to(line, self.arriving)
        )


@dataclass(frozen=True, kw_only=True)
class Orbitals:
    """Orbitals that nothing joins to others.

    Parameters
    ----------
    own : their numbers
    center : energy about which their functions turn
    fluctuations : of the modes that move them
    diagonal : whether only diagonal elements of self-energies are kept
    """

    own: NDArray[np.int64]
    center: float
    fluctuations: tuple[Fluctuation, ...]
    diagonal: bool

    @property
    def inside(self) -> tuple[NDArray[np.int64], ...]:
        """Their block of a matrix."""
        return np.ix_(self.own, self.own)

    def free(self, K: Spectrum, N: Complex, line: HalfLine) -> Complex:
        """Damped retarded and lesser functions without collisions, (2, time, n, n)."""
        U = K.of_each(np.exp(-np.outer(line.t, 1j * K.energy + line.damping)))
        return np.stack([-1j * U, 1j * (U @ N)])

    def collisions(self, functions: Complex, line: HalfLine) -> Collisions:
        """From damped retarded and lesser functions."""
        G, less = functions
        retarded, lesser = np.zeros_like(G), np.zeros_like(G)
        reach = np.zeros(G.shape[1:], dtype=bool)
        for one in self.fluctuations:
            C, back = (c[:, None, None] for c in one.correlation(line.t))
            electrons = one.sandwiched(less)
            retarded += C * one.sandwiched(G)
            retarded += (C - back) * electrons
            lesser += back * electrons
            reach |= one.reach
        if self.diagonal:
            reach &= np.eye(len(reach), dtype=bool)
            retarded *= reach
            lesser *= reach
        return Collisions(
            retarded=retarded, arriving=_correlated(retarded, lesser, G, less, reach, line)
        )

    def functions(self, K: Spectrum, N: Complex, met: Collisions, line: HalfLine) -> Complex:
        """Damped retarded and lesser functions under these collisions, (2, time, n, n)."""
        unit = np.eye(len(N))
        free = K.of_each(1 / (line.z[:, None] - K.energy))
        moved = line.z[:, None, None] * unit - K.matrix - line.transformed(met.retarded)
        G = np.asarray(np.linalg.inv(moved), dtype=complex)
        less = G @ (line.transformed(met.arriving) - N) + free @ N
        G -= free
        out = self.free(K, N, line)
        out[0] += line.restored(G)
        out[1] += line.restored(less)
        out[0, 0], out[1, 0] = -1j * unit, 1j * N
        return out

    def response(self, K: Spectrum, N: Complex, change: Complex) -> Complex:
        r"""How M(0) changes with N, were the functions :math:`e^{-iKt}` times it."""
        empty, total = np.eye(len(N)) - N, np.zeros_like(N)
        for one in self.fluctuations:
            for nu, eta, back in zip(one.decay, one.weight, one.back, strict=True):
                lost, gained = eta * empty + back * N, eta * N + back * empty
                share = 1 / (nu + 1j * K.split)
                V = one.coupling
                met = lost @ (V @ change) - (change @ V) @ gained
                total += (V @ K.outside(K.inside(met) * share)).sum(axis=0)
        return total


def _correlated(
    retarded: Complex,
    lesser: Complex,
    G: Complex,
    less: Complex,
    reach: NDArray[np.bool_],
    line: HalfLine,
) -> Complex:
    """M, damped, from damped functions; self-energies vanish outside of reach."""
    size = scipy.fft.next_fast_len(2 * line.count)
    weights = (line.weights * np.exp(2 * line.damping * line.t))[:, None, None]
    sparse = 2 * reach.sum() < reach.size

    def whole(f: Complex) -> Complex:
        if not sparse:
            return np.asarray(scipy.fft.fft(f, size, axis=0))
        out = np.zeros((size, *reach.shape), dtype=complex)
        out[:, reach] = scipy.fft.fft(f[:, reach], size, axis=0)
        return out

    def turned(f: Complex) -> Complex:
        spectrum: Complex = scipy.fft.fft(weights * f, size, axis=0, overwrite_x=True)
        return np.conj(spectrum, out=spectrum).swapaxes(1, 2)

    met = whole(lesser) @ turned(G)
    met -= whole(retarded) @ turned(less)
    return np.asarray(scipy.fft.ifft(met, axis=0, overwrite_x=True)[: line.count])
