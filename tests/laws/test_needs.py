"""The corridor finds what wanted observables and due checks need, each thing once, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin.base.audit import Check
from chirospin.base.errors import ModelError, UnknownNameError
from chirospin.base.family import Family, Problem
from chirospin.base.method import FailedState, Method, Needs
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.base.parts import Part, states_with_parts
from chirospin.base.solve import solve
from chirospin.points.gradient import gradient

SOLVES: Counter[tuple[float, tuple[str, ...]]] = Counter()
FOUND: Counter[float] = Counter()
FORBIDDEN = -7.5


class Diode(Model):
    """A current that is not odd in its bias."""

    bias: float = parameter(1.0, unit="eV", symbol="V", about="drive", above=-10)


@dataclass(frozen=True, kw_only=True)
class DiodeState:
    """A current."""

    current: float
    outcome: Outcome
    parts: Mapping[str, Any] = field(default_factory=dict)


class Rule(Method):
    """I = V + V^2, with its noise if asked."""

    name = "rule"
    summary = "a polynomial"
    gives: ClassVar[Needs] = frozenset({"noise"})
    alone: bool = False

    @property
    def declines(self) -> Needs:
        return frozenset({"reversed"}) if self.alone else frozenset()

    def solve_many(self, models: Sequence[Diode]) -> Iterator[DiodeState]:
        return self.solve_with(models, frozenset())

    def solve_with(self, models: Sequence[Diode], needs: Needs) -> Iterator[DiodeState]:
        if any(model.bias == FORBIDDEN for model in models):
            raise ModelError("Parameter `bias` must be another")
        for model in models:
            SOLVES[model.bias, tuple(sorted(needs))] += 1
            yield DiodeState(
                current=model.bias + model.bias**2,
                outcome=Outcome(converged=True, residual=0.0, iterations=1),
                parts={"noise": abs(model.bias)} if "noise" in needs else {},
            )


class Plain(Rule):
    """The same without noise."""

    name = "plain"
    gives: ClassVar[Needs] = frozenset()


@observable(unit="1", symbol="I")
def current(model: Diode, state: DiodeState) -> Any:
    """Current."""
    return np.asarray(state.current)


@observable(unit="1", symbol="I_o", needs=("reversed",), undefined="there is no current at -V")
def odd(model: Diode, state: DiodeState) -> Any:
    """Odd part."""
    partner = state.parts["reversed"]
    known = partner.outcome.converged
    return np.asarray((state.current - partner.current) / 2 if known else np.nan)


@observable(unit="1", symbol="S", needs=("noise",), default=False, undefined="no noise")
def noise(model: Diode, state: DiodeState) -> Any:
    """Noise."""
    return np.asarray(state.parts["noise"])


@observable(unit="1", symbol="S_0", needs=("rest",), default=False)
def noise_at_rest(model: Diode, state: DiodeState) -> Any:
    """Noise without bias."""
    return np.asarray(state.parts["rest"].parts["noise"])


@observable(unit="1", symbol="c", needs=("search",), default=False)
def searched(model: Diode, state: DiodeState) -> Any:
    """What a search finds for all biases of one sign."""
    return np.asarray(state.parts["search"])


def _search(method: Rule, model: Diode) -> float:
    FOUND[model.bias] += 1
    return 7 * model.bias


PROBLEM = Problem(
    family="diode",
    name="diode",
    question="what flows?",
    model=Diode,
    methods={"rule": Rule, "plain": Plain},
    observables=(current, odd, noise, noise_at_rest, searched),
    checks=(
        Check(
            name="oddness",
            about="of the odd part",
            tolerance=10.0,
            evaluate=lambda m, s: (
                abs(s.current - s.parts["reversed"].current)
                if s.parts["reversed"].outcome.converged
                else None
            ),
            needs=("reversed",),
            judges=("odd",),
        ),
        Check(name="finite", about="always", tolerance=1e3, evaluate=lambda m, s: s.current),
    ),
    audits=(),
    parts=(
        Part(name="reversed", about="at -V", at=lambda m: m.replace(bias=-m.bias)),
        Part(name="rest", about="at V = 0", at=lambda m: m.replace(bias=0.0), needs=("noise",)),
        Part(
            name="search",
            about="over V",
            at=lambda m: m.replace(bias=float(np.sign(m.bias))) if m.bias else None,
            find=_search,
        ),
    ),
    labels=lambda model: {},
    quantity="current",
)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    SOLVES.clear()
    FOUND.clear()


def biases() -> dict[float, int]:
    return {bias: count for (bias, _), count in SOLVES.items()}


def test_nothing_is_solved_that_is_not_needed() -> None:
    ds = solve(PROBLEM, Diode(), observables=["current"])
    assert SOLVES == {(1.0, ()): 1}
    assert np.isnan(ds.audit_value.sel(check="oddness"))
    assert ds.audit_passed.all()


def test_default_observables_leave_the_others_out() -> None:
    ds = solve(PROBLEM, Diode())
    assert "noise" not in ds
    assert SOLVES == {(1.0, ()): 1, (-1.0, ()): 1}
    assert ds.odd == 1.0
    assert ds.audit_value.sel(check="oddness") == 2.0


@given(st.lists(st.integers(-2, 5).map(float), min_size=1, max_size=30), st.integers(1, 3))
def test_every_model_is_solved_once(values: list[float], workers: int) -> None:
    SOLVES.clear()
    FOUND.clear()
    names = ["odd", "noise", "noise_at_rest"]
    ds = solve(PROBLEM, Diode(), over={"bias": values}, observables=names, workers=workers)
    wanted = {*values, *(-v for v in values), 0.0}
    assert biases().keys() == wanted
    assert set(biases().values()) == {1}
    plain = {v for v, needs in SOLVES if not needs}
    assert plain == {-v for v in values} - set(values) - {0.0}
    np.testing.assert_array_equal(ds.odd, values)
    np.testing.assert_array_equal(ds.noise, np.abs(values))
    np.testing.assert_array_equal(ds.noise_at_rest, 0.0)


def test_control_partners_asked_one_by_one_are_solved_again() -> None:
    for bias in (1.0, -1.0):
        solve(PROBLEM, Diode(bias=bias))
    assert set(biases().values()) == {2}


def test_a_search_is_made_once_for_the_models_it_belongs_to() -> None:
    ds = solve(PROBLEM, Diode(), over={"bias": [1.0, 2.0, 5.0, -2.0]}, observables=["searched"])
    assert FOUND == {1.0: 1, -1.0: 1}
    assert ds.searched.values.tolist() == [7.0, 7.0, 7.0, -7.0]
    assert set(biases().values()) == {1}
    (state,) = states_with_parts(PROBLEM.parts, Rule(), [Diode(bias=0.0)], frozenset({"search"}))
    assert state.parts["search"] is None


def test_what_a_method_does_not_give_is_undefined() -> None:
    ds = solve(PROBLEM, Diode(), "plain", observables=["noise", "current"])
    assert np.isnan(ds.noise)
    assert ds.reason == "noise is undefined: no noise"
    assert ds.current == 2.0
    side = solve(PROBLEM, Diode(), ["rule", "plain"], observables=["noise"])
    np.testing.assert_array_equal(side.noise, [1.0, np.nan])


@pytest.mark.parametrize(
    ("bias", "method"), [(10.0, Rule()), (7.5, Rule()), (1.0, Rule(alone=True))]
)
def test_a_partner_that_fails_does_not_stop_the_point(bias: float, method: Method) -> None:
    """Out of range, refused by the method, and declined."""
    ds = solve(PROBLEM, Diode(), method, over={"bias": [bias, 2.0 * bias / 3]})
    assert ds.converged.all()
    assert np.isnan(ds.odd[0])
    assert bool(np.isnan(ds.odd[1])) == bool(method.declines)
    assert isinstance(PROBLEM.state(Diode(bias=bias), method).parts["reversed"], FailedState)


def test_a_state_without_the_part_is_refused() -> None:
    with pytest.raises(ModelError, match="`odd` needs reversed"):
        odd(Diode(), Rule().solve(Diode()))
    assert odd(Diode(), PROBLEM.state(Diode(), Rule(), ("odd",))) == 1.0
    assert noise(Diode(), Rule().solve(Diode(), ["noise"])) == 1.0


def test_gradients_solve_only_what_their_observables_need() -> None:
    found = gradient(PROBLEM, Diode(), names=["bias"], observables=["current"])
    assert abs(float(found.d_current[0]) - 3) < 1e-9
    assert min(biases()) > 0
    gradient(PROBLEM, Diode(), names=["bias"], observables=["odd"])
    assert min(biases()) < 0


def test_a_need_that_nothing_gives_is_a_fault_of_the_problem() -> None:
    with pytest.raises(ValueError, match="which nothing gives"):
        Problem(**{**vars(PROBLEM), "parts": ()})


def test_progress_ends_at_the_number_of_points() -> None:
    seen: list[tuple[int, int]] = []
    solve(PROBLEM, Diode(), over={"bias": [1.0, 2.0]}, progress=lambda n, of: seen.append((n, of)))
    assert seen[-1] == (2, 2)
    assert seen == sorted(seen)


def test_a_problem_that_moved_says_where() -> None:
    family = Family(
        name="diode", question="?", problems=(PROBLEM,), moved={"loud": "observable noise of diode"}
    )
    with pytest.raises(UnknownNameError, match=r"diode\.loud has moved: observable noise"):
        family.problem("loud")
    assert family.problem() is family.problem("diode") is PROBLEM
