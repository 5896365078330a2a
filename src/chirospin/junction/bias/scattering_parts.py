"""What scattering states of electrons that do not repel each other show beside their currents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
    gated_hamiltonian,
    moved_bias,
    reservoirs_of,
)
from chirospin.junction.bias.parts import BiasResponse
from chirospin.junction.bias.response import STEP, LeadResponse, first_derivative
from chirospin.junction.manybody.spin_flow import SpinFlow, spin_matrices

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
ACCURATE = 1e-10  # of a derivative of the closed form


def spin_flow(
    h: Complex, reservoirs: Reservoirs, both: Sequence[Modes], own_spin: Complex | None = None
) -> SpinFlow:
    r"""Exact spin currents without repulsion, for any one-electron operator O in place of the spin.

    .. math:: J_l = \mathrm{tr}\, O \Big\{ -\tfrac12\{\Gamma_l, C\}
              + \int \frac{d\omega}{2\pi} f_l\, i (G\Gamma_l - \Gamma_l G^+) \Big\}, \qquad
              \int \frac{d\omega}{2\pi} f_l G = R F_l(z) R^{-1}
    """
    S = spin_matrices(len(h)) if own_spin is None else own_spin
    current, torque = [], []
    for modes in both:
        C = lesser_density(modes, reservoirs).T
        inverse = np.linalg.inv(modes.vectors)
        flows = []
        for lead, gamma in enumerate(modes.coupling):
            width = np.diag(gamma) if gamma.ndim == 1 else gamma
            F = lead_integral(
                modes.energies, reservoirs.potential[lead], reservoirs.thermal_energy[lead]
            )
            filled = 1j * ((modes.vectors * F) @ inverse) @ width
            flows.append(filled + filled.conj().T - (width @ C + C @ width) / 2)
        current.append(np.einsum("kab,lba->lk", S, np.array(flows)).real)
        torque.append(np.einsum("kab,ba->k", 1j * (h @ S - S @ h), C).real)
    return SpinFlow(current=np.array(current), corrected=None, torque=np.array(torque))


def bias_response(model: BiasedJunction) -> BiasResponse:
    """dI/dV of the left lead; the levels move with the bias where a part of it drops inside."""

    def currents(by: float) -> Real:
        moved = moved_bias(model, by)
        h, reservoirs = gated_hamiltonian(moved), reservoirs_of(moved)
        return np.array(
            [transmitted(Modes.of(h, width), reservoirs)[0] for width in widths_of(moved)]
        )

    slopes = first_derivative(currents, STEP * float(reservoirs_of(model).thermal_energy.min()))
    error = np.abs(slopes.sum(axis=1)) + ACCURATE * np.abs(slopes).max(axis=1)
    return BiasResponse(slope=slopes[:, 0], error=error)


def lead_response(reservoirs: Reservoirs, both: Sequence[Modes]) -> LeadResponse:
    """Derivatives of the flows by potential and temperature of each lead."""
    step = STEP * float(reservoirs.thermal_energy.min())
    flows = np.array([transmitted(modes, reservoirs) for modes in both])
    moved = {
        quantity: np.array(
            [
                [
                    first_derivative(_flows_at(modes, reservoirs, quantity, lead), step)
                    for lead in range(len(modes.coupling))
                ]
                for modes in both
            ]
        )
        for quantity in ("potential", "thermal_energy")
    }
    return LeadResponse(
        particles=flows[:, 0],
        energy=flows[:, 1],
        by_potential=moved["potential"],
        by_temperature=moved["thermal_energy"],
    )


def _flows_at(
    modes: Modes, reservoirs: Reservoirs, quantity: str, lead: int
) -> Callable[[float], Real]:
    def flows(by: float) -> Real:
        values = getattr(reservoirs, quantity).copy()
        values[lead] += by
        return np.array(transmitted(modes, replace(reservoirs, **{quantity: values})))

    return flows
