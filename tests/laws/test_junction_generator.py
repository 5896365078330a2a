"""One solver for every generator: adjoints, inverses of whole sectors, shifted solves, and both ways of a solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirospin.junction import BiasedJunction, Junction, Redfield, UniversalLindblad
from chirospin.junction.bias.dissipators import Dephasing, ThermalLeads
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.manybody import steady
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.leads import FlatLeads, FlatMember
from chirospin.junction.manybody.packed import Halves, Layout, overlap
from chirospin.junction.manybody.steady import Resolvent, SteadySolver
from chirospin.numerics.sylvester import EigenInverse

EXACT = 1e-12  # products of matrices of at most 36 states
SAME = 1e-9  # of a coupling: two residuals of 1e-12 over a slow relaxation
BIASED = BiasedJunction(
    molecules=1, gate=-1, bias=1.5, thermal_energy=0.4, dephasing=0.2, spin_orbit=0.2, coupling=0.2
)
FLAT = Junction(molecules=1, occupation_left=0.8, occupation_right=0.3, spin_orbit=0.2)


def thermal(kind: Any, dephasing: bool = True) -> Generator:
    members = BiasedMember.both(BIASED)
    layout = Layout(charges=members[0].charges, batch=2)
    families: list[Any] = [ThermalLeads(members, layout, kind)]
    return Generator(
        members, layout, families + ([Dephasing(members, layout)] if dephasing else [])
    )


def flat() -> Generator:
    members = FlatMember.both(FLAT)
    layout = Layout(charges=members[0].charges, batch=2)
    return Generator(members, layout, [FlatLeads(members, layout)])


def anything(generator: Generator, seed: int) -> Halves:
    rng = np.random.default_rng(seed)
    even, odd = (rng.normal(size=generator.layout.zeros(parity).shape) for parity in (0, 1))
    return even, odd


def solver(generator: Generator) -> SteadySolver:
    return SteadySolver(resolvent=Resolvent(generator, EigenInverse), tolerance=1e-12, limit=200)


GENERATORS = {"flat": flat, "redfield": lambda: thermal("redfield"), "ule": lambda: thermal("ule")}


@pytest.mark.parametrize("made", GENERATORS.values(), ids=GENERATORS)
@given(seed=st.integers(0, 2**16))
def test_the_adjoint_of_every_family_is_its_adjoint(made: Any, seed: int) -> None:
    L = made()
    X, Z = anything(L, seed), anything(L, seed + 1)
    size = np.sqrt(overlap(X, X) * overlap(Z, Z)) * L.scale
    assert np.abs(overlap(Z, L.derivative(*X)) - overlap(L.adjoint_derivative(*Z), X)).max() < (
        EXACT * size.max()
    )


def test_the_adjoint_without_dephasing_is_another() -> None:
    L, other = thermal("ule"), thermal("ule", dephasing=False)
    X, Z = anything(L, 0), anything(L, 1)
    assert (
        np.abs(overlap(Z, L.derivative(*X)) - overlap(other.adjoint_derivative(*Z), X)).max() > 0.01
    )


def test_what_keeps_a_sector_is_inverted_as_a_whole() -> None:
    L = thermal("redfield")
    for parity in (0, 1):
        for number in L.layout.numbers(parity):
            inverse = Resolvent(L, EigenInverse).inverse[parity][number]
            rng = np.random.default_rng(number)
            Y = rng.normal(size=L.layout.shape(parity, number)) + 0j
            Y = Y + np.swapaxes(Y, -1, -2)
            assert np.abs(L.inside(parity, number, inverse(Y)) - Y).max() < 1e-9
            assert np.abs(L.inside_adjoint(parity, number, inverse.adjoint(Y)) - Y).max() < 1e-9
            jumpless = EigenInverse(L.heff[parity][number])  # the control leaves out what is kept
            assert (
                Y.shape[-1] == 1 or np.abs(L.inside(parity, number, jumpless(Y)) - Y).max() > 1e-3
            )


@pytest.mark.parametrize("made", GENERATORS.values(), ids=GENERATORS)
def test_shifted_and_adjoint_solves_undo_the_generator(made: Any) -> None:
    L = made()
    found, Y = solver(L), anything(L, 3)
    even, odd, _ = found.shifted(0.3).solve(*Y, 1e-13)
    moved = L.derivative(even, odd)
    for half, change, right in zip((even, odd), moved, Y, strict=True):
        np.testing.assert_allclose(change - 0.3 * half, -right, atol=1e-9)
    rho = found.steady_state()
    mean = overlap(Y, rho.halves)[:, None]
    wanted = tuple(y - mean * one for y, one in zip(Y, L.layout.identity(), strict=True))
    dual, _ = found.adjoint((wanted[0], wanted[1]), 1e-12)
    for half, right in zip(L.adjoint_derivative(*dual), wanted, strict=True):
        np.testing.assert_allclose(half, right, atol=1e-9)


def currents(methods: Sequence[Any], model: BiasedJunction) -> list[np.ndarray]:
    return [method.solve(model).lead_current for method in methods]


@pytest.mark.parametrize("method", [Redfield(), UniversalLindblad()], ids=lambda m: m.name)
def test_dephasing_beside_the_jumps_gives_the_same(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = method.solve(BIASED).lead_current
    monkeypatch.setattr(steady, "LARGEST_MAP", 0)
    np.testing.assert_allclose(method.solve(BIASED).lead_current, inside, atol=SAME)
    other = method.solve(BIASED.replace(dephasing=0.21)).lead_current
    assert np.abs(other - inside).max() > SAME


@pytest.mark.parametrize("bias", [44.0, 2e-4])
def test_strong_dephasing_takes_no_more_steps_than_none(bias: float) -> None:
    """Beside the jumps it took 300 to 1200 applications near rest, and stalled above the tolerance."""
    model = BiasedJunction(gate=-6.4, thermal_energy=0.1, bias=bias, dephasing=0.5)
    state = Redfield().solve(model)
    assert max(outcome.iterations for outcome in state.outcomes) <= 25
