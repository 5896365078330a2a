"""Derivatives of the current: laws that bind them, central differences, and optima."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings

from chirospin import junction
from chirospin.junction import GKSL, Junction, Landauer
from chirospin.junction.manybody.response import response
from chirospin.points.gradient import derivatives, differentiable, gradient, held
from chirospin.points.optimise import objective, optimise, search_range
from tests.laws.junctions import junctions
from tests.oracles import full_fock

LAW = 1e-8  # adjoint residual 1e-12 over relaxation rates of 1e-3, on derivatives of size ten
DIFFERENCES = 1e-7  # as asked of every derivative
PROBLEM = junction.PROBLEM
ENERGIES = [
    i.name for i in Junction.parameters() if i.unit == "eV" and i.name in differentiable(Junction())
]


def slopes(model: Junction, names: list[str] | None = None) -> dict[str, dict[str, np.ndarray]]:
    names = names or differentiable(model)
    found = derivatives(PROBLEM, model, GKSL(), names)
    return {k: dict(zip(names, v, strict=True)) for k, v in found.values.items()}


@given(junctions(hund=0.2, intersite_repulsion=0.3, hopping_ab=0.1))
def test_scaling_every_energy_scales_the_current(model: Junction) -> None:
    """I is homogeneous of degree one in all energies, P of degree zero (Euler)."""
    found = slopes(model)
    euler = sum(getattr(model, name) * found["current"][name] for name in ENERGIES)
    assert euler == pytest.approx(GKSL().solve(model).lead_current[:, 0], abs=LAW)
    flat = sum(getattr(model, name) * found["spin_polarisation"][name] for name in ENERGIES)
    assert flat == pytest.approx(0.0, abs=LAW)


def test_leaving_one_energy_out_breaks_that_law() -> None:
    found = slopes(Junction())
    rest = [n for n in ENERGIES if n != "hopping_b"]
    flat = sum(getattr(Junction(), n) * found["spin_polarisation"][n] for n in rest)
    assert abs(flat) > 1e-2


@given(junctions(general=True))
def test_equal_shifts_of_levels_or_of_repulsions_change_nothing(model: Junction) -> None:
    """Constant occupations know no energy zero, and N (N - 1)/2 commutes with everything else."""
    found = slopes(model)["current"]
    levels = found["energy_a"] + found["energy_b"]
    names = ("hubbard_a", "hubbard_b", "hubbard_ab_singlet", "hubbard_ab_triplet")
    repulsion = sum(found[n] for n in names) + found["intersite_repulsion"]
    assert np.abs(levels).max() < LAW
    assert np.abs(repulsion).max() < LAW


def test_shifting_one_level_alone_changes_the_current() -> None:
    assert np.abs(slopes(Junction(), ["energy_a"])["current"]["energy_a"]).min() > 1e-3


@given(junctions())
def test_mirror_images_have_opposite_slopes_of_the_polarisation(model: Junction) -> None:
    one, other = slopes(model), slopes(model.replace(handedness=-1))
    for name in ("hubbard_a", "twist", "coupling_b"):
        assert one["spin_polarisation"][name] == pytest.approx(
            -other["spin_polarisation"][name], abs=LAW
        )


@settings(max_examples=2)
@given(junctions(hund=0.1, occupation_left=0.9, occupation_right=0.2, lead_polarisation=0.7))
def test_every_derivative_equals_central_differences(model: Junction) -> None:
    """All parameters at once, up or down: a wrong derivative shows in any such direction."""
    names = [n for n in differentiable(model) if n != "hopping_ab"]
    found = slopes(model, names)["current"]
    dice, step = np.random.default_rng(0), 2e-4
    for signs in dice.choice([-1.0, 1.0], size=(2, len(names))):
        moved = [
            held(
                model,
                **{n: getattr(model, n) + k * step * s for n, s in zip(names, signs, strict=True)},
            )
            for k in (-2, -1, 1, 2)
        ]
        a, b, c, d = (state.lead_current[:, 0] for state in GKSL().solve_many(moved))
        along = sum(s * found[n] for n, s in zip(names, signs, strict=True))
        assert along == pytest.approx((a - 8 * b + 8 * c - d) / (12 * step), abs=DIFFERENCES)


def test_derivatives_equal_those_of_the_dense_generator_of_one_molecule() -> None:
    """The oracle's null space of the whole 256 x 256 generator, differentiated by central differences."""
    values = {"molecules": 1, "energy_b": 0.3, "spin_orbit": 0.2, "hund": 0.1, "coupling_b": 0.25}
    values |= {"occupation_left": 0.8, "occupation_right": 0.1, "lead_polarisation": 0.6}
    model = Junction(**values, hubbard_ab_triplet=3.0)
    found = slopes(model)["current"]

    def current(**changes: float) -> np.ndarray:
        p = full_fock.Parameters(**{**values, "hubbard_ab_triplet": 3.0, **changes})
        states = [(m, full_fock.steady_state(p, m)) for m in (1, -1)]
        return np.array([full_fock.current(p, m, rho) for m, rho in states])

    step = 1e-3
    for name in ("spin_orbit", "energy_b", "hubbard_a", "hund", "coupling_b", "occupation_left"):
        at = getattr(model, name)
        a, b, c, d = (current(**{name: at + k * step}) for k in (-2, -1, 1, 2))
        assert found[name] == pytest.approx((a - 8 * b + 8 * c - d) / (12 * step), abs=DIFFERENCES)


def test_the_series_current_has_known_slopes() -> None:
    """One molecule without coupling between its orbitals: I = sum gL gR/(gL + gR) (fL - fR)."""
    model = Junction(molecules=1, spin_orbit=0, lead_polarisation=0.0, coupling_a=0.2)
    found = slopes(model)["current"]
    assert found["coupling_a"] == pytest.approx([2 / 3] * 2, abs=1e-10)
    total = 2 / 3 * (0.2 + 0.1)
    assert found["occupation_left"] == pytest.approx([total] * 2, abs=1e-10)
    assert found["occupation_right"] == pytest.approx([-total] * 2, abs=1e-10)
    assert found["hubbard_a"] == pytest.approx([0.0] * 2, abs=1e-10)


@pytest.mark.parametrize(
    "model",
    [
        Junction(),
        Junction().replace(hubbard=8.0),
        Junction(occupation_left=0.9),
        Junction(molecules=1),
    ],
)
def test_all_derivatives_cost_one_more_solve(model: Junction) -> None:
    found = response(model, GKSL())
    forward = sum(answer.outcome.iterations for answer in found.solved.states) / 2
    assert found.applications <= 1.2 * forward


def test_a_method_without_an_adjoint_is_differentiated_by_differences() -> None:
    model = Junction(hubbard=0, occupation_left=0.9, occupation_right=0.2, lead_polarisation=0.5)
    names = ["hopping_a", "coupling", "lead_polarisation"]
    one = gradient(PROBLEM, model, Landauer(), names=names, observables=["current"])
    two = gradient(PROBLEM, model, GKSL(), names=names, observables=["current"])
    assert (one.attrs["derivatives"], two.attrs["derivatives"]) == ("differences", "adjoint")
    assert one.d_current.values == pytest.approx(two.d_current.values, abs=DIFFERENCES)


def test_slopes_of_given_leads_are_differences_and_say_so() -> None:
    """By hand: gksl of a level between given magnets is I0 (1 - p^2 sin^2 theta/2), I0 linear in the widths."""
    p, W = 0.6, [np.diag([0.05, 0.05])] * 2
    model = Junction(
        molecules=1, spin_orbit=0.0, energy_b=0.3, hubbard=0, lead_orbitals=W,
        lead_polarisations=[p, p], lead_directions=[[1, 0, 0], [0, 0, 1]],
    )  # fmt: skip
    ds = gradient(PROBLEM, model, GKSL(), names=["occupation_right"], observables=["mean_current"])
    assert ds.attrs["derivatives"] == "differences"
    assert ds.d_mean_current.item() == pytest.approx(-0.1 * (1 - p**2 / 2), abs=DIFFERENCES)
    plain = gradient(PROBLEM, Junction(molecules=1), names=["hubbard"])
    assert plain.attrs["derivatives"] == "adjoint"


def test_the_optimum_beats_a_grid_and_its_slopes_vanish() -> None:
    ranges = [
        search_range(Junction(), "hubbard", 0, 8),
        search_range(Junction(), "energy_b", 0.4, 1.4),
    ]
    ds = optimise(PROBLEM, Junction(), "abs(spin_polarisation)", ranges, starts=2, screen=16)
    grid = junction.solve(over={"hubbard": [3, 5, 6, 7], "energy_b": [0.6, 0.8, 0.9, 1.2]})
    found = float(abs(ds.spin_polarisation))
    assert found > float(abs(grid.spin_polarisation).max())
    assert found == pytest.approx(float(ds.path_objective.max()), abs=1e-12)
    at = Junction(energy_b=ds.attrs["parameter_energy_b"]).replace(
        hubbard=ds.attrs["parameter_hubbard_a"]
    )
    slope = slopes(at, ["hubbard", "energy_b"])["spin_polarisation"]
    assert max(map(abs, slope.values())) < 1e-4
    assert abs(slopes(Junction(), ["hubbard"])["spin_polarisation"]["hubbard"]) > 1e-2
    assert all(check["passed"] for check in json.loads(ds.attrs["optimum_audit"]))


def test_an_objective_is_never_evaluated_as_code() -> None:
    for text in (
        "__import__('os')",
        "spin_polarisation+1",
        "abs(spin_polarisation",
        "current",
        "1",
    ):
        with pytest.raises(ValueError):
            objective(PROBLEM, Junction(), text)
    assert objective(PROBLEM, Junction(), "abs(spin_polarisation)*current[up]").names == (
        "spin_polarisation",
        "current",
    )
