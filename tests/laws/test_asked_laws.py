"""Laws of spin, heat, counted charge, spectra and transients of a junction, each with a control that must break it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin import junction
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedLandauer,
    DetailedBalance,
    Junction,
    PositiveLindblad,
    Redfield,
    SwitchedBias,
    UniversalLindblad,
)
from chirospin.junction.bias.parts import with_partners
from chirospin.junction.bias.thermoelectric import (
    conductance_reciprocity_defect,
    entropy_production,
    onsager_defect,
)
from chirospin.junction.manybody.spin_observables import SPIN_CHECKS, spin_current, torque
from tests.laws.junctions import number

LAW = 1e-9
BIASED = junction.FAMILY.problem("bias")
SEVERAL = settings(max_examples=2)
GENERATORS = (Redfield(), PositiveLindblad(), UniversalLindblad(), DetailedBalance())


def widths(draw: st.DrawFn) -> Any:
    """W of two leads: complex, so that reversing it is more than turning its spin."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    A = rng.normal(size=(2, 2, 2)) + 1j * rng.normal(size=(2, 2, 2))
    W = A @ np.conj(np.swapaxes(A, 1, 2))
    return (0.1 * W / np.trace(W, axis1=1, axis2=2).real[:, None, None]).tolist()


@st.composite
def turned(draw: st.DrawFn, **fixed: Any) -> BiasedJunction:
    """One molecule between two magnets at an angle, with spin-orbit coupling and repulsion."""
    values: dict[str, Any] = {
        "molecules": 1,
        "energy_b": draw(number(-0.3, 0.3)),
        "hubbard": draw(number(0, 3)),
        "spin_orbit": draw(number(0.02, 0.2)),
        "lead_orbitals": widths(draw),
        "lead_polarisations": [0.8, 0.6],
        "lead_directions": [[1, 1, 1], [0, 1, -1]],
        "thermal_energy": draw(number(0.2, 0.5)),
        "gate": draw(number(-2, 0.5)),
        "bias": draw(number(0.3, 1.5)),
    }
    return BiasedJunction(**{**values, **fixed})


@SEVERAL
@given(turned())
def test_spin_adds_up_and_no_lead_pushes_its_own_magnet(model: BiasedJunction) -> None:
    for method in GENERATORS:
        state = method.solve(model, ["spin_flow"])
        assert SPIN_CHECKS[0].evaluate(model, state) < LAW, method.name
        n = np.array([[[1, 1, 1], [0, 1, -1]]]) / np.sqrt([3, 2])[:, None]
        assert np.abs((torque(model, state) * n).sum(axis=-1)).max() < LAW


def test_spin_of_one_lead_alone_does_not_add_up() -> None:
    model = turned_model()
    flow = Redfield().solve(model, ["spin_flow"]).parts["spin_flow"]
    assert np.abs(flow.current[:, 0] + flow.torque).max() > 1e-4


def turned_model(**changes: Any) -> BiasedJunction:
    values: dict[str, Any] = {
        "molecules": 1, "energy_a": -1.2, "energy_b": -1.1, "hubbard": 2.0, "hund": 0.5,
        "spin_orbit_vectors": [[0.03, 0.05, 0.02]],
        "lead_orbitals": [[[0.05, 0.02 + 0.01j], [0.02 - 0.01j, 0.03]], [[0.06, -0.01j], [0.01j, 0.04]]],
        "lead_polarisations": [0.8, 0.6], "lead_directions": [[1, 1, 1], [0, 1, -1]],
        "thermal_energy": 0.3, "bias": 0.5,
    }  # fmt: skip
    return BiasedJunction(**{**values, **changes})


def test_the_spin_current_at_rest_is_not_zero_and_what_ule_finds_is_its_own() -> None:
    """Exact: second order in the coupling. redfield, kms: none. ule: first order, and the error says so."""
    free = {"hubbard": 0.0, "hund": 0.0, "bias": 0.0}
    W = np.array(turned_model().lead_orbitals)
    whole, half = (turned_model(**free, lead_orbitals=(x * W).tolist()) for x in (1.0, 0.5))
    exact, halved = (
        np.abs(spin_current(m, BiasedLandauer().solve(m, ["spin_flow"]))).max()
        for m in (whole, half)
    )
    assert exact > 1e-5
    assert 0.15 < halved / exact < 0.7
    for method in (Redfield(), DetailedBalance()):
        assert np.abs(spin_current(whole, method.solve(whole, ["spin_flow"]))).max() < 1e-12
    state = PositiveLindblad().solve(whole, ["spin_flow"])
    own = spin_current(whole, state)
    error = spin_current.error(whole, state) if spin_current.error else 0.0
    far = np.abs(own - spin_current(whole, BiasedLandauer().solve(whole, ["spin_flow"])))
    assert (far < 2 * np.abs(error) + exact).all()
    assert not SPIN_CHECKS[1].judge(SPIN_CHECKS[1].evaluate(whole, state) or 0.0)


@SEVERAL
@given(turned(bias=0.0))
def test_linear_response_is_reciprocal_with_all_magnets_reversed(model: BiasedJunction) -> None:
    for method in (DetailedBalance(), BiasedLandauer()):
        state = with_partners(model, method, "linear", "linear_reversed")
        assert np.abs(onsager_defect(model, state)).max() < 1e-7, method.name
        assert conductance_reciprocity_defect(model, state) < LAW, method.name


def test_local_dissipators_are_not_reciprocal_nor_is_one_magnet_reversed_a_law() -> None:
    model = turned_model(bias=0.0)
    ds = junction.solve(
        model, "ule", observables=["onsager_defect", "conductance_reciprocity_defect"]
    )
    assert np.abs(ds.onsager_defect).max() > 1e-3
    failed = ds.check.values[~ds.audit_passed.values]
    assert {"onsager", "conductance_reciprocity"} <= set(failed)
    both = junction.solve(model, observables=["onsager", "seebeck", "peltier"])
    assert both.attrs["method"] == "kms"
    assert "Onsager" in both.remark.item()
    L = both.onsager.values
    np.testing.assert_allclose(both.seebeck, L[:, 0, 1] / (model.thermal_energy * L[:, 0, 0]))
    np.testing.assert_allclose(both.peltier, L[:, 1, 0] / L[:, 0, 0])
    assert abs(L[0, 0, 1] - L[1, 0, 1]) > 1e-3 * abs(L[0, 0, 1])  # L12(M) is not L12(-M)
    assert abs(L[0, 0, 1] - L[1, 1, 0]) > 1e-3 * abs(
        L[0, 0, 1]
    )  # nor L21 with the left magnet alone


def test_the_slope_is_that_of_differences_and_rows_of_the_conductance_add_up() -> None:
    model, step = turned_model(), 1e-3
    for method in (Redfield(tolerance=1e-14), UniversalLindblad(tolerance=1e-14)):
        slope = with_partners(model, method, "bias_response").parts["bias_response"].slope
        near = [
            method.solve(model.replace(bias=model.bias + n * step)).lead_current[:, 0]
            for n in (-2, -1, 1, 2)
        ]
        difference = (8 * (near[2] - near[1]) - (near[3] - near[0])) / (12 * step)
        np.testing.assert_allclose(slope, difference, atol=1e-9)
    G = junction.solve(model, observables=["conductance_matrix"]).conductance_matrix
    assert np.abs(G.sum("lead_moved")).max() < LAW
    spurious = junction.solve(model, "ule", observables=["conductance_matrix"]).conductance_matrix
    assert np.abs(spurious.sum("lead_moved")).max() > 1e-6


@SEVERAL
@given(turned(thermal_energy_difference=0.1))
def test_entropy_grows(model: BiasedJunction) -> None:
    for method in (Redfield(), DetailedBalance()):
        assert entropy_production.function(model, method.solve(model)).min() > -1e-12


def test_entropy_of_ule_shrinks_where_its_current_at_rest_shows() -> None:
    lowest = min(
        float(entropy_production.function(m, UniversalLindblad().solve(m)).min())
        for m in (turned_model(bias=V) for V in (2e-4, -2e-4))
    )
    assert lowest < -1e-9


def test_local_dissipators_let_heat_flow_from_cold_to_hot_and_the_check_tells() -> None:
    """Two sites, each filled to f(e) of its own level at its own temperature: a control made by hand."""
    e, t, g = np.array([0.5, 1.5]), 0.3, 0.1
    T = np.array([0.4, 1.0])
    h = np.diag(e) + t * (np.ones((2, 2)) - np.eye(2))
    f = 1 / (1 + np.exp(e / T))
    K = 1j * h - g / 2 * np.eye(2)
    C = np.linalg.solve(
        np.kron(K, np.eye(2)) + np.kron(np.eye(2), K.conj()),
        -(g * np.diag(f)).astype(complex).ravel(),
    ).reshape(2, 2)
    lead = [np.diag(g * (f * (np.arange(2) == k))) for k in (0, 1)]
    width = [np.diag(g * (np.arange(2) == k)) for k in (0, 1)]
    Q = np.array(
        [np.trace(h @ (a - (b @ C + C @ b) / 2)).real for a, b in zip(lead, width, strict=True)]
    )
    assert abs(Q.sum()) < 1e-12
    assert -(Q / T).sum() < -1e-4
    check = next(c for c in BIASED.checks if c.name == "entropy_production")
    assert not check.judge(float(-(Q / T).sum() / g))


def test_fluctuations_of_kms_and_gksl_are_symmetric_and_those_of_others_are_not() -> None:
    model = turned_model()
    names = ["fluctuation_symmetry_defect"]
    assert junction.solve(model, "kms", observables=names)[names[0]] < 1e-9
    assert junction.solve(model, "redfield", observables=names)[names[0]] > 1e-5
    uneven = model.replace(thermal_energy_difference=0.2)
    assert junction.solve(uneven, "kms", observables=names)[names[0]] > 1e-2
    shared = {
        name: getattr(model, name)
        for name in (
            "energy_b",
            "hubbard_a",
            "lead_orbitals",
            "lead_polarisations",
            "lead_directions",
        )
    }
    flat = Junction(molecules=1, **shared, lead_occupations=[0.8, 0.1])
    assert junction.solve(flat, observables=names)[names[0]] < 1e-9
    full = junction.solve(flat.replace(lead_occupations=[1.0, 0.0]), observables=names)
    assert np.isnan(full[names[0]])  # no electron returns
    assert not full.audit_passed.sel(check="fluctuation_symmetry")


def test_cumulants_of_both_leads_agree_and_the_second_is_the_noise() -> None:
    model = turned_model()
    state = DetailedBalance().solve(model, ["cumulants", "noise", "generating_function"])
    found = state.parts["cumulants"]
    np.testing.assert_allclose(found[:, 0], found[:, 1] * [-1, 1, -1, 1], atol=1e-11)
    np.testing.assert_allclose(found[:, 0, 1], state.noise, atol=1e-11)
    generating = state.parts["generating_function"]
    middle = np.argmin(np.abs(generating.field[0]))
    np.testing.assert_allclose(generating.slope[:, middle], state.lead_current[:, 0], atol=1e-11)
    lost = np.diff(generating.slope, axis=1)
    assert (lost > 0).all()  # convex


def test_cumulants_from_small_differences_drown_in_rounding() -> None:
    """Fourth differences of the generating function: right from wide steps, rounding from small ones."""
    model = turned_model(lead_polarisations=[0.0, 0.0], bias=1.0)
    errors = []
    for step in (0.1, 1e-4):
        one = model.replace(counting_field=tuple(step * np.arange(-3, 4)))
        state = Redfield().solve(one, ["cumulants", "generating_function"])
        values = state.parts["generating_function"].value[0]
        weights = np.array([-1, 12, -39, 56, -39, 12, -1]) / 6
        exact = state.parts["cumulants"][0, 0, 3]
        errors.append(abs(weights @ values / step**4 / exact - 1))
    assert errors[0] < 1e-2
    assert errors[1] > 1


def test_spectra_obey_their_rules() -> None:
    model = turned_model(bias=0.0, energy=np.linspace(-8, 8, 641))
    for method, positive in ((GKSL(), True), (DetailedBalance(), True), (Redfield(), False)):
        if isinstance(method, GKSL):
            one: Any = Junction(
                molecules=1, hubbard=1.0, coupling=0.4, energy=np.linspace(-40, 40, 1601)
            )
        else:
            one = model
        ds = junction.solve(one, method, observables=["spectral_function", "spectral_lesser"])
        assert ds.audit_passed.sel(check="spectral_sum").item()
        A = ds.spectral_function.values
        total = np.trapezoid(A, np.asarray(one.energy), axis=1)
        np.testing.assert_allclose(total, np.broadcast_to(np.eye(4), total.shape), atol=0.02)
        lesser = np.linalg.eigvalsh(ds.spectral_lesser.values)
        assert (lesser.min() > -1e-9) == positive or not positive


def test_transients_conserve_charge_and_end_in_the_steady_state() -> None:
    angles = ([[np.sin(x), 0, np.cos(x)], [0, 0, 1]] for x in (np.pi / 3, np.pi))
    after, before = angles
    model = SwitchedBias(
        energy_b=0.1, hubbard=2, lead_polarisation=0.9, bias=6, thermal_energy=0.2, gate=-1,
        lead_directions=after, initial_state="turned", initial_directions=before, time=[0, 5, 300],
        dephasing=0.02,
    )  # fmt: skip
    found = {k: junction.solve(model, k, observables=["current"]) for k in ("redfield", "kms")}
    ds = found["redfield"]
    values = {
        k: getattr(model, k) for k in model.model_fields_set & BiasedJunction.model_fields.keys()
    }
    steady = Redfield().solve(BiasedJunction(**{**values, "molecules": 1})).lead_current
    np.testing.assert_allclose(ds.current.isel(time=-1), steady, atol=1e-7)
    assert np.abs(ds.current.isel(time=0) - steady).max() > 0.01
    assert ds.audit_passed.sel(check="continuity")
    assert not ds.audit_passed.sel(check="memory")  # from 0 on: before hbar/k_BT
    assert ds.audit_passed.sel(check="exchange_field")  # one magnet
    given = {k: getattr(model, k) for k in model.model_fields_set - {"lead_polarisation"}}
    two = SwitchedBias(**{**given, "lead_polarisations": (0.9, 0.5), "time": (5.0,)})
    checked = {k: junction.solve(two, k).audit_passed for k in ("redfield", "ule")}
    assert not checked["redfield"].sel(check="exchange_field")
    assert checked["ule"].sel(check="exchange_field")
    np.testing.assert_allclose(
        ds.current.isel(time=0), found["kms"].current.isel(time=0), atol=2e-4
    )


def test_what_cannot_be_asked_is_refused_with_a_reason() -> None:
    model = turned_model()
    for method, name, words in (
        ("landauer", "green_function", "no many-body Green function"),
        ("hierarchy", "spectral_function", "no many-body Green function"),
        ("landauer", "cumulants", "counts no electrons"),
    ):
        quick = junction.Hierarchy(tier=1, tolerance=1e-4) if method == "hierarchy" else method
        with pytest.raises(ModelError, match=words):
            junction.solve(model, quick, observables=[name])
    matrices = np.stack([np.eye(4) * 0.1] * 2).tolist()
    with pytest.raises(ModelError, match="need not have one direction"):
        junction.solve(
            BiasedJunction(molecules=1, lead_matrices=matrices), "redfield", observables=["torque"]
        )
    with pytest.raises(ModelError, match="ascend"):
        junction.solve(
            model.replace(energy=(1.0, 0.0)), "redfield", observables=["density_of_states"]
        )
    with pytest.raises(ModelError, match="belongs to the steady state"):
        SwitchedBias(energy=(0.0,))
    closed = BiasedJunction(
        molecules=2, hopping_a=0, hopping_b=0, spin_orbit=0.1, hubbard=1, thermal_energy=1
    )
    with pytest.raises(ConvergenceError, match="L11 = 0"):
        junction.solve(closed, observables=["seebeck"])
