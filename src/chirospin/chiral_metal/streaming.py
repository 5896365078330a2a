r"""One-dimensional streaming :math:`(c\,\partial_x + \kappa) u = s` by discontinuous Galerkin elements.

Legendre polynomials in every cell, upwind flux, half-range Gauss nodes s with c = s^2 for the directions.
Functions of position are arrays (..., cell, node); functions of direction too are arrays
(..., way, ordinate, cell, node), way 0 moving right (c > 0) and way 1 moving left (c < 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.numerics.quadrature import gauss_nodes

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ordinates:
    """Half-range directions: cosines c > 0, weights of an integral over (0, 1), and d/dc."""

    cosines: Array
    weights: Array
    derivative: Array

    @classmethod
    def gauss(cls, count: int) -> Ordinates:
        """Gauss-Legendre in s on (0, 1) with c = s^2, dense where beams graze."""
        x, w = gauss_nodes(count)
        s, w = (1 + x) / 2, w / 2
        D = lagrange_derivative(s)
        return cls(cosines=s**2, weights=2 * s * w, derivative=D / (2 * s[:, None]))


def lagrange_derivative(x: Array) -> Array:
    """Matrix D with f'(x_i) = sum_j D_ij f(x_j) for polynomials through all nodes."""
    gaps = x[:, None] - x[None, :]
    np.fill_diagonal(gaps, 1.0)
    log = np.log(np.abs(gaps)).sum(axis=1)
    sign = np.prod(np.sign(gaps), axis=1)
    D = (sign[:, None] * sign[None, :]) * np.exp(log[:, None] - log[None, :]) / gaps
    np.fill_diagonal(D, 0.0)
    np.fill_diagonal(D, -D.sum(axis=1))
    return np.asarray(D)


def lagrange_values(nodes: Array, x: Array) -> Array:
    """Values at x, shape (..., x, node), of the polynomials that are 1 at one node and 0 at the rest."""
    out = np.ones((*x.shape, nodes.size))
    for j in range(nodes.size):
        for k in range(nodes.size):
            if k != j:
                out[..., j] *= (x - nodes[k]) / (nodes[j] - nodes[k])
    return out


@dataclass(frozen=True, eq=False)
class Mesh:
    """Cells between edges, with ``order`` + 1 Gauss nodes in each."""

    edges: Array
    order: int

    @cached_property
    def reference(self) -> tuple[Array, Array]:
        """Gauss nodes and weights on (-1, 1)."""
        x, w = gauss_nodes(self.order + 1)
        return x, w

    @cached_property
    def widths(self) -> Array:
        """Shape (cell,)."""
        return np.diff(self.edges)

    @cached_property
    def points(self) -> Array:
        """Shape (cell, node)."""
        return self.edges[:-1, None] + self.widths[:, None] * (1 + self.reference[0]) / 2

    @cached_property
    def weights(self) -> Array:
        """Weights of an integral over position, shape (cell, node)."""
        return self.widths[:, None] / 2 * self.reference[1]

    @cached_property
    def antiderivative(self) -> Array:
        r"""Matrix of :math:`\tfrac12(\int_{-\infty}^x - \int_x^\infty)`, shape (points, points)."""
        x, _ = self.reference
        n = x.size
        fine, weight = gauss_nodes(n)
        inner = np.zeros((n, n))
        for i in range(n):
            at = -1 + (1 + fine) * (1 + x[i]) / 2
            inner[i] = (weight * (1 + x[i]) / 2) @ lagrange_values(x, at)
        flat = self.weights.ravel()
        G = np.tril(np.ones((self.widths.size,) * 2), -1).repeat(n, 0).repeat(n, 1) * flat
        for cell, width in enumerate(self.widths):
            block = slice(cell * n, (cell + 1) * n)
            G[block, block] = inner * width / 2
        return np.asarray(G - 0.5 * flat)

    def at(self, values: NDArray[Any], x: Array) -> NDArray[Any]:
        """Values (..., cell, node) interpolated at x; at an edge from the cell to its right."""
        cell = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, self.widths.size - 1)
        inside = 2 * (x - self.edges[cell]) / self.widths[cell] - 1
        basis = lagrange_values(self.reference[0], inside)
        return np.asarray(np.einsum("...xn,xn->...x", values[..., cell, :], basis))


@dataclass(frozen=True, eq=False)
class Streaming:
    """The inverse of streaming and relaxation on a mesh.

    Parameters
    ----------
    rate : kappa, real or complex
    reflecting : whether both ends are mirrors, c to -c; else nothing comes in
    """

    mesh: Mesh
    ordinates: Ordinates
    rate: complex = 1.0
    reflecting: bool = False

    @cached_property
    def _cells(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Solve in one cell: source -> u and inflow -> u, shape (way, ordinate, cell, ...)."""
        x, w = self.mesh.reference
        right, left = lagrange_values(x, np.array([1.0, -1.0]))
        stiffness = lagrange_derivative(x).T * w
        mass = np.diag(w)[None, None] * self.mesh.widths[None, :, None, None] / 2
        c = self.ordinates.cosines[:, None, None, None]
        rate = self.rate.real if self.rate.imag == 0 else self.rate
        ways = [
            c * (np.outer(right, right) - stiffness) + rate * mass,
            c * (np.outer(left, left) + stiffness) + rate * mass,
        ]
        inverse = np.linalg.inv(np.stack(ways))
        inflow = np.stack([inverse[0] @ left, inverse[1] @ right])
        return inverse @ mass, inflow * c[..., 0], np.stack([right, left])

    def solve(self, source: NDArray[Any], jumps: dict[int, NDArray[Any]]) -> NDArray[Any]:
        """The distribution u, with nothing coming in from outside.

        Parameters
        ----------
        source : shape (..., way, ordinate, cell, node)
        jumps : index of an edge -> what a beam gains there, shape (way, ordinate)
        """
        respond, enter, leave = self._cells
        local = np.einsum("...wocij,...wocj->...woci", respond[None], source[None])[0]
        out: NDArray[Any] = np.empty_like(local)
        zero = np.zeros((*source.shape[:-4], self.ordinates.cosines.size), dtype=local.dtype)
        edge = [zero, zero]
        if self.reflecting:
            back = self._sweep(out, local, jumps, [zero, zero], 1, enter, leave)
            forth = self._sweep(out, local, jumps, [zero, zero], 0, enter, leave)
            through = self._transmissions()
            edge[0] = (back + through[1] * forth) / (1 - through[0] * through[1])
            edge[1] = self._sweep(out, local, jumps, edge, 0, enter, leave)
        for way in (0, 1):
            self._sweep(out, local, jumps, edge, way, enter, leave)
        return out

    def _sweep(
        self,
        out: NDArray[Any],
        local: NDArray[Any],
        jumps: dict[int, NDArray[Any]],
        edge: list[NDArray[Any]],
        way: int,
        enter: NDArray[Any],
        leave: NDArray[Any],
    ) -> NDArray[Any]:
        """Carry one way through all cells; what leaves at the far end."""
        cells = range(self.mesh.widths.size)
        flow = edge[way]
        for cell in cells if way == 0 else reversed(cells):
            at = cell if way == 0 else cell + 1
            if at in jumps:
                flow = flow + jumps[at][way]
            out[..., way, :, cell, :] = local[..., way, :, cell, :] + (
                flow[..., None] * enter[way, :, cell]
            )
            flow = out[..., way, :, cell, :] @ leave[way]
        return flow

    def _transmissions(self) -> NDArray[Any]:
        """What is left of a beam after the whole mesh, shape (way, ordinate)."""
        _, enter, leave = self._cells
        return np.asarray(np.einsum("wocj,wj->woc", enter, leave).prod(axis=-1))

    @cached_property
    def responses(self) -> tuple[NDArray[Any], NDArray[Any]]:
        r"""The matrices :math:`\langle R \rangle` and :math:`\langle R c \rangle` on all points.

        The second weights the source by c, not what becomes of it: a mirror tells them apart.
        """
        if not self.reflecting:
            return self._response(np.array([1.0, 1.0]), with_odd=True)
        even, _ = self._response(np.array([1.0, 1.0]))
        _, odd = self._response(np.array([1.0, -1.0]))
        return even, odd

    def _response(
        self, signs: Array, *, with_odd: bool = False
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean, and mean times \\|c\\|, for sources of these signs in the two ways.

        With ``with_odd`` the second is for odd sources: no beam turns, so the sign stays with the way.
        """
        respond = self._cells[0]
        ways, count, cells, n, _ = respond.shape
        size = cells * n
        mean = np.zeros((size, size), dtype=respond.dtype)
        carried = np.zeros_like(mean)
        start = [np.zeros((count, size), dtype=respond.dtype)] * 2
        if self.reflecting:
            forth, back = (self._sweep_response(way, start[way], signs) for way in (0, 1))
            through = self._transmissions()[..., None]
            start[0] = (back + through[1] * forth) / (1 - through[0] * through[1])
            start[1] = forth + through[0] * start[0]
        half = self.ordinates.weights / 2
        for way in range(ways):
            sign = 1 - 2 * way if with_odd else 1
            self._sweep_response(
                way,
                start[way],
                signs,
                (mean, half),
                (carried, sign * half * self.ordinates.cosines),
            )
        return mean, carried

    def _sweep_response(
        self,
        way: int,
        flow: NDArray[Any],
        signs: Array,
        *moments: tuple[NDArray[Any], Array],
    ) -> NDArray[Any]:
        """Carry linear functionals of the source through all cells; what leaves at the far end.

        Parameters
        ----------
        flow : what enters, shape (ordinate, points)
        moments : pairs of a matrix (points, points) and the weights by which ordinates are added to it
        """
        respond, enter, leave = self._cells
        cells, n = respond.shape[2:4]
        for cell in range(cells) if way == 0 else reversed(range(cells)):
            rows = slice(cell * n, (cell + 1) * n)
            u = enter[way, :, cell, :, None] * flow[:, None, :]
            u[:, :, rows] += signs[way] * respond[way, :, cell]
            for matrix, weights in moments:
                matrix[rows] += np.tensordot(weights, u, 1)
            flow = np.einsum("n,ons->os", leave[way], u)
        return flow

    def moment(self, power: int, u: NDArray[Any]) -> NDArray[Any]:
        r""":math:`\langle c^n u \rangle = \frac12 \int_{-1}^1 c^n u\, dc`, shape (..., cell, node)."""
        half = self.ordinates.weights * self.ordinates.cosines**power / 2
        signs = np.array([1.0, (-1.0) ** power])
        return np.asarray(np.einsum("w,o,...wocn->...cn", signs, half, u, optimize=True))

    def cosine(self) -> Array:
        """c with its sign, shape (way, ordinate, 1, 1)."""
        c = self.ordinates.cosines
        return np.stack([c, -c])[..., None, None]

    def by_cosine(self, u: NDArray[Any]) -> NDArray[Any]:
        """Derivative with respect to c on each half range."""
        D = self.ordinates.derivative
        signs = np.array([1.0, -1.0])
        return np.asarray(np.einsum("w,op,...wpcn->...wocn", signs, D, u, optimize=True))
