r"""What a molecule sends into the metal: the T-matrix :math:`V G_1 V^+` and its lesser parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chirospin.base.fermi import fermi
from chirospin.spinterface.algebra import UNIT, spin_parts
from chirospin.spinterface.green import Metal, local_at
from chirospin.spinterface.model import Drive, Level

Real = NDArray[np.float64]
Complex = NDArray[Any]
NEWTON = 60
BISECTIONS = 40
SCAN = 600  # momenta among which roots are looked for in two dimensions
TINY_WIDTH = 1e-12  # of a resonance over its place: narrower ones cannot be resolved


class Emission(Protocol):
    """Sources in the metal at each contact, as scalar and vector, shape (energy, C, C, 4)."""

    def transfer(self, z: Complex, kappa: Complex) -> Complex:
        """T^r."""

    def driven(self, energy: Real, kappa: Complex) -> Complex:
        """V [G^< + f (G^r - G^a)] V^+, which vanishes in equilibrium."""

    def lesser(self, energy: Real, kappa: Complex) -> Complex:
        """V G^< V^+."""

    def singular(self) -> Complex:
        """Momenta kappa, on both sheets, where the sources are singular."""


def occupation_of(energy: Any, mu: float, kT: float) -> Real:
    """Fermi function, safe at any temperature."""
    x = np.asarray(energy) - mu
    if kT == 0:
        return np.asarray((x < 0) + 0.5 * (x == 0))
    return np.asarray(fermi(x / kT), dtype=float)


def occupation_difference(energy: Any, drive: Drive) -> Real:
    r"""f_L - f without loss of digits for a small bias.

    .. math:: f(x) - f(y) = -f(x)[1 - f(y)] (e^{x-y} - 1)
    """
    w = np.asarray(energy)
    if drive.thermal_energy == 0 or drive.lead_thermal_energy == 0:
        return occupation_of(w, drive.mu, drive.lead_thermal_energy) - occupation_of(
            w, 0.0, drive.thermal_energy
        )
    if drive.thermal_energy == drive.lead_thermal_energy:
        gap = np.full_like(w, -drive.mu / drive.thermal_energy)
    else:
        gap = (w - drive.mu) / drive.lead_thermal_energy - w / drive.thermal_energy
    x, y = (w - drive.mu) / drive.lead_thermal_energy, w / drive.thermal_energy
    low, high = np.where(gap <= 0, x, y), np.where(gap <= 0, y, x)
    filled, empty = fermi(low), fermi(-high)
    return np.asarray(np.sign(-gap) * filled * empty * -np.expm1(-np.abs(gap)))


def thermal_singular(metal: Metal, drive: Drive) -> Complex:
    """Momenta of the first poles of the Fermi functions; none at zero temperature."""
    pairs = ((drive.mu, drive.lead_thermal_energy), (0.0, drive.thermal_energy))
    first = np.array([mu + 1j * np.pi * kT for mu, kT in pairs if kT > 0], dtype=complex)
    momentum = np.sqrt(2 * metal.N0 * (first - metal.bottom))
    return np.concatenate([momentum, -momentum])


@dataclass(frozen=True, kw_only=True)
class LevelEmission:
    """A single level with one contact, in closed form.

    References
    ----------
    fransson_spinterface, Eq. (7)
    """

    metal: Metal
    level: Level
    drive: Drive

    @property
    def _weight(self) -> Complex:
        return self.level.coupling.conj().T @ self.level.coupling

    def _metal_part(self, kappa: Complex) -> Complex:
        """g_loc, or i Im g_loc(0) for a wide band."""
        if self.level.wide:
            at_zero = local_at(self.metal, self.metal.kappa(0.0))
            return np.full_like(kappa, 1j * at_zero.imag)
        return local_at(self.metal, kappa)

    def molecule(self, z: Complex, kappa: Complex) -> Complex:
        """G_1^r, shape (..., 2, 2)."""
        h = self.level.energy - 0.5j * self.level.lead
        inverse = z[..., None, None] * UNIT - h
        inverse = inverse - self._metal_part(kappa)[..., None, None] * self._weight
        p = spin_parts(inverse)
        determinant = p[..., 0] ** 2 - (p[..., 1:] ** 2).sum(axis=-1)
        adjugate = 2 * p[..., 0, None, None] * UNIT - inverse
        return np.asarray(adjugate / determinant[..., None, None])

    def _between(self, inner: Complex) -> Complex:
        V = self.level.coupling
        return spin_parts(V @ inner @ V.conj().T)[:, None, None, :]

    def transfer(self, z: Complex, kappa: Complex) -> Complex:
        """T^r."""
        return self._between(self.molecule(z, kappa))

    def _filled(self, energy: Real, kappa: Complex, width: Complex) -> Complex:
        live = width.any(axis=(1, 2))  # elsewhere nothing is filled, and G may have a pole
        out = np.zeros((energy.size, 1, 1, 4), dtype=complex)
        G = self.molecule(energy[live] + 0j, kappa[live])
        out[live] = self._between(1j * G @ width[live] @ np.conj(np.swapaxes(G, -1, -2)))
        return out

    def driven(self, energy: Real, kappa: Complex) -> Complex:
        r""":math:`i V G^r \Gamma_L(1 + \mathbf p_L\cdot\sigma)(f_L - f) G^a V^+`."""
        if not self.level.lead.any():
            return np.zeros((energy.size, 1, 1, 4), dtype=complex)
        share = occupation_difference(energy, self.drive)
        return self._filled(energy, kappa, share[:, None, None] * self.level.lead)

    def lesser(self, energy: Real, kappa: Complex) -> Complex:
        r""":math:`i V G^r [f\Gamma_m + f_L\Gamma_L(1 + \mathbf p_L\cdot\sigma)] G^a V^+`."""
        drive = self.drive
        f = occupation_of(energy, 0.0, drive.thermal_energy)
        f_lead = occupation_of(energy, drive.mu, drive.lead_thermal_energy)
        metal = -2 * self._metal_part(kappa).imag
        width = (f * metal)[:, None, None] * self._weight + f_lead[:, None, None] * self.level.lead
        return self._filled(energy, kappa, width)

    def singular(self) -> Complex:
        """Poles of G_1 in kappa on both sheets, and of the Fermi functions."""
        poles = np.zeros(0, dtype=complex)
        if self._weight.any() or self.level.lead.any():
            poles = self._poles()
        return np.concatenate([poles, thermal_singular(self.metal, self.drive)])

    def _poles(self) -> Complex:
        r"""Roots of :math:`\det[\omega_b + \kappa^2/2N_0 - h - V^+V g_\mathrm{loc}(\kappa)]`."""
        metal, h = self.metal, self.level.energy - 0.5j * self.level.lead
        if self.level.wide:
            shift = self._metal_part(np.zeros(1, dtype=complex))[0] * self._weight
            roots = np.sqrt(2 * metal.N0 * (np.linalg.eigvals(h + shift) - metal.bottom))
            return np.concatenate([roots, -roots])
        closed = metal.d != 2 and not metal.radius
        return self._polynomial_poles(h) if closed else self._searched_poles()

    def _polynomial_poles(self, h: Complex) -> Complex:
        """In one and three dimensions kappa times the matrix is a cubic."""
        metal, scale = self.metal, 2 * self.metal.N0
        first, last = (
            (1j * metal.N0 / (2 * np.pi) * self._weight, metal.a**2)
            if metal.d == 3
            else (
                0.0 * UNIT,
                1.0,
            )
        )
        ends = first if metal.d == 3 else 1j * metal.N0 * self._weight
        A2, A1, A0 = first, metal.bottom * UNIT - h, ends * last
        companion = np.block(
            [
                [-scale * A2, -scale * A1, -scale * A0],
                [UNIT, 0 * UNIT, 0 * UNIT],
                [0 * UNIT, UNIT, 0 * UNIT],
            ]
        )
        return np.asarray(np.linalg.eigvals(companion))

    def _searched_poles(self) -> Complex:
        """Logarithms in two dimensions, exponentials of a radius: secants from changes of sign."""
        size = np.geomspace(1e-8, 1e3, SCAN)
        starts = []
        for turn in (1j, 1.0 + 0j):
            sign = self._signs(turn * size)
            at, branch = np.nonzero(sign[1:] != sign[:-1])
            low, high = size[at], size[at + 1]
            for _ in range(BISECTIONS):
                middle = (low + high) / 2
                here = self._signs(turn * middle)[np.arange(at.size), branch]
                left = here == sign[at, branch]
                low, high = np.where(left, middle, low), np.where(left, high, middle)
            starts.append(turn * (low + high) / 2)
        two = np.concatenate(starts)
        one = two * (1 + 1e-6)
        value = self._determinant(one)
        for _ in range(NEWTON):
            here = self._determinant(two)
            still = (here == value) | ~np.isfinite(here)
            step = np.where(still, 0.0, here * (two - one)) / np.where(still, 1.0, here - value)
            one, two, value = two, two - step, here
        good = np.isfinite(two) & (two != 0)
        return np.asarray(two[good])

    def _signs(self, kappa: Complex) -> Any:
        """Signs of the real parts of both eigenvalues of the inverse, in rising order."""
        return np.sort(np.linalg.eigvals(self._inverse(kappa)).real, axis=1) > 0

    def _inverse(self, kappa: Complex) -> Complex:
        """The inverse of G_1 at a momentum of either sheet."""
        z = self.metal.bottom + kappa**2 / (2 * self.metal.N0)
        M = z[:, None, None] * UNIT - self.level.energy + 0.5j * self.level.lead
        return np.asarray(M - local_at(self.metal, kappa)[:, None, None] * self._weight)

    def _determinant(self, kappa: Complex) -> Complex:
        M = self._inverse(kappa)
        return np.asarray(M[:, 0, 0] * M[:, 1, 1] - M[:, 0, 1] * M[:, 1, 0])

    def bound_states(self) -> list[tuple[float, Complex]]:
        """Energies below the band and the residues of T^r, where nothing broadens them."""
        if self.level.lead.any() or self.level.wide or not self._weight.any():
            return []
        poles = self._poles()
        states: list[tuple[float, Complex]] = []
        for pole in poles:
            if pole.imag <= 0 or abs(pole.real) > 1e-10 * abs(pole):
                continue
            others = np.abs(poles - pole)
            gap = min(abs(pole), others[others > 1e-9 * abs(pole)].min(initial=np.inf))
            turn = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
            kappa = 1j * pole.imag + 0.3 * gap * turn
            z = self.metal.bottom + kappa**2 / (2 * self.metal.N0)
            T = self.transfer(z, kappa)
            around = (0.3 * gap * turn * kappa / self.metal.N0)[:, None, None, None]
            energy = self.metal.bottom - pole.imag**2 / (2 * self.metal.N0)
            if not any(
                abs(energy - e) <= 1e-9 * abs(energy - self.metal.bottom) for e, _ in states
            ):
                states.append((float(energy), np.asarray((T * around).mean(axis=0))))
        return states
