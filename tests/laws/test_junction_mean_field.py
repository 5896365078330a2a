"""The mean field at scale: Newton steps, several solutions, long stacks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin.junction import Junction, MeanField
from chirospin.junction.audit import AUDITS, CHECKS
from chirospin.junction.mean_field import mean_field_solutions
from chirospin.numerics.newton import newton_krylov
from tests.laws.junctions import junctions
from tests.oracles import full_fock

SAME = 1e-9  # residual 1e-12 over relaxation rates of 1e-3


@settings(max_examples=6)
@given(junctions(general=True, hund=0.1), st.floats(0, 0.5))
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
    assert grown.run(Junction().replace(hubbard=1.0), MeanField()).passed


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
