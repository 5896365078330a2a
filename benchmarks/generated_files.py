"""Files that nobody should hand over: tables of curves, crystals, molecules, systems of sites, and what asks for them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

HEADS = ("R_up_c1_01", "R_down_c2_02", "R_up_c3_03", "R_down_c4_04", "S_up_c5_05", "S_down_c6_06")
LONG = "9" * 100_000


def _table(rows: int = 9, join: str = ",") -> str:
    """Few curves that are good, I = V + V^3/2 times a factor."""
    biases = [-1 + 2 * n / (rows - 1) for n in range(rows)]
    currents = [[(1 + 0.1 * k) * (V + V**3 / 2) for k in range(len(HEADS))] for V in biases]
    lines = [join.join(["Bias", *HEADS]), join.join(["V", *["pA"] * len(HEADS)])]
    lines += [
        join.join(map("{:.6g}".format, (V, *row))) for V, row in zip(biases, currents, strict=True)
    ]
    return "\n".join(lines) + "\n"


GOOD = _table()
_LINES = GOOD.splitlines(keepends=True)
CURVES: Mapping[str, bytes] = {
    "curves.csv": GOOD.encode(),
    "one_row.csv": "".join(_LINES[:3]).encode(),
    "no_row.csv": "".join(_LINES[:2]).encode(),
    "no_head.csv": "".join(_LINES[2:]).encode(),
    "ragged.csv": GOOD.replace(",1.1\n", "\n").encode() + b"1,2\n,,,,\n",
    "words.csv": GOOD.replace("0.5,", "half,").encode(),
    "nan.csv": GOOD.replace("0.5", "nan").encode(),
    "inf.csv": GOOD.replace("0.5", "1e999").encode(),
    "huge.csv": GOOD.replace("0.5", "1e308").encode(),
    "tiny.csv": GOOD.replace("0.5", "5e-324").encode(),
    "zero.csv": ("".join(_LINES[:2]) + "".join(f"{n},0,0,0,0,0,0\n" for n in range(9))).encode(),
    "unit.csv": GOOD.replace("pA", "furlong").encode(),
    "up.csv": GOOD.replace("down", "up").encode(),
    "same.csv": GOOD.replace("c4_04", "c2_02").encode(),
    "still.csv": ("".join(_LINES[:2]) + "0,1,2,3,4,5,6\n" * 9).encode(),
    "cell.csv": GOOD.encode() + LONG.encode() + b",1,1,1,1,1,1\n",
    "head.csv": (LONG + GOOD).encode(),
    "commas.csv": _table(join=";").replace(".", ",").encode(),
    "utf16.csv": GOOD.encode("utf-16"),
    "nul.csv": GOOD.replace("R_", "R\x00_").encode(),
    "binary.csv": bytes(range(256)) * 20,
    "workbook.xlsx": b"PK\x03\x04 no workbook",
    "ramp.txt": b"\\*File list\n\\Version: 1\n" + GOOD.encode(),
    "nanonis.dat": b"Experiment\tbias\n[DATA]\nBias (V)\tCurrent (A)\n0\tx\n",
    "how.toml": b'unit = "nA"\nfiles = ["nosuch.csv"]\n',
    "how_wrong.toml": b"header = -3\nwords = 5\nlayout = []\n",
}
_TB = "remark\n1 0 0\n0 1 0\n0 0 1\n2\n1\n1\n\n0 0 0\n1 1 0 0\n2 1 0 0\n1 2 0 0\n2 2 0 0\n"
CRYSTALS: Mapping[str, bytes] = {
    "good_tb.dat": _TB.encode(),
    "short_tb.dat": _TB[:40].encode(),
    "many_tb.dat": _TB.replace("\n2\n1\n", "\n1000000000\n1000000000\n").encode(),
    "less_tb.dat": _TB.replace("\n2\n1\n", "\n-2\n-1\n").encode(),
    "nan_tb.dat": _TB.replace("1 1 0 0", "1 1 nan 0").encode(),
    "flat_tb.dat": _TB.replace("0 0 1\n", "0 0 0\n").encode(),
    "huge_tb.dat": _TB.replace("1 1 0 0", "1 1 1e308 1e308").encode(),
    "outside_tb.dat": _TB.replace("2 2 0 0", "9 9 0 0").encode(),
    "good_hr.dat": b"remark\n2\n1\n1\n0 0 0 1 1 0 0\n0 0 0 2 1 0 0\n0 0 0 1 2 0 0\n0 0 0 2 2 0 0\n",
    "far_hr.dat": b"remark\n1\n1\n1\n999999999 0 0 1 1 0 0\n",
    "zero_hr.dat": b"remark\n0\n0\n",
    "cell.win": b"begin unit_cell_cart\n0 0 0\n0 0 0\n0 0 0\nend unit_cell_cart\n",
    "loop.win": b"begin atoms_cart\n" * 40,
    "a.chk": b"\x00" * 300,
    "a.eig": b"1 1 nan\n",
    "a.spn": b"\xff" * 300,
    "group.npz": b"PK\x03\x04 not an archive",
}
MOLECULES: Mapping[str, bytes] = {
    "empty.xyz": b"",
    "many.xyz": b"1000000000\n\nH 0 0 0\n",
    "less.xyz": b"-3\n\nH 0 0 0\n",
    "symbol.xyz": b"2\n\nQq 0 0 0\nH 0 0 1\n",
    "same.xyz": b"2\n\nH 0 0 0\nH 0 0 0\n",
    "nan.xyz": b"2\n\nH 0 0 nan\nH 0 0 1\n",
    "far.xyz": b"2\n\nH 0 0 0\nH 0 0 1e308\n",
    "odd.xyz": b"1\n\nH 0 0 0\n",
    "heavy.xyz": b"1\n\nOg 0 0 0\n",
    "words.xyz": b"2\n\nH a b c\nH 0 0 1\n",
    "bad.pdb": b"ATOM  broken\n" * 5,
    "bad.cif": b"data_\nloop_\n_atom\n",
    "bad.gjf": bytes(range(256)),
}
SYSTEMS: Mapping[str, bytes] = {
    "sites.toml": b"[[site]]\n[[site]]\n[[hop]]\nbetween = [1, 2]\nvalue = 0.1\n"
    b"[left]\nsites = [1]\n[right]\nsites = [2]\n",
    "hop_nan.toml": b"[[site]]\n[[site]]\n[[hop]]\nbetween = [1, 2]\nvalue = nan\n"
    b"[left]\nsites = [1]\n[right]\nsites = [2]\n",
    "hop_huge.toml": b"[[site]]\n[[site]]\n[[hop]]\nbetween = [1, 2]\nvalue = 1e308\n"
    b"[left]\nsites = [1]\n[right]\nsites = [2]\n",
    "hop_nowhere.toml": b"[[site]]\n[[hop]]\nbetween = [1, 99999]\nvalue = 1\n[left]\nsites = [1]\n[right]\nsites = [1]\n",
    "sites_word.toml": b'sites = "many"\nhops = 3\nleft = []\nright = {}\n',
    "orbit.toml": b"[[site]]\nspin_orbit = [[0, 1], [0, 0]]\n[left]\nsites = [1]\n[right]\nsites = [1]\n",
    "levels.toml": b'[[site]]\nlevels = ["a", {}]\nposition = [1]\n[left]\nsites = [0]\n[right]\nsites = [-1]\n',
}
WORDS = (
    "", "nosuch", LONG, "²", "\x00", "1e999", "nan", "-1", "0", "1e308", "5e-324", "1 furlong", "1 nA", "300 K", "0.5 V",
    "(", "(?P<magnetisation>up|down)", "(a+)+$", "up=", "=up", "up=R_up", "contact=nosuch", "a: abs(I) > 1 nA at 0.1 V",
    "a: I >", "tab", ",", "cp1252", "utf-16", "wide", "long", "loops", "sheets", "nanonis", "ramps", "tip", "R_up", "[]",
)  # fmt: skip
FLAGS = (
    "--layout", "--unit", "--bias-unit", "--bias-column", "--current-column", "--bias-at", "--delimiter", "--decimal",
    "--encoding", "--header", "--match", "--word", "--label", "--order", "--contacts", "--keep", "--exclude", "--floor",
    "--compliance", "--temperature", "--length", "--magnetised", "--lead-polarisation", "--bias", "--reference", "--seed",
)  # fmt: skip
NUMBERS = (
    "0.3", "0", "-0.3", "1", "-1", "2", "nan", "inf", "1e308", "5e-324", "1e-9", "1e-300", "0.999999999999", "²", "", LONG, "1,5",
)  # fmt: skip
Line = tuple[str, ...]


def _named(draw: random.Random, files: Mapping[str, bytes], folder: Path) -> str:
    return str(folder / draw.choice([*files, "nosuch.dat", "bad.py", ""]))


def measured(draw: random.Random, folder: Path) -> Line:
    """Curves that are not, read in ways that do not fit."""
    line = ["measured", _named(draw, CURVES, folder)]
    for flag in draw.sample(FLAGS, draw.choice((0, 1, 1, 2, 3))):
        line.append(f"{flag}={draw.choice(WORDS)}")
    ends: Sequence[Line] = (
        (), ("--show-reading",), ("--json",), ("--bayes",), ("--unsigned",), ("--same-contacts",), ("--example",),
        ("--read", str(folder / draw.choice(("how.toml", "how_wrong.toml", "broken.toml", "nosuch.toml")))),
        ("--plot", "x.nosuch"), ("--out", "x.nosuch"),
    )  # fmt: skip
    return (*line, *draw.choice(ends))


def planned(draw: random.Random, folder: Path) -> Line:
    """Plans of what no set of contacts can show."""
    line = ["plan", f"--polarisation={draw.choice(NUMBERS)}"]
    for flag in draw.sample(("--scatter", "--paired", "--power"), draw.choice((0, 1, 2, 3))):
        line.append(f"{flag}={draw.choice(NUMBERS)}")
    return (*line, *draw.choice(((), ("--json",))))


def crystal(draw: random.Random, folder: Path) -> Line:
    """Wannier files that are broken, and groups that are none."""
    problem = draw.choice(("crystal", "crystal.contact"))
    name = _named(draw, CRYSTALS, folder)
    if draw.random() < 0.3:
        name = str(folder / "a")
    line = [
        "solve",
        problem,
        "--method",
        "k-grid",
        f"--set=hamiltonian={name}",
        "--option",
        "points=6",
    ]
    line += ["--set", f"thermal_energy={draw.choice(('0.05', '0.05', '0.05', '1e300'))}"]
    for one in draw.sample(("spin", "point_group", "wsvec"), draw.choice((0, 1, 2))):
        text = draw.choice(
            (
                "nosuch",
                "none",
                "file",
                "pauli-blocked",
                str(folder / "group.npz"),
                str(folder / "cell.win"),
                LONG,
            )
        )
        line.append(f"--set={one}={text}")
    return tuple(line)


def molecule(draw: random.Random, folder: Path) -> Line:
    """Structures that are none, and words that PySCF does not know."""
    line = ["solve", draw.choice(("molecule", "molecule.stack"))]
    settings = {"functional": "hf", "basis": "sto-3g", "screening": "none"}
    settings["structure"] = draw.choice((_named(draw, MOLECULES, folder), "h2o2"))
    name = draw.choice(
        (
            "functional",
            "basis",
            "pair",
            "axis",
            "frame",
            "charge",
            "window",
            "structure",
            "structure",
        )
    )
    if name != "structure":
        settings[name] = draw.choice(
            (
                "nosuch",
                "",
                "[0,0,0]",
                "HOMO-99,HOMO",
                "1e9",
                "-1",
                "²",
                "../../x",
                "import os",
                LONG,
                "sto-3g,sto-3g",
                "b3lyp*nan",
            )
        )
    return (*line, *(f"--set={key}={value}" for key, value in settings.items()))


def system(draw: random.Random, folder: Path) -> Line:
    """Systems of sites that cannot be, and stacks that are none."""
    if draw.random() < 0.3:
        file = _named(draw, {**CURVES, **SYSTEMS}, folder)
        return ("solve", draw.choice(("junction", "models.stack", "rashba")), "--from", file)
    return ("solve", "models.custom", f"--set=system={_named(draw, SYSTEMS, folder)}")


KINDS = {
    "measured": measured, "plan": planned, "crystal": crystal, "molecule": molecule, "system": system,
}  # fmt: skip
FILES: Mapping[str, bytes] = {**CURVES, **CRYSTALS, **MOLECULES, **SYSTEMS}
