"""Textbook junction: whole Fock space, explicit Jordan-Wigner matrices, no symmetry used anywhere.

Spin-orbital ``4 i + 2 l + s``: molecule ``i`` from 0, orbital ``l`` = 0 (a), 1 (b), spin ``s`` = 0
(up), 1 (down). Energies in one unit, hbar = q = k_B = 1. A density matrix is vectorised by rows:
``vec(A X B) = kron(A, B^T) vec(X)``. Everything is written for the eye and not for speed; steady
states of the many-body problem end at two molecules (65 536 unknowns).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, gmres

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Term = tuple[int, int, int, int, float]

PAULI: Complex = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], complex)
LARGEST_DIMER = 2  # molecules: the next Fock space, 4096, is out of reach without symmetry
RESIDUAL = 1e-12  # Frobenius norm of L rho: 1e4 roundings of rho times the norm of H
EIGENVECTOR_CONDITION = 1e8  # above it the inverse through eigenvectors loses half the digits


@dataclass(frozen=True, eq=False)
class Parameters:
    """Parameters by their public names, with the reference point as default.

    ``spin_orbit_vectors``, shape (molecules, 3), replaces spin_orbit, twist and handedness.
    ``one_body_matrix``, shape (4 molecules, 4 molecules), is added to H0 + Ht + Hsoc.
    ``hund`` leaves ``hubbard_ab_triplet`` alone: the caller sets both.
    """

    molecules: int = 2
    energy_a: float = 0.0
    energy_b: float = 0.8
    hopping_a: float = 1.0
    hopping_b: float = 0.2
    hopping_ab: float = 0.0
    hopping_ba: float = 0.0
    spin_orbit: float = 0.03
    spin_orbit_vectors: ArrayLike | None = None
    twist: float = np.pi / 2
    handedness: int = 1
    hubbard_a: float = 4.0
    hubbard_b: float = 4.0
    hubbard_ab_singlet: float = 4.0
    hubbard_ab_triplet: float = 4.0
    hund: float = 0.0
    one_body_matrix: ArrayLike | None = None
    coupling_a: float = 0.1
    coupling_b: float = 0.1
    occupation_left: float = 1.0
    occupation_right: float = 0.0
    lead_polarisation: float = 1.0


@dataclass(frozen=True, eq=False)
class MeanField:
    """Last iterate of the mean-field fixed point, converged or not; ``density`` is <c+_m c_n>."""

    density: Complex
    current: float
    residual: float
    iterations: int
    converged: bool


def with_hubbard(p: Parameters, hubbard: float) -> Parameters:
    """Copy with all four repulsions equal."""
    return replace(
        p,
        hubbard_a=hubbard,
        hubbard_b=hubbard,
        hubbard_ab_singlet=hubbard,
        hubbard_ab_triplet=hubbard,
    )


def spin_orbital(molecule: int, orbital: int, spin: int) -> int:
    """Index 4 i + 2 l + s."""
    return 4 * molecule + 2 * orbital + spin


# Operators


@lru_cache
def annihilators(count: int) -> tuple[sp.csr_array, ...]:
    """Jordan-Wigner c_k = Z x ... x Z x a x 1 x ... x 1, k factors Z, a = [[0, 1], [0, 0]]."""
    z = sp.csr_array(np.diag([1.0, -1.0]))
    a = sp.csr_array(np.array([[0.0, 1.0], [0.0, 0.0]]))
    one = sp.csr_array(np.eye(2))
    operators = []
    for k in range(count):
        product = sp.csr_array(np.ones((1, 1)))
        for site in range(count):
            product = sp.kron(product, z if site < k else a if site == k else one, format="csr")
        operators.append(sp.csr_array(product))
    return tuple(operators)


def soc_vectors(p: Parameters) -> Real:
    """Lambda_i = lambda (cos phi_i, sin phi_i, 0), phi_i = handedness twist (i - 1)."""
    if p.spin_orbit_vectors is not None:
        return np.asarray(p.spin_orbit_vectors, float).reshape(p.molecules, 3)
    phi = p.handedness * p.twist * np.arange(p.molecules)
    return p.spin_orbit * np.stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)], axis=1)


def one_body_hamiltonian(p: Parameters) -> Complex:
    """h of H0 + Ht + Hsoc + one_body_matrix = sum_mn h_mn c+_m c_n."""
    h = np.zeros((4 * p.molecules, 4 * p.molecules), complex)
    vectors = soc_vectors(p)
    for i in range(p.molecules):
        for s in range(2):
            a, b = spin_orbital(i, 0, s), spin_orbital(i, 1, s)
            h[a, a] += p.energy_a
            h[b, b] += p.energy_b
            if i + 1 < p.molecules:
                next_a, next_b = spin_orbital(i + 1, 0, s), spin_orbital(i + 1, 1, s)
                for m, n, hopping in (
                    (a, next_a, p.hopping_a),
                    (b, next_b, p.hopping_b),
                    (a, next_b, p.hopping_ab),
                    (b, next_a, p.hopping_ba),
                ):
                    h[m, n] += hopping
                    h[n, m] += hopping
            for other in range(2):  # i Lambda_k c+_bs (sigma_k)_s,other c_a,other + h.c.
                element = 1j * sum(vectors[i, k] * PAULI[k, s, other] for k in range(3))
                h[b, spin_orbital(i, 0, other)] += element
                h[spin_orbital(i, 0, other), b] += np.conj(element)
    if p.one_body_matrix is not None:
        h += np.asarray(p.one_body_matrix, complex)
    return h


def interaction_terms(p: Parameters) -> Iterator[Term]:
    """Terms (k, l, m, n, v) of HU = sum v c+_k c+_l c_m c_n; n_k n_l = c+_k c+_l c_l c_k."""
    for i in range(p.molecules):
        a_up, a_down, b_up, b_down = (spin_orbital(i, o, s) for o in range(2) for s in range(2))
        for m, n, repulsion in (
            (a_up, a_down, p.hubbard_a),
            (b_up, b_down, p.hubbard_b),
            (a_up, b_down, p.hubbard_ab_singlet),
            (a_down, b_up, p.hubbard_ab_singlet),
            (a_up, b_up, p.hubbard_ab_triplet),
            (a_down, b_down, p.hubbard_ab_triplet),
        ):
            yield m, n, n, m, repulsion
        # -K c+_a,up c_a,down c+_b,down c_b,up = +K c+_a,up c+_b,down c_a,down c_b,up
        yield a_up, b_down, a_down, b_up, p.hund
        yield b_up, a_down, b_down, a_up, p.hund
        yield a_up, a_down, b_down, b_up, p.hund
        yield b_up, b_down, a_down, a_up, p.hund


def hamiltonian(p: Parameters) -> sp.csr_array:
    """H = sum_mn h_mn c+_m c_n + HU in the whole Fock space, 16^molecules."""
    c = annihilators(4 * p.molecules)
    h = one_body_hamiltonian(p)
    total = sp.csr_array(c[0].shape, dtype=complex)
    for m in range(len(c)):
        for n in range(len(c)):
            if h[m, n] != 0:
                total = total + h[m, n] * (c[m].T @ c[n])
    for k, l_, m, n, v in interaction_terms(p):
        if v != 0:
            total = total + v * (c[k].T @ c[l_].T @ c[m] @ c[n])
    return sp.csr_array(total)


# Leads


def couplings(p: Parameters, magnetisation: int) -> tuple[Real, Real]:
    """gL_{1,l,s} = gamma_l (1 + m p s) / 2 and gR_{M,l,s} = gamma_l, both of length 4 M."""
    left, right = np.zeros(4 * p.molecules), np.zeros(4 * p.molecules)
    for orbital, gamma in enumerate((p.coupling_a, p.coupling_b)):
        for s, sign in enumerate((1, -1)):
            left[spin_orbital(0, orbital, s)] = (
                gamma * (1 + magnetisation * p.lead_polarisation * sign) / 2
            )
            right[spin_orbital(p.molecules - 1, orbital, s)] = gamma
    return left, right


def rates(p: Parameters, magnetisation: int) -> tuple[Real, Real]:
    """alpha = gL fL + gR fR (in) and beta = gL (1 - fL) + gR (1 - fR) (out)."""
    left, right = couplings(p, magnetisation)
    f_left, f_right = p.occupation_left, p.occupation_right
    return left * f_left + right * f_right, left * (1 - f_left) + right * (1 - f_right)


def jumps(p: Parameters, magnetisation: int) -> list[sp.csr_array]:
    """sqrt(alpha_k) c+_k and sqrt(beta_k) c_k."""
    c = annihilators(4 * p.molecules)
    alpha, beta = rates(p, magnetisation)
    into = [np.sqrt(rate) * sp.csr_array(c[k].T) for k, rate in enumerate(alpha) if rate]
    return into + [np.sqrt(rate) * c[k] for k, rate in enumerate(beta) if rate]


# Generator and steady state


def liouvillian(p: Parameters, magnetisation: int) -> sp.csr_array:
    """L = -i (H x 1 - 1 x H^T) + sum_k J x J* - (J+J x 1 + 1 x (J+J)^T) / 2, all 4^(4M) rows."""
    h = hamiltonian(p)
    one = sp.eye_array(h.shape[0], format="csr")
    total = -1j * (sp.kron(h, one) - sp.kron(one, h.T))
    for jump in jumps(p, magnetisation):
        square = jump.conj().T @ jump
        total = total + sp.kron(jump, jump.conj())
        total = total - (sp.kron(square, one) + sp.kron(one, square.T)) / 2
    return sp.csr_array(total)


def derivative(p: Parameters, magnetisation: int, rho: Complex) -> Complex:
    """d rho/dt = -i [H, rho] + sum_k J rho J+ - {J+J, rho} / 2, as matrices."""
    h = hamiltonian(p)
    result = -1j * (h @ rho - rho @ h)
    for jump in jumps(p, magnetisation):
        square = jump.conj().T @ jump
        result = result + jump @ rho @ jump.conj().T - (square @ rho + rho @ square) / 2
    return np.asarray(result)


def steady_state_null_space(p: Parameters, magnetisation: int) -> Complex:
    """Null vector of the dense Liouvillian, one molecule; raises unless it is the only one."""
    if p.molecules != 1:
        raise ValueError("the dense null space is for one molecule")
    vectors = scipy.linalg.null_space(liouvillian(p, magnetisation).toarray())
    if vectors.shape[1] != 1:
        raise ArithmeticError(f"{vectors.shape[1]} steady states, not 1")
    rho = vectors[:, 0].reshape(16, 16)
    return np.asarray(rho / np.trace(rho))


def steady_state_gmres(p: Parameters, magnetisation: int) -> Complex:
    """Solution of (1 + L0^-1 J) X + R Tr X = R, R = 1 / dimension, by GMRES on whole matrices.

    L0 X = -i (Heff X - X Heff+) with Heff = H - (i/2) sum J+J is inverted through all eigenvectors
    of the dense Heff. The left null vector is Tr L0, and Tr L0 R < 0, so that Tr X = 1 follows.
    """
    if p.molecules > LARGEST_DIMER:
        raise ValueError(f"molecules = {p.molecules}: the whole Fock space is for 1 and 2")
    operators = jumps(p, magnetisation)
    effective = hamiltonian(p).toarray()
    for jump in operators:
        effective = effective - 0.5j * (jump.conj().T @ jump).toarray()
    dimension = effective.shape[0]
    values, vectors = scipy.linalg.eig(effective)
    if np.linalg.cond(vectors) > EIGENVECTOR_CONDITION:
        raise ArithmeticError("Heff is nearly defective")
    inverse = np.linalg.inv(vectors)
    denominators = -1j * (values[:, None] - values[None, :].conj())
    if np.abs(denominators).min() < RESIDUAL:
        raise ArithmeticError("a dark state: L0 is singular")
    start = np.eye(dimension, dtype=complex) / dimension

    def apply(vector: Complex) -> Complex:
        x = vector.reshape(dimension, dimension)
        jumped = np.zeros_like(x)
        for jump in operators:
            jumped += (jump @ (jump @ x.conj().T).conj().T).reshape(dimension, dimension)
        rotated = (inverse @ jumped @ inverse.conj().T) / denominators
        return (x + vectors @ rotated @ vectors.conj().T + start * np.trace(x)).ravel()

    size = dimension * dimension
    operator = LinearOperator((size, size), matvec=apply, dtype=complex)
    solution, _ = gmres(
        operator, start.ravel(), x0=start.ravel(), rtol=1e-13, atol=0, restart=120, maxiter=3
    )
    return np.asarray(solution.reshape(dimension, dimension))


def steady_state(p: Parameters, magnetisation: int) -> Complex:
    """Stationary density matrix: dense null space (M = 1), GMRES (M = 2); residual checked."""
    rho = (steady_state_null_space if p.molecules == 1 else steady_state_gmres)(p, magnetisation)
    residual = float(np.linalg.norm(derivative(p, magnetisation, rho)))
    if not residual < RESIDUAL:
        raise ArithmeticError(f"residual {residual:.1e} above {RESIDUAL:.0e}")
    return rho


# Observables


def one_body_density(rho: Complex) -> Complex:
    """G_mn = Tr[rho c+_m c_n]."""
    c = annihilators(round(np.log2(rho.shape[0])))
    return np.array([[np.trace((left.T @ right) @ rho) for right in c] for left in c])


def occupation(rho: Complex) -> Real:
    """n_k = Tr[rho c+_k c_k], shape (molecules, orbital, spin)."""
    c = annihilators(round(np.log2(rho.shape[0])))
    return np.array([np.trace((k.T @ k) @ rho).real for k in c]).reshape(-1, 2, 2)


def _flow(coupling: Real, filling: float, occupations: Real) -> float:
    """sum_k g_k {f (1 - n_k) - (1 - f) n_k}."""
    return float(coupling @ (filling * (1 - occupations) - (1 - filling) * occupations))


def current(p: Parameters, magnetisation: int, rho: Complex) -> float:
    """I_L = sum_k gL_k {fL (1 - n_k) - (1 - fL) n_k}, from the left lead into the molecules."""
    left, _ = couplings(p, magnetisation)
    return _flow(left, p.occupation_left, occupation(rho).ravel())


def current_right(p: Parameters, magnetisation: int, rho: Complex) -> float:
    """I_R = sum_k gR_k {fR (1 - n_k) - (1 - fR) n_k}, from the right lead into the molecules."""
    _, right = couplings(p, magnetisation)
    return _flow(right, p.occupation_right, occupation(rho).ravel())


def polarisation(up: float, down: float) -> float:
    """P_MR = (I_up - I_down) / (I_up + I_down)."""
    return (up - down) / (up + down)


def spin_polarisation(p: Parameters) -> float:
    """P_MR of the many-body steady states of the two magnetisations."""
    up, down = (current(p, m, steady_state(p, m)) for m in (1, -1))
    return polarisation(up, down)


# One-body theories


def density_lyapunov(p: Parameters, magnetisation: int, h: Complex) -> Complex:
    """K G + G K+ = -diag(alpha), K = i h^T - diag(alpha + beta) / 2."""
    alpha, beta = rates(p, magnetisation)
    k = 1j * h.T - np.diag(alpha + beta) / 2
    return np.asarray(scipy.linalg.solve_continuous_lyapunov(k, -np.diag(alpha).astype(complex)))


def mean_field_potential(p: Parameters, density: Complex, exchange_sign: int = -1) -> Complex:
    """Delta of HU = sum v c+_k c+_l c_m c_n: kn += v G_lm, lm += v G_kn, and the exchanges."""
    delta = np.zeros_like(density)
    for k, l_, m, n, v in interaction_terms(p):
        delta[k, n] += v * density[l_, m]
        delta[l_, m] += v * density[k, n]
        delta[k, m] += exchange_sign * v * density[l_, n]
        delta[l_, n] += exchange_sign * v * density[k, m]
    return delta


def mean_field_naive(
    p: Parameters,
    magnetisation: int,
    exchange_sign: int = -1,
    mixing: float = 0.5,
    tolerance: float = 1e-13,
    max_iterations: int = 2000,
) -> MeanField:
    """G <- (1 - x) G + x Lyapunov(h + Delta(G)), from the G without interaction."""
    h = one_body_hamiltonian(p)
    left, _ = couplings(p, magnetisation)
    density = density_lyapunov(p, magnetisation, h)
    residual, iteration = np.inf, 0
    while residual > tolerance and iteration < max_iterations:
        iteration += 1
        potential = mean_field_potential(p, density, exchange_sign)
        change = density_lyapunov(p, magnetisation, h + potential) - density
        residual = float(np.abs(change).max())
        density = density + mixing * change
    flow = _flow(left, p.occupation_left, np.diag(density).real)
    return MeanField(density, flow, residual, iteration, residual <= tolerance)


def landauer_quadrature(p: Parameters, magnetisation: int) -> float:
    """I = (fL - fR) int de/2pi Tr[gL Gr gR Ga], e = tan x, Gr = (e - h + i (gL + gR) / 2)^-1.

    Repulsions are ignored. The adaptive rule is told where the levels are.
    """
    left, right = couplings(p, magnetisation)
    effective = one_body_hamiltonian(p) - 0.5j * np.diag(left + right)
    one = np.eye(len(left))

    def integrand(x: float) -> float:
        green = np.linalg.inv(np.tan(x) * one - effective)
        transmission = float(left @ np.abs(green) ** 2 @ right)
        return transmission / np.cos(x) ** 2

    levels = sorted(float(np.arctan(value.real)) for value in np.linalg.eigvals(effective))
    integral, _ = scipy.integrate.quad_vec(
        integrand, -np.pi / 2, np.pi / 2, epsabs=1e-13, epsrel=1e-11, limit=5000, points=levels
    )
    return (p.occupation_left - p.occupation_right) * float(integral) / (2 * np.pi)
