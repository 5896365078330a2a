"""What the level shows: its moment, its occupation, its spectrum, and where the moment turns over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.method import FailedState
from chirospin.base.observables import observable
from chirospin.vibration.born import ROUNDING
from chirospin.vibration.ladder import CROSSING, PROPAGATION, SPECTRUM
from chirospin.vibration.model import (
    ROOTS,
    Vibration,
    bath,
    broken_time_reversal,
    channels,
    level_of,
)
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]
DIGITS = 64 * float(np.finfo(float).eps)  # lost in sums over some hundred vibrations


def moment_error(model: Vibration, state: VibrationState) -> Array:
    """Numerical error of the moment: rounding of its largest component, and what was left unsolved.

    Where nothing is odd under time reversal all of it is rounding.
    """
    unsolved = state.outcome.residual + (state.truncation or 0.0)
    largest = float(np.abs(state.moment).max())
    even = broken_time_reversal(level_of(model)) < DIGITS
    return np.asarray((1.0 if even else DIGITS) * largest + unsolved / 2)  # hbar/2 an electron


@observable(unit="1", symbol=r"\mathbf{m}", dims=("component",), error=moment_error)
def moment(model: Vibration, state: VibrationState) -> Array:
    r"""Spin of the level, in hbar.

    .. math:: m_i = \tfrac12 \mathrm{Tr}(\sigma_i\rho), \qquad
              \rho_{ab} = \langle\psi_b^\dagger\psi_a\rangle

    References
    ----------
    fransson_closed_shell, above Eq. (1)
    """
    return state.moment + 0.0


@observable(unit="1", symbol="n")
def occupation(model: Vibration, state: VibrationState) -> Array:
    r"""Electrons in the level, Tr rho; a half each is what a hot level has."""
    return np.asarray(np.trace(state.density).real)


@observable(
    unit="1/meV",
    symbol=r"A_\sigma",
    dims=("spin", "energy"),
    needs=(SPECTRUM,),
    undefined="the continuation of scba to real energies did not settle: raise the broadening",
)
def spectral_density(model: Vibration, state: VibrationState) -> Array:
    r"""Density of states of spin up and down along z, with the method's broadening eta.

    .. math:: A_{\sigma}(\omega) = -\tfrac1\pi \mathrm{Im}\, G_{\sigma\sigma}(\omega + i\eta)

    References
    ----------
    fransson_closed_shell, Figs. 2, 3, 6
    """
    return np.asarray(state.parts[SPECTRUM])


@observable(
    unit="1/meV",
    symbol="G",
    dims=("matrix", "energy"),
    needs=(PROPAGATION,),
    default=False,
    undefined="only the method second-order knows it",
)
def green_function(model: Vibration, state: VibrationState) -> NDArray[np.complex128]:
    r"""Retarded Green function of the level, its share of 1, sigma_x, sigma_y and sigma_z.

    .. math:: G(\omega+i\eta) = G_0 + \mathbf G_1\cdot\boldsymbol\sigma

    The poles lie at the energies of the spectral density; a small broadening leaves them sharp.

    References
    ----------
    fransson_closed_shell, Eqs. (2), (12)
    """
    G: NDArray[np.complex128] = state.parts[PROPAGATION][0]
    return G


@observable(
    unit="meV",
    symbol=r"\Sigma",
    dims=("matrix", "energy"),
    needs=(PROPAGATION,),
    default=False,
    undefined="only the method second-order knows it",
)
def self_energy(model: Vibration, state: VibrationState) -> NDArray[np.complex128]:
    r"""Retarded self-energy by the vibrations, its share of 1, sigma_x, sigma_y and sigma_z.

    .. math:: \Sigma(\omega+i\eta) = \Sigma_0 + \boldsymbol\Sigma_1\cdot\boldsymbol\sigma

    References
    ----------
    fransson_closed_shell, Eqs. (10), (11)
    """
    sigma: NDArray[np.complex128] = state.parts[PROPAGATION][1]
    return sigma


@observable(
    unit="meV",
    symbol=r"k_BT_{xo}",
    dims=("root",),
    needs=(CROSSING,),
    undefined="the sign never changes",
)
def crossover(model: Vibration, state: VibrationState) -> Array:
    """Thermal energies at which the moment of this method changes sign; all NaN if it never does."""
    search = state.parts[CROSSING]
    roots = () if isinstance(search, FailedState) else search.thermal_energies[:ROOTS]
    return np.concatenate([roots, np.full(ROOTS - len(roots), np.nan)])


@observable(unit="1", symbol=r"n_{xo}", needs=(CROSSING,), undefined="the search failed")
def crossover_count(model: Vibration, state: VibrationState) -> Array:
    """How many sign changes the search found between its coldest and hottest temperature."""
    search = state.parts[CROSSING]
    return np.asarray(np.nan if isinstance(search, FailedState) else len(search.thermal_energies))


@observable(unit="1", symbol=r"\tau")
def time_reversal_breaking(model: Vibration, state: VibrationState) -> Array:
    r"""Share of the Hamiltonian's terms that is odd under time reversal; without it no moment.

    .. math:: \tau(U) = \min_\varphi |e^{i\varphi}U - \sigma_y (e^{i\varphi}U)^* \sigma_y| / 2|U|
    """
    return np.asarray(broken_time_reversal(level_of(model)))


@observable(
    unit="meV",
    symbol="E_p",
    dims=("channel",),
    undefined="level and couplings have no common channels",
)
def polaron_energy(model: Vibration, state: VibrationState) -> Array:
    r"""Energy that a displaced vibration gains by an electron in the weaker and the stronger channel.

    .. math:: E_p = g_\pm \sum_q 1/\omega_q, \qquad g_\pm = (u_0 \pm |\mathbf u_1|)^2
    """
    level = level_of(model)
    split = channels(level)
    if split is None:
        return np.full(2, np.nan)
    gains = np.sort((np.abs(split[2]) ** 2 / level.frequencies[:, None]).sum(axis=0))
    return np.where(gains > ROUNDING * gains.max(), gains, 0.0)


@observable(unit="1/meV", symbol=r"\sum_q 1/\omega_q")
def inverse_energy_sum(model: Vibration, state: VibrationState) -> Array:
    """Sum of 1/omega over all vibrations: the only property of the bath in a weak moment."""
    return np.asarray(bath(model).inverse())


OBSERVABLES = (
    moment,
    occupation,
    spectral_density,
    green_function,
    self_energy,
    crossover,
    crossover_count,
    time_reversal_breaking,
    polaron_energy,
    inverse_energy_sum,
)
