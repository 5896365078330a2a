"""Laws of vibrating junctions, each with a control that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin import junction
from chirospin.base.discrepancy import discrepancies
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.junction import GKSL, BornApproximation, Junction, MeanField
from chirospin.junction.audit import mirror_image, turned
from chirospin.junction.manybody.counting import NOISE
from chirospin.junction.modes import modes, time_reversal_mixed
from chirospin.junction.phonons import methods
from chirospin.junction.phonons.audit import AUDITS, CHECKS
from chirospin.junction.phonons.bath import noise
from chirospin.junction.phonons.gradients import truncated_gradients
from chirospin.junction.phonons.methods import Exact, Levels, Tiers
from chirospin.junction.phonons.model import PhononJunction
from chirospin.junction.phonons.solution import Stage
from chirospin.junction.phonons.state import PhononState

ROUNDING = 1e-10  # two solves of residual 1e-12 over relaxations of 1e-2
ONE = {"phonon_energy": 0.5, "phonon_damping": 0.1}


def holstein(g: float, **changes: Any) -> PhononJunction:
    values: dict[str, Any] = {**ONE, "holstein_a": [[g, -g]], "holstein_b": [[g, -g]]}
    return PhononJunction(**{"phonon_tiers": 1, **values, **changes})


def half_polarised(g: float, **changes: Any) -> PhononJunction:
    """One molecule that polarises: out of the plane its vector and its mode's differ."""
    values: dict[str, Any] = {
        "molecules": 1,
        "holstein_a": [[g]],
        "holstein_b": [[-g]],
        "spin_orbit_vectors": [[0.3, 0.0, 0.2]],
        "spin_coupling": [[[0.0, 0.0, g]]],
    }
    return holstein(0.0, **{**values, **changes})


def polarisation(state: PhononState) -> float:
    up, down = state.lead_current[:, 0]
    return float((up - down) / (up + down))


def certificate(name: str, model: PhononJunction, state: PhononState) -> tuple[float, bool]:
    (check,) = (one for one in CHECKS if one.name == name)
    value = check.evaluate(model, state)
    assert value is not None
    return value, check.judge(value)


@st.composite
def vibrating(draw: st.DrawFn, **fixed: Any) -> PhononJunction:
    """A dimer with a time-reversal invariant mode of every kind."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    g = 0.05
    values: dict[str, Any] = {
        "phonon_energy": rng.uniform(0.3, 3),
        "phonon_damping": rng.uniform(0.1, 0.5),
        "thermal_energy": rng.uniform(0, 1),
        "hubbard": rng.uniform(0, 5),
        "coupling_b": rng.uniform(0.05, 0.3),
        "holstein_a": g * rng.normal(size=(1, 2)),
        "holstein_b": g * rng.normal(size=(1, 2)),
        "peierls_a": g * rng.normal(size=(1, 1)),
        "peierls_b": g * rng.normal(size=(1, 1)),
        "spin_orbit_modulation": 0.02 * rng.normal(size=(1, 2, 3)) * [1, 1, 0],
        "occupation_left": rng.uniform(0.7, 1),
        "lead_polarisation": rng.uniform(0.3, 1),
    }
    return PhononJunction(**{**values, **fixed})


@settings(max_examples=2, deadline=None)
@given(vibrating())
def test_certificates_hold_in_both_representations(model: PhononJunction) -> None:
    for given_one, method in (({"phonon_tiers": 2}, Tiers()), ({"phonon_levels": [2]}, Levels())):
        one = model.replace(**given_one)
        state = method.solve(one)
        for name in (
            "residual",
            "trace",
            "hermiticity",
            "lead_balance",
            "bond_balance",
            "first_law",
        ):
            value, passed = certificate(name, one, state)
            assert passed, (name, value)
        positive = "smallest_eigenvalue" + ("_of_tiers" if "phonon_tiers" in given_one else "")
        assert certificate(positive, one, state)[1]


@settings(max_examples=1, deadline=None)
@given(vibrating(phonon_tiers=1, spin_coupling=[[[0.01, -0.02, 0.03], [0, 0.01, 0.02]]]))
def test_the_mirror_image_takes_the_other_sign(model: PhononJunction) -> None:
    """With a mode of all kinds, odd ones too; a turn about the axis changes nothing."""
    one, other, again = Tiers().solve_many([model, mirror_image(model), turned(model)])
    assert other.lead_current[::-1] == pytest.approx(one.lead_current, abs=ROUNDING)
    assert again.lead_current == pytest.approx(one.lead_current, abs=ROUNDING)


def test_a_mirror_that_forgets_the_mode_is_none() -> None:
    """Control of the law above: only the static vectors reflected."""
    twist = {"spin_orbit_modulation": [[[0.0, 0, 0], [-0.03, 0.02, 0]]]}
    model = holstein(0.0, **twist)
    half = mirror_image(model).replace(**twist)
    one, other = Tiers().solve_many([model, half])
    assert np.abs(other.lead_current[::-1] - one.lead_current).max() > 1e-6


@pytest.fixture(scope="module")
def plain() -> Any:
    return GKSL().solve(Junction())


def test_a_mode_that_moves_nothing_leaves_the_old_numbers(plain: Any) -> None:
    for model in (holstein(0.0), PhononJunction()):
        assert Exact().solve(model).lead_current == pytest.approx(plain.lead_current, abs=ROUNDING)
    state = Levels().solve(holstein(0.0, phonon_tiers=None, phonon_levels=[6], thermal_energy=0.1))
    assert state.lead_current == pytest.approx(plain.lead_current, abs=ROUNDING)
    assert state.phonon_number == pytest.approx(1 / np.expm1(5.0), abs=1e-9)  # thermal


def test_a_mode_of_the_total_charge_drops_out(plain: Any) -> None:
    """x times the number of electrons commutes with all that keeps it; the mode itself is not thermal."""
    model = holstein(0.0, holstein_a=[[0.2, 0.2]], holstein_b=[[0.2, 0.2]], phonon_tiers=2)
    state = Tiers().solve(model)
    assert state.lead_current == pytest.approx(plain.lead_current, abs=ROUNDING)
    assert (state.phonon_number > 0.1).all()
    control = Tiers().solve(model.replace(holstein_b=[[0.19, 0.2]], phonon_tiers=1))
    assert np.abs(control.lead_current - plain.lead_current).max() > 1e-5


def test_the_sign_of_a_coordinate_is_a_name() -> None:
    model = holstein(0.05, spin_coupling=[[[0, 0, 0.02], [0, 0, 0]]])
    turned_round = model.replace(
        holstein_a=[[-0.05, 0.05]],
        holstein_b=[[-0.05, 0.05]],
        spin_coupling=[[[0, 0, -0.02], [0, 0, 0]]],
    )
    half = model.replace(holstein_a=[[-0.05, 0.05]], holstein_b=[[-0.05, 0.05]])
    one, same, other = Tiers().solve_many([model, turned_round, half])
    assert same.lead_current == pytest.approx(one.lead_current, abs=ROUNDING)
    assert np.abs(other.lead_current - one.lead_current).max() > 1e-5


def test_equal_modes_mix_freely() -> None:
    """Two equal modes are any rotation of themselves, and one local mode on each molecule is the difference."""
    two: dict[str, Any] = {"phonon_energy": [0.5, 0.5], "phonon_damping": [0.1, 0.1]}
    g = 0.07
    local = [[g, 0.0], [0.0, g]]
    c, s = np.cos(0.6), np.sin(0.6)
    mixed = np.array([[c, -s], [s, c]]) @ local
    models = [
        holstein(0, **two, holstein_a=local, holstein_b=local),
        holstein(0, **two, holstein_a=mixed, holstein_b=mixed),
        holstein(g / np.sqrt(2)),
        holstein(
            0,
            phonon_energy=[0.5, 0.55],
            phonon_damping=[0.1, 0.1],
            holstein_a=mixed,
            holstein_b=mixed,
        ),
    ]
    one, rotated, difference, control = (s.lead_current for s in Tiers().solve_many(models))
    assert rotated == pytest.approx(one, abs=ROUNDING)
    assert difference == pytest.approx(one, abs=ROUNDING)
    assert np.abs(control - one).max() > 1e-6


def test_all_energies_scale_together() -> None:
    model = holstein(0.05, thermal_energy=0.2)
    units = ("eV",)
    scaled = {
        info.name: 3 * np.array(value)
        for info in model.parameters()
        if info.unit in units and (value := getattr(model, info.name)) is not None
    }
    one, other = Tiers().solve_many([model, model.replace(**scaled)])
    assert other.lead_current == pytest.approx(3 * one.lead_current, abs=3 * ROUNDING)


def test_classical_noise_without_repulsion_polarises_nothing() -> None:
    """White noise of a time-reversal even, or odd, matrix leaves P = 0 at U = 0; of a mixed one it does not."""
    even = np.kron(np.diag([1.0, -1.0]), np.eye(4))
    odd = np.kron(np.eye(4), np.diag([1.0, -1.0]))
    mixed = even + np.kron(np.diag([1.0, 0.0]), np.kron(np.eye(2), np.diag([1.0, -1.0])))
    P = [
        polarisation(Tiers().solve(PhononJunction(hubbard=0, dephasing=0.02, dephasing_matrix=m)))
        for m in (even, odd, mixed)
    ]
    assert P[:2] == pytest.approx([0.0, 0.0], abs=1e-11)
    assert P[2] == pytest.approx(-1.2e-2, abs=1e-3)


def test_a_quantum_mode_without_repulsion_polarises_a_little() -> None:
    """P = 0.161 g^2 at U = 0, which vanishes as 1/T at fixed noise; a mixed mode stays."""
    g = 0.01
    cold = polarisation(Tiers().solve(holstein(g, hubbard=0, thermal_energy=0.1)))
    assert cold == pytest.approx(0.161 * g**2, rel=0.01)

    def at(T: float, **odd: Any) -> float:
        strength = np.sqrt(0.0054 * np.tanh(0.25 / T))
        return polarisation(Tiers().solve(holstein(strength, hubbard=0, thermal_energy=T, **odd)))

    warm, hot = at(2.5), at(62.5)
    assert hot * 62.5 == pytest.approx(warm * 2.5, rel=0.05)
    assert hot < 3e-6
    field = np.sqrt(0.0054 * np.tanh(0.25 / 62.5))
    assert abs(at(62.5, spin_coupling=[[[0, 0, field], [0, 0, 0]]])) > 1e-3


def test_equal_occupations_carry_a_thermoelectric_current() -> None:
    """No product state beside a cold mode; P has no meaning. At fixed noise the current dies as 1/T."""

    def current(T: float) -> float:
        g = 0.1 * np.sqrt(np.tanh(0.25 / T))
        model = holstein(g, occupation_left=0.5, occupation_right=0.5, thermal_energy=T)
        return float(np.abs(Tiers().solve(model).lead_current[:, 0]).max())

    cold, warm, hot = current(0.1), current(2.0), current(20.0)
    assert 1e-6 < cold < 1e-3
    assert hot * 20 == pytest.approx(warm * 2, rel=0.1)
    model = holstein(0.1, occupation_left=0.5, occupation_right=0.5)
    ds = junction.solve(model, "tiers", observables=["spin_polarisation"])
    assert np.isnan(ds.spin_polarisation)


def test_one_molecule_with_vectors_in_a_plane_polarises_nothing() -> None:
    """The plane is that of its vector, the vector of its mode, and z."""
    alone: dict[str, Any] = {"molecules": 1, "holstein_a": [[0.1]], "holstein_b": [[-0.1]]}
    flat, standing = (
        polarisation(Tiers().solve(holstein(0, **alone, spin_orbit_modulation=[[vector]])))
        for vector in ([0.02, 0.0, 0.05], [0.02, 0.05, 0.0])
    )
    assert flat == pytest.approx(0, abs=1e-10)
    assert abs(standing) > 1e-5


def test_a_mode_with_both_parities_is_found() -> None:
    (audit,) = (one for one in AUDITS if one.name == "time_reversal")
    even = holstein(0.05)
    odd = holstein(0.0, spin_coupling=[[[0.05, 0, 0], [0, 0, 0.05]]])
    both = holstein(0.05, spin_coupling=[[[0, 0, 0.05], [0, 0, 0]]])
    twisted = holstein(0.0, spin_orbit_modulation=[[[0.1, 0.2, 0.3], [0, 0, 0.1]]])
    for model in (even, odd, twisted):
        assert audit.run(model, Tiers()).passed
    assert not audit.run(both, Tiers()).passed
    assert time_reversal_mixed(modes(both).coupling) > 1e-3


def test_noise_is_that_of_the_old_method_and_of_both_representations() -> None:
    free = holstein(0.0, hubbard=2.0)
    (old,) = GKSL().solve_with([Junction(hubbard=2.0)], frozenset({NOISE}))
    (new,) = Tiers().solve_with([free], frozenset({NOISE}))
    assert new.parts[NOISE].values == pytest.approx(old.parts[NOISE].values, rel=1e-7)
    cold: dict[str, Any] = {"hubbard": 2.0, "thermal_energy": 0.05, "molecules": 1}
    local = holstein(0, **cold, holstein_a=[[0.05]], holstein_b=[[-0.05]], spin_orbit=0.3)
    (tiers,) = Tiers().solve_with([local.replace(phonon_tiers=6)], frozenset({NOISE}))
    many = local.replace(phonon_tiers=None, phonon_levels=[8])
    (levels,) = Levels().solve_with([many], frozenset({NOISE}))
    assert levels.parts[NOISE].values == pytest.approx(tiers.parts[NOISE].values, rel=1e-5)
    assert levels.parts[NOISE].values != pytest.approx(
        Tiers()
        .solve_with([local.replace(holstein_b=[[0.05]])], frozenset({NOISE}))
        .__next__()
        .parts[NOISE]
        .values,
        rel=1e-4,
    )


def test_too_small_a_truncation_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A given one keeps its result and fails its check; one of our own choice raises."""
    strong: dict[str, Any] = {"molecules": 1, "holstein_a": [[0.6]], "holstein_b": [[-0.6]]}
    given_levels = holstein(0, **strong, phonon_tiers=None, phonon_levels=[3])
    state = Levels().solve(given_levels)
    assert state.outcome.converged
    assert not certificate("top_level", given_levels, state)[1]
    given_tiers = half_polarised(1.0, phonon_tiers=2)
    state = Tiers().solve(given_tiers)
    assert state.outcome.converged
    assert not certificate("tier_change", given_tiers, state)[1]
    weak = holstein(0.01, phonon_tiers=1)
    assert certificate("one_tier", weak, Tiers().solve(weak))[1]
    assert not certificate("one_tier", given_tiers, Tiers().solve(half_polarised(0.2)))[1]
    monkeypatch.setattr(methods, "LARGEST_CHOSEN_LEVELS", 8)
    with pytest.raises(ConvergenceError, match="phonon_levels"):
        junction.solve(half_polarised(0.7, thermal_energy=1.0, phonon_tiers=None), "levels")
    monkeypatch.setattr(methods, "LARGEST_CHOSEN_TIERS", 6)
    monkeypatch.setattr(methods, "TIER_CHANGE", 1e-9)
    with pytest.raises(ConvergenceError, match="phonon_tiers"):
        junction.solve(half_polarised(0.2, phonon_tiers=None), "tiers")


def test_the_rule_chooses() -> None:
    def named(model: PhononJunction) -> str:
        return Exact().representation(model, Stage.of(model)).name

    free: dict[str, Any] = {"phonon_tiers": None}
    assert named(holstein(0.05, **free, thermal_energy=0.1)) == "tiers"
    assert named(holstein(0.2, **free, thermal_energy=0.1)) == "levels"
    assert named(holstein(0.2, **free, thermal_energy=0.3)) == "tiers"
    assert named(holstein(0.05, **free, phonon_levels=[4])) == "levels"


@pytest.mark.parametrize(
    ("bath", "balanced"), [("local", False), ("dressed", False), ("brownian", True)]
)
def test_detailed_balance_is_the_brownian_bath_s(bath: str, balanced: bool) -> None:
    T = 0.3
    model = holstein(0.05, thermal_energy=T, phonon_bath=bath, phonon_tiers=1)
    seen = noise(modes(model), T, bath, 400 if bath == "brownian" else 0)  # type: ignore[arg-type]
    y = np.array([0.1, 0.3, 0.8])
    ratio = seen.spectrum(0, y) / seen.spectrum(0, -y) / np.exp(y / T)
    assert bool(np.abs(ratio - 1).max() < 1e-4) == balanced


def test_quanta_of_an_effective_field_are_refused() -> None:
    dressed = half_polarised(0.1, phonon_bath="dressed", phonon_tiers=2)
    for name in ("phonon_number", "mode_heat"):
        with pytest.raises(ModelError, match="method levels"):
            junction.solve(dressed, "tiers", observables=[name])
    assert "phonon_number" not in junction.solve(dressed, "tiers")
    seen = junction.solve(
        dressed.replace(phonon_tiers=None, phonon_levels=[3]),
        "levels",
        observables=["phonon_number"],
    )
    assert (seen.phonon_number > 0).all()


BAD = {
    "no damping": {"phonon_energy": [0.5]},
    "negative energy": {"phonon_energy": [-0.5], "phonon_damping": [0.1]},
    "zero damping": {"phonon_energy": [0.5], "phonon_damping": [0.0]},
    "one level": {**ONE, "phonon_levels": [1]},
    "no tiers": {**ONE, "phonon_tiers": 0},
    "half a level": {**ONE, "phonon_levels": [2.5]},
    "both truncations": {**ONE, "phonon_levels": [4], "phonon_tiers": 2},
    "shape": {**ONE, "holstein_a": [[0.1, 0.1, 0.1]]},
    "lengths": {"phonon_energy": [0.5, 0.6], "phonon_damping": [0.1]},
    "coupling without a mode": {"holstein_a": [[0.1, 0.1]]},
    "peierls of one molecule": {**ONE, "molecules": 1, "peierls_a": [[0.1]]},
    "not Hermitian": {**ONE, "phonon_matrices": [np.triu(np.ones((8, 8)))]},
    "complex": {**ONE, "holstein_a": [[1j, 0]]},
    "NaN": {**ONE, "holstein_a": [[np.nan, 0]]},
    "ohmic": {**ONE, "phonon_bath": "ohmic"},
    "overdamped brownian": {"phonon_energy": 0.5, "phonon_damping": 1.0, "phonon_bath": "brownian"},
    "cold brownian": {**ONE, "thermal_energy": 0, "phonon_bath": "brownian"},
    "matsubara": {**ONE, "phonon_matsubara": 2},
    "negative T": {**ONE, "thermal_energy": -0.1},
    "two temperatures": {**ONE, "thermal_energy": 0.1, "phonon_thermal_energy": 0.1},
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(case: str) -> None:
    with pytest.raises(ModelError) as caught:
        PhononJunction(**BAD[case])
    assert "\n" not in str(caught.value)
    assert "`" in str(caught.value)


def test_levels_have_no_brownian_bath() -> None:
    with pytest.raises(ModelError, match="tiers"):
        Levels().solve(holstein(0.05, phonon_bath="brownian"))


def test_the_born_approximation_is_exact_to_second_order_without_repulsion() -> None:
    """Its shortcut is not; and without a mode, or a Fock term, it is the density without repulsion."""
    weak = holstein(0.02, hubbard=0, thermal_energy=0.1, phonon_tiers=2)
    exact = polarisation(Tiers().solve(weak))
    bare = weak.replace(phonon_tiers=None)
    full, short = (BornApproximation(self_energy=kind).solve(bare) for kind in ("full", "diagonal"))
    assert polarisation(full) == pytest.approx(exact, rel=0.01)  # the next order is 12 g^2 here
    assert abs(polarisation(short) / exact - 1) > 0.2
    for name in ("self_consistency", "grid_balance", "grid_change"):
        assert certificate(name, bare, full)[1]
    coarse = BornApproximation(frequencies=300).solve(bare)
    assert not certificate("grid_change", bare, coarse)[1]
    assert np.abs(coarse.lead_current - full.lead_current).max() < 0.1 * coarse.grid_change
    free = BornApproximation(frequencies=64).solve(PhononJunction(hubbard=0.01))
    assert free.lead_current == pytest.approx(
        MeanField().solve(Junction(hubbard=0.01)).lead_current, abs=1e-9
    )


def test_equal_occupations_without_repulsion_carry_what_the_cold_mode_drives() -> None:
    """A mode of the total charge drives nothing, within the stated error; an alternating one what tiers say."""
    still = {"hubbard": 0, "occupation_left": 0.3, "occupation_right": 0.3, "thermal_energy": 0.1}
    for g, sign in ((0.05, 1), (0.02, -1)):
        model = holstein(0.0, **still).replace(
            phonon_damping=[0.2], holstein_a=[[g, sign * g]], holstein_b=[[g, sign * g]]
        )
        state = BornApproximation().solve(model)
        found, error = state.lead_current[:, 0], state.errors["current"]
        if sign > 0:
            assert (np.abs(found) <= error).all()
            assert error.max() < 1e-8
        else:
            exact = Tiers().solve(model.replace(phonon_tiers=1)).lead_current[:, 0]
            assert found == pytest.approx(exact, rel=0.02)  # the next order in g^2
            assert (found > 1e3 * error).all()


def test_errors_of_a_truncation_cover_what_more_of_it_changes() -> None:
    """Tiers, one tier and levels against many levels; methods side by side say whether they do."""
    model = half_polarised(0.1, thermal_energy=0.3, phonon_tiers=None)
    many = junction.solve(model.replace(phonon_levels=[10]), "levels")
    cut = (
        ("tiers", {"phonon_tiers": 4}),
        ("tiers", {"phonon_tiers": 1}),
        ("levels", {"phonon_levels": [4]}),
    )
    for method, truncation in cut:
        few = junction.solve(model.replace(**truncation), method)
        for name in ("spin_polarisation", "current", "phonon_number", "energy_current"):
            allowed = few[f"{name}_error"]
            if allowed.notnull().all():  # one tier knows no number of quanta
                assert (np.abs(few[name] - many[name]) <= allowed + 1e-12).all(), (truncation, name)
    born = BornApproximation(frequencies=1024, tolerance=1e-6)
    both = junction.solve(model.replace(hubbard=0, phonon_tiers=4), ["tiers", born])
    verdicts = {one.observable: one for one in discrepancies(both)}
    assert verdicts["spin_polarisation"].agree is False  # Born leaves out the fourth order
    assert verdicts["displacement"].agree is None
    same = junction.solve(model.replace(phonon_tiers=4), ["tiers", "levels"])
    assert all(one.agree for one in discrepancies(same))


def test_derivatives_are_those_of_differences() -> None:
    """In both representations, by parameters of molecule, leads and bath; not those of another truncation."""
    model = half_polarised(0.1, thermal_energy=0.3, occupation_left=0.9, phonon_tiers=None)
    names = ("hubbard", "thermal_energy", "coupling", "occupation_left")
    for method, truncation in ((Tiers(), {"phonon_tiers": 2}), (Levels(), {"phonon_levels": [3]})):
        one = model.replace(**truncation)
        found = truncated_gradients(one, method, names).values["spin_polarisation"]
        places = [4.0, 0.3, 0.1, 0.9]
        for name, place, slope in zip(names, places, found, strict=True):
            h = 1e-4 * place
            up, down = method.solve_many([one.replace(**{name: place + s}) for s in (h, -h)])
            difference = (polarisation(up) - polarisation(down)) / (2 * h)
            assert slope == pytest.approx(difference, rel=1e-5, abs=1e-9), name
