"""Naive oracle for a spin level coupled to vibrations (hbar = k_B = 1).

H = psi^+ eps psi + sum_j w_j b_j^+ b_j + sum_j psi^+ (U_j b_j + U_j^+ b_j^+) psi [+ hubbard n_up n_dn]
rho_ab = <psi_b^+ psi_a>, m_i = Tr(sigma_i rho)/2.  Everything here is slow and direct on purpose.
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.complex128]
Real = NDArray[np.float64]
Modes = list[tuple[float, Array]]

S0: Array = np.eye(2, dtype=complex)
SX: Array = np.array([[0, 1], [1, 0]], dtype=complex)
SY: Array = np.array([[0, -1j], [1j, 0]], dtype=complex)
SZ: Array = np.array([[1, 0], [0, -1]], dtype=complex)


def pauli(scalar: complex, vector: tuple[complex, complex, complex]) -> Array:
    """U = u0 s0 + u1.s."""
    return scalar * S0 + vector[0] * SX + vector[1] * SY + vector[2] * SZ


def moment(rho: Array) -> Real:
    """m_i = Tr(sigma_i rho)/2."""
    return np.array([0.5 * np.trace(s @ rho).real for s in (SX, SY, SZ)])


def fermi(x: Real | float, T: float, mu: float = 0.0) -> Real:
    """f(x) = 1/(e^{(x-mu)/T}+1), written with tanh so that it never overflows."""
    return 0.5 * (1.0 - np.tanh((np.asarray(x, dtype=float) - mu) / (2 * T)))


def bose(w: float, T: float) -> float:
    """n(w) = 1/(e^{w/T}-1)."""
    return 1.0 / math.expm1(w / T)


# ---------------------------------------------------------------- 1. exact diagonalisation


def _fock(
    eps: Array, modes: Modes, nmax: int, hubbard: float
) -> tuple[Array, list[Array], list[Array], Array]:
    """H, psi_a, b_j and N as dense matrices on (fermion up) x (fermion dn) x modes, levels 0..nmax.

    Jordan-Wigner: psi_up = a x 1, psi_dn = (1-2n) x a with a = |0><1|.
    """
    a = np.array([[0, 1], [0, 0]], dtype=complex)
    string = np.diag([1.0, -1.0]).astype(complex)
    levels = nmax + 1
    ladder = np.diag(np.sqrt(np.arange(1, levels)), 1).astype(complex)
    one = np.eye(levels, dtype=complex)

    def place(up: Array, dn: Array, bosons: list[Array]) -> Array:
        return reduce(np.kron, [up, dn, *bosons])

    ones = [one] * len(modes)
    psi = [place(a, S0, ones), place(string, a, ones)]
    b = [
        place(S0, S0, [ladder if k == j else one for k in range(len(modes))])
        for j in range(len(modes))
    ]
    number = [p.conj().T @ p for p in psi]
    h = hubbard * number[0] @ number[1]
    for p in range(2):
        for q in range(2):
            hop = psi[p].conj().T @ psi[q]
            h = h + eps[p, q] * hop
            for (_, u), bj in zip(modes, b, strict=False):
                h = h + hop @ (u[p, q] * bj + u.conj().T[p, q] * bj.conj().T)
    for (w, _), bj in zip(modes, b, strict=False):
        h = h + w * bj.conj().T @ bj
    return h, psi, b, number[0] + number[1]


def _eigenstates(h: Array, number: Array, T: float, mu: float) -> tuple[Real, Array, Real, Real]:
    """Energies, vectors, normalised Gibbs weights e^{-(E-mu N)/T}/Z and N, sector by sector."""
    counts = np.rint(np.diag(number).real).astype(int)
    energies, vectors, ns = np.zeros(len(h)), np.zeros_like(h), np.zeros(len(h))
    start = 0
    for n in (0, 1, 2):
        index = np.flatnonzero(counts == n)
        e, v = np.linalg.eigh(h[np.ix_(index, index)])
        stop = start + len(index)
        energies[start:stop], ns[start:stop] = e, n
        vectors[index, start:stop] = v
        start = stop
    grand = energies - mu * ns
    p = np.exp(-(grand - grand.min()) / T)
    return energies, vectors, p / p.sum(), ns


def exact_diagonalisation(
    eps: Array, modes: Modes, T: float, mu: float, nmax: int, hubbard: float = 0.0
) -> dict[str, object]:
    """Grand-canonical averages Tr(e^{-(H-mu N)/T} O)/Z on the full many-body Fock space.

    Returns rho, moment, occupation, weights (N=0,1,2), b (<b_j>) and top (largest top-level weight).
    """
    h, psi, b, number = _fock(eps, modes, nmax, hubbard)
    _, v, p, ns = _eigenstates(h, number, T, mu)
    gibbs = (v * p) @ v.conj().T
    rho = np.array(
        [[np.sum(gibbs.T * (psi[q].conj().T @ psi[r])) for q in range(2)] for r in range(2)]
    )
    diagonal = np.diag(gibbs).real
    shape = (4, *([nmax + 1] * len(modes)))
    top = max(
        (
            float(np.take(diagonal.reshape(shape), nmax, axis=j + 1).sum())
            for j in range(len(modes))
        ),
        default=0.0,
    )
    return {
        "rho": rho,
        "moment": moment(rho),
        "occupation": float(np.trace(rho).real),
        "weights": np.array([p[ns == n].sum() for n in (0, 1, 2)]),
        "b": np.array([np.sum(gibbs.T * bj) for bj in b]),
        "top": top,
    }


def exact_spectrum(
    eps: Array,
    modes: Modes,
    T: float,
    mu: float,
    nmax: int,
    hubbard: float = 0.0,
    floor: float = 1e-18,
) -> tuple[Real, Array]:
    """Lehmann peaks A_ab(w) = sum_mn (p_m+p_n) <m|psi_a|n><n|psi_b^+|m> delta(w - E_n + E_m).

    Energies are not measured from mu. Peaks with |weight| < floor are dropped.
    """
    h, psi, _, number = _fock(eps, modes, nmax, hubbard)
    e, v, p, _ = _eigenstates(h, number, T, mu)
    element = [v.conj().T @ x @ v for x in psi]
    keep = (p[:, None] + p[None, :]) * (abs(element[0]) ** 2 + abs(element[1]) ** 2) > floor
    m, n = np.nonzero(keep)
    left = np.array([element[0][m, n], element[1][m, n]])
    weight = np.einsum("k,ak,bk->kab", p[m] + p[n], left, left.conj())
    return e[n] - e[m], weight


# ---------------------------------------------------------------- 2. second order, Matsubara


def _odd_extrapolate(cutoffs: list[int], sums: Array) -> Array:
    """S from S_M = S + a x + b x^3 + c x^5 + ..., x = 1/(2M+1), one unknown for each cutoff."""
    x = 1.0 / (2.0 * np.array(cutoffs) + 1.0)
    x = x / x.max()
    powers = [0] + [2 * k - 1 for k in range(1, len(cutoffs))]
    table = np.array([[xi**k for k in powers] for xi in x])
    return np.linalg.inv(table)[0] @ sums.reshape(len(cutoffs), -1)


def matsubara_self_energy(n: int, eps: Array, modes: Modes, T: float, mu: float, m0: int) -> Array:
    """Sigma(iw_n) = T sum_m [U g(iw_n-iv_m) U^+/(w-iv_m) + U^+ g(iw_n-iv_m) U/(w+iv_m)], bare g.

    From Sigma(tau) = <T Phi(tau) g(tau) Phi(0)>, Phi = U b + U^+ b^+; 1/(w-iv) is <T b b^+>, which
    carries U on the left. For U_{-q} = U_q^+ pairs of equal w it is -T sum D U g U_{-q}.
    """
    wn = (2 * n + 1) * np.pi * T
    cutoffs = [m0 * 2**k for k in range(5)]
    v = 2 * np.pi * T * np.arange(-cutoffs[-1], cutoffs[-1] + 1)
    g = np.linalg.inv((1j * (wn - v) + mu)[:, None, None] * S0 - eps)
    terms = np.zeros_like(g)
    for w, u in modes:
        ud = u.conj().T
        terms = terms + T * (
            u @ g @ ud / (w - 1j * v)[:, None, None] + ud @ g @ u / (w + 1j * v)[:, None, None]
        )
    mid = cutoffs[-1]
    sums = np.array([terms[mid - c : mid + c + 1].sum(axis=0) for c in cutoffs])
    return _odd_extrapolate(cutoffs, sums).reshape(2, 2)


def second_order_matsubara(eps: Array, modes: Modes, T: float, mu: float, nmax_freq: int) -> Array:
    """rho = f(eps) + T sum_n [G - g](iw_n), G^{-1} = g^{-1} - Sigma, both sums done by force.

    Cutoffs n = nmax/16..nmax; terms fall as w^-4, leaving odd powers x^3, x^5, ... to extrapolate.
    """
    cutoffs = [nmax_freq // 16 * k for k in (2, 4, 8, 16)]
    terms = []
    for n in range(cutoffs[-1]):
        z = 1j * (2 * n + 1) * np.pi * T + mu
        g = np.linalg.inv(z * S0 - eps)
        sigma = matsubara_self_energy(n, eps, modes, T, mu, 4 * nmax_freq)
        d = np.linalg.inv(z * S0 - eps - sigma) - g
        terms.append(T * (d + d.conj().T))
    partial = np.cumsum(np.array(terms), axis=0)
    x = 1.0 / np.array(cutoffs, dtype=float) * cutoffs[0]
    table = np.array([[xi**k for k in (0, 3, 5, 7)] for xi in x])
    sums = np.array([partial[c - 1] for c in cutoffs]).reshape(len(cutoffs), 4)
    rest = (np.linalg.inv(table)[0] @ sums).reshape(2, 2)
    e, s = np.linalg.eigh(eps)
    return (s * fermi(e, T, mu)) @ s.conj().T + rest


# ---------------------------------------------------------------- 3. second order, real axis


def self_energy_poles(eps: Array, modes: Modes, T: float, mu: float) -> list[tuple[float, Array]]:
    """(E_k, R_k) of Sigma(z) = sum_k R_k/(z-E_k) for bare g, by residues of the Matsubara sum.

    b part: U P_s U^+ (1-f_s+n) at eps_s + w;  b^+ part: U^+ P_s U (f_s+n) at eps_s - w.
    """
    e, s = np.linalg.eigh(eps)
    poles = []
    for w, u in modes:
        n, ud = bose(w, T), u.conj().T
        for k in range(2):
            p = np.outer(s[:, k], s[:, k].conj())
            f = float(fermi(e[k], T, mu))
            poles.append((e[k] + w, u @ p @ ud * (1 - f + n)))
            poles.append((e[k] - w, ud @ p @ u * (f + n)))
    return poles


def sigma_second_order(z: complex, eps: Array, modes: Modes, T: float, mu: float) -> Array:
    """Sigma(z) from its explicit pole expansion."""
    total = np.zeros((2, 2), dtype=complex)
    for e, r in self_energy_poles(eps, modes, T, mu):
        total = total + r / (z - e)
    return total


def second_order_real_axis(
    eps: Array, modes: Modes, T: float, mu: float
) -> tuple[Array, Real, Array]:
    """Poles and residues of G = (z - eps - sum_k R_k/(z-E_k))^{-1}; rho = sum_p residue_p f(pole_p).

    Plain linearisation without square roots: y_k = R_k x/(z-E_k) gives the non-symmetric matrix
    [[eps, 1 ... 1], [R_k, E_k]], whose left and right eigenvectors carry the residues.
    """
    poles = self_energy_poles(eps, modes, T, mu)
    size = 2 + 2 * len(poles)
    a = np.zeros((size, size), dtype=complex)
    a[:2, :2] = eps
    for k, (e, r) in enumerate(poles):
        block = slice(2 + 2 * k, 4 + 2 * k)
        a[block, block] = e * S0
        a[:2, block] = S0
        a[block, :2] = r
    z, right = np.linalg.eig(a)
    left = np.linalg.inv(right)
    residue = np.einsum("ap,pb->pab", right[:2], left[:, :2])
    rho = np.einsum("pab,p->ab", residue, fermi(z.real, T, mu))
    return rho, z.real, residue


def contour_density(
    green: object, eps: Array, T: float, mu: float, step: float = 2e-3, scale: float = 1.0
) -> Array:
    """rho = f(eps) + (i/2pi) int dw f(w+ih) [G-g](w+ih) + h.c., h = pi T/2, below the first pole.

    w = mu + scale sinh t, plain trapezoid; green(z) -> (2,2). Any causal G may be used.
    """
    t = np.arange(-16, 16, step)
    h = 0.5 * np.pi * T
    total = np.zeros((2, 2), dtype=complex)
    for ti in t:
        w = scale * math.sinh(ti)
        if w > 200 * T:
            break
        z = mu + w + 1j * h
        f = 1.0 / (np.exp((z - mu) / T) + 1.0)
        d = green(z) - np.linalg.inv(z * S0 - eps)  # type: ignore[operator]
        total = total + f * d * scale * math.cosh(ti) * step
    e, s = np.linalg.eigh(eps)
    half = 0.5j / np.pi * total
    return (s * fermi(e, T, mu)) @ s.conj().T + half + half.conj().T


# ---------------------------------------------------------------- 4. self-consistent Born


def hartree(rho: Array, modes: Modes) -> Array:
    """Sigma_H = sum_j U_j <b_j> + h.c., with w <b> = -<psi^+ U^+ psi> = -Tr(U^+ rho)."""
    total = np.zeros((2, 2), dtype=complex)
    for w, u in modes:
        b = -np.trace(u.conj().T @ rho) / w
        total = total + u * b + (u * b).conj().T
    return total


def scba_matsubara(
    eps: Array,
    modes: Modes,
    T: float,
    mu: float,
    nfreq: int,
    with_hartree: bool,
    tol: float = 1e-14,
    sweeps: int = 4000,
) -> tuple[Array, Array, Array]:
    """Self-consistent Born: Sigma(n) = Sigma_H + T sum_n' [U G(n') U^+ k(n-n') + U^+ G(n') U k*(n-n')].

    k = 1/(w - iv). The sum runs over G - g_ref by direct summation, g_ref = 1/(z - eps - Sigma_H),
    whose own Fock term is the pole expansion of section 3. Returns rho, G(n >= 0), Sigma(n >= 0).
    """
    n = np.arange(-nfreq, nfreq)
    wn = (2 * n + 1) * np.pi * T
    z = 1j * wn + mu
    dv = wn[:, None] - wn[None, :]
    kernels = [1.0 / (w - 1j * dv) for w, _ in modes]
    zi = z[:, None, None] * S0
    e, s = np.linalg.eigh(eps)
    rho: Array = (s * fermi(e, T, mu)) @ s.conj().T
    sh = hartree(rho, modes) if with_hartree else np.zeros((2, 2), dtype=complex)
    fock = np.zeros((2 * nfreq, 2, 2), dtype=complex)
    for _ in range(sweeps):
        ref = np.linalg.inv(zi - eps - sh)
        g = np.linalg.inv(zi - eps - sh - fock)
        d = g - ref
        e, s = np.linalg.eigh(eps + sh)
        new_rho = (s * fermi(e, T, mu)) @ s.conj().T + T * d.sum(axis=0)
        last = d[-1] * wn[-1] ** 4  # leading tail a/w^4 of the pair sum
        tail = 0.5 * (last + last.conj().T) * 2 * T * _zeta4(nfreq) / (2 * np.pi * T) ** 4
        new_rho = new_rho + tail
        new_fock = np.zeros_like(fock)
        for pole, r in self_energy_poles(eps + sh, modes, T, mu):
            new_fock = new_fock + r / (z - pole)[:, None, None]
        for (_, u), k in zip(modes, kernels, strict=False):
            conv = np.einsum("nm,mab->nab", k, d, optimize=True)
            conj = np.einsum("nm,mab->nab", k.conj(), d, optimize=True)
            new_fock = new_fock + T * (u @ conv @ u.conj().T + u.conj().T @ conj @ u)
        new_sh = hartree(new_rho, modes) if with_hartree else sh
        change = max(abs(new_fock - fock).max(), abs(new_sh - sh).max(), abs(new_rho - rho).max())
        fock, sh, rho = 0.5 * (fock + new_fock), 0.5 * (sh + new_sh), new_rho
        if change < tol * (1 + abs(fock).max()):
            return rho, g[nfreq:], fock[nfreq:] + sh
    raise RuntimeError(f"SCBA not converged: last change {change:.2e}")


def _zeta4(n0: int) -> float:
    """sum_{n >= n0} (n+1/2)^-4 by Euler-Maclaurin (midpoint)."""
    return 1 / (3 * n0**3) - 1 / (6 * n0**5) * 1.0 + 7 / (48.0 * n0**7)


# ---------------------------------------------------------------- 5. independent boson


def independent_boson_weights(
    eps0: float, lam: tuple[float, float], inv_w: float, T: float, mu: float, hubbard: float = 0.0
) -> Real:
    """(P_0, P_+, P_-, P_2): e^{-(E-mu N)/T}/Z with E_s = eps0 - lam_s^2 sum(1/w) and
    E_2 = 2 eps0 + U_H - (lam_+ + lam_-)^2 sum(1/w)."""
    e = np.array(
        [
            0.0,
            eps0 - lam[0] ** 2 * inv_w - mu,
            eps0 - lam[1] ** 2 * inv_w - mu,
            2 * (eps0 - mu) + hubbard - (lam[0] + lam[1]) ** 2 * inv_w,
        ]
    )
    p = np.exp(-(e - e.min()) / T)
    return p / p.sum()


def independent_boson_moment(
    eps0: float,
    u0: float,
    u1: tuple[float, float, float],
    inv_w: float,
    T: float,
    mu: float,
    hubbard: float = 0.0,
) -> Real:
    """m = (1/2)(P_+ - P_-) e, lam_+- = u0 +- |u1|, e = u1/|u1|."""
    size = math.sqrt(sum(x * x for x in u1))
    if size == 0.0:
        return np.zeros(3)
    p = independent_boson_weights(eps0, (u0 + size, u0 - size), inv_w, T, mu, hubbard)
    return 0.5 * (p[1] - p[2]) * np.array(u1) / size


def franck_condon(shift: float, size: int) -> Real:
    """<m|e^{shift (b^+ - b)}|n> by its finite power series in log-factorials, m, n < size."""
    out = np.zeros((size, size))
    for m in range(size):
        for n in range(size):
            terms = []
            for k in range(min(m, n) + 1):
                log = (
                    0.5 * (math.lgamma(m + 1) + math.lgamma(n + 1))
                    - math.lgamma(k + 1)
                    - math.lgamma(m - k + 1)
                    - math.lgamma(n - k + 1)
                    + (m + n - 2 * k) * math.log(abs(shift))
                )
                sign = (-1) ** (n - k) * (1 if shift > 0 else (-1) ** (m + n))
                terms.append(sign * math.exp(log - 0.5 * shift**2))
            out[m, n] = math.fsum(terms)
    return out


def independent_boson_spectrum(
    eps0: float,
    lam_a: float,
    lam_b: float,
    w: float,
    T: float,
    mu: float,
    size: int,
    hubbard: float = 0.0,
) -> tuple[Real, Real]:
    """One-mode Lehmann peaks of channel a: A = sum_{n',m,n} |<m|D|n>|^2 p_n [P(0,n') at
    e~ + (U_H - 2 Lam_ab) n' + w(m-n), P(1,n') at e~ + (U_H - 2 Lam_ab) n' - w(m-n)]."""
    p0, pa, pb, p2 = independent_boson_weights(eps0, (lam_a, lam_b), 1 / w, T, mu, hubbard)
    fc = franck_condon(lam_a / w, size) ** 2
    occupation = np.exp(-np.arange(size) * w / T) * -math.expm1(-w / T)
    energies, weights = [], []
    for nb, empty, full in ((0, p0, pa), (1, pb, p2)):
        centre = eps0 - lam_a**2 / w + (hubbard - 2 * lam_a * lam_b / w) * nb
        for n in range(size):
            for m in range(size):
                energies += [centre + w * (m - n), centre - w * (m - n)]
                weights += [empty * fc[m, n] * occupation[n], full * fc[m, n] * occupation[n]]
    return np.array(energies), np.array(weights)


# ---------------------------------------------------------------- 6. windowed emulation


def kernel(x: Array, w: Real, weight: Real, f: float, T: float) -> Array:
    """L(x) = sum_q [(1-f+n)/(x-w_q) + (f+n)/(x+w_q)]."""
    total = np.zeros_like(x)
    for wq, cq in zip(w, weight, strict=False):
        n = bose(wq, T)
        total = total + cq * ((1 - f + n) / (x - wq) + (f + n) / (x + wq))
    return total


def slow_kernel(x: Array, inv_w: float, T: float) -> Array:
    """L(x) = 2T (sum 1/w)/x."""
    return 2 * T * inv_w / x


def windowed_moment_naive(
    eps0: float,
    u0: float,
    u1: float,
    T: float,
    mu: float,
    eta: float,
    W: float,
    npts: int,
    inv_w: float | None = None,
    modes: tuple[Real, Real] | None = None,
) -> float:
    """m_W = -(1/2pi) int_{-W}^{W} dw f(w) Im[G_+ - G_-](w+i eta), G_s = 1/(x - g_s L(x)),
    x = w + i eta - eps0, g_+- = (u0 +- u1)^2, u1 = |u1|.  Slow kernel if inv_w, else modes."""
    w = np.linspace(-W, W, npts)
    x = w + 1j * eta - eps0
    if modes is not None:
        big_l = kernel(x, modes[0], modes[1], float(fermi(eps0, T, mu)), T)
    else:
        assert inv_w is not None
        big_l = slow_kernel(x, inv_w, T)
    difference = 1 / (x - (u0 + u1) ** 2 * big_l) - 1 / (x - (u0 - u1) ** 2 * big_l)
    y = -fermi(w, T, mu) * difference.imag / (2 * np.pi)
    return float((w[1] - w[0]) * (y.sum() - 0.5 * (y[0] + y[-1])))


def windowed_crossover(
    eps0: float,
    u0: float,
    u1: float,
    inv_w: float,
    mu: float,
    eta: float,
    W: float,
    npts: int,
    bracket: tuple[float, float],
) -> float:
    """T with m_W(T) = 0 for the slow kernel, by Brent in the given bracket."""
    return float(
        brentq(
            lambda t: windowed_moment_naive(eps0, u0, u1, t, mu, eta, W, npts, inv_w) * 1e6,
            *bracket,
            xtol=1e-13,
            rtol=1e-14,
        )
    )


# ---------------------------------------------------------------- 7. acoustic bath


def acoustic_nodes_naive(c: float, d: int, qc: float, npts: int) -> tuple[Real, Real]:
    """Midpoint nodes of sum_q F(w_q) = Omega_d/(2pi)^d int_0^qc q^(d-1) F(cq) dq ('density')."""
    omega = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}[d]
    q = (np.arange(npts) + 0.5) * qc / npts
    return c * q, omega / (2 * np.pi) ** d * q ** (d - 1) * qc / npts


def acoustic_sums_naive(c: float, d: int, qc: float, T: float, npts: int) -> dict[str, float]:
    """count = sum 1, inv_w = sum 1/w, variance = sum(2n+1) = sum coth(w/2T), by midpoint."""
    w, k = acoustic_nodes_naive(c, d, qc, npts)
    return {
        "count": float(k.sum()),
        "inv_w": float((k / w).sum()),
        "variance": float((k / np.tanh(w / (2 * T))).sum()),
    }
