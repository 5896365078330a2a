"""Hamiltonians of Wannier90 and sisl between leads: every element, and one command line for each."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from chirospin import models
from chirospin.base.errors import ModelError
from chirospin.faces.cli import main as shell
from chirospin.models.imported import is_imported
from chirospin.models.model import system
from tests.laws.crystals import hr_lines, pauli_crystal, tb_lines, win_lines, written

sisl = pytest.importorskip("sisl")


def summed(matrices, cells):
    """The block of a crystal, element by element: cell fastest along the first vector."""
    known = {
        tuple(R): H for R, H in zip(matrices.vectors.tolist(), matrices.hamiltonian, strict=True)
    }
    places = [(a, b, c) for c in range(cells[2]) for b in range(cells[1]) for a in range(cells[0])]
    n = matrices.functions
    h = np.zeros((n * len(places),) * 2, dtype=complex)
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            H = known.get(tuple(np.subtract(q, p).tolist()))
            if H is not None:
                h[n * i : n * i + n, n * j : n * j + n] = H
    return h


def custom(path, **changes):
    return models.Custom(system=str(path), **changes)


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crystal")
    matrices = pauli_crystal(3)
    written(folder / "x_tb.dat", tb_lines(matrices))
    written(folder / "y_hr.dat", hr_lines(matrices, degeneracy=2))
    written(folder / "y.win", win_lines(matrices))
    return folder, matrices


def test_a_block_of_cells_has_every_hop_that_stays_inside(crystal):
    folder, matrices = crystal
    for cells in ((1, 1, 3), (2, 1, 2)):
        made = system(custom(folder / "x_tb.dat", cells=cells, spin_order="interleaved"))
        assert np.allclose(made.hamiltonian, summed(matrices, cells), atol=1e-9)
    same = system(custom(folder / "y_hr.dat", cells=(2, 1, 2)))  # the .win says spinors
    assert np.allclose(same.hamiltonian, made.hamiltonian, atol=1e-9)
    layer = np.diag(made.left.coupling).real  # of two cells with two orbitals each
    assert layer.tolist() == [0.1] * 4 + [0.0] * 4
    across = system(custom(folder / "y_hr.dat", cells=(2, 1, 2), direction=1, channel="one"))
    assert np.linalg.matrix_rank(across.left.coupling) == 1
    assert np.flatnonzero(np.diag(across.right.coupling)).tolist() == [2, 3, 6, 7]


def test_blocked_spins_are_put_in_order(crystal, tmp_path):
    folder, matrices = crystal
    order = np.r_[0:4:2, 1:4:2]
    turned = replace(
        matrices,
        hamiltonian=matrices.hamiltonian[:, order][:, :, order],
        centres=matrices.centres[order],
    )
    path = written(tmp_path / "z_tb.dat", tb_lines(turned))
    one, other = (
        system(custom(p, spin_order=o)).hamiltonian
        for p, o in ((path, "blocked"), (folder / "x_tb.dat", "interleaved"))
    )
    assert np.allclose(one, other, atol=1e-12)


def test_functions_without_spin_hold_both(tmp_path):
    matrices = pauli_crystal(5)
    path = written(tmp_path / "z_tb.dat", tb_lines(matrices))
    written(tmp_path / "z.win", win_lines(matrices, "spinors = .false."))
    made = system(custom(path, cells=(1, 1, 2)))
    assert np.allclose(made.hamiltonian, np.kron(summed(matrices, (1, 1, 2)), np.eye(2)), atol=1e-9)


def chain(kind, orthogonal=True):
    """A periodic chain of two atoms with random hops to neighbours, and its home and next-cell blocks."""
    geometry = sisl.Geometry([[0, 0, 0], [0, 0.3, 1.2]], sisl.Atom(6, R=1.6), lattice=[9, 9, 2.4])
    geometry.set_nsc([1, 1, 3])
    H = sisl.Hamiltonian(geometry, spin=kind, orthogonal=orthogonal)
    random = np.random.default_rng(1)
    size = H.shape[-1]
    for i, j in ((0, 0), (1, 1)):
        H[i, j] = (
            [random.normal(), *([0.0] * (size - 2)), 1.0]
            if not orthogonal
            else random.normal(size=1)[0] * np.r_[1, 1, np.zeros(size - 2)][:size]
        )
    for i, j, cell in ((0, 1, 0), (1, 0, 1)):
        values = random.normal(size=size)
        if not orthogonal:
            values[-1] = 0.1
        H[i, j, (0, 0, cell)] = values
        back = values.copy()
        if kind == "spin-orbit":  # uu, dd, ud (re, im), imaginary of uu and dd, du (re, im)
            back = values[[0, 1, 6, 7, 4, 5, 2, 3]] * [1, 1, 1, -1, -1, -1, 1, -1]
        H[j, i, (0, 0, -cell)] = back
    return H


def test_a_chain_of_sisl_with_spin_orbit_coupling(tmp_path, capsys):
    H = chain("spin-orbit")
    path = tmp_path / "chain.TSHS"
    H.write(str(path))
    made = system(custom(path, cells=(1, 1, 3)))
    home, forward = H.Hk(format="array"), np.zeros((4, 4), dtype=complex)
    home = sum(H.Hk([0, 0, k], format="array") for k in (0, 1 / 3, 2 / 3)) / 3
    forward = (
        sum(H.Hk([0, 0, k], format="array") * np.exp(-2j * np.pi * k) for k in (0, 1 / 3, 2 / 3))
        / 3
    )
    expected = np.kron(np.eye(3), home) + np.kron(np.eye(3, k=1), forward)
    expected += np.kron(np.eye(3, k=-1), forward.conj().T)
    assert np.allclose(made.hamiltonian, expected, atol=1e-7)  # the file holds rydberg
    assert made.sites == (0, 1, 2, 3, 4, 5)
    probed = ["--set", "probe=voltage", "--set", "probe_coupling=0.05", "--set", "energy=[0.1]"]
    code = shell(["solve", "models.custom", "--set", f"system={path}", *probed, "--json"])
    found = json.loads(capsys.readouterr().out)["observables"]
    assert code == 1  # a random chain breaks time reversal, and the check says so
    assert found["transmitted_spin"]["values"][0] != 0
    with pytest.raises(ModelError, match="magnetic Hamiltonian"):
        system(custom(path, time_reversal="restored"))


def test_orbitals_that_overlap_are_made_orthogonal(tmp_path):
    H = chain("unpolarized", orthogonal=False)
    path = tmp_path / "chain.TSHS"
    H.write(str(path))
    made = system(custom(path, cells=(1, 1, 3)))
    long = H.tile(3, 2)
    long.set_nsc([1, 1, 1])
    levels = scipy.linalg.eigh(long.Hk(format="array"), long.Sk(format="array"), eigvals_only=True)
    assert np.allclose(np.linalg.eigvalsh(made.hamiltonian)[::2], levels, atol=1e-7)


def test_digits_that_break_time_reversal_are_restored(tmp_path):
    random = np.random.default_rng(2)
    A = random.normal(size=(4, 4))
    H = np.kron(A + A.T, np.eye(2)).astype(complex)
    H[0, 0] += 1e-6  # as printed digits do
    matrices = pauli_crystal(3)
    flat = replace(
        matrices,
        vectors=np.zeros((1, 3), dtype=int),
        hamiltonian=H[None],
        centres=np.repeat(random.normal(size=(4, 3)), 2, axis=0),
    )
    path = written(tmp_path / "z_tb.dat", tb_lines(flat))
    ends = {
        "cells": (1, 1, 1),
        "left_sites": (1,),
        "right_sites": (4,),
        "spin_order": "interleaved",
    }
    assert system(custom(path, **ends)).time_reversal_odd == pytest.approx(5e-7, rel=1e-3)
    assert system(custom(path, **ends, time_reversal="restored")).time_reversal_odd < 1e-15


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["spin_order=auto"], "no .win beside"),
        (["spin_order=blocked"], "`spin` must fit"),
        (["spin_order=interleaved", "cells=[1,1,1]"], "`left_sites` must be given"),
        (["spin_order=interleaved", "cells=[1,0,1]"], "at least 1"),
        (["spin_order=interleaved", "cells=[40,40,40]"], "at most 2000 orbitals"),
        (["spin_order=interleaved", "right_sites=[99]"], "sites from 1 to"),
        (["direction=4"], "1 or 2 or 3"),
    ],
)
def test_bad_input_is_one_line(settings, words, crystal, capsys):
    given = ["--set", f"system={crystal[0] / 'x_tb.dat'}"]
    given += [part for one in settings for part in ("--set", one)]
    code = shell(["solve", "models.custom", *given])
    err = capsys.readouterr().err
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_files_that_are_none(tmp_path, capsys):
    torn = tmp_path / "x.TSHS"
    torn.write_bytes(b"no Hamiltonian")
    for name, words in ((str(torn), "sisl can read"), ("nowhere_hr.dat", "exists")):
        assert is_imported(name)
        assert shell(["solve", "models.custom", "--set", f"system={name}"]) == 2
        err = capsys.readouterr().err
        assert words in err
        assert len(err.strip().splitlines()) == 1
    assert shell(["solve", "models.custom", "--set", "cells=[1,1,2]"]) == 2
    assert "must be left out for dimer" in capsys.readouterr().err
