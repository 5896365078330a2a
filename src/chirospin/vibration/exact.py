"""The exact answer: displaced vibrations where couplings commute, diagonalisation where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.fermi import bose
from chirospin.base.method import NOTHING, Needs
from chirospin.base.spin import PAULI
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.vibration.born import Thermal, moment_of
from chirospin.vibration.ladder import SPECTRUM, Rung, converged
from chirospin.vibration.model import Level, Vibration, channels, energies_from_mu, level_of
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
FADED = 40.0  # e-folds after which a thermal weight is rounding
LONG = 32.0  # e-folds after which a correlation is over: 1e-14
RESOLVED = 0.5  # of the broadening: nodes hold their phases until all but e^-20 has faded
PHASE = 3.0  # largest change of phase in a panel of time: the spherical Bessel function j_16(1.5)
GAUSS = 16
WORK = 1e10  # phases of a spectrum, about two minutes
BLOCK = 2_000_000  # phases held at a time
SPARE = 40  # quanta beyond those kept, with which a displacement is exact on them


class Exact(Rung):
    r"""The many-body answer.

    Where the level and all couplings commute and are normal, every occupation only displaces the
    vibrations, and the exact weights are Boltzmann factors of shifted energies. Otherwise one
    electron and the vibrations are diagonalised with a limited number of quanta; two electrons are a
    displacement again.

    References
    ----------
    mahan_2000, Sec. 4.3
    """

    name: ClassVar[str] = "exact"
    summary: ClassVar[str] = "independent bosons, or diagonalisation where couplings do not commute"
    references: ClassVar[tuple[str, ...]] = ("fransson_closed_shell", "mahan_2000")

    quanta: int = Field(default=0, ge=0, le=400, description="of each mode; 0 chooses by itself")
    largest: int = Field(
        default=3000, ge=4, le=20_000, description="matrix that may be diagonalised"
    )

    def state(self, model: Vibration, needs: Needs = NOTHING) -> VibrationState:
        """The level in equilibrium."""
        level = level_of(model)
        _no_reservoir(level)
        split = channels(level)
        if split is not None:
            ladder = Displaced.of(level, split)
            parts = {SPECTRUM: self._fading(model, ladder)} if SPECTRUM in needs else {}
            return _state(ladder.thermal(), None, parts)
        many = Diagonalised.of(level, self._quanta(level))
        parts = {}
        if SPECTRUM in needs:
            parts[SPECTRUM] = many.spectrum(energies_from_mu(model), self.broadening)
        return _state(many.thermal(), many.top_weight(), parts)

    def moment_at(self, model: Vibration, thermal_energy: float) -> Array:
        """The exact moment at another temperature."""
        level = level_of(model, thermal_energy=thermal_energy)
        _no_reservoir(level)
        split = channels(level)
        if split is not None:
            return Displaced.of(level, split).thermal().moment
        return Diagonalised.of(level, self._quanta(level)).thermal().moment

    def disagreement(self, model: Vibration) -> float:
        """Displaced vibrations against explicit quanta, largest element of the density matrix.

        Raises
        ------
        ModelError : couplings that do not commute, or too many quanta
        """
        level = level_of(model)
        split = channels(level)
        if split is None:
            raise ModelError(
                "Parameter `spin_coupling` must commute with `level_splitting` (in meV)"
            )
        density = Displaced.of(level, split).thermal().density
        other = Diagonalised.of(level, self._quanta(level)).thermal().density
        return float(np.abs(density - other).max())

    def mean_defect(self, model: Vibration, shift: Complex) -> float | None:
        """Mean of the spectrum against level + ``shift``, over the largest energy in them."""
        level = level_of(model)
        split = channels(level)
        if split is None:
            return None
        ladder = Displaced.of(level, split)
        scale = float(np.abs(ladder.energies).max() + np.abs(ladder.shifts).sum())
        scale += float(level.frequencies.max() + np.abs(level.couplings).max())
        mean = ladder.mean(level, 1e-3 / scale)
        moved = split[0].conj().T @ (level.energy + shift) @ split[0]
        return float(np.abs(mean - np.diag(moved).real).max() / scale)

    def spectrum_of(self, model: Vibration, finer: int = 1) -> Array | None:
        """Of independent bosons, with more nodes of the bath; None where nothing commutes."""
        level = level_of(model)
        split = channels(level)
        return None if split is None else self._fading(model, Displaced.of(level, split), finer)

    def _fading(self, model: Vibration, ladder: Displaced, finer: int = 1) -> Array:
        """From correlations, on nodes that are dense enough until they have faded."""
        dense = level_of(model, finer, resolution=RESOLVED * self.broadening)
        return ladder.spectrum(energies_from_mu(model), self.broadening, dense)

    def _quanta(self, level: Level) -> tuple[int, ...]:
        """Quanta per mode: thermal, and of the displacement, unless the user says."""
        modes = len(level.frequencies)
        wanted = (self.quanta,) * modes if self.quanta else _enough(level)
        size = 2.0 * np.prod(np.array(wanted) + 1.0)
        if size > self.largest:
            blamed = "spin_coupling" if _alike(level) else "mode_couplings"
            raise ModelError(
                f"Parameter `{blamed}` must commute with the level and among vibrations for {modes} modes at this "
                f"temperature, or the method exact would need a matrix of size {size:.3g} (allowed: "
                f"{self.largest}); use scba-hartree, fewer modes or a lower thermal_energy"
            )
        return wanted


def _state(thermal: Thermal, top: float | None, parts: Mapping[str, Array]) -> VibrationState:
    return VibrationState(
        density=thermal.density,
        moment=thermal.moment,
        norm=None,
        left_out=0.0,
        truncation=top,
        outcome=converged(),
        parts=parts,
    )


def _no_reservoir(level: Level) -> None:
    if level.width:
        raise ModelError(
            "Parameter `reservoir_coupling` must be 0 (in meV) for the method exact, but is "
            f"{level.width:g}; use second-order"
        )


def _alike(level: Level) -> bool:
    """Whether all couplings are multiples of one."""
    first = level.couplings[0] / max(float(np.linalg.norm(level.couplings[0])), 1e-300)
    along = np.einsum("ab,jab->j", first.conj(), level.couplings)
    rest = level.couplings - along[:, None, None] * first
    return bool(np.abs(rest).max() <= 1e-12 * np.abs(level.couplings).max())


def _enough(level: Level) -> tuple[int, ...]:
    """Quanta of every mode beyond which weights are rounding."""
    shift = np.linalg.norm(level.couplings, axis=(1, 2)) / level.frequencies
    thermal = np.sqrt(FADED * level.thermal_energy / level.frequencies)
    return tuple(np.ceil((thermal + shift) ** 2 + 8).astype(int).tolist())


@dataclass(frozen=True, kw_only=True)
class Displaced:
    r"""Independent bosons: every occupation displaces the vibrations.

    .. math:: \Lambda_{ab} = \sum_j \mathrm{Re}(\lambda_{aj}\lambda_{bj}^*)/\omega_j, \qquad
              E_a = \varepsilon_a - \Lambda_{aa}, \quad
              E_2 = \varepsilon_+ + \varepsilon_- - \sum_{ab}\Lambda_{ab} + U_H

    Parameters
    ----------
    vectors : channels in columns, (2, 2)
    energies : of the bare channels from mu, (2,)
    couplings : lambda_aj, (modes, 2)
    shifts : Lambda, (2, 2)
    """

    vectors: Complex
    energies: Array
    couplings: Complex
    shifts: Array
    level: Level

    @classmethod
    def of(cls, level: Level, split: tuple[Complex, Array, Complex]) -> Displaced:
        """From the common eigenvectors of level and couplings."""
        vectors, bare, couplings = split
        weighted = couplings / level.frequencies[:, None]
        shifts = (couplings.T @ weighted.conj()).real
        return cls(vectors=vectors, energies=bare, couplings=couplings, shifts=shifts, level=level)

    def weights(self) -> tuple[float, Array, float]:
        """Probabilities of no electron, of one in each channel, and of two."""
        one = self.energies - np.diag(self.shifts)
        two = self.energies.sum() - self.shifts.sum() + self.level.hubbard
        exponents = -np.array([0.0, *one, two]) / self.level.thermal_energy
        p = np.exp(exponents - exponents.max())
        p /= p.sum()
        return float(p[0]), p[1:3], float(p[3])

    def thermal(self) -> Thermal:
        """The density matrix; the moment without cancellation."""
        _, single, double = self.weights()
        density = (self.vectors * (single + double)) @ self.vectors.conj().T
        upper = self.vectors[:, 0]
        axis = np.einsum("iab,a,b->i", PAULI, upper.conj(), upper).real
        difference = self._difference()
        return Thermal(density=density, moment=0.5 * difference * axis)

    def _difference(self) -> float:
        """P_+ - P_- by the difference of the shifted energies."""
        _, single, _ = self.weights()
        # Lambda_++ - Lambda_-- = sum (|l_+|^2 - |l_-|^2)/omega, formed before it is summed
        plus, minus = np.abs(self.couplings.T)
        shift = ((plus - minus) * (plus + minus) / self.level.frequencies).sum()
        gap = (self.energies[0] - self.energies[1] - shift) / self.level.thermal_energy
        larger = single.max()
        return float(np.sign(-gap) * larger * -np.expm1(-abs(gap)))

    def correlation(self, t: Array, dense: Level) -> Complex:
        r"""Anticommutator of the level at two times for both channels, (2, times).

        .. math:: C_a(t) = \sum_{n'} e^{-i(\varepsilon_a-\Lambda_{aa}-2\Lambda_{ab}n'+U_Hn')t}
                  [P_{0n'}e^{-\phi_a} + P_{1n'}e^{-\phi_a^*}], \quad
                  \phi_a = \sum_j \frac{|\lambda_{aj}|^2}{\omega_j^2}
                  [(2n_j+1)(1-\cos\omega_jt) + i\sin\omega_jt]

        Parameters
        ----------
        dense : the same vibrations on nodes that resolve these times
        """
        turns = np.exp(-1j * np.multiply.outer(self.lines(), t))
        return np.asarray((turns * self._envelopes(t, dense)).sum(axis=1))

    def lines(self) -> Array:
        """Energies around which each channel has weight, without and with the other one, (2, 2)."""
        moved = np.array([0.0, 1.0])[None] * (
            self.level.hubbard - 2 * np.array([[self.shifts[0, 1]], [self.shifts[1, 0]]])
        )
        return np.asarray((self.energies - np.diag(self.shifts))[:, None] + moved)

    def _envelopes(self, t: Array, dense: Level) -> Complex:
        """The slow factors of the correlation, (channel, other filled, times)."""
        blocks = np.array_split(t, max(1, t.size * dense.frequencies.size // BLOCK))
        return np.concatenate([self._envelope(block, dense) for block in blocks], axis=-1)

    def _envelope(self, t: Array, dense: Level) -> Complex:
        none, single, double = self.weights()
        sizes = np.abs(channels_of(self.vectors, dense)) ** 2 / dense.frequencies[:, None] ** 2
        n = 2 * bose(dense.frequencies / dense.thermal_energy) + 1
        angles = np.outer(t, dense.frequencies)
        faded = ((1 - np.cos(angles)) @ (sizes * n[:, None])).T
        turned = np.exp(1j * (np.sin(angles) @ sizes).T)
        empty = np.array([[none, single[1]], [none, single[0]]])[..., None]
        filled = np.array([[single[0], double], [single[1], double]])[..., None]
        phases = empty * turned.conj()[:, None] + filled * turned[:, None]
        return np.asarray(np.exp(-faded)[:, None] * phases)

    def spectrum(self, omega: Array, broadening: float, dense: Level) -> Array:
        r"""Density of states of spin up and down, (2, energies).

        .. math:: A_a(\omega) = \tfrac1\pi \mathrm{Re} \int_0^\infty e^{i\omega t - \eta t} C_a(t)\, dt

        The envelopes are Legendre polynomials on panels of time, and each polynomial times
        :math:`e^{i\Omega t}` is a spherical Bessel function, however far the energy is from the level.
        """
        spread = np.sqrt(2 * np.abs(self.shifts).max() * dense.thermal_energy)
        fastest = np.abs(self.shifts).sum() + 4 * spread + dense.frequencies.max() + broadening
        count = int(np.ceil(LONG / broadening * fastest / PHASE))
        work = count * (GAUSS * dense.frequencies.size + omega.size)
        if work > WORK:
            raise ModelError(
                f"Option `broadening` of method exact: must be larger (in meV) for a bath up to "
                f"{dense.frequencies.max():g} meV, where its spectrum takes {work:.1e} phases "
                f"(allowed: {WORK:.0e}), but is {broadening:g}"
            )
        half = LONG / broadening / count / 2
        middle = half * (2 * np.arange(count) + 1)
        x, w = gauss_nodes(GAUSS)
        t = (middle[:, None] + half * x).ravel()
        slow = self._envelopes(t, dense) * np.exp(-broadening * t)
        order = np.arange(GAUSS)
        project = w[:, None] * np.polynomial.legendre.legvander(x, GAUSS - 1) * (order + 0.5)
        shares = slow.reshape(2, 2, count, GAUSS) @ project
        A = np.zeros((2, omega.size))
        for a, other in np.ndindex(2, 2):
            offset = omega - self.lines()[a, other]
            bessel = (
                half * 2 * 1j**order * scipy.special.spherical_jn(order, offset[:, None] * half)
            )
            A[a] += (bessel * _turned(offset, middle, shares[a, other])).sum(axis=1).real / np.pi
        return np.asarray(np.abs(self.vectors) ** 2 @ A)

    def mean(self, dense: Level, step: float) -> Array:
        """Mean energy of each channel's spectrum from the slope of its correlation at t = 0, (2,)."""
        t = step * np.array([-2.0, -1.0, 1.0, 2.0])
        slope = self.correlation(t, dense) @ np.array([1.0, -8.0, 8.0, -1.0]) / (12 * step)
        return np.asarray((1j * slope).real)


def channels_of(vectors: Complex, level: Level) -> Complex:
    """The diagonal of every coupling between given vectors, (modes, 2)."""
    return np.asarray(np.einsum("ac,jab,bc->jc", vectors.conj(), level.couplings, vectors))


def _turned(omega: Array, t: Array, shares: Complex) -> Complex:
    """Sum of e^{i omega t} shares(t), (energies, orders), in blocks that fit into memory."""
    blocks = np.array_split(omega, max(1, omega.size * t.size // BLOCK))
    return np.concatenate([np.exp(1j * np.multiply.outer(w, t)) @ shares for w in blocks])


@dataclass(frozen=True, kw_only=True)
class Diagonalised:
    """One electron and a few modes with a limited number of quanta; none and two are exact.

    Parameters
    ----------
    values, states : of one electron, (dimension,), (2, boson states, dimension), from mu
    double : energy of two electrons without quanta, from mu
    amplitudes : Tr U_j/omega_j, the displacement by two electrons, (modes,)
    quanta : highest of each mode, (modes,)
    """

    values: Array
    states: Complex
    double: float
    amplitudes: Complex
    quanta: tuple[int, ...]
    level: Level

    @classmethod
    def of(cls, level: Level, quanta: tuple[int, ...]) -> Diagonalised:
        """Diagonalise the sector of one electron."""
        lowering = boson_operators(quanta)
        number = np.stack([np.abs(b) ** 2 for b in lowering]).sum(axis=1)
        H = np.kron(level.energy, np.eye(len(lowering[0])))
        H = H + np.kron(np.eye(2), np.diag(level.frequencies @ number))
        for U, b in zip(level.couplings, lowering, strict=True):
            H = H + np.kron(U, b) + np.kron(U.conj().T, b.conj().T)
        values, vectors = np.linalg.eigh(H)
        traces = np.einsum("jaa->j", level.couplings)
        double = np.trace(level.energy).real + level.hubbard
        return cls(
            values=values,
            states=vectors.reshape(2, len(lowering[0]), -1),
            double=float(double - (np.abs(traces) ** 2 / level.frequencies).sum()),
            amplitudes=traces / level.frequencies,
            quanta=quanta,
            level=level,
        )

    def _probabilities(self) -> tuple[float, Array, float]:
        """Of no electron, of each state of one, and of two; quanta without end in the first and last."""
        T = self.level.thermal_energy
        free = -np.log(-np.expm1(-self.level.frequencies / T)).sum()
        exponents = np.concatenate([[free], -self.values / T, [free - self.double / T]])
        p = np.exp(exponents - exponents.max())
        p /= p.sum()
        return float(p[0]), p[1:-1], float(p[-1])

    def thermal(self) -> Thermal:
        """The density matrix."""
        _, single, double = self._probabilities()
        density = np.einsum("anv,v,bnv->ab", self.states, single, self.states.conj())
        density = density + double * np.eye(2)
        return Thermal(density=density, moment=moment_of(density))

    def top_weight(self) -> float:
        """Probability of the highest quantum of any mode: what the cut has changed."""
        _, single, _ = self._probabilities()
        weights = np.einsum("anv,v->n", np.abs(self.states) ** 2, single)
        number = _numbers(self.quanta)
        return float(weights[(number == np.array(self.quanta)[:, None]).any(axis=0)].sum())

    def spectrum(self, omega: Array, broadening: float) -> Array:
        """Density of states by Lehmann's sum over transitions, broadened, (2, energies)."""
        none, single, double = self._probabilities()
        quanta = _numbers(self.quanta)
        free = self.level.frequencies @ quanta
        p0 = _share(none, free, self.level.thermal_energy)
        p2 = _share(double, free, self.level.thermal_energy)
        displaced = displacement(self.amplitudes, self.quanta)
        out = np.zeros((2, omega.size))
        for spin in (0, 1):
            amplitude = self.states[spin]  # <n| c_s |v>, from one electron to none
            self._add(
                out[spin],
                omega,
                broadening,
                self.values[None] - free[:, None],
                np.abs(amplitude) ** 2 * (p0[:, None] + single),
            )
            # <v| c_s |2, n~> = +- <v| other spin, n~>
            overlap = displaced.conj().T @ self.states[1 - spin]
            self._add(
                out[spin],
                omega,
                broadening,
                self.double + free[:, None] - self.values[None],
                np.abs(overlap) ** 2 * (p2[:, None] + single),
            )
        return out

    @staticmethod
    def _add(out: Array, omega: Array, broadening: float, energies: Array, weights: Array) -> None:
        kept = weights > 1e-16 * weights.max()
        for x in range(omega.size):
            out[x] += (weights[kept] / ((omega[x] - energies[kept]) ** 2 + broadening**2)).sum() * (
                broadening / np.pi
            )


def _share(total: float, energies: Array, thermal_energy: float) -> Array:
    p = np.exp(-energies / thermal_energy)
    return np.asarray(total * p / p.sum())


def _numbers(quanta: tuple[int, ...]) -> NDArray[np.int64]:
    """Quanta of every mode in every state, (modes, states)."""
    return np.asarray(np.indices([n + 1 for n in quanta]).reshape(len(quanta), -1))


def boson_operators(quanta: tuple[int, ...]) -> list[Array]:
    """Lowering operators of all modes on their common states."""
    sizes = [n + 1 for n in quanta]
    out = []
    for j, n in enumerate(quanta):
        before, after = np.eye(int(np.prod(sizes[:j]))), np.eye(int(np.prod(sizes[j + 1 :])))
        single = np.diag(np.sqrt(np.arange(1.0, n + 1)), 1)
        out.append(np.kron(np.kron(before, single), after))
    return out


def displacement(amplitudes: Complex, quanta: tuple[int, ...]) -> Complex:
    """Vibrations without quanta but displaced by -conj(amplitude), and above; states in columns."""
    full = np.ones((1, 1), dtype=complex)
    for z, n in zip(amplitudes, quanta, strict=True):
        b = np.diag(np.sqrt(np.arange(1.0, n + SPARE)), 1)
        values, vectors = np.linalg.eigh(1j * (z * b - np.conj(z) * b.T))
        one = (vectors * np.exp(-1j * values)) @ vectors.conj().T
        full = np.kron(full, one[: n + 1, : n + 1])
    return full
