r"""Steady states of a vibrating junction in either representation, and what is read from them.

.. math:: E_l = Tr[(H_{el} + \sum_v x_v V_v) D_l \rho]

needs of the vibrations the operators :math:`\rho_v = Tr_{boson}[x_v \rho]` of the electrons alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.bosons import (
    FLOW_ERROR,
    DampedVibrations,
    DressedVibrations,
    Oscillators,
    Vibrations,
    level_errors,
    vibronic_energy,
)
from chirospin.junction.manybody.certified import (
    CertifiedState,
    certified_states,
    joint_certificates,
)
from chirospin.junction.manybody.companions import CompanionLayout, LevelsLayout, TiersLayout
from chirospin.junction.manybody.generator import Generator, JumpFamily
from chirospin.junction.manybody.hamiltonian import hamiltonians, sector_density
from chirospin.junction.manybody.infinite_bias import (
    DARK,
    SAME_STATE,
    STATIONARY,
    UNREACHED_STATES,
)
from chirospin.junction.manybody.leads import FlatLeads, FlatMember, jump_matrix, open_channels
from chirospin.junction.manybody.one_body import (
    OneBodyDephasing,
    matrices_with,
    packed_operator,
    sector_operator,
)
from chirospin.junction.manybody.packed import (
    EVEN,
    ODD,
    Blocks,
    Complex,
    Halves,
    Layout,
    Real,
    norm,
    overlap,
)
from chirospin.junction.manybody.steady import Resolvent, Stationary, SteadySolver
from chirospin.junction.manybody.tiered import TieredGenerator, TieredResolvent
from chirospin.junction.model import PER_MOLECULE, orbital_projectors
from chirospin.junction.modes import Modes, dephasing_operator, modes
from chirospin.junction.phonons.bath import Noise, noise
from chirospin.junction.phonons.model import (
    PhononJunction,
    bath_temperature,
    matsubara_terms,
    quanta_in_bath,
)
from chirospin.junction.phonons.state import PhononState, Truncation
from chirospin.junction.state import lead_current, unreached
from chirospin.numerics.sylvester import Form, SchurInverse, by_either_form

LEFT, RIGHT = 0, 1
COUNTED = ("phonon_number", "displacement", "coupling_energy", "mode_heat", "energy_current")
"""Readings whose error is what another truncation changes."""
KRYLOV_GUESS = 60  # vectors assumed when memory is estimated
AT_WORK = 12  # complex copies of the operators beside them
ROUGH = 1e-5  # residual of a start: vibrations move the state by more
TOGETHER = 2_000_000  # unknowns of both magnetisations up to which they share numpy calls


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything of a model that does not depend on how its vibrations are represented.

    Parameters
    ----------
    pair : both magnetisations
    modes : in numbers
    coupling : V of each mode in sectors
    occupation : n of each mode
    noise : of the bath as the electrons see it; None where it is not integrated out
    white : rate and matrix of dephasing
    """

    pair: tuple[FlatMember, FlatMember]
    modes: Modes
    coupling: tuple[Blocks, ...]
    occupation: Real
    bath: str
    temperature: float
    matsubara: int
    white: tuple[tuple[float, Blocks], ...]

    @classmethod
    def of(cls, model: PhononJunction) -> Stage:
        """From a model."""
        found = modes(model)
        fluctuating = dephasing_terms(model)
        matrices = np.concatenate([found.coupling, *(m[None] for _, m in fluctuating)])
        up, down = FlatMember.both(model)
        joined = matrices_with(up.matrices, matrices)
        pair = replace(up, matrices=joined), replace(down, matrices=joined)
        charges = joined.charges
        return cls(
            pair=pair,
            modes=found,
            coupling=tuple(sector_operator(charges, V) for V in found.coupling),
            occupation=quanta_in_bath(model),
            bath=model.phonon_bath,
            temperature=bath_temperature(model),
            matsubara=matsubara_terms(model),
            white=tuple((rate, sector_operator(charges, m)) for rate, m in fluctuating),
        )

    @property
    def charges(self) -> fock.Charges:
        """That all its matrices conserve."""
        return self.pair[0].charges

    @property
    def unknowns(self) -> int:
        """Of one density operator of the electrons."""
        return sum(size**2 for size in fock.sector_sizes(self.charges))

    @cached_property
    def noise(self) -> Noise:
        """What the electrons see of the bath."""
        return noise(self.modes, self.temperature, self.bath, self.matsubara)  # type: ignore[arg-type]


def dephasing_terms(model: PhononJunction) -> list[tuple[float, np.ndarray]]:
    """Rates and matrices of white noise: that of dephasing_matrix, or of every orbital energy."""
    rate = model.dephasing
    if not rate:
        return []
    matrix = dephasing_operator(model)
    if matrix is not None:
        return [(rate, matrix)]
    return [(rate, one) for one in orbital_projectors(model.molecules)]


@dataclass(frozen=True, kw_only=True)
class ExplicitLevels:
    """Bosons with a number of levels."""

    stage: Stage
    truncation: Truncation

    @cached_property
    def oscillators(self) -> Oscillators:
        """Truncated."""
        return Oscillators(energy=self.stage.modes.energy, levels=self.truncation.levels)

    @property
    def companions(self) -> int:
        """Elements between levels."""
        return self.oscillators.size**2

    def vibrations(self, layout: LevelsLayout) -> Vibrations:
        """With their bath."""
        kind = DressedVibrations if self.stage.bath == "dressed" else DampedVibrations
        stage = self.stage
        return kind(self.oscillators, stage.coupling, layout, stage.modes.damping, stage.occupation)

    def generator(self, members: Sequence[FlatMember]) -> Generator:
        """Of these members."""
        layout = LevelsLayout(
            charges=self.stage.charges, batch=len(members), levels=self.oscillators.size
        )
        families: list[JumpFamily] = [FlatLeads(members, layout), self.vibrations(layout)]
        if self.stage.white:
            families.append(OneBodyDephasing(self.stage.white, layout))
        return Generator(members, layout, families)

    def solver(
        self, members: Sequence[FlatMember], form: Form, tolerance: float, limit: int
    ) -> SteadySolver:
        """Of these members."""
        resolvent = Resolvent(self.generator(members), form)
        return SteadySolver(resolvent=resolvent, tolerance=tolerance, limit=limit)

    def field(self, layout: Layout, halves: Halves, mode: int) -> Halves:
        """Tr_boson[x rho]."""
        assert isinstance(layout, LevelsLayout)
        return layout.weighted(halves, self.oscillators.position[mode])

    def number(self, layout: Layout, halves: Halves) -> Real:
        """<b^+b>, (batch, mode)."""
        return self._means(layout, halves, self.oscillators.number)

    def top(self, layout: Layout, halves: Halves) -> Real:
        """Occupation of the top level, (batch, mode)."""
        return self._means(layout, halves, self.oscillators.top)

    def _means(self, layout: Layout, halves: Halves, operators: Sequence[Real]) -> Real:
        assert isinstance(layout, LevelsLayout)
        plain = layout.electrons
        return np.stack([plain.trace(*layout.weighted(halves, one)) for one in operators], axis=-1)

    def beside_electrons(self, layout: Layout, electrons: Halves) -> Halves:
        """Thermal vibrations."""
        assert isinstance(layout, LevelsLayout)
        out = []
        for parity, half in enumerate(electrons):
            wide = layout.zeros(parity)
            weight = self.oscillators.thermal(self.stage.occupation)
            layout.apart(wide)[:, layout.traced] = weight[:, None] * half[:, None]
            out.append(wide)
        return out[0], out[1]

    def raised(self, layout: Layout, smaller: AnyRepresentation, halves: Halves) -> Halves:
        """Higher levels are empty."""
        assert isinstance(layout, LevelsLayout)
        old = smaller.truncation.levels
        inside = np.ravel_multi_index(
            np.meshgrid(*(range(n) for n in old), indexing="ij"), self.truncation.levels
        ).ravel()
        n, count = layout.levels, inside.size
        out = []
        for parity, half in enumerate(halves):
            wide = layout.zeros(parity)
            view = wide.reshape(layout.batch, n, n, -1)
            view[:, inside[:, None], inside] = half.reshape(layout.batch, count, count, -1)
            out.append(wide)
        return out[0], out[1]


@dataclass(frozen=True, kw_only=True)
class AuxiliaryTiers:
    """Bosons integrated out."""

    stage: Stage
    truncation: Truncation

    @property
    def companions(self) -> int:
        """Operators of the hierarchy."""
        return hierarchy_size(len(self.stage.noise.memory.decay), self.truncation.tiers)

    def generator(self, members: Sequence[FlatMember]) -> TieredGenerator:
        """Of these members."""
        stage, memory = self.stage, self.stage.noise.memory
        layout = TiersLayout(
            charges=stage.charges, batch=len(members), tiers=memory.tiers(self.truncation.tiers)
        )
        families: list[JumpFamily] = [FlatLeads(members, layout)]
        white = [*stage.white]
        white += [
            (float(rate), V)
            for rate, V in zip(stage.noise.white, stage.coupling, strict=True)
            if rate
        ]
        if white:
            families.append(OneBodyDephasing(white, layout))
        return TieredGenerator(members, layout, families, memory, stage.coupling)

    def solver(
        self, members: Sequence[FlatMember], form: Form, tolerance: float, limit: int
    ) -> SteadySolver:
        """Of these members."""
        resolvent = TieredResolvent(self.generator(members), form)
        return SteadySolver(resolvent=resolvent, tolerance=tolerance, limit=limit)

    def field(self, layout: Layout, halves: Halves, mode: int) -> Halves:
        r""":math:`\sum_j s_j \rho_{e_j}`, and what the white part of the bath adds, -i r [V, rho]/2."""
        assert isinstance(layout, TiersLayout)
        memory = self.stage.noise.memory
        plain = layout.electrons
        total = plain.zeros(EVEN), plain.zeros(ODD)
        for j in (j for j, own in enumerate(memory.mode) if own == mode):
            unit = tuple(int(i == j) for i in range(len(memory.mode)))
            even, odd = layout.member(halves, unit)  # rho + rho^+: each pair comes twice
            total = (
                total[EVEN] + 0.5 * memory.scale[j] * even,
                total[ODD] + 0.5 * memory.scale[j] * odd,
            )
        rate = self.stage.noise.white[mode]
        if not rate:
            return total
        V, X = self.stage.coupling[mode], plain.blocks(layout.reduced(halves))
        turned = {place: -0.5j * rate * (V[place] @ X[place] - X[place] @ V[place]) for place in X}
        even, odd = plain.packed(turned)
        return total[EVEN] + even, total[ODD] + odd

    def number(self, layout: Layout, halves: Halves) -> Real:
        r""":math:`n + s^2 Re Tr \rho_{(1,1)}` for a local bath; NaN for others, or one tier."""
        assert isinstance(layout, TiersLayout)
        out = np.full((layout.batch, len(self.stage.modes)), np.nan)
        memory = self.stage.noise.memory
        if self.stage.bath != "local" or self.truncation.tiers < 2:
            return out
        for v, n in enumerate(self.stage.occupation):
            both = tuple(int(own == v) for own in memory.mode)
            first = memory.mode.index(v)
            traced = layout.electrons.trace(*layout.member(halves, both)) / 2
            out[:, v] = n + memory.scale[first] ** 2 * traced
        return out

    def top(self, layout: Layout, halves: Halves) -> Real:
        """There are no levels."""
        return np.full((layout.batch, len(self.stage.modes)), np.nan)

    def beside_electrons(self, layout: Layout, electrons: Halves) -> Halves:
        """No auxiliary operator."""
        assert isinstance(layout, TiersLayout)
        out = []
        for parity, half in enumerate(electrons):
            wide = layout.zeros(parity)
            layout.apart(wide)[:, 0] = half
            out.append(wide)
        return out[0], out[1]

    def raised(self, layout: Layout, smaller: AnyRepresentation, halves: Halves) -> Halves:
        """Higher tiers are zero."""
        assert isinstance(layout, TiersLayout)
        assert isinstance(smaller, AuxiliaryTiers)
        old = self.stage.noise.memory.tiers(smaller.truncation.tiers)
        place = [layout.tiers.place[m] for m in old.index]
        out = []
        for parity, half in enumerate(halves):
            wide = layout.zeros(parity)
            layout.apart(wide)[:, place] = half.reshape(layout.batch, len(place), -1)
            out.append(wide)
        return out[0], out[1]


def hierarchy_size(exponents: int, tiers: int) -> int:
    """Operators of a hierarchy."""
    size = 1
    for n in range(1, exponents + 1):
        size = size * (tiers + n) // n
    return size


AnyRepresentation: TypeAlias = ExplicitLevels | AuxiliaryTiers


def vibronic_bytes(representation: AnyRepresentation) -> float:
    """Estimated memory of the solve of one magnetisation."""
    unknowns = float(representation.stage.unknowns) * representation.companions
    return unknowns * (8 * KRYLOV_GUESS + 16 * AT_WORK)


def require_room(representation: AnyRepresentation) -> None:
    """Refuse a size that does not fit.

    Raises
    ------
    ModelError : says unknowns, bytes, and the other representation
    """
    need, free = vibronic_bytes(representation), available_bytes()
    if need <= free:
        return
    tiers = representation.truncation.tiers
    name = "phonon_tiers" if tiers else "phonon_levels"
    value = tiers or list(representation.truncation.levels)
    other = "method levels" if tiers else "method tiers, or fewer levels"
    unknowns = float(representation.stage.unknowns) * representation.companions
    molecules = representation.stage.pair[0].coupling.shape[1] // PER_MOLECULE
    raise ModelError(
        f"Parameter `{name}` must fit in memory (dimensionless), but {value} for {molecules} molecules "
        f"makes {unknowns:.2g} unknowns and takes about {in_words(need)}, and {in_words(free)} are free; "
        f"{other}, or method scba for small repulsion"
    )


@dataclass(frozen=True, kw_only=True)
class Found:
    """Steady states of some magnetisations in one representation."""

    representation: AnyRepresentation
    members: tuple[FlatMember, ...]
    solver: SteadySolver
    stationary: Stationary
    states: list[CertifiedState]

    @property
    def layout(self) -> CompanionLayout:
        """Where the operators lie."""
        layout = self.solver.generator.layout
        assert isinstance(layout, CompanionLayout)
        return layout


def steady(
    representation: AnyRepresentation,
    tolerance: float,
    limit: int,
    before: Sequence[Found] = (),
) -> list[Found]:
    """Both magnetisations, in one batch where that is small.

    Parameters
    ----------
    before : those of a smaller truncation, from where to start
    """
    pair = representation.stage.pair
    unknowns = representation.stage.unknowns * representation.companions
    groups = [pair] if 2 * unknowns <= TOGETHER else [pair[:1], pair[1:]]
    found = []
    for n, members in enumerate(groups):
        start = before[n] if len(before) == len(groups) else None

        def attempt(
            items: Sequence[tuple[FlatMember, ...]],
            form: Form,
            start: Found | None = start,
        ) -> list[Found]:
            return [_solved(representation, one, form, tolerance, limit, start) for one in items]

        found += by_either_form([tuple(members)], attempt, _doubtful)
    return found


def _doubtful(found: Found) -> bool:
    if isinstance(found.solver.resolvent, TieredResolvent):
        return False  # its eigenvectors only precondition
    return any(not (one.outcome.residual <= found.solver.tolerance) for one in found.states)


def _solved(
    representation: AnyRepresentation,
    members: tuple[FlatMember, ...],
    form: Form,
    tolerance: float,
    limit: int,
    start: Found | None,
) -> Found:
    solver = representation.solver(members, form, tolerance, limit)
    scale = solver.generator.scale
    dark = solver.resolvent.slowest_decay <= DARK * scale
    if dark.any():
        solver = solver.regularised(float(max(m.coupling.max() for m in members)))
    layout = solver.generator.layout
    guess: Halves | None = None
    if start is not None:
        guess = representation.raised(layout, start.representation, start.stationary.halves)
    elif not dark.any():
        bare = _without_vibrations(representation.stage, members, form, limit)
        guess = None if bare is None else representation.beside_electrons(layout, bare)
    found = solver.steady_state(strict=form is SchurInverse, guess=guess)
    alone = np.array([unreached(np.array([m.one_body_decay]), m.matrices.h)[0] for m in members])
    doubts = [""] * len(members)
    if alone.any() or dark.any():
        again = solver.steady_state(rng=np.random.default_rng(0))
        apart = ~(found.apart(again) < SAME_STATE)
        doubts = [
            (STATIONARY if dark[b] else UNREACHED_STATES) if apart[b] else ""
            for b in range(len(members))
        ]
    return Found(
        representation=representation,
        members=members,
        solver=solver,
        stationary=found,
        states=certified_states(solver.generator, found, tolerance, doubts),
    )


def _without_vibrations(
    stage: Stage, members: Sequence[FlatMember], form: Form, limit: int
) -> Halves | None:
    """Roughly the electrons that no vibration disturbs; None where they have no unique state."""
    layout = Layout(charges=stage.charges, batch=len(members))
    if stage.white:
        return None  # to invert its maps costs more than a guess saves
    try:
        resolvent = Resolvent(Generator(members, layout, [FlatLeads(members, layout)]), form)
    except np.linalg.LinAlgError:
        return None
    found = SteadySolver(resolvent=resolvent, tolerance=ROUGH, limit=limit).steady_state()
    sound = (resolvent.generator.residual(*found.halves) <= ROUGH).all()
    return found.halves if sound else None


def lead_currents(found: Sequence[Found]) -> Real:
    """From each lead, (magnetisation, lead)."""
    members = [m for one in found for m in one.members]
    G = np.stack([a.one_body_density for one in found for a in one.states])
    coupling = np.stack([member.coupling for member in members])
    return lead_current(coupling, np.einsum("mkk->mk", G).real, members[0].occupation)


def phonon_state(found: Sequence[Found], change: float, lower: Sequence[Found] = ()) -> PhononState:
    """The state of both magnetisations.

    Parameters
    ----------
    lower : the same by a hierarchy that ends two tiers lower, where there is one
    """
    up, down = (answer for one in found for answer in one.states)
    representation = found[0].representation
    gathered = _gathered(found)
    errors: dict[str, Real] = {}
    if isinstance(representation, ExplicitLevels):
        errors = _level_errors(representation, gathered, lead_currents(found)[:, LEFT])
    elif lower:
        before = _gathered(lower)
        changes = {name: gathered[name] - before[name] for name in COUNTED}
        changes["current"] = (lead_currents(found) - lead_currents(lower))[:, LEFT]
        # of one magnetisation the change may pass through zero
        errors = {
            name: np.broadcast_to(np.abs(change).max(axis=0, initial=0.0), change.shape)
            for name, change in changes.items()
        }
        errors["spin_polarisation"] = np.asarray(change)
    return PhononState(
        one_body_density=np.stack([up.one_body_density, down.one_body_density]),
        lead_current=lead_currents(found),
        outcomes=(up.outcome, down.outcome),
        density=joint_certificates(up, down),
        truncation=representation.truncation,
        truncation_change=change,
        errors=errors,
        **gathered,
    )


def _gathered(found: Sequence[Found]) -> dict[str, Any]:
    """Readings of both magnetisations."""
    read = [_readings(one) for one in found]
    return {name: np.concatenate([one[name] for one in read]) for name in read[0]}


def _level_errors(
    representation: ExplicitLevels, readings: dict[str, Any], current: Real
) -> dict[str, Real]:
    """What levels that are not kept may change."""
    seen, top = representation.stage.modes, readings["top_level"]
    errors = level_errors(representation.oscillators, top, seen.damping, seen.range)
    share = top.sum(axis=1)
    flows = np.abs(readings["energy_current"])
    bath = errors["mode_heat"].sum(axis=1, keepdims=True)
    return {
        **errors,
        "energy_current": FLOW_ERROR * share[:, None] * flows + bath,
        "current": FLOW_ERROR * share * np.abs(current),
        "spin_polarisation": np.asarray(share.max()),
    }


def _readings(found: Found) -> dict[str, Real]:
    """What the vibrations show, of one batch."""
    representation, layout, halves = found.representation, found.layout, found.stationary.halves
    stage, plain = representation.stage, found.layout.electrons
    count = range(len(stage.modes))
    fields = [representation.field(layout, halves, v) for v in count]
    operators = [packed_operator(layout, V) for V in stage.coupling]
    batch = layout.batch
    number = representation.number(layout, halves)
    displacement, coupled = np.zeros((2, batch, len(stage.modes)))
    for v, (V, field) in enumerate(zip(operators, fields, strict=True)):
        displacement[:, v], coupled[:, v] = plain.trace(*field), overlap(V, field)
    leads = np.stack(
        [_lead_energy(found, fields, operators, lead) for lead in (LEFT, RIGHT)], axis=-1
    )
    lost = _dephasing_energy(found, fields, operators)
    heat = stage.modes.damping * stage.modes.energy * (number - stage.occupation)
    bath = -leads.sum(axis=1) - lost
    if stage.bath == "local" and np.isfinite(heat).all():
        bath = -(heat + 0.5 * stage.modes.damping * coupled).sum(axis=1)
    else:
        heat = np.full((batch, len(stage.modes)), np.nan)
    if isinstance(representation, ExplicitLevels):
        assert isinstance(layout, LevelsLayout)
        bath, heat = _bath_energy(representation, layout, halves)
    return {
        "phonon_number": number,
        "displacement": displacement,
        "coupling_energy": coupled,
        "mode_heat": heat,
        "energy_current": np.concatenate([leads, bath[:, None]], axis=1),
        "dephasing_energy": lost,
        "top_level": representation.top(layout, halves),
        "field_density": _field_densities(stage, plain, fields),
    }


def _field_densities(stage: Stage, plain: Layout, fields: Sequence[Halves]) -> Complex:
    """<x c^+_m c_n>, (batch, mode, 4M, 4M)."""
    size = stage.modes.coupling.shape[-1]
    out = np.zeros((plain.batch, len(fields), size, size), dtype=complex)
    for v, field in enumerate(fields):
        out[:, v] = sector_density(stage.pair[0].matrices, plain, plain.blocks(field))
    return out


def _bath_energy(
    representation: ExplicitLevels, layout: LevelsLayout, halves: Halves
) -> tuple[Real, Real]:
    """Energy from the baths, (batch,), and what each mode loses by its jumps, (batch, mode)."""
    stage, oscillators = representation.stage, representation.oscillators
    vibrations = representation.vibrations(layout)
    flow = vibrations.bath(halves)
    plain = layout.electrons
    total = vibronic_energy(oscillators, _electron_blocks(stage), stage.coupling, layout, flow)
    lost = np.stack([plain.trace(*layout.weighted(flow, N)) for N in oscillators.number], axis=-1)
    return total, -stage.modes.energy * lost


def _electron_blocks(stage: Stage) -> Blocks:
    """H_el in sectors."""
    halves = hamiltonians(stage.pair[:1], Layout(charges=stage.charges, batch=1))
    return {(parity, n): X for parity, half in enumerate(halves) for n, X in enumerate(half)}


def _electron_energy(stage: Stage, layout: Layout, flow: Halves) -> Real:
    """Tr[H_el X] of a packed operator of the electrons, (batch,)."""
    return overlap(packed_operator(layout, _electron_blocks(stage)), flow)


def _lead_energy(
    found: Found, fields: Sequence[Halves], operators: Sequence[Halves], lead: int
) -> Real:
    """Energy that enters from one lead, (batch,)."""
    plain = found.layout.electrons
    only = np.array([[1.0], [0.0]] if lead == LEFT else [[0.0], [1.0]])
    members = [replace(member, coupling=member.coupling * only) for member in found.members]
    leads = _OneFamily(FlatLeads(members, plain), plain)
    total = _electron_energy(
        found.representation.stage, plain, leads(found.layout.reduced(found.stationary.halves))
    )
    for V, field in zip(operators, fields, strict=True):
        total = total + overlap(V, leads(field))
    return total


def _dephasing_energy(found: Found, fields: Sequence[Halves], operators: Sequence[Halves]) -> Real:
    """Energy that dephasing brings, (batch,)."""
    stage, plain = found.representation.stage, found.layout.electrons
    if not stage.white:
        return np.zeros(plain.batch)
    family = _OneFamily(OneBodyDephasing(stage.white, plain), plain)
    total = _electron_energy(stage, plain, family(found.layout.reduced(found.stationary.halves)))
    for V, field in zip(operators, fields, strict=True):
        total = total + overlap(V, family(field))
    return total


@dataclass(frozen=True)
class _OneFamily:
    """D of one family of jumps on packed Hermitian operators of the electrons."""

    family: JumpFamily
    layout: Layout

    def __call__(self, halves: Halves) -> Halves:
        out = []
        for parity, half in enumerate(halves):

            def action(n: int, X: np.ndarray, parity: int = parity) -> np.ndarray:
                lost = -1j * (self.family.damping(parity, n) @ X)
                return np.asarray(lost + np.conj(np.swapaxes(lost, -1, -2)))

            flow = self.layout.by_stack(parity, half, action)
            if self.family.keeps:
                flow = flow + self.family.kept(self.layout, parity, half)
            if self.family.crosses:
                flow = flow + self.family.crossing(1 - parity, halves[1 - parity])
            out.append(flow)
        return out[0], out[1]


def vibronic_noise(found: Found, current: Real) -> tuple[Real, Real]:
    r"""Noise of the current counted at either lead, (batch, lead), and the residual of its equation.

    .. math:: S = Tr J_2 \rho - 2 Tr J_1 X, \qquad L X = I \rho - J_1 \rho

    The other lead needs no solve: :math:`X_R = -N \rho - X_L`, and both noises must agree.
    """
    layout, halves = found.layout, found.stationary.halves
    solver = found.solver
    jumped = _Counted(found)
    flow = jumped(halves, LEFT, -1.0)
    I = current[:, None]  # noqa: E741
    source = (I * halves[EVEN] - flow[EVEN], I * halves[ODD] - flow[ODD])
    even, odd, _ = solver.solve(*source, 0.1 * solver.tolerance)
    rest = solver.generator.derivative(even, odd)
    defect = norm(rest[EVEN] + source[EVEN], rest[ODD] + source[ODD])
    size = norm(even, odd) * solver.generator.scale
    number = [_electrons(layout, parity) for parity in (EVEN, ODD)]
    values = np.empty((layout.batch, 2))
    for lead in (LEFT, RIGHT):
        X = (even, odd)
        if lead == RIGHT:
            X = (-number[EVEN] * halves[EVEN] - even, -number[ODD] * halves[ODD] - odd)
        surplus = layout.trace(*X)[:, None]
        X = (X[EVEN] - surplus * halves[EVEN], X[ODD] - surplus * halves[ODD])
        gross = layout.trace(*jumped(halves, lead, 1.0))
        values[:, lead] = gross - 2 * layout.trace(*jumped(X, lead, -1.0))
    return values, defect / np.where(size > 0, size, 1.0)


def _electrons(layout: CompanionLayout, parity: int) -> Real:
    """Electron number of every packed element."""
    parts = []
    for stack in layout.space.stacks[parity]:
        d = stack.shape[1]
        parts.append(np.repeat(np.bitwise_count(stack.states[:, 0]), d * d))
    return np.tile(np.concatenate(parts).astype(float), layout.companions)


class _Counted:
    """Jumps of one lead, with a weight for those that leave."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def __call__(self, halves: Halves, lead: int, back: float) -> Halves:
        members, layout = self.found.members, self.found.layout
        channels = open_channels(members)
        rate = np.stack(
            [
                np.concatenate(
                    [
                        m.coupling[lead] * m.occupation[lead],
                        back * m.coupling[lead] * (1 - m.occupation[lead]),
                    ]
                )
                for m in members
            ]
        )
        maps = [jump_matrix(layout.charges, channels, parity, rate) for parity in (EVEN, ODD)]
        to_even = layout.by_electrons(halves[ODD], lambda X: maps[ODD] @ X)
        to_odd = layout.by_electrons(halves[EVEN], lambda X: maps[EVEN] @ X)
        return to_even, to_odd
