r"""A spinterface: moments of the surface follow the current and the molecule's spin, and act back on its level.

.. math::
    \epsilon_s = \epsilon_0 - s\,\alpha_A m, \qquad \Gamma_s = \Gamma_L + \Gamma_R(1 + sMp), \\
    m = \mathcal L\!\left(\frac{\chi a_0 I + a_1 \Delta S}{k_BT}\right), \qquad
    \mathcal L(x) = \coth x - 1/x, \\
    I = \sum_s \int dE\, \frac{\Gamma_L\Gamma_{Rs}}{(E-\epsilon_s)^2 + \Gamma_s^2/4}\,(f_L - f_R),
    \qquad n_s = (\Gamma_L F_{Ls} + \Gamma_{Rs} F_{Rs})/\Gamma_s,

with the current in eV (times e/h: 38.74 uA) and F the Fermi function of a broadened level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.constants import AMPERE_PER_EV, BOHR_MAGNETON, VACUUM_PERMEABILITY
from chirospin.base.fermi import broadened_fermi
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.models.sources import ABSTRACT, OWN, published

Real = NDArray[np.float64]

LARGEST = 1e3  # eV
BRANCHES = 5  # roots of m = L(...) at most: the field is a constant and two steps of m
SCAN = 2001  # moments between -1 and 1 at which signs are looked at
START = 1.0  # eV beyond the largest of bias and level, where a continuation begins
STEP = 0.01  # eV of a sweep
RELAXING = 201  # moments on the way to the next solution
SMALL_BIAS = 1e-6  # eV; linear response
SMALL_X = 1e-3  # below it the Langevin function is its series
AMPERE = AMPERE_PER_EV / (2 * np.pi)  # of a current of 1 eV e/h


class SpinterfaceLoop(Model):
    """A level between two leads beside surface moments that the current magnetises.

    The ideas, solenoid field, spin torque and mean field, are read in abstracts and described in
    fransson_spinterface; the equations are a reconstruction, made here.

    References
    ----------
    alwan_dubi_2021, fransson_spinterface
    """

    level: float = published(
        0.2,
        unit="eV",
        symbol=r"\epsilon_0",
        low=-LARGEST,
        high=LARGEST,
        about="of the molecule",
        mark=OWN,
    )
    coupling_left: float = published(
        0.02, unit="eV", symbol=r"\Gamma_L", above=0, high=LARGEST, about="to the surface", mark=OWN
    )
    coupling_right: float = published(
        0.02, unit="eV", symbol=r"\Gamma_R", above=0, high=LARGEST, about="to the magnet", mark=OWN
    )
    lead_polarisation: float = published(
        0.3, symbol="p", low=-1, high=1, about="of the magnet", mark=OWN
    )
    surface_coupling: float = published(
        0.1,
        unit="eV",
        symbol=r"\alpha_A",
        low=-LARGEST,
        high=LARGEST,
        about="shift of the level by a full moment of the surface: its spin-orbit coupling",
        mark=ABSTRACT,
    )
    solenoid: float = published(
        1.0,
        symbol="a_0",
        low=0,
        high=LARGEST,
        about="energy of a moment in the field of the current, eV per eV of current; realistic: 2.8e-6",
        mark=ABSTRACT,
    )
    feedback: float = published(
        0.0,
        unit="eV",
        symbol="a_1",
        low=-LARGEST,
        high=LARGEST,
        about="energy of a moment per electron spin on the molecule: spin torque",
        mark=ABSTRACT,
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the solenoid", mark=ABSTRACT
    )
    bias: float = parameter(
        0.1,
        unit="eV",
        symbol="V",
        low=-LARGEST,
        high=LARGEST,
        about="mu_L - mu_R, shared by both leads",
    )
    thermal_energy: float = parameter(
        0.025, unit="eV", symbol="k_BT", low=1e-4, high=LARGEST, about="of leads and moments"
    )
    branch: str = parameter(
        "largest",
        symbol=r"\mathrm{branch}",
        choices=("largest", "from-negative", "from-positive"),
        about="of several moments: the largest along the field of the current; or the one that a sweep from "
        "negative or positive bias carries along",
    )
    turns_per_length: float = published(
        1.0,
        unit="1/nm",
        symbol="n",
        low=0,
        high=LARGEST,
        about="of the molecule as a solenoid",
        mark=OWN,
    )


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """Moments and currents.

    Parameters
    ----------
    moment, current : of the branch, for magnetisation up and down, (2,); current in eV e/h
    moments, currents : of all branches, NaN beyond the last, (2, branch)
    critical : feedback at which the moment orders at no bias, unmagnetised lead, eV
    """

    moment: Real
    current: Real
    moments: Real
    currents: Real
    critical: float
    outcome: Outcome


def langevin(x: Real | float) -> Real:
    r"""The Langevin function :math:`\coth x - 1/x`."""
    x = np.asarray(x, dtype=float)
    far = np.where(np.abs(x) < SMALL_X, 1.0, x)
    return np.where(np.abs(x) < SMALL_X, x / 3 - x**3 / 45, 1 / np.tanh(far) - 1 / far)


def _temperature(model: SpinterfaceLoop) -> float:
    return model.thermal_energy


def _level(model: SpinterfaceLoop) -> float:
    return model.level


def _hand(model: SpinterfaceLoop) -> int:
    return model.handedness


def _solenoid(model: SpinterfaceLoop) -> tuple[float, float]:
    """Energy of a moment per current, and that of one Bohr magneton in a solenoid, eV per eV e/h."""
    tesla = VACUUM_PERMEABILITY * 1e9 * model.turns_per_length * AMPERE
    return model.solenoid, BOHR_MAGNETON * tesla


@dataclass(frozen=True, kw_only=True)
class LoopEnergies:
    """What stands where on the axis of energies, eV.

    Parameters
    ----------
    shift : of each spin by a full moment of the surface
    couplings : to the surface and to the magnet
    polarisation : of the magnet
    """

    level: float
    shift: float
    bias: float
    thermal_energy: float
    couplings: tuple[float, float]
    polarisation: float
    handedness: int


def loop_energies(model: SpinterfaceLoop) -> LoopEnergies:
    """The energies of the model."""
    return LoopEnergies(
        level=_level(model),
        shift=model.surface_coupling,
        bias=model.bias,
        thermal_energy=_temperature(model),
        couplings=(model.coupling_left, model.coupling_right),
        polarisation=model.lead_polarisation,
        handedness=_hand(model),
    )


def _charge_and_spin(
    model: SpinterfaceLoop, moment: Real | float, magnetisation: float
) -> tuple[Real, Real]:
    """Current in eV e/h, and n_up - n_down, at moments."""
    m = np.asarray(moment, dtype=float)
    of, spins = loop_energies(model), np.array([1.0, -1.0])
    T, left = of.thermal_energy, of.couplings[0]
    right = of.couplings[1] * (1 + spins * magnetisation * of.polarisation)
    width = left + right
    level = of.level - spins * of.shift * m[..., None]
    ends = [broadened_fermi((level - s * of.bias / 2) / T, width / T) for s in (1, -1)]
    current = 2 * np.pi * left * right / width * (ends[0] - ends[1])
    filling = (left * ends[0] + right * ends[1]) / width
    return current.sum(axis=-1), filling[..., 0] - filling[..., 1]


def _pull(model: SpinterfaceLoop, moment: Real | float, magnetisation: float) -> Real:
    """What the loop makes of a moment; a solution is its own."""
    current, spin = _charge_and_spin(model, moment, magnetisation)
    field = _hand(model) * _solenoid(model)[0] * current + model.feedback * spin
    return langevin(field / _temperature(model))


def solutions(model: SpinterfaceLoop, magnetisation: float) -> Real:
    """All moments that are their own, in order."""

    def away(m: Any) -> Any:
        return m - _pull(model, m, magnetisation)

    at = np.sin(np.linspace(-np.pi / 2, np.pi / 2, SCAN))  # denser near the ends
    values = away(at)
    found = list(at[values == 0])
    for n in np.flatnonzero(values[:-1] * values[1:] < 0):
        found.append(
            scipy.optimize.brentq(
                lambda m: float(away(m)), at[n], at[n + 1], xtol=1e-16, rtol=1e-14
            )
        )
    return np.sort(np.array(found))


def critical_feedback(model: SpinterfaceLoop) -> float:
    r"""Feedback at which a moment orders by itself: :math:`a_1 = 3 k_BT / (d\Delta S/dm)` at V = M = 0."""
    rest = model.replace(bias=0.0)
    step = 1e-4
    _, spin = _charge_and_spin(rest, np.array([step, -step]), 0.0)
    return float(3 * _temperature(model) * 2 * step / (spin[0] - spin[1]))


def _largest(model: SpinterfaceLoop, found: Real, magnetisation: float) -> float:
    """The largest of the moments along the field of the current, where there are several."""
    current, _ = _charge_and_spin(model, found, magnetisation)
    along = found[found * _hand(model) * current > 0]
    among = along if len(along) else found
    return float(among[np.argmax(np.abs(among))])


def _branch(model: SpinterfaceLoop) -> str:
    return model.branch


@lru_cache(maxsize=256)
def _carried(model: SpinterfaceLoop, magnetisation: float) -> float:
    """The moment that a slow sweep of the bias carries along."""
    sign = -1.0 if _branch(model) == "from-negative" else 1.0
    far = sign * (START + abs(model.bias) + 2 * abs(_level(model)))
    path = [*np.arange(far, model.bias, -sign * STEP).tolist(), model.bias]
    begin = model.replace(bias=path[0])
    moment = _largest(begin, solutions(begin, magnetisation), magnetisation)
    for bias in path[1:]:
        moment = _relaxed(model.replace(bias=bias), moment, magnetisation)
    return moment


def _relaxed(model: SpinterfaceLoop, moment: float, magnetisation: float) -> float:
    """Where a moment goes that follows its pull: the next solution on that side."""

    def away(m: Any) -> Any:
        return m - _pull(model, m, magnetisation)

    here = float(away(moment))
    end = -1.0 if here > 0 else 1.0
    at = np.linspace(moment, end, RELAXING)
    turned = np.flatnonzero(np.sign(away(at)) != np.sign(here))
    if not here or not len(turned):
        return moment
    n = int(turned[0])
    return float(
        scipy.optimize.brentq(lambda m: float(away(m)), at[n - 1], at[n], xtol=1e-15, rtol=1e-14)
    )


class SelfConsistent(Method):
    """All moments that are their own, by the signs of m - L(m) and bisection; one of them is shown.

    References
    ----------
    alwan_dubi_2021
    """

    name: ClassVar[str] = "self-consistent"
    summary: ClassVar[str] = "every solution of the mean field, and the one that the branch names"
    references: ClassVar[tuple[str, ...]] = ("alwan_dubi_2021",)

    def solve_many(self, models: Sequence[SpinterfaceLoop]) -> Iterator[LoopState]:
        """States with all branches."""
        return map(_loop_state, models)


def _loop_state(model: SpinterfaceLoop) -> LoopState:
    moments, currents = np.full((2, BRANCHES), np.nan), np.full((2, BRANCHES), np.nan)
    shown = np.empty((2, 2))
    worst, most = 0.0, 0
    for n, magnetisation in enumerate((1.0, -1.0)):
        found = solutions(model, magnetisation)
        most = max(most, len(found))
        kept = found[:BRANCHES]
        moments[n, : len(kept)] = kept
        currents[n, : len(kept)] = _charge_and_spin(model, kept, magnetisation)[0]
        chosen = (
            _largest(model, found, magnetisation)
            if _branch(model) == "largest"
            else _carried(model, magnetisation)
        )
        shown[n] = chosen, float(_charge_and_spin(model, chosen, magnetisation)[0])
        away = found - _pull(model, found, magnetisation)
        worst = max(worst, float(np.abs(away).max()))
    return LoopState(
        moment=shown[:, 0],
        current=shown[:, 1],
        moments=moments,
        currents=currents,
        critical=critical_feedback(model),
        outcome=Outcome(
            converged=most <= BRANCHES,
            residual=worst,
            iterations=SCAN,
            reason="" if most <= BRANCHES else f"there are {most} moments, more than are kept",
        ),
    )


CURRENT = "eV*e/hbar"
TWO_PI = 2 * np.pi


@observable(unit="1", symbol="m", dims=("magnetisation",))
def moment(model: SpinterfaceLoop, state: LoopState) -> Real:
    """Moment of the surface on the branch, over its saturation."""
    return state.moment


@observable(
    unit=CURRENT, symbol="I", dims=("magnetisation",), conversion="1 eV*e/hbar = 243.413 uA"
)
def current(model: SpinterfaceLoop, state: LoopState) -> Real:
    """Current on the branch for each magnetisation of the right lead."""
    return state.current / TWO_PI


@observable(
    unit="1",
    symbol=r"P_\mathrm{MR}",
    undefined="no current flows",
    error=lambda m, s: np.asarray(1e-13 if s.current.any() else np.nan),
)
def spin_polarisation(model: SpinterfaceLoop, state: LoopState) -> Real:
    r"""Magnetoresistance polarisation, :math:`(I_\uparrow - I_\downarrow)/(I_\uparrow + I_\downarrow)`."""
    up, down = state.current
    return np.asarray((up - down) / (up + down) if up + down else np.nan)


@observable(
    unit="1", symbol="m", dims=("magnetisation", "branch"), undefined="there are fewer branches"
)
def all_moments(model: SpinterfaceLoop, state: LoopState) -> Real:
    """Moments of all branches, in order."""
    return state.moments


@observable(
    unit=CURRENT, symbol="I", dims=("magnetisation", "branch"), undefined="there are fewer branches"
)
def all_currents(model: SpinterfaceLoop, state: LoopState) -> Real:
    """Currents of all branches, in the order of their moments."""
    return state.currents / TWO_PI


@observable(unit="eV", symbol="a_1^c")
def critical(model: SpinterfaceLoop, state: LoopState) -> Real:
    r"""Feedback beyond which the moment orders by itself, without bias and magnet.

    .. math:: a_1^c = 3 k_BT / (d\Delta S/dm)
    """
    return np.asarray(state.critical)


@observable(unit="T", symbol="B")
def solenoid_field(model: SpinterfaceLoop, state: LoopState) -> Real:
    r"""Field inside the molecule taken as a solenoid, :math:`\mu_0 n I`, mean of both magnetisations."""
    return np.asarray(_solenoid(model)[1] / BOHR_MAGNETON * np.abs(state.current).mean())


@observable(unit="eV", symbol=r"\mu_B B")
def solenoid_energy(model: SpinterfaceLoop, state: LoopState) -> Real:
    """Energy of one Bohr magneton in that field."""
    return np.asarray(BOHR_MAGNETON * solenoid_field(model, state))


@observable(unit="1", symbol=r"a_0/a_0^\mathrm{SI}", undefined="there are no turns")
def solenoid_excess(model: SpinterfaceLoop, state: LoopState) -> Real:
    """How many Bohr magnetons a moment must have for the assumed solenoid term."""
    assumed, each = _solenoid(model)
    return np.asarray(assumed / each if each else np.nan)


LOOP_OBSERVABLES = (
    spin_polarisation,
    moment,
    current,
    all_moments,
    all_currents,
    critical,
    solenoid_field,
    solenoid_energy,
    solenoid_excess,
)


def loop_labels(model: SpinterfaceLoop) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {"magnetisation": ("up", "down"), "branch": tuple(range(1, BRANCHES + 1))}


LOOP_CHECKS = (
    Check(
        name="self_consistency",
        tolerance=1e-12,
        about="each moment is what the loop makes of it",
        evaluate=lambda m, s: s.outcome.residual,
    ),
)


def _linear_response(model: SpinterfaceLoop, method: Method) -> float:
    found = [abs(_polarisation(method, model.replace(bias=V))) for V in (SMALL_BIAS, -SMALL_BIAS)]
    return max(found)


def _polarisation(method: Method, model: SpinterfaceLoop) -> float:
    up, down = method.solve(model).current
    return float((up - down) / (up + down))


def _bias_proportional(model: SpinterfaceLoop) -> float:
    """P at the small bias that is no violation: the slope of P there, times the bias."""
    ratio = abs(_polarisation(SelfConsistent(), model.replace(bias=1e3 * SMALL_BIAS)))
    return 10 * ratio / 1e3


def _reciprocity(model: SpinterfaceLoop, method: Method) -> float:
    """P at a bias of 1e-6 over what is left of it if it vanishes with the bias."""
    return _linear_response(model, method) - _bias_proportional(model)


def _joint_reversal(model: SpinterfaceLoop, method: Method) -> float:
    """Conductances of (M, m) and (-M, -m), relative difference."""
    small = model.replace(bias=SMALL_BIAS)
    m = np.linspace(-1, 1, 9)
    one, other = (_charge_and_spin(small, s * m, s)[0] for s in (1.0, -1.0))
    return float(np.abs(one - other).max() / np.abs(one).max())


def _enantiomer(model: SpinterfaceLoop, method: Method) -> float:
    image = model.replace(handedness=-model.handedness)
    return _polarisation(method, model) + _polarisation(method, image)


LOOP_AUDITS = (
    Audit(
        name="law_no_magnetoresistance",
        tolerance=1e-12,
        about="P_MR vanishes with the bias, P(1e-6 eV) < P(1e-3 eV)/100; else a moment is ordered, a magnet "
        "that does not turn with the lead's",
        evaluate=lambda m, k: max(0.0, _reciprocity(m, k)),
        unmet=lambda m, k: "" if m.lead_polarisation else "the lead is not magnetic",
    ),
    Audit(
        name="joint_reversal",
        tolerance=1e-12,
        about="reversing the lead and the moment together leaves the conductance",
        evaluate=_joint_reversal,
    ),
    Audit(
        name="enantiomer",
        tolerance=1e-10,
        about="the other hand has the opposite polarisation",
        evaluate=_enantiomer,
        unmet=lambda m, k: "" if m.bias else "there is no bias",
    ),
)
