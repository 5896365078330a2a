"""The isotropic two-dimensional electron gas with spin-orbit splitting and scalar impurities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.parameters import Model, axis_parameter, parameter
from chirospin.rashba.bands import Bands, parabolic_dispersion, power_splitting
from chirospin.rashba.disorder import Correlator

Array = NDArray[np.float64]
DISORDER = ("delta", "gaussian", "yukawa", "thomas-fermi", "coulomb")
LENGTH = 10.0
SCREENING = 0.2
LARGE, SMALL = 1e9, 1e-18  # of a parameter in its unit: beyond any gas, and far from overflow
MOST_TURNS, MOST_RADIANS = 64, 1e3
WEAKEST = 1e-18  # eV nm^n; a splitting below it is none in double precision
COLDEST = 1e-6  # k_B T over E_F, whose square is what a temperature changes
HOTTEST = 100.0  # eV
BANDS = ("upper", "lower")
APART = 1.001  # last over first momentum at least
PLACES, SHOWN = 41, 6.0  # momenta where none are given; k_B T around E_F that they cross


def band_mass() -> Any:
    """Declare the mass of both problems."""
    return parameter(
        0.66,
        unit="1/eV/nm^2",
        symbol="m",
        low=1 / LARGE,
        high=LARGE,
        about="band mass over hbar^2; m_e is 13.12",
    )


def growth_rate() -> Any:
    """Declare the imaginary part of the frequency of both problems."""
    return parameter(
        0.0,
        unit="eV",
        symbol=r"\hbar\Omega",
        low=0,
        high=LARGE,
        about="the field grows as exp(Omega t)",
    )


class RashbaGas(Model):
    r"""A two-dimensional gas whose spins precess around a field that turns N times with the momentum.

    .. math:: H = \varepsilon_0(p) - \tfrac12 \Delta(p)\, \boldsymbol\sigma\cdot\boldsymbol\Omega_N,
              \qquad \boldsymbol\Omega_N = (-\sin N\varphi, \cos N\varphi, 0)

    With :math:`\Delta = 2\alpha_R p` and N = 1 this is
    :math:`H_R = \alpha_R (k_y\sigma_x - k_x\sigma_y)`. The force eE points along x.

    References
    ----------
    khaetskii_2006, Eq. (1)
    """

    mass: float = band_mass()
    spin_orbit: float = parameter(
        0.02,
        unit="eV*nm",
        symbol=r"\alpha_R",
        low=-LARGE,
        high=LARGE,
        about="splitting 2 alpha_R p^n; in eV*nm^n for a splitting_power n",
    )
    fermi_energy: float = parameter(
        0.1,
        unit="eV",
        symbol="E_F",
        low=-LARGE,
        high=LARGE,
        about="or chemical potential, from the energy at p = 0",
    )
    thermal_energy: float = parameter(
        0.0, unit="eV", symbol="k_BT", low=0, high=HOTTEST, about="k_B T"
    )
    disorder: str = parameter(
        "delta", symbol="w(q)", about=f"{', '.join(DISORDER)}; or FILE.py:NAME, MODULE:NAME of w(q)"
    )
    scattering_rate: float = parameter(
        0.01,
        unit="eV",
        symbol=r"\hbar w_0",
        low=SMALL,
        high=1 / SMALL,
        about="m N_i |U|^2/hbar^2; hbar/tau for delta; in eV/nm^2 for coulomb, w_0/q^2",
    )
    disorder_length: float = parameter(
        LENGTH,
        unit="nm",
        symbol="R",
        low=1 / LARGE,
        high=LARGE,
        about="range of gaussian, w_0 exp(-q^2 R^2)",
    )
    screening: float = parameter(
        SCREENING,
        unit="1/nm",
        symbol=r"\kappa",
        low=SMALL,
        high=1 / SMALL,
        about="of yukawa, w_0 kappa^2/(q^2+kappa^2), and thomas-fermi, w_0 kappa^2/(q+kappa)^2",
    )
    winding: int = parameter(
        1,
        symbol="N",
        low=-MOST_TURNS,
        high=MOST_TURNS,
        about="turns of the splitting field; not 0; -1 is linear Dresselhaus",
    )
    splitting_power: float = parameter(
        1.0, symbol="n", low=0.01, high=20, about="of p in the splitting"
    )
    nonparabolicity: float = parameter(
        0.0, unit="nm^2", symbol="g", low=-LARGE, high=LARGE, about="energy p^2 (1 + g p^2)/2m"
    )
    dispersion: str = parameter(
        "parabolic", symbol=r"\varepsilon_0(p)", about="or FILE.py:NAME, MODULE:NAME of the energy"
    )
    splitting: str = parameter(
        "power",
        symbol=r"\Delta(p)",
        about="or FILE.py:NAME, MODULE:NAME of a positive splitting",
    )
    frequency: float = parameter(
        0.0,
        unit="eV",
        symbol=r"\hbar\omega",
        low=-LARGE,
        high=LARGE,
        about="of the electric field",
    )
    imaginary_frequency: float = growth_rate()
    texture_angle: float = parameter(
        0.0,
        unit="rad",
        symbol=r"\chi",
        low=-MOST_RADIANS,
        high=MOST_RADIANS,
        about="turns all spins about z; -pi/2 is a radial texture",
    )
    momentum: tuple[float, ...] | None = axis_parameter(
        "P",
        unit="1/nm",
        symbol="p",
        about="where the distribution is wanted; across both Fermi circles if not given",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_momentum(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = values.get("momentum")
        if isinstance(given, (int, float, np.number)) and not isinstance(given, bool):
            return {**values, "momentum": (float(given),)}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> RashbaGas:
        if 0 < abs(self.spin_orbit) < WEAKEST:
            raise ModelError(
                f"Parameter `spin_orbit` must be 0, or at least {WEAKEST:g} in size (in eV*nm), "
                f"but is {self.spin_orbit:g}"
            )
        if self.spin_orbit == 0 and ":" in self.dispersion + self.splitting:
            raise ModelError(
                "Parameter `spin_orbit` must not be 0 with a `dispersion` or `splitting` of a file "
                "(in eV*nm), but is 0"
            )
        for name in ("fermi_energy", "frequency", "imaginary_frequency"):
            if 0 < abs(getattr(self, name)) < SMALL:
                raise ModelError(
                    f"Parameter `{name}` must be 0, or at least {SMALL:g} in size (in eV), "
                    f"but is {getattr(self, name):g}"
                )
        if 0 < self.thermal_energy < COLDEST * abs(self.fermi_energy):
            raise ModelError(
                f"Parameter `thermal_energy` must be 0, or at least {COLDEST:g} of the Fermi energy "
                f"(in eV), but is {self.thermal_energy:g}"
            )
        for p in self.momentum or ():
            if not 1 / LARGE <= p <= LARGE:
                raise ModelError(
                    f"Parameter `momentum` must have entries in [{1 / LARGE:g}, {LARGE:g}] (in 1/nm), "
                    f"but has {p:g}"
                )
        if self.winding == 0:
            raise ModelError("Parameter `winding` must be an integer other than 0, but is 0")
        if self.disorder not in DISORDER and ":" not in self.disorder:
            raise ModelError(
                f"Parameter `disorder` must be {', '.join(DISORDER)} or FILE.py:NAME, "
                f"but is {self.disorder!r}"
            )
        for name, built_in in (("dispersion", "parabolic"), ("splitting", "power")):
            if getattr(self, name) != built_in and ":" not in getattr(self, name):
                raise ModelError(
                    f"Parameter `{name}` must be {built_in} or FILE.py:NAME, "
                    f"but is {getattr(self, name)!r}"
                )
        return self


def bands(model: RashbaGas) -> Bands:
    """Both bands of the gas, checked at its Fermi energy.

    Raises
    ------
    ModelError : no carriers, or a Fermi energy outside the bands
    """
    m, g, alpha = model.mass, model.nonparabolicity, abs(model.spin_orbit)
    linear = model.dispersion == "parabolic" and model.splitting == "power"
    return Bands(
        m=m,
        N=model.winding,
        dispersion=parabolic_dispersion(m, g)
        if model.dispersion == "parabolic"
        else loaded_function("dispersion", model.dispersion),
        splitting=power_splitting(2 * alpha, model.splitting_power)
        if model.splitting == "power"
        else loaded_function("splitting", model.splitting),
        mu=model.fermi_energy,
        T=model.thermal_energy,
        sign=-1 if model.spin_orbit > 0 else 1,
        step=2 * m * alpha if linear and g == 0 and model.splitting_power == 1 else None,
    )


def spin_angle(model: RashbaGas, band: int, angle: Any) -> Any:
    r"""Direction of the mean spin in the plane, rad, of the upper (+1) or lower (-1) band at an angle of p.

    The lower band has its spin along :math:`\mathrm{sgn}(\alpha_R) \boldsymbol\Omega_N`, the upper one against it.
    """
    x, y = spin_axis(model)
    return bands(model).N * angle + math.atan2(band * y, band * x)


def correlator(model: RashbaGas) -> Correlator:
    """The disorder of the gas."""
    custom = ":" in model.disorder
    return Correlator(
        kind="custom" if custom else model.disorder,
        w0=model.scattering_rate,
        R=model.disorder_length,
        kappa=model.screening,
        function=loaded_function("disorder", model.disorder) if custom else None,
    )


def complex_frequency(model: RashbaGas) -> complex:
    """omega + i Omega; the field goes as exp(-i z t)."""
    return complex(model.frequency, model.imaginary_frequency)


def spin_axis(model: RashbaGas) -> tuple[float, float]:
    """Components along x and y of the direction that a positive spin of the response has.

    The solvers take a positive splitting; -alpha_R of H turns the spins by pi, the texture by its angle.
    """
    sign = bands(model).sign
    return -sign * math.sin(model.texture_angle), sign * math.cos(model.texture_angle)


def momenta(model: RashbaGas) -> Array:
    """Where the distribution is wanted, 1/nm: as given, or across both Fermi circles."""
    if model.momentum is not None:
        return np.array(model.momentum, float)
    gas = bands(model)
    reach = SHOWN * gas.T
    low, high = max(gas.mu - reach, gas.crossing), max(gas.mu + reach, gas.crossing + gas.T)
    first, last = (
        float(
            gas.inverse(
                np.array([e]), band, gas.minimum * (band < 0), gas.cap, np.array([gas.scale])
            )[0]
        )
        for e, band in ((low, 1), (high, -1))
    )
    return np.linspace(first, max(last, APART * first), PLACES + 2)[1:-1]


def labels(model: RashbaGas) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {"band": BANDS, "momentum": tuple(momenta(model).tolist())}
