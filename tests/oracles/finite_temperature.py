"""Plain reference solution of a helicity kinetic equation at small finite temperature.

Two helicities h = +-1, eps_h(k) = k^2/2m + h alpha k, one dimension z, c = k_z/k.  Stationary equation

    v c d_z f + q E d_kz f = [in-scattering] - (f - f0)/tau0 + J_h [delta(z) - delta(z - L)],
    d_kz g(eps, c) = v c d_eps g + ((1 - c^2)/k_h) d_c g,     J_h = (3 j0/2 q N_h) c^2 (-f0'),
    E(z) = (1/2 eps0) (int_{-inf}^z rho - int_z^inf rho),     eps0 = q^2 N0 lambda^2,  N0 = N(mu),

is solved to second order in j0 (hbar = 1; in here q = tau0 = vF = E0 = 1, hence ell = 1 and j0 = N0/3).
With the propagator R(eps) = (v c d_z + 1)^(-1) and f1_h = phi_h (-f0'):

    order 1:  phi_h = R [ n1/N + E1 v c + (3 j0/2 N_h) c^2 (delta(z) - delta(z - L)) ]  at each energy,
    order 2:  f2_h  = R [ (-f0') (n2tot/N0T + E2 v c - E1 ((1 - c^2)/k_h) d_c phi_h)
                          - E1 v c d_eps(phi_h (-f0')) ].

Only energy moments of f2 are formed.  For a weight W(eps), integrating by parts in energy,

    - int W R[v c E1 d_eps(phi (-f0'))] = int (-f0') { d(W v R)/d eps } [c E1 phi],
    d(W v R)/d eps = W' v R + W v' R^2     because dR/d eps = -R (v' c d_z) R = -(v'/v) (R - R^2),

so (-f0') is never differentiated, nor is phi differentiated in energy.

Ends.  Elastic scattering at order 1 conserves the particle number at every energy separately.  On the
infinite line n1(eps) therefore tends, outside, to a constant which screening removes only from the
energy-integrated charge.  The padding ends in mirrors (ends="mirror", no current leaves at any energy),
which represents this exactly up to exp(-padding); the total number is zero at each energy (symmetry).
ends="open" lets nothing return: then each energy leaks slowly and results depend on the padding at O(T^2).
Between the planes n1(eps) grows linearly for the same reason, so the T^2 part of S2 grows with the length.
"""

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq


def thermal_nodes(number):
    """Gauss nodes x and weights for -f0'(x) = 1/(4 cosh^2(x/2)), by the discretised Stieltjes procedure."""
    t, g = np.polynomial.legendre.leggauss(2000)
    x, g = 80.0 * t, 80.0 * g / (4.0 * np.cosh(40.0 * t) ** 2)
    g /= g.sum()
    old, new, norm_old, squares = np.zeros_like(x), np.ones_like(x), 1.0, []
    for _ in range(number - 1):  # p_{n+1} = x p_n - b_n^2 p_{n-1}  (even weight)
        old, new = new, x * new - (squares[-1] if squares else 0.0) * old
        norm = np.sum(g * new**2)
        squares.append(norm / norm_old)
        norm_old = norm
    nodes, vectors = eigh_tridiagonal(np.zeros(number), np.sqrt(squares))
    return nodes, vectors[0] ** 2


def graded(total, number, first):
    """Widths of `number` cells in geometric progression, the first `first`, adding up to `total`."""
    powers = np.arange(number)
    ratio = (
        brentq(lambda r: first * (r**powers).sum() - total, 1.0, 10.0)
        if number * first < total
        else 1.0
    )
    return ratio**powers * total / (ratio**powers).sum()


def differentiation(x):
    """Matrix of the derivative of the polynomial through the nodes x (barycentric form)."""
    difference = x[:, None] - x[None, :] + np.eye(x.size)
    bary = 1.0 / difference.prod(axis=1)
    matrix = bary[None, :] / bary[:, None] / difference
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def lagrange(x, point):
    """Values at `point` of the Lagrange polynomials of the nodes x."""
    return np.array([np.prod([(point - b) / (a - b) for b in x if b != a]) for a in x])


class Grid:
    """Mesh in z (Gauss nodes in cells graded towards both planes) and in c (Gauss in s, |c| = s^2)."""

    def __init__(self, length, cells, nodes, ordinates, padding, first):
        outer, inner = graded(padding, cells, first), graded(length / 2, cells, first)
        self.h = np.concatenate([outer[::-1], inner, inner[::-1], outer])
        self.faces = np.concatenate([[0.0], np.cumsum(self.h)]) - padding
        self.planes = {cells: 1.0, 3 * cells: -1.0}  # face index -> sign of the source
        self.p, self.x, self.w = nodes, *np.polynomial.legendre.leggauss(nodes)
        self.left, self.right = lagrange(self.x, -1.0), lagrange(self.x, 1.0)
        self.D = differentiation(self.x)
        self.xi = (self.faces[:-1, None] + self.h[:, None] * (1 + self.x) / 2).ravel()
        self.weights = (self.h[:, None] * self.w / 2).ravel()
        s, ws = np.polynomial.legendre.leggauss(ordinates)
        s, ws = (1 + s) / 2, ws / 2
        self.c = np.array([s**2, -(s**2)])  # [direction, ordinate]
        self.wc = np.array([s * ws, s * ws])  # <g> = sum wc g
        self.Dc = np.array(
            [differentiation(s) / (2 * s[:, None]), -differentiation(s) / (2 * s[:, None])]
        )
        # (1/2) (integral from the left - integral from the right), for polynomials in each cell
        inside = np.linalg.inv(np.vander(self.x, nodes, increasing=True))
        powers = np.arange(nodes) + 1
        inside = ((self.x[:, None] ** powers - (-1.0) ** powers) / powers) @ inside
        _size, order = self.xi.size, np.repeat(np.arange(self.h.size), nodes)
        self.G = np.where(order[:, None] > order[None, :], 1.0, 0.0) * self.weights
        for k, h in enumerate(self.h):
            block = slice(k * nodes, (k + 1) * nodes)
            self.G[block, block] = inside * h / 2
        self.G -= self.weights / 2

    def average(self, g):  # <g> = (1/2) int g dc
        return np.tensordot(self.wc, g, axes=([0, 1], [0, 1]))


class Propagator:
    """R = (v c d_z + 1)^(-1) by upwind discontinuous Galerkin, at one speed v.

    In a cell of width h, on its Gauss nodes, for c > 0 (c < 0 is the mirror image):
        (2 v c/h) (D + W^(-1) l l^T) f + f = source + (2 v c/h) W^(-1) l f_upwind,
    l the values of the Lagrange polynomials at the upwind face; a source J delta(z - z0) on a face adds
    J/(v |c|) to f_upwind there.
    """

    def __init__(self, grid, v, mirror):
        self.grid, self.v, self.mirror = grid, v, mirror
        lift = grid.left / grid.w
        rate = 2 * v * grid.c[0][:, None] / grid.h  # [ordinate, cell]
        stream = grid.D + np.outer(lift, grid.left)
        self.inverse = [
            np.linalg.inv(np.eye(grid.p) + r[..., None, None] * stream)
            for r in (rate, rate[:, ::-1])
        ]
        self.entry = [r[..., None] * lift for r in (rate, rate[:, ::-1])]  # [ordinate, cell, node]

    def _sweep(self, direction, source, inflow, plane):
        """One direction, in its own order of cells; source [ordinate, z, rhs]; returns f and the outflow."""
        grid, p = self.grid, self.grid.p
        f, upwind = np.empty_like(source), inflow
        for k in range(grid.h.size):
            block = slice(k * p, (k + 1) * p)
            face = k if direction == 0 else grid.h.size - k
            if plane is not None and face in grid.planes:
                upwind = upwind + (grid.planes[face] * plane / (self.v * grid.c[0]))[:, None]
            f[:, block] = self.inverse[direction][:, k] @ (
                source[:, block] + self.entry[direction][:, k, :, None] * upwind[:, None, :]
            )
            upwind = np.einsum("i,air->ar", grid.right, f[:, block])
        return f, upwind

    def __call__(self, source, plane=None):
        """R applied to source [direction, ordinate, z(, rhs)] plus plane(|c|) [delta(z) - delta(z - L)]."""
        flat = source.ndim == 3
        ahead, back = source[..., None] if flat else source
        back = back[:, ::-1]
        nothing = np.zeros((ahead.shape[0], ahead.shape[2]))
        g, out = self._sweep(1, back, nothing, plane)
        f, out = self._sweep(0, ahead, out if self.mirror else nothing, plane)
        if self.mirror:  # the return trip across everything is exp(-50)
            g, _ = self._sweep(1, back, out, plane)
        result = np.array([f, g[:, ::-1]])
        return result[..., 0] if flat else result


def density(m, alpha, v, h):
    """k_h, N_h = k_h^2/(2 pi^2 v) and its energy derivative (v' = 1/(m v), k_h' = 1/v) at speed v."""
    k = m * (v - h * alpha)
    return k, k**2 / (2 * np.pi**2 * v), (2 * k / v / v - k**2 / (m * v**3)) / (2 * np.pi**2)


def solve(
    a=0.2,
    m=1.0,
    screening=0.2,
    length=12.0,
    temperature=0.02,
    cells=24,
    ordinates=16,
    order=2,
    nodes=5,
    energies=7,
    padding=20.0,
    first=2e-3,
    ends="mirror",
):
    """Orders 1 and 2 in the injected current, as a dictionary of arrays on the points xi = z/ell.

    a = alpha/vF; screening and length in units of ell; temperature in units of mu = m (1 - a^2)/2 (vF = 1);
    temperature=0 is the limit T -> 0 (one energy).  `cells` cells of `nodes` Gauss points in each of the four
    graded stretches (padding, half gap, half gap, padding); `ordinates` per half range of c.
    Keys: S1, js1 (units -(q E0 tau0/2 pi^2) m^2 alpha vF, and vF times it), E1 (E0), je1 (j0), Pi1 (m vF j0),
    rho1 (q^2 N0 E0 ell); S2, js2 (units (q E0 tau0)^2 m alpha/4 pi^2, and vF times it),
    E2 ((q E0 tau0)^2/(q m ell)), je2 (j0 q E0 tau0/(m vF)), Pi2 (tau0 E0 j0), rho2 (q N0 (q E0 tau0)^2/m);
    weights (quadrature in xi), grid, and error1, error2 = largest errors of je1, je2.  S1, js1, ... have no
    meaning at a = 0 exactly (the units vanish): use a small a.
    """
    mu, alpha = m * (1 - a**2) / 2, a
    x, wt = thermal_nodes(energies) if temperature > 0 else (np.zeros(1), np.ones(1))
    eps = mu * (1 + temperature * x)
    if eps.min() <= 0:
        raise ValueError(
            "an energy node lies below the bottom of the band: lower temperature or energies"
        )
    speed = np.sqrt(alpha**2 + 2 * eps / m)
    N0 = sum(density(m, alpha, 1.0, h)[1] for h in (1, -1))
    N = [sum(density(m, alpha, v, h)[1] for h in (1, -1)) for v in speed]
    N0T, j0 = np.dot(wt, N), N0 / 3
    grid = Grid(length, cells, nodes, ordinates, padding, first)
    size, c, c2 = grid.xi.size, grid.c[..., None], grid.c[..., None] ** 2
    zeros, eye = (
        np.zeros((*grid.c.shape, size)),
        np.broadcast_to(np.eye(size), (*grid.c.shape, size, size)),
    )
    field = grid.G / (screening**2 * N0)  # E = field @ rho
    # Mirrors conserve the number: weights @ (I - T0) = 0, T0 @ 1 = 1.  Adding this selects zero total number.
    fix = np.outer(np.ones(size), grid.weights) / grid.weights.sum() if ends == "mirror" else 0.0

    # ---- order 1: eta = n1/N = T0 eta + T1 E1 + (3 j0/N) <P>, at each energy; rho = sum wt N eta
    R, T0, T1, P, X = [], [], [], [], []
    for v in speed:
        R.append(Propagator(grid, v, ends == "mirror"))
        T0.append(grid.average(R[-1](eye)))  # <R 1>
        T1.append(grid.average(R[-1](eye * (v * grid.c)[..., None, None])))  # <R v c>
        P.append(R[-1](zeros, plane=grid.c[0] ** 2))
        X.append(np.linalg.inv(np.eye(size) - T0[-1] + fix))
    source = [X[i] @ (3 * j0 / N[i] * grid.average(P[i])) for i in range(len(x))]
    response = [X[i] @ T1[i] for i in range(len(x))]
    matrix = sum(wt[i] * N[i] * response[i] for i in range(len(x)))
    rho1 = np.linalg.solve(
        np.eye(size) - matrix @ field, sum(wt[i] * N[i] * source[i] for i in range(len(x)))
    )
    E1 = field @ rho1
    phi = []  # phi[i][h] [direction, ordinate, z]
    for i, v in enumerate(speed):
        u = R[i]((source[i] + response[i] @ E1) + v * c * E1)
        phi.append({h: u + 3 * j0 / (2 * density(m, alpha, v, h)[1]) * P[i] for h in (1, -1)})

    def weight(i, h, power):  # W = N_h v^power and dW/d eps at energy i
        v, (_, n, dn) = speed[i], density(m, alpha, speed[i], h)
        return n * v**power, dn * v**power + n * power * v ** (power - 1) / (m * v)

    names = {
        "s": (0, 1, True),
        "js": (1, 2, True),
        "je": (1, 1, False),
        "Pi": (2, 2, False),
    }  # v power, c power, h/2?
    unit1 = {
        "s": -(m**2) * alpha / (2 * np.pi**2),
        "js": -(m**2) * alpha / (2 * np.pi**2),
        "je": j0,
        "Pi": j0,
    }
    out = {"xi": grid.xi, "weights": grid.weights, "grid": grid, "E1": E1, "rho1": rho1 / N0}
    for name, (vp, cp, spin) in names.items():
        total = sum(
            wt[i] * (h / 2 if spin else 1) * weight(i, h, vp)[0] * grid.average(c**cp * phi[i][h])
            for i in range(len(x))
            for h in (1, -1)
        )
        out["S1" if name == "s" else name + "1"] = total / unit1[name]
    out["error1"] = np.abs(out["je1"] - ((grid.xi > 0) & (grid.xi < length))).max()
    if order < 2:
        return out

    # ---- order 2: moments of the part of f2 that E1 f1 drives
    once, drift, twice = {}, {}, {}  # R[c E1 phi], R[E1 (1-c^2)/k d_c phi], R^2[c E1 phi]
    for i, v in enumerate(speed):
        for h in (1, -1):
            slope = (
                np.einsum("dab,dbz->daz", grid.Dc, phi[i][h])
                * (1 - c2)
                / density(m, alpha, v, h)[0]
            )
            once[i, h], drift[i, h] = R[i](c * E1 * phi[i][h]), R[i](E1 * slope)
            twice[i, h] = R[i](once[i, h])

    def driven(vp, cp, spin):
        """sum_h int deps W <c^cp f2> of the driven part, with W = N_h v^vp (times h/2)."""
        total = 0.0
        for (i, h), g in once.items():
            W, dW = weight(i, h, vp)
            g = dW * speed[i] * g + W / (m * speed[i]) * twice[i, h] - W * drift[i, h]
            total = total + wt[i] * (h / 2 if spin else 1) * grid.average(c**cp * g)
        return total

    # n2 = T0 n2 + T1 E2 + driven, energy-averaged (inelastic in-scattering), E2 = field @ n2
    T0sum = sum(wt[i] * N[i] * T0[i] for i in range(len(x))) / N0T
    T1sum = sum(wt[i] * N[i] * T1[i] for i in range(len(x)))
    rho2 = np.linalg.solve(np.eye(size) - T0sum - T1sum @ field + fix, driven(0, 0, False))
    E2 = field @ rho2
    self_part = [R[i](rho2 / N0T + v * c * E2) for i, v in enumerate(speed)]
    unit2 = {
        "s": m * alpha / (4 * np.pi**2),
        "js": m * alpha / (4 * np.pi**2),
        "je": j0 / m,
        "Pi": j0 / m,
    }
    out.update(E2=E2 * m, rho2=rho2 * m / N0)
    for name, (vp, cp, spin) in names.items():
        total = driven(vp, cp, spin) + sum(
            wt[i]
            * (h / 2 if spin else 1)
            * weight(i, h, vp)[0]
            * grid.average(c**cp * self_part[i])
            for i in range(len(x))
            for h in (1, -1)
        )
        out["S2" if name == "s" else name + "2"] = total / unit2[name]
    out["error2"] = np.abs(out["je2"]).max()
    return out


def value(result, name, xi):
    """The quantity `name` at one point xi, from the polynomial of its cell (mean of both sides on a face)."""
    grid, found = result["grid"], []
    for k in range(grid.h.size):
        y = 2 * (xi - grid.faces[k]) / grid.h[k] - 1
        if abs(y) <= 1 + 1e-9:
            found.append(lagrange(grid.x, y) @ result[name][k * grid.p : (k + 1) * grid.p])
    return np.mean(found)
