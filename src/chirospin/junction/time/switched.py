r"""How the currents settle at finite bias after the bias is switched on or a magnet has turned.

.. math:: \rho(t) = e^{tL}\rho(0), \qquad \frac{dN}{dt} = \sum_l I_l(t)

L is a generator of second order, without memory: what happens within :math:`\hbar/k_BT`, the time that a lead
remembers an electron, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Check
from chirospin.base.errors import ModelError
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Shape, axis_parameter, parameter
from chirospin.junction.bias.audit import EXCHANGE_FIELD
from chirospin.junction.bias.dissipators import ThermalLeads, fluctuations
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.bias.master import WITH_EXCHANGE
from chirospin.junction.bias.model import LARGEST as LARGEST_ENERGY
from chirospin.junction.bias.model import (
    BiasedJunction,
    require_no_vibrations,
    require_wide_bands,
    reservoirs_of,
)
from chirospin.junction.bias.parts import rest
from chirospin.junction.bias.transitions import Kind
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody.certified import certified_states
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.one_body import matrices_with
from chirospin.junction.manybody.packed import EVEN, Halves, Layout, Real
from chirospin.junction.manybody.spin_flow import (
    SPIN_FLOW,
    SpinFlow,
    spin_inflow,
    spin_orbit_torque,
)
from chirospin.junction.manybody.steady import (
    Resolvent,
    SteadySolver,
    krylov_setting,
)
from chirospin.junction.model import lead_couplings
from chirospin.junction.observables import labels
from chirospin.junction.probed import require_no_probes
from chirospin.junction.time.evolution import evolution_tolerance
from chirospin.junction.time.transient import (
    TRANSIENT_CHECKS,
    Reading,
    TransientState,
    carried,
    current,
    electrons,
    one_vector,
    spin_polarisation,
)
from chirospin.numerics.sylvester import Form, by_either_form

Array = NDArray[Any]
Directions = tuple[tuple[float, float, float], ...]
LARGEST = 2  # molecules
INVERSE = 1e-12  # residual of a steady state
COUNT, LATE = 30, 30.0  # times where none are given, and the last one over the smallest coupling


class SwitchedBias(BiasedJunction):
    """The stack between leads of finite bias after a sudden change at time zero."""

    molecules: int = parameter(
        1, symbol="M", low=1, high=LARGEST, about="number of molecules; two take half a minute"
    )
    initial_state: str = parameter(
        "unbiased",
        symbol=r"\rho(0)",
        choices=("unbiased", "flipped", "turned", "empty"),
        about="before: no bias, the magnetisation reversed, the leads along initial_directions, or no electron",
    )
    initial_bias: float | None = parameter(
        None,
        unit="eV",
        symbol="V(0)",
        low=-LARGEST_ENERGY,
        high=LARGEST_ENERGY,
        about="bias before the change; 0 if unbiased, else that after it",
    )
    initial_directions: Directions | None = parameter(
        None,
        symbol=r"\mathbf n_l(0)",
        shape=Shape(axes=("L", 3)),
        about="lead_directions before the change, with initial_state turned",
    )
    time: tuple[float, ...] | None = axis_parameter(
        "T",
        unit="1/eV",
        symbol="t",
        about="after the change; from 1 over the temperature to 30 over the smallest coupling if not given",
    )

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        turned = self.initial_state == "turned"
        if turned != (self.initial_directions is not None):
            raise ModelError(
                "Parameter `initial_directions` must be given with initial_state turned, and only then "
                "(dimensionless)"
            )
        if self.initial_bias is not None and (
            self.lead_potentials or self.initial_state == "empty"
        ):
            raise ModelError(
                "Parameter `initial_bias` must be left out where lead_potentials are given or the start is empty "
                f"(in eV), but is {self.initial_bias:g}"
            )
        for name in ("energy", "counting_field"):
            if getattr(self, name) is not None:
                raise ModelError(
                    f"Parameter `{name}` must be left out of a transient: it belongs to the steady state"
                )
        return self


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The steady state that a transient starts from.

    Parameters
    ----------
    model : whose state it is; None for no electron at all
    flipped : whether that of the other magnetisation
    """

    model: SwitchedBias | None
    flipped: bool


def beginning_of(model: SwitchedBias) -> Beginning:
    """Where the transient starts."""
    kind, bias = model.initial_state, model.initial_bias
    if kind == "empty":
        return Beginning(model=None, flipped=False)
    before: Any = model.replace(initial_state="flipped", initial_bias=None, initial_directions=None)
    if model.initial_directions is not None:
        before = before.replace(lead_directions=model.initial_directions)
    if bias is not None:
        before = before.replace(bias=bias)
    elif kind == "unbiased":
        before = rest(before)
    return Beginning(model=before, flipped=kind == "flipped")


def switched_times(model: SwitchedBias) -> Array:
    """Times at which the current is wanted, hbar/eV, ascending.

    Raises
    ------
    ModelError : a time is negative or they do not ascend
    """
    if model.time is None:
        coupling = lead_couplings(model)
        slow = LATE / coupling[coupling > 0].min() if coupling.any() else 1.0
        first = 1 / float(reservoirs_of(model).thermal_energy.min())
        return np.geomspace(first, max(slow, 2 * first), COUNT)
    wanted = np.array(model.time)
    if (wanted < 0).any() or (np.diff(wanted) <= 0).any():
        raise ModelError("Parameter `time` must ascend from 0 or later (in 1/eV)")
    return wanted


def switched_labels(model: SwitchedBias) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return labels(model) | {"time": tuple(switched_times(model).tolist())}


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One member's generator, its steady state and how that was found."""

    solver: SteadySolver
    leads: ThermalLeads
    halves: Halves
    outcome: Outcome


class SwitchedEvolution(Method):
    """A generator of second order in time; subclasses say which."""

    kind: ClassVar[Kind]

    tolerance: float = evolution_tolerance()
    krylov_vectors: int = krylov_setting(300, "inverse")
    gives: ClassVar[Needs] = frozenset({SPIN_FLOW})

    def solve_many(self, models: Sequence[SwitchedBias]) -> Iterator[TransientState]:
        """One state per model; both magnetisations."""
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[SwitchedBias], needs: Needs) -> Iterator[TransientState]:
        """The same, with spin currents where they are needed.

        Raises
        ------
        ModelError : vibrations, probes or bands
        """
        for model in models:
            require_no_probes(model)
            require_no_floating(model, "transients", "steady states")
            require_no_vibrations(model, self.name)
            require_wide_bands(model, self.name)
            yield self._state(model, spin=SPIN_FLOW in needs)

    def _state(self, model: SwitchedBias, *, spin: bool) -> TransientState:
        start, after = beginning_of(model), BiasedMember.both(model)
        before = BiasedMember.both(start.model or model)
        if start.flipped:
            before = before[1], before[0]
        joins = np.concatenate(
            [np.concatenate([one.gamma, one.matrices.h[None]]) for one in (*after, *before)]
        )
        ends = [
            [replace(one, matrices=matrices_with(one.matrices, joins)) for one in pair]
            for pair in (after, before)
        ]
        both = [
            self._of(switched_times(model), one, None if start.model is None else other, spin=spin)
            for one, other in zip(*ends, strict=True)
        ]
        outcomes = [part.pop("outcome") for part in both]
        flows = [part.pop("spin") for part in both]
        stopped = [outcome for outcome in outcomes if not outcome.converged]
        return TransientState(
            **{name: np.stack([part[name] for part in both]) for name in both[0]},
            outcome=stopped[0] if stopped else max(outcomes, key=lambda one: one.residual),
            parts={SPIN_FLOW: _joint(flows)} if spin else {},
            exchange_kept=self.kind in WITH_EXCHANGE,
        )

    def _of(
        self, times: Array, after: BiasedMember, before: BiasedMember | None, *, spin: bool
    ) -> dict[str, Any]:
        found = self._steady(after)
        leads, layout = found.leads, found.solver.generator.layout
        outcome, steady = found.outcome, one_vector(found.halves)
        start = self._start(found, before)
        cut = found.halves[EVEN].shape[1]

        def halves(vector: Real) -> Halves:
            return vector[None, :cut], vector[None, cut:]

        def apply(vector: Real) -> Real:
            return one_vector(found.solver.generator.derivative(*halves(vector)))

        vectors, error, work = np.broadcast_to(start, (len(times), start.size)), 0.0, 0
        if outcome.converged:
            vectors, error, work = carried(found.solver, apply, start, times, self.tolerance)
            missed = error > 10 * self.tolerance * len(times)
            outcome = Outcome(
                converged=not missed,
                residual=error,
                iterations=work + outcome.iterations,
                reason="the steps lost accuracy" if missed else "",
            )
        rows = [Reading(layout)(vector, apply(vector), steady) for vector in vectors]
        return {
            "occupation": np.array([row[0] for row in rows]),
            "current": np.array([_currents(leads, halves(vector)) for vector in vectors]),
            "trace": np.array([row[1] for row in rows]),
            "growth": np.array([row[2] for row in rows]),
            "distance": np.array([row[3] for row in rows]),
            "steady_current": np.asarray(_currents(leads, found.halves)[0]),
            "outcome": outcome,
            "spin": _spin(after, leads, [halves(vector) for vector in vectors]) if spin else None,
        }

    def _start(self, found: _Found, before: BiasedMember | None) -> Real:
        if before is None:
            return one_vector(found.solver.generator.layout.product_state(np.zeros((1, 1))))
        return one_vector(self._steady(before).halves)

    def _steady(self, member: BiasedMember) -> _Found:
        layout = Layout(charges=member.charges, batch=1)
        leads = ThermalLeads([member], layout, self.kind)
        generator = Generator([member], layout, [leads, *fluctuations([member], layout)])

        def attempt(generators: Sequence[Generator], form: Form) -> list[_Found]:
            solver = SteadySolver(
                resolvent=Resolvent(generators[0], form),
                tolerance=INVERSE,
                limit=self.krylov_vectors,
            )
            state = solver.steady_state()
            (certified,) = certified_states(generators[0], state, INVERSE, [""])
            return [
                _Found(solver=solver, leads=leads, halves=state.halves, outcome=certified.outcome)
            ]

        (found,) = by_either_form([generator], attempt, lambda one: not one.outcome.converged)
        return found


def _currents(leads: ThermalLeads, halves: Halves) -> Real:
    """From every lead, (lead,)."""
    return np.array([leads.mean(flow, halves)[0] for flow in leads.particle_flow])


def _spin(member: BiasedMember, leads: ThermalLeads, states: Sequence[Halves]) -> SpinFlow:
    """Own spin currents in time, (time, lead, component)."""
    alone = [leads.alone(lead) for lead in range(len(member.coupling))]
    current = [spin_inflow(alone, [member], leads.layout, state)[0] for state in states]
    torque = [spin_orbit_torque([member], leads.layout, state)[0] for state in states]
    return SpinFlow(current=np.array(current), corrected=None, torque=np.array(torque))


def _joint(flows: Sequence[SpinFlow]) -> SpinFlow:
    return SpinFlow(
        current=np.stack([flow.current for flow in flows]),
        corrected=None,
        torque=np.stack([flow.torque for flow in flows]),
    )


@observable(
    unit="eV",
    symbol="J_l(t)",
    dims=("magnetisation", "lead", "component", "time"),
    needs=(SPIN_FLOW,),
    default=False,
)
def spin_current(model: SwitchedBias, state: TransientState) -> Array:
    r"""Spin that enters the molecules from each lead per time, after the change.

    .. math:: J_l(t) = Tr[S\,L_l\rho(t)]
    """
    flow: Any = state.parts[SPIN_FLOW]
    return np.moveaxis(flow.current, 1, -1)


def _memory(model: SwitchedBias, state: TransientState) -> float:
    """hbar over temperature and the first time; without one at all no time is too early."""
    first = float(switched_times(model)[0])
    return float(1 / max(first * reservoirs_of(model).thermal_energy.min(), 1e-300))


class SwitchedUniversal(SwitchedEvolution):
    """The universal Lindblad equation in time.

    References
    ----------
    nathan_rudner_2020
    """

    name: ClassVar[str] = "ule"
    kind: ClassVar[Kind] = "ule"
    summary: ClassVar[str] = "universal Lindblad equation in time, 1 or 2 molecules"
    references: ClassVar[tuple[str, ...]] = ("nathan_rudner_2020", "tal_ezer_kosloff_1984")


class SwitchedRedfield(SwitchedEvolution):
    """Redfield without Lamb shift in time."""

    name: ClassVar[str] = "redfield"
    kind: ClassVar[Kind] = "redfield"
    summary: ClassVar[str] = "second order without Lamb shift in time, 1 or 2 molecules"
    references: ClassVar[tuple[str, ...]] = ("tal_ezer_kosloff_1984",)


class SwitchedBalance(SwitchedEvolution):
    """The positive jumps with detailed balance in time."""

    name: ClassVar[str] = "kms"
    kind: ClassVar[Kind] = "kms"
    summary: ClassVar[str] = "detailed balance in time, 1 or 2 molecules"
    references: ClassVar[tuple[str, ...]] = ("tal_ezer_kosloff_1984",)


SWITCHED_METHODS = (SwitchedUniversal, SwitchedRedfield, SwitchedBalance)
SWITCHED_OBSERVABLES = (current, spin_polarisation, electrons, spin_current)
MEMORY = Check(
    name="memory",
    tolerance=1.0,
    about="hbar/k_BT over the first time: earlier than that leads remember, and no generator is physical",
    evaluate=_memory,
)
SWITCHED_CHECKS = (
    *(check for check in TRANSIENT_CHECKS if not check.needs),
    MEMORY,
    EXCHANGE_FIELD,
)
