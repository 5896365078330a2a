"""The isotropic chiral metal: parameters, Fermi surfaces, scales of the two responses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, Shape, axis_parameter, parameter
from chirospin.chiral_metal.energies import Energies, thermal_energies

Array = NDArray[np.float64]
ORDERS = (1, 2)
HELICITIES = (1, -1)
DEFAULT_FIELD = 0.01
ROUNDING = 1e-12
LARGE = 1e9  # of every parameter in its unit: beyond any metal, and far from overflow
POINTLIKE = 1e-9  # smaller Fermi momentum over the larger: its weight is lost in rounding
THIN = 1e-6  # nm; a screening length below it is 0 for every method
COLD = 1e-9  # 2 k_BT over m v_F^2 below which its square is rounding
MOST_POWERS = 100  # of cos^2(theta) in a source
REACH = 6.0  # mean free paths around each plane that the default positions cover
POINTS = 80  # of the default positions, on each side of a plane


class IsotropicMetal(Model):
    r"""A metal with spin along the wavevector; a current enters at z = 0 and leaves at z = L.

    .. math:: H = k^2/2m + \alpha\, \boldsymbol\sigma \cdot \mathbf k

    References
    ----------
    yoshimi_2026, Eqs. (1)-(11)
    """

    mass: float = parameter(
        1.0,
        unit="1/eV/nm^2",
        symbol="m",
        low=1 / LARGE,
        high=LARGE,
        about="band mass over hbar^2; m_e is 13.12",
    )
    spin_orbit: float = parameter(
        0.2,
        unit="eV*nm",
        symbol=r"\alpha",
        low=-LARGE,
        high=LARGE,
        about="spin-orbit coupling; its sign is the handedness",
    )
    chemical_potential: float = parameter(
        0.48,
        unit="eV",
        symbol=r"\mu",
        low=-LARGE,
        high=LARGE,
        about="from the point where both bands meet",
    )
    relaxation_time: float = parameter(
        1.0,
        unit="1/eV",
        symbol=r"\tau_0",
        low=1 / LARGE,
        high=LARGE,
        about="elastic, over hbar; 10 fs is 15.19",
    )
    charge: int = parameter(-1, symbol="q/e", choices=(-1, 1), about="of a carrier")
    field: float | None = parameter(
        None,
        unit="V/nm",
        symbol=r"E_0",
        low=-LARGE,
        high=LARGE,
        about="bulk field far from both planes; 0.01 if not given",
    )
    current_density: float | None = parameter(
        None,
        unit="eV*e/hbar/nm^2",
        symbol="j_0",
        low=-(LARGE**3),
        high=LARGE**3,
        about="instead of the field",
    )
    length: float = parameter(
        50.0,
        unit="nm",
        symbol="L",
        low=1 / LARGE,
        high=LARGE,
        about="from injection to extraction",
    )
    screening_length: float = parameter(
        0.1,
        unit="nm",
        symbol=r"\lambda_{TF}",
        low=0,
        high=LARGE,
        about="Thomas-Fermi; 0 is the neutral limit",
    )
    position: tuple[float, ...] | None = axis_parameter(
        "Z",
        unit="nm",
        symbol="z",
        about="where the profiles are wanted; around both planes if not given",
    )

    @model_validator(mode="after")
    def _electrons(self) -> Self:
        """Bands that hold electrons, one strength of the drive, places that are near."""
        _check_bands(self.mass, self.spin_orbit, self.chemical_potential)
        if self.field is not None and self.current_density is not None:
            raise ModelError(
                f"Parameter `current_density` must be left out where `field` is given "
                f"(they are proportional), but is {self.current_density} (eV*e/hbar/nm^2)"
            )
        if 0 < self.screening_length < THIN:
            raise ModelError(
                f"Parameter `screening_length` must be 0, the neutral limit, or >= {THIN:g} (in nm), "
                f"but is {self.screening_length:g}"
            )
        within(LARGE, "position", self.position, "in nm")
        return self


class ChiralMetal(IsotropicMetal):
    """An isotropic chiral metal under a steady current, of any source, with walls or without.

    References
    ----------
    yoshimi_2026, Eqs. (1)-(11)
    """

    injection_power: int = parameter(
        1,
        symbol="p",
        low=1,
        high=MOST_POWERS,
        about="the source goes with cos(theta) to the power 2p",
    )
    injection_weight: float = parameter(
        0.0, symbol="r", low=0, high=1, about="share of the p = 1 source beside that of power p"
    )
    injection_weights: tuple[float, ...] | None = parameter(
        None,
        symbol="C_p",
        shape=Shape(axes=("P",)),
        about="shares of p = 1, 2, ..., with sum 1, instead of power and weight",
    )
    helicity_memory: float = parameter(
        0.0,
        symbol=r"\eta",
        low=0,
        below=1,
        about="share of collisions that keep the helicity",
    )
    thermal_energy: float = parameter(
        0.0,
        unit="eV",
        symbol="k_BT",
        low=0,
        high=LARGE,
        about="of the carriers; 0 is the Fermi surface alone",
    )
    scattering_exponent: float = parameter(
        0.0,
        symbol=r"r_\tau",
        low=-1,
        high=4,
        about="tau = tau_0 (E/E_F)^r, energies from the band bottom; phonons -1/2, ions 3/2",
    )
    walls: str = parameter(
        "none",
        symbol="w",
        choices=("none", "specular"),
        about="mirrors that keep the helicity, at both planes",
    )

    @model_validator(mode="after")
    def _planes(self) -> Self:
        """Shares of the source that add up, and walls that hold all places."""
        weights = self.injection_weights
        if weights is not None and len(weights) > MOST_POWERS:
            raise ModelError(
                f"Parameter `injection_weights` must have at most {MOST_POWERS} values (dimensionless), "
                f"but has {len(weights)}"
            )
        within(LARGE, "injection_weights", weights, "dimensionless")
        if weights is not None and abs(sum(weights) - 1) > 1e-12:
            raise ModelError(
                f"Parameter `injection_weights` must have the sum 1 (dimensionless), "
                f"but has {sum(weights):.12g}"
            )
        if weights is not None and {"injection_power", "injection_weight"} & self.model_fields_set:
            raise ModelError(
                "Parameter `injection_weights` must be left out where `injection_power` or "
                f"`injection_weight` is given, but is {list(weights)}"
            )
        if self.walls == "specular":
            if self.screening_length == 0:
                raise ModelError(
                    "Parameter `screening_length` must be > 0 (in nm) between specular walls, "
                    "where the charge sits, but is 0"
                )
            outside = [z for z in self.position or () if not 0 <= z <= self.length]
            if outside:
                raise ModelError(
                    f"Parameter `position` must be in [0, {self.length:g}] (in nm) between "
                    f"specular walls, but is {outside[0]:g}"
                )
        return self


def within(
    high: float, name: str, values: Sequence[float] | None, unit: str, low: float = -LARGE
) -> None:
    """Refuse an array parameter with a value outside [low, high].

    Raises
    ------
    ModelError : names the first such value
    """
    for value in values or ():
        if not low <= value <= high:
            raise ModelError(
                f"Parameter `{name}` must be in [{low:g}, {high:g}] ({unit}), but is {value:g}"
            )


def require_band(mass: float, spin_orbit: float, chemical_potential: float) -> None:
    """Refuse a chemical potential at or below the bottom -m alpha^2/2 of the lower band.

    Raises
    ------
    ModelError : no electrons
    """
    bottom = -mass * spin_orbit**2 / 2
    if chemical_potential <= bottom * (1 - ROUNDING):
        raise ModelError(
            f"Parameter `chemical_potential` must be > {bottom:g} (in eV), above the band bottom "
            f"-m alpha^2/2, but is {chemical_potential:g}"
        )


def _check_bands(mass: float, spin_orbit: float, chemical_potential: float) -> None:
    require_band(mass, spin_orbit, chemical_potential)
    speed = math.sqrt(spin_orbit**2 + 2 * chemical_potential / mass)
    if abs(speed - abs(spin_orbit)) < POINTLIKE * speed:
        raise ModelError(
            "Parameter `chemical_potential` must not be 0 (in eV), or so small beside m alpha^2/2 = "
            f"{mass * spin_orbit**2 / 2:g} of `spin_orbit` that one Fermi surface is a point, where the "
            f"second order is singular, but is {chemical_potential:g}"
        )


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What the parameters amount to; hbar = e = 1, helicities in the order +1, -1.

    Parameters
    ----------
    fermi_velocity : v_F, eV nm, equal for both helicities
    asymmetry : a = alpha/v_F
    mean_free_path : l = v_F tau_0, nm
    momentum : k_h = m v_F (1 - h a), shape (2,), 1/nm; signed where mu < 0
    density_of_states : N_h, shape (2,), 1/(eV nm^3)
    carrier_density : n_0, 1/nm^3
    field : E_0, V/nm
    push : q E_0 tau_0, the momentum gained between collisions, 1/nm
    screening, length : over the mean free path
    weights : C_p of the source for p = 1, 2, ...
    memory : eta of the helicity
    walls : whether both planes are mirrors
    energies : that carry current; the conductivity and the density of carriers are sums over them
    """

    mass: float
    fermi_velocity: float
    asymmetry: float
    mean_free_path: float
    momentum: Array
    density_of_states: Array
    carrier_density: float
    conductivity: float
    charge: int
    field: float
    push: float
    screening: float
    length: float
    weights: Array
    memory: float
    walls: bool
    energies: Energies

    @property
    def total_density(self) -> float:
        """Density of states N_0 of both helicities."""
        return float(self.density_of_states.sum())

    @property
    def spin_scale(self) -> Array:
        """m^2 v_F^2 q E_0 tau_0 and m v_F (q E_0 tau_0)^2: a spin density at orders 1 and 2, 1/nm^3."""
        first = self.mass**2 * self.fermi_velocity**2 * self.push
        return np.array([first, self.mass * self.fermi_velocity * self.push**2])

    @property
    def field_scale(self) -> Array:
        """E_0 and (q E_0 tau_0)^2 / (q m l): a field at orders 1 and 2, V/nm."""
        return np.array(
            [self.field, self.push**2 / (self.charge * self.mass * self.mean_free_path)]
        )

    @property
    def permittivity(self) -> float:
        """eps_0 = q^2 N_0 lambda_TF^2, e^2/(eV nm)."""
        return self.total_density * (self.screening * self.mean_free_path) ** 2


def scales_of(model: IsotropicMetal) -> Scales:
    r"""The one place where the parameters are turned into Fermi surfaces and scales.

    .. math:: v_F = \sqrt{\alpha^2 + 2\mu/m}, \quad a = \alpha/v_F, \quad k_h = m v_F (1 - h a),
              \quad N_h = k_h^2/(2\pi^2 v_F), \quad \sigma_0 = \tfrac13 q^2 \int d\epsilon\,(-f_0')\,
              \tau v^2 N

    References
    ----------
    yoshimi_2026, Sec. II
    """
    m, tau = model.mass, model.relaxation_time
    v = math.sqrt(model.spin_orbit**2 + 2 * model.chemical_potential / m)
    a = model.spin_orbit / v
    momentum = m * v * (1 - np.array(HELICITIES) * a)
    density = momentum**2 / (2 * np.pi**2 * v)
    energies = _energies(model, m * v**2)
    conductivity = tau * v**2 * float(density.sum()) / 3 * energies.conductivity(a)
    if model.current_density is not None:
        field = model.current_density / conductivity
    else:
        field = DEFAULT_FIELD if model.field is None else model.field
    return Scales(
        mass=m,
        fermi_velocity=v,
        asymmetry=a,
        mean_free_path=v * tau,
        momentum=momentum,
        density_of_states=density,
        carrier_density=m**3
        * v
        * (v**2 + 3 * model.spin_orbit**2)
        / (3 * np.pi**2)
        * energies.carriers(a),
        conductivity=conductivity,
        charge=model.charge,
        field=field,
        push=model.charge * field * tau,
        screening=model.screening_length / (v * tau),
        length=model.length / (v * tau),
        energies=energies,
        **_planes(model),
    )


def _energies(model: IsotropicMetal, unit: float) -> Energies:
    """The thermal window; the Fermi surface alone for a metal that has no temperature."""
    if not isinstance(model, ChiralMetal):
        return thermal_energies(0.0, 0.0)
    spread = 2 * model.thermal_energy / unit
    return thermal_energies(spread if spread > COLD else 0.0, model.scattering_exponent)


def _planes(model: IsotropicMetal) -> dict[str, Any]:
    """Source, memory and walls; those of the plainest metal where the model does not have them."""
    if not isinstance(model, ChiralMetal):
        return {"weights": np.ones(1), "memory": 0.0, "walls": False}
    return {
        "weights": _injection(model),
        "memory": model.helicity_memory,
        "walls": model.walls == "specular",
    }


def _injection(model: ChiralMetal) -> Array:
    """Shares C_p of the sources that go with cos(theta)^(2p), p = 1, 2, ...; Eqs. (27), (73)."""
    if model.injection_weights is not None:
        return np.trim_zeros(np.array(model.injection_weights), "b")
    shares = np.zeros(model.injection_power)
    shares[-1] = 1 - model.injection_weight
    shares[0] += model.injection_weight
    return np.trim_zeros(shares, "b")


def positions(model: IsotropicMetal, scales: Scales) -> Array:
    """Where the profiles are wanted, nm; close to both planes if the model does not say."""
    if model.position is not None:
        return np.array(model.position)
    steps = np.arange(1, POINTS + 1) / POINTS
    near = REACH * scales.mean_free_path * np.sinh(4 * steps) / np.sinh(4.0)
    inside = near * min(1.0, model.length / (2 * near[-1]))
    middle = model.length / 2
    if inside[-1] < middle:
        inside = np.append(inside, np.linspace(inside[-1], middle, 10)[1:])
    left = inside if scales.walls else np.concatenate([-near[::-1], inside])
    return np.unique(np.concatenate([left, model.length - left]))


def labels(model: ChiralMetal) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "order": ORDERS,
        "position": tuple(positions(model, scales_of(model)).tolist()),
        "source": SOURCES,
        "helicity": HELICITIES,
    }


SOURCES = ("spin_flux", "first_field", "second_field")
"""Where the quadratic spin comes from: -tau d(j_s)/dz, beta_1 E_1, beta_2 E_2 of Eq. (14)."""
