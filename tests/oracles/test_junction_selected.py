"""Selected products: exact where nothing is left out, inside their error bar where something is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.junction import FAMILY, GKSL, Junction, SelectedProducts
from chirospin.junction.audit import CHECKS
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.selected import growth
from chirospin.junction.selected.first_states import divided, first_space
from chirospin.junction.selected.growth import Growing, Grown, bar_of, chosen
from chirospin.junction.selected.left_out import LeftOut
from chirospin.junction.selected.products import ProductSpace, matches
from chirospin.junction.selected.reading import density_of_one_electron, lowest_probability
from chirospin.junction.selected.restricted import RestrictedGenerator, Selection
from chirospin.junction.selected.selected import GROWN, SELECTED_CHECKS
from chirospin.junction.selected.stored import StateFolder
from chirospin.junction.selected.sweep import further_directions
from chirospin.junction.state import JunctionState

ROUNDING = 1e-10  # of currents near 1e-2; residuals of 1e-12 over relaxation at 1e-3
NONE_LEFT = LeftOut(
    digits=np.zeros((0, 2), int), change=np.zeros(0), bound=np.zeros(0), population=np.zeros(0)
)
TRIMER = 8.2361e-4  # gksl, magnetisation up


def general() -> Junction:
    """Nothing special holds: one charge, occupations inside (0, 1), exchange, repulsion between molecules."""
    h = np.zeros((8, 8), complex)
    h[1, 6], h[6, 1] = 0.1j, -0.1j
    h[2, 2] = 0.05
    return Junction(
        spin_orbit_vectors=((0.1, 0.02, 0.05), (-0.03, 0.2, 0.1)),
        one_body_matrix=tuple(map(tuple, h.tolist())),
        hopping_ab=0.1,
        coupling_a=0.3,
        coupling_b=0.1,
        occupation_left=0.9,
        occupation_right=0.05,
        lead_polarisation=0.6,
        hund=0.2,
        intersite_repulsion=0.3,
    )


@pytest.fixture(scope="module")
def whole() -> tuple[JunctionState, JunctionState]:
    """The general dimer with all products, and exactly."""
    return SelectedProducts(products=256, accuracy=1e-12).solve(general()), GKSL().solve(general())


@pytest.fixture(scope="module")
def dimer() -> JunctionState:
    """The reference dimer with 190 of 256 products."""
    return SelectedProducts(products=190, accuracy=1e-6).solve(Junction(), [GROWN])


def test_all_products_are_the_exact_state(whole: tuple[JunctionState, JunctionState]) -> None:
    kept, exact = whole
    assert kept.lead_current == pytest.approx(exact.lead_current, abs=ROUNDING)
    assert kept.one_body_density == pytest.approx(exact.one_body_density, abs=1e-9)
    assert kept.density is not None
    assert exact.density is not None
    assert kept.density.particles == pytest.approx(exact.density.particles, abs=1e-9)
    assert kept.error_bar == pytest.approx([0, 0], abs=ROUNDING)


def test_the_dimer_lies_inside_its_bar_and_passes_every_check(dimer: JunctionState) -> None:
    exact = GKSL().solve(Junction()).lead_current[:, 0]
    off = np.abs(dimer.lead_current[:, 0] - exact)
    assert dimer.error_bar is not None
    assert (off <= dimer.error_bar).all()
    assert off.max() > 0.01 * dimer.error_bar.max()
    assert (dimer.error_bar < 0.05 * exact).all()
    for check in (*CHECKS, *SELECTED_CHECKS):
        value = check.evaluate(Junction(), dimer)
        assert value is None or check.judge(value), check.name


def one_magnetisation(model: Junction, most: int) -> Grown:
    """Up, grown to the last product."""
    growing = Growing(most=most, candidates=4096, wanted=1e-9, tolerance=1e-12, vectors=200)
    return growing(FlatMember.both(model)[0])


@settings(max_examples=2, phases=[Phase.generate])
@given(st.floats(0.05, 1), st.floats(0.5, 8), st.floats(0.1, 1), st.floats(0.3, 2.5))
def test_exact_currents_lie_inside_the_bar(
    coupling: float, hubbard: float, hopping_b: float, twist: float
) -> None:
    model = Junction(coupling=coupling, hubbard=hubbard, hopping_b=hopping_b, twist=twist)
    exact = GKSL().solve(model).lead_current[0, 0]
    grown = one_magnetisation(model, 190)
    assert abs(grown.current - exact) <= grown.bar


@pytest.fixture(scope="module")
def trimer() -> Grown:
    """The reference trimer, up, in at most 200 of 4 096 states."""
    growing = Growing(
        most=300, candidates=4096, wanted=0.02, tolerance=1e-12, vectors=200, states=400
    )
    return growing(FlatMember.both(Junction(molecules=3))[0])


def test_three_molecules_lie_inside_a_small_bar(trimer: Grown) -> None:
    assert abs(trimer.current - TRIMER) <= trimer.bar < 0.05 * TRIMER
    assert len(trimer.generator.selection) <= 400


def test_whole_states_keep_trace_positivity_and_the_balance_of_the_leads(trimer: Grown) -> None:
    assert abs(trimer.trace_drift) < 1e-12
    assert trimer.lead_currents.sum() == pytest.approx(0, abs=1e-9 * TRIMER)
    assert lowest_probability(trimer) > -1e-14
    occupations = density_of_one_electron(trimer).diagonal().real
    halves = zip(trimer.generator.selection.number(), trimer.halves, strict=True)
    assert occupations.sum() == pytest.approx(sum(float((n * x).sum()) for n, x in halves))


def test_all_states_of_the_stack_are_the_exact_state(
    whole: tuple[JunctionState, JunctionState],
) -> None:
    growing = Growing(
        most=100, candidates=256, wanted=1e-12, tolerance=1e-12, vectors=200, states=256
    )
    grown = growing(FlatMember.both(general())[0])
    _, exact = whole
    assert grown.current == pytest.approx(exact.lead_current[0, 0], rel=1e-7)
    assert density_of_one_electron(grown) == pytest.approx(exact.one_body_density[0], abs=1e-7)
    assert abs(grown.current - exact.lead_current[0, 0]) <= grown.bar + ROUNDING


def in_folder(folder: Path, told: Callable[[Grown], None] = lambda grown: None) -> Growing:
    """A dimer in at most 100 of 256 states, kept after every sweep."""
    return Growing(
        most=100,
        candidates=256,
        wanted=1e-9,
        tolerance=1e-11,
        vectors=200,
        states=100,
        kept=StateFolder(folder=folder, magnetisation="up"),
        told=told,
    )


def test_a_solve_that_was_cut_off_goes_on_and_a_neighbour_starts_from_it(tmp_path: Path) -> None:
    member, near = (FlatMember.both(Junction(hubbard=U))[0] for U in (4.0, 3.5))

    def copied(grown: Grown) -> None:
        if len(grown.sizes) == 3:  # what lies there if the third sweep never ends
            shutil.copytree(tmp_path / "whole", tmp_path / "cut")

    whole = in_folder(tmp_path / "whole", copied)(member)
    resumed = in_folder(tmp_path / "cut")(member)
    assert resumed.sizes == whole.sizes
    assert resumed.current == pytest.approx(whole.current, rel=1e-9)
    assert resumed.bar == pytest.approx(whole.bar, rel=1e-4)

    beside = in_folder(tmp_path / "cut")(near)
    assert len(beside.sizes) < len(whole.sizes)
    exact = GKSL().solve(Junction(hubbard=3.5)).lead_current[0, 0]
    assert abs(beside.current - exact) <= beside.bar < 0.3 * exact

    kept = next((tmp_path / "cut").glob(f"{near.mark}*.npz"))
    kept.write_bytes(kept.read_bytes()[:200])
    with pytest.raises(ModelError, match="damaged"):
        in_folder(tmp_path / "cut")(near)


def test_directions_are_orthonormal_beside_the_kept_ones() -> None:
    rng = np.random.default_rng(2)
    V = np.linalg.qr(rng.normal(size=(20, 4)) + 1j * rng.normal(size=(20, 4)))[0]
    Q = np.concatenate([V[:, :2], rng.normal(size=(20, 3)), 1e-9 * np.ones((20, 1))], axis=1)
    B = further_directions(Q, V, 10, 1e-14)
    assert B.shape == (20, 3)  # neither what is kept already nor rounding counts
    assert pytest.approx(0, abs=1e-12) == V.conj().T @ B
    assert pytest.approx(np.eye(3), abs=1e-12) == B.conj().T @ B


def test_molecules_that_nothing_joins_have_no_state_that_could_be_selected() -> None:
    with pytest.raises(ConvergenceError, match="dark state"):
        SelectedProducts(products=100).solve(Junction(hopping_a=0, hopping_b=0))


@pytest.mark.parametrize(("corrections", "met"), [(3, True), (0, False)])
def test_the_adjoint_is_corrected_until_its_right_side_is_met(
    corrections: int, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "ADJOINT_TOLERANCE", 1e-5)  # of the size of Z, far above that of O
    monkeypatch.setattr(growth, "ADJOINT_CORRECTIONS", corrections)
    space = first_space(FlatMember.both(Junction())[0])
    growing = Growing(most=120, candidates=120, wanted=1, tolerance=1e-10, vectors=200)
    grown = growing._solved(space, space.most_probable(120), lambda *_: NONE_LEFT)
    assert (grown.dual_residual <= growth.ADJOINT_MET) == met


@pytest.mark.parametrize("count", [40, 120])
def test_any_selection_keeps_trace_positivity_and_the_balance_of_the_leads(count: int) -> None:
    generator = restricted(count)
    even, odd = (
        np.random.default_rng(n).normal(size=generator.layout.zeros(n).shape) for n in (0, 1)
    )
    moved = generator.derivative(even, odd)
    assert abs(generator.layout.trace(*moved)[0]) < 1e-12
    leads = generator.lead_currents((even, odd)).sum()
    number = generator.selection.number()
    growth = sum(float((n * x).sum()) for n, x in zip(number, moved, strict=True))
    assert leads == pytest.approx(growth, abs=1e-12)


def test_a_jump_without_its_loss_breaks_that_law() -> None:
    generator = restricted(120)
    hops = generator.families[0].hops[0]
    hops.pop()
    even, odd = generator.selection.identity()
    assert abs(generator.layout.trace(*generator.derivative(even, odd))[0]) > 1e-3


def restricted(count: int) -> RestrictedGenerator:
    space = first_space(FlatMember.both(Junction())[0])
    return RestrictedGenerator(Selection(space, space.most_probable(count)))


def test_products_of_most_weight_are_listed_without_listing_all() -> None:
    space: ProductSpace = first_space(FlatMember.both(Junction(molecules=3))[0])
    weights = np.multiply.outer(*(b.weight for b in space.blocks)).ravel()
    found = space.most_probable(500)
    mine = np.prod([b.weight[found[:, n]] for n, b in enumerate(space.blocks)], axis=0)
    assert mine == pytest.approx(np.sort(weights)[::-1][:500])


def test_pairs_with_the_same_key() -> None:
    rows, columns = np.array([3, 1, 3]), np.array([3, 2, 1, 3])
    i, j = matches(rows, columns)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == [
        (0, 0), (0, 3), (1, 2), (2, 0), (2, 3),
    ]  # fmt: skip


def test_blocks_choice_and_bar() -> None:
    assert [divided(m) for m in (1, 2, 3, 5, 6)] == [[1], [1, 1], [2, 1], [2, 1, 2], [2, 2, 2]]
    rest = LeftOut(
        digits=np.zeros((3, 1), int),
        change=np.array([0.0, 0.0, 5.0]),
        bound=np.zeros(3),
        population=np.array([1.0, 2.0, 0.0]),
    )
    assert chosen(rest, 2).tolist() == [1, 2]
    assert bar_of(1.2, 1.0) == float("inf")
    assert bar_of(0.01, 2.0) == pytest.approx(3 * 2 * 0.01 / 0.9)


def test_too_few_products_are_not_an_answer() -> None:
    with pytest.raises(ConvergenceError, match=r"known .*with .* products .*electrons"):
        SelectedProducts(products=70).solve(Junction())


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(ModelError, match="molecules"):
        SelectedProducts().solve(Junction(molecules=9))
    with pytest.raises(ModelError, match="occupation_left"):
        SelectedProducts().solve(Junction(occupation_left=0.5, occupation_right=0.5))


def test_electron_numbers_add_up(dimer: JunctionState) -> None:
    named = {one.name: one for one in FAMILY.problems[0].observables}
    weight = named["electron_number_weight"](Junction(), dimer)
    flow = named["electron_number_current"](Junction(), dimer)
    assert weight.sum(axis=1) == pytest.approx([1, 1], abs=1e-12)
    assert flow.sum(axis=1) == pytest.approx(dimer.lead_current[:, 0], abs=1e-12)
