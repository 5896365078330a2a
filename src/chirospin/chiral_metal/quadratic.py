r"""Second order in the current: closed forms for the source p = 1, any length and screening.

Reduced units: lengths in mean free paths l, E_2 in :math:`(qE_0\tau_0)^2/(qml)`, spin in
:math:`u_2 = (qE_0\tau_0)^2 m\alpha/4\pi^2`, spin current in :math:`u_2 v_F`, momentum flux in
:math:`\tau_0 E_0 j_0`. Both planes act at once: every function takes the pair.

With X = E_1 between the planes (0 outside) and Y = E_1 nu_1, and with the work M and Q that the field has
done on a beam since its plane,

.. math:: M = |\int_0^\xi E_1|, \quad Q = |\int_0^\xi M|, \quad H = |\xi| M - Q,

the spin is exact in a and lambda; the second field is given to leading order in a.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from chirospin.chiral_metal.exponentials import (
    Kernel,
    Term,
    convolved,
    exponential_integral,
    flight,
    relaxation,
    two_sided,
)
from chirospin.chiral_metal.linear import plane_field, screened
from chirospin.numerics.quadrature import gauss_nodes

Array = NDArray[np.float64]
NODES, PANELS, NEAREST = 10, 20, 1e-7  # Gauss panels graded at a plane: its x ln x costs 1e-14
SILENT = 45.0  # decay lengths after which nothing is left in double precision
SHARED_REACH = 24.0  # decay lengths to the middle: planes share (1 + x) exp(-x) = 1e-9 there


@cache
def push_kernel() -> Kernel:
    r"""G: the field that a jump of the momentum flux sets up; :math:`G = \sqrt{\pi/2}\, R_2/\pi`.

    .. math:: G = \frac12 \int_1^\infty dx \frac{x^3 e^{-x|\xi|}}
              {(x^2 - 1)[(x - \mathrm{arcoth}\,x)^2 + \pi^2/4]}, \qquad \int G\, d\xi = 2

    Diverges like ln(1/\|xi\|)/2 at the plane.

    References
    ----------
    yoshimi_2026, Eq. (24)
    """
    return relaxation(3)


@cache
def fading_kernel() -> Kernel:
    """What is left of the potential that G sets up, at some distance from the jump."""
    G = push_kernel()
    return Kernel(rates=G.rates, weights=G.weights / G.rates, odd=True)


def pair_field(xi: Array, length: float, screening: float) -> Array:
    """E_1 of both planes, p = 1."""
    return plane_field(xi, screening) - plane_field(xi - length, screening)


def cut(near: Term, length: float) -> list[Term]:
    """A decaying exponential that starts at one plane and stops at the other."""
    start = near.anchor + near.direction * length
    return [near, near._replace(anchor=start, weight=-near.weight * np.exp(-near.rate * length))]


def mirrored(terms: list[Term], length: float, parity: int) -> list[Term]:
    """The terms seen from the other plane, times the parity."""
    return [
        t._replace(anchor=length - t.anchor, direction=-t.direction, weight=parity * t.weight)
        for t in terms
    ]


def edge_field(length: float, screening: float) -> float:
    """E_1 at the inner side of a plane, in E_0."""
    return 0.5 * (1 - np.exp(-length / screening)) if screening else 1.0


def inner_field_terms(length: float, screening: float) -> list[Term]:
    """X = E_1 between the planes, zero outside."""
    box = cut(Term(anchor=0.0, direction=1, rate=0.0, weight=1.0), length)
    if not screening:
        return box
    layer = cut(Term(anchor=0.0, direction=1, rate=1 / screening, weight=-0.5), length)
    return box + layer + mirrored(layer, length, 1)


def pressure_terms(length: float, screening: float) -> list[Term]:
    """Y = E_1 nu_1, the pull of the field on the excess charge."""
    if not screening:
        return []
    A, rate = edge_field(length, screening), 1 / screening
    outside = Term(anchor=0.0, direction=-1, rate=2 * rate, weight=screening * A**2)
    single = cut(Term(anchor=0.0, direction=1, rate=rate, weight=screening / 2), length)
    double = cut(Term(anchor=0.0, direction=1, rate=2 * rate, weight=-screening / 4), length)
    half = [outside, *single, *double]
    return half + mirrored(half, length, -1)


def drive_terms(length: float, screening: float) -> list[Term]:
    """X' - Y without the jumps of X, which :attr:`SecondOrder.field` adds."""
    if not screening:
        return []
    slope = cut(Term(anchor=0.0, direction=1, rate=1 / screening, weight=0.5 / screening), length)
    pulled = [t._replace(weight=-t.weight) for t in pressure_terms(length, screening)]
    return slope + mirrored(slope, length, -1) + pulled


def smoothed(terms: list[Term], screening: float) -> list[Term]:
    r"""Convolution with :math:`e^{-|\xi|/\lambda}/2\lambda` of terms with rates 1/lambda or 2/lambda."""
    out = []
    for t in terms:
        ahead = t._replace(rate=1 / screening)
        behind = ahead._replace(direction=-t.direction)
        if t.rate * screening < 1.5:
            out += [
                behind._replace(weight=t.weight / 4),
                ahead._replace(weight=t.weight / 4),
                ahead._replace(weight=t.weight / (2 * screening), power=1),
            ]
        else:
            out += [
                behind._replace(weight=t.weight / 6),
                ahead._replace(weight=t.weight / 2),
                t._replace(weight=-t.weight / 3),
            ]
    return out


def layer(anchor: float, weight: float, screening: float) -> list[Term]:
    """A point source seen through the screening length."""
    return [
        Term(anchor=anchor, direction=d, rate=1 / screening, weight=weight / (2 * screening))
        for d in (1, -1)
    ]


def smooth_drive(length: float, screening: float) -> tuple[list[Term], list[Term]]:
    """X' - Y and Y, both seen through the screening length."""
    A = edge_field(length, screening)
    jumps = layer(0.0, A, screening) + layer(length, -A, screening)
    drive = jumps + smoothed(drive_terms(length, screening), screening)
    return drive, smoothed(pressure_terms(length, screening), screening)


def slopes(terms: list[Term]) -> list[Term]:
    """Derivatives of the terms; jumps are left out: they cancel in a continuous sum."""
    out = []
    for t in terms:
        out.append(t._replace(weight=-t.direction * t.rate * t.weight))
        if t.power:
            out.append(t._replace(weight=t.direction * t.weight, power=0))
    return out


def evaluated(terms: list[Term], xi: Array) -> Array:
    """The sum of the terms; the mean of both sides at an anchor."""
    return np.sum([t(xi) for t in terms], axis=0) if terms else np.zeros_like(xi)


def printed_second_field(xi: Array, length: float, screening: float) -> Array:
    """E_2 as printed in yoshimi_2026, Eqs. (21)-(24): without the charge that E_1 pulls."""
    slope = cut(Term(anchor=0.0, direction=1, rate=1 / screening, weight=0.5 / screening), length)
    A = edge_field(length, screening)
    jumps = layer(0.0, A, screening) + layer(length, -A, screening)
    drive = jumps + smoothed(slope + mirrored(slope, length, -1), screening)
    return push_kernel().convolve(drive, xi)


def _integrated(terms: list[Term], xi: Array) -> Array:
    """Integral of the terms from minus infinity."""
    total = np.zeros_like(xi)
    for t in terms:
        s = np.maximum(t.direction * (xi - t.anchor), 0)
        if t.power:
            passed = (1 - (1 + t.rate * s) * np.exp(-t.rate * s)) / t.rate**2
            whole = 1 / t.rate**2
        else:
            passed, whole = -np.expm1(-t.rate * s) / t.rate, 1 / t.rate
        total += t.weight * (passed if t.direction == 1 else whole - passed)
    return total


def work(distance: Array, length: float, screening: float) -> tuple[Array, Array]:
    """M and Q of a beam at some distance from its plane, zero behind it."""
    s = np.maximum(distance, 0)
    inside, beyond = np.minimum(s, length), np.maximum(s - length, 0)
    if not screening:
        return inside, inside**2 / 2 + length * beyond
    lam, A = screening, edge_field(length, screening)
    near = -np.expm1(-inside / lam)
    far = np.exp((inside - length) / lam) - np.exp(-length / lam)
    M = inside - lam / 2 * (near + far)
    Q = inside**2 / 2 - lam / 2 * (inside - lam * near)
    Q -= lam / 2 * (lam * far - np.exp(-length / lam) * inside)
    tail = -np.expm1(-beyond / lam)
    return M + A * lam * tail, Q + M * beyond + A * lam * (beyond - lam * tail)


def behind_work(distance: Array, length: float, screening: float) -> tuple[Array, Array]:
    """M and Q of a beam that leaves its plane away from the other one."""
    s = np.maximum(distance, 0)
    if not screening:
        return np.zeros_like(s), np.zeros_like(s)
    A, tail = edge_field(length, screening), -np.expm1(-s / screening)
    return A * screening * tail, A * screening * (s - screening * tail)


def beam_work(xi: Array, length: float, screening: float) -> tuple[Array, Array]:
    """M and Q of the beams of the plane at 0, on both sides of it."""
    ahead, behind = work(xi, length, screening), behind_work(-xi, length, screening)
    return ahead[0] + behind[0], ahead[1] + behind[1]


def _beam_spin(xi: Array, asymmetry: float, length: float, screening: float) -> Array:
    """b of :meth:`SecondOrder.spin`: what the beams of the plane at 0 carry."""
    a2 = asymmetry**2
    P, D = 1 + a2, 1 - a2
    M, Q = beam_work(xi, length, screening)
    x = np.abs(xi)
    F1, F2, F3, F4 = (exponential_integral(n, np.maximum(x, 1e-300)) for n in (1, 2, 3, 4))
    turned = (F2 - F4) * M + (F1 - F3) * (x * M - Q)
    kept = 2 * F3 * Q + 2 * (4 * a2 + P**2) / (P * D) * F4 * M
    return np.asarray(kept - 2 * (1 + 3 * a2) / (P * D) * turned)


def first_field_spin(xi: Array, asymmetry: float, length: float, screening: float) -> Array:
    r"""beta_1 E_1: spin turned by E_1 on the first-order distribution, in u_2; exact in a.

    .. math:: E_1\{-\tfrac43\nu_1 + \tfrac2D[(\tilde F_3-\tilde F_5)(\xi)-(\tilde F_3-\tilde F_5)(\xi-L)]\}

    References
    ----------
    yoshimi_2026, Eq. (25b), which lacks Theta(xi) (E_1 is zero outside in the neutral limit)
    """
    E = pair_field(xi, length, screening)
    beams = sum(
        sign * (two_sided(3, x) - two_sided(5, x)) for sign, x in ((1, xi), (-1, xi - length))
    )
    nu = 0.5 * screening * (screened(xi, screening) - screened(xi - length, screening))
    return np.asarray(E * (2 / (1 - asymmetry**2) * beams - 4 / 3 * nu))


def _beam_current(xi: Array, length: float, screening: float) -> Array:
    """4 <c^2 (g_1 - h_1 + 2 b_1)> of the beams of the plane at 0."""
    M, Q = beam_work(xi, length, screening)
    x = np.abs(xi)
    F2, F3, F4, F5 = (exponential_integral(n, x) for n in (2, 3, 4, 5))
    turned = (F3 - F5) * M + (F2 - F4) * (x * M - Q)
    return np.asarray(2 * np.sign(xi) * (F4 * Q - turned + 2 * F5 * M))


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """Second order of both planes at some places; what several quantities share is found once.

    Parameters
    ----------
    xi : places in mean free paths
    length, screening : distance of the planes and Thomas-Fermi length in mean free paths
    """

    xi: Array
    length: float
    screening: float

    @cached_property
    def _terms(self) -> tuple[list[Term], list[Term]]:
        """X' - Y and Y, both seen through the screening length."""
        return smooth_drive(self.length, self.screening)

    @cached_property
    def _pushed(self) -> tuple[Array, Array, Array]:
        """What the drive sets up: the field, its slope, and the part of the potential that fades."""
        drive, _ = self._terms
        G = push_kernel()
        field, slope, fading = convolved(
            [(G, drive), (G, slopes(drive)), (fading_kernel(), drive)], self.xi
        )
        return field, slope, fading

    @cached_property
    def _flown(self) -> dict[str, Array]:
        """F_n over X = E_1 between the planes and over Y = E_1 nu_1, by name: X2 to X5, Y3 and Y4."""
        X = inner_field_terms(self.length, self.screening)
        Y = pressure_terms(self.length, self.screening)
        if self.screening:
            named = {f"X{n}": (flight(n), X) for n in (2, 3, 4, 5)}
            named |= {f"Y{n}": (flight(n), Y) for n in (3, 4)}
            return dict(zip(named, convolved(list(named.values()), self.xi), strict=True))
        shifted = self.xi - self.length
        return {f"X{n}": two_sided(n + 1, shifted) - two_sided(n + 1, self.xi) for n in (2, 4)}

    @cached_property
    def first_field(self) -> Array:
        """E_1 of both planes."""
        return pair_field(self.xi, self.length, self.screening)

    @cached_property
    def field(self) -> Array:
        r"""E_2 to leading order in a; infinite at a plane in the neutral limit.

        .. math:: m E_2 = S_\lambda * \{G * [\partial X - Y] - Y\}, \qquad
                  S_\lambda = e^{-|\xi|/\lambda}/2\lambda

        References
        ----------
        yoshimi_2026, Eqs. (20)-(24), which leave out the terms with nu_1
        """
        if not self.screening:
            G = push_kernel()
            near, far = G(self.xi), G(self.xi - self.length)
            return np.where(
                self.xi == 0, np.inf, np.where(self.xi == self.length, -np.inf, near - far)
            )
        return self._pushed[0] - evaluated(self._terms[1], self.xi)

    @cached_property
    def charge(self) -> Array:
        """nu_2 = lambda^2 E_2' to leading order in a; zero in the neutral limit."""
        if not self.screening:
            return np.zeros_like(self.xi)
        return self.screening**2 * (self._pushed[1] - evaluated(slopes(self._terms[1]), self.xi))

    @cached_property
    def potential_drop(self) -> Array:
        """Integral of E_2 from minus infinity, to leading order in a."""
        if not self.screening:
            fading = fading_kernel()
            near, far = (
                2 * np.heaviside(x, 0.5) - fading(x) for x in (self.xi, self.xi - self.length)
            )
            return np.asarray(near - far)
        drive, pull = self._terms
        total = 2 * _integrated(drive, self.xi) - self._pushed[2] - _integrated(pull, self.xi)
        return np.asarray(total)

    def spin(self, asymmetry: float) -> Array:
        r"""Quadratic spin of both planes, exact in a and lambda, in u_2.

        .. math:: S_2 = \tfrac4P[\tilde F_3 * Y + \tilde F_4 * X] - \tfrac DP(\tilde F_2-\tilde F_4) * X
                  + b(\xi) - b(L-\xi)

        .. math:: b = 2F_3 Q + \frac{2(4a^2+P^2)}{PD} F_4 M
                  - \frac{2(1+3a^2)}{PD}[(F_2-F_4)M + (F_1-F_3)H], \quad P = 1+a^2,\; D = 1-a^2

        For a = lambda = 0 and one plane it is :math:`(\xi-3)e^{-\xi}+3F_3+3F_5` inside and
        :math:`F_3-5F_5` outside.

        References
        ----------
        yoshimi_2026, Eqs. (64), (69), (72)
        """
        xi, L, lam = self.xi, self.length, self.screening
        P, D = 1 + asymmetry**2, 1 - asymmetry**2
        flown = self._flown
        third = flown["Y3"] if lam else np.zeros_like(xi)
        spread = 4 / P * (third + flown["X4"]) - D / P * (flown["X2"] - flown["X4"])
        here = _beam_spin(xi, asymmetry, L, lam)
        return np.asarray(spread + here - _beam_spin(L - xi, asymmetry, L, lam))

    @property
    def field_spin(self) -> Array:
        """beta_2 E_2: the Edelstein spin of the second field, in u_2; yoshimi_2026, Eq. (25c)."""
        return -4 / 3 * self.field

    @property
    def momentum_flux(self) -> Array:
        r"""Pi_zz to leading order in a: balance of forces, in tau_0 E_0 j_0.

        .. math:: \Pi = \int^\xi mE_2 + \tfrac32 \lambda^2 E_1^2

        References
        ----------
        yoshimi_2026, Eqs. (15), (26)
        """
        return np.asarray(self.potential_drop + 1.5 * self.screening**2 * self.first_field**2)

    @cached_property
    def _flow(self) -> tuple[Array, Array]:
        """Moments <c^2 b_0> and <c^2 h_0>: what the bulk distribution carries under the field."""
        if self.screening:
            flown = self._flown
            third, fourth, fifth = (0.5 * flown[name] for name in ("X3", "Y4", "X5"))
            return fourth + fifth, third - fifth
        xi, L = self.xi, self.length
        heads = [0.5 * two_sided(n, xi) for n in (4, 6)]
        tails = [0.5 * two_sided(n, xi - L) for n in (4, 6)]
        steps = np.heaviside(xi, 0.5) - np.heaviside(xi - L, 0.5)
        third = steps / 3 - heads[0] + tails[0]
        fifth = steps / 5 - heads[1] + tails[1]
        return fifth, third - fifth

    @property
    def spin_current(self) -> Array:
        r"""j_s with the band velocity, to leading order in a, in u_2 v_F; -4/3 in the bulk.

        .. math:: -\tfrac43\int^\xi mE_2 - 2\lambda^2E_1^2 + 8\langle c^2 b_0\rangle
                  - 2\langle c^2 h_0\rangle + 4\langle c^2(g_1 - h_1 + 2b_1)\rangle

        References
        ----------
        yoshimi_2026, Eqs. (6b), (7b), (25a); the printed (25a) lacks xi (F_4 - F_2)
        """
        b0, h0 = self._flow
        bulk = -4 / 3 * self.potential_drop - 2 * (self.screening * self.first_field) ** 2
        near, far = (
            _beam_current(x, self.length, self.screening) for x in (self.xi, self.length - self.xi)
        )
        return np.asarray(bulk + 8 * b0 - 2 * h0 + near + far)

    @property
    def operator_excess(self) -> Array:
        r"""What :math:`\{\sigma_z, v_z\}/4` adds to the spin current, to leading order in a, in u_2 v_F.

        The operator counts the velocity that spin itself carries, :math:`\tfrac12\alpha(1-c^2)` for every
        electron; the bulk value becomes 7/5 of Eq. (7b).
        """
        b0, _ = self._flow
        pushed = self.potential_drop / 3 + (self.screening * self.first_field) ** 2 / 2
        return np.asarray(2 * (self.charge - pushed + 2 * b0))


def plane_total(asymmetry: float, screening: float, memory: float, weights: Array) -> float:
    r"""Quadratic spin integrated over one plane far from the other, in u_2 l; exact in all four.

    .. math:: \int S_2 d\xi = -\tfrac4{15} - \tfrac{16}{15P} + \tfrac{4\lambda^2}{3P}
              + \left(1 + \tfrac{2a^2}P\right)F + \frac{4(1+3a^2)}{PD}K

    .. math:: K = \int E_1\langle(1-c^2)\beta\rangle d\xi
              = \frac1{15} + \frac{\eta}{9(1-\eta)} - \frac F2, \qquad
              F = \int\langle c^2u\rangle d\xi = \sum_p C_p\frac{4(p-1)}{15(2p+3)}

    with P = 1 + a^2 and D = 1 - a^2. It is the balance of spin between the bulk values on both sides: the
    equation is integrated with the weights that the moments of E_2 and of beta_1 E_1 need, and
    E_1(xi) + E_1(-xi) = E_0 halves the moments of the beams. For p = 1 and no memory it is
    (-16 + 28 a^2 + 4 a^4)/15(1 - a^4) + 4 lambda^2/3(1 + a^2).

    References
    ----------
    yoshimi_2026, below Eq. (13): -16/15
    """
    a2 = asymmetry**2
    P, D = 1 + a2, 1 - a2
    spread = sum(C * 4 * (p - 1) / (15 * (2 * p + 3)) for p, C in enumerate(weights.tolist(), 1))
    turned = 1 / 15 + memory / (9 * (1 - memory)) - spread / 2
    driven = -4 / 15 - 16 / (15 * P) + 4 * screening**2 / (3 * P) + (1 + 2 * a2 / P) * spread
    return float(driven + 4 * (1 + 3 * a2) / (P * D) * turned)


def half_total(asymmetry: float, length: float, screening: float) -> float:
    """Quadratic spin integrated up to the middle between the planes, in u_2 l; p = 1, no memory.

    Planes that share less than ``SHARED`` of it are taken one by one.
    """
    reach = SILENT * max(1.0, screening)
    if 0.5 * length > SHARED_REACH * max(1.0, screening):
        return plane_total(asymmetry, screening, 0.0, np.ones(1))
    x, w = gauss_nodes(NODES)
    total = 0.0
    for side, end in ((-1, reach), (1, 0.5 * length)):
        edges = np.concatenate([[0.0], np.geomspace(NEAREST * min(1.0, end), end, PANELS)])
        half = np.diff(edges)[:, None] / 2
        at = side * (edges[:-1, None] + half * (1 + x)).ravel()
        total += float((half * w).ravel() @ SecondOrder(at, length, screening).spin(asymmetry))
    return total


def shared_spin(length: float, decay: float, leak: float) -> float:
    r"""Estimate of what planes at a finite distance take from each other's :func:`plane_total`, in u_2 l.

    .. math:: 2(1 + M)(1 + x)e^{-x}, \qquad x = \kappa L/2

    The tail of a plane decays with the rate kappa of spin and grows once more by the work of the field; M
    is the part by memory. It is 1 to 3 times the difference from ``boltzmann`` where that is above 1e-3.
    """
    x = 0.5 * decay * length
    return float(2 * (1 + leak) * (1 + x) * np.exp(-x))


def reversal_screening(asymmetry: float, memory: float, weights: Array) -> float:
    r"""Screening length, over l, above which the interface spin changes sign; NaN if it has changed.

    .. math:: \lambda^2 = -\tfrac34 (1 + a^2) \int S_2 d\xi\,\big|_{\lambda = 0}

    For p = 1 without memory it is sqrt(4/5) for small a, and 0 at :math:`a^2 = (\sqrt{65}-7)/2`.
    """
    square = -0.75 * (1 + asymmetry**2) * plane_total(asymmetry, 0.0, memory, weights)
    return float(np.sqrt(square)) if square >= 0 else float("nan")
