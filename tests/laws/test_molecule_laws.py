"""What holds for every molecule and stack, each with a control that breaks it. Hartree-Fock in small bases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chirospin import junction, molecule
from chirospin.molecule import audit, stack, symmetry
from chirospin.molecule.kohn_sham import KohnSham, StackedKohnSham
from chirospin.molecule.mean_field import ground
from chirospin.molecule.model import Molecule, MoleculeStack, Theory
from chirospin.molecule.observables import pseudoscalar
from chirospin.molecule.structure import Structure, read_structure, turn

QUICK = {"functional": "hf", "basis": "sto-3g"}
FLAT = MoleculeStack(
    structure="h2cs", pair="HOMO-1,HOMO", pivot="mid-bond", screening="none", **QUICK
)
BUTADIENE = """10
trans-butadiene, flat in the plane across z
C  0.611  0.400 0
C -0.611 -0.400 0
C  1.841 -0.108 0
C -1.841  0.108 0
H  0.510  1.482 0
H -0.510 -1.482 0
H  2.716  0.536 0
H -2.716 -0.536 0
H  2.017 -1.180 0
H -2.017  1.180 0
"""


def _checks(problem, model, state) -> dict[str, bool]:
    return {c.name: c.judge(float(c.evaluate(model, state) or 0)) for c in problem.checks}


def test_checks_see_planted_faults() -> None:
    model = Molecule(structure="h2co", screening="none", **QUICK)
    state = KohnSham().solve(model)
    assert all(_checks(molecule.MOLECULE, model, state).values())
    one = state.monomer
    uneven = replace(state, monomer=replace(one, G=one.G + 0.01))
    stretched = replace(state, monomer=replace(one, frame=1.01 * one.frame))
    flipped = replace(state, repulsion=replace(state.repulsion, triplet=state.repulsion.singlet))
    pairs = replace(state.pairs, forbidden=state.pairs.forbidden + 1e-4)
    assert not _checks(molecule.MOLECULE, model, uneven)["time_reversal"]
    assert not _checks(molecule.MOLECULE, model, stretched)["orthonormal"]
    assert not _checks(molecule.MOLECULE, model, flipped)["spin_conservation"]
    assert not _checks(molecule.MOLECULE, model, replace(state, pairs=pairs))["selection_rules"]


def test_vectors_turn_and_reflect_with_the_molecule() -> None:
    model = Molecule(structure="h2cs", pair="HOMO-1,HOMO", screening="none", **QUICK)
    for one in audit.AUDITS:
        found = one.run(model, KohnSham())
        assert found is not None
        assert found.passed, found


def test_a_vector_that_stays_in_the_laboratory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of rotation and mirror."""
    from chirospin.molecule import monomer as alone

    skewed = alone.ranked

    def polar(one):
        pairs = skewed(one)
        return replace(pairs, vectors=pairs.vectors + np.array([1e-5, 2e-5, 3e-5]))

    monkeypatch.setattr(audit, "ranked", polar)
    model = Molecule(structure="h2cs", **QUICK)
    assert not audit.AUDITS[0].run(model, KohnSham()).passed
    assert not audit.AUDITS[1].run(model, KohnSham()).passed


def test_a_turn_the_wrong_way_gives_unequal_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FLAT.replace(twist=0.6)
    good = StackedKohnSham().solve(model)
    assert _checks(molecule.STACK, model, good)["carried"]
    right = symmetry.turned_orbitals
    monkeypatch.setattr(stack, "turned_orbitals", lambda basis, matrix: right(basis, matrix.T))
    wrong = StackedKohnSham().solve(model)
    assert not _checks(molecule.STACK, model, wrong)["carried"]


@pytest.mark.parametrize("twist", [np.pi / 2, 0.7])
def test_the_mirror_image_polarises_the_other_way(twist: float) -> None:
    model = FLAT.replace(twist=twist)
    found = []
    for handedness in (1, -1):
        ds = molecule.solve(model.replace(handedness=handedness))
        made = junction.Junction.from_result(ds, coupling=0.05)
        found.append(float(junction.solve(made).spin_polarisation))
    assert abs(found[0]) > 1e-5
    assert found[0] == pytest.approx(-found[1], abs=1e-6)


def test_signs_of_orbitals_change_nothing_that_is_reported() -> None:
    state = StackedKohnSham().solve(FLAT)
    sites = [
        replace(site, orbitals=site.orbitals * s, vector=site.vector * s[0] * s[1])
        for site, s in zip(state.sites, (np.array([1, -1]), np.array([-1, -1])), strict=True)
    ]
    theory = state.first.state.theory
    again = stack.assembled(
        sites, [stack.bond(*sites, theory, frozen=False, numerics=KohnSham().numerics())], None
    )
    flipped = replace(state, matrices=again)
    own, other = (float(pseudoscalar(FLAT, s)) for s in (state, flipped))
    assert own == pytest.approx(other, rel=1e-9)
    assert np.abs(again.one_body) == pytest.approx(np.abs(state.matrices.one_body), abs=1e-10)
    plain = replace(state, matrices=replace(again, vectors=state.matrices.vectors))
    assert float(pseudoscalar(FLAT, plain)) == pytest.approx(-own, rel=1e-9)  # the control


@pytest.mark.parametrize("twist", [0.0, np.pi])
def test_parallel_molecules_are_a_null_result_in_words(twist: float) -> None:
    ds = molecule.solve(FLAT.replace(twist=twist))
    assert "achiral" in ds.remark.item()
    assert abs(float(ds.pseudoscalar)) <= float(ds.pseudoscalar_error)
    found = junction.solve(junction.Junction.from_result(ds, coupling=0.05))
    assert abs(float(found.spin_polarisation)) < 1e-8


def test_one_molecule_is_a_null_result_in_words() -> None:
    ds = molecule.solve(FLAT.replace(molecules=1))
    assert "one molecule" in ds.remark.item()
    assert float(ds.pseudoscalar) == 0


def test_an_axis_through_the_molecule_makes_a_quarter_turn_achiral() -> None:
    """A twofold axis along the stacking axis: orbitals of opposite parity, +90 degrees is -90 degrees."""
    upright = FLAT.replace(axis="x", pivot="centre", rise=0.5, pair="HOMO-2,HOMO-1")
    ds = molecule.solve(upright)
    t = np.abs(ds.hopping.values[0])
    assert t[0, 1] < 1e-8
    assert t[0, 0] * t[1, 1] < 1e-8
    assert "achiral" in ds.remark.item()


def test_planar_pi_pairs_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "butadiene.xyz"
    path.write_text(BUTADIENE)
    ds = molecule.solve(
        Molecule(structure=str(path), pair="LUMO,LUMO+1", screening="none", **QUICK)
    )
    words = ds.remark.item()
    assert "null result" in words
    assert "the mirror plane across z" in words
    assert float(ds.spin_orbit_across) < 1e-7
    assert float(ds.spin_orbit) < 1e-4  # and what is left along the normal is tiny


def test_degenerate_orbitals_do_not_depend_on_their_mixture(tmp_path: Path) -> None:
    """Carbon dioxide along x: the parameters of pairs of pi orbitals are those of planes, in any direction."""
    found = []
    for angle in (0.0, 0.3):
        line = np.array([[0.0, 0, 0], [1.16, 0, 0], [-1.16, 0, 0]]) @ turn(angle, 2).T
        path = tmp_path / f"co2-{angle}.xyz"
        rows = [
            f"{s} {x} {y} {z}" for s, (x, y, z) in zip(("C", "O", "O"), line.tolist(), strict=True)
        ]
        path.write_text("3\n\n" + "\n".join(rows) + "\n")
        ds = molecule.solve(Molecule(structure=str(path), screening="none", **QUICK))
        found.append(np.linalg.norm(ds.pair_vectors.sel(pair="HOMO-1,HOMO").values))
    assert found[0] == pytest.approx(found[1], abs=1e-8)
    assert found[0] > 1e-3


def test_a_file_of_both_molecules_is_the_carried_stack(tmp_path: Path) -> None:
    """Cut by connectivity and matched by superposition, in any order of the atoms."""
    one = read_structure("h2cs")
    x = one.positions - [0.8055, 0, 0]
    places = np.concatenate([x, x @ turn(0.9, 2).T + [0, 0, 3.5]])
    order = [4, 0, 6, 1, 2, 7, 5, 3]
    both = Structure(symbols=one.symbols * 2, positions=places)
    rows = [f"{both.symbols[n]} {' '.join(map(repr, places[n].tolist()))}" for n in order]
    path = tmp_path / "dimer.xyz"
    path.write_text("8\n\n" + "\n".join(rows) + "\n")
    asked = {"pair": "HOMO-1,HOMO", "screening": "none", **QUICK}
    whole = molecule.solve(MoleculeStack(structure=str(path), **asked))
    carried = molecule.solve(FLAT.replace(twist=0.9))
    for name in ("pseudoscalar", "hubbard_a", "hund", "spin_orbit"):
        assert float(whole[name]) == pytest.approx(float(carried[name]), rel=2e-4)
    assert np.abs(whole.hopping.values) == pytest.approx(np.abs(carried.hopping.values), abs=1e-5)
    assert float(whole.match) > 0.999


def test_a_stack_cut_by_the_faces_of_a_cell_is_made_whole(tmp_path: Path) -> None:
    from ase import Atoms
    from ase.io import write

    one = read_structure("h2cs")
    x = one.positions - [0.8055, 0, 0]
    low, high = np.array([0.2, 0.1, 8.0]), np.array([0.2, 0.1, 11.5])
    places = np.concatenate([x + low, x @ turn(0.9, 2).T + high])
    cell = Atoms(one.symbols * 2, positions=places, cell=[9, 9, 11], pbc=True)
    cell.wrap()
    found = []
    for name, atoms in (("cut.cif", cell), ("whole.xyz", Atoms(one.symbols * 2, positions=places))):
        write(tmp_path / name, atoms)
        asked = {"pair": "HOMO-1,HOMO", "screening": "none", **QUICK}
        ds = molecule.solve(MoleculeStack(structure=str(tmp_path / name), **asked))
        found.append([float(ds.pseudoscalar), *np.sort(np.abs(ds.hopping.values).ravel())])
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert abs(found[0][0]) > 1e-9


def test_frozen_densities_are_audited() -> None:
    """The density of the two together gives the self-consistent operator; those of the molecules alone do not."""
    (frozen,) = (one for one in audit.STACK_AUDITS if one.name == "frozen_densities")
    method = StackedKohnSham()
    assert frozen.run(FLAT, method) is None
    found = frozen.run(FLAT.replace(dimer="frozen"), method)
    assert found is not None
    assert not found.passed  # a fifth, in Hartree-Fock
    sites = method.solve(FLAT).sites
    both = Structure(
        symbols=sites[0].structure.symbols * 2,
        positions=np.concatenate([site.structure.positions for site in sites]),
    )
    theory = Theory(functional="hf", basis="sto-3g", charge=0)
    dimer = ground(both, theory, 0, method.numerics())
    _, fock = stack._frozen(both, theory, dimer.density, method.numerics())
    assert np.abs(fock - dimer.fock).max() < 1e-5  # of a gradient of 1e-6


def test_longer_stacks_repeat_their_neighbours() -> None:
    ds = molecule.solve(FLAT.replace(molecules=4, twist=0.6))
    assert ds.sizes["molecule"] == 4
    t = np.abs(ds.hopping.values)
    assert t[0] == pytest.approx(
        t[2], abs=2e-3
    )  # ends have one neighbour, and turn their orbitals otherwise
    lengths = np.linalg.norm(ds.spin_orbit_vectors.values, axis=1)
    assert lengths == pytest.approx(lengths[0], abs=1e-12)
    made = junction.Junction.from_result(ds, coupling=0.05)
    assert made.molecules == 4
    assert made.one_body_matrix is not None
