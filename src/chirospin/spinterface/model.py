"""One level in contact with a spin-orbit metal: parameters, and what they amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, Shape, axis_parameter, parameter
from chirospin.spinterface.algebra import matrix
from chirospin.spinterface.green import Metal

Real = NDArray[np.float64]
Complex = NDArray[Any]
COMPONENTS = ("x", "y", "z")
VECTOR = Shape(axes=(3,))
COMPLEX_VECTOR = Shape(axes=(3,), kind=complex)
ROOM = 0.025851999786435535
"""k_B times 300 K, eV."""
LARGEST = 1e4  # eV: energies beyond are not those of electrons in a solid
COLD = 1e-10  # eV, a microkelvin: zero temperature is its limit
DISTANCES = np.geomspace(0.25, 32.0, 15)
OUTSIDE = (
    1.1  # radii of a contact from its centre to the nearest place: waves decay from its surface
)
NORTH = (0.0, 0.0, 1.0)
NOTHING = (0.0, 0.0, 0.0)


class SpinOrbitMetal(Model):
    r"""The metal alone.

    .. math:: H_k = k^2/2N_0 - \varepsilon_F + \alpha\, \mathbf k\cdot\boldsymbol\sigma

    References
    ----------
    fransson_spinterface, Sec. II
    """

    mass: float = parameter(
        13.1234,
        unit="1/eV/nm^2",
        symbol="N_0",
        low=1e-4,
        high=1e4,
        about="band mass over hbar^2; default m_e",
    )
    spin_orbit: float = parameter(
        0.033,
        unit="eV*nm",
        symbol=r"\alpha",
        low=-10,
        high=10,
        about="spin-orbit coupling; its sign is a handedness",
    )
    fermi_energy: float = parameter(
        5.53,
        unit="eV",
        symbol=r"\varepsilon_F",
        low=-LARGEST,
        high=LARGEST,
        about="of the metal above the crossing point k = 0 of its branches",
    )
    dimension: int = parameter(3, symbol="d", choices=(1, 2, 3), about="of the metal")
    texture: str = parameter(
        "radial",
        symbol="t",
        choices=("radial", "rashba"),
        about="spin along k, or along k x z (dimension 2 only)",
    )
    thermal_energy: float = parameter(
        ROOM, unit="eV", symbol="k_BT", low=0, high=1e3, about="of the metal"
    )

    @model_validator(mode="after")
    def _texture_in_a_plane(self) -> SpinOrbitMetal:
        if self.texture == "rashba" and self.dimension != 2:
            raise ModelError(
                "Parameter `texture` must be radial where `dimension` is "
                f"{self.dimension} (Rashba coupling lives in a plane), but is rashba"
            )
        return self


class LevelContact(SpinOrbitMetal):
    r"""A molecular level that touches the metal, with a second, wide lead.

    .. math:: G_1^r = [z - \varepsilon - \boldsymbol\Delta\cdot\boldsymbol\sigma
              + \tfrac{i}{2}\Gamma_L(1 + \mathbf p_L\cdot\boldsymbol\sigma)
              - V^+ V g_\mathrm{loc}(z)]^{-1}, \quad V = V_0 + \mathbf V_1\cdot\boldsymbol\sigma

    References
    ----------
    fransson_spinterface, Secs. II A-C
    """

    level: float = parameter(
        -0.1,
        unit="eV",
        symbol=r"\varepsilon",
        low=-LARGEST,
        high=LARGEST,
        about="of the molecule",
    )
    level_splitting: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.05),
        unit="eV",
        symbol=r"\Delta",
        shape=VECTOR,
        about="exchange field on the level, in H = Delta.sigma",
    )
    hybridisation: float = parameter(
        0.05,
        unit="eV*nm^1.5",
        symbol="V_0",
        low=-1e3,
        high=1e3,
        about="level to metal, spin kept (eV nm^(d/2) in d dimensions)",
    )
    hybridisation_vector: tuple[complex, ...] = parameter(
        NOTHING,
        unit="eV*nm^1.5",
        symbol="V_1",
        shape=COMPLEX_VECTOR,
        about="level to metal with spin; imaginary keeps time reversal",
    )
    contact_radius: float = parameter(
        0.0,
        unit="nm",
        symbol="R",
        low=0,
        high=10,
        about="over which the contact is spread: sphere, ring or two points; 0 is a point",
    )
    lead_coupling: float = parameter(
        0.1,
        unit="eV",
        symbol=r"\Gamma_L",
        low=0,
        high=LARGEST,
        about="of the level to the second lead",
    )
    lead_polarisation: tuple[float, ...] = parameter(
        NOTHING, symbol="p_L", shape=VECTOR, about="of the second lead, length at most 1"
    )
    lead_potential: float = parameter(
        0.0,
        unit="eV",
        symbol=r"\mu_L",
        low=-LARGEST,
        high=LARGEST,
        about="of the second lead above the Fermi level",
    )
    lead_thermal_energy: float | None = parameter(
        None,
        unit="eV",
        symbol="k_BT_L",
        low=0,
        high=1e3,
        about="of the second lead; that of the metal if not given",
    )
    broadening: str = parameter(
        "exact",
        symbol="b",
        choices=("exact", "wide"),
        about="metal's self-energy: g_loc(z), or i Im g_loc(0) at every energy",
    )

    @model_validator(mode="after")
    def _polarised_at_most_fully(self) -> LevelContact:
        bounded(self, ("level_splitting",), 0.0, LARGEST)
        bounded(self, ("hybridisation_vector",), 0.0, 1e3)
        length = math.hypot(*self.lead_polarisation)
        if length > 1 + 1e-12:
            raise ModelError(
                f"Parameter `lead_polarisation` must have a length in [0, 1] (dimensionless), "
                f"but has {length:g}"
            )
        return self


class Contact(LevelContact):
    """A level that touches the metal at one point, and distances from it along a ray.

    References
    ----------
    fransson_spinterface, Secs. II A-C
    """

    distance: tuple[float, ...] | None = axis_parameter(
        "R", unit="nm", symbol="r", about="from the contact"
    )
    direction: tuple[float, ...] = parameter(
        NORTH, symbol=r"\hat r", shape=VECTOR, about="from the contact; any length but zero"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_distance(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = values.get("distance")
        if isinstance(given, (int, float, np.number)) and not isinstance(given, bool):
            return {**values, "distance": (float(given),)}
        return values

    @model_validator(mode="after")
    def _off_the_contact(self) -> Contact:
        for r in self.distance or ():
            if r <= 0:
                raise ModelError(
                    "Parameter `distance` must be > 0 (in nm), since the density diverges at the "
                    f"contact, but is {r:g}"
                )
        bounded(self, ("distance",), 1e-6, 1e6)
        bounded(self, ("direction",), 0.0, 1e9)
        if math.hypot(*self.direction) < 1e-9:
            raise ModelError(
                "Parameter `direction` must have a length > 0, at least 1e-9 (dimensionless), but is "
                f"{list(self.direction)}"
            )
        if self.dimension == 2 and self.direction[2] != 0 and self.direction != NORTH:
            raise ModelError(
                "Parameter `direction` must lie in the plane z = 0 (dimensionless) of a metal with "
                f"dimension 2, but is {list(self.direction)}"
            )
        return self


def metal_of(model: SpinOrbitMetal) -> Metal:
    """The metal; the one place where its spin-orbit coupling enters."""
    return Metal(
        N0=model.mass,
        alpha=model.spin_orbit,
        fermi=model.fermi_energy,
        d=model.dimension,
        radius=model.contact_radius if isinstance(model, LevelContact) else 0.0,
    )


def require_outside(metal: Metal, name: str, nearest: float, contacts: int = 1) -> None:
    """Refuse places on or within contacts that have a radius.

    Raises
    ------
    ModelError : names the parameter and the least distance
    """
    least = OUTSIDE * contacts * metal.radius
    if metal.radius and nearest < least:
        raise ModelError(
            f"Parameter `{name}` must lie >= {least:g} (in nm) from the centre of a contact with "
            f"`contact_radius` {metal.radius:g}, but is at {nearest:g}"
        )


def density_unit(model: SpinOrbitMetal) -> str:
    """The unit of a density in the dimension of the metal."""
    return {1: "1/nm", 2: "1/nm^2", 3: "1/nm^3"}[metal_of(model).d]


def current_unit(model: SpinOrbitMetal) -> str:
    """The unit of a current density, over hbar, in the dimension of the metal."""
    return {1: "eV", 2: "eV/nm", 3: "eV/nm^2"}[metal_of(model).d]


@dataclass(frozen=True, kw_only=True)
class Level:
    """The molecule of a :class:`LevelContact` as matrices.

    Parameters
    ----------
    energy : eps + Delta.sigma, shape (2, 2), eV
    coupling : V, shape (2, 2), eV nm^(d/2)
    lead : Gamma_L (1 + p_L.sigma), shape (2, 2), eV
    wide : whether the metal's self-energy is taken at the Fermi level
    """

    energy: Complex
    coupling: Complex
    lead: Complex
    wide: bool


def level_of(model: LevelContact) -> Level:
    """The molecule; the one place where its parameters become matrices."""
    gamma = model.lead_coupling
    return Level(
        energy=matrix(model.level, np.array(model.level_splitting)),
        coupling=matrix(model.hybridisation, np.array(model.hybridisation_vector)),
        lead=matrix(gamma, gamma * np.array(model.lead_polarisation)),
        wide=model.broadening == "wide",
    )


@dataclass(frozen=True, kw_only=True)
class Drive:
    """Occupations of metal and lead.

    Parameters
    ----------
    thermal_energy, lead_thermal_energy : k_B T, eV
    mu : potential of the lead; that of the metal is 0
    """

    thermal_energy: float
    lead_thermal_energy: float
    mu: float

    @property
    def equilibrium(self) -> bool:
        """Whether metal and lead are in equilibrium."""
        return self.mu == 0 and self.lead_thermal_energy == self.thermal_energy


def thermal_energy_of(model: Any) -> float:
    """k_B T of the metal or of the gas, eV."""
    return settled_thermal_energy(model.thermal_energy)


def settled_thermal_energy(kT: float) -> float:
    """The same, or zero where it is colder than any experiment."""
    return kT if kT >= COLD else 0.0


def bounded(model: Model, names: tuple[str, ...], low: float, high: float) -> None:
    """Refuse vectors and lists with entries whose size is out of a range.

    Raises
    ------
    ModelError : names the parameter, the entry and the range
    """
    for name in names:
        value = getattr(model, name)
        sizes = np.abs(np.array(() if value is None else value)).ravel()
        wrong = sizes[(sizes > high) | (sizes < low)]
        if wrong.size:
            info = model.parameter_info(name)
            raise ModelError(
                f"Parameter `{name}` must have entries of size {low:g} to {high:g} ({info.unit_words}), "
                f"but has {wrong[0]:g}"
            )


def drive_of(model: LevelContact) -> Drive:
    """Occupations; a lead without its own temperature has that of the metal."""
    kT = thermal_energy_of(model)
    own = model.lead_thermal_energy
    return Drive(
        thermal_energy=kT,
        lead_thermal_energy=kT if own is None else settled_thermal_energy(own),
        mu=model.lead_potential,
    )


def distances(model: Contact) -> Real:
    """Distances from the contact, nm."""
    if model.distance is not None:
        return np.array(model.distance)
    return np.asarray(DISTANCES + OUTSIDE * metal_of(model).radius)


def spin_direction(model: SpinOrbitMetal, unit: Real) -> Real:
    r"""The direction that multiplies g1: :math:`\hat r`, or :math:`\hat r\times\hat z` for Rashba."""
    return np.cross(unit, NORTH) if model.texture == "rashba" else unit


def ray(model: Contact) -> Real:
    """Unit vector from the contact; along x in a plane, unless told otherwise."""
    vector = np.array(model.direction)
    if metal_of(model).d == 2 and vector[2] != 0:
        vector = np.array([1.0, 0.0, 0.0])
    return np.asarray(vector / np.linalg.norm(vector))


def labels(model: Contact) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {"distance": tuple(distances(model).tolist()), "component": COMPONENTS}
