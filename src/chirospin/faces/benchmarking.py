"""What `chirospin benchmark` prints: problems of the public benchmark, and results of any code against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chirospin.benchmark import MET, MISSED, NOT_GIVEN, BenchmarkVerdict
from chirospin.faces.text import table


def benchmark_list_text(problems: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each problem."""
    rows = [
        [
            name,
            "0" if problem["kind"] == "zero" else f"{problem['value']:.10g}",
            problem["unit"],
            problem["question"],
        ]
        for name, problem in problems.items()
    ]
    zeros = sum(problem["kind"] == "zero" for problem in problems.values())
    head = f"{len(rows)} problems, {zeros} exact zeros and {len(rows) - zeros} numbers"
    return f"{head}\n{table(rows, ['problem', 'value', 'unit', 'question'])}"


def benchmark_problem_text(one: Mapping[str, Any]) -> str:
    """A problem in words."""
    because = f" ({one['zero_because']})" if one["zero_because"] else ""
    lines = [
        f"{one['name']}: {one['question']}",
        f"  model       {one['model']}",
        f"  equations   {one['equations']}",
        f"  source      {'; '.join(one['source'])}",
        f"  conventions {one['conventions']}",
        f"  quantity    {one['quantity']}",
        f"  value       {one['value']:.12g} {one['unit']}{because}",
        f"  tolerance   {one['tolerance']:g}: {one['tolerance_because']}",
    ]
    lines += [f"  route       {route['name']}: {route['value']:.12g}" for route in one["routes"]]
    rows = [
        [name, str(each["value"]), each["unit"], each["meaning"]]
        for name, each in one["parameters"].items()
    ]
    return "\n".join([*lines, table(rows, ["parameter", "value", "unit", "meaning"])])


def benchmark_verdicts_text(verdicts: Sequence[BenchmarkVerdict]) -> str:
    """A verdict for each problem, and how many are met."""
    rows = [
        [
            verdict.verdict,
            verdict.name,
            "" if verdict.found is None else f"{verdict.found:.10g}",
            f"{verdict.value:.10g}",
            f"{verdict.tolerance:g}",
        ]
        for verdict in verdicts
    ]
    count = {
        word: sum(verdict.verdict == word for verdict in verdicts)
        for word in (MET, MISSED, NOT_GIVEN)
    }
    last = f"{count[MET]} met, {count[MISSED]} missed, {count[NOT_GIVEN]} not given"
    return f"{table(rows, ['verdict', 'problem', 'found', 'value', 'tolerance'])}\n{last}"


def benchmark_verdicts_json(verdicts: Sequence[BenchmarkVerdict]) -> dict[str, Any]:
    """The same for a machine."""
    return {
        verdict.name: {
            "verdict": verdict.verdict.lower(),
            "found": verdict.found,
            "value": verdict.value,
            "tolerance": verdict.tolerance,
        }
        for verdict in verdicts
    }
