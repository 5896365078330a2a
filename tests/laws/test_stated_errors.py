"""What symmetry forbids lies within the error that an observable states; what it allows does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from chirospin import chiral_metal, junction, spinterface, vibration
from chirospin.base.family import Family
from chirospin.base.parameters import Model
from chirospin.base.solve import solve
from chirospin.junction.bias.eigenstates import BiasedMember
from chirospin.junction.bias.hierarchy import Equations, SecondOrderSteps, memories_of
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.infinite_bias import listed_pair, state_of
from chirospin.junction.manybody.infinite_bias import solved as solved_pair
from chirospin.junction.model import lead_couplings
from chirospin.junction.observables import current_uncertainty
from chirospin.numerics.sylvester import SchurInverse

HALF = (0.5, 1.5, 2.5)


def _mirrored(names: tuple[str, ...]) -> Any:
    """Sums over places that the middle of a slab of 10 nm maps onto each other."""

    def sums(ds: xr.Dataset) -> list[tuple[np.ndarray, np.ndarray]]:
        return [
            (
                np.asarray(ds[name] + ds[name].values[..., ::-1]),
                np.asarray(2 * ds[f"{name}_error"]),
            )
            for name in names
        ]

    return sums


def _whole(*names: str) -> Any:
    return lambda ds: [(np.asarray(ds[n]), np.asarray(ds[f"{n}_error"])) for n in names]


PLACES = (0.5, 1.5, 2.5, 7.5, 8.5, 9.5)
DRIVEN = chiral_metal.DrivenMetal(length=10.0, position=PLACES, frequency=0.2)
SCREENED = DRIVEN.replace(screening_length=0.3)
CASES = {
    "quench": (
        spinterface.FAMILY,
        spinterface.Quench(exchange=0.0),
        spinterface.Quench(exchange=1e-6),
        None,
        _whole("level_spin", "spin_density"),
    ),
    "vibration": (
        vibration.FAMILY,
        vibration.Vibration(charge_coupling=0.0, spin_coupling=(0.1, 0.2, 0.3)),
        vibration.Vibration(charge_coupling=1e-6, spin_coupling=(0.1, 0.2, 0.3)),
        "second-order",
        _whole("moment"),
    ),
    "driven by closed form": (
        chiral_metal.FAMILY,
        DRIVEN,
        DRIVEN.replace(position=(0.5, 1.5, 2.5, 7.6, 8.5, 9.5)),
        "closed-form",
        _mirrored(("rectified_spin", "second_harmonic_spin")),
    ),
    "driven by boltzmann": (
        chiral_metal.FAMILY,
        SCREENED,
        SCREENED.replace(position=(0.5, 1.5, 2.5, 7.6, 8.5, 9.5)),
        "boltzmann",
        _mirrored(("rectified_spin", "second_harmonic_spin")),
    ),
    "sources": (
        chiral_metal.FAMILY,
        chiral_metal.ChiralMetal(spin_orbit=0.0),
        chiral_metal.ChiralMetal(spin_orbit=1e-3),
        "boltzmann",
        _whole("spin_sources", "interface_spin"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_symmetry_forbids_is_within_the_stated_error(name: str) -> None:
    family, forbidden, allowed, method, read = CASES[name]
    for value, error in read(_solved(family, forbidden, method)):
        assert (np.abs(value) <= error).all()
    for value, error in read(_solved(family, allowed, method)):
        assert np.abs(value).max() > 10 * error.max()


def _solved(family: Family, model: Model, method: str | None) -> xr.Dataset:
    return solve(family.problem_of(model), model, method)


def test_an_unfinished_self_consistency_is_within_the_stated_error() -> None:
    problem = vibration.FAMILY.problem()
    model = vibration.Vibration(charge_coupling=0.2, spin_coupling=(0.1, 0.0, 0.3))
    method = problem.method("scba")
    fine, coarse = (
        solve(problem, model, method(tolerance=tolerance), observables=["moment"])
        for tolerance in (1e-12, 1e-6)
    )
    missed = np.abs(coarse.moment - fine.moment)
    assert (missed <= coarse.moment_error).all()
    assert missed.max() > fine.moment_error.max()


def _slow_junctions(count: int) -> list[junction.Junction]:
    """Dimers among which some relax slowly: weak coupling, strong repulsion."""
    rng = np.random.default_rng(0)
    drawn = [
        {
            "hopping_a": rng.uniform(0.2, 1.5),
            "hopping_b": rng.uniform(0.2, 1.5),
            "hubbard": 10 ** rng.uniform(-1, 1.3),
            "spin_orbit": 10 ** rng.uniform(-2, 0.3),
            "energy_b": rng.uniform(-3, 3),
            "coupling": 10 ** rng.uniform(-2, 0.5),
        }
        for _ in range(count)
    ]
    return [junction.Junction(molecules=2, **one) for one in drawn]


def test_the_error_of_a_junction_knows_its_slow_modes() -> None:
    models = _slow_junctions(10)
    solved = [state for model in models for state in GKSL().solve_many([model])]
    exact = [solved_strictly(model) for model in models]
    missed = np.array(
        [np.abs(a.lead_current[:, 0] - b) for a, b in zip(solved, exact, strict=True)]
    )
    stated = np.array([current_uncertainty(m, s) for m, s in zip(models, solved, strict=True)])
    size = np.array([lead_couplings(model).sum(axis=(1, 2)) for model in models])
    residuals = np.array([[one.residual for one in state.outcomes] for state in solved])
    assert (missed <= stated).all()
    assert (stated <= 1e-8 * size).all()
    assert (
        missed > 10 * (residuals + np.finfo(float).eps) * size
    ).any()  # which knows no slow mode


def solved_strictly(model: junction.Junction) -> np.ndarray:
    """Left currents corrected to rounding by the Schur form."""
    pair = listed_pair(model)
    found = solved_pair(list(pair), SchurInverse, 1e-14, 200)
    return state_of(pair, *found.states).lead_current[:, 0]


def test_the_error_of_a_hierarchy_knows_its_slow_modes() -> None:
    """Against the null vector of its dense matrix; a slow mode added by hand leaves a residual that hides it."""
    residuals, errors = [], []
    for p, start in ((0.8, 0.0), (0.9999, 0.0), (0.9999, 1e-3)):
        model = junction.CustomJunction(
            one_body_matrix=-0.3 * np.eye(2), interaction_tensor=[[0, 1, 0, 1, 2], [1, 0, 1, 0, 2]],
            lead_matrices=[np.diag([0.05 * (1 + p), 0.05 * (1 - p)]), np.diag([1e-4, 1e-4])],
            bias=1.0, thermal_energy=0.4, reversed_leads="none",
        )  # fmt: skip
        method = junction.Hierarchy(tier=1, tolerance=1e-3 if start else 1e-6)
        member = BiasedMember.both(model)[0]
        system = Equations(member, 1, memories_of([member])[0])

        def equation(z: np.ndarray, system: Equations = system) -> np.ndarray:
            return z + system.propagated(system.couplings(z))

        dense = np.array([equation(z) for z in np.eye(system.unknowns, dtype=complex)]).T
        values, vectors = np.linalg.eig(dense)
        exact, slow = vectors[:, np.argsort(np.abs(values))[:2]].T
        exact = exact / system.trace(system.part(exact, ()))
        if start:
            slow = start * slow / system.part(slow, ())[-1]
            found = method._iterated(SecondOrderSteps(system), exact + slow, None)
            x, distance, residual = found.x, found.distance, found.residual
        else:
            x, distance, outcome = method._solution(system)
            residual = outcome.residual
        errors.append(float(np.linalg.norm(system.part(x - exact, ()))))
        residuals.append(residual)
        assert errors[-1] <= distance <= 1e3 * max(errors[-1], 1e-14)
    assert errors[-1] > 30 * residuals[-1]
