"""The self-consistent Born approximation on Matsubara frequencies, with and without Hartree term."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi, fermi_difference
from chirospin.base.method import NOTHING, Needs
from chirospin.base.outcome import Outcome
from chirospin.base.spin import PAULI
from chirospin.numerics.branch import follow
from chirospin.numerics.fixed_point import FixedPoint, anderson
from chirospin.numerics.newton import Action
from chirospin.vibration.born import (
    Thermal,
    green_parts,
    scalar_and_vector,
    self_energy,
    self_energy_poles,
)
from chirospin.vibration.continuation import continued
from chirospin.vibration.frequencies import summed_with_tail
from chirospin.vibration.ladder import SPECTRUM, Rung, relative_coupling
from chirospin.vibration.model import Level, Vibration, distinct, energies_from_mu, level_of
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
Unknowns = NDArray[np.float64]
Settled = tuple[Complex, Complex]
FEWEST, MOST = 32, 2048  # positive frequencies
UNIQUE = 0.5  # of sum |U|^2/(omega T): below it the equation contracts and has one solution
DISTINCT = 1e-3  # two densities that are two: those of few frequencies are good to 1e-5
STEP = (
    1e-6  # of the self-energy, for a derivative by a difference: Newton steps need few digits of it
)


def hartree(level: Level, density: Complex) -> Complex:
    r"""The static displacement of every vibration, and what it does to the level.

    .. math:: \Sigma_H = -\sum_j \frac{1}{\omega_j}
              [U_j \mathrm{Tr}(U_j^\dagger\rho) + U_j^\dagger \mathrm{Tr}(U_j\rho)]

    The paper says that it vanishes; for a localised level it does not.

    References
    ----------
    fransson_closed_shell, below Eq. (10)
    """
    turned = level.couplings.conj().swapaxes(1, 2)
    along = np.einsum("jab,ba->j", turned, density)
    half = np.tensordot(along / level.frequencies, level.couplings, 1)
    return np.asarray(-(half + half.conj().T))


@dataclass(frozen=True, kw_only=True)
class Exchange:
    r"""The exchange loop as matrices between frequencies, one pair for each distinct coupling.

    .. math:: \Sigma(i\omega_n) = -T\sum_{j,m} \Big[\frac{U_jG(i\omega_m)U_j^\dagger}{i\nu-\omega_j}
              - \frac{U_j^\dagger G(i\omega_m)U_j}{i\nu+\omega_j}\Big], \quad \nu = \omega_n-\omega_m

    Parameters
    ----------
    couplings : distinct U, (kinds, 2, 2)
    emitting, absorbing : (kinds, n, m), n >= 0 and all m
    """

    couplings: Complex
    emitting: Complex
    absorbing: Complex

    @classmethod
    def between(cls, level: Level, count: int) -> Exchange:
        """The loop for ``count`` positive frequencies."""
        steps = np.arange(1 - count, 2 * count)  # n - m
        nu = 2j * np.pi * level.thermal_energy * steps
        place = np.arange(count)[:, None] - np.arange(-count, count) + count - 1
        kinds, emitting, absorbing = [], [], []
        for U, shares, frequencies in distinct(level):
            gaps = nu[..., None] - frequencies
            kinds.append(U)
            emitting.append(-level.thermal_energy * (shares / gaps).sum(axis=-1)[place])
            sums = nu[..., None] + frequencies
            absorbing.append(level.thermal_energy * (shares / sums).sum(axis=-1)[place])
        return cls(
            couplings=np.array(kinds),
            emitting=np.array(emitting),
            absorbing=np.array(absorbing),
        )

    def __call__(self, G: Complex) -> Complex:
        """Sigma at n >= 0 from G at n >= 0, (n, 2, 2); G(-i omega) is the adjoint."""
        both = np.concatenate([G[::-1].conj().swapaxes(1, 2), G])
        total = np.zeros_like(G)
        for U, out, back in zip(self.couplings, self.emitting, self.absorbing, strict=True):
            adjoint = U.conj().T
            total += U @ np.tensordot(out, both, 1) @ adjoint
            total += adjoint @ np.tensordot(back, both, 1) @ U
        return total


def polarised(energy: Complex, thermal_energy: float) -> Complex:
    """f(energy) of a Hermitian 2x2 matrix, its spin part without cancellation."""
    scalar, vector = scalar_and_vector(energy)
    size = float(np.sqrt((vector.real**2).sum()))
    up, down = (
        (float(scalar.real) + size) / thermal_energy,
        (float(scalar.real) - size) / thermal_energy,
    )
    mean = 0.5 * float(fermi(up) + fermi(down)) * np.eye(2)
    if not size:
        return np.asarray(mean, dtype=complex)
    gap = 0.5 * float(fermi_difference(up, down)) * vector.real / size
    return np.asarray(mean + np.tensordot(gap, PAULI, 1))


class SCBA(Rung):
    """Dyson's equation with the self-energy of the dressed level, without Hartree term.

    Given is the solution that grows from zero coupling; where its branch turns back there is none.

    References
    ----------
    mahan_2000, Chap. 3
    """

    name: ClassVar[str] = "scba"
    summary: ClassVar[str] = "self-consistent Born approximation, exchange only"
    references: ClassVar[tuple[str, ...]] = ("fransson_closed_shell", "mahan_2000")
    with_hartree: ClassVar[bool] = False

    search_points: int = Field(
        default=24, ge=2, le=10000, description="temperatures at which it looks"
    )
    tolerance: float = Field(
        default=1e-12, ge=1e-15, le=1e-6, description="of the self-energy, relative to the coupling"
    )
    accuracy: float = Field(
        default=1e-9,
        ge=1e-14,
        le=1e-3,
        description="change of the density with twice the frequencies",
    )
    iterations: int = Field(default=400, ge=1, le=100_000, description="of the self-consistency")

    def state(self, model: Vibration, needs: Needs = NOTHING) -> VibrationState:
        """The level in equilibrium; frequencies are doubled until nothing changes."""
        level = level_of(model)
        found, outcome, change, settled = self._solved(level)
        shown = outcome.converged and SPECTRUM in needs
        return VibrationState(
            density=found.density,
            moment=found.moment,
            norm=None,
            left_out=level.hubbard,
            truncation=change,
            outcome=outcome,
            other_solutions=self._others(level, found, converged=outcome.converged),
            expanded=True,
            parts={SPECTRUM: self._spectrum(model, settled)} if shown else {},
        )

    def moment_at(self, model: Vibration, thermal_energy: float) -> Array:
        """NaN where the self-consistency fails."""
        found, outcome, _, _ = self._solved(level_of(model, thermal_energy=thermal_energy))
        return found.moment if outcome.converged else np.full(3, np.nan)

    def spectrum_of(self, model: Vibration, finer: int = 1) -> Array:
        """With more nodes of the bath, after solving anew."""
        return self._spectrum(model, self._solved(level_of(model))[3], finer)

    def _spectrum(self, model: Vibration, settled: Settled, finer: int = 1) -> Array:
        """Of spin up and down, (2, energies); NaN where the continuation does not settle."""
        level = level_of(model, finer, resolution=self.broadening)
        sigma, shift = settled
        reference = _shifted(level, shift)
        z = 1j * np.pi * level.thermal_energy * (2 * np.arange(len(sigma)) + 1)
        empty = z[:, None, None] * np.eye(2) - reference.energy
        departure = np.linalg.inv(empty - sigma) - np.linalg.inv(empty)
        omega = energies_from_mu(model)
        G = continued(level, reference, departure, omega, self.broadening)
        if G is None:
            return np.full((2, omega.size), np.nan)
        return np.stack([-G[:, s, s].imag / np.pi for s in (0, 1)])

    def _solved(self, level: Level) -> tuple[Thermal, Outcome, float, Settled]:
        if level.width:
            raise ModelError(
                f"Parameter `reservoir_coupling` must be 0 (in meV) for the method {self.name}, but is "
                f"{level.width:g}; use second-order"
            )
        start, spent, reason = self._grown(level)
        if reason:
            nothing = np.full((2, 2), np.nan, dtype=complex)
            lost = Thermal(density=nothing, moment=np.full(3, np.nan))
            return (
                lost,
                Outcome(converged=False, residual=np.inf, iterations=spent, reason=reason),
                np.inf,
                start,
            )
        count, before, change = FEWEST, None, np.inf
        while True:
            equation = _Equation.of(level, count, with_hartree=self.with_hartree)
            found, start, point = self._from(equation, start)
            spent += point.iterations
            if not point.converged:
                reason = "the self-consistency did not settle; raise the temperature or iterations"
                return (
                    found,
                    Outcome(
                        converged=False, residual=point.residual, iterations=spent, reason=reason
                    ),
                    change,
                    start,
                )
            if before is not None:
                change = float(np.abs(found.density - before.density).max())
                if change < self.accuracy:
                    return (
                        found,
                        Outcome(
                            converged=True, residual=point.residual, iterations=spent, reason=""
                        ),
                        change,
                        start,
                    )
            if count >= MOST:
                reason = f"{count} frequencies do not settle the density; raise the temperature"
                return (
                    found,
                    Outcome(converged=False, residual=change, iterations=spent, reason=reason),
                    change,
                    start,
                )
            before, count = found, 2 * count

    def _grown(self, level: Level) -> tuple[Settled, int, str]:
        """Where the branch from zero coupling leads at few frequencies, and why it does not."""
        equation = _Equation.of(level, FEWEST, with_hartree=self.with_hartree)
        nothing = np.zeros((0, 2, 2), dtype=complex), np.zeros((2, 2), dtype=complex)
        if relative_coupling(level) < UNIQUE:
            return nothing, 0, ""
        start = equation.improved(equation.packed(*nothing) * 0)
        branch = follow(equation.linearised, start, limit=self.iterations)
        if branch.share == 1:
            return equation.unpacked(branch.value), branch.evaluations, ""
        if np.isnan(branch.fold):
            reason = (
                f"the branch from zero coupling was followed to {branch.share:.3g} of its square"
            )
        else:
            reason = (
                f"the branch from zero coupling ends at a fold at {branch.fold:.3g} of its square: "
                "raise the temperature or take a smaller coupling"
            )
        return nothing, branch.evaluations, reason

    def _from(self, equation: _Equation, start: Settled) -> tuple[Thermal, Settled, FixedPoint]:
        """Self-consistent at one number of frequencies, from a start at fewer."""
        first = equation.packed(*start)
        point = anderson(equation.improved, first, tolerance=self.tolerance, limit=self.iterations)
        sigma, shift = equation.unpacked(point.value.copy())
        _, _, density = equation.dressed(sigma, shift)
        moment = scalar_and_vector(density)[1].real
        return Thermal(density=density, moment=moment), (sigma, shift), point

    def _others(self, level: Level, known: Thermal, *, converged: bool) -> int:
        """How many other densities are met from the static shifts of an empty, full or polarised level."""
        if relative_coupling(level) < UNIQUE:
            return 0
        equation = _Equation.of(level, FEWEST, with_hartree=self.with_hartree)
        kept = [known.density] if converged else []
        up, down = np.diag([1.0 + 0j, 0]), np.diag([0j, 1])
        for density in (0 * up, up, down, up + down):
            start = np.zeros((0, 2, 2), dtype=complex), hartree(level, density)
            found, _, point = self._from(equation, start)
            if point.converged and all(
                np.abs(found.density - one).max() > DISTINCT for one in kept
            ):
                kept.append(found.density)
        return len(kept) - converged


@dataclass(frozen=True, kw_only=True)
class _Equation:
    r"""The self-consistent equation at a number of frequencies, on Sigma and the static shift packed.

    Both are proportional to the square of the coupling beside what they do to G, so that x = F(s x) is the
    equation at a share s of it, for x over s.

    Parameters
    ----------
    z : i omega_n, (n,)
    """

    level: Level
    z: Complex
    loop: Exchange
    with_hartree: bool

    @classmethod
    def of(cls, level: Level, count: int, *, with_hartree: bool) -> _Equation:
        """For ``count`` positive frequencies."""
        z = 1j * np.pi * level.thermal_energy * (2 * np.arange(count) + 1)
        return cls(level=level, z=z, loop=Exchange.between(level, count), with_hartree=with_hartree)

    def packed(self, sigma: Complex, shift: Complex) -> Unknowns:
        """Real numbers; frequencies that Sigma lacks are those of the free level."""
        whole = self_energy(self_energy_poles(self.level), self.z)
        whole[: len(sigma)] = sigma[: len(self.z)]
        return np.asarray(np.concatenate([whole, shift[None]]).ravel().view(float))

    def unpacked(self, x: Unknowns) -> Settled:
        """Sigma and the static shift."""
        both = np.ascontiguousarray(x).view(complex).reshape(-1, 2, 2)
        return both[:-1], both[-1]

    def dressed(self, sigma: Complex, shift: Complex) -> tuple[Complex, Complex, Complex]:
        """G, the reference g, and the density matrix."""
        T, energy = self.level.thermal_energy, self.level.energy + shift
        z = self.z[:, None, None] * np.eye(2)
        full, bare = green_parts(z - energy - sigma), green_parts(z - energy)
        scalar = 2 * T * summed_with_tail((full[0] - bare[0]).real, self.z.imag, T)
        vector = 2 * T * summed_with_tail((full[1] - bare[1]).real, self.z.imag, T)
        density = polarised(energy, T) + scalar * np.eye(2)
        return _matrix(full), _matrix(bare), density + np.tensordot(vector, PAULI, 1)

    def improved(self, x: Unknowns) -> Unknowns:
        """F(x)."""
        sigma, shift = self.unpacked(x)
        G, g, density = self.dressed(sigma, shift)
        moved = hartree(self.level, density) if self.with_hartree else np.zeros((2, 2), complex)
        poles = self_energy_poles(_shifted(self.level, shift))
        new = self_energy(poles, self.z) + self.loop(G - g)
        return np.asarray(np.concatenate([new, moved[None]]).ravel().view(float))

    def linearised(self, x: Unknowns) -> tuple[Unknowns, Action]:
        """F(x) and the action of its derivative on rows, by differences."""
        value = self.improved(x)
        size = float(np.linalg.norm(value))

        def action(rows: Unknowns) -> Unknowns:
            steps = STEP * size / np.maximum(np.linalg.norm(rows, axis=1), 1e-300)
            moved = (self.improved(x + h * row) for h, row in zip(steps, rows, strict=True))
            return np.array([(new - value) / h for new, h in zip(moved, steps, strict=True)])

        return value, action


def _shifted(level: Level, shift: Complex) -> Level:
    """The level with a static shift."""
    return replace(level, energy=level.energy + shift)


def _matrix(parts: tuple[Complex, Complex]) -> Complex:
    scalar, vector = parts
    return np.asarray(scalar[:, None, None] * np.eye(2) + np.tensordot(vector, PAULI, 1))


class SCBAHartree(SCBA):
    """Self-consistent Born with the Hartree term: the paper's model at second order done in full."""

    name: ClassVar[str] = "scba-hartree"
    summary: ClassVar[str] = "self-consistent Born approximation with the Hartree term"
    with_hartree: ClassVar[bool] = True
