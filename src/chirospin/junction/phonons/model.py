"""The vibrating stack between leads of infinite bias: its temperature and its kind of bath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.constants import BOLTZMANN
from chirospin.base.errors import ModelError
from chirospin.base.parameters import parameter
from chirospin.junction.model import Junction
from chirospin.junction.modes import BATHS, DEFAULT_MATSUBARA, VibratingStack, modes, quanta

Real = NDArray[np.float64]
DEFAULT_THERMAL_ENERGY = 0.1


class PhononJunction(VibratingStack, Junction):
    r"""A stack of molecules that vibrate, between leads occupied alike at every energy.

    .. math:: \dot\rho = -i[H, \rho] + (leads) + \sum_v \kappa_v \{(n_v + 1) D[b_v] + n_v D[b_v^+]\} \rho,
              \qquad n_v = 1/(e^{w_v/T} - 1)

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9), for the stack and its leads
    """

    thermal_energy: float | None = parameter(
        None,
        unit="eV",
        symbol="k_BT",
        low=0,
        about="temperature of the bath of the vibrations times k_B; 0.1 if no temperature is given",
    )
    temperature: float | None = parameter(
        None, unit="K", symbol="T", low=0, about="instead of thermal_energy, for energies in eV"
    )
    phonon_bath: str = parameter(
        "local",
        symbol="b",
        choices=BATHS,
        about="local: damped whatever the electrons do; dressed: about their displacement; "
        "brownian: by its position, in detailed balance (tiers); ohmic: junction.bias only",
    )
    dephasing: float = parameter(
        0.0,
        unit="eV",
        symbol=r"\kappa",
        low=0,
        about="rate at which white noise of every orbital energy, or of dephasing_matrix, destroys "
        "coherence, over hbar; not a hot vibration",
    )

    @model_validator(mode="after")
    def _one_temperature(self) -> PhononJunction:
        names = ("thermal_energy", "temperature", "phonon_thermal_energy")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            info = self.parameter_info(given[1])
            raise ModelError(
                f"Parameter `{given[1]}` must be left out where `{given[0]}` is given (at infinite bias "
                f"they are one quantity), but is {getattr(self, given[1]):g} ({info.unit_words})"
            )
        return self

    @model_validator(mode="after")
    def _bath_exists(self) -> PhononJunction:
        if self.phonon_bath == "ohmic":
            raise ModelError(
                "Parameter `phonon_bath` must be local, dressed or brownian (dimensionless) at infinite "
                "bias, where the electrons have no energies that an ohmic bath could read, but is ohmic"
            )
        if self.phonon_matsubara is not None and self.phonon_bath != "brownian":
            raise ModelError(
                "Parameter `phonon_matsubara` must be left out (dimensionless) for the bath "
                f"{self.phonon_bath}, which has no Matsubara terms, but is {self.phonon_matsubara}"
            )
        if self.phonon_bath == "brownian":
            _require_brownian(self)
        return self


def _require_brownian(model: PhononJunction) -> None:
    T = bath_temperature(model)
    if T == 0:
        raise ModelError(
            "Parameter `thermal_energy` must be > 0 (in eV) for the bath brownian, whose Matsubara terms "
            "do not end at 0, but is 0; take the bath local"
        )
    found = modes(model)
    for w, k in zip(found.energy, found.damping, strict=True):
        if k >= 2 * w:
            raise ModelError(
                f"Parameter `phonon_damping` must be < 2 phonon_energy = {2 * w:g} (in eV) for the bath "
                f"brownian, which is overdamped beyond, but is {k:g}; take the bath local"
            )


def bath_temperature(model: PhononJunction) -> float:
    """k_B T of the bath of the vibrations, eV."""
    if model.temperature is not None:
        return BOLTZMANN * model.temperature
    given = [T for T in (model.thermal_energy, model.phonon_thermal_energy) if T is not None]
    return given[0] if given else DEFAULT_THERMAL_ENERGY


def quanta_in_bath(model: PhononJunction) -> Real:
    """n of every vibration in its bath, (K,)."""
    return np.asarray(quanta(modes(model).energy, bath_temperature(model)), dtype=float)


def matsubara_terms(model: PhononJunction) -> int:
    """Of a brownian bath."""
    return DEFAULT_MATSUBARA if model.phonon_matsubara is None else model.phonon_matsubara
