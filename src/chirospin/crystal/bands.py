r"""What bands carry at a point: products of velocity, spin and orbital moment, and slopes of spin currents.

.. math:: v_i = \langle\partial_iH\rangle, \quad
          \partial_k\langle X\rangle = \langle\partial_kX\rangle
          + 2\,\mathrm{Re}\sum_{m\ne n} \frac{X_{nm}(\partial_kH)_{mn}}{\epsilon_n-\epsilon_m}

The operator {s_i, v_j}/2 takes all elements of the velocity: :math:`v = \partial H + i[H, A]` with the position A of the
functions.

Bands that touch share Tr(P X P Y) of their group P equally: what a single one of them carries depends on the
basis that the diagonalisation happens to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chirospin.crystal.bloch import Array, Bloch, Complex, Pieces

GROUP = 1e-6  # eV between neighbours that count as touching: the rounding of a file's hoppings
PARTS = ("slope", "operator", "orbital")
LEVI_CIVITA = np.zeros((3, 3, 3))
for _a, _b, _c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    LEVI_CIVITA[_a, _b, _c], LEVI_CIVITA[_b, _a, _c] = 1.0, -1.0


@dataclass(frozen=True, kw_only=True)
class BandFlow:
    """What bands carry at points; w bands of each.

    Parameters
    ----------
    energy : (points, w), eV
    velocity, spin : expectation values, (points, w, 3), eV nm and hbar
    products : by name, (points, w, components): charge v_i v_j, edelstein s_i v_j, slope
        d_k(s_i v_j) v_l, operator d_k<{s_i, v_j}/2> v_l, orbital v_a L_c
    grouped : bands that touch another, (points, w): they have no slope
    sizes : by name, (points, w): the products without cancellation, also inside a group
    """

    energy: Array
    velocity: Array
    spin: Array
    grouped: NDArray[np.bool_]
    products: dict[str, Array] = field(default_factory=dict)
    sizes: dict[str, Array] = field(default_factory=dict)


def groups(energy: Array) -> Array:
    """A number for each group of touching bands; energies ascend along the last axis."""
    return np.concatenate(
        [np.zeros_like(energy[..., :1]), np.cumsum(np.diff(energy, axis=-1) > GROUP, axis=-1)],
        axis=-1,
    )


def band_flow(
    bloch: Bloch,
    k: Array,
    parts: frozenset[str] = frozenset(),
    bands: slice = slice(None),
    solved: tuple[Array, Complex] | None = None,
) -> BandFlow:
    """What the chosen bands carry at k.

    Parameters
    ----------
    k : 1/nm, (points, 3)
    parts : of slope, operator, orbital: those that are wanted beside charge and edelstein
    bands : a range of bands that no group crosses
    solved : energies and states at k, where they are known
    """
    E, U = np.linalg.eigh(bloch.hamiltonian(k)) if solved is None else solved
    pieces = bloch.pieces(
        k, slopes=bool(parts & {"slope", "operator"}), position="operator" in parts
    )
    ket = U[:, :, bands]
    bra = np.swapaxes(U if parts else ket, -1, -2).conj()[:, None]
    V = bra @ (pieces.first @ ket[:, None])
    S = bra @ (pieces.spin @ ket[:, None])
    label = groups(E)
    own = label[:, bands]
    same = own[:, :, None] == own[:, None, :]
    inside = (V[:, :, bands], S[:, :, bands]) if parts else (V, S)
    v, s = (np.einsum("pinn->pni", X).real for X in inside)
    products = {
        "charge": _shared(inside[0], inside[0], same),
        "edelstein": _shared(inside[1], inside[0], same),
    }
    speed, length = (_norm(X, same) for X in inside)
    flow = BandFlow(
        energy=E[:, bands],
        velocity=v,
        spin=s,
        grouped=same.sum(axis=2) > 1,
        products=products,
        sizes={"charge": speed**2, "edelstein": length * speed},
    )
    if parts:
        gap = E[:, None, bands] - E[:, :, None]  # e_n - e_m at [m, n]
        apart = label[:, :, None] != own[:, None, :]
        inverse = np.where(apart, 1 / np.where(apart, gap, 1.0), 0.0)
        _add_parts(bloch, parts, pieces, (E, U, ket), (V, S, inverse, same), bands, flow)
        for name in parts & products.keys():
            flow.sizes[name] = np.linalg.norm(products[name], axis=-1)
        if "orbital" in products:
            flow.sizes["orbital"] = speed * (np.abs(V) ** 2 * np.abs(inverse)[:, None]).sum(
                axis=(1, 2)
            )
    return flow


def _norm(X: Complex, same: Array) -> Array:
    """Length of a vector operator inside every band's group, (points, w)."""
    square = np.einsum("pinm,pnm->pn", np.abs(X) ** 2, same)
    share = same / same.sum(axis=2, keepdims=True)
    return np.asarray(np.sqrt((share @ square[..., None])[..., 0]))


def _shared(X: Complex, Y: Complex, same: Array) -> Array:
    """Re Tr(P X_i P Y_j) of every band's group over its size, (points, w, 9)."""
    if not (same.sum(axis=2) > 1).any():
        x, y = (np.einsum("pinn->pni", Z).real for Z in (X, Y))
        return np.asarray((x[..., :, None] * y[..., None, :]).reshape(*x.shape[:2], 9))
    mask = same[:, None]
    Q = np.einsum("pinm,pjmn->pnij", X * mask, Y, optimize=True).real
    share = same / same.sum(axis=2, keepdims=True)
    return np.asarray(share @ Q.reshape(*Q.shape[:2], 9))


def _add_parts(
    bloch: Bloch,
    parts: frozenset[str],
    pieces: Pieces,
    states: tuple[Array, Complex, Complex],
    elements: tuple[Complex, Complex, Array, Array],
    bands: slice,
    flow: BandFlow,
) -> None:
    """The products that need elements with all other bands."""
    E, U, ket = states
    V, S, inverse, same = elements
    v, s = flow.velocity, flow.spin
    mixed = V * inverse[:, None]  # (d_k H)_mn / (e_n - e_m), (points, k, m, n)
    alone = ~flow.grouped[..., None]
    if "slope" in parts:
        assert pieces.second is not None
        bend = _slope(V, mixed) + _diagonal(pieces.second, ket)
        turn = _slope(S, mixed)
        if pieces.spin_slope is not None:
            turn = turn + _diagonal(pieces.spin_slope, ket)
        J = np.einsum("pnki,pnj->pnijk", turn, v) + np.einsum("pni,pnkj->pnijk", s, bend)
        flow.products["slope"] = _with_flow(J, v) * alone
    if "operator" in parts:
        flow.products["operator"] = _operator(pieces, E, U, ket, mixed, v) * alone
    if "orbital" in parts and bloch.centres is not None:
        L = _orbital_moment(E, U, ket, V, inverse, bloch.centres, bands)
        flow.products["orbital"] = _shared(V[:, :, bands], L, same)


def _slope(X: Complex, mixed: Complex) -> Array:
    """2 Re sum over m of X_nm (d_k H)_mn/(e_n - e_m), (points, n, k, i)."""
    return np.asarray(2 * np.einsum("pimn,pkmn->pnki", X.conj(), mixed, optimize=True).real)


def _diagonal(X: Complex, ket: Complex) -> Array:
    """<n|X_ki|n>, (points, n, k, i)."""
    return np.asarray(np.einsum("pan,pkian->pnki", ket.conj(), X @ ket[:, None, None]).real)


def _with_flow(J: Array, v: Array) -> Array:
    """J_ijk v_l, (points, n, 81)."""
    return np.asarray((J[..., None] * v[:, :, None, None, None, :]).reshape(*v.shape[:2], 81))


def _operator(
    pieces: Pieces, E: Array, U: Complex, ket: Complex, mixed: Complex, v: Array
) -> Array:
    """Slopes of <{s_i, v_j}/2> v_l with all elements of the velocity, (points, n, 81)."""
    assert pieces.second is not None
    S, W, bend = pieces.spin, pieces.first, pieces.second
    if pieces.position is not None:
        assert pieces.position_slope is not None
        H = ((U * E[:, None]) @ np.swapaxes(U, -1, -2).conj())[:, None]
        W = W + _turned(H, pieces.position)
        bend = (
            bend
            + _turned(pieces.first[:, :, None], pieces.position[:, None])
            + _turned(H[:, None], pieces.position_slope)
        )
    S_ket, W_ket = S @ ket[:, None], W @ ket[:, None]
    J_ket = (S[:, :, None] @ W_ket[:, None] + W[:, None] @ S_ket[:, :, None]) / 2
    elements = np.swapaxes(U, -1, -2).conj()[:, None, None] @ J_ket
    slope = 2 * np.einsum("pijmn,pkmn->pnijk", elements.conj(), mixed, optimize=True).real
    bent = np.einsum("pian,pkjan->pnijk", S_ket.conj(), bend @ ket[:, None, None]).real
    if pieces.spin_slope is not None:
        turned = pieces.spin_slope @ ket[:, None, None]
        bent = bent + np.einsum("pkian,pjan->pnijk", turned.conj(), W_ket).real
    return _with_flow(slope + bent, v)


def _turned(X: Complex, A: Complex) -> Complex:
    """i [X, A]."""
    return np.asarray(1j * (X @ A - A @ X))


def _orbital_moment(
    E: Array, U: Complex, ket: Complex, V: Complex, inverse: Array, centres: Array, bands: slice
) -> Complex:
    r""":math:`L_c = \epsilon_{abc}\,\mathrm{Im}\sum_l V^a_{nl}V^b_{ln}/(E_l-E_n)` between bands of a group."""
    r = np.swapaxes(U, -1, -2).conj()[:, None] @ (centres.T[None, :, :, None] * ket[:, None])
    with_centres = V + 1j * (E[:, None, :, None] * r - r * E[:, None, None, bands])
    M = np.einsum(
        "pamn,pbmq->pabnq", with_centres.conj(), -with_centres * inverse[:, None], optimize=True
    )
    M = (M - np.swapaxes(M, -1, -2).conj()) / 2j
    return np.asarray(np.einsum("abc,pabnq->pcnq", LEVI_CIVITA, M))
