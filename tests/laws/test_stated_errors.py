"""What symmetry forbids lies within the error that an observable states; what it allows does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from chirospin import chiral_metal, spinterface, vibration
from chirospin.base.family import Family
from chirospin.base.parameters import Model
from chirospin.base.solve import solve

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
