r"""One-electron theories at finite bias in closed form: transmission and self-consistent mean field.

With :math:`K = h - i\Gamma/2 = R z R^{-1}` and a wide band every integral over energy is one of

.. math:: F_l(z) = \int \frac{d\omega}{2\pi} \frac{f_l(\omega)}{\omega - z}
                 = \frac{\psi(\tfrac12 + i(z - \mu_l)/2\pi T_l) + \log T_l}{2\pi} - \frac{i}{4} + const,
          \qquad \mathrm{Im}\,z < 0
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi, fermi_difference
from chirospin.base.method import LOOSEST, MOST_STEPS, NOTHING, TIGHTEST, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.closed_forms import (
    Modes,
    lead_integral,
    lesser_density,
    transmitted,
    widths_of,
)
from chirospin.junction.bias.model import (
    BiasedJunction,
    Reservoirs,
    chains_of,
    gated_hamiltonian,
    require_no_dephasing,
    reservoirs_of,
)
from chirospin.junction.bias.parts import BIAS_RESPONSE, LEAD_RESPONSE, NOISE
from chirospin.junction.bias.scattering_parts import bias_response, lead_response, spin_flow
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.bias.structured import (
    Bands,
    StructuredEquation,
    structured_flows,
)
from chirospin.junction.couplings import factorised
from chirospin.junction.floating import require_no_floating
from chirospin.junction.grown import Found, grown, other_densities, with_others
from chirospin.junction.manybody.spin_flow import SPIN_FLOW
from chirospin.junction.model import (
    Interaction,
    far_apart,
    floating_leads,
    interaction,
    magnetised_widths,
)
from chirospin.junction.probed import (
    DEFECTIVE,
    MAGNETISED,
    MERGED,
    UNPOLARISED,
    probed_outcomes,
    probed_system,
    require_no_probes,
    unpolarised_current,
)
from chirospin.junction.self_consistent import FieldEquation
from chirospin.junction.state import UNREACHED, unreached
from chirospin.numerics.newton import newton_krylov
from chirospin.numerics.sylvester import dagger
from chirospin.scattering.currents import Window, currents
from chirospin.scattering.densities import Decay
from chirospin.scattering.probes import probe_kind

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
TAIL = 40.0  # temperatures beyond the chemical potentials where Fermi functions end
MET = 1e-6  # of the largest energy: modes closer than this take the limit of a quotient
STEP = 1e-3  # of T, for a derivative of F: to 1e-7, and Newton steps need few digits of it
PANELS = 500  # of the noise integral; where rounding keeps it from its tolerance more do not help


def scattering_noise(modes: Modes, reservoirs: Reservoirs, tolerance: float) -> float:
    r"""Zero-frequency noise, the second cumulant per time.

    .. math:: S = \int \frac{d\omega}{2\pi} \{ Tr[\tau] [f_L(1-f_L) + f_R(1-f_R)]
              + Tr[\tau(1-\tau)] (f_L - f_R)^2 \}
    """
    mu, T = reservoirs.potential, reservoirs.thermal_energy
    roots = [_root(gamma) for gamma in modes.coupling]
    inverse = np.linalg.inv(modes.vectors)

    from scipy.integrate import quad_vec  # a tenth of a second to import

    def integrand(omega: float) -> float:
        G = (modes.vectors / (omega - modes.energies)) @ inverse
        x = (omega - mu) / T
        return _counted(G, roots, x) / (2 * np.pi)

    low, high = float((mu - TAIL * T).min()), float((mu + TAIL * T).max())
    inside = np.concatenate([modes.energies.real, mu])
    points = np.unique(inside[(inside > low) & (inside < high)])
    value, _, told = quad_vec(
        integrand,
        low,
        high,
        epsrel=tolerance,
        epsabs=0,
        points=points,
        limit=PANELS,
        full_output=True,
    )
    return float(value) if told.success else float("nan")


def _root(gamma: NDArray[Any]) -> Complex:
    """The square root of a width, (n, n)."""
    if gamma.ndim == 1:
        return np.diag(np.sqrt(gamma)).astype(complex)
    strength, vectors = factorised(gamma)
    return np.asarray((vectors.T * np.sqrt(strength)) @ vectors.conj())


def _counted(G: Complex, roots: Sequence[Complex], x: Real) -> float:
    """Noise of the first lead at one energy, times 2 pi; x are (omega - mu)/T of the leads."""
    first = roots[0]
    amplitudes = [first @ G @ root for root in roots[1:]]
    through = [t @ t.conj().T for t in amplitudes]
    thermal = np.array([float(fermi(y) * fermi(-y)) for y in x])
    total = sum(through[1:], start=through[0])
    value = float(np.trace(total).real) * thermal[0]
    for one, heat, y in zip(through, thermal[1:], x[1:], strict=True):
        value += float(np.trace(one).real) * heat
        drive = float(fermi_difference(x[0], y)) ** 2
        value += drive * float(np.trace(one - one @ total).real)
    for i, one in enumerate(through):  # what other leads exchange among themselves at this one
        for j in range(i):
            drive = float(fermi_difference(x[1 + i], x[1 + j])) ** 2
            value += drive * float(np.trace(one @ through[j]).real)
    return float(value)


class BiasedLandauer(Method):
    """Transmission at finite bias and temperature, with probes or none; every repulsion is left out."""

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = (
        "transmission without interaction, with probes or none, any number of molecules"
    )
    references: ClassVar[tuple[str, ...]] = (
        "meir_wingreen_1992",
        "buttiker_1986",
        "d_amato_pastawski_1990",
    )

    counting: bool = Field(
        default=True, description="whether to integrate the noise where it is asked for"
    )
    gives: ClassVar[Needs] = frozenset(
        {NOISE, UNPOLARISED, SPIN_FLOW, BIAS_RESPONSE, LEAD_RESPONSE}
    )

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """States without interaction."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[BiasedJunction], needs: Needs) -> Iterator[BiasedState]:
        """The same with noise, and with the current from a lead that is not magnetised."""
        return (self._state(model, needs) for model in models)

    def _state(self, model: BiasedJunction, needs: Needs) -> BiasedState:
        require_no_dephasing(model, self.name)
        if chains_of(model) is not None:
            return _structured(model, needs)
        coherent = probe_kind(model) == "none"
        state, modes = _coherent(model) if coherent else (_probed(model), [])
        parts: dict[str, Any] = {}
        if NOISE in needs:
            counted = modes if self.counting and not floating_leads(model) else []
            noise = [scattering_noise(one, reservoirs_of(model), 1e-10) for one in counted]
            parts[NOISE] = np.array(noise) if noise else None
        if UNPOLARISED in needs:
            system = probed_system(model, gated_hamiltonian(model))
            parts[UNPOLARISED] = unpolarised_current(system, model, _window(model))
        return replace(state, parts={**parts, **_asked(model, modes, needs)})


def _asked(model: BiasedJunction, modes: list[Modes], needs: Needs) -> dict[str, Any]:
    """Spin flow and linear response, without probes."""
    asked = needs & {SPIN_FLOW, BIAS_RESPONSE, LEAD_RESPONSE}
    if not asked:
        return {}
    if not modes:
        raise ModelError(
            f"Parameter `probe` must be none where spin currents or linear response are asked for, but is "
            f"{probe_kind(model)}"
        )
    reservoirs = reservoirs_of(model)
    parts: dict[str, Any] = {}
    if SPIN_FLOW in asked:
        parts[SPIN_FLOW] = spin_flow(gated_hamiltonian(model), reservoirs, modes, model.own_spin)
    if BIAS_RESPONSE in asked:
        parts[BIAS_RESPONSE] = bias_response(model)
    if LEAD_RESPONSE in asked:
        parts[LEAD_RESPONSE] = lead_response(reservoirs, modes)
    return parts


def structured_equations(model: BiasedJunction, terms: Interaction) -> list[StructuredEquation]:
    """Electrons between leads with bands, both magnetisations.

    Raises
    ------
    ModelError : probes
    """
    require_no_probes(model)
    require_no_floating(model, "leads with a band", "wide ones")
    found = chains_of(model)
    assert found is not None
    hopping, centre = found
    return [
        StructuredEquation(
            h=gated_hamiltonian(model),
            terms=terms,
            gamma=gamma,
            bands=Bands(hopping=hopping, centre=centre),
            reservoirs=reservoirs_of(model),
        )
        for gamma in magnetised_widths(model)
    ]


def _structured(model: BiasedJunction, needs: Needs) -> BiasedState:
    """Between leads with bands."""
    equations = structured_equations(model, interaction(model))
    both = [equation.in_field(equation.h) for equation in equations]
    up, down = (one.outcome() for one in both)
    lost = (NOISE, UNPOLARISED)
    if UNPOLARISED in needs:
        raise ModelError(
            "Parameter `lead_chain_hoppings` must be left out (in eV) for transmitted_spin, whose leads have wide bands"
        )
    return BiasedState(
        **structured_flows(both),
        outcomes=(up, down),
        interaction_kept=False,
        parts={name: None for name in lost if name in needs},
    )


def _coherent(model: BiasedJunction) -> tuple[BiasedState, list[Modes]]:
    h = gated_hamiltonian(model)
    both = [Modes.of(h, coupling) for coupling in widths_of(model)]
    outcomes = [Outcome(converged=True, residual=one.error, iterations=1) for one in both]
    ends = [_floated(model, one) for one in both]
    return one_electron_state(h, ends, both, outcomes, interaction_kept=False), both


def _floated(model: BiasedJunction, modes: Modes) -> Reservoirs:
    """The leads with the potentials of voltage probes."""
    reservoirs = reservoirs_of(model)
    return reservoirs.floated(
        lambda mu: transmitted(modes, replace(reservoirs, potential=mu))[0], floating_leads(model)
    )


def _window(model: BiasedJunction) -> Window:
    """The leads of the model; of equal ones the linear response."""
    reservoirs = reservoirs_of(model)
    return Window(
        bias=float(reservoirs.potential[0] - reservoirs.potential[1]),
        fermi_energy=float(reservoirs.potential.mean()),
        thermal_energy=float(reservoirs.thermal_energy.mean()),
        thermal_energy_difference=float(
            reservoirs.thermal_energy[0] - reservoirs.thermal_energy[1]
        ),
    )


def _probed(model: BiasedJunction) -> BiasedState:
    """With probes that carry no current: what the right lead fills in closed form, the rest by panels."""
    h, reservoirs, window = gated_hamiltonian(model), reservoirs_of(model), _window(model)
    system = probed_system(model, h)
    found = currents(system, probe_kind(model), window, MAGNETISED)
    driven = 0.0 if window.linear else 1.0  # between equal leads nothing flows
    both = [Decay.of(system.magnetised(m)) for m in MAGNETISED]
    densities = []
    for current, decay in zip(found, both, strict=True):
        F = lead_integral(decay.energies, reservoirs.potential[1], reservoirs.thermal_energy[1])
        above = driven * decay.above_right(current.filling)
        densities.append((decay.filled(F) + above).T)
    sides = np.array([1.0, -1.0])
    return BiasedState(
        one_body_density=np.stack(densities),
        lead_current=driven * np.array([[one.left, -one.right] for one in found]),
        energy_current=driven * np.array([one.energy * sides for one in found]),
        outcomes=probed_outcomes(model, h, found, both),
        interaction_kept=False,
    )


def one_electron_state(
    h: Complex,
    ends: Sequence[Reservoirs],
    both: Sequence[Modes],
    outcomes: Sequence[Outcome],
    *,
    interaction_kept: bool = True,
) -> BiasedState:
    """State from the modes of both magnetisations."""
    pairs = list(zip(both, ends, strict=True))
    flows = np.array([transmitted(*pair) for pair in pairs])  # (magnetisation, flow, lead)
    checked = [_checked(h, modes, outcome) for modes, outcome in zip(both, outcomes, strict=True)]
    return BiasedState(
        one_body_density=np.stack([lesser_density(*pair) for pair in pairs]),
        lead_current=flows[:, 0],
        energy_current=flows[:, 1],
        outcomes=(checked[0], checked[1]),
        interaction_kept=interaction_kept,
        lead_levels=np.stack([end.potential for end in ends]),
    )


def _diagonals(coupling: NDArray[Any]) -> Real:
    """Couplings of single orbitals, (lead, n)."""
    return coupling if coupling.ndim == 2 else np.einsum("lkk->lk", coupling).real


def _checked(h: Complex, modes: Modes, outcome: Outcome) -> Outcome:
    reason = outcome.reason
    if unreached(np.array(-2 * modes.energies.imag.max()), h):
        reason = far_apart(h, coupling=_diagonals(modes.coupling)) or UNREACHED
    elif not modes.error <= DEFECTIVE:
        reason = MERGED
    return Outcome(
        converged=not reason,
        residual=outcome.residual,
        iterations=outcome.iterations,
        reason=reason,
    )


@dataclass(frozen=True, kw_only=True)
class BiasedEquation(FieldEquation):
    """Leads of finite bias and temperature.

    Parameters
    ----------
    coupling : (lead, n), or Gamma of every lead, (lead, n, n), eV
    reservoirs : potentials and temperatures
    """

    coupling: Real
    reservoirs: Reservoirs

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Orbitals that the Hamiltonian or a lead joins."""
        pattern = self.h != 0
        if self.coupling.ndim == 3:
            pattern = pattern | self.coupling.any(axis=0)
        return np.asarray(pattern)

    def in_field(self, h: Complex) -> BiasedField:
        """Electrons without interaction in a Hamiltonian with its field."""
        modes = Modes.of(h, self.coupling)
        return BiasedField(equation=self, modes=modes, G=lesser_density(modes, self.reservoirs))

    def residual(self, G: Complex) -> float:
        """Of G = G(h + Delta(G)) on the elements that the field reads, relative."""
        x = self.packed(G)
        change = self.packed(self.solved(x).G) - x
        return float(np.linalg.norm(change)) / max(float(np.linalg.norm(x)), 1e-300)


@dataclass(frozen=True, kw_only=True)
class BiasedField:
    r"""Density in a given field, and its linear response.

    .. math:: \delta\rho = R\Big[\sum_{kl} D_{ik} W^l_{kj} \frac{A^l_{ij} - A^l_{kj}}{z_i - z_k}\Big] R^+
              + h.c., \quad D = R^{-1}\delta h\,R, \quad A^l_{ij} = \frac{F_l(z_i) - F_l(z_j)^*}{z_i - z_j^*}

    with a derivative for the quotient where two energies meet.
    """

    equation: BiasedEquation
    modes: Modes
    G: Complex

    def response(self, v: Real) -> Real:
        """Changes of G on the mask for changes of the density that makes the field, (..., size)."""
        row, column = self.equation.mask
        R = self.modes.vectors
        change = np.zeros((*v.shape[:-1], *R.shape), dtype=complex)
        change[..., row, column] = self.equation.on_mask(v)
        D = self._inverse @ change @ R
        inner = np.empty_like(D)
        for i, quotients in enumerate(self._quotients()):
            inner[..., i, :] = D[..., i, :] @ quotients
        half = R @ inner @ R.conj().T
        moved = (half + dagger(half))[..., column, row]  # G is the transposed of rho
        return np.asarray(moved.real + moved.imag)

    @cached_property
    def _inverse(self) -> Complex:
        return np.asarray(np.linalg.inv(self.modes.vectors))

    def _quotients(self) -> Iterator[Complex]:
        """For each i the matrix over k and j that stands beside D_ik."""
        z, widths = self.modes.energies, self.modes.widths
        gap = z[:, None] - np.conj(z)
        F, slope = self._integrals
        A = (F[:, :, None] - np.conj(F)[:, None, :]) / gap
        for i in range(z.size):
            apart = z[i] - z
            met = np.abs(apart) <= MET * np.abs(z).max()
            quotient = (A[:, i, None, :] - A) / np.where(met, 1.0, apart)[:, None]
            limit = (slope[:, i, None, None] - A[:, i, None, :]) / gap[i]
            yield (widths * np.where(met[:, None], limit, quotient)).sum(axis=0)

    @cached_property
    def _integrals(self) -> tuple[Complex, Complex]:
        """F_l(z) and its derivative, (lead, n)."""
        reservoirs, z = self.equation.reservoirs, self.modes.energies
        ends = list(zip(reservoirs.potential, reservoirs.thermal_energy, strict=True))
        F = np.array([lead_integral(z, mu, T) for mu, T in ends])
        above, below = (
            np.array([lead_integral(z + s * STEP * T, mu, T) for mu, T in ends]) for s in (1, -1)
        )
        return F, (above - below) / (2 * STEP * reservoirs.thermal_energy[:, None])


class BiasedMeanField(Method):
    """Self-consistent Hartree-Fock at finite bias and temperature; failure to converge is data.

    .. math:: h' = h + \\delta_{mn} \\sum_k W_{mk} n_k - W_{mn} \\langle c^+_n c_m \\rangle

    For either magnetisation the solution that grows from the one without interaction, as at infinite bias.
    """

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, any number of molecules"
    references: ClassVar[tuple[str, ...]] = ("keller_1977", "eisenstat_walker_1996")

    tolerance: float = Field(1e-11, ge=TIGHTEST, le=LOOSEST, description="largest |F(G) - G| / |G|")
    iterations: int = Field(
        300, ge=1, le=MOST_STEPS, description="most evaluations of the map on the way"
    )
    continuation: int = Field(2, ge=1, le=10_000, description="first steps in U along the branch")
    others: bool = Field(default=True, description="look for other solutions and count them")

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return map(self._state, models)

    def _state(self, model: BiasedJunction) -> BiasedState:
        require_no_dephasing(model, self.name)
        require_no_probes(model)
        require_no_floating(model, f"method {self.name}", "landauer and ule")
        if chains_of(model) is not None:
            return self._structured(model)
        h, reservoirs = gated_hamiltonian(model), reservoirs_of(model)
        both, outcomes, beside = [], [], []
        for equation in self.equations(model):
            found, outcome = grown(
                equation, self.newton, steps=self.continuation, limit=self.iterations
            )
            others = other_densities(equation, self.newton, found) if self.others else 0
            shifted = h + equation.field(found.x).toarray()
            both.append(Modes.of(shifted, equation.coupling))
            outcomes.append(with_others(outcome, others))
            beside.append(others)
        state = one_electron_state(h, [reservoirs] * 2, both, outcomes)
        return replace(state, other_solutions=(beside[0], beside[1]) if self.others else None)

    def _structured(self, model: BiasedJunction) -> BiasedState:
        """Between leads with bands; other solutions are not looked for."""
        fields, outcomes = [], []
        for equation in structured_equations(model, interaction(model)):
            found, outcome = grown(
                equation, self.newton, steps=self.continuation, limit=self.iterations
            )
            solved = equation.in_field(equation.h + equation.field(found.x).toarray())
            fields.append(solved)
            outcomes.append(solved.outcome(outcome))
        return BiasedState(**structured_flows(fields), outcomes=(outcomes[0], outcomes[1]))

    def equations(self, model: BiasedJunction) -> list[BiasedEquation]:
        """The self-consistent equations of both magnetisations."""
        h, terms, reservoirs = gated_hamiltonian(model), interaction(model), reservoirs_of(model)
        return [
            BiasedEquation(h=h, terms=terms, coupling=coupling, reservoirs=reservoirs)
            for coupling in widths_of(model)
        ]

    def newton(self, equation: FieldEquation, start: Real, limit: int) -> Found:
        """A density that makes its own field, by Newton steps from a start."""
        root = newton_krylov(equation.linearised, start, tolerance=self.tolerance, limit=limit)
        return Found(
            x=root.value,
            G=equation.solved(root.value).G,
            residual=root.residual,
            evaluations=root.evaluations,
            converged=root.converged,
        )
