"""Observables of the isotropic gas, per force eE along x."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import observable
from chirospin.rashba.chain import ACROSS, ALONG, CHARGE, OUT
from chirospin.rashba.distribution import DISTRIBUTION, Distribution, electrons
from chirospin.rashba.model import RashbaGas, bands, correlator, momenta, spin_axis
from chirospin.rashba.shells import UNIT
from chirospin.rashba.state import ROUNDING, GasResponse

Values = NDArray[Any]


def _spin_error(model: RashbaGas, state: GasResponse) -> float:
    return max(state.errors[1], ROUNDING * abs(state.spin))


def _flow_error(model: RashbaGas, state: GasResponse) -> float:
    """Of the method, and rounding of the two parts that cancel."""
    parts = np.nan_to_num([state.spin_hall_interband, state.spin_hall_acceleration])
    return max(state.errors[2], ROUNDING * float(np.abs(parts).max()))


NO_FORM = "no closed form is known here; use kinetic"


@observable(unit="e^2/hbar", symbol=r"\sigma", undefined=f"{NO_FORM}; kubo leaves it out")
def conductivity(model: RashbaGas, state: GasResponse) -> Values:
    r"""Conductivity.

    .. math:: \sigma = \int\frac{p\,dp}{2\pi}\left[\varepsilon_0' n + \tfrac12\Delta' s_O
              + \frac{N\Delta}{2p} s_e\right]
    """
    return np.asarray(state.conductivity)


@observable(
    unit="1/(eV*nm)", symbol=r"\langle\sigma_y\rangle/2eE", undefined=NO_FORM, error=_spin_error
)
def spin_accumulation(model: RashbaGas, state: GasResponse) -> Values:
    r"""Spin density along y, hbar/2 sigma_y, per force: the Edelstein effect.

    .. math:: \tfrac12\langle\sigma_y\rangle = \tfrac12\int\frac{p\,dp}{2\pi}(s_O + N s_e)
              \to N_0\alpha_R\tau\,eE
    """
    return np.asarray(state.spin * spin_axis(model)[1])


@observable(
    unit="1/(eV*nm)", symbol=r"\langle\sigma_x\rangle/2eE", undefined=NO_FORM, error=_spin_error
)
def spin_accumulation_along(model: RashbaGas, state: GasResponse) -> Values:
    """Spin density along the field per force, of a texture turned towards the momentum."""
    return np.asarray(state.spin * spin_axis(model)[0])


@observable(unit="e/(8 pi)", symbol="q_{yz}", undefined=NO_FORM, error=_flow_error)
def spin_hall_current(model: RashbaGas, state: GasResponse) -> Values:
    r"""Flow along y of spin along z, in units of eE/8 pi.

    .. math:: q_{yz} = \int\frac{p\,dp}{4\pi}\,\varepsilon_0'\, s_z

    References
    ----------
    khaetskii_2006, Eq. (2)
    """
    return np.asarray(state.spin_hall_current)


@observable(
    unit="e/(8 pi)", symbol=r"q_{yz}^\mathrm{inter}", undefined=f"{NO_FORM}; kubo has no parts"
)
def spin_hall_interband(model: RashbaGas, state: GasResponse) -> Values:
    """Part of the spin Hall current by the turn of the bands' spins with the momentum.

    References
    ----------
    khaetskii_2006, Eq. (14), first term
    """
    return np.asarray(state.spin_hall_interband)


@observable(
    unit="e/(8 pi)", symbol=r"q_{yz}^\mathrm{acc}", undefined=f"{NO_FORM}; kubo has no parts"
)
def spin_hall_acceleration(model: RashbaGas, state: GasResponse) -> Values:
    """Part of the spin Hall current by the acceleration of both Fermi seas.

    References
    ----------
    khaetskii_2006, Eq. (14), second term
    """
    return np.asarray(state.spin_hall_acceleration)


@observable(
    unit="e",
    symbol=r"\sigma^\mathrm{sH}",
    undefined=NO_FORM,
    error=lambda m, s: _flow_error(m, s) / UNIT,
)
def spin_hall_conductivity(model: RashbaGas, state: GasResponse) -> Values:
    """The spin Hall current per field in units of e; e/8 pi is 0.0398 e."""
    return np.asarray(state.spin_hall_current / UNIT)


@observable(unit="1/nm^2", symbol="n")
def carrier_density(model: RashbaGas, state: GasResponse) -> Values:
    r"""Electrons per area in both bands.

    .. math:: n = \sum_\pm\int\frac{p\,dp}{2\pi}\, f^0_\pm(p)
    """
    return np.asarray(electrons(bands(model)))


COLD = (
    "only kinetic gives it, at a thermal_energy above 0: a cold one is a sum of steps of zero width"
)


def _profile_error(model: RashbaGas, state: GasResponse) -> float:
    distribution: Distribution | None = state.parts[DISTRIBUTION]
    return distribution.error if distribution else 0.0


def _amplitude(model: RashbaGas, state: GasResponse, n: int) -> Values:
    distribution: Distribution | None = state.parts[DISTRIBUTION]
    return (
        np.full(momenta(model).size, np.nan)
        if distribution is None
        else distribution.amplitudes[:, n]
    )


@observable(
    unit="nm/eV",
    symbol=r"f_{\pm\pm}",
    dims=("band", "momentum"),
    needs=(DISTRIBUTION,),
    undefined=COLD,
    error=_profile_error,
    default=False,
)
def distribution_by_band(model: RashbaGas, state: GasResponse) -> Values:
    r"""Change of the occupation of both bands per force, its factor of cos(phi).

    .. math:: f_{\pm\pm}(\mathbf p) = (n \pm s_\Omega)\cos\varphi

    References
    ----------
    khaetskii_2006, Eqs. (16), (17)
    """
    n, along = (_amplitude(model, state, k) for k in (CHARGE, ALONG))
    return np.stack([n + along, n - along])


@observable(
    unit="nm/eV",
    symbol="s_z",
    dims=("momentum",),
    needs=(DISTRIBUTION,),
    undefined=COLD,
    error=_profile_error,
    default=False,
)
def spin_z_by_momentum(model: RashbaGas, state: GasResponse) -> Values:
    r"""Spin along z of the electrons with a momentum per force, its factor of sin(phi).

    .. math:: s_z = \tfrac12\mathrm{Tr}(\sigma_z f)/\sin\varphi = -\tfrac12(f_{+-} + f_{-+})/\sin\varphi

    References
    ----------
    khaetskii_2006, Eqs. (13), (14), (18)
    """
    return _amplitude(model, state, OUT)


@observable(
    unit="nm/eV",
    symbol="s_e",
    dims=("momentum",),
    needs=(DISTRIBUTION,),
    undefined=COLD,
    error=_profile_error,
    default=False,
)
def spin_across_by_momentum(model: RashbaGas, state: GasResponse) -> Values:
    r"""Spin in the plane and across that of the upper band per force, its factor of sin(phi).

    .. math:: s_e = \tfrac1{2i}(f_{+-} - f_{-+})/\sin\varphi,
              \qquad \hat{\mathbf e}\times\boldsymbol\Omega = \hat{\mathbf z}

    with :math:`\boldsymbol\Omega` the spin of the upper band.
    """
    return _amplitude(model, state, ACROSS)


@observable(unit="eV", symbol=r"\hbar/\tau_\pm", dims=("band", "momentum"), default=False)
def intraband_rate(model: RashbaGas, state: GasResponse) -> Values:
    r"""Rate at which each band forgets its momentum by collisions that do not leave it, over hbar.

    .. math:: \frac\hbar{\tau_\pm} = -\frac{2ap}{V_\pm}, \qquad
              a = -\frac1{4m} \int\frac{d\theta}{2\pi}\, w\big(2p\sin\tfrac\theta2\big) \sin^2\theta

    with the other constants of the kernel d = a, c = -ia, b = ia. For a winding N the squared sine is
    (1 + cos N theta)(1 - cos theta), the overlap of the spins before and after.

    References
    ----------
    khaetskii_2006, Eqs. (8)-(11)
    """
    gas, p = bands(model), momenta(model)
    N = abs(gas.N)
    first, turned, further, nearer = correlator(model).transport(p, (1, N, N + 1, N - 1))
    overlap = first - turned + (further + nearer) / 2
    return np.stack([p / (2 * gas.m * np.abs(gas.velocity(p, M))) * overlap for M in (1, -1)])


OBSERVABLES = (
    conductivity,
    spin_accumulation,
    spin_accumulation_along,
    spin_hall_current,
    spin_hall_interband,
    spin_hall_acceleration,
    spin_hall_conductivity,
    carrier_density,
    distribution_by_band,
    spin_z_by_momentum,
    spin_across_by_momentum,
    intraband_rate,
)
