"""Mixed precision against the double-precision solver, on two array libraries, and cut off midway."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from chirospin import junction
from chirospin.base.errors import ModelError
from chirospin.junction import GKSL, Junction, MixedGKSL
from chirospin.junction.manybody import mixed
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.manybody.recycling import RecycledKrylov
from chirospin.numerics.sylvester import SinglePrecisionInverse, SinglePrecisionModes, sylvester
from chirospin.studies.own.stack_length import record
from tests.laws.junctions import junctions
from tests.test_counts import largest

SAME = 1e-9  # residuals of 1e-12 over the slowest relaxation of 5e-4
DOUBLE = 1e-10  # of eigenvalues of size 20
SINGLE = 2e-4  # single precision times the condition of small random matrices


@given(junctions())
def test_mixed_precision_gives_the_state_of_double_precision(model: Junction) -> None:
    exact, state = GKSL().solve(model), MixedGKSL().solve(model)  # both converge, or raise
    assert np.abs(state.one_body_density - exact.one_body_density).max() < SAME
    other = GKSL().solve(model.replace(coupling_a=1.001 * model.coupling_a))
    assert np.abs(state.one_body_density - other.one_body_density).max() > SAME  # the control


def test_three_molecules_and_every_certificate() -> None:
    """The equation itself, applied in double precision, is the judge: another solve takes three times as long."""
    ds = junction.solve(Junction(molecules=3), MixedGKSL())
    value = ds.audit_value.to_series()
    assert value[["residual", "trace", "smallest_eigenvalue", "occupation_sum"]].notna().all()
    assert np.isnan(value["hermiticity"])  # rho is carried in a form that is Hermitian
    assert bool(ds.audit_passed.all())
    assert int(ds.iterations) <= largest("junction: trimer, mixed precision")


def test_a_strict_array_library_gives_the_same() -> None:
    model = Junction(hubbard=3, occupation_left=0.8)
    ours = MixedGKSL(library="array_api_strict").solve(model)
    assert np.abs(ours.lead_current - GKSL().solve(model).lead_current).max() < SAME


def test_a_solve_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Junction()
    whole = MixedGKSL().solve(model)
    real, left = mixed.Inverses.psi, 20

    def cut(self: mixed.Inverses, parity: int, packed: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return real(self, parity, packed)

    monkeypatch.setattr(mixed.Inverses, "psi", cut)
    with pytest.raises(KeyboardInterrupt):
        MixedGKSL(folder=tmp_path).solve(model)
    monkeypatch.setattr(mixed.Inverses, "psi", real)
    resumed = MixedGKSL(folder=tmp_path).solve(model)
    assert resumed.outcome.converged
    assert resumed.outcomes[0].iterations <= whole.outcomes[0].iterations - 5
    assert np.abs(resumed.lead_current - whole.lead_current).max() < SAME
    other = MixedGKSL(folder=tmp_path).solve(Junction(hubbard=3))  # another point starts anew
    exact = GKSL().solve(Junction(hubbard=3))
    assert np.abs(other.lead_current - exact.lead_current).max() < SAME


def test_too_few_vectors_are_reported() -> None:
    state = next(MixedGKSL(krylov_vectors=1).solve_many([Junction()]))
    assert not state.outcome.converged
    assert "stalled" in state.outcome.reason


def test_a_size_that_does_not_fit_is_refused_before_the_start() -> None:
    with pytest.raises(ModelError, match=r"5 molecules need about .*TiB.*multiplications"):
        MixedGKSL().solve(Junction(molecules=5))


def test_a_library_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ModelError, match="cupy") as told:
        MixedGKSL(library="cupy").solve(Junction())
    assert "\n" not in str(told.value)


def test_the_estimate_of_memory_is_what_four_molecules_took() -> None:
    kept, _ = mixed.required_bytes(FlatMember.both(Junction(molecules=4))[0], on_disk=True)
    assert kept == pytest.approx(record()["down"]["resident_gib"] * 2**30, rel=0.1)
    without_folder, _ = mixed.required_bytes(
        FlatMember.both(Junction(molecules=4))[0], on_disk=False
    )
    assert without_folder - kept == pytest.approx((mixed.KRYLOV_GUESS - 4) * 165_636_900 * 2)


@given(st.integers(2, 30), st.integers(0, 2**16))
def test_the_single_precision_inverse_undoes_the_map(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    K = A + A.conj().T - 1j * np.diag(rng.uniform(0.5, 2.0, d))
    X = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    X = X + X.conj().T
    modes = SinglePrecisionModes.of(scipy.sparse.csr_array(K))
    inverse = SinglePrecisionInverse(modes, lambda array, kind: np.array(array, dtype=kind))
    again = inverse(sylvester(K, X).astype(np.complex64))
    assert np.linalg.norm(again - X) < SINGLE * d * np.linalg.norm(X)
    assert np.linalg.norm(inverse(sylvester(K + 0.3 * A, X).astype(np.complex64)) - X) > SINGLE


@given(st.integers(0, 2**16))
def test_slow_modes_are_good_to_double_precision(seed: int) -> None:
    """One mode decays a millionth as fast as the others, as in long stacks."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(20, 20)) + 1j * rng.normal(size=(20, 20))
    E = np.linspace(-20, 20, 20) - 1j * rng.uniform(0.2, 1, 20)
    E[7] = E[7].real - 1e-6j
    V = np.linalg.qr(A)[0] + 0.02 * A
    K = (V * E) @ np.linalg.inv(V)
    modes = SinglePrecisionModes.of(scipy.sparse.csr_array(K))
    assert modes.slow.size == 1
    assert np.abs(modes.energy - E[7]).min() < DOUBLE
    assert np.linalg.norm(K @ modes.right - E[7] * modes.right) < DOUBLE
    assert np.linalg.norm(modes.left @ K - E[7] * modes.left) < DOUBLE
    plain = np.linalg.eigvals(K.astype(np.complex64))
    assert np.abs(plain - E[7]).min() > DOUBLE  # single precision alone does not do it
    Y = np.outer(modes.right, modes.right.conj())
    inverse = SinglePrecisionInverse(modes, lambda array, kind: np.array(array, dtype=kind))
    slowest = -2 * E[7].imag
    assert np.abs(inverse(Y.astype(np.complex64)) * -slowest - Y).max() < 1e-5


@given(st.integers(0, 2**16))
def test_a_recycled_basis_solves_a_second_right_side_with_less_work(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    A = np.eye(n) + 0.4 * rng.normal(size=(n, n)) / np.sqrt(n)
    krylov = RecycledKrylov(lambda v: A @ v)
    first, second = rng.normal(size=n), rng.normal(size=n)
    one = krylov.solve(first, tolerance=1e-10, limit=n)
    assert np.linalg.norm(A @ one.solution - first) < 1e-8 * np.linalg.norm(first)
    near = first + 1e-6 * second
    again = krylov.solve(near, tolerance=1e-10, limit=n)
    assert np.linalg.norm(A @ again.solution - near) < 1e-8 * np.linalg.norm(near)
    assert again.applications < one.applications
    fresh = RecycledKrylov(lambda v: A @ v).solve(near, tolerance=1e-10, limit=2)
    assert fresh.residual > 1e-6  # two applications alone do not do it


def test_the_folder_may_be_given_as_text(tmp_path: Path) -> None:
    assert MixedGKSL(folder=str(tmp_path)).folder == tmp_path


@pytest.mark.parametrize("name", ["sector", "density", "krylov", "vector"])
def test_a_damaged_folder_is_named(name: str, tmp_path: Path) -> None:
    model = Junction(molecules=1)
    MixedGKSL(folder=tmp_path).solve(model)
    damaged = next(path for path in sorted(tmp_path.rglob(f"{name}*.np*")))
    damaged.write_bytes(damaged.read_bytes()[:60])
    with pytest.raises(ModelError, match=r"Option `folder` .* damaged") as told:
        MixedGKSL(folder=tmp_path).solve(model)
    assert "\n" not in str(told.value)
    assert str(damaged.parent.name) in str(told.value)
