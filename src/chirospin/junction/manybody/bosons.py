r"""Vibrations as explicit bosons beside the electrons, each in its own bath.

.. math:: H_{boson} = \sum_v w_v b_v^+ b_v + x_v V_v, \qquad
          \kappa_v (n_v + 1) D[b_v] + \kappa_v n_v D[b_v^+]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.companions import LevelsLayout, joint
from chirospin.junction.manybody.generator import JumpFamily
from chirospin.junction.manybody.hamiltonian import Matrices
from chirospin.junction.manybody.one_body import packed_operator, sector_operator
from chirospin.junction.manybody.packed import Blocks, Complex, Halves, Layout, Real, overlap
from chirospin.numerics.sylvester import dagger


@dataclass(frozen=True, kw_only=True)
class Oscillators:
    """Truncated oscillators, their levels multiplied out.

    Parameters
    ----------
    energy : w, (K,), eV
    levels : of each
    """

    energy: Real
    levels: tuple[int, ...]

    @property
    def size(self) -> int:
        """Levels of all together."""
        return int(np.prod(self.levels))

    def placed(self, mode: int, operator: Real) -> Real:
        """An operator of one mode beside the others."""
        before, after = (
            int(np.prod(part)) for part in (self.levels[:mode], self.levels[mode + 1 :])
        )
        return np.kron(np.kron(np.eye(before), operator), np.eye(after))

    @cached_property
    def lowering(self) -> tuple[Real, ...]:
        """b of each mode; b^+ of the top level is 0."""
        return tuple(
            self.placed(v, np.diag(np.sqrt(np.arange(1.0, n)), 1))
            for v, n in enumerate(self.levels)
        )

    @cached_property
    def position(self) -> tuple[Real, ...]:
        """x = b + b^+."""
        return tuple(b + b.T for b in self.lowering)

    @cached_property
    def number(self) -> tuple[Real, ...]:
        """b^+ b."""
        return tuple(b.T @ b for b in self.lowering)

    @cached_property
    def top(self) -> tuple[Real, ...]:
        """Projector on the top level."""
        return tuple(self.placed(v, np.diag(np.eye(n)[-1])) for v, n in enumerate(self.levels))

    @cached_property
    def hamiltonian(self) -> Real:
        """sum w b^+ b."""
        return np.asarray(
            sum(
                (w * N for w, N in zip(self.energy, self.number, strict=True)),
                start=np.zeros((self.size,) * 2),
            )
        )

    def thermal(self, occupation: Real) -> Real:
        """Populations of all levels where mode v is thermal with occupation n_v, (size,)."""
        weight = np.ones(1)
        for n, count in zip(occupation, self.levels, strict=True):
            ratio = (n / (1 + n)) ** np.arange(count)
            weight = np.kron(weight, ratio / ratio.sum())
        return weight


FLOW_ERROR = 3.0
"""Relative error of a current over the occupation of the top level: at most 3.1 in dimers of all couplings."""


def level_errors(
    oscillators: Oscillators, top: Real, damping: Real, spread: Real
) -> dict[str, Real]:
    r"""What the levels above the top one, which holds p, may change.

    .. math:: \delta\langle b^+b \rangle = 2 n p, \quad \delta\langle x \rangle = 4 \sqrt n p, \quad
              \delta\langle xV \rangle = 6 \sqrt n p \Delta V, \quad \delta Q = 2 \kappa w n p

    Bounds of what more levels changed in molecules and dimers with every kind of coupling, cold and hot.

    Parameters
    ----------
    top : p of each mode, (batch, mode)
    damping, spread : kappa and the range of V of each mode, (K,)
    """
    n = np.array(oscillators.levels, dtype=float)
    return {
        "phonon_number": 2 * n * top,
        "displacement": 4 * np.sqrt(n) * top,
        "coupling_energy": 6 * np.sqrt(n) * top * spread,
        "mode_heat": 2 * damping * oscillators.energy * n * top,
    }


@dataclass(frozen=True, kw_only=True)
class VibronicMatrices(Matrices):
    """Molecules with vibrations of a number of levels.

    Parameters
    ----------
    vibrations : V of each mode, (K, 4M, 4M), eV
    """

    vibrations: Complex
    oscillators: Oscillators

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Everything that tells one Hamiltonian from another."""
        levels = np.array(self.oscillators.levels, dtype=np.int64)
        return (*super().arrays, self.vibrations, self.oscillators.energy, levels)

    @cached_property
    def coupling(self) -> tuple[Blocks, ...]:
        """V of each mode in sectors."""
        return tuple(sector_operator(self.charges, V) for V in self.vibrations)


def vibronic_energy(
    oscillators: Oscillators,
    electrons: Blocks,
    coupling: Sequence[Blocks],
    layout: LevelsLayout,
    flow: Halves,
) -> Real:
    """Tr[H X] of a packed operator, (batch,); ``electrons`` is H_el in sectors."""
    plain = layout.electrons
    total = overlap(packed_operator(layout, electrons), layout.reduced(flow))
    for V, x in zip(coupling, oscillators.position, strict=True):
        total = total + overlap(packed_operator(layout, V), layout.weighted(flow, x))
    for w, number in zip(oscillators.energy, oscillators.number, strict=True):
        total = total + w * plain.trace(*layout.weighted(flow, number))
    return total


def vibronic_hamiltonian(
    oscillators: Oscillators, coupling: Sequence[Blocks], place: tuple[int, int]
) -> Complex:
    """sum w b^+ b + x V in one stack, (1, sector, d n, d n)."""
    block = coupling[0][place] if coupling else None
    assert block is not None
    unit = np.eye(block.shape[-1], dtype=complex)
    total = joint(np.broadcast_to(unit, block.shape), oscillators.hamiltonian)
    for V, x in zip(coupling, oscillators.position, strict=True):
        total = total + joint(V[place], x)
    return total


class Vibrations(JumpFamily):
    """The coupling of bosons to the electrons; subclasses add what their baths do."""

    keeps = True

    def __init__(
        self, oscillators: Oscillators, coupling: Sequence[Blocks], layout: LevelsLayout
    ) -> None:
        self.oscillators, self.coupling, self.layout = oscillators, coupling, layout

    def damping(self, parity: int, number: int) -> Complex:
        """Energies of the bosons, coupling, and losses to the baths."""
        closed = vibronic_hamiltonian(self.oscillators, self.coupling, (parity, number))
        return np.asarray(closed + self.loss(parity, number))

    def loss(self, parity: int, number: int) -> Complex:
        """What the baths add to H_eff in one stack."""
        raise NotImplementedError

    def bath(self, halves: Halves) -> Halves:
        """What the baths do to a packed operator."""
        flows = []
        for parity, half in enumerate(halves):

            def lost(n: int, X: Complex, parity: int = parity) -> Complex:
                half_loss = -1j * (self.loss(parity, n) @ X)
                return half_loss + dagger(half_loss)

            flows.append(
                self.layout.by_stack(parity, half, lost) + self.kept(self.layout, parity, half)
            )
        return flows[0], flows[1]


class DampedVibrations(Vibrations):
    """Each boson is damped by itself, whatever the electrons do.

    Parameters
    ----------
    damping_rate, occupation : kappa and n of each mode, (K,)
    """

    def __init__(
        self,
        oscillators: Oscillators,
        coupling: Sequence[Blocks],
        layout: LevelsLayout,
        rate: Real,
        occupation: Real,
    ) -> None:
        super().__init__(oscillators, coupling, layout)
        self.rate, self.occupation = rate, occupation
        self._moves = [self._move(v) for v in range(rate.size)]

    def _move(self, mode: int) -> tuple[np.ndarray, np.ndarray, Real]:
        """Levels that b leads to and from, and its elements."""
        target, source = np.nonzero(self.oscillators.lowering[mode])
        return target, source, self.oscillators.lowering[mode][target, source]

    def loss(self, parity: int, number: int) -> Complex:
        r""":math:`-\tfrac{i}{2}\kappa [(n + 1) b^+ b + n b b^+]`."""
        total = np.zeros((self.oscillators.size,) * 2)
        for b, k, n in zip(self.oscillators.lowering, self.rate, self.occupation, strict=True):
            total += k * ((n + 1) * b.T @ b + n * b @ b.T)
        shape = self.coupling[0][parity, number].shape
        unit = np.broadcast_to(np.eye(shape[-1], dtype=complex), shape)
        return -0.5j * joint(unit, total)

    def kept(self, layout: Layout, parity: int, packed: Real) -> Real:
        """Elements between levels move to the levels below and above."""
        return self._moved(layout, packed, self.occupation + 1, self.occupation)

    def kept_adjoint(self, layout: Layout, parity: int, packed: Real) -> Real:
        """The same with up and down exchanged."""
        return self._moved(layout, packed, self.occupation, self.occupation + 1)

    def _moved(self, layout: Layout, packed: Real, down: Real, up: Real) -> Real:
        n = self.oscillators.size
        values = packed.reshape(layout.batch, n, n, -1)
        out = np.zeros_like(values)
        for (low, high, weight), k, falls, rises in zip(
            self._moves, self.rate, down, up, strict=True
        ):
            for lower, upper, element in zip(low, high, weight, strict=True):
                scale = (k * element * weight)[:, None]
                if falls:
                    out[:, lower, low] += falls * scale * values[:, upper, high]
                if rises:
                    out[:, upper, high] += rises * scale * values[:, lower, low]
        return out.reshape(packed.shape)

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        """The same on the matrices of one stack."""
        return self._sandwiched(X, adjoint=False)

    def keeping_adjoint(self, parity: int, number: int, X: Complex) -> Complex:
        """Its adjoint."""
        return self._sandwiched(X, adjoint=True)

    def _sandwiched(self, X: Complex, *, adjoint: bool) -> Complex:
        n = self.oscillators.size
        *stack, D, _ = X.shape
        apart = X.reshape(*stack, D // n, n, D // n, n)
        out = np.zeros_like(apart)
        for b, k, filled in zip(self.oscillators.lowering, self.rate, self.occupation, strict=True):
            for rate, jump in ((k * (filled + 1), b), (k * filled, b.T)):
                J = jump.T if adjoint else jump
                out += rate * np.einsum("vx,...axbw,yw->...avby", J, apart, J, optimize=True)
        return out.reshape(X.shape)


class DressedVibrations(Vibrations):
    """Each boson is damped about the place to which the electrons displace it: D[b + V/w]."""

    def __init__(
        self,
        oscillators: Oscillators,
        coupling: Sequence[Blocks],
        layout: LevelsLayout,
        rate: Real,
        occupation: Real,
    ) -> None:
        super().__init__(oscillators, coupling, layout)
        unit = np.eye(oscillators.size)
        self.jumps: dict[tuple[int, int], list[tuple[float, Complex]]] = {}
        for place, block in coupling[0].items():
            jumps: list[tuple[float, Complex]] = []
            one = np.broadcast_to(np.eye(block.shape[-1], dtype=complex), block.shape)
            for v, (k, n) in enumerate(zip(rate, occupation, strict=True)):
                B = joint(one, oscillators.lowering[v]) + joint(
                    coupling[v][place] / oscillators.energy[v], unit
                )
                jumps += [(k * (n + 1), B), (k * n, dagger(B))]
            self.jumps[place] = [(r, J) for r, J in jumps if r]

    def loss(self, parity: int, number: int) -> Complex:
        """-i/2 times the rates of all jumps."""
        return np.asarray(-0.5j * sum(r * dagger(J) @ J for r, J in self.jumps[parity, number]))

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        """The jumps."""
        return np.asarray(sum(r * J @ X @ dagger(J) for r, J in self.jumps[parity, number]))

    def keeping_adjoint(self, parity: int, number: int, X: Complex) -> Complex:
        """Their adjoint."""
        return np.asarray(sum(r * dagger(J) @ X @ J for r, J in self.jumps[parity, number]))
