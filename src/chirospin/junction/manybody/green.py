r"""The retarded Green function of the molecules in their many-body state.

.. math:: G_{ab}(\omega) = i\,Tr[c_a (L_{odd} + i\omega)^{-1} (c^+_b\rho + \rho c^+_b)]

L_odd is the generator on operators that change the number of electrons by one: there **every jump changes its
sign**, since c and c+ pass the operators of the leads. The part with :math:`\rho c^+_b` alone is the lesser
one, and :math:`A = i(G - G^+)/2\pi`.

One solve for each :math:`c_a` in the Heisenberg picture serves both parts:

.. math:: Tr[c_a (L_{odd} + i\omega)^{-1} X] = \langle y_a, X \rangle, \qquad
          (L_{odd} + i\omega)^+ y_a = c_a^+

with the propagator without jumps inverted between eigenvectors of H_eff. Jumps are then a small part at every
energy: some ten products a digit-complete answer, of any number of electrons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import scipy

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.operator_space import (
    Charge,
    Complex,
    OperatorBlock,
    ladder_map,
    operator_space,
    orbital_charge,
    space_size,
    trace_places,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Layout, Real
from chirospin.numerics.krylov import gmres
from chirospin.numerics.sylvester import dagger

GREEN = "green"
"""The part of a state that holds it."""
REVERSED = -1.0
"""What jumps are multiplied by on operators that change the number of electrons by one."""
FARTHEST = 1e5
"""eV: where the tail is tried."""
ACCURATE = 1e-10
"""Residual of the resolvent, relative to its source, at every energy."""
MOST_VECTORS = 300
USUAL_VECTORS = 20
AT_ONCE = 2.0**27
"""Bytes of the Krylov vectors of energies that are solved together."""
CROOKED = 1e9
"""Condition number of eigenvectors beyond which H_eff is moved by :data:`NUDGE` inside the preconditioner."""
NUDGE = 1e-7
ROUNDING = 1e-15
SPARSE = 8
"""Elements of a sparse product that take as long as one of a dense product."""


@dataclass(frozen=True, kw_only=True)
class SectorJump:
    """One channel of jumps, from sector to sector: X -> P X Q^+ + Q X P^+.

    Parameters
    ----------
    target : sector -> the one that it leads to
    P, Q : sector -> matrix into its target
    """

    target: dict[fock.SectorKey, fock.SectorKey]
    P: dict[fock.SectorKey, Complex]
    Q: dict[fock.SectorKey, Complex]

    @cached_property
    def ratio(self) -> float | None:
        """Q over P where they are in proportion everywhere, as in positive generators."""
        whole = [
            np.concatenate([one[key].ravel() for key in self.target]) for one in (self.P, self.Q)
        ]
        largest = np.abs(whole[0]).argmax()
        ratio = whole[1][largest] / whole[0][largest] if whole[0][largest] else 0.0
        same = np.abs(whole[1] - ratio * whole[0]).max() <= ROUNDING * np.abs(whole[1]).max()
        return float(ratio.real) if same and not ratio.imag else None


@dataclass(frozen=True, kw_only=True)
class SectorGenerator:
    """A generator sector by sector, for operators that join different ones.

    Parameters
    ----------
    hamiltonian, damped : H, and H_eff, of every sector
    rho : the stationary state
    held : electrons that dephasing sees, times the root of its rate, (d, orbital) of every sector; None
        without
    sign : of the jumps on odd operators
    """

    charges: fock.Charges
    hamiltonian: Mapping[fock.SectorKey, Complex]
    damped: Mapping[fock.SectorKey, Complex]
    rho: Mapping[fock.SectorKey, Complex]
    jumps: Sequence[SectorJump]
    held: Mapping[fock.SectorKey, Real] | None = None
    sign: float = REVERSED

    @cached_property
    def neutral(self) -> Charge:
        """Of operators that keep every charge."""
        return (0,) * len(self.charges)

    def packed_density(self) -> Complex:
        """rho as one vector."""
        blocks = operator_space(self.charges, self.neutral)
        return np.concatenate([self.rho[block.ket].ravel() for block in blocks])

    def closed(self, shift: Charge, X: Complex) -> Complex:
        """-i[H, X] on rows, (row, unknowns)."""
        out = np.empty_like(X)
        for block in operator_space(self.charges, shift):
            Y = _as_matrices(X, block)
            moved = -1j * (self.hamiltonian[block.ket] @ Y - Y @ self.hamiltonian[block.bra])
            out[:, block.span] = moved.reshape(len(X), -1)
        return out

    def arrivals(self, shift: Charge) -> Callable[[Complex], Complex]:
        r"""Jumps in the Heisenberg picture, :math:`\pm\sum (P^+ Z Q + Q^+ Z P)`, on rows."""
        steps = list(self._steps(shift))
        dense = sum(P.size * Q.shape[1] + P.shape[1] * Q.size for _, _, P, Q in steps)
        few = sum(np.count_nonzero(P) * np.count_nonzero(Q) for _, _, P, Q in steps)
        if SPARSE * few > dense:
            return partial(_by_products, steps)
        size = space_size(self.charges, shift)
        whole = scipy.sparse.csr_array((size, size), dtype=complex)
        for step in steps:
            whole = whole + _sparse_step(step, size)
        return lambda Z: np.asarray((whole @ Z.T).T)

    def _steps(self, shift: Charge) -> Iterator[Step]:
        """Every P^+ Z Q; what has P and Q in proportion is one of them."""
        blocks = {
            (operator_block.ket, operator_block.bra): operator_block
            for operator_block in operator_space(self.charges, shift)
        }
        for block in blocks.values():
            if self.held is not None:
                for n, m in zip(self.held[block.ket].T, self.held[block.bra].T, strict=True):
                    yield block, block, np.diag(n), np.diag(m)
            for jump in self.jumps:
                place = jump.target.get(block.ket), jump.target.get(block.bra)
                target = blocks.get(place) if None not in place else None  # type: ignore[arg-type]
                if target is None:
                    continue
                P, Q = ((one[block.ket], one[block.bra]) for one in (jump.P, jump.Q))
                ratio = jump.ratio
                if ratio is not None:
                    yield target, block, 2 * ratio * self.sign * P[0], P[1]
                else:
                    yield target, block, self.sign * P[0], Q[1]
                    yield target, block, self.sign * Q[0], P[1]


Step = tuple[OperatorBlock, OperatorBlock, Complex, Complex]  # From a block to a block by P^+ Z Q.


def _by_products(steps: Sequence[Step], Z: Complex) -> Complex:
    out = np.zeros_like(Z)
    for source, target, P, Q in steps:
        out[:, target.span] += _beside(dagger(P), _as_matrices(Z, source), Q)
    return out


def _sparse_step(step: Step, size: int) -> scipy.sparse.csr_array:
    source, target, P, Q = step
    one = scipy.sparse.kron(dagger(P), Q.T).tocoo()
    places = one.row + target.start, one.col + source.start
    return scipy.sparse.csr_array((one.data, places), shape=(size, size))


def _beside(left: Complex, Y: Complex, right: Complex) -> Complex:
    """left Y right of every row, (row, elements), in two products."""
    rows = Y.shape[0]
    half = left @ np.moveaxis(Y, 0, 1).reshape(Y.shape[1], -1)
    whole = half.reshape(-1, Y.shape[2]) @ right
    return np.moveaxis(whole.reshape(left.shape[0], rows, -1), 1, 0).reshape(rows, -1)


class HeisenbergPropagator:
    r"""Inverse of :math:`Z \mapsto i (K^+ Z - Z K) - i\omega Z` on operators of one shift, K = H_eff.

    .. math:: V^{-+} \left[ \frac{(V^+ Y V)_{ij}}{i (E_i^* - E_j - \omega)} \right] V^{-1}
    """

    def __init__(self, L: SectorGenerator, shift: Charge) -> None:
        self.blocks = operator_space(L.charges, shift)
        self.modes = {key: _modes(K) for key, K in L.damped.items()}

    def weights(self, energies: Real) -> list[Complex]:
        """Of every block, (energy, ket, bra)."""
        found = []
        for block in self.blocks:
            gap = self.modes[block.ket][0].conj()[:, None] - self.modes[block.bra][0]
            rate = 1j * (gap - energies[:, None, None])
            found.append(np.asarray(1 / np.where(rate == 0, np.inf, rate), dtype=complex))
        return found

    def __call__(self, weights: Sequence[Complex], Y: Complex) -> Complex:
        """Z from Y on rows, with the weights of each row."""
        out = np.empty_like(Y)
        for block, weight in zip(self.blocks, weights, strict=True):
            (_, V, left), (_, W, right) = self.modes[block.ket], self.modes[block.bra]
            core = _beside(dagger(V), _as_matrices(Y, block), W).reshape(weight.shape)
            out[:, block.span] = _beside(dagger(left), weight * core, right)
        return out


def _modes(K: Complex) -> tuple[Complex, Complex, Complex]:
    """Eigenvalues, eigenvectors and their inverse; of a matrix beside K where they are lost."""
    energy, vectors = np.linalg.eig(K)
    if not np.linalg.cond(vectors) < CROOKED:
        noise = np.random.default_rng(0).standard_normal(K.shape)
        energy, vectors = np.linalg.eig(K + NUDGE * np.abs(K).max() * noise)
    return energy, vectors, np.linalg.inv(vectors)


def by_place(halves: Sequence[Sequence[Any]]) -> dict[tuple[int, int], Any]:
    """Stacks of both parities by parity and number."""
    return {(parity, n): X for parity, half in enumerate(halves) for n, X in enumerate(half)}


def sector_matrices(
    stacks: Mapping[tuple[int, int], Any], member: int, layout: Layout
) -> dict[fock.SectorKey, Any]:
    """One member's matrices by sector, from (batch, sector, ...) by parity and stack."""
    return {
        (parity, n, s): one
        for parity in (EVEN, ODD)
        for n in layout.numbers(parity)
        for s, one in enumerate(stacks[parity, n][member])
    }


def _as_matrices(X: Complex, block: OperatorBlock) -> Complex:
    """(row, ket, bra) of rows."""
    return X[:, block.span].reshape(-1, *block.shape)


@dataclass(frozen=True, kw_only=True)
class GreenFunction:
    r"""Of both magnetisations, or of one without their axis.

    Parameters
    ----------
    retarded, lesser : G and its part of rho c+, (..., energy, n, n), 1/eV
    tail : :math:`\omega^2 (G - 1/\omega)` far away, (..., n, n), eV
    tail_law : what it must be: <{[c_a, H], c+_b}> - i Gamma/2, (..., n, n), eV
    sum_rule : integral of A, (..., n, n)
    residual : of the resolvents, (...)
    """

    retarded: Complex
    lesser: Complex
    tail: Complex
    tail_law: Complex
    sum_rule: Complex
    residual: Real


def green_function(L: SectorGenerator, energies: Real, width: Complex) -> GreenFunction:
    """At some energies.

    Parameters
    ----------
    width : Gamma, (n, n), eV

    Raises
    ------
    ModelError : Krylov vectors of one energy that do not fit in memory
    """
    n = fock.sectors(L.charges).orbitals
    at = np.concatenate([energies, [FARTHEST]])
    retarded, lesser = np.zeros((2, len(at), n, n), dtype=complex)
    law, whole = -0.5j * width.astype(complex), np.zeros((n, n), dtype=complex)
    worst = 0.0
    groups: dict[Charge, list[int]] = {}
    for orbital in range(n):
        groups.setdefault(orbital_charge(L.charges, orbital), []).append(orbital)
    for shift, orbitals in groups.items():
        after, before = _sources(L, orbitals)
        read = _reading(L, shift, orbitals)
        for some, found, residual in _resolved(L, shift, read, at):
            place = np.ix_(some, orbitals, orbitals)
            turned = 1j * found.conj()
            retarded[place] = turned @ (after + before)
            lesser[place] = turned @ after
            worst = max(worst, residual)
        both = (after + before).T
        law[np.ix_(orbitals, orbitals)] += 1j * (read @ L.closed(shift, both).T)
        whole[np.ix_(orbitals, orbitals)] = read @ both.T
    far = FARTHEST * (FARTHEST * retarded[-1] - np.eye(n))
    return GreenFunction(
        retarded=retarded[:-1],
        lesser=lesser[:-1],
        tail=far,
        tail_law=law,
        sum_rule=whole,
        residual=np.asarray(worst),
    )


def _sources(L: SectorGenerator, orbitals: Sequence[int]) -> tuple[Complex, Complex]:
    """rho c+_b and c+_b rho of some orbitals of one charge, (unknowns, orbital) each."""
    rho = L.packed_density()
    after, both = (
        np.stack([ladder_map(L.charges, L.neutral, b, 1, sign) @ rho for b in orbitals], axis=-1)
        for sign in (0, 1)
    )
    return both - after, after


def _reading(L: SectorGenerator, shift: Charge, orbitals: Sequence[int]) -> Complex:
    """Rows that make Tr[c_a X] of an operator, real, (orbital, unknowns)."""
    places = trace_places(L.charges)
    rows = []
    for a in orbitals:
        removed = ladder_map(L.charges, shift, a, -1, 0)
        one = np.zeros(removed.shape[0])
        one[places] = 1.0
        rows.append(removed.T @ one)
    return np.asarray(rows, dtype=complex)


def _resolved(
    L: SectorGenerator, shift: Charge, read: Complex, energies: Real
) -> Iterator[tuple[list[int], Complex, float]]:
    r"""y with :math:`(L_{odd} + i\omega)^+ y = c_a^+` for some energies after others.

    Yields
    ------
    which energies, y (energy, orbital, unknowns), and the largest residual relative to :math:`c_a^+`
    """
    propagator, arrived = HeisenbergPropagator(L, shift), L.arrivals(shift)
    count, size = read.shape
    each = 16.0 * count * size * USUAL_VECTORS
    if each > available_bytes():
        raise ModelError(
            "Parameter `molecules` must be lower where a Green function is asked for (dimensionless): "
            f"{size} unknowns need about {in_words(each)} at one energy, where "
            f"{in_words(available_bytes())} are free"
        )
    together = max(1, int(min(AT_ONCE, available_bytes()) / each))
    for start in range(0, len(energies), together):
        some = list(range(start, min(start + together, len(energies))))
        yield some, *_at_once(arrived, propagator, read, energies[some])


def _at_once(
    arrived: Callable[[Complex], Complex],
    propagator: HeisenbergPropagator,
    read: Complex,
    energies: Real,
) -> tuple[Complex, float]:
    """All of one batch, every energy with every orbital."""
    count = len(read)
    weights = [np.repeat(one, count, axis=0) for one in propagator.weights(energies)]
    right = np.tile(read, (len(energies), 1))

    def equation(Z: Complex) -> Complex:
        """Of Z, from which the propagator makes y: its residual is that of y."""
        return np.asarray(Z + arrived(propagator(weights, Z)))

    krylov_result = gmres(equation, right, tolerance=ACCURATE, limit=MOST_VECTORS)
    rest = np.linalg.norm(equation(krylov_result.solution) - right, axis=1)
    y = propagator(weights, krylov_result.solution)
    return y.reshape(len(energies), count, -1), float((rest / np.linalg.norm(right, axis=1)).max())
