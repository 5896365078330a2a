"""What a vibrating junction shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.observables import Function, observable
from chirospin.base.parts import Part
from chirospin.junction import observables as plain
from chirospin.junction.manybody.counting import NOISE_OBSERVABLES
from chirospin.junction.model import lead_occupations, one_body_hamiltonian, spin_orbit_vectors
from chirospin.junction.modes import modes
from chirospin.junction.phonons.methods import Tiers
from chirospin.junction.phonons.model import PhononJunction, bath_temperature, quanta_in_bath
from chirospin.junction.phonons.state import PhononState

Real = NDArray[np.float64]
POWER = "eV^2/hbar"
TERMINALS = ("left", "right", "bath")
BATHS = "baths"
"""The part that holds the polarisations by other baths."""
WEAK = 0.01
"""g^2 (2 n + 1)/t^2 up to which one tier is good to 3 % of P."""
TIER_POLARISATION, TIER_CURRENT = 0.06, 0.3
"""Relative errors of a single tier there: twice the largest of dimers with every coupling, T up to 5 w."""
WIDE = 0.1
"""Damping over energy of a mode above which kinds of baths differ visibly."""


def labels(model: PhononJunction) -> dict[str, tuple[int | str, ...]]:
    """Labels along every dimension of the observables."""
    return {
        **plain.labels(model),
        "mode": tuple(range(1, len(modes(model)) + 1)),
        "terminal": TERMINALS,
    }


def balanced(model: PhononJunction) -> bool:
    """Whether both leads are occupied alike: an infinitely hot bath beside that of the vibrations."""
    left, right = lead_occupations(model)
    return bool(left == right)


def _truncated(name: str) -> Function:
    """Error of a reading: what the truncation leaves out, and the residual; NaN where it is not known."""

    def error(model: PhononJunction, state: PhononState) -> Real:
        value = np.abs(getattr(state, name))
        rest = np.array([one.residual for one in state.outcomes])[:, None]
        return np.asarray(state.errors.get(name, np.nan) + rest * np.maximum(value, 1.0))

    return error


def tier_strength(model: PhononJunction) -> float:
    r""":math:`g^2 (2n + 1)` over the square of the energy that the mode modulates; g is half the range of V."""
    found = modes(model)
    g = found.range / 2
    h = one_body_hamiltonian(model)
    scale = np.full(len(found), np.abs(h - np.diag(h.diagonal())).max(initial=0.0))
    blocks = found.coupling.reshape(len(found), model.molecules, 2, 2, model.molecules, 2, 2)
    spin_orbit = np.abs(blocks[:, :, 0, :, :, 1, :]).max(axis=(1, 2, 3, 4)) > 0
    own = np.linalg.norm(spin_orbit_vectors(model), axis=1).max()
    scale = np.where(spin_orbit, 10 * own, scale)
    value = g**2 * (2 * quanta_in_bath(model) + 1) / np.maximum(scale, 1e-300) ** 2
    return float(value.max(initial=0.0))


def _one_tier(model: PhononJunction, state: PhononState, share: float) -> float:
    """Relative error of a single tier; 0 of more, whose errors are found."""
    single = state.truncation.tiers == 1 and not modes(model).idle
    return share * tier_strength(model) / WEAK if single else 0.0


def _current_error(model: PhononJunction, state: PhononState) -> Real:
    """Numerical, and of what the truncation leaves out, (magnetisation,)."""
    single = _one_tier(model, state, TIER_CURRENT) * np.abs(state.lead_current[:, 0])
    numerical = plain.current_uncertainty(model, state)
    return np.asarray(numerical + state.errors.get("current", 0.0) + single)


def _mean_error(model: PhononJunction, state: PhononState) -> Real:
    return np.asarray(_current_error(model, state).mean())


def _polarisation_error(model: PhononJunction, state: PhononState) -> Real:
    """Numerical, and of what the truncation leaves out."""
    numerical = plain.polarisation_uncertainty(model, state)
    up, down = state.lead_current[:, 0]
    single = (
        _one_tier(model, state, TIER_POLARISATION) * abs(up - down) / max(abs(up + down), 1e-300)
    )
    return np.asarray(numerical + state.errors.get("spin_polarisation", 0.0) + single)


@observable(
    unit="1",
    symbol=r"P_\mathrm{MR}",
    undefined="no current flows, or f_L = f_R, where what flows is the thermoelectric current of the modes",
    error=_polarisation_error,
)
def spin_polarisation(model: PhononJunction, state: PhononState) -> Real:
    r"""Magnetoresistance polarisation of the current.

    .. math:: P_{MR} = (I_\uparrow - I_\downarrow) / (I_\uparrow + I_\downarrow)

    Undefined for f_L = f_R: the leads are then a bath of infinite temperature beside one at T, and a
    thermoelectric current flows.

    References
    ----------
    nozaki_fujita_2026, Eq. (17)
    """
    if balanced(model):
        return np.asarray(np.nan)
    return plain.spin_polarisation.function(model, state)  # type: ignore[no-any-return]


def _local(model: PhononJunction) -> bool:
    return model.phonon_bath == "local"


def _require_quanta(model: PhononJunction, state: PhononState, name: str) -> None:
    """Refuse what the hierarchy of an effective field does not hold.

    Raises
    ------
    ModelError : a bath that is not local, by tiers
    """
    if state.truncation.tiers and not _local(model) and not modes(model).idle:
        raise ModelError(
            f"Parameter `phonon_bath` must be local (dimensionless) for `{name}` by tiers, which know the "
            f"effective field of other baths alone, but is {model.phonon_bath}; method levels has dressed"
        )


@observable(
    unit="1",
    symbol=r"\langle b^+b \rangle",
    dims=("magnetisation", "mode"),
    undefined="of a hierarchy only a local bath and two tiers tell it; scba does not",
    default=_local,
)
def phonon_number(model: PhononJunction, state: PhononState) -> Real:
    r"""Mean number of quanta in each vibration; of a bath that is not local by levels alone."""
    _require_quanta(model, state, "phonon_number")
    return state.phonon_number


@observable(unit="1", symbol=r"\langle x \rangle", dims=("magnetisation", "mode"))
def displacement(model: PhononJunction, state: PhononState) -> Real:
    r"""Mean of x = b + b^+ of each vibration; of a dressed or brownian bath that of the effective field."""
    return state.displacement


@observable(
    unit="eV",
    symbol=r"\langle xV \rangle",
    dims=("magnetisation", "mode"),
    undefined="scba does not tell it",
)
def coupling_energy(model: PhononJunction, state: PhononState) -> Real:
    r"""Energy of the coupling of each vibration to the electrons."""
    return state.coupling_energy


@observable(
    unit=POWER,
    symbol="E",
    dims=("magnetisation", "terminal"),
    undefined="scba does not tell it",
)
def energy_current(model: PhononJunction, state: PhononState) -> Real:
    r"""Energy that enters from either lead and from the bath of the vibrations.

    .. math:: E_l = Tr[(H_{el} + \sum_v x_v V_v) D_l \rho], \qquad E_L + E_R + E_{bath} = 0

    The heat that the vibrations give to their bath is E_L + E_R; ``mode_heat`` of a local bath leaves out
    the coupling energy that its jumps destroy.
    """
    return state.energy_current


@observable(
    unit=POWER,
    symbol="Q",
    dims=("magnetisation", "mode"),
    undefined="of a hierarchy only a local bath and two tiers tell it; scba does not",
    default=_local,
)
def mode_heat(model: PhononJunction, state: PhononState) -> Real:
    r"""Energy that the jumps of its bath take from each vibration.

    .. math:: -w Tr[b^+b D_{bath} \rho] = \kappa w (\langle b^+b \rangle - n)

    the latter for a local bath without truncation.
    """
    _require_quanta(model, state, "mode_heat")
    return state.mode_heat


@observable(
    unit="1",
    symbol=r"p_\mathrm{top}",
    dims=("magnetisation", "mode"),
    undefined="a hierarchy has no levels",
)
def top_level(model: PhononJunction, state: PhononState) -> Real:
    """Occupation of the highest level kept of each vibration."""
    return state.top_level


@observable(
    unit="1", symbol="n", dims=("mode",), undefined="the vibrations were integrated out: tiers"
)
def levels(model: PhononJunction, state: PhononState) -> Real:
    """Levels of each vibration that were kept."""
    count = len(modes(model))
    kept = state.truncation.levels
    return np.array(kept, dtype=float) if kept else np.full(count, np.nan)


@observable(unit="1", symbol="L", undefined="the vibrations have levels")
def tiers(model: PhononJunction, state: PhononState) -> Real:
    """Tiers of auxiliary operators that were kept."""
    return np.asarray(float(state.truncation.tiers or np.nan))


@observable(
    unit="1",
    symbol=r"\delta P_\mathrm{bath}",
    needs=(BATHS,),
    undefined="damping below 0.1 energy and T below it, where kinds of baths agree; no current",
)
def bath_uncertainty(model: PhononJunction, state: PhononState) -> Real:
    r"""Difference of P between a local and a brownian bath, both with one tier: what the model leaves open.

    Given where the damping exceeds a tenth of the energy of a mode, or the temperature the energy.
    """
    found = state.parts[BATHS]
    if found is None or balanced(model):
        return np.asarray(np.nan)
    return np.asarray(abs(found[0] - found[1]))


def _other_bath(model: PhononJunction) -> PhononJunction | None:
    found = modes(model)
    if found.idle or bath_temperature(model) == 0:
        return None
    wide = found.damping > WIDE * found.energy
    hot = bath_temperature(model) > found.energy
    if not (wide | hot).any() or (found.damping >= 2 * found.energy).any():
        return None
    plainer = model.replace(phonon_levels=None, phonon_matsubara=None, phonon_bath="local")
    return plainer.replace(phonon_tiers=1)


def _both_baths(method: object, model: PhononJunction) -> tuple[float, float]:
    """P with one tier of a local and of a brownian bath."""
    both = [model, model.replace(phonon_bath="brownian")]
    local, brownian = (
        float(spin_polarisation(one, state))
        for one, state in zip(both, Tiers().solve_many(both), strict=True)
    )
    return local, brownian


PARTS = (
    Part(
        name=BATHS,
        about="the same vibrations in a local and a brownian bath, one tier",
        at=_other_bath,
        find=_both_baths,
    ),
)
OBSERVABLES = (
    replace(plain.current, error=_current_error),
    replace(plain.mean_current, error=_mean_error),
    spin_polarisation,
    plain.occupation,
    *(
        replace(reading, error=_truncated(reading.name))
        for reading in (phonon_number, displacement, coupling_energy, energy_current, mode_heat)
    ),
    top_level,
    levels,
    tiers,
    bath_uncertainty,
    *NOISE_OBSERVABLES,
)
