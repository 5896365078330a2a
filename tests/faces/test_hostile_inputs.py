"""Whatever is typed ends in one line or in an answer: a few dozen generated inputs, and controls of their judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.fails_safely import LONGEST, PROGRESS, fault, generated
from benchmarks.generated import inputs, problems
from benchmarks.watched import Ended, Watched

from chirospin.faces.cli import main as chirospin

FEW, SEED = 60, 5
LONG = "9" * 100_000


def test_generated_inputs_are_refused_or_answered() -> None:
    found = generated(FEW, SEED)
    assert not found.faults
    assert found.count == FEW
    assert found.longest < LONGEST


def test_the_same_seed_draws_the_same_inputs_and_another_seed_others(tmp_path: Path) -> None:
    assert inputs(50, 1, tmp_path) == inputs(50, 1, tmp_path)
    assert inputs(50, 1, tmp_path) != inputs(50, 2, tmp_path)


def test_many_inputs_reach_every_problem(tmp_path: Path) -> None:
    named = {word for one in inputs(1000, 1, tmp_path) for word in one.line}
    assert {one.path for one in problems()} <= named


@pytest.mark.parametrize(
    ("ended", "word"),
    [
        (Ended(code=None, trace="Traceback\nKeyError: 1"), "TRACEBACK"),
        (Ended(code=None, hung=True), "HANG"),
        (Ended(code=2, err="chirospin: one\nchirospin: two\n"), "LINES"),
        (Ended(code=2, err="chirospin: " + "x" * 500), "LONG"),
        (Ended(code=0, err="file.py:3: RuntimeWarning: overflow\n"), "NOISE"),
        (Ended(code=7), "CODE"),
        (Ended(code=0, out='{"value": NaN}'), "JSON"),
    ],
)
def test_the_judge_sees_each_fault(ended: Ended, word: str) -> None:
    assert fault(ended, ("solve", "--json")).startswith(word)


def test_a_process_that_hangs_or_dies_is_told_and_replaced(tmp_path: Path) -> None:
    """The control of the watch: a user's function that never returns, and one that kills the process."""
    code = tmp_path / "mine.py"
    code.write_text("import os\ndef endless(q):\n    while True: pass\ndef dies(q): os._exit(9)\n")
    lines = [
        ("solve", "rashba", f"--set=disorder={code}:{name}") for name in ("endless", "dies")
    ] + [("cite", "rashba")]
    hung, died, good = Watched(2.0, 2 * 2**30).run(lines)
    assert hung.hung
    assert died.code is None
    assert good.code == 0


@pytest.mark.parametrize(
    "line",
    [
        ["solve", "junction", "--over", "hubbard=0:1:²"],
        ["solve", "chiral_metal", "--set", "position=[]"],
        ["solve", "spinterface.contact", "--method", "lesser-only", "--set", "distance=[]"],
        ["solve", "junction", "--over", "hubbard=0:1:1000000", "--over", "energy_b=0:1:1000000"],
        ["solve", "junction", "--set", f"hubbard={LONG}"],
        ["solve", "junction.transient", "--set", f"start=x{LONG}"],
        ["solve", "junction", "--set", "hubbard=1e200"],
        ["solve", "junction", "--set", "hubbard=5e-324"],
        ["solve", "junction", "--option", "tolerance=1e400"],
        ["solve", "junction", "--option", "tolerance=0.1"],
        [
            "solve",
            "junction",
            "--method",
            "trajectories",
            "--option",
            "trajectories=1000000",
            "--set",
            "molecules=5",
        ],
        [
            "solve",
            "junction",
            "--method",
            "trajectories",
            "--option",
            "time=1e7",
            "--set",
            "coupling=1e6",
        ],
        ["solve", "junction.bias", "--set", "molecules=1000"],
        ["solve", "rashba", "--set", "disorder=math:sqrt"],
        ["solve", "rashba", "--set", "splitting=os:system"],
        ["solve", "junction", "--workers", "1.5"],
        ["gradient", "chiral_metal", "--by", "field", "--json"],
        ["optimise", "junction", "--maximise=spin_polarisation", "--vary=hubbard=0:1", "--seed=-1"],
        ["explore", "--port", "1.5"],
        ["explore", "--port", "99999"],
        ["reproduce", ""],
    ],
    ids=lambda line: " ".join(line)[:60],
)
def test_what_cannot_be_is_refused_in_one_line(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert chirospin(line) == 2
    said = capsys.readouterr()
    assert not said.out
    messages = [x for x in said.err.splitlines() if not x.startswith(PROGRESS)]
    assert len(messages) == 1
    assert messages[0].startswith("chirospin: ")
    assert len(messages[0]) < LONGEST


def test_a_refusal_names_parameter_value_and_range(capsys: pytest.CaptureFixture[str]) -> None:
    assert chirospin(["solve", "junction", "--set", "hubbard=1e200"]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in ("`hubbard`", "1e+200", "1e+30", "eV"))


@pytest.mark.parametrize("name", ["os:system", "shutil:rmtree", "builtins:print"])
def test_a_function_of_python_itself_is_not_called(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[object] = []
    monkeypatch.setattr("os.system", called.append)
    monkeypatch.setattr("shutil.rmtree", called.append)
    monkeypatch.setattr("builtins.print", called.append)
    assert chirospin(["solve", "rashba", "--set", f"disorder={name}"]) == 2
    assert not called


@pytest.mark.parametrize(
    "body",
    [
        "raise KeyError('a')",
        "import sys; sys.exit(3)",
        "return 'text'",
        "return None",
        "return q.nosuch",
    ],
)
def test_a_function_that_fails_is_an_error_of_its_parameter(
    body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "mine.py"
    code.write_text(f"def rate(q):\n    {body}\n")
    assert chirospin(["solve", "rashba", "--set", f"disorder={code}:rate"]) == 2
    assert "`disorder`" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"", b"text", bytes(range(256))])
def test_a_damaged_table_is_named(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.npz"
    table.write_bytes(content)
    assert chirospin(["solve", "spinterface.map", "--set", f"molecule={table}"]) == 2
    assert "`molecule`" in capsys.readouterr().err


def test_json_of_a_gradient_without_a_value_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A moment that the level cannot hold needs no repulsion that exists: null, not NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    line = ["gradient", "spinterface.stability", "--set=moment=1.2", "--by=level", "--json"]
    assert chirospin(line) != 2
    body = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert body["values"]["d_repulsion"]["values"] == [None]


def test_text_longer_than_any_path_names_its_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert chirospin(["solve", "crystal", "--set", f"point_group={LONG}"]) == 2
    assert "`point_group` must be text of at most 4096" in capsys.readouterr().err


def test_a_hop_beyond_any_energy_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = tmp_path / "pair.toml"
    ends = "[left]\nsites = [1]\n[right]\nsites = [2]\n"
    sites = "[[site]]\nlevels = [0.0]\n" * 2
    system.write_text(f"{sites}[[hop]]\nbetween = [1, 2]\nvalue = 1e308\n{ends}")
    assert chirospin(["solve", "models.custom", "--set", f"system={system}"]) == 2
    assert "Value of hop 1 must be numbers" in capsys.readouterr().err
