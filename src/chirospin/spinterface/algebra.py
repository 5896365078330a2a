r"""Products of 2x2 matrices as scalar and vector, :math:`M = M_0 + \mathbf M_1\cdot\boldsymbol\sigma`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[Any]
Real = NDArray[np.float64]

PAULI: Complex = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex)
UNIT: Complex = np.eye(2, dtype=complex)


def matrix(scalar: Any, vector: Any) -> Complex:
    """The matrix of a scalar and a vector, shape (..., 2, 2)."""
    scalar, vector = np.asarray(scalar), np.asarray(vector)
    return np.asarray(
        scalar[..., None, None] * UNIT + np.tensordot(vector, PAULI, 1), dtype=complex
    )


def spin_parts(M: Any) -> Complex:
    """Scalar and vector of 2x2 matrices, shape (..., 4): half the traces with 1 and sigma."""
    M = np.asarray(M)
    return np.stack(
        [
            (M[..., 0, 0] + M[..., 1, 1]) / 2,
            (M[..., 0, 1] + M[..., 1, 0]) / 2,
            1j * (M[..., 0, 1] - M[..., 1, 0]) / 2,
            (M[..., 0, 0] - M[..., 1, 1]) / 2,
        ],
        axis=-1,
    )


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Scalar and partitioned vector of a product (g0 + g1.sigma)(S0 + S1.sigma)(h0 + h1.sigma).

    Parameters
    ----------
    scalar : shape (...)
    mol, sub, mix : shape (..., 3); from S1 alone, from g1 or h1 with S0, from both
    """

    scalar: Complex
    mol: Complex
    sub: Complex
    mix: Complex

    @property
    def vector(self) -> Complex:
        """The whole vector."""
        return self.mol + self.sub + self.mix

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            scalar=self.scalar + other.scalar,
            mol=self.mol + other.mol,
            sub=self.sub + other.sub,
            mix=self.mix + other.mix,
        )

    def times(self, factor: complex) -> Parts:
        """All parts multiplied."""
        return Parts(
            scalar=factor * self.scalar,
            mol=factor * self.mol,
            sub=factor * self.sub,
            mix=factor * self.mix,
        )

    @property
    def real(self) -> Parts:
        """The real parts."""
        return Parts(
            scalar=self.scalar.real, mol=self.mol.real, sub=self.sub.real, mix=self.mix.real
        )


def _dot(a: Any, b: Any) -> Any:
    return (a * b).sum(axis=-1)


def partition(k00: Any, k01: Any, k10: Any, k11: Any, left: Any, right: Any) -> Parts:
    r"""The product with its outer factors taken apart as amplitude and direction.

    .. math:: (g_0 + g_1 \mathbf u\cdot\sigma)(S_0 + \mathbf S_1\cdot\sigma)
              (h_0 + h_1 \mathbf v\cdot\sigma)

    Parameters
    ----------
    k00, k01, k10, k11 : g0 h0 S, g0 h1 S, g1 h0 S, g1 h1 S, shape (..., 4), S as scalar and vector
    left, right : u and v, shape (..., 3)

    References
    ----------
    fransson_spinterface, Eq. (6)
    """
    u, v = left, right
    S00, S01, S10, S11 = (k[..., 1:] for k in (k00, k01, k10, k11))
    uv = _dot(u, v)
    return Parts(
        scalar=k00[..., 0]
        + _dot(S01, v)
        + _dot(S10, u)
        + k11[..., 0] * uv
        + 1j * _dot(u, np.cross(S11, v)),
        mol=S00,
        sub=k01[..., :1] * v + k10[..., :1] * u + 1j * k11[..., :1] * np.cross(u, v),
        mix=_dot(u, S11)[..., None] * v
        + u * _dot(S11, v)[..., None]
        - uv[..., None] * S11
        + 1j * np.cross(u, S10)
        + 1j * np.cross(S01, v),
    )
