r"""Green functions of a metal with spin-orbit coupling, in real space and at any complex energy.

.. math:: H_k = \frac{k^2}{2N_0} - \varepsilon_F + \alpha\, \mathbf k\cdot\boldsymbol\sigma, \qquad
          g(\mathbf r; z) = g_0(r) + g_1(r)\, \hat{\mathbf r}\cdot\boldsymbol\sigma
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.spinterface.form_factor import Branches, branches_of, local_average

Real = NDArray[np.float64]
Complex = NDArray[Any]
SERIES = 0.1  # of x = a r: below it sin(x)/x - cos(x) is summed as a series
TERMS = 6
NEAR = 0.1  # of a r and a/kappa: below it differences of Hankel functions are integrated
TINY = 1e-200
_NODES = gauss_nodes(6)


@dataclass(frozen=True, kw_only=True)
class Metal:
    r"""A spin-orbit metal in d dimensions.

    Parameters
    ----------
    N0 : mass over hbar^2, 1/(eV nm^2)
    alpha : spin-orbit coupling, eV nm
    fermi : Fermi energy above the crossing point k = 0, eV
    d : dimension, 1, 2 or 3
    radius : of the contacts with a molecule, nm; see :mod:`.form_factor`
    """

    N0: float
    alpha: float
    fermi: float
    d: int
    radius: float = 0.0

    @property
    def a(self) -> float:
        """Half the splitting of the two branches, alpha N0, 1/nm."""
        return self.alpha * self.N0

    @property
    def bottom(self) -> float:
        r"""Band bottom :math:`-\varepsilon_F - \alpha^2 N_0/2`, eV."""
        return -self.fermi - self.alpha * self.a / 2

    @property
    def fermi_momentum(self) -> float:
        """Mean momentum of both branches at the Fermi level, 1/nm; 0 below the band."""
        return float(np.sqrt(max(0.0, -2 * self.N0 * self.bottom)))

    def kappa(self, z: Any) -> Complex:
        r"""Momentum :math:`\sqrt{2N_0(z + \varepsilon_F) + a^2}` in the upper half plane, 1/nm."""
        above = np.asarray(z, dtype=complex) - self.bottom
        energy = above.real + 1j * np.maximum(above.imag, 0.0)  # -0j would leave the sheet
        return np.asarray(np.sqrt(2 * self.N0 * energy))


def green_function(metal: Metal, distance: Any, z: Any) -> tuple[Complex, Complex, Complex]:
    r"""Components g0, g1 and the momentum kappa; distance against energy broadcast.

    .. math:: g_0 = -\frac{iN_0}{4\pi\kappa}\sum_s \kappa_s^2 h_0(\kappa_s r), \quad
              g_1 = -\frac{N_0}{4\pi\kappa}\sum_s s\,\kappa_s^2 h_1(\kappa_s r) \quad (d = 3)

    in the form that loses no digits for a small alpha r.

    Parameters
    ----------
    distance : r > 0, nm
    z : energy with Im z >= 0, eV; a real one means its limit from above

    Returns
    -------
    g0, g1 in 1/(eV nm^d); kappa in 1/nm

    Raises
    ------
    ModelError : r <= 0, Im z < 0, z at the band bottom, where kappa = 0

    References
    ----------
    fransson_spinterface, Eq. (9), with the sign of alpha^2 N0/2 corrected
    """
    r, energy = np.asarray(distance, dtype=float), np.asarray(z, dtype=complex)
    _refuse(metal, r, energy)
    kappa = metal.kappa(energy)
    g0, g1, _, _ = components(metal, r, kappa)
    return g0, g1, kappa


def _refuse(metal: Metal, r: Real, z: Complex) -> None:
    if not (np.isfinite(r).all() and (r > 0).all()):
        bad = r[~(np.isfinite(r) & (r > 0))].flat[0] if r.ndim else r
        raise ModelError(
            f"Parameter `distance` must be > 0 and finite (in nm), since g diverges at the contact, "
            f"but is {float(bad):g}"
        )
    if not np.isfinite(z).all() or (z.imag < 0).any():
        raise ModelError(
            "Argument `z` must be finite with an imaginary part >= 0 (in eV), but has "
            f"{float(z.imag.min()):g}"
        )
    if (z == metal.bottom).any():
        raise ModelError(
            f"Argument `z` must not be the band bottom {metal.bottom:g} (in eV), where kappa = 0 and g "
            "diverges; move it by any small amount"
        )


def components(
    metal: Metal, r: Real, kappa: Complex, *, slopes: bool = False, contacts: int = 1
) -> tuple[Complex, Complex, Complex, Complex]:
    """g0, g1 and, if wanted, their derivatives with r; shapes broadcast.

    Parameters
    ----------
    contacts : with the radius of the metal: 1 between a contact and a point, 2 between two contacts
    """
    if metal.radius:
        F = branches_of(metal.d, metal.a, metal.radius, kappa, contacts)
        return {1: _wide_line, 2: _wide_plane, 3: _wide_space}[metal.d](
            metal, r, kappa, F, slopes=slopes
        )
    found = {1: _line, 2: _plane, 3: _space}[metal.d](metal, r, kappa, slopes=slopes)
    return found


Four = tuple[Complex, Complex, Complex, Complex]
_NONE: Complex = np.zeros(0, dtype=complex)


def _space(metal: Metal, r: Real, kappa: Complex, *, slopes: bool) -> Four:
    a, x = metal.a, metal.a * r
    c, s = np.cos(x), np.sin(x)
    y = bend(x)
    P = metal.N0 / (2 * np.pi) * np.exp(1j * kappa * r) / (kappa * r)
    even, odd = kappa * c + 1j * a * s, 1j * kappa * s - a * y
    g0, g1 = -P * even, P * odd
    if not slopes:
        return g0, g1, _NONE, _NONE
    rate = 1j * kappa - 1 / r
    slope_even = a * (1j * a * c - kappa * s)
    slope_odd = a * (1j * kappa * c - a * s) + a * y / r
    return g0, g1, rate * g0 - P * slope_even, rate * g1 + P * slope_odd


def _wide_space(metal: Metal, r: Real, kappa: Complex, F: Branches, *, slopes: bool) -> Four:
    """The same with a form factor on each branch: even and odd sums of both mix."""
    a, x = metal.a, metal.a * r
    c, s = np.cos(x), np.sin(x)
    y = bend(x)
    P = metal.N0 / (2 * np.pi) * np.exp(1j * kappa * r) / (kappa * r)
    even, turned = kappa * c + 1j * a * s, 1j * kappa * s + a * c
    odd, lifted = 1j * kappa * s - a * y, even + 1j * c / r
    g0, g1 = -P * (F.mean * even + F.half * turned), P * (F.mean * odd + F.half * lifted)
    if not slopes:
        return g0, g1, _NONE, _NONE
    rate = 1j * kappa - 1 / r
    slope_even, slope_turned = a * (1j * a * c - kappa * s), a * (1j * kappa * c - a * s)
    slope_odd = slope_turned + a * y / r
    slope_lifted = slope_even - 1j * c / r**2 - 1j * a * s / r
    return (
        g0,
        g1,
        rate * g0 - P * (F.mean * slope_even + F.half * slope_turned),
        rate * g1 + P * (F.mean * slope_odd + F.half * slope_lifted),
    )


def bend(x: Real) -> Real:
    """sin(x)/x - cos(x) without loss of digits."""
    small = np.abs(x) < SERIES
    far = np.where(small, 1.0, x)
    out = np.sin(far) / far - np.cos(far)
    total, term = np.zeros_like(x), np.ones_like(x)
    for n in range(1, TERMS + 1):  # term is (-1)^(n+1) x^(2n)/(2n+1)!
        term = term * (x**2 / 6 if n == 1 else -(x**2) / ((2 * n) * (2 * n + 1)))
        total = total + 2 * n * term
    return np.where(small, total, out)


def _line(metal: Metal, r: Real, kappa: Complex, *, slopes: bool) -> Four:
    a, x = metal.a, metal.a * r
    P = metal.N0 / kappa * np.exp(1j * kappa * r)
    g0, g1 = -1j * P * np.cos(x), -P * np.sin(x)
    if not slopes:
        return g0, g1, _NONE, _NONE
    return (
        g0,
        g1,
        1j * kappa * g0 + 1j * a * P * np.sin(x),
        1j * kappa * g1 - a * P * np.cos(x),
    )


def _wide_line(metal: Metal, r: Real, kappa: Complex, F: Branches, *, slopes: bool) -> Four:
    a, x = metal.a, metal.a * r
    c, s = np.cos(x), np.sin(x)
    P = metal.N0 / kappa * np.exp(1j * kappa * r)
    g0, g1 = -1j * P * (F.mean * c + 1j * F.half * s), P * (1j * F.half * c - F.mean * s)
    if not slopes:
        return g0, g1, _NONE, _NONE
    return (
        g0,
        g1,
        1j * kappa * g0 - 1j * a * P * (1j * F.half * c - F.mean * s),
        1j * kappa * g1 - a * P * (1j * F.half * s + F.mean * c),
    )


def hankel(order: int, y: Complex) -> Complex:
    r"""Hankel function of the first kind on the branch that is right for a negative real argument.

    .. math:: H_n(y) = \frac{2}{i\pi} e^{-i\pi n/2} K_n(-iy)
    """
    turned = y.imag - 1j * y.real
    turned = np.maximum(turned.real, 0.0) + 1j * turned.imag
    return np.asarray(2 / (1j * np.pi) * (-1j) ** order * scipy.special.kv(order, turned))


def _plane(metal: Metal, r: Real, kappa: Complex, *, slopes: bool) -> Four:
    a, front = metal.a, metal.N0 / (4 * kappa)
    plus, minus = (np.where(k == 0, TINY, k) for k in (kappa + a, kappa - a))
    H0p, H0m = hankel(0, plus * r), hankel(0, minus * r)
    H1p, H1m = hankel(1, plus * r), hankel(1, minus * r)
    difference = plus * H1p - minus * H1m
    near = (np.abs(a * r) < NEAR) & (np.abs(a) < NEAR * np.abs(kappa))
    if near.any():  # d(k H1(k r))/dk = k r H0(k r)
        k, R = (np.broadcast_to(v, near.shape)[near] for v in (kappa, r))
        between = k + a * _NODES[0][:, None]
        inner = between * R * hankel(0, between * R)
        difference = np.array(difference)
        difference[near] = a * (_NODES[1] @ inner)
    g0 = -1j * front * (plus * H0p + minus * H0m)
    g1 = -front * difference
    if not slopes:
        return g0, g1, _NONE, _NONE
    slope0 = 1j * front * (plus**2 * H1p + minus**2 * H1m)
    slope1 = -front * (plus**2 * H0p - minus**2 * H0m) - g1 / r
    return g0, g1, slope0, slope1


def _wide_plane(metal: Metal, r: Real, kappa: Complex, F: Branches, *, slopes: bool) -> Four:
    """Two dimensions: the sums over branches, with the mean of both factors and half their difference."""
    a, front = metal.a, metal.N0 / (4 * kappa)
    plus, minus = (np.where(k == 0, TINY, k) for k in (kappa + a, kappa - a))
    g0, g1, slope0, slope1 = _plane(metal, r, kappa, slopes=slopes)
    H0 = plus * hankel(0, plus * r) - minus * hankel(0, minus * r)
    H1 = plus * hankel(1, plus * r) + minus * hankel(1, minus * r)
    wide0, wide1 = F.mean * g0 - 1j * front * F.half * H0, F.mean * g1 - front * F.half * H1
    if not slopes:
        return wide0, wide1, _NONE, _NONE
    steep0 = plus**2 * hankel(1, plus * r) - minus**2 * hankel(1, minus * r)
    steep1 = plus**2 * hankel(0, plus * r) + minus**2 * hankel(0, minus * r) - H1 / r
    return (
        wide0,
        wide1,
        F.mean * slope0 + 1j * front * F.half * steep0,
        F.mean * slope1 - front * F.half * steep1,
    )


def local_function(metal: Metal, z: Any) -> Complex:
    r"""The regular part of g at the contact, per unit matrix, 1/(eV nm^d).

    .. math:: -\frac{iN_0}{2\pi}\frac{\kappa^2 + a^2}{\kappa}, \quad
              \frac{N_0}{2\pi\kappa}\sum_s \kappa_s \ln\frac{-i\kappa_s}{k_0}, \quad
              -\frac{iN_0}{\kappa} \qquad (d = 3, 2, 1)

    The real constant that diverges at r = 0 is part of the molecular level; in two dimensions it is
    chosen by :math:`k_0 = \sqrt{2N_0|\varepsilon_F|}` (1/nm at zero Fermi energy). With a contact of finite
    radius it is :func:`.local_average`, less the same constant.
    """
    return local_at(metal, metal.kappa(z))


def local_at(metal: Metal, kappa: Complex) -> Complex:
    """The local function of kappa, continued to the other sheet where Im kappa < 0."""
    N0, a = metal.N0, metal.a
    reference = np.sqrt(2 * N0 * abs(metal.fermi)) or 1.0
    if metal.radius:
        return N0 * local_average(metal.d, a, metal.radius, kappa, reference)
    if metal.d == 3:
        return np.asarray(-1j * N0 * (kappa**2 + a**2) / (2 * np.pi * kappa))
    if metal.d == 1:
        return np.asarray(-1j * N0 / kappa)
    total = np.zeros_like(kappa)
    for k in (kappa + a, kappa - a):
        turned = k.imag - 1j * k.real
        total = total + k * np.log(np.where(turned == 0, 1.0, turned) / reference)
    return np.asarray(N0 / (2 * np.pi * kappa) * total)


def density_of_states(metal: Metal, energy: Any) -> Real:
    r"""Of both spins, 1/(eV nm^d); zero below the band bottom.

    .. math:: -\frac{2}{\pi} \mathrm{Im}\, g_\mathrm{loc}
    """
    point = replace(metal, radius=0.0)
    return np.asarray(-2 / np.pi * local_function(point, energy).imag)
