"""Naive reference for spin-density-matrix kinetics of a Rashba electron gas (hbar = m = eE = 1).

Everything is done with explicit 2x2 matrices and plain quadrature.  Nothing here is fast.
H(p) = eps0(p) + split(p)/2 sigma.Omega_N(phi), Omega_N = (-sin N phi, cos N phi, 0).
The ansatz is f = n cos(phi) + s_O cos(phi) Omega + s_e sin(phi) e + s_z sin(phi) z, order (n, O, e, z).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

Array = np.ndarray
Correlator = Callable[[Array], Array]  # w(q)
Vertex = Callable[[Array, Array, Array], Array]  # T(p, p1, phi - phi1)
Link = tuple[int, int, int, int]  # (i, nu, j, M)
ONE = np.eye(2, dtype=complex)
SX = np.array([[0, 1], [1, 0]], dtype=complex)
SY = np.array([[0, -1j], [1j, 0]], dtype=complex)
SZ = np.diag([1, -1]).astype(complex)
PROBE_ANGLE = 0.7  # projecting on the ansatz at any one generic angle suffices (checked)


# ---------------------------------------------------------------- model and disorder
@dataclass(frozen=True)
class Model:
    """eps_M(p) = eps0(p) + M split(p)/2 with polynomial eps0 and split; p_top bounds the branch."""

    eps0: Polynomial
    split: Polynomial
    winding: int = 1
    p_top: float = np.inf


def rashba(alpha: float) -> Model:
    """eps0 = p^2/2, split = alpha p, N = 1."""
    return Model(Polynomial([0, 0, 0.5]), Polynomial([0, alpha]))


def winding_model(gamma: float, winding: int, power: int) -> Model:
    """eps0 = p^2/2, split = gamma p^power, winding N; the - branch is cut at its maximum."""
    split = Polynomial([0] * power + [gamma])
    slope = (Polynomial([0, 0, 0.5]) - 0.5 * split).deriv()
    tops = [r.real for r in slope.roots() if abs(r.imag) < 1e-12 and r.real > 1e-12]
    top = min(tops, default=np.inf) if power > 2 else np.inf
    return Model(Polynomial([0, 0, 0.5]), split, winding, top)


def disorder(kind: str, w0: float, scale: float = 1.0) -> Correlator:
    """w(q): delta w0, gauss w0 exp(-q^2 s^2), yukawa w0 s^2/(q^2+s^2), tf2d w0 s^2/(q+s)^2."""
    return {
        "delta": lambda q: w0 + 0 * q,
        "gauss": lambda q: w0 * np.exp(-((q * scale) ** 2)),
        "yukawa": lambda q: w0 * scale**2 / (q**2 + scale**2),
        "tf2d": lambda q: w0 * scale**2 / (q + scale) ** 2,
    }[kind]


def dag(x: Array) -> Array:
    """Hermitian conjugate of the last two axes."""
    return np.conj(np.swapaxes(x, -1, -2))


def band(model: Model, p: Array, m: int) -> Array:
    """eps_M(p)."""
    return model.eps0(p) + 0.5 * m * model.split(p)


def speed(model: Model, p: Array, m: int) -> Array:
    """V_M = d eps_M / dp."""
    return model.eps0.deriv()(p) + 0.5 * m * model.split.deriv()(p)


def sigma_omega(phi: Array, winding: int) -> Array:
    """sigma.Omega_N at each angle."""
    c, s = np.cos(winding * phi)[..., None, None], np.sin(winding * phi)[..., None, None]
    return -s * SX + c * SY


def sigma_e(phi: Array, winding: int) -> Array:
    """sigma.e_N at each angle."""
    return sigma_omega(phi - 0.5 * np.pi / winding, winding)


def projector(m: int, phi: Array, winding: int) -> Array:
    """P_M = (1 + M sigma.Omega)/2."""
    return 0.5 * (ONE + m * sigma_omega(phi, winding))


def partners(model: Model, p: float, nu: int, p_max: float) -> list[tuple[float, int]]:
    """All (p1, M) with eps_M(p1) = eps_nu(p), 0 < p1 < p_max."""
    found = [(p, nu)]
    for m in (1, -1):
        shift = model.eps0 + 0.5 * m * model.split - band(model, p, nu)
        if m == nu:  # p itself is a root: divide it out
            shift = shift // Polynomial([-p, 1])
        for root in shift.roots():
            x = root.real
            for _ in range(2 if abs(root.imag) < 1e-7 else 0):
                x = x - shift(x) / shift.deriv()(x)
            if abs(root.imag) < 1e-7 and 1e-12 < x < min(p_max, model.p_top):
                found.append((x, m))
    return found


# ---------------------------------------------------------------- 1. collision term
def angle_rule(n: int, kinked: bool = False) -> tuple[Array, Array]:
    """Nodes, weights of int dtheta/2pi: trapezoid, or Gauss-Legendre crowded at theta = 0, 2pi."""
    if not kinked:
        return 2 * np.pi * (np.arange(n) + 0.5) / n, np.full(n, 1 / n)
    x, wt = np.polynomial.legendre.leggauss(20)
    panels = n // 20
    t = ((np.arange(panels)[:, None] + 0.5 * (x + 1)) / panels).ravel()
    wt = np.tile(0.5 * wt / panels, panels)
    return 2 * np.pi * t**3 * (10 - 15 * t + 6 * t**2), wt * 30 * t**2 * (1 - t) ** 2


def momentum_transfer(p: Array, p1: Array, theta: Array) -> Array:
    """|p - p1|, written without cancellation."""
    return np.sqrt((p - p1) ** 2 + 4 * p * p1 * np.sin(theta / 2) ** 2)


def collision_brute(
    p: float,
    phi: float,
    f: Callable[[float, float], Array],
    w: Correlator,
    model: Model,
    prescription: str = "redfield",
    p_max: float = 1e3,
    n_angle: int = 400,
    kinked: bool = False,
) -> Array:
    """St f at (p, phi) by summing 2x2 matrices over the angle of p1, for any 2x2 field f(p, phi).
    redfield: St f = 1/2 sum w p1/|V_M(p1)| <f1 P1 P_nu - P1 P_nu f + h.c.>
    steady:   St f = 1/2 sum w p1/|V_M(p1)| <P1 f1 P_nu - P1 f P_nu + h.c.>
    """
    theta, weight = angle_rule(n_angle, kinked)
    total = np.zeros((2, 2), dtype=complex)
    here = f(p, phi)
    for nu in (1, -1):
        p_nu = projector(nu, np.array(phi), model.winding)
        for p1, m in partners(model, p, nu, p_max):
            for t, wt in zip(theta, weight, strict=True):
                there, p_m = f(p1, phi + t), projector(m, np.array(phi + t), model.winding)
                term = (
                    there @ p_m @ p_nu - p_m @ p_nu @ here
                    if prescription == "redfield"
                    else p_m @ there @ p_nu - p_m @ here @ p_nu
                )
                rate = w(momentum_transfer(p, p1, t)) * p1 / (2 * abs(speed(model, p1, m)))
                total += wt * rate * (term + term.conj().T)
    return total


def ansatz_basis(phi: Array, winding: int) -> Array:
    """The four ansatz matrices at each angle; shape phi.shape + (4, 2, 2)."""
    c, s = np.cos(phi)[..., None, None], np.sin(phi)[..., None, None]
    return np.stack([c * ONE, c * sigma_omega(phi, winding), s * sigma_e(phi, winding), s * SZ], -3)


def ansatz_amplitudes(x: Array, phi: float, winding: int) -> Array:
    """(n, O, e, z) of a Hermitian matrix x (..., 2, 2) at one angle."""
    basis = ansatz_basis(np.array(phi), winding)
    size = np.real(np.einsum("aij,aji->a", basis, basis))
    return np.real(np.einsum("aij,...ji->...a", basis, x)) / size


def link_blocks(
    model: Model,
    w: Correlator,
    links: list,
    prescription: str,
    theta: Array,
    weight: Array,
    vertex: Vertex | None = None,
) -> tuple[Array, Array]:
    """Gain G and loss Lambda (n_links, 4, 4) of links (p, nu, p1, M): rate r(G f1 - Lambda f).
    `vertex(p, p1, phi - phi1)` is an optional spin matrix T_{p p1} multiplying sqrt(w).
    """
    phi, nw = PROBE_ANGLE, model.winding
    p = np.array([x[0] for x in links])[:, None]
    p1 = np.array([x[2] for x in links])[:, None]
    m = np.array([x[3] for x in links])[:, None, None, None]
    nu = np.array([x[1] for x in links])[:, None, None]
    rate = (
        w(momentum_transfer(p, p1, theta))
        * weight
        * p1
        / (2 * abs(speed(model, p1, m[:, :, 0, 0])))
    )
    p_m = 0.5 * (ONE + m * sigma_omega(phi + theta, nw))  # (links, theta, 2, 2)
    p_nu = 0.5 * (ONE + nu * sigma_omega(np.array(phi), nw))[:, None, None]
    there, here = ansatz_basis(phi + theta, nw), ansatz_basis(np.array(phi), nw)
    vertex = vertex or (lambda p, p1, angle: np.broadcast_to(ONE, p_m.shape))
    t_in, t_out = vertex(p, p1, -theta)[:, :, None], vertex(p1, p, theta)[:, :, None]
    p_m = p_m[:, :, None]
    mid = dag(t_out) @ p_m @ t_out
    if prescription == "redfield":
        gain, loss = t_in @ there @ p_m @ dag(t_in) @ p_nu, mid @ p_nu @ here
    else:
        gain, loss = t_in @ p_m @ there @ dag(t_in) @ p_nu, mid @ here @ p_nu
    gain, loss = (np.einsum("lt,ltaij->laij", rate, x + dag(x)) for x in (gain, loss))
    return tuple(np.swapaxes(ansatz_amplitudes(x, phi, nw), 1, 2) for x in (gain, loss))


# ---------------------------------------------------------------- 2. one energy-shell chain
def build_chain(
    model: Model, p0: float, p_max: float, p_min: float = 0.0
) -> tuple[Array, Array, list[Link]]:
    """Momenta, |dp_k/dp_0| and links (i, nu, j, M) of the chain through p0, kept within (p_min, p_max)."""
    nodes, jac, links = [p0], [1.0], []
    i = 0
    while i < len(nodes):
        for nu in (1, -1):
            for p1, m in partners(model, nodes[i], nu, p_max):
                if p1 < p_min:
                    continue
                near = [k for k, q in enumerate(nodes) if abs(q - p1) < 1e-9 * max(1, p1)]
                if not near:
                    near = [len(nodes)]
                    nodes.append(p1)
                    jac.append(jac[i] * abs(speed(model, nodes[i], nu) / speed(model, p1, m)))
                links.append((i, nu, near[0], m))
        i += 1
    return np.array(nodes), np.array(jac), links


def chain_matrix(
    model: Model,
    w: Correlator,
    nodes: Array,
    links: list[Link],
    prescription: str = "redfield",
    n_angle: int = 64,
    kinked: bool = False,
    vertex: Vertex | None = None,
) -> Array:
    """L = St - Prec on one chain, from projected 2x2 matrices (order (n, O, e, z) per node)."""
    n = len(nodes)
    matrix = np.zeros((n, 4, n, 4))
    theta, weight = angle_rule(n_angle, kinked)
    for start in range(0, len(links), 200):
        part = links[start : start + 200]
        ends = [(nodes[i], nu, nodes[j], m) for i, nu, j, m in part]
        gain, loss = link_blocks(model, w, ends, prescription, theta, weight, vertex)
        for (i, _, j, _), g, lam in zip(part, gain, loss, strict=True):
            matrix[i, :, j, :] += g
            matrix[i, :, i, :] -= lam
    basis = ansatz_basis(np.array(PROBE_ANGLE), model.winding)
    spin = sigma_omega(np.array(PROBE_ANGLE), model.winding)
    turn = ansatz_amplitudes(0.5j * (spin @ basis - basis @ spin), PROBE_ANGLE, model.winding).T
    for i, p in enumerate(nodes):
        matrix[i, :, i, :] -= model.split(p) * turn  # i[H, f]
    return matrix.reshape(4 * n, 4 * n)


def observable_weights(model: Model, p: Array) -> Array:
    """Rows (j_x, sigma_y, q_yz) of int p dp/(2pi)^2 dphi Tr(O f); shape (3, n, 4).
    v_i = dH/dp_i, q_yz = {v_y, sigma_z}/4.
    """
    phi = 2 * np.pi * (np.arange(32) + 0.3) / 32
    nw, basis = model.winding, ansatz_basis(phi, model.winding)
    s_o, s_e = sigma_omega(phi, nw), sigma_e(phi, nw)
    c, s = np.cos(phi)[:, None, None], np.sin(phi)[:, None, None]
    x = p[:, None, None, None]
    radial = model.eps0.deriv()(x) * ONE + 0.5 * model.split.deriv()(x) * s_o
    around = -0.5 * nw * model.split(x) / x * s_e
    v_x, v_y = c * radial - s * around, s * radial + c * around
    ops = np.stack([v_x, np.broadcast_to(SY, v_x.shape), 0.25 * (v_y @ SZ + SZ @ v_y)])
    trace = np.real(np.einsum("optij,taji->opa", ops, basis)) / len(phi)
    return trace * p[:, None] / (2 * np.pi)


def fermi(x: Array, mu: float, temperature: float) -> tuple[Array, Array]:
    """f0 and df0/dE; a step at T = 0 (its derivative is then handled as a delta)."""
    if temperature == 0:
        return np.where(x < mu, 1.0, 0.0), 0 * x
    f = 0.5 * (1 - np.tanh((x - mu) / (2 * temperature)))
    return f, -f * (1 - f) / temperature


def drive(model: Model, p: Array, mu: float, temperature: float) -> tuple[Array, Array]:
    """Regular parts of the acceleration (n0', s0', 0, 0) and interband (0, 0, N s0/p, 0) drives."""
    f_p, g_p = fermi(band(model, p, 1), mu, temperature)
    f_m, g_m = fermi(band(model, p, -1), mu, temperature)
    a, b = g_p * speed(model, p, 1), g_m * speed(model, p, -1)
    acc = np.stack([0.5 * (a + b), 0.5 * (a - b), 0 * a, 0 * a], 1)
    return acc, np.stack([0 * a, 0 * a, model.winding * 0.5 * (f_p - f_m) / p, 0 * a], 1)


def fermi_momenta(model: Model, mu: float) -> list[tuple[float, int]]:
    """All (p, M) with eps_M(p) = mu."""
    return sorted(
        (float(r.real), m)
        for m in (1, -1)
        for r in (model.eps0 + 0.5 * m * model.split - mu).roots()
        if abs(r.imag) < 1e-12 and 1e-12 < r.real < model.p_top
    )


def crowded_rule(edges: list[float], n: int) -> tuple[Array, Array]:
    """Gauss-Legendre with quadratic crowding at both ends of each interval."""
    x, wt = np.polynomial.legendre.leggauss(n)
    t = 0.25 * np.pi * (x + 1)
    low, gap = np.array(edges[:-1])[:, None], np.diff(edges)[:, None]
    return (low + gap * np.sin(t) ** 2).ravel(), (wt * 0.25 * np.pi * gap * np.sin(2 * t)).ravel()


def chain_response_dense(
    model: Model,
    w: Correlator,
    mu: float,
    temperature: float,
    omega: complex = 0.0,
    prescription: str = "redfield",
    n_offset: int = 12,
    p_max: float = 8.0,
    n_angle: int = 64,
    kinked: bool = False,
    edges: list[float] | None = None,
    reach: float = np.inf,
    bonds: bool = True,
    vertex: Vertex | None = None,
) -> Array:
    """Solve (St - Prec + i omega) f = D directly and integrate observables; shape (2, 3).
    Rows: acceleration, interband drive.  Columns: j_x/e, <sigma_y>, q_yz.  `edges` are the offset
    intervals (default (0, alpha/2), Rashba only; other models or a finite `reach`: T = 0, the Fermi
    window).  `reach` cuts the chain at |p - p0| < reach; `bonds=False` drops interband links, Eqs. (8)-(11).
    """
    marks = fermi_momenta(model, mu)
    parabolic_rashba = model.winding * model.split.degree() * (model.eps0.degree() - 1) == 1
    window = temperature == 0 and edges is None and not (parabolic_rashba and np.isinf(reach))
    out = np.zeros((2, 3), dtype=complex)

    def add(p0: float, rule_weight: float, delta: bool) -> None:
        nodes, jac, links = build_chain(model, p0, min(p_max, p0 + reach), max(0.0, p0 - reach))
        links = links if bonds else [x for x in links if x[0] == x[2]]
        matrix = chain_matrix(model, w, nodes, links, prescription, n_angle, kinked, vertex)
        matrix = matrix + (1j * omega * np.eye(len(matrix)) if omega != 0 else 0)
        acc, inter = drive(model, nodes, mu, temperature)
        if window:  # the integral over the window visits every node itself: drive node 0 only
            inter = np.where(np.arange(len(nodes))[:, None], 0, inter)
        if delta:
            inter = 0 * inter
            for p_f, m in marks:
                k = int(np.argmin(abs(nodes - p_f)))
                assert abs(nodes[k] - p_f) < 1e-7
                acc[k, :2] -= 0.5 * np.sign(speed(model, p_f, m)) / jac[k] * np.array([1, m])
        f = np.linalg.solve(matrix, np.stack([acc.ravel(), inter.ravel()], 1))
        f = f.T.reshape(2, len(nodes), 4)
        out[:] += rule_weight * np.einsum("oka,ska,k->so", observable_weights(model, nodes), f, jac)

    if temperature == 0:
        add(marks[-1][0], 1.0, True)
    if window:
        edges = [marks[0][0], marks[-1][0]]
    elif edges is None:  # every chain crosses (0, alpha/2) once; p_F marks the step of s0
        gap, step = model.split.coef[1], marks[:1] if temperature == 0 else []
        edges = [0.0, *[abs(p_f - gap * round(p_f / gap)) for p_f, _ in step], gap / 2]
    for p0, wt in zip(*crowded_rule(edges, n_offset), strict=True):
        add(float(p0), float(wt), False)
    return out if omega != 0 else out.real


# ---------------------------------------------------------------- 3. SCBA + ladder (Kubo)
def self_consistent_z(eps: float, mu: float, w_scba: float, alpha: float) -> complex:
    """z = i eps + mu - W g(z), g the traced Green function (constant log cutoff absorbed in mu).
    g(z) = (1/4pi)[2 ln(-z) + (alpha/k) ln((k+alpha/2)/(k-alpha/2))], k = sqrt(2z + alpha^2/4).
    """
    z = mu + 1j * eps + 1j * np.sign(eps) * max(w_scba / 4, 1e-9)
    for _ in range(2000):
        k = np.sqrt(2 * z + alpha**2 / 4 + 0j)
        g = (2 * np.log(-z) + alpha / k * np.log((k + alpha / 2) / (k - alpha / 2))) / (4 * np.pi)
        new = mu + 1j * eps - w_scba * g
        if abs(new - z) < 1e-15 * abs(z):
            break
        z = 0.5 * (z + new) if abs(z) < 4 * w_scba else new
    return complex(new)


def kubo_scba(
    e_f: float,
    alpha: float,
    tau: float,
    matsubara: float,
    n_eps: int = 40,
    n_p: int = 60,
    far: float = 1e4,
) -> tuple[complex, complex]:
    """(<sigma_y>, q_yz) per unit force at omega = i Omega, T = 0, delta disorder W = 1/tau.
    X = W tr[sigma_y int G v_x G']/2 / (1 - Wc), c = tr[sigma_y int G sigma_y G']/2,
    chi_O = int deps/2pi int d2p/(2pi)^2 Tr[O G (v_x + X sigma_y) G'], <O> = chi_O(i Omega)/Omega.
    """
    w_scba, mu = 1 / tau, e_f
    for _ in range(60):  # place Re z(0+) at E_F
        mu += e_f - self_consistent_z(1e-12, mu, w_scba, alpha).real
    angles = 2 * np.pi * (np.arange(4) + 0.25) / 4
    cx, sy = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]

    def green(z: complex, p: Array) -> Array:
        g_p, g_m = 1 / (z - p**2 / 2 - alpha * p / 2), 1 / (z - p**2 / 2 + alpha * p / 2)
        return (0.5 * (g_p + g_m))[:, None, None, None] * ONE + (0.5 * (g_p - g_m))[
            :, None, None, None
        ] * sigma_omega(angles, 1)

    def kernel(eps: float) -> tuple[complex, complex]:
        z1 = self_consistent_z(eps + matsubara, mu, w_scba, alpha)
        z0 = self_consistent_z(eps, mu, w_scba, alpha)
        width = min(abs(z1.imag), abs(z0.imag)) / np.sqrt(2 * abs(z0))
        k_f = np.sqrt(max(2 * z0.real + alpha**2 / 4, 0.01))
        (x, wt), ps, ws = np.polynomial.legendre.leggauss(n_p), [], []
        last = far * np.sqrt(2 * max(abs(z0), abs(z1)))
        for centre, a, b in ((k_f - alpha / 2, 0.0, k_f), (k_f + alpha / 2, k_f, last)):
            lo, hi = np.arcsinh((a - centre) / width), np.arcsinh((b - centre) / width)
            for u0 in np.linspace(lo, hi, 5)[:-1]:
                u = (hi - lo) / 8 * (x + 1) + u0
                ps.append(centre + width * np.sinh(u))
                ws.append(wt * (hi - lo) / 8 * width * np.cosh(u))
        p, wp = np.concatenate(ps), np.concatenate(ws) / (2 * np.pi) / len(angles)
        pm = p[:, None, None, None]
        v_x, q_op = pm * cx * ONE + 0.5 * alpha * SY, 0.5 * pm * sy * SZ
        g1, g0 = green(z1, p), green(z0, p)

        def mean(x):
            return complex(np.einsum("p,paii->", wp * p, x))

        c = 0.5 * mean(SY @ g1 @ SY @ g0)
        big_x = w_scba * 0.5 * mean(SY @ g1 @ v_x @ g0) / (1 - w_scba * c)
        dressed = g1 @ (v_x + big_x * SY) @ g0
        return mean(SY @ dressed), mean(q_op @ dressed)

    x, wt = np.polynomial.legendre.leggauss(n_eps)
    total, scale, t = np.zeros(2, dtype=complex), min(matsubara, 1 / tau), 0.5 * (x + 1)
    middle = -matsubara * np.sin(0.5 * np.pi * t) ** 2
    for e, f in zip(middle, wt * 0.25 * np.pi * matsubara * np.sin(np.pi * t), strict=True):
        total += f * np.array(kernel(float(e)))
    top = np.log(far * e_f / scale)  # eps = scale (e^u - 1) on the two outer segments
    for u, f in zip(top * t, wt * 0.5 * top, strict=True):
        step, jac = scale * (np.exp(u) - 1), scale * np.exp(u)
        total += f * jac * (np.array(kernel(step)) + np.array(kernel(-matsubara - step)))
    return tuple(complex(y) for y in total / (2 * np.pi * matsubara))


# ---------------------------------------------------------------- 4. exact identity
def exact_diagonalisation_identity(
    alpha: float, side: float, cutoff: float, strength: float, seed: int, scalar: bool = True
) -> tuple[float, int]:
    """Largest element of |2 alpha q - i[H, sigma_y]| between eigenstates of a disordered H, and size.
    H = p^2/2 + (alpha/2)(p_x sigma_y - p_y sigma_x) + V(r), q = p_y sigma_z/2.
    """
    rng = np.random.default_rng(seed)
    n = int(cutoff * side / (2 * np.pi))
    ks = [
        k
        for k in itertools.product(range(-n, n + 1), repeat=2)
        if 2 * np.pi * np.hypot(*k) / side <= cutoff
    ]
    k = 2 * np.pi / side * np.array(ks)
    v = rng.normal(size=(4 * n + 1, 4 * n + 1)) + 1j * rng.normal(size=(4 * n + 1, 4 * n + 1))
    v = strength * (v + np.conj(v[::-1, ::-1]))  # V(-q) = V(q)*
    diff = np.array(ks)[:, None] - np.array(ks)[None] + 2 * n
    potential = np.kron(v[diff[..., 0], diff[..., 1]], ONE if scalar else SZ)
    h = np.kron(np.diag((k**2).sum(1) / 2), ONE) + potential
    h = h + 0.5 * alpha * (np.kron(np.diag(k[:, 0]), SY) - np.kron(np.diag(k[:, 1]), SX))
    energy, psi = np.linalg.eigh(h)
    q_mat = psi.conj().T @ np.kron(np.diag(k[:, 1]), SZ) @ psi / 2
    s_mat = psi.conj().T @ np.kron(np.eye(len(k)), SY) @ psi
    return float(abs(2 * alpha * q_mat - 1j * (energy[:, None] - energy) * s_mat).max()), len(h)


# ---------------------------------------------------------------- 5. Fermi-level matrix equation
def fermi_level_matrix(
    p_f: float,
    tau: float,
    tensor: Array,
    zeeman: Array | None = None,
    omega: complex = 0.0,
    kappa: float = 0.0,
    x: float = 0.0,
    power: int = 2,
    n_angle: int = 24,
    shifted: bool = True,
) -> dict[str, Array]:
    """Energy-integrated kinetics at the Fermi level, delta disorder, b = B p + h, H = p^2/2 + b.sigma/2.
    First order in b/E_F.  With g = s - b (dn/deps)/2, per -f0', primes d/deps through p1 (`) or p (,):
    -i w n - F v cos(phi) = St_n,   -i w g - b x g - F/2 [d_px b - b cos(phi)/p] = St_g + K n,
    St rho = (1/tau) <T rho T+ - {T+T, rho}/2>, T = 1 + i kappa (1+ix) sigma_z sin(phi-phi1),
    K n = (1/2tau) < -n1 (T b1.sigma T+)` - b (|T|^2), n1 + n (T+ b1.sigma T)` + b n (T+T), >.
    kappa = lambda' (p p1)^{power/2} (power = 2 is the spin-orbit impurity); 1/(1+ix) is inside tau.
    <sigma> = 2 N0 (<g> - <n d_eps b>/2), q_iz = N0 (<v_i g_z> - h_z <n p_i>/(2 p v)), j = 2 N0 <v n>.
    `shifted=False` lets precession act on s itself: the mistake of specification 14.5.
    """
    b_matrix, h = (
        np.asarray(tensor, float),
        np.zeros(3) if zeeman is None else np.asarray(zeeman, float),
    )
    phi = 2 * np.pi * np.arange(n_angle) / n_angle
    unit = np.stack([np.cos(phi), np.sin(phi)], 1)
    b, slope = p_f * unit @ b_matrix.T + h, unit @ b_matrix.T / p_f  # slope = db/deps
    pauli = np.stack([ONE, SX, SY, SZ])
    growth = power / (2 * p_f**2)  # d ln(kappa) / d eps through p or through p1

    def unpack(m):
        return 0.5 * np.einsum("bij,ji->b", pauli, m)

    big = np.zeros((n_angle, 4, n_angle, 4), dtype=complex)
    for i in range(n_angle):
        for j in range(n_angle):
            odd = 1j * kappa * (1 + 1j * x) * SZ * np.sin(phi[i] - phi[j])
            t, t_out, wt = ONE + odd, ONE - odd, 1 / (tau * n_angle)
            for a in range(4):
                big[i, :, j, a] += wt * unpack(t @ pauli[a] @ dag(t))
                lost = 0.5 * (dag(t_out) @ t_out @ pauli[a] + pauli[a] @ dag(t_out) @ t_out)
                big[i, :, i, a] -= wt * unpack(lost)
            if shifted:
                b1, db1 = (np.einsum("a,aij->ij", y[j], pauli[1:]) for y in (b, slope))
                d_t, d_out = growth * odd, -growth * odd
                gain = t @ db1 @ dag(t) + d_t @ b1 @ dag(t) + t @ b1 @ dag(d_t)
                loss = dag(t_out) @ db1 @ t_out + dag(d_out) @ b1 @ t_out + dag(t_out) @ b1 @ d_out
                d_rate = unpack(d_t @ dag(t) + t @ dag(d_t))[0]
                big[i, 1:, j, 0] -= 0.5 * wt * (unpack(gain)[1:] + b[i] * d_rate)
                big[i, 1:, i, 0] += 0.5 * wt * (unpack(loss)[1:] + b[i] * d_rate)
        for a in range(3):
            big[i, 1:, i, a + 1] += np.cross(b[i], np.eye(3)[a])  # -i[H, g] = b x g
        big[i, :, i, :] += 1j * omega * np.eye(4)
    drift = b * unit[:, :1] / p_f if shifted else 0.0
    source = np.hstack([-p_f * unit[:, :1], -0.5 * (b_matrix[:, 0] - drift + 0 * b)])
    rho = np.linalg.lstsq(big.reshape(4 * n_angle, -1), source.ravel(), rcond=1e-13)[0]
    n, g = rho.reshape(n_angle, 4)[:, 0], rho.reshape(n_angle, 4)[:, 1:]
    n0, density = 1 / (2 * np.pi), (n[:, None] * slope).mean(0)
    flow = (unit * n[:, None]).mean(0)
    return {
        "j": 2 * n0 * p_f * flow,
        "sigma": 2 * n0 * (g.mean(0) - 0.5 * density),
        "q": n0 * ((p_f * unit * g[:, 2:]).mean(0) - 0.5 * h[2] * flow / p_f),
    }


# ---------------------------------------------------------------- 6. winding N, decoupled coherence
def winding_ratio_naive(
    winding: int, power: int, reach: float, delta_p: float, p_f: float = 1.0, n_angle: int = 4000
) -> float:
    """q_yz / (clean q_yz) for split ~ p^power, gauss disorder of range `reach`, split*tau >> 1.
    Band Boltzmann for f_M = A_M cos(phi) delta(eps_M - E_F), then row e of the kinetic equation,
    split s_z = N s0/p - St_e[f], projected numerically; q = int p dp/4pi eps0' s_z.
    """
    model = winding_model(delta_p / p_f ** (power - 1), winding, power)
    mom = {m: p for p, m in fermi_momenta(model, p_f**2 / 2)}
    p_plus, p_minus = mom[1], mom[-1]
    theta, weight = angle_rule(n_angle, True)
    w = disorder("gauss", 1.0, reach)
    rates = np.zeros((2, 2))
    for a, m in enumerate((1, -1)):
        for b, m1 in enumerate((1, -1)):
            overlap = 0.5 * (1 + m * m1 * np.cos(winding * theta))
            rate = w(momentum_transfer(mom[m], mom[m1], theta)) * overlap * weight
            rate *= mom[m1] / speed(model, mom[m1], m1)
            rates[a, b] += (rate * np.cos(theta)).sum()
            rates[a, a] -= rate.sum()
    amp = np.linalg.solve(rates, [-speed(model, mom[1], 1), -speed(model, mom[-1], -1)])
    xs, ws = np.polynomial.legendre.leggauss(40)
    p = 0.5 * (p_minus - p_plus) * (xs + 1) + p_plus
    clean = -0.25 * (p_minus - p_plus) * winding * (ws * p / model.split(p)).sum()
    scattered, phi = 0.0, PROBE_ANGLE
    e_here = sigma_e(np.array(phi), winding)
    for nu in (1, -1):
        for b, m in enumerate((1, -1)):
            term = projector(m, phi + theta, winding) @ projector(nu, np.array(phi), winding)
            e_part = (
                np.real(np.einsum("ij,tji->t", e_here, term)) * np.cos(phi + theta) / np.sin(phi)
            )
            rate = w(momentum_transfer(mom[nu], mom[m], theta)) * weight
            link = (rate * e_part).sum() * mom[m] / (2 * speed(model, mom[m], m)) * amp[b]
            scattered -= mom[nu] ** 2 / speed(model, mom[nu], nu) / model.split(mom[nu]) * link
    return float((clean + scattered) / clean)
