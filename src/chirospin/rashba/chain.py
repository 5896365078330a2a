r"""The kinetic equation on chains of momenta that energy shells join.

A momentum p has two energies and each energy two momenta, so that collisions join every p to one
chain. On it the four amplitudes (n, s_O, s_e, s_z) of

.. math:: f = \cos\varphi\,(n + s_O\,\boldsymbol\sigma\cdot\boldsymbol\Omega)
          + \sin\varphi\,(s_e\,\boldsymbol\sigma\cdot\hat{\mathbf e} + s_z \sigma_z)

obey a block-tridiagonal system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.rashba.bands import NUDGE, Bands
from chirospin.rashba.block_tridiagonal import BlockTridiagonal
from chirospin.rashba.disorder import Correlator

Array = NDArray[np.float64]
Blocks = NDArray[Any]
CHARGE, ALONG, ACROSS, OUT = range(4)  # n, s_O, s_e, s_z


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Momenta of many chains.

    Parameters
    ----------
    p : momenta, shape (chains, K)
    side : +1 where p rises along the chain, -1 on the part mirrored below the band crossing
    jacobian : dp_k/dp_start along the chains
    linked : whether neighbours share a shell, shape (chains, K - 1)
    present : whether the momentum exists, or the chain has ended before it
    speeds : ``|V|`` of the left and of the right member of each bond, eV nm
    start : column of the momenta from which the chains were built
    """

    p: Array
    side: Array
    jacobian: Array
    linked: NDArray[np.bool_]
    present: NDArray[np.bool_]
    speeds: tuple[Array, Array]
    start: int

    @property
    def bands_of_bonds(self) -> tuple[Array, Array]:
        """Band of the left and of the right member of each bond."""
        return self.side[:, :-1], -self.side[:, 1:]


def build_chain(bands: Bands, start: Array, down: int, up: int) -> Chain:
    """Chains through the given momenta, with so many further ones on both sides."""
    if bands.step is not None:
        signed = start[:, None] + bands.step * np.arange(-down, up + 1)
        near = NUDGE * bands.step
        signed = np.where(np.abs(signed) < near, near, signed)
        linked = np.ones((start.size, down + up), bool)
        speed = np.abs(signed[:, :-1] + signed[:, 1:]) / (2 * bands.m)
        return Chain(
            p=np.abs(signed),
            side=np.sign(signed),
            jacobian=np.ones_like(signed),
            linked=linked,
            present=np.ones(signed.shape, bool),
            speeds=(speed, speed),
            start=down,
        )
    p, side = [start], [np.ones_like(start)]
    right: list[Any] = []
    for _ in range(up):
        new, exists = bands.above(p[-1])
        p.append(new)
        side.append(side[-1])
        right.append(exists & (right[-1] if right else True))
    left: list[Any] = []
    for n in range(down):
        here, rising = p[0], side[0] > 0
        new, exists = np.empty_like(here), np.ones(here.shape, bool)
        turned = np.array(side[0])
        if rising.any():
            new[rising], turned[rising] = bands.below(here[rising])
        if not rising.all():
            new[~rising], exists[~rising] = bands.above(here[~rising])
        p.insert(0, new)
        side.insert(0, turned)
        left.insert(0, exists & (left[0] if n else True))
    momenta, sides = np.stack(p, axis=1), np.stack(side, axis=1)
    bonds = np.stack([*left, *right], axis=1) if down + up else np.ones((start.size, 0), bool)
    speeds = (
        np.abs(bands.velocity(momenta[:, :-1], sides[:, :-1])),
        np.abs(bands.velocity(momenta[:, 1:], -sides[:, 1:])),
    )
    return Chain(
        p=momenta,
        side=sides,
        jacobian=_jacobian(np.where(bonds, speeds[0] / speeds[1], 1.0), down),
        linked=bonds,
        present=np.concatenate(
            [bonds[:, :down], np.ones((start.size, 1), bool), bonds[:, down:]], axis=1
        ),
        speeds=speeds,
        start=down,
    )


def _jacobian(ratio: Array, start: int) -> Array:
    up = np.cumprod(ratio[:, start:], axis=1)
    down = np.cumprod(1 / ratio[:, :start][:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([down, np.ones((len(ratio), 1)), up], axis=1)


def moment_orders(N: int) -> tuple[int, ...]:
    """Angular moments that a winding N needs."""
    return tuple(sorted({0, 1, abs(N - 1), abs(N), abs(N + 1)}))


def gain_and_loss(
    c: dict[int, Array], N: int, nu: Array, M: Array, prescription: str
) -> tuple[Blocks, Blocks]:
    r"""Angular averages of both halves of the collision term between (p1, M) and (p, nu).

    .. math:: G = \tfrac12\begin{pmatrix} 1+xC & M+\nu C & -\nu S & 0\\ \nu+MC & x+C & -S & 0\\
              MS & S & x+C & 0\\ 0&0&0&1+xC\end{pmatrix}, \qquad
              \Lambda = \tfrac12(1+xC)\begin{pmatrix}1&\nu&0&0\\ \nu&1&0&0\\0&0&1&0\\0&0&0&1
              \end{pmatrix}

    with x = nu M; the harmonics of the ansatz average 1, C, S to c_1 and half-sums of c_{N-1}, c_{N+1}.
    ``steady`` has C - x in G_ee, 1 - xC in G_zz and in the loss of both coherences.

    References
    ----------
    khaetskii_2006, Eqs. (5)-(6)
    """
    x = nu * M
    one, cosine = c[1], 0.5 * (c[abs(N - 1)] + c[abs(N + 1)])
    sine = 0.5 * (c[abs(N - 1)] - c[abs(N + 1)])
    turn = -1.0 if prescription == "steady" else 1.0
    G = np.zeros((*x.shape, 4, 4))
    G[..., CHARGE, CHARGE] = one + x * cosine
    G[..., CHARGE, ALONG] = M * one + nu * cosine
    G[..., CHARGE, ACROSS] = nu * sine
    G[..., ALONG, CHARGE] = nu * one + M * cosine
    G[..., ALONG, ALONG] = x * one + cosine
    G[..., ALONG, ACROSS] = sine
    G[..., ACROSS, CHARGE] = M * sine
    G[..., ACROSS, ALONG] = sine
    G[..., ACROSS, ACROSS] = turn * x * one + cosine
    G[..., OUT, OUT] = one + turn * x * cosine
    loss = c[0] + x * c[abs(N)]
    A = np.zeros_like(G)
    A[..., CHARGE, CHARGE] = A[..., ALONG, ALONG] = loss
    A[..., CHARGE, ALONG] = A[..., ALONG, CHARGE] = nu * loss
    A[..., ACROSS, ACROSS] = A[..., OUT, OUT] = c[0] + turn * x * c[abs(N)]
    return 0.5 * G, 0.5 * A


def collision_blocks(
    bands: Bands, disorder: Correlator, chain: Chain, prescription: str
) -> BlockTridiagonal:
    """The collision term St along the chains.

    A bond enters with gain and loss at both ends or not at all, so that the total spin of a chain is
    conserved however long it is.
    """
    orders, N, p = moment_orders(bands.N), bands.N, chain.p
    within = dict(zip(orders, (-d for d in disorder.transport(p, orders)), strict=True))
    diagonal = np.zeros((*p.shape, 4, 4))
    for band in (1.0, -1.0):
        own = np.full_like(p, band)
        G, A = gain_and_loss(within, N, own, own, prescription)
        rate = p / (2 * bands.m * np.abs(bands.velocity(p, band)))
        diagonal += rate[..., None, None] * (G - A)
    left, right = chain.bands_of_bonds
    pl, pr = p[:, :-1], p[:, 1:]
    between = dict(zip(orders, disorder.moments(pl, pr, orders), strict=True))
    to_left, to_right = (
        np.where(chain.linked, q / (2 * bands.m * speed), 0.0)
        for q, speed in ((pr, chain.speeds[1]), (pl, chain.speeds[0]))
    )
    G, A = gain_and_loss(between, N, left, right, prescription)
    upper = to_left[..., None, None] * G
    diagonal[:, :-1] -= to_left[..., None, None] * A
    G, A = gain_and_loss(between, N, right, left, prescription)
    lower = to_right[..., None, None] * G
    diagonal[:, 1:] -= to_right[..., None, None] * A
    return BlockTridiagonal(diagonal=diagonal, upper=upper, lower=lower)


def kinetic_blocks(
    bands: Bands, disorder: Correlator, chain: Chain, z: complex, prescription: str
) -> BlockTridiagonal:
    r"""The operator L = St - precession + i z of the linear response L f = eE D."""
    collisions = collision_blocks(bands, disorder, chain, prescription)
    diagonal = collisions.diagonal
    _, _, splitting, _ = bands.curves(chain.p)
    if z:
        shift = 1j * z if z.real else complex(1j * z).real
        diagonal = diagonal + shift * np.eye(4)
    diagonal[..., ACROSS, OUT] += splitting
    diagonal[..., OUT, ACROSS] -= splitting
    return BlockTridiagonal(diagonal=diagonal, upper=collisions.upper, lower=collisions.lower)
