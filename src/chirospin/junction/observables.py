"""What a junction shows: currents, magnetoresistance, occupations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.constants import AMPERE_PER_EV
from chirospin.base.observables import observable
from chirospin.junction.model import (
    MAGNETISATIONS,
    ORBITALS,
    SPINS,
    MolecularStack,
    ResolvedStack,
    counting_fields,
    lead_couplings,
    lead_names,
    one_body_hamiltonian,
    spectral_energies,
)
from chirospin.junction.state import JunctionState

COMPONENTS = ("x", "y", "z")
CURRENT = "eV*e/hbar"
IN_AMPERE = f"1 eV*e/hbar = {AMPERE_PER_EV:.6g} A"
NO_CURRENT = 1e-12  # of the total lead coupling: below this a ratio of currents is rounding


def labels(model: MolecularStack) -> dict[str, tuple[int | str, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "magnetisation": MAGNETISATIONS,
        "lead": lead_names(model),
        "orbital": ORBITALS,
        "spin": SPINS,
        "molecule": tuple(range(1, model.molecules + 1)),
        "spin_orbital": tuple(range(model.spin_orbitals)),
        "magnetic_part": ("mean", "left", "right", "both"),
        "electrons": tuple(range(model.spin_orbitals + 1)),
        "component": COMPONENTS,
        "lead_moved": lead_names(model),
        "flow": ("charge", "heat"),
        "affinity": ("potential", "temperature"),
        "order": (1, 2, 3, 4),
        "row": tuple(range(model.spin_orbitals)),
        "column": tuple(range(model.spin_orbitals)),
    }


def axis_labels(model: ResolvedStack, h: NDArray[np.complex128]) -> dict[str, tuple[float, ...]]:
    """Where spectrum and counted charge are wanted; h is the one-body Hamiltonian."""
    return {
        "energy": tuple(spectral_energies(model, h).tolist()),
        "counting_field": tuple(counting_fields(model).tolist()),
    }


def resolved_labels(model: ResolvedStack) -> dict[str, tuple[Any, ...]]:
    """All labels of a stack between leads of infinite bias."""
    return {**labels(model), **axis_labels(model, one_body_hamiltonian(model))}


def spin_orbitals(molecules: int) -> tuple[str, ...]:
    """Names of the spin-orbitals in order: ``1 a up``, ``1 a down``, ``1 b up``, ..."""
    return tuple(f"{i} {o} {s}" for i in range(1, molecules + 1) for o in ORBITALS for s in SPINS)


@observable(unit=CURRENT, symbol="I", dims=("magnetisation",), conversion=IN_AMPERE)
def current(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Current from the left to the right lead for each magnetisation of the left one.

    .. math:: I = \sum_k \gamma_{Lk} \{ f_L (1 - n_k) - (1 - f_L) n_k \}

    References
    ----------
    nozaki_fujita_2026, Eq. (11)
    """
    return state.lead_current[:, 0]


@observable(unit=CURRENT, symbol=r"\bar I", conversion=IN_AMPERE)
def mean_current(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Mean of the currents for the two magnetisations.

    .. math:: \bar I = (I_\uparrow + I_\downarrow)/2

    References
    ----------
    nozaki_fujita_2026, Figs. 2 and 3
    """
    return np.asarray(state.lead_current[:, 0].mean())


@observable(unit="1", symbol=r"P_\mathrm{MR}", undefined="no current flows")
def spin_polarisation(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Magnetoresistance polarisation of the current.

    .. math:: P_{MR} = (I_\uparrow - I_\downarrow) / (I_\uparrow + I_\downarrow)

    Positive when the current is larger with the left lead magnetised along +z, the direction
    from left to right. NaN when no current flows.

    References
    ----------
    nozaki_fujita_2026, Eq. (17)
    """
    up, down = state.lead_current[:, 0]
    if abs(up) + abs(down) <= NO_CURRENT * lead_couplings(model).sum():
        return np.asarray(np.nan)
    return np.asarray((up - down) / (up + down))


@observable(unit="1", symbol="n", dims=("magnetisation", "molecule", "orbital", "spin"))
def occupation(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Mean number of electrons in every spin-orbital.

    .. math:: n_{ils} = Tr[\rho c^+_{ils} c_{ils}]
    """
    n = np.einsum("mkk->mk", state.one_body_density).real
    return np.asarray(n.reshape(2, model.molecules, 2, 2))


@observable(unit="1", symbol="n", dims=("magnetisation", "spin_orbital"))
def orbital_occupation(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Mean number of electrons in every spin-orbital, in the order of the matrices.

    .. math:: n_a = Tr[\rho c^+_a c_a]
    """
    return np.asarray(np.einsum("mkk->mk", state.one_body_density).real)


def current_uncertainty(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    r"""Error of the left currents, (magnetisation,): the standard one where they are sampled, else numerical.

    What a method leaves out, and bounds, comes on top.

    .. math:: \delta I = |I_L + I_R| + (d + \epsilon) \sum_{lk} \gamma_{lk}

    with the distance d of the density operator from the exact one, which slow modes make much larger than
    the residual that it has where nothing else is known, and the rounding of the occupations.
    """
    if state.standard_error is not None:
        return state.standard_error
    balance = np.abs(state.lead_current.sum(axis=1))
    if state.error_bar is not None:
        balance = balance + state.error_bar
    density = state.density
    if density is None or density.distance is None:
        distance = np.array([outcome.residual for outcome in state.outcomes])
    else:
        distance = density.distance
    size = lead_couplings(model).sum(axis=(1, 2))
    return np.asarray(balance + (distance + np.finfo(float).eps) * size)


def mean_uncertainty(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    """Error of the mean current; standard errors of both magnetisations are independent."""
    errors = current_uncertainty(model, state)
    if state.standard_error is not None:
        return np.asarray(np.linalg.norm(errors) / 2)
    return np.asarray(errors.mean())


def polarisation_error_from(
    currents: NDArray[np.float64], errors: NDArray[np.float64], *, independent: bool = False
) -> NDArray[np.float64]:
    r"""Error of the polarisation from those of both currents, along the last axis.

    .. math:: \delta P = 2\,(|I_\downarrow|\,\delta I_\uparrow + |I_\uparrow|\,\delta I_\downarrow)
              / (I_\uparrow + I_\downarrow)^2

    ``independent`` standard errors add in squares.
    """
    total = currents.sum(axis=-1)
    shares = np.abs(currents[..., ::-1]) * errors
    spread = np.linalg.norm(shares, axis=-1) if independent else shares.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(2 * spread / total**2)


def polarisation_uncertainty(model: MolecularStack, state: JunctionState) -> NDArray[np.float64]:
    """Error of the polarisation."""
    return polarisation_error_from(
        state.lead_current[:, 0],
        current_uncertainty(model, state),
        independent=state.standard_error is not None,
    )


OBSERVABLES = (
    replace(current, error=current_uncertainty),
    replace(mean_current, error=mean_uncertainty),
    replace(spin_polarisation, error=polarisation_uncertainty),
    occupation,
)
"""With their errors."""
