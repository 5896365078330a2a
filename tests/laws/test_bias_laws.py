"""Laws of the junction at finite bias and temperature, each with a control that must break it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from chirospin import junction
from chirospin.base.errors import ModelError
from chirospin.junction import (
    ASKED_OBSERVABLES,
    FAMILY,
    BiasedJunction,
    BiasedLandauer,
    BiasedMeanField,
    DetailedBalance,
    Hierarchy,
    Junction,
    MeanField,
    Pauli,
    PositiveLindblad,
    Redfield,
    RedfieldLamb,
    UniversalLindblad,
)
from chirospin.junction.audit import mirror_image
from chirospin.junction.bias.audit import CHECKS, entropy_production, shifted_together
from chirospin.junction.bias.observables import AT_REST, linear_polarisation
from chirospin.junction.bias.parts import with_partners
from chirospin.junction.model import lead_couplings
from tests.laws.junctions import FREE, biased_junctions, field

LAW = 1e-9
QUICK = {"counting": False}
GENERATORS = tuple(
    kind(**QUICK) for kind in (Redfield, PositiveLindblad, UniversalLindblad, DetailedBalance)
)
LAMB = RedfieldLamb(**QUICK)
SEVERAL = settings(max_examples=6)
ALWAYS = {"residual", "trace", "occupation_sum", "lead_balance", "energy_balance"}


def currents(model: BiasedJunction, method: Any) -> Any:
    return method.solve(model).lead_current[:, 0]


def polarisation(model: BiasedJunction, method: Any) -> float:
    up, down = currents(model, method)
    return float((up - down) / (up + down))


@SEVERAL
@given(biased_junctions())
def test_conservation_holds_for_every_generator(model: BiasedJunction) -> None:
    for method in (*GENERATORS, LAMB):
        state = method.solve(model)
        for check in CHECKS:
            if check.name in ALWAYS:
                value = check.evaluate(model, state)
                assert value is None or check.judge(value), (method.name, check.name, value)


@SEVERAL
@given(biased_junctions())
def test_lindblad_forms_are_positive(model: BiasedJunction) -> None:
    for method in GENERATORS[1:]:
        assert method.solve(model).density.smallest_eigenvalue.min() > -1e-12


def test_redfield_with_its_lamb_shift_is_not_positive() -> None:
    state = LAMB.solve(BiasedJunction(gate=-6.4, bias=10, thermal_energy=0.5))
    assert state.density.smallest_eigenvalue.min() < -1e-6


@SEVERAL
@given(biased_junctions())
def test_the_mirror_image_carries_the_current_of_the_other_magnetisation(
    model: BiasedJunction,
) -> None:
    for method in GENERATORS:
        one, other = (currents(m, method) for m in (model, mirror_image(model)))
        np.testing.assert_allclose(one, other[::-1], atol=LAW)
        turned = currents(model.replace(handedness=-1), method)
        np.testing.assert_allclose(one, turned[::-1], atol=LAW)


def test_handedness_matters() -> None:
    model = BiasedJunction(gate=-6.4, bias=20, thermal_energy=1)
    one, other = (currents(m, GENERATORS[0]) for m in (model, model.replace(handedness=-1)))
    assert np.abs(one - other).max() > 1e-3


@SEVERAL
@given(biased_junctions(lead_polarisation=0.0))
def test_an_unpolarised_lead_shows_no_polarisation(model: BiasedJunction) -> None:
    for method in (*GENERATORS, LAMB):
        assert abs(polarisation(model, method)) < LAW


@SEVERAL
@given(biased_junctions())
def test_moving_levels_and_potentials_together_changes_nothing(model: BiasedJunction) -> None:
    moved = shifted_together(model)
    for method in (*GENERATORS, BiasedLandauer(**QUICK)):
        np.testing.assert_allclose(currents(model, method), currents(moved, method), atol=LAW)


def test_moving_the_levels_alone_changes_the_current() -> None:
    model = BiasedJunction(gate=-1, bias=2)
    moved = model.replace(gate=-1.5)
    assert np.abs(currents(model, GENERATORS[0]) - currents(moved, GENERATORS[0])).max() > 1e-3


@SEVERAL
@given(biased_junctions(bias=0.0))
def test_no_current_in_equilibrium(model: BiasedJunction) -> None:
    for method in (GENERATORS[0], GENERATORS[3], BiasedLandauer(**QUICK)):
        assert np.abs(currents(model, method)).max() < 1e-13


def test_some_generators_drive_a_current_in_equilibrium() -> None:
    model = BiasedJunction(gate=-3, bias=0, thermal_energy=0.5, coupling=0.3)
    for method in (PositiveLindblad(**QUICK), UniversalLindblad(**QUICK), LAMB):
        assert np.abs(currents(model, method)).max() > 1e-7


@SEVERAL
@given(biased_junctions(bias=0.0, thermal_energy=0.5))
def test_noise_in_equilibrium_is_that_of_johnson(model: BiasedJunction) -> None:
    for method in (Redfield(), DetailedBalance(), BiasedLandauer()):
        state = with_partners(model, method, "noise", "bias_response")
        np.testing.assert_allclose(
            state.noise, 2 * 0.5 * state.parts["bias_response"].slope, rtol=1e-8
        )


def test_that_law_of_johnson_needs_detailed_balance() -> None:
    model = BiasedJunction(gate=-3, bias=0, thermal_energy=0.5, coupling=0.3)
    state = with_partners(model, RedfieldLamb(), "noise", "bias_response")
    assert np.abs(state.noise / state.parts["bias_response"].slope - 1).max() > 0.01


@SEVERAL
@given(biased_junctions())
def test_heat_does_not_flow_to_order(model: BiasedJunction) -> None:
    for method in (GENERATORS[0], GENERATORS[3], BiasedLandauer(**QUICK)):
        produced = entropy_production(model, method.solve(model))
        assert produced is not None
        assert produced > -1e-10


def test_redfield_with_its_lamb_shift_breaks_the_second_law() -> None:
    model = BiasedJunction(gate=0, bias=1)
    state = LAMB.solve(model)
    assert state.lead_current[:, 0].max() < 0  # against the bias
    produced = entropy_production(model, state)
    assert produced is not None
    assert produced < -1e-4


@SEVERAL
@given(biased_junctions(bias=1.0))
def test_reciprocity_of_the_linear_response(model: BiasedJunction) -> None:
    for method in (DetailedBalance(**QUICK), BiasedLandauer(**QUICK)):
        state = with_partners(model, method, *AT_REST)
        assert abs(linear_polarisation(model, state)) < 1e-6


def test_redfield_breaks_reciprocity_in_proportion_to_the_coupling() -> None:
    defects = []
    for coupling in (0.02, 0.04):
        model = BiasedJunction(
            coupling=coupling, hubbard=2, gate=-2, thermal_energy=0.3, spin_orbit=0.2
        )
        state = with_partners(model, Redfield(), *AT_REST)
        defects.append(linear_polarisation(model, state))
    assert abs(defects[0]) > 1e-6
    assert 1.4 < defects[1] / defects[0] < 2.8


@SEVERAL
@given(biased_junctions(bias=1.0, **FREE))
def test_mean_field_without_repulsion_is_landauer(model: BiasedJunction) -> None:
    one, other = (currents(model, k) for k in (BiasedMeanField(), BiasedLandauer(**QUICK)))
    np.testing.assert_allclose(one, other, atol=1e-12)


@SEVERAL
@given(biased_junctions(**FREE))
def test_no_polarisation_without_interaction(model: BiasedJunction) -> None:
    assert abs(polarisation(model, BiasedLandauer(**QUICK))) < LAW


def test_a_zeeman_field_breaks_that_law() -> None:
    model = BiasedJunction(hubbard=0, gate=-0.4, one_body_matrix=field(0.1), bias=2)
    assert abs(polarisation(model, BiasedLandauer(**QUICK))) > 1e-3


def test_second_order_breaks_that_law_in_proportion_to_the_coupling() -> None:
    found = [
        polarisation(
            BiasedJunction(hubbard=0, gate=-0.4, bias=2, spin_orbit=0.3, coupling=g), Redfield()
        )
        for g in (0.01, 0.02)
    ]
    assert abs(found[0]) > 1e-6
    assert 1.4 < found[1] / found[0] < 2.8


@SEVERAL
@given(biased_junctions())
def test_populations_alone_show_no_polarisation(model: BiasedJunction) -> None:
    try:
        found = polarisation(model, Pauli())
    except ModelError:  # levels that no charge tells apart
        reject()
    assert abs(found) < 1e-8


def test_coherences_carry_the_polarisation() -> None:
    model = BiasedJunction(hubbard_a=3.7, hubbard_b=4.1, gate=-6, bias=20, thermal_energy=1)
    assert abs(polarisation(model, Pauli())) < 1e-8
    assert abs(polarisation(model, Redfield(**QUICK))) > 0.01


def exchanged(model: BiasedJunction) -> BiasedJunction:
    """Potential and temperature of each lead given to the other."""
    return model.replace(
        thermal_energy_difference=-model.thermal_energy_difference,
        bias=-model.bias,
        bias_asymmetry=-model.bias_asymmetry,
    )


@SEVERAL
@given(biased_junctions(), st.integers(-4, 4).map(lambda n: n / 10))
def test_exchanging_potentials_and_temperatures_reverses_free_electrons(
    model: BiasedJunction, difference: float
) -> None:
    hot = model.replace(thermal_energy_difference=difference)
    method = BiasedLandauer(**QUICK)
    np.testing.assert_allclose(currents(hot, method), -currents(exchanged(hot), method), atol=1e-13)


def test_interaction_with_unequal_couplings_breaks_that_law() -> None:
    model = BiasedJunction(gate=-6.4, bias=20, thermal_energy=1)
    one, other = (currents(m, GENERATORS[0]) for m in (model, exchanged(model)))
    assert np.abs(one + other).max() > 1e-3


@SEVERAL
@given(biased_junctions(molecules=1, thermal_energy=0.5, bias=2.0, **FREE))
def test_the_first_tier_is_exact_without_interaction(model: BiasedJunction) -> None:
    exact, ours = currents(model, BiasedLandauer(**QUICK)), currents(model, Hierarchy(tier=1))
    poles = 1e-4 * lead_couplings(model)[:, 0].sum()  # they leave 1e-4 of f on every orbital
    np.testing.assert_allclose(ours, exact, atol=poles)
    fine = currents(model, Hierarchy(tier=1, poles=16))
    np.testing.assert_allclose(fine, exact, atol=1e-6)


def test_the_first_tier_is_not_exact_with_interaction() -> None:
    model = BiasedJunction(
        molecules=1, hubbard=2, gate=-1, bias=2, thermal_energy=0.5, coupling=0.3
    )
    one, two = (currents(model, Hierarchy(tier=t)) for t in (1, 2))
    assert np.abs(one - two).max() > 1e-3


def test_every_method_solves_through_the_corridor_and_says_what_it_does_not_know() -> None:
    model = BiasedJunction(molecules=1, hubbard=0.5, gate=-0.5, bias=1.5, thermal_energy=0.5)
    methods = [name for name in FAMILY.problem("bias").methods if name != "pauli"]
    refused = {
        "kms_defect",
        *(one.name for one in ASKED_OBSERVABLES),
    }  # of methods that cannot have them
    everything = [one.name for one in FAMILY.problem("bias").observables if one.name not in refused]
    ds = junction.solve(model, methods, observables=everything)
    assert ds.converged.all()
    assert np.isnan(ds.noise.sel(solved_by="mean-field")).all()
    assert "noise is undefined" in str(ds.reason.sel(solved_by="mean-field").item())
    known = ds.sel(solved_by="redfield")
    np.testing.assert_allclose(
        known.current_difference_odd + known.current_difference_even,
        known.current.sel(magnetisation="up") - known.current.sel(magnetisation="down"),
        atol=1e-14,
    )
    np.testing.assert_allclose(
        known.mean_current_odd + known.mean_current_even, known.mean_current, atol=1e-14
    )


def test_polarisation_at_zero_bias_is_undefined_and_says_so() -> None:
    ds = junction.solve(BiasedJunction(gate=-6.4, bias=0), "ule")
    assert np.isnan(ds.spin_polarisation)
    assert "drive no current" in str(ds.reason.item())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"thermal_energy": 0}, "`thermal_energy` must be real > 0"),
        ({"thermal_energy": float("nan")}, "`thermal_energy` must be"),
        ({"bias_asymmetry": 0.6}, "`bias_asymmetry` must be real in [-0.5, 0.5]"),
        ({"internal_drop": 1.2}, "`internal_drop` must be real in [0, 1]"),
        ({"occupation_left": 0.8}, "`occupation_left` must be left out at finite bias"),
        ({"thermal_energy": 1, "temperature": 300}, "`temperature` must be left out"),
        ({"thermal_energy_difference": 0.2}, "`thermal_energy_difference` must be in (-0.2, 0.2)"),
        ({"temperature": -3}, "`temperature` must be real > 0 (in K)"),
    ],
)
def test_bad_input_is_one_line(values: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError) as error:
        BiasedJunction(**values)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_too_few_poles_are_refused_with_the_number_needed() -> None:
    model = BiasedJunction(molecules=1, gate=-6.4, bias=20, thermal_energy=1)
    with pytest.raises(ValueError, match=r"`poles` of method hierarchy must be integer >= \d+"):
        Hierarchy(poles=2).solve(model)


def test_an_unaffordable_tier_names_unknowns_and_memory() -> None:
    with pytest.raises(ValueError, match=r"tier 3 with \d+ poles has \d+ complex unknowns.*iB"):
        Hierarchy(tier=3).solve(BiasedJunction(gate=-6.4, bias=20, thermal_energy=0.1))


def test_levels_without_a_charge_to_tell_them_apart_are_refused_by_rate_equations() -> None:
    with pytest.raises(ValueError, match="distinct levels among the populated ones"):
        Pauli().solve(BiasedJunction(hubbard=0, gate=-0.4))


def test_states_that_are_never_left_are_refused() -> None:
    with pytest.raises(RuntimeError, match="more slowly than rounding can tell"):
        Redfield(**QUICK).solve(BiasedJunction(gate=-6.4, bias=0, thermal_energy=0.02))


def test_blockade_and_artefacts_are_told_loudly() -> None:
    ds = junction.solve(BiasedJunction(gate=-6.4, bias=1, thermal_energy=0.1), "ule")
    verdict = dict(zip(ds.check.values.tolist(), ds.audit_passed.values.tolist(), strict=True))
    assert not verdict["sequential_tunnelling"]
    assert not verdict["reciprocity"]
    open_ = junction.solve(BiasedJunction(gate=-6.4, bias=16, thermal_energy=0.5), "ule")
    assert bool(open_.audit_passed.all())


@settings(max_examples=3)
@given(biased_junctions(), st.integers(0, 99))
def test_the_response_of_the_mean_field_is_the_derivative_of_its_map(
    model: BiasedJunction, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    equation = BiasedMeanField().equations(model)[0]
    x = equation.packed(np.diag(rng.uniform(size=8)).astype(complex))
    v = rng.normal(size=x.size)
    up, down = (equation.mapped(x + s * 1e-5 * v)[0] for s in (1, -1))
    central = (up - down) / 2e-5
    assert equation.solved(x).response(v) == pytest.approx(
        central, abs=1e-5 * np.abs(central).max()
    )


def test_the_mean_field_follows_the_branch_of_infinite_bias() -> None:
    """Where several solutions exist; the largest bias is the infinite one to 1/V."""
    stack = {"energy_b": 0.4, "hubbard": 1.65}
    exact = MeanField().solve(Junction(**stack)).lead_current[:, 0]
    model = BiasedJunction(bias=4e4, thermal_energy=0.5, **stack)
    state = BiasedMeanField().solve(model)
    assert state.lead_current[:, 0] == pytest.approx(exact, rel=1e-4)
    other = MeanField(at_once=True).solve(Junction(**stack)).lead_current[:, 0]
    assert state.lead_current[:, 0] != pytest.approx(other, rel=1e-3)
    check = next(one for one in CHECKS if one.name == "other_solutions")
    assert not check.judge(check.evaluate(model, state))
    folded = next(BiasedMeanField().solve_many([model.replace(hubbard=2.0)]))
    assert "fold" in folded.outcome.reason
