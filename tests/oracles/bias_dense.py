"""Junctions at finite bias in the whole Fock space: dense matrices, plain loops, no symmetry anywhere.

Written from the equations alone; it shares no line and no function with the package. A lead is
(couplings of all orbitals, mu, T).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.integrate import quad
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import expit

Lead = tuple[np.ndarray, float, float]
Jump = tuple[np.ndarray, np.ndarray, int, int]  # P, Q, lead, +1 in or -1 out
ROUNDING = 1e-14


def fermi(w: np.ndarray, mu: float, T: float) -> np.ndarray:
    return expit(-(np.asarray(w) - mu) / T)


def lamb(w: float, mu: float, T: float, band: float) -> float:
    """Principal value of int dw'/2pi f(w')/(w - w') with a flat band [-band, band], by quadrature."""
    value, _ = quad(lambda e: expit(-(e - mu) / T), -band, band, weight="cauchy", wvar=w, limit=400)
    return -value / (2 * np.pi)


def jumps(
    kind: str, H: np.ndarray, c: Sequence[np.ndarray], leads: Sequence[Lead], band: float = 0.0
) -> list[Jump]:
    """P and Q of every lead, orbital and direction, in the Fock basis."""
    E, U = np.linalg.eigh(H)
    w = E[None, :] - E[:, None]  # w[a, b] = E_b - E_a
    out: list[Jump] = []
    for number, (g, mu, T) in enumerate(leads):
        f = fermi(w, mu, T)
        shift = np.zeros_like(w)
        if kind == "redfield-lamb":
            values = {round(x, 9): 0.0 for x in w.ravel()}
            for x in values:
                values[x] = lamb(x, mu, T, band)
            shift = np.vectorize(lambda x, v=values: v[round(x, 9)])(w)
        for k, x in enumerate(c):
            if g[k] == 0:
                continue
            C = U.conj().T @ x @ U
            if kind.startswith("redfield"):
                P_out = (g[k] * (1 - f) / 2 - 1j * g[k] * shift) * C
                P_in = ((g[k] * f / 2 - 1j * g[k] * shift) * C.conj()).T
                pairs = [(P_out, C, -1), (P_in, C.conj().T, 1)]
            else:
                P_out = np.sqrt(g[k] * (1 - f)) * C
                P_in = (np.sqrt(g[k] * f) * C.conj()).T
                pairs = [(P_out, P_out / 2, -1), (P_in, P_in / 2, 1)]
            out += [(U @ P @ U.conj().T, U @ Q @ U.conj().T, number, way) for P, Q, way in pairs]
    return out


def universal_shift(
    H: np.ndarray,
    c: Sequence[np.ndarray],
    leads: Sequence[Lead],
    cutoff: float,
    out_sign: int = -1,
    spacing: float = 0.5,
) -> np.ndarray:
    """Lamb shift of the universal Lindblad equation: midpoint sums, mu + nu for in, mu - nu for out."""
    E, U = np.linalg.eigh(H)
    w = E[None, :] - E[:, None]
    total = np.zeros_like(U)
    inside = [U.conj().T @ x @ U for x in c]
    for g, mu, T in leads:
        step = spacing * T
        for n in range(int(cutoff / step)):
            for nu in ((n + 0.5) * step, -(n + 0.5) * step):
                root_in = np.sqrt(fermi(w, mu + nu, T))
                root_out = np.sqrt(1 - fermi(w, mu + out_sign * nu, T))
                for k, C in enumerate(inside):
                    if g[k]:
                        into, away = (root_in * C.conj()).T, root_out * C
                        square = into.conj().T @ into + away.conj().T @ away
                        total = total - g[k] * step / nu / (2 * np.pi) * square
    return U @ total @ U.conj().T


def kms_shift(
    H: np.ndarray, c: Sequence[np.ndarray], leads: Sequence[Lead], everything: Sequence[Jump]
) -> np.ndarray:
    """(i/2) tanh((E_a - E_b)/4T) times the sum of P+P of each lead."""
    E, U = np.linalg.eigh(H)
    total = np.zeros_like(U)
    for number, (_, _, T) in enumerate(leads):
        M = sum(P.conj().T @ P for P, _, lead, _ in everything if lead == number)
        M = U.conj().T @ M @ U
        total = total + 0.5j * np.tanh((E[:, None] - E[None, :]) / (4 * T)) * M
    return U @ total @ U.conj().T


def generator(
    H: np.ndarray, everything: Sequence[Jump]
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """H_eff and the jump part; H includes any Lamb shift."""
    heff = H - 1j * sum(Q.conj().T @ P for P, Q, _, _ in everything)
    pairs = [
        (P, csr_array(np.where(np.abs(Q) > ROUNDING, Q, 0)))  # of one annihilator: almost empty
        for P, Q, _, _ in everything
        if (2 * Q != P).any()
    ]
    whole = [P for P, Q, _, _ in everything if not (2 * Q != P).any()]

    def arrive(R: np.ndarray) -> np.ndarray:
        Z = sum((P @ R) @ Q.conj().T + (Q @ R) @ P.conj().T for P, Q in pairs)
        return Z + sum(P @ R @ P.conj().T for P in whole)

    return heff, arrive


def superoperator(H: np.ndarray, everything: Sequence[Jump], tilt: float = 0.0) -> np.ndarray:
    """The generator as a matrix on row-major vectors; lead 0 is counted with exp(tilt * electrons)."""
    d = len(H)
    one = np.eye(d)
    heff = H - 1j * sum(Q.conj().T @ P for P, Q, _, _ in everything)
    L = -1j * (np.kron(heff, one) - np.kron(one, heff.conj()))
    for P, Q, lead, way in everything:
        factor = np.exp(tilt * way) if lead == 0 else 1.0
        L = L + factor * (np.kron(P, Q.conj()) + np.kron(Q, P.conj()))
    return L


def dephasing(c: Sequence[np.ndarray], rate: float) -> np.ndarray:
    """rate times D[n] for every pair of neighbouring orbitals (both spins of one), as a matrix."""
    d = len(c[0])
    one = np.eye(d)
    L = np.zeros((d * d, d * d))
    for k in range(0, len(c), 2):
        n = c[k].T @ c[k] + c[k + 1].T @ c[k + 1]
        L += rate * (np.kron(n, n) - np.kron(n @ n, one) / 2 - np.kron(one, n @ n) / 2)
    return L


def null_state(L: np.ndarray, d: int) -> np.ndarray:
    """rho with L rho = 0 and trace 1."""
    A = np.vstack([L, np.eye(d).ravel()[None]])
    right = np.zeros(d * d + 1, dtype=complex)
    right[-1] = 1
    return np.linalg.lstsq(A, right, rcond=None)[0].reshape(d, d)


def steady_state(H: np.ndarray, everything: Sequence[Jump]) -> np.ndarray:
    """The same by one complex GMRES on all d^2 elements, for many states."""
    d = len(H)
    heff, arrive = generator(H, everything)
    E, V = np.linalg.eig(heff)
    W = np.linalg.inv(V)
    gap = -1j * (E[:, None] - E.conj()[None, :])

    def inverse(R: np.ndarray) -> np.ndarray:
        return V @ ((W @ R @ W.conj().T) / gap) @ V.conj().T

    guess = inverse(-np.eye(d))
    x, _ = gmres(
        LinearOperator(
            (d * d, d * d),
            matvec=lambda v: (
                v.reshape(d, d)
                + inverse(arrive(v.reshape(d, d)))
                + np.trace(v.reshape(d, d)) * guess
            ).ravel(),
            dtype=complex,
        ),
        guess.ravel(),
        rtol=1e-13,
        atol=0,
        restart=100,
        maxiter=4,
    )
    rho = x.reshape(d, d) / np.trace(x.reshape(d, d))
    rest = -1j * (heff @ rho - rho @ heff.conj().T) + arrive(rho)
    assert np.linalg.norm(rest) < 1e-10, np.linalg.norm(rest)
    return rho


def currents(rho: np.ndarray, everything: Sequence[Jump]) -> np.ndarray:
    """Electrons from each of two leads."""
    out = np.zeros(2)
    for P, Q, lead, way in everything:
        out[lead] += way * 2 * np.trace(Q.conj().T @ P @ rho).real
    return out


def noise(H: np.ndarray, everything: Sequence[Jump], step: float = 2e-3) -> float:
    """Second derivative of the largest eigenvalue of the tilted generator, sixth order."""

    def top(tilt: float) -> float:
        values = np.linalg.eigvals(superoperator(H, everything, tilt))
        return float(values.real.max())

    weights = {0: -49 / 18, 1: 3 / 2, 2: -3 / 20, 3: 1 / 90}
    total = weights[0] * top(0.0)
    for n in (1, 2, 3):
        total += weights[n] * (top(n * step) + top(-n * step))
    return total / step**2


def pade(count: int) -> tuple[np.ndarray, np.ndarray]:
    """xi_p and R_p of f = 1/2 - sum 2 R x/(x^2 + xi^2) from two tridiagonal eigenproblems."""

    def spectrum(size: int, first: int) -> np.ndarray:
        b = np.array([2 * m + first for m in range(1, size + 1)], dtype=float)
        off = 1 / np.sqrt(b[:-1] * b[1:])
        values = np.linalg.eigvalsh(np.diag(off, 1) + np.diag(off, -1))
        return 2 / values[values > 1e-12][::-1]

    xi = spectrum(2 * count, -1)
    zeta = spectrum(2 * count - 1, 1)
    R = np.zeros(count)
    for p in range(count):
        top = np.prod(zeta**2 - xi[p] ** 2)
        bottom = np.prod([xi[q] ** 2 - xi[p] ** 2 for q in range(count) if q != p])
        R[p] = 0.5 * count * (2 * count + 1) * top / bottom
    return xi, R


def hierarchy(
    H: np.ndarray, c: Sequence[np.ndarray], leads: Sequence[Lead], tier: int, poles: int
) -> tuple[np.ndarray, np.ndarray]:
    """rho and the currents from both leads; auxiliary operators by sorted tuples of exponents."""
    d = len(H)
    xi, R = pade(poles)
    exponents = [
        (lead, k, sigma, xi[p] * T - 1j * sigma * mu, -1j * g[k] * R[p] * T)
        for lead, (g, mu, T) in enumerate(leads)
        for k in range(len(c))
        if g[k]
        for sigma in (1, -1)
        for p in range(poles)
    ]
    total = sum(g for g, _, _ in leads)
    step = {1: [x.conj().T for x in c], -1: list(c)}
    names = [t for n in range(tier + 1) for t in itertools.combinations(range(len(exponents)), n)]
    place = {t: n for n, t in enumerate(names)}

    def apply(v: np.ndarray) -> np.ndarray:
        X = v.reshape(-1, d, d)
        out = np.zeros_like(X)
        for t, at in place.items():
            n, rho = len(t), X[at]
            Y = -1j * (H @ rho - rho @ H) - (total.sum() / 2) * rho
            for k, x in enumerate(c):
                Y += (-1) ** n * total[k] / 2 * (x @ rho @ x.T + x.T @ rho @ x)
            Y -= sum(exponents[j][3] for j in t) * rho
            if n < tier:
                for j, (_, k, sigma, _, _) in enumerate(exponents):
                    if j in t:
                        continue
                    upper = tuple(sorted((*t, j)))
                    swaps = n - upper.index(j)  # the new index is appended last, then moved
                    other = (-1) ** swaps * X[place[upper]]
                    a = step[-sigma][k]
                    Y += -1j * (a @ other - (-1) ** n * other @ a)
            for r, j in enumerate(t, start=1):
                _, k, sigma, _, eta = exponents[j]
                lower = X[place[tuple(i for i in t if i != j)]]
                a = step[sigma][k]
                Y += -1j * (-1) ** (n - r) * eta * (a @ lower + (-1) ** (n - 1) * lower @ a)
            out[at] = Y
        return out.ravel()

    def rate(t: tuple[int, ...]) -> complex:
        return total.sum() / 2 + sum(exponents[j][3] for j in t)

    E, U = np.linalg.eigh(H)
    gap = -1j * (E[:, None] - E[None, :])

    def precondition(v: np.ndarray) -> np.ndarray:
        X = v.reshape(-1, d, d)
        return np.concatenate(
            [
                (U @ ((U.conj().T @ X[at] @ U) / (gap - rate(t))) @ U.conj().T).ravel()
                for t, at in place.items()
            ]
        )

    size = len(names) * d * d
    trace = np.zeros(size)
    trace[: d * d] = np.eye(d).ravel()
    pin = precondition(np.concatenate([np.eye(d).ravel(), np.zeros(size - d * d)]))
    x, _ = gmres(
        LinearOperator(
            (size, size),
            matvec=lambda v: precondition(apply(v)) + (trace @ v) * pin,
            dtype=complex,
        ),
        pin,
        rtol=1e-11,
        atol=0,
        restart=80,
        maxiter=5,
    )
    X = x.reshape(-1, d, d) / (trace @ x)
    out = np.zeros(2)
    for lead, (g, _, _) in enumerate(leads):
        for k, a in enumerate(c):
            out[lead] += g[k] * (0.5 - np.trace(a.T @ a @ X[0]).real)
        for j, (which, k, sigma, _, _) in enumerate(exponents):
            if which == lead:
                out[lead] += (1j * sigma * np.trace(step[-sigma][k] @ X[place[(j,)]])).real
    return X[0], out


def landauer(h: np.ndarray, leads: Sequence[Lead]) -> tuple[float, float, np.ndarray, float]:
    """Current, energy current, one-body density <c+_m c_n>, noise by quadrature over energy."""
    total = sum(g for g, _, _ in leads)
    low = min(mu - 45 * T for _, mu, T in leads)
    high = max(mu + 45 * T for _, mu, T in leads)

    def green(w: float) -> np.ndarray:
        return np.linalg.inv(w * np.eye(len(h)) - h + 0.5j * np.diag(total))

    def tau(w: float) -> np.ndarray:
        t = np.sqrt(leads[0][0])[:, None] * green(w) * np.sqrt(leads[1][0])
        return t @ t.conj().T

    def occupied(w: float) -> list[float]:
        return [float(fermi(w, mu, T)) for _, mu, T in leads]

    levels = np.linalg.eigvals(h - 0.5j * np.diag(total)).real
    points = sorted({*levels[(levels > low) & (levels < high)], *(mu for _, mu, _ in leads)})

    def integral(f: Callable[[float], float], a: float = low, b: float = high) -> float:
        edges = [a, *[p for p in points if a < p < b], b]
        return sum(
            quad(f, x, y, epsabs=1e-13, epsrel=1e-11, limit=400)[0] / (2 * np.pi)
            for x, y in itertools.pairwise(edges)
        )

    def drive(w: float) -> float:
        fL, fR = occupied(w)
        return fL - fR

    current = integral(lambda w: drive(w) * np.trace(tau(w)).real)
    energy = integral(lambda w: w * drive(w) * np.trace(tau(w)).real)

    def second(w: float) -> float:
        t = tau(w)
        thermal = sum(f * (1 - f) for f in occupied(w))
        return float(np.trace(t).real * thermal + np.trace(t - t @ t).real * drive(w) ** 2)

    def density(m: int) -> float:
        def filled(w: float) -> float:
            G = green(w)
            return sum(
                f * float(np.sum(g * np.abs(G[m]) ** 2))
                for f, (g, _, _) in zip(occupied(w), leads, strict=True)
            )

        # below the band of interest f = 1 and the tail falls as 1/w^2: substitute w = low - 1/s
        tail = quad(lambda s: filled(low - 1 / s) / s**2, 0, 1.0, epsabs=1e-13)[0] / (2 * np.pi)
        near = quad(filled, low - 1, low, epsabs=1e-13)[0] / (2 * np.pi)
        return tail + near + integral(filled)

    return current, energy, np.array([density(m) for m in range(len(h))]), integral(second)
