r"""How the current settles after the bias is switched on or the lead is reversed, and its slow modes.

.. math:: \rho(t) = e^{tL} \rho(0), \qquad L \rho_j = -\kappa_j \rho_j, \qquad
          0 = \kappa_0 < \mathrm{Re}\,\kappa_1 \le \dots

The relaxation gap is the real part of :math:`\kappa_1` among operators without coherence between
different charges, which are those a current can come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import axis_parameter, parameter
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.generator_matrix import generator_matrix
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.infinite_bias import Pair, Solved, check_memory, listed_pair
from chirospin.junction.manybody.leads import FlatLeads, FlatMember, require_end_leads
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, Layout, Real, occupied
from chirospin.junction.manybody.slow_modes import actions, generator_size, slowest, steady_state
from chirospin.junction.manybody.steady import SteadySolver, krylov_setting
from chirospin.junction.model import (
    Junction,
    lead_couplings,
    lead_occupations,
)
from chirospin.junction.observables import (
    CURRENT,
    IN_AMPERE,
    NO_CURRENT,
    polarisation_error_from,
)
from chirospin.junction.observables import labels as steady_labels
from chirospin.junction.state import lead_current
from chirospin.junction.time.evolution import (
    Action,
    Spectrum,
    evolution_tolerance,
    evolve,
    evolve_far,
)
from chirospin.numerics.sylvester import dagger

Array = NDArray[Any]
LARGEST = 2  # molecules: three have 853 776 unknowns and need some 1e5 products
MODES_FOUND = 4
MODES = "modes"
"""The part of a state that holds the slowest modes."""
DENSE = 200  # rows of L up to which a call of a sparse product takes longer than the product
FAR = 4000.0  # times the largest energy: beyond it inverses are cheaper than products


class SwitchedJunction(Junction):
    """The stack of the family after a sudden change at time zero.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9); the time dependence is an extension
    """

    renamed: ClassVar[Mapping[str, str]] = {"start": "initial_state"}

    initial_state: str = parameter(
        "unbiased",
        symbol=r"\rho(0)",
        choices=("unbiased", "flipped", "empty"),
        about="before: leads at their mean occupation, the lead reversed, or no electron",
    )
    time: tuple[float, ...] | None = axis_parameter(
        "T",
        unit="1/eV",
        symbol="t",
        about="after the change; from 0.1 over the largest to 1000 over the smallest coupling if not given",
    )

    @model_validator(mode="after")
    def _steady_alone(self) -> Self:
        for name in ("energy", "counting_field"):
            if getattr(self, name) is not None:
                raise ModelError(
                    f"Parameter `{name}` must be left out of a transient: it belongs to the steady state"
                )
        return self


def transient_times(model: SwitchedJunction) -> Array:
    """Times at which the current is wanted, hbar/eV, ascending from zero on.

    Raises
    ------
    ModelError : a time is negative or they do not ascend
    """
    if model.time is None:
        coupling = lead_couplings(model)
        rates = coupling[coupling > 0]
        if not rates.size:
            return np.array([0.0, 1.0])
        return np.concatenate([[0.0], np.geomspace(0.1 / rates.max(), 1e3 / rates.min(), 30)])
    wanted = np.array(model.time)
    if (wanted < 0).any() or (np.diff(wanted) <= 0).any():
        raise ModelError("Parameter `time` must ascend from 0 or later (in 1/eV)")
    return wanted


def transient_labels(model: SwitchedJunction) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return steady_labels(model) | {
        "time": tuple(transient_times(model).tolist()),
        "mode": tuple(range(1, MODES_FOUND + 1)),
    }


@dataclass(frozen=True, kw_only=True)
class Modes:
    r"""The slowest modes.

    Parameters
    ----------
    decay : -kappa_j, (magnetisation, mode), eV/hbar
    residual : of their equation, (magnetisation, mode)
    """

    decay: Array
    residual: Array


@dataclass(frozen=True, kw_only=True)
class TransientState:
    r"""Occupations in time.

    Parameters
    ----------
    occupation : n_k, (magnetisation, time, 4M)
    current : electrons entering from each lead, (magnetisation, time, lead), eV/hbar
    trace : (magnetisation, time)
    growth : dN/dt from the generator itself, (magnetisation, time), eV/hbar
    steady_current : of the left lead at late times, (magnetisation,)
    distance : Frobenius norm of rho(t) - rho, over that of rho, (magnetisation, time)
    outcome : residual is the estimated error of rho
    parts : the slowest modes, where they are asked for
    exchange_kept : whether the method has the field that leads with a magnetisation are on the molecules
    """

    occupation: Array
    current: Array
    trace: Array
    growth: Array
    steady_current: Array
    distance: Array
    outcome: Outcome
    parts: Mapping[str, Any] = field(default_factory=dict)
    exchange_kept: bool = True

    @property
    def decay(self) -> Array:
        """-kappa_j of the slowest modes, (magnetisation, mode), eV/hbar."""
        modes: Modes = self.parts[MODES]
        return modes.decay


class Evolution(Method):
    """The master equation in time, by Chebyshev polynomials early and by Krylov steps with inverses late."""

    name: ClassVar[str] = "krylov"
    summary: ClassVar[str] = "exact master equation in time, 1 or 2 molecules"
    references: ClassVar[tuple[str, ...]] = (
        *GKSL.references,
        "tal_ezer_kosloff_1984",
        "van_den_eshof_hochbruck_2006",
    )

    tolerance: float = evolution_tolerance()
    krylov_vectors: int = krylov_setting(200, "inverse")

    gives: ClassVar[Needs] = frozenset({MODES})

    def solve_many(self, models: Sequence[SwitchedJunction]) -> Iterator[TransientState]:
        """One state per model; both magnetisations."""
        return self.solve_with(models, NOTHING)

    def solve_with(
        self, models: Sequence[SwitchedJunction], needs: Needs
    ) -> Iterator[TransientState]:
        """The same, with the slowest modes where they are needed.

        Raises
        ------
        ModelError : more molecules than can be followed in time
        """
        for model in models:
            if model.molecules > LARGEST:
                raise ModelError(
                    f"Parameter `molecules` must be 1 or {LARGEST} for method krylov, but is "
                    f"{model.molecules}; gksl gives the steady state of 3"
                )
            yield self._state(model, modes=MODES in needs)

    def _state(self, model: SwitchedJunction, *, modes: bool) -> TransientState:
        require_end_leads(model, self.name)
        pair = listed_pair(model)
        check_memory(pair)
        found = [steady_state(member, self.krylov_vectors) for member in pair]
        parts = [self._of(model, pair, found[m], m) for m in (0, 1)]
        outcomes = [part.pop("outcome") for part in parts]
        worst = max(outcomes, key=lambda one: one.residual)
        stopped = [outcome for outcome in outcomes if not outcome.converged]
        both: dict[str, Any] = {n: np.stack([part[n] for part in parts]) for n in parts[0]}
        return TransientState(
            **both,
            outcome=stopped[0] if stopped else worst,
            parts={MODES: _modes(found)} if modes else {},
        )

    def _of(self, model: SwitchedJunction, pair: Pair, solved: Solved, m: int) -> dict[str, Any]:
        steady = one_vector(solved.stationary.halves)
        outcome = solved.states[0].outcome
        wanted = transient_times(model)
        start = self._start(model, pair[1 - m], solved)
        apply = generator_action(solved.solver.generator)
        if outcome.converged:
            vectors, error, work = carried(solved.solver, apply, start, wanted, self.tolerance)
        else:
            vectors, error, work = np.broadcast_to(start, (len(wanted), start.size)), 0.0, 0
        read = Reading(solved.solver.generator.layout)
        rows = [read(vector, apply(vector), steady) for vector in vectors]
        work += outcome.iterations
        n = np.array([row[0] for row in rows])
        coupling, f = pair[m].coupling, pair[m].occupation
        flow = lead_current(np.broadcast_to(coupling, (len(n), *coupling.shape)), n, f)
        if outcome.converged:
            outcome = Outcome(
                converged=error <= 10 * self.tolerance * len(wanted),
                residual=error,
                iterations=work,
                reason=""
                if error <= 10 * self.tolerance * len(wanted)
                else "the steps lost accuracy",
            )
        final = solved.states[0].one_body_density.diagonal().real
        return {
            "occupation": n,
            "current": flow,
            "trace": np.array([row[1] for row in rows]),
            "growth": np.array([row[2] for row in rows]),
            "distance": np.array([row[3] for row in rows]),
            "steady_current": lead_current(coupling[None], final[None], f)[0, 0],
            "outcome": outcome,
        }

    def _start(self, model: SwitchedJunction, flipped: FlatMember, solved: Solved) -> Real:
        if model.initial_state == "flipped":
            return one_vector(steady_state(flipped, self.krylov_vectors).stationary.halves)
        f = 0.0 if model.initial_state == "empty" else float(lead_occupations(model).mean())
        return one_vector(solved.solver.generator.layout.product_state(np.array([[f]])))


def carried(
    solver: SteadySolver, apply: Action, start: Real, times: Array, tolerance: float
) -> tuple[Real, float, int]:
    """The vector at all times, the estimated error, and the products and inverses."""
    spectrum = _spectrum(solver.generator)
    size = spectrum.frequency + spectrum.decay
    late = np.flatnonzero(np.diff(times, prepend=0.0) * size > FAR)
    far = int(late[0]) if late.size else len(times)
    near = evolve(apply, start, times[:far], spectrum, tolerance)
    vectors, error, work = list(near.vectors), near.error, near.applications
    _, inverse = actions(solver)
    for before, t in zip(np.concatenate([[0.0], times])[far:], times[far:], strict=False):
        vector = vectors[-1] if vectors else start
        if (t - before) * size > FAR:
            step = evolve_far(inverse, vector, t - before, tolerance)
            vectors.append(step.vector)
            error, work = error + step.error, work + step.applications
        else:
            again = evolve(apply, vector, np.array([t - before]), spectrum, tolerance)
            vectors.append(again.vectors[0])
            error, work = error + again.error, work + again.applications
    return np.array(vectors), error, work


def generator_action(generator: Generator) -> Callable[[Real], Real]:
    """Products with L, one sparse matrix, or a dense one if it is small, on packed vectors, even sectors first."""
    (leads,) = generator.families
    assert isinstance(leads, FlatLeads)
    matrix = generator_matrix(generator, (leads.maps[EVEN], leads.maps[ODD]))
    product = matrix.toarray() if matrix.shape[0] <= DENSE else matrix
    return lambda vector: np.asarray(product @ vector)


def _spectrum(generator: Generator) -> Spectrum:
    """Bounds of the eigenvalues of L: differences of energies, and the decay of all orbitals together."""
    widths = [0.0]
    for half in generator.heff:
        for K in half:
            energy = np.linalg.eigvalsh((K + dagger(K)) / 2)
            widths.append(float((energy[..., -1] - energy[..., 0]).max()))
    lost = float(generator.members[0].coupling.sum())
    return Spectrum(frequency=max(widths) + lost, decay=lost)


def _modes(both: Sequence[Solved]) -> Modes:
    """The slowest modes of both magnetisations."""
    rates, residuals = [], []
    for found in both:
        apply, inverse = actions(found.solver)
        size = sum(half.size for half in found.stationary.halves)
        decay, residual = slowest(apply, inverse, size, generator_size(apply, size), MODES_FOUND)
        rates.append(decay)
        residuals.append(residual)
    return Modes(decay=np.array(rates), residual=np.array(residuals))


def one_vector(halves: Halves) -> Real:
    """The packed operator of one member as one vector."""
    return np.concatenate([half[0] for half in halves])


def _held(states: NDArray[np.int64], orbital: int, orbitals: int) -> Real:
    """Electrons in one orbital, (1, states)."""
    return occupied(states, orbitals).T[[orbital]]


class Reading:
    """Numbers read from a packed density operator and its derivative."""

    def __init__(self, layout: Layout) -> None:
        n = layout.space.orbitals
        self.one = one_vector(layout.identity())
        self.number = one_vector(layout.number())
        self.count = [
            one_vector(layout.diagonal_operator(partial(_held, orbital=k, orbitals=n)))
            for k in range(n)
        ]

    def __call__(
        self, vector: Real, change: Real, steady: Real
    ) -> tuple[Real, float, float, float]:
        n = np.array([count @ vector for count in self.count])
        distance = float(np.linalg.norm(vector - steady) / np.linalg.norm(steady))
        return n, float(self.one @ vector), float(self.number @ change), distance


def _current_error(model: SwitchedJunction, state: TransientState) -> Array:
    r"""From continuity, trace, error of rho and rounding, (magnetisation, 1, time).

    .. math:: \delta I = |I_L + I_R - \dot N| + (|\mathrm{Tr}\rho - 1| + r + \epsilon) \sum_{lk}\gamma_{lk}
    """
    broken = np.abs(state.current.sum(axis=-1) - state.growth)
    relative = np.abs(state.trace - 1) + state.outcome.residual + np.finfo(float).eps
    size = lead_couplings(model).sum(axis=(1, 2))[:, None]
    return np.asarray((broken + relative * size)[:, None, :])


def _polarisation_error(model: SwitchedJunction, state: TransientState) -> Array:
    errors = np.broadcast_to(_current_error(model, state)[:, 0], state.current.shape[:2])
    return polarisation_error_from(state.current[:, :, 0].T, errors.T)


@observable(
    unit=CURRENT,
    symbol="I(t)",
    dims=("magnetisation", "lead", "time"),
    conversion=IN_AMPERE,
    error=_current_error,
)
def current(model: SwitchedJunction, state: TransientState) -> Array:
    r"""Current from each lead into the stack after the change.

    .. math:: I_l(t) = \sum_k \gamma_{lk} (f_l - n_k(t))
    """
    return np.swapaxes(state.current, 1, 2)


@observable(
    unit="1",
    symbol="P(t)",
    dims=("time",),
    undefined="no current flows from the left lead, both magnetisations together",
    error=_polarisation_error,
)
def spin_polarisation(model: SwitchedJunction, state: TransientState) -> Array:
    r"""Polarisation of the current from the left lead after the change.

    .. math:: P(t) = (I_\uparrow - I_\downarrow)/(I_\uparrow + I_\downarrow)

    As of the steady state; it passes 1 where the currents have opposite signs, which takes f_L < 1.

    References
    ----------
    nozaki_fujita_2026, Eq. (17)
    """
    up, down = state.current[:, :, 0]
    total = up + down
    none = np.abs(total) <= NO_CURRENT * lead_couplings(model).sum()
    return np.asarray(np.where(none, np.nan, (up - down) / np.where(none, 1.0, total)))


@observable(unit="1", symbol="N(t)", dims=("magnetisation", "time"))
def electrons(model: SwitchedJunction, state: TransientState) -> Array:
    """Mean number of electrons on the stack."""
    return np.asarray(state.occupation.sum(axis=-1))


@observable(
    unit="eV", symbol=r"\kappa", dims=("magnetisation", "mode"), needs=(MODES,), default=False
)
def slow_modes(model: SwitchedJunction, state: TransientState) -> Array:
    """Eigenvalues of the generator next to zero, slowest first; hbar over one is a time."""
    return state.decay


@observable(unit="eV", symbol=r"\Delta", dims=("magnetisation",), needs=(MODES,), default=False)
def relaxation_gap(model: SwitchedJunction, state: TransientState) -> Array:
    r"""Rate at which the slowest mode decays; late deviations shrink as exp(-gap t).

    .. math:: \Delta = \min_j (-\mathrm{Re}\,\lambda_j)
    """
    return np.asarray((-state.decay.real).min(axis=1))


def _continuity(model: SwitchedJunction, state: TransientState) -> float:
    flow = state.current.sum(axis=-1)
    return float(np.abs(flow - state.growth).max() / max(lead_couplings(model).max(), 1e-300))


def _range(model: SwitchedJunction, state: TransientState) -> float:
    return float(np.minimum(state.occupation, 1 - state.occupation).min())


def _late_slope(model: SwitchedJunction, method: Any) -> float | None:
    """Slope of the logarithm of the distance against the gap, relative; slower magnetisation."""
    decay = method.solve(model.replace(time=(0.0,)), [MODES]).decay
    m = int((-decay.real).min(axis=1).argmin())
    if abs(decay[m, 0].imag) > 0:  # then it also rings
        return None
    gap = float(-decay[m, 0].real)
    state = method.solve(model.replace(time=(6 / gap, 8 / gap)))
    early, late = state.distance[m]
    return float(np.log(early / late) / 2 - 1)


SLOW = ("relaxation_gap", "slow_modes")
TRANSIENT_OBSERVABLES = (current, spin_polarisation, electrons, relaxation_gap, slow_modes)
TRANSIENT_CHECKS = (
    Check(
        name="error",
        tolerance=1e-8,
        about="estimated error of rho over all steps, relative",
        evaluate=lambda m, s: s.outcome.residual,
    ),
    Check(
        name="trace",
        tolerance=1e-8,
        about="the trace of rho stays one",
        evaluate=lambda m, s: float(np.abs(s.trace - 1).max()),
    ),
    Check(
        name="continuity",
        tolerance=1e-9,
        about="the currents from both leads add up to the growth of the electron number",
        evaluate=_continuity,
    ),
    Check(
        name="occupation_range",
        tolerance=1e-8,
        bound="above",
        about="occupations lie in [0, 1]: distance to the nearer end",
        evaluate=_range,
    ),
    Check(
        name="mode_residual",
        tolerance=1e-9,
        about="residual of the slow modes, in units of the size of L",
        evaluate=lambda m, s: float(np.nanmax(s.parts[MODES].residual)),
        needs=(MODES,),
        judges=SLOW,
    ),
    Check(
        name="stability",
        tolerance=1e-10,
        bound="above",
        about="every mode decays, eV",
        evaluate=lambda m, s: float(np.nanmin(-s.decay.real)),
        needs=(MODES,),
        judges=SLOW,
    ),
)
TRANSIENT_AUDITS = (
    Audit(
        name="late_slope",
        tolerance=0.05,
        about="the distance to the steady state falls at the rate of the gap",
        evaluate=_late_slope,
    ),
)
