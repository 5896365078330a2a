r"""Amplitudes between the channels of leads and probes, and transmissions from them.

With :math:`\Gamma_p = V_p V_p^+` all transmissions follow from :math:`S(E) = V^+ G(E) V`, and with
:math:`K = h - \tfrac i2\Gamma = X z X^{-1}` one product of matrices an energy is left:

.. math:: S(E) = (V^+ X)\, \frac{1}{E - z}\, (X^{-1} V), \qquad T_{pq} = \sum_{a\in p, b\in q} |S_{ab}|^2
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI
from chirospin.scattering.system import Complex, Real, System

NO_CHANNEL = 1e-14  # of the largest eigenvalue of a coupling: rounding
UNITARY = 1e-11  # departure from unitarity beyond which the eigenvectors are not used
CHUNK_BYTES = 2**22  # of amplitudes held at a time: what a processor keeps near itself
LEFT, RIGHT, FIRST_PROBE = 0, 1, 2
DISCONNECTED = 1e-13  # of all transmission to a probe: what reaches it from the leads


@dataclass(frozen=True, kw_only=True)
class Transmissions:
    r"""Transmissions of one magnetisation of the left lead, a row for each energy.

    Parameters
    ----------
    between : T_pq from terminal q to terminal p, (energy, terminal, terminal); left, right, probes
    spin : what arrives in the right lead from each terminal: all of it, and its spin along x, y, z,
        :math:`Tr[\Gamma_R\sigma_k G\Gamma_q G^+]`, (energy, 4, terminal)
    defect : departure from unitarity, (energy,)
    """

    between: Real
    spin: Real
    defect: Real

    def weighted(self, weights: Real) -> Transmissions:
        """The mean over energies with weights, one row."""
        return Transmissions(
            between=np.einsum("e,epq->pq", weights, self.between)[None],
            spin=np.einsum("e,ekq->kq", weights, self.spin)[None],
            defect=np.array([self.defect.max(initial=0.0)]),
        )


@dataclass(frozen=True, kw_only=True)
class Flow:
    """What flows from left to right in units of f_L - f_R, with probes that carry no current.

    Parameters
    ----------
    left, right : out of the left lead and into the right one, (energy,)
    spin : all that arrives in the right lead, and its spin along x, y, z, (energy, 4)
    filling : share of f_L in each probe, (energy, probe)
    """

    left: Real
    right: Real
    spin: Real
    filling: Real


def elastic(transmissions: Transmissions) -> Flow:
    r"""Probes that carry no current at any energy.

    .. math:: \sum_q T_{pq}(f_p - f_q) = 0, \qquad f_L = 1, f_R = 0

    Raises
    ------
    ModelError : a probe that no electron from a lead reaches
    """
    T = transmissions.between
    to_probes = T[:, FIRST_PROBE:]
    inner = to_probes[:, :, FIRST_PROBE:]
    filling = np.zeros(inner.shape[:2])
    if inner.size:
        others = inner * (1 - np.eye(inner.shape[1]))
        from_leads = to_probes[:, :, :FIRST_PROBE].sum(axis=-1)
        total = others.sum(axis=-1) + from_leads
        _reached(from_leads, total)
        matrix = np.einsum("ep,pq->epq", total, np.eye(inner.shape[1])) - others
        filling = np.linalg.solve(matrix, to_probes[:, :, LEFT, None])[..., 0]
    sources = np.concatenate([np.ones_like(T[:, :1, 0]), 0 * T[:, :1, 0], filling], axis=1)
    back = np.einsum("eq,eq->e", T[:, LEFT, FIRST_PROBE:], filling)
    out = T[:, :, LEFT].sum(axis=1) - T[:, LEFT, LEFT]
    spin = np.einsum("ekq,eq->ek", transmissions.spin, sources)
    return Flow(left=out - back, right=spin[:, 0], spin=spin, filling=filling)


def _reached(from_leads: Real, total: Real) -> None:
    """Refuse probes whose filling nothing fixes."""
    silent = (from_leads.sum(axis=-1) <= DISCONNECTED * total.sum(axis=-1)) & (
        total.sum(axis=-1) > 0
    )
    if silent.any() or (total == 0).any():
        raise ModelError(
            "A probe must be joined to a lead, so that its filling is known, but one is reached by none "
            "at some energy; join its site by a hopping, or take the probe away"
        )


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Amplitudes between all channels of a system whose left lead is not magnetised.

    Parameters
    ----------
    system : of which the left lead's polarisation is added afterwards
    """

    system: System

    @cached_property
    def vectors(self) -> Complex:
        """V, (2 orbitals, channels): left, right, probes; each lead's spins side by side."""
        return np.concatenate(self._blocks, axis=1)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First channel of each terminal."""
        sizes = [block.shape[1] for block in self._blocks]
        return np.cumsum([0, *sizes[:-1]])

    @cached_property
    def _blocks(self) -> list[Complex]:
        left, right = self.system.left, self.system.right
        leads = [
            np.kron(_factor(left.coupling), np.eye(2, dtype=complex)),
            np.kron(_factor(right.coupling), _root(right.spin)),
        ]
        probes = [
            np.kron(_factor(W), _factor(np.array(s, dtype=complex)))
            for W in self.system.probes
            for s in self.system.probe_spins
        ]
        return leads + probes

    @cached_property
    def decaying(self) -> Complex:
        r"""K = h - i Gamma/2 without magnetisation, (2 orbitals, 2 orbitals), eV."""
        return np.asarray(self.system.hamiltonian - 0.5j * self.vectors @ self.vectors.conj().T)

    @cached_property
    def _modes(self) -> tuple[Complex, Complex, Complex]:
        z, X = np.linalg.eig(self.decaying)
        return z, self.vectors.conj().T @ X, np.linalg.solve(X, self.vectors)

    @property
    def energies(self) -> Complex:
        """Complex energies of the decaying modes, without magnetisation, eV."""
        return self._modes[0]

    def chunks(self, energies: Real) -> Iterator[slice]:
        """Slices of energies whose amplitudes fit in a share of the memory."""
        size = max(1, CHUNK_BYTES // (16 * self.vectors.shape[1] ** 2))
        return (slice(n, n + size) for n in range(0, len(energies), size))

    def amplitudes(self, energies: Real) -> Complex:
        """S(E) of the unmagnetised system, (energy, channel, channel)."""
        try:
            z, out, into = self._modes
            S = (out / (energies[:, None] - z)[:, None, :]) @ into
        except np.linalg.LinAlgError:  # modes that merge have too few eigenvectors
            return self.direct(energies)
        merged = ~(_defect(_squares(S).sum(axis=1), S) <= UNITARY)
        if merged.any():
            S[merged] = self.direct(energies[merged])
        return np.asarray(S)

    def direct(self, energies: Real) -> Complex:
        """S(E) by one factorisation an energy, which needs no eigenvectors."""
        one = np.eye(len(self.decaying))
        G = np.linalg.solve(energies[:, None, None] * one - self.decaying, self.vectors)
        return np.asarray(self.vectors.conj().T @ G)

    def transmissions(self, S: Complex, magnetisation: float) -> Transmissions:
        """Transmissions with the left lead's polarisation times a factor, from the amplitudes without it."""
        S = self._magnetised(S, magnetisation)
        squares = _squares(S)
        belongs = self._belongs
        between = belongs.T @ (squares @ belongs)
        arriving = S[:, self.starts[RIGHT] : self._end_of_right]
        pairs = arriving.reshape(len(S), -1, 2, S.shape[2])
        up, down = pairs[:, :, 0], pairs[:, :, 1]
        cross = (up.conj() * down).sum(axis=1)
        sizes = [_squares(one).sum(axis=1) for one in (up, down)]
        spin = np.stack(
            [sizes[0] + sizes[1], 2 * cross.real, 2 * cross.imag, sizes[0] - sizes[1]], axis=1
        )
        return Transmissions(
            between=between,
            spin=spin @ belongs,
            defect=_defect(squares.sum(axis=1), S),
        )

    @cached_property
    def _belongs(self) -> Real:
        """1 where a channel belongs to a terminal, (channel, terminal): sums as products of matrices."""
        owner = np.repeat(np.arange(len(self._blocks)), [b.shape[1] for b in self._blocks])
        return np.asarray(owner[:, None] == np.arange(len(self._blocks)), dtype=float)

    @property
    def _end_of_right(self) -> int | None:
        return int(self.starts[FIRST_PROBE]) if len(self.starts) > FIRST_PROBE else None

    def _magnetised(self, S: Complex, magnetisation: float) -> Complex:
        r"""S with :math:`\Gamma_L = V_L D V_L^+`, a change of low rank.

        .. math:: S' = S - S_{:L}\, \tfrac i2\delta\, (1 + \tfrac i2 S_{LL}\delta)^{-1} S_{L:},
                  \qquad \delta = D - 1
        """
        polarisation = magnetisation * self.system.left.polarisation
        if not np.any(polarisation):
            return S
        end = self.starts[RIGHT]
        part = np.einsum("k,kst->st", polarisation, PAULI)
        delta = 0.5j * np.kron(np.eye(end // 2), part)
        from_left = np.ascontiguousarray(S[:, :, :end])  # strided products miss BLAS
        inner = np.eye(end) + from_left[:, :end] @ delta
        changed = from_left @ (-delta @ np.linalg.solve(inner, np.ascontiguousarray(S[:, :end])))
        changed += S
        weight = np.kron(np.eye(end // 2), _root(np.eye(2) + part))
        changed[:, :, :end] = np.ascontiguousarray(changed[:, :, :end]) @ weight
        changed[:, :end] = weight @ np.ascontiguousarray(changed[:, :end])
        return np.asarray(changed)


def transmissions(system: System, energies: Real, magnetisation: float = 0.0) -> Transmissions:
    """Transmissions of a system at some energies, all terminals kept.

    Parameters
    ----------
    magnetisation : factor on the polarisation of the left lead
    """
    channels = Channels(system=system)
    parts = [
        channels.transmissions(channels.amplitudes(energies[part]), magnetisation)
        for part in channels.chunks(energies)
    ]
    return joined(parts)


def joined(parts: list[Transmissions]) -> Transmissions:
    """The rows of several."""
    return Transmissions(
        between=np.concatenate([part.between for part in parts]),
        spin=np.concatenate([part.spin for part in parts]),
        defect=np.concatenate([part.defect for part in parts]),
    )


def _factor(coupling: Complex) -> Complex:
    """w with W = w w^+, (orbitals, channels)."""
    levels, vectors = np.linalg.eigh(coupling)
    kept = levels > NO_CHANNEL * levels[-1]
    return np.asarray(vectors[:, kept] * np.sqrt(levels[kept]))


def _root(spin: Complex) -> Complex:
    """The square root of a matrix that is not negative, (2, 2)."""
    levels, turn = np.linalg.eigh(spin)
    return np.asarray((turn * np.sqrt(np.clip(levels, 0.0, None))) @ turn.conj().T)


def _squares(S: Complex) -> Real:
    return np.asarray(np.abs(S) ** 2)


def _defect(sums: Real, S: Complex) -> Real:
    r"""Departure from :math:`\sum_a |S_{ab}|^2 = -2\,\mathrm{Im}\,S_{bb}`, relative to the largest, (energy,)."""
    lost = np.abs(sums + 2 * np.diagonal(S, axis1=1, axis2=2).imag).max(axis=1)
    return np.asarray(lost / np.maximum(sums.max(axis=1), 1e-300))
