"""Observables of a contact, in 1/nm^d, and of its currents."""

from __future__ import annotations

from typing import Any

import numpy as np

from chirospin.base.observables import observable
from chirospin.spinterface.contact import ContactState, rounding, spin_of
from chirospin.spinterface.model import Contact, current_unit, density_unit

APART = "only the full method has an equilibrium and a driven part"


def spin_error(model: Contact, state: ContactState) -> Any:
    """Numerical error of a spin density at each distance."""
    return rounding(state)[:, None]


def charge_error(model: Contact, state: ContactState) -> Any:
    """Numerical error of the charge density at each distance."""
    return 2 * rounding(state)


ALONG = ("distance", "component")


@observable(
    name="spin_density",
    unit="1/nm^3",
    unit_in=density_unit,
    error=spin_error,
    symbol="s",
    dims=ALONG,
    conversion="1e-3/nm^3 is mu0 M = 23 uT for g = 2",
)
def contact_spin_density(model: Contact, state: ContactState) -> Any:
    r"""Spin density in the metal, in hbar.

    .. math:: \mathbf s = -\frac i2\,\mathrm{sp}\,\boldsymbol\sigma\,\delta G^<(\mathbf r,\mathbf r)

    References
    ----------
    fransson_spinterface, Eq. (2)
    """
    return state.total.vector.real


@observable(
    unit="1/nm^3",
    unit_in=density_unit,
    error=spin_error,
    symbol="s^{eq}",
    dims=ALONG,
    undefined=APART,
)
def spin_density_equilibrium(model: Contact, state: ContactState) -> Any:
    """The part of the spin density that remains without bias."""
    return spin_of(state.equilibrium, state.total)


@observable(
    unit="1/nm^3",
    unit_in=density_unit,
    error=spin_error,
    symbol="s^{neq}",
    dims=ALONG,
    undefined=APART,
)
def spin_density_driven(model: Contact, state: ContactState) -> Any:
    """The part of the spin density from the bias window."""
    return spin_of(state.driven, state.total)


@observable(unit="1/nm^3", unit_in=density_unit, error=spin_error, symbol="s^{mol}", dims=ALONG)
def spin_density_mol(model: Contact, state: ContactState) -> Any:
    """Part from the molecule's spin alone.

    References
    ----------
    fransson_spinterface, Eqs. (6a), (10)
    """
    return state.total.mol.real


@observable(unit="1/nm^3", unit_in=density_unit, error=spin_error, symbol="s^{sub}", dims=ALONG)
def spin_density_sub(model: Contact, state: ContactState) -> Any:
    """Part from the metal's spin-orbit coupling alone.

    References
    ----------
    fransson_spinterface, Eqs. (6b), (11)
    """
    return state.total.sub.real


@observable(unit="1/nm^3", unit_in=density_unit, error=spin_error, symbol="s^{mix}", dims=ALONG)
def spin_density_mix(model: Contact, state: ContactState) -> Any:
    """Part from the molecule's spin and the spin-orbit coupling together.

    References
    ----------
    fransson_spinterface, Eqs. (6c), (12)
    """
    return state.total.mix.real


@observable(
    name="charge_density",
    unit="1/nm^3",
    unit_in=density_unit,
    error=charge_error,
    symbol="n",
    dims=("distance",),
)
def contact_charge_density(model: Contact, state: ContactState) -> Any:
    """Change of the electron density that the molecule makes."""
    return 2 * state.total.scalar.real


@observable(unit="eV/nm^2", unit_in=current_unit, symbol="j_r", dims=("distance",))
def radial_current(model: Contact, state: ContactState) -> Any:
    """Electrons that flow along the direction, over hbar; positive outward."""
    return state.charge_flow


@observable(unit="eV/nm^2", unit_in=current_unit, symbol="J_r", dims=ALONG)
def radial_spin_current(model: Contact, state: ContactState) -> Any:
    """Spin that flows along the direction, over hbar; symmetrised with the velocity."""
    return np.asarray(state.spin_flow)


OBSERVABLES = (
    contact_spin_density,
    spin_density_equilibrium,
    spin_density_driven,
    spin_density_mol,
    spin_density_sub,
    spin_density_mix,
    contact_charge_density,
    radial_current,
    radial_spin_current,
)
