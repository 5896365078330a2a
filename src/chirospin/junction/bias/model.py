"""The stack between leads of finite bias and temperature: potentials, levels, Fermi functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.constants import BOLTZMANN
from chirospin.base.errors import ModelError
from chirospin.base.parameters import ParameterInfo, Shape, parameter
from chirospin.junction.floating import Range, floated
from chirospin.junction.lead_fields import check_lead_values
from chirospin.junction.model import (
    ResolvedStack,
    lead_names,
    one_body_hamiltonian,
    spread_over_leads,
)
from chirospin.junction.modes import BATHS, VibratingStack, modes, quanta

Real = NDArray[np.float64]
DEFAULT_THERMAL_ENERGY = 0.1
LARGEST = 1e9
"""eV: no junction is beyond, and quotients of energies stay finite numbers."""
COLDEST = 1e-200
"""eV."""
SUPERSEDED = ("occupation_left", "occupation_right", "lead_occupations")


class BiasedJunction(VibratingStack, ResolvedStack):
    r"""A molecular stack between leads with Fermi functions, wide bands.

    .. math:: f_l(\omega) = 1/(1 + e^{(\omega - \mu_l)/T_l}), \qquad
              \mu_L = (\tfrac12 + a) V, \quad \mu_R = -(\tfrac12 - a) V

    The Fermi level of the unbiased leads is 0, and ``gate`` places the molecular levels with respect to
    it: unlike at infinite bias it has to be chosen. With the default energies and repulsions the
    spectrum is particle-hole symmetric at -(3 U + energy_b)/2 = -6.4.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9), for the stack and its couplings
    """

    absolute_energies: ClassVar[bool] = True

    bias: float = parameter(
        4.0,
        unit="eV",
        symbol="V",
        low=-LARGEST,
        high=LARGEST,
        about="mu_L - mu_R; positive drives electrons from left to right",
    )
    bias_asymmetry: float = parameter(
        0.0,
        symbol="a",
        low=-0.5,
        high=0.5,
        about="share of the bias on the left lead, less a half; 0.5: all of it",
    )
    internal_drop: float = parameter(
        0.0,
        symbol="d",
        low=0,
        high=1,
        about="share of the bias that drops between the first and the last molecule",
    )
    gate: float = parameter(
        0.0,
        unit="eV",
        symbol="V_g",
        low=-LARGEST,
        high=LARGEST,
        about="added to every orbital energy; choose it: -6.4 is half filling of the default stack",
    )
    thermal_energy: float | None = parameter(
        None,
        unit="eV",
        symbol="k_BT",
        above=0,
        about="mean temperature of the leads times k_B; 0.1 if neither it nor temperature is given",
    )
    temperature: float | None = parameter(
        None, unit="K", symbol="T", above=0, about="instead of thermal_energy, for energies in eV"
    )
    thermal_energy_difference: float = parameter(
        0.0, unit="eV", symbol=r"k_B\Delta T", about="of the left lead, less that of the right one"
    )
    lead_potentials: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol=r"\mu_l",
        shape=Shape(axes=("L",)),
        about="chemical potentials of all leads but voltage probes; instead of bias",
    )
    lead_thermal_energies: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol="k_BT_l",
        shape=Shape(axes=("L",)),
        about="temperatures of all leads times k_B; thermal_energy if not given",
    )
    lead_chain_hoppings: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol="t_l",
        shape=Shape(axes=("L",)),
        about="hopping of the semi-infinite chain behind each lead, whose band is 4 t wide; 0 or left out: wide",
    )
    lead_band_centres: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol="c_l",
        shape=Shape(axes=("L",)),
        about="centre of the band of each chain from its own potential",
    )
    dephasing: float = parameter(
        0.0,
        unit="eV",
        symbol=r"\kappa",
        low=0,
        about="rate at which fluctuations of every orbital energy destroy coherence, over hbar",
    )

    phonon_bath: str = parameter(
        "ohmic",
        symbol="b",
        choices=BATHS,
        about="ohmic: between eigenstates of the whole H, in detailed balance; local: whatever the electrons "
        "do, for large bias only; dressed and brownian: junction.phonons only",
    )

    @classmethod
    def superseded(cls) -> frozenset[str]:
        """Parameters of infinite bias, which are refused."""
        return frozenset(SUPERSEDED)

    def __init__(self, **values: Any) -> None:
        for name in values:
            self._require_own(name)
        super().__init__(**values)

    @classmethod
    def parameter_info(cls, name: str) -> ParameterInfo:
        """Facts of one parameter or shorthand.

        Raises
        ------
        ModelError : the name is not declared, or bias and temperature take its place
        """
        cls._require_own(name)
        return super().parameter_info(name)

    @classmethod
    def _require_own(cls, name: str) -> None:
        if name in cls.superseded():
            raise ModelError(
                f"Parameter `{name}` must be left out at finite bias (dimensionless), where bias and "
                "thermal_energy give the occupations of the leads"
            )

    @model_validator(mode="after")
    def _temperatures(self) -> BiasedJunction:
        if self.temperature is not None and self.thermal_energy is not None:
            raise ModelError(
                f"Parameter `temperature` must be left out where `thermal_energy` is given "
                f"(they are one quantity), but is {self.temperature:g} (in K)"
            )
        _require_levels(self)
        _check_leads(self)
        T = _thermal_energy(self)
        if not COLDEST <= T <= LARGEST:
            name = "thermal_energy" if self.temperature is None else "temperature"
            raise ModelError(
                f"Parameter `{name}` must give k_B T in [{COLDEST:g}, {LARGEST:g}] (in eV), where "
                f"energies over it are finite numbers, but gives {T:g}"
            )
        largest = 2 * T
        if abs(self.thermal_energy_difference) >= largest:
            raise ModelError(
                f"Parameter `thermal_energy_difference` must be in (-{largest:g}, {largest:g}) "
                f"(in eV), so that both leads have a temperature > 0, but is "
                f"{self.thermal_energy_difference:g}"
            )
        return self


ONE_BIAS = ("bias", "bias_asymmetry")
ONE_TEMPERATURE = ("thermal_energy", "temperature", "thermal_energy_difference")


def _check_leads(biased: BiasedJunction) -> None:
    """Refuse potentials and temperatures of leads that are given twice or that are none."""
    for whole, parts in (("lead_potentials", ONE_BIAS), ("lead_thermal_energies", ONE_TEMPERATURE)):
        for name in parts:
            typed = name in biased.model_fields_set and getattr(biased, name) is not None
            if getattr(biased, whole) is not None and typed:
                raise ModelError(
                    f"Parameter `{name}` must be left out where `{whole}` is given (in eV), but is "
                    f"{getattr(biased, name)}"
                )
    check_lead_values(biased, "lead_potentials", biased.lead_potentials)
    count = len(lead_names(biased))
    if count > 2:
        for name in ("internal_drop", "thermal_energy_difference"):
            if getattr(biased, name):
                raise ModelError(
                    f"Parameter `{name}` must be 0 for more than two leads, but is "
                    f"{getattr(biased, name):g}"
                )
    _check_bands(biased, count)
    temperatures = biased.lead_thermal_energies
    if temperatures is None:
        return
    if len(temperatures) != count:
        raise ModelError(
            f"Parameter `lead_thermal_energies` must have {count} values, for {', '.join(lead_names(biased))} "
            f"(in eV), but has {len(temperatures)}"
        )
    wrong = [T for T in temperatures if not COLDEST <= T <= LARGEST]
    if wrong:
        raise ModelError(
            f"Parameter `lead_thermal_energies` must be real in [{COLDEST:g}, {LARGEST:g}] (in eV), but is "
            f"{wrong[0]:g}"
        )


def _check_bands(biased: BiasedJunction, count: int) -> None:
    for name in ("lead_chain_hoppings", "lead_band_centres"):
        values = getattr(biased, name)
        if values is not None and len(values) != count:
            raise ModelError(
                f"Parameter `{name}` must have {count} values, for {', '.join(lead_names(biased))} (in eV), but has "
                f"{len(values)}"
            )
    t = biased.lead_chain_hoppings
    if t is not None and min(t) < 0:
        raise ModelError(
            f"Parameter `lead_chain_hoppings` must be real >= 0 (in eV), but is {min(t):g}"
        )
    if biased.lead_band_centres is not None and t is None:
        raise ModelError(
            "Parameter `lead_band_centres` must be left out (in eV) where no lead_chain_hoppings give it a band"
        )


REFUSED_BATHS = {
    "dressed": "whose current without bias is some hundred times that of local",
    "brownian": "which has no explicit levels",
}
REFUSED_SETTINGS = {
    "phonon_tiers": "lead rates at electron energies alone, which tiers would need, drive a current without "
    "bias; give phonon_levels",
    "phonon_matsubara": "an ohmic bath has none",
}


def _require_levels(vibrating: BiasedJunction) -> None:
    why = REFUSED_BATHS.get(vibrating.phonon_bath)
    if why is not None:
        raise ModelError(
            f"Parameter `phonon_bath` must be ohmic or local (dimensionless) at finite bias, but is "
            f"{vibrating.phonon_bath}, {why}"
        )
    for name, reason in REFUSED_SETTINGS.items():
        if getattr(vibrating, name) is not None:
            raise ModelError(
                f"Parameter `{name}` must be left out at finite bias (dimensionless): {reason}"
            )


def _own_thermal_energies(model: BiasedJunction) -> Real | None:
    """Of every lead, where they are given, (lead,), eV."""
    given = model.lead_thermal_energies
    return None if given is None else np.array(given)


def _thermal_energy(model: BiasedJunction) -> float:
    given = _own_thermal_energies(model)
    if given is not None:
        return float(given.mean())
    if model.temperature is not None:
        return BOLTZMANN * model.temperature
    return DEFAULT_THERMAL_ENERGY if model.thermal_energy is None else model.thermal_energy


@dataclass(frozen=True, kw_only=True)
class Reservoirs:
    """What the leads impose.

    Parameters
    ----------
    potential, thermal_energy : mu_l and k_B T_l of every lead, shape (L,), eV; a voltage probe starts at the
        mean potential of the others
    shift : added to the levels of each molecule, shape (M,), eV
    dephasing : kappa of every orbital, eV/hbar
    """

    potential: Real
    thermal_energy: Real
    shift: Real
    dephasing: float

    @property
    def affinity(self) -> float:
        """(mu_L - mu_R)/T, T the mean temperature of both."""
        return float((self.potential[0] - self.potential[1]) / self.thermal_energy[:2].mean())

    def floated(self, currents: Callable[[Real], Real], floating: Sequence[int]) -> Reservoirs:
        """The same with potentials of voltage probes at which no current flows into them.

        Parameters
        ----------
        currents : from every lead, of potentials of every lead, (lead,)

        Raises
        ------
        ModelError : there are none
        """
        if not floating:
            return self
        given = np.delete(self.potential, list(floating))
        reach = float(np.ptp(given) / 2 + 5 * self.thermal_energy.max())
        within = Range(middle=float(given.min() + np.ptp(given) / 2), reach=reach)
        return replace(self, potential=floated(currents, self.potential, floating, within))


def reservoirs_of(model: BiasedJunction) -> Reservoirs:
    r"""Potentials and temperatures of the leads, and the shift of every molecule.

    .. math:: \Delta_i = V_g + V d\,(\tfrac12 - \tfrac{i-1}{M-1})
    """
    V, T = model.bias, _thermal_energy(model)
    ends = ((0.5 + model.bias_asymmetry) * V, -(0.5 - model.bias_asymmetry) * V)
    potential = spread_over_leads(model, model.lead_potentials or ends)
    if model.lead_potentials is not None:
        V = potential[0] - potential[1]
    place = np.linspace(0.5, -0.5, model.molecules) if model.molecules > 1 else np.zeros(1)
    thermal_energy = _own_thermal_energies(model)
    if thermal_energy is None:
        thermal_energy = np.full(potential.size, T)
        thermal_energy[:2] += np.array([0.5, -0.5]) * model.thermal_energy_difference
    return Reservoirs(
        potential=potential,
        thermal_energy=thermal_energy,
        shift=model.gate + V * model.internal_drop * place,
        dephasing=model.dephasing,
    )


def at_potentials(biased: BiasedJunction, potential: Real) -> BiasedJunction:
    """The same junction with other potentials of the leads that have their own."""
    return biased.replace(lead_potentials=tuple(potential.tolist()))


def own_potentials(biased: BiasedJunction) -> Real | None:
    """Of the leads that are no voltage probes, where they are given; None where the bias tells them."""
    given = biased.lead_potentials
    return None if given is None else np.array(given)


def moved_bias(model: BiasedJunction, by: float) -> BiasedJunction:
    """The same junction at a higher bias: of more than two leads the first moves alone."""
    potential = own_potentials(model)
    if potential is None:
        return model.replace(bias=model.bias + by)
    shares = np.array([0.5, -0.5]) if potential.size == 2 else np.eye(potential.size)[0]
    return at_potentials(model, potential + by * shares)


def at_temperatures(biased: BiasedJunction, thermal_energy: Real) -> BiasedJunction:
    """The same junction with other temperatures of all leads."""
    if len(thermal_energy) == 2 and biased.lead_thermal_energies is None:
        return biased.replace(
            thermal_energy_difference=float(thermal_energy[0] - thermal_energy[1])
        )
    plain = {"thermal_energy": None, "temperature": None}
    return biased.replace(lead_thermal_energies=tuple(thermal_energy.tolist()), **plain)


def chains_of(model: BiasedJunction) -> tuple[Real, Real] | None:
    """Hoppings and band centres of the chains behind the leads, (lead,) each, eV; None where all bands are wide."""
    t = model.lead_chain_hoppings
    if t is None or not any(t):
        return None
    return np.array(t), reservoirs_of(model).potential + np.array(
        model.lead_band_centres or [0.0] * len(t)
    )


def require_wide_bands(model: BiasedJunction, method: str) -> None:
    """Refuse leads with a band, for a method whose rates have it wide.

    Raises
    ------
    ModelError : names the methods that have them
    """
    if chains_of(model) is not None:
        raise ModelError(
            f"Parameter `lead_chain_hoppings` must be left out (in eV) for method {method}, in which the width of "
            "every level is the same at all energies; landauer, mean-field and hierarchy have bands"
        )


def require_no_dephasing(model: BiasedJunction, method: str) -> None:
    """Refuse a rate that a method cannot take into account.

    Raises
    ------
    ModelError : names the methods that can
    """
    rate = reservoirs_of(model).dephasing
    if rate:
        raise ModelError(
            f"Parameter `dephasing` must be 0 (in eV) for method {method}, which has no dephasing, "
            f"but is {rate:g}; ule, redfield, perlind and kms have"
        )
    require_no_vibrations(model, method)


def gated_hamiltonian(model: BiasedJunction) -> NDArray[np.complex128]:
    """One-body Hamiltonian with the gate and the internal drop of the bias, (4M, 4M), eV."""
    h, shift = one_body_hamiltonian(model), reservoirs_of(model).shift
    return h + np.diag(np.repeat(shift, len(h) // len(shift)))


FIRST_LEVELS = 4
"""Of every vibration, where the program chooses them."""
FEW_LEVELS = 2
"""Enough for an estimate: the dimer's defect of reciprocity with 2 and 4 levels differs by 4e-4 (g = 0.05 eV)."""


def given_levels(model: BiasedJunction) -> tuple[int, ...] | None:
    """Levels of the vibrations, if they were given."""
    return model.phonon_levels


def kept_levels(model: BiasedJunction) -> tuple[int, ...]:
    """Levels of every vibration; none where there is no vibration."""
    return given_levels(model) or (FIRST_LEVELS,) * len(modes(model))


def few_levels(model: BiasedJunction) -> tuple[int, ...]:
    """Levels for estimates of what a method or the width of electronic levels spoils: those hardly depend on them."""
    return tuple(min(count, FEW_LEVELS) for count in kept_levels(model))


@dataclass(frozen=True, kw_only=True)
class VibrationBath:
    """What the bath of the vibrations imposes.

    Parameters
    ----------
    kind : ohmic or local
    thermal_energy : k_B T_b, eV
    occupation : n of every mode, (K,)
    """

    kind: str
    thermal_energy: float
    occupation: Real


def vibration_bath(model: BiasedJunction) -> VibrationBath:
    """Of the temperature of the leads unless it has its own."""
    own = model.phonon_thermal_energy
    T = _thermal_energy(model) if own is None else own
    return VibrationBath(
        kind=model.phonon_bath,
        thermal_energy=T,
        occupation=np.asarray(quanta(modes(model).energy, T), dtype=float),
    )


def require_no_vibrations(model: BiasedJunction, method: str) -> None:
    """Refuse vibrations that a method cannot take into account.

    Raises
    ------
    ModelError : names the methods that can
    """
    if len(modes(model)):
        raise ModelError(
            f"Parameter `phonon_energy` must be left out (in eV) for method {method}, which has no "
            "vibrations; redfield, perlind and kms have them, junction.phonons at infinite bias"
        )
