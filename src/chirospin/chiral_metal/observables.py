"""What a chiral metal shows: charge, field, spin and its flow, at both orders in the current."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import observable
from chirospin.chiral_metal import quadratic
from chirospin.chiral_metal.balance import balance_reversal
from chirospin.chiral_metal.linear import spin_decay
from chirospin.chiral_metal.model import ChiralMetal, Scales
from chirospin.chiral_metal.state import PROFILES, ChiralMetalState

Array = NDArray[np.float64]
PROFILE = ("order", "position")
EPS = float(np.finfo(float).eps)
ROUNDING = 64 * EPS  # of sums over some hundred decay rates, over the bulk value


def _relative(state: ChiralMetalState) -> float:
    """What conservation and balance miss, or rounding."""
    missed = (
        state.charge_current_error,
        state.balance_error,
        state.energy_error,
        state.outcome.residual,
    )
    return max(ROUNDING, *(value for value in missed if value is not None))


def _error(of: Callable[[Scales], tuple[Array, Array]]) -> Callable[..., Array]:
    """Numerical error of a profile: what conservation and balance miss, over its natural size.

    Parameters
    ----------
    of : unit of the observable and natural size in it, by order
    """

    def error(model: ChiralMetal, state: ChiralMetalState) -> Array:
        unit, size = of(state.scales)
        cancelled = EPS / np.pi**2  # spins of both helicities, where their difference is the answer
        return np.abs(unit * (_relative(state) * np.abs(size) + cancelled))[:, None]

    return error


def _of_spin(scales: Scales) -> tuple[Array, Array]:
    return scales.spin_scale, abs(scales.asymmetry) / np.pi**2 * np.array([1 / 3, 1 / 4])


def _of_flow(scales: Scales) -> tuple[Array, Array]:
    return scales.fermi_velocity * scales.spin_scale, np.full(2, scales.asymmetry / (3 * np.pi**2))


def _of_momentum(scales: Scales) -> tuple[Array, Array]:
    return scales.mass * scales.fermi_velocity**2 * scales.spin_scale, np.full(
        2, 1 / (3 * np.pi**2)
    )


def _of_charge(scales: Scales) -> tuple[Array, Array]:
    unit = scales.total_density * scales.mean_free_path * scales.field_scale
    return unit, np.full(2, scales.screening)


def _of_field(scales: Scales) -> tuple[Array, Array]:
    return scales.field_scale, np.ones(2)


NO_FORM = (
    "no closed form is known for this source, screening, memory, walls, temperature or relaxation time: "
    "use boltzmann"
)


@observable(
    unit="1/nm^3",
    symbol="s_z",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_spin),
)
def spin_density(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Spin along z, in hbar, at orders 1 and 2 in the current.

    .. math:: s_z^{(i)} = \frac1\Omega \sum_{k\gamma} \langle\sigma_z/2\rangle f^{(i)}_{k\gamma}

    References
    ----------
    yoshimi_2026, Eqs. (6a), (12), (13)
    """
    return state.scales.spin_scale[:, None] * state.profiles.spin


@observable(
    unit="eV/nm^2",
    symbol="j_{s;zz}",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_flow),
)
def spin_current(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Flow of spin along z with the band velocity.

    .. math:: j_s^{(i)} = \frac1\Omega \sum_{k\gamma} \langle\sigma_z/2\rangle v_z f^{(i)}_{k\gamma}

    References
    ----------
    yoshimi_2026, Eq. (6b)
    """
    scales = state.scales
    return scales.fermi_velocity * scales.spin_scale[:, None] * state.profiles.spin_current


@observable(
    unit="eV/nm^2",
    symbol=r"j^\mathrm{op}_{s;zz}",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_flow),
)
def operator_spin_current(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Flow of spin by the operator :math:`\{\sigma_z, v_z\}/4`; in the bulk 7/5 of the band form."""
    scales = state.scales
    return scales.fermi_velocity * scales.spin_scale[:, None] * state.profiles.operator_spin_current


@observable(
    unit="e/nm^3",
    symbol=r"\rho",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_charge),
)
def charge_density(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Excess charge density.

    .. math:: \rho^{(i)} = \epsilon_0\, \partial_z E^{(i)}, \qquad \epsilon_0 = q^2 N_0 \lambda_{TF}^2

    References
    ----------
    yoshimi_2026, Eqs. (17), (20)
    """
    scales = state.scales
    return (
        scales.total_density
        * scales.mean_free_path
        * scales.field_scale[:, None]
        * state.profiles.charge
    )


@observable(
    unit="V/nm",
    symbol="E",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_field),
)
def electric_field(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Field along z. Infinite at a plane at order 2 in the neutral limit.

    References
    ----------
    yoshimi_2026, Eqs. (18), (21)
    """
    return state.scales.field_scale[:, None] * state.profiles.field


@observable(
    unit="eV/nm^3",
    symbol=r"\Pi_{zz}",
    dims=PROFILE,
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=_error(_of_momentum),
)
def momentum_flux(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Flow along z of m v_z; its gradient balances the force of the field.

    .. math:: \Pi^{(i)} = \frac1\Omega \sum_{k\gamma} m v_z^2 f^{(i)}_{k\gamma}

    References
    ----------
    yoshimi_2026, Eqs. (16), (26)
    """
    scales = state.scales
    unit = scales.mass * scales.fermi_velocity**2 * scales.spin_scale
    return unit[:, None] * state.profiles.momentum_flux


@observable(
    unit="1/nm^3",
    symbol="s_z^{(2)}",
    dims=("source", "position"),
    needs=(PROFILES,),
    undefined=NO_FORM,
    error=lambda model, state: _error(_of_spin)(model, state)[1],
)
def spin_sources(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Where the quadratic spin comes from.

    .. math:: s_z^{(2)} = -\tau_0\partial_z j_s^{(2)} + \beta_1 E^{(1)} + \beta_2 E^{(2)}

    With a relaxation time that depends on energy their sum is the spin weighted with tau_0/tau.
    ``closed-form`` gives all three to leading order in alpha.

    References
    ----------
    yoshimi_2026, Eqs. (14), (25)
    """
    return np.asarray(state.scales.spin_scale[1] * state.profiles.spin_sources)


@observable(unit="1/nm^3", symbol=r"s_z^\mathrm{bulk}", dims=("order",))
def bulk_spin_density(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Spin far from both planes, exact in alpha: the Edelstein effect, and zero.

    .. math:: s_z^{(1)} = -\frac{q E_0 m^2 \alpha}{3\pi^2} \int d\epsilon\,(-f_0')\,\tau v, \qquad s_z^{(2)} = 0

    At T = 0 the integral is :math:`\tau_0 v_F`.

    References
    ----------
    yoshimi_2026, Eq. (7)
    """
    scales = state.scales
    mean_path = float(scales.energies.mean(scales.energies.path))
    return np.array([-scales.spin_scale[0] * scales.asymmetry / (3 * np.pi**2) * mean_path, 0.0])


@observable(unit="eV/nm^2", symbol=r"j_s^\mathrm{bulk}", dims=("order",))
def bulk_spin_current(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Spin current far from both planes, exact in alpha.

    .. math:: j_s^{(1)} = 0, \qquad
              j_s^{(2)} = -\frac{(q E_0)^2 m \alpha}{3\pi^2} \int d\epsilon\,(-f_0')\,v
              \Big[\big(1 + \tfrac65 r\big)\tau^2
              - \tfrac23 r\,\frac{\langle N\tau^2\rangle}{\langle N\rangle}\Big],
              \qquad \tau \propto (E/E_F)^r

    The last term keeps the metal neutral. At T = 0 it is
    :math:`-(1 + \tfrac8{15} r)(q E_0 \tau_0)^2 m \alpha v_F/3\pi^2`.

    References
    ----------
    yoshimi_2026, Eq. (7), for r = 0
    """
    scales, of = state.scales, state.scales.energies
    heated = (1 + 6 / 5 * of.exponent) * of.time**2 + of.heated_excess(scales.asymmetry)
    flow = scales.fermi_velocity * scales.spin_scale[1] * scales.asymmetry / (3 * np.pi**2)
    return np.array([0.0, -flow * float(of.mean(of.speed * heated))])


@observable(unit="eV/nm^3", symbol=r"\Pi^\mathrm{bulk}", dims=("order",))
def bulk_momentum_flux(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Momentum flux far from both planes, exact in alpha.

    .. math:: \Pi^{(1)} = 0, \qquad
              \Pi^{(2)} = \frac{m^2 (qE_0)^2}{\pi^2} \int d\epsilon\,(-f_0')\,v
              \Big\{\tau^2 \Big[\big(\tfrac23 + \tfrac25 r\big) v^2 + \tfrac25(1 + r)\alpha^2\Big]
              - \tfrac29 r\,\frac{\langle N\tau^2\rangle}{\langle N\rangle}(v^2 + \alpha^2)\Big\}

    At T = 0 and r = 0 it is :math:`\tau_0 E_0 j_0 (2 + 6a^2/5)/(1 + a^2)`.
    """
    scales, of = state.scales, state.scales.energies
    r, a2 = of.exponent, scales.asymmetry**2
    share = of.time**2 * ((2 / 3 + 2 / 5 * r) * of.speed**2 + 2 / 5 * (1 + r) * a2)
    share += of.heated_excess(scales.asymmetry) / 3 * (of.speed**2 + a2)
    unit = scales.mass * scales.fermi_velocity**2 * scales.spin_scale[1]
    return np.array([0.0, unit / np.pi**2 * float(of.mean(of.speed * share))])


@observable(
    unit="1/nm^2",
    symbol=r"\int s_z^{(2)}",
    undefined=NO_FORM,
    error=lambda model, state: state.scales.mean_free_path * _error(_of_spin)(model, state)[1, 0],
)
def interface_spin(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Quadratic spin integrated up to L/2, over the plane at z = 0, in hbar.

    ``closed-form`` takes the plane alone where collisions remember the helicity, the source is not p = 1,
    or energies differ; the check ``interface`` bounds what the other plane changes.

    References
    ----------
    yoshimi_2026, below Eq. (13)
    """
    scales = state.scales
    return np.asarray(scales.spin_scale[1] * scales.mean_free_path * state.interface_spin)


@observable(
    unit="nm",
    symbol=r"\lambda^*",
    undefined="the sign has changed for every screening, or walls stand at the planes",
)
def reversal_screening_length(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Screening length above which the interface spin has the other sign.

    .. math:: \lambda^{*2} = -\ell^2 \tfrac34(1 + a^2) \int S_2\,d\xi\,\big|_{\lambda_{TF} = 0}

    For planes far apart, any source, memory of the helicity, temperature and tau(E); see
    :func:`.quadratic.plane_total` and :func:`.balance.plane_balance`. For
    p = 1 without memory it is :math:`\ell^2 (16 - 28a^2 - 4a^4)/20(1 - a^2)`.
    """
    scales = state.scales
    if scales.walls:
        return np.asarray(np.nan)
    if not scales.energies.plain:
        turning = balance_reversal(scales.asymmetry, scales.memory, scales.weights, scales.energies)
        return np.asarray(scales.mean_free_path * turning)
    found = quadratic.reversal_screening(scales.asymmetry, scales.memory, scales.weights)
    return np.asarray(scales.mean_free_path * found)


@observable(
    unit="e^2/(hbar*nm)",
    conversion="1 e^2/(hbar*nm) = 2.434135e5 S/m",
    symbol=r"\sigma_0",
    default=False,
)
def conductivity(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Conductivity of the bulk.

    .. math:: \sigma_0 = \tfrac13 q^2 \int d\epsilon\,(-f_0')\,\tau v^2 N

    At T = 0 it is :math:`q^2 \tau_0 v_F^2 N_0/3`.

    References
    ----------
    yoshimi_2026, below Eq. (7)
    """
    return np.asarray(state.scales.conductivity)


@observable(unit="1/nm^3", symbol="n_0", default=False)
def carrier_density(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Density of carriers in equilibrium, at the given chemical potential.

    .. math:: n_0 = \int d\epsilon\,(-f_0')\,m^3 v (v^2 + 3\alpha^2)/3\pi^2
    """
    return np.asarray(state.scales.carrier_density)


@observable(unit="1/nm", symbol="k_F", dims=("helicity",), default=False)
def fermi_wavevector(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Fermi wavevectors of helicities +1 and -1; negative where one sheet is inside out, mu < 0.

    .. math:: k_h = m (v_F - h\alpha)

    References
    ----------
    yoshimi_2026, Sec. II
    """
    return state.scales.momentum


@observable(unit="nm", symbol=r"\ell", default=False)
def mean_free_path(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Mean free path v_F tau_0 at the chemical potential, equal for both helicities."""
    return np.asarray(state.scales.mean_free_path)


@observable(unit="nm", symbol=r"\ell_s", default=False)
def spin_decay_length(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Length over which a spin at the chemical potential fades; the mean free path without memory.

    .. math:: \ell_s = \ell/\kappa, \qquad \kappa = \eta\,\mathrm{artanh}\,\kappa

    For much memory it is the spin diffusion length :math:`\ell/\sqrt{3(1-\eta)}`.
    """
    scales = state.scales
    return np.asarray(scales.mean_free_path / (spin_decay(scales.memory) if scales.memory else 1.0))


@observable(unit="nm", symbol=r"\lambda_T", default=False)
def thermal_screening_length(model: ChiralMetal, state: ChiralMetalState) -> Array:
    r"""Length over which charge is screened at the temperature; ``screening_length`` is that at T = 0.

    .. math:: \lambda_T = \sqrt{\epsilon_0/(q^2\, dn/d\mu)} = \lambda_{TF} \sqrt{N_0/(dn/d\mu)}
    """
    scales = state.scales
    states = scales.energies.compressibility(scales.asymmetry)
    return np.asarray(scales.screening * scales.mean_free_path / np.sqrt(states))


OBSERVABLES = (
    spin_density,
    spin_current,
    operator_spin_current,
    charge_density,
    electric_field,
    momentum_flux,
    spin_sources,
    bulk_spin_density,
    bulk_spin_current,
    bulk_momentum_flux,
    interface_spin,
    reversal_screening_length,
    conductivity,
    carrier_density,
    fermi_wavevector,
    mean_free_path,
    spin_decay_length,
    thermal_screening_length,
)
