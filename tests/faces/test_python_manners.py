"""What a user of Python meets first: printed models, names, pools, grids with a point that fails."""

from __future__ import annotations

import importlib
import pickle

import numpy as np
import pytest

import chirospin
from chirospin import junction
from chirospin.base.errors import ConvergenceError, ConvergenceWarning
from chirospin.junction import Junction


def test_a_printed_model_says_its_parameters_with_units() -> None:
    text = str(Junction(hubbard_a=1.5))
    assert text.splitlines()[0] == "junction.Junction (in the shell junction)"
    assert any(line.split() == ["hubbard_a", "1.5", "eV"] for line in text.splitlines())
    assert any(line.split() == ["molecules", "2"] for line in text.splitlines())


@pytest.mark.parametrize("family", chirospin.FAMILIES)
def test_a_family_lists_what_is_for_its_users(family: str) -> None:
    module = importlib.import_module(f"chirospin.{family}")
    assert set(dir(module)) == set(module.__all__)
    assert {"solve", "sweep"} <= set(dir(module))


@pytest.mark.parametrize("verb", ["solve", "sweep"])
def test_a_pool_of_processes_finds_the_verbs(verb: str) -> None:
    function = getattr(junction, verb)
    assert pickle.loads(pickle.dumps(function)) is function


def test_a_grid_is_kept_where_a_point_fails_and_a_point_raises() -> None:
    with pytest.warns(ConvergenceWarning, match=r"1 of 2 points .* first at hubbard = 4"):
        ds = junction.solve(method="mean-field", over={"hubbard": [0.0, 4.0]})
    assert ds.converged.values.tolist() == [True, False]
    assert np.isnan(ds.spin_polarisation[1])
    with pytest.raises(ConvergenceError, match="fold"):
        junction.solve(method="mean-field")
    with pytest.raises(ConvergenceError, match="fold"):
        junction.solve(method="mean-field", over={"hubbard": [0.0, 4.0]}, on_failure="raise")
    with pytest.warns(ConvergenceWarning, match="mean-field: 1 of 1"):
        junction.solve(method=["landauer", "mean-field"])
