"""Laws of the junction, each with a control that must break it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from chirospin import junction
from chirospin.junction import GKSL, Junction, Landauer, MeanField
from chirospin.junction.audit import CHECKS, bond_currents, mirror_image, turned
from chirospin.junction.model import exchange_rates, interaction, one_body_hamiltonian
from chirospin.numerics.sylvester import EigenInverse, SchurInverse, pack, sylvester, unpack
from tests.laws.junctions import FREE, field, junctions

LAW = 1e-9  # residual 1e-12 over the slowest relaxation of the drawn junctions, about 1e-3
METHODS = (GKSL(), MeanField(), Landauer())


def currents(model: Junction, method: object = GKSL()) -> np.ndarray:
    return method.solve(model).lead_current[:, 0]


def polarisation(model: Junction, method: object = GKSL()) -> float:
    up, down = currents(model, method)
    return float((up - down) / (up + down))


@given(junctions(general=True))
def test_every_certificate_holds_for_a_general_junction(model: Junction) -> None:
    state = GKSL().solve(model)
    for check in CHECKS:
        value = check.evaluate(model, state)
        assert value is None or check.judge(value), (check.name, value)


@given(junctions(molecules=1, general=True))
def test_every_certificate_holds_for_a_single_molecule(model: Junction) -> None:
    state = GKSL().solve(model)
    for check in CHECKS:
        value = check.evaluate(model, state)
        assert value is None or check.judge(value), (check.name, value)


def test_a_spoilt_state_fails_its_certificates() -> None:
    model = Junction()
    state = GKSL().solve(model)
    spoilt = replace(
        state,
        one_body_density=state.one_body_density * 1.01,
        lead_current=state.lead_current * [1.0, 1.01],
    )
    failed = {
        c.name for c in CHECKS if (v := c.evaluate(model, spoilt)) is not None and not c.judge(v)
    }
    assert {"lead_balance", "bond_balance", "occupation_sum", "current_sum_rule"} <= failed


@given(junctions(general=True, **FREE))
def test_no_polarisation_without_interaction(model: Junction) -> None:
    for method in METHODS:
        assert abs(polarisation(model, method)) < LAW


def test_a_zeeman_field_breaks_that_law() -> None:
    model = Junction(hubbard=0, one_body_matrix=field(0.1))
    for method in METHODS:
        assert abs(polarisation(model, method)) > 1e-3


@given(junctions(spin_orbit=0.0))
def test_no_polarisation_without_spin_orbit_coupling(model: Junction) -> None:
    assert abs(polarisation(model)) < LAW


@given(junctions(hopping_b=0.0))
def test_no_polarisation_without_hopping_b(model: Junction) -> None:
    assert abs(polarisation(model)) < LAW


@given(junctions(lead_polarisation=0.0))
def test_no_polarisation_from_an_ordinary_lead(model: Junction) -> None:
    assert abs(polarisation(model)) < LAW


def test_the_reference_point_breaks_the_three_laws_above() -> None:
    assert abs(polarisation(Junction())) > 0.2
    assert abs(polarisation(Junction(hopping_b=1.0))) == pytest.approx(4.4e-5, rel=0.05)


@given(junctions())
def test_the_enantiomer_has_the_opposite_polarisation(model: Junction) -> None:
    other = model.replace(handedness=-1)
    assert polarisation(other) == pytest.approx(-polarisation(model), abs=LAW)


@given(junctions(general=True))
def test_the_mirror_image_carries_the_current_of_the_other_magnetisation(model: Junction) -> None:
    assert currents(mirror_image(model)) == pytest.approx(currents(model)[::-1], abs=LAW)


def test_reversing_one_vector_alone_is_not_a_mirror() -> None:
    model = Junction(hubbard=2, spin_orbit_vectors=[[0.1, 0.02, 0.03], [0.02, 0.1, -0.05]])
    wrong = model.replace(spin_orbit_vectors=[[0.1, 0.02, -0.03], [0.02, 0.1, -0.05]])
    assert np.abs(currents(wrong) - currents(model)[::-1]).max() > 1e-4


@given(junctions(general=True))
def test_turning_the_stack_about_its_axis_changes_nothing(model: Junction) -> None:
    assert currents(turned(model, 1.1)) == pytest.approx(currents(model), abs=LAW)


def test_turning_one_molecule_alone_changes_the_current() -> None:
    assert np.abs(currents(Junction(twist=1.0)) - currents(Junction())).max() > 1e-4


@given(junctions(occupation_left=0.7, occupation_right=0.7))
def test_equal_leads_drive_no_current(model: Junction) -> None:
    for method in (GKSL(), Landauer()):
        assert np.abs(currents(model, method)).max() < LAW


@given(junctions(general=True, **FREE))
def test_exact_mean_field_and_landauer_agree_without_interaction(model: Junction) -> None:
    exact, mean, free = (method.solve(model) for method in METHODS)
    assert mean.lead_current == pytest.approx(exact.lead_current, abs=LAW)
    assert free.lead_current == pytest.approx(exact.lead_current, abs=LAW)
    assert free.one_body_density == pytest.approx(mean.one_body_density, abs=LAW)


def test_interaction_breaks_that_agreement() -> None:
    model = Junction(hubbard=1.0)
    assert np.abs(currents(model) - currents(model, Landauer())).max() > 1e-3


def first_order_error(model: Junction, small: float, method: MeanField) -> float:
    names = ("hubbard_a", "hubbard_b", "hubbard_ab_singlet", "hubbard_ab_triplet", "hund")
    weak = model.replace(**{name: small * getattr(model, name) for name in names})
    return float(np.abs(currents(weak) - currents(weak, method)).max())


@settings(max_examples=6)
@given(junctions(hund=1.0))
def test_mean_field_is_exact_to_first_order(model: Junction) -> None:
    error, half = (first_order_error(model, s, MeanField()) for s in (2e-3, 1e-3))
    assert half < error / 3 or error < 1e-8  # second order: a quarter


def test_the_printed_exchange_sign_breaks_first_order() -> None:
    printed = MeanField(exchange="printed-eq-15")
    error, half = (first_order_error(Junction(), s, printed) for s in (2e-4, 1e-4))
    assert half == pytest.approx(error / 2, rel=0.1)


@given(junctions())
def test_a_particle_hole_partner_carries_the_opposite_current(model: Junction) -> None:
    h, W = one_body_hamiltonian(model), interaction(model).density
    partner = model.replace(
        one_body_matrix=-h.T - np.diag(W.sum(axis=1)) - h,
        occupation_left=1 - model.occupation_left,
        occupation_right=1 - model.occupation_right,
    )
    assert currents(partner) == pytest.approx(-currents(model), abs=LAW)


@given(junctions(general=True))
def test_a_uniform_repulsion_changes_nothing(model: Junction) -> None:
    names = (
        "hubbard_a",
        "hubbard_b",
        "hubbard_ab_singlet",
        "hubbard_ab_triplet",
        "intersite_repulsion",
    )
    shifted = model.replace(**{name: getattr(model, name) + 0.7 for name in names})
    assert currents(shifted) == pytest.approx(currents(model), abs=LAW)


def test_a_repulsion_between_molecules_alone_changes_the_current() -> None:
    assert np.abs(currents(Junction(intersite_repulsion=0.7)) - currents(Junction())).max() > 1e-3


@given(junctions())
def test_the_choice_of_orbital_signs_does_not_matter(model: Junction) -> None:
    flipped = model.replace(spin_orbit=-model.spin_orbit)
    assert currents(flipped) == pytest.approx(currents(model), abs=LAW)


@given(junctions())
def test_energies_scale_out(model: Junction) -> None:
    names = (
        "energy_a",
        "energy_b",
        "hopping_a",
        "hopping_b",
        "spin_orbit",
        "hubbard_a",
        "hubbard_b",
        "hubbard_ab_singlet",
        "hubbard_ab_triplet",
        "coupling_a",
        "coupling_b",
    )
    small = model.replace(**{name: 1e-3 * getattr(model, name) for name in names})
    assert 1e3 * currents(small) == pytest.approx(currents(model), abs=LAW)


def test_cases_b_and_c_of_table_2_are_equal() -> None:
    b = polarisation(Junction(coupling_b=0, hubbard_a=0, hubbard_b=0))
    assert polarisation(Junction(coupling_b=0)) == pytest.approx(b, abs=LAW)


def test_charges_are_found_from_the_hamiltonian() -> None:
    from chirospin.junction.manybody.fock import conserved_charges, sector_sizes

    def unknowns(model: Junction) -> int:
        charges = conserved_charges(one_body_hamiltonian(model) != 0, interaction(model).exchange)
        return sum(size**2 for size in sector_sizes(charges))

    assert unknowns(Junction()) == 4_900
    assert unknowns(Junction(molecules=3)) == 853_776
    assert unknowns(Junction(spin_orbit_vectors=[[0.1, 0, 0.1], [0, 0.1, 0]])) == 12_870
    assert unknowns(Junction(hopping_ab=0.1)) == 12_870
    assert unknowns(Junction(spin_orbit=0)) == 6**4
    # pair hopping and spin flip mix all four groups but keep electron number and spin
    assert unknowns(Junction(hund=0.3)) == 12_870
    assert unknowns(Junction(hund=0.3, spin_orbit=0)) == 4_900


@given(junctions(hund=0.4))
def test_exchange_keeps_every_certificate(model: Junction) -> None:
    state = GKSL().solve(model)
    assert np.abs(bond_currents(model, state) - state.lead_current[:, :1]).max() < LAW


def test_one_steady_state_of_several_is_never_returned_silently() -> None:
    for model in (
        Junction(coupling_b=0, spin_orbit=0),
        Junction(coupling=0),
        Junction(molecules=3, hopping_b=0, spin_orbit_vectors=[[0, 0, 0]] * 3),
    ):
        state = next(GKSL().solve_many([model]))
        assert not state.outcome.converged
        assert "steady states" in state.outcome.reason


def test_a_combination_of_orbitals_that_no_lead_reaches_is_found() -> None:
    # both a hop to both b alike, and only a meets a lead: b1 - b2 is reached by none
    ab = np.kron(np.ones((2, 2)), np.array([[0.0, 0.3], [0.3, 0.0]]))
    decoupled = Junction(
        hubbard=0, spin_orbit=0, hopping_b=0, coupling_b=0, one_body_matrix=np.kron(ab, np.eye(2))
    )
    joined = decoupled.replace(energies=[[0, 0.8], [0, 0.9]])
    assert next(GKSL().solve_many([joined])).outcome.converged
    state = next(GKSL().solve_many([decoupled]))
    assert not state.outcome.converged
    assert "steady states" in state.outcome.reason


def test_a_dark_state_is_named() -> None:
    state = next(GKSL().solve_many([Junction(hopping_a=0, hopping_b=0)]))
    assert "dark state" in state.outcome.reason


def test_full_and_empty_leads_have_a_steady_state() -> None:
    for f in (0.0, 1.0):
        state = GKSL().solve(Junction(occupation_left=f, occupation_right=f))
        n = np.einsum("mkk->mk", state.one_body_density).real
        assert n == pytest.approx(np.full_like(n, f))


def test_a_nearly_defective_hamiltonian_is_solved_by_its_schur_form() -> None:
    # orbital b alone: two sites of unequal loss meet at an exceptional point where t_bb = gamma / 4
    model = Junction(energy_b=0.0, hopping_b=0.025, coupling=0.1, spin_orbit=1e-3, hubbard=0.0)
    exact, free = GKSL().solve(model), MeanField().solve(model)
    assert exact.lead_current == pytest.approx(free.lead_current, abs=LAW)


def test_both_inverses_solve_the_sylvester_equation_even_when_defective() -> None:
    rng = np.random.default_rng(1)
    Y = unpack(rng.normal(size=(1, 3, 3)))
    jordan = np.array([[[1, 1, 0], [0, 1, 1], [0, 0, 1]]]) - 0.3j * np.eye(3)
    regular = rng.normal(size=(1, 3, 3)) - 2j * np.eye(3)
    for K, kind in ((regular, EigenInverse), (regular, SchurInverse), (jordan, SchurInverse)):
        X = kind(K)(Y)
        assert sylvester(K, X) == pytest.approx(Y, abs=1e-10)
    assert unpack(pack(Y)) == pytest.approx(Y)


def test_no_solution_is_told_by_reason_and_residual() -> None:
    state = next(MeanField(iterations=50).solve_many([Junction()]))
    assert not state.outcome.converged
    assert state.outcome.residual > 1e-6
    assert "continuation reached" in state.outcome.reason


def test_batched_points_equal_single_points() -> None:
    models = [Junction(energy_b=e, occupation_left=f) for e in (0.4, 0.9) for f in (0.5, 1.0)]
    together = list(GKSL().solve_many(models))
    for model, state in zip(models, together, strict=True):
        assert state.lead_current == pytest.approx(GKSL().solve(model).lead_current, abs=1e-10)


def test_rates_add_up_to_the_couplings() -> None:
    model = Junction(occupation_left=0.8, occupation_right=0.3, lead_polarisation=0.4)
    filling, emptying = exchange_rates(model)
    total = filling + emptying
    assert total.sum(axis=1) == pytest.approx(3 * (model.coupling_a + model.coupling_b))


def test_a_dataset_survives_netcdf_without_loss(tmp_path) -> None:
    import xarray as xr

    ds = junction.solve(Junction(), ["gksl", "landauer"], over={"hubbard": [0.0, 1.0]})
    ds.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as back:
        xr.testing.assert_identical(ds, back.load())


def test_the_triplet_follows_hund_unless_it_is_named() -> None:
    assert Junction(hund=0.3).hubbard_ab_triplet == pytest.approx(3.7)
    assert Junction(hund=0.3).replace(hund=0.5).hubbard_ab_triplet == pytest.approx(3.5)
    assert Junction(hund=0.3, hubbard_ab_triplet=4.0).replace(hund=0.5).hubbard_ab_triplet == 4.0
    assert Junction(hubbard=2.0, hund=0.3).hubbard_ab_triplet == pytest.approx(1.7)
