r"""Exact steady states with vibrations: by levels, by tiers, or by whichever the couplings ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes
from chirospin.base.method import LOOSEST, MOST_VECTORS, NOTHING, TIGHTEST, Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.counting import NOISE, CountedNoise
from chirospin.junction.manybody.infinite_bias import listed_pair
from chirospin.junction.manybody.leads import require_end_leads
from chirospin.junction.modes import DEFAULT_LEVELS, DEFAULT_TIERS
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.phonons.solution import (
    LEFT,
    AnyRepresentation,
    AuxiliaryTiers,
    ExplicitLevels,
    Found,
    Stage,
    lead_currents,
    phonon_state,
    require_room,
    steady,
    vibronic_bytes,
    vibronic_noise,
)
from chirospin.junction.phonons.state import PhononState, Truncation
from chirospin.junction.probed import require_no_probes

TOP_LEVEL = 1e-3
"""Occupation of the highest level up to which P is good to some 2e-4 of it."""
TIER_CHANGE = 1e-3
"""Change of P, over P, when the hierarchy is cut two tiers lower."""
ROUNDING = 1e-9
"""Change of P that is none: where P vanishes by symmetry both truncations give rounding."""
MORE_LEVELS, MORE_TIERS = 4, 2
MOST_UNKNOWNS = 3_000_000
"""Of one magnetisation, up to which truncations are raised without being asked."""
LARGEST_CHOSEN_LEVELS, LARGEST_CHOSEN_TIERS = 28, 14
STRONG = 0.5
"""Range of V over w beyond which a cold mode is displaced by more than a few tiers hold."""
THREADED_SECTOR = 200
log = logging.getLogger("chirospin")


class Vibronic(Method):
    """An exact method with vibrations; subclasses say which representation."""

    tolerance: float = Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual |L rho| / |rho| in units of the energy scale",
    )
    krylov_vectors: int = Field(
        400, ge=1, le=MOST_VECTORS, description="most Krylov vectors of one solve"
    )
    together: ClassVar[int] = 1
    gives: ClassVar[Needs] = frozenset({NOISE})

    def solve_many(self, models: Sequence[PhononJunction]) -> Iterator[PhononState]:
        """Steady states one after another.

        Raises
        ------
        ModelError : a truncation that was asked for does not fit in memory, or belongs to another method
        """
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[PhononJunction], needs: Needs) -> Iterator[PhononState]:
        """The same, with the noise where it is needed: one solve more."""
        for model in models:
            require_no_probes(model)
            require_end_leads(model, self.name)
            listed_pair(model)
            stage = Stage.of(model)
            largest = max(fock.sector_sizes(stage.charges))
            with blas_threads(1 if largest < THREADED_SECTOR else None):
                yield self.state(model, stage, needs)

    def state(self, model: PhononJunction, stage: Stage, needs: Needs) -> PhononState:
        """Of one model."""
        raise NotImplementedError

    def _solved(
        self, representation: AnyRepresentation, before: Sequence[Found] = ()
    ) -> list[Found]:
        require_room(representation)
        return steady(representation, self.tolerance, self.krylov_vectors, before)

    def _finished(
        self, found: Sequence[Found], needs: Needs, doubt: str = "", change: float = np.nan
    ) -> PhononState:
        """The state; a truncation of our own choice that is too small has not converged."""
        state = phonon_state(found, change)
        if doubt:
            state = replace(state, outcomes=_doubted(state.outcomes, doubt))
        if NOISE not in needs or not state.outcome.converged:
            return state
        values, residual = [], []
        start = 0
        for one in found:
            stop = start + len(one.members)
            noise, rest = vibronic_noise(one, state.lead_current[start:stop, LEFT])
            values.append(noise)
            residual.append(rest)
            start = stop
        counted = CountedNoise(
            values=np.concatenate(values), dual_residual=np.concatenate(residual)
        )
        return replace(state, parts={**state.parts, NOISE: counted})


def _doubted(outcomes: tuple[Outcome, Outcome], doubt: str) -> tuple[Outcome, Outcome]:
    up, down = (
        one if not one.converged else replace(one, converged=False, reason=doubt)
        for one in outcomes
    )
    return up, down


class Levels(Vibronic):
    """Explicit bosons beside the electrons, in the sectors of the charges that all couplings keep."""

    name: ClassVar[str] = "levels"
    summary: ClassVar[str] = "exact, levels of each vibration kept: strong coupling to a cold mode"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "lindblad_1976",
        "gorini_kossakowski_sudarshan_1976",
        "saad_schultz_1986",
    )

    def state(self, model: PhononJunction, stage: Stage, needs: Needs) -> PhononState:
        """Levels are added until the top one is empty.

        Raises
        ------
        ModelError : a bath that an explicit boson does not have
        """
        if stage.bath == "brownian":
            raise ModelError(
                "Parameter `phonon_bath` must be local or dressed (dimensionless) for method levels, which "
                "damps a boson by jumps, but is brownian; method tiers has it"
            )
        if not len(stage.modes):
            return Tiers(**self.model_dump()).state(model, stage, needs)
        given = given_levels_of(model)
        levels = given or (DEFAULT_LEVELS,) * len(stage.modes)
        found: list[Found] = []
        while True:
            truncation = Truncation(levels=levels, chosen=given is None)
            found = self._solved(ExplicitLevels(stage=stage, truncation=truncation), found)
            top = _top(found)
            if given is not None or (top <= TOP_LEVEL).all():
                return self._finished(found, needs)
            log.info("levels %s: top level %.1e occupied", levels, top.max())
            more = tuple(
                n + MORE_LEVELS if full > TOP_LEVEL else n
                for n, full in zip(levels, top, strict=True)
            )
            if not affordable(
                ExplicitLevels(stage=stage, truncation=replace(truncation, levels=more))
            ):
                doubt = (
                    f"the top level of a vibration holds {top.max():.1e} > {TOP_LEVEL:g} with levels "
                    f"{list(levels)}; give phonon_levels {list(more)}, or take method tiers"
                )
                return self._finished(found, needs, doubt)
            levels = more


def _top(found: Sequence[Found]) -> np.ndarray:
    """Occupation of the top level of each mode, the larger of both magnetisations."""
    values = [
        one.representation.top(one.layout, one.stationary.halves)
        for one in found
        if isinstance(one.representation, ExplicitLevels)
    ]
    return np.asarray(np.concatenate(values).max(axis=0))


def affordable(representation: AnyRepresentation) -> bool:
    """Whether a truncation may be raised to this without being asked."""
    truncation = representation.truncation
    small = (
        truncation.tiers <= LARGEST_CHOSEN_TIERS
        and max(truncation.levels, default=0) <= LARGEST_CHOSEN_LEVELS
    )
    unknowns = representation.stage.unknowns * representation.companions
    return (
        small and unknowns <= MOST_UNKNOWNS and vibronic_bytes(representation) < available_bytes()
    )


def polarisation(found: Sequence[Found]) -> float:
    """P of both magnetisations; NaN where no current flows."""
    up, down = lead_currents(found)[:, LEFT]
    return float((up - down) / (up + down)) if up + down else np.nan


class Tiers(Vibronic):
    """Bosons integrated out exactly; a hierarchy of auxiliary operators holds any temperature.

    References
    ----------
    tamascelli_2018
    """

    name: ClassVar[str] = "tiers"
    summary: ClassVar[str] = "exact, vibrations integrated out: any temperature, several modes"
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "tamascelli_2018",
        "saad_schultz_1986",
    )

    def state(self, model: PhononJunction, stage: Stage, needs: Needs) -> PhononState:
        """Tiers are added until the polarisation no longer moves."""
        given = given_tiers_of(model)
        if given == 1 or stage.modes.idle:
            truncation = Truncation(tiers=1, chosen=given is None)
            return self._finished(
                self._solved(AuxiliaryTiers(stage=stage, truncation=truncation)), needs
            )
        tiers = given or DEFAULT_TIERS
        found = self._solved(self._cut(stage, max(1, tiers - MORE_TIERS), given))
        while True:
            lower, found = found, self._solved(self._cut(stage, tiers, given), found)
            if not all(a.outcome.converged for one in found for a in one.states):
                return self._finished(found, needs, change=np.nan)
            change = _change(lower, found)
            P = abs(polarisation(found))
            if given is not None or not change > max(TIER_CHANGE * P, ROUNDING):
                return self._finished(found, needs, change=change)
            log.info("tiers %d: P = %.6f changed by %.1e", tiers, P, change)
            more = self._cut(stage, tiers + MORE_TIERS, given)
            if not affordable(more):
                doubt = (
                    f"P changed by {change:.1e} from {tiers - MORE_TIERS} to {tiers} tiers, more than a "
                    f"thousandth of it; give phonon_tiers {tiers + MORE_TIERS}, or take method levels"
                )
                return self._finished(found, needs, doubt, change)
            tiers += MORE_TIERS

    @staticmethod
    def _cut(stage: Stage, tiers: int, given: int | None) -> AuxiliaryTiers:
        return AuxiliaryTiers(stage=stage, truncation=Truncation(tiers=tiers, chosen=given is None))


def _change(lower: Sequence[Found], higher: Sequence[Found]) -> float:
    """Of P; of the current over the coupling where P is not defined."""
    change = abs(polarisation(higher) - polarisation(lower))
    if np.isfinite(change):
        return change
    scale = max(m.coupling.max() for one in higher for m in one.members)
    return float(np.abs(lead_currents(higher) - lead_currents(lower)).max() / scale)


class Exact(Vibronic):
    r"""Tiers or levels, by the rule: a cold, strongly displaced single mode has levels, all else tiers.

    Levels where :math:`T < w/2` and the range of V, which electrons move by, exceeds w/2.
    """

    name: ClassVar[str] = "exact"
    summary: ClassVar[str] = "tiers, or levels for strong coupling to one cold mode; says which"
    references: ClassVar[tuple[str, ...]] = Tiers.references

    def state(self, model: PhononJunction, stage: Stage, needs: Needs) -> PhononState:
        """By the representation that the couplings ask for."""
        chosen = self.representation(model, stage)
        log.info("vibrations by method %s", chosen.name)
        return chosen.state(model, stage, needs)

    def representation(self, model: PhononJunction, stage: Stage) -> Vibronic:
        """Which method it is."""
        kind = Levels if given_levels_of(model) is not None or _displaced(model, stage) else Tiers
        return kind(**self.model_dump())


def _displaced(model: PhononJunction, stage: Stage) -> bool:
    if len(stage.modes) != 1 or stage.bath == "brownian" or given_tiers_of(model) is not None:
        return False
    w = float(stage.modes.energy[0])
    return bool(stage.temperature < w / 2 and stage.modes.range[0] > STRONG * w)


def given_levels_of(model: PhononJunction) -> tuple[int, ...] | None:
    """Levels that were given."""
    return model.phonon_levels


def given_tiers_of(model: PhononJunction) -> int | None:
    """Tiers that were given."""
    return model.phonon_tiers
