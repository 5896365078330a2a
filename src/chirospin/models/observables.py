"""What a one-electron model shows: curves over energy, and currents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.constants import AMPERE_PER_EV
from chirospin.base.observables import observable
from chirospin.models.model import OneElectronModel, curve_energies, molecule_of, window
from chirospin.models.state import Curve, ScatteringState

Real = NDArray[np.float64]

ROUNDING = 64 * float(np.finfo(float).eps)  # of an amplitude, beside its departure from unitarity
CURRENT = "eV*e/hbar"
CONDUCTANCE = "e^2/hbar"
NO_CURRENT = "no current flows"


def _unit(model: OneElectronModel) -> str:
    """Currents per bias in linear response."""
    drive = window(model)
    return CONDUCTANCE if drive.kind == "bias" and drive.bias == 0 else CURRENT


def _amplitude_error(curve: Curve) -> Real:
    """Of an amplitude between channels, (energy,)."""
    return np.asarray(curve.defect + ROUNDING)


def _transmission_error(curve: Curve) -> Real:
    r"""Of a transmission, (energy,): :math:`2\delta\sqrt{nT} + n\delta^2` for n pairs of channels."""
    error, pairs = _amplitude_error(curve), float(curve.channels) ** 2
    size = np.sqrt(pairs * np.abs(curve.flow.right))
    return np.asarray(2 * error * size + pairs * error**2)


def _known(curve: Curve) -> NDArray[np.bool_]:
    return np.asarray(curve.flow.right > _transmission_error(curve))


def _polarisation(curve: Curve) -> Real:
    """Spin along x, y, z over all that is transmitted, (energy, 3); 0 where that is nothing."""
    known = _known(curve)[:, None]
    size = np.where(known, curve.flow.spin[:, :1], 1.0)
    return np.where(known, curve.flow.spin[:, 1:] / size, 0.0)


def _polarisation_error(curve: Curve) -> Real:
    """Of a polarisation, (energy,); 1 where nothing is transmitted, so nothing known."""
    size = np.where(_known(curve), curve.flow.right, 1.0)
    return np.where(_known(curve), 2 * _transmission_error(curve) / size, 1.0)


def remark(model: OneElectronModel, state: ScatteringState) -> str:
    """Where nothing is transmitted; empty where something is at every energy."""
    curves = [state.parts[name] for name in ("curve",) if name in state.parts]
    curves += list(state.parts.get("magnetised_curves", ()))
    if not curves:
        return ""
    silent = ~np.any([_known(curve) for curve in curves], axis=0)
    if not silent.any():
        return ""
    at = curve_energies(model)[silent]
    where = (
        f"{at[0]:g} eV" if len(at) == 1 else f"{len(at)} energies from {at[0]:g} to {at[-1]:g} eV"
    )
    return f"outside the band: nothing is transmitted beyond rounding at {where}; P_s and P_MR are 0 there"


@observable(
    unit="1",
    symbol="T",
    dims=("energy",),
    error=lambda m, s: _transmission_error(s.curve),
    needs=("curve",),
)
def transmission(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Transmission from left to right at each energy, spins summed, with probes that carry no current.

    .. math:: T(E) = T_{RL} + \sum_p T_{Rp} f_p, \qquad \sum_q T_{pq}(f_p - f_q) = 0,
              \quad f_L = 1, f_R = 0
    """
    return state.curve.flow.right


@observable(
    unit="1",
    symbol="P_s",
    dims=("energy",),
    error=lambda m, s: _polarisation_error(s.curve),
    needs=("curve",),
)
def transmitted_spin(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Spin along z of the current into the right lead, from a left lead that is not magnetised.

    .. math:: P_s = (I_\uparrow - I_\downarrow)/(I_\uparrow + I_\downarrow)

    The spin of what leaves, which no measurement of a current alone shows: see ``spin_polarisation``.
    """
    return _polarisation(state.curve)[:, 2]


@observable(
    unit="1",
    symbol=r"\mathbf P_s",
    dims=("energy", "component"),
    error=lambda m, s: _polarisation_error(s.curve)[:, None] * np.ones(3),
    needs=("curve",),
    default=False,
)
def transmitted_spin_vector(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Spin along x, y and z of the current into the right lead, over the current.

    .. math:: \mathbf P_s = Tr[\Gamma_R\boldsymbol\sigma G\Gamma_L G^+] / Tr[\Gamma_R G\Gamma_L G^+]

    with what the probes send on.
    """
    return _polarisation(state.curve)


def _mean_error(curve: Curve) -> Real:
    total = float(curve.flow.right.sum())
    return np.asarray(2 * _transmission_error(curve).sum() / total if _known(curve).any() else 1.0)


@observable(
    unit="1",
    symbol=r"\langle P_s\rangle",
    error=lambda m, s: _mean_error(s.curve),
    needs=("curve",),
)
def mean_transmitted_spin(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Transmitted spin along z of all energies of the curve together.

    .. math:: \langle P_s\rangle = \sum_E (T_\uparrow - T_\downarrow) / \sum_E (T_\uparrow + T_\downarrow)
    """
    curve = state.curve
    if not _known(curve).any():
        return np.asarray(0.0)
    return np.asarray(curve.flow.spin[:, 3].sum() / curve.flow.spin[:, 0].sum())


def _curve_pair_error(model: OneElectronModel, state: ScatteringState) -> Real:
    up, down = state.magnetised
    known = _known(up) | _known(down)
    size = np.where(known, up.flow.right + down.flow.right, 1.0)
    error = 2 * (_transmission_error(up) + _transmission_error(down)) / size
    return np.where(known, error, 1.0)


@observable(
    unit="1",
    symbol=r"P_\mathrm{MR}",
    dims=("energy",),
    error=_curve_pair_error,
    needs=("magnetised_curves",),
)
def spin_polarisation(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Magnetoresistance polarisation of the transmission at each energy.

    .. math:: P_{MR} = (T_\uparrow - T_\downarrow)/(T_\uparrow + T_\downarrow)

    up and down the magnetisation of the left lead. It is not the spin of the current, ``transmitted_spin``.
    """
    up, down = state.magnetised
    known = _known(up) | _known(down)
    total = np.where(known, up.flow.right + down.flow.right, 1.0)
    return np.where(known, (up.flow.right - down.flow.right) / total, 0.0)


@observable(
    unit=CONDUCTANCE,
    symbol="I",
    dims=("magnetisation",),
    conversion=f"1 eV*e/hbar = {AMPERE_PER_EV:.6g} A; 1 e^2/hbar = {AMPERE_PER_EV:.6g} A/V",
    unit_in=_unit,
    error=lambda m, s: np.array([current.error for current in s.currents[:2]]),
    needs=("currents",),
)
def current(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Current from left to right for each magnetisation of the left lead; conductance where the bias is 0.

    .. math:: I = \int \frac{dE}{2\pi}\,(f_L - f_R)\,T(E)
    """
    return np.array([current.right for current in state.currents[:2]])


def _current_polarisation_error(model: OneElectronModel, state: ScatteringState) -> Real:
    up, down = state.currents[:2]
    total = max(abs(up.right + down.right), 1e-300)
    return np.asarray(2 * (up.error + down.error) / total)


@observable(
    unit="1",
    symbol=r"P_\mathrm{MR}^I",
    undefined=NO_CURRENT,
    error=_current_polarisation_error,
    needs=("currents",),
)
def current_spin_polarisation(model: OneElectronModel, state: ScatteringState) -> Real:
    r"""Magnetoresistance polarisation of the current at the bias and temperature of the model.

    .. math:: P_{MR} = (I_\uparrow - I_\downarrow)/(I_\uparrow + I_\downarrow)
    """
    up, down = state.currents[:2]
    if not (up.flows or down.flows):
        return np.asarray(np.nan)
    return np.asarray((up.right - down.right) / (up.right + down.right))


@observable(
    unit="1",
    symbol="P_s^I",
    undefined=NO_CURRENT,
    error=lambda m, s: np.asarray(s.currents[2].transmitted_spin_error),
    needs=("currents",),
)
def current_transmitted_spin(model: OneElectronModel, state: ScatteringState) -> Real:
    """Spin along z of the current into the right lead, over the current; left lead not magnetised."""
    return np.asarray(state.currents[2].transmitted_spin)


@observable(unit="nm", symbol=r"\mathbf r", dims=("site", "component"), default=False)
def position(model: OneElectronModel, state: ScatteringState) -> Real:
    """Where the sites are."""
    return molecule_of(model).positions


OBSERVABLES = (
    transmission,
    transmitted_spin,
    mean_transmitted_spin,
    spin_polarisation,
    current,
    current_spin_polarisation,
    current_transmitted_spin,
    transmitted_spin_vector,
    position,
)
