r"""What products that are left out would change, one by one.

With the exact adjoint, :math:`L^+ Z = O - I`, the current differs from that of the kept products by

.. math:: I - I_{kept} = \sum_x o f_x - \mathrm{Tr}[Z\, L \rho_{kept}]

exactly, where f_x are the arrivals of jumps in a product x that is left out. L rho_kept has three parts: what
the kept products lose to x, coherences between x and them,
:math:`R_{xP} = -i (H_{eff})_{xP} \rho + \sum l_x \rho l_P^+`, and the arrivals. Z of a product left out comes
from its own row of the adjoint equation, in the eigenvectors of H_eff of its sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.packed import Halves
from chirospin.junction.selected.products import Matrix
from chirospin.junction.selected.restricted import RestrictedGenerator, leading

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Ints = NDArray[np.int64]

SOFTENED = 0.02  # of the largest one-electron energy: a resonance that further products detune
PIECE = 4_000_000  # elements of a rectangular matrix handled at a time


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Products that are left out.

    Parameters
    ----------
    digits : (products, block)
    change : c_x, what each would add to the current, eV/hbar
    bound : of it, if no phases were known
    population : estimated
    """

    digits: Ints
    change: Real
    bound: Real
    population: Real


@dataclass(frozen=True, kw_only=True)
class Dual:
    """The adjoint state of the current, in the gauge of least variance.

    Parameters
    ----------
    matrices : Z of every sector
    weights : of the jumps in the current, (jump,)
    residual : of its equation, relative
    applications : that it took
    """

    matrices: list[Complex]
    weights: Real
    residual: float
    applications: int


def least_variance(
    generator: RestrictedGenerator, rho: list[Complex], Z: list[Complex]
) -> tuple[list[Complex], Real]:
    r"""Z + cN with the least variance in rho, and the weights of the jumps that go with it.

    .. math:: L^+ N = I_L + I_R
    """
    selection = generator.selection
    N = [selection.electron_numbers[mine].astype(float) for mine in selection.members]
    mean_N = sum(float(n @ X.diagonal().real) for n, X in zip(N, rho, strict=True))
    mean_Z = sum(float((z * X.T).sum().real) for z, X in zip(Z, rho, strict=True))
    spread = sum(float((n - mean_N) ** 2 @ X.diagonal().real) for n, X in zip(N, rho, strict=True))
    joint = sum(
        float((n - mean_N) @ (z @ X).diagonal().real) for n, z, X in zip(N, Z, rho, strict=True)
    )
    c = -joint / spread if spread > 1e-12 else 0.0
    moved = [z + (c * (n[0] - mean_N) - mean_Z) * np.eye(len(z)) for n, z in zip(N, Z, strict=True)]
    entering = [jump.entering for jump in selection.products.jumps]
    return moved, np.array([leading(e) + c * e.sum() for e in entering])


class Rows:
    """Rows of the equations of products that are left out, sector by sector.

    Parameters
    ----------
    generator : between the kept products
    halves : rho
    dual : Z
    current : eV/hbar
    """

    def __init__(
        self, generator: RestrictedGenerator, halves: Halves, dual: Dual, current: float
    ) -> None:
        self.generator, self.dual, self.current = generator, dual, current
        self.selection, self.space = generator.selection, generator.selection.products
        self.rho = self.selection.matrices(halves)
        self.weight = np.array([X.diagonal().real.sum() for X in self.rho])
        self.scale = float(np.abs(self.space.member.matrices.h).max())
        self.fastest = self.space.member.fastest
        self.mean = self._means()
        self.modes: dict[int, tuple[Complex, Complex, Complex]] = {}

    def _means(self) -> Real:
        """Mean of Z in every sector."""
        return np.array([z.diagonal().real.mean() for z in self.dual.matrices])

    def mean_of_charges(self, charge: Ints) -> Real:
        """Mean of Z of any charge, fitted as a line where no product is kept."""
        known = np.array([self.selection.charge[m[0]] for m in self.selection.members])
        line = np.concatenate([np.ones((len(known), 1)), known], axis=1)
        fit = np.linalg.lstsq(
            line * np.sqrt(self.weight.clip(1e-12))[:, None],
            self.mean * np.sqrt(self.weight.clip(1e-12)),
            rcond=1e-10,
        )[0]
        out = np.asarray(np.concatenate([np.ones((len(charge), 1)), charge], axis=1) @ fit)
        place = {tuple(row): n for n, row in enumerate(known.tolist())}
        for n, row in enumerate(charge.tolist()):
            if tuple(row) in place:
                out[n] = self.mean[place[tuple(row)]]
        return out

    def estimate(self, digits: Ints) -> LeftOut:
        """Of products, none of which is kept."""
        if not len(digits):
            none = np.zeros(0)
            return LeftOut(digits=digits, change=none, bound=none, population=none)
        order = np.lexsort(self.space.charge(digits).T)
        digits = digits[order]
        sector = self.selection.sectors_of(digits)
        change, bound, population = (np.zeros(len(digits)) for _ in range(3))
        ends = np.flatnonzero((np.diff(self.space.charge(digits), axis=0) != 0).any(axis=1)) + 1
        for mine in np.split(np.arange(len(digits)), ends):
            s = int(sector[mine[0]])
            width = self.selection.members[s].size if s >= 0 else 1
            step = max(1, PIECE // max(width, 200))
            for start in range(0, mine.size, step):
                piece = mine[start : start + step]
                change[piece], bound[piece], population[piece] = self._sector(digits[piece], s)
        return LeftOut(digits=digits, change=change, bound=bound, population=population)

    def _arrivals(self, x: Ints, s: int) -> dict[str, NDArray[Any]]:
        """What jumps contribute to products of one sector: arrivals, and Z where they jump to."""
        selection, d = self.selection, len(x)
        mine = selection.members[s] if s >= 0 else None
        width = 0 if mine is None else mine.size
        out: dict[str, NDArray[Any]] = {
            "f": np.zeros(d),
            "of": np.zeros(d),
            "lost": np.zeros(d),
            "back": np.zeros(d),
            "reached": np.zeros(d),
            "unreached": np.zeros(d),
            "R": np.zeros((d, width), dtype=complex),
            "lZl": np.zeros((d, width), dtype=complex),
        }
        charge = self.space.charge(x[:1])[0]
        labels = {
            tuple(selection.charge[m[0]].tolist()): n for n, m in enumerate(selection.members)
        }
        for j, (jump, kept) in enumerate(
            zip(self.space.jumps, self.generator.jump_matrices, strict=True)
        ):
            source = labels.get(tuple((charge - jump.change).tolist()))
            target = labels.get(tuple((charge + jump.change).tolist()))
            if source is not None:
                P = selection.members[source]
                into = self.space.jump(jump, x, selection.digits[P])
                lr = into @ self.rho[source]
                arriving = _rows(lr, into)
                out["f"] += arriving
                out["of"] += self.dual.weights[j] * arriving
                out["lost"] += _rows(lr @ self.dual.matrices[source], into)
                if mine is not None:
                    down = kept[mine[0] : mine[-1] + 1, P[0] : P[-1] + 1]
                    out["R"] += (down.conj() @ lr.T).T
            total = jump.loss.diagonal().real[x[:, jump.block]]
            if target is not None:
                P = selection.members[target]
                away = self.space.jump(jump, selection.digits[P], x)
                up = away.conj().T @ self.dual.matrices[target]
                out["back"] += _rows(up, away.conj().T.tocsr())
                out["reached"] += np.asarray((abs(away) ** 2).sum(axis=0)).reshape(-1)
                if mine is not None:
                    across = kept[P[0] : P[-1] + 1, mine[0] : mine[-1] + 1]
                    out["lZl"] += (across.T @ up.T).T
                missing = (total - np.asarray((abs(away) ** 2).sum(axis=0)).reshape(-1)).clip(min=0)
            else:
                missing = total
            out["unreached"] += missing * self.mean_of_charges((charge + jump.change)[None])[0]
        return out

    def _sector(self, x: Ints, s: int) -> tuple[Real, Real, Real]:
        space, weights = self.space, self.dual.weights
        G = self._diagonal(np.ones(len(weights)), x)
        own_current = self._diagonal(weights, x)
        got = self._arrivals(x, s)
        right = got["back"] + got["unreached"] - own_current + self.current
        f = got["f"].real
        if s < 0:
            z = (right.real + self.fastest * self.mean_of_charges(space.charge(x[:1]))[0]) / (
                G + self.fastest
            )
            change = got["of"].real + got["lost"].real - z * f
            return change, np.abs(got["of"]) + np.abs(z) * f, f / np.maximum(G, self.fastest)
        P = self.selection.members[s]
        kept = self.selection.digits[P]
        H = np.asarray(space.hamiltonian(x, kept).toarray())
        loss = np.asarray(space.losses(list(np.ones(len(weights))), x, kept).toarray())
        current = np.asarray(space.losses(list(weights), x, kept).toarray())
        rho, Z = self.rho[s], self.dual.matrices[s]
        heff = H - 0.5j * loss
        R = -1j * (heff @ rho) + got["R"]
        E = np.asarray(
            [block.hamiltonian.diagonal().real[x[:, b]] for b, block in enumerate(space.blocks)]
        ).sum(axis=0)
        E = E + self._repulsion(x)
        energy, vectors, inverse = self._modes(s)
        # golden-rule exchange with the kept products
        own = self.generator.hamiltonian[P[0] : P[-1] + 1, P[0] : P[-1] + 1].diagonal().real
        decay = self._diagonal(np.ones(len(weights)), kept)
        width = (G[:, None] + decay) / 2 + SOFTENED * self.scale
        g = 2 * np.abs(H) ** 2 * width / ((E[:, None] - own) ** 2 + width**2)
        total = g.sum(axis=1)
        mean = g @ Z.diagonal().real
        relaxed = SOFTENED * self.fastest  # by way of other products that are left out
        z = (right.real + mean + relaxed * self.mean[s]) / (G + total + relaxed)
        # row of the adjoint equation
        adjoint = current - 1j * ((H + 0.5j * loss) @ Z) + 1j * z[:, None] * heff - got["lZl"]
        denominator = 1j * ((E + 0.5j * G)[:, None] - energy)
        softened = np.conj(denominator) / (np.abs(denominator) ** 2 + (SOFTENED * self.scale) ** 2)
        rows = ((adjoint @ vectors) * softened) @ inverse
        change = got["of"].real + got["lost"].real - z * f - 2 * (rows.conj() * R).sum(axis=1).real
        size = 2 * np.linalg.norm(rows, axis=1) * np.linalg.norm(R, axis=1)
        bound = np.abs(got["of"]) + np.abs(z) * f + size
        hops = ((H @ rho) * H.conj()).sum(axis=1).real.clip(min=0)
        population = hops / (3 * self.scale) ** 2 + f / self.fastest
        population = population / max(self.weight[s], 1e-5) ** 0.3
        return change, bound, population

    def _diagonal(self, weights: Real, x: Ints) -> Real:
        out = np.zeros(len(x))
        for w, jump in zip(weights, self.space.jumps, strict=True):
            out += w * jump.loss.diagonal().real[x[:, jump.block]]
        return out

    def _repulsion(self, x: Ints) -> Real:
        N = np.stack([b.number[x[:, n]] for n, b in enumerate(self.space.blocks)], axis=-1)
        return np.asarray(((N @ self.space.repulsion) * N).sum(axis=1))

    def _modes(self, s: int) -> tuple[Complex, Complex, Complex]:
        """Eigenvalues of H_eff, its eigenvectors and their inverse in one sector."""
        if s not in self.modes:
            parity, n = self.generator.families[0].where[s]  # type: ignore[attr-defined]
            energy, vectors = np.linalg.eig(self.generator.heff[parity][n][0, 0])
            self.modes[s] = energy, vectors, np.linalg.inv(vectors)
        return self.modes[s]


def _rows(dense: Complex, sparse: Matrix) -> Real:
    r""":math:`(A l^+)_{xx}` of a dense A and a sparse l, (rows,)."""
    pattern = sparse.tocoo()
    value = (dense[pattern.row, pattern.col] * pattern.data.conj()).real
    return np.bincount(pattern.row, value, minlength=sparse.shape[0]).astype(float)
