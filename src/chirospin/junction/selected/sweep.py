r"""One sweep: what the whole generator makes of kept states, sector by sector, and of their adjoint.

Around the kept states V of a sector lies the space W of V, of :math:`H_{eff} V`, of the arrivals of jumps from other
sectors, and of further powers of H on these. In W, with losses that nothing restricts,

.. math:: -i (H_{eff} X - X H_{eff}^+) = -\sum_l l \rho l^+, \qquad
          i (H_{eff}^+ Z - Z H_{eff}) = O - I - \sum_l l^+ Z l

are solved. The eigenvectors of X of largest weight are the next states to be kept. The whole of
:math:`L \rho_{kept}` lies in W, so that with this Z the current that is missing is

.. math:: I - I_{kept} = \sum_{x \perp V} c_x, \qquad
          c_x = o f_x + (l \rho Z l^+)_{xx} - 2\,\mathrm{Re} \sum_P Z_{xP}^* R_{xP} - \sum_{x'} Z_{xx'}^* A_{xx'}

with arrivals :math:`A = \sum l \rho l^+` and :math:`R = -i H_{eff} \rho + A`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.junction.manybody.packed import Halves
from chirospin.junction.selected.blocks import made_hermitian
from chirospin.junction.selected.left_out import Dual
from chirospin.junction.selected.restricted import RestrictedGenerator
from chirospin.junction.selected.whole import Arrow, WholeStates, heaviest
from chirospin.numerics.sylvester import EigenInverse, SchurInverse

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

POWERS = 3  # of H on what a sector receives: with one, three molecules wander by 1e-2, with three by 1e-4
WIDTH = 2  # new states for every kept one, in each power
FEWEST = 10  # kept states that a sector counts for at least
FLOOR = 1e-14  # weight below which a direction is rounding
INDEPENDENT = 1e-8  # squared length of a vector beside those before it
AMPLITUDE = 3.0  # energies, in units of the largest hopping, by which a hop is detuned


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Kept states of one sector in natural order.

    Parameters
    ----------
    vectors : (d, m)
    weight : their probabilities, (m,)
    dual : Z, (m, m)
    mean : of Z in the sector
    """

    vectors: Complex
    weight: Real
    dual: Complex
    mean: float


@dataclass(frozen=True, kw_only=True)
class Around:
    """W of one sector.

    Parameters
    ----------
    sector : which
    basis : the kept states first, (d, k)
    state : X, (k, k)
    change : c_x of those that are not kept, (k - m,), eV/hbar
    """

    sector: int
    basis: Complex
    state: Complex
    change: Real

    @property
    def weight(self) -> float:
        """Probability of the sector."""
        return float(self.state.trace().real)


class Sweep:
    """What lies around kept states.

    Parameters
    ----------
    generator : between kept states of the whole stack
    halves : rho
    dual : Z, and the weights of jumps in the current
    current : eV/hbar
    """

    def __init__(
        self, generator: RestrictedGenerator, halves: Halves, dual: Dual, current: float
    ) -> None:
        selection = generator.selection
        space = selection.products
        assert isinstance(space, WholeStates)
        self.space, self.dual, self.current = space, dual, current
        self.stack, self.fastest = space.stack, space.member.fastest
        self.scale = float(np.abs(space.member.matrices.h).max())
        self.kept: dict[int, Kept] = {}
        rho = selection.matrices(halves)
        for mine, X, Z in zip(selection.members, rho, dual.matrices, strict=True):
            digits = selection.digits[mine]
            p, U = np.linalg.eigh(X)
            p = p.clip(min=0)
            z = U.conj().T @ Z @ U
            even = p + 1e-12
            self.kept[int(digits[0, 0])] = Kept(
                vectors=space.vectors[int(digits[0, 0])][:, digits[:, 1]] @ U,
                weight=p,
                dual=z,
                mean=float(z.diagonal().real @ even / even.sum()),
            )
        self.means = self._means()

    def _means(self) -> Real:
        """Mean of Z in every sector, by a line in the charges where nothing is kept."""
        charge = np.array([sector.charge for sector in self.stack.sectors], dtype=float)
        line = np.concatenate([np.ones((len(charge), 1)), charge], axis=1)
        mine = list(self.kept)
        mean = np.array([one.mean for one in self.kept.values()])
        root = np.sqrt([max(one.weight.sum(), 1e-12) for one in self.kept.values()])
        fit = np.linalg.lstsq(line[mine] * root[:, None], mean * root, rcond=1e-10)[0]
        out = line @ fit
        out[mine] = mean
        return np.asarray(out)

    def __call__(self) -> list[Around]:
        """Every sector that is reached."""
        around = [self._sector(s) for s in range(len(self.stack.sectors))]
        return [one for one in around if one is not None]

    def _sector(self, s: int) -> Around | None:
        sector, kept = self.stack.sectors[s], self.kept.get(s)
        into = [a for a in self.stack.into[s] if a.source in self.kept]
        arriving = [
            a.matrix @ (self.kept[a.source].vectors * np.sqrt(self.kept[a.source].weight))
            for a in into
        ]
        d = sector.states.size
        V = kept.vectors if kept else np.zeros((d, 0), dtype=complex)
        W = self._basis(s, V, kept, arriving)
        k, m = W.shape[1], V.shape[1]
        if not k:
            return None
        H = made_hermitian(W.conj().T @ (sector.hamiltonian @ W))
        loss = made_hermitian(W.conj().T @ (self.stack.loss[s][:, None] * W))
        K = H - 0.5j * loss
        inverse = inverse_of(K)
        arrived = [W.conj().T @ a for a in arriving]
        A = made_hermitian(sum((b @ b.conj().T for b in arrived), start=np.zeros((k, k), complex)))
        Z = made_hermitian(inverse.adjoint(self._wanted(s, W)))
        if kept:
            Z[:m, :m] = kept.dual
        change = self._into_current(into, arrived, k)[m:]
        R = A.copy()
        if kept:
            R[:, :m] -= 1j * K[:, :m] * kept.weight
        moved = (Z.conj() * R).real
        change = change - moved[m:, m:].sum(axis=1) - 2 * moved[m:, :m].sum(axis=1)
        state = made_hermitian(inverse(-A))
        return Around(sector=s, basis=W, state=state, change=change)

    def _basis(self, s: int, V: Complex, kept: Kept | None, arriving: list[Complex]) -> Complex:
        """W, orthonormal, the kept states first."""
        H, d = self.stack.sectors[s].hamiltonian, V.shape[0]
        ways = [a / np.sqrt(self.fastest) for a in arriving]
        if kept:
            X = V * np.sqrt(kept.weight)
            lost = H @ X - 0.5j * self.stack.loss[s][:, None] * X
            ways.append(lost / (AMPLITUDE * self.scale))
        if not ways or V.shape[1] == d:
            return V
        most = WIDTH * max(V.shape[1], FEWEST)
        last = further_directions(np.concatenate(ways, axis=1), V, most, FLOOR)
        W = np.concatenate([V, last], axis=1)
        for _ in range(POWERS - 1):
            if not last.shape[1] or W.shape[1] >= d:
                break
            last = further_directions(H @ last, W, most, INDEPENDENT)
            W = np.concatenate([W, last], axis=1)
        return W

    def _wanted(self, s: int, W: Complex) -> Complex:
        """O - I - sum l^+ Z l in W; what a jump loses from the kept states meets the mean of Z."""
        flat = np.full(len(W), -self.current)
        reached = np.zeros((W.shape[1],) * 2, dtype=complex)
        for a in self.stack.out_of[s]:
            mean = self.means[a.target]
            flat += (self.dual.weights[a.jump] - mean) * self.stack.lost(s, a.jump)
            target = self.kept.get(a.target)
            if target:
                b = target.vectors.conj().T @ (a.matrix @ W)
                reached += b.conj().T @ (target.dual - mean * np.eye(len(b))) @ b
        return made_hermitian(W.conj().T @ (flat[:, None] * W) - reached)

    def _into_current(self, into: list[Arrow], arrived: list[Complex], k: int) -> Real:
        """Diagonal of sum_l o l rho l^+ + l rho Z l^+."""
        out = np.zeros(k)
        for a, b in zip(into, arrived, strict=True):
            source = self.kept[a.source]
            root = np.sqrt(source.weight)
            turned = root[:, None] * source.dual / np.where(root > 0, root, np.inf)
            inner = turned + self.dual.weights[a.jump] * np.eye(root.size)
            out += ((b @ inner) * b.conj()).sum(axis=1).real
        return out


def inverse_of(K: Complex) -> EigenInverse | SchurInverse:
    """By eigenvectors, or by the Schur form where they are not independent."""
    try:
        return EigenInverse(K)
    except np.linalg.LinAlgError:
        return SchurInverse(K)


def further_directions(Q: Complex, V: Complex, most: int, floor: float) -> Complex:
    """Orthonormal directions of largest singular value in the columns of Q, outside those of V."""
    for _ in range(2):
        Q = Q - V @ (V.conj().T @ Q)
    square, U = np.linalg.eigh(made_hermitian(Q.conj().T @ Q))
    most = min(most, V.shape[0] - V.shape[1])
    square, U = square[::-1][:most], U[:, ::-1][:, :most]
    worth = square > max(floor, 1e-13 * square[:1].max(initial=0.0))
    found = Q @ (U[:, worth] / np.sqrt(square[worth]))
    for _ in range(2):
        found = np.linalg.qr(found - V @ (V.conj().T @ found))[0]
    return np.asarray(found)


def next_states(space: WholeStates, around: list[Around], count: int) -> WholeStates:
    """The natural states of largest weight of what lies around the kept ones."""
    spectra = [np.linalg.eigh(one.state) for one in around]
    chosen = heaviest([p for p, _ in spectra], count)
    vectors = {
        one.sector: one.basis @ U[:, kept]
        for one, kept, (_, U) in zip(around, chosen, spectra, strict=True)
    }
    return WholeStates.of(space.stack, vectors)
