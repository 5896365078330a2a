r"""One-electron theories at finite bias in closed form: transmission and self-consistent mean field.

With :math:`K = h - i\Gamma/2 = R z R^{-1}` and a wide band every integral over energy is one of

.. math:: F_l(z) = \int \frac{d\omega}{2\pi} \frac{f_l(\omega)}{\omega - z}
                 = \frac{\psi(\tfrac12 + i(z - \mu_l)/2\pi T_l) + \log T_l}{2\pi} - \frac{i}{4} + const,
          \qquad \mathrm{Im}\,z < 0
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import digamma

from chirospin.base.method import LOOSEST, MOST_STEPS, TIGHTEST, Method
from chirospin.junction.biased_state import BiasedState, left_current
from chirospin.junction.mean_field import mean_field
from chirospin.junction.model import interaction, lead_couplings
from chirospin.junction.reservoirs import (
    BiasedJunction,
    Reservoirs,
    gated_hamiltonian,
    require_no_dephasing,
    reservoirs,
)
from chirospin.junction.state import UNREACHED, unreached
from chirospin.numerics.fermi import fermi, fermi_difference
from chirospin.numerics.fixed_point import FixedPoint, anderson
from chirospin.numerics.outcome import Outcome
from chirospin.numerics.sylvester import pack, unpack

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
TAIL = 40.0  # temperatures beyond the chemical potentials where Fermi functions end
DEFECTIVE = 1e-9
MERGED = (
    "two decaying modes merge (an exceptional point), where the closed form loses its digits; "
    "change a hopping or a coupling slightly"
)


@dataclass(frozen=True, kw_only=True)
class Modes:
    """Decaying modes of a stack joined to both leads, one magnetisation.

    Parameters
    ----------
    energies, vectors : z and R of K, (n,) and (n, n)
    widths : R^-1 Gamma_l R^-+, (lead, n, n)
    coupling : (lead, n), eV
    error : how far R z R^-1 is from K, relative
    """

    energies: Complex
    vectors: Complex
    widths: Complex
    coupling: Real
    error: float

    @classmethod
    def of(cls, h: Complex, coupling: Real) -> Modes:
        """Of a one-body Hamiltonian."""
        K = h - 0.5j * np.diag(coupling.sum(axis=0))
        z, R = np.linalg.eig(K)
        inverse = np.linalg.inv(R)
        error = np.linalg.norm((R * z) @ inverse - K) / max(float(np.linalg.norm(K)), 1e-300)
        return cls(
            energies=z,
            vectors=R,
            widths=np.stack([(inverse * g) @ inverse.conj().T for g in coupling]),
            coupling=coupling,
            error=float(error),
        )

    def integral(self, lead: int, first: Complex, second: Complex) -> Complex:
        r"""R [W_ij (first_i - second_j^*)/(z_i - z_j^*)] R^+ with the widths W of one lead."""
        gap = self.energies[:, None] - np.conj(self.energies)
        inner = self.widths[lead] * (first[:, None] - np.conj(second)) / gap
        return np.asarray(self.vectors @ inner @ self.vectors.conj().T)


def lead_integral(z: Complex, mu: float, T: float) -> Complex:
    r"""F_l(z) for Im z < 0, without the constant of the cutoff."""
    return np.asarray(
        (digamma(0.5 + 0.5j * (z - mu) / (np.pi * T)) + np.log(T)) / (2 * np.pi) - 0.25j
    )


def lesser_density(modes: Modes, leads: Reservoirs) -> Complex:
    r"""One-body density of electrons that do not see each other.

    .. math:: \langle c^+_b c_a \rangle = \sum_l \Big( R \Big[ (R^{-1}\Gamma_l R^{-+})_{ij}
              \frac{F_l(z_i) - F_l(z_j)^*}{z_i - z_j^*} \Big] R^+ \Big)_{ab}

    Returns
    -------
    :math:`G_{mn} = \langle c^+_m c_n \rangle`, (n, n)
    """
    total = np.zeros_like(modes.vectors)
    for lead in (0, 1):
        F = lead_integral(modes.energies, leads.potential[lead], leads.thermal_energy[lead])
        total = total + modes.integral(lead, F, F)
    return np.asarray(total.T)


def transmitted(modes: Modes, leads: Reservoirs) -> tuple[float, float]:
    r"""Currents of electrons and of energy from the left to the right lead.

    .. math:: I = \int \frac{d\omega}{2\pi} (f_L - f_R)\, Tr[\Gamma_L G \Gamma_R G^+], \qquad
              I_E = \int \frac{d\omega}{2\pi}\, \omega\, (f_L - f_R)\, Tr[\Gamma_L G \Gamma_R G^+]
    """
    z = modes.energies
    left, right = (
        lead_integral(z, leads.potential[l], leads.thermal_energy[l])
        for l in (0, 1)  # noqa: E741
    )
    difference = left - right
    particles = np.diagonal(modes.integral(1, difference, difference)).real
    energy = np.diagonal(modes.integral(1, z * difference, z * difference)).real
    return float(modes.coupling[0] @ particles), float(modes.coupling[0] @ energy)


def scattering_noise(modes: Modes, leads: Reservoirs, tolerance: float) -> float:
    r"""Zero-frequency noise, the second cumulant per time.

    .. math:: S = \int \frac{d\omega}{2\pi} \{ Tr[\tau] [f_L(1-f_L) + f_R(1-f_R)]
              + Tr[\tau(1-\tau)] (f_L - f_R)^2 \}
    """
    mu, T = leads.potential, leads.thermal_energy
    gL, gR = np.sqrt(modes.coupling)
    inverse = np.linalg.inv(modes.vectors)

    from scipy.integrate import quad_vec  # a tenth of a second to import

    def integrand(omega: float) -> float:
        G = (modes.vectors / (omega - modes.energies)) @ inverse
        t = gL[:, None] * G * gR
        tau = t @ t.conj().T
        first = np.trace(tau).real
        second = np.sum(np.abs(tau) ** 2)
        x = (omega - mu) / T
        thermal = float((fermi(x) * fermi(-x)).sum())
        drive = float(fermi_difference(x[0], x[1])) ** 2
        return float((first * thermal + (first - second) * drive) / (2 * np.pi))

    low, high = float((mu - TAIL * T).min()), float((mu + TAIL * T).max())
    inside = np.concatenate([modes.energies.real, mu])
    points = np.unique(inside[(inside > low) & (inside < high)])
    value, _ = quad_vec(integrand, low, high, epsrel=tolerance, epsabs=0, points=points)
    return float(value)


class BiasedLandauer(Method):
    """Transmission at finite bias and temperature; every repulsion is left out."""

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = "transmission without interaction, any number of molecules"
    references: ClassVar[tuple[str, ...]] = ("meir_wingreen_1992",)

    counting: bool = Field(True, description="whether to integrate the noise too")

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """States without interaction."""
        return map(self._state, models)

    def _state(self, model: BiasedJunction) -> BiasedState:
        require_no_dephasing(model, self.name)
        h, leads = gated_hamiltonian(model), reservoirs(model)
        both = [Modes.of(h, coupling) for coupling in lead_couplings(model)]
        noise = None
        if self.counting:
            noise = np.array([scattering_noise(modes, leads, 1e-10) for modes in both])
        return one_electron_state(
            self.with_options(counting=False),
            h,
            leads,
            both,
            [Outcome(converged=True, residual=modes.error, iterations=1) for modes in both],
            noise=noise,
            interaction_kept=False,
        )


def one_electron_state(
    method: Method,
    h: Complex,
    leads: Reservoirs,
    both: Sequence[Modes],
    outcomes: Sequence[Outcome],
    *,
    noise: Real | None = None,
    interaction_kept: bool = True,
) -> BiasedState:
    """State from the modes of both magnetisations."""
    flows = np.array([transmitted(modes, leads) for modes in both])
    checked = [_checked(h, modes, outcome) for modes, outcome in zip(both, outcomes, strict=True)]
    return BiasedState(
        one_body_density=np.stack([lesser_density(modes, leads) for modes in both]),
        lead_current=flows[:, :1] * [1.0, -1.0],
        energy_current=flows[:, 1:] * [1.0, -1.0],
        outcomes=(checked[0], checked[1]),
        currents=lambda model: left_current(method, model),
        noise=noise,
        interaction_kept=interaction_kept,
    )


def _checked(h: Complex, modes: Modes, outcome: Outcome) -> Outcome:
    reason = outcome.reason
    if unreached(np.array(-2 * modes.energies.imag.max()), h):
        reason = UNREACHED
    elif not modes.error <= DEFECTIVE:
        reason = MERGED
    return Outcome(
        converged=not reason,
        residual=outcome.residual,
        iterations=outcome.iterations,
        reason=reason,
    )


class BiasedMeanField(Method):
    """Self-consistent Hartree-Fock at finite bias and temperature; failure to converge is data.

    .. math:: h' = h + \\delta_{mn} \\sum_k W_{mk} n_k - W_{mn} \\langle c^+_n c_m \\rangle
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, any number of molecules"
    references: ClassVar[tuple[str, ...]] = ("anderson_1965",)

    tolerance: float = Field(1e-11, ge=TIGHTEST, le=LOOSEST, description="largest |F(G) - G| / |G|")
    iterations: int = Field(300, ge=1, le=MOST_STEPS, description="most evaluations of the map")
    depth: int = Field(
        8, ge=0, le=100, description="differences kept by the acceleration; 0: plain mixing"
    )
    mixing: float = Field(0.5, gt=0, le=1, description="weight of the new density in one step")

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return map(self._state, models)

    def _state(self, model: BiasedJunction) -> BiasedState:
        require_no_dephasing(model, self.name)
        h, terms, leads = gated_hamiltonian(model), interaction(model), reservoirs(model)
        both, outcomes = [], []
        for coupling in lead_couplings(model):

            def density_map(packed: Real, coupling: Real = coupling) -> Real:
                shifted = h + mean_field(terms, unpack(packed.reshape(h.shape)))
                return pack(lesser_density(Modes.of(shifted, coupling), leads)).ravel()

            found: FixedPoint = anderson(
                density_map,
                pack(lesser_density(Modes.of(h, coupling), leads)).ravel(),
                tolerance=self.tolerance,
                limit=self.iterations,
                depth=self.depth,
                mixing=self.mixing,
            )
            both.append(
                Modes.of(h + mean_field(terms, unpack(found.value.reshape(h.shape))), coupling)
            )
            outcomes.append(
                Outcome(
                    converged=found.converged,
                    residual=found.residual,
                    iterations=found.iterations,
                    reason=""
                    if found.converged
                    else "no self-consistent density found; a smaller interaction, more iterations "
                    "or less mixing may converge",
                )
            )
        return one_electron_state(self, h, leads, both, outcomes)
