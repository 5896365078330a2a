"""Files of crystals: every variant that people have is read, and every fault is named with file, line and reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirospin import crystal
from chirospin.base.errors import ModelError
from chirospin.crystal import Crystal, KGrid
from chirospin.wannier.files import read_crystal
from chirospin.wannier.win_file import read_win
from tests.laws import crystals

from .test_command_line import run  # noqa: F401

SAMPLE = crystals.random_crystal(1)
PAIRS = crystals.pauli_crystal(2)
K = np.random.default_rng(3).random((20, 3)) - 0.5


def same(found: Any, wanted: Any, tolerance: float = 1e-12) -> None:
    assert np.abs(crystals.bands(found, K) - crystals.bands(wanted, K)).max() < tolerance


def read(name: Any, wsvec: str = "auto", spin: str = "auto") -> Any:
    return read_crystal(str(name), wsvec, 1e-6, spin)


@pytest.mark.parametrize("rows", [1, 4, 15])
def test_hr_with_degeneracies_of_any_layout_and_rows_in_any_order(
    tmp_path: Path, rows: int
) -> None:
    lines = crystals.hr_lines(SAMPLE, degeneracy=3, rows=rows)
    crystals.written(tmp_path / "a_hr.dat", lines)
    crystals.written(tmp_path / "a.win", crystals.win_lines(SAMPLE))
    same(read(tmp_path / "a_hr.dat"), SAMPLE)
    same(read(tmp_path / "a"), SAMPLE)
    head = len(lines) - SAMPLE.functions**2 * len(SAMPLE.vectors)
    crystals.written(tmp_path / "a_hr.dat", lines[:head] + lines[head:][::-1])
    same(read(tmp_path / "a_hr.dat"), SAMPLE)


@pytest.mark.parametrize("exponent", ["e", "D", "d", "E"])
def test_tb_with_exponents_of_fortran_and_ends_of_lines(tmp_path: Path, exponent: str) -> None:
    lines = crystals.tb_lines(SAMPLE, exponent)
    lines[0] = "\xe9crit # \xe0 la main"
    crystals.written(tmp_path / "a_tb.dat", lines)
    found = read(tmp_path / "a_tb.dat")
    same(found, SAMPLE)
    assert found.centres == pytest.approx(SAMPLE.centres, abs=1e-12)
    text = (tmp_path / "a_tb.dat").read_bytes()
    for ending in (b"\r\n", b"\r"):
        (tmp_path / "b_tb.dat").write_bytes(text.replace(b"\n", ending))
        same(read(tmp_path / "b_tb.dat"), SAMPLE)


def test_nearest_images_beside_hoppings_are_used(tmp_path: Path) -> None:
    """Half of every element moves by a lattice vector: ignored only where that is said."""
    crystals.written(tmp_path / "a_hr.dat", crystals.hr_lines(SAMPLE))
    crystals.written(tmp_path / "a.win", crystals.win_lines(SAMPLE))
    lines = ["a header"]
    for R in SAMPLE.vectors.tolist():
        for a in range(4):
            for b in range(4):
                T = [[0, 0, 0]] if a == b else [[0, 0, 0], [3 * (b - a), 0, 0]]
                lines += ["{} {} {} ".format(*R) + f"{a + 1} {b + 1}", str(len(T))]
                lines += ["{} {} {}".format(*t) for t in T]
    crystals.written(tmp_path / "a_wsvec.dat", lines)
    grid = np.stack(np.meshgrid(*[np.arange(3) / 3] * 3), axis=-1).reshape(-1, 3)
    moved = read(tmp_path / "a_hr.dat")
    wanted = crystals.bands(SAMPLE, grid)
    assert crystals.bands(moved, grid) == pytest.approx(wanted, abs=1e-12)  # where H is known
    assert np.abs(crystals.bands(moved, K) - crystals.bands(SAMPLE, K)).max() > 1e-2
    same(read(tmp_path / "a_hr.dat", "ignore"), SAMPLE)
    crystals.written(tmp_path / "a_wsvec.dat", ["a header", "5 0 0 1 1", "1", "0 0 0"])
    with pytest.raises(ModelError, match=r"a_wsvec.dat, line 2: .*none of the hoppings"):
        read(tmp_path / "a_hr.dat")


@pytest.mark.parametrize(
    "kind",
    [{}, {"order": ">"}, {"split": 64}, {"truth": -1}, {"formatted": True}],
    ids=["little", "big-endian", "split", "ifort", "formatted"],
)
def test_checkpoint_spin_and_energies(tmp_path: Path, kind: dict[str, Any]) -> None:
    crystals.band_files(SAMPLE, tmp_path / "a", **kind)
    found = read(tmp_path / "a", "ignore")
    same(found, SAMPLE, 1e-11)
    at = {tuple(R): n for n, R in enumerate(SAMPLE.vectors.tolist())}
    for n, R in enumerate(found.vectors.tolist()):
        wanted = SAMPLE.spin[:, at[tuple(R)]] if tuple(R) in at else 0.0
        assert np.abs(found.spin[:, n] - wanted).max() < 1e-11
    grid = np.stack(np.meshgrid(*[np.arange(3) / 3] * 3), axis=-1).reshape(-1, 3)
    images = read(tmp_path / "a")
    assert crystals.bands(images, grid) == pytest.approx(crystals.bands(SAMPLE, grid), abs=1e-11)


def test_hoppings_take_the_spin_of_the_bands_beside_them(tmp_path: Path) -> None:
    crystals.band_files(SAMPLE, tmp_path / "a")
    crystals.written(tmp_path / "a_tb.dat", crystals.tb_lines(SAMPLE))
    found = read(tmp_path / "a_tb.dat")
    assert found.spin == pytest.approx(SAMPLE.spin, abs=1e-11)
    (tmp_path / "a.chk").unlink()
    with pytest.raises(ModelError, match="must be declared"):
        Crystal(hamiltonian=str(tmp_path / "a_tb.dat")) and KGrid(points=2).solve(
            Crystal(hamiltonian=str(tmp_path / "a_tb.dat"), thermal_energy=0.1)
        )


@pytest.mark.parametrize(("old", "key"), [(True, "arr_0"), (False, "iRvec")])
def test_system_folders_old_and_new(tmp_path: Path, old: bool, key: str) -> None:
    found = read(crystals.system_folder(SAMPLE, tmp_path / "system", old, key))
    same(found, SAMPLE)
    assert found.spin == pytest.approx(SAMPLE.spin, abs=1e-14)
    assert found.position == pytest.approx(SAMPLE.position, abs=1e-14)
    assert len(found.operations) == 2


def test_position_of_a_folder_whose_phases_have_no_centres(tmp_path: Path) -> None:
    """There the diagonal of the position operator holds the centres itself."""
    folder = crystals.system_folder(SAMPLE, tmp_path / "system")
    np.savez(folder / "use_wcc_phase.npz", arr_0=np.array(False))
    np.savez(folder / "_XX_R_AA.npz", arr_0=10 * np.moveaxis(SAMPLE.position, 0, -1))
    assert read(folder).position == pytest.approx(SAMPLE.position, abs=1e-14)
    (folder / "use_wcc_phase.npz").unlink()
    (folder / "wannier_centers_cart.npz").unlink()
    assert read(folder).position is None  # what the diagonal lacks is not known


def test_as_many_vectors_as_functions_is_decided_by_hermiticity(tmp_path: Path) -> None:
    held = np.array([4, 13, 22])  # R = -y, 0, y
    three = crystals.random_crystal(5, 4)
    small = replace(
        three, vectors=three.vectors[[10, 13, 16]], hamiltonian=three.hamiltonian[[10, 13, 16]][:, :3, :3],
        spin=three.spin[:, [10, 13, 16]][:, :, :3, :3], centres=three.centres[:3],
        position=three.position[:, [10, 13, 16]][:, :, :3, :3],
    )  # fmt: skip
    assert len(held) == small.functions
    for old in (True, False):
        same(read(crystals.system_folder(small, tmp_path / f"{old}", old)), small)


WIN = """! a comment
use_ws_distance = .true.  num_wann : 4 # two keys on a line
SPINORS T
exclude_bands = 1-3, 7
BeginProjections
Te : p
End Projections
begin : kpoint_path L 0 0 0
end kpoint_path
mp_grid = 3 3 2
begin Unit_Cell_Cart  # bohr follows
bohr
1.0d0 0 0
0 1 0
0 0 2
end unit_cell_cart
begin atoms_cart
bohr
Te 0.5 0 1
end atoms_cart
some_new_key = whatever
"""


def test_input_file_of_many_spellings(tmp_path: Path) -> None:
    found = read_win(crystals.written(tmp_path / "a.win", WIN.split("\n")))
    assert found.lattice == pytest.approx(0.0529177210903 * np.diag([1, 1, 2]))
    assert (found.spinors, found.use_ws_distance, found.grid) == (True, True, (3, 3, 2))
    assert found.excluded == (1, 2, 3, 7)
    assert found.positions == pytest.approx(np.array([[0.5, 0, 0.5]]))


def _broken_hr(change: Any) -> Any:
    def write(folder: Path) -> Path:
        lines = crystals.hr_lines(SAMPLE, rows=15)
        crystals.written(folder / "a.win", crystals.win_lines(SAMPLE))
        return crystals.written(folder / "a_hr.dat", change(lines))

    return write


def _set(at: int, text: str) -> Any:
    return _broken_hr(lambda lines: [*lines[:at], text, *lines[at + 1 :]])


def _win(change: Any) -> Any:
    def write(folder: Path) -> Path:
        crystals.written(folder / "a.win", change(crystals.win_lines(SAMPLE)))
        return crystals.written(folder / "a_hr.dat", crystals.hr_lines(SAMPLE))

    return write


def _hermiticity(folder: Path) -> Path:
    H = SAMPLE.hamiltonian.copy()
    H[3, 1, 2] += 11
    return crystals.system_folder(replace(SAMPLE, hamiltonian=H), folder / "a")


def _pickled(folder: Path) -> Path:
    path = crystals.system_folder(SAMPLE, folder / "a")
    np.savez(path / "iRvec.npz", arr_0=np.array([{}], dtype=object))
    return path


def _bands(change: Any) -> Any:
    def write(folder: Path) -> Path:
        crystals.band_files(SAMPLE, folder / "a")
        change(folder)
        return folder / "a"

    return write


def _cut(name: str, size: int) -> Any:
    return _bands(lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-size]))


def _lines(name: str, change: Any) -> Any:
    def rewrite(folder: Path) -> None:
        lines = (folder / name).read_text().split("\n")
        crystals.written(folder / name, change(lines))

    return _bands(rewrite)


def _stage(folder: Path) -> None:
    data = (folder / "a.chk").read_bytes()
    (folder / "a.chk").write_bytes(data.replace(b"postwann", b"postdis "))


def _unnormalised(folder: Path) -> Path:
    crystals.band_files(replace(SAMPLE, spin=1.2 * SAMPLE.spin), folder / "a")
    return folder / "a"


FAULTS = {
    "not Hermitian": (_hermiticity, r"m = 2, n = 3 at R = \[-1, 0, -1\] differs by 11"),
    "not a number": (_set(20, "0 0 0 1 1 NaN 0"), r"a_hr.dat, line 21: .*finite.*NaN"),
    "words": (_set(20, "0 0 0 1 1 x 0"), "line 21: .*numbers.*'x'"),
    "half a vector": (_set(20, "0.5 0 0 1 1 1 0"), "line 21: R must be three integers"),
    "function 9 of 4": (_set(20, "0 0 0 9 1 1 0"), "line 21: .*from 1 to 4"),
    "short row": (_set(20, "0 0 0 1 1 1"), "line 21: .*7 numbers"),
    "truncated": (_broken_hr(lambda lines: lines[:-3]), r"the file ends where row 430 of 432"),
    "too long": (_broken_hr(lambda lines: [*lines, "0 0 0 1 1 0 0"]), "must end here"),
    "twice": (_broken_hr(lambda lines: [*lines[:-1], lines[-2]]), "stands 2 times|stands 0 times"),
    "no functions": (_set(1, "0"), "line 2: .*at least 1"),
    "empty": (_broken_hr(lambda lines: []), "the file ends where"),
    "cell twice": (_win(lambda w: w + w[2:]), r"a.win, line \d+: the block unit_cell_cart is there twice"),
    "flat cell": (_win(lambda w: [*w[:-2], w[-3], w[-1]]), "volume is 0"),
    "two vectors": (_win(lambda w: [*w[:-2], w[-1]]), "must have 3 vectors, but has 2"),
    "no cell": (_win(lambda w: w[:2]), "has no unit_cell_cart"),
    "open block": (_win(lambda w: w[:-1]), "has no end"),
    "spinors maybe": (_win(lambda w: ["spinors = maybe", *w[1:]]), "a.win, line 1: spinors must be true or false"),
    "pickled": (_pickled, "iRvec.npz: it is damaged"),
    "chk ends": (_cut("a.chk", 60), r"a.chk: it ends inside record \d+"),
    "spn ends": (_cut("a.spn", 40), r"a.spn: it ends inside record"),
    "eig ends": (_lines("a.eig", lambda x: x[:-3]), "a.eig.*the file ends where row 134 of 135"),
    "eig falls": (_lines("a.eig", lambda x: ["1 1 99.0", *x[1:]]), "must ascend, but band 2 at q 1"),
    "eig twice": (_lines("a.eig", lambda x: [x[1], *x[1:]]), "band 1 at q 1 is missing"),
    "unfinished": (_bands(_stage), "must be postwann, a finished run, but is 'postdis'"),
    "no eig": (_bands(lambda f: (f / "a.eig").unlink()), "needs .*a.eig"),
    "norm": (_unnormalised, "augmentation"),
}  # fmt: skip


@pytest.mark.parametrize(("write", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_named(tmp_path: Path, write: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read(write(tmp_path))
    assert "\n" not in str(caught.value)


def test_cells_of_different_crystals(tmp_path: Path) -> None:
    crystals.written(tmp_path / "a_tb.dat", crystals.tb_lines(SAMPLE))
    other = replace(SAMPLE, lattice=SAMPLE.lattice * 1.001)
    crystals.written(tmp_path / "a.win", crystals.win_lines(other))
    with pytest.raises(ModelError, match="of different crystals"):
        read(tmp_path / "a_tb.dat")


def solved(name: Any, **values: Any) -> Any:
    model = Crystal(hamiltonian=str(name), chemical_potential=0.1, thermal_energy=0.3, **values)
    return crystal.solve(model, KGrid(points=4, shifts=0.1))


def test_spin_is_declared_and_refused_where_it_cannot_be(tmp_path: Path) -> None:
    crystals.written(tmp_path / "a_hr.dat", crystals.hr_lines(PAIRS))
    crystals.written(tmp_path / "a.win", crystals.win_lines(PAIRS))
    with pytest.raises(ModelError, match=r"pauli-interleaved .* pauli-blocked .* none"):
        solved(tmp_path / "a_hr.dat")
    with pytest.raises(ModelError, match="must have its file"):
        solved(tmp_path / "a_hr.dat", spin="file")
    assert (
        np.abs(solved(tmp_path / "a_hr.dat", spin="pauli-interleaved").edelstein_tensor).max() > 0
    )
    crystals.written(tmp_path / "a.win", crystals.win_lines(PAIRS, "spinors = false"))
    with pytest.raises(ModelError, match="says no `spinors`"):
        solved(tmp_path / "a_hr.dat", spin="pauli-interleaved")
    scalar = solved(tmp_path / "a_hr.dat", spin="none")
    assert bool(scalar.edelstein_tensor.isnull().all())
    assert float(scalar.charge_tensor[0, 0]) > 0
    crystals.written(tmp_path / "b_tb.dat", crystals.tb_lines(SAMPLE))
    with pytest.raises(ModelError, match=r"whose centres are .* nm apart"):
        solved(tmp_path / "b_tb.dat", spin="pauli-interleaved")
    odd = replace(PAIRS, hamiltonian=PAIRS.hamiltonian[:, :3, :3], centres=PAIRS.centres[:3])
    crystals.written(tmp_path / "c_tb.dat", crystals.tb_lines(odd))
    with pytest.raises(ModelError, match="odd number of functions"):
        solved(tmp_path / "c_tb.dat", spin="pauli-blocked")


def test_missing_distances_are_loud(run, tmp_path: Path) -> None:  # noqa: F811
    crystals.written(tmp_path / "a_hr.dat", crystals.hr_lines(PAIRS))
    crystals.written(tmp_path / "a.win", ["use_ws_distance = true", *crystals.win_lines(PAIRS)])
    line = ["solve", "crystal", "--set", f"hamiltonian={tmp_path / 'a_hr.dat'}", "--set", "spin=pauli-interleaved",
            "--set", "thermal_energy=0.5", "--option", "points=8", "--option", "tolerance=1"]  # fmt: skip
    code, _, err = run(*line)
    assert code == 1
    assert "ws_distance" in err
    assert "ws_distance" not in run(*line, "--set", "wsvec=ignore")[2]


def test_the_old_path_says_the_new_word(run) -> None:  # noqa: F811
    code, out, err = run("solve", "chiral_metal.crystal")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "chiral_metal.crystal has moved: it is the family `crystal` now" in err
    from chirospin import chiral_metal

    with pytest.raises(AttributeError, match=r"chirospin\.crystal\.KGrid"):
        _ = chiral_metal.KGrid
