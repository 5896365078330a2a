"""Inputs that nobody should type, generated from what every problem declares.

Every parameter and every option of every method meets extreme magnitudes, wrong kinds, wrong shapes, digits of other
scripts, texts of 100 kB; text parameters meet functions of the wrong kind; ranges, gradients, optima and the other
commands meet garbage. A seed decides which of all these are drawn.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import chirospin
from benchmarks import generated_files
from chirospin.base.family import Problem

LONG = "9" * 100_000
"""Nearly the longest argument that Linux hands to a program, 128 KiB."""

MAGNITUDES = (
    "1e308", "-1e308", "5e-324", "-5e-324", "1e200", "-1e200", "1e-200", "1e30", "-1e30", "1e-30", "1e16", "1e-16",
    "nan", "-nan", "inf", "-inf", "1e999", "-1e999", "1" + "0" * 400, "123456789012345678901234567890", "0", "-0.0", "-1",
)  # fmt: skip
WRONG_KINDS = (
    "true", "None", "null", "abc", "''", "\x00", "1j", "1+1j", "{}", "[]", "()", "[1", "[[[[1]]]]", "[1,2,3,4,5,6,7]",
    "[nan,nan,nan]", "[1e308,1e308,1e308]", "[5e-324,0,0]", "[true,false,true]", '["a","b","c"]', "[[1,2],[3]]",
    "[1,[2,[3,[4]]]]", "{'a':1}", "[None,None,None]", "²", "0:1:²", "٣", "１", "1²", "½", "1 eV eV", "1 furlong", "1 m",
    "1 ½", "- 1", "1,5", "1e", "+", "1__0", "0x10", "pi/0", "..pi", "1..2pi", "pi/..", "9**9**9**9", "1 eV**400", "🙂",
    "\n", "1\n2", "[" * 3000, "[" * 40 + "]" * 40, LONG, "-" + LONG, "[" + "1," * 50_000 + "]", "x" * 100_000,
    "1 " + "m" * 100_000, "[1e999,0,0]", "[(1,2),(3,4)]", "[1,2,3]", "[[1,2],[3,4]]", "[[1,2,3],[4,5,6],[7,8,9]]",
)  # fmt: skip
RANGES = (
    "0:1:²", "0:1:٣", "0:1", ":::", "0:1:-3", "0:1:0", "0:1:3:cubic", "0:0:3:log", "-1:1:3:log", "nan:1:3", "0:inf:3",
    "1e308:-1e308:3", "5e-324:1e308:5:log", "0:1:1000001", "0:1:" + "9" * 5000, "0:1:1e3", "0:1:3:log:log", "a:b:c",
    "[1,2]:3:2", "1,2,x", ",,,", "1," * 50_000 + "x", "0:" + LONG + ":3", "[1,2,3]", "none", "0:1:²:log", "１:２:３", "0: :3",
    "1e-200,1e200", "1e30:-1e30:2", "0:[1]:3", "(1,2):(3,4):2", "0:None:2",
)  # fmt: skip
FUNCTIONS = (
    "math:sqrt", "os:system", "os:_exit", "sys:exit", "shutil:rmtree", "os:abort", "builtins:eval", "builtins:print",
    "antigravity:fly", "numpy:array", "numpy:pi", "nosuchmodule:f", "math:nosuch", ":", "math:", ":sqrt", "a:b:c",
    "nosuch.py:f", "{folder}/bad.py:raises", "{folder}/bad.py:exits", "{folder}/bad.py:ends", "{folder}/bad.py:text",
    "{folder}/bad.py:nothing", "{folder}/bad.py:wide", "{folder}/bad.py:no_argument", "{folder}/bad.py:five_arguments",
    "{folder}/bad.py:endless", "{folder}/bad.py:A_NUMBER", "{folder}/bad.py:A_CLASS", "{folder}/bad.py:nan",
    "{folder}/bad.py:recurses", "{folder}/bad.py:interrupts", "{folder}/bad.py:nosuch", "{folder}/broken.py:f",
    "{folder}/raises.py:f", "{folder}/exits.py:f", "{folder}/binary.py:f", "{folder}:f", "{folder}", "/dev/null",
    "/dev/null:f", "..:f", "chirospin:f", "{folder}/table.dat", "{folder}/table.npz", "{folder}/table.csv", "x" * 5000,
)  # fmt: skip
FILES: Mapping[str, bytes] = {
    "bad.py": b"""import sys, os
A_NUMBER = 3
class A_CLASS: pass
def raises(*args): raise RuntimeError("a user's\\nerror " + "x" * 10000)
def exits(*args): sys.exit(3)
def ends(*args): raise BaseException("end")
def text(*args): return "text"
def nothing(*args): return None
def wide(*args): return [[1.0] * 7] * 5
def no_argument(): return 1.0
def five_arguments(a, b, c, d, e): return 1.0
def endless(*args):
    yield from iter(int, 1)
def nan(*args): return float("nan")
def recurses(*args): return recurses(*args)
def interrupts(*args): raise StopIteration
""",
    "broken.py": b"def f(:\n",
    "raises.py": b"raise KeyError('a')\n",
    "exits.py": b"import sys\nsys.exit(7)\n",
    "binary.py": bytes(range(256)),
    "table.dat": b"not a table\n" * 9,
    "table.npz": b"PK\x03\x04 not an archive",
    "table.csv": b"1,nan\n2,inf\n0,x\n",
    "empty.nc": b"",
    "text.nc": b"not a file of this kind",
    "hdf.nc": b"\x89HDF\r\n\x1a\n" + b"\x00" * 512,
    "empty.toml": b"",
    "broken.toml": b"family = [",
    "binary.toml": bytes(range(256)),
    "nothing.toml": b'family = "junction"\n',
    "wrong.toml": b'family = 3\nmethod = {a = 1}\n[grid]\nhubbard = [[1],[2]]\n',
    "negative.toml": b'family = "junction"\n[random]\nsamples = 4\nseed = -1\nhubbard = { uniform = [0, 1] }\n',
    "samples.toml": b'family = "junction"\n[random]\nsamples = "x"\nhubbard = { uniform = [0, 1] }\n',
    "huge.toml": b'family = "junction"\n[grid]\nhubbard = "0:1:1000000"\nenergy_b = "0:1:1000000"\n',
    "script.toml": 'family = "junction"\n[grid]\nhubbard = "0:1:²"\n'.encode(),
    "law.toml": b'family = "junction"\n[random]\nsamples = 4\nhubbard = { uniform = [nan, inf] }\n',
    "chunk.toml": b'family = "junction"\nchunk = -3\n[grid]\nhubbard = "0:1:3"\n',
    "sobol.toml": b'family = "junction"\n[sobol]\nsamples = 1e9\nhubbard = { uniform = [0, 1] }\n',
}  # fmt: skip
LIGHT: Mapping[str, tuple[str, ...]] = {
    "junction": ("--set", "molecules=1"),
    "junction.bias": ("--set", "molecules=1"),
    "junction.transient": ("--set", "molecules=1"),
    "chiral_metal": ("--option", "cells=32"),
    "chiral_metal.driven": ("--option", "cells=32"),
    "crystal": ("--option", "polar=16", "--option", "azimuth=16", "--option", "points=12"),
    "vibration": ("--option", "search_points=4"),
    "molecule": ("--set", "functional=hf", "--set", "basis=sto-3g", "--set", "screening=none"),
    "molecule.stack": ("--set", "functional=hf", "--set", "basis=sto-3g", "--set", "screening=none"),
    "spinterface.map": ("--set", "x=[0,1]", "--set", "y=[0,1]"),
    "models.double_helix": ("--set", "base_pairs=6"),
    "models.single_helix": ("--set", "length=8"),
}  # fmt: skip
"""What makes a point of each problem quick, unless the input itself says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One command line, after ``chirospin``, and what kind of mischief it is."""

    kind: str
    line: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(x if len(x) < 60 else f"{x[:40]!r}...({len(x)})" for x in self.line)


def problems() -> list[Problem]:
    """Every problem of every family."""
    return [
        one
        for name in chirospin.FAMILIES
        for one in importlib.import_module(f"chirospin.{name}").FAMILY.problems
    ]


def write_files(folder: Path) -> None:
    """The files that inputs name."""
    for name, content in {**generated_files.FILES, **FILES}.items():
        (folder / name).write_bytes(content)


def inputs(count: int, seed: int, folder: Path) -> list[Input]:
    """So many different inputs of all kinds in turn, drawn by a seed."""
    draw = random.Random(seed)
    every = problems()
    kinds: list[Callable[[], Input]] = [
        lambda kind=kind: kind(draw, draw.choice(every), folder)  # type: ignore[misc]
        for kind in (
            _parameter, _parameter, _parameter, _option, _option, _over, _function, _several, _gradient, _optimise, _command,
        )
    ]  # fmt: skip
    kinds += [
        lambda kind=kind: _with_files(draw, kind, folder)  # type: ignore[misc]
        for kind in generated_files.KINDS
    ]
    found: dict[Input, None] = {}
    turn = 0
    while len(found) < count:
        found.setdefault(kinds[turn % len(kinds)]())
        turn += 1
    return list(found)


def _with_files(draw: random.Random, kind: str, folder: Path) -> Input:
    return Input(kind=kind, line=generated_files.KINDS[kind](draw, folder))


def _light(problem: Problem, method: str, *named: str) -> Iterator[str]:
    """Settings that make a point quick, without those that are given."""
    pairs = LIGHT.get(problem.path, ())
    known = {*problem.model.model_fields, *problem.methods[method].model_fields}
    for flag, text in zip(pairs[::2], pairs[1::2], strict=True):
        name = text.partition("=")[0]
        if name in known and name not in named:
            yield from (flag, text)


def _text(draw: random.Random) -> str:
    return draw.choice(draw.choice((MAGNITUDES, MAGNITUDES, WRONG_KINDS)))


def _method(draw: random.Random, problem: Problem) -> str:
    return draw.choice(list(problem.methods))


def _names(problem: Problem) -> list[str]:
    return [*problem.model.model_fields, *problem.model.shorthands]


def _parameter(draw: random.Random, problem: Problem, folder: Path) -> Input:
    name, method = draw.choice(_names(problem)), _method(draw, problem)
    line = ("solve", problem.path, "--method", method, f"--set={name}={_text(draw)}")
    return Input(kind="parameter", line=(*line, *_light(problem, method, name)))


def _option(draw: random.Random, problem: Problem, folder: Path) -> Input:
    method = _method(draw, problem)
    name = draw.choice([*problem.methods[method].model_fields, "nosuch"])
    text = draw.choice((_text(draw), "1e400", "-1", "0", "1000000000", str(folder / "table.dat")))
    if name == "folder":
        text = str(folder / "table.dat")  # an existing file: no folder is made by a test
    line = ("solve", problem.path, "--method", method, f"--option={name}={text}")
    return Input(kind="option", line=(*line, *_light(problem, method, name)))


def _over(draw: random.Random, problem: Problem, folder: Path) -> Input:
    method = _method(draw, problem)
    names = draw.sample(_names(problem), 2)
    if draw.random() < 0.25:
        ranges = ("0.1:0.9:1000000",) * 2
    else:
        ranges = (draw.choice(RANGES), draw.choice(("1", "0:1:²")))
    given = [f"--over={name}={text}" for name, text in zip(names, ranges, strict=True)]
    given = given[: draw.choice((1, 2)) if "1000000" not in ranges[0] else 2]
    line = ("solve", problem.path, "--method", method, *given)
    return Input(kind="over", line=(*line, *_light(problem, method, *names)))


def _function(draw: random.Random, problem: Problem, folder: Path) -> Input:
    places = {
        "crystal": ("hamiltonian",),
        "vibration": ("spectrum",),
        "spinterface.map": ("molecule",),
        "rashba": ("disorder", "dispersion", "splitting"),
        "models.custom": ("system",),
    }
    path = draw.choice(list(places))
    name = draw.choice(places[path])
    text = draw.choice(FUNCTIONS).replace("{folder}", str(folder))
    (problem,) = (one for one in problems() if one.path == path)
    method = _method(draw, problem)
    more = ("--set", "bath=spectrum", "--set", "spectrum_range=[0,1]") if name == "spectrum" else ()
    line = ("solve", path, "--method", method, f"--set={name}={text}", *more)
    return Input(kind="function", line=(*line, *_light(problem, method)))


def _several(draw: random.Random, problem: Problem, folder: Path) -> Input:
    method = _method(draw, problem)
    names = draw.sample(list(problem.model.model_fields), min(3, len(problem.model.model_fields)))
    given = [f"--set={name}={draw.choice(MAGNITUDES)}" for name in names]
    line = ("solve", problem.path, "--method", method, "--json", *given)
    return Input(kind="several", line=(*line, *_light(problem, method, *names)))


def _gradient(draw: random.Random, problem: Problem, folder: Path) -> Input:
    method = _method(draw, problem)
    name, by = draw.choice(_names(problem)), draw.choice([*_names(problem), "nosuch", LONG])
    line: list[str] = ["gradient", problem.path, "--method", method, "--by", by]
    if draw.random() < 0.5:
        line.append(f"--set={name}={draw.choice(MAGNITUDES)}")
    if draw.random() < 0.7:
        line.append("--json")
    return Input(kind="gradient", line=(*line, *_light(problem, method, name)))


def _optimise(draw: random.Random, problem: Problem, folder: Path) -> Input:
    method, name = _method(draw, problem), draw.choice(_names(problem))
    what = draw.choice(
        (problem.quantity, "nosuch", f"abs({problem.quantity}", "abs(abs(", f"{problem.quantity}[nosuch]", "1*2", LONG, "")
    )  # fmt: skip
    ends = draw.choice(
        (
            "0:1",
            "1:0",
            "nan:1",
            "0:inf",
            "-1e308:1e308",
            "5e-324:1e308:log",
            "0:²",
            "a:b",
            ":",
            "1e200:1e201",
            "",
            LONG,
        )
    )
    line = ["optimise", problem.path, "--method", method, f"--maximise={what}", f"--vary={name}={ends}",
            "--starts", draw.choice(("1", "0", "-1", "x")), "--evaluations", draw.choice(("2", "0", "1e9")),
            "--seed", draw.choice(("0", "-1", "9" * 400))]  # fmt: skip
    return Input(kind="optimise", line=(*line, *_light(problem, method, name)))


def _command(draw: random.Random, problem: Problem, folder: Path) -> Input:
    bad = draw.choice(
        (
            "",
            "nosuch",
            "junction.",
            ".",
            "..",
            "²",
            LONG,
            "\x00",
            "junction.nosuch",
            "-1",
            "a/b",
            "*",
            str(folder),
        )
    )
    file = str(folder / draw.choice([*FILES, "nosuch.nc", "nosuch.zarr", "nosuch.toml"]))
    toml = str(folder / draw.choice([name for name in FILES if name.endswith(".toml")]))
    store = ("--store", str(folder / f"store{draw.randrange(10**9)}"))
    line = draw.choice(
        (
            ("reproduce", bad), ("reproduce", ""), ("reproduce", "yoshimi_2026", bad), ("cite", bad), ("cite", file),
            ("cite", "junction", "--method", bad), ("describe", bad), ("describe", "--json", bad), ("report", file, "--out", bad),
            ("report", bad, "--out", str(folder / "page.html")), ("audit", file), ("audit", bad), ("audit", "junction", "--method", bad),
            ("status", file), ("status", bad), ("importance", file, "x"), ("importance", bad, bad), ("sweep", toml, *store),
            ("sweep", toml, *store, "--workers", "-1"), ("sweep", bad, *store), ("solve", bad), ("solve", problem.path, "--method", bad),
            ("solve", problem.path, "--quantity", bad), ("solve", problem.path, "--out", bad or "x"), ("solve", problem.path, "--plot", bad or "x"),
            ("solve", problem.path, f"--set={bad}"), ("solve", problem.path, f"--option={bad}"), ("solve", problem.path, f"--over={bad}"),
            ("solve", problem.path, "--workers", "0"), ("explore", "--port", "1.5"), ("explore", "--port", "-1"), ("explore", bad, "--port", "99999999"),
            ("explore", "--port", "99999999"), ("explore", "--port", LONG), ("about", bad), ("validate", "--workers", "-3"), (bad,), (bad, bad),
        )
    )  # fmt: skip
    return Input(kind="command", line=tuple(line))
