r"""Long stacks in selected products of natural states: a steady state with an error bar.

.. math:: I = I_{kept} + \sum_x c_x, \qquad |I - I_{kept}| \le \frac{3 q S}{1 - \sqrt{q S}} I, \qquad
          S = \frac{1}{I} \sum_x |c_x|

Products of states of one or two molecules are kept, those of largest weight and those that change the current most
in turn, until the sum over the others says that the current is known. From three to five molecules the products of
largest weight are only the start: natural states of the whole stack follow, of which a few hundred do what
thousands of products do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.audit import Check
from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import LOOSEST, MOST_VECTORS, TIGHTEST, Method, Needs
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.threads import blas_threads
from chirospin.junction.audit import bond_currents
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody.certified import STALLED
from chirospin.junction.manybody.fock import sector_sizes
from chirospin.junction.manybody.infinite_bias import STATIONARY
from chirospin.junction.manybody.leads import (
    FlatMember,
    require_end_leads,
    require_named_repulsion,
)
from chirospin.junction.model import (
    MAGNETISATIONS,
    PER_MOLECULE,
    Junction,
    lead_couplings,
    lead_occupations,
)
from chirospin.junction.observables import CURRENT, IN_AMPERE
from chirospin.junction.probed import require_no_probes
from chirospin.junction.selected.growth import Growing, Grown
from chirospin.junction.selected.reading import density_of_one_electron, lowest_probability
from chirospin.junction.selected.stored import StateFolder
from chirospin.junction.state import (
    UNREACHED,
    DensityCertificates,
    JunctionState,
    lead_current,
    unreached,
)

Real = NDArray[np.float64]

GROWN = "grown"
"""The part of a state that holds both selections."""
NOT_SELECTED = "only selected products have it"
LONGEST = 8  # molecules: four blocks of two, whose largest products are still listed in a second
WHOLE = range(3, 6)  # molecules whose whole stack is written in Fock states, a million at most
NOT_KNOWN = 0.3  # bar over current above which a result does not count as converged
ADJOINT_RESIDUAL = (
    1e-6  # of its equation: it weighs what is left out, to far fewer digits than this
)
AT_WORK = (
    1300.0  # bytes for each unknown: H_eff, its modes, denominators, copies, and 100 real vectors
)
LARGEST_SHARE = 0.05  # of K^2: more unknowns than kept products were seen to have, squared
OPERATORS = 140  # complex numbers for each Fock state: H, jumps, indices (five molecules: 2.3 GiB)
COPIES = 60  # vectors for each kept state: those around it, most of them in large sectors (0.4 GiB for 50)
log = logging.getLogger("chirospin")


class SelectedProducts(Method):
    """Many-body steady state in the products of natural states that matter, with an error bar.

    Good where the state is far from mixed: strong repulsion, weak coupling. Elsewhere the bar says so.
    """

    name: ClassVar[str] = "selected"
    summary: ClassVar[str] = (
        "many-body master equation in selected states, with an error bar: 2 to 5 molecules"
    )
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "lindblad_1976",
        "gorini_kossakowski_sudarshan_1976",
        "saad_schultz_1986",
    )
    together: ClassVar[int] = 1
    gives: ClassVar[Needs] = frozenset({GROWN})

    products: int = Field(
        5000, ge=60, le=100_000, description="most products kept for one magnetisation"
    )
    states: int = Field(
        800,
        ge=0,
        le=20_000,
        description="most natural states of the whole stack, which follow the products; 0 keeps products alone",
    )
    candidates: int = Field(
        40_000, ge=60, le=10_000_000, description="products that are looked at, of largest weight"
    )
    accuracy: float = Field(
        0.01, gt=0, le=0.3, description="error bar of a current, relative, at which growth ends"
    )
    folder: Path | None = Field(
        None,
        description="keeps states of the whole stack after every sweep: a solve that was cut off goes on there, "
        "another point of the same charges starts from the last one",
    )
    tolerance: float = Field(
        1e-12,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual between kept products, in units of the energy scale",
    )
    krylov_vectors: int = Field(
        300, ge=1, le=MOST_VECTORS, description="most Krylov vectors of one solve"
    )

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """One state per model; its outcome says whether the error bar is small enough to count.

        Raises
        ------
        ModelError : a stack too long, no bias, or too little memory
        """
        return map(self._state, models)

    def _state(self, model: Junction) -> JunctionState:
        self._check(model)
        pair = FlatMember.both(model)
        if any(unreached(np.array([one.one_body_decay]), one.matrices.h)[0] for one in pair):
            return _no_state(model, UNREACHED)
        try:
            with blas_threads(1):
                grown = [self._grown(*one) for one in zip(pair, MAGNETISATIONS, strict=True)]
        except np.linalg.LinAlgError:  # every kept state of some charge stands still
            return _no_state(model, STATIONARY)
        G = np.stack([density_of_one_electron(one) for one in grown])
        lowest = np.array([lowest_probability(one) for one in grown])
        outcomes = [self._outcome(one) for one in grown]
        return JunctionState(
            one_body_density=G,
            lead_current=np.stack([one.lead_currents for one in grown]),
            outcomes=(outcomes[0], outcomes[1]),
            error_bar=np.array([one.bar for one in grown]),
            density=DensityCertificates(
                trace_drift=np.array([one.trace_drift for one in grown]),
                hermiticity=np.array([one.hermiticity for one in grown]),
                smallest_eigenvalue=lowest,
                particles=np.array([_particles(one) for one in grown]),
            ),
            parts={GROWN: (grown[0], grown[1])},
        )

    def _check(self, model: Junction) -> None:
        require_no_probes(model)
        require_end_leads(model, self.name)
        require_named_repulsion(model, self.name)
        require_no_floating(model, f"method {self.name}", "gksl and landauer")
        if model.molecules > LONGEST:
            raise ModelError(
                f"Parameter `molecules` must be at most {LONGEST} for method selected, but is "
                f"{model.molecules}; mean-field fits any number"
            )
        if not np.ptp(lead_occupations(model)):
            raise ModelError(
                "Parameter `occupation_left` must differ from `occupation_right` for method selected, which "
                f"weighs what it leaves out by the current, but both are {lead_occupations(model)[0]:g}; mean-field "
                "and gksl take any"
            )
        need = AT_WORK * LARGEST_SHARE * self.products**2
        need += 200.0 * 16 * min(self.candidates, 16.0**model.molecules)
        if self._whole(model.molecules):
            fock_states = 16.0**model.molecules
            beside = COPIES * self.states / len(sector_sizes(FlatMember.both(model)[0].charges))
            need += 16 * fock_states * (beside + OPERATORS)
        if need > available_bytes():
            raise ModelError(
                f"Options `products` and `states` of method selected must fit in memory, but {self.products} and "
                f"{self.states} need about {in_words(need)} and {in_words(available_bytes())} are free"
            )

    def _whole(self, molecules: int) -> bool:
        """Whether states of the whole stack follow the products."""
        return bool(self.states) and molecules in WHOLE

    def _grown(self, member: FlatMember, magnetisation: str) -> Grown:
        def told(grown: Grown) -> None:
            log.info(
                "magnetisation %s: %d products, current %.6g, error bar %.2g",
                magnetisation,
                len(grown.generator.selection),
                grown.current,
                grown.bar,
            )

        molecules = len(member.matrices.h) // PER_MOLECULE
        growing = Growing(
            most=self.products,
            candidates=self.candidates,
            wanted=self.accuracy,
            tolerance=self.tolerance,
            vectors=self.krylov_vectors,
            states=self.states if self._whole(molecules) else 0,
            kept=StateFolder(folder=self.folder, magnetisation=magnetisation)
            if self.folder
            else None,
            told=told,
        )
        return growing(member)

    def _outcome(self, grown: Grown) -> Outcome:
        reason = ""
        relative = grown.bar / max(abs(grown.current), 1e-300)
        if not grown.residual <= self.tolerance:
            reason = STALLED
        elif not relative <= NOT_KNOWN:
            known = f"known to {relative:.0%} only" if relative < 1 else "not known"
            reason = (
                f"the current {grown.current:.3g} is {known} with {len(grown.generator.selection)} "
                f"products{_missing(grown)}; raise products or states"
            )
        return Outcome(
            converged=not reason,
            residual=grown.residual,
            iterations=grown.iterations,
            reason=reason,
        )


def _no_state(model: Junction, reason: str) -> JunctionState:
    """Not a number: an orbital reaches no lead, or a state stands still, and which products matter would be chance."""
    size = PER_MOLECULE * model.molecules
    outcome = Outcome(converged=False, residual=float("inf"), iterations=0, reason=reason)
    return JunctionState(
        one_body_density=np.full((2, size, size), np.nan, dtype=complex),
        lead_current=np.full((2, 2), np.nan),
        outcomes=(outcome, outcome),
        error_bar=np.full(2, np.inf),
    )


def _missing(grown: Grown) -> str:
    """Which electron number the products have that are missed most."""
    rest = grown.left_out
    if not len(rest.digits) or not np.isfinite(rest.change).all():
        return ""
    number = grown.generator.selection.products.number(rest.digits)
    share = np.bincount(number, np.abs(rest.change))
    most = int(share.argmax())
    return (
        f" (missed most: products of {most} electrons, {share[most] / share.sum():.0%} of the bar)"
    )


def _particles(grown: Grown) -> float:
    selection = grown.generator.selection
    even, odd = selection.number()
    return float((even * grown.halves[0]).sum() + (odd * grown.halves[1]).sum())


def _by_number(model: Junction, state: JunctionState, *, flowing: bool) -> Real:
    """Weight or current of every electron number, (magnetisation, electrons)."""
    out = np.zeros((2, PER_MOLECULE * model.molecules + 1))
    for m, grown in enumerate(state.parts[GROWN]):
        selection = grown.generator.selection
        operator = grown.generator.current
        for mine, rho in zip(selection.members, selection.matrices(grown.halves), strict=True):
            if flowing:
                part = operator[mine[0] : mine[-1] + 1, mine[0] : mine[-1] + 1].toarray()
                value = float((part * rho.T).sum().real)
            else:
                value = float(rho.diagonal().real.sum())
            out[m, selection.electron_numbers[mine[0]]] += value
    return out


@observable(
    unit="1",
    symbol="p_N",
    dims=("magnetisation", "electrons"),
    needs=(GROWN,),
    default=False,
    undefined=NOT_SELECTED,
)
def electron_number_weight(model: Junction, state: JunctionState) -> Real:
    """Probability of every electron number on the stack."""
    return _by_number(model, state, flowing=False)


@observable(
    unit=CURRENT,
    symbol="I_N",
    dims=("magnetisation", "electrons"),
    conversion=IN_AMPERE,
    needs=(GROWN,),
    default=False,
    undefined=NOT_SELECTED,
)
def electron_number_current(model: Junction, state: JunctionState) -> Real:
    r"""What every electron number carries, half of it entering and half leaving.

    .. math:: I_N = \tfrac12 \mathrm{Tr}[(O_L - O_R) \rho_N], \qquad \sum_N I_N = I
    """
    return _by_number(model, state, flowing=True)


@observable(
    unit="1",
    symbol="K",
    dims=("magnetisation",),
    needs=(GROWN,),
    default=False,
    undefined=NOT_SELECTED,
)
def kept_products(model: Junction, state: JunctionState) -> Real:
    """Products of block states that are kept."""
    return np.array([float(len(one.generator.selection)) for one in state.parts[GROWN]])


def _bonds_in_bar(model: Junction, state: JunctionState) -> float | None:
    """Largest difference of a current through a bond, or by the occupations, over the error bar."""
    if state.error_bar is None:
        return None
    n = np.einsum("mkk->mk", state.one_body_density).real
    again = lead_current(lead_couplings(model), n, lead_occupations(model))
    flows = np.concatenate([bond_currents(model, state), again[:, :1], -again[:, 1:]], axis=1)
    apart = np.abs(flows - state.lead_current[:, :1]).max(axis=1)
    rounding = 1e-9 * lead_couplings(model).max()
    return float((apart / (state.error_bar + rounding)).max())


SELECTED_OBSERVABLES = (electron_number_weight, electron_number_current, kept_products)
SELECTED_CHECKS = (
    Check(
        name="flows_in_bar",
        tolerance=1.0,
        about="the current through every bond and by the occupations agrees within the error bar",
        evaluate=_bonds_in_bar,
    ),
    Check(
        name="adjoint_residual",
        tolerance=ADJOINT_RESIDUAL,
        about="of the equation that weighs what is left out",
        evaluate=lambda m, s: max(one.dual_residual for one in s.parts[GROWN]),
        needs=(GROWN,),
    ),
)
