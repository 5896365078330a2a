"""`chirospin benchmark`: results of any code against the files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chirospin.benchmark import PROBLEMS_FOLDER, benchmark_problems
from chirospin.faces.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def run(path: Path, given: Any, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    path.write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
    code = main(["benchmark", "run", "--against", str(path), *more])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_right_results_pass_and_a_wrong_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"
    right = {name: one["value"] for name, one in benchmark_problems().items()}
    code, said = run(file, right, capsys)
    assert (code, f"{len(right)} met, 0 missed" in said) == (0, True)
    wrong = right | {"stack-reference-point": 0.2410677}  # the other sign
    code, said = run(file, wrong, capsys)
    assert code == 1
    assert "benchmark FAILED: stack-reference-point is 0.2410677" in said
    assert f"{len(right) - 1} met, 1 missed" in said
    code, said = run(file, {"stack-without-repulsion": None}, capsys, "--json")
    assert code == 1
    assert json.loads(said[: said.rindex("}") + 1])["stack-without-repulsion"]["found"] is None
    code, said = run(file, {"stack-without-repulsion": 1e-12}, capsys)
    assert (code, "1 met, 0 missed" in said) == (0, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "must be JSON"),
        ("[1]", "must hold an object"),
        ("{}", "must hold an object"),
        ({"stack-reference-pint": 1.0}, "stack-reference-point"),
        ({"stack-reference-point": "0.2"}, "must be a number"),
        ({"stack-reference-point": True}, "must be a number"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: Any, words: str
) -> None:
    code, said = run(tmp_path / "results.json", given, capsys)
    assert code == 2
    assert words in said
    assert said.count("\n") == 1


def test_no_file_and_no_problem_are_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "run", "--against", "nowhere.json"]) == 2
    assert main(["benchmark", "show", "nothing"]) == 2


def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed["problems"]) == len(benchmark_problems())
    assert main(["benchmark", "show", "stack-reference-point"]) == 0
    said = capsys.readouterr().out
    assert "QuTiP" in said
    assert "energy_b" in said


def test_the_script_of_the_page_reads_the_files_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a process where the package cannot be imported."""
    page = (DOCS / "howto" / "benchmark.md").read_text(encoding="utf-8")
    script = page.split(":caption: own_code.py\n\n")[1].split("```")[0]
    (tmp_path / "own_code.py").write_text(script, encoding="utf-8")
    alone = (
        "import runpy, sys; sys.modules['chirospin'] = None; "
        "sys.argv = ['own_code.py', sys.argv[1]]; runpy.run_path('own_code.py')"
    )
    command = [sys.executable, "-c", alone, str(PROBLEMS_FOLDER)]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert main(["benchmark", "run", "--against", str(tmp_path / "results.json")]) == 0
    assert "2 met, 0 missed" in capsys.readouterr().out
