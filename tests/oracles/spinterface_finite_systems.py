"""Finite lattices and exactly discretised metals (f(H), unitary motion); models B and C.

Conventions of spinterface_brute_force; index (site, spin), or (metal modes, molecule, lead).
"""

from __future__ import annotations

import numpy as np
from scipy import integrate, linalg, special

from tests.oracles.spinterface_brute_force import (
    I2,
    PAULI,
    Array,
    Metal,
    Real,
    charge_of,
    composite,
    dot_sigma,
    fermi,
    spin_of,
)


def attach_level(H: Array, site: int, eps: float, Delta: Real, V: Array) -> Array:
    """Append a level (index last) to H; psi_site^+ V c + h.c."""
    n = len(H)
    out = np.zeros((n + 2, n + 2), dtype=complex)
    out[:n, :n], out[n:, n:] = H, eps * I2 + dot_sigma(Delta)
    out[2 * site : 2 * site + 2, n:] = V
    out[n:, 2 * site : 2 * site + 2] = np.conj(np.asarray(V)).T
    return out


def chain(L: int, t: float, lam: float, mu: float, axis: Real, periodic: bool = False) -> Array:
    """<j+1|H|j> = -t + i lam sigma.axis, on site 2t - mu; index (site, spin)."""
    H = (2 * t - mu) * np.eye(2 * L, dtype=complex)
    T = -t * I2 + 1j * lam * dot_sigma(np.asarray(axis))
    for j in range(L if periodic else L - 1):
        a, b = 2 * j, 2 * ((j + 1) % L)
        H[b : b + 2, a : a + 2] += T
        H[a : a + 2, b : b + 2] += T.conj().T
    return H


def square(L: int, t: float, lam: float, mu: float, periodic: bool = False) -> Array:
    """L x L, site x*L+y; T_x = -t + i lam sigma_x, T_y = -t + i lam sigma_y, on site 4t - mu."""
    H = (4 * t - mu) * np.eye(2 * L * L, dtype=complex)
    for x in range(L):
        for y in range(L):
            for dx, dy, sigma in ((1, 0, PAULI[0]), (0, 1, PAULI[1])):
                if periodic or (x + dx < L and y + dy < L):
                    a, b = 2 * (x * L + y), 2 * (((x + dx) % L) * L + (y + dy) % L)
                    T = -t * I2 + 1j * lam * sigma
                    H[b : b + 2, a : a + 2] += T
                    H[a : a + 2, b : b + 2] += T.conj().T
    return H


def cubic_h(k: Real, N0: float, alpha: float, eF: float, h: float) -> Array:
    """sum_i (1-cos k_i h)/(N0 h^2) - eF + (alpha/h) sin(k_i h) sigma_i."""
    return (np.sum(1 - np.cos(k * h), -1) / (N0 * h * h) - eF)[..., None, None] * I2 + dot_sigma(
        alpha / h * np.sin(k * h)
    )


def point_metal(metal: Metal, points: Real, Nk: int, K: float) -> tuple[Real, Array]:
    """Exact reduction of the 3D metal to what a set of points can see.

    At k_n = (n+1/2) dk and helicity s the Gram matrix of the field at the points is
    B_ab = (k^2 dk/4 pi^2) [j0(k r_ab) + i s j1(k r_ab) r_ab_hat.sigma].  Returns mode energies (M,)
    and amplitudes phi (P, 2, M), sum_modes phi_a phi_b^+ = B_ab.  The contacts' form factor
    is not included (see `form_factor`)."""
    P, dk = len(points), K / Nk
    energies, columns = [], []
    for n in range(Nk):
        k = (n + 0.5) * dk
        for s in (1, -1):
            B = np.zeros((P, 2, P, 2), dtype=complex)
            for a in range(P):
                for b in range(P):
                    v = points[a] - points[b]
                    R = float(np.linalg.norm(v))
                    B[a, :, b, :] = special.spherical_jn(0, k * R) * I2
                    if R > 0:
                        B[a, :, b, :] += 1j * s * special.spherical_jn(1, k * R) * dot_sigma(v / R)
            val, vec = np.linalg.eigh(B.reshape(2 * P, 2 * P) * k * k * dk / (4 * np.pi**2))
            columns.append((vec * np.sqrt(np.clip(val, 0, None))).reshape(P, 2, 2 * P))
            energies += [k * k / (2 * metal.N0) + s * metal.alpha * k - metal.e_f] * (2 * P)
    return np.array(energies), np.concatenate(columns, axis=2)


def form_factor(Nk: int, K: float, Lam: float, per_mode: int) -> Real:
    """F = e^{-k^2/Lam^2} for every mode of point_metal (per_mode = 4 P) or of the star (4)."""
    return np.repeat(np.exp(-((((np.arange(Nk) + 0.5) * K / Nk) / Lam) ** 2)), per_mode)


def star_metal(metal: Metal, r: Real, Nk: int, K: float) -> tuple[Real, Array]:
    """j=1/2 channel: energies (4 Nk,) ordered (k, s, m) and amplitudes (2, 2, 4 Nk) at 0 and at r.

    sqrt(w) chi_m at 0, sqrt(w)[j0(kr) + i s j1(kr) r_hat.sigma] chi_m at r, w = k^2 dk/4 pi^2."""
    dk, R = K / Nk, float(np.linalg.norm(r))
    u = dot_sigma(np.asarray(r) / R)
    energies, columns = [], []
    for k in (np.arange(Nk) + 0.5) * dk:
        for s in (1, -1):
            j = [special.spherical_jn(i, k * R) for i in (0, 1)]
            columns.append(
                np.sqrt(k * k * dk / (4 * np.pi**2)) * np.array([I2, j[0] * I2 + 1j * s * j[1] * u])
            )
            energies += [k * k / (2 * metal.N0) + s * metal.alpha * k - metal.e_f] * 2
    return np.array(energies), np.concatenate(columns, axis=2)


def assemble(
    energies: Real,
    contact_fields: Array,
    V: list[Array],
    h: Array,
    Gam: Array | None = None,
    D: float = 0.0,
    NL: int = 0,
    muL: float = 0.0,
) -> tuple[Array, Real]:
    """H over (metal modes, molecule, lead modes) and the local chemical potentials (for rho0).

    contact_fields (C, 2, M) with the form factor.  Lead: NL midpoints of [-D, D] per molecular
    state, coupling matrix sqrt(Gam 2D/(2 pi NL))."""
    M, N = len(energies), len(h)
    H = np.zeros((M + N + NL * N,) * 2, dtype=complex)
    H[np.arange(M), np.arange(M)] = energies
    H[M : M + N, M : M + N] = h
    W = sum(np.einsum("am,ab->mb", f.conj(), v) for f, v in zip(contact_fields, V, strict=True))
    H[:M, M : M + N], H[M : M + N, :M] = W, np.conj(W).T
    for j in range(NL):
        a = M + N + j * N
        H[a : a + N, a : a + N] = (-D + (j + 0.5) * 2 * D / NL) * np.eye(N)
        H[a : a + N, M : M + N] = linalg.sqrtm(Gam * 2 * D / (2 * np.pi * NL))
        H[M : M + N, a : a + N] = H[a : a + N, M : M + N].conj().T
    mu = np.concatenate([np.zeros(M + N), np.full(NL * N, muL)])
    return H, mu


def equilibrium(H: Array, kT: float, mu: float = 0.0) -> Array:
    """rho = f(H), rho_ab = <c_b^+ c_a>."""
    e, v = np.linalg.eigh(H)
    return (v * fermi(e, kT, mu)) @ v.conj().T


def quench(rho0: Array, H: Array, t: float) -> Array:
    """rho(t) = e^{-iHt} rho0 e^{iHt}."""
    e, v = np.linalg.eigh(H)
    U = (v * np.exp(-1j * e * t)) @ v.conj().T
    return U @ rho0 @ U.conj().T


def site_density(rho: Array, site: int) -> tuple[Real, float]:
    """(s, n) on a lattice site; site = -1 for a level attached last."""
    i = 2 * site if site >= 0 else len(rho) - 2
    b = rho[i : i + 2, i : i + 2]
    return spin_of(b).real, float(charge_of(b).real)


def field_density(rho: Array, phi: Array) -> tuple[Real, float]:
    """(s, n) at a point with mode amplitudes phi (2, M) (metal modes come first in rho)."""
    m = phi.shape[1]
    b = phi @ rho[:m, :m] @ phi.conj().T
    return spin_of(b).real, float(charge_of(b).real)


# --- model B ----------------------------------------------------------------------------------


def fermion_matrices() -> tuple[Array, Array]:
    """c_up, c_dn on (empty, up, down, both)."""
    lower = np.array([[0, 1], [0, 0]], dtype=complex)
    return np.kron(lower, np.eye(2)), np.kron(np.diag([1, -1]), lower)


def correlated_k(eps0: float, eps1: Real, U: float, kT: float) -> dict[str, object]:
    """psi^+(eps0 + eps1.sigma)psi + U n^2 by diagonalisation; pol = <sigma>."""
    c = fermion_matrices()
    n = sum(a.conj().T @ a for a in c)
    sig = [
        sum(PAULI[i, a, b] * c[a].conj().T @ c[b] for a in (0, 1) for b in (0, 1)) for i in range(3)
    ]
    H = eps0 * n + sum(e * m for e, m in zip(eps1, sig, strict=True)) + U * n @ n
    e, v = np.linalg.eigh(H)
    w = np.exp(-(e - e[0]) / kT)
    Z = w.sum()
    rho = (v * (w / Z)) @ v.conj().T
    double = c[0].conj().T @ c[0] @ c[1].conj().T @ c[1]

    def mean(op: Array) -> float:
        return float(np.trace(rho @ op).real)

    N2 = mean(double)
    return {
        "levels": e,
        "lnZ": float(np.log(Z) - e[0] / kT),
        "n": mean(n),
        "N2": N2,
        "pol": np.array([mean(m) for m in sig]),
        "N0": 1 - mean(n) + N2,
        "N1": (mean(n) - 2 * N2) / 2,
        "N_up": mean(c[0].conj().T @ c[0]) - N2,
    }


def averaged_chi(eps0: float, e: float, U: float, kT: float, nodes: int = 40) -> float:
    """Mean over directions u of d<sigma_z>/db with eps1 = e u - b z; Gauss-Legendre in cos(theta)."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    h = 0.02 * kT

    def pz(u: float, b: float) -> float:
        v = np.array([e * np.sqrt(1 - u * u), 0.0, e * u - b])
        return float(correlated_k(eps0, v, U, kT)["pol"][2])  # type: ignore[index]

    d = [
        sum(c * pz(u, m * h) for c, m in ((672, 1), (-168, 2), (32, 3), (-3, 4)))
        - sum(c * pz(u, -m * h) for c, m in ((672, 1), (-168, 2), (32, 3), (-3, 4)))
        for u in x
    ]
    return float(w @ np.array(d) / (840 * h) / 2)


def gas_zero_temperature(b: float, N0: float, alpha: float, eF: float) -> tuple[float, float]:
    r"""(<sigma_z>, n) = \int d^3k/(2pi)^3 at T=0, U=0, bands k^2/2N0 - eF +- |alpha k - b z|.

    Plain quadrature over cos(theta) and k, panels cut at the Fermi points of both bands."""
    cu, wu = np.polynomial.legendre.leggauss(60)
    pol = n = 0.0
    K = 3 * np.sqrt(2 * N0 * abs(eF)) + 6 * abs(alpha) * N0 + 1
    grid = np.linspace(0, K, 4001)
    for u, wt in zip(cu, wu, strict=True):
        for s in (1, -1):

            def band(k: Real, s: int = s, u: float = u) -> Real:
                return (
                    k * k / (2 * N0)
                    - eF
                    + s * np.sqrt(alpha**2 * k * k - 2 * alpha * k * b * u + b * b)
                )

            v = band(grid)
            cuts = [0.0, K]
            for i in np.flatnonzero(v[:-1] * v[1:] < 0):
                lo, hi = grid[i], grid[i + 1]
                for _ in range(60):
                    mid = (lo + hi) / 2
                    lo, hi = (mid, hi) if band(mid) * v[i] > 0 else (lo, mid)
                cuts.append(lo)
            k, w = composite(np.unique(np.concatenate([cuts, np.linspace(0, K, 41)])))
            occupied = (band(k) < 0) * w * wt * k * k / (4 * np.pi**2)
            size = np.sqrt(alpha**2 * k * k - 2 * alpha * k * b * u + b * b)
            pol += float(np.sum(occupied * s * (alpha * k * u - b) / np.where(size > 0, size, 1)))
            n += float(np.sum(occupied))
    return pol, n


# --- model C ----------------------------------------------------------------------------------


def pair_matrix(eps: complex, e1: Array, e1p: Array) -> Array:
    """A = [[eps, 4 C^t], [C, eps + i D x]], D = e1 + e1', C = (e1 - e1')/2, eps = eps0(k)-eps0(k')."""
    D, C = np.asarray(e1) + e1p, (np.asarray(e1) - e1p) / 2
    A = eps * np.eye(4, dtype=complex)
    A[0, 1:], A[1:, 0] = 4 * C, C
    A[1:, 1:] += 1j * np.array([[0, -D[2], D[1]], [D[2], 0, -D[0]], [-D[1], D[0], 0]])
    return A


def pair_by_expm(A: Array, y0: Array, J: Array, t: float) -> Array:
    """i dy/dt = A y + i J with the exponential of the 5x5 augmented matrix."""
    G = np.zeros((5, 5), dtype=complex)
    G[:4, :4], G[:4, 4] = -1j * A, J
    return (linalg.expm(G * t) @ np.append(y0, 1))[:4]


def pair_by_ode(hL: Array, hR: Array, M0: Array, JM: Array, t: float) -> Array:
    """i dM/dt = hL M - M hR + i JM by Runge-Kutta (lossy: hR = h_k'^+); M = (n/2) + s.sigma."""

    def rhs(_: float, y: Array) -> Array:
        M = y.reshape(2, 2)
        return (-1j * (hL @ M - M @ hR) + JM).ravel()

    out = integrate.solve_ivp(
        rhs, (0, t), M0.astype(complex).ravel(), "DOP853", rtol=1e-13, atol=1e-15
    )
    return out.y[:, -1].reshape(2, 2)


def pair_stationary(hL: Array, hR: Array, JM: Array) -> Array:
    """hL M - M hR + i JM = 0 (Sylvester)."""
    return linalg.solve_sylvester(hL, -hR, -1j * JM)
