"""The mean field at scale: Newton steps, several solutions, long stacks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin.junction import Junction, MeanField
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.mean_field import mean_field_solutions
from chirospin.numerics.branch import Branch, follow
from chirospin.numerics.newton import newton_krylov
from chirospin.numerics.sylvester import pack, unpack
from tests.laws.junctions import junctions, number
from tests.oracles import full_fock

SAME = 1e-9  # residual 1e-12 over relaxation rates of 1e-3


@settings(max_examples=6)
@given(junctions(general=True, hund=0.1), number(0, 0.5))
def test_newton_steps_and_mixing_end_at_the_same_density(model: Junction, U: float) -> None:
    model = model.replace(hubbard=U)
    one, other = (MeanField(solver=s).solve(model) for s in ("newton", "anderson"))
    assert one.one_body_density == pytest.approx(other.one_body_density, abs=SAME)


@settings(max_examples=6)
@given(junctions(general=True, molecules=3, hund=0.2, intersite_repulsion=0.3), st.integers(0, 999))
def test_the_linear_response_is_the_derivative_of_the_map(model: Junction, seed: int) -> None:
    rng = np.random.default_rng(seed)
    equation = MeanField().equations(model)[0]
    x = equation.packed(np.diag(rng.uniform(size=12)).astype(complex))
    v = rng.normal(size=x.size)
    _, derivative = equation.linearised(x)
    a, b, c, d = (equation.linearised(x + k * 1e-4 * v)[0] for k in (-2, -1, 1, 2))
    central = (a - 8 * b + 8 * c - d) / (12 * 1e-4)
    assert derivative(v) == pytest.approx(central, abs=1e-7 * np.abs(central).max())
    assert np.abs(derivative(v) + v).max() > 1e-3  # the field does respond


def defect(model: Junction, m: int, G: np.ndarray) -> float:
    """Of the self-consistent equation, by the oracle's own mean field and Lyapunov solver."""
    p = full_fock.with_hubbard(full_fock.Parameters(), model.hubbard_a)
    h = full_fock.one_body_hamiltonian(p) + full_fock.mean_field_potential(p, G)
    return float(np.abs(full_fock.density_lyapunov(p, m, h) - G).max())


def test_strong_repulsion_has_several_solutions_and_weak_has_one() -> None:
    model = Junction().replace(hubbard=2.0)
    found = mean_field_solutions(model, starts=20)
    assert min(map(len, found)) >= 2
    for m, densities in zip((1, -1), found, strict=True):
        assert max(defect(model, m, G) for G in densities) < SAME
        assert defect(model, m, densities[0] + 1e-3 * np.eye(8)) > 1e-4
    weak = mean_field_solutions(Junction().replace(hubbard=0.5), starts=10)
    assert [len(one) for one in weak] == [1, 1]


def test_the_audit_follows_the_solution_from_zero_repulsion() -> None:
    grown = next(one for one in AUDITS if one.name == "grown_from_zero")
    assert grown.run(BRANCHED, MeanField()).passed
    assert not grown.run(BRANCHED, MeanField(at_once=True)).passed


def grown_by_scipy(gap: float, repulsions: np.ndarray, m: int) -> list[np.ndarray]:
    """The oracle's own map, its root by scipy.optimize, from each repulsion to the next."""
    p = full_fock.with_hubbard(replace(full_fock.Parameters(), energy_b=gap), 0.0)
    G = full_fock.density_lyapunov(p, m, full_fock.one_body_hamiltonian(p))
    found = []
    for U in repulsions:
        p = full_fock.with_hubbard(p, U)
        h = full_fock.one_body_hamiltonian(p)

        def defect(x: np.ndarray, p: full_fock.Parameters = p, h: np.ndarray = h) -> np.ndarray:
            G = unpack(x.reshape(h.shape))
            field = full_fock.mean_field_potential(p, G)
            return pack(full_fock.density_lyapunov(p, m, h + field) - G).ravel()

        start = pack(G).ravel()
        if np.abs(defect(start)).max() > 1e-11:
            options = {"fatol": 1e-11, "maxiter": 60}
            end = scipy.optimize.root(defect, start, method="krylov", options=options)
            start = end.x if end.success else np.full_like(start, np.nan)
        G = unpack(start.reshape(h.shape))
        found.append(G)
        if np.isnan(G).any():
            break
    return found


BRANCHED = Junction(energy_b=0.4).replace(
    hubbard=1.65
)  # Newton at once jumps for one magnetisation


def test_both_magnetisations_are_on_the_branch_that_starts_without_repulsion() -> None:
    state = MeanField().solve(BRANCHED)
    for m, G in zip((1, -1), state.one_body_density, strict=True):
        grown = grown_by_scipy(0.4, np.linspace(0, 1.65, 12), m)[-1]
        assert np.abs(G - grown).max() < 1e-7
    up, down = state.lead_current[:, 0]
    assert (up - down) / (up + down) == pytest.approx(-0.00365331, abs=1e-7)
    jumped = MeanField(at_once=True).solve(BRANCHED).one_body_density
    assert np.abs(jumped - state.one_body_density).max(axis=(1, 2)).max() > 1e-2


def test_other_solutions_are_counted_and_told() -> None:
    check = next(one for one in CHECKS if one.name == "other_solutions")
    several = MeanField().solve(BRANCHED)
    assert min(several.other_solutions) >= 1
    assert not check.judge(check.evaluate(BRANCHED, several))
    weak = Junction(energy_b=0.4).replace(hubbard=0.5)
    assert check.judge(check.evaluate(weak, MeanField().solve(weak)))


def test_a_fold_is_named_and_the_oracle_finds_no_branch_beyond_it() -> None:
    state = next(MeanField().solve_many([BRANCHED.replace(hubbard=2.0)]))
    assert not state.outcome.converged
    assert np.isnan(state.lead_current[0]).all()
    fold = 2.0 * float(re.search(r"fold at ([\d.]+) of the", state.outcome.reason).group(1))
    steps = np.array([0.0, 0.5, 1.0, 1.3, 1.5, 1.6, 1.65, 1.69])
    before = grown_by_scipy(0.4, np.append(steps, fold - 2e-3), 1)[-1]
    assert not np.isnan(before).any()
    away = grown_by_scipy(0.4, np.append(steps, fold + 2e-3), 1)[-1]
    assert not np.abs(away - before).max() < 0.05  # lost, or far away


def test_a_branch_with_a_known_fold_is_followed_to_it() -> None:
    r"""x = 1 + c s^2 x^2 turns back at s = 1/(2 sqrt c)."""

    def of(c: float) -> Branch:
        return follow(lambda y: (1 + c * y**2, lambda v: 2 * c * y * v), np.ones(1))

    assert of(0.2).share == 1
    assert of(0.2).value == pytest.approx((1 - np.sqrt(0.2)) / 0.4, abs=1e-6)
    assert np.isnan(of(0.2).fold)
    assert of(0.5).share < 1
    assert of(0.5).fold == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_a_long_stack_is_solved_with_all_its_certificates() -> None:
    model = Junction(molecules=60).replace(hubbard=0.03)
    state = MeanField().solve(model)
    assert state.outcome.iterations <= 20
    for check in CHECKS:
        value = check.evaluate(model, state)
        assert value is None or check.judge(value), (check.name, value)


def test_newton_finds_the_root_of_a_known_system_and_says_when_there_is_none() -> None:
    def with_root(x: np.ndarray) -> tuple:
        return x**3 - np.array([1.0, 8.0, 27.0]), lambda v: 3 * x**2 * v

    found = newton_krylov(with_root, np.array([2.0, 1.0, 5.0]), tolerance=1e-13, limit=50)
    assert found.converged
    assert found.value == pytest.approx([1, 2, 3], abs=1e-12)
    none = newton_krylov(
        lambda x: (x**2 + 1, lambda v: 2 * x * v), np.ones(2), tolerance=1e-12, limit=50
    )
    assert not none.converged
