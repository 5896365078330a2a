"""The junction in time: closed forms, matrix exponentials of the whole generator, laws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import expm_multiply

from chirospin.base.errors import ModelError
from chirospin.junction import Evolution, SwitchedJunction
from chirospin.junction.time.evolution import Spectrum, evolve, evolve_far
from chirospin.junction.time.transient import MODES, TRANSIENT_AUDITS, TRANSIENT_CHECKS
from tests.laws.junctions import number
from tests.oracles import full_fock

ACCURACY = 1e-8  # tolerance 1e-10 an interval, times a few intervals and the size of rho


def stable_matrix(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(size, size))
    A -= A.T
    return A - np.diag(rng.uniform(0.05, 2.0, size))


def bounds(A: np.ndarray) -> Spectrum:
    """Of a matrix that is antisymmetric up to its diagonal."""
    return Spectrum(frequency=float(np.linalg.norm(A - A.T, 2) / 2), decay=2.0)


@given(st.integers(0, 2**16), st.floats(0.01, 30))
def test_polynomials_and_inverses_equal_the_matrix_exponential(seed: int, time: float) -> None:
    A = stable_matrix(60, seed)
    v = np.random.default_rng(seed).normal(size=60)
    expected = scipy.linalg.expm(time * A) @ v
    times = np.array([0.0, 0.3 * time, time])
    near = evolve(lambda x: A @ x, v, times, bounds(A), 1e-10)
    middle = scipy.linalg.expm(0.3 * time * A) @ v
    assert near.vectors[:2] == pytest.approx(np.array([v, middle]), abs=1e-8 * np.linalg.norm(v))
    far = evolve_far(lambda s: lambda x: np.linalg.solve(np.eye(60) - s * A, x), v, time, 1e-10)
    for found in (near.vectors[-1], far.vector):
        assert np.linalg.norm(found - expected) <= 1e-8 * np.linalg.norm(v)


def test_a_loose_tolerance_is_seen_in_the_error() -> None:
    A, v = stable_matrix(200, 1), np.ones(200)
    tight, loose = (
        evolve(lambda x: A @ x, v, np.array([5.0]), bounds(A), tol) for tol in (1e-10, 1e-3)
    )
    apart = np.linalg.norm(tight.vectors - loose.vectors) / np.linalg.norm(v)
    assert loose.applications < tight.applications
    assert 1e-9 < apart < 1e-2


def test_a_spectrum_told_too_narrow_is_seen_in_the_error() -> None:
    A, v = stable_matrix(60, 3), np.ones(60)
    honest = bounds(A)
    narrow = Spectrum(frequency=honest.frequency / 3, decay=honest.decay)
    errors = [evolve(lambda x: A @ x, v, np.array([4.0]), s, 1e-10).error for s in (honest, narrow)]
    assert errors[0] < 1e-8
    assert errors[1] > 1e-3


@settings(max_examples=10, phases=[Phase.generate])
@given(st.floats(0.05, 1), st.floats(0.05, 1), number(-0.9, 0.9))
def test_one_molecule_fills_exponentially(a: float, b: float, p: float) -> None:
    """Each spin-orbital: n(t) = n + (1/2 - n) exp(-(gL + gR) t), n = gL/(gL + gR); gap min(gL + gR)."""
    t = (0.0, 0.7, 3.0, 20.0)
    model = SwitchedJunction(
        molecules=1, spin_orbit=0, coupling_a=a, coupling_b=b, lead_polarisation=p, time=t
    )
    state = Evolution().solve(model, [MODES])
    left = np.array([g * (1 + s * p) / 2 for g in (a, b) for s in (1, -1)])
    total = left + np.repeat([a, b], 2)
    n = left / total
    expected = n + (0.5 - n) * np.exp(-np.outer(t, total))
    assert state.occupation[0] == pytest.approx(expected, abs=ACCURACY)
    assert -state.decay[0, 0].real == pytest.approx(total.min(), rel=1e-9)


@pytest.mark.parametrize("start", ["unbiased", "empty"])
def test_one_molecule_equals_the_exponential_of_the_dense_generator(start: str) -> None:
    values = {
        "molecules": 1,
        "spin_orbit": 0.3,
        "energy_b": 0.2,
        "coupling_b": 0.3,
        "hubbard_a": 2.0,
    }
    model = SwitchedJunction(**values, initial_state=start, time=(0.5, 4.0, 60.0))
    state = Evolution().solve(model, [MODES])
    p = full_fock.Parameters(**values)
    for place, m in enumerate((1, -1)):
        L = full_fock.liouvillian(p, m).toarray()
        rho = np.eye(16, dtype=complex) / 16 if start == "unbiased" else np.diag(np.eye(16)[0] + 0j)
        for k, t in enumerate((0.5, 4.0, 60.0)):
            later = (scipy.linalg.expm(t * L) @ rho.ravel()).reshape(16, 16)
            n = full_fock.occupation(later).ravel()
            assert state.occupation[place, k] == pytest.approx(n, abs=ACCURACY)
        rates = np.linalg.eigvals(L)
        for rate in state.decay[place]:
            assert np.abs(rates - rate).min() < 1e-9


def test_two_molecules_equal_the_exponential_of_the_whole_generator() -> None:
    model = SwitchedJunction(time=(2.0,), initial_state="empty")
    state = Evolution().solve(model)
    p = full_fock.Parameters()
    rho = np.zeros((256, 256), complex)
    rho[0, 0] = 1
    later = expm_multiply(2.0 * full_fock.liouvillian(p, 1), rho.ravel()).reshape(256, 256)
    expected = full_fock.occupation(later).ravel()
    assert state.occupation[0, 0] == pytest.approx(expected, abs=ACCURACY)


def test_early_and_late_steps_agree() -> None:
    """Inverses at t = 600 in one interval, products through many short ones."""
    far = Evolution().solve(SwitchedJunction(time=(600.0,)))
    near = Evolution().solve(SwitchedJunction(time=tuple(np.arange(100.0, 601.0, 100.0).tolist())))
    assert far.occupation[:, -1] == pytest.approx(near.occupation[:, -1], abs=ACCURACY)


def test_nothing_happens_when_nothing_changes() -> None:
    """Reversing an ordinary lead, or switching no bias on, leaves the steady state."""
    still = Evolution().solve(
        SwitchedJunction(initial_state="flipped", lead_polarisation=0.0, time=(0.0, 5.0))
    )
    assert still.distance.max() < ACCURACY
    even = SwitchedJunction(occupation_left=0.4, occupation_right=0.4, time=(0.0, 5.0))
    assert Evolution().solve(even).distance.max() < ACCURACY


def test_reversing_a_polarised_lead_breaks_that_law() -> None:
    assert (
        Evolution().solve(SwitchedJunction(initial_state="flipped", time=(0.0, 5.0))).distance.min()
        > 0.1
    )


@settings(max_examples=2)
@given(st.floats(0.1, 0.5), number(0, 4), st.sampled_from(["unbiased", "empty", "flipped"]))
def test_every_certificate_holds_and_the_end_is_the_steady_state(
    coupling: float, U: float, start: str
) -> None:
    model = SwitchedJunction(
        coupling=coupling, hubbard=U, hopping_b=0.5, initial_state=start, time=(1.0, 1e5)
    )
    state = Evolution().solve(model, [MODES])
    for check in TRANSIENT_CHECKS:
        assert check.judge(check.evaluate(model, state)), check.name
    assert state.current[:, -1, 0] == pytest.approx(state.steady_current, abs=ACCURACY)
    assert TRANSIENT_AUDITS[0].run(model, Evolution()).passed


def test_times_must_ascend_and_three_molecules_are_refused() -> None:
    with pytest.raises(ModelError, match="ascend"):
        Evolution().solve(SwitchedJunction(time=(2.0, 1.0)))
    with pytest.raises(ModelError, match="molecules"):
        Evolution().solve(SwitchedJunction(molecules=3))
