"""The same curves in every layout are the same curves; what cannot be read is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from chirospin import measured
from chirospin.base.errors import ModelError
from chirospin.measured.sweeps import sweeps_of
from chirospin.measured.tables import is_number
from tests.faces import measured_files as files

WORDS = {"magnetisation": {"up": ["N"], "down": ["S"]}}
CURVES = files.a_set()
ROUNDING = 1e-8  # digits that are written


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, xr.Dataset]:
    place = tmp_path_factory.mktemp("layouts")
    read = measured.read
    comma = {"decimal": ",", "delimiter": ";"}
    return {
        "wide": read(files.wide(place / "w.csv", CURVES)),
        "remark": read(files.wide(place / "n.csv", CURVES, note=True)),
        "comma": read(files.wide(place / "c.csv", CURVES, delimiter=";", decimal=",", bom=True), **comma),
        "no units": read(files.wide(place / "u.csv", CURVES, units=False), bias_unit="V", current_unit="nA"),
        "mV, pA": read(files.wide(place / "m.tsv", CURVES, delimiter="\t", bias="mV", current="pA")),
        "long": read(files.long(place / "l.tsv", CURVES), words=WORDS),
        "sheets": read(files.sheets(place / "s.xlsx", CURVES)),
        "ramps": read(files.ramps(place / "r.txt", CURVES), bias_unit="V"),
        "loops": read(files.loops(place / "loops", CURVES), bias_unit="V"),
        "nanonis": read(files.nanonis(place / "nanonis", CURVES)),
    }  # fmt: skip


def key(ds: xr.Dataset, n: int) -> tuple[str, ...]:
    names = ("enantiomer", "magnetisation", "contact")
    e, m, c = (str(ds[name].values[n]) for name in names)
    return e, m, str(int(c))


def test_every_layout_gives_the_same_curves(layouts: dict[str, xr.Dataset]) -> None:
    wanted: dict[tuple[str, ...], list[np.ndarray]] = {}
    for n in range(len(CURVES)):
        labels = (CURVES.enantiomer[n], CURVES.magnetisation[n], str(int(CURVES.contact[n])))
        wanted.setdefault(labels, []).append(CURVES.current[n])
    for name, ds in layouts.items():
        many = {"loops": 4, "nanonis": 2}.get(name, 1)
        assert ds.sizes["curve"] == many * len(CURVES), name
        assert np.allclose(ds["bias"], CURVES.bias), name
        got: dict[tuple[str, ...], list[np.ndarray]] = {}
        for n in range(ds.sizes["curve"]):
            got.setdefault(key(ds, n), []).append(ds["current"].values[n])
        assert got.keys() == wanted.keys(), name
        for labels, rows in wanted.items():
            mean = np.mean(got[labels], axis=0)
            assert mean == pytest.approx(np.mean(rows, axis=0), rel=ROUNDING, abs=1e-18), name


def test_every_layout_gives_the_same_verdict(layouts: dict[str, xr.Dataset]) -> None:
    compared = {
        name: measured.compare(ds.assign_attrs(noise_floor=0.2e-12)) for name, ds in layouts.items()
    }
    first = compared["wide"]["polarisation"].sel(mean="geometric")
    for name, ds in compared.items():
        assert ds.attrs["verdict"] == "chiral signal", name
        P = ds["polarisation"].sel(mean="geometric")
        assert np.allclose(P, first, atol=1e-7, equal_nan=True), name
        assert json.loads(ds.attrs["facts"])["enantiomers"]["R"]["runs"] == {"up": 3, "down": 3}, (
            name
        )


def test_a_description_in_toml_is_stored_with_the_result(tmp_path: Path) -> None:
    files.long(tmp_path / "l.tsv", CURVES)
    (tmp_path / "how.toml").write_text(
        'layout = "long"\nfiles = ["*.tsv"]\n'
        '[words]\nmagnetisation = { up = ["N"], down = ["S"] }\n'
        '[labels]\ncontact = "spot"\n[set]\ntemperature = "300 K"\nmagnetised = "tip"\n'
        '[bias]\nat = "sample"\n[instrument]\nnoise_floor = "0.2 pA"\ncompliance = "10 nA"\n'
        '[order]\nfrom = "trace"\n'
    )
    ds = measured.read(description=tmp_path / "how.toml")
    stored = json.loads(ds.attrs["description"])
    assert stored["words"]["magnetisation"] == {"up": ["N"], "down": ["S"]}
    assert (ds.attrs["noise_floor"], ds.attrs["compliance"]) == (0.2e-12, 1e-8)
    assert set(ds["temperature"].values) == {300.0}
    override = measured.read(description=tmp_path / "how.toml", noise_floor="0.3 pA")
    assert override.attrs["noise_floor"] == pytest.approx(0.3e-12)


def test_the_voltage_of_the_magnetic_electrode_is_turned(tmp_path: Path) -> None:
    file = files.wide(tmp_path / "w.csv", files.a_set(contacts=2))
    plain = measured.read(file, magnetised="tip", bias_at="sample")
    turned = measured.read(file, magnetised="tip", bias_at="tip")
    assert np.allclose(turned["current"], -plain["current"][:, ::-1])


def test_jittered_grids_are_interpolated_inside_the_common_range(tmp_path: Path) -> None:
    V = np.linspace(-1, 1, 21)
    lines = ["enantiomer,magnetisation,contact,curve,V (V),I (nA)"]
    for n in range(8):
        grid = V * (1 - 0.01 * n) if n != 3 else np.linspace(-1, 1, 11)
        lines += [f"R,{'up' if n % 2 else 'down'},{n},{n},{v:.6f},{v:.6f}" for v in grid]
    (tmp_path / "l.csv").write_text("\n".join(lines))
    ds = measured.read(tmp_path / "l.csv", noise_floor="1 pA")
    assert ds.sizes["bias"] == 9  # of the 11 of the coarsest, those inside 0.93
    assert np.allclose(ds["current"], 1e-9 * ds["bias"])
    assert "interpolated" in ds.attrs["reading"]


@pytest.mark.parametrize("start", [0.0, -1.0, 1.0])
@pytest.mark.parametrize("twice", [True, False])
def test_loops_are_cut_where_they_turn(start: float, twice: bool) -> None:
    """Against the construction: a current that remembers its loop and direction."""
    rising, falling = np.linspace(-1, 1, 21), np.linspace(1, -1, 21)
    loop = {
        0.0: [rising[10:], falling, rising[:11]],
        -1.0: [rising, falling],
        1.0: [falling, rising],
    }[start]
    bias, mark = [], []
    for number in range(3):
        for part in loop:
            up = part[-1] > part[0]
            skip = 0 if twice or not bias else 1
            bias += part[skip:].tolist()
            mark += [10 * number + up] * (len(part) - skip)
    found = sweeps_of(np.array(bias), np.array(mark, dtype=float))
    assert len(found) == 6
    for one in found:
        assert np.allclose(one.bias, rising)
        inner = one.current[2:10]
        assert np.allclose(inner, 10 * one.loop + (one.direction == "forward"))


def test_repeated_sweeps_of_one_direction_are_sweeps() -> None:
    V = np.tile(np.linspace(-1, 1, 11), 3)
    found = sweeps_of(V, V)
    assert [len(s.bias) for s in found] == [11, 11, 11]
    assert {s.direction for s in found} == {""}


def _refused(place: Path, content: str | bytes, **settings: object) -> str:
    file = place / "bad.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ModelError) as caught:
        measured.compare(measured.read(file, **settings))
    assert "\n" not in str(caught.value)
    return str(caught.value)


GOOD = [f"{v:.1f},{v:.3f},{1.1 * v:.3f}" for v in np.linspace(-1, 1, 9)]
HEAD = "V (V),R_up_c1_1 (nA),R_down_c2_2 (nA)"
BAD = {
    "comma": (";".join(HEAD.split(",")) + "\n" + "\n".join(x.replace(",", ";").replace(".", ",") for x in GOOD), {}, "--decimal ,"),
    "delimiter": ("\n".join([HEAD, *GOOD]), {"delimiter": ";"}, "table"),
    "ragged": ("\n".join([HEAD, *GOOD, "1,2"]), {}, "cells"),
    "no magnetisation": ("\n".join([HEAD.replace("up_", "").replace("down_", ""), *GOOD]), {}, "magnetisation"),
    "one curve": ("\n".join(["V (V),R_up_c1_1 (nA)", *(x.rpartition(",")[0] for x in GOOD)]), {}, "1 are up and 0 down"),
    "unsigned": ("\n".join([HEAD, *(x.replace(",-", ",") for x in GOOD)]), {}, "--unsigned"),
    "NaN columns": ("\n".join([HEAD, *(x.split(",")[0] + ",nan,nan" for x in GOOD)]), {}, "no numbers"),
    "no unit": ("\n".join(["V,R_up_c1_1,R_down_c2_2", *GOOD]), {"noise_floor": "1 pA"}, "--bias-unit"),
    "mixed": ("\n".join(["V (V),R_up_c1_1 (nA),R_down_c2_2 (A/cm2)", *GOOD]), {}, "mixed"),
    "wrong unit": ("\n".join(["V (V),R_up_c1_1 (nA),R_down_c2_2 (mV)", *GOOD]), {}, "no unit of a current"),
    "unit against flag": ("\n".join([HEAD, *GOOD]), {"current_unit": "pA"}, "--unit says pA"),
    "binary": (b"\\*File list\r\n\0\1\2" * 99, {}, "File > Export > ASCII"),
    "text": ("the quick brown fox jumps\nover the lazy dog and so on\n" * 200_000, {}, "table"),
    "words": ("\n".join(["m,V (V),I (nA),contact", *(f"N,{x},1" for x in (y.rpartition(",")[0] for y in GOOD))]), {}, "--word"),
    "slope": ("\n".join(["V (V),dI/dV (nS)", *(x.rpartition(",")[0] for x in GOOD)]), {}, "dI/dV"),
    "histogram": ("\n".join(["log(G/G0),counts", *(x.rpartition(",")[0] for x in GOOD)]), {}, "bias"),
    "empty": ("", {}, "empty"),
    "no floor": ("\n".join([HEAD, *(x for x in GOOD if not x.startswith("0.0"))]), {}, "--floor"),
    "pattern": ("\n".join([HEAD, *GOOD]), {"match": "(?P<magnetisation>a+)+b"}, "pattern"),
    "group": ("\n".join([HEAD, *GOOD]), {"match": "(?P<spin>up)"}, "labels"),
    "exclusion": ("\n".join([HEAD, *GOOD]), {"exclude": ("__import__('os')",)}, "exclusion"),
    "cell": ("\n".join([HEAD, *GOOD[:4], "0.0,x1,2", *GOOD[5:]]), {}, "bad.csv:6"),
    "below floor": ("\n".join([HEAD, *GOOD]), {"noise_floor": "1 uA"}, "No bias is usable"),
    "temperatures": ("\n".join(["magnetisation,contact,temperature,V (V),I (nA)", *(f"{m},1,{T},{x}" for T in (100, 300) for m in ("up", "down") for x in (y.rpartition(",")[0] for y in GOOD))]), {}, "--keep"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_with_its_remedy(name: str, tmp_path: Path) -> None:
    content, settings, word = BAD[name]
    assert word in _refused(tmp_path, content, **settings)


def test_numbers_that_look_like_thousands_need_the_decimal_comma(tmp_path: Path) -> None:
    rows = ["V (V);R_up_c1_1 (nA);R_down_c2_2 (nA)"]
    rows += [
        f"{v:.1f}".replace(".", ",") + f";{n}.234,5;1,5" for n, v in enumerate(range(-4, 5), 1)
    ]
    file = tmp_path / "t.csv"
    file.write_text("\n".join(rows))
    ds = measured.read(file, decimal=",", noise_floor="1 pA", unsigned=True)
    assert np.abs(ds["current"].values[0][:2]) == pytest.approx([1234.5e-9, 2234.5e-9])


def test_saturated_currents_are_seen_and_taken_for_a_compliance(tmp_path: Path) -> None:
    file = files.wide(tmp_path / "w.csv", files.a_set(saturation=0.3e-9, contacts=8))
    ds = measured.read(file, noise_floor="0.2 pA")
    assert ds.attrs["compliance"] == pytest.approx(0.3e-9, rel=1e-6)
    assert "compliance" in ds.attrs["reading"]
    free = measured.read(
        files.wide(tmp_path / "f.csv", files.a_set(contacts=8)), noise_floor="0.2 pA"
    )
    assert free.attrs["compliance"] == np.inf


def test_curves_without_contacts_are_no_units(tmp_path: Path) -> None:
    rows = ["V (V)," + ",".join(f"R_{'up' if n % 2 else 'down'} (nA)" for n in range(20))]
    random = np.random.default_rng(1)
    size = np.exp(random.normal(size=20))
    rows += [",".join([f"{v:.2f}", *(f"{s * v:.6f}" for s in size)]) for v in np.linspace(-1, 1, 9)]
    file = tmp_path / "w.csv"
    file.write_text("\n".join(rows))
    ds = measured.compare(measured.read(file, noise_floor="1 pA"))
    assert ds.attrs["verdict"] == "not testable"
    assert "junctions" in str(json.loads(ds.attrs["facts"])["missing"])
    each = measured.compare(measured.read(file, noise_floor="1 pA", contacts="curves"))
    assert each.attrs["verdict"] == "no signal"


V = np.linspace(-1, 1, 11)


def test_every_curve_may_have_a_bias_of_its_own(tmp_path: Path) -> None:
    rows = ["V1 (V),R_up_c1_1 (nA),V2 (V),R_down_c2_2 (nA)"]
    rows += [f"{v:.3f},{v:.4f},{0.9 * v:.3f},{0.45 * v:.4f}" for v in V]
    (tmp_path / "p.csv").write_text("\n".join(rows))
    ds = measured.read(tmp_path / "p.csv", noise_floor="1 pA")
    assert np.allclose(ds["current"][0], 1e-9 * ds["bias"])
    assert np.allclose(ds["current"][1], 0.5e-9 * ds["bias"])


def test_columns_without_names_are_named_by_number(tmp_path: Path) -> None:
    file = tmp_path / "R_up_c1_1.txt"
    file.write_text("\n".join(f"{v:.3f} {2 * v:.4f}" for v in V))
    with pytest.raises(ModelError, match="gives its number"):
        measured.read(file)
    ds = measured.read(file, bias_column="1", current_column="2", bias_unit="V", current_unit="pA")
    assert np.allclose(ds["current"], 2e-12 * V)
    assert ds["magnetisation"].values.tolist() == ["up"]


def test_current_densities_are_kept(tmp_path: Path) -> None:
    head = ",".join(f"R_{'up' if n % 2 else 'down'}_c{n}_{n} (A/cm2)" for n in range(4))
    rows = [f"V (V),{head}"]
    rows += [",".join(f"{x:.4f}" for x in (v, v, 0.9 * v, 1.1 * v, 0.8 * v)) for v in V]
    (tmp_path / "j.csv").write_text("\n".join(rows))
    ds = measured.compare(measured.read(tmp_path / "j.csv", noise_floor="1 mA/cm^2"))
    assert ds["mean_current"].attrs["units"] == "A/cm^2"
    assert ds["conductance"].attrs["units"] == "S/cm^2"


def test_a_cell_that_is_no_number_leaves_no_column_out(tmp_path: Path) -> None:
    """A column with one bad cell was once left out without a word."""
    rows = [HEAD, *GOOD[:4], "0.0,x1,2", *GOOD[5:]]
    assert "bad.csv:6, column 2" in _refused(tmp_path, "\n".join(rows))


def test_two_words_of_one_name_that_contradict_are_refused(tmp_path: Path) -> None:
    assert "two words" in _refused(tmp_path, "\n".join([HEAD.replace("R_up", "R_S_up"), *GOOD]))


@pytest.mark.parametrize(
    "cell", ["12", "-1.5e-3", "1,5", ".5", "1.234,5", "3.", "nan", "2D-9", "--"]
)
def test_numbers_are_told_from_words_however_long(cell: str) -> None:
    assert is_number(cell)
    assert not is_number(cell + "V")
    assert not is_number("9" * 100_000 + cell + "V")  # minutes where digits are tried in two ways


def test_a_folder_stands_for_its_files_of_one_kind(tmp_path: Path) -> None:
    file = files.wide(tmp_path / "w.csv", CURVES)
    xr.testing.assert_equal(measured.read(tmp_path), measured.read(file))
    (tmp_path / "notes.txt").write_text("tip 3\n")
    with pytest.raises(ModelError, match=r"several kinds; name those .*\*\.csv' or '.*\*\.txt'"):
        measured.read(tmp_path)
