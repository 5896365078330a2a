r"""A level at a point contact after its field ends: closed amplitudes, one integral over energy.

After the field ends only the level's energy differs, by :math:`\delta`, so that a scattering state of
the old Hamiltonian with energy :math:`\omega` moves as

.. math:: \langle r|e^{-iH't}|\omega\rangle = e^{-i\omega t}\langle r|\omega\rangle
          + \delta\, F_r(t)\, \langle 0|\omega\rangle, \qquad
          F_r(t) = \frac{i}{2\pi}\int dE\, e^{-iEt}\, \frac{g(r, E)\, V_0\, G'(E)}{E - \omega}

with r = 0 for the level itself. A level with the filling :math:`n_0` that touches the metal from time 0 on
has the metal's own states to begin with, which the coupling moves as :math:`e^{-i\omega t}\langle
r|\omega\rangle + F_r(t)\langle 0|V|\omega\rangle`, and adds :math:`n_0|A_r(t)|^2`, F without its last pole. At a point contact G' and g are rational functions of the momentum
:math:`\kappa` times :math:`e^{i\kappa r}`, and every pole gives a Faddeeva function (Moshinsky's). No
mode is left out: there is no cutoff, and the metal never returns what it took.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.numerics.quadrature import PANEL_NODES
from chirospin.spinterface.emission import TINY_WIDTH, occupation_of
from chirospin.spinterface.green import Metal, bend, components
from chirospin.spinterface.response import TAIL, momentum_of, real_axis

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
PHASE = 12.0  # radians that exp(-i omega t) may turn on a panel of PANEL_NODES: error below 1e-20
STRAIGHT = 1e-9  # of a pole on the imaginary axis, relative


@dataclass(frozen=True, kw_only=True)
class Release:
    """One projection of the spin, before and after.

    Parameters
    ----------
    sign : m, +1 or -1
    before, after : energy of the level, eV
    hybridisation : V_0, eV nm^(3/2)
    thermal_energy : k_B T, eV
    filling : of a level that touches the metal from time 0 on; None if it always does
    """

    metal: Metal
    sign: int
    before: float
    after: float
    hybridisation: float
    thermal_energy: float
    filling: float | None = None

    @property
    def gamma(self) -> float:
        r""":math:`N_0^2V_0^2/\pi`, the width of the level in kappa, 1/nm."""
        return (self.metal.N0 * self.hybridisation) ** 2 / np.pi

    def poles(self, level: float) -> Complex:
        r"""Zeros of :math:`2N_0\kappa\, G^{-1}` in kappa, on both sheets: a cubic, or a quadratic at a = 0.

        .. math:: \kappa^3 + i\gamma\kappa^2 + 2N_0(\omega_b - \varepsilon)\kappa + i\gamma a^2,
                  \qquad \gamma = N_0^2V_0^2/\pi
        """
        metal = self.metal
        gamma = self.gamma
        powers = [1.0, 1j * gamma, 2 * metal.N0 * (metal.bottom - level)]
        return np.asarray(np.roots([*powers, 1j * gamma * metal.a**2] if metal.a else powers))

    def narrow(self) -> bool:
        """Whether a resonance in the band is sharper than rounding."""
        poles = np.concatenate([self.poles(self.before), self.poles(self.after)])
        inside = poles[(poles.real > 0) & (poles.imag < 0)]
        return bool((np.abs(inside.imag) < TINY_WIDTH * np.abs(inside)).any())

    def energies(self, last: float, farthest: float, nodes: int) -> tuple[Complex, Real]:
        """Momenta of the occupied states and weights of a sum over energy; bound states come last."""
        metal, top = self.metal, momentum_of(self.metal, TAIL * self.thermal_energy)
        old = self.poles(self.before) if self.filling is None else np.zeros(0, complex)
        bound = old[(old.imag > 0) & (np.abs(old.real) <= STRAIGHT * np.abs(old))]
        if top <= 0:
            return bound, np.full(bound.size, np.nan)
        singular = np.concatenate([old, self.poles(self.after)])
        if self.thermal_energy > 0:
            first = metal.kappa(1j * np.pi * self.thermal_energy)[None]
            singular = np.concatenate([singular, first, -first])
        longest = PHASE / max(top * last / metal.N0 + 2 * farthest, PHASE / top)
        q, w = real_axis(metal, singular, 0.0, top, (momentum_of(metal, 0.0),), nodes, longest)
        return np.append(q + 0j, bound), np.append(w, np.full(bound.size, np.nan))

    def spectral(self, kappa: Complex, places: Real, bound: int) -> tuple[Real, Complex, Real]:
        r"""A_00, A_r0 and A_rr before time 0, of the level (first) and of the metal without it.

        Shapes (states, 1), (states, 1 + R), (states, 1 + R); bound states have their residue instead.
        """
        old = self.poles(self.before)
        G = np.zeros((kappa.size, 1), dtype=complex)  # of bound states only residues count
        free = kappa[: kappa.size - bound]
        G[: free.size, 0] = self._over(free, old)
        out, back = self._waves(kappa, places)
        one = -G.imag / np.pi
        cross = 0.5j / np.pi * (out * G - np.conj(back * G))
        both = -(out * back * G).imag / np.pi
        for n in range(kappa.size - bound, kappa.size):
            others = old[old != kappa[n]]
            power = 2 if self.metal.a else 1
            residue = (2 * kappa[n] ** power / np.prod(kappa[n] - others)).real
            one[n], cross[n], both[n] = residue, residue * out[n], residue * np.abs(out[n]) ** 2
        return one, cross, both

    def bare(self, kappa: Complex, places: Real) -> tuple[Real, Complex, Real]:
        r"""The same of a metal that touches no level, with :math:`V|0\rangle` in place of the level."""
        q = kappa.real
        one = self.gamma * (q + self.metal.a**2 / q) / (2 * np.pi * self.metal.N0)
        out, back = self._waves(kappa, places)
        cross = 0.5j / np.pi * (out - np.conj(back))
        cross[:, 0] = 0.0
        return one[:, None], cross, np.zeros((kappa.size, 1 + places.size))

    def _left(self, times: Real, places: Real) -> Complex:
        """Amplitude of what was on the level at time 0, (times, 1 + R)."""
        new = self.poles(self.after)
        gaps = new[:, None] - new[None, :]
        gaps[range(new.size), range(new.size)] = 1.0
        shares = new / gaps.prod(axis=1)
        tops = [shares * top for top in self._numerators(new, places)]
        A = np.zeros((times.size, 1 + places.size), complex)
        A[times == 0, 0] = 1.0
        for n in np.flatnonzero(times > 0):
            for j, r in enumerate([0.0, *places]):
                phase, still = self._still(times[n], r, new)
                A[n, j] = phase * (tops[j] @ still)
        return A

    def _over(self, kappa: Complex, poles: Complex) -> Complex:
        """G as a function of kappa."""
        top = 2 * self.metal.N0 * (kappa if self.metal.a else 1.0)
        return np.asarray(top / np.prod(kappa[:, None] - poles, axis=1))

    def _waves(self, kappa: Complex, places: Real) -> tuple[Complex, Complex]:
        """V g(r) and V g(-r) of this projection, and 1 for the level, (states, 1 + R)."""
        g0, g1, _, _ = components(self.metal, places[None], kappa[:, None])
        level = np.ones((kappa.size, 1), dtype=complex)
        V, m = self.hybridisation, self.sign
        return np.hstack([level, V * (g0 + m * g1)]), np.hstack([level, V * (g0 - m * g1)])

    def _numerators(self, poles: Complex, places: Real) -> list[Complex]:
        """What stands over the poles in F, without the exponential, for the level and every place."""
        metal, a = self.metal, self.metal.a
        tops = [poles if a else np.ones_like(poles)]
        for r in places:
            turned = -np.cos(a * r) + 1j * self.sign * np.sin(a * r)
            bent = a * (1j * np.sin(a * r) + self.sign * float(bend(np.asarray(a * r))))
            front = self.hybridisation * metal.N0 / (2 * np.pi * r)
            tops.append(front * (poles * turned - bent if a else -np.ones_like(poles)))
        return tops

    def density(self, times: Real, places: Real, nodes: int = PANEL_NODES) -> tuple[Real, int]:
        """Charge of this projection on the level and, beyond the bare metal's, at the places.

        Returns
        -------
        (times, 1 + R), and the number of energies
        """
        metal, shift = self.metal, self.after - self.before
        last, farthest = float(times.max(initial=0.0)), float(places.max(initial=0.0))
        kappa, weights = self.energies(last, farthest, nodes)
        bound = int(np.isnan(weights).sum())
        omega = metal.bottom + (kappa**2).real / (2 * metal.N0)
        f = np.where(np.isnan(weights), 1.0, weights) * occupation_of(
            omega, 0.0, self.thermal_energy
        )
        attached = self.filling is not None
        one, cross, both = (
            self.bare(kappa, places) if attached else self.spectral(kappa, places, bound)
        )
        out = np.tile(f @ both, (times.size, 1))
        if attached:
            shift = 1.0
            out += np.abs(self._left(times, places)) ** 2 * self.filling
        if not shift:
            return out, kappa.size
        new = self.poles(self.after)
        poles = np.hstack(
            [np.broadcast_to(new, (kappa.size, new.size)), kappa[:, None], -kappa[:, None]]
        )
        gaps = poles[:, :, None] - poles[:, None, :]
        gaps[:, range(gaps.shape[1]), range(gaps.shape[1])] = 1.0
        shares = 2 * metal.N0 * poles / gaps.prod(axis=2)
        tops = [shares * top for top in self._numerators(poles, places)]
        for n in np.flatnonzero(times > 0):
            turn = f * np.exp(-1j * omega * times[n])
            for j, r in enumerate([0.0, *places]):
                F = self._moved(times[n], r, new, kappa, tops[j])
                out[n, j] += 2 * shift * float(((turn * cross[:, j]) @ F.conj()).real)
                out[n, j] += shift**2 * float((f * one[:, 0]) @ np.abs(F) ** 2)
        return out, kappa.size

    def _moved(self, t: float, r: float, new: Complex, kappa: Complex, tops: Complex) -> Complex:
        """F_r(t) at every energy: a Faddeeva function for each pole."""
        N0 = self.metal.N0
        root = -np.exp(0.25j * np.pi) * np.sqrt(t / (2 * N0))
        phase, still = self._still(t, r, new)
        ahead, behind = (scipy.special.wofz(root * (sign * kappa - N0 * r / t)) for sign in (1, -1))
        total = tops[:, :-2] @ still + tops[:, -2] * ahead + tops[:, -1] * behind
        return np.asarray(phase * total)

    def _still(self, t: float, r: float, poles: Complex) -> tuple[complex, Complex]:
        """The common phase and the Faddeeva functions of some poles."""
        N0 = self.metal.N0
        root = -np.exp(0.25j * np.pi) * np.sqrt(t / (2 * N0))
        phase = np.exp(-1j * self.metal.bottom * t + 0.5j * N0 * r**2 / t)
        return complex(phase), np.asarray(scipy.special.wofz(root * (poles - N0 * r / t)))
