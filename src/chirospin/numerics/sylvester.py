r"""The map :math:`X \mapsto -i (K X - X K^+)` on Hermitian matrices, and its inverse.

K is a small dense non-Hermitian matrix whose eigenvalues lie in the lower half plane. Stacks of
equal size are handled together. A Hermitian matrix X = A + iB is carried as the real matrix
A + B: the symmetric and the antisymmetric part are recovered from it, and norms are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import scipy
from array_api_compat import array_namespace
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
ROWS = 512  # of a Hermitian product at a time
SLOW = 3e-2  # decay, relative to the largest, below which single precision is not enough
CORRECTIONS = 3  # each gives as many digits as single precision has
MERGED = 1e-6  # of the largest eigenvalue: modes closer than this are left as they are
Item = TypeVar("Item")
Attempted = TypeVar("Attempted")


class SylvesterInverse(Protocol):
    """Inverse of the map for a stack of matrices K, shape (..., d, d)."""

    slowest_decay: Real

    def __call__(self, Y: Complex) -> Complex:
        """X with -i (K X - X K^+) = Y."""
        ...

    def adjoint(self, Y: Complex) -> Complex:
        """X with i (K^+ X - X K) = Y."""
        ...


def pack(X: Complex) -> Real:
    """A + B of the Hermitian X = A + iB."""
    packed: Real = X.real + X.imag
    return packed


def unpack(R: Real) -> Complex:
    """The Hermitian matrix carried by R."""
    transposed = np.swapaxes(R, -1, -2)
    X = np.empty(R.shape, dtype=complex)
    np.add(R, transposed, out=X.real)
    np.subtract(R, transposed, out=X.imag)
    X *= 0.5
    return X


def dagger(X: Complex) -> Complex:
    """Conjugate transpose of the last two axes."""
    turned: Complex = X.swapaxes(-1, -2).conj()
    return turned


def sylvester(K: Complex, X: Complex) -> Complex:
    """-i (K X - X K^+) for Hermitian X."""
    half: Complex = -1j * (K @ X)
    return half + dagger(half)


def sylvester_adjoint(K: Complex, X: Complex) -> Complex:
    """i (K^+ X - X K) for Hermitian X, the adjoint of :func:`sylvester` under Tr[X Y]."""
    half: Complex = 1j * (dagger(K) @ X)
    return half + dagger(half)


class EigenInverse:
    r"""Inverse through the eigenvectors of K, four products of matrices a call.

    .. math:: X = V \left[ \frac{(V^{-1} Y V^{-+})_{ij}}{-i (E_i - E_j^*)} \right] V^+

    Parameters
    ----------
    K : (..., d, d)

    Raises
    ------
    numpy.linalg.LinAlgError : K is defective to machine precision, or the map is singular
    """

    def __init__(self, K: Complex) -> None:
        energy, vectors = np.linalg.eig(K)
        self.vectors: Any = vectors
        self.inverse: Any = np.linalg.inv(vectors)
        self.slowest_decay = -2 * energy.imag.max(axis=-1)
        gap = energy[..., :, None] - np.conj(energy[..., None, :])
        self.weight = 1j / np.where(gap == 0, np.inf, gap)

    def __call__(self, Y: Complex) -> Complex:
        """X with -i (K X - X K^+) = Y for Hermitian Y."""
        core = self.inverse @ dagger(self.inverse @ Y)
        core *= self.weight
        X: Complex = self.vectors @ dagger(self.vectors @ core)
        return X

    def adjoint(self, Y: Complex) -> Complex:
        """X with i (K^+ X - X K) = Y for Hermitian Y, from the same eigenvectors."""
        right, left = dagger(self.vectors), dagger(self.inverse)
        core = right @ dagger(right @ Y)
        core *= np.conj(self.weight)
        X: Complex = left @ dagger(left @ core)
        return X


@dataclass(frozen=True, kw_only=True)
class SinglePrecisionModes:
    """Eigenvectors of K in single precision, of which the slow ones are known in double too.

    Parameters
    ----------
    energy : E, (d,), complex128
    vectors, inverse : V and V^-1, (d, d), complex64
    slow : which modes are slow, (m,)
    right, left : their columns of V and rows of V^-1, (d, m) and (m, d), complex128
    """

    energy: Any
    vectors: Any
    inverse: Any
    slow: Any
    right: Any
    left: Any

    @classmethod
    def of(cls, K: scipy.sparse.csr_array) -> SinglePrecisionModes:
        """All modes by LAPACK in single precision, the slow ones corrected.

        Raises
        ------
        numpy.linalg.LinAlgError : K is defective to single precision
        """
        energy, vectors = np.linalg.eig(K.toarray().astype(np.complex64))
        return corrected_modes(K, energy, vectors, np.linalg.inv(vectors))


def corrected_modes(
    K: scipy.sparse.csr_array, single: Any, vectors: Any, inverse: Any
) -> SinglePrecisionModes:
    r"""Slow modes corrected by the residual in double precision.

    .. math:: v \leftarrow v + \sum_j v_j \frac{w_j (K - E) v}{E - E_j}, \qquad
              E = \frac{w K v}{w v}

    and likewise for the row w of the inverse. The inverse map divides their part by a decay that may be a
    millionth of the norm of K.
    """
    energy = single.astype(complex)
    decay = -2 * energy.imag
    slow = np.flatnonzero(decay <= SLOW * max(float(decay.max()), 0.0))
    v, w = vectors[:, slow].astype(complex), inverse[slow].astype(complex)
    for _ in range(CORRECTIONS):
        gap = energy[slow] - energy[:, None]
        share = np.where(np.abs(gap) > MERGED * np.abs(energy).max(), gap, np.inf)
        right = inverse @ (K @ v - v * energy[slow]).astype(np.complex64)
        left = (w @ K - energy[slow, None] * w).astype(np.complex64) @ vectors
        v = v + vectors @ (right / share).astype(np.complex64)
        w = w + (left / share.T).astype(np.complex64) @ inverse
        w = w / (w * v.T).sum(axis=1)[:, None]
        energy[slow] = (w * (K @ v).T).sum(axis=1)
    vectors[:, slow], inverse[slow] = v, w
    return SinglePrecisionModes(
        energy=energy, vectors=vectors, inverse=inverse, slow=slow, right=v, left=w
    )


class SinglePrecisionInverse:
    r"""Inverse of one K in single precision, on the arrays of any array-API namespace.

    The equation of :class:`EigenInverse`. Both triple products are Hermitian, so that the second half of
    each needs one triangle: 24 d^3 real operations and some rows instead of 32 d^3. Where two slow modes
    meet, the weight is large; that small block is formed in double precision.

    Parameters
    ----------
    modes : of K, numpy arrays
    put : (numpy array, name of a data type) -> array of the library
    """

    def __init__(self, modes: SinglePrecisionModes, put: Callable[[Any, str], Any]) -> None:
        gap = modes.energy[:, None] - np.conj(modes.energy)
        weight = 1j / np.where(gap == 0, np.inf, gap)
        self.vectors, self.inverse = (
            put(modes.vectors, "complex64"),
            put(modes.inverse, "complex64"),
        )
        self.weight = put(weight, "complex64")
        self.slow = put(modes.slow, "int64")
        self.right, self.left = put(modes.right, "complex128"), put(modes.left, "complex128")
        self.slow_weight = put(weight[np.ix_(modes.slow, modes.slow)], "complex128")

    def __call__(self, Y: Any) -> Any:
        """X with -i (K X - X K^+) = Y for Hermitian Y, complex64."""
        xp = array_namespace(Y)
        core = hermitian_product(self.inverse, self.inverse @ Y)
        X = hermitian_product(self.vectors, self.vectors @ (core * self.weight))
        if self.slow.shape[0]:
            rough = xp.take(xp.take(core, self.slow, axis=0), self.slow, axis=1)
            exact = (self.left @ xp.astype(Y, xp.complex128)) @ _dagger(self.left)
            missed = (exact - xp.astype(rough, xp.complex128)) * self.slow_weight
            X = X + xp.astype((self.right @ missed) @ _dagger(self.right), xp.complex64)
        return X


def _dagger(X: Any) -> Any:
    xp = array_namespace(X)
    return xp.matrix_transpose(xp.conj(X))


def hermitian_product(A: Any, B: Any) -> Any:
    """A B^+ where it is known to be Hermitian, by rows up to the diagonal, (d, d)."""
    xp = array_namespace(A, B)
    d = A.shape[0]
    if d <= 2 * ROWS:
        return A @ _dagger(B)
    other = _dagger(B)
    C = xp.empty_like(A)
    for start in range(0, d, ROWS):
        stop = min(start + ROWS, d)
        C[start:stop, :stop] = A[start:stop, :] @ other[:, :stop]
        C[:start, start:stop] = _dagger(C[start:stop, :start])
    return C


class SchurInverse:
    """Inverse through the Schur form of K: slower, indifferent to defective eigenvectors.

    Parameters
    ----------
    K : (..., d, d); its leading axes may be 1, or missing, where those of Y are not
    """

    def __init__(self, K: Complex) -> None:
        self.stack = K.shape[:-2]
        self.factors = {
            n: scipy.linalg.schur(K[n], output="complex") for n in np.ndindex(self.stack)
        }
        decay = [-2 * np.diag(T).imag.max() for T, _ in self.factors.values()]
        self.slowest_decay = np.array(decay).reshape(self.stack)

    def __call__(self, Y: Complex) -> Complex:
        """X with -i (K X - X K^+) = Y."""
        return self._solve(Y, 1j, {"tranb": "C"})

    def adjoint(self, Y: Complex) -> Complex:
        """X with i (K^+ X - X K) = Y, from the same Schur form."""
        return self._solve(Y, -1j, {"trana": "C"})

    def _solve(self, Y: Complex, factor: complex, transposed: dict[str, str]) -> Complex:
        X = np.empty_like(Y)
        for n in np.ndindex(Y.shape[:-2]):
            own = n[len(n) - len(self.stack) :]
            T, Q = self.factors[
                tuple(min(i, size - 1) for i, size in zip(own, self.stack, strict=True))
            ]
            core = Q.conj().T @ Y[n] @ Q
            solved, scale, _ = scipy.linalg.lapack.ztrsyl(
                T, T, factor * core, isgn=-1, **transposed
            )
            X[n] = Q @ (solved / scale) @ Q.conj().T
        return X


Form = type[EigenInverse] | type[SchurInverse]


class MapInverse:
    """Inverse of any real-linear map on Hermitian matrices, by the LU factors of its d^2 x d^2 matrix.

    Parameters
    ----------
    action : on Hermitian matrices, (..., stack, d, d), each stack with a map of its own
    shape : ``(*stack, d, d)``
    """

    def __init__(self, action: Callable[[Complex], Complex], shape: tuple[int, ...]) -> None:
        *stack, d, _ = shape
        basis = np.eye(d * d).reshape(d * d, *(1 for _ in stack), d, d)
        images = pack(action(unpack(np.broadcast_to(basis, (d * d, *shape)))))
        matrices = np.moveaxis(images.reshape(d * d, *stack, d * d), 0, -1)
        self.factors = {
            n: scipy.linalg.lapack.dgetrf(matrices[n])[:2] for n in np.ndindex(tuple(stack))
        }
        self.slowest_decay = np.full(stack, np.inf)

    def __call__(self, Y: Complex) -> Complex:
        """X with the image Y."""
        return self._solve(Y, 0)

    def adjoint(self, Y: Complex) -> Complex:
        """X whose image under the adjoint map is Y."""
        return self._solve(Y, 1)

    def _solve(self, Y: Complex, transposed: int) -> Complex:
        packed = pack(Y)
        X = np.empty_like(packed)
        for n, (lu, pivots) in self.factors.items():
            right = packed[n].ravel()
            X[n] = scipy.linalg.lapack.dgetrs(lu, pivots, right, trans=transposed)[0].reshape(
                packed[n].shape
            )
        return unpack(X)


def by_either_form(
    items: Sequence[Item],
    attempt: Callable[[Sequence[Item], Form], Sequence[Attempted]],
    doubtful: Callable[[Attempted], bool],
) -> list[Attempted]:
    """Answers through eigenvectors, and again through the Schur form where they are lost or doubtful.

    Parameters
    ----------
    attempt : (items, form) -> an answer for each
    """
    answers: dict[int, Attempted] = {}
    try:
        answers = dict(enumerate(attempt(items, EigenInverse)))
    except np.linalg.LinAlgError:  # defective
        poor = list(range(len(items)))
    else:
        poor = [n for n, answer in answers.items() if doubtful(answer)]
    if poor:
        again = attempt([items[n] for n in poor], SchurInverse)
        answers |= dict(zip(poor, again, strict=True))
    return [answers[n] for n in range(len(items))]


def solve_sylvester(K: Complex, Y: Complex, tolerance: float = 1e-12) -> tuple[Complex, Real, Real]:
    """X with -i (K X - X K^+) = Y, by eigenvectors if they are good enough, else by Schur form.

    Parameters
    ----------
    K, Y : (..., d, d), Y Hermitian; leading axes of K may be 1 where those of Y are not

    Returns
    -------
    X : (..., d, d)
    residual : of the equation relative to the right side and the answer, (...)
    slowest_decay : of the homogeneous equation, (...); zero when X is not unique
    """

    def attempt(matrices: Sequence[Complex], form: Form) -> list[tuple[Complex, Real, Real]]:
        (matrix,) = matrices
        inverse = form(matrix)
        X = inverse(Y)
        size = np.linalg.norm(Y, axis=(-2, -1)) + np.linalg.norm(X, axis=(-2, -1))
        rest = np.linalg.norm(sylvester(matrix, X) - Y, axis=(-2, -1))
        return [(X, rest / np.where(size > 0, size, 1.0), inverse.slowest_decay)]

    (answer,) = by_either_form([K], attempt, lambda found: not np.all(found[1] <= tolerance))
    return answer
