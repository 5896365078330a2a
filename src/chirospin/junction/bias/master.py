r"""Steady states and noise of the second-order generators.

.. math:: L\rho = 0, \qquad S = Tr J_2\rho - 2 Tr J_1 X, \quad L X = J_1\rho - I\rho, \quad Tr X = 0

J_1 counts electrons that enter from the left lead less those that leave to it, J_2 both. With
L_0 X = -i (H_eff X - X H_eff^+) inverted sector by sector the equation is solved on the even half;
where a state decays so slowly that L_0 is nearly singular, L_0 - s is inverted instead, on both halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.threads import blas_threads
from chirospin.junction.bias.asked import ASKED, FIXED_LEADS, biased_parts, together
from chirospin.junction.bias.dissipators import ThermalLeads, fluctuations
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.bias.model import (
    BiasedJunction,
    few_levels,
    given_levels,
    kept_levels,
    require_no_vibrations,
    require_wide_bands,
)
from chirospin.junction.bias.parts import BROADENED, NOISE
from chirospin.junction.bias.state import BiasedState, VibratingPart
from chirospin.junction.bias.transitions import Kind
from chirospin.junction.bias.vibronic import OhmicVibrations, warm_start
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.bosons import (
    DampedVibrations,
    Vibrations,
    level_errors,
    vibronic_energy,
)
from chirospin.junction.manybody.certified import (
    CertifiedState,
    certified_states,
    joint_certificates,
)
from chirospin.junction.manybody.companions import LevelsLayout
from chirospin.junction.manybody.generator import Generator, JumpFamily
from chirospin.junction.manybody.hamiltonian import hamiltonians
from chirospin.junction.manybody.leads import open_channels
from chirospin.junction.manybody.one_body import packed_operator
from chirospin.junction.manybody.packed import EVEN, ODD, Halves, Layout, Real, overlap
from chirospin.junction.manybody.steady import (
    Stationary,
    SteadySolver,
    krylov_setting,
    tolerance_setting,
)
from chirospin.junction.model import floating_leads
from chirospin.junction.modes import modes, spread_of
from chirospin.junction.probed import require_no_probes

TOGETHER = 40_000  # unknowns of the members that share numpy calls
THREADED_SECTOR = 200
SAME = 1e-6
TOO_SLOW = (
    "some states are left more slowly than rounding can tell, so their probabilities are not known; "
    "raise thermal_energy or bias, or change gate"
)
TOP_LEVEL = 1e-3  # occupation of the highest level of a vibration that does not show
LISTED = 6  # molecules whose sectors can at least be listed
MOST_LEVELS = 12  # of all vibrations together, that are taken without being asked for
WITH_EXCHANGE = ("ule", "redfield-lamb")
"""Generators whose Lamb shift holds the exchange field of the leads."""
BROADENED_ALONE: Needs = frozenset({BROADENED})
VIBRATING = ("redfield", "perlind", "kms")
ERROR = "error_"  # before the name of a reading: what levels left out may change
Pair = tuple[BiasedMember, BiasedMember]


class SecondOrder(Method):
    """A generator of second order in the coupling to the leads; subclasses say which."""

    kind: ClassVar[Kind]

    tolerance: float = tolerance_setting()
    krylov_vectors: int = krylov_setting(300, "solve")
    counting: bool = Field(
        default=True, description="whether to find the noise where it is asked for: one more solve"
    )
    gives: ClassVar[Needs] = frozenset({NOISE, BROADENED}) | ASKED

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """Steady states; bias and temperature share the eigenstates of the molecule.

        Raises
        ------
        ModelError : the solve would not fit in memory
        """
        return self.solve_with(models, NOTHING)

    def require(self, model: BiasedJunction) -> None:
        """Refuse probes inside the stack, leads of a finite band, and sectors too many to be listed."""
        require_no_probes(model)
        require_wide_bands(model, self.name)
        if model.molecules > LISTED:
            need = 16.0 * 2.0 ** min(8 * model.molecules, 1000)
            raise ModelError(_too_large(model, need, self.name))

    def solve_with(self, models: Sequence[BiasedJunction], needs: Needs) -> Iterator[BiasedState]:
        """The same with noise, and with the currents through levels of finite width."""
        for vibrating, group in groupby(models, key=lambda model: len(modes(model)) > 0):
            if vibrating:
                yield from (self._vibrating(model, needs) for model in group)
            else:
                yield from self._alike(list(group), needs)

    def _vibrating(self, model: BiasedJunction, needs: Needs) -> BiasedState:
        """What wider levels change is taken from few levels of the vibrations."""
        if self.kind not in VIBRATING:
            require_no_vibrations(model, self.name)
        few = few_levels(model)
        if BROADENED not in needs or given_levels(model) == few:
            return self._with_levels(model, needs)
        state = self._with_levels(model, needs - BROADENED_ALONE)
        (rough,) = self._alike([model.replace(phonon_levels=few)], BROADENED_ALONE)
        broad = state.lead_current[:, 0] + rough.parts[BROADENED] - rough.lead_current[:, 0]
        return replace(state, parts={**state.parts, BROADENED: broad})

    def _with_levels(self, model: BiasedJunction, needs: Needs) -> BiasedState:
        """Levels are added until the highest is empty, unless they were given."""
        chosen, levels = given_levels(model) is None, kept_levels(model)
        while True:
            (state,) = self._alike([model.replace(phonon_levels=levels)], needs)
            assert state.vibrations is not None
            top = state.vibrations.top_level.max(axis=0)
            if not chosen or not (top > TOP_LEVEL).any() or not state.outcome.converged:
                return state
            more = tuple(n + 2 if p > TOP_LEVEL else n for n, p in zip(levels, top, strict=True))
            if np.prod(more) > MOST_LEVELS:
                doubt = (
                    f"the top level of a vibration holds {top.max():.1e} > {TOP_LEVEL:g} with levels "
                    f"{list(levels)}; give phonon_levels {list(more)}"
                )
                up, down = (
                    replace(outcome, converged=False, reason=doubt) for outcome in state.outcomes
                )
                return replace(state, outcomes=(up, down))
            levels = more

    def _alike(self, models: Sequence[BiasedJunction], needs: Needs) -> Iterator[BiasedState]:
        pairs = ((model, self._floated(model)) for model in models)

        def structure(item: tuple[BiasedJunction, Pair]) -> Any:
            model, pair = item
            return pair[0].charges, kept_levels(model), open_channels(pair), model.dephasing_matrix

        for _, group in groupby(pairs, key=structure):
            alike = list(group)
            sizes = _state_counts(alike[0][1][0])
            _check_memory(alike[0][0], sizes, self.name)
            step = max(1, TOGETHER // (2 * sum(size**2 for size in sizes)))
            for start in range(0, len(alike), step):
                some = alike[start : start + step]
                yield from self._together(some, sizes, needs)

    def _floated(self, model: BiasedJunction) -> Pair:
        """Both magnetisations, with the potentials of voltage probes."""
        self.require(model)
        pair, floating = BiasedMember.both(model), floating_leads(model)
        if not floating:
            return pair
        sizes = _state_counts(pair[0])
        _check_memory(model, sizes, self.name)

        def without_probe_current(member: BiasedMember) -> BiasedMember:
            ends = member.reservoirs

            def currents(mu: Real) -> Real:
                one = replace(member, reservoirs=replace(ends, potential=mu))
                return self._solutions([one], sizes)[0].current

            return replace(member, reservoirs=ends.floated(currents, floating))

        up, down = map(without_probe_current, pair)
        return up, down

    def _together(
        self, alike: Sequence[tuple[BiasedJunction, Pair]], sizes: list[int], needs: Needs
    ) -> Iterator[BiasedState]:
        sharp = [member for _, pair in alike for member in pair]
        wide = [replace(one, broadened=True) for one in sharp] if BROADENED in needs else []
        floating = any(floating_leads(model) for model, _ in alike)
        for model, _ in alike:
            if needs & FIXED_LEADS:
                require_no_floating(
                    model, "counted charge and linear response", "current and polarisation"
                )
        asked = needs & ASKED
        if self.counting and not floating:
            asked |= needs & {NOISE}
        if asked:
            found = self._solutions(sharp, sizes, asked)
            broad = self._solutions(wide, sizes)
        else:
            both = self._solutions([*sharp, *wide], sizes)
            found, broad = both[: len(sharp)], both[len(sharp) :]
        for n in range(0, len(sharp), 2):
            state = self._state(found[n : n + 2], broad[n : n + 2], needs)
            levels = np.stack([one.reservoirs.potential for one in sharp[n : n + 2]])
            yield replace(state, lead_levels=levels)

    def _solutions(
        self, members: Sequence[BiasedMember], sizes: list[int], asked: Needs = NOTHING
    ) -> list[Solution]:
        small = sum(size**2 for size in sizes) <= TOGETHER
        groups = [members] if small and members else [[member] for member in members]
        with blas_threads(1 if max(sizes) < THREADED_SECTOR else None):
            return [solution for group in groups for solution in self._batch(group, asked)]

    def _batch(self, members: Sequence[BiasedMember], asked: Needs) -> list[Solution]:
        vibronic = members[0].vibronic
        layout = Layout(charges=members[0].charges, batch=len(members))
        if vibronic is not None:
            layout = LevelsLayout(
                charges=layout.charges, batch=layout.batch, levels=vibronic.oscillators.size
            )
        leads = ThermalLeads(members, layout, self.kind)
        families: list[JumpFamily] = [leads]
        vibrations = None if vibronic is None else _vibrations(members[0], leads)
        if vibrations is not None:
            families.append(vibrations)
        families += fluctuations(members, layout)
        generator = Generator(members, layout, families)
        solver = SteadySolver.of(
            generator,
            tolerance=self.tolerance,
            limit=self.krylov_vectors,
            rate=float(leads.coupling.max()),
        )
        return self._read(solver, leads, vibrations, asked)

    def _read(
        self,
        solver: SteadySolver,
        leads: ThermalLeads,
        vibrations: Vibrations | None,
        asked: Needs,
    ) -> list[Solution]:
        """Steady states with their flows."""
        generator = solver.generator
        member = leads.members[0]
        found, doubts = _steady(solver, _guess(solver, member, vibrations))
        halves = found.halves
        particles, energy = (
            np.stack([leads.mean(one, halves) for one in flow], axis=-1)
            for flow in (leads.particle_flow, leads.energy_flow)
        )
        noise = _noise(solver, leads, found) if NOISE in asked else None
        certified = certified_states(generator, found, self.tolerance, doubts)
        sound = all(state.outcome.converged for state in certified)
        extra = biased_parts(solver, leads, halves, asked & ASKED) if sound else {}
        shown = None if vibrations is None else _shown(member, vibrations, halves)
        jumping = np.array([state.jump_rate for state in certified])
        with np.errstate(divide="ignore", invalid="ignore"):
            barrier = -np.log(jumping / leads.coupling.sum(axis=(1, 2)))
        return [
            Solution(
                vibrations=None if shown is None else {k: v[b] for k, v in shown.items()},
                certified=state,
                current=particles[b],
                energy=energy[b],
                barrier=float(barrier[b]),
                noise=None if noise is None else float(noise[b]),
                asked={name: values[b] for name, values in extra.items()},
            )
            for b, state in enumerate(certified)
        ]

    def _state(
        self, both: Sequence[Solution], wide: Sequence[Solution], needs: Needs
    ) -> BiasedState:
        up, down = both
        parts: dict[str, Any] = {
            name: together(up.asked[name], down.asked[name])
            for name in up.asked.keys() & down.asked.keys()
        }
        if NOISE in needs:
            known = None not in (up.noise, down.noise)
            parts[NOISE] = np.array([one.noise for one in both], dtype=float) if known else None
        if BROADENED in needs:
            parts[BROADENED] = np.array(
                [s.current[0] if s.certified.outcome.converged else np.nan for s in wide]
            )
        return BiasedState(
            one_body_density=np.stack([one.certified.one_body_density for one in both]),
            lead_current=np.stack([one.current for one in both]),
            outcomes=(up.certified.outcome, down.certified.outcome),
            density=joint_certificates(up.certified, down.certified),
            energy_current=np.stack([one.energy for one in both]),
            barrier=np.array([one.barrier for one in both]),
            second_order=True,
            exchange_kept=self.kind in WITH_EXCHANGE,
            vibrations=_joined(both),
            parts=parts,
        )


class Redfield(SecondOrder):
    """Bloch and Redfield without Lamb shift: equilibrium exact, positivity not granted."""

    name: ClassVar[str] = "redfield"
    kind: ClassVar[Kind] = "redfield"
    summary: ClassVar[str] = "second order without Lamb shift; the quick one, 1 to 3 molecules"


class RedfieldLamb(SecondOrder):
    """Redfield with its Lamb shift: for comparison only, it drives currents against the bias."""

    name: ClassVar[str] = "redfield-lamb"
    kind: ClassVar[Kind] = "redfield-lamb"
    summary: ClassVar[str] = "Redfield with its Lamb shift, for comparison only"


class PositiveLindblad(SecondOrder):
    """Jumps weighted by square roots of the Fermi functions: positive."""

    name: ClassVar[str] = "perlind"
    kind: ClassVar[Kind] = "perlind"
    summary: ClassVar[str] = "positive Lindblad form of the second order, no Lamb shift"


class UniversalLindblad(SecondOrder):
    """The positive jumps with the Lamb shift of the universal Lindblad equation.

    References
    ----------
    nathan_rudner_2020
    """

    name: ClassVar[str] = "ule"
    kind: ClassVar[Kind] = "ule"
    summary: ClassVar[str] = "universal Lindblad equation: positive, with its Lamb shift"
    references: ClassVar[tuple[str, ...]] = ("nathan_rudner_2020",)


class DetailedBalance(SecondOrder):
    """The positive jumps with the term that makes each lead obey detailed balance (KMS)."""

    name: ClassVar[str] = "kms"
    kind: ClassVar[Kind] = "kms"
    summary: ClassVar[str] = "positive and reciprocal; for linear response and T above the spacing"


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Steady state of one member with its flows; ``current`` and ``energy`` by lead."""

    certified: CertifiedState
    current: Real
    energy: Real
    barrier: float
    noise: float | None
    vibrations: dict[str, Real] | None = None
    asked: dict[str, Any] = field(default_factory=dict)


def _state_counts(member: BiasedMember) -> list[int]:
    """States of every sector, levels of vibrations counted."""
    levels = 1 if member.vibronic is None else member.vibronic.oscillators.size
    return [levels * size for size in fock.sector_sizes(member.charges)]


def _vibrations(member: BiasedMember, leads: ThermalLeads) -> Vibrations:
    """The vibrations of a member with their bath."""
    vibronic, bath, layout = member.vibronic, member.bath, leads.layout
    assert vibronic is not None
    assert bath is not None
    assert isinstance(layout, LevelsLayout)
    common = (vibronic.oscillators, vibronic.coupling, layout, member.damping)
    if bath.kind == "local":
        return DampedVibrations(*common, bath.occupation)
    eigenstates = (leads.energies, leads.vectors)
    return OhmicVibrations(*common, bath.thermal_energy, eigenstates, leads.kind)


def _guess(
    solver: SteadySolver, member: BiasedMember, vibrations: Vibrations | None
) -> Halves | None:
    """Where a solve with vibrations starts: high levels are empty."""
    if vibrations is None or solver.by_halves or member.bath is None:
        return None
    return warm_start(vibrations.layout, vibrations.oscillators, member.bath.occupation)


def _shown(member: BiasedMember, vibrations: Vibrations, halves: Halves) -> dict[str, Real]:
    """What the vibrations show, batch first."""
    layout, oscillators = vibrations.layout, vibrations.oscillators
    plain = layout.electrons
    shown = {
        name: np.stack(
            [plain.trace(*layout.weighted(halves, operator)) for operator in operators], axis=-1
        )
        for name, operators in (
            ("phonon_number", oscillators.number),
            ("displacement", oscillators.position),
            ("top_level", oscillators.top),
        )
    }
    electrons = hamiltonians([member], Layout(charges=layout.charges, batch=1))
    blocks = {(p, n): X for p, half in enumerate(electrons) for n, X in enumerate(half)}
    flow = vibrations.bath(halves)
    energy = vibronic_energy(oscillators, blocks, vibrations.coupling, layout, flow)
    lost = [plain.trace(*layout.weighted(flow, number)) for number in oscillators.number]
    coupled = [
        overlap(packed_operator(layout, V), layout.weighted(halves, x))
        for V, x in zip(vibrations.coupling, oscillators.position, strict=True)
    ]
    assert member.vibronic is not None
    spread = spread_of(member.vibronic.vibrations)
    errors = level_errors(oscillators, shown["top_level"], member.damping, spread)
    return {
        **shown,
        "coupling_energy": np.stack(coupled, axis=-1),
        "mode_heat": -oscillators.energy * np.stack(lost, axis=-1),
        "energy": energy,
        "levels": np.broadcast_to(np.array(oscillators.levels), shown["phonon_number"].shape),
        **{ERROR + name: value for name, value in errors.items()},
    }


def _joined(both: Sequence[Solution]) -> VibratingPart | None:
    """Of both magnetisations."""
    up, down = (one.vibrations for one in both)
    if up is None or down is None:
        return None
    values = {name: np.stack([up[name], down[name]]) for name in up if name != "levels"}
    errors = {name: values.pop(ERROR + name) for name in list(values) if ERROR + name in values}
    return VibratingPart(levels=tuple(up["levels"].tolist()), errors=errors, **values)


def _steady(solver: SteadySolver, guess: Halves | None = None) -> tuple[Stationary, list[str]]:
    """rho of every member, and why it may not be known: then two starts lead apart."""
    first = solver.steady_state(guess=guess)
    if not solver.fed_back:
        return first, [""] * len(solver.generator.members)
    if not (solver.generator.residual(*first.halves) <= solver.tolerance).any():
        return first, [TOO_SLOW] * len(solver.generator.members)  # a second start would not help
    again = solver.steady_state(rng=np.random.default_rng(0))
    both = Stationary(
        even=first.even,
        odd=first.odd,
        hermiticity=first.hermiticity,
        distance=first.distance,
        applications=first.applications + again.applications,
    )
    return both, ["" if same else TOO_SLOW for same in first.apart(again) < SAME]


def _noise(solver: SteadySolver, leads: ThermalLeads, stationary: Stationary) -> Real:
    """Zero-frequency noise of the left current, (batch,), electrons squared per time."""
    trace = solver.generator.layout.trace
    left = np.zeros(leads.coupling.shape[1])
    left[0] = 1.0

    def counted(halves: Halves, back: Real) -> Halves:
        even, odd = halves
        return leads.crossing(ODD, odd, left, back), leads.crossing(EVEN, even, left, back)

    flow = counted(stationary.halves, -left)
    current = trace(*flow)[:, None]
    even, odd, _ = solver.solve(
        current * stationary.even - flow[EVEN],
        current * stationary.odd - flow[ODD],
        0.1 * solver.tolerance,
    )
    surplus = trace(even, odd)[:, None]
    memory = counted((even - surplus * stationary.even, odd - surplus * stationary.odd), -left)
    return np.asarray(trace(*counted(stationary.halves, left)) - 2 * trace(*memory))


def _check_memory(model: BiasedJunction, sizes: list[int], method: str) -> None:
    unknowns = float(sum(size**2 for size in sizes))
    per_jump = 2 if method.startswith("redfield") else 4  # P, and Q where it is dense
    channels = 6 * model.molecules / 2
    need = 16 * unknowns * (20 + per_jump * channels) + 40 * 8 * unknowns / 2
    if need > available_bytes():
        raise ModelError(_too_large(model, need, method))


def _too_large(model: BiasedJunction, need: float, method: str) -> str:
    return (
        f"Parameter `molecules` must fit in memory for method {method}, but {model.molecules} "
        f"molecules need about {in_words(need)} and {in_words(available_bytes())} are free; "
        "mean-field and landauer fit any number"
    )
