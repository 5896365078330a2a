r"""Vibrations between leads of finite bias: levels in the Hamiltonian that the leads see, and their Ohmic bath.

Leads and bath act between eigenstates of H with the vibrations in it: with rates at electron energies alone a current
flows without bias. The bath couples to x with the spectrum

.. math:: S(y) = \frac{\kappa}{w} \frac{y}{1 - e^{-y/T}}, \qquad S(y)/S(-y) = e^{y/T}

and is written like the leads, :math:`P_{ab} = S(E_b - E_a)\, x_{ab}/2, Q = x` or :math:`P = \sqrt{S} \circ x, Q = P/2`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chirospin.junction.manybody.bosons import Oscillators, Vibrations
from chirospin.junction.manybody.companions import LevelsLayout, joint
from chirospin.junction.manybody.packed import EVEN, ODD, Blocks, Complex, Halves, Real
from chirospin.numerics.sylvester import dagger

Stacks = tuple[list[Real], list[Real]]


def ohmic_spectrum(y: Real, w: float, k: float, T: float) -> Real:
    """S(y) of an Ohmic bath, 1/eV; energy y > 0 is given to it."""
    if T == 0:
        return k / w * np.maximum(y, 0.0)
    ratio = y / T
    with np.errstate(over="ignore", invalid="ignore"):
        occupied = np.where(np.abs(ratio) < 1e-8, 1 + ratio / 2, ratio / -np.expm1(-ratio))
    return np.asarray(k / w * T * occupied)


class OhmicVibrations(Vibrations):
    """Bosons whose bath acts between eigenstates of the whole H.

    Parameters
    ----------
    energies, vectors : eigenstates of H by parity and stack, (batch, sector, d n) and (.., d n, d n)
    kind : redfield, or a square root form: perlind, kms
    """

    def __init__(
        self,
        oscillators: Oscillators,
        coupling: Sequence[Blocks],
        layout: LevelsLayout,
        rate: Real,
        thermal_energy: float,
        eigenstates: tuple[tuple[list[Real], list[Real]], tuple[list[Complex], list[Complex]]],
        kind: str,
    ) -> None:
        super().__init__(oscillators, coupling, layout)
        energies, vectors = eigenstates
        self.jumps: dict[tuple[int, int], list[tuple[Complex, Complex]]] = {}
        self.losses: dict[tuple[int, int], Complex] = {}
        for parity in (EVEN, ODD):
            for n in layout.numbers(parity):
                E, U = energies[parity][n][:1], vectors[parity][n][:1]
                gap = E[..., :, None] - E[..., None, :]
                jumps: list[tuple[Complex, Complex]] = []
                total = np.zeros(U.shape, dtype=complex)
                for v, (w, k) in enumerate(zip(oscillators.energy, rate, strict=True)):
                    electrons = U.shape[-1] // oscillators.size
                    unit = np.eye(electrons, dtype=complex)
                    x = dagger(U) @ joint(unit, oscillators.position[v]) @ U
                    S = ohmic_spectrum(-gap, float(w), float(k), thermal_energy)
                    bare = kind == "redfield"
                    P = (S / 2 if bare else np.sqrt(S)) * x
                    Q = x if bare else P / 2
                    lost = dagger(Q) @ P
                    total -= 1j * lost
                    if kind == "kms":
                        steep = (
                            np.tanh(gap / (4 * thermal_energy)) if thermal_energy else np.sign(gap)
                        )
                        total += 1j * steep * lost
                    jumps.append((U @ P @ dagger(U), U @ Q @ dagger(U)))
                self.jumps[parity, n] = jumps
                self.losses[parity, n] = U @ total @ dagger(U)

    def loss(self, parity: int, number: int) -> Complex:
        """Losses, and the shift that gives kms its balance."""
        return self.losses[parity, number]

    def keeping(self, parity: int, number: int, X: Complex) -> Complex:
        """P X Q^+ and its conjugate."""
        half = sum((P @ X @ dagger(Q) for P, Q in self.jumps[parity, number]), np.zeros_like(X))
        return np.asarray(half + dagger(half))

    def keeping_adjoint(self, parity: int, number: int, X: Complex) -> Complex:
        """Its adjoint."""
        half = sum((dagger(P) @ X @ Q for P, Q in self.jumps[parity, number]), np.zeros_like(X))
        return np.asarray(half + dagger(half))


def warm_start(layout: LevelsLayout, oscillators: Oscillators, occupation: Real) -> Halves:
    """Electrons in every state alike beside thermal vibrations, trace 1."""
    weight = oscillators.thermal(occupation)
    plain = layout.electrons.identity()
    halves = []
    for parity, half in enumerate(plain):
        wide = layout.zeros(parity)
        layout.apart(wide)[:, layout.traced] = weight[:, None] * half[:, None]
        halves.append(wide)
    norms = layout.trace(halves[EVEN], halves[ODD])[:, None]
    return halves[EVEN] / norms, halves[ODD] / norms
