"""What a biased junction shows: I-V curves, their odd and even parts, noise, reciprocity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.observables import Function, Observable, observable
from chirospin.junction.bias.model import BiasedJunction, gated_hamiltonian, reservoirs_of
from chirospin.junction.bias.parts import (
    BIAS_RESPONSE,
    NOISE,
    REST,
    REST_ABOVE,
    REST_BELOW,
    REVERSED,
    STEP,
    BiasResponse,
    bias_step,
    driven,
    left_flows,
    obeys_reciprocity,
    rest,
)
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.manybody.bosons import FLOW_ERROR
from chirospin.junction.model import lead_couplings
from chirospin.junction.modes import modes
from chirospin.junction.observables import (
    CURRENT,
    IN_AMPERE,
    NO_CURRENT,
    axis_labels,
    current,
    current_uncertainty,
    labels,
    mean_current,
    occupation,
    polarisation_error_from,
)
from chirospin.scattering.probes import probe_kind

Real = NDArray[np.float64]
NO_DEFECT = 1e-6  # the step of the derivative
FAINT = 0.01  # of T dI/dV: a thermoelectric response below is near its zero
NO_DRIVE = "leads of equal potential and temperature drive no current, or none flows"
NOT_FOUND = "the method does not find it, or was told not to"
NO_PARTNER = "the method failed at the other bias, or was told not to solve there"
STILL = "no vibration moves the electrons, or the method has none"
BROKEN = "the stack itself breaks time reversal, or the method has no currents near zero bias"
AT_REST = (REST_ABOVE, REST_BELOW)


def biased_labels(model: BiasedJunction) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        **labels(model),
        **axis_labels(model, gated_hamiltonian(model)),
        "mode": tuple(range(1, len(modes(model)) + 1)),
    }


def energy_scale(model: BiasedJunction) -> float:
    """Largest one-electron energy with the window of the bias, eV."""
    return float(np.abs(gated_hamiltonian(model)).max() + np.ptp(reservoirs_of(model).potential))


def _spurious(model: BiasedJunction, state: BiasedState) -> Real:
    """What the method itself drives at rest, of electrons and energy, (2, magnetisation); 0 if unknown."""
    return np.nan_to_num(np.abs(left_flows(state.parts[REST])))


def left_out(state: BiasedState) -> Real:
    """Of every current the share that levels of vibrations which are not kept may change, (magnetisation,)."""
    if state.vibrations is None:
        return np.zeros(2)
    return np.asarray(FLOW_ERROR * state.vibrations.top_level.sum(axis=1))


def _current_error(model: BiasedJunction, state: BiasedState) -> Real:
    """Numerical error of the left currents, what the method drives at rest, what levels leave out."""
    cut = left_out(state) * np.abs(state.lead_current[:, 0])
    return np.asarray(current_uncertainty(model, state) + _spurious(model, state)[0] + cut)


def _mean_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray(_current_error(model, state).mean())


def _polarisation_error(model: BiasedJunction, state: BiasedState) -> Real:
    r"""From the numerical errors, the currents at rest, the defect d of reciprocity, and levels left out.

    .. math:: \delta P = \delta P_{num} + \frac{|I_{0\uparrow} - I_{0\downarrow}|
              + |P|\,|I_{0\uparrow} + I_{0\downarrow}|}{|I_\uparrow + I_\downarrow|} + |d|
    """
    I, numerical = state.lead_current[:, 0], current_uncertainty(model, state)  # noqa: E741
    spurious = np.nan_to_num(left_flows(state.parts[REST])[0])
    defect = np.nan_to_num(abs(linear_polarisation(model, state)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        P = (I[0] - I[1]) / I.sum()
        moved = (abs(spurious[0] - spurious[1]) + abs(P * spurious.sum())) / abs(I.sum())
    artefact = defect if defect > NO_DEFECT else 0.0
    cut = polarisation_error_from(I, left_out(state) * np.abs(I)) / FLOW_ERROR
    return np.asarray(polarisation_error_from(I, numerical) + moved + artefact + cut)


def _difference_odd_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray(2 * current_uncertainty(model, state).sum())


def _difference_even_error(model: BiasedJunction, state: BiasedState) -> Real:
    up, down = np.nan_to_num(left_flows(state.parts[REST])[0])
    return np.asarray(_difference_odd_error(model, state) + abs(up - down))


def _mean_odd_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray(2 * current_uncertainty(model, state).mean())


def _mean_even_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.asarray(_mean_odd_error(model, state) + _spurious(model, state)[0].mean())


def _rectification_error(model: BiasedJunction, state: BiasedState) -> Real:
    odd, even = (abs(part.mean()) for part in _parts(model, state))
    if not odd > NO_CURRENT * lead_couplings(model).sum():
        return np.asarray(np.nan)
    relative = _mean_odd_error(model, state) / odd
    return np.asarray(_mean_even_error(model, state) / odd + even / odd * relative)


def _step_error(model: BiasedJunction, state: BiasedState) -> Real:
    """Of a derivative by differences, (magnetisation,)."""
    return np.asarray(current_uncertainty(model, state) / bias_step(model))


def _bias_response(state: BiasedState) -> BiasResponse | None:
    found = state.parts[BIAS_RESPONSE]
    return found if isinstance(found, BiasResponse) else None  # else it failed, or was declined


def _conductance_error(model: BiasedJunction, state: BiasedState) -> Real:
    return np.full(2, np.nan) if (found := _bias_response(state)) is None else found.error


def _fano_error(model: BiasedJunction, state: BiasedState) -> Real:
    if state.parts[NOISE] is None:
        return np.full(2, np.nan)
    I = np.abs(state.lead_current[:, 0])  # noqa: E741
    I = np.where(NO_CURRENT * lead_couplings(model).sum() < I, I, np.nan)  # noqa: E741
    return np.asarray(np.abs(state.parts[NOISE]) * _current_error(model, state) / I**2)


def bath_energy(state: BiasedState) -> Real:
    """Energy that enters from the bath of the vibrations, (magnetisation,), eV^2/hbar."""
    return np.zeros(2) if state.vibrations is None else state.vibrations.energy


def energy_error(model: BiasedJunction, state: BiasedState) -> Real:
    """From both leads together, rounding, and what the method drives at rest, (magnetisation, 1)."""
    if state.energy_current is None:
        return np.full((2, 1), np.nan)
    net = np.abs(state.energy_current.sum(axis=1) + bath_energy(state))
    inelastic = reservoirs_of(model).dephasing or probe_kind(model) == "voltage"
    net = 0.0 * net if inelastic else net
    rounding = np.finfo(float).eps * lead_couplings(model).sum(axis=(1, 2)) * energy_scale(model)
    cut = left_out(state) * np.abs(state.energy_current).max(axis=1)
    return np.asarray(net + rounding + _spurious(model, state)[1] + cut)[:, None]


def _of_vibrations(name: str) -> Function:
    """A reading of the vibrations, (magnetisation, mode)."""

    def reading(model: BiasedJunction, state: BiasedState) -> Real:
        if state.vibrations is None:
            return np.full((2, len(modes(model))), np.nan)
        return np.asarray(getattr(state.vibrations, name))

    return reading


def _vibrations_error(name: str) -> Function:
    """Of levels left out, and of the residual."""

    def error(model: BiasedJunction, state: BiasedState) -> Real:
        if state.vibrations is None:
            return np.full((2, len(modes(model))), np.nan)
        found = np.abs(getattr(state.vibrations, name))
        rest = np.array([outcome.residual for outcome in state.outcomes])[:, None]
        return np.asarray(state.vibrations.errors[name] + rest * np.maximum(found, 1.0))

    return error


def _bath_error(model: BiasedJunction, state: BiasedState) -> Real:
    """Of the energies of the leads, of levels left out, and what flows at rest and one temperature."""
    if state.vibrations is None:
        return np.full(2, np.nan)
    still = state.parts[REST]
    known = still is not None and still.outcome.converged and still.vibrations is not None
    drift = np.abs(still.vibrations.energy) if known else np.zeros(2)
    own = state.vibrations.errors["mode_heat"].sum(axis=1)
    return np.asarray(energy_error(model, state)[:, 0] + own + drift)


def _levels(model: BiasedJunction, state: BiasedState) -> Real:
    """Levels of each vibration that were kept."""
    if state.vibrations is None:
        return np.full(len(modes(model)), np.nan)
    return np.array(state.vibrations.levels, dtype=float)


def vibrating(model: BiasedJunction) -> bool:
    """Whether there are vibrations to show."""
    return len(modes(model)) > 0


@observable(
    unit="eV^2/hbar",
    symbol="E_b",
    dims=("magnetisation",),
    undefined=STILL,
    needs=(REST,),
    default=vibrating,
    error=_bath_error,
)
def bath_energy_current(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Energy that enters from the bath of the vibrations; with that of the leads it adds up to zero.

    .. math:: E_b = Tr[H D_b \rho] = -(J_{E,L} + J_{E,R})

    The heat into the bath is its negative. Of a local bath ``mode_heat`` leaves out the coupling energy that
    its jumps destroy.
    """
    return np.full(2, np.nan) if state.vibrations is None else state.vibrations.energy


def _defect_error(model: BiasedJunction, state: BiasedState) -> Real:
    """The step of the derivative, and rounding over it."""
    G = np.abs(conductance_at_rest(model, state)).mean()
    rounding = _step_error(rest(model), state).mean() / max(G, 1e-300)
    return np.asarray(NO_DEFECT + rounding)


@observable(
    unit="1",
    symbol=r"P_\mathrm{MR}",
    undefined=NO_DRIVE,
    error_needs=(REST, *AT_REST),
    error=_polarisation_error,
)
def spin_polarisation(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Magnetoresistance polarisation of the current at this bias.

    .. math:: P_{MR}(V) = (I_\uparrow - I_\downarrow) / (I_\uparrow + I_\downarrow)

    Equals the ratio formed with absolute values where both currents have one sign. Undefined at zero
    bias, where nothing is divided.
    """
    up, down = state.lead_current[:, 0]
    nothing = abs(up) + abs(down) <= NO_CURRENT * lead_couplings(model).sum()
    if nothing or not driven(model):
        return np.asarray(np.nan)
    return np.asarray((up - down) / (up + down))


def _parts(model: BiasedJunction, state: BiasedState) -> tuple[Real, Real]:
    """Odd and even parts of the left currents in the bias, each (magnetisation,)."""
    here, there = state.lead_current[:, 0], left_flows(state.parts[REVERSED])[0]
    return (here - there) / 2, (here + there) / 2


@observable(
    unit=CURRENT,
    symbol=r"\Delta_\mathrm{odd}",
    conversion=IN_AMPERE,
    undefined=NO_PARTNER,
    needs=(REVERSED,),
    default=False,
    error=_difference_odd_error,
)
def current_difference_odd(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Odd part in the bias of the difference of the currents for the two magnetisations.

    .. math:: (\Delta(V) - \Delta(-V))/2, \qquad \Delta = I_\uparrow - I_\downarrow
    """
    odd, _ = _parts(model, state)
    return np.asarray(odd[0] - odd[1])


@observable(
    unit=CURRENT,
    symbol=r"\Delta_\mathrm{even}",
    conversion=IN_AMPERE,
    undefined=NO_PARTNER,
    needs=(REVERSED, REST),
    default=False,
    error=_difference_even_error,
)
def current_difference_even(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Even part in the bias of the difference of the currents for the two magnetisations.

    .. math:: (\Delta(V) + \Delta(-V))/2, \qquad \Delta = I_\uparrow - I_\downarrow
    """
    _, even = _parts(model, state)
    return np.asarray(even[0] - even[1])


@observable(
    unit=CURRENT,
    symbol=r"\bar I_\mathrm{odd}",
    conversion=IN_AMPERE,
    undefined=NO_PARTNER,
    needs=(REVERSED,),
    default=False,
    error=_mean_odd_error,
)
def mean_current_odd(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Odd part in the bias of the mean current.

    .. math:: (\bar I(V) - \bar I(-V))/2
    """
    odd, _ = _parts(model, state)
    return np.asarray(odd.mean())


@observable(
    unit=CURRENT,
    symbol=r"\bar I_\mathrm{even}",
    conversion=IN_AMPERE,
    undefined=NO_PARTNER,
    needs=(REVERSED, REST),
    default=False,
    error=_mean_even_error,
)
def mean_current_even(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Even part in the bias of the mean current.

    .. math:: (\bar I(V) + \bar I(-V))/2
    """
    _, even = _parts(model, state)
    return np.asarray(even.mean())


@observable(
    unit="1",
    symbol="r",
    undefined=f"{NO_DRIVE}; or {NO_PARTNER}",
    needs=(REVERSED, REST),
    default=False,
    error=_rectification_error,
)
def rectification(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Even over odd part in the bias of the mean current.

    .. math:: r = \frac{\bar I(V) + \bar I(-V)}{\bar I(V) - \bar I(-V)}
    """
    odd, even = (part.mean() for part in _parts(model, state))
    if np.isnan(odd) or not driven(model) or abs(odd) <= NO_CURRENT * lead_couplings(model).sum():
        return np.asarray(np.nan)
    return np.asarray(even / odd)


def _slope(model: BiasedJunction, state: BiasedState, names: tuple[str, str]) -> Real:
    above, below = (left_flows(state.parts[name])[0] for name in names)
    return np.asarray((above - below) / (2 * bias_step(model)))


def conductance_at_rest(model: BiasedJunction, state: BiasedState) -> Real:
    r"""dI/dV at V = 0 and equal temperatures, (magnetisation,), e^2/hbar; NaN where no law is due."""
    if not obeys_reciprocity(model):
        return np.full(2, np.nan)
    return _slope(rest(model), state, AT_REST)


@observable(
    unit="e^2/hbar",
    symbol="dI/dV",
    dims=("magnetisation",),
    undefined=NO_PARTNER,
    needs=(BIAS_RESPONSE,),
    default=False,
    error=_conductance_error,
)
def differential_conductance(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Derivative of the left current by the bias, for each magnetisation.

    .. math:: G_m(V) = dI_m/dV, \qquad L\,\delta\rho = -(dL/dV)\rho

    From the linear response of the steady state where the method has one, else from differences.
    """
    return np.full(2, np.nan) if (found := _bias_response(state)) is None else found.slope


@observable(
    unit="eV*e^2/hbar",
    symbol="S",
    dims=("magnetisation",),
    undefined=NOT_FOUND,
    needs=(NOISE,),
    default=False,
)
def noise(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Zero-frequency noise: second cumulant of the charge per time.

    .. math:: S = Tr J_2\rho - 2 Tr J_1 X, \qquad L X = J_1\rho - I\rho

    The Schottky value is \|I\|; the spectral density of engineers is 2 S.
    """
    return np.full(2, np.nan) if state.parts[NOISE] is None else state.parts[NOISE]


@observable(
    unit="1",
    symbol="F",
    dims=("magnetisation",),
    undefined=f"{NOT_FOUND}; or no current flows",
    needs=(NOISE, REST),
    default=False,
    error=_fano_error,
)
def fano_factor(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Noise over current.

    .. math:: F = S/|I|
    """
    I = np.abs(state.lead_current[:, 0])  # noqa: E741
    if state.parts[NOISE] is None or not driven(model):
        return np.full(2, np.nan)
    flows = NO_CURRENT * lead_couplings(model).sum() < I
    return np.where(flows, state.parts[NOISE] / np.where(flows, I, 1.0), np.nan)


@observable(
    unit="eV^2/hbar",
    symbol="J_E",
    dims=("magnetisation", "lead"),
    undefined=NOT_FOUND,
    needs=(REST,),
    error=energy_error,
)
def energy_current(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Energy that enters the stack from each lead per time.

    .. math:: J_{E,l} = Tr[H D_l \rho]

    The heat that leaves a lead is :math:`J_{E,l} - \mu_l I_l`.
    """
    known = state.energy_current
    return np.full(state.lead_current.shape, np.nan) if known is None else known


@observable(
    unit="1", symbol="d", undefined=BROKEN, needs=AT_REST, default=False, error=_defect_error
)
def reciprocity_defect(model: BiasedJunction, state: BiasedState) -> Real:
    r"""Polarisation of the linear response, which exact dynamics does not have.

    .. math:: d = (G_\uparrow - G_\downarrow)/(G_\uparrow + G_\downarrow), \qquad G = dI/dV, \; V \to 0

    Buttiker: with one magnetised lead of two, G(M) = G(-M), whatever the interaction and the spin-orbit
    coupling. A value that is not zero is an artefact of the method, and so is every P(V) of that size.
    """
    return np.asarray(linear_polarisation(model, state))


def linear_polarisation(model: BiasedJunction, state: BiasedState) -> float:
    """(G_up - G_down)/(G_up + G_down) at V -> 0 and equal temperatures; NaN where the law is not due."""
    up, down = conductance_at_rest(model, state)
    return float((up - down) / (up + down)) if up + down else float("nan")


def thermoelectric_defect(
    model: BiasedJunction, heat: tuple[Real, Real], bias: tuple[Real, Real]
) -> float:
    r"""Departure from the reciprocity of thermoelectric responses, relative to them.

    .. math:: L_{12}(M) = T\,\partial I_M/\partial\Delta T, \qquad
              L_{21}(M) = \partial J_{E,M}/\partial V, \qquad L_{12}(M) = L_{21}(-M)

    at V = 0 and equal temperatures, for time reversal on the stack (Onsager). Responses below
    :data:`FAINT` of T dI/dV count as that. NaN where the flows are not known.

    Parameters
    ----------
    heat, bias : flows of electrons and energy a step above and below rest, (2, magnetisation) each
    """
    T = float(reservoirs_of(rest(model)).thermal_energy.mean())
    step = STEP * T
    (hot, cold), (ahead, back) = heat, bias
    by_heat = T * (hot[0] - cold[0]) / (2 * step)
    conductance, by_bias = (ahead - back) / (2 * step)
    size = max(np.abs(by_heat).max(), np.abs(by_bias).max(), FAINT * T * np.abs(conductance).max())
    return float(np.abs(by_heat - by_bias[::-1]).max() / size) if size else float("nan")


BY_MODE = ("magnetisation", "mode")


def _shown(
    name: str,
    unit: str,
    symbol: str,
    about: str,
    read: Function,
    dims: tuple[str, ...] = BY_MODE,
    error: Function | None = None,
) -> Observable:
    """An observable of vibrations, which comes unasked where there are any."""
    return Observable(
        name=name,
        unit=unit,
        symbol=symbol,
        about=about,
        dims=dims,
        function=read,
        undefined=STILL,
        default=vibrating,
        error=error,
    )


VIBRATIONS = (
    *(
        _shown(name, unit, symbol, about, _of_vibrations(name), error=_vibrations_error(name))
        for name, unit, symbol, about in (
            (
                "phonon_number",
                "1",
                r"\langle b^+b \rangle",
                "Mean number of quanta in each vibration",
            ),
            ("displacement", "1", r"\langle x \rangle", "Mean of x = b + b^+ of each vibration"),
            (
                "coupling_energy",
                "eV",
                r"\langle xV \rangle",
                "Energy of each coupling to the electrons",
            ),
            (
                "mode_heat",
                "eV^2/hbar",
                "Q",
                "Energy w b^+b that its bath takes from each vibration",
            ),
        )
    ),
    bath_energy_current,
    _shown(
        "top_level",
        "1",
        r"p_\mathrm{top}",
        "Occupation of the highest level kept of each vibration",
        _of_vibrations("top_level"),
    ),
    _shown("levels", "1", "n", "Levels of each vibration that were kept", _levels, dims=("mode",)),
)
OBSERVABLES = (
    replace(current, error=_current_error, needs=(REST,)),
    replace(mean_current, error=_mean_error, needs=(REST,)),
    spin_polarisation,
    occupation,
    current_difference_odd,
    current_difference_even,
    mean_current_odd,
    mean_current_even,
    rectification,
    differential_conductance,
    noise,
    fano_factor,
    energy_current,
    reciprocity_defect,
    *VIBRATIONS,
)
