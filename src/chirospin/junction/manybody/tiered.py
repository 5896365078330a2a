r"""The generator of a hierarchy: bosons integrated out exactly, auxiliary electron operators in their place.

.. math::
    0 = (L_{el} - m \cdot \nu) \rho_m - i \sum_j s_j \sqrt{m_j + 1}\, [V_j, \rho_{m+j}]
        - i \sum_j \frac{\sqrt{m_j}}{s_j} (\eta_j V_j \rho_{m-j} - \tilde\eta_j \rho_{m-j} V_j)

The operators are scaled by :math:`\prod_j \sqrt{m_j!}\, s_j^{m_j}` with :math:`s_j^2 = |\eta_j| + |\tilde\eta_j|`.
Between jumps, and without what comes from the tier below, the operators are found by the eigenvectors of the
electrons' H_eff and back substitution from the top tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.junction.manybody.companions import Tiers, TiersLayout, tiers
from chirospin.junction.manybody.generator import Generator, JumpFamily
from chirospin.junction.manybody.hamiltonian import Member
from chirospin.junction.manybody.packed import Blocks, Complex, Real
from chirospin.numerics.sylvester import EigenInverse, Form, dagger

Join: TypeAlias = Any  # a matrix over operators, dense or sparse
DENSE = 40  # operators up to which their combinations are dense products
NUDGE = 1e-7  # of the energy scale, by which a defective H_eff is moved inside the preconditioner
CROOKED = 1e9  # condition number of eigenvectors beyond which they lose too many digits


@dataclass(frozen=True, kw_only=True)
class Memory:
    r"""What the electrons remember of their bosons: C(t) as a sum of exponentials, t > 0.

    .. math:: C(t) = \sum_j \eta_j e^{-\nu_j t}, \qquad C^*(t) = \sum_j \tilde\eta_j e^{-\nu_j t}

    Parameters
    ----------
    decay, weight, conjugate_weight : nu, eta and eta~, (J,)
    partner : of each exponent the one with the conjugate decay
    mode : whose each is
    """

    decay: NDArray[np.complex128]
    weight: NDArray[np.complex128]
    conjugate_weight: NDArray[np.complex128]
    partner: tuple[int, ...]
    mode: tuple[int, ...]

    @property
    def scale(self) -> Real:
        """s of each exponent."""
        return np.asarray(np.sqrt(np.abs(self.weight) + np.abs(self.conjugate_weight)))

    def tiers(self, highest: int) -> Tiers:
        """The auxiliary operators up to a tier."""
        return tiers(self.partner, highest)


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """How one mode joins the operators of a hierarchy, as matrices over them: rows are one of each pair.

    Parameters
    ----------
    above : of [V, rho] from the tier above
    left, right : of V rho and rho V from the tier below
    """

    above: Join
    left: Join
    right: Join


def couplings(memory: Memory, operators: Tiers) -> list[Coupling]:
    """Of every mode."""
    rows, count, s = operators.own, len(operators.index), memory.scale
    found = []
    for mode in sorted(set(memory.mode)):
        parts = [scipy.sparse.lil_array((rows.size, count), dtype=complex) for _ in range(3)]
        for j in (j for j, own in enumerate(memory.mode) if own == mode):
            up, down = operators.neighbour(j, 1), operators.neighbour(j, -1)
            for row, number in enumerate(rows):
                m = operators.array[number, j]
                if up[number] >= 0:
                    parts[0][row, up[number]] += s[j] * np.sqrt(m + 1)
                if m:
                    share = np.sqrt(m) / s[j]
                    parts[1][row, down[number]] += share * memory.weight[j]
                    parts[2][row, down[number]] += share * memory.conjugate_weight[j]
        above, left, right = (part.toarray() if count <= DENSE else part.tocsr() for part in parts)
        found.append(Coupling(above=above, left=left, right=right))
    return found


def mixed(matrix: Join, X: Complex) -> Complex:
    """Linear combinations of operators, (batch, operator, ...) -> (batch, row, ...)."""
    flat = X.reshape(X.shape[0], X.shape[1], -1)
    if isinstance(matrix, np.ndarray):
        out = matrix @ flat
    else:
        out = np.stack([matrix @ one for one in flat])
    return np.asarray(out.reshape(X.shape[0], matrix.shape[0], *X.shape[2:]))


class TieredGenerator(Generator):
    """L of a hierarchy for several members of one structure and the same bosons.

    Parameters
    ----------
    families : of the electrons: leads, white noise
    coupling : V of each mode in sectors
    """

    layout: TiersLayout

    def __init__(
        self,
        members: Sequence[Member],
        layout: TiersLayout,
        families: Sequence[JumpFamily],
        memory: Memory,
        coupling: Sequence[Blocks],
    ) -> None:
        super().__init__(members, layout, families)
        self.memory, self.coupling = memory, coupling
        self.joins = couplings(memory, layout.tiers)
        self.decay = layout.tiers.array @ memory.decay  # m . nu

    @cached_property
    def diagonal_coupling(self) -> tuple[bool, ...]:
        """Whether the V of each mode is diagonal in Fock states."""
        return tuple(
            all(not (X * (1 - np.eye(X.shape[-1]))).any() for X in blocks.values())
            for blocks in self.coupling
        )

    def coherent(self, parity: int, packed: Real) -> Real:
        """L_0 - m.nu, and what comes from the tier above."""
        decay = self.decay[self.layout.tiers.own][:, None, None, None]

        def action(n: int, X: Complex) -> Complex:
            K = self.heff[parity][n][:, None]
            out = -1j * (K @ X - X @ dagger(K)) - decay * X
            every = self.layout.every(X)
            for join, V, diagonal in self._modes(parity, n):
                C = mixed(join.above, every)
                out -= 1j * (_times(V, C, diagonal=diagonal) - _after(C, V, diagonal=diagonal))
            return out

        return self.layout.by_stack(parity, packed, action)

    def kept(self, parity: int, packed: Real) -> Real:
        """What comes from the tier below, and the jumps of the electrons that keep every sector."""

        def action(n: int, X: Complex) -> Complex:
            out = np.zeros_like(X)
            for family in self.keepers:
                moved = family.keeping(parity, n, np.moveaxis(X, 1, 0))
                out += np.moveaxis(moved, 0, 1)
            every = self.layout.every(X)
            for join, V, diagonal in self._modes(parity, n):
                left, right = mixed(join.left, every), mixed(join.right, every)
                out -= 1j * (
                    _times(V, left, diagonal=diagonal) - _after(right, V, diagonal=diagonal)
                )
            return out

        return self.layout.by_stack(parity, packed, action)

    def _within(self, parity: int, packed: Real) -> Real:
        return self.coherent(parity, packed) + self.kept(parity, packed)

    def _modes(self, parity: int, number: int) -> list[tuple[Coupling, Complex, bool]]:
        return [
            (join, blocks[parity, number], diagonal)
            for join, blocks, diagonal in zip(
                self.joins, self.coupling, self.diagonal_coupling, strict=True
            )
        ]


def _times(V: Complex, X: Complex, *, diagonal: bool) -> Complex:
    """V X."""
    if diagonal:
        return np.asarray(np.einsum("bsii->bsi", V)[:, :, :, None] * X)
    return np.asarray(V @ X)


def _after(X: Complex, V: Complex, *, diagonal: bool) -> Complex:
    """X V."""
    if diagonal:
        return np.asarray(X * np.einsum("bsii->bsi", V)[:, :, None, :])
    return np.asarray(X @ V)


class TieredResolvent:
    r"""R = -(L_0 - m.nu + coupling from the tier above)^{-1}, by back substitution from the top tier."""

    generator: Generator

    def __init__(
        self, generator: TieredGenerator, form: Form = EigenInverse, shift: float = 0.0
    ) -> None:
        self.generator, self.hierarchy, self.form = generator, generator, form
        layout = generator.layout
        self.slowest_decay = np.full(layout.batch, np.inf)
        own = layout.tiers.own
        height = layout.tiers.array[own].sum(axis=1)
        self.levels = [np.flatnonzero(height == t) for t in range(int(height.max()), -1, -1)]
        whole = layout.tiers.array.sum(axis=1)
        self.higher = [np.flatnonzero(whole == t) for t in range(int(height.max()) + 1, 0, -1)]
        self.joins: list[list[Join]] = [
            [join.above[rows][:, above] for join in generator.joins]
            for rows, above in zip(self.levels, self.higher, strict=True)
        ]
        self.modes: dict[tuple[int, int], _StackModes] = {}
        for parity, half in enumerate(generator.heff):
            for n, heff in enumerate(half):
                modes = _StackModes.of(
                    heff - 0.5j * shift * np.eye(heff.shape[-1]),
                    generator.decay[own],
                    generator.scale,
                    generator._modes(parity, n),
                )
                self.modes[parity, n] = modes
                self.slowest_decay = np.minimum(self.slowest_decay, modes.slowest_decay)

    @property
    def complete(self) -> bool:
        """What comes from the tier below is left out."""
        return False

    def adjoint(self, parity: int, packed: Real) -> Real:
        """Not known.

        Raises
        ------
        numpy.linalg.LinAlgError : always
        """
        raise np.linalg.LinAlgError("no adjoint of a hierarchy")

    def moved(self, shift: float) -> TieredResolvent:
        """That of L_0 - shift."""
        return TieredResolvent(self.hierarchy, self.form, shift)

    def __call__(self, parity: int, packed: Real) -> Real:
        """R Y in packed form."""
        layout = self.hierarchy.layout
        return -layout.by_stack(parity, packed, lambda n, Y: self._inverse(parity, n, Y))

    def _inverse(self, parity: int, n: int, Y: Complex) -> Complex:
        modes, layout = self.modes[parity, n], self.hierarchy.layout
        inverse, vectors = modes.inverse[:, None], modes.vectors[:, None]
        core = inverse @ Y @ modes.inverse_dagger[:, None]
        tiers_ = layout.tiers
        every = np.empty((core.shape[0], layout.companions, *core.shape[2:]), dtype=core.dtype)
        for level, rows in enumerate(self.levels):
            total = core[:, rows]
            if level:
                higher = every[:, self.higher[level]]
                for join, V, turned in zip(
                    self.joins[level], modes.coupling, modes.coupling_dagger, strict=True
                ):
                    C = mixed(join, higher)
                    total = total + 1j * (V[:, None] @ C - C @ turned[:, None])
            X = total * modes.weight[:, rows]
            numbers = tiers_.own[rows]
            every[:, tiers_.mate[numbers]] = dagger(X)
            every[:, numbers] = X
        return np.asarray(vectors @ every[:, tiers_.own] @ modes.vectors_dagger[:, None])

    def hermiticity(self, parity: int, packed: Real) -> Real:
        """Norm of the anti-Hermitian part that packing drops from the density operator, (batch,)."""
        layout = self.hierarchy.layout
        total = np.zeros(layout.batch)
        for n in layout.numbers(parity):
            X = self._inverse(parity, n, layout.stored(parity, n, packed))[:, 0]
            total += (np.abs(X - dagger(X)) ** 2).sum(axis=(1, 2, 3))
        return np.sqrt(total) / 2


@dataclass(frozen=True, kw_only=True)
class _StackModes:
    """Eigenvectors of H_eff in one stack, the weights of the inverse, and V between eigenvectors."""

    vectors: Complex
    inverse: Complex
    weight: Complex
    coupling: list[Complex]
    slowest_decay: Real

    @cached_property
    def inverse_dagger(self) -> Complex:
        """Of the inverse of the eigenvectors."""
        return dagger(self.inverse)

    @cached_property
    def vectors_dagger(self) -> Complex:
        """Of the eigenvectors."""
        return dagger(self.vectors)

    @cached_property
    def coupling_dagger(self) -> list[Complex]:
        """Of V between eigenvectors."""
        return [dagger(V) for V in self.coupling]

    @classmethod
    def of(
        cls,
        heff: Complex,
        decay: Complex,
        scale: Real,
        modes: Sequence[tuple[Coupling, Complex, bool]],
    ) -> _StackModes:
        energy, vectors = np.linalg.eig(heff)
        if not (np.linalg.cond(vectors) < CROOKED).all():
            rng = np.random.default_rng(0)
            noise = rng.standard_normal(heff.shape) * scale[:, None, None, None]
            energy, vectors = np.linalg.eig(heff + NUDGE * noise)
        inverse = np.linalg.inv(vectors)
        gap = energy[..., :, None] - np.conj(energy[..., None, :])
        rate = -1j * gap[:, None] - decay[:, None, None, None]
        return cls(
            vectors=vectors,
            inverse=inverse,
            weight=np.asarray(1 / np.where(rate == 0, np.inf, rate), dtype=complex),
            coupling=[inverse @ V @ vectors for _, V, _ in modes],
            slowest_decay=(-2 * energy.imag.max(axis=-1)).min(axis=-1),
        )
