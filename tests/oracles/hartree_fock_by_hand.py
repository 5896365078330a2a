"""Restricted Hartree-Fock and its spin-orbit elements written out: Hermite Gaussians, nothing of an integral library.

McMurchie and Davidson: a product of two Gaussians is a sum of Hermite Gaussians, and every Coulomb integral is a
derivative of the Boys function. Atomic units.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.special import gamma, gammainc

BOHR = 0.529177210903  # angstrom
CONTRACTION = {  # coefficients of 1s, and of 2s and 2p with one set of exponents
    "1s": (0.15432897, 0.53532814, 0.44463454),
    "2s": (-0.09996723, 0.39951283, 0.70011547),
    "2p": (0.15591627, 0.60768372, 0.39195739),
}
EXPONENTS = {
    "H": ((3.42525091, 0.62391373, 0.1688554),),
    "C": ((71.616837, 13.045096, 3.5305122), (2.9412494, 0.6834831, 0.2222899)),
    "O": ((130.70932, 23.808861, 6.4436083), (5.0331513, 1.1695961, 0.380389)),
}
CHARGES = {"H": 1, "C": 6, "O": 8}
Array = Any
Power = tuple[int, int, int]
S: Power = (0, 0, 0)
P: tuple[Power, ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
HERMITE = [T for T in itertools.product(range(3), repeat=3) if sum(T) <= 2]


def boys(order: int, x: Array) -> Array:
    r"""F_n(x) = int_0^1 t^{2n} exp(-x t^2) dt, by its series where x is small."""
    small = np.minimum(x, 0.5)
    series = sum((-small) ** k / (gamma(k + 1) * (2 * order + 2 * k + 1)) for k in range(16))
    half = order + 0.5
    large = np.maximum(x, 0.5)
    return np.where(x < 0.5, series, gamma(half) * gammainc(half, large) / (2 * large**half))


def hermite_coulomb(p: Array, R: Array, most: int) -> dict[Power, Array]:
    """R_tuv(p, R), derivatives of F_0(p R^2), for all orders up to ``most``."""
    x, y, z = np.moveaxis(np.asarray(R, dtype=float), -1, 0)
    square = x * x + y * y + z * z
    known = {(n, S): (-2 * p) ** n * boys(n, p * square) for n in range(most + 1)}
    for total in range(1, most + 1):
        for T in itertools.product(range(total + 1), repeat=3):
            if sum(T) != total:
                continue
            k = next(k for k in range(3) if T[k])
            one = tuple(t - (m == k) for m, t in enumerate(T))
            two = tuple(t - 2 * (m == k) for m, t in enumerate(T))
            for n in range(most + 1 - total):
                value = (x, y, z)[k] * known[n + 1, one]
                if one[k]:
                    value = value + one[k] * known[n + 1, two]
                known[n, T] = value
    return {T: value for (n, T), value in known.items() if n == 0}


def expansion(i: int, j: int, a: float, b: float, x: float) -> list[float]:
    """E_t of x_A^i x_B^j exp(-a x_A^2 - b x_B^2) in Hermite Gaussians, x = A - B."""
    p, q = a + b, a * b / (a + b)

    @cache
    def E(i: int, j: int, t: int) -> float:
        if t < 0 or t > i + j or i < 0 or j < 0:
            return 0.0
        if i == j == t == 0:
            return float(np.exp(-q * x * x))
        if i:
            return (
                E(i - 1, j, t - 1) / (2 * p)
                - q * x / a * E(i - 1, j, t)
                + (t + 1) * E(i - 1, j, t + 1)
            )
        return (
            E(i, j - 1, t - 1) / (2 * p) + q * x / b * E(i, j - 1, t) + (t + 1) * E(i, j - 1, t + 1)
        )

    return [E(i, j, t) for t in range(i + j + 1)]


def primitives(
    symbols: Sequence[str], places: Array
) -> list[list[tuple[float, Power, float, Array]]]:
    """Every basis function as (coefficient, powers, exponent, centre), of norm one."""
    functions = []
    for symbol, place in zip(symbols, places, strict=True):
        shells = [("1s", S, EXPONENTS[symbol][0])]
        if symbol != "H":
            shells += [
                ("2s", S, EXPONENTS[symbol][1]),
                *(("2p", axis, EXPONENTS[symbol][1]) for axis in P),
            ]
        for kind, powers, exponents in shells:
            raw = [
                (c * (2 * a / np.pi) ** 0.75 * (4 * a) ** (sum(powers) / 2), powers, a, place)
                for c, a in zip(CONTRACTION[kind], exponents, strict=True)
            ]
            norm = overlap(raw, raw) ** -0.5
            functions.append([(c * norm, *rest) for c, *rest in raw])
    return functions


def pairs(first: Array, second: Array) -> Any:
    """Primitive pairs: prefactor, total exponent, centre, and E of each direction."""
    for (c, m, a, A), (d, n, b, B) in itertools.product(first, second):
        E = [expansion(m[k], n[k], a, b, A[k] - B[k]) for k in range(3)]
        yield c * d, a + b, (a * A + b * B) / (a + b), E


def overlap(first: Array, second: Array) -> float:
    return sum(
        c * (np.pi / p) ** 1.5 * E[0][0] * E[1][0] * E[2][0] for c, p, _, E in pairs(first, second)
    )


def slope(function: Array, k: int) -> Array:
    """The derivative of a function along a direction."""
    up, down = np.eye(3, dtype=int)[k], -np.eye(3, dtype=int)[k]
    parts = []
    for c, powers, a, A in function:
        parts.append((-2 * a * c, tuple(int(v) for v in powers + up), a, A))
        if powers[k]:
            parts.append((c * powers[k], tuple(int(v) for v in powers + down), a, A))
    return parts


def attraction(first: Array, second: Array, place: Array, by: int | None = None) -> float:
    """<first| 1/|r - place| |second>, or its derivative by a component of the place."""
    value = 0.0
    for c, p, centre, E in pairs(first, second):
        most = sum(len(e) - 1 for e in E) + (by is not None)
        R = hermite_coulomb(p, centre - place, most)
        for T in itertools.product(*(range(len(e)) for e in E)):
            shifted = T if by is None else tuple(t + (k == by) for k, t in enumerate(T))
            sign = 1 if by is None else -1
            value += (
                sign * c * 2 * np.pi / p * E[0][T[0]] * E[1][T[1]] * E[2][T[2]] * float(R[shifted])
            )
    return value


def repulsion(functions: Array) -> Array:
    """(ij|kl)."""
    n = len(functions)
    both = list(itertools.combinations_with_replacement(range(n), 2))
    owner, factor, p, centre, H = [], [], [], [], []
    for at, (i, j) in enumerate(both):
        for c, total, place, E in pairs(functions[i], functions[j]):
            padded = [[*e, 0.0, 0.0][:3] for e in E]
            owner.append(at)
            factor.append(c)
            p.append(total)
            centre.append(place)
            H.append([padded[0][t] * padded[1][u] * padded[2][v] for t, u, v in HERMITE])
    ownership, scale, q, Q, G = map(np.array, (owner, factor, p, centre, H))
    sign = np.array([(-1) ** sum(T) for T in HERMITE])
    whole = np.zeros((len(both), len(both)))
    for row in range(len(scale)):
        R = hermite_coulomb(q[row] * q / (q[row] + q), Q[row] - Q, 4)
        values = np.zeros(len(scale))
        for s, T in enumerate(HERMITE):
            for t, V in enumerate(HERMITE):
                together = tuple(x + y for x, y in zip(T, V, strict=True))
                values += G[row, s] * sign[t] * G[:, t] * R[together]
        values *= scale[row] * scale * 2 * np.pi**2.5 / (q[row] * q * np.sqrt(q[row] + q))
        np.add.at(whole[owner[row]], ownership, values)
    out = np.zeros((n, n, n, n))
    for (a, (i, j)), (b, (k, m)) in itertools.product(enumerate(both), repeat=2):
        for x, y in ((i, j), (j, i)):
            out[x, y, k, m] = out[x, y, m, k] = whole[a, b]
    return out


def matrix(functions: Array, element: Any) -> Array:
    return np.array([[element(f, g) for g in functions] for f in functions])


def orbitals(S_: Array, h: Array, eri: Array, filled: int) -> tuple[Array, Array]:
    """Energies and coefficients of the closed shell; plain iterations, mixed."""
    D, energy = np.zeros_like(h), np.inf
    for _ in range(500):
        F = h + np.einsum("ijkl,kl->ij", eri, D) - np.einsum("ikjl,kl->ij", eri, D) / 2
        e, C = eigh(F, S_)
        new = 2 * C[:, :filled] @ C[:, :filled].T
        change, D = np.abs(new - D).max(), (new + D) / 2 if np.isfinite(energy) else new
        energy = float(np.sum(D * (h + F)) / 2)
        if change < 1e-13:
            return e, C
    raise ArithmeticError(f"no self-consistent field: {change}")


def spin_orbit(symbols: Sequence[str], places: Array, a: int, b: int) -> Array:
    """<a| sum_A Z_A (r_A x nabla)/r_A^3 |b> of bare nuclei, three components; a, b from the highest filled one down."""
    places = np.asarray(places, dtype=float) / BOHR
    charges = [CHARGES[symbol] for symbol in symbols]
    functions = primitives(symbols, places)
    kinetic = matrix(
        functions, lambda f, g: sum(overlap(slope(f, k), slope(g, k)) for k in range(3)) / 2
    )
    nuclear = matrix(
        functions,
        lambda f, g: -sum(Z * attraction(f, g, A) for Z, A in zip(charges, places, strict=True)),
    )
    filled = sum(charges) // 2
    _, C = orbitals(matrix(functions, overlap), kinetic + nuclear, repulsion(functions), filled)
    bra, ket = C[:, filled - 1 - a], C[:, filled - 1 - b]

    def component(i: int) -> float:
        j, k = (i + 1) % 3, (i + 2) % 3
        element = matrix(
            functions,
            lambda f, g: sum(
                Z * (attraction(f, slope(g, k), A, j) - attraction(f, slope(g, j), A, k))
                for Z, A in zip(charges, places, strict=True)
            ),
        )
        return float(bra @ element @ ket)

    return np.array([component(i) for i in range(3)])
