r"""Fock terms of vibrations for one set of orbitals, on t >= 0.

With leads of flat occupation the Green functions obey, for t > 0,

.. math::
    i \partial_t G^<(t) = K G^<(t) + \int_0^t \Sigma^r(t-s) G^<(s) ds + M(t), \qquad
    M(t) = \int_0^\infty [\Sigma^<(t+s) G^{r}(s)^+ - \Sigma^r(t+s) G^<(s)^+] ds

and the density N the stationarity :math:`-i(K N - N K^+) + A = M(0) + M(0)^+`. Self-energies forget as the bath
does, so a window of that length is all, however slowly electrons leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.numerics.half_line import HalfLine, pieces
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

    def sandwiched(self, X: Complex, places: tuple[NDArray[np.int64], ...]) -> Complex:
        """Elements of the sum of V X V at some rows and columns, of (time, n, n)."""
        at: Any = (slice(None), *places)
        if self.factor is not None:
            return np.asarray(self.factor[places] * X[at])
        out = np.zeros_like(X)
        for own, V in self.parts:
            rows, columns = np.ix_(own, own)
            out[:, rows, columns] += V @ X[:, rows, columns] @ V
        return np.asarray(out[at])

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

    def of_each(self, values: Complex, *after: NDArray[Any]) -> Complex:
        """Functions of K, from their values at its eigenvalues, (time, n), times some matrices; these come first."""
        ends = [self.left @ X for X in after]
        out = np.empty((len(after), len(values), *self.right.shape), dtype=complex)
        for some in pieces(len(values), self.right.size):
            half = (self.right * values[some, None, :]).reshape(-1, len(self.right))
            for end, place in zip(ends, out, strict=True):
                np.matmul(half, end, out=place[some].reshape(half.shape))
        return out

    def inside(self, X: Complex) -> Complex:
        """left X left^+."""
        return np.asarray(self.left @ X @ dagger(self.left))

    def outside(self, Y: Complex) -> Complex:
        """right Y right^+."""
        return np.asarray(self.right @ Y @ dagger(self.right))


@dataclass(frozen=True, kw_only=True)
class Collisions:
    """What self-energies do: elements of the retarded ones within reach, and M, both damped, at every time."""

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
        turned = np.exp(-np.outer(line.t, 1j * K.energy + line.damping))
        return K.of_each(turned, -1j * np.eye(len(N)), 1j * N)

    @cached_property
    def reach(self) -> tuple[NDArray[np.int64], ...]:
        """Rows and columns of the elements of self-energies that may not vanish."""
        size = len(self.own)
        reach = np.zeros((size, size), dtype=bool)
        for one in self.fluctuations:
            reach |= one.reach
        return np.nonzero(reach & np.eye(size, dtype=bool) if self.diagonal else reach)

    @cached_property
    def joined(self) -> list[NDArray[np.int64]]:
        """Orbitals that self-energies join."""
        rows, columns = self.reach
        size = (len(self.own),) * 2
        graph = scipy.sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=size)
        count, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
        return [np.flatnonzero(label == n) for n in range(count)]

    def collisions(self, functions: Complex, line: HalfLine) -> Collisions:
        """From damped retarded and lesser functions."""
        G, less = functions
        rows, columns = self.reach
        retarded = np.zeros((line.count, len(rows)), dtype=complex)
        lesser = np.zeros_like(retarded)
        for one in self.fluctuations:
            C, back = (c[:, None] for c in one.correlation(line.t))
            electrons = one.sandwiched(less, self.reach)
            retarded += C * one.sandwiched(G, self.reach)
            retarded += (C - back) * electrons
            lesser += back * electrons
        arriving = np.zeros_like(G)
        for own in self.joined:
            places = np.flatnonzero(np.isin(rows, own))
            inner = np.searchsorted(own, rows[places]), np.searchsorted(own, columns[places])
            if len(places):
                arriving[:, own] = _correlated(
                    [(lesser[:, places], G[:, :, own]), (-retarded[:, places], less[:, :, own])],
                    inner,
                    line,
                )
        return Collisions(retarded=retarded, arriving=arriving)

    def functions(self, K: Spectrum, N: Complex, met: Collisions, line: HalfLine) -> Complex:
        """Damped retarded and lesser functions under these collisions, (2, time, n, n)."""
        unit = np.eye(len(N))
        at: Any = (slice(None), *self.reach)
        retarded, arriving = line.transformed(met.retarded), line.transformed(met.arriving)
        changed = np.empty((2, *arriving.shape), dtype=complex)
        for some in pieces(line.count, N.size):
            z = line.z[some, None]
            free, filled = K.of_each(1 / (z - K.energy), unit, N)
            moved = z[..., None] * unit - K.matrix
            moved[at] -= retarded[some]
            G = np.linalg.inv(moved)
            np.subtract(G, free, out=changed[0, some])
            np.add(G @ (arriving[some] - N), filled, out=changed[1, some])
        out = self.free(K, N, line)
        for place, change in zip(out, changed, strict=True):
            place += line.restored(change)
        out[0, 0], out[1, 0] = -1j * unit, 1j * N
        return out

    def response(self, K: Spectrum, N: Complex, change: Complex) -> Complex:
        r"""How M(0) changes with N, were the functions :math:`e^{-iKt}` times it."""
        empty, total = np.eye(len(N)) - N, np.zeros_like(N)
        for one in self.fluctuations:
            for nu, eta, back in zip(one.decay, one.weight, one.back, strict=True):
                lost = K.left @ (eta * empty + back * N), change @ dagger(K.left)
                gained = K.left @ change, (eta * N + back * empty) @ dagger(K.left)
                share = 1 / (nu + 1j * K.split)
                for own, V in one.parts:
                    met = (lost[0][:, own] @ V) @ lost[1][own]
                    met -= (gained[0][:, own] @ V) @ gained[1][own]
                    total[own] += (V @ K.right[own]) @ (met * share) @ dagger(K.right)
        return total


def _correlated(
    pairs: Sequence[tuple[Complex, Complex]], inner: tuple[NDArray[np.int64], ...], line: HalfLine
) -> Complex:
    r"""Sum over pairs of :math:`\int_0^\infty \Sigma(t+s) G(s)^+ ds`, damped, from elements of S and columns of G."""
    size = scipy.fft.next_fast_len(2 * line.count)
    weights = (line.weights * np.exp(2 * line.damping * line.t))[:, None, None]
    at: Any = (slice(None), *inner)
    columns = pairs[0][1].shape[2]
    met = np.zeros((size, columns, pairs[0][1].shape[1]), dtype=complex)
    for self_energy, G in pairs:
        whole = np.zeros((size, columns, columns), dtype=complex)
        whole[at] = scipy.fft.fft(self_energy, size, axis=0)
        turned: Complex = scipy.fft.fft(weights * G, size, axis=0, overwrite_x=True)
        turned = np.conj(turned, out=turned).swapaxes(1, 2)
        met += whole * turned if columns == 1 else whole @ turned
    return np.asarray(scipy.fft.ifft(met, axis=0, overwrite_x=True)[: line.count])
