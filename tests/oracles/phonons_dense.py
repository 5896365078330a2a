"""Electrons and vibrations in the whole product space, and a hierarchy of auxiliary operators, both naive.

No sectors, no symmetry, no packing, no Krylov vectors: matrices of the superoperator and sparse LU factors.
Written from the equations alone; it shares nothing with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla


def annihilators(orbitals: int) -> list[np.ndarray]:
    """c_k of a few orbitals by Jordan and Wigner, (2^n, 2^n)."""
    lower, sign, one = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)
    return [
        reduce(np.kron, [sign] * k + [lower] + [one] * (orbitals - k - 1)) for k in range(orbitals)
    ]


def one_body(matrix: np.ndarray) -> np.ndarray:
    """sum_mn A_mn c+_m c_n."""
    c = annihilators(len(matrix))
    return (
        sum(
            matrix[m, n] * c[m].T @ c[n]
            for m, n in product(range(len(c)), repeat=2)
            if matrix[m, n] != 0
        )
        + 0j * c[0]
    )


def repulsion(density: np.ndarray) -> np.ndarray:
    """sum_{m<k} W_mk n_m n_k."""
    c = annihilators(len(density))
    n = [x.T @ x for x in c]
    return sum(density[m, k] * n[m] @ n[k] for m in range(len(c)) for k in range(m)) + 0j * c[0]


def left(A):
    """X -> A X on row-major vectors."""
    return sp.kron(sp.csr_array(A), sp.eye_array(A.shape[0]), format="csr")


def right(A):
    """X -> X A on row-major vectors."""
    return sp.kron(sp.eye_array(A.shape[0]), sp.csr_array(A.T), format="csr")


def jump(A):
    """X -> A X A+."""
    return sp.kron(sp.csr_array(A), sp.csr_array(A.conj()), format="csr")


def dissipator(A):
    """X -> A X A+ - {A+ A, X}/2."""
    AA = A.conj().T @ A
    return jump(A) - (left(AA) + right(AA)) / 2


def kernel(L, trace_row: np.ndarray) -> np.ndarray:
    """rho with L rho = 0 and trace_row rho = 1; the first equation, which the others imply, is replaced."""
    L = sp.csc_array(L)
    keep = sp.eye_array(L.shape[0], format="lil")
    keep[0, 0] = 0
    first = sp.coo_array(
        (
            trace_row[trace_row != 0],
            (np.zeros((trace_row != 0).sum(), int), np.flatnonzero(trace_row)),
        ),
        shape=L.shape,
    )
    b = np.zeros(L.shape[0], complex)
    b[0] = 1
    return sla.splu(sp.csc_array(keep.tocsc() @ L + first)).solve(b)


@dataclass(frozen=True, kw_only=True)
class Electrons:
    """A few orbitals between two leads of infinite bias; lead arrays are (lead, orbital)."""

    h: np.ndarray
    density: np.ndarray
    coupling: np.ndarray
    f: tuple[float, float]

    @property
    def hamiltonian(self) -> np.ndarray:
        return one_body(self.h) + repulsion(self.density)

    @property
    def jumps(self) -> list[tuple[int, float, np.ndarray]]:
        """(lead, rate, operator)."""
        c = annihilators(len(self.h))
        f = self.f
        return [
            (lead, rate, op)
            for lead in (0, 1)
            for k, g in enumerate(self.coupling[lead])
            if g > 0
            for rate, op in ((g * f[lead], c[k].T), (g * (1 - f[lead]), c[k]))
            if rate > 0
        ]

    def current(self, rho: np.ndarray, lead: int) -> float:
        n = [np.trace(x.T @ x @ rho).real for x in annihilators(len(self.h))]
        return sum(g * (self.f[lead] - n[k]) for k, g in enumerate(self.coupling[lead]))


@dataclass(frozen=True, kw_only=True)
class Vibration:
    """One mode: energy, damping, occupation of its bath, coupling matrix."""

    w: float
    k: float
    n: float
    V: np.ndarray


def with_levels(
    electrons: Electrons, mode: Vibration, levels: int, *, dressed: bool = False
) -> dict:
    """Steady state with an explicit boson."""
    b = np.diag(np.sqrt(np.arange(1, levels)), 1)
    dim = len(electrons.hamiltonian)
    one_e, one_b = np.eye(dim), np.eye(levels)
    V = one_body(mode.V)
    lower = np.kron(one_e, b)
    x = lower + lower.T
    Ve = np.kron(V, one_b)
    H = np.kron(electrons.hamiltonian, one_b) + mode.w * lower.T @ lower + x @ Ve
    L = -1j * (left(H) - right(H))
    for _, rate, op in electrons.jumps:
        L = L + rate * dissipator(np.kron(op, one_b))
    down = lower + Ve / mode.w if dressed else lower
    bath = mode.k * (mode.n + 1) * dissipator(down) + mode.k * mode.n * dissipator(down.conj().T)
    size = dim * levels
    rho = kernel(L + bath, np.eye(size).ravel()).reshape(size, size)
    electronic = np.einsum("avbv->ab", rho.reshape(dim, levels, dim, levels))
    energy = [
        sum(
            rate
            * np.trace(H @ (dissipator(np.kron(op, one_b)) @ rho.ravel()).reshape(size, size)).real
            for own, rate, op in electrons.jumps
            if own == lead
        )
        for lead in (0, 1)
    ]
    from_bath = (bath @ rho.ravel()).reshape(size, size)
    return {
        "current": [electrons.current(electronic, lead) for lead in (0, 1)],
        "number": np.trace(lower.T @ lower @ rho).real,
        "x": np.trace(x @ rho).real,
        "xV": np.trace(x @ Ve @ rho).real,
        "energy": [*energy, np.trace(H @ from_bath).real],
        "heat": -mode.w * np.trace(lower.T @ lower @ from_bath).real,
        "top": np.einsum("aa->", rho.reshape(dim, levels, dim, levels)[:, -1, :, -1]).real,
        "rho": electronic,
    }


def with_tiers(
    electrons: Electrons,
    exponents: list[tuple[np.ndarray, complex, complex, complex]],
    tiers: int,
    white: list[tuple[np.ndarray, float]] = (),
) -> dict:
    """Steady state by the hierarchy, unscaled: exponents (V, nu, eta, eta~), sum of indices <= tiers."""
    H = electrons.hamiltonian
    dim = len(H)
    L0 = -1j * (left(H) - right(H))
    for _, rate, op in electrons.jumps:
        L0 = L0 + rate * dissipator(op)
    for V, rate in white:
        L0 = L0 + rate * dissipator(one_body(V))
    many = [(one_body(V), *rest) for V, *rest in exponents]
    index = [m for m in product(range(tiers + 1), repeat=len(many)) if sum(m) <= tiers]
    place = {m: i for i, m in enumerate(index)}
    blocks = [[None] * len(index) for _ in index]
    for m, i in place.items():
        blocks[i][i] = L0 - sum(
            a * nu for a, (_, nu, _, _) in zip(m, many, strict=True)
        ) * sp.eye_array(dim**2)
        for j, (V, _, eta, partner) in enumerate(many):
            up = (*m[:j], m[j] + 1, *m[j + 1 :])
            if up in place:
                blocks[i][place[up]] = -1j * (left(V) - right(V))
            if m[j]:
                down = (*m[:j], m[j] - 1, *m[j + 1 :])
                blocks[i][place[down]] = -1j * m[j] * (eta * left(V) - partner * right(V))
    row = np.zeros(len(index) * dim**2)
    row[place[(0,) * len(many)] * dim**2 :][: dim**2] = np.eye(dim).ravel()
    all_of = kernel(sp.block_array(blocks, format="csr"), row).reshape(len(index), dim, dim)
    rho = all_of[place[(0,) * len(many)]]
    return {
        "current": [electrons.current(rho, lead) for lead in (0, 1)],
        "rho": rho,
        "operators": {m: all_of[i] for m, i in place.items()},
    }


def biased_with_levels(
    electrons: Electrons,
    mode: Vibration,
    levels: int,
    *,
    mu: tuple[float, float],
    T: float,
    kind: str,
    bath: str = "ohmic",
    T_bath: float | None = None,
) -> dict:
    """Steady state between leads of finite bias, second order, in the eigenbasis of H with the boson."""
    T_bath = T if T_bath is None else T_bath
    b = np.diag(np.sqrt(np.arange(1, levels)), 1)
    dim = len(electrons.hamiltonian)
    one_e, one_b = np.eye(dim), np.eye(levels)
    lower = np.kron(one_e, b)
    x = lower + lower.T
    H = np.kron(electrons.hamiltonian, one_b) + mode.w * lower.T @ lower
    H = H + x @ np.kron(one_body(mode.V), one_b)
    E, U = np.linalg.eigh(H)
    released = E[None, :] - E[:, None]  # E_b - E_a of an element ab

    def pair(operator, spectrum):
        element = U.conj().T @ operator @ U
        if kind == "redfield":
            P, Q = spectrum / 2 * element, element
        else:
            P = np.sqrt(spectrum) * element
            Q = P / 2
        return U @ P @ U.conj().T, U @ Q @ U.conj().T

    def generator(pairs, temperature):
        size = len(H)
        L = sp.csr_array((size**2, size**2), dtype=complex)
        loss = np.zeros_like(H)
        for P, Q in pairs:
            L = L + sp.kron(P, Q.conj()) + sp.kron(Q, P.conj())
            loss = loss + Q.conj().T @ P
        K = -1j * loss
        if kind == "kms":
            steep = np.tanh(-released / (4 * temperature)) if temperature else -np.sign(released)
            M = U.conj().T @ loss @ U * 1j * steep
            K = K + U @ M @ U.conj().T
        return L - 1j * (left(K) - right(K.conj().T))

    c = [np.kron(op, one_b) for op in annihilators(len(electrons.h))]
    parts = []
    for lead in (0, 1):
        pairs = []
        for k, g in enumerate(electrons.coupling[lead]):
            if g > 0:
                empty = 1 / (1 + np.exp((released - mu[lead]) / T))
                pairs.append(pair(c[k], g * (1 - empty)))
                pairs.append(pair(c[k].T, g / (1 + np.exp((-released - mu[lead]) / T))))
        parts.append(generator(pairs, T))
    if bath == "ohmic":
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            S = np.where(released == 0, T_bath, released / -np.expm1(-released / max(T_bath, 1e-9)))
        S = S if T_bath else np.maximum(released, 0)
        parts.append(generator([pair(x, S * mode.k / mode.w)], T_bath))
    else:
        n = mode.n
        parts.append(mode.k * (n + 1) * dissipator(lower) + mode.k * n * dissipator(lower.T))
    size = len(H)
    L = -1j * (left(H) - right(H)) + sum(parts[1:], start=parts[0])
    rho = kernel(L, np.eye(size).ravel()).reshape(size, size)
    number = sum(op.T @ op for op in c)
    flows = [(part @ rho.ravel()).reshape(size, size) for part in parts]
    return {
        "current": [np.trace(number @ flow).real for flow in flows[:2]],
        "energy": [np.trace(H @ flow).real for flow in flows],
        "quanta": np.trace(lower.T @ lower @ rho).real,
    }


def born(
    h: np.ndarray,
    filling: np.ndarray,
    emptying: np.ndarray,
    exponents: list[tuple[np.ndarray, complex, complex, complex]],
    *,
    points: int = 700,
    steps: int = 60,
) -> np.ndarray:
    """Self-consistent Born occupations without repulsion, exponents (V, nu, eta, eta~): sums over all frequencies.

    The textbook convolution: Sigma(w) = int dw'/2pi c(w - w') V G(w') V with c(y) = sum eta/(nu - iy), every
    pair of frequencies on the grid w = tan(theta); no transforms, no part in closed form.
    """
    theta = (np.arange(points) + 0.5) / points * np.pi - np.pi / 2
    w = np.tan(theta)
    weight = np.pi / points / np.cos(theta) ** 2 / (2 * np.pi)
    one = np.eye(len(h))
    terms = [
        (V, *(weight / (nu - 1j * (w[:, None] - w)) * eta for eta in (eta, back)))
        for V, nu, eta, back in exponents
    ]
    response = [2 * (eta / nu).imag for _, nu, eta, _ in exponents]
    filled, lost = np.diag(filling), np.diag(filling + emptying)

    def around(C: np.ndarray, V: np.ndarray, G: np.ndarray) -> np.ndarray:
        return V @ (C @ G.reshape(points, -1)).reshape(G.shape) @ V

    greater = lesser = np.zeros((points, *h.shape), complex)
    n = np.zeros_like(h)
    for _ in range(steps):
        field = sum(
            r * np.trace(V @ n).real * V for r, (V, *_) in zip(response, exponents, strict=True)
        )
        K = h + field - 0.5j * lost
        R = np.linalg.inv(w[:, None, None] * one - K - (greater - lesser))
        A = R.conj().swapaxes(1, 2)
        less = R @ (1j * filled + lesser - lesser.conj().swapaxes(1, 2)) @ A
        more = less + R - A
        n = -1j * np.einsum("w,wmn->mn", weight, less)
        n = (n + n.conj().T) / 2
        greater = sum(around(C, V, more) for V, C, _ in terms)
        lesser = sum(around(C, V, less) for V, _, C in terms)
    return n.diagonal().real
