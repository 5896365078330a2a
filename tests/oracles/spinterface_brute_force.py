"""Naive, slow reference results for molecules on a spin-orbit coupled metal.

hbar = 1, energies in eV, lengths in nm.  s = <psi^+ sigma psi>/2, n = <psi^+ psi>.  Metal chemical
potential 0.  Complex energies are passed as x = z - omega_b, counted from the band bottom
omega_b = -eF - alpha^2 N0/2, so that kappa = sqrt(2 N0 x) keeps its digits at the bottom.
Convention of every molecule: H = sum_i psi^+(r_i) V_i c + h.c. + c^+ h c, spinor index (orbital, spin).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.complex128]
Real = NDArray[np.float64]
I2 = np.eye(2, dtype=complex)
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex)
GL_X, GL_W = np.polynomial.legendre.leggauss(24)


def dot_sigma(v: Array | Real) -> Array:
    """v.sigma for vectors (...,3)."""
    return np.einsum("...i,iab->...ab", np.asarray(v, dtype=complex), PAULI)


def spin_of(m: Array) -> Array:
    """sp(sigma M)/2, shape (...,3)."""
    return np.einsum("iab,...ba->...i", PAULI, m) / 2


def charge_of(m: Array) -> Array:
    """sp M."""
    return np.einsum("...aa->...", m)


def fermi(e: Real | Array, kT: float, mu: float = 0.0) -> Real | Array:
    """1/(e^{(E-mu)/kT}+1); a step at kT = 0.  Complex energies are allowed at kT > 0."""
    if kT == 0:
        return 0.5 * (1 - np.sign(np.real(e) - mu))
    y = (np.asarray(e) - mu) / kT
    return special.expit(-y) if np.isrealobj(y) else (1 - np.tanh(y / 2)) / 2


def composite(edges: Real) -> tuple[Real, Real]:
    """Gauss-Legendre nodes and weights, 24 points on each panel of `edges`."""
    half, mid = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (mid[:, None] + half[:, None] * GL_X).ravel(), (half[:, None] * GL_W).ravel()


def graded_edges(lo: float, hi: float, points: list[float], largest: float) -> Real:
    """Panels on [lo, hi], halving towards every point (down to 1e-14), none longer than `largest`."""
    edges = [np.array([lo, hi])]
    for p in points:
        d = (hi - lo) * 0.5 ** np.arange(0, 60)
        d = d[d > 1e-14 * max(abs(p), 1e-3)]
        edges += [p + d, p - d, np.array([p])]
    e = np.unique(np.concatenate(edges))
    e = e[(e >= lo) & (e <= hi)]
    out = [np.linspace(a, b, int(np.ceil((b - a) / largest)) + 1)[:-1] for a, b in pairwise(e)]
    return np.append(np.concatenate(out), hi)


# --- 1. metal Green function -------------------------------------------------------------------


@dataclass(frozen=True)
class Metal:
    """H_k = k^2/(2 N0) - eF + alpha k.sigma in d dimensions (d=2, rashba: alpha (k x z).sigma)."""

    N0: float
    alpha: float
    e_f: float
    d: int = 3
    rashba: bool = False

    @property
    def bottom(self) -> float:
        """omega_b = -eF - alpha^2 N0/2."""
        return -self.e_f - self.alpha**2 * self.N0 / 2


def _kernels(d: int, y: Array, kind: int) -> tuple[Array, Array]:
    """Outgoing (kind=1) or incoming (2) parts of the orders 0, 1 of cos/sin, J0/J1, j0/j1."""
    i = 1j if kind == 1 else -1j
    if d == 1:
        return np.exp(i * y), np.exp(i * y) / i
    if d == 2:
        h = special.hankel1 if kind == 1 else special.hankel2
        return h(0, y), h(1, y)
    return np.exp(i * y) / (i * y), np.exp(i * y) / (i * y) / y - np.exp(i * y) / y


def green_by_fourier(r: Real, z: complex, N0: float, alpha: float, eF: float, d: int) -> Array:
    r"""g(r;z) = \int d^dk/(2pi)^d e^{ik.r} [z - H_k]^{-1}, 2x2, by quadrature over |k|.

    Angular integrals give g0 = \int dk m(k) c0(kr) A, g1 = i \int dk m(k) c1(kr) B,
    A, B = (1/2) sum_s {1, s}/(z - k^2/2N0 - s alpha k + eF).  Beyond K the outgoing and the incoming
    half of c are integrated along k = K +- i t.  Needs Im z > 0; r a 3-vector.
    """
    R = float(np.linalg.norm(r))
    poles = np.concatenate([np.roots([1 / (2 * N0), s * alpha, -eF - z]) for s in (1, -1)])
    K = 3 * float(np.max(np.abs(poles))) + 20 / R
    measure = {1: 1 / np.pi, 2: 0.5 / np.pi, 3: 0.5 / np.pi**2}[d]

    def ab(k: Array) -> tuple[Array, Array]:
        p, m = (
            measure * k ** (d - 1) / (2 * (z - k * k / (2 * N0) - s * alpha * k + eF))
            for s in (1, -1)
        )
        return p + m, p - m

    near = [abs(float(p.real)) for p in poles]
    k, w = composite(graded_edges(0.0, K, near, 1.5 / R))
    A, B = ab(k.astype(complex))
    y = k * R
    c0, c1 = {
        1: (np.cos(y), np.sin(y)),
        2: (special.j0(y), special.j1(y)),
        3: (special.spherical_jn(0, y), special.spherical_jn(1, y)),
    }[d]
    g0, g1 = np.sum(w * A * c0), 1j * np.sum(w * B * c1)
    t, w = composite(np.linspace(0, 45 / R, 120))
    for kind, i in ((1, 1j), (2, -1j)):
        A, B = ab(K + i * t)
        c0, c1 = _kernels(d, (K + i * t) * R, kind)
        g0, g1 = g0 + i * np.sum(w * A * c0) / 2, g1 + 1j * i * np.sum(w * B * c1) / 2
    return g0 * I2 + g1 * dot_sigma(np.asarray(r) / R)


def green(metal: Metal, r: Real, x: Array) -> Array:
    r"""g(r; omega_b + x), shape x.shape + (2,2), as the sum of its two poles kappa_s = kappa + s a.

    d=3: g0 = -(N0/4 pi kappa r) sum_s kappa_s e^{i kappa_s r},
         g1 =  (N0/4 pi kappa r) sum_s s (kappa_s + i/r) e^{i kappa_s r}.
    """
    a = metal.alpha * metal.N0
    kappa = np.sqrt(2 * metal.N0 * np.asarray(x, dtype=complex))
    kappa = np.where(kappa.imag < 0, -kappa, kappa)
    R = float(np.linalg.norm(r))
    u = np.asarray(r, dtype=float) / R
    if metal.rashba:
        u = np.cross(u, [0, 0, 1])
    g0 = g1 = np.zeros_like(kappa)
    for s in (1, -1):
        ks, wave = kappa + s * a, np.exp(1j * kappa * R) * np.exp(1j * s * a * R)
        if metal.d == 3:
            g0 = g0 - metal.N0 / (4 * np.pi * kappa * R) * ks * wave
            g1 = g1 + metal.N0 / (4 * np.pi * kappa * R) * s * (ks + 1j / R) * wave
        elif metal.d == 2:
            g0 = g0 - metal.N0 / (2 * np.pi * kappa) * ks * special.kv(0, -1j * ks * R)
            g1 = g1 + metal.N0 / (2 * np.pi * kappa) * s * ks * special.kv(1, -1j * ks * R)
        else:
            g0 = g0 - 1j * metal.N0 / (2 * kappa) * wave
            g1 = g1 + 1j * metal.N0 / (2 * kappa) * s * wave
    return g0[..., None, None] * I2 + g1[..., None, None] * dot_sigma(u)


def green_local(metal: Metal, x: Array) -> Array:
    """g_loc: d=3 -i N0 (kappa^2+a^2)/(2 pi kappa); d=1 -i N0/kappa; d=2 only i Im g_loc (real x>0)."""
    a = metal.alpha * metal.N0
    kappa = np.sqrt(2 * metal.N0 * np.asarray(x, dtype=complex))
    kappa = np.where(kappa.imag < 0, -kappa, kappa)
    if metal.d == 3:
        return -1j * metal.N0 * (kappa**2 + a * a) / (2 * np.pi * kappa)
    if metal.d == 1:
        return -1j * metal.N0 / kappa
    return -1j * metal.N0 / (4 * kappa) * (np.abs(kappa + a) + np.abs(kappa - a))


# --- 2. molecule, one or several contacts --------------------------------------------------------


@dataclass(frozen=True)
class Molecule:
    """h (2N,2N); contacts r_i and V_i (2,2N); second lead Gam (2N,2N), half width D, mu_lead, kt_lead.

    wide: metal self-energy replaced at all energies by its anti-Hermitian part at the Fermi level.
    """

    h: Array
    V: list[Array]
    Gam: Array
    at: list[tuple[float, float, float]] = field(default_factory=lambda: [(0.0, 0.0, 0.0)])
    D: float = np.inf
    mu_lead: float = 0.0
    kt_lead: float | None = None
    wide: bool = False


def level(
    eps: float,
    Delta: Real,
    V: Array,
    GamL: float,
    pL: Real,
    muL: float = 0.0,
    kTL: float | None = None,
    wide: bool = False,
    D: float = np.inf,
) -> Molecule:
    """One level: h = eps + Delta.sigma, Gam = GamL (1 + pL.sigma), contact at the origin."""
    return Molecule(
        eps * I2 + dot_sigma(Delta),
        [np.asarray(V, dtype=complex)],
        GamL * (I2 + dot_sigma(pL)),
        D=D,
        mu_lead=muL,
        kt_lead=kTL,
        wide=wide,
    )


def metal_self_energy(metal: Metal, mol: Molecule, x: Array) -> Array:
    """Sigma(z) = sum_ij V_i^+ g(r_i - r_j; z) V_j, with g_loc for i = j."""
    if mol.wide:
        x0 = np.array([-metal.bottom], dtype=complex)
        s = metal_self_energy(metal, Molecule(mol.h, mol.V, mol.Gam, mol.at), x0)[0]
        return np.broadcast_to((s - s.conj().T) / 2, (*np.shape(x), *s.shape))
    total = np.zeros((*np.shape(x), *mol.h.shape), dtype=complex)
    for ri, Vi in zip(mol.at, mol.V, strict=True):
        for rj, Vj in zip(mol.at, mol.V, strict=True):
            same = ri == rj
            g = (
                green_local(metal, x)[..., None, None] * I2
                if same
                else green(metal, np.subtract(ri, rj), x)
            )
            total = total + Vi.conj().T @ g @ Vj
    return total


def lead_self_energy(metal: Metal, mol: Molecule, x: Array) -> Array:
    """-(i/2) Gam, or (Gam/2 pi) [ln(z+D) - ln(z-D)] for a flat lead of half width D."""
    z = metal.bottom + np.asarray(x, dtype=complex)
    shape = np.full(z.shape, -0.5j)
    if np.isfinite(mol.D):
        up = z + 1e-300j
        shape = (np.log(up + mol.D) - np.log(up - mol.D)) / (2 * np.pi)
    return shape[..., None, None] * mol.Gam


def molecule_green(metal: Metal, mol: Molecule, x: Array) -> Array:
    """G_1^r = [z - h - Sigma_lead - Sigma_metal]^{-1}."""
    z = (metal.bottom + np.asarray(x, dtype=complex))[..., None, None]
    return np.linalg.inv(
        z * np.eye(len(mol.h))
        - mol.h
        - lead_self_energy(metal, mol, x)
        - metal_self_energy(metal, mol, x)
    )


def _dagger(m: Array) -> Array:
    return np.conj(np.swapaxes(m, -1, -2))


def _root(x: float) -> float:
    return float(np.sign(x) * np.sqrt(abs(x)))


def resonances(metal: Metal, mol: Molecule) -> list[float]:
    """x where an eigenvalue of the Hermitian part of h + Sigma is omega_b + x (scan, bisection)."""

    def gap(u: Real) -> Real:
        x = np.sign(u) * u * u
        s = mol.h + lead_self_energy(metal, mol, x) + metal_self_energy(metal, mol, x)
        return np.linalg.eigvalsh((s + _dagger(s)) / 2) - (metal.bottom + x)[:, None]

    out: list[float] = []
    for sign in (-1, 1):
        u = sign * np.geomspace(1e-10, 300, 6000)
        values = gap(u)
        for j in range(values.shape[1]):
            for i in np.flatnonzero(values[:-1, j] * values[1:, j] < 0):
                lo, hi, f_lo = u[i], u[i + 1], values[i, j]
                for _ in range(70):
                    mid = (lo + hi) / 2
                    f = gap(np.array([mid]))[0, j]
                    lo, hi, f_lo = (mid, hi, f) if f * f_lo > 0 else (lo, mid, f_lo)
                out.append(float(np.sign(lo) * lo * lo))
    return out


def energy_path(
    metal: Metal,
    mol: Molecule,
    reach: float,
    kT: float,
    lo: float | None,
    hi: float | None,
    arc: bool = False,
) -> tuple[Array, Array]:
    """Nodes x and weights dx from lo to hi (energies); substitution x = +-u^2, graded panels.

    `reach` is the largest distance in the waves.  arc: pass the band bottom on a half circle in the
    upper half plane (allowed for retarded integrands only)."""
    scale, tail = np.sqrt(2 * metal.N0), 45 * max(kT, kT if mol.kt_lead is None else mol.kt_lead)
    u_lo = -45 / (scale * reach) if lo is None else _root(lo - metal.bottom)
    u_hi = _root((max(0.0, mol.mu_lead) + tail if hi is None else hi) - metal.bottom)
    marks = [0.0, mol.mu_lead, -mol.D, mol.D, *np.linalg.eigvalsh(mol.h)]
    points = [0.0, *(_root(m - metal.bottom) for m in marks if np.isfinite(m))]
    points += [_root(x) for x in resonances(metal, mol)]
    edges = graded_edges(u_lo, u_hi, points, 2.0 / (scale * reach))
    if not arc:
        u, w = composite(edges)
        return (np.sign(u) * u * u).astype(complex), (2 * np.abs(u) * w).astype(complex)
    x_lo, x_up = -u_lo * u_lo, -metal.bottom / 2  # half circle from x_lo to x_up over the bottom
    rho, mid = (x_up - x_lo) / 2, (x_up + x_lo) / 2
    t, wt = composite(graded_edges(0.0, np.pi, [0.0], np.pi / 200))
    u, w = composite(np.unique(np.append(edges[edges > np.sqrt(x_up)], np.sqrt(x_up))))
    return (
        np.concatenate([mid + rho * np.exp(1j * t), u * u]),
        np.concatenate([-1j * rho * wt * np.exp(1j * t), 2 * u * w]),
    )


def _out_in(metal: Metal, mol: Molecule, r: Real, x: Array) -> tuple[Array, Array]:
    """sum_i g(r-r_i) V_i (2,2N) and sum_j V_j^+ g(r_j-r) (2N,2), both retarded."""
    r = np.asarray(r, dtype=float)
    out = sum(green(metal, r - np.array(p), x) @ V for p, V in zip(mol.at, mol.V, strict=True))
    back = sum(
        V.conj().T @ green(metal, np.array(p) - r, x) for p, V in zip(mol.at, mol.V, strict=True)
    )
    return np.asarray(out), np.asarray(back)


def _distances(mol: Molecule, r: Real) -> list[float]:
    return [float(np.linalg.norm(np.subtract(r, p))) for p in mol.at]


def consistent_equilibrium(
    r: Real, metal: Metal, mol: Molecule, kT: float, arc: bool | None = None
) -> tuple[Real, float]:
    r"""s_eq, n_eq = -(1/pi) \int dw f(w) Im {vec, sp}[ sum_ij g(r-r_i) V_i G_1 V_j^+ g(r_j-r) ].

    Real axis (arc=False), or with a half circle over the band bottom (arc=True: the default for a
    wide-band level, whose integrand has a pole there, and without a lead: bound states)."""
    arc = mol.wide or not np.any(mol.Gam) if arc is None else arc
    if not (arc or np.any(mol.Gam)):
        raise ValueError("without a second lead bound states need arc=True")
    unbiased = Molecule(mol.h, mol.V, mol.Gam, mol.at, mol.D, wide=mol.wide)
    lo = metal.bottom - max((45 / min(_distances(mol, r))) ** 2 / (2 * metal.N0), -metal.bottom)
    x, w = energy_path(
        metal, unbiased, max(_distances(mol, r)), kT, lo, 0.0 if kT == 0 else None, arc
    )
    out, back = _out_in(metal, mol, r, x)
    m = out @ molecule_green(metal, mol, x) @ back
    weight = w if kT == 0 else w * fermi(metal.bottom + x, kT)
    s, n = weight @ spin_of(m), weight @ charge_of(m)
    return -np.imag(s) / np.pi, float(-np.imag(n) / np.pi)


def _real_axis(
    r: Real,
    metal: Metal,
    mol: Molecule,
    kT: float,
    window: tuple[float, float] | None,
    kernel: Callable[[Array], Array],
) -> tuple[Real, float]:
    lo = metal.bottom - (45 / min(_distances(mol, r))) ** 2 / (2 * metal.N0)
    lo, hi = window if window else (lo, None)
    x, w = energy_path(metal, mol, max(_distances(mol, r)), kT, lo, hi)
    m = kernel(x)
    s, n = w @ spin_of(m), w @ charge_of(m)
    return np.real(-1j * s) / (2 * np.pi), float(np.real(-1j * n) / (2 * np.pi))


def molecule_lesser(metal: Metal, mol: Molecule, kT: float, x: Array) -> Array:
    """G_1^< = i G^r [f Gam_metal + f_L Gam_lead] G^a, Gam = i (Sigma - Sigma^+)."""
    G, w = molecule_green(metal, mol, x), metal.bottom + np.real(x)
    Sm, SL = metal_self_energy(metal, mol, x), lead_self_energy(metal, mol, x)
    fL = fermi(w, kT if mol.kt_lead is None else mol.kt_lead, mol.mu_lead)[..., None, None]
    f = fermi(w, kT)[..., None, None]
    return 1j * G @ (1j * f * (Sm - _dagger(Sm)) + 1j * fL * (SL - _dagger(SL))) @ _dagger(G)


def lesser_only(
    r: Real, metal: Metal, mol: Molecule, kT: float, window: tuple[float, float] | None = None
) -> tuple[Real, float]:
    r"""Paper mode: s, n from (-i) \int dw/2pi sum_ij g^r(r-r_i) T^<_ij g^a(r_j-r), T^< = V G_1^< V^+."""

    def kernel(x: Array) -> Array:
        out, _ = _out_in(metal, mol, r, x)
        return out @ molecule_lesser(metal, mol, kT, x) @ _dagger(out)

    return _real_axis(r, metal, mol, kT, window, kernel)


def driven(
    r: Real, metal: Metal, mol: Molecule, kT: float, window: tuple[float, float] | None = None
) -> tuple[Real, float]:
    r"""s_neq, n_neq: (-i) \int dw/2pi g^r V [ i G^r Gam_lead (f_L - f) G^a ] V^+ g^a."""

    def kernel(x: Array) -> Array:
        G, w = molecule_green(metal, mol, x), metal.bottom + np.real(x)
        SL = lead_self_energy(metal, mol, x)
        df = (fermi(w, kT if mol.kt_lead is None else mol.kt_lead, mol.mu_lead) - fermi(w, kT))[
            ..., None, None
        ]
        out, _ = _out_in(metal, mol, r, x)
        return out @ (1j * G @ (1j * df * (SL - _dagger(SL))) @ _dagger(G)) @ _dagger(out)

    return _real_axis(r, metal, mol, kT, window, kernel)


def three_terms(r: Real, metal: Metal, mol: Molecule, kT: float) -> tuple[Real, float]:
    """Everything at once: dG^< = g^r T^r g^< + g^< T^a g^a + g^r T^< g^a, g^<(r) = -f [g^r - g^a]."""

    def kernel(x: Array) -> Array:
        out, back = _out_in(metal, mol, r, x)  # g^a(r) = [g^r(-r)]^+
        f, G = fermi(metal.bottom + np.real(x), kT)[..., None, None], molecule_green(metal, mol, x)
        lesser_back = -f * (back - _dagger(out))
        lesser_out = -f * (out - _dagger(back))
        return (
            out @ G @ lesser_back
            + lesser_out @ _dagger(G) @ _dagger(out)
            + out @ molecule_lesser(metal, mol, kT, x) @ _dagger(out)
        )

    return _real_axis(r, metal, mol, kT, None, kernel)


# --- 3. stability calculator ---------------------------------------------------------------------


def level_spin(metal: Metal, mol: Molecule, kT: float) -> Real:
    r"""Spin of all orbitals in equilibrium: -(1/pi) \int dw f Im sp(sigma G_1)/2, from w = -1e10."""
    if not np.any(mol.Gam):
        raise ValueError("level_spin needs a second lead (bound states)")
    unbiased = Molecule(mol.h, mol.V, mol.Gam, mol.at, mol.D, wide=mol.wide)
    x, w = energy_path(metal, unbiased, 1e-3, kT, -1e10, 0.0 if kT == 0 else None)
    G = molecule_green(metal, mol, x).reshape(len(x), len(mol.h) // 2, 2, len(mol.h) // 2, 2)
    f = 1.0 if kT == 0 else fermi(metal.bottom + np.real(x), kT)
    return -np.imag((w * f) @ spin_of(np.einsum("xiaib->xab", G))) / np.pi


def chi_loc(metal: Metal, mol: Molecule, kT: float, axis: Real, h: float = 2e-3) -> float:
    """d(s.axis)/dh for H -> H - h s.axis, five-point central difference."""

    def s(b: float) -> float:
        shift = -b / 2 * np.kron(np.eye(len(mol.h) // 2), dot_sigma(np.asarray(axis)))
        m = Molecule(mol.h + shift, mol.V, mol.Gam, mol.at, mol.D, wide=mol.wide)
        return float(level_spin(metal, m, kT) @ np.asarray(axis))

    return (8 * (s(h) - s(-h)) - (s(2 * h) - s(-2 * h))) / (12 * h)


def self_consistent_moment(spin_of_splitting: Callable[[float], float], U: float) -> float:
    """Largest m in (0, 1/2] with m = s(Delta = -U m) by bisection; 0 if there is none.

    spin_of_splitting(Delta) is s_z of the level with H = Delta sigma_z added."""

    def f(m: float) -> float:
        return spin_of_splitting(-U * m) - m

    lo, hi = 1e-7, 0.5
    if f(lo) <= 0:
        return 0.0
    for _ in range(50):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if f(mid) > 0 else (lo, mid)
    return (lo + hi) / 2
